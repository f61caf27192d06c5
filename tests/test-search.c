/* Searching against brute force: thousands of random galleries, made in memory by a naive twin of the build, and random
 * queries. Ids and scores must equal those of scoring every image, bit for bit; those must equal the matcher's. */
#include "made-gallery.h"
#include "search/hits.h"
#include "search/queryplan.h"

#include <pthread.h>
#include <unistd.h>

/* ---- Queries and their brute force ---- */

enum { MOST_TEXTS = 3, MOST_LIKE = 2, PHOTOS = 8 };

/* Photos that are in no gallery. */
static mask_images *photos;
static float photo_features[PHOTOS * REGIONS * M];

static void make_photos(void)
{
    mask_error err;
    uint64_t random = 99;
    for (size_t i = 0; i < PHOTOS * REGIONS * M; i++) photo_features[i] = fmaxf(0, made_number(&random) + 0.3f);
    check_ok(mask_images_create(
        &photos,
        &(mask_images_memory){
            .count = PHOTOS, .dim = M, .features = photo_features, .regions = REGIONS, .borrow = true},
        &err));
}

typedef struct made_query {
    mask_query q;
    mask_query_text texts[MOST_TEXTS];
    mask_query_image like[MOST_LIKE];
    char lines[MOST_TEXTS][64];
    const char *ids[64];
} made_query;

/* kind 0: any words; 1: known ones; 2: OOD ones. */
static void make_query(made_query *out, const made_gallery *m, uint64_t *random)
{
    static const float weights[] = {1, 1, 1, -1, 0.5f, -2.5f, 0};
    *out = (made_query){.q = mask_query_defaults()};
    size_t kind = below(random, 3);
    out->q.count = 1 + (below(random, 3) == 0 ? below(random, MOST_TEXTS) : 0);
    for (size_t t = 0; t < out->q.count; t++) {
        size_t words = 1 + below(random, 4), length = 0;
        for (size_t i = 0; i < words; i++) {
            size_t w = kind == 1   ? below(random, WORDS)
                       : kind == 2 ? WORDS + below(random, VECTORS - WORDS)
                                   : below(random, VECTORS);
            length += (size_t)snprintf(out->lines[t] + length, 64 - length, "%s ", made_word(w));
        }
        out->texts[t] = (mask_query_text){out->lines[t], weights[below(random, sizeof weights / sizeof *weights)]};
    }
    out->q.texts = out->texts;
    if (below(random, 3) == 0) {
        out->q.images = out->like;
        out->q.image_count = 1 + below(random, MOST_LIKE);
        if (below(random, 3) == 0) out->q.count = 0;
    }
    for (size_t i = 0; i < out->q.image_count; i++) {
        const mask__snapshot_segment *s = &m->g.snapshot.segments[below(random, m->g.snapshot.segment_count)];
        out->like[i] = (mask_query_image){.id = below(random, 2) ? s->ids[below(random, s->images)] : NULL,
                                          .images = photos,
                                          .image = below(random, PHOTOS),
                                          .weight = weights[below(random, sizeof weights / sizeof *weights)]};
    }
    out->q.k = 1 + below(random, below(random, 4) == 0 ? 400 : 6);
    if (below(random, 3) == 0) out->q.offset = below(random, 8);
    if (below(random, 4) == 0) out->q.min_score = 2 * made_number(random);
    if (below(random, 5) == 0) {
        out->q.ids = out->ids;
        out->q.id_count = below(random, 8);
        for (size_t i = 0; i < out->q.id_count; i++) {
            const mask__snapshot_segment *s = &m->g.snapshot.segments[below(random, m->g.snapshot.segment_count)];
            const char *id = below(random, 5) ? s->ids[below(random, s->images)] : NULL;
            out->ids[i] = id ? id : "nobody";
        }
    }
}

