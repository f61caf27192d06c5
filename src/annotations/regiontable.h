/* regions.tsv, the table of labelled regions (docs/datasets.md): its writer, and what its readers share. What is
 * written appears under its name only when it is complete. Refuses an image whose regions come in two runs, which no
 * reader would take. */
#ifndef MASK_ANNOTATIONS_REGIONTABLE_H
#define MASK_ANNOTATIONS_REGIONTABLE_H

#include "base/lines.h"
#include "base/file.h"
#include "base/strings.h"

/* "image\tx1\t...", without the line's end. */
extern const char mask__region_table_header[];

/* A coordinate of a box; refused with its line when it is not a finite number. */
mask_status mask__region_table_number(const mask__lines *lines, const char *text, float *value, mask_error *err);

typedef struct mask__region_table {
    mask__writer file;
    mask__strings images; /* those begun so far */
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
