/* Images with their captions: the rule for stored copies, Flickr30K's dev, captions from a Karpathy JSON. */
#include "arrays.h"
#include "images/images.h"

static char *new_set(const char *name, size_t rows, size_t copies, size_t captions)
{
    char *folder = new_folder(name);
    write_counting(inside(folder, "dev_ims.npy"), MASK__NPY_F32, 2, (size_t[]){rows, 3}, copies);
    if (captions) write_numbered(inside(folder, "dev_caps.txt"), "caption ", captions, 1);
    return folder;
}

static void check_set(const char *folder, const char *captions, size_t images_expected, size_t texts_expected)
{
    mask_error err;
    mask_images *images;
    mask_texts *texts;
    float out[3];
    check_ok(mask_dataset_open(&images, &texts, folder, "dev", captions, NULL, &err));
    assert_int_equal(mask_images_count(images), images_expected);
    assert_int_equal(mask_texts_count(texts), texts_expected);
    size_t last = images_expected - 1;
    check_ok(mask_images_features(images, last, out, &err));
    assert_true(out[0] == (float)(last * 3));
    check_fails(mask_images_features(images, images_expected, out, &err), MASK_EINVAL, "of ");
    mask_images_close(images);
    mask_texts_close(texts);
}

static void check_refused(const char *folder, const char *captions, mask_status status, const char *part)
{
    mask_error err;
    mask_images *images;
    mask_texts *texts;
    check_fails(mask_dataset_open(&images, &texts, folder, "dev", captions, NULL, &err), status, part);
    assert_null(images);
    assert_null(texts);
}

static void images_are_stored_once_or_five_times(void **state)
{
    (void)state;
    static const struct {
        size_t rows, copies, captions, images, texts;
    } cases[] = {
        {4, 1, 20, 4, 20},           {20, 5, 20, 4, 20},          {1, 1, 5, 1, 5},
        {1014, 1, 5070, 1000, 5000}, {5070, 5, 5070, 1000, 5000}, {1013, 1, 5065, 1013, 5065},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char name[16];
        snprintf(name, sizeof name, "set%zu", i);
        char *folder = new_set(name, cases[i].rows, cases[i].copies, cases[i].captions);
        check_set(folder, NULL, cases[i].images, cases[i].texts);
        free(folder);
    }
}

static void ids_of_a_cut_set_stop_where_it_stops(void **state)
{
    (void)state;
    mask_error err;
    mask_images *images;
    mask_texts *texts;
    char *folder = new_set("cut", 5070, 5, 5070);
    write_numbered(inside(folder, "dev_ids.txt"), "", 1014, 1);
    write_numbered(inside(folder, "dev_names.txt"), "name", 5070, 5);
    check_ok(mask_dataset_open(&images, &texts, folder, "dev", NULL, NULL, &err));
    assert_string_equal(mask_images_id(images, 999), "999");
    assert_string_equal(mask_images_name(images, 999), "name999");
    assert_int_equal(mask_images_find(images, "name999"), 999);
    assert_int_equal(mask_images_find(images, "1000"), -1);
    assert_string_equal(mask_texts_get(texts, 4999), "caption 4999");
    mask_images_close(images);
    mask_texts_close(texts);
    free(folder);
}

static void counts_that_fit_no_rule_are_refused(void **state)
{
    (void)state;
    static const struct {
        size_t rows, captions;
    } cases[] = {{4, 19}, {4, 21}, {4, 4}, {4, 1}, {20, 4}, {1014, 5000}, {1000, 5070}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char name[16], part[64];
        snprintf(name, sizeof name, "unfit%zu", i);
        char *folder = new_set(name, cases[i].rows, 1, cases[i].captions);
        snprintf(part, sizeof part, "dev_caps.txt has %zu captions", cases[i].captions);
        check_refused(folder, NULL, MASK_EMISMATCH, part);
        snprintf(part, sizeof part, "dev_ims.npy has %zu images", cases[i].rows);
        check_refused(folder, NULL, MASK_EMISMATCH, part);
        free(folder);
    }
}

static void either_side_may_fail(void **state)
{
    (void)state;
    char *folder = new_set("half", 4, 1, 0);
    check_refused(folder, NULL, MASK_EIO, "dev_caps.txt");
    check_refused(folder, "/nowhere.txt", MASK_EIO, "/nowhere.txt");
    check_refused("/nowhere", NULL, MASK_EIO, "/nowhere");
    free(folder);
}

static void captions_come_from_another_file(void **state)
{
    (void)state;
    char *folder = new_set("other", 2, 1, 7);
    const char *path = inside(folder, "other.txt");
    write_numbered(path, "x", 10, 1);
    check_set(folder, path, 2, 10);
    check_refused(folder, NULL, MASK_EMISMATCH, "7 captions");
    free(folder);
}

