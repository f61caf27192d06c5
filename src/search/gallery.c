/* A gallery as a whole: made, opened for reading, described, verified. changes.c is its writer.
 *
 * Opening, and a refresh, map the segments of one snapshot. A compaction may unlink one of them between the snapshot
 * and the mapping: then there is a newer generation, and the reader begins again with that. */
#include "search/gallery.h"
#include "base/memory.h"
#include "base/options.h"
#include "gallery/files.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { ATTEMPTS = 20 };

/* ---- Making one ---- */

static mask_status check_options(const mask_knowledge *k, const mask_match_options *o, mask_error *err)
{
    int whole = o->whole_region == MASK_WHOLE_AUTO ? MASK_WHOLE_MEAN : o->whole_region;
    MASK__TRY(mask__calibration_check(k, o, whole, err));
    if (o->pool == MASK_POOL_REGION_MAX)
        return mask__fail(err, MASK_EINVAL, "a gallery needs a pooling that has columns: max-mean or mean");
    if (o->adjective > 0) return mask__fail(err, MASK_EINVAL, "a gallery scores nouns without their adjectives");
    return MASK_OK;
}

static mask_status same_bytes(const char *a, const char *b, bool *same, mask_error *err)
{
    mask__map left, right;
    MASK__TRY(mask__map_open(&left, a, err));
    mask_status status = mask__map_open(&right, b, err);
    if (status == MASK_OK) {
        *same = left.size == right.size && (left.size == 0 || memcmp(left.data, right.data, left.size) == 0);
        mask__map_close(&right);
    }
    mask__map_close(&left);
    return status;
}

/* Whether the gallery's copy holds what k holds: both written anew, for the copy may be of an older version. */
static mask_status write_both(const char *copy, const mask_knowledge *k, const char *left, const char *right,
                              mask_error *err)
{
    mask_knowledge *old;
    MASK__TRY(mask_knowledge_open(&old, copy, NULL, err));
    mask_status status = MASK_OK;
    for (int i = 0; status == MASK_OK && i < 2; i++) { /* where its vectors are now makes no other knowledge */
        mask_knowledge moved = i == 0 ? *old : *k;
        moved.info.vectors_path = old->stored_vectors_path;
        status = mask_knowledge_save(&moved, i == 0 ? left : right, err);
    }
    mask_knowledge_close(old);
    return status;
}

static mask_status same_knowledge(const char *path, const char *copy, const mask_knowledge *k, bool *same,
                                  mask_error *err)
{
    MASK__FREED char *left = NULL;
    MASK__FREED char *right = NULL;
    MASK__TRY(mask__gallery_file(&left, path, "knowledge.mask.old", err));
    MASK__TRY(mask__gallery_file(&right, path, "knowledge.mask.new", err));
    mask_status status = write_both(copy, k, left, right, err);
    if (status == MASK_OK) status = same_bytes(left, right, same, err);
    unlink(left);
    unlink(right);
    return status;
}

/* An index that was begun with the same knowledge and options may go on. */
static mask_status check_same(const char *path, const mask_knowledge *k, const mask__catalogue_settings *settings,
                              const char *copy, mask_error *err)
{
    mask__catalogue *catalogue;
    mask__catalogue_settings old;
    bool same = false;
    MASK__TRY(mask__catalogue_open(&catalogue, path, false, err));
    mask_status status = mask__catalogue_settings_read(catalogue, &old, err);
    mask__catalogue_close(catalogue);
    MASK__TRY(status);
    const char *differs = mask__catalogue_settings_differ(&old, settings);
    if (differs)
        return mask__fail(err, MASK_EMISMATCH,
                          "%s: is a gallery already, made with another %s: make a new one, or give the same options",
                          path, differs);
    MASK__TRY(same_knowledge(path, copy, k, &same, err));
    if (same) return MASK_OK;
    return mask__fail(err, MASK_EMISMATCH,
                      "%s: is a gallery already, of another knowledge: make a new one, or give the same knowledge",
                      path);
}

static mask_status fill_folder(const char *path, const mask_knowledge *k, const mask__catalogue_settings *settings,
                               const char *copy, mask_error *err)
{
    MASK__TRY(mask_knowledge_save(k, copy, err));
    return mask__catalogue_create(path, settings, err);
}

