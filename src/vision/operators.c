/* Everything a network does besides convolutions, on plain rows. */
#include "vision/operators.h"
#include "math/exp.h"
#include "math/gemm.h"

#include <stdlib.h>

enum { SHARED = 1 << 14 }; /* values from which threads pay */

typedef const float *const *inputs_t;

static const mask__graph_tensor *input(const mask__graph *g, const mask__graph_op *op, size_t i)
{
    return &g->tensors[op->inputs[i]];
}

/* Values behind dimension d: the distance of two neighbours along it. */
static size_t stride_of(const mask__graph_tensor *t, size_t d)
{
    size_t stride = 1;
    for (size_t e = t->ndim; e-- > d + 1;) stride *= t->shape[e];
    return stride;
}

/* ---- Functions of one value -------------------------------------------------------------------------------------- */

static float logistic(float x)
{
    return 1 / (1 + mask__expf(-x));
}

static float within(float x, float low, float high)
{
    return x < low ? low : x > high ? high : x;
}

static void activate(const mask__graph_op *op, float *x, size_t n)
{
    float low = op->low, high = op->high;
#define EACH(value)                                                                                                    \
    for (size_t i = 0; i < n; i++) x[i] = (value);                                                                     \
    break
    switch (op->activation) {
    case MASK__LINEAR:
        break;
    case MASK__RELU:
        EACH(x[i] > 0 ? x[i] : 0);
    case MASK__CLIP:
        EACH(within(x[i], low, high));
    case MASK__HARD_SWISH:
        EACH(x[i] * within(x[i] + 3, 0, 6) / 6);
    case MASK__HARD_SIGMOID:
        EACH(within(low * x[i] + high, 0, 1));
    case MASK__LOGISTIC:
        EACH(logistic(x[i]));
    case MASK__SILU:
        EACH(x[i] * logistic(x[i]));
    case MASK__GELU:
        EACH(x[i] * 0.5f * (1 + erff(x[i] * 0.70710678f)));
    case MASK__GELU_TANH:
        EACH(x[i] * logistic(1.59576912f * (x[i] + 0.044715f * x[i] * x[i] * x[i])));
    case MASK__LEAKY:
        EACH(x[i] > 0 ? x[i] : low * x[i]);
    case MASK__ELU:
        EACH(x[i] > 0 ? x[i] : low * (mask__expf(x[i]) - 1));
    case MASK__TANH:
        EACH(tanhf(x[i]));
    case MASK__ERF:
        EACH(erff(x[i]));
    case MASK__EXP:
        EACH(expf(x[i]));
    case MASK__LOG:
        EACH(logf(x[i]));
    case MASK__SQRT:
        EACH(sqrtf(x[i]));
    case MASK__RECIPROCAL:
        EACH(1 / x[i]);
    case MASK__NEGATE:
        EACH(-x[i]);
    case MASK__ABSOLUTE:
        EACH(fabsf(x[i]));
    case MASK__SINE:
        EACH(sinf(x[i]));
    case MASK__COSINE:
        EACH(cosf(x[i]));
    case MASK__FLOOR:
        EACH(floorf(x[i]));
    case MASK__CEILING:
        EACH(ceilf(x[i]));
    case MASK__NOT:
        EACH(x[i] == 0);
    case MASK__TRUNCATE:
        EACH(truncf(x[i]));
    }
#undef EACH
}

void mask__activate(const mask__graph_op *op, float *x, size_t count)
{
    enum { PART = 4096 };
    if (op->activation == MASK__LINEAR) return;
#pragma omp parallel for if (count > SHARED)
    for (size_t i = 0; i < count; i += PART) activate(op, x + i, count - i < PART ? count - i : PART);
}

/* The values as they are: reshaped, or before a function of each. */
static void run_same(const mask__graph *g, const mask__graph_op *op, inputs_t in, float *y)
{
    memcpy(y, in[0], g->tensors[op->output].count * sizeof *y);
}

/* ---- Functions of two, on shapes that broadcast ------------------------------------------------------------------ */

