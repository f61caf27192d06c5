/* Region stores: patches of a .regions (SQLite). What opens gives the features it says it has, or refuses an image. */
#include "fuzz.h"

void fuzz_one(const unsigned char *data, size_t size)
{
    mask_error err;
    mask_images *images;
    mask_extract_info info;
    float box[4];
    size_t file_size;
    unsigned char *file = fuzz_patched(FIXTURE("p.regions"), data, size, &file_size);
    const char *path = fuzz_file("p.regions", file, file_size);
    free(file);
    fuzz_ok(mask_extract_describe(&info, path, &err), &err);
    bool opened = fuzz_ok(mask_images_open(&images, path, NULL, &fuzz_run, &err), &err);
    fuzz_check(opened == (images != NULL));
    if (!opened) return;
    size_t dim = mask_images_dim(images);
    for (size_t i = 0; i < mask_images_count(images); i++) {
        size_t regions = mask_images_regions(images, i);
        fuzz_check(regions > 0 && mask_images_id(images, i));
        if (regions * dim > 1 << 24) continue;
        float *out = malloc(regions * dim * sizeof *out);
        if (out) fuzz_ok(mask_images_features(images, i, out, &err), &err);
        free(out);
        mask_images_box(images, i, regions - 1, box);
    }
    mask_images_close(images);
}