static bool passes(const made_query *q, const mask__snapshot_segment *s, size_t image)
{
    if (!(s->alive[image / 64] >> image % 64 & 1)) return false;
    bool listed = !q->q.ids;
    for (size_t i = 0; i < q->q.id_count; i++) listed = listed || strcmp(q->ids[i], s->ids[image]) == 0;
    for (size_t i = 0; i < q->q.image_count; i++)
        if (q->like[i].id && strcmp(q->like[i].id, s->ids[image]) == 0) return false;
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
    mask__block_sums sums = {.count = 0};
    float c[64], scratch[256], upper[MASK__BLOCK], lower[MASK__BLOCK], past[MASK__BLOCK];
    mask__scored *out = room(m, m->images, sizeof *out);
    *count = *searched = 0;
    check_ok(mask__plan_open(&plan, &m->g, w->vectors, &q->q, &readings, &err));
    check_ok(mask__plan_lock(&plan, &err));
    for (size_t s = 0; s < m->g.snapshot.segment_count; s++)
        for (size_t i = 0; i < m->g.segments[s].images; i++) {
            double score = mask__plan_score(&plan, s, i, c, scratch);
            if (i % MASK__BLOCK == 0)
                assert_true(mask__plan_bounds(&plan, s, i / MASK__BLOCK, -INFINITY, &sums, upper, lower));
            assert_true((double)upper[i % MASK__BLOCK] >= score && (double)lower[i % MASK__BLOCK] <= score);
            assert_true(
                mask__plan_bounds(&plan, s, i / MASK__BLOCK, nextafterf((float)score, -INFINITY), &sums, past, past));
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

/* The vector of a query's image, by a twin of what computes it. */
static void twin_vector(made_gallery *m, const mask_query_image *from, float *out)
{
    mask_error err;
    size_t z = m->g.calibration->z, segment, image;
    int region = m->g.options.whole_region;
    float mu[REGIONS * M], mean[M] = {0}, whole[M];
    if (from->id) {
        assert_true(mask__snapshot_find(&m->g.snapshot, from->id, &segment, &image));
        likeness_vector(&m->g.segments[segment], image, out);
        return;
    }
    assert_true(z <= M);
    check_ok(mask_knowledge_encode(m->g.knowledge, from->images, from->image, mu, &err));
    for (size_t r = 0; r < REGIONS; r++) {
        mask__normalise(mu + r * z, z);
        for (size_t d = 0; d < z; d++) mean[d] += mu[r * z + d] / REGIONS;
    }
    memcpy(whole, region >= 0 ? mu + (size_t)region * z : mean, z * sizeof *whole);
    mask__normalise(whole, z);
    if (m->g.options.scene > 0)
        check_ok(mask__calibration_scenes(m->g.calibration, mean, region >= 0 ? whole : NULL, 1, out, &err));
    else memcpy(out, whole, z * sizeof *out);
}

/* What a query's images give an image of the gallery. */
static double twin_likeness(made_gallery *m, const made_query *q, const mask__scored *found)
{
    double sum = 0;
    const mask__segment *s = &m->g.segments[found->segment];
    float x[M];
    likeness_vector(s, found->image, x);
    for (size_t i = 0; i < q->q.image_count; i++) {
        float v[M];
        double cosine = 0;
        twin_vector(m, &q->like[i], v);
        for (size_t d = 0; d < s->z; d++) cosine += (double)x[d] * (double)v[d];
        sum += (double)q->like[i].weight * cosine;
    }
    return sum;
}

static void check_search(made_gallery *m, const world *w, const made_query *q, const mask__scored *best, size_t count,
                         size_t searched)
{
    mask_error err;
    mask_results r;
    check_ok(mask_gallery_search(&m->handle, w->vectors, &q->q, &r, NULL, &err));
    size_t left = count > q->q.offset ? count - q->q.offset : 0;
    assert_int_equal(r.count, left < q->q.k ? left : q->q.k);
    assert_int_equal(r.searched, searched);
    assert_true(r.rescored <= searched);
    for (size_t i = 0; i < r.count; i++) {
        const mask__scored *want = &best[q->q.offset + i];
        assert_string_equal(r.hits[i].id, want->id);
        assert_memory_equal(&r.hits[i].score, &want->score, sizeof(double));
        assert_float_equal(r.hits[i].likeness, twin_likeness(m, q, want), 1e-4);
        for (size_t p = 0; p < r.hits[i].word_count; p++)
            assert_true(r.readings[r.hits[i].words[p].text].words[r.hits[i].words[p].word].weight >= 0);
    }
    mask_results_free(&r);
}

/* The plan's scores are those of the matcher, and of the images' vectors. */
static void check_matcher(made_gallery *m, const world *w, const made_query *q, const mask__scored *best, size_t count)
{
    mask_error err;
    mask__text_batch texts;
    mask__image_terms terms;
    const char *lines[MOST_TEXTS];
    mask__regions regions = {.image_rows = m->rows, .mu = m->mu, .count = m->images, .dim = m->g.calibration->z};
    float *scores = room(m, MOST_TEXTS * m->images, sizeof *scores);
    double off = 1e-5; /* the matcher makes whole-image and scene vectors anew, which segments keep rounded */
    for (size_t s = 0; s < m->g.snapshot.segment_count; s++) {
        mask__dtype type = m->g.segments[s].type;
        off = fmax(off, type == MASK__U8 ? 5e-2 : type == MASK__F16 ? 5e-3 : 0);
    }
    for (size_t t = 0; t < q->q.count; t++) lines[t] = q->texts[t].text;
    check_ok(mask__text_batch_open(&texts, w->knowledge, w->vectors, &m->g.options, lines, q->q.count, &err));
    check_ok(mask__image_terms_make(&terms, m->g.calibration, &err));
    check_ok(mask__text_batch_prepare(&texts, &terms, NULL, &err));
    check_ok(mask__text_batch_score(&texts, &regions, m->g.options.whole_region, scores, m->images, NULL, NULL, &err));
    for (size_t i = 0; i < count; i++) {
        size_t image = best[i].image;
        double score = 0, size = 1;
        for (size_t s = 0; s < best[i].segment; s++) image += m->g.segments[s].images;
        for (size_t t = 0; t < q->q.count; t++) {
            if (!mask__text_usable(&texts, t)) continue; /* says nothing: counts nothing */
            score += (double)q->texts[t].weight * (double)scores[t * m->images + image];
            size += fabs((double)q->texts[t].weight * (double)scores[t * m->images + image]);
        }
        score += twin_likeness(m, q, &best[i]);
        if (fabs(score - best[i].score) > off * size)
            fail_msg("%s: %.9g, the matcher says %.9g", best[i].id, best[i].score, score);
    }
    mask__text_batch_close(&texts);
    mask__image_terms_free(&terms);
}

/* Queries that hold no usable word (OOD words where they are off) must say so. */
static bool usable(const made_gallery *m, const made_query *q)
{
    if (q->q.image_count) return true;
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
                check_fails(mask_gallery_search(&m.handle, w->vectors, &q.q, &r, NULL, &err), MASK_ENOTFOUND,
                            "no word");
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

/* A query of an image alone. */
static mask_status similar(const mask_gallery *g, const mask_query_image *image, const mask_query *shape,
                           mask_results *r, mask_error *err)
{
    mask_query q = *shape;
    q.count = 0;
    q.images = image;
    q.image_count = 1;
    return mask_gallery_search(g, NULL, &q, r, NULL, err);
}

/* ---- Similar images ---- */

static void check_similar(made_gallery *m, const made_query *q, size_t segment, size_t image)
{
    mask_error err;
    mask_results r;
    mask__scored *best = room(m, m->images, sizeof *best);
    const mask__snapshot *snapshot = &m->g.snapshot;
    const char *id = snapshot->segments[segment].ids[image];
    size_t count = 0, z = m->g.calibration->z;
    float v[M], other[M];
    likeness_vector(&m->g.segments[segment], image, v);
    if (!id) return;
    for (size_t s = 0; s < snapshot->segment_count; s++)
        for (size_t i = 0; i < m->g.segments[s].images; i++) {
            likeness_vector(&m->g.segments[s], i, other);
            double score = (double)mask__dot(other, v, z);
            if (passes(q, &snapshot->segments[s], i) && (s != segment || i != image) && score >= (double)q->q.min_score)
                best[count++] = (mask__scored){score, (uint32_t)s, (uint32_t)i, snapshot->segments[s].ids[i]};
        }
    qsort(best, count, sizeof *best, compare);
    check_ok(similar(&m->handle, &(mask_query_image){.id = id, .weight = 1}, &q->q, &r, &err));
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
            q.q.image_count = 0;
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
        if (mask_gallery_search(&c->m->handle, c->w->vectors, &c->queries[q].q, &r, &(mask_run){.threads = 1}, &err) !=
            MASK_OK) {
            same = false;
            continue;
        }
        same = same && same_results(&r, &c->alone[q]);
        mask_results_free(&r);
    }
    if (!same) __atomic_store_n(&c->same, false, __ATOMIC_RELAXED);
    return NULL;
}

/* Threads on one handle, which start without any word looked up, and a batch get what one thread gets on another
 * handle; words come and go, since few are kept. */
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
        check_ok(mask_gallery_search(&one.handle, w.vectors, &queries[q], &c.alone[q], NULL, &err));
    }
    pthread_t threads[THREADS];
    for (size_t t = 0; t < THREADS; t++) assert_int_equal(pthread_create(&threads[t], NULL, search_in_crowd, &c), 0);
    for (size_t t = 0; t < THREADS; t++) pthread_join(threads[t], NULL);
    assert_true(c.same);
    for (int used = 1; used <= 3; used++) {
        check_ok(mask_gallery_search_batch(&many.handle, w.vectors, queries, QUERIES, batch,
                                           &(mask_run){.threads = used}, &err));
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

/* ---- Locks ---- */

typedef struct order {
    mask__plan plan;
    int done; /* threads */
} order;

static void *lock_often(void *context)
{
    order *o = context;
    mask_error err;
    for (int i = 0; i < 300000; i++) {
        check_ok(mask__plan_lock(&o->plan, &err));
        mask__plan_unlock(&o->plan);
        for (size_t w = 0; w < o->plan.ood; w++) { /* as rescoring notes what it computed */
            pthread_rwlock_wrlock(&o->plan.ood_words[w]->lock);
            pthread_rwlock_unlock(&o->plan.ood_words[w]->lock);
        }
    }
    __atomic_add_fetch(&o->done, 1, __ATOMIC_RELEASE);
    return NULL;
}

/* With writers that go first, locks taken in each text's own order stop two searches for good. */
static void test_locks_have_one_order(void **state)
{
    (void)state;
    uint64_t random = 51;
    world w;
    make_world(&w, 8);
    mask_match_options o = mask_match_defaults(w.knowledge);
    made_gallery m;
    mask_error err;
    mask__arena readings = {0};
    order orders[2] = {0};
    pthread_t threads[4];
    make_gallery(&m, &w, &o, 1, 5, &random);
    m.g.segments[0].terms = WORDS; /* no column of an OOD word: their bounds are shared */
    for (size_t i = 0; i < 2; i++) {
        char line[64];
        snprintf(line, sizeof line, "%s %s", made_word(WORDS + i), made_word(WORDS + 1 - i));
        mask_query q = {.texts = &(mask_query_text){line, 1}, .count = 1};
        check_ok(mask__plan_open(&orders[i].plan, &m.g, w.vectors, &q, &readings, &err));
        assert_int_equal(orders[i].plan.ood, 2);
        check_ok(mask__plan_lock(&orders[i].plan, &err)); /* the columns are there */
        mask__plan_unlock(&orders[i].plan);
    }
    assert_ptr_equal(orders[0].plan.ood_words[0], orders[1].plan.ood_words[1]);
    pthread_rwlockattr_t writers_first;
    pthread_rwlockattr_init(&writers_first);
    pthread_rwlockattr_setkind_np(&writers_first, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
    for (size_t i = 0; i < 2; i++) {
        pthread_rwlock_destroy(&orders[0].plan.ood_words[i]->lock);
        pthread_rwlock_init(&orders[0].plan.ood_words[i]->lock, &writers_first);
    }
    for (size_t i = 0; i < 4; i++) assert_int_equal(pthread_create(&threads[i], NULL, lock_often, &orders[i % 2]), 0);
    int done = 0;
    for (int waited = 0; waited < 6000 && done < 4; waited++) {
        usleep(5000);
        done = __atomic_load_n(&orders[0].done, __ATOMIC_ACQUIRE) + __atomic_load_n(&orders[1].done, __ATOMIC_ACQUIRE);
    }
    assert_int_equal(done, 4);
    for (size_t i = 0; i < 4; i++) pthread_join(threads[i], NULL);
    for (size_t i = 0; i < 2; i++) mask__plan_close(&orders[i].plan);
    pthread_rwlockattr_destroy(&writers_first);
    mask__arena_free(&readings);
    free_gallery(&m);
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
            mask__selection_offer(&parts[0][0], s, b, m.g.segments[s].images, m.g.snapshot.segments[s].alive, upper,
                                  lower);
            mask__selection_offer(&parts[1][s], s, b, m.g.segments[s].images, m.g.snapshot.segments[s].alive, upper,
                                  lower);
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
    mask_query q = mask_query_defaults();
    check_fails(mask_gallery_search(&m.handle, w.vectors, &q, &r, NULL, &err), MASK_EINVAL,
                "at least one text or image");
    q.texts = &text;
    q.count = 1;
    check_fails(mask_gallery_search(&m.handle, NULL, &q, &r, NULL, &err), MASK_EINVAL, "need the word vectors");
    text.weight = INFINITY;
    check_fails(mask_gallery_search(&m.handle, w.vectors, &q, &r, NULL, &err), MASK_EINVAL, "finite");
    text.weight = 1;
    q.images = &(mask_query_image){.images = photos, .weight = NAN};
    q.image_count = 1;
    check_fails(mask_gallery_search(&m.handle, w.vectors, &q, &r, NULL, &err), MASK_EINVAL, "image 1 of the query");
    q.image_count = 0;
    q.min_score = NAN;
    check_fails(mask_gallery_search(&m.handle, w.vectors, &q, &r, NULL, &err), MASK_EINVAL, "not a number");
    check_fails(similar(&m.handle, &(mask_query_image){.id = "nobody", .weight = 1}, &(mask_query){.k = 10}, &r, &err),
                MASK_ENOTFOUND, "nobody");
    check_fails(similar(&m.handle, &(mask_query_image){.weight = 1}, &(mask_query){.k = 10}, &r, &err), MASK_EINVAL,
                "an id or images");
    check_fails(similar(&m.handle, &(mask_query_image){.images = photos, .image = PHOTOS, .weight = 1},
                        &(mask_query){.k = 10}, &r, &err),
                MASK_EINVAL, "has no image 8");
    mask_images *other;
    check_ok(mask_images_create(
        &other, &(mask_images_memory){.count = 1, .dim = 3, .features = photo_features, .regions = 1}, &err));
    check_fails(similar(&m.handle, &(mask_query_image){.images = other, .weight = 1}, &(mask_query){.k = 10}, &r, &err),
                MASK_EMISMATCH, "3 dimensions");
    mask_images_close(other);
    q.min_score = -INFINITY;
    text.text = "blorp";
    check_fails(mask_gallery_search(&m.handle, w.vectors, &q, &r, NULL, &err), MASK_ENOTFOUND, "blorp");
    check_ok(mask_gallery_search_batch(&m.handle, w.vectors, &q, 1, &r, NULL, &err));
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
        cmocka_unit_test(test_locks_have_one_order),
        cmocka_unit_test(test_threads_rescore_alike),
        cmocka_unit_test(test_refusals),
    };
    make_photos();
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    mask_images_close(photos);
    return failed;
}
