/* Anchors, decoding, suppression and pooling against naive twins. */
#include "check.h"
#include "vision/boxes.h"

#include <math.h>

static float random_unit(void)
{
    static uint32_t state = 3;
    state = state * 1664525u + 1013904223u;
    return (float)(state >> 8) / (1 << 24);
}

static void anchors_of_ssd_mobilenet(void **state)
{
    (void)state;
    enum { COUNT = 1917 };
    static mask__anchor a[COUNT];
    assert_int_equal(mask__anchor_count(300), COUNT); /* 3 x 19^2 + 6 x (10^2 + 5^2 + 3^2 + 2^2 + 1) */
    assert_int_equal(mask__anchor_count(320), 3 * 400 + 6 * (100 + 25 + 9 + 4 + 1));
    mask__anchors(300, a);
    assert_true(fabsf(a[0].h - 0.1f) < 1e-6f && fabsf(a[0].w - 0.1f) < 1e-6f);
    assert_true(fabsf(a[1].h - 0.2f / sqrtf(2)) < 1e-6f && fabsf(a[1].w - 0.2f * sqrtf(2)) < 1e-6f);
    assert_true(fabsf(a[2].h - 0.2f * sqrtf(2)) < 1e-6f);
    assert_true(fabsf(a[3].cx - 1.5f / 19) < 1e-6f && fabsf(a[3].cy - 0.5f / 19) < 1e-6f);
    assert_true(fabsf(a[3 * 19].cy - 1.5f / 19) < 1e-6f);
    assert_true(fabsf(a[1083].h - 0.35f) < 1e-6f && fabsf(a[1083].cx - 0.05f) < 1e-6f);
    assert_true(fabsf(a[1083 + 3].w - 0.35f * sqrtf(3)) < 1e-6f);
    assert_true(fabsf(a[1083 + 5].w - sqrtf(0.35f * 0.5f)) < 1e-6f); /* between this layer's scale and the next's */
    assert_true(fabsf(a[1916].h - sqrtf(0.95f)) < 1e-6f && a[1916].cx == 0.5f);
}

static void boxes_are_decoded_and_clipped(void **state)
{
    (void)state;
    const mask__anchor anchor = {.cy = 0.5f, .cx = 0.4f, .h = 0.2f, .w = 0.1f};
    float box[4];
    mask__decode_box((float[]){0, 0, 0, 0}, &anchor, box);
    assert_true(fabsf(box[0] - 0.35f) < 1e-6f && fabsf(box[1] - 0.4f) < 1e-6f && fabsf(box[2] - 0.45f) < 1e-6f &&
                fabsf(box[3] - 0.6f) < 1e-6f);
    mask__decode_box((float[]){10, -10, 5 * logf(2), 0}, &anchor,
                     box); /* down by a height, left by a width, twice as high */
    assert_true(fabsf(box[0] - 0.25f) < 1e-6f && fabsf(box[1] - 0.5f) < 1e-6f && fabsf(box[3] - 0.9f) < 1e-6f);
    mask__decode_box((float[]){0, 0, 1e9f, NAN}, &anchor, box);
    for (int i = 0; i < 4; i++) assert_true(box[i] >= 0 && box[i] <= 1);
    assert_true(mask__box_iou((float[]){0, 0, 0.5f, 1}, (float[]){0.25f, 0, 0.75f, 1}) - 1.0f / 3 < 1e-6f);
    assert_true(mask__box_iou((float[]){0, 0, 0.5f, 1}, (float[]){0.5f, 0, 1, 1}) == 0);
}

enum { ANCHORS = 42, CLASSES = 4 };

/* By the book: take the best that is left, drop what overlaps it. */
static size_t naive_select(const float *encoded, const float *logits, const mask__anchor *anchors,
                           const mask__detect_options *o, mask__detection *out)
{
    mask__detection all[ANCHORS * CLASSES];
    bool dropped[ANCHORS * CLASSES] = {false};
    size_t count = 0, kept = 0;
    for (size_t a = 0; a < ANCHORS; a++)
        for (size_t c = 1; c < CLASSES; c++) {
            const float *row = logits + a * CLASSES;
            bool best = true;
            for (size_t k = 1; k < CLASSES; k++) best = best && (row[k] < row[c] || k == c);
            mask__detection d = {.score = 1 / (1 + expf(-row[c])), .label = c};
            mask__decode_box(encoded + 4 * a, &anchors[a], d.box);
            if ((o->class_wise || best) && d.score >= o->min_score && d.box[2] > d.box[0] && d.box[3] > d.box[1])
                all[count++] = d;
        }
    while (kept < o->max_boxes) {
        size_t best = count;
        for (size_t i = 0; i < count; i++)
            if (!dropped[i] && (best == count || all[i].score > all[best].score)) best = i;
        if (best == count) break;
        out[kept++] = all[best];
        for (size_t i = 0; i < count; i++)
            if (i == best || ((!o->class_wise || all[i].label == all[best].label) &&
                              mask__box_iou(all[i].box, all[best].box) > o->iou))
                dropped[i] = true;
    }
    return kept;
}

