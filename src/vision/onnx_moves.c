/* ONNX's operators that move values, and those that make constants and shapes. */
#include "vision/onnx_reader.h"

#include <math.h>
#include <string.h>

/* ---- Moving values ----------------------------------------------------------------------------------------------- */

mask_status mask__read_transpose(onnx_reader *r, const onnx_node *n, const onnx_entry *e, mask_error *err)
{
    onnx_value x;
    long given[MAX_INTS], count;
    size_t order[DIMS], places[2][DIMS];
    MASK__TRY(mask__onnx_needed(r, n, 0, &x, err));
    unsigned ndim = mask__onnx_ndim(r, x), seen = 0;
    MASK__TRY(mask__onnx_numbers(r, n, "perm", SIZE_MAX, given, &count, err));
    if (count != ABSENT && count != (long)ndim) REFUSE("its order is no permutation");
    for (unsigned d = 0; d < ndim; d++) {
        long from = count == ABSENT ? (long)(ndim - 1 - d) : given[d];
        if (from < 0 || from >= (long)ndim || (seen & 1u << from)) REFUSE("its order is no permutation");
        seen |= 1u << from;
        order[d] = mask__onnx_place(r, x, (size_t)from);
    }
    for (int last = 0; last < 2; last++) { /* nothing moves where the result can be stored as x is, either way */
        bool same = !mask__onnx_is_constant(r, x) && (!last || ndim >= 3);
        for (unsigned d = 0; d < ndim; d++) {
            places[last][d] = order[!last || d == 0 ? d : d + 1 == ndim ? 1 : d + 1];
            same = same && places[last][d] == d;
        }
        if (!same) continue;
        x.last = last;
        return mask__onnx_output(r, n, 0, x, err);
    }
    x.last = false;
    MASK__TRY(mask__onnx_transpose(r, e, &x, order, err));
    return mask__onnx_output(r, n, 0, x, err);
}

/* At another side than the file's own a constant shape has the wrong numbers: that of a dimension that has changed, or
 * of all that have together, is put right. */
static void fit_shape(const onnx_reader *r, const mask__graph_tensor *now, size_t *shape, unsigned ndim)
{
    const mask__graph_tensor *before = &r->seen[2 * r->node], *result = &r->seen[2 * r->node + 1];
    size_t old_product = 1, new_product = 1;
    if (before->ndim != now->ndim || result->ndim != ndim || memcmp(result->shape, shape, ndim * sizeof *shape) != 0)
        return;
    for (unsigned d = 0; d < now->ndim; d++) {
        if (before->shape[d] == now->shape[d]) continue;
        old_product *= before->shape[d];
        new_product *= now->shape[d];
        for (unsigned k = 0; k < ndim; k++)
            if (result->shape[k] == before->shape[d] && shape[k] == before->shape[d]) {
                shape[k] = now->shape[d];
                old_product /= before->shape[d];
                new_product /= now->shape[d];
                break;
            }
    }
    for (unsigned k = 0; k < ndim && old_product != new_product; k++)
        if (shape[k] == old_product && old_product > 1) {
            shape[k] = new_product;
            return;
        }
}

/* The value under another shape; where its first two dimensions stay, it also stays as it is stored. */
static mask_status reshape_to(onnx_reader *r, const onnx_node *n, const onnx_entry *e, onnx_value x, size_t *shape,
                              unsigned ndim, mask_error *err)
{
    mask__graph_tensor now = mask__onnx_shape(r, x), made;
    size_t count;
    if (r->side != r->native && (!mask__graph_count(ndim, shape, &count) || count != now.count))
        fit_shape(r, &now, shape, ndim);
    if (r->side == r->native && ndim <= DIMS) {
        r->seen[2 * r->node] = now;
        made = (mask__graph_tensor){.ndim = ndim};
        memcpy(made.shape, shape, ndim * sizeof *shape);
        r->seen[2 * r->node + 1] = made;
    }
    if (x.last && ndim >= 3 && ndim <= DIMS && shape[0] == now.shape[0] && shape[1] == now.shape[1]) {
        size_t stored[DIMS];
        for (unsigned d = 0; d < ndim; d++) stored[d] = shape[d == 0 ? 0 : d + 1 == ndim ? 1 : d + 1];
        MASK__TRY(mask__onnx_reshape(r, e, &x, ndim, stored, err));
        return mask__onnx_output(r, n, 0, x, err);
    }
    MASK__TRY(mask__onnx_canonical(r, e, &x, err));
    MASK__TRY(mask__onnx_reshape(r, e, &x, ndim, shape, err));
    return mask__onnx_output(r, n, 0, x, err);
}