/* n results; a step is 0 or 1. */
static void arithmetic(const mask__graph_op *op, bool whole, const float *a, size_t sa, const float *b, size_t sb,
                       float *y, size_t n)
{
#define EACH(value)                                                                                                    \
    if (sa && sb)                                                                                                      \
        for (size_t i = 0; i < n; i++) {                                                                               \
            float p = a[i], q = b[i];                                                                                  \
            y[i] = (value);                                                                                            \
        }                                                                                                              \
    else if (sa)                                                                                                       \
        for (size_t i = 0; i < n; i++) {                                                                               \
            float p = a[i], q = b[0];                                                                                  \
            y[i] = (value);                                                                                            \
        }                                                                                                              \
    else                                                                                                               \
        for (size_t i = 0; i < n; i++) {                                                                               \
            float p = a[0], q = b[sb * i];                                                                             \
            y[i] = (value);                                                                                            \
        }                                                                                                              \
    break
    switch (op->arithmetic) {
    case MASK__ADD:
        EACH(p + q);
    case MASK__SUBTRACT:
        EACH(p - q);
    case MASK__MULTIPLY:
        EACH(p * q);
    case MASK__DIVIDE:
        if (whole) {
            EACH(truncf(p / q));
        }
        EACH(p / q);
    case MASK__POWER:
        EACH(q == 2 ? p * p : powf(p, q));
    case MASK__MODULO:
        EACH(p - q * floorf(p / q));
    case MASK__MINIMUM:
        EACH(p < q ? p : q);
    case MASK__MAXIMUM:
        EACH(p > q ? p : q);
    case MASK__EQUAL:
        EACH(p == q);
    case MASK__LESS:
        EACH(p < q);
    case MASK__GREATER:
        EACH(p > q);
    }
#undef EACH
}

/* Where value `at` of the result is in an input that broadcasts to it. */
static size_t broadcast_at(const mask__graph_tensor *x, const mask__graph_tensor *y, size_t at)
{
    size_t offset = 0, stride = 1;
    for (unsigned d = 0; d < y->ndim; d++) { /* from the end */
        size_t length = y->shape[y->ndim - 1 - d], index = at % length;
        at /= length;
        if (d >= x->ndim) continue;
        size_t own = x->shape[x->ndim - 1 - d];
        if (own > 1) offset += index * stride;
        stride *= own;
    }
    return offset;
}

static bool ends_alike(const mask__graph_tensor *x, const mask__graph_tensor *y, unsigned dims, bool one)
{
    for (unsigned d = 0; d < dims; d++) {
        size_t own = d < x->ndim ? x->shape[x->ndim - 1 - d] : 1;
        if (own != (one ? 1 : y->shape[y->ndim - 1 - d])) return false;
    }
    return true;
}

/* Last dimensions of y over which each input either goes along or stands still, and their values. */
static size_t run_length(const mask__graph_tensor *a, const mask__graph_tensor *b, const mask__graph_tensor *y)
{
    size_t length = 1;
    for (unsigned d = 1; d <= y->ndim; d++) {
        if ((!ends_alike(a, y, d, false) && !ends_alike(a, y, d, true)) ||
            (!ends_alike(b, y, d, false) && !ends_alike(b, y, d, true)))
            break;
        length *= y->shape[y->ndim - d];
    }
    return length;
}

static size_t own_step(const mask__graph_tensor *x, const mask__graph_tensor *y, size_t length)
{
    size_t seen = 1;
    for (unsigned d = 0; d < y->ndim && seen < length; d++) {
        seen *= y->shape[y->ndim - 1 - d];
        if ((d < x->ndim ? x->shape[x->ndim - 1 - d] : 1) > 1) return 1;
    }
    return 0;
}

