/* Checks a network's shapes once, so that running it needs no doubt. */
#include "vision/graph.h"

#include <string.h>

enum { MAX_VALUES = 1 << 27, MAX_STEP = 4096, MAX_OPS = 4096, MAX_TENSORS = 1 << 16 };

static mask_status refuse(const mask__graph *g, size_t op, const char *what, mask_error *err)
{
    return mask__fail(err, MASK_EFORMAT, MASK_NO_OFFSET,
                      "%s: operator %zu (%s): %s: the file is damaged or no plain image network, export it again",
                      g->path, op, g->ops[op].name, what);
}

static bool same_shape(const mask__graph_tensor *a, const mask__graph_tensor *b)
{
    return a->ndim == b->ndim && memcmp(a->shape, b->shape, a->ndim * sizeof a->shape[0]) == 0;
}

/* Rows and columns that a window of kernel[2] makes of the input; sets the padding. */
static bool slide(mask__graph_op *op, const size_t kernel[2], const mask__graph_tensor *in,
                  const mask__graph_tensor *out)
{
    if (in->ndim != 4 || out->ndim != 4) return false;
    for (int d = 0; d < 2; d++) {
        size_t size = in->shape[1 + d], made, stride = op->stride[d];
        if (stride == 0 || stride > MAX_STEP || op->dilation[d] == 0 || op->dilation[d] > MAX_STEP || kernel[d] == 0)
            return false;
        size_t window = (kernel[d] - 1) * op->dilation[d] + 1, reach;
        if (op->same) {
            made = (size + stride - 1) / stride;
            reach = (made - 1) * stride + window;
        } else {
            if (size < window) return false;
            made = (size - window) / stride + 1;
            reach = 0;
        }
        size_t missing = reach > size ? reach - size : 0;
        op->pad_before[d] = missing / 2;
        op->pad_after[d] = missing - missing / 2;
        if (out->shape[1 + d] != made) return false;
    }
    return true;
}

/* Weights are constant with so many dimensions; a bias, where there is one, has `outputs` values. */
static const mask__graph_tensor *weights_of(const mask__graph *g, const mask__graph_op *op, unsigned ndim,
                                            unsigned out_dim)
{
    const mask__graph_tensor *w = &g->tensors[op->inputs[1]];
    if (!w->values || w->ndim != ndim || w->count == 0) return NULL;
    if (op->inputs[2] == MASK__NO_TENSOR) return w;
    const mask__graph_tensor *bias = &g->tensors[op->inputs[2]];
    return bias->values && bias->count == w->shape[out_dim] ? w : NULL;
}

static const char *check_convolution(const mask__graph *g, mask__graph_op *op)
{
    const mask__graph_tensor *x = &g->tensors[op->inputs[0]], *y = &g->tensors[op->output];
    bool depthwise = op->kind == MASK__OP_DEPTHWISE;
    const mask__graph_tensor *w = weights_of(g, op, 4, depthwise ? 3 : 0);
    if (!w) return "its weights or bias are not constants of the right shape";
    if (!slide(op, w->shape + 1, x, y)) return "its result's shape is not what its window makes of the input";
    if (depthwise && (w->shape[0] != 1 || w->shape[3] % x->shape[3] != 0))
        return "its weights do not fit its input's channels";
    if (!depthwise && w->shape[3] != x->shape[3]) return "its weights do not fit its input's channels";
    return y->shape[3] == w->shape[depthwise ? 3 : 0] ? NULL : "its result has not the channels of its weights";
}

static const char *check_fully(const mask__graph *g, const mask__graph_op *op)
{
    const mask__graph_tensor *w = weights_of(g, op, 2, 0);
    if (!w) return "its weights or bias are not constants of the right shape";
    if (w->shape[1] != g->tensors[op->inputs[0]].count) return "its weights do not fit its input";
    return g->tensors[op->output].count == w->shape[0] ? NULL : "its result has not the length of its weights";
}

static const char *check_pair(const mask__graph *g, mask__graph_op *op)
{
    const mask__graph_tensor *a = &g->tensors[op->inputs[0]], *b = &g->tensors[op->inputs[1]];
    if (a->values || a->count < b->count) { /* the computed and larger one first */
        const mask__graph_tensor *smaller = a;
        uint32_t first = op->inputs[0];
        op->inputs[0] = op->inputs[1];
        op->inputs[1] = first;
        a = b;
        b = smaller;
    }
    if (a->values) return "works on constants";
    if (!same_shape(a, &g->tensors[op->output])) return "its result has not its input's shape";
    if (same_shape(a, b)) return NULL;
    bool by_channel = b->count == a->shape[a->ndim - 1] && b->shape[b->ndim - 1] == b->count;
    return by_channel || b->count == 1 ? NULL : "its inputs have neither one shape nor is one a value for each channel";
}

static const char *check_concat(const mask__graph *g, const mask__graph_op *op)
{
    const mask__graph_tensor *y = &g->tensors[op->output];
    size_t length = 0;
    if (op->axis == 0 || op->axis >= y->ndim) return "joins along a dimension that it cannot";
    for (size_t i = 0; i < op->input_count; i++) {
        mask__graph_tensor x = g->tensors[op->inputs[i]];
        if (x.ndim != y->ndim) return "its inputs do not have one shape";
        length += x.shape[op->axis];
        x.shape[op->axis] = y->shape[op->axis];
        if (!same_shape(&x, y)) return "its inputs do not have one shape";
    }
    return length == y->shape[op->axis] ? NULL : "its result has not the length of its inputs";
}

