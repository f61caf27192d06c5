#include "vision/fuse.h"
#include "vision/convolution.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { ADDED = 3 }; /* a convolution's input that its result is added to */

typedef struct use {
    size_t count;          /* operators that read it, and outputs that ask for it; 0 = nobody needs it */
    mask__graph_op *maker; /* NULL for a constant and the input */
    mask__graph_op *last;  /* reader */
    bool kept;             /* an output */
    bool aliased;          /* another tensor is the same memory */
} use;

typedef struct fuser {
    mask__graph *g;
    use *uses;
    bool *gone; /* of each operator */
    mask_error *err;
    mask_status status;
} fuser;

static void count_uses(fuser *f, const uint32_t *outputs, size_t output_count)
{
    mask__graph *g = f->g;
    memset(f->uses, 0, g->tensor_count * sizeof *f->uses);
    for (size_t o = 0; o < output_count; o++) {
        f->uses[outputs[o]].count++;
        f->uses[outputs[o]].kept = true;
    }
    for (size_t i = g->op_count; i-- > 0;) { /* from the end, so that what nobody needs asks for nothing */
        mask__graph_op *op = &g->ops[i];
        f->gone[i] = f->gone[i] || f->uses[op->output].count == 0;
        if (f->gone[i]) continue;
        f->uses[op->output].maker = op;
        for (size_t k = 0; k < op->input_count; k++) {
            if (op->inputs[k] == MASK__NO_TENSOR) continue;
            use *u = &f->uses[op->inputs[k]];
            if (!u->last) u->last = op;
            u->count++;
            if (op->kind == MASK__OP_RESHAPE) u->aliased = f->uses[op->output].aliased = true;
        }
    }
}

static const mask__graph_tensor *tensor(const fuser *f, uint32_t t)
{
    return &f->g->tensors[t];
}

/* The operator that makes a tensor, when it is of that kind and has no activation. */
static mask__graph_op *maker(const fuser *f, uint32_t t, mask__op_kind kind)
{
    mask__graph_op *op = t == MASK__NO_TENSOR ? NULL : f->uses[t].maker;
    return op && op->kind == kind && (kind == MASK__OP_ACTIVATION || op->activation == MASK__LINEAR) ? op : NULL;
}

/* The same, when nobody else reads the tensor. */
static mask__graph_op *sole(const fuser *f, uint32_t t, mask__op_kind kind)
{
    mask__graph_op *op = maker(f, t, kind);
    return op && f->uses[t].count == 1 && !f->uses[t].kept ? op : NULL;
}

static bool is_binary(const mask__graph_op *op, mask__arithmetic arithmetic)
{
    return op && op->kind == MASK__OP_BINARY && op->arithmetic == arithmetic;
}

static mask__graph_op *binary_maker(const fuser *f, uint32_t t, mask__arithmetic arithmetic)
{
    mask__graph_op *op = maker(f, t, MASK__OP_BINARY);
    return is_binary(op, arithmetic) ? op : NULL;
}

static mask__graph_op *function_maker(const fuser *f, uint32_t t, mask__activation activation)
{
    mask__graph_op *op = maker(f, t, MASK__OP_ACTIVATION);
    return op && op->activation == activation ? op : NULL;
}

/* Whether a tensor is one constant value near that. */
static bool is_value(const fuser *f, uint32_t t, float value)
{
    const mask__graph_tensor *c = tensor(f, t);
    return c->values && c->count == 1 && fabsf(c->values[0] - value) < 1e-4f * (1 + fabsf(value));
}

/* Of a sum or product with such a value the other input; MASK__NO_TENSOR otherwise. */
static uint32_t beside(const fuser *f, const mask__graph_op *op, float value)
{
    if (!op) return MASK__NO_TENSOR;
    if (is_value(f, op->inputs[1], value)) return op->inputs[0];
    return is_value(f, op->inputs[0], value) ? op->inputs[1] : MASK__NO_TENSOR;
}

/* An operator becomes a function of x; true. */
static bool become(mask__graph_op *op, mask__op_kind kind, uint32_t x, mask__activation activation)
{
    op->kind = kind;
    op->inputs[0] = x;
    op->input_count = 1;
    op->activation = activation;
    return true;
}

