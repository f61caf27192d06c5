#include "learn/trainer.h"
#include "base/decimal.h"
#include "base/file.h"
#include "base/options.h"
#include "learn/batches.h"
#include "learn/checkpoint.h"
#include "annotations/labels.h"
#include "math/vector.h"
#include "nn/adam.h"
#include "nn/random.h"

#include <errno.h>
#include <omp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* A loss this many times the lowest one (both averaged over recent steps) has diverged. */
static const double divergence = 10;
static const double smoothing = 0.9;

/* Streams of random numbers, each a seed of its own. */
enum { STREAM_PARAMETERS = 1, STREAM_ORDER, STREAM_NOISE };

typedef struct trainer {
    const mask__lesson *lesson;
    const mask_train_options *o;
    const mask_run *run;
    uint64_t seed;
    mask__networks nets;
    mask__work work;
    mask__loss_work *loss_work;
    mask__batches batches;
    mask__whitening whitening;
    mask__product *product;  /* NULL: float */
    const float *unit_words; /* the lesson's, or without their mean */
    mask__adam adam;
    float *parameters, *gradients, *first, *second; /* nets.table.size each */
    float *features, *centred, *whitened;           /* max_rows x M, M, kept */
    float *noise;                                   /* max_rows x Z */
    float *team_mu, *team_w2;                       /* of a batch that processes share: max_rows x Z, x N */
    size_t *team_offsets;
    mask__train_state state;
    mask__checkpoint checkpoint;
    FILE *metrics; /* JSON lines, one a step; NULL: nobody wants them */
    mask__arena arena;
    double began, saved;     /* seconds: of this process, of the last checkpoint */
    uint64_t regions_before; /* seen before this process */
    struct {
        mask__loss_values sums;
        size_t steps;
        double began;
        uint64_t regions;
    } epoch; /* what its line in the log tells */
} trainer;

/* ---- Options ---------------------------------------------------------------------------------------------------- */

static mask_status check_options(const mask_train_options *o, mask_error *err)
{
    const char *wrong = NULL;
    if (o->epochs < 1) wrong = "the number of epochs must be at least 1";
    if (o->start_whiten && (!o->whiten || !o->residual || o->pae_attention < 2))
        wrong = "starting from whitened features takes whitened input, residual connections and two attention layers";
    return wrong ? mask__fail(err, MASK_EINVAL, "training: %s", wrong) : MASK_OK;
}

static mask__networks_config config_of(const trainer *t)
{
    const mask_train_options *o = t->o;
    return (mask__networks_config){.features = o->whiten ? t->whitening.out : mask_labels_dim(t->lesson->labels),
                                   .latent = o->dim,
                                   .words = t->lesson->vector_dim,
                                   .heads = 1,
                                   .residual = o->residual,
                                   .pae_fc = o->pae_fc,
                                   .pae_attention = o->pae_attention,
                                   .frm_fc = o->frm_fc,
                                   .frm_attention = o->frm_attention,
                                   .mtm_fc = o->mtm_fc,
                                   .mtm_attention = o->mtm_attention};
}

/* The rate at this point of the run; the schedule runs over regions, since epochs differ in their number of steps. */
static double rate_of(const trainer *t)
{
    double total = (double)mask_labels_regions(t->lesson->labels) * (double)t->o->epochs;
    double rate = t->o->rate, done = (double)t->state.regions / total;
    if (t->o->schedule == MASK_SCHEDULE_COSINE) rate *= 0.5 * (1 + cos(M_PI * done));
    if (t->state.step < t->o->warmup) rate *= (double)(t->state.step + 1) / (double)t->o->warmup;
    return rate;
}

static size_t batch_of(const trainer *t)
{
    bool halved = t->o->halve_batch_at < 1 && (double)t->state.epoch >= t->o->halve_batch_at * (double)t->o->epochs;
    return halved ? t->o->batch / 2 : t->o->batch;
}

/* ---- Beginning and end ------------------------------------------------------------------------------------------ */

static void *room(trainer *t, size_t count, size_t size, bool *failed)
{
    void *memory = mask__arena_matrix(&t->arena, count, size, sizeof(float));
    if (!memory) *failed = true;
    return memory;
}

