/* TFLite to a graph. Field numbers and codes are those of TensorFlow's schema.fbs (version 3). */
#include "vision/tflite.h"
#include "vision/flatbuffer.h"
#include "math/half.h"

#include <string.h>

enum { FLOAT32 = 0, FLOAT16 = 1, INT32 = 2, UINT8 = 3, INT8 = 9 };

enum {
    CODE_ADD = 0,
    CODE_AVERAGE_POOL = 1,
    CODE_CONCATENATION = 2,
    CODE_CONV = 3,
    CODE_DEPTHWISE_CONV = 4,
    CODE_DEQUANTIZE = 6,
    CODE_FULLY_CONNECTED = 9,
    CODE_LOGISTIC = 14,
    CODE_MAX_POOL = 17,
    CODE_MUL = 18,
    CODE_RELU = 19,
    CODE_RELU6 = 21,
    CODE_RESHAPE = 22,
    CODE_SOFTMAX = 25,
    CODE_CUSTOM = 32,
    CODE_PAD = 34,
    CODE_MEAN = 40,
    CODE_SQUEEZE = 43,
    CODE_HARD_SWISH = 117,
};

/* In the order of their codes. */
// clang-format off
static const char *const code_names[] = {
    "ADD", "AVERAGE_POOL_2D", "CONCATENATION", "CONV_2D", "DEPTHWISE_CONV_2D", "DEPTH_TO_SPACE", "DEQUANTIZE",
    "EMBEDDING_LOOKUP", "FLOOR", "FULLY_CONNECTED", "HASHTABLE_LOOKUP", "L2_NORMALIZATION", "L2_POOL_2D",
    "LOCAL_RESPONSE_NORMALIZATION", "LOGISTIC", "LSH_PROJECTION", "LSTM", "MAX_POOL_2D", "MUL", "RELU",
    "RELU_N1_TO_1", "RELU6", "RESHAPE", "RESIZE_BILINEAR", "RNN", "SOFTMAX", "SPACE_TO_DEPTH", "SVDF", "TANH",
    "CONCAT_EMBEDDINGS", "SKIP_GRAM", "CALL", "CUSTOM", "EMBEDDING_LOOKUP_SPARSE", "PAD",
    "UNIDIRECTIONAL_SEQUENCE_RNN", "GATHER", "BATCH_TO_SPACE_ND", "SPACE_TO_BATCH_ND", "TRANSPOSE", "MEAN",
    "SUB", "DIV", "SQUEEZE", "UNIDIRECTIONAL_SEQUENCE_LSTM", "STRIDED_SLICE", "BIDIRECTIONAL_SEQUENCE_RNN",
    "EXP", "TOPK_V2", "SPLIT", "LOG_SOFTMAX", "DELEGATE", "BIDIRECTIONAL_SEQUENCE_LSTM", "CAST", "PRELU",
    "MAXIMUM", "ARG_MAX", "MINIMUM", "LESS", "NEG", "PADV2", "GREATER", "GREATER_EQUAL", "LESS_EQUAL", "SELECT",
    "SLICE", "SIN", "TRANSPOSE_CONV", "SPARSE_TO_DENSE", "TILE", "EXPAND_DIMS", "EQUAL", "NOT_EQUAL", "LOG",
    "SUM", "SQRT", "RSQRT", "SHAPE", "POW", "ARG_MIN", "FAKE_QUANT", "REDUCE_PROD", "REDUCE_MAX", "PACK",
    "LOGICAL_OR", "ONE_HOT", "LOGICAL_AND", "LOGICAL_NOT", "UNPACK", "REDUCE_MIN", "FLOOR_DIV", "REDUCE_ANY",
    "SQUARE", "ZEROS_LIKE", "FILL", "FLOOR_MOD", "RANGE", "RESIZE_NEAREST_NEIGHBOR", "LEAKY_RELU",
    "SQUARED_DIFFERENCE", "MIRROR_PAD", "ABS", "SPLIT_V", "UNIQUE", "CEIL", "REVERSE_V2", "ADD_N", "GATHER_ND",
    "COS", "WHERE", "RANK", "ELU", "REVERSE_SEQUENCE", "MATRIX_DIAG", "QUANTIZE", "MATRIX_SET_DIAG", "ROUND",
    "HARD_SWISH", "IF", "WHILE",
};
// clang-format on