/* 1 + erf(x / sqrt 2) */
static bool is_erf_of(const fuser *f, uint32_t t, uint32_t x)
{
    const mask__graph_op *erf = function_maker(f, beside(f, binary_maker(f, t, MASK__ADD), 1), MASK__ERF);
    if (!erf) return false;
    const mask__graph_op *quotient = binary_maker(f, erf->inputs[0], MASK__DIVIDE);
    if (quotient) return quotient->inputs[0] == x && is_value(f, quotient->inputs[1], 1.41421356f);
    return beside(f, binary_maker(f, erf->inputs[0], MASK__MULTIPLY), 0.70710678f) == x;
}

/* Products that stand for a function: x logistic(x), x (1 + erf(x / sqrt 2)) / 2 in either order. */
static bool find_function(fuser *f, mask__graph_op *op)
{
    for (int side = 0; side < 2; side++) {
        uint32_t x = op->inputs[side], other = op->inputs[!side];
        const mask__graph_op *function = maker(f, other, MASK__OP_ACTIVATION);
        if (function && function->inputs[0] == x && function->activation == MASK__LOGISTIC)
            return become(op, MASK__OP_ACTIVATION, x, MASK__SILU);
        if (function && function->inputs[0] == x && function->activation == MASK__HARD_SIGMOID &&
            fabsf(function->low - 1 / 6.0f) < 1e-6f && function->high == 0.5f)
            return become(op, MASK__OP_ACTIVATION, x, MASK__HARD_SWISH);
        const mask__graph_op *product = is_value(f, other, 0.5f) ? binary_maker(f, x, MASK__MULTIPLY) : NULL;
        for (int k = 0; product && k < 2; k++)
            if (is_erf_of(f, product->inputs[!k], product->inputs[k]))
                return become(op, MASK__OP_ACTIVATION, product->inputs[k], MASK__GELU);
        uint32_t half = beside(f, binary_maker(f, x, MASK__MULTIPLY), 0.5f);
        if (half != MASK__NO_TENSOR && is_erf_of(f, other, half))
            return become(op, MASK__OP_ACTIVATION, half, MASK__GELU);
    }
    return false;
}

/* The tensor whose mean over the last dimension this is. */
static uint32_t mean_of(const fuser *f, uint32_t t)
{
    const mask__graph_op *op = maker(f, t, MASK__OP_REDUCE);
    if (!op || op->reduction != MASK__MEAN || !op->keep) return MASK__NO_TENSOR;
    unsigned ndim = tensor(f, op->inputs[0])->ndim;
    for (unsigned d = 0; d < ndim; d++)
        if (op->axes[d] != (d + 1 == ndim)) return MASK__NO_TENSOR;
    return op->inputs[0];
}

/* (x - mean) / sqrt(mean of (x - mean)^2 + epsilon) */
static bool find_norm(const fuser *f, mask__graph_op *op)
{
    const mask__graph_op *difference = binary_maker(f, op->inputs[0], MASK__SUBTRACT),
                         *root = function_maker(f, op->inputs[1], MASK__SQRT);
    if (!difference || !root || mean_of(f, difference->inputs[1]) != difference->inputs[0]) return false;
    const mask__graph_op *sum = binary_maker(f, root->inputs[0], MASK__ADD);
    if (!sum || !tensor(f, sum->inputs[1])->values || tensor(f, sum->inputs[1])->count != 1) return false;
    uint32_t squares = mean_of(f, sum->inputs[0]);
    const mask__graph_op *square = maker(f, squares, MASK__OP_BINARY);
    if (!square || square->inputs[0] != difference->output) return false;
    if (!(square->arithmetic == MASK__POWER && is_value(f, square->inputs[1], 2)) &&
        !(square->arithmetic == MASK__MULTIPLY && square->inputs[1] == square->inputs[0]))
        return false;
    op->coefficient = tensor(f, sum->inputs[1])->values[0];
    return become(op, MASK__OP_NORM, difference->inputs[0], MASK__LINEAR);
}

/* An operator reads what another read that is left out. */
static void read_instead(fuser *f, mask__graph_op *op, size_t input, mask__graph_op *left_out)
{
    uint32_t t = op->inputs[input] = left_out->inputs[0];
    f->gone[left_out - f->g->ops] = true;
    if (f->uses[t].last < op) f->uses[t].last = op;
}

