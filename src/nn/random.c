#include "nn/random.h"

uint64_t mask__random(uint64_t seed, uint64_t counter)
{
    uint64_t x = seed * 0xD1342543DE82EF95u + (counter + 1) * 0x9E3779B97F4A7C15u;
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
    return x ^ (x >> 31);
}

double mask__uniform(uint64_t seed, uint64_t counter)
{
    return (double)(mask__random(seed, counter) >> 11) * 0x1p-53;
}

/* Box-Muller: u, v uniform -> sqrt(-2 ln u) (cos 2 pi v, sin 2 pi v), two independent normals from 64 bits. */
void mask__normals(uint64_t seed, uint64_t first, size_t count, real *out)
{
#pragma omp parallel for schedule(static)
    for (size_t i = 0; i < count; i += 2) {
        uint64_t bits = mask__random(seed, (first + i) / 2);
        float u = ((float)(bits >> 40) + 1) * 0x1p-24f, v = (float)(bits & 0xFFFFFF) * 0x1p-24f, sine, cosine;
        float radius = sqrtf(-2 * logf(u));
        sincosf(6.28318531f * v, &sine, &cosine);
        out[i] = radius * cosine;
        if (i + 1 < count) out[i + 1] = radius * sine;
    }
}

void mask__shuffle(size_t *order, size_t count, uint64_t seed)
{
    for (size_t i = count; i > 1; i--) {
        size_t j = (size_t)(mask__uniform(seed, i) * (double)i), swap = order[i - 1];
        order[i - 1] = order[j];
        order[j] = swap;
    }
}
