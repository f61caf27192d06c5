/* Region features from any source into the formats that other programs read: a *_ims.npy with the lists beside it, a
 * folder of .npz, a TSV of six columns. One image at a time is in memory.
 *
 * Files appear when they are complete; in a folder of .npz those that are there already are kept, so that work that was
 * stopped goes on. Refused is what the format cannot say: images of different numbers of regions in one array, ids that
 * would leave the folder or break the line, the same id twice, no boxes in a TSV, features beyond float16. */
#include "formats/base64.h"
#include "base/options.h"
#include "images/images.h"
#include "formats/npz.h"
#include "base/file.h"
#include "base/memory.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { MAX_ID = 200, LARGEST_HALF = 65504 };

typedef struct job {
    const mask_images *images;
    const char *out;
    mask_convert_options options;
    const mask_run *run;
    size_t dim;
    float *features; /* of one image */
    float *boxes;
    char *text; /* base64 of either */
    size_t kept;
} job;

static size_t regions_of(const job *j, size_t image)
{
    return j->options.regions ? j->options.regions : mask_images_regions(j->images, image);
}

/* Boxes of an image into j->boxes; whether it has them. */
static bool read_boxes(const job *j, size_t image)
{
    for (size_t r = 0; r < regions_of(j, image); r++)
        if (!mask_images_box(j->images, image, r, j->boxes + r * 4)) return false;
    return true;
}

static mask_status refuse_image(const job *j, size_t image, const char *what, mask_error *err)
{
    return mask__fail(err, MASK_EMISMATCH, "%s: image %zu (%.64s) %s", mask__images_path(j->images), image,
                      mask_images_id(j->images, image), what);
}

static mask_status check_regions(const job *j, mask_error *err)
{
    size_t smallest = SIZE_MAX, at = 0, first = mask_images_count(j->images) ? mask_images_regions(j->images, 0) : 0,
           other = 0;
    for (size_t i = 0; i < mask_images_count(j->images); i++) {
        size_t regions = mask_images_regions(j->images, i);
        if (regions < smallest) smallest = regions, at = i;
        if (regions != first && !other) other = i;
    }
    if (j->options.regions > smallest)
        return mask__fail(err, MASK_EMISMATCH, "%s: image %zu (%.64s) has only %zu regions: ask for as many at most",
                          mask__images_path(j->images), at, mask_images_id(j->images, at), smallest);
    if (j->options.to == MASK_FEATURES_NPY && !j->options.regions && other)
        return mask__fail(
            err, MASK_EMISMATCH,
            "%s: image %zu (%.64s) has %zu regions, the first has %zu, and an array needs equal numbers: ask for "
            "the first regions of each, at most %zu",
            mask__images_path(j->images), other, mask_images_id(j->images, other),
            mask_images_regions(j->images, other), first, smallest);
    return MASK_OK;
}

/* Ids become lines, columns or file names. */
static mask_status check_ids(const job *j, mask_error *err)
{
    for (size_t i = 0; i < mask_images_count(j->images); i++) {
        const char *id = mask_images_id(j->images, i);
        size_t length = strlen(id);
        bool plain =
            length > 0 && length <= MAX_ID && mask__control(id) == length && id[0] != ' ' && id[length - 1] != ' ';
        if (j->options.to == MASK_FEATURES_NPZ) plain = plain && id[0] != '.' && !strchr(id, '/');
        if (!plain) return refuse_image(j, i, "has an id that cannot be written there: give it another", err);
        if (j->options.to != MASK_FEATURES_NPY && mask_images_find(j->images, id) != (int64_t)i)
            return refuse_image(j, i, "has the id of another: ids must differ there", err);
    }
    return MASK_OK;
}

static mask_status fits_half(const job *j, size_t image, size_t items, mask_error *err)
{
    for (size_t i = 0; i < items; i++)
        if (fabsf(j->features[i]) > LARGEST_HALF)
            return refuse_image(j, image, "has a feature beyond float16's 65504: write float32", err);
    return MASK_OK;
}

/* The files of a split, all open until all are complete. */
typedef struct split_files {
    mask__npy_writer features, boxes;
    mask__writer ids, names;
    bool has_boxes, has_names;
} split_files;

/* A list that would not be written anew, and would be read as if it belonged to the new features. */
static mask_status refuse_old(const char *path, mask_error *err)
{
    if (!mask__is_file(path)) return MASK_OK;
    return mask__fail(err, MASK_EMISMATCH,
                      "%s: belongs to other features, and these have none: remove it or choose another name", path);
}

