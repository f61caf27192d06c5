/* golden-matching FILE.npz: prototypes, out-of-knowledge words, columns, scores, re-ranking and adaptation against the
 * executable reference (float64), on the region representations and word vectors the file holds. Prints the worst error
 * of each item; exit 1 on a miss, 2 on misuse.
 *
 * Everything goes through the real path: mu becomes the features of a folder of labelled regions and a feature file, W
 * a .mvec of made-up words; a knowledge is learned from them with encoder `none` and asked for scores. The error of an
 * item is max |ours - theirs| / max |theirs|; a score counts as at least 0.01, for a cosine's rounding is absolute. */
#include "made.h"
#include "matching.h"
#include "adapt/cycle.h"
#include "npzvalues.h"
#include "eval/rerank.h"
#include "knowledge/knowledge.h"
#include "match/columns.h"

static const double limit = 1e-5, gradient_limit = 1e-4, least_score = 0.01;

typedef struct array {
    double *values;
    size_t count, shape[MASK__NPY_DIMS];
} array;

typedef struct golden {
    mask__npz npz;
    array mu, words, offsets, prototypes, w_out;
    size_t k, z, n;
    mask_vectors *vectors;
    mask_knowledge *knowledge;
    float *learned; /* K x Z, in the order of the file */
    bool missed;
} golden;

static void must_be(mask_status status, const mask_error *err)
{
    if (status == MASK_OK) return;
    fprintf(stderr, "golden-matching: %s\n", err->message);
    exit(2);
}

static void *must(void *memory)
{
    if (memory) return memory;
    fprintf(stderr, "golden-matching: out of memory\n");
    exit(2);
}

static array load(const golden *g, const char *name)
{
    unsigned ndim;
    mask_error err;
    array a = {.count = 1};
    must_be(npz_doubles(&g->npz, name, &a.values, &ndim, a.shape, &err), &err);
    for (unsigned i = 0; i < ndim; i++) a.count *= a.shape[i];
    return a;
}

static float *floats(const array *a, size_t first, size_t count)
{
    float *out = must(malloc((count + 1) * sizeof *out));
    for (size_t i = 0; i < count; i++) out[i] = (float)a->values[first + i];
    return out;
}

static void report(golden *g, const char *item, double error)
{
    bool ok = error <= (strstr(item, "grad") ? gradient_limit : limit); /* NaN is a miss */
    printf("%-18s worst %.1e  %s\n", item, error, ok ? "ok" : "MISS");
    if (!ok) g->missed = true;
}

static void compare(golden *g, const char *item, const float *ours, const double *theirs, size_t count, double least)
{
    double worst = 0, largest = least;
    for (size_t i = 0; i < count; i++) {
        double error = fabs((double)ours[i] - theirs[i]);
        worst = error > worst || isnan(error) ? error : worst;
        largest = fabs(theirs[i]) > largest ? fabs(theirs[i]) : largest;
    }
    report(g, item, worst / largest);
}

/* One labelled region for each (region, word) pair. A word that no region carries gets a region of zeros, from which
 * Eq. 2 makes the zero prototype that the reference gives it. */
static void learn(golden *g)
{
    mask_error err;
    array region = load(g, "pair_region"), word = load(g, "pair_word");
    size_t rows = region.count, z = g->z;
    float *features = must(calloc((rows + g->k) * z, sizeof *features));
    char(*labels)[64] = must(calloc(rows + g->k, sizeof *labels));
    bool *seen = must(calloc(g->k, sizeof *seen));
    for (size_t p = 0; p < rows; p++) {
        size_t w = (size_t)word.values[p];
        for (size_t d = 0; d < z; d++) features[p * z + d] = (float)g->mu.values[(size_t)region.values[p] * z + d];
        snprintf(labels[p], sizeof labels[p], "%.3s", made_word(w));
        seen[w] = true;
    }
    for (size_t w = 0; w < g->k; w++)
        if (!seen[w]) snprintf(labels[rows++], sizeof labels[0], "%.3s", made_word(w));
    mask_labels *made = made_labels(features, rows, z, labels, rows);
    mask_learn_options o = mask_learn_defaults();
    o.representation = MASK_REPRESENTATION_NONE;
    o.tokens = MASK_TOKENS_LETTERS;
    o.min_count = 1;
    o.prototype_shrink = 0;
    must_be(mask_knowledge_learn(&g->knowledge, made, g->vectors, &o, NULL, &err), &err);
    mask_labels_close(made);
    free(features);
    free(labels);
    free(seen);
    free(region.values);
    free(word.values);
}

