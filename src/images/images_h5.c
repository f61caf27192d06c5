/* Sets of images in HDF5 files, in the layouts that are about:
 *   grid   one dataset (ctx, features or image_features) of images x regions x dim, or images x dim
 *   runs   one of regions x dim, and pos_boxes (images x 2): the first region of each image and the one after its last
 *   named  a dataset an image: ID_features or ID/features
 * Boxes are in boxes, image_bb or bbox (ID_boxes, ID/boxes). Ids of the first two come from ids, image_ids, img_ids or
 * image_id; without, an image's id is its position.
 *
 * libhdf5 serves one thread at a time: every call is made behind one lock for the whole process, its own error messages
 * silenced. Refused are datasets of images x dim x regions, of integers, and of more numbers than the file can hold. */
#include "images/images.h"
#include "base/library.h"
#include "base/lines.h"
#include "base/memory.h"

#include <hdf5.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The header's constants would call libhdf5 themselves. */
#undef H5OPEN
#undef H5CHECK
#define H5OPEN
#define H5CHECK

enum { MAX_DIMS = 3, MAX_NAME = 512, MAX_ID = 256, MAX_REGIONS = 1 << 20, MOST_PACKED = 1100, NONE = -1 };
enum { CHUNK_CACHE_BYTES = 1 << 26, CHUNK_SLOTS = 12421 }; /* a prime, as libhdf5 wants it */

typedef struct h5_images {
    mask_images base;
    hid_t file, features, boxes;         /* NONE where there are none; the last two of grid and runs */
    unsigned ndim;                       /* of both of these */
    bool opened;                         /* the library, and so the file or nothing */
    const char *pattern, *boxes_pattern; /* of named: how a dataset's name is made of an id; else NULL */
    uint64_t *starts;                    /* of runs: each image's first row */
    size_t capacity;
} h5_images; /* base.regions: of runs and named */

/* What is used of libhdf5, which is loaded when the first file is opened. The variables are set by H5open. */
/* clang-format off */
#define H5_NAMES(X) \
    X(H5open) X(H5Eget_auto2) X(H5Eset_auto2) X(H5Fopen) X(H5Fclose) X(H5Pcreate) X(H5Pset_cache) X(H5Pclose) \
    X(H5Dopen2) X(H5Dclose) X(H5Dget_type) X(H5Dget_space) X(H5Dget_storage_size) X(H5Dread) X(H5Tget_class) \
    X(H5Tget_size) X(H5Tcopy) X(H5Tis_variable_str) X(H5Tclose) X(H5Sget_simple_extent_ndims) \
    X(H5Sget_simple_extent_dims) X(H5Screate_simple) X(H5Sselect_hyperslab) X(H5Sclose) X(H5Gget_info) \
    X(H5Literate) X(H5free_memory) X(H5T_NATIVE_FLOAT_g) X(H5T_NATIVE_INT64_g) X(H5P_CLS_FILE_ACCESS_ID_g)
/* clang-format on */
MASK__LIBRARY(hdf5, H5_NAMES, MASK__HDF5_FILE, "libhdf5-103-1")

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* The lock, and libhdf5's own way to tell errors, which is put back afterwards. */
typedef struct turn {
    H5E_auto2_t tell;
    void *context;
} turn;

static turn begin_turn(void)
{
    turn t;
    pthread_mutex_lock(&lock);
    hdf5.H5open(); /* whoever was first */
    hdf5.H5Eget_auto2(H5E_DEFAULT, &t.tell, &t.context);
    hdf5.H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    return t;
}

static void end_turn(const turn *t)
{
    hdf5.H5Eset_auto2(H5E_DEFAULT, t->tell, t->context);
    pthread_mutex_unlock(&lock);
}

static void close_set(const hid_t *set)
{
    if (*set >= 0) hdf5.H5Dclose(*set);
}

static void close_type(const hid_t *type)
{
    if (*type >= 0) hdf5.H5Tclose(*type);
}

static void close_space(const hid_t *space)
{
    if (*space >= 0) hdf5.H5Sclose(*space);
}

static mask_status damaged(const h5_images *h, const char *dataset, const char *what, mask_error *err)
{
    return mask__fail(err, MASK_EFORMAT, "%s: %.200s: %s", h->base.path, dataset, what);
}

/* Opens a dataset by name, NONE when it is not there. */
static hid_t open_dataset(const h5_images *h, const char *name)
{
    hid_t set = hdf5.H5Dopen2(h->file, name, H5P_DEFAULT);
    return set < 0 ? NONE : set;
}