static void run_binary(const mask__graph *g, const mask__graph_op *op, inputs_t in, float *y)
{
    const mask__graph_tensor *a = input(g, op, 0), *b = input(g, op, 1), *out = &g->tensors[op->output];
    size_t length = run_length(a, b, out), sa = own_step(a, out, length), sb = own_step(b, out, length);
    size_t part = length > SHARED && length == out->count ? SHARED : length; /* so that threads share one run too */
#pragma omp parallel for if (out->count > SHARED)
    for (size_t at = 0; at < out->count; at += part) {
        size_t row = at / length * length, within_row = at - row, left = out->count - at;
        arithmetic(op, out->whole, in[0] + broadcast_at(a, out, row) + sa * within_row, sa,
                   in[1] + broadcast_at(b, out, row) + sb * within_row, sb, y + at, left < part ? left : part);
    }
}

static void run_where(const mask__graph *g, const mask__graph_op *op, inputs_t in, float *y)
{
    const mask__graph_tensor *out = &g->tensors[op->output];
    for (size_t i = 0; i < out->count; i++) {
        size_t from = in[0][broadcast_at(input(g, op, 0), out, i)] != 0 ? 1 : 2;
        y[i] = in[from][broadcast_at(input(g, op, from), out, i)];
    }
}

static void run_expand(const mask__graph *g, const mask__graph_op *op, inputs_t in, float *y)
{
    const mask__graph_tensor *out = &g->tensors[op->output];
    for (size_t i = 0; i < out->count; i++) y[i] = in[0][broadcast_at(input(g, op, 0), out, i)];
}

/* ---- Matrices and rows ------------------------------------------------------------------------------------------- */

static void run_matmul(const mask__graph *g, const mask__graph_op *op, inputs_t in, float *y)
{
    mask__graph_tensor a = *input(g, op, 0), b = *input(g, op, 1), out = g->tensors[op->output];
    size_t m = out.shape[out.ndim - 2], n = out.shape[out.ndim - 1], k = a.shape[a.ndim - 1];
    size_t batches = out.count / (m * n > 0 ? m * n : 1), ldb = b.shape[b.ndim - 1], bytes = m * n * sizeof *y;
    float factor = op->coefficient != 0 ? op->coefficient : 1;
    a.ndim -= 2, b.ndim -= 2, out.ndim -= 2;
    if (k == 0) memset(y, 0, batches * bytes);
#pragma omp parallel for if (batches > 1)
    for (size_t i = 0; i < batches; i++)
        if (k)
            mask__gemm(false, op->transposed, m, n, k, factor, in[0] + broadcast_at(&a, &out, i) * m * k, k,
                       in[1] + broadcast_at(&b, &out, i) * k * n, ldb, 0, y + i * m * n, n);
}

static void run_softmax(const mask__graph *g, const mask__graph_op *op, inputs_t in, float *y)
{
    const mask__graph_tensor *t = input(g, op, 0);
    size_t length = t->shape[t->ndim - 1];
#pragma omp parallel for if (t->count > SHARED)
    for (size_t row = 0; row < t->count; row += length) {
        const float *x = in[0] + row;
        float *out = y + row, most = x[0], sum = 0;
#pragma omp simd reduction(max : most)
        for (size_t i = 0; i < length; i++) most = x[i] > most ? x[i] : most;
        for (size_t i = 0; i < length; i++) out[i] = mask__expf(op->coefficient * (x[i] - most));
#pragma omp simd reduction(+ : sum)
        for (size_t i = 0; i < length; i++) sum += out[i];
        for (size_t i = 0; i < length; i++) out[i] /= sum;
    }
}