typedef struct reader {
    mask__flat flat;
    mask__graph *graph;
    const char *path;
    size_t budget; /* bytes of weights and names that may still be made: a small file must not ask for much memory */
    mask__flat_vector codes, buffers, tensors;
    uint8_t *types; /* of each tensor */
    bool short_of_memory;
} reader;

bool mask__tflite_here(const void *data, size_t size)
{
    return size > 8 && memcmp((const char *)data + 4, "TFL3", 4) == 0;
}

static mask_status damaged(const reader *r, mask_error *err)
{
    return mask__fail(
        err, MASK_EFORMAT, r->flat.bad_at,
        "%s: byte %zu: an offset or length of the TFLite file leads outside it: it is cut or damaged, copy it again",
        r->path, r->flat.bad_at);
}

static mask_status refuse_op(const reader *r, size_t op, const char *name, const char *what, mask_error *err)
{
    return mask__fail(err, MASK_EFORMAT, MASK_NO_OFFSET, "%s: operator %zu (%s): %s", r->path, op, name, what);
}

/* Memory of the graph within the budget; NULL when that or memory is used up. */
static void *take(reader *r, size_t count, size_t size)
{
    size_t bytes;
    if (!mask__multiply(count, size, &bytes) || bytes > r->budget) return NULL;
    r->budget -= bytes;
    void *memory = mask__arena_alloc(&r->graph->arena, count, size);
    if (!memory) r->short_of_memory = true;
    return memory;
}

static const char *text(reader *r, size_t table, unsigned field)
{
    mask__flat_vector string = mask__flat_items(&r->flat, table, field, 1);
    char *copy = take(r, string.count + 1, 1);
    if (!copy) return NULL;
    if (string.count) memcpy(copy, r->flat.data + string.at, string.count);
    return copy;
}

/* Why take() gave nothing. */
static mask_status too_much(const reader *r, mask_error *err)
{
    if (r->short_of_memory) return mask__no_memory(err, r->path);
    return mask__fail(err, MASK_EFORMAT, MASK_NO_OFFSET,
                      "%s: asks for more memory than its size explains: it is damaged, copy it again", r->path);
}

static mask_status read_tensor(reader *r, size_t index, mask_error *err)
{
    mask__graph_tensor *t = &r->graph->tensors[index];
    size_t table = mask__flat_item(&r->flat, r->tensors, index);
    mask__flat_vector shape = mask__flat_items(&r->flat, table, 0, 4);
    r->types[index] = mask__flat_byte(&r->flat, table, 1, FLOAT32);
    t->name = text(r, table, 3);
    if (!t->name) return too_much(r, err);
    if (shape.count > MASK__GRAPH_DIMS) return MASK_OK; /* refused by the operator that uses it, if any does */
    t->ndim = shape.count ? (unsigned)shape.count : 1;
    t->shape[0] = t->count = 1;
    for (unsigned d = 0; d < shape.count; d++) {
        int32_t length = (int32_t)mask__flat_u32(&r->flat, shape.at + 4 * d);
        t->shape[d] = length > 0 ? (size_t)length : 0;
        if (!mask__multiply(t->count, t->shape[d], &t->count)) t->count = t->ndim = 0;
        if (t->ndim == 0) break;
    }
    return MASK_OK;
}

/* The bytes of a constant tensor; empty for a computed one. */
static mask__flat_vector stored(reader *r, size_t tensor)
{
    size_t table = mask__flat_item(&r->flat, r->tensors, tensor);
    uint32_t buffer = (uint32_t)mask__flat_int(&r->flat, table, 2, 0);
    if (buffer >= r->buffers.count) return (mask__flat_vector){0};
    return mask__flat_items(&r->flat, mask__flat_item(&r->flat, r->buffers, buffer), 0, 1);
}

