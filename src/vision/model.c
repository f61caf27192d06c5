/* Opens a .menc. */
#include "vision/model.h"
#include "vision/onnx.h"
#include "vision/parts.h"
#include "vision/tflite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static mask_status read_text(mask__model *m, const char *name, const char **out, mask_error *err)
{
    const mask__tensor *t;
    MASK__TRY(mask__pack_get(&m->pack, name, MASK__U8, 1, (uint64_t[]){0}, &t, err));
    *out = mask__arena_text(&m->arena, t->data, t->bytes);
    return *out ? MASK_OK : mask__no_memory(err, m->path);
}

/* Labels are stored as lines. */
static mask_status read_labels(mask__model *m, mask_error *err)
{
    const char *lines;
    MASK__TRY(read_text(m, "labels", &lines, err));
    for (const char *c = lines; *c; c++) m->label_count += *c == '\n';
    m->labels = mask__arena_alloc(&m->arena, m->label_count + 1, sizeof *m->labels);
    if (!m->labels) return mask__no_memory(err, m->path);
    for (size_t i = 0; i < m->label_count; i++) {
        size_t length = strcspn(lines, "\n");
        m->labels[i] = mask__arena_text(&m->arena, lines, length);
        if (!m->labels[i]) return mask__no_memory(err, m->path);
        lines += length + 1;
    }
    return MASK_OK;
}

mask_status mask__network_read(mask__graph *graph, const void *data, size_t size, size_t side, const char *path,
                               float *scale, float *zero, mask_error *err)
{
    *scale = *zero = 0;
    if (mask__onnx_here(data, size)) return mask__onnx_read(graph, data, size, side, path, err);
    return mask__tflite_read(graph, data, size, side, path, scale, zero, err);
}

/* The tensor called `name` of network k. */
static mask_status get(const mask__model *m, const char *name, size_t k, mask__dtype type, unsigned ndim,
                       const uint64_t *shape, const mask__tensor **out, mask_error *err)
{
    char full[MASK__NAME_BYTES];
    if (m->pack.version == 1) snprintf(full, sizeof full, "%s", name);
    else snprintf(full, sizeof full, "%s.%zu", name, k);
    return mask__pack_get(&m->pack, full, type, ndim, shape, out, err);
}

/* Version 1: the tensors by number; one side. */
static mask_status read_parts(mask__model *m, mask__model_network *n, mask_error *err)
{
    const mask__tensor *parts;
    MASK__TRY(get(m, "parts", 0, MASK__U32, 1, (uint64_t[]){3}, &parts, err));
    const uint32_t *p = parts->data;
    n->maps[0] = (mask__model_map){.tensor = p[0], .scale = 1};
    n->map_count = 1;
    n->boxes = p[1];
    n->scores = p[2];
    n->input.side = n->graph.tensors[n->graph.input].shape[1];
    n->input.least = n->input.most = n->input.side;
    n->input.step = 1;
    return MASK_OK;
}

/* The maps by name, a line each. */
static mask_status read_maps(mask__model *m, mask__model_network *n, size_t k, mask_error *err)
{
    const mask__tensor *names, *scales;
    MASK__TRY(get(m, "maps", k, MASK__U8, 1, (uint64_t[]){0}, &names, err));
    MASK__TRY(get(m, "scales", k, MASK__F32, 1, (uint64_t[]){0}, &scales, err));
    char *lines = mask__arena_text(&m->arena, names->data, names->bytes);
    if (!lines) return mask__no_memory(err, m->path);
    n->map_count = scales->shape[0] > MASK__MOST_MAPS ? 0 : scales->shape[0];
    for (size_t i = 0; i < n->map_count; i++) {
        size_t length = strcspn(lines, "\n");
        bool end = !lines[length];
        lines[length] = '\0';
        n->maps[i].scale = ((const float *)scales->data)[i];
        MASK__TRY(mask__parts_find(&n->graph, lines, &n->maps[i].tensor, err));
        lines += end ? length : length + 1;
    }
    n->boxes = n->scores = MASK__NO_TENSOR;
    if (n->input.least == n->input.most) mask__parts_detector(&n->graph, &n->boxes, &n->scores);
    if (n->map_count) return MASK_OK;
    return mask__fail(err, MASK_EFORMAT, "%s: network %zu has no maps: it is damaged", m->path, k);
}

static mask_status read_sides(mask__model *m, mask__model_network *n, size_t k, size_t side, mask_error *err)
{
    const mask__tensor *sides;
    MASK__TRY(get(m, "sides", k, MASK__U32, 1, (uint64_t[]){4}, &sides, err));
    const uint32_t *s = sides->data;
    n->input = (mask__encoder_input){side ? side : s[0], s[1], s[2], s[3]};
    if (n->input.step == 0 || n->input.least == 0)
        return mask__fail(err, MASK_EFORMAT, "%s: network %zu has no sides: it is damaged", m->path, k);
    return MASK_OK;
}

