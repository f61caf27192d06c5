/* The writer of galleries: add, remove, metadata, compact. Each change writes and syncs new segments first, then
 * commits one transaction of the catalogue (database.c says why that is safe), and only then unlinks what nobody names
 * any more.
 *
 * An add that is interrupted leaves a prefix of its images: those of the segments that were committed. Made again, it
 * passes over them, since each image's row keeps a hash of what it was indexed from. */
#include "gallery/writer.h"
#include "gallery/build.h"
#include "gallery/stored.h"
#include "base/memory.h"
#include "base/strings.h"
#include "images/images.h"
#include "knowledge/knowledge.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xxhash.h>

enum { COMPARED_BETWEEN_PROGRESS = 1024 };

/* ---- Adding ---- */

/* The images of a change, by one process or a team. Rank 0 alone has the catalogue: it says which images are new, and
 * commits. In a round each process builds one segment, and all are committed when all are there. */
typedef struct adding {
    mask__writing *writing;
    const mask_images *images;
    size_t count, next; /* images; the first that no round has taken */
    float *fresh;       /* count: 1 = to be added */
    uint64_t *content;  /* count; of rank 0 */
    size_t *which;      /* images of one segment to be */
    size_t batch;
    float *features; /* of one image */
    size_t features_capacity;
    mask_gallery_change *change;
} adding;

static mask_status check_images(const mask_images *images, const mask_knowledge *k, mask_error *err)
{
    MASK__CLOSED(mask__strings_free) mask__strings ids = {0};
    MASK__TRY(mask__knowledge_check_images(k, images, err));
    for (size_t i = 0; i < mask_images_count(images); i++) {
        const char *id = mask_images_id(images, i);
        uint32_t index;
        bool added;
        if (!*id || mask_images_regions(images, i) == 0)
            return mask__fail(err, MASK_EFORMAT, "%s: image %zu has no %s: leave it out", mask__images_path(images), i,
                              *id ? "regions" : "id");
        MASK__TRY(mask__strings_intern(&ids, id, strlen(id), &index, &added, err));
        if (!added)
            return mask__fail(err, MASK_EFORMAT,
                              "%s: image %zu: the id '%.64s' stood before: ids must differ in a gallery",
                              mask__images_path(images), i, id);
    }
    return MASK_OK;
}

/* Which region is the whole image is settled by the first images; later ones must fit. */
static mask_status settle_whole_region(mask__writing *w, const mask_images *images, mask_error *err)
{
    bool automatic = w->settings.options.whole_region == MASK_WHOLE_AUTO;
    int here = !automatic ? w->settings.options.whole_region : mask__images_first_covers(images) ? 0 : MASK_WHOLE_MEAN;
    w->resolve = w->settings.whole_region == MASK_WHOLE_AUTO;
    if (w->resolve) w->settings.whole_region = here;
    if (w->settings.whole_region < 0) return MASK_OK;
    if (automatic && here != w->settings.whole_region)
        return mask__fail(
            err, MASK_EMISMATCH,
            "%s: in this gallery region %d is the whole image, in these images it is not: use images of the "
            "same kind, or index them apart",
            mask__images_path(images), w->settings.whole_region);
    for (size_t i = 0; i < mask_images_count(images); i++)
        if (mask_images_regions(images, i) <= (size_t)w->settings.whole_region)
            return mask__fail(
                err, MASK_EMISMATCH,
                "%s: image %zu has no region %d, which is the whole image in this gallery: use images of the "
                "same kind, or index them apart",
                mask__images_path(images), i, w->settings.whole_region);
    return MASK_OK;
}

