/* The reading side of the region store. Names and counts are read at open; boxes and features when they are asked for,
 * one thread at a time, since a connection of SQLite serves one. It keeps no transaction open, so that the store may be
 * extended meanwhile: a photo that has changed since is refused, not misread. */
#include "images/images.h"
#include "images/regions.h"
#include "images/regions_db.h"
#include "base/sqlfile.h"
#include "base/memory.h"
#include "math/half.h"
#include "math/vector.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

typedef struct entry {
    int64_t number; /* primary key */
    uint32_t width, height;
} entry;

typedef struct reader {
    mask_images base; /* names are the photos' paths */
    mask__regions_facts facts;
    char *options;
    bool small; /* features in 8 bits */
    sqlite3 *db;
    pthread_mutex_t lock; /* guards the statements */
    sqlite3_stmt *select_boxes, *select_features;
    unsigned char *inflated; /* an image's features */
    size_t inflated_capacity;
    entry *entries;
    size_t capacity;
} reader;

static mask_status damaged(const reader *r, const char *what, mask_error *err)
{
    return mask__fail(err, MASK_EFORMAT, "%s: table photos: %s: extract it again", r->base.path, what);
}

static mask_status add_text(const reader *r, mask__names *names, sqlite3_stmt *s, int column, mask_error *err)
{
    const char *text = (const char *)sqlite3_column_text(s, column);
    if (!text || !*text) return damaged(r, "an id, path or label is missing", err);
    return mask__names_add(names, text, strlen(text), err);
}

static mask_status read_entry(reader *r, sqlite3_stmt *s, mask_error *err)
{
    int64_t regions = sqlite3_column_int64(s, 3);
    size_t count = r->base.count, capacity = r->capacity;
    if (regions < 1 || regions > MASK__REGIONS_MAX)
        return damaged(r, "a photo's number of regions is out of range", err);
    if (!mask__grow(&r->base.regions, &capacity, count + 1, sizeof *r->base.regions) ||
        !mask__grow(&r->entries, &r->capacity, count + 1, sizeof *r->entries))
        return mask__no_memory(err, r->base.path);
    r->base.regions[count] = (uint32_t)regions;
    r->entries[count] = (entry){.number = sqlite3_column_int64(s, 0),
                                .width = (uint32_t)sqlite3_column_int64(s, 4),
                                .height = (uint32_t)sqlite3_column_int64(s, 5)};
    r->base.count++;
    MASK__TRY(add_text(r, &r->base.ids, s, 1, err));
    return add_text(r, &r->base.names, s, 2, err);
}

static mask_status read_entries(reader *r, mask_error *err)
{
    static const char sql[] = "SELECT number, id, path, regions, width, height FROM photos WHERE error IS NULL "
                              "ORDER BY id";
    MASK__CLOSED(mask__sql_finalize) sqlite3_stmt *s = NULL;
    mask_status status = MASK_OK;
    int code = SQLITE_DONE;
    int64_t bad = 0;
    MASK__TRY(mask__regions_db_prepare(r->db, r->base.path, sql, &s, err));
    mask__sql_bound(r->db, r->base.path);
    while (status == MASK_OK && (code = sqlite3_step(s)) == SQLITE_ROW) status = read_entry(r, s, err);
    if (status == MASK_OK && code != SQLITE_DONE) status = mask__regions_db_fail(r->db, r->base.path, err);
    if (status == MASK_OK)
        status = mask__sql_number(r->db, r->base.path, mask__regions_db_advice,
                                  "SELECT count(*) FROM photos WHERE error IS NOT NULL", &bad, err);
    mask__sql_unbound(r->db);
    r->facts.bad = (size_t)bad;
    return status;
}

static mask_status read_tables(reader *r, mask_error *err)
{
    uint64_t dim;
    bool empty;
    mask_extract_options made;
    MASK__TRY(mask__regions_db_open(&r->db, r->base.path, false, &empty, err));
    if (empty) return mask__fail(err, MASK_EFORMAT, "%s: is an empty store: extract photos into it", r->base.path);
    MASK__TRY(mask__regions_db_meta_number(r->db, r->base.path, "encoder", 16, UINT64_MAX, &r->facts.encoder, err));
    MASK__TRY(mask__regions_db_meta_number(r->db, r->base.path, "dim", 10, MASK__REGIONS_MAX_DIM, &dim, err));
    r->base.dim = (size_t)dim;
    if (r->base.dim == 0) return damaged(r, "features of no dimension", err);
    MASK__TRY(mask__regions_db_made(r->db, r->base.path, &r->options, &made, err));
    r->facts.options = r->options;
    r->small = made.small;
    MASK__TRY(read_entries(r, err));
    MASK__TRY(mask__regions_db_prepare(r->db, r->base.path, "SELECT boxes FROM photos WHERE number = ?1",
                                       &r->select_boxes, err));
    return mask__regions_db_prepare(r->db, r->base.path, "SELECT features FROM photos WHERE number = ?1",
                                    &r->select_features, err);
}

static mask_status open_images(mask_images *base, const mask__images_request *request, mask_error *err)
{
    reader *r = (reader *)base;
    (void)request;
    pthread_mutex_init(&r->lock, NULL);
    return read_tables(r, err);
}

