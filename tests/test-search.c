/* Searching against brute force: thousands of random galleries, made in memory by a naive twin of the build, and random queries.
 * Ids and scores must equal those of scoring every image, bit for bit; those must equal the matcher's. */
#include "made.h"
#include "gallery/gallery.h"
#include "gallery/hits.h"
#include "gallery/plan.h"
#include "gallery/scan.h"
#include "match/matcher.h"
#include "math/vector.h"

#include <pthread.h>

enum { M = 10, N = 7, WORDS = 14, VECTORS = 22, BACKGROUND = 12, REGIONS = 5, T = 9 };

/* ---- A knowledge, calibrated; words 14 to 21 have vectors only ---- */

typedef struct world {
    mask_vectors *vectors;
    mask_labels *labels;
    mask_knowledge *plain, *knowledge;
} world;

static mask_texts *make_texts(uint64_t *random)
{
    mask_error err;
    mask_texts *out;
    char lines[T][64];
    const char *list[T];
    for (size_t t = 0; t < T; t++) {
        size_t length = 0;
        for (size_t i = 0; i <= t % 4; i++)
            length += (size_t)snprintf(lines[t] + length, sizeof lines[t] - length, "%s ",
                                       made_word((size_t)((made_number(random) + 1) / 2 * VECTORS)));
        list[t] = lines[t];
    }
    check_ok(mask_texts_create(&out, list, T, &err));
    return out;
}

static void make_world(world *w, uint64_t seed)
{
    mask_error err;
    uint64_t random = seed;
    enum { ROWS = WORDS * 5 };
    static float features[ROWS * M], background[BACKGROUND * REGIONS * M], word_vectors[VECTORS * N];
    static char labels[ROWS][64];
    mask_learn_options o = MASK_LEARN_DEFAULTS;
    for (size_t i = 0; i < VECTORS * N; i++) word_vectors[i] = made_number(&random);
    for (size_t i = 0; i < ROWS * M; i++) features[i] = fmaxf(0, made_number(&random) + 0.3f);
    for (size_t r = 0; r < ROWS; r++)
        snprintf(labels[r], sizeof labels[r], "%s %s", made_word(r % WORDS), made_word(r * 5 % WORDS));
    for (size_t i = 0; i < BACKGROUND * REGIONS * M; i++) background[i] = fmaxf(0, made_number(&random) + 0.3f);
    w->vectors = made_vectors(word_vectors, VECTORS, N);
    w->labels = made_labels(features, ROWS, M, labels, 4);
    mask_images *images = made_images("background.npy", background, BACKGROUND, REGIONS, M);
    mask_texts *texts = make_texts(&random);
    o.tokens = MASK_TOKENS_LETTERS;
    o.min_count = 1;
    o.whiten_dim = 7;
    check_ok(mask_knowledge_learn(&w->plain, w->labels, w->vectors, &o, NULL, &err));
    check_ok(mask_knowledge_calibrate(&w->knowledge, w->plain, w->vectors, images, texts, NULL, NULL, &err));
    mask_images_close(images);
    mask_texts_close(texts);
}

static void free_world(world *w)
{
    mask_knowledge_close(w->plain);
    mask_knowledge_close(w->knowledge);
    mask_labels_close(w->labels);
    mask_vectors_close(w->vectors);
}

/* ---- A gallery in memory ---- */

typedef struct made_gallery {
    mask_gallery g;
    mask__arena arena;
    size_t images; /* of all segments, removed ones too */
    uint64_t *rows;
    float *mu;      /* of all segments in a row */
} made_gallery;

static void *room(made_gallery *m, size_t count, size_t size)
{
    void *out = mask__arena_alloc(&m->arena, count, size);
    assert_non_null(out);
    return out;
}

static float uniform(uint64_t *random)
{
    return (made_number(random) + 1) / 2;
}

static size_t below(uint64_t *random, size_t n)
{
    size_t x = (size_t)(uniform(random) * (float)n);
    return x < n ? x : n - 1;
}

