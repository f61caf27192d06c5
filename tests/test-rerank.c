/* Re-ranking against its naive twin: every list sorted out by counting, in double; folds, ties, sources of scores. */
#include "made.h"
#include "matching.h"
#include "eval/rerank.h"

enum { IMAGES = 12, TEXTS = 5 * IMAGES, DIM = 6, REGIONS = 3, WORDS = 8 };

/* Images x texts; own pairs score higher; coarse when steps > 0, so that many tie. */
static void make_scores(float *s, uint64_t seed, int steps)
{
    for (size_t i = 0; i < IMAGES * TEXTS; i++) {
        s[i] = made_number(&seed) + (i % TEXTS / 5 == i / TEXTS ? 0.5f : 0);
        if (steps) s[i] = floorf(s[i] * (float)steps);
    }
}

static const char *saved(const char *name, const float *s)
{
    const char *path = temp_path(name);
    made_npy(path, 2, (size_t[]){IMAGES, TEXTS}, s);
    return path;
}

static double zscore(const double *x, const bool *in, size_t n, size_t i)
{
    double sum = 0, squares = 0, count = 0;
    for (size_t j = 0; j < n; j++) sum += in[j] ? x[j] : 0, count += in[j];
    for (size_t j = 0; j < n; j++) squares += in[j] ? (x[j] - sum / count) * (x[j] - sum / count) : 0;
    return squares > 0 ? (x[i] - sum / count) / sqrt(squares / count) : 0;
}

/* The new order of n items as scores: candidates, those that fewer than k + 1 others reach, come out far above. */
static void twin(const double *base, const double *other, size_t n, const mask_rerank_options *o, double *out)
{
    bool in[TEXTS];
    for (size_t i = 0; i < n; i++) {
        size_t reach = 0;
        for (size_t j = 0; j < n; j++) reach += base[j] >= base[i];
        in[i] = reach <= o->top_k;
    }
    for (size_t i = 0; i < n; i++) {
        double plain = base[i] + (double)o->alpha * other[i];
        if (!in[i]) out[i] = base[i] - 64;
        else if (o->rule == MASK_RERANK_SUM) out[i] = plain;
        else out[i] = zscore(base, in, n, i) + (double)o->alpha * zscore(other, in, n, i);
    }
}

/* Both directions inside each fold; scores into what mask_recalls_compute reads. */
static void check_twin(const mask_reranking *r, const float *base, const float *other, const mask_rerank_options *o,
                       size_t folds)
{
    mask_error err;
    mask_recalls got, t2i, i2t;
    static float rows[2][TEXTS * IMAGES];
    size_t images = IMAGES / folds, texts = 5 * images;
    memset(rows, 0, sizeof rows);
    for (size_t f = 0; f < folds; f++) {
        double b[TEXTS], m[TEXTS], out[TEXTS];
        for (size_t t = f * texts; t < (f + 1) * texts; t++) {
            for (size_t i = 0; i < images; i++)
                b[i] = base[(f * images + i) * TEXTS + t], m[i] = other[(f * images + i) * TEXTS + t];
            twin(b, m, images, o, out);
            for (size_t i = 0; i < images; i++) rows[0][t * IMAGES + f * images + i] = (float)out[i];
        }
        for (size_t i = f * images; i < (f + 1) * images; i++) {
            for (size_t t = 0; t < texts; t++)
                b[t] = base[i * TEXTS + f * texts + t], m[t] = other[i * TEXTS + f * texts + t];
            twin(b, m, texts, o, out);
            for (size_t t = 0; t < texts; t++) rows[1][(f * texts + t) * IMAGES + i] = (float)out[t];
        }
    }
    check_ok(mask_rerank_recalls(&got, r, o, NULL, &err));
    check_ok(mask_recalls_compute(&t2i, rows[0], IMAGES, TEXTS, NULL, folds, NULL, &err));
    check_ok(mask_recalls_compute(&i2t, rows[1], IMAGES, TEXTS, NULL, folds, NULL, &err));
    assert_memory_equal(&got.t2i, &t2i.t2i, sizeof got.t2i);
    assert_memory_equal(&got.i2t, &i2t.i2t, sizeof got.i2t);
    assert_true(fabs(got.rsum - (t2i.t2i.r1 + t2i.t2i.r5 + t2i.t2i.r10 + i2t.i2t.r1 + i2t.i2t.r5 + i2t.i2t.r10)) <
                1e-9);
}

