#include "gallery/build.h"
#include "images/images.h"
#include "gallery/budget.h"
#include "gallery/segment_write.h"
#include "gallery/stored.h"
#include "math/gemm.h"
#include "nn/product.h"

#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>

/* Rows and words of one product: its results are pooled while they are in cache. */
enum { ROWS = 1152, WORDS = 1024 };
enum { MEMORY = 448 << 20, MOST_IMAGES = 65536 };

/* What the threads share. */
typedef struct job {
    const mask__calibration *calibration;
    const mask__segment_source *source;
    size_t keep; /* regions an image; SIZE_MAX = all */
    mask__budget budget;
    mask__regions regions;
    mask__draft draft;
    mask_status status; /* of the first block that failed; its message is in err */
    double seconds_gemm, gflop;
    float loss; /* of vectors, where products round them */
    const mask_run *run;
    mask_error *err;
} job;

/* A thread's block of images: the rows that are kept, and what is made of them. */
typedef struct block {
    job *job;
    mask__region_block in; /* of a set of images */
    size_t first, count;
    size_t row_of[MASK__BLOCK + 1];
    size_t rows, capacity, image_capacity;
    float *mu;    /* rows x Z, unit */
    float *image; /* all regions of one image, unit, and scratch to order them */
    uint32_t *order;
    float *mean, *whole;  /* MASK__BLOCK x Z; whole: of the set's whole region, or the mean of the regions */
    float *scenes;        /* MASK__BLOCK x Z */
    float *ones;          /* inverse norms of unit rows */
    float *dots;          /* rows x WORDS */
    float *pooled, *part; /* WORDS x MASK__BLOCK */
    float *c;             /* terms x MASK__BLOCK */
    double seconds_gemm, gflop;
    mask__product *product; /* NULL: float */
    float loss;             /* of vectors, where a product rounds them */
    mask__arena arena;
} block;

static size_t kept_regions(const job *j, size_t image)
{
    const mask__segment_source *from = j->source;
    size_t regions = 0;
    if (from->images) {
        regions = mask__regions_in(&j->regions, image);
    } else {
        const mask__kept_image *kept = &from->kept[image];
        const uint64_t *rows = kept->segment->image_rows + kept->image;
        regions = (size_t)(rows[1] - rows[0]);
    }
    return regions < j->keep ? regions : j->keep;
}

/* h(i) and D(i) of images that are kept stay what they were. */
static bool makes_statistics(const job *j)
{
    return j->source->images || j->source->anew;
}

static mask_status block_open(block *b, job *j, mask_error *err)
{
    size_t z = j->calibration->z, most = j->draft.most_regions > ROWS ? j->draft.most_regions : ROWS;
    *b = (block){.job = j};
    if (j->source->images) MASK__TRY(mask__region_block_open(&b->in, &j->regions, ROWS, err));
    b->mean = mask__arena_alloc(&b->arena, MASK__BLOCK * z, sizeof(float));
    b->whole = mask__arena_alloc(&b->arena, MASK__BLOCK * z, sizeof(float));
    b->scenes = mask__arena_alloc(&b->arena, MASK__BLOCK * z, sizeof(float));
    b->ones = mask__arena_alloc(&b->arena, most, sizeof(float));
    b->dots = mask__arena_alloc(&b->arena, most * WORDS, sizeof(float));
    b->pooled = mask__arena_alloc(&b->arena, WORDS * MASK__BLOCK, sizeof(float));
    b->part = mask__arena_alloc(&b->arena, WORDS * MASK__BLOCK, sizeof(float));
    b->c = mask__arena_alloc(&b->arena, j->draft.terms * MASK__BLOCK, sizeof(float));
    if (b->arena.lost) return mask__no_memory(err, "a block of images");
    for (size_t r = 0; r < most; r++) b->ones[r] = 1;
    return j->source->bf16 ? mask__product_make(&b->product, (most > WORDS ? most : WORDS) * z, err) : MASK_OK;
}

static void block_close(block *b)
{
    mask__region_block_close(&b->in);
    mask__product_free(b->product);
    mask__arena_free(&b->arena);
    free(b->mu);
    free(b->image);
    free(b->order);
}

static mask_status grow_rows(block *b, size_t more, mask_error *err)
{
    size_t z = b->job->calibration->z;
    return mask__grow(&b->mu, &b->capacity, b->rows + more, z * sizeof *b->mu)
               ? MASK_OK
               : mask__no_memory(err, "a block of images");
}

