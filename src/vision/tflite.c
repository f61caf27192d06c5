/* TFLite to a graph. Field numbers and codes are those of TensorFlow's schema.fbs (version 3). */
#include "vision/tflite.h"
#include "vision/flatbuffer.h"
#include "math/half.h"

#include <float.h>
#include <string.h>

enum { FLOAT32 = 0, FLOAT16 = 1, INT32 = 2, UINT8 = 3, INT8 = 9 };
enum { CUSTOM = 32 }; /* operator */

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
    mask__flat_vector codes, buffers, tensors;
    uint8_t *types;               /* of each tensor */
    mask__graph_tensor *declared; /* shapes as the file has them; ndim over MASK__GRAPH_DIMS where it has too many */
    bool other_side;              /* than the file's own */
    bool finished;                /* by a detector's post-processing */
    const char *name;             /* of the operator that is read; its number is graph->at */
} reader;

bool mask__tflite_here(const void *data, size_t size)
{
    return size > 8 && memcmp((const char *)data + 4, "TFL3", 4) == 0;
}

static mask_status damaged(const reader *r, mask_error *err)
{
    return mask__fail_at(
        err, MASK_EFORMAT, r->flat.bad_at,
        "%s: byte %zu: an offset or length of the TFLite file leads outside it: it is cut or damaged, copy it again",
        r->path, r->flat.bad_at);
}

static mask_status refuse_op(const reader *r, const char *what, mask_error *err)
{
    return mask__fail(err, MASK_EFORMAT, "%s: operator %zu (%s): %s", r->path, r->graph->at, r->name, what);
}

static mask_status text(reader *r, size_t table, unsigned field, const char **out, mask_error *err)
{
    mask__flat_vector string = mask__flat_items(&r->flat, table, field, 1);
    char *copy;
    MASK__TRY(mask__graph_room(r->graph, string.count + 1, 1, (void **)&copy, err));
    if (string.count) memcpy(copy, r->flat.data + string.at, string.count);
    *out = copy;
    return MASK_OK;
}

static mask_status read_tensor(reader *r, size_t index, mask_error *err)
{
    mask__graph_tensor *t = &r->declared[index];
    size_t table = mask__flat_item(&r->flat, r->tensors, index);
    mask__flat_vector shape = mask__flat_items(&r->flat, table, 0, 4);
    r->types[index] = mask__flat_byte(&r->flat, table, 1, FLOAT32);
    MASK__TRY(text(r, table, 3, &t->name, err));
    t->ndim = shape.count > MASK__GRAPH_DIMS ? MASK__GRAPH_DIMS + 1 : (unsigned)shape.count;
    for (unsigned d = 0; d < shape.count && d < MASK__GRAPH_DIMS; d++) {
        int32_t length = (int32_t)mask__flat_u32(&r->flat, shape.at + 4 * d);
        t->shape[d] = length > 0 ? (size_t)length : 0;
    }
    if (!mask__graph_count(t->ndim, t->shape, &t->count)) t->count = 0;
    uint32_t same;
    mask__graph_tensor made = {.name = t->name};
    MASK__TRY(mask__graph_tensor_add(r->graph, t->name, 0, NULL, &same, err));
    r->graph->tensors[same] = made; /* without a value until an operator makes it */
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

/* Integers to float: (q - zero point) x scale, one pair for all or one for each index of a dimension. */
static bool scale_integers(reader *r, size_t tensor, const unsigned char *from, float *to)
{
    const mask__graph_tensor *t = &r->declared[tensor];
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
        uint8_t type = r->types[tensor];
        int32_t word = 0;
        if (type == INT32) memcpy(&word, from + 4 * i, 4);
        float value = type == INT32 ? (float)word : type == INT8 ? (float)(int8_t)from[i] : (float)from[i];
        to[i] = (value - zero) * mask__flat_float(&r->flat, scales.at + 4 * which);
    }
    return true;
}

