/* The reading side of the region store. Names and counts are read at open; boxes and features when they are asked for,
 * one thread at a time, since a connection of SQLite serves one. It keeps no transaction open, so that the store may be
 * extended meanwhile: a photo that has changed since is refused, not misread. */
#include "base/names.h"
#include "images/regions.h"
#include "images/regions_db.h"
#include "base/file.h"
#include "base/sqlfile.h"
#include "base/memory.h"
#include "math/half.h"
#include "math/vector.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct entry {
    int64_t number; /* primary key */
    uint32_t regions, width, height;
} entry;

struct mask__regions_reader {
    char *path, *options;
    sqlite3 *db;
    pthread_mutex_t lock; /* guards the statements and what is held */
    sqlite3_stmt *select_boxes, *select_features;
    size_t held;       /* the image whose boxes were read last; SIZE_MAX = none */
    float (*boxes)[4]; /* MASK__REGIONS_MAX of them */
    uint64_t encoder;
    size_t dim, bad, rows;
    entry *entries;
    size_t capacity;
    mask__names ids, paths;
};

static mask_status damaged(const mask__regions_reader *r, const char *what, mask_error *err)
{
    return mask__fail(err, MASK_EFORMAT, MASK_NO_OFFSET, "%s: table photos: %s: extract it again", r->path, what);
}

static mask_status add_text(const mask__regions_reader *r, mask__names *names, sqlite3_stmt *s, int column,
                            mask_error *err)
{
    const char *text = (const char *)sqlite3_column_text(s, column);
    if (!text || !*text) return damaged(r, "an id, path or label is missing", err);
    return mask__names_add(names, text, strlen(text), err);
}

static mask_status read_entry(mask__regions_reader *r, sqlite3_stmt *s, mask_error *err)
{
    int64_t regions = sqlite3_column_int64(s, 3);
    size_t count = r->ids.count;
    if (regions < 1 || regions > MASK__REGIONS_MAX)
        return damaged(r, "a photo's number of regions is out of range", err);
    if (!mask__grow(&r->entries, &r->capacity, count + 1, sizeof *r->entries)) return mask__no_memory(err, r->path);
    r->entries[count] = (entry){.number = sqlite3_column_int64(s, 0),
                                .regions = (uint32_t)regions,
                                .width = (uint32_t)sqlite3_column_int64(s, 4),
                                .height = (uint32_t)sqlite3_column_int64(s, 5)};
    r->rows += (size_t)regions;
    MASK__TRY(add_text(r, &r->ids, s, 1, err));
    return add_text(r, &r->paths, s, 2, err);
}

static mask_status read_bad(mask__regions_reader *r, sqlite3_stmt *s, mask_error *err)
{
    (void)err;
    r->bad = (size_t)sqlite3_column_int64(s, 0);
    return MASK_OK;
}

static mask_status for_each(mask__regions_reader *r, const char *sql,
                            mask_status (*visit)(mask__regions_reader *, sqlite3_stmt *, mask_error *), mask_error *err)
{
    sqlite3_stmt *s;
    mask_status status = MASK_OK;
    int code = SQLITE_DONE;
    MASK__TRY(mask__regions_db_prepare(r->db, r->path, sql, &s, err));
    mask__sql_bound(r->db, r->path);
    while (status == MASK_OK && (code = sqlite3_step(s)) == SQLITE_ROW) status = visit(r, s, err);
    if (status == MASK_OK && code != SQLITE_DONE) status = mask__regions_db_fail(r->db, r->path, err);
    mask__sql_unbound(r->db);
    sqlite3_finalize(s);
    return status;
}

