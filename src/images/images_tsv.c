/* Sets of images in TSV files of region features (tsv.h).
 *
 * Opening finds the rows and reads little more than their first columns, since a row tells its own length. Features are
 * decoded from the mapped file when they are asked for. An interrupted writer leaves cut rows, and repeats rows when it
 * goes on: a row whose lengths do not fit is skipped, and of rows with one id the first whole one stays; a warning
 * counts both. Refused are a file with more damaged rows than whole ones, and base64 that is none, when it is decoded.
 */
#include "formats/base64.h"
#include "images/images.h"
#include "formats/tsv.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/strings.h"
#include "math/vector.h"

#include <stdlib.h>
#include <string.h>

enum { BOX_BYTES = 16, PROGRESS_BYTES = 1 << 24 };

/* What stays of a row in memory. */
typedef struct entry {
    uint64_t line;
    size_t classes, boxes, features; /* offsets in the file */
    uint32_t regions, dim, width, height, id;
} entry;

typedef struct tsv_images {
    mask_images base;
    mask__map map;
    int columns;       /* 0 = not known yet */
    mask__strings ids; /* of all whole rows, each with its final NUL */
    entry *entries;    /* each image's; while rows are read, each whole row's */
    size_t rows, capacity;
    size_t votes; /* for base.dim while rows are read: a majority has it if any value has one */
    size_t damaged, repeated;
    const char *wrong; /* with the first damaged row */
    uint64_t wrong_line;
} tsv_images;

static void count_damage(tsv_images *t, uint64_t line, const char *wrong)
{
    if (!t->damaged++ || line < t->wrong_line) {
        t->wrong_line = line;
        t->wrong = wrong;
    }
}

static mask_status keep_row(tsv_images *t, const mask__tsv_row *row, uint64_t line, mask_error *err)
{
    char id[MASK__TSV_ID_BYTES + 1];
    entry e = {line, row->classes, row->boxes, row->features, row->regions, row->dim, row->width, row->height, 0};
    memcpy(id, row->id, row->id_length);
    id[row->id_length] = '\0';
    MASK__TRY(mask__strings_intern(&t->ids, id, row->id_length + 1, &e.id, NULL, err));
    if (t->rows >= UINT32_MAX || !mask__grow(&t->entries, &t->capacity, t->rows + 1, sizeof e))
        return mask__no_memory(err, t->base.path);
    t->entries[t->rows++] = e;
    if (t->votes == 0) t->base.dim = row->dim;
    if (row->dim == t->base.dim) t->votes++;
    else t->votes--;
    return MASK_OK;
}

/* The row at `at` in the layout of the file; the first whole row decides which that is. */
static const char *read_row(tsv_images *t, mask__tsv_row *row, size_t at, size_t *next)
{
    const char *data = (const char *)t->map.data;
    int columns = t->columns ? t->columns : MASK__TSV_BUTD;
    const char *wrong = mask__tsv_row_read(row, columns, t->base.dim, data, t->map.size, at, next);
    if (wrong && !t->columns) {
        columns = MASK__TSV_LXMERT;
        const char *also = mask__tsv_row_read(row, columns, 0, data, t->map.size, at, next);
        if (!also) wrong = NULL;
    }
    if (!wrong) t->columns = columns;
    return wrong;
}

static mask_status read_rows(tsv_images *t, const mask_run *run, mask_error *err)
{
    size_t told = 0, next;
    uint64_t line = 1;
    for (size_t at = 0; at < t->map.size; at = next, line++) {
        mask__tsv_row row;
        if (at == 0 || at - told >= PROGRESS_BYTES) {
            MASK__TRY(mask__progress(run, "finding rows", "bytes", at, t->map.size, err));
            mask__map_forget(&t->map, told, at - told);
            told = at;
        }
        const char *wrong = read_row(t, &row, at, &next);
        if (wrong) count_damage(t, line, wrong);
        else MASK__TRY(keep_row(t, &row, line, err));
    }
    mask__map_forget(&t->map, told, t->map.size - told);
    return MASK_OK;
}

/* Of the whole rows, keeps the first of each id that has the dimension of most. */
static mask_status choose_images(tsv_images *t, mask_error *err)
{
    size_t kept = 0, length;
    bool *taken = calloc(t->ids.count + 1, sizeof *taken);
    mask_status status = taken ? MASK_OK : mask__no_memory(err, t->base.path);
    for (size_t i = 0; i < t->rows && status == MASK_OK; i++) {
        const entry e = t->entries[i];
        const char *id = mask__strings_get(&t->ids, e.id, &length);
        if (e.dim != t->base.dim) {
            count_damage(t, e.line, "has features of another dimension than most rows");
        } else if (taken[e.id]) {
            t->repeated++;
        } else {
            taken[e.id] = true;
            t->entries[kept++] = e;
            status = mask__names_add(&t->base.ids, id, length - 1, err);
        }
    }
    free(taken);
    mask__strings_free(&t->ids);
    t->base.count = kept;
    t->base.regions = calloc(kept + 1, sizeof *t->base.regions);
    if (!t->base.regions) return mask__no_memory(err, t->base.path);
    for (size_t i = 0; i < kept; i++) t->base.regions[i] = t->entries[i].regions;
    return status;
}

