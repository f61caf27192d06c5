/* mask_knowledge_adapt: domain fine-tuning with unpaired data (the paper's Appendix H; docs/adaptation.md).
 *
 * Learns W by cycle.c's loss over batches of texts' words and of images' regions. Refuses to know of a pairing: texts
 * and images are shuffled apart by the seed, ids and order are never looked at, and what decides when to stop is the
 * same loss on texts and images that were held out. Images are encoded batch by batch, never held whole. */
#include "adapt/cycle.h"
#include "base/options.h"
#include "images/images.h"
#include "knowledge/lexicon.h"
#include "math/gemm.h"
#include "math/eigen.h"
#include "math/vector.h"
#include "nn/adam.h"
#include "nn/random.h"

#include <stdio.h>

enum { PATIENCE = 2, TEXT_STREAM = 1, IMAGE_STREAM = 2 }; /* epochs without a gain; streams of random numbers */
static const double least_gain = 1e-4;                    /* of the held-out loss, relatively: less is noise */

typedef struct learner {
    const mask_knowledge *knowledge;
    const mask_images *images;
    mask_adapt_options o;
    mask__lexicon lexicon;
    float *prototypes;                                         /* terms x Z, unit */
    size_t *texts, *pictures;                                  /* orders: learned from, then held out */
    size_t text_count, picture_count, text_held, picture_held; /* learned from; held out */
    mask__cycle cycle;
    mask__encoding encoding;
    float *features, *mu;                        /* of a batch of images */
    float *u;                                    /* of a batch of texts */
    size_t *offsets;                             /* batch_images + 1 */
    uint32_t *stamp, batch;                      /* terms: the batch that used it last */
    float *w, *best, *gradient, *first, *second; /* Z x Z */
    mask__arena arena;
} learner;

static mask_status check_inputs(const mask_knowledge *k, const mask_images *images, const mask_texts *texts,
                                mask_error *err)
{
    MASK__TRY(mask__knowledge_check_images(k, images, err));
    if (mask_images_count(images) < 2 || mask_texts_count(texts) < 2)
        return mask__fail(err, MASK_EINVAL,
                          "adaptation needs at least 2 images and 2 texts, for some of each are held out");
    return MASK_OK;
}

/* ---- Orders ---- */

/* The order depends on seed, stream and epoch only. */
static void shuffle(size_t *order, size_t count, uint64_t seed, uint64_t stream, uint64_t epoch)
{
    mask__shuffle(order, count, mask__random(mask__random(seed, stream), epoch));
}

/* Everything shuffled, the last `held` kept apart. */
static size_t *make_order(learner *l, size_t count, uint64_t seed, uint64_t stream, size_t *held)
{
    size_t *order = mask__arena_alloc(&l->arena, count, sizeof *order);
    for (size_t i = 0; order && i < count; i++) order[i] = i;
    if (order) shuffle(order, count, seed, stream, 0);
    *held = (size_t)((float)count * l->o.held_out);
    if (*held < 1) *held = 1;
    if (*held >= count) *held = count - 1;
    return order;
}

/* Texts without a usable word say nothing: they leave the order. */
static size_t keep_useful(const learner *l, size_t *order, size_t count)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++)
        if (l->lexicon.text_at[order[i]] < l->lexicon.text_at[order[i] + 1]) order[kept++] = order[i];
    return kept;
}

/* ---- Batches ---- */

/* The unit prototypes of the distinct words of texts order[first .. first + count) into u; how many. */
static size_t gather_words(learner *l, const size_t *order, size_t count)
{
    const mask__lexicon *x = &l->lexicon;
    size_t words = 0, z = l->knowledge->info.dim;
    l->batch++;
    for (size_t t = 0; t < count; t++)
        for (size_t p = x->text_at[order[t]]; p < x->text_at[order[t] + 1]; p++) {
            uint32_t term = x->text_terms[p];
            if (l->stamp[term] == l->batch) continue;
            l->stamp[term] = l->batch;
            memcpy(l->u + words++ * z, l->prototypes + term * z, z * sizeof *l->u);
        }
    return words;
}

/* The unit representations of the regions of `count` images, the order going round from `first`; *regions of them. */
static mask_status gather_regions(learner *l, const size_t *order, size_t size, size_t first, size_t count,
                                  size_t *regions, mask_error *err)
{
    size_t rows = 0, where, z = l->knowledge->info.dim, in = l->knowledge->representation.in;
    for (size_t i = 0; i < count; i++) {
        const float *features;
        size_t got, image = order[(first + i) % size];
        MASK__TRY(mask__images_block(l->images, image, 1, l->features + rows * in, &features, &got, err));
        if (features != l->features + rows * in) memcpy(l->features + rows * in, features, got * in * sizeof *features);
        if (!mask__all_finite(l->features + rows * in, got * in, &where))
            return mask__images_refuse(l->images, image, err);
        l->offsets[i] = rows;
        rows += got;
    }
    l->offsets[count] = rows;
    memcpy(l->mu, mask__encoding_run(&l->encoding, l->features, l->offsets, count), rows * z * sizeof *l->mu);
#pragma omp parallel for schedule(static)
    for (size_t r = 0; r < rows; r++) mask__normalise(l->mu + r * z, z);
    *regions = rows;
    return MASK_OK;
}

