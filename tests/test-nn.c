/* Layers, losses and Adam against naive twins; same seed = same bits; and, in the double build of this file
 * (test-nn-double), every gradient against finite differences. */
#include "check.h"
#include "nn/adam.h"
#include "nn/losses.h"
#include "nn/random.h"

#include <omp.h>

#ifdef MASK_DOUBLE
#define TOLERANCE 1e-10
#else
#define TOLERANCE 2e-5
#endif

enum { THREADS = 2 };

/* Three images: ordinary, a single region, more than a tile of the kernels. */
static const size_t OFFSETS[] = {0, 5, 6, 17};
static const mask__groups GROUPS = {OFFSETS, 3};
enum { ROWS = 17, LARGEST = 11 };

static real *normals(uint64_t seed, size_t count)
{
    real *values = calloc(count + 1, sizeof *values);
    assert_non_null(values);
    mask__normals(seed, 0, count, values);
    return values;
}

static void check_close(const real *ours, const real *theirs, size_t count)
{
    double largest = 1e-6;
    for (size_t i = 0; i < count; i++) largest = fmax(largest, fabs((double)theirs[i]));
    for (size_t i = 0; i < count; i++)
        if (!(fabs((double)ours[i] - (double)theirs[i]) <= TOLERANCE * largest))
            fail_msg("[%zu] is %.9g, not %.9g", i, (double)ours[i], (double)theirs[i]);
}

/* ---- Naive twins ------------------------------------------------------------------------------------------------ */

static void naive_linear(size_t n, size_t in, size_t out, bool relu, const real *x, const real *w, const real *b,
                         real *y)
{
    for (size_t i = 0; i < n; i++)
        for (size_t o = 0; o < out; o++) {
            double sum = (double)b[o];
            for (size_t j = 0; j < in; j++) sum += (double)x[i * in + j] * (double)w[o * in + j];
            y[i * out + o] = (real)(relu && sum < 0 ? 0 : sum);
        }
}

/* One image, as the equation is written. */
static void naive_attention(const mask__attention *l, const real *p, size_t n, const real *x, real *y)
{
    size_t d = l->d, w = d / l->heads;
    real *q = calloc(5 * n * d, sizeof *q), *k = q + n * d, *v = k + n * d, *mix = v + n * d, *o = mix + n * d;
    naive_linear(n, d, d, false, x, p + l->q, p + l->bq, q);
    naive_linear(n, d, d, false, x, p + l->k, p + l->bk, k);
    naive_linear(n, d, d, false, x, p + l->v, p + l->bv, v);
    for (size_t h = 0; h < l->heads; h++)
        for (size_t i = 0; i < n; i++) {
            double e[LARGEST], sum = 0;
            for (size_t j = 0; j < n; j++) {
                double s = 0;
                for (size_t t = h * w; t < (h + 1) * w; t++) s += (double)q[i * d + t] * (double)k[j * d + t];
                sum += e[j] = exp(s / sqrt((double)w));
            }
            for (size_t j = 0; j < n; j++)
                for (size_t t = h * w; t < (h + 1) * w; t++) mix[i * d + t] += (real)(e[j] / sum) * v[j * d + t];
        }
    naive_linear(n, d, d, false, mix, p + l->o, p + l->bo, o);
    for (size_t i = 0; i < n * d; i++) y[i] = o[i] + (l->residual ? x[i] : 0);
    free(q);
}

/* ---- Layers: forward against the twin, backward against finite differences -------------------------------------- */

/* A layer under test with room for everything it touches. */
typedef struct bed {
    mask__layer layer;
    mask__parameters table;
    size_t in, out;
    real *parameters, *gradients, *x, *y, *stats;
    mask__attention_saved saved;
    mask__attention_scratch scratch;
} bed;

static void bed_make(bed *b, mask__layer layer, mask__parameters table, size_t in, size_t out)
{
    size_t big = ROWS * 3 * in + 2 * in * in + 2 * in;
    *b = (bed){.layer = layer, .table = table, .in = in, .out = out};
    b->parameters = normals(1, table.size);
    b->gradients = normals(2, table.size); /* rubbish: gradients are written, not added */
    b->x = normals(3, ROWS * in);
    b->y = normals(4, ROWS * out);
    b->stats = normals(5, 2 * ROWS);
    b->saved =
        (mask__attention_saved){normals(6, big), normals(7, big), normals(8, ROWS * LARGEST * 8), normals(9, big)};
    b->scratch = (mask__attention_scratch){.dleft = normals(6, big),
                                           .dmix = normals(7, big),
                                           .dfolded = normals(8, big),
                                           .dp = normals(9, THREADS * LARGEST * LARGEST),
                                           .max_group = LARGEST,
                                           .threads = THREADS};
}

