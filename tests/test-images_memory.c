/* Images from the caller's arrays: the same answers for every layout, copied or borrowed, what is refused, and scores
 * and galleries equal to those of the same features in a file. */
#include "made-gallery.h"
#include "matching.h"
#include "made_images.h"

enum { COUNT = 6, EACH = 3 };

static float dense[COUNT * EACH * MADE_DIM], boxes[COUNT * EACH * 4];
static const char *ids[COUNT];

static void fill_dense(void)
{
    for (size_t i = 0; i < COUNT; i++) {
        fill_features(i, EACH, dense + i * EACH * MADE_DIM);
        fill_boxes(i, EACH, boxes + i * EACH * 4);
        ids[i] = made_id(i);
    }
}

static mask_images *create(const mask_images_memory *memory)
{
    mask_error err;
    mask_images *images;
    check_ok(mask_images_create(&images, memory, &err));
    return images;
}

static void check_all(mask_images *images, size_t regions)
{
    mask_error err;
    float buffer[COUNT * MADE_MOST * MADE_DIM], want[MADE_MOST * MADE_DIM];
    const float *block;
    size_t rows, at = 0;
    assert_int_equal(mask_images_count(images), COUNT);
    assert_int_equal(mask_images_dim(images), MADE_DIM);
    for (size_t i = 0; i < COUNT; i++) check_made(images, i, i, regions);
    check_ok(mask__images_block(images, 0, COUNT, buffer, &block, &rows, &err));
    for (size_t i = 0; i < COUNT; i++) {
        size_t n = mask_images_regions(images, i);
        fill_features(i, n, want);
        assert_memory_equal(block + at, want, n * MADE_DIM * sizeof *want);
        at += n * MADE_DIM;
    }
    assert_int_equal(rows * MADE_DIM, at);
}

static void test_one_array(void **state)
{
    (void)state;
    fill_dense();
    mask_images_memory m = {
        .count = COUNT, .dim = MADE_DIM, .features = dense, .regions = EACH, .ids = ids, .boxes = boxes};
    for (int borrow = 0; borrow < 2; borrow++) {
        m.borrow = borrow;
        mask_images *images = create(&m);
        check_all(images, EACH);
        mask_images_close(images);
    }
    /* A dense borrowed array is read where it lies; a copy outlives the array. */
    mask_error err;
    const float *block;
    size_t rows;
    mask_images *images = create(&m);
    check_ok(mask__images_block(images, 1, 2, NULL, &block, &rows, &err));
    assert_ptr_equal(block, dense + EACH * MADE_DIM);
    mask_images_close(images);
    m.borrow = false;
    images = create(&m);
    memset(dense, 0, sizeof dense);
    memset(boxes, 0, sizeof boxes);
    memset(ids, 0, sizeof ids);
    check_all(images, EACH);
    mask_images_close(images);
}

/* Regions first, images within, values last to first: no two neighbours of the dense array lie together. */
static void test_strides(void **state)
{
    (void)state;
    float turned[EACH][COUNT + 1][MADE_DIM + 2];
    fill_dense();
    for (size_t i = 0; i < COUNT; i++)
        for (size_t r = 0; r < EACH; r++)
            for (size_t d = 0; d < MADE_DIM; d++) turned[r][i][MADE_DIM - 1 - d] = dense[(i * EACH + r) * MADE_DIM + d];
    mask_images_memory m = {.count = COUNT,
                            .dim = MADE_DIM,
                            .features = &turned[0][0][MADE_DIM - 1],
                            .regions = EACH,
                            .strides = {sizeof turned[0][0], sizeof turned[0], -(ptrdiff_t)sizeof(float)},
                            .ids = ids,
                            .boxes = boxes};
    for (int borrow = 0; borrow < 2; borrow++) {
        m.borrow = borrow;
        mask_images *images = create(&m);
        check_all(images, EACH);
        mask_images_close(images);
    }
}

static void test_an_array_each(void **state)
{
    (void)state;
    static float features[COUNT][MADE_MOST * MADE_DIM], wide[COUNT][MADE_MOST * (MADE_DIM + 3)];
    static float all[COUNT * MADE_MOST * 4], sizes[COUNT * 2];
    const float *each[COUNT], *each_wide[COUNT];
    const char *names[COUNT] = {NULL, "b.jpg"};
    size_t regions[COUNT], at = 0;
    float size[2];
    fill_dense();
    for (size_t i = 0; i < COUNT; i++) {
        regions[i] = made_regions_in(i);
        fill_features(i, regions[i], features[i]);
        fill_boxes(i, regions[i], all + at * 4);
        at += regions[i];
        for (size_t r = 0; r < regions[i]; r++)
            memcpy(wide[i] + r * (MADE_DIM + 3), features[i] + r * MADE_DIM, MADE_DIM * sizeof(float));
        each[i] = features[i];
        each_wide[i] = wide[i];
        sizes[2 * i] = (float)i;
        sizes[2 * i + 1] = 7;
    }
    for (int way = 0; way < 4; way++) {
        mask_images_memory m = {.count = COUNT,
                                .dim = MADE_DIM,
                                .each = way & 2 ? each_wide : each,
                                .each_regions = regions,
                                .strides = {0, way & 2 ? (MADE_DIM + 3) * sizeof(float) : 0},
                                .ids = ids,
                                .names = names,
                                .boxes = all,
                                .sizes = sizes,
                                .borrow = way & 1};
        mask_images *images = create(&m);
        check_all(images, 0);
        assert_null(mask_images_name(images, 0));
        assert_string_equal(mask_images_name(images, 1), "b.jpg");
        assert_int_equal(mask_images_find(images, "b.jpg"), 1);
        assert_int_equal(mask_images_find(images, ""), -1);
        assert_true(mask__images_size(images, 4, size));
        assert_true(size[0] == 4 && size[1] == 7);
        mask_images_close(images);
    }
}