static hid_t open_first(const h5_images *h, const char *const *names, const char **found)
{
    for (; *names; names++) {
        hid_t set = open_dataset(h, *names);
        *found = *names;
        if (set != NONE) return set;
    }
    return NONE;
}

typedef struct array {
    H5T_class_t class;
    unsigned ndim;
    size_t shape[MAX_DIMS];
} array;

/* Refuses what the stored bytes cannot hold, however well they were compressed. */
static mask_status describe(const h5_images *h, hid_t set, const char *name, array *a, mask_error *err)
{
    MASK__CLOSED(close_type) hid_t type = hdf5.H5Dget_type(set);
    MASK__CLOSED(close_space) hid_t space = hdf5.H5Dget_space(set);
    hsize_t dims[H5S_MAX_RANK] = {0};
    int rank = space < 0 ? -1 : hdf5.H5Sget_simple_extent_ndims(space);
    size_t bytes = type < 0 ? 0 : hdf5.H5Tget_size(type);
    *a = (array){.class = type < 0 ? H5T_NO_CLASS : hdf5.H5Tget_class(type)};
    if (rank < 1 || rank > MAX_DIMS || hdf5.H5Sget_simple_extent_dims(space, dims, NULL) != rank)
        return damaged(h, name, "is not an array of 1 to 3 dimensions: write it again", err);
    a->ndim = (unsigned)rank;
    for (int d = 0; d < rank; d++) {
        a->shape[d] = dims[d];
        if (dims[d] == 0 || !mask__multiply(bytes, dims[d], &bytes))
            return damaged(h, name, "is empty or too large for this machine: write it again", err);
    }
    if (bytes / MOST_PACKED <= hdf5.H5Dget_storage_size(set)) return MASK_OK;
    return damaged(h, name, "promises more numbers than the file can hold: it was not written to its end", err);
}

/* Reads rows [first, first + count) of the first dimension as `memory_type` (or all where that is all). */
static bool read_rows(hid_t set, unsigned ndim, size_t first, size_t count, hid_t memory_type, void *out)
{
    hsize_t start[MAX_DIMS] = {first}, part[MAX_DIMS] = {count}, dims[H5S_MAX_RANK];
    MASK__CLOSED(close_space) hid_t space = hdf5.H5Dget_space(set);
    if (space < 0 || hdf5.H5Sget_simple_extent_dims(space, dims, NULL) != (int)ndim || first + count > dims[0])
        return false;
    for (unsigned d = 1; d < ndim; d++) part[d] = dims[d];
    MASK__CLOSED(close_space) hid_t memory = hdf5.H5Screate_simple((int)ndim, part, NULL);
    return memory >= 0 && hdf5.H5Sselect_hyperslab(space, H5S_SELECT_SET, start, NULL, part, NULL) >= 0 &&
           hdf5.H5Dread(set, memory_type, memory, space, H5P_DEFAULT, out) >= 0;
}

static mask_status read_integer_ids(h5_images *h, hid_t set, const char *name, mask_error *err)
{
    MASK__FREED int64_t *values = calloc(h->base.count, sizeof *values);
    if (!values) return mask__no_memory(err, h->base.path);
    if (!read_rows(set, 1, 0, h->base.count, *hdf5.H5T_NATIVE_INT64_g, values))
        return damaged(h, name, "cannot be read: copy the file again", err);
    for (size_t i = 0; i < h->base.count; i++) {
        char id[24];
        int length = snprintf(id, sizeof id, "%lld", (long long)values[i]);
        MASK__TRY(mask__names_add(&h->base.ids, id, (size_t)length, err));
    }
    return MASK_OK;
}

/* Strings of fixed or variable length, one at a time. */
static mask_status read_text_ids(h5_images *h, hid_t set, const char *name, mask_error *err)
{
    char text[MAX_ID + 1] = {0}, *variable = NULL;
    MASK__CLOSED(close_type) hid_t stored = hdf5.H5Dget_type(set);
    MASK__CLOSED(close_type) hid_t type = stored < 0 ? NONE : hdf5.H5Tcopy(stored);
    bool varies = type >= 0 && hdf5.H5Tis_variable_str(type) > 0;
    mask_status status = MASK_OK;
    if (type < 0 || (!varies && hdf5.H5Tget_size(type) > MAX_ID))
        return damaged(h, name, "has ids that are too long", err);
    for (size_t i = 0; status == MASK_OK && i < h->base.count; i++) {
        bool read = read_rows(set, 1, i, 1, type, varies ? (void *)&variable : text);
        const char *id = varies ? variable : text;
        if (!read || !id || !*id || strlen(id) > MAX_ID || mask__utf8_valid(id, strlen(id)) != strlen(id))
            status = damaged(h, name, "has an id that cannot be read", err);
        else status = mask__names_add(&h->base.ids, id, strlen(id), err);
        if (varies && read && variable) hdf5.H5free_memory(variable);
        variable = NULL;
    }
    return status;
}

