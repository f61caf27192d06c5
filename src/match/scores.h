/* Many texts with many images: texts are made ready once, then images are scored block by block, each by one product
 * with all terms. With a background a score depends on its own text and image only, so that blocks give what all
 * images at once give; without one the statistics are those of the set at hand, which must come as one block. */
#ifndef MASK_MATCH_SCORES_H
#define MASK_MATCH_SCORES_H

#include "match/calibration.h"

/* The terms of T, which images' statistics need, side by side: made once for all batches of a calibration. */
typedef struct mask__image_terms {
    const mask__calibration *calibration;
    size_t count;                     /* 0 below `full` */
    const float *prototypes, *scenes; /* count x Z, unit; scenes NULL without */
    mask__term_affines affines;       /* count */
    uint32_t *rows;                   /* of the calibration's terms, known and others: MASK__NO_TERM = not in T */
    mask__text_list texts;            /* T, as these terms */
    mask__arena arena;
} mask__image_terms;

/* The calibration must outlive them. Free them whatever make returns. */
mask_status mask__image_terms_make(mask__image_terms *out, const mask__calibration *calibration, mask_error *err);
void mask__image_terms_free(mask__image_terms *terms);

typedef struct mask__text_batch {
    const mask_knowledge *knowledge;
    mask_match_options options;
    bool transductive;                    /* statistics of the set at hand */
    mask__lexicon lexicon;                /* of the texts */
    const mask__calibration *calibration; /* NULL = none */
    size_t own;                           /* terms of the texts */
    mask__term_values values;             /* own */
    mask__text_list texts;                /* of own terms */
    size_t rows;                          /* that have columns: T's terms, then the texts' that are not in T */
    uint32_t *row_of;                     /* own: their rows */
    mask__word_rows prototypes, scenes;   /* rows x Z */
    mask__term_affines affines;           /* rows */
    mask__text_list texts_by_row, t;      /* and T, of rows */
    mask__text_statistics *statistics;    /* texts */
    mask__column_times times;
    mask__arena arena;
} mask__text_batch;

/* What a block leaves for an explanation. */
typedef struct mask__block_trace {
    float *c;               /* own terms x images: c_w(i) */
    float *hub, *deviation; /* images: a h(i) and D(i) */
} mask__block_trace;

/* Reads the texts. Close it whatever open returns. */
mask_status mask__text_batch_open(mask__text_batch *batch, const mask_knowledge *knowledge, const mask_vectors *vectors,
                                  const mask_match_options *options, const char *const *texts, size_t count,
                                  mask_error *err);
void mask__text_batch_close(mask__text_batch *batch);
/* Makes them ready. t may be NULL for `calibrate none`, and is where statistics are of the set at hand. */
mask_status mask__text_batch_prepare(mask__text_batch *batch, const mask__image_terms *t, const mask_run *run,
                                     mask_error *err);
/* scores[text * stride + i] of the images `regions`. What texts without a usable word score
 * mask__text_batch_sink says, which sees all images. trace may be NULL; its arrays are in the batch's arena. */
mask_status mask__text_batch_score(mask__text_batch *batch, const mask__regions *regions, int whole_region,
                                   float *scores, size_t stride, mask__block_trace *trace, const mask_run *run,
                                   mask_error *err);
/* A text without a usable word scores as low as the lowest score of the others: scores is texts x images. */
void mask__text_batch_sink(const mask__text_batch *batch, float *scores, size_t images);
/* Whether a text has a word that can be used. */
static inline bool mask__text_usable(const mask__text_batch *batch, size_t text)
{
    return batch->lexicon.text_at[text] < batch->lexicon.text_at[text + 1];
}

/* Images that are scored at once: where statistics are of the set at hand, all. */
enum { MASK__SCORE_IMAGES = 1024 };

#endif
