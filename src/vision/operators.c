#include "vision/operators.h"
#include "math/gemm.h"

#include <math.h>
#include <string.h>

void mask__activate(mask__activation activation, float *x, size_t count)
{
    switch (activation) {
    case MASK__LINEAR:
        break;
    case MASK__RELU:
        for (size_t i = 0; i < count; i++) x[i] = x[i] > 0 ? x[i] : 0;
        break;
    case MASK__RELU6:
        for (size_t i = 0; i < count; i++) x[i] = fminf(fmaxf(x[i], 0), 6);
        break;
    case MASK__HARD_SWISH:
        for (size_t i = 0; i < count; i++) x[i] *= fminf(fmaxf(x[i] + 3, 0), 6) / 6;
        break;
    case MASK__LOGISTIC:
        for (size_t i = 0; i < count; i++) x[i] = 1 / (1 + expf(-x[i]));
        break;
    }
}

void mask__operator_pair(mask__op_kind kind, mask__activation activation, const float *a, const float *b, float *out,
                         size_t count)
{
    if (kind == MASK__OP_ADD)
        for (size_t i = 0; i < count; i++) out[i] = a[i] + b[i];
    else
        for (size_t i = 0; i < count; i++) out[i] = a[i] * b[i];
    mask__activate(activation, out, count);
}

/* The second has one value for each channel, or a single one. */
static void pair_by_channel(const mask__graph_op *op, const float *a, const float *b, float *out, size_t count,
                            size_t channels)
{
    for (size_t i = 0; i < count; i += channels)
        mask__operator_pair(op->kind, op->activation, a + i, b, out + i, channels);
}

/* Start and end of a window's rows or columns inside the picture. */
static void clip_window(const mask__graph_op *op, int d, size_t at, size_t size, size_t *begin, size_t *end)
{
    size_t start = at * op->stride[d], stop = start + op->kernel[d], before = op->pad_before[d];
    *begin = start > before ? start - before : 0;
    *end = stop - before < size ? stop - before : size; /* a window begins at most one padding before the picture */
}

static void pool_window(const mask__graph_op *op, const float *in, const size_t in_shape[4], const size_t at[2],
                        float *out)
{
    size_t begin[2], end[2], channels = in_shape[3];
    for (int d = 0; d < 2; d++) clip_window(op, d, at[d], in_shape[1 + d], &begin[d], &end[d]);
    bool average = op->kind == MASK__OP_AVERAGE_POOL;
    for (size_t c = 0; c < channels; c++) out[c] = average ? 0 : -INFINITY;
    for (size_t y = begin[0]; y < end[0]; y++)
        for (size_t x = begin[1]; x < end[1]; x++) {
            const float *point = in + (y * in_shape[2] + x) * channels;
            for (size_t c = 0; c < channels; c++) out[c] = average ? out[c] + point[c] : fmaxf(out[c], point[c]);
        }
    float scale = 1 / (float)((end[0] - begin[0]) * (end[1] - begin[1]));
    for (size_t c = 0; average && c < channels; c++) out[c] *= scale;
}

static void pool(const mask__graph_op *op, const mask__graph_tensor *in, const mask__graph_tensor *out, const float *x,
                 float *y)
{
    for (size_t row = 0; row < out->shape[1]; row++)
        for (size_t column = 0; column < out->shape[2]; column++)
            pool_window(op, x, in->shape, (size_t[]){row, column}, y + (row * out->shape[2] + column) * out->shape[3]);
}

static void mean(const mask__graph_tensor *in, const float *x, float *y)
{
    size_t points = in->shape[1] * in->shape[2], channels = in->shape[3];
    memset(y, 0, channels * sizeof *y);
    for (size_t p = 0; p < points; p++)
        for (size_t c = 0; c < channels; c++) y[c] += x[p * channels + c];
    for (size_t c = 0; c < channels; c++) y[c] /= (float)points;
}

static void fully(const mask__graph_tensor *weights, const float *x, const float *w, const float *bias, float *y)
{
    size_t out = weights->shape[0], in = weights->shape[1];
    if (bias) memcpy(y, bias, out * sizeof *y);
    else memset(y, 0, out * sizeof *y);
    mask__gemm(false, true, 1, out, in, 1, x, in, w, in, 1, y, out);
}

static void concat(const mask__graph *g, const mask__graph_op *op, const float *const *inputs, float *y)
{
    const mask__graph_tensor *out = &g->tensors[op->output];
    size_t inner = 1, outer = 1, filled = 0;
    for (size_t d = 0; d < op->axis; d++) outer *= out->shape[d];
    for (size_t d = op->axis + 1; d < out->ndim; d++) inner *= out->shape[d];
    size_t row = out->shape[op->axis] * inner;
    for (size_t i = 0; i < op->input_count; i++) {
        size_t part = g->tensors[op->inputs[i]].shape[op->axis] * inner;
        for (size_t o = 0; o < outer; o++) memcpy(y + o * row + filled, inputs[i] + o * part, part * sizeof *y);
        filled += part;
    }
}

static void pad(const mask__graph_op *op, const mask__graph_tensor *in, const mask__graph_tensor *out, const float *x,
                float *y)
{
    size_t row = in->shape[2] * in->shape[3];
    memset(y, 0, out->count * sizeof *y);
    for (size_t r = 0; r < in->shape[1]; r++)
        memcpy(y + ((r + op->pad_before[0]) * out->shape[2] + op->pad_before[1]) * out->shape[3], x + r * row,
               row * sizeof *y);
}

static void softmax(const mask__graph_tensor *in, float beta, const float *x, float *y)
{
    size_t length = in->shape[in->ndim - 1];
    for (size_t row = 0; row < in->count; row += length) {
        float most = x[row], sum = 0;
        for (size_t i = 1; i < length; i++) most = fmaxf(most, x[row + i]);
        for (size_t i = 0; i < length; i++) sum += y[row + i] = expf(beta * (x[row + i] - most));
        for (size_t i = 0; i < length; i++) y[row + i] /= sum;
    }
}

void mask__operator_run(const mask__graph *g, const mask__graph_op *op, const float *const *inputs, float *out)
{
    const mask__graph_tensor *in = &g->tensors[op->inputs[0]], *y = &g->tensors[op->output];
    switch (op->kind) {
    case MASK__OP_ADD:
    case MASK__OP_MUL:
        if (g->tensors[op->inputs[1]].count == in->count)
            mask__operator_pair(op->kind, op->activation, inputs[0], inputs[1], out, in->count);
        else pair_by_channel(op, inputs[0], inputs[1], out, in->count, g->tensors[op->inputs[1]].count);
        return;
    case MASK__OP_AVERAGE_POOL:
    case MASK__OP_MAX_POOL:
        pool(op, in, y, inputs[0], out);
        break;
    case MASK__OP_MEAN:
        mean(in, inputs[0], out);
        break;
    case MASK__OP_FULLY:
        fully(&g->tensors[op->inputs[1]], inputs[0], inputs[1], op->input_count > 2 ? inputs[2] : NULL, out);
        break;
    case MASK__OP_CONCAT:
        concat(g, op, inputs, out);
        break;
    case MASK__OP_PAD:
        pad(op, in, y, inputs[0], out);
        break;
    case MASK__OP_SOFTMAX:
        softmax(in, op->beta, inputs[0], out);
        break;
    case MASK__OP_ACTIVATION:
        memcpy(out, inputs[0], y->count * sizeof *out);
        break;
    case MASK__OP_CONV:
    case MASK__OP_DEPTHWISE:
    case MASK__OP_RESHAPE:
        return; /* the network's own business */
    }
    mask__activate(op->activation, out, y->count);
}
