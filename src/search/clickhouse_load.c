/* Into ClickHouse (docs/clickhouse.md). Every server has a part of each segment's images, written to it directly;
 * tables of engine Distributed make one of them for searches. What is written is known in advance: each piece is one
 * INSERT of some images into one table, which the engine takes whole or not at all. So a load that was stopped goes on
 * by counting: a piece of which all rows are there is passed over, and where there are others, the segment's rows are
 * dropped from that table and written again. */
#include "search/clickhouse_rows.h"
#include "gallery/files.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <xxhash.h>

enum { PIECE_ROWS = 1 << 16, PIECE_BYTES = 48 << 20, FILE_PART = 1 << 20 };

typedef mask__loader loader;
typedef mask__remote_table table;

/* ---- Statements ---- */

static mask__bytes *say(loader *l)
{
    l->sql.size = 0;
    return &l->sql;
}

static mask_status run_all(loader *l, mask_error *err)
{
    for (size_t s = 0; s < l->server_count; s++) MASK__TRY(mask__remote_run(l->servers[s], &l->sql, &l->reply, err));
    return MASK_OK;
}

static mask_status ask_number(loader *l, size_t server, uint64_t *out, mask_error *err)
{
    MASK__TRY(mask__remote_run(l->servers[server], &l->sql, &l->reply, err));
    *out = strtoull(mask__bytes_text(&l->reply), NULL, 10);
    return MASK_OK;
}

/* The body, as rows of a table. */
static mask_status insert(loader *l, size_t server, const char *into, mask_error *err)
{
    char query[160];
    snprintf(query, sizeof query, "INSERT INTO %s.%s FORMAT RowBinary", l->database, into);
    /* One block, so one part; small buffers, for there may be thousands of columns. */
    const char *const pairs[] = {"query", query, "max_insert_block_size", "1048576", "max_compress_block_size",
                                 "65536", NULL};
    if (l->body.lost) return mask__no_memory(err, "rows");
    return mask__http_post(l->servers[server], pairs, l->body.data, l->body.size, &l->reply, err);
}

static mask_status write_state(loader *l, bool complete, mask_error *err)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    l->state.written = (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
    mask__bytes_print(
        say(l), "INSERT INTO %s.state VALUES (%d, %llu, %llu, %llu, %llu, %llu, %u, %u, %u, %u, %u, '%s')", l->database,
        complete, (unsigned long long)l->state.written, (unsigned long long)l->state.generation,
        (unsigned long long)l->state.images, (unsigned long long)l->state.regions, (unsigned long long)l->state.blocks,
        l->state.words, l->state.terms, l->state.words_per_table, l->state.z, l->state.shards, l->state.cluster);
    return run_all(l, err);
}

/* Before the first change: searches refuse what is half written. */
static mask_status begin(loader *l, mask_error *err)
{
    if (l->begun) return MASK_OK;
    l->begun = true;
    return write_state(l, false, err);
}

/* ---- Tables ---- */

static mask_status make_table(loader *l, const table *t, mask_error *err)
{
    mask__bytes_print(say(l), "CREATE TABLE IF NOT EXISTS %s.%s (", l->database, t->name);
    mask__table_sql(l, t);
    mask__bytes_print(&l->sql,
                      ") ENGINE = MergeTree PARTITION BY intDiv(mask_row, 4294967296) ORDER BY (%smask_row) SETTINGS "
                      "index_granularity = %d",
                      t->kind == MASK__POOLED ? "word, " : "",
                      t->kind == MASK__VECTORS  ? 16
                      : t->kind == MASK__POOLED ? 128
                                                : 8192);
    MASK__TRY(run_all(l, err));
    if (!*l->state.cluster) return MASK_OK;
    mask__bytes_print(say(l), "CREATE TABLE IF NOT EXISTS %s.%s_all AS %s.%s ENGINE = Distributed(%s, %s, %s)",
                      l->database, t->name, l->database, t->name, l->state.cluster, l->database, t->name);
    return run_all(l, err);
}