static mask_status read_ids(h5_images *h, mask_error *err)
{
    static const char *const names[] = {"ids", "image_ids", "img_ids", "image_id", NULL};
    const char *name;
    array ids;
    MASK__CLOSED(close_set) hid_t set = open_first(h, names, &name);
    if (set == NONE) return mask__images_number(&h->base, err);
    MASK__TRY(describe(h, set, name, &ids, err));
    if (ids.ndim != 1 || ids.shape[0] != h->base.count || (ids.class != H5T_INTEGER && ids.class != H5T_STRING))
        return damaged(h, name, "is not one number or text an image: write it again", err);
    return ids.class == H5T_INTEGER ? read_integer_ids(h, set, name, err) : read_text_ids(h, set, name, err);
}

/* pos_boxes: where each image's regions begin and end. */
static mask_status read_runs(h5_images *h, hid_t set, size_t rows, mask_error *err)
{
    static const char name[] = "pos_boxes";
    array bounds;
    MASK__TRY(describe(h, set, name, &bounds, err));
    if (bounds.class != H5T_INTEGER || bounds.ndim != 2 || bounds.shape[1] != 2)
        return damaged(h, name, "is not images x 2 whole numbers: write it again", err);
    size_t count = h->base.count = bounds.shape[0];
    MASK__FREED int64_t(*runs)[2] = calloc(count, sizeof *runs);
    h->starts = calloc(count, sizeof *h->starts);
    h->base.regions = calloc(count, sizeof *h->base.regions);
    if (!runs || !h->starts || !h->base.regions) return mask__no_memory(err, h->base.path);
    if (!read_rows(set, 2, 0, count, *hdf5.H5T_NATIVE_INT64_g, runs))
        return damaged(h, name, "cannot be read: copy the file again", err);
    for (size_t i = 0; i < count; i++) {
        if (runs[i][0] < 0 || runs[i][1] <= runs[i][0] || (uint64_t)runs[i][1] > rows ||
            runs[i][1] - runs[i][0] > MAX_REGIONS)
            return mask__fail(err, MASK_EFORMAT,
                              "%s: pos_boxes: image %zu has regions %lld to %lld of %zu: write it again", h->base.path,
                              i, (long long)runs[i][0], (long long)runs[i][1], rows);
        h->starts[i] = (uint64_t)runs[i][0];
        h->base.regions[i] = (uint32_t)(runs[i][1] - runs[i][0]);
    }
    return MASK_OK;
}

static mask_status open_boxes(h5_images *h, const array *features, mask_error *err)
{
    static const char *const names[] = {"boxes", "image_bb", "bbox", NULL};
    const size_t *shape = features->shape;
    const char *name;
    array boxes;
    h->boxes = open_first(h, names, &name);
    if (h->boxes == NONE) return MASK_OK;
    MASK__TRY(describe(h, h->boxes, name, &boxes, err));
    bool same = boxes.ndim == features->ndim && boxes.shape[0] == shape[0];
    if (same && boxes.ndim == 3 && boxes.shape[1] == 4 && boxes.shape[2] == shape[2] && shape[1] != 4)
        return damaged(h, name, "is images x 4 x regions: swap the last two dimensions of boxes and features", err);
    if (same && boxes.shape[boxes.ndim - 1] == 4 && (boxes.ndim == 2 || boxes.shape[1] == shape[1])) return MASK_OK;
    return mask__fail(err, MASK_EMISMATCH, "%s: %s: does not give 4 numbers for each region: write it again",
                      h->base.path, name);
}

