/* Makes ONNX models in memory for tests, by the messages that the reader is built with. */
#ifndef MASK_TESTS_ONNX_MADE_H
#define MASK_TESTS_ONNX_MADE_H

#include "check.h"
#include "vision/onnx.h"

#include <math.h>
#include <onnx.pb-c.h>

enum { MADE_MOST = 64 };

/* A model that is filled node by node; all memory is the arena's. */
typedef struct made_model {
    mask__arena arena;
    Mask__Onnx__Model model;
    Mask__Onnx__Graph graph;
    Mask__Onnx__OperatorSet set;
    Mask__Onnx__Node *nodes[MADE_MOST];
    Mask__Onnx__Tensor *tensors[MADE_MOST];
    Mask__Onnx__Value *inputs[2], *outputs[4];
} made_model;

static inline void *made_memory(made_model *m, size_t count, size_t size)
{
    void *memory = mask__arena_alloc(&m->arena, count, size);
    assert_non_null(memory);
    return memory;
}

static inline char *made_text(made_model *m, const char *text)
{
    return strcpy(made_memory(m, strlen(text) + 1, 1), text);
}

/* An input or output; dims of 0 are open. */
static inline Mask__Onnx__Value *made_value(made_model *m, const char *name, const int64_t *dims, size_t ndim)
{
    Mask__Onnx__Value *v = made_memory(m, 1, sizeof *v);
    mask__onnx__value__init(v);
    v->name = made_text(m, name);
    v->type = made_memory(m, 1, sizeof *v->type);
    mask__onnx__type__init(v->type);
    v->type->tensor_type = made_memory(m, 1, sizeof *v->type->tensor_type);
    mask__onnx__tensor_type__init(v->type->tensor_type);
    v->type->tensor_type->has_elem_type = 1;
    v->type->tensor_type->elem_type = 1;
    Mask__Onnx__Shape *shape = v->type->tensor_type->shape = made_memory(m, 1, sizeof *shape);
    mask__onnx__shape__init(shape);
    shape->n_dim = ndim;
    shape->dim = made_memory(m, ndim + 1, sizeof *shape->dim);
    for (size_t d = 0; d < ndim; d++) {
        shape->dim[d] = made_memory(m, 1, sizeof **shape->dim);
        mask__onnx__dimension__init(shape->dim[d]);
        shape->dim[d]->has_dim_value = dims[d] > 0;
        shape->dim[d]->dim_value = dims[d];
    }
    return v;
}

static inline void made_begin(made_model *m, int64_t side)
{
    memset(m, 0, sizeof *m);
    mask__onnx__model__init(&m->model);
    mask__onnx__graph__init(&m->graph);
    mask__onnx__operator_set__init(&m->set);
    m->model.has_ir_version = m->set.has_version = 1;
    m->model.ir_version = 8;
    m->set.version = 17;
    m->model.graph = &m->graph;
    m->model.n_opset_import = 1;
    m->model.opset_import = made_memory(m, 1, sizeof *m->model.opset_import);
    m->model.opset_import[0] = &m->set;
    m->graph.node = m->nodes;
    m->graph.initializer = m->tensors;
    m->graph.input = m->inputs;
    m->graph.output = m->outputs;
    m->inputs[m->graph.n_input++] = made_value(m, "x", (int64_t[]){1, 3, side, side}, 4);
}

/* A constant: floats, or whole numbers where floats is NULL. */
static inline Mask__Onnx__Tensor *made_constant(made_model *m, const char *name, const float *floats,
                                                const int64_t *whole, const int64_t *dims, size_t ndim)
{
    Mask__Onnx__Tensor *t = made_memory(m, 1, sizeof *t);
    size_t count = 1, item = floats ? sizeof *floats : sizeof *whole;
    mask__onnx__tensor__init(t);
    for (size_t d = 0; d < ndim; d++) count *= (size_t)dims[d];
    t->name = made_text(m, name);
    t->n_dims = ndim;
    t->dims = made_memory(m, ndim + 1, sizeof *dims);
    if (ndim) memcpy(t->dims, dims, ndim * sizeof *dims); /* a scalar has none */
    t->has_data_type = t->has_raw_data = 1;
    t->data_type = floats ? 1 : 7;
    t->raw_data.len = count * item;
    t->raw_data.data = memcpy(made_memory(m, count + 1, item), floats ? (const void *)floats : whole, count * item);
    assert_true(m->graph.n_initializer < MADE_MOST);
    return m->tensors[m->graph.n_initializer++] = t;
}

static inline Mask__Onnx__Tensor *made_noise(made_model *m, const char *name, const int64_t *dims, size_t ndim)
{
    static uint32_t state = 1;
    size_t count = 1;
    for (size_t d = 0; d < ndim; d++) count *= (size_t)dims[d];
    float *values = made_memory(m, count, sizeof *values);
    for (size_t i = 0; i < count; i++) {
        state = state * 1664525u + 1013904223u;
        values[i] = (float)(state >> 8) / (1 << 24) - 0.5f;
    }
    return made_constant(m, name, values, NULL, dims, ndim);
}

