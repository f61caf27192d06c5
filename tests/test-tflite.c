/* The TFLite reader: attributes, weights of every type, one refusal for each rule, and damage of any kind. */
#include "tflite_made.h"
#include "math/half.h"
#include "vision/network.h"
#include "vision/tflite.h"

#include <limits.h>

static made file;

static mask_status read_made(const made_network *n, mask__graph *g, mask_error *err)
{
    made_build(&file, n);
    return made_read(g, file.data, file.size, "made.tflite", err);
}

/* Expects a refusal, and frees the network. */
static void refuse(made_network *n, int output, const char *part)
{
    mask_error err;
    mask__graph g;
    if (n->output_count == 0) n->outputs[n->output_count++] = output;
    check_fails(read_made(n, &g, &err), MASK_EFORMAT, part);
    assert_null(g.tensors);
    assert_non_null(strstr(err.message, "made.tflite"));
    made_free(n);
}

static void attributes(void **state)
{
    (void)state;
    mask_error err;
    mask__graph g;
    made_network n = {0};
    int x = made_add(&n, 1, 12, 9, 3), y = made_add(&n, 1, 6, 3, 8);
    made_op *op = made_operator(&n, 3, x, made_weights(&n, 8, 3, 5, 3), -1, y); /* no bias */
    memcpy(op->options, (int[]){SAME, 3, 2, RELU6, 1, 1}, 6 * sizeof(int));     /* stride_w 3, stride_h 2 */
    op->option_count = 6;
    int z = made_add(&n, 1, 2, 2, 16); /* (6 - 3) / 2 + 1, 3 - 2 + 1 */
    op = made_operator(&n, 4, y, made_weights(&n, 1, 3, 2, 16), MADE_ABSENT, z);
    op->input_count = 2;
    memcpy(op->options, (int[]){VALID, 1, 2, 2, RELU, 1, 1}, 7 * sizeof(int));
    op->option_count = 7;
    n.outputs[n.output_count++] = z;
    check_ok(read_made(&n, &g, &err));
    assert_int_equal(g.op_count, 2);
    assert_int_equal(g.ops[0].stride[0], 2);
    assert_int_equal(g.ops[0].stride[1], 3);
    assert_int_equal(g.ops[0].activation, MASK__CLIP);
    assert_int_equal(g.ops[0].inputs[2], MASK__NO_TENSOR);
    assert_int_equal(g.ops[0].pad_before[0], 0); /* 5 x 2 + 3 - 12 = 1, the odd one at the end */
    assert_int_equal(g.ops[0].pad_after[0], 1);
    assert_int_equal(g.ops[0].pad_before[1], 1); /* 2 x 3 + 5 - 9 = 2 */
    assert_int_equal(g.ops[0].pad_after[1], 1);
    assert_int_equal(g.ops[1].kind, MASK__OP_CONV);
    assert_int_equal(g.ops[1].stride[0], 2);
    assert_int_equal(g.ops[1].pad_after[0], 0);
    assert_int_equal(g.ops[1].activation, MASK__RELU);
    assert_string_equal(g.tensors[x].name, "tensor1");
    mask__graph_free(&g);
    made_free(&n);
}

static void names_find_tensors(void **state)
{
    (void)state;
    mask_error err;
    mask__graph g;
    made_network n = {0};
    int x = made_add(&n, 1, 4, 4, 3), a = made_plain(&n, 19, x), b = made_plain(&n, 19, a), c = made_plain(&n, 21, b);
    n.tensors[a].name = "net/Conv/Relu";
    n.tensors[b].name = "net/Conv_1/Relu";
    n.tensors[c].name = "net/Conv\n_2";
    n.outputs[n.output_count++] = c;
    check_ok(read_made(&n, &g, &err));
    assert_int_equal(mask__graph_find(&g, "net/Conv/Relu"), a);
    assert_int_equal(mask__graph_find(&g, "Conv_1"), b);
    assert_int_equal(mask__graph_find(&g, "Conv\n_2"), c);
    assert_true(mask__graph_find(&g, "Relu") == MASK__NO_TENSOR);
    assert_true(mask__graph_find(&g, "Gelu") == MASK__NO_TENSOR);
    mask__graph_free(&g);
}

