/* A table of labelled boxes, the photos it means, and the labelled folder that comes of both: features.npy and
 * regions.tsv, what mask_labels_open reads. */
#ifndef MASK_PHOTOS_LABELOUT_H
#define MASK_PHOTOS_LABELOUT_H

#include "photos/boxtable.h"
#include "photos/walk.h"

#include <stdbool.h>

typedef struct mask__labelout {
    mask__boxtable table;
    size_t *image_of; /* the table's image of each file of the walk, SIZE_MAX = it has no boxes */
} mask__labelout;

/* Finds the photo of each image of the table: by id, else by file name, else by file name without extension. An image
 * that could be two photos is refused; images without a photo are counted in a warning; none with one is an error. */
mask_status mask__labelout_match(mask__labelout *out, const mask__walk *walk, const char *table_path,
                                 const mask_run *run, mask_error *err);
bool mask__labelout_wants(const mask__labelout *out, size_t file);
const mask__boxtable_row *mask__labelout_rows(const mask__labelout *out, size_t file, size_t *count);
/* Writes the folder from the store, photos in the order of the walk; bad photos' rows are left out. */
mask_status mask__labelout_write(const mask__labelout *out, const mask__walk *walk, const char *store,
                                 const char *folder, mask_error *err);
void mask__labelout_close(mask__labelout *out);

#endif
