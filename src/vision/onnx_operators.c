/* ONNX's operators as ours: one table, and for each group of its operators a function. */
#include "vision/onnx_reader.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- Functions of one value -------------------------------------------------------------------------------------- */

static mask_status read_function(onnx_reader *r)
{
    onnx_value x = mask__onnx_needed(r, 0);
    mask__graph_op op = mask__onnx_operation(r, MASK__OP_ACTIVATION, &x.tensor, 1);
    op.activation = (mask__activation)r->entry->parameter;
    if (op.activation == MASK__LEAKY) op.low = mask__onnx_float(r, "alpha", 0.01f);
    if (op.activation == MASK__ELU) op.low = mask__onnx_float(r, "alpha", 1);
    if (op.activation == MASK__HARD_SIGMOID) {
        op.low = mask__onnx_float(r, "alpha", 0.2f);
        op.high = mask__onnx_float(r, "beta", 0.5f);
    }
    if (op.activation == MASK__GELU && mask__onnx_text(r, "approximate", "none", "tanh"))
        op.activation = MASK__GELU_TANH;
    return mask__onnx_finish(r, &op, x.last);
}

static mask_status read_clip(onnx_reader *r)
{
    onnx_value x = mask__onnx_needed(r, 0);
    mask__graph_op op = mask__onnx_operation(r, MASK__OP_ACTIVATION, &x.tensor, 1);
    op.activation = MASK__CLIP;
    op.low = mask__onnx_float(r, "min", -INFINITY);
    op.high = mask__onnx_float(r, "max", INFINITY);
    for (size_t i = 1; i < 3; i++) {
        onnx_value bound = mask__onnx_input(r, i);
        const float *value = mask__onnx_single(r, bound);
        if (value) *(i == 1 ? &op.low : &op.high) = *value;
        else if (bound.tensor != MASK__NO_TENSOR) REFUSE("has no constant bounds");
    }
    return mask__onnx_finish(r, &op, x.last);
}

/* The value as it is: Identity and Dropout. */
static mask_status read_same(onnx_reader *r)
{
    return mask__onnx_output(r, 0, mask__onnx_needed(r, 0));
}

/* For numbers that is the same or the whole part. */
static mask_status read_cast(onnx_reader *r)
{
    onnx_value x = mask__onnx_needed(r, 0);
    long to = mask__onnx_int(r, "to", 1);
    bool whole = to != 1 && to != 10 && to != 11 && to != 16;
    if (r->graph->tensors[x.tensor].whole == whole) return mask__onnx_output(r, 0, x);
    mask__graph_op op = mask__onnx_operation(r, MASK__OP_ACTIVATION, &x.tensor, 1);
    op.activation = whole ? MASK__TRUNCATE : MASK__LINEAR;
    x.tensor = mask__onnx_add(r, &op);
    if (r->status == MASK_OK) r->graph->tensors[x.tensor].whole = whole;
    return mask__onnx_output(r, 0, x);
}

/* ---- Functions of two -------------------------------------------------------------------------------------------- */

static uint32_t binary(onnx_reader *r, mask__arithmetic arithmetic, uint32_t a, uint32_t b)
{
    mask__graph_op op = mask__onnx_operation(r, MASK__OP_BINARY, (uint32_t[]){a, b}, 2);
    op.arithmetic = arithmetic;
    return mask__onnx_add(r, &op);
}

/* A transformer's positions, (1, some + g x g, channels), for another number of patches: those of the patches are a
 * picture that is resized, those before them stay. */