/* 8-bit weights to float: (q - zero point) x scale, one pair for all or one for each index of a dimension. */
static bool scale_bytes(reader *r, size_t tensor, const unsigned char *from, float *to)
{
    const mask__graph_tensor *t = &r->graph->tensors[tensor];
    size_t table = mask__flat_item(&r->flat, r->tensors, tensor), q = mask__flat_table(&r->flat, table, 4);
    mask__flat_vector scales = mask__flat_items(&r->flat, q, 2, 4), zeros = mask__flat_items(&r->flat, q, 3, 8);
    size_t dim = (size_t)mask__flat_int(&r->flat, q, 6, 0), inner = 1;
    if (scales.count == 0 || (zeros.count && zeros.count != scales.count)) return false;
    if (scales.count > 1 && (dim >= t->ndim || t->shape[dim] != scales.count)) return false;
    if (scales.count > 1)
        for (size_t d = dim + 1; d < t->ndim; d++) inner *= t->shape[d];
    for (size_t i = 0; i < t->count; i++) {
        size_t which = scales.count == 1 ? 0 : i / inner % scales.count;
        float zero = zeros.count ? (float)mask__flat_i64(&r->flat, zeros.at + 8 * which) : 0;
        float value = r->types[tensor] == INT8 ? (float)(int8_t)from[i] : (float)from[i];
        to[i] = (value - zero) * mask__flat_float(&r->flat, scales.at + 4 * which);
    }
    return true;
}

/* Gives a tensor its values when it is a constant of numbers that can be weights. False: its bytes do not fit. */
static bool load(reader *r, size_t tensor)
{
    mask__graph_tensor *t = &r->graph->tensors[tensor];
    mask__flat_vector bytes = stored(r, tensor);
    uint8_t type = r->types[tensor];
    if (t->values || bytes.count == 0) return true;
    size_t item = type == FLOAT32 ? 4 : type == FLOAT16 ? 2 : type == INT8 || type == UINT8 ? 1 : 0;
    if (item == 0 || t->count == 0 || bytes.count % item != 0 || bytes.count / item != t->count) return false;
    const unsigned char *from = r->flat.data + bytes.at;
    float *values = take(r, t->count, sizeof *values);
    if (!values) return false;
    if (type == FLOAT32) {
        memcpy(values, from, bytes.count);
    } else if (item == 1) {
        if (!scale_bytes(r, tensor, from, values)) return false;
    } else {
        uint16_t *halves = take(r, t->count, sizeof *halves); /* aligned, which the file's need not be */
        if (!halves) return false;
        memcpy(halves, from, bytes.count);
        mask__half_to_float(halves, values, t->count);
    }
    t->values = values;
    return true;
}

/* Constant int32 parameters (axes, paddings): how many, 0 when they are no constant. */
static size_t parameters(reader *r, uint32_t tensor, int32_t *out, size_t most)
{
    mask__flat_vector bytes = stored(r, tensor);
    if (r->types[tensor] != INT32 || bytes.count % 4 != 0 || bytes.count / 4 > most) return 0;
    for (size_t i = 0; i < bytes.count / 4; i++) out[i] = (int32_t)mask__flat_u32(&r->flat, bytes.at + 4 * i);
    return bytes.count / 4;
}

static bool set_activation(mask__graph_op *op, uint8_t code)
{
    op->activation = code == 1 ? MASK__RELU : code == 3 ? MASK__RELU6 : MASK__LINEAR;
    return code == 0 || code == 1 || code == 3;
}

/* Fields of convolutions and pools: padding, stride_w, stride_h first in all of them. */
static const char *read_window(reader *r, size_t options, mask__graph_op *op, unsigned activation, unsigned dilation)
{
    uint8_t padding = mask__flat_byte(&r->flat, options, 0, 0);
    op->same = padding == 0;
    op->stride[1] = (size_t)mask__flat_int(&r->flat, options, 1, 0);
    op->stride[0] = (size_t)mask__flat_int(&r->flat, options, 2, 0);
    op->dilation[1] = dilation ? (size_t)mask__flat_int(&r->flat, options, dilation, 1) : 1;
    op->dilation[0] = dilation ? (size_t)mask__flat_int(&r->flat, options, dilation + 1, 1) : 1;
    if (padding > 1) return "has an unknown padding";
    return set_activation(op, mask__flat_byte(&r->flat, options, activation, 0))
               ? NULL
               : "has an unsupported fused activation";
}

static const char *read_mean(reader *r, mask__graph_op *op)
{
    int32_t axes[2];
    if (op->input_count != 2 || parameters(r, op->inputs[1], axes, 2) != 2) return "is no mean over rows and columns";
    for (int i = 0; i < 2; i++)
        if (axes[i] < 0) axes[i] += 4;
    op->input_count = 1;
    bool rows_first = axes[0] == 1 && axes[1] == 2, columns_first = axes[0] == 2 && axes[1] == 1;
    return rows_first || columns_first ? NULL : "is no mean over rows and columns";
}

