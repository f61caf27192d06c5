/* mask_knowledge_choose: which representation to learn with, found on the labelled images themselves. The last images
 * are held out; five texts an image are made of its labels, each a random half of them, and retrieval is measured as it
 * would be with captions. Refuses to see a caption, and to prefer a stranger over whitening by less than noise. */
#include "annotations/labels.h"
#include "base/options.h"
#include "knowledge/regionpass.h"
#include "match/scores.h"
#include "nn/random.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    TEXTS = 5,           /* an image */
    HELD_OUT = 1000,     /* images at most, and a fifth of them at most */
    LEARN_IMAGES = 8000, /* to learn from while choosing: enough to tell representations apart */
    FEWEST = 50,         /* held-out images below which nothing can be told */
    PATIENCE = 3,        /* epochs without a better one before training stops */
    MOST_CHOICES = 64,
};
static const double margin = 4; /* Rs a stranger must be better: about two standard errors of 1,000 images */

typedef struct chooser {
    const mask_labels *learn, *held;
    const mask_vectors *vectors;
    mask_learn_options options;
    mask_train_options train; /* options.train */
    char **texts;             /* TEXTS an image of held */
    mask_choice choices[MOST_CHOICES];
    size_t count, best_trained;
    const mask_run *run;
    mask_status status; /* of a measurement inside training */
    mask_error *err;
} chooser;

/* ---- The held-out images ---- */

/* A random half of an image's labels, one after the other. */
static char *make_text(const mask_labels *held, size_t image, uint64_t stream)
{
    size_t first = mask__labels_start(held, image), count = mask__labels_start(held, image + 1) - first;
    size_t wanted = (count + 1) / 2, left = count, length = 1;
    for (size_t r = 0; r < count; r++) length += strlen(mask_labels_text(held, first + r)) + 1;
    char *text = calloc(length, 1), *end = text;
    for (size_t r = 0; text && r < count; r++, left--) { /* each subset of `wanted` labels is equally likely */
        if (mask__uniform(stream, r) * (double)left >= (double)wanted) continue;
        end += snprintf(end, length - (size_t)(end - text), "%s ", mask_labels_text(held, first + r));
        wanted--;
    }
    return text;
}

static mask_status make_texts(chooser *c, mask_error *err)
{
    size_t images = mask_labels_images(c->held);
    uint64_t seed = c->run ? c->run->seed : 0;
    c->texts = calloc(images * TEXTS + 1, sizeof *c->texts);
    for (size_t t = 0; c->texts && t < images * TEXTS; t++)
        if (!(c->texts[t] = make_text(c->held, t / TEXTS, mask__random(seed, t)))) return mask__no_memory(err, "texts");
    return c->texts ? MASK_OK : mask__no_memory(err, "texts");
}

typedef struct gathering {
    float *mu;
    size_t z;
} gathering;

static void gather(void *context, size_t first, size_t rows, const float *mu)
{
    gathering *g = context;
    memcpy(g->mu + first * g->z, mu, rows * g->z * sizeof *mu);
}

/* ---- Measuring ---- */

static mask_status score_held(const chooser *c, const mask_knowledge *k, const mask__regions *regions, float *scores,
                              mask_error *err)
{
    mask__text_batch b;
    mask_match_options o = mask_match_tuned(); /* without a background: statistics of the held-out images */
    o.scene = k->scene_prototypes ? o.scene : 0;
    mask_status status =
        mask__text_batch_open(&b, k, c->vectors, &o, (const char *const *)c->texts, regions->count * TEXTS, err);
    if (status == MASK_OK) status = mask__text_batch_prepare(&b, NULL, c->run, err);
    if (status == MASK_OK)
        status = mask__text_batch_score(&b, regions, MASK_WHOLE_MEAN, scores, regions->count, NULL, c->run, err);
    if (status == MASK_OK) mask__text_batch_sink(&b, scores, regions->count);
    mask__text_batch_close(&b);
    return status;
}