static void run_norm(const mask__graph *g, const mask__graph_op *op, inputs_t in, float *y)
{
    const mask__graph_tensor *t = input(g, op, 0);
    const float *scale = op->input_count > 1 ? in[1] : NULL, *shift = op->input_count > 2 ? in[2] : NULL;
    size_t length = t->shape[t->ndim - 1];
#pragma omp parallel for if (t->count > SHARED)
    for (size_t row = 0; row < t->count; row += length) {
        const float *x = in[0] + row;
        float *out = y + row, mean = 0, spread = 0;
#pragma omp simd reduction(+ : mean)
        for (size_t i = 0; i < length; i++) mean += x[i];
        mean /= (float)length;
#pragma omp simd reduction(+ : spread)
        for (size_t i = 0; i < length; i++) spread += (x[i] - mean) * (x[i] - mean);
        float factor = 1 / sqrtf(spread / (float)length + op->coefficient);
        if (scale && shift)
            for (size_t i = 0; i < length; i++) out[i] = (x[i] - mean) * factor * scale[i] + shift[i];
        else
            for (size_t i = 0; i < length; i++)
                out[i] = (x[i] - mean) * factor * (scale ? scale[i] : 1) + (shift ? shift[i] : 0);
    }
}

/* ---- Windows ----------------------------------------------------------------------------------------------------- */

/* Start and end of a window's rows or columns inside the picture. */
static void clip_window(const mask__graph_op *op, int d, size_t at, size_t size, size_t *begin, size_t *end)
{
    size_t start = at * op->stride[d], stop = start + op->kernel[d], before = op->pad_before[d];
    *begin = start > before ? start - before : 0;
    *end = stop - before < size ? stop - before : size; /* a window is never in the padding alone */
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
            if (average)
                for (size_t c = 0; c < channels; c++) out[c] += point[c];
            else
                for (size_t c = 0; c < channels; c++) out[c] = point[c] > out[c] ? point[c] : out[c];
        }
    size_t points = op->count_pads ? op->kernel[0] * op->kernel[1] : (end[0] - begin[0]) * (end[1] - begin[1]);
    float scale = 1 / (float)points;
    for (size_t c = 0; average && c < channels; c++) out[c] *= scale;
}

static void run_pool(const mask__graph *g, const mask__graph_op *op, inputs_t in, float *y)
{
    const mask__graph_tensor *x = input(g, op, 0), *out = &g->tensors[op->output];
    size_t columns = out->shape[2], picture = x->shape[1] * x->shape[2] * x->shape[3];
#pragma omp parallel for if (out->count > SHARED)
    for (size_t row = 0; row < out->shape[0] * out->shape[1]; row++)
        for (size_t column = 0; column < columns; column++)
            pool_window(op, in[0] + row / out->shape[1] * picture, x->shape, (size_t[]){row % out->shape[1], column},
                        y + (row * columns + column) * out->shape[3]);
}

static void reduce_value(const mask__graph_op *op, float *y, float x)
{
    switch (op->reduction) {
    case MASK__MEAN:
    case MASK__SUM:
        *y += x;
        break;
    case MASK__MOST:
        *y = x > *y ? x : *y;
        break;
    case MASK__LEAST:
        *y = x < *y ? x : *y;
        break;
    case MASK__PRODUCT:
        *y *= x;
    }
}

static void run_reduce(const mask__graph *g, const mask__graph_op *op, inputs_t in, float *y)
{
    const mask__graph_tensor *x = input(g, op, 0), *out = &g->tensors[op->output];
    mask__graph_tensor kept = *x; /* the result with its reduced dimensions */
    size_t last = x->ndim ? x->shape[x->ndim - 1] : 1;
    for (unsigned d = 0; d < x->ndim; d++)
        if (op->axes[d]) kept.shape[d] = 1;
    bool along = x->ndim && !op->axes[x->ndim - 1], sums = op->reduction <= MASK__SUM;
    for (size_t i = 0; i < out->count; i++)
        y[i] = op->reduction == MASK__PRODUCT ? 1
               : op->reduction == MASK__MOST  ? -INFINITY
               : op->reduction == MASK__LEAST ? INFINITY
                                              : 0;
    for (size_t row = 0; row < x->count; row += last) {
        const float *from = in[0] + row;
        float *to = y + broadcast_at(&kept, x, row);
        if (along && sums)
            for (size_t i = 0; i < last; i++) to[i] += from[i];
        else
            for (size_t i = 0; i < last; i++) reduce_value(op, to + (along ? i : 0), from[i]);
    }
    float scale = (float)out->count / (float)x->count;
    for (size_t i = 0; i < out->count && op->reduction == MASK__MEAN; i++) y[i] *= scale;
}

