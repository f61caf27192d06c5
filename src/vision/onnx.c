/* ONNX files: values, constants, and the walk over the nodes. */
#include "vision/onnx.h"
#include "vision/onnx_reader.h"
#include "math/half.h"

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

enum { USUAL_SIDE = 224, MAX_SIDE = 4096, MAX_NODES = 1 << 14, COMPUTED = 1 << 26 /* bytes of constants */ };
enum { FLOAT = 1, UINT8, INT8, UINT16, INT16, INT32, INT64, BOOL = 9, FLOAT16, DOUBLE, UINT32, UINT64, BFLOAT16 = 16 };

bool mask__onnx_here(const void *data, size_t size)
{
    const unsigned char *bytes = data;
    return size > 16 && bytes[0] == 8 && bytes[1] < 64 && bytes[2] >= 0x12;
}

mask_status mask__onnx_refuse(const onnx_reader *r, const onnx_node *node, const char *what, mask_error *err)
{
    return mask__fail(err, MASK_EFORMAT, MASK_NO_OFFSET, "%s: operator %zu (%.64s): %s", r->path, r->node,
                      node->op_type ? node->op_type : "of no name", what);
}

/* ---- Values by name ---------------------------------------------------------------------------------------------- */

static size_t slot_of(const onnx_reader *r, const char *name)
{
    size_t slot = (size_t)XXH3_64bits(name, strlen(name)) & (r->table_size - 1);
    while (r->table[slot] && strcmp(r->values[r->table[slot] - 1].name, name) != 0)
        slot = (slot + 1) & (r->table_size - 1);
    return slot;
}

/* A value of that name, new or instead of the one that has it. */
static mask_status set_value(onnx_reader *r, onnx_value value, mask_error *err)
{
    size_t slot = slot_of(r, value.name);
    if (!r->table[slot]) {
        if (2 * (r->value_count + 1) > r->table_size || r->value_count == r->value_room)
            return mask__fail(err, MASK_EFORMAT, MASK_NO_OFFSET, "%s: has too many values", r->path);
        r->table[slot] = ++r->value_count;
    }
    r->values[r->table[slot] - 1] = value;
    return MASK_OK;
}

mask_status mask__onnx_input(onnx_reader *r, const onnx_node *node, size_t i, onnx_value *out, mask_error *err)
{
    *out = (onnx_value){.tensor = MASK__NO_TENSOR};
    if (i >= node->n_input || !*node->input[i]) return MASK_OK;
    size_t slot = slot_of(r, node->input[i]);
    onnx_value *v = r->table[slot] ? &r->values[r->table[slot] - 1] : NULL;
    if (v && v->tensor == MASK__NO_TENSOR && v->stored) MASK__TRY(mask__onnx_constant(r, v->stored, &v->tensor, err));
    if (!v || v->tensor == MASK__NO_TENSOR)
        return mask__onnx_refuse(r, node, "reads a value that was not computed before it: the file is damaged", err);
    *out = *v;
    return MASK_OK;
}

mask_status mask__onnx_output(onnx_reader *r, const onnx_node *node, size_t i, onnx_value value, mask_error *err)
{
    if (i >= node->n_output || !*node->output[i]) return MASK_OK;
    mask__graph_tensor *t = &r->graph->tensors[value.tensor];
    if (!*t->name) { /* the file's own lives shorter */
        char *copy;
        size_t bytes = strlen(node->output[i]) + 1;
        MASK__TRY(mask__graph_room(r->graph, bytes, 1, (void **)&copy, err));
        t->name = memcpy(copy, node->output[i], bytes);
    }
    value.name = node->output[i];
    value.stored = NULL;
    return set_value(r, value, err);
}

mask__graph_tensor mask__onnx_shape(const onnx_reader *r, onnx_value value)
{
    const mask__graph_tensor *t = &r->graph->tensors[value.tensor];
    mask__graph_tensor shape = *t;
    for (unsigned d = 1; value.last && d < t->ndim; d++) shape.shape[d] = t->shape[d == 1 ? t->ndim - 1 : d - 1];
    return shape;
}

/* ---- Constants --------------------------------------------------------------------------------------------------- */

static size_t item_bytes(int32_t type)
{
    static const uint8_t bytes[] = {
        [FLOAT] = 4, [UINT8] = 1,   [INT8] = 1,   [UINT16] = 2, [INT16] = 2,  [INT32] = 4,   [INT64] = 8,
        [BOOL] = 1,  [FLOAT16] = 2, [DOUBLE] = 8, [UINT32] = 4, [UINT64] = 8, [BFLOAT16] = 2};
    return type > 0 && (size_t)type < sizeof bytes ? bytes[type] : 0;
}