static void load_all(golden *g, const char *path)
{
    mask_error err;
    must_be(mask__npz_open(&g->npz, path, &err), &err);
    g->mu = load(g, "mu");
    g->words = load(g, "W");
    g->offsets = load(g, "offsets");
    g->prototypes = load(g, "prototypes");
    g->w_out = load(g, "w_out");
    g->k = g->words.shape[0];
    g->n = g->words.shape[1];
    g->z = g->mu.shape[1];
    if (g->k > 26 * 26) {
        fprintf(stderr, "golden-matching: %s: %zu words, but only 676 can be made up\n", path, g->k);
        exit(2);
    }
    float *w = floats(&g->words, 0, g->words.count);
    g->vectors = made_vectors(w, g->k, g->n);
    free(w);
    learn(g);
    g->learned = must(calloc(g->k * g->z, sizeof *g->learned));
    for (size_t i = 0; i < g->k; i++)
        for (size_t w2 = 0; w2 < g->k; w2++)
            if (strcmp(mask_knowledge_word(g->knowledge, i, NULL), made_word(w2)) == 0)
                memcpy(g->learned + w2 * g->z, mask_knowledge_prototype(g->knowledge, i), g->z * sizeof(float));
}

static void compare_ood(golden *g, const char *item, size_t m, float temperature)
{
    mask_error err;
    mask__word_space space = mask__knowledge_space(g->knowledge), one = space;
    mask__neighbour_options o = {.m = m, .temperature = temperature};
    mask__neighbours neighbours;
    array theirs = load(g, item);
    float *query = floats(&g->w_out, 0, g->n), *out = must(calloc(g->z, sizeof *out));
    mask__normalise(query, g->n);
    one.count = 1;
    one.vectors = query;
    must_be(mask__neighbours_find(&neighbours, &space, &one, &o, &err), &err);
    mask__neighbours_mean(&neighbours, mask_knowledge_prototype(g->knowledge, 0), g->z, out);
    mask__neighbours_free(&neighbours);
    compare(g, item, out, theirs.values, g->z, 0);
    free(query);
    free(out);
    free(theirs.values);
}

/* An orthonormal basis of the centred reference prototypes, basis[0 .. rank) of Z; returns the rank. */
static size_t basis_of(const golden *g, const double *mean, double *basis)
{
    size_t rank = 0, z = g->z;
    for (size_t k = 0; k < g->k && rank < z; k++) {
        double *b = basis + rank * z, squares = 0, before = 0;
        for (size_t d = 0; d < z; d++) b[d] = g->prototypes.values[k * z + d] - mean[d];
        for (size_t d = 0; d < z; d++) before += b[d] * b[d];
        for (int twice = 0; twice < 2; twice++)
            for (size_t r = 0; r < rank; r++) {
                double dot = 0;
                for (size_t d = 0; d < z; d++) dot += b[d] * basis[r * z + d];
                for (size_t d = 0; d < z; d++) b[d] -= dot * basis[r * z + d];
            }
        for (size_t d = 0; d < z; d++) squares += b[d] * b[d];
        if (squares <= 1e-20 * before) continue; /* a combination of those before it: two words of the same regions */
        for (size_t d = 0; d < z; d++) b[d] /= sqrt(squares);
        rank++;
    }
    return rank;
}

/* With fewer words than dimensions the rotation is determined only between the spans of the centred words and
 * prototypes; outside, any rotation is as good, and two LAPACKs choose differently. Then what is determined is
 * compared: the part inside the span, and (while N <= Z) the length, which a rotation keeps. */
