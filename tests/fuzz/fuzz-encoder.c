/* Encoders: patches of a .menc. What opens looks at a photo; its features have the length that was told. */
#include "fuzz.h"

static void look(mask_extractor *x)
{
    static const uint8_t grey[32 * 24 * 3];
    mask_error err;
    mask_photo photo = {.rgb = grey, .width = 32, .height = 24};
    mask_photo_regions r = {.room = mask_extractor_most(x)};
    size_t dim = mask_extractor_dim(x);
    if (dim == 0 || dim > 1 << 16 || r.room > 1 << 12) return;
    r.features = malloc(r.room * dim * sizeof *r.features);
    r.labels = malloc(r.room * sizeof *r.labels);
    if (r.features && r.labels && fuzz_ok(mask_extractor_regions(x, &photo, &r, &err), &err)) {
        fuzz_check(r.count > 0 && r.count <= r.room && r.width == 32 && r.height == 24);
        for (size_t i = 0; i < r.count; i++) fuzz_check(r.labels[i] < 0 || mask_extractor_label(x, r.labels[i]));
    }
    free(r.features);
    free(r.labels);
}

void fuzz_one(const unsigned char *data, size_t size)
{
    mask_error err;
    mask_extractor *x;
    mask_encoder_info info;
    mask_encoder_head head;
    size_t file_size;
    unsigned char *file = fuzz_patched(FIXTURE("e.menc"), data, size, &file_size);
    const char *path = fuzz_file("e.menc", file, file_size);
    free(file);
    bool good = fuzz_ok(mask_encoder_describe(path, &info, &err), &err);
    if (good && info.size > 512) return; /* a network of any size is allowed, and takes its time */
    if (fuzz_ok(mask_encoder_head_read(&head, path, &err), &err)) mask_encoder_head_free(&head);
    mask_extract_options o = mask_extract_defaults();
    o.regions = 5;
    bool opened = fuzz_ok(mask_extractor_open(&x, path, &o, &fuzz_run, &err), &err);
    fuzz_check(opened == (x != NULL) && (good || !opened));
    if (opened) look(x);
    mask_extractor_close(x);
}