/* Rs of the held-out images with a knowledge of the others. */
static mask_status measure(const chooser *c, const mask_knowledge *k, double *rsum, mask_error *err)
{
    size_t images = mask_labels_images(c->held), regions = mask_labels_regions(c->held), z = k->info.dim;
    mask__arena work = {0};
    uint64_t *rows = mask__arena_alloc(&work, images + 1, sizeof *rows);
    gathering g = {.mu = mask__arena_alloc(&work, regions * z, sizeof(float)), .z = z};
    float *scores = mask__arena_alloc(&work, images * images * TEXTS, sizeof *scores);
    mask_recalls recalls = {0};
    mask_status status = rows && g.mu && scores ? MASK_OK : mask__no_memory(err, "held-out images");
    if (status == MASK_OK) {
        for (size_t i = 0; i <= images; i++) rows[i] = mask__labels_start(c->held, i);
        status = mask__region_pass(c->held, &k->representation, "held-out images", gather, &g, c->run, err);
    }
    if (status == MASK_OK) status = mask__team_sum(c->run, NULL, g.mu, regions * z, err);
    mask__regions set = {.image_rows = rows, .mu = g.mu, .count = images, .dim = z};
    if (status == MASK_OK) status = score_held(c, k, &set, scores, err);
    if (status == MASK_OK)
        status = mask_recalls_compute(&recalls, scores, images, images * TEXTS, NULL, 1, c->run, err);
    *rsum = mask__team_rank(c->run) ? 0 : recalls.rsum; /* all go by the first process's */
    if (status == MASK_OK) status = mask__team_sum(c->run, rsum, NULL, 1, err);
    mask__arena_free(&work);
    return status;
}

/* Learns from the images that are not held out, measures, and writes down what came of it. */
static mask_status try_choice(chooser *c, const mask_learn_options *o, const mask__learn_hooks *hooks, size_t epoch,
                              mask_error *err)
{
    mask_knowledge *k;
    mask_choice choice = {.representation = hooks->representation ? hooks->representation->kind : o->representation,
                          .epoch = epoch,
                          .whiten_dim = o->whiten_dim,
                          .whiten_shrink = o->whiten_shrink};
    if (c->count == MOST_CHOICES) return MASK_OK;
    MASK__TRY(mask__knowledge_learn(&k, c->learn, c->vectors, o, hooks, c->run, err));
    mask_status status = measure(c, k, &choice.rsum, err);
    mask_knowledge_close(k);
    if (status == MASK_OK) c->choices[c->count++] = choice;
    return status;
}

static mask_status try_closed_forms(chooser *c, mask_error *err)
{
    static const float shrinks[] = {1, 0.5f, 2}; /* x the options', which come first */
    mask__learn_hooks hooks = {0};
    mask_learn_options o = c->options;
    o.reliability = 0; /* costs most of the time and moves all choices alike */
    o.representation = MASK_REPRESENTATION_WHITEN;
    for (size_t s = 0; s < sizeof shrinks / sizeof *shrinks; s++) {
        o.whiten_shrink = c->options.whiten_shrink * shrinks[s];
        MASK__TRY(try_choice(c, &o, &hooks, 0, err));
    }
    o.whiten_shrink = c->options.whiten_shrink;
    o.whiten_dim = c->options.whiten_dim / 2;
    if (o.whiten_dim > 0 && o.whiten_dim < mask_labels_dim(c->learn)) MASK__TRY(try_choice(c, &o, &hooks, 0, err));
    o.representation = MASK_REPRESENTATION_NONE;
    o.scenes = false; /* scenes of raw features tell as little as their regions do */
    return try_choice(c, &o, &hooks, 0, err);
}

/* Whether training, gaining as it did over the last epochs, cannot reach whitening by the end of its schedule. */
static bool hopeless(const chooser *c, size_t epoch)
{
    if (epoch <= PATIENCE) return false;
    double now = c->choices[c->count - 1].rsum, gain = now - c->choices[c->count - 1 - PATIENCE].rsum;
    double left = (double)(c->train.epochs - epoch);
    return now + (gain > 0 ? gain : 0) / PATIENCE * left < c->choices[0].rsum;
}

static bool after_epoch(void *context, size_t epoch, const mask__representation *representation)
{
    chooser *c = context;
    mask__learn_hooks hooks = {.representation = representation};
    mask_learn_options o = c->options;
    size_t before = c->count;
    o.reliability = 0;
    c->status = try_choice(c, &o, &hooks, epoch, c->err);
    if (c->status != MASK_OK || c->count == before) return false;
    if (!c->best_trained || c->choices[c->count - 1].rsum > c->choices[c->best_trained].rsum)
        c->best_trained = c->count - 1;
    return epoch < c->choices[c->best_trained].epoch + PATIENCE && !hopeless(c, epoch);
}

