/* What every operator of ONNX is read with: values by name, constants, attributes, and the order of dimensions. */
#include "vision/onnx_reader.h"
#include "math/half.h"

#include <string.h>
#include <xxhash.h>

enum { FLOAT = 1, UINT8, INT8, UINT16, INT16, INT32, INT64, BOOL = 9, FLOAT16, DOUBLE, UINT32, UINT64, BFLOAT16 = 16 };

mask_status mask__onnx_refuse(const onnx_reader *r, const onnx_node *node, const char *what, mask_error *err)
{
    return mask__fail(err, MASK_EFORMAT, "%s: operator %zu (%.64s): %s", r->path, r->node,
                      node->op_type ? node->op_type : "of no name", what);
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

mask_status mask__onnx_set(onnx_reader *r, onnx_value value, mask_error *err)
{
    size_t slot = slot_of(r, value.name);
    if (!r->table[slot]) {
        if (2 * (r->value_count + 1) > r->table_size || r->value_count == r->value_room)
            return mask__fail(err, MASK_EFORMAT, "%s: has too many values", r->path);
        r->table[slot] = ++r->value_count;
    }
    r->values[r->table[slot] - 1] = value;
    return MASK_OK;
}

mask_status mask__onnx_input(onnx_reader *r, const onnx_node *node, size_t i, onnx_value *out, mask_error *err)
{
    *out = (onnx_value){.tensor = MASK__NO_TENSOR};
    if (i >= node->n_input || !*node->input[i]) return MASK_OK;
    onnx_value *v = mask__onnx_find(r, node->input[i]);
    if (v && v->tensor == MASK__NO_TENSOR && v->stored) MASK__TRY(mask__onnx_constant(r, v->stored, &v->tensor, err));
    if (!v || v->tensor == MASK__NO_TENSOR)
        return mask__onnx_refuse(r, node, "reads a value that was not computed before it: the file is damaged", err);
    *out = *v;
    return MASK_OK;
}

mask_status mask__onnx_output(onnx_reader *r, const onnx_node *node, size_t i, onnx_value value, mask_error *err)
{
    if (i >= node->n_output || !*node->output[i]) return MASK_OK;
    mask__graph_tensor *t = &r->graph->tensors[value.tensor];
    if (!*t->name) { /* the file's own lives shorter */
        char *copy;
        size_t bytes = strlen(node->output[i]) + 1;
        MASK__TRY(mask__graph_room(r->graph, bytes, 1, (void **)&copy, err));
        t->name = memcpy(copy, node->output[i], bytes);
    }
    value.name = node->output[i];
    value.stored = NULL;
    return mask__onnx_set(r, value, err);
}

mask__graph_tensor mask__onnx_shape(const onnx_reader *r, onnx_value value)
{
    const mask__graph_tensor *t = &r->graph->tensors[value.tensor];
    mask__graph_tensor shape = *t;
    for (unsigned d = 1; value.last && d < t->ndim; d++) shape.shape[d] = t->shape[d == 1 ? t->ndim - 1 : d - 1];
    return shape;
}

/* ---- Constants --------------------------------------------------------------------------------------------------- */

static size_t item_bytes(int32_t type)
{
    static const uint8_t bytes[] = {
        [FLOAT] = 4, [UINT8] = 1,   [INT8] = 1,   [UINT16] = 2, [INT16] = 2,  [INT32] = 4,   [INT64] = 8,
        [BOOL] = 1,  [FLOAT16] = 2, [DOUBLE] = 8, [UINT32] = 4, [UINT64] = 8, [BFLOAT16] = 2};
    return type > 0 && (size_t)type < sizeof bytes ? bytes[type] : 0;
}

/* One value of raw data, little-endian. */
static float raw_value(const unsigned char *from, int32_t type)
{
    uint64_t bits = 0;
    for (size_t i = item_bytes(type); i-- > 0;) bits = bits << 8 | from[i];
    uint32_t low = (uint32_t)bits;
    float value;
    double wide;
    switch (type) {
    case BFLOAT16:
        low <<= 16;
        /* fall through */
    case FLOAT:
        memcpy(&value, &low, sizeof value);
        return value;
    case DOUBLE:
        memcpy(&wide, &bits, sizeof wide);
        return (float)wide;
    case FLOAT16:
        mask__half_to_float(&(uint16_t){(uint16_t)bits}, &value, 1);
        return value;
    case INT8:
        return (float)(int8_t)bits;
    case INT16:
        return (float)(int16_t)bits;
    case INT32:
        return (float)(int32_t)low;
    case INT64:
        return (float)(int64_t)bits;
    default:
        return (float)bits;
    }
}

/* Values that are no raw data, in the field that their type has. */
static bool typed_values(const onnx_tensor *t, size_t count, float *out)
{
    bool floats = t->data_type == FLOAT, halves = t->data_type == FLOAT16;
    size_t there = floats                   ? t->n_float_data
                   : t->data_type == INT64  ? t->n_int64_data
                   : t->data_type == DOUBLE ? t->n_double_data
                                            : t->n_int32_data;
    if (there != count) return false;
    for (size_t i = 0; i < count; i++) {
        if (halves) mask__half_to_float(&(uint16_t){(uint16_t)t->int32_data[i]}, &out[i], 1);
        else
            out[i] = floats                   ? t->float_data[i]
                     : t->data_type == INT64  ? (float)t->int64_data[i]
                     : t->data_type == DOUBLE ? (float)t->double_data[i]
                                              : (float)t->int32_data[i];
    }
    return true;
}

mask_status mask__onnx_constant(onnx_reader *r, const onnx_tensor *t, uint32_t *out, mask_error *err)
{
    size_t shape[MASK__GRAPH_DIMS] = {0}, count, item = item_bytes(t->data_type);
    bool fits = item && t->n_dims <= MASK__GRAPH_DIMS && t->data_location == 0;
    for (size_t d = 0; fits && d < t->n_dims; d++) {
        fits = t->dims[d] >= 0 && t->dims[d] <= UINT32_MAX;
        shape[d] = fits ? (size_t)t->dims[d] : 0;
    }
    fits = fits && mask__graph_count((unsigned)t->n_dims, shape, &count) &&
           (!t->has_raw_data || t->raw_data.len / item == count) && (!t->has_raw_data || t->raw_data.len % item == 0);
    float *values = NULL;
    if (fits) MASK__TRY(mask__graph_constant(r->graph, (unsigned)t->n_dims, shape, out, &values, err));
    if (fits && t->has_raw_data)
        for (size_t i = 0; i < count; i++) values[i] = raw_value(t->raw_data.data + i * item, t->data_type);
    else fits = fits && typed_values(t, count, values);
    if (!fits)
        return mask__fail(err, MASK_EFORMAT,
                          "%s: a constant has another size or type than it says, or lies in another file: export the "
                          "network as one file",
                          r->path);
    r->graph->tensors[*out].whole =
        t->data_type != FLOAT && t->data_type != FLOAT16 && t->data_type != DOUBLE && t->data_type != BFLOAT16;
    return MASK_OK;
}

/* ---- Attributes and constants ------------------------------------------------------------------------------------ */

const Mask__Onnx__Attribute *mask__onnx_attribute(const onnx_node *n, const char *name)
{
    for (size_t i = 0; i < n->n_attribute; i++)
        if (n->attribute[i]->name && strcmp(n->attribute[i]->name, name) == 0) return n->attribute[i];
    return NULL;
}

long mask__onnx_int(const onnx_node *n, const char *name, long otherwise)
{
    const Mask__Onnx__Attribute *a = mask__onnx_attribute(n, name);
    return a ? (long)a->i : otherwise;
}

float mask__onnx_float(const onnx_node *n, const char *name, float otherwise)
{
    const Mask__Onnx__Attribute *a = mask__onnx_attribute(n, name);
    return a ? a->f : otherwise;
}

bool mask__onnx_text(const onnx_node *n, const char *name, const char *otherwise, const char *wanted)
{
    const Mask__Onnx__Attribute *a = mask__onnx_attribute(n, name);
    size_t length = strlen(wanted);
    if (!a) return strcmp(otherwise, wanted) == 0;
    return a->s.len == length && memcmp(a->s.data, wanted, length) == 0;
}

bool mask__onnx_is_constant(const onnx_reader *r, onnx_value v)
{
    return v.tensor != MASK__NO_TENSOR && r->graph->tensors[v.tensor].values;
}

/* Whole numbers that a node has as an attribute or, in newer files, as a constant input. *count = how many; ABSENT when
 * they are left out. */
mask_status mask__onnx_numbers(onnx_reader *r, const onnx_node *n, const char *name, size_t input, long out[MAX_INTS],
                               long *count, mask_error *err)
{
    const Mask__Onnx__Attribute *a = mask__onnx_attribute(n, name);
    onnx_value v = {.tensor = MASK__NO_TENSOR};
    *count = ABSENT;
    if (a && (a->n_ints > MAX_INTS)) REFUSE("has too many numbers");
    for (size_t i = 0; a && i < a->n_ints; i++) out[i] = (long)a->ints[i];
    if (a) *count = (long)a->n_ints;
    if (a || input == SIZE_MAX) return MASK_OK;
    MASK__TRY(mask__onnx_input(r, n, input, &v, err));
    if (v.tensor == MASK__NO_TENSOR) return MASK_OK;
    const mask__graph_tensor *t = &r->graph->tensors[v.tensor];
    if (!t->values || t->count > MAX_INTS) REFUSE("depends on what is in the photo");
    for (size_t i = 0; i < t->count; i++)
        out[i] = t->values[i] >= 1e15f    ? 1000000000000000
                 : t->values[i] <= -1e15f ? -1000000000000000
                                          : (long)t->values[i];
    *count = (long)t->count;
    return MASK_OK;
}

/* A dimension counted from either end. */
bool mask__onnx_settle(long *axis, unsigned ndim)
{
    if (*axis < 0) *axis += ndim;
    return *axis >= 0 && *axis < (long)ndim;
}

/* ---- Emitting ---------------------------------------------------------------------------------------------------- */

mask__graph_op mask__onnx_operation(mask__op_kind kind, const onnx_entry *e, uint32_t *inputs, size_t count)
{
    return (mask__graph_op){.kind = kind,
                            .name = e->name,
                            .inputs = inputs,
                            .input_count = count,
                            .output = MASK__NO_TENSOR,
                            .coefficient = kind == MASK__OP_SOFTMAX ? 1 : 0};
}

unsigned mask__onnx_ndim(const onnx_reader *r, onnx_value v)
{
    return r->graph->tensors[v.tensor].ndim;
}

/* Where dimension d of the file is stored. */
size_t mask__onnx_place(const onnx_reader *r, onnx_value v, size_t d)
{
    return !v.last || d == 0 ? d : d == 1 ? mask__onnx_ndim(r, v) - 1 : d - 1;
}

mask_status mask__onnx_reshape(onnx_reader *r, const onnx_entry *e, onnx_value *v, unsigned ndim, const size_t *shape,
                               mask_error *err)
{
    mask__graph_op op = mask__onnx_operation(MASK__OP_RESHAPE, e, &v->tensor, 1);
    op.ndim = ndim;
    if (ndim <= DIMS && ndim) memcpy(op.sizes, shape, ndim * sizeof *shape);
    return mask__graph_add(r->graph, &op, &v->tensor, err);
}

/* Dimension d of the result is order[d] of what is stored. */
mask_status mask__onnx_transpose(onnx_reader *r, const onnx_entry *e, onnx_value *v, const size_t *order,
                                 mask_error *err)
{
    const mask__graph_tensor *t = &r->graph->tensors[v->tensor];
    mask__graph_op op = mask__onnx_operation(MASK__OP_TRANSPOSE, e, &v->tensor, 1);
    size_t shape[DIMS], before = 0;
    bool moved = false; /* else only dimensions of 1 change places */
    for (unsigned d = 0; d < t->ndim; d++) {
        op.order[d] = order[d];
        shape[d] = t->shape[order[d]];
        if (shape[d] == 1) continue;
        moved = moved || order[d] < before;
        before = order[d];
    }
    return moved ? mask__graph_add(r->graph, &op, &v->tensor, err) : mask__onnx_reshape(r, e, v, t->ndim, shape, err);
}

/* Stored in the file's order. */
mask_status mask__onnx_canonical(onnx_reader *r, const onnx_entry *e, onnx_value *v, mask_error *err)
{
    size_t order[DIMS];
    if (!v->last) return MASK_OK;
    for (unsigned d = 0; d < mask__onnx_ndim(r, *v); d++) order[d] = mask__onnx_place(r, *v, d);
    v->last = false;
    return mask__onnx_transpose(r, e, v, order, err);
}

/* Stored with dimension 1 last. */
mask_status mask__onnx_channels_last(onnx_reader *r, const onnx_entry *e, onnx_value *v, mask_error *err)
{
    size_t order[DIMS], ndim = mask__onnx_ndim(r, *v);
    if (v->last || ndim < 3) return MASK_OK;
    for (unsigned d = 0; d < ndim; d++) order[d] = d == 0 ? 0 : d + 1 == ndim ? 1 : d + 1;
    v->last = true;
    return mask__onnx_transpose(r, e, v, order, err);
}

mask_status mask__onnx_needed(onnx_reader *r, const onnx_node *n, size_t i, onnx_value *v, mask_error *err)
{
    MASK__TRY(mask__onnx_input(r, n, i, v, err));
    if (v->tensor == MASK__NO_TENSOR) REFUSE("has a wrong number of inputs");
    return MASK_OK;
}

mask_status mask__onnx_plain(onnx_reader *r, const onnx_node *n, const onnx_entry *e, size_t i, onnx_value *v,
                             mask_error *err)
{
    MASK__TRY(mask__onnx_needed(r, n, i, v, err));
    return mask__onnx_canonical(r, e, v, err);
}

/* Adds an operator whose result is the node's. */
mask_status mask__onnx_finish(onnx_reader *r, const onnx_node *n, const mask__graph_op *op, bool last, mask_error *err)
{
    onnx_value out = {.last = last};
    MASK__TRY(mask__graph_add(r->graph, op, &out.tensor, err));
    return mask__onnx_output(r, n, 0, out, err);
}
