/* Reads FlatBuffers without trusting them. A table is its byte offset; every read is checked against the file's end.
 *
 * The first read that leaves the file is remembered, and from then on every read gives 0 and every vector is empty: a
 * reader goes straight through and asks once in a while. Nesting is as deep as the reader's own calls, so a file that
 * points at itself costs nothing. */
#ifndef MASK_VISION_FLATBUFFER_H
#define MASK_VISION_FLATBUFFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct mask__flat {
    const unsigned char *data;
    size_t size;
    bool bad;
    size_t bad_at; /* the offset that was refused first */
} mask__flat;

typedef struct mask__flat_vector {
    size_t at;    /* of the first item */
    size_t count; /* items, all inside the file */
} mask__flat_vector;

/* A table is never at offset 0; 0 means that there is none. */
size_t mask__flat_root(mask__flat *f);
/* Scalars at an offset, little-endian. */
uint32_t mask__flat_u32(mask__flat *f, size_t at);
int64_t mask__flat_i64(mask__flat *f, size_t at);
float mask__flat_float(mask__flat *f, size_t at);
/* Scalar fields by their number in the schema, `otherwise` where the table leaves them out. */
uint8_t mask__flat_byte(mask__flat *f, size_t table, unsigned field, uint8_t otherwise);
int32_t mask__flat_int(mask__flat *f, size_t table, unsigned field, int32_t otherwise);
float mask__flat_real(mask__flat *f, size_t table, unsigned field, float otherwise);
/* The table a field points at, 0 where it is left out. */
size_t mask__flat_table(mask__flat *f, size_t table, unsigned field);
/* The table an item of a vector of tables points at. */
size_t mask__flat_item(mask__flat *f, mask__flat_vector vector, size_t index);
/* A field's vector of items of so many bytes each; empty where it is left out. A string is a vector of bytes. */
mask__flat_vector mask__flat_items(mask__flat *f, size_t table, unsigned field, size_t item);

#endif
