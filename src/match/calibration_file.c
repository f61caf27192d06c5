/* A calibration as a file: what mask__calibration_open computes in seconds, mapped in a millisecond. It belongs to one
 * knowledge file, whose fingerprint it remembers; any other is refused. */
#include "match/calibration.h"

#include <math.h>
#include <string.h>

#define MAGIC "MASKSCOR"
enum { VERSION = 3, MEAN_SCALE = 0, REFERENCE, KNOWN, MEAN_HUB, NUMBERS };

static mask_status put(mask__pack_writer *w, const char *name, size_t rows, size_t columns, const void *data,
                       mask_error *err)
{
    if (!data) return MASK_OK;
    return mask__pack_add(w, name, MASK__F32, 2, (uint64_t[]){rows, columns}, data, err);
}

static mask_status put_all(mask__pack_writer *w, const mask__calibration *s, mask_error *err)
{
    const mask__scored_terms *t = &s->known;
    const mask__background *b = &s->knowledge->background;
    size_t terms = t->count + s->others.count, occurrences = s->texts.count ? s->texts.at[s->texts.count] : 0;
    uint64_t print = mask__knowledge_fingerprint(s->knowledge);
    double numbers[NUMBERS];
    numbers[MEAN_SCALE] = s->mean_scale;
    numbers[REFERENCE] = s->reference_deviation;
    numbers[KNOWN] = (double)t->count;
    numbers[MEAN_HUB] = s->mean_hub;
    MASK__TRY(mask__options_put(MASK_OPTIONS_MATCH, &s->options, "options.match", w, err));
    MASK__TRY(mask__pack_add(w, "numbers", MASK__F64, 1, (uint64_t[]){NUMBERS}, numbers, err));
    MASK__TRY(mask__pack_add(w, "knowledge", MASK__U64, 1, (uint64_t[]){1}, &print, err));
    MASK__TRY(put(w, "prototypes", terms, s->z, t->prototypes, err));
    MASK__TRY(put(w, "scenes", terms, s->z, t->scenes, err));
    MASK__TRY(put(w, "pooled", terms, 2, t->pooled, err));
    MASK__TRY(put(w, "whole", terms, 2, t->whole, err));
    MASK__TRY(put(w, "scene", terms, 2, t->scene, err));
    MASK__TRY(put(w, "over_b", terms, s->background, t->over_b, err));
    MASK__TRY(put(w, "scene_centre", 1, s->z, s->scene_centre, err));
    MASK__TRY(put(w, "background.whole", s->background, s->z, s->b_whole, err));
    MASK__TRY(put(w, "background.scenes", s->background, s->z, s->b_scenes, err));
    if (s->background)
        MASK__TRY(put(w, "background.inverse_norms", b->image_rows[b->images], 1, s->b_inverse_norms, err));
    if (!s->texts.count) return MASK_OK;
    MASK__TRY(mask__pack_add(w, "texts.at", MASK__U64, 1, (uint64_t[]){s->texts.count + 1}, s->texts.at, err));
    MASK__TRY(mask__pack_add(w, "texts.terms", MASK__U32, 1, (uint64_t[]){occurrences}, s->texts.terms, err));
    MASK__TRY(put(w, "texts.weights", occurrences, 1, s->texts.shares, err));
    MASK__TRY(put(w, "texts.mean", s->texts.count, 1, s->text_mean, err));
    return put(w, "texts.deviation", s->texts.count, 1, s->text_deviation, err);
}

mask_status mask__calibration_save(const mask__calibration *s, const char *path, mask_error *err)
{
    mask__pack_writer *w;
    if (!mask__knowledge_fingerprint(s->knowledge))
        return mask__fail(err, MASK_EINVAL, "%s: its knowledge is not from a file: save and open it first", path);
    MASK__TRY(mask__pack_create(&w, path, MAGIC, VERSION, err));
    mask_status status = put_all(w, s, err);
    return mask__pack_commit(w, status, err);
}

/* A tensor that must be there when `wanted`. */
static mask_status get(const mask__calibration *s, const char *name, bool wanted, size_t rows, size_t columns,
                       void *out, mask_error *err)
{
    const mask__tensor *t;
    if (!wanted) return MASK_OK;
    MASK__TRY(mask__pack_get(&s->pack, name, MASK__F32, 2, (uint64_t[]){rows, columns}, &t, err));
    if (t->shape[0] != rows || t->shape[1] != columns) /* a shape of 0 asks for any */
        return mask__fail_at(err, MASK_EFORMAT, t->offset, "%s: '%s' has another shape than its file says",
                             s->pack.path, name);
    memcpy(out, &t->data, sizeof t->data); /* a pointer to const float or to const mask__affine */
    return MASK_OK;
}

