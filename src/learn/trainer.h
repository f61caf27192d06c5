/* Trains PAE, FRM and MTM with L_ir, L_cm and L_cl (docs/training.md) on labelled regions and hands back the PAE as an
 * representation. Features stream from disk batch by batch: memory does not grow with the data set. Refuses to know
 * what a knowledge is: words come as pairs and vectors. */
#ifndef MASK_LEARN_TRAINER_H
#define MASK_LEARN_TRAINER_H

#include "base/strings.h"
#include "learn/representation.h"

/* Looks at the representation as it is after an epoch (from 1); false ends the training there. */
typedef bool mask__epoch_visitor(void *context, size_t epoch, const mask__representation *representation);

/* What there is to learn. */
typedef struct mask__lesson {
    const mask_labels *labels;
    const size_t *pairs_at;  /* regions + 1: region r carries the words pairs[pairs_at[r]] .. pairs[pairs_at[r + 1]] */
    const uint32_t *pairs;   /* MASK__NOT_FOUND: a word that is not learned */
    const float *unit_words; /* words x vector_dim, of unit length */
    size_t words, vector_dim;
    size_t whiten_dim; /* of options->whiten */
    float power, whiten_shrink;
    size_t stop_after;                /* epochs to train of those the schedule is made for; 0 = all */
    mask__epoch_visitor *after_epoch; /* may be NULL */
    void *context;
} mask__lesson;

/* The representation's memory is the arena's, and mask__representation_close's. MASK_ECANCELLED after the progress
 * callback asked to stop: the checkpoint then holds where it was. MASK_ENUMERIC when the loss diverges: the checkpoint
 * is an older one. MASK_EMISMATCH when the checkpoint to resume from is of other options or other data. */
mask_status mask__train(mask__representation *representation, const mask__lesson *lesson,
                        const mask_train_options *options, mask__arena *arena, const mask_run *run, mask_error *err);

#endif