static void bed_free(bed *b)
{
    void *memory[] = {b->parameters,   b->gradients,       b->x,         b->y,         b->stats,
                      b->saved.folded, b->saved.left,      b->saved.p,   b->saved.mix, b->scratch.dleft,
                      b->scratch.dmix, b->scratch.dfolded, b->scratch.dp};
    for (size_t i = 0; i < sizeof memory / sizeof *memory; i++) free(memory[i]);
    mask__parameters_free(&b->table);
}

static void bed_forward(bed *b)
{
    const mask__layer *l = &b->layer;
    if (l->kind == MASK__LINEAR) mask__linear_forward(&l->u.linear, b->parameters, NULL, ROWS, b->x, b->y);
    if (l->kind == MASK__NORM) mask__norm_forward(&l->u.norm, b->parameters, ROWS, b->x, b->stats, b->y);
    if (l->kind == MASK__ATTENTION) {
        mask__attention_prepare(&l->u.attention, b->parameters, &b->saved);
        mask__attention_forward(&l->u.attention, b->parameters, GROUPS, b->x, &b->saved, &b->scratch, b->y);
    }
}

#ifdef MASK_DOUBLE
/* dy becomes dx. */
static void bed_backward(bed *b, real *dy)
{
    const mask__layer *l = &b->layer;
    if (l->kind == MASK__LINEAR) {
        real *dx = normals(10, ROWS * b->in);
        mask__linear_backward(&l->u.linear, b->parameters, NULL, ROWS, b->x, b->y, dy, dx, b->gradients);
        memcpy(dy, dx, ROWS * b->in * sizeof *dx);
        free(dx);
    }
    if (l->kind == MASK__NORM) mask__norm_backward(&l->u.norm, b->parameters, ROWS, b->x, b->stats, dy, b->gradients);
    if (l->kind == MASK__ATTENTION)
        mask__attention_backward(&l->u.attention, b->parameters, GROUPS, b->x, &b->saved, &b->scratch, dy,
                                 b->gradients);
}

static double bed_value(bed *b, const real *weights)
{
    bed_forward(b);
    return mask__real_dot(b->y, weights, ROWS * b->out);
}

/* The derivative of weights . y by *value against `gradient`. */
static void check_slope(bed *b, const real *weights, real *value, real gradient, const char *what)
{
    const double h = 1e-5, kept = *value;
    *value = kept + h;
    double above = bed_value(b, weights);
    *value = kept - h;
    double below = bed_value(b, weights);
    *value = kept;
    double slope = (above - below) / (2 * h);
    if (!(fabs(slope - gradient) <= 1e-6 * fmax(1, fabs(slope))))
        fail_msg("%s: %.10g, not %.10g", what, gradient, slope);
}

static void bed_differences(bed *b)
{
    size_t widest = b->in > b->out ? b->in : b->out;
    real *weights = normals(20, ROWS * b->out), *dy = calloc(ROWS * widest, sizeof *dy);
    memcpy(dy, weights, ROWS * b->out * sizeof *dy);
    bed_forward(b);
    bed_backward(b, dy);
    for (size_t i = 0; i < ROWS * b->in; i++) check_slope(b, weights, &b->x[i], dy[i], "dx");
    for (size_t t = 0; t < b->table.count; t++) {
        const mask__parameter *p = &b->table.items[t];
        for (size_t i = p->offset; i < p->offset + mask__parameter_numbers(p); i++)
            check_slope(b, weights, &b->parameters[i], b->gradients[i], p->name);
    }
    free(weights);
    free(dy);
}
#else
static void bed_differences(bed *b)
{
    (void)b;
}
#endif

static void linear(void **state)
{
    (void)state;
    for (int relu = 0; relu < 2; relu++) {
        mask__parameters table = {0};
        mask__linear l = mask__linear_make(&table, "net", "fc", 7, 13, relu);
        bed b;
        bed_make(&b, (mask__layer){.kind = MASK__LINEAR, .u.linear = l}, table, 7, 13);
        real *want = calloc(ROWS * 13, sizeof *want);
        naive_linear(ROWS, 7, 13, relu, b.x, b.parameters + l.weight, b.parameters + l.bias, want);
        bed_forward(&b);
        check_close(b.y, want, ROWS * 13);
        bed_differences(&b);
        free(want);
        bed_free(&b);
    }
}

