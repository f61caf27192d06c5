/* The catalogue at one moment as plain memory: what readers work on. Every row is checked against its sum and its
 * segment. */
#include "gallery/database.h"
#include "base/memory.h"
#include "base/sqlfile.h"
#include "base/strings.h"

#include <stdlib.h>
#include <string.h>

enum { TEXT_BYTES = 1 << 20 };

/* Behind mask__snapshot.memory. */
typedef struct keep {
    mask__arena arena;
    char *text; /* the block that ids and names go to, and what is left of it */
    size_t left;
    uint64_t *slots; /* hash of ids: segment index << 32 | position + 1; 0 = empty */
    size_t slot_count;
} keep;

void mask__snapshot_free(mask__snapshot *snapshot)
{
    keep *k = snapshot->memory;
    if (k) mask__arena_free(&k->arena);
    free(k);
    *snapshot = (mask__snapshot){0};
}

/* Millions of short texts: packed, not each at a boundary of its own. */
static char *keep_text(keep *k, const char *text)
{
    size_t bytes = strlen(text) + 1;
    if (bytes > k->left) {
        size_t block = bytes > TEXT_BYTES ? bytes : TEXT_BYTES;
        k->text = mask__arena_alloc(&k->arena, block, 1);
        k->left = k->text ? block : 0;
        if (!k->text) return NULL;
    }
    char *copy = memcpy(k->text, text, bytes);
    k->text += bytes;
    k->left -= bytes;
    return copy;
}

static mask_status read_segment(mask__catalogue *c, keep *k, sqlite3_stmt *s, mask__snapshot_segment *out,
                                mask_error *err)
{
    int64_t number = sqlite3_column_int64(s, 0), images = sqlite3_column_int64(s, 1);
    if (number < 1 || number > INT32_MAX || images < 1 || images > MASK__SEGMENT_IMAGES_MAX)
        return mask__database_damaged(c, err, "a segment has an impossible size");
    size_t count = (size_t)images;
    *out = (mask__snapshot_segment){.number = (uint64_t)number,
                                    .images = count,
                                    .alive = mask__arena_alloc(&k->arena, (count + 63) / 64, sizeof(uint64_t)),
                                    .ids = mask__arena_alloc(&k->arena, count, sizeof(char *)),
                                    .names = mask__arena_alloc(&k->arena, count, sizeof(char *)),
                                    .widths = mask__arena_alloc(&k->arena, count, sizeof(uint32_t)),
                                    .heights = mask__arena_alloc(&k->arena, count, sizeof(uint32_t))};
    return k->arena.lost ? mask__no_memory(err, c->path) : MASK_OK;
}

static mask_status read_segments(mask__catalogue *c, keep *k, mask__snapshot *out, mask_error *err)
{
    MASK__CLOSED(mask__statement_free) sqlite3_stmt *s = NULL;
    int64_t count = 0;
    bool row;
    MASK__TRY(mask__database_number(c, "SELECT count(*) FROM segment", &count, err));
    out->segments = mask__arena_alloc(&k->arena, (size_t)count, sizeof *out->segments);
    if (!out->segments) return mask__no_memory(err, c->path);
    MASK__TRY(mask__database_prepare(c, &s, "SELECT number, images FROM segment ORDER BY number", err));
    for (; out->segment_count < (size_t)count; out->segment_count++) {
        MASK__TRY(mask__database_step(c, s, &row, err));
        if (!row) return mask__database_damaged(c, err, "it has fewer segments than it counts");
        MASK__TRY(read_segment(c, k, s, &out->segments[out->segment_count], err));
    }
    return MASK_OK;
}

mask__snapshot_segment *mask__snapshot_segment_of(const mask__snapshot *snapshot, uint64_t number)
{
    size_t low = 0, high = snapshot->segment_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (snapshot->segments[middle].number < number) low = middle + 1;
        else high = middle;
    }
    return low < snapshot->segment_count && snapshot->segments[low].number == number ? &snapshot->segments[low] : NULL;
}

static mask_status read_image(mask__catalogue *c, keep *k, sqlite3_stmt *s, mask__snapshot *out, mask_error *err)
{
    uint64_t place = (uint64_t)sqlite3_column_int64(s, 0), number = place >> 32;
    size_t position = (size_t)(place & UINT32_MAX);
    mask__catalogue_image image = {.id = (const char *)sqlite3_column_text(s, 1),
                                   .name = (const char *)sqlite3_column_text(s, 2),
                                   .width = (uint32_t)sqlite3_column_int64(s, 3),
                                   .height = (uint32_t)sqlite3_column_int64(s, 4),
                                   .content = (uint64_t)sqlite3_column_int64(s, 5)};
    mask__snapshot_segment *at = mask__snapshot_segment_of(out, number);
    if (!at || position >= at->images) return mask__database_damaged(c, err, "an image lies in no segment");
    if (at->ids[position]) return mask__database_damaged(c, err, "two images lie in one place");
    if (!image.id || (uint64_t)sqlite3_column_int64(s, 6) != mask__database_row_sum(place, &image))
        return mask__database_damaged(c, err, "the checksum of an image's row is wrong");
    at->ids[position] = keep_text(k, image.id);
    if (image.name) at->names[position] = keep_text(k, image.name);
    if (!at->ids[position] || (image.name && !at->names[position])) return mask__no_memory(err, c->path);
    at->widths[position] = image.width;
    at->heights[position] = image.height;
    at->alive[position / 64] |= UINT64_C(1) << position % 64;
    at->alive_count++;
    out->images++;
    return MASK_OK;
}

