/* Networks as oneDNN runs them, fused and with memory reused, against the naive twin of tflite_made.h. */
#include "tflite_made.h"
#include "vision/fuse.h"
#include "vision/network.h"
#include "vision/tflite.h"

static made file;

/* Builds the network, asks for these tensors, runs three images on one and two threads, and compares each. */
static void compare(made_network *n, int count, const int *tensors)
{
    enum { IMAGES = 3 };
    mask_error err;
    mask__graph g;
    uint32_t wanted[4];
    float *outputs[4];
    n->output_count = count;
    for (int i = 0; i < count; i++) wanted[i] = (uint32_t)(n->outputs[i] = tensors[i]);
    made_build(&file, n);
    check_ok(made_read(&g, file.data, file.size, "made", &err));
    size_t values = g.tensors[g.input].count;
    float *input = malloc(IMAGES * values * sizeof *input);
    assert_non_null(input);
    for (size_t i = 0; i < IMAGES * values; i++) input[i] = made_random();
    for (int o = 0; o < count; o++)
        assert_non_null(outputs[o] = malloc(IMAGES * g.tensors[wanted[o]].count * sizeof(float)));
    for (int threads = 1; threads <= 2; threads++)
        for (size_t images = 1; images <= IMAGES; images += 2) {
            mask__network *network;
            check_ok(mask__network_open(&network, &g, wanted, (size_t)count, threads, &err));
            check_ok(mask__network_run(network, input, images, outputs, &err));
            check_ok(
                mask__network_run(network, input, images, outputs, &err)); /* nothing is left over from the first */
            mask__network_close(network);
            for (size_t i = 0; i < images; i++) {
                float **expected = naive_run(&g, input + i * values);
                for (int o = 0; o < count; o++)
                    for (size_t k = 0; k < g.tensors[wanted[o]].count; k++) {
                        float ours = outputs[o][i * g.tensors[wanted[o]].count + k], theirs = expected[wanted[o]][k];
                        if (!(fabsf(ours - theirs) <= 1e-4f * (1 + fabsf(theirs))))
                            fail_msg("image %zu, output %d, value %zu: %g, naive %g", i, o, k, (double)ours,
                                     (double)theirs);
                    }
                naive_free(&g, expected);
            }
        }
    for (int o = 0; o < count; o++) free(outputs[o]);
    free(input);
    mask__graph_free(&g);
    made_free(n);
}

static void convolutions(void **state)
{
    (void)state;
    static const struct {
        int h, w, in, out, kernel, stride, dilation, padding, act;
    } cases[] = {
        {9, 7, 3, 32, 3, 2, 1, SAME, RELU6},   {8, 8, 3, 16, 3, 2, 1, SAME, RELU},
        {9, 9, 16, 32, 1, 1, 1, SAME, NONE},   {5, 6, 24, 40, 3, 1, 1, SAME, RELU6},
        {10, 10, 32, 16, 3, 2, 1, SAME, RELU}, {9, 9, 16, 16, 3, 1, 2, SAME, NONE},
        {9, 9, 20, 5, 3, 2, 1, VALID, NONE},   {4, 4, 1, 1, 2, 1, 1, VALID, RELU},
        {7, 7, 5, 7, 5, 3, 1, SAME, RELU6},    {1, 1, 64, 24, 3, 2, 1, SAME, NONE},
        {2, 2, 17, 33, 3, 2, 1, SAME, RELU},   {6, 1, 12, 12, 1, 2, 1, VALID, NONE},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        made_network n = {0};
        int x = made_add(&n, 1, cases[i].h, cases[i].w, cases[i].in);
        int y = made_conv(&n, x, cases[i].out, cases[i].kernel, cases[i].stride, cases[i].dilation, cases[i].padding,
                          cases[i].act);
        compare(&n, 1, &y);
    }
}