static const char *read_pad(reader *r, mask__graph_op *op)
{
    int32_t pads[8];
    if (op->input_count != 2 || parameters(r, op->inputs[1], pads, 8) != 8)
        return "has no constant padding of four dimensions";
    for (int i = 0; i < 8; i++)
        if (pads[i] < 0 || (pads[i] && (i < 2 || i > 5))) return "pads something else than rows and columns";
    for (int d = 0; d < 2; d++) {
        op->pad_before[d] = (size_t)pads[2 + 2 * d];
        op->pad_after[d] = (size_t)pads[3 + 2 * d];
    }
    op->input_count = 1;
    return NULL;
}

/* Kind and attributes of an operator; NULL, or what is wrong with it. */
static const char *read_attributes(reader *r, int32_t code, size_t options, mask__graph_op *op)
{
    mask__flat *f = &r->flat;
    switch (code) {
    case CODE_CONV:
        op->kind = MASK__OP_CONV;
        return read_window(r, options, op, 3, 4);
    case CODE_DEPTHWISE_CONV:
        op->kind = MASK__OP_DEPTHWISE;
        return read_window(r, options, op, 4, 5);
    case CODE_AVERAGE_POOL:
    case CODE_MAX_POOL:
        op->kind = code == CODE_MAX_POOL ? MASK__OP_MAX_POOL : MASK__OP_AVERAGE_POOL;
        op->kernel[1] = (size_t)mask__flat_int(f, options, 3, 0);
        op->kernel[0] = (size_t)mask__flat_int(f, options, 4, 0);
        return read_window(r, options, op, 5, 0);
    case CODE_ADD:
    case CODE_MUL:
        op->kind = code == CODE_ADD ? MASK__OP_ADD : MASK__OP_MUL;
        return set_activation(op, mask__flat_byte(f, options, 0, 0)) ? NULL : "has an unsupported fused activation";
    case CODE_FULLY_CONNECTED:
        op->kind = MASK__OP_FULLY;
        if (mask__flat_byte(f, options, 1, 0) != 0) return "has shuffled weights";
        return set_activation(op, mask__flat_byte(f, options, 0, 0)) ? NULL : "has an unsupported fused activation";
    case CODE_CONCATENATION: {
        int32_t axis = mask__flat_int(f, options, 0, 0);
        if (axis < 0) axis += (int32_t)r->graph->tensors[op->output].ndim;
        op->kind = MASK__OP_CONCAT;
        op->axis = axis < 0 ? 0 : (size_t)axis;
        return set_activation(op, mask__flat_byte(f, options, 1, 0)) ? NULL : "has an unsupported fused activation";
    }
    case CODE_MEAN:
        op->kind = MASK__OP_MEAN;
        return read_mean(r, op);
    case CODE_PAD:
        op->kind = MASK__OP_PAD;
        return read_pad(r, op);
    case CODE_SOFTMAX:
        op->kind = MASK__OP_SOFTMAX;
        op->beta = mask__flat_real(f, options, 0, 1);
        return NULL;
    case CODE_RESHAPE:
    case CODE_SQUEEZE:
        op->kind = MASK__OP_RESHAPE;
        op->input_count = 1; /* the new shape is the result's */
        return NULL;
    default:
        op->kind = MASK__OP_ACTIVATION;
        op->activation = code == CODE_RELU         ? MASK__RELU
                         : code == CODE_RELU6      ? MASK__RELU6
                         : code == CODE_HARD_SWISH ? MASK__HARD_SWISH
                                                   : MASK__LOGISTIC;
        return NULL;
    }
}

static bool supported(int32_t code)
{
    static const int32_t codes[] = {
        CODE_ADD,        CODE_AVERAGE_POOL,    CODE_CONCATENATION, CODE_CONV,     CODE_DEPTHWISE_CONV,
        CODE_DEQUANTIZE, CODE_FULLY_CONNECTED, CODE_LOGISTIC,      CODE_MAX_POOL, CODE_MUL,
        CODE_RELU,       CODE_RELU6,           CODE_RESHAPE,       CODE_SOFTMAX,  CODE_PAD,
        CODE_MEAN,       CODE_SQUEEZE,         CODE_HARD_SWISH,
    };
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
        if (codes[i] == code) return true;
    return false;
}

