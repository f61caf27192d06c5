/* Galleries against a model in memory: random additions, replacements, removals and compactions, after each of which
 * every image must be where the model has it, with the vectors of its own features; readers that were opened before;
 * what is refused and then has changed nothing; interruptions and full disks. */
#include "made.h"
#include "search/gallery.h"
#include "knowledge/knowledge.h"

#include <dirent.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <unistd.h>

enum { DIM = 8, REGIONS = 3, WORDS = 6, VECTORS = 8, IDS = 40 };

static mask_knowledge *knowledge, *calibrated;
static mask_vectors *vectors;
static mask_labels *labels;

static int make_world(void **state)
{
    (void)state;
    mask_error err;
    mask_images *background;
    mask_texts *texts;
    enum { ROWS = WORDS * 6 };
    static float features[ROWS * DIM], word_vectors[VECTORS * 5], images[6 * REGIONS * DIM];
    static char names[ROWS][64];
    uint64_t random = 5;
    mask_learn_options o = mask_learn_section9();
    for (size_t i = 0; i < VECTORS * 5; i++) word_vectors[i] = made_number(&random);
    for (size_t i = 0; i < ROWS * DIM; i++) features[i] = fmaxf(0, made_number(&random) + 0.3f);
    for (size_t i = 0; i < 6 * REGIONS * DIM; i++) images[i] = fmaxf(0, made_number(&random) + 0.3f);
    for (size_t r = 0; r < ROWS; r++) snprintf(names[r], sizeof names[r], "%s", made_word(r % WORDS));
    vectors = made_vectors(word_vectors, VECTORS, 5);
    labels = made_labels(features, ROWS, DIM, names, 4);
    o.representation = MASK_REPRESENTATION_NONE;
    o.tokens = MASK_TOKENS_LETTERS;
    check_ok(mask_knowledge_learn(&knowledge, labels, vectors, &o, NULL, &err));
    background = made_images("background_ims.npy", images, 6, REGIONS, DIM);
    check_ok(mask_texts_create(&texts, (const char *[]){"zaa zab", "zac", "zad zag", "zae zaf"}, 4, &err));
    mask_match_options match = mask_match_section9();
    check_ok(mask_knowledge_calibrate(&calibrated, knowledge, vectors, background, texts, &match, NULL, &err));
    mask_images_close(background);
    mask_texts_close(texts);
    return 0;
}

static int free_world(void **state)
{
    (void)state;
    mask_knowledge_close(knowledge);
    mask_knowledge_close(calibrated);
    mask_labels_close(labels);
    mask_vectors_close(vectors);
    return 0;
}

/* The features of one version of an image. */
static void features_of(int id, int version, float *out)
{
    uint64_t random = (uint64_t)id * 1000 + (uint64_t)version + 77;
    for (size_t i = 0; i < REGIONS * DIM; i++) out[i] = fmaxf(0, made_number(&random) + 0.4f) + 0.01f;
}

/* A set of these images; version[i] of id[i]. boxes: region 0 holds the others when `whole`. */
static mask_images *make_set(const int *id, const int *version, size_t count, bool boxes, bool whole)
{
    static int number;
    mask_error err;
    mask_images *out;
    char name[64], path[300];
    float *features = calloc(count, REGIONS * DIM * sizeof *features), *box = calloc(count, REGIONS * 4 * sizeof *box);
    snprintf(name, sizeof name, "set%d_ids.txt", number);
    FILE *file = fopen(temp_path(name), "w");
    for (size_t i = 0; i < count; i++) {
        features_of(id[i], version[i], features + i * REGIONS * DIM);
        fprintf(file, "i%d\n", id[i]);
        for (size_t r = 0; r < REGIONS; r++)
            memcpy(box + (i * REGIONS + r) * 4,
                   (float[]){0, 0, whole && r == 0 ? 100 : 20 + (float)r, whole && r == 0 ? 80 : 10 + (float)r},
                   4 * sizeof *box);
    }
    fclose(file);
    snprintf(name, sizeof name, "set%d_boxes.npy", number);
    if (boxes) made_npy(temp_path(name), 3, (size_t[]){count, REGIONS, 4}, box);
    snprintf(name, sizeof name, "set%d_ims.npy", number++);
    snprintf(path, sizeof path, "%s", temp_path(name));
    made_npy(path, 3, (size_t[]){count, REGIONS, DIM}, features);
    check_ok(mask_images_open(&out, path, NULL, NULL, &err));
    free(features);
    free(box);
    return out;
}

static mask_images *plain_set(const int *id, const int *version, size_t count)
{
    return make_set(id, version, count, false, false);
}

/* Images first .. first + count of version 0. */
static mask_images *range_set(int first, size_t count)
{
    int id[200], version[200] = {0};
    for (size_t i = 0; i < count; i++) id[i] = first + (int)i;
    return plain_set(id, version, count);
}

static const char *new_gallery(const mask_knowledge *k, size_t segment_images) /* the path stays until the next one */
{
    static char path[256];
    static int number;
    mask_error err;
    char name[32];
    mask_gallery_options g = {.size = sizeof(mask_gallery_options), .segment_images = segment_images};
    snprintf(name, sizeof name, "g%d.gallery", number++);
    snprintf(path, sizeof path, "%s", temp_path(name));
    check_ok(mask_gallery_create(path, k, NULL, &g, &err));
    return path;
}