/* Gives a tensor its values when it is a constant of numbers that can be weights. */
static mask_status load(reader *r, size_t tensor, mask_error *err)
{
    static const char misfit[] = "its weights have another size or type than they say";
    mask__graph_tensor *t = &r->graph->tensors[tensor];
    const mask__graph_tensor *declared = &r->declared[tensor];
    mask__flat_vector bytes = stored(r, tensor);
    uint8_t type = r->types[tensor];
    if (t->values || bytes.count == 0) return MASK_OK;
    size_t item = type == FLOAT32 || type == INT32 ? 4 : type == FLOAT16 ? 2 : type == INT8 || type == UINT8 ? 1 : 0;
    if (t->count || item == 0 || declared->count == 0 || bytes.count % item != 0 ||
        bytes.count / item != declared->count)
        return refuse_op(r, misfit, err);
    const unsigned char *from = r->flat.data + bytes.at;
    float *values;
    MASK__TRY(mask__graph_room(r->graph, declared->count, sizeof *values, (void **)&values, err));
    if (type == FLOAT32) {
        memcpy(values, from, bytes.count);
    } else if (type != FLOAT16) {
        if (!scale_integers(r, tensor, from, values)) return refuse_op(r, misfit, err);
    } else {
        uint16_t *halves; /* aligned, which the file's need not be */
        MASK__TRY(mask__graph_room(r->graph, declared->count, sizeof *halves, (void **)&halves, err));
        memcpy(halves, from, bytes.count);
        mask__half_to_float(halves, values, declared->count);
    }
    *t = *declared;
    t->values = values;
    return MASK_OK;
}

/* Constant int32 parameters (axes, paddings): how many, 0 when they are no constant. */
static size_t parameters(reader *r, uint32_t tensor, int32_t *out, size_t most)
{
    mask__flat_vector bytes = stored(r, tensor);
    if (r->types[tensor] != INT32 || bytes.count % 4 != 0 || bytes.count / 4 > most) return 0;
    for (size_t i = 0; i < bytes.count / 4; i++) out[i] = (int32_t)mask__flat_u32(&r->flat, bytes.at + 4 * i);
    return bytes.count / 4;
}

/* A fused activation, by the field that has its code. */
static const char *read_activation(reader *r, size_t options, unsigned field, mask__graph_op *op)
{
    uint8_t code = mask__flat_byte(&r->flat, options, field, 0);
    op->activation = code == 1 ? MASK__RELU : code == 3 ? MASK__CLIP : MASK__LINEAR;
    op->high = code == 3 ? 6 : 0;
    return code == 0 || code == 1 || code == 3 ? NULL : "has an unsupported fused activation";
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
    return read_activation(r, options, activation, op);
}

static const char *read_mean(reader *r, size_t options, mask__graph_op *op)
{
    int32_t axes[MASK__GRAPH_DIMS], ndim = (int32_t)r->graph->tensors[op->inputs[0]].ndim;
    size_t count = op->input_count == 2 ? parameters(r, op->inputs[1], axes, MASK__GRAPH_DIMS) : 0;
    for (size_t i = 0; i < count; i++) {
        if (axes[i] < 0) axes[i] += ndim;
        if (axes[i] < 0 || axes[i] >= ndim) return "its dimensions are not there";
        op->axes[axes[i]] = true;
    }
    op->keep = mask__flat_byte(&r->flat, options, 0, 0) != 0;
    op->input_count = 1;
    return count ? NULL : "has no constant dimensions";
}

static const char *read_pad(reader *r, mask__graph_op *op)
{
    int32_t pads[2 * MASK__GRAPH_DIMS];
    size_t ndim = r->graph->tensors[op->inputs[0]].ndim;
    if (op->input_count != 2 || parameters(r, op->inputs[1], pads, 2 * MASK__GRAPH_DIMS) != 2 * ndim)
        return "has no constant padding of all dimensions";
    for (size_t d = 0; d < ndim; d++) {
        if (pads[2 * d] < 0 || pads[2 * d + 1] < 0) return "takes values away";
        op->begin[d] = (size_t)pads[2 * d];
        op->step[d] = pads[2 * d + 1];
    }
    op->input_count = 1;
    return NULL;
}