/* One value of raw data, little-endian. */
static float raw_value(const unsigned char *from, int32_t type)
{
    uint64_t bits = 0;
    for (size_t i = item_bytes(type); i-- > 0;) bits = bits << 8 | from[i];
    uint32_t low = (uint32_t)bits;
    float value;
    double wide;
    switch (type) {
    case BFLOAT16:
        low <<= 16;
        /* fall through */
    case FLOAT:
        memcpy(&value, &low, sizeof value);
        return value;
    case DOUBLE:
        memcpy(&wide, &bits, sizeof wide);
        return (float)wide;
    case FLOAT16:
        mask__half_to_float(&(uint16_t){(uint16_t)bits}, &value, 1);
        return value;
    case INT8:
        return (float)(int8_t)bits;
    case INT16:
        return (float)(int16_t)bits;
    case INT32:
        return (float)(int32_t)low;
    case INT64:
        return (float)(int64_t)bits;
    default:
        return (float)bits;
    }
}

/* Values that are no raw data, in the field that their type has. */
static bool typed_values(const onnx_tensor *t, size_t count, float *out)
{
    bool floats = t->data_type == FLOAT, halves = t->data_type == FLOAT16;
    size_t there = floats                   ? t->n_float_data
                   : t->data_type == INT64  ? t->n_int64_data
                   : t->data_type == DOUBLE ? t->n_double_data
                                            : t->n_int32_data;
    if (there != count) return false;
    for (size_t i = 0; i < count; i++) {
        if (halves) mask__half_to_float(&(uint16_t){(uint16_t)t->int32_data[i]}, &out[i], 1);
        else
            out[i] = floats                   ? t->float_data[i]
                     : t->data_type == INT64  ? (float)t->int64_data[i]
                     : t->data_type == DOUBLE ? (float)t->double_data[i]
                                              : (float)t->int32_data[i];
    }
    return true;
}

mask_status mask__onnx_constant(onnx_reader *r, const onnx_tensor *t, uint32_t *out, mask_error *err)
{
    size_t shape[MASK__GRAPH_DIMS] = {0}, count, item = item_bytes(t->data_type);
    bool fits = item && t->n_dims <= MASK__GRAPH_DIMS && t->data_location == 0;
    for (size_t d = 0; fits && d < t->n_dims; d++) {
        fits = t->dims[d] >= 0 && t->dims[d] <= UINT32_MAX;
        shape[d] = fits ? (size_t)t->dims[d] : 0;
    }
    fits = fits && mask__graph_count((unsigned)t->n_dims, shape, &count) &&
           (!t->has_raw_data || t->raw_data.len / item == count) && (!t->has_raw_data || t->raw_data.len % item == 0);
    float *values = NULL;
    if (fits) MASK__TRY(mask__graph_constant(r->graph, (unsigned)t->n_dims, shape, out, &values, err));
    if (fits && t->has_raw_data)
        for (size_t i = 0; i < count; i++) values[i] = raw_value(t->raw_data.data + i * item, t->data_type);
    else fits = fits && typed_values(t, count, values);
    if (!fits)
        return mask__fail(err, MASK_EFORMAT, MASK_NO_OFFSET,
                          "%s: a constant has another size or type than it says, or lies in another file: export the "
                          "network as one file",
                          r->path);
    r->graph->tensors[*out].whole =
        t->data_type != FLOAT && t->data_type != FLOAT16 && t->data_type != DOUBLE && t->data_type != BFLOAT16;
    return MASK_OK;
}

/* ---- The file ---------------------------------------------------------------------------------------------------- */

static mask_status no_image(const onnx_reader *r, mask_error *err)
{
    return mask__fail(
        err, MASK_EFORMAT, MASK_NO_OFFSET,
        "%s: the input is not one square image of float values, (1, 3, side, side) or (1, side, side, 3): "
        "export the network so",
        r->path);
}

/* The one input that is no constant: a picture, its side open or given. */
static mask_status read_input(onnx_reader *r, mask_error *err)
{
    const Mask__Onnx__Value *found = NULL;
    for (size_t i = 0; i < r->model->n_input; i++) {
        const Mask__Onnx__Value *v = r->model->input[i];
        if (!v->name || r->table[slot_of(r, v->name)]) continue;
        if (found) return no_image(r, err);
        found = v;
    }
    const Mask__Onnx__TensorType *type = found && found->type ? found->type->tensor_type : NULL;
    if (!type || type->elem_type != FLOAT || !type->shape || type->shape->n_dim != 4) return no_image(r, err);
    long dims[4];
    for (int d = 0; d < 4; d++) dims[d] = type->shape->dim[d]->has_dim_value ? (long)type->shape->dim[d]->dim_value : 0;
    bool last = dims[1] == 3 || dims[3] != 3; /* the file's channels come first, ours last */
    long rows = last ? dims[2] : dims[1], columns = last ? dims[3] : dims[2];
    if (dims[0] > 1 || (last && dims[1] != 3 && dims[1] > 0) || rows > MAX_SIDE ||
        (rows > 0 && columns > 0 && rows != columns))
        return no_image(r, err);
    r->native = rows > 0 ? (size_t)rows : USUAL_SIDE;
    if (r->side == 0) r->side = r->native;
    size_t shape[4] = {1, r->side, r->side, 3};
    onnx_value value = {.name = found->name, .last = last};
    MASK__TRY(mask__graph_tensor_add(r->graph, NULL, 4, shape, &value.tensor, err));
    r->graph->input = value.tensor;
    return set_value(r, value, err);
}

