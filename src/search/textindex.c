/* Texts as terms with weights and statistics, and the file that remembers them. It is named after the texts' content,
 * and the images at hand in the background, so it is never wrong about them. A damaged file, or one of another version,
 * is made anew. */
#include "search/textindex.h"
#include "base/memory.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAGIC "MASKTEXT"
enum { VERSION = 2, FIELDS = 4 };

/* ---- Making ---- */

/* OOD words of a lexicon by their vectors' order: value rows of theirs alone. */
typedef struct making {
    const mask__view *view;
    mask__lexicon lexicon;
    mask__term_values values; /* of all terms */
    mask__term_values ood;    /* of the OOD words alone */
    uint32_t *place;          /* of a term in the index */
    mask__arena work;
} making;

/* Numbers the terms of the index and gathers the OOD words' values. */
static mask_status number_terms(making *m, mask__text_index *out, mask_error *err)
{
    const mask__lexicon *l = &m->lexicon;
    size_t terms = l->names.count, z = m->view->knowledge->info.dim, known = 0, others = 0;
    uint32_t *words = mask__arena_alloc(&out->arena, terms, sizeof *words);
    m->place = mask__arena_alloc(&m->work, terms, sizeof *m->place);
    m->ood = (mask__term_values){
        .prototypes = mask__arena_matrix(&out->arena, l->ood_count, z, sizeof(float)),
        .scenes = m->values.scenes ? mask__arena_matrix(&out->arena, l->ood_count, z, sizeof(float)) : NULL,
        .reliability = mask__arena_alloc(&m->work, l->ood_count, sizeof(float))};
    if (out->arena.lost || m->work.lost) return mask__no_memory(err, "texts");
    for (size_t i = 0; i < terms; i++)
        if (l->terms[i].known != MASK__NOT_FOUND) {
            m->place[i] = (uint32_t)known;
            words[known++] = l->terms[i].known;
        }
    for (size_t i = 0; i < terms; i++) {
        if (l->terms[i].known != MASK__NOT_FOUND) continue;
        memcpy(m->ood.prototypes + others * z, m->values.prototypes + i * z, z * sizeof(float));
        if (m->ood.scenes) memcpy(m->ood.scenes + others * z, m->values.scenes + i * z, z * sizeof(float));
        m->ood.reliability[others] = m->values.reliability[i];
        m->place[i] = (uint32_t)(known + others++);
    }
    out->words = words;
    out->known = known;
    out->others = others;
    return MASK_OK;
}

static mask_status score_text(const making *m, const mask__text_index *index, size_t first, size_t count,
                              double *shares, float *statistics, mask__arena *arena, mask_error *err)
{
    const mask__calibration *calibration = m->view->calibration;
    const float **over_b = mask__arena_alloc(arena, count, sizeof *over_b);
    float *weights = mask__arena_alloc(arena, count, sizeof *weights);
    double total = 0;
    mask__text_statistics s;
    if (arena->lost) return mask__no_memory(err, "texts");
    for (size_t i = 0; i < count; i++) {
        uint32_t term = m->lexicon.text_terms[first + i], place = m->place[term];
        weights[i] = m->values.weights[term];
        total += (double)weights[i];
        over_b[i] = place >= index->known ? index->ood.over_b + (place - index->known) * calibration->background
                    : calibration->known.over_b
                        ? calibration->known.over_b + index->words[place] * calibration->background
                        : NULL;
    }
    for (size_t i = 0; i < count; i++) shares[i] = total > 0 ? (double)weights[i] / total : 0;
    MASK__TRY(mask__calibration_text(calibration, over_b, weights, count, &s, err));
    memcpy(statistics, (float[FIELDS]){s.mean, s.deviation, s.share, s.hub}, FIELDS * sizeof *statistics);
    return MASK_OK;
}

