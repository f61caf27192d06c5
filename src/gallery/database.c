/* The SQLite file of a gallery: opened, made, locked, and what its errors mean.
 *
 * It is in WAL mode with synchronous=FULL: a commit is one synced append to catalogue.sqlite-wal, so a killed writer or
 * a power cut loses nothing that was committed, and the next program that opens the file finishes the work. With a
 * rollback journal a reader could not begin while a commit is being written, and a commit would wait for readers; in
 * WAL mode neither waits for the other, and a reader sees one commit or the next, never between. The price: the log
 * belongs to the file (copy the whole folder), and all programs must be on one machine.
 *
 * It refuses files that are not a catalogue of ours, newer ones, and a second writer. */
#include "gallery/database.h"
#include "base/sqlfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { APPLICATION = 0x4d534b47 /* "MSKG" */, VERSION = 2, BUSY_MILLISECONDS = 20000 };

static const char schema[] = "CREATE TABLE state(name TEXT PRIMARY KEY, value) WITHOUT ROWID;"
                             /* AUTOINCREMENT: a number is never used again. */
                             "CREATE TABLE segment(number INTEGER PRIMARY KEY AUTOINCREMENT, images INTEGER NOT NULL);"
                             /* place = segment << 32 | position. Metadata are columns "meta:NAME" of this table. */
                             "CREATE TABLE item(key INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, place INTEGER NOT "
                             "NULL, name TEXT, width INTEGER "
                             "NOT NULL, height INTEGER NOT NULL, content INTEGER NOT NULL, sum INTEGER NOT NULL);";

static const char advice[] = "restore the gallery from a copy, or index the images again";

mask_status mask__database_damaged(const mask__catalogue *c, mask_error *err, const char *what)
{
    return mask__fail(err, MASK_EFORMAT, "%s: is damaged (%s): %s", c->path, what, advice);
}

mask_status mask__database_fail(const mask__catalogue *c, mask_error *err)
{
    return mask__sql_fail(c->db, c->path, advice, err);
}

mask_status mask__database_run(mask__catalogue *c, const char *sql, mask_error *err)
{
    return sqlite3_exec(c->db, sql, NULL, NULL, NULL) == SQLITE_OK ? MASK_OK : mask__database_fail(c, err);
}

mask_status mask__database_prepare(mask__catalogue *c, sqlite3_stmt **out, const char *sql, mask_error *err)
{
    *out = NULL;
    return sqlite3_prepare_v2(c->db, sql, -1, out, NULL) == SQLITE_OK ? MASK_OK : mask__database_fail(c, err);
}

mask_status mask__database_step(mask__catalogue *c, sqlite3_stmt *statement, bool *row, mask_error *err)
{
    int code = sqlite3_step(statement);
    *row = code == SQLITE_ROW;
    return code == SQLITE_ROW || code == SQLITE_DONE ? MASK_OK : mask__database_fail(c, err);
}

void mask__statement_free(sqlite3_stmt **statement)
{
    sqlite3_finalize(*statement);
}

mask_status mask__database_do(mask__catalogue *c, sqlite3_stmt *statement, mask_error *err)
{
    bool row;
    mask_status status = mask__database_step(c, statement, &row, err);
    sqlite3_reset(statement);
    return status;
}

mask_status mask__database_begin(mask__catalogue *c, mask_error *err)
{
    return mask__database_run(c, "BEGIN", err);
}

void mask__database_end(mask__catalogue *c)
{
    if (c->db && !sqlite3_get_autocommit(c->db)) sqlite3_exec(c->db, "ROLLBACK", NULL, NULL, NULL);
}

mask_status mask__database_number(mask__catalogue *c, const char *sql, int64_t *value, mask_error *err)
{
    return mask__sql_number(c->db, c->path, advice, sql, value, err);
}

mask_status mask__database_text(mask__catalogue *c, const char *sql, char **text, mask_error *err)
{
    MASK__CLOSED(mask__statement_free) sqlite3_stmt *s = NULL;
    bool row;
    *text = NULL;
    MASK__TRY(mask__database_prepare(c, &s, sql, err));
    MASK__TRY(mask__database_step(c, s, &row, err));
    const char *found = row ? (const char *)sqlite3_column_text(s, 0) : NULL;
    if (found && !(*text = strdup(found))) return mask__no_memory(err, c->path);
    return found || sqlite3_errcode(c->db) != SQLITE_NOMEM ? MASK_OK : mask__no_memory(err, c->path);
}

mask_status mask__database_run_result(mask__catalogue *to, mask__catalogue *from, const char *sql, mask_error *err)
{
    MASK__FREED char *text;
    MASK__TRY(mask__database_text(from, sql, &text, err));
    return text ? mask__database_run(to, text, err) : MASK_OK;
}

