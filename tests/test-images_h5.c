/* HDF5 files of region features in every layout that is read; contradictions and damage. */
#include "made_images.h"

#include <hdf5.h>
#include <math.h>

enum { GRID = 3 }; /* regions of every image where all have as many */

static void put(hid_t file, const char *name, hid_t stored, hid_t type, int ndim, const hsize_t *dims,
                const void *values, bool packed)
{
    hid_t space = H5Screate_simple(ndim, dims, NULL), links = H5Pcreate(H5P_LINK_CREATE),
          how = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_create_intermediate_group(links, 1);
    if (packed) {
        hsize_t chunk[3] = {2, 3, 4};
        for (int d = 0; d < ndim; d++) chunk[d] = dims[d] < chunk[d] ? dims[d] : chunk[d];
        H5Pset_chunk(how, ndim, chunk);
        H5Pset_deflate(how, 4);
    }
    hid_t set = H5Dcreate2(file, name, stored, space, links, how, H5P_DEFAULT);
    if (set < 0 || (values && H5Dwrite(set, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) < 0)) abort();
    H5Dclose(set);
    H5Pclose(how);
    H5Pclose(links);
    H5Sclose(space);
}

static hid_t new_file(const char *path)
{
    hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    if (file < 0) abort();
    return file;
}

static void put_numbers(hid_t file, const char *name, hid_t stored, int ndim, const hsize_t *dims, const float *values)
{
    put(file, name, stored, H5T_NATIVE_FLOAT, ndim, dims, values, false);
}

/* A grid of GRID regions; boxes_name and ids_name may be NULL. ids: 0 integers, 1 variable, 2 fixed strings. */
static void write_grid(const char *path, const char *name, const char *boxes_name, hid_t stored, bool packed, int ids)
{
    float features[MADE_IMAGES][GRID * MADE_DIM], boxes[MADE_IMAGES][GRID * 4];
    char fixed[MADE_IMAGES][16] = {{0}};
    const char *names[MADE_IMAGES];
    hid_t file = new_file(path), text = H5Tcopy(H5T_C_S1);
    for (size_t i = 0; i < MADE_IMAGES; i++) {
        fill_features(i, GRID, features[i]);
        fill_boxes(i, GRID, boxes[i]);
        names[i] = made_id(i);
        snprintf(fixed[i], sizeof fixed[i], "%s", made_id(i));
    }
    put(file, name, stored, H5T_NATIVE_FLOAT, 3, (hsize_t[]){MADE_IMAGES, GRID, MADE_DIM}, features, packed);
    if (boxes_name)
        put(file, boxes_name, H5T_IEEE_F32LE, H5T_NATIVE_FLOAT, 3, (hsize_t[]){MADE_IMAGES, GRID, 4}, boxes, packed);
    H5Tset_size(text, ids == 1 ? H5T_VARIABLE : sizeof fixed[0]);
    if (ids) put(file, "ids", text, text, 1, (hsize_t[]){MADE_IMAGES}, ids == 1 ? (void *)names : (void *)fixed, false);
    else
        put(file, "image_id", H5T_STD_I32LE, H5T_NATIVE_INT, 1, (hsize_t[]){MADE_IMAGES}, (int[]){5, 4, 3, 2, 1, 0, 70},
            false);
    H5Tclose(text);
    H5Fclose(file);
}

static void a_grid_is_read(void **state)
{
    (void)state;
    mask_error err;
    mask_images *images;
    const char *path = temp_path("grid.h5");
    static const char *const names[] = {"ctx", "features", "image_features"}, *const boxes[] = {"bbox", "boxes",
                                                                                                "image_bb"};
    for (int v = 0; v < 6; v++) {
        write_grid(path, names[v / 2], boxes[v / 2], v % 3 ? H5T_IEEE_F32LE : H5T_IEEE_F64BE, v % 2, 1 + v % 2);
        check_ok(mask_images_open(&images, path, NULL, NULL, &err));
        assert_int_equal(mask_images_count(images), MADE_IMAGES);
        assert_int_equal(mask_images_dim(images), MADE_DIM);
        for (size_t i = 0; i < MADE_IMAGES; i++) check_made(images, i, i, GRID);
        check_blocks(images);
        check_threads(images);
        mask_images_close(images);
    }
    write_grid(path, "ctx", NULL, H5T_IEEE_F32LE, true, 0);
    check_ok(mask_images_open(&images, path, NULL, NULL, &err));
    float box[4];
    assert_string_equal(mask_images_id(images, 6), "70");
    assert_int_equal(mask_images_find(images, "4"), 1);
    assert_false(mask_images_box(images, 0, 0, box));
    mask_images_close(images);
}