static bool fits(const mask__encoder_input *input)
{
    return input->side >= input->least && input->side <= input->most && (input->side - input->least) % input->step == 0;
}

static mask_status read_network(mask__model *m, size_t k, size_t side, mask_error *err)
{
    mask__model_network *n = &m->networks[k];
    const mask__tensor *network, *normalise;
    float scale, zero;
    MASK__TRY(get(m, "network", k, MASK__U8, 1, (uint64_t[]){0}, &network, err));
    MASK__TRY(get(m, "normalise", k, MASK__F32, 2, (uint64_t[]){2, 3}, &normalise, err));
    memcpy(n->scale, normalise->data, sizeof n->scale);
    memcpy(n->offset, (const float *)normalise->data + 3, sizeof n->offset);
    n->data = network->data;
    n->bytes = network->bytes;
    if (m->pack.version > 1) MASK__TRY(read_sides(m, n, k, side, err));
    if (m->pack.version == 1 || fits(&n->input))
        MASK__TRY(mask__network_read(&n->graph, n->data, n->bytes, n->input.side, m->path, &scale, &zero, err));
    if (m->pack.version == 1) MASK__TRY(read_parts(m, n, err));
    if ((side && side != n->input.side) || !fits(&n->input))
        return mask__fail(err, MASK_EINVAL,
                          "%s: squares of %zu pixels: its network %zu looks at %zu to %zu, in steps of %zu", m->path,
                          side ? side : n->input.side, k, n->input.least, n->input.most, n->input.step);
    if (m->pack.version > 1) MASK__TRY(read_maps(m, n, k, err));
    return mask__parts_check(n, m->label_count, err);
}

static mask_status read_model(mask__model *m, size_t side, mask_error *err)
{
    char name[MASK__NAME_BYTES];
    MASK__TRY(read_labels(m, err));
    MASK__TRY(read_text(m, "provenance", &m->provenance, err));
    do {
        m->network_count++; /* closed if this fails */
        MASK__TRY(read_network(m, m->network_count - 1, side, err));
        snprintf(name, sizeof name, "network.%zu", m->network_count);
    } while (m->network_count < MASK__MOST_NETWORKS && mask__pack_find(&m->pack, name));
    return MASK_OK;
}

mask_status mask__model_open(mask__model *m, const char *path, size_t side, mask_error *err)
{
    *m = (mask__model){0};
    m->path = strdup(path);
    mask_status status = m->path ? MASK_OK : mask__no_memory(err, path);
    if (status == MASK_OK)
        status = mask__pack_open(&m->pack, path, MASK__MODEL_MAGIC, MASK__MODEL_VERSION, MASK__VERIFY_DATA, err);
    if (status == MASK_OK) status = read_model(m, side, err);
    if (status != MASK_OK) mask__model_close(m);
    return status;
}

void mask__model_close(mask__model *m)
{
    for (size_t k = 0; k < m->network_count; k++) mask__graph_free(&m->networks[k].graph);
    mask__pack_close(&m->pack);
    mask__arena_free(&m->arena);
    free(m->path);
    *m = (mask__model){0};
}

/* The operator that makes a tensor, behind those that keep its values in order. */
static const mask__graph_op *maker_of(const mask__graph *g, uint32_t tensor)
{
    for (size_t i = g->op_count; i-- > 0;) {
        const mask__graph_op *op = &g->ops[i];
        if (op->output != tensor) continue;
        if (op->kind != MASK__OP_RESHAPE && op->kind != MASK__OP_SOFTMAX && op->kind != MASK__OP_ACTIVATION) return op;
        tensor = op->inputs[0];
    }
    return NULL;
}

/* The matrix of the layer that makes a network's first output of so many classes; *bias may be NULL. */
static const mask__graph_tensor *head_of(const mask__graph *g, size_t classes, const float **bias, bool *turned)
{
    *bias = NULL;
    *turned = false;
    for (size_t o = 0; o < g->output_count; o++) {
        if (g->tensors[g->outputs[o]].count != classes) continue;
        const mask__graph_op *op = maker_of(g, g->outputs[o]);
        if (op && op->kind == MASK__OP_BINARY && op->arithmetic == MASK__ADD) {
            int constant = g->tensors[op->inputs[1]].values != NULL;
            *bias = g->tensors[op->inputs[constant]].values;
            if (*bias && g->tensors[op->inputs[constant]].count != classes) return NULL;
            op = maker_of(g, op->inputs[!constant]);
        }
        const mask__graph_tensor *w =
            op && op->input_count > 1 && op->inputs[1] != MASK__NO_TENSOR ? &g->tensors[op->inputs[1]] : NULL;
        if (!w || !w->values || (op->kind != MASK__OP_MATMUL && op->kind != MASK__OP_CONV)) continue;
        if (op->kind == MASK__OP_CONV && op->inputs[2] != MASK__NO_TENSOR) *bias = g->tensors[op->inputs[2]].values;
        *turned = op->kind == MASK__OP_MATMUL && !op->transposed;
        return w;
    }
    return NULL;
}

