/* The region store: what is put comes out, what is damaged or foreign is refused, what was not committed is gone. */
#include "storelabel.h"
#include "images/regions.h"
#include "images/images.h"
#include "math/half.h"

#include <math.h>
#include <omp.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

enum { DIM = 5, REGIONS = 3 };

static const char *const labels[] = {"person", "dog"};
static const mask__regions_make make = {
    .encoder = 0xfedcba9876543210u, .dim = DIM, .options = "regions 36", .labels = labels, .label_count = 2};

/* A photo whose numbers depend on its seed; static storage, one at a time. */
static mask__regions_row new_row(const char *id, const char *path, int seed, size_t count)
{
    static float boxes[REGIONS * 4], scores[REGIONS], features[REGIONS * DIM];
    static int32_t kinds[REGIONS];
    for (int i = 0; i < REGIONS; i++) {
        for (int c = 0; c < 4; c++) boxes[i * 4 + c] = (float)(seed + i * 4 + c) / 3;
        kinds[i] = i - 1;
        scores[i] = (float)(seed + i) / 7;
    }
    for (int i = 0; i < REGIONS * DIM; i++) features[i] = (float)(seed * 100 + i) / 16;
    return (mask__regions_row){.id = id,
                               .path = path,
                               .size = 1000u + (unsigned)seed,
                               .mtime = 5000000000123456789 + seed,
                               .hash = 0xf000000000000000u + (unsigned)seed,
                               .width = 640,
                               .height = 480,
                               .count = count,
                               .boxes = boxes,
                               .labels = kinds,
                               .scores = scores,
                               .features = features};
}

static void put(mask__regions_store *store, const char *id, const char *path, int seed, size_t count)
{
    mask_error err;
    mask__regions_row row = new_row(id, path, seed, count);
    check_ok(mask__regions_put(store, &row, &err));
}

static void put_bad(mask__regions_store *store, const char *id, const char *path)
{
    mask_error err;
    mask__regions_row row = {.id = id, .path = path, .size = 7, .mtime = 8, .hash = 9, .error = "is cut off"};
    check_ok(mask__regions_put(store, &row, &err));
}

/* Three good photos of 3, 1 and 2 regions and a bad one, out of order. */
static const char *new_store(const char *name)
{
    mask_error err;
    mask__regions_store *store;
    const char *path = temp_path(name);
    check_ok(mask__regions_open(&store, path, &make, &err));
    put(store, "b.jpg", "/p/b.jpg", 2, 1);
    put(store, "c.jpg", "/p/c.jpg", 3, 2);
    put_bad(store, "bad.jpg", "/p/bad.jpg");
    put(store, "a.jpg", "/p/a.jpg", 1, 3);
    check_ok(mask__regions_commit(store, &err));
    mask__regions_close(store);
    return path;
}

static void check_image(const mask_images *r, size_t image, int seed, size_t count)
{
    mask_error err;
    float features[REGIONS * DIM], box[4], score;
    mask__regions_row want = new_row("", "", seed, count);
    assert_int_equal(mask_images_regions(r, image), count);
    check_ok(mask_images_features(r, image, features, &err));
    for (size_t i = 0; i < count * DIM; i++) {
        uint16_t half;
        float rounded;
        mask__float_to_half(&want.features[i], &half, 1);
        mask__half_to_float(&half, &rounded, 1);
        assert_true(features[i] == rounded);
    }
    for (size_t i = 0; i < count; i++) {
        assert_true(mask_images_box(r, image, i, box));
        assert_memory_equal(box, want.boxes + i * 4, sizeof box);
        char label[64];
        bool found = stored_label(mask__images_path(r), image, i, label, &score);
        if (i == 0) assert_false(found);
        else {
            assert_string_equal(label, labels[i - 1]);
            assert_true(score == want.scores[i]);
        }
    }
    assert_false(mask_images_box(r, image, count, box));
}

