/* Walking: which files are photos, what they are called, and that links do not lead astray. */
#include "check.h"
#include "photos/walk.h"

#include <sys/stat.h>
#include <unistd.h>

static char top[256];

static void make_folder(const char *name)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", top, name);
    if (mkdir(path, 0755) != 0) abort();
}

static void make_file(const char *name, const void *data, size_t size)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", top, name);
    write_file(path, data, size);
}

static void make_link(const char *name, const char *to)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", top, name);
    if (symlink(to, path) != 0) abort();
}

static const char *inside(const char *name)
{
    static char paths[4][512];
    static unsigned next;
    char *path = paths[next++ % 4];
    snprintf(path, sizeof paths[0], "%s/%s", top, name);
    return path;
}

/* top/b.JPG, a/x.png, a/deep/y.webp, a/noextension (a PNG), a/text (none), a/.hidden.jpg, .secret/z.jpg, links. */
static int set_up(void **state)
{
    (void)state;
    static const unsigned char png[16] = "\x89PNG\r\n\x1a\n";
    snprintf(top, sizeof top, "%s", temp_path("tree"));
    if (mkdir(top, 0755) != 0) return -1;
    char *whole = realpath(top, NULL);
    snprintf(top, sizeof top, "%s", whole);
    free(whole);
    make_folder("a");
    make_folder("a/deep");
    make_folder(".secret");
    make_folder("empty");
    make_file("b.JPG", "x", 1);
    make_file("a/x.png", "yy", 2);
    make_file("a/deep/y.webp", "", 0);
    make_file("a/noextension", png, sizeof png);
    make_file("a/text", "this is a text of more than sixteen bytes", 41);
    make_file("a/short", "abc", 3);
    make_file("a/.hidden.jpg", "x", 1);
    make_file(".secret/z.jpg", "x", 1);
    make_link("a/deep/loop", "../..");
    make_link("a/self", ".");
    make_link("nowhere.jpg", "/no/such/file.jpg");
    make_link("link.jpg", "b.JPG");
    return 0;
}

static void check_walk(const char *const *paths, size_t count, const char *want)
{
    mask_error err;
    mask__walk walk;
    char got[1024] = "";
    check_ok(mask__walk_open(&walk, paths, count, NULL, NULL, &err));
    for (size_t i = 0; i < walk.count; i++) {
        const mask__walk_file *file = &walk.files[i];
        snprintf(got + strlen(got), sizeof got - strlen(got), "%s ", file->id);
        assert_true(file->path[0] == '/');
        assert_string_equal(file->path + strlen(file->path) - strlen(file->id), file->id);
        assert_true(mask__walk_find(&walk, file->path) == file);
    }
    assert_string_equal(got, want);
    assert_null(mask__walk_find(&walk, "/no/such/photo.jpg"));
    mask__walk_close(&walk);
}

static void test_folder(void **state)
{
    (void)state;
    const char *paths[] = {top};
    check_walk(paths, 1, "a/deep/y.webp a/noextension a/x.png b.JPG link.jpg ");
    const char *slash[] = {inside("a//./")};
    check_walk(slash, 1, "deep/loop/b.JPG deep/loop/link.jpg deep/y.webp noextension x.png ");
}

static void test_files(void **state)
{
    (void)state;
    const char *paths[] = {inside("a/text"), inside("b.JPG"), inside("link.jpg"), inside("a/deep/../x.png")};
    check_walk(paths, 4, "text x.png b.JPG link.jpg ");
}

/* Overlapping arguments: each photo once, with the longer id. */
static void test_twice(void **state)
{
    (void)state;
    const char *paths[] = {inside("b.JPG"), top, inside("a/x.png"), top};
    check_walk(paths, 4, "a/deep/y.webp a/noextension a/x.png b.JPG link.jpg ");
}

static void test_relative(void **state)
{
    (void)state;
    char before[512];
    assert_non_null(getcwd(before, sizeof before));
    assert_int_equal(chdir(top), 0);
    const char *paths[] = {"b.JPG", "empty"};
    check_walk(paths, 2, "b.JPG ");
    assert_int_equal(chdir(before), 0);
}

static void test_facts(void **state)
{
    (void)state;
    mask_error err;
    mask__walk walk;
    struct stat info;
    const char *paths[] = {inside("a/x.png")};
    check_ok(mask__walk_open(&walk, paths, 1, NULL, NULL, &err));
    assert_int_equal(stat(paths[0], &info), 0);
    assert_int_equal(walk.files[0].size, 2);
    assert_true(walk.files[0].mtime == info.st_mtim.tv_sec * 1000000000 + info.st_mtim.tv_nsec);
    mask__walk_close(&walk);
}

static int warnings;
static void count_warning(void *user, mask_log_level level, const char *line)
{
    (void)user;
    if (level == MASK_LOG_WARNING && strstr(line, "rename") && !strchr(line, '\n')) warnings++;
}

static void test_strange_names(void **state)
{
    (void)state;
    mask_error err;
    mask__walk walk;
    mask_run run = {.log = count_warning};
    make_folder("strange");
    make_file("strange/new\nline.jpg", "x", 1);
    make_file("strange/latin\xe9.jpg", "x", 1);
    make_file("strange/utf\xc3\xa9.jpg", "x", 1);
    const char *paths[] = {inside("strange")};
    check_ok(mask__walk_open(&walk, paths, 1, NULL, &run, &err));
    assert_int_equal(walk.count, 1);
    assert_string_equal(walk.files[0].id, "utf\xc3\xa9.jpg");
    assert_int_equal(warnings, 2);
    mask__walk_close(&walk);
}

static void test_refused(void **state)
{
    (void)state;
    mask_error err;
    mask__walk walk;
    const char *paths[] = {inside("none.jpg")};
    check_fails(mask__walk_open(&walk, paths, 1, NULL, NULL, &err), MASK_EIO, "none.jpg: cannot open");
    paths[0] = "/dev/null";
    check_fails(mask__walk_open(&walk, paths, 1, NULL, NULL, &err), MASK_EIO, "neither a file nor a folder");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_folder),        cmocka_unit_test(test_files),    cmocka_unit_test(test_twice),
        cmocka_unit_test(test_facts),         cmocka_unit_test(test_relative), cmocka_unit_test(test_refused),
        cmocka_unit_test(test_strange_names),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