static void set_activation(mask__graph_op *op, mask__activation activation, float low, float high)
{
    op->activation = activation;
    op->low = low;
    op->high = high;
}

/* The operator's work is done by another, which now makes its result. */
static void absorb(fuser *f, mask__graph_op *op, mask__graph_op *by)
{
    f->gone[op - f->g->ops] = true;
    f->uses[op->output].maker = by;
    by->output = op->output;
}

/* A constant of the last dimension's length, or a single value. */
static bool is_by_channel(const fuser *f, uint32_t t, size_t channels)
{
    const mask__graph_tensor *c = tensor(f, t);
    return c->values && (c->count == 1 || (c->count == channels && c->shape[c->ndim - 1] == channels));
}

static float *new_constant(fuser *f, unsigned ndim, const size_t *shape, uint32_t *out)
{
    float *values = NULL;
    f->g->budget = SIZE_MAX;
    f->status = mask__graph_constant(f->g, ndim, shape, out, &values, f->err);
    return values;
}

/* w, bias := w a, bias a + b of a convolution whose result is multiplied by or added to a constant for each channel. */
static bool fold_constant(fuser *f, mask__graph_op *op, mask__graph_op *conv, uint32_t constant)
{
    const mask__graph_tensor w = *tensor(f, conv->inputs[1]), c = *tensor(f, constant);
    size_t channels = w.shape[0], each = w.count / channels;
    bool multiply = op->arithmetic == MASK__MULTIPLY || op->arithmetic == MASK__DIVIDE;
    const float *old = conv->inputs[2] == MASK__NO_TENSOR ? NULL : tensor(f, conv->inputs[2])->values;
    uint32_t weights = conv->inputs[1], bias = MASK__NO_TENSOR;
    float *new_bias = new_constant(f, 1, &channels, &bias);
    float *new_weights = new_bias && multiply ? new_constant(f, 4, w.shape, &weights) : NULL;
    if (!new_bias || (multiply && !new_weights)) return false;
    for (size_t i = 0; i < channels; i++) {
        float value = c.values[c.count == 1 ? 0 : i], before = old ? old[i] : 0;
        if (op->arithmetic == MASK__DIVIDE) value = 1 / value;
        if (op->arithmetic == MASK__SUBTRACT) value = -value;
        new_bias[i] = multiply ? before * value : before + value;
        for (size_t k = i * each; multiply && k < (i + 1) * each; k++) new_weights[k] = w.values[k] * value;
    }
    conv->inputs[1] = weights;
    conv->inputs[2] = bias;
    absorb(f, op, conv);
    return true;
}

/* Takes a sum or product with a constant into what it follows. */
static bool fuse_constant(fuser *f, mask__graph_op *op)
{
    bool first = op->arithmetic <= MASK__DIVIDE && tensor(f, op->inputs[1])->values,
         second = (op->arithmetic == MASK__ADD || op->arithmetic == MASK__MULTIPLY) && tensor(f, op->inputs[0])->values;
    if (!first && !second) return false;
    uint32_t x = op->inputs[!first], constant = op->inputs[first];
    const mask__graph_tensor *y = tensor(f, op->output);
    if (!mask__same_shape(tensor(f, x), y)) return false;
    size_t channels = y->ndim ? y->shape[y->ndim - 1] : 1;
    mask__graph_op *conv = sole(f, x, MASK__OP_CONV), *norm = sole(f, x, MASK__OP_NORM),
                   *matmul = sole(f, x, MASK__OP_MATMUL);
    if (conv && conv->input_count <= ADDED && is_by_channel(f, constant, channels))
        return fold_constant(f, op, conv, constant);
    if (norm && tensor(f, constant)->count == channels && is_by_channel(f, constant, channels)) {
        if (!(op->arithmetic == MASK__MULTIPLY && norm->input_count == 1) &&
            !(op->arithmetic == MASK__ADD && norm->input_count == 2))
            return false;
        norm->inputs[norm->input_count++] = constant;
        absorb(f, op, norm);
        return true;
    }
    if (matmul && tensor(f, constant)->count == 1 && op->arithmetic >= MASK__MULTIPLY) {
        float factor = tensor(f, constant)->values[0];
        if (op->arithmetic == MASK__DIVIDE) factor = 1 / factor;
        matmul->coefficient = (matmul->coefficient != 0 ? matmul->coefficient : 1) * factor;
        absorb(f, op, matmul);
        return true;
    }
    return false;
}

