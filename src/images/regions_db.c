#include "images/regions_db.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/options.h"
#include "base/sqlfile.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BUSY_MILLISECONDS = 5000, MAX_VALUE_BYTES = 1 << 30 };

const char mask__regions_db_schema[] =
    "PRAGMA page_size = 32768;" /* a photo's features are 6 to 100 KB */
    "BEGIN IMMEDIATE;"
    "CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE labels (number INTEGER PRIMARY KEY, name TEXT NOT NULL);"
    "CREATE TABLE photos (number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, path TEXT NOT NULL UNIQUE,"
    " size INTEGER NOT NULL, mtime INTEGER NOT NULL, hash INTEGER NOT NULL, width INTEGER NOT NULL,"
    " height INTEGER NOT NULL, regions INTEGER NOT NULL, error TEXT, boxes BLOB, labels BLOB, scores BLOB,"
    " features BLOB);"
    "CREATE INDEX photos_hash ON photos (hash);"
    "PRAGMA application_id = 0x4d52474e;"
    "PRAGMA user_version = 1;";

const char mask__regions_db_advice[] = "if it is a region store, extract it again";

mask_status mask__regions_db_fail(sqlite3 *db, const char *path, mask_error *err)
{
    return mask__sql_fail(db, path, mask__regions_db_advice, err);
}

mask_status mask__regions_db_run(sqlite3 *db, const char *path, const char *sql, mask_error *err)
{
    return sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK ? MASK_OK : mask__regions_db_fail(db, path, err);
}

mask_status mask__regions_db_prepare(sqlite3 *db, const char *path, const char *sql, sqlite3_stmt **statement,
                                     mask_error *err)
{
    return sqlite3_prepare_v2(db, sql, -1, statement, NULL) == SQLITE_OK ? MASK_OK
                                                                         : mask__regions_db_fail(db, path, err);
}

/* Whether the file is ours, and of a version we know. */
static mask_status check_kind(sqlite3 *db, const char *path, bool *empty, mask_error *err)
{
    int64_t application = 0, version = 0, tables = 0;
    char odd[64];
    MASK__TRY(mask__sql_number(db, path, mask__regions_db_advice, "SELECT count(*) FROM sqlite_master", &tables, err));
    MASK__TRY(mask__sql_number(db, path, mask__regions_db_advice, "PRAGMA application_id", &application, err));
    MASK__TRY(mask__sql_number(db, path, mask__regions_db_advice, "PRAGMA user_version", &version, err));
    *empty = tables == 0 && application == 0;
    if (*empty) return MASK_OK;
    if (application != MASK__REGIONS_APPLICATION)
        return mask__fail_at(err, MASK_EFORMAT, 68, "%s: is an SQLite file, but no region store: name another", path);
    if (version < 1 || version > MASK__REGIONS_VERSION)
        return mask__fail_at(err, MASK_EFORMAT, 60, "%s: is of version %lld, this program knows %d: extract it again",
                             path, (long long)version, MASK__REGIONS_VERSION);
    if (mask__sql_check_schema(db, mask__regions_db_schema, NULL, NULL, odd) != SQLITE_OK)
        return mask__regions_db_fail(db, path, err);
    if (*odd)
        return mask__fail(err, MASK_EFORMAT, "%s: is damaged (it holds '%s', which is none of ours): extract it again",
                          path, odd);
    return MASK_OK;
}

static mask_status open_file(sqlite3 **db, const char *path, bool writable, mask_error *err)
{
    int flags = SQLITE_OPEN_NOMUTEX | (writable ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE : SQLITE_OPEN_READONLY);
    if (!writable && access(path, R_OK) != 0)
        return mask__fail(err, MASK_EIO, "%s: cannot open: %s", path, strerror(errno));
    MASK__TRY(mask__check_regular(path, err));
    /* SQLite reads ":memory:" and the like as something else than a file */
    MASK__FREED char *plain = mask__text("%s%s", path[0] == '/' ? "" : "./", path);
    if (!plain) return mask__no_memory(err, path);
    if (sqlite3_open_v2(plain, db, flags, NULL) == SQLITE_OK) return MASK_OK;
    mask_status status = *db ? mask__regions_db_fail(*db, path, err) : mask__no_memory(err, path);
    sqlite3_close(*db);
    *db = NULL;
    return status;
}

mask_status mask__regions_db_open(sqlite3 **db, const char *path, bool writable, bool *empty, mask_error *err)
{
    MASK__TRY(open_file(db, path, writable, err));
    sqlite3_busy_timeout(*db, BUSY_MILLISECONDS);
    sqlite3_limit(*db, SQLITE_LIMIT_LENGTH, MAX_VALUE_BYTES);
    mask__sql_harden(*db);
    mask__sql_bound(*db, path);
    mask_status status = mask__regions_db_run(*db, path, "PRAGMA cell_size_check = ON", err);
    if (status == MASK_OK) status = check_kind(*db, path, empty, err);
    mask__sql_unbound(*db);
    if (status != MASK_OK) {
        sqlite3_close(*db);
        *db = NULL;
    }
    return status;
}

mask_status mask__regions_db_meta(sqlite3 *db, const char *path, const char *key, char **value, mask_error *err)
{
    MASK__CLOSED(mask__sql_finalize) sqlite3_stmt *statement = NULL;
    *value = NULL;
    MASK__TRY(mask__regions_db_prepare(db, path, "SELECT value FROM meta WHERE key = ?", &statement, err));
    sqlite3_bind_text(statement, 1, key, -1, SQLITE_STATIC);
    int code = sqlite3_step(statement);
    const char *text = code == SQLITE_ROW ? (const char *)sqlite3_column_text(statement, 0) : NULL;
    if (code != SQLITE_ROW && code != SQLITE_DONE) return mask__regions_db_fail(db, path, err);
    if (!text) return mask__fail(err, MASK_EFORMAT, "%s: table meta lacks '%s': extract it again", path, key);
    return (*value = strdup(text)) ? MASK_OK : mask__no_memory(err, path);
}

mask_status mask__regions_db_meta_number(sqlite3 *db, const char *path, const char *key, unsigned base, uint64_t high,
                                         uint64_t *value, mask_error *err)
{
    MASK__FREED char *text = NULL;
    char *end;
    MASK__TRY(mask__regions_db_meta(db, path, key, &text, err));
    errno = 0;
    *value = strtoull(text, &end, (int)base);
    if (*text && !*end && errno == 0 && *value <= high) return MASK_OK;
    return mask__fail(err, MASK_EFORMAT, "%s: table meta: '%s' is '%.40s', out of range: extract it again", path, key,
                      text);
}

/* Version 0.1 had two ways to make features of a map, and named this one. */
static const char pooled[] = "features pool, ";

mask_status mask__regions_db_made(sqlite3 *db, const char *path, char **text, mask_extract_options *made,
                                  mask_error *err)
{
    MASK__TRY(mask__regions_db_meta(db, path, "options", text, err));
    char *options = *text;
    if (strncmp(options, pooled, strlen(pooled)) == 0)
        memmove(options, options + strlen(pooled), strlen(options + strlen(pooled)) + 1);
    mask_status status = mask__options_read(MASK_OPTIONS_EXTRACT, made, options, strlen(options), path, err);
    if (status == MASK_OK) return MASK_OK;
    free(options);
    *text = NULL;
    return status;
}