static onnx_value fit_positions(onnx_reader *r, onnx_value v, size_t tokens)
{
    const mask__graph_tensor t = r->graph->tensors[v.tensor];
    size_t old = r->native_grid * r->native_grid, now = r->grid * r->grid, before = t.shape[1] - old;
    if (t.ndim != 3 || !t.values || t.shape[0] != 1 || t.shape[1] < old || tokens < now || tokens - now != before ||
        !old)
        return v;
    size_t width = t.shape[2];
    onnx_value parts[2] = {v, v};
    for (int part = 0; part < 2; part++) {
        mask__graph_op slice = mask__onnx_operation(r, MASK__OP_SLICE, &v.tensor, 1);
        memcpy(slice.sizes, (size_t[]){1, part ? old : before, width}, 3 * sizeof *slice.sizes);
        slice.begin[1] = part ? before : 0;
        for (int d = 0; d < 3; d++) slice.step[d] = 1;
        parts[part].tensor = mask__onnx_add(r, &slice);
    }
    parts[1] = mask__onnx_reshape(r, parts[1], 4, (size_t[]){1, r->native_grid, r->native_grid, width});
    mask__graph_op resize = mask__onnx_operation(r, MASK__OP_RESIZE, &parts[1].tensor, 1);
    resize.resize = MASK__BICUBIC;
    resize.coefficient = -0.75f; /* PyTorch's */
    resize.sizes[0] = resize.sizes[1] = r->grid;
    parts[1].tensor = mask__onnx_add(r, &resize);
    parts[1] = mask__onnx_reshape(r, parts[1], 3, (size_t[]){1, now, width});
    mask__graph_op join = mask__onnx_operation(r, MASK__OP_CONCAT, (uint32_t[]){parts[0].tensor, parts[1].tensor}, 2);
    join.axis = 1;
    v.tensor = mask__onnx_add(r, &join);
    return v;
}

/* Brings inputs that are to broadcast into one order of dimensions; returns whether channels are last then. */
static bool align(onnx_reader *r, onnx_value *v, size_t count)
{
    unsigned ndim = 0;
    bool last = false;
    for (size_t i = 0; i < count; i++) {
        if (mask__onnx_ndim(r, v[i]) > ndim) ndim = mask__onnx_ndim(r, v[i]);
        last = last || v[i].last;
    }
    for (size_t i = 0; i < count && last; i++) {
        if (v[i].last && mask__onnx_ndim(r, v[i]) < ndim) v[i] = mask__onnx_canonical(r, v[i]);
        if (r->graph->tensors[v[i].tensor].count == 1 || v[i].last) continue;
        mask__graph_tensor t = r->graph->tensors[v[i].tensor];
        size_t shape[DIMS];
        for (unsigned d = 0; d < ndim; d++) shape[d] = d < ndim - t.ndim ? 1 : t.shape[d - (ndim - t.ndim)];
        if (t.ndim < ndim) v[i] = mask__onnx_reshape(r, v[i], ndim, shape);
        v[i] = mask__onnx_channels_last(r, v[i]);
    }
    return last;
}

static mask_status read_binary(onnx_reader *r)
{
    onnx_value v[2] = {mask__onnx_needed(r, 0)}; /* Min, Max and Sum take any number */
    for (size_t i = 1; i < r->node->n_input; i++) {
        v[1] = mask__onnx_needed(r, i);
        for (int k = 0; k < 2 && r->side != r->native; k++) {
            const mask__graph_tensor other = r->graph->tensors[v[!k].tensor];
            if (other.ndim == 3 && !v[!k].last && other.shape[1] != r->graph->tensors[v[k].tensor].shape[1])
                v[k] = fit_positions(r, v[k], other.shape[1]);
        }
        v[0].last = align(r, v, 2);
        v[0].tensor = binary(r, (mask__arithmetic)r->entry->parameter, v[0].tensor, v[1].tensor);
    }
    return mask__onnx_output(r, 0, v[0]);
}

static mask_status read_where(onnx_reader *r)
{
    onnx_value v[3] = {mask__onnx_needed(r, 0), mask__onnx_needed(r, 1), mask__onnx_needed(r, 2)};
    bool last = align(r, v, 3);
    uint32_t inputs[] = {v[0].tensor, v[1].tensor, v[2].tensor};
    mask__graph_op op = mask__onnx_operation(r, MASK__OP_WHERE, inputs, 3);
    return mask__onnx_finish(r, &op, last);
}

