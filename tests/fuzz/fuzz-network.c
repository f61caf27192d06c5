/* Files of networks: bytes as an ONNX or TFLite file, at its own side and a larger one; what can be read runs. */
#include "fuzz.h"
#include "vision/model.h"
#include "vision/network.h"

enum { MOST_VALUES = 1 << 20 };

static void run(const mask__graph *g)
{
    mask_error err;
    mask__network *network;
    size_t most = 0;
    for (size_t t = 0; t < g->tensor_count; t++)
        if (!g->tensors[t].values && g->tensors[t].count > most) most = g->tensors[t].count;
    if (g->output_count == 0 || most > MOST_VALUES) return;
    if (!fuzz_ok(mask__network_open(&network, g, g->outputs, 1, 1, &err), &err)) return;
    float *input = calloc(g->tensors[g->input].count, sizeof *input);
    float *output = malloc(g->tensors[g->outputs[0]].count * sizeof *output);
    if (input && output) fuzz_ok(mask__network_run(network, input, 1, &output, &err), &err);
    free(input);
    free(output);
    mask__network_close(network);
}

void fuzz_one(const unsigned char *data, size_t size)
{
    static const size_t sides[] = {0, 96};
    for (size_t i = 0; i < sizeof sides / sizeof *sides; i++) {
        mask_error err;
        mask__graph g;
        float scale, zero;
        if (!fuzz_ok(mask__network_read(&g, data, size, sides[i], "fuzzed", &scale, &zero, &err), &err)) continue;
        run(&g);
        mask__graph_free(&g);
    }
}