static mask_status list_tables(loader *l, mask_error *err)
{
    static const char *const names[] = {"columns", "pooled", "looks", "vectors", "images"};
    size_t words = l->state.words, terms = l->state.terms, per = l->state.words_per_table;
    size_t groups = mask__remote_groups(&l->state), n = 0;
    size_t bytes[] = {MASK__ROW_HEAD + per, words + words / 8, 16 + 2 * l->state.z,
                      (l->state.regions + 2) * (l->state.z * 4 + 20) + 1024, 256};
    l->tables = mask__arena_alloc(&l->arena, groups + 4, sizeof *l->tables);
    if (!l->tables) return mask__no_memory(err, "tables");
    for (mask__remote_kind kind = MASK__COLUMNS; kind <= MASK__IMAGES; kind++)
        for (size_t g = 0; g < (kind == MASK__COLUMNS ? groups : 1); g++) {
            table *t = &l->tables[n++];
            size_t first = g * per, images = PIECE_BYTES / bytes[kind], least = kind == MASK__POOLED ? MASK__BLOCK : 1;
            *t = (table){.kind = kind, .first = first, .count = terms - first < per ? terms - first : per};
            t->images = images < least ? least : images < PIECE_ROWS ? images : PIECE_ROWS;
            if (kind == MASK__COLUMNS) snprintf(t->name, sizeof t->name, "%s%zu", names[kind], g);
            else snprintf(t->name, sizeof t->name, "%s", names[kind]);
        }
    l->table_count = n;
    return MASK_OK;
}

static mask_status make_fixed(loader *l, mask_error *err)
{
    static const char *const tables[] = {
        ("state (complete UInt8, written UInt64, generation UInt64, images UInt64, regions UInt64, blocks UInt64, "
         "words UInt32, terms UInt32, words_per_table UInt32, z UInt32, shards UInt32, cluster String) "
         "ENGINE = MergeTree PARTITION BY tuple() ORDER BY written"),
        "segments (segment UInt32, content UInt64) ENGINE = MergeTree PARTITION BY segment ORDER BY segment",
        ("words (segment UInt32, word UInt32, name String, regions UInt64, texts UInt32, in_table String, low Float64, "
         "step Float64, error Float64) ENGINE = MergeTree PARTITION BY segment ORDER BY word")};
    mask__bytes_print(say(l), "CREATE DATABASE IF NOT EXISTS %s", l->database);
    MASK__TRY(run_all(l, err));
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
        mask__bytes_print(say(l), "CREATE TABLE IF NOT EXISTS %s.%s", l->database, tables[i]);
        MASK__TRY(run_all(l, err));
    }
    return MASK_OK;
}

/* ---- What is there already ---- */

static mask_status other(const loader *l, mask_error *err, const char *what)
{
    return mask__fail(err, MASK_EMISMATCH, "%s: the database '%s' holds %s: export into another one, or drop it",
                      mask__http_name(l->servers[0]), l->database, what);
}

static mask_status drop_rows(loader *l, size_t server, const char *from, uint64_t segment, mask_error *err)
{
    mask__bytes_print(say(l), "ALTER TABLE %s.%s DROP PARTITION %llu", l->database, from, (unsigned long long)segment);
    return mask__remote_run(l->servers[server], &l->sql, &l->reply, err);
}

static uint64_t content_of(const mask__segment *s)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < s->pack.count; i++)
        sum = XXH3_64bits_withSeed(&s->pack.tensors[i].checksum, sizeof(uint64_t), sum);
    return sum;
}