static mask_status make_or_compare(const char *path, const mask_knowledge *k, const mask__catalogue_settings *settings,
                                   mask_error *err)
{
    MASK__FREED char *catalogue = NULL;
    MASK__FREED char *copy = NULL;
    int lock;
    MASK__TRY(mask__gallery_file(&catalogue, path, "catalogue.sqlite", err));
    MASK__TRY(mask__gallery_file(&copy, path, "knowledge.mask", err));
    MASK__TRY(mask__folder_lock(path, false, NULL, &lock, err));
    mask_status status = (mask__is_file(catalogue) ? check_same : fill_folder)(path, k, settings, copy, err);
    mask__folder_unlock(lock);
    return status;
}

mask_status mask_gallery_create(const char *path, const mask_knowledge *k, const mask_match_options *options,
                                const mask_gallery_options *gallery_options, mask_error *err)
{
    mask__catalogue_settings settings = {.options = mask_match_defaults(k), .gallery = mask_gallery_defaults()};
    MASK__TRY(mask__options_take(MASK_OPTIONS_MATCH, &settings.options, options, err));
    MASK__TRY(mask__options_take(MASK_OPTIONS_GALLERY, &settings.gallery, gallery_options, err));
    settings.whole_region = settings.options.whole_region;
    settings.options.modifiers = NULL;
    MASK__TRY(check_options(k, &settings.options, err));
    bool made = mkdir(path, 0777) == 0;
    if (!made && (errno != EEXIST || !mask__is_folder(path)))
        return mask__fail(err, MASK_EIO, "%s: cannot make this folder: %s", path, strerror(errno));
    if (!made) MASK__TRY(mask__gallery_check_folder(path, err));
    mask_status status = make_or_compare(path, k, &settings, err);
    if (status != MASK_OK && made) mask__gallery_unmake(path);
    return status;
}

/* ---- Opening ---- */

/* The calibration as the first change stored it. Everything in it can be computed again, so its loss costs seconds
 * only.
 */
static mask_status open_calibration(mask__view *v, const mask__catalogue_settings *settings, mask__verify verify,
                                    const mask_run *run, mask_error *err)
{
    bool resolved = settings->whole_region != MASK_WHOLE_AUTO;
    int whole = resolved ? settings->whole_region : MASK_WHOLE_MEAN;
    mask_error lost;
    MASK__TRY(mask__matcher_new(&v->matcher, v->knowledge, NULL, &settings->options, err));
    if (resolved) {
        mask__calibration *stored = &v->matcher->calibrations[whole >= 0];
        mask_status status =
            mask__gallery_stored_calibration(stored, v->path, v->knowledge, v->snapshot.own, whole, verify, &lost);
        v->matcher->ready[whole >= 0] = status == MASK_OK;
        v->calibration = stored;
        if (status != MASK_OK && err) *err = lost;
        if (status == MASK_OK || status == MASK_ENOMEM || verify == MASK__VERIFY_DATA) return status;
        mask__log(run, MASK_LOG_WARNING, "%.400s: computed again", lost.message);
    }
    return mask__matcher_calibration(v->matcher, whole, &v->calibration, run, err);
}

static mask_status open_segments(mask__view *v, mask_error *err)
{
    v->segments = calloc(v->snapshot.segment_count + 1, sizeof *v->segments);
    if (!v->segments) return mask__no_memory(err, v->path);
    for (; v->opened < v->snapshot.segment_count; v->opened++) {
        mask__segment *s = &v->segments[v->opened];
        MASK__TRY(mask__gallery_segment(s, v->path, &v->snapshot.segments[v->opened], MASK__VERIFY_TABLE, err));
        if (s->words == v->knowledge->info.words && s->z == v->knowledge->info.dim) continue;
        mask_status status = mask__gallery_odd_segment(s->pack.path, err);
        mask__segment_close(s);
        return status;
    }
    return MASK_OK;
}

/* The gallery's knowledge, or, where other images at hand are in force, one of the view's own. */
static mask_status open_knowledge(mask__view *v, const mask_gallery *g, mask_error *err)
{
    v->knowledge = g->knowledge;
    if (v->snapshot.own == g->own) return MASK_OK;
    MASK__TRY(mask__gallery_knowledge(&v->mixed, v->path, v->snapshot.own, err));
    v->knowledge = v->mixed;
    return MASK_OK;
}

static void close_segments(mask__view *v)
{
    mask_knowledge_close(v->mixed);
    v->mixed = NULL;
    for (size_t i = 0; i < v->opened; i++) mask__segment_close(&v->segments[i]);
    free(v->segments);
    v->segments = NULL;
    v->opened = 0;
    mask__snapshot_free(&v->snapshot);
}

