/* Photos small enough for a page. */
#include "photos/decode.h"

#include <stdlib.h>
#include <string.h>
#include <vips/vips.h>

enum { QUALITY = 80 };
static const uint64_t max_pixels = 100000000;

mask_status mask_photo_thumbnail(const char *path, int side, unsigned char **jpeg, size_t *size, mask_error *err)
{
    unsigned char *bytes;
    mask__photo photo = {0};
    void *made = NULL;
    *jpeg = NULL;
    if (side < 1) return mask__fail(err, MASK_EINVAL, MASK_NO_OFFSET, "a thumbnail needs a side of at least 1 pixel");
    MASK__TRY(mask__decode_start(err));
    MASK__TRY(mask__photo_read(&bytes, size, path, err));
    mask_status status = mask__photo_decode(&photo, bytes, *size, path, MASK__INSIDE, (size_t)side, max_pixels, err);
    free(bytes);
    if (status != MASK_OK) return status;
    VipsImage *image = vips_image_new_from_memory(photo.rgb, photo.width * photo.height * 3, (int)photo.width,
                                                  (int)photo.height, 3, VIPS_FORMAT_UCHAR);
    if (!image || vips_jpegsave_buffer(image, &made, size, "Q", QUALITY, "strip", TRUE, NULL) != 0)
        status = mask__fail(err, MASK_EIO, MASK_NO_OFFSET, "%s: cannot be written as JPEG", path);
    g_clear_object(&image);
    mask__photo_free(&photo);
    if (status == MASK_OK && !(*jpeg = malloc(*size))) status = mask__no_memory(err, path);
    if (status == MASK_OK) memcpy(*jpeg, made, *size);
    g_free(made);
    return status;
}
