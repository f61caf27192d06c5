/* Galleries: patches of one of the files (first byte): version 0.1's, or a segment of today's. What opens is searched:
 * results are as many as asked for, and sorted. (Which they are nobody can say of bounds that were forged: fuzz-query.c
 * has galleries that are whole.) */
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

/* A gallery as this version makes it, of 8-bit vectors; its only segment is copied to now.segment. */
static void make_present(void)
{
    enum { IMAGES = 7, REGIONS = 3, DIM = 24 };
    static float features[IMAGES * REGIONS * DIM];
    mask_images_memory memory = {.count = IMAGES, .dim = DIM, .features = features, .regions = REGIONS};
    mask_gallery_options options = mask_gallery_defaults();
    mask_knowledge *k;
    mask_images *images;
    mask_error err;
    size_t size;
    const char *path = fuzz_path("now.gallery");
    options.store = MASK_STORE_INT8;
    for (size_t i = 0; i < sizeof features / sizeof *features; i++) features[i] = sinf((float)(i * i % 997));
    fuzz_check(fuzz_ok(mask_knowledge_open(&k, FIXTURE("g.gallery/knowledge.mask"), &fuzz_run, &err), &err));
    fuzz_check(fuzz_ok(mask_images_create(&images, &memory, &err), &err));
    fuzz_check(fuzz_ok(mask_gallery_create(path, k, NULL, &options, &err), &err));
    fuzz_check(fuzz_ok(mask_gallery_add(path, images, NULL, &fuzz_run, &err), &err));
    mask_images_close(images);
    mask_knowledge_close(k);
    unsigned char *segment = fuzz_read(fuzz_path("now.gallery/00000001.segment"), &size);
    fuzz_file("now.segment", segment, size);
    free(segment);
}

void fuzz_one(const unsigned char *data, size_t size)
{
    static mask_vectors *v;
    mask_error err;
    mask_gallery *g;
    char from[400], name[100];
    size_t file_size;
    if (!v) {
        fuzz_check(fuzz_ok(mask_vectors_open(&v, FIXTURE("v.mvec"), NULL, &err), &err));
        make_present();
    }
    if (size == 0) return;
    size_t which = data[0] % (FUZZ_GALLERY_FILES + 1);
    bool old = which < FUZZ_GALLERY_FILES;
    const char *patched = fuzz_gallery_files[old ? which : 0];
    const char *path = old ? fuzz_gallery(patched) : fuzz_path("now.gallery");
    if (old) snprintf(from, sizeof from, "%s/%s", FIXTURE("g.gallery"), patched);
    else snprintf(from, sizeof from, "%s", fuzz_path("now.segment"));
    snprintf(name, sizeof name, "%s/%s", old ? "g.gallery" : "now.gallery", patched);
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