/* TFLite's weights of a depthwise convolution, (1, kh, kw, out), as the graph's, (out, kh, kw, 1). */
static mask_status turn_depthwise(reader *r, mask__graph_op *op, mask_error *err)
{
    const mask__graph_tensor w = r->graph->tensors[op->inputs[1]];
    float *values;
    if (!w.values || w.ndim != 4 || w.shape[0] != 1) return MASK_OK; /* refused by the graph */
    size_t out = w.shape[3], points = w.shape[1] * w.shape[2];
    MASK__TRY(
        mask__graph_constant(r->graph, 4, (size_t[]){out, w.shape[1], w.shape[2], 1}, &op->inputs[1], &values, err));
    for (size_t p = 0; p < points; p++)
        for (size_t o = 0; o < out; o++) values[o * points + p] = w.values[p * out + o];
    op->groups = r->graph->tensors[op->inputs[0]].ndim == 4 ? r->graph->tensors[op->inputs[0]].shape[3] : 0;
    return MASK_OK;
}

/* A fully connected layer flattens its input first. */
static mask_status flatten(reader *r, mask__graph_op *op, mask_error *err)
{
    const mask__graph_tensor *w = &r->graph->tensors[op->inputs[1]];
    size_t count = r->graph->tensors[op->inputs[0]].count, length = w->ndim == 2 ? w->shape[1] : 0;
    mask__graph_op flat = {.kind = MASK__OP_RESHAPE,
                           .name = op->name,
                           .inputs = op->inputs,
                           .input_count = 1,
                           .output = MASK__NO_TENSOR,
                           .ndim = 2,
                           .sizes = {length ? count / length : 1, length}};
    return mask__graph_add(r->graph, &flat, &op->inputs[0], err);
}

/* The operators that are read: the kind of each, and which of that kind it is. */
static const struct entry {
    const char *name;
    mask__op_kind kind;
    int parameter;
} known[] = {
    {"ADD", MASK__OP_BINARY, MASK__ADD},
    {"AVERAGE_POOL_2D", MASK__OP_AVERAGE_POOL, 0},
    {"CONCATENATION", MASK__OP_CONCAT, 0},
    {"CONV_2D", MASK__OP_CONV, false},
    {"DEPTHWISE_CONV_2D", MASK__OP_CONV, true},
    {"DEQUANTIZE", MASK__OP_RESHAPE, 0},
    {"FULLY_CONNECTED", MASK__OP_MATMUL, 0},
    {"HARD_SWISH", MASK__OP_ACTIVATION, MASK__HARD_SWISH},
    {"LOGISTIC", MASK__OP_ACTIVATION, MASK__LOGISTIC},
    {"MAX_POOL_2D", MASK__OP_MAX_POOL, 0},
    {"MEAN", MASK__OP_REDUCE, 0},
    {"MUL", MASK__OP_BINARY, MASK__MULTIPLY},
    {"PAD", MASK__OP_PAD, 0},
    {"QUANTIZE", MASK__OP_ACTIVATION, MASK__LINEAR},
    {"RELU", MASK__OP_ACTIVATION, MASK__RELU},
    {"RELU6", MASK__OP_ACTIVATION, MASK__CLIP},
    {"RESHAPE", MASK__OP_RESHAPE, 0},
    {"SOFTMAX", MASK__OP_SOFTMAX, 0},
    {"SQUEEZE", MASK__OP_RESHAPE, 0},
};

