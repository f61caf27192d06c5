#include "match/columns.h"
#include "math/gemm.h"
#include "math/vector.h"

#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>

/* Rows of regions in one GEMM: enough that packing the prototypes costs little (3% here, 8% at half of it), few enough
 * that the products of every thread are still in cache when they are pooled. It is the same for any number of threads,
 * so that scores are; only beyond MANY_WORDS blocks have fewer rows, to bound their memory. Words are pooled in chunks
 * of LANES, which the compiler keeps in registers. */
enum { BLOCK_ROWS = 1152, MANY_WORDS = 8192, LANES = 64 };

/* A thread's block of images on its way through: its rows and their dot products with the prototypes. Each thread
 * multiplies alone: no thread waits for another, and the products stay in the cache of the core that made them. */
typedef struct block {
    mask__region_block r;
    size_t words;
    double seconds_gemm;
    float *dots; /* rows x words */
} block;

static mask_status block_open(block *b, const mask__regions *r, size_t words, size_t rows, mask_error *err)
{
    *b = (block){.words = words};
    MASK__TRY(mask__region_block_open(&b->r, r, rows, err));
    b->dots = mask__arena_alloc(&b->r.arena, b->r.max_rows * words, sizeof(float));
    return b->dots ? MASK_OK : mask__no_memory(err, "columns");
}

static void block_close(block *b)
{
    mask__region_block_close(&b->r);
}

static void block_multiply(block *b, const mask__word_rows *w)
{
    double start = omp_get_wtime();
    size_t dim = b->r.regions->dim;
    float *to = b->dots;
    for (int run = 0; run < 2; to += w->count[run++])
        if (b->words == 1 && w->count[run]) mask__dot_rows(w->rows[run], b->r.mu, b->r.rows, dim, to); /* of a search */
        else if (w->count[run])
            mask__gemm(false, true, b->r.rows, w->count[run], dim, 1, b->r.mu, dim, w->rows[run], dim, 0, to, b->words);
    b->seconds_gemm += omp_get_wtime() - start;
}

/* The mean of the `top` largest cosines of one word, for which lanes would be wasted. */
static float pool_top_one(const float *dots, size_t stride, const float *inverse_norms, size_t regions, size_t top)
{
    float best[MASK__MAX_TOP], sum = 0;
    if (top > regions) top = regions;
    for (size_t t = 0; t < top; t++) best[t] = -INFINITY;
    for (size_t r = 0; r < regions; r++) mask__keep_largest(best, top, dots[r * stride] * inverse_norms[r]);
    for (size_t t = 0; t < top; t++) sum += best[t];
    return top ? sum / (float)top : 0;
}

/* The mean of the `top` largest of each lane over an image's regions: top running maxima, one vector each. */
static void pool_top(const float *dots, size_t stride, const float *inverse_norms, size_t regions, size_t lanes,
                     size_t top, float *out)
{
    float best[MASK__MAX_TOP][LANES];
    if (top > regions) top = regions;
    for (size_t t = 0; t < top; t++)
        for (size_t l = 0; l < LANES; l++) best[t][l] = -INFINITY;
    for (size_t r = 0; r < regions; r++) {
        float values[LANES] = {0}, scale = inverse_norms[r];
        for (size_t l = 0; l < lanes; l++) values[l] = dots[r * stride + l] * scale;
        for (size_t t = 0; t < top; t++)
            for (size_t l = 0; l < LANES; l++) {
                float high = best[t][l] > values[l] ? best[t][l] : values[l];
                values[l] = best[t][l] > values[l] ? values[l] : best[t][l];
                best[t][l] = high;
            }
    }
    for (size_t l = 0; l < lanes; l++) {
        float sum = 0;
        for (size_t t = 0; t < top; t++) sum += best[t][l];
        out[l] = top ? sum / (float)top : 0;
    }
}

/* The mean over all regions of the cosine. */
static void pool_mean(const float *dots, size_t stride, const float *inverse_norms, size_t regions, size_t lanes,
                      float *out)
{
    float sum[LANES] = {0};
    for (size_t r = 0; r < regions; r++)
        for (size_t l = 0; l < lanes; l++) sum[l] += dots[r * stride + l] * inverse_norms[r];
    for (size_t l = 0; l < lanes; l++) out[l] = regions ? sum[l] / (float)regions : 0;
}