static void add_set(const char *path, mask_images *images, mask_gallery_change *change)
{
    mask_error err;
    mask_gallery_change own;
    check_ok(mask_gallery_add(path, images, change ? change : &own, NULL, &err));
    mask_images_close(images);
}

static mask_gallery *opened(const char *path)
{
    mask_error err;
    mask_gallery *g;
    check_ok(mask_gallery_open(&g, path, NULL, &err));
    return g;
}

static mask__image_vectors vectors_of(const mask__segment *s, size_t image, int which)
{
    static float scratch[2][4096];
    assert_true(mask__segment_scratch(s, 1) <= 4096);
    return mask__segment_image(s, image, scratch[which]);
}

/* version[id] of every image that must be there; -1 = must not. */
static void check_holds(const mask_gallery *g, const int *version)
{
    size_t expected = 0, segment, image;
    for (int id = 0; id < IDS; id++) {
        char name[16];
        float features[REGIONS * DIM];
        snprintf(name, sizeof name, "i%d", id);
        bool there = mask__snapshot_find(&g->view->snapshot, name, &segment, &image);
        assert_int_equal(there, version[id] >= 0);
        if (!there) continue;
        expected++;
        features_of(id, version[id], features);
        const mask__segment *s = &g->view->segments[segment];
        assert_int_equal(s->image_rows[image + 1] - s->image_rows[image], REGIONS);
        for (size_t r = 0; r < REGIONS; r++) {
            size_t row = s->image_rows[image] + r, from = s->region_of_row ? s->region_of_row[row] : r;
            const float *mu = vectors_of(s, image, 0).mu + r * DIM, *raw = features + from * DIM;
            double dot = 0, a = 0, b = 0;
            for (size_t d = 0; d < DIM; d++) {
                dot += mu[d] * raw[d];
                a += mu[d] * mu[d];
                b += raw[d] * raw[d];
            }
            assert_true(dot / sqrt(a * b) > 0.99999);
        }
    }
    assert_int_equal(g->view->snapshot.images, expected);
}

static void check_gallery(const char *path, const int *version)
{
    mask_gallery *g = opened(path);
    check_holds(g, version);
    mask_gallery_close(g);
}

static size_t random_below(uint64_t *random, size_t limit)
{
    *random = *random * 6364136223846793005u + 1442695040888963407u;
    return (size_t)((*random >> 33) % limit);
}

/* Segment files in the folder. */
static size_t segment_files(const char *path, size_t *others)
{
    size_t count = 0;
    struct dirent *entry;
    DIR *folder = opendir(path);
    static const char *const known[] = {".",
                                        "..",
                                        "lock",
                                        "knowledge.mask",
                                        "scorer.mask",
                                        "catalogue.sqlite",
                                        "catalogue.sqlite-wal",
                                        "catalogue.sqlite-shm"};
    *others = 0;
    while ((entry = readdir(folder))) {
        bool is_known = false;
        for (size_t i = 0; i < sizeof known / sizeof *known; i++) is_known |= strcmp(entry->d_name, known[i]) == 0;
        if (strlen(entry->d_name) == 16 && strcmp(entry->d_name + 8, ".segment") == 0) count++;
        else if (!is_known) ++*others;
    }
    closedir(folder);
    return count;
}

static void random_operation(const char *path, int *model, uint64_t *random)
{
    mask_error err;
    mask_gallery_change change;
    size_t what = random_below(random, 5), count = 1 + random_below(random, 12), added = 0, replaced = 0;
    int id[IDS], version[IDS];
    char names[IDS][8];
    const char *pointers[IDS];
    bool taken[IDS] = {false};
    for (size_t i = 0; i < count; i++) {
        do id[i] = (int)random_below(random, IDS);
        while (taken[id[i]]);
        taken[id[i]] = true;
        version[i] = (int)random_below(random, 3);
        snprintf(names[i], sizeof names[i], "i%d", id[i]);
        pointers[i] = names[i];
        added += model[id[i]] < 0;
        replaced += model[id[i]] >= 0 && model[id[i]] != version[i];
    }
    if (what < 3) {
        add_set(path, plain_set(id, version, count), &change);
        assert_int_equal(change.added, added);
        assert_int_equal(change.replaced, replaced);
        for (size_t i = 0; i < count; i++) model[id[i]] = version[i];
    } else if (what == 3) {
        check_ok(mask_gallery_remove(path, pointers, count, &change, NULL, &err));
        assert_int_equal(change.missing, added);
        assert_int_equal(change.removed, count - added);
        for (size_t i = 0; i < count; i++) model[id[i]] = -1;
    } else {
        check_ok(mask_gallery_compact(path, NULL, &err));
    }
}