static void equals_its_twin(void **state)
{
    (void)state;
    mask_error err;
    mask_reranking *r;
    static float base[IMAGES * TEXTS], other[IMAGES * TEXTS];
    for (int steps = 0; steps <= 9; steps += 3)
        for (size_t folds = 1; folds <= 3; folds += 2) {
            make_scores(base, 3 + (uint64_t)steps, steps);
            make_scores(other, 40 + (uint64_t)steps, steps ? steps + 1 : 0);
            check_ok(mask_rerank_open(&r, saved("base.npy", base), 15, folds, NULL, &err));
            check_ok(mask_rerank_add_matrix(r, saved("other.npy", other), NULL, &err));
            const size_t k[] = {1, 4, 15};
            for (size_t i = 0; i < 6; i++) {
                mask_rerank_options o = {sizeof o, (mask_rerank_rule)(i % 2), k[i / 2], 0.7f};
                check_twin(r, base, other, &o, folds);
            }
            mask_rerank_close(r);
        }
}

/* Without candidates the base's own recalls; the same from the recall code. */
static void no_candidate_is_the_base(void **state)
{
    (void)state;
    mask_error err;
    mask_reranking *r;
    mask_recalls got, want;
    mask_rerank_options o = {.size = sizeof(mask_rerank_options), .top_k = 0};
    static float base[IMAGES * TEXTS], rows[IMAGES * TEXTS];
    make_scores(base, 8, 5);
    for (size_t i = 0; i < IMAGES * TEXTS; i++) rows[i % TEXTS * IMAGES + i / TEXTS] = base[i];
    check_ok(mask_rerank_open(&r, saved("base.npy", base), 10, 1, NULL, &err));
    check_ok(mask_rerank_recalls(&got, r, &o, NULL, &err));
    check_ok(mask_recalls_compute(&want, rows, IMAGES, TEXTS, NULL, 1, NULL, &err));
    assert_memory_equal(&got.t2i, &want.t2i, sizeof got.t2i);
    assert_memory_equal(&got.i2t, &want.i2t, sizeof got.i2t);
    o.top_k = 3;
    check_fails(mask_rerank_recalls(&got, r, &o, NULL, &err), MASK_EINVAL, "add a knowledge or a matrix");
    o.top_k = 11;
    check_fails(mask_rerank_recalls(&got, r, &o, NULL, &err), MASK_EINVAL, "only 10 candidates");
    mask_rerank_close(r);
}

/* What is written ranks as what was counted. */
static void the_saved_matrix_ranks_alike(void **state)
{
    (void)state;
    mask_error err;
    mask_reranking *r;
    mask_recalls got, way;
    mask_rerank_options o = {sizeof o, MASK_RERANK_ZSCORE, 6, 0.5f};
    static float base[IMAGES * TEXTS], other[IMAGES * TEXTS], rows[IMAGES * TEXTS];
    for (int steps = 0; steps <= 4; steps += 4) {
        make_scores(base, 5, steps);
        make_scores(other, 6, steps);
        check_ok(mask_rerank_open(&r, saved("base.npy", base), 6, 1, NULL, &err));
        check_ok(mask_rerank_add_matrix(r, saved("other.npy", other), NULL, &err));
        check_ok(mask_rerank_recalls(&got, r, &o, NULL, &err));
        for (int t2i = 0; t2i < 2; t2i++) {
            mask__npy npy;
            const char *path = temp_path("new.npy");
            check_ok(mask_rerank_save(r, &o, t2i == 1, path, NULL, &err));
            check_ok(mask__npy_open(&npy, path, &err));
            for (size_t i = 0; i < IMAGES * TEXTS; i++)
                mask__npy_floats(&npy, i, 1, &rows[i % TEXTS * IMAGES + i / TEXTS]);
            mask__npy_close(&npy);
            check_ok(mask_recalls_compute(&way, rows, IMAGES, TEXTS, NULL, 1, NULL, &err));
            if (t2i) assert_memory_equal(&got.t2i, &way.t2i, sizeof got.t2i);
            else assert_memory_equal(&got.i2t, &way.i2t, sizeof got.i2t);
        }
        mask_rerank_close(r);
    }
}

