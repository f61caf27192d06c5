/* ONNX's operators that move values, and those that make constants and shapes. */
#include "vision/onnx_reader.h"

#include <math.h>
#include <string.h>

/* ---- Moving values ----------------------------------------------------------------------------------------------- */

mask_status mask__read_transpose(onnx_reader *r)
{
    size_t order[DIMS], places[2][DIMS];
    onnx_value x = mask__onnx_needed(r, 0);
    onnx_numbers given = mask__onnx_numbers(r, "perm", SIZE_MAX);
    unsigned ndim = mask__onnx_ndim(r, x), seen = 0;
    if (given.count != ABSENT && given.count != (long)ndim) REFUSE("its order is no permutation");
    for (unsigned d = 0; d < ndim; d++) {
        long from = given.count == ABSENT ? (long)(ndim - 1 - d) : given.at[d];
        if (from < 0 || from >= (long)ndim || (seen & 1u << from)) REFUSE("its order is no permutation");
        seen |= 1u << from;
        order[d] = mask__onnx_place(r, x, (size_t)from);
    }
    for (int last = 0; last < 2; last++) { /* nothing moves where the result can be stored as x is, either way */
        bool same = !mask__onnx_values(r, x) && (!last || ndim >= 3);
        for (unsigned d = 0; d < ndim; d++) {
            places[last][d] = order[!last || d == 0 ? d : d + 1 == ndim ? 1 : d + 1];
            same = same && places[last][d] == d;
        }
        if (!same) continue;
        x.last = last;
        return mask__onnx_output(r, 0, x);
    }
    x.last = false;
    return mask__onnx_output(r, 0, mask__onnx_transpose(r, x, order));
}

/* At another side than the file's own a constant shape has the wrong numbers: that of a dimension that has changed, or
 * of all that have together, is put right. */