/* A 1x1 convolution of 2 channels to 2 with the weights 1 -2 / 0.5 3 in a type. */
static void weights_of_type(int type, bool dequantise, const void *bytes, size_t size, const float *scales,
                            int scale_count, int64_t zero)
{
    static const float expected[4] = {1, -2, 0.5f, 3};
    mask_error err;
    mask__graph g;
    made_network n = {0};
    int x = made_add(&n, 1, 2, 2, 2), w = made_add(&n, 2, 1, 1, 2), bias = made_weights(&n, 2, 0, 0, 0),
        y = made_add(&n, 1, 2, 2, 2);
    void *copy = malloc(size);
    assert_non_null(copy);
    n.tensors[w].type = type;
    n.tensors[w].data = memcpy(copy, bytes, size);
    n.tensors[w].bytes = size;
    n.tensors[w].scales = scales;
    n.tensors[w].scale_count = scale_count;
    n.tensors[w].zero = zero;
    if (dequantise) {
        int floats = made_add(&n, 2, 1, 1, 2);
        made_operator(&n, 6, w, -1, MADE_ABSENT, floats);
        w = floats;
    }
    made_op *op = made_operator(&n, 3, x, w, bias, y);
    memcpy(op->options, (int[]){SAME, 1, 1, NONE, 1, 1}, 6 * sizeof(int));
    op->option_count = 6;
    n.outputs[n.output_count++] = y;
    check_ok(read_made(&n, &g, &err));
    assert_int_equal(g.op_count, 1);
    for (int i = 0; i < 4; i++) assert_true(fabsf(g.tensors[w].values[i] - expected[i]) < 1e-6f);
    mask__graph_free(&g);
    made_free(&n);
}

static void weights_of_every_type(void **state)
{
    (void)state;
    const float floats[4] = {1, -2, 0.5f, 3}, half_step = 0.5f, steps[2] = {1, 0.5f};
    uint16_t halves[4];
    mask__float_to_half(floats, halves, 4);
    weights_of_type(F32, false, floats, sizeof floats, NULL, 0, 0);
    weights_of_type(F16, true, halves, sizeof halves, NULL, 0, 0);
    weights_of_type(I8, false, (int8_t[]){2, -4, 1, 6}, 4, &half_step, 1, 0);
    weights_of_type(I8, true, (int8_t[]){1, -5, 0, 5}, 4, &half_step, 1, -1);
    weights_of_type(I8, false, (int8_t[]){1, -2, 1, 6}, 4, steps, 2, 0);
    weights_of_type(U8, true, (uint8_t[]){130, 124, 129, 134}, 4, &half_step, 1, 128);
}