/* Segments that the gallery no longer has go; one that has another content is another gallery's. */
static mask_status compare_segments(loader *l, size_t server, mask_error *err)
{
    const mask__snapshot *snapshot = &l->view->snapshot;
    MASK__CLOSED(mask__bytes_free) mask__bytes there = {0};
    mask__bytes_print(say(l), "SELECT DISTINCT segment, content FROM %s.segments FORMAT RowBinary", l->database);
    MASK__TRY(mask__remote_run(l->servers[server], &l->sql, &there, err));
    mask__rows r = {.at = there.data, .end = there.data + there.size};
    while (r.at < r.end && !r.bad) {
        uint32_t number;
        uint64_t content;
        size_t at = 0;
        mask__rows_take(&r, &number, sizeof number);
        mask__rows_take(&r, &content, sizeof content);
        while (at < snapshot->segment_count && snapshot->segments[at].number != number) at++;
        if (at < snapshot->segment_count) {
            if (content != content_of(&l->view->segments[at])) return other(l, err, "another gallery");
            continue;
        }
        MASK__TRY(begin(l, err));
        for (size_t t = 0; t < l->table_count; t++) MASK__TRY(drop_rows(l, server, l->tables[t].name, number, err));
        MASK__TRY(drop_rows(l, server, "words", number, err));
        MASK__TRY(drop_rows(l, server, "segments", number, err));
    }
    return MASK_OK;
}

static const char *const replaced[] = {"images", "images_all", "files", "texts"}; /* by every other generation */

/* A state of generation 0 says that these tables may be of another one: it stands until they are gone. */
static mask_status replace_tables(loader *l, mask_error *err)
{
    uint64_t generation = l->state.generation;
    l->state.generation = 0;
    MASK__TRY(write_state(l, false, err));
    for (size_t i = 0; i < sizeof replaced / sizeof *replaced; i++) {
        mask__bytes_print(say(l), "DROP TABLE IF EXISTS %s.%s", l->database, replaced[i]);
        MASK__TRY(run_all(l, err));
    }
    l->state.generation = generation;
    l->begun = true;
    return write_state(l, false, err);
}

static mask_status compare_state(loader *l, mask_error *err)
{
    bool whole = true, same = true;
    for (size_t s = 0; s < l->server_count; s++) {
        mask__remote_state was;
        bool none;
        MASK__TRY(mask__remote_state_read(l->servers[s], l->database, &was, &none, err));
        if (!none && (was.words != l->state.words || was.z != l->state.z)) return other(l, err, "another gallery");
        if (!none && (was.terms != l->state.terms || was.words_per_table != l->state.words_per_table ||
                      was.shards != l->state.shards || strcmp(was.cluster, l->state.cluster) != 0))
            return other(
                l, err,
                "this gallery, divided in another way (servers, cluster, words per table or words with columns)");
        same = same && !none && was.generation == l->state.generation;
        whole = whole && same && was.complete;
    }
    return whole ? MASK_OK : same ? begin(l, err) : replace_tables(l, err);
}

/* ---- Scales ---- */

/* How the words' codes are written, once: by the values of all images there are, and a little more for those to come.
 */
static void find_scales(loader *l)
{
    const mask__view *v = l->view;
    for (size_t w = 0; w < l->state.terms; w++) {
        double low = INFINITY, high = -INFINITY;
        for (size_t g = 0; g < v->snapshot.segment_count; g++) {
            const mask__segment *s = &v->segments[g];
            const mask__steps *steps = s->score_steps + w * s->blocks;
            for (size_t b = 0; b < s->blocks; b++) {
                low = fmin(low, (double)steps[b].low);
                high = fmax(high, (double)steps[b].low + 255 * (double)steps[b].step);
            }
        }
        double room = 0.02 * (high - low) + 1e-6;
        l->scales[w] = (mask__remote_scale){.low = low - room, .step = (high - low + 2 * room) / 255};
    }
}

/* Of a segment: half a step of ours, and what the segment's own code is off by; more where values lie outside. */
static double error_of(const mask__segment *s, const mask__remote_scale *scale, size_t word)
{
    const mask__steps *steps = s->score_steps + word * s->blocks;
    double error = 0;
    for (size_t b = 0; b < s->blocks; b++) {
        double low = (double)steps[b].low, high = low + 255 * (double)steps[b].step;
        double outside = fmax(fmax(scale->low - low, high - (scale->low + 255 * scale->step)), 0);
        error = fmax(error, 0.5 * (double)steps[b].step + outside);
    }
    return error + (double)s->score_slack[word] + 0.501 * scale->step + 1e-6;
}