static void random_operations_agree_with_a_model(void **state)
{
    (void)state;
    mask_error err;
    mask_gallery *before = NULL;
    mask_gallery_info info;
    int model[IDS], old[IDS];
    size_t others;
    uint64_t random = 11;
    const char *path = new_gallery(calibrated, 5);
    for (int id = 0; id < IDS; id++) model[id] = -1;
    for (int step = 0; step < 28; step++) {
        /* A reader that was opened some steps ago still sees the state of that moment. */
        if (step % 7 == 0) {
            if (before) check_holds(before, old);
            mask_gallery_close(before);
            before = opened(path);
            memcpy(old, model, sizeof old);
        }
        random_operation(path, model, &random);
        check_gallery(path, model);
        check_holds(before, old);
        if (step % 10 == 0) check_ok(mask_gallery_verify(path, NULL, &err));
    }
    mask_gallery_close(before);
    check_ok(mask_gallery_compact(path, NULL, &err));
    before = opened(path);
    mask_gallery_describe(before, &info);
    assert_int_equal(segment_files(path, &others), info.segments);
    assert_int_equal(others, 0);
    assert_int_equal(info.regions, info.images * REGIONS);
    assert_true(info.removed * 4 <= info.images + info.removed);
    mask_gallery_close(before);
}

static void compaction_joins_and_keeps_the_bits(void **state)
{
    (void)state;
    mask_error err;
    mask_gallery_info info;
    size_t others, segment, image;
    const char *path = new_gallery(calibrated, 20);
    for (int i = 0; i < 6; i++) add_set(path, range_set(i * 3, 3), NULL);
    assert_int_equal(segment_files(path, &others), 6);
    check_ok(mask_gallery_remove(path, (const char *[]){"i4", "i5"}, 2, NULL, NULL, &err));
    mask_gallery *before = opened(path);
    check_ok(mask_gallery_compact(path, NULL, &err));
    mask_gallery *after = opened(path);
    mask_gallery_describe(after, &info);
    assert_int_equal(info.segments, 1);
    assert_int_equal(info.images, 16);
    assert_int_equal(info.removed, 0);
    assert_int_equal(segment_files(path, &others), 1);
    for (size_t i = 0; i < after->view->segments[0].images; i++) {
        assert_true(
            mask__snapshot_find(&before->view->snapshot, after->view->snapshot.segments[0].ids[i], &segment, &image));
        const mask__segment *old = &before->view->segments[segment], *new = &after->view->segments[0];
        assert_memory_equal(vectors_of(old, image, 0).mu, vectors_of(new, i, 1).mu, REGIONS * DIM * sizeof(float));
    }
    mask_gallery_close(before);
    mask_gallery_close(after);
    /* Nothing is left to do; and of a gallery whose images are all gone no segment stays. */
    uint64_t generation = info.generation;
    check_ok(mask_gallery_compact(path, NULL, &err));
    after = opened(path);
    mask_gallery_describe(after, &info);
    assert_int_equal(info.generation, generation);
    mask_gallery_close(after);
    for (int i = 0; i < 18; i++) {
        char id[16];
        const char *ids[] = {id};
        snprintf(id, sizeof id, "i%d", i);
        check_ok(mask_gallery_remove(path, ids, 1, NULL, NULL, &err));
    }
    check_ok(mask_gallery_compact(path, NULL, &err));
    assert_int_equal(segment_files(path, &others), 0);
    after = opened(path);
    assert_int_equal(after->view->snapshot.images, 0);
    mask_gallery_close(after);
}

static void making_it_again_changes_nothing(void **state)
{
    (void)state;
    mask_error err;
    mask_gallery_change change;
    mask_match_options o = mask_match_defaults(calibrated);
    mask_gallery_options g = {.size = sizeof(mask_gallery_options), .segment_images = 5};
    const char *path = new_gallery(calibrated, 5);
    add_set(path, range_set(0, 12), NULL);
    check_ok(mask_gallery_create(path, calibrated, NULL, &g, &err));
    add_set(path, range_set(0, 12), &change);
    assert_int_equal(change.added + change.replaced, 0);
    mask_gallery *gallery = opened(path);
    assert_int_equal(gallery->view->snapshot.segment_count, 3);
    mask_gallery_close(gallery);
    o.hub_text = 0.25f;
    check_fails(mask_gallery_create(path, calibrated, &o, &g, &err), MASK_EMISMATCH, "another hub_text");
    g.budget = 2;
    check_fails(mask_gallery_create(path, calibrated, NULL, &g, &err), MASK_EMISMATCH, "another budget");
    g.budget = 0;
    o = mask_match_defaults(calibrated);
    mask_knowledge *other;
    mask_learn_options learn = mask_learn_section9();
    learn.representation = MASK_REPRESENTATION_NONE;
    learn.tokens = MASK_TOKENS_LETTERS;
    learn.provenance = "another";
    check_ok(mask_knowledge_learn(&other, labels, vectors, &learn, NULL, &err));
    o.calibrate = MASK_CALIBRATE_NONE;
    const char *plain = new_gallery(knowledge, 5);
    g.segment_images = 5;
    check_fails(mask_gallery_create(plain, other, NULL, &g, &err), MASK_EMISMATCH, "of another knowledge");
    check_ok(mask_gallery_create(plain, knowledge, NULL, &g, &err));
    mask_knowledge_close(other);
}

