/* Recalls against a twin that sorts: ranks, ties and their bounds, folds, kinds of texts, and the saved matrix. */
#include "made.h"

enum { IMAGES = 40, TEXTS = 5 * IMAGES };

/* The share of `ranks` below k, in percent. */
static double recall(const double *ranks, size_t count, double k)
{
    size_t hits = 0;
    for (size_t i = 0; i < count; i++) hits += ranks[i] < k;
    return 100.0 * (double)hits / (double)count;
}

static int rising(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void check_recall(const mask_recall *m, double *ranks, const double *lost, const double *won, size_t count)
{
    const double levels[] = {1, 5, 10};
    double sum = 0;
    assert_int_equal(m->queries, count);
    assert_true(fabs(m->r1 - recall(ranks, count, 1)) < 1e-9);
    assert_true(fabs(m->r5 - recall(ranks, count, 5)) < 1e-9);
    assert_true(fabs(m->r10 - recall(ranks, count, 10)) < 1e-9);
    for (int k = 0; k < 3; k++) {
        assert_true(fabs(m->low[k] - recall(lost, count, levels[k])) < 1e-9);
        assert_true(fabs(m->high[k] - recall(won, count, levels[k])) < 1e-9);
    }
    for (size_t i = 0; i < count; i++) sum += ranks[i];
    qsort(ranks, count, sizeof *ranks, rising);
    assert_true(m->medr == floor((ranks[(count - 1) / 2] + ranks[count / 2]) / 2) + 1);
    assert_true(fabs(m->meanr - (sum / (double)count + 1)) < 1e-9);
}

/* Both directions over images [first, first + count) by counting, one query at a time. */
static void check_fold(const mask_recalls *r, const float *scores, size_t first, size_t count)
{
    static double ranks[TEXTS], lost[TEXTS], won[TEXTS];
    for (size_t t = 0; t < 5 * count; t++) {
        const float *row = scores + (5 * first + t) * IMAGES + first;
        double better = 0, equal = -1;
        for (size_t i = 0; i < count; i++) {
            better += row[i] > row[t / 5];
            equal += row[i] == row[t / 5];
        }
        ranks[t] = better + equal / 2;
        lost[t] = better + equal;
        won[t] = better;
    }
    check_recall(&r->t2i, ranks, lost, won, 5 * count);
    for (size_t i = 0; i < count; i++) {
        float best = -INFINITY;
        double better = 0, equal = 0;
        for (size_t t = 0; t < 5; t++) best = fmaxf(best, scores[(5 * (first + i) + t) * IMAGES + first + i]);
        for (size_t t = 0; t < 5 * count; t++) {
            float score = scores[(5 * first + t) * IMAGES + first + i];
            better += score > best;
            equal += score == best && t / 5 != i;
        }
        ranks[i] = better + equal / 2;
        lost[i] = better + equal;
        won[i] = better;
    }
    check_recall(&r->i2t, ranks, lost, won, count);
}

static void fill(float *scores, uint64_t seed, int steps)
{
    for (size_t i = 0; i < TEXTS * IMAGES; i++) {
        scores[i] = made_number(&seed) + (i % IMAGES == i / IMAGES / 5 ? 0.8f : 0);
        if (steps) scores[i] = floorf(scores[i] * (float)steps); /* coarse scores tie */
    }
}

static void equals_counting(void **state)
{
    (void)state;
    mask_error err;
    mask_recalls r;
    static float scores[TEXTS * IMAGES];
    for (int steps = 0; steps <= 8; steps += 2) {
        fill(scores, 3 + (uint64_t)steps, steps);
        check_ok(mask_recalls_compute(&r, scores, IMAGES, TEXTS, NULL, 1, NULL, &err));
        check_fold(&r, scores, 0, IMAGES);
        assert_true(fabs(r.rsum - (r.t2i.r1 + r.t2i.r5 + r.t2i.r10 + r.i2t.r1 + r.i2t.r5 + r.i2t.r10)) < 1e-9);
        assert_int_equal(r.ties, steps > 0);
        assert_true(r.rsum_low < r.rsum && r.rsum < r.rsum_high);
    }
}

/* The interval is that of a mean over images: about two standard errors to each side. */
static void the_interval_is_a_mean_s(void **state)
{
    (void)state;
    mask_error err;
    mask_recalls r;
    static float scores[TEXTS * IMAGES], t2i[TEXTS], i2t[IMAGES];
    double sum = 0, squares = 0;
    fill(scores, 5, 0);
    check_ok(mask_recalls_compute(&r, scores, IMAGES, TEXTS, NULL, 1, &(mask_run){.seed = 1}, &err));
    check_ok(mask_ranks_compute(t2i, i2t, scores, IMAGES, TEXTS, 1, NULL, &err));
    for (size_t i = 0; i < IMAGES; i++) {
        double share = 0;
        for (int k = 1; k <= 10; k += k == 1 ? 4 : 5) {
            share += i2t[i] < (float)k ? 100 : 0;
            for (size_t t = 5 * i; t < 5 * i + 5; t++) share += t2i[t] < (float)k ? 20 : 0;
        }
        sum += share;
        squares += share * share;
    }
    double mean = sum / IMAGES, error = sqrt((squares / IMAGES - mean * mean) / IMAGES);
    assert_true(fabs(mean - r.rsum) < 1e-9);
    assert_true(fabs(r.rsum_high - r.rsum - 1.96 * error) < 0.5 * error);
    assert_true(fabs(r.rsum - r.rsum_low - 1.96 * error) < 0.5 * error);
}

static void folds_are_averaged(void **state)
{
    (void)state;
    mask_error err;
    mask_recalls all;
    static float scores[TEXTS * IMAGES], part[TEXTS * IMAGES];
    double r1 = 0, medr = 0;
    fill(scores, 17, 0);
    check_ok(mask_recalls_compute(&all, scores, IMAGES, TEXTS, NULL, 4, NULL, &err));
    for (size_t f = 0; f < 4; f++) {
        mask_recalls one;
        size_t count = IMAGES / 4;
        for (size_t t = 0; t < 5 * count; t++)
            memcpy(part + t * count, scores + (f * 5 * count + t) * IMAGES + f * count, count * sizeof *part);
        check_ok(mask_recalls_compute(&one, part, count, 5 * count, NULL, 1, NULL, &err));
        r1 += one.i2t.r1 / 4;
        medr += one.t2i.medr / 4;
    }
    assert_true(fabs(all.i2t.r1 - r1) < 1e-9 && fabs(all.t2i.medr - medr) < 1e-9);
    assert_int_equal(all.t2i.queries, TEXTS);
}

static void kinds_are_told_apart(void **state)
{
    (void)state;
    mask_error err;
    mask_recalls r;
    static float scores[TEXTS * IMAGES];
    static unsigned char kinds[TEXTS];
    for (size_t t = 0; t < TEXTS; t++) { /* texts with OOD words fail, the others are right, some hold no word */
        kinds[t] = t % 4 == 0 ? 3 : t % 4 == 1 ? 0 : 1;
        for (size_t i = 0; i < IMAGES; i++) scores[t * IMAGES + i] = (i == t / 5) == (kinds[t] != 3);
    }
    check_ok(mask_recalls_compute(&r, scores, IMAGES, TEXTS, kinds, 1, NULL, &err));
    assert_int_equal(r.t2i_ood.queries, TEXTS / 4);
    assert_int_equal(r.t2i_known.queries, TEXTS / 2);
    assert_true(r.t2i_known.r1 == 100 && r.t2i_ood.r10 == 0);
}

static void what_does_not_fit_is_refused(void **state)
{
    (void)state;
    mask_error err;
    mask_recalls r;
    static float scores[TEXTS * IMAGES];
    fill(scores, 1, 0);
    check_fails(mask_recalls_compute(&r, scores, IMAGES, TEXTS - 1, NULL, 1, NULL, &err), MASK_EMISMATCH, "five texts");
    check_fails(mask_recalls_compute(&r, scores, IMAGES, TEXTS, NULL, 7, NULL, &err), MASK_EINVAL, "7 equal folds");
    scores[3 * IMAGES + 2] = NAN;
    check_fails(mask_recalls_compute(&r, scores, IMAGES, TEXTS, NULL, 1, NULL, &err), MASK_ENUMERIC,
                "text 3 and image 2");
}

static void the_saved_matrix_is_images_by_texts(void **state)
{
    (void)state;
    mask_error err;
    mask__npy npy;
    static float scores[TEXTS * IMAGES], row[TEXTS];
    const char *path = temp_path("sims.npy");
    fill(scores, 5, 0);
    check_ok(mask_scores_save(path, scores, IMAGES, TEXTS, &err));
    check_ok(mask__npy_open(&npy, path, &err));
    assert_true(npy.ndim == 2 && npy.shape[0] == IMAGES && npy.shape[1] == TEXTS);
    for (size_t i = 0; i < IMAGES; i++) {
        mask__npy_floats(&npy, i * TEXTS, TEXTS, row);
        for (size_t t = 0; t < TEXTS; t++) assert_true(row[t] == scores[t * IMAGES + i]);
    }
    mask__npy_close(&npy);
    check_fails(mask_scores_save("/nowhere/s.npy", scores, IMAGES, TEXTS, &err), MASK_EIO, "/nowhere/s.npy");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equals_counting),
        cmocka_unit_test(the_interval_is_a_mean_s),
        cmocka_unit_test(folds_are_averaged),
        cmocka_unit_test(kinds_are_told_apart),
        cmocka_unit_test(what_does_not_fit_is_refused),
        cmocka_unit_test(the_saved_matrix_is_images_by_texts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
