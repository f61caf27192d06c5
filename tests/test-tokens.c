/* Words of texts: NLTK's rules one by one, Unicode, refusals, and the word lists. Expected tokens are those of NLTK
 * 3.8's word_tokenize on the case-folded text, but for Unicode quotes and dashes, which NLTK leaves inside words. */
#include "check.h"
#include "text/tokens.h"

/* The tokens with a bar between, in static storage. */
static const char *split(mask_tokens rule, const char *text)
{
    static char joined[4096];
    mask_error err;
    mask__tokens tokens = {0};
    size_t used = 0;
    joined[0] = 0;
    check_ok(mask__tokens_split(&tokens, rule, text, strlen(text), &err));
    for (size_t i = 0; i < tokens.count; i++)
        used += (size_t)snprintf(joined + used, sizeof joined - used, "%s%.*s", i ? "|" : "",
                                 (int)tokens.items[i].length, tokens.items[i].text);
    mask__tokens_free(&tokens);
    return joined;
}

typedef struct split_case {
    const char *text, *tokens;
} split_case;

static void check_cases(mask_tokens rule, const split_case *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const char *got = split(rule, cases[i].text);
        if (strcmp(got, cases[i].tokens) != 0)
            fail_msg("'%s' became '%s', not '%s'", cases[i].text, got, cases[i].tokens);
    }
}

static void captions(void **state)
{
    (void)state;
    static const split_case cases[] = {
        {"", ""},
        {" \t\r\n ", ""},
        {"A dog runs .", "a|dog|runs|."},
        {"A Dog\tRUNS\nfast.", "a|dog|runs|fast|."},
        /* clitics */
        {"I don't think they'll say we're or I've", "i|do|n't|think|they|'ll|say|we|'re|or|i|'ve"},
        {"I'm the man's dog's, he'd", "i|'m|the|man|'s|dog|'s|,|he|'d"},
        {"the dogs' bowls", "the|dogs|'|bowls"},
        {"they'd've, she'll's", "they'd|'ve|,|she|'ll|'s"},
        {"a man 's hat", "a|man|'s|hat"},
        {"n't 's '", "n't|'s|'"},
        /* contractions */
        {"cannot gonna gotta gimme lemme", "can|not|gon|na|got|ta|gim|me|lem|me"},
        {"I wanna go, wanna-be", "i|wan|na|go|,|wanna-be"},
        {"d'ye want more'n that", "d|'ye|want|more|'n|that"},
        {"'tis or 'twas it'tis", "'t|is|or|'t|was|it'tis"},
        {"a cannot-do, scannot, cannots", "a|can|not|-do|,|scannot|,|cannots"},
        /* joined words and numbers */
        {"merry-go-round t-shirt and/or", "merry-go-round|t-shirt|and/or"},
        {"3,000 men, 3.14 at 10:30, a,b", "3,000|men|,|3.14|at|10:30|,|a|,|b"},
        {"$5 #25 50% at&t a@b", "$|5|#|25|50|%|at|&|t|a|@|b"},
        {"o'clock rock'n'roll", "o'clock|rock'n'roll"},
        /* quotes, brackets, punctuation */
        {"\"Free\" 'hugs' (big) [x] {y} <z>", "``|free|''|'hugs|'|(|big|)|[|x|]|{|y|}|<|z|>"},
        {"(\"a\") ``b'' 'a cat", "(|``|a|''|)|``|b|''|'|a|cat"},
        {"says \" stop \" ;wow!!?", "says|``|stop|``|;|wow|!|!|?"},
        {"dog...cat -- x---y *", "dog|...|cat|--|x|--|-y|*"},
        /* periods */
        {"One ran. Two sat", "one|ran|.|two|sat"},
        {"It is the boy's. Here I'm. So", "it|is|the|boy|'s|.|here|i|'m|.|so"},
        {"He said \"go.\" (Yes.) End.", "he|said|``|go|.|''|(|yes|.|)|end|."},
        {"the U.S. army in the U.S.", "the|u.s.|army|in|the|u.s|."},
        {"Mr. Potato vs. St. John at 3 a.m. sharp", "mr.|potato|vs.|st.|john|at|3|a.m.|sharp"},
        {"seen by J. Smith, www.x.com", "seen|by|j.|smith|,|www.x.com"},
        {".", "."},
        {"..", ".."},
        {". .dog", ".|.dog"},
    };
    check_cases(MASK_TOKENS_CAPTION, cases, sizeof cases / sizeof *cases);
}

