/* Conversions there and back, from what a test wrote or converted itself; what a format cannot say is refused. */
#include "made_images.h"
#include "arrays.h"
#include "formats/npz.h"

#include <unistd.h>

/* A folder of .npz with all made images, `regions` each (0 = as many as made), without boxes where told. */
static char *write_source(const char *name, size_t regions, bool boxes)
{
    mask_error err;
    char *folder = new_folder(name), path[512];
    for (size_t i = 0; i < MADE_IMAGES; i++) {
        size_t n = regions ? regions : made_regions_in(i);
        float features[MADE_MOST * MADE_DIM], box[MADE_MOST * 4];
        mask__npz npz;
        fill_features(i, n, features);
        fill_boxes(i, n, box);
        snprintf(path, sizeof path, "%s/%s.npz", folder, made_id(i));
        check_ok(mask__npz_create(&npz, path, &err));
        check_ok(mask__npz_add(&npz, "x", MASK__NPY_F32, 2, (size_t[]){n, MADE_DIM}, features, &err));
        if (boxes) check_ok(mask__npz_add(&npz, "bbox", MASK__NPY_F32, 2, (size_t[]){n, 4}, box, &err));
        check_ok(mask__npz_add(&npz, "image_w", MASK__NPY_I64, 0, NULL, &(int64_t){320}, &err));
        check_ok(mask__npz_add(&npz, "image_h", MASK__NPY_I64, 0, NULL, &(int64_t){240}, &err));
        check_ok(mask__npz_commit(&npz, &err));
    }
    return folder;
}

static void convert(const char *from, const char *to, mask_convert_options options)
{
    mask_error err;
    mask_images *images;
    check_ok(mask_images_open(&images, from, NULL, NULL, &err));
    check_ok(mask_images_convert(images, to, &options, NULL, &err));
    mask_images_close(images);
}

static void check_set(const char *path, size_t regions, bool sizes)
{
    mask_error err;
    mask_images *images;
    float size[2];
    check_ok(mask_images_open(&images, path, NULL, NULL, &err));
    assert_int_equal(mask_images_count(images), MADE_IMAGES);
    for (size_t i = 0; i < MADE_IMAGES; i++) {
        size_t at = (size_t)mask_images_find(images, made_id(i));
        check_made(images, at, i, regions);
        assert_int_equal(mask__images_size(images, at, size), sizes);
        if (sizes) assert_true(size[0] == 320 && size[1] == 240);
    }
    mask_images_close(images);
}

static void there_and_back(void **state)
{
    (void)state;
    char *source = write_source("source", 0, true), again[256], tsv[256], array[256];
    snprintf(tsv, sizeof tsv, "%s", temp_path("a.tsv"));
    snprintf(again, sizeof again, "%s", temp_path("again"));
    snprintf(array, sizeof array, "%s", temp_path("a_ims.npy"));
    check_set(source, 0, true);
    convert(source, tsv, (mask_convert_options){.size = sizeof(mask_convert_options), .to = MASK_FEATURES_TSV});
    check_set(tsv, 0, true);
    convert(tsv, again, (mask_convert_options){.size = sizeof(mask_convert_options), .to = MASK_FEATURES_NPZ});
    check_set(again, 0, true);
    free(source);

    source = write_source("equal", 4, true);
    for (int half = 0; half < 2; half++) {
        convert(source, array,
                (mask_convert_options){.size = sizeof(mask_convert_options), .to = MASK_FEATURES_NPY, .half = half});
        check_set(array, 4, false);
        mask_error err;
        mask__npy npy;
        check_ok(mask__npy_open(&npy, array, &err));
        assert_int_equal(npy.type, half ? MASK__NPY_F16 : MASK__NPY_F32);
        mask__npy_close(&npy);
    }
    convert(source, array,
            (mask_convert_options){.size = sizeof(mask_convert_options), .to = MASK_FEATURES_NPY, .regions = 2});
    check_set(array, 2, false);
    convert(array, tsv,
            (mask_convert_options){
                .size = sizeof(mask_convert_options), .to = MASK_FEATURES_TSV, .regions = 1}); /* sizes are not known */
    check_set(tsv, 1, false);
    free(source);
}

/* Names go along; the same bits come out whatever the way. */
static void names_follow_and_bytes_agree(void **state)
{
    (void)state;
    const char *from = temp_path("n_ims.npy"), *to = temp_path("m.npy"), *npz = temp_path("n-folder");
    size_t size, other_size;
    write_counting(from, MASK__NPY_F32, 3, (size_t[]){4, 2, 3}, 1);
    write_text(temp_path("n_names.txt"), "a.jpg\nb.jpg\nc.jpg\na.jpg\n");
    convert(from, to, mask_convert_defaults());
    char *names = read_whole(temp_path("m_names.txt"), &size), *ids = read_whole(temp_path("m_ids.txt"), &other_size);
    assert_string_equal(names, "a.jpg\nb.jpg\nc.jpg\na.jpg\n");
    assert_string_equal(ids, "0\n1\n2\n3\n");
    free(names);
    free(ids);
    convert(from, npz,
            (mask_convert_options){.size = sizeof(mask_convert_options), .to = MASK_FEATURES_NPZ}); /* without boxes */
    to = temp_path("without-names.npy");
    convert(npz, to, mask_convert_defaults());
    char *one = read_whole(from, &size), *two = read_whole(to, &other_size);
    assert_int_equal(size, other_size);
    assert_memory_equal(one, two, size);
    free(one);
    free(two);
}

