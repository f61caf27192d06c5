/* The matrices of a knowledge and its file: as floats, or in bytes where it was rounded, a quarter of the size for
 * numbers that hardly change. */
#ifndef MASK_KNOWLEDGE_ROUNDING_H
#define MASK_KNOWLEDGE_ROUNDING_H

#include "knowledge/knowledge.h"

/* Writes `name`: f32, rows x dim; of a rounded knowledge u8, and `name`.scales (f32, rows): value = (code - 128) scale.
 */
mask_status mask__matrix_put(mask__pack_writer *writer, const mask_knowledge *knowledge, const char *name, size_t rows,
                             size_t dim, const float *values, mask_error *err);
/* Reads either; *rows and *dim are what they must be, or 0 for any, and are set. Bytes become floats in the arena, and
 * make the knowledge a rounded one. */
mask_status mask__matrix_get(mask_knowledge *knowledge, const char *name, size_t *rows, size_t *dim,
                             const float **values, mask_error *err);

#endif
