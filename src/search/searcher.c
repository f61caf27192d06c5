/* The shared part of searches (searcher.h). Opening a lexicon and asking WordNet would cost more than a search, so both
 * are done once; what grows with the words asked for has a limit. */
#include "search/searcher.h"
#include "gallery/segment_write.h"
#include "text/language.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Limits of what is kept. A lexicon also keeps a little for every text read. */
enum { MOST_READS = 20000, MOST_WORDS = 256, FEWEST_WORDS = 8 };
static const size_t column_bytes = (size_t)256 << 20;

static void summarise_block(const mask__segment *s, size_t block, mask__block_range *range,
                            mask__image_columns *columns)
{
    size_t first = block * MASK__BLOCK, count = s->images - first < MASK__BLOCK ? s->images - first : MASK__BLOCK;
    const float *deviation = s->image_deviation + first, *hub = s->image_hub + first;
    float both[MASK__BLOCK];
    mask__block_range r = {INFINITY, -INFINITY, INFINITY, -INFINITY};
    for (size_t i = 0; i < count; i++) {
        r.least_deviation = fminf(r.least_deviation, deviation[i]);
        r.most_deviation = fmaxf(r.most_deviation, deviation[i]);
        r.least_hub = fminf(r.least_hub, hub[i]);
        r.most_hub = fmaxf(r.most_hub, hub[i]);
        both[i] = deviation[i] * hub[i];
    }
    *range = r;
    columns->steps[0][block] = mask__quantise(deviation, count, columns->codes[0] + first);
    columns->steps[1][block] = mask__quantise(both, count, columns->codes[1] + first);
}

static bool summarise(const mask__segment *s, mask__block_range **ranges, mask__image_columns *columns,
                      mask__arena *arena)
{
    *ranges = mask__arena_alloc(arena, s->blocks, sizeof **ranges);
    for (size_t c = 0; c < 2; c++) {
        columns->codes[c] = mask__arena_alloc(arena, mask__segment_stride(s), sizeof *columns->codes[c]);
        columns->steps[c] = mask__arena_alloc(arena, s->blocks, sizeof *columns->steps[c]);
    }
    if (arena->lost) return false;
    for (size_t b = 0; b < s->blocks; b++) summarise_block(s, b, &(*ranges)[b], columns);
    return true;
}

mask_status mask__searcher_open(mask__view *view, mask_error *err)
{
    size_t segments = view->snapshot.segment_count, bytes = 1;
    mask__searcher *s = calloc(1, sizeof *s);
    if (!s) return mask__no_memory(err, "a gallery");
    if (pthread_mutex_init(&s->lock, NULL) != 0) {
        free(s);
        return mask__no_memory(err, "a gallery");
    }
    view->searcher = s;
    s->ranges = mask__arena_alloc(&s->arena, segments, sizeof *s->ranges);
    s->images = mask__arena_alloc(&s->arena, segments, sizeof *s->images);
    bool made = s->ranges && s->images;
    for (size_t i = 0; made && i < segments; i++) {
        bytes += mask__segment_stride(&view->segments[i]) * 2 * sizeof(float);
        made = summarise(&view->segments[i], &s->ranges[i], &s->images[i], &s->arena);
    }
    s->word_limit = column_bytes / bytes;
    if (s->word_limit < FEWEST_WORDS) s->word_limit = FEWEST_WORDS;
    if (s->word_limit > MOST_WORDS) s->word_limit = MOST_WORDS;
    if (made) return MASK_OK;
    mask__searcher_close(view);
    return mask__no_memory(err, "a gallery");
}

void mask__searcher_close(mask__view *view)
{
    mask__searcher *s = view->searcher;
    if (!s) return;
    for (size_t i = 0; i < s->word_count; i++) mask__ood_word_free(s->words[i]);
    free(s->words);
    mask__lexicon_close(&s->lexicon);
    mask__arena_free(&s->arena);
    pthread_mutex_destroy(&s->lock);
    free(s);
    view->searcher = NULL;
}

/* The lexicon for these vectors. Another handle of the same vectors is another lexicon; OOD words stay true. */
static mask_status ready_lexicon(const mask__view *view, const mask_vectors *vectors, mask_error *err)
{
    mask__searcher *s = view->searcher;
    if (s->open && s->lexicon.vectors == vectors && s->reads++ < MOST_READS)
        return vectors ? mask__knowledge_check_vectors(view->knowledge, vectors, err) : MASK_OK;
    mask__lexicon_close(&s->lexicon);
    s->reads = 0;
    mask_status status = mask__lexicon_open(&s->lexicon, view->knowledge, vectors, err);
    s->open = status == MASK_OK;
    if (!s->open) mask__lexicon_close(&s->lexicon);
    return status;
}