static mask_status read_images(mask__catalogue *c, keep *k, mask__snapshot *out, mask_error *err)
{
    MASK__CLOSED(mask__statement_free) sqlite3_stmt *s = NULL;
    bool row;
    MASK__TRY(mask__database_prepare(c, &s, "SELECT place, id, name, width, height, content, sum FROM item", err));
    for (;;) {
        MASK__TRY(mask__database_step(c, s, &row, err));
        if (!row) return MASK_OK;
        MASK__TRY(read_image(c, k, s, out, err));
    }
}

static const char *slot_id(const mask__snapshot *snapshot, uint64_t slot)
{
    return snapshot->segments[slot >> 32].ids[(slot & UINT32_MAX) - 1];
}

mask_status mask__snapshot_index(mask__snapshot *out, bool *twice, mask_error *err)
{
    if (!out->memory) out->memory = calloc(1, sizeof(keep));
    keep *k = out->memory;
    *twice = false;
    if (!k) return mask__no_memory(err, "the catalogue");
    for (k->slot_count = 16; k->slot_count < 2 * out->images; k->slot_count *= 2) {
    }
    k->slots = mask__arena_alloc(&k->arena, k->slot_count, sizeof *k->slots);
    if (!k->slots) return mask__no_memory(err, "the catalogue");
    for (size_t segment = 0; segment < out->segment_count; segment++)
        for (size_t i = 0; i < out->segments[segment].images; i++) {
            const char *id = out->segments[segment].ids[i];
            if (!id) continue;
            size_t slot = mask__strings_hash(id, strlen(id)) & (k->slot_count - 1);
            for (; k->slots[slot]; slot = (slot + 1) & (k->slot_count - 1))
                *twice = *twice || strcmp(slot_id(out, k->slots[slot]), id) == 0;
            k->slots[slot] = (uint64_t)segment << 32 | (i + 1);
        }
    return MASK_OK;
}

mask_status mask__catalogue_generation(mask__catalogue *c, uint64_t *generation, mask_error *err)
{
    pthread_mutex_lock(&c->mutex);
    mask_status status = mask__database_generation(c, generation, err);
    pthread_mutex_unlock(&c->mutex);
    return status;
}

mask_status mask__catalogue_own(mask__catalogue *c, uint64_t *own, mask_error *err)
{
    int64_t number = 0;
    pthread_mutex_lock(&c->mutex);
    mask_status status = mask__database_number(c, mask__own_number, &number, err);
    pthread_mutex_unlock(&c->mutex);
    *own = (uint64_t)number;
    return status;
}

mask_status mask__catalogue_snapshot(mask__catalogue *c, mask__snapshot *out, mask_error *err)
{
    *out = (mask__snapshot){.memory = calloc(1, sizeof(keep))};
    keep *k = out->memory;
    bool twice;
    int64_t own = 0;
    if (!k) return mask__no_memory(err, c->path);
    pthread_mutex_lock(&c->mutex);
    mask__sql_bound(c->db, c->path);
    mask_status status = mask__database_begin(c, err);
    if (status == MASK_OK) status = mask__database_generation(c, &out->generation, err);
    if (status == MASK_OK) status = mask__database_number(c, mask__own_number, &own, err);
    out->own = (uint64_t)own;
    if (status == MASK_OK) status = read_segments(c, k, out, err);
    if (status == MASK_OK) status = read_images(c, k, out, err);
    if (status == MASK_OK) status = mask__snapshot_index(out, &twice, err);
    if (status == MASK_OK && twice) status = mask__database_damaged(c, err, "an id stands twice");
    mask__database_end(c);
    mask__sql_unbound(c->db);
    pthread_mutex_unlock(&c->mutex);
    if (status != MASK_OK) mask__snapshot_free(out);
    return status;
}

bool mask__snapshot_find(const mask__snapshot *snapshot, const char *id, size_t *segment, size_t *image)
{
    const keep *k = snapshot->memory;
    if (!k) return false;
    size_t slot = mask__strings_hash(id, strlen(id)) & (k->slot_count - 1);
    for (; k->slots[slot]; slot = (slot + 1) & (k->slot_count - 1))
        if (strcmp(slot_id(snapshot, k->slots[slot]), id) == 0) {
            *segment = k->slots[slot] >> 32;
            *image = (size_t)(k->slots[slot] & UINT32_MAX) - 1;
            return true;
        }
    return false;
}