static void put_words(loader *l, size_t at, const uint32_t *texts)
{
    const mask__segment *s = &l->view->segments[at];
    const mask_knowledge *k = l->view->knowledge;
    uint32_t segment = (uint32_t)l->view->snapshot.segments[at].number;
    l->body.size = 0;
    for (uint32_t w = 0; w < l->state.terms; w++) {
        uint64_t regions = w < l->state.words ? k->counts[w] : 0;
        char in[32];
        l->scales[w].error = error_of(s, &l->scales[w], w);
        mask__bytes_put(&l->body, &segment, 4);
        mask__bytes_put(&l->body, &w, 4);
        mask__row_text(&l->body, l->names[w], strlen(l->names[w]));
        mask__bytes_put(&l->body, &regions, sizeof regions);
        mask__bytes_put(&l->body, &texts[w], 4);
        mask__row_text(&l->body, in, (size_t)snprintf(in, sizeof in, "columns%u", w / l->state.words_per_table));
        mask__bytes_put(&l->body, &l->scales[w], sizeof *l->scales);
    }
}

/* Terms as they are in each segment, on every server. */
static mask_status load_words(loader *l, mask_error *err)
{
    const mask__text_list *list = &l->view->calibration->texts;
    const mask__snapshot *snapshot = &l->view->snapshot;
    size_t terms = l->state.terms;
    bool none;
    uint32_t *texts = mask__arena_alloc(&l->arena, terms, sizeof *texts);
    l->scales = mask__arena_alloc(&l->arena, terms, sizeof *l->scales);
    if (!texts || !l->scales) return mask__no_memory(err, "words");
    for (size_t i = 0; list->count && i < list->at[list->count]; i++)
        if (list->terms[i] < terms) texts[list->terms[i]]++;
    MASK__TRY(mask__remote_scales_read(l->servers[0], l->database, terms, l->scales, &none, err));
    if (none) find_scales(l);
    for (size_t g = 0; g < snapshot->segment_count; g++) {
        uint32_t number = (uint32_t)snapshot->segments[g].number;
        put_words(l, g, texts);
        for (size_t s = 0; s < l->server_count; s++) {
            uint64_t count;
            mask__bytes_print(say(l), "SELECT count() FROM %s.words WHERE segment = %u", l->database, number);
            MASK__TRY(ask_number(l, s, &count, err));
            if (count == terms) continue;
            MASK__TRY(begin(l, err));
            if (count) MASK__TRY(drop_rows(l, s, "words", number, err));
            MASK__TRY(insert(l, s, "words", err));
            mask__bytes_print(say(l), "INSERT INTO %s.segments VALUES (%u, %llu)", l->database, number,
                              (unsigned long long)content_of(&l->view->segments[g]));
            MASK__TRY(mask__remote_run(l->servers[s], &l->sql, &l->reply, err));
        }
    }
    return MASK_OK;
}

/* ---- Files: what a client opens in place of a gallery; and T ---- */

static mask_status put_file(loader *l, const char *folder, const char *name, bool needed, mask_error *err)
{
    MASK__FREED char *path = NULL;
    mask__map map;
    MASK__TRY(mask__gallery_file(&path, folder, name, err));
    mask_status status = needed || access(path, R_OK) == 0 ? mask__map_open(&map, path, err) : MASK_ENOTFOUND;
    if (status != MASK_OK) return needed ? status : MASK_OK;
    for (size_t at = 0, part = 0; at < map.size; at += FILE_PART, part++) {
        mask__row_text(&l->body, name, strlen(name));
        mask__bytes_put(&l->body, &(uint32_t){(uint32_t)part}, 4);
        mask__row_text(&l->body, map.data + at, map.size - at < FILE_PART ? map.size - at : FILE_PART);
    }
    mask__map_close(&map);
    return MASK_OK;
}

