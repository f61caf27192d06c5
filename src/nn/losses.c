#include "nn/losses.h"

#include <assert.h>
#include <stdlib.h>

enum { WORDS_AT_ONCE = 256 }; /* rows of the matrix of words' and regions' cosines that exist at a time */

/* A label, sorted by word. */
typedef struct pair {
    uint32_t word, region;
    uint32_t slot; /* the word's place among the batch's words */
} pair;

struct mask__loss_work {
    mask__arena arena;
    size_t max_rows, max_pairs;
    mask__product *product;    /* of contrast; structure is a difference of large sums and stays float */
    real *row;                 /* (n) a sum each */
    real *m, *u;               /* unit rows of mu (n, Z) and w' (n, N) */
    real *m_length, *u_length; /* (n) */
    real *dm, *du;             /* gradients by m, u */
    real *uu, *mm, *um;        /* (N, N), (Z, Z), (N, Z) */
    pair *pairs;
    size_t slots, *first;    /* slot s is pairs first[s] .. first[s + 1] */
    size_t *by_region_first; /* region i's pairs are by_region[by_region_first[i] .. by_region_first[i + 1]] */
    uint32_t *by_region;     /* indices of pairs */
    real *proto, *proto_length, *dproto; /* (slots, Z) unit prototypes, (slots) lengths before, gradients */
    real *slot_loss;                     /* (slots) */
    real *cosine;                        /* (WORDS_AT_ONCE, n) */
};

mask_status mask__loss_work_make(mask__loss_work **out, const mask__networks *networks, size_t max_rows,
                                 size_t max_pairs, mask__product *product, mask_error *err)
{
    size_t z = networks->config.latent, w = networks->config.words, n = max_rows, p = max_pairs;
    mask__arena arena = {0};
    assert(n <= UINT32_MAX && p <= UINT32_MAX);
    *out = NULL;
    mask__loss_work *work = mask__arena_alloc(&arena, 1, sizeof *work);
    if (!work) return mask__no_memory(err, "the losses");
    work->row = mask__arena_alloc(&arena, n, sizeof *work->row);
    work->m = mask__arena_alloc(&arena, n * z, sizeof *work->m);
    work->u = mask__arena_alloc(&arena, n * w, sizeof *work->u);
    work->m_length = mask__arena_alloc(&arena, n, sizeof *work->m_length);
    work->u_length = mask__arena_alloc(&arena, n, sizeof *work->u_length);
    work->dm = mask__arena_alloc(&arena, n * z, sizeof *work->dm);
    work->du = mask__arena_alloc(&arena, n * w, sizeof *work->du);
    work->uu = mask__arena_alloc(&arena, w * w, sizeof *work->uu);
    work->mm = mask__arena_alloc(&arena, z * z, sizeof *work->mm);
    work->um = mask__arena_alloc(&arena, w * z, sizeof *work->um);
    work->pairs = mask__arena_alloc(&arena, p, sizeof *work->pairs);
    work->first = mask__arena_alloc(&arena, p + 1, sizeof *work->first);
    work->by_region_first = mask__arena_alloc(&arena, n + 1, sizeof *work->by_region_first);
    work->by_region = mask__arena_alloc(&arena, p, sizeof *work->by_region);
    work->proto = mask__arena_alloc(&arena, p * z, sizeof *work->proto);
    work->proto_length = mask__arena_alloc(&arena, p, sizeof *work->proto_length);
    work->dproto = mask__arena_alloc(&arena, p * z, sizeof *work->dproto);
    work->slot_loss = mask__arena_alloc(&arena, p, sizeof *work->slot_loss);
    work->cosine = mask__arena_alloc(&arena, n * WORDS_AT_ONCE, sizeof *work->cosine);
    work->arena = arena;
    work->max_rows = n;
    work->max_pairs = p;
    work->product = product;
    if (arena.lost) {
        mask__arena_free(&arena); /* with the work */
        return mask__no_memory(err, "the losses: take a smaller batch");
    }
    *out = work;
    return MASK_OK;
}