static void what_cannot_be_a_gallery_is_refused(void **state)
{
    (void)state;
    mask_error err;
    char path[300], note[320];
    mask_gallery *g;
    mask_match_options o = mask_match_defaults(calibrated);
    o.pool = MASK_POOL_REGION_MAX;
    snprintf(path, sizeof path, "%s", temp_path("refused.gallery"));
    check_fails(mask_gallery_create(path, calibrated, &o, NULL, &err), MASK_EINVAL, "pool");
    o = mask_match_defaults(calibrated);
    o.adjective = 0.5f;
    check_fails(mask_gallery_create(path, calibrated, &o, NULL, &err), MASK_EINVAL, "without their adjectives");
    o = mask_match_defaults(calibrated);
    check_fails(mask_gallery_create(path, knowledge, &o, NULL, &err), MASK_EINVAL, "calibrate");
    check_fails(mask_gallery_create(
                    path, calibrated, NULL,
                    &(mask_gallery_options){.size = sizeof(mask_gallery_options), .segment_images = 1 << 30}, &err),
                MASK_EINVAL, "segment_images");
    assert_int_not_equal(access(path, F_OK), 0);
    check_fails(mask_gallery_create(temp_path("no/such/place"), calibrated, NULL, NULL, &err), MASK_EIO, "cannot make");
    write_text(path, "a file");
    check_fails(mask_gallery_create(path, calibrated, NULL, NULL, &err), MASK_EIO, "cannot make");
    unlink(path);
    mkdir(path, 0777);
    snprintf(note, sizeof note, "%s/note.txt", path);
    write_text(note, "mine");
    check_fails(mask_gallery_create(path, calibrated, NULL, NULL, &err), MASK_EIO, "folder of other things");
    check_fails(mask_gallery_open(&g, path, NULL, &err), MASK_EIO, "is not a gallery");
    assert_null(g);
    check_fails(mask_gallery_remove(path, NULL, 0, NULL, NULL, &err), MASK_EIO, "is not a gallery");
    unlink(note);
    /* What an interrupted making leaves is made whole. */
    snprintf(note, sizeof note, "%s/knowledge.mask", path);
    write_text(note, "half");
    check_ok(mask_gallery_create(path, calibrated, NULL, NULL, &err));
    g = opened(path); /* empty, and can be opened */
    assert_int_equal(g->view->snapshot.images, 0);
    mask_gallery_close(g);
    check_ok(mask_gallery_verify(path, NULL, &err));
    check_ok(mask_gallery_compact(path, NULL, &err));
}

static void refuses_images(const char *path, mask_images *images, mask_status status, const char *part)
{
    mask_error err;
    check_fails(mask_gallery_add(path, images, NULL, NULL, &err), status, part);
    mask_images_close(images);
}

static void images_that_do_not_fit_are_refused(void **state)
{
    (void)state;
    int model[IDS], id[] = {1, 2, 1}, zero[3] = {0};
    float narrow[2 * REGIONS * 4] = {0}, bad[2 * REGIONS * DIM];
    const char *path = new_gallery(calibrated, 5);
    for (int i = 0; i < IDS; i++) model[i] = i < 3 ? 0 : -1;
    add_set(path, make_set((int[]){0, 1, 2}, zero, 3, true, true), NULL);
    refuses_images(path, made_images("narrow_ims.npy", narrow, 2, REGIONS, 4), MASK_EMISMATCH,
                   "features have 4 dimensions");
    refuses_images(path, plain_set(id, zero, 3), MASK_EFORMAT, "'i1' stood before");
    refuses_images(path, plain_set(id, zero, 2), MASK_EMISMATCH, "in these images it is not");
    refuses_images(path, make_set(id, zero, 2, true, false), MASK_EMISMATCH, "in these images it is not");
    check_gallery(path, model);
    mask_gallery *g = opened(path);
    assert_int_equal(g->view->options.whole_region, 0);
    assert_int_equal(g->view->snapshot.segments[0].widths[1], 100);
    assert_int_equal(g->view->snapshot.segments[0].heights[1], 80);
    mask_gallery_close(g);
    /* Not a number: the segments before it stay. */
    path = new_gallery(calibrated, 5);
    add_set(path, make_set((int[]){0, 1, 2}, zero, 3, true, false), NULL);
    for (size_t i = 0; i < 2 * REGIONS * DIM; i++) bad[i] = 1;
    bad[30] = NAN;
    refuses_images(path, made_images("bad_ims.npy", bad, 2, REGIONS, DIM), MASK_ENUMERIC, "bad_ims.npy");
    check_gallery(path, model);
    g = opened(path);
    assert_int_equal(g->view->options.whole_region, MASK_WHOLE_MEAN);
    assert_int_equal(g->view->snapshot.segments[0].widths[1], 22);
    assert_int_equal(g->view->snapshot.segments[0].heights[1], 12);
    mask_gallery_close(g);
}

