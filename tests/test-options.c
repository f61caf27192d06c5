/* The tables of options: defaults and presets, values as text and back, sizes of other versions, ranges, lists in
 * files. */
#include "base/options.h"
#include "check.h"

#include <locale.h>
#include <math.h>

typedef union any {
    size_t size;
    char bytes[1024];
} any;

/* Every option of every kind: its default as text sets what it was; its name, flag and range are sound. */
static void every_option_goes_through_text(void **state)
{
    (void)state;
    mask_error err;
    for (int kind = 0; kind < MASK_OPTIONS_KINDS; kind++) {
        size_t count;
        any defaults, other;
        const mask_option *rows = mask_options_list((mask_options_kind)kind, &count);
        check_ok(mask_options_preset((mask_options_kind)kind, NULL, &defaults, sizeof defaults, &err));
        assert_true(defaults.size <= sizeof defaults);
        check_ok(mask__options_take((mask_options_kind)kind, &other, &defaults, &err));
        for (size_t i = 0; i < count; i++) {
            char text[64], again[64];
            assert_true(strlen(rows[i].help) > 4 && strchr(rows[i].help, '\n') == NULL);
            assert_true(rows[i].offset >= sizeof(size_t) && rows[i].offset < defaults.size);
            for (size_t j = 0; j < i; j++)
                assert_true(strcmp(rows[i].name, rows[j].name) != 0 &&
                            (!rows[i].flag || !rows[j].flag || strcmp(rows[i].flag, rows[j].flag) != 0));
            check_ok(mask_option_get((mask_options_kind)kind, &defaults, rows[i].name, text, sizeof text, &err));
            if (rows[i].type == MASK_OPTION_TEXT) continue;
            check_ok(mask_option_set((mask_options_kind)kind, &other, rows[i].name, text, &err));
            check_ok(mask_option_get((mask_options_kind)kind, &other, rows[i].name, again, sizeof again, &err));
            assert_string_equal(again, text);
            check_fails(mask_option_set((mask_options_kind)kind, &other, rows[i].name, "purple", &err), MASK_EINVAL,
                        rows[i].name);
        }
    }
    assert_true(sizeof(any) > sizeof(mask_train_options));
}

static void numbers_come_back_in_every_locale(void **state)
{
    (void)state;
    mask_error err;
    char text[64];
    mask_match_options o = mask_match_plain();
    const float values[] = {0.1f, 1.0f / 3, 12345.678f, 1e-6f, 3, 0};
    bool comma = setlocale(LC_NUMERIC, "de_DE.UTF-8") != NULL;
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        o.context = values[i];
        check_ok(mask_option_get(MASK_OPTIONS_MATCH, &o, "context", text, sizeof text, &err));
        o.context = 7;
        check_ok(mask_option_set(MASK_OPTIONS_MATCH, &o, "--context", text, &err));
        assert_true(o.context == values[i]);
        assert_null(strchr(text, ','));
    }
    if (comma) setlocale(LC_NUMERIC, "C");
    o.context = 0.1f;
    check_ok(mask_option_get(MASK_OPTIONS_MATCH, &o, "context", text, sizeof text, &err));
    assert_string_equal(text, "0.1");
}

static void words_and_numbers(void **state)
{
    (void)state;
    mask_error err;
    char text[64];
    mask_match_options o = mask_match_plain();
    check_ok(mask_option_set(MASK_OPTIONS_MATCH, &o, "whole_region", "mean", &err));
    assert_int_equal(o.whole_region, MASK_WHOLE_MEAN);
    check_ok(mask_option_set(MASK_OPTIONS_MATCH, &o, "--whole-region", "5", &err));
    assert_int_equal(o.whole_region, 5);
    check_fails(mask_option_set(MASK_OPTIONS_MATCH, &o, "--whole-region", "-1", &err), MASK_EINVAL,
                "--whole-region -1: must be auto, mean or a whole number from 0 to 1000000");
    check_fails(mask_option_set(MASK_OPTIONS_MATCH, &o, "pool", "max", &err), MASK_EINVAL,
                "pool max: must be one of max-mean, region-max");
    check_fails(mask_option_set(MASK_OPTIONS_MATCH, &o, "top", "1.5", &err), MASK_EINVAL,
                "a whole number from 1 to 64");
    check_fails(mask_option_set(MASK_OPTIONS_MATCH, &o, "colour", "red", &err), MASK_ENOTFOUND, "colour");
    check_ok(mask_option_set(MASK_OPTIONS_MATCH, &o, "ood_weight", "0.75", &err));
    check_ok(mask_option_set(MASK_OPTIONS_MATCH, &o, "ood_weight", "auto", &err));
    assert_true(o.ood_weight == -1);
    check_ok(mask_option_get(MASK_OPTIONS_MATCH, &o, "modifiers", text, sizeof text, &err));
    assert_string_equal(text, "");
    o.ood_weight = -0.5f; /* between the word's value and the numbers */
    check_fails(mask__options_take(MASK_OPTIONS_MATCH, &(mask_match_options){0}, &o, &err), MASK_EINVAL, "ood_weight");
}

