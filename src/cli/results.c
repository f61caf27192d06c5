#include "results.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- What became of the words ---- */

const double UNSURE = 0.05;

enum { LIKE_SHOWN = 3 };

/* Whether the word says nothing in a search, and that is worth a line: it is unknown, or dropped for more than being a
 * sign or a part of another word. */
static bool word_unused(const mask_word *word)
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

static json_t *reading_json(const mask_reading *reading)
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

/* ---- What was found ---- */

json_t *text_json(const char *text)
{
    json_t *out = json_string(text);
    if (out || !text) return out ? out : json_null();
    char *copy = strdup(text);
    for (char *at = copy; at && *at; at++)
        if (*at & 0x80) *at = '?';
    out = copy ? json_string(copy) : NULL;
    free(copy);
    return out ? out : json_null();
}

/* json_pack would read its format, and each name, for every word of every hit. */
static void put(json_t *object, const char *name, json_t *value)
{
    json_object_set_new_nocheck(object, name, value);
}

json_t *hit_json(const mask_results *r, const mask_hit *hit, bool neighbours)
{
    json_t *words = json_array(), *out = json_object();
    for (size_t w = 0; w < hit->word_count; w++) {
        const mask_hit_word *h = &hit->words[w];
        const mask_word *word = &r->readings[h->text].words[h->word];
        json_t *item = json_object();
        put(item, "word", text_json(word->word));
        put(item, "token", text_json(word->token));
        put(item, "text", json_integer((json_int_t)h->text));
        put(item, "score", json_real((double)h->score));
        put(item, "region", json_integer((json_int_t)h->region));
        put(item, "cosine", json_real((double)h->cosine));
        put(item, "box", h->has_box ? box_json(h->box) : json_null());
        if (neighbours && word->kind == MASK_WORD_OOD) put(item, "neighbours", neighbours_json(word));
        json_array_append_new(words, item);
    }
    put(out, "id", text_json(hit->id));
    put(out, "score", json_real(hit->score));
    put(out, "confidence", isfinite(hit->confidence) ? json_real((double)hit->confidence) : json_null());
    put(out, "words", words);
    return out;
}

json_t *item_json(const mask_results *r, const mask_hit *hit)
{
    const char *file = hit->name ? strrchr(hit->name, '/') : NULL;
    json_t *out = hit_json(r, hit, false);
    json_object_set_new(out, "file", text_json(file ? file + 1 : hit->name));
    json_object_set_new(out, "width", json_integer((json_int_t)hit->width));
    json_object_set_new(out, "height", json_integer((json_int_t)hit->height));
    return out;
}

json_t *found_json(const mask_results *r, const mask_query *q,
                   json_t *(*each)(void *user, const mask_results *results, const mask_hit *hit), void *user)
{
    json_t *items = json_array();
    bool rated = r->count && isfinite(r->hits[0].confidence), more = r->count == q->k && q->offset + q->k < r->searched;
    for (size_t i = 0; i < r->count; i++) json_array_append_new(items, each(user, r, &r->hits[i]));
    json_t *readings = readings_json(r);
    for (size_t i = 0; i < q->count; i++)
        json_object_set_new(json_array_get(readings, i), "weight", json_real((double)q->texts[i].weight));
    return json_pack("{s:I, s:o, s:o, s:o, s:o, s:f}", "total", (json_int_t)r->searched, "items", items, "readings",
                     readings, "sure", rated ? json_boolean(!nothing_sure(r)) : json_null(), "next_offset",
                     more ? json_integer((json_int_t)(q->offset + q->k)) : json_null(), "seconds", r->seconds);
}
