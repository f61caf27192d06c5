/* The writing side of the region store. Each statement is prepared once; a transaction is open from the first change
 * until the commit. */
#include "images/regions.h"
#include "base/options.h"
#include "images/regions_db.h"
#include "base/memory.h"
#include "base/sqlfile.h"
#include "math/half.h"
#include "math/vector.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

static const float LARGEST_HALF = 65504;

enum statement { ID_TAKEN, PUT, COPY, NAME, REMOVE, STATEMENTS };
static const char *const sql[STATEMENTS] = {
    [ID_TAKEN] = "SELECT 1 FROM photos WHERE id = ?1 AND path <> ?2",
    [PUT] = "INSERT INTO photos (id, path, size, mtime, hash, width, height, regions, error, boxes, labels, scores, "
            "features)"
            " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)"
            " ON CONFLICT (path) DO UPDATE SET size = ?3, mtime = ?4, hash = ?5, width = ?6, height = ?7, regions = ?8,"
            " error = ?9, boxes = ?10, labels = ?11, scores = ?12, features = ?13",
    [COPY] =
        "INSERT INTO photos (id, path, size, mtime, hash, width, height, regions, error, boxes, labels, scores, "
        "features)"
        " SELECT ?1, ?2, ?3, ?4, ?5, width, height, regions, error, boxes, labels, scores, features FROM photos"
        " WHERE hash = ?5 AND size = ?3 AND error IS NULL ORDER BY number LIMIT 1"
        " ON CONFLICT (path) DO UPDATE SET size = excluded.size, mtime = excluded.mtime, hash = excluded.hash,"
        " width = excluded.width, height = excluded.height, regions = excluded.regions, error = excluded.error,"
        " boxes = excluded.boxes, labels = excluded.labels, scores = excluded.scores, features = excluded.features",
    [NAME] = "UPDATE OR IGNORE photos SET id = ?1 WHERE path = ?2 AND id <> ?1",
    [REMOVE] = "DELETE FROM photos WHERE path = ?1",
};

struct mask__regions_store {
    char *path;
    sqlite3 *db;
    sqlite3_stmt *statements[STATEMENTS];
    size_t dim;
    bool small;
    unsigned char *features, *deflated; /* a photo's, on their way */
    size_t features_capacity, deflated_capacity;
    bool changing; /* a transaction is open */
};

static mask_status store_fail(const mask__regions_store *store, mask_error *err)
{
    return mask__regions_db_fail(store->db, store->path, err);
}

static mask_status insert_pair(mask__regions_store *store, sqlite3_stmt *statement, const char *value, mask_error *err)
{
    sqlite3_bind_text(statement, 2, value, -1, SQLITE_TRANSIENT);
    if (sqlite3_step(statement) != SQLITE_DONE) return store_fail(store, err);
    sqlite3_reset(statement);
    return MASK_OK;
}

/* Schema and meta data in one transaction: a store is there with both or not at all. */
static mask_status make_store(mask__regions_store *store, const mask__regions_make *make, mask_error *err)
{
    char encoder[20], dim[24];
    MASK__CLOSED(mask__sql_finalize) sqlite3_stmt *meta = NULL;
    MASK__CLOSED(mask__sql_finalize) sqlite3_stmt *labels = NULL;
    MASK__TRY(mask__regions_db_run(store->db, store->path, mask__regions_db_schema, err));
    MASK__TRY(mask__regions_db_prepare(store->db, store->path, "INSERT INTO meta VALUES (?1, ?2)", &meta, err));
    MASK__TRY(mask__regions_db_prepare(store->db, store->path, "INSERT INTO labels VALUES (?1, ?2)", &labels, err));
    snprintf(encoder, sizeof encoder, "%016llx", (unsigned long long)make->encoder);
    snprintf(dim, sizeof dim, "%zu", make->dim);
    const char *const pairs[][2] = {{"encoder", encoder}, {"dim", dim}, {"options", make->options}};
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        sqlite3_bind_text(meta, 1, pairs[i][0], -1, SQLITE_STATIC);
        MASK__TRY(insert_pair(store, meta, pairs[i][1], err));
    }
    for (size_t i = 0; i < make->label_count; i++) {
        sqlite3_bind_int64(labels, 1, (sqlite3_int64)i);
        MASK__TRY(insert_pair(store, labels, make->labels[i], err));
    }
    return mask__regions_db_run(store->db, store->path, "COMMIT", err);
}

