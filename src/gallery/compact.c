/* Segments made of segments.
 *
 * Compaction: segments of which a quarter or more is dead, and small ones, are rewritten, joined up to the size of a
 * segment. Region vectors come from the old segments, so scores stay the same bits, and no image is read again. Each
 * new segment is a commit of its own: one that is interrupted has done a part of the work.
 *
 * Images at hand (mixing.h): when a quarter of the images has changed since they were chosen, others join the
 * background, and every segment is made again under the new statistics. All of it is one commit: scores of two
 * calibrations never stand side by side. With a budget regions are lost that statistics would need: then what the first
 * images brought stays. */
#include "gallery/writer.h"
#include "gallery/build.h"
#include "knowledge/mixing.h"
#include "math/half.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Old segments first .. first + count that become one, or none when all their images are dead. */
typedef struct group {
    size_t *members; /* indices into the snapshot's segments */
    size_t count, alive;
    bool dead; /* one of them has too many dead */
} group;

static bool too_dead(const mask__snapshot_segment *s)
{
    return (s->images - s->alive_count) * 4 >= s->images;
}

static bool is_small(const mask__snapshot_segment *s, size_t full)
{
    return s->alive_count * 2 < full;
}

static mask_status open_members(mask__writing *w, const mask__snapshot *snapshot, const group *g, mask__segment *open,
                                size_t *opened, mask_error *err)
{
    for (*opened = 0; *opened < g->count; ++*opened) {
        char *file;
        const mask__snapshot_segment *s = &snapshot->segments[g->members[*opened]];
        MASK__TRY(mask__gallery_file(&file, w->path, s->file, err));
        mask_status status = mask__segment_open(&open[*opened], file, MASK__VERIFY_DATA, err);
        free(file);
        if (status != MASK_OK) return status;
        if (open[*opened].images != s->images) {
            ++*opened;
            return mask__fail(err, MASK_EFORMAT,
                              "%s/%s: is not the segment that the catalogue means: restore the gallery from a copy",
                              w->path, s->file);
        }
    }
    return MASK_OK;
}

static mask_status build(mask__writing *w, const mask__snapshot *snapshot, const group *g, bool anew, const char *file,
                         size_t done, size_t total, mask_error *err)
{
    size_t opened = 0, count = 0;
    mask__segment *open = calloc(g->count, sizeof *open);
    mask__kept_image *kept = calloc(g->alive, sizeof *kept);
    mask_status status =
        open && kept ? open_members(w, snapshot, g, open, &opened, err) : mask__no_memory(err, "a segment");
    if (status == MASK_OK) {
        for (size_t m = 0; m < g->count; m++)
            for (size_t i = 0; i < open[m].images; i++)
                if (snapshot->segments[g->members[m]].ids[i])
                    kept[count++] = (mask__kept_image){.segment = &open[m], .image = i};
        mask__segment_source source = {.kept = kept,
                                       .anew = anew,
                                       .count = count,
                                       .half = true,
                                       .bf16 = w->settings.gallery.products == MASK_PRODUCTS_BF16,
                                       .progress_done = done,
                                       .progress_total = total};
        status =
            mask__segment_build(file, &w->calibration, &source, w->settings.gallery.budget, &w->times, w->run, err);
    }
    for (size_t m = 0; m < opened; m++) mask__segment_close(&open[m]);
    free(open);
    free(kept);
    return status;
}

static mask_status move_images(mask__writing *w, const mask__snapshot *snapshot, const group *g, uint64_t segment,
                               mask_error *err)
{
    size_t position = 0;
    if (g->alive) MASK__TRY(mask__catalogue_add_segment(w->catalogue, segment, g->alive, err));
    for (size_t m = 0; m < g->count; m++) {
        const mask__snapshot_segment *old = &snapshot->segments[g->members[m]];
        for (size_t i = 0; i < old->images; i++)
            if (old->ids[i]) MASK__TRY(mask__catalogue_move(w->catalogue, old->ids[i], segment, position++, err));
        MASK__TRY(mask__catalogue_drop_segment(w->catalogue, old->number, err));
    }
    return MASK_OK;
}

