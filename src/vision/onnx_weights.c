#include "vision/onnx_weights.h"
#include "base/memory.h"
#include "math/half.h"

#include <math.h>
#include <onnx.pb-c.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LARGE = 512, FLOAT = 1, INT8 = 3, FLOAT16 = 10, KIND_INT = 2 };

typedef Mask__Onnx__Node onnx_node;
typedef Mask__Onnx__Tensor onnx_tensor;

typedef struct shrinker {
    Mask__Onnx__Graph *graph;
    mask__arena arena; /* of all that is added; what was there is protobuf-c's */
    onnx_node **nodes; /* those added, then the file's */
    onnx_tensor **tensors;
    size_t node_count, tensor_count;
} shrinker;

/* The dimension of output channels of a weight, by the operator that reads it. */
static size_t channel_axis(const Mask__Onnx__Graph *g, const char *name)
{
    for (size_t i = 0; i < g->n_node; i++) {
        const onnx_node *n = g->node[i];
        if (n->n_input < 2 || strcmp(n->input[1], name) != 0 || !n->op_type) continue;
        if (strcmp(n->op_type, "Conv") == 0) return 0;
        for (size_t k = 0; k < n->n_attribute; k++)
            if (strcmp(n->op_type, "Gemm") == 0 && n->attribute[k]->name &&
                strcmp(n->attribute[k]->name, "transB") == 0)
                return n->attribute[k]->i ? 0 : 1;
        return strcmp(n->op_type, "Gemm") == 0 || strcmp(n->op_type, "MatMul") == 0 ? 1 : SIZE_MAX;
    }
    return SIZE_MAX;
}

static void *room(shrinker *s, size_t count, size_t size)
{
    return mask__arena_alloc(&s->arena, count, size);
}

static char *joined(shrinker *s, const char *name, const char *end)
{
    size_t length = strlen(name) + strlen(end) + 1;
    char *text = room(s, length, 1);
    if (text) snprintf(text, length, "%s%s", name, end);
    return text;
}

/* A new tensor of these raw values, among the constants; NULL when memory is short. */
static onnx_tensor *add_tensor(shrinker *s, char *name, int32_t type, const int64_t *dims, size_t ndim, void *raw,
                               size_t bytes)
{
    onnx_tensor *t = room(s, 1, sizeof *t);
    if (!t || !name || !raw) return NULL;
    mask__onnx__tensor__init(t);
    t->name = name;
    t->dims = (int64_t *)dims;
    t->n_dims = ndim;
    t->has_data_type = t->has_raw_data = true;
    t->data_type = type;
    t->raw_data = (ProtobufCBinaryData){bytes, raw};
    return s->tensors[s->tensor_count++] = t;
}

/* An operator in front of all others that makes `result` of constants. */
static bool add_node(shrinker *s, char *kind, char *attribute, int64_t value, char *first, char *second, char *result)
{
    onnx_node *n = room(s, 1, sizeof *n);
    Mask__Onnx__Attribute *a = room(s, 1, sizeof *a), **list = room(s, 1, sizeof *list);
    char **names = room(s, 3, sizeof *names);
    if (!n || !a || !list || !names) return false;
    mask__onnx__node__init(n);
    mask__onnx__attribute__init(a);
    *a = (Mask__Onnx__Attribute){a->base,    .name = attribute, .has_i = true,
                                 .i = value, .has_type = true,  .type = KIND_INT};
    names[0] = first;
    names[1] = second;
    names[2] = result;
    n->op_type = kind;
    n->name = n->domain = NULL;
    n->input = names;
    n->n_input = second ? 2 : 1;
    n->output = names + 2;
    n->n_output = 1;
    list[0] = a;
    n->attribute = list;
    n->n_attribute = 1;
    s->nodes[s->node_count++] = n;
    return true;
}

static bool to_halves(shrinker *s, const onnx_tensor *t, const float *values, size_t count)
{
    uint16_t *halves = room(s, count, sizeof *halves);
    char *name = joined(s, t->name, ".half");
    if (!halves) return false;
    mask__float_to_half(values, halves, count);
    return add_tensor(s, name, FLOAT16, t->dims, t->n_dims, halves, count * sizeof *halves) &&
           add_node(s, "Cast", "to", FLOAT, name, NULL, t->name);
}

