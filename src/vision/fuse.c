#include "vision/fuse.h"

#include <string.h>

typedef struct use {
    size_t count;    /* operators that read it, and outputs that ask for it; 0 = nobody needs it */
    size_t last;     /* operator that reads it last */
    size_t producer; /* operator; 0 for the input too, which comes before all */
    bool kept;       /* an output */
    bool aliased;    /* another tensor may be the same memory, or is read in its stead */
} use;

static use *count_uses(const mask__graph *g, const uint32_t *outputs, size_t output_count, mask__arena *arena)
{
    use *uses = mask__arena_alloc(arena, g->tensor_count + 1, sizeof *uses);
    if (!uses) return NULL;
    for (size_t o = 0; o < output_count; o++) {
        uses[outputs[o]].count++;
        uses[outputs[o]].kept = true;
    }
    for (size_t i = g->op_count; i-- > 0;) { /* from the end, so that what nobody needs asks for nothing */
        const mask__graph_op *op = &g->ops[i];
        bool alias = op->kind == MASK__OP_RESHAPE || op->kind == MASK__OP_PAD;
        uses[op->output].producer = i;
        if (op->kind == MASK__OP_RESHAPE) uses[op->output].aliased = true;
        for (size_t k = 0; k < op->input_count && uses[op->output].count; k++) {
            if (op->inputs[k] == MASK__NO_TENSOR) continue;
            use *u = &uses[op->inputs[k]];
            if (u->last < i) u->last = i;
            u->count++;
            if (alias) u->aliased = true;
        }
    }
    return uses;
}

static void fuse_pad(const mask__graph *g, const use *uses, mask__fusion *fusions, size_t conv)
{
    mask__fusion *f = &fusions[conv];
    const use *u = &uses[f->input];
    const mask__graph_op *pad = &g->ops[u->producer];
    if (pad->output != f->input || pad->kind != MASK__OP_PAD || u->count != 1) return;
    fusions[u->producer].skip = true;
    f->input = pad->inputs[0];
    for (int d = 0; d < 2; d++) {
        f->pad_before[d] += pad->pad_before[d];
        f->pad_after[d] += pad->pad_after[d];
    }
}

/* The convolution may write over a tensor to add to it: it is there before, and nobody but the sum wants it after. */
static bool may_overwrite(const mask__graph *g, const use *uses, uint32_t tensor, size_t conv, size_t sum)
{
    const use *u = &uses[tensor];
    if (g->tensors[tensor].values || u->aliased || u->kept || u->producer >= conv || u->last != sum) return false;
    for (size_t i = conv; i < sum; i++) /* one that nobody needs counts too: that costs speed, never a result */
        for (size_t k = 0; k < g->ops[i].input_count; k++)
            if (g->ops[i].inputs[k] == tensor) return false;
    return true;
}

/* Takes the only reader of the convolution's result into it, where that can be done. */
static bool fuse_reader(const mask__graph *g, const use *uses, mask__fusion *fusions, size_t conv)
{
    mask__fusion *f = &fusions[conv];
    const use *u = &uses[f->output];
    if (u->count != 1 || u->kept || f->activation != MASK__LINEAR) return false;
    const mask__graph_op *reader = &g->ops[u->last];
    if (reader->activation == MASK__LOGISTIC) return false; /* of 0 it is not 0, which blocked layouts need */
    if (reader->kind == MASK__OP_ADD && f->add == MASK__NO_TENSOR) {
        uint32_t other = reader->inputs[reader->inputs[0] == f->output];
        if (g->tensors[other].count != g->tensors[f->output].count || !may_overwrite(g, uses, other, conv, u->last))
            return false;
        f->add = other;
    } else if (reader->kind != MASK__OP_ACTIVATION) {
        return false;
    }
    f->activation = reader->activation;
    f->output = reader->output;
    fusions[u->last].skip = true;
    return true;
}

mask__fusion *mask__fuse(const mask__graph *g, const uint32_t *outputs, size_t output_count, mask__arena *arena)
{
    use *uses = count_uses(g, outputs, output_count, arena);
    mask__fusion *fusions = mask__arena_alloc(arena, g->op_count + 1, sizeof *fusions);
    if (!uses || !fusions) return NULL;
    for (size_t i = 0; i < g->op_count; i++) {
        const mask__graph_op *op = &g->ops[i];
        mask__fusion *f = &fusions[i];
        f->input = op->inputs[0];
        f->output = op->output;
        f->add = MASK__NO_TENSOR;
        f->activation = op->activation;
        f->skip = f->skip || uses[op->output].count == 0;
        memcpy(f->pad_before, op->pad_before, sizeof f->pad_before);
        memcpy(f->pad_after, op->pad_after, sizeof f->pad_after);
        if (f->skip || (op->kind != MASK__OP_CONV && op->kind != MASK__OP_DEPTHWISE)) continue;
        fuse_pad(g, uses, fusions, i);
        while (fuse_reader(g, uses, fusions, i)) {
        }
    }
    return fusions;
}
