#include "photos/boxtable.h"
#include "base/lines.h"
#include "images/regions.h"
#include "annotations/regiontable.h"

#include <stdlib.h>
#include <string.h>

enum { BOX = 4 };

typedef struct reading {
    mask__lines lines;
    mask__boxtable *table;
} reading;

/* Cuts a number off *at. */
static mask_status read_number(reading *r, char **at, float *value, mask_error *err)
{
    char *number = *at, *end = strchrnul(number, '\t');
    if (!*end) return mask__lines_fail(&r->lines, err, "needs image, x1, y1, x2, y2, label, set apart by tabs");
    *end = '\0';
    *at = end + 1;
    return mask__region_table_number(&r->lines, number, value, err);
}

static mask_status enter_image(reading *r, const char *name, mask_error *err)
{
    mask__boxtable *t = r->table;
    size_t count = t->images.count;
    if (count && strcmp(mask__names_get(&t->images, count - 1), name) == 0) {
        if (t->count - t->starts[count - 1] < MASK__REGIONS_MAX) return MASK_OK;
        return mask__lines_fail(&r->lines, err, "image '%.64s' has more than %d boxes: leave some out", name,
                                MASK__REGIONS_MAX);
    }
    if (!*name) return mask__lines_fail(&r->lines, err, "has no image");
    if (count && mask__names_find(&t->images, name) >= 0)
        return mask__lines_fail(&r->lines, err,
                                "image '%.64s' appears again after other images: sort the table by image", name);
    if (!mask__grow(&t->starts, &t->starts_capacity, count + 2, sizeof *t->starts)) return mask__no_memory(err, name);
    t->starts[count] = t->count;
    return mask__names_add(&t->images, name, strlen(name), err);
}

static mask_status read_row(reading *r, mask_error *err)
{
    mask__boxtable *t = r->table;
    mask__boxtable_row row;
    char *at = strchrnul(r->lines.text, '\t');
    t->hash = t->hash * UINT64_C(0x9e3779b97f4a7c15) + mask__strings_hash(r->lines.text, r->lines.length);
    if (!*at) return mask__lines_fail(&r->lines, err, "needs image, x1, y1, x2, y2, label, set apart by tabs");
    *at++ = '\0';
    MASK__TRY(enter_image(r, r->lines.text, err));
    row.text = mask__arena_text(&t->arena, at, strlen(at));
    for (int i = 0; i < BOX; i++) MASK__TRY(read_number(r, &at, &row.box[i], err));
    if (!*at || strchr(at, '\t')) return mask__lines_fail(&r->lines, err, "needs one label after the box");
    if (!row.text || !mask__grow(&t->rows, &t->capacity, t->count + 1, sizeof *t->rows))
        return mask__no_memory(err, at);
    t->rows[t->count++] = row;
    t->starts[t->images.count] = t->count;
    return MASK_OK;
}

static mask_status read_rows(reading *r, mask_error *err)
{
    MASK__TRY(mask__lines_next(&r->lines, err));
    if (!r->lines.text || strcmp(r->lines.text, mask__region_table_header) != 0)
        return mask__fail(err, MASK_EFORMAT, 0,
                          "%s: line 1: the header 'image x1 y1 x2 y2 label', set apart by tabs, is missing: add it",
                          mask__stream_path(r->lines.stream));
    for (;;) {
        MASK__TRY(mask__lines_next(&r->lines, err));
        if (!r->lines.text) break;
        MASK__TRY(read_row(r, err));
    }
    if (r->table->count) return MASK_OK;
    return mask__fail(err, MASK_EFORMAT, MASK_NO_OFFSET, "%s: has no boxes: name a table with some",
                      mask__stream_path(r->lines.stream));
}

mask_status mask__boxtable_open(mask__boxtable *table, const char *path, mask_error *err)
{
    reading r = {.table = table};
    *table = (mask__boxtable){0};
    MASK__TRY(mask__lines_open(&r.lines, path, err));
    mask_status status = read_rows(&r, err);
    mask__lines_close(&r.lines);
    if (status != MASK_OK) mask__boxtable_close(table);
    return status;
}

void mask__boxtable_close(mask__boxtable *table)
{
    mask__arena_free(&table->arena);
    mask__names_free(&table->images);
    free(table->starts);
    free(table->rows);
    *table = (mask__boxtable){0};
}
