#include "photos/boxtable.h"
#include "annotations/regiontable.h"
#include "images/regions.h"

#include <stdlib.h>
#include <string.h>

static mask_status add_row(mask__boxtable *t, const mask__region_reader *r, mask_error *err)
{
    mask__boxtable_row row = {.text = mask__arena_text(&t->arena, r->text, strlen(r->text))};
    size_t last = r->images.count - 1;
    if (r->regions - r->starts[last] > MASK__REGIONS_MAX)
        return mask__lines_fail(&r->lines, err, "image '%.64s' has more than %d boxes: leave some out",
                                mask__names_get(&r->images, last), MASK__REGIONS_MAX);
    memcpy(row.box, r->box, sizeof row.box);
    if (!row.text || !mask__grow(&t->rows, &t->capacity, t->count + 1, sizeof *t->rows))
        return mask__no_memory(err, "boxes");
    t->rows[t->count++] = row;
    return MASK_OK;
}

mask_status mask__boxtable_open(mask__boxtable *table, const char *path, mask_error *err)
{
    mask__region_reader r;
    *table = (mask__boxtable){0};
    MASK__TRY(mask__region_reader_open(&r, path, err));
    mask_status status = MASK_OK;
    while (status == MASK_OK && (status = mask__region_reader_next(&r, err)) == MASK_OK && r.text)
        status = add_row(table, &r, err);
    if (status == MASK_OK && table->count == 0)
        status = mask__fail(err, MASK_EFORMAT, "%s: has no boxes: name a table with some", path);
    table->images = r.images;
    table->starts = r.starts;
    table->hash = r.hash;
    r.images = (mask__names){0};
    r.starts = NULL;
    mask__region_reader_close(&r);
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