/* A knowledge's scores, in blocks or not, are those of mask_matcher_scores. */
static void check_knowledge(const mask_knowledge *k, const mask_vectors *v, const mask_images *images,
                            const mask_texts *texts, const mask_match_options *o, size_t block)
{
    mask_error err;
    mask_reranking *one, *two;
    mask_matcher *m;
    static float scores[TEXTS * IMAGES], base[IMAGES * TEXTS];
    const char *path = temp_path("scores.npy");
    make_scores(base, 77, 0);
    check_ok(match_scores(k, v, images, texts, o, scores, NULL, NULL, &err));
    check_ok(mask_scores_save(path, scores, IMAGES, TEXTS, &err));
    check_ok(mask_rerank_open(&one, saved("base.npy", base), 7, 1, NULL, &err));
    check_ok(mask_rerank_open(&two, saved("base.npy", base), 7, 1, NULL, &err));
    check_ok(mask_rerank_add_matrix(one, path, NULL, &err));
    check_ok(mask_matcher_open(&m, k, v, o, NULL, &err));
    check_ok(mask__rerank_add_blocks(two, m, images, texts, block, NULL, &err));
    mask_matcher_close(m);
    for (int way = 0; way < 2; way++) {
        const mask__candidates *a = way ? &one->t2i : &one->i2t, *b = way ? &two->t2i : &two->i2t;
        for (size_t i = 0; i < a->queries * a->k; i++)
            if (!(fabsf(a->other[i] - b->other[i]) < 1e-4f))
                fail_msg("candidate %zu: %g, not %g", i, b->other[i], a->other[i]);
    }
    mask_rerank_close(one);
    mask_rerank_close(two);
}

static void blocks_score_alike(void **state)
{
    (void)state;
    mask_error err;
    uint64_t random = 5;
    enum { ROWS = WORDS * 6, BACKGROUND = 7 };
    static float vectors[(WORDS + 2) * 4], features[ROWS * DIM], images[IMAGES * REGIONS * DIM];
    static char labels[ROWS][64], lines[TEXTS][32];
    const char *list[TEXTS];
    mask_knowledge *plain, *calibrated;
    mask_texts *texts;
    mask_learn_options o = mask_learn_defaults();
    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) vectors[i] = made_number(&random);
    for (size_t i = 0; i < ROWS * DIM; i++) features[i] = fmaxf(0, made_number(&random) + 0.3f);
    for (size_t i = 0; i < IMAGES * REGIONS * DIM; i++) images[i] = fmaxf(0, made_number(&random) + 0.3f);
    for (size_t r = 0; r < ROWS; r++) snprintf(labels[r], sizeof labels[r], "%s", made_word(r % WORDS));
    for (size_t t = 0; t < TEXTS; t++) { /* one text in seven has no word */
        snprintf(lines[t], sizeof lines[t], "%s %s", t % 7 ? made_word(t % (WORDS + 2)) : "",
                 t % 7 ? made_word(t / 5 % WORDS) : "");
        list[t] = lines[t];
    }
    mask_vectors *v = made_vectors(vectors, WORDS + 2, 4);
    mask_labels *l = made_labels(features, ROWS, DIM, labels, 3);
    mask_images *set = made_images("images.npy", images, IMAGES, REGIONS, DIM);
    mask_images *background = made_images("background.npy", images + 2 * REGIONS * DIM, BACKGROUND, REGIONS, DIM);
    check_ok(mask_texts_create(&texts, list, TEXTS, &err));
    o.whiten_dim = 5;
    o.tokens = MASK_TOKENS_LETTERS;
    check_ok(mask_knowledge_learn(&plain, l, v, &o, NULL, &err));
    check_ok(mask_knowledge_calibrate(&calibrated, plain, v, background, texts, NULL, NULL, &err));
    mask_match_options transductive = mask_match_section9();
    for (size_t block = 1; block <= 16; block += 5) {
        check_knowledge(calibrated, v, set, texts, NULL, block);
        check_knowledge(plain, v, set, texts, NULL, block);
        check_knowledge(plain, v, set, texts, &transductive, block);
    }
    mask_reranking *r;
    static float base[IMAGES * TEXTS];
    make_scores(base, 1, 0);
    check_ok(mask_rerank_open(&r, saved("base.npy", base), 7, 1, NULL, &err));
    mask_matcher *m;
    check_ok(mask_matcher_open(&m, calibrated, v, NULL, NULL, &err));
    check_fails(mask_rerank_add_matcher(r, m, background, texts, NULL, &err), MASK_EMISMATCH, "of this split");
    mask_matcher_close(m);
    mask_rerank_close(r);
    mask_texts_close(texts);
    mask_images_close(set);
    mask_images_close(background);
    mask_labels_close(l);
    mask_vectors_close(v);
    mask_knowledge_close(plain);
    mask_knowledge_close(calibrated);
}

