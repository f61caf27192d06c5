/* The ONNX reader: networks against sums done here, other sides, one refusal for each rule, damage of any kind.
 * Equality with ONNX Runtime on real architectures is compare-onnx.py's. */
#include "onnx_made.h"
#include "vision/encoder.h"
#include "vision/network.h"
#include "vision/onnx_weights.h"

static made_model made;

/* Runs the file's first output on an input of ones that grows a little; the caller frees. */
static float *run(const unsigned char *data, size_t size, size_t side, mask__graph *g)
{
    mask_error err;
    mask__network *network;
    check_ok(mask__onnx_read(g, data, size, side, "made.onnx", &err));
    if (g->output_count == 0) return NULL;
    size_t values = g->tensors[g->input].count, count = g->tensors[g->outputs[0]].count;
    float *input = malloc(values * sizeof *input), *output = malloc(count * sizeof *output);
    assert_true(input && output);
    for (size_t i = 0; i < values; i++) input[i] = 1 + 0.01f * (float)(i % 97);
    check_ok(mask__network_open(&network, g, g->outputs, 1, 1, &err));
    check_ok(mask__network_run(network, input, 1, &output, &err));
    mask__network_close(network);
    free(input);
    return output;
}

static float raw(const char *name, size_t i)
{
    for (size_t t = 0; t < made.graph.n_initializer; t++)
        if (strcmp(made.tensors[t]->name, name) == 0) return ((const float *)made.tensors[t]->raw_data.data)[i];
    fail_msg("no %s", name);
    return 0;
}

static void a_classifier(void **state)
{
    (void)state;
    enum { SIDE = 8, HALF = SIDE / 2 };
    mask__graph g;
    size_t size;
    made_classifier(&made, SIDE);
    unsigned char *data = made_file(&made, &size);
    float *logits = run(data, size, 0, &g);
    for (size_t k = 0; k < 4; k++) {
        double logit = (double)raw("classes", k);
        for (size_t c = 0; c < 16; c++) {
            double mean = 0;
            for (int y = 0; y < HALF; y++)
                for (int x = 0; x < HALF; x++) {
                    double sum = (double)raw("b", c);
                    for (int i = 0; i < 27; i++) {
                        int row = 2 * y + i / 3 % 3, column = 2 * x + i % 3, channel = i / 9;
                        if (row >= SIDE || column >= SIDE) continue;
                        size_t at = (size_t)((row * SIDE + column) * 3 + channel);
                        sum += (double)raw("w", c * 27 + (size_t)i) * (1 + 0.01 * (double)(at % 97));
                    }
                    mean += fmin(fmax(sum, 0), 6) / (HALF * HALF);
                }
            logit += mean * (double)raw("head", k * 16 + c);
        }
        assert_true(fabs(logit - (double)logits[k]) < 1e-4);
    }
    free(logits);
    mask__graph_free(&g);
    free(run(data, size, 12, &g)); /* convolutions and means take any side */
    assert_int_equal(g.tensors[mask__graph_find(&g, "map")].shape[1], 6);
    assert_int_equal(g.output_count, 1);
    mask__graph_free(&g);
    free(data);
    mask__arena_free(&made.arena);
}

static void a_transformer_at_other_sides(void **state)
{
    (void)state;
    mask__graph g;
    size_t size;
    made_transformer(&made);
    unsigned char *data = made_file(&made, &size);
    float *own = run(data, size, 0, &g), *larger;
    assert_int_equal(g.tensors[g.outputs[0]].shape[1], 5);
    mask__graph_free(&g);
    larger = run(data, size, 16, &g);
    assert_non_null(larger);
    assert_int_equal(g.tensors[g.outputs[0]].shape[1], 17);
    double mean = 0;
    for (size_t i = 0; i < 16; i++) {
        mean += (double)own[i] / (double)raw("weight", i);
        assert_true(fabsf(own[i] - larger[i]) < 1e-5f); /* the class token's position stays */
    }
    assert_true(fabs(mean) < 1e-3); /* a norm it is */
    free(own);
    free(larger);
    mask__graph_free(&g);
    free(data);
    mask__arena_free(&made.arena);
}

