/* WordNet's rules on mapped files: the real ones, with the answers of libwordnet, and the odd lines of made-up ones. */
#include "check.h"
#include "text/wordnet.h"

#include <stdio.h>
#include <sys/stat.h>

static bool join(void *context, const char *base, size_t length)
{
    char *joined = context;
    snprintf(joined + strlen(joined), 256 - strlen(joined), "%.*s ", (int)length, base);
    return true;
}

/* Words and what morphstr of libwordnet 3.0 says of them as nouns, verbs and adjectives. */
static void as_libwordnet(void **state)
{
    (void)state;
    static const char *const cases[][1 + MASK__PARTS] = {
        {"dogs", "dog ", "dog ", ""},
        {"boxesful", "boxful ", "", ""},
        {"churches", "church ", "church ", ""},
        {"lots", "lot ", "lot ", ""},
        {"glass", "", "", ""},
        {"spoonsful", "spoonful ", "", ""},
        {"happiest", "", "", "happy "},
        {"knives", "knife ", "", ""},
        {"offer", "", "", "off "},
        {"off", "", "", ""},
        {"men", "man ", "", ""},
        {"went", "", "go ", ""},
        {"best", "", "", "good "},
        {"o'clock", "", "", ""},
        {"xyzzys", "", "", ""},
        {"s", "", "", ""},
        {"axes", "ax axis ", "axe ", ""},
        {"t-shirts", "t-shirt ", "", ""},
        {"t_shirts", "t_shirt ", "", ""},
        {"attorneys-at-law", "attorney-at-law ", "", ""},
        {"test-drives", "test-drive ", "test-drive ", ""},
        {"hot_dogs", "hot_dog ", "hot_dog ", ""},
        {"hot-dogs", "hot-dog ", "hot-dog ", ""},
        {"baby-sitting", "", "baby-sit ", ""},
        {"looked_at", "", "look_at ", ""},
        {"went_about", "", "go_about ", ""},
        {"offers_for", "", "", ""},
        {"takes_care_of", "", "", ""},
        {"shows_off", "show_off ", "show_off ", ""},
        {"picked_up_pieces", "", "", ""},
        {"dog__s", "dog__ ", "dog__ ", ""},
        {"dogs-", "dog- ", "dog- ", ""},
        {"better-looking", "", "", "good-looking "},
    };
    mask__morphy m;
    mask_error err;
    check_ok(mask__wordnet_open(&m, &err));
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (mask__part part = MASK__NOUN; part < MASK__PARTS; part++) {
            char bases[256] = "";
            mask__morphy_bases(&m, cases[i][0], part, join, bases);
            if (strcmp(bases, cases[i][1 + part]) != 0)
                fail_msg("%s, part %d: '%s', not '%s'", cases[i][0], (int)part, bases, cases[i][1 + part]);
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