static mask_status make_room(trainer *t, mask_error *err)
{
    size_t rows = t->batches.max_rows, dim = mask_labels_dim(t->lesson->labels), size = t->nets.table.size;
    int threads = mask__threads(t->run);
    bool failed = false;
    t->parameters = room(t, size, 1, &failed);
    t->gradients = room(t, size, 1, &failed);
    t->first = room(t, size, 1, &failed);
    t->second = room(t, size, 1, &failed);
    t->features = room(t, rows, dim, &failed);
    t->noise = room(t, rows, t->o->dim, &failed);
    if (t->o->whiten) {
        t->centred = room(t, rows, dim, &failed);
        t->whitened = room(t, rows, t->whitening.out, &failed);
    }
    if (mask__team_size(t->run) > 1) {
        t->team_mu = room(t, rows, t->o->dim, &failed);
        t->team_w2 = room(t, rows, t->lesson->vector_dim, &failed);
        failed |= !(t->team_offsets = mask__arena_alloc(&t->arena, rows + 1, sizeof *t->team_offsets));
    }
    if (failed) return mask__no_memory(err, "training: take a smaller batch");
    if (t->o->bf16) MASK__TRY(mask__product_make(&t->product, mask__networks_operand(&t->nets, rows), err));
    MASK__TRY(mask__work_make(&t->work, &t->nets, MASK__TRAIN, rows, t->batches.largest, threads, t->product, err));
    return mask__loss_work_make(&t->loss_work, &t->nets, rows, t->batches.max_pairs, t->product, err);
}

/* Word vectors minus their mean, of unit length again. */
static mask_status centre_words(trainer *t, mask_error *err)
{
    size_t words = t->lesson->words, n = t->lesson->vector_dim;
    bool failed = false;
    float *centred = room(t, words, n, &failed), *mean = room(t, n, 1, &failed);
    if (failed) return mask__no_memory(err, "the word vectors");
    for (size_t k = 0; k < words; k++) mask__axpy(1 / (float)words, t->lesson->unit_words + k * n, mean, n);
    for (size_t k = 0; k < words; k++) {
        for (size_t d = 0; d < n; d++) centred[k * n + d] = t->lesson->unit_words[k * n + d] - mean[d];
        mask__normalise(centred + k * n, n);
    }
    t->unit_words = centred;
    return MASK_OK;
}

/* The PAE becomes mu = LayerNorm(x), log sigma^2 = x for the first Z whitened features x: the first layer is x +
 * `lift`, which ReLU lets through and LayerNorm's centring removes, later ones the identity; attention has no output
 * yet, but a gradient. What is learned begins at `whiten` instead of far below it. */
static void start_from_whitened(trainer *t)
{
    const float lift = 4; /* whitened features have deviations up to 1 */
    size_t z = t->o->dim;
    for (size_t i = 0; i < t->nets.first[MASK__FRM]; i++) {
        const mask__layer *layer = &t->nets.layers[i];
        if (layer->kind == MASK__ATTENTION) {
            const mask__attention *a = &layer->u.attention;
            memset(t->parameters + a->o, 0, z * z * sizeof(float));
            for (size_t d = 0; d < z; d++) t->parameters[a->bo + d] = i >= t->nets.first[MASK__LOGVAR] ? -lift : 0;
        } else if (layer->kind == MASK__LINEAR) {
            const mask__linear *l = &layer->u.linear;
            memset(t->parameters + l->weight, 0, z * l->in * sizeof(float));
            for (size_t d = 0; d < z && d < l->in; d++) t->parameters[l->weight + d * l->in + d] = 1;
            for (size_t d = 0; d < z; d++) t->parameters[l->bias + d] = i == 0 ? lift : 0;
        }
    }
}

static mask_status metrics_failed(const trainer *t, const char *what, mask_error *err)
{
    return mask__fail(err, MASK_EIO, "%s: cannot %s the metrics: %s", t->o->metrics, what, strerror(errno));
}

/* What a broken run wrote after its checkpoint goes. */
static mask_status open_metrics(trainer *t, mask_error *err)
{
    const char *path = t->o->metrics;
    uint64_t keep = t->state.metrics_bytes;
    if (!path || mask__team_rank(t->run)) return MASK_OK;
    MASK__TRY(mask__check_regular(path, err));
    t->metrics = fopen(path, keep ? "a" : "w");
    if (!t->metrics || (keep && fseeko(t->metrics, 0, SEEK_END) != 0)) return metrics_failed(t, "write", err);
    if (keep && (uint64_t)ftello(t->metrics) > keep && ftruncate(fileno(t->metrics), (off_t)keep) != 0)
        return metrics_failed(t, "shorten", err);
    return MASK_OK;
}

