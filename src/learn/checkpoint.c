#include "learn/checkpoint.h"
#include "base/options.h"
#include "base/pack.h"
#include "annotations/labels.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#define MAGIC "MASKCKPT"
enum { VERSION = 2, SAMPLED_REGIONS = 256 };

/* What must be equal for a run to continue besides its options, which are kept by name. */
static const char *const facts[] = {
    "whiten_dim", "power", "whiten_shrink", "seed", "word vectors of dimension", "features of dimension"};
enum { FACTS = sizeof facts / sizeof *facts };

static void list_facts(const mask__checkpoint *c, double list[FACTS])
{
    const mask__lesson *l = c->lesson;
    bool whiten = c->options->whiten;
    const double all[FACTS] = {whiten ? (double)l->whiten_dim : 0,
                               whiten ? (double)l->power : 0,
                               whiten ? (double)l->whiten_shrink : 0,
                               (double)c->seed,
                               (double)l->vector_dim,
                               (double)mask_labels_dim(l->labels)};
    memcpy(list, all, sizeof all);
}

mask_status mask__lesson_fingerprint(const mask__lesson *l, uint64_t *out, mask_error *err)
{
    size_t regions = mask_labels_regions(l->labels), images = mask_labels_images(l->labels);
    size_t dim = mask_labels_dim(l->labels);
    float *buffer = malloc(dim * sizeof *buffer);
    XXH3_state_t *hash = XXH3_createState();
    mask_status status = buffer && hash ? MASK_OK : mask__no_memory(err, "a fingerprint of the regions");
    if (status == MASK_OK) {
        const uint64_t sizes[] = {regions, images, dim, l->words, l->vector_dim};
        XXH3_64bits_reset(hash);
        XXH3_64bits_update(hash, sizes, sizeof sizes);
        XXH3_64bits_update(hash, l->pairs_at, (regions + 1) * sizeof *l->pairs_at);
        XXH3_64bits_update(hash, l->pairs, l->pairs_at[regions] * sizeof *l->pairs);
        XXH3_64bits_update(hash, l->unit_words, l->words * l->vector_dim * sizeof *l->unit_words);
    }
    for (size_t i = 0; status == MASK_OK && i < images; i++) {
        uint64_t start = mask__labels_start(l->labels, i);
        XXH3_64bits_update(hash, &start, sizeof start);
    }
    size_t samples = regions < SAMPLED_REGIONS ? regions : SAMPLED_REGIONS;
    for (size_t i = 0; status == MASK_OK && i < samples; i++) {
        const float *row;
        status = mask__labels_block(l->labels, i * (regions / samples), 1, buffer, &row, err);
        if (status == MASK_OK) XXH3_64bits_update(hash, row, dim * sizeof *row);
    }
    if (status == MASK_OK) *out = XXH3_64bits_digest(hash);
    XXH3_freeState(hash);
    free(buffer);
    return status;
}

static mask_status write_all(const mask__checkpoint *c, mask__pack_writer *w, mask_error *err)
{
    char options[MASK__OPTIONS_TEXT];
    double list[FACTS];
    const mask__train_state *s = c->state;
    const uint64_t counters[] = {s->epoch, s->image, s->step, s->regions, s->metrics_bytes, (uint64_t)c->threads};
    const double losses[] = {s->smooth, s->lowest};
    list_facts(c, list);
    mask__options_write(MASK_OPTIONS_TRAIN, c->options, options);
    MASK__TRY(mask__pack_add(w, "options.train", MASK__U8, 1, (uint64_t[]){strlen(options)}, options, err));
    MASK__TRY(mask__pack_add(w, "facts", MASK__F64, 1, (uint64_t[]){FACTS}, list, err));
    MASK__TRY(mask__pack_add(w, "data", MASK__U64, 1, (uint64_t[]){1}, &c->data, err));
    MASK__TRY(mask__pack_add(w, "counters", MASK__U64, 1, (uint64_t[]){6}, counters, err));
    MASK__TRY(mask__pack_add(w, "losses", MASK__F64, 1, (uint64_t[]){2}, losses, err));
    MASK__TRY(mask__pack_add(w, "parameters", MASK__F32, 1, (uint64_t[]){c->size}, c->parameters, err));
    MASK__TRY(mask__pack_add(w, "adam.first", MASK__F32, 1, (uint64_t[]){c->size}, c->first, err));
    MASK__TRY(mask__pack_add(w, "adam.second", MASK__F32, 1, (uint64_t[]){c->size}, c->second, err));
    return c->options->whiten ? mask__whitening_write(c->whitening, w, err) : MASK_OK;
}

mask_status mask__checkpoint_write(const mask__checkpoint *c, mask_error *err)
{
    mask__pack_writer *w;
    MASK__TRY(mask__pack_create(&w, c->path, MAGIC, VERSION, err));
    mask_status status = write_all(c, w, err);
    return mask__pack_commit(w, status, err);
}

