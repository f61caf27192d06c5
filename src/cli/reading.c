#include "reading.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

const double UNSURE = 0.05;

enum { LIKE_SHOWN = 3 };

bool word_unused(const mask_word *word)
{
    if (word->kind == MASK_WORD_UNKNOWN) return true;
    return word->kind == MASK_WORD_DROPPED && strcmp(word->reason, "no letter") &&
           strcmp(word->reason, "part of what follows");
}

bool nothing_sure(const mask_results *results)
{
    return results->count > 0 && (double)results->hits[0].confidence < UNSURE;
}

static void print_unused_word(const mask_word *word)
{
    fprintf(stderr, "%s (%s", word->token, *word->reason ? word->reason : "unknown");
    for (size_t i = 0; i < word->suggestion_count; i++)
        fprintf(stderr, "%s %s", i ? "," : "; did you mean", word->suggestions[i]);
    fprintf(stderr, "%s)", word->suggestion_count ? "?" : "");
}

static void print_guessed_word(const mask_word *word)
{
    fprintf(stderr, "%s (", word->token);
    for (size_t i = 0; i < word->neighbour_count && i < LIKE_SHOWN; i++)
        fprintf(stderr, "%s%s", i ? ", " : "", word->neighbours[i].word);
    fprintf(stderr, ")");
}

void print_unused(const mask_results *results)
{
    for (size_t t = 0; t < results->reading_count; t++) {
        const mask_reading *reading = &results->readings[t];
        size_t unused = 0, guessed = 0;
        if (reading->language)
            fprintf(stderr, "the text seems to be %s: the words known here are English\n", reading->language);
        for (size_t w = 0; w < reading->count; w++) {
            if (!word_unused(&reading->words[w])) continue;
            fprintf(stderr, "%s", unused++ ? ", " : "not used: ");
            print_unused_word(&reading->words[w]);
        }
        if (unused) fprintf(stderr, "\n");
        for (size_t w = 0; w < reading->count; w++) {
            if (reading->words[w].kind != MASK_WORD_OOD) continue;
            fprintf(stderr, "%s", guessed++ ? ", " : "in no label, taken to look like others: ");
            print_guessed_word(&reading->words[w]);
        }
        if (guessed) fprintf(stderr, "\n");
    }
}

json_t *word_json(const mask_word *w)
{
    static const char *const kinds[] = {"known", "ood", "dropped", "unknown"};
    json_t *suggestions = json_array();
    for (size_t i = 0; i < w->suggestion_count; i++) json_array_append_new(suggestions, json_string(w->suggestions[i]));
    return json_pack("{s:s, s:s, s:s, s:s, s:I, s:f, s:o, s:o}", "token", w->token, "word", w->word, "kind",
                     kinds[w->kind], "reason", w->reason, "count", (json_int_t)w->count, "weight", (double)w->weight,
                     "neighbours", neighbours_json(w), "suggestions", suggestions);
}

json_t *reading_json(const mask_reading *reading)
{
    json_t *words = json_array();
    for (size_t i = 0; i < reading->count; i++) json_array_append_new(words, word_json(&reading->words[i]));
    return json_pack("{s:o, s:s?}", "words", words, "language", reading->language);
}

json_t *readings_json(const mask_results *results)
{
    json_t *out = json_array();
    for (size_t i = 0; i < results->reading_count; i++) json_array_append_new(out, reading_json(&results->readings[i]));
    return out;
}

json_t *unused_json(const mask_results *results)
{
    json_t *out = json_array();
    for (size_t t = 0; t < results->reading_count; t++)
        for (size_t w = 0; w < results->readings[t].count; w++)
            if (word_unused(&results->readings[t].words[w]))
                json_array_append_new(out, word_json(&results->readings[t].words[w]));
    return out;
}
