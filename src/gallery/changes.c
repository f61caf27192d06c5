/* The writer of galleries: add, remove, metadata, compact. Each change writes and syncs new segments first, then
 * commits one transaction of the catalogue (database.c says why that is safe), and only then unlinks what nobody names
 * any more.
 *
 * An add that is interrupted leaves a prefix of its images: those of the segments that were committed. Made again, it
 * passes over them, since each image's row keeps a hash of what it was indexed from. */
#include "gallery/writer.h"
#include "gallery/build.h"
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

/* Images of one segment to be. */
typedef struct batch {
    size_t count;
    size_t *which;
    uint64_t *content;
    float *features; /* of one image */
    size_t features_capacity;
} batch;

static mask_status check_images(const mask_images *images, const mask_knowledge *k, mask_error *err)
{
    mask__strings ids = {0};
    mask_status status = MASK_OK;
    if (mask_images_dim(images) != k->info.feature_dim)
        return mask__fail(
            err, MASK_EMISMATCH,
            "%s: features of %zu dimensions, but the gallery's knowledge was learned from %zu: use images "
            "from the same detector",
            mask__images_path(images), mask_images_dim(images), k->info.feature_dim);
    for (size_t i = 0; status == MASK_OK && i < mask_images_count(images); i++) {
        const char *id = mask_images_id(images, i);
        uint32_t index;
        bool added = true;
        if (!*id || mask_images_regions(images, i) == 0)
            status = mask__fail(err, MASK_EFORMAT, "%s: image %zu has no %s: leave it out", mask__images_path(images),
                                i, *id ? "regions" : "id");
        else status = mask__strings_intern(&ids, id, strlen(id), &index, &added, err);
        if (status == MASK_OK && !added)
            status = mask__fail(err, MASK_EFORMAT,
                                "%s: image %zu: the id '%.64s' stood before: ids must differ in a gallery",
                                mask__images_path(images), i, id);
    }
    mask__strings_free(&ids);
    return status;
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
static mask_status hash_content(const mask_images *images, size_t image, batch *b, uint64_t *out, mask_error *err)
{
    size_t regions = mask_images_regions(images, image), values;
    const char *name = mask_images_name(images, image);
    float box[4];
    if (!mask__multiply(regions, mask_images_dim(images), &values) ||
        !mask__grow(&b->features, &b->features_capacity, values, sizeof *b->features))
        return mask__no_memory(err, "an image's features");
    MASK__TRY(mask_images_features(images, image, b->features, err));
    uint64_t hash = XXH3_64bits_withSeed(b->features, values * sizeof *b->features, regions);
    for (size_t r = 0; r < regions; r++)
        if (mask_images_box(images, image, r, box)) hash = XXH3_64bits_withSeed(box, sizeof box, hash);
    *out = name ? XXH3_64bits_withSeed(name, strlen(name), hash) : hash;
    return MASK_OK;
}

static mask_status put_batch(mask__writing *w, const mask_images *images, const batch *b, uint64_t segment,
                             size_t *replaced, mask_error *err)
{
    MASK__TRY(mask__catalogue_add_segment(w->catalogue, segment, b->count, err));
    if (w->resolve) MASK__TRY(mask__catalogue_set_whole_region(w->catalogue, w->settings.whole_region, err));
    for (size_t i = 0; i < b->count; i++) {
        bool again;
        mask__catalogue_image image = {.id = mask_images_id(images, b->which[i]),
                                       .name = mask_images_name(images, b->which[i]),
                                       .content = b->content[i]};
        measure(w, images, b->which[i], &image);
        MASK__TRY(mask__catalogue_put(w->catalogue, segment, i, &image, &again, err));
        *replaced += again;
    }
    if (!w->joining) return mask__own_count(w, b->count, err);
    return mask__catalogue_set_own(w->catalogue, &w->settings, err);
}

static mask_status build_batch(mask__writing *w, const mask_images *images, const batch *b, const char *file,
                               size_t done, mask_error *err)
{
    mask__segment_source source = {.images = images,
                                   .which = b->which,
                                   .count = b->count,
                                   .half = w->settings.gallery.store == MASK_STORE_HALF,
                                   .bf16 = w->settings.gallery.products == MASK_PRODUCTS_BF16,
                                   .progress_done = done,
                                   .progress_total = mask_images_count(images)};
    return mask__segment_build(file, &w->calibration, &source, w->settings.gallery.budget, &w->times, w->run, err);
}

static mask_status commit_batch(mask__writing *w, const mask_images *images, batch *b, uint64_t segment,
                                const char *file, mask_gallery_change *change, mask_error *err)
{
    size_t replaced = 0;
    mask_status status = mask__catalogue_begin(w->catalogue, err);
    if (status == MASK_OK) status = put_batch(w, images, b, segment, &replaced, err);
    MASK__TRY(mask__writing_commit(w, status, file, err));
    w->resolve = false;
    change->replaced += replaced;
    change->added += b->count - replaced;
    b->count = 0;
    return MASK_OK;
}

/* Of one process: the next segment. */
static mask_status write_batch(mask__writing *w, const mask_images *images, batch *b, size_t done,
                               mask_gallery_change *change, mask_error *err)
{
    uint64_t segment;
    char *file;
    if (b->count == 0) return MASK_OK;
    MASK__TRY(mask__writing_next_file(w, &segment, &file, err));
    mask_status status = build_batch(w, images, b, file, done, err);
    if (status == MASK_OK) status = commit_batch(w, images, b, segment, file, change, err);
    free(file);
    return status;
}

/* Takes the image into the batch unless it is there with the same content. */
static mask_status consider(mask__writing *w, const mask_images *images, size_t image, batch *b, mask_error *err)
{
    uint64_t fresh = 0, known;
    bool found;
    MASK__TRY(hash_content(images, image, b, &fresh, err));
    MASK__TRY(mask__catalogue_content(w->catalogue, mask_images_id(images, image), &known, &found, err));
    if (found && known == fresh) return MASK_OK;
    b->which[b->count] = image;
    b->content[b->count++] = fresh;
    return MASK_OK;
}

static mask_status add_images(mask__writing *w, const mask_images *images, mask_gallery_change *change, mask_error *err)
{
    batch b = {0};
    size_t count = mask_images_count(images), done = 0;
    mask_status status = MASK_OK;
    b.which = calloc(w->segment_images < count ? w->segment_images : count, sizeof *b.which);
    b.content = calloc(w->segment_images < count ? w->segment_images : count, sizeof *b.content);
    if (!b.which || !b.content) status = mask__no_memory(err, "a segment's images");
    for (size_t i = 0; status == MASK_OK && i < count; i++) {
        if (i % COMPARED_BETWEEN_PROGRESS == 0) status = mask__progress(w->run, "comparing", "images", i, count, err);
        if (status == MASK_OK) status = consider(w, images, i, &b, err);
        if (status == MASK_OK && (b.count == w->segment_images || i + 1 == count)) {
            status = write_batch(w, images, &b, done, change, err);
            done = i + 1;
        }
    }
    free(b.which);
    free(b.content);
    free(b.features);
    return status;
}

/* ---- Adding by a team ---- */

/* Rank 0 alone has the catalogue: it says which images are new, and commits. The segments are those of one process,
 * each built by the process whose turn it is; a round of them is committed when all are there. */
typedef struct team_add {
    float *fresh;      /* images: 1 = to be added */
    uint64_t *content; /* of rank 0 */
    uint64_t first;    /* the number of the first segment */
    size_t next;       /* image */
} team_add;

static mask_status compare_images(mask__writing *w, const mask_images *images, team_add *t, batch *b, mask_error *err)
{
    size_t count = mask_images_count(images);
    double first = 0;
    for (size_t i = 0; mask__team_rank(w->run) == 0 && i < count; i++) {
        if (i % COMPARED_BETWEEN_PROGRESS == 0) MASK__TRY(mask__progress(w->run, "comparing", "images", i, count, err));
        b->count = 0;
        MASK__TRY(consider(w, images, i, b, err));
        t->fresh[i] = b->count > 0;
        t->content[i] = b->content[0];
    }
    if (mask__team_rank(w->run) == 0) MASK__TRY(mask__catalogue_next_segment(w->catalogue, &t->first, err));
    first = (double)t->first;
    MASK__TRY(mask__team_sum(w->run, &first, NULL, 1, err));
    t->first = (uint64_t)first;
    return mask__team_sum(w->run, NULL, t->fresh, count, err);
}

static void next_batch(const mask__writing *w, team_add *t, size_t count, batch *b)
{
    for (b->count = 0; t->next < count && b->count < w->segment_images; t->next++) {
        if (t->fresh[t->next] == 0) continue;
        b->which[b->count] = t->next;
        b->content[b->count++] = t->content[t->next];
    }
}

static mask_status file_of(const mask__writing *w, uint64_t segment, char **file, mask_error *err)
{
    char name[MASK__SEGMENT_NAME_BYTES];
    mask__segment_name(segment, name);
    return mask__gallery_file(file, w->path, name, err);
}

/* One segment of each process, while there are images. */
static mask_status add_round(mask__writing *w, const mask_images *images, team_add *t, batch *b,
                             mask_gallery_change *change, mask_error *err)
{
    size_t count = mask_images_count(images), ranks = mask__team_size(w->run), from = t->next;
    mask_status status = MASK_OK;
    double none = 0;
    char *file;
    for (size_t r = 0; status == MASK_OK && r < ranks; r++) {
        next_batch(w, t, count, b);
        if (r != mask__team_rank(w->run) || b->count == 0) continue;
        MASK__TRY(file_of(w, t->first + r, &file, err));
        status = build_batch(w, images, b, file, from, err);
        free(file);
    }
    MASK__TRY(status);
    MASK__TRY(mask__team_sum(w->run, &none, NULL, 1, err)); /* when all are there */
    t->next = mask__team_rank(w->run) == 0 ? from : t->next;
    for (size_t r = 0; status == MASK_OK && mask__team_rank(w->run) == 0 && r < ranks; r++) {
        next_batch(w, t, count, b);
        if (b->count == 0) continue;
        MASK__TRY(file_of(w, t->first + r, &file, err));
        status = commit_batch(w, images, b, t->first + r, file, change, err);
        free(file);
    }
    t->first += ranks;
    return status;
}

static mask_status add_by_team(mask__writing *w, const mask_images *images, mask_gallery_change *change,
                               mask_error *err)
{
    size_t count = mask_images_count(images), room = w->segment_images < count ? w->segment_images : count;
    mask__arena arena = {0};
    team_add t = {.fresh = mask__arena_alloc(&arena, count, sizeof *t.fresh),
                  .content = mask__arena_alloc(&arena, count, sizeof *t.content)};
    batch b = {.which = mask__arena_alloc(&arena, room, sizeof *b.which),
               .content = mask__arena_alloc(&arena, room, sizeof *b.content)};
    mask_status status =
        t.fresh && t.content && b.which && b.content ? MASK_OK : mask__no_memory(err, "a segment's images");
    if (status == MASK_OK) status = compare_images(w, images, &t, &b, err);
    while (status == MASK_OK && t.next < count) status = add_round(w, images, &t, &b, change, err);
    free(b.features);
    mask__arena_free(&arena);
    return status;
}

mask_status mask_gallery_add(const char *path, const mask_images *images, mask_gallery_change *change,
                             const mask_run *run, mask_error *err)
{
    mask__writing w;
    mask_gallery_change own;
    if (!change) change = &own;
    *change = (mask_gallery_change){0};
    MASK__USE_THREADS(mask__threads(run));
    MASK__TRY(mask__writing_open(&w, path, run, err));
    mask_status status = mask__writing_knowledge(&w, err);
    if (status == MASK_OK) status = check_images(images, w.knowledge, err);
    if (status == MASK_OK && mask_images_count(images)) {
        status = settle_whole_region(&w, images, err);
        if (status == MASK_OK) status = mask__own_begin(&w, images, err);
        if (status == MASK_OK) status = mask__writing_calibration(&w, err);
        if (status == MASK_OK) status = (mask__team_size(run) > 1 ? add_by_team : add_images)(&w, images, change, err);
        if (status == MASK_OK) status = mask__own_refresh(&w, err);
    }
    change->seconds = w.times.seconds;
    change->seconds_gemm = w.times.seconds_gemm;
    change->gflop_gemm = w.times.gflop_gemm;
    mask__writing_close(&w);
    return status;
}

/* ---- Removing, metadata ---- */

static mask_status end_removal(mask__writing *w, size_t removed, mask_error *err)
{
    mask_status status = MASK_OK;
    if (removed) status = mask__own_count(w, removed, err);
    if (removed && status == MASK_OK) status = mask__catalogue_commit(w->catalogue, err);
    return removed && status == MASK_OK ? mask__own_refresh(w, err) : status;
}

mask_status mask_gallery_remove(const char *path, const char *const *ids, size_t count, mask_gallery_change *change,
                                const mask_run *run, mask_error *err)
{
    mask__writing w;
    mask_gallery_change own;
    if (!change) change = &own;
    *change = (mask_gallery_change){0};
    MASK__TRY(mask__writing_open(&w, path, run, err));
    mask_status status = mask__catalogue_begin(w.catalogue, err);
    for (size_t i = 0; status == MASK_OK && i < count; i++) {
        bool found;
        status = mask__catalogue_remove(w.catalogue, ids[i], &found, err);
        if (status == MASK_OK && found) change->removed++;
        else change->missing++;
    }
    if (status == MASK_OK) status = end_removal(&w, change->removed, err);
    mask__catalogue_rollback(w.catalogue);
    mask__writing_close(&w);
    return status;
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
    mask__writing w;
    mask__snapshot snapshot = {0};
    mask__strings ids = {0}; /* not mask_images_find: that finds file names too */
    mask_gallery_change own;
    if (!change) change = &own;
    *change = (mask_gallery_change){0};
    MASK__TRY(mask__writing_open(&w, path, run, err));
    mask_status status = mask__catalogue_snapshot(w.catalogue, &snapshot, err);
    for (size_t i = 0; status == MASK_OK && i < mask_images_count(images); i++) {
        const char *id = mask_images_id(images, i);
        status = mask__strings_intern(&ids, id, strlen(id), &(uint32_t){0}, NULL, err);
    }
    if (status == MASK_OK) status = mask__catalogue_begin(w.catalogue, err);
    if (status == MASK_OK) status = remove_others(w.catalogue, &snapshot, &ids, change, err);
    if (status == MASK_OK) status = end_removal(&w, change->removed, err);
    mask__catalogue_rollback(w.catalogue);
    mask__strings_free(&ids);
    mask__snapshot_free(&snapshot);
    mask__writing_close(&w);
    return status;
}

mask_status mask_gallery_describe_images(const char *path, const char *table, const mask_run *run, mask_error *err)
{
    mask__writing w;
    size_t rows, missing;
    MASK__TRY(mask__writing_open(&w, path, run, err));
    mask_status status = mask__catalogue_begin(w.catalogue, err);
    if (status == MASK_OK) status = mask__catalogue_describe(w.catalogue, table, &rows, &missing, run, err);
    if (status == MASK_OK) status = mask__catalogue_commit(w.catalogue, err);
    mask__catalogue_rollback(w.catalogue);
    mask__writing_close(&w);
    if (status == MASK_OK && missing)
        mask__log(run, MASK_LOG_WARNING, "%s: %zu of %zu ids are not in the gallery: their lines were passed over",
                  table, missing, rows);
    return status;
}
