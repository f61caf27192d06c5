/* Folders of .npz files of region features: stored, deflated, with a pickled member; files that cannot be used. */
#include "made_images.h"
#include "arrays.h"
#include "formats/npz.h"
#include "math/half.h"

#include <math.h>
#include <zip.h>

static const char pickled[] =
    "\x93NUMPY\x01\x00\x46\x00{'descr': '|O', 'fortran_order': False, 'shape': (), }               \n\x80\x02}.";

static void add_member(zip_t *zip, const char *name, const void *data, size_t size, int method)
{
    void *copy = malloc(size);
    memcpy(copy, data, size);
    zip_source_t *source = zip_source_buffer(zip, copy, size, 1);
    zip_int64_t index = zip_file_add(zip, name, source, 0);
    if (index < 0 || zip_set_file_compression(zip, (zip_uint64_t)index, method, 0) != 0) abort();
}

static void add_array(zip_t *zip, const char *name, mask__npy_type type, unsigned ndim, const size_t *shape,
                      const void *values, int method)
{
    char bytes[4096];
    size_t length = mask__npy_header(bytes, sizeof bytes, type, ndim, shape), size = mask__npy_item_bytes(type);
    for (unsigned d = 0; d < ndim; d++) size *= shape[d];
    memcpy(bytes + length, values, size);
    add_member(zip, name, bytes, length + size, method);
}

/* `said` regions in num_bbox. */
static void write_image(const char *folder, size_t image, mask__npy_type type, size_t said, int method)
{
    char path[512];
    size_t n = made_regions_in(image);
    float features[MADE_MOST * MADE_DIM], boxes[MADE_MOST * 4];
    double wide[MADE_MOST * MADE_DIM];
    uint16_t half[MADE_MOST * MADE_DIM];
    int64_t numbers[3] = {(int64_t)said, 480, 640};
    fill_features(image, n, features);
    fill_boxes(image, n, boxes);
    for (size_t i = 0; i < n * MADE_DIM; i++) wide[i] = features[i];
    mask__float_to_half(features, half, n * MADE_DIM);
    snprintf(path, sizeof path, "%s/%s.npz", folder, made_id(image));
    zip_t *zip = zip_open(path, ZIP_CREATE | ZIP_TRUNCATE, NULL);
    if (!zip) abort();
    const void *values = type == MASK__NPY_F64 ? (void *)wide : type == MASK__NPY_F16 ? (void *)half : (void *)features;
    add_array(zip, "x.npy", type, 2, (size_t[]){n, MADE_DIM}, values, method);
    add_array(zip, "bbox.npy", MASK__NPY_F32, 2, (size_t[]){n, 4}, boxes, method);
    add_array(zip, "num_bbox.npy", MASK__NPY_I64, 0, NULL, &numbers[0], method);
    add_array(zip, "image_h.npy", MASK__NPY_I64, 0, NULL, &numbers[1], method);
    add_array(zip, "image_w.npy", MASK__NPY_I64, 0, NULL, &numbers[2], method);
    add_member(zip, "info.npy", pickled, sizeof pickled - 1, method);
    if (zip_close(zip) != 0) abort();
}

static char *write_set(const char *name, mask__npy_type type, int method)
{
    char *folder = new_folder(name);
    for (size_t i = 0; i < MADE_IMAGES; i++) write_image(folder, i, type, made_regions_in(i), method);
    return folder;
}

/* Made images in the order of their ids: 3 17 100 COCO_9.jpg rose "z z" über. */
static const size_t order[MADE_IMAGES] = {2, 0, 4, 1, 3, 6, 5};

static void a_folder_is_read(void **state)
{
    (void)state;
    mask_error err;
    mask_images *images;
    static const mask__npy_type types[] = {MASK__NPY_F32, MASK__NPY_F32, MASK__NPY_F16, MASK__NPY_F64};
    for (size_t v = 0; v < 4; v++) {
        char name[16], *root;
        snprintf(name, sizeof name, "root%zu", v);
        root = new_folder(name);
        snprintf(name, sizeof name, "root%zu/val", v);
        char *folder = write_set(name, types[v], v % 2 ? ZIP_CM_DEFLATE : ZIP_CM_STORE);
        write_text(inside(folder, ".hidden.npz"), "no");
        write_text(inside(folder, "readme.txt"), "no");
        for (int as_split = 0; as_split < 2; as_split++) {
            check_ok(mask_images_open(&images, as_split ? root : folder, as_split ? "val" : NULL, NULL, &err));
            assert_int_equal(mask_images_count(images), MADE_IMAGES);
            assert_int_equal(mask_images_dim(images), MADE_DIM);
            for (size_t i = 0; i < MADE_IMAGES; i++) {
                float size[2];
                check_made(images, i, order[i], 0);
                assert_true(mask__images_size(images, i, size) && size[0] == 640 && size[1] == 480);
            }
            check_blocks(images);
            check_threads(images);
            mask_images_close(images);
        }
        free(folder);
        free(root);
    }
}

