/* golden FILE.npz: the networks, the losses and three Adam steps against the executable reference in PyTorch (float64),
 * on the inputs and parameters the file holds. Prints the worst error of each group; exit 1 on a miss, 2 on misuse.
 *
 * The error of a tensor is max |ours - theirs| / max(max |theirs|, 1e-6): relative to the tensor's largest value, so
 * that values which are 0 but for rounding (the gradient of a key's bias) count as 0. */
#include "npzvalues.h"
#include "nn/adam.h"
#include "nn/losses.h"

#include <omp.h>
#include <stdio.h>
#include <stdlib.h>

#ifdef MASK_DOUBLE
static const double LIMIT = 1e-9;
#else
static const double LIMIT = 1e-4;
#endif

typedef struct array {
    real *values;
    size_t count, shape[MASK__NPY_DIMS];
} array;

typedef struct golden {
    mask__npz npz;
    mask__networks nets;
    mask__work work;
    mask__loss_work *loss_work;
    mask__groups groups;
    size_t *offsets, n;
    array r, z, words; /* (n, M), (n, Z), (K, N) unit rows */
    mask__labels_batch labels;
    real *parameters, *gradients, *first, *second;
    mask__loss_options options;
    mask__adam adam;
    double rate;
    bool missed;
} golden;

static void *must(void *memory)
{
    if (memory) return memory;
    fprintf(stderr, "golden: out of memory\n");
    exit(2);
}

static void must_be(mask_status status, const mask_error *err)
{
    if (status == MASK_OK) return;
    fprintf(stderr, "golden: %s\n", err->message);
    exit(2);
}

static array load(const golden *g, const char *prefix, const char *name)
{
    char full[96];
    double *values;
    unsigned ndim;
    mask_error err;
    array a = {.count = 1};
    snprintf(full, sizeof full, "%s%s", prefix, name);
    must_be(npz_doubles(&g->npz, full, &values, &ndim, a.shape, &err), &err);
    for (unsigned i = 0; i < ndim; i++) a.count *= a.shape[i];
    a.values = must(malloc((a.count + 1) * sizeof *a.values));
    for (size_t i = 0; i < a.count; i++) a.values[i] = (real)values[i];
    free(values);
    return a;
}

static double scalar(const golden *g, const char *name)
{
    array a = load(g, "", name);
    double value = a.values[0];
    free(a.values);
    return value;
}

/* The error of one tensor. */
static double error_of(const real *ours, const array *theirs)
{
    double worst = 0, largest = 1e-6;
    for (size_t i = 0; i < theirs->count; i++) {
        double e = fabs((double)ours[i] - (double)theirs->values[i]);
        worst = e > worst || isnan(e) ? e : worst;
        largest = fabs((double)theirs->values[i]) > largest ? fabs((double)theirs->values[i]) : largest;
    }
    return worst / largest;
}

static void report(golden *g, const char *group, const char *where, double error)
{
    bool ok = error <= LIMIT; /* NaN is a miss */
    printf("%-10s worst %.1e  %-22s %s\n", group, error, where, ok ? "ok" : "MISS");
    if (!ok) g->missed = true;
}

static void compare(golden *g, const char *name, const real *ours)
{
    array theirs = load(g, "", name);
    report(g, name, "", error_of(ours, &theirs));
    free(theirs.values);
}

static void compare_scalar(golden *g, const char *name, double ours)
{
    real value = (real)ours;
    compare(g, name, &value);
}

/* Every tensor of the table in buffer against PREFIX.name. */
static void compare_table(golden *g, const char *group, const char *prefix, const real *buffer)
{
    double worst = -1;
    const char *where = "";
    for (size_t i = 0; i < g->nets.table.count; i++) {
        const mask__parameter *p = &g->nets.table.items[i];
        array theirs = load(g, prefix, p->name);
        double error = theirs.count == mask__parameter_numbers(p) ? error_of(buffer + p->offset, &theirs) : NAN;
        if (error > worst || isnan(error)) worst = error, where = p->name;
        free(theirs.values);
        if (isnan(worst)) break;
    }
    report(g, group, where, worst);
}

static void load_labels(golden *g)
{
    array region = load(g, "", "pair_region"), word = load(g, "", "pair_word");
    mask__label *pairs = must(malloc((region.count + 1) * sizeof *pairs));
    for (size_t i = 0; i < region.count; i++)
        pairs[i] = (mask__label){(uint32_t)region.values[i], (uint32_t)word.values[i]};
    g->words = load(g, "", "W");
    for (size_t i = 0; i < g->words.shape[0]; i++) {
        real *row = g->words.values + i * g->words.shape[1];
        real length = mask__sqrt(mask__real_dot(row, row, g->words.shape[1]));
        for (size_t j = 0; j < g->words.shape[1]; j++) row[j] /= length;
    }
    g->labels = (mask__labels_batch){.pairs = pairs, .count = region.count, .unit_words = g->words.values};
    free(region.values);
    free(word.values);
}