void mask__pool_words(const mask__pooling *p, const float *dots, size_t stride, const float *inverse_norms,
                      size_t regions, size_t words, float *to, size_t to_stride)
{
    float out[LANES];
    for (size_t w = 0; w < words; w += LANES) {
        size_t lanes = words - w < LANES ? words - w : LANES;
        if (p->mean) pool_mean(dots + w, stride, inverse_norms, regions, lanes, out);
        else if (lanes == 1) out[0] = pool_top_one(dots + w, stride, inverse_norms, regions, (size_t)p->top);
        else pool_top(dots + w, stride, inverse_norms, regions, lanes, (size_t)p->top, out);
        for (size_t l = 0; l < lanes; l++) to[(w + l) * to_stride] = out[l];
    }
}

static void summarise_image(const mask__region_block *b, size_t image, const mask__summaries *s)
{
    size_t dim = b->regions->dim, begin = b->row_of[image], end = b->row_of[image + 1], at = (b->first + image) * dim;
    if (s->mean) {
        memset(s->mean + at, 0, dim * sizeof(float));
        for (size_t r = begin; r < end; r++)
            mask__axpy(b->inverse_norms[r] / (float)(end - begin), b->mu + r * dim, s->mean + at, dim);
    }
    if (s->whole) {
        size_t r = begin + (size_t)s->whole_region;
        for (size_t d = 0; d < dim; d++) s->whole[at + d] = b->mu[r * dim + d] * b->inverse_norms[r];
    }
}

typedef void block_user(const block *b, void *context);

/* What the threads share. */
typedef struct stream {
    const mask__regions *regions;
    const mask__word_rows *prototypes;
    size_t words, rows_at_most, next; /* next: the first image nobody has taken */
    block_user *use;
    void *context;
    mask_status status; /* of the earliest block that failed, which no race decides; its message is in err */
    size_t failed_at;
    double seconds_gemm;
    const char *what;
    const mask_run *run;
    mask_error *err;
} stream;

/* Takes the next images; false when there are none or another thread failed. */
static bool take_block(stream *s, block *b)
{
    bool more;
#pragma omp critical(mask_columns)
    {
        b->r.first = s->next;
        more = s->status == MASK_OK && s->next < s->regions->count;
        if (more) {
            mask__region_block_extent(&b->r, s->regions->count);
            s->next += b->r.count;
        }
    }
    return more;
}

static void fail(stream *s, size_t first, mask_status status, const mask_error *err)
{
#pragma omp critical(mask_columns)
    if (s->status == MASK_OK || first < s->failed_at) {
        s->status = status;
        s->failed_at = first;
        if (s->err) *s->err = *err;
    }
}

/* One thread's share. Only the caller's thread tells progress. */
static void run_blocks(stream *s)
{
    block b;
    mask_error err = {0};
    mask_status status = block_open(&b, s->regions, s->words, s->rows_at_most, &err);
    while (status == MASK_OK && take_block(s, &b)) {
        if (omp_get_thread_num() == 0)
            status = mask__progress(s->run, s->what, "images", b.r.first, s->regions->count, &err);
        if (status == MASK_OK) status = mask__region_block_encode(&b.r, &err);
        if (status != MASK_OK) break;
        block_multiply(&b, s->prototypes);
        s->use(&b, s->context);
    }
    if (status != MASK_OK) fail(s, b.r.first, status, &err);
#pragma omp atomic
    s->seconds_gemm += b.seconds_gemm;
    block_close(&b);
}

/* Runs every block of images through encode and multiply, and hands it on, in any order and on any thread. */
static mask_status for_blocks(const mask__regions *regions, const mask__word_rows *prototypes, block_user *use,
                              void *context, mask__column_times *times, const char *what, const mask_run *run,
                              mask_error *err)
{
    size_t rows = 0, words = prototypes->count[0] + prototypes->count[1];
    for (size_t i = 0; i < regions->count; i++) rows += mask__regions_in(regions, i);
    size_t at_most = words <= MANY_WORDS ? BLOCK_ROWS : BLOCK_ROWS * MANY_WORDS / words + 1;
    if (at_most > rows) at_most = rows + 1;
    stream s = {.regions = regions,
                .prototypes = prototypes,
                .words = words,
                .rows_at_most = at_most,
                .use = use,
                .context = context,
                .what = what,
                .run = run,
                .err = err};
    double start = omp_get_wtime();
    int threads = 1;
#pragma omp parallel
    {
#pragma omp single nowait
        threads = omp_get_num_threads();
        run_blocks(&s);
    }
    times->seconds += omp_get_wtime() - start;
    times->seconds_gemm += s.seconds_gemm / threads;
    times->gflop_gemm += 2e-9 * (double)rows * (double)words * (double)regions->dim;
    return s.status;
}

