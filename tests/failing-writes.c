/* failing-writes.so: loaded before a program (LD_PRELOAD), makes its n-th call that changes a file fail, as
 * MASK_FAIL_HOW says:
 *
 *     full    that one and all later ones: no space is left
 *     error   that one: the disk reports an error (EIO)
 *     eintr   that one is interrupted before it did anything, and works when it is tried again
 *     short   that one writes half of what it was given, and says so
 *     kill    the process is killed (SIGKILL) before it
 *     torn    the process is killed after it wrote half
 *
 * n is MASK_FAIL_AT; 0: none fails. How many calls there were is appended to the file MASK_FAIL_COUNT at the end, and
 * which of them sync a file. Only regular files count, and what removes or renames them: not terminals, pipes and what
 * is behind them, nor memory that processes share (LLVM's OpenMP begins with some). */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define SHARED "/dev/shm/"

static unsigned long calls;

static const char *setting(const char *name)
{
    const char *text = getenv(name);
    return text ? text : "";
}

/* Whether this call is to fail; kills when it is to. */
static bool fails(bool writes)
{
    const char *how = setting("MASK_FAIL_HOW");
    unsigned long at = strtoul(setting("MASK_FAIL_AT"), NULL, 10),
                  now = __atomic_add_fetch(&calls, 1, __ATOMIC_SEQ_CST);
    if (at == 0 || now < at || (now > at && strcmp(how, "full") != 0)) return false;
    if (strcmp(how, "kill") == 0 || (strcmp(how, "torn") == 0 && !writes)) raise(SIGKILL);
    errno = strcmp(how, "full") == 0 ? ENOSPC : strcmp(how, "eintr") == 0 ? EINTR : EIO;
    return writes || (strcmp(how, "short") != 0 && strcmp(how, "eintr") != 0); /* nothing else can be short */
}

static bool halves(size_t size)
{
    return size > 1 &&
           (strcmp(setting("MASK_FAIL_HOW"), "short") == 0 || strcmp(setting("MASK_FAIL_HOW"), "torn") == 0);
}

static bool regular(int fd)
{
    struct stat info, shared;
    return fstat(fd, &info) == 0 && S_ISREG(info.st_mode) &&
           (stat(SHARED, &shared) != 0 || shared.st_dev != info.st_dev);
}

#define REAL(name) ((__typeof__(&(name)))dlsym(RTLD_NEXT, #name))

/* What a write does that is to fail: half of it, or nothing. */
#define WRITE(name, fd, data, size, ...)                                                                               \
    if (!regular(fd) || !fails(true)) return REAL(name)(fd, data, size, ##__VA_ARGS__);                                \
    ssize_t half = halves(size) ? REAL(name)(fd, data, (size) / 2, ##__VA_ARGS__) : -1;                                \
    if (strcmp(setting("MASK_FAIL_HOW"), "torn") == 0) raise(SIGKILL);                                                 \
    if (half < 0 && strcmp(setting("MASK_FAIL_HOW"), "short") == 0) return REAL(name)(fd, data, size, ##__VA_ARGS__);  \
    return half

ssize_t write(int fd, const void *data, size_t size)
{
    WRITE(write, fd, data, size);
}
ssize_t pwrite(int fd, const void *data, size_t size, off_t offset)
{
    WRITE(pwrite, fd, data, size, offset);
}
ssize_t pwrite64(int fd, const void *data, size_t size, off64_t offset)
{
    WRITE(pwrite64, fd, data, size, offset);
}

/* Which calls were those. */
static unsigned long syncs[256];
static size_t sync_count;

static bool sync_fails(void)
{
    bool failed = fails(false);
    if (sync_count < sizeof syncs / sizeof *syncs) syncs[sync_count++] = calls;
    return failed;
}

#define OTHER(name, counts, ...) return (counts) && fails(false) ? -1 : REAL(name)(__VA_ARGS__)

int fsync(int fd)
{
    return regular(fd) && sync_fails() ? -1 : REAL(fsync)(fd);
}
int fdatasync(int fd)
{
    return regular(fd) && sync_fails() ? -1 : REAL(fdatasync)(fd);
}
int ftruncate(int fd, off_t size)
{
    OTHER(ftruncate, regular(fd), fd, size);
}
int ftruncate64(int fd, off64_t size)
{
    OTHER(ftruncate64, regular(fd), fd, size);
}
int rename(const char *from, const char *to)
{
    OTHER(rename, true, from, to);
}
int mkdir(const char *path, mode_t mode)
{
    OTHER(mkdir, true, path, mode);
}
int unlink(const char *path) /* a full disk can be emptied */
{
    bool counts = strcmp(setting("MASK_FAIL_HOW"), "full") != 0 && strcmp(setting("MASK_FAIL_HOW"), "error") != 0;
    OTHER(unlink, counts && strncmp(path, SHARED, strlen(SHARED)) != 0, path);
}

__attribute__((destructor)) static void tell(void)
{
    char text[24 * (1 + sizeof syncs / sizeof *syncs)];
    int fd = open(setting("MASK_FAIL_COUNT"), O_WRONLY | O_APPEND);
    int length = sprintf(text, "%lu", calls);
    for (size_t i = 0; i < sync_count; i++) length += sprintf(text + length, " %lu", syncs[i]);
    text[length++] = '\n';
    if (fd < 0) return;
    if (REAL(write)(fd, text, (size_t)length) != length) abort();
    close(fd);
}
