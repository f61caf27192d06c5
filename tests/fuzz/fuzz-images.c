/* Region features of other programs: .npy, TSV of both layouts, a folder of .npz. The first byte says which. What opens
 * gives its features, twice the same. (HDF5 is not here: docs/datasets.md.) */
#include "fuzz.h"

#include <sys/stat.h>

static void read_all(const mask_images *images)
{
    mask_error err;
    size_t dim = mask_images_dim(images), count = mask_images_count(images);
    for (size_t i = 0; i < count && i < 20; i++) {
        size_t regions = mask_images_regions(images, i);
        float box[4];
        fuzz_check(regions > 0 && dim > 0 && mask_images_id(images, i));
        fuzz_check(mask_images_find(images, mask_images_id(images, i)) >= 0);
        if (regions > (1 << 20) / dim) continue;
        float *one = malloc(regions * dim * sizeof *one), *two = malloc(regions * dim * sizeof *two);
        if (one && two && fuzz_ok(mask_images_features(images, i, one, &err), &err)) {
            fuzz_check(fuzz_ok(mask_images_features(images, i, two, &err), &err));
            fuzz_check(memcmp(one, two, regions * dim * sizeof *one) == 0);
        }
        mask_images_box(images, i, regions - 1, box);
        free(one);
        free(two);
    }
}

void fuzz_one(const unsigned char *data, size_t size)
{
    mask_error err;
    mask_images *images;
    const char *path;
    if (size == 0) return;
    if (data[0] % 3 == 0) {
        path = fuzz_file("dev_ims.npy", data + 1, size - 1);
    } else if (data[0] % 3 == 1) {
        path = fuzz_file("images.tsv", data + 1, size - 1);
    } else {
        path = fuzz_path("npz");
        mkdir(path, 0777);
        fuzz_file("npz/7.npz", data + 1, size - 1);
    }
    bool opened = fuzz_ok(mask_images_open(&images, path, NULL, &fuzz_run, &err), &err);
    fuzz_check(opened == (images != NULL));
    if (opened) read_all(images);
    mask_images_close(images);
}