static void attention_case(size_t d, unsigned heads, bool residual)
{
    mask__parameters table = {0};
    mask__attention l = mask__attention_make(&table, "net", "a", d, heads, residual);
    bed b;
    bed_make(&b, (mask__layer){.kind = MASK__ATTENTION, .u.attention = l}, table, d, d);
    for (size_t i = 0; i < b.table.size; i++) b.parameters[i] *= (real)0.5;
    real *want = calloc(ROWS * d, sizeof *want);
    for (size_t i = 0; i < GROUPS.images; i++)
        naive_attention(&l, b.parameters, OFFSETS[i + 1] - OFFSETS[i], b.x + OFFSETS[i] * d, want + OFFSETS[i] * d);
    bed_forward(&b);
    check_close(b.y, want, ROWS * d);
    bed_differences(&b);
#ifdef MASK_DOUBLE
    for (size_t i = 0; i < d; i++) assert_true(b.gradients[l.bk + i] == 0); /* exactly: Adam would magnify rounding */
#endif
    free(want);
    bed_free(&b);
}

static void attention(void **state)
{
    (void)state;
    for (int residual = 0; residual < 2; residual++) {
        attention_case(6, 1, residual);
        attention_case(19, 1, residual); /* over one vector register, not a multiple of it */
        attention_case(6, 3, residual);
        attention_case(6, 6, residual);
    }
}

static void norm(void **state)
{
    (void)state;
    mask__parameters table = {0};
    mask__layernorm l = mask__norm_make(&table, "net", "norm", 9);
    bed b;
    bed_make(&b, (mask__layer){.kind = MASK__NORM, .u.norm = l}, table, 9, 9);
    real want[ROWS * 9];
    for (size_t i = 0; i < ROWS; i++) {
        double mean = 0, variance = 0;
        for (size_t j = 0; j < 9; j++) mean += (double)b.x[i * 9 + j] / 9;
        for (size_t j = 0; j < 9; j++) variance += pow((double)b.x[i * 9 + j] - mean, 2) / 9;
        for (size_t j = 0; j < 9; j++)
            want[i * 9 + j] =
                (real)(((double)b.x[i * 9 + j] - mean) / sqrt(variance + 1e-5)) * b.parameters[l.weight + j] +
                b.parameters[l.bias + j];
    }
    bed_forward(&b);
    check_close(b.y, want, ROWS * 9);
    bed_differences(&b);
    bed_free(&b);
}

/* ---- Losses ----------------------------------------------------------------------------------------------------- */

enum { M = 10, Z = 6, N = 12, K = 5 };

/* Networks, a batch and buffers of the small sizes above. */
typedef struct scene {
    mask__networks nets;
    mask__work work;
    mask__loss_work *loss_work;
    mask__label pairs[ROWS + 4];
    mask__labels_batch labels;
    mask__loss_options options;
    real *words, *r, *z, *parameters, *gradients;
} scene;

static mask__networks_config small_config(void)
{
    mask__networks_config config = MASK__NETWORKS_DEFAULTS;
    config.features = M;
    config.latent = Z;
    config.words = N;
    return config;
}

static void scene_make(scene *s, const mask__networks_config *config)
{
    mask_error err;
    *s = (scene){.options = MASK__LOSS_DEFAULTS};
    check_ok(mask__networks_make(&s->nets, config, &err));
    check_ok(mask__work_make(&s->work, &s->nets, MASK__TRAIN, ROWS + 3, LARGEST, THREADS, NULL, &err));
    check_ok(mask__loss_work_make(&s->loss_work, &s->nets, ROWS + 3, ROWS + 4, NULL, &err));
    for (size_t i = 0; i < ROWS + 4; i++) /* four regions carry two words, and one of them the same word twice */
        s->pairs[i] = (mask__label){(uint32_t)(i * 7 % ROWS), (uint32_t)(i == 2 ? 9 : i * i % K)};
    s->pairs[ROWS + 3] = s->pairs[3];
    s->words = normals(30, 10 * N);
    for (size_t i = 0; i < 10; i++) {
        real length = mask__sqrt(mask__real_dot(s->words + i * N, s->words + i * N, N));
        for (size_t j = 0; j < N; j++) s->words[i * N + j] /= length;
    }
    s->labels = (mask__labels_batch){s->pairs, ROWS + 4, s->words};
    s->r = normals(31, ROWS * M);
    s->z = normals(32, ROWS * Z);
    s->parameters = normals(33, s->nets.table.size);
    s->gradients = calloc(s->nets.table.size, sizeof(real));
    mask__parameters_initialise(&s->nets.table, 33, s->parameters);
}

