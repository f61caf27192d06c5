/* Word vectors: a read-only map of a .mvec, lookup by exact token, nearest rows by cosine.
 * Open checks what lookups rely on (shapes, word offsets, hash slots) but does not read the vectors;
 * mask_vectors_verify does. Nothing here folds case, lemmatises or guesses. */
#include "text/vectors.h"

#include "base/memory.h"
#include "math/half.h"
#include "math/vector.h"

#include <assert.h>
#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

enum { BLOCK_ROWS = 1 << 16 }; /* between two looks at the progress callback */

struct mask_vectors {
    mask__pack pack;
    size_t count, dim;
    const char *bytes;       /* all words, one after the other */
    const uint64_t *offsets; /* count + 1 */
    const uint32_t *slots;   /* slot_count, a power of two; MASK__NOT_FOUND = empty */
    size_t slot_count;
    const mask__tensor *values; /* count x dim, f32, f16 or 8-bit codes */
    const float *scales;        /* count, of codes; else NULL */
    const float *norms;         /* count */
    uint64_t fingerprint;
};

static mask_status damaged(const mask_vectors *v, const mask__tensor *t, const char *what, mask_error *err)
{
    return mask__fail_at(err, MASK_EFORMAT, t->offset, "%s: byte %llu: '%s' %s: the file is damaged, import it again",
                         v->pack.path, (unsigned long long)t->offset, t->name, what);
}

static mask_status read_values(mask_vectors *v, mask_error *err)
{
    const mask__tensor *found = mask__pack_find(&v->pack, "values");
    mask__dtype dtype = found && (found->dtype == MASK__F16 || found->dtype == MASK__U8) ? found->dtype : MASK__F32;
    MASK__TRY(mask__pack_get(&v->pack, "values", dtype, 2, (uint64_t[]){0, 0}, &v->values, err));
    if (v->values->shape[0] == 0 || v->values->shape[0] >= MASK__NOT_FOUND || v->values->shape[1] == 0 ||
        v->values->shape[1] > MASK__VECTORS_MAX_DIM)
        return damaged(v, v->values, "has an impossible shape", err);
    v->count = v->values->shape[0];
    v->dim = v->values->shape[1];
    if (dtype != MASK__U8) return MASK_OK;
    const mask__tensor *scales;
    MASK__TRY(mask__pack_get(&v->pack, "scales", MASK__F32, 1, (uint64_t[]){v->count}, &scales, err));
    v->scales = scales->data;
    return MASK_OK;
}

static mask_status read_words(mask_vectors *v, mask_error *err)
{
    const mask__tensor *bytes, *offsets;
    MASK__TRY(mask__pack_get(&v->pack, "words.bytes", MASK__U8, 1, (uint64_t[]){0}, &bytes, err));
    MASK__TRY(mask__pack_get(&v->pack, "words.offsets", MASK__U64, 1, (uint64_t[]){v->count + 1}, &offsets, err));
    v->bytes = bytes->data;
    v->offsets = offsets->data;
    bool rising = v->offsets[0] == 0 && v->offsets[v->count] == bytes->bytes;
    for (size_t i = 0; i < v->count; i++) rising &= v->offsets[i] < v->offsets[i + 1];
    return rising ? MASK_OK : damaged(v, offsets, "does not divide the words", err);
}

static mask_status read_slots(mask_vectors *v, mask_error *err)
{
    const mask__tensor *slots;
    MASK__TRY(mask__pack_get(&v->pack, "slots", MASK__U32, 1, (uint64_t[]){0}, &slots, err));
    v->slots = slots->data;
    v->slot_count = slots->shape[0];
    if (v->slot_count < 2 * v->count || (v->slot_count & (v->slot_count - 1)) != 0)
        return damaged(v, slots, "has an impossible size", err);
    size_t used = 0, valid = 0;
    for (size_t i = 0; i < v->slot_count; i++) {
        used += v->slots[i] != MASK__NOT_FOUND;
        valid += v->slots[i] < v->count;
    }
    /* Half of the slots or more are thus empty, which ends every search. */
    return used == v->count && valid == v->count ? MASK_OK : damaged(v, slots, "points outside the words", err);
}

/* The checksums of the tensors already identify the content; they are hashed instead of the data. */
static uint64_t fingerprint_of(const mask_vectors *v)
{
    const uint64_t content[] = {mask__pack_find(&v->pack, "words.bytes")->checksum,
                                mask__pack_find(&v->pack, "words.offsets")->checksum,
                                v->values->checksum,
                                v->values->dtype,
                                v->count,
                                v->dim,
                                v->scales ? mask__pack_find(&v->pack, "scales")->checksum : 0};
    return XXH3_64bits(content, sizeof content - (v->scales ? 0 : sizeof *content));
}

mask_status mask_vectors_open(mask_vectors **out, const char *path, const mask_run *run, mask_error *err)
{
    (void)run; /* nothing here takes long */
    const mask__tensor *norms;
    *out = NULL;
    mask_vectors *v = calloc(1, sizeof *v);
    if (!v) return mask__no_memory(err, path);
    mask_status status =
        mask__pack_open(&v->pack, path, MASK__VECTORS_MAGIC, MASK__VECTORS_VERSION, MASK__VERIFY_TABLE, err);
    if (status == MASK_OK) status = read_values(v, err);
    if (status == MASK_OK) status = read_words(v, err);
    if (status == MASK_OK) status = read_slots(v, err);
    if (status == MASK_OK)
        status = mask__pack_get(&v->pack, "norms", MASK__F32, 1, (uint64_t[]){v->count}, &norms, err);
    if (status != MASK_OK) {
        mask_vectors_close(v);
        return status;
    }
    v->norms = norms->data;
    v->fingerprint = fingerprint_of(v);
    *out = v;
    return MASK_OK;
}