static void a_fixed_region_must_be_in_every_image(void **state)
{
    (void)state;
    mask_error err;
    char path[300];
    mask_match_options o = mask_match_defaults(calibrated);
    o.whole_region = REGIONS;
    snprintf(path, sizeof path, "%s", temp_path("fixed.gallery"));
    check_ok(mask_gallery_create(path, calibrated, &o, NULL, &err));
    refuses_images(path, range_set(0, 2), MASK_EMISMATCH, "has no region 3");
}

/* Stops a run when it has been asked often enough. */
typedef struct brake {
    int left;
} brake;

static int stop_later(void *user, const char *what, const char *unit, uint64_t done, uint64_t total)
{
    brake *b = user;
    (void)what;
    (void)unit;
    (void)done;
    (void)total;
    return b->left-- <= 0;
}

static void an_interrupted_add_is_a_prefix_and_goes_on(void **state)
{
    (void)state;
    mask_error err;
    bool partly = false;
    for (int asked = 0; asked < 60; asked += 11) {
        int model[IDS];
        mask_gallery_change change;
        size_t others;
        brake b = {asked};
        mask_run run = {.progress = stop_later, .user = &b, .threads = 1};
        const char *path = new_gallery(calibrated, 4);
        mask_images *images = range_set(0, 22);
        mask_status status = mask_gallery_add(path, images, &change, &run, &err);
        assert_true(status == MASK_OK || status == MASK_ECANCELLED);
        size_t there = change.added;
        assert_true(status == MASK_OK ? there == 22 : there % 4 == 0);
        partly |= status != MASK_OK && there > 0;
        for (int i = 0; i < IDS; i++) model[i] = i < (int)there ? 0 : -1;
        check_gallery(path, model);
        assert_int_equal(segment_files(path, &others), (there + 3) / 4);
        assert_int_equal(others, 0);
        check_ok(mask_gallery_add(path, images, &change, NULL, &err));
        assert_int_equal(change.added, 22 - there);
        assert_int_equal(change.replaced, 0);
        for (int i = 0; i < 22; i++) model[i] = 0;
        check_gallery(path, model);
        mask_images_close(images);
    }
    assert_true(partly);
}

static void a_full_disk_leaves_what_was(void **state)
{
    (void)state;
    mask_error err;
    int model[IDS];
    struct rlimit old, small;
    size_t others;
    const char *path = new_gallery(calibrated, 5);
    add_set(path, range_set(0, 5), NULL);
    for (int i = 0; i < IDS; i++) model[i] = i < 5 ? 0 : -1;
    mask_images *images = range_set(5, 30);
    getrlimit(RLIMIT_FSIZE, &old);
    signal(SIGXFSZ, SIG_IGN);
    for (size_t limit = 64; limit < 3000; limit += 450) {
        small = (struct rlimit){.rlim_cur = limit, .rlim_max = old.rlim_max};
        setrlimit(RLIMIT_FSIZE, &small);
        mask_status status = mask_gallery_add(path, images, NULL, NULL, &err);
        setrlimit(RLIMIT_FSIZE, &old);
        assert_int_equal(status, MASK_EIO);
        assert_non_null(strstr(err.message, path));
        check_gallery(path, model);
        assert_int_equal(segment_files(path, &others), 1);
        assert_int_equal(others, 0);
    }
    check_ok(mask_gallery_add(path, images, NULL, NULL, &err));
    mask_images_close(images);
    for (int i = 0; i < 35; i++) model[i] = 0;
    check_gallery(path, model);
}

static void parts_that_are_lost_or_damaged_are_seen(void **state)
{
    (void)state;
    mask_error err;
    mask_gallery *g;
    char file[300], path[256];
    int model[IDS];
    size_t size;
    snprintf(path, sizeof path, "%s", new_gallery(calibrated, 5));
    add_set(path, range_set(0, 5), NULL);
    for (int i = 0; i < IDS; i++) model[i] = i < 5 ? 0 : -1;
    /* What can be computed again may be lost. */
    snprintf(file, sizeof file, "%s/scorer.mask", path);
    unlink(file);
    check_gallery(path, model);
    check_fails(mask_gallery_verify(path, NULL, &err), MASK_EIO, "scorer.mask");
    check_ok(mask_gallery_compact(path, NULL, &err)); /* a writer stores it again */
    check_ok(mask_gallery_verify(path, NULL, &err));
    snprintf(file, sizeof file, "%s/00000001.segment", path);
    char *good = read_whole(file, &size);
    good[size / 2] ^= 1;
    write_file(file, good, size);
    good[size / 2] ^= 1;
    mask_status status = mask_gallery_verify(path, NULL, &err);
    assert_true(status == MASK_EFORMAT && strstr(err.message, "00000001.segment"));
    write_file(file, good, size / 2);
    check_fails(mask_gallery_open(&g, path, NULL, &err), MASK_EFORMAT, "00000001.segment");
    unlink(file);
    check_fails(mask_gallery_open(&g, path, NULL, &err), MASK_EIO, "00000001.segment");
    /* Another gallery's segment is of other images. */
    char other[300];
    const char *second = new_gallery(calibrated, 5);
    add_set(second, range_set(0, 3), NULL);
    snprintf(other, sizeof other, "%s/00000001.segment", second);
    assert_int_equal(rename(other, file), 0);
    check_fails(mask_gallery_open(&g, path, NULL, &err), MASK_EFORMAT, "not the segment that the catalogue means");
    write_file(file, good, size);
    check_ok(mask_gallery_verify(path, NULL, &err));
    free(good);
}

