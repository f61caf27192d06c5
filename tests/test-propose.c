/* Proposals: the whole first, detections cut to the photo, the grid; boxes that were given. */
#include "check.h"
#include "photos/propose.h"

#include <math.h>

static void test_order(void **state)
{
    (void)state;
    static const mask__detection found[] = {
        {{0.1f, 0.2f, 0.5f, 0.6f}, 0.9f, 7},
        {{0.4f, 0.4f, 0.405f, 0.9f}, 0.8f, 1}, /* too thin */
        {{-0.5f, 0.5f, 2, 1.5f}, 0.7f, 2},     /* cut */
        {{NAN, 0, 1, NAN}, 0.6f, 3},           /* nothing */
    };
    mask__proposal out[64];
    const mask__grids grids = {.to = 3}, none = {.to = 1};
    size_t most = mask__propose_most(4, &grids);
    assert_int_equal(most, 1 + 4 + 4 + 9);
    assert_int_equal(mask__propose(found, 4, &grids, out), 1 + 2 + 4 + 9);
    static const float whole[4] = {0, 0, 1, 1}, cut[4] = {0, 0.5f, 1, 1}, cell[4] = {0.5f, 0, 1, 0.5f};
    assert_memory_equal(out[0].box, whole, sizeof whole);
    assert_int_equal(out[0].label, -1);
    assert_memory_equal(out[1].box, found[0].box, sizeof whole);
    assert_true(out[1].label == 7 && out[1].score == 0.9f);
    assert_memory_equal(out[2].box, cut, sizeof cut);
    assert_memory_equal(out[4].box, cell, sizeof cell); /* the second of 2 x 2 */
    assert_true(out[15].box[2] == 1 && out[15].box[3] == 1 && fabsf(out[15].box[0] - 2 / 3.0f) < 1e-6f);
    assert_int_equal(mask__propose(found, 0, &none, out), 1);
    assert_int_equal(mask__propose_most(0, &(mask__grids){0}), 1);
}

/* One grid alone; cells that overlap fill the photo, each as far from the next. */
static void test_grids(void **state)
{
    (void)state;
    mask__proposal out[80];
    const mask__grids alone = {.from = 4, .to = 4}, half = {.from = 3, .to = 3, .overlap = 0.5f};
    static const float cell[4] = {0.25f, 0.5f, 0.5f, 0.75f}, middle[4] = {0.25f, 0.25f, 0.75f, 0.75f};
    assert_int_equal(mask__propose_most(0, &alone), 17);
    assert_int_equal(mask__propose(NULL, 0, &alone, out), 17);
    assert_memory_equal(out[1 + 2 * 4 + 1].box, cell, sizeof cell);
    assert_int_equal(mask__propose(NULL, 0, &half, out), 10);
    assert_memory_equal(out[5].box, middle, sizeof middle);
    assert_true(out[9].box[0] == 0.5f && out[9].box[2] == 1 && out[9].box[3] == 1);
    for (float overlap = 0; overlap < 0.95f; overlap += 0.1f)
        for (size_t n = 2; n <= 8; n++) {
            const mask__grids grids = {n, n, overlap};
            size_t count = mask__propose(NULL, 0, &grids, out);
            assert_int_equal(count, 1 + n * n);
            assert_true(fabsf(out[count - 1].box[2] - 1) < 1e-5f);
            float shared = (out[1].box[2] - out[2].box[0]) / (out[1].box[2] - out[1].box[0]);
            assert_true(fabsf(shared - overlap) < 1e-4f);
        }
}

/* However a given box lies, what comes is inside and at least a pixel. */
static void test_given(void **state)
{
    (void)state;
    static const float boxes[][4] = {{10, 20, 30, 40},     {-5, -5, 1000, 1000}, {50, 50, 50, 50}, {99, 79, 150, 90},
                                     {500, 500, 600, 600}, {30, 30, 10, 10},     {-9, -9, -1, -1}};
    for (size_t i = 0; i < sizeof boxes / sizeof *boxes; i++) {
        mask__proposal p = mask__propose_given(boxes[i], 100, 80);
        assert_true(p.box[0] >= 0 && p.box[2] <= 1 && p.box[2] - p.box[0] >= 0.0099f);
        assert_true(p.box[1] >= 0 && p.box[3] <= 1 && p.box[3] - p.box[1] >= 0.0124f);
        assert_int_equal(p.label, -1);
        if (i == 0) assert_true(p.box[0] == 0.1f && p.box[1] == 0.25f && p.box[2] == 0.3f && p.box[3] == 0.5f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_order), cmocka_unit_test(test_grids),
                                       cmocka_unit_test(test_given)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
