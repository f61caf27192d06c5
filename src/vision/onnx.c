/* ONNX files: values, constants, and the walk over the nodes. */
#include "vision/onnx.h"
#include "vision/onnx_reader.h"

#include <stdlib.h>
#include <string.h>

enum { USUAL_SIDE = 224, MAX_SIDE = 4096, MAX_NODES = 1 << 14, COMPUTED = 1 << 26 /* bytes of constants */ };
enum { FLOAT = 1 };

bool mask__onnx_here(const void *data, size_t size)
{
    const unsigned char *bytes = data;
    return size > 16 && bytes[0] == 8 && bytes[1] < 64 && bytes[2] >= 0x12;
}

/* ---- The file ---------------------------------------------------------------------------------------------------- */

static mask_status no_image(const onnx_reader *r)
{
    return mask__fail(
        r->err, MASK_EFORMAT,
        "%s: the input is not one square image of float values, (1, 3, side, side) or (1, side, side, 3): "
        "export the network so",
        r->path);
}

/* The one input that is no constant: a picture, its side open or given. */
static mask_status read_input(onnx_reader *r)
{
    const Mask__Onnx__Value *found = NULL;
    for (size_t i = 0; i < r->model->n_input; i++) {
        const Mask__Onnx__Value *v = r->model->input[i];
        if (!v->name || mask__onnx_find(r, v->name)) continue;
        if (found) return no_image(r);
        found = v;
    }
    const Mask__Onnx__TensorType *type = found && found->type ? found->type->tensor_type : NULL;
    if (!type || type->elem_type != FLOAT || !type->shape || type->shape->n_dim != 4) return no_image(r);
    long dims[4];
    for (int d = 0; d < 4; d++) dims[d] = type->shape->dim[d]->has_dim_value ? (long)type->shape->dim[d]->dim_value : 0;
    bool last = dims[1] == 3 || dims[3] != 3; /* the file's channels come first, ours last */
    long rows = last ? dims[2] : dims[1], columns = last ? dims[3] : dims[2];
    if (dims[0] > 1 || (last && dims[1] != 3 && dims[1] > 0) || rows > MAX_SIDE ||
        (rows > 0 && columns > 0 && rows != columns))
        return no_image(r);
    r->native = rows > 0 ? (size_t)rows : USUAL_SIDE;
    if (r->side == 0) r->side = r->native;
    size_t shape[4] = {1, r->side, r->side, 3};
    onnx_value value = {.name = found->name, .last = last};
    MASK__TRY(mask__graph_tensor_add(r->graph, NULL, 4, shape, &value.tensor, r->err));
    r->graph->input = value.tensor;
    return mask__onnx_set(r, value);
}

static mask_status read_outputs(onnx_reader *r)
{
    mask__graph *g = r->graph;
    MASK__TRY(mask__graph_room(g, r->model->n_output, sizeof *g->outputs, (void **)&g->outputs, r->err));
    for (size_t i = 0; i < r->model->n_output; i++) {
        const char *name = r->model->output[i]->name;
        const onnx_value *v = name ? mask__onnx_find(r, name) : NULL;
        if (!v || v->tensor == MASK__NO_TENSOR || v->tensor == g->input || g->tensors[v->tensor].values)
            return mask__fail(r->err, MASK_EFORMAT,
                              "%s: output %zu is computed by no operator: the file is damaged, export it again",
                              r->path, i);
        g->outputs[g->output_count++] = v->tensor;
    }
    if (g->output_count) return MASK_OK;
    return mask__fail(r->err, MASK_EFORMAT, "%s: has no output", r->path);
}

/* Builds the graph for r->side. */
static mask_status read_graph(onnx_reader *r, size_t size)
{
    mask__graph_begin(r->graph, r->path, size, COMPUTED);
    r->value_count = 0;
    memset(r->table, 0, r->table_size * sizeof *r->table);
    for (size_t i = 0; i < r->model->n_initializer; i++) {
        const onnx_tensor *t = r->model->initializer[i];
        if (t->name) MASK__TRY(mask__onnx_set(r, (onnx_value){t->name, MASK__NO_TENSOR, false, t}));
    }
    MASK__TRY(read_input(r));
    for (r->at = 0; r->at < r->model->n_node; r->at++) {
        r->graph->at = r->at;
        mask_status status = mask__onnx_node(r, r->model->node[r->at]);
        if (status == MASK_EFORMAT && r->side != r->native) return MASK_OK; /* a head that has only its own size */
        MASK__TRY(status);
    }
    return read_outputs(r);
}

static mask_status make_room(onnx_reader *r)
{
    const Mask__Onnx__Graph *m = r->model;
    size_t outputs = 0;
    if (m->n_node > MAX_NODES)
        return mask__fail(r->err, MASK_EFORMAT, "%s: has %zu operators: up to %d are read", r->path, m->n_node,
                          MAX_NODES);
    for (size_t i = 0; i < m->n_node; i++) outputs += m->node[i]->n_output;
    r->value_room = m->n_initializer + m->n_input + outputs + 1;
    for (r->table_size = 64; r->table_size < 2 * r->value_room + 2;) r->table_size *= 2;
    r->values = calloc(r->value_room, sizeof *r->values);
    r->table = calloc(r->table_size, sizeof *r->table);
    r->seen = calloc(2 * m->n_node + 2, sizeof *r->seen);
    return r->values && r->table && r->seen ? MASK_OK : mask__no_memory(r->err, r->path);
}

static mask_status read_model(onnx_reader *r, const Mask__Onnx__Model *model, size_t size, size_t side)
{
    r->model = model->graph;
    for (size_t i = 0; i < model->n_opset_import; i++)
        if (!model->opset_import[i]->domain || !*model->opset_import[i]->domain)
            r->version = (long)model->opset_import[i]->version;
    MASK__TRY(make_room(r));
    MASK__TRY(read_graph(r, size)); /* at the file's own side first, whose shapes the other is held against */
    if (side == 0 || side == r->native) return MASK_OK;
    mask__graph_free(r->graph);
    r->side = side;
    return read_graph(r, size);
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
    onnx_reader r = {.graph = graph, .path = path, .err = err};
    *graph = (mask__graph){0};
    Mask__Onnx__Model *model = mask__onnx__model__unpack(&allocator, size, data);
    if (short_of_memory) {
        if (model) mask__onnx__model__free_unpacked(model, &allocator);
        return mask__no_memory(err, path);
    }
    mask_status status;
    if (model && model->graph) status = read_model(&r, model, size, side);
    else
        status =
            mask__fail_at(err, MASK_EFORMAT, 0,
                          "%s: byte 0: is no ONNX model: it is cut, damaged or of another kind, copy it again", path);
    if (model) mask__onnx__model__free_unpacked(model, &allocator);
    if (status != MASK_OK) mask__graph_free(graph);
    free(r.values);
    free(r.table);
    free(r.seen);
    return status;
}
