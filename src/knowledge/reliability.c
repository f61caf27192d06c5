#include "knowledge/reliability.h"
#include "annotations/labels.h"
#include "math/gemm.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { GATHER_ROWS = 4096 };
static const double scene_share = 0.8, prior_images = 10, least = 0.2;

/* Sums over the images of a fold, all of them and those that hold the word. */
typedef struct tally {
    double sum, squares, own_sum, own_count;
} tally;

typedef struct judge {
    const mask__reliability_input *in;
    size_t words, z;
    float *prototypes[MASK__FOLDS]; /* K x Z, unit, from the other folds */
    tally *regions, *scenes;        /* MASK__FOLDS x K */
    float *gathered, *cosines;      /* rows of one fold: GATHER_ROWS x Z, x K */
    size_t *begin;                  /* first gathered row of each gathered image, and the end */
    size_t *image;
    size_t rows, images;
} judge;

/* Adds one image's values (K) to the tallies of its fold. */
static void add_image(const mask__incidence *in, tally *tallies, size_t image, const float *values)
{
    for (size_t k = 0; k < in->words; k++) {
        tallies[k].sum += values[k];
        tallies[k].squares += (double)values[k] * values[k];
    }
    for (uint64_t i = in->at[image]; i < in->at[image + 1]; i++) {
        tallies[in->word[i]].own_sum += values[in->word[i]];
        tallies[in->word[i]].own_count++;
    }
}

/* Scores the gathered images of a fold: the maximum over their regions, word by word. */
static void score_gathered(judge *j, size_t fold)
{
    size_t words = j->words;
    if (!j->rows) return;
    j->begin[j->images] = j->rows;
    mask__gemm(false, true, j->rows, words, j->z, 1, j->gathered, j->z, j->prototypes[fold], j->z, 0, j->cosines,
               words);
    for (size_t i = 0; i < j->images; i++) {
        float *best = j->cosines + j->begin[i] * words;
        for (size_t r = j->begin[i] + 1; r < j->begin[i + 1]; r++)
            for (size_t k = 0; k < words; k++) best[k] = fmaxf(best[k], j->cosines[r * words + k]);
        add_image(j->in->incidence, j->regions + fold * words, j->image[i], best);
    }
    j->rows = j->images = 0;
}

/* Gathers the unit regions of each fold in turn, so that its images meet one GEMM. */
static void visit(void *context, size_t first, size_t rows, const float *mu)
{
    judge *j = context;
    for (size_t fold = 0; fold < MASK__FOLDS; fold++) {
        size_t last = SIZE_MAX;
        for (size_t r = 0; r < rows; r++) {
            size_t image = mask__labels_image(j->in->labels, first + r);
            if (image % MASK__FOLDS != fold) continue;
            if (image != last) {
                if (j->rows >= GATHER_ROWS / 2) score_gathered(j, fold);
                j->image[j->images] = image;
                j->begin[j->images++] = j->rows;
                last = image;
            }
            if (j->rows == GATHER_ROWS) continue; /* more regions than any real image has: the rest is not judged */
            memcpy(j->gathered + j->rows * j->z, mu + r * j->z, j->z * sizeof *mu);
            mask__normalise(j->gathered + j->rows * j->z, j->z);
            j->rows++;
        }
        score_gathered(j, fold);
    }
}

/* Prototypes from all folds but one. */
static mask_status fold_prototypes(judge *j, size_t fold, mask_error *err)
{
    const mask__reliability_input *in = j->in;
    size_t values = j->words * j->z;
    MASK__FREED uint64_t *counts = calloc(j->words, sizeof *counts);
    float *p = j->prototypes[fold];
    if (!counts) return mask__no_memory(err, "reliability");
    for (size_t f = 0; f < MASK__SLOTS; f++) {
        if (f == fold) continue;
        for (size_t k = 0; k < j->words; k++) counts[k] += in->fold_counts[f * j->words + k];
        for (size_t i = 0; i < values; i++) p[i] += (float)in->fold_sums[f * values + i];
    }
    for (size_t i = 0; i < values; i++) p[i] /= counts[i / j->z] ? (float)counts[i / j->z] : 1;
    MASK__TRY(mask__neighbours_shrink(in->neighbours, counts, in->pseudo_counts, p, j->z, err));
    for (size_t k = 0; k < j->words; k++) mask__normalise(p + k * j->z, j->z);
    return MASK_OK;
}

