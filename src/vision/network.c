#include "vision/network.h"
#include "vision/fuse.h"
#include "vision/plan.h"

#include <omp.h>
#include <stdlib.h>
#include <string.h>

struct mask__network {
    const mask__graph *graph;
    mask__graph fused;
    size_t output_count;
    uint32_t *outputs;
    int threads;
    mask__plan single; /* for one thread */
    mask__plan all;    /* for all threads; without steps where there is only one */
    float **memory;    /* each thread's */
};

static mask_status make_plans(mask__network *n, mask_error *err)
{
    MASK__TRY(mask__fuse(n->graph, n->outputs, n->output_count, &n->fused, err));
    MASK__USE_THREADS(1);
    mask_status status = mask__plan_make(&n->single, &n->fused, n->outputs, n->output_count, NULL, err);
    omp_set_num_threads(n->threads);
    if (status != MASK_OK || n->threads == 1) return status;
    return mask__plan_make(&n->all, &n->fused, n->outputs, n->output_count, &n->single, err);
}

static mask_status make_memory(mask__network *n, mask_error *err)
{
    size_t values = n->single.values > n->all.values ? n->single.values : n->all.values;
    for (int t = 0; t < n->threads; t++) {
        if (posix_memalign((void **)&n->memory[t], 64, values * sizeof(float)) != 0) {
            n->memory[t] = NULL;
            return mask__no_memory(err, n->graph->path);
        }
        memset(n->memory[t], 0, values * sizeof(float));
    }
    return MASK_OK;
}

mask_status mask__network_open(mask__network **out, const mask__graph *graph, const uint32_t *outputs,
                               size_t output_count, int threads, mask_error *err)
{
    mask__network *n = calloc(1, sizeof *n);
    *out = NULL;
    if (!n) return mask__no_memory(err, graph->path);
    n->graph = graph;
    n->output_count = output_count;
    n->threads = threads;
    n->outputs = calloc(output_count + 1, sizeof *n->outputs);
    n->memory = calloc((size_t)threads, sizeof *n->memory);
    mask_status status = MASK_OK;
    if (!n->outputs || !n->memory) status = mask__no_memory(err, graph->path);
    if (status == MASK_OK) {
        memcpy(n->outputs, outputs, output_count * sizeof *outputs);
        status = make_plans(n, err);
    }
    if (status == MASK_OK) status = make_memory(n, err);
    if (status == MASK_OK) *out = n;
    else mask__network_close(n);
    return status;
}

void mask__network_close(mask__network *n)
{
    if (!n) return;
    mask__plan_free(&n->all); /* it borrows from the other */
    mask__plan_free(&n->single);
    mask__graph_free(&n->fused);
    for (int t = 0; n->memory && t < n->threads; t++) free(n->memory[t]);
    free(n->memory);
    free(n->outputs);
    free(n);
}

static mask_status run_image(const mask__network *n, const mask__plan *plan, float *memory, const float *input,
                             size_t image, float *const *outputs, mask_error *err)
{
    const mask__graph_tensor *tensors = n->graph->tensors;
    size_t values = tensors[n->graph->input].count;
    memcpy(memory + plan->slots[plan->input].offset, input + image * values, values * sizeof *input);
    MASK__TRY(mask__plan_run(plan, &n->fused, memory, err));
    for (size_t o = 0; o < n->output_count; o++) {
        size_t count = tensors[n->outputs[o]].count;
        memcpy(outputs[o] + image * count, memory + plan->slots[plan->outputs[o]].offset, count * sizeof *input);
    }
    return MASK_OK;
}

mask_status mask__network_run(mask__network *n, const float *input, size_t count, float *const *outputs,
                              mask_error *err)
{
    mask_status result = MASK_OK;
    MASK__USE_THREADS(n->threads);
    if (count == 1) return run_image(n, n->threads > 1 ? &n->all : &n->single, n->memory[0], input, 0, outputs, err);
#pragma omp parallel for schedule(dynamic)
    for (size_t i = 0; i < count; i++) {
        mask_error own;
        mask_status status = run_image(n, &n->single, n->memory[omp_get_thread_num()], input, i, outputs, &own);
        if (status == MASK_OK) continue;
#pragma omp critical(mask_network_failure)
        {
            result = status;
            if (err) *err = own;
        }
    }
    return result;
}

size_t mask__network_memory(const mask__network *n)
{
    return n->single.values * sizeof(float);
}
