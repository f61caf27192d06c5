/* Queries as linear functions of columns (queryplan.h).
 *
 * Why the bounds are certain. For a word with a column the segment promises |c - (low + q step)| <= step / 2 + slack;
 * for an OOD word low <= c <= high (oodwords.c). Both are linear in c with coefficients of known sign, D(i) > 0, and
 * every rounding of the sums here is at most MASK__ROUNDING times the largest value a partial sum can have, which
 * `magnitude` bounds for the block; `margin` collects them. Texts of opposite weights may cancel each other, to the
 * last bit or nearly: roundings are measured by the sizes before that, since what is left says nothing about them. The
 * score itself is a sum of the same products in double. */
#include "search/queryplan.h"
#include "search/scan.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- From texts ---- */

/* Where segments have its scores. */
static uint32_t column_of(const mask__text_term *term)
{
    return term->ood ? term->ood->column : term->known;
}

/* The distinct terms of all texts: those with a column first. */
static void collect_terms(mask__plan *p)
{
    for (size_t t = 0; t < p->reading_count; t++)
        for (size_t i = 0; i < p->held_count[t]; i++) {
            const mask__text_term *term = &p->held[t][i];
            size_t at = 0;
            if (column_of(term) == MASK__NO_TERM) {
                while (at < p->ood && p->ood_words[at] != term->ood) at++;
                if (at == p->ood) p->ood_words[p->ood++] = term->ood;
            } else {
                while (at < p->known && p->words[at] != column_of(term)) at++;
                if (at == p->known) p->words[p->known++] = column_of(term);
            }
        }
}

static size_t find_term(const mask__plan *p, const mask__text_term *term)
{
    size_t at = 0;
    if (column_of(term) == MASK__NO_TERM) {
        while (p->ood_words[at] != term->ood) at++;
        return p->known + at;
    }
    while (p->words[at] != column_of(term)) at++;
    return at;
}

static int by_address(const void *a, const void *b)
{
    uintptr_t x, y;
    memcpy(&x, a, sizeof x);
    memcpy(&y, b, sizeof y);
    return (x > y) - (x < y);
}

static float weight_of(const mask__text_term *t)
{
    return t->ood ? t->ood->weight : 1;
}

/* Shares and statistics of a text; nothing for a text that says nothing. */
static mask_status add_text(mask__plan *p, const mask_query *query, size_t text, mask_error *err)
{
    const mask__calibration *calibration = p->view->calibration;
    const mask__text_term *terms = p->held[text];
    size_t count = p->held_count[text];
    double total = 0; /* 0 where OOD words weigh nothing */
    for (size_t i = 0; i < count; i++) total += (double)weight_of(&terms[i]);
    if (count == 0) return MASK_OK;
    mask__plan_text *t = &p->texts[p->text_count++];
    *t = (mask__plan_text){.weight = (double)query->texts[text].weight, .first = p->part_count, .count = count};
    const float **over_b = mask__arena_alloc(&p->arena, count, sizeof *over_b);
    float *weights = mask__arena_alloc(&p->arena, count, sizeof *weights);
    uint32_t *places = mask__arena_alloc(&p->arena, count, sizeof *places);
    if (p->arena.lost) return mask__no_memory(err, "a query");
    for (size_t i = 0; i < count; i++) {
        const mask__scored_terms *from = terms[i].ood ? &terms[i].ood->scored : &calibration->known;
        size_t row = terms[i].ood ? 0 : terms[i].known;
        over_b[i] = from->over_b ? from->over_b + row * calibration->background : NULL;
        weights[i] = weight_of(&terms[i]);
        places[i] = terms[i].ood ? terms[i].ood->place : terms[i].known;
        p->parts[p->part_count++] = (mask__plan_part){.term = find_term(p, &terms[i]),
                                                      .word = terms[i].word,
                                                      .text = text,
                                                      .share = total > 0 ? (double)weights[i] / total : 0};
    }
    MASK__TRY(mask__calibration_text(calibration, over_b, weights, count, &t->statistics, err));
    return mask__calibration_offset(calibration, over_b, weights, places, count, &t->statistics, &t->offset, err);
}