static mask_status put_files(loader *l, mask_error *err)
{
    char folder[] = "/tmp/mask-export-XXXXXX", own[MASK__PART_NAME_BYTES], scorer[MASK__PART_NAME_BYTES], path[64];
    const mask__view *v = l->view;
    l->body.size = 0;
    mask__part_name(v->snapshot.own, "own", own);
    mask__part_name(v->snapshot.own, "scorer", scorer);
    MASK__TRY(put_file(l, v->path, "knowledge.mask", true, err));
    if (v->snapshot.own) MASK__TRY(put_file(l, v->path, own, true, err));
    MASK__TRY(put_file(l, v->path, v->snapshot.own ? scorer : "scorer.mask", false, err));
    if (!mkdtemp(folder)) return mask__fail(err, MASK_EIO, "%s: cannot be made", folder);
    mask_status status = mask__catalogue_copy_empty(v->catalogue, folder, err);
    if (status == MASK_OK) status = put_file(l, folder, "catalogue.sqlite", true, err);
    snprintf(path, sizeof path, "%s/catalogue.sqlite", folder);
    unlink(path);
    rmdir(folder);
    return status;
}

static void put_texts(loader *l)
{
    const mask__calibration *c = l->view->calibration;
    l->body.size = 0;
    for (uint32_t t = 0; t < c->texts.count; t++) {
        mask__bytes_put(&l->body, &t, sizeof t);
        mask__bytes name = {0};
        for (size_t i = c->texts.at[t]; i < c->texts.at[t + 1]; i++)
            mask__bytes_print(&name, "%s%s", name.size ? " " : "", l->names[c->texts.terms[i]]);
        mask__row_text(&l->body, name.data, name.size);
        mask__bytes_put(&l->body, &c->text_mean[t], sizeof(float));
        mask__bytes_put(&l->body, &c->text_deviation[t], sizeof(float));
        mask__bytes_free(&name);
    }
}

/* A table that every server has whole, from the body. */
static mask_status load_copy(loader *l, const char *name, const char *columns, const char *key, uint64_t rows,
                             mask_error *err)
{
    mask__bytes_print(say(l),
                      "CREATE TABLE IF NOT EXISTS %s.%s (%s) ENGINE = MergeTree PARTITION BY tuple() ORDER BY (%s)",
                      l->database, name, columns, key);
    MASK__TRY(run_all(l, err));
    for (size_t s = 0; rows && s < l->server_count; s++) {
        uint64_t count;
        mask__bytes_print(say(l), "SELECT count() FROM %s.%s", l->database, name);
        MASK__TRY(ask_number(l, s, &count, err));
        if (count == rows) continue;
        MASK__TRY(begin(l, err));
        if (count)
            MASK__TRY((mask__bytes_print(say(l), "ALTER TABLE %s.%s DROP PARTITION tuple()", l->database, name),
                       mask__remote_run(l->servers[s], &l->sql, &l->reply, err)));
        MASK__TRY(insert(l, s, name, err));
    }
    return MASK_OK;
}

static uint64_t count_file_rows(const mask__bytes *body)
{
    mask__rows r = {.at = body->data, .end = body->data + body->size};
    uint64_t rows = 0;
    for (size_t size; r.at < r.end && !r.bad; rows++) {
        uint32_t part;
        mask__rows_bytes(&r, &size);
        mask__rows_take(&r, &part, sizeof part);
        mask__rows_bytes(&r, &size);
    }
    return rows;
}

static mask_status load_copies(loader *l, mask_error *err)
{
    MASK__TRY(put_files(l, err));
    MASK__TRY(load_copy(l, "files", "name String, part UInt32, content String", "name, part", count_file_rows(&l->body),
                        err));
    put_texts(l);
    return load_copy(l, "texts", "text UInt32, words String, mean Float32, deviation Float32", "text",
                     l->view->calibration->texts.count, err);
}

/* ---- Loading ---- */

/* A server's share of a segment, by their numbers: from the first of its images to before the first of the next's. */
static size_t share_of(const loader *l, size_t g, size_t server)
{
    return l->view->snapshot.segments[g].images * server / l->server_count;
}

static uint64_t blocks_in(size_t first, size_t end)
{
    return first < end ? (end - 1) / MASK__BLOCK - first / MASK__BLOCK + 1 : 0;
}

