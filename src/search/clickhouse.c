#include "search/clickhouse.h"
#include "base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

mask_status mask__remote_name(const char *name, const char *what, mask_error *err)
{
    static const char good[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";
    if (*name && strlen(name) < 64 && strspn(name, good) == strlen(name)) return MASK_OK;
    return mask__fail(err, MASK_EINVAL, "'%.80s': the name of a %s is 1 to 63 letters, digits and '_'", name, what);
}

size_t mask__remote_groups(const mask__remote_state *s)
{
    return ((size_t)s->terms + s->words_per_table - 1) / s->words_per_table;
}

mask_status mask__remote_run(mask__http *http, mask__bytes *sql, mask__bytes *reply, mask_error *err)
{
    MASK__CLOSED(mask__bytes_free) mask__bytes own = {0};
    char most[32];
    snprintf(most, sizeof most, "%zu", sql->size + 65536);
    /* Without wait_end_of_query an error after the first bytes would look like an end. */
    const char *const pairs[] = {"wait_end_of_query", "1", "max_query_size", most, NULL};
    if (sql->lost) return mask__no_memory(err, "a statement");
    return mask__http_post(http, pairs, sql->data, sql->size, reply ? reply : &own, err);
}

void mask__rows_take(mask__rows *r, void *to, size_t size)
{
    r->bad = r->bad || (size_t)(r->end - r->at) < size;
    if (r->bad) {
        memset(to, 0, size);
        return;
    }
    memcpy(to, r->at, size);
    r->at += size;
}

const unsigned char *mask__rows_bytes(mask__rows *r, size_t *size)
{
    unsigned char part = 0x80;
    *size = 0;
    for (unsigned shift = 0; part & 0x80 && shift < 35; shift += 7) {
        mask__rows_take(r, &part, 1);
        *size |= (size_t)(part & 0x7f) << shift;
    }
    r->bad = r->bad || (size_t)(r->end - r->at) < *size;
    if (r->bad) *size = 0;
    const unsigned char *bytes = r->at;
    r->at += *size;
    return bytes;
}

static mask_status no_rows(const mask__http *http, mask_error *err)
{
    return mask__fail(err, MASK_EFORMAT, "%s: the server's reply is not what was asked for", mask__http_name(http));
}

/* Asks for the newest state: a row, or nothing. */
static mask_status ask_state(mask__http *http, const char *database, mask__bytes *reply, mask_error *err)
{
    MASK__CLOSED(mask__bytes_free) mask__bytes sql = {0};
    mask__bytes_print(
        &sql, "SELECT count(), sum(name = 'terms') FROM system.columns WHERE database = '%s' AND table = 'state'",
        database);
    MASK__TRY(mask__remote_run(http, &sql, reply, err));
    const char *columns = mask__bytes_text(reply);
    bool none = strncmp(columns, "0\t", 2) == 0, good = none || strstr(columns, "\t1\n");
    reply->size = sql.size = 0;
    if (!good)
        return mask__fail(
            err, MASK_EMISMATCH,
            "%s: the database '%s' holds a gallery as an earlier mask wrote it: drop it, and export again",
            mask__http_name(http), database);
    if (none) return MASK_OK;
    mask__bytes_print(
        &sql,
        "SELECT complete, written, generation, images, regions, blocks, words, terms, "
        "words_per_table, z, shards, cluster FROM %s.state ORDER BY written DESC LIMIT 1 FORMAT RowBinary",
        database);
    return mask__remote_run(http, &sql, reply, err);
}

mask_status mask__remote_state_read(mask__http *http, const char *database, mask__remote_state *out, bool *none,
                                    mask_error *err)
{
    MASK__CLOSED(mask__bytes_free) mask__bytes reply = {0};
    size_t length;
    unsigned char complete;
    *out = (mask__remote_state){0};
    MASK__TRY(ask_state(http, database, &reply, err));
    *none = reply.size == 0;
    if (*none) return MASK_OK;
    mask__rows r = {.at = reply.data, .end = reply.data + reply.size};
    mask__rows_take(&r, &complete, 1);
    mask__rows_take(&r, &out->written, 8);
    mask__rows_take(&r, &out->generation, 8);
    mask__rows_take(&r, &out->images, 8);
    mask__rows_take(&r, &out->regions, 8);
    mask__rows_take(&r, &out->blocks, 8);
    mask__rows_take(&r, &out->words, 4);
    mask__rows_take(&r, &out->terms, 4);
    mask__rows_take(&r, &out->words_per_table, 4);
    mask__rows_take(&r, &out->z, 4);
    mask__rows_take(&r, &out->shards, 4);
    const unsigned char *cluster = mask__rows_bytes(&r, &length);
    out->complete = complete;
    if (length < sizeof out->cluster) memcpy(out->cluster, cluster, length);
    bool good = !r.bad && length < sizeof out->cluster && out->words_per_table >= 1 && out->z >= 1 && out->words >= 1 &&
                out->terms >= out->words &&
                (!*out->cluster || mask__remote_name(out->cluster, "cluster", err) == MASK_OK);
    return good ? MASK_OK : no_rows(http, err);
}

mask_status mask__remote_scales_read(mask__http *http, const char *database, size_t terms, mask__remote_scale *out,
                                     bool *none, mask_error *err)
{
    MASK__CLOSED(mask__bytes_free) mask__bytes sql = {0};
    MASK__CLOSED(mask__bytes_free) mask__bytes reply = {0};
    size_t rows = 0;
    mask__bytes_print(&sql, "SELECT word, min(low), min(step), max(error) FROM %s.words GROUP BY word FORMAT RowBinary",
                      database);
    MASK__TRY(mask__remote_run(http, &sql, &reply, err));
    mask__rows r = {.at = reply.data, .end = reply.data + reply.size};
    for (; r.at < r.end && !r.bad; rows++) {
        uint32_t word;
        mask__remote_scale scale;
        mask__rows_take(&r, &word, sizeof word);
        mask__rows_take(&r, &scale, sizeof scale);
        if (r.bad || word >= terms) return no_rows(http, err);
        out[word] = scale;
    }
    *none = rows == 0;
    return rows == 0 || rows == terms ? MASK_OK : no_rows(http, err);
}

const char **mask__remote_names(const mask__view *view, mask__arena *arena)
{
    const mask__calibration *c = view->calibration;
    const mask__strings *words = &c->knowledge->words, *others = &c->knowledge->background.words;
    size_t terms = c->known.count + c->others.count, length;
    const char **names = mask__arena_alloc(arena, terms, sizeof *names);
    for (size_t w = 0; names && w < words->count; w++) {
        const char *word = mask__strings_get(words, w, &length);
        names[w] = mask__arena_text(arena, word, length);
    }
    for (size_t w = 0; names && c->background_terms && w < others->count; w++) {
        uint32_t term = c->background_terms[w];
        const char *word = mask__strings_get(others, w, &length);
        if (term >= words->count && term < terms) names[term] = mask__arena_text(arena, word, length);
    }
    for (size_t t = 0; names && t < terms; t++) {
        char number[24];
        if (!names[t]) names[t] = mask__arena_text(arena, number, (size_t)snprintf(number, sizeof number, "#%zu", t));
        if (!names[t]) return NULL;
    }
    return names;
}

static void quoted(mask__bytes *sql, char quote, const char *text, size_t length)
{
    mask__bytes_put(sql, &quote, 1);
    for (size_t i = 0; i < length; i++) {
        if (text[i] == quote || text[i] == '\\') mask__bytes_put(sql, "\\", 1);
        mask__bytes_put(sql, text + i, 1);
    }
    mask__bytes_put(sql, &quote, 1);
}

/* A column is a file: its name may be 255 bytes, and others than letters and digits take three. */
void mask__remote_column(mask__bytes *sql, const char *word)
{
    char name[96];
    size_t length = strlen(word);
    int size = length < 60
                   ? snprintf(name, sizeof name, "w_%.*s", (int)length, word)
                   : snprintf(name, sizeof name, "h_%016llx", (unsigned long long)mask__strings_hash(word, length));
    quoted(sql, '`', name, (size_t)size);
}

void mask__remote_text(mask__bytes *sql, const char *text, size_t length)
{
    quoted(sql, '\'', text, length);
}

void mask__remote_close(mask__remote *r)
{
    if (!r) return;
    free(r->url);
    free(r->database);
    free(r->scales);
    mask__arena_free(&r->arena);
    pthread_mutex_destroy(&r->lock);
    free(r);
}
