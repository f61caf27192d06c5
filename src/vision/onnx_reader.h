/* What the files that read ONNX share: onnx.c walks over the nodes, onnx_operators.c has the table, and the functions
 * of onnx_moves.c and onnx_values.c serve it. */
#ifndef MASK_VISION_ONNX_READER_H
#define MASK_VISION_ONNX_READER_H

#include "vision/operators.h"

#include <onnx.pb-c.h>

typedef Mask__Onnx__Node onnx_node;
typedef Mask__Onnx__Tensor onnx_tensor;

/* A value of the file. Dimensions of pictures are (n, c, h, w) there; ours are stored with c last. */
typedef struct onnx_value {
    const char *name;
    uint32_t tensor;           /* MASK__NO_TENSOR where it is absent or not yet read */
    bool last;                 /* the file's dimension 1 is stored last */
    const onnx_tensor *stored; /* a constant of the file */
} onnx_value;

typedef struct onnx_reader {
    mask__graph *graph;
    const char *path;
    const Mask__Onnx__Graph *model;
    long version; /* of the operator set */
    onnx_value *values;
    size_t value_count, value_room, *table, table_size; /* open addressing: place of a value + 1 */
    size_t side, native;                                /* of the input, and in the file */
    size_t grid, native_grid;                           /* rows of patches that the first convolution makes of each */
    mask__graph_tensor *seen; /* of each node, the shape of its first input at the native side; that of its result */
    size_t node;              /* number of the one that is read */
} onnx_reader;

/* The value of that name, NULL where there is none. */
onnx_value *mask__onnx_find(const onnx_reader *reader, const char *name);
/* A value of that name, new or instead of the one that has it. */
mask_status mask__onnx_set(onnx_reader *reader, onnx_value value, mask_error *err);
/* The shape in the file's order. */
mask__graph_tensor mask__onnx_shape(const onnx_reader *reader, onnx_value value);
/* Input i of a node; tensor is MASK__NO_TENSOR where it is left out. Fails where it was not computed before. */
mask_status mask__onnx_input(onnx_reader *reader, const onnx_node *node, size_t i, onnx_value *out, mask_error *err);
mask_status mask__onnx_output(onnx_reader *reader, const onnx_node *node, size_t i, onnx_value value, mask_error *err);
mask_status mask__onnx_refuse(const onnx_reader *reader, const onnx_node *node, const char *what, mask_error *err);
mask_status mask__onnx_constant(onnx_reader *reader, const onnx_tensor *tensor, uint32_t *out, mask_error *err);
/* Reads one node. */
mask_status mask__onnx_node(onnx_reader *reader, const onnx_node *node, mask_error *err);
/* An operator of ONNX: its name, the function that reads it, and which of that function's operators it is. */
typedef struct onnx_entry {
    const char *name;
    mask_status (*read)(onnx_reader *reader, const onnx_node *node, const struct onnx_entry *entry, mask_error *err);
    int parameter;
} onnx_entry;

#define REFUSE(what) return mask__onnx_refuse(r, n, what, err)
enum { DIMS = MASK__GRAPH_DIMS, ABSENT = -1, MAX_INTS = 64 };

/* ---- onnx_values.c: attributes, constants, the order of dimensions ----------------------------------------------- */

const Mask__Onnx__Attribute *mask__onnx_attribute(const onnx_node *n, const char *name);
long mask__onnx_int(const onnx_node *n, const char *name, long otherwise);
float mask__onnx_float(const onnx_node *n, const char *name, float otherwise);
bool mask__onnx_text(const onnx_node *n, const char *name, const char *otherwise, const char *wanted);
bool mask__onnx_is_constant(const onnx_reader *r, onnx_value v);
/* Whole numbers that a node has as an attribute or, in newer files, as a constant input. *count = how many; ABSENT when
 * they are left out. */
mask_status mask__onnx_numbers(onnx_reader *r, const onnx_node *n, const char *name, size_t input, long out[MAX_INTS],
                               long *count, mask_error *err);
