/* step [--threads T] [--images 128] [--regions 36] [--repeat 5] [--bf16 1]: seconds of one training step and of one
 * encoding pass, in one line of key=value. GFLOP are those of the matrix products that really run (2 per multiply-add);
 * the limit is the rate of one large float GEMM of the same library, measured in the same run. */
#include "nn/adam.h"
#include "nn/losses.h"
#include "nn/random.h"

#include <omp.h>
#include <stdio.h>
#include <stdlib.h>

enum { WORDS = 12385, SIDE = 3072 };

typedef struct setup {
    size_t images, regions, n;
    int threads, repeat, bf16;
    mask__product *product; /* NULL: float */
    mask__networks nets;
    mask__work work, encoder;
    mask__loss_work *loss_work;
    mask__groups groups;
    mask__labels_batch labels;
    real *r, *z, *parameters, *gradients, *first, *second;
    real *square[3]; /* (SIDE, SIDE), for the limit */
    mask__adam adam;
} setup;

static void *must(void *memory)
{
    if (memory) return memory;
    fprintf(stderr, "step: out of memory\n");
    exit(1);
}

static void must_be(mask_status status, const mask_error *err)
{
    if (status == MASK_OK) return;
    fprintf(stderr, "step: %s\n", err->message);
    exit(1);
}

static real *filled(size_t count, uint64_t seed, bool uniform)
{
    real *values = must(aligned_alloc(64, (count * sizeof *values + 63) / 64 * 64));
    if (uniform)
        for (size_t i = 0; i < count; i++) values[i] = (real)mask__uniform(seed, i);
    else mask__normals(seed, 0, count, values);
    return values;
}

/* One word a region, from a Zipf law. */
static void make_labels(setup *s)
{
    size_t d = s->nets.config.words;
    mask__label *pairs = must(malloc(s->n * sizeof *pairs));
    real *words = filled(WORDS * d, 5, false);
    for (size_t i = 0; i < s->n; i++)
        pairs[i] = (mask__label){(uint32_t)i, (uint32_t)pow(WORDS, mask__uniform(6, i)) - 1};
    for (size_t i = 0; i < WORDS; i++) {
        real length = mask__sqrt(mask__real_dot(words + i * d, words + i * d, d));
        for (size_t j = 0; j < d; j++) words[i * d + j] /= length;
    }
    s->labels = (mask__labels_batch){.pairs = pairs, .count = s->n, .unit_words = words};
}

static void make_setup(setup *s)
{
    mask_error err;
    mask__networks_config config = MASK__NETWORKS_DEFAULTS;
    s->n = s->images * s->regions;
    must_be(mask__networks_make(&s->nets, &config, &err), &err);
    if (s->bf16) must_be(mask__product_make(&s->product, mask__networks_operand(&s->nets, s->n), &err), &err);
    must_be(mask__work_make(&s->work, &s->nets, MASK__TRAIN, s->n, s->regions, s->threads, s->product, &err), &err);
    must_be(mask__work_make(&s->encoder, &s->nets, MASK__ENCODE, s->n, s->regions, s->threads, s->product, &err), &err);
    must_be(mask__loss_work_make(&s->loss_work, &s->nets, s->n, s->n, s->product, &err), &err);
    size_t *offsets = must(malloc((s->images + 1) * sizeof *offsets));
    for (size_t i = 0; i <= s->images; i++) offsets[i] = i * s->regions;
    s->groups = (mask__groups){offsets, s->images};
    s->r = filled(s->n * config.features, 1, true);
    s->z = filled(s->n * config.latent, 2, false);
    size_t size = s->nets.table.size;
    s->parameters = filled(size, 3, false);
    mask__parameters_initialise(&s->nets.table, 3, s->parameters);
    s->gradients = must(calloc(size, sizeof(real)));
    s->first = must(calloc(size, sizeof(real)));
    s->second = must(calloc(size, sizeof(real)));
    s->adam = MASK__ADAM_DEFAULTS;
    s->adam.clip = 1000;
    for (int i = 0; i < 3; i++) s->square[i] = filled((size_t)SIDE * SIDE, 4, true);
    make_labels(s);
}

static size_t distinct_words(const setup *s)
{
    unsigned char *seen = must(calloc(WORDS, 1));
    size_t count = 0;
    for (size_t i = 0; i < s->n; i++) {
        count += !seen[s->labels.pairs[i].word];
        seen[s->labels.pairs[i].word] = 1;
    }
    free(seen);
    return count;
}

/* ---- Arithmetic ------------------------------------------------------------------------------------------------- */

