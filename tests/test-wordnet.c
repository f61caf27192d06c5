/* Lemmas and compounds of WordNet, what is never asked of it, and a database that is not there. */
#include "check.h"
#include "text/wordnet.h"

#include <pthread.h>

/* The lemmas with a space between. */
static void lemmas_of(const mask__morphy *m, const char *word, char joined[256])
{
    char lemmas[MASK__LEMMAS][MASK__LEMMA_BYTES];
    size_t count = mask__wordnet_lemmas(m, word, strlen(word), lemmas, NULL), used = 0;
    joined[0] = 0;
    for (size_t i = 0; i < count; i++)
        used += (size_t)snprintf(joined + used, 256 - used, "%s%s", i ? " " : "", lemmas[i]);
}

static void check_open_fails(const char *variable, const char *path, mask_status status, const char *part)
{
    mask__morphy m;
    mask_error err;
    char lemmas[MASK__LEMMAS][MASK__LEMMA_BYTES];
    setenv(variable, path, 1);
    check_fails(mask__wordnet_open(&m, &err), status, part);
    assert_int_equal(mask__wordnet_lemmas(&m, "dogs", 4, lemmas, NULL), 0);
    unsetenv(variable);
}

static void a_missing_database_is_refused(void **state)
{
    (void)state;
    char absurd[5000];
    memset(absurd, 'x', sizeof absurd - 1);
    absurd[sizeof absurd - 1] = 0;
    check_open_fails("WNSEARCHDIR", "/nowhere", MASK_EIO, "/nowhere: install the package wordnet-base");
    check_open_fails("WNHOME", "/nowhere", MASK_EIO, "/nowhere/dict");
    check_open_fails("WNSEARCHDIR", absurd, MASK_EINVAL, "shorter");
    check_open_fails("WNHOME", absurd, MASK_EINVAL, "shorter");
}

static void lemmas(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"skateboarders", "skateboarder"},
        {"geese", "goose"},
        {"children", "child"},
        {"wolves", "wolf"},
        {"running", "run"},
        {"skis", "ski"},
        {"better", "good well"},
        {"happiest", "happy"},
        {"leaves", "leaf leave"},
        {"t-shirts", "t-shirt"},
        {"dog", ""},
        {"bus", ""},
        {"dress", ""},
        {"people", ""},
        {"xyzzys", ""},
    };
    mask_error err;
    mask__morphy m;
    check_ok(mask__wordnet_open(&m, &err));
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char got[256];
        lemmas_of(&m, cases[i][0], got);
        if (strcmp(got, cases[i][1]) != 0) fail_msg("%s: '%s', not '%s'", cases[i][0], got, cases[i][1]);
    }
    mask__morphy_close(&m);
}

static void absurd_words_are_not_asked(void **state)
{
    (void)state;
    static const char *const cases[] = {"",     "-",    "'s",   "_", "3-d", "dogs ", "a b", "caf\xC3\xA9s",
                                        "\xFF", "%s%n", "dogs."};
    mask_error err;
    mask__morphy m;
    char lemma[MASK__LEMMA_BYTES], found[MASK__LEMMAS][MASK__LEMMA_BYTES], word[70000];
    check_ok(mask__wordnet_open(&m, &err));
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(mask__wordnet_lemmas(&m, cases[i], strlen(cases[i]), found, NULL), 0);
        assert_false(mask__wordnet_compound(&m, cases[i], strlen(cases[i]), "dog", 3, lemma));
        assert_false(mask__wordnet_compound(&m, "hot", 3, cases[i], strlen(cases[i]), lemma));
    }
    assert_int_equal(mask__wordnet_lemmas(&m, "dogs\0s", 6, found, NULL), 0);
    memset(word, 's', sizeof word);
    for (size_t length = 1; length <= sizeof word; length += length < 200 ? 1 : 997) {
        (void)mask__wordnet_lemmas(&m, word, length, found, NULL);
        (void)mask__wordnet_compound(&m, word, length, word, length, lemma);
    }
    mask__morphy_close(&m);
}

static void compounds(void **state)
{
    (void)state;
    static const char *const cases[][3] = {
        {"hot", "dog", "hot_dog"},
        {"hot", "dogs", "hot_dog"},
        {"teddy", "bears", "teddy_bear"},
        {"fire", "hydrant", "fire_hydrant"},
        {"hula", "hoops", "hula-hoop"},
        {"speed", "boats", "speedboat"},
        {"red", "coat", NULL},
        {"black", "shirt", NULL},
        {"car", "a", NULL},
        {"dog", "runs", NULL},
        {"be", "at", NULL},
        {"xyzzy", "dog", NULL},
    };
    mask_error err;
    mask__morphy m;
    char lemma[MASK__LEMMA_BYTES];
    check_ok(mask__wordnet_open(&m, &err));
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *first = cases[i][0], *second = cases[i][1], *want = cases[i][2];
        bool found = mask__wordnet_compound(&m, first, strlen(first), second, strlen(second), lemma);
        if (found != (want != NULL)) fail_msg("%s %s: %s", first, second, found ? lemma : "not found");
        if (want) assert_string_equal(lemma, want);
    }
    assert_true(mask__wordnet_compound(&m, "hotter", 3, "doggedly", 3, lemma)); /* lengths count, not NULs */
    mask__morphy_close(&m);
}

typedef struct asker {
    const mask__morphy *morphy;
    size_t failures;
} asker;

static void *ask_often(void *context)
{
    static const char *const cases[][2] = {{"geese", "goose"}, {"running", "run"}, {"better", "good well"}};
    asker *a = context;
    for (size_t i = 0; i < 300; i++) {
        char got[256];
        lemmas_of(a->morphy, cases[i % 3][0], got);
        a->failures += strcmp(got, cases[i % 3][1]) != 0;
    }
    return NULL;
}

static void threads_may_ask_at_once(void **state)
{
    (void)state;
    mask_error err;
    mask__morphy m;
    pthread_t threads[4];
    asker askers[4];
    check_ok(mask__wordnet_open(&m, &err));
    for (int i = 0; i < 4; i++) {
        askers[i] = (asker){&m, 0};
        assert_int_equal(pthread_create(&threads[i], NULL, ask_often, &askers[i]), 0);
    }
    for (int i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(askers[i].failures, 0);
    }
    mask__morphy_close(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_missing_database_is_refused), cmocka_unit_test(lemmas),
        cmocka_unit_test(absurd_words_are_not_asked),    cmocka_unit_test(compounds),
        cmocka_unit_test(threads_may_ask_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