static void test_round(void **state)
{
    (void)state;
    mask_error err;
    mask_images *r;
    const char *path = new_store("round.regions");
    check_ok(mask__regions_reader_open(&r, path, &err));
    assert_int_equal(mask_images_count(r), 3);
    assert_int_equal(mask__regions_facts_of(r)->bad, 1);
    assert_int_equal(mask_images_dim(r), DIM);
    assert_int_equal(mask__images_rows(r), 6);
    assert_true(mask__regions_facts_of(r)->encoder == make.encoder);
    assert_string_equal(mask__regions_facts_of(r)->options, make.options);
    assert_string_equal(mask__images_path(r), path);
    assert_string_equal(mask_images_id(r, 0), "a.jpg");
    assert_string_equal(mask_images_name(r, 2), "/p/c.jpg");
    assert_int_equal(mask_images_find(r, "b.jpg"), 1);
    assert_int_equal(mask_images_find(r, "/p/c.jpg"), 2);
    assert_int_equal(mask_images_find(r, "bad.jpg"), -1);
    check_image(r, 0, 1, 3);
    check_image(r, 1, 2, 1);
    check_image(r, 2, 3, 2);
    float none[1];
    check_fails(mask_images_features(r, 3, none, &err), MASK_EINVAL, "images 3 to 4 of 3");
    mask_images_close(r);
}

/* The same through the public door. */
static void test_small(void **state)
{
    (void)state;
    mask_error err;
    mask__regions_store *store;
    mask_images *images;
    float features[REGIONS * DIM];
    const char *path = temp_path("small.regions");
    mask__regions_make bytes = make;
    bytes.options = "small on";
    mask__regions_row want = new_row("a.jpg", "/p/a.jpg", 1, 3);
    check_ok(mask__regions_open(&store, path, &bytes, &err));
    check_ok(mask__regions_put(store, &want, &err));
    check_ok(mask__regions_commit(store, &err));
    mask__regions_close(store);
    check_ok(mask_images_open(&images, path, NULL, NULL, &err));
    check_ok(mask_images_features(images, 0, features, &err));
    for (int r = 0; r < 3; r++) {
        float most = 0;
        for (int d = 0; d < DIM; d++) most = fmaxf(most, fabsf(want.features[r * DIM + d]));
        for (int d = 0; d < DIM; d++)
            assert_true(fabsf(features[r * DIM + d] - want.features[r * DIM + d]) <= most / 253);
    }
    mask_images_close(images);
    check_fails(mask__regions_open(&store, path, &make, &err), MASK_EMISMATCH, "was extracted with");

    bytes.dim = 0; /* the store knows */
    check_ok(mask__regions_open(&store, path, &bytes, &err));
    check_ok(mask__regions_check_dim(store, DIM, &err));
    check_fails(mask__regions_check_dim(store, DIM + 1, &err), MASK_EMISMATCH, "another encoder");
    mask__regions_close(store);
    sqlite3 *db;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    for (int way = 0; way < 2; way++) { /* cut, then no deflated bytes at all */
        const char *damage = way ? "UPDATE photos SET features = zeroblob(40)"
                                 : "UPDATE photos SET features = CAST(substr(features, 1, 9) AS BLOB)";
        assert_int_equal(sqlite3_exec(db, damage, NULL, NULL, NULL), SQLITE_OK);
        check_ok(mask_images_open(&images, path, NULL, NULL, &err));
        check_fails(mask_images_features(images, 0, features, &err), MASK_EFORMAT, "its features have 0 bytes");
        mask_images_close(images);
    }
    /* As they were written before they were deflated: codes of all regions, then their steps. */
    char sql[120];
    snprintf(sql, sizeof sql, "UPDATE photos SET features = zeroblob(%d)", 3 * (DIM + (int)sizeof(float)));
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    check_ok(mask_images_open(&images, path, NULL, NULL, &err));
    check_ok(mask_images_features(images, 0, features, &err));
    for (int i = 0; i < 3 * DIM; i++) assert_float_equal(features[i], 0, 0);
    mask_images_close(images);
    sqlite3_close(db);
}

