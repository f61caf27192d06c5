/* The catalogue of a gallery: what is committed is there, one writer, readers that are not fooled, metadata, conditions
 * that reach for more than they may, and files that are damaged. Segments are any files here. */
#include "check.h"
#include "base/sqlfile.h"
#include "gallery/catalogue.h"

#include <dirent.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static const char *new_folder(void)
{
    static char path[256];
    static int count;
    char name[32];
    mask_error err;
    mask__catalogue_settings settings = {
        .options = mask_match_tuned(), .gallery = mask_gallery_defaults(), .whole_region = MASK_WHOLE_AUTO};
    settings.gallery.budget = 7;
    snprintf(name, sizeof name, "g%d.gallery", count++);
    snprintf(path, sizeof path, "%s", temp_path(name));
    mkdir(path, 0777);
    check_ok(mask__catalogue_create(path, &settings, &err));
    return path;
}

static const char *inside(const char *folder, const char *name)
{
    static char path[4][512];
    static int next;
    next = (next + 1) % 4;
    snprintf(path[next], sizeof path[next], "%s/%s", folder, name);
    return path[next];
}

/* A segment of images ids[0..count), committed. */
static uint64_t add(const char *folder, const char *const *ids, size_t count)
{
    mask_error err;
    mask__catalogue *c;
    uint64_t segment;
    char name[MASK__PART_NAME_BYTES];
    check_ok(mask__catalogue_open(&c, folder, true, &err));
    check_ok(mask__catalogue_next_segment(c, &segment, &err));
    mask__part_name(segment, "segment", name);
    write_text(inside(folder, name), "segment");
    check_ok(mask__catalogue_begin(c, &err));
    check_ok(mask__catalogue_add_segment(c, segment, count, &err));
    for (size_t i = 0; i < count; i++) {
        bool replaced;
        char file[64];
        snprintf(file, sizeof file, "%s.jpg", ids[i]);
        mask__catalogue_image image = {.id = ids[i],
                                       .name = i % 2 ? file : NULL,
                                       .width = (uint32_t)(100 + i),
                                       .height = 50,
                                       .content = segment * 1000 + i};
        check_ok(mask__catalogue_put(c, segment, i, &image, &replaced, &err));
    }
    check_ok(mask__catalogue_commit(c, &err));
    mask__catalogue_close(c);
    return segment;
}

static void add_numbers(const char *folder, int first, int count)
{
    char ids[1000][8];
    const char *pointers[1000];
    for (int i = 0; i < count; i++) {
        snprintf(ids[i], sizeof ids[i], "i%d", first + i);
        pointers[i] = ids[i];
    }
    add(folder, pointers, (size_t)count);
}

static void described(const char *folder, const char *table)
{
    mask_error err;
    mask__catalogue *c;
    size_t rows, missing;
    write_text(temp_path("table.tsv"), table);
    check_ok(mask__catalogue_open(&c, folder, true, &err));
    check_ok(mask__catalogue_begin(c, &err));
    check_ok(mask__catalogue_describe(c, temp_path("table.tsv"), &rows, &missing, NULL, &err));
    check_ok(mask__catalogue_commit(c, &err));
    mask__catalogue_close(c);
}

static mask_status describe_fails(const char *folder, const char *table, mask_error *err)
{
    mask__catalogue *c;
    size_t rows, missing;
    write_text(temp_path("table.tsv"), table);
    mask_status status = mask__catalogue_open(&c, folder, true, err);
    if (status == MASK_OK) status = mask__catalogue_begin(c, err);
    if (status == MASK_OK) status = mask__catalogue_describe(c, temp_path("table.tsv"), &rows, &missing, NULL, err);
    mask__catalogue_rollback(c);
    mask__catalogue_close(c);
    return status;
}

/* How many images satisfy a condition, or the failure. */
static mask_status where(const char *folder, const char *condition, size_t *count, mask_error *err)
{
    mask__catalogue *c;
    mask__snapshot s;
    uint64_t bits[8][16] = {{0}}, *allowed[8];
    for (size_t i = 0; i < 8; i++) allowed[i] = bits[i];
    *count = 0;
    mask_status status = mask__catalogue_open(&c, folder, false, err);
    if (status != MASK_OK) return status;
    status = mask__catalogue_snapshot(c, &s, err);
    if (status == MASK_OK) status = mask__catalogue_where(c, &s, condition, allowed, NULL, err);
    for (size_t i = 0; i < s.segment_count; i++)
        for (size_t j = 0; j < s.segments[i].images; j++)
            if (bits[i][j / 64] >> j % 64 & 1) {
                assert_true(s.segments[i].alive[j / 64] >> j % 64 & 1);
                ++*count;
            }
    mask__snapshot_free(&s);
    mask__catalogue_close(c);
    return status;
}

static size_t counted(const char *folder, const char *condition)
{
    mask_error err;
    size_t count;
    check_ok(where(folder, condition, &count, &err));
    return count;
}

