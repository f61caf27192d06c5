#include "base/sqlfile.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum { STEPS_BESIDE_BYTES = 1000000 };

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
