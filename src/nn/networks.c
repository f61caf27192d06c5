#include "nn/networks.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

enum { MAX_SIZE = 1 << 16, MAX_LAYERS = 16 };

/* ---- Description ------------------------------------------------------------------------------------------------ */

static void append(mask__networks *nets, mask__layer layer)
{
    if (!mask__grow(&nets->layers, &nets->capacity, nets->count + 1, sizeof *nets->layers)) nets->table.failed = true;
    else nets->layers[nets->count++] = layer;
}

/* "fc" when there is only one, else "fc1", "fc2", ... */
static const char *numbered(char name[16], const char *kind, unsigned index, unsigned count)
{
    if (count == 1) snprintf(name, 16, "%s", kind);
    else snprintf(name, 16, "%s%u", kind, index);
    return name;
}

static void append_fc(mask__networks *nets, const char *net, unsigned index, unsigned count, size_t in, size_t out,
                      bool relu)
{
    char name[16];
    mask__linear l = mask__linear_make(&nets->table, net, numbered(name, "fc", index, count), in, out, relu);
    append(nets, (mask__layer){.kind = MASK__LINEAR, .u.linear = l});
}

static void append_attention(mask__networks *nets, const char *net, unsigned index, unsigned count, size_t d)
{
    char name[16];
    mask__attention l = mask__attention_make(&nets->table, net, numbered(name, "a", index, count), d,
                                             nets->config.heads, nets->config.residual);
    append(nets, (mask__layer){.kind = MASK__ATTENTION, .u.attention = l});
}

/* FC M -> Z, FCs Z -> Z, attentions; then the two heads. */
static void append_pae(mask__networks *nets)
{
    const mask__networks_config *c = &nets->config;
    unsigned fc = c->pae_fc, attention = c->pae_attention, shared = attention > 1 ? attention - 2 : 1;
    nets->first[MASK__TRUNK] = 0;
    for (unsigned i = 1; i <= fc; i++) append_fc(nets, "pae", i, fc, i == 1 ? c->features : c->latent, c->latent, true);
    for (unsigned i = 1; i <= shared; i++) append_attention(nets, "pae", i, attention, c->latent);
    nets->first[MASK__MU] = nets->count;
    if (attention > 1) append_attention(nets, "pae", attention - 1, attention, c->latent);
    mask__layernorm norm = mask__norm_make(&nets->table, "pae", "norm", c->latent);
    append(nets, (mask__layer){.kind = MASK__NORM, .u.norm = norm});
    nets->first[MASK__LOGVAR] = nets->count;
    if (attention > 1) append_attention(nets, "pae", attention, attention, c->latent);
}

/* FRM and MTM: in -> hidden -> ... -> out. */
static void append_decoder(mask__networks *nets, const char *net, unsigned fc, unsigned attention, size_t in,
                           size_t hidden, size_t out)
{
    unsigned placed = 0;
    for (unsigned i = 1; i < fc; i++) {
        unsigned slots = fc - i, here = (attention - placed + slots - 1) / slots;
        append_fc(nets, net, i, fc, i == 1 ? in : hidden, hidden, true);
        while (here--) append_attention(nets, net, ++placed, attention, hidden);
    }
    while (placed < attention) append_attention(nets, net, ++placed, attention, in); /* with one FC only */
    append_fc(nets, net, fc, fc, fc == 1 ? in : hidden, out, false);
}