/* Layouts grid and runs. */
static mask_status open_together(h5_images *h, const char *name, mask_error *err)
{
    array features;
    MASK__TRY(describe(h, h->features, name, &features, err));
    if (features.class != H5T_FLOAT || features.ndim < 2)
        return damaged(h, name, "is not images x regions x dim of floating-point numbers: write it again", err);
    h->ndim = features.ndim;
    h->base.dim = features.shape[h->ndim - 1];
    h->base.count = features.shape[0];
    h->base.each_regions = h->ndim == 3 ? features.shape[1] : 1;
    if (h->base.each_regions > MAX_REGIONS || h->base.dim > UINT32_MAX)
        return damaged(h, name, "has too many regions or dimensions", err);
    MASK__CLOSED(close_set) hid_t runs = h->ndim == 2 ? open_dataset(h, "pos_boxes") : NONE;
    if (runs != NONE) MASK__TRY(read_runs(h, runs, features.shape[0], err));
    MASK__TRY(open_boxes(h, &features, err));
    return read_ids(h, err);
}

/* What the visit of the names in the file gathers. */
typedef struct visit {
    h5_images *images;
    const mask_run *run;
    uint64_t seen, total;
    mask_error *err;
    mask_status status;
} visit;

/* The id in a name of the layout's, its length; 0 when it is none. */
static size_t id_in(const visit *v, const char *name)
{
    const h5_images *h = v->images;
    size_t length = strlen(name), suffix = strlen("_features");
    if (strcmp(h->pattern, "%s/features") == 0) return length;
    return length > suffix && strcmp(name + length - suffix, "_features") == 0 ? length - suffix : 0;
}

/* Adds the image that a name stands for. */
static mask_status add_named(visit *v, const char *link)
{
    h5_images *h = v->images;
    char id[MAX_ID + 1], name[MAX_NAME];
    array features;
    size_t length = id_in(v, link);
    if (length == 0 || length > MAX_ID) return MASK_OK;
    snprintf(id, sizeof id, "%.*s", (int)length, link);
    snprintf(name, sizeof name, h->pattern, id);
    MASK__CLOSED(close_set) hid_t set = open_dataset(h, name);
    if (set == NONE) return MASK_OK; /* a group of something else */
    MASK__TRY(describe(h, set, name, &features, v->err));
    const size_t *shape = features.shape;
    if (features.class != H5T_FLOAT || features.ndim != 2 || shape[0] > MAX_REGIONS || shape[1] > UINT32_MAX)
        return damaged(h, name, "is not regions x dim of floating-point numbers: write it again", v->err);
    if (h->base.count && shape[1] != h->base.dim)
        return mask__fail(v->err, MASK_EMISMATCH, "%s: %s: has %zu dimensions, those before have %zu", h->base.path,
                          name, shape[1], h->base.dim);
    if (!mask__grow(&h->base.regions, &h->capacity, h->base.count + 1, sizeof *h->base.regions))
        return mask__no_memory(v->err, h->base.path);
    h->base.regions[h->base.count++] = (uint32_t)shape[0];
    h->base.dim = shape[1];
    return mask__names_add(&h->base.ids, id, length, v->err);
}

static herr_t visit_link(hid_t group, const char *name, const H5L_info_t *info, void *context)
{
    visit *v = context;
    (void)group;
    if (v->seen++ % 256 == 0) v->status = mask__progress(v->run, "opening", "datasets", v->seen - 1, v->total, v->err);
    if (v->status == MASK_OK && info->type == H5L_TYPE_HARD) v->status = add_named(v, name); /* links lead elsewhere */
    return v->status == MASK_OK ? 0 : 1;
}

static mask_status open_named(h5_images *h, const mask_run *run, mask_error *err)
{
    static const char *const patterns[][2] = {{"%s_features", "%s_boxes"}, {"%s/features", "%s/boxes"}};
    H5G_info_t info = {0};
    hdf5.H5Gget_info(h->file, &info);
    for (size_t i = 0; i < 2 && h->base.count == 0; i++) {
        visit v = {.images = h, .run = run, .total = info.nlinks, .err = err};
        h->pattern = patterns[i][0];
        h->boxes_pattern = patterns[i][1];
        herr_t went = hdf5.H5Literate(h->file, H5_INDEX_NAME, H5_ITER_NATIVE, NULL, visit_link, &v);
        if (v.status != MASK_OK) return v.status;
        if (went < 0) return damaged(h, "/", "its names cannot be listed: copy the file again", err);
    }
    if (h->base.count) return MASK_OK;
    return mask__fail(
        err, MASK_EFORMAT,
        "%s: has none of the datasets ctx, features, image_features, ID_features and ID/features: write one",
        h->base.path);
}

