/* A gallery in ClickHouse (docs/clickhouse.md): what the export (clickhouse_load.c) and searches (remote.c) agree on.
 * The engine holds the columns, adds them up and sorts; words, statistics and exact scores are ours. */
#ifndef MASK_SEARCH_CLICKHOUSE_H
#define MASK_SEARCH_CLICKHOUSE_H

#include "base/http.h"
#include "search/gallery.h"

/* The row of the table `state`, written before and after every change. */
typedef struct mask__remote_state {
    bool complete;                                 /* false: an export is under way, or was stopped */
    uint64_t written, generation, images, regions; /* time; of the gallery; alive; the most of an image */
    uint64_t blocks;                               /* rows of `pooled` that each word has */
    uint32_t words, terms; /* K; and those that have a column: the words, then the OOD words of T, or none */
    uint32_t words_per_table, z, shards;
    char cluster[64]; /* "" = one server */
} mask__remote_state;

/* How the column of a word is decoded: |x - (low + code step)| <= error, for every image. */
typedef struct mask__remote_scale {
    double low, step, error;
} mask__remote_scale;

struct mask__remote {
    char *url, *database;
    mask__remote_state state;
    mask__remote_scale *scales; /* terms */
    const char **names;         /* of the calibration's terms */
    mask__arena arena;
    pthread_mutex_t lock; /* of the catalogue, while a condition is read */
};

/* MASK_EINVAL unless it is letters, digits and '_'. */
mask_status mask__remote_name(const char *name, const char *what, mask_error *err);
/* How many tables of columns there are. */
size_t mask__remote_groups(const mask__remote_state *state);
/* Sends a statement; the reply (NULL = none is wanted) replaces *reply. */
mask_status mask__remote_run(mask__http *http, mask__bytes *sql, mask__bytes *reply, mask_error *err);
/* The newest state; `none` where there is no such table, or nothing in it. */
mask_status mask__remote_state_read(mask__http *http, const char *database, mask__remote_state *out, bool *none,
                                    mask_error *err);
/* Scales of all terms as they are for the present segments; *none: no segment. */
mask_status mask__remote_scales_read(mask__http *http, const char *database, size_t terms, mask__remote_scale *out,
                                     bool *none, mask_error *err);
/* The names of the calibration's terms, in its order: the words, then the OOD words of T, a number for what is neither;
 * NULL without memory. */
const char **mask__remote_names(const mask__view *view, mask__arena *arena);
/* `w_dog`: the quoted column of a word. */
void mask__remote_column(mask__bytes *sql, const char *word);
/* 'text' */
void mask__remote_text(mask__bytes *sql, const char *text, size_t length);

/* RowBinary, read: `bad` once it was not what was asked for. */
typedef struct mask__rows {
    const unsigned char *at, *end;
    bool bad;
} mask__rows;
void mask__rows_take(mask__rows *rows, void *to, size_t size);
const unsigned char *mask__rows_bytes(mask__rows *rows, size_t *size); /* a String */

#endif
