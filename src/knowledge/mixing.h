/* A background that images at hand have joined: half of it are at most 500 of the images it had, evenly chosen, half
 * are those that join, each as often as it takes. What is searched is then compared with images of its own kind too
 * (docs/matching.md, "Images at hand"). Texts stay. */
#ifndef MASK_KNOWLEDGE_MIXING_H
#define MASK_KNOWLEDGE_MIXING_H

#include "knowledge/knowledge.h"

/* How many of `count` images join; `own` as the option of that name has it: 0 none, 1 by itself, N at most N. */
size_t mask__own_wanted(size_t own, size_t count);
/* Chooses `wanted` of `count` ids by their hashes, so by chance, but the same whatever their order: their positions go
 * to which, rising. */
mask_status mask__own_choose(const char *const *ids, size_t count, size_t wanted, size_t *which, mask_error *err);

/* Unit representations of images that join: image i owns rows at[i]..at[i + 1] of mu. */
typedef struct mask__own {
    size_t count;
    uint64_t *at;
    float *mu;
} mask__own;
void mask__own_free(mask__own *own);
/* Of the images that mask__own_choose chooses. */
mask_status mask__own_encode(mask__own *out, const mask_knowledge *knowledge, const mask_images *images, size_t wanted,
                             const mask_run *run, mask_error *err);

/* Replaces the background's images by the mixture. Not while another thread uses the knowledge. 0 images change
 * nothing. */
mask_status mask__own_join(mask_knowledge *knowledge, const mask__own *own, mask_error *err);
/* As a file; the second reads one and lets its images join. */
mask_status mask__own_save(const mask__own *own, size_t dim, const char *path, mask_error *err);
mask_status mask__own_load(mask_knowledge *knowledge, const char *path, mask_error *err);

#endif