static void one_rule_each(void **state)
{
    (void)state;
    mask_error err;
    mask__graph g;
    size_t size;
    unsigned char *data;
#define RULE(change, part)                                                                                             \
    do {                                                                                                               \
        made_classifier(&made, 8);                                                                                     \
        change;                                                                                                        \
        data = made_file(&made, &size);                                                                                \
        check_fails(mask__onnx_read(&g, data, size, 0, "made.onnx", &err), MASK_EFORMAT, part);                        \
        assert_null(g.tensors);                                                                                        \
        free(data);                                                                                                    \
        mask__arena_free(&made.arena);                                                                                 \
    } while (0)
    RULE(made.nodes[1]->op_type = "Einsum", "operator 1 (Einsum): is not supported");
    RULE(made.nodes[0]->domain = "com.other", "operator 0 (Conv): is not supported");
    RULE(made.nodes[1]->input[0] = "nothing", "operator 1 (Clip): reads a value that was not computed");
    RULE(made.nodes[1]->n_input = 0, "operator 1 (Clip): has a wrong number of inputs");
    RULE(made.nodes[1]->input[2] = "c", "operator 1 (Clip): has no constant bounds");
    RULE(made.nodes[0]->input[1] = "b", "operator 0 (Conv): is no convolution of pictures");
    RULE(made.nodes[0]->attribute[0]->ints[0] = 0, "(Conv): its window does not fit");
    RULE(made.nodes[0]->attribute[1]->ints[0] = -1, "operator 0 (Conv): takes values away");
    RULE(made.nodes[0]->attribute[0]->n_ints = 1, "operator 0 (Conv): has a window of other than rows and columns");
    RULE(made_int(&made, made.nodes[0], "group", 2), "(Conv): its weights do not fit");
    RULE(made_int(&made, made.nodes[0], "group", -1), "(Conv): its weights do not fit");
    RULE(made.tensors[1]->dims[0] = 15, "a constant has another size");
    RULE(made.tensors[0]->dims[0] = -1, "a constant has another size");
    RULE(made.tensors[0]->data_type = 8, "a constant has another size or type");
    RULE((made.tensors[0]->has_data_location = 1, made.tensors[0]->data_location = 1), "lies in another file");
    RULE(made.tensors[4]->dims[1] = 8, "a constant has another size");
    RULE(made_int(&made, made.nodes[4], "transA", 1), "operator 4 (Gemm): turns its first matrix");
    RULE(made.nodes[3]->op_type = "Transpose";
         made_ints(&made, made.nodes[3], "perm", (int64_t[]){0, 1, 1, 2}, 4), "its order is no permutation");
    RULE(made.outputs[0]->name = "nowhere", "output 0 is computed by no operator");
    RULE(made.graph.n_output = 0, "has no output");
    RULE(made.inputs[0]->type->tensor_type->elem_type = 7, "the input is not one square image");
    RULE(made.inputs[0]->type->tensor_type->shape->n_dim = 3, "the input is not one square image");
    RULE(made.inputs[0]->type->tensor_type->shape->dim[0]->dim_value = 2, "the input is not one square image");
    RULE(made.inputs[0]->type->tensor_type->shape->dim[2]->dim_value = 9, "the input is not one square image");
    RULE(made.inputs[made.graph.n_input++] = made_value(&made, "y", (int64_t[]){1, 3, 8, 8}, 4),
         "the input is not one square image");
    RULE(made.graph.n_input = 0, "the input is not one square image");
    RULE(made.model.graph = NULL, "is no ONNX model");
#undef RULE
}

/* Reads; what can be read can be run. Returns whether it could be read. */
static bool survives(const unsigned char *data, size_t size)
{
    mask_error err;
    mask__graph g;
    mask__network *network;
    if (mask__onnx_read(&g, data, size, 0, "made.onnx", &err) != MASK_OK) {
        assert_null(strchr(err.message, '\n'));
        return false;
    }
    const mask__graph_tensor *in = &g.tensors[g.input], *out = &g.tensors[g.outputs[0]];
    if (in->count < 10000 && mask__network_open(&network, &g, g.outputs, 1, 1, &err) == MASK_OK) {
        float *input = calloc(in->count, sizeof *input), *output = malloc(out->count * sizeof *output);
        assert_true(input && output);
        check_ok(mask__network_run(network, input, 1, &output, &err));
        free(input);
        free(output);
        mask__network_close(network);
    }
    mask__graph_free(&g);
    return true;
}