/* Drops the word that nobody holds and that was used longest ago, where there are too many. */
static void drop_word(mask__searcher *s)
{
    size_t oldest = SIZE_MAX;
    if (s->word_count < s->word_limit) return;
    for (size_t i = 0; i < s->word_count; i++)
        if (s->words[i]->users == 0 && (oldest == SIZE_MAX || s->words[i]->used < s->words[oldest]->used)) oldest = i;
    if (oldest == SIZE_MAX) return;
    mask__ood_word_free(s->words[oldest]);
    s->words[oldest] = s->words[--s->word_count];
}

/* The OOD word that is `term` of the lexicon, held. */
static mask_status hold_word(const mask__view *view, uint32_t term, mask__ood_word **out, mask_error *err)
{
    mask__searcher *s = view->searcher;
    size_t length;
    const char *name = mask__strings_get(&s->lexicon.names, term, &length);
    *out = NULL;
    for (size_t i = 0; !*out && i < s->word_count; i++)
        if (s->words[i]->length == length && memcmp(s->words[i]->name, name, length) == 0) *out = s->words[i];
    if (!*out) {
        drop_word(s);
        MASK__TRY(mask__room(&s->words, &s->word_capacity, s->word_count + 1, sizeof *s->words, "a word", err));
        MASK__TRY(mask__ood_word_make(out, view, &s->lexicon, term, err));
        s->words[s->word_count++] = *out;
    }
    (*out)->users++;
    (*out)->used = ++s->clock;
    return MASK_OK;
}

static void release(const mask__text_term *terms, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (terms[i].ood) terms[i].ood->users--;
}

void mask__searcher_release(const mask__view *view, const mask__text_term *terms, size_t count)
{
    pthread_mutex_lock(&view->searcher->lock);
    release(terms, count);
    pthread_mutex_unlock(&view->searcher->lock);
}

/* One token's fate, copied out of the lexicon; a term when it is one. */
static mask_status copy_word(const mask__view *view, const mask__resolution *r, mask__arena *arena, mask_word *word,
                             mask__text_term *terms, size_t *count, mask_error *err)
{
    const mask__lexicon *lexicon = &view->searcher->lexicon;
    if (r->term == MASK__NO_TERM) return mask__lexicon_word(word, lexicon, r, 0, NULL, 0, arena, err);
    mask__text_term term = {.known = lexicon->terms[r->term].known};
    if (term.known == MASK__NOT_FOUND) MASK__TRY(hold_word(view, r->term, &term.ood, err));
    terms[(*count)++] = term;
    return term.ood ? mask__lexicon_word(word, lexicon, r, term.ood->weight, term.ood->neighbours.items,
                                         term.ood->neighbours.m, arena, err)
                    : mask__lexicon_word(word, lexicon, r, 1, NULL, 0, arena, err);
}

static mask_status read_text(const mask__view *view, const mask_vectors *vectors, const char *text, mask__arena *arena,
                             mask_reading *reading, mask__text_term **terms, size_t *count, mask_error *err)
{
    const mask__resolution **items;
    size_t words;
    MASK__TRY(ready_lexicon(view, vectors, err));
    MASK__TRY(mask__lexicon_read(&view->searcher->lexicon, text, &items, &words, err));
    mask_word *copies = mask__arena_alloc(arena, words, sizeof *copies);
    *terms = mask__arena_alloc(arena, words, sizeof **terms);
    if (!copies || !*terms) return mask__no_memory(err, "a reading");
    *reading =
        (mask_reading){.words = copies, .count = words, .language = mask__language(&view->searcher->lexicon.tokens)};
    for (size_t i = 0; i < words; i++) {
        size_t before = *count;
        MASK__TRY(copy_word(view, items[i], arena, &copies[i], *terms, count, err));
        if (*count > before) (*terms)[before].word = i;
    }
    return MASK_OK;
}

mask_status mask__searcher_read(const mask__view *view, const mask_vectors *vectors, const char *text,
                                mask__arena *arena, mask_reading *reading, mask__text_term **terms, size_t *count,
                                mask_error *err)
{
    const mask_match_options *o = &view->options;
    *count = 0;
    *terms = NULL;
    if (o->ood == MASK_OOD_OFF) vectors = NULL;
    else if (!vectors)
        return mask__fail(err, MASK_EINVAL, "%s: out-of-knowledge words need the word vectors of its knowledge (%s)",
                          view->path, view->knowledge->info.vectors_path);
    pthread_mutex_lock(&view->searcher->lock);
    mask_status status = read_text(view, vectors, text, arena, reading, terms, count, err);
    if (status != MASK_OK) {
        release(*terms, *count);
        *count = 0;
        if (status == MASK_ENOMEM) view->searcher->open = false; /* the lexicon may hold half a word */
    }
    pthread_mutex_unlock(&view->searcher->lock);
    return status;
}