/* ---- Windows ----------------------------------------------------------------------------------------------------- */

/* Strides, dilations and pads of rows and columns. */
static mask_status read_window(onnx_reader *r, mask__graph_op *op)
{
    const struct {
        const char *name;
        size_t *to;
    } pairs[] = {{"strides", op->stride}, {"dilations", op->dilation}, {"kernel_shape", op->kernel}};
    for (size_t i = 0; i < 3; i++) {
        onnx_numbers given = mask__onnx_numbers(r, pairs[i].name, SIZE_MAX);
        if (given.count != ABSENT && given.count != 2) REFUSE("has a window of other than rows and columns");
        for (int d = 0; d < 2; d++)
            pairs[i].to[d] = given.count == ABSENT ? 1 : given.at[d] > 0 ? (size_t)given.at[d] : 0;
    }
    onnx_numbers pads = mask__onnx_numbers(r, "pads", SIZE_MAX);
    if (pads.count != ABSENT && pads.count != 4) REFUSE("has a window of other than rows and columns");
    for (int i = 0; i < pads.count; i++) {
        if (pads.at[i] < 0) REFUSE("takes values away");
        (i < 2 ? op->pad_before : op->pad_after)[i % 2] = (size_t)pads.at[i];
    }
    op->same = mask__onnx_text(r, "auto_pad", "NOTSET", "SAME_UPPER");
    if (mask__onnx_text(r, "auto_pad", "NOTSET", "SAME_LOWER")) REFUSE("pads more at the beginning");
    return r->status;
}

static mask_status read_conv(onnx_reader *r)
{
    onnx_value x = mask__onnx_channels_last(r, mask__onnx_needed(r, 0)), w = mask__onnx_plain(r, 1);
    onnx_value bias = mask__onnx_input(r, 2);
    if (mask__onnx_ndim(r, x) != 4 || mask__onnx_ndim(r, w) != 4 || !mask__onnx_values(r, w))
        REFUSE("is no convolution of pictures");
    w = mask__onnx_transpose(r, w, (size_t[]){0, 2, 3, 1});
    mask__graph_op op = mask__onnx_operation(r, MASK__OP_CONV, (uint32_t[]){x.tensor, w.tensor, bias.tensor}, 3);
    MASK__TRY(read_window(r, &op));
    long groups = mask__onnx_int(r, "group", 1);
    op.groups = groups > 0 ? (size_t)groups : 0;
    onnx_value out = {.tensor = mask__onnx_add(r, &op), .last = true};
    if (x.tensor == r->graph->input) { /* perhaps a transformer's patches */
        r->grid = r->graph->tensors[out.tensor].shape[1];
        if (r->side == r->native) r->native_grid = r->grid;
    }
    return mask__onnx_output(r, 0, out);
}

static mask_status read_pool(onnx_reader *r)
{
    onnx_value x = mask__onnx_channels_last(r, mask__onnx_needed(r, 0));
    mask__graph_op op = mask__onnx_operation(r, (mask__op_kind)r->entry->parameter, &x.tensor, 1);
    MASK__TRY(read_window(r, &op));
    op.count_pads = mask__onnx_int(r, "count_include_pad", 0) != 0;
    const mask__graph_tensor *t = &r->graph->tensors[x.tensor];
    for (int d = 0; d < 2 && mask__onnx_int(r, "ceil_mode", 0) && t->ndim == 4 && op.stride[d]; d++) {
        size_t size = t->shape[1 + d] + op.pad_before[d] + op.pad_after[d];
        size_t rest = size < op.kernel[d] ? 0 : (size - op.kernel[d]) % op.stride[d];
        if (rest && op.count_pads) REFUSE("counts padding that is not there");
        if (rest) op.pad_after[d] += op.stride[d] - rest;
    }
    return mask__onnx_finish(r, &op, true);
}

