/* Makes TFLite files in memory for tests, and runs graphs naively, operator by operator, on plain arrays.
 * Tables are written before what they point at, so every offset leads forward. */
#ifndef MASK_TESTS_TFLITE_MADE_H
#define MASK_TESTS_TFLITE_MADE_H

#include "check.h"
#include "vision/tflite.h"

#include <math.h>

enum { F32 = 0, F16 = 1, I32 = 2, U8 = 3, I8 = 9 };
enum { SAME = 0, VALID = 1, NONE = 0, RELU = 1, RELU6 = 3 };

typedef struct made {
    unsigned char data[1 << 19];
    size_t size;
} made;

typedef struct made_tensor {
    int shape[4], ndim, type;
    const void *data; /* NULL = computed */
    size_t bytes;
    const char *name;
    const float *scales; /* of 8-bit weights */
    int64_t zero;
    int scale_count, scale_dim;
} made_tensor;

typedef struct made_op {
    int code, inputs[6], input_count, output;
    int options[8], option_count; /* the options table's fields, all as 32 bits */
    const char *custom;
} made_op;

typedef struct made_network {
    made_tensor tensors[64];
    int tensor_count;
    made_op ops[64];
    int op_count;
    int outputs[4], output_count;
    int subgraphs, version; /* 0 = 1 and 3, as they must be */
} made_network;

static inline void made_u32(made *m, size_t at, uint32_t value)
{
    for (int i = 0; i < 4; i++) m->data[at + (size_t)i] = (unsigned char)(value >> 8 * i);
}

static inline size_t made_room(made *m, size_t bytes)
{
    size_t at = m->size;
    assert_true(at + bytes <= sizeof m->data);
    memset(m->data + at, 0, bytes);
    m->size += (bytes + 3) / 4 * 4;
    return at;
}

/* A table of so many fields, none of them there yet. */
static inline size_t made_table(made *m, size_t fields)
{
    size_t index = made_room(m, (4 + 2 * fields + 3) / 4 * 4), table = made_room(m, 4 + 4 * fields);
    m->data[index] = (unsigned char)(4 + 2 * fields);
    m->data[index + 2] = (unsigned char)(4 + 4 * fields);
    made_u32(m, table, (uint32_t)(table - index));
    return table;
}

static inline size_t made_set(made *m, size_t table, size_t field, uint32_t value)
{
    size_t back = m->data[table] | (size_t)m->data[table + 1] << 8, at = table + 4 + 4 * field;
    m->data[table - back + 4 + 2 * field] = (unsigned char)(at - table);
    made_u32(m, at, value);
    return at;
}

static inline void made_link(made *m, size_t table, size_t field, size_t target)
{
    size_t at = made_set(m, table, field, 0);
    made_u32(m, at, (uint32_t)(target - at));
}

static inline size_t made_vector(made *m, const void *items, size_t count, size_t item)
{
    size_t at = made_room(m, 4 + count * item + 1); /* strings end with a NUL */
    made_u32(m, at, (uint32_t)count);
    if (items && count) memcpy(m->data + at + 4, items, count * item);
    return at;
}

/* Item `index` of a vector of tables. */
static inline void made_item(made *m, size_t vector, size_t index, size_t target)
{
    made_u32(m, vector + 4 + 4 * index, (uint32_t)(target - (vector + 4 + 4 * index)));
}

static inline void made_write_tensor(made *m, size_t table, const made_tensor *t, int buffer)
{
    char name[32];
    snprintf(name, sizeof name, "tensor%d", buffer);
    const char *text = t->name ? t->name : name;
    made_set(m, table, 1, (uint32_t)t->type);
    made_set(m, table, 2, t->data ? (uint32_t)buffer : 0);
    made_link(m, table, 0, made_vector(m, t->shape, (size_t)t->ndim, 4));
    made_link(m, table, 3, made_vector(m, text, strlen(text), 1));
    if (!t->scales) return;
    size_t q = made_table(m, 7);
    int64_t zeros[64];
    for (int i = 0; i < t->scale_count; i++) zeros[i] = t->zero;
    made_link(m, table, 4, q);
    made_set(m, q, 6, (uint32_t)t->scale_dim);
    made_link(m, q, 2, made_vector(m, t->scales, (size_t)t->scale_count, 4));
    made_link(m, q, 3, made_vector(m, zeros, (size_t)t->scale_count, 8));
}

