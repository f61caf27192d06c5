/* Sets of images: shapes, types, the lists beside them, stored copies, blocks, and what is refused. */
#include "arrays.h"
#include "images/images.h"

#include <math.h>

enum { REGIONS = 3, DIM = 4, ITEMS = REGIONS * DIM };

/* A folder with dev_ims.npy of `rows` rows, each value counting, each row stored `copies` times. */
static char *new_set(const char *name, mask__npy_type type, size_t rows, size_t copies)
{
    char *folder = new_folder(name);
    write_counting(inside(folder, "dev_ims.npy"), type, 3, (size_t[]){rows, REGIONS, DIM}, copies);
    return folder;
}

static void check_features(const mask_images *images, size_t image, float first)
{
    mask_error err;
    float out[ITEMS];
    check_ok(mask_images_features(images, image, out, &err));
    for (size_t i = 0; i < ITEMS; i++) assert_true(out[i] == first + (float)i);
}

static void a_file_and_a_folder_are_read(void **state)
{
    (void)state;
    mask_error err;
    mask_images *images;
    float box[4];
    static const mask__npy_type types[] = {MASK__NPY_F16, MASK__NPY_F32};
    for (size_t t = 0; t < 2; t++) {
        char *folder = new_set(t ? "f32" : "f16", types[t], 4, 1);
        for (int as_file = 0; as_file < 2; as_file++) {
            const char *path = as_file ? inside(folder, "dev_ims.npy") : folder;
            check_ok(mask_images_open(&images, path, as_file ? NULL : "dev", NULL, &err));
            assert_int_equal(mask_images_count(images), 4);
            assert_int_equal(mask_images_dim(images), DIM);
            assert_int_equal(mask_images_regions(images, 2), REGIONS);
            assert_int_equal(mask__images_rows(images), 4 * REGIONS);
            assert_string_equal(mask_images_id(images, 3), "3");
            assert_null(mask_images_name(images, 3));
            assert_false(mask_images_box(images, 0, 0, box));
            assert_int_equal(mask_images_find(images, "2"), 2);
            assert_int_equal(mask_images_find(images, "4"), -1);
            for (size_t i = 0; i < 4; i++) check_features(images, i, (float)(i * ITEMS));
            check_fails(mask_images_features(images, 4, box, &err), MASK_EINVAL, "images 4 to 5 of 4");
            mask_images_close(images);
        }
        free(folder);
    }
    mask_images_close(NULL);
}

static void two_dimensions_are_one_region_an_image(void **state)
{
    (void)state;
    mask_error err;
    mask_images *images;
    float box[4];
    const char *path = temp_path("photos.npy");
    write_counting(path, MASK__NPY_F32, 2, (size_t[]){3, 5}, 1);
    write_array(temp_path("photos_boxes.npy"), MASK__NPY_F32, 2, (size_t[]){3, 4},
                (float[]){1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12});
    write_text(temp_path("photos_names.txt"), "a.jpg\nb.jpg\na.jpg\n");
    check_ok(mask_images_open(&images, path, NULL, NULL, &err));
    assert_int_equal(mask_images_count(images), 3);
    assert_int_equal(mask_images_regions(images, 0), 1);
    assert_int_equal(mask_images_dim(images), 5);
    assert_true(mask_images_box(images, 1, 0, box));
    assert_true(box[0] == 5 && box[3] == 8);
    assert_false(mask_images_box(images, 1, 1, box));
    assert_string_equal(mask_images_name(images, 2), "a.jpg");
    assert_int_equal(mask_images_find(images, "a.jpg"), 0); /* of equal names the first */
    assert_int_equal(mask_images_find(images, "1"), 1);
    mask_images_close(images);
}