static size_t batch_count(const learner *l, size_t texts)
{
    return (texts + l->o.batch_texts - 1) / l->o.batch_texts;
}

/* The loss of batch n of texts and images, which go round, each by its own order; *rows of them. */
static mask_status batch_loss(learner *l, const size_t *texts, size_t text_count, const size_t *pictures,
                              size_t picture_count, size_t n, float *gradient, double *loss, size_t *rows,
                              mask_error *err)
{
    size_t at = n * l->o.batch_texts, regions, images = mask__least(l->o.batch_images, picture_count);
    size_t words = gather_words(l, texts + at, mask__least(l->o.batch_texts, text_count - at));
    MASK__TRY(gather_regions(l, pictures, picture_count, n * images, images, &regions, err));
    *loss = mask__cycle_loss(&l->cycle, l->u, words, l->mu, regions, l->w, l->o.temperature, gradient);
    *rows = words + regions;
    return MASK_OK;
}

/* Judged on unit vectors, as matching sees them, however it is learned. */
static mask_status held_out_loss(learner *l, double *mean, mask_error *err)
{
    l->cycle.unit = true;
    double sum = 0, loss;
    size_t all = 0, rows;
    for (size_t n = 0; n < batch_count(l, l->text_held); n++) {
        MASK__TRY(batch_loss(l, l->texts + l->text_count, l->text_held, l->pictures + l->picture_count, l->picture_held,
                             n, NULL, &loss, &rows, err));
        sum += loss;
        all += rows;
    }
    l->cycle.unit = l->o.unit;
    *mean = sum / (double)all;
    if (isfinite(*mean)) return MASK_OK;
    return mask__fail(err, MASK_ENUMERIC, "the loss of adaptation is no longer a number: use a lower rate");
}

/* ---- Learning ---- */

static mask_status run_epoch(learner *l, mask__adam *adam, size_t epoch, uint64_t seed, const mask_run *run,
                             mask_error *err)
{
    char what[64];
    size_t z = l->knowledge->info.dim, batches = batch_count(l, l->text_count);
    snprintf(what, sizeof what, "adaptation, epoch %zu", epoch);
    shuffle(l->texts, l->text_count, seed, TEXT_STREAM, epoch);
    shuffle(l->pictures, l->picture_count, seed, IMAGE_STREAM, epoch);
    for (size_t n = 0; n < batches; n++) {
        double loss;
        size_t rows;
        MASK__TRY(mask__progress(run, what, "batches", n, batches, err));
        MASK__TRY(
            batch_loss(l, l->texts, l->text_count, l->pictures, l->picture_count, n, l->gradient, &loss, &rows, err));
        if (!isfinite(mask__adam_step(adam, l->o.rate, z * z, l->gradient, l->first, l->second, l->w)))
            return mask__fail(err, MASK_ENUMERIC, "the gradient of adaptation is no longer a number: use a lower rate");
    }
    return MASK_OK;
}

/* Keeps in `best` the W with the lowest held-out loss, the identity included. */
static mask_status fit(learner *l, mask_adapt_report *report, const mask_run *run, mask_error *err)
{
    size_t z = l->knowledge->info.dim;
    uint64_t seed = run ? run->seed : 0;
    mask__adam adam = MASK__ADAM_DEFAULTS;
    for (size_t d = 0; d < z; d++) l->w[d * z + d] = l->best[d * z + d] = 1;
    MASK__TRY(held_out_loss(l, &report->before, err));
    report->after = report->before;
    while (report->epochs < l->o.epochs && report->epochs < report->kept + PATIENCE) {
        double loss;
        report->epochs++;
        MASK__TRY(run_epoch(l, &adam, report->epochs, seed, run, err));
        MASK__TRY(held_out_loss(l, &loss, err));
        mask__log(run, MASK_LOG_INFO, "epoch %zu: held-out loss %.4f, %.4f without adaptation", report->epochs, loss,
                  report->before);
        if (!(loss < report->after * (1 - least_gain))) continue;
        report->after = loss;
        report->kept = report->epochs;
        memcpy(l->best, l->w, z * z * sizeof *l->w);
    }
    return MASK_OK;
}

