/* A knowledge under one set of matching options, before any image of a gallery is seen: everything docs/matching.md
 * takes from B and T. The matcher (eval, score), the gallery's build and its search all score through this, so they
 * agree.
 *
 * Without a background only `calibrate none` can be scored: statistics of the gallery itself would change with it. */
#ifndef MASK_MATCH_SCORER_H
#define MASK_MATCH_SCORER_H

#include "knowledge/lexicon.h"
#include "match/columns.h"
#include "match/statistics.h"

/* Terms: unit prototypes and how their columns become c_w(i):
 *   c_w(i) = pooled(A_w(i)) + whole(G_w(i)) + scene(H_w(i)), each x -> (x - mean) * scale; reliability, context and
 * scene weights are in the scales. */
typedef struct mask__scored_terms {
    size_t count;
    const float *prototypes; /* count x Z, unit */
    const float *scenes;     /* count x Z, unit; NULL without scenes */
    const mask__affine *pooled, *whole, *scene;
    const float *over_b; /* count x |B|: c_w(b); NULL without statistics */
} mask__scored_terms;

typedef struct mask__scorer {
    const mask_knowledge *knowledge;
    mask_match_options options; /* whole_region resolved: an index or MASK_WHOLE_MEAN */
    size_t z, background;       /* Z, |B| (0 = none) */
    mask__scored_terms known;   /* the K known words */
    mask__scored_terms others;  /* OOD words of T, which h(i) and D(i) need when images are indexed; none below `full`.
                                   Each of  its arrays follows that of `known` in memory: one product covers both */
    const float *scene_centre;  /* Z */
    const float *b_whole, *b_scenes; /* |B| x Z, unit */
    const float *b_inverse_norms;    /* rows of B's regions */
    /* T, for image statistics: text t has terms text_terms[text_at[t]] .. (below K: known, else others), */
    size_t texts;
    const uint64_t *text_at;
    const uint32_t *text_terms;
    const float *text_weights;               /* their shares, which sum to 1 a text */
    const float *text_mean, *text_deviation; /* of S(t, .) over B, scaled by f(t) */
    double mean_scale;                       /* mean over T of max(sum of weights, 0.3)^text_power */
    double reference_deviation;              /* mean over B of sd_T z(., b); 0 = image power is off */
    mask__arena arena;
    mask__pack pack; /* of mask__scorer_load: what it mapped */
} mask__scorer;

/* options->pool must be max-mean or mean. whole_region: an index or MASK_WHOLE_MEAN. Takes seconds for a large
 * knowledge. */
mask_status mask__scorer_open(mask__scorer *out, const mask_knowledge *knowledge, const mask_match_options *options,
                              int whole_region, const mask_run *run, mask_error *err);
void mask__scorer_close(mask__scorer *scorer);
/* What a scorer computed, as a file that opens in a millisecond. The knowledge must have been opened from its file, the
 * same file at both times (MASK_EMISMATCH). Options come from the file. */
mask_status mask__scorer_save(const mask__scorer *scorer, const char *path, mask_error *err);
mask_status mask__scorer_load(mask__scorer *out, const mask_knowledge *knowledge, const char *path, mask__verify verify,
                              mask_error *err);

/* What mask__scorer_open refuses of options, and the places of all terms' arrays (known first) in a scorer with its
 * counts: for the file. */
mask_status mask__scorer_check(const mask_knowledge *knowledge, const mask_match_options *options, int whole_region,
                               mask_error *err);
void mask__scorer_place(mask__scorer *scorer, mask__scored_terms all);

/* ---- Images (indexing) ---- */

/* The scene vectors (count x Z, unit) of images from their mean unit region and whole-image vectors (count x Z each;
 * whole NULL where the mean stands for it). */
mask_status mask__scorer_scenes(const mask__scorer *scorer, const float *mean, const float *whole, size_t count,
                                float *out, mask_error *err);
/* h(i) times a, and D(i), of images from c_w(i) of all terms, known then others: columns[term * count + i]. */
mask_status mask__scorer_image_statistics(const mask__scorer *scorer, const float *columns, size_t count, float *hub,
                                          float *deviation, mask_error *err);

/* ---- Texts (searching) ---- */

/* OOD terms from values that mask__lexicon_values made (prototypes, scenes, reliability): affines and c_w(b) from B.
 * Few words, so about a millisecond a word. out's arrays are in `arena`. */
mask_status mask__scorer_terms(const mask__scorer *scorer, const mask__term_values *values, size_t first, size_t count,
                               mask__scored_terms *out, mask__arena *arena, mask_error *err);
/* mean, deviation (with f(t)) and b g(t) of a text from its terms' rows of over_b and their weights (not normalised).
 */
typedef struct mask__text_statistics {
    float mean, deviation, hub; /* s(t,i) = (S(t,i) - mean) / deviation / D(i) - a h(i) - hub */
} mask__text_statistics;
mask_status mask__scorer_text(const mask__scorer *scorer, const float *const *over_b, const float *weights,
                              size_t terms, mask__text_statistics *out, mask_error *err);

/* ---- One image, exactly ---- */

/* c_w of one image for `count` terms, from its unit regions (regions x Z), whole and scene vector, in a fixed order of
 * operations: the same bits wherever the image lies and whichever other terms are asked with it. pooled (count, may be
 * NULL) = A_w, best (count, may be NULL) = the region with the largest cosine, ties to the lower. */
void mask__scorer_exact(const mask__scorer *scorer, const mask__scored_terms *terms, const uint32_t *which,
                        size_t count, const float *mu, size_t regions, const float *whole, const float *scene, float *c,
                        float *pooled, uint32_t *best);

#endif
