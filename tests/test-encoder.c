/* From a TFLite file through a .menc to boxes and features, with a tiny SSD made here, against the naive twin. */
#include "tflite_made.h"
#include "vision/boxes.h"
#include "vision/tflite.h"

#include <unistd.h>

enum { SIZE = 32, ANCHORS = 42, CLASSES = 3, CELLS = 2, CHANNELS = 20, PIXELS = SIZE * SIZE * 3, IMAGES = 18 };

static made file;
static const char labels[] = "???\ncat\ndog\n";

/* A 32 x 32 detector: a map of 2 x 2 cells, and boxes and scores from all of it. */
static void build_detector(made_network *n)
{
    int x = made_add(n, 1, SIZE, SIZE, 3), y = made_conv(n, x, 16, 3, 4, 1, SAME, RELU6),
        map = made_conv(n, y, CHANNELS, 3, 4, 1, SAME, RELU6);
    int boxes = made_reshape(n, made_fully(n, map, ANCHORS * 4, NONE), 1, ANCHORS, 4, 0);
    int scores = made_reshape(n, made_fully(n, map, ANCHORS * CLASSES, NONE), 1, ANCHORS, CLASSES, 0);
    n->tensors[map].name = "net/Conv_1";
    n->outputs[n->output_count++] = boxes;
    n->outputs[n->output_count++] = scores;
}

static void build_classifier(made_network *n)
{
    int x = made_add(n, 1, SIZE, SIZE, 3), map = made_conv(n, x, CHANNELS, 3, 16, 1, SAME, RELU6);
    n->outputs[n->output_count++] = made_plain(n, 25, made_fully(n, made_mean(n, map), 7, NONE));
}

/* Writes the network, with lines of labels before it (NULL = none), as MediaPipe packs them. */
static const char *write_bundle(made_network *n, const char *lines, const char *name)
{
    const char *path = temp_path(name);
    size_t head = lines ? strlen(lines) : 0;
    made_build(&file, n);
    unsigned char *whole = malloc(head + file.size);
    assert_non_null(whole);
    if (head) memcpy(whole, lines, head);
    memcpy(whole + head, file.data, file.size);
    write_file(path, whole, head + file.size);
    free(whole);
    return path;
}

static uint8_t *random_pixels(void)
{
    static uint8_t rgb[IMAGES * PIXELS];
    for (size_t i = 0; i < sizeof rgb; i++) rgb[i] = (uint8_t)(127.5f + 127 * made_random());
    return rgb;
}

static void close_to(const float *ours, const float *theirs, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!(fabsf(ours[i] - theirs[i]) <= 1e-4f))
            fail_msg("value %zu: %g, expected %g", i, (double)ours[i], (double)theirs[i]);
}

/* One image's detections, the features of a box and of the whole by the naive twin. */
static void expect_image(const mask__graph *g, const uint8_t *rgb, const mask_encoder_options *o,
                         const mask__detection *found, size_t count, const float *pooled, const float *crop)
{
    static float input[PIXELS], expected[CHANNELS];
    static mask__anchor anchors[ANCHORS];
    mask__detection theirs[36];
    mask__detect_options options = MASK__DETECT_DEFAULTS;
    for (size_t i = 0; i < PIXELS; i++) input[i] = ((float)rgb[i] - o->mean[i % 3]) / o->deviation[i % 3];
    float **v = naive_run(g, input);
    mask__anchors(SIZE, anchors);
    assert_int_equal(
        count, mask__select_boxes(v[g->outputs[0]], v[g->outputs[1]], anchors, ANCHORS, CLASSES, &options, theirs));
    for (size_t i = 0; i < count; i++) {
        close_to(found[i].box, theirs[i].box, 4);
        close_to(&found[i].score, &theirs[i].score, 1);
        assert_int_equal(found[i].label, theirs[i].label);
    }
    const float *map = v[mask__graph_find(g, "Conv_1")];
    mask__roi_pool(map, CELLS, CELLS, CHANNELS, (float[]){0.1f, 0.2f, 0.7f, 0.4f}, expected);
    close_to(pooled, expected, CHANNELS);
    mask__roi_pool(map, CELLS, CELLS, CHANNELS, (float[]){0, 0, 1, 1}, expected);
    close_to(crop, expected, CHANNELS);
    naive_free(g, v);
}