mask_status mask_vectors_verify(const mask_vectors *v, mask_error *err)
{
    return mask__pack_verify(&v->pack, err);
}

void mask_vectors_close(mask_vectors *v)
{
    if (!v) return;
    mask__pack_close(&v->pack);
    free(v);
}

size_t mask_vectors_count(const mask_vectors *v)
{
    return v->count;
}

size_t mask_vectors_dim(const mask_vectors *v)
{
    return v->dim;
}

const char *mask_vectors_path(const mask_vectors *v)
{
    return v->pack.path;
}

uint64_t mask_vectors_fingerprint(const mask_vectors *v)
{
    return v->fingerprint;
}

const char *mask_vectors_word(const mask_vectors *v, size_t row, size_t *length)
{
    assert(row < v->count);
    *length = (size_t)(v->offsets[row + 1] - v->offsets[row]);
    return v->bytes + v->offsets[row];
}

int64_t mask_vectors_find(const mask_vectors *v, const char *word, size_t length)
{
    size_t at = (size_t)mask__strings_hash(word, length) & (v->slot_count - 1);
    for (; v->slots[at] != MASK__NOT_FOUND; at = (at + 1) & (v->slot_count - 1)) {
        size_t other_length;
        const char *other = mask_vectors_word(v, v->slots[at], &other_length);
        if (other_length == length && memcmp(other, word, length) == 0) return v->slots[at];
    }
    return -1;
}

void mask_vectors_get(const mask_vectors *v, size_t row, float *out)
{
    assert(row < v->count);
    const uint8_t *codes = (const uint8_t *)v->values->data + row * v->dim;
    if (v->scales) mask__from_bytes(codes, v->scales[row], v->dim, out);
    else if (v->values->dtype == MASK__F16)
        mask__half_to_float((const uint16_t *)v->values->data + row * v->dim, out, v->dim);
    else memcpy(out, (const float *)v->values->data + row * v->dim, v->dim * sizeof *out);
}

/* cos(unit, row) = unit . row / |row|, within [-1, 1] for every finite row; 0 for a zero row. */
static float cosine(const mask_vectors *v, size_t row, const float *unit, float *scratch)
{
    const float *values = scratch;
    if (scratch) mask_vectors_get(v, row, scratch);
    else values = (const float *)v->values->data + row * v->dim;
    float dot = mask__dot(unit, values, v->dim), value = v->norms[row] == 0 ? 0 : dot / v->norms[row];
    return value > 1 ? 1 : value < -1 ? -1 : value; /* NaN stays NaN and is refused later */
}

static mask_status fill_cosines(const mask_vectors *v, const float *unit, float *cosines, const mask_run *run,
                                mask_error *err)
{
    int threads = mask__threads(run);
    MASK__FREED float *scratch = NULL; /* one row a thread */
    size_t where;
    if (v->values->dtype != MASK__F32 && !(scratch = calloc((size_t)threads * v->dim, sizeof *scratch)))
        return mask__no_memory(err, v->pack.path);
    for (size_t begin = 0; begin < v->count; begin += BLOCK_ROWS) {
        size_t end = v->count - begin < BLOCK_ROWS ? v->count : begin + BLOCK_ROWS;
#pragma omp parallel for num_threads(threads) schedule(static)
        for (size_t row = begin; row < end; row++)
            cosines[row] = cosine(v, row, unit, scratch ? scratch + (size_t)omp_get_thread_num() * v->dim : NULL);
        MASK__TRY(mask__progress(run, "comparing words", "words", end, v->count, err));
    }
    if (mask__all_finite(cosines, v->count, &where)) return MASK_OK;
    return mask__fail_at(err, MASK_EFORMAT, v->values->offset,
                         "%s: row %zu is not finite: the file is damaged, import it again", v->pack.path, where);
}

/* The query at unit length; its norm is taken in double, where it cannot overflow. */
static mask_status unit_query(const mask_vectors *v, const float *query, float *unit, mask_error *err)
{
    size_t where;
    double norm = 0;
    if (!mask__all_finite(query, v->dim, &where))
        return mask__fail(err, MASK_EINVAL, "query: number %zu is not finite: give finite numbers", where + 1);
    for (size_t i = 0; i < v->dim; i++) norm += (double)query[i] * query[i];
    norm = sqrt(norm);
    if (norm == 0) return mask__fail(err, MASK_EINVAL, "query: all numbers are 0, which is no direction");
    for (size_t i = 0; i < v->dim; i++) unit[i] = (float)(query[i] / norm);
    return MASK_OK;
}

mask_status mask_vectors_near(const mask_vectors *v, const float *query, size_t k, mask_neighbour *out, size_t *found,
                              const mask_run *run, mask_error *err)
{
    *found = 0;
    if (k > v->count) k = v->count;
    MASK__CLOSED(mask__arena_free) mask__arena work = {0};
    float *unit = mask__arena_alloc(&work, v->dim, sizeof *unit);
    float *cosines = mask__arena_alloc(&work, v->count, sizeof *cosines);
    mask__ranked *ranked = mask__arena_alloc(&work, k, sizeof *ranked);
    if (work.lost) return mask__no_memory(err, v->pack.path);
    MASK__TRY(unit_query(v, query, unit, err));
    MASK__TRY(fill_cosines(v, unit, cosines, run, err));
    *found = mask__top_k(cosines, v->count, k, ranked);
    for (size_t i = 0; i < *found; i++) out[i] = (mask_neighbour){ranked[i].index, ranked[i].value};
    return MASK_OK;
}
