#include "annotations/regiontable.h"
#include "base/memory.h"
#include "base/decimal.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NUMBERS_BYTES = 160 };

const char mask__region_table_header[] = "image\tx1\ty1\tx2\ty2\tlabel";

/* Begins a new image unless the region continues the last one. */
static mask_status enter(mask__region_reader *r, const char *image, mask_error *err)
{
    size_t count = r->images.count;
    bool same = count && strcmp(mask__names_get(&r->images, count - 1), image) == 0;
    if (!same && mask__names_find(&r->images, image) >= 0)
        return mask__lines_fail(
            &r->lines, err, "image '%.64s' appears again after other images: sort table and features by image", image);
    if (!same && !mask__grow(&r->starts, &r->starts_capacity, count + 2, sizeof *r->starts))
        return mask__no_memory(err, image);
    if (!same) MASK__TRY(mask__names_add(&r->images, image, strlen(image), err));
    if (!same) r->starts[count] = r->regions;
    r->starts[r->images.count] = ++r->regions;
    return MASK_OK;
}

static mask_status read_region(mask__region_reader *r, mask_error *err)
{
    enum { COLUMNS = 6 };
    const char *columns[COLUMNS + 1]; /* and where one more would begin */
    char *at = r->lines.text, *image_end = strchrnul(at, '\t');
    r->hash = r->hash * UINT64_C(0x9e3779b97f4a7c15) + mask__strings_hash(at, r->lines.length);
    for (size_t i = 0; i < COLUMNS; i++) {
        columns[i] = at;
        at = strchrnul(at, '\t');
        if ((*at == '\0') != (i == COLUMNS - 1))
            return mask__lines_fail(&r->lines, err, "needs %d columns set apart by tabs: image, x1, y1, x2, y2, label",
                                    COLUMNS);
        columns[i + 1] = ++at;
    }
    *image_end = '\0';
    MASK__TRY(enter(r, r->lines.text, err));
    for (size_t i = 1; i < COLUMNS - 1; i++) {
        size_t length = (size_t)(columns[i + 1] - columns[i]) - 1;
        if (!mask__decimal_read(columns[i], length, &r->box[i - 1]))
            return mask__lines_fail(&r->lines, err, "'%.*s' is not a finite number: boxes are x1, y1, x2, y2",
                                    length < 32 ? (int)length : 32, columns[i]);
    }
    r->text = columns[1];
    r->label = columns[COLUMNS - 1];
    return MASK_OK;
}

mask_status mask__region_reader_next(mask__region_reader *r, mask_error *err)
{
    r->text = NULL;
    MASK__TRY(mask__lines_next(&r->lines, err));
    return r->lines.text ? read_region(r, err) : MASK_OK;
}

mask_status mask__region_reader_open(mask__region_reader *r, const char *path, mask_error *err)
{
    *r = (mask__region_reader){0};
    MASK__TRY(mask__lines_open(&r->lines, path, err));
    mask_status status = mask__lines_next(&r->lines, err);
    if (status == MASK_OK && (!r->lines.text || strcmp(r->lines.text, mask__region_table_header) != 0))
        status = mask__fail_at(
            err, MASK_EFORMAT, 0,
            "%s: line 1: the header 'image x1 y1 x2 y2 label', set apart by tabs, is missing: add it", path);
    if (status != MASK_OK) mask__region_reader_close(r);
    return status;
}

void mask__region_reader_close(mask__region_reader *r)
{
    mask__lines_close(&r->lines);
    mask__names_free(&r->images);
    free(r->starts);
    *r = (mask__region_reader){0};
}

bool mask__clip_box(const double whole[4], double width, double height, double box[4])
{
    box[0] = fmax(whole[0], 0);
    box[1] = fmax(whole[1], 0);
    box[2] = fmin(whole[2], width > 0 ? width : INFINITY);
    box[3] = fmin(whole[3], height > 0 ? height : INFINITY);
    return box[2] > box[0] && box[3] > box[1];
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
    return mask__fail(err, MASK_EFORMAT,
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
