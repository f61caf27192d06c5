#include "annotations/regiontable.h"
#include "base/memory.h"
#include "base/decimal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NUMBERS_BYTES = 160 };

const char mask__region_table_header[] = "image\tx1\ty1\tx2\ty2\tlabel";

mask_status mask__region_table_number(const mask__lines *lines, const char *text, float *value, mask_error *err)
{
    if (mask__decimal_read(text, strlen(text), value)) return MASK_OK;
    return mask__lines_fail(lines, err, "'%.32s' is not a finite number: boxes are x1, y1, x2, y2", text);
}

mask_status mask__region_table_create(mask__region_table *t, const char *path, mask_error *err)
{
    *t = (mask__region_table){0};
    MASK__TRY(mask__writer_open(&t->file, path, err));
    mask_status status =
        mask__writer_put(&t->file, mask__region_table_header, sizeof mask__region_table_header - 1, err);
    if (status == MASK_OK) status = mask__writer_put(&t->file, "\n", 1, err);
    if (status != MASK_OK) mask__region_table_abort(t);
    return status;
}

/* One run an image: a name that was begun must be the last one begun. */
static mask_status enter_image(mask__region_table *t, const char *image, mask_error *err)
{
    uint32_t index;
    bool added;
    MASK__TRY(mask__strings_intern(&t->images, image, strlen(image), &index, &added, err));
    if (index == t->images.count - 1) return MASK_OK;
    return mask__fail(err, MASK_EFORMAT, MASK_NO_OFFSET,
                      "%s: image '%.64s' appears again after other images: its name must be its own, and its regions "
                      "must come together",
                      t->file.path, image);
}

static char *put_text(char *to, const char *text)
{
    for (; *text; text++) *to++ = (unsigned char)*text < ' ' || *text == 0x7f ? ' ' : *text;
    return to;
}

mask_status mask__region_table_add(mask__region_table *t, const char *image, const double box[4], const char *label,
                                   mask_error *err)
{
    size_t need = strlen(image) + strlen(label) + NUMBERS_BYTES;
    MASK__TRY(enter_image(t, image, err));
    if (!mask__grow(&t->line, &t->line_capacity, need, 1)) return mask__no_memory(err, t->file.path);
    char *at = put_text(t->line, image);
    at += mask__decimal_print(at, NUMBERS_BYTES, "\t%.9g\t%.9g\t%.9g\t%.9g\t", box[0], box[1], box[2], box[3]);
    at = put_text(at, label);
    *at++ = '\n';
    t->regions++;
    return mask__writer_put(&t->file, t->line, (size_t)(at - t->line), err);
}

static void release(mask__region_table *t)
{
    mask__strings_free(&t->images);
    free(t->line);
    t->line = NULL;
}

mask_status mask__region_table_commit(mask__region_table *t, mask_error *err)
{
    release(t);
    return mask__writer_commit(&t->file, err);
}

void mask__region_table_abort(mask__region_table *t)
{
    release(t);
    mask__writer_abort(&t->file);
}