/* ---- Moving values ----------------------------------------------------------------------------------------------- */

static void run_concat(const mask__graph *g, const mask__graph_op *op, inputs_t in, float *y)
{
    const mask__graph_tensor *out = &g->tensors[op->output];
    size_t inner = stride_of(out, op->axis), row = out->shape[op->axis] * inner, filled = 0;
    for (size_t i = 0; i < op->input_count; i++) {
        size_t part = input(g, op, i)->shape[op->axis] * inner;
        for (size_t o = 0; part && o < out->count / row; o++)
            memcpy(y + o * row + filled, in[i] + o * part, part * sizeof *y);
        filled += part;
    }
}

/* y[i] = x[offset + sum of index d of i x strides[d]]; rows that are whole in x are copied. */
static void gather_strided(const mask__graph_tensor *out, const float *x, const long *strides, float *y)
{
    size_t last = out->ndim ? out->shape[out->ndim - 1] : 1;
    long step = out->ndim ? strides[out->ndim - 1] : 1;
#pragma omp parallel for if (out->count > SHARED)
    for (size_t row = 0; row < out->count; row += last) {
        long offset = 0;
        size_t rest = row / last;
        for (unsigned d = out->ndim; d-- > 1;) {
            offset += (long)(rest % out->shape[d - 1]) * strides[d - 1];
            rest /= out->shape[d - 1];
        }
        const float *from = x + offset;
        if (step == 1) memcpy(y + row, from, last * sizeof *y);
        else
            for (size_t i = 0; i < last; i++) y[row + i] = from[(long)i * step];
    }
}

static void run_transpose(const mask__graph *g, const mask__graph_op *op, inputs_t in, float *y)
{
    const mask__graph_tensor *x = input(g, op, 0);
    long strides[MASK__GRAPH_DIMS] = {0};
    for (unsigned d = 0; d < x->ndim; d++) strides[d] = (long)stride_of(x, op->order[d]);
    gather_strided(&g->tensors[op->output], in[0], strides, y);
}

static void run_slice(const mask__graph *g, const mask__graph_op *op, inputs_t in, float *y)
{
    const mask__graph_tensor *x = input(g, op, 0);
    long strides[MASK__GRAPH_DIMS] = {0};
    size_t first = 0;
    for (unsigned d = 0; d < x->ndim; d++) {
        strides[d] = (long)stride_of(x, d) * op->step[d];
        first += op->begin[d] * stride_of(x, d);
    }
    gather_strided(&g->tensors[op->output], in[0] + first, strides, y);
}

static void run_gather(const mask__graph *g, const mask__graph_op *op, inputs_t in, float *y)
{
    const mask__graph_tensor *x = input(g, op, 0), *indices = input(g, op, 1);
    size_t inner = stride_of(x, op->axis), length = x->shape[op->axis];
    size_t outer = g->tensors[op->output].count / (inner * indices->count);
    for (size_t o = 0; o < outer; o++)
        for (size_t i = 0; i < indices->count; i++) {
            float index = in[1][i] < 0 ? in[1][i] + (float)length : in[1][i];
            memcpy(y, in[0] + (o * length + (size_t)index) * inner, inner * sizeof *y);
            y += inner;
        }
}

static void run_pad(const mask__graph *g, const mask__graph_op *op, inputs_t in, float *y)
{
    const mask__graph_tensor *x = input(g, op, 0), *out = &g->tensors[op->output];
    size_t last = x->ndim ? x->shape[x->ndim - 1] : 1;
    for (size_t i = 0; i < out->count; i++) y[i] = op->low;
    for (size_t row = 0; row < x->count; row += last) {
        size_t rest = row / last, to = x->ndim ? op->begin[x->ndim - 1] : 0;
        for (unsigned d = x->ndim; d-- > 1;) {
            to += (rest % x->shape[d - 1] + op->begin[d - 1]) * stride_of(out, d - 1);
            rest /= x->shape[d - 1];
        }
        memcpy(y + to, in[0] + row, last * sizeof *y);
    }
}