static mask_status try_training(chooser *c, mask_error *err)
{
    mask_knowledge *k;
    mask__learn_hooks hooks = {.after_epoch = after_epoch, .context = c};
    mask_learn_options o = c->options;
    o.representation = MASK_REPRESENTATION_MASK;
    o.reliability = 0;
    mask_train_options train = c->train;
    train.checkpoint = train.metrics = NULL;
    train.resume = false;
    o.train = &train;
    c->err = err;
    mask_status status = mask__knowledge_learn(&k, c->learn, c->vectors, &o, &hooks, c->run, err);
    mask_knowledge_close(k);
    if (c->status != MASK_OK) return c->status;
    if (status == MASK_ENUMERIC) { /* diverged: what was measured before stands */
        mask__log(c->run, MASK_LOG_WARNING, "choosing: %s", err ? err->message : "training diverged");
        return MASK_OK;
    }
    return status;
}

/* ---- Choosing ---- */

/* The first choice is whitening as the options have it; another must be better by the margin. */
static size_t pick(const chooser *c)
{
    size_t best = 0;
    for (size_t i = 1; i < c->count; i++)
        if (c->choices[i].rsum > c->choices[0].rsum + margin && c->choices[i].rsum > c->choices[best].rsum) best = i;
    return best;
}

static void tell(const chooser *c, size_t best)
{
    static const char *const names[] = {"none", "whiten", "mask"};
    for (size_t i = 0; i < c->count; i++) {
        const mask_choice *o = &c->choices[i];
        char what[64] = "";
        if (o->representation == MASK_REPRESENTATION_WHITEN)
            snprintf(what, sizeof what, " %zu dimensions, shrink %g", o->whiten_dim, (double)o->whiten_shrink);
        else if (o->epoch) snprintf(what, sizeof what, ", epoch %zu", o->epoch);
        mask__log(c->run, MASK_LOG_INFO, "%s %s%s: Rs %.1f on held-out images", i == best ? "kept" : "tried",
                  names[o->representation], what, o->rsum);
    }
}

static mask_status choose(chooser *c, const mask_labels *labels, size_t held, mask_error *err)
{
    size_t images = mask_labels_images(labels), rest = images - held;
    size_t learn = rest < LEARN_IMAGES ? rest : LEARN_IMAGES;
    mask_labels *learn_view = NULL, *held_view = NULL;
    mask_status status = mask__labels_view(&learn_view, labels, rest - learn, learn, err);
    if (status == MASK_OK) status = mask__labels_view(&held_view, labels, rest, held, err);
    c->learn = learn_view;
    c->held = held_view;
    if (status == MASK_OK) status = make_texts(c, err);
    if (status == MASK_OK) status = try_closed_forms(c, err);
    if (status == MASK_OK && c->train.epochs > 0) status = try_training(c, err);
    for (size_t t = 0; c->texts && t < held * TEXTS; t++) free(c->texts[t]);
    free(c->texts);
    mask_labels_close(learn_view);
    mask_labels_close(held_view);
    return status;
}

mask_status mask_knowledge_choose(mask_knowledge **out, const mask_labels *labels, const mask_vectors *vectors,
                                  const mask_learn_options *options, mask_choice *choices, size_t max, size_t *count,
                                  const mask_run *run, mask_error *err)
{
    chooser c = {.vectors = vectors, .options = mask_learn_defaults(), .train = mask_train_defaults(), .run = run};
    mask__learn_hooks hooks = {0};
    size_t held = mask_labels_images(labels) / 5;
    *out = NULL;
    if (count) *count = 0;
    MASK__TRY(mask__options_take(MASK_OPTIONS_LEARN, &c.options, options, err));
    MASK__TRY(mask__options_take(MASK_OPTIONS_TRAIN, &c.train, c.options.train, err));
    c.options.train = &c.train;
    mask_learn_options chosen = c.options;
    if (held > HELD_OUT) held = HELD_OUT;
    chosen.representation = MASK_REPRESENTATION_WHITEN;
    if (held < FEWEST) {
        mask__log(run, MASK_LOG_INFO, "too few images to hold some out (%zu): whiten it is",
                  mask_labels_images(labels));
    } else {
        MASK__TRY(choose(&c, labels, held, err));
        size_t best = pick(&c);
        c.choices[best].kept = true;
        chosen.representation = c.choices[best].representation;
        chosen.whiten_dim = c.choices[best].whiten_dim;
        chosen.whiten_shrink = c.choices[best].whiten_shrink;
        hooks.stop_after = c.choices[best].epoch;
        tell(&c, best);
        for (size_t i = 0; choices && count && i < c.count && i < max; i++) choices[(*count)++] = c.choices[i];
    }
    return mask__knowledge_learn(out, labels, vectors, &chosen, &hooks, run, err);
}
