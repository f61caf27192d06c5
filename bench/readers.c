/* readers FILE: seconds to open a file of region features and to decode all of it, in one line of key=value, with
 * the sum of each region's first number, which another reader must find, too. */
#include "images/images.h"

#include <omp.h>
#include <stdio.h>
#include <stdlib.h>

enum { BLOCK = 16 };

static void must_be(mask_status status, const mask_error *err)
{
    if (status == MASK_OK) return;
    fprintf(stderr, "readers: %s\n", err->message);
    exit(1);
}

/* Room for the largest block. */
static float *new_buffer(const mask_images *images)
{
    size_t most = 0;
    for (size_t i = 0; i < mask_images_count(images); i++)
        if (mask_images_regions(images, i) > most) most = mask_images_regions(images, i);
    float *buffer = malloc(BLOCK * most * mask_images_dim(images) * sizeof *buffer);
    if (buffer) return buffer;
    fprintf(stderr, "readers: out of memory\n");
    exit(1);
}

int main(int argc, char **argv)
{
    mask_error err;
    mask_images *images;
    double sum = 0, start = omp_get_wtime();
    if (argc < 2) return 2;
    must_be(mask_images_open(&images, argv[1], NULL, NULL, &err), &err);
    double opened = omp_get_wtime();
    size_t count = mask_images_count(images), dim = mask_images_dim(images), rows;
    float *buffer = new_buffer(images);
    for (size_t first = 0; first < count; first += BLOCK) {
        const float *features;
        must_be(mask__images_block(images, first, count - first < BLOCK ? count - first : BLOCK, buffer, &features,
                                   &rows, &err),
                &err);
        for (size_t r = 0; r < rows; r++) sum += features[r * dim];
    }
    printf("open=%.6f all=%.6f images=%zu sum=%.9g\n", opened - start, omp_get_wtime() - start, count, sum);
    free(buffer);
    mask_images_close(images);
    return 0;
}
