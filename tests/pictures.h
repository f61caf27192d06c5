/* Pictures for the tests of photos, made by libvips in memory. */
#ifndef MASK_TESTS_PICTURES_H
#define MASK_TESTS_PICTURES_H

#include "check.h"
#include "photos/decode.h"

#include <vips/vips.h>

enum { PICTURE_WIDTH = 48, PICTURE_HEIGHT = 32 };

/* Red top left, green top right, blue bottom left, yellow bottom right; 8-bit sRGB in memory, `bands` 3 or 4: the
 * fourth is opaque on the left half and transparent on the right. */
static inline VipsImage *quarters(int width, int height, int bands)
{
    static const unsigned char colours[4][3] = {{230, 20, 20}, {20, 200, 20}, {20, 20, 230}, {230, 220, 20}};
    unsigned char *pixels = malloc((size_t)width * (size_t)height * (size_t)bands), *at = pixels;
    if (!pixels) abort();
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++, at += bands) {
            memcpy(at, colours[(y >= height / 2) * 2 + (x >= width / 2)], 3);
            if (bands == 4) at[3] = x < width / 2 ? 255 : 0;
        }
    VipsImage *image = vips_image_new_from_memory_copy(pixels, (size_t)width * (size_t)height * (size_t)bands, width,
                                                       height, bands, VIPS_FORMAT_UCHAR);
    free(pixels);
    if (!image) abort();
    image->Type = VIPS_INTERPRETATION_sRGB;
    return image;
}

/* The image's file as libvips saves it by that suffix (".jpg[Q=95]"); consumes the image; the caller g_frees. */
static inline unsigned char *saved(VipsImage *image, const char *suffix, size_t *size)
{
    void *bytes = NULL;
    if (vips_image_write_to_buffer(image, suffix, &bytes, size, NULL) != 0) {
        print_error("%s: %s\n", suffix, vips_error_buffer());
        abort();
    }
    g_object_unref(image);
    return bytes;
}

/* Writes quarters as a file of that suffix. */
static inline void save_quarters(const char *path, int width, int height, const char *suffix)
{
    size_t size;
    unsigned char *bytes = saved(quarters(width, height, 3), suffix, &size);
    write_file(path, bytes, size);
    g_free(bytes);
}

/* For cmocka_run_group_tests. */
static inline int start_decoding(void **state)
{
    (void)state;
    return mask__decode_start(NULL) == MASK_OK ? 0 : -1;
}

#endif