/* Rows of 8-bit codes of values, a block at a time. */
static void quantise(const float *values, size_t stride, size_t images, size_t words, uint8_t *codes, mask__steps *steps)
{
    size_t blocks = stride / MASK__BLOCK;
    for (size_t w = 0; w < words; w++)
        for (size_t b = 0; b < blocks; b++) {
            const float *x = values + w * images + b * MASK__BLOCK;
            size_t n = images - b * MASK__BLOCK < MASK__BLOCK ? images - b * MASK__BLOCK : MASK__BLOCK;
            float low = x[0], high = x[0];
            for (size_t i = 0; i < n; i++) {
                low = fminf(low, x[i]);
                high = fmaxf(high, x[i]);
            }
            float step = (high - low) / 255;
            steps[w * blocks + b] = (mask__steps){low, step};
            for (size_t i = 0; i < n; i++)
                codes[w * stride + b * MASK__BLOCK + i] = (uint8_t)(step > 0 ? lrintf(fminf(255, (x[i] - low) / step)) : 0);
        }
}

static const int8_t *quantise_vectors(made_gallery *m, const float *values, size_t images, size_t z, const float **steps)
{
    int8_t *codes = room(m, images * z, 1);
    float *step = room(m, images, sizeof *step);
    for (size_t i = 0; i < images; i++) {
        for (size_t d = 0; d < z; d++) step[i] = fmaxf(step[i], fabsf(values[i * z + d]) / 127);
        for (size_t d = 0; d < z; d++) codes[i * z + d] = (int8_t)(step[i] > 0 ? lrintf(values[i * z + d] / step[i]) : 0);
    }
    *steps = step;
    return codes;
}

/* Whole-image and scene vectors of a segment. */
static void summarise(made_gallery *m, mask__segment *s)
{
    mask_error err;
    const mask__scorer *scorer = &m->g.scorer;
    size_t z = s->z;
    int region = scorer->options.whole_region;
    float *mean = room(m, s->images * z, sizeof *mean), *whole = room(m, s->images * z, sizeof *whole);
    for (size_t i = 0; i < s->images; i++) {
        size_t regions = s->image_rows[i + 1] - s->image_rows[i];
        for (size_t r = 0; r < regions; r++)
            mask__axpy(1 / (float)regions, s->mu + (s->image_rows[i] + r) * z, mean + i * z, z);
        memcpy(whole + i * z, region >= 0 ? s->mu + (s->image_rows[i] + (size_t)region) * z : mean + i * z, z * sizeof *whole);
        mask__normalise(whole + i * z, z);
    }
    s->whole = whole;
    s->whole_codes = quantise_vectors(m, whole, s->images, z, &s->whole_steps);
    if (scorer->options.scene > 0) {
        float *scenes = room(m, s->images * z, sizeof *scenes);
        check_ok(mask__scorer_scenes(scorer, mean, region >= 0 ? whole : NULL, s->images, scenes, &err));
        s->scenes = scenes;
        s->scene_codes = quantise_vectors(m, scenes, s->images, z, &s->scene_steps);
    }
}

