/* The common part of fuzz targets: files, containers made whole, and a main that replays (fuzz.h). */
#include "fuzz.h"
#include "base/lines.h"
#include "base/pack.h"

#include <dirent.h>
#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

const mask_run fuzz_run = {.threads = 1};
static char folder[200];

_Noreturn void fuzz_broken(const char *file, int line, const char *what)
{
    fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, what);
    abort();
}

bool fuzz_ok(mask_status status, const mask_error *err)
{
    size_t length = strnlen(err->message, sizeof err->message);
    if (status == MASK_OK) return true;
    fuzz_check(err->status == status);
    fuzz_check(length > 0 && length < sizeof err->message);
    fuzz_check(mask__control(err->message) == length);
    fuzz_check(mask__utf8_valid(err->message, length) == length);
    return false;
}

/* ---- Files ---- */

static int remove_entry(const char *path, const struct stat *info, int type, struct FTW *where)
{
    (void)info, (void)type, (void)where;
    return remove(path);
}

static void remove_folder(void)
{
    nftw(folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

const char *fuzz_path(const char *name)
{
    static char paths[8][300];
    static unsigned next;
    if (!folder[0]) {
        const char *place = getenv("TMPDIR");
        snprintf(folder, sizeof folder, "%.150s/mask-fuzz-XXXXXX", place && *place ? place : "/tmp");
        if (!mkdtemp(folder) || atexit(remove_folder) != 0) abort();
    }
    char *path = paths[next++ % 8];
    snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

const char *fuzz_file(const char *name, const void *data, size_t size)
{
    const char *path = fuzz_path(name);
    FILE *file = fopen(path, "wb");
    if (!file || fwrite(data, 1, size, file) != size || fclose(file) != 0) abort();
    return path;
}

unsigned char *fuzz_read(const char *path, size_t *size)
{
    FILE *file = fopen(path, "rb");
    struct stat info;
    if (!file || fstat(fileno(file), &info) != 0) abort();
    unsigned char *data = malloc((size_t)info.st_size + 1);
    if (!data || fread(data, 1, (size_t)info.st_size, file) != (size_t)info.st_size) abort();
    fclose(file);
    *size = (size_t)info.st_size;
    return data;
}

const char *const fuzz_gallery_files[FUZZ_GALLERY_FILES] = {"00000001.segment", "00000002.segment", "catalogue.sqlite",
                                                            "knowledge.mask", "scorer.mask"};

const char *fuzz_gallery(const char *other)
{
    mkdir(fuzz_path("g.gallery"), 0777);
    for (size_t i = 0, size; i < FUZZ_GALLERY_FILES; i++) {
        char from[400], name[100];
        if (other && strcmp(fuzz_gallery_files[i], other) == 0) continue;
        snprintf(from, sizeof from, "%s/%s", FIXTURE("g.gallery"), fuzz_gallery_files[i]);
        snprintf(name, sizeof name, "g.gallery/%s", fuzz_gallery_files[i]);
        unsigned char *data = fuzz_read(from, &size);
        fuzz_file(name, data, size);
        free(data);
    }
    return fuzz_path("g.gallery");
}

/* ---- Patches ---- */

enum { HEADER = 64, ENTRY = 112 };

static uint64_t number_at(const unsigned char *data)
{
    uint64_t number;
    memcpy(&number, data, sizeof number);
    return number;
}

static void put_number(unsigned char *data, uint64_t number)
{
    memcpy(data, &number, sizeof number);
}

/* The lengths and checksums of a container, where its table still is one. */
static void seal(unsigned char *data, size_t size)
{
    if (size < HEADER || memcmp(data, "MASK", 4) != 0) return;
    uint64_t count = number_at(data + 32);
    put_number(data + 16, size);
    if (count <= (size - HEADER) / ENTRY) {
        uint64_t table = size - count * ENTRY;
        put_number(data + 24, table);
        for (uint64_t i = 0; i < count; i++) {
            unsigned char *entry = data + table + i * ENTRY;
            uint64_t at = number_at(entry + 88), bytes = number_at(entry + 96);
            if (at <= size && bytes <= size - at) put_number(entry + 104, XXH3_64bits(data + at, bytes));
        }
        put_number(data + 40, XXH3_64bits(data + table, count * ENTRY));
    }
    put_number(data + 56, XXH3_64bits(data, 56));
}

unsigned char *fuzz_patched(const char *path, const unsigned char *patches, size_t size, size_t *out_size)
{
    unsigned char *data = fuzz_read(path, out_size);
    size_t left = *out_size;
    for (size_t i = 0; i + 4 <= size && left > 0;) {
        size_t at = (patches[i] | (size_t)patches[i + 1] << 8 | (size_t)patches[i + 2] << 16) % left;
        size_t n = patches[i + 3];
        i += 4;
        if (n == 255) {
            left = at;
        } else if (n >= 128) {
            if ((n -= 128) > left - at) n = left - at;
            memmove(data + at, data + at + n, left - at - n);
            left -= n;
        } else {
            if (n > size - i) n = size - i;
            memcpy(data + at, patches + i, n < left - at ? n : left - at);
            i += n;
        }
    }
    seal(data, left);
    *out_size = left;
    return data;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_one(data, size);
    return 0;
}

/* ---- Replay ---- */

#ifndef MASK_FUZZ
static size_t copies, replayed;

static size_t chance(uint64_t *state, size_t below)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (size_t)((*state >> 33) % below);
}

/* A copy that was cut, has bits flipped, or a run of bytes taken out, doubled or set. */
static void damage(unsigned char *data, size_t size, uint64_t number)
{
    uint64_t random = number * 0x9e3779b97f4a7c15u;
    unsigned char *copy = malloc(size + 40);
    if (!copy) abort();
    size_t at = chance(&random, size), length = 1 + chance(&random, 39);
    if (length > size - at) length = size - at;
    memcpy(copy, data, size);
    switch (number % 5) {
    case 0:
        size = at;
        break;
    case 1:
        for (int i = 0; i < 4; i++) copy[chance(&random, size)] ^= (unsigned char)(1 << chance(&random, 8));
        break;
    case 2:
        memmove(copy + at, data + at + length, size - at - length);
        size -= length;
        break;
    case 3:
        memcpy(copy + at + length, data + at, size - at);
        size += length;
        break;
    default:
        memset(copy + at, 255, length);
    }
    unsigned char *exact = malloc(size ? size : 1); /* so that a sanitizer sees one byte too many */
    if (!exact) abort();
    memcpy(exact, copy, size);
    fuzz_one(exact, size);
    free(exact);
    free(copy);
}

static int replay(const char *path, const struct stat *info, int type, struct FTW *where)
{
    (void)info, (void)where;
    if (type != FTW_F) return type == FTW_D ? 0 : 1;
    size_t size;
    unsigned char *data = fuzz_read(path, &size);
    fuzz_one(data, size);
    if (fuzz_starved) fuzz_starved(data, size);
    for (size_t i = 1; i <= copies && size > 0; i++) damage(data, size, i);
    free(data);
    replayed++;
    return 0;
}

int main(int argc, char **argv)
{
    int first = 1;
    if (argc > 3 && strcmp(argv[1], "--damage") == 0) {
        copies = strtoul(argv[2], NULL, 10);
        first = 3;
    }
    for (int i = first; i < argc; i++)
        if (nftw(argv[i], replay, 16, FTW_PHYS) != 0) {
            fprintf(stderr, "%s: cannot be read\n", argv[i]);
            return 1;
        }
    printf("%zu files replayed, with %zu damaged copies of each\n", replayed, copies);
    return replayed == 0;
}
#endif