static void presets_differ_as_they_say(void **state)
{
    (void)state;
    mask_error err;
    mask_match_options plain = mask_match_plain(), tuned = mask_match_tuned(), old = mask_match_section9();
    mask_learn_options learn = mask_learn_defaults(), learn9 = mask_learn_section9();
    mask_train_options paper = mask_train_paper();
    assert_int_equal(plain.calibrate, MASK_CALIBRATE_NONE);
    assert_int_equal(plain.top, 1);
    assert_true(tuned.top == 2 && tuned.scene == 0.8f && tuned.hub_neighbours == 0 && tuned.hub_text_sharpness == 2);
    assert_true(old.top == 3 && old.context == 0.5f && old.scene == 0 && old.calibrate == MASK_CALIBRATE_FULL);
    assert_true(learn.scenes && learn.power == 0.75f && learn.reliability == 0.3f && !learn.train);
    assert_true(!learn9.scenes && learn9.power == 1 && learn9.reliability == 0 && learn9.prototype_shrink == 10);
    assert_true(paper.epochs == 400 && paper.batch == 4096 && !paper.whiten && !paper.start_whiten &&
                paper.schedule == MASK_SCHEDULE_CONSTANT);
    check_fails(mask_options_preset(MASK_OPTIONS_MATCH, "best", &plain, sizeof plain, &err), MASK_ENOTFOUND,
                "plain|tuned|section9");
}

/* An older program's struct is shorter, a newer one's longer; one that was never begun is refused. */
static void sizes_of_other_versions(void **state)
{
    (void)state;
    mask_error err;
    mask_match_options o = mask_match_tuned(), taken;
    o.top = 9;
    o.hub_text = 7;
    o.size = offsetof(mask_match_options, hub_text);
    check_ok(mask__options_take(MASK_OPTIONS_MATCH, &taken, &o, &err));
    assert_int_equal(taken.top, 9);
    assert_true(taken.hub_text == 0.5f && taken.hub_neighbours == 50); /* the defaults */
    assert_int_equal(taken.size, sizeof taken);

    struct newer {
        mask_match_options options;
        float more;
    } n = {.options = mask_match_tuned()};
    n.options.size = sizeof n;
    check_ok(mask__options_take(MASK_OPTIONS_MATCH, &taken, &n, &err));
    n.more = 1;
    check_fails(mask__options_take(MASK_OPTIONS_MATCH, &taken, &n, &err), MASK_EINVAL, "newer mask.h");

    mask_match_options zero = {0};
    check_ok(mask__options_take(MASK_OPTIONS_MATCH, &taken, &zero, &err));
    assert_int_equal(taken.ood_neighbours, 200);
    zero.top = 2;
    check_fails(mask__options_take(MASK_OPTIONS_MATCH, &taken, &zero, &err), MASK_EINVAL, "defaults function");

    struct older { /* as its own header knew it */
        size_t size;
        mask_pool pool;
        int top;
    } older;
    check_ok(mask_options_preset(MASK_OPTIONS_MATCH, "tuned", &older, sizeof older, &err));
    assert_int_equal(older.size, sizeof older);
    assert_int_equal(older.top, 2);
    check_ok(mask_option_set(MASK_OPTIONS_MATCH, &older, "top", "5", &err));
    check_fails(mask_option_set(MASK_OPTIONS_MATCH, &older, "context", "5", &err), MASK_ENOTFOUND, "context");
    o.size = SIZE_MAX / 2; /* never set */
    check_fails(mask__options_take(MASK_OPTIONS_MATCH, &taken, &o, &err), MASK_EINVAL, "mask.h");
    o = mask_match_tuned();
    o.image_power = NAN;
    check_fails(mask__options_take(MASK_OPTIONS_MATCH, &taken, &o, &err), MASK_EINVAL, "image_power nan");
}

static void lists_in_files(void **state)
{
    (void)state;
    mask_error err;
    char text[MASK__OPTIONS_TEXT], other[MASK__OPTIONS_TEXT];
    mask_match_options o = mask_match_tuned(), back;
    o.whole_region = 3;
    o.adjective = 2; /* not kept */
    mask__options_write(MASK_OPTIONS_MATCH, &o, text);
    assert_non_null(strstr(text, "pool max-mean, top 2, context 0.4, whole_region 3, ood neighbours"));
    assert_null(strstr(text, "adjective"));
    check_ok(mask__options_read(MASK_OPTIONS_MATCH, &back, text, strlen(text), "f", &err));
    mask__options_write(MASK_OPTIONS_MATCH, &back, other);
    assert_string_equal(text, other);
    assert_null(mask__options_differ(MASK_OPTIONS_MATCH, text, other));
    assert_string_equal(mask__options_differ(MASK_OPTIONS_MATCH, text, "top 2"), "context");
    assert_null(mask__options_differ(MASK_OPTIONS_EXTRACT, "regions 36, grid 3", ""));
    check_ok(mask__options_read(MASK_OPTIONS_MATCH, &back, "top 7", 5, "f", &err));
    assert_true(back.top == 7 && back.ood_neighbours == 200); /* what is not there has its default */
#define REFUSED(list, part)                                                                                            \
    check_fails(mask__options_read(MASK_OPTIONS_MATCH, &back, list, strlen(list), "k.mask", &err), MASK_EFORMAT, part)
    REFUSED("top 3, colour red", "k.mask: has an option 'colour'");
    REFUSED("adjective 1", "'adjective'");
    REFUSED("top 0", "k.mask: top 0: must be");
    REFUSED("top", "k.mask: top");
    REFUSED("top 3,context 2", "k.mask: top 3,context 2");
    REFUSED("context nan", "context nan");
    REFUSED("pool 0", "pool 0: must be one of");
#undef REFUSED
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_option_goes_through_text),
        cmocka_unit_test(numbers_come_back_in_every_locale),
        cmocka_unit_test(words_and_numbers),
        cmocka_unit_test(presets_differ_as_they_say),
        cmocka_unit_test(sizes_of_other_versions),
        cmocka_unit_test(lists_in_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
