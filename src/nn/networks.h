/* The three networks of MASK and the memory they run in.
 *
 *   PAE   r (n, M) -> h (n, Z) by FC + ReLU and self-attention;  mu = LayerNorm(attention(h)), log sigma^2 =
 * attention(h) FRM   mu + sigma z -> r' (n, M) MTM   mu -> w' (n, N)
 *
 * A mask__networks is the description (layers, tensor table) and never changes; a mask__work holds the activations of
 * one batch at a time. Parameters and gradients are flat buffers of the caller's, laid out by the table. GEMMs use
 * OpenMP's current number of threads (MASK__USE_THREADS): it should be the workspace's. */
#ifndef MASK_NN_NETWORKS_H
#define MASK_NN_NETWORKS_H

#include "nn/attention.h"
#include "base/memory.h"
#include "nn/linear.h"
#include "nn/norm.h"

typedef struct mask__networks_config {
    size_t features, latent, words; /* M, Z, N */
    unsigned heads;                 /* divides Z and N */
    bool residual;                  /* x + attention(x) */
    /* Numbers of fully connected and attention layers. PAE: the FCs come first; its last two attentions are the heads
     * of mu and of log sigma^2, and with one attention only both read its output. FRM, MTM: the last FC is the output;
     * attentions follow the FCs before it, the earlier ones first; with one FC they all come before it. */
    unsigned pae_fc, pae_attention, frm_fc, frm_attention, mtm_fc, mtm_attention;
} mask__networks_config;
#define MASK__NETWORKS_DEFAULTS                                                                                        \
    ((mask__networks_config){.features = 2048,                                                                         \
                             .latent = 512,                                                                            \
                             .words = 300,                                                                             \
                             .heads = 1,                                                                               \
                             .residual = true,                                                                         \
                             .pae_fc = 1,                                                                              \
                             .pae_attention = 3,                                                                       \
                             .frm_fc = 2,                                                                              \
                             .frm_attention = 1,                                                                       \
                             .mtm_fc = 3,                                                                              \
                             .mtm_attention = 3})

typedef struct mask__layer {
    enum { MASK__LINEAR, MASK__ATTENTION, MASK__NORM } kind;
    union {
        mask__linear linear;
        mask__attention attention;
        mask__layernorm norm;
    } u;
} mask__layer;

/* Layers in a row, each reading what the one before wrote. */
typedef enum mask__chain { MASK__TRUNK, MASK__MU, MASK__LOGVAR, MASK__FRM, MASK__MTM, MASK__CHAINS } mask__chain;

typedef struct mask__networks {
    mask__networks_config config;
    mask__parameters table;
    mask__layer *layers;
    size_t count, capacity;
    size_t first[MASK__CHAINS + 1]; /* chain c is layers first[c] .. first[c + 1] */
} mask__networks;

/* MASK_EINVAL when a size or a count is out of its range. */
mask_status mask__networks_make(mask__networks *out, const mask__networks_config *config, mask_error *err);
void mask__networks_free(mask__networks *networks);
/* The most numbers an operand of a product over max_rows rows has, for mask__product_make. */
size_t mask__networks_operand(const mask__networks *networks, size_t max_rows);

/* Outputs of the networks, or the loss's gradients by them. */
typedef struct mask__outputs {
    real *mu, *logvar; /* (n, Z) */
    real *r2;          /* r' (n, M) */
    real *w2;          /* w' (n, N) */
} mask__outputs;

/* What a layer remembers of the way forward. */
typedef struct mask__saved {
    const real *x;
    real *y, *stats;
    mask__attention_saved attention;
} mask__saved;

typedef enum { MASK__ENCODE, MASK__TRAIN } mask__purpose;

typedef struct mask__work {
    mask__arena arena;
    mask__purpose purpose;
    size_t max_rows, max_group;
    int threads;
    mask__saved *saved; /* one a layer */
    mask__attention_scratch scratch;
    real *sampled;        /* mu + sigma z (n, Z) */
    real *flow[2];        /* gradients on their way through a chain (n, max(Z, N)) */
    mask__outputs out, d; /* d.r2 is out.r2: the loss turns r' into its gradient in place */
} mask__work;

/* Everything a batch of at most max_rows regions, at most max_group in an image, needs. MASK__ENCODE: for
 * mask__networks_encode only. product (NULL: float) must outlive the workspace; mask__networks_operand is its size. */
mask_status mask__work_make(mask__work *out, const mask__networks *networks, mask__purpose purpose, size_t max_rows,
                            size_t max_group, int threads, mask__product *product, mask_error *err);
void mask__work_free(mask__work *work);

/* To be called after every change of the parameters, before the next pass. */
void mask__networks_prepare(const mask__networks *networks, const real *parameters, mask__work *work);
/* r (n, M) -> mu (n, Z), in the workspace until its next use. */
const real *mask__networks_encode(const mask__networks *networks, const real *parameters, mask__groups groups,
                                  const real *r, mask__work *work);
/* r (n, M), z (n, Z) from N(0, 1) -> work->out. r must stay until the way back. */
void mask__networks_forward(const mask__networks *networks, const real *parameters, mask__groups groups, const real *r,
                            const real *z, mask__work *work);
/* work->d holds the gradients by the outputs and is used up; gradients (table.size) is written. */
void mask__networks_backward(const mask__networks *networks, const real *parameters, mask__groups groups,
                             mask__work *work, real *gradients);

#endif
