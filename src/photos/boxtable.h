/* A table of labelled boxes, as labelled regions have it (docs/datasets.md): image, x1, y1, x2, y2, label, set apart by
 * tabs, a header, all lines of an image together. Whatever follows the image's name is kept as it stands, to be written
 * again. */
#ifndef MASK_PHOTOS_BOXTABLE_H
#define MASK_PHOTOS_BOXTABLE_H

#include "base/error.h"
#include "base/memory.h"
#include "base/names.h"

typedef struct mask__boxtable_row {
    float box[4];     /* pixels */
    const char *text; /* "x1\ty1\tx2\ty2\tlabel" */
} mask__boxtable_row;

typedef struct mask__boxtable {
    mask__arena arena;
    mask__names images; /* in the order of the table */
    size_t *starts;     /* images.count + 1: first row of each image */
    mask__boxtable_row *rows;
    size_t count, capacity;
    uint64_t hash; /* of all of it */
} mask__boxtable;

mask_status mask__boxtable_open(mask__boxtable *table, const char *path, mask_error *err);
void mask__boxtable_close(mask__boxtable *table);

#endif
