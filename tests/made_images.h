/* A made-up set of images with regions, and what every reader of region features must say about it. */
#ifndef MASK_TESTS_MADE_IMAGES_H
#define MASK_TESTS_MADE_IMAGES_H

#include "check.h"
#include "images/images.h"

enum { MADE_IMAGES = 7, MADE_DIM = 5, MADE_MOST = 6 };

static inline size_t made_regions_in(size_t image)
{
    return 1 + image * 3 % MADE_MOST;
}

/* Exact in float16. */
static inline float made_feature(size_t image, size_t region, size_t d)
{
    return (float)(image * 64 + region * 8 + d) / 4;
}

static inline float made_box(size_t image, size_t region, size_t side)
{
    return (float)(image * 10 + region) + (float)side * 100.5f;
}

static inline void fill_features(size_t image, size_t regions, float *out)
{
    for (size_t i = 0; i < regions * MADE_DIM; i++) out[i] = made_feature(image, i / MADE_DIM, i % MADE_DIM);
}

static inline void fill_boxes(size_t image, size_t regions, float *out)
{
    for (size_t i = 0; i < regions * 4; i++) out[i] = made_box(image, i / 4, i % 4);
}

static inline const char *made_id(size_t image)
{
    static const char *const ids[MADE_IMAGES] = {"17", "COCO_9.jpg", "3", "rose", "100", "über", "z z"};
    return ids[image];
}

/* Image `at` of the set is made image `image`; regions 0 = as many as it was made with. */
static inline void check_made(const mask_images *images, size_t at, size_t image, size_t regions)
{
    mask_error err;
    float out[MADE_MOST * MADE_DIM], want[MADE_MOST * MADE_DIM], box[4];
    if (!regions) regions = made_regions_in(image);
    assert_string_equal(mask_images_id(images, at), made_id(image));
    assert_int_equal(mask_images_find(images, made_id(image)), (int64_t)at);
    assert_int_equal(mask_images_regions(images, at), regions);
    check_ok(mask_images_features(images, at, out, &err));
    fill_features(image, regions, want);
    assert_memory_equal(out, want, regions * MADE_DIM * sizeof *out);
    for (size_t r = 0; r < regions; r++) {
        assert_true(mask_images_box(images, at, r, box));
        for (size_t side = 0; side < 4; side++) assert_true(box[side] == made_box(image, r, side));
    }
    assert_false(mask_images_box(images, at, regions, box));
}

/* The whole set at once, in blocks of every length, must be what image by image is. */
static inline void check_blocks(const mask_images *images)
{
    mask_error err;
    size_t count = mask_images_count(images), rows, dim = mask_images_dim(images), all = mask__images_rows(images);
    float *buffer = malloc((all + 1) * dim * sizeof *buffer), *one = malloc((all + 1) * dim * sizeof *one);
    const float *features;
    for (size_t first = 0; first < count; first++)
        for (size_t part = 1; part <= count - first; part++) {
            check_ok(mask__images_block(images, first, part, buffer, &features, &rows, &err));
            for (size_t i = first, at = 0; i < first + part; i++) {
                size_t items = mask_images_regions(images, i) * dim;
                check_ok(mask_images_features(images, i, one, &err));
                assert_memory_equal(one, features + at, items * sizeof *one);
                at += items;
            }
        }
    check_fails(mask__images_block(images, count, 1, buffer, &features, &rows, &err), MASK_EINVAL, "were asked for");
    free(buffer);
    free(one);
}

/* Blocks and boxes asked for by four threads at once are what one gets. */
static inline void check_threads(const mask_images *images)
{
    size_t count = mask_images_count(images), dim = mask_images_dim(images), all = mask__images_rows(images);
    int wrong = 0;
#pragma omp parallel for num_threads(4) schedule(dynamic) reduction(+ : wrong)
    for (int round = 0; round < 64; round++) {
        size_t first = (size_t)round % count, rows, at = 0;
        float *buffer = malloc(all * dim * sizeof *buffer), *one = malloc(all * dim * sizeof *one), box[4];
        const float *features;
        if (mask__images_block(images, first, count - first, buffer, &features, &rows, NULL) != MASK_OK) wrong++;
        for (size_t i = first; i < count; i++) {
            size_t regions = mask_images_regions(images, i), made = 0;
            if (mask_images_features(images, i, one, NULL) != MASK_OK) wrong++;
            if (memcmp(one, features + at, regions * dim * sizeof *one) != 0) wrong++;
            while (made < MADE_IMAGES && strcmp(made_id(made), mask_images_id(images, i)) != 0) made++;
            if (!mask_images_box(images, i, regions - 1, box) || box[1] != made_box(made, regions - 1, 1)) wrong++;
            at += regions * dim;
        }
        free(buffer);
        free(one);
    }
    assert_int_equal(wrong, 0);
}

/* A log that keeps its last line. */
typedef struct told {
    char line[600];
    int lines;
} told;

static inline void keep_line(void *user, mask_log_level level, const char *line)
{
    told *t = user;
    (void)level;
    t->lines++;
    snprintf(t->line, sizeof t->line, "%s", line);
}

/* What a damaged file may do: be opened or be refused in one line; what is opened must answer without a crash. */
static inline void survive(const char *path)
{
    mask_error err = {0};
    mask_images *images;
    if (mask_images_open(&images, path, NULL, NULL, &err) != MASK_OK) {
        assert_null(images);
        assert_true(err.message[0] && !strchr(err.message, '\n'));
        return;
    }
    for (size_t i = 0; i < mask_images_count(images); i++) {
        size_t regions = mask_images_regions(images, i), items = regions * mask_images_dim(images);
        float box[4], *out = malloc((items + 1) * sizeof *out);
        assert_true(regions > 0 && items > 0);
        if (out && mask_images_features(images, i, out, &err) != MASK_OK)
            assert_true(err.message[0] && !strchr(err.message, '\n'));
        mask_images_box(images, i, regions - 1, box);
        free(out);
    }
    mask_images_close(images);
}

#endif