static void suppression_against_its_twin(void **state)
{
    (void)state;
    static mask__anchor anchors[ANCHORS];
    mask__detection ours[ANCHORS * CLASSES], theirs[ANCHORS * CLASSES];
    float encoded[ANCHORS * 4], logits[ANCHORS * CLASSES];
    assert_int_equal(mask__anchor_count(32), ANCHORS);
    mask__anchors(32, anchors);
    for (int round = 0; round < 200; round++) {
        mask__detect_options o = MASK__DETECT_DEFAULTS;
        o.class_wise = round & 1;
        o.max_boxes = round & 2 ? 5 : ANCHORS * CLASSES;
        o.min_score = round & 4 ? 0.6f : 0;
        o.iou = 0.2f + 0.6f * random_unit();
        for (size_t i = 0; i < ANCHORS * 4; i++) encoded[i] = 20 * random_unit() - 10;
        for (size_t i = 0; i < ANCHORS * CLASSES; i++) logits[i] = 8 * random_unit() - 4;
        size_t count = mask__select_boxes(encoded, logits, anchors, ANCHORS, CLASSES, &o, ours);
        assert_int_equal(count, naive_select(encoded, logits, anchors, &o, theirs));
        assert_true(count > 0);
        for (size_t i = 0; i < count; i++) {
            assert_true(ours[i].score == theirs[i].score && ours[i].label == theirs[i].label);
            assert_memory_equal(ours[i].box, theirs[i].box, sizeof ours[i].box);
        }
    }
    for (size_t i = 0; i < ANCHORS * CLASSES; i++) logits[i] = NAN;
    assert_int_equal(mask__select_boxes(encoded, logits, anchors, ANCHORS, CLASSES, &MASK__DETECT_DEFAULTS, ours), 0);
}

enum { H = 7, W = 10, C = 5 };

/* The value of a map at a point in cells, between the centres of the four nearest. */
static double bilinear(const float *map, double y, double x, int c)
{
    double sum = 0, fy = floor(y), fx = floor(x);
    for (int dy = 0; dy < 2; dy++)
        for (int dx = 0; dx < 2; dx++) {
            int row = (int)fmin(fmax(fy + dy, 0), H - 1), column = (int)fmin(fmax(fx + dx, 0), W - 1);
            sum += (dy ? y - fy : 1 - y + fy) * (dx ? x - fx : 1 - x + fx) * (double)map[(row * W + column) * C + c];
        }
    return sum;
}

static void pooling_against_its_twin(void **state)
{
    (void)state;
    float map[H * W * C], out[C];
    for (size_t i = 0; i < sizeof map / sizeof *map; i++) map[i] = random_unit();
    for (int round = 0; round < 200; round++) {
        float a[4] = {random_unit(), random_unit(), random_unit(), random_unit()};
        float box[4] = {fminf(a[0], a[2]), fminf(a[1], a[3]), fmaxf(a[0], a[2]), fmaxf(a[1], a[3])};
        if (round == 0) memcpy(box, (float[]){0.3f, 0.3f, 0.3f, 0.3f}, sizeof box); /* a point */
        int ny = (int)ceilf(2 * fmaxf((box[3] - box[1]) * H, 1)), nx = (int)ceilf(2 * fmaxf((box[2] - box[0]) * W, 1));
        mask__roi_pool(map, H, W, C, box, out);
        for (int c = 0; c < C; c++) {
            double sum = 0;
            for (int y = 0; y < ny; y++)
                for (int x = 0; x < nx; x++)
                    sum += bilinear(map, (double)box[1] * H + (y + 0.5) / ny * (double)(box[3] - box[1]) * H - 0.5,
                                    (double)box[0] * W + (x + 0.5) / nx * (double)(box[2] - box[0]) * W - 0.5, c);
            assert_true(fabs(sum / ny / nx - (double)out[c]) < 1e-5);
        }
    }
}

static void the_whole_image_is_the_plain_mean(void **state)
{
    (void)state;
    float map[H * W * C], out[C], beyond[C];
    for (size_t i = 0; i < sizeof map / sizeof *map; i++) map[i] = random_unit();
    mask__roi_pool(map, H, W, C, (float[]){0, 0, 1, 1}, out);
    mask__roi_pool(map, H, W, C, (float[]){-3, NAN, 5, INFINITY}, beyond);
    for (int c = 0; c < C; c++) {
        float sum = 0;
        for (int i = 0; i < H * W; i++) sum += map[i * C + c];
        assert_true(fabsf(sum / (H * W) - out[c]) < 1e-5f);
        assert_true(beyond[c] == out[c]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(anchors_of_ssd_mobilenet),          cmocka_unit_test(boxes_are_decoded_and_clipped),
        cmocka_unit_test(suppression_against_its_twin),      cmocka_unit_test(pooling_against_its_twin),
        cmocka_unit_test(the_whole_image_is_the_plain_mean),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