/* A dimension counted from either end. */
bool mask__onnx_settle(long *axis, unsigned ndim);
mask__graph_op mask__onnx_operation(mask__op_kind kind, const onnx_entry *e, uint32_t *inputs, size_t count);
unsigned mask__onnx_ndim(const onnx_reader *r, onnx_value v);
/* Where dimension d of the file is stored. */
size_t mask__onnx_place(const onnx_reader *r, onnx_value v, size_t d);
mask_status mask__onnx_reshape(onnx_reader *r, const onnx_entry *e, onnx_value *v, unsigned ndim, const size_t *shape,
                               mask_error *err);
/* Dimension d of the result is order[d] of what is stored. */
mask_status mask__onnx_transpose(onnx_reader *r, const onnx_entry *e, onnx_value *v, const size_t *order,
                                 mask_error *err);
/* Stored in the file's order. */
mask_status mask__onnx_canonical(onnx_reader *r, const onnx_entry *e, onnx_value *v, mask_error *err);
/* Stored with dimension 1 last. */
mask_status mask__onnx_channels_last(onnx_reader *r, const onnx_entry *e, onnx_value *v, mask_error *err);
mask_status mask__onnx_needed(onnx_reader *r, const onnx_node *n, size_t i, onnx_value *v, mask_error *err);
mask_status mask__onnx_plain(onnx_reader *r, const onnx_node *n, const onnx_entry *e, size_t i, onnx_value *v,
                             mask_error *err);
/* Adds an operator whose result is the node's. */
mask_status mask__onnx_finish(onnx_reader *r, const onnx_node *n, const mask__graph_op *op, bool last, mask_error *err);

/* ---- onnx_moves.c: operators that move values and make constants ------------------------------------------------- */

mask_status mask__read_transpose(onnx_reader *r, const onnx_node *n, const onnx_entry *e, mask_error *err);
mask_status mask__read_reshape(onnx_reader *r, const onnx_node *n, const onnx_entry *e, mask_error *err);
mask_status mask__read_flatten(onnx_reader *r, const onnx_node *n, const onnx_entry *e, mask_error *err);
mask_status mask__read_squeeze(onnx_reader *r, const onnx_node *n, const onnx_entry *e, mask_error *err);
mask_status mask__read_slice(onnx_reader *r, const onnx_node *n, const onnx_entry *e, mask_error *err);
mask_status mask__read_split(onnx_reader *r, const onnx_node *n, const onnx_entry *e, mask_error *err);
mask_status mask__read_concat(onnx_reader *r, const onnx_node *n, const onnx_entry *e, mask_error *err);
mask_status mask__read_gather(onnx_reader *r, const onnx_node *n, const onnx_entry *e, mask_error *err);
mask_status mask__read_expand(onnx_reader *r, const onnx_node *n, const onnx_entry *e, mask_error *err);
mask_status mask__read_tile(onnx_reader *r, const onnx_node *n, const onnx_entry *e, mask_error *err);
mask_status mask__read_pad(onnx_reader *r, const onnx_node *n, const onnx_entry *e, mask_error *err);
mask_status mask__read_resize(onnx_reader *r, const onnx_node *n, const onnx_entry *e, mask_error *err);
mask_status mask__read_shape(onnx_reader *r, const onnx_node *n, const onnx_entry *e, mask_error *err);
mask_status mask__read_constant(onnx_reader *r, const onnx_node *n, const onnx_entry *e, mask_error *err);
mask_status mask__read_constant_of_shape(onnx_reader *r, const onnx_node *n, const onnx_entry *e, mask_error *err);
mask_status mask__read_range(onnx_reader *r, const onnx_node *n, const onnx_entry *e, mask_error *err);
mask_status mask__read_dequantise(onnx_reader *r, const onnx_node *n, const onnx_entry *e, mask_error *err);
mask_status mask__read_scatter(onnx_reader *r, const onnx_node *n, const onnx_entry *e, mask_error *err);

#endif
