/* Searching a gallery by texts and images: the exact ranking (select.h says why it is exact), from 8-bit columns in one
 * scan, with the few images that may be among the best scored from their regions. */
#include "search/filter.h"
#include "search/hits.h"
#include "search/queryplan.h"
#include "search/remote.h"
#include "search/select.h"

#include <math.h>
#include <omp.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* Codes a search must read before a second thread pays; images that must be rescored before. */
enum { SCAN_ALONE = 1 << 21, RESCORE_ALONE = 32 };

static size_t block_count(const mask__view *v)
{
    size_t blocks = 0;
    for (size_t s = 0; s < v->snapshot.segment_count; s++) blocks += v->segments[s].blocks;
    return blocks;
}

/* The blocks [first, end) of the gallery, counted through its segments. */
static void scan_blocks(const mask__plan *plan, const mask__filter *filter, size_t first, size_t end,
                        mask__selection *selection)
{
    const mask__view *v = plan->view;
    float upper[MASK__BLOCK], lower[MASK__BLOCK];
    mask__block_sums sums = {.count = 0};
    for (size_t s = 0, at = 0; s < v->snapshot.segment_count; at += v->segments[s++].blocks) {
        const mask__segment *segment = &v->segments[s];
        for (size_t b = first > at ? first - at : 0; b < segment->blocks && at + b < end; b++) {
            if (mask__plan_bounds(plan, s, b, mask__selection_bar(selection), &sums, upper, lower))
                mask__selection_offer(selection, s, b, segment->images, filter->pass[s], upper, lower);
        }
    }
}

static mask_status scan(const mask__plan *plan, const mask__filter *filter, mask__selection *parts, int threads,
                        mask_error *err)
{
    size_t blocks = block_count(plan->view);
    MASK__TRY(mask__plan_lock(plan, err));
#pragma omp parallel for schedule(static, 1) num_threads(threads) if (threads > 1)
    for (int t = 0; t < threads; t++)
        scan_blocks(plan, filter, blocks * (size_t)t / (size_t)threads, blocks * ((size_t)t + 1) / (size_t)threads,
                    &parts[t]);
    mask__plan_unlock(plan);
    return MASK_OK;
}

typedef struct rescoring {
    const mask__plan *plan;
    float *c;       /* MASK__MOST_RESCORED x terms */
    float *scratch; /* threads x scratch_size */
    size_t terms, scratch_size;
} rescoring;

/* Exact scores of a batch; what they say of OOD words is kept for later searches. */
static void rescore(void *context, const mask__candidate *batch, size_t count, double *scores)
{
    const rescoring *r = context;
    const mask__plan *p = r->plan;
#pragma omp parallel for schedule(dynamic, 4) if (count >= RESCORE_ALONE)
    for (size_t i = 0; i < count; i++)
        scores[i] = mask__plan_score(p, batch[i].segment, batch[i].image, r->c + i * r->terms,
                                     r->scratch + (size_t)omp_get_thread_num() * r->scratch_size);
    for (size_t w = 0; w < p->ood; w++) {
        pthread_rwlock_wrlock(&p->ood_words[w]->lock);
        for (size_t i = 0; i < count; i++)
            mask__ood_word_note(p->ood_words[w], batch[i].segment, batch[i].image, r->c[i * r->terms + p->known + w]);
        pthread_rwlock_unlock(&p->ood_words[w]->lock);
    }
}

static mask_status select_best(const mask__plan *plan, const mask_query *query, mask__arena *work, mask__scored **best,
                               size_t *found, mask_results *out, const mask_run *run, mask_error *err)
{
    const mask__view *v = plan->view;
    size_t likeness = plan->likeness.scale > 0 ? plan->likeness.codes.z : 0;
    size_t codes = v->snapshot.images * (plan->known + 4 * plan->ood + likeness), want, terms = plan->known + plan->ood;
    int threads = codes > SCAN_ALONE && !omp_in_parallel() ? omp_get_max_threads() : 1;
    mask__filter filter;
    MASK__TRY(mask__filter_make(&filter, v, query, work, run, err));
    out->searched = filter.images;
    want = query->k > SIZE_MAX - query->offset ? SIZE_MAX : query->k + query->offset;
    if (want > filter.images) want = filter.images;
    mask__selection *parts = mask__arena_alloc(work, (size_t)threads, sizeof *parts);
    rescoring r = {
        .plan = plan, .terms = terms, .c = mask__arena_alloc(work, MASK__MOST_RESCORED * terms, sizeof(float))};
    r.scratch_size = mask__segment_scratch(v->segments, v->snapshot.segment_count);
    r.scratch = mask__arena_alloc(work, (size_t)omp_get_max_threads() * r.scratch_size, sizeof(float));
    if (!parts || !r.c || !r.scratch) return mask__no_memory(err, "a search");
    for (int t = 0; t < threads; t++) mask__selection_open(&parts[t], want, query->min_score);
    mask_status status = scan(plan, &filter, parts, threads, err);
    if (status == MASK_OK)
        status = mask__selection_finish(parts, (size_t)threads, &v->snapshot, rescore, &r, work, best, found,
                                        &out->rescored, err);
    for (int t = 0; t < threads; t++) mask__selection_close(&parts[t]);
    return status;
}