static void scene_free(scene *s)
{
    mask__networks_free(&s->nets);
    mask__work_free(&s->work);
    mask__loss_work_free(s->loss_work);
    void *memory[] = {s->words, s->r, s->z, s->parameters, s->gradients};
    for (size_t i = 0; i < sizeof memory / sizeof *memory; i++) free(memory[i]);
}

static mask__outputs make_outputs(uint64_t seed)
{
    return (mask__outputs){normals(seed, ROWS * Z), normals(seed + 1, ROWS * Z), normals(seed + 2, ROWS * M),
                           normals(seed + 3, ROWS * N)};
}

static void free_outputs(mask__outputs *o)
{
    free(o->mu);
    free(o->logvar);
    free(o->r2);
    free(o->w2);
}

static double cosine(const real *a, const real *b, size_t n)
{
    double ab = 0, aa = 0, bb = 0;
    for (size_t i = 0; i < n; i++) {
        ab += (double)a[i] * (double)b[i];
        aa += (double)a[i] * (double)a[i];
        bb += (double)b[i] * (double)b[i];
    }
    return ab > 0 || ab < 0 ? ab / sqrt(aa * bb) : 0; /* a row of zeros has cosine 0 with all */
}

static double naive_contrast(const scene *s, const mask__outputs *o)
{
    double sum = 0;
    for (size_t p = 0; p < s->labels.count; p++) {
        real proto[Z] = {0};
        for (size_t q = 0; q < s->labels.count; q++)
            if (s->pairs[q].word == s->pairs[p].word)
                for (size_t j = 0; j < Z; j++) proto[j] += o->mu[s->pairs[q].region * Z + j];
        double all = 0;
        for (size_t i = 0; i < ROWS; i++) all += exp(cosine(proto, o->mu + i * Z, Z) / s->options.temperature);
        sum += log(all) - cosine(proto, o->mu + s->pairs[p].region * Z, Z) / s->options.temperature;
    }
    return sum / (double)s->labels.count;
}

static mask__loss_values naive_losses(const scene *s, const mask__outputs *o)
{
    mask__loss_values v = {0};
    for (size_t i = 0; i < ROWS * Z; i++)
        v.kl += 0.5 * (exp((double)o->logvar[i]) + pow((double)o->mu[i], 2) - 1 - (double)o->logvar[i]) / ROWS;
    for (size_t i = 0; i < ROWS * M; i++) v.rec += pow((double)s->r[i] - (double)o->r2[i], 2) / ROWS;
    for (size_t p = 0; p < s->labels.count; p++)
        v.word +=
            (1 - cosine(o->w2 + s->pairs[p].region * N, s->words + s->pairs[p].word * N, N)) / (double)s->labels.count;
    for (size_t i = 0; i < ROWS; i++)
        for (size_t j = 0; j < ROWS; j++)
            if (i != j)
                v.structure +=
                    pow(cosine(o->w2 + i * N, o->w2 + j * N, N) - cosine(o->mu + i * Z, o->mu + j * Z, Z), 2) /
                    (ROWS * (ROWS - 1));
    v.contrast = naive_contrast(s, o);
    return v;
}

static mask__loss_values losses_of(scene *s, const mask__outputs *out, const mask__outputs *d)
{
    mask__loss_values v;
    mask__losses(&s->options, &s->nets, ROWS, s->r, &s->labels, out, s->loss_work, d, &v);
    return v;
}

static void loss_values(void **state)
{
    (void)state;
    scene s;
    mask__networks_config config = small_config();
    scene_make(&s, &config);
    mask__outputs out = make_outputs(50), d = make_outputs(60);
    memset(out.w2 + 4 * N, 0, N * sizeof *out.w2); /* ReLU may do that */
    mask__loss_values v = losses_of(&s, &out, &d), w = naive_losses(&s, &out);
    const real ours[] = {(real)v.kl, (real)v.rec, (real)v.word, (real)v.structure, (real)v.contrast};
    const real theirs[] = {(real)w.kl, (real)w.rec, (real)w.word, (real)w.structure, (real)w.contrast};
    for (size_t i = 0; i < 5; i++) check_close(ours + i, theirs + i, 1);
    assert_true(fabs(v.total - (v.kl + v.rec + 3 * (v.word + v.structure) + 3 * v.contrast)) < 1e-9 * v.total);
    s.options.per_dimension = true;
    mask__loss_values u = losses_of(&s, &out, &d);
    assert_true(fabs(u.kl * Z - v.kl) < 1e-5 * v.kl && fabs(u.rec * M - v.rec) < 1e-5 * v.rec);
    assert_true(u.structure == v.structure);
    free_outputs(&out);
    free_outputs(&d);
    scene_free(&s);
}

