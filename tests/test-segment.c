/* Segments: every code within its stated error of the exact score, whatever the images are; damage is refused; a budget
 * keeps a prefix; images that are kept keep their scores. */
#include "world.h"
#include "images/images.h"
#include "gallery/build.h"
#include "gallery/budget.h"
#include "match/matcher.h"
#include "math/vector.h"
#include "nn/product.h"

#include <unistd.h>

enum { MOST = 700 };

static world w;

/* ---- Images with any number of regions, none too ---- */

typedef struct ragged {
    struct mask_images base;
    size_t rows[MOST + 1];
    float *features;
} ragged;

static bool ragged_box(const mask_images *images, size_t image, size_t region, float box[4])
{
    (void)images;
    if (image % 3 == 0) return false;
    for (int c = 0; c < 4; c++) box[c] = (float)(image * 100 + region * 4 + (size_t)c);
    return true;
}

static mask_status ragged_block(const mask_images *images, size_t first, size_t count, float *buffer,
                                const float **features, mask_error *err)
{
    const ragged *r = (const ragged *)images;
    (void)count;
    (void)buffer;
    (void)err;
    *features = r->features + r->rows[first] * WORLD_M;
    return MASK_OK;
}

static const mask__images_source ragged_source = {.bytes = sizeof(ragged), .box = ragged_box, .block = ragged_block};

/* Image i has i % 5 + least regions; some regions are zero, some images are copies of the one before. */
static ragged *make_ragged(size_t count, size_t least)
{
    mask_error err;
    mask_images *made;
    check_ok(mask__images_new(&made, &ragged_source, "ragged", &err));
    ragged *r = (ragged *)made;
    made->regions = calloc(count, sizeof *made->regions);
    for (size_t i = 0; i < count; i++) {
        char id[24];
        int length = snprintf(id, sizeof id, "picture-%zu", i);
        check_ok(mask__names_add(&made->ids, id, (size_t)length, &err));
        made->regions[i] = (uint32_t)(i % 5 + least);
        r->rows[i + 1] = r->rows[i] + made->regions[i];
    }
    made->count = made->rows = count;
    made->dim = WORLD_M;
    r->features = world_features(&w, r->rows[count] + 1);
    for (size_t row = 0; row < r->rows[count]; row += 11)
        memset(r->features + row * WORLD_M, 0, WORLD_M * sizeof(float));
    for (size_t i = 5; i < count; i += 10) /* the same number of regions five images before */
        memcpy(r->features + r->rows[i] * WORLD_M, r->features + r->rows[i - 5] * WORLD_M,
               (r->rows[i + 1] - r->rows[i]) * WORLD_M * sizeof(float));
    return r;
}

static void free_ragged(ragged *r)
{
    free(r->features);
    mask_images_close(&r->base);
}

/* ---- Checks ---- */

static void build(mask__segment *out, const mask__calibration *s, const mask__segment_source *source, size_t budget,
                  const char *name)
{
    mask_error err;
    char path[256];
    snprintf(path, sizeof path, "%s", temp_path(name));
    mask__column_times times = {0};
    check_ok(mask__segment_build(path, s, source, budget, &times, NULL, &err));
    assert_true(times.gflop_gemm > 0);
    check_ok(mask__segment_open(out, path, MASK__VERIFY_DATA, &err));
}

static void check_code(mask__steps steps, uint8_t code, float slack, float exact, const char *what)
{
    float error = fabsf(exact - (steps.low + (float)code * steps.step));
    if (!(error <= steps.step / 2 + slack)) fail_msg("%s: %g is %g off, step %g", what, exact, error, steps.step);
}

static void check_vector(const float *x, const int8_t *codes, float step, size_t z)
{
    for (size_t d = 0; d < z; d++) assert_true(fabsf(x[d] - (float)codes[d] * step) <= 0.501f * step);
}

/* An image's vectors; those of the image before, of the other `which`, stay. */
static mask__image_vectors vectors_of(const mask__segment *s, size_t image, int which)
{
    static float scratch[2][4096];
    assert_true(mask__segment_scratch(s, 1) <= 4096);
    return mask__segment_image(s, image, scratch[which]);
}