/* The same run? */
static mask_status check_run(const mask__checkpoint *c, const mask__pack *pack, mask_error *err)
{
    const mask__tensor *t;
    mask_train_options was;
    char then[MASK__OPTIONS_TEXT], now[MASK__OPTIONS_TEXT];
    double list[FACTS], old[FACTS];
    if (pack->version < VERSION)
        return mask__fail(err, MASK_EMISMATCH, "%s: is of an older version: start anew", c->path);
    MASK__TRY(mask__pack_get(pack, "options.train", MASK__U8, 1, (uint64_t[]){0}, &t, err));
    MASK__TRY(mask__options_read(MASK_OPTIONS_TRAIN, &was, t->data, t->bytes, c->path, err));
    mask__options_write(MASK_OPTIONS_TRAIN, &was, then);
    mask__options_write(MASK_OPTIONS_TRAIN, c->options, now);
    const char *name = mask__options_differ(MASK_OPTIONS_TRAIN, then, now);
    if (name) {
        mask_option_get(MASK_OPTIONS_TRAIN, &was, name, then, sizeof then, err);
        mask_option_get(MASK_OPTIONS_TRAIN, c->options, name, now, sizeof now, err);
    }
    MASK__TRY(mask__pack_get(pack, "facts", MASK__F64, 1, (uint64_t[]){FACTS}, &t, err));
    memcpy(old, t->data, sizeof old);
    list_facts(c, list);
    for (size_t i = 0; !name && i < FACTS; i++)
        if (memcmp(&old[i], &list[i], sizeof list[i]) != 0) {
            name = facts[i];
            snprintf(then, sizeof then, "%g", old[i]);
            snprintf(now, sizeof now, "%g", list[i]);
        }
    if (name)
        return mask__fail_at(err, MASK_EMISMATCH, t->offset,
                             "%s: was made with %s %.64s, now it is %.64s: resume with the same options, or start anew",
                             c->path, name, then, now);
    MASK__TRY(mask__pack_get(pack, "data", MASK__U64, 1, (uint64_t[]){1}, &t, err));
    if (memcmp(t->data, &c->data, sizeof c->data) != 0)
        return mask__fail_at(err, MASK_EMISMATCH, t->offset,
                             "%s: was made from other regions, labels or word vectors than %s: start anew", c->path,
                             mask__labels_path(c->lesson->labels));
    return MASK_OK;
}

static mask_status read_state(mask__checkpoint *c, const mask__pack *pack, const mask_run *run, mask_error *err)
{
    const mask__tensor *counters, *losses;
    uint64_t n[6];
    double v[2];
    mask__train_state *s = c->state;
    MASK__TRY(mask__pack_get(pack, "counters", MASK__U64, 1, (uint64_t[]){6}, &counters, err));
    MASK__TRY(mask__pack_get(pack, "losses", MASK__F64, 1, (uint64_t[]){2}, &losses, err));
    memcpy(n, counters->data, sizeof n);
    memcpy(v, losses->data, sizeof v);
    *s = (mask__train_state){n[0], n[1], n[2], n[3], n[4], v[0], v[1]};
    if (s->epoch > c->options->epochs || s->image > mask_labels_images(c->lesson->labels))
        return mask__fail_at(err, MASK_EFORMAT, counters->offset, "%s: 'counters' is out of range: start anew",
                             c->path);
    if (n[5] != (uint64_t)c->threads)
        mask__log(run, MASK_LOG_WARNING,
                  "%s was made with %llu threads, now there are %d: the result may differ in its last bits", c->path,
                  (unsigned long long)n[5], c->threads);
    return MASK_OK;
}

static mask_status read_floats(const mask__pack *pack, const char *name, size_t size, float *to, mask_error *err)
{
    const mask__tensor *t;
    MASK__TRY(mask__pack_get(pack, name, MASK__F32, 1, (uint64_t[]){size}, &t, err));
    memcpy(to, t->data, t->bytes);
    return MASK_OK;
}

static mask_status read_all(mask__checkpoint *c, const mask__pack *pack, mask__arena *arena, const mask_run *run,
                            mask_error *err)
{
    mask__whitening mapped;
    MASK__TRY(check_run(c, pack, err));
    MASK__TRY(read_state(c, pack, run, err));
    MASK__TRY(read_floats(pack, "parameters", c->size, c->parameters, err));
    MASK__TRY(read_floats(pack, "adam.first", c->size, c->first, err));
    MASK__TRY(read_floats(pack, "adam.second", c->size, c->second, err));
    if (!c->options->whiten) return MASK_OK;
    MASK__TRY(mask__whitening_read(&mapped, c->whitening->out, pack, err));
    if (mapped.in != c->whitening->in)
        return mask__fail(err, MASK_EFORMAT, "%s: its whitening is of %zu features, not %zu: start anew", c->path,
                          mapped.in, c->whitening->in);
    return mask__whitening_copy(c->whitening, &mapped, arena, err);
}

mask_status mask__checkpoint_read(mask__checkpoint *c, mask__arena *arena, const mask_run *run, mask_error *err)
{
    mask__pack pack;
    MASK__TRY(mask__pack_open(&pack, c->path, MAGIC, VERSION, MASK__VERIFY_DATA, err));
    mask_status status = read_all(c, &pack, arena, run, err);
    mask__pack_close(&pack);
    return status;
}
