/* ONNX's operators as ours: one table, and for each group of its operators a function. */
#include "vision/onnx_reader.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- Functions of one value -------------------------------------------------------------------------------------- */

static mask_status read_function(onnx_reader *r, const onnx_node *n, const onnx_entry *e, mask_error *err)
{
    onnx_value x;
    MASK__TRY(mask__onnx_needed(r, n, 0, &x, err));
    mask__graph_op op = mask__onnx_operation(MASK__OP_ACTIVATION, e, &x.tensor, 1);
    op.activation = (mask__activation)e->parameter;
    if (op.activation == MASK__LEAKY) op.low = mask__onnx_float(n, "alpha", 0.01f);
    if (op.activation == MASK__ELU) op.low = mask__onnx_float(n, "alpha", 1);
    if (op.activation == MASK__HARD_SIGMOID) {
        op.low = mask__onnx_float(n, "alpha", 0.2f);
        op.high = mask__onnx_float(n, "beta", 0.5f);
    }
    if (op.activation == MASK__GELU && mask__onnx_text(n, "approximate", "none", "tanh"))
        op.activation = MASK__GELU_TANH;
    return mask__onnx_finish(r, n, &op, x.last, err);
}

static mask_status read_clip(onnx_reader *r, const onnx_node *n, const onnx_entry *e, mask_error *err)
{
    onnx_value x, bound;
    MASK__TRY(mask__onnx_needed(r, n, 0, &x, err));
    mask__graph_op op = mask__onnx_operation(MASK__OP_ACTIVATION, e, &x.tensor, 1);
    op.activation = MASK__CLIP;
    op.low = mask__onnx_float(n, "min", -INFINITY);
    op.high = mask__onnx_float(n, "max", INFINITY);
    for (size_t i = 1; i < 3; i++) {
        MASK__TRY(mask__onnx_input(r, n, i, &bound, err));
        if (bound.tensor == MASK__NO_TENSOR) continue;
        if (!mask__onnx_is_constant(r, bound) || r->graph->tensors[bound.tensor].count != 1)
            REFUSE("has no constant bounds");
        *(i == 1 ? &op.low : &op.high) = r->graph->tensors[bound.tensor].values[0];
    }
    return mask__onnx_finish(r, n, &op, x.last, err);
}

/* The value as it is: Identity, Dropout, and Cast, which for numbers is that or the whole part. */
static mask_status read_same(onnx_reader *r, const onnx_node *n, const onnx_entry *e, mask_error *err)
{
    onnx_value x;
    MASK__TRY(mask__onnx_needed(r, n, 0, &x, err));
    if (strcmp(e->name, "Cast") != 0) return mask__onnx_output(r, n, 0, x, err);
    long to = mask__onnx_int(n, "to", 1);
    bool whole = to != 1 && to != 10 && to != 11 && to != 16;
    const mask__graph_tensor *t = &r->graph->tensors[x.tensor];
    if (t->whole == whole) return mask__onnx_output(r, n, 0, x, err);
    mask__graph_op op = mask__onnx_operation(MASK__OP_ACTIVATION, e, &x.tensor, 1);
    op.activation = whole ? MASK__TRUNCATE : MASK__LINEAR;
    MASK__TRY(mask__graph_add(r->graph, &op, &x.tensor, err));
    r->graph->tensors[x.tensor].whole = whole;
    return mask__onnx_output(r, n, 0, x, err);
}

/* ---- Functions of two -------------------------------------------------------------------------------------------- */

/* A transformer's positions, (1, some + g x g, channels), for another number of patches: those of the patches are a
 * picture that is resized, those before them stay. */
