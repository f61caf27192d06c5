/* detector E.menc RGB COUNT [--threads T] [--repeat 3] [--crops]: milliseconds an image of the network, of the detector
 * as a whole (bytes to boxes), and with --crops of a crop's feature, over COUNT images of raw bytes. */
#include "vision/encoder.h"
#include "vision/model.h"
#include "vision/network.h"

#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BOXES = 36, MOST_REPEATS = 99 };

static void must(mask_status status, const mask_error *err)
{
    if (status == MASK_OK) return;
    fprintf(stderr, "%s\n", err->message);
    exit(1);
}

static void *room(size_t count, size_t size)
{
    void *memory = calloc(count, size);
    if (!memory) exit(1);
    return memory;
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

typedef struct bench {
    size_t count, size;
    int threads, repeat;
    const uint8_t *rgb;
    mask__model model;
    mask__network *network;
    mask__encoder *encoder;
    float *input, *outputs[3], *features;
    mask__detection *boxes;
} bench;

static void run_network(bench *b)
{
    mask_error err;
    must(mask__network_run(b->network, b->input, b->count, b->outputs, &err), &err);
}

static void run_detector(bench *b)
{
    mask_error err;
    size_t found;
    must(mask__encoder_run(b->encoder, &b->rgb, b->count, &err), &err);
    for (size_t i = 0; i < b->count; i++)
        must(mask__encoder_detect(b->encoder, i, &MASK__DETECT_DEFAULTS, b->boxes, &found, &err), &err);
}

static void run_crops(bench *b)
{
    mask_error err;
    must(mask__encoder_run(b->encoder, &b->rgb, b->count, &err), &err);
    for (size_t i = 0; i < b->count; i++) mask__encoder_pool(b->encoder, i, (float[]){0, 0, 1, 1}, 1, b->features);
}

/* Median milliseconds an image; the first run warms up. */
static double measure(bench *b, void (*work)(bench *))
{
    double times[MOST_REPEATS];
    work(b);
    for (int r = 0; r < b->repeat; r++) {
        double start = omp_get_wtime();
        work(b);
        times[r] = 1e3 * (omp_get_wtime() - start) / (double)b->count;
    }
    qsort(times, (size_t)b->repeat, sizeof *times, ascending);
    return times[b->repeat / 2];
}

static void open_all(bench *b, const char *menc)
{
    mask_error err;
    must(mask__model_open(&b->model, menc, 0, &err), &err);
    const uint32_t tensors[3] = {b->model.networks[0].boxes, b->model.networks[0].scores,
                                 b->model.networks[0].maps[0].tensor};
    size_t values = 3 * b->size * b->size;
    must(mask__network_open(&b->network, &b->model.networks[0].graph, tensors, 3, b->threads, &err), &err);
    must(mask__encoder_open(&b->encoder, menc, 0, &(mask_run){.threads = b->threads}, &err), &err);
    b->input = room(b->count * values, sizeof(float));
    for (size_t i = 0; i < b->count * values; i++)
        b->input[i] = (float)b->rgb[i] * b->model.networks[0].scale[i % 3] + b->model.networks[0].offset[i % 3];
    for (int o = 0; o < 3; o++)
        b->outputs[o] = room(b->count * b->model.networks[0].graph.tensors[tensors[o]].count, sizeof(float));
    b->boxes = room(BOXES, sizeof *b->boxes);
    b->features = room(mask__encoder_facts_of(b->encoder)->channels, sizeof(float));
}

int main(int argc, char **argv)
{
    bench b = {.size = 300, .threads = omp_get_num_procs(), .repeat = 3};
    bool crops = false;
    if (argc < 4) return 2;
    b.count = strtoul(argv[3], NULL, 10);
    for (int i = 4; i < argc; i++) {
        if (!strcmp(argv[i], "--threads") && i + 1 < argc) b.threads = (int)strtol(argv[++i], NULL, 10);
        else if (!strcmp(argv[i], "--repeat") && i + 1 < argc) b.repeat = (int)strtol(argv[++i], NULL, 10);
        else if (!strcmp(argv[i], "--crops")) crops = true;
    }
    if (b.repeat < 1 || b.repeat > MOST_REPEATS || b.threads < 1) return 2;
    uint8_t *rgb = room(b.count, 3 * b.size * b.size);
    FILE *in = fopen(argv[2], "rb");
    if (!in || fread(rgb, 3 * b.size * b.size, b.count, in) != b.count) return 1;
    fclose(in);
    b.rgb = rgb;
    open_all(&b, argv[1]);
    printf("threads=%d images=%zu network_ms=%.3f detector_ms=%.3f megabytes=%.1f", b.threads, b.count,
           measure(&b, run_network), measure(&b, run_detector), (double)mask__network_memory(b.network) / 1e6);
    if (crops) printf(" crop_ms=%.3f", measure(&b, run_crops));
    printf("\n");
    return 0;
}