static void files_that_cannot_be_used_are_skipped(void **state)
{
    (void)state;
    mask_error err;
    mask_images *images;
    told t = {0};
    mask_run run = {.log = keep_line, .user = &t};
    char *folder = write_set("skip", MASK__NPY_F32, ZIP_CM_DEFLATE), path[512];
    size_t size;
    write_image(folder, 3, MASK__NPY_F32, 99, ZIP_CM_STORE); /* num_bbox lies */
    snprintf(path, sizeof path, "%s/%s.npz", folder, made_id(0));
    char *bytes = read_whole(path, &size);
    write_file(path, bytes, size / 2);
    write_file(inside(folder, "empty.npz"), "", 0);
    check_ok(mask_images_open(&images, folder, NULL, &run, &err));
    assert_int_equal(t.lines, 1);
    assert_non_null(strstr(t.line, "skipped 3 of 8 files; the first: "));
    assert_non_null(strstr(t.line, "17.npz: cannot open as .npz"));
    assert_int_equal(mask_images_count(images), MADE_IMAGES - 2);
    assert_int_equal(mask_images_find(images, made_id(0)), -1);
    check_made(images, 0, 2, 0);
    check_made(images, 4, 5, 0);
    mask_images_close(images);

    char *other = new_folder("worse");
    snprintf(path, sizeof path, "%s/a.npz", other);
    write_file(path, bytes, size / 2);
    check_fails(mask_images_open(&images, other, NULL, NULL, &err), MASK_EFORMAT, "a.npz: cannot open as .npz");
    free(bytes);
    write_image(other, 2, MASK__NPY_F32, 99, ZIP_CM_STORE);
    check_fails(mask_images_open(&images, other, NULL, NULL, &err), MASK_EMISMATCH, "num_bbox is 99, but x has 1 rows");
    free(other);
    free(folder);
}