typedef struct changer {
    char path[256];
    mask_images *more;
    atomic_bool stop;
    mask_status status;
} changer;

static void *change_on_and_on(void *context)
{
    changer *c = context;
    mask_run run = {.threads = 1};
    mask_error err;
    while (c->status == MASK_OK && !c->stop) {
        c->status = mask_gallery_add(c->path, c->more, NULL, &run, &err);
        if (c->status == MASK_OK)
            c->status = mask_gallery_remove(c->path, (const char *[]){"i8", "i9", "i10", "i11"}, 4, NULL, &run, &err);
        if (c->status == MASK_OK) c->status = mask_gallery_compact(c->path, &run, &err);
    }
    return NULL;
}

/* One writer changes and compacts as fast as it can; each state that another one opens must be one that was. */
static void readers_never_meet_a_half_done_change(void **state)
{
    (void)state;
    mask_error err;
    pthread_t thread;
    uint64_t last = 0;
    int changed = 0;
    static changer c;
    snprintf(c.path, sizeof c.path, "%s", new_gallery(calibrated, 4));
    add_set(c.path, range_set(0, 8), NULL);
    c.more = range_set(8, 4);
    assert_int_equal(pthread_create(&thread, NULL, change_on_and_on, &c), 0);
    for (int i = 0; i < 3000 && changed < 15; i++) {
        int model[IDS];
        mask_gallery *g = opened(c.path);
        assert_true(g->view->snapshot.images == 8 || g->view->snapshot.images == 12);
        for (int id = 0; id < IDS; id++) model[id] = id < (int)g->view->snapshot.images ? 0 : -1;
        check_holds(g, model);
        assert_true(g->view->snapshot.generation >= last);
        changed += g->view->snapshot.generation > last;
        last = g->view->snapshot.generation;
        mask_gallery_close(g);
    }
    c.stop = true;
    pthread_join(thread, NULL);
    assert_int_equal(c.status, MASK_OK);
    assert_true(changed > 1);
    mask_images_close(c.more);
    check_ok(mask_gallery_verify(c.path, NULL, &err));
}

static char last_line[512];

static void keep_line(void *user, mask_log_level level, const char *line)
{
    (void)user;
    (void)level;
    snprintf(last_line, sizeof last_line, "%s", line);
}

static void metadata_are_of_images(void **state)
{
    (void)state;
    mask_error err;
    mask_run run = {.log = keep_line};
    uint64_t bits[1] = {0}, *allowed[] = {bits};
    const char *path = new_gallery(calibrated, 5);
    add_set(path, range_set(0, 5), NULL);
    write_text(temp_path("meta.tsv"), "id\tyear\ni1\t1990\ni2\t2010\nnobody\t3\n");
    check_ok(mask_gallery_describe_images(path, temp_path("meta.tsv"), &run, &err));
    assert_non_null(strstr(last_line, "1 of 3 ids are not in the gallery"));
    check_ok(mask_gallery_remove(path, (const char *[]){"i0", "i3"}, 2, NULL, NULL, &err));
    check_ok(mask_gallery_compact(path, NULL, &err)); /* metadata go with the id */
    mask_gallery *g = opened(path);
    check_ok(mask__catalogue_where(g->catalogue, &g->view->snapshot, "year > 2000", allowed, NULL, &err));
    assert_int_equal(bits[0], 1u << 1);
    char *json;
    check_ok(mask_gallery_metadata(g, (const char *[]){"i2", "nobody", "i4"}, 3, &json, &err));
    assert_string_equal(json, "[{\"year\":2010},null,{\"year\":null}]");
    free(json);
    check_ok(mask_gallery_metadata(g, NULL, 0, &json, &err));
    assert_string_equal(json, "[\"year\"]");
    free(json);
    mask_gallery_close(g);
    check_fails(mask_gallery_describe_images(path, "/nowhere.tsv", &run, &err), MASK_EIO, "/nowhere.tsv");
}

