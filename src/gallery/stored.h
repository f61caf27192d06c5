/* Vectors as segments store them: in float, in float16, or in 8 bits, which is codes -127 .. 127 and then a float, the
 * step, 1 / their length, so that step x codes has unit length; a zero row stays zero. */
#ifndef MASK_GALLERY_STORED_H
#define MASK_GALLERY_STORED_H

#include "base/pack.h"
#include "mask.h"

mask__dtype mask__store_type(mask_store store);
size_t mask__stored_width(mask__dtype type, size_t z); /* numbers of the type that one vector takes */
size_t mask__stored_bytes(mask__dtype type, size_t z);
void mask__stored_read(mask__dtype type, const void *from, size_t rows, size_t z, float *to);
void mask__stored_write(mask__dtype type, const float *rows, size_t count, size_t z, void *to);
void mask__stored_round(mask__dtype type, float *rows, size_t count, size_t z); /* what is read once it was written */

/* Codes of a row; returns the largest component / 127, for which |x - step q| <= 0.501 step. */
float mask__signed_codes(const float *row, size_t z, int8_t *codes);

#endif