static void settings_come_back(void **state)
{
    (void)state;
    mask_error err;
    mask__catalogue *c;
    mask__catalogue_settings s, other;
    const char *folder = new_folder();
    check_ok(mask__catalogue_open(&c, folder, true, &err));
    check_ok(mask__catalogue_settings_read(c, &s, &err));
    mask_match_options o = mask_match_tuned();
    assert_true(s.options.context == o.context && s.options.image_power == o.image_power &&
                s.options.ood_temperature == o.ood_temperature && s.options.ood_weight == -1);
    assert_int_equal(s.options.calibrate, MASK_CALIBRATE_FULL);
    assert_int_equal(s.whole_region, MASK_WHOLE_AUTO);
    assert_int_equal(s.gallery.budget, 7);
    check_ok(mask__catalogue_begin(c, &err));
    check_ok(mask__catalogue_set_whole_region(c, 0, &err));
    check_ok(mask__catalogue_commit(c, &err));
    check_ok(mask__catalogue_settings_read(c, &other, &err));
    assert_int_equal(other.whole_region, 0);
    assert_null(mask__catalogue_settings_differ(&s, &other));
    other.options.hub_text = 9;
    assert_string_equal(mask__catalogue_settings_differ(&s, &other), "hub_text");
    mask__catalogue_close(c);
}

static void images_are_put_replaced_moved_and_removed(void **state)
{
    (void)state;
    mask_error err;
    mask__catalogue *c, *reader;
    mask__snapshot before, after;
    size_t segment, image;
    uint64_t content;
    bool found;
    const char *folder = new_folder();
    uint64_t first = add(folder, (const char *[]){"a", "b", "c"}, 3);
    add(folder, (const char *[]){"d", "b"}, 2);
    check_ok(mask__catalogue_open(&reader, folder, false, &err));
    check_ok(mask__catalogue_snapshot(reader, &before, &err));
    assert_int_equal(before.images, 4);
    assert_int_equal(before.segment_count, 2);
    assert_int_equal(before.segments[0].alive_count, 2);
    assert_true(mask__snapshot_find(&before, "b", &segment, &image) && segment == 1 && image == 1);
    assert_string_equal(before.segments[1].names[1], "b.jpg");
    assert_int_equal(before.segments[1].widths[1], 101);
    assert_false(mask__snapshot_find(&before, "e", &segment, &image));

    check_ok(mask__catalogue_open(&c, folder, true, &err));
    check_ok(mask__catalogue_begin(c, &err));
    check_ok(mask__catalogue_remove(c, "d", &found, &err));
    assert_true(found);
    check_ok(mask__catalogue_remove(c, "nobody", &found, &err));
    assert_false(found);
    check_ok(mask__catalogue_add_segment(c, 3, 2, &err));
    check_ok(mask__catalogue_move(c, "a", 3, 1, &err));
    check_ok(mask__catalogue_move(c, "c", 3, 0, &err));
    check_ok(mask__catalogue_move(c, "nobody", 3, 0, &err)); /* nothing */
    check_ok(mask__catalogue_drop_segment(c, first, &err));
    /* A reader sees none of it yet. */
    check_ok(mask__catalogue_snapshot(reader, &after, &err));
    assert_int_equal(after.generation, before.generation);
    assert_int_equal(after.images, 4);
    mask__snapshot_free(&after);
    check_ok(mask__catalogue_commit(c, &err));
    check_ok(mask__catalogue_content(c, "a", &content, &found, &err));
    assert_true(found && content == 1000);
    check_ok(mask__catalogue_snapshot(reader, &after, &err));
    assert_int_equal(after.generation, before.generation + 1);
    assert_int_equal(after.images, 3);
    assert_true(mask__snapshot_find(&after, "a", &segment, &image) && segment == 1 && image == 1);
    assert_true(mask__snapshot_find(&after, "c", &segment, &image) && segment == 1 && image == 0);
    /* What was opened before is as it was. */
    assert_true(mask__snapshot_find(&before, "d", &segment, &image));
    uint64_t bits[2] = {0}, *allowed[2] = {bits, bits + 1};
    check_fails(mask__catalogue_where(reader, &before, "1", allowed, NULL, &err), MASK_EMISMATCH, "open it again");
    mask__snapshot_free(&before);
    mask__snapshot_free(&after);
    mask__catalogue_close(c);
    mask__catalogue_close(reader);
}

static void what_is_rolled_back_never_was(void **state)
{
    (void)state;
    mask_error err;
    mask__catalogue *c;
    mask__snapshot s;
    bool found;
    const char *folder = new_folder();
    add(folder, (const char *[]){"a"}, 1);
    check_ok(mask__catalogue_open(&c, folder, true, &err));
    check_ok(mask__catalogue_begin(c, &err));
    check_ok(mask__catalogue_remove(c, "a", &found, &err));
    mask__catalogue_rollback(c);
    check_ok(mask__catalogue_snapshot(c, &s, &err));
    assert_int_equal(s.images, 1);
    mask__snapshot_free(&s);
    /* A segment's number is not used again, though its segment is gone. */
    check_ok(mask__catalogue_begin(c, &err));
    check_ok(mask__catalogue_remove(c, "a", &found, &err));
    check_ok(mask__catalogue_drop_segment(c, 1, &err));
    check_ok(mask__catalogue_commit(c, &err));
    uint64_t next;
    check_ok(mask__catalogue_next_segment(c, &next, &err));
    assert_int_equal(next, 2);
    mask__catalogue_close(c);
}