static mask_status read_tables(mask__regions_reader *r, mask_error *err)
{
    uint64_t dim;
    bool empty;
    MASK__TRY(mask__regions_db_open(&r->db, r->path, false, &empty, err));
    if (empty)
        return mask__fail(err, MASK_EFORMAT, MASK_NO_OFFSET, "%s: is an empty store: extract photos into it", r->path);
    MASK__TRY(mask__regions_db_meta_number(r->db, r->path, "encoder", 16, UINT64_MAX, &r->encoder, err));
    MASK__TRY(mask__regions_db_meta_number(r->db, r->path, "dim", 10, MASK__REGIONS_MAX_DIM, &dim, err));
    r->dim = (size_t)dim;
    if (r->dim == 0) return damaged(r, "features of no dimension", err);
    MASK__TRY(mask__regions_db_meta(r->db, r->path, "options", &r->options, err));
    MASK__TRY(for_each(r, "SELECT count(*) FROM photos WHERE error IS NOT NULL", read_bad, err));
    MASK__TRY(for_each(r, "SELECT number, id, path, regions, width, height FROM photos WHERE error IS NULL ORDER BY id",
                       read_entry, err));
    MASK__TRY(
        mask__regions_db_prepare(r->db, r->path, "SELECT boxes FROM photos WHERE number = ?1", &r->select_boxes, err));
    return mask__regions_db_prepare(r->db, r->path, "SELECT features FROM photos WHERE number = ?1",
                                    &r->select_features, err);
}

mask_status mask__regions_reader_open(mask__regions_reader **out, const char *path, mask_error *err)
{
    *out = NULL;
    mask__regions_reader *r = calloc(1, sizeof *r);
    if (!r) return mask__no_memory(err, path);
    pthread_mutex_init(&r->lock, NULL);
    r->held = SIZE_MAX;
    r->boxes = calloc(MASK__REGIONS_MAX, sizeof *r->boxes);
    mask_status status = r->boxes && (r->path = strdup(path)) ? read_tables(r, err) : mask__no_memory(err, path);
    if (status != MASK_OK) mask__regions_reader_close(r);
    else *out = r;
    return status;
}

void mask__regions_reader_close(mask__regions_reader *r)
{
    if (!r) return;
    sqlite3_finalize(r->select_boxes);
    sqlite3_finalize(r->select_features);
    sqlite3_close(r->db);
    pthread_mutex_destroy(&r->lock);
    mask__names_free(&r->ids);
    mask__names_free(&r->paths);
    free(r->entries);
    free(r->boxes);
    free(r->options);
    free(r->path);
    free(r);
}

size_t mask__regions_reader_count(const mask__regions_reader *r)
{
    return r->ids.count;
}

size_t mask__regions_reader_bad(const mask__regions_reader *r)
{
    return r->bad;
}

size_t mask__regions_reader_dim(const mask__regions_reader *r)
{
    return r->dim;
}

size_t mask__regions_reader_rows(const mask__regions_reader *r)
{
    return r->rows;
}

uint64_t mask__regions_reader_encoder(const mask__regions_reader *r)
{
    return r->encoder;
}

const char *mask__regions_reader_options(const mask__regions_reader *r)
{
    return r->options;
}

const char *mask__regions_reader_path(const mask__regions_reader *r)
{
    return r->path;
}

size_t mask__regions_reader_regions(const mask__regions_reader *r, size_t image)
{
    return image < r->ids.count ? r->entries[image].regions : 0;
}

const char *mask__regions_reader_id(const mask__regions_reader *r, size_t image)
{
    return mask__names_get(&r->ids, image);
}

const char *mask__regions_reader_name(const mask__regions_reader *r, size_t image)
{
    return mask__names_get(&r->paths, image);
}

void mask__regions_reader_size(const mask__regions_reader *r, size_t image, uint32_t size[2])
{
    size[0] = r->entries[image].width;
    size[1] = r->entries[image].height;
}

int64_t mask__regions_reader_find(const mask__regions_reader *r, const char *id)
{
    int64_t image = r->ids.count ? mask__names_find(&r->ids, id) : -1;
    return image >= 0 || !r->paths.count ? image : mask__names_find(&r->paths, id);
}

