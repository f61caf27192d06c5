/* The columns of a set of terms over a set of images, pooled, of the whole image and of the scene, their sum c_w(i),
 * and S(t,i) of texts: docs/matching.md, "Columns" and "From columns to scores". */
#ifndef MASK_MATCH_TERMCOLUMNS_H
#define MASK_MATCH_TERMCOLUMNS_H

#include "knowledge/lexicon.h"
#include "match/columns.h"
#include "match/statistics.h"

/* What columns are made with. */
typedef struct mask__column_maker {
    const mask_knowledge *knowledge;
    const mask_match_options *options;
    int whole_region; /* an index or MASK_WHOLE_MEAN */
    size_t terms;
    mask__word_rows prototypes, scenes; /* terms x Z in all */
    const float *reliability;           /* terms; of mask__affines_find */
    mask__arena *arena;                 /* of what is made */
    mask__column_times *times;
    const mask_run *run;
} mask__column_maker;

/* Columns, terms x count each: pooled; of the whole image and of the scene (NULL without). */
typedef struct mask__term_columns {
    size_t count;
    float *pooled, *whole, *scene;
    float *mean_region, *whole_region;     /* count x Z summaries; whole_region NULL where the mean stands for it */
    const float *unit_whole, *unit_scenes; /* count x Z: what whole and scene are the cosines with. May be given */
} mask__term_columns;

/* How columns become comparable, for each term; whole and scene NULL without. Weights are in the scales. */
typedef struct mask__term_affines {
    mask__affine *pooled, *whole, *scene;
} mask__term_affines;

/* All columns of a set, `pooled` into the caller's terms x count floats. centre (Z): of the scenes' descriptors; where
 * `find_centre` it is found from this set and written (docs/matching.md). */
mask_status mask__term_columns_make(const mask__column_maker *maker, const mask__regions *regions, float *pooled,
                                    float *centre, bool find_centre, mask__term_columns *out, const char *what,
                                    mask_error *err);
/* The scene descriptor: turns mean_region (values = count x Z floats) into it; the whole-image region (NULL = none)
 * joins. */
void mask__describe_scenes(float *mean_region, const float *whole_region, size_t values);
/* The centre of the descriptors: their mean over B, or without statistics what the knowledge's own images suggest. */
void mask__scene_centre(const mask__column_maker *maker, const mask__term_columns *b, float *centre);

/* Room for `terms` affines in arena; false when memory is short. */
bool mask__affines_make(mask__term_affines *out, const mask_match_options *options, size_t terms, mask__arena *arena);
/* The affines of the terms from their columns over B (NULL columns = not calibrated). */
void mask__affines_find(const mask__column_maker *maker, const mask__term_columns *b, const mask__term_affines *out);
/* Replaces set->pooled by c_w(i). `region-max` has no pooled part. */
void mask__combine_columns(const mask__column_maker *maker, const mask__term_affines *affines,
                           const mask__term_columns *set);

/* Texts as lists of terms and their shares of the text's weight. */
typedef struct mask__text_list {
    size_t count;
    const uint64_t *at; /* count + 1: text t has terms[at[t]] .. */
    const uint32_t *terms;
    const float *shares; /* they sum to 1 in a text */
} mask__text_list;

/* Shares of texts' terms from weights of the terms; 0 where they sum to 0. */
void mask__find_shares(const mask__text_list *texts, const float *weights, float *shares);
/* S(t, .) of texts from columns c (terms x count): out[t * stride + i]. */
void mask__text_means(const mask__text_list *texts, const float *columns, size_t count, float *out, size_t stride);
/* For `region-max`: adds the mean over regions of the maximum over the text's words of the standardised cosine. Two
 * lists of texts at once; the second may be empty. */
typedef struct mask__text_sums {
    mask__text_list texts;
    float *out; /* texts x stride */
    size_t stride;
} mask__text_sums;
mask_status mask__add_region_max(const mask__column_maker *maker, const mask__affine *pooled,
                                 const mask__regions *regions, const mask__text_sums sums[2], const char *what,
                                 mask_error *err);

#endif