/* inputs: names with spaces between. */
static inline Mask__Onnx__Node *made_node(made_model *m, const char *type, const char *inputs, const char *output)
{
    Mask__Onnx__Node *n = made_memory(m, 1, sizeof *n);
    mask__onnx__node__init(n);
    n->op_type = made_text(m, type);
    n->input = made_memory(m, 8, sizeof *n->input);
    char *rest = made_text(m, inputs);
    for (char *word = strtok_r(rest, " ", &rest); word; word = strtok_r(NULL, " ", &rest))
        n->input[n->n_input++] = word;
    n->output = made_memory(m, 1, sizeof *n->output);
    n->output[n->n_output++] = made_text(m, output);
    n->attribute = made_memory(m, 8, sizeof *n->attribute);
    assert_true(m->graph.n_node < MADE_MOST);
    return m->nodes[m->graph.n_node++] = n;
}

static inline Mask__Onnx__Attribute *made_attribute(made_model *m, Mask__Onnx__Node *n, const char *name)
{
    Mask__Onnx__Attribute *a = made_memory(m, 1, sizeof *a);
    mask__onnx__attribute__init(a);
    a->name = made_text(m, name);
    return n->attribute[n->n_attribute++] = a;
}

static inline void made_int(made_model *m, Mask__Onnx__Node *n, const char *name, int64_t value)
{
    Mask__Onnx__Attribute *a = made_attribute(m, n, name);
    a->has_i = 1;
    a->i = value;
}

static inline void made_ints(made_model *m, Mask__Onnx__Node *n, const char *name, const int64_t *values, size_t count)
{
    Mask__Onnx__Attribute *a = made_attribute(m, n, name);
    a->n_ints = count;
    a->ints = memcpy(made_memory(m, count + 1, sizeof *values), values, count * sizeof *values);
}

static inline void made_output(made_model *m, const char *name)
{
    m->outputs[m->graph.n_output++] = made_value(m, name, NULL, 0);
}

/* The file; the caller frees it. */
static inline unsigned char *made_file(made_model *m, size_t *size)
{
    *size = mask__onnx__model__get_packed_size(&m->model);
    unsigned char *data = malloc(*size + 1);
    assert_non_null(data);
    mask__onnx__model__pack(&m->model, data);
    return data;
}

/* A classifier of 4 classes: 3 x 3 convolution, RELU6 as Clip, the mean of the map, a layer. */
static inline void made_classifier(made_model *m, int64_t side)
{
    made_begin(m, side);
    made_noise(m, "w", (int64_t[]){16, 3, 3, 3}, 4);
    made_noise(m, "b", (int64_t[]){16}, 1);
    made_constant(m, "zero", (float[]){0}, NULL, NULL, 0);
    made_constant(m, "six", (float[]){6}, NULL, NULL, 0);
    Mask__Onnx__Node *conv = made_node(m, "Conv", "x w b", "c");
    made_ints(m, conv, "strides", (int64_t[]){2, 2}, 2);
    made_ints(m, conv, "pads", (int64_t[]){0, 0, 1, 1}, 4);
    made_node(m, "Clip", "c zero six", "map");
    made_node(m, "GlobalAveragePool", "map", "pooled");
    made_node(m, "Flatten", "pooled", "flat");
    made_noise(m, "head", (int64_t[]){4, 16}, 2);
    made_noise(m, "classes", (int64_t[]){4}, 1);
    made_int(m, made_node(m, "Gemm", "flat head classes", "logits"), "transB", 1);
    made_output(m, "logits");
}

/* A transformer's beginning at 8 pixels: 2 x 2 patches as constants say, a class token, positions, a norm in pieces. */
static inline void made_transformer(made_model *m)
{
    made_begin(m, 8);
    made_noise(m, "w", (int64_t[]){16, 3, 4, 4}, 4);
    made_ints(m, made_node(m, "Conv", "x w", "patches"), "strides", (int64_t[]){4, 4}, 2);
    made_constant(m, "shape", NULL, (int64_t[]){1, 16, 4}, (int64_t[]){3}, 1);
    made_node(m, "Reshape", "patches shape", "row");
    made_ints(m, made_node(m, "Transpose", "row", "list"), "perm", (int64_t[]){0, 2, 1}, 3);
    made_noise(m, "token", (int64_t[]){1, 1, 16}, 3);
    made_int(m, made_node(m, "Concat", "token list", "all"), "axis", 1);
    made_noise(m, "positions", (int64_t[]){1, 5, 16}, 3);
    made_node(m, "Add", "all positions", "placed");
    made_constant(m, "epsilon", (float[]){1e-5f}, NULL, NULL, 0);
    made_constant(m, "two", (float[]){2}, NULL, NULL, 0);
    made_ints(m, made_node(m, "ReduceMean", "placed", "mean"), "axes", (int64_t[]){-1}, 1);
    made_node(m, "Sub", "placed mean", "difference");
    made_node(m, "Pow", "difference two", "square");
    made_ints(m, made_node(m, "ReduceMean", "square", "variance"), "axes", (int64_t[]){-1}, 1);
    made_node(m, "Add", "variance epsilon", "sum");
    made_node(m, "Sqrt", "sum", "root");
    made_node(m, "Div", "difference root", "norm");
    made_noise(m, "weight", (int64_t[]){16}, 1);
    made_node(m, "Mul", "norm weight", "tokens");
    made_output(m, "tokens");
}

#endif