static mask_status score_texts(making *m, mask__text_index *out, mask_error *err)
{
    const mask__lexicon *l = &m->lexicon;
    uint64_t *at = mask__arena_alloc(&out->arena, l->texts + 1, sizeof *at);
    uint32_t *terms = mask__arena_alloc(&out->arena, l->used, sizeof *terms);
    double *shares = mask__arena_alloc(&out->arena, l->used, sizeof *shares);
    float *statistics = mask__arena_matrix(&out->arena, l->texts, FIELDS, sizeof *statistics);
    if (out->arena.lost) return mask__no_memory(err, "texts");
    for (size_t i = 0; i < l->used; i++) terms[i] = m->place[l->text_terms[i]];
    for (size_t t = 0; t <= l->texts; t++) at[t] = l->text_at[t];
    bool short_of_memory = false;
#pragma omp parallel for schedule(dynamic, 64)
    for (size_t t = 0; t < l->texts; t++) {
        MASK__CLOSED(mask__arena_free) mask__arena arena = {0};
        if (score_text(m, out, at[t], at[t + 1] - at[t], shares + at[t], statistics + t * FIELDS, &arena, NULL) !=
            MASK_OK) {
#pragma omp atomic write
            short_of_memory = true;
        }
    }
    out->texts = l->texts;
    out->at = at;
    out->terms = terms;
    out->shares = shares;
    out->statistics = statistics;
    return short_of_memory ? mask__no_memory(err, "texts") : MASK_OK;
}

static void close_making(making *m)
{
    mask__lexicon_close(&m->lexicon);
    mask__arena_free(&m->work);
}

static mask_status make(mask__text_index *out, const mask__view *v, const mask_vectors *vectors,
                        const mask_texts *texts, const mask_run *run, mask_error *err)
{
    MASK__CLOSED(close_making) making m = {.view = v};
    size_t count = mask_texts_count(texts);
    MASK__TRY(mask__lexicon_open(&m.lexicon, v->knowledge, vectors, err));
    for (size_t t = 0; t < count; t++) {
        if (t % 1024 == 0) MASK__TRY(mask__progress(run, "texts", "texts", t, count, err));
        MASK__TRY(mask__lexicon_add_text(&m.lexicon, mask_texts_get(texts, t), err));
    }
    MASK__TRY(mask__term_values_make(&m.values, &m.lexicon, &v->options, &m.work, err));
    MASK__TRY(number_terms(&m, out, err));
    MASK__TRY(mask__calibration_terms(v->calibration, &m.ood, out->others, &out->ood, &out->arena, err));
    return score_texts(&m, out, err);
}

/* ---- The file ---- */

static uint64_t key_of(const mask__view *v, const mask_texts *texts, const mask_vectors *vectors)
{
    uint64_t key = (vectors ? mask_vectors_fingerprint(vectors) : 0) ^ v->knowledge->own_print;
    for (size_t t = 0; t < mask_texts_count(texts); t++) {
        const char *text = mask_texts_get(texts, t);
        uint64_t both[2] = {key, mask__strings_hash(text, strlen(text))};
        key = mask__strings_hash((const char *)both, sizeof both);
    }
    return key;
}

static mask_status put_all(const mask__text_index *x, size_t z, mask__pack_writer *w, mask_error *err)
{
    size_t n = x->others, used = x->at[x->texts];
    MASK__TRY(mask__pack_put(w, "words", MASK__U32, x->known, 0, x->words, err));
    MASK__TRY(mask__pack_put(w, "prototypes", MASK__F32, n, z, x->ood.prototypes, err));
    MASK__TRY(mask__pack_put(w, "scenes", MASK__F32, n, z, x->ood.scenes, err));
    MASK__TRY(mask__pack_put(w, "affine.pooled", MASK__F32, n, 2, x->ood.pooled, err));
    MASK__TRY(mask__pack_put(w, "affine.whole", MASK__F32, n, 2, x->ood.whole, err));
    MASK__TRY(mask__pack_put(w, "affine.scene", MASK__F32, n, 2, x->ood.scene, err));
    MASK__TRY(mask__pack_put(w, "texts.at", MASK__U64, x->texts + 1, 0, x->at, err));
    MASK__TRY(mask__pack_put(w, "texts.terms", MASK__U32, used, 0, x->terms, err));
    MASK__TRY(mask__pack_put(w, "texts.shares", MASK__F64, used, 0, x->shares, err));
    return mask__pack_put(w, "texts.statistics", MASK__F32, x->texts, FIELDS, x->statistics, err);
}

