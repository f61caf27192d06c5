/* A network as data: tensors, and operators in the order they run. Readers of model files make it, network.h runs it.
 *
 * Tensors are float32, rows of NHWC. A computed tensor's first dimension is 1, the image: networks are run an image at
 * a time, and an operator that would mix images is refused. mask__graph_check is what every reader ends with; behind it
 * shapes fit each other, and whoever runs the graph need not doubt them. */
#ifndef MASK_VISION_GRAPH_H
#define MASK_VISION_GRAPH_H

#include "base/error.h"
#include "base/memory.h"

enum { MASK__GRAPH_DIMS = 4, MASK__NO_TENSOR = UINT32_MAX };

typedef struct mask__graph_tensor {
    const char *name;
    unsigned ndim; /* at most MASK__GRAPH_DIMS; 0 with count 0 = not a float tensor, only operators' parameters */
    size_t shape[MASK__GRAPH_DIMS];
    size_t count;
    const float *values; /* of a constant; NULL = computed */
} mask__graph_tensor;

typedef enum mask__op_kind {
    MASK__OP_CONV,         /* x, weights (out, kh, kw, in), bias or none */
    MASK__OP_DEPTHWISE,    /* x, weights (1, kh, kw, in * multiplier), bias or none */
    MASK__OP_AVERAGE_POOL, /* x; padding does not count */
    MASK__OP_MAX_POOL,     /* x */
    MASK__OP_MEAN,         /* x (1, h, w, c) to c values */
    MASK__OP_FULLY,        /* x, weights (out, in), bias or none */
    MASK__OP_ADD,          /* two of one shape, or the second a value for each of the last dimension, or one value */
    MASK__OP_MUL,          /* as MASK__OP_ADD */
    MASK__OP_CONCAT,       /* any number, along `axis` */
    MASK__OP_RESHAPE,      /* x: the same values under another shape */
    MASK__OP_PAD,          /* x: zeros around its rows and columns */
    MASK__OP_SOFTMAX,      /* x, over the last dimension */
    MASK__OP_ACTIVATION,   /* x */
} mask__op_kind;

typedef enum mask__activation {
    MASK__LINEAR,
    MASK__RELU,
    MASK__RELU6,
    MASK__HARD_SWISH,
    MASK__LOGISTIC,
} mask__activation;

typedef struct mask__graph_op {
    mask__op_kind kind;
    const char *name; /* as the file's format calls the operator, for messages */
    uint32_t *inputs; /* tensors; MASK__NO_TENSOR where an optional one is absent */
    size_t input_count;
    uint32_t output;
    mask__activation activation;              /* of the result */
    bool same;                                /* padding as little as keeps size / stride, more at the end; else none */
    size_t stride[2], dilation[2], kernel[2]; /* rows, columns; kernel of pools only, a convolution's is its weights' */
    size_t pad_before[2], pad_after[2];       /* of MASK__OP_PAD given, of convolutions and pools set by the check */
    size_t axis;
    float beta; /* of MASK__OP_SOFTMAX */
} mask__graph_op;

typedef struct mask__graph {
    mask__arena arena; /* owns all of it */
    const char *path;  /* for messages */
    mask__graph_tensor *tensors;
    size_t tensor_count;
    mask__graph_op *ops;
    size_t op_count;
    uint32_t input; /* (1, height, width, channels) */
    uint32_t *outputs;
    size_t output_count;
} mask__graph;

/* Every operator's tensors exist, were computed before and have the shapes it makes of its inputs; fills in padding. */
mask_status mask__graph_check(mask__graph *graph, mask_error *err);
void mask__graph_free(mask__graph *graph);
/* The computed tensor of that name; where none has it, the only one that contains it. MASK__NO_TENSOR otherwise. */
uint32_t mask__graph_find(const mask__graph *graph, const char *name);

#endif
