/* What a change of a gallery works with, for changes.c and compact.c: the locked catalogue, and what building needs. */
#ifndef MASK_GALLERY_WRITER_H
#define MASK_GALLERY_WRITER_H

#include "gallery/files.h"

typedef struct mask__writing {
    const char *path;
    mask__catalogue *catalogue;
    mask__catalogue_settings settings;
    mask_knowledge *knowledge;
    mask__calibration calibration;
    bool scored;
    bool resolve; /* the first change that knows what the whole image is */
    bool joining; /* images at hand join the background with the first segment (own.c) */
    size_t segment_images;
    mask__column_times times;
    const mask_run *run;
} mask__writing;

/* Takes the lock and reads the settings. Close it whatever this returns. */
mask_status mask__writing_open(mask__writing *w, const char *path, const mask_run *run, mask_error *err);
void mask__writing_close(mask__writing *w); /* what is not committed is rolled back */
mask_status mask__writing_knowledge(mask__writing *w, mask_error *err);
/* The calibration, and with it how many images a segment takes. The whole region must be settled. */
mask_status mask__writing_calibration(mask__writing *w, mask_error *err);
/* Images at hand in the background, as the option `own` has it. The first chooses among the images of a gallery that is
 * still empty, before its calibration is made. The second counts `changes` images in a change's transaction. The third,
 * after a change, chooses anew where enough has changed, and makes all segments again: one commit. */
mask_status mask__own_begin(mask__writing *w, const mask_images *images, mask_error *err);
mask_status mask__own_count(mask__writing *w, size_t changes, mask_error *err);
mask_status mask__own_refresh(mask__writing *w, mask_error *err);
/* Ends a transaction: commits when `status` is MASK_OK; else rolls back and unlinks `file`, which stays when the commit
 * fails. */
mask_status mask__writing_commit(mask__writing *w, mask_status status, const char *file, mask_error *err);

#endif
