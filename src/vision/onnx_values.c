/* What every operator of ONNX is read with: values by name, constants, attributes, and the order of dimensions. */
#include "vision/onnx_reader.h"
#include "math/half.h"

#include <math.h>
#include <string.h>
#include <xxhash.h>

enum { FLOAT = 1, UINT8, INT8, UINT16, INT16, INT32, INT64, BOOL = 9, FLOAT16, DOUBLE, UINT32, UINT64, BFLOAT16 = 16 };

mask_status mask__onnx_refuse(onnx_reader *r, const char *what)
{
    if (r->status == MASK_OK)
        r->status = mask__fail(r->err, MASK_EFORMAT, "%s: operator %zu (%.64s): %s", r->path, r->at,
                               r->node->op_type ? r->node->op_type : "of no name", what);
    return r->status;
}

/* ---- Values by name ---------------------------------------------------------------------------------------------- */

static size_t slot_of(const onnx_reader *r, const char *name)
{
    size_t slot = (size_t)XXH3_64bits(name, strlen(name)) & (r->table_size - 1);
    while (r->table[slot] && strcmp(r->values[r->table[slot] - 1].name, name) != 0)
        slot = (slot + 1) & (r->table_size - 1);
    return slot;
}

onnx_value *mask__onnx_find(const onnx_reader *r, const char *name)
{
    size_t slot = slot_of(r, name);
    return r->table[slot] ? &r->values[r->table[slot] - 1] : NULL;
}

mask_status mask__onnx_set(onnx_reader *r, onnx_value value)
{
    size_t slot = slot_of(r, value.name);
    if (r->status != MASK_OK) return r->status;
    if (!r->table[slot]) {
        if (2 * (r->value_count + 1) > r->table_size || r->value_count == r->value_room)
            return r->status = mask__fail(r->err, MASK_EFORMAT, "%s: has too many values", r->path);
        r->table[slot] = ++r->value_count;
    }
    r->values[r->table[slot] - 1] = value;
    return MASK_OK;
}

onnx_value mask__onnx_input(onnx_reader *r, size_t i)
{
    if (i >= r->node->n_input || !*r->node->input[i]) return (onnx_value){.tensor = MASK__NO_TENSOR};
    onnx_value *v = mask__onnx_find(r, r->node->input[i]);
    if (v && v->tensor == MASK__NO_TENSOR && v->stored) v->tensor = mask__onnx_constant(r, v->stored);
    if (v && v->tensor != MASK__NO_TENSOR) return *v;
    mask__onnx_refuse(r, "reads a value that was not computed before it: the file is damaged");
    return (onnx_value){.tensor = r->graph->input};
}

onnx_value mask__onnx_needed(onnx_reader *r, size_t i)
{
    onnx_value v = mask__onnx_input(r, i);
    if (v.tensor != MASK__NO_TENSOR) return v;
    mask__onnx_refuse(r, "has a wrong number of inputs");
    return (onnx_value){.tensor = r->graph->input};
}

onnx_value mask__onnx_plain(onnx_reader *r, size_t i)
{
    return mask__onnx_canonical(r, mask__onnx_needed(r, i));
}

mask_status mask__onnx_output(onnx_reader *r, size_t i, onnx_value value)
{
    if (r->status != MASK_OK || i >= r->node->n_output || !*r->node->output[i]) return r->status;
    mask__graph_tensor *t = &r->graph->tensors[value.tensor];
    if (!*t->name) { /* the file's own lives shorter */
        char *copy;
        size_t bytes = strlen(r->node->output[i]) + 1;
        MASK__TRY(mask__graph_room(r->graph, bytes, 1, (void **)&copy, r->err));
        t->name = memcpy(copy, r->node->output[i], bytes);
    }
    value.name = r->node->output[i];
    value.stored = NULL;
    return mask__onnx_set(r, value);
}

const float *mask__onnx_values(const onnx_reader *r, onnx_value v)
{
    return v.tensor == MASK__NO_TENSOR ? NULL : r->graph->tensors[v.tensor].values;
}

const float *mask__onnx_single(const onnx_reader *r, onnx_value v)
{
    const float *values = mask__onnx_values(r, v);
    return values && r->graph->tensors[v.tensor].count == 1 ? values : NULL;
}

/* ---- Constants --------------------------------------------------------------------------------------------------- */

static size_t item_bytes(int32_t type)
{
    static const uint8_t bytes[] = {
        [FLOAT] = 4, [UINT8] = 1,   [INT8] = 1,   [UINT16] = 2, [INT16] = 2,  [INT32] = 4,   [INT64] = 8,
        [BOOL] = 1,  [FLOAT16] = 2, [DOUBLE] = 8, [UINT32] = 4, [UINT64] = 8, [BFLOAT16] = 2};
    return type > 0 && (size_t)type < sizeof bytes ? bytes[type] : 0;
}