static void make_columns(made_gallery *m, mask__segment *s)
{
    mask_error err;
    const mask__scorer *scorer = &m->g.scorer;
    size_t k = scorer->known.count, all = k + scorer->others.count, n = s->images, stride = mask__segment_stride(s);
    float *c = room(m, all * n, sizeof *c), *a = room(m, all * n, sizeof *a), one[2];
    float *hub = room(m, n, sizeof *hub), *deviation = room(m, n, sizeof *deviation), *slack = room(m, k, sizeof *slack);
    for (size_t i = 0; i < n; i++)
        for (uint32_t w = 0; w < all; w++) {
            mask__scorer_exact(scorer, w < k ? &scorer->known : &scorer->others, &(uint32_t){w < k ? w : w - (uint32_t)k}, 1,
                               s->mu + s->image_rows[i] * s->z, s->image_rows[i + 1] - s->image_rows[i],
                               s->whole + i * s->z, s->scenes ? s->scenes + i * s->z : NULL, one, one + 1, NULL);
            c[w * n + i] = one[0];
            a[w * n + i] = one[1];
        }
    check_ok(mask__scorer_image_statistics(scorer, c, n, hub, deviation, &err));
    s->image_hub = hub;
    s->image_deviation = deviation;
    uint8_t *codes = room(m, k * stride, 1), *pooled = room(m, k * stride, 1);
    mask__steps *steps = room(m, k * s->blocks, sizeof *steps), *pooled_steps = room(m, k * s->blocks, sizeof *steps);
    quantise(c, stride, n, k, codes, steps);
    quantise(a, stride, n, k, pooled, pooled_steps);
    for (size_t w = 0; w < k; w++) slack[w] = 1e-5f * (1 + fabsf(scorer->known.pooled[w].scale));
    s->score_codes = codes;
    s->score_steps = steps;
    s->score_slack = slack;
    s->pooled_codes = pooled;
    s->pooled_steps = pooled_steps;
    s->pooled_slack = 1e-5f;
}

/* Regions of an image: random directions, at times those of an image before, at times zero. */
static void make_regions(made_gallery *m, size_t image, size_t least, uint64_t *random)
{
    size_t z = m->g.scorer.z, copy = image && below(random, 5) == 0 ? below(random, image) : image;
    size_t regions = copy < image ? m->rows[copy + 1] - m->rows[copy] : least + below(random, 5);
    m->rows[image + 1] = m->rows[image] + regions;
    float *mu = m->mu + m->rows[image] * z;
    bool zero = below(random, 30) == 0;
    for (size_t r = 0; r < regions; r++) {
        for (size_t d = 0; d < z; d++)
            mu[r * z + d] = copy < image ? m->mu[(m->rows[copy] + r) * z + d] : zero ? 0 : made_number(random);
        if (copy == image) mask__normalise(mu + r * z, z);
    }
}

static void make_gallery(made_gallery *m, const world *w, const mask_match_options *o, size_t segments, size_t most,
                         uint64_t *random)
{
    mask_error err;
    int whole = o->whole_region >= 0 ? o->whole_region : MASK_WHOLE_MEAN;
    *m = (made_gallery){.g = {.path = "made", .knowledge = w->knowledge}};
    check_ok(mask__scorer_open(&m->g.scorer, w->knowledge, o, whole, NULL, &err));
    m->g.options = m->g.scorer.options;
    size_t z = m->g.scorer.z, all = segments * most;
    m->rows = room(m, all + 1, sizeof *m->rows);
    m->mu = room(m, all * 8 * z, sizeof *m->mu);
    m->g.segments = room(m, segments, sizeof *m->g.segments);
    m->g.snapshot.segments = room(m, segments, sizeof *m->g.snapshot.segments);
    m->g.snapshot.segment_count = segments;
    for (size_t s = 0; s < segments; s++) {
        mask__segment *segment = &m->g.segments[s];
        mask__snapshot_segment *names = &m->g.snapshot.segments[s];
        size_t n = 1 + below(random, most);
        *segment = (mask__segment){.images = n, .blocks = (n + MASK__BLOCK - 1) / MASK__BLOCK, .words = WORDS, .z = z};
        *names = (mask__snapshot_segment){.images = n,
                                          .alive = room(m, n / 64 + 1, sizeof(uint64_t)),
                                          .ids = room(m, n, sizeof(char *)),
                                          .names = room(m, n, sizeof(char *))};
        uint64_t *rows = room(m, n + 1, sizeof *rows);
        for (size_t i = 0; i < n; i++) {
            make_regions(m, m->images + i, 1, random);
            rows[i + 1] = m->rows[m->images + i + 1] - m->rows[m->images];
            names->ids[i] = room(m, 24, 1);
            snprintf(names->ids[i], 24, "%zu-%zu", below(random, 50), m->images + i);
            if (below(random, 6) > 0) {
                names->alive[i / 64] |= UINT64_C(1) << i % 64;
                names->alive_count++;
            }
        }
        m->g.snapshot.images += names->alive_count;
        segment->image_rows = rows;
        segment->mu = m->mu + m->rows[m->images] * z;
        m->images += n;
        summarise(m, segment);
        make_columns(m, segment);
    }
    check_ok(mask__searcher_open(&m->g, &err));
}