/* Everything a segment says of its images against exact scores of what it keeps. */
static void check_segment(const mask__segment *s, const mask__calibration *calibration, bool statistics)
{
    mask_error err;
    size_t terms = calibration->known.count + calibration->others.count, z = s->z, stride = mask__segment_stride(s);
    float *c = malloc(terms * sizeof *c), *pooled = malloc(terms * sizeof *pooled), hub, deviation;
    assert_int_equal(s->words, calibration->known.count);
    assert_int_equal(s->terms, terms);
    assert_int_equal(z, calibration->z);
    for (size_t i = 0; i < s->images; i++) {
        mask__image_vectors x = vectors_of(s, i, 0);
        const float *mu = x.mu, *whole = x.whole, *scene = x.scene;
        size_t regions = x.regions, block = i / MASK__BLOCK;
        mask__calibration_exact(calibration, &calibration->known, NULL, s->words, mu, regions, whole, scene, c, pooled,
                                NULL);
        mask__calibration_exact(calibration, &calibration->others, NULL, calibration->others.count, mu, regions, whole,
                                scene, c + s->words, NULL, NULL);
        for (size_t k = 0; k < terms; k++) {
            check_code(s->score_steps[k * s->blocks + block], s->score_codes[k * stride + i], s->score_slack[k], c[k],
                       "score");
            if (k < s->words)
                check_code(s->pooled_steps[k * s->blocks + block], s->pooled_codes[k * stride + i], s->pooled_slack,
                           pooled[k], "pooled");
        }
        if (whole) check_vector(whole, s->whole_codes + i * z, s->whole_steps[i], z);
        if (scene) check_vector(scene, s->scene_codes + i * z, s->scene_steps[i], z);
        if (!statistics) continue;
        float *t_scores = malloc((calibration->texts.count + 1) * sizeof *t_scores);
        mask__text_means(&calibration->texts, c, 1, t_scores, 1);
        check_ok(mask__calibration_image_statistics(calibration, t_scores, 1, &hub, &deviation, &err));
        free(t_scores);
        assert_true(fabsf(hub - s->image_hub[i]) <= 1e-4f * (1 + fabsf(hub)));
        assert_true(fabsf(deviation - s->image_deviation[i]) <= 1e-4f * deviation);
    }
    for (size_t k = 0; k < s->words; k++)
        for (size_t i = s->images; i < stride; i++)
            assert_true(s->score_codes[k * stride + i] == 0 && s->pooled_codes[k * stride + i] == 0);
    for (size_t k = 0; statistics && k < s->words; k++) /* not loose: far below what a step can tell apart */
        for (size_t b = 0; b < s->blocks && s->score_steps[k * s->blocks + b].step > 1e-3f; b++)
            assert_true(s->score_slack[k] < s->score_steps[k * s->blocks + b].step / 4);
    free(c);
    free(pooled);
}

static bool can_bf16(void)
{
    mask__product *product;
    mask_error err;
    bool can = mask__product_make(&product, 1, &err) == MASK_OK;
    mask__product_free(product);
    return can;
}

static mask__segment_source all_of(const ragged *r)
{
    return (mask__segment_source){.images = &r->base, .count = r->base.count, .type = MASK__F32};
}

