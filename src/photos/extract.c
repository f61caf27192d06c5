/* Extraction: walks, asks the store what is new, lets every thread look at photos, and writes what they saw in order.
 *
 * Decoding, the networks and the store overlap: each worker takes the next photo, and the calling thread, which alone
 * talks to the store and to the caller, writes photos in order as they are ready. Workers are at most a few photos
 * ahead. So the store does not depend on the number of threads, and a run that is stopped or killed has lost about a
 * second.
 *
 * Of a team each process does so with a share of the new photos and a store of its own, OUT.part-RANK. The first
 * process takes these in, share by share, and does what they left: copies, and files that changed meanwhile. */
#include "photos/extractor.h"
#include "photos/labelout.h"
#include "base/options.h"
#include "photos/walk.h"
#include "base/file.h"
#include "images/images.h"
#include "images/regions.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <xxhash.h>

enum { STORED_NOT /* as it is */, STORED_GOOD, STORED_BAD };
enum { AHEAD = 4 /* photos a thread */, COMMIT_SECONDS = 1 };

/* One photo on its way. */
typedef struct slot {
    const mask__walk_file *file;
    bool ready;                                         /* seen, not yet written */
    enum { SKIPPED, SEEN, KNOWN, BAD, FAILED } outcome; /* KNOWN: its content is in the store */
    uint64_t hash;                                      /* of the file */
    mask__view view;
    bool cut_off;   /* of SEEN */
    mask_error err; /* of BAD and FAILED */
} slot;

typedef struct job {
    const mask_extract_options *options;
    const mask_run *run;
    mask_extract_report report;
    mask__walk walk;
    mask__labelout labelled; /* where boxes are given */
    mask__regions_store *store;
    unsigned char *stored; /* of each file of walk: STORED_ */
    bool *fresh;           /* of each file: not stored when the run began */
    size_t *todo;          /* files to look at, rising */
    size_t todo_count, done;
    uint64_t *hashes; /* of the good photos in the store, sorted */
    size_t hash_count, hash_capacity;
    mask_extractor *extractor;
    slot *slots; /* photo i of todo has slot i % slot_count */
    size_t slot_count;
    pthread_mutex_t lock; /* guards begun, done, stop and the slots' ready */
    pthread_cond_t changed;
    size_t begun; /* of todo */
    bool stop;
    bool share; /* the store is a part: copies are left to the first process */
    char **vanished;
    size_t vanished_count, vanished_capacity;
    struct timespec committed;
} job;

/* How regions come about, for the store to remember: files by their content. */
static mask_status describe(const job *j, char text[MASK__OPTIONS_TEXT], mask_error *err)
{
    mask_extract_options made = *j->options; /* what features depend on, and no more */
    char boxes[20], detector[20];
    uint64_t hash;
    bool detects = made.detector && made.regions && !made.boxes;
    if (made.boxes) snprintf(boxes, sizeof boxes, "%016" PRIx64, j->labelled.table.hash);
    if (detects && strcmp(made.detector, made.encoder) != 0) {
        MASK__TRY(mask__file_hash(made.detector, &hash, err));
        snprintf(detector, sizeof detector, "%016" PRIx64, hash);
        made.detector = detector;
    } else {
        made.detector = NULL;
    }
    if (!detects) made.regions = 0;
    if (made.boxes || made.grid < 2) {
        mask_extract_options defaults = mask_extract_defaults();
        made.grid_from = defaults.grid_from;
        made.grid_overlap = defaults.grid_overlap;
        made.grid = made.boxes ? defaults.grid : 1;
        if (made.boxes) made.regions = defaults.regions;
    }
    if (made.boxes) made.boxes = boxes;
    mask__options_write(MASK_OPTIONS_EXTRACT, &made, text);
    return MASK_OK;
}

/* Planning the networks takes longer than to see that no photo has changed. */
static mask_status open_extractor(job *j, mask_error *err)
{
    if (j->extractor) return MASK_OK;
    return mask__extractor_open(&j->extractor, j->options->encoder, j->options, true, j->run, err);
}