/* y = (x - mean) / sqrt(variance + epsilon) * scale + shift, all constants: a factor and a summand. */
static mask_status read_batch_norm(onnx_reader *r)
{
    const float *c[4];
    float *factor, *summand, epsilon = mask__onnx_float(r, "epsilon", 1e-5f);
    onnx_value x = mask__onnx_channels_last(r, mask__onnx_needed(r, 0));
    if (mask__onnx_ndim(r, x) < 2) REFUSE("has no channels");
    size_t channels = mask__onnx_shape(r, x).shape[1];
    for (size_t i = 0; i < 4; i++) {
        onnx_value v = mask__onnx_needed(r, i + 1);
        c[i] = mask__onnx_values(r, v);
        if (!c[i] || r->graph->tensors[v.tensor].count != channels) REFUSE("has no constants for its channels");
    }
    uint32_t by = mask__onnx_new(r, 1, &channels, &factor), plus = mask__onnx_new(r, 1, &channels, &summand);
    for (size_t i = 0; summand && i < channels; i++) {
        factor[i] = c[0][i] / sqrtf(c[3][i] + epsilon);
        summand[i] = c[1][i] - c[2][i] * factor[i];
    }
    x.tensor = binary(r, MASK__ADD, binary(r, MASK__MULTIPLY, x.tensor, by), plus);
    return mask__onnx_output(r, 0, x);
}

static mask_status reduce(onnx_reader *r, onnx_value x, const onnx_numbers *axes, bool keep)
{
    mask__graph_op op = mask__onnx_operation(r, MASK__OP_REDUCE, &x.tensor, 1);
    unsigned ndim = mask__onnx_ndim(r, x);
    bool root = strcmp(r->entry->name, "ReduceL2") == 0;
    op.reduction = (mask__reduction)r->entry->parameter;
    op.keep = keep;
    for (unsigned d = 0; d < ndim && axes->count <= 0; d++) op.axes[d] = true;
    for (long i = 0; i < axes->count; i++) {
        long axis = axes->at[i];
        if (!mask__onnx_settle(&axis, ndim)) REFUSE("reduces a dimension that is not there");
        op.axes[mask__onnx_place(r, x, (size_t)axis)] = true;
    }
    if (root) x.tensor = binary(r, MASK__MULTIPLY, x.tensor, x.tensor);
    x.tensor = mask__onnx_add(r, &op);
    if (x.last && !keep) x.last = !op.axes[0] && !op.axes[ndim - 1] && mask__onnx_ndim(r, x) > 2;
    mask__graph_op square_root = mask__onnx_operation(r, MASK__OP_ACTIVATION, &x.tensor, 1);
    square_root.activation = MASK__SQRT;
    if (root) x.tensor = mask__onnx_add(r, &square_root);
    return mask__onnx_output(r, 0, x);
}

static mask_status read_reduce(onnx_reader *r)
{
    onnx_value x = mask__onnx_needed(r, 0);
    onnx_numbers axes = mask__onnx_numbers(r, "axes", 1);
    if (axes.count <= 0 && mask__onnx_int(r, "noop_with_empty_axes", 0)) return mask__onnx_output(r, 0, x);
    return reduce(r, x, &axes, mask__onnx_int(r, "keepdims", 1) != 0);
}

/* Over all rows and columns. */
static mask_status read_global(onnx_reader *r)
{
    onnx_value x = mask__onnx_needed(r, 0);
    onnx_numbers axes = {.count = (long)mask__onnx_ndim(r, x) - 2};
    if (axes.count < 1) REFUSE("has no rows and columns");
    for (long i = 0; i < axes.count; i++) axes.at[i] = i + 2;
    return reduce(r, x, &axes, true);
}

/* ---- Matrices and rows ------------------------------------------------------------------------------------------- */

static mask_status read_matmul(onnx_reader *r)
{
    onnx_value a = mask__onnx_plain(r, 0), b = mask__onnx_plain(r, 1);
    mask__graph_op op = mask__onnx_operation(r, MASK__OP_MATMUL, (uint32_t[]){a.tensor, b.tensor}, 2);
    return mask__onnx_finish(r, &op, false);
}