mask_status mask__database_generation(mask__catalogue *c, uint64_t *generation, mask_error *err)
{
    int64_t value = 0;
    MASK__TRY(mask__database_number(c, "SELECT value FROM state WHERE name = 'generation'", &value, err));
    *generation = (uint64_t)value;
    return MASK_OK;
}

/* ---- The schema ---- */

/* SQL that gives the SQL of the view `image`, of the metadata's columns. */
#define VIEW_SQL                                                                                                       \
    "SELECT 'CREATE VIEW image AS SELECT place AS mask_row, id, name, "                                                \
    "nullif(width, 0) AS width, nullif(height, 0) AS height' || "                                                      \
    "coalesce(group_concat(printf(', \"%w\" AS \"%w\"', name, substr(name, 6)), ''), '') || ' FROM item' "             \
    "FROM " MASK__METADATA_TABLE

mask_status mask__database_make_view(mask__catalogue *c, mask_error *err)
{
    MASK__TRY(mask__database_run(c, "DROP VIEW IF EXISTS image", err));
    return mask__database_run_result(c, c, VIEW_SQL, err);
}

/* The tables that change: `item` with columns of metadata, and SQLite's own of AUTOINCREMENT. */
static bool is_known(void *context, const char *name, const char *sql)
{
    (void)context;
    if (strcmp(name, "sqlite_sequence") == 0) return strcmp(sql, "CREATE TABLE sqlite_sequence(name,seq)") == 0;
    if (strcmp(name, "image") == 0) return true; /* looked at next */
    const char *item = strstr(schema, "CREATE TABLE item("), *end = strstr(item, ");");
    if (strncmp(sql, item, (size_t)(end - item)) != 0) return false;
    for (sql += end - item; strncmp(sql, ", \"meta:", 8) == 0;) {
        sql += 8 + strcspn(sql + 8, "\"");
        if (strncmp(sql, "\" NUMERIC", 9) == 0) sql += 9;
        else if (strncmp(sql, "\" TEXT", 6) == 0) sql += 6;
    }
    return strcmp(sql, ")") == 0;
}

static mask_status check_view(mask__catalogue *c, mask_error *err)
{
    static const char sql[] = "SELECT (SELECT sql FROM sqlite_master WHERE name = 'image') IS (" VIEW_SQL ")";
    int64_t same = 0;
    MASK__TRY(mask__database_number(c, sql, &same, err));
    return same ? MASK_OK : mask__database_damaged(c, err, "its view 'image' is not that of its columns");
}

/* Whether the file holds what we put there and nothing else. */
static mask_status check_schema(mask__catalogue *c, mask_error *err)
{
    char odd[64], what[128];
    if (mask__sql_check_schema(c->db, schema, is_known, NULL, odd) != SQLITE_OK) return mask__database_fail(c, err);
    snprintf(what, sizeof what, "it holds '%s', which is none of ours", odd);
    return *odd ? mask__database_damaged(c, err, what) : check_view(c, err);
}

/* ---- Connections ---- */

static mask_status connect(mask__catalogue *c, const char *path, int flags, mask_error *err)
{
    static const char pragmas[] = "PRAGMA synchronous = FULL; PRAGMA cell_size_check = ON; PRAGMA temp_store = MEMORY; "
                                  "PRAGMA cache_size = -65536";
    MASK__TRY(mask__check_regular(path, err));
    int code = sqlite3_open_v2(path, &c->db, flags | SQLITE_OPEN_FULLMUTEX | SQLITE_OPEN_EXRESCODE, NULL);
    if (code != SQLITE_OK) return mask__database_fail(c, err);
    sqlite3_busy_timeout(c->db, BUSY_MILLISECONDS);
    mask__sql_harden(c->db);
    sqlite3_db_config(c->db, SQLITE_DBCONFIG_DQS_DML, 0, NULL); /* "Rome" in double quotes is a column, not a text */
    return mask__database_run(c, pragmas, err);
}

static mask_status check_identity(mask__catalogue *c, mask_error *err)
{
    int64_t application = 0, version = 0;
    MASK__TRY(mask__sql_number(c->db, c->path, advice, "PRAGMA application_id", &application, err));
    MASK__TRY(mask__sql_number(c->db, c->path, advice, "PRAGMA user_version", &version, err));
    if (application != APPLICATION)
        return mask__fail(
            err, MASK_EFORMAT,
            "%s: is not the catalogue of a gallery, or is damaged: restore it from a copy, or index again", c->path);
    if (version > VERSION)
        return mask__fail(err, MASK_EFORMAT,
                          "%s: version %lld is newer than this program understands (%d): use a newer one", c->path,
                          (long long)version, VERSION);
    mask__sql_bound(c->db, c->path);
    mask_status status = mask__database_begin(c, err); /* a writer may change the columns at any moment */
    if (status == MASK_OK) status = check_schema(c, err);
    mask__database_end(c);
    mask__sql_unbound(c->db);
    return status;
}