static void free_gallery(made_gallery *m)
{
    mask__searcher_close(&m->g);
    mask__scorer_close(&m->g.scorer);
    mask__arena_free(&m->arena);
}

/* ---- Queries and their brute force ---- */

enum { MOST_TEXTS = 3 };

typedef struct made_query {
    mask_query q;
    mask_query_text texts[MOST_TEXTS];
    char lines[MOST_TEXTS][64];
    const char *ids[64];
} made_query;

/* kind 0: any words; 1: known ones; 2: OOD ones. */
static void make_query(made_query *out, const made_gallery *m, uint64_t *random)
{
    static const float weights[] = {1, 1, 1, -1, 0.5f, -2.5f, 0};
    *out = (made_query){.q = MASK_QUERY_DEFAULTS};
    size_t kind = below(random, 3);
    out->q.count = 1 + (below(random, 3) == 0 ? below(random, MOST_TEXTS) : 0);
    for (size_t t = 0; t < out->q.count; t++) {
        size_t words = 1 + below(random, 4), length = 0;
        for (size_t i = 0; i < words; i++) {
            size_t w = kind == 1 ? below(random, WORDS) : kind == 2 ? WORDS + below(random, VECTORS - WORDS) : below(random, VECTORS);
            length += (size_t)snprintf(out->lines[t] + length, 64 - length, "%s ", made_word(w));
        }
        out->texts[t] = (mask_query_text){out->lines[t], weights[below(random, sizeof weights / sizeof *weights)]};
    }
    out->q.texts = out->texts;
    out->q.k = 1 + below(random, below(random, 4) == 0 ? 400 : 6);
    if (below(random, 3) == 0) out->q.offset = below(random, 8);
    if (below(random, 4) == 0) out->q.min_score = 2 * made_number(random);
    if (below(random, 5) == 0) {
        out->q.ids = out->ids;
        out->q.id_count = below(random, 8);
        for (size_t i = 0; i < out->q.id_count; i++) {
            const mask__snapshot_segment *s = &m->g.snapshot.segments[below(random, m->g.snapshot.segment_count)];
            out->ids[i] = below(random, 5) ? s->ids[below(random, s->images)] : "nobody";
        }
    }
}

static bool passes(const made_query *q, const mask__snapshot_segment *s, size_t image)
{
    if (!(s->alive[image / 64] >> image % 64 & 1)) return false;
    bool listed = !q->q.ids;
    for (size_t i = 0; i < q->q.id_count; i++) listed = listed || strcmp(q->ids[i], s->ids[image]) == 0;
    return listed;
}

static int compare(const void *a, const void *b)
{
    const mask__scored *x = a, *y = b;
    if (x->score != y->score) return x->score < y->score ? 1 : -1;
    return strcmp(x->id, y->id);
}

/* Every image by the plan's score, sorted; on the way every bound is held against it. */
static mask__scored *brute_force(made_gallery *m, const world *w, const made_query *q, size_t *count, size_t *searched)
{
    mask_error err;
    mask__plan plan;
    mask__arena readings = {0};
    float c[64], upper[MASK__BLOCK], lower[MASK__BLOCK];
    mask__scored *out = room(m, m->images, sizeof *out);
    *count = *searched = 0;
    check_ok(mask__plan_open(&plan, &m->g, w->vectors, &q->q, &readings, &err));
    check_ok(mask__plan_lock(&plan, &err));
    for (size_t s = 0; s < m->g.snapshot.segment_count; s++)
        for (size_t i = 0; i < m->g.segments[s].images; i++) {
            double score = mask__plan_score(&plan, s, i, c);
            if (i % MASK__BLOCK == 0) mask__plan_bounds(&plan, s, i / MASK__BLOCK, upper, lower);
            assert_true((double)upper[i % MASK__BLOCK] >= score && (double)lower[i % MASK__BLOCK] <= score);
            assert_true((double)mask__plan_block_bound(&plan, s, i / MASK__BLOCK) >= score);
            if (!passes(q, &m->g.snapshot.segments[s], i)) continue;
            ++*searched;
            if (score >= (double)q->q.min_score)
                out[(*count)++] = (mask__scored){score, (uint32_t)s, (uint32_t)i, m->g.snapshot.segments[s].ids[i]};
        }
    mask__plan_unlock(&plan);
    mask__plan_close(&plan);
    mask__arena_free(&readings);
    qsort(out, *count, sizeof *out, compare);
    return out;
}