static void half_precision_is_read(void **state)
{
    (void)state;
    mask_error err;
    mask__npy_writer w;
    mask_reranking *r;
    static float base[IMAGES * TEXTS];
    const char *path = temp_path("half.npy");
    make_scores(base, 4, 8);
    check_ok(mask__npy_create(&w, path, MASK__NPY_F16, 2, (size_t[]){IMAGES, TEXTS}, &err));
    check_ok(mask__npy_append(&w, base, IMAGES * TEXTS, &err));
    check_ok(mask__npy_commit(&w, &err));
    check_ok(mask_rerank_open(&r, path, 5, 1, NULL, &err));
    check_ok(mask_rerank_add_matrix(r, saved("same.npy", base), NULL, &err));
    for (size_t i = 0; i < IMAGES; i++)
        for (size_t c = 0; c < r->i2t.count[i]; c++) assert_true(r->i2t.base[i * 5 + c] == r->i2t.other[i * 5 + c]);
    mask_rerank_close(r);
}

static void what_does_not_fit_is_refused(void **state)
{
    (void)state;
    mask_error err;
    mask_reranking *r;
    mask_rerank_options o = {.size = sizeof(mask_rerank_options), .top_k = 2, .alpha = NAN};
    mask_recalls recalls;
    static float base[IMAGES * TEXTS];
    const char pickled[] = "\x93NUMPY\x01\x00\x3e\x00{'descr': '|O', 'fortran_order': False, 'shape': (), }        \n";
    const char *path = temp_path("bad.npy");
    make_scores(base, 2, 0);
    write_file(path, pickled, sizeof pickled - 1);
    check_fails(mask_rerank_open(&r, path, 5, 1, NULL, &err), MASK_EFORMAT, "np.save(");
    assert_null(r);
    made_npy(path, 2, (size_t[]){TEXTS, IMAGES}, base);
    check_fails(mask_rerank_open(&r, path, 5, 1, NULL, &err), MASK_EMISMATCH, "sims.T");
    made_npy(path, 2, (size_t[]){IMAGES, TEXTS - 1}, base);
    check_fails(mask_rerank_open(&r, path, 5, 1, NULL, &err), MASK_EMISMATCH, "five texts");
    made_npy(path, 3, (size_t[]){IMAGES, 5, IMAGES}, base);
    check_fails(mask_rerank_open(&r, path, 5, 1, NULL, &err), MASK_EFORMAT, "matrix of floats");
    check_fails(mask_rerank_open(&r, saved("b.npy", base), 5, 5, NULL, &err), MASK_EINVAL, "5 equal folds");
    check_ok(mask_rerank_open(&r, saved("b.npy", base), 5, 2, NULL, &err));
    made_npy(path, 2, (size_t[]){IMAGES - 2, TEXTS - 10}, base);
    check_fails(mask_rerank_add_matrix(r, path, NULL, &err), MASK_EMISMATCH, "one data set");
    check_ok(mask_rerank_add_matrix(r, saved("b.npy", base), NULL, &err));
    check_fails(mask_rerank_recalls(&recalls, r, &o, NULL, &err), MASK_EINVAL, "alpha");
    check_fails(mask_rerank_save(r, NULL, true, path, NULL, &err), MASK_EINVAL, "only 5 candidates");
    o.alpha = 1;
    check_fails(mask_rerank_save(r, &o, true, path, NULL, &err), MASK_EINVAL, "without folds");
    mask_rerank_close(r);
    base[3 * TEXTS + 7] = INFINITY;
    check_fails(mask_rerank_open(&r, saved("b.npy", base), 5, 1, NULL, &err), MASK_ENUMERIC, "image 3 and text 7");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equals_its_twin),
        cmocka_unit_test(no_candidate_is_the_base),
        cmocka_unit_test(the_saved_matrix_ranks_alike),
        cmocka_unit_test(blocks_score_alike),
        cmocka_unit_test(half_precision_is_read),
        cmocka_unit_test(what_does_not_fit_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