/* The log of a writer that is at work, or was killed. */
static bool has_log(const mask__catalogue *c)
{
    char *path;
    struct stat info;
    if (asprintf(&path, "%s-wal", c->path) < 0) return true;
    bool has = stat(path, &info) == 0 && info.st_size > 0;
    free(path);
    return has;
}

/* Where nothing can be written beside the file (a read-only medium, a full disk), SQLite cannot make the WAL's index.
 * With no log to read either, the file alone is the state. */
static mask_status connect_read_only(mask__catalogue *c, mask_error *err)
{
    char *uri = NULL;
    sqlite3_close(c->db);
    c->db = NULL;
    if (has_log(c))
        return mask__fail(
            err, MASK_EIO,
            "%s: its log must be read, which needs a small file beside it that cannot be written: make room "
            "on the disk, or the folder writable",
            c->path);
    /* %w would double quotes; of a path only these three characters mean something in a URI. */
    for (const char *at = c->path; *at; at++)
        if (strchr("?#%", *at))
            return mask__fail(err, MASK_EIO,
                              "%s: in a folder that cannot be written, its path must have "
                              "no '%c'",
                              c->path, *at);
    if (asprintf(&uri, "file:%s?immutable=1", c->path) < 0) return mask__no_memory(err, c->path);
    mask_status status = connect(c, uri, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, err);
    free(uri);
    return status == MASK_OK ? check_identity(c, err) : status;
}

static mask_status connect_existing(mask__catalogue *c, bool write, mask_error *err)
{
    mask_status status = connect(c, c->path, SQLITE_OPEN_READWRITE, err);
    if (status == MASK_OK) status = check_identity(c, err);
    int code = c->db ? sqlite3_errcode(c->db) & 0xff : SQLITE_OK;
    if (status == MASK_EIO && !write &&
        (code == SQLITE_CANTOPEN || code == SQLITE_READONLY || code == SQLITE_FULL || code == SQLITE_IOERR))
        status = connect_read_only(c, err);
    if (status == MASK_OK && write && sqlite3_db_readonly(c->db, "main"))
        status = mask__fail(err, MASK_EIO, "%s: cannot write: check its permissions", c->path);
    if (status == MASK_OK && !write) status = mask__database_run(c, "PRAGMA query_only = ON", err);
    return status;
}

static mask_status new_catalogue(mask__catalogue **out, const char *folder, const char *name, mask_error *err)
{
    mask__catalogue *c = calloc(1, sizeof *c);
    *out = NULL;
    if (!c) return mask__no_memory(err, folder);
    c->lock = -1;
    pthread_mutex_init(&c->mutex, NULL);
    c->folder = strdup(folder);
    if (asprintf(&c->path, "%s/%s", folder, name) < 0) c->path = NULL;
    if (c->folder && c->path) {
        *out = c;
        return MASK_OK;
    }
    mask__catalogue_close(c);
    return mask__no_memory(err, folder);
}

mask_status mask__database_open(mask__catalogue **out, const char *folder, bool write, mask_error *err)
{
    mask__catalogue *c;
    *out = NULL;
    MASK__TRY(new_catalogue(&c, folder, "catalogue.sqlite", err));
    mask_status status = MASK_OK;
    if (!mask__is_file(c->path)) status = mask__fail(err, MASK_EIO, "%s: is not a gallery", folder);
    if (status == MASK_OK && write) status = mask__folder_lock(folder, false, NULL, &c->lock, err);
    if (status == MASK_OK) status = connect_existing(c, write, err);
    if (status == MASK_OK) *out = c;
    else mask__catalogue_close(c);
    return status;
}

static void disconnect(mask__catalogue *c)
{
    for (size_t i = 0; i < MASK__STATEMENTS; i++) {
        sqlite3_finalize(c->statements[i]);
        c->statements[i] = NULL;
    }
    sqlite3_close(c->db);
    c->db = NULL;
}

void mask__catalogue_close(mask__catalogue *c)
{
    if (!c) return;
    disconnect(c);
    if (c->lock >= 0) mask__folder_unlock(c->lock);
    pthread_mutex_destroy(&c->mutex);
    free(c->folder);
    free(c->path);
    free(c);
}

