#include "vision/flatbuffer.h"

#include <string.h>

/* The bytes at an offset, or NULL after remembering that they are not all in the file. */
static const unsigned char *bytes_at(mask__flat *f, size_t at, size_t size)
{
    if (!f->bad && at <= f->size && size <= f->size - at) return f->data + at;
    if (!f->bad) f->bad_at = at < f->size ? at : f->size;
    f->bad = true;
    return NULL;
}

uint32_t mask__flat_u32(mask__flat *f, size_t at)
{
    const unsigned char *b = bytes_at(f, at, 4);
    return b ? b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24 : 0;
}

static uint16_t u16_at(mask__flat *f, size_t at)
{
    const unsigned char *b = bytes_at(f, at, 2);
    return b ? (uint16_t)(b[0] | b[1] << 8) : 0;
}

int64_t mask__flat_i64(mask__flat *f, size_t at)
{
    uint64_t low = mask__flat_u32(f, at), high = mask__flat_u32(f, at + 4);
    return (int64_t)(low | high << 32);
}

float mask__flat_float(mask__flat *f, size_t at)
{
    uint32_t bits = mask__flat_u32(f, at);
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* Where an offset stored at `at` points: forward, and never to itself. */
static size_t follow(mask__flat *f, size_t at)
{
    uint32_t distance = mask__flat_u32(f, at);
    if (distance == 0) bytes_at(f, at, SIZE_MAX);
    return f->bad ? 0 : at + distance;
}

/* Where a field's value is; 0 when the table leaves it out. The table begins with the distance back to its index. */
static size_t field_at(mask__flat *f, size_t table, unsigned field)
{
    if (table == 0) return 0;
    int64_t index = (int64_t)table - (int32_t)mask__flat_u32(f, table);
    if (index < 0) bytes_at(f, table, SIZE_MAX);
    if (f->bad) return 0;
    size_t length = u16_at(f, (size_t)index), entry = 4 + 2 * (size_t)field;
    if (entry + 2 > length) return 0;
    uint16_t distance = u16_at(f, (size_t)index + entry);
    return distance ? table + distance : 0;
}

size_t mask__flat_root(mask__flat *f)
{
    return follow(f, 0);
}

uint8_t mask__flat_byte(mask__flat *f, size_t table, unsigned field, uint8_t otherwise)
{
    size_t at = field_at(f, table, field);
    const unsigned char *b = at ? bytes_at(f, at, 1) : NULL;
    return b ? *b : otherwise;
}

int32_t mask__flat_int(mask__flat *f, size_t table, unsigned field, int32_t otherwise)
{
    size_t at = field_at(f, table, field);
    return at ? (int32_t)mask__flat_u32(f, at) : otherwise;
}

float mask__flat_real(mask__flat *f, size_t table, unsigned field, float otherwise)
{
    size_t at = field_at(f, table, field);
    return at ? mask__flat_float(f, at) : otherwise;
}

size_t mask__flat_table(mask__flat *f, size_t table, unsigned field)
{
    size_t at = field_at(f, table, field);
    return at ? follow(f, at) : 0;
}

size_t mask__flat_item(mask__flat *f, mask__flat_vector vector, size_t index)
{
    return follow(f, vector.at + 4 * index);
}

mask__flat_vector mask__flat_items(mask__flat *f, size_t table, unsigned field, size_t item)
{
    size_t start = mask__flat_table(f, table, field);
    if (start == 0) return (mask__flat_vector){0};
    size_t count = mask__flat_u32(f, start);
    if (!bytes_at(f, start + 4, count * item)) return (mask__flat_vector){0};
    return (mask__flat_vector){start + 4, count};
}