static void test_images(void **state)
{
    (void)state;
    mask_error err;
    mask_images *images;
    const float *features;
    size_t rows;
    float buffer[2 * REGIONS * DIM], one[REGIONS * DIM], box[4], size[2];
    const char *path = new_store("images.regions");
    check_ok(mask_images_open(&images, path, NULL, NULL, &err));
    assert_int_equal(mask_images_count(images), 3);
    assert_int_equal(mask_images_dim(images), DIM);
    assert_int_equal(mask_images_regions(images, 1), 1);
    assert_int_equal(mask__images_rows(images), 6);
    assert_string_equal(mask__images_path(images), path);
    assert_string_equal(mask_images_id(images, 1), "b.jpg");
    assert_string_equal(mask_images_name(images, 1), "/p/b.jpg");
    assert_int_equal(mask_images_find(images, "/p/c.jpg"), 2);
    assert_int_equal(mask_images_find(images, "c"), -1);
    assert_true(mask_images_box(images, 2, 1, box) && box[0] == 7 / 3.0f);
    assert_true(mask__images_size(images, 0, size) && size[0] == 640 && size[1] == 480);
    check_ok(mask__images_block(images, 1, 2, buffer, &features, &rows, &err));
    assert_int_equal(rows, 3);
    check_ok(mask_images_features(images, 2, one, &err));
    assert_memory_equal(features + DIM, one, 2 * DIM * sizeof *one);
    mask_images_close(images);

    sqlite3 *db;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "UPDATE photos SET features = CAST(x'00000000007c' || zeroblob(24) AS BLOB)",
                                  NULL, NULL, NULL),
                     SQLITE_OK);
    check_ok(mask_images_open(&images, path, NULL, NULL, &err));
    check_fails(mask_images_features(images, 0, one, &err), MASK_ENUMERIC,
                "image 0 (a.jpg), region 0: the feature is NaN");
    check_fails(mask__images_refuse(images, 0, &err), MASK_ENUMERIC, "(a.jpg)");
    mask_images_close(images);
    assert_int_equal(sqlite3_exec(db, "UPDATE photos SET error = 'x'", NULL, NULL, NULL), SQLITE_OK);
    check_fails(mask_images_open(&images, path, NULL, NULL, &err), MASK_EFORMAT, "holds no image");
    assert_int_equal(sqlite3_exec(db, "PRAGMA application_id = 5", NULL, NULL, NULL), SQLITE_OK);
    check_fails(mask_images_open(&images, path, NULL, NULL, &err), MASK_EFORMAT, "no region store");
    sqlite3_close(db);
}

/* Many threads read one handle. */
static void test_threads(void **state)
{
    (void)state;
    mask_error err;
    mask_images *r;
    int wrong = 0;
    static const size_t counts[] = {3, 1, 2};
    check_ok(mask__regions_reader_open(&r, new_store("threads.regions"), &err));
#pragma omp parallel for num_threads(4) reduction(+ : wrong)
    for (int i = 0; i < 300; i++) {
        float features[REGIONS * DIM], box[4];
        size_t image = (size_t)i % 3, last = counts[image] - 1;
        float first = (float)((image + 1) * 100) / 16, corner = (float)(image + 1 + last * 4) / 3;
        if (mask_images_features(r, image, features, NULL) != MASK_OK || features[0] != first) wrong++;
        if (!mask_images_box(r, image, last, box) || box[0] != corner) wrong++;
    }
    assert_int_equal(wrong, 0);
    mask_images_close(r);
}

static void test_changes(void **state)
{
    (void)state;
    mask_error err;
    mask__regions_store *store;
    mask_images *r;
    bool copied;
    const char *path = new_store("changes.regions");
    check_ok(mask__regions_open(&store, path, &make, &err));
    put(store, "b.jpg", "/p/b.jpg", 7, 3); /* changed */
    put(store, "a.jpg", "/q/a.jpg", 4, 1); /* its id is taken */
    mask__regions_row same = new_row("copy.jpg", "/p/copy.jpg", 3, 0);
    check_ok(mask__regions_copy(store, &same, &copied, &err));
    assert_true(copied);
    same = new_row("other.jpg", "/p/other.jpg", 99, 0);
    check_ok(mask__regions_copy(store, &same, &copied, &err));
    assert_false(copied);
    same = new_row("c.jpg", "/p/c.jpg", 3, 0); /* touched: the content is its own */
    same.mtime = 77;
    check_ok(mask__regions_copy(store, &same, &copied, &err));
    assert_true(copied);
    check_ok(mask__regions_remove(store, "/p/a.jpg", &err));
    check_ok(mask__regions_commit(store, &err));
    put(store, "lost.jpg", "/p/lost.jpg", 5, 1); /* not committed */
    mask__regions_close(store);

    check_ok(mask__regions_reader_open(&r, path, &err));
    assert_int_equal(mask_images_count(r), 4);
    check_image(r, (size_t)mask_images_find(r, "/q/a.jpg"), 4, 1);
    assert_string_equal(mask_images_id(r, 0), "/q/a.jpg");
    check_image(r, (size_t)mask_images_find(r, "b.jpg"), 7, 3);
    check_image(r, (size_t)mask_images_find(r, "c.jpg"), 3, 2);
    check_image(r, (size_t)mask_images_find(r, "copy.jpg"), 3, 2);
    assert_int_equal(mask_images_find(r, "/p/a.jpg"), -1);
    assert_int_equal(mask_images_find(r, "lost.jpg"), -1);
    mask_images_close(r);
}