static mask_status open_store(job *j, const char *path, mask_error *err)
{
    char text[MASK__OPTIONS_TEXT];
    struct stat info;
    mask__regions_make make = {.options = text};
    bool there = stat(path, &info) == 0 && info.st_size > 0;
    if (!there) MASK__TRY(open_extractor(j, err));
    MASK__TRY(describe(j, text, err));
    MASK__TRY(mask__file_hash(j->options->encoder, &make.encoder, err));
    if (!there) make.dim = mask_extractor_dim(j->extractor);
    const mask__eye *finder = there ? NULL : mask__looker_finder(mask__extractor_first(j->extractor));
    make.label_count = finder ? finder->facts->label_count : 0;
    make.labels = finder ? finder->facts->labels : NULL;
    return mask__regions_open(&j->store, path, &make, err);
}

static int by_value(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

/* A photo that has not changed need not be looked at, nor one that was moved, copied or touched. Where boxes are given
 * two photos of one content may have different ones. */
static mask_status note_stored(void *user, const mask__regions_seen *photo, mask_error *err)
{
    job *j = user;
    const mask__walk_file *file = mask__walk_find(&j->walk, photo->path);
    if (file && photo->size == file->size && photo->mtime == file->mtime)
        j->stored[file - j->walk.files] = photo->error ? STORED_BAD : STORED_GOOD;
    if (photo->error || j->options->boxes) return MASK_OK;
    if (!mask__grow(&j->hashes, &j->hash_capacity, j->hash_count + 1, sizeof *j->hashes))
        return mask__no_memory(err, photo->path);
    j->hashes[j->hash_count++] = photo->hash;
    return MASK_OK;
}

/* Files whose size and time are not the store's; asked again by a team, for what is left. */
static mask_status find_todo(job *j, mask_error *err)
{
    bool again = j->fresh;
    if (!again) {
        j->todo = calloc(j->walk.count + 1, sizeof *j->todo);
        j->stored = calloc(j->walk.count + 1, sizeof *j->stored);
        j->fresh = calloc(j->walk.count + 1, sizeof *j->fresh);
    }
    if (!j->todo || !j->stored || !j->fresh) return mask__no_memory(err, "the list of photos");
    j->todo_count = j->hash_count = 0;
    MASK__TRY(mask__regions_each(j->store, note_stored, j, err));
    for (size_t i = 0; i < j->walk.count; i++) {
        if (j->options->boxes && !mask__labelout_wants(&j->labelled, i)) continue;
        if (j->stored[i] == STORED_NOT) j->todo[j->todo_count++] = i;
        if (again) continue;
        j->report.photos++;
        j->report.unchanged += j->stored[i] == STORED_GOOD;
        j->fresh[i] = j->stored[i] == STORED_NOT;
    }
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

/* Decodes and looks. */
static void see(const job *j, slot *s, const unsigned char *bytes, size_t size, mask__looker *looker)
{
    const mask__boxtable_row *given = NULL;
    MASK__CLOSED(mask__photo_free) mask__photo photo = {0};
    size_t count = 0;
    if (j->options->boxes) given = mask__labelout_rows(&j->labelled, (size_t)(s->file - j->walk.files), &count);
    mask_status status = mask__look_decode(looker, bytes, size, s->file->path, &photo, &s->err);
    s->outcome = status == MASK_OK ? SEEN : is_bad_photo(status) ? BAD : FAILED;
    s->cut_off = photo.cut_off;
    if (status == MASK_OK) status = mask__look(looker, &s->view, &photo, given, count, &s->err);
    if (status != MASK_OK && s->outcome == SEEN) s->outcome = FAILED;
}

/* With `reuse`, only reads a photo whose content is in the store. */
static void look_at(const job *j, slot *s, bool reuse)
{
    MASK__FREED unsigned char *bytes = NULL;
    size_t size;
    mask__looker *looker;
    mask_status status = mask__photo_read(&bytes, &size, s->file->path, &s->err);
    if (status != MASK_OK) {
        s->outcome = is_bad_photo(status) ? BAD : FAILED;
        return;
    }
    s->hash = XXH3_64bits(bytes, size);
    if (reuse && is_known(j, s->hash)) {
        s->outcome = KNOWN;
    } else if (mask__extractor_take(j->extractor, &looker, &s->err) != MASK_OK) {
        s->outcome = FAILED;
    } else {
        see(j, s, bytes, size, looker);
        mask__extractor_give(j->extractor, looker);
    }
}

/* The next photo to look at, as soon as its slot is free; NULL when there is none. */
static slot *begin_photo(job *j)
{
    slot *s = NULL;
    pthread_mutex_lock(&j->lock);
    while (!j->stop && j->begun < j->todo_count && j->begun >= j->done + j->slot_count)
        pthread_cond_wait(&j->changed, &j->lock);
    if (!j->stop && j->begun < j->todo_count) {
        s = &j->slots[j->begun % j->slot_count];
        s->file = &j->walk.files[j->todo[j->begun++]];
        s->hash = 0;
    }
    pthread_mutex_unlock(&j->lock);
    return s;
}

static void *work(void *user)
{
    job *j = user;
    slot *s;
    while ((s = begin_photo(j))) {
        look_at(j, s, true);
        pthread_mutex_lock(&j->lock);
        s->ready = true;
        pthread_cond_broadcast(&j->changed);
        pthread_mutex_unlock(&j->lock);
    }
    return NULL;
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
        .id = s->file->id, .path = s->file->path, .size = s->file->size, .mtime = s->file->mtime, .hash = s->hash};
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
    else look_at(j, s, false);
    return MASK_OK;
}

static mask_status write_slot(job *j, slot *s, mask_error *err)
{
    const mask__view *v = &s->view;
    if (s->outcome == KNOWN && j->share) s->outcome = SKIPPED;
    if (s->outcome == KNOWN) MASK__TRY(copy_known(j, s, err));
    mask__regions_row row = row_of(s);
    if (s->outcome == SKIPPED) return MASK_OK;
    if (s->outcome == FAILED) return mask__fail_at(err, s->err.status, s->err.offset, "%s", s->err.message);
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
    if (s->cut_off)
        mask__log(j->run, MASK_LOG_WARNING, "%s: ends too soon: it is used as far as it goes", s->file->path);
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

/* Writes photos in order as the workers have seen them. */
static mask_status write_all(job *j, mask_error *err)
{
    mask_status status = MASK_OK;
    while (j->done < j->todo_count && status == MASK_OK) {
        slot *s = &j->slots[j->done % j->slot_count];
        pthread_mutex_lock(&j->lock);
        while (!s->ready) pthread_cond_wait(&j->changed, &j->lock);
        pthread_mutex_unlock(&j->lock);
        status = write_slot(j, s, err);
        if (status == MASK_OK) status = commit_now_and_then(j, err);
        pthread_mutex_lock(&j->lock);
        s->ready = false;
        j->done++;
        j->stop = status != MASK_OK;
        pthread_cond_broadcast(&j->changed);
        pthread_mutex_unlock(&j->lock);
        if (status == MASK_OK) status = mask__progress(j->run, "extracting", "photos", j->done, j->todo_count, err);
    }
    return status;
}

static mask_status extract_all(job *j, mask_error *err)
{
    size_t most = (size_t)mask__threads(j->run), count = 0;
    mask_status status = MASK_OK;
    pthread_t *workers = calloc(most, sizeof *workers);
    j->slot_count = most * AHEAD;
    j->slots = calloc(j->slot_count, sizeof *j->slots);
    j->begun = j->done = 0;
    j->stop = false;
    clock_gettime(CLOCK_MONOTONIC, &j->committed);
    while (workers && j->slots && count < most && count < j->todo_count &&
           pthread_create(&workers[count], NULL, work, j) == 0)
        count++;
    if (count) status = write_all(j, err);
    else status = mask__no_memory(err, "threads");
    pthread_mutex_lock(&j->lock);
    j->stop = true;
    pthread_cond_broadcast(&j->changed);
    pthread_mutex_unlock(&j->lock);
    for (size_t i = 0; i < count; i++) pthread_join(workers[i], NULL);
    free(workers);
    for (size_t i = 0; j->slots && i < j->slot_count; i++) mask__view_free(&j->slots[i].view);
    free(j->slots);
    /* Whatever ended it, what was finished stays. */
    mask_status committed = mask__regions_commit(j->store, status == MASK_OK ? err : NULL);
    return status != MASK_OK ? status : committed;
}

/* Names photos that this run found to be bad, counts good ones, collects those whose files are gone or left out. */
static mask_status take_stock_of(void *user, const mask__regions_seen *photo, mask_error *err)
{
    job *j = user;
    const mask__walk_file *file = mask__walk_find(&j->walk, photo->path);
    if (file && photo->error) {
        j->report.bad++;
        if (j->fresh[file - j->walk.files]) mask__log(j->run, MASK_LOG_WARNING, "%s: %s", photo->path, photo->error);
    } else if (file) {
        j->report.good++;
    } else if (mask__walk_excluded(j->options->exclude, photo->path) ||
               (access(photo->path, F_OK) != 0 && (errno == ENOENT || errno == ENOTDIR))) {
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
    for (size_t i = 0; j->options->prune && j->vanished_count && i < j->walk.count; i++) {
        const mask__walk_file *file = &j->walk.files[i]; /* moved ones: what had their id is gone */
        if (j->fresh[i]) MASK__TRY(mask__regions_name(j->store, file->path, file->id, err));
    }
    return mask__regions_commit(j->store, err);
}

static mask_status prepare(job *j, const char *const *photos, size_t count, mask_error *err)
{
    MASK__TRY(mask__extractor_check(j->options, err));
    if (j->options->boxes) MASK__TRY(mask__boxtable_open(&j->labelled.table, j->options->boxes, err));
    MASK__TRY(mask__walk_open(&j->walk, photos, count, j->options->exclude, j->run, err));
    j->report.raw = j->walk.raw;
    j->report.video = j->walk.video;
    if (j->walk.raw) mask__log(j->run, MASK_LOG_INFO, "%zu raw photos are left out: they are not read", j->walk.raw);
    if (j->walk.video) mask__log(j->run, MASK_LOG_INFO, "%zu videos are left out", j->walk.video);
    if (j->walk.count == 0)
        return mask__fail(err, MASK_ENOTFOUND, "%s: no photo is there: name files or folders that hold some",
                          count ? photos[0] : "the list of photos");
    if (!j->options->boxes) return MASK_OK;
    return mask__labelout_match(&j->labelled, &j->walk, j->options->boxes, j->run, err);
}

/* ---- A team's parts ---- */

static mask_status take_part(job *j, const char *path, size_t *good, mask_error *err)
{
    mask__regions_store *all = j->store;
    j->store = NULL;
    mask_status status = open_store(j, path, err);
    if (status == MASK_OK) status = mask__regions_take(all, j->store, good, err);
    mask__regions_close(j->store);
    j->store = all;
    if (status == MASK_OK) status = mask__regions_commit(all, err);
    if (status == MASK_OK) unlink(path);
    return status;
}

/* Takes in the parts beside the store, also those of a job that was killed. */
static mask_status take_parts(job *j, const char *store_path, size_t *good, mask_error *err)
{
    const char *slash = strrchr(store_path, '/'), *name = slash ? slash + 1 : store_path;
    char *folder = strndup(slash ? store_path : ".", slash ? (size_t)(slash - store_path) + 1 : 1), *path;
    struct dirent **entries = NULL;
    size_t length = strlen(name);
    int count = folder ? scandir(folder, &entries, NULL, versionsort) : -1;
    mask_status status = folder ? MASK_OK : mask__no_memory(err, store_path);
    for (int i = 0; i < count; i++) {
        const char *entry = entries[i]->d_name;
        if (status == MASK_OK && strncmp(entry, name, length) == 0 && strncmp(entry + length, ".part-", 6) == 0 &&
            strspn(entry + length + 6, "0123456789") == strlen(entry + length + 6)) {
            path = mask__text("%s/%s", folder, entry);
            status = path ? take_part(j, path, good, err) : mask__no_memory(err, store_path);
            free(path);
        }
        free(entries[i]);
    }
    free(entries);
    free(folder);
    return status;
}

static mask_status meet(const job *j, mask_error *err)
{
    double none = 0;
    return mask__team_sum(j->run, &none, NULL, 1, err);
}

/* This process's share of the photos, in a part. */
static mask_status extract_share(job *j, const char *store_path, mask_error *err)
{
    size_t ranks = mask__team_size(j->run), rank = mask__team_rank(j->run), *todo = j->todo;
    size_t first = j->todo_count * rank / ranks, end = j->todo_count * (rank + 1) / ranks;
    mask__regions_store *all = j->store;
    mask_status status = MASK_OK;
    char *path;
    if (first == end) return MASK_OK;
    if (asprintf(&path, "%s.part-%zu", store_path, rank) < 0) return mask__no_memory(err, store_path);
    j->todo = todo + first;
    j->todo_count = end - first;
    j->share = true;
    j->store = NULL;
    status = open_extractor(j, err);
    if (status == MASK_OK) status = open_store(j, path, err);
    if (status == MASK_OK) status = mask__regions_check_dim(all, mask_extractor_dim(j->extractor), err);
    if (status == MASK_OK) status = extract_all(j, err);
    mask__regions_close(j->store);
    j->store = all;
    j->share = false;
    j->todo = todo;
    free(path);
    return status;
}

/* All that a process of a team does but to finish, which is the first one's. */
static mask_status run_team(job *j, const char *store_path, mask_error *err)
{
    bool first = mask__team_rank(j->run) == 0;
    if (first) MASK__TRY(meet(j, err)); /* the store is there */
    MASK__TRY(extract_share(j, store_path, err));
    MASK__TRY(meet(j, err)); /* all parts are there */
    j->report.extracted = 0;
    if (!first) return MASK_OK;
    MASK__TRY(take_parts(j, store_path, &j->report.extracted, err));
    return find_todo(j, err);
}

static mask_status run_job(job *j, const char *store_path, mask_error *err)
{
    bool first = mask__team_rank(j->run) == 0;
    size_t before = 0;
    if (!first) MASK__TRY(meet(j, err));
    MASK__TRY(open_store(j, store_path, err));
    if (first) MASK__TRY(take_parts(j, store_path, &before, err));
    MASK__TRY(find_todo(j, err));
    if (mask__team_size(j->run) > 1) MASK__TRY(run_team(j, store_path, err));
    if (!first) return MASK_OK;
    if (j->todo_count) {
        MASK__TRY(open_extractor(j, err));
        MASK__TRY(mask__regions_check_dim(j->store, mask_extractor_dim(j->extractor), err));
        MASK__TRY(mask__progress(j->run, "extracting", "photos", 0, j->todo_count, err));
        MASK__TRY(extract_all(j, err));
    }
    MASK__TRY(take_stock(j, err));
    if (j->report.good) return MASK_OK;
    return mask__fail(err, MASK_EFORMAT, "none of %zu photos could be decoded: see the warnings, name others",
                      j->report.photos);
}

/* The store of a labelled folder lies in it. */
static mask_status run_labelled(job *j, const char *folder, mask_error *err)
{
    MASK__FREED char *path = mask__text("%s/photos.regions", folder);
    if (!path) return mask__no_memory(err, folder);
    if (mkdir(folder, 0777) != 0 && errno != EEXIST)
        return mask__fail(err, MASK_EIO, "%s: cannot create: %s", folder, strerror(errno));
    MASK__TRY(run_job(j, path, err));
    mask__regions_close(j->store);
    j->store = NULL;
    return mask__team_rank(j->run) ? MASK_OK : mask__labelout_write(&j->labelled, &j->walk, path, folder, err);
}

static void close_job(job *j)
{
    mask__regions_close(j->store);
    mask_extractor_close(j->extractor);
    pthread_mutex_destroy(&j->lock);
    pthread_cond_destroy(&j->changed);
    for (size_t i = 0; i < j->vanished_count; i++) free(j->vanished[i]);
    free(j->vanished);
    free(j->hashes);
    free(j->fresh);
    free(j->todo);
    free(j->stored);
    mask__walk_close(&j->walk);
    mask__labelout_close(&j->labelled);
}

mask_status mask_extract(const char *const *photos, size_t count, const char *out, const mask_extract_options *options,
                         mask_extract_report *report, const mask_run *run, mask_error *err)
{
    mask_extract_options o = mask_extract_defaults();
    MASK__CLOSED(close_job)
    job j = {.options = &o, .run = run, .lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};
    if (report) *report = j.report;
    MASK__TRY(mask__options_take(MASK_OPTIONS_EXTRACT, &o, options, err));
    mask_status status = prepare(&j, photos, count, err);
    if (status == MASK_OK) status = o.boxes ? run_labelled(&j, out, err) : run_job(&j, out, err);
    if (status == MASK_OK) status = meet(&j, err);
    if (report) *report = j.report;
    return status;
}

mask_status mask_extract_describe(mask_extract_info *info, const char *path, mask_error *err)
{
    mask_images *images;
    *info = (mask_extract_info){0};
    MASK__TRY(mask__regions_reader_open(&images, path, err));
    const mask__regions_facts *facts = mask__regions_facts_of(images);
    *info = (mask_extract_info){.photos = mask_images_count(images),
                                .bad = facts->bad,
                                .regions = mask__images_rows(images),
                                .dim = mask_images_dim(images),
                                .encoder = facts->encoder};
    snprintf(info->options, sizeof info->options, "%s", facts->options);
    mask_images_close(images);
    return MASK_OK;
}
