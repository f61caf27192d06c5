/* The columns of a set of terms over a set of images, pooled, of the whole image and of the scene, and their sum
 * c_w(i): docs/matching.md, "Columns", for the matcher and the scorer. */
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
    const mask__term_values *values;
    mask__arena *arena; /* of what is made */
    mask__column_times *times;
    const mask_run *run;
} mask__column_maker;

/* Columns, terms x count each: pooled; of the whole image and of the scene (NULL without). */
typedef struct mask__term_columns {
    size_t count;
    float *pooled, *whole, *scene;
    float *mean_region, *whole_region; /* count x Z summaries; whole_region NULL where the mean stands for it */
    float *unit_whole, *unit_scenes;   /* count x Z: what whole and scene are the cosines with */
} mask__term_columns;

/* `pooled` into the caller's terms x count floats, with summaries where another column needs them. */
mask_status mask__pooled_columns(const mask__column_maker *maker, const mask__regions *regions, float *pooled,
                                 mask__term_columns *out, const char *what, mask_error *err);
mask_status mask__whole_columns(const mask__column_maker *maker, mask__term_columns *set, mask_error *err);
/* Turns mean_region into the scene descriptor: count x Z; the whole-image region (NULL = none) joins. */
void mask__describe_scenes(float *mean_region, const float *whole_region, size_t values);
/* The centre of the descriptors: their mean over B, or without statistics what the knowledge's own images suggest. */
void mask__scene_centre(const mask__column_maker *maker, const mask__term_columns *b, float *centre);
mask_status mask__scene_columns(const mask__column_maker *maker, mask__term_columns *set, const float *centre,
                                mask_error *err);
/* The affines of `terms` columns (NULL = not calibrated) over B. */
void mask__word_affines(const mask__column_maker *maker, mask__affine *affines, const float *columns, size_t count);
/* Replaces set->pooled by c_w(i). */
void mask__combine_columns(const mask__column_maker *maker, const mask__affine *pooled, const mask__affine *whole,
                           const mask__affine *scene, const mask__term_columns *set);

#endif
