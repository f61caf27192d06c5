/* Columns (docs/matching.md): a word's pooled similarity with every image, computed once by one GEMM and a segmented
 * maximum, whatever the number of texts that hold the word. */
#ifndef MASK_MATCH_COLUMNS_H
#define MASK_MATCH_COLUMNS_H

#include "match/regionblock.h"

/* How an image's regions become one number for a word. */
typedef struct mask__pooling {
    bool mean; /* mean over all regions; else mean of the `top` largest cosines */
    int top;   /* 1 = Eq. 10 */
} mask__pooling;

enum { MASK__MAX_TOP = 64 };
/* best: the `top` largest values so far, the largest first. */
static inline void mask__keep_largest(float *best, size_t top, float value)
{
    for (size_t t = 0; t < top; t++) {
        float high = best[t] > value ? best[t] : value;
        value = best[t] > value ? value : best[t];
        best[t] = high;
    }
}
/* A_w of one image from the products of its regions with words, dots (regions x stride): out[word * out_stride]. top
 * must be at most MASK__MAX_TOP; without regions it is 0. */
void mask__pool_words(const mask__pooling *pooling, const float *dots, size_t stride, const float *inverse_norms,
                      size_t regions, size_t words, float *out, size_t out_stride);

/* What is left of an image once its regions are gone: the unit vector of its whole-image region, the mean of its unit
 * region vectors, and the cosines of the words with its whole-image region. Any may be NULL. */
typedef struct mask__summaries {
    int whole_region;     /* index of the region that is the whole image */
    float *whole, *mean;  /* images x Z */
    float *whole_columns; /* words x images */
} mask__summaries;

typedef struct mask__column_times {
    double seconds, seconds_gemm, gflop_gemm;
} mask__column_times;

/* Unit vectors of words (count x Z) in two runs, of which either may be empty: what a matcher keeps stays where it is
 * beside what a call brings. */
typedef struct mask__word_rows {
    const float *rows[2];
    size_t count[2];
} mask__word_rows;

/* pooled[word * count + image] = A_w(i). Fills the summaries on the way (NULL = none). Images stream through in blocks.
 * Feature values that are not finite are refused. */
mask_status mask__columns_compute(const mask__regions *regions, const mask__word_rows *prototypes,
                                  const mask__pooling *pooling, float *pooled, const mask__summaries *summaries,
                                  mask__column_times *times, const char *what, const mask_run *run, mask_error *err);

/* The cosines of one image's regions with words: cosines[word * regions + region]. */
mask_status mask__columns_table(const mask__regions *regions, size_t image, const float *prototypes, size_t words,
                                float *cosines, mask_error *err);

/* For pooling over regions first, which has no columns: calls `each` in parallel for every image with its word x region
 * cosines (words x regions_in(image)), valid during the call. */
typedef void mask__image_visitor(void *context, size_t image, const float *cosines, size_t regions);
mask_status mask__columns_visit(const mask__regions *regions, const mask__word_rows *prototypes,
                                mask__image_visitor *each, void *context, mask__column_times *times, const char *what,
                                const mask_run *run, mask_error *err);

#endif
