/* Metadata of images from a tab-separated table: a header, first column `id`, any others. A column is kept as numbers
 * where all its values in the table are, else as texts; an empty field is NULL. The table is read twice, first to judge
 * it: one that is broken anywhere changes nothing. */
#include "gallery/database.h"
#include "base/memory.h"
#include "base/stream.h"
#include "base/strings.h"
#include "base/lines.h"
#include "base/decimal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LINE_BYTES = 1 << 20, COLUMNS = 200, NAME_BYTES = 64 };

typedef struct table {
    mask__stream *stream;
    const char *fields[COLUMNS];
    size_t columns;       /* with id */
    char *names[COLUMNS]; /* in the arena */
    bool number[COLUMNS];
    mask__arena arena;
} table;

static mask_status refuse(const table *t, mask_error *err, const char *what, const char *about)
{
    return mask__fail_at(err, MASK_EFORMAT, mask__stream_offset(t->stream), "%s: line %llu: %s%s%.64s%s",
                         mask__stream_path(t->stream), (unsigned long long)mask__stream_line_number(t->stream), what,
                         *about ? " '" : "", about, *about ? "'" : "");
}

/* The next line cut at its tabs; *count = 0 at the end of the table. */
static mask_status next_row(table *t, size_t *count, mask_error *err)
{
    char *line;
    size_t length;
    *count = 0;
    MASK__TRY(mask__stream_line(t->stream, LINE_BYTES, &line, &length, err));
    if (!line) return MASK_OK;
    if (mask__utf8_valid(line, length) != length) return refuse(t, err, "is not UTF-8", "");
    for (char *at = line; at; (*count)++) {
        if (*count == COLUMNS) return refuse(t, err, "has more than 200 columns", "");
        t->fields[*count] = at;
        at = strchr(at, '\t');
        if (at) *at++ = '\0';
    }
    return MASK_OK;
}

static bool is_name(const char *name)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_";
    static const char *const taken[] = {"id", "name", "width", "height", "mask_row"};
    if (!strchr(letters, *name) && !(*name & 0x80)) return false;
    if (!*name || strlen(name) > NAME_BYTES) return false;
    for (const char *at = name; *at; at++)
        if (!strchr(letters, *at) && !strchr("0123456789", *at) && !(*at & 0x80)) return false;
    for (size_t i = 0; i < sizeof taken / sizeof *taken; i++)
        if (sqlite3_stricmp(name, taken[i]) == 0) return false;
    return true;
}

static mask_status read_header(table *t, mask_error *err)
{
    static const char mark[] = "\xef\xbb\xbf";
    size_t count;
    MASK__TRY(next_row(t, &count, err));
    if (count && strncmp(t->fields[0], mark, 3) == 0) t->fields[0] += 3;
    if (!count || strcmp(t->fields[0], "id") != 0)
        return refuse(t, err, "the header must begin with the column 'id', tabs between columns", "");
    if (count == 1) return refuse(t, err, "has no column beside 'id'", "");
    t->columns = count;
    for (size_t i = 1; i < count; i++) {
        if (!is_name(t->fields[i]))
            return refuse(t, err,
                          "a column's name must be letters, digits and '_', at most 64, and not id, name, width, "
                          "height or mask_row:",
                          t->fields[i]);
        for (size_t j = 1; j < i; j++)
            if (sqlite3_stricmp(t->fields[i], t->names[j]) == 0)
                return refuse(t, err, "a column stands twice:", t->fields[i]);
        t->names[i] = mask__arena_text(&t->arena, t->fields[i], strlen(t->fields[i]));
        if (!t->names[i]) return mask__no_memory(err, "a table");
        t->number[i] = true;
    }
    return MASK_OK;
}

/* "007" is a text: a number would lose its zeros. */
static bool is_number(const char *text)
{
    float value;
    const char *digits = text + (*text == '-');
    if (digits[0] == '0' && digits[1] >= '0' && digits[1] <= '9') return false;
    return *text != '+' && mask__decimal_read(text, strlen(text), &value);
}