/* Room for one image's regions, its order and the scratch that ordering takes. */
static mask_status grow_image(block *b, size_t regions, mask_error *err)
{
    const job *j = b->job;
    size_t floats = regions * j->calibration->z + mask__budget_scratch(&j->budget, regions), orders = b->image_capacity;
    MASK__TRY(mask__room(&b->image, &b->image_capacity, floats, sizeof *b->image, "an image", err));
    if (b->image_capacity == orders) return MASK_OK;
    uint32_t *order = realloc(b->order, (b->image_capacity / j->calibration->z + 1) * sizeof *order);
    if (!order) return mask__no_memory(err, "an image");
    b->order = order;
    return MASK_OK;
}

/* ---- Images of a set ---- */

/* Everything is computed from vectors as the segment will hold them. */
static void as_stored(const job *j, float *vectors, size_t count)
{
    mask__stored_round(j->draft.type, vectors, count, j->calibration->z);
}

/* What is left of an image once its regions (unit rows) are gone. */
static void summarise(block *b, size_t i, const float *rows, size_t regions)
{
    const mask__calibration *s = b->job->calibration;
    size_t z = s->z;
    int whole = s->options.whole_region;
    float *mean = b->mean + i * z;
    memset(mean, 0, z * sizeof *mean);
    for (size_t r = 0; r < regions; r++) mask__axpy(1 / (float)regions, rows + r * z, mean, z);
    memcpy(b->whole + i * z, whole >= 0 ? rows + (size_t)whole * z : mean, z * sizeof *mean);
}

/* Scene and whole-image vectors of the block's images from what is left of them. */
static mask_status project(block *b, mask_error *err)
{
    job *j = b->job;
    const mask__calibration *s = j->calibration;
    size_t z = s->z;
    if (j->draft.scenes) {
        const float *whole = s->options.whole_region >= 0 ? b->whole : NULL;
        MASK__TRY(mask__calibration_scenes(s, b->mean, whole, b->count, b->scenes, err));
        as_stored(j, b->scenes, b->count);
        memcpy(j->draft.scenes + b->first * z, b->scenes, b->count * z * sizeof *b->scenes);
    }
    if (j->draft.whole) {
        for (size_t i = 0; i < b->count; i++) mask__normalise(b->whole + i * z, z);
        as_stored(j, b->whole, b->count);
        memcpy(j->draft.whole + b->first * z, b->whole, b->count * z * sizeof *b->whole);
    }
    return MASK_OK;
}

static void keep_box(block *b, size_t i, size_t region, size_t row)
{
    const job *j = b->job;
    const size_t *which = j->source->which;
    float *box = j->draft.boxes + row * 4;
    size_t image = which ? which[b->first + i] : b->first + i;
    for (int c = 0; c < 4; c++) box[c] = NAN;
    mask_images_box(j->source->images, image, region, box);
}

/* Takes image i of the block, whose regions start at `from` of b->in. */
static mask_status take_image(block *b, size_t i, size_t from, size_t regions, mask_error *err)
{
    job *j = b->job;
    size_t z = j->calibration->z, kept = regions < j->keep ? regions : j->keep;
    MASK__TRY(grow_image(b, regions, err));
    MASK__TRY(grow_rows(b, kept, err));
    for (size_t r = 0; r < regions; r++)
        for (size_t d = 0; d < z; d++)
            b->image[r * z + d] = b->in.mu[(from + r) * z + d] * b->in.inverse_norms[from + r];
    as_stored(j, b->image, regions);
    summarise(b, i, b->image, regions);
    for (size_t r = 0; r < kept; r++) b->order[r] = (uint32_t)r;
    if (j->keep != SIZE_MAX && regions)
        mask__budget_order(&j->budget, b->image, regions, kept, b->order, b->image + regions * z);
    for (size_t r = 0; r < kept; r++) {
        size_t row = j->draft.image_rows[b->first + i] + r;
        memcpy(b->mu + (b->rows + r) * z, b->image + b->order[r] * z, z * sizeof *b->mu);
        j->draft.region_of_row[row] = b->order[r];
        keep_box(b, i, b->order[r], row);
    }
    b->rows += kept;
    return MASK_OK;
}

