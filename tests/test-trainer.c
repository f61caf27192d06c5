/* Training on tiny data: it learns, it repeats, it continues bit for bit from any step, and it refuses what is broken.
 */
#include "base/pack.h"
#include "learn/batches.h"
#include "learn/trainer.h"
#include "made.h"

#include <unistd.h>

enum { M = 10, N = 6, Z = 8, KEPT = 7, WORDS = 5, ROWS = 60, EPOCHS = 3, IMAGES = ROWS / 4 };

typedef struct world {
    mask_labels *labels;
    size_t pairs_at[ROWS + 1];
    uint32_t pairs[2 * ROWS];
    float features[ROWS * M], unit_words[WORDS * N];
    mask__lesson lesson;
} world;

/* Region r shows word r % WORDS: its features lean towards that word's direction. */
static void make_features(float *features, uint64_t seed)
{
    uint64_t random = seed;
    for (size_t r = 0; r < ROWS; r++)
        for (size_t d = 0; d < M; d++)
            features[r * M + d] = fmaxf(0, 0.4f * made_number(&random) + (d % WORDS == r % WORDS ? 1.0f : 0.2f));
}

static world *make_world(uint64_t seed)
{
    world *w = calloc(1, sizeof *w);
    uint64_t random = seed + 1;
    char labels[ROWS][64];
    make_features(w->features, seed);
    for (size_t r = 0; r < ROWS; r++) snprintf(labels[r], sizeof labels[r], "%s", made_word(r % WORDS));
    w->labels = made_labels(w->features, ROWS, M, labels, 4);
    for (size_t r = 0, p = 0; r < ROWS; r++) {
        w->pairs[p++] = (uint32_t)(r % WORDS);
        if (r % 3 == 0) w->pairs[p++] = r % 2 ? MASK__NOT_FOUND : (uint32_t)((r + 1) % WORDS);
        w->pairs_at[r + 1] = p;
    }
    for (size_t k = 0; k < WORDS; k++) {
        float squares = 0;
        for (size_t d = 0; d < N; d++) w->unit_words[k * N + d] = made_number(&random);
        for (size_t d = 0; d < N; d++) squares += w->unit_words[k * N + d] * w->unit_words[k * N + d];
        for (size_t d = 0; d < N; d++) w->unit_words[k * N + d] /= sqrtf(squares);
    }
    w->lesson = (mask__lesson){.labels = w->labels,
                               .pairs_at = w->pairs_at,
                               .pairs = w->pairs,
                               .unit_words = w->unit_words,
                               .words = WORDS,
                               .vector_dim = N,
                               .whiten_dim = KEPT,
                               .power = 1,
                               .whiten_shrink = 0.5f};
    return w;
}

static void free_world(world *w)
{
    mask_labels_close(w->labels);
    free(w);
}

static mask_train_options small_options(void)
{
    mask_train_options o = mask_train_defaults();
    o.dim = Z;
    o.epochs = EPOCHS;
    o.batch = 14; /* three images of four */
    o.rate = 0.01f;
    return o;
}

/* Stops training at the given call of its progress. */
typedef struct stopper {
    int calls, at;
} stopper;

static int count_steps(void *user, const char *what, const char *unit, uint64_t done, uint64_t total)
{
    stopper *s = user;
    (void)unit, (void)done, (void)total;
    return strcmp(what, "training") == 0 && s->calls++ == s->at;
}

typedef struct trained {
    mask__representation encoder;
    mask__arena arena;
} trained;

static mask_status train(trained *out, const world *w, const mask_train_options *o, uint64_t seed, stopper *s,
                         mask_error *err)
{
    mask_run run = {.threads = 1, .seed = seed, .progress = s ? count_steps : NULL, .user = s};
    out->arena = (mask__arena){0};
    mask_status status = mask__train(&out->encoder, &w->lesson, o, &out->arena, &run, err);
    if (status != MASK_OK) mask__arena_free(&out->arena);
    return status;
}

static void trained_free(trained *t)
{
    mask__representation_close(&t->encoder);
    mask__arena_free(&t->arena);
}

static void assert_same(const trained *a, const trained *b)
{
    assert_int_equal(a->encoder.pae.size, b->encoder.pae.size);
    assert_memory_equal(a->encoder.pae.parameters, b->encoder.pae.parameters, a->encoder.pae.size * sizeof(float));
    if (a->encoder.whitening.projection)
        assert_memory_equal(a->encoder.whitening.projection, b->encoder.whitening.projection, M * KEPT * sizeof(float));
}

