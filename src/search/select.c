/* Threshold, candidates, exact rescoring, order (select.h). */
#include "search/select.h"
#include "base/heap.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_BATCH = 16, LAST_BATCH = MASK__MOST_RESCORED };

void mask__selection_open(mask__selection *s, size_t want, float least)
{
    *s = (mask__selection){.want = want, .least = least};
}

void mask__selection_close(mask__selection *s)
{
    free(s->lowers);
    free(s->candidates);
    *s = (mask__selection){0};
}

float mask__selection_bar(const mask__selection *s)
{
    return s->want && s->lower_count == s->want && s->lowers[0] > s->least ? s->lowers[0] : s->least;
}

static bool less(const float *a, const float *b)
{
    return *a < *b;
}

MASK__HEAP(sink_lower, float, less)

static void raise_lower(float *heap, size_t at)
{
    while (at > 0 && heap[at] < heap[(at - 1) / 2]) {
        float t = heap[at];
        heap[at] = heap[(at - 1) / 2];
        heap[(at - 1) / 2] = t;
        at = (at - 1) / 2;
    }
}

static void add_lower(mask__selection *s, float lower)
{
    if (s->lower_count == s->want) {
        if (!(lower > s->lowers[0])) return;
        s->lowers[0] = lower;
        sink_lower(s->lowers, s->want, 0);
    } else if (mask__grow(&s->lowers, &s->lower_capacity, s->lower_count + 1, sizeof *s->lowers)) {
        s->lowers[s->lower_count] = lower;
        raise_lower(s->lowers, s->lower_count++);
    } else {
        s->short_of_memory = true;
    }
}

void mask__selection_offer(mask__selection *s, size_t segment, size_t block, size_t images, const uint64_t *pass,
                           const float *upper, const float *lower)
{
    size_t first = block * MASK__BLOCK, count = images - first < MASK__BLOCK ? images - first : MASK__BLOCK;
    float bar = mask__selection_bar(s), best = -INFINITY;
#pragma omp simd reduction(max : best)
    for (size_t i = 0; i < MASK__BLOCK; i++) best = upper[i] > best ? upper[i] : best;
    if (s->want == 0 || best < bar) return;
    for (size_t i = 0; i < count; i++) {
        size_t image = first + i;
        if (upper[i] < bar || !(pass[image / 64] >> image % 64 & 1)) continue;
        if (!mask__grow(&s->candidates, &s->capacity, s->count + 1, sizeof *s->candidates)) {
            s->short_of_memory = true;
            return;
        }
        s->candidates[s->count++] = (mask__candidate){upper[i], (uint32_t)segment, (uint32_t)image};
        add_lower(s, lower[i]);
        bar = mask__selection_bar(s);
    }
}

/* ---- Exactly ---- */

/* Whether a is looked at before b: any fixed order of equal bounds will do. */
static bool before(const mask__candidate *a, const mask__candidate *b)
{
    if (a->upper != b->upper) return a->upper > b->upper;
    return a->segment != b->segment ? a->segment < b->segment : a->image < b->image;
}

MASK__HEAP(sink_candidate, mask__candidate, before)

static bool better(const mask__scored *a, const mask__scored *b)
{
    if (a->score != b->score) return a->score > b->score;
    return strcmp(a->id, b->id) < 0;
}

static int by_score(const void *a, const void *b)
{
    return better(a, b) ? -1 : better(b, a) ? 1 : 0;
}

static bool worse(const mask__scored *a, const mask__scored *b)
{
    return better(b, a);
}

MASK__HEAP(sink_scored, mask__scored, worse)

static void keep_best(mask__scored *best, size_t *found, size_t want, mask__scored item)
{
    if (*found < want) {
        best[(*found)++] = item;
        if (*found == want)
            for (size_t i = want / 2; i-- > 0;) sink_scored(best, want, i);
    } else if (better(&item, &best[0])) {
        best[0] = item;
        sink_scored(best, want, 0);
    }
}

/* All candidates of the parts that may still matter, as one heap. The k largest lower bounds of all images are among
 * those of the parts, whatever each part saw first. */
static mask__candidate *gather(mask__selection *parts, size_t part_count, mask__arena *arena, size_t *count)
{
    size_t all = 0;
    for (size_t p = 0; p < part_count; p++) {
        for (size_t i = 0; p > 0 && i < parts[p].lower_count; i++) add_lower(&parts[0], parts[p].lowers[i]);
        all += parts[p].count;
    }
    float bar = mask__selection_bar(&parts[0]);
    mask__candidate *heap = mask__arena_alloc(arena, all, sizeof *heap);
    *count = 0;
    for (size_t p = 0; heap && p < part_count; p++)
        for (size_t i = 0; i < parts[p].count; i++)
            if (parts[p].candidates[i].upper >= bar) heap[(*count)++] = parts[p].candidates[i];
    for (size_t i = *count / 2; heap && i-- > 0;) sink_candidate(heap, *count, i);
    return heap;
}

mask_status mask__selection_finish(mask__selection *parts, size_t part_count, const mask__snapshot *snapshot,
                                   mask__rescorer *rescore, void *context, mask__arena *arena, mask__scored **out,
                                   size_t *found, size_t *rescored, mask_error *err)
{
    mask__candidate batch[LAST_BATCH];
    double scores[LAST_BATCH];
    size_t want = parts[0].want, left, take = FIRST_BATCH;
    for (size_t p = 0; p < part_count; p++)
        if (parts[p].short_of_memory) return mask__no_memory(err, "a search");
    mask__candidate *heap = gather(parts, part_count, arena, &left);
    mask__scored *best = mask__arena_alloc(arena, want < left ? want : left, sizeof *best);
    if (!heap || !best) return mask__no_memory(err, "a search");
    *found = *rescored = 0;
    if (want > left) want = left;
    for (bool ended = want == 0; !ended;) {
        size_t count = 0;
        while (count < take && left > 0) {
            if (*found == want && (double)heap[0].upper < best[0].score) break;
            batch[count++] = heap[0];
            heap[0] = heap[--left];
            sink_candidate(heap, left, 0);
        }
        ended = count < take;
        rescore(context, batch, count, scores);
        *rescored += count;
        for (size_t i = 0; i < count; i++) {
            const char *id = snapshot->segments[batch[i].segment].ids[batch[i].image];
            mask__scored item = {scores[i], batch[i].segment, batch[i].image, id};
            if (item.score >= (double)parts[0].least) keep_best(best, found, want, item);
        }
        if (take < LAST_BATCH) take *= 2;
    }
    qsort(best, *found, sizeof *best, by_score);
    *out = best;
    return MASK_OK;
}
