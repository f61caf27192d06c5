#include "search/clickhouse_rows.h"
#include "gallery/stored.h"

#include <string.h>

typedef mask__loader loader;
typedef mask__remote_table table;

void mask__row_text(mask__bytes *b, const void *text, size_t length)
{
    size_t left = length;
    do {
        unsigned char part = (unsigned char)(left & 0x7f) | (left > 0x7f ? 0x80 : 0);
        mask__bytes_put(b, &part, 1);
    } while (left >>= 7);
    mask__bytes_put(b, text, length);
}

/* ---- Tables ---- */

static void columns_sql(loader *l, const table *t)
{
    mask__bytes_print(&l->sql, "mask_row UInt64, deviation Float32, hub Float32");
    for (size_t w = t->first; w < t->first + t->count; w++) {
        mask__bytes_print(&l->sql, ", ");
        mask__remote_column(&l->sql, l->names[w]);
        mask__bytes_print(&l->sql, " UInt8");
    }
}

static void images_sql(loader *l)
{
    mask__bytes_print(&l->sql, "mask_row UInt64, id String, name Nullable(String), width Nullable(Float64), "
                               "height Nullable(Float64)");
    for (int i = 5; i < sqlite3_column_count(l->metadata); i++)
        mask__bytes_print(&l->sql, ", `%s` Nullable(%s)", sqlite3_column_name(l->metadata, i),
                          mask__holds_numbers(l->metadata, i) ? "Float64" : "String");
}

void mask__table_sql(loader *l, const table *t)
{
    switch (t->kind) {
    case MASK__COLUMNS:
        columns_sql(l, t);
        break;
    case MASK__POOLED:
        mask__bytes_print(&l->sql, "mask_row UInt64, word UInt32, low Float32, step Float32, slack Float32, "
                                   "codes Array(UInt8)");
        break;
    case MASK__IMAGES:
        images_sql(l);
        break;
    case MASK__LOOKS:
        mask__bytes_print(&l->sql, "mask_row UInt64, whole_step Float32, whole_codes Array(Int8), "
                                   "scene_step Float32, scene_codes Array(Int8)");
        break;
    default:
        mask__bytes_print(&l->sql, "mask_row UInt64, id String, name Nullable(String), width UInt32, height UInt32, "
                                   "deviation Float32, hub Float32, regions String, boxes String, mu String, "
                                   "whole String, scene String");
    }
}

/* ---- Rows ---- */

static bool alive(const mask__snapshot_segment *s, size_t image)
{
    return s->alive[image / 64] >> image % 64 & 1;
}

size_t mask__alive_in(const mask__snapshot_segment *s, size_t first, size_t end)
{
    size_t count = 0;
    for (size_t i = first; i < end; i++) count += alive(s, i);
    return count;
}

uint64_t mask__row_of(const mask__snapshot_segment *s, size_t image)
{
    return s->number << 32 | image;
}

/* A block's codes of one word, of our scale, into every `width`th byte. */
static void put_codes(const loader *l, size_t word, const mask__segment *s, size_t block, const unsigned char *pass,
                      unsigned char *to, size_t width)
{
    const mask__remote_scale *scale = &l->scales[word];
    const uint8_t *codes = s->score_codes + word * mask__segment_stride(s) + block * MASK__BLOCK;
    mask__steps step = s->score_steps[word * s->blocks + block];
    float from = (float)(((double)step.low - scale->low) / scale->step), by = (float)((double)step.step / scale->step);
    uint8_t ours[MASK__BLOCK];
    for (size_t i = 0; i < MASK__BLOCK; i++) {
        float x = from + by * (float)codes[i] + 0.5F;
        ours[i] = (uint8_t)(x < 0 ? 0 : x > 255 ? 255 : x);
    }
    for (size_t i = 0; i < MASK__BLOCK; i++) {
        if (!pass[i]) continue;
        *to = ours[i];
        to += width;
    }
}

static void put_columns(loader *l, const table *t, size_t g, size_t first, size_t end)
{
    const mask__segment *s = &l->view->segments[g];
    const mask__snapshot_segment *names = &l->view->snapshot.segments[g];
    size_t width = MASK__ROW_HEAD + t->count;
    for (size_t b = first / MASK__BLOCK; b * MASK__BLOCK < end; b++) {
        unsigned char pass[MASK__BLOCK];
        size_t rows = 0;
        for (size_t i = 0; i < MASK__BLOCK; i++) {
            size_t image = b * MASK__BLOCK + i;
            pass[i] = image >= first && image < end && alive(names, image);
            rows += pass[i];
        }
        unsigned char *to = mask__bytes_more(&l->body, rows * width), *head = to;
        if (!to) return;
        for (size_t i = 0; i < MASK__BLOCK; i++) {
            size_t image = b * MASK__BLOCK + i;
            if (!pass[i]) continue;
            memcpy(head, &(uint64_t){mask__row_of(names, image)}, 8);
            memcpy(head + 8, &s->image_deviation[image], 4);
            memcpy(head + 12, &s->image_hub[image], 4);
            head += width;
        }
        for (size_t w = 0; rows && w < t->count; w++)
            put_codes(l, t->first + w, s, b, pass, to + MASK__ROW_HEAD + w, width);
    }
}