static mask_status take_images(block *b, mask_error *err)
{
    for (size_t done = 0; done < b->count; done += b->in.count) {
        b->in.first = b->first + done;
        mask__region_block_extent(&b->in, b->count - done);
        MASK__TRY(mask__region_block_encode(&b->in, err));
        for (size_t i = 0; i < b->in.count; i++) {
            size_t from = b->in.row_of[i];
            MASK__TRY(take_image(b, done + i, from, b->in.row_of[i + 1] - from, err));
            b->row_of[done + i + 1] = b->rows;
        }
    }
    return project(b, err);
}

/* ---- Images of older segments ---- */

static mask_status copy_images(block *b, mask_error *err)
{
    job *j = b->job;
    mask__draft *d = &j->draft;
    size_t z = d->z;
    for (size_t i = 0; i < b->count; i++) {
        const mask__kept_image *from = &j->source->kept[b->first + i];
        const mask__segment *old = from->segment;
        size_t kept = kept_regions(j, b->first + i), row = d->image_rows[b->first + i],
               at = old->image_rows[from->image];
        MASK__TRY(grow_rows(b, kept, err));
        MASK__TRY(grow_image(b, old->most_regions + 2, err));
        mask__image_vectors vectors = mask__segment_image(old, from->image, b->image);
        memcpy(b->mu + b->rows * z, vectors.mu, kept * z * sizeof *b->mu);
        memcpy(d->region_of_row + row, old->region_of_row + at, kept * sizeof *d->region_of_row);
        for (size_t v = 0; v < kept * 4; v++) d->boxes[row * 4 + v] = old->boxes ? old->boxes[at * 4 + v] : NAN;
        if (j->source->anew) summarise(b, i, vectors.mu, kept);
        b->row_of[i + 1] = b->rows += kept;
        if (j->source->anew) continue;
        if (d->whole) memcpy(d->whole + (b->first + i) * z, vectors.whole, z * sizeof *d->whole);
        if (d->scenes) memcpy(d->scenes + (b->first + i) * z, vectors.scene, z * sizeof *d->scenes);
        d->image_hub[b->first + i] = old->image_hub[from->image];
        d->image_deviation[b->first + i] = old->image_deviation[from->image];
    }
    return j->source->anew ? project(b, err) : MASK_OK;
}

/* ---- Columns ---- */

static void multiply(block *b, size_t m, size_t n, const float *rows, const float *columns, float *out, size_t stride)
{
    double start = omp_get_wtime();
    size_t z = b->job->calibration->z;
    mask__product_run(b->product, false, true, m, n, z, rows, z, columns, z, 0, out, stride);
    b->seconds_gemm += omp_get_wtime() - start;
    b->gflop += 2e-9 * (double)m * (double)n * (double)z;
}

/* A_w(i) of `words` terms from w on: b->pooled. */
static void pool_words(block *b, size_t w, size_t words)
{
    const mask__calibration *s = b->job->calibration;
    mask__pooling pooling = {.mean = s->options.pool == MASK_POOL_MEAN, .top = s->options.top};
    for (size_t i = 0; i < b->count;) {
        size_t first = i, begin = b->row_of[i++];
        while (i < b->count && b->row_of[i + 1] - begin <= ROWS) i++;
        multiply(b, b->row_of[i] - begin, words, b->mu + begin * s->z, s->known.prototypes + w * s->z, b->dots, words);
        for (size_t n = first; n < i; n++)
            mask__pool_words(&pooling, b->dots + (b->row_of[n] - begin) * words, words, b->ones,
                             b->row_of[n + 1] - b->row_of[n], words, b->pooled + n, MASK__BLOCK);
    }
}

static void add_part(block *b, size_t w, size_t words, const float *prototypes, const float *vectors,
                     const mask__affine *affines)
{
    const mask__calibration *s = b->job->calibration;
    multiply(b, words, b->count, prototypes + w * s->z, vectors, b->part, MASK__BLOCK);
    for (size_t k = 0; k < words; k++) {
        const float *x = b->part + k * MASK__BLOCK;
        float *c = b->c + (w + k) * MASK__BLOCK;
        mask__affine a = affines[w + k];
        for (size_t i = 0; i < b->count; i++) c[i] += (x[i] - a.mean) * a.scale;
    }
}