/* One value of raw data, little-endian as this machine. */
static float raw_value(const unsigned char *from, int32_t type)
{
    union {
        uint64_t bits;
        uint32_t low;
        uint16_t half;
        int8_t i8;
        int16_t i16;
        int32_t i32;
        int64_t i64;
        float single;
        double wide;
    } v = {0};
    memcpy(&v, from, item_bytes(type));
    switch (type) {
    case BFLOAT16:
        v.low <<= 16;
        return v.single;
    case FLOAT:
        return v.single;
    case DOUBLE:
        return (float)v.wide;
    case FLOAT16:
        return mask__half(v.half);
    case INT8:
        return (float)v.i8;
    case INT16:
        return (float)v.i16;
    case INT32:
        return (float)v.i32;
    case INT64:
        return (float)v.i64;
    default:
        return (float)v.bits;
    }
}

/* How many values are stored, as raw data or in the field of their type. */
static size_t stored_count(const onnx_tensor *t)
{
    size_t item = item_bytes(t->data_type), bytes = t->raw_data.len;
    if (t->has_raw_data) return bytes % item ? SIZE_MAX : bytes / item;
    return t->data_type == FLOAT    ? t->n_float_data
           : t->data_type == INT64  ? t->n_int64_data
           : t->data_type == DOUBLE ? t->n_double_data
                                    : t->n_int32_data;
}

static float stored_value(const onnx_tensor *t, size_t i)
{
    if (t->has_raw_data) return raw_value(t->raw_data.data + i * item_bytes(t->data_type), t->data_type);
    return t->data_type == FLOAT     ? t->float_data[i]
           : t->data_type == INT64   ? (float)t->int64_data[i]
           : t->data_type == DOUBLE  ? (float)t->double_data[i]
           : t->data_type == FLOAT16 ? mask__half((uint16_t)t->int32_data[i])
                                     : (float)t->int32_data[i];
}

/* All values; those of weights many at a time. */
static void read_values(const onnx_tensor *t, size_t count, float *out)
{
    const void *raw = t->has_raw_data ? t->raw_data.data : NULL; /* protobuf-c's own memory, which is aligned */
    if (raw && t->data_type == FLOAT) memcpy(out, raw, count * sizeof *out);
    else if (raw && t->data_type == FLOAT16) mask__half_to_float(raw, out, count);
    else
        for (size_t i = 0; i < count; i++) out[i] = stored_value(t, i);
}

uint32_t mask__onnx_new(onnx_reader *r, unsigned ndim, const size_t *shape, float **values)
{
    uint32_t made = r->graph->input;
    *values = NULL;
    if (r->status == MASK_OK) r->status = mask__graph_constant(r->graph, ndim, shape, &made, values, r->err);
    return made;
}

uint32_t mask__onnx_constant(onnx_reader *r, const onnx_tensor *t)
{
    size_t shape[DIMS] = {0}, count;
    float *values;
    int32_t type = t->data_type;
    bool fits = item_bytes(type) && t->n_dims <= DIMS && t->data_location == 0;
    for (size_t d = 0; fits && d < t->n_dims; d++) {
        fits = t->dims[d] >= 0 && t->dims[d] <= UINT32_MAX;
        shape[d] = fits ? (size_t)t->dims[d] : 0;
    }
    if (!fits || !mask__graph_count((unsigned)t->n_dims, shape, &count) || stored_count(t) != count) {
        if (r->status == MASK_OK)
            r->status = mask__fail(r->err, MASK_EFORMAT,
                                   "%s: a constant has another size or type than it says, or lies in another file: "
                                   "export the network as one file",
                                   r->path);
        return r->graph->input;
    }
    uint32_t made = mask__onnx_new(r, (unsigned)t->n_dims, shape, &values);
    if (!values) return r->graph->input;
    read_values(t, count, values);
    r->graph->tensors[made].whole = type != FLOAT && type != FLOAT16 && type != DOUBLE && type != BFLOAT16;
    return made;
}

/* ---- Attributes -------------------------------------------------------------------------------------------------- */

const Mask__Onnx__Attribute *mask__onnx_attribute(const onnx_reader *r, const char *name)
{
    for (size_t i = 0; i < r->node->n_attribute; i++)
        if (r->node->attribute[i]->name && strcmp(r->node->attribute[i]->name, name) == 0) return r->node->attribute[i];
    return NULL;
}

long mask__onnx_int(const onnx_reader *r, const char *name, long otherwise)
{
    const Mask__Onnx__Attribute *a = mask__onnx_attribute(r, name);
    return a ? (long)a->i : otherwise;
}

float mask__onnx_float(const onnx_reader *r, const char *name, float otherwise)
{
    const Mask__Onnx__Attribute *a = mask__onnx_attribute(r, name);
    return a ? a->f : otherwise;
}

bool mask__onnx_text(const onnx_reader *r, const char *name, const char *otherwise, const char *wanted)
{
    const Mask__Onnx__Attribute *a = mask__onnx_attribute(r, name);
    size_t length = strlen(wanted);
    if (!a) return strcmp(otherwise, wanted) == 0;
    return a->s.len == length && memcmp(a->s.data, wanted, length) == 0;
}

