/* Rows for ClickHouse (clickhouse_load.c writes them): what each table consists of, and a piece of it from a gallery,
 * in the engine's RowBinary. */
#ifndef MASK_SEARCH_CLICKHOUSE_ROWS_H
#define MASK_SEARCH_CLICKHOUSE_ROWS_H

#include "gallery/database.h"
#include "search/clickhouse.h"

enum { MASK__SHARDS_MAX = 256, MASK__ROW_HEAD = 16 /* bytes before the codes of COLUMNS */ };

typedef enum { MASK__COLUMNS, MASK__POOLED, MASK__LOOKS, MASK__VECTORS, MASK__IMAGES } mask__remote_kind;

typedef struct mask__remote_table {
    char name[32];
    mask__remote_kind kind;
    size_t first, count; /* terms of MASK__COLUMNS */
    size_t images;       /* of a piece */
} mask__remote_table;

typedef struct mask__loader {
    const mask__view *view;
    const char *database;
    mask__http *servers[MASK__SHARDS_MAX];
    size_t server_count;
    mask__remote_state state;
    bool begun;
    mask__remote_table *tables;
    size_t table_count;
    const char **names;         /* of the calibration's terms */
    mask__remote_scale *scales; /* terms; error is of the present segment */
    sqlite3_stmt *metadata;     /* MASK__IMAGE_ROWS */
    bool row;                   /* it stands at one */
    mask__bytes sql, body, reply;
    uint64_t done, total, *loaded; /* rows */
    const mask_run *run;
    mask__arena arena;
} mask__loader;

/* A String. */
void mask__row_text(mask__bytes *body, const void *text, size_t length);
/* The columns of a table, for CREATE TABLE, behind l->sql. */
void mask__table_sql(mask__loader *l, const mask__remote_table *t);
size_t mask__alive_in(const mask__snapshot_segment *s, size_t first, size_t end);
uint64_t mask__row_of(const mask__snapshot_segment *s, size_t image); /* its mask_row */
/* The images [first, end) of a segment as rows of a table, into l->body. IMAGES must be asked for in order. */
mask_status mask__put_piece(mask__loader *l, const mask__remote_table *t, size_t g, size_t first, size_t end,
                            mask_error *err);

#endif
