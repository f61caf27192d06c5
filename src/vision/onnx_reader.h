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

/* An operator of ONNX: its name, the function that reads it, and which of that function's operators it is. */
typedef struct onnx_reader onnx_reader;
typedef mask_status onnx_read(onnx_reader *reader);
typedef struct onnx_entry {
    const char *name;
    onnx_read *read;
    int parameter;
} onnx_entry;

/* The first failure is remembered, and from then on nothing is added to the graph and every value is the network's
 * input: the functions below go straight through, and return that failure at their end. */
struct onnx_reader {
    mask__graph *graph;
    const char *path;
    const Mask__Onnx__Graph *model;
    long version; /* of the operator set */
    onnx_value *values;
    size_t value_count, value_room, *table, table_size; /* open addressing: place of a value + 1 */
    size_t side, native;                                /* of the input, and in the file */
    size_t grid, native_grid;                           /* rows of patches that the first convolution makes of each */
    mask__graph_tensor *seen; /* of each node, the shape of its first input at the native side; that of its result */
    size_t at;                /* number of the node that is read */
    const onnx_node *node;
    const onnx_entry *entry; /* for it */
    mask_status status;
    mask_error *err;
};

enum { DIMS = MASK__GRAPH_DIMS, ABSENT = -1, MAX_INTS = 64 };

/* Whole numbers of a node. */
typedef struct onnx_numbers {
    long count; /* ABSENT when they are left out */
    long at[MAX_INTS];
} onnx_numbers;

/* Reads one node. */
mask_status mask__onnx_node(onnx_reader *reader, const onnx_node *node);

/* ---- onnx_values.c: values, attributes, constants, the order of dimensions ----------------------------------------
 */

/* What is wrong with the node. */
mask_status mask__onnx_refuse(onnx_reader *reader, const char *what);
#define REFUSE(what) return mask__onnx_refuse(r, what)
/* The value of that name, NULL where there is none. */
onnx_value *mask__onnx_find(const onnx_reader *reader, const char *name);
/* A value of that name, new or instead of the one that has it. */
mask_status mask__onnx_set(onnx_reader *reader, onnx_value value);
/* Input i of the node; tensor is MASK__NO_TENSOR where it is left out. Fails where it was not computed before. */
onnx_value mask__onnx_input(onnx_reader *reader, size_t i);
/* One that must be there; and one in the file's order. */
onnx_value mask__onnx_needed(onnx_reader *reader, size_t i);
onnx_value mask__onnx_plain(onnx_reader *reader, size_t i);
mask_status mask__onnx_output(onnx_reader *reader, size_t i, onnx_value value);
/* The values of a constant, NULL of what is computed or left out. */
const float *mask__onnx_values(const onnx_reader *reader, onnx_value value);
/* The same of one that has a single value. */
const float *mask__onnx_single(const onnx_reader *reader, onnx_value value);

const Mask__Onnx__Attribute *mask__onnx_attribute(const onnx_reader *reader, const char *name);
long mask__onnx_int(const onnx_reader *reader, const char *name, long otherwise);
float mask__onnx_float(const onnx_reader *reader, const char *name, float otherwise);
bool mask__onnx_text(const onnx_reader *reader, const char *name, const char *otherwise, const char *wanted);
/* Numbers that the node has as an attribute or, in newer files, as a constant input (SIZE_MAX = never). */
onnx_numbers mask__onnx_numbers(onnx_reader *reader, const char *name, size_t input);
/* A dimension counted from either end. */
bool mask__onnx_settle(long *axis, unsigned ndim);

/* The shape in the file's order. */
mask__graph_tensor mask__onnx_shape(const onnx_reader *reader, onnx_value value);
unsigned mask__onnx_ndim(const onnx_reader *reader, onnx_value value);
/* Where dimension d of the file is stored. */
size_t mask__onnx_place(const onnx_reader *reader, onnx_value value, size_t d);

/* A constant of the file, and a new one: *values (zeros) is to be filled, NULL after a failure. */
uint32_t mask__onnx_constant(onnx_reader *reader, const onnx_tensor *tensor);
uint32_t mask__onnx_new(onnx_reader *reader, unsigned ndim, const size_t *shape, float **values);
/* An operator to add; adding it gives its result. */
mask__graph_op mask__onnx_operation(const onnx_reader *reader, mask__op_kind kind, uint32_t *inputs, size_t count);
uint32_t mask__onnx_add(onnx_reader *reader, const mask__graph_op *op);
/* Adds one whose result is the node's. */
mask_status mask__onnx_finish(onnx_reader *reader, const mask__graph_op *op, bool last);
onnx_value mask__onnx_reshape(onnx_reader *reader, onnx_value value, unsigned ndim, const size_t *shape);
/* Dimension d of the result is order[d] of what is stored. */
onnx_value mask__onnx_transpose(onnx_reader *reader, onnx_value value, const size_t *order);
/* Stored in the file's order, and with dimension 1 last. */
onnx_value mask__onnx_canonical(onnx_reader *reader, onnx_value value);
onnx_value mask__onnx_channels_last(onnx_reader *reader, onnx_value value);

/* ---- onnx_moves.c: operators that move values and make constants ------------------------------------------------- */

onnx_read mask__read_transpose, mask__read_reshape, mask__read_flatten, mask__read_squeeze, mask__read_slice,
    mask__read_split, mask__read_concat, mask__read_gather, mask__read_expand, mask__read_tile, mask__read_pad,
    mask__read_resize, mask__read_shape, mask__read_constant, mask__read_constant_of_shape, mask__read_range,
    mask__read_dequantise, mask__read_scatter;

#endif
