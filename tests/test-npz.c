/* .npz archives, written here by libzip member by member. */
#include "arrays.h"
#include "formats/npz.h"

#include <zip.h>

typedef struct member {
    const char *name, *header;
    const void *data;
    size_t size;
} member;

static const double doubles[6] = {0.5, -1, 2, 3, 4, 5e300};
static const int64_t integers[2] = {-7, INT64_C(9007199254740993)};
static const float floats[2] = {1.5f, -2};
static const member members[] = {
    {"r.npy", "{'descr': '<f8', 'fortran_order': False, 'shape': (2, 3), }", doubles, sizeof doubles},
    {"param.fc.bias.npy", "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }", floats, sizeof floats},
    {"offsets.npy", "{'descr': '<i8', 'fortran_order': False, 'shape': (2,), }", integers, sizeof integers},
    {"tau.npy", "{'descr': '<f8', 'fortran_order': False, 'shape': (), }", doubles, sizeof *doubles},
    {"info.npy", "{'descr': '|O', 'fortran_order': False, 'shape': (), }", "\x80\x03}", 3},
    {"short.npy", "{'descr': '<f8', 'fortran_order': False, 'shape': (9,), }", doubles, sizeof doubles},
};
enum { MEMBERS = sizeof members / sizeof *members };

static void write_npz(const char *path, int method)
{
    unsigned char bytes[MEMBERS][256];
    remove(path);
    zip_t *zip = zip_open(path, ZIP_CREATE | ZIP_TRUNCATE, NULL);
    assert_non_null(zip);
    for (size_t i = 0; i < MEMBERS; i++) {
        size_t length = strlen(members[i].header);
        memcpy(bytes[i], "\x93NUMPY\x01\x00", 8);
        bytes[i][8] = (unsigned char)length;
        bytes[i][9] = 0;
        memcpy(bytes[i] + 10, members[i].header, length);
        memcpy(bytes[i] + 10 + length, members[i].data, members[i].size);
        zip_source_t *source = zip_source_buffer(zip, bytes[i], 10 + length + members[i].size, 0);
        zip_int64_t index = zip_file_add(zip, members[i].name, source, 0);
        assert_true(index >= 0);
        assert_int_equal(zip_set_file_compression(zip, (zip_uint64_t)index, method, 0), 0);
    }
    assert_int_equal(zip_close(zip), 0);
}

static void check_members(const char *path)
{
    mask_error err;
    mask__npz npz;
    mask__npy npy;
    float values[2];
    int64_t whole;
    check_ok(mask__npz_open(&npz, path, &err));
    assert_true(mask__npz_has(&npz, "tau"));
    assert_false(mask__npz_has(&npz, "tau.npy"));

    check_ok(mask__npz_describe(&npz, "r", &npy, &err));
    assert_true(npy.ndim == 2 && npy.shape[0] == 2 && npy.shape[1] == 3 && npy.type == MASK__NPY_F64);
    check_ok(mask__npz_floats(&npz, "param.fc.bias", 2, values, &err));
    assert_memory_equal(values, floats, sizeof floats);
    check_ok(mask__npz_integer(&npz, "offsets", &whole, &err));
    assert_true(whole == integers[0]);
    check_ok(mask__npz_describe(&npz, "tau", &npy, &err));
    assert_int_equal(npy.ndim, 0);
    check_ok(mask__npz_floats(&npz, "tau", 1, values, &err));
    assert_true(values[0] == 0.5f);

    check_fails(mask__npz_integer(&npz, "r", &whole, &err), MASK_EFORMAT, "float64");
    check_fails(mask__npz_describe(&npz, "info", &npy, &err), MASK_EFORMAT, "pickled");
    check_fails(mask__npz_integer(&npz, "short", &whole, &err), MASK_EFORMAT, "member 'short'");
    check_ok(mask__npz_integer(&npz, "absent", &whole, &err));
    assert_true(whole == -1);
    check_fails(mask__npz_floats(&npz, "absent", 1, values, &err), MASK_ENOTFOUND, "'absent'");
    mask__npz_close(&npz);
    mask__npz_close(&npz);
}

static void stored_and_deflated_members_are_read(void **state)
{
    (void)state;
    const char *path = temp_path("a.npz");
    write_npz(path, ZIP_CM_STORE);
    check_members(path);
    write_npz(path, ZIP_CM_DEFLATE);
    check_members(path);
}

static void damage_is_refused(void **state)
{
    (void)state;
    mask_error err;
    mask__npz npz;
    size_t size;
    float values[6];
    const char *whole = temp_path("whole.npz"), *bad = temp_path("bad.npz");
    write_npz(whole, ZIP_CM_STORE);
    unsigned char *data = read_whole(whole, &size);
    for (size_t cut = 0; cut < size; cut++) {
        write_file(bad, data, cut);
        check_fails(mask__npz_open(&npz, bad, &err), MASK_EFORMAT, "bad.npz");
    }
    unsigned char *at = memmem(data, size, doubles, sizeof doubles);
    assert_non_null(at);
    at[3] ^= 1; /* the checksum must see it */
    write_file(bad, data, size);
    check_ok(mask__npz_open(&npz, bad, &err));
    check_fails(mask__npz_floats(&npz, "r", 6, values, &err), MASK_EFORMAT, "member 'r'");
    mask__npz_close(&npz);
    free(data);
    check_fails(mask__npz_open(&npz, "/nowhere.npz", &err), MASK_EIO, "/nowhere.npz");
}

/* The reference's golden vectors, where the machine has them. */
static void golden_vectors_are_read(void **state)
{
    (void)state;
    mask_error err;
    mask__npz npz;
    char path[512];
    need_shared(shared);
    snprintf(path, sizeof path, "%s/reference/golden.npz", shared);
    check_ok(mask__npz_open(&npz, path, &err));
    zip_int64_t count = zip_get_num_entries(npz.zip, 0);
    assert_true(count > 0);
    for (zip_int64_t i = 0; i < count; i++) {
        char *name = strdup(zip_get_name(npz.zip, (zip_uint64_t)i, ZIP_FL_ENC_RAW));
        mask__npy npy;
        name[strlen(name) - 4] = '\0'; /* ".npy" */
        check_ok(mask__npz_describe(&npz, name, &npy, &err));
        free(name);
    }
    mask__npz_close(&npz);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stored_and_deflated_members_are_read),
        cmocka_unit_test(damage_is_refused),
        cmocka_unit_test(golden_vectors_are_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
