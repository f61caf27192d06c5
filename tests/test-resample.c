/* Resampling against a twin that evaluates the triangle at every pixel, and on pictures whose answer is known. */
#include "check.h"
#include "photos/resample.h"

#include <math.h>

enum { MOST = 40 };

static uint8_t pixels[MOST * MOST * 3], out[MOST * MOST * 3];

static mask__photo new_photo(size_t width, size_t height, unsigned seed)
{
    for (size_t i = 0; i < width * height * 3; i++) pixels[i] = (uint8_t)rand_r(&seed);
    return (mask__photo){.rgb = pixels, .width = width, .height = height, .full_width = width, .full_height = height};
}

static double triangle(double distance, double reach)
{
    return fmax(0, 1 - fabs(distance) / reach);
}

static double twin(const mask__photo *p, const float box[4], size_t side, size_t x, size_t y, int c)
{
    double w = (double)p->width, h = (double)p->height;
    double dx = ((double)box[2] * w - (double)box[0] * w) / (double)side,
           dy = ((double)box[3] * h - (double)box[1] * h) / (double)side;
    double cx = (double)box[0] * w + ((double)x + 0.5) * dx, cy = (double)box[1] * h + ((double)y + 0.5) * dy, sum = 0,
           total = 0;
    for (int j = -MOST; j < 2 * MOST; j++)
        for (int i = -MOST; i < 2 * MOST; i++) {
            double weight = triangle(i + 0.5 - cx, fmax(dx, 1)) * triangle(j + 0.5 - cy, fmax(dy, 1));
            int ii = i < 0 ? 0 : i >= (int)p->width ? (int)p->width - 1 : i;
            int jj = j < 0 ? 0 : j >= (int)p->height ? (int)p->height - 1 : j;
            sum += weight * p->rgb[(jj * (int)p->width + ii) * 3 + c];
            total += weight;
        }
    return sum / total;
}

static void test_twin(void **state)
{
    (void)state;
    static const struct {
        size_t width, height, side;
        float box[4];
    } cases[] = {
        {7, 5, 9, {0, 0, 1, 1}},
        {40, 31, 6, {0, 0, 1, 1}},
        {40, 31, 8, {0.2f, 0.3f, 0.9f, 0.5f}},
        {33, 40, 5, {0.5f, 0, 0.52f, 1}},
        {1, 1, 4, {0, 0, 1, 1}},
        {40, 1, 7, {0.9f, 0, 1, 1}},
        {16, 16, 16, {0, 0, 1, 1}},
        {31, 17, 1, {0.1f, 0.1f, 0.8f, 0.9f}},
    };
    mask_error err;
    mask__resampler r = {0};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        mask__photo photo = new_photo(cases[i].width, cases[i].height, (unsigned)i + 1);
        check_ok(mask__resample(&r, &photo, cases[i].box, cases[i].side, out, &err));
        for (size_t y = 0; y < cases[i].side; y++)
            for (size_t x = 0; x < cases[i].side; x++)
                for (int c = 0; c < 3; c++) {
                    double want = twin(&photo, cases[i].box, cases[i].side, x, y, c);
                    double got = out[(y * cases[i].side + x) * 3 + (size_t)c];
                    if (fabs(got - want) > 0.51) fail_msg("case %zu at %zu, %zu: %g, not %g", i, x, y, got, want);
                }
    }
    mask__resampler_free(&r);
}

/* The same size is the same picture. */
static void test_identity(void **state)
{
    (void)state;
    mask_error err;
    mask__resampler r = {0};
    static const float whole[4] = {0, 0, 1, 1};
    mask__photo photo = new_photo(16, 16, 3);
    check_ok(mask__resample(&r, &photo, whole, 16, out, &err));
    assert_memory_equal(out, pixels, 16 * 16 * 3);
    mask__resampler_free(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_twin), cmocka_unit_test(test_identity)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
