/* The shape that each operator makes of its inputs. Every length may come from a damaged file. */
#include "vision/operators.h"

#include <string.h>

enum { MAX_STEP = 4096, MAX_LENGTH = 1 << 27, MAX_VALUES = MAX_LENGTH };

bool mask__graph_count(unsigned ndim, const size_t *shape, size_t *count)
{
    *count = 1;
    if (ndim > MASK__GRAPH_DIMS) return false;
    for (unsigned d = 0; d < ndim; d++)
        if (!mask__multiply(*count, shape[d], count) || *count > MAX_VALUES) return false;
    return true;
}

bool mask__same_shape(const mask__graph_tensor *a, const mask__graph_tensor *b)
{
    return a->ndim == b->ndim && memcmp(a->shape, b->shape, a->ndim * sizeof a->shape[0]) == 0;
}

static const mask__graph_tensor *input(const mask__graph *g, const mask__graph_op *op, size_t i)
{
    return i < op->input_count && op->inputs[i] != MASK__NO_TENSOR ? &g->tensors[op->inputs[i]] : NULL;
}

static void take_shape(mask__graph_tensor *out, unsigned ndim, const size_t *shape)
{
    out->ndim = ndim;
    if (ndim) memcpy(out->shape, shape, ndim * sizeof *shape);
}

/* Rows and columns that a window of kernel[2] makes of the input; sets padding that follows from the size. */
static bool slide(mask__graph_op *op, const size_t kernel[2], const mask__graph_tensor *in, mask__graph_tensor *out)
{
    if (in->ndim != 4) return false;
    for (int d = 0; d < 2; d++) {
        size_t size = in->shape[1 + d], stride = op->stride[d];
        if (stride == 0 || stride > MAX_STEP || op->dilation[d] == 0 || op->dilation[d] > MAX_STEP || kernel[d] == 0 ||
            kernel[d] > MAX_STEP || op->pad_before[d] > MAX_STEP || op->pad_after[d] > MAX_STEP)
            return false;
        size_t window = (kernel[d] - 1) * op->dilation[d] + 1;
        if (op->same) {
            size_t reach = ((size + stride - 1) / stride - 1) * stride + window,
                   missing = reach > size ? reach - size : 0;
            op->pad_before[d] = missing / 2;
            op->pad_after[d] = missing - missing / 2;
        }
        size += op->pad_before[d] + op->pad_after[d];
        if (size < window) return false;
        out->shape[1 + d] = (size - window) / stride + 1;
    }
    out->ndim = 4;
    out->shape[0] = in->shape[0];
    return true;
}

static const char *infer_conv(const mask__graph *g, mask__graph_op *op, mask__graph_tensor *out)
{
    const mask__graph_tensor *x = input(g, op, 0), *w = input(g, op, 1), *bias = input(g, op, 2);
    if (!w->values || w->ndim != 4 || w->count == 0 || (bias && (!bias->values || bias->count != w->shape[0])))
        return "its weights or bias are not constants of the right shape";
    if (x->ndim != 4 || op->groups == 0 || w->shape[3] > MAX_LENGTH / op->groups ||
        w->shape[3] * op->groups != x->shape[3] || w->shape[0] % op->groups != 0)
        return "its weights do not fit its input's channels";
    if (!slide(op, w->shape + 1, x, out)) return "its window does not fit its input";
    out->shape[3] = w->shape[0];
    return NULL;
}

static const char *infer_pool(const mask__graph *g, mask__graph_op *op, mask__graph_tensor *out)
{
    const mask__graph_tensor *x = input(g, op, 0);
    if (!slide(op, op->kernel, x, out)) return "its window does not fit its input";
    for (int d = 0; d < 2; d++) /* else a window may lie in the padding alone */
        if (op->dilation[d] != 1 || op->pad_before[d] >= op->kernel[d] || op->pad_after[d] >= op->kernel[d])
            return "has a padding or dilation that is not supported";
    out->shape[3] = x->shape[3];
    return NULL;
}

/* The shape of two that broadcast, their last `skip` dimensions left out. */
static bool broadcast(const mask__graph_tensor *a, const mask__graph_tensor *b, unsigned skip, mask__graph_tensor *out)
{
    unsigned ndim = a->ndim > b->ndim ? a->ndim : b->ndim;
    for (unsigned d = ndim; d-- > skip;) { /* counted from the end */
        size_t x = d < a->ndim ? a->shape[a->ndim - 1 - d] : 1, y = d < b->ndim ? b->shape[b->ndim - 1 - d] : 1;
        if (x != y && x != 1 && y != 1) return false;
        out->shape[ndim - 1 - d] = x == 1 ? y : x;
    }
    out->ndim = ndim;
    return true;
}

