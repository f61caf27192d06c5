/* WordNet's rules on mapped files: against libwordnet on the real ones, and the odd lines of made-up ones. */
#include "check.h"
#include "text/morphy.h"

#include <stdio.h>
#include <sys/stat.h>

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-variable"
#include <wn.h>
#pragma GCC diagnostic pop

static bool join(void *context, const char *base, size_t length)
{
    char *joined = context;
    snprintf(joined + strlen(joined), 256 - strlen(joined), "%.*s ", (int)length, base);
    return true;
}

static void as_libwordnet(void **state)
{
    (void)state;
    static const char *const stems[] = {"dog",   "walk",   "box",  "church", "dish",   "lot",     "glass", "spoon",
                                        "happ",  "kni",    "tall", "larg",   "off",    "wom",     "mouse", "mice",
                                        "geese", "wolves", "went", "ridden", "best",   "o'clock", "xyzzy", "aa",
                                        "zz",    "e",      "s",    "axes",   "stadia", "people"};
    static const char *const ends[] = {"",    "s",   "es",   "ies", "ing", "ed", "er",
                                       "est", "men", "sful", "ful", "ves", "ss"};
    static const int parts[] = {NOUN, VERB, ADJ};
    mask__morphy m;
    mask_error err;
    assert_int_equal(wninit(), 0);
    assert_int_equal(morphinit(), 0);
    check_ok(mask__morphy_open(&m, SetSearchdir(), &err));
    for (size_t i = 0; i < sizeof stems / sizeof *stems * 13 * 3; i++) {
        char word[64], asked[64], ours[256] = "", theirs[256] = "";
        int part = (int)(i % 3);
        snprintf(word, sizeof word, "%s%s", stems[i / 39], ends[i / 3 % 13]);
        snprintf(asked, sizeof asked, "%s", word);
        for (const char *base = morphstr(asked, parts[part]); base; base = morphstr(NULL, parts[part]))
            if (*base) join(theirs, base, strlen(base));
        mask__morphy_bases(&m, word, (mask__part)part, join, ours);
        if (strcmp(ours, theirs) != 0) fail_msg("%s, part %d: '%s', not '%s'", word, part, ours, theirs);
        assert_int_equal(mask__morphy_has(&m, word, (mask__part)part), in_wn(word, parts[part]) != 0);
    }
    mask__morphy_close(&m);
}

static void write_folder(const char *folder, const char *index, const char *exceptions)
{
    static const char *const names[] = {"index.noun", "index.verb", "index.adj", "noun.exc", "verb.exc", "adj.exc"};
    mkdir(folder, 0777);
    for (int i = 0; i < 6; i++) {
        char path[256];
        snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        write_text(path, i < 3 ? index : exceptions);
    }
}

static void check_bases(const mask__morphy *m, const char *word, const char *want)
{
    char got[256] = "";
    mask__morphy_bases(m, word, MASK__NOUN, join, got);
    assert_string_equal(got, want);
}

static void odd_lines(void **state)
{
    (void)state;
    mask__morphy m;
    mask_error err;
    const char *odd = temp_path("odd"), *empty = temp_path("empty");
    write_folder(odd, "  1 a licence\na n 1\nab_c n 1\nbox n 1\ndog n 1",
                 "axes ax axis\nlots lots\noffer off\noffer offer\nzz");
    check_ok(mask__morphy_open(&m, odd, &err));
    assert_true(mask__morphy_has(&m, "a", MASK__NOUN));
    assert_true(mask__morphy_has(&m, "ab_c", MASK__NOUN));
    assert_true(mask__morphy_has(&m, "dog", MASK__NOUN)); /* the last line, without its end */
    assert_false(mask__morphy_has(&m, "do", MASK__NOUN));
    assert_false(mask__morphy_has(&m, "dogs", MASK__NOUN));
    assert_false(mask__morphy_has(&m, "zebra", MASK__NOUN));
    check_bases(&m, "boxes", "box ");
    check_bases(&m, "boxesful", "boxful ");
    check_bases(&m, "axes", "ax axis ");
    check_bases(&m, "lots", "");
    check_bases(&m, "offer", "off ");
    check_bases(&m, "zz", "");
    mask__morphy_close(&m);
    write_folder(empty, "", "");
    check_ok(mask__morphy_open(&m, empty, &err));
    assert_false(mask__morphy_has(&m, "dog", MASK__NOUN));
    check_bases(&m, "dogs", "");
    mask__morphy_close(&m);
}

static void refusals(void **state)
{
    (void)state;
    mask__morphy m;
    mask_error err;
    char absurd[600];
    memset(absurd, 'x', sizeof absurd - 1);
    absurd[sizeof absurd - 1] = 0;
    check_fails(mask__morphy_open(&m, "no-such-folder", &err), MASK_EIO, "no-such-folder/index.noun");
    check_fails(mask__morphy_open(&m, absurd, &err), MASK_EINVAL, "too long");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(as_libwordnet),
        cmocka_unit_test(odd_lines),
        cmocka_unit_test(refusals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