/* No label: no word to learn. One region: no pair. All finite, and r' may be turned into its gradient in place. */
static void losses_of_nothing(void **state)
{
    (void)state;
    scene s;
    mask__networks_config config = small_config();
    mask__loss_values v;
    scene_make(&s, &config);
    s.labels.count = 0;
    mask__outputs out = make_outputs(50), d = make_outputs(60);
    free(d.r2);
    d.r2 = out.r2;
    mask__losses(&s.options, &s.nets, 1, s.r, &s.labels, &out, s.loss_work, &d, &v);
    assert_true(v.word == 0 && v.contrast == 0 && v.structure == 0 && v.kl > 0 && isfinite(v.total));
    for (size_t j = 0; j < N; j++) assert_true(d.w2[j] == 0);
    d.r2 = NULL;
    free_outputs(&out);
    free_outputs(&d);
    scene_free(&s);
}

#ifdef MASK_DOUBLE
static void check_loss_slope(scene *s, mask__outputs *out, mask__outputs *rest, real *value, real gradient)
{
    const double h = 1e-5, kept = *value;
    *value = kept + h;
    double above = losses_of(s, out, rest).total;
    *value = kept - h;
    double below = losses_of(s, out, rest).total;
    *value = kept;
    double slope = (above - below) / (2 * h);
    if (!(fabs(slope - gradient) <= 1e-7 * fmax(1, fabs(slope)))) fail_msg("%.10g, not %.10g", gradient, slope);
}

/* Each loss on its own, then all, by every output. */
static void loss_gradients(void **state)
{
    (void)state;
    scene s;
    mask__networks_config config = small_config();
    scene_make(&s, &config);
    for (int term = 0; term < 7; term++) {
        double *weights[] = {&s.options.kl, &s.options.rec, &s.options.word, &s.options.structure, &s.options.contrast};
        for (int i = 0; i < 5; i++) *weights[i] = term == i || term >= 5 ? 1 + 0.3 * i : 0;
        s.options.per_dimension = term == 6;
        mask__outputs out = make_outputs(50), d = make_outputs(60), rest = make_outputs(70);
        losses_of(&s, &out, &d);
        for (size_t i = 0; i < ROWS * Z; i++) check_loss_slope(&s, &out, &rest, out.mu + i, d.mu[i]);
        for (size_t i = 0; i < ROWS * Z; i++) check_loss_slope(&s, &out, &rest, out.logvar + i, d.logvar[i]);
        for (size_t i = 0; i < ROWS * M; i++) check_loss_slope(&s, &out, &rest, out.r2 + i, d.r2[i]);
        for (size_t i = 0; i < ROWS * N; i++) check_loss_slope(&s, &out, &rest, out.w2 + i, d.w2[i]);
        free_outputs(&out);
        free_outputs(&d);
        free_outputs(&rest);
    }
    scene_free(&s);
}

/* ---- The whole: loss by parameters ------------------------------------------------------------------------------ */

static double whole(scene *s, bool gradients)
{
    mask__loss_values v;
    mask__networks_prepare(&s->nets, s->parameters, &s->work);
    mask__networks_forward(&s->nets, s->parameters, GROUPS, s->r, s->z, &s->work);
    mask__losses(&s->options, &s->nets, ROWS, s->r, &s->labels, &s->work.out, s->loss_work, &s->work.d, &v);
    if (gradients) mask__networks_backward(&s->nets, s->parameters, GROUPS, &s->work, s->gradients);
    return v.total;
}

static void check_whole(const mask__networks_config *config)
{
    scene s;
    const double h = 1e-5;
    scene_make(&s, config);
    whole(&s, true);
    for (size_t t = 0; t < s.nets.table.count; t++) {
        const mask__parameter *p = &s.nets.table.items[t];
        size_t count = mask__parameter_numbers(p);
        for (size_t trial = 0; trial < 4; trial++) {
            real *value = s.parameters + p->offset + mask__random(t, trial) % count, kept = *value;
            *value = kept + h;
            double above = whole(&s, false);
            *value = kept - h;
            double below = whole(&s, false), slope = (above - below) / (2 * h),
                   ours = s.gradients[value - s.parameters];
            *value = kept;
            if (!(fabs(slope - ours) <= 2e-6 * fmax(1, fabs(slope))))
                fail_msg("%s: %.10g, not %.10g", p->name, ours, slope);
        }
    }
    scene_free(&s);
}