/* Attributes of an operator; NULL, or what is wrong with it. */
static const char *read_attributes(reader *r, const struct entry *entry, size_t options, mask__graph_op *op)
{
    mask__flat *f = &r->flat;
    op->kind = entry->kind;
    switch (op->kind) {
    case MASK__OP_CONV:
        op->groups = entry->parameter ? 0 : 1; /* of a depthwise one by its weights */
        return entry->parameter ? read_window(r, options, op, 4, 5) : read_window(r, options, op, 3, 4);
    case MASK__OP_AVERAGE_POOL:
    case MASK__OP_MAX_POOL:
        op->kernel[1] = (size_t)mask__flat_int(f, options, 3, 0);
        op->kernel[0] = (size_t)mask__flat_int(f, options, 4, 0);
        return read_window(r, options, op, 5, 0);
    case MASK__OP_BINARY:
        op->arithmetic = (mask__arithmetic)entry->parameter;
        return read_activation(r, options, 0, op);
    case MASK__OP_MATMUL:
        op->transposed = true;
        return mask__flat_byte(f, options, 1, 0) ? "has shuffled weights" : read_activation(r, options, 0, op);
    case MASK__OP_CONCAT: {
        int32_t axis = mask__flat_int(f, options, 0, 0);
        if (axis < 0) axis += (int32_t)r->graph->tensors[op->inputs[0]].ndim;
        op->axis = axis < 0 ? MASK__GRAPH_DIMS : (size_t)axis;
        return read_activation(r, options, 1, op);
    }
    case MASK__OP_REDUCE:
        return read_mean(r, options, op);
    case MASK__OP_PAD:
        return read_pad(r, op);
    case MASK__OP_SOFTMAX:
        op->coefficient = mask__flat_real(f, options, 0, 1);
        return NULL;
    case MASK__OP_RESHAPE:
        op->input_count = 1; /* the new shape is the result's */
        op->ndim = r->declared[op->output].ndim;
        if (op->ndim <= MASK__GRAPH_DIMS) memcpy(op->sizes, r->declared[op->output].shape, sizeof op->sizes);
        return NULL;
    default: /* a function of one value */
        op->activation = (mask__activation)entry->parameter;
        op->high = 6;
        return NULL;
    }
}

/* The name of an operator into r->name; a custom one has its own. */
static mask_status read_name(reader *r, size_t table, bool *custom, mask_error *err)
{
    uint32_t index = (uint32_t)mask__flat_int(&r->flat, table, 0, 0);
    r->name = "of a newer TensorFlow";
    *custom = false;
    if (index >= r->codes.count) return MASK_OK;
    size_t entry = mask__flat_item(&r->flat, r->codes, index);
    uint8_t old = mask__flat_byte(&r->flat, entry, 0, 0);
    int32_t code = mask__flat_int(&r->flat, entry, 3, 0);
    if (old <= INT8_MAX && old > code) code = old; /* codes over 127 do not fit the old field */
    if (code >= 0 && (size_t)code < sizeof code_names / sizeof *code_names) r->name = code_names[code];
    *custom = code == CUSTOM;
    return *custom ? text(r, entry, 1, &r->name, err) : MASK_OK;
}

/* What an integer tensor can hold, in real numbers; false for others. */
static bool range_of(reader *r, size_t tensor, float *scale, float *zero, float *low, float *high)
{
    uint8_t type = r->types[tensor];
    size_t table = mask__flat_item(&r->flat, r->tensors, tensor), q = mask__flat_table(&r->flat, table, 4);
    mask__flat_vector scales = mask__flat_items(&r->flat, q, 2, 4), zeros = mask__flat_items(&r->flat, q, 3, 8);
    if ((type != INT8 && type != UINT8) || scales.count != 1 || zeros.count > 1) return false;
    *scale = mask__flat_float(&r->flat, scales.at);
    *zero = zeros.count ? (float)mask__flat_i64(&r->flat, zeros.at) : 0;
    *low = *scale * ((type == INT8 ? -128 : 0) - *zero);
    *high = *scale * ((type == INT8 ? 127 : 255) - *zero);
    return *scale > 0 && *scale <= FLT_MAX;
}

