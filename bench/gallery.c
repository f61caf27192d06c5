/* gallery G.gallery --queries FILE [--vectors V.mvec] [--rounds 3] [--threads T] [--k 10]: seconds of single searches,
 * one per line of the file, on a handle opened for this run. The first round is told apart: it asks each word for the
 * first time. --clock cpu: seconds of the processor, for machines that are not idle; true of one thread.
 * gallery --scan IMAGES [--rounds 200] [--threads T] [--k 10]: what the least of programs takes once columns are there:
 * it adds up float columns of as many images and keeps the k largest, without calibration, conditions or a catalogue.
 */
#include "mask.h"

#include <math.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

enum { MOST = 100000 };

static clockid_t timer = CLOCK_MONOTONIC;

static double now(void)
{
    struct timespec t;
    clock_gettime(timer, &t);
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

/* Keeps the k largest of the sums of `words` columns, from image `from` up to `to`, in best[], the largest first. */
static void scan(const float *const *columns, size_t words, size_t from, size_t to, size_t k, float *best)
{
    float sum[1024];
    for (size_t i = 0; i < k; i++) best[i] = -INFINITY;
    for (size_t at = from; at < to; at += 1024) {
        size_t n = to - at < 1024 ? to - at : 1024;
        memcpy(sum, columns[0] + at, n * sizeof *sum);
        for (size_t w = 1; w < words; w++)
            for (size_t i = 0; i < n; i++) sum[i] += columns[w][at + i];
        for (size_t i = 0; i < n; i++) {
            if (sum[i] <= best[k - 1]) continue;
            size_t place = k - 1;
            for (; place > 0 && best[place - 1] < sum[i]; place--) best[place] = best[place - 1];
            best[place] = sum[i];
        }
    }
}

/* Each round takes other columns of 64, as other queries would. */
static int print_scans(size_t images, int rounds, size_t k, int threads)
{
    enum { COLUMNS = 64, THREADS = 256 };
    const float *columns[2 * COLUMNS];
    float *values = malloc(COLUMNS * images * sizeof *values), *best = malloc(THREADS * k * sizeof *best);
    double *seconds = malloc((size_t)rounds * sizeof *seconds);
    if (!values || !best || !seconds) return 1;
    if (threads <= 0) threads = omp_get_num_procs();
    if (threads > THREADS) threads = THREADS;
    uint32_t random = 1;
    for (size_t i = 0; i < COLUMNS * images; i++) {
        random = random * 1664525 + 1013904223;
        values[i] = (float)(random >> 8) / 16777216;
    }
    for (size_t c = 0; c < 2 * COLUMNS; c++) columns[c] = values + c % COLUMNS * images;
    for (size_t words = 1; words <= 8; words = words == 1 ? 3 : words == 3 ? 8 : 9) {
        double check = 0;
        for (int r = 0; r < rounds; r++) {
            double start = now();
#pragma omp parallel num_threads(threads)
            {
                size_t t = (size_t)omp_get_thread_num(), n = (size_t)omp_get_num_threads();
                scan(columns + (size_t)r * words % COLUMNS, words, images * t / n, images * (t + 1) / n, k,
                     best + t * k);
            }
            for (int t = 1; t < threads; t++) /* the largest of all threads' largest */
                for (size_t i = 0, at = 0; i < k && at < k; at++)
                    if (best[(size_t)t * k + i] > best[at]) {
                        memmove(best + at + 1, best + at, (k - at - 1) * sizeof *best);
                        best[at] = best[(size_t)t * k + i++];
                    }
            seconds[r] = now() - start;
            check += best[k - 1];
        }
        qsort(seconds, (size_t)rounds, sizeof *seconds, by_value);
        printf("scan images=%zu words=%zu p50_ms=%.4f min_ms=%.4f last=%.4f\n", images, words,
               1e3 * seconds[rounds / 2], 1e3 * seconds[0], check / rounds);
    }
    free(values);
    free(best);
    free(seconds);
    return 0;
}

int main(int argc, char **argv)
{
    const char *queries = NULL, *words = NULL;
    static char *lines[MOST];
    size_t count = 0, k = 10, images = 0;
    int rounds = 0;
    mask_run run = {0};
    mask_error err;
    mask_gallery *gallery;
    mask_vectors *vectors = NULL;
    bool scans = argc > 2 && !strcmp(argv[1], "--scan");
    if (scans) images = strtoul(argv[2], NULL, 10);
    for (int i = scans ? 3 : 2; i + 1 < argc; i += 2) {
        if (!strcmp(argv[i], "--queries")) queries = argv[i + 1];
        if (!strcmp(argv[i], "--vectors")) words = argv[i + 1];
        if (!strcmp(argv[i], "--clock") && !strcmp(argv[i + 1], "cpu")) timer = CLOCK_PROCESS_CPUTIME_ID;
        if (!strcmp(argv[i], "--rounds")) rounds = (int)strtol(argv[i + 1], NULL, 10);
        if (!strcmp(argv[i], "--threads")) run.threads = (int)strtol(argv[i + 1], NULL, 10);
        if (!strcmp(argv[i], "--k")) k = strtoul(argv[i + 1], NULL, 10);
    }
    if (rounds <= 0) rounds = scans ? 200 : 3;
    if (k < 1) k = 1;
    if (images) return print_scans(images, rounds, k, run.threads);
    FILE *file = queries ? fopen(queries, "r") : NULL;
    if (!file) {
        fprintf(stderr, "gallery G.gallery --queries FILE: no queries; or --scan IMAGES\n");
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