/* Of all servers. */
static uint64_t all_rows(const loader *l, const table *t)
{
    return t->kind == MASK__POOLED ? l->state.words * l->state.blocks : l->state.images;
}

/* The images [first, end) of a segment, which are those of one server, into one table. */
static mask_status load_part(loader *l, const table *t, size_t g, size_t server, size_t first, size_t end,
                             mask_error *err)
{
    const mask__snapshot_segment *names = &l->view->snapshot.segments[g];
    bool again = false;
    for (size_t at = first; at < end;) {
        size_t to = end - at < t->images ? end : at + t->images;
        if (t->kind == MASK__POOLED && to < end) to -= to % MASK__BLOCK; /* a block is one piece's */
        uint64_t rows = t->kind == MASK__POOLED ? l->state.words * blocks_in(at, to) : mask__alive_in(names, at, to),
                 there;
        mask__bytes_print(say(l), "SELECT count() FROM %s.%s WHERE mask_row >= %llu AND mask_row < %llu", l->database,
                          t->name, (unsigned long long)mask__row_of(names, at),
                          (unsigned long long)mask__row_of(names, to));
        MASK__TRY(ask_number(l, server, &there, err));
        if (there != rows) MASK__TRY(begin(l, err));
        if (there != rows && there != 0) {
            if (again) return other(l, err, "rows that cannot be dropped");
            MASK__TRY(drop_rows(l, server, t->name, names->number, err));
            if (t->kind == MASK__IMAGES) { /* from the beginning once more */
                sqlite3_reset(l->metadata);
                MASK__TRY(mask__database_step(l->view->catalogue, l->metadata, &l->row, err));
            }
            at = first;
            again = true;
            continue;
        }
        if (there != rows) {
            MASK__TRY(mask__put_piece(l, t, g, at, to, err));
            MASK__TRY(insert(l, server, t->name, err));
            *l->loaded += rows;
        }
        l->done += rows;
        MASK__TRY(mask__progress(l->run, "loading", "rows", l->done < l->total ? l->done : l->total, l->total, err));
        at = to;
    }
    return MASK_OK;
}

static mask_status load_rows(loader *l, mask_error *err)
{
    const mask__snapshot *snapshot = &l->view->snapshot;
    for (size_t t = 0; t < l->table_count; t++) l->total += all_rows(l, &l->tables[t]);
    for (size_t t = 0; t < l->table_count; t++) {
        if (l->tables[t].kind == MASK__IMAGES)
            MASK__TRY(mask__database_step(l->view->catalogue, l->metadata, &l->row, err));
        for (size_t g = 0; g < snapshot->segment_count; g++)
            for (size_t s = 0; s < l->server_count; s++)
                MASK__TRY(load_part(l, &l->tables[t], g, s, share_of(l, g, s), share_of(l, g, s + 1), err));
    }
    return MASK_OK;
}

/* Counts all there is, where no piece was looked at. */
static mask_status check_rows(loader *l, mask_error *err)
{
    for (size_t t = 0; t < l->table_count; t++) {
        uint64_t all = 0;
        for (size_t s = 0; s < l->server_count; s++) {
            uint64_t there;
            mask__bytes_print(say(l), "SELECT count() FROM %s.%s", l->database, l->tables[t].name);
            MASK__TRY(ask_number(l, s, &there, err));
            all += there;
        }
        if (all != all_rows(l, &l->tables[t])) return other(l, err, "rows of something else");
    }
    return MASK_OK;
}

static mask_status load(loader *l, mask_error *err)
{
    MASK__TRY(make_fixed(l, err));
    MASK__TRY(list_tables(l, err));
    MASK__TRY(mask__database_prepare(l->view->catalogue, &l->metadata, MASK__IMAGE_ROWS, err));
    MASK__TRY(compare_state(l, err));
    for (size_t t = 0; t < l->table_count; t++) MASK__TRY(make_table(l, &l->tables[t], err));
    for (size_t s = 0; s < l->server_count; s++) MASK__TRY(compare_segments(l, s, err));
    MASK__TRY(load_words(l, err));
    MASK__TRY(load_copies(l, err));
    MASK__TRY(load_rows(l, err));
    MASK__TRY(check_rows(l, err));
    return l->begun ? write_state(l, true, err) : MASK_OK;
}