static void depthwise_convolutions(void **state)
{
    (void)state;
    static const struct {
        int h, w, in, multiplier, kernel, stride, padding, act;
    } cases[] = {
        {9, 9, 32, 1, 3, 1, SAME, RELU6}, {10, 10, 24, 1, 3, 2, SAME, RELU6}, {10, 9, 16, 1, 5, 2, SAME, NONE},
        {7, 7, 3, 1, 3, 1, VALID, RELU},  {6, 6, 4, 2, 3, 1, SAME, NONE},     {5, 5, 1, 8, 3, 2, SAME, RELU6},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        made_network n = {0};
        int x = made_add(&n, 1, cases[i].h, cases[i].w, cases[i].in);
        int y = made_depthwise(&n, x, cases[i].multiplier, cases[i].kernel, cases[i].stride, cases[i].padding,
                               cases[i].act);
        compare(&n, 1, &y);
    }
}

/* The residual block of MobileNet: expand, depthwise, project, add. keep: the summand is an output too. late: it is
 * read again after the sum. swap: the sum names it first. */
static void residual(bool keep, bool late, bool swap, int act)
{
    made_network n = {0};
    int x = made_add(&n, 1, 8, 8, 3), start = made_conv(&n, x, 24, 3, 2, 1, SAME, NONE);
    int y = made_conv(&n, start, 48, 1, 1, 1, SAME, RELU6);
    y = made_depthwise(&n, y, 1, 3, 1, SAME, RELU6);
    y = made_conv(&n, y, 24, 1, 1, 1, SAME, NONE);
    y = swap ? made_pair(&n, 0, start, y, act) : made_pair(&n, 0, y, start, act);
    int end = made_conv(&n, y, 16, 1, 1, 1, SAME, RELU);
    if (late) end = made_conv(&n, made_pair(&n, 18, y, start, NONE), 8, 1, 1, 1, SAME, NONE);
    compare(&n, keep ? 2 : 1, (int[]){end, start});
}

static void residual_sums(void **state)
{
    (void)state;
    for (int variant = 0; variant < 8; variant++)
        residual(variant & 1, variant & 2, variant & 4, variant % 3 == 0 ? RELU6 : NONE);
    made_network n = {
        0}; /* the input itself is the summand; two convolutions are summed; a tensor is added to itself */
    int x = made_add(&n, 1, 6, 6, 16), a = made_conv(&n, x, 16, 3, 1, 1, SAME, NONE);
    int b = made_conv(&n, x, 16, 1, 1, 1, SAME, NONE), sum = made_pair(&n, 0, made_pair(&n, 0, a, b, RELU), x, NONE);
    int twice = made_pair(&n, 0, sum, sum, NONE);
    compare(&n, 2, (int[]){twice, a});
}

/* A residual sum must not overwrite what is read between it and the convolution, nor take a result with two readers. */
static void readers_in_between(void **state)
{
    (void)state;
    made_network n = {0};
    int x = made_add(&n, 1, 6, 6, 3), start = made_conv(&n, x, 16, 3, 1, 1, SAME, RELU6),
        y = made_conv(&n, start, 16, 1, 1, 1, SAME, NONE);
    int between = made_conv(&n, start, 24, 1, 1, 1, SAME, NONE), sum = made_pair(&n, 0, y, start, NONE);
    compare(&n, 2, (int[]){sum, between});
    made_network m = {0};
    x = made_add(&m, 1, 6, 6, 3);
    y = made_conv(&m, x, 16, 3, 1, 1, SAME, NONE);
    int other = made_conv(&m, y, 16, 1, 1, 1, SAME, NONE);
    compare(&m, 2, (int[]){made_plain(&m, 19, y), other});
}

static void a_tensor_asked_for_is_not_fused_away(void **state)
{
    (void)state;
    made_network n = {0};
    int x = made_add(&n, 1, 6, 6, 3), a = made_conv(&n, x, 16, 1, 1, 1, SAME, NONE),
        b = made_conv(&n, a, 16, 1, 1, 1, SAME, NONE);
    int sum = made_pair(&n, 0, a, b, NONE), end = made_plain(&n, 21, sum);
    compare(&n, 4, (int[]){end, sum, b, a});
}