/* Adds one network's head to rows of `width` weights, of which its own begin at `first`. *found = it has one. A graph
 * for another side than the file's may end before it. */
static mask_status add_head(const mask__model *m, size_t k, mask_encoder_head *head, size_t first, bool *found,
                            mask_error *err)
{
    const mask__model_network *n = &m->networks[k];
    size_t classes = m->label_count, channels = n->maps[0].channels;
    MASK__CLOSED(mask__graph_free) mask__graph own = {0};
    const mask__graph *g = &n->graph;
    const float *bias;
    float scale, zero;
    bool turned;
    *found = false;
    if (g->output_count == 0) {
        MASK__TRY(mask__network_read(&own, n->data, n->bytes, 0, m->path, &scale, &zero, err));
        g = &own;
    }
    const mask__graph_tensor *w = classes ? head_of(g, classes, &bias, &turned) : NULL;
    *found = w && w->count == classes * channels;
    for (size_t c = 0; *found && head && c < classes; c++) {
        for (size_t i = 0; i < channels; i++)
            head->weights[c * head->features + first + i] = w->values[turned ? i * classes + c : c * channels + i];
        if (bias) head->biases[c] += bias[c];
    }
    return MASK_OK;
}

static size_t features_of(const mask__model *m)
{
    size_t count = 0;
    for (size_t k = 0; k < m->network_count; k++)
        for (size_t i = 0; i < m->networks[k].map_count; i++) count += m->networks[k].maps[i].channels;
    return count;
}

static mask_status read_head(const mask__model *m, mask_encoder_head *head, mask_error *err)
{
    size_t first = 0, values;
    bool some = false, found;
    head->classes = m->label_count;
    head->features = features_of(m);
    if (!mask__multiply(head->classes, head->features, &values)) return mask__no_memory(err, m->path);
    head->weights = calloc(values + 1, sizeof *head->weights);
    head->biases = calloc(head->classes + 1, sizeof *head->biases);
    head->labels = calloc(head->classes + 1, sizeof *head->labels);
    if (!head->weights || !head->biases || !head->labels) return mask__no_memory(err, m->path);
    for (size_t c = 0; c < head->classes; c++)
        if (!(head->labels[c] = strdup(m->labels[c]))) return mask__no_memory(err, m->path);
    for (size_t k = 0; k < m->network_count; k++) {
        MASK__TRY(add_head(m, k, head, first, &found, err));
        some = some || found;
        for (size_t i = 0; i < m->networks[k].map_count; i++) first += m->networks[k].maps[i].channels;
    }
    if (some) return MASK_OK;
    return mask__fail(err, MASK_ENOTFOUND, "%s: has no classifier for its %zu labels", m->path, m->label_count);
}

mask_status mask_encoder_head_read(mask_encoder_head *head, const char *path, mask_error *err)
{
    MASK__CLOSED(mask__model_close) mask__model m = {0};
    *head = (mask_encoder_head){0};
    MASK__TRY(mask__model_open(&m, path, 0, err));
    mask_status status = read_head(&m, head, err);
    if (status != MASK_OK) mask_encoder_head_free(head);
    return status;
}

void mask_encoder_head_free(mask_encoder_head *head)
{
    for (size_t c = 0; head->labels && c < head->classes; c++) free(head->labels[c]);
    free(head->labels);
    free(head->weights);
    free(head->biases);
    *head = (mask_encoder_head){0};
}

mask_status mask_encoder_describe(const char *path, mask_encoder_info *info, mask_error *err)
{
    MASK__CLOSED(mask__model_close) mask__model m = {0};
    const mask__model_network *first = &m.networks[0];
    *info = (mask_encoder_info){0};
    MASK__TRY(mask__model_open(&m, path, 0, err));
    *info = (mask_encoder_info){.detector = first->boxes != MASK__NO_TENSOR,
                                .networks = m.network_count,
                                .size = first->input.side,
                                .least = first->input.least,
                                .most = first->input.most,
                                .step = first->input.step,
                                .map_size = first->maps[0].rows,
                                .features = features_of(&m),
                                .labels = m.label_count};
    snprintf(info->provenance, sizeof info->provenance, "%s", m.provenance);
    return add_head(&m, 0, NULL, 0, &info->head, err);
}
