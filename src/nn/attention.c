#include "nn/attention.h"

#include "nn/linear.h"

#include <omp.h>

mask__attention mask__attention_make(mask__parameters *table, const char *net, const char *name, size_t d,
                                     unsigned heads, bool residual)
{
    mask__attention a = {.d = d, .heads = heads, .residual = residual};
    a.q = mask__parameters_add(table, 2, d, d, d, 0, "%s.%s.q.weight", net, name);
    a.k = mask__parameters_add(table, 2, d, d, d, 0, "%s.%s.k.weight", net, name);
    a.v = mask__parameters_add(table, 2, d, d, d, 0, "%s.%s.v.weight", net, name);
    a.bq = mask__parameters_add(table, 1, d, 1, d, 0, "%s.%s.q.bias", net, name);
    a.bk = mask__parameters_add(table, 1, d, 1, d, 0, "%s.%s.k.bias", net, name);
    a.bv = mask__parameters_add(table, 1, d, 1, d, 0, "%s.%s.v.bias", net, name);
    mask__parameters_align(table);
    a.o = mask__parameters_add(table, 2, d, d, d, 0, "%s.%s.o.weight", net, name);
    a.bo = mask__parameters_add(table, 1, d, 1, d, 0, "%s.%s.o.bias", net, name);
    mask__parameters_align(table);
    return a;
}

size_t mask__attention_folded(const mask__attention *l)
{
    return l->heads == 1 ? 2 * l->d * l->d + 2 * l->d : 0;
}

size_t mask__attention_left(const mask__attention *l)
{
    return l->heads == 1 ? l->d : 3 * l->d;
}

/* ---- One image, one head: a, b, c and mix (I, w), p (I, I) --------------------------------------------------- */

typedef real lanes __attribute__((vector_size(64), aligned(sizeof(real)), may_alias));
enum { LANES = 64 / sizeof(real), TILE = 4 };

/* out = the dot products of TILE rows with TILE rows, w long. */
static void dot_tile(size_t w, const real *const a[TILE], const real *const b[TILE], real out[TILE][TILE])
{
    lanes sum[TILE][TILE] = {0};
    size_t k = 0;
    for (; k + LANES <= w; k += LANES)
        for (int i = 0; i < TILE; i++)
            for (int j = 0; j < TILE; j++) sum[i][j] += *(const lanes *)(a[i] + k) * *(const lanes *)(b[j] + k);
    for (int i = 0; i < TILE; i++)
        for (int j = 0; j < TILE; j++) {
            real total = 0;
            for (size_t t = k; t < w; t++) total += a[i][t] * b[j][t];
            for (int t = 0; t < LANES; t++) total += sum[i][j][t];
            out[i][j] = total;
        }
}

/* s = a b^T. A GEMM library spends more on packing such small matrices than on their product. */
static void all_dots(size_t count, size_t w, const real *a, size_t lda, const real *b, size_t ldb, real *s)
{
    for (size_t i = 0; i < count; i += TILE)
        for (size_t j = 0; j < count; j += TILE) {
            const real *rows[TILE], *columns[TILE];
            real out[TILE][TILE];
            for (size_t t = 0; t < TILE; t++) { /* tiles over the edge repeat the last row */
                rows[t] = a + (i + t < count ? i + t : count - 1) * lda;
                columns[t] = b + (j + t < count ? j + t : count - 1) * ldb;
            }
            dot_tile(w, rows, columns, out);
            for (size_t t = 0; t < TILE && i + t < count; t++)
                for (size_t u = 0; u < TILE && j + u < count; u++) s[(i + t) * count + j + u] = out[t][u];
        }
}

/* row <- softmax(scale row) */
static void softmax(size_t count, real scale, real *row)
{
    real top = row[0], sum = 0;
    for (size_t i = 1; i < count; i++) top = row[i] > top ? row[i] : top;
    for (size_t i = 0; i < count; i++) row[i] = mask__exp((row[i] - top) * scale);
    for (size_t i = 0; i < count; i++) sum += row[i];
    for (size_t i = 0; i < count; i++) row[i] /= sum;
}