static void one_writer_at_a_time(void **state)
{
    (void)state;
    mask_error err;
    mask__catalogue *writer, *other;
    char who[64];
    const char *folder = new_folder();
    check_ok(mask__catalogue_open(&writer, folder, true, &err));
    snprintf(who, sizeof who, "process %ld is changing this gallery", (long)getpid());
    check_fails(mask__catalogue_open(&other, folder, true, &err), MASK_EIO, who);
    assert_null(other);
    check_ok(mask__catalogue_open(&other, folder, false, &err));
    mask__catalogue_close(other);
    mask__catalogue_close(writer);
    check_ok(mask__catalogue_open(&writer, folder, true, &err));
    mask__catalogue_close(writer);
}

static bool exists(const char *folder, const char *name)
{
    return access(inside(folder, name), F_OK) == 0;
}

static void only_the_next_writer_sweeps(void **state)
{
    (void)state;
    mask_error err;
    mask__catalogue *c;
    const char *folder = new_folder();
    add(folder, (const char *[]){"a"}, 1);
    static const char *const orphans[] = {"00000002.segment", "123456789.segment", "00000002.segment.tmp-77",
                                          "catalogue.sqlite.new", "knowledge.mask.tmp-3"};
    static const char *const others[] = {"00000001.segment", "2.segment", "notes.txt", "00000002.segment.bak"};
    for (size_t i = 0; i < 5; i++) write_text(inside(folder, orphans[i]), "x");
    for (size_t i = 0; i < 4; i++) write_text(inside(folder, others[i]), "x");
    check_ok(mask__catalogue_open(&c, folder, false, &err));
    mask__catalogue_close(c);
    for (size_t i = 0; i < 5; i++) assert_true(exists(folder, orphans[i]));
    check_ok(mask__catalogue_open(&c, folder, true, &err));
    mask__catalogue_close(c);
    for (size_t i = 0; i < 5; i++) assert_false(exists(folder, orphans[i]));
    for (size_t i = 0; i < 4; i++) assert_true(exists(folder, others[i]));
}

static void metadata_are_numbers_where_all_are(void **state)
{
    (void)state;
    const char *folder = new_folder();
    add(folder, (const char *[]){"a", "b", "c"}, 3);
    described(folder,
              "\xef\xbb\xbfid\tyear\tplace\tzip\tna\xc3\xafve\r\na\t1999\tRome\t007\t1e3\r\nb\t2004.5\tOslo\t12\t-2\r\n"
              "c\t\t\t\t\nx\t1\t2\t3\t4\n");
    assert_int_equal(counted(folder, "year > 2000"), 1);
    assert_int_equal(counted(folder, "year > '1000'"), 2); /* compared as numbers */
    assert_int_equal(counted(folder, "year > 1000 AND place = 'Rome'"), 1);
    assert_int_equal(counted(folder, "zip = '007'"), 1);
    assert_int_equal(counted(folder, "typeof(zip) = 'text'"), 2);
    assert_int_equal(counted(folder, "year IS NULL AND place IS NULL"), 1);
    assert_int_equal(counted(folder, "\"na\xc3\xafve\" = 1000"), 1);
    assert_int_equal(counted(folder, "width = 101 AND height = 50 AND name = 'b.jpg' AND id = 'b'"), 1);
    assert_int_equal(counted(folder, "year = (SELECT max(year) FROM image)"), 1);
    assert_int_equal(counted(folder, "place LIKE 'o%' OR lower(place) IN ('rome')"), 2);
    assert_int_equal(counted(folder, "1"), 3);
    assert_int_equal(counted(folder, "(('a)' = 'a)'))"), 3);
    /* A column of the table is replaced, another stays. */
    described(folder, "id\tyear\tcamera\nc\tlong ago\tbox\n");
    assert_int_equal(counted(folder, "year = 'long ago' AND camera = 'box'"), 1);
    assert_int_equal(counted(folder, "year IS NULL"), 2);
    assert_int_equal(counted(folder, "place = 'Rome'"), 1);
}

static void metadata_stay_with_the_id(void **state)
{
    (void)state;
    mask_error err;
    mask__catalogue *c;
    bool found;
    const char *folder = new_folder();
    add(folder, (const char *[]){"a", "b"}, 2);
    described(folder, "id\tyear\na\t1\nb\t2\n");
    add(folder, (const char *[]){"a"}, 1); /* replaces */
    assert_int_equal(counted(folder, "year = 1"), 1);
    check_ok(mask__catalogue_open(&c, folder, true, &err));
    check_ok(mask__catalogue_begin(c, &err));
    check_ok(mask__catalogue_remove(c, "b", &found, &err));
    check_ok(mask__catalogue_commit(c, &err));
    mask__catalogue_close(c);
    add(folder, (const char *[]){"b"}, 1); /* a new image under an old id knows nothing of the old one */
    assert_int_equal(counted(folder, "year = 2"), 0);
    assert_int_equal(counted(folder, "year IS NULL"), 1);
}