/* Writes out what is buffered; *bytes = the file's length, for a checkpoint. */
static mask_status flush_metrics(trainer *t, uint64_t *bytes, mask_error *err)
{
    *bytes = 0;
    if (!t->metrics) return MASK_OK;
    if (fflush(t->metrics) != 0 || ferror(t->metrics) || fseeko(t->metrics, 0, SEEK_END) != 0)
        return metrics_failed(t, "write", err);
    *bytes = (uint64_t)ftello(t->metrics);
    return MASK_OK;
}

/* From the checkpoint where the run is to be continued, else from the seed. */
static mask_status begin(trainer *t, mask__arena *arena, mask_error *err)
{
    const mask_train_options *o = t->o;
    mask__checkpoint *c = &t->checkpoint;
    bool found = o->checkpoint && mask__is_file(o->checkpoint);
    *c = (mask__checkpoint){.path = o->checkpoint,
                            .lesson = t->lesson,
                            .options = o,
                            .seed = t->seed,
                            .threads = mask__threads(t->run),
                            .state = &t->state,
                            .size = t->nets.table.size,
                            .parameters = t->parameters,
                            .first = t->first,
                            .second = t->second,
                            .whitening = &t->whitening};
    if (o->checkpoint) MASK__TRY(mask__lesson_fingerprint(t->lesson, &c->data, err));
    if (found && o->resume) {
        MASK__TRY(mask__checkpoint_read(c, arena, t->run, err));
        mask__log(t->run, MASK_LOG_INFO, "training continues from %s: epoch %llu of %zu, step %llu", o->checkpoint,
                  (unsigned long long)t->state.epoch + 1, o->epochs, (unsigned long long)t->state.step);
    } else {
        if (found) mask__log(t->run, MASK_LOG_WARNING, "%s will be overwritten, not continued", o->checkpoint);
        if (o->whiten)
            MASK__TRY(mask__whiten_fit(&t->whitening, t->lesson->labels, t->lesson->power, t->whitening.out,
                                       t->lesson->whiten_shrink, arena, t->run, err));
        mask__parameters_initialise(&t->nets.table, mask__random(t->seed, STREAM_PARAMETERS), t->parameters);
        if (o->start_whiten) start_from_whitened(t);
    }
    t->adam = MASK__ADAM_DEFAULTS;
    t->adam.clip = o->clip;
    t->adam.step = t->state.step;
    t->regions_before = t->state.regions;
    return open_metrics(t, err);
}

static void trainer_free(trainer *t)
{
    if (t->metrics) fclose(t->metrics);
    mask__loss_work_free(t->loss_work);
    mask__work_free(&t->work);
    mask__product_free(t->product);
    mask__batches_close(&t->batches);
    mask__networks_free(&t->nets);
    mask__arena_free(&t->arena);
}

/* ---- A step ----------------------------------------------------------------------------------------------------- */

/* The images of the batch that this process takes: those that begin in its share of the rows, from row *first on. */
static mask__batches own_part(trainer *t, size_t *first)
{
    mask__batches own = t->batches;
    size_t ranks = mask__team_size(t->run), rank = mask__team_rank(t->run), from = 0, to;
    *first = 0;
    if (ranks == 1) return own;
    while (own.offsets[from] < own.rows * rank / ranks) from++;
    for (to = from; own.offsets[to] < own.rows * (rank + 1) / ranks;) to++;
    *first = own.offsets[from];
    own.rows = own.offsets[to] - *first;
    own.at -= own.count - to;
    own.count = to - from;
    for (size_t i = 0; i <= own.count; i++) t->team_offsets[i] = own.offsets[from + i] - *first;
    own.offsets = t->team_offsets;
    return own;
}

/* The rows of all processes, each of which has some of them in *values. */
static mask_status gather_rows(const trainer *t, mask__rows own, size_t columns, real *all, real **values,
                               mask_error *err)
{
    if (!all) return MASK_OK;
    memset(all, 0, t->batches.rows * columns * sizeof *all);
    if (own.count) memcpy(all + own.first * columns, *values, own.count * columns * sizeof *all);
    *values = all;
    return mask__team_sum(t->run, NULL, all, t->batches.rows * columns, err);
}