mask_status mask__read_reshape(onnx_reader *r, const onnx_node *n, const onnx_entry *e, mask_error *err)
{
    onnx_value x;
    long wanted[MAX_INTS], count;
    size_t shape[DIMS], known = 1, open = SIZE_MAX;
    MASK__TRY(mask__onnx_needed(r, n, 0, &x, err));
    MASK__TRY(mask__onnx_numbers(r, n, "shape", 1, wanted, &count, err));
    if (count < 0 || count > DIMS) REFUSE("has no shape, or one of too many dimensions");
    mask__graph_tensor t = mask__onnx_shape(r, x);
    for (long d = 0; d < count; d++) {
        bool keep = wanted[d] == 0 && !mask__onnx_int(n, "allowzero", 0);
        if (wanted[d] < -1 || (keep && d >= (long)t.ndim) || (wanted[d] == -1 && open != SIZE_MAX))
            REFUSE("has no shape that could be");
        shape[d] = keep ? t.shape[d] : (size_t)wanted[d];
        if (wanted[d] == -1) open = (size_t)d;
        else if (!mask__multiply(known, shape[d], &known)) REFUSE("has no shape that could be");
    }
    if (open != SIZE_MAX) shape[open] = known ? t.count / known : 0;
    return reshape_to(r, n, e, x, shape, (unsigned)count, err);
}

mask_status mask__read_flatten(onnx_reader *r, const onnx_node *n, const onnx_entry *e, mask_error *err)
{
    onnx_value x;
    MASK__TRY(mask__onnx_needed(r, n, 0, &x, err));
    mask__graph_tensor t = mask__onnx_shape(r, x);
    long axis = mask__onnx_int(n, "axis", 1);
    if (axis < 0) axis += t.ndim;
    size_t shape[2] = {1, 1};
    for (unsigned d = 0; d < t.ndim; d++) shape[(long)d >= axis] *= t.shape[d];
    return reshape_to(r, n, e, x, shape, 2, err);
}

/* Squeeze takes dimensions of 1 away, Unsqueeze (parameter 1) adds them. */
mask_status mask__read_squeeze(onnx_reader *r, const onnx_node *n, const onnx_entry *e, mask_error *err)
{
    onnx_value x;
    long axes[MAX_INTS], count;
    size_t shape[DIMS], made = 0, from = 0;
    bool marked[2 * DIMS] = {false};
    MASK__TRY(mask__onnx_needed(r, n, 0, &x, err));
    MASK__TRY(mask__onnx_numbers(r, n, "axes", 1, axes, &count, err));
    mask__graph_tensor t = mask__onnx_shape(r, x);
    unsigned ndim = t.ndim + (e->parameter && count > 0 ? (unsigned)count : 0);
    if (ndim > DIMS) REFUSE("makes too many dimensions");
    for (long i = 0; i < count; i++) {
        if (!mask__onnx_settle(&axes[i], ndim)) REFUSE("has a dimension that is not there");
        marked[axes[i]] = true;
    }
    for (unsigned d = 0; d < ndim; d++) {
        if (e->parameter) shape[made++] = marked[d] || from >= t.ndim ? 1 : t.shape[from++];
        else if (count == ABSENT ? t.shape[d] != 1 : !marked[d]) shape[made++] = t.shape[d];
    }
    return reshape_to(r, n, e, x, shape, (unsigned)made, err);
}

static mask__graph_op whole_slice(const onnx_reader *r, const onnx_entry *e, onnx_value *x)
{
    mask__graph_op op = mask__onnx_operation(MASK__OP_SLICE, e, &x->tensor, 1);
    const mask__graph_tensor *t = &r->graph->tensors[x->tensor];
    memcpy(op.sizes, t->shape, sizeof op.sizes);
    for (int d = 0; d < DIMS; d++) op.step[d] = 1;
    return op;
}