static void broken_tables_change_nothing(void **state)
{
    (void)state;
    mask_error err;
    char wide[4096] = "id";
    const char *folder = new_folder();
    add(folder, (const char *[]){"a"}, 1);
    described(folder, "id\tyear\na\t1\n");
    static const struct {
        const char *table, *part;
    } bad[] = {
        {"", "must begin with the column 'id'"},
        {"name\tyear\na\t1\n", "must begin with the column 'id'"},
        {"id\na\n", "no column beside"},
        {"id\tyear\tYEAR\na\t1\t2\n", "stands twice"},
        {"id\twidth\na\t1\n", "'width'"},
        {"id\ta b\na\t1\n", "'a b'"},
        {"id\t1st\na\t1\n", "'1st'"},
        {"id\t\na\t1\n", "name must be"},
        {"id\ty\"; DROP TABLE item; --\na\t1\n", "name must be"},
        {"id\tyear\na\t2\nb\n", "line 3: has not as many columns"},
        {"id\tyear\na\t2\t3\n", "line 2: has not as many columns"},
        {"id\tyear\n\t2\n", "empty id"},
        {"id\tyear\na\t2\na\t3\n", "line 3: this id stood before: 'a'"},
        {"id\tyear\na\t\xff\n", "line 2: is not UTF-8"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        check_fails(describe_fails(folder, bad[i].table, &err), MASK_EFORMAT, bad[i].part);
        assert_int_equal(counted(folder, "year = 1"), 1);
    }
    for (int i = 0; i < 210; i++) snprintf(wide + strlen(wide), sizeof wide - strlen(wide), "\tc%d", i);
    check_fails(describe_fails(folder, wide, &err), MASK_EFORMAT, "more than 200");
    mask__catalogue *c;
    size_t rows, missing;
    check_ok(mask__catalogue_open(&c, folder, true, &err));
    check_ok(mask__catalogue_begin(c, &err));
    check_fails(mask__catalogue_describe(c, "-", &rows, &missing, NULL, &err), MASK_EINVAL, "read twice");
    check_fails(mask__catalogue_describe(c, "/nowhere.tsv", &rows, &missing, NULL, &err), MASK_EIO, "/nowhere.tsv");
    mask__catalogue_rollback(c);
    mask__catalogue_close(c);
}

static void conditions_reach_nothing_else(void **state)
{
    (void)state;
    mask_error err;
    size_t count, before_size, after_size;
    const char *folder = new_folder();
    char *long_one = malloc(70000), *deep = malloc(20000);
    add_numbers(folder, 0, 200);
    described(folder, "id\tyear\tplace\ni1\t2001\tRome\n");
    void *before = read_whole(inside(folder, "catalogue.sqlite"), &before_size);
    static const struct {
        const char *condition, *part;
    } bad[] = {
        {"1=1; DROP TABLE item", "';' is not allowed"},
        {"1=1); DROP TABLE item; --", "closes a parenthesis"},
        {"1) UNION SELECT 4294967296 WHERE (1", "closes a parenthesis"},
        {"(1", "is not closed"},
        {"'abc", "quote is not closed"},
        {"1 -- x", "comments"},
        {"1 /* x", "comments"},
        {"year = ?", "parameters"},
        {"year = :a", "parameters"},
        {"(SELECT count(*) FROM sqlite_master) > 0", "may only compare"},
        {"id IN (SELECT name FROM sqlite_schema)", "may only compare"},
        {"(SELECT max(content) FROM item) > 0", "may only compare"},
        {"EXISTS (SELECT \"meta:year\" FROM item)", "may only compare"},
        {"\"meta:year\" > 3", "no such column"},
        {"(SELECT value FROM state) > 0", "may only compare"},
        {"(SELECT count(*) FROM pragma_table_info('item')) > 0", "may only compare"},
        {"load_extension('/tmp/x.so')", "may only compare"},
        {"randomblob(1000000000) IS NULL", "may only compare"},
        {"zeroblob(1000000000) IS NULL", "may only compare"},
        {"printf('%.999999999c', 'x') IS NULL", "may only compare"},
        {"fts3_tokenizer('x') IS NULL", "may only compare"},
        {"year IN (WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT x FROM c)",
         "may only compare"},
        {"(SELECT count(*) FROM image a, image b, image c, image d) > 0", "too many steps"},
        {"length(replace(replace(replace(replace(hex(hex(hex(hex(hex(hex(id)))))), '3', "
         "hex(hex(hex(hex(hex('abcdefghabcdefgh')))))), "
         "'3', hex(hex(hex('abcdefghabcdefgh')))), '3', 'aaaaaaaaaaaaaaaaaaaaaaaaaaa'), '3', 'bbbb')) > 1",
         "too long"},
        {"trim(id, 'abc') = ''", "take one value"},
        {"ltrim(id, 'abc') = ''", "take one value"},
        {"ATTACH '/tmp/x' AS x", "near"},
        {"DELETE FROM item", "near"},
        {"PRAGMA journal_mode = DELETE", "near"},
        {"", "near"},
        {"AND", "near"},
        {"place = \"Rome\"", "no such column: Rome (texts stand in single quotes"},
        {"colour = 1", "no such column: colour"},
        {"colour(1)", "no such function"},
        {"id LIKE "
         "'%"
         "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
         "aaaaa"
         "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
         "aaaaaaaaaaaaaa"
         "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'",
         "too complex"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        memset(&err, 0, sizeof err);
        if (where(folder, bad[i].condition, &count, &err) != MASK_EINVAL || !strstr(err.message, bad[i].part) ||
            strchr(err.message, '\n'))
            fail_msg("%s: '%s'", bad[i].condition, err.message);
    }
    memset(long_one, '1', 69999);
    long_one[69999] = '\0';
    check_fails(where(folder, long_one, &count, &err), MASK_EINVAL, "longer than 65536");
    memset(deep, '(', 10000);
    memset(deep + 10000, ')', 9999);
    deep[19999] = '\0';
    check_fails(where(folder, deep, &count, &err), MASK_EINVAL, "not closed");
    memset(deep + 10000, '-', 1); /* 10000 opened, "-1", 10000 closed: balanced, and too deep for SQLite's parser */
    deep[10001] = '1';
    memset(deep + 10002, ')', 9997);
    check_fails(where(folder, deep + 3, &count, &err), MASK_EINVAL, "parser stack");
    void *after = read_whole(inside(folder, "catalogue.sqlite"), &after_size);
    assert_int_equal(before_size, after_size);
    assert_memory_equal(before, after, before_size);
    assert_int_equal(counted(folder, "year = 2001"), 1); /* and the connection is as before */
    free(before);
    free(after);
    free(long_one);
    free(deep);
}

/* One step of SQLite may not take long, and between two of them the run is asked. */
static int stop_at_once(void *user, const char *what, const char *unit, uint64_t done, uint64_t total)
{
    assert_string_equal(what, "condition");
    assert_string_equal(unit, "steps");
    assert_true(done <= total);
    return ++*(int *)user >= 3;
}

static void conditions_can_be_stopped(void **state)
{
    (void)state;
    /* Nearly the needle at every place of the haystack: 30,000 x 15,000 comparisons for each pair with image i0. */
    static const char slow[] = "EXISTS (SELECT 1 FROM image a, image b WHERE "
                               "instr(replace(substr(hex(hex(hex(a.long))), 1, 30000), '3', '3'), "
                               "substr(hex(hex(hex(a.long))), 1, 15000) || b.id) > 0)";
    mask_error err;
    mask__catalogue *c;
    mask__snapshot s;
    size_t count;
    int asked = 0;
    uint64_t bits[8][16] = {{0}}, *allowed[8];
    const char *folder = new_folder();
    char *table = calloc(1, 60000), *many = calloc(1, 60000);
    for (size_t i = 0; i < 8; i++) allowed[i] = bits[i];
    add_numbers(folder, 0, 300);
    size_t at = (size_t)sprintf(table, "id\tlong\ni0\t");
    memset(table + at, '3', 40000);
    strcpy(table + at + 40000, "\n");
    described(folder, table);
    check_fails(where(folder, "long LIKE '%4'", &count, &err), MASK_EINVAL, "32768 bytes");
    table[at + 4000] = '\n';
    table[at + 4001] = 0;
    for (int i = 1; i < 300; i++) {
        size_t end = strlen(table);
        snprintf(table + end, 60000 - end, "i%d\t333\n", i);
    }
    described(folder, table);
    assert_int_equal(counted(folder, "long LIKE '3%'"), 300);
    strcpy(many, "length(id) > 0");
    for (int i = 0; i < 99; i++) strcat(many, " AND length(id) > 0");
    assert_int_equal(counted(folder, many), 300);
    strcat(many, " AND id LIKE 'i%'");
    check_fails(where(folder, many, &count, &err), MASK_EINVAL, "more than 100 functions");
    check_ok(mask__catalogue_open(&c, folder, false, &err));
    check_ok(mask__catalogue_snapshot(c, &s, &err));
    time_t began = time(NULL);
    const mask_run run = {.progress = stop_at_once, .user = &asked};
    check_fails(mask__catalogue_where(c, &s, slow, allowed, &run, &err), MASK_ECANCELLED, "condition: stopped");
    assert_int_equal(asked, 3);
    assert_true(time(NULL) - began < 10);
    check_ok(mask__catalogue_where(c, &s, "id = 'i7'", allowed, &run, &err));
    mask__snapshot_free(&s);
    mask__catalogue_close(c);
    free(table);
    free(many);
}

/* Opens, reads all, asks; whatever comes of it, it must be a status with one line. */
static void use_damaged(const char *folder, bool must_fail)
{
    mask_error err = {0};
    mask__catalogue *c;
    mask__snapshot s;
    mask__catalogue_settings settings;
    mask_status status = mask__catalogue_open(&c, folder, false, &err);
    if (status == MASK_OK) {
        status = mask__catalogue_verify(c, &err);
        mask_status read = mask__catalogue_settings_read(c, &settings, status == MASK_OK ? &err : NULL);
        if (status == MASK_OK) status = read;
        read = mask__catalogue_snapshot(c, &s, status == MASK_OK ? &err : NULL);
        if (status == MASK_OK) status = read;
        uint64_t bits[8][16] = {{0}}, *allowed[8];
        for (size_t i = 0; i < 8; i++) allowed[i] = bits[i];
        if (read == MASK_OK && s.segment_count <= 8) {
            read = mask__catalogue_where(c, &s, "year > 3", allowed, NULL, status == MASK_OK ? &err : NULL);
            if (status == MASK_OK) status = read;
        }
        mask__snapshot_free(&s);
        mask__catalogue_close(c);
    }
    if (must_fail) assert_int_not_equal(status, MASK_OK);
    if (status != MASK_OK) {
        assert_true(*err.message && !strchr(err.message, '\n'));
        assert_int_equal(err.status, status);
    }
}

static void damaged_files_are_refused(void **state)
{
    (void)state;
    size_t size;
    const char *folder = new_folder();
    char path[300];
    add_numbers(folder, 0, 300);
    described(folder, "id\tyear\ni1\t2001\ni2\t5\n");
    snprintf(path, sizeof path, "%s", inside(folder, "catalogue.sqlite"));
    unsigned char *good = read_whole(path, &size);
    use_damaged(folder, false);
    for (size_t cut = 0; cut < size; cut += cut < 100 ? 1 : 1021) {
        write_file(path, good, cut);
        use_damaged(folder, true);
        unlink(inside(folder, "catalogue.sqlite-wal"));
        unlink(inside(folder, "catalogue.sqlite-shm"));
    }
    uint64_t seed = 7;
    for (int i = 0; i < 400; i++) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        size_t at = i < 100 ? (size_t)i : (size_t)((seed >> 20) % size);
        unsigned char kept = good[at];
        good[at] ^= (unsigned char)(1 << (seed >> 60) % 8);
        write_file(path, good, size);
        good[at] = kept;
        use_damaged(folder, false);
        unlink(inside(folder, "catalogue.sqlite-wal"));
        unlink(inside(folder, "catalogue.sqlite-shm"));
    }
    free(good);
}

static void run_sql(const char *path, const char *sql)
{
    sqlite3 *db;
    char *why = NULL;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 0, NULL);
    sqlite3_exec(db, "PRAGMA writable_schema = ON", NULL, NULL, NULL);
    if (sqlite3_exec(db, sql, NULL, NULL, &why) != SQLITE_OK) fail_msg("%s: %s", sql, why);
    sqlite3_close(db);
}

