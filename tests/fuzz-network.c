/* A fuzz target for files of networks: reads bytes as an ONNX or TFLite file, at its own side and a larger one, and
 * runs what can be read. Without a fuzzer it is an ordinary program that replays files, so that what was found stays
 * found:
 *
 *     clang -fsanitize=fuzzer,address -DMASK_FUZZ ... fuzz-network.c        fuzz-network CORPUS/
 *     fuzz-network FILE...                                                  replays
 */
#include "base/file.h"
#include "vision/model.h"
#include "vision/network.h"

#include <stdio.h>
#include <stdlib.h>

enum { MOST_VALUES = 1 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void run(const mask__graph *g)
{
    mask_error err;
    mask__network *network;
    size_t most = 0;
    for (size_t t = 0; t < g->tensor_count; t++)
        if (!g->tensors[t].values && g->tensors[t].count > most) most = g->tensors[t].count;
    if (g->output_count == 0 || most > MOST_VALUES) return;
    if (mask__network_open(&network, g, g->outputs, 1, 1, &err) != MASK_OK) return;
    float *input = calloc(g->tensors[g->input].count, sizeof *input);
    float *output = malloc(g->tensors[g->outputs[0]].count * sizeof *output);
    if (input && output) mask__network_run(network, input, 1, &output, &err);
    free(input);
    free(output);
    mask__network_close(network);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const size_t sides[] = {0, 96};
    for (size_t i = 0; i < sizeof sides / sizeof *sides; i++) {
        mask_error err;
        mask__graph g;
        float scale, zero;
        if (mask__network_read(&g, data, size, sides[i], "fuzzed", &scale, &zero, &err) != MASK_OK) continue;
        run(&g);
        mask__graph_free(&g);
    }
    return 0;
}

#ifndef MASK_FUZZ
int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        mask_error err;
        mask__map map;
        if (mask__map_open(&map, argv[i], &err) != MASK_OK) {
            fprintf(stderr, "%s\n", err.message);
            return 1;
        }
        LLVMFuzzerTestOneInput(map.data, map.size);
        mask__map_close(&map);
    }
    printf("%d files replayed\n", argc - 1);
    return argc < 2;
}
#endif
