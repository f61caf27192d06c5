/* Knowledges: patches of a calibrated .mask (first byte even) or a trained one. What opens is described, read with and
 * written again, and the copy says the same. */
#include "fuzz.h"

static void use(const mask_knowledge *k, const mask_vectors *v)
{
    mask_error err;
    mask_matcher *matcher;
    mask_reading reading;
    if (!fuzz_ok(mask_matcher_open(&matcher, k, v, NULL, &fuzz_run, &err), &err)) return;
    if (fuzz_ok(mask_matcher_read(matcher, "a dog and a puppy", &reading, &err), &err)) {
        fuzz_check(reading.count >= 5);
        mask_reading_free(&reading);
    }
    mask_matcher_close(matcher);
}

void fuzz_one(const unsigned char *data, size_t size)
{
    static mask_vectors *v;
    mask_error err;
    mask_knowledge *k, *again;
    mask_knowledge_info info, same;
    size_t file_size, count;
    if (!v) fuzz_check(fuzz_ok(mask_vectors_open(&v, FIXTURE("v.mvec"), NULL, &err), &err));
    if (size == 0) return;
    unsigned char *file = fuzz_patched(data[0] % 2 ? FIXTURE("trained.mask") : FIXTURE("g.gallery/knowledge.mask"),
                                       data + 1, size - 1, &file_size);
    const char *path = fuzz_file("k.mask", file, file_size);
    free(file);
    bool opened = fuzz_ok(mask_knowledge_open(&k, path, &fuzz_run, &err), &err);
    fuzz_check(opened == (k != NULL));
    if (!opened) return;
    mask_knowledge_describe(k, &info);
    for (size_t i = 0; i < info.words; i++)
        fuzz_check(mask_knowledge_word(k, i, &count) && mask_knowledge_prototype(k, i));
    use(k, v);
    const char *copy = fuzz_path("copy.mask");
    fuzz_check(fuzz_ok(mask_knowledge_save(k, copy, &err), &err));
    fuzz_check(fuzz_ok(mask_knowledge_open(&again, copy, &fuzz_run, &err), &err));
    mask_knowledge_describe(again, &same);
    fuzz_check(info.words == same.words && info.dim == same.dim && info.feature_dim == same.feature_dim &&
               info.regions == same.regions && info.background_images == same.background_images &&
               info.background_texts == same.background_texts && strcmp(info.provenance, same.provenance) == 0);
    mask_knowledge_close(again);
    mask_knowledge_close(k);
}
