/* From a score to the probability that the image shows what the text says, without a caption: as large a share of B's
 * images must show it as of T's texts say it (docs/matching.md). */
#include "match/calibration.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const double unseen = 0.3;      /* texts that a word counts for beyond those that hold it */
static const double several_words = 1; /* what a text of several words loses of its words' mean log share */
enum { STEPS = 12 };

static bool holds(const mask__calibration *c, size_t text, uint32_t term)
{
    for (uint64_t i = c->texts.at[text]; i < c->texts.at[text + 1]; i++)
        if (c->texts.terms[i] == term) return true;
    return false;
}

/* The next place from `at` on among all texts' terms that holds the term; their end where none does. */
static uint64_t find(const mask__calibration *c, uint32_t term, uint64_t at)
{
    enum { AT_ONCE = 64 };
    uint64_t end = c->texts.at[c->texts.count];
    for (unsigned any = 0; at + AT_ONCE <= end; at += AT_ONCE) {
        for (size_t i = 0; i < AT_ONCE; i++) any |= c->texts.terms[at + i] == term;
        if (any) break;
    }
    while (at < end && c->texts.terms[at] != term) at++;
    return at;
}

/* The text of a place. */
static size_t text_at(const mask__calibration *c, uint64_t place)
{
    size_t low = 0, high = c->texts.count;
    while (high - low > 1) {
        size_t middle = (low + high) / 2;
        if (c->texts.at[middle] <= place) low = middle;
        else high = middle;
    }
    return low;
}

/* The share of texts that say what the terms do: all of them in one text, or, as T knows few of the things that can be
 * said, a little less than the mean of their logarithms. */
static double share_of(const mask__calibration *c, const uint32_t *terms, size_t count)
{
    double logs = 0, all = 0;
    for (size_t i = 0; i < count; i++) {
        size_t texts = 0, t = 0;
        for (uint64_t at = 0; (at = find(c, terms[i], at)) < c->texts.at[c->texts.count]; at = c->texts.at[t + 1]) {
            size_t with = 0;
            t = text_at(c, at);
            texts++;
            while (i == 0 && with < count && holds(c, t, terms[with])) with++;
            all += with == count;
        }
        logs += log(((double)texts + unseen) / (double)c->texts.count) / (double)count;
    }
    return fmin(0.5, fmax((all + unseen) / (double)c->texts.count, exp(logs - (count > 1 ? several_words : 0))));
}

/* The offset at which the mean over B of the probability is `share`: by Newton on its logarithm. */
static double solve(const float *scores, size_t count, double slope, double share)
{
    double offset = log(share);
    for (int step = 0; step < STEPS; step++) {
        double sum = 0, steep = 1e-12;
        for (size_t i = 0; i < count; i++) {
            double p = 1 / (1 + exp(-(slope * (double)scores[i] + offset)));
            sum += p;
            steep += p * (1 - p);
        }
        double by = (log(share * (double)count) - log(sum)) * sum / steep;
        offset += fmax(-3, fmin(3, by));
        if (fabs(by) < 1e-6) break;
    }
    return offset;
}

mask_status mask__calibration_offset(const mask__calibration *c, const float *const *over_b, const float *weights,
                                     const uint32_t *terms, size_t count, const mask__text_statistics *s,
                                     double *offset, mask_error *err)
{
    const mask_match_options *o = &c->options;
    *offset = NAN;
    if (!(o->confidence > 0) || o->calibrate < MASK_CALIBRATE_FULL || !c->texts.count) return MASK_OK;
    float total = 0, *scores = calloc(c->background + 1, sizeof *scores);
    if (!scores) return mask__no_memory(err, "text statistics");
    for (size_t w = 0; w < count; w++) total += weights[w];
    for (size_t w = 0; total > 0 && w < count; w++) mask__axpy(weights[w] / total, over_b[w], scores, c->background);
    for (size_t i = 0; i < c->background; i++)
        scores[i] = (scores[i] - s->mean) / s->deviation - s->share * (float)c->mean_hub - s->hub;
    *offset = solve(scores, c->background, (double)o->confidence, share_of(c, terms, count));
    free(scores);
    return MASK_OK;
}