static mask_status open_snapshot(mask__view *v, const mask_gallery *g, mask_error *err)
{
    uint64_t before = 0;
    for (int attempt = 0;; attempt++) {
        MASK__TRY(mask__catalogue_snapshot(v->catalogue, &v->snapshot, err));
        mask_status status = open_knowledge(v, g, err);
        if (status == MASK_OK) status = open_segments(v, err);
        /* MASK_EIO: a file is gone. In the same generation as before it is lost, not replaced. */
        if (status != MASK_EIO || attempt == ATTEMPTS || v->snapshot.generation == before) return status;
        before = v->snapshot.generation;
        close_segments(v);
    }
}

/* Segments hold the vectors that the calibration scores: a forged or mixed gallery's might not. */
static mask_status check_vectors(const mask__view *v, mask_error *err)
{
    const mask__calibration *c = v->calibration;
    bool whole = c->options.context > 0 || c->known.whole, scene = c->options.scene > 0 || c->known.scene;
    for (size_t i = 0; i < v->snapshot.segment_count; i++) {
        const mask__segment *s = &v->segments[i];
        if ((whole && !s->whole) || (scene && !s->scenes) || (!s->whole && !s->scenes))
            return mask__fail(err, MASK_EFORMAT,
                              "%s: lacks vectors that the gallery's options score: restore the gallery from a copy",
                              s->pack.path);
    }
    return MASK_OK;
}

static void close_view(mask__view *v)
{
    if (!v) return;
    mask__searcher_close(v);
    mask__remote_close(v->remote);
    mask_matcher_close(v->matcher);
    close_segments(v);
    free(v);
}

static mask_status fill_view(mask__view *v, const mask_gallery *g, mask__verify verify, const mask_run *run,
                             mask_error *err)
{
    mask__catalogue_settings settings;
    MASK__TRY(open_snapshot(v, g, err));
    MASK__TRY(mask__catalogue_settings_read(v->catalogue, &settings, err));
    v->budget = settings.gallery.budget;
    v->options = settings.options;
    v->options.whole_region = settings.whole_region;
    MASK__TRY(open_calibration(v, &settings, verify, run, err));
    MASK__TRY(check_vectors(v, err));
    return verify == MASK__VERIFY_TABLE ? mask__searcher_open(v, err) : MASK_OK;
}

static mask_status open_view(mask__view **out, const mask_gallery *g, mask__verify verify, const mask_run *run,
                             mask_error *err)
{
    mask__view *v = calloc(1, sizeof *v);
    *out = NULL;
    if (!v) return mask__no_memory(err, g->path);
    *v = (mask__view){.path = g->path, .catalogue = g->catalogue, .users = 1};
    mask_status status = fill_view(v, g, verify, run, err);
    if (status == MASK_OK) *out = v;
    else close_view(v);
    return status;
}

static mask_status open_parts(mask_gallery *g, mask__verify verify, const mask_run *run, mask_error *err)
{
    MASK__TRY(mask__catalogue_open(&g->catalogue, g->path, false, err));
    if (verify == MASK__VERIFY_DATA) MASK__TRY(mask__catalogue_verify(g->catalogue, err));
    mask_status status = MASK_EIO;
    for (int attempt = 0; status == MASK_EIO && attempt < ATTEMPTS; attempt++) { /* it may be replaced meanwhile */
        MASK__TRY(mask__catalogue_own(g->catalogue, &g->own, err));
        status = mask__gallery_knowledge(&g->knowledge, g->path, g->own, err);
    }
    return status == MASK_OK ? open_view(&g->view, g, verify, run, err) : status;
}

static mask_status open_gallery(mask_gallery **out, const char *path, mask__verify verify, const mask_run *run,
                                mask_error *err)
{
    mask_gallery *g = calloc(1, sizeof *g);
    *out = NULL;
    if (!g || !(g->path = strdup(path))) {
        free(g);
        return mask__no_memory(err, path);
    }
    pthread_mutex_init(&g->lock, NULL);
    pthread_mutex_init(&g->refresh, NULL);
    mask_status status = open_parts(g, verify, run, err);
    if (status == MASK_OK) *out = g;
    else mask_gallery_close(g);
    return status;
}

mask_status mask_gallery_open(mask_gallery **out, const char *path, const mask_run *run, mask_error *err)
{
    return open_gallery(out, path, MASK__VERIFY_TABLE, run, err);
}

void mask_gallery_close(mask_gallery *g)
{
    if (!g) return;
    close_view(g->view);
    mask_knowledge_close(g->knowledge);
    mask__catalogue_close(g->catalogue);
    pthread_mutex_destroy(&g->lock);
    pthread_mutex_destroy(&g->refresh);
    free(g->path);
    free(g);
}