/* Adds an operator; a result in integers is kept within what they hold, by its own activation where that is possible.
 */
static mask_status add(reader *r, mask__graph_op *op, mask_error *err)
{
    float scale, zero, low, high;
    uint32_t result = op->output;
    bool integers = r->types[result] != FLOAT32;
    if (integers && !range_of(r, result, &scale, &zero, &low, &high))
        return refuse_op(r, "computes in integers without one scale", err);
    bool own = op->kind != MASK__OP_RESHAPE &&
               (op->activation == MASK__LINEAR || op->activation == MASK__RELU || op->activation == MASK__CLIP);
    if (integers && own) {
        if (op->activation != MASK__LINEAR && low < 0) low = 0;
        if (op->activation == MASK__CLIP && high > op->high) high = op->high;
        op->activation = MASK__CLIP;
        op->low = low;
        op->high = high;
    }
    if (integers && !own) op->output = MASK__NO_TENSOR;
    MASK__TRY(mask__graph_add(r->graph, op, &op->output, err));
    if (integers && !own) {
        mask__graph_op clip = {.kind = MASK__OP_ACTIVATION,
                               .name = op->name,
                               .inputs = &op->output,
                               .input_count = 1,
                               .output = result,
                               .activation = MASK__CLIP,
                               .low = low,
                               .high = high};
        MASK__TRY(mask__graph_add(r->graph, &clip, NULL, err));
    }
    if (r->other_side || mask__same_shape(&r->graph->tensors[result], &r->declared[result])) return MASK_OK;
    return refuse_op(r, "its result has another shape than it says: the file is damaged, copy it again", err);
}

/* A detector ends before its post-processing: boxes and scores go out, the latter before they are made probabilities.
 */
static mask_status cut_off(reader *r, const mask__graph_op *op, mask_error *err)
{
    mask__graph *g = r->graph;
    MASK__TRY(mask__graph_room(g, op->input_count, sizeof *g->outputs, (void **)&g->outputs, err));
    g->output_count = 0;
    for (size_t i = 0; i < op->input_count; i++) {
        uint32_t t = op->inputs[i];
        if (t == MASK__NO_TENSOR || g->tensors[t].values || g->tensors[t].count == 0) continue; /* anchors */
        for (size_t k = g->op_count; k-- > 0;)
            if (g->ops[k].output == t && g->ops[k].kind == MASK__OP_ACTIVATION) t = g->ops[k].inputs[0];
        g->outputs[g->output_count++] = t;
    }
    r->finished = true;
    return MASK_OK;
}

static mask_status read_tensors_of(reader *r, size_t table, mask__graph_op *op, mask_error *err)
{
    mask__graph *g = r->graph;
    mask__flat_vector in = mask__flat_items(&r->flat, table, 1, 4), out = mask__flat_items(&r->flat, table, 2, 4);
    size_t room = in.count < 3 ? 3 : in.count; /* a bias may be left out */
    MASK__TRY(mask__graph_room(g, room, sizeof *op->inputs, (void **)&op->inputs, err));
    for (size_t i = 0; i < room; i++)
        op->inputs[i] = i < in.count ? mask__flat_u32(&r->flat, in.at + 4 * i) : MASK__NO_TENSOR;
    op->input_count = in.count;
    op->output = out.count >= 1 ? mask__flat_u32(&r->flat, out.at) : MASK__NO_TENSOR;
    if (r->flat.bad) return damaged(r, err);
    bool fit = in.count > 0 && op->output < g->tensor_count;
    for (size_t i = 0; fit && i < in.count; i++)
        fit = op->inputs[i] < g->tensor_count || (op->inputs[i] == MASK__NO_TENSOR && i == 2);
    return fit ? MASK_OK : refuse_op(r, "its tensors do not exist: the file is damaged, copy it again", err);
}

