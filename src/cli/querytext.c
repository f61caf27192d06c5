/* A query's small grammar (querytext.h). Hyphens inside words are left to the text's own rules. */
#include "querytext.h"
#include "commands.h"

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

/* Cuts "^WEIGHT" off the end of a text. */
static int take_weight(char *text, float *weight)
{
    char *hat = strrchr(text, '^'), *end;
    *weight = 1;
    if (!hat || (hat > text && hat[-1] == '\\')) return 0;
    double number = strtod(hat + 1, &end);
    while (*end && isspace((unsigned char)*end)) end++;
    if (end == hat + 1 || *end || !(fabs(number) <= 1e6)) {
        fail("query '%s': after ^ stands a weight, such as ^0.5; write \\^ for the character", text);
        return EXIT_USAGE;
    }
    *weight = (float)number;
    *hat = 0;
    return 0;
}

/* Removes the backslashes of "\-" and "\^". */
static void unescape(char *text)
{
    char *to = text;
    for (const char *from = text; *from; from++)
        if (from[0] != '\\' || (from[1] != '-' && from[1] != '^')) *to++ = *from;
    *to = 0;
}

static bool minus_word(const char *text, const char *at)
{
    return *at == '-' && (at == text || isspace((unsigned char)at[-1])) && at[1] && at[1] != '-' &&
           !isspace((unsigned char)at[1]);
}

/* Takes the words with a minus out of the text, and appends them. */
static bool take_negatives(query_texts *list, char *text, float weight)
{
    for (char *at = text; *at; at++) {
        if (!minus_word(text, at)) continue;
        char *end = at + 1;
        while (*end && !isspace((unsigned char)*end)) end++;
        char held = *end;
        *end = 0;
        bool good = append(list, at + 1, -weight);
        *end = held;
        if (!good) return false;
        memset(at, ' ', (size_t)(end - at));
    }
    return true;
}

static bool blank(const char *text)
{
    while (isspace((unsigned char)*text)) text++;
    return !*text;
}

int query_texts_add(query_texts *list, const char *argument)
{
    float weight;
    char *text = strdup(argument);
    if (!text) return fail("out of memory");
    int result = take_weight(text, &weight);
    if (result == 0) {
        size_t before = list->count;
        bool good = take_negatives(list, text, weight);
        unescape(text);
        if (good && (!blank(text) || list->count == before)) good = append(list, text, weight);
        if (!good) result = fail("out of memory");
    }
    free(text);
    return result;
}
