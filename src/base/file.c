#include "base/file.h"
#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

enum { BUFFER_BYTES = 1 << 20 };

mask_status mask__map_open(mask__map *map, const char *path, mask_error *err)
{
    struct stat info;
    *map = (mask__map){0};
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a pipe must not make us wait */
    if (fd < 0) return mask__fail(err, MASK_EIO, "%s: cannot open: %s", path, strerror(errno));
    if (fstat(fd, &info) != 0 || !S_ISREG(info.st_mode)) {
        close(fd);
        return mask__fail(err, MASK_EIO, "%s: is not a regular file", path);
    }
    map->size = (size_t)info.st_size;
    if (map->size) {
        void *data = mmap(NULL, map->size, PROT_READ, MAP_SHARED, fd, 0);
        if (data == MAP_FAILED) {
            int code = errno;
            close(fd);
            *map = (mask__map){0};
            return mask__fail(err, MASK_EIO, "%s: cannot map: %s", path, strerror(code));
        }
        map->data = data;
    }
    close(fd);
    return MASK_OK;
}

void mask__map_close(mask__map *map)
{
    if (map->data) munmap((void *)(uintptr_t)map->data, map->size);
    *map = (mask__map){0};
}

mask_status mask__file_hash(const char *path, uint64_t *hash, mask_error *err)
{
    mask__map map;
    MASK__TRY(mask__map_open(&map, path, err));
    *hash = XXH3_64bits(map.data, map.size);
    mask__map_close(&map);
    return MASK_OK;
}

/* In windows as large as those in which the kernel maps a file's pages ahead of a read. */
void mask__map_forget(const mask__map *map, size_t offset, size_t size)
{
    enum { WINDOW = 1 << 16 };
    if (!map->data || size == 0) return;
    uintptr_t data = (uintptr_t)map->data, begin = (data + offset) / WINDOW * WINDOW;
    uintptr_t end = (data + offset + size + WINDOW - 1) / WINDOW * WINDOW;
    if (begin < data) begin = data;
    if (end > data + map->size) end = data + map->size;
    madvise((void *)begin, end - begin, MADV_DONTNEED);
}

static mask_status write_failed(const mask__writer *writer, mask_error *err)
{
    return mask__fail_at(err, MASK_EIO, writer->offset, "%s: cannot write: %s", writer->path, strerror(errno));
}

mask_status mask__check_regular(const char *path, mask_error *err)
{
    struct stat info;
    if (stat(path, &info) != 0 || S_ISREG(info.st_mode)) return MASK_OK;
    return mask__fail(err, MASK_EIO, "%s: is a %s, not a regular file: name another", path,
                      S_ISDIR(info.st_mode) ? "folder" : "device or pipe");
}

mask_status mask__output_target(char **target, const char *path, mask_error *err)
{
    struct stat link;
    *target = NULL;
    MASK__TRY(mask__check_regular(path, err));
    bool linked = lstat(path, &link) == 0 && S_ISLNK(link.st_mode);
    *target = linked ? realpath(path, NULL) : strdup(path);
    if (*target) return MASK_OK;
    if (!linked || errno == ENOMEM) return mask__no_memory(err, path);
    return mask__fail(err, MASK_EIO, "%s: is a symbolic link that leads to no file: remove it or name another", path);
}

/* As mkostemp, which would make a file that others may not read, whatever the umask says. */
static int open_temporary(char **name, const char *path)
{
    uint64_t random;
    int fd = -1;
    for (int tries = 0; fd < 0 && tries < 100; tries++) {
        free(*name);
        *name = NULL;
        if (getrandom(&random, sizeof random, 0) != sizeof random) break;
        if (asprintf(name, "%s.tmp-%016llx", path, (unsigned long long)random) < 0) *name = NULL;
        if (!*name) break;
        fd = open(*name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (fd < 0 && errno != EEXIST) break;
    }
    return fd;
}

mask_status mask__writer_open(mask__writer *writer, const char *path, mask_error *err)
{
    *writer = (mask__writer){.fd = -1};
    MASK__TRY(mask__output_target(&writer->path, path, err));
    writer->buffer = malloc(BUFFER_BYTES);
    if (!writer->buffer) {
        mask__writer_abort(writer);
        return mask__no_memory(err, path);
    }
    writer->fd = open_temporary(&writer->temporary, writer->path);
    if (writer->fd < 0) {
        mask_status status = mask__fail(err, MASK_EIO, "%s: cannot create: %s", path, strerror(errno));
        mask__writer_abort(writer);
        return status;
    }
    return MASK_OK;
}

static mask_status write_at(mask__writer *writer, uint64_t offset, const void *data, size_t size, mask_error *err)
{
    for (const unsigned char *bytes = data; size;) {
        ssize_t done = pwrite(writer->fd, bytes, size, (off_t)offset);
        if (done < 0 && errno == EINTR) continue;
        if (done <= 0) return write_failed(writer, err);
        bytes += done;
        offset += (uint64_t)done;
        size -= (size_t)done;
    }
    return MASK_OK;
}

static mask_status flush(mask__writer *writer, mask_error *err)
{
    size_t size = writer->buffered;
    writer->buffered = 0;
    return write_at(writer, writer->offset - size, writer->buffer, size, err);
}

mask_status mask__writer_put(mask__writer *writer, const void *data, size_t size, mask_error *err)
{
    if (!size) return MASK_OK;
    if (writer->buffered + size > BUFFER_BYTES) MASK__TRY(flush(writer, err));
    if (size >= BUFFER_BYTES) {
        MASK__TRY(write_at(writer, writer->offset, data, size, err));
    } else {
        memcpy(writer->buffer + writer->buffered, data, size);
        writer->buffered += size;
    }
    writer->offset += size;
    return MASK_OK;
}

mask_status mask__writer_patch(mask__writer *writer, uint64_t offset, const void *data, size_t size, mask_error *err)
{
    MASK__TRY(flush(writer, err));
    return write_at(writer, offset, data, size, err);
}

mask_status mask__writer_sync(mask__writer *writer, mask_error *err)
{
    MASK__TRY(flush(writer, err));
    return fsync(writer->fd) == 0 ? MASK_OK : write_failed(writer, err);
}

mask_status mask__writer_commit(mask__writer *writer, mask_error *err)
{
    mask_status status = mask__writer_sync(writer, err);
    if (status == MASK_OK && rename(writer->temporary, writer->path) != 0) status = write_failed(writer, err);
    if (status == MASK_OK) {
        /* The rename itself must survive a power cut: sync the folder. Some file systems refuse; that is no loss. */
        int folder = open(dirname(writer->path), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (folder >= 0) {
            fsync(folder);
            close(folder);
        }
        free(writer->temporary);
        writer->temporary = NULL;
    }
    mask__writer_abort(writer);
    return status;
}

void mask__writer_abort(mask__writer *writer)
{
    if (writer->path) { /* a zeroed writer owns no descriptor */
        if (writer->fd >= 0) close(writer->fd);
        if (writer->temporary) unlink(writer->temporary);
    }
    free(writer->temporary);
    free(writer->path);
    free(writer->buffer);
    *writer = (mask__writer){.fd = -1};
}

static bool has_type(const char *path, mode_t type)
{
    struct stat info;
    return stat(path, &info) == 0 && (info.st_mode & S_IFMT) == type;
}

bool mask__is_folder(const char *path)
{
    return has_type(path, S_IFDIR);
}

bool mask__is_file(const char *path)
{
    return has_type(path, S_IFREG);
}
