/* One matching run, kept open so that its parts can be looked at (explanations). Calibration is method section 9:
 *
 *   columns   A_w(i), G_w(i): pooled cosines of word w with image i, with regions and with the whole image
 *   word      c_w(i) = (A_w(i) - mean_B A_w) / sd_B A_w + context (G_w(i) - mean_B G_w) / sd_B G_w
 *   text      S(t,i) = weighted mean of c_w(i) over the text's words;  z(t,i) = (S(t,i) - mean_B S(t,.)) / sd_B S(t,.)
 *   hubness   s(t,i) = z(t,i) - a h(i) - b g(t), h and g the means of the largest z with T and with B
 *
 * B and T are the knowledge's background, or, without one, the images and texts at hand. */
#ifndef MASK_MATCH_MATCHER_H
#define MASK_MATCH_MATCHER_H

#include "knowledge/lexicon.h"
#include "match/columns.h"

/* x' = (x - mean) * scale */
typedef struct mask__affine {
    float mean, scale;
} mask__affine;

typedef struct mask__matcher {
    const mask_knowledge *knowledge;
    mask_match_options options;
    mask__lexicon lexicon; /* queries first, then the background's texts */
    size_t queries;
    size_t terms;
    float *prototypes; /* terms x Z, unit */
    float *weights;    /* terms */
    bool transductive;
    int whole_region;           /* resolved: an index or MASK_WHOLE_MEAN */
    mask__affine *pooled_affine, *whole_affine; /* terms */
    float *columns;             /* terms x images, c_w(i) */
    float *text_mean, *text_deviation, *hub_text; /* queries (+ T): of S over B; g(t) */
    float *hub_image;           /* images: h(i) */
    mask__column_times times;
    mask__arena arena;
} mask__matcher;

mask_status mask__matcher_open(mask__matcher *matcher, const mask_knowledge *knowledge, const mask_vectors *vectors,
                               const mask_match_options *options, mask_error *err);
void mask__matcher_close(mask__matcher *matcher);
mask_status mask__matcher_add(mask__matcher *matcher, const char *text, mask_error *err);
/* scores[query * images + image]. Call once, after the texts were added. */
mask_status mask__matcher_run(mask__matcher *matcher, const mask_images *images, float *scores, const mask_run *run,
                              mask_error *err);

#endif
