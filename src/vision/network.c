#include "vision/network.h"
#include "vision/fuse.h"
#include "vision/convolution.h"
#include "vision/operators.h"

#include <omp.h>
#include <stdlib.h>
#include <string.h>

/* ---- A plan: what is decided once -------------------------------------------------------------------------------- */

/* A computed tensor, somewhere in the block of memory while steps need it. */
typedef struct plan_slot {
    size_t count, offset; /* values */
    size_t first, last;   /* steps that write it first and read it last */
} plan_slot;

enum { NO_SLOT = UINT32_MAX };

typedef struct plan_step {
    const mask__graph_op *op;
    mask__conv *conv; /* of a convolution */
    size_t *inputs;   /* slots; NO_SLOT for a constant or an absent input */
    size_t output;    /* slot */
} plan_step;

typedef struct net_plan {
    mask__arena arena;
    plan_step *steps;
    plan_slot *slots;
    size_t step_count, slot_count;
    size_t input, *outputs; /* slots */
    size_t scratch;         /* where the convolutions' working memory begins, behind the slots */
    size_t values;          /* of the block of memory */
} net_plan;

enum { ALIGN_VALUES = 16, ADDED = 3 /* the input of a convolution that its result is added to */ };
static const size_t most_values = (size_t)1 << 29;

typedef struct planner {
    net_plan *plan;
    const net_plan *twin;
    const mask__graph *graph;
    size_t *slot_of; /* of each tensor, NO_SLOT where it is not computed */
} planner;

static size_t new_slot(planner *p, uint32_t tensor)
{
    net_plan *plan = p->plan;
    plan->slots[plan->slot_count] =
        (plan_slot){.count = p->graph->tensors[tensor].count, .first = plan->step_count, .last = plan->step_count};
    return p->slot_of[tensor] = plan->slot_count++;
}

/* A tensor as a picture: one whose dimensions do not matter is a row of points. */
static void picture(const mask__graph_tensor *t, size_t channels, bool point, size_t shape[4])
{
    if (point) memcpy(shape, (size_t[]){1, 1, t->count / channels, channels}, 4 * sizeof *shape);
    else memcpy(shape, t->shape, 4 * sizeof *shape);
}

static mask_status create_conv(planner *p, plan_step *step, mask_error *err)
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

static mask_status add_step(planner *p, const mask__graph_op *op, mask_error *err)
{
    net_plan *plan = p->plan;
    plan_step *step = &plan->steps[plan->step_count];
    step->op = op;
    step->inputs = mask__arena_alloc(&plan->arena, op->input_count, sizeof *step->inputs);
    if (!step->inputs) return mask__no_memory(err, p->graph->path);
    for (size_t i = 0; i < op->input_count; i++) {
        size_t slot = op->inputs[i] == MASK__NO_TENSOR ? (size_t)NO_SLOT : p->slot_of[op->inputs[i]];
        step->inputs[i] = slot;
        if (slot != NO_SLOT) plan->slots[slot].last = plan->step_count;
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
        else MASK__TRY(add_step(p, op, err));
    }
    for (size_t o = 0; o < output_count; o++) {
        size_t slot = p->plan->outputs[o] = p->slot_of[outputs[o]];
        p->plan->slots[slot].last = SIZE_MAX;
    }
    return MASK_OK;
}

static int larger_first(const void *a, const void *b)
{
    const plan_slot *x = *(plan_slot *const *)a, *y = *(plan_slot *const *)b;
    if (x->count != y->count) return x->count < y->count ? 1 : -1;
    return x < y ? -1 : x > y;
}

/* The lowest place where a slot overlaps none of the placed ones that live at the same time. */
static size_t find_place(const plan_slot *slot, plan_slot *const *placed, size_t count)
{
    size_t place = 0;
    for (bool moved = true; moved;) {
        moved = false;
        for (size_t i = 0; i < count; i++) {
            const plan_slot *other = placed[i];
            if (other->first > slot->last || slot->first > other->last) continue;
            if (place >= other->offset + other->count || other->offset >= place + slot->count) continue;
            place = other->offset + other->count;
            moved = true;
        }
    }
    return place;
}

