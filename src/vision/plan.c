#include "vision/plan.h"
#include "vision/fuse.h"
#include "vision/operators.h"

#include <stdlib.h>
#include <string.h>

enum { LEAST_CHANNELS = 8, ALIGN_VALUES = 16 };
static const size_t most_values = (size_t)1 << 29;

typedef struct planner {
    mask__plan *plan;
    const mask__plan *twin;
    const mask__graph *graph;
    const mask__fusion *fusions;
    size_t (*slot_of)[MASK__LAYOUTS]; /* of each tensor, MASK__NO_SLOT where it is not in that layout */
} planner;

static size_t new_slot(planner *p, size_t count)
{
    mask__plan *plan = p->plan;
    plan->slots[plan->slot_count] = (mask__slot){.count = count, .first = plan->step_count, .last = plan->step_count};
    return plan->slot_count++;
}

/* The next step, with room for inputs; NULL when memory is short. */
static mask__step *new_step(planner *p, mask__step_kind kind, size_t inputs)
{
    mask__step *step = &p->plan->steps[p->plan->step_count];
    step->kind = kind;
    step->inputs = mask__arena_alloc(&p->plan->arena, inputs, sizeof *step->inputs);
    return step->inputs ? step : NULL;
}

static void read_slot(planner *p, mask__step *step, size_t input, size_t slot)
{
    step->inputs[input] = slot;
    if (slot != MASK__NO_SLOT) p->plan->slots[slot].last = p->plan->step_count;
}

/* The slot that holds a computed tensor in a layout, by a step that converts it where needed; MASK__NO_SLOT when memory
 * is short. Every tensor begins plain or blocked; planes are made of plain rows. */
static size_t slot_in(planner *p, uint32_t tensor, mask__layout layout)
{
    size_t *slots = p->slot_of[tensor];
    if (slots[layout] != MASK__NO_SLOT) return slots[layout];
    mask__layout from = layout == MASK__PLAIN ? MASK__BLOCKED : MASK__PLAIN;
    size_t source = slot_in(p, tensor, from);
    mask__step *step = new_step(p, MASK__STEP_CONVERT, 1);
    if (source == MASK__NO_SLOT || !step) return MASK__NO_SLOT;
    const mask__graph_tensor *t = &p->graph->tensors[tensor];
    step->tensor = t;
    step->from = from;
    step->to = layout;
    read_slot(p, step, 0, source);
    step->output = slots[layout] = new_slot(p, mask__layout_count(layout, t->shape));
    p->plan->step_count++;
    return slots[layout];
}

static mask__conv_spec conv_spec(const planner *p, const mask__graph_op *op, const mask__fusion *f)
{
    const mask__graph_tensor *in = &p->graph->tensors[f->input], *out = &p->graph->tensors[f->output];
    mask__conv_spec spec = {.depthwise = op->kind == MASK__OP_DEPTHWISE,
                            .add = f->add != MASK__NO_TENSOR,
                            .activation = f->activation,
                            .from = in->shape[3] < LEAST_CHANNELS ? MASK__PLANAR : MASK__BLOCKED,
                            .to = MASK__BLOCKED};
    memcpy(spec.in, in->shape, sizeof spec.in);
    memcpy(spec.out, out->shape, sizeof spec.out);
    memcpy(spec.kernel, p->graph->tensors[op->inputs[1]].shape + 1, sizeof spec.kernel);
    memcpy(spec.stride, op->stride, sizeof spec.stride);
    memcpy(spec.dilation, op->dilation, sizeof spec.dilation);
    memcpy(spec.pad_before, f->pad_before, sizeof spec.pad_before);
    memcpy(spec.pad_after, f->pad_after, sizeof spec.pad_after);
    return spec;
}

static const mask__conv *find_twin(const mask__plan *twin, const mask__graph_op *op)
{
    for (size_t i = 0; twin && i < twin->step_count; i++)
        if (twin->steps[i].op == op) return twin->steps[i].conv;
    return NULL;
}

/* Creates the convolution, in blocks or, where oneDNN has no good kernel for that, on plain rows. */
static mask_status create_conv(planner *p, const mask__graph_op *op, mask__conv_spec *spec, mask__conv **out,
                               mask_error *err)
{
    const mask__graph_tensor *tensors = p->graph->tensors;
    const float *weights = tensors[op->inputs[1]].values;
    const float *bias = op->inputs[2] == MASK__NO_TENSOR ? NULL : tensors[op->inputs[2]].values;
    const mask__conv *twin = find_twin(p->twin, op);
    MASK__TRY(mask__conv_create(out, spec, weights, bias, twin, err));
    if (!mask__conv_slow(*out)) return MASK_OK;
    mask__conv_free(*out);
    spec->from = spec->to = MASK__PLAIN;
    return mask__conv_create(out, spec, weights, bias, twin, err);
}

