/* Random numbers by counter: number i of a seed is a hash of both, so any thread can make any part of a sequence and
 * the result never depends on how the work was divided. */
#ifndef MASK_NN_RANDOM_H
#define MASK_NN_RANDOM_H

#include "nn/real.h"

/* 64 random bits (splitmix64). */
uint64_t mask__random(uint64_t seed, uint64_t counter);
/* In [0, 1). */
double mask__uniform(uint64_t seed, uint64_t counter);
/* count numbers from N(0, 1): those of counters first .. first + count of the seed; first is even. */
void mask__normals(uint64_t seed, uint64_t first, size_t count, real *out);
/* Fisher-Yates. */
void mask__shuffle(size_t *order, size_t count, uint64_t seed);

#endif