static void test_codes_are_within_their_error(void **state)
{
    (void)state;
    mask_error err;
    static const size_t counts[] = {1, 255, 256, 257, 520};
    const mask_match_options base = mask_match_defaults(w.knowledge);
    mask_match_options variants[] = {base, base, base, base, base, base, mask_match_plain(), mask_match_section9()};
    variants[1].top = 50;
    variants[2].pool = MASK_POOL_MEAN;
    variants[3].scene = variants[3].context = 0;
    variants[4].scene = 0;
    variants[5].context = 0;
    for (size_t v = 0; v < sizeof variants / sizeof *variants; v++) {
        mask__calibration s;
        mask__segment segment;
        ragged *r = make_ragged(v == 0 ? 520 : counts[v % 4], 0); /* every fifth image has no region */
        mask__segment_source source = all_of(r);
        check_ok(mask__calibration_open(&s, w.knowledge, &variants[v], MASK_WHOLE_MEAN, NULL, &err));
        build(&segment, &s, &source, 0, "codes.segment");
        check_segment(&segment, &s, true);
        assert_int_equal(segment.images, r->base.count);
        assert_memory_equal(segment.image_rows, r->rows, (r->base.count + 1) * sizeof *r->rows);
        assert_int_equal(segment.whole == NULL, variants[v].context == 0 && variants[v].scene > 0);
        mask__segment_close(&segment);
        mask__calibration_close(&s);
        free_ragged(r);
    }
    static const mask__dtype types[] = {MASK__F32, MASK__F16, MASK__U8};
    for (size_t n = 0; n < 3 * (sizeof counts / sizeof *counts); n++) {
        mask__calibration s;
        mask__segment segment;
        ragged *r = make_ragged(counts[n / 3], 3);
        mask__segment_source source = all_of(r);
        source.type = types[n % 3];
        source.bf16 = n % 2 && can_bf16();
        check_ok(mask__calibration_open(&s, w.knowledge, &base, 2, NULL, &err));
        build(&segment, &s, &source, 0, "codes.segment");
        check_segment(&segment, &s, !source.bf16);
        if (source.bf16) assert_true(segment.pooled_slack > 1e-4f && segment.pooled_slack < 0x1p-7f);
        assert_int_equal(segment.type, source.type);
        assert_int_equal(segment.pack.version, n % 3 + 1);
        for (size_t i = 0; i < segment.images; i++) {
            mask__image_vectors x = vectors_of(&segment, i, 0);
            float least = source.type == MASK__F16 ? 0x1p-11f : 1e-6f;
            for (size_t d = 0; d < s.z; d++) /* the whole image is region 2 */
                assert_true(fabsf(x.whole[d] - x.mu[2 * s.z + d]) < least);
            for (size_t row = 0; row < x.regions; row++) {
                float norm = mask__norm(x.mu + row * s.z, s.z);
                assert_true(norm == 0 || fabsf(norm - 1) < least);
            }
        }
        mask__segment_close(&segment);
        mask__calibration_close(&s);
        free_ragged(r);
    }
}

static void test_boxes_and_region_numbers(void **state)
{
    (void)state;
    mask_error err;
    mask__calibration s;
    mask__segment segment;
    mask_match_options o = mask_match_defaults(w.knowledge);
    ragged *r = make_ragged(20, 4);
    mask__segment_source source = all_of(r);
    check_ok(mask__calibration_open(&s, w.knowledge, &o, 0, NULL, &err));
    for (size_t budget = 0; budget < 4; budget += 3) {
        build(&segment, &s, &source, budget, "boxes.segment");
        for (size_t i = 0; i < 20; i++)
            for (uint64_t row = segment.image_rows[i]; row < segment.image_rows[i + 1]; row++) {
                float box[4];
                uint32_t region = segment.region_of_row[row];
                assert_true(region < mask_images_regions(&r->base, i));
                if (ragged_box(&r->base, i, region, box)) assert_memory_equal(segment.boxes + row * 4, box, sizeof box);
                else assert_true(isnan(segment.boxes[row * 4]));
                if (budget && row == segment.image_rows[i]) assert_int_equal(region, 0); /* the whole image */
            }
        mask__segment_close(&segment);
    }
    mask__calibration_close(&s);
    free_ragged(r);
}

/* What the order of budget.h earns, brute force. */
static double worth(const mask__calibration *s, const float *mu, const uint32_t *regions, size_t count)
{
    double sum = 0;
    const mask__background *b = &w.knowledge->background;
    for (size_t k = 0; k < s->known.count; k++) {
        size_t length;
        const char *word = mask__strings_get(&w.knowledge->words, k, &length);
        uint32_t at = mask__strings_find(&b->words, word, length);
        double best = 0;
        if (at == MASK__NOT_FOUND) continue;
        for (size_t r = 0; r < count; r++) {
            double x = mask__dot(mu + regions[r] * s->z, s->known.prototypes + k * s->z, s->z);
            x = (x - s->known.pooled[k].mean) * s->known.pooled[k].scale;
            if (x > best) best = x;
        }
        sum += (double)b->word_texts[at] * best;
    }
    return sum;
}