static mask_status read_outputs(onnx_reader *r, mask_error *err)
{
    mask__graph *g = r->graph;
    MASK__TRY(mask__graph_room(g, r->model->n_output, sizeof *g->outputs, (void **)&g->outputs, err));
    for (size_t i = 0; i < r->model->n_output; i++) {
        const char *name = r->model->output[i]->name;
        size_t slot = name ? slot_of(r, name) : 0;
        const onnx_value *v = name && r->table[slot] ? &r->values[r->table[slot] - 1] : NULL;
        if (!v || v->tensor == MASK__NO_TENSOR || v->tensor == g->input || g->tensors[v->tensor].values)
            return mask__fail(err, MASK_EFORMAT, MASK_NO_OFFSET,
                              "%s: output %zu is computed by no operator: the file is damaged, export it again",
                              r->path, i);
        g->outputs[g->output_count++] = v->tensor;
    }
    if (g->output_count) return MASK_OK;
    return mask__fail(err, MASK_EFORMAT, MASK_NO_OFFSET, "%s: has no output", r->path);
}

/* Builds the graph for r->side. */
static mask_status read_graph(onnx_reader *r, size_t size, mask_error *err)
{
    mask__graph_begin(r->graph, r->path, size, COMPUTED);
    r->value_count = 0;
    memset(r->table, 0, r->table_size * sizeof *r->table);
    for (size_t i = 0; i < r->model->n_initializer; i++) {
        const onnx_tensor *t = r->model->initializer[i];
        if (t->name) MASK__TRY(set_value(r, (onnx_value){t->name, MASK__NO_TENSOR, false, t}, err));
    }
    MASK__TRY(read_input(r, err));
    for (r->node = 0; r->node < r->model->n_node; r->node++) {
        r->graph->at = r->node;
        mask_status status = mask__onnx_node(r, r->model->node[r->node], err);
        if (status != MASK_EFORMAT || r->side == r->native) MASK__TRY(status);
        if (status != MASK_OK) return MASK_OK; /* a head that has only its own size */
    }
    return read_outputs(r, err);
}

static mask_status make_room(onnx_reader *r, mask_error *err)
{
    const Mask__Onnx__Graph *m = r->model;
    size_t outputs = 0;
    if (m->n_node > MAX_NODES)
        return mask__fail(err, MASK_EFORMAT, MASK_NO_OFFSET, "%s: has %zu operators: up to %d are read", r->path,
                          m->n_node, MAX_NODES);
    for (size_t i = 0; i < m->n_node; i++) outputs += m->node[i]->n_output;
    r->value_room = m->n_initializer + m->n_input + outputs + 1;
    for (r->table_size = 64; r->table_size < 2 * r->value_room + 2;) r->table_size *= 2;
    r->values = calloc(r->value_room, sizeof *r->values);
    r->table = calloc(r->table_size, sizeof *r->table);
    r->seen = calloc(2 * m->n_node + 2, sizeof *r->seen);
    return r->values && r->table && r->seen ? MASK_OK : mask__no_memory(err, r->path);
}

static mask_status read_model(onnx_reader *r, const Mask__Onnx__Model *model, size_t size, size_t side, mask_error *err)
{
    r->model = model->graph;
    for (size_t i = 0; i < model->n_opset_import; i++)
        if (!model->opset_import[i]->domain || !*model->opset_import[i]->domain)
            r->version = (long)model->opset_import[i]->version;
    MASK__TRY(make_room(r, err));
    MASK__TRY(read_graph(r, size, err)); /* at the file's own side first, whose shapes the other is held against */
    if (side == 0 || side == r->native) return MASK_OK;
    mask__graph_free(r->graph);
    r->side = side;
    return read_graph(r, size, err);
}

/* protobuf-c says NULL for a damaged file and for short memory alike. */
static void *allocate(void *failed, size_t size)
{
    void *memory = malloc(size + !size);
    if (!memory) *(bool *)failed = true;
    return memory;
}

static void release(void *failed, void *memory)
{
    (void)failed;
    free(memory);
}

mask_status mask__onnx_read(mask__graph *graph, const void *data, size_t size, size_t side, const char *path,
                            mask_error *err)
{
    bool short_of_memory = false;
    ProtobufCAllocator allocator = {allocate, release, &short_of_memory};
    onnx_reader r = {.graph = graph, .path = path};
    *graph = (mask__graph){0};
    Mask__Onnx__Model *model = mask__onnx__model__unpack(&allocator, size, data);
    if (short_of_memory) {
        if (model) mask__onnx__model__free_unpacked(model, &allocator);
        return mask__no_memory(err, path);
    }
    mask_status status;
    if (model && model->graph) status = read_model(&r, model, size, side, err);
    else
        status = mask__fail(err, MASK_EFORMAT, 0,
                            "%s: byte 0: is no ONNX model: it is cut, damaged or of another kind, copy it again", path);
    if (model) mask__onnx__model__free_unpacked(model, &allocator);
    if (status != MASK_OK) mask__graph_free(graph);
    free(r.values);
    free(r.table);
    free(r.seen);
    return status;
}
