/* Texts for an image: the search with its roles changed. For one image every known word's c_w lies in an interval by
 * its 8-bit code, OOD words are computed; so every text has certain bounds, and only texts whose upper bound reaches
 * the k-th largest lower bound are scored exactly, in queryplan.c's order of operations. */
#include "base/memory.h"
#include "search/gallery.h"
#include "search/scan.h"
#include "search/textindex.h"

#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>

enum { TOGETHER = 64, FIELDS = 4 };

struct mask_annotator {
    const mask_gallery *gallery;
    mask__view *view; /* the gallery's state when it was opened */
    mask__text_index index;
};

mask_status mask_annotator_open(mask_annotator **out, const mask_gallery *gallery, const mask_vectors *vectors,
                                const mask_texts *texts, const mask_run *run, mask_error *err)
{
    mask_annotator *a = calloc(1, sizeof *a);
    *out = NULL;
    if (!a) return mask__no_memory(err, "texts");
    a->gallery = gallery;
    a->view = mask__gallery_pin(gallery);
    MASK__USE_THREADS(mask__threads(run));
    mask_status status = mask__text_index_open(&a->index, a->view, vectors, texts, run, err);
    if (status == MASK_OK) *out = a;
    else mask_annotator_close(a);
    return status;
}

void mask_annotator_close(mask_annotator *annotator)
{
    if (!annotator) return;
    mask__text_index_close(&annotator->index);
    mask__gallery_unpin(annotator->gallery, annotator->view);
    free(annotator);
}

/* One thread's memory. */
typedef struct scratch {
    float *c, *radius;      /* terms: c_w, and what it may be off by; 0 = exact */
    float *upper, *lower;   /* texts */
    float *vectors;         /* as mask__segment_scratch says */
    mask__ranked *best;     /* k */
    mask_annotation *exact; /* texts */
    mask__arena arena;
} scratch;

static void close_scratch(scratch *s)
{
    mask__arena_free(&s->arena);
}

/* Close it whatever this returns. */
static mask_status open_scratch(scratch *s, const mask_annotator *a, size_t k, mask_error *err)
{
    const mask__text_index *x = &a->index;
    size_t terms = x->known + x->others,
           room = mask__segment_scratch(a->view->segments, a->view->snapshot.segment_count);
    *s = (scratch){0};
    s->c = mask__arena_alloc(&s->arena, terms, sizeof *s->c);
    s->radius = mask__arena_alloc(&s->arena, terms, sizeof *s->radius);
    s->upper = mask__arena_alloc(&s->arena, x->texts, sizeof *s->upper);
    s->lower = mask__arena_alloc(&s->arena, x->texts, sizeof *s->lower);
    s->best = mask__arena_alloc(&s->arena, k < x->texts ? k : x->texts, sizeof *s->best);
    s->exact = mask__arena_alloc(&s->arena, x->texts, sizeof *s->exact);
    s->vectors = mask__arena_alloc(&s->arena, room, sizeof *s->vectors);
    return s->arena.lost ? mask__no_memory(err, "texts") : MASK_OK;
}

/* One image as its texts are scored. */
typedef struct subject {
    const mask_annotator *annotator;
    const mask__segment *segment;
    size_t image;
    scratch *s;
    mask__image_vectors vectors;
} subject;

static void compute(const subject *j, const mask__scored_terms *terms, const uint32_t *which, size_t count, float *c)
{
    const mask__image_vectors *x = &j->vectors;
    mask__calibration_exact(j->annotator->view->calibration, terms, which, count, x->mu, x->regions, x->whole, x->scene,
                            c, NULL, NULL);
}

static void bound_terms(const subject *j)
{
    const mask__segment *s = j->segment;
    const mask__text_index *x = &j->annotator->index;
    size_t stride = mask__segment_stride(s), block = j->image / MASK__BLOCK;
    for (size_t w = 0; w < x->known; w++) {
        uint32_t word = x->words[w];
        mask__steps step = s->score_steps[word * s->blocks + block];
        j->s->c[w] = step.low + step.step * (float)s->score_codes[word * stride + j->image];
        j->s->radius[w] = (0.5f * step.step + s->score_slack[word]) * 1.00001f +
                          (float)(4 * MASK__ROUNDING) * (fabsf(step.low) + 255 * step.step);
    }
    compute(j, &x->ood, NULL, x->others, j->s->c + x->known);
    memset(j->s->radius + x->known, 0, x->others * sizeof *j->s->radius);
}

/* s(t,i) from the sum of shares x c. */
static double score_of(const subject *j, size_t text, double sum)
{
    const float *f = j->annotator->index.statistics + text * FIELDS;
    return (sum - (double)f[0]) / (double)f[1] / (double)j->segment->image_deviation[j->image] -
           (double)f[2] * (double)j->segment->image_hub[j->image] - (double)f[3];
}

static void bound_texts(const subject *j)
{
    const mask__text_index *x = &j->annotator->index;
    double deviation = (double)j->segment->image_deviation[j->image];
    for (size_t t = 0; t < x->texts; t++) {
        double sum = 0, radius = 0;
        for (uint64_t i = x->at[t]; i < x->at[t + 1]; i++) {
            sum += x->shares[i] * (double)j->s->c[x->terms[i]];
            radius += x->shares[i] * (double)j->s->radius[x->terms[i]];
        }
        double score = score_of(j, t, sum), off = radius / (double)x->statistics[t * FIELDS + 1] / deviation;
        off += 4 * MASK__ROUNDING * (fabs(score) + off); /* the bounds become floats */
        bool empty = x->at[t] == x->at[t + 1];
        j->s->upper[t] = empty ? -INFINITY : (float)(score + off);
        j->s->lower[t] = empty ? -INFINITY : (float)(score - off);
    }
}