/* Every combination of rows stored once or five times with ids listed once or five times. */
static void copies_are_dropped_and_ids_follow(void **state)
{
    (void)state;
    mask_error err;
    mask_images *images;
    for (size_t copies = 1; copies <= 5; copies += 4)
        for (size_t id_copies = 1; id_copies <= 5; id_copies += 4) {
            char name[32];
            snprintf(name, sizeof name, "copies-%zu-%zu", copies, id_copies);
            char *folder = new_set(name, MASK__NPY_F32, 4 * copies, copies);
            write_numbered(inside(folder, "dev_ids.txt"), "coco", 4 * id_copies, id_copies);
            write_numbered(inside(folder, "dev_caps.txt"), "a caption ", 20, 1);
            check_ok(mask_images_open(&images, folder, "dev", NULL, &err));
            assert_int_equal(mask_images_count(images), 4);
            for (size_t i = 0; i < 4; i++) {
                char id[16];
                snprintf(id, sizeof id, "coco%zu", i);
                assert_string_equal(mask_images_id(images, i), id);
                assert_int_equal(mask_images_find(images, id), (int64_t)i);
                check_features(images, i, (float)(i * ITEMS));
            }
            assert_int_equal(mask_images_find(images, "coco4"), -1);
            mask_images_close(images);
            free(folder);
        }
}

/* Equal rows alone do not tell: the captions must be as many. */
static void equal_rows_without_captions_are_images(void **state)
{
    (void)state;
    mask_error err;
    mask_images *images;
    char *folder = new_set("equal", MASK__NPY_F32, 10, 5);
    for (size_t captions = 0; captions <= 50; captions += 50) {
        if (captions) write_numbered(inside(folder, "dev_caps.txt"), "a caption ", captions, 1);
        check_ok(mask_images_open(&images, folder, "dev", NULL, &err));
        assert_int_equal(mask_images_count(images), 10);
        mask_images_close(images);
    }
    free(folder);
}

static void one_caption_an_image_is_no_copy(void **state)
{
    (void)state;
    mask_error err;
    mask_images *images;
    char *folder = new_set("own", MASK__NPY_F32, 10, 1);
    write_numbered(inside(folder, "dev_caps.txt"), "a caption ", 10, 1);
    check_ok(mask_images_open(&images, folder, "dev", NULL, &err));
    assert_int_equal(mask_images_count(images), 10);
    mask_images_close(images);
    free(folder);
}

static void blocks_are_pointers_or_copies(void **state)
{
    (void)state;
    mask_error err;
    mask_images *images;
    float buffer[4 * ITEMS];
    const float *features;
    size_t rows;
    char *direct = new_set("direct", MASK__NPY_F32, 4, 1), *half = new_set("half", MASK__NPY_F16, 4, 1);
    char *stored_five = new_set("stored-five", MASK__NPY_F32, 20, 5);
    write_numbered(inside(stored_five, "dev_caps.txt"), "", 20, 1);
    char *const folders[] = {direct, half, stored_five};
    for (size_t f = 0; f < 3; f++) {
        check_ok(mask_images_open(&images, folders[f], "dev", NULL, &err));
        for (size_t first = 0; first <= 4; first++)
            for (size_t count = 0; count <= 4 - first; count++) {
                check_ok(mask__images_block(images, first, count, buffer, &features, &rows, &err));
                assert_int_equal(rows, count * REGIONS);
                if (count > 1) assert_int_equal(features == buffer, f > 0);
                for (size_t i = 0; i < count * ITEMS; i++) assert_true(features[i] == (float)(first * ITEMS + i));
            }
        check_fails(mask__images_block(images, 3, 2, buffer, &features, &rows, &err), MASK_EINVAL,
                    "images 3 to 5 of 4");
        check_fails(mask__images_block(images, 5, 0, buffer, &features, &rows, &err), MASK_EINVAL, "of 4");
        mask_images_close(images);
        free(folders[f]);
    }
}

/* Float32 data at an odd address must be copied, not cast. */
static void unaligned_and_double_features_are_converted(void **state)
{
    (void)state;
    mask_error err;
    mask_images *images;
    float buffer[6];
    const float *features;
    size_t rows;
    const float single[6] = {0, 1, 2, 3, 4, 5};
    const double wide[6] = {0, 1, 2, 3, 4, 5};
    for (int f64 = 0; f64 < 2; f64++) {
        unsigned char file[256] = "\x93NUMPY\x01\x00";
        char *header = (char *)file + 10;
        sprintf(header, "{'descr': '<f%d', 'fortran_order': False, 'shape': (3, 2)} ", f64 ? 8 : 4);
        if ((10 + strlen(header)) % 4 == 0) strcat(header, " ");
        size_t length = strlen(header);
        file[8] = (unsigned char)length;
        memcpy(file + 10 + length, f64 ? (const void *)wide : single, f64 ? sizeof wide : sizeof single);
        const char *path = temp_path("odd_ims.npy");
        write_file(path, file, 10 + length + (f64 ? sizeof wide : sizeof single));
        check_ok(mask_images_open(&images, path, NULL, NULL, &err));
        check_ok(mask__images_block(images, 0, 3, buffer, &features, &rows, &err));
        assert_ptr_equal(features, buffer);
        assert_memory_equal(buffer, single, sizeof single);
        mask_images_close(images);
    }
}