static void activations(void **state)
{
    (void)state;
    static const int codes[] = {19, 21, 14, 117}; /* RELU, RELU6, LOGISTIC, HARD_SWISH */
    for (size_t i = 0; i < 4; i++) {
        made_network n = {0};
        int x = made_add(&n, 1, 5, 5, 3), plain = made_plain(&n, codes[i], x),
            y = made_conv(&n, x, 20, 3, 1, 1, SAME, NONE);
        compare(&n, 2, (int[]){made_plain(&n, codes[i], y), plain});
    }
}

/* PyTorch writes a ReLU6 as two operators; the convolution before them does both. */
static void bounds_after_bounds(void **state)
{
    (void)state;
    mask_error err;
    mask__graph g, fused;
    made_network n = {0};
    int x = made_add(&n, 1, 5, 5, 3), y = made_conv(&n, x, 20, 3, 1, 1, SAME, NONE),
        end = made_plain(&n, 21, made_plain(&n, 19, y));
    n.output_count = 1;
    n.outputs[0] = end;
    made_build(&file, &n);
    check_ok(made_read(&g, file.data, file.size, "made", &err));
    check_ok(mask__fuse(&g, &(uint32_t){(uint32_t)end}, 1, &fused, &err));
    assert_int_equal(fused.op_count, 1);
    assert_true(fused.ops[0].activation == MASK__CLIP && fused.ops[0].low == 0 && fused.ops[0].high == 6);
    mask__graph_free(&fused);
    mask__graph_free(&g);
    compare(&n, 1, &end);
}

static void padding_before_a_convolution(void **state)
{
    (void)state;
    for (int alone = 0; alone < 2; alone++) {
        made_network n = {0};
        int x = made_add(&n, 1, 8, 8, 3), y = made_conv(&n, x, 16, 1, 1, 1, SAME, RELU),
            padded = made_pad(&n, y, 0, 1, 2, 1);
        y = made_depthwise(&n, padded, 1, 3, 2, VALID, RELU6);
        compare(&n, 1 + alone, (int[]){y, padded});
    }
    made_network n = {0}; /* before a convolution that pads too, unevenly */
    int x = made_add(&n, 1, 5, 5, 16), y = made_conv(&n, made_pad(&n, x, 1, 0, 0, 1), 16, 3, 1, 1, SAME, NONE);
    compare(&n, 1, &y);
}

static void the_head_of_a_classifier(void **state)
{
    (void)state;
    made_network n = {0};
    int x = made_add(&n, 1, 9, 9, 3), y = made_conv(&n, x, 32, 3, 2, 1, SAME, RELU6),
        average = made_pool(&n, 1, y, 3, 2, SAME);
    int most = made_pool(&n, 17, y, 2, 2, VALID), mean = made_mean(&n, y), logits = made_fully(&n, mean, 10, NONE);
    int soft = made_plain(&n, 25, logits);
    n.ops[n.op_count - 1].options[0] = 0x40000000; /* beta = 2 */
    n.ops[n.op_count - 1].option_count = 1;
    compare(&n, 4, (int[]){soft, average, most, mean});
}

static void squeeze_and_excite(void **state)
{
    (void)state;
    made_network n = {0};
    int x = made_add(&n, 1, 6, 6, 3), y = made_conv(&n, x, 24, 3, 1, 1, SAME, RELU);
    int weight =
        made_plain(&n, 14, made_conv(&n, made_reshape(&n, made_mean(&n, y), 1, 1, 1, 24), 24, 1, 1, 1, SAME, RELU));
    int scaled = made_pair(&n, 18, y, weight, NONE), product = made_pair(&n, 18, scaled, y, RELU6);
    int biased = made_pair(&n, 0, product, made_weights(&n, 24, 0, 0, 0), NONE),
        single = made_pair(&n, 18, biased, made_weights(&n, 1, 0, 0, 0), NONE);
    compare(&n, 2, (int[]){made_conv(&n, single, 8, 1, 1, 1, SAME, NONE), biased});
}