static mask_status check_config(const mask__networks_config *c, mask_error *err)
{
    const size_t sizes[] = {c->features, c->latent, c->words};
    const unsigned counts[] = {c->pae_fc, c->pae_attention, c->frm_fc, c->mtm_fc};
    for (size_t i = 0; i < 3; i++)
        if (sizes[i] < 1 || sizes[i] > MAX_SIZE)
            return mask__fail(err, MASK_EINVAL, "networks: size %zu; choose 1 to %d", sizes[i], MAX_SIZE);
    for (size_t i = 0; i < 4; i++)
        if (counts[i] < 1 || counts[i] > MAX_LAYERS)
            return mask__fail(err, MASK_EINVAL, "networks: %u layers; choose 1 to %d", counts[i], MAX_LAYERS);
    if (c->frm_attention > MAX_LAYERS || c->mtm_attention > MAX_LAYERS)
        return mask__fail(err, MASK_EINVAL, "networks: more than %d attention layers", MAX_LAYERS);
    if (!c->heads || c->latent % c->heads || c->words % c->heads)
        return mask__fail(err, MASK_EINVAL, "networks: %u heads; choose a number that divides both Z = %zu and N = %zu",
                          c->heads, c->latent, c->words);
    return MASK_OK;
}

mask_status mask__networks_make(mask__networks *out, const mask__networks_config *config, mask_error *err)
{
    *out = (mask__networks){.config = *config};
    MASK__TRY(check_config(config, err));
    append_pae(out);
    out->first[MASK__FRM] = out->count;
    append_decoder(out, "frm", config->frm_fc, config->frm_attention, config->latent, config->latent, config->features);
    out->first[MASK__MTM] = out->count;
    append_decoder(out, "mtm", config->mtm_fc, config->mtm_attention, config->latent, config->words, config->words);
    out->first[MASK__CHAINS] = out->count;
    if (!out->table.failed) return MASK_OK;
    mask__networks_free(out);
    return mask__no_memory(err, "the networks' layers");
}

void mask__networks_free(mask__networks *networks)
{
    mask__parameters_free(&networks->table);
    free(networks->layers);
    *networks = (mask__networks){0};
}

size_t mask__networks_operand(const mask__networks *networks, size_t max_rows)
{
    size_t widest = 0, weights = 0;
    for (size_t i = 0; i < networks->count; i++) {
        const mask__layer *l = &networks->layers[i];
        size_t in = 0, out = 0;
        if (l->kind == MASK__LINEAR) in = l->u.linear.in, out = l->u.linear.out;
        if (l->kind == MASK__ATTENTION) in = l->u.attention.d, out = mask__attention_left(&l->u.attention);
        widest = in > widest ? in : widest;
        widest = out > widest ? out : widest;
        weights = in * out > weights ? in * out : weights;
    }
    return max_rows * widest > weights ? max_rows * widest : weights;
}

/* ---- Workspace -------------------------------------------------------------------------------------------------- */

static real *numbers(mask__work *work, size_t count, size_t size)
{
    return mask__arena_matrix(&work->arena, count, size, sizeof(real));
}

static void make_saved(mask__work *work, const mask__layer *layer, mask__saved *saved)
{
    size_t n = work->max_rows;
    if (layer->kind == MASK__LINEAR) saved->y = numbers(work, n, layer->u.linear.out);
    if (layer->kind == MASK__NORM) {
        saved->y = numbers(work, n, layer->u.norm.d);
        saved->stats = numbers(work, n, 2);
    }
    if (layer->kind == MASK__ATTENTION) {
        const mask__attention *a = &layer->u.attention;
        saved->y = numbers(work, n, a->d);
        saved->attention.folded = numbers(work, mask__attention_folded(a), 1);
        saved->attention.left = numbers(work, n, mask__attention_left(a));
        saved->attention.mix = numbers(work, n, a->d);
        saved->attention.p = numbers(work, n, a->heads * work->max_group);
    }
}

static void make_gradients(mask__work *work, const mask__networks_config *c)
{
    size_t n = work->max_rows, widest = c->latent > c->words ? c->latent : c->words;
    work->sampled = numbers(work, n, c->latent);
    for (int i = 0; i < 2; i++) work->flow[i] = numbers(work, n, widest);
    work->d.mu = numbers(work, n, c->latent);
    work->d.logvar = numbers(work, n, c->latent);
    work->d.w2 = numbers(work, n, c->words);
    work->scratch.dleft = numbers(work, n, c->heads == 1 ? widest : 3 * widest);
    work->scratch.dmix = numbers(work, n, widest);
    work->scratch.dfolded = numbers(work, 2 * widest * widest + 2 * widest, 1);
}