/* p = softmax(scale a b^T);   mix = p c */
static void mix_forward(size_t count, size_t w, real scale, const real *a, size_t lda, const real *b, size_t ldb,
                        const real *c, size_t ldc, real *p, real *mix, size_t ldm)
{
    all_dots(count, w, a, lda, b, ldb, p);
    for (size_t i = 0; i < count; i++) softmax(count, scale, p + i * count);
    mask__real_gemm(false, false, count, w, count, 1, p, count, c, ldc, 0, mix, ldm);
}

/* dp = dmix c^T;   dc = beta_c dc + p^T dmix;   ds = scale p (dp - rowsum(p dp));   da = ds b;   db = beta_b db + ds^T
 * a db and dc may be one matrix (beta_b = 1). ds takes the place of dp. */
static void mix_backward(size_t count, size_t w, real scale, const real *a, size_t lda, const real *b, size_t ldb,
                         const real *c, size_t ldc, const real *p, const real *dmix, size_t ldm, real *dp, real *da,
                         real beta_b, real *db, real beta_c, real *dc)
{
    all_dots(count, w, dmix, ldm, c, ldc, dp);
    mask__real_gemm(true, false, count, w, count, 1, p, count, dmix, ldm, beta_c, dc, ldc);
    for (size_t i = 0; i < count; i++) {
        const real *pi = p + i * count, sum = mask__real_dot(pi, dp + i * count, count);
        for (size_t j = 0; j < count; j++) dp[i * count + j] = scale * pi[j] * (dp[i * count + j] - sum);
    }
    mask__real_gemm(false, false, count, w, count, 1, dp, count, b, ldb, 0, da, lda);
    mask__real_gemm(true, false, count, w, count, 1, dp, count, a, lda, beta_b, db, ldb);
}

/* rows (n, d) of one image: to = bias, plus from unless NULL */
static void bias_rows(size_t n, size_t d, const real *bias, const real *from, real *to)
{
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < d; j++) to[i * d + j] = bias[j] + (from ? from[i * d + j] : 0);
}

/* ---- One head, folded ------------------------------------------------------------------------------------------ */

typedef struct folded {
    real *m, *w, *c, *b; /* (d, d), (d, d), (d), (d) */
} folded;

static folded unpack(size_t d, real *memory)
{
    return (folded){memory, memory + d * d, memory + 2 * d * d, memory + 2 * d * d + d};
}

/* M = Wq^T Wk;   c = bq Wk;   W = Wo Wv;   b = bv Wo^T + bo.   bk adds the same to all scores of a row: no effect. */
void mask__attention_prepare(const mask__attention *l, const real *parameters, mask__attention_saved *saved)
{
    if (l->heads != 1) return;
    size_t d = l->d;
    folded f = unpack(d, saved->folded);
    const real *q = parameters + l->q, *k = parameters + l->k, *v = parameters + l->v, *o = parameters + l->o;
    mask__real_gemm(true, false, d, d, d, 1, q, d, k, d, 0, f.m, d);
    mask__real_gemm(false, false, 1, d, d, 1, parameters + l->bq, d, k, d, 0, f.c, d);
    mask__real_gemm(false, false, d, d, d, 1, o, d, v, d, 0, f.w, d);
    memcpy(f.b, parameters + l->bo, d * sizeof *f.b);
    mask__real_gemm(false, true, 1, d, d, 1, parameters + l->bv, d, o, d, 1, f.b, d);
}

/* g = x M + c;   P = softmax(g x^T / sqrt(d)) in each image;   mix = P x;   y = [x +] mix W^T + b */
static void folded_forward(const mask__attention *l, mask__groups groups, const real *x, mask__attention_saved *saved,
                           const mask__attention_scratch *scratch, real *y)
{
    size_t d = l->d, n = groups.offsets[groups.images];
    folded f = unpack(d, saved->folded);
    real scale = 1 / mask__sqrt((real)d), *g = saved->left;
    mask__product_run(scratch->product, false, false, n, d, d, x, d, f.m, d, 0, g, d);
#pragma omp parallel for schedule(dynamic) num_threads(scratch->threads)
    for (size_t i = 0; i < groups.images; i++) {
        size_t first = groups.offsets[i], count = groups.offsets[i + 1] - first, at = first * d;
        bias_rows(count, d, f.c, g + at, g + at);
        mix_forward(count, d, scale, g + at, d, x + at, d, x + at, d, saved->p + first * scratch->max_group,
                    saved->mix + at, d);
        bias_rows(count, d, f.b, l->residual ? x + at : NULL, y + at);
    }
    mask__product_run(scratch->product, false, true, n, d, d, saved->mix, d, f.w, d, 1, y, d);
}