mask_status mask__read_slice(onnx_reader *r, const onnx_node *n, const onnx_entry *e, mask_error *err)
{
    onnx_value x;
    long starts[MAX_INTS], ends[MAX_INTS], axes[MAX_INTS], steps[MAX_INTS], count, end_count, axis_count, step_count;
    MASK__TRY(mask__onnx_needed(r, n, 0, &x, err));
    MASK__TRY(mask__onnx_numbers(r, n, "starts", 1, starts, &count, err));
    MASK__TRY(mask__onnx_numbers(r, n, "ends", 2, ends, &end_count, err));
    MASK__TRY(mask__onnx_numbers(r, n, "axes", 3, axes, &axis_count, err));
    MASK__TRY(mask__onnx_numbers(r, n, "steps", 4, steps, &step_count, err));
    if (count < 0 || end_count != count || (axis_count != ABSENT && axis_count != count) ||
        (step_count != ABSENT && step_count != count))
        REFUSE("has not as many ends as beginnings");
    mask__graph_op op = whole_slice(r, e, &x);
    for (long i = 0; i < count; i++) {
        long axis = axis_count == ABSENT ? i : axes[i], step = step_count == ABSENT ? 1 : steps[i];
        if (!mask__onnx_settle(&axis, mask__onnx_ndim(r, x)) || step == 0) REFUSE("has a dimension that is not there");
        size_t d = mask__onnx_place(r, x, (size_t)axis);
        long length = (long)r->graph->tensors[x.tensor].shape[d], first = starts[i], end = ends[i];
        long lowest = step > 0 ? 0 : -1, highest = step > 0 ? length : length - 1;
        if (first < 0) first += length;
        if (end < 0) end += length;
        first = first < lowest ? lowest : first > highest ? highest : first;
        end = end < lowest ? lowest : end > highest ? highest : end;
        long size = step > 0 ? (end - first + step - 1) / step : (first - end - step - 1) / -step;
        op.sizes[d] = size > 0 ? (size_t)size : 0;
        op.begin[d] = size > 0 ? (size_t)first : 0;
        op.step[d] = step;
    }
    return mask__onnx_finish(r, n, &op, x.last, err);
}

mask_status mask__read_split(onnx_reader *r, const onnx_node *n, const onnx_entry *e, mask_error *err)
{
    onnx_value x, out;
    long sizes[MAX_INTS], count, axis = mask__onnx_int(n, "axis", 0);
    MASK__TRY(mask__onnx_needed(r, n, 0, &x, err));
    MASK__TRY(mask__onnx_numbers(r, n, "split", 1, sizes, &count, err));
    if (!mask__onnx_settle(&axis, mask__onnx_ndim(r, x)) || n->n_output == 0 ||
        (count != ABSENT && count != (long)n->n_output))
        REFUSE("has a dimension or parts that are not there");
    size_t d = mask__onnx_place(r, x, (size_t)axis), length = r->graph->tensors[x.tensor].shape[d], begin = 0;
    size_t each = (length + n->n_output - 1) / n->n_output;
    for (size_t i = 0; i < n->n_output; i++) {
        mask__graph_op op = whole_slice(r, e, &x);
        op.begin[d] = begin;
        op.sizes[d] = count == ABSENT ? (length - begin < each ? length - begin : each) : (size_t)sizes[i];
        out = (onnx_value){.last = x.last};
        MASK__TRY(mask__graph_add(r->graph, &op, &out.tensor, err));
        MASK__TRY(mask__onnx_output(r, n, i, out, err));
        begin += op.sizes[d];
    }
    return MASK_OK;
}