/* What a file holds beside our tables is not run: each of these read for ever, or as long as its maker wished. */
static void forged_files_are_refused(void **state)
{
    (void)state;
    static const char forever[] =
        "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT count(*) FROM c";
    static const struct {
        const char *sql, *part;
    } forged[] = {
        {"ALTER TABLE item RENAME TO other; DROP VIEW image; CREATE VIEW item AS WITH RECURSIVE c(x) AS (SELECT 1 "
         "UNION "
         "ALL SELECT x + 1 FROM c) SELECT x AS key, '' AS id, x AS place, '' AS name, 1 AS width, 1 AS height, 1 AS "
         "content, 1 AS sum FROM c WHERE x < 0",
         "none of ours"},
        {"DROP TABLE state; CREATE VIEW state AS WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) "
         "SELECT x "
         "AS name, x AS value FROM c WHERE x < 0",
         "holds 'state'"},
        {"DROP VIEW image; CREATE VIEW image AS SELECT 1 AS mask_row", "its view 'image'"},
        {"DROP VIEW image", "its view 'image'"},
        {"DROP VIEW image; CREATE TABLE image (mask_row)", "its view 'image'"},
        {"CREATE TRIGGER t AFTER INSERT ON item BEGIN DELETE FROM state; END", "holds 't'"},
        {"CREATE VIRTUAL TABLE v USING rtree(id, a, b)", "holds 'v"},
        {"CREATE TABLE more(a)", "holds 'more'"},
        {"CREATE INDEX slow ON item (length(id))", "holds 'slow'"},
        {"ALTER TABLE item ADD COLUMN long TEXT AS (replace(id, 'i', id))", "holds 'item'"},
        {"ALTER TABLE item ADD COLUMN \"meta:year\" NUMERIC CHECK (length(id) > 0)", "holds 'item'"},
        {"UPDATE sqlite_master SET sql = replace(sql, 'images INTEGER NOT NULL', 'images INTEGER AS (1)') WHERE name = "
         "'segment'",
         "holds 'segment'"},
    };
    for (size_t i = 0; i < sizeof forged / sizeof *forged; i++)
        for (int write = 0; write < 2; write++) {
            mask_error err;
            mask__catalogue *c;
            const char *folder = new_folder();
            add_numbers(folder, 0, 3);
            run_sql(inside(folder, "catalogue.sqlite"), forged[i].sql);
            alarm(60);
            if (mask__catalogue_open(&c, folder, write, &err) != MASK_EFORMAT || !strstr(err.message, forged[i].part))
                fail_msg("%s: '%s'", forged[i].sql, err.message);
            alarm(0);
        }
    sqlite3 *db;
    assert_int_equal(sqlite3_open(":memory:", &db), SQLITE_OK);
    mask__sql_bound(db, temp_path("nothing"));
    assert_int_equal(sqlite3_exec(db, forever, NULL, NULL, NULL), SQLITE_INTERRUPT);
    sqlite3_close(db);
}