static void captions_in_unicode(void **state)
{
    (void)state;
    static const split_case cases[] = {
        {"Don’t the man’s ‘hi’", "do|n't|the|man|'s|`|hi|'"},
        {"“Stop” «oui» „ja”", "``|stop|''|``|oui|''|``|ja|''"},
        {"dog – cat—bird…", "dog|--|cat|--|bird|..."},
        {"t‑shirt −5", "t-shirt|-5"},
        {"a\u00A0dog\u2003runs\u2028on", "a|dog|runs|on"},
        {"CAFÉ cafe\u0301 Straße ΣΑΣ", "café|café|strasse|σασ"},
        {"soft\u00ADhyphen zero\u200Bwidth \uFEFFbom", "softhyphen|zerowidth|bom"},
        {"狗 在 🐕 'é", "狗|在|🐕|'|é"},
    };
    check_cases(MASK_TOKENS_CAPTION, cases, sizeof cases / sizeof *cases);
}

static void letters(void **state)
{
    (void)state;
    static const split_case cases[] = {
        {"", ""},
        {"A Dog's t-shirt, 3rd I", "dog|shirt|rd"},
        {"don't_stop", "don|stop"},
        {"CAFÉs naïve", "caf|na|ve"},
        {"\u212Aelvin \u0130stanbul b\u0130", "kelvin|stanbul|bi"},
        {"ab", "ab"},
        {"a b", ""},
    };
    check_cases(MASK_TOKENS_LETTERS, cases, sizeof cases / sizeof *cases);
}

static void what_is_not_utf8_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t length;
        const char *place;
    } cases[] = {
        {"dog \xFF", 5, "byte 4"},          {"caf\xC3", 4, "byte 3"}, {"\xC0\x80", 2, "byte 0"},
        {"ab \xED\xA0\x80 c", 8, "byte 3"}, {"é \x80x", 5, "byte 3"}, {"\xF4\x90\x80\x80", 4, "byte 0"},
    };
    mask_error err;
    mask__tokens tokens = {0};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (int rule = MASK_TOKENS_CAPTION; rule <= MASK_TOKENS_LETTERS; rule++) {
            check_ok(mask__tokens_split(&tokens, (mask_tokens)rule, "left over", 9, &err));
            check_fails(mask__tokens_split(&tokens, (mask_tokens)rule, cases[i].text, cases[i].length, &err),
                        MASK_EFORMAT, cases[i].place);
            assert_int_equal(tokens.count, 0);
            assert_int_equal(err.offset, strtoul(cases[i].place + 5, NULL, 10));
        }
    mask__tokens_free(&tokens);
}

static void a_list_is_used_again_and_again(void **state)
{
    (void)state;
    enum { BYTES = 1 << 20 };
    mask_error err;
    mask__tokens tokens = {0};
    char *text = malloc(BYTES);
    assert_non_null(text);
    memset(text, 'x', BYTES);
    for (int rule = MASK_TOKENS_CAPTION; rule <= MASK_TOKENS_LETTERS; rule++) {
        check_ok(mask__tokens_split(&tokens, (mask_tokens)rule, text, BYTES, &err));
        assert_int_equal(tokens.count, 1);
        assert_int_equal(tokens.items[0].length, BYTES);
    }
    memset(text, '!', BYTES);
    check_ok(mask__tokens_split(&tokens, MASK_TOKENS_CAPTION, text, BYTES, &err));
    assert_int_equal(tokens.count, BYTES);
    check_ok(mask__tokens_split(&tokens, MASK_TOKENS_CAPTION, "a\0b", 3, &err)); /* NUL is a space, not an end */
    assert_int_equal(tokens.count, 2);
    check_ok(mask__tokens_split(&tokens, MASK_TOKENS_CAPTION, "dog", 0, &err));
    assert_int_equal(tokens.count, 0);
    mask__tokens_free(&tokens);
    free(text);
}

/* Every text over a small alphabet of everything the scanner treats specially: tokens are never empty, hold no space,
 * and keep all letters in order. */
static void nothing_is_lost(void **state)
{
    (void)state;
    static const char alphabet[] = "a'.\",-`n ";
    enum { LENGTH = 6, LETTERS = sizeof alphabet - 1 };
    mask_error err;
    mask__tokens tokens = {0};
    size_t texts = 1;
    for (int i = 0; i < LENGTH; i++) texts *= LETTERS;
    for (size_t number = 0; number < texts; number++) {
        char text[LENGTH + 1] = {0}, want[LENGTH + 1] = {0}, got[2 * LENGTH + 1] = {0};
        size_t wanted = 0, kept = 0;
        for (size_t i = 0, rest = number; i < LENGTH; i++, rest /= LETTERS) {
            text[i] = alphabet[rest % LETTERS];
            if (!strchr(" \"`'", text[i])) want[wanted++] = text[i];
        }
        check_ok(mask__tokens_split(&tokens, MASK_TOKENS_CAPTION, text, LENGTH, &err));
        for (size_t t = 0; t < tokens.count; t++) {
            if (tokens.items[t].length == 0) fail_msg("'%s' gives an empty token", text);
            for (size_t i = 0; i < tokens.items[t].length; i++)
                if (!strchr("\"`'", tokens.items[t].text[i])) got[kept++] = tokens.items[t].text[i];
        }
        if (strcmp(want, got) != 0) fail_msg("'%s' kept '%s'", text, got);
    }
    mask__tokens_free(&tokens);
}

