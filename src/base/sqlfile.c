#include "base/sqlfile.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum { STEPS_BESIDE_BYTES = 1000000 };

mask_status mask__sql_fail(sqlite3 *db, const char *path, const char *advice, mask_error *err)
{
    switch (db ? sqlite3_errcode(db) & 0xff : SQLITE_NOMEM) {
    case SQLITE_NOMEM:
        return mask__no_memory(err, path);
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_ERROR: /* our own SQL is right: then the schema is not */
    case SQLITE_CONSTRAINT:
    case SQLITE_MISMATCH:
    case SQLITE_TOOBIG:
    case SQLITE_INTERRUPT: /* of a scan that goes in circles */
        return mask__fail(err, MASK_EFORMAT, "%s: is damaged (%s): %s", path, sqlite3_errmsg(db), advice);
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return mask__fail(err, MASK_EIO, "%s: another program keeps it locked: try again when it is done", path);
    case SQLITE_FULL:
        return mask__fail(err, MASK_EIO, "%s: cannot write: the disk is full: make room and try again", path);
    case SQLITE_READONLY:
        return mask__fail(err, MASK_EIO, "%s: cannot write: %s: check its permissions", path, sqlite3_errmsg(db));
    default: {
        int code = sqlite3_system_errno(db);
        return mask__fail(err, MASK_EIO, "%s: cannot read or write: %s", path,
                          code ? strerror(code) : sqlite3_errmsg(db));
    }
    }
}

mask_status mask__sql_number(sqlite3 *db, const char *path, const char *advice, const char *sql, int64_t *value,
                             mask_error *err)
{
    sqlite3_stmt *s;
    if (sqlite3_prepare_v2(db, sql, -1, &s, NULL) != SQLITE_OK) return mask__sql_fail(db, path, advice, err);
    mask_status status = MASK_OK;
    int code = sqlite3_step(s);
    if (code == SQLITE_ROW) *value = sqlite3_column_int64(s, 0);
    else if (code != SQLITE_DONE) status = mask__sql_fail(db, path, advice, err);
    else status = mask__fail(err, MASK_EFORMAT, "%s: is damaged (a number is missing): %s", path, advice);
    sqlite3_finalize(s);
    return status;
}

void mask__sql_finalize(sqlite3_stmt **statement)
{
    sqlite3_finalize(*statement);
}

void mask__sql_harden(sqlite3 *db)
{
    sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
}

static int stop(void *context)
{
    (void)context;
    return 1;
}

static long long bytes_of(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 ? (long long)info.st_size : 0;
}

void mask__sql_bound(sqlite3 *db, const char *path)
{
    char log[4096];
    long long steps = STEPS_BESIDE_BYTES + bytes_of(path);
    if ((size_t)snprintf(log, sizeof log, "%s-wal", path) < sizeof log) steps += bytes_of(log);
    sqlite3_progress_handler(db, steps < INT_MAX ? (int)steps : INT_MAX, stop, NULL);
}

void mask__sql_unbound(sqlite3 *db)
{
    sqlite3_progress_handler(db, 0, NULL, NULL);
}

/* SQLite's own index of a UNIQUE column has no text. */
static bool is_ours(const char *schema, const char *name, const char *sql)
{
    static const char own[] = "sqlite_autoindex_";
    if (!sql) return strncmp(name, own, sizeof own - 1) == 0;
    const char *at = strncmp(sql, "CREATE ", 7) == 0 ? strstr(schema, sql) : NULL;
    return at && at[strlen(sql)] == ';';
}

int mask__sql_check_schema(sqlite3 *db, const char *schema, mask__sql_known *known, void *context, char odd[64])
{
    sqlite3_stmt *s;
    int code = sqlite3_prepare_v2(db, "SELECT name, sql FROM sqlite_master", -1, &s, NULL);
    *odd = 0;
    while (code == SQLITE_OK && !*odd && (code = sqlite3_step(s)) == SQLITE_ROW) {
        const char *name = (const char *)sqlite3_column_text(s, 0), *sql = (const char *)sqlite3_column_text(s, 1);
        if (!name || (!is_ours(schema, name, sql) && !(sql && known && known(context, name, sql))))
            snprintf(odd, 64, "%s", name && *name ? name : "(no name)");
        code = SQLITE_OK;
    }
    sqlite3_finalize(s);
    return code == SQLITE_DONE ? SQLITE_OK : code;
}