static void sum_coefficients(mask__plan *p)
{
    for (size_t t = 0; t < p->text_count; t++) {
        const mask__plan_text *text = &p->texts[t];
        double scale = text->weight / (double)text->statistics.deviation;
        for (size_t i = text->first; i < text->first + text->count; i++) {
            p->coefficients[p->parts[i].term] += scale * p->parts[i].share;
            p->sizes[p->parts[i].term] += fabs(scale * p->parts[i].share);
        }
        p->mean += scale * (double)text->statistics.mean;
        p->weight += text->weight * (double)text->statistics.share;
        p->hub += text->weight * (double)text->statistics.hub;
        p->mean_size += fabs(scale * (double)text->statistics.mean);
        p->weight_size += fabs(text->weight * (double)text->statistics.share);
        p->hub_size += fabs(text->weight * (double)text->statistics.hub);
    }
}

static mask_status no_word(const mask__plan *p, const mask_query *query, mask_error *err)
{
    const mask_reading *reading = &p->readings[0];
    for (size_t i = 0; !reading->language && i < reading->count; i++)
        if (reading->words[i].suggestion_count)
            return mask__fail(err, MASK_ENOTFOUND,
                              "'%s': no word of it has a prototype or a word vector: did you mean '%s'?",
                              query->texts[0].text, reading->words[i].suggestions[0]);
    return mask__fail(err, MASK_ENOTFOUND, "'%s': no word of it has a prototype or a word vector: %s%s",
                      query->texts[0].text,
                      reading->language ? "it seems to be " : "mask words says what became of each",
                      reading->language ? reading->language : "");
}

mask_status mask__plan_open(mask__plan *p, const mask__view *view, const mask_vectors *vectors, const mask_query *query,
                            mask__arena *results, mask_error *err)
{
    size_t total = 0;
    *p = (mask__plan){.view = view};
    p->readings = mask__arena_alloc(results, query->count, sizeof *p->readings);
    p->held = mask__arena_alloc(&p->arena, query->count, sizeof *p->held);
    p->held_count = mask__arena_alloc(&p->arena, query->count, sizeof *p->held_count);
    p->texts = mask__arena_alloc(&p->arena, query->count, sizeof *p->texts);
    if (!p->readings || p->arena.lost) return mask__no_memory(err, "a query");
    for (size_t t = 0; t < query->count; t++) {
        if (!isfinite(query->texts[t].weight))
            return mask__fail(err, MASK_EINVAL, "text %zu of the query: its weight must be finite", t + 1);
        MASK__TRY(mask__searcher_read(p->view, vectors, query->texts[t].text, results, &p->readings[t], &p->held[t],
                                      &p->held_count[t], err));
        p->reading_count = t + 1;
        total += p->held_count[t];
    }
    p->parts = mask__arena_alloc(&p->arena, total, sizeof *p->parts);
    p->words = mask__arena_alloc(&p->arena, total, sizeof *p->words);
    p->ood_words = mask__arena_alloc(&p->arena, total, sizeof *p->ood_words);
    p->locked = mask__arena_alloc(&p->arena, total, sizeof *p->locked);
    p->coefficients = mask__arena_alloc(&p->arena, total, sizeof *p->coefficients);
    p->sizes = mask__arena_alloc(&p->arena, total, sizeof *p->sizes);
    if (p->arena.lost) return mask__no_memory(err, "a query");
    collect_terms(p);
    if (p->ood) memcpy(p->locked, p->ood_words, p->ood * sizeof *p->locked);
    qsort(p->locked, p->ood, sizeof *p->locked, by_address);
    for (size_t t = 0; t < query->count; t++) MASK__TRY(add_text(p, query, t, err));
    MASK__TRY(mask__likeness_make(&p->likeness, p->view, query, &p->arena, err));
    if (p->text_count == 0 && query->image_count == 0) return no_word(p, query, err);
    sum_coefficients(p);
    return MASK_OK;
}