/* What is not among the given images goes; who opened it before still sees it. */
static void keeping_removes_exactly_the_others(void **state)
{
    (void)state;
    mask_error err;
    mask_gallery_change change;
    int before[IDS], after[IDS];
    const char *path = new_gallery(calibrated, 5);
    add_set(path, range_set(0, 12), NULL);
    for (int i = 0; i < IDS; i++) {
        before[i] = i < 12 ? 0 : -1;
        after[i] = i >= 3 && i < 9 ? 0 : -1;
    }
    mask_gallery *old = opened(path);
    mask_images *kept = range_set(3, 6), *more = range_set(3, 20);
    check_ok(mask_gallery_keep(path, kept, &change, NULL, &err));
    assert_int_equal(change.removed, 6);
    assert_int_equal(change.added + change.replaced + change.missing, 0);
    check_gallery(path, after);
    check_holds(old, before);
    mask_gallery_close(old);
    /* Nothing to do is no new generation; images that are not there are not added. */
    mask_gallery *g = opened(path);
    uint64_t generation = g->view->snapshot.generation;
    mask_gallery_close(g);
    check_ok(mask_gallery_keep(path, more, &change, NULL, &err));
    assert_int_equal(change.removed, 0);
    g = opened(path);
    assert_int_equal(g->view->snapshot.generation, generation);
    mask_gallery_close(g);
    check_gallery(path, after);
    /* A file name that is another image's id keeps nothing. */
    float features[REGIONS * DIM];
    features_of(3, 0, features);
    write_text(temp_path("named_ids.txt"), "i3\n");
    write_text(temp_path("named_names.txt"), "i4\n");
    mask_images *named = made_images("named_ims.npy", features, 1, REGIONS, DIM);
    assert_string_equal(mask_images_name(named, 0), "i4");
    check_ok(mask_gallery_keep(path, named, &change, NULL, &err));
    assert_int_equal(change.removed, 5);
    mask_images_close(named);
    g = opened(path);
    assert_int_equal(g->view->snapshot.images, 1);
    mask_gallery_close(g);
    check_fails(mask_gallery_keep("/nowhere.gallery", kept, &change, NULL, &err), MASK_EIO, "/nowhere.gallery");
    mask_images_close(kept);
    mask_images_close(more);
}

static void deleting_takes_our_files(void **state)
{
    (void)state;
    mask_error err;
    mask_texts *texts;
    mask_annotator *annotator;
    const char *path = new_gallery(calibrated, 5);
    char other[300];
    add_set(path, range_set(0, 12), NULL);
    mask_gallery *g = opened(path);
    check_ok(mask_texts_create(&texts, (const char *[]){"a text"}, 1, &err));
    mask_status status = mask_annotator_open(&annotator, g, vectors, texts, NULL, &err);
    if (status == MASK_OK) mask_annotator_close(annotator);
    mask_texts_close(texts);
    snprintf(other, sizeof other, "%s/notes.txt", path);
    write_text(other, "somebody's");
    check_ok(mask_gallery_delete(path, &err));
    check_fails(mask_gallery_delete(path, &err), MASK_EIO, "is not a gallery");
    assert_int_equal(rmdir(path), -1);
    assert_int_equal(unlink(other), 0);
    assert_int_equal(rmdir(path), 0);               /* nothing else was left */
    assert_int_equal(g->view->snapshot.images, 12); /* a reader goes on */
    mask_gallery_close(g);
    path = new_gallery(calibrated, 5);
    check_ok(mask_gallery_delete(path, &err));
    assert_int_equal(access(path, F_OK), -1);
}

static void search_all(mask_gallery *g, const char *where, mask_results *r)
{
    mask_error err;
    mask_query_text text = {mask_knowledge_word(calibrated, 0, NULL), 1};
    mask_query q = {.texts = &text, .count = 1, .k = IDS, .min_score = -INFINITY, .where = where, .explain = true};
    check_ok(mask_gallery_search(g, vectors, &q, r, &(mask_run){.threads = 1}, &err));
}

static size_t found(mask_gallery *g, const char *where)
{
    mask_results r;
    search_all(g, where, &r);
    size_t count = r.count;
    mask_results_free(&r);
    return count;
}

/* An open handle sees changes when it is refreshed, and not before; the first images settle what the whole image is. */
static void a_refresh_sees_what_was_changed(void **state)
{
    (void)state;
    mask_error err;
    mask_gallery_info info;
    mask_texts *texts;
    mask_annotator *annotator;
    mask_annotation one;
    size_t count;
    bool changed;
    const char *path = new_gallery(calibrated, 5);
    mask_gallery *g = opened(path);
    assert_int_equal(found(g, NULL), 0);
    check_ok(mask_gallery_refresh(g, &changed, NULL, &err));
    assert_false(changed);
    add_set(path, range_set(0, 7), NULL);
    assert_int_equal(found(g, NULL), 0);
    check_ok(mask_gallery_refresh(g, &changed, NULL, &err));
    assert_true(changed);
    assert_int_equal(found(g, NULL), 7);
    mask_gallery_describe(g, &info);
    assert_int_equal(info.options.whole_region, MASK_WHOLE_MEAN);
    check_ok(mask_texts_create(&texts, (const char *[]){mask_knowledge_word(calibrated, 1, NULL)}, 1, &err));
    check_ok(mask_annotator_open(&annotator, g, vectors, texts, NULL, &err));
    mask_texts_close(texts);
    check_ok(mask_gallery_remove(path, (const char *[]){"i0"}, 1, NULL, NULL, &err));
    mask_query q = mask_query_defaults();
    mask_results r, again;
    q.where = "id = 'i3'";
    q.texts = &(mask_query_text){mask_knowledge_word(calibrated, 0, NULL), 1};
    q.count = 1;
    check_fails(mask_gallery_search(g, vectors, &q, &r, NULL, &err), MASK_EMISMATCH, "refresh it");
    check_ok(mask_gallery_refresh(g, NULL, NULL, &err));
    assert_int_equal(found(g, "id = 'i3'"), 1);
    assert_int_equal(found(g, NULL), 6);
    check_ok(mask_annotator_image(annotator, "i0", 1, &one, &count, &err)); /* of the state it was made with */
    check_fails(mask_annotator_image(annotator, "i9", 1, &one, &count, &err), MASK_ENOTFOUND, "i9");
    mask_annotator_close(annotator);
    check_ok(mask_gallery_compact(path, NULL, &err));
    check_ok(mask_gallery_refresh(g, &changed, NULL, &err));
    mask_gallery *fresh = opened(path);
    search_all(g, NULL, &r);
    search_all(fresh, NULL, &again);
    assert_int_equal(r.count, again.count);
    for (size_t i = 0; i < r.count; i++) {
        assert_string_equal(r.hits[i].id, again.hits[i].id);
        assert_memory_equal(&r.hits[i].score, &again.hits[i].score, sizeof(double));
    }
    mask_results_free(&r);
    mask_results_free(&again);
    mask_gallery_close(fresh);
    /* A refresh that fails leaves what was. */
    char file[300], other[300];
    add_set(path, range_set(20, 3), NULL);
    fresh = opened(path);
    const mask__snapshot *now = &fresh->view->snapshot;
    snprintf(file, sizeof file, "%s/%08llu.segment", path,
             (unsigned long long)now->segments[now->segment_count - 1].number);
    mask_gallery_close(fresh);
    snprintf(other, sizeof other, "%s.away", path);
    assert_int_equal(rename(file, other), 0);
    assert_int_not_equal(mask_gallery_refresh(g, &changed, NULL, &err), MASK_OK);
    assert_false(changed);
    assert_int_equal(found(g, NULL), 6);
    assert_int_equal(rename(other, file), 0);
    check_ok(mask_gallery_refresh(g, &changed, NULL, &err));
    assert_int_equal(found(g, NULL), 9);
    mask_gallery_close(g);
}