mask_status mask__read_concat(onnx_reader *r, const onnx_node *n, const onnx_entry *e, mask_error *err)
{
    onnx_value first, v;
    long axis = mask__onnx_int(n, "axis", 0);
    MASK__TRY(mask__onnx_needed(r, n, 0, &first, err));
    if (!mask__onnx_settle(&axis, mask__onnx_ndim(r, first))) REFUSE("joins along a dimension that is not there");
    uint32_t *inputs;
    MASK__TRY(mask__graph_room(r->graph, n->n_input, sizeof *inputs, (void **)&inputs, err));
    for (size_t i = 0; i < n->n_input; i++) {
        MASK__TRY(mask__onnx_needed(r, n, i, &v, err));
        MASK__TRY(first.last ? mask__onnx_channels_last(r, e, &v, err) : mask__onnx_canonical(r, e, &v, err));
        inputs[i] = v.tensor;
    }
    mask__graph_op op = mask__onnx_operation(MASK__OP_CONCAT, e, inputs, n->n_input);
    op.axis = mask__onnx_place(r, first, (size_t)axis);
    return mask__onnx_finish(r, n, &op, first.last, err);
}

mask_status mask__read_gather(onnx_reader *r, const onnx_node *n, const onnx_entry *e, mask_error *err)
{
    onnx_value x, indices;
    long axis = mask__onnx_int(n, "axis", 0);
    MASK__TRY(mask__onnx_plain(r, n, e, 0, &x, err));
    MASK__TRY(mask__onnx_plain(r, n, e, 1, &indices, err));
    if (!mask__onnx_settle(&axis, mask__onnx_ndim(r, x))) REFUSE("has a dimension that is not there");
    mask__graph_op op = mask__onnx_operation(MASK__OP_GATHER, e, (uint32_t[]){x.tensor, indices.tensor}, 2);
    op.axis = (size_t)axis;
    return mask__onnx_finish(r, n, &op, false, err);
}

mask_status mask__read_expand(onnx_reader *r, const onnx_node *n, const onnx_entry *e, mask_error *err)
{
    onnx_value x;
    long shape[MAX_INTS], count;
    MASK__TRY(mask__onnx_plain(r, n, e, 0, &x, err));
    MASK__TRY(mask__onnx_numbers(r, n, "shape", 1, shape, &count, err));
    mask__graph_op op = mask__onnx_operation(MASK__OP_EXPAND, e, &x.tensor, 1);
    if (count < 0 || count > DIMS) REFUSE("has no shape, or one of too many dimensions");
    op.ndim = (unsigned)count;
    for (long d = 0; d < count; d++) op.sizes[d] = shape[d] < 0 ? SIZE_MAX : (size_t)shape[d];
    return mask__onnx_finish(r, n, &op, false, err);
}

/* Copies along each dimension. */
mask_status mask__read_tile(onnx_reader *r, const onnx_node *n, const onnx_entry *e, mask_error *err)
{
    onnx_value x;
    long repeats[MAX_INTS], count;
    uint32_t inputs[MAX_INTS];
    MASK__TRY(mask__onnx_plain(r, n, e, 0, &x, err));
    MASK__TRY(mask__onnx_numbers(r, n, "repeats", 1, repeats, &count, err));
    if (count != (long)mask__onnx_ndim(r, x)) REFUSE("has not a number for each dimension");
    for (long d = 0; d < count; d++) {
        if (repeats[d] < 1 || repeats[d] > MAX_INTS) REFUSE("has too many copies");
        for (long i = 0; i < repeats[d]; i++) inputs[i] = x.tensor;
        mask__graph_op op = mask__onnx_operation(MASK__OP_CONCAT, e, inputs, (size_t)repeats[d]);
        op.axis = (size_t)d;
        if (repeats[d] > 1) MASK__TRY(mask__graph_add(r->graph, &op, &x.tensor, err));
    }
    return mask__onnx_output(r, n, 0, x, err);
}