/* Blocks of A_w as the gallery has them, word by word; images that were removed are in them. */
static void put_pooled(loader *l, size_t g, size_t first, size_t end)
{
    const mask__segment *s = &l->view->segments[g];
    const mask__snapshot_segment *names = &l->view->snapshot.segments[g];
    for (uint32_t w = 0; w < l->state.words; w++)
        for (size_t at = first, next; at < end; at = next) {
            size_t block = at / MASK__BLOCK;
            next = (block + 1) * MASK__BLOCK < end ? (block + 1) * MASK__BLOCK : end;
            mask__steps step = s->pooled_steps[w * s->blocks + block];
            mask__bytes_put(&l->body, &(uint64_t){mask__row_of(names, at)}, 8);
            mask__bytes_put(&l->body, &w, 4);
            mask__bytes_put(&l->body, &step.low, 4);
            mask__bytes_put(&l->body, &step.step, 4);
            mask__bytes_put(&l->body, &s->pooled_slack, 4);
            mask__row_text(&l->body, s->pooled_codes + w * mask__segment_stride(s) + at, next - at);
        }
}

static void put_looks(loader *l, size_t g, size_t image)
{
    const mask__segment *s = &l->view->segments[g];
    const int8_t *codes[] = {s->whole_codes, s->scene_codes};
    const float *steps[] = {s->whole_steps, s->scene_steps};
    mask__bytes_put(&l->body, &(uint64_t){mask__row_of(&l->view->snapshot.segments[g], image)}, 8);
    for (int i = 0; i < 2; i++) {
        mask__bytes_put(&l->body, codes[i] ? &steps[i][image] : &(float){0}, 4);
        mask__row_text(&l->body, codes[i] ? codes[i] + image * s->z : NULL, codes[i] ? s->z : 0);
    }
}

static void put_nullable(mask__bytes *b, const char *text)
{
    mask__bytes_put(b, &(unsigned char){!text}, 1);
    if (text) mask__row_text(b, text, strlen(text));
}

static void put_vectors(loader *l, size_t g, size_t image)
{
    const mask__segment *s = &l->view->segments[g];
    const mask__snapshot_segment *names = &l->view->snapshot.segments[g];
    size_t row = (size_t)s->image_rows[image], regions = (size_t)s->image_rows[image + 1] - row;
    size_t bytes = mask__stored_bytes(s->type, s->z);
    mask__bytes *b = &l->body;
    mask__bytes_put(b, &(uint64_t){mask__row_of(names, image)}, 8);
    mask__row_text(b, names->ids[image], strlen(names->ids[image]));
    put_nullable(b, names->names[image]);
    mask__bytes_put(b, &names->widths[image], 4);
    mask__bytes_put(b, &names->heights[image], 4);
    mask__bytes_put(b, &s->image_deviation[image], 4);
    mask__bytes_put(b, &s->image_hub[image], 4);
    mask__row_text(b, s->region_of_row + row, regions * sizeof(uint32_t));
    mask__row_text(b, s->boxes ? s->boxes + row * 4 : NULL, s->boxes ? regions * 4 * sizeof(float) : 0);
    mask__row_text(b, (const char *)s->mu + row * bytes, regions * bytes);
    mask__row_text(b, s->whole ? (const char *)s->whole + image * bytes : NULL, s->whole ? bytes : 0);
    mask__row_text(b, s->scenes ? (const char *)s->scenes + image * bytes : NULL, s->scenes ? bytes : 0);
}

/* The metadata's rows from the present one to the last before `end`, a place; those before `first` are passed over. */
static mask_status put_images(loader *l, uint64_t first, uint64_t end, mask_error *err)
{
    sqlite3_stmt *row = l->metadata;
    mask__bytes *b = &l->body;
    for (;;) {
        uint64_t place = l->row ? (uint64_t)sqlite3_column_int64(row, 0) : UINT64_MAX;
        if (place >= end) return MASK_OK;
        if (place >= first) {
            const char *id = (const char *)sqlite3_column_text(row, 1);
            mask__bytes_put(b, &place, sizeof place);
            mask__row_text(b, id, strlen(id));
            put_nullable(b, (const char *)sqlite3_column_text(row, 2));
        }
        for (int i = 3; place >= first && i < sqlite3_column_count(row); i++) {
            unsigned char none = sqlite3_column_type(row, i) == SQLITE_NULL;
            double value = sqlite3_column_double(row, i);
            if (!mask__holds_numbers(row, i)) put_nullable(b, (const char *)sqlite3_column_text(row, i));
            else mask__bytes_put(b, &none, 1);
            if (mask__holds_numbers(row, i) && !none) mask__bytes_put(b, &value, sizeof value);
        }
        MASK__TRY(mask__database_step(l->view->catalogue, row, &l->row, err));
    }
}

mask_status mask__put_piece(loader *l, const table *t, size_t g, size_t first, size_t end, mask_error *err)
{
    const mask__snapshot_segment *names = &l->view->snapshot.segments[g];
    l->body.size = 0;
    if (t->kind == MASK__IMAGES) return put_images(l, mask__row_of(names, first), mask__row_of(names, end), err);
    if (t->kind == MASK__COLUMNS) put_columns(l, t, g, first, end);
    if (t->kind == MASK__POOLED) put_pooled(l, g, first, end);
    for (size_t i = first; t->kind > MASK__POOLED && i < end; i++) {
        if (!alive(names, i)) continue;
        if (t->kind == MASK__LOOKS) put_looks(l, g, i);
        else put_vectors(l, g, i);
    }
    return MASK_OK;
}