typedef struct searching {
    mask_gallery *g;
    atomic_bool *stop;
    bool good;
    atomic_size_t searches, changes;
} searching;

static void *search_on_and_on(void *context)
{
    searching *s = context;
    mask_error err;
    while (!*s->stop) {
        bool changed = false;
        size_t count = found(s->g, NULL);
        s->good = s->good && (count == 8 || count == 12);
        s->good = s->good && mask_gallery_refresh(s->g, &changed, NULL, &err) == MASK_OK;
        s->searches++;
        s->changes += changed;
    }
    return NULL;
}

/* Threads search one handle and refresh it while another changes the gallery: every search sees a state that was. */
static void threads_search_while_it_changes(void **state)
{
    (void)state;
    enum { SEARCHERS = 3 };
    pthread_t writer, threads[SEARCHERS];
    searching s[SEARCHERS];
    size_t changes = 0;
    static changer c;
    snprintf(c.path, sizeof c.path, "%s", new_gallery(calibrated, 4));
    add_set(c.path, range_set(0, 8), NULL);
    c.more = range_set(8, 4);
    mask_gallery *g = opened(c.path);
    assert_int_equal(pthread_create(&writer, NULL, change_on_and_on, &c), 0);
    for (size_t i = 0; i < SEARCHERS; i++) {
        s[i] = (searching){.g = g, .stop = &c.stop, .good = true};
        assert_int_equal(pthread_create(&threads[i], NULL, search_on_and_on, &s[i]), 0);
    }
    bool enough = false; /* a busy machine may let a thread wait for seconds */
    for (int waited = 0; waited < 1200 && (waited < 30 || !enough); waited++) {
        usleep(50000);
        enough = s[0].searches && s[1].searches && s[2].searches && s[0].changes + s[1].changes + s[2].changes > 1;
    }
    c.stop = true;
    pthread_join(writer, NULL);
    for (size_t i = 0; i < SEARCHERS; i++) {
        pthread_join(threads[i], NULL);
        assert_true(s[i].good);
        assert_true(s[i].searches > 0);
        changes += s[i].changes;
    }
    assert_int_equal(c.status, MASK_OK);
    assert_true(changes > 1);
    mask_images_close(c.more);
    mask_gallery_close(g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_operations_agree_with_a_model),
        cmocka_unit_test(compaction_joins_and_keeps_the_bits),
        cmocka_unit_test(making_it_again_changes_nothing),
        cmocka_unit_test(what_cannot_be_a_gallery_is_refused),
        cmocka_unit_test(images_that_do_not_fit_are_refused),
        cmocka_unit_test(a_fixed_region_must_be_in_every_image),
        cmocka_unit_test(an_interrupted_add_is_a_prefix_and_goes_on),
        cmocka_unit_test(a_full_disk_leaves_what_was),
        cmocka_unit_test(parts_that_are_lost_or_damaged_are_seen),
        cmocka_unit_test(readers_never_meet_a_half_done_change),
        cmocka_unit_test(metadata_are_of_images),
        cmocka_unit_test(keeping_removes_exactly_the_others),
        cmocka_unit_test(deleting_takes_our_files),
        cmocka_unit_test(a_refresh_sees_what_was_changed),
        cmocka_unit_test(threads_search_while_it_changes),
    };
    return cmocka_run_group_tests(tests, make_world, free_world);
}