static mask_status judge(const tsv_images *t, const mask_run *run, mask_error *err)
{
    const char *path = t->base.path;
    unsigned long long line = t->wrong_line;
    if (t->map.size == 0) return mask__fail_at(err, MASK_EFORMAT, 0, "%s: is empty: make or copy it again", path);
    if (t->damaged > t->base.count)
        return mask__fail(err, MASK_EFORMAT,
                          "%s: line %llu: %s: of %zu rows only %zu can be used; needed are the 6 columns of bottom-up "
                          "attention or the 10 of LXMERT, set apart by tabs: extract or copy it again",
                          path, line, t->wrong, t->damaged + t->repeated + t->base.count, t->base.count);
    if (t->damaged)
        mask__log(run, MASK_LOG_WARNING,
                  "%s: skipped %zu damaged rows (the first, line %llu, %s) and %zu repeated ones", path, t->damaged,
                  line, t->wrong, t->repeated);
    else if (t->repeated)
        mask__log(run, MASK_LOG_WARNING, "%s: skipped %zu rows whose image came before", path, t->repeated);
    return MASK_OK;
}

static bool size_of(const mask_images *base, size_t image, float size[2])
{
    const entry *e = &((const tsv_images *)base)->entries[image];
    size[0] = (float)e->width;
    size[1] = (float)e->height;
    return e->width && e->height;
}

/* Decodes the groups that hold the box, not the whole column. */
static bool box_of(const mask_images *base, size_t image, size_t region, float box[4])
{
    const tsv_images *t = (const tsv_images *)base;
    const entry *e = &t->entries[image];
    unsigned char part[BOX_BYTES + 6];
    size_t total = e->regions * (size_t)BOX_BYTES, from = region * BOX_BYTES / 3 * 3, where;
    size_t to = (region * BOX_BYTES + BOX_BYTES + 2) / 3 * 3;
    if (to > total) to = total;
    if (mask__base64_decode((const char *)t->map.data + e->boxes + from / 3 * 4, part, to - from) != SIZE_MAX)
        return false;
    memcpy(box, part + (region * BOX_BYTES - from), BOX_BYTES);
    return mask__all_finite(box, 4, &where);
}

/* Decodes one column of classes at *at, which moves behind it; false when it does not hold one a region. */
static bool decode_column(const tsv_images *t, const entry *e, size_t *at, size_t bytes, void *out)
{
    const char *text = (const char *)t->map.data + *at;
    size_t length = mask__base64_length(bytes);
    if (*at > e->boxes || e->boxes - *at <= length || text[length] != '\t') return false;
    *at += length + 1;
    return mask__base64_decode(text, out, bytes) == SIZE_MAX;
}

mask_status mask__images_tsv_classes(const mask_images *images, size_t image, int64_t *objects, int64_t *attributes,
                                     float *confidences, mask_error *err)
{
    const tsv_images *t = (const tsv_images *)images;
    if (images->source != &mask__images_tsv || t->columns != MASK__TSV_LXMERT)
        return mask__fail(err, MASK_EFORMAT,
                          "%s: has no classes of regions: needed is a TSV file with the 10 columns of LXMERT",
                          images->path);
    const entry *e = &t->entries[image];
    size_t at = e->classes, n = e->regions;
    if (decode_column(t, e, &at, n * sizeof *objects, objects) &&
        decode_column(t, e, &at, n * sizeof(float), confidences) &&
        decode_column(t, e, &at, n * sizeof *attributes, attributes))
        return MASK_OK;
    return mask__fail_at(
        err, MASK_EFORMAT, at,
        "%s: line %llu: byte %zu: the classes of image %s are not base64 of one int64 or float32 a region: "
        "remove the line or extract the image again",
        images->path, (unsigned long long)e->line, at, mask_images_id(images, image));
}

static mask_status not_base64(const tsv_images *t, size_t image, size_t at, mask_error *err)
{
    const entry *e = &t->entries[image];
    size_t byte = e->features + at;
    return mask__fail_at(
        err, MASK_EFORMAT, byte,
        "%s: line %llu: byte %zu: the features of image %s are not base64 there: remove the line or extract "
        "the image again",
        t->base.path, (unsigned long long)e->line, byte, mask_images_id(&t->base, image));
}

/* On one thread: decoding is as fast as memory, and whoever needs more calls from several. */
static mask_status block(const mask_images *base, size_t first, size_t count, float *buffer, const float **features,
                         mask_error *err)
{
    const tsv_images *t = (const tsv_images *)base;
    *features = buffer;
    for (size_t i = first; i < first + count; i++) {
        size_t at = t->entries[i].features, items = t->entries[i].regions * base->dim;
        size_t bad = mask__base64_decode((const char *)t->map.data + at, buffer, items * sizeof *buffer);
        mask__map_forget(&t->map, at, mask__base64_length(items * sizeof *buffer));
        if (bad != SIZE_MAX) return not_base64(t, i, bad, err);
        buffer += items;
    }
    return MASK_OK;
}

static size_t byte_of(const mask_images *base, size_t image, size_t item)
{
    return ((const tsv_images *)base)->entries[image].features + item * sizeof(float) / 3 * 4;
}

static void close_images(mask_images *base)
{
    tsv_images *t = (tsv_images *)base;
    mask__map_close(&t->map);
    mask__strings_free(&t->ids);
    free(t->entries);
}

static mask_status open_images(mask_images *base, const mask__images_request *request, mask_error *err)
{
    tsv_images *t = (tsv_images *)base;
    MASK__TRY(mask__map_open(&t->map, base->path, err));
    MASK__TRY(read_rows(t, request->run, err));
    MASK__TRY(choose_images(t, err));
    return judge(t, request->run, err);
}

const mask__images_source mask__images_tsv = {
    .bytes = sizeof(tsv_images),
    .open = open_images,
    .box = box_of,
    .size = size_of,
    .block = block,
    .byte = byte_of,
    .close = close_images,
};