/* One query: also what a batch runs on each core. */
static mask_status search(const mask__view *v, const mask_vectors *vectors, const mask_query *query, mask_results *out,
                          const mask_run *run, mask_error *err)
{
    double start = omp_get_wtime();
    MASK__CLOSED(mask__arena_free) mask__arena work = {0};
    MASK__CLOSED(mask__plan_close) mask__plan plan = {0};
    mask__arena results = {0};
    mask__view near;
    mask__scored *best;
    size_t found;
    *out = (mask_results){0};
    if (v->remote && query->image_count)
        return mask__fail(err, MASK_EINVAL, "a gallery in ClickHouse is searched by texts only");
    mask_status status = mask__plan_open(&plan, v, vectors, query, &results, err);
    if (status == MASK_OK)
        status = v->remote ? mask__remote_select(&plan, query, &near, &work, &best, &found, out, run, err)
                           : select_best(&plan, query, &work, &best, &found, out, run, err);
    if (status == MASK_OK) status = mask__hits_make(out, plan.view, &plan, query, best, found, &results, err);
    out->readings = plan.readings;
    out->reading_count = plan.reading_count;
    out->memory = results.head;
    out->seconds = omp_get_wtime() - start;
    return status; /* readings stay, also of a query that fails for want of a usable word */
}

static mask_status check_query(const mask_query *query, mask_error *err)
{
    if ((query->count && !query->texts) || (query->image_count && !query->images) ||
        query->count + query->image_count == 0)
        return mask__fail(err, MASK_EINVAL, "a query needs at least one text or image");
    if (isnan(query->min_score)) return mask__fail(err, MASK_EINVAL, "the lowest score is not a number");
    if (!(query->min_confidence >= 0 && query->min_confidence <= 1))
        return mask__fail(err, MASK_EINVAL, "the lowest confidence must be from 0 to 1");
    return MASK_OK;
}

/* A search without texts. */
mask_status mask_gallery_search(const mask_gallery *gallery, const mask_vectors *vectors, const mask_query *query,
                                mask_results *out, const mask_run *run, mask_error *err)
{
    *out = (mask_results){0};
    MASK__TRY(check_query(query, err));
    MASK__USE_THREADS(mask__threads(run));
    mask__view *view = mask__gallery_pin(gallery);
    mask_status status = search(view, vectors, query, out, run, err);
    mask__gallery_unpin(gallery, view);
    if (status != MASK_OK) mask_results_free(out);
    return status;
}

/* A batch's run as its threads may ask it: callbacks run on the calling thread, and what they say there stops all. */
typedef struct shared_run {
    const mask_run *run;
    pthread_t caller;
    int stopped;
} shared_run;

static int ask_shared(void *user, const char *what, const char *unit, uint64_t done, uint64_t total)
{
    shared_run *s = user;
    if (pthread_equal(s->caller, pthread_self()) && s->run->progress(s->run->user, what, unit, done, total) != 0)
        __atomic_store_n(&s->stopped, 1, __ATOMIC_RELAXED);
    return __atomic_load_n(&s->stopped, __ATOMIC_RELAXED);
}

mask_status mask_gallery_search_batch(const mask_gallery *gallery, const mask_vectors *vectors,
                                      const mask_query *queries, size_t count, mask_results *out, const mask_run *run,
                                      mask_error *err)
{
    mask_status status = MASK_OK;
    size_t failed_at = SIZE_MAX, done = 0;
    shared_run shared = {.run = run, .caller = pthread_self()};
    const mask_run each = {.progress = run && run->progress ? ask_shared : NULL, .user = &shared};
    memset(out, 0, count * sizeof *out);
    for (size_t q = 0; q < count; q++) MASK__TRY(check_query(&queries[q], err));
    MASK__USE_THREADS(mask__threads(run));
    mask__view *view = mask__gallery_pin(gallery); /* one state for all of them */
#pragma omp parallel for schedule(dynamic, 1)
    for (size_t q = 0; q < count; q++) {
        mask_error mine;
        mask_status one = MASK_OK;
        size_t before;
#pragma omp atomic read
        before = failed_at;
        if (q > before) continue; /* an earlier query failed: that is what is reported */
        one = search(view, vectors, &queries[q], &out[q], &each, &mine);
        /* A text that says nothing is no reason to lose the other answers. */
        if (one == MASK_ENOTFOUND) one = MASK_OK;
        size_t finished;
#pragma omp atomic capture
        finished = ++done;
        if (one == MASK_OK) one = mask__progress(&each, "search", "queries", finished, count, &mine);
        if (one == MASK_OK) continue;
#pragma omp critical(mask_gallery_search_batch)
        if (q < failed_at) {
#pragma omp atomic write
            failed_at = q;
            status = one;
            if (err) *err = mine;
        }
    }
    mask__gallery_unpin(gallery, view);
    for (size_t q = 0; status != MASK_OK && q < count; q++) mask_results_free(&out[q]);
    return status;
}

void mask_results_free(mask_results *results)
{
    mask__arena arena = {.head = results->memory};
    mask__arena_free(&arena);
    *results = (mask_results){0};
}