void mask__loss_work_free(mask__loss_work *work)
{
    if (!work) return;
    mask__arena arena = work->arena; /* work itself lives in it */
    mask__arena_free(&arena);
}

static double total(const real *values, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++) sum += values[i];
    return sum;
}

/* ---- Reconstruction and divergence, Eq. 5 ---------------------------------------------------------------------- */

/* kl = mean_n sum_d (e^lv + mu^2 - 1 - lv) / 2;   dmu = w mu / n;   dlv = w (e^lv - 1) / 2n */
static double kl_loss(mask__rows own, size_t n, size_t d, real weight, const mask__outputs *out, const mask__outputs *g,
                      real *row)
{
    real w = weight / (real)n;
#pragma omp parallel for schedule(static)
    for (size_t i = 0; i < own.count; i++) {
        const real *mu = out->mu + (own.first + i) * d, *lv = out->logvar + i * d;
        real *dmu = g->mu + i * d, *dlv = g->logvar + i * d, sum = 0;
#pragma omp simd reduction(+ : sum)
        for (size_t j = 0; j < d; j++) {
            real variance = mask__exp(lv[j]);
            sum += variance + mu[j] * mu[j] - 1 - lv[j];
            dmu[j] = w * mu[j];
            dlv[j] = w * (variance - 1) / 2;
        }
        row[i] = sum / 2;
    }
    return total(row, own.count) / (double)n;
}

/* rec = mean_n |r - r'|^2;   dr' = 2 w (r' - r) / n */
static double rec_loss(size_t rows, size_t n, size_t d, real weight, const real *r, const real *r2, real *dr2,
                       real *row)
{
    real w = 2 * weight / (real)n;
#pragma omp parallel for schedule(static)
    for (size_t i = 0; i < rows; i++) {
        const real *a = r + i * d, *b = r2 + i * d;
        real *g = dr2 + i * d, sum = 0;
#pragma omp simd reduction(+ : sum)
        for (size_t j = 0; j < d; j++) {
            real e = b[j] - a[j];
            sum += e * e;
            g[j] = w * e;
        }
        row[i] = sum;
    }
    return total(row, rows) / (double)n;
}

/* ---- Unit rows -------------------------------------------------------------------------------------------------- */

/* unit = x / max(|x|, 1e-12), as torch's normalize; length = that divisor */
static void unit_forward(size_t n, size_t d, const real *x, real *unit, real *length)
{
#pragma omp parallel for schedule(static)
    for (size_t i = 0; i < n; i++) {
        real norm = mask__sqrt(mask__real_dot(x + i * d, x + i * d, d));
        length[i] = norm > (real)1e-12 ? norm : (real)1e-12;
        real scale = 1 / length[i];
        for (size_t j = 0; j < d; j++) unit[i * d + j] = x[i * d + j] * scale;
    }
}

/* dx = [dx +] (dunit - unit (unit . dunit)) / length; a clamped length is a constant: dunit / length */
static void unit_backward(size_t n, size_t d, const real *unit, const real *length, const real *dunit, bool accumulate,
                          real *dx)
{
#pragma omp parallel for schedule(static)
    for (size_t i = 0; i < n; i++) {
        const real *y = unit + i * d, *dy = dunit + i * d;
        real scale = 1 / length[i], along = length[i] > (real)1e-12 ? mask__real_dot(y, dy, d) : 0;
        for (size_t j = 0; j < d; j++)
            dx[i * d + j] = (accumulate ? dx[i * d + j] : 0) + (dy[j] - y[j] * along) * scale;
    }
}

/* ---- Structure, second term of Eq. 9 ---------------------------------------------------------------------------- */

