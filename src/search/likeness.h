/* The images of a query. What an image of the gallery gains from them is linear in its scene vector (its whole-image
 * vector without scenes) x:  sum_i weight_i (x . y_i) = scale (x . v), so any number of them costs one dot product. */
#ifndef MASK_SEARCH_LIKENESS_H
#define MASK_SEARCH_LIKENESS_H

#include "search/gallery.h"
#include "search/scan.h"

typedef struct mask__likeness {
    double scale;            /* sum |weight_i|; 0 = the query has no images */
    const float *vector;     /* v, Z, at most of unit length */
    mask__scan_vector codes; /* of v */
} mask__likeness;

/* All is kept in `arena`. MASK_ENOTFOUND for an id that the gallery lacks, MASK_EMISMATCH for features of another kind.
 */
mask_status mask__likeness_make(mask__likeness *out, const mask__view *view, const mask_query *query,
                                mask__arena *arena, mask_error *err);
/* Adds what a block's images may gain, at most and at least, to bounds of their scores. */
void mask__likeness_widen(const mask__likeness *likeness, const mask__segment *segment, size_t block, float *upper,
                          float *lower);
double mask__likeness_score(const mask__likeness *likeness, const mask__image_vectors *image, size_t z);

#endif