typedef struct pool_job {
    const mask__pooling *pooling;
    const mask__summaries *summaries;
    float *pooled;
} pool_job;

/* Pools one image of the block into column-major output; images of a block are neighbours there. */
static void pool_image(const block *b, size_t image, const pool_job *job)
{
    size_t begin = b->r.row_of[image], regions = b->r.row_of[image + 1] - begin, count = b->r.regions->count;
    const float *dots = b->dots + begin * b->words, *norms = b->r.inverse_norms + begin;
    const mask__summaries *s = job->summaries;
    mask__pool_words(job->pooling, dots, b->words, norms, regions, b->words, job->pooled + b->r.first + image, count);
    if (s && s->whole_columns)
        mask__pool_words(&(mask__pooling){.top = 1}, dots + (size_t)s->whole_region * b->words, b->words,
                         norms + s->whole_region, 1, b->words, s->whole_columns + b->r.first + image, count);
    if (s) summarise_image(&b->r, image, s);
}

static void pool_block(const block *b, void *context)
{
    for (size_t i = 0; i < b->r.count; i++) pool_image(b, i, context);
}

mask_status mask__columns_compute(const mask__regions *regions, const mask__word_rows *prototypes,
                                  const mask__pooling *pooling, float *pooled, const mask__summaries *summaries,
                                  mask__column_times *times, const char *what, const mask_run *run, mask_error *err)
{
    if (!pooling->mean && (pooling->top < 1 || pooling->top > MASK__MAX_TOP))
        return mask__fail(err, MASK_EINVAL, "top must be between 1 and %d regions", MASK__MAX_TOP);
    for (size_t i = 0; summaries && summaries->whole && i < regions->count; i++)
        if ((size_t)summaries->whole_region >= mask__regions_in(regions, i))
            return mask__fail(
                err, MASK_EMISMATCH,
                "image %zu has %zu regions, so region %d cannot be its whole image: use the mean of the regions", i,
                mask__regions_in(regions, i), summaries->whole_region);
    pool_job job = {pooling, summaries, pooled};
    return for_blocks(regions, prototypes, pool_block, &job, times, what, run, err);
}

typedef struct visit_job {
    mask__image_visitor *each;
    void *context;
    bool short_of_memory;
} visit_job;

static void transpose_cosines(const block *b, size_t image, float *cosines)
{
    size_t begin = b->r.row_of[image], regions = b->r.row_of[image + 1] - begin;
    for (size_t r = 0; r < regions; r++)
        for (size_t w = 0; w < b->words; w++)
            cosines[w * regions + r] = b->dots[(begin + r) * b->words + w] * b->r.inverse_norms[begin + r];
}

static void visit_block(const block *b, void *context)
{
    visit_job *job = context;
    for (size_t i = 0; i < b->r.count; i++) {
        size_t regions = b->r.row_of[i + 1] - b->r.row_of[i];
        float *cosines = malloc((regions * b->words + 1) * sizeof *cosines);
        if (!cosines) {
#pragma omp atomic write
            job->short_of_memory = true;
            continue;
        }
        transpose_cosines(b, i, cosines);
        job->each(job->context, b->r.first + i, cosines, regions);
        free(cosines);
    }
}

mask_status mask__columns_visit(const mask__regions *regions, const mask__word_rows *prototypes,
                                mask__image_visitor *each, void *context, mask__column_times *times, const char *what,
                                const mask_run *run, mask_error *err)
{
    visit_job job = {.each = each, .context = context};
    MASK__TRY(for_blocks(regions, prototypes, visit_block, &job, times, what, run, err));
    return job.short_of_memory ? mask__no_memory(err, "word by region tables") : MASK_OK;
}

mask_status mask__columns_table(const mask__regions *regions, size_t image, const float *prototypes, size_t words,
                                float *cosines, mask_error *err)
{
    block b;
    mask_status status = block_open(&b, regions, words, mask__regions_in(regions, image), err);
    if (status == MASK_OK) {
        b.r.first = image;
        mask__region_block_extent(&b.r, 1);
        status = mask__region_block_encode(&b.r, err);
    }
    if (status == MASK_OK) {
        block_multiply(&b, &(mask__word_rows){{prototypes}, {words}});
        transpose_cosines(&b, 0, cosines);
    }
    block_close(&b);
    return status;
}
