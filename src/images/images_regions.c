/* A region store (regions.h) as a set of images: id and path are what the store says, region 0 of a photo is the whole.
 */
#include "images/images.h"
#include "images/regions.h"

#include <stdlib.h>

typedef struct stored_images {
    mask_images base;
    mask__regions_reader *reader;
} stored_images;

static const mask__regions_reader *reader_of(const mask_images *base)
{
    return ((const stored_images *)base)->reader;
}

static size_t regions_of(const mask_images *base, size_t image)
{
    return mask__regions_reader_regions(reader_of(base), image);
}

static const char *id_of(const mask_images *base, size_t image)
{
    return mask__regions_reader_id(reader_of(base), image);
}

static const char *name_of(const mask_images *base, size_t image)
{
    return mask__regions_reader_name(reader_of(base), image);
}

static int64_t find(const mask_images *base, const char *id)
{
    return mask__regions_reader_find(reader_of(base), id);
}

static bool box_of(const mask_images *base, size_t image, size_t region, float box[4])
{
    return mask__regions_reader_box(reader_of(base), image, region, box);
}

static bool size_of(const mask_images *base, size_t image, float size[2])
{
    uint32_t pixels[2];
    mask__regions_reader_size(reader_of(base), image, pixels);
    size[0] = (float)pixels[0];
    size[1] = (float)pixels[1];
    return pixels[0] && pixels[1];
}

static mask_status block(const mask_images *base, size_t first, size_t count, float *buffer, const float **features,
                         mask_error *err)
{
    *features = buffer;
    for (size_t i = first; i < first + count; i++) {
        MASK__TRY(mask__regions_reader_features(reader_of(base), i, buffer, err));
        buffer += regions_of(base, i) * base->dim;
    }
    return MASK_OK;
}

static mask_status refuse(const mask_images *base, size_t image, size_t item, mask_error *err)
{
    return mask__fail(err, MASK_ENUMERIC, MASK_NO_OFFSET,
                      "%s: photo %s, region %zu: the feature is NaN or infinite: extract it again", base->path,
                      id_of(base, image), item / base->dim);
}

static void close_images(mask_images *base)
{
    mask__regions_reader_close(((stored_images *)base)->reader);
    free(base);
}

static const mask__images_source regions_source = {
    .regions = regions_of,
    .id = id_of,
    .name = name_of,
    .find = find,
    .box = box_of,
    .size = size_of,
    .block = block,
    .refuse = refuse,
    .sorted = true,
    .close = close_images,
};

mask_status mask__images_open_regions(mask_images **out, const char *path, const char *split, bool rows,
                                      const mask_run *run, mask_error *err)
{
    (void)split, (void)rows, (void)run;
    *out = NULL;
    stored_images *images = calloc(1, sizeof *images);
    if (!images) return mask__no_memory(err, path);
    mask_status status = mask__regions_reader_open(&images->reader, path, err);
    if (status == MASK_OK && mask__regions_reader_count(images->reader) == 0) {
        status = mask__fail(err, MASK_EFORMAT, MASK_NO_OFFSET,
                            "%s: holds no photo that could be decoded: extract some into it", path);
        mask__regions_reader_close(images->reader);
    }
    if (status != MASK_OK) {
        free(images);
        return status;
    }
    images->base = (mask_images){.source = &regions_source,
                                 .path = mask__regions_reader_path(images->reader),
                                 .count = mask__regions_reader_count(images->reader),
                                 .dim = mask__regions_reader_dim(images->reader)};
    *out = &images->base;
    return MASK_OK;
}
