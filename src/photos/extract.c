/* Extraction: walks, asks the store what is new, lets every thread look at photos, and writes what they saw in order.
 *
 * Threads work in rounds of a few photos each: decoding and the network of different photos overlap, and the calling
 * thread, which alone talks to the store and to the caller, writes between rounds. So the store does not depend on the
 * number of threads, and a run that is stopped or killed has lost a few seconds. */
#include "photos/labelout.h"
#include "photos/look.h"
#include "photos/walk.h"
#include "base/file.h"
#include "images/regions.h"

#include <errno.h>
#include <inttypes.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <xxhash.h>

enum { ROUND = 4 /* photos a thread */, COMMIT_SECONDS = 1, MAX_GRID = 8, MAX_DETECTIONS = 1000 };

/* One photo of a round. */
typedef struct slot {
    const mask__walk_file *file;
    enum { SKIPPED, SEEN, KNOWN, BAD, FAILED } outcome; /* KNOWN: its content is in the store */
    mask__view view;
    mask_error err; /* of BAD and FAILED */
} slot;

typedef struct job {
    const mask_extract_options *options;
    const mask_run *run;
    mask_extract_report report;
    mask__walk walk;
    mask__labelout labelled; /* where boxes are given */
    mask__regions_store *store;
    size_t *todo; /* files to look at */
    size_t todo_count, done;
    uint64_t *hashes; /* of the good photos in the store, sorted */
    size_t hash_count, hash_capacity;
    mask__looker *lookers;
    slot *slots;
    size_t threads;
    char **vanished;
    size_t vanished_count, vanished_capacity;
    struct timespec committed;
    bool stop; /* shared by the threads of a round */
} job;

static mask_status check_options(const mask_extract_options *o, mask_error *err)
{
    if (!o->encoder)
        return mask__fail(err, MASK_EINVAL, MASK_NO_OFFSET, "no encoder is named: run make encoder, and name its file");
    if (o->regions > MAX_DETECTIONS || o->grid > MAX_GRID || o->max_pixels == 0)
        return mask__fail(err, MASK_EINVAL, MASK_NO_OFFSET,
                          "%zu regions, grid %zu, %" PRIu64 " pixels: at most %d, at most %d, at least 1 are possible",
                          o->regions, o->grid, o->max_pixels, MAX_DETECTIONS, MAX_GRID);
    return MASK_OK;
}

static mask_status fingerprint(const char *path, uint64_t *hash, mask_error *err)
{
    mask__map map;
    MASK__TRY(mask__map_open(&map, path, err));
    *hash = XXH3_64bits(map.data, map.size);
    mask__map_close(&map);
    return MASK_OK;
}

static mask_status open_store(job *j, const char *path, mask_error *err)
{
    const mask_extract_options *o = j->options;
    const mask__encoder *encoder = j->lookers[0].encoder;
    const char *features = o->features == MASK_PHOTO_CROPS ? "crops" : "pool", **labels;
    char text[128];
    mask__regions_make make = {
        .dim = mask__encoder_channels(encoder), .options = text, .label_count = mask__encoder_labels(encoder)};
    if (o->boxes) snprintf(text, sizeof text, "features %s, boxes %016" PRIx64, features, j->labelled.table.hash);
    else
        snprintf(text, sizeof text, "features %s, regions %zu, grid %zu", features, o->regions,
                 o->grid < 2 ? 1 : o->grid);
    MASK__TRY(fingerprint(o->encoder, &make.encoder, err));
    if (!(labels = calloc(make.label_count + 1, sizeof *labels))) return mask__no_memory(err, path);
    for (size_t i = 0; i < make.label_count; i++) labels[i] = mask__encoder_label(encoder, i);
    make.labels = labels;
    mask_status status = mask__regions_open(&j->store, path, &make, err);
    free(labels);
    return status;
}

/* Files whose size and time are not the store's. */
static mask_status find_todo(job *j, mask_error *err)
{
    j->todo = calloc(j->walk.count + 1, sizeof *j->todo);
    if (!j->todo) return mask__no_memory(err, "the list of photos");
    for (size_t i = 0; i < j->walk.count; i++) {
        const mask__walk_file *file = &j->walk.files[i];
        mask__regions_state known;
        if (j->options->boxes && !mask__labelout_wants(&j->labelled, i)) continue;
        j->report.photos++;
        MASK__TRY(mask__regions_state_of(j->store, file->path, &known, err));
        bool same = known.found && known.size == file->size && known.mtime == file->mtime;
        if (!same) j->todo[j->todo_count++] = i;
        else if (known.good) j->report.unchanged++;
        if (i % 4096 == 0) MASK__TRY(mask__progress(j->run, "looking for changes", "photos", i, j->walk.count, err));
    }
    return MASK_OK;
}