static void test_a_budget_keeps_a_prefix_of_the_greedy_order(void **state)
{
    (void)state;
    mask_error err;
    mask_match_options o = mask_match_defaults(w.knowledge);
    enum { IMAGES = 30, MAX = 7 };
    for (int whole = MASK_WHOLE_MEAN; whole <= 2; whole += 3) {
        mask__calibration s;
        mask__segment plain, full, cut;
        ragged *r = make_ragged(IMAGES, 3);
        mask__segment_source source = all_of(r);
        check_ok(mask__calibration_open(&s, w.knowledge, &o, whole, NULL, &err));
        build(&plain, &s, &source, 0, "plain.segment");
        build(&full, &s, &source, MAX, "full.segment");
        for (size_t budget = 1; budget <= MAX; budget++) {
            build(&cut, &s, &source, budget, "cut.segment");
            check_segment(&cut, &s, false);
            for (size_t i = 0; i < IMAGES; i++) {
                const float *mu = vectors_of(&plain, i, 0).mu, *shorter = vectors_of(&cut, i, 1).mu;
                size_t regions = plain.image_rows[i + 1] - plain.image_rows[i],
                       kept = cut.image_rows[i + 1] - cut.image_rows[i];
                const uint32_t *order = cut.region_of_row + cut.image_rows[i];
                assert_int_equal(kept, regions < budget ? regions : budget);
                assert_memory_equal(order, full.region_of_row + full.image_rows[i], kept * sizeof *order);
                for (size_t n = 0; n < kept; n++)
                    assert_memory_equal(shorter + n * s.z, mu + order[n] * s.z, s.z * sizeof(float));
                if (whole >= 0) assert_int_equal(order[0], whole);
                for (size_t n = whole >= 0; n < kept; n++) { /* no other region would have added more */
                    uint32_t other[MAX];
                    memcpy(other, order, n * sizeof *other);
                    double got = worth(&s, mu, order, n + 1);
                    for (uint32_t c = 0; c < regions; c++) {
                        other[n] = c;
                        assert_true(worth(&s, mu, other, n + 1) <= got * (1 + 1e-5) + 1e-5);
                    }
                }
            }
            /* statistics and vectors are of all regions */
            assert_memory_equal(cut.scenes, plain.scenes, IMAGES * s.z * sizeof(float));
            mask__segment_close(&cut);
        }
        mask__segment_close(&full);
        mask__segment_close(&plain);
        mask__calibration_close(&s);
        free_ragged(r);
    }
}

static void check_kept_images(mask__dtype first, mask__dtype second, mask__dtype both)
{
    mask_error err;
    mask__calibration s;
    mask__segment parts[2], joined;
    mask_match_options o = mask_match_defaults(w.knowledge);
    enum { EACH = 300 };
    ragged *r[2] = {make_ragged(EACH, 2), make_ragged(EACH, 1)};
    mask__kept_image kept[2 * EACH];
    size_t count = 0;
    check_ok(mask__calibration_open(&s, w.knowledge, &o, MASK_WHOLE_MEAN, NULL, &err));
    for (int p = 0; p < 2; p++) {
        mask__segment_source source = all_of(r[p]);
        source.type = p ? second : first;
        build(&parts[p], &s, &source, 3, p ? "b.segment" : "a.segment");
        for (size_t i = 0; i < EACH; i++)
            if (i % 7) kept[count++] = (mask__kept_image){&parts[p], i};
    }
    for (size_t budget = 3; budget > 1; budget--) {
        mask__segment_source source = {.kept = kept, .count = count};
        build(&joined, &s, &source, budget, "joined.segment");
        check_segment(&joined, &s, false);
        assert_int_equal(joined.type, both);
        for (size_t n = 0; n < count; n++) {
            const mask__segment *old = kept[n].segment;
            size_t i = kept[n].image, rows = joined.image_rows[n + 1] - joined.image_rows[n], z = s.z;
            size_t had = old->image_rows[i + 1] - old->image_rows[i];
            assert_int_equal(rows, had < budget ? had : budget);
            mask__image_vectors now = vectors_of(&joined, n, 0), before = vectors_of(old, i, 1);
            assert_memory_equal(now.mu, before.mu, rows * z * 4);
            assert_memory_equal(joined.region_of_row + joined.image_rows[n], old->region_of_row + old->image_rows[i],
                                rows * 4);
            assert_memory_equal(joined.boxes + joined.image_rows[n] * 4, old->boxes + old->image_rows[i] * 4,
                                rows * 16);
            assert_memory_equal(now.scene, before.scene, z * 4);
            assert_memory_equal(now.whole, before.whole, z * 4);
            assert_true(joined.image_hub[n] == old->image_hub[i] &&
                        joined.image_deviation[n] == old->image_deviation[i]);
        }
        mask__segment_close(&joined);
    }
    mask_match_options other = o;
    mask__calibration bare;
    other.scene = 0;
    check_ok(mask__calibration_open(&bare, w.knowledge, &other, MASK_WHOLE_MEAN, NULL, &err));
    mask__segment_source source = {.kept = kept, .count = count};
    check_fails(mask__segment_build(temp_path("x.segment"), &bare, &source, 0, NULL, NULL, &err), MASK_EMISMATCH,
                "other options");
    mask__calibration_close(&bare);
    for (int p = 0; p < 2; p++) {
        mask__segment_close(&parts[p]);
        free_ragged(r[p]);
    }
    mask__calibration_close(&s);
}

