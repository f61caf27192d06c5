/* gallery G.gallery --queries FILE [--vectors V.mvec] [--rounds 3] [--threads T] [--k 10]: seconds of single searches,
 * one a line of the file, on a handle opened for this run. The first round is told apart: it asks each word for the
 * first time. */
#include "mask.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

enum { MOST = 100000 };

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void need(mask_status status, const mask_error *err)
{
    if (status == MASK_OK) return;
    fprintf(stderr, "gallery: %s\n", err->message);
    exit(1);
}

static void print_times(const char *name, double *seconds, size_t count, double rescored)
{
    double sum = 0;
    if (!count) return;
    qsort(seconds, count, sizeof *seconds, by_value);
    for (size_t i = 0; i < count; i++) sum += seconds[i];
    printf("%s n=%zu p50_ms=%.4f p99_ms=%.4f mean_ms=%.4f rescored=%.1f\n", name, count, 1e3 * seconds[count / 2],
           1e3 * seconds[(count - 1) * 99 / 100], 1e3 * sum / (double)count, rescored / (double)count);
}

int main(int argc, char **argv)
{
    const char *queries = NULL, *words = NULL;
    static char *lines[MOST];
    size_t count = 0, k = 10;
    int rounds = 3;
    mask_run run = {0};
    mask_error err;
    mask_gallery *gallery;
    mask_vectors *vectors = NULL;
    for (int i = 2; i + 1 < argc; i += 2) {
        if (!strcmp(argv[i], "--queries")) queries = argv[i + 1];
        if (!strcmp(argv[i], "--vectors")) words = argv[i + 1];
        if (!strcmp(argv[i], "--rounds")) rounds = (int)strtol(argv[i + 1], NULL, 10);
        if (!strcmp(argv[i], "--threads")) run.threads = (int)strtol(argv[i + 1], NULL, 10);
        if (!strcmp(argv[i], "--k")) k = strtoul(argv[i + 1], NULL, 10);
    }
    FILE *file = queries ? fopen(queries, "r") : NULL;
    if (!file) {
        fprintf(stderr, "gallery G.gallery --queries FILE: no queries\n");
        return 1;
    }
    char *line = NULL;
    size_t room = 0;
    while (count < MOST && getline(&line, &room, file) > 0) {
        line[strcspn(line, "\n")] = 0;
        lines[count++] = strdup(line);
    }
    fclose(file);
    double start = now(), *first = malloc((count + 1) * sizeof *first);
    double *later = malloc((count * (size_t)rounds + 1) * sizeof *later), rescored[2] = {0};
    size_t later_count = 0;
    need(mask_gallery_open(&gallery, argv[1], &run, &err), &err);
    mask_gallery_info info;
    mask_gallery_describe(gallery, &info);
    if (info.options.ood != MASK_OOD_OFF)
        need(mask_vectors_open(&vectors, words ? words : info.vectors_path, NULL, &err), &err);
    printf("gallery images=%zu regions=%zu words=%zu dim=%zu bytes=%llu open_ms=%.2f\n", info.images, info.regions,
           info.words, info.dim, (unsigned long long)info.bytes, 1e3 * (now() - start));
    for (int r = 0; r < rounds; r++)
        for (size_t i = 0; i < count; i++) {
            mask_query_text text = {lines[i], 1};
            mask_query query = mask_query_defaults();
            mask_results results;
            query.texts = &text;
            query.count = 1;
            query.k = k;
            start = now();
            need(mask_gallery_search(gallery, vectors, &query, &results, &run, &err), &err);
            double seconds = now() - start;
            if (r == 0) first[i] = seconds;
            else later[later_count++] = seconds;
            rescored[r > 0] += (double)results.rescored;
            mask_results_free(&results);
        }
    print_times("first", first, count, rescored[0]);
    print_times("again", later, later_count, rescored[1]);
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    printf("memory peak_mb=%.1f\n", (double)usage.ru_maxrss / 1024);
    mask_gallery_close(gallery);
    mask_vectors_close(vectors);
    for (size_t i = 0; i < count; i++) free(lines[i]);
    free(first);
    free(later);
    free(line);
    return 0;
}