static void compare_procrustes(golden *g)
{
    mask_error err;
    mask__procrustes fit;
    mask__arena arena = {0};
    array theirs = load(g, "v_procrustes");
    size_t z = g->z, least = g->n < z ? g->n : z;
    float *words = floats(&g->words, 0, g->words.count), *query = floats(&g->w_out, 0, g->n);
    float *out = must(calloc(z, sizeof *out)), *parts = must(calloc(z + 1, sizeof *parts));
    double *mean = must(calloc(z, sizeof *mean)), *basis = must(calloc(z * z, sizeof *basis));
    double *expected = must(calloc(z + 1, sizeof *expected)), ours_squares = 0, squares = 0;
    must_be(mask__procrustes_fit(&fit, words, g->n, g->learned, z, g->k, &arena, &err), &err);
    mask__procrustes_apply(&fit, query, out);
    for (size_t i = 0; i < g->k * z; i++) mean[i % z] += g->prototypes.values[i] / (double)g->k;
    if (g->k > least) {
        compare(g, "v_procrustes", out, theirs.values, z, 0);
    } else {
        size_t rank = basis_of(g, mean, basis);
        for (size_t r = 0; r < rank; r++) {
            double ours = 0;
            for (size_t d = 0; d < z; d++) {
                ours += ((double)out[d] - mean[d]) * basis[r * z + d];
                expected[r] += (theirs.values[d] - mean[d]) * basis[r * z + d];
            }
            parts[r] = (float)ours;
        }
        for (size_t d = 0; d < z; d++) {
            ours_squares += pow((double)out[d] - mean[d], 2);
            squares += pow(theirs.values[d] - mean[d], 2);
        }
        expected[rank] = g->n <= z ? sqrt(squares) : 0;
        parts[rank] = g->n <= z ? (float)sqrt(ours_squares) : 0;
        compare(g, "v_procrustes", parts, expected, rank + 1, 0);
    }
    mask__arena_free(&arena);
    void *memory[] = {words, query, out, parts, mean, basis, expected, theirs.values};
    for (size_t i = 0; i < sizeof memory / sizeof *memory; i++) free(memory[i]);
}

static void compare_columns(golden *g)
{
    mask_error err;
    array theirs = load(g, "columns");
    size_t images = g->offsets.count - 1;
    float *mu = floats(&g->mu, 0, g->mu.count), *unit = must(malloc(g->k * g->z * sizeof *unit));
    float *out = must(calloc(g->k * images, sizeof *out));
    uint64_t *rows = must(calloc(images + 1, sizeof *rows));
    for (size_t i = 0; i <= images; i++) rows[i] = (uint64_t)g->offsets.values[i];
    memcpy(unit, g->learned, g->k * g->z * sizeof *unit);
    for (size_t w = 0; w < g->k; w++) mask__normalise(unit + w * g->z, g->z);
    mask__regions regions = {.image_rows = rows, .mu = mu, .count = images, .dim = g->z};
    mask__pooling pooling = {.top = 1};
    mask__column_times times = {0};
    must_be(mask__columns_compute(&regions, &(mask__word_rows){{unit}, {g->k}}, &pooling, out, NULL, &times, "columns",
                                  NULL, &err),
            &err);
    compare(g, "columns", out, theirs.values, g->k * images, 0);
    free(mu);
    free(unit);
    free(out);
    free(rows);
    free(theirs.values);
}