static void test_kept_images_keep_their_bits(void **state)
{
    (void)state;
    check_kept_images(MASK__F32, MASK__F16, MASK__F32); /* where they differ they become float */
    check_kept_images(MASK__U8, MASK__F16, MASK__F32);
    check_kept_images(MASK__F16, MASK__F16, MASK__F16);
    check_kept_images(MASK__U8, MASK__U8, MASK__U8);
}

static void test_some_images_and_any_threads(void **state)
{
    (void)state;
    mask_error err;
    mask__calibration s;
    mask__segment all, some;
    mask_match_options o = mask_match_defaults(w.knowledge);
    enum { IMAGES = 600, SOME = 100 };
    ragged *r = make_ragged(IMAGES, 1);
    size_t which[SOME];
    mask__segment_source source = all_of(r);
    check_ok(mask__calibration_open(&s, w.knowledge, &o, MASK_WHOLE_MEAN, NULL, &err));
    build(&all, &s, &source, 0, "all.segment");
    for (size_t i = 0; i < SOME; i++) which[i] = i < 50 ? i + 3 : IMAGES - i * 4 + 90;
    mask__segment_source picked = {.images = &r->base, .which = which, .count = SOME, .type = MASK__F32};
    build(&some, &s, &picked, 0, "some.segment");
    check_segment(&some, &s, true);
    for (size_t i = 0; i < SOME; i++) {
        size_t rows = some.image_rows[i + 1] - some.image_rows[i], at = all.image_rows[which[i]];
        assert_int_equal(rows, mask_images_regions(&r->base, which[i]));
        const float *x = some.mu, *y = all.mu;
        for (size_t v = 0; v < rows * s.z; v++)
            assert_true(fabsf(x[some.image_rows[i] * s.z + v] - y[at * s.z + v]) < 1e-5f);
    }
    mask__segment_close(&some);
    mask__segment_close(&all);
    char path[256];
    void *bytes[3];
    size_t sizes[3];
    for (int threads = 1; threads <= 3; threads++) {
        mask_run run = {.threads = threads};
        snprintf(path, sizeof path, "%s", temp_path("threads.segment"));
        check_ok(mask__segment_build(path, &s, &source, 2, NULL, &run, &err));
        bytes[threads - 1] = read_whole(path, &sizes[threads - 1]);
        assert_int_equal(sizes[threads - 1], sizes[0]);
        assert_memory_equal(bytes[threads - 1], bytes[0], sizes[0]);
    }
    for (int i = 0; i < 3; i++) free(bytes[i]);
    mask__calibration_close(&s);
    free_ragged(r);
}

static int stop(void *user, const char *what, const char *unit, uint64_t done, uint64_t total)
{
    (void)user;
    (void)what;
    (void)unit;
    (void)done;
    (void)total;
    return 1;
}