/* From dM (d, d), dW, dc, db:   dWq = Wk dM^T;   dWk = Wq dM + bq^T dc;   dbq = dc Wk^T;   dbk = 0;
 * dWo = dW Wv^T + db^T bv;   dWv = Wo^T dW;   dbv = db Wo;   dbo = db */
static void unfold(const mask__attention *l, const real *parameters, folded df, real *gradients)
{
    size_t d = l->d;
    const real *q = parameters + l->q, *k = parameters + l->k, *v = parameters + l->v, *o = parameters + l->o;
    mask__real_gemm(false, true, d, d, d, 1, k, d, df.m, d, 0, gradients + l->q, d);
    mask__real_gemm(false, false, d, d, d, 1, q, d, df.m, d, 0, gradients + l->k, d);
    mask__real_gemm(true, false, d, d, 1, 1, parameters + l->bq, d, df.c, d, 1, gradients + l->k, d);
    mask__real_gemm(false, true, 1, d, d, 1, df.c, d, k, d, 0, gradients + l->bq, d);
    memset(gradients + l->bk, 0, d * sizeof *gradients);
    mask__real_gemm(false, true, d, d, d, 1, df.w, d, v, d, 0, gradients + l->o, d);
    mask__real_gemm(true, false, d, d, 1, 1, df.b, d, parameters + l->bv, d, 1, gradients + l->o, d);
    mask__real_gemm(true, false, d, d, d, 1, o, d, df.w, d, 0, gradients + l->v, d);
    mask__real_gemm(false, false, 1, d, d, 1, df.b, d, o, d, 0, gradients + l->bv, d);
    memcpy(gradients + l->bo, df.b, d * sizeof *gradients);
}

/* db = sum_n dy;   dW = dy^T mix;   dmix = dy W;   in each image: dg = ds x, dx = [dy +] P^T dmix + ds^T g;
 * dc = sum_n dg;   dM = x^T dg;   dx += dg M^T */
static void folded_backward(const mask__attention *l, const real *parameters, mask__groups groups, const real *x,
                            const mask__attention_saved *saved, const mask__attention_scratch *scratch, real *dy,
                            real *gradients)
{
    size_t d = l->d, n = groups.offsets[groups.images], square = scratch->max_group * scratch->max_group;
    folded f = unpack(d, saved->folded), df = unpack(d, scratch->dfolded);
    real scale = 1 / mask__sqrt((real)d), *dg = scratch->dleft, *dmix = scratch->dmix;
    mask__column_sums(n, d, dy, df.b);
    mask__product_run(scratch->product, true, false, d, d, n, dy, d, saved->mix, d, 0, df.w, d);
    mask__product_run(scratch->product, false, false, n, d, d, dy, d, f.w, d, 0, dmix, d);
#pragma omp parallel for schedule(dynamic) num_threads(scratch->threads)
    for (size_t i = 0; i < groups.images; i++) {
        size_t first = groups.offsets[i], count = groups.offsets[i + 1] - first, at = first * d;
        mix_backward(count, d, scale, saved->left + at, d, x + at, d, x + at, d, saved->p + first * scratch->max_group,
                     dmix + at, d, scratch->dp + square * (size_t)omp_get_thread_num(), dg + at, 1, dy + at,
                     l->residual ? 1 : 0, dy + at);
    }
    mask__column_sums(n, d, dg, df.c);
    mask__product_run(scratch->product, true, false, d, d, n, x, d, dg, d, 0, df.m, d);
    mask__product_run(scratch->product, false, true, n, d, d, dg, d, f.m, d, 1, dy, d);
    unfold(l, parameters, df, gradients);
}

/* ---- More heads, as written ------------------------------------------------------------------------------------ */

/* q | k | v = x Wqkv^T + bqkv;   per image and head P = softmax(q k^T / sqrt(d / heads)), mix = P v;
 * y = [x +] mix Wo^T + bo.   A head is a block of d / heads columns of q, k, v and mix. */