static int by_value(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

static mask_status note_hash(void *user, const mask__regions_seen *photo, mask_error *err)
{
    job *j = user;
    if (photo->error) return MASK_OK;
    if (!mask__grow(&j->hashes, &j->hash_capacity, j->hash_count + 1, sizeof *j->hashes))
        return mask__no_memory(err, photo->path);
    j->hashes[j->hash_count++] = photo->hash;
    return MASK_OK;
}

/* A photo that was moved, copied or touched need not be looked at. Where boxes are given two photos of one content may
 * have different ones. */
static mask_status find_hashes(job *j, mask_error *err)
{
    if (j->options->boxes) return MASK_OK;
    MASK__TRY(mask__regions_each(j->store, note_hash, j, err));
    if (j->hash_count) qsort(j->hashes, j->hash_count, sizeof *j->hashes, by_value);
    return MASK_OK;
}

static bool is_known(const job *j, uint64_t hash)
{
    return j->hash_count && bsearch(&hash, j->hashes, j->hash_count, sizeof hash, by_value);
}

/* Whether an error is about the photo, so that the others can go on. */
static bool is_bad_photo(mask_status status)
{
    return status == MASK_EIO || status == MASK_EFORMAT || status == MASK_EINVAL;
}

/* With `reuse`, only reads a photo whose content is in the store. */
static void look_at(const job *j, slot *s, mask__looker *looker, bool reuse)
{
    const mask__boxtable_row *given = NULL;
    mask__photo photo = {0};
    size_t count = 0;
    if (j->options->boxes) given = mask__labelout_rows(&j->labelled, (size_t)(s->file - j->walk.files), &count);
    mask_status status = mask__look_read(&s->view, s->file->path, &s->err);
    if (status == MASK_OK && reuse && is_known(j, s->view.hash)) {
        mask__look_forget(&s->view);
        s->outcome = KNOWN;
        return;
    }
    if (status == MASK_OK) status = mask__look_decode(looker, &s->view, s->file->path, &photo, &s->err);
    if (status != MASK_OK) {
        s->outcome = is_bad_photo(status) ? BAD : FAILED;
        return;
    }
    status = mask__look(looker, &s->view, &photo, given, count, &s->err);
    s->outcome = status == MASK_OK ? SEEN : FAILED;
    mask__photo_free(&photo);
}

/* Looks at the photos of a round, all threads together. The first thread is the caller's and may call back. */
static mask_status look_at_round(job *j, size_t count, mask_error *err)
{
    mask_status status = MASK_OK;
    size_t seen = 0;
#pragma omp parallel num_threads((int)j->threads)
    {
        size_t thread = (size_t)omp_get_thread_num();
#pragma omp for schedule(dynamic, 1)
        for (size_t i = 0; i < count; i++) {
            bool stop;
            size_t now;
#pragma omp atomic read
            stop = j->stop;
            if (stop) continue;
            look_at(j, &j->slots[i], &j->lookers[thread], true);
#pragma omp atomic capture
            now = ++seen;
            if (thread != 0 || status != MASK_OK) continue;
            status = mask__progress(j->run, "extracting", "photos", j->done + now, j->todo_count, err);
            if (status == MASK_OK) continue;
#pragma omp atomic write
            j->stop = true;
        }
    }
    return status;
}

/* The reason without the path, which the store has already. */
static const char *reason_of(const slot *s)
{
    size_t length = strlen(s->file->path);
    bool repeats =
        strncmp(s->err.message, s->file->path, length) == 0 && strncmp(s->err.message + length, ": ", 2) == 0;
    return repeats ? s->err.message + length + 2 : s->err.message;
}

static mask__regions_row row_of(const slot *s)
{
    return (mask__regions_row){
        .id = s->file->id, .path = s->file->path, .size = s->file->size, .mtime = s->file->mtime, .hash = s->view.hash};
}

/* Takes the regions of a known photo. Where that one has just been replaced, as when two files swap their names, the
 * photo is looked at after all. */
static mask_status copy_known(job *j, slot *s, mask_error *err)
{
    bool copied;
    mask__regions_row row = row_of(s);
    MASK__TRY(mask__regions_copy(j->store, &row, &copied, err));
    if (copied) j->report.copied++;
    if (copied) s->outcome = SKIPPED;
    else look_at(j, s, &j->lookers[0], false);
    return MASK_OK;
}

static mask_status write_slot(job *j, slot *s, mask_error *err)
{
    const mask__view *v = &s->view;
    if (s->outcome == KNOWN) MASK__TRY(copy_known(j, s, err));
    mask__regions_row row = row_of(s);
    if (s->outcome == SKIPPED) return MASK_OK;
    if (s->outcome == FAILED) return mask__fail(err, s->err.status, s->err.offset, "%s", s->err.message);
    if (s->outcome == BAD) {
        row.error = reason_of(s);
        if (s->err.status != MASK_EFORMAT) row.mtime = -1; /* may pass next time, with the file as it is */
        return mask__regions_put(j->store, &row, err);
    }
    row.width = (uint32_t)v->width;
    row.height = (uint32_t)v->height;
    row.count = v->count;
    row.boxes = v->boxes;
    row.labels = v->labels;
    row.scores = v->scores;
    row.features = v->features;
    j->report.extracted++;
    return mask__regions_put(j->store, &row, err);
}

static mask_status commit_now_and_then(job *j, mask_error *err)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    if (now.tv_sec - j->committed.tv_sec < COMMIT_SECONDS) return MASK_OK;
    j->committed = now;
    return mask__regions_commit(j->store, err);
}

