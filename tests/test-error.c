#include "check.h"
#include "base/error.h"

static void keep_line(void *user, mask_log_level level, const char *line)
{
    (void)level;
    snprintf(user, 512, "%s", line);
}

/* What a file holds must not reach a terminal as a command; UTF-8 stays. */
static void test_control_characters(void **state)
{
    (void)state;
    mask_error err;
    char line[512] = "";
    mask_run run = {.log = keep_line, .user = line};
    mask__fail_at(&err, MASK_EFORMAT, 0, "%s: 'bl\xc3\xa4ulich \xe7\x8b\x97'",
                  "a\tb\x1b[2J\x7f\xc2\x9b"
                  "31m\n");
    assert_string_equal(err.message, "a\\x09b\\x1b[2J\\x7f\\x9b31m\\x0a: 'bl\xc3\xa4ulich \xe7\x8b\x97'");
    mask__fail_at(&err, MASK_EFORMAT, 0, "%s", "caf\xe9 \xed\xa0\x80 \xc3"); /* not UTF-8 */
    assert_string_equal(err.message, "caf\\xe9 \\xed\\xa0\\x80 \\xc3");
    mask__log(&run, MASK_LOG_INFO, "%s", "\x1b]0;title\x07\xc2\xa0");
    assert_string_equal(line, "\\x1b]0;title\\x07\xc2\xa0");
}

/* A long message is cut, never within an escape. */
static void test_long_messages(void **state)
{
    (void)state;
    mask_error err;
    char text[600];
    for (size_t length = 0; length < sizeof text; length++) {
        memset(text, 0, sizeof text);
        memset(text, 'x', length / 2);
        memset(text + length / 2, '\x1b', length - length / 2);
        mask__fail_at(&err, MASK_EFORMAT, 0, "%s", text);
        size_t plain = strspn(err.message, "x"), rest = strlen(err.message + plain);
        assert_int_equal(plain, length / 2);
        assert_int_equal(rest % 4, 0);
        assert_true(rest / 4 == length - length / 2 || strlen(err.message) >= sizeof err.message - 4);
        assert_int_equal(mask__control(err.message), strlen(err.message));
    }
}

static void test_first_control_character(void **state)
{
    (void)state;
    assert_int_equal(mask__control(""), 0);
    assert_int_equal(mask__control("dog 4"), 5);
    assert_int_equal(mask__control("d\tg"), 1);
    assert_int_equal(mask__control("\xc3\xa9\xc2\x85"), 2);
    assert_int_equal(mask__control("\xc2"), 1); /* cut UTF-8 */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_control_characters),
        cmocka_unit_test(test_long_messages),
        cmocka_unit_test(test_first_control_character),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