static void check_search(made_gallery *m, const world *w, const made_query *q, const mask__scored *best, size_t count,
                         size_t searched)
{
    mask_error err;
    mask_results r;
    check_ok(mask_gallery_search(&m->g, w->vectors, &q->q, &r, NULL, &err));
    size_t left = count > q->q.offset ? count - q->q.offset : 0;
    assert_int_equal(r.count, left < q->q.k ? left : q->q.k);
    assert_int_equal(r.searched, searched);
    assert_true(r.rescored <= searched);
    for (size_t i = 0; i < r.count; i++) {
        const mask__scored *want = &best[q->q.offset + i];
        assert_string_equal(r.hits[i].id, want->id);
        assert_memory_equal(&r.hits[i].score, &want->score, sizeof(double));
        for (size_t p = 0; p < r.hits[i].word_count; p++)
            assert_true(r.readings[r.hits[i].words[p].text].words[r.hits[i].words[p].word].weight >= 0);
    }
    mask_results_free(&r);
}

/* The plan's scores are those of the matcher. */
static void check_matcher(made_gallery *m, const world *w, const made_query *q, const mask__scored *best, size_t count)
{
    mask_error err;
    mask__matcher matcher;
    mask__regions regions = {.image_rows = m->rows, .mu = m->mu, .count = m->images, .dim = m->g.scorer.z};
    float *scores = room(m, MOST_TEXTS * m->images, sizeof *scores);
    check_ok(mask__matcher_open(&matcher, w->knowledge, w->vectors, &m->g.options, &err));
    for (size_t t = 0; t < q->q.count; t++) check_ok(mask__matcher_add(&matcher, q->texts[t].text, &err));
    check_ok(mask__matcher_run_regions(&matcher, &regions, m->g.options.whole_region, scores, NULL, &err));
    for (size_t i = 0; i < count; i++) {
        size_t image = best[i].image;
        double score = 0, size = 1;
        for (size_t s = 0; s < best[i].segment; s++) image += m->g.segments[s].images;
        for (size_t t = 0; t < q->q.count; t++) {
            if (matcher.lexicon.text_at[t] == matcher.lexicon.text_at[t + 1]) continue; /* says nothing: counts nothing */
            score += (double)q->texts[t].weight * (double)scores[t * m->images + image];
            size += fabs((double)q->texts[t].weight * (double)scores[t * m->images + image]);
        }
        if (fabs(score - best[i].score) > 1e-5 * size) fail_msg("%s: %.9g, the matcher says %.9g", best[i].id, best[i].score, score);
    }
    mask__matcher_close(&matcher);
}

/* Queries that hold no usable word (OOD words where they are off) must say so. */
static bool usable(const made_gallery *m, const made_query *q)
{
    for (size_t t = 0; t < q->q.count; t++)
        for (size_t w = 0; w < WORDS; w++)
            if (m->g.options.ood != MASK_OOD_OFF || strstr(q->lines[t], made_word(w))) return true;
    return false;
}