static mask_status extract_round(job *j, size_t count, mask_error *err)
{
    mask_status status = MASK_OK;
    for (size_t i = 0; i < count; i++) {
        j->slots[i].file = &j->walk.files[j->todo[j->done + i]];
        j->slots[i].outcome = SKIPPED;
        j->slots[i].view.hash = 0;
    }
    mask_status stopped = look_at_round(j, count, err);
    for (size_t i = 0; i < count && status == MASK_OK; i++)
        status = write_slot(j, &j->slots[i], stopped == MASK_OK ? err : NULL);
    j->done += count;
    return stopped != MASK_OK ? stopped : status;
}

static mask_status extract_all(job *j, mask_error *err)
{
    mask_status status = MASK_OK;
    clock_gettime(CLOCK_MONOTONIC, &j->committed);
    while (j->done < j->todo_count && status == MASK_OK) {
        size_t left = j->todo_count - j->done, most = j->threads * ROUND;
        status = extract_round(j, left < most ? left : most, err);
        if (status == MASK_OK) status = commit_now_and_then(j, err);
    }
    /* Whatever ended it, what was finished stays. */
    mask_status committed = mask__regions_commit(j->store, status == MASK_OK ? err : NULL);
    return status != MASK_OK ? status : committed;
}

/* Names bad photos, counts good ones, collects those whose files are gone. */
static mask_status take_stock_of(void *user, const mask__regions_seen *photo, mask_error *err)
{
    job *j = user;
    const mask__walk_file *file = mask__walk_find(&j->walk, photo->path);
    if (file && photo->error) {
        j->report.bad++;
        mask__log(j->run, MASK_LOG_WARNING, "%s: %s", photo->path, photo->error);
    } else if (file) {
        j->report.good++;
    } else if (access(photo->path, F_OK) != 0 && (errno == ENOENT || errno == ENOTDIR)) {
        char *copy = strdup(photo->path);
        j->report.vanished++;
        if (!copy || !mask__grow(&j->vanished, &j->vanished_capacity, j->vanished_count + 1, sizeof *j->vanished)) {
            free(copy);
            return mask__no_memory(err, photo->path);
        }
        j->vanished[j->vanished_count++] = copy;
    }
    return MASK_OK;
}

static mask_status take_stock(job *j, mask_error *err)
{
    MASK__TRY(mask__regions_each(j->store, take_stock_of, j, err));
    for (size_t i = 0; j->options->prune && i < j->vanished_count; i++)
        MASK__TRY(mask__regions_remove(j->store, j->vanished[i], err));
    return mask__regions_commit(j->store, err);
}

/* One looker first, which tells what it can do; the others when it is known how many photos there are. */
static mask_status open_lookers(job *j, size_t count, mask_error *err)
{
    while (j->threads < count) {
        MASK__TRY(mask__looker_open(&j->lookers[j->threads], j->options, err));
        j->threads++;
    }
    return MASK_OK;
}