static mask_status save(const mask__text_index *x, size_t z, const char *path, mask_error *err)
{
    mask__pack_writer *writer;
    MASK__TRY(mask__pack_create(&writer, path, MAGIC, VERSION, err));
    return mask__pack_commit(writer, put_all(x, z, writer, err), err);
}

static mask_status get_all(mask__text_index *x, const mask__view *v, size_t texts, mask_error *err)
{
    const mask__pack *p = &x->pack;
    const mask_match_options *o = &v->options;
    size_t z = v->knowledge->info.dim, ends = texts + 1, used = MASK__ANY;
    x->known = x->others = MASK__ANY;
    MASK__TRY(mask__pack_data(p, "words", MASK__U32, &x->known, 0, &x->words, err));
    MASK__TRY(mask__pack_data(p, "prototypes", MASK__F32, &x->others, z, &x->ood.prototypes, err));
    if (o->scene > 0) MASK__TRY(mask__pack_data(p, "scenes", MASK__F32, &x->others, z, &x->ood.scenes, err));
    MASK__TRY(mask__pack_data(p, "affine.pooled", MASK__F32, &x->others, 2, &x->ood.pooled, err));
    if (o->context > 0) MASK__TRY(mask__pack_data(p, "affine.whole", MASK__F32, &x->others, 2, &x->ood.whole, err));
    if (o->scene > 0) MASK__TRY(mask__pack_data(p, "affine.scene", MASK__F32, &x->others, 2, &x->ood.scene, err));
    MASK__TRY(mask__pack_data(p, "texts.at", MASK__U64, &ends, 0, &x->at, err));
    MASK__TRY(mask__pack_data(p, "texts.terms", MASK__U32, &used, 0, &x->terms, err));
    MASK__TRY(mask__pack_data(p, "texts.shares", MASK__F64, &used, 0, &x->shares, err));
    MASK__TRY(mask__pack_data(p, "texts.statistics", MASK__F32, &texts, FIELDS, &x->statistics, err));
    x->texts = texts;
    x->ood.count = x->others;
    bool good = x->at[0] == 0 && x->at[texts] == used;
    for (size_t t = 0; t < texts; t++) good = good && x->at[t] <= x->at[t + 1];
    for (size_t i = 0; i < used; i++) good = good && x->terms[i] < x->known + x->others;
    for (size_t i = 0; i < x->known; i++) good = good && x->words[i] < v->knowledge->info.words;
    return good ? MASK_OK : mask__fail(err, MASK_EFORMAT, "%s: its words are out of range", p->path);
}

static bool load(mask__text_index *out, const mask__view *v, const char *path, size_t texts)
{
    if (mask__pack_open(&out->pack, path, MAGIC, VERSION, MASK__VERIFY_DATA, NULL) != MASK_OK) return false;
    if (get_all(out, v, texts, NULL) == MASK_OK) return true;
    mask__text_index_close(out);
    return false;
}

mask_status mask__text_index_open(mask__text_index *out, const mask__view *v, const mask_vectors *vectors,
                                  const mask_texts *texts, const mask_run *run, mask_error *err)
{
    mask_error why;
    *out = (mask__text_index){0};
    if (v->options.ood == MASK_OOD_OFF) vectors = NULL;
    else if (!vectors)
        return mask__fail(err, MASK_EINVAL, "%s: out-of-knowledge words need the word vectors of its knowledge (%s)",
                          v->path, v->knowledge->info.vectors_path);
    MASK__FREED char *path = NULL;
    if (asprintf(&path, "%s/%016" PRIx64 ".texts", v->path, key_of(v, texts, vectors)) < 0)
        return mask__no_memory(err, "texts");
    mask_status status = MASK_OK;
    if (!load(out, v, path, mask_texts_count(texts))) {
        status = make(out, v, vectors, texts, run, err);
        if (status == MASK_OK && save(out, v->knowledge->info.dim, path, &why) != MASK_OK)
            mask__log(run, MASK_LOG_INFO, "the texts' index is not kept: %s", why.message);
    }
    if (status != MASK_OK) mask__text_index_close(out);
    return status;
}

void mask__text_index_close(mask__text_index *x)
{
    mask__arena_free(&x->arena);
    mask__pack_close(&x->pack);
    *x = (mask__text_index){0};
}