static void unsupported_operators_are_named(void **state)
{
    (void)state;
    static const struct {
        int code;
        const char *part;
    } cases[] = {{28, "operator 0 (TANH): is not supported"},
                 {39, "operator 0 (TRANSPOSE)"},
                 {118, "operator 0 (IF)"},
                 {150, "newer TensorFlow"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        made_network n = {0};
        refuse(&n, made_plain(&n, cases[i].code, made_add(&n, 1, 4, 4, 3)), cases[i].part);
    }
    made_network n = {0};
    int y = made_plain(&n, 32, made_add(&n, 1, 4, 4, 3));
    n.ops[0].custom = "TFLite_Other\nPostProcess";
    refuse(&n, y, "operator 0 (TFLite_Other\\x0aPostProcess): is not supported");
    n.ops[0].custom = "RELU"; /* somebody's own, not TensorFlow's */
    refuse(&n, y, "operator 0 (RELU): is not supported");
    made_network m = {0};
    int x = made_add(&m, 1, 4, 4, 1), z = made_add(&m, 1, 4, 4, 8);
    made_op *op = made_operator(&m, 4, x, made_weights(&m, 8, 1, 1, 1), MADE_ABSENT, z);
    op->input_count = 2;
    memcpy(op->options, (int[]){VALID, 1, 1, 8, NONE, 1, 1}, 7 * sizeof(int));
    op->option_count = 7;
    refuse(&m, z, "its weights do not fit its input's channels"); /* a plain convolution's */
}

/* A quantised network is one of real numbers within what its integers hold. */
static void quantised_networks_are_clamped(void **state)
{
    (void)state;
    static const float input_scale = 0.5f, scale = 0.25f, sum_scale = 1;
    mask_error err;
    mask__graph g;
    float step, zero;
    made_network n = {0};
    int x = made_add(&n, 1, 1, 1, 3), y = made_conv(&n, x, 4, 1, 1, 1, SAME, RELU), z = made_plain(&n, 114, y),
        soft = made_plain(&n, 14, z), floats = made_plain(&n, 6, soft);
    n.tensors[x].type = n.tensors[soft].type = U8;
    n.tensors[y].type = n.tensors[z].type = I8;
    n.tensors[x].scales = n.tensors[soft].scales = &input_scale;
    n.tensors[y].scales = &scale;
    n.tensors[z].scales = &sum_scale;
    for (int i = 0; i < n.tensor_count; i++) n.tensors[i].scale_count = 1;
    n.tensors[x].zero = 3;
    n.tensors[y].zero = -100;
    n.outputs[n.output_count++] = floats;
    made_build(&file, &n);
    check_ok(mask__tflite_read(&g, file.data, file.size, 0, "made.tflite", &step, &zero, &err));
    assert_true(step == 0.5f && zero == 3);
    assert_int_equal(g.ops[0].activation, MASK__CLIP);
    assert_true(g.ops[0].low == 0 && g.ops[0].high == 227 * 0.25f); /* RELU, and 127 + 100 steps */
    assert_true(g.ops[1].low == -128 && g.ops[1].high == 127);
    assert_int_equal(g.ops[2].activation, MASK__LOGISTIC);
    assert_true(g.ops[3].activation == MASK__CLIP && g.ops[3].high == 127.5f);
    assert_int_equal(g.op_count, 5);
    mask__graph_free(&g);
    made_free(&n);
    made_network m = {0};
    y = made_conv(&m, made_add(&m, 1, 4, 4, 3), 4, 1, 1, 1, SAME, NONE);
    m.tensors[y].type = I8;
    refuse(&m, y, "operator 0 (CONV_2D): computes in integers without one scale");
    made_network o = {0};
    y = made_plain(&o, 19, made_add(&o, 1, 4, 4, 3));
    o.tensors[0].type = U8;
    refuse(&o, y, "the input is not one image of float values or bytes");
}

/* What goes into a detector's post-processing goes out, before it is made probabilities. */
static void post_processing_is_cut_off(void **state)
{
    (void)state;
    mask_error err;
    mask__graph g;
    made_network n = {0};
    int x = made_add(&n, 1, 4, 4, 3), boxes = made_conv(&n, x, 4, 1, 1, 1, SAME, NONE),
        scores = made_conv(&n, x, 2, 1, 1, 1, SAME, NONE), likely = made_plain(&n, 14, scores);
    int found = made_add(&n, 1, 10, 4, 0);
    made_operator(&n, 32, boxes, likely, made_weights(&n, 16, 4, 0, 0), found)->custom = "TFLite_Detection_PostProcess";
    n.outputs[n.output_count++] = found;
    check_ok(read_made(&n, &g, &err));
    assert_int_equal(g.output_count, 2);
    assert_int_equal(g.outputs[0], boxes);
    assert_int_equal(g.outputs[1], scores);
    mask__graph_free(&g);
    made_free(&n);
}

/* At another side all but the head is there. */
static void other_sides(void **state)
{
    (void)state;
    mask_error err;
    mask__graph g;
    float scale, zero;
    made_network n = {0};
    int map = made_conv(&n, made_add(&n, 1, 8, 8, 3), 4, 3, 2, 1, SAME, RELU), head = made_fully(&n, map, 5, NONE);
    n.outputs[n.output_count++] = head;
    made_build(&file, &n);
    check_ok(mask__tflite_read(&g, file.data, file.size, 12, "made.tflite", &scale, &zero, &err));
    assert_int_equal(g.tensors[map].shape[1], 6);
    assert_int_equal(g.output_count, 0);
    mask__graph_free(&g);
    made_free(&n);
}

/* Each changes one thing of a good network: input, convolution, residual sum, pad, mean, fully connected. */
enum { X, WEIGHTS, BIAS, CONV_OUT };

typedef struct rules {
    int a, sum, padded, pads, mean, axes, full;
} rules;

static rules build_rules(made_network *n)
{
    rules r;
    r.a = made_conv(n, made_add(n, 1, 8, 8, 3), 4, 3, 1, 1, SAME, RELU);
    r.sum = made_pair(n, 0, r.a, made_conv(n, r.a, 4, 1, 1, 1, SAME, NONE), NONE);
    r.padded = made_pad(n, r.sum, 1, 1, 1, 1);
    r.pads = n->ops[3].inputs[1];
    r.mean = made_mean(n, r.padded);
    r.axes = n->ops[4].inputs[1];
    r.full = made_fully(n, r.mean, 5, NONE);
    return r;
}

static void one_rule_each(void **state)
{
    (void)state;
    static made_network n;
#define RULE(change, part)                                                                                             \
    do {                                                                                                               \
        memset(&n, 0, sizeof n);                                                                                       \
        rules r = build_rules(&n);                                                                                     \
        (void)r;                                                                                                       \
        change;                                                                                                        \
        refuse(&n, r.full, part);                                                                                      \
    } while (0)
    RULE(n.subgraphs = 2, "version 3 with 2 subgraphs");
    RULE(n.version = 2, "TFLite version 2");
    RULE(n.tensors[X].shape[0] = 2, "the input is not one image");
    RULE(n.tensors[X].ndim = 3, "the input is not one image");
    RULE(n.tensors[WEIGHTS].shape[3] = 2, "operator 0 (CONV_2D): its weights have another size");
    RULE(n.tensors[WEIGHTS].bytes -= 4, "operator 0 (CONV_2D): its weights have another size");
    RULE(n.tensors[WEIGHTS].type = 4, "operator 0 (CONV_2D): its weights have another size or type");
    RULE(n.tensors[WEIGHTS].type = I8;
         n.tensors[WEIGHTS].bytes /= 4, "operator 0 (CONV_2D): its weights have another size or type");
    RULE(n.tensors[BIAS].shape[0] = 2; n.tensors[BIAS].bytes = 8, "operator 0 (CONV_2D): its weights or bias");
    RULE(n.tensors[CONV_OUT].shape[2] = 7, "operator 0 (CONV_2D): its result has another shape");
    RULE(n.tensors[CONV_OUT].shape[3] = 5, "operator 0 (CONV_2D): its result has another shape");
    RULE(n.tensors[CONV_OUT].shape[0] = 2, "operator 0 (CONV_2D): its result has another shape");
    RULE(n.tensors[CONV_OUT].shape[1] = -1, "operator 0 (CONV_2D): its result has another shape");
    RULE(n.tensors[CONV_OUT].shape[1] = 0x7fffffff;
         n.tensors[CONV_OUT].shape[2] = 0x7fffffff, "its result has another shape");
    RULE(n.ops[0].options[0] = 2, "operator 0 (CONV_2D): has an unknown padding");
    RULE(n.ops[0].options[1] = 0, "operator 0 (CONV_2D): its window");
    RULE(n.ops[0].options[3] = 2, "operator 0 (CONV_2D): has an unsupported fused activation");
    RULE(n.ops[0].options[4] = -1, "operator 0 (CONV_2D): its window");
    RULE(n.ops[0].inputs[0] = r.a, "operator 0 (CONV_2D): reads a tensor that was not computed");
    RULE(n.ops[0].inputs[0] = BIAS, "operator 0 (CONV_2D): works on a constant");
    RULE(n.ops[0].inputs[1] = X, "operator 0 (CONV_2D): its weights or bias are not constants");
    RULE(n.ops[0].inputs[1] = 63, "operator 0 (CONV_2D): its tensors do not exist");
    RULE(n.ops[0].inputs[1] = -1, "operator 0 (CONV_2D): its tensors do not exist");
    RULE(n.ops[0].input_count = 1, "operator 0 (CONV_2D): has a wrong number of inputs");
    RULE(n.ops[0].input_count = 4; n.ops[0].inputs[3] = BIAS, "operator 0 (CONV_2D): has a wrong number of inputs");
    RULE(n.ops[0].output = 63, "operator 0 (CONV_2D): its tensors do not exist");
    RULE(n.ops[1].output = X, "operator 1 (CONV_2D): writes a tensor that has its values");
    RULE(n.ops[2].options[0] = 4, "operator 2 (ADD): has an unsupported fused activation");
    RULE(n.ops[2].inputs[1] = X, "operator 2 (ADD): its inputs' shapes do not fit");
    RULE(n.tensors[r.sum].ndim = 3, "operator 2 (ADD): its result has another shape");
    RULE(((int *)n.tensors[r.pads].data)[0] = 1, "operator 3 (PAD): its result has another shape");
    RULE(((int *)n.tensors[r.pads].data)[2] = -1, "operator 3 (PAD): takes values away");
    RULE(n.tensors[r.padded].shape[1] = 9, "operator 3 (PAD): its result has another shape");
    RULE(n.tensors[r.pads].type = F32, "operator 3 (PAD): has no constant padding");
    RULE(((int *)n.tensors[r.axes].data)[0] = 2, "operator 4 (MEAN): its result has another shape");
    RULE((((int *)n.tensors[r.axes].data)[0] = INT_MAX, ((int *)n.tensors[r.axes].data)[1] = INT_MAX),
         "operator 4 (MEAN): its dimensions are not there");
    RULE(n.tensors[r.mean].shape[1] = 3, "operator 4 (MEAN): its result has another shape");
    RULE(n.tensors[r.full].shape[1] = 6, "operator 5 (FULLY_CONNECTED): its result has another shape");
    RULE(n.ops[5].inputs[0] = r.sum, "operator 5 (FULLY_CONNECTED): its result has");
    RULE(n.outputs[n.output_count++] = 63, "output 0 is computed by no operator");
    RULE(n.outputs[n.output_count++] = WEIGHTS, "output 0 is computed by no operator");
#undef RULE
}

static void more_rules(void **state)
{
    (void)state;
    made_network n = {0};
    int x = made_add(&n, 1, 8, 8, 3), y = made_depthwise(&n, x, 1, 3, 1, SAME, NONE);
    n.tensors[n.ops[0].inputs[1]].shape[0] = 3;
    n.tensors[n.ops[0].inputs[1]].shape[3] = 1;
    refuse(&n, y, "operator 0 (DEPTHWISE_CONV_2D): its weights");
    made_network m = {0};
    x = made_add(&m, 1, 8, 8, 3);
    y = made_pool(&m, 1, x, 3, 2, VALID);
    m.ops[0].options[3] = 9;
    refuse(&m, y, "operator 0 (AVERAGE_POOL_2D): its window");
    made_network r = {0};
    x = made_add(&r, 1, 8, 8, 3);
    refuse(&r, made_reshape(&r, x, 1, 190, 0, 0), "operator 0 (RESHAPE): its result has not as many values");
    made_network d = {0};
    x = made_add(&d, 1, 4, 4, 3);
    y = made_add(&d, 1, 4, 9, 3);
    made_op *op = made_operator(&d, 2, x, x, MADE_ABSENT, y);
    op->options[0] = 2;
    op->option_count = 2;
    refuse(&d, y, "operator 0 (CONCATENATION): its result has another shape");
    made_network s = {0};
    x = made_add(&s, 1, 4, 4, 3);
    y = made_plain(&s, 25, x);
    s.tensors[y].shape[3] = 4;
    refuse(&s, y, "operator 0 (SOFTMAX): its result has another shape");
}

static void build_block(made_network *n)
{
    int x = made_add(n, 1, 8, 8, 3), y = made_conv(n, x, 8, 3, 2, 1, SAME, RELU6);
    y = made_pair(n, 0, y, made_depthwise(n, y, 1, 3, 1, SAME, NONE), NONE);
    n->outputs[n->output_count++] = made_fully(n, made_mean(n, made_pad(n, y, 1, 0, 1, 0)), 3, NONE);
}

/* Reads; what can be read can be opened and run. Returns whether it could be read. */
static bool survives(const unsigned char *data, size_t size, bool run)
{
    mask_error err;
    mask__graph g;
    mask__network *network;
    if (made_read(&g, data, size, "made.tflite", &err) != MASK_OK) {
        assert_null(strchr(err.message, '\n'));
        return false;
    }
    const mask__graph_tensor *in = &g.tensors[g.input], *out = &g.tensors[g.outputs[0]];
    if (run && in->count < 10000 && mask__network_open(&network, &g, g.outputs, 1, 1, &err) == MASK_OK) {
        float *input = calloc(in->count, sizeof *input), *output = malloc(out->count * sizeof *output);
        assert_true(input && output);
        check_ok(mask__network_run(network, input, 1, (float *[]){output}, &err));
        free(input);
        free(output);
        mask__network_close(network);
    }
    mask__graph_free(&g);
    return true;
}

static void every_cut_and_random_damage(void **state)
{
    (void)state;
    made_network n = {0};
    build_block(&n);
    made_build(&file, &n);
    assert_true(survives(file.data, file.size, true));
    unsigned char *exact = NULL;
    for (size_t cut = 0; cut < file.size - 4; cut++) { /* a copy of its own, so that a byte too far is seen */
        exact = malloc(cut + 1);
        memcpy(exact, file.data, cut);
        assert_false(survives(exact, cut, false) && cut < file.size - 64);
        free(exact);
    }
    exact = malloc(file.size);
    uint32_t random = 7;
    unsigned readable = 0;
    for (int round = 0; round < 20000; round++) {
        memcpy(exact, file.data, file.size);
        for (int flips = 1 + round % 3; flips-- > 0;) {
            random = random * 1664525u + 1013904223u;
            size_t at = (random >> 8) % file.size;
            random = random * 1664525u + 1013904223u;
            exact[at] = round % 2 ? (unsigned char)(random >> 24) : exact[at] ^ (unsigned char)(1u << (random >> 29));
        }
        readable += survives(exact, file.size, round % 40 == 0);
    }
    assert_true(readable > 0 && readable < 20000); /* weights may be anything */
    free(exact);
    made_free(&n);
}

/* Many tensors of one buffer must not multiply it: here one name of 20,000 bytes is every tensor's. */
static void small_files_cannot_ask_for_much(void **state)
{
    (void)state;
    enum { LENGTH = 20000 };
    made_network n = {0};
    char *name = calloc(LENGTH + 1, 1);
    int y = made_add(&n, 1, 4, 4, 3);
    for (int i = 0; i < 30; i++) y = made_plain(&n, 19, y);
    n.tensors[y].name = memset(name, 'x', LENGTH);
    n.outputs[n.output_count++] = y;
    made_build(&file, &n);
    assert_true(survives(file.data, file.size, false));
    unsigned char *shared = memmem(file.data, file.size, "xxxx", 4);
    for (int i = 1; i <= 30; i++) { /* lead every tensor's link to its name to the last one's */
        char own[32];
        snprintf(own, sizeof own, "tensor%d", i);
        unsigned char *at = memmem(file.data, file.size, own, strlen(own) + 1);
        assert_non_null(at);
        for (size_t link = 0; link < (size_t)(at - file.data); link += 4) {
            uint32_t distance;
            memcpy(&distance, file.data + link, 4);
            if (link + distance == (size_t)(at - 4 - file.data))
                made_u32(&file, link, (uint32_t)(shared - 4 - (file.data + link)));
        }
    }
    mask_error err;
    mask__graph g;
    mask_status status = made_read(&g, file.data, file.size, "made.tflite", &err);
    if (status == MASK_OK) mask__graph_free(&g);
    assert_int_equal(status, MASK_EFORMAT);
    free(name);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(attributes),
        cmocka_unit_test(names_find_tensors),
        cmocka_unit_test(weights_of_every_type),
        cmocka_unit_test(unsupported_operators_are_named),
        cmocka_unit_test(quantised_networks_are_clamped),
        cmocka_unit_test(post_processing_is_cut_off),
        cmocka_unit_test(other_sides),
        cmocka_unit_test(one_rule_each),
        cmocka_unit_test(more_rules),
        cmocka_unit_test(every_cut_and_random_damage),
        cmocka_unit_test(small_files_cannot_ask_for_much),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
