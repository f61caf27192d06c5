/* Region representations of images, for programs that want mu itself. */
#include "knowledge/knowledge.h"
#include "images/images.h"
#include "formats/npy.h"
#include "math/vector.h"

#include <stdlib.h>
#include <string.h>

mask_status mask__knowledge_check_images(const mask_knowledge *k, const mask_images *images, mask_error *err)
{
    if (mask_images_dim(images) == k->representation.in) return MASK_OK;
    return mask__fail(err, MASK_EMISMATCH,
                      "%s: its features have %zu dimensions, the knowledge was learned on %zu: extract both alike",
                      mask__images_path(images), mask_images_dim(images), k->representation.in);
}

/* One image through an open encoding; buffer holds its features, out its mu. */
static mask_status encode_image(mask__encoding *encoding, const mask_images *images, size_t image, float *buffer,
                                float *out, mask_error *err)
{
    size_t rows, where, z = encoding->representation->out;
    const float *features;
    MASK__TRY(mask__images_block(images, image, 1, buffer, &features, &rows, err));
    memcpy(out, mask__encoding_run(encoding, features, (size_t[]){0, rows}, 1), rows * z * sizeof *out);
    return mask__all_finite(out, rows * z, &where) ? MASK_OK : mask__images_refuse(images, image, err);
}

mask_status mask_knowledge_encode(const mask_knowledge *k, const mask_images *images, size_t image, float *out,
                                  mask_error *err)
{
    size_t regions = mask_images_regions(images, image);
    MASK__CLOSED(mask__encoding_close) mask__encoding encoding = {0};
    MASK__TRY(mask__knowledge_check_images(k, images, err));
    MASK__FREED float *buffer = malloc((regions * k->representation.in + 1) * sizeof *buffer);
    if (!buffer) return mask__no_memory(err, "an encoding");
    MASK__TRY(mask__encoding_open(&encoding, &k->representation, regions, regions, err));
    return encode_image(&encoding, images, image, buffer, out, err);
}

mask_status mask_knowledge_encode_file(const mask_knowledge *k, const mask_images *images, const char *path,
                                       const mask_run *run, mask_error *err)
{
    size_t count = mask_images_count(images), regions = count ? mask_images_regions(images, 0) : 0,
           z = k->representation.out;
    mask__npy_writer writer;
    MASK__CLOSED(mask__encoding_close) mask__encoding encoding = {0};
    MASK__TRY(mask__knowledge_check_images(k, images, err));
    for (size_t i = 0; i < count; i++)
        if (mask_images_regions(images, i) != regions)
            return mask__fail(err, MASK_EMISMATCH,
                              "%s: image %zu has %zu regions, the first has %zu: a .npy needs equal numbers",
                              mask__images_path(images), i, mask_images_regions(images, i), regions);
    MASK__USE_THREADS(mask__threads(run));
    MASK__FREED float *mu = malloc((regions * z + 1) * sizeof *mu);
    MASK__FREED float *buffer = malloc((regions * k->representation.in + 1) * sizeof *buffer);
    if (!mu || !buffer) return mask__no_memory(err, "an encoding");
    MASK__TRY(mask__encoding_open(&encoding, &k->representation, regions, regions, err));
    mask_status status = mask__npy_create(&writer, path, MASK__NPY_F32, 3, (size_t[]){count, regions, z}, err);
    for (size_t i = 0; status == MASK_OK && i < count; i++) {
        status = mask__progress(run, "encoding", "images", i, count, err);
        if (status == MASK_OK) status = encode_image(&encoding, images, i, buffer, mu, err);
        if (status == MASK_OK) status = mask__npy_append(&writer, mu, regions * z, err);
    }
    if (status == MASK_OK) return mask__npy_commit(&writer, err);
    mask__npy_abort(&writer);
    return status;
}