/* What all processes go by is the first one's, and the sums of their parts. */
static mask_status sum_losses(const trainer *t, const mask__loss_options *o, mask__loss_values *v, mask_error *err)
{
    double sums[] = {v->kl, v->rec, v->word, v->structure, v->contrast};
    if (mask__team_size(t->run) == 1) return MASK_OK;
    if (mask__team_rank(t->run)) sums[2] = sums[3] = sums[4] = 0;
    MASK__TRY(mask__team_sum(t->run, sums, NULL, 5, err));
    double total =
        o->kl * sums[0] + o->rec * sums[1] + o->word * sums[2] + o->structure * sums[3] + o->contrast * sums[4];
    *v = (mask__loss_values){sums[0], sums[1], sums[2], sums[3], sums[4], total};
    return MASK_OK;
}

/* Losses of the batch and, in t->gradients, their gradient by the parameters. Of a team each process takes some of the
 * images through the networks and back; between, all see what words and prototypes are compared with. */
static mask_status evaluate(trainer *t, mask__loss_values *values, mask_error *err)
{
    const mask_train_options *o = t->o;
    const mask__batches *b = &t->batches;
    const mask__loss_options weights = {.kl = o->weight_ir,
                                        .rec = o->weight_ir,
                                        .word = o->lambda_cm,
                                        .structure = o->lambda_cm,
                                        .contrast = o->lambda_cl,
                                        .temperature = o->temperature,
                                        .per_dimension = o->per_dimension};
    const mask__labels_batch labels = {.pairs = b->pairs, .count = b->pair_count, .unit_words = t->unit_words};
    size_t first;
    const mask__batches part = own_part(t, &first);
    const mask__groups groups = {part.offsets, part.count};
    const mask__rows own = {first, part.rows};
    const float *r = t->features;
    MASK__TRY(mask__batches_features(&part, t->features, err));
    if (o->whiten) {
        mask__whiten_apply(&t->whitening, t->features, own.count, t->centred, t->whitened);
        r = t->whitened;
    }
    size_t skip = first * o->dim % 2; /* random numbers come in pairs */
    mask__normals(mask__random(mask__random(t->seed, STREAM_NOISE), t->state.step), first * o->dim - skip,
                  own.count * o->dim + skip, t->noise);
    mask__networks_prepare(&t->nets, t->parameters, &t->work);
    if (own.count) mask__networks_forward(&t->nets, t->parameters, groups, r, t->noise + skip, &t->work);
    mask__outputs out = t->work.out;
    MASK__TRY(gather_rows(t, own, o->dim, t->team_mu, &out.mu, err));
    MASK__TRY(gather_rows(t, own, t->lesson->vector_dim, t->team_w2, &out.w2, err));
    mask__losses_of(&weights, &t->nets, own, b->rows, r, &labels, &out, t->loss_work, &t->work.d, values);
    MASK__TRY(sum_losses(t, &weights, values, err));
    if (own.count) mask__networks_backward(&t->nets, t->parameters, groups, &t->work, t->gradients);
    else memset(t->gradients, 0, t->nets.table.size * sizeof *t->gradients);
    return mask__team_sum(t->run, NULL, t->gradients, t->nets.table.size, err);
}

static mask_status diverged(const trainer *t, double loss, mask_error *err)
{
    const char *path = t->o->checkpoint && mask__is_file(t->o->checkpoint) ? t->o->checkpoint : NULL;
    return mask__fail(
        err, MASK_ENUMERIC,
        "training diverged in epoch %llu, step %llu: the loss is %g, it was %g: lower the rate (now %g) or set "
        "a limit of the gradient%s%s",
        (unsigned long long)t->state.epoch + 1, (unsigned long long)t->state.step + 1, loss, t->state.lowest,
        (double)t->o->rate, path ? "; the last good checkpoint is " : "", path ? path : "");
}

/* Follows the loss; MASK_ENUMERIC when it leaves for good. */
static mask_status watch(trainer *t, double loss, mask_error *err)
{
    mask__train_state *s = &t->state;
    if (!isfinite(loss)) return diverged(t, loss, err);
    double smooth = s->step ? smoothing * s->smooth + (1 - smoothing) * loss : loss;
    if (s->step && smooth > divergence * s->lowest) return diverged(t, loss, err);
    if (!s->step || smooth < s->lowest) s->lowest = smooth;
    s->smooth = smooth;
    return MASK_OK;
}

