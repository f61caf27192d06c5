/* Visual Genome's JSON (v1.0 to v1.4), an image at a time: objects.json, attributes.json and region_descriptions.json,
 * which are lists of images with a list of regions each, and image_data.json. Memory: the images of one chunk, and 16
 * bytes an image where a file must be read out of its order.
 *
 * Whatever else the files hold is skipped. Of a key that comes twice the last counts, as in Python. Refuses an image
 * without an id, ids that are not whole numbers, boxes that are not numbers, and names that are not texts. */
#ifndef MASK_ANNOTATIONS_GENOME_H
#define MASK_ANNOTATIONS_GENOME_H

#include "base/error.h"
#include "base/strings.h"

#include <stdbool.h>

typedef struct mask__genome_region {
    int64_t id;                 /* object_id, region_id or id; -1 = not told */
    double x, y, w, h;          /* NaN = not told */
    uint32_t first_name, names; /* places in the image's texts: names, or the phrase */
    uint32_t first_attribute, attributes;
    uint32_t first_synset, synsets;
} mask__genome_region;

typedef struct mask__genome_image {
    int64_t id;
    uint64_t offset; /* of its "{" in the file */
    mask__genome_region *regions;
    size_t *texts; /* where each begins in bytes, where they are NUL-terminated */
    char *bytes;
    size_t count, region_capacity, text_count, text_capacity, byte_count, byte_capacity;
} mask__genome_image;

typedef struct mask__genome mask__genome;

mask_status mask__genome_open(mask__genome **out, const char *path, mask_error *err);
void mask__genome_close(mask__genome *genome);
/* The next image, NULL at the end. Valid until the next call. */
mask_status mask__genome_next(mask__genome *genome, const mask__genome_image **image, mask_error *err);
/* The image with this id, NULL when there is none. Costs nothing more where ids are asked for in the file's order; the
 * first that is not the next one makes an index of the file, which must then not be packed or a pipe. */
mask_status mask__genome_find(mask__genome *genome, int64_t id, const mask__genome_image **image, mask_error *err);
/* A text of an image's. */
const char *mask__genome_text(const mask__genome_image *image, size_t place);
/* Bytes read so far and the file's size, for progress. */
void mask__genome_position(const mask__genome *genome, uint64_t *done, uint64_t *total);

typedef struct mask__genome_size {
    int64_t id, coco, flickr; /* -1 = none */
    double width, height;
    uint32_t url; /* place in urls: the last part of its path */
} mask__genome_size;

/* image_data.json, in memory: about 60 bytes an image. */
typedef struct mask__genome_sizes {
    mask__genome_size *items; /* by id */
    size_t count, capacity;
    mask__strings urls;
} mask__genome_sizes;

mask_status mask__genome_sizes_read(mask__genome_sizes *sizes, const char *path, mask_error *err);
void mask__genome_sizes_free(mask__genome_sizes *sizes);
/* NULL when the id is not there. */
const mask__genome_size *mask__genome_sizes_find(const mask__genome_sizes *sizes, int64_t id);

#endif