/* The convolution may write over a tensor to add to it: it is there before, and nobody but the sum wants it after. */
static bool may_overwrite(const fuser *f, uint32_t t, const mask__graph_op *conv, const mask__graph_op *sum)
{
    const use *u = &f->uses[t];
    if (!u->maker || u->aliased || u->kept || u->maker >= conv || u->last != sum) return false;
    for (const mask__graph_op *op = conv; op < sum; op++)
        for (size_t k = 0; k < op->input_count && !f->gone[op - f->g->ops]; k++)
            if (op->inputs[k] == t) return false;
    return true;
}

/* A convolution's result plus another tensor. */
static bool fuse_sum(fuser *f, mask__graph_op *op)
{
    for (int side = 0; side < 2; side++) {
        uint32_t x = op->inputs[side], other = op->inputs[!side];
        mask__graph_op *conv = sole(f, x, MASK__OP_CONV);
        if (!conv || x == other || conv->input_count > ADDED || f->uses[x].aliased ||
            !mask__same_shape(tensor(f, x), tensor(f, other)) || !may_overwrite(f, other, conv, op))
            continue;
        conv->inputs[conv->input_count++] = other;
        absorb(f, op, conv);
        return true;
    }
    return false;
}

static bool bounds(const mask__graph_op *op, float *low, float *high)
{
    bool relu = op->activation == MASK__RELU;
    *low = relu ? 0 : op->low;
    *high = relu ? INFINITY : op->high;
    return relu || op->activation == MASK__CLIP;
}

static float within(float x, float low, float high)
{
    return x < low ? low : x > high ? high : x;
}

/* An activation becomes that of the operator before it; bounds may follow bounds, as PyTorch writes a ReLU6. */
static bool fuse_activation(fuser *f, mask__graph_op *op)
{
    const use *u = &f->uses[op->inputs[0]];
    mask__graph_op *by = u->maker;
    float low, high, low_before, high_before;
    if (!by || u->count != 1 || u->kept || by->kind == MASK__OP_RESHAPE || by->kind == MASK__OP_PAD ||
        (by->kind == MASK__OP_CONV && !mask__conv_activates(op->activation)))
        return false;
    if (by->activation == MASK__LINEAR) {
        set_activation(by, op->activation, op->low, op->high);
    } else if (bounds(by, &low_before, &high_before) && bounds(op, &low, &high)) {
        set_activation(by, MASK__CLIP, within(low_before, low, high), within(high_before, low, high));
    } else {
        return false;
    }
    absorb(f, op, by);
    return true;
}

static void fuse_pad(fuser *f, mask__graph_op *conv)
{
    mask__graph_op *pad = sole(f, conv->inputs[0], MASK__OP_PAD);
    if (!pad || pad->low != 0 || pad->begin[0] || pad->step[0] || pad->begin[3] || pad->step[3]) return;
    for (int d = 0; d < 2; d++) {
        conv->pad_before[d] += pad->begin[1 + d];
        conv->pad_after[d] += (size_t)pad->step[1 + d];
    }
    read_instead(f, conv, 0, pad);
}

/* A matrix times a constant one is a convolution of a window of 1; one times a transposed one needs no transposing. */
static void fuse_matmul(fuser *f, mask__graph_op *op)
{
    const mask__graph_tensor *b = tensor(f, op->inputs[1]);
    if (b->values && b->ndim == 2 && b->count && !tensor(f, op->inputs[0])->values) {
        size_t in = b->shape[op->transposed], out = b->shape[!op->transposed];
        uint32_t constant;
        const float *from = b->values;
        float *values = new_constant(f, 4, (size_t[]){out, 1, 1, in}, &constant);
        if (!values) return;
        for (size_t o = 0; o < out; o++)
            for (size_t i = 0; i < in; i++) values[o * in + i] = op->transposed ? from[o * in + i] : from[i * out + o];
        op->kind = MASK__OP_CONV;
        op->inputs[1] = constant;
        op->inputs[2] = MASK__NO_TENSOR;
        op->input_count = ADDED;
        op->groups = 1;
        for (int d = 0; d < 2; d++) op->stride[d] = op->dilation[d] = 1;
        return;
    }
    mask__graph_op *transpose = sole(f, op->inputs[1], MASK__OP_TRANSPOSE);
    if (!transpose || op->transposed) return;
    unsigned ndim = b->ndim;
    for (unsigned d = 0; d < ndim; d++)
        if (transpose->order[d] != (d + 2 == ndim ? ndim - 1 : d + 1 == ndim ? ndim - 2 : d)) return;
    op->transposed = true;
    read_instead(f, op, 1, transpose);
}

