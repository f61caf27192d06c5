/* Galleries: patches of one of the files (first byte). What opens is searched: results are as many as asked for, and
 * sorted. (Which they are nobody can say of bounds that were forged: fuzz-query.c has galleries that are whole.) */
#include "fuzz.h"

#include <math.h>

static void search(const mask_gallery *g, const mask_vectors *v, const char *where)
{
    mask_error err;
    mask_results ten, three;
    mask_gallery_info info;
    mask_query_text text = {"a dog and a puppy", 1};
    mask_query q = mask_query_defaults();
    mask_gallery_describe(g, &info);
    q.texts = &text;
    q.count = 1;
    q.where = where;
    if (!fuzz_ok(mask_gallery_search(g, v, &q, &ten, &fuzz_run, &err), &err)) return;
    q.k = 3;
    fuzz_check(ten.count <= 10 && ten.searched <= info.images);
    for (size_t i = 1; i < ten.count; i++) fuzz_check(!(ten.hits[i].score > ten.hits[i - 1].score));
    if (fuzz_ok(mask_gallery_search(g, v, &q, &three, &fuzz_run, &err), &err)) {
        fuzz_check(three.count <= 3);
        mask_results_free(&three);
    }
    mask_query_image image = {.id = ten.count ? ten.hits[0].id : "0", .weight = 1};
    q.images = &image;
    q.image_count = 1;
    if (fuzz_ok(mask_gallery_search(g, v, &q, &three, &fuzz_run, &err), &err)) mask_results_free(&three);
    mask_results_free(&ten);
}

void fuzz_one(const unsigned char *data, size_t size)
{
    static mask_vectors *v;
    mask_error err;
    mask_gallery *g;
    char from[400], name[100];
    size_t file_size;
    if (!v) fuzz_check(fuzz_ok(mask_vectors_open(&v, FIXTURE("v.mvec"), NULL, &err), &err));
    if (size == 0) return;
    const char *patched = fuzz_gallery_files[data[0] % FUZZ_GALLERY_FILES], *path = fuzz_gallery(patched);
    snprintf(from, sizeof from, "%s/%s", FIXTURE("g.gallery"), patched);
    snprintf(name, sizeof name, "g.gallery/%s", patched);
    unsigned char *file = fuzz_patched(from, data + 1, size - 1, &file_size);
    fuzz_file(name, file, file_size);
    free(file);
    fuzz_ok(mask_gallery_verify(path, &fuzz_run, &err), &err);
    bool opened = fuzz_ok(mask_gallery_open(&g, path, &fuzz_run, &err), &err);
    fuzz_check(opened == (g != NULL));
    if (!opened) return;
    search(g, v, NULL);
    search(g, v, "year > 2000");
    mask_gallery_close(g);
}