static mask_status prepare_texts(learner *l, const mask_texts *texts, const mask_vectors *vectors, uint64_t seed,
                                 mask_error *err)
{
    size_t count = mask_texts_count(texts), z = l->knowledge->info.dim, held;
    mask_match_options o = mask_match_defaults(l->knowledge);
    if (!vectors) o.ood = MASK_OOD_OFF;
    MASK__TRY(mask__lexicon_open(&l->lexicon, l->knowledge, vectors, err));
    for (size_t t = 0; t < count; t++) MASK__TRY(mask__lexicon_add_text(&l->lexicon, mask_texts_get(texts, t), err));
    size_t terms = l->lexicon.names.count;
    mask__term_values values;
    o.scene = 0;
    l->u = mask__arena_alloc(&l->arena, terms * z, sizeof(float));
    l->stamp = mask__arena_alloc(&l->arena, terms, sizeof *l->stamp);
    l->texts = make_order(l, count, seed, TEXT_STREAM, &held);
    if (!l->u || !l->stamp || !l->texts) return mask__no_memory(err, "adaptation");
    size_t useful = keep_useful(l, l->texts, count);
    if (useful < 2)
        return mask__fail(err, MASK_EMISMATCH,
                          "fewer than 2 texts have a word that the knowledge or its vectors know: give texts in the "
                          "knowledge's language");
    l->text_held = held < useful ? held : useful - 1;
    l->text_count = useful - l->text_held;
    MASK__TRY(mask__term_values_make(&values, &l->lexicon, &o, &l->arena, err));
    l->prototypes = values.prototypes;
    return MASK_OK;
}

static mask_status prepare_images(learner *l, uint64_t seed, mask_error *err)
{
    size_t count = mask_images_count(l->images), most = 0, z = l->knowledge->info.dim,
           in = l->knowledge->representation.in;
    l->pictures = make_order(l, count, seed, IMAGE_STREAM, &l->picture_held);
    l->picture_count = count - l->picture_held;
    for (size_t i = 0; i < count; i++)
        if (mask_images_regions(l->images, i) > most) most = mask_images_regions(l->images, i);
    size_t images = mask__least(l->o.batch_images, count), rows = images * most;
    l->features = mask__arena_alloc(&l->arena, rows * in, sizeof(float));
    l->mu = mask__arena_alloc(&l->arena, rows * z, sizeof(float));
    l->offsets = mask__arena_alloc(&l->arena, images + 1, sizeof *l->offsets);
    float **squares[] = {&l->w, &l->best, &l->gradient, &l->first, &l->second};
    bool enough = l->pictures && l->features && l->mu && l->offsets;
    for (size_t i = 0; enough && i < sizeof squares / sizeof *squares; i++)
        enough = (*squares[i] = mask__arena_alloc(&l->arena, z * z, sizeof(float))) != NULL;
    if (!enough) return mask__no_memory(err, "adaptation");
    MASK__TRY(mask__encoding_open(&l->encoding, &l->knowledge->representation, rows, most, err));
    size_t longest = 0, words = 0;
    for (size_t t = 0; t < l->lexicon.texts; t++)
        if (l->lexicon.text_at[t + 1] - l->lexicon.text_at[t] > longest)
            longest = l->lexicon.text_at[t + 1] - l->lexicon.text_at[t];
    if (!mask__multiply(longest, l->o.batch_texts, &words)) words = SIZE_MAX;
    MASK__TRY(mask__cycle_make(&l->cycle, mask__least(words, l->lexicon.names.count), rows, z, err));
    l->cycle.unit = l->o.unit;
    return MASK_OK;
}

static void learner_close(learner *l)
{
    mask__cycle_free(&l->cycle);
    mask__encoding_close(&l->encoding);
    mask__lexicon_close(&l->lexicon);
    mask__arena_free(&l->arena);
}

/* ---- Applying ---- */

/* Cosines do not see the length of W: it is chosen so that it leaves the mean length of unit regions (those of the last
 * batch) as it was, which keeps the centre of scenes where it should be. */
static void normalise_w(learner *l, size_t regions)
{
    size_t z = l->knowledge->info.dim;
    double sum = 0;
    mask__gemm(false, false, regions, z, z, 1, l->mu, z, l->best, z, 0, l->cycle.b, z);
    for (size_t r = 0; r < regions; r++) sum += mask__norm(l->cycle.b + r * z, z);
    float scale = sum > 0 ? (float)((double)regions / sum) : 1;
    for (size_t i = 0; i < z * z; i++) l->best[i] *= scale;
}

static double change_of(const float *w, size_t z)
{
    double sum = 0;
    for (size_t i = 0; i < z * z; i++) {
        double d = (double)w[i] - (i / z == i % z);
        sum += d * d;
    }
    return sqrt(sum / (double)z);
}

