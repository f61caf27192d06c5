/* Images from arrays of the calling program: one array of all, or one an image. They are copied into one dense array,
 * or borrowed as they lie, strides and all. Everything is checked when they are made, except that features are finite,
 * which is looked at when they are read, as for files. */
#include "base/memory.h"
#include "images/images.h"

#include <stdlib.h>
#include <string.h>

typedef struct memory_images {
    mask_images base;
    mask_images_memory from; /* features and each: of the caller, or of the copy */
    size_t *row_of;          /* count + 1: the rows before an image */
    mask__arena arena;
} memory_images;

static const char place[] = "images in memory";

static const memory_images *of(const mask_images *images)
{
    return (const memory_images *)images;
}

static bool box_of(const mask_images *images, size_t image, size_t region, float box[4])
{
    const float *boxes = of(images)->from.boxes;
    if (boxes) memcpy(box, boxes + (of(images)->row_of[image] + region) * 4, 4 * sizeof *box);
    return boxes != NULL;
}

static bool size_of(const mask_images *images, size_t image, float size[2])
{
    const float *sizes = of(images)->from.sizes;
    if (sizes) memcpy(size, sizes + image * 2, 2 * sizeof *size);
    return sizes != NULL;
}

/* ---- Features ---- */

static const char *row_at(const memory_images *m, size_t image, size_t region)
{
    const mask_images_memory *f = &m->from;
    const char *start =
        f->each ? (const char *)f->each[image] : (const char *)f->features + (ptrdiff_t)image * f->strides[0];
    return start + (ptrdiff_t)region * f->strides[1];
}

/* Whether the rows of these images lie one after the other. */
static bool is_dense(const memory_images *m, size_t count)
{
    const mask_images_memory *f = &m->from;
    ptrdiff_t row = (ptrdiff_t)(f->dim * sizeof(float));
    if (f->strides[2] != (ptrdiff_t)sizeof(float) || f->strides[1] != row) return false;
    return count == 1 || (!f->each && f->strides[0] == (ptrdiff_t)f->regions * row);
}

static void copy_rows(const memory_images *m, size_t first, size_t count, float *out)
{
    size_t dim = m->from.dim;
    for (size_t i = first; i < first + count; i++)
        for (size_t r = 0; r < m->base.regions[i]; r++, out += dim) {
            const char *row = row_at(m, i, r);
            for (size_t d = 0; d < dim; d++) memcpy(&out[d], row + (ptrdiff_t)d * m->from.strides[2], sizeof *out);
        }
}

static mask_status block(const mask_images *images, size_t first, size_t count, float *buffer, const float **features,
                         mask_error *err)
{
    const memory_images *m = of(images);
    (void)err;
    *features = buffer;
    if (count && is_dense(m, count)) *features = (const float *)row_at(m, first, 0);
    else copy_rows(m, first, count, buffer);
    return MASK_OK;
}

static void close_images(mask_images *images)
{
    mask__arena_free(&((memory_images *)images)->arena);
}

static const mask__images_source memory_source = {
    .bytes = sizeof(memory_images), .box = box_of, .size = size_of, .block = block, .close = close_images};

/* ---- Making them ---- */

static mask_status invalid(mask_error *err, size_t image, const char *what)
{
    return mask__fail(err, MASK_EINVAL, "%s: image %zu: %s", place, image, what);
}

/* Shapes and strides; strides of 0 become those of a dense array. */
static mask_status check_shape(mask_images_memory *f, mask_error *err)
{
    size_t row, image;
    if (f->dim == 0 || (!f->features && f->count && !f->each) || (f->features && f->each))
        return mask__fail(err, MASK_EINVAL, "%s: needs dim, and either features or each", place);
    if (f->each ? f->count && !f->each_regions : f->count && f->regions == 0)
        return mask__fail(err, MASK_EINVAL, "%s: needs the number of regions", place);
    if (!mask__multiply(f->dim, sizeof(float), &row) || !mask__multiply(row, f->each ? 1 : f->regions, &image) ||
        image > PTRDIFF_MAX)
        return mask__no_memory(err, place);
    const ptrdiff_t dense[3] = {(ptrdiff_t)image, (ptrdiff_t)row, sizeof(float)};
    for (int i = 0; i < 3; i++) {
        if (f->strides[i] == 0) f->strides[i] = dense[i];
        if (f->strides[i] % (ptrdiff_t)sizeof(float))
            return mask__fail(err, MASK_EINVAL, "%s: a stride of %td bytes is not whole floats", place, f->strides[i]);
    }
    return MASK_OK;
}