static mask_status read_operator(reader *r, mask__flat_vector operators, size_t index, mask_error *err)
{
    size_t table = mask__flat_item(&r->flat, operators, index);
    const struct entry *entry = known, *end = known + sizeof known / sizeof *known;
    bool custom;
    MASK__TRY(read_name(r, table, &custom, err));
    if (r->flat.bad) return damaged(r, err);
    bool last = custom && strcmp(r->name, "TFLite_Detection_PostProcess") == 0;
    while (entry < end && strcmp(entry->name, r->name) != 0) entry++;
    if (!last && (custom || entry == end))
        return refuse_op(r, "is not supported: only plain convolutional networks are (docs/encoders.md)", err);
    mask__graph_op op = {.name = r->name};
    MASK__TRY(read_tensors_of(r, table, &op, err));
    if (last) return cut_off(r, &op, err);
    for (size_t i = 0; i < op.input_count; i++) {
        if (op.inputs[i] == MASK__NO_TENSOR) continue;
        if (r->types[op.inputs[i]] == INT32 && i != 2) continue; /* parameters; a bias is the third */
        MASK__TRY(load(r, op.inputs[i], err));
        if (r->flat.bad) return damaged(r, err);
    }
    const char *wrong = read_attributes(r, entry, mask__flat_table(&r->flat, table, 4), &op);
    if (wrong) return refuse_op(r, wrong, err);
    if (r->flat.bad) return damaged(r, err);
    if ((op.kind == MASK__OP_CONV || op.kind == MASK__OP_MATMUL) && op.input_count < 2)
        return refuse_op(r, "has a wrong number of inputs", err);
    if (op.kind == MASK__OP_CONV && entry->parameter) MASK__TRY(turn_depthwise(r, &op, err));
    if (op.kind != MASK__OP_MATMUL) return add(r, &op, err);
    MASK__TRY(flatten(r, &op, err));
    mask__graph_op sum = op;
    sum.kind = MASK__OP_BINARY;
    sum.arithmetic = MASK__ADD;
    op.activation = MASK__LINEAR;
    op.input_count = 2;
    if (sum.inputs[2] == MASK__NO_TENSOR) {
        op.activation = sum.activation;
        return add(r, &op, err);
    }
    op.output = MASK__NO_TENSOR;
    MASK__TRY(mask__graph_add(r->graph, &op, &op.output, err));
    sum.inputs = (uint32_t[]){op.output, op.inputs[2]};
    sum.input_count = 2;
    return add(r, &sum, err);
}

static mask_status read_ends(reader *r, size_t subgraph, size_t side, float *scale, float *zero, mask_error *err)
{
    mask__graph *g = r->graph;
    mask__flat_vector in = mask__flat_items(&r->flat, subgraph, 1, 4), out = mask__flat_items(&r->flat, subgraph, 2, 4);
    if (r->flat.bad) return damaged(r, err);
    if (in.count != 1 || out.count == 0)
        return mask__fail(err, MASK_EFORMAT, "%s: has %zu inputs and %zu outputs: one image must go in", r->path,
                          in.count, out.count);
    g->input = mask__flat_u32(&r->flat, in.at);
    const mask__graph_tensor *declared = g->input < g->tensor_count ? &r->declared[g->input] : NULL;
    float low, high;
    *scale = *zero = 0;
    bool integers = declared && range_of(r, g->input, scale, zero, &low, &high) && r->types[g->input] == UINT8;
    if (!declared || stored(r, g->input).count || declared->ndim != 4 || declared->shape[0] != 1 ||
        declared->count == 0 || (!integers && r->types[g->input] != FLOAT32))
        return mask__fail(err, MASK_EFORMAT,
                          "%s: the input is not one image of float values or bytes, (1, height, width, channels): "
                          "export the network so",
                          r->path);
    mask__graph_tensor *input = &g->tensors[g->input];
    *input = *declared;
    r->other_side = side && side != input->shape[1];
    if (side) input->shape[1] = input->shape[2] = side;
    if (!mask__graph_count(4, input->shape, &input->count)) input->count = 0; /* refused by what reads it */
    MASK__TRY(mask__graph_room(g, out.count, sizeof *g->outputs, (void **)&g->outputs, err));
    for (size_t i = 0; i < out.count; i++) g->outputs[i] = mask__flat_u32(&r->flat, out.at + 4 * i);
    g->output_count = out.count;
    return MASK_OK;
}