static mask_status read_gemm(onnx_reader *r)
{
    onnx_value a = mask__onnx_plain(r, 0), b = mask__onnx_plain(r, 1), c = mask__onnx_input(r, 2);
    mask__graph_op op = mask__onnx_operation(r, MASK__OP_MATMUL, (uint32_t[]){a.tensor, b.tensor}, 2);
    if (mask__onnx_int(r, "transA", 0)) REFUSE("turns its first matrix");
    if (c.tensor != MASK__NO_TENSOR && mask__onnx_float(r, "beta", 1) != 1) REFUSE("multiplies its sum");
    op.transposed = mask__onnx_int(r, "transB", 0) != 0;
    op.coefficient = mask__onnx_float(r, "alpha", 1);
    onnx_value out = {.tensor = mask__onnx_add(r, &op)};
    if (c.tensor != MASK__NO_TENSOR) out.tensor = binary(r, MASK__ADD, out.tensor, c.tensor);
    return mask__onnx_output(r, 0, out);
}

/* Of one dimension, which is brought to the end. */
static mask_status read_softmax(onnx_reader *r)
{
    size_t order[DIMS];
    onnx_value x = mask__onnx_plain(r, 0);
    unsigned ndim = mask__onnx_ndim(r, x);
    long axis = mask__onnx_int(r, "axis", r->version >= 13 ? -1 : 1);
    if (!mask__onnx_settle(&axis, ndim)) REFUSE("has a dimension that is not there");
    for (unsigned d = 0; d < ndim; d++) order[d] = d;
    order[axis] = ndim - 1;
    order[ndim - 1] = (size_t)axis;
    x = mask__onnx_transpose(r, x, order);
    mask__graph_op op = mask__onnx_operation(r, MASK__OP_SOFTMAX, &x.tensor, 1);
    x.tensor = mask__onnx_add(r, &op);
    return mask__onnx_output(r, 0, mask__onnx_transpose(r, x, order));
}

static mask_status read_layer_norm(onnx_reader *r)
{
    onnx_value x = mask__onnx_plain(r, 0), scale = mask__onnx_needed(r, 1), shift = mask__onnx_input(r, 2);
    long axis = mask__onnx_int(r, "axis", -1);
    if (!mask__onnx_settle(&axis, mask__onnx_ndim(r, x)) || axis + 1 != (long)mask__onnx_ndim(r, x))
        REFUSE("is over more than the last dimension");
    mask__graph_op op = mask__onnx_operation(r, MASK__OP_NORM, (uint32_t[]){x.tensor, scale.tensor, shift.tensor}, 3);
    op.coefficient = mask__onnx_float(r, "epsilon", 1e-5f);
    return mask__onnx_finish(r, &op, false);
}

/* ---- The table --------------------------------------------------------------------------------------------------- */

static const onnx_entry entries[] = {
    {"Abs", read_function, MASK__ABSOLUTE},
    {"Add", read_binary, MASK__ADD},
    {"And", read_binary, MASK__MULTIPLY},
    {"AveragePool", read_pool, MASK__OP_AVERAGE_POOL},
    {"BatchNormalization", read_batch_norm, 0},
    {"Cast", read_cast, 0},
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
    {"Gemm", read_gemm, 0},
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
    {"MatMul", read_matmul, 0},
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

mask_status mask__onnx_node(onnx_reader *r, const onnx_node *n)
{
    const char *domain = n->domain ? n->domain : "", *type = n->op_type ? n->op_type : "";
    r->node = n;
    r->entry = bsearch(type, entries, sizeof entries / sizeof *entries, sizeof *entries, by_name);
    if (!r->entry || (*domain && strcmp(domain, "ai.onnx") != 0))
        REFUSE("is not supported: docs/encoders.md lists those that are; export the network without it");
    return r->entry->read(r);
}