static mask_status prepare(job *j, const char *const *photos, size_t count, mask_error *err)
{
    size_t most = (size_t)mask__threads(j->run);
    MASK__TRY(check_options(j->options, err));
    MASK__TRY(mask__decode_start(err));
    if (j->options->boxes) MASK__TRY(mask__boxtable_open(&j->labelled.table, j->options->boxes, err));
    MASK__TRY(mask__walk_open(&j->walk, photos, count, j->run, err));
    if (j->walk.count == 0)
        return mask__fail(err, MASK_ENOTFOUND, MASK_NO_OFFSET,
                          "%s: no photo is there: name files or folders that hold some",
                          count ? photos[0] : "the list of photos");
    if (j->options->boxes) MASK__TRY(mask__labelout_match(&j->labelled, &j->walk, j->options->boxes, j->run, err));
    j->lookers = calloc(most, sizeof *j->lookers);
    j->slots = calloc(most * ROUND, sizeof *j->slots);
    return j->lookers && j->slots ? open_lookers(j, 1, err) : mask__no_memory(err, "threads");
}

static mask_status run_job(job *j, const char *store_path, mask_error *err)
{
    MASK__TRY(open_store(j, store_path, err));
    MASK__TRY(find_todo(j, err));
    if (j->todo_count) {
        size_t most = (size_t)mask__threads(j->run);
        MASK__TRY(find_hashes(j, err));
        MASK__TRY(open_lookers(j, most < j->todo_count ? most : j->todo_count, err));
        MASK__TRY(mask__progress(j->run, "extracting", "photos", 0, j->todo_count, err));
        MASK__TRY(extract_all(j, err));
    }
    MASK__TRY(take_stock(j, err));
    if (j->report.good) return MASK_OK;
    return mask__fail(err, MASK_EFORMAT, MASK_NO_OFFSET,
                      "none of %zu photos could be decoded: see the warnings, name others", j->report.photos);
}

/* The store of a labelled folder lies in it. */
static mask_status run_labelled(job *j, const char *folder, mask_error *err)
{
    char *path;
    if (mkdir(folder, 0777) != 0 && errno != EEXIST)
        return mask__fail(err, MASK_EIO, MASK_NO_OFFSET, "%s: cannot create: %s", folder, strerror(errno));
    if (asprintf(&path, "%s/photos.regions", folder) < 0) return mask__no_memory(err, folder);
    mask_status status = run_job(j, path, err);
    mask__regions_close(j->store);
    j->store = NULL;
    if (status == MASK_OK) status = mask__labelout_write(&j->labelled, &j->walk, path, folder, err);
    free(path);
    return status;
}

static void close_job(job *j)
{
    mask__regions_close(j->store);
    for (size_t i = 0; j->slots && i < (size_t)mask__threads(j->run) * ROUND; i++) mask__view_free(&j->slots[i].view);
    for (size_t i = 0; i < j->threads; i++) mask__looker_close(&j->lookers[i]);
    for (size_t i = 0; i < j->vanished_count; i++) free(j->vanished[i]);
    free(j->vanished);
    free(j->slots);
    free(j->lookers);
    free(j->hashes);
    free(j->todo);
    mask__walk_close(&j->walk);
    mask__labelout_close(&j->labelled);
}

mask_status mask_extract(const char *const *photos, size_t count, const char *out, const mask_extract_options *options,
                         mask_extract_report *report, const mask_run *run, mask_error *err)
{
    job j = {.options = options, .run = run};
    mask_status status = prepare(&j, photos, count, err);
    if (status == MASK_OK) status = options->boxes ? run_labelled(&j, out, err) : run_job(&j, out, err);
    if (report) *report = j.report;
    close_job(&j);
    return status;
}

mask_status mask_extract_describe(mask_extract_info *info, const char *path, mask_error *err)
{
    mask__regions_reader *reader;
    *info = (mask_extract_info){0};
    MASK__TRY(mask__regions_reader_open(&reader, path, err));
    *info = (mask_extract_info){.photos = mask__regions_reader_count(reader),
                                .bad = mask__regions_reader_bad(reader),
                                .regions = mask__regions_reader_rows(reader),
                                .dim = mask__regions_reader_dim(reader),
                                .encoder = mask__regions_reader_encoder(reader)};
    snprintf(info->options, sizeof info->options, "%s", mask__regions_reader_options(reader));
    mask__regions_reader_close(reader);
    return MASK_OK;
}