static mask_status note_path(void *user, const mask__regions_seen *photo, mask_error *err)
{
    (void)err;
    char *seen = user;
    if (strcmp(photo->path, "/p/b.jpg") == 0) {
        assert_true(photo->size == 1002 && photo->mtime == 5000000000123456791);
        assert_true(photo->hash == 0xf000000000000002u);
    }
    snprintf(seen + strlen(seen), 200 - strlen(seen), "%s%s ", photo->path, photo->error ? "!" : "");
    return MASK_OK;
}

static void test_each(void **state)
{
    (void)state;
    mask_error err;
    mask__regions_store *store;
    char seen[200] = "";
    check_ok(mask__regions_open(&store, new_store("paths.regions"), &make, &err));
    check_ok(mask__regions_each(store, note_path, seen, &err));
    assert_string_equal(seen, "/p/a.jpg /p/b.jpg /p/bad.jpg! /p/c.jpg ");
    mask__regions_close(store);
}

/* Readers do not keep writers out, and notice that a photo has changed. */
static void test_changed_under_reader(void **state)
{
    (void)state;
    mask_error err;
    mask__regions_store *store;
    mask_images *r;
    float features[REGIONS * DIM], box[4];
    const char *path = new_store("under.regions");
    check_ok(mask__regions_reader_open(&r, path, &err));
    assert_true(mask_images_box(r, 0, 0, box));
    check_ok(mask__regions_open(&store, path, &make, &err));
    put(store, "a.jpg", "/p/a.jpg", 1, 2);
    check_ok(mask__regions_remove(store, "/p/b.jpg", &err));
    check_ok(mask__regions_commit(store, &err));
    check_fails(mask_images_features(r, 0, features, &err), MASK_EFORMAT, "has changed since it was opened");
    check_fails(mask_images_features(r, 1, features, &err), MASK_ENOTFOUND, "b.jpg is gone");
    assert_false(mask_images_box(r, 1, 0, box));
    mask__regions_close(store);
    mask_images_close(r);
}

static void test_refused_rows(void **state)
{
    (void)state;
    mask_error err;
    mask__regions_store *store;
    float features[DIM] = {0, 0, 0, NAN, 0};
    check_ok(mask__regions_open(&store, temp_path("rows.regions"), &make, &err));
    mask__regions_row row = new_row("a", "/a", 1, 1);
    row.features = features;
    check_fails(mask__regions_put(store, &row, &err), MASK_ENUMERIC, "NaN or too large");
    features[3] = 65505;
    check_fails(mask__regions_put(store, &row, &err), MASK_ENUMERIC, "/a: region 0");
    features[3] = -65504;
    check_ok(mask__regions_put(store, &row, &err));
    row.count = MASK__REGIONS_MAX + 1;
    check_fails(mask__regions_put(store, &row, &err), MASK_EINVAL, "are the most");
    mask__regions_close(store);
}

static void test_other_make(void **state)
{
    (void)state;
    mask_error err;
    mask__regions_store *store;
    const char *path = new_store("make.regions");
    mask__regions_make other = make;
    other.encoder++;
    check_fails(mask__regions_open(&store, path, &other, &err), MASK_EMISMATCH, "another encoder");
    assert_null(store);
    other = make;
    other.options = "regions 12";
    check_fails(mask__regions_open(&store, path, &other, &err), MASK_EMISMATCH, "'regions 36', not 'regions 12'");
    other.dim = 0;
    check_fails(mask__regions_open(&store, temp_path("tables.regions"), &other, &err), MASK_EFORMAT, "without tables");
}

