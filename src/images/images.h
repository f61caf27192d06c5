/* Inside of mask_images: what a source of images (one file format) has to answer, and blocks of region features without
 * a copy where the file allows it.
 *
 * A source is one file images_FORMAT.c: a structure that begins with struct mask_images, a table of functions, and an
 * open function that images.c chooses by content. Images may have different numbers of regions; none has zero. */
#ifndef MASK_IMAGES_IMAGES_H
#define MASK_IMAGES_IMAGES_H

#include "base/error.h"

#include <stdbool.h>

/* All but close may be called from several threads at once: a source that cannot do that takes a lock. image < count,
 * region < regions(image) and first + count <= count of the set were checked. */
typedef struct mask__images_source {
    size_t (*regions)(const mask_images *images, size_t image); /* known since open: asked for often */
    const char *(*id)(const mask_images *images, size_t image);
    const char *(*name)(const mask_images *images, size_t image); /* NULL when unknown */
    int64_t (*find)(const mask_images *images, const char *id);   /* by id, else by name; -1; may lie beyond count */
    bool (*box)(const mask_images *images, size_t image, size_t region, float box[4]); /* false when there are none */
    bool (*size)(const mask_images *images, size_t image, float size[2]); /* width, height; NULL or false: unknown */
    /* As mask__images_block, which has *rows. */
    mask_status (*block)(const mask_images *images, size_t first, size_t count, float *buffer, const float **features,
                         mask_error *err);
    /* Where this value (of the image's regions x dim), which is not finite, comes from: fills err. */
    mask_status (*refuse)(const mask_images *images, size_t image, size_t item, mask_error *err);
    bool sorted; /* by id: the order of the images is the reader's own, and says nothing about other files */
    void (*keep_every_fifth)(mask_images *images); /* NULL where images are never stored five times */
    void (*close)(mask_images *images);            /* frees all, `images` too; also after an open that failed */
} mask__images_source;

struct mask_images {
    const mask__images_source *source;
    const char *path; /* of the features, for messages; owned by the source */
    size_t count, dim;
    int first_covers; /* whether region 0 is the whole image: 0 = not asked yet, 1 = no, 2 = yes */
};

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

/* The sources. `rows` as for mask__images_open_rows; a source whose images are stored once ignores it. */
mask_status mask__images_open_npy(mask_images **out, const char *path, const char *split, bool rows,
                                  const mask_run *run, mask_error *err);
mask_status mask__images_open_tsv(mask_images **out, const char *path, const char *split, bool rows,
                                  const mask_run *run, mask_error *err);
/* path/split, or path where split is NULL, is the folder. */
mask_status mask__images_open_npz(mask_images **out, const char *path, const char *split, bool rows,
                                  const mask_run *run, mask_error *err);
bool mask__images_is_npz_folder(const char *path);
mask_status mask__images_open_h5(mask_images **out, const char *path, const char *split, bool rows, const mask_run *run,
                                 mask_error *err);
/* A region store (regions.h). */
mask_status mask__images_open_regions(mask_images **out, const char *path, const char *split, bool rows,
                                      const mask_run *run, mask_error *err);
/* The classes of an image's regions in a TSV file of ten columns: objects_id, attrs_id, and objects_conf, a value a
 * region each. */
mask_status mask__images_tsv_classes(const mask_images *images, size_t image, int64_t *objects, int64_t *attributes,
                                     float *confidences, mask_error *err);

#endif
