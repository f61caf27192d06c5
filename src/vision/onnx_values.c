/* What every operator of ONNX is read with: attributes, constants, and the order of dimensions. */
#include "vision/onnx_reader.h"

#include <string.h>

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