static const char *infer_matmul(const mask__graph *g, mask__graph_op *op, mask__graph_tensor *out)
{
    const mask__graph_tensor *a = input(g, op, 0), *b = input(g, op, 1);
    if (a->ndim < 2 || b->ndim < 2 || !broadcast(a, b, 2, out)) return "its matrices do not fit each other";
    size_t rows = b->shape[b->ndim - 2], columns = b->shape[b->ndim - 1];
    if (a->shape[a->ndim - 1] != (op->transposed ? columns : rows)) return "its matrices do not fit each other";
    out->shape[out->ndim - 2] = a->shape[a->ndim - 2];
    out->shape[out->ndim - 1] = op->transposed ? rows : columns;
    return NULL;
}

static const char *infer_reduce(const mask__graph *g, mask__graph_op *op, mask__graph_tensor *out)
{
    const mask__graph_tensor *x = input(g, op, 0);
    if (x->count == 0) return "reduces nothing";
    for (unsigned d = 0; d < MASK__GRAPH_DIMS; d++) {
        if (d >= x->ndim && op->axes[d]) return "reduces a dimension that is not there";
        if (d < x->ndim && (!op->axes[d] || op->keep)) out->shape[out->ndim++] = op->axes[d] ? 1 : x->shape[d];
    }
    return NULL;
}

static const char *infer_broadcast(const mask__graph *g, mask__graph_op *op, mask__graph_tensor *out)
{
    *out = *input(g, op, 0);
    for (size_t i = 1; i < op->input_count; i++) {
        mask__graph_tensor so_far = *out;
        if (!broadcast(&so_far, input(g, op, i), 0, out)) return "its inputs' shapes do not fit each other";
        out->whole = so_far.whole && input(g, op, i)->whole;
    }
    if (op->kind == MASK__OP_WHERE) out->whole = input(g, op, 1)->whole;
    out->values = NULL;
    return NULL;
}

static const char *infer_concat(const mask__graph *g, mask__graph_op *op, mask__graph_tensor *out)
{
    *out = *input(g, op, 0);
    out->values = NULL;
    if (op->axis >= out->ndim) return "joins along a dimension that it cannot";
    for (size_t i = 1; i < op->input_count; i++) {
        mask__graph_tensor x = *input(g, op, i);
        if (x.ndim != out->ndim) return "its inputs do not have one shape";
        size_t length = out->shape[op->axis] + x.shape[op->axis];
        x.shape[op->axis] = out->shape[op->axis];
        if (!mask__same_shape(&x, out)) return "its inputs do not have one shape";
        out->shape[op->axis] = length;
    }
    return NULL;
}

static const char *infer_reshape(const mask__graph *g, mask__graph_op *op, mask__graph_tensor *out)
{
    const mask__graph_tensor *x = input(g, op, 0);
    out->whole = x->whole;
    if (op->ndim > MASK__GRAPH_DIMS) return "has too many dimensions";
    take_shape(out, op->ndim, op->sizes);
    return mask__graph_count(out->ndim, out->shape, &out->count) && out->count == x->count
               ? NULL
               : "its result has not as many values as its input";
}

static const char *infer_transpose(const mask__graph *g, mask__graph_op *op, mask__graph_tensor *out)
{
    const mask__graph_tensor *x = input(g, op, 0);
    unsigned seen = 0;
    for (unsigned d = 0; d < x->ndim; d++) {
        if (op->order[d] >= x->ndim || (seen & 1u << op->order[d])) return "its order is no permutation";
        seen |= 1u << op->order[d];
        out->shape[d] = x->shape[op->order[d]];
    }
    out->ndim = x->ndim;
    out->whole = x->whole;
    return NULL;
}

static const char *infer_slice(const mask__graph *g, mask__graph_op *op, mask__graph_tensor *out)
{
    const mask__graph_tensor *x = input(g, op, 0);
    for (unsigned d = 0; d < x->ndim; d++) {
        long first = (long)op->begin[d], length = (long)op->sizes[d], step = op->step[d];
        if (length == 0) continue;
        if (step == 0 || step > MAX_LENGTH || step < -MAX_LENGTH || op->begin[d] >= x->shape[d] ||
            op->sizes[d] > x->shape[d] || first + (length - 1) * step < 0 ||
            first + (length - 1) * step >= (long)x->shape[d])
            return "takes a part that is not there";
    }
    out->whole = x->whole;
    take_shape(out, x->ndim, op->sizes);
    return NULL;
}

static const char *infer_gather(const mask__graph *g, mask__graph_op *op, mask__graph_tensor *out)
{
    const mask__graph_tensor *x = input(g, op, 0), *indices = input(g, op, 1);
    if (!indices->values || op->axis >= x->ndim || x->ndim - 1 + indices->ndim > MASK__GRAPH_DIMS)
        return "its indices are no constants, or its dimension is not there";
    float length = (float)x->shape[op->axis];
    for (size_t i = 0; i < indices->count; i++)
        if (!(indices->values[i] >= -length) || !(indices->values[i] < length)) return "takes a part that is not there";
    take_shape(out, (unsigned)op->axis, x->shape);
    memcpy(out->shape + op->axis, indices->shape, indices->ndim * sizeof *out->shape);
    memcpy(out->shape + op->axis + indices->ndim, x->shape + op->axis + 1,
           (x->ndim - op->axis - 1) * sizeof *out->shape);
    out->ndim = x->ndim - 1 + indices->ndim;
    out->whole = x->whole;
    return NULL;
}

