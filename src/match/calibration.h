/* What a knowledge's background makes of it under one set of matching options: everything docs/matching.md takes from B
 * and T, computed once. A matcher, a gallery's build and its search all score through this.
 *
 * Without a background only `calibrate none` has one: statistics of the images at hand are scores.c's. */
#ifndef MASK_MATCH_CALIBRATION_H
#define MASK_MATCH_CALIBRATION_H

#include "match/termcolumns.h"

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

typedef struct mask__calibration {
    const mask_knowledge *knowledge;
    mask_match_options options; /* whole_region resolved: an index or MASK_WHOLE_MEAN */
    size_t z, background;       /* Z, |B| (0 = none) */
    mask__scored_terms known;   /* the K known words */
    mask__scored_terms others;  /* OOD words of T, which h(i) and D(i) need when images are indexed; none below `full`.
                                   Each of  its arrays follows that of `known` in memory: one product covers both */
    const float *scene_centre;  /* Z */
    const float *b_whole, *b_scenes;         /* |B| x Z, unit */
    const float *b_inverse_norms;            /* rows of B's regions */
    mask__text_list texts;                   /* T, for image statistics: terms below K are known, then the others */
    const uint32_t *background_terms;        /* the terms that the background's words are, MASK__NO_TERM = none */
    const float *text_mean, *text_deviation; /* of S(t, .) over B, scaled by f(t) */
    double mean_scale;                       /* mean over T of max(sum of weights, 0.3)^text_power */
    double reference_deviation;              /* mean over B of sd_T z(., b); 0 = image power is off */
    double mean_hub;                         /* mean over B of a h(b); 0 where nothing needs it */
    mask__arena arena;
    mask__pack pack; /* of mask__calibration_load: what it mapped */
} mask__calibration;

/* Refuses options that are out of their range or that the knowledge cannot serve. */
mask_status mask__match_check(const mask_match_options *options, const mask_knowledge *knowledge, mask_error *err);
/* whole_region: an index or MASK_WHOLE_MEAN. Takes seconds for a large knowledge. */
mask_status mask__calibration_open(mask__calibration *out, const mask_knowledge *knowledge,
                                   const mask_match_options *options, int whole_region, const mask_run *run,
                                   mask_error *err);
void mask__calibration_close(mask__calibration *calibration);
/* What a calibration computed, as a file that opens in a millisecond. The knowledge must have been opened from its
 * file, the same file at both times (MASK_EMISMATCH). Options come from the file. */
mask_status mask__calibration_save(const mask__calibration *calibration, const char *path, mask_error *err);
mask_status mask__calibration_load(mask__calibration *out, const mask_knowledge *knowledge, const char *path,
                                   mask__verify verify, mask_error *err);

/* What mask__calibration_open refuses of options, and the places of all terms' arrays (known first) in a calibration
 * with its counts: for the file. */
mask_status mask__calibration_check(const mask_knowledge *knowledge, const mask_match_options *options,
                                    int whole_region, mask_error *err);
mask_status mask__calibration_place(mask__calibration *calibration, mask__scored_terms all, mask_error *err);

/* ---- Images ---- */

/* The scene vectors (count x Z, unit) of images from their mean unit region and whole-image vectors (count x Z each;
 * whole NULL where the mean stands for it). */
mask_status mask__calibration_scenes(const mask__calibration *calibration, const float *mean, const float *whole,
                                     size_t count, float *out, mask_error *err);
/* h(i) times a, and D(i), of images from S of T with them (texts x count, overwritten); 0 and 1 below `full`. */
mask_status mask__calibration_image_statistics(const mask__calibration *calibration, float *scores, size_t count,
                                               float *hub, float *deviation, mask_error *err);

/* ---- Texts ---- */

/* Terms from values that mask__term_values_make made (prototypes, scenes, reliability): affines and c_w(b) from B. out
 * refers to the values' vectors; its other arrays are in `arena`. */
mask_status mask__calibration_terms(const mask__calibration *calibration, const mask__term_values *values, size_t count,
                                    mask__scored_terms *out, mask__arena *arena, mask_error *err);
/* mean, deviation (with f(t)), share and b g(t) + (1 - share) mean a h of a text from its terms' rows of over_b and
 * their weights (not normalised).
 */
typedef struct mask__text_statistics {
    float mean, deviation, share, hub; /* s(t,i) = (S(t,i) - mean) / deviation / D(i) - share a h(i) - hub */
} mask__text_statistics;
mask_status mask__calibration_text(const mask__calibration *calibration, const float *const *over_b,
                                   const float *weights, size_t terms, mask__text_statistics *out, mask_error *err);
/* The same from S(t, .) over B, which is overwritten, and the sum of the text's weights. */
mask_status mask__calibration_text_over_b(const mask__calibration *calibration, float *scores, float weights,
                                          mask__text_statistics *out, mask_error *err);

/* The probability that image i shows what text t says is 1 / (1 + exp(-(confidence s(t,i) + offset))). terms: places
 * among the calibration's (known, then others), any number for a term that T does not hold. NAN without such options.
 */
mask_status mask__calibration_offset(const mask__calibration *calibration, const float *const *over_b,
                                     const float *weights, const uint32_t *terms, size_t count,
                                     const mask__text_statistics *statistics, double *offset, mask_error *err);

/* ---- One image, exactly ---- */

/* c_w of one image for `count` terms, from its unit regions (regions x Z), whole and scene vector, in a fixed order of
 * operations: the same bits wherever the image lies and whichever other terms are asked with it. pooled (count, may be
 * NULL) = A_w, best (count, may be NULL) = the region with the largest cosine, ties to the lower. */
void mask__calibration_exact(const mask__calibration *calibration, const mask__scored_terms *terms,
                             const uint32_t *which, size_t count, const float *mu, size_t regions, const float *whole,
                             const float *scene, float *c, float *pooled, uint32_t *best);

#endif