static void bad_members_are_refused(void **state)
{
    (void)state;
    mask_error err;
    mask_images *images;
    static const float values[24] = {0};
    static const struct {
        const char *name, *boxes;
        mask__npy_type type;
        unsigned ndim;
        size_t shape[2], box_rows;
        const char *part;
    } bad[] = {
        {"y.npy", "bbox.npy", MASK__NPY_F32, 2, {2, 3}, 2, "has no member 'x'"},
        {"x.npy", "bbox.npy", MASK__NPY_F32, 1, {6, 1}, 2, "x is not regions x dim"},
        {"x.npy", "bbox.npy", MASK__NPY_I32, 2, {2, 3}, 2, "x is not regions x dim"},
        {"x.npy", "bbox.npy", MASK__NPY_F32, 2, {2, 3}, 3, "bbox is not 2 x 4"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char name[16];
        snprintf(name, sizeof name, "bad%zu", i);
        char *folder = new_folder(name);
        zip_t *zip = zip_open(inside(folder, "a.npz"), ZIP_CREATE, NULL);
        add_array(zip, bad[i].name, bad[i].type, bad[i].ndim, bad[i].shape, values, ZIP_CM_STORE);
        add_array(zip, bad[i].boxes, MASK__NPY_F32, 2, (size_t[]){bad[i].box_rows, 4}, values, ZIP_CM_STORE);
        if (zip_close(zip) != 0) abort();
        memset(&err, 0, sizeof err);
        assert_int_not_equal(mask_images_open(&images, folder, NULL, NULL, &err), MASK_OK);
        if (!strstr(err.message, bad[i].part)) fail_msg("'%s' lacks '%s'", err.message, bad[i].part);
        free(folder);
    }
}

/* A header of few bytes that promises many numbers, with and without the zip's own sizes saying the same. */
static void sizes_that_lie_are_refused(void **state)
{
    (void)state;
    mask_error err;
    mask_images *images;
    char *folder = new_folder("lies"), bytes[MASK__NPY_HEADER];
    const char *path = inside(folder, "a.npz");
    size_t size, length = mask__npy_header(bytes, sizeof bytes, MASK__NPY_F32, 2, (size_t[]){100000, 2048});
    zip_t *zip = zip_open(path, ZIP_CREATE, NULL);
    add_member(zip, "x.npy", bytes, length, ZIP_CM_STORE);
    if (zip_close(zip) != 0) abort();
    check_fails(mask_images_open(&images, folder, NULL, NULL, &err), MASK_EFORMAT, "sizes contradict");
    char *file = read_whole(path, &size);
    uint32_t lie = (uint32_t)(length + 4 * 100000u * 2048u);
    char *central = memmem(file, size, "PK\1\2", 4);
    memcpy(central + 24, &lie, 4);
    memcpy(file + 22, &lie, 4);
    write_file(path, file, size);
    check_fails(mask_images_open(&images, folder, NULL, NULL, &err), MASK_EFORMAT, "a.npz");
    free(file);
    free(folder);
}

static void nan_and_changed_files_are_refused_when_read(void **state)
{
    (void)state;
    mask_error err;
    mask_images *images;
    char *folder = write_set("nan", MASK__NPY_F32, ZIP_CM_STORE), path[512];
    float out[MADE_MOST * MADE_DIM];
    size_t size;
    snprintf(path, sizeof path, "%s/%s.npz", folder, made_id(2));
    mask__npz npz;
    check_ok(mask__npz_create(&npz, path, &err));
    float values[2 * MADE_DIM] = {[MADE_DIM + 1] = INFINITY};
    check_ok(mask__npz_add(&npz, "x", MASK__NPY_F32, 2, (size_t[]){2, MADE_DIM}, values, &err));
    check_ok(mask__npz_commit(&npz, &err));
    check_ok(mask_images_open(&images, folder, NULL, NULL, &err));
    check_fails(mask_images_features(images, 0, out, &err), MASK_ENUMERIC, "image 0 (3), region 1");
    assert_false(mask_images_box(images, 0, 0, out));

    snprintf(path, sizeof path, "%s/%s.npz", folder, made_id(4));
    char *bytes = read_whole(path, &size), *x = memmem(bytes, size, "NUMPY", 5);
    x[130] ^= 1; /* the checksum must see it */
    write_file(path, bytes, size);
    check_fails(mask_images_features(images, 2, out, &err), MASK_EFORMAT, "100.npz: member 'x'");
    remove(path);
    check_fails(mask_images_features(images, 2, out, &err), MASK_EIO, "100.npz");
    mask_images_close(images);
    free(bytes);
    free(folder);
}

static void damage_anywhere_is_survived(void **state)
{
    (void)state;
    size_t size;
    uint64_t seed = 9;
    char *folder = new_folder("damage"), path[512];
    for (int method = 0; method < 2; method++) {
        write_image(folder, 1, MASK__NPY_F32, made_regions_in(1), method ? ZIP_CM_DEFLATE : ZIP_CM_STORE);
        snprintf(path, sizeof path, "%s/%s.npz", folder, made_id(1));
        char *bytes = read_whole(path, &size);
        for (size_t cut = 0; cut < size; cut += 7) {
            write_file(path, bytes, cut);
            survive(folder);
        }
        for (int i = 0; i < 1500; i++) {
            seed = seed * 6364136223846793005u + 1442695040888963407u;
            size_t at = (seed >> 33) % size;
            bytes[at] ^= (char)(1 << (seed >> 20) % 8);
            write_file(path, bytes, size);
            survive(folder);
            if (i % 10) bytes[at] ^= (char)(1 << (seed >> 20) % 8);
        }
        free(bytes);
    }
    free(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_folder_is_read),
        cmocka_unit_test(files_that_cannot_be_used_are_skipped),
        cmocka_unit_test(bad_members_are_refused),
        cmocka_unit_test(sizes_that_lie_are_refused),
        cmocka_unit_test(nan_and_changed_files_are_refused_when_read),
        cmocka_unit_test(damage_anywhere_is_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