static void the_bad_value_is_named(void **state)
{
    (void)state;
    mask_error err;
    mask_images *images;
    float values[2 * ITEMS] = {0}, out[ITEMS];
    char *folder = new_folder("nan");
    const char *path = inside(folder, "dev_ims.npy");
    write_text(inside(folder, "dev_ids.txt"), "one\ntwo\n");
    for (int half = 0; half < 2; half++) {
        values[ITEMS + DIM + 2] = half ? INFINITY : NAN;
        write_array(path, half ? MASK__NPY_F16 : MASK__NPY_F32, 3, (size_t[]){2, REGIONS, DIM}, values);
        check_ok(mask_images_open(&images, folder, "dev", NULL, &err));
        check_ok(mask_images_features(images, 0, out, &err));
        check_ok(mask__images_refuse(images, 0, &err));
        check_fails(mask_images_features(images, 1, out, &err), MASK_ENUMERIC, "image 1 (two), region 1");
        assert_int_equal(err.offset, 128 + (ITEMS + DIM + 2) * (half ? 2 : 4));
        check_fails(mask__images_refuse(images, 1, &err), MASK_ENUMERIC, half ? "byte 164" : "byte 200");
        mask_images_close(images);
    }
    free(folder);
}

static void a_root_leads_to_its_dataset(void **state)
{
    (void)state;
    mask_error err;
    mask_images *images;
    static const char *const layouts[] = {"f30k_precomp", "coco_precomp", "precomp", "f30k/precomp"};
    for (size_t i = 0; i < sizeof layouts / sizeof *layouts; i++) {
        char name[16];
        snprintf(name, sizeof name, "root%zu", i);
        char *root = new_folder(name);
        mkdir(inside(root, "f30k"), 0777);
        mkdir(inside(root, layouts[i]), 0777);
        char *set = strdup(inside(root, layouts[i]));
        write_counting(inside(set, "test_ims.npy"), MASK__NPY_F32, 2, (size_t[]){3, 2}, 1);
        write_counting(inside(set, "dev_ims.npy"), MASK__NPY_F32, 2, (size_t[]){4, 2}, 1);
        check_ok(mask_images_open(&images, root, "test", NULL, &err));
        assert_int_equal(mask_images_count(images), 3);
        mask_images_close(images);
        check_fails(mask_images_open(&images, root, NULL, NULL, &err), MASK_EINVAL, "it has dev, test");
        check_fails(mask_images_open(&images, set, NULL, NULL, &err), MASK_EINVAL, "it has dev, test");
        check_fails(mask_images_open(&images, root, "train", NULL, &err), MASK_ENOTFOUND,
                    "the splits there are dev, test");
        assert_non_null(strstr(err.message, inside(root, "train_ims.npy")));
        assert_non_null(strstr(err.message, inside(set, "train_ims.npy")));
        mkdir(inside(root, "other_precomp"), 0777);
        check_fails(mask_images_open(&images, root, "test", NULL, &err), MASK_EINVAL, "several datasets");
        assert_non_null(strstr(err.message, "other_precomp"));
        check_ok(mask_images_open(&images, set, "test", NULL, &err));
        mask_images_close(images);
        free(set);
        free(root);
    }
}

