#include "knowledge/cooccurrence.h"
#include "math/eigen.h"
#include "math/gemm.h"
#include "math/vector.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct counts {
    size_t words, contexts;
    float *pairs;       /* words x contexts: C */
    double *rows;       /* words: sum over all words, contexts or not */
    uint32_t *distinct; /* scratch */
    size_t capacity;
} counts;

static int rising(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static bool add_document(counts *c, const uint32_t *word, size_t length)
{
    size_t n = 0;
    if (!mask__grow(&c->distinct, &c->capacity, length + 1, sizeof *c->distinct)) return false;
    memcpy(c->distinct, word, length * sizeof *word);
    qsort(c->distinct, length, sizeof *word, rising);
    for (size_t i = 0; i < length; i++)
        if (i == 0 || c->distinct[i] != c->distinct[i - 1]) c->distinct[n++] = c->distinct[i];
    if (n < 2) return true;
    float share = 1 / (float)(n - 1);
    for (size_t a = 0; a < n; a++) {
        c->rows[c->distinct[a]] += 1;
        for (size_t b = 0; b < n && c->distinct[b] < c->contexts; b++)
            if (b != a) c->pairs[c->distinct[a] * c->contexts + c->distinct[b]] += share;
    }
    return true;
}

/* Pairs become their positive pointwise mutual information. */
static void weigh(counts *c)
{
    double total = 0;
    for (size_t w = 0; w < c->words; w++) total += pow(c->rows[w], 0.75);
#pragma omp parallel for schedule(static)
    for (size_t u = 0; u < c->words; u++)
        for (size_t v = 0; v < c->contexts; v++) {
            float *pair = &c->pairs[u * c->contexts + v];
            if (*pair <= 0) continue;
            double expected = c->rows[u] * pow(c->rows[v], 0.75) / total, value = log(*pair / expected);
            *pair = value > 0 ? (float)value : 0;
        }
}

/* out = unit rows of P Q lambda^-1/4 */
static mask_status embed(const counts *c, size_t dim, float *out, mask_error *err)
{
    size_t n = c->contexts;
    MASK__CLOSED(mask__arena_free) mask__arena work = {0};
    float *gram = mask__arena_alloc(&work, n * n, sizeof *gram), *q = mask__arena_alloc(&work, n * dim, sizeof *q);
    double *a = mask__arena_alloc(&work, n * n, sizeof *a), *values = mask__arena_alloc(&work, dim, sizeof *values);
    double *vectors = mask__arena_alloc(&work, n * dim, sizeof *vectors);
    if (work.lost) return mask__no_memory(err, "co-occurrence");
    mask__gemm(true, false, n, n, c->words, 1, c->pairs, n, c->pairs, n, 0, gram, n);
    for (size_t i = 0; i < n * n; i++) a[i] = gram[i];
    MASK__TRY(mask__eigen_symmetric(a, n, dim, values, vectors, err));
    for (size_t i = 0; i < n * dim; i++) {
        double value = values[i % dim];
        q[i] = value > 1e-9 * values[0] ? (float)(vectors[i] / pow(value, 0.25)) : 0;
    }
    mask__gemm(false, false, c->words, dim, n, 1, c->pairs, n, q, dim, 0, out, dim);
    for (size_t w = 0; w < c->words; w++) mask__normalise(out + w * dim, dim);
    return MASK_OK;
}

mask_status mask__cooccurrence(const mask__documents *sets, size_t set_count, size_t words, size_t known, size_t *dim,
                               float **out, mask__arena *arena, mask_error *err)
{
    counts c = {.words = words, .contexts = known < MASK__COMPANY_WORDS ? known : MASK__COMPANY_WORDS};
    MASK__CLOSED(mask__arena_free) mask__arena work = {0};
    *dim = c.contexts < MASK__COMPANY_DIM ? c.contexts : MASK__COMPANY_DIM;
    *out = mask__arena_alloc(arena, words * *dim, sizeof **out);
    c.pairs = mask__arena_alloc(&work, words * c.contexts, sizeof *c.pairs);
    c.rows = mask__arena_alloc(&work, words, sizeof *c.rows);
    bool enough = *out && c.pairs && c.rows;
    for (size_t s = 0; enough && s < set_count; s++)
        for (size_t d = 0; enough && d < sets[s].count; d++)
            enough = add_document(&c, sets[s].word + sets[s].at[d], (size_t)(sets[s].at[d + 1] - sets[s].at[d]));
    free(c.distinct);
    if (!enough) return mask__no_memory(err, "co-occurrence");
    weigh(&c);
    return embed(&c, *dim, *out, err);
}