/* Changes a good store by SQL and expects a refusal at open. */
static void check_refused(const char *sql, mask_status status, const char *part)
{
    mask_error err;
    sqlite3 *db;
    mask_images *r = NULL;
    const char *path = new_store("refused.regions");
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
    check_fails(mask__regions_reader_open(&r, path, &err), status, part);
    assert_null(r);
    unlink(path);
}

static void test_refused_files(void **state)
{
    (void)state;
    check_refused("PRAGMA application_id = 1", MASK_EFORMAT, "no region store");
    check_refused("PRAGMA user_version = 2", MASK_EFORMAT, "is of version 2");
    check_refused("PRAGMA user_version = 0", MASK_EFORMAT, "is of version 0");
    check_refused("DROP TABLE photos", MASK_EFORMAT, "no such table");
    check_refused("DROP TABLE meta", MASK_EFORMAT, "no such table");
    check_refused("DELETE FROM meta WHERE key = 'dim'", MASK_EFORMAT, "lacks 'dim'");
    check_refused("UPDATE meta SET value = '0' WHERE key = 'dim'", MASK_EFORMAT, "no dimension");
    check_refused("UPDATE meta SET value = '99999999999999999999' WHERE key = 'dim'", MASK_EFORMAT, "out of range");
    check_refused("UPDATE meta SET value = 'many' WHERE key = 'dim'", MASK_EFORMAT, "'dim' is 'many'");
    check_refused("UPDATE meta SET value = 'x' WHERE key = 'encoder'", MASK_EFORMAT, "'encoder'");
    check_refused("UPDATE photos SET regions = 0 WHERE id = 'a.jpg'", MASK_EFORMAT, "number of regions");
    check_refused("UPDATE photos SET regions = 9999999999 WHERE id = 'a.jpg'", MASK_EFORMAT, "number of regions");
    check_refused("UPDATE photos SET id = '' WHERE id = 'a.jpg'", MASK_EFORMAT, "is missing");
}

/* Damage that shows when a photo is read. */
/* A view in a table's place would be run, for as long as it says. */
static void test_forged(void **state)
{
    (void)state;
    static const char *const forged[] = {
        "ALTER TABLE photos RENAME TO other; CREATE VIEW photos AS WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x "
        "+ 1 "
        "FROM c) SELECT x AS number, x AS id, x AS path, 1 AS regions, 1 AS width, 1 AS height, NULL AS error FROM c",
        "ALTER TABLE meta RENAME TO other; CREATE VIEW meta AS WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 "
        "FROM c) SELECT 'dim' AS key, x AS value FROM c WHERE x < 0",
        "CREATE TRIGGER t AFTER INSERT ON photos BEGIN DELETE FROM meta; END",
        "CREATE VIRTUAL TABLE v USING rtree(id, a, b)",
        "ALTER TABLE photos ADD COLUMN long TEXT AS (hex(hex(id)))",
    };
    for (size_t i = 0; i < sizeof forged / sizeof *forged; i++) {
        sqlite3 *db;
        mask_error err;
        mask_images *r;
        mask__regions_store *store;
        const char *path = new_store("forged.regions");
        assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
        assert_int_equal(sqlite3_exec(db, forged[i], NULL, NULL, NULL), SQLITE_OK);
        sqlite3_close(db);
        alarm(60);
        check_fails(mask__regions_reader_open(&r, path, &err), MASK_EFORMAT, "none of ours");
        check_fails(mask__regions_open(&store, path, &make, &err), MASK_EFORMAT, "none of ours");
        alarm(0);
        unlink(path);
    }
}

static void test_refused_photos(void **state)
{
    (void)state;
    static const struct {
        const char *sql, *part;
        mask_status status;
    } cases[] = {
        {"UPDATE photos SET features = NULL", "features have 0 bytes", MASK_EFORMAT},
        {"UPDATE photos SET features = zeroblob(3)", "features have 3 bytes", MASK_EFORMAT},
        {"UPDATE photos SET regions = 2 WHERE id = 'a.jpg'", "features have 30 bytes", MASK_EFORMAT},
        {"UPDATE photos SET features = 12", "bytes", MASK_EFORMAT},
    };
    mask_error err;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        sqlite3 *db;
        mask_images *r;
        float features[REGIONS * DIM];
        const char *path = new_store("photos.regions");
        assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
        assert_int_equal(sqlite3_exec(db, cases[i].sql, NULL, NULL, NULL), SQLITE_OK);
        sqlite3_close(db);
        check_ok(mask__regions_reader_open(&r, path, &err));
        check_fails(mask_images_features(r, 0, features, &err), cases[i].status, cases[i].part);
        mask_images_close(r);
        unlink(path);
    }
}