static inline void made_write_op(made *m, size_t table, const made_op *op, int index)
{
    made_set(m, table, 0, (uint32_t)index);
    made_link(m, table, 1, made_vector(m, op->inputs, (size_t)op->input_count, 4));
    made_link(m, table, 2, made_vector(m, &op->output, 1, 4));
    if (op->option_count == 0) return;
    size_t options = made_table(m, 8);
    made_link(m, table, 4, options);
    for (int i = 0; i < op->option_count; i++) made_set(m, options, (size_t)i, (uint32_t)op->options[i]);
}

static inline void made_build(made *m, const made_network *n)
{
    size_t nt = (size_t)n->tensor_count, no = (size_t)n->op_count, subs = n->subgraphs ? (size_t)n->subgraphs : 1;
    memset(m, 0, sizeof *m);
    made_room(m, 8);
    memcpy(m->data + 4, "TFL3", 4);
    size_t model = made_table(m, 5);
    made_u32(m, 0, (uint32_t)model);
    made_set(m, model, 0, n->version ? (uint32_t)n->version : 3);
    size_t codes = made_vector(m, NULL, no, 4);
    made_link(m, model, 1, codes);
    for (size_t i = 0; i < no; i++) {
        size_t code = made_table(m, 4);
        made_set(m, code, 0, n->ops[i].code < 127 ? (uint32_t)n->ops[i].code : 127);
        made_set(m, code, 3, (uint32_t)n->ops[i].code);
        if (n->ops[i].custom) made_link(m, code, 1, made_vector(m, n->ops[i].custom, strlen(n->ops[i].custom), 1));
        made_item(m, codes, i, code);
    }
    size_t graphs = made_vector(m, NULL, subs, 4);
    made_link(m, model, 2, graphs);
    size_t graph = made_table(m, 5);
    for (size_t i = 0; i < subs; i++) made_item(m, graphs, i, graph);
    size_t tensors = made_vector(m, NULL, nt, 4), input = made_vector(m, (int[]){0}, 1, 4);
    made_link(m, graph, 0, tensors);
    made_link(m, graph, 1, input);
    made_link(m, graph, 2, made_vector(m, n->outputs, (size_t)n->output_count, 4));
    for (size_t i = 0; i < nt; i++) {
        size_t table = made_table(m, 5);
        made_item(m, tensors, i, table);
        made_write_tensor(m, table, &n->tensors[i], (int)i + 1);
    }
    size_t ops = made_vector(m, NULL, no, 4);
    made_link(m, graph, 3, ops);
    for (size_t i = 0; i < no; i++) {
        size_t table = made_table(m, 5);
        made_item(m, ops, i, table);
        made_write_op(m, table, &n->ops[i], (int)i);
    }
    size_t buffers = made_vector(m, NULL, nt + 1, 4); /* buffer 0 is the empty one */
    made_link(m, model, 4, buffers);
    for (size_t i = 0; i <= nt; i++) {
        size_t table = made_table(m, 1);
        made_item(m, buffers, i, table);
        if (i && n->tensors[i - 1].data)
            made_link(m, table, 0, made_vector(m, n->tensors[i - 1].data, n->tensors[i - 1].bytes, 1));
    }
}

/* ---- Building networks step by step: each function adds and returns a tensor ---- */

static inline float made_random(void)
{
    static uint32_t state = 1;
    state = state * 1664525u + 1013904223u;
    return (float)(state >> 8) / (1 << 23) - 1;
}

static inline int made_add(made_network *n, int a, int b, int c, int d)
{
    int t = n->tensor_count++, shape[4] = {a, b, c, d};
    assert_true(t < 64);
    memcpy(n->tensors[t].shape, shape, sizeof shape);
    n->tensors[t].ndim = d ? 4 : c ? 3 : b ? 2 : 1;
    return t;
}

/* Random weights; never freed before the program ends but by made_free. */
static inline int made_weights(made_network *n, int a, int b, int c, int d)
{
    int t = made_add(n, a, b, c, d);
    size_t count = (size_t)(a * (b ? b : 1) * (c ? c : 1) * (d ? d : 1));
    float *values = malloc(count * sizeof *values);
    assert_non_null(values);
    for (size_t i = 0; i < count; i++) values[i] = made_random() * 0.4f;
    n->tensors[t].data = values;
    n->tensors[t].bytes = count * sizeof *values;
    return t;
}

