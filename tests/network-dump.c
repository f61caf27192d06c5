/* network-dump FILE SIDE INPUT OUTPUT [--threads T] [--time N] [--network FILE]: runs an ONNX or TFLite file, or a
 * .menc's first (which --network writes as the file that it was), on a .menc's first, on a square of floats (side x
 * side x 3, or of the file's own side when SIDE is 0) and writes its outputs one behind the other; prints the
 * milliseconds, and those of all processors, of the fastest of N runs. For tests/compare-onnx.py and bench/onnx.py. */
#include "base/file.h"
#include "vision/model.h"
#include "vision/network.h"

#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static void must(mask_status status, const mask_error *err)
{
    if (status == MASK_OK) return;
    fprintf(stderr, "%s\n", err->message);
    exit(1);
}

static double processor(void)
{
    struct timespec used;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    return (double)used.tv_sec + 1e-9 * (double)used.tv_nsec;
}

static void *room(size_t count)
{
    void *memory = calloc(count + 1, sizeof(float));
    if (!memory) exit(1);
    return memory;
}

int main(int argc, char **argv)
{
    mask_error err;
    mask__map map;
    mask__graph g;
    mask__model model;
    mask__network *network;
    float scale, zero, **outputs;
    const char *copy = NULL;
    int threads = 1, times = 1;
    double best = 1e9, least = 1e9;
    if (argc < 5) return 2;
    for (int i = 5; i + 1 < argc; i += 2) {
        if (!strcmp(argv[i], "--threads")) threads = (int)strtol(argv[i + 1], NULL, 10);
        else if (!strcmp(argv[i], "--network")) copy = argv[i + 1];
        else if (!strcmp(argv[i], "--time")) times = (int)strtol(argv[i + 1], NULL, 10);
    }
    size_t side = strtoul(argv[2], NULL, 10);
    must(mask__map_open(&map, argv[1], &err), &err);
    bool menc = map.size > 8 && memcmp(map.data, MASK__MODEL_MAGIC, 8) == 0;
    if (menc) {
        must(mask__model_open(&model, argv[1], side, &err), &err);
        g = model.networks[0].graph;
        FILE *to = copy ? fopen(copy, "wb") : NULL;
        if (copy && (!to || fwrite(model.networks[0].data, model.networks[0].bytes, 1, to) != 1 || fclose(to)))
            return 1;
    } else {
        must(mask__network_read(&g, map.data, map.size, side, argv[1], &scale, &zero, &err), &err);
    }
    must(mask__network_open(&network, &g, g.outputs, g.output_count, threads, &err), &err);
    float *input = room(g.tensors[g.input].count);
    FILE *in = fopen(argv[3], "rb"), *out = fopen(argv[4], "wb");
    if (!in || !out || fread(input, sizeof *input, g.tensors[g.input].count, in) != g.tensors[g.input].count) return 1;
    outputs = room(2 * g.output_count);
    for (size_t o = 0; o < g.output_count; o++) outputs[o] = room(g.tensors[g.outputs[o]].count);
    for (int i = 0; i < times; i++) {
        double start = omp_get_wtime(), begun = processor();
        must(mask__network_run(network, input, 1, outputs, &err), &err);
        if (omp_get_wtime() - start < best) best = omp_get_wtime() - start;
        if (processor() - begun < least) least = processor() - begun;
    }
    for (size_t o = 0; o < g.output_count; o++) {
        fwrite(outputs[o], sizeof(float), g.tensors[g.outputs[o]].count, out);
        free(outputs[o]);
    }
    printf("ms=%.3f processor_ms=%.3f megabytes=%.1f operators=%zu\n", 1e3 * best, 1e3 * least,
           (double)mask__network_memory(network) / 1e6, g.op_count);
    mask__network_close(network);
    if (menc) mask__model_close(&model);
    else mask__graph_free(&g);
    mask__map_close(&map);
    free(outputs);
    free(input);
    fclose(in);
    return fclose(out) != 0;
}