static void fit_shape(const onnx_reader *r, const mask__graph_tensor *now, size_t *shape, unsigned ndim)
{
    const mask__graph_tensor *before = &r->seen[2 * r->at], *result = &r->seen[2 * r->at + 1];
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
static mask_status reshape_to(onnx_reader *r, onnx_value x, size_t *shape, unsigned ndim)
{
    mask__graph_tensor now = mask__onnx_shape(r, x), made = {.ndim = ndim};
    size_t count, stored[DIMS];
    if (r->side != r->native && (!mask__graph_count(ndim, shape, &count) || count != now.count))
        fit_shape(r, &now, shape, ndim);
    memcpy(made.shape, shape, ndim * sizeof *shape);
    if (r->side == r->native) r->seen[2 * r->at] = now;
    if (r->side == r->native) r->seen[2 * r->at + 1] = made;
    if (!x.last || ndim < 3 || shape[0] != now.shape[0] || shape[1] != now.shape[1])
        return mask__onnx_output(r, 0, mask__onnx_reshape(r, mask__onnx_canonical(r, x), ndim, shape));
    for (unsigned d = 0; d < ndim; d++) stored[d] = shape[d == 0 ? 0 : d + 1 == ndim ? 1 : d + 1];
    return mask__onnx_output(r, 0, mask__onnx_reshape(r, x, ndim, stored));
}

mask_status mask__read_reshape(onnx_reader *r)
{
    size_t shape[DIMS], known = 1, open = SIZE_MAX;
    onnx_value x = mask__onnx_needed(r, 0);
    onnx_numbers wanted = mask__onnx_numbers(r, "shape", 1);
    if (wanted.count < 0 || wanted.count > DIMS) REFUSE("has no shape, or one of too many dimensions");
    mask__graph_tensor t = mask__onnx_shape(r, x);
    for (long d = 0; d < wanted.count; d++) {
        long length = wanted.at[d];
        bool keep = length == 0 && !mask__onnx_int(r, "allowzero", 0);
        if (length < -1 || (keep && d >= (long)t.ndim) || (length == -1 && open != SIZE_MAX))
            REFUSE("has no shape that could be");
        shape[d] = keep ? t.shape[d] : (size_t)length;
        if (length == -1) open = (size_t)d;
        else if (!mask__multiply(known, shape[d], &known)) REFUSE("has no shape that could be");
    }
    if (open != SIZE_MAX) shape[open] = known ? t.count / known : 0;
    return reshape_to(r, x, shape, (unsigned)wanted.count);
}

mask_status mask__read_flatten(onnx_reader *r)
{
    onnx_value x = mask__onnx_needed(r, 0);
    mask__graph_tensor t = mask__onnx_shape(r, x);
    long axis = mask__onnx_int(r, "axis", 1);
    if (axis < 0) axis += t.ndim;
    size_t shape[2] = {1, 1};
    for (unsigned d = 0; d < t.ndim; d++) shape[(long)d >= axis] *= t.shape[d];
    return reshape_to(r, x, shape, 2);
}

/* Squeeze takes dimensions of 1 away, Unsqueeze (parameter 1) adds them. */
mask_status mask__read_squeeze(onnx_reader *r)
{
    size_t shape[DIMS], made = 0, from = 0;
    bool marked[2 * DIMS] = {false}, adds = r->entry->parameter;
    onnx_value x = mask__onnx_needed(r, 0);
    onnx_numbers axes = mask__onnx_numbers(r, "axes", 1);
    mask__graph_tensor t = mask__onnx_shape(r, x);
    unsigned ndim = t.ndim + (adds && axes.count > 0 ? (unsigned)axes.count : 0);
    if (ndim > DIMS) REFUSE("makes too many dimensions");
    for (long i = 0; i < axes.count; i++) {
        if (!mask__onnx_settle(&axes.at[i], ndim)) REFUSE("has a dimension that is not there");
        marked[axes.at[i]] = true;
    }
    for (unsigned d = 0; d < ndim; d++) {
        if (adds) shape[made++] = marked[d] || from >= t.ndim ? 1 : t.shape[from++];
        else if (axes.count == ABSENT ? t.shape[d] != 1 : !marked[d]) shape[made++] = t.shape[d];
    }
    return reshape_to(r, x, shape, (unsigned)made);
}

static mask__graph_op whole_slice(const onnx_reader *r, onnx_value *x)
{
    mask__graph_op op = mask__onnx_operation(r, MASK__OP_SLICE, &x->tensor, 1);
    const mask__graph_tensor *t = &r->graph->tensors[x->tensor];
    memcpy(op.sizes, t->shape, sizeof op.sizes);
    for (int d = 0; d < DIMS; d++) op.step[d] = 1;
    return op;
}

mask_status mask__read_slice(onnx_reader *r)
{
    onnx_value x = mask__onnx_needed(r, 0);
    onnx_numbers starts = mask__onnx_numbers(r, "starts", 1), ends = mask__onnx_numbers(r, "ends", 2);
    onnx_numbers axes = mask__onnx_numbers(r, "axes", 3), steps = mask__onnx_numbers(r, "steps", 4);
    if (starts.count < 0 || ends.count != starts.count || (axes.count != ABSENT && axes.count != starts.count) ||
        (steps.count != ABSENT && steps.count != starts.count))
        REFUSE("has not as many ends as beginnings");
    mask__graph_op op = whole_slice(r, &x);
    for (long i = 0; i < starts.count; i++) {
        long axis = axes.count == ABSENT ? i : axes.at[i], step = steps.count == ABSENT ? 1 : steps.at[i];
        if (!mask__onnx_settle(&axis, mask__onnx_ndim(r, x)) || step == 0) REFUSE("has a dimension that is not there");
        size_t d = mask__onnx_place(r, x, (size_t)axis);
        long length = (long)r->graph->tensors[x.tensor].shape[d], first = starts.at[i], end = ends.at[i];
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
    return mask__onnx_finish(r, &op, x.last);
}

mask_status mask__read_split(onnx_reader *r)
{
    size_t parts = r->node->n_output, begin = 0;
    long axis = mask__onnx_int(r, "axis", 0);
    onnx_value x = mask__onnx_needed(r, 0);
    onnx_numbers sizes = mask__onnx_numbers(r, "split", 1);
    if (!mask__onnx_settle(&axis, mask__onnx_ndim(r, x)) || parts == 0 ||
        (sizes.count != ABSENT && sizes.count != (long)parts))
        REFUSE("has a dimension or parts that are not there");
    size_t d = mask__onnx_place(r, x, (size_t)axis), length = r->graph->tensors[x.tensor].shape[d];
    size_t each = (length + parts - 1) / parts;
    for (size_t i = 0; i < parts; i++) {
        mask__graph_op op = whole_slice(r, &x);
        op.begin[d] = begin;
        op.sizes[d] = sizes.count == ABSENT ? (length - begin < each ? length - begin : each) : (size_t)sizes.at[i];
        mask__onnx_output(r, i, (onnx_value){.tensor = mask__onnx_add(r, &op), .last = x.last});
        begin += op.sizes[d];
    }
    return r->status;
}

mask_status mask__read_concat(onnx_reader *r)
{
    long axis = mask__onnx_int(r, "axis", 0);
    onnx_value first = mask__onnx_needed(r, 0);
    if (!mask__onnx_settle(&axis, mask__onnx_ndim(r, first))) REFUSE("joins along a dimension that is not there");
    uint32_t *inputs;
    MASK__TRY(mask__graph_room(r->graph, r->node->n_input, sizeof *inputs, (void **)&inputs, r->err));
    for (size_t i = 0; i < r->node->n_input; i++) {
        onnx_value v = mask__onnx_needed(r, i);
        inputs[i] = (first.last ? mask__onnx_channels_last(r, v) : mask__onnx_canonical(r, v)).tensor;
    }
    mask__graph_op op = mask__onnx_operation(r, MASK__OP_CONCAT, inputs, r->node->n_input);
    op.axis = mask__onnx_place(r, first, (size_t)axis);
    return mask__onnx_finish(r, &op, first.last);
}

mask_status mask__read_gather(onnx_reader *r)
{
    onnx_value x = mask__onnx_plain(r, 0), indices = mask__onnx_plain(r, 1);
    long axis = mask__onnx_int(r, "axis", 0);
    if (!mask__onnx_settle(&axis, mask__onnx_ndim(r, x))) REFUSE("has a dimension that is not there");
    mask__graph_op op = mask__onnx_operation(r, MASK__OP_GATHER, (uint32_t[]){x.tensor, indices.tensor}, 2);
    op.axis = (size_t)axis;
    return mask__onnx_finish(r, &op, false);
}

/* x over the shape that the node has as numbers. */
static mask_status expand(onnx_reader *r, onnx_value x, const onnx_numbers *shape)
{
    mask__graph_op op = mask__onnx_operation(r, MASK__OP_EXPAND, &x.tensor, 1);
    if (shape->count < 0 || shape->count > DIMS) REFUSE("has no shape, or one of too many dimensions");
    op.ndim = (unsigned)shape->count;
    for (long d = 0; d < shape->count; d++) op.sizes[d] = shape->at[d] < 0 ? SIZE_MAX : (size_t)shape->at[d];
    return mask__onnx_finish(r, &op, false);
}

mask_status mask__read_expand(onnx_reader *r)
{
    onnx_value x = mask__onnx_plain(r, 0);
    onnx_numbers shape = mask__onnx_numbers(r, "shape", 1);
    return expand(r, x, &shape);
}

/* Copies along each dimension. */
mask_status mask__read_tile(onnx_reader *r)
{
    uint32_t inputs[MAX_INTS];
    onnx_value x = mask__onnx_plain(r, 0);
    onnx_numbers repeats = mask__onnx_numbers(r, "repeats", 1);
    if (repeats.count != (long)mask__onnx_ndim(r, x)) REFUSE("has not a number for each dimension");
    for (long d = 0; d < repeats.count; d++) {
        size_t copies = (size_t)repeats.at[d];
        if (copies < 1 || copies > MAX_INTS) REFUSE("has too many copies");
        for (size_t i = 0; i < copies; i++) inputs[i] = x.tensor;
        mask__graph_op op = mask__onnx_operation(r, MASK__OP_CONCAT, inputs, copies);
        op.axis = (size_t)d;
        if (copies > 1) x.tensor = mask__onnx_add(r, &op);
    }
    return mask__onnx_output(r, 0, x);
}

mask_status mask__read_pad(onnx_reader *r)
{
    onnx_value x = mask__onnx_needed(r, 0);
    onnx_numbers pads = mask__onnx_numbers(r, "pads", 1), axes = mask__onnx_numbers(r, "axes", 3);
    const float *value = mask__onnx_single(r, mask__onnx_input(r, 2));
    long count = axes.count == ABSENT ? (long)mask__onnx_ndim(r, x) : axes.count;
    if (!mask__onnx_text(r, "mode", "constant", "constant")) REFUSE("pads by other than a constant");
    if (pads.count != 2 * count) REFUSE("has no constant padding of all dimensions");
    mask__graph_op op = mask__onnx_operation(r, MASK__OP_PAD, &x.tensor, 1);
    op.low = value ? *value : mask__onnx_float(r, "value", 0);
    for (long i = 0; i < count; i++) {
        long axis = axes.count == ABSENT ? i : axes.at[i];
        if (!mask__onnx_settle(&axis, mask__onnx_ndim(r, x)) || pads.at[i] < 0 || pads.at[i + count] < 0)
            REFUSE("takes values away");
        size_t d = mask__onnx_place(r, x, (size_t)axis);
        op.begin[d] = (size_t)pads.at[i];
        op.step[d] = pads.at[i + count];
    }
    return mask__onnx_finish(r, &op, x.last);
}

mask_status mask__read_resize(onnx_reader *r)
{
    static const char by[] = "coordinate_transformation_mode";
    bool old = r->version < 11;
    onnx_value x = mask__onnx_channels_last(r, mask__onnx_needed(r, 0)), scales = mask__onnx_input(r, old ? 1 : 2);
    onnx_numbers sizes = mask__onnx_numbers(r, "sizes", 3);
    if (mask__onnx_ndim(r, x) != 4 || mask__onnx_int(r, "antialias", 0) || mask__onnx_attribute(r, "axes"))
        REFUSE("resizes no picture");
    const float *factors = mask__onnx_values(r, scales);
    if (factors && r->graph->tensors[scales.tensor].count != 4) factors = NULL;
    mask__graph_op op = mask__onnx_operation(r, MASK__OP_RESIZE, &x.tensor, 1);
    for (int d = 0; d < 2; d++) {
        float length = (float)r->graph->tensors[x.tensor].shape[1 + d];
        float wanted = sizes.count == 4 ? (float)sizes.at[2 + d] : factors ? factors[2 + d] * length : 0;
        if (!(wanted >= 1 && wanted < 65536)) REFUSE("has no sizes that could be");
        op.sizes[d] = (size_t)wanted;
    }
    op.resize = mask__onnx_text(r, "mode", "nearest", "linear")  ? MASK__BILINEAR
                : mask__onnx_text(r, "mode", "nearest", "cubic") ? MASK__BICUBIC
                                                                 : MASK__NEAREST;
    op.coefficient = mask__onnx_float(r, "cubic_coeff_a", -0.75f);
    op.align = mask__onnx_text(r, by, "half_pixel", "align_corners")       ? MASK__CORNERS
               : old || mask__onnx_text(r, by, "half_pixel", "asymmetric") ? MASK__ASYMMETRIC
                                                                           : MASK__HALF_PIXEL;
    return mask__onnx_finish(r, &op, true);
}

/* ---- Constants and shapes ---------------------------------------------------------------------------------------- */

static mask_status give_numbers(onnx_reader *r, unsigned ndim, const float *numbers, size_t count, bool whole)
{
    float *values;
    uint32_t made = mask__onnx_new(r, ndim, &count, &values);
    if (!values) return r->status;
    if (count) memcpy(values, numbers, count * sizeof *values);
    r->graph->tensors[made].whole = whole;
    return mask__onnx_output(r, 0, (onnx_value){.tensor = made});
}

mask_status mask__read_shape(onnx_reader *r)
{
    float shape[DIMS];
    mask__graph_tensor t = mask__onnx_shape(r, mask__onnx_needed(r, 0));
    long start = mask__onnx_int(r, "start", 0), end = mask__onnx_int(r, "end", t.ndim), ndim = t.ndim;
    start = start < 0 ? start + ndim : start;
    end = end < 0 ? end + ndim : end > ndim ? ndim : end;
    size_t count = 0;
    for (long d = start < 0 ? 0 : start; d < end; d++) shape[count++] = (float)t.shape[d];
    return give_numbers(r, 1, shape, count, true);
}

mask_status mask__read_constant(onnx_reader *r)
{
    const Mask__Onnx__Attribute *a = mask__onnx_attribute(r, "value");
    float numbers[MAX_INTS];
    if (a && a->t) return mask__onnx_output(r, 0, (onnx_value){.tensor = mask__onnx_constant(r, a->t)});
    if ((a = mask__onnx_attribute(r, "value_float"))) return give_numbers(r, 0, &a->f, 1, false);
    if ((a = mask__onnx_attribute(r, "value_int"))) return give_numbers(r, 0, &(float){(float)a->i}, 1, true);
    if ((a = mask__onnx_attribute(r, "value_floats"))) return give_numbers(r, 1, a->floats, a->n_floats, false);
    onnx_numbers whole = mask__onnx_numbers(r, "value_ints", SIZE_MAX);
    if (whole.count == ABSENT) REFUSE("has no value of numbers");
    for (long i = 0; i < whole.count; i++) numbers[i] = (float)whole.at[i];
    return give_numbers(r, 1, numbers, (size_t)whole.count, true);
}

mask_status mask__read_constant_of_shape(onnx_reader *r)
{
    const Mask__Onnx__Attribute *a = mask__onnx_attribute(r, "value");
    onnx_numbers shape = mask__onnx_numbers(r, "", 0);
    onnx_value v = {.tensor = a && a->t ? mask__onnx_constant(r, a->t) : mask__onnx_new(r, 0, NULL, &(float *){NULL})};
    if (r->graph->tensors[v.tensor].count != 1) REFUSE("has not one value");
    return expand(r, mask__onnx_reshape(r, v, 0, NULL), &shape);
}

mask_status mask__read_range(onnx_reader *r)
{
    float c[3], *values;
    bool whole = false;
    for (size_t i = 3; i-- > 0;) {
        onnx_value v = mask__onnx_needed(r, i);
        if (!mask__onnx_single(r, v)) REFUSE("depends on what is in the photo");
        c[i] = *mask__onnx_single(r, v);
        whole = r->graph->tensors[v.tensor].whole; /* the first one's */
    }
    float length = ceilf((c[1] - c[0]) / c[2]);
    if (!(length < 1e6f)) REFUSE("has too many numbers");
    size_t count = length > 0 ? (size_t)length : 0;
    uint32_t made = mask__onnx_new(r, 1, &count, &values);
    if (!values) return r->status;
    for (size_t i = 0; i < count; i++) values[i] = c[0] + (float)i * c[2];
    r->graph->tensors[made].whole = whole;
    return mask__onnx_output(r, 0, (onnx_value){.tensor = made});
}

/* Stored weights: (q - zero) x scale, one pair for all or one for each index of a dimension. */
mask_status mask__read_dequantise(onnx_reader *r)
{
    onnx_value v[3] = {mask__onnx_needed(r, 0), mask__onnx_needed(r, 1), mask__onnx_input(r, 2)};
    long axis = mask__onnx_int(r, "axis", 1);
    if (!mask__onnx_values(r, v[0]) || !mask__onnx_values(r, v[1])) REFUSE("works on quantised activations");
    for (int i = 2; i >= 1; i--) { /* zero, then scale */
        if (v[i].tensor == MASK__NO_TENSOR) continue;
        const mask__graph_tensor *t = &r->graph->tensors[v[0].tensor], *c = &r->graph->tensors[v[i].tensor];
        size_t shape[DIMS];
        for (unsigned d = 0; d < t->ndim; d++) shape[d] = 1;
        if (c->count > 1 && !mask__onnx_settle(&axis, t->ndim)) REFUSE("has a dimension that is not there");
        if (c->count > 1) shape[axis] = c->count;
        v[i] = mask__onnx_reshape(r, v[i], t->ndim, shape);
        mask__graph_op op = mask__onnx_operation(r, MASK__OP_BINARY, (uint32_t[]){v[0].tensor, v[i].tensor}, 2);
        op.arithmetic = i == 2 ? MASK__SUBTRACT : MASK__MULTIPLY;
        v[0].tensor = mask__onnx_add(r, &op);
    }
    return mask__onnx_output(r, 0, v[0]);
}

/* A constant with parts of it replaced. */
mask_status mask__read_scatter(onnx_reader *r)
{
    float *values;
    mask__graph_tensor in[3];
    for (size_t i = 0; i < 3; i++) {
        in[i] = r->graph->tensors[mask__onnx_plain(r, i).tensor];
        if (!in[i].values) REFUSE("writes into what is computed");
    }
    const mask__graph_tensor *t = &in[0], *indices = &in[1], *updates = &in[2];
    size_t depth = indices->ndim ? indices->shape[indices->ndim - 1] : 0, part = 1;
    if (depth == 0 || depth > t->ndim) REFUSE("has indices of too many dimensions");
    for (size_t d = depth; d < t->ndim; d++) part *= t->shape[d];
    if (updates->count != indices->count / depth * part) REFUSE("has not a value for each index");
    uint32_t made = mask__onnx_new(r, t->ndim, t->shape, &values);
    if (!values) return r->status;
    memcpy(values, t->values, t->count * sizeof *values);
    for (size_t i = 0; i < indices->count / depth; i++) {
        size_t at = 0;
        for (size_t d = 0; d < depth; d++) {
            float index = indices->values[i * depth + d];
            if (index < 0) index += (float)t->shape[d];
            if (!(index >= 0 && index < (float)t->shape[d])) REFUSE("writes a part that is not there");
            at = at * t->shape[d] + (size_t)index;
        }
        memcpy(values + at * part, updates->values + i * part, part * sizeof *values);
    }
    r->graph->tensors[made].whole = t->whole;
    return mask__onnx_output(r, 0, (onnx_value){.tensor = made});
}