/* Reads the whole table: which columns are numbers, and that nothing is wrong with it. */
static mask_status judge(table *t, size_t *rows, mask_error *err)
{
    mask__strings ids = {0};
    uint32_t index;
    bool added;
    size_t count;
    mask_status status = read_header(t, err);
    for (*rows = 0; status == MASK_OK && (status = next_row(t, &count, err)) == MASK_OK && count; ++*rows) {
        if (count != t->columns) status = refuse(t, err, "has not as many columns as the header", "");
        else if (!*t->fields[0]) status = refuse(t, err, "has an empty id", "");
        else status = mask__strings_intern(&ids, t->fields[0], strlen(t->fields[0]), &index, &added, err);
        if (status == MASK_OK && !added) status = refuse(t, err, "this id stood before:", t->fields[0]);
        if (status != MASK_OK) break;
        for (size_t i = 1; i < count; i++)
            if (*t->fields[i] && !is_number(t->fields[i])) t->number[i] = false;
    }
    mask__strings_free(&ids);
    return status;
}

/* ---- Into the catalogue ---- */

static mask_status run_formatted(mask__catalogue *c, char *sql, mask_error *err)
{
    mask_status status = sql ? mask__database_run(c, sql, err) : mask__no_memory(err, "a table");
    sqlite3_free(sql);
    return status;
}

static mask_status count_formatted(mask__catalogue *c, char *sql, int64_t *count, mask_error *err)
{
    mask_status status = sql ? mask__database_number(c, sql, count, err) : mask__no_memory(err, "a table");
    sqlite3_free(sql);
    return status;
}

/* Columns of the table anew, whatever they held; the view follows. */
static mask_status make_columns(mask__catalogue *c, const table *t, mask_error *err)
{
    static const char named[] = "SELECT count(*) FROM pragma_table_info('item') WHERE name = 'meta:%q' COLLATE NOCASE";
    int64_t count = 0;
    MASK__TRY(mask__database_run(c, "DROP VIEW IF EXISTS image", err));
    for (size_t i = 1; i < t->columns; i++) {
        const char *name = t->names[i], *type = t->number[i] ? "NUMERIC" : "TEXT";
        MASK__TRY(count_formatted(c, sqlite3_mprintf(named, name), &count, err));
        if (count) MASK__TRY(run_formatted(c, sqlite3_mprintf("ALTER TABLE item DROP COLUMN \"meta:%w\"", name), err));
        MASK__TRY(run_formatted(c, sqlite3_mprintf("ALTER TABLE item ADD COLUMN \"meta:%w\" %s", name, type), err));
    }
    MASK__TRY(mask__database_number(c, "SELECT count(*) FROM " MASK__METADATA_TABLE, &count, err));
    if (count >= COLUMNS)
        return mask__fail(err, MASK_EINVAL, "%s: the gallery would have %lld columns: at most %d",
                          mask__stream_path(t->stream), (long long)count, COLUMNS - 1);
    return mask__database_make_view(c, err);
}

static mask_status prepare_row(mask__catalogue *c, const table *t, sqlite3_stmt **out, mask_error *err)
{
    sqlite3_str *sql = sqlite3_str_new(c->db);
    sqlite3_str_appendall(sql, "UPDATE item SET ");
    for (size_t i = 1; i < t->columns; i++)
        sqlite3_str_appendf(sql, "%s\"meta:%w\" = ?%d", i > 1 ? ", " : "", t->names[i], (int)i + 1);
    sqlite3_str_appendall(sql, " WHERE id = ?1");
    char *text = sqlite3_str_finish(sql);
    mask_status status = text ? mask__database_prepare(c, out, text, err) : mask__no_memory(err, "a table");
    sqlite3_free(text);
    return status;
}

static mask_status put_row(mask__catalogue *c, const table *t, sqlite3_stmt *s, size_t *missing, mask_error *err)
{
    sqlite3_clear_bindings(s);
    for (size_t i = 0; i < t->columns; i++)
        if (*t->fields[i] && sqlite3_bind_text(s, (int)i + 1, t->fields[i], -1, SQLITE_STATIC) != SQLITE_OK)
            return mask__database_fail(c, err);
    MASK__TRY(mask__database_do(c, s, err));
    *missing += sqlite3_changes(c->db) == 0;
    return MASK_OK;
}