static void whole_networks(void **state)
{
    (void)state;
    mask__networks_config config = small_config();
    check_whole(&config);
    config.residual = false;
    check_whole(&config);
    config.heads = 2;
    check_whole(&config);
    config = small_config();
    const unsigned depths[] = {1, 5};
    for (int i = 0; i < 2; i++) {
        config.pae_attention = config.mtm_attention = depths[i];
        check_whole(&config);
        config.pae_fc = config.frm_fc = config.mtm_fc = depths[i];
        check_whole(&config);
        config.frm_attention = depths[i];
        config.pae_attention = 3;
        check_whole(&config);
    }
    config.frm_attention = config.mtm_attention = 0;
    config.pae_attention = 2;
    check_whole(&config);
}
#endif

/* ---- Networks --------------------------------------------------------------------------------------------------- */

static void names_and_sizes(void **state)
{
    (void)state;
    mask_error err;
    mask__networks nets;
    mask__networks_config config = MASK__NETWORKS_DEFAULTS;
    check_ok(mask__networks_make(&nets, &config, &err));
    static const char *const first[] = {"pae.fc.weight",   "pae.a1.q.weight", "pae.a3.o.bias",
                                        "pae.norm.weight", "frm.fc1.weight",  "frm.a.k.bias",
                                        "frm.fc2.bias",    "mtm.a2.v.weight", "mtm.fc3.bias"};
    for (size_t i = 0, found; i < sizeof first / sizeof *first; i++) {
        for (found = 0; found < nets.table.count && strcmp(nets.table.items[found].name, first[i]) != 0;) found++;
        if (found == nets.table.count) fail_msg("no %s", first[i]);
    }
    size_t numbers = 0;
    for (size_t i = 0; i < nets.table.count; i++) numbers += mask__parameter_numbers(&nets.table.items[i]);
    /* method.md's table: FCs, attentions of 4 d^2 + 4 d, the norm */
    size_t at_z = 4 * (512 * 512 + 512), at_n = 4 * (300 * 300 + 300);
    assert_int_equal(numbers, (2048 * 512 + 512) + 3 * at_z + 2 * 512 + (512 * 512 + 512) + at_z + (512 * 2048 + 2048) +
                                  (512 * 300 + 300) + 3 * at_n + 2 * (300 * 300 + 300));
    assert_true(nets.table.size >= numbers && nets.table.size < numbers + 16 * nets.table.count);
    for (size_t i = 1; i < nets.table.count; i++)
        assert_true(nets.table.items[i].offset >=
                    nets.table.items[i - 1].offset + mask__parameter_numbers(&nets.table.items[i - 1]));
    mask__networks_free(&nets);
}

static void refusals(void **state)
{
    (void)state;
    mask_error err;
    mask__networks nets;
    mask__networks_config config = small_config();
    config.heads = 5;
    check_fails(mask__networks_make(&nets, &config, &err), MASK_EINVAL, "5 heads");
    config = small_config();
    config.heads = 0;
    check_fails(mask__networks_make(&nets, &config, &err), MASK_EINVAL, "0 heads");
    config = small_config();
    config.latent = 0;
    check_fails(mask__networks_make(&nets, &config, &err), MASK_EINVAL, "size 0");
    config = small_config();
    config.pae_attention = 0;
    check_fails(mask__networks_make(&nets, &config, &err), MASK_EINVAL, "0 layers");
    config = small_config();
    config.mtm_attention = 17;
    check_fails(mask__networks_make(&nets, &config, &err), MASK_EINVAL, "attention");
}