/* Layout runs: images in one list of regions, not in its order, and one image may share another's. */
static void runs_are_read(void **state)
{
    (void)state;
    mask_error err;
    mask_images *images;
    const char *path = temp_path("runs.h5");
    float features[MADE_IMAGES * MADE_MOST * MADE_DIM], boxes[MADE_IMAGES * MADE_MOST * 4];
    int runs[MADE_IMAGES][2];
    size_t rows = 0;
    for (size_t k = 0; k < MADE_IMAGES; k++) {
        size_t i = (k + 3) % MADE_IMAGES, n = made_regions_in(i);
        fill_features(i, n, features + rows * MADE_DIM);
        fill_boxes(i, n, boxes + rows * 4);
        runs[i][0] = (int)rows;
        runs[i][1] = (int)(rows += n);
    }
    hid_t file = new_file(path), text = H5Tcopy(H5T_C_S1);
    const char *ids[MADE_IMAGES];
    for (size_t i = 0; i < MADE_IMAGES; i++) ids[i] = made_id(i);
    H5Tset_size(text, H5T_VARIABLE);
    put_numbers(file, "image_features", H5T_IEEE_F32LE, 2, (hsize_t[]){rows, MADE_DIM}, features);
    put_numbers(file, "image_bb", H5T_IEEE_F32LE, 2, (hsize_t[]){rows, 4}, boxes);
    put_numbers(file, "spatial_features", H5T_IEEE_F32LE, 2, (hsize_t[]){rows, 4}, boxes);
    put(file, "pos_boxes", H5T_STD_I32LE, H5T_NATIVE_INT, 2, (hsize_t[]){MADE_IMAGES, 2}, runs, false);
    put(file, "image_ids", text, text, 1, (hsize_t[]){MADE_IMAGES}, ids, false);
    H5Fclose(file);
    check_ok(mask_images_open(&images, path, NULL, NULL, &err));
    for (size_t i = 0; i < MADE_IMAGES; i++) check_made(images, i, i, 0);
    check_blocks(images);
    check_threads(images);
    mask_images_close(images);

    static const int bad[][2] = {{-1, 2}, {2, 2}, {3, 2}, {0, 1000}};
    for (size_t b = 0; b < 4; b++) {
        file = new_file(path);
        runs[2][0] = bad[b][0], runs[2][1] = bad[b][1];
        put_numbers(file, "image_features", H5T_IEEE_F32LE, 2, (hsize_t[]){rows, MADE_DIM}, features);
        put(file, "pos_boxes", H5T_STD_I32LE, H5T_NATIVE_INT, 2, (hsize_t[]){MADE_IMAGES, 2}, runs, false);
        H5Fclose(file);
        check_fails(mask_images_open(&images, path, NULL, NULL, &err), MASK_EFORMAT, "pos_boxes: image 2 has regions");
    }
    H5Tclose(text);
}

static void write_named(const char *path, const char *features_pattern, const char *boxes_pattern)
{
    hid_t file = new_file(path);
    float features[MADE_MOST * MADE_DIM], boxes[MADE_MOST * 4];
    for (size_t i = 0; i < MADE_IMAGES; i++) {
        char name[64];
        size_t n = made_regions_in(i);
        fill_features(i, n, features);
        fill_boxes(i, n, boxes);
        snprintf(name, sizeof name, features_pattern, made_id(i));
        put_numbers(file, name, H5T_IEEE_F32LE, 2, (hsize_t[]){n, MADE_DIM}, features);
        snprintf(name, sizeof name, boxes_pattern, made_id(i));
        put_numbers(file, name, H5T_IEEE_F32LE, 2, (hsize_t[]){n, 4}, boxes);
    }
    H5Lcreate_soft("/elsewhere", file, "soft_features", H5P_DEFAULT, H5P_DEFAULT);
    H5Lcreate_external("/etc/passwd", "/x", file, "far_features", H5P_DEFAULT, H5P_DEFAULT);
    H5Fclose(file);
}

static void named_datasets_are_read(void **state)
{
    (void)state;
    mask_error err;
    mask_images *images;
    const char *path = temp_path("named.h5");
    for (int groups = 0; groups < 2; groups++) {
        write_named(path, groups ? "%s/features" : "%s_features", groups ? "%s/boxes" : "%s_boxes");
        check_ok(mask_images_open(&images, path, NULL, NULL, &err));
        assert_int_equal(mask_images_count(images), MADE_IMAGES);
        for (size_t i = 0; i < MADE_IMAGES; i++) check_made(images, (size_t)mask_images_find(images, made_id(i)), i, 0);
        check_blocks(images);
        check_threads(images);
        mask_images_close(images);
    }
}

