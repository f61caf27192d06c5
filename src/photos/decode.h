/* Photos to upright 8-bit sRGB pixels, by libvips: JPEG, PNG, WebP, GIF, TIFF and, where libvips has it, HEIC and AVIF.
 *
 * EXIF rotation is applied, CMYK, grey, 16 bits and embedded profiles become sRGB, transparency lies on middle grey, of
 * several frames or pages the first is taken. A JPEG that is cut off counts as far as it goes: the grey that stands for
 * the rest is cut off too, where the photo is stored upright. Any other file that is cut off or damaged is refused. The
 * number of pixels is checked in the
 * header, before memory is spent. Other formats that libvips would read (PDF, SVG, ...) are refused. */
#ifndef MASK_PHOTOS_DECODE_H
#define MASK_PHOTOS_DECODE_H

#include "base/error.h"

#include <stdbool.h>

enum { MASK__PHOTO_HEAD = 16 };

/* The format that a file's first bytes tell ("JPEG"), NULL when they tell none that is decoded. */
const char *mask__photo_format(const unsigned char head[MASK__PHOTO_HEAD]);

typedef struct mask__photo {
    uint8_t *rgb; /* height rows of width x 3, `stride` bytes apart */
    size_t width, height, stride;
    size_t full_width, full_height; /* of the upright photo in its file, or of what is left of it */
    bool cut_off;                   /* the file ends before the photo does */
} mask__photo;

typedef enum mask__photo_fit {
    MASK__INSIDE, /* shrunk until no side is longer than asked for */
    MASK__COVER,  /* shrunk while no side gets shorter than asked for, to at most twice that */
} mask__photo_fit;

/* Starts libvips; the first call of a process decides. Any thread may call the functions below once it succeeded. */
mask_status mask__decode_start(mask_error *err);

/* Reads a whole file; the caller frees. Refuses what is not a regular file, is empty or over a gibibyte. */
mask_status mask__photo_read(unsigned char **bytes, size_t *size, const char *path, mask_error *err);
/* Decodes such bytes; JPEG and WebP shrink while they are decoded. name stands in messages. MASK_EFORMAT: not a photo,
 * or damaged; MASK_EINVAL: more than max_pixels. Uses the calling thread only. */
mask_status mask__photo_decode(mask__photo *photo, const unsigned char *bytes, size_t size, const char *name,
                               mask__photo_fit fit, size_t side, uint64_t max_pixels, mask_error *err);
void mask__photo_free(mask__photo *photo); /* a zeroed one is fine */

#endif