static const char *infer_expand(const mask__graph *g, mask__graph_op *op, mask__graph_tensor *out)
{
    mask__graph_tensor wanted = {.ndim = op->ndim};
    if (op->ndim > MASK__GRAPH_DIMS) return "has too many dimensions";
    memcpy(wanted.shape, op->sizes, sizeof wanted.shape);
    out->whole = input(g, op, 0)->whole;
    return broadcast(input(g, op, 0), &wanted, 0, out) ? NULL : "its input's shape does not fit the wanted one";
}

static const char *infer_pad(const mask__graph *g, mask__graph_op *op, mask__graph_tensor *out)
{
    const mask__graph_tensor *x = input(g, op, 0);
    take_shape(out, x->ndim, x->shape);
    for (unsigned d = 0; d < x->ndim; d++) {
        if (op->begin[d] > MAX_LENGTH || op->step[d] < 0 || op->step[d] > MAX_LENGTH) return "takes values away";
        out->shape[d] += op->begin[d] + (size_t)op->step[d];
    }
    return NULL;
}

static const char *infer_resize(const mask__graph *g, mask__graph_op *op, mask__graph_tensor *out)
{
    const mask__graph_tensor *x = input(g, op, 0);
    if (x->ndim != 4 || x->count == 0 || op->sizes[0] == 0 || op->sizes[1] == 0) return "resizes no picture";
    take_shape(out, 4, (size_t[]){x->shape[0], op->sizes[0], op->sizes[1], x->shape[3]});
    return NULL;
}

static const char *infer_same(const mask__graph *g, mask__graph_op *op, mask__graph_tensor *out)
{
    const mask__graph_tensor *x = input(g, op, 0);
    *out = *x;
    out->values = NULL;
    out->whole = (op->kind == MASK__OP_ACTIVATION && (x->whole || op->activation == MASK__TRUNCATE)) ||
                 op->activation == MASK__NOT;
    if (op->kind == MASK__OP_ACTIVATION) return NULL;
    if (x->ndim == 0) return "needs dimensions";
    for (size_t i = 1; i < op->input_count; i++)
        if (input(g, op, i) && (!input(g, op, i)->values || input(g, op, i)->count != x->shape[x->ndim - 1]))
            return "its scale or shift is no constant for each channel";
    return NULL;
}

enum { ANY = 1 << 14 };

static const struct {
    size_t least, needed, most; /* inputs */
    const char *(*infer)(const mask__graph *graph, mask__graph_op *op, mask__graph_tensor *out);
} kinds[MASK__OP_KINDS] = {
    [MASK__OP_CONV] = {2, 2, 3, infer_conv},       [MASK__OP_AVERAGE_POOL] = {1, 1, 1, infer_pool},
    [MASK__OP_MAX_POOL] = {1, 1, 1, infer_pool},   [MASK__OP_MATMUL] = {2, 2, 2, infer_matmul},
    [MASK__OP_REDUCE] = {1, 1, 1, infer_reduce},   [MASK__OP_BINARY] = {2, 2, 2, infer_broadcast},
    [MASK__OP_WHERE] = {3, 3, 3, infer_broadcast}, [MASK__OP_CONCAT] = {1, ANY, ANY, infer_concat},
    [MASK__OP_RESHAPE] = {1, 1, 1, infer_reshape}, [MASK__OP_TRANSPOSE] = {1, 1, 1, infer_transpose},
    [MASK__OP_SLICE] = {1, 1, 1, infer_slice},     [MASK__OP_GATHER] = {2, 2, 2, infer_gather},
    [MASK__OP_EXPAND] = {1, 1, 1, infer_expand},   [MASK__OP_PAD] = {1, 1, 1, infer_pad},
    [MASK__OP_RESIZE] = {1, 1, 1, infer_resize},   [MASK__OP_SOFTMAX] = {1, 1, 1, infer_same},
    [MASK__OP_NORM] = {1, 1, 3, infer_same},       [MASK__OP_ACTIVATION] = {1, 1, 1, infer_same},
};

bool mask__operator_takes(mask__op_kind kind, size_t inputs, size_t *needed)
{
    *needed = kinds[kind].needed;
    return inputs >= kinds[kind].least && inputs <= kinds[kind].most;
}

const char *mask__operator_infer(const mask__graph *g, mask__graph_op *op, mask__graph_tensor *out)
{
    return kinds[op->kind].infer(g, op, out);
}