static mask_status open_split(split_files *f, const job *j, mask_error *err)
{
    size_t count = mask_images_count(j->images), regions = regions_of(j, 0), length = strlen(j->out);
    int stem = (int)(length - (length > 8 && strcmp(j->out + length - 8, "_ims.npy") == 0 ? 8 : 4));
    MASK__FREED char *ids = mask__text("%.*s_ids.txt", stem, j->out),
                     *names = mask__text("%.*s_names.txt", stem, j->out);
    MASK__FREED char *boxes = mask__text("%.*s_boxes.npy", stem, j->out);
    if (!ids || !names || !boxes) return mask__no_memory(err, j->out);
    f->has_boxes = read_boxes(j, 0);
    f->has_names = mask_images_name(j->images, 0) != NULL;
    if (!f->has_boxes) MASK__TRY(refuse_old(boxes, err));
    if (!f->has_names) MASK__TRY(refuse_old(names, err));
    MASK__TRY(mask__npy_create(&f->features, j->out, j->options.half ? MASK__NPY_F16 : MASK__NPY_F32, 3,
                               (size_t[]){count, regions, j->dim}, err));
    MASK__TRY(mask__writer_open(&f->ids, ids, err));
    if (f->has_names) MASK__TRY(mask__writer_open(&f->names, names, err));
    if (!f->has_boxes) return MASK_OK;
    return mask__npy_create(&f->boxes, boxes, MASK__NPY_F32, 3, (size_t[]){count, regions, 4}, err);
}

static void close_split(split_files *f)
{
    mask__writer_abort(&f->ids);
    mask__writer_abort(&f->names);
    mask__npy_abort(&f->boxes);
    mask__npy_abort(&f->features);
}

static mask_status put_line(mask__writer *writer, const char *text, mask_error *err)
{
    MASK__TRY(mask__writer_put(writer, text, strlen(text), err));
    return mask__writer_put(writer, "\n", 1, err);
}

static mask_status put_in_split(split_files *f, const job *j, size_t image, mask_error *err)
{
    size_t regions = regions_of(j, image);
    const char *name = mask_images_name(j->images, image);
    if (j->options.half) MASK__TRY(fits_half(j, image, regions * j->dim, err));
    MASK__TRY(mask__npy_append(&f->features, j->features, regions * j->dim, err));
    MASK__TRY(put_line(&f->ids, mask_images_id(j->images, image), err));
    if (f->has_names) MASK__TRY(put_line(&f->names, name ? name : "", err));
    if (!f->has_boxes) return MASK_OK;
    if (!read_boxes(j, image))
        return refuse_image(j, image, "has no boxes, though the first image has: extract it again", err);
    return mask__npy_append(&f->boxes, j->boxes, regions * 4, err);
}

static mask_status read_image(job *j, size_t image, mask_error *err)
{
    MASK__TRY(mask__progress(j->run, "converting", "images", image, mask_images_count(j->images), err));
    return mask_images_features(j->images, image, j->features, err);
}

static mask_status write_split(job *j, mask_error *err)
{
    MASK__CLOSED(close_split) split_files f = {0};
    MASK__TRY(open_split(&f, j, err));
    for (size_t i = 0; i < mask_images_count(j->images); i++) {
        MASK__TRY(read_image(j, i, err));
        MASK__TRY(put_in_split(&f, j, i, err));
    }
    /* A full disk may show at the last byte only: no file takes its old one's place before all are written. */
    MASK__TRY(mask__npy_sync(&f.features, err));
    if (f.has_boxes) MASK__TRY(mask__npy_sync(&f.boxes, err));
    if (f.has_names) MASK__TRY(mask__writer_sync(&f.names, err));
    MASK__TRY(mask__writer_sync(&f.ids, err));
    MASK__TRY(mask__writer_commit(&f.ids, err));
    if (f.has_names) MASK__TRY(mask__writer_commit(&f.names, err));
    if (f.has_boxes) MASK__TRY(mask__npy_commit(&f.boxes, err));
    return mask__npy_commit(&f.features, err);
}

/* Whether the file is whole and holds an image of this shape: it is then from an earlier run. */
static bool is_there(const char *path, size_t regions, size_t dim)
{
    MASK__CLOSED(mask__npz_close) mask__npz npz = {0};
    mask__npy x;
    return mask__is_file(path) && mask__npz_open(&npz, path, NULL) == MASK_OK &&
           mask__npz_describe(&npz, "x", &x, NULL) == MASK_OK && x.ndim == 2 && x.shape[0] == regions &&
           x.shape[1] == dim;
}

static mask_status add_members(mask__npz *npz, const job *j, size_t image, mask_error *err)
{
    float size[2];
    size_t regions = regions_of(j, image);
    int64_t number = (int64_t)regions;
    MASK__TRY(mask__npz_add(npz, "x", MASK__NPY_F32, 2, (size_t[]){regions, j->dim}, j->features, err));
    MASK__TRY(mask__npz_add(npz, "num_bbox", MASK__NPY_I64, 0, NULL, &number, err));
    if (read_boxes(j, image))
        MASK__TRY(mask__npz_add(npz, "bbox", MASK__NPY_F32, 2, (size_t[]){regions, 4}, j->boxes, err));
    if (!mask__images_size(j->images, image, size)) return MASK_OK;
    MASK__TRY(mask__npz_add(npz, "image_w", MASK__NPY_I64, 0, NULL, &(int64_t){(int64_t)size[0]}, err));
    return mask__npz_add(npz, "image_h", MASK__NPY_I64, 0, NULL, &(int64_t){(int64_t)size[1]}, err);
}