static int count_lines(const char *path)
{
    size_t size;
    char *text = read_whole(path, &size);
    int lines = 0;
    for (size_t i = 0; i < size; i++) lines += text[i] == '\n';
    free(text);
    return lines;
}

static void losses_fall_with(bool bf16)
{
    mask_error err;
    trained t;
    size_t size;
    double first = 0, sum = 0;
    char path[256];
    world *w = make_world(1);
    mask_train_options o = small_options();
    snprintf(path, sizeof path, "%s", temp_path("metrics.jsonl"));
    o.epochs = 30;
    o.metrics = path;
    o.bf16 = bf16;
    mask_status status = train(&t, w, &o, 0, NULL, &err);
    if (bf16 && status == MASK_EINVAL) {
        free_world(w);
        skip_because("%s", err.message);
    }
    if (status != MASK_OK) fail_msg("%s", err.message);
    char *text = read_whole(path, &size);
    assert_int_equal(count_lines(path), 30 * 5);
    size_t steps = 0;
    for (char *at = text; (at = strstr(at, "\"total\":")); at++, steps++) {
        double total = strtod(at + strlen("\"total\":"), NULL);
        if (steps < 5) first += total;
        if (steps >= 29 * 5) sum += total;
    }
    assert_true(sum < 0.8 * first);
    free(text);
    trained_free(&t);
    free_world(w);
}

static void losses_fall(void **state)
{
    (void)state;
    losses_fall_with(false);
}

static void losses_fall_in_bfloat16(void **state)
{
    (void)state;
    losses_fall_with(true);
}

static void same_seed_same_bits(void **state)
{
    mask_error err;
    trained a, b, c;
    world *w = make_world(2);
    for (int whiten = 0; whiten < 2; whiten++) {
        mask_train_options o = small_options();
        o.whiten = o.start_whiten = whiten;
        check_ok(train(&a, w, &o, 5, NULL, &err));
        check_ok(train(&b, w, &o, 5, NULL, &err));
        check_ok(train(&c, w, &o, 6, NULL, &err));
        assert_same(&a, &b);
        assert_memory_not_equal(a.encoder.pae.parameters, c.encoder.pae.parameters, a.encoder.pae.size * sizeof(float));
        trained_free(&a);
        trained_free(&b);
        trained_free(&c);
    }
    free_world(w);
    (void)state;
}

static void resumes_at_every_step(void **state)
{
    mask_error err;
    trained whole, part;
    char checkpoint[256], metrics[256];
    world *w = make_world(3);
    mask_train_options o = small_options();
    snprintf(checkpoint, sizeof checkpoint, "%s", temp_path("every.ckpt"));
    snprintf(metrics, sizeof metrics, "%s", temp_path("every.jsonl"));
    o.halve_batch_at = 0.4f; /* two epochs of smaller batches */
    o.warmup = 3;
    o.clip = 1;
    stopper all = {.at = -1};
    check_ok(train(&whole, w, &o, 9, &all, &err));
    o.checkpoint = checkpoint;
    o.metrics = metrics;
    assert_true(all.calls > 5 * EPOCHS);
    for (int k = 0; k < all.calls; k++) {
        stopper s = {.at = k};
        o.resume = false;
        check_fails(train(&part, w, &o, 9, &s, &err), MASK_ECANCELLED, "to be continued");
        o.resume = true;
        stopper rest = {.at = -1};
        check_ok(train(&part, w, &o, 9, &rest, &err));
        assert_int_equal(k + rest.calls, all.calls);
        assert_int_equal(count_lines(metrics), all.calls);
        assert_same(&whole, &part);
        trained_free(&part);
    }
    check_ok(train(&part, w, &o, 9, NULL, &err)); /* from the end */
    assert_same(&whole, &part);
    trained_free(&part);
    trained_free(&whole);
    free_world(w);
    (void)state;
}

/* A checkpoint in the middle of a run, and options that continue it. */
static mask_train_options stopped_run(const world *w, const char *path)
{
    mask_error err;
    trained t;
    mask_train_options o = small_options();
    stopper s = {.at = 4};
    o.checkpoint = path;
    check_fails(train(&t, w, &o, 0, &s, &err), MASK_ECANCELLED, path);
    o.resume = true;
    return o;
}