static void plain_forward(const mask__attention *l, const real *parameters, mask__groups groups, const real *x,
                          mask__attention_saved *saved, const mask__attention_scratch *scratch, real *y)
{
    size_t d = l->d, w = d / l->heads, n = groups.offsets[groups.images];
    real scale = 1 / mask__sqrt((real)w);
    mask__product_run(scratch->product, false, true, n, 3 * d, d, x, d, parameters + l->q, d, 0, saved->left, 3 * d);
#pragma omp parallel for schedule(dynamic) num_threads(scratch->threads)
    for (size_t i = 0; i < groups.images; i++) {
        size_t first = groups.offsets[i], count = groups.offsets[i + 1] - first;
        real *q = saved->left + first * 3 * d, *p = saved->p + first * l->heads * scratch->max_group;
        bias_rows(count, 3 * d, parameters + l->bq, q, q);
        for (size_t h = 0; h < l->heads; h++, q += w, p += count * count)
            mix_forward(count, w, scale, q, 3 * d, q + d, 3 * d, q + 2 * d, 3 * d, p, saved->mix + first * d + h * w,
                        d);
        bias_rows(count, d, parameters + l->bo, l->residual ? x + first * d : NULL, y + first * d);
    }
    mask__product_run(scratch->product, false, true, n, d, d, saved->mix, d, parameters + l->o, d, 1, y, d);
}

/* dbo = sum_n dy;   dWo = dy^T mix;   dmix = dy Wo;   dq, dk, dv in each image and head;   dbqkv = sum_n dqkv, where
 * dbk = 0 whatever the rounding;   dWqkv = dqkv^T x;   dx = [dy +] dqkv Wqkv */
static void plain_backward(const mask__attention *l, const real *parameters, mask__groups groups, const real *x,
                           const mask__attention_saved *saved, const mask__attention_scratch *scratch, real *dy,
                           real *gradients)
{
    size_t d = l->d, w = d / l->heads, n = groups.offsets[groups.images];
    real scale = 1 / mask__sqrt((real)w), *dqkv = scratch->dleft;
    mask__column_sums(n, d, dy, gradients + l->bo);
    mask__product_run(scratch->product, true, false, d, d, n, dy, d, saved->mix, d, 0, gradients + l->o, d);
    mask__product_run(scratch->product, false, false, n, d, d, dy, d, parameters + l->o, d, 0, scratch->dmix, d);
#pragma omp parallel for schedule(dynamic) num_threads(scratch->threads)
    for (size_t i = 0; i < groups.images; i++) {
        size_t first = groups.offsets[i], count = groups.offsets[i + 1] - first;
        const real *q = saved->left + first * 3 * d, *p = saved->p + first * l->heads * scratch->max_group;
        real *dq = dqkv + first * 3 * d;
        real *dp = scratch->dp + scratch->max_group * scratch->max_group * (size_t)omp_get_thread_num();
        for (size_t h = 0; h < l->heads; h++, q += w, dq += w, p += count * count)
            mix_backward(count, w, scale, q, 3 * d, q + d, 3 * d, q + 2 * d, 3 * d, p,
                         scratch->dmix + first * d + h * w, d, dp, dq, 0, dq + d, 0, dq + 2 * d);
    }
    mask__column_sums(n, 3 * d, dqkv, gradients + l->bq);
    memset(gradients + l->bk, 0, d * sizeof *gradients);
    mask__product_run(scratch->product, true, false, 3 * d, d, n, dqkv, 3 * d, x, d, 0, gradients + l->q, d);
    mask__product_run(scratch->product, false, false, n, d, 3 * d, dqkv, 3 * d, parameters + l->q, d,
                      l->residual ? 1 : 0, dy, d);
}

void mask__attention_forward(const mask__attention *l, const real *parameters, mask__groups groups, const real *x,
                             mask__attention_saved *saved, const mask__attention_scratch *scratch, real *y)
{
    if (l->heads == 1) folded_forward(l, groups, x, saved, scratch, y);
    else plain_forward(l, parameters, groups, x, saved, scratch, y);
}

void mask__attention_backward(const mask__attention *l, const real *parameters, mask__groups groups, const real *x,
                              const mask__attention_saved *saved, const mask__attention_scratch *scratch, real *dy,
                              real *gradients)
{
    if (l->heads == 1) folded_backward(l, parameters, groups, x, saved, scratch, dy, gradients);
    else plain_backward(l, parameters, groups, x, saved, scratch, dy, gradients);
}