void mask__plan_close(mask__plan *p)
{
    for (size_t t = 0; t < p->reading_count; t++) mask__searcher_release(p->view, p->held[t], p->held_count[t]);
    mask__arena_free(&p->arena);
}

mask_status mask__plan_lock(const mask__plan *p, mask_error *err)
{
    for (size_t w = 0; w < p->ood; w++) MASK__TRY(mask__ood_word_fill(p->ood_words[w], p->view, err));
    for (size_t w = 0; w < p->ood; w++) pthread_rwlock_rdlock(&p->locked[w]->lock);
    return MASK_OK;
}

void mask__plan_unlock(const mask__plan *p)
{
    for (size_t w = 0; w < p->ood; w++) pthread_rwlock_unlock(&p->locked[w]->lock);
}

/* ---- Bounds ---- */

/* Sums over the known words, block by block: contiguous in each word's steps, which lie far apart. */
static void sum_blocks(const mask__plan *p, size_t segment, size_t first, mask__block_sums *sums)
{
    const mask__segment *s = &p->view->segments[segment];
    size_t count = s->blocks - first < MASK__BLOCK_RUN ? s->blocks - first : MASK__BLOCK_RUN;
    sums->segment = segment;
    sums->first = first;
    sums->count = count;
    for (size_t b = 0; b < count; b++) {
        sums->middle[b] = -p->mean;
        sums->high[b] = sums->radius[b] = sums->magnitude[b] = 0;
    }
    for (size_t w = 0; w < p->known; w++) {
        const mask__steps *steps = s->score_steps + p->words[w] * s->blocks + first;
        double coefficient = p->coefficients[w], size = p->sizes[w], slack = (double)s->score_slack[p->words[w]];
        for (size_t b = 0; b < count; b++) {
            double low = (double)steps[b].low, span = 255 * (double)steps[b].step,
                   off = 0.5 * (double)steps[b].step + slack;
            sums->middle[b] += coefficient * low;
            sums->high[b] += coefficient > 0 ? coefficient * span : 0;
            sums->radius[b] += fabs(coefficient) * off;
            sums->magnitude[b] += size * (fabs(low) + span + off);
        }
    }
    for (size_t b = 0; b < count; b++) sums->high[b] += sums->middle[b] + sums->radius[b];
    for (size_t w = 0; w < p->ood; w++) {
        const mask__bounds *c = &p->ood_words[w]->columns[segment];
        double coefficient = p->coefficients[p->known + w], size = p->sizes[p->known + w];
        for (size_t b = 0; b < count; b++) {
            double low = (double)c->block_low[first + b], high = (double)c->block_high[first + b];
            sums->high[b] += coefficient * (coefficient > 0 ? high : low);
            sums->magnitude[b] += size * (fabs(low) + fabs(high));
        }
    }
}

/* What rounding may add to a bound of a score that is compared with `bar`. */
static double margin_of(const mask__plan *p, double magnitude, const mask__block_range *range, double bar)
{
    double terms = (double)(2 * (p->known + p->ood) + 16);
    double hub = fabs((double)range->most_hub) + fabs((double)range->least_hub);
    double size =
        (magnitude + p->mean_size) / (double)range->least_deviation + p->weight_size * hub + p->hub_size + fabs(bar);
    return terms * MASK__ROUNDING * size;
}

/* No image of the block scores above this, where L - M is at most `top`. */
static float block_bound(const mask__plan *p, const mask__block_range *range, double top, double margin)
{
    double hub = p->weight * (double)(p->weight > 0 ? range->least_hub : range->most_hub);
    top /= (double)(top > 0 ? range->least_deviation : range->most_deviation);
    return (float)(top - hub - p->hub + 2 * margin + MASK__MOST_COSINE * p->likeness.scale);
}

