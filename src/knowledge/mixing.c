#include "knowledge/mixing.h"
#include "images/images.h"
#include "math/half.h"
#include "math/vector.h"

#include <stdlib.h>
#include <string.h>

#define MAGIC "MASKOWNB"
/* Both halves of the mixture have at most MOST images; fewer at hand stand several times in theirs. */
enum { VERSION = 1, LEAST = 25, MOST = 500 };

size_t mask__own_wanted(size_t own, size_t count)
{
    size_t most = own == 1 ? MOST : own;
    return count < LEAST || most == 0 ? 0 : count < most ? count : most;
}

typedef struct drawn {
    uint64_t hash;
    size_t place;
} drawn;

static int by_hash(const void *a, const void *b)
{
    const drawn *x = a, *y = b;
    if (x->hash != y->hash) return x->hash < y->hash ? -1 : 1;
    return (x->place > y->place) - (x->place < y->place);
}

static int by_place(const void *a, const void *b)
{
    size_t x = *(const size_t *)a, y = *(const size_t *)b;
    return (x > y) - (x < y);
}

mask_status mask__own_choose(const char *const *ids, size_t count, size_t wanted, size_t *which, mask_error *err)
{
    MASK__FREED drawn *all = malloc((count + 1) * sizeof *all);
    if (!all) return mask__no_memory(err, "the background");
    for (size_t i = 0; i < count; i++) all[i] = (drawn){mask__strings_hash(ids[i], strlen(ids[i])), i};
    qsort(all, count, sizeof *all, by_hash);
    for (size_t i = 0; i < wanted; i++) which[i] = all[i].place;
    qsort(which, wanted, sizeof *which, by_place);
    return MASK_OK;
}

void mask__own_free(mask__own *own)
{
    free(own->at);
    free(own->mu);
    *own = (mask__own){0};
}

static mask_status encode(mask__own *out, const mask_knowledge *k, const mask_images *images, const size_t *which,
                          const mask_run *run, mask_error *err)
{
    size_t rows = 0, values;
    for (size_t i = 0; i < out->count; i++) rows += mask_images_regions(images, which[i]);
    out->at = calloc(out->count + 1, sizeof *out->at);
    if (mask__multiply(rows, k->info.dim, &values)) out->mu = malloc((values + 1) * sizeof *out->mu);
    if (!out->at || !out->mu) return mask__no_memory(err, "the background");
    for (size_t i = 0; i < out->count; i++) {
        MASK__TRY(mask__progress(run, "background", "images", i, out->count, err));
        MASK__TRY(mask_knowledge_encode(k, images, which[i], out->mu + out->at[i] * k->info.dim, err));
        out->at[i + 1] = out->at[i] + mask_images_regions(images, which[i]);
        for (size_t r = out->at[i]; r < out->at[i + 1]; r++)
            (void)mask__normalise(out->mu + r * k->info.dim, k->info.dim);
    }
    return MASK_OK;
}

mask_status mask__own_encode(mask__own *out, const mask_knowledge *k, const mask_images *images, size_t wanted,
                             const mask_run *run, mask_error *err)
{
    MASK__CLOSED(mask__arena_free) mask__arena work = {0};
    size_t count = mask_images_count(images), *which = mask__arena_alloc(&work, wanted, sizeof *which);
    const char **ids = mask__arena_alloc(&work, count, sizeof *ids);
    *out = (mask__own){.count = wanted};
    if (work.lost) return mask__no_memory(err, "the background");
    for (size_t i = 0; i < count; i++) ids[i] = mask_images_id(images, i);
    MASK__TRY(mask__own_choose(ids, count, wanted, which, err));
    mask_status status = encode(out, k, images, which, run, err);
    if (status != MASK_OK) mask__own_free(out);
    return status;
}

static uint64_t regions_of(const mask__background *b, size_t image)
{
    return b->image_rows[image + 1] - b->image_rows[image];
}

mask_status mask__own_join(mask_knowledge *k, const mask__own *own, mask_error *err)
{
    mask__background *b = &k->background;
    if (!own->count || !b->images) return MASK_OK;
    size_t z = k->info.dim, kept = b->images < MOST ? b->images : MOST, joining = own->at[own->count];
    size_t times = kept > own->count ? kept / own->count : 1, rows = times * joining;
    for (size_t i = 0; i < kept; i++) rows += regions_of(b, i * b->images / kept);
    uint64_t *at = mask__arena_alloc(&k->arena, kept + times * own->count + 1, sizeof *at);
    float *mu = mask__arena_alloc(&k->arena, rows * z, sizeof *mu);
    if (!at || !mu) return mask__no_memory(err, "the background");
    for (size_t i = 0; i < kept; i++) {
        size_t from = i * b->images / kept;
        memcpy(mu + at[i] * z, b->mu + b->image_rows[from] * z, regions_of(b, from) * z * sizeof *mu);
        at[i + 1] = at[i] + regions_of(b, from);
    }
    for (size_t i = kept, t = 0; t < times; t++) {
        memcpy(mu + at[i] * z, own->mu, joining * z * sizeof *mu);
        for (size_t n = 0; n < own->count; n++, i++) at[i + 1] = at[i] + own->at[n + 1] - own->at[n];
    }
    b->mu = mu;
    b->image_rows = at;
    b->images = kept + times * own->count;
    k->info.background_images = kept + own->count;
    k->info.background_own = own->count;
    k->own_print = mask__strings_hash((const char *)own->mu, joining * z * sizeof *mu);
    return MASK_OK;
}