static void damage(void **state)
{
    (void)state;
    uint32_t random = 7;
    unsigned readable = 0;
    for (int kind = 0; kind < 2; kind++) {
        size_t size;
        if (kind) made_transformer(&made);
        else made_classifier(&made, 8);
        unsigned char *data = made_file(&made, &size), *copy = malloc(size);
        assert_non_null(copy);
        for (size_t i = 0; i < 40; i++) { /* cut; a copy of its own, so that a byte too far is seen */
            size_t cut = size * i / 40;
            unsigned char *exact = malloc(cut + 1);
            assert_non_null(exact);
            memcpy(exact, data, cut);
            assert_false(survives(exact, cut));
            free(exact);
        }
        for (int round = 0; round < 4000; round++) {
            memcpy(copy, data, size);
            for (int flips = 1 + round % 3; flips-- > 0;) {
                random = random * 1664525u + 1013904223u;
                size_t at = (random >> 8) % size;
                random = random * 1664525u + 1013904223u;
                copy[at] = round % 2 ? (unsigned char)(random >> 24) : copy[at] ^ (unsigned char)(1u << (random >> 29));
            }
            readable += survives(copy, size);
        }
        free(copy);
        free(data);
        mask__arena_free(&made.arena);
    }
    assert_true(readable > 0 && readable < 8000); /* weights may be anything */
}

static void smaller_weights(void **state)
{
    (void)state;
    mask_error err;
    mask__graph g;
    size_t size, small;
    unsigned char *data, *shrunk;
    made_classifier(&made, 8);
    made.tensors[0] = NULL;
    made.graph.n_initializer--;
    memmove(made.tensors, made.tensors + 1, made.graph.n_initializer * sizeof *made.tensors);
    made_noise(&made, "w", (int64_t[]){32, 3, 3, 3}, 4); /* large enough */
    made_noise(&made, "bias", (int64_t[]){32}, 1);
    made_noise(&made, "large", (int64_t[]){4, 32}, 2);
    made.nodes[0]->input[2] = "bias";
    made.nodes[4]->input[1] = "large";
    data = made_file(&made, &size);
    float *exact = run(data, size, 0, &g);
    mask__graph_free(&g);
    for (int kind = MASK_WEIGHTS_HALF; kind <= MASK_WEIGHTS_BYTES; kind++) {
        check_ok(mask__onnx_shrink(data, size, (mask_encoder_weights)kind, "made.onnx", &shrunk, &small, &err));
        assert_true(small < size - (kind == MASK_WEIGHTS_HALF ? 1500 : 2000));
        float *near = run(shrunk, small, 0, &g);
        for (int k = 0; k < 4; k++)
            assert_true(fabsf(near[k] - exact[k]) < (kind == MASK_WEIGHTS_HALF ? 2e-3f : 2e-2f));
        assert_true(memcmp(near, exact, 4 * sizeof *near) != 0);
        mask__graph_free(&g);
        free(near);
        free(shrunk);
    }
    free(exact);
    free(data);
    mask__arena_free(&made.arena);
}

