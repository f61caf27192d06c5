/* Builds a network operator by operator. */
#include "vision/graph.h"
#include "vision/operators.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_OPS = 1 << 14, MAX_TENSORS = 1 << 16, TIMES = 16 };

static mask_status refuse(const mask__graph *g, const mask__graph_op *op, const char *what, mask_error *err)
{
    return mask__fail(err, MASK_EFORMAT,
                      "%s: operator %zu (%s): %s: the file is damaged or no plain image network, export it again",
                      g->path, g->at, op->name, what);
}

void mask__graph_begin(mask__graph *g, const char *path, size_t file_size, size_t spare)
{
    *g = (mask__graph){.path = path, .input = MASK__NO_TENSOR};
    g->budget = file_size > SIZE_MAX / TIMES / 2 ? SIZE_MAX : TIMES * file_size + spare;
}

void mask__graph_free(mask__graph *g)
{
    mask__arena_free(&g->arena);
    free(g->tensors);
    free(g->ops);
    *g = (mask__graph){0};
}

mask_status mask__graph_room(mask__graph *g, size_t count, size_t size, void **out, mask_error *err)
{
    size_t bytes;
    *out = NULL;
    if (!mask__multiply(count, size, &bytes) || bytes > g->budget)
        return mask__fail(err, MASK_EFORMAT,
                          "%s: asks for more memory than its size explains: it is damaged, copy it again", g->path);
    g->budget -= bytes;
    *out = mask__arena_alloc(&g->arena, count + !count, size);
    return *out ? MASK_OK : mask__no_memory(err, g->path);
}

mask_status mask__graph_tensor_add(mask__graph *g, const char *name, unsigned ndim, const size_t *shape, uint32_t *out,
                                   mask_error *err)
{
    mask__graph_tensor t = {.name = name ? name : "", .ndim = ndim};
    if (g->tensor_count == MAX_TENSORS || !mask__graph_count(ndim, shape, &t.count))
        return mask__fail(err, MASK_EFORMAT,
                          "%s: has too many tensors or too large ones: it is damaged or no plain image network",
                          g->path);
    if (!mask__grow(&g->tensors, &g->tensor_room, g->tensor_count + 1, sizeof *g->tensors))
        return mask__no_memory(err, g->path);
    if (ndim) memcpy(t.shape, shape, ndim * sizeof *shape);
    *out = (uint32_t)g->tensor_count;
    g->tensors[g->tensor_count++] = t;
    return MASK_OK;
}

mask_status mask__graph_constant(mask__graph *g, unsigned ndim, const size_t *shape, uint32_t *out, float **values,
                                 mask_error *err)
{
    MASK__TRY(mask__graph_tensor_add(g, NULL, ndim, shape, out, err));
    mask__graph_tensor *t = &g->tensors[*out];
    mask_status status = mask__graph_room(g, t->count, sizeof(float), (void **)values, err);
    t->values = *values;
    return status;
}

/* The operator's inputs exist; whether all of them are constants. */
static const char *check_inputs(const mask__graph *g, const mask__graph_op *op, bool *constant)
{
    size_t needed;
    *constant = true;
    if (!mask__operator_takes(op->kind, op->input_count, &needed)) return "has a wrong number of inputs";
    for (size_t i = 0; i < op->input_count; i++) {
        uint32_t t = op->inputs[i];
        if (t == MASK__NO_TENSOR && i >= needed) continue;
        if (t >= g->tensor_count || (!g->tensors[t].values && !g->tensors[t].count))
            return "reads a tensor that was not computed before it";
        *constant = *constant && g->tensors[t].values;
    }
    return NULL;
}

/* The values of an operator on constants. */
static mask_status compute(mask__graph *g, const mask__graph_op *op, mask_error *err)
{
    mask__graph_tensor *y = &g->tensors[op->output];
    float *values;
    MASK__TRY(mask__graph_room(g, y->count, sizeof *values, (void **)&values, err));
    y->values = values;
    const float **inputs = calloc(op->input_count, sizeof *inputs);
    if (!inputs) return mask__no_memory(err, g->path);
    for (size_t i = 0; i < op->input_count; i++)
        inputs[i] = op->inputs[i] == MASK__NO_TENSOR ? NULL : g->tensors[op->inputs[i]].values;
    if (y->count) mask__operator_run(g, op, inputs, values);
    free(inputs);
    return MASK_OK;
}

mask_status mask__graph_add(mask__graph *g, const mask__graph_op *given, uint32_t *out, mask_error *err)
{
    mask__graph_op op = *given;
    mask__graph_tensor y = {0};
    bool constant;
    const char *wrong = check_inputs(g, &op, &constant);
    if (!wrong && op.kind == MASK__OP_CONV && g->tensors[op.inputs[0]].values) wrong = "works on a constant";
    if (!wrong && op.output != MASK__NO_TENSOR &&
        (op.output >= g->tensor_count || g->tensors[op.output].values || g->tensors[op.output].count))
        wrong = "writes a tensor that has its values already";
    if (!wrong) wrong = mask__operator_infer(g, &op, &y);
    if (!wrong && (!mask__graph_count(y.ndim, y.shape, &y.count) || (y.count == 0 && !constant)))
        wrong = "its result is not for one image of ordinary size";
    if (!wrong && g->op_count == MAX_OPS) wrong = "is one too many";
    if (wrong) return refuse(g, &op, wrong, err);
    if (op.output == MASK__NO_TENSOR) MASK__TRY(mask__graph_tensor_add(g, NULL, y.ndim, y.shape, &op.output, err));
    y.name = g->tensors[op.output].name;
    g->tensors[op.output] = y;
    if (constant) {
        MASK__TRY(compute(g, &op, err));
        if (out) *out = op.output;
        return MASK_OK;
    }
    if (!mask__grow(&g->ops, &g->op_room, g->op_count + 1, sizeof *g->ops)) return mask__no_memory(err, g->path);
    op.inputs = mask__arena_alloc(&g->arena, op.input_count, sizeof *op.inputs);
    if (!op.inputs) return mask__no_memory(err, g->path);
    memcpy(op.inputs, given->inputs, op.input_count * sizeof *op.inputs);
    g->ops[g->op_count++] = op;
    if (out) *out = op.output; /* which may be one of the given inputs' places */
    return MASK_OK;
}

uint32_t mask__graph_find(const mask__graph *g, const char *name)
{
    uint32_t found = MASK__NO_TENSOR;
    size_t holders = 0;
    for (size_t i = 0; i < g->op_count; i++) {
        const char *other = g->tensors[g->ops[i].output].name;
        if (strcmp(other, name) == 0) return g->ops[i].output;
        if (!strstr(other, name)) continue;
        found = g->ops[i].output;
        holders++;
    }
    return holders == 1 ? found : MASK__NO_TENSOR;
}