static mask_status open_file(h5_images *h, const mask_run *run, mask_error *err)
{
    static const char *const names[] = {"ctx", "features", "image_features", NULL};
    const char *name;
    /* A chunk may hold parts of many images: keep it until they were read. */
    hid_t access = hdf5.H5Pcreate(*hdf5.H5P_CLS_FILE_ACCESS_ID_g);
    hdf5.H5Pset_cache(access, 0, CHUNK_SLOTS, CHUNK_CACHE_BYTES, 0.75);
    h->file = hdf5.H5Fopen(h->base.path, H5F_ACC_RDONLY, access);
    hdf5.H5Pclose(access);
    if (h->file < 0)
        return mask__fail(err, MASK_EFORMAT,
                          "%s: cannot be opened as HDF5: it was cut or damaged, or is being written: copy it again",
                          h->base.path);
    h->features = open_first(h, names, &name);
    return h->features == NONE ? open_named(h, run, err) : open_together(h, name, err);
}

/* Rows of an image from the dataset its pattern names, which must still have the shape it had. */
static bool read_named(const h5_images *h, const char *pattern, size_t image, size_t columns, float *out)
{
    char name[MAX_NAME];
    array now;
    snprintf(name, sizeof name, pattern, mask_images_id(&h->base, image));
    MASK__CLOSED(close_set) hid_t set = open_dataset(h, name);
    return set != NONE && describe(h, set, name, &now, NULL) == MASK_OK && now.ndim == 2 &&
           now.shape[0] == h->base.regions[image] && now.shape[1] == columns &&
           read_rows(set, 2, 0, now.shape[0], *hdf5.H5T_NATIVE_FLOAT_g, out);
}

static bool read_boxes(const mask_images *base, size_t image, float *boxes)
{
    const h5_images *h = (const h5_images *)base;
    MASK__CLOSED(end_turn) turn t = begin_turn();
    if (h->pattern) return read_named(h, h->boxes_pattern, image, 4, boxes);
    size_t first = h->starts ? h->starts[image] : image, rows = h->starts ? h->base.regions[image] : 1;
    return h->boxes != NONE && read_rows(h->boxes, h->ndim, first, rows, *hdf5.H5T_NATIVE_FLOAT_g, boxes);
}

/* The images from `first` on that one read can fetch: all of a grid, runs that follow each other, one named. */
static bool read_some(const h5_images *h, size_t first, size_t count, float *out, size_t *read)
{
    size_t rows = mask_images_regions(&h->base, first);
    *read = h->base.regions ? 1 : count;
    if (h->pattern) return read_named(h, h->pattern, first, h->base.dim, out);
    if (!h->starts) return read_rows(h->features, h->ndim, first, count, *hdf5.H5T_NATIVE_FLOAT_g, out);
    for (; *read < count && h->starts[first + *read] == h->starts[first] + rows; ++*read)
        rows += h->base.regions[first + *read];
    return read_rows(h->features, 2, h->starts[first], rows, *hdf5.H5T_NATIVE_FLOAT_g, out);
}

static mask_status block(const mask_images *base, size_t first, size_t count, float *buffer, const float **features,
                         mask_error *err)
{
    const h5_images *h = (const h5_images *)base;
    bool done = true;
    size_t read = 0;
    *features = buffer;
    MASK__CLOSED(end_turn) turn t = begin_turn();
    for (size_t end = first + count; done && first < end; first += done ? read : 0) {
        done = read_some(h, first, end - first, buffer, &read);
        for (size_t i = first; done && i < first + read; i++) buffer += mask_images_regions(base, i) * base->dim;
    }
    if (done) return MASK_OK;
    return mask__fail(err, MASK_EFORMAT, "%s: the features of image %zu (%s) cannot be read: copy the file again",
                      base->path, first, mask_images_id(base, first));
}

static void close_images(mask_images *base)
{
    h5_images *h = (h5_images *)base;
    if (!h->opened) return;
    MASK__CLOSED(end_turn) turn t = begin_turn();
    close_set(&h->features);
    close_set(&h->boxes);
    if (h->file >= 0) hdf5.H5Fclose(h->file);
    free(h->starts);
}

static mask_status open_images(mask_images *base, const mask__images_request *request, mask_error *err)
{
    h5_images *h = (h5_images *)base;
    MASK__TRY(mask__library_open(&hdf5_library, base->path, err));
    h->opened = true;
    h->file = h->features = h->boxes = NONE;
    MASK__CLOSED(end_turn) turn t = begin_turn();
    return open_file(h, request->run, err);
}

const mask__images_source mask__images_h5 = {
    .bytes = sizeof(h5_images),
    .open = open_images,
    .boxes = read_boxes,
    .block = block,
    .close = close_images,
};