static mask_status get_texts(mask__calibration *s, size_t terms, mask_error *err)
{
    const mask__tensor *at, *t;
    MASK__TRY(mask__pack_get(&s->pack, "texts.at", MASK__U64, 1, (uint64_t[]){0}, &at, err));
    MASK__TRY(mask__pack_get(&s->pack, "texts.terms", MASK__U32, 1, (uint64_t[]){0}, &t, err));
    bool valid = at->shape[0] == s->knowledge->background.texts + 1;
    s->texts.count = valid ? at->shape[0] - 1 : 0;
    s->texts.at = at->data;
    s->texts.terms = t->data;
    valid = valid && s->texts.at[0] == 0 && s->texts.at[s->texts.count] == t->shape[0];
    for (size_t i = 0; valid && i < s->texts.count; i++) valid = s->texts.at[i] <= s->texts.at[i + 1];
    for (size_t i = 0; valid && i < t->shape[0]; i++) valid = s->texts.terms[i] < terms;
    if (!valid)
        return mask__fail_at(err, MASK_EFORMAT, at->offset, "%s: its texts are not lists of its terms: make it again",
                             s->pack.path);
    MASK__TRY(get(s, "texts.weights", true, t->shape[0], 1, &s->texts.shares, err));
    MASK__TRY(get(s, "texts.mean", true, s->texts.count, 1, &s->text_mean, err));
    return get(s, "texts.deviation", true, s->texts.count, 1, &s->text_deviation, err);
}

static mask_status get_numbers(mask__calibration *s, mask_error *err)
{
    const mask__tensor *numbers, *print;
    size_t before = s->pack.version == 1 ? MASK__NUMBERS_1 : 0; /* then the options came first */
    size_t count = s->pack.version < 3 ? MEAN_HUB : NUMBERS;
    MASK__TRY(mask__pack_get(&s->pack, "numbers", MASK__F64, 1, (uint64_t[]){before + count}, &numbers, err));
    MASK__TRY(mask__pack_get(&s->pack, "knowledge", MASK__U64, 1, (uint64_t[]){1}, &print, err));
    const double *value = (const double *)numbers->data + before;
    uint64_t fingerprint = mask__knowledge_fingerprint(s->knowledge);
    if (!fingerprint || *(const uint64_t *)print->data != fingerprint ||
        value[KNOWN] != (double)s->knowledge->info.words)
        return mask__fail_at(
            err, MASK_EMISMATCH, print->offset,
            "%s: was computed from another knowledge than %s: the two files belong together, restore both or "
            "make them again",
            s->pack.path, s->knowledge->pack.path ? s->knowledge->pack.path : "this one");
    if (before) MASK__TRY(mask__options_get_1(&s->options, numbers->data, s->pack.path, err));
    else MASK__TRY(mask__options_get(MASK_OPTIONS_MATCH, &s->options, "options.match", &s->pack, err));
    if (!(value[MEAN_SCALE] >= 0) || !(value[REFERENCE] >= 0) || (count > MEAN_HUB && !isfinite(value[MEAN_HUB])))
        return mask__fail_at(err, MASK_EFORMAT, numbers->offset, "%s: a number is out of its range: make it again",
                             s->pack.path);
    s->mean_scale = value[MEAN_SCALE];
    s->reference_deviation = value[REFERENCE];
    if (count > MEAN_HUB) s->mean_hub = value[MEAN_HUB];
    return mask__calibration_check(s->knowledge, &s->options, s->options.whole_region, err);
}

static mask_status get_all(mask__calibration *s, mask_error *err)
{
    const mask__tensor *t;
    const mask__background *b = &s->knowledge->background;
    mask__scored_terms all = {0};
    MASK__TRY(get_numbers(s, err));
    const mask_match_options *o = &s->options;
    bool calibrated = o->calibrate != MASK_CALIBRATE_NONE, context = o->context > 0, scenes = o->scene > 0;
    s->background = calibrated ? b->images : 0;
    MASK__TRY(mask__pack_get(&s->pack, "prototypes", MASK__F32, 2, (uint64_t[]){0, s->z}, &t, err));
    size_t terms = t->shape[0];
    if (terms < s->known.count || (terms > s->known.count && o->calibrate != MASK_CALIBRATE_FULL))
        return mask__fail_at(err, MASK_EFORMAT, t->offset, "%s: holds %zu words of the knowledge's %zu: make it again",
                             s->pack.path, terms, s->known.count);
    s->others.count = terms - s->known.count;
    all.prototypes = t->data;
    MASK__TRY(get(s, "scenes", scenes, terms, s->z, &all.scenes, err));
    MASK__TRY(get(s, "pooled", true, terms, 2, &all.pooled, err));
    MASK__TRY(get(s, "whole", context, terms, 2, &all.whole, err));
    MASK__TRY(get(s, "scene", scenes, terms, 2, &all.scene, err));
    MASK__TRY(get(s, "over_b", calibrated, terms, s->background, &all.over_b, err));
    MASK__TRY(get(s, "scene_centre", true, 1, s->z, &s->scene_centre, err));
    MASK__TRY(get(s, "background.whole", calibrated && context, s->background, s->z, &s->b_whole, err));
    MASK__TRY(get(s, "background.scenes", calibrated && scenes, s->background, s->z, &s->b_scenes, err));
    if (calibrated)
        MASK__TRY(get(s, "background.inverse_norms", true, b->image_rows[b->images], 1, &s->b_inverse_norms, err));
    MASK__TRY(mask__calibration_place(s, all, err));
    return o->calibrate == MASK_CALIBRATE_FULL ? get_texts(s, terms, err) : MASK_OK;
}

mask_status mask__calibration_load(mask__calibration *out, const mask_knowledge *k, const char *path,
                                   mask__verify verify, mask_error *err)
{
    *out = (mask__calibration){.knowledge = k, .z = k->info.dim, .known = {.count = k->info.words}};
    mask_status status = mask__pack_open(&out->pack, path, MAGIC, VERSION, verify, err);
    if (status == MASK_OK) status = get_all(out, err);
    if (status != MASK_OK) mask__calibration_close(out);
    return status;
}