/* Adds the OOD words' intervals of a block to sums of upper and, where wanted, lower bounds. */
static void add_intervals(const mask__plan *p, size_t segment, size_t block, float *high, float *low)
{
    for (size_t w = 0; w < p->ood; w++) {
        const mask__bounds *c = &p->ood_words[w]->columns[segment];
        float coefficient = (float)p->coefficients[p->known + w];
        const float *up = (coefficient > 0 ? c->high : c->low) + block * MASK__BLOCK;
        const float *down = (coefficient > 0 ? c->low : c->high) + block * MASK__BLOCK;
        for (size_t i = 0; i < MASK__BLOCK; i++) high[i] += coefficient * up[i];
        for (size_t i = 0; low && i < MASK__BLOCK; i++) low[i] += coefficient * down[i];
    }
}

/* Adds the known words' codes of a block, times their steps, to sums; and two more columns of the images, where they
 * are given. What that may be off by is returned. */
static double add_codes(const mask__plan *p, size_t segment, size_t block, const mask__scan_column *more, float *sums)
{
    const mask__segment *s = &p->view->segments[segment];
    mask__scan_column columns[MASK__SCAN_COLUMNS];
    size_t ready = 0;
    double off = 0;
    if (more) columns[ready++] = more[0], columns[ready++] = more[1];
    for (size_t w = 0; w < p->known; w++) {
        uint32_t word = p->words[w];
        if (ready == MASK__SCAN_COLUMNS) {
            off += mask__scan_add(columns, ready, sums);
            ready = 0;
        }
        columns[ready++] =
            (mask__scan_column){s->score_codes + word * mask__segment_stride(s) + block * MASK__BLOCK,
                                p->coefficients[w] * (double)s->score_steps[word * s->blocks + block].step};
    }
    return off + mask__scan_add(columns, ready, sums);
}

/* Whether an image of the block may score `bar`, from codes alone: then L - M - (bar + H) D - W a h D >= 0. `most` is
 * above what L - M has beside the codes. */
static bool may_reach(const mask__plan *p, size_t segment, size_t block, size_t count, double bar, double most,
                      double margin)
{
    const mask__image_columns *images = &p->view->searcher->images[segment];
    const mask__block_range *range = &p->view->searcher->ranges[segment][block];
    const double coefficients[2] = {-(bar + p->hub), -p->weight};
    mask__scan_column columns[2];
    float sums[MASK__BLOCK] = {0}, largest = -INFINITY;
    for (size_t c = 0; c < 2; c++) {
        double low = (double)images->steps[c][block].low, step = (double)images->steps[c][block].step;
        columns[c] = (mask__scan_column){images->codes[c] + block * MASK__BLOCK, coefficients[c] * step};
        most += coefficients[c] * low +
                fabs(coefficients[c]) * (0.5 * step + 8 * MASK__ROUNDING * (fabs(low) + 256 * step));
    }
    most += add_codes(p, segment, block, columns, sums) + 2 * margin * (double)range->most_deviation;
    add_intervals(p, segment, block, sums, NULL);
#pragma omp simd reduction(max : largest)
    for (size_t i = 0; i < count; i++) largest = sums[i] > largest ? sums[i] : largest;
    return (double)largest + most >= 0;
}

/* From sums to scores; the largest. */
static float finish_bounds(const float *sums, float add, const float *deviation, const float *hub, size_t count,
                           float weight, float margin, float *bounds)
{
    float most = -INFINITY;
#pragma omp simd reduction(max : most)
    for (size_t i = 0; i < count; i++) {
        bounds[i] = (sums[i] + add) / deviation[i] - weight * hub[i] + margin;
        most = bounds[i] > most ? bounds[i] : most;
    }
    return most;
}