/* Encoding gives training's mu, and an image's mu does not depend on what stands beside it. */
static void encode(void **state)
{
    (void)state;
    scene s;
    mask_error err;
    mask__work encoder;
    mask__networks_config config = small_config();
    scene_make(&s, &config);
    check_ok(mask__work_make(&encoder, &s.nets, MASK__ENCODE, ROWS, LARGEST, THREADS, NULL, &err));
    mask__networks_prepare(&s.nets, s.parameters, &s.work);
    mask__networks_prepare(&s.nets, s.parameters, &encoder);
    mask__networks_forward(&s.nets, s.parameters, GROUPS, s.r, s.z, &s.work);
    assert_memory_equal(mask__networks_encode(&s.nets, s.parameters, GROUPS, s.r, &encoder), s.work.out.mu,
                        ROWS * Z * sizeof(real));
    for (size_t i = 0; i < GROUPS.images; i++) {
        const size_t alone[] = {0, OFFSETS[i + 1] - OFFSETS[i]};
        const real *mu =
            mask__networks_encode(&s.nets, s.parameters, (mask__groups){alone, 1}, s.r + OFFSETS[i] * M, &encoder);
        check_close(mu, s.work.out.mu + OFFSETS[i] * Z, alone[1] * Z);
    }
    mask__work_free(&encoder);
    scene_free(&s);
}

static void train_steps(scene *s, real *first, real *second, mask__adam *adam, int steps)
{
    mask__loss_values v;
    for (int i = 0; i < steps; i++) {
        mask__networks_prepare(&s->nets, s->parameters, &s->work);
        mask__networks_forward(&s->nets, s->parameters, GROUPS, s->r, s->z, &s->work);
        mask__losses(&s->options, &s->nets, ROWS, s->r, &s->labels, &s->work.out, s->loss_work, &s->work.d, &v);
        mask__networks_backward(&s->nets, s->parameters, GROUPS, &s->work, s->gradients);
        mask__adam_step(adam, 1e-3, s->nets.table.size, s->gradients, first, second, s->parameters);
    }
}

static void same_bits(void **state)
{
    (void)state;
    real *kept = NULL;
    for (int run = 0; run < 2; run++) {
        scene s;
        mask__networks_config config = small_config();
        config.features = 600; /* long enough sums to be worth dividing */
        config.latent = 96;
        config.words = 60;
        scene_make(&s, &config);
        free(s.r), free(s.z), free(s.words);
        s.r = normals(31, ROWS * 600);
        s.z = normals(32, ROWS * 96);
        s.words = normals(30, 10 * 60);
        s.labels.unit_words = s.words;
        mask__adam adam = MASK__ADAM_DEFAULTS;
        real *first = calloc(s.nets.table.size, sizeof *first), *second = calloc(s.nets.table.size, sizeof *second);
        train_steps(&s, first, second, &adam, 5);
        if (run) assert_memory_equal(kept, s.parameters, s.nets.table.size * sizeof *kept);
        free(kept);
        kept = s.parameters;
        s.parameters = NULL;
        free(first);
        free(second);
        scene_free(&s);
    }
    free(kept);
}

/* ---- Adam and random numbers ------------------------------------------------------------------------------------ */

static void adam_twin(double clip)
{
    enum { SIZE = 1000 };
    real *g = normals(80, SIZE), *p = normals(81, SIZE), *want = normals(81, SIZE);
    real *m = calloc(2 * SIZE, sizeof *m);
    double twin[2][SIZE] = {{0}}, norm = 0;
    mask__adam adam = MASK__ADAM_DEFAULTS;
    adam.clip = clip;
    for (size_t i = 0; i < SIZE; i++) norm += (double)g[i] * (double)g[i];
    norm = sqrt(norm);
    for (int t = 1; t <= 3; t++) { /* the gradient grows: Adam does not see a constant scale */
        double length = t * norm, scale = clip > 0 && clip < length ? clip / length : 1;
        real *grown = calloc(SIZE, sizeof *grown);
        for (size_t i = 0; i < SIZE; i++) grown[i] = (real)t * g[i];
        double found = mask__adam_step(&adam, 0.01, SIZE, grown, m, m + SIZE, p);
        assert_true(fabs(found - length) < 1e-4 * length);
        for (size_t i = 0; i < SIZE; i++) {
            double e = scale * (double)grown[i];
            twin[0][i] = 0.9 * twin[0][i] + 0.1 * e;
            twin[1][i] = 0.999 * twin[1][i] + 0.001 * e * e;
            double step = twin[0][i] / (1 - pow(0.9, t)) / (sqrt(twin[1][i] / (1 - pow(0.999, t))) + 1e-8);
            want[i] = (real)((double)want[i] - 0.01 * step);
        }
        free(grown);
    }
    double worst = 0;
    for (size_t i = 0; i < SIZE; i++) worst = fmax(worst, fabs((double)(want[i] - p[i])));
    assert_true(worst < 1e-6 && adam.step == 3);
    g[7] = NAN; /* a gradient gone wrong must not spoil what was learned */
    real kept = p[0];
    assert_false(isfinite(mask__adam_step(&adam, 0.01, SIZE, g, m, m + SIZE, p)));
    assert_true(p[0] == kept && adam.step == 3);
    free(g), free(p), free(want), free(m);
}