/* Moves a statement to an image's row. The lock is held. */
static mask_status stand_on(const mask__regions_reader *r, sqlite3_stmt *s, size_t image, mask_error *err)
{
    sqlite3_bind_int64(s, 1, r->entries[image].number);
    int code = sqlite3_step(s);
    if (code == SQLITE_ROW) return MASK_OK;
    if (code != SQLITE_DONE) return mask__regions_db_fail(r->db, r->path, err);
    return mask__fail(err, MASK_ENOTFOUND, MASK_NO_OFFSET,
                      "%s: photo %s is gone since the store was opened: open it again", r->path,
                      mask__names_get(&r->ids, image));
}

/* A blob of regions x each bytes in the row a statement stands on. */
static mask_status blob(const mask__regions_reader *r, sqlite3_stmt *s, size_t image, int column, size_t each,
                        const unsigned char **data, mask_error *err)
{
    *data = sqlite3_column_blob(s, column);
    size_t bytes = (size_t)sqlite3_column_bytes(s, column), regions = r->entries[image].regions;
    if (*data && bytes == regions * each) return MASK_OK;
    return mask__fail(
        err, MASK_EFORMAT, MASK_NO_OFFSET,
        "%s: photo %s: its %s have %zu bytes, %zu belong to %zu regions: the store has changed since it was "
        "opened or is damaged: open it again, else extract it again",
        r->path, mask__names_get(&r->ids, image), sqlite3_column_name(s, column), bytes, regions * each, regions);
}

static mask_status read_held(mask__regions_reader *r, size_t image, mask_error *err)
{
    const unsigned char *boxes;
    size_t where;
    MASK__TRY(stand_on(r, r->select_boxes, image, err));
    MASK__TRY(blob(r, r->select_boxes, image, 0, sizeof *r->boxes, &boxes, err));
    memcpy(r->boxes, boxes, r->entries[image].regions * sizeof *r->boxes);
    if (mask__all_finite(r->boxes[0], 4 * r->entries[image].regions, &where)) return MASK_OK;
    return damaged(r, "a box is NaN or infinite", err);
}

/* Holds an image's regions; the lock is held. Usually all boxes of an image are asked for one after the other. */
static bool hold(mask__regions_reader *r, size_t image)
{
    if (r->held == image) return true;
    r->held = SIZE_MAX;
    bool good = read_held(r, image, NULL) == MASK_OK;
    sqlite3_reset(r->select_boxes); /* a statement that stands on a row keeps writers out */
    if (good) r->held = image;
    return good;
}

bool mask__regions_reader_box(const mask__regions_reader *reader, size_t image, size_t region, float box[4])
{
    mask__regions_reader *r = (mask__regions_reader *)(uintptr_t)reader; /* what changes is behind the lock */
    if (image >= r->ids.count || region >= r->entries[image].regions) return false;
    pthread_mutex_lock(&r->lock);
    bool good = hold(r, image);
    if (good) memcpy(box, r->boxes[region], sizeof *r->boxes);
    pthread_mutex_unlock(&r->lock);
    return good;
}

mask_status mask__regions_reader_features(const mask__regions_reader *reader, size_t image, float *out, mask_error *err)
{
    mask__regions_reader *r = (mask__regions_reader *)(uintptr_t)reader; /* what changes is behind the lock */
    const unsigned char *halves;
    if (image >= r->ids.count)
        return mask__fail(err, MASK_EINVAL, MASK_NO_OFFSET, "%s: image %zu of %zu was asked for", r->path, image,
                          r->ids.count);
    pthread_mutex_lock(&r->lock);
    mask_status status = stand_on(r, r->select_features, image, err);
    if (status == MASK_OK) status = blob(r, r->select_features, image, 0, r->dim * sizeof(uint16_t), &halves, err);
    if (status == MASK_OK)
        mask__half_to_float((const uint16_t *)(const void *)halves, out, r->entries[image].regions * r->dim);
    sqlite3_reset(r->select_features);
    pthread_mutex_unlock(&r->lock);
    return status;
}
