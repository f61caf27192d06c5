#include "annotations/labelrecipe.h"
#include "base/lines.h"
#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static void strip(char *text)
{
    const char *begin = text;
    size_t length = strlen(text);
    mask__strip(&begin, &length);
    memmove(text, begin, length);
    text[length] = '\0';
}

void mask__clean_butd(char *text)
{
    mask__lower(text);
    strip(text);
    size_t length = strlen(text);
    if (length == 0 || text[length - 1] != '.') return;
    text[length - 1] = '\0';
    strip(text);
}

void mask__clean_mack(char *text)
{
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        bool digit = c >= '0' && c <= '9';
        if (c < 0x80 && !digit && !is_letter(*text)) *text = ' ';
    }
}

bool mask__word_is_plain(const char *word, size_t length)
{
    bool letter = false;
    for (size_t i = 0; i < length; i++) {
        if (is_letter(word[i])) letter = true;
        else if (word[i] < '0' || word[i] > '9') return false;
    }
    return letter;
}

mask_status mask__label_recipe_open(mask__label_recipe *r, mask_recipe kind, const char *objects,
                                    const char *attributes, size_t min_count, mask_error *err)
{
    *r = (mask__label_recipe){.kind = kind, .min_count = min_count};
    if ((objects || attributes) && kind != MASK_RECIPE_BUTD)
        return mask__fail(err, MASK_EINVAL, "only the recipe butd has vocabularies: leave them out");
    mask_status status = objects ? mask__vocabulary_read(&r->objects, objects, err) : MASK_OK;
    if (status == MASK_OK && attributes) status = mask__vocabulary_read(&r->attributes, attributes, err);
    if (status != MASK_OK) mask__label_recipe_close(r);
    r->counting = mask__label_recipe_counts(r);
    return status;
}

void mask__label_recipe_close(mask__label_recipe *r)
{
    mask__vocabulary_free(&r->objects);
    mask__vocabulary_free(&r->attributes);
    mask__strings_free(&r->words);
    free(r->counts);
    *r = (mask__label_recipe){0};
}

bool mask__label_recipe_counts(const mask__label_recipe *r)
{
    return r->kind == MASK_RECIPE_MASK && r->min_count > 1;
}

static mask_status append(mask__bytes *label, const char *text, size_t length, size_t *words, mask_error *err)
{
    if (length == 0) return MASK_OK;
    if (label->size) mask__bytes_put(label, " ", 1);
    mask__bytes_put(label, text, length);
    ++*words;
    return label->lost ? mask__no_memory(err, "a label") : MASK_OK;
}

/* A whole phrase, or its class's name where there is a vocabulary; nothing when that does not have it. */
static mask_status add_class(const mask__vocabulary *v, char *phrase, mask__bytes *label, size_t *words,
                             mask_error *err)
{
    mask__clean_butd(phrase);
    int64_t class = v->count ? mask__vocabulary_find(v, phrase) : -1;
    if (v->count && class < 0) return MASK_OK;
    const char *name = v->count ? mask__vocabulary_name(v, (size_t) class) : phrase;
    return append(label, name, strlen(name), words, err);
}

/* "old and wooden" are two attributes, "black and white" is one. */
static mask_status add_attributes(const mask__vocabulary *v, char *text, mask__bytes *label, size_t *words,
                                  mask_error *err)
{
    static const char joint[] = " and ";
    mask__clean_butd(text);
    while (strcmp(text, "black and white") != 0) {
        char *and = strstr(text, joint);
        if (!and) break;
        *and = '\0';
        MASK__TRY(add_class(v, text, label, words, err));
        text = and+strlen(joint);
    }
    return add_class(v, text, label, words, err);
}

/* Whether `mask` keeps a word; in the first pass also counts it. */
static mask_status is_kept(mask__label_recipe *r, const char *word, size_t length, bool *kept, mask_error *err)
{
    uint32_t index;
    bool added;
    *kept = r->kind != MASK_RECIPE_MASK || mask__word_is_plain(word, length);
    if (!*kept || !mask__label_recipe_counts(r)) return MASK_OK;
    if (!r->counting) {
        index = mask__strings_find(&r->words, word, length);
        *kept = index != MASK__NOT_FOUND && r->counts[index] >= r->min_count;
        return MASK_OK;
    }
    MASK__TRY(mask__strings_intern(&r->words, word, length, &index, &added, err));
    if (added) {
        if (!mask__grow(&r->counts, &r->count_capacity, r->words.count, sizeof *r->counts))
            return mask__no_memory(err, "the words of labels");
        r->counts[index] = 0;
    }
    r->counts[index]++;
    return MASK_OK;
}

static mask_status add_words(mask__label_recipe *r, char *text, mask__bytes *label, size_t *words, mask_error *err)
{
    mask__clean_mack(text);
    if (r->kind == MASK_RECIPE_MASK) mask__lower(text);
    for (char *at = text + strspn(text, " "), *end; *at; at = end + strspn(end, " ")) {
        bool kept;
        end = at + strcspn(at, " ");
        MASK__TRY(is_kept(r, at, (size_t)(end - at), &kept, err));
        if (kept) MASK__TRY(append(label, at, (size_t)(end - at), words, err));
    }
    return MASK_OK;
}

mask_status mask__label_add_name(mask__label_recipe *r, const char *name, mask__bytes *label, size_t *words,
                                 mask_error *err)
{
    char *copy = strdup(name);
    if (!copy) return mask__no_memory(err, "a label");
    mask_status status = r->kind == MASK_RECIPE_BUTD ? add_class(&r->objects, copy, label, words, err)
                                                     : add_words(r, copy, label, words, err);
    free(copy);
    return status;
}

mask_status mask__label_add_attribute(mask__label_recipe *r, const char *attribute, mask__bytes *label, size_t *words,
                                      mask_error *err)
{
    char *copy = strdup(attribute);
    if (!copy) return mask__no_memory(err, "a label");
    mask_status status = r->kind == MASK_RECIPE_BUTD ? add_attributes(&r->attributes, copy, label, words, err)
                                                     : add_words(r, copy, label, words, err);
    free(copy);
    return status;
}
