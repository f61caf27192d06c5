/* Encoders kept: copied, written to a .mask file and read back. docs/training.md names the tensors. */
#include "learn/representation.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What of a configuration the PAE needs; one f64 tensor, the order is the format. */
typedef struct shape {
    double features, latent, fc, attention, residual;
} shape;

/* The same PAE with the smallest FRM and MTM, which are only described, never run. */
static mask__networks_config pae_only(const mask__networks_config *c)
{
    return (mask__networks_config){.features = c->features,
                                   .latent = c->latent,
                                   .words = 1,
                                   .heads = 1,
                                   .residual = c->residual,
                                   .pae_fc = c->pae_fc,
                                   .pae_attention = c->pae_attention,
                                   .frm_fc = 1,
                                   .mtm_fc = 1};
}

static bool is_pae(const mask__parameter *p)
{
    return strncmp(p->name, "pae.", 4) == 0;
}

static mask_status describe(mask__pae *pae, const mask__networks_config *config, mask_error *err)
{
    mask__networks_config smallest = pae_only(config);
    *pae = (mask__pae){0};
    MASK__TRY(mask__networks_make(&pae->networks, &smallest, err));
    const mask__parameters *table = &pae->networks.table;
    for (size_t i = 0; i < table->count && is_pae(&table->items[i]); i++)
        pae->size = table->items[i].offset + mask__parameter_numbers(&table->items[i]);
    return MASK_OK;
}

mask_status mask__pae_make(mask__pae *pae, const mask__networks_config *config, const float *parameters,
                           mask__arena *arena, mask_error *err)
{
    MASK__TRY(describe(pae, config, err));
    float *copy = mask__arena_alloc(arena, pae->size, sizeof *copy);
    if (!copy) {
        mask__networks_free(&pae->networks);
        return mask__no_memory(err, "the representation");
    }
    memcpy(copy, parameters, pae->size * sizeof *copy);
    pae->parameters = copy;
    return MASK_OK;
}

void mask__representation_close(mask__representation *representation)
{
    mask__networks_free(&representation->pae.networks);
}

static float *copy_floats(const float *from, size_t count, mask__arena *arena)
{
    float *to = mask__arena_alloc(arena, count, sizeof *to);
    return to ? memcpy(to, from, count * sizeof *to) : NULL;
}

mask_status mask__whitening_copy(mask__whitening *to, const mask__whitening *from, mask__arena *arena, mask_error *err)
{
    *to = (mask__whitening){.power = from->power, .in = from->in, .out = from->out};
    to->mean = copy_floats(from->mean, from->in, arena);
    to->direction_mean = copy_floats(from->direction_mean, from->in, arena);
    to->projection = copy_floats(from->projection, from->in * from->out, arena);
    return to->mean && to->direction_mean && to->projection ? MASK_OK
                                                            : mask__no_memory(err, "a copy of the representation");
}

mask_status mask__representation_copy(mask__representation *to, const mask__representation *from, mask__arena *arena,
                                      mask_error *err)
{
    *to = (mask__representation){.kind = from->kind, .in = from->in, .out = from->out};
    if (from->whitening.projection) MASK__TRY(mask__whitening_copy(&to->whitening, &from->whitening, arena, err));
    if (from->adaptation && !(to->adaptation = copy_floats(from->adaptation, from->out * from->out, arena)))
        return mask__no_memory(err, "a copy of the representation");
    if (from->kind != MASK_REPRESENTATION_MASK) return MASK_OK;
    return mask__pae_make(&to->pae, &from->pae.networks.config, from->pae.parameters, arena, err);
}

mask_status mask__whitening_write(const mask__whitening *w, mask__pack_writer *out, mask_error *err)
{
    MASK__TRY(mask__pack_add(out, "encoder.power", MASK__F32, 1, (uint64_t[]){1}, &w->power, err));
    MASK__TRY(mask__pack_add(out, "encoder.mean", MASK__F32, 1, (uint64_t[]){w->in}, w->mean, err));
    MASK__TRY(mask__pack_add(out, "encoder.direction_mean", MASK__F32, 1, (uint64_t[]){w->in}, w->direction_mean, err));
    return mask__pack_add(out, "encoder.projection", MASK__F32, 2, (uint64_t[]){w->in, w->out}, w->projection, err);
}

mask_status mask__whitening_read(mask__whitening *w, size_t out, const mask__pack *pack, mask_error *err)
{
    const mask__tensor *mean, *direction_mean, *projection, *power;
    MASK__TRY(mask__pack_get(pack, "encoder.power", MASK__F32, 1, (uint64_t[]){1}, &power, err));
    MASK__TRY(mask__pack_get(pack, "encoder.projection", MASK__F32, 2, (uint64_t[]){0, out}, &projection, err));
    uint64_t in = projection->shape[0];
    MASK__TRY(mask__pack_get(pack, "encoder.mean", MASK__F32, 1, &in, &mean, err));
    MASK__TRY(mask__pack_get(pack, "encoder.direction_mean", MASK__F32, 1, &in, &direction_mean, err));
    *w = (mask__whitening){.power = *(const float *)power->data,
                           .in = in,
                           .out = projection->shape[1],
                           .mean = mean->data,
                           .direction_mean = direction_mean->data,
                           .projection = projection->data};
    if (!(w->power >= 0.01f && w->power <= 1)) /* the option's range */
        return mask__fail_at(err, MASK_EFORMAT, power->offset, "%s: features to the power of %g: make the file again",
                             pack->path, (double)w->power);
    return MASK_OK;
}

