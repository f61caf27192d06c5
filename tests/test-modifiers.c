/* Modifiers of nouns from a file. */
#include "check.h"
#include "text/modifiers.h"

/* "a red shirt" -> "red>shirt", by nouns. */
static mask_status next(mask__modifiers *m, const char *text, char out[256], mask_error *err)
{
    mask__tokens tokens = {0};
    const mask__modifier *pairs;
    size_t count;
    out[0] = '\0';
    mask_status status = mask__tokens_split(&tokens, MASK_TOKENS_CAPTION, text, strlen(text), err);
    if (status == MASK_OK) status = mask__modifiers_next(m, &tokens, &pairs, &count, err);
    for (size_t i = 0; status == MASK_OK && i < count; i++) {
        mask__token a = tokens.items[pairs[i].modifier], n = tokens.items[pairs[i].noun];
        size_t used = strlen(out);
        snprintf(out + used, 256 - used, "%.*s>%.*s ", (int)a.length, a.text, (int)n.length, n.text);
    }
    mask__tokens_free(&tokens);
    return status;
}

static mask_status open_text(mask__modifiers **m, const char *text, mask_error *err)
{
    const char *path = temp_path("modifiers.tsv");
    write_text(path, text);
    return mask__modifiers_open(m, path, err);
}

static void a_file_is_followed(void **state)
{
    (void)state;
    mask_error err;
    mask__modifiers *m;
    char out[256];
    check_ok(open_text(&m, "0\t2\t3\r\n0\t0\t1\n2\t0\t1\n", &err));
    check_ok(next(m, "red shirt blue cap", out, &err));
    assert_string_equal(out, "red>shirt blue>cap ");
    check_ok(next(m, "red shirt", out, &err));
    assert_string_equal(out, "");
    check_ok(next(m, "green tree", out, &err));
    assert_string_equal(out, "green>tree ");
    check_ok(next(m, "red shirt", out, &err));
    assert_string_equal(out, "");
    mask__modifiers_close(m);
    check_ok(open_text(&m, "0\t1\t2\n", &err));
    check_fails(next(m, "red shirt", out, &err), MASK_EMISMATCH, "line 1: text 0 has 2 tokens");
    mask__modifiers_close(m);
    check_ok(open_text(&m, "0\t1\t1\n", &err));
    check_fails(next(m, "red shirt", out, &err), MASK_EMISMATCH, "line 1");
    mask__modifiers_close(m);
}

static void broken_files_are_refused(void **state)
{
    (void)state;
    mask_error err;
    mask__modifiers *m;
    static const char *const bad[] = {"0\t1\n",    "0\t1\t2\t3\n",        "0 1 2\n",
                                      "a\t1\t2\n", "0\t-1\t2\n",          "0\t1\t2.5\n",
                                      "\n",        "0\t1\t99999999999\n", "3\t0\t1\n2\t0\t1\n"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        check_fails(open_text(&m, bad[i], &err), MASK_EFORMAT, "three whole numbers");
        assert_null(m);
    }
    check_fails(mask__modifiers_open(&m, NULL, &err), MASK_EINVAL, "need a table");
    assert_null(m);
    check_fails(mask__modifiers_open(&m, "/nonexistent", &err), MASK_EIO, "/nonexistent");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_file_is_followed),
                                       cmocka_unit_test(broken_files_are_refused)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
