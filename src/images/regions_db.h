/* What the two sides of the region store share: opening its file, and SQLite's errors as ours. */
#ifndef MASK_IMAGES_REGIONS_DB_H
#define MASK_IMAGES_REGIONS_DB_H

#include "base/error.h"
#include "images/images.h"

#include <sqlite3.h>
#include <stdbool.h>

enum { MASK__REGIONS_APPLICATION = 0x4d52474e /* "MRGN" */, MASK__REGIONS_VERSION = 1 };

/* Opens the file; `writable` creates it where there is none. Refuses other SQLite files, newer versions, and what holds
 * anything beside the schema; *empty tells that there is no schema yet. */
mask_status mask__regions_db_open(sqlite3 **db, const char *path, bool writable, bool *empty, mask_error *err);
/* The statements that make a store, from BEGIN IMMEDIATE on. */
extern const char mask__regions_db_schema[];
/* What to do where the file is damaged. */
extern const char mask__regions_db_advice[];
/* The last failure of db, about `path`. */
mask_status mask__regions_db_fail(sqlite3 *db, const char *path, mask_error *err);
mask_status mask__regions_db_run(sqlite3 *db, const char *path, const char *sql, mask_error *err);
mask_status mask__regions_db_prepare(sqlite3 *db, const char *path, const char *sql, sqlite3_stmt **statement,
                                     mask_error *err);
/* One value of the table of meta data as text, copied; the caller frees. MASK_EFORMAT where it is missing. */
mask_status mask__regions_db_meta(sqlite3 *db, const char *path, const char *key, char **value, mask_error *err);
/* A number of it, refused above high. */
mask_status mask__regions_db_meta_number(sqlite3 *db, const char *path, const char *key, unsigned base, uint64_t high,
                                         uint64_t *value, mask_error *err);
/* What a store was made with: the options as text that mask__options_differ reads, which the caller frees, and read. */
mask_status mask__regions_db_made(sqlite3 *db, const char *path, char **text, mask_extract_options *made,
                                  mask_error *err);

#endif
