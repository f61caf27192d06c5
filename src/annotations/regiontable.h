/* regions.tsv, the table of labelled regions (docs/datasets.md): a header, then image, x1, y1, x2, y2, label on each
 * line, set apart by tabs. Its reader and its writer both refuse an image whose regions come in two runs. What is
 * written appears under its name only when it is complete. */
#ifndef MASK_ANNOTATIONS_REGIONTABLE_H
#define MASK_ANNOTATIONS_REGIONTABLE_H

#include "base/file.h"
#include "base/lines.h"
#include "base/names.h"

/* "image\tx1\t...", without the line's end. */
extern const char mask__region_table_header[];

typedef struct mask__region_reader {
    mask__lines lines;
    mask__names images; /* those begun so far */
    size_t *starts;     /* images.count + 1: the first region of each image, and the end of the last */
    size_t starts_capacity, regions;
    uint64_t hash; /* of all lines so far */
    /* The present region: */
    float box[4];
    const char *text;  /* of its line, what follows the image: "x1\ty1\tx2\ty2\tlabel" */
    const char *label; /* the end of text */
} mask__region_reader;

/* Reads the header. */
mask_status mask__region_reader_open(mask__region_reader *reader, const char *path, mask_error *err);
/* text is NULL after the last region. */
mask_status mask__region_reader_next(mask__region_reader *reader, mask_error *err);
/* Harmless on a zeroed reader. Who keeps images and starts sets them to zero before. */
void mask__region_reader_close(mask__region_reader *reader);

/* The part of a box x1, y1, x2, y2 inside its image, whose width or height may be unknown (0); false: none is. */
bool mask__clip_box(const double whole[4], double width, double height, double box[4]);

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
