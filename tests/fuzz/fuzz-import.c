/* Word vectors of other programs: GloVe text, word2vec binary, fastText, wink JSON. What is taken becomes a file that
 * is whole and opens; what is refused leaves none. */
#include "fuzz.h"

#include <unistd.h>

void fuzz_one(const unsigned char *data, size_t size)
{
    mask_error err;
    mask_vectors *v;
    mask_vectors_import_options o = mask_vectors_import_defaults();
    char from[300], to[300];
    snprintf(from, sizeof from, "%s", fuzz_file("from", data, size));
    snprintf(to, sizeof to, "%s", fuzz_path("to.mvec"));
    unlink(to);
    o.bits = (int[]){32, 16, 8}[size % 3];
    if (!fuzz_ok(mask_vectors_import(from, to, &o, &fuzz_run, &err), &err)) {
        fuzz_check(access(to, F_OK) != 0);
        return;
    }
    fuzz_check(fuzz_ok(mask_vectors_open(&v, to, &fuzz_run, &err), &err));
    fuzz_check(fuzz_ok(mask_vectors_verify(v, &err), &err));
    fuzz_check(mask_vectors_count(v) > 0 && mask_vectors_dim(v) > 0);
    for (size_t i = 0, length; i < mask_vectors_count(v); i++) {
        const char *word = mask_vectors_word(v, i, &length);
        fuzz_check(mask_vectors_find(v, word, length) == (int64_t)i);
    }
    mask_vectors_close(v);
}