static void what_does_not_fit_is_refused(void **state)
{
    (void)state;
    mask_error err;
    mask_images *images;
    char *folder = new_set("unfit", MASK__NPY_F32, 6, 1);
    const char *ids = inside(folder, "dev_ids.txt"), *boxes = inside(folder, "dev_boxes.npy");
    float values[6 * 3 * 4] = {0};
    check_fails(mask_images_open(&images, "/nowhere", "dev", NULL, &err), MASK_EIO, "/nowhere");
    check_fails(mask_images_open(&images, folder, "../dev", NULL, &err), MASK_EINVAL, "'../dev'");
    check_fails(mask_images_open(&images, folder, "", NULL, &err), MASK_EINVAL, "split");
    char *empty = new_folder("empty");
    check_fails(mask_images_open(&images, empty, "dev", NULL, &err), MASK_ENOTFOUND, "no *_ims.npy");
    check_fails(mask_images_open(&images, empty, NULL, NULL, &err), MASK_EINVAL, "no *_ims.npy");
    free(empty);
    const char *text = temp_path("a.txt");
    write_text(text, "x");
    check_fails(mask_images_open(&images, text, NULL, NULL, &err), MASK_EINVAL, "neither");

    static const size_t bad_counts[] = {1, 5, 7, 29, 31};
    for (size_t i = 0; i < sizeof bad_counts / sizeof *bad_counts; i++) {
        write_numbered(ids, "", bad_counts[i], 1);
        check_fails(mask_images_open(&images, folder, "dev", NULL, &err), MASK_EMISMATCH, "for the 6 images");
        assert_null(images);
    }
    write_text(ids, "a\n\nb\n");
    check_fails(mask_images_open(&images, folder, "dev", NULL, &err), MASK_EFORMAT, "line 2: is empty");
    write_text(ids, "a\n\xff\n");
    check_fails(mask_images_open(&images, folder, "dev", NULL, &err), MASK_EFORMAT, "line 2: byte 2 is not UTF-8");
    remove(ids);
    write_array(boxes, MASK__NPY_F32, 3, (size_t[]){6, 2, 4}, values);
    check_fails(mask_images_open(&images, folder, "dev", NULL, &err), MASK_EMISMATCH, "x 3 regions x 4");
    write_array(boxes, MASK__NPY_F32, 3, (size_t[]){5, 3, 4}, values);
    check_fails(mask_images_open(&images, folder, "dev", NULL, &err), MASK_EMISMATCH, "5 entries for the 6 images");
    values[3 * 4 + 5] = NAN;
    write_array(boxes, MASK__NPY_F32, 3, (size_t[]){6, 3, 4}, values);
    check_fails(mask_images_open(&images, folder, "dev", NULL, &err), MASK_EFORMAT, "row 1, region 1");
    remove(boxes);
    write_counting(inside(folder, "dev_ims.npy"), MASK__NPY_F32, 1, (size_t[]){6}, 1);
    check_fails(mask_images_open(&images, folder, "dev", NULL, &err), MASK_EFORMAT, "1 dimensions");
    write_text(inside(folder, "dev_ims.npy"), "\x93NUMPY\x01");
    check_fails(mask_images_open(&images, folder, "dev", NULL, &err), MASK_EFORMAT, "dev_ims.npy");
    static const char header[] = "{'descr': '<i4', 'fortran_order': False, 'shape': (2, 1), }";
    unsigned char file[128] = "\x93NUMPY\x01\x00";
    file[8] = sizeof header - 1;
    memcpy(file + 10, header, sizeof header - 1);
    write_file(inside(folder, "dev_ims.npy"), file, 10 + sizeof header - 1 + 8);
    check_fails(mask_images_open(&images, folder, "dev", NULL, &err), MASK_EFORMAT, "holds int32");
    assert_null(images);
    free(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_and_a_folder_are_read),
        cmocka_unit_test(two_dimensions_are_one_region_an_image),
        cmocka_unit_test(copies_are_dropped_and_ids_follow),
        cmocka_unit_test(equal_rows_without_captions_are_images),
        cmocka_unit_test(one_caption_an_image_is_no_copy),
        cmocka_unit_test(blocks_are_pointers_or_copies),
        cmocka_unit_test(unaligned_and_double_features_are_converted),
        cmocka_unit_test(the_bad_value_is_named),
        cmocka_unit_test(a_root_leads_to_its_dataset),
        cmocka_unit_test(what_does_not_fit_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