/* A Karpathy JSON of `images` val images with `sentences` each, and one training image with a single sentence. */
static void write_karpathy(const char *path, size_t images, size_t sentences)
{
    FILE *file = fopen(path, "w");
    if (!file) abort();
    fputs("{\"images\":[{\"split\":\"train\",\"filename\":\"t.jpg\",\"sentences\":[{\"raw\":\"t\"}]}", file);
    for (size_t i = 0; i < images; i++) {
        fprintf(file, ",{\"sentences\":[");
        for (size_t s = 0; s < sentences; s++) fprintf(file, "%s{\"raw\":\"i%zu s%zu\"}", s ? "," : "", i, s);
        fprintf(file, "],\"filename\":\"v%zu.jpg\",\"split\":\"val\"}", i);
    }
    fputs("]}", file);
    if (fclose(file) != 0) abort();
}

/* The first words of each image's captions, and how they were paired. */
static void check_order(const char *folder, const char *captions, const char *expected, bool by_name)
{
    mask_error err;
    mask_images *images;
    mask_texts *texts;
    char found[64] = "";
    check_ok(mask_dataset_open(&images, &texts, folder, "dev", captions, NULL, &err));
    for (size_t i = 0; i < mask_texts_count(texts); i++) {
        const char *text = mask_texts_get(texts, i);
        assert_int_equal(text[4], '0' + (int)(i % 5)); /* "i1 s0": the five of an image stay in order */
        if (i % 5 == 0) snprintf(found + strlen(found), 4, "%s%.2s", i ? " " : "", text);
    }
    assert_string_equal(found, expected);
    assert_int_equal(mask_texts_by_name(texts), by_name);
    mask_images_close(images);
    mask_texts_close(texts);
}

static void captions_come_from_a_karpathy_json(void **state)
{
    (void)state;
    mask_error err;
    mask_images *images;
    mask_texts *texts;
    char *folder = new_set("karpathy", 3, 1, 0);
    const char *path = inside(folder, "dataset_x.json");
    write_karpathy(path, 3, 6);
    check_set(folder, path, 3, 15);
    check_ok(mask_dataset_open(&images, &texts, folder, "dev", path, NULL, &err));
    assert_string_equal(mask_texts_get(texts, 5), "i1 s0");
    assert_string_equal(mask_texts_get(texts, 14), "i2 s4");
    mask_images_close(images);
    mask_texts_close(texts);
    const char *names = inside(folder, "dev_names.txt");
    write_text(names, "v0.jpg\nv1.jpg\nv2.jpg\n");
    check_set(folder, path, 3, 15);
    write_text(names, "v0.jpg\nv2.jpg\nv1.jpg\n");
    check_order(folder, path, "i0 i2 i1", true);
    write_text(names, "v0.jpg\nv2.jpg\nv3.jpg\n"); /* other images: the places speak, and differ */
    check_refused(folder, path, MASK_EMISMATCH, "image 1 is 'v2.jpg'");
    remove(names);
    check_order(folder, path, "i0 i1 i2", false);
    write_text(inside(folder, "dev_ids.txt"), "v2\nv0\nv1\n"); /* ids without the extension */
    check_order(folder, path, "i2 i0 i1", true);
    write_text(inside(folder, "dev_ids.txt"), "v2\nv0\nv0\n"); /* an id twice */
    check_order(folder, path, "i0 i1 i2", false);
    remove(inside(folder, "dev_ids.txt"));
    write_karpathy(path, 3, 4);
    check_refused(folder, path, MASK_EFORMAT, "image 1 (v0.jpg): has fewer than five sentences");
    write_karpathy(path, 2, 5);
    check_refused(folder, path, MASK_EMISMATCH, "10 captions");
    free(folder);
}

/* The real set, where the machine has it. */
static void flickr8k_opens(void **state)
{
    (void)state;
    mask_error err;
    mask_images *images;
    mask_texts *texts;
    float box[4];
    char path[512];
    need_shared(shared);
    snprintf(path, sizeof path, "%s/flickr8k", shared);
    check_ok(mask_dataset_open(&images, &texts, path, "dev", NULL, NULL, &err));
    assert_int_equal(mask_images_count(images), 1000);
    assert_int_equal(mask_images_regions(images, 999), 36);
    assert_int_equal(mask_images_dim(images), 768);
    assert_int_equal(mask_texts_count(texts), 5000);
    assert_true(mask_images_box(images, 0, 0, box));
    for (size_t i = 0; i < 1000; i++) {
        check_ok(mask__images_refuse(images, i, &err));
        assert_int_equal(mask_images_find(images, mask_images_name(images, i)), (int64_t)i);
        assert_int_equal(mask_images_find(images, mask_images_id(images, i)), (int64_t)i);
    }
    mask_images_close(images);
    mask_texts_close(texts);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(images_are_stored_once_or_five_times),
        cmocka_unit_test(ids_of_a_cut_set_stop_where_it_stops),
        cmocka_unit_test(counts_that_fit_no_rule_are_refused),
        cmocka_unit_test(either_side_may_fail),
        cmocka_unit_test(captions_come_from_another_file),
        cmocka_unit_test(captions_come_from_a_karpathy_json),
        cmocka_unit_test(flickr8k_opens),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
