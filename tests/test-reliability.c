/* Reliabilities against a twin in double that cross-fits by brute force: each image is judged by prototypes that never
 * saw its fold. */
#include "made.h"
#include "annotations/labels.h"
#include "knowledge/reliability.h"

enum { Z = 6, WORDS = 11, MOST_IMAGES = 64, MOST_ROWS = 5000, NEAR = 3 };

typedef struct world {
    size_t images, rows, image[MOST_ROWS], start[MOST_IMAGES + 1];
    uint32_t word[MOST_ROWS]; /* each region has one */
    float features[MOST_ROWS * Z], box[MOST_ROWS][4], scene_vectors[MOST_IMAGES * Z], words[WORDS * Z];
    char labels[MOST_ROWS][64];
    uint64_t at[MOST_IMAGES + 1];
    uint32_t held[MOST_ROWS];
    double fold_sums[MASK__SLOTS * WORDS * Z];
    uint64_t fold_counts[MASK__SLOTS * WORDS];
    mask__scenes scenes;
    mask__incidence incidence;
    mask__neighbours neighbours;
} world;

/* The word of a region: word 10 nowhere, word 9 only in fold 2, word 8 only in image 1. */
static uint32_t draw_word(size_t image, uint64_t *random)
{
    double u = (made_number(random) + 1) / 2;
    if (image == 1 && u < 0.6) return 8;
    if (image % MASK__FOLDS == 2 && u < 0.3) return 9;
    return (uint32_t)(u * 8 * 0.999);
}

/* signal: how much a region looks like its word; most regions an image: 1 .. 5, of image `crowded` 2,200. */
static void make_world(world *w, size_t images, float signal, size_t crowded, uint64_t seed)
{
    mask_error err;
    uint64_t random = seed;
    float centres[WORDS * Z];
    *w = (world){.images = images};
    for (size_t i = 0; i < WORDS * Z; i++) {
        centres[i] = made_number(&random);
        w->words[i] = made_number(&random);
    }
    for (size_t k = 0; k < WORDS; k++) mask__normalise(w->words + k * Z, Z);
    for (size_t j = 0; j < images; j++) {
        bool holds[WORDS] = {false};
        for (size_t r = j == crowded ? 2200 : 1 + j % 5; r-- > 0; w->rows++) {
            uint32_t k = w->word[w->rows] = draw_word(j, &random);
            size_t at = (j % MASK__FOLDS) * WORDS + k;
            holds[k] = true;
            w->image[w->rows] = j;
            strcpy(w->labels[w->rows], "zaa");
            for (size_t d = 0; d < Z; d++) {
                float x = w->features[w->rows * Z + d] = signal * centres[k * Z + d] + made_number(&random);
                w->fold_sums[at * Z + d] += x;
                w->scene_vectors[j * Z + d] += 0.3f * signal * centres[k * Z + d] + 0.5f * made_number(&random);
            }
            w->fold_counts[at]++;
        }
        w->start[j + 1] = w->rows;
        w->at[j + 1] = w->at[j];
        for (uint32_t k = 0; k < WORDS; k++)
            if (holds[k]) w->held[w->at[j + 1]++] = k;
    }
    w->scenes = (mask__scenes){.images = images, .z = Z, .vectors = w->scene_vectors};
    w->incidence = (mask__incidence){images, WORDS, w->at, w->held};
    mask__word_space space = {WORDS, Z, 0, w->words, NULL};
    mask__neighbour_options o = {.m = NEAR, .temperature = 0.3f, .skip_self = true};
    check_ok(mask__neighbours_find(&w->neighbours, &space, &space, &o, &err));
}

static double cosine(const double *a, const double *b)
{
    double dot = 0, aa = 0, bb = 0;
    for (size_t d = 0; d < Z; d++) {
        dot += a[d] * b[d];
        aa += a[d] * a[d];
        bb += b[d] * b[d];
    }
    return aa > 0 && bb > 0 ? dot / sqrt(aa * bb) : 0;
}