mask_status mask__catalogue_verify(mask__catalogue *c, mask_error *err)
{
    MASK__FREED char *first;
    MASK__TRY(mask__database_text(c, "SELECT replace(integrity_check, char(10), ' ') FROM pragma_integrity_check(1)",
                                  &first, err));
    return !first || strcmp(first, "ok") == 0 ? MASK_OK : mask__database_damaged(c, err, first);
}

uint64_t mask__catalogue_bytes(const mask__catalogue *c)
{
    struct stat info;
    return stat(c->path, &info) == 0 ? (uint64_t)info.st_size : 0;
}

/* ---- A new one ---- */

mask_status mask__database_create(const char *folder,
                                  mask_status (*fill)(mask__catalogue *, const void *, mask_error *),
                                  const void *context, mask_error *err)
{
    static const char *const endings[] = {"", "-wal", "-shm", "-journal"};
    mask__catalogue *c;
    char *final = NULL, *leftover, pragmas[160];
    MASK__TRY(new_catalogue(&c, folder, "catalogue.sqlite.new", err));
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++)
        if (asprintf(&leftover, "%s%s", c->path, endings[i]) >= 0) {
            unlink(leftover);
            free(leftover);
        }
    snprintf(pragmas, sizeof pragmas, "PRAGMA application_id = %d; PRAGMA user_version = %d; PRAGMA journal_mode = WAL",
             APPLICATION, VERSION);
    mask_status status = connect(c, c->path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, err);
    if (status == MASK_OK) status = mask__database_run(c, pragmas, err);
    if (status == MASK_OK) status = mask__database_run(c, "BEGIN", err);
    if (status == MASK_OK) status = mask__database_run(c, schema, err);
    if (status == MASK_OK) status = mask__database_make_view(c, err);
    if (status == MASK_OK) status = fill(c, context, err);
    if (status == MASK_OK) status = mask__database_run(c, "COMMIT", err);
    /* The log is written back, synced, and removed by closing: then the file alone is all. */
    if (status == MASK_OK) status = mask__database_run(c, "PRAGMA wal_checkpoint(TRUNCATE)", err);
    disconnect(c);
    if (status == MASK_OK && asprintf(&final, "%s/catalogue.sqlite", folder) < 0) status = mask__no_memory(err, folder);
    if (status == MASK_OK) status = mask__check_regular(final, err);
    if (status == MASK_OK && rename(c->path, final) != 0)
        status = mask__fail(err, MASK_EIO, "%s: cannot create: %s", final, strerror(errno));
    if (status == MASK_OK) {
        int handle = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (handle >= 0) {
            fsync(handle);
            close(handle);
        }
    }
    if (status != MASK_OK) unlink(c->path);
    free(final);
    mask__catalogue_close(c);
    return status;
}

/* ---- One writer at a time ---- */

/* Says once whom is waited for, and asks now and then whether to go on. */
static mask_status wait_for(long process, unsigned *waited, const mask_run *run, mask_error *err)
{
    if (!*waited) mask__log(run, MASK_LOG_INFO, "waiting for process %ld, which is reading these photos", process);
    usleep(100000);
    return mask__progress(run, "waiting", "s", ++*waited / 10, 0, err);
}

mask_status mask__folder_lock(const char *folder, bool wait, const mask_run *run, int *lock, mask_error *err)
{
    char *path, who[32] = "", *end;
    unsigned waited = 0;
    mask_status status = MASK_OK;
    *lock = -1;
    if (asprintf(&path, "%s/lock", folder) < 0) return mask__no_memory(err, folder);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666), code = errno;
    free(path);
    if (fd < 0) return mask__fail(err, MASK_EIO, "%s/lock: cannot write: %s", folder, strerror(code));
    while (status == MASK_OK && flock(fd, LOCK_EX | LOCK_NB) != 0) {
        code = errno;
        ssize_t got = pread(fd, who, sizeof who - 1, 0);
        long process = got > 0 ? strtol(who, &end, 10) : 0;
        if (code != EWOULDBLOCK) status = mask__fail(err, MASK_EIO, "%s/lock: cannot lock: %s", folder, strerror(code));
        else if (wait) status = wait_for(process, &waited, run, err);
        else
            status =
                mask__fail(err, MASK_EIO, "%s: process %ld is changing this gallery: wait until it is done, or stop it",
                           folder, process);
    }
    if (status != MASK_OK) {
        close(fd);
        return status;
    }
    /* Only for the message above: nothing depends on these bytes. */
    int length = snprintf(who, sizeof who, "%ld\n", (long)getpid());
    bool named = ftruncate(fd, 0) == 0 && pwrite(fd, who, (size_t)length, 0) == length;
    (void)named;
    *lock = fd;
    return MASK_OK;
}

void mask__folder_unlock(int lock)
{
    close(lock);
}