static void unlink_members(mask__writing *w, const mask__snapshot *snapshot, const group *g)
{
    for (size_t m = 0; m < g->count; m++) {
        char *file;
        if (mask__gallery_file(&file, w->path, snapshot->segments[g->members[m]].file, NULL) != MASK_OK) continue;
        unlink(file);
        free(file);
    }
}

static mask_status rewrite(mask__writing *w, const mask__snapshot *snapshot, const group *g, size_t done, size_t total,
                           mask_error *err)
{
    uint64_t segment;
    char *file;
    MASK__TRY(mask__writing_next_file(w, &segment, &file, err));
    mask_status status = g->alive ? build(w, snapshot, g, false, file, done, total, err) : MASK_OK;
    if (status == MASK_OK) {
        status = mask__catalogue_begin(w->catalogue, err);
        if (status == MASK_OK) status = move_images(w, snapshot, g, segment, err);
        status = mask__writing_commit(w, status, file, err);
    }
    if (status == MASK_OK) unlink_members(w, snapshot, g);
    free(file);
    return status;
}

/* The next group at or after *at; false at the end. */
static bool next_group(const mask__snapshot *snapshot, size_t full, size_t *at, group *g)
{
    for (;;) {
        *g = (group){.members = g->members};
        for (; *at < snapshot->segment_count; ++*at) {
            const mask__snapshot_segment *s = &snapshot->segments[*at];
            if (!too_dead(s) && !is_small(s, full)) continue;
            if (g->count && g->alive + s->alive_count > full) break;
            g->members[g->count++] = *at;
            g->alive += s->alive_count;
            g->dead = g->dead || too_dead(s);
        }
        if (g->count > 1 || g->dead) return true;
        if (*at == snapshot->segment_count) return false;
    }
}

static mask_status compact(mask__writing *w, const mask__snapshot *snapshot, mask_error *err)
{
    group g = {.members = calloc(snapshot->segment_count + 1, sizeof *g.members)};
    size_t total = 0, done = 0, at = 0;
    mask_status status = MASK_OK;
    if (!g.members) return mask__no_memory(err, "a list of segments");
    while (next_group(snapshot, w->segment_images, &at, &g)) total += g.alive;
    for (at = 0; status == MASK_OK && next_group(snapshot, w->segment_images, &at, &g); done += g.alive)
        status = rewrite(w, snapshot, &g, done, total, err);
    free(g.members);
    return status;
}

mask_status mask_gallery_compact(const char *path, const mask_run *run, mask_error *err)
{
    mask__writing w;
    mask__snapshot snapshot;
    MASK__USE_THREADS(mask__threads(run));
    MASK__TRY(mask__writing_open(&w, path, run, err));
    mask_status status = mask__catalogue_snapshot(w.catalogue, &snapshot, err);
    if (status == MASK_OK && snapshot.segment_count) {
        status = mask__writing_knowledge(&w, err);
        if (status == MASK_OK) status = mask__writing_calibration(&w, err);
        if (status == MASK_OK) status = compact(&w, &snapshot, err);
    }
    if (snapshot.memory) mask__snapshot_free(&snapshot);
    mask__writing_close(&w);
    return status;
}

/* ---- Images at hand ---- */

mask_status mask__own_count(mask__writing *w, size_t changes, mask_error *err)
{
    w->settings.own_changes += changes;
    return mask__catalogue_set_own(w->catalogue, &w->settings, err);
}

/* A number that no commit had before: no reader mistakes one for another. */
static mask_status number_own(mask__writing *w, size_t images, size_t wanted, mask_error *err)
{
    MASK__TRY(mask__catalogue_generation(w->catalogue, &w->settings.own, err));
    w->settings.own = wanted ? w->settings.own + 1 : 0;
    w->settings.own_images = images;
    w->settings.own_changes = 0;
    return MASK_OK;
}

