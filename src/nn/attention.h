/* Self-attention over the regions of one image, images of any size side by side (no padding).
 *
 * With one head the projections are folded: Q and K meet only in Q K^T, V and O only one after the other, so
 * M = Wq^T Wk and W = Wo Wv (d x d each, cheap) replace four products over all n rows by two. Same function, same
 * parameters, same gradients; about half the arithmetic. With more heads the products would be one a head, so there
 * the layer is computed as it is written. */
#ifndef MASK_NN_ATTENTION_H
#define MASK_NN_ATTENTION_H

#include "nn/parameters.h"
#include "nn/product.h"

/* Image i owns rows offsets[i] .. offsets[i + 1]. */
typedef struct mask__groups {
    const size_t *offsets; /* images + 1 */
    size_t images;
} mask__groups;

typedef struct mask__attention {
    size_t d;
    unsigned heads; /* divides d */
    bool residual;
    size_t q, k, v, o;     /* offsets of (d, d); q, k, v follow each other: one (3d, d) */
    size_t bq, bk, bv, bo; /* offsets of (d); bq, bk, bv follow each other: one (3d) */
} mask__attention;

/* What the way forward leaves for the way back. */
typedef struct mask__attention_saved {
    real *folded; /* M (d, d), W (d, d), c (d), b (d) */
    real *left;   /* folded: g (n, d); plain: q | k | v (n, 3d) */
    real *p;      /* softmax (n, heads * max_group): image i's (heads, I, I) from row offsets[i] */
    real *mix;    /* P v before the output projection; folded: P x (n, d) */
} mask__attention_saved;

/* Shared by all layers of a workspace. */
typedef struct mask__attention_scratch {
    real *dleft, *dmix; /* as left and mix */
    real *dfolded;      /* as folded */
    real *dp;           /* (threads, max_group, max_group) */
    size_t max_group;
    int threads;
    mask__product *product; /* of the products over all rows; NULL: float */
} mask__attention_scratch;

mask__attention mask__attention_make(mask__parameters *table, const char *net, const char *name, size_t d,
                                     unsigned heads, bool residual);
/* Numbers of `folded`, and a row of `left`. */
size_t mask__attention_folded(const mask__attention *layer);
size_t mask__attention_left(const mask__attention *layer);

/* To be called after every change of the parameters: computes saved->folded. */
void mask__attention_prepare(const mask__attention *layer, const real *parameters, mask__attention_saved *saved);
/* x (n, d) -> y (n, d) */
void mask__attention_forward(const mask__attention *layer, const real *parameters, mask__groups groups, const real *x,
                             mask__attention_saved *saved, const mask__attention_scratch *scratch, real *y);
/* dy (n, d) becomes dx in place; gradients are written. */
void mask__attention_backward(const mask__attention *layer, const real *parameters, mask__groups groups, const real *x,
                              const mask__attention_saved *saved, const mask__attention_scratch *scratch, real *dy,
                              real *gradients);

#endif
