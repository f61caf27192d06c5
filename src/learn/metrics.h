/* The course of a training run as JSON lines, one a step, in any locale. */
#ifndef MASK_LEARN_METRICS_H
#define MASK_LEARN_METRICS_H

#include "base/error.h"
#include "nn/losses.h"

#include <stdio.h>

typedef struct mask__metrics {
    FILE *file; /* NULL: nobody wants them */
    const char *path;
} mask__metrics;

typedef struct mask__metrics_step {
    uint64_t step, epoch; /* from 1 */
    mask__loss_values losses;
    double gradient_norm, rate, regions_per_second;
} mask__metrics_step;

/* path NULL: does nothing from here on. keep: bytes of the file that stay; what a broken run wrote after its
 * checkpoint goes. */
mask_status mask__metrics_open(mask__metrics *out, const char *path, uint64_t keep, mask_error *err);
void mask__metrics_write(mask__metrics *metrics, const mask__metrics_step *step);
/* Writes out what is buffered; *bytes = the file's length, for a checkpoint. */
mask_status mask__metrics_flush(mask__metrics *metrics, uint64_t *bytes, mask_error *err);
void mask__metrics_close(mask__metrics *metrics);

#endif