static mask_status put_rows(mask__catalogue *c, table *t, size_t rows, size_t *missing, const mask_run *run,
                            mask_error *err)
{
    sqlite3_stmt *s;
    size_t count;
    MASK__TRY(prepare_row(c, t, &s, err));
    mask_status status = next_row(t, &count, err); /* the header */
    for (size_t done = 0; status == MASK_OK && (status = next_row(t, &count, err)) == MASK_OK && count; done++) {
        status = count == t->columns ? put_row(c, t, s, missing, err) : refuse(t, err, "changed while it was read", "");
        if (status == MASK_OK && done % 4096 == 0) status = mask__progress(run, "metadata", "images", done, rows, err);
        if (status != MASK_OK) break;
    }
    sqlite3_finalize(s);
    return status;
}

mask_status mask__catalogue_describe(mask__catalogue *c, const char *path, size_t *rows, size_t *missing,
                                     const mask_run *run, mask_error *err)
{
    table *t = calloc(1, sizeof *t);
    *rows = *missing = 0;
    if (!t) return mask__no_memory(err, path);
    mask_status status = MASK_OK;
    if (strcmp(path, "-") == 0)
        status = mask__fail(err, MASK_EINVAL, "-: a table of metadata is read twice: give a file");
    if (status == MASK_OK) status = mask__check_regular(path, err);
    if (status == MASK_OK) status = mask__stream_open(&t->stream, path, err);
    if (status == MASK_OK) status = judge(t, rows, err);
    if (status == MASK_OK) status = make_columns(c, t, err);
    mask__stream_close(t->stream);
    t->stream = NULL;
    if (status == MASK_OK) status = mask__stream_open(&t->stream, path, err);
    if (status == MASK_OK) status = put_rows(c, t, *rows, missing, run, err);
    mask__stream_close(t->stream);
    mask__arena_free(&t->arena);
    free(t);
    return status;
}

/* ---- Out of the catalogue ---- */

/* The names of the columns; and SQL for the metadata of an image. */
static const char names_sql[] = "SELECT json_group_array(substr(name, 6)) FROM " MASK__METADATA_TABLE;
static const char image_sql[] =
    "SELECT 'SELECT json_object(' || coalesce(group_concat(printf('%Q, \"%w\"', substr(name, 6), name)), '') || "
    "') FROM item WHERE id = ?1' FROM " MASK__METADATA_TABLE;

static mask_status json_list(mask__catalogue *c, const char *const *ids, size_t count, FILE *out, mask_error *err)
{
    MASK__FREED char *text;
    MASK__CLOSED(mask__statement_free) sqlite3_stmt *s = NULL;
    bool row;
    MASK__TRY(mask__database_text(c, count ? image_sql : names_sql, &text, err));
    if (!count) fputs(text, out);
    else MASK__TRY(mask__database_prepare(c, &s, text, err));
    for (size_t i = 0; i < count; i++) {
        sqlite3_reset(s);
        if (sqlite3_bind_text(s, 1, ids[i], -1, SQLITE_STATIC) != SQLITE_OK) return mask__database_fail(c, err);
        MASK__TRY(mask__database_step(c, s, &row, err));
        const char *found = row ? (const char *)sqlite3_column_text(s, 0) : NULL;
        fprintf(out, "%s%s", i ? "," : "[", found ? found : "null");
    }
    if (count) fputc(']', out);
    return MASK_OK;
}

mask_status mask__catalogue_metadata(mask__catalogue *c, const char *const *ids, size_t count, char **json,
                                     mask_error *err)
{
    size_t size;
    FILE *out = open_memstream(json, &size);
    if (!out) return mask__no_memory(err, "metadata");
    pthread_mutex_lock(&c->mutex);
    mask_status status = mask__database_begin(c, err);
    if (status == MASK_OK) status = json_list(c, ids, count, out, err);
    mask__database_end(c);
    pthread_mutex_unlock(&c->mutex);
    if (fclose(out) != 0 && status == MASK_OK) status = mask__no_memory(err, "metadata");
    if (status == MASK_OK) return MASK_OK;
    free(*json);
    *json = NULL;
    return status;
}

bool mask__holds_numbers(sqlite3_stmt *image_rows, int column)
{
    const char *type = sqlite3_column_decltype(image_rows, column);
    return column == 3 || column == 4 || (type && strcmp(type, "NUMERIC") == 0);
}