static void a_changed_row_is_seen(void **state)
{
    (void)state;
    mask_error err;
    sqlite3 *db;
    mask__catalogue *c;
    mask__snapshot s;
    static const char *const changes[] = {"UPDATE item SET id = 'z' WHERE id = 'a'",
                                          "UPDATE item SET name = 'z' WHERE id = 'b'",
                                          "UPDATE item SET width = 3 WHERE id = 'a'",
                                          "UPDATE item SET content = 3 WHERE id = 'a'",
                                          "UPDATE item SET place = place + 2 WHERE id = 'b'",
                                          "UPDATE item SET place = place - 1 WHERE id = 'b'",
                                          "DELETE FROM segment",
                                          "UPDATE segment SET images = 1",
                                          "UPDATE segment SET images = 99999999999",
                                          "UPDATE segment SET number = 7"};
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        const char *folder = new_folder();
        add(folder, (const char *[]){"a", "b"}, 2);
        assert_int_equal(sqlite3_open(inside(folder, "catalogue.sqlite"), &db), SQLITE_OK);
        assert_int_equal(sqlite3_exec(db, changes[i], NULL, NULL, NULL), SQLITE_OK);
        sqlite3_close(db);
        check_ok(mask__catalogue_open(&c, folder, false, &err));
        check_fails(mask__catalogue_snapshot(c, &s, &err), MASK_EFORMAT, "is damaged");
        mask__catalogue_close(c);
    }
}