mask_status mask__read_pad(onnx_reader *r, const onnx_node *n, const onnx_entry *e, mask_error *err)
{
    onnx_value x, value;
    long pads[MAX_INTS], axes[MAX_INTS], count, axis_count;
    MASK__TRY(mask__onnx_needed(r, n, 0, &x, err));
    MASK__TRY(mask__onnx_numbers(r, n, "pads", 1, pads, &count, err));
    MASK__TRY(mask__onnx_numbers(r, n, "axes", 3, axes, &axis_count, err));
    MASK__TRY(mask__onnx_input(r, n, 2, &value, err));
    if (!mask__onnx_text(n, "mode", "constant", "constant")) REFUSE("pads by other than a constant");
    if (axis_count == ABSENT) axis_count = mask__onnx_ndim(r, x);
    else if (axis_count > DIMS) REFUSE("has too many dimensions");
    if (count != 2 * axis_count) REFUSE("has no constant padding of all dimensions");
    mask__graph_op op = mask__onnx_operation(MASK__OP_PAD, e, &x.tensor, 1);
    op.low = mask__onnx_float(n, "value", 0);
    if (mask__onnx_is_constant(r, value) && r->graph->tensors[value.tensor].count == 1)
        op.low = r->graph->tensors[value.tensor].values[0];
    for (long i = 0; i < axis_count; i++) {
        long axis = n->n_input > 3 ? axes[i] : i;
        if (!mask__onnx_settle(&axis, mask__onnx_ndim(r, x)) || pads[i] < 0 || pads[i + axis_count] < 0)
            REFUSE("takes values away");
        size_t d = mask__onnx_place(r, x, (size_t)axis);
        op.begin[d] = (size_t)pads[i];
        op.step[d] = pads[i + axis_count];
    }
    return mask__onnx_finish(r, n, &op, x.last, err);
}

mask_status mask__read_resize(onnx_reader *r, const onnx_node *n, const onnx_entry *e, mask_error *err)
{
    onnx_value x, scales;
    long sizes[MAX_INTS], count;
    bool old = r->version < 11;
    MASK__TRY(mask__onnx_needed(r, n, 0, &x, err));
    MASK__TRY(mask__onnx_channels_last(r, e, &x, err));
    MASK__TRY(mask__onnx_input(r, n, old ? 1 : 2, &scales, err));
    MASK__TRY(mask__onnx_numbers(r, n, "sizes", 3, sizes, &count, err));
    if (mask__onnx_ndim(r, x) != 4 || mask__onnx_int(n, "antialias", 0) || mask__onnx_attribute(n, "axes"))
        REFUSE("resizes no picture");
    const float *factors = mask__onnx_is_constant(r, scales) && r->graph->tensors[scales.tensor].count == 4
                               ? r->graph->tensors[scales.tensor].values
                               : NULL;
    mask__graph_op op = mask__onnx_operation(MASK__OP_RESIZE, e, &x.tensor, 1);
    for (int d = 0; d < 2; d++) {
        float length = (float)r->graph->tensors[x.tensor].shape[1 + d];
        if (count == 4 ? sizes[2 + d] < 1
                       : !factors || !(factors[2 + d] * length >= 1 && factors[2 + d] * length < 65536))
            REFUSE("has no sizes that could be");
        op.sizes[d] = count == 4 ? (size_t)sizes[2 + d] : (size_t)(factors[2 + d] * length);
    }
    op.resize = mask__onnx_text(n, "mode", "nearest", "linear")  ? MASK__BILINEAR
                : mask__onnx_text(n, "mode", "nearest", "cubic") ? MASK__BICUBIC
                                                                 : MASK__NEAREST;
    op.coefficient = mask__onnx_float(n, "cubic_coeff_a", -0.75f);
    op.align = mask__onnx_text(n, "coordinate_transformation_mode", "half_pixel", "align_corners") ? MASK__CORNERS
               : old || mask__onnx_text(n, "coordinate_transformation_mode", "half_pixel", "asymmetric")
                   ? MASK__ASYMMETRIC
                   : MASK__HALF_PIXEL;
    return mask__onnx_finish(r, n, &op, true, err);
}

/* ---- Constants and shapes ---------------------------------------------------------------------------------------- */

static mask_status give_numbers(onnx_reader *r, const onnx_node *n, unsigned ndim, const float *numbers, size_t count,
                                bool whole, mask_error *err)
{
    onnx_value out = {.tensor = MASK__NO_TENSOR};
    float *values;
    MASK__TRY(mask__graph_constant(r->graph, ndim, &count, &out.tensor, &values, err));
    if (count) memcpy(values, numbers, count * sizeof *values);
    r->graph->tensors[out.tensor].whole = whole;
    return mask__onnx_output(r, n, 0, out, err);
}

