/* Tables of labelled boxes: what is read, and one bad table a rule. */
#include "check.h"
#include "photos/boxtable.h"

#include <locale.h>

#define HEADER "image\tx1\ty1\tx2\ty2\tlabel\n"

static void test_good(void **state)
{
    (void)state;
    mask_error err;
    mask__boxtable t, other;
    const char *path = temp_path("t.tsv");
    setlocale(LC_ALL, "de_DE.UTF-8"); /* where it is installed, its comma must not matter */
    write_text(path, HEADER "b\t1.5\t2\t3\t4e0\tA dog\r\nb\t5\t6\t7\t8\tcat\na\t-1\t0\t1\t2\tcaf\xc3\xa9\n");
    check_ok(mask__boxtable_open(&t, path, &err));
    assert_int_equal(t.count, 3);
    assert_int_equal(t.images.count, 2);
    assert_string_equal(mask__names_get(&t.images, 1), "a");
    assert_int_equal(t.starts[0], 0);
    assert_int_equal(t.starts[1], 2);
    assert_int_equal(t.starts[2], 3);
    assert_true(t.rows[0].box[0] == 1.5f && t.rows[0].box[3] == 4 && t.rows[2].box[0] == -1);
    assert_string_equal(t.rows[0].text, "1.5\t2\t3\t4e0\tA dog");
    write_text(path, HEADER "b\t1.5\t2\t3\t4e0\tA dog\nb\t5\t6\t7\t9\tcat\na\t-1\t0\t1\t2\tcaf\xc3\xa9\n");
    check_ok(mask__boxtable_open(&other, path, &err));
    assert_true(other.hash != t.hash);
    mask__boxtable_close(&t);
    mask__boxtable_close(&other);
}

static void test_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text, *part;
    } cases[] = {
        {"", "line 1: the header"},
        {"a\t1\t2\t3\t4\tdog\n", "line 1: the header"},
        {HEADER, "has no boxes"},
        {HEADER "a\t1\t2\t3\tdog\n", "line 2: needs 6"},
        {HEADER "a\t1\t2\t3\n", "line 2: needs 6"},
        {HEADER "a b c\n", "line 2: needs 6"},
        {HEADER "a\t1\t2\t3\t4\tdog\tbrown\n", "line 2: needs 6"},
        {HEADER "a\t1\tx\t3\t4\tdog\n", "'x' is not a finite number"},
        {HEADER "a\t1\t\t3\t4\tdog\n", "'' is not a finite number"},
        {HEADER "a\t1\tnan\t3\t4\tdog\n", "'nan'"},
        {HEADER "a\t1\t1e99\t3\t4\tdog\n", "'1e99'"},
        {HEADER "a\t1\t1,5\t3\t4\tdog\n", "'1,5'"},
        {HEADER "a\t1\t2\t3\t4\tdog\nb\t1\t2\t3\t4\tdog\na\t1\t2\t3\t4\tdog\n", "line 4: image 'a' appears again"},
        {HEADER "a\t1\t2\t3\t4\t\xff\n", "not UTF-8"},
    };
    mask_error err;
    mask__boxtable t;
    const char *path = temp_path("bad.tsv");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        write_text(path, cases[i].text);
        check_fails(mask__boxtable_open(&t, path, &err), MASK_EFORMAT, cases[i].part);
        assert_null(t.rows);
    }
    check_fails(mask__boxtable_open(&t, temp_path("none.tsv"), &err), MASK_EIO, "none.tsv");
}

static void test_too_many(void **state)
{
    (void)state;
    mask_error err;
    mask__boxtable t;
    const char *path = temp_path("many.tsv");
    FILE *file = fopen(path, "w");
    fputs(HEADER, file);
    for (int i = 0; i < 4097; i++) fputs("a\t1\t2\t3\t4\tdog\n", file);
    fclose(file);
    check_fails(mask__boxtable_open(&t, path, &err), MASK_EFORMAT, "line 4098: image 'a' has more than 4096 boxes");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_good), cmocka_unit_test(test_refused),
                                       cmocka_unit_test(test_too_many)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