static mask_status fit_positions(onnx_reader *r, const onnx_entry *e, onnx_value *v, size_t tokens, mask_error *err)
{
    mask__graph *g = r->graph;
    const mask__graph_tensor t = g->tensors[v->tensor];
    size_t old = r->native_grid * r->native_grid, now = r->grid * r->grid, before = t.shape[1] - old;
    if (t.ndim != 3 || !t.values || t.shape[0] != 1 || t.shape[1] < old || tokens < now || tokens - now != before ||
        !old)
        return MASK_OK;
    size_t width = t.shape[2];
    onnx_value parts[2] = {*v, *v};
    for (int part = 0; part < 2; part++) {
        mask__graph_op slice = mask__onnx_operation(MASK__OP_SLICE, e, &v->tensor, 1);
        memcpy(slice.sizes, (size_t[]){1, part ? old : before, width}, 3 * sizeof *slice.sizes);
        slice.begin[1] = part ? before : 0;
        for (int d = 0; d < 3; d++) slice.step[d] = 1;
        MASK__TRY(mask__graph_add(g, &slice, &parts[part].tensor, err));
    }
    MASK__TRY(mask__onnx_reshape(r, e, &parts[1], 4, (size_t[]){1, r->native_grid, r->native_grid, width}, err));
    mask__graph_op resize = mask__onnx_operation(MASK__OP_RESIZE, e, &parts[1].tensor, 1);
    resize.resize = MASK__BICUBIC;
    resize.coefficient = -0.75f; /* PyTorch's */
    resize.sizes[0] = resize.sizes[1] = r->grid;
    MASK__TRY(mask__graph_add(g, &resize, &parts[1].tensor, err));
    MASK__TRY(mask__onnx_reshape(r, e, &parts[1], 3, (size_t[]){1, now, width}, err));
    mask__graph_op join = mask__onnx_operation(MASK__OP_CONCAT, e, (uint32_t[]){parts[0].tensor, parts[1].tensor}, 2);
    join.axis = 1;
    return mask__graph_add(g, &join, &v->tensor, err);
}

/* Brings inputs that are to broadcast into one order of dimensions. */
static mask_status align(onnx_reader *r, const onnx_entry *e, onnx_value *v, size_t count, bool *last, mask_error *err)
{
    unsigned ndim = 0;
    *last = false;
    for (size_t i = 0; i < count; i++) {
        if (mask__onnx_ndim(r, v[i]) > ndim) ndim = mask__onnx_ndim(r, v[i]);
        *last = *last || v[i].last;
    }
    for (size_t i = 0; i < count && *last; i++) {
        if (v[i].last && mask__onnx_ndim(r, v[i]) < ndim) MASK__TRY(mask__onnx_canonical(r, e, &v[i], err));
        if (r->graph->tensors[v[i].tensor].count == 1 || v[i].last) continue;
        mask__graph_tensor t = r->graph->tensors[v[i].tensor];
        size_t shape[DIMS];
        for (unsigned d = 0; d < ndim; d++) shape[d] = d < ndim - t.ndim ? 1 : t.shape[d - (ndim - t.ndim)];
        if (t.ndim < ndim) MASK__TRY(mask__onnx_reshape(r, e, &v[i], ndim, shape, err));
        MASK__TRY(mask__onnx_channels_last(r, e, &v[i], err));
    }
    return MASK_OK;
}

static mask_status read_binary(onnx_reader *r, const onnx_node *n, const onnx_entry *e, mask_error *err)
{
    onnx_value v[2];
    bool last;
    MASK__TRY(mask__onnx_needed(r, n, 0, &v[0], err));
    if (n->n_input == 1) return mask__onnx_output(r, n, 0, v[0], err); /* Min, Max and Sum take any number */
    for (size_t i = 1; i < n->n_input; i++) {
        MASK__TRY(mask__onnx_needed(r, n, i, &v[1], err));
        for (int k = 0; k < 2 && r->side != r->native; k++) {
            const mask__graph_tensor other = r->graph->tensors[v[!k].tensor];
            if (other.ndim == 3 && !v[!k].last && other.shape[1] != r->graph->tensors[v[k].tensor].shape[1])
                MASK__TRY(fit_positions(r, e, &v[k], other.shape[1], err));
        }
        MASK__TRY(align(r, e, v, 2, &last, err));
        mask__graph_op op = mask__onnx_operation(MASK__OP_BINARY, e, (uint32_t[]){v[0].tensor, v[1].tensor}, 2);
        op.arithmetic = (mask__arithmetic)e->parameter;
        MASK__TRY(mask__graph_add(r->graph, &op, &v[0].tensor, err));
        v[0].last = last;
    }
    return mask__onnx_output(r, n, 0, v[0], err);
}

static mask_status read_where(onnx_reader *r, const onnx_node *n, const onnx_entry *e, mask_error *err)
{
    onnx_value v[3];
    bool last;
    for (size_t i = 0; i < 3; i++) MASK__TRY(mask__onnx_needed(r, n, i, &v[i], err));
    MASK__TRY(align(r, e, v, 3, &last, err));
    mask__graph_op op = mask__onnx_operation(MASK__OP_WHERE, e, (uint32_t[]){v[0].tensor, v[1].tensor, v[2].tensor}, 3);
    return mask__onnx_finish(r, n, &op, last, err);
}