/* c_w(i) of all terms into b->c, and codes into the draft. */
static void make_columns(block *b)
{
    const mask__calibration *s = b->job->calibration;
    mask__draft *d = &b->job->draft;
    size_t terms = d->terms, at = b->first / MASK__BLOCK;
    const float *whole = d->whole ? d->whole + b->first * d->z : NULL;
    const float *scenes = d->scenes ? d->scenes + b->first * d->z : NULL;
    if (b->product) {
        b->loss = fmaxf(b->loss, mask__product_loss(b->mu, b->rows, d->z));
        if (whole) b->loss = fmaxf(b->loss, mask__product_loss(whole, b->count, d->z));
        if (scenes) b->loss = fmaxf(b->loss, mask__product_loss(scenes, b->count, d->z));
    }
    for (size_t w = 0; w < terms; w += WORDS) {
        size_t words = terms - w < WORDS ? terms - w : WORDS;
        pool_words(b, w, words);
        for (size_t k = 0; k < words; k++) {
            mask__affine a = s->known.pooled[w + k];
            const float *pooled = b->pooled + k * MASK__BLOCK;
            float *c = b->c + (w + k) * MASK__BLOCK;
            for (size_t i = 0; i < b->count; i++) c[i] = (pooled[i] - a.mean) * a.scale;
        }
        if (s->known.whole) add_part(b, w, words, s->known.prototypes, whole, s->known.whole);
        if (s->known.scene) add_part(b, w, words, s->known.scenes, scenes, s->known.scene);
        for (size_t k = 0; k < words; k++) {
            size_t code = (w + k) * d->stride + b->first, step = (w + k) * d->blocks + at;
            if (w + k < d->words)
                d->pooled_steps[step] = mask__quantise(b->pooled + k * MASK__BLOCK, b->count, d->pooled_codes + code);
            d->score_steps[step] = mask__quantise(b->c + (w + k) * MASK__BLOCK, b->count, d->score_codes + code);
        }
    }
}

static mask_status image_statistics(block *b, mask_error *err)
{
    float hub[MASK__BLOCK], deviation[MASK__BLOCK];
    mask__draft *d = &b->job->draft;
    const mask__calibration *s = b->job->calibration;
    MASK__CLOSED(mask__arena_free) mask__arena work = {0};
    float *z = mask__arena_matrix(&work, s->texts.count, MASK__BLOCK, sizeof *z);
    if (!z) return mask__no_memory(err, "image statistics");
    mask__text_means(&s->texts, b->c, MASK__BLOCK, z, MASK__BLOCK);
    MASK__TRY(mask__calibration_image_statistics(s, z, MASK__BLOCK, hub, deviation, err));
    memcpy(d->image_hub + b->first, hub, b->count * sizeof *hub);
    memcpy(d->image_deviation + b->first, deviation, b->count * sizeof *deviation);
    return MASK_OK;
}

static mask_status tell(const job *j, size_t done, mask_error *err)
{
    return mask__progress(j->run, "indexing", "images", j->source->progress_done + done, j->source->progress_total,
                          err);
}

static mask_status build_block(block *b, mask_error *err)
{
    const mask__segment_source *from = b->job->source;
    b->rows = b->row_of[0] = 0;
    if (omp_get_thread_num() == 0) MASK__TRY(tell(b->job, b->first, err));
    MASK__TRY(from->images ? take_images(b, err) : copy_images(b, err));
    make_columns(b);
    return makes_statistics(b->job) ? image_statistics(b, err) : MASK_OK;
}

/* ---- All of it ---- */

/* Blocks are made in any order and written in theirs, so that of two failures the earlier block's is told. */
static void build_blocks(job *j)
{
#pragma omp parallel
    {
        block b;
        mask_error opening = {0};
        mask_status opened = block_open(&b, j, &opening);
#pragma omp for ordered schedule(monotonic : dynamic, 1)
        for (size_t at = 0; at < j->draft.blocks; at++) {
            mask_error err = opening;
            mask_status status = opened, before;
#pragma omp atomic read
            before = j->status;
            b.first = at * MASK__BLOCK;
            b.count = j->draft.images - b.first < MASK__BLOCK ? j->draft.images - b.first : MASK__BLOCK;
            if (status == MASK_OK && before == MASK_OK) status = build_block(&b, &err);
#pragma omp ordered
            {
                if (j->status == MASK_OK && status == MASK_OK)
                    status = mask__draft_append(&j->draft, b.mu, b.rows, &err);
                if (j->status == MASK_OK && status != MASK_OK) {
#pragma omp atomic write
                    j->status = status;
                    if (j->err) *j->err = err;
                }
            }
        }
#pragma omp critical(mask_build)
        {
            j->seconds_gemm += b.seconds_gemm / omp_get_num_threads();
            j->gflop += b.gflop;
            j->loss = fmaxf(j->loss, b.loss);
        }
        block_close(&b);
    }
}