bool mask__plan_bounds(const mask__plan *p, size_t segment, size_t block, float bar, mask__block_sums *blocks,
                       float *upper, float *lower)
{
    const mask__block_range *range = &p->view->searcher->ranges[segment][block];
    const mask__segment *s = &p->view->segments[segment];
    size_t first = block * MASK__BLOCK;
    size_t count = s->images - first < MASK__BLOCK ? s->images - first : MASK__BLOCK;
    if (segment != blocks->segment || block - blocks->first >= blocks->count) sum_blocks(p, segment, block, blocks);
    size_t at = block - blocks->first;
    double middle = blocks->middle[at], radius = blocks->radius[at];
    double texts_bar = (double)bar - (double)MASK__MOST_COSINE * p->likeness.scale; /* what images leave to texts */
    double margin = margin_of(p, blocks->magnitude[at], range, isfinite(bar) ? texts_bar : 0);
    if (block_bound(p, range, blocks->high[at], margin) < bar) return false;
    if (isfinite(bar) && !may_reach(p, segment, block, count, texts_bar, middle + radius, margin)) return false;
    float sums[MASK__BLOCK] = {0}, lows[MASK__BLOCK];
    radius += add_codes(p, segment, block, NULL, sums);
    memcpy(lows, sums, sizeof lows);
    add_intervals(p, segment, block, sums, lows);
    const float *deviation = s->image_deviation + first, *hub = s->image_hub + first;
    float most = finish_bounds(sums, (float)(middle + radius), deviation, hub, count, (float)p->weight,
                               (float)(margin - p->hub), upper);
    if ((double)most < texts_bar) return false;
    finish_bounds(lows, (float)(middle - radius), deviation, hub, count, (float)p->weight, (float)(-margin - p->hub),
                  lower);
    mask__likeness_widen(&p->likeness, s, block, upper, lower);
    for (size_t i = count; i < MASK__BLOCK; i++) upper[i] = lower[i] = -INFINITY;
    return true;
}

/* ---- Exactly ---- */

static double text_score(const mask__plan *p, const mask__plan_text *text, size_t segment, size_t image, const float *c)
{
    const mask__segment *s = &p->view->segments[segment];
    const mask__text_statistics *of = &text->statistics;
    double sum = 0;
    for (size_t i = text->first; i < text->first + text->count; i++)
        sum += p->parts[i].share * (double)c[p->parts[i].term];
    return (sum - (double)of->mean) / (double)of->deviation / (double)s->image_deviation[image] -
           (double)of->share * (double)s->image_hub[image] - (double)of->hub;
}

float mask__plan_confidence(const mask__plan *p, size_t segment, size_t image, const float *c)
{
    double confidence = p->text_count && !(p->likeness.scale > 0) ? 1 : NAN;
    for (size_t t = 0; t < p->text_count; t++) {
        const mask__plan_text *text = &p->texts[t];
        double x = (double)p->view->options.confidence * text_score(p, text, segment, image, c) + text->offset;
        confidence *= 1 / (1 + exp(text->weight > 0 ? -x : x));
    }
    return (float)confidence;
}

double mask__plan_score(const mask__plan *p, size_t segment, size_t image, float *c, float *scratch)
{
    const mask__segment *s = &p->view->segments[segment];
    const mask__calibration *calibration = p->view->calibration;
    mask__image_vectors x = mask__segment_image(s, image, scratch);
    double score = 0;
    mask__calibration_exact(calibration, &calibration->known, p->words, p->known, x.mu, x.regions, x.whole, x.scene, c,
                            NULL, NULL);
    for (size_t w = 0; w < p->ood; w++)
        mask__calibration_exact(calibration, &p->ood_words[w]->scored, &(uint32_t){0}, 1, x.mu, x.regions, x.whole,
                                x.scene, c + p->known + w, NULL, NULL);
    for (size_t t = 0; t < p->text_count; t++)
        score += p->texts[t].weight * text_score(p, &p->texts[t], segment, image, c);
    return score + mask__likeness_score(&p->likeness, &x, s->z);
}