static mask_status read_operators(reader *r, mask__flat_vector operators, mask_error *err)
{
    mask__graph *g = r->graph;
    for (size_t i = 0; i < operators.count && !r->finished; i++) {
        g->at = i;
        mask_status status = read_operator(r, operators, i, err);
        if (status != MASK_EFORMAT || !r->other_side) MASK__TRY(status);
        if (status == MASK_OK) continue;
        g->output_count = 0;
        return MASK_OK;
    }
    for (size_t i = 0; i < g->output_count; i++)
        if (g->outputs[i] >= g->tensor_count || g->tensors[g->outputs[i]].count == 0 ||
            g->tensors[g->outputs[i]].values || g->outputs[i] == g->input)
            return mask__fail(err, MASK_EFORMAT,
                              "%s: output %zu is computed by no operator: the file is damaged, export it again",
                              g->path, i);
    return MASK_OK;
}

static mask_status read_model(reader *r, size_t side, float *scale, float *zero, mask_error *err)
{
    mask__graph *g = r->graph;
    size_t model = mask__flat_root(&r->flat);
    uint32_t version = (uint32_t)mask__flat_int(&r->flat, model, 0, 0);
    r->codes = mask__flat_items(&r->flat, model, 1, 4);
    mask__flat_vector subgraphs = mask__flat_items(&r->flat, model, 2, 4);
    r->buffers = mask__flat_items(&r->flat, model, 4, 4);
    if (r->flat.bad) return damaged(r, err);
    if (version != 3 || subgraphs.count != 1)
        return mask__fail(err, MASK_EFORMAT,
                          "%s: TFLite version %u with %zu subgraphs: version 3 with one subgraph is read, export it so",
                          r->path, version, subgraphs.count);
    size_t subgraph = mask__flat_item(&r->flat, subgraphs, 0);
    r->tensors = mask__flat_items(&r->flat, subgraph, 0, 4);
    mask__flat_vector operators = mask__flat_items(&r->flat, subgraph, 3, 4);
    if (r->flat.bad) return damaged(r, err);
    r->declared = mask__arena_alloc(&g->arena, r->tensors.count + 1, sizeof *r->declared);
    r->types = mask__arena_alloc(&g->arena, r->tensors.count + 1, 1);
    if (!r->declared || !r->types) return mask__no_memory(err, r->path);
    for (size_t i = 0; i < r->tensors.count; i++) MASK__TRY(read_tensor(r, i, err));
    MASK__TRY(read_ends(r, subgraph, side, scale, zero, err));
    return read_operators(r, operators, err);
}

mask_status mask__tflite_read(mask__graph *graph, const void *data, size_t size, size_t side, const char *path,
                              float *scale, float *zero, mask_error *err)
{
    mask__graph_begin(graph, path, size, 4096);
    if (!mask__tflite_here(data, size))
        return mask__fail_at(err, MASK_EFORMAT, 4, "%s: byte 4: is no TFLite file ('TFL3' stands there in one)", path);
    reader r = {.flat = {.data = data, .size = size}, .graph = graph, .path = path};
    mask_status status = read_model(&r, side, scale, zero, err);
    if (status != MASK_OK) mask__graph_free(graph);
    return status;
}