mask_status mask__work_make(mask__work *out, const mask__networks *networks, mask__purpose purpose, size_t max_rows,
                            size_t max_group, int threads, mask__product *product, mask_error *err)
{
    size_t layers = networks->first[purpose == MASK__ENCODE ? MASK__LOGVAR : MASK__CHAINS];
    assert(max_group <= UINT32_MAX && max_rows <= UINT32_MAX);
    *out = (mask__work){.purpose = purpose, .max_rows = max_rows, .max_group = max_group, .threads = threads};
    out->saved = mask__arena_alloc(&out->arena, layers, sizeof *out->saved);
    for (size_t i = 0; out->saved && i < layers; i++) make_saved(out, &networks->layers[i], &out->saved[i]);
    out->scratch.max_group = max_group;
    out->scratch.threads = threads;
    out->scratch.product = product;
    if (purpose == MASK__TRAIN) {
        out->scratch.dp = numbers(out, max_group * max_group, (size_t)threads);
        make_gradients(out, &networks->config);
    }
    if (!out->arena.lost) return MASK_OK;
    mask__work_free(out);
    return mask__no_memory(err, "the networks' activations: take a smaller batch");
}

void mask__work_free(mask__work *work)
{
    mask__arena_free(&work->arena);
    *work = (mask__work){0};
}

/* ---- Forward ---------------------------------------------------------------------------------------------------- */

void mask__networks_prepare(const mask__networks *nets, const real *parameters, mask__work *work)
{
    size_t layers = nets->first[work->purpose == MASK__ENCODE ? MASK__LOGVAR : MASK__CHAINS];
    for (size_t i = 0; i < layers; i++)
        if (nets->layers[i].kind == MASK__ATTENTION)
            mask__attention_prepare(&nets->layers[i].u.attention, parameters, &work->saved[i].attention);
}

/* The chain's output; x itself when the chain is empty. */
static real *chain_forward(const mask__networks *nets, mask__chain chain, const real *parameters, mask__groups groups,
                           real *x, mask__work *work)
{
    size_t n = groups.offsets[groups.images];
    for (size_t i = nets->first[chain]; i < nets->first[chain + 1]; i++) {
        const mask__layer *l = &nets->layers[i];
        mask__saved *s = &work->saved[i];
        s->x = x;
        if (l->kind == MASK__LINEAR) mask__linear_forward(&l->u.linear, parameters, work->scratch.product, n, x, s->y);
        else if (l->kind == MASK__NORM) mask__norm_forward(&l->u.norm, parameters, n, x, s->stats, s->y);
        else mask__attention_forward(&l->u.attention, parameters, groups, x, &s->attention, &work->scratch, s->y);
        x = s->y;
    }
    return x;
}

static void check_groups(mask__groups groups, const mask__work *work)
{
    assert(groups.offsets[0] == 0 && groups.offsets[groups.images] <= work->max_rows);
    for (size_t i = 0; i < groups.images; i++) assert(groups.offsets[i + 1] - groups.offsets[i] <= work->max_group);
    (void)groups;
    (void)work;
}

const real *mask__networks_encode(const mask__networks *nets, const real *parameters, mask__groups groups,
                                  const real *r, mask__work *work)
{
    check_groups(groups, work);
    real *h = chain_forward(nets, MASK__TRUNK, parameters, groups, (real *)r, work);
    return chain_forward(nets, MASK__MU, parameters, groups, h, work);
}

/* sampled = mu + exp(logvar / 2) z;   all (n, Z) */
static void sample_forward(size_t count, const mask__outputs *out, const real *z, real *sampled)
{
#pragma omp parallel for simd schedule(static)
    for (size_t i = 0; i < count; i++) sampled[i] = out->mu[i] + mask__exp((real)0.5 * out->logvar[i]) * z[i];
}

