/* Word vectors: patches of a .mvec. What opens has words that are found again, and neighbours in order. */
#include "fuzz.h"

#include <math.h>

void fuzz_one(const unsigned char *data, size_t size)
{
    mask_error err;
    mask_vectors *v;
    size_t file_size, length, found;
    unsigned char *file = fuzz_patched(FIXTURE("v.mvec"), data, size, &file_size);
    const char *path = fuzz_file("v.mvec", file, file_size);
    free(file);
    bool opened = fuzz_ok(mask_vectors_open(&v, path, &fuzz_run, &err), &err);
    fuzz_check(opened == (v != NULL));
    if (!opened) return;
    bool good = fuzz_ok(mask_vectors_verify(v, &err), &err);
    size_t count = mask_vectors_count(v), dim = mask_vectors_dim(v);
    float *row = malloc((dim ? dim : 1) * sizeof *row);
    for (size_t i = 0; row && good && i < count && i < 200; i++) {
        const char *word = mask_vectors_word(v, i, &length);
        int64_t at = mask_vectors_find(v, word, length);
        fuzz_check(at < (int64_t)count);
        mask_vectors_get(v, i, row);
    }
    mask_neighbour near[5];
    if (row && good && count > 0 && fuzz_ok(mask_vectors_near(v, row, 5, near, &found, &fuzz_run, &err), &err)) {
        fuzz_check(found <= 5);
        for (size_t i = 0; i < found; i++) fuzz_check(near[i].row < count);
        for (size_t i = 1; i < found; i++) fuzz_check(!(near[i].cosine > near[i - 1].cosine));
    }
    free(row);
    mask_vectors_close(v);
}
