#include "check.h"
#include "base/file.h"

#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

enum { THREADS = 8, SAVES = 40, BYTES = 3000 };

static mask_status save(const char *path, const void *data, size_t size, mask_error *err)
{
    mask__writer w;
    MASK__TRY(mask__writer_open(&w, path, err));
    mask_status status = mask__writer_put(&w, data, size, err);
    if (status == MASK_OK) return mask__writer_commit(&w, err);
    mask__writer_abort(&w);
    return status;
}

static size_t entries(const char *folder)
{
    size_t count = 0;
    DIR *d = opendir(folder);
    while (readdir(d)) count++;
    closedir(d);
    return count - 2;
}

static void same_text(const char *path, const char *text)
{
    size_t size;
    char *found = read_whole(path, &size);
    assert_string_equal(found, text);
    free(found);
}

typedef struct saver {
    const char *path;
    char letter;
    mask_error err;
    mask_status status;
} saver;

static void *save_often(void *context)
{
    saver *s = context;
    char bytes[BYTES];
    memset(bytes, s->letter, sizeof bytes);
    for (int i = 0; i < SAVES && s->status == MASK_OK; i++) s->status = save(s->path, bytes, sizeof bytes, &s->err);
    return NULL;
}

/* Threads that save to one path do not disturb each other: the file is always one thread's, whole. */
static void test_writers_of_one_path(void **state)
{
    (void)state;
    char folder[256], path[300];
    pthread_t threads[THREADS];
    saver savers[THREADS] = {0};
    size_t size;
    snprintf(folder, sizeof folder, "%s", temp_path("crowd"));
    assert_int_equal(mkdir(folder, 0777), 0);
    snprintf(path, sizeof path, "%s/file", folder);
    for (int i = 0; i < THREADS; i++) {
        savers[i] = (saver){.path = path, .letter = (char)('a' + i)};
        assert_int_equal(pthread_create(&threads[i], NULL, save_often, &savers[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
    for (int i = 0; i < THREADS; i++)
        if (savers[i].status != MASK_OK) fail_msg("%s", savers[i].err.message);
    char *bytes = read_whole(path, &size);
    assert_int_equal(size, BYTES);
    for (size_t i = 1; i < size; i++) assert_int_equal(bytes[i], bytes[0]);
    free(bytes);
    assert_int_equal(entries(folder), 1);
}

/* Devices and pipes stay what they are; this one has the numbers of /dev/null, which only root may give. */
static void test_output_is_no_regular_file(void **state)
{
    (void)state;
    mask_error err;
    struct stat info;
    char special[2][256], link[256];
    snprintf(special[0], sizeof special[0], "%s", temp_path("pipe"));
    snprintf(special[1], sizeof special[1], "%s", temp_path("device"));
    snprintf(link, sizeof link, "%s", temp_path("link-to-special"));
    assert_int_equal(mkfifo(special[0], 0666), 0);
    int count = mknod(special[1], S_IFCHR | 0666, makedev(1, 3)) == 0 ? 2 : 1;
    for (int i = 0; i < count; i++) {
        check_fails(save(special[i], "new", 3, &err), MASK_EIO, "is a device or pipe, not a regular file");
        assert_int_equal(symlink(special[i], link), 0);
        check_fails(save(link, "new", 3, &err), MASK_EIO, "is a device or pipe, not a regular file");
        assert_int_equal(lstat(link, &info), 0);
        assert_true(S_ISLNK(info.st_mode));
        assert_int_equal(unlink(link), 0);
        assert_int_equal(lstat(special[i], &info), 0);
        assert_false(S_ISREG(info.st_mode));
    }
    check_fails(save(temp_path("."), "new", 3, &err), MASK_EIO, "is a folder, not a regular file");
}

/* The file behind a link is replaced, by one made beside it; the link stays. */
static void test_output_is_a_link(void **state)
{
    (void)state;
    mask_error err;
    struct stat info;
    char folder[256], path[300], link[256];
    snprintf(folder, sizeof folder, "%s", temp_path("elsewhere"));
    snprintf(path, sizeof path, "%s/file", folder);
    snprintf(link, sizeof link, "%s", temp_path("link"));
    assert_int_equal(mkdir(folder, 0777), 0);
    assert_int_equal(symlink("elsewhere/file", link), 0);
    check_fails(save(link, "new", 3, &err), MASK_EIO, "is a symbolic link that leads to no file");
    write_text(path, "old");
    check_ok(save(link, "new", 3, &err));
    assert_int_equal(lstat(link, &info), 0);
    assert_true(S_ISLNK(info.st_mode));
    same_text(path, "new");
    assert_int_equal(entries(folder), 1);
}

static void test_mode_is_the_umasks(void **state)
{
    (void)state;
    mask_error err;
    struct stat info;
    const char *path = temp_path("mode");
    mode_t before = umask(027);
    check_ok(save(path, "x", 1, &err));
    umask(before);
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0640);
}

/* What is synced is not yet visible. */
static void test_sync_before_commit(void **state)
{
    (void)state;
    mask_error err;
    mask__writer w;
    const char *path = temp_path("two");
    write_text(path, "old");
    check_ok(mask__writer_open(&w, path, &err));
    check_ok(mask__writer_put(&w, "new", 3, &err));
    check_ok(mask__writer_sync(&w, &err));
    same_text(path, "old");
    check_ok(mask__writer_commit(&w, &err));
    same_text(path, "new");
}

/* A pipe without a writer would keep the reader waiting. */
static void test_map_of_a_pipe(void **state)
{
    (void)state;
    mask_error err;
    mask__map map;
    const char *path = temp_path("input-pipe");
    assert_int_equal(mkfifo(path, 0666), 0);
    alarm(20);
    check_fails(mask__map_open(&map, path, &err), MASK_EIO, "is not a regular file");
    alarm(0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_writers_of_one_path), cmocka_unit_test(test_output_is_no_regular_file),
        cmocka_unit_test(test_output_is_a_link),    cmocka_unit_test(test_mode_is_the_umasks),
        cmocka_unit_test(test_sync_before_commit),  cmocka_unit_test(test_map_of_a_pipe),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
