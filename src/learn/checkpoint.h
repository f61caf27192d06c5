/* A training run on disk, between two steps: docs/training.md describes the file. Written whole or not at all. */
#ifndef MASK_LEARN_CHECKPOINT_H
#define MASK_LEARN_CHECKPOINT_H

#include "learn/trainer.h"

/* Where a run stands. Everything random is a function of the seed and of these. */
typedef struct mask__train_state {
    uint64_t epoch, image; /* the next batch begins at this image of the epoch's order */
    uint64_t step;         /* steps taken */
    uint64_t regions;      /* seen in them */
    uint64_t metrics_bytes;
    double smooth, lowest; /* loss, averaged over recent steps; its lowest value */
} mask__train_state;

/* All that a checkpoint holds; buffers are the caller's. */
typedef struct mask__checkpoint {
    const char *path;
    const mask__lesson *lesson;
    const mask_train_options *options;
    uint64_t seed;
    int threads;
    uint64_t data; /* fingerprint of the lesson, by mask__lesson_fingerprint */
    mask__train_state *state;
    size_t size; /* numbers in each of these */
    float *parameters, *first, *second;
    mask__whitening *whitening; /* used with options->whiten */
} mask__checkpoint;

/* Identifies words, pairs, their regions and a sample of the features. */
mask_status mask__lesson_fingerprint(const mask__lesson *lesson, uint64_t *out, mask_error *err);
mask_status mask__checkpoint_write(const mask__checkpoint *checkpoint, mask_error *err);
/* Fills state, buffers and whitening (copied to the arena). Refuses a checkpoint of other options or data. */
mask_status mask__checkpoint_read(mask__checkpoint *checkpoint, mask__arena *arena, const mask_run *run,
                                  mask_error *err);

#endif
