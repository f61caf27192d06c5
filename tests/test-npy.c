/* .npy arrays: what NumPy writes is read, everything else is refused for the right reason. */
#include "arrays.h"
#include "math/half.h"

#include <math.h>

#define HEADER(type, shape) "{'descr': '" type "', 'fortran_order': False, 'shape': " shape ", }"

/* A file of this version, header text and data; the header is not padded, so the data may be unaligned. */
static size_t compose(unsigned char *out, int version, const char *header, const void *data, size_t size)
{
    size_t length = strlen(header), at = version == 1 ? 10 : 12;
    memcpy(out, "\x93NUMPY", 6);
    out[6] = (unsigned char)version;
    out[7] = 0;
    out[8] = (unsigned char)length;
    out[9] = (unsigned char)(length >> 8);
    if (version > 1) out[10] = out[11] = 0;
    memcpy(out + at, header, length);
    if (size) memcpy(out + at + length, data, size);
    return at + length + size;
}

static const char *compose_file(const char *name, int version, const char *header, const void *data, size_t size)
{
    unsigned char file[1024];
    const char *path = temp_path(name);
    write_file(path, file, compose(file, version, header, data, size));
    return path;
}

static void every_type_and_version_is_read(void **state)
{
    (void)state;
    mask_error err;
    mask__npy npy;
    const uint16_t f2[] = {0x3c00, 0xc000, 0x4200};
    const float f4[] = {1, -2, 3};
    const double f8[] = {1, -2, 3};
    const int32_t i4[] = {1, -2, 3};
    const int64_t i8[] = {1, -2, 3};
    const struct {
        const char *header;
        mask__npy_type type;
        const void *data;
        size_t size;
    } cases[] = {
        {HEADER("<f2", "(3,)"), MASK__NPY_F16, f2, sizeof f2},
        {HEADER("<f4", "(3,)"), MASK__NPY_F32, f4, sizeof f4},
        {HEADER("=f4", "(3,)"), MASK__NPY_F32, f4, sizeof f4},
        {HEADER("f4", "(3,)"), MASK__NPY_F32, f4, sizeof f4},
        {HEADER("<f8", "(3,)"), MASK__NPY_F64, f8, sizeof f8},
        {HEADER("<i4", "(3,)"), MASK__NPY_I32, i4, sizeof i4},
        {HEADER("<i8", "(3L,)"), MASK__NPY_I64, i8, sizeof i8},
        {"{\"shape\":(1, 3),\"descr\":\"<f4\",\"fortran_order\":False}  \n", MASK__NPY_F32, f4, sizeof f4},
        {"{'fortran_order': True, 'shape': (3,), 'descr': '<f4'}", MASK__NPY_F32, f4, sizeof f4},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (int version = 1; version <= 3; version++)
            for (size_t pad = 0; pad < 4; pad++) { /* every alignment */
                char header[128];
                float out[3] = {0};
                snprintf(header, sizeof header, "%s%.*s", cases[i].header, (int)pad, "    ");
                const char *path = compose_file("read.npy", version, header, cases[i].data, cases[i].size);
                check_ok(mask__npy_open(&npy, path, &err));
                assert_int_equal(npy.type, cases[i].type);
                assert_int_equal(npy.items, 3);
                mask__npy_floats(&npy, 0, 3, out);
                assert_true(out[0] == 1 && out[1] == -2 && out[2] == 3);
                mask__npy_floats(&npy, 2, 1, out);
                assert_true(out[0] == 3);
                const float *direct = mask__npy_direct(&npy, 1);
                assert_true(direct == NULL || (npy.type == MASK__NPY_F32 && *direct == -2));
                mask__npy_close(&npy);
            }
}

static void each_bad_header_is_refused(void **state)
{
    (void)state;
    mask_error err;
    mask__npy npy;
    const float data[4] = {0};
    const struct {
        const char *header, *part;
    } cases[] = {
        {HEADER(">f4", "(4,)"), "big-endian"},
        {HEADER("|O", "(4,)"), "pickled"},
        {HEADER("|O", "(4,)"), "np.save(f, np.asarray(x, dtype=np.float32))"},
        {HEADER("<u4", "(4,)"), "'<u4'"},
        {HEADER("|b1", "(4,)"), "'|b1'"},
        {HEADER("", "(4,)"), "type ''"},
        {"{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (4,)}", "records"},
        {"{'descr': '<f4', 'fortran_order': True, 'shape': (2, 2)}", "Fortran"},
        {"{'descr': '<f4', 'fortran_order': 0, 'shape': (2, 2)}", "fortran_order"},
        {HEADER("<f4", "(0,)"), "zero"},
        {HEADER("<f4", "(2, 0)"), "zero"},
        {HEADER("<f4", "(-4,)"), "not a tuple"},
        {HEADER("<f4", "4"), "not a tuple"},
        {HEADER("<f4", "(4"), "not a tuple"},
        {HEADER("<f4", "(2 2)"), "not a tuple"},
        {HEADER("<f4", "(1, 1, 1, 2, 2)"), "more than 4"},
        {HEADER("<f4", "(99999999999999999999,)"), "too large"},
        {HEADER("<f4", "(4294967296, 4294967296)"), "too large"},
        {HEADER("<f4", "(4611686018427387904,)"), "too large"},
        {HEADER("<f4", "(3,)"), "promises 12 bytes of numbers, the file holds 16"},
        {HEADER("<f4", "(5,)"), "promises 20 bytes of numbers, the file holds 16"},
        {"{'descr': '<f4', 'shape': (4,)}", "lacks"},
        {"{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (4,)}", "repeats"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (4,), 'extra': 1}", "other than"},
        {"{'descr' '<f4', 'fortran_order': False, 'shape': (4,)}", "dictionary"},
        {"{'descr': '<f4' 'fortran_order': False, 'shape': (4,)}", "dictionary"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (4,)} x", "goes on"},
        {"{'descr': '<f4", "records"},
        {"", "dictionary"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *path = compose_file("bad.npy", 1, cases[i].header, data, sizeof data);
        check_fails(mask__npy_open(&npy, path, &err), MASK_EFORMAT, cases[i].part);
        assert_non_null(strstr(err.message, "bad.npy"));
        assert_null(npy.map.data);
    }
    const char *path = compose_file("v4.npy", 4, HEADER("<f4", "(4,)"), data, sizeof data);
    check_fails(mask__npy_open(&npy, path, &err), MASK_EFORMAT, "format 4.0");
    write_text(path, "PK not an array");
    check_fails(mask__npy_open(&npy, path, &err), MASK_EFORMAT, "byte 0: is not a .npy");
    write_file(path, "\x93NUMPY\x02\x00\xff\xff\xff\x7f  ", 14);
    check_fails(mask__npy_open(&npy, path, &err), MASK_EFORMAT, "a header of 2147483647 bytes");
    check_fails(mask__npy_open(&npy, "/nowhere.npy", &err), MASK_EIO, "/nowhere.npy");
}

static void every_cut_is_refused_and_no_flip_crashes(void **state)
{
    (void)state;
    mask_error err;
    mask__npy npy;
    unsigned char file[256];
    const char *path = temp_path("cut.npy");
    const float data[4] = {1, 2, 3, 4};
    for (int version = 1; version <= 2; version++) {
        size_t size = compose(file, version, HEADER("<f4", "(2, 2)"), data, sizeof data);
        for (size_t cut = 0; cut < size; cut++) {
            write_file(path, file, cut);
            check_fails(mask__npy_open(&npy, path, &err), MASK_EFORMAT, "cut.npy");
        }
        for (size_t at = 0; at < size - sizeof data; at++)
            for (int bit = 0; bit < 8; bit++) {
                file[at] ^= (unsigned char)(1 << bit);
                write_file(path, file, size);
                if (mask__npy_open(&npy, path, &err) == MASK_OK) {
                    assert_true(npy.items * npy.item_bytes == sizeof data);
                    mask__npy_close(&npy);
                }
                file[at] ^= (unsigned char)(1 << bit);
            }
    }
}

static void what_is_written_is_read(void **state)
{
    (void)state;
    mask_error err;
    mask__npy npy;
    const float values[] = {0, 1, -0.5f, 65504, 1e-3f, INFINITY, 7, 8};
    static const size_t shapes[][MASK__NPY_DIMS] = {{8}, {2, 4}, {2, 2, 2}, {2, 1, 2, 2}};
    for (unsigned ndim = 1; ndim <= MASK__NPY_DIMS; ndim++)
        for (int half = 0; half < 2; half++) {
            float out[8];
            uint16_t halves[8];
            const char *path = temp_path("written.npy");
            write_array(path, half ? MASK__NPY_F16 : MASK__NPY_F32, ndim, shapes[ndim - 1], values);
            check_ok(mask__npy_open(&npy, path, &err));
            assert_int_equal(npy.data_offset % 64, 0);
            assert_int_equal(npy.ndim, ndim);
            for (unsigned d = 0; d < ndim; d++) assert_int_equal(npy.shape[d], shapes[ndim - 1][d]);
            mask__npy_floats(&npy, 0, 8, out);
            if (half) mask__float_to_half(values, halves, 8);
            for (size_t i = 0; i < 8; i++) assert_true(out[i] == (half ? mask__half(halves[i]) : values[i]));
            mask__npy_close(&npy);
        }
}

static void the_header_is_numpys_own(void **state)
{
    (void)state;
    size_t size;
    const char *path = temp_path("same.npy");
    write_array(path, MASK__NPY_F32, 1, (size_t[]){1}, (float[]){1});
    unsigned char *file = read_whole(path, &size);
    assert_int_equal(size, 128 + 4);
    static const char expected[] =
        "\x93NUMPY\x01\x00\x76\x00{'descr': '<f4', 'fortran_order': False, 'shape': (1,), }  ";
    assert_memory_equal(file, expected, sizeof expected - 1);
    assert_int_equal(file[127], '\n');
    free(file);
}

static void a_writer_holds_its_promise(void **state)
{
    (void)state;
    mask_error err;
    mask__npy_writer writer;
    const char *path = temp_path("short.npy");
    const float values[2] = {1, 2};
    check_ok(mask__npy_create(&writer, path, MASK__NPY_F16, 1, (size_t[]){3}, &err));
    check_ok(mask__npy_append(&writer, values, 2, &err));
    check_fails(mask__npy_commit(&writer, &err), MASK_EINVAL, "the shape needs 6");
    assert_false(mask__is_file(path));
    check_ok(mask__npy_create(&writer, path, MASK__NPY_F32, 1, (size_t[]){3}, &err));
    mask__npy_abort(&writer);
    assert_false(mask__is_file(path));
    check_fails(mask__npy_create(&writer, path, MASK__NPY_F32, 2, (size_t[]){SIZE_MAX, 2}, &err), MASK_EINVAL,
                "too large");
    check_fails(mask__npy_create(&writer, path, MASK__NPY_F64, 1, (size_t[]){3}, &err), MASK_EINVAL, "float32");
    mask__npy_abort(&writer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_type_and_version_is_read),
        cmocka_unit_test(each_bad_header_is_refused),
        cmocka_unit_test(every_cut_is_refused_and_no_flip_crashes),
        cmocka_unit_test(what_is_written_is_read),
        cmocka_unit_test(the_header_is_numpys_own),
        cmocka_unit_test(a_writer_holds_its_promise),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
