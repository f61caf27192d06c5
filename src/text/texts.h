/* Inside of mask_texts for its own room: how texts are collected. */
#ifndef MASK_TEXT_TEXTS_H
#define MASK_TEXT_TEXTS_H

#include "base/names.h"

#include <stdbool.h>

struct mask_texts {
    char *bytes;     /* NUL-terminated texts, one after the other */
    size_t *offsets; /* count */
    size_t count, used, bytes_capacity, offsets_capacity;
    mask__names images; /* opened with five_each: the file name or id of each five texts ("" = not told), if known */
    bool by_name;       /* mask_dataset_open paired them with images by these */
};

mask_status mask__texts_add(mask_texts *texts, const char *text, size_t length, mask_error *err);
/* As mask_texts_open; with five_each an image of a Karpathy JSON with fewer than five sentences is refused. */
mask_status mask__texts_open(mask_texts **out, const char *path, const char *split, bool five_each, mask_error *err);
/* Brings texts into another order, five by five: group g was group order[g]. */
mask_status mask__texts_reorder(mask_texts *texts, const size_t *order, mask_error *err);
void mask__texts_keep_first(mask_texts *texts, size_t count);

/* Adds the first five sentences of each image of a split ("dev" = "val", NULL = all) of a Karpathy JSON. */
mask_status mask__karpathy_read(mask_texts *texts, const char *path, const char *split, bool five_each,
                                mask_error *err);

#endif