static mask_status write_npz(job *j, size_t image, const char *path, mask_error *err)
{
    MASK__CLOSED(mask__npz_close) mask__npz npz = {0};
    MASK__TRY(read_image(j, image, err));
    MASK__TRY(mask__npz_create(&npz, path, err));
    MASK__TRY(add_members(&npz, j, image, err));
    return mask__npz_commit(&npz, err);
}

static mask_status write_folder(job *j, mask_error *err)
{
    if (mkdir(j->out, 0777) != 0 && errno != EEXIST)
        return mask__fail(err, MASK_EIO, "%s: cannot create: %s", j->out, strerror(errno));
    for (size_t i = 0; i < mask_images_count(j->images); i++) {
        MASK__FREED char *path = mask__text("%s/%s.npz", j->out, mask_images_id(j->images, i));
        if (!path) return mask__no_memory(err, j->out);
        if (is_there(path, regions_of(j, i), j->dim)) j->kept++;
        else MASK__TRY(write_npz(j, i, path, err));
    }
    if (j->kept) mask__log(j->run, MASK_LOG_INFO, "%s: kept %zu files that were there", j->out, j->kept);
    return MASK_OK;
}

static mask_status put_encoded(const job *j, mask__writer *file, const float *values, size_t count, const char *end,
                               mask_error *err)
{
    mask__base64_encode(values, count * sizeof *values, j->text);
    MASK__TRY(mask__writer_put(file, j->text, mask__base64_length(count * sizeof *values), err));
    return mask__writer_put(file, end, strlen(end), err);
}

static mask_status put_row(const job *j, mask__writer *file, size_t image, mask_error *err)
{
    char start[MAX_ID + 64];
    float size[2] = {0, 0};
    size_t regions = regions_of(j, image);
    if (!read_boxes(j, image))
        return refuse_image(j, image, "has no boxes, which a TSV needs: write another format", err);
    if (!mask__images_size(j->images, image, size)) size[0] = size[1] = 0;
    snprintf(start, sizeof start, "%s\t%.0f\t%.0f\t%zu\t", mask_images_id(j->images, image), size[0], size[1], regions);
    MASK__TRY(mask__writer_put(file, start, strlen(start), err));
    MASK__TRY(put_encoded(j, file, j->boxes, regions * 4, "\t", err));
    return put_encoded(j, file, j->features, regions * j->dim, "\r\n", err);
}

static mask_status write_tsv(job *j, mask_error *err)
{
    MASK__CLOSED(mask__writer_abort) mask__writer file = {0};
    MASK__TRY(mask__writer_open(&file, j->out, err));
    for (size_t i = 0; i < mask_images_count(j->images); i++) {
        MASK__TRY(read_image(j, i, err));
        MASK__TRY(put_row(j, &file, i, err));
    }
    return mask__writer_commit(&file, err);
}

static mask_status make_room(job *j, mask_error *err)
{
    size_t most = 1, bytes;
    for (size_t i = 0; i < mask_images_count(j->images); i++)
        if (mask_images_regions(j->images, i) > most) most = mask_images_regions(j->images, i);
    if (!mask__multiply(most, (j->dim > 4 ? j->dim : 4) * sizeof(float), &bytes)) return mask__no_memory(err, j->out);
    j->features = malloc(bytes);
    j->boxes = malloc(most * 4 * sizeof *j->boxes);
    j->text = malloc(mask__base64_length(bytes));
    return j->features && j->boxes && j->text ? MASK_OK : mask__no_memory(err, j->out);
}

static void close_job(job *j)
{
    free(j->features);
    free(j->boxes);
    free(j->text);
}

mask_status mask_images_convert(const mask_images *images, const char *out, const mask_convert_options *options,
                                const mask_run *run, mask_error *err)
{
    static mask_status (*const writers[])(job *, mask_error *) = {
        [MASK_FEATURES_NPY] = write_split, [MASK_FEATURES_NPZ] = write_folder, [MASK_FEATURES_TSV] = write_tsv};
    MASK__CLOSED(close_job) job j = {.images = images, .out = out, .run = run, .options = mask_convert_defaults()};
    size_t length = strlen(out);
    j.dim = mask_images_dim(images);
    MASK__TRY(mask__options_take(MASK_OPTIONS_CONVERT, &j.options, options, err));
    if (j.options.to == MASK_FEATURES_NPY && (length < 5 || strcmp(out + length - 4, ".npy") != 0))
        return mask__fail(err, MASK_EINVAL, "%s: does not end in .npy, as an array must", out);
    MASK__TRY(check_regions(&j, err));
    MASK__TRY(check_ids(&j, err));
    MASK__TRY(make_room(&j, err));
    return writers[j.options.to](&j, err);
}