static bool are_halves(const float *values, const uint16_t *halves, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (mask__half(halves[i]) != values[i]) return false;
    return true;
}

/* float16 where nothing is lost by it, as of images that segments hold so. */
mask_status mask__own_save(const mask__own *own, size_t dim, const char *path, mask_error *err)
{
    mask__pack_writer *w;
    size_t values = own->at[own->count] * dim;
    MASK__FREED uint16_t *halves = malloc((values + 1) * sizeof *halves);
    if (!halves) return mask__no_memory(err, path);
    mask__float_to_half(own->mu, halves, values);
    bool half = are_halves(own->mu, halves, values);
    const void *mu = half ? (const void *)halves : own->mu;
    MASK__TRY(mask__pack_create(&w, path, MAGIC, VERSION, err));
    mask_status status = mask__pack_put(w, "image_rows", MASK__U64, own->count + 1, 0, own->at, err);
    if (status == MASK_OK)
        status = mask__pack_put(w, "mu", half ? MASK__F16 : MASK__F32, own->at[own->count], dim, mu, err);
    return mask__pack_commit(w, status, err);
}

static mask_status load(mask_knowledge *k, const mask__pack *pack, mask_error *err)
{
    const mask__tensor *at, *mu = mask__pack_find(pack, "mu");
    mask__dtype dtype = mu && mu->dtype == MASK__F16 ? MASK__F16 : MASK__F32;
    size_t where;
    MASK__TRY(mask__pack_get(pack, "image_rows", MASK__U64, 1, (uint64_t[]){0}, &at, err));
    MASK__TRY(mask__pack_get(pack, "mu", dtype, 2, (uint64_t[]){0, k->info.dim}, &mu, err));
    MASK__FREED float *wide = dtype == MASK__F16 ? malloc((mu->bytes + 1) * 2) : NULL;
    if (dtype == MASK__F16 && !wide) return mask__no_memory(err, pack->path);
    if (wide) mask__half_to_float(mu->data, wide, mu->bytes / sizeof(uint16_t));
    const uint64_t *rows = at->data;
    size_t count = at->shape[0] ? at->shape[0] - 1 : 0;
    bool valid = at->shape[0] && rows[0] == 0 && rows[count] == mu->shape[0];
    for (size_t i = 0; valid && i < count; i++) valid = rows[i] <= rows[i + 1];
    mask__own own = {.count = count, .at = (uint64_t *)rows, .mu = wide ? wide : (float *)mu->data}; /* only read */
    if (valid && mask__all_finite(own.mu, mu->shape[0] * k->info.dim, &where)) return mask__own_join(k, &own, err);
    return mask__fail_at(err, MASK_EFORMAT, at->offset, "%s: holds no images' regions: index the images again",
                         pack->path);
}

mask_status mask__own_load(mask_knowledge *k, const char *path, mask_error *err)
{
    MASK__CLOSED(mask__pack_close) mask__pack pack = {0};
    MASK__TRY(mask__pack_open(&pack, path, MAGIC, VERSION, MASK__VERIFY_DATA, err));
    return load(k, &pack, err);
}

mask_status mask_knowledge_mix(mask_knowledge **out, const mask_knowledge *from, const mask_images *images, size_t own,
                               const mask_run *run, mask_error *err)
{
    MASK__CLOSED(mask__own_free) mask__own joining = {0};
    *out = NULL;
    if (!from->background.images)
        return mask__fail(err, MASK_EINVAL,
                          "images at hand join a background, and the knowledge has none: calibrate it first");
    mask_knowledge *k = mask__knowledge_new();
    if (!k) return mask__no_memory(err, "a knowledge");
    MASK__USE_THREADS(mask__threads(run));
    mask_status status = mask__knowledge_copy(k, from, err);
    if (status == MASK_OK) status = mask__knowledge_copy_background(k, from, err);
    if (status == MASK_OK) k->rounded = from->rounded;
    if (status == MASK_OK)
        status = mask__own_encode(&joining, from, images, mask__own_wanted(own, mask_images_count(images)), run, err);
    if (status == MASK_OK) status = mask__own_join(k, &joining, err);
    return mask__knowledge_give(out, k, status);
}