static mask_status other_encoder(const mask__regions_store *store, mask_error *err)
{
    return mask__fail(err, MASK_EMISMATCH,
                      "%s: was extracted with another encoder: use that one, or another file for the output",
                      store->path);
}

mask_status mask__regions_check_dim(const mask__regions_store *store, size_t dim, mask_error *err)
{
    return dim == store->dim ? MASK_OK : other_encoder(store, err);
}

/* Takes over what the store says of itself, where it is what is asked for. */
static mask_status check_make(mask__regions_store *store, const mask__regions_make *make, mask_error *err)
{
    uint64_t encoder, dim;
    MASK__FREED char *options = NULL;
    mask_extract_options made;
    MASK__TRY(mask__regions_db_meta_number(store->db, store->path, "encoder", 16, UINT64_MAX, &encoder, err));
    MASK__TRY(mask__regions_db_meta_number(store->db, store->path, "dim", 10, MASK__REGIONS_MAX_DIM, &dim, err));
    store->dim = (size_t)dim;
    if (encoder != make->encoder) return other_encoder(store, err);
    if (make->dim) MASK__TRY(mask__regions_check_dim(store, make->dim, err));
    MASK__TRY(mask__regions_db_made(store->db, store->path, &options, &made, err));
    store->small = made.small;
    if (!mask__options_differ(MASK_OPTIONS_EXTRACT, options, make->options)) return MASK_OK;
    return mask__fail(
        err, MASK_EMISMATCH,
        "%s: was extracted with '%.80s', not '%.80s': use the same options, or another file for the output",
        store->path, options, make->options);
}

static mask_status open_store(mask__regions_store *store, const mask__regions_make *make, mask_error *err)
{
    bool empty;
    MASK__TRY(mask__regions_db_open(&store->db, store->path, true, &empty, err));
    MASK__TRY(
        mask__regions_db_run(store->db, store->path, "PRAGMA journal_mode = DELETE; PRAGMA synchronous = FULL", err));
    if (empty && make->dim == 0)
        return mask__fail(err, MASK_EFORMAT, "%s: is an SQLite file without tables: delete it", store->path);
    if (empty) MASK__TRY(make_store(store, make, err));
    MASK__TRY(check_make(store, make, err));
    for (int i = 0; i < STATEMENTS; i++)
        MASK__TRY(mask__regions_db_prepare(store->db, store->path, sql[i], &store->statements[i], err));
    return MASK_OK;
}

mask_status mask__regions_open(mask__regions_store **out, const char *path, const mask__regions_make *make,
                               mask_error *err)
{
    *out = NULL;
    if (make->dim > MASK__REGIONS_MAX_DIM)
        return mask__fail(err, MASK_EINVAL, "%s: features of %zu dimensions cannot be stored", path, make->dim);
    mask__regions_store *store = calloc(1, sizeof *store);
    mask_status status = MASK_OK;
    if (!store || !(store->path = strdup(path))) status = mask__no_memory(err, path);
    if (status == MASK_OK) status = open_store(store, make, err);
    if (status != MASK_OK) mask__regions_close(store);
    else *out = store;
    return status;
}

void mask__regions_close(mask__regions_store *store)
{
    if (!store) return;
    for (int i = 0; i < STATEMENTS; i++) sqlite3_finalize(store->statements[i]);
    sqlite3_close(store->db); /* rolls back */
    free(store->features);
    free(store->deflated);
    free(store->path);
    free(store);
}

static mask_status begin(mask__regions_store *store, mask_error *err)
{
    if (store->changing) return MASK_OK;
    MASK__TRY(mask__regions_db_run(store->db, store->path, "BEGIN IMMEDIATE", err));
    store->changing = true;
    return MASK_OK;
}

mask_status mask__regions_commit(mask__regions_store *store, mask_error *err)
{
    if (!store->changing) return MASK_OK;
    MASK__TRY(mask__regions_db_run(store->db, store->path, "COMMIT", err));
    store->changing = false;
    return MASK_OK;
}

/* Runs a statement that returns no rows. */
static mask_status finish(mask__regions_store *store, sqlite3_stmt *statement, mask_error *err)
{
    mask_status status = sqlite3_step(statement) == SQLITE_DONE ? MASK_OK : store_fail(store, err);
    sqlite3_reset(statement);
    sqlite3_clear_bindings(statement);
    return status;
}