/* With u, m the unit rows of w', mu:  structure = sum_{i != j} (u_i . u_j - m_i . m_j)^2 / n (n - 1).
 * The sum over all n^2 pairs is |U^T U|^2 - 2 |U^T M|^2 + |M^T M|^2 (Frobenius), which costs n d^2 and not n^2 d; the
 * diagonal e_i = |u_i|^2 - |m_i|^2, 0 but for rows of zeros, is taken off again.
 *   du = 4 w (U U^T U - M M^T U),   dm = 4 w (M M^T M - U U^T M),   w = weight / n (n - 1)
 * The diagonal's gradients are multiples of u_i and m_i, which the way back through the length removes. */
static double structure_loss(mask__rows own, size_t n, size_t dm, size_t du, real weight, mask__loss_work *k)
{
    double pairs = (double)n * (double)(n - 1), diagonal = 0;
    if (n < 2) pairs = 1, weight = 0;
    real w = 4 * weight / (real)pairs;
    const real *u = k->u + own.first * du, *m = k->m + own.first * dm;
    real *own_du = k->du + own.first * du, *own_dm = k->dm + own.first * dm;
    mask__real_gemm(true, false, du, du, n, 1, k->u, du, k->u, du, 0, k->uu, du);
    mask__real_gemm(true, false, dm, dm, n, 1, k->m, dm, k->m, dm, 0, k->mm, dm);
    mask__real_gemm(true, false, du, dm, n, 1, k->u, du, k->m, dm, 0, k->um, dm);
    mask__real_gemm(false, false, own.count, du, du, w, u, du, k->uu, du, 0, own_du, du);
    mask__real_gemm(false, true, own.count, du, dm, -w, m, dm, k->um, dm, 1, own_du, du);
    mask__real_gemm(false, false, own.count, dm, dm, w, m, dm, k->mm, dm, 0, own_dm, dm);
    mask__real_gemm(false, false, own.count, dm, du, -w, u, du, k->um, dm, 1, own_dm, dm);
#pragma omp parallel for schedule(static)
    for (size_t i = 0; i < n; i++) {
        const real *x = k->u + i * du, *y = k->m + i * dm;
        real e = mask__real_dot(x, x, du) - mask__real_dot(y, y, dm);
        k->row[i] = e * e;
    }
    diagonal = total(k->row, n);
    double all = 0;
    for (size_t i = 0; i < du * du; i++) all += (double)k->uu[i] * k->uu[i];
    for (size_t i = 0; i < dm * dm; i++) all += (double)k->mm[i] * k->mm[i];
    for (size_t i = 0; i < du * dm; i++) all -= 2 * (double)k->um[i] * k->um[i];
    return n < 2 ? 0 : (all - diagonal) / pairs;
}

/* ---- Labels ----------------------------------------------------------------------------------------------------- */

static int by_word(const void *left, const void *right)
{
    const pair *a = left, *b = right;
    if (a->word != b->word) return a->word < b->word ? -1 : 1;
    return (a->region > b->region) - (a->region < b->region);
}

/* Fills the two orders of the labels: by word, and by region. */
static void sort_labels(const mask__labels_batch *labels, size_t n, mask__loss_work *k)
{
    assert(labels->count <= k->max_pairs);
    memset(k->by_region_first, 0, (n + 1) * sizeof *k->by_region_first);
    for (size_t i = 0; i < labels->count; i++) {
        assert(labels->pairs[i].region < n);
        k->pairs[i] = (pair){.word = labels->pairs[i].word, .region = labels->pairs[i].region};
        k->by_region_first[labels->pairs[i].region]++;
    }
    qsort(k->pairs, labels->count, sizeof *k->pairs, by_word);
    k->slots = 0;
    for (size_t i = 0; i < labels->count; i++) {
        if (!i || k->pairs[i].word != k->pairs[i - 1].word) k->first[k->slots++] = i;
        k->pairs[i].slot = (uint32_t)(k->slots - 1);
    }
    k->first[k->slots] = labels->count;
    size_t end = 0;
    for (size_t i = 0; i <= n; i++) k->by_region_first[i] = end += k->by_region_first[i];
    for (size_t i = labels->count; i-- > 0;) k->by_region[--k->by_region_first[k->pairs[i].region]] = (uint32_t)i;
}