static void adam(void **state)
{
    (void)state;
    adam_twin(0);
    adam_twin(5);
    adam_twin(50); /* clipped from the second step on */
    adam_twin(1e9);
}

static void random_numbers(void **state)
{
    (void)state;
    enum { COUNT = 100001 };
    real *a = normals(1, COUNT), *b = normals(2, COUNT), part[10];
    double mean = 0, square = 0, cross = 0, neighbour = 0;
    for (size_t i = 0; i < COUNT; i++) {
        mean += (double)a[i] / COUNT;
        square += (double)a[i] * (double)a[i] / COUNT;
        cross += (double)a[i] * (double)b[i] / COUNT;
        if (i) neighbour += (double)a[i] * (double)a[i - 1] / COUNT;
    }
    assert_true(fabs(mean) < 0.015 && fabs(square - 1) < 0.02 && fabs(cross) < 0.015 && fabs(neighbour) < 0.015);
    mask__normals(1, 5000, 10, part); /* any part of the sequence on its own */
    assert_memory_equal(part, a + 5000, sizeof part);
    free(a), free(b);
}

#ifndef MASK_DOUBLE
/* Every layout of the operands, added to C or not, against float; and no NaN is lost in rounding. */
static void bf16(void **state)
{
    (void)state;
    enum { A = 33, B = 20, C = 47 };
    mask_error err;
    mask__product *product;
    if (mask__product_make(&product, A * C, &err) != MASK_OK) {
        assert_non_null(strstr(err.message, "AVX512_BF16"));
        skip_because("%s", err.message);
    }
    real *a = normals(90, A * C), *b = normals(91, C * B), *c = normals(92, A * B), *want = normals(92, A * B);
    for (int layout = 0; layout < 8; layout++) {
        bool ta = layout & 1, tb = layout & 2;
        real beta = layout & 4 ? 1 : 0;
        mask__product_run(product, ta, tb, A, B, C, a, ta ? A : C, b, tb ? C : B, beta, c, B);
        mask__product_run(NULL, ta, tb, A, B, C, a, ta ? A : C, b, tb ? C : B, beta, want, B);
        double worst = 0;
        for (size_t i = 0; i < A * B; i++) worst = fmax(worst, fabs((double)(c[i] - want[i])));
        assert_true(worst > 0 && worst < 0.1); /* sums of 47 products, each off by up to 2^-8 */
        memcpy(c, want, A * B * sizeof *c);
    }
    memset(&a[3], 0xFF, sizeof *a); /* a NaN whose last bits would carry into nothing */
    mask__product_run(product, false, false, A, B, C, a, C, b, B, 0, c, B);
    assert_true(isnan(c[0]) && !isnan(c[B]));
    /* An operand over the agreed size is multiplied in float. */
    real *wide = normals(93, 50 * C);
    mask__product_run(product, false, false, 50, 1, C, wide, C, b, 1, 0, want, 1);
    mask__product_run(NULL, false, false, 50, 1, C, wide, C, b, 1, 0, c, 1);
    assert_memory_equal(c, want, 50 * sizeof *c);
    free(a), free(b), free(c), free(want), free(wide);
    mask__product_free(product);
}
#endif

static void exponential(void **state)
{
    (void)state;
    for (double x = -86; x < 86; x += 0.0137)
        assert_true(fabs((double)mask__exp((real)x) / exp((double)(real)x) - 1) < 4e-7);
    assert_true(mask__exp(0) == 1 && isnan(mask__exp(NAN)) && mask__exp(-200) < 1e-37);
}

int main(void)
{
    omp_set_num_threads(THREADS);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(linear),
        cmocka_unit_test(attention),
        cmocka_unit_test(norm),
        cmocka_unit_test(loss_values),
        cmocka_unit_test(losses_of_nothing),
#ifdef MASK_DOUBLE
        cmocka_unit_test(loss_gradients),
        cmocka_unit_test(whole_networks),
#endif
#ifndef MASK_DOUBLE
        cmocka_unit_test(bf16),
#endif
        cmocka_unit_test(names_and_sizes),
        cmocka_unit_test(refusals),
        cmocka_unit_test(encode),
        cmocka_unit_test(same_bits),
        cmocka_unit_test(adam),
        cmocka_unit_test(random_numbers),
        cmocka_unit_test(exponential),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