/* The operator's code and its name for messages, NULL when there is no room for it. */
static int32_t read_code(reader *r, size_t table, const char **name)
{
    static const char unknown[] = "of a newer TensorFlow";
    uint32_t index = (uint32_t)mask__flat_int(&r->flat, table, 0, 0);
    *name = unknown;
    if (index >= r->codes.count) return -1;
    size_t entry = mask__flat_item(&r->flat, r->codes, index);
    int32_t old = (int8_t)mask__flat_byte(&r->flat, entry, 0, 0), code = mask__flat_int(&r->flat, entry, 3, 0);
    if (old > code) code = old; /* codes over 127 do not fit the old field */
    if (code >= 0 && (size_t)code < sizeof code_names / sizeof *code_names) *name = code_names[code];
    if (code == CODE_CUSTOM) *name = text(r, entry, 1);
    return code;
}

/* Weights in float16 or 8 bits become float constants; there is nothing to run. */
static mask_status dequantise(reader *r, size_t index, const mask__graph_op *op, mask_error *err)
{
    const mask__graph_tensor *from = &r->graph->tensors[op->inputs[0]];
    mask__graph_tensor *to = &r->graph->tensors[op->output];
    if (!from->values)
        return refuse_op(r, index, op->name, "works on quantised activations: export the model with float activations",
                         err);
    if (from->count != to->count || to->values)
        return refuse_op(r, index, op->name, "its result has not its input's shape: the file is damaged", err);
    to->values = from->values;
    return MASK_OK;
}

static mask_status read_tensors_of(reader *r, size_t table, size_t index, mask__graph_op *op, mask_error *err)
{
    mask__graph *g = r->graph;
    mask__flat_vector in = mask__flat_items(&r->flat, table, 1, 4), out = mask__flat_items(&r->flat, table, 2, 4);
    size_t room = in.count < 3 ? 3 : in.count; /* a bias may be left out */
    op->inputs = take(r, room, sizeof *op->inputs);
    if (!op->inputs) return too_much(r, err);
    for (size_t i = 0; i < room; i++)
        op->inputs[i] = i < in.count ? mask__flat_u32(&r->flat, in.at + 4 * i) : MASK__NO_TENSOR;
    op->input_count = in.count;
    op->output = out.count == 1 ? mask__flat_u32(&r->flat, out.at) : MASK__NO_TENSOR;
    if (r->flat.bad) return damaged(r, err);
    bool fit = in.count > 0 && op->output < g->tensor_count;
    for (size_t i = 0; fit && i < in.count; i++)
        fit = op->inputs[i] < g->tensor_count || (op->inputs[i] == MASK__NO_TENSOR && i == 2);
    return fit ? MASK_OK
               : refuse_op(r, index, op->name, "its tensors do not exist: the file is damaged, copy it again", err);
}

static mask_status read_operator(reader *r, mask__flat_vector operators, size_t index, mask_error *err)
{
    mask__graph *g = r->graph;
    mask__graph_op *op = &g->ops[g->op_count];
    size_t table = mask__flat_item(&r->flat, operators, index);
    int32_t code = read_code(r, table, &op->name);
    if (r->flat.bad) return damaged(r, err);
    if (!op->name) return too_much(r, err);
    if (!supported(code))
        return refuse_op(r, index, op->name,
                         "is not supported: only plain convolutional networks are (docs/encoders.md)", err);
    MASK__TRY(read_tensors_of(r, table, index, op, err));
    for (size_t i = 0; i < op->input_count; i++) {
        if (op->inputs[i] == MASK__NO_TENSOR || r->types[op->inputs[i]] == INT32) continue;
        if (load(r, op->inputs[i])) continue;
        if (r->short_of_memory) return mask__no_memory(err, r->path);
        if (r->flat.bad) return damaged(r, err);
        return refuse_op(r, index, op->name, "its weights have another size or type than they say", err);
    }
    if (r->types[op->output] != FLOAT32)
        return refuse_op(r, index, op->name, "computes in integers: export the model with float activations", err);
    if (code == CODE_DEQUANTIZE) return dequantise(r, index, op, err);
    const char *wrong = read_attributes(r, code, mask__flat_table(&r->flat, table, 4), op);
    if (wrong) return refuse_op(r, index, op->name, wrong, err);
    if (op->kind == MASK__OP_CONV || op->kind == MASK__OP_DEPTHWISE || op->kind == MASK__OP_FULLY)
        if (op->input_count == 2) op->input_count = 3;
    g->op_count++;
    return r->flat.bad ? damaged(r, err) : MASK_OK;
}