static inline void made_free(made_network *n)
{
    for (int i = 0; i < n->tensor_count; i++) free((void *)n->tensors[i].data);
}

static inline made_op *made_operator(made_network *n, int code, int a, int b, int c, int output)
{
    made_op *op = &n->ops[n->op_count++];
    *op = (made_op){.code = code, .inputs = {a, b, c}, .input_count = c >= -1 ? 3 : b >= 0 ? 2 : 1, .output = output};
    return op;
}

/* made_operator's input c for operators of fewer inputs. */
enum { MADE_ABSENT = -2 };

static inline int made_windowed(int size, int kernel, int stride, int dilation, int padding)
{
    return padding == SAME ? (size + stride - 1) / stride : (size - (kernel - 1) * dilation - 1) / stride + 1;
}

static inline int made_conv(made_network *n, int x, int channels, int kernel, int stride, int dilation, int padding,
                            int act)
{
    const int *s = n->tensors[x].shape, in = s[3];
    int h = made_windowed(s[1], kernel, stride, dilation, padding),
        w = made_windowed(s[2], kernel, stride, dilation, padding);
    int weights = made_weights(n, channels, kernel, kernel, in), bias = made_weights(n, channels, 0, 0, 0);
    int y = made_add(n, 1, h, w, channels);
    made_op *op = made_operator(n, 3, x, weights, bias, y);
    memcpy(op->options, (int[]){padding, stride, stride, act, dilation, dilation}, 6 * sizeof(int));
    op->option_count = 6;
    return y;
}

static inline int made_depthwise(made_network *n, int x, int multiplier, int kernel, int stride, int padding, int act)
{
    const int *s = n->tensors[x].shape, out = s[3] * multiplier;
    int h = made_windowed(s[1], kernel, stride, 1, padding), w = made_windowed(s[2], kernel, stride, 1, padding);
    int weights = made_weights(n, 1, kernel, kernel, out), bias = made_weights(n, out, 0, 0, 0);
    int y = made_add(n, 1, h, w, out);
    made_op *op = made_operator(n, 4, x, weights, bias, y);
    memcpy(op->options, (int[]){padding, stride, stride, multiplier, act, 1, 1}, 7 * sizeof(int));
    op->option_count = 7;
    return y;
}

/* ADD (0) or MUL (18); the result has a's shape. */
static inline int made_pair(made_network *n, int code, int a, int b, int act)
{
    const int *s = n->tensors[a].shape;
    int y = made_add(n, s[0], s[1], s[2], s[3]);
    made_op *op = made_operator(n, code, a, b, MADE_ABSENT, y);
    op->options[0] = act;
    op->option_count = 1;
    return y;
}

/* An operator of one input without options whose result has its shape. */
static inline int made_plain(made_network *n, int code, int x)
{
    const int *s = n->tensors[x].shape;
    int y = made_add(n, s[0], s[1], s[2], s[3]);
    made_operator(n, code, x, -1, MADE_ABSENT, y);
    return y;
}

static inline int made_reshape(made_network *n, int x, int a, int b, int c, int d)
{
    int y = made_add(n, a, b, c, d);
    made_operator(n, 22, x, -1, MADE_ABSENT, y);
    return y;
}

static inline int made_fully(made_network *n, int x, int outputs, int act)
{
    const made_tensor *t = &n->tensors[x];
    int in = 1;
    for (int d = 0; d < t->ndim; d++) in *= t->shape[d];
    int weights = made_weights(n, outputs, in, 0, 0), bias = made_weights(n, outputs, 0, 0, 0),
        y = made_add(n, 1, outputs, 0, 0);
    made_op *op = made_operator(n, 9, x, weights, bias, y);
    op->options[0] = act;
    op->option_count = 1;
    return y;
}

static inline int made_parameters(made_network *n, const int *values, int count, int a, int b)
{
    int t = made_add(n, a, b, 0, 0);
    int *copy = malloc((size_t)count * sizeof *copy);
    assert_non_null(copy);
    memcpy(copy, values, (size_t)count * sizeof *copy);
    n->tensors[t].data = copy;
    n->tensors[t].bytes = (size_t)count * sizeof *copy;
    n->tensors[t].type = I32;
    return t;
}