static void test_what_cannot_be_indexed_is_refused(void **state)
{
    (void)state;
    mask_error err;
    mask__calibration s;
    mask_match_options o = mask_match_defaults(w.knowledge);
    ragged *r = make_ragged(300, 1);
    mask__segment_source source = all_of(r), none = source;
    mask_run run = {.progress = stop};
    char path[256];
    snprintf(path, sizeof path, "%s", temp_path("refused.segment"));
    check_ok(mask__calibration_open(&s, w.knowledge, &o, MASK_WHOLE_MEAN, NULL, &err));
    none.count = 0;
    check_fails(mask__segment_build(path, &s, &none, 0, NULL, NULL, &err), MASK_EINVAL, "at least 1 image");
    check_fails(mask__segment_build(path, &s, &source, 0, NULL, &run, &err), MASK_ECANCELLED, "");
    r->features[r->rows[299] * WORLD_M] = NAN;
    check_fails(mask__segment_build(path, &s, &source, 0, NULL, NULL, &err), MASK_ENUMERIC, "picture-299");
    r->features[r->rows[41] * WORLD_M] = INFINITY; /* the earlier one is told */
    check_fails(mask__segment_build(path, &s, &source, 0, NULL, NULL, &err), MASK_ENUMERIC, "picture-41");
    r->base.dim++;
    check_fails(mask__segment_build(path, &s, &source, 0, NULL, NULL, &err), MASK_EMISMATCH, "dimensions");
    r->base.dim--;
    mask__calibration_close(&s);
    check_ok(mask__calibration_open(&s, w.knowledge, &o, 1, NULL, &err));
    check_fails(mask__segment_build(path, &s, &source, 0, NULL, NULL, &err), MASK_EMISMATCH, "picture-0 has 1 regions");
    mask__calibration_close(&s);
    assert_int_equal(access(path, F_OK), -1);
    free_ragged(r);
}

static void test_damage_is_refused(void **state)
{
    (void)state;
    mask_error err;
    mask__calibration s;
    mask__segment segment;
    mask_match_options o = mask_match_defaults(w.knowledge);
    ragged *r = make_ragged(3, 2);
    mask__segment_source source = all_of(r);
    char path[256];
    size_t size, covered = 64;
    snprintf(path, sizeof path, "%s", temp_path("damaged.segment"));
    check_ok(mask__calibration_open(&s, w.knowledge, &o, MASK_WHOLE_MEAN, NULL, &err));
    check_ok(mask__segment_build(path, &s, &source, 0, NULL, NULL, &err));
    unsigned char *bytes = read_whole(path, &size);
    bool *counts = calloc(size, sizeof *counts); /* bytes that are not padding */
    check_ok(mask__segment_open(&segment, path, MASK__VERIFY_DATA, &err));
    for (size_t t = 0; t < segment.pack.count; t++) {
        memset(counts + segment.pack.tensors[t].offset, 1, segment.pack.tensors[t].bytes);
        covered = segment.pack.tensors[t].offset + segment.pack.tensors[t].bytes;
    }
    memset(counts, 1, 64);
    memset(counts + (covered + 63) / 64 * 64, 1, size - (covered + 63) / 64 * 64);
    mask__segment_close(&segment);
    for (size_t at = 0; at < size; at += at < 64 || at > covered ? 1 : 31) {
        if (!counts[at]) continue;
        bytes[at] ^= 0x10;
        write_file(path, bytes, size);
        bytes[at] ^= 0x10;
        if (mask__segment_open(&segment, path, MASK__VERIFY_DATA, &err) == MASK_OK)
            fail_msg("byte %zu is not checked", at);
        assert_null(segment.pack.tensors);
    }
    for (size_t length = 0; length < size; length += 509) {
        write_file(path, bytes, length);
        check_fails(mask__segment_open(&segment, path, MASK__VERIFY_TABLE, &err), MASK_EFORMAT, "byte");
    }
    free(counts);
    free(bytes);
    mask__calibration_close(&s);
    free_ragged(r);
}

/* A file of this container with these tensors but for one changed: lies that checksums do not see. */
typedef struct lie {
    const char *name; /* the tensor that is changed */
    enum { LEAVE_OUT, CUT, RETYPE, FALL } how;
    const char *part; /* of the message */
} lie;

static void rewrite(const mask__segment *s, const char *path, const lie *l)
{
    mask_error err;
    mask__pack_writer *writer;
    check_ok(mask__pack_create(&writer, path, "MASKSEGM", 1, &err));
    for (size_t t = 0; t < s->pack.count; t++) {
        const mask__tensor *from = &s->pack.tensors[t];
        uint64_t shape[MASK__DIMS];
        mask__dtype dtype = from->dtype;
        bool changed = !strcmp(from->name, l->name);
        memcpy(shape, from->shape, sizeof shape);
        void *copy = malloc(from->bytes + 1);
        memcpy(copy, from->data, from->bytes);
        if (changed && l->how == CUT) shape[0]--;
        if (changed && l->how == RETYPE)
            dtype = dtype == MASK__U32 ? MASK__I32 : dtype == MASK__F32 ? MASK__U32 : MASK__F32;
        if (changed && l->how == RETYPE && dtype == MASK__F32) shape[from->ndim - 1] /= from->dtype == MASK__U8 ? 4 : 1;
        if (changed && l->how == FALL) ((uint64_t *)copy)[1] = 1u << 30;
        if (!changed || l->how != LEAVE_OUT)
            check_ok(mask__pack_add(writer, from->name, dtype, from->ndim, shape, copy, &err));
        free(copy);
    }
    check_ok(mask__pack_commit(writer, MASK_OK, &err));
}