static mask_status plan_conv(planner *p, const mask__graph_op *op, const mask__fusion *f, mask_error *err)
{
    mask__conv *conv;
    mask__conv_spec spec = conv_spec(p, op, f);
    MASK__TRY(create_conv(p, op, &spec, &conv, err));
    size_t from = slot_in(p, f->input, spec.from), to = spec.add ? slot_in(p, f->add, spec.to) : 0;
    mask__step *step = new_step(p, MASK__STEP_CONVOLVE, 1);
    if (!step || from == MASK__NO_SLOT || to == MASK__NO_SLOT) {
        mask__conv_free(conv);
        return mask__no_memory(err, p->graph->path);
    }
    step->op = op;
    step->conv = conv;
    read_slot(p, step, 0, from);
    if (spec.add) p->plan->slots[to].last = p->plan->step_count;
    else to = new_slot(p, mask__layout_count(spec.to, spec.out));
    step->output = p->slot_of[f->output][spec.to] = to;
    p->plan->step_count++;
    return MASK_OK;
}

static bool blocked(const planner *p, uint32_t tensor)
{
    return p->slot_of[tensor][MASK__BLOCKED] != MASK__NO_SLOT;
}

/* Sums and products of two blocked tensors stay blocked. */
static mask_status plan_operator(planner *p, const mask__graph_op *op, mask_error *err)
{
    const mask__graph_tensor *tensors = p->graph->tensors;
    bool pair = (op->kind == MASK__OP_ADD || op->kind == MASK__OP_MUL) && tensors[op->inputs[0]].ndim == 4 &&
                tensors[op->inputs[0]].count == tensors[op->inputs[1]].count && blocked(p, op->inputs[0]) &&
                blocked(p, op->inputs[1]);
    mask__layout layout = pair ? MASK__BLOCKED : MASK__PLAIN;
    for (size_t i = 0; i < op->input_count; i++) /* conversions are steps of their own, before this one */
        if (op->inputs[i] != MASK__NO_TENSOR && !tensors[op->inputs[i]].values &&
            slot_in(p, op->inputs[i], layout) == MASK__NO_SLOT)
            return mask__no_memory(err, p->graph->path);
    mask__step *step = new_step(p, pair ? MASK__STEP_PAIR : MASK__STEP_OPERATOR, op->input_count);
    if (!step) return mask__no_memory(err, p->graph->path);
    step->op = op;
    for (size_t i = 0; i < op->input_count; i++) {
        bool computed = op->inputs[i] != MASK__NO_TENSOR && !tensors[op->inputs[i]].values;
        read_slot(p, step, i, computed ? p->slot_of[op->inputs[i]][layout] : MASK__NO_SLOT);
    }
    const mask__graph_tensor *out = &tensors[op->output];
    step->output = new_slot(p, pair ? mask__layout_count(layout, out->shape) : out->count);
    p->slot_of[op->output][layout] = step->output;
    p->plan->step_count++;
    return MASK_OK;
}

static mask_status plan_steps(planner *p, const uint32_t *outputs, size_t output_count, mask_error *err)
{
    const mask__graph *g = p->graph;
    p->plan->input = p->slot_of[g->input][MASK__PLAIN] = new_slot(p, g->tensors[g->input].count);
    for (size_t i = 0; i < g->op_count; i++) {
        const mask__graph_op *op = &g->ops[i];
        if (p->fusions[i].skip) continue;
        if (op->kind == MASK__OP_CONV || op->kind == MASK__OP_DEPTHWISE) {
            MASK__TRY(plan_conv(p, op, &p->fusions[i], err));
        } else if (op->kind == MASK__OP_RESHAPE) {
            size_t slot = slot_in(p, op->inputs[0], MASK__PLAIN);
            if (slot == MASK__NO_SLOT) return mask__no_memory(err, g->path);
            p->slot_of[op->output][MASK__PLAIN] = slot;
        } else {
            MASK__TRY(plan_operator(p, op, err));
        }
    }
    for (size_t o = 0; o < output_count; o++) {
        size_t slot = p->plan->outputs[o] = slot_in(p, outputs[o], MASK__PLAIN);
        if (slot == MASK__NO_SLOT) return mask__no_memory(err, g->path);
        p->plan->slots[slot].last = SIZE_MAX;
    }
    return MASK_OK;
}

static int larger_first(const void *a, const void *b)
{
    const mask__slot *x = *(mask__slot *const *)a, *y = *(mask__slot *const *)b;
    if (x->count != y->count) return x->count < y->count ? 1 : -1;
    return x < y ? -1 : x > y;
}

/* The lowest place where a slot overlaps none of the placed ones that live at the same time. */
static size_t find_place(const mask__slot *slot, mask__slot *const *placed, size_t count)
{
    size_t place = 0;
    for (bool moved = true; moved;) {
        moved = false;
        for (size_t i = 0; i < count; i++) {
            const mask__slot *other = placed[i];
            if (other->first > slot->last || slot->first > other->last) continue;
            if (place >= other->offset + other->count || other->offset >= place + slot->count) continue;
            place = other->offset + other->count;
            moved = true;
        }
    }
    return place;
}