static void contradictions_are_refused(void **state)
{
    (void)state;
    mask_error err;
    mask_images *images;
    const char *path = temp_path("bad.h5");
    static const float values[64] = {0};
    static const struct {
        const char *name, *other, *part;
        int ndim, other_ndim;
        hsize_t dims[3], other_dims[3];
    } bad[] = {
        {"nothing", NULL, "has none of the datasets ctx,", 2, 0, {2, 2}, {0}},
        {"ctx", NULL, "not images x regions x dim", 1, 0, {4}, {0}},
        {"ctx", "boxes", "swap the last two dimensions", 3, 3, {2, 5, 3}, {2, 4, 3}},
        {"ctx", "boxes", "does not give 4 numbers for each region", 3, 3, {2, 3, 5}, {2, 2, 4}},
        {"ctx", "boxes", "does not give 4 numbers for each region", 3, 2, {2, 3, 5}, {2, 4}},
        {"ctx", "ids", "not one number or text an image", 3, 1, {2, 3, 5}, {3}},
        {"1_features", "2_features", "has 3 dimensions, those before have 2", 2, 2, {2, 2}, {2, 3}},
        {"1_features", NULL, "not regions x dim", 3, 0, {2, 2, 2}, {0}},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        hid_t file = new_file(path);
        put_numbers(file, bad[i].name, H5T_IEEE_F32LE, bad[i].ndim, bad[i].dims, values);
        if (bad[i].other) put_numbers(file, bad[i].other, H5T_IEEE_F32LE, bad[i].other_ndim, bad[i].other_dims, values);
        H5Fclose(file);
        memset(&err, 0, sizeof err);
        assert_int_not_equal(mask_images_open(&images, path, NULL, NULL, &err), MASK_OK);
        if (!strstr(err.message, bad[i].part)) fail_msg("%zu: '%s' lacks '%s'", i, err.message, bad[i].part);
    }
    hid_t file = new_file(path);
    put(file, "features", H5T_STD_I32LE, H5T_NATIVE_FLOAT, 3, (hsize_t[]){2, 3, 4}, values, false);
    H5Fclose(file);
    check_fails(mask_images_open(&images, path, NULL, NULL, &err), MASK_EFORMAT, "floating-point");
    file = new_file(path); /* promised, never written */
    put(file, "features", H5T_IEEE_F32LE, H5T_NATIVE_FLOAT, 3, (hsize_t[]){1 << 20, 36, 2048}, NULL, true);
    H5Fclose(file);
    check_fails(mask_images_open(&images, path, NULL, NULL, &err), MASK_EFORMAT, "promises more numbers");
    file = new_file(path);
    put_numbers(file, "features", H5T_IEEE_F32LE, 2, (hsize_t[]){2, 3}, (float[]){0, 1, 2, 3, NAN, 5});
    H5Fclose(file);
    float out[3];
    check_ok(mask_images_open(&images, path, NULL, NULL, &err));
    check_ok(mask_images_features(images, 0, out, &err));
    check_fails(mask_images_features(images, 1, out, &err), MASK_ENUMERIC, "image 1 (1), region 0");
    mask_images_close(images);
}

/* Cuts and garbage. Bits flipped inside libhdf5's own tables are for libhdf5 to survive; its known faults are not ours
 * to test. */
static void cut_and_overwritten_files_are_refused(void **state)
{
    (void)state;
    size_t size;
    mask_error err;
    mask_images *images;
    const char *path = temp_path("whole.h5"), *bad = temp_path("cut.h5");
    write_grid(path, "ctx", "boxes", H5T_IEEE_F32LE, true, 1);
    char *bytes = read_whole(path, &size);
    for (size_t cut = 8; cut < size; cut += 61) {
        write_file(bad, bytes, cut);
        check_fails(mask_images_open(&images, bad, NULL, NULL, &err), MASK_EFORMAT, "cannot be opened as HDF5");
    }
    memset(bytes + 8, 'x', size - 8);
    write_file(bad, bytes, size);
    check_fails(mask_images_open(&images, bad, NULL, NULL, &err), MASK_EFORMAT, "cannot be opened as HDF5");
    free(bytes);
}

/* libhdf5 keeps the host program's way to tell errors. */
static void the_programs_error_handler_stays(void **state)
{
    (void)state;
    H5E_auto2_t before, after;
    void *context;
    H5Eget_auto2(H5E_DEFAULT, &before, &context);
    const char *path = temp_path("garbage.h5");
    write_file(path, "\x89HDF\r\n\x1a\nxxxxxxxx", 16);
    survive(path);
    H5Eget_auto2(H5E_DEFAULT, &after, &context);
    assert_true(before == after && before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_grid_is_read),
        cmocka_unit_test(runs_are_read),
        cmocka_unit_test(named_datasets_are_read),
        cmocka_unit_test(contradictions_are_refused),
        cmocka_unit_test(cut_and_overwritten_files_are_refused),
        cmocka_unit_test(the_programs_error_handler_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