static mask_status save(trainer *t, mask_error *err)
{
    if (!t->o->checkpoint || mask__team_rank(t->run)) return MASK_OK;
    MASK__TRY(flush_metrics(t, &t->state.metrics_bytes, err));
    MASK__TRY(mask__checkpoint_write(&t->checkpoint, err));
    t->saved = omp_get_wtime();
    return MASK_OK;
}

/* Whether a checkpoint is due before the step that begins at image `at` of the epoch. */
static bool due(const trainer *t)
{
    if (t->o->checkpoint_minutes == 0) return t->state.image == 0 && t->state.step > 0;
    return omp_get_wtime() - t->saved >= 60 * (double)t->o->checkpoint_minutes;
}

static mask_status stopped(const trainer *t, mask_error *err)
{
    if (!t->o->checkpoint) return mask__fail(err, MASK_ECANCELLED, "training: stopped");
    return mask__fail(
        err, MASK_ECANCELLED, "training: stopped in epoch %llu of %zu after step %llu, kept in %s to be continued",
        (unsigned long long)t->state.epoch + 1, t->o->epochs, (unsigned long long)t->state.step, t->o->checkpoint);
}

static double regions_per_second(const trainer *t)
{
    double seconds = omp_get_wtime() - t->began;
    return seconds > 0 ? (double)(t->state.regions - t->regions_before) / seconds : 0;
}

static void record(trainer *t, const mask__loss_values *v, double norm, double rate)
{
    mask__loss_values *sums = &t->epoch.sums;
    sums->kl += v->kl;
    sums->rec += v->rec;
    sums->word += v->word;
    sums->structure += v->structure;
    sums->contrast += v->contrast;
    sums->total += v->total;
    t->epoch.steps++;
    if (!t->metrics) return;
    char line[512];
    mask__decimal_print(
        line, sizeof line,
        "{\"step\":%llu,\"epoch\":%llu,\"kl\":%.6g,\"rec\":%.6g,\"word\":%.6g,\"structure\":%.6g,\"contrast\":%.6g,"
        "\"total\":%.6g,\"gradient_norm\":%.6g,\"rate\":%.6g,\"regions_per_second\":%.0f}\n",
        (unsigned long long)t->state.step, (unsigned long long)t->state.epoch + 1, v->kl, v->rec, v->word, v->structure,
        v->contrast, v->total, norm, rate, regions_per_second(t));
    fputs(line, t->metrics);
}

/* One step on the batch at hand. A checkpoint is written between the loss and the update, so that it only ever holds
 * parameters whose loss was seen to be good. */
static mask_status take_step(trainer *t, uint64_t total, mask_error *err)
{
    mask__loss_values values;
    mask__train_state *s = &t->state;
    bool stop = mask__progress(t->run, "training", "regions", s->regions, total, NULL) != MASK_OK;
    MASK__TRY(evaluate(t, &values, err));
    mask__train_state before = *s;
    MASK__TRY(watch(t, values.total, err));
    if (stop || due(t)) {
        mask__train_state after = *s;
        *s = before;
        MASK__TRY(save(t, err));
        if (stop) return stopped(t, err);
        after.metrics_bytes = s->metrics_bytes;
        *s = after;
    }
    double rate = rate_of(t);
    double norm = mask__adam_step(&t->adam, rate, t->nets.table.size, t->gradients, t->first, t->second, t->parameters);
    if (!isfinite(norm)) return diverged(t, values.total, err);
    s->step++;
    s->regions += t->batches.rows;
    s->image = t->batches.at;
    record(t, &values, norm, rate);
    return MASK_OK;
}

/* ---- The run ---------------------------------------------------------------------------------------------------- */

static void log_epoch(trainer *t, uint64_t total)
{
    const mask__loss_values *v = &t->epoch.sums;
    double n = t->epoch.steps ? (double)t->epoch.steps : 1, seconds = omp_get_wtime() - t->epoch.began;
    double speed = seconds > 0 ? (double)(t->state.regions - t->epoch.regions) / seconds : 0;
    double left = speed > 0 ? (double)(total - t->state.regions) / speed : 0;
    mask__log(
        t->run, MASK_LOG_INFO,
        "epoch %llu of %zu: loss %.4g (kl %.4g, rec %.4g, word %.4g, structure %.4g, contrast %.4g), %.0f regions/s, "
        "%.0f s left",
        (unsigned long long)t->state.epoch + 1, t->o->epochs, v->total / n, v->kl / n, v->rec / n, v->word / n,
        v->structure / n, v->contrast / n, speed, left);
}

