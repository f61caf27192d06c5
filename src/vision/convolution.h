/* One convolution by oneDNN: weights laid out once, then run by any number of threads at a time.
 *
 * oneDNN's fastest kernels want channels in blocks (nChw16c with AVX-512, else nChw8c), pictures of three channels as
 * planes; everything else here works on plain rows of NHWC. This is the only file that knows oneDNN's primitives; it is
 * written for their C interface of version 2. */
#ifndef MASK_VISION_CONVOLUTION_H
#define MASK_VISION_CONVOLUTION_H

#include "vision/graph.h"

typedef enum mask__layout {
    MASK__PLAIN,   /* NHWC */
    MASK__PLANAR,  /* NCHW */
    MASK__BLOCKED, /* N, C / block, H, W, block; missing channels are zeros */
    MASK__LAYOUTS
} mask__layout;

/* Values of a (1, h, w, c) tensor in a layout. */
size_t mask__layout_count(mask__layout layout, const size_t shape[4]);
/* Between MASK__PLAIN and another layout, either way. */
void mask__layout_convert(const float *from, mask__layout from_layout, float *to, mask__layout to_layout,
                          const size_t shape[4]);

typedef struct mask__conv_spec {
    size_t in[4], out[4]; /* 1, h, w, c */
    size_t kernel[2], stride[2], dilation[2], pad_before[2], pad_after[2];
    bool depthwise;
    bool add;                    /* the result is added to what the destination holds */
    mask__activation activation; /* after that; not MASK__LOGISTIC */
    mask__layout from, to;
} mask__conv_spec;

typedef struct mask__conv mask__conv;

/* weights as in graph.h; bias may be NULL. Uses as many threads as OpenMP is set to. Takes the weights from `twin` (may
 * be NULL; must live longer) where it has laid them out alike. */
mask_status mask__conv_create(mask__conv **out, const mask__conv_spec *spec, const float *weights, const float *bias,
                              const mask__conv *twin, mask_error *err);
void mask__conv_free(mask__conv *conv);
/* Whether oneDNN has only its reference kernel for this: then another layout is worth a try. */
bool mask__conv_slow(const mask__conv *conv);
/* Values of working memory that a run needs. oneDNN's own would be shared by the threads that run one convolution. */
size_t mask__conv_scratch(const mask__conv *conv);
mask_status mask__conv_run(const mask__conv *conv, const float *from, float *to, float *scratch, mask_error *err);

#endif