/* Large slots first, each as low as it fits: close to the least memory possible for networks that are a chain. */
static mask_status place_slots(mask__plan *plan, const char *path, mask_error *err)
{
    size_t scratch = 0;
    mask__slot **order = mask__arena_alloc(&plan->arena, plan->slot_count, sizeof *order);
    if (!order) return mask__no_memory(err, path);
    for (size_t i = 0; i < plan->slot_count; i++) {
        order[i] = &plan->slots[i];
        order[i]->count = (order[i]->count + ALIGN_VALUES - 1) / ALIGN_VALUES * ALIGN_VALUES;
    }
    qsort(order, plan->slot_count, sizeof *order, larger_first);
    for (size_t i = 0; i < plan->slot_count; i++) {
        order[i]->offset = find_place(order[i], order, i);
        if (order[i]->offset + order[i]->count > plan->values) plan->values = order[i]->offset + order[i]->count;
    }
    for (size_t i = 0; i < plan->step_count; i++)
        if (plan->steps[i].conv && mask__conv_scratch(plan->steps[i].conv) > scratch)
            scratch = mask__conv_scratch(plan->steps[i].conv);
    plan->scratch = plan->values;
    plan->values += scratch;
    if (plan->values <= most_values) return MASK_OK;
    return mask__fail(err, MASK_EFORMAT, MASK_NO_OFFSET, "%s: needs %zu MB for one image: use a smaller model", path,
                      plan->values >> 18);
}

mask_status mask__plan_make(mask__plan *plan, const mask__graph *g, const uint32_t *outputs, size_t output_count,
                            const mask__plan *twin, mask_error *err)
{
    mask__arena working = {0};
    planner p = {.plan = plan, .twin = twin, .graph = g};
    size_t slots = (size_t)MASK__LAYOUTS * (g->tensor_count + 1);
    *plan = (mask__plan){0};
    plan->slots = mask__arena_alloc(&plan->arena, slots, sizeof *plan->slots);
    plan->steps = mask__arena_alloc(&plan->arena, slots + g->op_count, sizeof *plan->steps);
    plan->outputs = mask__arena_alloc(&plan->arena, output_count, sizeof *plan->outputs);
    p.slot_of = mask__arena_alloc(&working, g->tensor_count + 1, sizeof *p.slot_of);
    p.fusions = mask__fuse(g, outputs, output_count, &working);
    mask_status status = MASK_OK;
    if (!plan->slots || !plan->steps || !plan->outputs || !p.slot_of || !p.fusions) {
        status = mask__no_memory(err, g->path);
    } else {
        for (size_t t = 0; t < g->tensor_count; t++)
            for (int l = 0; l < MASK__LAYOUTS; l++) p.slot_of[t][l] = MASK__NO_SLOT;
        status = plan_steps(&p, outputs, output_count, err);
        if (status == MASK_OK) status = place_slots(plan, g->path, err);
    }
    mask__arena_free(&working);
    if (status != MASK_OK) mask__plan_free(plan);
    return status;
}

void mask__plan_free(mask__plan *plan)
{
    for (size_t i = 0; i < plan->step_count; i++) mask__conv_free(plan->steps[i].conv);
    mask__arena_free(&plan->arena);
    *plan = (mask__plan){0};
}

static void run_operator(const mask__plan *plan, const mask__graph *g, const mask__step *s, float *memory,
                         const float **inputs)
{
    for (size_t i = 0; i < s->op->input_count; i++) {
        uint32_t tensor = s->op->inputs[i];
        if (s->inputs[i] != MASK__NO_SLOT) inputs[i] = memory + plan->slots[s->inputs[i]].offset;
        else inputs[i] = tensor == MASK__NO_TENSOR ? NULL : g->tensors[tensor].values;
    }
    mask__operator_run(g, s->op, inputs, memory + plan->slots[s->output].offset);
}

mask_status mask__plan_run(const mask__plan *plan, const mask__graph *g, float *memory, mask_error *err)
{
    for (size_t i = 0; i < plan->step_count; i++) {
        const mask__step *s = &plan->steps[i];
        const float *from = s->inputs[0] == MASK__NO_SLOT ? NULL : memory + plan->slots[s->inputs[0]].offset;
        float *to = memory + plan->slots[s->output].offset;
        switch (s->kind) {
        case MASK__STEP_CONVOLVE:
            MASK__TRY(mask__conv_run(s->conv, from, to, memory + plan->scratch, err));
            break;
        case MASK__STEP_CONVERT:
            mask__layout_convert(from, s->from, to, s->to, s->tensor->shape);
            break;
        case MASK__STEP_PAIR:
            mask__operator_pair(s->op->kind, s->op->activation, from, memory + plan->slots[s->inputs[1]].offset, to,
                                plan->slots[s->output].count);
            break;
        case MASK__STEP_OPERATOR: {
            const float **inputs = malloc(s->op->input_count * sizeof *inputs);
            if (!inputs) return mask__no_memory(err, "an operator");
            run_operator(plan, g, s, memory, inputs);
            free(inputs);
        }
        }
    }
    return MASK_OK;
}