/* ---- Views ---- */

mask__view *mask__gallery_pin(const mask_gallery *gallery)
{
    mask_gallery *g = (mask_gallery *)gallery; /* what is counted is no part of what the caller sees as constant */
    pthread_mutex_lock(&g->lock);
    mask__view *v = g->view;
    v->users++;
    pthread_mutex_unlock(&g->lock);
    return v;
}

void mask__gallery_unpin(const mask_gallery *gallery, mask__view *v)
{
    mask_gallery *g = (mask_gallery *)gallery;
    pthread_mutex_lock(&g->lock);
    bool last = --v->users == 0;
    pthread_mutex_unlock(&g->lock);
    if (last) close_view(v);
}

static mask_status refresh(mask_gallery *g, bool *changed, const mask_run *run, mask_error *err)
{
    uint64_t generation;
    mask__view *fresh, *old = g->view; /* nobody else puts another in its place */
    MASK__TRY(mask__catalogue_generation(g->catalogue, &generation, err));
    if (generation == old->snapshot.generation) return MASK_OK;
    MASK__TRY(open_view(&fresh, g, MASK__VERIFY_TABLE, run, err));
    pthread_mutex_lock(&g->lock);
    g->view = fresh;
    pthread_mutex_unlock(&g->lock);
    mask__gallery_unpin(g, old);
    *changed = true;
    return MASK_OK;
}

mask_status mask_gallery_refresh(mask_gallery *g, bool *changed, const mask_run *run, mask_error *err)
{
    bool own;
    if (!changed) changed = &own;
    *changed = false;
    pthread_mutex_lock(&g->refresh);
    mask_status status = refresh(g, changed, run, err);
    pthread_mutex_unlock(&g->refresh);
    return status;
}

mask_status mask_gallery_verify(const char *path, const mask_run *run, mask_error *err)
{
    mask_gallery *g;
    MASK__TRY(open_gallery(&g, path, MASK__VERIFY_DATA, run, err));
    mask_status status = MASK_OK;
    const mask__view *v = g->view;
    for (size_t i = 0; i < v->snapshot.segment_count && status == MASK_OK; i++) {
        status = mask__progress(run, "verifying", "segments", i, v->snapshot.segment_count, err);
        if (status == MASK_OK) status = mask__pack_verify(&v->segments[i].pack, err);
    }
    mask_gallery_close(g);
    return status;
}

mask_status mask_gallery_name(const mask_gallery *g, const char *id, char **name, mask_error *err)
{
    size_t segment, image;
    mask__view *v = mask__gallery_pin(g);
    bool found = mask__snapshot_find(&v->snapshot, id, &segment, &image);
    const char *held = found ? v->snapshot.segments[segment].names[image] : NULL;
    *name = held ? strdup(held) : NULL;
    mask_status status = MASK_OK;
    if (!found) status = mask__fail(err, MASK_ENOTFOUND, "%s: has no image '%s'", v->path, id);
    else if (held && !*name) status = mask__fail(err, MASK_ENOMEM, "out of memory");
    mask__gallery_unpin(g, v);
    return status;
}

mask_status mask_gallery_metadata(const mask_gallery *g, const char *const *ids, size_t count, char **json,
                                  mask_error *err)
{
    return mask__catalogue_metadata(g->catalogue, ids, count, json, err);
}

void mask_gallery_describe(const mask_gallery *g, mask_gallery_info *info)
{
    mask__view *v = mask__gallery_pin(g);
    *info = (mask_gallery_info){.images = v->snapshot.images,
                                .segments = v->snapshot.segment_count,
                                .words = v->knowledge->info.words,
                                .dim = v->knowledge->info.dim,
                                .background_images = v->knowledge->info.background_images,
                                .background_own = v->knowledge->info.background_own,
                                .budget = v->budget,
                                .generation = v->snapshot.generation,
                                .options = v->options,
                                .vectors_path = g->knowledge->info.vectors_path};
    for (size_t s = 0; s < info->segments; s++) {
        const mask__snapshot_segment *part = &v->snapshot.segments[s];
        const uint64_t *rows = v->segments[s].image_rows;
        info->removed += part->images - part->alive_count;
        info->bytes += v->segments[s].pack.map.size;
        for (size_t i = 0; i < part->images; i++)
            if (part->ids[i]) info->regions += (size_t)(rows[i + 1] - rows[i]);
    }
    info->bytes += mask__catalogue_bytes(g->catalogue);
    mask__gallery_unpin(g, v);
}