/* rows x w as a new array of the knowledge. */
static mask_status multiply(mask_knowledge *k, const float **rows, size_t count, const float *w, mask_error *err)
{
    size_t z = k->info.dim;
    float *out = mask__arena_alloc(&k->arena, count * z, sizeof *out);
    if (!out) return mask__no_memory(err, "an adapted knowledge");
    mask__gemm(false, false, count, z, z, 1, *rows, z, w, z, 0, out, z);
    *rows = out;
    return MASK_OK;
}

/* Scene vectors were made of mu: with C' = W^-1 C those made of mu W are what they were. W'W C' = W'C is solved. */
static mask_status adapt_scenes(mask_knowledge *k, const float *w, mask_error *err)
{
    size_t z = k->info.dim;
    mask__arena work = {0};
    double *square = mask__arena_alloc(&work, z * z, sizeof *square),
           *right = mask__arena_alloc(&work, z * z, sizeof *right);
    float *product = mask__arena_alloc(&work, z * z, sizeof *product);
    float *projection = mask__arena_alloc(&k->arena, z * z, sizeof *projection);
    mask_status status =
        square && right && product && projection ? MASK_OK : mask__no_memory(err, "an adapted knowledge");
    if (status == MASK_OK) {
        mask__gemm(true, false, z, z, z, 1, w, z, w, z, 0, product, z);
        for (size_t i = 0; i < z * z; i++) square[i] = product[i];
        mask__gemm(true, false, z, z, z, 1, w, z, k->scene_projection, z, 0, product, z);
        for (size_t i = 0; i < z * z; i++) right[i] = product[i];
        status = mask__solve_positive(square, z, right, z, err);
    }
    for (size_t i = 0; status == MASK_OK && i < z * z; i++) projection[i] = (float)right[i];
    mask__arena_free(&work);
    k->scene_projection = projection;
    return status == MASK_OK ? multiply(k, &k->scene_mean, 1, w, err) : status;
}

static mask_status apply(mask_knowledge *k, const float *w, mask_error *err)
{
    size_t z = k->info.dim;
    mask__background *b = &k->background;
    if (k->representation.adaptation) {
        MASK__TRY(multiply(k, &k->representation.adaptation, z, w, err));
    } else {
        float *own = mask__arena_alloc(&k->arena, z * z, sizeof *own);
        if (!own) return mask__no_memory(err, "an adapted knowledge");
        k->representation.adaptation = memcpy(own, w, z * z * sizeof *own);
    }
    k->info.adapted = true;
    MASK__TRY(multiply(k, &k->prototypes, k->info.words, w, err));
    if (b->images) MASK__TRY(multiply(k, &b->mu, b->image_rows[b->images], w, err));
    return k->scene_projection ? adapt_scenes(k, w, err) : MASK_OK;
}

static mask_status learn(learner *l, const mask_texts *texts, const mask_vectors *vectors, mask_adapt_report *report,
                         const mask_run *run, mask_error *err)
{
    uint64_t seed = run ? run->seed : 0;
    size_t regions;
    MASK__TRY(prepare_texts(l, texts, vectors, seed, err));
    MASK__TRY(prepare_images(l, seed, err));
    MASK__TRY(fit(l, report, run, err));
    if (!report->kept) {
        mask__log(run, MASK_LOG_WARNING,
                  "held-out loss never fell below %.4f: the knowledge stays as it is: try a lower rate",
                  report->before);
        return MASK_OK;
    }
    MASK__TRY(gather_regions(l, l->pictures, l->picture_count, 0, mask__least(l->o.batch_images, l->picture_count),
                             &regions, err));
    normalise_w(l, regions);
    report->change = change_of(l->best, l->knowledge->info.dim);
    return MASK_OK;
}

mask_status mask_knowledge_adapt(mask_knowledge **out, const mask_knowledge *knowledge, const mask_vectors *vectors,
                                 const mask_images *images, const mask_texts *texts, const mask_adapt_options *options,
                                 mask_adapt_report *report, const mask_run *run, mask_error *err)
{
    mask_adapt_report unseen, *r = report ? report : &unseen;
    learner l = {.knowledge = knowledge, .images = images, .o = mask_adapt_defaults()};
    *out = NULL;
    *r = (mask_adapt_report){0};
    MASK__TRY(mask__options_take(MASK_OPTIONS_ADAPT, &l.o, options, err));
    MASK__TRY(check_inputs(knowledge, images, texts, err));
    mask_knowledge *k = mask__knowledge_new();
    if (!k) return mask__no_memory(err, "a knowledge");
    MASK__USE_THREADS(mask__threads(run));
    mask_status status = learn(&l, texts, vectors, r, run, err);
    if (status == MASK_OK) status = mask__knowledge_copy(k, knowledge, err);
    if (status == MASK_OK) status = mask__knowledge_copy_background(k, knowledge, err);
    if (status == MASK_OK && r->kept) status = apply(k, l.best, err);
    learner_close(&l);
    if (status != MASK_OK) mask_knowledge_close(k);
    else *out = k;
    return status;
}