/* The image's size: of the region that is all of it, else as its source says, else as far as boxes tell it. */
static void measure(const mask__writing *w, const mask_images *images, size_t image, mask__catalogue_image *out)
{
    bool covers = w->settings.options.whole_region == MASK_WHOLE_AUTO && w->settings.whole_region == 0;
    float box[4], size[2], right = 0, bottom = 0;
    size_t regions = covers ? 1 : mask_images_regions(images, image);
    if (!covers && mask__images_size(images, image, size) && size[0] > 0 && size[1] > 0) {
        right = size[0];
        bottom = size[1];
        regions = 0;
    }
    for (size_t r = 0; r < regions; r++)
        if (mask_images_box(images, image, r, box)) {
            right = fmaxf(right, box[2]);
            bottom = fmaxf(bottom, box[3]);
        }
    out->width = right < 1e9f ? (uint32_t)lrintf(right) : 0;
    out->height = bottom < 1e9f ? (uint32_t)lrintf(bottom) : 0;
}

/* Hash of all that the index takes from an image. */
static mask_status hash_content(adding *a, size_t image, mask_error *err)
{
    size_t regions = mask_images_regions(a->images, image), values;
    const char *name = mask_images_name(a->images, image);
    float box[4];
    if (!mask__multiply(regions, mask_images_dim(a->images), &values) ||
        !mask__grow(&a->features, &a->features_capacity, values, sizeof *a->features))
        return mask__no_memory(err, "an image's features");
    MASK__TRY(mask_images_features(a->images, image, a->features, err));
    uint64_t hash = XXH3_64bits_withSeed(a->features, values * sizeof *a->features, regions);
    for (size_t r = 0; r < regions; r++)
        if (mask_images_box(a->images, image, r, box)) hash = XXH3_64bits_withSeed(box, sizeof box, hash);
    a->content[image] = name ? XXH3_64bits_withSeed(name, strlen(name), hash) : hash;
    return MASK_OK;
}

/* Finds the next `most` images that are not there with the same content, up to *end. */
static mask_status compare(adding *a, size_t most, size_t *end, mask_error *err)
{
    mask__writing *w = a->writing;
    uint64_t known;
    bool found;
    for (*end = a->next; *end < a->count && most > 0; ++*end) {
        if (*end % COMPARED_BETWEEN_PROGRESS == 0)
            MASK__TRY(mask__progress(w->run, "comparing", "images", *end, a->count, err));
        MASK__TRY(hash_content(a, *end, err));
        MASK__TRY(mask__catalogue_content(w->catalogue, mask_images_id(a->images, *end), &known, &found, err));
        if (found && known == a->content[*end]) continue;
        a->fresh[*end] = 1;
        most--;
    }
    return MASK_OK;
}

/* The next segment's images, of those before `end`. */
static void take_batch(adding *a, size_t end)
{
    for (a->batch = 0; a->next < end && a->batch < a->writing->segment_images; a->next++)
        if (a->fresh[a->next] > 0) a->which[a->batch++] = a->next;
}

static mask_status build_batch(const adding *a, uint64_t segment, size_t done, mask_error *err)
{
    mask__writing *w = a->writing;
    MASK__FREED char *file = NULL;
    mask__segment_source source = {.images = a->images,
                                   .which = a->which,
                                   .count = a->batch,
                                   .type = mask__store_type(w->settings.gallery.store),
                                   .bf16 = w->settings.gallery.products == MASK_PRODUCTS_BF16,
                                   .progress_done = done,
                                   .progress_total = a->count};
    MASK__TRY(mask__gallery_part(&file, w->path, segment, "segment", err));
    return mask__segment_build(file, &w->calibration, &source, w->settings.gallery.budget, &w->times, w->run, err);
}

static mask_status put_batch(const adding *a, uint64_t segment, size_t *replaced, mask_error *err)
{
    mask__writing *w = a->writing;
    MASK__TRY(mask__catalogue_add_segment(w->catalogue, segment, a->batch, err));
    if (w->resolve) MASK__TRY(mask__catalogue_set_whole_region(w->catalogue, w->settings.whole_region, err));
    for (size_t i = 0; i < a->batch; i++) {
        size_t from = a->which[i];
        bool again;
        mask__catalogue_image image = {.id = mask_images_id(a->images, from),
                                       .name = mask_images_name(a->images, from),
                                       .content = a->content[from]};
        measure(w, a->images, from, &image);
        MASK__TRY(mask__catalogue_put(w->catalogue, segment, i, &image, &again, err));
        *replaced += again;
    }
    if (!w->joining) return mask__own_count(w, a->batch, err);
    return mask__catalogue_set_own(w->catalogue, &w->settings, err);
}