/* Prototypes of the regions outside a fold, straight from the regions. */
static void twin_prototypes(const world *w, size_t fold, double pseudo, double out[WORDS][Z])
{
    double own[WORDS][Z] = {{0}}, count[WORDS] = {0};
    for (size_t r = 0; r < w->rows; r++) {
        if (w->image[r] % MASK__FOLDS == fold) continue;
        for (size_t d = 0; d < Z; d++) own[w->word[r]][d] += w->features[r * Z + d];
        count[w->word[r]]++;
    }
    for (size_t k = 0; k < WORDS; k++)
        for (size_t d = 0; d < Z && count[k] > 0; d++) own[k][d] /= count[k];
    for (size_t k = 0; k < WORDS; k++)
        for (size_t d = 0; d < Z; d++) {
            double others = 0;
            for (size_t q = 0; q < NEAR; q++) {
                mask__ranked near = w->neighbours.items[k * NEAR + q];
                others += (double)near.value * own[near.index][d];
            }
            out[k][d] = pseudo > 0 ? (count[k] * own[k][d] + pseudo * others) / (count[k] + pseudo) : own[k][d];
        }
}

static double best_region(const world *w, size_t image, const double *prototype)
{
    double best = -2;
    for (size_t r = w->start[image]; r < w->start[image + 1]; r++) {
        double x[Z];
        for (size_t d = 0; d < Z; d++) x[d] = w->features[r * Z + d];
        best = fmax(best, cosine(x, prototype));
    }
    return best;
}

/* Sum over the fold's images that hold word k of the z-scored values; images of other folds hold NaN. */
static double own_z(const world *w, size_t fold, uint32_t k, const double *values)
{
    double n = 0, mean = 0, variance = 0, sum = 0;
    for (size_t j = fold; j < w->images; j += MASK__FOLDS) mean += values[j], n++;
    mean /= n > 0 ? n : 1;
    for (size_t j = fold; j < w->images; j += MASK__FOLDS) variance += (values[j] - mean) * (values[j] - mean) / n;
    for (size_t j = fold; j < w->images; j += MASK__FOLDS)
        for (uint64_t i = w->at[j]; i < w->at[j + 1]; i++)
            if (w->held[i] == k) sum += (values[j] - mean) / (sqrt(variance) + 1e-6);
    return sum;
}