static void broken_checkpoints_are_refused(void **state)
{
    mask_error err;
    trained t;
    char path[256];
    size_t size;
    world *w = make_world(4);
    snprintf(path, sizeof path, "%s", temp_path("broken.ckpt"));
    mask_train_options o = stopped_run(w, path);
    unsigned char *bytes = read_whole(path, &size);
    for (size_t cut = 0; cut < size; cut += cut < 200 || cut + 200 > size ? 1 : 97) {
        write_file(path, bytes, cut);
        check_fails(train(&t, w, &o, 0, NULL, &err), MASK_EFORMAT, path);
    }
    for (size_t at = 0; at < size; at += 701) {
        bytes[at] ^= 0x10;
        write_file(path, bytes, size);
        bytes[at] ^= 0x10;
        mask_status status = train(&t, w, &o, 0, NULL, &err); /* the gaps between tensors hold nothing */
        if (status == MASK_OK) trained_free(&t);
        else assert_int_equal(status, MASK_EFORMAT);
        write_file(path, bytes, size); /* a run that was accepted has written its own */
    }
    mask__pack_writer *writer;
    check_ok(mask__pack_create(&writer, path, "MASKCKPT", 3, &err));
    check_ok(mask__pack_commit(writer, MASK_OK, &err));
    check_fails(train(&t, w, &o, 0, NULL, &err), MASK_EFORMAT, "version 3");
    write_file(path, bytes, size);
    check_ok(train(&t, w, &o, 0, NULL, &err)); /* it was good */
    trained_free(&t);
    free(bytes);
    free_world(w);
    (void)state;
}

static void other_runs_are_refused(void **state)
{
    mask_error err;
    trained t;
    char path[256];
    world *w = make_world(5);
    snprintf(path, sizeof path, "%s", temp_path("other.ckpt"));
    const mask_train_options good = stopped_run(w, path);
    mask_train_options o;
#define REFUSED(change, part)                                                                                          \
    o = good;                                                                                                          \
    change;                                                                                                            \
    check_fails(train(&t, w, &o, 0, NULL, &err), MASK_EMISMATCH, part)
    REFUSED(o.rate = 0.02f, "rate 0.01, now it is 0.02");
    REFUSED(o.epochs++, "epochs");
    REFUSED(o.batch--, "batch");
    REFUSED(o.lambda_cl = 0, "lambda_cl");
    REFUSED(o.whiten = o.start_whiten = false, "whiten whiten, now it is raw");
    REFUSED(o.start_whiten = false, "start_whiten");
    REFUSED(o.centre_words = false, "centre_words");
    REFUSED(o.dim *= 2, "dim");
    REFUSED(o.mtm_attention = 1, "mtm_attention");
    o = good;
    check_fails(train(&t, w, &o, 1, NULL, &err), MASK_EMISMATCH, "seed");
    w->pairs[0] = 1;
    check_fails(train(&t, w, &o, 0, NULL, &err), MASK_EMISMATCH, "other regions, labels or word vectors");
    w->pairs[0] = 0;
    world *other = make_world(50); /* as many regions, other features and vectors */
    check_fails(train(&t, other, &o, 0, NULL, &err), MASK_EMISMATCH, "other regions, labels or word vectors");
    check_ok(train(&t, w, &o, 0, NULL, &err));
    trained_free(&t);
    free_world(other);
    free_world(w);
    (void)state;
}

static void bad_options_are_refused(void **state)
{
    mask_error err;
    trained t;
    world *w = make_world(6);
    const mask_train_options good = small_options();
    mask_train_options o;
#define INVALID(change, part)                                                                                          \
    o = good;                                                                                                          \
    change;                                                                                                            \
    check_fails(train(&t, w, &o, 0, NULL, &err), MASK_EINVAL, part)
    INVALID(o.epochs = 0, "epochs");
    INVALID(o.batch = 1, "batch");
    INVALID(o.rate = NAN, "rate");
    INVALID(o.clip = -1, "clip");
    INVALID(o.lambda_cm = -1, "lambda_cm");
    INVALID(o.temperature = 0, "temperature");
    INVALID(o.halve_batch_at = 2, "halve");
    INVALID(o.checkpoint_minutes = -1, "minutes");
    INVALID(o.pae_attention = 0, "layers");
    INVALID(o.whiten = false, "whitened");
    INVALID(o.dim = 0, "dim 0");
    free_world(w);
    (void)state;
}