/* The id, or the path where another photo has that id. */
static mask_status choose_id(mask__regions_store *store, const char *own, const char *path, const char **id,
                             mask_error *err)
{
    sqlite3_stmt *s = store->statements[ID_TAKEN];
    sqlite3_bind_text(s, 1, own, -1, SQLITE_STATIC);
    sqlite3_bind_text(s, 2, path, -1, SQLITE_STATIC);
    int code = sqlite3_step(s);
    *id = code == SQLITE_ROW ? path : own;
    mask_status status = code == SQLITE_ROW || code == SQLITE_DONE ? MASK_OK : store_fail(store, err);
    sqlite3_reset(s);
    return status;
}

static mask_status bind_file(mask__regions_store *store, sqlite3_stmt *s, const mask__regions_row *row, mask_error *err)
{
    const char *id;
    MASK__TRY(choose_id(store, row->id, row->path, &id, err));
    sqlite3_bind_text(s, 1, id, -1, SQLITE_STATIC);
    sqlite3_bind_text(s, 2, row->path, -1, SQLITE_STATIC);
    sqlite3_bind_int64(s, 3, (sqlite3_int64)row->size);
    sqlite3_bind_int64(s, 4, row->mtime);
    sqlite3_bind_int64(s, 5, (sqlite3_int64)row->hash);
    return MASK_OK;
}

/* NaN, infinity, and what float16 would turn into infinity. */
static bool storable(const float *values, size_t count, size_t *where)
{
    for (*where = 0; *where < count; ++*where)
        if (!(values[*where] >= -LARGEST_HALF && values[*where] <= LARGEST_HALF)) return false;
    return true;
}

/* Codes of all regions, then their steps. */
static void put_bytes(mask__regions_store *store, const mask__regions_row *row)
{
    unsigned char *steps = store->features + row->count * store->dim;
    for (size_t r = 0; r < row->count; r++) {
        float step = mask__to_bytes(row->features + r * store->dim, store->dim, store->features + r * store->dim);
        memcpy(steps + r * sizeof step, &step, sizeof step);
    }
}

/* Two thirds of the codes are 0: Huffman's code alone makes them a quarter, in a tenth of a millisecond. */
static mask_status deflate_bytes(mask__regions_store *store, size_t *bytes, mask_error *err)
{
    z_stream z = {.next_in = store->features, .avail_in = (uInt)*bytes};
    if (deflateInit2(&z, Z_BEST_SPEED, Z_DEFLATED, MAX_WBITS, MAX_MEM_LEVEL, Z_HUFFMAN_ONLY) != Z_OK)
        return mask__no_memory(err, store->path);
    size_t room = deflateBound(&z, *bytes);
    bool good = mask__grow(&store->deflated, &store->deflated_capacity, room, 1);
    z.next_out = store->deflated;
    z.avail_out = (uInt)room;
    good = good && deflate(&z, Z_FINISH) == Z_STREAM_END;
    *bytes = z.total_out;
    deflateEnd(&z);
    return good ? MASK_OK : mask__no_memory(err, store->path);
}

static mask_status bind_regions(mask__regions_store *store, sqlite3_stmt *s, const mask__regions_row *row,
                                mask_error *err)
{
    size_t where, values = row->count * store->dim;
    if (row->count > MASK__REGIONS_MAX || values > INT32_MAX / sizeof(float))
        return mask__fail(err, MASK_EINVAL, "%s: %zu regions, %d are the most a photo may have", row->path, row->count,
                          MASK__REGIONS_MAX);
    if (!storable(row->features, values, &where))
        return mask__fail(err, MASK_ENUMERIC,
                          "%s: region %zu: a feature is NaN or too large for float16: check the encoder", row->path,
                          where / store->dim);
    size_t bytes = store->small ? values + row->count * sizeof(float) : values * sizeof(uint16_t);
    if (!mask__grow(&store->features, &store->features_capacity, bytes, 1)) return mask__no_memory(err, store->path);
    if (store->small) put_bytes(store, row);
    else mask__float_to_half(row->features, (uint16_t *)(void *)store->features, values);
    if (store->small) MASK__TRY(deflate_bytes(store, &bytes, err));
    sqlite3_bind_blob64(s, 10, row->boxes, row->count * 4 * sizeof *row->boxes, SQLITE_STATIC);
    sqlite3_bind_blob64(s, 11, row->labels, row->count * sizeof *row->labels, SQLITE_STATIC);
    sqlite3_bind_blob64(s, 12, row->scores, row->count * sizeof *row->scores, SQLITE_STATIC);
    sqlite3_bind_blob64(s, 13, store->small ? store->deflated : store->features, bytes, SQLITE_STATIC);
    return MASK_OK;
}