static void close_images(mask_images *base)
{
    reader *r = (reader *)base;
    sqlite3_finalize(r->select_boxes);
    sqlite3_finalize(r->select_features);
    sqlite3_close(r->db);
    pthread_mutex_destroy(&r->lock);
    free(r->entries);
    free(r->inflated);
    free(r->options);
}

mask_status mask__regions_reader_open(mask_images **out, const char *path, mask_error *err)
{
    return mask__images_open_as(out, &mask__images_regions, path, &(mask__images_request){0}, err);
}

const mask__regions_facts *mask__regions_facts_of(const mask_images *images)
{
    return &((const reader *)images)->facts;
}

static bool size_of(const mask_images *base, size_t image, float size[2])
{
    const entry *e = &((const reader *)base)->entries[image];
    size[0] = (float)e->width;
    size[1] = (float)e->height;
    return e->width && e->height;
}

/* Moves a statement to an image's row. The lock is held. */
static mask_status stand_on(const reader *r, sqlite3_stmt *s, size_t image, mask_error *err)
{
    sqlite3_bind_int64(s, 1, r->entries[image].number);
    int code = sqlite3_step(s);
    if (code == SQLITE_ROW) return MASK_OK;
    if (code != SQLITE_DONE) return mask__regions_db_fail(r->db, r->base.path, err);
    return mask__fail(err, MASK_ENOTFOUND, "%s: photo %s is gone since the store was opened: open it again",
                      r->base.path, mask_images_id(&r->base, image));
}

/* `bytes` of a deflated blob, 0 in *got where it is not one of about as many. One that holds them as they are is of a
 * time before they were deflated. */
static mask_status inflate_blob(reader *r, size_t bytes, const unsigned char **data, size_t *got, mask_error *err)
{
    enum { MOST = 1032 /* times deflate makes something smaller */ };
    uLongf room = bytes;
    bool likely = bytes / MOST <= *got;
    if (likely && !mask__grow(&r->inflated, &r->inflated_capacity, bytes, 1)) return mask__no_memory(err, r->base.path);
    bool inflated = likely && uncompress(r->inflated, &room, *data, *got) == Z_OK;
    if (!inflated && *got == bytes) return MASK_OK;
    *got = inflated ? room : 0;
    *data = r->inflated;
    return MASK_OK;
}

/* A blob of regions x each bytes in the row a statement stands on. */
static mask_status blob(reader *r, sqlite3_stmt *s, size_t image, bool deflated, size_t each,
                        const unsigned char **data, mask_error *err)
{
    *data = sqlite3_column_blob(s, 0);
    size_t bytes = (size_t)sqlite3_column_bytes(s, 0), regions = r->base.regions[image];
    if (*data && deflated) MASK__TRY(inflate_blob(r, regions * each, data, &bytes, err));
    if (*data && bytes == regions * each) return MASK_OK;
    return mask__fail(
        err, MASK_EFORMAT,
        "%s: photo %s: its %s have %zu bytes, %zu belong to %zu regions: the store has changed since it was "
        "opened or is damaged: open it again, else extract it again",
        r->base.path, mask_images_id(&r->base, image), sqlite3_column_name(s, 0), bytes, regions * each, regions);
}

/* Codes of all regions, then their steps. */
static void from_bytes(const unsigned char *data, size_t regions, size_t dim, float *out)
{
    for (size_t i = 0; i < regions; i++) {
        float step;
        memcpy(&step, data + regions * dim + i * sizeof step, sizeof step);
        mask__from_bytes(data + i * dim, step, dim, out + i * dim);
    }
}

/* Runs `s` for an image, and its blob of regions x each bytes into out: copied, or halves or bytes as floats. */
static mask_status read_blob(const mask_images *base, size_t image, bool boxes, float *out, mask_error *err)
{
    reader *r = (reader *)(uintptr_t)base; /* what changes is behind the lock */
    sqlite3_stmt *s = boxes ? r->select_boxes : r->select_features;
    const unsigned char *data;
    size_t each = boxes      ? 4 * sizeof *out
                  : r->small ? base->dim + sizeof(float)
                             : base->dim * sizeof(uint16_t),
           regions = base->regions[image];
    pthread_mutex_lock(&r->lock);
    mask_status status = stand_on(r, s, image, err);
    if (status == MASK_OK) status = blob(r, s, image, r->small && !boxes, each, &data, err);
    if (status == MASK_OK && boxes) memcpy(out, data, regions * each);
    else if (status == MASK_OK && r->small) from_bytes(data, regions, base->dim, out);
    else if (status == MASK_OK) mask__half_to_float((const uint16_t *)(const void *)data, out, regions * base->dim);
    sqlite3_reset(s); /* a statement that stands on a row keeps writers out */
    pthread_mutex_unlock(&r->lock);
    return status;
}

static bool read_boxes(const mask_images *base, size_t image, float *boxes)
{
    return read_blob(base, image, true, boxes, NULL) == MASK_OK;
}

static mask_status block(const mask_images *base, size_t first, size_t count, float *buffer, const float **features,
                         mask_error *err)
{
    *features = buffer;
    for (size_t i = first; i < first + count; i++) {
        MASK__TRY(read_blob(base, i, false, buffer, err));
        buffer += base->regions[i] * base->dim;
    }
    return MASK_OK;
}

const mask__images_source mask__images_regions = {
    .bytes = sizeof(reader),
    .open = open_images,
    .boxes = read_boxes,
    .size = size_of,
    .block = block,
    .sorted = true,
    .close = close_images,
};