/* q = value / scale rounded, scale = the channel's largest value / 127. */
static bool to_bytes(shrinker *s, const onnx_tensor *t, const float *values, size_t count, size_t axis)
{
    size_t channels = (size_t)t->dims[axis], inner = 1;
    for (size_t d = axis + 1; d < t->n_dims; d++) inner *= (size_t)t->dims[d];
    int8_t *bytes = room(s, count, 1);
    float *scales = room(s, channels, sizeof *scales);
    int64_t *length = room(s, 1, sizeof *length);
    char *name = joined(s, t->name, ".bytes"), *scale_name = joined(s, t->name, ".scale");
    if (!bytes || !scales || !length) return false;
    *length = (int64_t)channels;
    for (size_t i = 0; i < count; i++)
        scales[i / inner % channels] = fmaxf(scales[i / inner % channels], fabsf(values[i]));
    for (size_t c = 0; c < channels; c++) scales[c] = scales[c] > 0 ? scales[c] / 127 : 1;
    for (size_t i = 0; i < count; i++) bytes[i] = (int8_t)lrintf(values[i] / scales[i / inner % channels]);
    return add_tensor(s, name, INT8, t->dims, t->n_dims, bytes, count) &&
           add_tensor(s, scale_name, FLOAT, length, 1, scales, channels * sizeof *scales) &&
           add_node(s, "DequantizeLinear", "axis", (int64_t)axis, name, scale_name, t->name);
}

/* One constant of the file: smaller where it is a large matrix of floats, else as it is. */
static bool shrink(shrinker *s, onnx_tensor *t, mask_encoder_weights weights)
{
    size_t count = t->has_raw_data ? t->raw_data.len / sizeof(float) : t->n_float_data, axis = SIZE_MAX;
    bool large = t->data_type == FLOAT && t->name && t->n_dims >= 2 && count >= LARGE && t->data_location == 0;
    if (large) axis = channel_axis(s->graph, t->name);
    if (large && weights == MASK_WEIGHTS_BYTES)
        large = axis < t->n_dims && t->dims[axis] > 0 && count % (size_t)t->dims[axis] == 0;
    if (!large) {
        s->tensors[s->tensor_count++] = t;
        return true;
    }
    float *values = room(s, count, sizeof *values);
    if (!values) return false;
    memcpy(values, t->has_raw_data ? (const void *)t->raw_data.data : t->float_data, count * sizeof *values);
    return weights == MASK_WEIGHTS_HALF ? to_halves(s, t, values, count) : to_bytes(s, t, values, count, axis);
}

static bool shrink_all(shrinker *s, mask_encoder_weights weights)
{
    Mask__Onnx__Graph *g = s->graph;
    s->nodes = room(s, g->n_initializer + g->n_node + 1, sizeof *s->nodes);
    s->tensors = room(s, 2 * g->n_initializer + 1, sizeof *s->tensors);
    if (!s->nodes || !s->tensors) return false;
    for (size_t i = 0; i < g->n_initializer; i++)
        if (!shrink(s, g->initializer[i], weights)) return false;
    for (size_t i = 0; i < g->n_node; i++) s->nodes[s->node_count++] = g->node[i];
    return true;
}

mask_status mask__onnx_shrink(const void *data, size_t size, mask_encoder_weights weights, const char *path,
                              unsigned char **out, size_t *out_size, mask_error *err)
{
    Mask__Onnx__Model *model = mask__onnx__model__unpack(NULL, size, data);
    *out = NULL;
    if (!model || !model->graph) {
        if (model) mask__onnx__model__free_unpacked(model, NULL);
        return mask__no_memory(err, path); /* it could be read before */
    }
    shrinker s = {.graph = model->graph};
    if (shrink_all(&s, weights)) {
        Mask__Onnx__Graph own = *model->graph; /* the same, with other lists */
        Mask__Onnx__Model made = *model;
        made.graph = &own;
        own.node = s.nodes;
        own.n_node = s.node_count;
        own.initializer = s.tensors;
        own.n_initializer = s.tensor_count;
        *out_size = mask__onnx__model__get_packed_size(&made);
        *out = malloc(*out_size + 1);
        if (*out) mask__onnx__model__pack(&made, *out);
    }
    mask__arena_free(&s.arena);
    mask__onnx__model__free_unpacked(model, NULL);
    return *out ? MASK_OK : mask__no_memory(err, path);
}