static inline int made_pad(made_network *n, int x, int top, int bottom, int left, int right)
{
    const int *s = n->tensors[x].shape;
    int pads = made_parameters(n, (int[]){0, 0, top, bottom, left, right, 0, 0}, 8, 4, 2);
    int y = made_add(n, 1, s[1] + top + bottom, s[2] + left + right, s[3]);
    made_operator(n, 34, x, pads, MADE_ABSENT, y);
    return y;
}

static inline int made_mean(made_network *n, int x)
{
    int axes = made_parameters(n, (int[]){1, 2}, 2, 2, 0), y = made_add(n, 1, n->tensors[x].shape[3], 0, 0);
    made_operator(n, 40, x, axes, MADE_ABSENT, y);
    return y;
}

/* AVERAGE_POOL_2D (1) or MAX_POOL_2D (17). */
static inline int made_pool(made_network *n, int code, int x, int kernel, int stride, int padding)
{
    const int *s = n->tensors[x].shape;
    int y = made_add(n, 1, made_windowed(s[1], kernel, stride, 1, padding),
                     made_windowed(s[2], kernel, stride, 1, padding), s[3]);
    made_op *op = made_operator(n, code, x, -1, MADE_ABSENT, y);
    memcpy(op->options, (int[]){padding, stride, stride, kernel, kernel, NONE}, 6 * sizeof(int));
    op->option_count = 6;
    return y;
}

/* ---- The naive twin ---- */

static inline float naive_activation(const mask__graph_op *op, float x)
{
    switch (op->activation) {
    case MASK__RELU:
        return x > 0 ? x : 0;
    case MASK__CLIP:
        return x < op->low ? op->low : x > op->high ? op->high : x;
    case MASK__HARD_SWISH:
        return x * (x < -3 ? 0 : x > 3 ? 6 : x + 3) / 6;
    case MASK__LOGISTIC:
        return 1 / (1 + expf(-x));
    default:
        return x;
    }
}

/* One value of a window over rows and columns: a convolution's or a pool's. */
static inline float naive_window(const mask__graph *g, const mask__graph_op *op, float *const *v, size_t row,
                                 size_t column, size_t out)
{
    const mask__graph_tensor *x = &g->tensors[op->inputs[0]];
    bool conv = op->kind == MASK__OP_CONV;
    const mask__graph_tensor *w = conv ? &g->tensors[op->inputs[1]] : NULL;
    size_t kernel[2] = {conv ? w->shape[1] : op->kernel[0], conv ? w->shape[2] : op->kernel[1]}, inside = 0;
    double sum = 0, most = -INFINITY;
    for (size_t ky = 0; ky < kernel[0]; ky++)
        for (size_t kx = 0; kx < kernel[1]; kx++) {
            long y = (long)(row * op->stride[0] + ky * op->dilation[0]) - (long)op->pad_before[0];
            long c = (long)(column * op->stride[1] + kx * op->dilation[1]) - (long)op->pad_before[1];
            if (y < 0 || c < 0 || y >= (long)x->shape[1] || c >= (long)x->shape[2]) continue;
            const float *point = v[op->inputs[0]] + ((size_t)y * x->shape[2] + (size_t)c) * x->shape[3];
            inside++;
            if (conv) {
                size_t each = w->shape[3], first = out / (w->shape[0] / op->groups) * each;
                for (size_t i = 0; i < each; i++)
                    sum += (double)point[first + i] *
                           (double)w->values[((out * kernel[0] + ky) * kernel[1] + kx) * each + i];
            } else {
                sum += (double)point[out];
                most = fmax(most, (double)point[out]);
            }
        }
    if (conv)
        return (float)(sum + (op->input_count < 3 || op->inputs[2] == MASK__NO_TENSOR
                                  ? 0
                                  : (double)g->tensors[op->inputs[2]].values[out]));
    return op->kind == MASK__OP_MAX_POOL ? (float)most : (float)(sum / (double)inside);
}