/* ---- Windows ----------------------------------------------------------------------------------------------------- */

/* Strides, dilations and pads of rows and columns. */
static mask_status read_window(onnx_reader *r, const onnx_node *n, mask__graph_op *op, mask_error *err)
{
    long values[MAX_INTS], count;
    const struct {
        const char *name;
        size_t *to;
    } pairs[] = {{"strides", op->stride}, {"dilations", op->dilation}, {"kernel_shape", op->kernel}};
    for (size_t i = 0; i < 3; i++) {
        MASK__TRY(mask__onnx_numbers(r, n, pairs[i].name, SIZE_MAX, values, &count, err));
        if (count != ABSENT && count != 2) REFUSE("has a window of other than rows and columns");
        for (int d = 0; d < 2; d++) pairs[i].to[d] = count == ABSENT ? 1 : values[d] > 0 ? (size_t)values[d] : 0;
    }
    MASK__TRY(mask__onnx_numbers(r, n, "pads", SIZE_MAX, values, &count, err));
    if (count != ABSENT && count != 4) REFUSE("has a window of other than rows and columns");
    for (int i = 0; i < 4 && count == 4; i++) {
        if (values[i] < 0) REFUSE("takes values away");
        (i < 2 ? op->pad_before : op->pad_after)[i % 2] = (size_t)values[i];
    }
    op->same = mask__onnx_text(n, "auto_pad", "NOTSET", "SAME_UPPER");
    if (mask__onnx_text(n, "auto_pad", "NOTSET", "SAME_LOWER")) REFUSE("pads more at the beginning");
    return MASK_OK;
}

static mask_status read_conv(onnx_reader *r, const onnx_node *n, const onnx_entry *e, mask_error *err)
{
    onnx_value x, w, bias;
    MASK__TRY(mask__onnx_needed(r, n, 0, &x, err));
    MASK__TRY(mask__onnx_plain(r, n, e, 1, &w, err));
    MASK__TRY(mask__onnx_input(r, n, 2, &bias, err));
    MASK__TRY(mask__onnx_channels_last(r, e, &x, err));
    if (mask__onnx_ndim(r, x) != 4 || mask__onnx_ndim(r, w) != 4 || !mask__onnx_is_constant(r, w))
        REFUSE("is no convolution of pictures");
    MASK__TRY(mask__onnx_transpose(r, e, &w, (size_t[]){0, 2, 3, 1}, err));
    mask__graph_op op = mask__onnx_operation(MASK__OP_CONV, e, (uint32_t[]){x.tensor, w.tensor, bias.tensor}, 3);
    MASK__TRY(read_window(r, n, &op, err));
    long groups = mask__onnx_int(n, "group", 1);
    op.groups = groups > 0 ? (size_t)groups : 0;
    onnx_value out = {.last = true};
    MASK__TRY(mask__graph_add(r->graph, &op, &out.tensor, err));
    if (x.tensor == r->graph->input) { /* perhaps a transformer's patches */
        r->grid = r->graph->tensors[out.tensor].shape[1];
        if (r->side == r->native) r->native_grid = r->grid;
    }
    return mask__onnx_output(r, n, 0, out, err);
}

static mask_status read_pool(onnx_reader *r, const onnx_node *n, const onnx_entry *e, mask_error *err)
{
    onnx_value x;
    MASK__TRY(mask__onnx_needed(r, n, 0, &x, err));
    MASK__TRY(mask__onnx_channels_last(r, e, &x, err));
    mask__graph_op op = mask__onnx_operation((mask__op_kind)e->parameter, e, &x.tensor, 1);
    MASK__TRY(read_window(r, n, &op, err));
    op.count_pads = mask__onnx_int(n, "count_include_pad", 0) != 0;
    const mask__graph_tensor *t = &r->graph->tensors[x.tensor];
    for (int d = 0; d < 2 && mask__onnx_int(n, "ceil_mode", 0) && t->ndim == 4 && op.stride[d]; d++) {
        size_t size = t->shape[1 + d] + op.pad_before[d] + op.pad_after[d];
        size_t rest = size < op.kernel[d] ? 0 : (size - op.kernel[d]) % op.stride[d];
        if (rest && op.count_pads) REFUSE("counts padding that is not there");
        if (rest) op.pad_after[d] += op.stride[d] - rest;
    }
    return mask__onnx_finish(r, n, &op, true, err);
}