static mask_status fuse_all(fuser *f, const uint32_t *outputs, size_t output_count)
{
    mask__graph *g = f->g;
    for (size_t i = 0; i < g->op_count; i++) { /* names for what stands for one operator */
        mask__graph_op *op = &g->ops[i];
        if (f->gone[i]) continue;
        if (is_binary(op, MASK__MULTIPLY)) find_function(f, op);
        else if (is_binary(op, MASK__DIVIDE)) find_norm(f, op);
    }
    count_uses(f, outputs, output_count);
    for (size_t i = 0; i < g->op_count && f->status == MASK_OK; i++) {
        mask__graph_op *op = &g->ops[i];
        if (f->gone[i]) continue;
        if (op->kind == MASK__OP_CONV) fuse_pad(f, op);
        if (op->kind == MASK__OP_MATMUL) fuse_matmul(f, op);
        if (op->kind == MASK__OP_ACTIVATION) fuse_activation(f, op);
        if (op->kind != MASK__OP_BINARY) continue;
        mask__activation activation = op->activation; /* a sum's own, in TFLite */
        float low = op->low, high = op->high;
        if (activation != MASK__LINEAR && !mask__conv_activates(activation)) continue;
        uint32_t result = op->output;
        if (!fuse_constant(f, op) && !(op->arithmetic == MASK__ADD && fuse_sum(f, op))) continue;
        if (activation != MASK__LINEAR) set_activation(f->uses[result].maker, activation, low, high);
    }
    return f->status;
}

mask_status mask__fuse(const mask__graph *from, const uint32_t *outputs, size_t output_count, mask__graph *out,
                       mask_error *err)
{
    mask__graph_begin(out, from->path, 0, 0);
    size_t spare = from->tensor_count + 2 * from->op_count; /* constants made here must not move the tensors */
    bool made = mask__grow(&out->tensors, &out->tensor_room, spare, sizeof *out->tensors) &&
                mask__grow(&out->ops, &out->op_room, from->op_count + 1, sizeof *out->ops);
    fuser f = {.g = out, .err = err};
    f.uses = calloc(spare + 1, sizeof *f.uses);
    f.gone = calloc(from->op_count + 1, sizeof *f.gone);
    f.status = made && f.uses && f.gone ? MASK_OK : mask__no_memory(err, from->path);
    if (f.status == MASK_OK) {
        memcpy(out->tensors, from->tensors, from->tensor_count * sizeof *out->tensors);
        if (from->op_count) memcpy(out->ops, from->ops, from->op_count * sizeof *out->ops);
        out->tensor_count = from->tensor_count;
        out->op_count = from->op_count;
        out->input = from->input;
    }
    for (size_t i = 0; i < out->op_count && f.status == MASK_OK; i++) {
        mask__graph_op *op = &out->ops[i];
        size_t room = op->input_count <= ADDED ? ADDED + 1 : op->input_count;
        uint32_t *inputs = mask__arena_alloc(&out->arena, room, sizeof *inputs);
        if (!inputs) f.status = mask__no_memory(err, from->path);
        else memcpy(inputs, op->inputs, op->input_count * sizeof *inputs);
        if (inputs && op->kind == MASK__OP_CONV && op->input_count == 2) inputs[op->input_count++] = MASK__NO_TENSOR;
        op->inputs = inputs;
    }
    if (f.status == MASK_OK) {
        count_uses(&f, outputs, output_count);
        fuse_all(&f, outputs, output_count);
    }
    if (f.status == MASK_OK) count_uses(&f, outputs, output_count);
    size_t kept = 0;
    for (size_t i = 0; i < out->op_count && f.status == MASK_OK; i++)
        if (!f.gone[i]) out->ops[kept++] = out->ops[i];
    out->op_count = kept;
    free(f.uses);
    free(f.gone);
    if (f.status != MASK_OK) mask__graph_free(out);
    return f.status;
}