static mask_status own_file(const mask__writing *w, char **file, mask_error *err)
{
    char name[MASK__SEGMENT_NAME_BYTES];
    mask__own_name(w->settings.own, false, name);
    return mask__gallery_file(file, w->path, name, err);
}

/* Saves what joins, and lets it. */
static mask_status join(mask__writing *w, const mask__own *own, mask_error *err)
{
    char *file;
    MASK__TRY(own_file(w, &file, err));
    mask_status status =
        mask__team_rank(w->run) == 0 ? mask__own_save(own, w->knowledge->info.dim, file, err) : MASK_OK;
    free(file);
    return status == MASK_OK ? mask__own_join(w->knowledge, own, err) : status;
}

static size_t wanted_of(const mask__writing *w, size_t images)
{
    bool calibrated = w->settings.options.calibrate != MASK_CALIBRATE_NONE;
    return calibrated ? mask__own_wanted(w->settings.gallery.own, images) : 0;
}

mask_status mask__own_begin(mask__writing *w, const mask_images *images, mask_error *err)
{
    size_t there, count = mask_images_count(images), wanted = wanted_of(w, count);
    double some = 0;
    mask__own own;
    MASK__TRY(mask__catalogue_count(w->catalogue, &there, err));
    if (mask__team_rank(w->run) == 0) some = (double)there;
    MASK__TRY(mask__team_sum(w->run, &some, NULL, 1, err)); /* as the first process sees it */
    if (some > 0 || !wanted) return MASK_OK;
    MASK__TRY(number_own(w, count, wanted, err));
    MASK__TRY(mask__own_encode(&own, w->knowledge, images, wanted, w->run, err));
    if (w->settings.gallery.store == MASK_STORE_HALF) /* as segments hold them, so that a refresh finds the same */
        mask__round_to_half(own.mu, own.at[own.count] * w->knowledge->info.dim);
    mask_status status = join(w, &own, err);
    mask__own_free(&own);
    w->joining = true;
    return status;
}

/* The regions of images of the snapshot, as the old segments have them: unit, which is all that statistics look at. */
static mask_status gather(mask__writing *w, const mask__snapshot *snapshot, size_t wanted, mask__own *own,
                          mask_error *err)
{
    size_t count = 0, rows = 0, next = 0, position = 0, z = 0, capacity = 0, work_capacity = 0;
    float *work = NULL;
    const char **ids = calloc(snapshot->images + 1, sizeof *ids);
    size_t *which = calloc(wanted + 1, sizeof *which);
    *own = (mask__own){.count = wanted, .at = calloc(wanted + 1, sizeof *own->at)};
    mask_status status = ids && which && own->at ? MASK_OK : mask__no_memory(err, "the background");
    for (size_t s = 0; status == MASK_OK && s < snapshot->segment_count; s++)
        for (size_t i = 0; i < snapshot->segments[s].images; i++)
            if (snapshot->segments[s].ids[i]) ids[count++] = snapshot->segments[s].ids[i];
    if (status == MASK_OK) status = mask__own_choose(ids, count, wanted, which, err);
    for (size_t s = 0; status == MASK_OK && s < snapshot->segment_count; s++) {
        mask__segment open;
        size_t opened;
        group one = {.members = &s, .count = 1};
        status = open_members(w, snapshot, &one, &open, &opened, err);
        for (size_t i = 0; status == MASK_OK && i < open.images; i++) {
            if (!snapshot->segments[s].ids[i]) continue;
            if (next == wanted || which[next] != position++) continue;
            size_t more = (size_t)(open.image_rows[i + 1] - open.image_rows[i]),
                   scratch = mask__segment_scratch(&open, 1);
            z = open.z;
            if (!mask__grow(&own->mu, &capacity, rows + more + 1, z * sizeof *own->mu) ||
                !mask__grow(&work, &work_capacity, scratch + 1, sizeof *work)) {
                status = mask__no_memory(err, "the background");
            } else {
                mask__image_vectors vectors = mask__segment_image(&open, i, work);
                memcpy(own->mu + rows * z, vectors.mu, more * z * sizeof *own->mu);
            }
            own->at[++next] = rows += more;
        }
        if (opened) mask__segment_close(&open);
    }
    free(ids);
    free(which);
    free(work);
    return status;
}

