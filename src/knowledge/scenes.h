/* Scene prototypes at use: what an image as a whole looks like, beside its regions. scenes_learn.h says how they are
 * made. */
#ifndef MASK_KNOWLEDGE_SCENES_H
#define MASK_KNOWLEDGE_SCENES_H

#include <stddef.h>
#include <stdint.h>

/* Which words each image holds: distinct, rising. */
typedef struct mask__incidence {
    size_t images, words;
    const uint64_t *at;   /* images + 1 */
    const uint32_t *word; /* of image j: word[at[j]] .. word[at[j + 1]] */
} mask__incidence;

/* The scene vector of an image at use, unit: unit of (1.5 mean of its unit regions + its unit whole-image region -
 * centre) C. descriptors (count x Z) hold the bracket without the centre; out may not be descriptors. */
void mask__scenes_project(const float *projection, const float *centre, const float *descriptors, size_t count,
                          size_t z, float *scratch, float *out);

#endif
