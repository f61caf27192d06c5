/* Resampling against a twin that evaluates the triangle at every pixel, and on pictures whose answer is known. */
#include "check.h"
#include "photos/resample.h"

#include <math.h>

enum { MOST = 40 };

static uint8_t pixels[MOST * MOST * 3], out[MOST * MOST * 3 + 64];

static mask__photo new_photo(size_t width, size_t height, unsigned seed)
{
    for (size_t i = 0; i < width * height * 3; i++) pixels[i] = (uint8_t)rand_r(&seed);
    return (mask__photo){.rgb = pixels,
                         .width = width,
                         .height = height,
                         .stride = width * 3,
                         .full_width = width,
                         .full_height = height};
}

static double triangle(double distance, double reach)
{
    return fmax(0, 1 - fabs(distance) / reach);
}

static double twin(const mask__photo *p, size_t width, size_t height, size_t x, size_t y, int c)
{
    double dx = (double)p->width / (double)width, dy = (double)p->height / (double)height;
    double cx = ((double)x + 0.5) * dx, cy = ((double)y + 0.5) * dy, sum = 0, total = 0;
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
        size_t width, height, to_width, to_height, gap; /* bytes behind each row of the output */
    } cases[] = {
        {7, 5, 9, 9, 0}, {40, 31, 6, 6, 0}, {40, 31, 8, 3, 5},   {33, 40, 5, 40, 1},
        {1, 1, 4, 4, 0}, {40, 1, 7, 2, 0},  {16, 16, 16, 16, 0}, {31, 17, 1, 1, 0},
    };
    mask_error err;
    mask__resampler r = {0};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        mask__photo photo = new_photo(cases[i].width, cases[i].height, (unsigned)i + 1);
        size_t width = cases[i].to_width, height = cases[i].to_height, stride = width * 3 + cases[i].gap;
        memset(out, 77, sizeof out);
        check_ok(mask__resample(&r, &photo, width, height, stride, out, &err));
        for (size_t y = 0; y < height; y++) {
            for (size_t x = 0; x < width; x++)
                for (int c = 0; c < 3; c++) {
                    double want = twin(&photo, width, height, x, y, c);
                    double got = out[y * stride + x * 3 + (size_t)c];
                    if (fabs(got - want) > 0.51) fail_msg("case %zu at %zu, %zu: %g, not %g", i, x, y, got, want);
                }
            for (size_t g = 0; g < cases[i].gap; g++) assert_int_equal(out[y * stride + width * 3 + g], 77);
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
    mask__photo photo = new_photo(16, 16, 3);
    check_ok(mask__resample(&r, &photo, 16, 16, 16 * 3, out, &err));
    assert_memory_equal(out, pixels, 16 * 16 * 3);
    mask__resampler_free(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_twin), cmocka_unit_test(test_identity)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
