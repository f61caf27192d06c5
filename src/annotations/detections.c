/* A detector's output as labelled regions: a TSV file of LXMERT's ten columns, which has classes beside the features,
 * to a folder with features.npy and regions.tsv. Classes count from 0, as the lines of the vocabularies do.
 *
 * Reads the file twice: a .npy says first how many rows it has. Refuses classes that the vocabulary does not have. */
#include "images/images.h"
#include "formats/npy.h"
#include "annotations/regiontable.h"
#include "annotations/vocabulary.h"
#include "base/memory.h"
#include "math/vector.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { PROGRESS_STEP = 64 };

typedef struct detections {
    mask_images *images;
    mask__vocabulary objects, attributes;
    float min_confidence;
    mask__npy_writer features;
    mask__region_table table;
    /* of one image */
    int64_t *object, *attribute;
    float *confidence, *buffer;
    mask__arena arena;
    char label[512];
    mask_regions_report report;
} detections;

static mask_status make_room(detections *d, mask_error *err)
{
    size_t most = 0;
    for (size_t i = 0; i < mask_images_count(d->images); i++) {
        size_t regions = mask_images_regions(d->images, i);
        if (regions > most) most = regions;
    }
    d->object = mask__arena_alloc(&d->arena, most, sizeof *d->object);
    d->attribute = mask__arena_alloc(&d->arena, most, sizeof *d->attribute);
    d->confidence = mask__arena_alloc(&d->arena, most, sizeof *d->confidence);
    d->buffer = mask__arena_matrix(&d->arena, most, mask_images_dim(d->images), sizeof *d->buffer);
    bool made = d->object && d->attribute && d->confidence && d->buffer;
    return made ? MASK_OK : mask__no_memory(err, mask__images_path(d->images));
}

static mask_status no_class(const detections *d, size_t image, const char *what, int64_t class, size_t count,
                            mask_error *err)
{
    return mask__fail(err, MASK_EMISMATCH,
                      "%s: image %s has %s class %lld, the vocabulary has %zu: give the vocabulary of this detector",
                      mask__images_path(d->images), mask_images_id(d->images, image), what, (long long)class, count);
}

static mask_status name_region(detections *d, size_t image, size_t region, mask_error *err)
{
    int64_t object = d->object[region], attribute = d->attribute[region];
    if (object < 0 || (uint64_t)object >= d->objects.count)
        return no_class(d, image, "object", object, d->objects.count, err);
    const char *name = mask__vocabulary_name(&d->objects, (size_t)object);
    if (d->attributes.count == 0) {
        snprintf(d->label, sizeof d->label, "%s", name);
        return MASK_OK;
    }
    if (attribute < 0 || (uint64_t)attribute >= d->attributes.count)
        return no_class(d, image, "attribute", attribute, d->attributes.count, err);
    snprintf(d->label, sizeof d->label, "%s %s", mask__vocabulary_name(&d->attributes, (size_t)attribute), name);
    return MASK_OK;
}

/* Whether a region is kept: sure enough (NaN is not), and its box has an area. */
static bool is_kept(detections *d, size_t image, size_t region, float box[4])
{
    if (!(d->confidence[region] >= d->min_confidence)) {
        d->report.no_label++;
        return false;
    }
    if (!mask_images_box(d->images, image, region, box) || box[2] <= box[0] || box[3] <= box[1]) {
        d->report.no_area++;
        return false;
    }
    return true;
}

static mask_status write_image(detections *d, size_t image, mask_error *err)
{
    size_t dim = mask_images_dim(d->images), rows, where;
    const float *features;
    uint64_t before = d->table.regions;
    MASK__TRY(mask__images_tsv_classes(d->images, image, d->object, d->attribute, d->confidence, err));
    MASK__TRY(mask__images_block(d->images, image, 1, d->buffer, &features, &rows, err));
    for (size_t r = 0; r < rows; r++) {
        float box[4];
        if (!is_kept(d, image, r, box)) continue;
        if (!mask__all_finite(features + r * dim, dim, &where)) return mask__images_refuse(d->images, image, err);
        MASK__TRY(name_region(d, image, r, err));
        MASK__TRY(mask__region_table_add(&d->table, mask_images_id(d->images, image),
                                         (double[]){box[0], box[1], box[2], box[3]}, d->label, err));
        MASK__TRY(mask__npy_append(&d->features, features + r * dim, dim, err));
    }
    d->report.images += d->table.regions > before;
    return MASK_OK;
}