static void joined_predictions(void **state)
{
    (void)state;
    made_network n = {0};
    int x = made_add(&n, 1, 8, 8, 3), a = made_conv(&n, x, 16, 3, 2, 1, SAME, RELU6),
        b = made_conv(&n, a, 32, 3, 2, 1, SAME, RELU6);
    int pa = made_reshape(&n, made_conv(&n, a, 12, 1, 1, 1, SAME, NONE), 1, 48, 4, 0);
    int pb = made_reshape(&n, made_conv(&n, b, 12, 1, 1, 1, SAME, NONE), 1, 12, 4, 0), all = made_add(&n, 1, 60, 4, 0);
    made_op *op = made_operator(&n, 2, pa, pb, MADE_ABSENT, all);
    op->options[0] = 1; /* axis */
    op->option_count = 2;
    int channels = made_add(&n, 1, 60, 8, 0);
    op = made_operator(&n, 2, all, all, MADE_ABSENT, channels);
    op->options[0] = -1;
    op->option_count = 2;
    compare(&n, 3, (int[]){channels, all, b});
}

/* Results do not depend on threads or company. */
static void same_bits(void **state)
{
    (void)state;
    mask_error err;
    mask__graph g;
    mask__network *one, *two;
    made_network n = {0};
    static float input[2][16 * 16 * 3], first[2][8 * 8 * 32], second[2][8 * 8 * 32], alone[8 * 8 * 32];
    int x = made_add(&n, 1, 16, 16, 3), y = made_conv(&n, x, 16, 3, 2, 1, SAME, RELU6);
    y = made_conv(&n, made_depthwise(&n, y, 1, 3, 1, SAME, RELU6), 32, 1, 1, 1, SAME, NONE);
    int unused = made_conv(&n, y, 64, 3, 1, 1, SAME, NONE);
    n.outputs[n.output_count++] = unused;
    made_build(&file, &n);
    check_ok(made_read(&g, file.data, file.size, "made", &err));
    for (size_t i = 0; i < 2 * sizeof input[0] / sizeof(float); i++) input[i % 2][i / 2] = made_random();
    uint32_t wanted = (uint32_t)y;
    check_ok(mask__network_open(&one, &g, &wanted, 1, 1, &err));
    check_ok(mask__network_open(&two, &g, &wanted, 1, 2, &err));
    check_ok(mask__network_run(one, input[0], 2, (float *[]){first[0]}, &err));
    check_ok(mask__network_run(two, input[0], 2, (float *[]){second[0]}, &err));
    assert_memory_equal(first, second, sizeof first);
    check_ok(mask__network_run(two, input[1], 1, (float *[]){alone}, &err));
    assert_memory_equal(first[1], alone, sizeof alone);
    assert_true(mask__network_memory(one) < 4 * sizeof(float) * (16 * 16 * 3 + 8 * 8 * 80));
    mask__network_close(one);
    mask__network_close(two);
    mask__graph_free(&g);
    made_free(&n);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(convolutions),
        cmocka_unit_test(depthwise_convolutions),
        cmocka_unit_test(residual_sums),
        cmocka_unit_test(readers_in_between),
        cmocka_unit_test(a_tensor_asked_for_is_not_fused_away),
        cmocka_unit_test(bounds_after_bounds),
        cmocka_unit_test(activations),
        cmocka_unit_test(padding_before_a_convolution),
        cmocka_unit_test(the_head_of_a_classifier),
        cmocka_unit_test(squeeze_and_excite),
        cmocka_unit_test(joined_predictions),
        cmocka_unit_test(same_bits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