static void tensor_name(const mask__parameter *p, char name[MASK__NAME_BYTES])
{
    snprintf(name, MASK__NAME_BYTES, "encoder.%s", p->name);
}

static mask_status pae_write(const mask__pae *pae, mask__pack_writer *out, mask_error *err)
{
    const mask__networks_config *c = &pae->networks.config;
    const mask__parameters *table = &pae->networks.table;
    shape s = {(double)c->features, (double)c->latent, c->pae_fc, c->pae_attention, c->residual};
    MASK__TRY(mask__pack_add(out, "encoder.pae", MASK__F64, 1, (uint64_t[]){sizeof s / sizeof(double)}, &s, err));
    for (size_t i = 0; i < table->count && is_pae(&table->items[i]); i++) {
        const mask__parameter *p = &table->items[i];
        char name[MASK__NAME_BYTES];
        tensor_name(p, name);
        MASK__TRY(mask__pack_add(out, name, MASK__F32, p->ndim, (uint64_t[]){p->shape[0], p->shape[1]},
                                 pae->parameters + p->offset, err));
    }
    return MASK_OK;
}

/* Numbers from a file: whole, and no larger than any description accepts. */
static bool whole(double value, double high)
{
    return value >= 0 && value <= high && value == (double)(size_t)value;
}

static mask_status read_shape(mask__networks_config *c, const mask__pack *pack, mask_error *err)
{
    const mask__tensor *t;
    shape s;
    MASK__TRY(mask__pack_get(pack, "encoder.pae", MASK__F64, 1, (uint64_t[]){sizeof s / sizeof(double)}, &t, err));
    memcpy(&s, t->data, sizeof s);
    if (!whole(s.features, 1 << 16) || !whole(s.latent, 1 << 16) || !whole(s.fc, 64) || !whole(s.attention, 64) ||
        !whole(s.residual, 1))
        return mask__fail_at(err, MASK_EFORMAT, t->offset,
                             "%s: 'encoder.pae' holds a value out of range: make it again", pack->path);
    *c = (mask__networks_config){.features = (size_t)s.features,
                                 .latent = (size_t)s.latent,
                                 .residual = s.residual != 0,
                                 .pae_fc = (unsigned)s.fc,
                                 .pae_attention = (unsigned)s.attention};
    return MASK_OK;
}

static mask_status read_parameters(mask__pae *pae, const mask__pack *pack, mask__arena *arena, mask_error *err)
{
    const mask__parameters *table = &pae->networks.table;
    for (size_t i = 0; i < table->count && is_pae(&table->items[i]); i++) { /* all are there before memory is taken */
        const mask__tensor *t;
        char name[MASK__NAME_BYTES];
        tensor_name(&table->items[i], name);
        MASK__TRY(mask__pack_get(pack, name, MASK__F32, table->items[i].ndim,
                                 (uint64_t[]){table->items[i].shape[0], table->items[i].shape[1]}, &t, err));
    }
    float *parameters = mask__arena_alloc(arena, pae->size, sizeof *parameters);
    if (!parameters) return mask__no_memory(err, "the representation");
    for (size_t i = 0; i < table->count && is_pae(&table->items[i]); i++) {
        char name[MASK__NAME_BYTES];
        tensor_name(&table->items[i], name);
        const mask__tensor *t = mask__pack_find(pack, name);
        memcpy(parameters + table->items[i].offset, t->data, t->bytes);
    }
    pae->parameters = parameters;
    return MASK_OK;
}

mask_status mask__representation_write(const mask__representation *e, mask__pack_writer *out, mask_error *err)
{
    if (e->whitening.projection) MASK__TRY(mask__whitening_write(&e->whitening, out, err));
    if (e->adaptation)
        MASK__TRY(
            mask__pack_add(out, "encoder.adaptation", MASK__F32, 2, (uint64_t[]){e->out, e->out}, e->adaptation, err));
    return e->kind == MASK_REPRESENTATION_MASK ? pae_write(&e->pae, out, err) : MASK_OK;
}

static mask_status read_adaptation(mask__representation *e, const mask__pack *pack, mask_error *err)
{
    const mask__tensor *t;
    if (!mask__pack_find(pack, "encoder.adaptation")) return MASK_OK;
    MASK__TRY(mask__pack_get(pack, "encoder.adaptation", MASK__F32, 2, (uint64_t[]){e->out, e->out}, &t, err));
    e->adaptation = t->data;
    return MASK_OK;
}

mask_status mask__representation_read(mask__representation *e, mask_representation kind, size_t out,
                                      const mask__pack *pack, mask__arena *arena, mask_error *err)
{
    mask__networks_config config = {0};
    *e = (mask__representation){.kind = kind, .in = out, .out = out};
    MASK__TRY(read_adaptation(e, pack, err));
    if (kind == MASK_REPRESENTATION_NONE) return MASK_OK;
    if (kind == MASK_REPRESENTATION_WHITEN || mask__pack_find(pack, "encoder.projection")) {
        MASK__TRY(mask__whitening_read(&e->whitening, kind == MASK_REPRESENTATION_WHITEN ? out : 0, pack, err));
        e->in = e->whitening.in;
    }
    if (kind == MASK_REPRESENTATION_WHITEN) return MASK_OK;
    MASK__TRY(read_shape(&config, pack, err));
    if (config.latent != out || (e->whitening.projection && config.features != e->whitening.out))
        return mask__fail(err, MASK_EFORMAT, "%s: its representation does not fit its prototypes: make it again",
                          pack->path);
    if (!e->whitening.projection) e->in = config.features;
    MASK__TRY(describe(&e->pae, &config, err));
    return read_parameters(&e->pae, pack, arena, err);
}