static mask_status read_ends(reader *r, size_t subgraph, mask_error *err)
{
    mask__graph *g = r->graph;
    mask__flat_vector in = mask__flat_items(&r->flat, subgraph, 1, 4), out = mask__flat_items(&r->flat, subgraph, 2, 4);
    if (r->flat.bad) return damaged(r, err);
    if (in.count != 1 || out.count == 0)
        return mask__fail(err, MASK_EFORMAT, MASK_NO_OFFSET, "%s: has %zu inputs and %zu outputs: one image must go in",
                          r->path, in.count, out.count);
    g->input = mask__flat_u32(&r->flat, in.at);
    if (g->input < g->tensor_count && r->types[g->input] != FLOAT32)
        return mask__fail(
            err, MASK_EFORMAT, MASK_NO_OFFSET,
            "%s: its input is in integers, the model is quantised: export it with float input and activations",
            r->path);
    g->outputs = take(r, out.count, sizeof *g->outputs);
    if (!g->outputs) return too_much(r, err);
    for (size_t i = 0; i < out.count; i++) g->outputs[i] = mask__flat_u32(&r->flat, out.at + 4 * i);
    g->output_count = out.count;
    return MASK_OK;
}

static mask_status read_subgraph(reader *r, size_t subgraph, mask_error *err)
{
    mask__graph *g = r->graph;
    r->tensors = mask__flat_items(&r->flat, subgraph, 0, 4);
    mask__flat_vector operators = mask__flat_items(&r->flat, subgraph, 3, 4);
    if (r->flat.bad) return damaged(r, err);
    g->tensors = mask__arena_alloc(&g->arena, r->tensors.count + 1, sizeof *g->tensors);
    g->ops = mask__arena_alloc(&g->arena, operators.count + 1, sizeof *g->ops);
    r->types = mask__arena_alloc(&g->arena, r->tensors.count + 1, 1);
    if (!g->tensors || !g->ops || !r->types) return mask__no_memory(err, r->path);
    g->tensor_count = r->tensors.count;
    for (size_t i = 0; i < g->tensor_count; i++) MASK__TRY(read_tensor(r, i, err));
    MASK__TRY(read_ends(r, subgraph, err));
    for (size_t i = 0; i < operators.count; i++) MASK__TRY(read_operator(r, operators, i, err));
    return mask__graph_check(g, err);
}

static mask_status read_model(reader *r, mask_error *err)
{
    size_t model = mask__flat_root(&r->flat);
    uint32_t version = (uint32_t)mask__flat_int(&r->flat, model, 0, 0);
    r->codes = mask__flat_items(&r->flat, model, 1, 4);
    mask__flat_vector subgraphs = mask__flat_items(&r->flat, model, 2, 4);
    r->buffers = mask__flat_items(&r->flat, model, 4, 4);
    if (r->flat.bad) return damaged(r, err);
    if (version != 3 || subgraphs.count != 1)
        return mask__fail(err, MASK_EFORMAT, MASK_NO_OFFSET,
                          "%s: TFLite version %u with %zu subgraphs: version 3 with one subgraph is read, export it so",
                          r->path, version, subgraphs.count);
    return read_subgraph(r, mask__flat_item(&r->flat, subgraphs, 0), err);
}

mask_status mask__tflite_read(mask__graph *graph, const void *data, size_t size, const char *path, mask_error *err)
{
    *graph = (mask__graph){.path = path};
    if (!mask__tflite_here(data, size))
        return mask__fail(err, MASK_EFORMAT, 4, "%s: byte 4: is no TFLite file ('TFL3' stands there in one)", path);
    reader r = {.flat = {.data = data, .size = size}, .graph = graph, .path = path};
    r.budget = size > SIZE_MAX / 8 ? SIZE_MAX : 8 * size + 4096;
    mask_status status = read_model(&r, err);
    if (status != MASK_OK) mask__graph_free(graph);
    return status;
}
