/* Texts: a file of lines or a Karpathy JSON, and what is made of each text: tokens, its language, a reading, modifiers
 * from a table (after a NUL byte). Texts that were opened are UTF-8, and their tokens split the same twice. */
#include "fuzz.h"
#include "base/lines.h"
#include "text/language.h"
#include "text/modifiers.h"
#include "text/tokens.h"

static void read_text(const mask_matcher *matcher, const char *text, mask__modifiers *table)
{
    mask_error err;
    mask_reading reading;
    const mask__modifier *pairs;
    size_t length = strlen(text), count;
    fuzz_check(mask__utf8_valid(text, length) == length);
    for (int rule = MASK_TOKENS_CAPTION; rule <= MASK_TOKENS_LETTERS; rule++) {
        mask__tokens one = {0}, two = {0};
        fuzz_check(fuzz_ok(mask__tokens_split(&one, (mask_tokens)rule, text, length, &err), &err));
        fuzz_check(fuzz_ok(mask__tokens_split(&two, (mask_tokens)rule, text, length, &err), &err));
        fuzz_check(one.count == two.count);
        for (size_t i = 0; i < one.count; i++) {
            const mask__token *t = &one.items[i];
            fuzz_check(t->length > 0 && t->length == two.items[i].length &&
                       memcmp(t->text, two.items[i].text, t->length) == 0);
            fuzz_check(mask__utf8_valid(t->text, t->length) == t->length);
            mask__tokens_dropped((mask_tokens)rule, t->text, t->length);
        }
        mask__language(&one);
        if (table && rule == MASK_TOKENS_CAPTION &&
            fuzz_ok(mask__modifiers_next(table, &one, &pairs, &count, &err), &err))
            for (size_t i = 0; i < count; i++) fuzz_check(pairs[i].modifier < one.count && pairs[i].noun < one.count);
        mask__tokens_free(&one);
        mask__tokens_free(&two);
    }
    if (!fuzz_ok(mask_matcher_read(matcher, text, &reading, &err), &err)) return;
    for (size_t i = 0; i < reading.count; i++) fuzz_check(reading.words[i].token && reading.words[i].word);
    mask_reading_free(&reading);
}

void fuzz_one(const unsigned char *data, size_t size)
{
    static mask_knowledge *k;
    static mask_matcher *matcher;
    mask_vectors *v;
    mask_error err;
    mask_texts *texts;
    mask__modifiers *table = NULL;
    if (!matcher) {
        fuzz_check(fuzz_ok(mask_vectors_open(&v, FIXTURE("v.mvec"), NULL, &err), &err));
        fuzz_check(fuzz_ok(mask_knowledge_open(&k, FIXTURE("g.gallery/knowledge.mask"), NULL, &err), &err));
        fuzz_check(fuzz_ok(mask_matcher_open(&matcher, k, v, NULL, &fuzz_run, &err), &err));
    }
    const unsigned char *cut = memchr(data, 0, size);
    size_t first = cut ? (size_t)(cut - data) : size;
    const char *path = fuzz_file(first && data[0] == '{' ? "texts.json" : "texts", data, first);
    if (cut) fuzz_ok(mask__modifiers_open(&table, fuzz_file("table", cut + 1, size - first - 1), &err), &err);
    bool opened = fuzz_ok(mask_texts_open(&texts, path, NULL, &fuzz_run, &err), &err);
    fuzz_check(opened == (texts != NULL));
    for (size_t i = 0; opened && i < mask_texts_count(texts) && i < 50; i++)
        read_text(matcher, mask_texts_get(texts, i), table);
    mask_texts_close(texts);
    mask__modifiers_close(table);
}