static void run_galleries(const world *w, const mask_match_options *o, size_t galleries, size_t queries, size_t most,
                          uint64_t *random)
{
    for (size_t g = 0; g < galleries; g++) {
        made_gallery m;
        make_gallery(&m, w, o, 1 + below(random, 3), most, random);
        for (size_t i = 0; i < queries; i++) {
            made_query q;
            mask_error err;
            mask_results r;
            size_t count, searched;
            make_query(&q, &m, random);
            if (!usable(&m, &q)) {
                check_fails(mask_gallery_search(&m.g, w->vectors, &q.q, &r, NULL, &err), MASK_ENOTFOUND, "no word");
                continue;
            }
            mask__scored *best = brute_force(&m, w, &q, &count, &searched);
            check_search(&m, w, &q, best, count, searched);
            check_search(&m, w, &q, best, count, searched); /* with what the first one learned of OOD words */
            if (i == 0) check_matcher(&m, w, &q, best, count);
        }
        free_gallery(&m);
    }
}

static void test_equals_brute_force(void **state)
{
    (void)state;
    uint64_t random = 7;
    world w;
    make_world(&w, 3);
    mask_match_options full = mask_match_defaults(w.knowledge), o[9];
    full.ood_neighbours = 6;
    for (size_t i = 0; i < 9; i++) o[i] = full;
    o[1].top = 1;
    o[2].pool = MASK_POOL_MEAN;
    o[3].calibrate = MASK_CALIBRATE_TEXT;
    o[4].calibrate = MASK_CALIBRATE_ZSCORE;
    o[5] = mask_match_defaults(w.plain);
    o[6].ood = MASK_OOD_OFF;
    o[7].ood = MASK_OOD_PROCRUSTES;
    o[8].whole_region = 0;
    o[8].ood_weight = 0;
    for (size_t i = 0; i < 9; i++) {
        run_galleries(&w, &o[i], 200, 5, 12, &random);
        run_galleries(&w, &o[i], 2, 8, 700, &random);
    }
    free_world(&w);
}

/* ---- Similar images ---- */

static void check_similar(made_gallery *m, const made_query *q, size_t segment, size_t image)
{
    mask_error err;
    mask_results r;
    mask__scored *best = room(m, m->images, sizeof *best);
    const mask__snapshot *snapshot = &m->g.snapshot;
    const char *id = snapshot->segments[segment].ids[image];
    size_t count = 0, z = m->g.scorer.z;
    bool scenes = m->g.segments[segment].scenes != NULL;
    const float *v = (scenes ? m->g.segments[segment].scenes : m->g.segments[segment].whole) + image * z;
    if (!(snapshot->segments[segment].alive[image / 64] >> image % 64 & 1)) {
        check_fails(mask_gallery_similar(&m->g, id, &q->q, &r, NULL, &err), MASK_ENOTFOUND, "has no image");
        return;
    }
    for (size_t s = 0; s < snapshot->segment_count; s++)
        for (size_t i = 0; i < m->g.segments[s].images; i++) {
            const float *other = (scenes ? m->g.segments[s].scenes : m->g.segments[s].whole) + i * z;
            double score = (double)mask__dot(other, v, z);
            if (passes(q, &snapshot->segments[s], i) && (s != segment || i != image) && score >= (double)q->q.min_score)
                best[count++] = (mask__scored){score, (uint32_t)s, (uint32_t)i, snapshot->segments[s].ids[i]};
        }
    qsort(best, count, sizeof *best, compare);
    check_ok(mask_gallery_similar(&m->g, id, &q->q, &r, NULL, &err));
    size_t left = count > q->q.offset ? count - q->q.offset : 0;
    assert_int_equal(r.count, left < q->q.k ? left : q->q.k);
    for (size_t i = 0; i < r.count; i++) {
        assert_string_equal(r.hits[i].id, best[q->q.offset + i].id);
        assert_memory_equal(&r.hits[i].score, &best[q->q.offset + i].score, sizeof(double));
    }
    mask_results_free(&r);
}