/* The exact score; a known word's c is computed when it is first asked for. */
static double score_text(const subject *j, size_t text)
{
    const mask__text_index *x = &j->annotator->index;
    double sum = 0;
    for (uint64_t i = x->at[text]; i < x->at[text + 1]; i++) {
        uint32_t term = x->terms[i];
        if (j->s->radius[term] > 0) {
            compute(j, &j->annotator->view->calibration->known, &x->words[term], 1, &j->s->c[term]);
            j->s->radius[term] = 0;
        }
        sum += x->shares[i] * (double)j->s->c[term];
    }
    return score_of(j, text, sum);
}

static int by_score(const void *a, const void *b)
{
    const mask_annotation *x = a, *y = b;
    if (x->score != y->score) return x->score < y->score ? 1 : -1;
    return (x->text > y->text) - (x->text < y->text);
}

/* The k best texts of an image into out; how many there are. */
static size_t annotate(const mask_annotator *a, const mask__segment *segment, size_t image, size_t k, scratch *s,
                       mask_annotation *out)
{
    const mask__text_index *x = &a->index;
    subject j = {a, segment, image, s, mask__segment_image(segment, image, s->vectors)};
    size_t count = 0;
    bound_terms(&j);
    bound_texts(&j);
    size_t found = mask__top_k(s->lower, x->texts, k, s->best);
    float bar = found == k && k > 0 ? s->best[k - 1].value : -INFINITY;
    for (size_t t = 0; t < x->texts; t++)
        if (x->at[t] < x->at[t + 1] && s->upper[t] >= bar) s->exact[count++] = (mask_annotation){t, score_text(&j, t)};
    qsort(s->exact, count, sizeof *s->exact, by_score);
    if (count > k) count = k;
    memcpy(out, s->exact, count * sizeof *out);
    return count;
}

mask_status mask_annotator_image(const mask_annotator *a, const char *id, size_t k, mask_annotation *out, size_t *count,
                                 mask_error *err)
{
    const mask__view *v = a->view;
    size_t segment, image;
    MASK__CLOSED(close_scratch) scratch s = {0};
    *count = 0;
    if (!mask__snapshot_find(&v->snapshot, id, &segment, &image))
        return mask__fail(err, MASK_ENOTFOUND, "%s: has no image '%s'", v->path, id);
    MASK__TRY(open_scratch(&s, a, k, err));
    *count = annotate(a, &v->segments[segment], image, k, &s, out);
    return MASK_OK;
}

/* What the threads of a whole gallery work on: TOGETHER images each, then they are told in order. */
typedef struct crew {
    scratch *scratch;
    int threads;
    mask_annotation *best; /* threads x TOGETHER x k */
    size_t *counts;
    size_t k;
} crew;

static mask_status tell(const mask_annotator *a, const crew *c, size_t segment, size_t first, size_t count,
                        mask_annotation_visitor *each, void *user, mask_error *err)
{
    const mask__snapshot_segment *names = &a->view->snapshot.segments[segment];
    for (size_t i = 0; i < count; i++) {
        size_t image = first + i;
        if (!(names->alive[image / 64] >> image % 64 & 1)) continue;
        if (each(user, names->ids[image], c->best + i * c->k, c->counts[i]) != 0)
            return mask__fail(err, MASK_ECANCELLED, "annotate: stopped at image '%s'", names->ids[image]);
    }
    return MASK_OK;
}

static mask_status run_segment(const mask_annotator *a, const crew *c, size_t segment, mask_annotation_visitor *each,
                               void *user, size_t *done, const mask_run *run, mask_error *err)
{
    const mask__view *v = a->view;
    const mask__segment *s = &v->segments[segment];
    const uint64_t *alive = v->snapshot.segments[segment].alive;
    size_t at_once = (size_t)c->threads * TOGETHER;
    for (size_t first = 0; first < s->images; first += at_once) {
        size_t count = s->images - first < at_once ? s->images - first : at_once;
        MASK__TRY(mask__progress(run, "annotate", "images", *done + first, 0, err));
#pragma omp parallel for schedule(dynamic, 4) num_threads(c->threads)
        for (size_t i = 0; i < count; i++)
            if (alive[(first + i) / 64] >> (first + i) % 64 & 1)
                c->counts[i] = annotate(a, s, first + i, c->k, &c->scratch[omp_get_thread_num()], c->best + i * c->k);
        MASK__TRY(tell(a, c, segment, first, count, each, user, err));
    }
    *done += s->images;
    return MASK_OK;
}

mask_status mask_annotator_all(const mask_annotator *a, size_t k, mask_annotation_visitor *each, void *user,
                               const mask_run *run, mask_error *err)
{
    mask__arena arena = {0};
    crew c = {.threads = mask__threads(run), .k = k < a->index.texts ? k : a->index.texts};
    size_t images = (size_t)c.threads * TOGETHER, done = 0;
    MASK__USE_THREADS(mask__threads(run));
    c.scratch = mask__arena_alloc(&arena, (size_t)c.threads, sizeof *c.scratch);
    c.best = mask__arena_matrix(&arena, images, c.k, sizeof *c.best);
    c.counts = mask__arena_alloc(&arena, images, sizeof *c.counts);
    mask_status status = c.scratch && c.best && c.counts ? MASK_OK : mask__no_memory(err, "texts");
    for (int t = 0; status == MASK_OK && t < c.threads; t++) status = open_scratch(&c.scratch[t], a, c.k, err);
    for (size_t s = 0; status == MASK_OK && s < a->view->snapshot.segment_count; s++)
        status = run_segment(a, &c, s, each, user, &done, run, err);
    for (int t = 0; c.scratch && t < c.threads; t++) close_scratch(&c.scratch[t]);
    mask__arena_free(&arena);
    return status;
}