mask_status mask__read_shape(onnx_reader *r, const onnx_node *n, const onnx_entry *e, mask_error *err)
{
    onnx_value x;
    float shape[DIMS];
    (void)e;
    MASK__TRY(mask__onnx_needed(r, n, 0, &x, err));
    mask__graph_tensor t = mask__onnx_shape(r, x);
    long start = mask__onnx_int(n, "start", 0), end = mask__onnx_int(n, "end", t.ndim), ndim = t.ndim;
    start = start < 0 ? start + ndim : start;
    end = end < 0 ? end + ndim : end > ndim ? ndim : end;
    size_t count = 0;
    for (long d = start < 0 ? 0 : start; d < end; d++) shape[count++] = (float)t.shape[d];
    return give_numbers(r, n, 1, shape, count, true, err);
}

mask_status mask__read_constant(onnx_reader *r, const onnx_node *n, const onnx_entry *e, mask_error *err)
{
    const Mask__Onnx__Attribute *a = mask__onnx_attribute(n, "value");
    float numbers[MAX_INTS];
    (void)e;
    if (a && a->t) {
        onnx_value out = {.tensor = MASK__NO_TENSOR};
        MASK__TRY(mask__onnx_constant(r, a->t, &out.tensor, err));
        return mask__onnx_output(r, n, 0, out, err);
    }
    if ((a = mask__onnx_attribute(n, "value_float"))) return give_numbers(r, n, 0, &a->f, 1, false, err);
    if ((a = mask__onnx_attribute(n, "value_int"))) return give_numbers(r, n, 0, &(float){(float)a->i}, 1, true, err);
    if ((a = mask__onnx_attribute(n, "value_floats"))) return give_numbers(r, n, 1, a->floats, a->n_floats, false, err);
    if (!(a = mask__onnx_attribute(n, "value_ints")) || a->n_ints > MAX_INTS) REFUSE("has no value of numbers");
    for (size_t i = 0; i < a->n_ints; i++) numbers[i] = (float)a->ints[i];
    return give_numbers(r, n, 1, numbers, a->n_ints, true, err);
}

mask_status mask__read_constant_of_shape(onnx_reader *r, const onnx_node *n, const onnx_entry *e, mask_error *err)
{
    const Mask__Onnx__Attribute *a = mask__onnx_attribute(n, "value");
    long shape[MAX_INTS], count;
    uint32_t tensor;
    MASK__TRY(mask__onnx_numbers(r, n, "", 0, shape, &count, err));
    if (count < 0 || count > DIMS) REFUSE("has no shape, or one of too many dimensions");
    if (a && a->t) MASK__TRY(mask__onnx_constant(r, a->t, &tensor, err));
    else MASK__TRY(mask__graph_constant(r->graph, 0, NULL, &tensor, &(float *){NULL}, err));
    if (r->graph->tensors[tensor].count != 1) REFUSE("has not one value");
    onnx_value v = {.tensor = tensor};
    MASK__TRY(mask__onnx_reshape(r, e, &v, 0, NULL, err));
    mask__graph_op op = mask__onnx_operation(MASK__OP_EXPAND, e, &v.tensor, 1);
    op.ndim = (unsigned)count;
    for (long d = 0; d < count; d++) op.sizes[d] = shape[d] < 0 ? SIZE_MAX : (size_t)shape[d];
    return mask__onnx_finish(r, n, &op, false, err);
}

mask_status mask__read_range(onnx_reader *r, const onnx_node *n, const onnx_entry *e, mask_error *err)
{
    onnx_value v[3], out = {.tensor = MASK__NO_TENSOR};
    float c[3], *values;
    (void)e;
    for (size_t i = 0; i < 3; i++) {
        MASK__TRY(mask__onnx_needed(r, n, i, &v[i], err));
        if (!mask__onnx_is_constant(r, v[i]) || r->graph->tensors[v[i].tensor].count != 1)
            REFUSE("depends on what is in the photo");
        c[i] = r->graph->tensors[v[i].tensor].values[0];
    }
    float length = ceilf((c[1] - c[0]) / c[2]);
    if (!(length < 1e6f)) REFUSE("has too many numbers");
    size_t count = length > 0 ? (size_t)length : 0;
    MASK__TRY(mask__graph_constant(r->graph, 1, &count, &out.tensor, &values, err));
    for (size_t i = 0; i < count; i++) values[i] = c[0] + (float)i * c[2];
    r->graph->tensors[out.tensor].whole = r->graph->tensors[v[0].tensor].whole;
    return mask__onnx_output(r, n, 0, out, err);
}

