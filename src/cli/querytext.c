/* A query's small grammar (querytext.h). Hyphens inside words are left to the text's own rules. */
#include "querytext.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static bool append(query_texts *list, const char *text, float weight)
{
    mask_query_text *more = realloc(list->texts, (list->count + 1) * sizeof *more);
    char *copy = strdup(text);
    if (more) list->texts = more;
    if (!more || !copy) {
        free(copy);
        return false;
    }
    list->texts[list->count++] = (mask_query_text){copy, weight};
    return true;
}

void query_texts_free(query_texts *list)
{
    for (size_t i = 0; i < list->count; i++) free((char *)list->texts[i].text);
    free(list->texts);
    *list = (query_texts){0};
}

/* Removes the backslash of "\-", "\^" and "\\"; plain[i]: the character that is now at i had one, and is only itself.
 */
static void unescape(char *text, bool *plain)
{
    size_t to = 0;
    for (const char *from = text; *from; from++, to++) {
        plain[to] = from[0] == '\\' && from[1] && strchr("-^\\", from[1]);
        from += plain[to];
        text[to] = *from;
    }
    text[to] = 0;
}

/* Cuts "^WEIGHT" off the end of a text. */
static const char *take_weight(char *text, const bool *plain, float *weight)
{
    size_t hat = strlen(text);
    char *end;
    *weight = 1;
    while (hat > 0 && (text[hat - 1] != '^' || plain[hat - 1])) hat--;
    if (hat == 0) return NULL;
    double number = strtod(text + hat, &end);
    bool empty = end == text + hat;
    while (*end && isspace((unsigned char)*end)) end++;
    if (empty || *end || !(fabs(number) <= 1e6))
        return "after ^ stands a weight, such as ^0.5; write \\^ for the character";
    *weight = (float)number;
    text[hat - 1] = 0;
    return NULL;
}

static bool minus_word(const char *text, const bool *plain, size_t at)
{
    return text[at] == '-' && !plain[at] && (at == 0 || isspace((unsigned char)text[at - 1])) && text[at + 1] &&
           (text[at + 1] != '-' || plain[at + 1]) && !isspace((unsigned char)text[at + 1]);
}

/* Takes the words with a minus out of the text, and appends them. */
static bool take_negatives(query_texts *list, char *text, const bool *plain, float weight)
{
    for (size_t at = 0; text[at]; at++) {
        if (!minus_word(text, plain, at)) continue;
        size_t end = at + 1;
        while (text[end] && !isspace((unsigned char)text[end])) end++;
        char held = text[end];
        text[end] = 0;
        bool good = append(list, text + at + 1, -weight);
        text[end] = held;
        if (!good) return false;
        memset(text + at, ' ', end - at);
    }
    return true;
}

/* The length of a word of a list " a b " that stands at text[at], with the spaces behind it; 0 = none does. */
static size_t word_of(const char *list, const char *text, size_t at)
{
    char word[16] = " ";
    size_t n = 0;
    if (at > 0 && !isspace((unsigned char)text[at - 1])) return 0;
    for (; isalpha((unsigned char)text[at + n]) && n < sizeof word - 3; n++)
        word[n + 1] = (char)tolower((unsigned char)text[at + n]);
    if (n == 0 || !isspace((unsigned char)text[at + n])) return 0;
    word[n + 1] = ' ';
    if (!strstr(list, word)) return 0;
    while (isspace((unsigned char)text[at + n])) n++;
    return n;
}

/* "no people", "without a dog": as -people, -dog. */
static bool take_denied(query_texts *list, char *text, float weight)
{
    for (size_t at = 0; text[at]; at++) {
        size_t begin = at + word_of(" no not without ", text, at);
        if (begin == at) continue;
        begin += word_of(" a an any the ", text, begin);
        size_t end = begin;
        while (text[end] && !isspace((unsigned char)text[end])) end++;
        char held = text[end];
        text[end] = 0;
        bool good = end == begin || append(list, text + begin, -weight);
        text[end] = held;
        if (!good) return false;
        memset(text + at, ' ', end - at);
    }
    return true;
}

static bool blank(const char *text)
{
    while (isspace((unsigned char)*text)) text++;
    return !*text;
}

const char *query_texts_add(query_texts *list, const char *argument)
{
    float weight;
    char *text = strdup(argument);
    bool *plain = calloc(strlen(argument) + 1, sizeof *plain);
    const char *wrong = "out of memory";
    if (text && plain) {
        unescape(text, plain);
        wrong = take_weight(text, plain, &weight);
    }
    if (!wrong) {
        size_t before = list->count;
        bool good = take_negatives(list, text, plain, weight) && take_denied(list, text, weight);
        if (good && (!blank(text) || list->count == before)) good = append(list, text, weight);
        if (!good) wrong = "out of memory";
    }
    free(text);
    free(plain);
    return wrong;
}

const char *query_batch_make(query_batch *b, const mask_query *shape, const char *const *texts, size_t count)
{
    *b = (query_batch){.queries = calloc(count, sizeof *b->queries),
                       .results = calloc(count, sizeof *b->results),
                       .texts = calloc(count, sizeof *b->texts)};
    if (!b->queries || !b->results || !b->texts) return "out of memory";
    for (const char *wrong; b->count < count; b->count++) {
        size_t i = b->count;
        if (texts[i] && (wrong = query_texts_add(&b->texts[i], texts[i]))) {
            query_texts_free(&b->texts[i]);
            return wrong;
        }
        b->queries[i] = *shape;
        b->queries[i].texts = b->texts[i].texts;
        b->queries[i].count = b->texts[i].count;
    }
    return NULL;
}

void query_batch_free(query_batch *b)
{
    for (size_t i = 0; i < b->count; i++) {
        query_texts_free(&b->texts[i]);
        mask_results_free(&b->results[i]);
    }
    free(b->queries);
    free(b->results);
    free(b->texts);
}