static void test_similar(void **state)
{
    (void)state;
    uint64_t random = 11;
    world w;
    make_world(&w, 4);
    mask_match_options o[2] = {mask_match_defaults(w.knowledge), mask_match_defaults(w.plain)};
    for (size_t g = 0; g < 300; g++) {
        made_gallery m;
        made_query q;
        make_gallery(&m, &w, &o[g % 2], 1 + below(&random, 3), g % 100 < 98 ? 12 : 700, &random);
        for (size_t i = 0; i < 4; i++) {
            size_t s = below(&random, m.g.snapshot.segment_count);
            make_query(&q, &m, &random);
            check_similar(&m, &q, s, below(&random, m.g.segments[s].images));
        }
        free_gallery(&m);
    }
    free_world(&w);
}

/* ---- Many at once ---- */

enum { QUERIES = 24, THREADS = 4, ROUNDS = 6 };

typedef struct crowd {
    made_gallery *m;
    const world *w;
    made_query queries[QUERIES];
    mask_results alone[QUERIES];
    bool same;
} crowd;

static bool same_results(const mask_results *a, const mask_results *b)
{
    bool same = a->count == b->count;
    for (size_t i = 0; same && i < a->count; i++)
        same = strcmp(a->hits[i].id, b->hits[i].id) == 0 && a->hits[i].score == b->hits[i].score &&
               a->hits[i].word_count == b->hits[i].word_count;
    return same;
}

static void *search_in_crowd(void *context)
{
    crowd *c = context;
    bool same = true;
    for (size_t i = 0; i < ROUNDS * QUERIES; i++) {
        mask_results r;
        mask_error err;
        size_t q = i * 7 % QUERIES;
        if (mask_gallery_search(&c->m->g, c->w->vectors, &c->queries[q].q, &r, &(mask_run){.threads = 1}, &err) != MASK_OK) {
            same = false;
            continue;
        }
        same = same && same_results(&r, &c->alone[q]);
        mask_results_free(&r);
    }
    if (!same) __atomic_store_n(&c->same, false, __ATOMIC_RELAXED);
    return NULL;
}

/* Threads on one handle, which start without any word looked up, and a batch get what one thread gets on another handle;
 * words come and go, since few are kept. */
static void test_threads(void **state)
{
    (void)state;
    uint64_t random = 21, again = 21;
    world w;
    make_world(&w, 5);
    mask_match_options o = mask_match_defaults(w.knowledge);
    made_gallery one, many;
    crowd c = {.m = &many, .w = &w, .same = true};
    mask_error err;
    mask_query queries[QUERIES];
    mask_results batch[QUERIES];
    make_gallery(&one, &w, &o, 2, 500, &random);
    make_gallery(&many, &w, &o, 2, 500, &again);
    many.g.searcher->word_limit = 2;
    for (size_t q = 0; q < QUERIES; q++) {
        make_query(&c.queries[q], &one, &random);
        queries[q] = c.queries[q].q;
        check_ok(mask_gallery_search(&one.g, w.vectors, &queries[q], &c.alone[q], NULL, &err));
    }
    pthread_t threads[THREADS];
    for (size_t t = 0; t < THREADS; t++) assert_int_equal(pthread_create(&threads[t], NULL, search_in_crowd, &c), 0);
    for (size_t t = 0; t < THREADS; t++) pthread_join(threads[t], NULL);
    assert_true(c.same);
    for (int used = 1; used <= 3; used++) {
        check_ok(mask_gallery_search_batch(&many.g, w.vectors, queries, QUERIES, batch, &(mask_run){.threads = used}, &err));
        for (size_t q = 0; q < QUERIES; q++) {
            assert_true(same_results(&batch[q], &c.alone[q]));
            mask_results_free(&batch[q]);
        }
    }
    for (size_t q = 0; q < QUERIES; q++) mask_results_free(&c.alone[q]);
    free_gallery(&one);
    free_gallery(&many);
    free_world(&w);
}

static void count_candidates(void *context, const mask__candidate *batch, size_t count, double *scores)
{
    (void)context;
    for (size_t i = 0; i < count; i++) scores[i] = (double)batch[i].upper - 0.01;
}