/* Every segment under the calibration that is to be, in files of the numbers from `first` on; then one commit. */
static mask_status make_again(mask__writing *w, const mask__snapshot *snapshot, mask_error *err)
{
    uint64_t first;
    char name[MASK__SEGMENT_NAME_BYTES], *file;
    size_t done = 0;
    MASK__TRY(mask__catalogue_next_segment(w->catalogue, &first, err));
    mask_status status = MASK_OK;
    for (size_t s = 0; status == MASK_OK && s < snapshot->segment_count; s++) {
        group one = {.members = &s, .count = 1, .alive = snapshot->segments[s].alive_count};
        mask__segment_name(first + s, name);
        status = mask__gallery_file(&file, w->path, name, err);
        if (status == MASK_OK && one.alive) status = build(w, snapshot, &one, true, file, done, snapshot->images, err);
        free(file);
        done += one.alive;
    }
    if (status == MASK_OK) status = mask__catalogue_begin(w->catalogue, err);
    for (size_t s = 0; status == MASK_OK && s < snapshot->segment_count; s++) {
        group one = {.members = &s, .count = 1, .alive = snapshot->segments[s].alive_count};
        status = move_images(w, snapshot, &one, first + s, err);
    }
    if (status == MASK_OK) status = mask__catalogue_set_own(w->catalogue, &w->settings, err);
    if (status == MASK_OK) status = mask__catalogue_commit(w->catalogue, err);
    mask__catalogue_rollback(w->catalogue);
    return status;
}

static void unlink_old(mask__writing *w, const mask__snapshot *snapshot)
{
    char name[MASK__SEGMENT_NAME_BYTES], *file;
    for (size_t s = 0; s < snapshot->segment_count; s++)
        unlink_members(w, snapshot, &(group){.members = &s, .count = 1});
    for (int scorer = 0; scorer < 2; scorer++) {
        mask__own_name(snapshot->own, false, name);
        mask_status status = scorer ? mask__gallery_scorer(&file, w->path, snapshot->own, NULL)
                                    : mask__gallery_file(&file, w->path, name, NULL);
        if (status == MASK_OK) unlink(file);
        free(file);
    }
}

static mask_status renew(mask__writing *w, const mask__snapshot *snapshot, size_t wanted, mask_error *err)
{
    mask__own own = {0};
    if (w->scored) mask__calibration_close(&w->calibration);
    mask_knowledge_close(w->knowledge);
    w->scored = false;
    w->knowledge = NULL;
    MASK__TRY(mask__gallery_knowledge(&w->knowledge, w->path, 0, err));
    mask_status status = number_own(w, snapshot->images, wanted, err);
    if (status == MASK_OK && wanted) status = gather(w, snapshot, wanted, &own, err);
    if (status == MASK_OK && wanted) status = join(w, &own, err);
    mask__own_free(&own);
    if (status == MASK_OK) status = mask__writing_calibration(w, err);
    if (status == MASK_OK) status = make_again(w, snapshot, err);
    if (status == MASK_OK) unlink_old(w, snapshot);
    return status;
}

mask_status mask__own_refresh(mask__writing *w, mask_error *err)
{
    const mask__catalogue_settings *s = &w->settings;
    mask__snapshot snapshot;
    size_t count, wanted;
    if (mask__team_rank(w->run) > 0 || s->gallery.budget || (s->own && s->own_changes * 4 < s->own_images))
        return MASK_OK;
    MASK__TRY(mask__catalogue_count(w->catalogue, &count, err));
    wanted = wanted_of(w, count);
    if (count == 0 || (!s->own && !wanted)) return MASK_OK;
    MASK__USE_THREADS(mask__threads(w->run));
    MASK__TRY(mask__catalogue_snapshot(w->catalogue, &snapshot, err));
    mask_status status = renew(w, &snapshot, wanted, err);
    mask__snapshot_free(&snapshot);
    return status;
}
