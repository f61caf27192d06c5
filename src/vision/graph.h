/* A network as data: tensors, and operators in the order they run. Readers of model files build it operator by
 * operator (mask__graph_add), network.h runs it.
 *
 * Tensors are float32, and pictures rows of NHWC, whatever the file has. One image goes through at a time: the input is
 * (1, side, side, channels). Whole numbers of a file (shapes, indices) are floats too, exact up to 2^24, which larger
 * tensors are refused for. An operator's result has the shape that the operator makes of its inputs, so a network
 * whose file says nothing else may be built for any side; operators on constants are computed as they are added. Behind
 * the builder shapes fit each other, and whoever runs the graph need not doubt them. */
#ifndef MASK_VISION_GRAPH_H
#define MASK_VISION_GRAPH_H

#include "base/error.h"
#include "base/memory.h"

enum { MASK__GRAPH_DIMS = 8, MASK__NO_TENSOR = UINT32_MAX };

typedef struct mask__graph_tensor {
    const char *name;
    unsigned ndim; /* 0 = a single value */
    size_t shape[MASK__GRAPH_DIMS];
    size_t count;
    const float *values; /* of a constant; NULL = computed, or not yet known */
    bool whole;          /* whole numbers: quotients are cut */
} mask__graph_tensor;

typedef enum mask__op_kind {
    MASK__OP_CONV,         /* x, weights (out, kh, kw, in / groups), bias or none, or (by fuse.h) what is added */
    MASK__OP_AVERAGE_POOL, /* x */
    MASK__OP_MAX_POOL,     /* x */
    MASK__OP_MATMUL,       /* a (..., m, k), b (..., k, n) or, transposed, (..., n, k) */
    MASK__OP_REDUCE,       /* x, over `axes` */
    MASK__OP_BINARY,       /* two, of shapes that broadcast */
    MASK__OP_WHERE,        /* condition, a, b */
    MASK__OP_CONCAT,       /* any number, along `axis` */
    MASK__OP_RESHAPE,      /* x: the same values under the shape `sizes` */
    MASK__OP_TRANSPOSE,    /* x: dimension d of the result is `order[d]` of x */
    MASK__OP_SLICE,        /* x: from `begin`, `sizes` of them, each `step` further */
    MASK__OP_GATHER,       /* x, constant indices, along `axis` */
    MASK__OP_EXPAND,       /* x to the shape `sizes` */
    MASK__OP_PAD,          /* x: `begin` values before, `step` after each dimension */
    MASK__OP_RESIZE,       /* x: rows and columns to `sizes` */
    MASK__OP_SOFTMAX,      /* x, over the last dimension */
    MASK__OP_NORM,         /* x, scale, shift: over the last dimension to mean 0 and deviation 1, then those */
    MASK__OP_ACTIVATION,   /* x */
    MASK__OP_KINDS
} mask__op_kind;

/* Functions of one value. */
typedef enum mask__activation {
    MASK__LINEAR,
    MASK__RELU,
    MASK__CLIP, /* to low and high */
    MASK__HARD_SWISH,
    MASK__HARD_SIGMOID, /* low x + high, within 0 and 1 */
    MASK__LOGISTIC,
    MASK__SILU,      /* x logistic(x) */
    MASK__GELU,      /* by the error function */
    MASK__GELU_TANH, /* by its approximation */
    MASK__LEAKY,     /* x, or low x below 0 */
    MASK__ELU,
    MASK__TANH,
    MASK__ERF,
    MASK__EXP,
    MASK__LOG,
    MASK__SQRT,
    MASK__RECIPROCAL,
    MASK__NEGATE,
    MASK__ABSOLUTE,
    MASK__SINE,
    MASK__COSINE,
    MASK__FLOOR,
    MASK__CEILING,
    MASK__NOT,
    MASK__TRUNCATE, /* to a whole number */
} mask__activation;

typedef enum mask__arithmetic {
    MASK__ADD,
    MASK__SUBTRACT,
    MASK__MULTIPLY,
    MASK__DIVIDE,
    MASK__POWER,
    MASK__MODULO,
    MASK__MINIMUM,
    MASK__MAXIMUM,
    MASK__EQUAL, /* 1 or 0, as the next */
    MASK__LESS,
    MASK__GREATER,
} mask__arithmetic;