static inline void naive_rows(const mask__graph *g, const mask__graph_op *op, float *const *v)
{
    const mask__graph_tensor *y = &g->tensors[op->output], *x = &g->tensors[op->inputs[0]];
    float *out = v[op->output];
    const float *in = v[op->inputs[0]];
    size_t last = y->shape[y->ndim - 1];
    for (size_t i = 0; i < y->count; i++) {
        size_t channel = i % last, column = y->ndim == 4 ? i / last % y->shape[2] : 0,
               row = y->ndim == 4 ? i / last / y->shape[2] : 0;
        double sum = 0;
        switch (op->kind) {
        case MASK__OP_CONV:
        case MASK__OP_AVERAGE_POOL:
        case MASK__OP_MAX_POOL:
            sum = (double)naive_window(g, op, v, row, column, channel);
            break;
        case MASK__OP_REDUCE:
            for (size_t p = 0; p < x->shape[1] * x->shape[2]; p++) sum += (double)in[p * last + channel];
            sum /= (double)(x->shape[1] * x->shape[2]);
            break;
        case MASK__OP_MATMUL:
            for (size_t k = 0; k < x->count; k++)
                sum += (double)in[k] * (double)g->tensors[op->inputs[1]].values[i * x->count + k];
            break;
        case MASK__OP_BINARY: {
            const mask__graph_tensor *b = &g->tensors[op->inputs[1]];
            double own = (double)in[x->count == y->count ? i : x->count == 1 ? 0 : channel];
            double other = (double)v[op->inputs[1]][b->count == y->count ? i : b->count == 1 ? 0 : channel];
            sum = op->arithmetic == MASK__ADD ? own + other : own * other;
            break;
        }
        case MASK__OP_PAD: {
            size_t r = row - op->begin[1], c = column - op->begin[2]; /* wraps round outside */
            sum = r < x->shape[1] && c < x->shape[2] ? (double)in[(r * x->shape[2] + c) * last + channel] : 0;
            break;
        }
        case MASK__OP_SOFTMAX:
            for (size_t k = 0; k < last; k++)
                sum += exp((double)op->coefficient * (double)(in[i / last * last + k] - in[i]));
            sum = 1 / sum;
            break;
        default:
            sum = (double)in[i];
        }
        out[i] = naive_activation(op, (float)sum);
    }
}

static inline void naive_concat(const mask__graph *g, const mask__graph_op *op, float *const *v)
{
    const mask__graph_tensor *y = &g->tensors[op->output];
    size_t inner = 1, begin = 0;
    for (size_t d = op->axis + 1; d < y->ndim; d++) inner *= y->shape[d];
    for (size_t k = 0; k < op->input_count; k++) {
        size_t length = g->tensors[op->inputs[k]].shape[op->axis];
        for (size_t i = 0; i < y->count; i++) {
            size_t at = i / inner % y->shape[op->axis], outer = i / inner / y->shape[op->axis];
            if (at >= begin && at < begin + length)
                v[op->output][i] =
                    naive_activation(op, v[op->inputs[k]][(outer * length + at - begin) * inner + i % inner]);
        }
        begin += length;
    }
}

/* All tensors' values for one image; the caller frees with naive_free. */
static inline float **naive_run(const mask__graph *g, const float *input)
{
    float **v = calloc(g->tensor_count, sizeof *v);
    assert_non_null(v);
    for (size_t t = 0; t < g->tensor_count; t++) {
        const mask__graph_tensor *tensor = &g->tensors[t];
        v[t] = calloc(tensor->count + 1, sizeof **v);
        assert_non_null(v[t]);
        if (tensor->values) memcpy(v[t], tensor->values, tensor->count * sizeof **v);
    }
    memcpy(v[g->input], input, g->tensors[g->input].count * sizeof *input);
    for (size_t i = 0; i < g->op_count; i++)
        if (g->ops[i].kind == MASK__OP_CONCAT) naive_concat(g, &g->ops[i], v);
        else naive_rows(g, &g->ops[i], v);
    return v;
}

/* Reads a file as it is. */
static inline mask_status made_read(mask__graph *g, const void *data, size_t size, const char *path, mask_error *err)
{
    float scale, zero;
    return mask__tflite_read(g, data, size, 0, path, &scale, &zero, err);
}

static inline void naive_free(const mask__graph *g, float **v)
{
    for (size_t t = 0; t < g->tensor_count; t++) free(v[t]);
    free(v);
}

#endif
