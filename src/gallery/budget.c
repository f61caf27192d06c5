#include "gallery/budget.h"
#include "math/gemm.h"

#include <string.h>

enum { WORDS = 1000 };

/* Texts of T that hold each known word. */
static void count_texts(const mask__calibration *s, float *weights)
{
    const mask_knowledge *k = s->knowledge;
    const mask__background *b = &k->background;
    for (size_t i = 0; i < b->words.count; i++) {
        size_t length;
        const char *word = mask__strings_get(&b->words, i, &length);
        uint32_t known = mask__strings_find(&k->words, word, length);
        if (known != MASK__NOT_FOUND) weights[known] = (float)b->word_texts[i];
    }
}

mask_status mask__budget_open(mask__budget *b, const mask__calibration *s, mask_error *err)
{
    size_t known = s->known.count, z = s->z;
    *b = (mask__budget){.calibration = s};
    float *all = mask__arena_alloc(&b->arena, known, sizeof *all);
    mask__ranked *ranked = mask__arena_alloc(&b->arena, WORDS, sizeof *ranked);
    b->prototypes = mask__arena_alloc(&b->arena, WORDS * z, sizeof *b->prototypes);
    b->weights = mask__arena_alloc(&b->arena, WORDS, sizeof *b->weights);
    b->words = mask__arena_alloc(&b->arena, WORDS, sizeof *b->words);
    if (b->arena.lost) {
        mask__budget_close(b);
        return mask__no_memory(err, "the budget of regions");
    }
    if (s->background) count_texts(s, all);
    else
        for (size_t w = 0; w < known; w++) all[w] = 1; /* the lower index is the more frequent label */
    size_t found = mask__top_k(all, known, WORDS, ranked);
    while (b->count < found && ranked[b->count].value > 0) {
        uint32_t w = b->words[b->count] = ranked[b->count].index;
        b->weights[b->count] = ranked[b->count].value;
        memcpy(b->prototypes + b->count++ * z, s->known.prototypes + w * z, z * sizeof *b->prototypes);
    }
    return MASK_OK;
}

void mask__budget_close(mask__budget *b)
{
    mask__arena_free(&b->arena);
    *b = (mask__budget){0};
}

size_t mask__budget_scratch(const mask__budget *b, size_t regions)
{
    return (regions + 1) * b->count;
}

/* What a region adds to what is covered. */
static float gain(const float *gains, const float *covered, size_t count)
{
    float sum = 0;
#pragma omp simd reduction(+ : sum)
    for (size_t w = 0; w < count; w++) sum += gains[w] > covered[w] ? gains[w] - covered[w] : 0;
    return sum;
}

static void cover(const float *gains, float *covered, size_t count)
{
    for (size_t w = 0; w < count; w++) covered[w] = gains[w] > covered[w] ? gains[w] : covered[w];
}

void mask__budget_order(const mask__budget *b, const float *mu, size_t regions, size_t keep, uint32_t *order,
                        float *scratch)
{
    const mask__calibration *s = b->calibration;
    size_t z = s->z, count = b->count;
    float *gains = scratch, *covered = scratch + regions * count;
    mask__gemm(false, true, regions, count, z, 1, mu, z, b->prototypes, z, 0, gains, count);
    for (size_t r = 0; r < regions; r++)
        for (size_t w = 0; w < count; w++) {
            mask__affine a = s->known.pooled[b->words[w]];
            gains[r * count + w] = b->weights[w] * (gains[r * count + w] - a.mean) * a.scale;
        }
    memset(covered, 0, count * sizeof *covered); /* max(0, .) */
    for (size_t n = 0; n < keep && n < regions; n++) {
        float most = -1;
        size_t best = 0;
        for (size_t r = 0; r < regions; r++) {
            bool taken = false;
            for (size_t i = 0; i < n; i++) taken = taken || order[i] == r;
            if (taken) continue;
            bool first = n == 0 && s->options.whole_region >= 0;
            float adds =
                first ? (float)(r == (size_t)s->options.whole_region) : gain(gains + r * count, covered, count);
            if (adds > most) {
                most = adds;
                best = r;
            }
        }
        order[n] = (uint32_t)best;
        cover(gains + best * count, covered, count);
    }
}