static mask_status commit_batch(const adding *a, uint64_t segment, mask_error *err)
{
    mask__writing *w = a->writing;
    MASK__FREED char *file = NULL;
    size_t replaced = 0;
    MASK__TRY(mask__gallery_part(&file, w->path, segment, "segment", err));
    mask_status status = mask__catalogue_begin(w->catalogue, err);
    if (status == MASK_OK) status = put_batch(a, segment, &replaced, err);
    MASK__TRY(mask__writing_commit(w, status, file, err));
    w->resolve = false;
    a->change->replaced += replaced;
    a->change->added += a->batch - replaced;
    return MASK_OK;
}

static mask_status add_round(adding *a, mask_error *err)
{
    mask__writing *w = a->writing;
    size_t ranks = mask__team_size(w->run), rank = mask__team_rank(w->run), from = a->next, end = 0;
    uint64_t segment = 0;
    if (rank == 0) MASK__TRY(compare(a, ranks * w->segment_images, &end, err));
    if (rank == 0) MASK__TRY(mask__catalogue_next_segment(w->catalogue, &segment, err));
    double shared[] = {(double)segment, (double)end}; /* as the first process sees it */
    MASK__TRY(mask__team_sum(w->run, shared, NULL, 2, err));
    segment = (uint64_t)shared[0];
    end = (size_t)shared[1];
    MASK__TRY(mask__team_sum(w->run, NULL, a->fresh + from, end - from, err));
    for (size_t r = 0; r < ranks; r++) {
        take_batch(a, end);
        if (r == rank && a->batch) MASK__TRY(build_batch(a, segment + r, from, err));
    }
    MASK__TRY(mask__team_sum(w->run, &(double){0}, NULL, 1, err)); /* when all are there */
    a->next = from;
    for (size_t r = 0; rank == 0 && r < ranks; r++) {
        take_batch(a, end);
        if (a->batch) MASK__TRY(commit_batch(a, segment + r, err));
    }
    a->next = end;
    return MASK_OK;
}

static mask_status add_images(mask__writing *w, const mask_images *images, mask_gallery_change *change, mask_error *err)
{
    MASK__CLOSED(mask__arena_free) mask__arena arena = {0};
    adding a = {.writing = w, .images = images, .count = mask_images_count(images), .change = change};
    a.fresh = mask__arena_alloc(&arena, a.count, sizeof *a.fresh);
    a.content = mask__arena_alloc(&arena, a.count, sizeof *a.content);
    a.which = mask__arena_alloc(&arena, w->segment_images < a.count ? w->segment_images : a.count, sizeof *a.which);
    mask_status status = arena.lost ? mask__no_memory(err, "a segment's images") : MASK_OK;
    while (status == MASK_OK && a.next < a.count) status = add_round(&a, err);
    free(a.features);
    return status;
}

static mask_status add(mask__writing *w, const mask_images *images, mask_gallery_change *change, mask_error *err)
{
    MASK__TRY(mask__writing_knowledge(w, err));
    MASK__TRY(check_images(images, w->knowledge, err));
    if (mask_images_count(images) == 0) return MASK_OK;
    MASK__TRY(settle_whole_region(w, images, err));
    MASK__TRY(mask__own_begin(w, images, err));
    MASK__TRY(mask__writing_calibration(w, err));
    MASK__TRY(add_images(w, images, change, err));
    return mask__own_refresh(w, err);
}

mask_status mask_gallery_add(const char *path, const mask_images *images, mask_gallery_change *change,
                             const mask_run *run, mask_error *err)
{
    MASK__CLOSED(mask__writing_close) mask__writing w = {0};
    mask_gallery_change own;
    if (!change) change = &own;
    *change = (mask_gallery_change){0};
    MASK__USE_THREADS(mask__threads(run));
    MASK__TRY(mask__writing_open(&w, path, run, err));
    mask_status status = add(&w, images, change, err);
    change->seconds = w.times.seconds;
    change->seconds_gemm = w.times.seconds_gemm;
    change->gflop_gemm = w.times.gflop_gemm;
    return status;
}