static void load_parameters(golden *g)
{
    size_t size = g->nets.table.size;
    real **buffers[] = {&g->parameters, &g->gradients, &g->first, &g->second};
    for (int i = 0; i < 4; i++) *buffers[i] = must(calloc(size, sizeof(real)));
    for (size_t i = 0; i < g->nets.table.count; i++) {
        const mask__parameter *p = &g->nets.table.items[i];
        array a = load(g, "param.", p->name);
        if (a.count != mask__parameter_numbers(p)) {
            fprintf(stderr, "golden: param.%s has %zu numbers, not %zu\n", p->name, a.count,
                    mask__parameter_numbers(p));
            exit(2);
        }
        memcpy(g->parameters + p->offset, a.values, a.count * sizeof(real));
        free(a.values);
    }
}

static void load_all(golden *g, const char *path)
{
    mask_error err;
    mask__networks_config config = MASK__NETWORKS_DEFAULTS;
    must_be(mask__npz_open(&g->npz, path, &err), &err);
    g->r = load(g, "", "r");
    g->z = load(g, "", "z");
    load_labels(g);
    config.features = g->r.shape[1];
    config.latent = g->z.shape[1];
    config.words = g->words.shape[1];
    must_be(mask__networks_make(&g->nets, &config, &err), &err);
    array offsets = load(g, "", "offsets");
    size_t largest = 0;
    g->offsets = must(malloc(offsets.count * sizeof *g->offsets));
    for (size_t i = 0; i < offsets.count; i++) {
        g->offsets[i] = (size_t)offsets.values[i];
        if (i && g->offsets[i] - g->offsets[i - 1] > largest) largest = g->offsets[i] - g->offsets[i - 1];
    }
    g->groups = (mask__groups){g->offsets, offsets.count - 1};
    g->n = g->offsets[offsets.count - 1];
    free(offsets.values);
    must_be(mask__work_make(&g->work, &g->nets, MASK__TRAIN, g->n, largest, omp_get_max_threads(), NULL, &err), &err);
    must_be(mask__loss_work_make(&g->loss_work, &g->nets, g->n, g->labels.count, NULL, &err), &err);
    load_parameters(g);
    g->options = MASK__LOSS_DEFAULTS;
    g->options.word = g->options.structure = scalar(g, "lambda1");
    g->options.contrast = scalar(g, "lambda2");
    g->options.temperature = scalar(g, "tau");
    g->rate = scalar(g, "lr");
    g->adam = MASK__ADAM_DEFAULTS;
}

static void compare_outputs(golden *g)
{
    compare(g, "mu", g->work.out.mu);
    compare(g, "logvar", g->work.out.logvar);
    compare(g, "r2", g->work.out.r2);
    compare(g, "w2", g->work.out.w2);
}

/* Each of the five relative to itself. */
static void compare_losses(golden *g, const double ours[5])
{
    const char *names[] = {"kl", "rec", "word", "structure", "contrast"};
    array theirs = load(g, "", "losses");
    for (int i = 0; i < 5; i++)
        report(g, "losses", names[i], fabs(ours[i] - (double)theirs.values[i]) / fabs((double)theirs.values[i]));
    free(theirs.values);
}

static void step(golden *g, int index)
{
    mask__loss_values v;
    char name[24];
    mask__networks_prepare(&g->nets, g->parameters, &g->work);
    mask__networks_forward(&g->nets, g->parameters, g->groups, g->r.values, g->z.values, &g->work);
    if (!index) compare_outputs(g);
    mask__losses(&g->options, &g->nets, g->n, g->r.values, &g->labels, &g->work.out, g->loss_work, &g->work.d, &v);
    mask__networks_backward(&g->nets, g->parameters, g->groups, &g->work, g->gradients);
    if (!index) {
        compare_losses(g, (double[]){v.kl, v.rec, v.word, v.structure, v.contrast});
        compare_table(g, "gradients", "grad.", g->gradients);
    }
    snprintf(name, sizeof name, "total%d", index);
    compare_scalar(g, name, v.total);
    mask__adam_step(&g->adam, g->rate, g->nets.table.size, g->gradients, g->first, g->second, g->parameters);
}

static void free_all(golden *g)
{
    mask__networks_free(&g->nets);
    mask__work_free(&g->work);
    mask__loss_work_free(g->loss_work);
    mask__npz_close(&g->npz);
    void *memory[] = {g->offsets,    g->r.values,  g->z.values, g->words.values, (void *)g->labels.pairs,
                      g->parameters, g->gradients, g->first,    g->second};
    for (size_t i = 0; i < sizeof memory / sizeof *memory; i++) free(memory[i]);
}

int main(int argc, char **argv)
{
    golden g = {0};
    if (argc != 2) {
        fprintf(stderr, "usage: golden FILE.npz, a file that mask_reference.py wrote\n");
        return 2;
    }
    load_all(&g, argv[1]);
    for (int i = 0; i < 3; i++) step(&g, i);
    compare_table(&g, "after3", "after3.", g.parameters);
    free_all(&g);
    return g.missed ? 1 : 0;
}