onnx_numbers mask__onnx_numbers(onnx_reader *r, const char *name, size_t input)
{
    static const float most = 1e15f; /* "to the end" is written as a larger one */
    const Mask__Onnx__Attribute *a = mask__onnx_attribute(r, name);
    onnx_numbers out = {.count = ABSENT};
    onnx_value v = {.tensor = MASK__NO_TENSOR};
    if (!a && input != SIZE_MAX) v = mask__onnx_input(r, input);
    const float *values = mask__onnx_values(r, v);
    size_t count = a ? a->n_ints : values ? r->graph->tensors[v.tensor].count : 0;
    if (v.tensor != MASK__NO_TENSOR && !values) mask__onnx_refuse(r, "depends on what is in the photo");
    else if (count > MAX_INTS) mask__onnx_refuse(r, "has too many numbers");
    else if (a || values) out.count = (long)count;
    for (long i = 0; i < out.count; i++) out.at[i] = a ? (long)a->ints[i] : (long)fmaxf(-most, fminf(values[i], most));
    return out;
}

bool mask__onnx_settle(long *axis, unsigned ndim)
{
    if (*axis < 0) *axis += ndim;
    return *axis >= 0 && *axis < (long)ndim;
}

/* ---- Shapes and operators ---------------------------------------------------------------------------------------- */

mask__graph_tensor mask__onnx_shape(const onnx_reader *r, onnx_value value)
{
    const mask__graph_tensor *t = &r->graph->tensors[value.tensor];
    mask__graph_tensor shape = *t;
    for (unsigned d = 1; value.last && d < t->ndim; d++) shape.shape[d] = t->shape[d == 1 ? t->ndim - 1 : d - 1];
    return shape;
}

unsigned mask__onnx_ndim(const onnx_reader *r, onnx_value v)
{
    return r->graph->tensors[v.tensor].ndim;
}

size_t mask__onnx_place(const onnx_reader *r, onnx_value v, size_t d)
{
    return !v.last || d == 0 ? d : d == 1 ? mask__onnx_ndim(r, v) - 1 : d - 1;
}

mask__graph_op mask__onnx_operation(const onnx_reader *r, mask__op_kind kind, uint32_t *inputs, size_t count)
{
    return (mask__graph_op){.kind = kind,
                            .name = r->entry->name,
                            .inputs = inputs,
                            .input_count = count,
                            .output = MASK__NO_TENSOR,
                            .coefficient = kind == MASK__OP_SOFTMAX ? 1 : 0};
}

uint32_t mask__onnx_add(onnx_reader *r, const mask__graph_op *op)
{
    uint32_t made = r->graph->input;
    if (r->status == MASK_OK) r->status = mask__graph_add(r->graph, op, &made, r->err);
    return made;
}

mask_status mask__onnx_finish(onnx_reader *r, const mask__graph_op *op, bool last)
{
    return mask__onnx_output(r, 0, (onnx_value){.tensor = mask__onnx_add(r, op), .last = last});
}

onnx_value mask__onnx_reshape(onnx_reader *r, onnx_value v, unsigned ndim, const size_t *shape)
{
    mask__graph_op op = mask__onnx_operation(r, MASK__OP_RESHAPE, &v.tensor, 1);
    op.ndim = ndim;
    if (ndim <= DIMS && ndim) memcpy(op.sizes, shape, ndim * sizeof *shape);
    v.tensor = mask__onnx_add(r, &op);
    return v;
}

onnx_value mask__onnx_transpose(onnx_reader *r, onnx_value v, const size_t *order)
{
    const mask__graph_tensor *t = &r->graph->tensors[v.tensor];
    mask__graph_op op = mask__onnx_operation(r, MASK__OP_TRANSPOSE, &v.tensor, 1);
    size_t shape[DIMS], before = 0;
    if (r->status != MASK_OK) return v; /* whose dimensions may be others than those of order */
    bool moved = false;                 /* else only dimensions of 1 change places */
    for (unsigned d = 0; d < t->ndim; d++) {
        op.order[d] = order[d];
        shape[d] = t->shape[order[d]];
        if (shape[d] == 1) continue;
        moved = moved || order[d] < before;
        before = order[d];
    }
    if (!moved) return mask__onnx_reshape(r, v, t->ndim, shape);
    v.tensor = mask__onnx_add(r, &op);
    return v;
}

onnx_value mask__onnx_canonical(onnx_reader *r, onnx_value v)
{
    size_t order[DIMS];
    if (!v.last) return v;
    for (unsigned d = 0; d < mask__onnx_ndim(r, v); d++) order[d] = mask__onnx_place(r, v, d);
    v.last = false;
    return mask__onnx_transpose(r, v, order);
}

onnx_value mask__onnx_channels_last(onnx_reader *r, onnx_value v)
{
    size_t order[DIMS], ndim = mask__onnx_ndim(r, v);
    if (v.last || ndim < 3) return v;
    for (unsigned d = 0; d < ndim; d++) order[d] = d == 0 ? 0 : d + 1 == ndim ? 1 : d + 1;
    v.last = true;
    return mask__onnx_transpose(r, v, order);
}