static mask_status count_regions(detections *d, const mask_run *run, size_t *kept, mask_error *err)
{
    size_t images = mask_images_count(d->images);
    *kept = 0;
    for (size_t i = 0; i < images; i++) {
        float box[4];
        if (i % PROGRESS_STEP == 0) MASK__TRY(mask__progress(run, "counting regions", "images", i, images, err));
        MASK__TRY(mask__images_tsv_classes(d->images, i, d->object, d->attribute, d->confidence, err));
        for (size_t r = 0; r < mask_images_regions(d->images, i); r++) *kept += is_kept(d, i, r, box);
    }
    d->report = (mask_regions_report){0};
    if (*kept) return MASK_OK;
    return mask__fail(err, MASK_EMISMATCH, "%s: no region is as sure as %g: ask for less", mask__images_path(d->images),
                      (double)d->min_confidence);
}

/* Opens both files of the folder, which is made where it is not there. */
static mask_status create_folder(detections *d, const char *folder, size_t regions, mask_error *err)
{
    char *features = NULL, *table = NULL;
    mask_status status = MASK_OK;
    if (mkdir(folder, 0777) != 0 && errno != EEXIST)
        return mask__fail(err, MASK_EIO, "%s: cannot create: %s", folder, strerror(errno));
    if (asprintf(&features, "%s/features.npy", folder) < 0) features = NULL;
    if (asprintf(&table, "%s/regions.tsv", folder) < 0) table = NULL;
    if (!features || !table) status = mask__no_memory(err, folder);
    size_t shape[2] = {regions, mask_images_dim(d->images)};
    if (status == MASK_OK) status = mask__npy_create(&d->features, features, MASK__NPY_F32, 2, shape, err);
    if (status == MASK_OK) status = mask__region_table_create(&d->table, table, err);
    free(features);
    free(table);
    return status;
}

static mask_status write_all(detections *d, const char *folder, const mask_run *run, mask_error *err)
{
    size_t regions, images = mask_images_count(d->images);
    MASK__TRY(make_room(d, err));
    MASK__TRY(count_regions(d, run, &regions, err));
    MASK__TRY(create_folder(d, folder, regions, err));
    for (size_t i = 0; i < images; i++) {
        if (i % PROGRESS_STEP == 0) MASK__TRY(mask__progress(run, "regions", "images", i, images, err));
        MASK__TRY(write_image(d, i, err));
    }
    d->report.regions = d->table.regions;
    MASK__TRY(mask__writer_sync(&d->table.file, err)); /* both are written before either takes its place */
    MASK__TRY(mask__npy_commit(&d->features, err));
    return mask__region_table_commit(&d->table, err);
}

mask_status mask_regions_from_detections(const char *from, const char *folder, const char *vocabulary,
                                         const char *attribute_vocabulary, float min_confidence,
                                         mask_regions_report *report, const mask_run *run, mask_error *err)
{
    detections d = {.min_confidence = min_confidence};
    mask_status status = mask__vocabulary_read(&d.objects, vocabulary, err);
    if (status == MASK_OK && attribute_vocabulary)
        status = mask__vocabulary_read(&d.attributes, attribute_vocabulary, err);
    if (status == MASK_OK) status = mask_images_open(&d.images, from, NULL, run, err);
    if (status == MASK_OK) status = write_all(&d, folder, run, err);
    if (status == MASK_OK && report) *report = d.report;
    mask__npy_abort(&d.features);
    mask__region_table_abort(&d.table);
    mask_images_close(d.images);
    mask__vocabulary_free(&d.objects);
    mask__vocabulary_free(&d.attributes);
    mask__arena_free(&d.arena);
    return status;
}