/* The first image against the text of the first three words. */
static void compare_scores(golden *g)
{
    static const struct {
        mask_pool pool;
        const char *item;
    } pools[] = {{MASK_POOL_MAX_MEAN, "score.max-mean"},
                 {MASK_POOL_REGION_MAX, "score.region-max"},
                 {MASK_POOL_MEAN, "score.mean"}};
    mask_error err;
    mask_texts *texts;
    char line[32] = "";
    for (size_t w = 0; w < 3 && w < g->k; w++)
        snprintf(line + strlen(line), sizeof line - strlen(line), "%.3s ", made_word(w));
    const char *text = line;
    size_t regions = (size_t)g->offsets.values[1];
    float *mu = floats(&g->mu, 0, regions * g->z);
    mask_images *images = made_images("image.npy", mu, 1, regions, g->z);
    must_be(mask_texts_create(&texts, &text, 1, &err), &err);
    for (size_t p = 0; p < sizeof pools / sizeof *pools; p++) {
        float score = 0;
        mask_match_options o = mask_match_plain();
        array theirs = load(g, pools[p].item);
        o.pool = pools[p].pool;
        o.ood = MASK_OOD_OFF;
        must_be(match_scores(g->knowledge, NULL, images, texts, &o, &score, NULL, NULL, &err), &err);
        compare(g, pools[p].item, &score, theirs.values, 1, least_score);
        free(theirs.values);
    }
    mask_texts_close(texts);
    mask_images_close(images);
    free(mu);
}

static void compare_rerank(golden *g)
{
    array base = load(g, "base"), mask = load(g, "mask"), theirs = load(g, "reranked");
    float *b = floats(&base, 0, base.count), *m = floats(&mask, 0, mask.count);
    float *out = must(calloc(base.count, sizeof *out));
    mask_rerank_options options = mask_rerank_defaults();
    mask__rerank_combine(&options, b, m, base.count, out);
    compare(g, "reranked", out, theirs.values, theirs.count, 0);
    void *memory[] = {base.values, mask.values, theirs.values, b, m, out};
    for (size_t i = 0; i < sizeof memory / sizeof *memory; i++) free(memory[i]);
}

/* Eq. 88-93 at W = 1, with the loss and its gradient in W. */
static void compare_adaptation(golden *g)
{
    mask_error err;
    mask__cycle cycle;
    size_t z = g->z, regions = g->mu.shape[0];
    array loss = load(g, "adapt_loss"), gradient = load(g, "adapt_grad");
    float *u = floats(&g->prototypes, 0, g->k * z), *mu = floats(&g->mu, 0, g->mu.count);
    float *w = must(calloc(z * z, sizeof *w)), *out = must(calloc(z * z, sizeof *out));
    for (size_t d = 0; d < z; d++) w[d * z + d] = 1;
    must_be(mask__cycle_make(&cycle, g->k, regions, z, &err), &err);
    float sum = (float)mask__cycle_loss(&cycle, u, g->k, mu, regions, w, 1, out);
    compare(g, "adapt_loss", &sum, loss.values, 1, 0);
    compare(g, "adapt_grad", out, gradient.values, z * z, 0);
    mask__cycle_free(&cycle);
    void *memory[] = {loss.values, gradient.values, u, mu, w, out};
    for (size_t i = 0; i < sizeof memory / sizeof *memory; i++) free(memory[i]);
}

static void free_all(golden *g)
{
    mask_knowledge_close(g->knowledge);
    mask_vectors_close(g->vectors);
    mask__npz_close(&g->npz);
    void *memory[] = {g->learned,        g->mu.values,         g->words.values,
                      g->offsets.values, g->prototypes.values, g->w_out.values};
    for (size_t i = 0; i < sizeof memory / sizeof *memory; i++) free(memory[i]);
}

int main(int argc, char **argv)
{
    golden g = {0};
    if (argc != 2) {
        fprintf(stderr, "usage: golden-matching FILE.npz, a file that mask_reference.py wrote\n");
        return 2;
    }
    load_all(&g, argv[1]);
    compare(&g, "prototypes", g.learned, g.prototypes.values, g.k * g.z, 0);
    compare_ood(&g, "v_ood", 3, 1);
    compare_ood(&g, "v_ood_t", 4, 0.1f);
    compare_procrustes(&g);
    compare_columns(&g);
    compare_scores(&g);
    compare_rerank(&g);
    compare_adaptation(&g);
    free_all(&g);
    return g.missed ? 1 : 0;
}
