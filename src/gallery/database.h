/* Inside of mask__catalogue: the SQLite handle behind it and one line for each thing SQLite may answer. For
 * catalogue.c, snapshot.c, conditions.c and metadata.c, and for the export of its rows (search/clickhouse*). */
#ifndef MASK_GALLERY_DATABASE_H
#define MASK_GALLERY_DATABASE_H

#include "base/memory.h"
#include "gallery/catalogue.h"

#include <pthread.h>
#include <sqlite3.h>

enum { MASK__STATEMENTS = 16 };

struct mask__catalogue {
    sqlite3 *db;
    char *folder, *path;
    int lock;                                   /* descriptor of the writers' lock file; -1 for readers */
    pthread_mutex_t mutex;                      /* of the connection, which the threads of a reader share */
    sqlite3_stmt *statements[MASK__STATEMENTS]; /* prepared when first used */
};

/* The message for the connection's last error. */
mask_status mask__database_fail(const mask__catalogue *catalogue, mask_error *err);
mask_status mask__database_damaged(const mask__catalogue *catalogue, mask_error *err, const char *what);
/* SQL without results. */
mask_status mask__database_run(mask__catalogue *catalogue, const char *sql, mask_error *err);
/* The caller finalizes. */
mask_status mask__database_prepare(mask__catalogue *catalogue, sqlite3_stmt **out, const char *sql, mask_error *err);
/* A step that must give no row. Resets. */
mask_status mask__database_do(mask__catalogue *catalogue, sqlite3_stmt *statement, mask_error *err);
/* *row = whether there is a row. Does not reset. */
mask_status mask__database_step(mask__catalogue *catalogue, sqlite3_stmt *statement, bool *row, mask_error *err);
/* A transaction that only reads, around what must be seen at one moment. */
mask_status mask__database_begin(mask__catalogue *catalogue, mask_error *err);
void mask__database_end(mask__catalogue *catalogue);
void mask__statement_free(sqlite3_stmt **statement); /* for MASK__CLOSED */
/* The only text that a query gives, NULL where it is NULL; the caller frees. */
mask_status mask__database_text(mask__catalogue *catalogue, const char *sql, char **text, mask_error *err);
/* Runs on `to` the SQL that a query of `from` gives; NULL is none. */
mask_status mask__database_run_result(mask__catalogue *to, mask__catalogue *from, const char *sql, mask_error *err);
/* The only number that a query gives. */
mask_status mask__database_number(mask__catalogue *catalogue, const char *sql, int64_t *value, mask_error *err);
extern const char mask__own_number[]; /* SQL: of the images at hand in force, 0 = none */
mask_status mask__database_generation(mask__catalogue *catalogue, uint64_t *generation, mask_error *err);

/* mask__catalogue_open but for the leftovers of writers that were killed. */
mask_status mask__database_open(mask__catalogue **out, const char *folder, bool write, mask_error *err);
/* Makes folder/catalogue.sqlite with the schema and what `fill` adds: whole, or not at all. */
mask_status mask__database_create(const char *folder,
                                  mask_status (*fill)(mask__catalogue *, const void *, mask_error *),
                                  const void *context, mask_error *err);
/* SQL: a table of the metadata's columns, `name` with its "meta:" and `type`. */
#define MASK__METADATA_TABLE "(SELECT name, type FROM pragma_table_info('item') WHERE name LIKE 'meta:%' ORDER BY cid)"
/* SQL: the images with their metadata, in the order of their places. Columns: 0 place, 1 id, 2 name, 3 width, 4 height,
 * then the metadata's. */
#define MASK__IMAGE_ROWS "SELECT * FROM image ORDER BY mask_row"
/* Whether one of these columns holds numbers, not texts. */
bool mask__holds_numbers(sqlite3_stmt *image_rows, int column);
/* Makes the view `image` of the metadata's columns as they are. */
mask_status mask__database_make_view(mask__catalogue *catalogue, mask_error *err);

/* The rows of item are checksummed each: what SQLite's own structure would not show. */
uint64_t mask__database_row_sum(uint64_t place, const mask__catalogue_image *image);

/* The segment of that number; NULL when there is none. */
mask__snapshot_segment *mask__snapshot_segment_of(const mask__snapshot *snapshot, uint64_t number);

static inline uint64_t mask__place(uint64_t segment, uint64_t position)
{
    return segment << 32 | position;
}

#endif
