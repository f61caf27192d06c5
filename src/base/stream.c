#include "base/stream.h"
#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

enum { CHUNK_BYTES = 1 << 18 };

struct mask__stream {
    gzFile file;
    char *path;
    char *line; /* the line last returned */
    size_t line_capacity;
    unsigned char *chunk;
    size_t begin, end;     /* unread bytes of chunk */
    uint64_t chunk_offset; /* of chunk[0] in the decompressed stream */
    uint64_t line_number, file_bytes;
    bool pipe; /* named, not standard input */
};

mask_status mask__stream_open(mask__stream **out, const char *path, mask_error *err)
{
    struct stat info = {0};
    bool standard = strcmp(path, "-") == 0;
    *out = NULL;
    /* Opening a pipe would wait for somebody to write it; reading one then waits only while somebody does. */
    int fd = standard ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) return mask__fail(err, MASK_EIO, "%s: cannot open: %s", path, strerror(errno));
    if (!standard) fcntl(fd, F_SETFL, 0);
    if (fstat(fd, &info) == 0 && S_ISDIR(info.st_mode)) {
        close(fd);
        return mask__fail(err, MASK_EIO, "%s: is a folder, a file is needed", path);
    }
    mask__stream *stream = calloc(1, sizeof *stream);
    if (stream) {
        stream->path = strdup(path);
        stream->chunk = malloc(CHUNK_BYTES);
        stream->file_bytes = S_ISREG(info.st_mode) ? (uint64_t)info.st_size : 0;
        stream->pipe = !standard && S_ISFIFO(info.st_mode);
    }
    if (stream && stream->path && stream->chunk) stream->file = gzdopen(fd, "rb");
    if (!stream || !stream->file) {
        close(fd);
        mask__stream_close(stream);
        return mask__no_memory(err, path);
    }
    gzbuffer(stream->file, CHUNK_BYTES);
    *out = stream;
    return MASK_OK;
}

void mask__stream_close(mask__stream *stream)
{
    if (!stream) return;
    if (stream->file) gzclose(stream->file);
    free(stream->path);
    free(stream->line);
    free(stream->chunk);
    free(stream);
}

static mask_status fill(mask__stream *stream, mask_error *err)
{
    stream->chunk_offset += stream->end;
    stream->begin = stream->end = 0;
    int got = gzread(stream->file, stream->chunk, CHUNK_BYTES);
    int code = Z_OK;
    const char *why = got <= 0 ? gzerror(stream->file, &code) : "";
    if (got < 0 || (code != Z_OK && code != Z_STREAM_END)) {
        if (code == Z_BUF_ERROR) why = "the compressed data ends early: the file was cut, fetch it again";
        if (code == Z_ERRNO) why = strerror(errno);
        return mask__fail_at(err, code == Z_ERRNO ? MASK_EIO : MASK_EFORMAT, stream->chunk_offset, "%s: byte %llu: %s",
                             stream->path, (unsigned long long)stream->chunk_offset, why);
    }
    if (stream->pipe && got == 0 && stream->chunk_offset == 0)
        return mask__fail_at(err, MASK_EIO, 0, "%s: nothing came through this pipe: start what writes it first",
                             stream->path);
    stream->end = (size_t)got;
    return MASK_OK;
}

mask_status mask__stream_read(mask__stream *stream, void *buffer, size_t size, size_t *got, mask_error *err)
{
    unsigned char *out = buffer;
    *got = 0;
    while (*got < size) {
        if (stream->begin == stream->end) {
            MASK__TRY(fill(stream, err));
            if (stream->end == 0) break;
        }
        size_t part = stream->end - stream->begin;
        if (part > size - *got) part = size - *got;
        memcpy(out + *got, stream->chunk + stream->begin, part);
        stream->begin += part;
        *got += part;
    }
    return MASK_OK;
}

mask_status mask__stream_line(mask__stream *stream, size_t max_bytes, char **line, size_t *length, mask_error *err)
{
    size_t used = 0;
    bool ended = false, any = false;
    uint64_t start = mask__stream_offset(stream);
    *line = NULL;
    *length = 0;
    while (!ended) {
        if (stream->begin == stream->end) {
            MASK__TRY(fill(stream, err));
            if (stream->end == 0) break;
        }
        const unsigned char *from = stream->chunk + stream->begin;
        size_t rest = stream->end - stream->begin;
        const unsigned char *newline = memchr(from, '\n', rest);
        size_t part = newline ? (size_t)(newline - from) : rest;
        if (used + part > max_bytes)
            return mask__fail_at(err, MASK_EFORMAT, start,
                                 "%s: line %llu: longer than %zu bytes: not the text file expected", stream->path,
                                 (unsigned long long)stream->line_number + 1, max_bytes);
        if (!mask__grow(&stream->line, &stream->line_capacity, used + part + 1, 1))
            return mask__no_memory(err, stream->path);
        memcpy(stream->line + used, from, part);
        used += part;
        stream->begin += part + (newline != NULL);
        ended = newline != NULL;
        any = true;
    }
    if (!any) return MASK_OK;
    stream->line_number++;
    if (used && stream->line[used - 1] == '\r') used--;
    stream->line[used] = '\0';
    if (memchr(stream->line, '\0', used))
        return mask__fail_at(err, MASK_EFORMAT, start, "%s: line %llu: holds a NUL byte: not a text file", stream->path,
                             (unsigned long long)stream->line_number);
    *line = stream->line;
    *length = used;
    return MASK_OK;
}

const char *mask__stream_path(const mask__stream *stream)
{
    return stream->path;
}

uint64_t mask__stream_offset(const mask__stream *stream)
{
    return stream->chunk_offset + stream->begin;
}

uint64_t mask__stream_line_number(const mask__stream *stream)
{
    return stream->line_number;
}

void mask__stream_position(mask__stream *stream, uint64_t *done, uint64_t *total)
{
    z_off_t at = gzoffset(stream->file);
    *done = at < 0 ? 0 : (uint64_t)at;
    *total = stream->file_bytes;
}