static void photos_to_boxes_and_features(void **state)
{
    (void)state;
    mask_error err;
    mask__graph g;
    mask__encoder *e;
    mask__detect_options options = MASK__DETECT_DEFAULTS;
    mask_encoder_options import = mask_encoder_defaults();
    static mask__detection boxes[36], alone[36];
    static float pooled[2 * CHANNELS];
    static const float parts[8] = {0.1f, 0.2f, 0.7f, 0.4f, 0, 0, 1, 1};
    size_t found, one;
    made_network n = {0};
    build_detector(&n);
    const char *menc = temp_path("d.menc"), *bundle = write_bundle(&n, labels, "d.data");
    memcpy(import.mean, (float[]){100, 120, 140}, sizeof import.mean);
    memcpy(import.deviation, (float[]){50, 60, 70}, sizeof import.deviation);
    check_ok(mask_encoder_import(bundle, menc, &import, &err));
    check_ok(mask__encoder_open(&e, menc, 0, &(mask_run){.threads = 2}, &err));
    assert_int_equal(mask__encoder_facts_of(e)->inputs[0].side, SIZE);
    assert_int_equal(mask__encoder_facts_of(e)->channels, CHANNELS);
    assert_true(mask__encoder_facts_of(e)->finds_boxes);
    assert_int_equal(mask__encoder_facts_of(e)->label_count, CLASSES);
    assert_string_equal(mask__encoder_facts_of(e)->labels[2], "dog");
    const uint8_t *rgb = random_pixels();
    check_ok(mask__encoder_run(e, &rgb, IMAGES, &err));
    check_ok(made_read(&g, file.data, file.size, "made", &err));
    for (size_t i = 0; i < IMAGES; i++) {
        mask__encoder_pool(e, i, parts, 2, pooled);
        check_ok(mask__encoder_detect(e, i, &options, boxes, &found, &err));
        expect_image(&g, rgb + i * PIXELS, &import, boxes, found, pooled, pooled + CHANNELS);
    }
    rgb += (IMAGES - 1) * PIXELS;
    check_ok(mask__encoder_run(e, &rgb, 1, &err)); /* company makes no difference */
    check_ok(mask__encoder_detect(e, 0, &options, alone, &one, &err));
    assert_int_equal(one, found);
    assert_memory_equal(alone[0].box, boxes[0].box, sizeof alone[0].box);
    check_ok(mask__encoder_run(e, &rgb, 0, &err));
    mask__graph_free(&g);
    mask__encoder_close(e);
    made_free(&n);
}

static void a_classifier_has_features_only(void **state)
{
    (void)state;
    mask_error err;
    mask__encoder *e, *other;
    mask_encoder_info info;
    mask__detect_options options = MASK__DETECT_DEFAULTS;
    mask__detection boxes[36];
    size_t found = 1;
    float features[CHANNELS];
    made_network n = {0};
    build_classifier(&n);
    const char *menc = temp_path("c.menc"), *path = write_bundle(&n, NULL, "net.tflite");
    check_ok(mask_encoder_import(path, menc, NULL, &err));
    check_ok(mask_encoder_describe(menc, &info, &err));
    assert_false(info.detector);
    assert_int_equal(info.size, SIZE);
    assert_int_equal(info.features, CHANNELS);
    assert_int_equal(info.map_size, CELLS);
    assert_int_equal(info.labels, 0);
    assert_string_equal(info.provenance, "net.tflite");
    check_ok(mask__encoder_open(&e, menc, 0, NULL, &err));
    assert_false(mask__encoder_facts_of(e)->finds_boxes);
    const uint8_t *rgb = random_pixels();
    check_ok(mask__encoder_run(e, &rgb, 1, &err));
    check_ok(mask__encoder_detect(e, 0, &options, boxes, &found, &err));
    assert_int_equal(found, 0);
    mask__encoder_map map = mask__encoder_facts_of(e)->maps[0];
    const float *values = mask__encoder_values(e, 0, 0);
    assert_int_equal(map.rows * map.columns, CELLS * CELLS);
    mask__encoder_pool(e, 0, (float[]){0, 0, 1, 1}, 1, features);
    for (size_t c = 0; c < CHANNELS; c++) {
        float sum = 0;
        for (size_t i = 0; i < CELLS * CELLS; i++) sum += values[i * CHANNELS + c];
        sum /= CELLS * CELLS;
        close_to(&features[c], &sum, 1);
    }
    assert_null(mask__encoder_whole(e, 0, 0));
    check_fails(mask__encoder_open(&other, menc, SIZE + 1, NULL, &err), MASK_EINVAL,
                "squares of 33 pixels: its network 0 looks at 32 to 32");
    mask__encoder_close(e);
    made_free(&n);
}