/* ---- Resizing ---------------------------------------------------------------------------------------------------- */

typedef struct tap {
    size_t from[4];
    float weight[4];
} tap;

static float cubic(float x, float a)
{
    x = fabsf(x);
    if (x <= 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
    return x < 2 ? ((a * x - 5 * a) * x + 8 * a) * x - 4 * a : 0;
}

/* What result `at` of `to` takes of `from` values. */
static tap tap_of(const mask__graph_op *op, size_t at, size_t from, size_t to)
{
    float scale = (float)from / (float)to, place = ((float)at + 0.5f) * scale - 0.5f;
    tap t = {{0}, {0}};
    if (op->align == MASK__ASYMMETRIC) place = (float)at * scale;
    if (op->align == MASK__CORNERS) place = to > 1 ? (float)at * (float)(from - 1) / (float)(to - 1) : 0;
    float below = floorf(op->resize == MASK__NEAREST && op->align != MASK__ASYMMETRIC ? place + 0.49999f : place);
    for (int i = 0; i < 4; i++) {
        float here = below + (float)(i - 1), far = fabsf(place - here);
        t.from[i] = (size_t)within(here, 0, (float)(from - 1));
        t.weight[i] = op->resize == MASK__NEAREST    ? (i == 1)
                      : op->resize == MASK__BILINEAR ? (far < 1 ? 1 - far : 0)
                                                     : cubic(far, op->coefficient);
    }
    return t;
}

static void run_resize(const mask__graph *g, const mask__graph_op *op, inputs_t in, float *y)
{
    const mask__graph_tensor *x = input(g, op, 0), *out = &g->tensors[op->output];
    size_t h = x->shape[1], w = x->shape[2], channels = x->shape[3], rows = out->shape[1], columns = out->shape[2];
    memset(y, 0, out->count * sizeof *y);
#pragma omp parallel for if (out->count > SHARED)
    for (size_t row = 0; row < out->shape[0] * rows; row++) {
        tap down = tap_of(op, row % rows, h, rows);
        for (size_t column = 0; column < columns; column++) {
            tap across = tap_of(op, column, w, columns);
            float *to = y + (row * columns + column) * channels;
            for (int i = 0; i < 16; i++) {
                float weight = down.weight[i / 4] * across.weight[i % 4];
                if (weight == 0) continue;
                const float *from = in[0] + ((row / rows * h + down.from[i / 4]) * w + across.from[i % 4]) * channels;
                for (size_t c = 0; c < channels; c++) to[c] += weight * from[c];
            }
        }
    }
}

static void (*const runners[MASK__OP_KINDS])(const mask__graph *g, const mask__graph_op *op, inputs_t in, float *y) = {
    [MASK__OP_AVERAGE_POOL] = run_pool, [MASK__OP_MAX_POOL] = run_pool,   [MASK__OP_MATMUL] = run_matmul,
    [MASK__OP_REDUCE] = run_reduce,     [MASK__OP_BINARY] = run_binary,   [MASK__OP_WHERE] = run_where,
    [MASK__OP_CONCAT] = run_concat,     [MASK__OP_RESHAPE] = run_same,    [MASK__OP_TRANSPOSE] = run_transpose,
    [MASK__OP_SLICE] = run_slice,       [MASK__OP_GATHER] = run_gather,   [MASK__OP_EXPAND] = run_expand,
    [MASK__OP_PAD] = run_pad,           [MASK__OP_RESIZE] = run_resize,   [MASK__OP_SOFTMAX] = run_softmax,
    [MASK__OP_NORM] = run_norm,         [MASK__OP_ACTIVATION] = run_same,
};

void mask__operator_run(const mask__graph *g, const mask__graph_op *op, inputs_t in, float *out)
{
    runners[op->kind](g, op, in, out);
    mask__activate(op, out, g->tensors[op->output].count);
}