static void test_without_anything(void **state)
{
    (void)state;
    float box[4];
    fill_dense();
    mask_images *images = create(&(mask_images_memory){.count = 2, .dim = MADE_DIM, .features = dense, .regions = 1});
    assert_string_equal(mask_images_id(images, 1), "1");
    assert_null(mask_images_name(images, 1));
    assert_false(mask_images_box(images, 0, 0, box));
    assert_int_equal(mask_images_find(images, "1"), 1);
    assert_int_equal(mask_images_find(images, "2"), -1);
    mask_images_close(images);
    mask_images_close(create(&(mask_images_memory){.dim = 3}));
}

static void test_refusals(void **state)
{
    (void)state;
    mask_error err;
    mask_images *images;
    fill_dense();
    const size_t none[2] = {1, 0};
    const float *each[2] = {dense, NULL};
    const char *empty[2] = {"a", ""};
    const mask_images_memory good = {.count = 2, .dim = MADE_DIM, .features = dense, .regions = 1};
    struct {
        mask_images_memory m;
        const char *part;
    } bad[8];
    for (size_t i = 0; i < 8; i++) bad[i].m = good;
    bad[0].m.dim = 0, bad[0].part = "needs dim";
    bad[1].m.features = NULL, bad[1].part = "either features or each";
    bad[2].m.each = each, bad[2].part = "either features or each";
    bad[3].m.regions = 0, bad[3].part = "number of regions";
    bad[4].m.strides[1] = 6, bad[4].part = "stride of 6 bytes";
    bad[5].m.ids = empty, bad[5].part = "image 1: has no id";
    bad[6].m = (mask_images_memory){.count = 2, .dim = 2, .each = each, .each_regions = none},
    bad[6].part = "no regions";
    bad[7].m = (mask_images_memory){.count = 2, .dim = 2, .each = each, .each_regions = (const size_t[]){1, 1}};
    bad[7].part = "image 1: has no features";
    for (size_t i = 0; i < 8; i++) check_fails(mask_images_create(&images, &bad[i].m, &err), MASK_EINVAL, bad[i].part);
    mask_images_memory huge = good;
    huge.regions = SIZE_MAX / 16;
    check_fails(mask_images_create(&images, &huge, &err), MASK_ENOMEM, "memory");
    dense[MADE_DIM + 2] = NAN;
    images = create(&good);
    float out[MADE_DIM];
    check_ok(mask_images_features(images, 0, out, &err));
    check_fails(mask_images_features(images, 1, out, &err), MASK_ENUMERIC, "image 1 (1), region 0");
    mask_images_close(images);
}

/* Scores and a gallery of them are those of the same array in a file. */
static void test_is_used_like_a_file(void **state)
{
    (void)state;
    mask_error err;
    world w;
    uint64_t random = 3;
    float features[9 * REGIONS * M], scores[2][9];
    mask_texts *texts;
    make_world(&w, 3);
    for (size_t i = 0; i < 9 * REGIONS * M; i++) features[i] = fmaxf(0, made_number(&random) + 0.3f);
    mask_images *both[2] = {
        made_images("same.npy", features, 9, REGIONS, M),
        create(&(mask_images_memory){.count = 9, .dim = M, .features = features, .regions = REGIONS, .borrow = true})};
    check_ok(mask_texts_create(&texts, (const char *[]){made_word(1)}, 1, &err));
    for (size_t i = 0; i < 2; i++) {
        char path[300];
        mask_gallery *g;
        mask_results r;
        mask_query q = mask_query_defaults();
        snprintf(path, sizeof path, "%s%zu", temp_path("g"), i);
        check_ok(match_scores(w.knowledge, w.vectors, both[i], texts, NULL, scores[i], NULL, NULL, &err));
        mask_gallery_options exact = mask_gallery_defaults();
        exact.store = MASK_STORE_FLOAT;
        check_ok(mask_gallery_create(path, w.knowledge, NULL, &exact, &err));
        check_ok(mask_gallery_add(path, both[i], NULL, NULL, &err));
        check_ok(mask_gallery_open(&g, path, NULL, &err));
        q.texts = &(mask_query_text){made_word(1), 1};
        q.count = 1;
        check_ok(mask_gallery_search(g, w.vectors, &q, &r, NULL, &err));
        assert_int_equal(r.count, 9);
        for (size_t h = 0; h < r.count; h++) assert_float_equal(r.hits[h].score, scores[0][atoi(r.hits[h].id)], 1e-4);
        mask_results_free(&r);
        mask_gallery_close(g);
    }
    assert_memory_equal(scores[0], scores[1], sizeof scores[0]);
    mask_texts_close(texts);
    mask_images_close(both[0]);
    mask_images_close(both[1]);
    free_world(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_array),     cmocka_unit_test(test_strides),
        cmocka_unit_test(test_an_array_each), cmocka_unit_test(test_without_anything),
        cmocka_unit_test(test_refusals),      cmocka_unit_test(test_is_used_like_a_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
