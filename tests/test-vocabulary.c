/* Detector vocabularies: aliases, and the lines that are refused. */
#include "check.h"
#include "annotations/vocabulary.h"

static void aliases_lead_to_their_class(void **state)
{
    (void)state;
    mask_error err;
    mask__vocabulary v;
    const char *path = temp_path("objects.txt");
    write_text(path, "yolk\r\nBread, breads\nyolk,traffic light,traffic lights"); /* no newline at the end */
    check_ok(mask__vocabulary_read(&v, path, &err));
    assert_int_equal(v.count, 3);
    assert_int_equal(mask__vocabulary_find(&v, "breads"), 1);
    assert_int_equal(mask__vocabulary_find(&v, "yolk"), 0);
    assert_int_equal(mask__vocabulary_find(&v, "traffic lights"), 2);
    assert_int_equal(mask__vocabulary_find(&v, "traffic"), -1);
    assert_string_equal(mask__vocabulary_name(&v, 1), "bread");
    assert_string_equal(mask__vocabulary_name(&v, 2), "yolk");
    mask__vocabulary_free(&v);
}

static void broken_lines_are_refused(void **state)
{
    (void)state;
    mask_error err;
    mask__vocabulary v;
    const char *path = temp_path("bad.txt");
    write_text(path, "yolk\nbread,,loaf\n");
    check_fails(mask__vocabulary_read(&v, path, &err), MASK_EFORMAT, "line 2: an empty name");
    write_text(path, "yolk\n\nbread\n");
    check_fails(mask__vocabulary_read(&v, path, &err), MASK_EFORMAT, "line 2: an empty name");
    write_text(path, "");
    check_fails(mask__vocabulary_read(&v, path, &err), MASK_EFORMAT, "is empty");
    assert_int_equal(v.count, 0);
    write_text(path, "yo\xfflk\n");
    check_fails(mask__vocabulary_read(&v, path, &err), MASK_EFORMAT, "line 1");
    check_fails(mask__vocabulary_read(&v, "/nonexistent", &err), MASK_EIO, "/nonexistent");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(aliases_lead_to_their_class),
                                       cmocka_unit_test(broken_lines_are_refused)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