static mask_status check_source(const job *j, mask_error *err)
{
    const mask__segment_source *from = j->source;
    const mask__calibration *s = j->calibration;
    int whole = s->options.whole_region;
    if (!from->count) return mask__fail(err, MASK_EINVAL, "a segment needs at least 1 image");
    if (from->images) MASK__TRY(mask__knowledge_check_images(s->knowledge, from->images, err));
    for (size_t i = 0; from->images && whole >= 0 && i < from->count; i++)
        if ((size_t)whole >= mask__regions_in(&j->regions, i))
            return mask__fail(
                err, MASK_EMISMATCH,
                "%s: image %s has %zu regions, so region %d cannot be its whole image, as it is in this gallery",
                mask__images_path(from->images), mask_images_id(from->images, from->which ? from->which[i] : i),
                mask__regions_in(&j->regions, i), whole);
    for (size_t i = 0; !from->images && i < from->count; i++) {
        const mask__segment *old = from->kept[i].segment;
        bool fits = old->z == s->z && old->words == s->known.count && (s->options.scene > 0) == (old->scenes != NULL) &&
                    (old->whole || (s->options.scene > 0 && !(s->options.context > 0)));
        if (!fits)
            return mask__fail(err, MASK_EMISMATCH, "%s: was made with another knowledge or other options",
                              old->pack.path);
    }
    return MASK_OK;
}

static mask_status open_draft(job *j, const char *path, mask_error *err)
{
    size_t count = j->source->count;
    MASK__FREED uint64_t *rows = calloc(count + 1, sizeof *rows);
    if (!rows) return mask__no_memory(err, path);
    mask__dtype type = j->source->images ? j->source->type : j->source->kept[0].segment->type;
    for (size_t i = 0; i < count; i++) {
        rows[i + 1] = rows[i] + kept_regions(j, i);
        if (!j->source->images && j->source->kept[i].segment->type != type) type = MASK__F32;
    }
    if (type == MASK__U8 && j->calibration->z < 5) /* lengths tell the types apart elsewhere */
        return mask__fail(err, MASK_EINVAL, "vectors of so few dimensions are not kept in 8 bits");
    return mask__draft_open(&j->draft, path, j->calibration, rows, count, type, err);
}

/* x' y' - x y = (x' - x) y' + x (y' - y), of unit x and y. */
static float rounding_of(const job *j)
{
    const mask__scored_terms *known = &j->calibration->known;
    size_t z = j->calibration->z;
    float words = mask__product_loss(known->prototypes, known->count, z);
    if (known->scene) words = fmaxf(words, mask__product_loss(known->scenes, known->count, z));
    return 1.01f * (words + j->loss);
}

size_t mask__segment_capacity(const mask__calibration *s)
{
    size_t bytes = 2 * s->known.count + s->others.count + 2 * s->z * (sizeof(float) + 1), images = MEMORY / bytes;
    if (images > MOST_IMAGES) images = MOST_IMAGES;
    return images < MASK__BLOCK ? MASK__BLOCK : images - images % MASK__BLOCK;
}

mask_status mask__segment_build(const char *path, const mask__calibration *s, const mask__segment_source *source,
                                size_t budget, mask__column_times *times, const mask_run *run, mask_error *err)
{
    job j = {.calibration = s, .source = source, .keep = budget ? budget : SIZE_MAX, .run = run, .err = err};
    double start = omp_get_wtime();
    MASK__USE_THREADS(mask__threads(run));
    if (source->images) {
        j.regions = mask__regions_of_images(source->images, &s->knowledge->representation);
        j.regions.which = source->which;
        j.regions.count = source->count;
    }
    MASK__TRY(check_source(&j, err));
    MASK__TRY(tell(&j, 0, err)); /* later only the caller's thread can, and it may be given no block */
    if (budget && source->images) MASK__TRY(mask__budget_open(&j.budget, s, err));
    mask_status status = open_draft(&j, path, err);
    if (status == MASK_OK) {
        build_blocks(&j);
        status = j.status;
    }
    if (status == MASK_OK && source->bf16) j.draft.rounding = rounding_of(&j);
    if (status == MASK_OK) status = mask__draft_commit(&j.draft, err);
    mask__draft_close(&j.draft);
    mask__budget_close(&j.budget);
    if (times) {
        times->seconds += omp_get_wtime() - start;
        times->seconds_gemm += j.seconds_gemm;
        times->gflop_gemm += j.gflop;
    }
    return status;
}
