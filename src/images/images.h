/* Inside of mask_images: what every set of images has (ids, names, numbers of regions, the boxes read last), and what a
 * source of images (one file format) has to answer.
 *
 * A source is one file images_FORMAT.c: a structure that begins with struct mask_images, and a table of functions,
 * which images.c chooses by content. Images may have different numbers of regions; none has zero. */
#ifndef MASK_IMAGES_IMAGES_H
#define MASK_IMAGES_IMAGES_H

#include "base/names.h"

#include <pthread.h>
#include <stdbool.h>

/* What a set is opened for. */
typedef struct mask__images_request {
    const char *split;
    bool rows; /* every stored row is an image, also where images are stored five times */
    const mask_run *run;
} mask__images_request;

/* box, boxes, size and block may be called from several threads at once: a source that cannot do that takes a lock.
 * image < count, region < regions and first + count <= count of the set were checked. */
typedef struct mask__images_source {
    size_t bytes; /* of its structure, which comes zeroed but for source and path */
    /* Fills count, dim, the lists and the numbers of regions; close follows whatever it returns. */
    mask_status (*open)(mask_images *images, const mask__images_request *request, mask_error *err);
    bool (*box)(const mask_images *images, size_t image, size_t region, float box[4]); /* false when there are none */
    /* Instead, where one box costs as much as all: those of an image (regions x 4), of which the last asked for stay.
     */
    bool (*boxes)(const mask_images *images, size_t image, float *boxes);
    bool (*size)(const mask_images *images, size_t image, float size[2]); /* width, height; NULL or false: unknown */
    /* As mask__images_block, which has *rows. */
    mask_status (*block)(const mask_images *images, size_t first, size_t count, float *buffer, const float **features,
                         mask_error *err);
    /* Where a value (of the image's regions x dim) lies in the file; NULL where that cannot be said. */
    size_t (*byte)(const mask_images *images, size_t image, size_t item);
    bool sorted; /* by id: the order of the images is the reader's own, and says nothing about other files */
    bool copies; /* images may be stored five times */
    void (*close)(mask_images *images); /* frees what is its own */
} mask__images_source;

enum { MASK__COPIES = 5 };

struct mask_images {
    const mask__images_source *source;
    char *path; /* of the features, for messages */
    size_t count, dim;
    size_t rows, stride;    /* stored; image i is row i * stride */
    mask__names ids, names; /* one for each stored row, for each five, or five for each; names may be empty: unknown */
    bool numbered;          /* ids are positions of images */
    uint32_t *regions;      /* of each image, or NULL: */
    size_t each_regions;    /* of every image */
    int first_covers;       /* whether region 0 is the whole image: 0 = not asked yet, 1 = no, 2 = yes */
    pthread_mutex_t lock;   /* of what follows: the boxes of one image */
    size_t held;            /* SIZE_MAX = none */
    bool held_known;        /* whether it has boxes */
    float *held_boxes;
    size_t held_capacity;
};

/* A set of that source, whose open has not been called, or which mask_images_close frees. */
mask_status mask__images_new(mask_images **out, const mask__images_source *source, const char *path, mask_error *err);
/* Opens a file as that source's; a set may be empty, which mask_images_open refuses. */
mask_status mask__images_open_as(mask_images **out, const mask__images_source *source, const char *path,
                                 const mask__images_request *request, mask_error *err);
/* Ids 0, 1, ... of the stored rows. */
mask_status mask__images_number(mask_images *images, mask_error *err);

/* The rows of images [first, first + count), stacked: *rows = their number (the sum of mask_images_regions).
 * Returns in *features either a pointer into the mapped file (float32, contiguous) or buffer, filled with converted
 * values; buffer must hold rows x dim floats. Does not look for NaN: see mask__images_refuse. Converts with OpenMP's
 * threads, so with one when called inside a parallel region. */
mask_status mask__images_block(const mask_images *images, size_t first, size_t count, float *buffer,
                               const float **features, size_t *rows, mask_error *err);
/* All rows of the set: the sum of mask_images_regions over all images. */
size_t mask__images_rows(const mask_images *images);
/* For a caller that met NaN or infinity in this image's features: the error that names the file, image, region and
 * byte of the first value that is not finite. MASK_OK when all are finite after all. */
mask_status mask__images_refuse(const mask_images *images, size_t image, mask_error *err);
/* Whether region 0's box holds every other box of its image, in every image. Looks at all boxes once. */
bool mask__images_first_covers(const mask_images *images);
/* The file of its features, for messages. */
const char *mask__images_path(const mask_images *images);

/* Width and height of an image in the units of its boxes; false when they are not known. */
bool mask__images_size(const mask_images *images, size_t image, float size[2]);

/* For mask_dataset_open, which knows the number of captions: as mask_images_open, but every stored row is an image. */
mask_status mask__images_open_rows(mask_images **out, const char *path, const char *split, const mask_run *run,
                                   mask_error *err);
/* Keeps rows 0, 5, 10, ... of a set stored five times; its count must divide by 5. False when the source stores each
 * image once. */
bool mask__images_keep_every_fifth(mask_images *images);
void mask__images_keep_first(mask_images *images, size_t count);

extern const mask__images_source mask__images_npy, mask__images_tsv, mask__images_npz, mask__images_h5;
extern const mask__images_source mask__images_regions; /* a region store (regions.h) */
bool mask__images_is_npz_folder(const char *path);
/* The classes of an image's regions in a TSV file of ten columns: objects_id, attrs_id, and objects_conf, a value a
 * region each. */
mask_status mask__images_tsv_classes(const mask_images *images, size_t image, int64_t *objects, int64_t *attributes,
                                     float *confidences, mask_error *err);

#endif