static void what_is_no_gallery_is_refused(void **state)
{
    (void)state;
    mask_error err;
    mask__catalogue *c;
    sqlite3 *db;
    mask__catalogue_settings settings;
    check_fails(mask__catalogue_open(&c, temp_path("nowhere"), false, &err), MASK_EIO, "is not a gallery");
    const char *folder = new_folder();
    const char *path = inside(folder, "catalogue.sqlite");
    static const struct {
        const char *sql, *part;
    } bad[] = {
        {"PRAGMA user_version = 3", "version 3 is newer"},
        {"PRAGMA user_version = 2; INSERT INTO state VALUES('sharpness', 3)", "option 'sharpness' that this version"},
        {"DELETE FROM state WHERE name = 'sharpness'; INSERT INTO state VALUES('pool', 9)", "pool 9: must be one of"},
        {"UPDATE state SET value = 2 WHERE name = 'pool'", "pool 2: must be one of"}, /* `both` of version 1 */
        {"DELETE FROM state WHERE name = 'pool'; UPDATE state SET value = 'top 3, colour red' WHERE name = "
         "'options.match'",
         "option 'colour' that this version"},
        {"DROP TABLE state", "is damaged"},
        {"PRAGMA application_id = 5", "not the catalogue of a gallery"}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
        assert_int_equal(sqlite3_exec(db, bad[i].sql, NULL, NULL, NULL), SQLITE_OK);
        sqlite3_close(db);
        mask_status status = mask__catalogue_open(&c, folder, false, &err);
        if (status == MASK_OK) status = mask__catalogue_settings_read(c, &settings, &err);
        assert_int_equal(status, MASK_EFORMAT);
        if (!strstr(err.message, bad[i].part)) fail_msg("'%s' lacks '%s'", err.message, bad[i].part);
        mask__catalogue_close(c);
    }
}

/* Children are killed while they commit; after each, what was reported committed is there, whole. */
static void a_killed_writer_loses_nothing(void **state)
{
    (void)state;
    mask_error err;
    mask__catalogue *c;
    mask__snapshot s;
    const char *folder = new_folder();
    int told = 0;
    for (int round = 0; round < 12; round++) {
        int pipes[2];
        assert_int_equal(pipe(pipes), 0);
        pid_t child = fork();
        if (child == 0) {
            for (int i = told;; i++) {
                char id[3][16];
                for (int j = 0; j < 3; j++) snprintf(id[j], sizeof id[j], "%d-%d", i, j);
                add(folder, (const char *[]){id[0], id[1], id[2]}, 3);
                if (write(pipes[1], "x", 1) != 1) _exit(1);
            }
        }
        close(pipes[1]);
        char seen;
        int wait_for = 1 + round % 4;
        for (int i = 0; i < wait_for; i++) assert_int_equal(read(pipes[0], &seen, 1), 1);
        usleep((useconds_t)(round * 700));
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
        while (read(pipes[0], &seen, 1) == 1) wait_for++;
        close(pipes[0]);
        check_ok(mask__catalogue_open(&c, folder, round % 2, &err));
        check_ok(mask__catalogue_verify(c, &err));
        check_ok(mask__catalogue_snapshot(c, &s, &err));
        /* All that was told, and perhaps one more that could not be told. */
        told += wait_for;
        assert_true(s.images == (size_t)told * 3 || s.images == (size_t)(told + 1) * 3);
        assert_int_equal(s.images, s.segment_count * 3);
        told = (int)s.segment_count;
        mask__snapshot_free(&s);
        mask__catalogue_close(c);
    }
}

