#include "images/boxcache.h"
#include "base/memory.h"
#include "math/vector.h"

#include <stdlib.h>
#include <string.h>

void mask__boxcache_open(mask__boxcache *cache)
{
    *cache = (mask__boxcache){.image = SIZE_MAX};
    pthread_mutex_init(&cache->lock, NULL);
}

void mask__boxcache_close(mask__boxcache *cache)
{
    pthread_mutex_destroy(&cache->lock);
    free(cache->boxes);
}

bool mask__boxcache_get(mask__boxcache *cache, const mask_images *images, size_t image, size_t regions, size_t region,
                        mask__boxes_read *read, float box[4])
{
    size_t where;
    pthread_mutex_lock(&cache->lock);
    if (cache->image != image) {
        cache->image = image;
        cache->known = mask__grow(&cache->boxes, &cache->capacity, regions * 4, sizeof *cache->boxes) &&
                       read(images, image, cache->boxes) && mask__all_finite(cache->boxes, regions * 4, &where);
    }
    bool known = cache->known;
    if (known) memcpy(box, cache->boxes + region * 4, 4 * sizeof *box);
    pthread_mutex_unlock(&cache->lock);
    return known;
}