static mask_status count_rows(memory_images *m, mask_error *err)
{
    const mask_images_memory *f = &m->from;
    size_t rows = 0, values;
    m->row_of = mask__arena_alloc(&m->arena, f->count + 1, sizeof *m->row_of);
    m->base.regions = calloc(f->count + 1, sizeof *m->base.regions);
    if (!m->row_of || !m->base.regions) return mask__no_memory(err, place);
    for (size_t i = 0; i < f->count; i++) {
        size_t regions = f->each ? f->each_regions[i] : f->regions;
        if (regions == 0) return invalid(err, i, "has no regions");
        if (f->each && !f->each[i]) return invalid(err, i, "has no features");
        if (regions > UINT32_MAX || regions > SIZE_MAX - rows) return mask__no_memory(err, place);
        m->base.regions[i] = (uint32_t)regions;
        m->row_of[i + 1] = rows += regions;
    }
    return mask__multiply(rows, f->dim + 4, &values) ? MASK_OK : mask__no_memory(err, place);
}

static mask_status name_images(memory_images *m, mask_error *err)
{
    const mask_images_memory *f = &m->from;
    if (!f->ids) MASK__TRY(mask__images_number(&m->base, err));
    for (size_t i = 0; i < f->count; i++) {
        const char *id = f->ids ? f->ids[i] : "0", *name = f->names && f->names[i] ? f->names[i] : "";
        if (!id || !*id) return invalid(err, i, "has no id");
        if (f->ids) MASK__TRY(mask__names_add(&m->base.ids, id, strlen(id), err));
        if (f->names) MASK__TRY(mask__names_add(&m->base.names, name, strlen(name), err));
    }
    return MASK_OK;
}

static mask_status keep_copy(memory_images *m, const void *from, size_t count, const float **out, mask_error *err)
{
    float *copy = mask__arena_alloc(&m->arena, count, sizeof *copy);
    if (!copy) return mask__no_memory(err, place);
    if (from && count) memcpy(copy, from, count * sizeof *copy);
    *out = copy;
    return MASK_OK;
}

/* Features into one dense array, which then is `each` of its rows. */
static mask_status copy_all(memory_images *m, mask_error *err)
{
    mask_images_memory *f = &m->from;
    size_t rows = m->row_of[f->count];
    const float *features = NULL;
    const float **each = mask__arena_alloc(&m->arena, f->count, sizeof *each);
    if (!each) return mask__no_memory(err, place);
    MASK__TRY(keep_copy(m, NULL, rows * f->dim, &features, err));
    copy_rows(m, 0, f->count, (float *)features);
    for (size_t i = 0; i < f->count; i++) each[i] = features + m->row_of[i] * f->dim;
    bool even = !f->each;
    f->features = even ? features : NULL;
    f->each = even ? NULL : each;
    f->strides[2] = sizeof(float);
    f->strides[1] = (ptrdiff_t)(f->dim * sizeof(float));
    f->strides[0] = (ptrdiff_t)f->regions * f->strides[1];
    if (f->boxes) MASK__TRY(keep_copy(m, f->boxes, rows * 4, &f->boxes, err));
    return f->sizes ? keep_copy(m, f->sizes, f->count * 2, &f->sizes, err) : MASK_OK;
}

/* The table of pointers, which need not outlive the call as the features do. */
static mask_status keep_table(memory_images *m, mask_error *err)
{
    size_t count = m->from.count;
    const float **each = mask__arena_alloc(&m->arena, count, sizeof *each);
    if (!each) return mask__no_memory(err, place);
    if (count) memcpy(each, m->from.each, count * sizeof *each);
    m->from.each = each;
    return MASK_OK;
}

static mask_status fill(memory_images *m, mask_error *err)
{
    MASK__TRY(check_shape(&m->from, err));
    MASK__TRY(count_rows(m, err));
    MASK__TRY(name_images(m, err));
    if (!m->from.borrow) return copy_all(m, err);
    return m->from.each ? keep_table(m, err) : MASK_OK;
}

mask_status mask_images_create(mask_images **out, const mask_images_memory *memory, mask_error *err)
{
    MASK__TRY(mask__images_new(out, &memory_source, place, err));
    memory_images *m = (memory_images *)*out;
    m->base.count = m->base.rows = memory->count;
    m->base.dim = memory->dim;
    m->from = *memory;
    mask_status status = fill(m, err);
    if (status == MASK_OK) return MASK_OK;
    mask_images_close(*out);
    *out = NULL;
    return status;
}