static void labels_come_from_a_file_too(void **state)
{
    (void)state;
    mask_error err;
    mask_encoder_info info;
    mask__encoder *e;
    mask_encoder_options options = mask_encoder_defaults();
    made_network n = {0};
    build_detector(&n);
    const char *menc = temp_path("l.menc"), *path = write_bundle(&n, NULL, "l.tflite"), *list = temp_path("labels.txt");
    write_text(list, "cow\nhorse"); /* the background is left out */
    options.labels = list;
    options.provenance = "made up";
    check_ok(mask_encoder_import(path, menc, &options, &err));
    check_ok(mask_encoder_describe(menc, &info, &err));
    assert_int_equal(info.labels, 3);
    assert_string_equal(info.provenance, "made up");
    check_ok(mask__encoder_open(&e, menc, 0, NULL, &err));
    assert_string_equal(mask__encoder_facts_of(e)->labels[0], "???");
    assert_string_equal(mask__encoder_facts_of(e)->labels[1], "cow");
    mask__encoder_close(e);
    check_fails(mask_encoder_import(path, menc, NULL, &err), MASK_EMISMATCH,
                "3 classes, the background first, and there are 0 labels");
    write_text(list, "a\nb\nc\nd\n");
    check_fails(mask_encoder_import(path, menc, &options, &err), MASK_EMISMATCH, "there are 4 labels");
    made_free(&n);
}

static void imports_are_refused(void **state)
{
    (void)state;
    mask_error err;
    mask_encoder_options options = mask_encoder_defaults();
    const char *menc = temp_path("r.menc"), *text = temp_path("r.txt");
    made_network n = {0}, tall = {0}, flat = {0}, tanh = {0};
    build_classifier(&n);
    const char *good = write_bundle(&n, NULL, "r.tflite");
    options.features = "nothing";
    check_fails(mask_encoder_import(good, menc, &options, &err), MASK_ENOTFOUND, "has no feature map 'nothing'");
    options = mask_encoder_defaults();
    options.deviation[0] = options.deviation[2] = 1;
    check_fails(mask_encoder_import(good, menc, &options, &err), MASK_EINVAL, "deviation 0");
    write_text(text, "a text");
    check_fails(mask_encoder_import(text, menc, NULL, &err), MASK_EFORMAT, "neither an ONNX model");
    write_text(text, "");
    check_fails(mask_encoder_import(text, menc, NULL, &err), MASK_EFORMAT, "neither an ONNX model");
    check_fails(mask_encoder_import("/nowhere/x.tflite", menc, NULL, &err), MASK_EIO, "/nowhere/x.tflite");
    made_add(&tall, 1, 16, 8, 3);
    tall.outputs[tall.output_count++] = made_conv(&tall, 0, 4, 3, 2, 1, SAME, NONE);
    check_fails(mask_encoder_import(write_bundle(&tall, NULL, "t.tflite"), menc, NULL, &err), MASK_EFORMAT,
                "its input is 16 x 8 with 3 channels");
    made_add(&flat, 1, 16, 16, 3);
    flat.outputs[flat.output_count++] = made_mean(&flat, 0);
    check_fails(mask_encoder_import(write_bundle(&flat, NULL, "f.tflite"), menc, NULL, &err), MASK_ENOTFOUND,
                "has no feature map:");
    made_add(&tanh, 1, 16, 16, 3);
    tanh.outputs[tanh.output_count++] = made_plain(&tanh, 28, 0);
    check_fails(mask_encoder_import(write_bundle(&tanh, "a\nb\n", "u.data"), menc, NULL, &err), MASK_EFORMAT,
                "operator 0 (TANH)");
    assert_int_not_equal(access(menc, F_OK), 0); /* nothing was written */
    made_free(&n);
    made_free(&tall);
    made_free(&flat);
}

static void a_damaged_menc_is_refused(void **state)
{
    (void)state;
    mask_error err;
    mask__encoder *e;
    made_network n = {0};
    build_detector(&n);
    const char *menc = temp_path("x.menc"), *bad = temp_path("bad.menc");
    check_ok(mask_encoder_import(write_bundle(&n, labels, "x.data"), menc, NULL, &err));
    size_t size;
    unsigned char *data = read_whole(menc, &size);
    for (size_t cut = 0; cut < size; cut += size / 50) {
        write_file(bad, data, cut);
        check_fails(mask__encoder_open(&e, bad, 0, NULL, &err), MASK_EFORMAT, "bad.menc");
        assert_null(e);
    }
    for (size_t at = 70; at < size; at += size / 50) {
        data[at] ^= 4;
        write_file(bad, data, size);
        if (mask__encoder_open(&e, bad, 0, NULL, &err) == MASK_OK) mask__encoder_close(e); /* padding between tensors */
        data[at] ^= 4;
    }
    free(data);
    made_free(&n);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(photos_to_boxes_and_features), cmocka_unit_test(a_classifier_has_features_only),
        cmocka_unit_test(labels_come_from_a_file_too),  cmocka_unit_test(imports_are_refused),
        cmocka_unit_test(a_damaged_menc_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
