/* Writes regions.tsv, the table of labelled regions that labelled.c reads (docs/datasets.md): it appears under its name
 * only when it is complete. Refuses an image whose regions come in two runs, which no reader would take. */
#ifndef MASK_DATASET_REGIONTABLE_H
#define MASK_DATASET_REGIONTABLE_H

#include "base/file.h"
#include "base/strings.h"

#include <locale.h>

typedef struct mask__region_table {
    mask__writer file;
    mask__strings images; /* those begun so far */
    locale_t locale;
    char *line;
    size_t line_capacity;
    uint64_t regions;
} mask__region_table;

mask_status mask__region_table_create(mask__region_table *table, const char *path, mask_error *err);
/* box: x1, y1, x2, y2. Tabs and other control characters of image and label become spaces. */
mask_status mask__region_table_add(mask__region_table *table, const char *image, const double box[4], const char *label,
                                   mask_error *err);
mask_status mask__region_table_commit(mask__region_table *table, mask_error *err);
/* Harmless after a commit and on a zeroed table. */
void mask__region_table_abort(mask__region_table *table);

#endif