static void test_lies_are_refused(void **state)
{
    (void)state;
    mask_error err;
    mask__calibration s;
    mask__segment segment, bad;
    mask_match_options o = mask_match_defaults(w.knowledge);
    ragged *r = make_ragged(5, 2);
    mask__segment_source source = all_of(r);
    char path[256];
    static const char *const names[] = {"image_rows",   "mu",           "region_of_row",  "scores.codes",
                                        "scores.steps", "scores.slack", "pooled.codes",   "pooled.steps",
                                        "pooled.slack", "whole.codes",  "whole.steps",    "scenes.codes",
                                        "scenes.steps", "image_hub",    "image_deviation"};
    check_ok(mask__calibration_open(&s, w.knowledge, &o, MASK_WHOLE_MEAN, NULL, &err));
    build(&segment, &s, &source, 0, "honest.segment");
    snprintf(path, sizeof path, "%s", temp_path("lie.segment"));
    for (size_t n = 0; n < sizeof names / sizeof *names; n++)
        for (int how = LEAVE_OUT; how <= CUT; how++) {
            lie l = {names[n], how, "segment"};
            rewrite(&segment, path, &l);
            check_fails(mask__segment_open(&bad, path, MASK__VERIFY_DATA, &err), MASK_EFORMAT, "lie.segment");
        }
    rewrite(&segment, path, &(lie){"boxes", CUT, ""});
    check_fails(mask__segment_open(&bad, path, MASK__VERIFY_DATA, &err), MASK_EFORMAT, "boxes");
    rewrite(&segment, path, &(lie){"image_rows", FALL, ""});
    check_fails(mask__segment_open(&bad, path, MASK__VERIFY_DATA, &err), MASK_EFORMAT, "does not divide");
    rewrite(&segment, path, &(lie){"region_of_row", RETYPE, ""});
    check_fails(mask__segment_open(&bad, path, MASK__VERIFY_DATA, &err), MASK_EFORMAT, "another type");
    rewrite(&segment, path, &(lie){"mu", RETYPE, ""});
    check_fails(mask__segment_open(&bad, path, MASK__VERIFY_DATA, &err), MASK_EFORMAT, "another type");
    mask__segment_close(&segment);
    mask__calibration_close(&s);
    free_ragged(r);
}

static void test_capacity_is_whole_blocks(void **state)
{
    (void)state;
    mask_error err;
    mask__calibration s;
    mask_match_options o = mask_match_defaults(w.knowledge);
    check_ok(mask__calibration_open(&s, w.knowledge, &o, MASK_WHOLE_MEAN, NULL, &err));
    size_t capacity = mask__segment_capacity(&s);
    assert_true(capacity >= MASK__BLOCK && capacity % MASK__BLOCK == 0);
    s.known.count = 12385;
    s.z = 512;
    assert_true(mask__segment_capacity(&s) * 2 * 12385 < 450000000 && mask__segment_capacity(&s) > 10000);
    s.known.count = 100000000;
    assert_int_equal(mask__segment_capacity(&s), MASK__BLOCK);
    mask__calibration_close(&s);
}

static int set_up(void **state)
{
    (void)state;
    world_make(&w);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    world_free(&w);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_codes_are_within_their_error),
        cmocka_unit_test(test_boxes_and_region_numbers),
        cmocka_unit_test(test_a_budget_keeps_a_prefix_of_the_greedy_order),
        cmocka_unit_test(test_kept_images_keep_their_bits),
        cmocka_unit_test(test_some_images_and_any_threads),
        cmocka_unit_test(test_what_cannot_be_indexed_is_refused),
        cmocka_unit_test(test_damage_is_refused),
        cmocka_unit_test(test_lies_are_refused),
        cmocka_unit_test(test_capacity_is_whole_blocks),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
