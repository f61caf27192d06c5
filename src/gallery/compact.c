/* Compaction: segments of which a quarter or more is dead, and small ones, are rewritten, joined up to the size of a
 * segment. Region vectors come from the old segments, so scores stay the same bits, and no image is read again. Each
 * new segment is a commit of its own: one that is interrupted has done a part of the work. */
#include "gallery/writer.h"
#include "gallery/build.h"

#include <stdio.h>
#include <stdlib.h>
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
            return mask__fail(err, MASK_EFORMAT, MASK_NO_OFFSET,
                              "%s/%s: is not the segment that the catalogue means: restore the gallery from a copy",
                              w->path, s->file);
        }
    }
    return MASK_OK;
}

static mask_status build(mask__writing *w, const mask__snapshot *snapshot, const group *g, const char *file,
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
        mask__segment_source source = {
            .kept = kept, .count = count, .half = true, .progress_done = done, .progress_total = total};
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
    mask_status status = g->alive ? build(w, snapshot, g, file, done, total, err) : MASK_OK;
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