typedef enum mask__reduction { MASK__MEAN, MASK__SUM, MASK__MOST, MASK__LEAST, MASK__PRODUCT } mask__reduction;
typedef enum mask__resize { MASK__NEAREST, MASK__BILINEAR, MASK__BICUBIC } mask__resize;
/* Where the middle of a pixel is: at half a pixel, at corners that stay corners, or at its beginning. */
typedef enum mask__align { MASK__HALF_PIXEL, MASK__CORNERS, MASK__ASYMMETRIC } mask__align;

typedef struct mask__graph_op {
    mask__op_kind kind;
    const char *name; /* as the file's format calls the operator, for messages */
    uint32_t *inputs; /* tensors; MASK__NO_TENSOR where an optional one is absent */
    size_t input_count;
    uint32_t output;             /* MASK__NO_TENSOR = a new one */
    mask__activation activation; /* of the result, or MASK__OP_ACTIVATION's own */
    float low, high;             /* of the activation */
    mask__arithmetic arithmetic;
    mask__reduction reduction;
    mask__resize resize;
    mask__align align;
    bool transposed; /* the second matrix */
    bool same;       /* padding as little as keeps size / stride, more at the end; else pads are given */
    bool count_pads; /* an average counts the padding */
    bool keep;       /* a reduced dimension stays, with length 1 */
    bool axes[MASK__GRAPH_DIMS];
    size_t groups;                            /* of a convolution's channels */
    size_t stride[2], dilation[2], kernel[2]; /* rows, columns; kernel of pools only, a convolution's is its weights' */
    size_t pad_before[2], pad_after[2];
    size_t axis;
    unsigned ndim; /* of sizes */
    size_t sizes[MASK__GRAPH_DIMS], order[MASK__GRAPH_DIMS], begin[MASK__GRAPH_DIMS];
    long step[MASK__GRAPH_DIMS];
    float coefficient; /* of a cubic; epsilon of MASK__OP_NORM; factor of MASK__OP_SOFTMAX and MASK__OP_MATMUL */
} mask__graph_op;

typedef struct mask__graph {
    mask__arena arena; /* owns values and names */
    const char *path;  /* for messages */
    size_t budget;     /* bytes that may still be made: a small file must not ask for much memory */
    mask__graph_tensor *tensors;
    size_t tensor_count, tensor_room;
    mask__graph_op *ops;
    size_t op_count, op_room;
    size_t at;      /* number of the file's operator that is being read, for messages */
    uint32_t input; /* (1, side, side, channels) */
    uint32_t *outputs;
    size_t output_count;
} mask__graph;

/* An empty graph that may grow by so many times the file's size and so many bytes; path must live longer. */
void mask__graph_begin(mask__graph *graph, const char *path, size_t file_size, size_t spare);
void mask__graph_free(mask__graph *graph);
/* Zeroed memory of the graph, within its budget. */
mask_status mask__graph_room(mask__graph *graph, size_t count, size_t size, void **out, mask_error *err);
/* A new tensor without values. name may be NULL. */
mask_status mask__graph_tensor_add(mask__graph *graph, const char *name, unsigned ndim, const size_t *shape,
                                   uint32_t *out, mask_error *err);
/* A new constant; *values (zeros) is to be filled by the caller. */
mask_status mask__graph_constant(mask__graph *graph, unsigned ndim, const size_t *shape, uint32_t *out, float **values,
                                 mask_error *err);
/* Adds an operator; its inputs are copied, its result's shape is found, padding filled in. *out = the result. */
mask_status mask__graph_add(mask__graph *graph, const mask__graph_op *op, uint32_t *out, mask_error *err);
/* A shape's values, and whether it is one of ordinary size (shapes.c). */
bool mask__graph_count(unsigned ndim, const size_t *shape, size_t *count);
bool mask__same_shape(const mask__graph_tensor *a, const mask__graph_tensor *b);
/* The computed tensor of that name; where none has it, the only one that contains it. MASK__NO_TENSOR otherwise. */
uint32_t mask__graph_find(const mask__graph *graph, const char *name);

#endif