/* y = (x - mean) / sqrt(variance + epsilon) * scale + shift, all constants: a factor and a summand. */
static mask_status read_batch_norm(onnx_reader *r, const onnx_node *n, const onnx_entry *e, mask_error *err)
{
    onnx_value x, v[4];
    const float *c[4];
    float *made[2];
    uint32_t constants[2];
    MASK__TRY(mask__onnx_needed(r, n, 0, &x, err));
    MASK__TRY(mask__onnx_channels_last(r, e, &x, err));
    if (mask__onnx_ndim(r, x) < 2) REFUSE("has no channels");
    size_t channels = mask__onnx_shape(r, x).shape[1];
    for (size_t i = 0; i < 4; i++) {
        MASK__TRY(mask__onnx_needed(r, n, i + 1, &v[i], err));
        c[i] = r->graph->tensors[v[i].tensor].values;
        if (!c[i] || r->graph->tensors[v[i].tensor].count != channels) REFUSE("has no constants for its channels");
    }
    for (int i = 0; i < 2; i++) MASK__TRY(mask__graph_constant(r->graph, 1, &channels, &constants[i], &made[i], err));
    for (size_t i = 0; i < channels; i++) {
        made[0][i] = c[0][i] / sqrtf(c[3][i] + mask__onnx_float(n, "epsilon", 1e-5f));
        made[1][i] = c[1][i] - c[2][i] * made[0][i];
    }
    for (int i = 0; i < 2; i++) {
        mask__graph_op op = mask__onnx_operation(MASK__OP_BINARY, e, (uint32_t[]){x.tensor, constants[i]}, 2);
        op.arithmetic = i ? MASK__ADD : MASK__MULTIPLY;
        MASK__TRY(mask__graph_add(r->graph, &op, &x.tensor, err));
    }
    return mask__onnx_output(r, n, 0, x, err);
}

static mask_status reduce(onnx_reader *r, const onnx_node *n, const onnx_entry *e, onnx_value x, const long *axes,
                          long count, bool keep, mask__reduction reduction, mask_error *err)
{
    mask__graph_op op = mask__onnx_operation(MASK__OP_REDUCE, e, &x.tensor, 1);
    unsigned ndim = mask__onnx_ndim(r, x);
    op.reduction = reduction;
    op.keep = keep;
    for (unsigned d = 0; d < ndim && count <= 0; d++) op.axes[d] = true;
    for (long i = 0; i < count; i++) {
        long axis = axes[i];
        if (!mask__onnx_settle(&axis, ndim)) REFUSE("reduces a dimension that is not there");
        op.axes[mask__onnx_place(r, x, (size_t)axis)] = true;
    }
    onnx_value out = {.last = x.last};
    MASK__TRY(mask__graph_add(r->graph, &op, &out.tensor, err));
    if (out.last && !keep) out.last = !op.axes[0] && !op.axes[ndim - 1] && mask__onnx_ndim(r, out) > 2;
    if (strcmp(e->name, "ReduceL2") == 0) {
        mask__graph_op root = mask__onnx_operation(MASK__OP_ACTIVATION, e, &out.tensor, 1);
        root.activation = MASK__SQRT;
        MASK__TRY(mask__graph_add(r->graph, &root, &out.tensor, err));
    }
    return mask__onnx_output(r, n, 0, out, err);
}

static mask_status read_reduce(onnx_reader *r, const onnx_node *n, const onnx_entry *e, mask_error *err)
{
    onnx_value x;
    long axes[MAX_INTS], count;
    MASK__TRY(mask__onnx_needed(r, n, 0, &x, err));
    MASK__TRY(mask__onnx_numbers(r, n, "axes", 1, axes, &count, err));
    if (count <= 0 && mask__onnx_int(n, "noop_with_empty_axes", 0)) return mask__onnx_output(r, n, 0, x, err);
    if (strcmp(e->name, "ReduceL2") == 0) {
        mask__graph_op square = mask__onnx_operation(MASK__OP_BINARY, e, (uint32_t[]){x.tensor, x.tensor}, 2);
        square.arithmetic = MASK__MULTIPLY;
        MASK__TRY(mask__graph_add(r->graph, &square, &x.tensor, err));
    }
    return reduce(r, n, e, x, axes, count, mask__onnx_int(n, "keepdims", 1) != 0, (mask__reduction)e->parameter, err);
}