/* dmu += dsampled;   dlogvar += dsampled sigma z / 2,   sigma z = sampled - mu */
static void sample_backward(size_t count, const mask__outputs *out, const real *sampled, const real *dsampled,
                            mask__outputs *d)
{
#pragma omp parallel for simd schedule(static)
    for (size_t i = 0; i < count; i++) {
        d->mu[i] += dsampled[i];
        d->logvar[i] += (real)0.5 * dsampled[i] * (sampled[i] - out->mu[i]);
    }
}

void mask__networks_forward(const mask__networks *nets, const real *parameters, mask__groups groups, const real *r,
                            const real *z, mask__work *work)
{
    assert(work->purpose == MASK__TRAIN);
    check_groups(groups, work);
    real *h = chain_forward(nets, MASK__TRUNK, parameters, groups, (real *)r, work);
    work->out.mu = chain_forward(nets, MASK__MU, parameters, groups, h, work);
    work->out.logvar = chain_forward(nets, MASK__LOGVAR, parameters, groups, h, work);
    sample_forward(groups.offsets[groups.images] * nets->config.latent, &work->out, z, work->sampled);
    work->out.r2 = chain_forward(nets, MASK__FRM, parameters, groups, work->sampled, work);
    work->out.w2 = chain_forward(nets, MASK__MTM, parameters, groups, work->out.mu, work);
    work->d.r2 = work->out.r2;
}

/* ---- Backward --------------------------------------------------------------------------------------------------- */

/* dy is used up; the result is dy itself or one of work->flow. With `input` false nobody wants the first layer's dx. */
static real *chain_backward(const mask__networks *nets, mask__chain chain, const real *parameters, mask__groups groups,
                            bool input, real *dy, mask__work *work, real *gradients)
{
    size_t n = groups.offsets[groups.images];
    for (size_t i = nets->first[chain + 1]; i-- > nets->first[chain];) {
        const mask__layer *l = &nets->layers[i];
        const mask__saved *s = &work->saved[i];
        if (l->kind == MASK__LINEAR) {
            bool wanted = input || i > nets->first[chain];
            real *dx = !wanted ? NULL : dy == work->flow[0] ? work->flow[1] : work->flow[0];
            mask__linear_backward(&l->u.linear, parameters, work->scratch.product, n, s->x, s->y, dy, dx, gradients);
            dy = dx;
        } else if (l->kind == MASK__NORM) {
            mask__norm_backward(&l->u.norm, parameters, n, s->x, s->stats, dy, gradients);
        } else {
            mask__attention_backward(&l->u.attention, parameters, groups, s->x, &s->attention, &work->scratch, dy,
                                     gradients);
        }
    }
    return dy;
}

static void add(size_t count, const real *from, real *to)
{
#pragma omp parallel for simd schedule(static)
    for (size_t i = 0; i < count; i++) to[i] += from[i];
}

void mask__networks_backward(const mask__networks *nets, const real *parameters, mask__groups groups, mask__work *work,
                             real *gradients)
{
    mask__outputs *d = &work->d;
    size_t count = groups.offsets[groups.images] * nets->config.latent;
    real *dsampled = chain_backward(nets, MASK__FRM, parameters, groups, true, d->r2, work, gradients);
    sample_backward(count, &work->out, work->sampled, dsampled, d);
    add(count, chain_backward(nets, MASK__MTM, parameters, groups, true, d->w2, work, gradients), d->mu);
    chain_backward(nets, MASK__MU, parameters, groups, true, d->mu, work, gradients);
    chain_backward(nets, MASK__LOGVAR, parameters, groups, true, d->logvar, work, gradients);
    add(count, d->logvar, d->mu);
    chain_backward(nets, MASK__TRUNK, parameters, groups, false, d->mu, work, gradients);
}