/* ---- Removing, metadata ---- */

static mask_status end_removal(mask__writing *w, size_t removed, mask_error *err)
{
    if (!removed) return MASK_OK;
    MASK__TRY(mask__own_count(w, removed, err));
    MASK__TRY(mask__catalogue_commit(w->catalogue, err));
    return mask__own_refresh(w, err);
}

mask_status mask_gallery_remove(const char *path, const char *const *ids, size_t count, mask_gallery_change *change,
                                const mask_run *run, mask_error *err)
{
    MASK__CLOSED(mask__writing_close) mask__writing w = {0};
    mask_gallery_change own;
    bool found;
    if (!change) change = &own;
    *change = (mask_gallery_change){0};
    MASK__TRY(mask__writing_open(&w, path, run, err));
    MASK__TRY(mask__catalogue_begin(w.catalogue, err));
    for (size_t i = 0; i < count; i++) {
        MASK__TRY(mask__catalogue_remove(w.catalogue, ids[i], &found, err));
        change->removed += found;
        change->missing += !found;
    }
    return end_removal(&w, change->removed, err);
}

/* Removes every image alive in the snapshot whose id is not among `ids`. */
static mask_status remove_others(mask__catalogue *catalogue, const mask__snapshot *snapshot, const mask__strings *ids,
                                 mask_gallery_change *change, mask_error *err)
{
    for (size_t s = 0; s < snapshot->segment_count; s++) {
        const mask__snapshot_segment *segment = &snapshot->segments[s];
        for (size_t i = 0; i < segment->images; i++) {
            const char *id = segment->ids[i];
            bool found;
            if (!id || mask__strings_find(ids, id, strlen(id)) != MASK__NOT_FOUND) continue;
            MASK__TRY(mask__catalogue_remove(catalogue, id, &found, err));
            change->removed += found;
        }
    }
    return MASK_OK;
}

mask_status mask_gallery_keep(const char *path, const mask_images *images, mask_gallery_change *change,
                              const mask_run *run, mask_error *err)
{
    MASK__CLOSED(mask__writing_close) mask__writing w = {0};
    MASK__CLOSED(mask__snapshot_free) mask__snapshot snapshot = {0};
    MASK__CLOSED(mask__strings_free) mask__strings ids = {0}; /* not mask_images_find: that finds file names too */
    mask_gallery_change own;
    if (!change) change = &own;
    *change = (mask_gallery_change){0};
    MASK__TRY(mask__writing_open(&w, path, run, err));
    MASK__TRY(mask__catalogue_snapshot(w.catalogue, &snapshot, err));
    for (size_t i = 0; i < mask_images_count(images); i++) {
        const char *id = mask_images_id(images, i);
        MASK__TRY(mask__strings_intern(&ids, id, strlen(id), &(uint32_t){0}, NULL, err));
    }
    MASK__TRY(mask__catalogue_begin(w.catalogue, err));
    MASK__TRY(remove_others(w.catalogue, &snapshot, &ids, change, err));
    return end_removal(&w, change->removed, err);
}

mask_status mask_gallery_describe_images(const char *path, const char *table, const mask_run *run, mask_error *err)
{
    MASK__CLOSED(mask__writing_close) mask__writing w = {0};
    size_t rows, missing;
    MASK__TRY(mask__writing_open(&w, path, run, err));
    MASK__TRY(mask__catalogue_begin(w.catalogue, err));
    MASK__TRY(mask__catalogue_describe(w.catalogue, table, &rows, &missing, run, err));
    MASK__TRY(mask__catalogue_commit(w.catalogue, err));
    if (missing)
        mask__log(run, MASK_LOG_WARNING, "%s: %zu of %zu ids are not in the gallery: their lines were passed over",
                  table, missing, rows);
    return MASK_OK;
}