static void test_no_store(void **state)
{
    (void)state;
    mask_error err;
    mask_images *r;
    mask__regions_store *store;
    const char *path = temp_path("text.regions");
    check_fails(mask__regions_reader_open(&r, temp_path("none.regions"), &err), MASK_EIO, "cannot open");
    write_text(path, "this is no database at all, but a text of some length that goes on and on and on");
    check_fails(mask__regions_reader_open(&r, path, &err), MASK_EFORMAT, "not a database");
    check_fails(mask__regions_open(&store, path, &make, &err), MASK_EFORMAT, "not a database");
    path = temp_path("empty.regions");
    write_text(path, "");
    check_fails(mask__regions_reader_open(&r, path, &err), MASK_EFORMAT, "empty store");
    check_fails(mask__regions_open(&store, "/nowhere/at/all.regions", &make, &err), MASK_EIO, "cannot read or write");
}

/* What 14 regions of 1,280 values take, all told. */
static void test_size(void **state)
{
    (void)state;
    enum { PHOTOS = 100, COUNT = 14, WIDE = 1280, MOST_BYTES = 40000 };
    static float boxes[COUNT * 4], scores[COUNT], features[COUNT * WIDE];
    static int32_t none[COUNT];
    mask_error err;
    mask__regions_store *store;
    const mask__regions_make wide = {.dim = WIDE, .options = "features pool, regions 0, grid 3"};
    const char *path = temp_path("size.regions");
    struct stat info;
    check_ok(mask__regions_open(&store, path, &wide, &err));
    for (int i = 0; i < PHOTOS; i++) {
        char id[64], place[128];
        snprintf(id, sizeof id, "2024/holidays/IMG_%04d.jpg", i);
        snprintf(place, sizeof place, "/home/somebody/pictures/%s", id);
        mask__regions_row row = {.id = id,
                                 .path = place,
                                 .count = COUNT,
                                 .boxes = boxes,
                                 .labels = none,
                                 .scores = scores,
                                 .features = features};
        check_ok(mask__regions_put(store, &row, &err));
    }
    check_ok(mask__regions_commit(store, &err));
    mask__regions_close(store);
    assert_int_equal(stat(path, &info), 0);
    assert_true(info.st_size / PHOTOS < MOST_BYTES);
}

/* A store cut or flipped anywhere is read or refused, never worse. */
static void test_damaged(void **state)
{
    (void)state;
    mask_error err;
    size_t size;
    unsigned seed = 1, refused = 0;
    char *good = read_whole(new_store("good.regions"), &size);
    const char *path = temp_path("damaged.regions");
    for (int round = 0; round < 150; round++) {
        mask_images *r;
        size_t at = (size_t)rand_r(&seed) % size, part = round % 3 ? size : at;
        char kept = good[at];
        if (round % 3) good[at] = (char)(kept ^ (1 << (round % 8)));
        write_file(path, good, part);
        good[at] = kept;
        if (mask__regions_reader_open(&r, path, &err) != MASK_OK) {
            refused++;
            continue;
        }
        for (size_t i = 0; i < mask_images_count(r); i++) {
            float box[4], *features = calloc(mask_images_regions(r, i) * mask_images_dim(r), sizeof *features);
            assert_non_null(features);
            mask_images_features(r, i, features, &err);
            mask_images_box(r, i, 0, box);
            free(features);
        }
        mask_images_close(r);
    }
    assert_true(refused >= 40);
    free(good);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_small),
        cmocka_unit_test(test_round),
        cmocka_unit_test(test_images),
        cmocka_unit_test(test_threads),
        cmocka_unit_test(test_changes),
        cmocka_unit_test(test_each),
        cmocka_unit_test(test_changed_under_reader),
        cmocka_unit_test(test_refused_rows),
        cmocka_unit_test(test_other_make),
        cmocka_unit_test(test_refused_files),
        cmocka_unit_test(test_forged),
        cmocka_unit_test(test_refused_photos),
        cmocka_unit_test(test_no_store),
        cmocka_unit_test(test_size),
        cmocka_unit_test(test_damaged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
