#include "vision/plan.h"
#include "vision/operators.h"

#include <stdlib.h>
#include <string.h>

enum { ALIGN_VALUES = 16, ADDED = 3 /* the input of a convolution that its result is added to */ };
static const size_t most_values = (size_t)1 << 29;

typedef struct planner {
    mask__plan *plan;
    const mask__plan *twin;
    const mask__graph *graph;
    size_t *slot_of; /* of each tensor, MASK__NO_SLOT where it is not computed */
} planner;

static size_t new_slot(planner *p, uint32_t tensor)
{
    mask__plan *plan = p->plan;
    plan->slots[plan->slot_count] =
        (mask__slot){.count = p->graph->tensors[tensor].count, .first = plan->step_count, .last = plan->step_count};
    return p->slot_of[tensor] = plan->slot_count++;
}

/* A tensor as a picture: one whose dimensions do not matter is a row of points. */
static void picture(const mask__graph_tensor *t, size_t channels, bool point, size_t shape[4])
{
    if (point) memcpy(shape, (size_t[]){1, 1, t->count / channels, channels}, 4 * sizeof *shape);
    else memcpy(shape, t->shape, 4 * sizeof *shape);
}

static mask_status create_conv(planner *p, mask__step *step, mask_error *err)
{
    const mask__graph_tensor *tensors = p->graph->tensors;
    const mask__graph_op *op = step->op;
    const mask__graph_tensor *w = &tensors[op->inputs[1]];
    const float *bias = op->inputs[2] == MASK__NO_TENSOR ? NULL : tensors[op->inputs[2]].values;
    size_t x[4], y[4];
    bool point = op->groups == 1 && w->shape[1] * w->shape[2] * op->stride[0] * op->stride[1] == 1 &&
                 op->pad_before[0] + op->pad_before[1] + op->pad_after[0] + op->pad_after[1] == 0;
    picture(&tensors[op->inputs[0]], w->shape[3], point, x);
    picture(&tensors[op->output], w->shape[0], point, y);
    const mask__conv *twin =
        p->twin ? p->twin->steps[p->plan->step_count].conv : NULL; /* the same graph, so the same step */
    return mask__conv_create(&step->conv, op, x, y, op->input_count > ADDED, w, bias, twin, err);
}

static mask_status plan_step(planner *p, const mask__graph_op *op, mask_error *err)
{
    mask__plan *plan = p->plan;
    mask__step *step = &plan->steps[plan->step_count];
    step->op = op;
    step->inputs = mask__arena_alloc(&plan->arena, op->input_count, sizeof *step->inputs);
    if (!step->inputs) return mask__no_memory(err, p->graph->path);
    for (size_t i = 0; i < op->input_count; i++) {
        size_t slot = op->inputs[i] == MASK__NO_TENSOR ? (size_t)MASK__NO_SLOT : p->slot_of[op->inputs[i]];
        step->inputs[i] = slot;
        if (slot != MASK__NO_SLOT) plan->slots[slot].last = plan->step_count;
    }
    bool conv = op->kind == MASK__OP_CONV;
    if (conv) MASK__TRY(create_conv(p, step, err));
    if (conv && op->input_count > ADDED) step->output = p->slot_of[op->output] = step->inputs[ADDED];
    else step->output = new_slot(p, op->output);
    plan->step_count++;
    return MASK_OK;
}

static mask_status plan_steps(planner *p, const uint32_t *outputs, size_t output_count, mask_error *err)
{
    const mask__graph *g = p->graph;
    p->plan->input = new_slot(p, g->input);
    for (size_t i = 0; i < g->op_count; i++) {
        const mask__graph_op *op = &g->ops[i];
        if (op->kind == MASK__OP_RESHAPE && op->activation == MASK__LINEAR)
            p->slot_of[op->output] = p->slot_of[op->inputs[0]];
        else MASK__TRY(plan_step(p, op, err));
    }
    for (size_t o = 0; o < output_count; o++) {
        size_t slot = p->plan->outputs[o] = p->slot_of[outputs[o]];
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
    return mask__fail(err, MASK_EFORMAT, "%s: needs %zu MB for one image: use a smaller model", path,
                      plan->values >> 18);
}

mask_status mask__plan_make(mask__plan *plan, const mask__graph *g, const uint32_t *outputs, size_t output_count,
                            const mask__plan *twin, mask_error *err)
{
    mask__arena working = {0};
    planner p = {.plan = plan, .twin = twin, .graph = g};
    *plan = (mask__plan){0};
    plan->slots = mask__arena_alloc(&plan->arena, g->op_count + 1, sizeof *plan->slots);
    plan->steps = mask__arena_alloc(&plan->arena, g->op_count + 1, sizeof *plan->steps);
    plan->outputs = mask__arena_alloc(&plan->arena, output_count, sizeof *plan->outputs);
    p.slot_of = mask__arena_alloc(&working, g->tensor_count + 1, sizeof *p.slot_of);
    mask_status status = MASK_OK;
    if (!plan->slots || !plan->steps || !plan->outputs || !p.slot_of) {
        status = mask__no_memory(err, g->path);
    } else {
        for (size_t t = 0; t < g->tensor_count; t++) p.slot_of[t] = MASK__NO_SLOT;
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

mask_status mask__plan_run(const mask__plan *plan, const mask__graph *g, float *memory, mask_error *err)
{
    enum { FEW = 8 };
    for (size_t i = 0; i < plan->step_count; i++) {
        const mask__step *s = &plan->steps[i];
        const float *few[FEW] = {NULL}, **inputs = few;
        float *to = memory + plan->slots[s->output].offset;
        if (s->op->input_count > FEW && !(inputs = malloc(s->op->input_count * sizeof *inputs)))
            return mask__no_memory(err, "an operator");
        for (size_t k = 0; k < s->op->input_count; k++) {
            uint32_t tensor = s->op->inputs[k];
            if (s->inputs[k] != MASK__NO_SLOT) inputs[k] = memory + plan->slots[s->inputs[k]].offset;
            else inputs[k] = tensor == MASK__NO_TENSOR ? NULL : g->tensors[tensor].values;
        }
        mask_status status = MASK_OK;
        if (s->conv) status = mask__conv_run(s->conv, inputs[0], to, memory + plan->scratch, err);
        else mask__operator_run(g, s->op, inputs, to);
        if (inputs != few) free(inputs);
        if (status != MASK_OK) return status;
    }
    return MASK_OK;
}