mask_status mask__regions_put(mask__regions_store *store, const mask__regions_row *row, mask_error *err)
{
    sqlite3_stmt *s = store->statements[PUT];
    MASK__TRY(begin(store, err));
    MASK__TRY(bind_file(store, s, row, err));
    sqlite3_bind_int64(s, 6, row->width);
    sqlite3_bind_int64(s, 7, row->height);
    sqlite3_bind_int64(s, 8, row->error ? 0 : (sqlite3_int64)row->count);
    sqlite3_bind_text(s, 9, row->error, -1, SQLITE_STATIC); /* NULL becomes NULL */
    if (!row->error) MASK__TRY(bind_regions(store, s, row, err));
    return finish(store, s, err);
}

static mask_status take_row(mask__regions_store *store, sqlite3_stmt *from, mask_error *err)
{
    sqlite3_stmt *s = store->statements[PUT];
    const char *own = (const char *)sqlite3_column_text(from, 0), *path = (const char *)sqlite3_column_text(from, 1),
               *id = NULL;
    if (!own || !path) return mask__no_memory(err, store->path);
    MASK__TRY(choose_id(store, own, path, &id, err));
    sqlite3_bind_text(s, 1, id, -1, SQLITE_TRANSIENT);
    for (int c = 1; c < sqlite3_column_count(from); c++) sqlite3_bind_value(s, c + 1, sqlite3_column_value(from, c));
    return finish(store, s, err);
}

mask_status mask__regions_take(mask__regions_store *store, mask__regions_store *from, size_t *good, mask_error *err)
{
    sqlite3_stmt *rows;
    mask_status status = begin(store, err);
    int code = SQLITE_DONE;
    if (status == MASK_OK)
        status = mask__regions_db_prepare(from->db, from->path,
                                          "SELECT id, path, size, mtime, hash, width, height, regions, error, boxes, "
                                          "labels, scores, features FROM photos ORDER BY number",
                                          &rows, err);
    if (status != MASK_OK) return status;
    while (status == MASK_OK && (code = sqlite3_step(rows)) == SQLITE_ROW) {
        *good += sqlite3_column_type(rows, 8) == SQLITE_NULL;
        status = take_row(store, rows, err);
    }
    if (status == MASK_OK && code != SQLITE_DONE) status = store_fail(from, err);
    sqlite3_finalize(rows);
    return status;
}

mask_status mask__regions_copy(mask__regions_store *store, const mask__regions_row *row, bool *copied, mask_error *err)
{
    sqlite3_stmt *s = store->statements[COPY];
    MASK__TRY(begin(store, err));
    MASK__TRY(bind_file(store, s, row, err));
    MASK__TRY(finish(store, s, err));
    *copied = sqlite3_changes(store->db) > 0;
    return MASK_OK;
}

mask_status mask__regions_name(mask__regions_store *store, const char *path, const char *id, mask_error *err)
{
    sqlite3_stmt *s = store->statements[NAME];
    MASK__TRY(begin(store, err));
    sqlite3_bind_text(s, 1, id, -1, SQLITE_STATIC);
    sqlite3_bind_text(s, 2, path, -1, SQLITE_STATIC);
    return finish(store, s, err);
}

mask_status mask__regions_remove(mask__regions_store *store, const char *path, mask_error *err)
{
    sqlite3_stmt *s = store->statements[REMOVE];
    MASK__TRY(begin(store, err));
    sqlite3_bind_text(s, 1, path, -1, SQLITE_STATIC);
    return finish(store, s, err);
}

mask_status mask__regions_each(mask__regions_store *store,
                               mask_status (*visit)(void *user, const mask__regions_seen *photo, mask_error *err),
                               void *user, mask_error *err)
{
    MASK__CLOSED(mask__sql_finalize) sqlite3_stmt *s = NULL;
    int code;
    MASK__TRY(mask__regions_db_prepare(store->db, store->path,
                                       "SELECT path, error, size, hash, mtime FROM photos ORDER BY path", &s, err));
    while ((code = sqlite3_step(s)) == SQLITE_ROW) {
        mask__regions_seen photo = {.path = (const char *)sqlite3_column_text(s, 0),
                                    .error = (const char *)sqlite3_column_text(s, 1),
                                    .size = (uint64_t)sqlite3_column_int64(s, 2),
                                    .hash = (uint64_t)sqlite3_column_int64(s, 3),
                                    .mtime = sqlite3_column_int64(s, 4)};
        MASK__TRY(photo.path ? visit(user, &photo, err) : mask__no_memory(err, store->path));
    }
    return code == SQLITE_DONE ? MASK_OK : store_fail(store, err);
}