/* Large slots first, each as low as it fits: close to the least memory possible for networks that are a chain. */
static mask_status place_slots(net_plan *plan, const char *path, mask_error *err)
{
    size_t scratch = 0;
    plan_slot **order = mask__arena_alloc(&plan->arena, plan->slot_count, sizeof *order);
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

static void free_plan(net_plan *plan)
{
    for (size_t i = 0; i < plan->step_count; i++) mask__conv_free(plan->steps[i].conv);
    mask__arena_free(&plan->arena);
    *plan = (net_plan){0};
}

/* graph is what fuse.h left. For as many threads as OpenMP is set to. Weights that twin (NULL or another plan of the
 * same graph) has laid out alike are shared; it must live longer. */
static mask_status make_plan(net_plan *plan, const mask__graph *g, const uint32_t *outputs, size_t output_count,
                             const net_plan *twin, mask_error *err)
{
    mask__arena working = {0};
    planner p = {.plan = plan, .twin = twin, .graph = g};
    *plan = (net_plan){0};
    plan->slots = mask__arena_alloc(&plan->arena, g->op_count + 1, sizeof *plan->slots);
    plan->steps = mask__arena_alloc(&plan->arena, g->op_count + 1, sizeof *plan->steps);
    plan->outputs = mask__arena_alloc(&plan->arena, output_count, sizeof *plan->outputs);
    p.slot_of = mask__arena_alloc(&working, g->tensor_count + 1, sizeof *p.slot_of);
    mask_status status = MASK_OK;
    if (!plan->slots || !plan->steps || !plan->outputs || !p.slot_of) {
        status = mask__no_memory(err, g->path);
    } else {
        for (size_t t = 0; t < g->tensor_count; t++) p.slot_of[t] = NO_SLOT;
        status = plan_steps(&p, outputs, output_count, err);
        if (status == MASK_OK) status = place_slots(plan, g->path, err);
    }
    mask__arena_free(&working);
    if (status != MASK_OK) free_plan(plan);
    return status;
}

static mask_status run_plan(const net_plan *plan, const mask__graph *g, float *memory, mask_error *err)
{
    enum { FEW = 8 };
    for (size_t i = 0; i < plan->step_count; i++) {
        const plan_step *s = &plan->steps[i];
        const float *few[FEW] = {NULL}, **inputs = few;
        float *to = memory + plan->slots[s->output].offset;
        if (s->op->input_count > FEW && !(inputs = malloc(s->op->input_count * sizeof *inputs)))
            return mask__no_memory(err, "an operator");
        for (size_t k = 0; k < s->op->input_count; k++) {
            uint32_t tensor = s->op->inputs[k];
            if (s->inputs[k] != NO_SLOT) inputs[k] = memory + plan->slots[s->inputs[k]].offset;
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

/* ---- A network --------------------------------------------------------------------------------------------------- */

struct mask__network {
    const mask__graph *graph;
    mask__graph fused;
    size_t output_count;
    uint32_t *outputs;
    int threads;
    net_plan single; /* for one thread */
    net_plan all;    /* for all threads; without steps where there is only one */
    float **memory;  /* each thread's */
};

static mask_status make_plans(mask__network *n, mask_error *err)
{
    MASK__TRY(mask__fuse(n->graph, n->outputs, n->output_count, &n->fused, err));
    MASK__USE_THREADS(1);
    mask_status status = make_plan(&n->single, &n->fused, n->outputs, n->output_count, NULL, err);
    omp_set_num_threads(n->threads);
    if (status != MASK_OK || n->threads == 1) return status;
    return make_plan(&n->all, &n->fused, n->outputs, n->output_count, &n->single, err);
}

static mask_status make_memory(mask__network *n, mask_error *err)
{
    size_t values = n->single.values > n->all.values ? n->single.values : n->all.values;
    for (int t = 0; t < n->threads; t++) {
        if (posix_memalign((void **)&n->memory[t], 64, values * sizeof(float)) != 0) {
            n->memory[t] = NULL;
            return mask__no_memory(err, n->graph->path);
        }
        memset(n->memory[t], 0, values * sizeof(float));
    }
    return MASK_OK;
}

mask_status mask__network_open(mask__network **out, const mask__graph *graph, const uint32_t *outputs,
                               size_t output_count, int threads, mask_error *err)
{
    mask__network *n = calloc(1, sizeof *n);
    *out = NULL;
    if (!n) return mask__no_memory(err, graph->path);
    n->graph = graph;
    n->output_count = output_count;
    n->threads = threads;
    n->outputs = calloc(output_count + 1, sizeof *n->outputs);
    n->memory = calloc((size_t)threads, sizeof *n->memory);
    mask_status status = MASK_OK;
    if (!n->outputs || !n->memory) status = mask__no_memory(err, graph->path);
    if (status == MASK_OK) {
        memcpy(n->outputs, outputs, output_count * sizeof *outputs);
        status = make_plans(n, err);
    }
    if (status == MASK_OK) status = make_memory(n, err);
    if (status == MASK_OK) *out = n;
    else mask__network_close(n);
    return status;
}

void mask__network_close(mask__network *n)
{
    if (!n) return;
    free_plan(&n->all); /* it borrows from the other */
    free_plan(&n->single);
    mask__graph_free(&n->fused);
    for (int t = 0; n->memory && t < n->threads; t++) free(n->memory[t]);
    free(n->memory);
    free(n->outputs);
    free(n);
}

static mask_status run_image(const mask__network *n, const net_plan *plan, float *memory, const float *input,
                             size_t image, float *const *outputs, mask_error *err)
{
    const mask__graph_tensor *tensors = n->graph->tensors;
    size_t values = tensors[n->graph->input].count;
    memcpy(memory + plan->slots[plan->input].offset, input + image * values, values * sizeof *input);
    MASK__TRY(run_plan(plan, &n->fused, memory, err));
    for (size_t o = 0; o < n->output_count; o++) {
        size_t count = tensors[n->outputs[o]].count;
        memcpy(outputs[o] + image * count, memory + plan->slots[plan->outputs[o]].offset, count * sizeof *input);
    }
    return MASK_OK;
}

mask_status mask__network_run(mask__network *n, const float *input, size_t count, float *const *outputs,
                              mask_error *err)
{
    mask_status result = MASK_OK;
    MASK__USE_THREADS(n->threads);
    if (count == 1) return run_image(n, n->threads > 1 ? &n->all : &n->single, n->memory[0], input, 0, outputs, err);
#pragma omp parallel for schedule(dynamic)
    for (size_t i = 0; i < count; i++) {
        mask_error own;
        mask_status status = run_image(n, &n->single, n->memory[omp_get_thread_num()], input, i, outputs, &own);
        if (status == MASK_OK) continue;
#pragma omp critical(mask_network_failure)
        {
            result = status;
            if (err) *err = own;
        }
    }
    return result;
}

size_t mask__network_memory(const mask__network *n)
{
    return n->single.values * sizeof(float);
}
