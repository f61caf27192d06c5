/* Filters as bitmaps, so that a search asks one bit an image whatever the condition was. */
#include "search/filter.h"
#include "base/memory.h"

#include <string.h>

static size_t words_of(const mask__snapshot_segment *s)
{
    return (s->images + 63) / 64;
}

static mask_status empty_bitmaps(uint64_t ***out, const mask__snapshot *snapshot, mask__arena *arena, mask_error *err)
{
    uint64_t **maps = mask__arena_alloc(arena, snapshot->segment_count, sizeof *maps);
    for (size_t s = 0; maps && s < snapshot->segment_count; s++)
        if (!(maps[s] = mask__arena_alloc(arena, words_of(&snapshot->segments[s]), sizeof **maps))) maps = NULL;
    *out = maps;
    return maps ? MASK_OK : mask__no_memory(err, "a filter");
}

static void narrow(uint64_t **maps, uint64_t *const *by, const mask__snapshot *snapshot)
{
    for (size_t s = 0; s < snapshot->segment_count; s++)
        for (size_t w = 0; w < words_of(&snapshot->segments[s]); w++) maps[s][w] &= by[s][w];
}

static mask_status add_conditions(uint64_t **maps, const mask__view *v, const mask_query *query, mask__arena *arena,
                                  const mask_run *run, mask_error *err)
{
    const mask__snapshot *snapshot = &v->snapshot;
    uint64_t **allowed;
    if (query->where) {
        MASK__TRY(empty_bitmaps(&allowed, snapshot, arena, err));
        MASK__TRY(mask__catalogue_where(v->catalogue, snapshot, query->where, allowed, run, err));
        narrow(maps, allowed, snapshot);
    }
    if (query->ids) {
        MASK__TRY(empty_bitmaps(&allowed, snapshot, arena, err));
        for (size_t i = 0; i < query->id_count; i++) {
            size_t s, image;
            if (mask__snapshot_find(snapshot, query->ids[i], &s, &image))
                allowed[s][image / 64] |= UINT64_C(1) << image % 64;
        }
        narrow(maps, allowed, snapshot);
    }
    return MASK_OK;
}

/* Images of the gallery that the query asks by are no answers to it. */
static void leave_out(uint64_t **maps, const mask__view *v, const mask_query *query)
{
    size_t s, image;
    for (size_t i = 0; i < query->image_count; i++)
        if (query->images[i].id && mask__snapshot_find(&v->snapshot, query->images[i].id, &s, &image))
            maps[s][image / 64] &= ~(UINT64_C(1) << image % 64);
}

mask_status mask__filter_make(mask__filter *out, const mask__view *v, const mask_query *query, mask__arena *arena,
                              const mask_run *run, mask_error *err)
{
    const mask__snapshot *snapshot = &v->snapshot;
    uint64_t **maps;
    *out = (mask__filter){.pass = mask__arena_alloc(arena, snapshot->segment_count, sizeof *out->pass)};
    if (!out->pass) return mask__no_memory(err, "a filter");
    if (!query->where && !query->ids && !query->image_count) {
        for (size_t s = 0; s < snapshot->segment_count; s++) out->pass[s] = snapshot->segments[s].alive;
        out->images = snapshot->images;
        return MASK_OK;
    }
    MASK__TRY(empty_bitmaps(&maps, snapshot, arena, err));
    for (size_t s = 0; s < snapshot->segment_count; s++)
        memcpy(maps[s], snapshot->segments[s].alive, words_of(&snapshot->segments[s]) * sizeof **maps);
    MASK__TRY(add_conditions(maps, v, query, arena, run, err));
    leave_out(maps, v, query);
    for (size_t s = 0; s < snapshot->segment_count; s++) {
        for (size_t w = 0; w < words_of(&snapshot->segments[s]); w++)
            out->images += (size_t)__builtin_popcountll(maps[s][w]);
        out->pass[s] = maps[s];
    }
    return MASK_OK;
}