/* Stored weights: (q - zero) x scale, one pair for all or one for each index of a dimension. */
mask_status mask__read_dequantise(onnx_reader *r, const onnx_node *n, const onnx_entry *e, mask_error *err)
{
    onnx_value v[3];
    MASK__TRY(mask__onnx_needed(r, n, 0, &v[0], err));
    MASK__TRY(mask__onnx_needed(r, n, 1, &v[1], err));
    MASK__TRY(mask__onnx_input(r, n, 2, &v[2], err));
    long axis = mask__onnx_int(n, "axis", 1);
    if (!mask__onnx_is_constant(r, v[0]) || !mask__onnx_is_constant(r, v[1])) REFUSE("works on quantised activations");
    for (int i = 2; i >= 1; i--) { /* zero, then scale */
        if (v[i].tensor == MASK__NO_TENSOR) continue;
        const mask__graph_tensor *t = &r->graph->tensors[v[0].tensor], *c = &r->graph->tensors[v[i].tensor];
        size_t shape[DIMS];
        for (unsigned d = 0; d < t->ndim; d++) shape[d] = 1;
        if (c->count > 1 && !mask__onnx_settle(&axis, t->ndim)) REFUSE("has a dimension that is not there");
        if (c->count > 1) shape[axis] = c->count;
        MASK__TRY(mask__onnx_reshape(r, e, &v[i], t->ndim, shape, err));
        mask__graph_op op = mask__onnx_operation(MASK__OP_BINARY, e, (uint32_t[]){v[0].tensor, v[i].tensor}, 2);
        op.arithmetic = i == 2 ? MASK__SUBTRACT : MASK__MULTIPLY;
        MASK__TRY(mask__graph_add(r->graph, &op, &v[0].tensor, err));
    }
    return mask__onnx_output(r, n, 0, v[0], err);
}

/* A constant with parts of it replaced. */
mask_status mask__read_scatter(onnx_reader *r, const onnx_node *n, const onnx_entry *e, mask_error *err)
{
    onnx_value v[3], out = {.tensor = MASK__NO_TENSOR};
    float *values;
    for (size_t i = 0; i < 3; i++) {
        MASK__TRY(mask__onnx_plain(r, n, e, i, &v[i], err));
        if (!mask__onnx_is_constant(r, v[i])) REFUSE("writes into what is computed");
    }
    const mask__graph_tensor t = r->graph->tensors[v[0].tensor], indices = r->graph->tensors[v[1].tensor],
                             updates = r->graph->tensors[v[2].tensor];
    size_t depth = indices.ndim ? indices.shape[indices.ndim - 1] : 0, part = 1;
    if (depth == 0 || depth > t.ndim) REFUSE("has indices of too many dimensions");
    for (size_t d = depth; d < t.ndim; d++) part *= t.shape[d];
    if (updates.count != indices.count / depth * part) REFUSE("has not a value for each index");
    MASK__TRY(mask__graph_constant(r->graph, t.ndim, t.shape, &out.tensor, &values, err));
    memcpy(values, t.values, t.count * sizeof *values);
    for (size_t i = 0; i < indices.count / depth; i++) {
        size_t at = 0;
        for (size_t d = 0; d < depth; d++) {
            float index = indices.values[i * depth + d];
            if (index < 0) index += (float)t.shape[d];
            if (!(index >= 0 && index < (float)t.shape[d])) REFUSE("writes a part that is not there");
            at = at * t.shape[d] + (size_t)index;
        }
        memcpy(values + at * part, updates.values + i * part, part * sizeof *values);
    }
    r->graph->tensors[out.tensor].whole = t.whole;
    return mask__onnx_output(r, n, 0, out, err);
}