static const char *check_pad(const mask__graph_tensor *x, const mask__graph_tensor *y, const mask__graph_op *op)
{
    if (x->ndim != 4 || y->ndim != 4 || x->shape[3] != y->shape[3]) return "pads something else than rows and columns";
    for (int d = 0; d < 2; d++)
        if (op->pad_before[d] > MAX_VALUES || op->pad_after[d] > MAX_VALUES ||
            y->shape[1 + d] != x->shape[1 + d] + op->pad_before[d] + op->pad_after[d])
            return "its result has not the padded shape";
    return NULL;
}

/* NULL, or what is wrong with the shapes of an operator whose tensors exist. */
static const char *check_shapes(const mask__graph *g, mask__graph_op *op)
{
    const mask__graph_tensor *x = &g->tensors[op->inputs[0]], *y = &g->tensors[op->output];
    switch (op->kind) {
    case MASK__OP_CONV:
    case MASK__OP_DEPTHWISE:
        return check_convolution(g, op);
    case MASK__OP_FULLY:
        return check_fully(g, op);
    case MASK__OP_ADD:
    case MASK__OP_MUL:
        return check_pair(g, op);
    case MASK__OP_CONCAT:
        return check_concat(g, op);
    case MASK__OP_PAD:
        return check_pad(x, y, op);
    case MASK__OP_AVERAGE_POOL:
    case MASK__OP_MAX_POOL:
        if (op->kernel[0] > MAX_STEP || op->kernel[1] > MAX_STEP || !slide(op, op->kernel, x, y) ||
            x->shape[3] != y->shape[3])
            return "its result's shape is not what its window makes of the input";
        return NULL;
    case MASK__OP_MEAN:
        return x->ndim == 4 && y->shape[y->ndim - 1] == x->shape[3] && y->count == x->shape[3]
                   ? NULL
                   : "is no mean over rows and columns";
    case MASK__OP_RESHAPE:
        return x->count == y->count ? NULL : "its result has not as many values as its input";
    case MASK__OP_SOFTMAX:
    case MASK__OP_ACTIVATION:
        return same_shape(x, y) ? NULL : "its result has not its input's shape";
    }
    return "is unknown";
}

static size_t inputs_wanted(mask__op_kind kind)
{
    switch (kind) {
    case MASK__OP_CONV:
    case MASK__OP_DEPTHWISE:
    case MASK__OP_FULLY:
        return 3;
    case MASK__OP_ADD:
    case MASK__OP_MUL:
        return 2;
    case MASK__OP_CONCAT:
        return 0; /* any number */
    default:
        return 1;
    }
}

/* The operator's tensors exist, in the order of running; known[t] = constant or computed by now. */
static const char *check_tensors(const mask__graph *g, const mask__graph_op *op, bool *known)
{
    size_t wanted = inputs_wanted(op->kind);
    if (op->input_count == 0 || (wanted && op->input_count != wanted)) return "has a wrong number of inputs";
    for (size_t i = 0; i < op->input_count; i++) {
        uint32_t t = op->inputs[i];
        if (t == MASK__NO_TENSOR && i == 2 && wanted == 3) continue;
        if (t >= g->tensor_count || !known[t]) return "reads a tensor that was not computed before it";
        if (op->kind == MASK__OP_CONCAT && g->tensors[t].values) return "joins a constant";
    }
    if (op->output >= g->tensor_count || known[op->output]) return "writes a tensor that has its values already";
    const mask__graph_tensor *y = &g->tensors[op->output];
    if (y->ndim == 0 || y->shape[0] != 1 || y->count == 0 || y->count > MAX_VALUES)
        return "its result is not for one image of ordinary size";
    if (op->kind != MASK__OP_CONCAT && op->kind != MASK__OP_ADD && op->kind != MASK__OP_MUL &&
        g->tensors[op->inputs[0]].values)
        return "works on a constant";
    known[op->output] = true;
    return NULL;
}

mask_status mask__graph_check(mask__graph *g, mask_error *err)
{
    if (g->op_count > MAX_OPS || g->tensor_count > MAX_TENSORS)
        return mask__fail(err, MASK_EFORMAT, MASK_NO_OFFSET,
                          "%s: has %zu operators and %zu tensors: up to %d and %d are read", g->path, g->op_count,
                          g->tensor_count, MAX_OPS, MAX_TENSORS);
    bool *known = mask__arena_alloc(&g->arena, g->tensor_count + 1, sizeof *known);
    if (!known) return mask__no_memory(err, g->path);
    for (size_t t = 0; t < g->tensor_count; t++) known[t] = g->tensors[t].values != NULL;
    const mask__graph_tensor *input = g->input < g->tensor_count ? &g->tensors[g->input] : NULL;
    if (!input || input->values || input->ndim != 4 || input->shape[0] != 1 || input->count == 0 ||
        input->count > MAX_VALUES)
        return mask__fail(
            err, MASK_EFORMAT, MASK_NO_OFFSET,
            "%s: the input is not one image of float values, (1, height, width, channels): export the network so",
            g->path);
    known[g->input] = true;
    for (size_t i = 0; i < g->op_count; i++) {
        const char *wrong = check_tensors(g, &g->ops[i], known);
        if (!wrong) wrong = check_shapes(g, &g->ops[i]);
        if (wrong) return refuse(g, i, wrong, err);
    }
    for (size_t i = 0; i < g->output_count; i++)
        if (g->outputs[i] >= g->tensor_count || !known[g->outputs[i]] || g->tensors[g->outputs[i]].values)
            return mask__fail(err, MASK_EFORMAT, MASK_NO_OFFSET,
                              "%s: output %zu is computed by no operator: the file is damaged, export it again",
                              g->path, i);
    return MASK_OK;
}

void mask__graph_free(mask__graph *graph)
{
    mask__arena_free(&graph->arena);
    *graph = (mask__graph){0};
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
