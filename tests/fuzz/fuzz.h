/* What the fuzz targets share. A target is one file, fuzz-NAME.c, with fuzz_one; fuzz.c is the rest of two programs:
 *
 *     make fuzz SECONDS=60                        libFuzzer, for so long each (scripts/fuzz.sh)
 *     fuzz-NAME [--damage N] FILE|FOLDER...       replays files, and N damaged copies of each, the same in every run
 *
 * A target asserts what must hold whatever the bytes are: a refusal is one clean line, what was taken can be used and
 * says the same twice, nothing is written. It uses one thread, so that what is found is found again. */
#ifndef MASK_FUZZ_H
#define MASK_FUZZ_H

#include "mask_research.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIXTURE(name) MASK_SOURCE_DIR "/tests/fixtures/0.1/" name

/* The target's. */
void fuzz_one(const unsigned char *data, size_t size);
/* The target's, if it has one: the same with its first allocation failing, then its second, ... (tests/starve.h). */
__attribute__((weak)) void fuzz_starved(const unsigned char *data, size_t size);

#define fuzz_check(condition)                                                                                          \
    do {                                                                                                               \
        if (!(condition)) fuzz_broken(__FILE__, __LINE__, #condition);                                                 \
    } while (0)
_Noreturn void fuzz_broken(const char *file, int line, const char *what);

/* Whether a call succeeded; when not, that its error is one: of this status, in one line of UTF-8. */
bool fuzz_ok(mask_status status, const mask_error *err);
/* One thread. */
extern const mask_run fuzz_run;

/* A path in a folder of this program's own; static storage, eight at a time. */
const char *fuzz_path(const char *name);
/* Writes bytes there. */
const char *fuzz_file(const char *name, const void *data, size_t size);
/* All of a file. The caller frees. */
unsigned char *fuzz_read(const char *path, size_t *size);
enum { FUZZ_GALLERY_FILES = 5 };
extern const char *const fuzz_gallery_files[FUZZ_GALLERY_FILES];
/* Makes the fixture's gallery there but for the file that `other` names (NULL: of none); its path, static. */
const char *fuzz_gallery(const char *other);

/* A file too large for a corpus is fuzzed by patches: 3 bytes of place, 1 byte of length n, n bytes to put there; a
 * length from 128 on takes n - 128 bytes out instead, 255 cuts the file. Of our containers (docs/format.md) all
 * checksums and the file's length are made right, or no damage would get behind them. The caller frees. */
unsigned char *fuzz_patched(const char *path, const unsigned char *patches, size_t size, size_t *out_size);

#endif