/* From a file to features: sides, a middle layer, the classifier, two side by side, a class token. */
static void encoders(void **state)
{
    (void)state;
    mask_error err;
    size_t size;
    mask__encoder *e;
    mask_encoder_info info;
    mask_encoder_options o = mask_encoder_defaults();
    mask_encoder_head head;
    const char *from = temp_path("c.onnx"), *menc = temp_path("c.menc"), *both = temp_path("both.menc"),
               *labels = temp_path("labels.txt");
    made_classifier(&made, 64);
    made.tensors[0]->raw_data.data[0] ^= 1;
    unsigned char *data = made_file(&made, &size);
    write_file(from, data, size);
    free(data);
    write_text(labels, "a\nb\nc\nd\n");
    o.labels = labels;
    o.middle = "c";
    o.middle_scale = 0.5f;
    o.side = 96;
    check_fails(mask_encoder_import(from, menc, &o, &err), MASK_EINVAL,
                "cannot look at squares of 96 pixels: 64 to 64");
    mask__arena_free(&made.arena);
    made_classifier(&made, 128);
    data = made_file(&made, &size);
    write_file(from, data, size);
    free(data);
    check_ok(mask_encoder_import(from, menc, &o, &err));
    check_ok(mask_encoder_describe(menc, &info, &err));
    assert_true(info.head && !info.detector);
    assert_int_equal(info.size, 96);
    assert_int_equal(info.least, 64);
    assert_int_equal(info.most, 1024);
    assert_int_equal(info.step, 2);
    assert_int_equal(info.features, 32);
    check_fails(mask__encoder_open(&e, menc, 97, NULL, &err), MASK_EINVAL, "looks at 64 to 1024, in steps of 2");
    check_ok(mask_encoder_join((const char *[]){menc, menc}, 2, both, &err));
    check_ok(mask__encoder_open(&e, both, 66, NULL, &err));
    assert_int_equal(mask__encoder_facts_of(e)->network_count, 2);
    assert_int_equal(mask__encoder_facts_of(e)->map_count, 4);
    assert_int_equal(mask__encoder_facts_of(e)->channels, 64);
    assert_int_equal(mask__encoder_facts_of(e)->maps[3].first, 48);
    assert_int_equal(mask__encoder_facts_of(e)->maps[3].rows, 33);
    static uint8_t photo[66 * 66 * 3];
    static float features[64];
    for (size_t i = 0; i < sizeof photo; i++) photo[i] = (uint8_t)(i % 251);
    check_ok(mask__encoder_run(e, (const uint8_t *[]){photo, photo}, 1, &err));
    mask__encoder_pool(e, 0, (float[]){0, 0, 1, 1}, 1, features);
    assert_memory_equal(features, features + 32, 32 * sizeof *features);
    const float *map = mask__encoder_values(e, 0, 0), *middle = mask__encoder_values(e, 0, 1);
    for (size_t i = 0; i < 33 * 33 * 16; i++) assert_true(fabsf(fminf(fmaxf(2 * middle[i], 0), 6) - map[i]) < 1e-5f);
    mask__encoder_close(e);
    check_ok(mask_encoder_head_read(&head, both, &err));
    assert_true(head.classes == 4 && head.features == 64);
    assert_true(head.weights[16] == 0 && head.weights[0] == raw("head", 0) && head.weights[64 + 32] == raw("head", 16));
    assert_true(head.biases[3] == 2 * raw("classes", 3));
    assert_string_equal(head.labels[2], "c");
    mask_encoder_head_free(&head);
    mask__arena_free(&made.arena);

    made_transformer(&made);
    data = made_file(&made, &size);
    write_file(from, data, size);
    free(data);
    check_ok(mask_encoder_import(from, menc, NULL, &err));
    check_fails(mask_encoder_head_read(&head, menc, &err), MASK_ENOTFOUND, "has no classifier for its 0 labels");
    check_ok(mask__encoder_open(&e, menc, 0, NULL, &err));
    assert_int_equal(mask__encoder_facts_of(e)->maps[0].rows, 2);
    check_ok(mask__encoder_run(e, (const uint8_t *[]){photo}, 1, &err));
    const float *whole = mask__encoder_whole(e, 0, 0);
    assert_non_null(whole);
    assert_ptr_equal(mask__encoder_values(e, 0, 0), whole + 16);
    mask__encoder_pool(e, 0, (float[]){0, 0, 1, 1}, 1, features);
    assert_memory_equal(features, whole, 16 * sizeof *features);
    mask__encoder_close(e);
    mask__arena_free(&made.arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_classifier),    cmocka_unit_test(a_transformer_at_other_sides),
        cmocka_unit_test(one_rule_each),   cmocka_unit_test(damage),
        cmocka_unit_test(smaller_weights), cmocka_unit_test(encoders),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