/* Over all rows and columns. */
static mask_status read_global(onnx_reader *r, const onnx_node *n, const onnx_entry *e, mask_error *err)
{
    onnx_value x;
    long axes[DIMS];
    MASK__TRY(mask__onnx_needed(r, n, 0, &x, err));
    unsigned ndim = mask__onnx_ndim(r, x);
    if (ndim < 3) REFUSE("has no rows and columns");
    for (unsigned d = 2; d < ndim; d++) axes[d - 2] = d;
    return reduce(r, n, e, x, axes, (long)ndim - 2, true, (mask__reduction)e->parameter, err);
}

/* ---- Matrices and rows ------------------------------------------------------------------------------------------- */

static mask_status read_matmul(onnx_reader *r, const onnx_node *n, const onnx_entry *e, mask_error *err)
{
    onnx_value a, b, c;
    bool gemm = e->parameter;
    MASK__TRY(mask__onnx_plain(r, n, e, 0, &a, err));
    MASK__TRY(mask__onnx_plain(r, n, e, 1, &b, err));
    mask__graph_op op = mask__onnx_operation(MASK__OP_MATMUL, e, (uint32_t[]){a.tensor, b.tensor}, 2);
    if (!gemm) return mask__onnx_finish(r, n, &op, false, err);
    if (mask__onnx_int(n, "transA", 0)) REFUSE("turns its first matrix");
    MASK__TRY(mask__onnx_input(r, n, 2, &c, err));
    op.transposed = mask__onnx_int(n, "transB", 0) != 0;
    op.coefficient = mask__onnx_float(n, "alpha", 1);
    if (c.tensor == MASK__NO_TENSOR) return mask__onnx_finish(r, n, &op, false, err);
    if (mask__onnx_float(n, "beta", 1) != 1) REFUSE("multiplies its sum");
    mask__graph_op sum = mask__onnx_operation(MASK__OP_BINARY, e, (uint32_t[]){0, c.tensor}, 2);
    MASK__TRY(mask__graph_add(r->graph, &op, &sum.inputs[0], err));
    return mask__onnx_finish(r, n, &sum, false, err);
}

/* Of one dimension, which is brought to the end. */
static mask_status read_softmax(onnx_reader *r, const onnx_node *n, const onnx_entry *e, mask_error *err)
{
    onnx_value x;
    MASK__TRY(mask__onnx_plain(r, n, e, 0, &x, err));
    unsigned ndim = mask__onnx_ndim(r, x);
    long axis = mask__onnx_int(n, "axis", r->version >= 13 ? -1 : 1);
    if (!mask__onnx_settle(&axis, ndim)) REFUSE("has a dimension that is not there");
    size_t order[DIMS];
    for (unsigned d = 0; d < ndim; d++) order[d] = d;
    order[axis] = ndim - 1;
    order[ndim - 1] = (size_t)axis;
    MASK__TRY(mask__onnx_transpose(r, e, &x, order, err));
    mask__graph_op op = mask__onnx_operation(MASK__OP_SOFTMAX, e, &x.tensor, 1);
    MASK__TRY(mask__graph_add(r->graph, &op, &x.tensor, err));
    MASK__TRY(mask__onnx_transpose(r, e, &x, order, err));
    return mask__onnx_output(r, n, 0, x, err);
}

static mask_status read_layer_norm(onnx_reader *r, const onnx_node *n, const onnx_entry *e, mask_error *err)
{
    onnx_value x, scale, shift;
    MASK__TRY(mask__onnx_plain(r, n, e, 0, &x, err));
    MASK__TRY(mask__onnx_needed(r, n, 1, &scale, err));
    MASK__TRY(mask__onnx_input(r, n, 2, &shift, err));
    long axis = mask__onnx_int(n, "axis", -1);
    if (!mask__onnx_settle(&axis, mask__onnx_ndim(r, x)) || axis + 1 != (long)mask__onnx_ndim(r, x))
        REFUSE("is over more than the last dimension");
    mask__graph_op op = mask__onnx_operation(MASK__OP_NORM, e, (uint32_t[]){x.tensor, scale.tensor, shift.tensor}, 3);
    op.coefficient = mask__onnx_float(n, "epsilon", 1e-5f);
    return mask__onnx_finish(r, n, &op, false, err);
}

/* ---- The table --------------------------------------------------------------------------------------------------- */