/* The scene cosines of a fold's images with scene prototypes from the others. */
static mask_status judge_scenes(judge *j, size_t fold, const mask_run *run, mask_error *err)
{
    const mask__scenes *s = j->in->scenes;
    size_t words = j->words, z = j->z;
    MASK__CLOSED(mask__arena_free) mask__arena work = {0};
    bool *use = mask__arena_alloc(&work, s->images, sizeof *use);
    float *prototypes = mask__arena_alloc(&work, words * z, sizeof *prototypes);
    if (work.lost) return mask__no_memory(err, "reliability");
    for (size_t i = 0; i < s->images; i++) use[i] = i % MASK__FOLDS != fold;
    MASK__TRY(
        mask__scene_prototypes(s, j->in->incidence, use, j->in->neighbours, j->in->pseudo_counts, prototypes, err));
    for (size_t first = fold, chunk = 0; first < s->images; chunk++) {
        size_t count = 0, image = first;
        if (chunk % mask__team_size(run) != mask__team_rank(run)) {
            first += (size_t)GATHER_ROWS * MASK__FOLDS;
            continue;
        }
        for (; image < s->images && count < GATHER_ROWS; image += MASK__FOLDS) {
            memcpy(j->gathered + count * z, s->vectors + image * z, z * sizeof(float));
            mask__normalise(j->gathered + count++ * z, z);
        }
        mask__gemm(false, true, count, words, z, 1, j->gathered, z, prototypes, z, 0, j->cosines, words);
        for (size_t i = 0; i < count; i++)
            add_image(j->in->incidence, j->scenes + fold * words, first + i * MASK__FOLDS, j->cosines + i * words);
        first = image;
    }
    return MASK_OK;
}

/* Sum over the word's own images of one fold of the z-scored value. */
static double own_z(const tally *t, size_t images)
{
    if (!t->own_count || !images) return 0;
    double mean = t->sum / (double)images, variance = t->squares / (double)images - mean * mean;
    return (t->own_sum - t->own_count * mean) / (sqrt(variance > 0 ? variance : 0) + 1e-6);
}

static int rising(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static mask_status weigh(const judge *j, float power, float *out, mask_error *err)
{
    size_t words = j->words, images = j->in->scenes->images;
    size_t seen = 0; /* words that an image holds: only they have a median */
    MASK__FREED double *d = malloc(2 * words * sizeof *d);
    if (!d) return mask__no_memory(err, "reliability");
    double *sorted = d + words;
    for (size_t k = 0; k < words; k++) {
        double sum = 0, own = 0;
        for (size_t f = 0; f < MASK__FOLDS; f++) {
            size_t count = images / MASK__FOLDS + (f < images % MASK__FOLDS);
            sum += own_z(&j->regions[f * words + k], count) + scene_share * own_z(&j->scenes[f * words + k], count);
            own += j->scenes[f * words + k].own_count;
        }
        out[k] = (float)own;
        d[k] = own > 0 ? sum / own : 0;
        if (own > 0) sorted[seen++] = d[k];
    }
    qsort(sorted, seen, sizeof *sorted, rising);
    double median = seen ? (sorted[(seen - 1) / 2] + sorted[seen / 2]) / 2 : 0;
    for (size_t k = 0; k < words; k++) {
        double own = out[k], shrunk = (own * d[k] + prior_images * median) / (own + prior_images);
        /* A median that is not positive says that the prototypes tell nothing apart: then no word stands out. */
        out[k] = median > 0 ? (float)pow(fmax(shrunk, least) / median, power) : 1;
    }
    return MASK_OK;
}

mask_status mask__reliability(const mask__reliability_input *in, float power, float *out, const mask_run *run,
                              mask_error *err)
{
    MASK__CLOSED(mask__arena_free) mask__arena work = {0};
    judge j = {.in = in, .words = in->incidence->words, .z = in->representation->out};
    j.regions = mask__arena_alloc(&work, MASK__FOLDS * j.words, sizeof *j.regions);
    j.scenes = mask__arena_alloc(&work, MASK__FOLDS * j.words, sizeof *j.scenes);
    j.gathered = mask__arena_alloc(&work, (size_t)GATHER_ROWS * j.z, sizeof *j.gathered);
    j.cosines = mask__arena_alloc(&work, GATHER_ROWS * j.words, sizeof *j.cosines);
    j.begin = mask__arena_alloc(&work, GATHER_ROWS + 1, sizeof *j.begin);
    j.image = mask__arena_alloc(&work, GATHER_ROWS, sizeof *j.image);
    for (size_t f = 0; f < MASK__FOLDS; f++) j.prototypes[f] = mask__arena_alloc(&work, j.words * j.z, sizeof(float));
    if (work.lost) return mask__no_memory(err, "reliability");
    for (size_t f = 0; f < MASK__FOLDS; f++) MASK__TRY(fold_prototypes(&j, f, err));
    MASK__TRY(mask__region_pass(in->labels, in->representation, "reliability", visit, &j, run, err));
    for (size_t f = 0; f < MASK__FOLDS; f++) {
        MASK__TRY(mask__progress(run, "reliability of scenes", "folds", f, MASK__FOLDS, err));
        MASK__TRY(judge_scenes(&j, f, run, err));
    }
    enum { NUMBERS = sizeof(tally) / sizeof(double) };
    MASK__TRY(mask__team_sum(run, &j.regions->sum, NULL, MASK__FOLDS * j.words * NUMBERS, err));
    MASK__TRY(mask__team_sum(run, &j.scenes->sum, NULL, MASK__FOLDS * j.words * NUMBERS, err));
    return weigh(&j, power, out, err);
}