static mask_status train_epoch(trainer *t, uint64_t total, mask_error *err)
{
    t->epoch.sums = (mask__loss_values){0};
    t->epoch.steps = 0;
    t->epoch.began = omp_get_wtime();
    t->epoch.regions = t->state.regions;
    mask__batches_seek(&t->batches, t->state.epoch, t->state.image);
    while (mask__batches_next(&t->batches, batch_of(t))) MASK__TRY(take_step(t, total, err));
    log_epoch(t, total);
    t->state.epoch++;
    t->state.image = 0;
    return MASK_OK;
}

/* The representation as it is now. */
static mask_status make_representation(trainer *t, mask__representation *representation, mask__arena *arena,
                                       mask_error *err)
{
    mask__networks_config config = config_of(t);
    *representation = (mask__representation){.kind = MASK_REPRESENTATION_MASK,
                                             .in = mask_labels_dim(t->lesson->labels),
                                             .out = t->o->dim,
                                             .whitening = t->whitening};
    return mask__pae_make(&representation->pae, &config, t->parameters, arena, err);
}

static mask_status show_epoch(trainer *t, bool *on, mask_error *err)
{
    mask__arena arena = {0};
    mask__representation representation;
    if (!t->lesson->after_epoch) return MASK_OK;
    mask_status status = make_representation(t, &representation, &arena, err);
    if (status == MASK_OK) *on = t->lesson->after_epoch(t->lesson->context, t->state.epoch, &representation);
    mask__representation_close(&representation);
    mask__arena_free(&arena);
    return status;
}

static mask_status train_all(trainer *t, mask_error *err)
{
    uint64_t total = (uint64_t)mask_labels_regions(t->lesson->labels) * t->o->epochs;
    size_t where;
    size_t epochs = t->lesson->stop_after ? t->lesson->stop_after : t->o->epochs;
    bool resumed_at_end = t->state.epoch == epochs;
    t->began = t->saved = omp_get_wtime();
    for (bool on = true; on && t->state.epoch < epochs;) {
        MASK__TRY(train_epoch(t, total, err));
        MASK__TRY(show_epoch(t, &on, err));
    }
    if (resumed_at_end) return MASK_OK;
    if (!mask__all_finite(t->parameters, t->nets.table.size, &where)) return diverged(t, NAN, err);
    uint64_t bytes;
    MASK__TRY(flush_metrics(t, &bytes, err));
    return save(t, err);
}

mask_status mask__train(mask__representation *representation, const mask__lesson *lesson,
                        const mask_train_options *options, mask__arena *arena, const mask_run *run, mask_error *err)
{
    mask_train_options all = mask_train_defaults(), *o = &all;
    size_t dim = mask_labels_dim(lesson->labels), kept = lesson->whiten_dim < dim ? lesson->whiten_dim : dim;
    trainer t = {.lesson = lesson, .o = o, .run = run, .seed = run ? run->seed : 0, .unit_words = lesson->unit_words};
    *representation = (mask__representation){0};
    MASK__TRY(mask__options_take(MASK_OPTIONS_TRAIN, o, options, err));
    MASK__TRY(check_options(o, err));
    MASK__USE_THREADS(mask__threads(run));
    if (o->whiten) t.whitening = (mask__whitening){.in = dim, .out = kept};
    mask__networks_config config = config_of(&t);
    mask_status status = mask__networks_make(&t.nets, &config, err);
    if (status == MASK_OK)
        status = mask__batches_open(&t.batches, lesson, o->batch, mask__random(t.seed, STREAM_ORDER), err);
    if (status == MASK_OK) status = make_room(&t, err);
    if (status == MASK_OK && o->centre_words) status = centre_words(&t, err);
    if (status == MASK_OK) status = begin(&t, arena, err);
    if (status == MASK_OK) status = train_all(&t, err);
    if (status == MASK_OK) status = make_representation(&t, representation, arena, err);
    trainer_free(&t);
    return status;
}