/* ---- Word, first term of Eq. 9 ---------------------------------------------------------------------------------- */

/* word = mean over labels of 1 - u_region . w_word;   du_region -= weight w_word / labels */
static double word_loss(size_t n, size_t d, real weight, const mask__labels_batch *labels, mask__loss_work *k)
{
    if (!labels->count) return 0;
    real scale = weight / (real)labels->count;
#pragma omp parallel for schedule(static)
    for (size_t i = 0; i < n; i++) {
        real *du = k->du + i * d;
        k->row[i] = 0;
        for (size_t p = k->by_region_first[i]; p < k->by_region_first[i + 1]; p++) {
            const real *word = labels->unit_words + k->pairs[k->by_region[p]].word * d;
            k->row[i] += 1 - mask__real_dot(k->u + i * d, word, d);
            for (size_t j = 0; j < d; j++) du[j] -= scale * word[j];
        }
    }
    return total(k->row, n) / (double)labels->count;
}

/* ---- Prototype consistency contrastive loss, Eq. 6 -------------------------------------------------------------- */

/* proto_s = mean of mu over the labels of word s, then unit length */
static void prototypes_forward(size_t d, const real *mu, mask__loss_work *k)
{
#pragma omp parallel for schedule(static)
    for (size_t s = 0; s < k->slots; s++) {
        real *sum = k->proto + s * d, scale = 1 / (real)(k->first[s + 1] - k->first[s]);
        memset(sum, 0, d * sizeof *sum);
        for (size_t p = k->first[s]; p < k->first[s + 1]; p++)
            for (size_t j = 0; j < d; j++) sum[j] += scale * mu[k->pairs[p].region * d + j];
    }
    unit_forward(k->slots, d, k->proto, k->proto, k->proto_length);
}

/* dproto is by the unit prototypes:   dmu_i += sum over i's labels of dproto_s / (labels of s), through the length */
static void prototypes_backward(mask__rows own, size_t d, mask__loss_work *k, real *dmu)
{
    unit_backward(k->slots, d, k->proto, k->proto_length, k->dproto, false, k->dproto);
#pragma omp parallel for schedule(static)
    for (size_t i = 0; i < own.count; i++)
        for (size_t p = k->by_region_first[own.first + i]; p < k->by_region_first[own.first + i + 1]; p++) {
            size_t s = k->pairs[k->by_region[p]].slot;
            real scale = 1 / (real)(k->first[s + 1] - k->first[s]);
            for (size_t j = 0; j < d; j++) dmu[i * d + j] += scale * k->dproto[s * d + j];
        }
}

/* One word's row of cosines (n) becomes its gradient. Returns sum over the word's labels of logsumexp - logit.
 * logit = cosine / tau;   dcosine_j = weight (labels softmax_j - [labels of j]) / tau */
static real contrast_row(size_t n, real inverse_tau, real weight, const pair *pairs, size_t labels, real *cosine)
{
    real top = cosine[0], sum = 0, own = 0;
#pragma omp simd reduction(max : top)
    for (size_t j = 0; j < n; j++) top = cosine[j] > top ? cosine[j] : top;
    for (size_t p = 0; p < labels; p++) own += inverse_tau * (cosine[pairs[p].region] - top);
#pragma omp simd reduction(+ : sum)
    for (size_t j = 0; j < n; j++) sum += cosine[j] = mask__exp(inverse_tau * (cosine[j] - top));
    real scale = weight * inverse_tau * (real)labels / sum;
    for (size_t j = 0; j < n; j++) cosine[j] *= scale;
    for (size_t p = 0; p < labels; p++) cosine[pairs[p].region] -= weight * inverse_tau;
    return (real)labels * (real)log((double)sum) - own;
}

