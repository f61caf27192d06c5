/* photos E.menc [--threads T] [--side S] [--repeat 3] PHOTO...: milliseconds from a photo's bytes in memory to its
 * regions with an open extractor, one photo at a time, and photos a second with T callers side by side. Medians of the
 * rounds. */
#include "mask.h"

#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_REPEATS = 99 };

static void must(mask_status status, const mask_error *err)
{
    if (status == MASK_OK) return;
    fprintf(stderr, "%s\n", err->message);
    exit(1);
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static mask_photo read_photo(const char *path)
{
    FILE *file = fopen(path, "rb");
    long size = file && fseek(file, 0, SEEK_END) == 0 ? ftell(file) : -1;
    void *bytes = size > 0 ? malloc((size_t)size) : NULL;
    if (!bytes || fseek(file, 0, SEEK_SET) != 0 || fread(bytes, 1, (size_t)size, file) != (size_t)size) {
        fprintf(stderr, "%s: cannot be read\n", path);
        exit(1);
    }
    fclose(file);
    return (mask_photo){.id = path, .bytes = bytes, .size = (size_t)size};
}

static void look(mask_extractor *x, const mask_photo *photo)
{
    mask_error err;
    mask_images *images;
    must(mask_extractor_images(&images, x, photo, 1, &err), &err);
    mask_images_close(images);
}

int main(int argc, char **argv)
{
    mask_error err;
    mask_extractor *x;
    mask_extract_options options = mask_extract_defaults();
    double alone[MOST_REPEATS], together[MOST_REPEATS], start;
    int threads = 1, repeat = 3, count = 0;
    mask_photo *photos = calloc((size_t)argc, sizeof *photos);
    if (!photos || argc < 3) return 2;
    for (int i = 2; i < argc; i++) {
        if (i + 1 < argc && !strcmp(argv[i], "--threads")) threads = atoi(argv[++i]);
        else if (i + 1 < argc && !strcmp(argv[i], "--side")) options.side = (size_t)atoi(argv[++i]);
        else if (i + 1 < argc && !strcmp(argv[i], "--repeat")) repeat = atoi(argv[++i]);
        else photos[count++] = read_photo(argv[i]);
    }
    if (threads < 1 || repeat < 1 || repeat > MOST_REPEATS || count == 0) return 2;
    start = omp_get_wtime();
    must(mask_extractor_open(&x, argv[1], &options, &(mask_run){.threads = threads}, &err), &err);
    printf("open_ms=%.1f", 1e3 * (omp_get_wtime() - start));
    look(x, &photos[0]);
    for (int r = 0; r < repeat; r++) {
        start = omp_get_wtime();
        for (int i = 0; i < count; i++) look(x, &photos[i]);
        alone[r] = 1e3 * (omp_get_wtime() - start) / count;
        start = omp_get_wtime();
#pragma omp parallel for num_threads(threads) schedule(dynamic, 1)
        for (int i = 0; i < count; i++) look(x, &photos[i]);
        together[r] = count / (omp_get_wtime() - start);
    }
    qsort(alone, (size_t)repeat, sizeof *alone, ascending);
    qsort(together, (size_t)repeat, sizeof *together, ascending);
    printf(" alone_ms=%.2f alone_least=%.2f together_per_second=%.1f together_most=%.1f\n", alone[repeat / 2], alone[0],
           together[repeat / 2], together[repeat - 1]);
    mask_extractor_close(x);
    for (int i = 0; i < count; i++) free((void *)(uintptr_t)photos[i].bytes);
    free(photos);
    return 0;
}