static void a_full_disk_is_said_and_changes_nothing(void **state)
{
    (void)state;
    mask_error err;
    mask__catalogue *c;
    mask__snapshot s;
    struct rlimit old, small = {.rlim_cur = 20000};
    const char *folder = new_folder();
    add(folder, (const char *[]){"a"}, 1);
    check_ok(mask__catalogue_open(&c, folder, true, &err));
    getrlimit(RLIMIT_FSIZE, &old);
    small.rlim_max = old.rlim_max;
    signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &small);
    mask_status status = mask__catalogue_begin(c, &err);
    if (status == MASK_OK) status = mask__catalogue_add_segment(c, 2, 2000, &err);
    for (size_t i = 0; status == MASK_OK && i < 2000; i++) {
        char id[32];
        bool replaced;
        snprintf(id, sizeof id, "image %zu", i);
        status = mask__catalogue_put(c, 2, i, &(mask__catalogue_image){.id = id}, &replaced, &err);
    }
    if (status == MASK_OK) status = mask__catalogue_commit(c, &err);
    mask__catalogue_rollback(c);
    setrlimit(RLIMIT_FSIZE, &old);
    assert_int_equal(status, MASK_EIO);
    assert_non_null(strstr(err.message, "catalogue.sqlite: cannot"));
    check_ok(mask__catalogue_snapshot(c, &s, &err));
    assert_int_equal(s.images, 1);
    mask__snapshot_free(&s);
    mask__catalogue_close(c);
    add(folder, (const char *[]){"b"}, 1); /* and the next one works */
}

/* Reading writes nothing that it needs: with the disk full a sound gallery opens, and one whose log must be read says
 * what is missing. */
static void a_full_disk_is_read(void **state)
{
    (void)state;
    mask_error err;
    mask__catalogue *c, *writer;
    mask__snapshot s;
    struct rlimit old, none;
    const char *folder = new_folder();
    add(folder, (const char *[]){"a"}, 1);
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &old);
    none = (struct rlimit){0, old.rlim_max};
    setrlimit(RLIMIT_FSIZE, &none);
    mask_status status = mask__catalogue_open(&c, folder, false, &err);
    if (status == MASK_OK) status = mask__catalogue_snapshot(c, &s, &err);
    setrlimit(RLIMIT_FSIZE, &old);
    if (status != MASK_OK) fail_msg("%s", err.message);
    assert_int_equal(s.images, 1);
    mask__snapshot_free(&s);
    mask__catalogue_close(c);
    /* A log without its index, as a kill and a copy leave it. */
    size_t size;
    check_ok(mask__catalogue_open(&writer, folder, true, &err));
    check_ok(mask__catalogue_begin(writer, &err));
    check_ok(mask__catalogue_set_whole_region(writer, 3, &err));
    check_ok(mask__catalogue_commit(writer, &err));
    char *log = read_whole(inside(folder, "catalogue.sqlite-wal"), &size);
    assert_true(size > 0);
    mask__catalogue_close(writer);
    write_file(inside(folder, "catalogue.sqlite-wal"), log, size);
    setrlimit(RLIMIT_FSIZE, &none);
    status = mask__catalogue_open(&c, folder, false, &err);
    setrlimit(RLIMIT_FSIZE, &old);
    assert_int_equal(status, MASK_EIO);
    assert_non_null(strstr(err.message, "its log must be read"));
    free(log);
}

static void a_folder_that_cannot_be_written_is_read(void **state)
{
    (void)state;
    if (geteuid() == 0) {
        print_message("skipped: root may write everywhere\n");
        return;
    }
    mask_error err;
    mask__catalogue *c;
    mask__snapshot s;
    const char *folder = new_folder();
    add(folder, (const char *[]){"a"}, 1);
    chmod(folder, 0555);
    check_ok(mask__catalogue_open(&c, folder, false, &err));
    check_ok(mask__catalogue_snapshot(c, &s, &err));
    assert_int_equal(s.images, 1);
    mask__snapshot_free(&s);
    mask__catalogue_close(c);
    chmod(folder, 0777);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(settings_come_back),
        cmocka_unit_test(images_are_put_replaced_moved_and_removed),
        cmocka_unit_test(what_is_rolled_back_never_was),
        cmocka_unit_test(one_writer_at_a_time),
        cmocka_unit_test(only_the_next_writer_sweeps),
        cmocka_unit_test(metadata_are_numbers_where_all_are),
        cmocka_unit_test(metadata_stay_with_the_id),
        cmocka_unit_test(broken_tables_change_nothing),
        cmocka_unit_test(conditions_reach_nothing_else),
        cmocka_unit_test(conditions_can_be_stopped),
        cmocka_unit_test(damaged_files_are_refused),
        cmocka_unit_test(forged_files_are_refused),
        cmocka_unit_test(a_changed_row_is_seen),
        cmocka_unit_test(what_is_no_gallery_is_refused),
        cmocka_unit_test(a_killed_writer_loses_nothing),
        cmocka_unit_test(a_full_disk_is_said_and_changes_nothing),
        cmocka_unit_test(a_full_disk_is_read),
        cmocka_unit_test(a_folder_that_cannot_be_written_is_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