/* Multiply-adds of a layer, one way or both; `first` has no gradient by its input. */
static double layer_work(const setup *s, const mask__layer *l, bool train, bool first)
{
    double n = (double)s->n, same = n * (double)s->regions; /* pairs of regions of one image */
    if (l->kind == MASK__LINEAR)
        return n * (double)l->u.linear.in * (double)l->u.linear.out * (!train ? 1 : first ? 2 : 3);
    if (l->kind == MASK__NORM) return 0;
    double d = (double)l->u.attention.d;
    return train ? 6 * n * d * d + 6 * same * d + 6 * d * d * d : 2 * n * d * d + 2 * same * d;
}

static double gflop(const setup *s, bool train)
{
    const mask__networks_config *c = &s->nets.config;
    double sum = 0, n = (double)s->n, z = (double)c->latent, w = (double)c->words;
    for (size_t i = 0; i < s->nets.first[train ? MASK__CHAINS : MASK__LOGVAR]; i++)
        sum += layer_work(s, &s->nets.layers[i], train, !i);
    if (train) sum += n * (2 * w * w + 2 * z * z + 3 * w * z) + 3 * n * z * (double)distinct_words(s);
    return 2e-9 * sum;
}

/* ---- Timing ----------------------------------------------------------------------------------------------------- */

static void train(setup *s)
{
    mask__loss_values v;
    mask__loss_options options = MASK__LOSS_DEFAULTS;
    mask__normals(7, s->adam.step * s->n * s->nets.config.latent, s->n * s->nets.config.latent, s->z);
    mask__networks_prepare(&s->nets, s->parameters, &s->work);
    mask__networks_forward(&s->nets, s->parameters, s->groups, s->r, s->z, &s->work);
    mask__losses(&options, &s->nets, s->n, s->r, &s->labels, &s->work.out, s->loss_work, &s->work.d, &v);
    mask__networks_backward(&s->nets, s->parameters, s->groups, &s->work, s->gradients);
    mask__adam_step(&s->adam, 1e-4, s->nets.table.size, s->gradients, s->first, s->second, s->parameters);
}

static void encode(setup *s)
{
    mask__networks_encode(&s->nets, s->parameters, s->groups, s->r, &s->encoder);
}

static void large_gemm(setup *s)
{
    mask__real_gemm(false, false, SIDE, SIDE, SIDE, 1, s->square[0], SIDE, s->square[1], SIDE, 0, s->square[2], SIDE);
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Median of the repeats after one warm-up. */
static double seconds_of(setup *s, void (*work)(setup *))
{
    double *times = must(malloc((size_t)s->repeat * sizeof *times)), median;
    work(s);
    for (int i = 0; i < s->repeat; i++) {
        times[i] = omp_get_wtime();
        work(s);
        times[i] = omp_get_wtime() - times[i];
    }
    qsort(times, (size_t)s->repeat, sizeof *times, by_size);
    median = times[s->repeat / 2];
    free(times);
    return median;
}

int main(int argc, char **argv)
{
    setup s = {.images = 128, .regions = 36, .threads = omp_get_num_procs(), .repeat = 5};
    for (int i = 1; i + 1 < argc; i += 2) {
        int value = atoi(argv[i + 1]);
        if (!strcmp(argv[i], "--threads")) s.threads = value;
        if (!strcmp(argv[i], "--images")) s.images = (size_t)value;
        if (!strcmp(argv[i], "--regions")) s.regions = (size_t)value;
        if (!strcmp(argv[i], "--bf16")) s.bf16 = value;
        if (!strcmp(argv[i], "--repeat")) s.repeat = value;
    }
    omp_set_num_threads(s.threads);
    make_setup(&s);
    mask__networks_prepare(&s.nets, s.parameters, &s.encoder);
    double limit = 2e-9 * SIDE * SIDE * SIDE / seconds_of(&s, large_gemm);
    double step = seconds_of(&s, train), pass = seconds_of(&s, encode);
    double again = 2e-9 * SIDE * SIDE * SIDE / seconds_of(&s, large_gemm);
    limit = again > limit ? again : limit; /* the machine may be shared: the better of before and after */
    printf(
        "bf16=%d threads=%d regions=%zu words=%zu limit_gflops=%.1f step_seconds=%.4f step_gflop=%.1f step_share=%.3f "
        "encode_seconds=%.4f encode_gflop=%.1f encode_share=%.3f\n",
        s.bf16, s.threads, s.n, distinct_words(&s), limit, step, gflop(&s, true), gflop(&s, true) / step / limit, pass,
        gflop(&s, false), gflop(&s, false) / pass / limit);
    return 0;
}