static void features_must_be_finite(void **state)
{
    mask_error err;
    trained t;
    char labels[ROWS][64];
    world *w = make_world(7);
    mask_train_options o = small_options();
    for (size_t r = 0; r < ROWS; r++) snprintf(labels[r], sizeof labels[r], "a");
    w->features[33 * M + 2] = NAN;
    mask_labels_close(w->labels);
    w->lesson.labels = w->labels = made_labels(w->features, ROWS, M, labels, 4);
    for (int whiten = 0; whiten < 2; whiten++) {
        o.whiten = o.start_whiten = whiten;
        check_fails(train(&t, w, &o, 0, NULL, &err), MASK_ENUMERIC, "row 33");
    }
    free_world(w);
    (void)state;
}

static void divergence_is_seen(void **state)
{
    mask_error err;
    trained t;
    char path[256];
    world *w = make_world(8);
    mask_train_options o = small_options();
    snprintf(path, sizeof path, "%s", temp_path("diverged.ckpt"));
    o.rate = 1e9f;
    o.schedule = MASK_SCHEDULE_CONSTANT;
    check_fails(train(&t, w, &o, 0, NULL, &err), MASK_ENUMERIC, "diverged");
    o.checkpoint = path;
    o.checkpoint_minutes = 1e-9f; /* before every step */
    check_fails(train(&t, w, &o, 0, NULL, &err), MASK_ENUMERIC, path);
    mask__pack pack;
    const mask__tensor *parameters, *counters;
    check_ok(mask__pack_open(&pack, path, "MASKCKPT", 2, MASK__VERIFY_DATA, &err));
    check_ok(mask__pack_get(&pack, "parameters", MASK__F32, 1, (uint64_t[]){0}, &parameters, &err));
    check_ok(mask__pack_get(&pack, "counters", MASK__U64, 1, (uint64_t[]){0}, &counters, &err));
    assert_int_equal(((const uint64_t *)counters->data)[2], 0); /* the only good state was that before the first step */
    for (size_t i = 0; i < parameters->shape[0]; i++) assert_true(fabsf(((const float *)parameters->data)[i]) < 5);
    mask__pack_close(&pack);
    free_world(w);
    (void)state;
}

/* Every image once an epoch, in another order each; batches within their size. */
static void batches_cover_the_images(void **state)
{
    mask_error err;
    mask__batches b;
    uint32_t orders[2][IMAGES];
    world *w = make_world(9);
    check_ok(mask__batches_open(&b, &w->lesson, 14, 3, &err));
    for (size_t epoch = 0; epoch < 2; epoch++) {
        float features[16 * M];
        int seen[IMAGES] = {0};
        mask__batches_seek(&b, epoch, 0);
        memcpy(orders[epoch], b.order, sizeof orders[epoch]);
        while (mask__batches_next(&b, 14)) {
            size_t labels = 0;
            assert_true(b.rows <= 14 && b.rows >= 4);
            check_ok(mask__batches_features(&b, features, &err));
            for (size_t i = 0; i < b.count; i++) {
                size_t image = b.order[b.at - b.count + i];
                seen[image]++;
                assert_memory_equal(features + b.offsets[i] * M, w->features + image * 4 * M, 4 * M * sizeof(float));
                for (size_t p = w->pairs_at[4 * image]; p < w->pairs_at[4 * image + 4]; p++)
                    if (w->pairs[p] != MASK__NOT_FOUND) assert_int_equal(b.pairs[labels++].word, w->pairs[p]);
            }
            assert_int_equal(labels, b.pair_count);
        }
        for (size_t i = 0; i < IMAGES; i++) assert_int_equal(seen[i], 1);
    }
    assert_memory_not_equal(orders[0], orders[1], sizeof orders[0]);
    mask__batches_close(&b);
    free_world(w);
    (void)state;
}

/* The knowledge around it: prototypes are means (or one) of mu as image by image encoding gives it; the file keeps all.
 */
