/* The boxes of the image last asked for, for sources that can read an image's boxes at once but not one by one. Its
 * lock also serves many threads; each of them reading another image would read every time. */
#ifndef MASK_IMAGES_BOXCACHE_H
#define MASK_IMAGES_BOXCACHE_H

#include "base/error.h"

#include <pthread.h>
#include <stdbool.h>

typedef struct mask__boxcache {
    pthread_mutex_t lock;
    size_t image; /* SIZE_MAX = none */
    bool known;   /* whether that image has boxes */
    float *boxes;
    size_t capacity;
} mask__boxcache;

/* Fills boxes (regions x 4) of an image; false when it has none that can be used. */
typedef bool mask__boxes_read(const mask_images *images, size_t image, float *boxes);

void mask__boxcache_open(mask__boxcache *cache);
void mask__boxcache_close(mask__boxcache *cache);
bool mask__boxcache_get(mask__boxcache *cache, const mask_images *images, size_t image, size_t regions, size_t region,
                        mask__boxes_read *read, float box[4]);

#endif
