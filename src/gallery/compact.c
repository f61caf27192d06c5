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
#include "gallery/stored.h"
#include "base/memory.h"
#include "knowledge/mixing.h"

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

/* The segments of a group, open. */
typedef struct members {
    mask__segment *open;
    size_t count;
} members;

static void close_members(members *m)
{
    for (size_t i = 0; i < m->count; i++) mask__segment_close(&m->open[i]);
    free(m->open);
}

static mask_status build(mask__writing *w, const mask__snapshot *snapshot, const group *g, bool anew, const char *file,
                         size_t done, size_t total, mask_error *err)
{
    MASK__CLOSED(close_members) members m = {.open = calloc(g->count, sizeof *m.open)};
    MASK__FREED mask__kept_image *kept = calloc(g->alive, sizeof *kept);
    size_t count = 0;
    if (!m.open || !kept) return mask__no_memory(err, "a segment");
    for (; m.count < g->count; m.count++) {
        const mask__snapshot_segment *s = &snapshot->segments[g->members[m.count]];
        mask__segment *open = &m.open[m.count];
        MASK__TRY(mask__gallery_segment(open, w->path, s, MASK__VERIFY_DATA, err));
        for (size_t i = 0; i < open->images; i++)
            if (s->ids[i]) kept[count++] = (mask__kept_image){.segment = open, .image = i};
    }
    mask__segment_source source = {.kept = kept,
                                   .anew = anew,
                                   .count = count,
                                   .bf16 = w->settings.gallery.products == MASK_PRODUCTS_BF16,
                                   .progress_done = done,
                                   .progress_total = total};
    return mask__segment_build(file, &w->calibration, &source, w->settings.gallery.budget, &w->times, w->run, err);
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

static void unlink_part(const mask__writing *w, uint64_t number, const char *kind)
{
    MASK__FREED char *file = NULL;
    if (mask__gallery_part(&file, w->path, number, kind, NULL) == MASK_OK) unlink(file);
}

static mask_status rewrite(mask__writing *w, const mask__snapshot *snapshot, const group *g, size_t done, size_t total,
                           mask_error *err)
{
    MASK__FREED char *file = NULL;
    uint64_t segment;
    MASK__TRY(mask__catalogue_next_segment(w->catalogue, &segment, err));
    MASK__TRY(mask__gallery_part(&file, w->path, segment, "segment", err));
    if (g->alive) MASK__TRY(build(w, snapshot, g, false, file, done, total, err));
    mask_status status = mask__catalogue_begin(w->catalogue, err);
    if (status == MASK_OK) status = move_images(w, snapshot, g, segment, err);
    MASK__TRY(mask__writing_commit(w, status, file, err));
    for (size_t m = 0; m < g->count; m++) unlink_part(w, snapshot->segments[g->members[m]].number, "segment");
    return MASK_OK;
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
    MASK__CLOSED(mask__writing_close) mask__writing w = {0};
    MASK__CLOSED(mask__snapshot_free) mask__snapshot snapshot = {0};
    MASK__USE_THREADS(mask__threads(run));
    MASK__TRY(mask__writing_open(&w, path, run, err));
    MASK__TRY(mask__catalogue_snapshot(w.catalogue, &snapshot, err));
    if (!snapshot.segment_count) return MASK_OK;
    MASK__TRY(mask__writing_knowledge(&w, err));
    MASK__TRY(mask__writing_calibration(&w, err));
    return compact(&w, &snapshot, err);
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

/* Saves what joins, and lets it. */
static mask_status join(mask__writing *w, const mask__own *own, mask_error *err)
{
    MASK__FREED char *file = NULL;
    MASK__TRY(mask__gallery_part(&file, w->path, w->settings.own, "own", err));
    if (mask__team_rank(w->run) == 0) MASK__TRY(mask__own_save(own, w->knowledge->info.dim, file, err));
    return mask__own_join(w->knowledge, own, err);
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
    MASK__CLOSED(mask__own_free) mask__own own = {0};
    MASK__TRY(mask__catalogue_count(w->catalogue, &there, err));
    if (mask__team_rank(w->run) == 0) some = (double)there;
    MASK__TRY(mask__team_sum(w->run, &some, NULL, 1, err)); /* as the first process sees it */
    if (some > 0 || !wanted) return MASK_OK;
    MASK__TRY(number_own(w, count, wanted, err));
    MASK__TRY(mask__own_encode(&own, w->knowledge, images, wanted, w->run, err));
    /* as segments hold them, so that a refresh finds the same */
    mask__stored_round(mask__store_type(w->settings.gallery.store), own.mu, own.at[own.count], w->knowledge->info.dim);
    w->joining = true;
    return join(w, &own, err);
}

/* The regions of images of the snapshot, as the old segments have them: unit, which is all that statistics look at. */
static mask_status gather(mask__writing *w, const mask__snapshot *snapshot, size_t wanted, mask__own *own,
                          mask_error *err)
{
    size_t count = 0, rows = 0, next = 0, position = 0, capacity = 0, work_capacity = 0;
    MASK__FREED float *work = NULL;
    MASK__CLOSED(mask__arena_free) mask__arena arena = {0};
    const char **ids = mask__arena_alloc(&arena, snapshot->images, sizeof *ids);
    size_t *which = mask__arena_alloc(&arena, wanted, sizeof *which);
    *own = (mask__own){.count = wanted, .at = calloc(wanted + 1, sizeof *own->at)};
    if (!ids || !which || !own->at) return mask__no_memory(err, "the background");
    for (size_t s = 0; s < snapshot->segment_count; s++)
        for (size_t i = 0; i < snapshot->segments[s].images; i++)
            if (snapshot->segments[s].ids[i]) ids[count++] = snapshot->segments[s].ids[i];
    MASK__TRY(mask__own_choose(ids, count, wanted, which, err));
    for (size_t s = 0; s < snapshot->segment_count; s++) {
        MASK__CLOSED(mask__segment_close) mask__segment open = {0};
        MASK__TRY(mask__gallery_segment(&open, w->path, &snapshot->segments[s], MASK__VERIFY_DATA, err));
        for (size_t i = 0; i < open.images; i++) {
            size_t more = (size_t)(open.image_rows[i + 1] - open.image_rows[i]), z = open.z;
            if (!snapshot->segments[s].ids[i] || next == wanted || which[next] != position++) continue;
            MASK__TRY(mask__room(&own->mu, &capacity, rows + more + 1, z * sizeof *own->mu, "the background", err));
            MASK__TRY(mask__room(&work, &work_capacity, mask__segment_scratch(&open, 1) + 1, sizeof *work,
                                 "the background", err));
            mask__image_vectors vectors = mask__segment_image(&open, i, work);
            memcpy(own->mu + rows * z, vectors.mu, more * z * sizeof *own->mu);
            own->at[++next] = rows += more;
        }
    }
    return MASK_OK;
}

/* Every segment under the calibration that is to be, in files of the numbers from the next on; then one commit. */
static mask_status make_again(mask__writing *w, const mask__snapshot *snapshot, mask_error *err)
{
    uint64_t first;
    size_t done = 0;
    MASK__TRY(mask__catalogue_next_segment(w->catalogue, &first, err));
    for (size_t s = 0; s < snapshot->segment_count; s++) {
        MASK__FREED char *file = NULL;
        group one = {.members = &s, .count = 1, .alive = snapshot->segments[s].alive_count};
        MASK__TRY(mask__gallery_part(&file, w->path, first + s, "segment", err));
        if (one.alive) MASK__TRY(build(w, snapshot, &one, true, file, done, snapshot->images, err));
        done += one.alive;
    }
    MASK__TRY(mask__catalogue_begin(w->catalogue, err));
    for (size_t s = 0; s < snapshot->segment_count; s++) {
        group one = {.members = &s, .count = 1, .alive = snapshot->segments[s].alive_count};
        MASK__TRY(move_images(w, snapshot, &one, first + s, err));
    }
    MASK__TRY(mask__catalogue_set_own(w->catalogue, &w->settings, err));
    return mask__catalogue_commit(w->catalogue, err);
}

static void unlink_old(const mask__writing *w, const mask__snapshot *snapshot)
{
    MASK__FREED char *scorer = NULL;
    for (size_t s = 0; s < snapshot->segment_count; s++) unlink_part(w, snapshot->segments[s].number, "segment");
    unlink_part(w, snapshot->own, "own");
    if (mask__gallery_scorer(&scorer, w->path, snapshot->own, NULL) == MASK_OK) unlink(scorer);
}

static mask_status renew(mask__writing *w, const mask__snapshot *snapshot, size_t wanted, mask_error *err)
{
    MASK__CLOSED(mask__own_free) mask__own own = {0};
    if (w->scored) mask__calibration_close(&w->calibration);
    mask_knowledge_close(w->knowledge);
    w->scored = false;
    w->knowledge = NULL;
    MASK__TRY(mask__gallery_knowledge(&w->knowledge, w->path, 0, err));
    MASK__TRY(number_own(w, snapshot->images, wanted, err));
    if (wanted) MASK__TRY(gather(w, snapshot, wanted, &own, err));
    if (wanted) MASK__TRY(join(w, &own, err));
    MASK__TRY(mask__writing_calibration(w, err));
    MASK__TRY(make_again(w, snapshot, err));
    unlink_old(w, snapshot);
    return MASK_OK;
}

mask_status mask__own_refresh(mask__writing *w, mask_error *err)
{
    const mask__catalogue_settings *s = &w->settings;
    MASK__CLOSED(mask__snapshot_free) mask__snapshot snapshot = {0};
    size_t count, wanted;
    if (mask__team_rank(w->run) > 0 || s->gallery.budget || (s->own && s->own_changes * 4 < s->own_images))
        return MASK_OK;
    MASK__TRY(mask__catalogue_count(w->catalogue, &count, err));
    wanted = wanted_of(w, count);
    if (count == 0 || (!s->own && !wanted)) return MASK_OK;
    MASK__USE_THREADS(mask__threads(w->run));
    MASK__TRY(mask__catalogue_snapshot(w->catalogue, &snapshot, err));
    return renew(w, &snapshot, wanted, err);
}