/* "URL,URL,..." */
static mask_status connect_servers(loader *l, const char *urls, mask_error *err)
{
    for (const char *at = urls; *at; at += strcspn(at, ",")) {
        at += *at == ',';
        char *url = strndup(at, strcspn(at, ","));
        if (!url) return mask__no_memory(err, "servers");
        mask_status status = l->server_count < MASK__SHARDS_MAX
                                 ? mask__http_open(&l->servers[l->server_count], url, l->run, err)
                                 : mask__fail(err, MASK_EINVAL, "more than %d servers", MASK__SHARDS_MAX);
        free(url);
        if (status != MASK_OK) return status;
        l->server_count++;
    }
    if (l->server_count > 1 && !*l->state.cluster)
        return mask__fail(err, MASK_EINVAL,
                          "%zu servers need the name of the cluster that their configurations say they are",
                          l->server_count);
    return l->server_count ? MASK_OK : mask__fail(err, MASK_EINVAL, "no server to export to");
}

static mask_status fill(loader *l, const mask_clickhouse *to, mask_error *err)
{
    const mask__view *v = l->view;
    MASK__TRY(mask__remote_name(to->database, "database", err));
    if (*to->cluster) MASK__TRY(mask__remote_name(to->cluster, "cluster", err));
    snprintf(l->state.cluster, sizeof l->state.cluster, "%s", to->cluster);
    MASK__TRY(connect_servers(l, to->urls, err));
    l->database = to->database;
    l->state.generation = v->snapshot.generation;
    l->state.images = v->snapshot.images;
    l->state.words = (uint32_t)v->knowledge->info.words;
    l->state.terms = (uint32_t)(v->calibration->known.count + v->calibration->others.count);
    l->names = mask__remote_names(v, &l->arena);
    if (!l->names) return mask__no_memory(err, "words");
    l->state.words_per_table = (uint32_t)to->words_per_table;
    l->state.z = (uint32_t)v->knowledge->info.dim;
    l->state.shards = (uint32_t)l->server_count;
    for (size_t g = 0; g < v->snapshot.segment_count; g++) {
        if (v->segments[g].most_regions > l->state.regions) l->state.regions = v->segments[g].most_regions;
        if (v->segments[g].terms < l->state.terms) l->state.terms = (uint32_t)v->segments[g].terms;
    }
    for (size_t g = 0; g < v->snapshot.segment_count; g++)
        for (size_t s = 0; s < l->server_count; s++)
            l->state.blocks += blocks_in(share_of(l, g, s), share_of(l, g, s + 1));
    if (v->snapshot.images == 0) return mask__fail(err, MASK_EINVAL, "%s: has no images yet", v->path);
    if (to->words_per_table < 1 || to->words_per_table > 10000)
        return mask__fail(err, MASK_EINVAL, "words per table: from 1 to 10000");
    return load(l, err);
}

mask_status mask_clickhouse_export(const char *gallery, const mask_clickhouse *to, uint64_t *rows, const mask_run *run,
                                   mask_error *err)
{
    mask_gallery *g;
    uint64_t own;
    loader l = {.loaded = rows ? rows : &own, .run = run};
    *l.loaded = 0;
    MASK__TRY(mask_gallery_open(&g, gallery, run, err));
    mask__view *view = mask__gallery_pin(g);
    l.view = view;
    mask_status status = fill(&l, to, err);
    sqlite3_finalize(l.metadata);
    for (size_t s = 0; s < l.server_count; s++) mask__http_close(l.servers[s]);
    mask__bytes_free(&l.sql);
    mask__bytes_free(&l.body);
    mask__bytes_free(&l.reply);
    mask__arena_free(&l.arena);
    mask__gallery_unpin(g, view);
    mask_gallery_close(g);
    return status;
}