static int rising(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* out: reliabilities; returns the median of d. Scene prototypes are those of test-scenes.c. */
static double twin_reliability(const world *w, double pseudo, double power, double out[WORDS])
{
    double d[WORDS] = {0}, own[WORDS] = {0}, sorted[WORDS], values[MOST_IMAGES];
    for (size_t fold = 0; fold < MASK__FOLDS; fold++) {
        mask_error err;
        double prototypes[WORDS][Z];
        float scenes[WORDS * Z];
        bool use[MOST_IMAGES];
        for (size_t j = 0; j < w->images; j++) use[j] = j % MASK__FOLDS != fold;
        twin_prototypes(w, fold, pseudo, prototypes);
        check_ok(mask__scene_prototypes(&w->scenes, &w->incidence, use, &w->neighbours, (float)pseudo, scenes, &err));
        for (uint32_t k = 0; k < WORDS; k++) {
            for (size_t j = 0; j < w->images; j++) values[j] = use[j] ? NAN : best_region(w, j, prototypes[k]);
            d[k] += own_z(w, fold, k, values);
            for (size_t j = fold; j < w->images; j += MASK__FOLDS) {
                double x[Z], y[Z], squares = 0;
                for (size_t e = 0; e < Z; e++) {
                    x[e] = w->scene_vectors[j * Z + e];
                    y[e] = scenes[k * Z + e];
                    squares += y[e] * y[e];
                }
                values[j] = cosine(x, y) * sqrt(squares);
            }
            d[k] += 0.8 * own_z(w, fold, k, values);
        }
    }
    for (uint64_t i = 0; i < w->at[w->images]; i++) own[w->held[i]]++;
    size_t seen = 0;
    for (size_t k = 0; k < WORDS; k++) {
        d[k] = own[k] > 0 ? d[k] / own[k] : 0;
        if (own[k] > 0) sorted[seen++] = d[k];
    }
    qsort(sorted, seen, sizeof *sorted, rising);
    double median = (sorted[(seen - 1) / 2] + sorted[seen / 2]) / 2;
    for (size_t k = 0; k < WORDS; k++)
        out[k] = median > 0 ? pow(fmax((own[k] * d[k] + 10 * median) / (own[k] + 10), 0.2) / median, power) : 1;
    return median;
}

static void judge(world *w, float pseudo, float power, float *out)
{
    mask_error err;
    mask__representation encoder = {.kind = MASK_REPRESENTATION_NONE, .in = Z, .out = Z};
    mask_labels *labels = made_regions(w->features, w->rows, Z, w->labels, w->image, (const float(*)[4])w->box);
    mask__reliability_input input = {.labels = labels,
                                     .representation = &encoder,
                                     .scenes = &w->scenes,
                                     .incidence = &w->incidence,
                                     .neighbours = &w->neighbours,
                                     .pseudo_counts = pseudo,
                                     .fold_sums = w->fold_sums,
                                     .fold_counts = w->fold_counts};
    check_ok(mask__reliability(&input, power, out, NULL, &err));
    mask_labels_close(labels);
}

/* Returns the median of d. */
static double compare(world *w, float pseudo, float power)
{
    float got[WORDS];
    double want[WORDS], median = twin_reliability(w, pseudo, power, want);
    judge(w, pseudo, power, got);
    for (size_t k = 0; k < WORDS; k++)
        if (!(fabs(got[k] - want[k]) < 2e-3 * fmax(1, want[k])))
            fail_msg("%zu images, pseudo %g, word %zu: %g, not %g", w->images, (double)pseudo, k, (double)got[k],
                     want[k]);
    mask__neighbours_free(&w->neighbours);
    return median;
}

static void equal_the_twin(void **state)
{
    (void)state;
    static world w;
    for (uint64_t seed = 1; seed <= 5; seed++) {
        make_world(&w, 60, 1.5f, SIZE_MAX, seed);
        assert_true(compare(&w, 15, 0.3f) > 0.1);
        make_world(&w, 37, 1, SIZE_MAX, seed); /* folds of unlike size */
        assert_true(compare(&w, 4, 2) > 0.05);
        make_world(&w, 60, 1.5f, SIZE_MAX, seed); /* word 9's own images meet no prototype at all */
        assert_true(compare(&w, 0, 1) > 0.1);
    }
}

/* More regions of a fold than are scored at once. */
static void crowded_images(void **state)
{
    (void)state;
    static world w;
    make_world(&w, 60, 1.5f, 5, 6);
    assert_true(compare(&w, 15, 1) > 0.1);
}

static void without_anything_to_tell_apart_all_are_alike(void **state)
{
    (void)state;
    static world w;
    float got[WORDS];
    make_world(&w, 1, 1, SIZE_MAX, 8);
    assert_true(compare(&w, 15, 0.3f) == 0); /* one image: nothing to stand out from */
    size_t negative = 0;
    for (uint64_t seed = 1; seed <= 20; seed++) { /* noise: about half of the medians are below 0 */
        make_world(&w, 60, 0, SIZE_MAX, seed);
        double want[WORDS];
        if (twin_reliability(&w, 15, 0.3, want) < -1e-3) {
            negative++;
            judge(&w, 15, 0.3f, got);
            for (size_t k = 0; k < WORDS; k++) assert_true(got[k] == 1);
        }
        mask__neighbours_free(&w.neighbours);
    }
    assert_true(negative > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_the_twin),
        cmocka_unit_test(crowded_images),
        cmocka_unit_test(without_anything_to_tell_apart_all_are_alike),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