static const char *dropped(mask_tokens rule, const char *word)
{
    return mask__tokens_dropped(rule, word, strlen(word));
}

static void why_words_are_dropped(void **state)
{
    (void)state;
    assert_string_equal(dropped(MASK_TOKENS_CAPTION, "the"), "article");
    assert_string_equal(dropped(MASK_TOKENS_LETTERS, "the"), "article");
    assert_string_equal(dropped(MASK_TOKENS_CAPTION, "n't"), "clitic");
    assert_string_equal(dropped(MASK_TOKENS_CAPTION, "really"), "abstract adverb");
    assert_null(dropped(MASK_TOKENS_LETTERS, "really"));
    static const char *const without_letters[] = {".", "``", "--", "25", "3,000", "...", "", "🐕", "\xFF"};
    for (size_t i = 0; i < sizeof without_letters / sizeof *without_letters; i++)
        assert_string_equal(dropped(MASK_TOKENS_CAPTION, without_letters[i]), "no letter");
    static const char *const visual[] = {"dog", "red", "large", "running", "th", "thee", "theory", "x", "4th", "狗"};
    for (size_t i = 0; i < sizeof visual / sizeof *visual; i++) assert_null(dropped(MASK_TOKENS_CAPTION, visual[i]));
    assert_null(mask__tokens_dropped(MASK_TOKENS_CAPTION, "thermal", 4)); /* "ther" */
    assert_non_null(mask__tokens_dropped(MASK_TOKENS_CAPTION, "thermal", 3));
}

/* Each line of a list is found, and nothing the list does not say. */
static void lists_are_what_the_files_say(void **state)
{
    (void)state;
    static const char *const names[] = {"stopwords.txt", "nonvisual.txt"};
    for (int list = 0; list < 2; list++) {
        char path[512], line[256];
        size_t words = 0;
        snprintf(path, sizeof path, "%s/data/%s", MASK_SOURCE_DIR, names[list]);
        FILE *file = fopen(path, "r");
        assert_non_null(file);
        while (fgets(line, sizeof line, file)) {
            line[strcspn(line, "\n")] = 0;
            if (line[0] == '#' || !line[0]) continue;
            char *tab = strchr(line, '\t');
            assert_non_null(tab);
            *tab = 0;
            const char *reason = dropped(MASK_TOKENS_CAPTION, line);
            if (!reason || strcmp(reason, tab + 1) != 0) fail_msg("%s: '%s' is not found as written", path, line);
            assert_int_equal(dropped(MASK_TOKENS_LETTERS, line) != NULL, list == 0);
            words++;
        }
        fclose(file);
        assert_true(words > 100);
    }
}

/* The set of stop words equals the plain reference's: as many words, each of them found. */
static void stop_words_are_the_references(void **state)
{
    (void)state;
    need_shared(shared);
    char path[512];
    size_t size, words = 0, ours = 0;
    snprintf(path, sizeof path, "%s/reference/calibrated_reference.py", shared);
    char *source = read_whole(path, &size), *from = strstr(source, "STOP = set(\"\"\"");
    assert_non_null(from);
    from += strlen("STOP = set(\"\"\"");
    *strstr(from, "\"\"\"") = 0;
    for (char *word = strtok(from, " \n"); word; word = strtok(NULL, " \n"), words++)
        if (!dropped(MASK_TOKENS_LETTERS, word)) fail_msg("'%s' is a stop word of the reference, not of ours", word);
    free(source);
    snprintf(path, sizeof path, "%s/data/stopwords.txt", MASK_SOURCE_DIR);
    char *list = read_whole(path, &size);
    for (char *line = strtok(list, "\n"); line; line = strtok(NULL, "\n")) ours += line[0] != '#';
    free(list);
    assert_int_equal(words, ours);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(captions),
        cmocka_unit_test(captions_in_unicode),
        cmocka_unit_test(letters),
        cmocka_unit_test(what_is_not_utf8_is_refused),
        cmocka_unit_test(a_list_is_used_again_and_again),
        cmocka_unit_test(nothing_is_lost),
        cmocka_unit_test(why_words_are_dropped),
        cmocka_unit_test(lists_are_what_the_files_say),
        cmocka_unit_test(stop_words_are_the_references),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
