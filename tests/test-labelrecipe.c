/* The ways of cleaning labels, a text at a time. */
#include "check.h"
#include "annotations/labelrecipe.h"

static void check_clean(void (*clean)(char *), const char *from, const char *want)
{
    char text[128];
    snprintf(text, sizeof text, "%s", from);
    clean(text);
    assert_string_equal(text, want);
}

static void texts_are_cleaned(void **state)
{
    (void)state;
    check_clean(mask__clean_butd, " Hot Dog. ", "hot dog");
    check_clean(mask__clean_butd, "dog .", "dog");
    check_clean(mask__clean_butd, "etc..", "etc.");
    check_clean(mask__clean_butd, ".", "");
    check_clean(mask__clean_butd, "", "");
    check_clean(mask__clean_butd, "Caf\xc3\x89", "caf\xc3\x89"); /* only ASCII letters change */
    check_clean(mask__clean_mack, "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~", "                                ");
    check_clean(mask__clean_mack, "Hot-dog\t2\xc3\xa9", "Hot dog 2\xc3\xa9");
}

static void plain_words_have_a_letter(void **state)
{
    (void)state;
    assert_true(mask__word_is_plain("dog", 3));
    assert_true(mask__word_is_plain("2nd", 3));
    assert_false(mask__word_is_plain("22", 2));
    assert_false(mask__word_is_plain("caf\xc3\xa9", 5));
    assert_false(mask__word_is_plain("", 0));
}

/* What a recipe makes of names and attributes, and how many words that were. */
static void check_label(mask__label_recipe *r, const char *attribute, const char *name, const char *want, size_t kept)
{
    mask_error err;
    mask__bytes label = {0};
    size_t words = 0;
    if (attribute) check_ok(mask__label_add_attribute(r, attribute, &label, &words, &err));
    check_ok(mask__label_add_name(r, name, &label, &words, &err));
    assert_string_equal(mask__bytes_text(&label), want);
    assert_int_equal(words, kept);
    mask__bytes_free(&label);
}

static void recipes_make_labels(void **state)
{
    (void)state;
    mask_error err;
    mask__label_recipe r;
    check_ok(mask__label_recipe_open(&r, MASK_RECIPE_MACK, NULL, NULL, 3, &err));
    assert_false(mask__label_recipe_counts(&r));
    check_label(&r, "Dark-red", "T-shirt's", "Dark red T shirt s", 5);
    mask__label_recipe_close(&r);
    check_ok(mask__label_recipe_open(&r, MASK_RECIPE_BUTD, NULL, NULL, 3, &err));
    check_label(&r, "Old and worn and black", "T-shirt.", "old worn black t-shirt", 4);
    check_label(&r, "Black and White", "a Cat", "black and white a cat", 2);
    mask__label_recipe_close(&r);
    const char *path = temp_path("classes.txt");
    write_text(path, "red,crimson\nman,guy");
    check_ok(mask__label_recipe_open(&r, MASK_RECIPE_BUTD, path, path, 3, &err));
    check_label(&r, "crimson and blue", "Guy.", "red man", 2);
    check_label(&r, "blue", "woman", "", 0);
    mask__label_recipe_close(&r);
    check_fails(mask__label_recipe_open(&r, MASK_RECIPE_MACK, path, NULL, 3, &err), MASK_EINVAL,
                "only the recipe butd");
    check_fails(mask__label_recipe_open(&r, MASK_RECIPE_BUTD, "/nonexistent", NULL, 3, &err), MASK_EIO, "/nonexistent");
}

static void rare_words_go_in_the_second_pass(void **state)
{
    (void)state;
    mask_error err;
    mask__label_recipe r;
    check_ok(mask__label_recipe_open(&r, MASK_RECIPE_MASK, NULL, NULL, 2, &err));
    assert_true(r.counting);
    check_label(&r, "red", "Dog caf\xc3\xa9", "red dog", 2);
    check_label(&r, NULL, "red-brown dog", "red brown dog", 3);
    r.counting = false;
    check_label(&r, "red", "brown dog", "red dog", 2);
    check_label(&r, NULL, "never met", "", 0);
    mask__label_recipe_close(&r);
    check_ok(mask__label_recipe_open(&r, MASK_RECIPE_MASK, NULL, NULL, 1, &err)); /* nothing is rare */
    assert_false(r.counting);
    check_label(&r, NULL, "Never-met", "never met", 2);
    mask__label_recipe_close(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(texts_are_cleaned), cmocka_unit_test(plain_words_have_a_letter),
                                       cmocka_unit_test(recipes_make_labels),
                                       cmocka_unit_test(rare_words_go_in_the_second_pass)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