/* cosine = proto m^T, (slots, n), a block of words at a time;   contrast = - mean over labels of log softmax(cosine /
 * tau); dproto = dcosine m;   dm += dcosine^T proto */
static double contrast_loss(mask__rows own, size_t n, size_t d, const mask__loss_options *options, mask__loss_work *k,
                            size_t labels)
{
    if (!labels) return 0;
    real inverse = (real)(1 / options->temperature), weight = (real)options->contrast / (real)labels;
    for (size_t from = 0; from < k->slots; from += WORDS_AT_ONCE) {
        size_t count = k->slots - from < WORDS_AT_ONCE ? k->slots - from : WORDS_AT_ONCE;
        const real *proto = k->proto + from * d;
        mask__product_run(k->product, false, true, count, n, d, proto, d, k->m, d, 0, k->cosine, n);
#pragma omp parallel for schedule(static)
        for (size_t s = 0; s < count; s++) {
            size_t p = k->first[from + s], labels_here = k->first[from + s + 1] - p;
            k->slot_loss[from + s] = contrast_row(n, inverse, weight, k->pairs + p, labels_here, k->cosine + s * n);
        }
        mask__product_run(k->product, false, false, count, d, n, k->cosine, n, k->m, d, 0, k->dproto + from * d, d);
        if (own.count)
            mask__product_run(k->product, true, false, own.count, d, count, k->cosine + own.first, n, proto, d, 1,
                              k->dm + own.first * d, d);
    }
    return total(k->slot_loss, k->slots) / (double)labels;
}

/* ---- Together --------------------------------------------------------------------------------------------------- */

void mask__losses_of(const mask__loss_options *o, const mask__networks *networks, mask__rows own, size_t n,
                     const real *r, const mask__labels_batch *labels, const mask__outputs *out, mask__loss_work *k,
                     const mask__outputs *d, mask__loss_values *v)
{
    size_t features = networks->config.features, z = networks->config.latent, w = networks->config.words;
    double kl_scale = o->per_dimension ? 1 / (double)z : 1, rec_scale = o->per_dimension ? 1 / (double)features : 1;
    assert(n && n <= k->max_rows);
    v->kl = kl_scale * kl_loss(own, n, z, (real)(o->kl * kl_scale), out, d, k->row);
    v->rec = rec_scale * rec_loss(own.count, n, features, (real)(o->rec * rec_scale), r, out->r2, d->r2, k->row);
    unit_forward(n, z, out->mu, k->m, k->m_length);
    unit_forward(n, w, out->w2, k->u, k->u_length);
    sort_labels(labels, n, k);
    v->structure = structure_loss(own, n, z, w, (real)o->structure, k); /* the first to write dm and du */
    v->word = word_loss(n, w, (real)o->word, labels, k);
    prototypes_forward(z, out->mu, k);
    v->contrast = contrast_loss(own, n, z, o, k, labels->count);
    prototypes_backward(own, z, k, d->mu);
    size_t m = own.first * z, u = own.first * w;
    unit_backward(own.count, z, k->m + m, k->m_length + own.first, k->dm + m, true, d->mu);
    unit_backward(own.count, w, k->u + u, k->u_length + own.first, k->du + u, false, d->w2);
    v->total =
        o->kl * v->kl + o->rec * v->rec + o->word * v->word + o->structure * v->structure + o->contrast * v->contrast;
}

void mask__losses(const mask__loss_options *options, const mask__networks *networks, size_t n, const real *r,
                  const mask__labels_batch *labels, const mask__outputs *out, mask__loss_work *work,
                  const mask__outputs *d, mask__loss_values *values)
{
    mask__losses_of(options, networks, (mask__rows){0, n}, n, r, labels, out, work, d, values);
}