static const onnx_entry entries[] = {
    {"Abs", read_function, MASK__ABSOLUTE},
    {"Add", read_binary, MASK__ADD},
    {"And", read_binary, MASK__MULTIPLY},
    {"AveragePool", read_pool, MASK__OP_AVERAGE_POOL},
    {"BatchNormalization", read_batch_norm, 0},
    {"Cast", read_same, 0},
    {"Ceil", read_function, MASK__CEILING},
    {"Clip", read_clip, 0},
    {"Concat", mask__read_concat, 0},
    {"Constant", mask__read_constant, 0},
    {"ConstantOfShape", mask__read_constant_of_shape, 0},
    {"Conv", read_conv, 0},
    {"Cos", read_function, MASK__COSINE},
    {"DequantizeLinear", mask__read_dequantise, 0},
    {"Div", read_binary, MASK__DIVIDE},
    {"Dropout", read_same, 0},
    {"Elu", read_function, MASK__ELU},
    {"Equal", read_binary, MASK__EQUAL},
    {"Erf", read_function, MASK__ERF},
    {"Exp", read_function, MASK__EXP},
    {"Expand", mask__read_expand, 0},
    {"Flatten", mask__read_flatten, 0},
    {"Floor", read_function, MASK__FLOOR},
    {"Gather", mask__read_gather, 0},
    {"Gelu", read_function, MASK__GELU},
    {"Gemm", read_matmul, true},
    {"GlobalAveragePool", read_global, MASK__MEAN},
    {"GlobalMaxPool", read_global, MASK__MOST},
    {"Greater", read_binary, MASK__GREATER},
    {"HardSigmoid", read_function, MASK__HARD_SIGMOID},
    {"HardSwish", read_function, MASK__HARD_SWISH},
    {"Identity", read_same, 0},
    {"LayerNormalization", read_layer_norm, 0},
    {"LeakyRelu", read_function, MASK__LEAKY},
    {"Less", read_binary, MASK__LESS},
    {"Log", read_function, MASK__LOG},
    {"MatMul", read_matmul, false},
    {"Max", read_binary, MASK__MAXIMUM},
    {"MaxPool", read_pool, MASK__OP_MAX_POOL},
    {"Min", read_binary, MASK__MINIMUM},
    {"Mod", read_binary, MASK__MODULO},
    {"Mul", read_binary, MASK__MULTIPLY},
    {"Neg", read_function, MASK__NEGATE},
    {"Not", read_function, MASK__NOT},
    {"Pad", mask__read_pad, 0},
    {"Pow", read_binary, MASK__POWER},
    {"Range", mask__read_range, 0},
    {"Reciprocal", read_function, MASK__RECIPROCAL},
    {"ReduceL2", read_reduce, MASK__SUM},
    {"ReduceMax", read_reduce, MASK__MOST},
    {"ReduceMean", read_reduce, MASK__MEAN},
    {"ReduceMin", read_reduce, MASK__LEAST},
    {"ReduceProd", read_reduce, MASK__PRODUCT},
    {"ReduceSum", read_reduce, MASK__SUM},
    {"Relu", read_function, MASK__RELU},
    {"Reshape", mask__read_reshape, 0},
    {"Resize", mask__read_resize, 0},
    {"ScatterND", mask__read_scatter, 0},
    {"Shape", mask__read_shape, 0},
    {"Sigmoid", read_function, MASK__LOGISTIC},
    {"Sin", read_function, MASK__SINE},
    {"Slice", mask__read_slice, 0},
    {"Softmax", read_softmax, 0},
    {"Split", mask__read_split, 0},
    {"Sqrt", read_function, MASK__SQRT},
    {"Squeeze", mask__read_squeeze, 0},
    {"Sub", read_binary, MASK__SUBTRACT},
    {"Sum", read_binary, MASK__ADD},
    {"Tanh", read_function, MASK__TANH},
    {"Tile", mask__read_tile, 0},
    {"Transpose", mask__read_transpose, 0},
    {"Unsqueeze", mask__read_squeeze, 1},
    {"Where", read_where, 0},
};

static int by_name(const void *name, const void *e)
{
    return strcmp(name, ((const onnx_entry *)e)->name);
}

mask_status mask__onnx_node(onnx_reader *r, const onnx_node *n, mask_error *err)
{
    const char *domain = n->domain ? n->domain : "", *type = n->op_type ? n->op_type : "";
    const onnx_entry *e = bsearch(type, entries, sizeof entries / sizeof *entries, sizeof *entries, by_name);
    if (!e || (*domain && strcmp(domain, "ai.onnx") != 0))
        REFUSE("is not supported: docs/encoders.md lists those that are; export the network without it");
    return e->read(r, n, e, err);
}