static void stopped_work_goes_on(void **state)
{
    (void)state;
    mask_error err;
    mask_images *images;
    told t = {0};
    mask_run run = {.log = keep_line, .user = &t};
    mask_convert_options options = {.size = sizeof(mask_convert_options), .to = MASK_FEATURES_NPZ};
    char *source = write_source("from", 0, true), target[256], path[512];
    snprintf(target, sizeof target, "%s", temp_path("to"));
    convert(source, target, options);
    snprintf(path, sizeof path, "%s/rose.npz", target);
    remove(path);
    snprintf(path, sizeof path, "%s/3.npz", target);
    write_text(path, "cut");
    check_ok(mask_images_open(&images, source, NULL, NULL, &err));
    check_ok(mask_images_convert(images, target, &options, &run, &err));
    assert_non_null(strstr(t.line, "kept 5 files that were there"));
    check_set(target, 0, true);
    options.regions = 1; /* of another shape: written anew, but where there is one region anyway */
    check_ok(mask_images_convert(images, target, &options, &run, &err));
    check_set(target, 1, true);
    mask_images_close(images);
    free(source);
}

static void what_a_format_cannot_say_is_refused(void **state)
{
    (void)state;
    mask_error err;
    mask_images *images;
    char *source = write_source("ragged", 0, false), path[512], array[256], tsv[256], folder[256];
    snprintf(array, sizeof array, "%s", temp_path("no_ims.npy"));
    snprintf(tsv, sizeof tsv, "%s", temp_path("no.tsv"));
    snprintf(folder, sizeof folder, "%s", temp_path("no-folder"));
    check_ok(mask_images_open(&images, source, NULL, NULL, &err));
    check_fails(mask_images_convert(images, array, NULL, NULL, &err), MASK_EMISMATCH, "has 4 regions");
    assert_non_null(strstr(err.message, "at most 1"));
    check_fails(mask_images_convert(images, array,
                                    &(mask_convert_options){.size = sizeof(mask_convert_options), .regions = 2}, NULL,
                                    &err),
                MASK_EMISMATCH, "has only 1 regions");
    check_fails(mask_images_convert(
                    images, tsv, &(mask_convert_options){.size = sizeof(mask_convert_options), .to = MASK_FEATURES_TSV},
                    NULL, &err),
                MASK_EMISMATCH, "has no boxes, which a TSV needs");
    check_fails(mask_images_convert(images, "x", NULL, NULL, &err), MASK_EINVAL, "does not end in .npy");
    check_fails(mask_images_convert(images, "/nowhere/a.npy",
                                    &(mask_convert_options){.size = sizeof(mask_convert_options), .regions = 1}, NULL,
                                    &err),
                MASK_EIO, "/nowhere/a.npy: cannot create");
    check_fails(mask_images_convert(
                    images, "/nowhere/a",
                    &(mask_convert_options){.size = sizeof(mask_convert_options), .to = MASK_FEATURES_NPZ}, NULL, &err),
                MASK_EIO, "/nowhere/a: cannot create");
    mask_images_close(images);

    static const char *const ids[] = {"../up", ".", "a/b", "same"};
    for (size_t i = 0; i < 4; i++) {
        write_counting(temp_path("id_ims.npy"), MASK__NPY_F32, 3, (size_t[]){2, 1, 3}, 1);
        snprintf(path, sizeof path, "same\n%s\n", ids[i]);
        write_text(temp_path("id_ids.txt"), path);
        check_ok(mask_images_open(&images, temp_path("id_ims.npy"), NULL, NULL, &err));
        check_fails(
            mask_images_convert(images, folder,
                                &(mask_convert_options){.size = sizeof(mask_convert_options), .to = MASK_FEATURES_NPZ},
                                NULL, &err),
            MASK_EMISMATCH, i < 3 ? "has an id that cannot be written there" : "has the id of another");
        mask_images_close(images);
    }
    for (int boxes = 0; boxes < 2; boxes++) {
        write_counting(temp_path("id_ims.npy"), MASK__NPY_F32, 3, (size_t[]){2, 1, 3}, 1);
        write_text(temp_path("id_ids.txt"), "a\nb\n");
        const char *old = temp_path(boxes ? "old_boxes.npy" : "old_names.txt");
        write_text(old, "x");
        check_ok(mask_images_open(&images, temp_path("id_ims.npy"), NULL, NULL, &err));
        check_fails(mask_images_convert(images, temp_path("old_ims.npy"), NULL, NULL, &err), MASK_EMISMATCH,
                    "belongs to other features");
        mask_images_close(images);
        remove(old);
    }
    write_array(temp_path("large_ims.npy"), MASK__NPY_F32, 3, (size_t[]){1, 1, 2}, (float[]){1, -70000});
    check_ok(mask_images_open(&images, temp_path("large_ims.npy"), NULL, NULL, &err));
    check_fails(mask_images_convert(images, array,
                                    &(mask_convert_options){.size = sizeof(mask_convert_options), .half = true}, NULL,
                                    &err),
                MASK_EMISMATCH, "beyond float16");
    mask_images_close(images);
    assert_int_not_equal(access(array, F_OK), 0);
    assert_int_not_equal(access(tsv, F_OK), 0);
    free(source);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(there_and_back),
        cmocka_unit_test(names_follow_and_bytes_agree),
        cmocka_unit_test(stopped_work_goes_on),
        cmocka_unit_test(what_a_format_cannot_say_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