/* How many images are rescored does not depend on threads either. */
static void test_threads_rescore_alike(void **state)
{
    (void)state;
    uint64_t random = 31;
    world w;
    make_world(&w, 6);
    mask_match_options o = mask_match_defaults(w.knowledge);
    made_gallery m;
    make_gallery(&m, &w, &o, 3, 900, &random);
    mask__selection parts[2][3];
    for (size_t p = 0; p < 3; p++) {
        mask__selection_open(&parts[0][p], 10, -INFINITY);
        mask__selection_open(&parts[1][p], 10, -INFINITY);
    }
    float upper[MASK__BLOCK], lower[MASK__BLOCK];
    for (size_t s = 0; s < 3; s++)
        for (size_t b = 0; b < m.g.segments[s].blocks; b++) {
            for (size_t i = 0; i < MASK__BLOCK; i++) {
                lower[i] = made_number(&random);
                upper[i] = lower[i] + 0.1f * uniform(&random);
            }
            mask__selection_offer(&parts[0][0], s, b, m.g.segments[s].images, m.g.snapshot.segments[s].alive, upper, lower);
            mask__selection_offer(&parts[1][s], s, b, m.g.segments[s].images, m.g.snapshot.segments[s].alive, upper, lower);
        }
    assert_true(mask__selection_bar(&parts[0][0]) > -1);
    size_t all = 0;
    for (size_t p = 0; p < 3; p++) all += parts[1][p].count;
    assert_true(all > parts[0][0].count); /* the parts really differ */
    mask_error err;
    mask__scored *best;
    mask__arena arena = {0};
    size_t found[2], rescored[2];
    for (size_t way = 0; way < 2; way++)
        check_ok(mask__selection_finish(parts[way], way ? 3 : 1, &m.g.snapshot, count_candidates, NULL, &arena, &best,
                                        &found[way], &rescored[way], &err));
    assert_int_equal(rescored[0], rescored[1]);
    assert_int_equal(found[0], 10);
    for (size_t p = 0; p < 3; p++) {
        mask__selection_close(&parts[0][p]);
        mask__selection_close(&parts[1][p]);
    }
    mask__arena_free(&arena);
    free_gallery(&m);
    free_world(&w);
}

static void test_refusals(void **state)
{
    (void)state;
    uint64_t random = 41;
    world w;
    make_world(&w, 7);
    mask_match_options o = mask_match_defaults(w.knowledge);
    made_gallery m;
    mask_error err;
    mask_results r;
    make_gallery(&m, &w, &o, 1, 5, &random);
    mask_query_text text = {made_word(0), 1};
    mask_query q = MASK_QUERY_DEFAULTS;
    check_fails(mask_gallery_search(&m.g, w.vectors, &q, &r, NULL, &err), MASK_EINVAL, "at least one text");
    q.texts = &text;
    q.count = 1;
    check_fails(mask_gallery_search(&m.g, NULL, &q, &r, NULL, &err), MASK_EINVAL, "--vectors");
    text.weight = INFINITY;
    check_fails(mask_gallery_search(&m.g, w.vectors, &q, &r, NULL, &err), MASK_EINVAL, "finite");
    text.weight = 1;
    q.min_score = NAN;
    check_fails(mask_gallery_search(&m.g, w.vectors, &q, &r, NULL, &err), MASK_EINVAL, "not a number");
    check_fails(mask_gallery_similar(&m.g, "nobody", &(mask_query){.k = 10}, &r, NULL, &err), MASK_ENOTFOUND, "nobody");
    q.min_score = -INFINITY;
    text.text = "blorp";
    check_fails(mask_gallery_search(&m.g, w.vectors, &q, &r, NULL, &err), MASK_ENOTFOUND, "blorp");
    check_ok(mask_gallery_search_batch(&m.g, w.vectors, &q, 1, &r, NULL, &err));
    assert_int_equal(r.count, 0);
    mask_results_free(&r);
    free_gallery(&m);
    free_world(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_equals_brute_force),
        cmocka_unit_test(test_similar),
        cmocka_unit_test(test_threads),
        cmocka_unit_test(test_threads_rescore_alike),
        cmocka_unit_test(test_refusals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