static void knowledge_with_a_trained_encoder(mask_prototype prototype, bool whiten)
{
    mask_error err;
    char labels[ROWS][64], path[256];
    float word_vectors[WORDS * N], mu[ROWS * Z], again[4 * Z];
    uint64_t random = 77;
    mask_knowledge *k, *opened;
    world *w = make_world(10);
    mask_learn_options o = mask_learn_defaults();
    mask_run run = {.threads = 1, .seed = 4};
    for (size_t i = 0; i < WORDS * N; i++) word_vectors[i] = made_number(&random);
    for (size_t r = 0; r < ROWS; r++) snprintf(labels[r], sizeof labels[r], "%s", made_word(r % WORDS));
    mask_vectors *vectors = made_vectors(word_vectors, WORDS, N);
    mask_images *images = made_images("same.npy", w->features, IMAGES, 4, M);
    o.representation = MASK_REPRESENTATION_MASK;
    o.tokens = MASK_TOKENS_LETTERS;
    o.whiten_dim = KEPT;
    o.prototype_shrink = 0;
    o.prototype = prototype;
    mask_train_options train = small_options();
    train.whiten = train.start_whiten = whiten;
    o.train = &train;
    check_ok(mask_knowledge_learn(&k, w->labels, vectors, &o, &run, &err));
    for (size_t i = 0; i < IMAGES; i++) check_ok(mask_knowledge_encode(k, images, i, mu + i * 4 * Z, &err));
    for (size_t word = 0; word < WORDS; word++) {
        const float *v = mask_knowledge_prototype(k, word);
        size_t first = (size_t)(mask_knowledge_word(k, word, NULL)[2] - 'a'), hits = 0;
        double mean[Z] = {0};
        for (size_t r = first; r < ROWS; r += WORDS) {
            double difference = 0;
            for (size_t d = 0; d < Z; d++) {
                mean[d] += mu[r * Z + d] * WORDS / ROWS;
                difference = fmax(difference, fabs(mu[r * Z + d] - v[d]));
            }
            hits += difference < 1e-5;
        }
        if (prototype == MASK_PROTOTYPE_RANDOM) assert_true(hits >= 1);
        else
            for (size_t d = 0; d < Z; d++) assert_float_equal(v[d], mean[d], 1e-5);
    }
    snprintf(path, sizeof path, "%s", temp_path("trained.mask"));
    check_ok(mask_knowledge_save(k, path, &err));
    mask_knowledge_close(k);
    check_ok(mask_knowledge_open(&opened, path, NULL, &err));
    mask_knowledge_info info;
    mask_knowledge_describe(opened, &info);
    assert_int_equal(info.learned.representation, MASK_REPRESENTATION_MASK);
    assert_int_equal(info.feature_dim, M);
    assert_int_equal(info.dim, Z);
    check_ok(mask_knowledge_encode(opened, images, 3, again, &err));
    assert_memory_equal(again, mu + 3 * 4 * Z, sizeof again);
    mask_texts *texts; /* calibrating copies the encoder */
    check_ok(mask_texts_create(&texts, (const char *[]){made_word(0)}, 1, &err));
    check_ok(mask_knowledge_calibrate(&k, opened, vectors, images, texts, NULL, &run, &err));
    mask_knowledge_close(opened);
    check_ok(mask_knowledge_encode(k, images, 3, again, &err));
    assert_memory_equal(again, mu + 3 * 4 * Z, sizeof again);
    mask_knowledge_close(k);
    mask_texts_close(texts);
    mask_images_close(images);
    mask_vectors_close(vectors);
    free_world(w);
}

static void knowledge_of_means(void **state)
{
    knowledge_with_a_trained_encoder(MASK_PROTOTYPE_MEAN, true);
    knowledge_with_a_trained_encoder(MASK_PROTOTYPE_MEAN, false);
    (void)state;
}

static void knowledge_of_random_regions(void **state)
{
    knowledge_with_a_trained_encoder(MASK_PROTOTYPE_RANDOM, true);
    (void)state;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(losses_fall),
        cmocka_unit_test(losses_fall_in_bfloat16),
        cmocka_unit_test(same_seed_same_bits),
        cmocka_unit_test(resumes_at_every_step),
        cmocka_unit_test(broken_checkpoints_are_refused),
        cmocka_unit_test(other_runs_are_refused),
        cmocka_unit_test(bad_options_are_refused),
        cmocka_unit_test(features_must_be_finite),
        cmocka_unit_test(divergence_is_seen),
        cmocka_unit_test(batches_cover_the_images),
        cmocka_unit_test(knowledge_of_means),
        cmocka_unit_test(knowledge_of_random_regions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
