/* The naive oracle: docs/matching.md in plain double-precision C, every image region with every word of every text.
 * It shares no code with src/match and src/search: prototypes, word vectors, the background and company are read from
 * the knowledge, everything that is computed of them is computed here. Texts are made words between spaces. */
#ifndef MASK_TESTS_ORACLE_H
#define MASK_TESTS_ORACLE_H

#include "made.h"
#include "knowledge/knowledge.h"

/* Representations of a set of images: image i owns rows at[i] .. at[i + 1] of mu. */
typedef struct oracle_set {
    size_t count;
    uint64_t *at;
    float *mu;
} oracle_set;

/* A word with a prototype: one of these for each distinct word of any text. */
typedef struct oracle_word {
    char name[32];
    double *v, *u; /* unit prototype and scene prototype */
    double omega, rho;
    /* columns over the images [0] and over B [1]: A, G, H as they are, then c_w(i) */
    double *a[2], *g[2], *h[2], *c[2];
    double mean, scale; /* of A over B: what region-max standardises cosines by */
} oracle_word;

typedef struct oracle_text {
    size_t count, *words;
    double *s[2]; /* S(t, .), then z(t, .), over the images and over B */
    double f, mean, deviation, g, share;
} oracle_text;

typedef struct oracle {
    const mask_knowledge *k;
    const mask_vectors *vectors;
    mask_match_options o; /* whole_region: an index or MASK_WHOLE_MEAN */
    size_t z, n;
    oracle_set sets[2]; /* the images; B, which is the images again where there is no background */
    double *cosines[2]; /* unit rows */
    double *whole[2], *scene[2];
    oracle_word words[1024];
    size_t word_count;
    oracle_text *texts; /* the queries, then T, which is the queries again where there is no background */
    size_t queries, text_count, first_of_t;
    double *h, *d; /* images: h(i), D(i) */
    double mean_h; /* of h(b) over B */
} oracle;

static inline double *oracle_room(size_t count)
{
    double *room = calloc(count + 1, sizeof *room);
    assert_non_null(room);
    return room;
}

static inline double oracle_dot(const double *a, const double *b, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++) sum += a[i] * b[i];
    return sum;
}

static inline void oracle_unit(double *x, size_t n)
{
    double norm = sqrt(oracle_dot(x, x, n));
    for (size_t i = 0; i < n && norm > 0; i++) x[i] /= norm;
}

static inline int oracle_descending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x < y) - (x > y);
}

static inline double oracle_mean_largest(const double *values, size_t n, size_t k)
{
    double *sorted = oracle_room(n), sum = 0;
    memcpy(sorted, values, n * sizeof *values);
    qsort(sorted, n, sizeof *sorted, oracle_descending);
    if (k > n) k = n;
    for (size_t i = 0; i < k; i++) sum += sorted[i];
    free(sorted);
    return k ? sum / (double)k : 0;
}

static inline void oracle_moments(const double *x, size_t n, double *mean, double *deviation)
{
    double sum = 0, squares = 0;
    for (size_t i = 0; i < n; i++) sum += x[i];
    *mean = sum / (double)n;
    for (size_t i = 0; i < n; i++) squares += (x[i] - *mean) * (x[i] - *mean);
    *deviation = sqrt(squares / (double)n);
}

static inline double oracle_hubness(const double *x, size_t n, int k, double sharpness)
{
    double sum = 0, most = -1e300;
    if (k > 0) return oracle_mean_largest(x, n, (size_t)k);
    for (size_t i = 0; i < n; i++) most = fmax(most, x[i]);
    for (size_t i = 0; i < n; i++) sum += exp(sharpness * (x[i] - most));
    return most + log(sum / (double)n) / sharpness;
}

/* ---- Words ---- */

/* sim(w, .) with all known words, and the mean of its 5 largest before company joins. */
static inline double *oracle_similarities(const oracle *x, const char *name, const double *vector, double *nearness)
{
    const mask_knowledge *k = x->k;
    const mask__background *b = &k->background;
    size_t known = k->info.words;
    double *sim = oracle_room(known), trust = 0;
    uint32_t at = b->images ? mask__strings_find(&b->words, name, strlen(name)) : MASK__NOT_FOUND;
    for (size_t q = 0; q < known; q++)
        for (size_t d = 0; d < x->n; d++) sim[q] += vector[d] * (double)k->word_vectors[q * x->n + d];
    *nearness = oracle_mean_largest(sim, known, 5);
    if (at != MASK__NOT_FOUND) trust = (double)x->o.ood_company * fmin((double)b->word_texts[at], 20) / 20;
    for (size_t q = 0; trust > 0 && q < known; q++) {
        double company = 0;
        for (size_t d = 0; d < b->company_dim; d++)
            company += (double)b->company[at * b->company_dim + d] * (double)b->known_company[q * b->company_dim + d];
        sim[q] = (1 - trust) * sim[q] + trust * company;
    }
    return sim;
}

/* Eq. 11-13, or Appendix B's closed form for the prototype. */
static inline void oracle_ood(const oracle *x, oracle_word *w, const double *vector)
{
    const mask_knowledge *k = x->k;
    size_t known = k->info.words, m = (size_t)x->o.ood_neighbours;
    double nearness, *sim = oracle_similarities(x, w->name, vector, &nearness), *sorted = oracle_room(known), sum = 0;
    memcpy(sorted, sim, known * sizeof *sim);
    qsort(sorted, known, sizeof *sorted, oracle_descending);
    double least = sorted[m < known ? m - 1 : known - 1], logs = 0;
    for (size_t q = 0; q < known; q++) {
        if (sim[q] < least) continue;
        double s = exp((sim[q] - sorted[0]) / (double)x->o.ood_temperature);
        sum += s;
        logs += s * log(k->reliability ? (double)k->reliability[q] : 1);
        for (size_t d = 0; d < x->z; d++) {
            w->v[d] += s * (double)k->prototypes[q * x->z + d];
            if (x->o.scene > 0) w->u[d] += s * (double)k->scene_prototypes[q * x->z + d];
        }
    }
    w->rho = exp(logs / sum);
    w->omega = x->o.ood_weight >= 0 ? (double)x->o.ood_weight : fmax(0.05, nearness - 0.2);
    if (x->o.ood == MASK_OOD_PROCRUSTES) {
        mask_error err;
        mask__procrustes fit;
        mask__arena arena = {0};
        float *from = malloc(x->n * sizeof *from), *to = malloc(x->z * sizeof *to);
        for (size_t d = 0; d < x->n; d++) from[d] = (float)vector[d];
        check_ok(mask__procrustes_fit(&fit, k->word_vectors, x->n, k->prototypes, x->z, known, &arena, &err));
        mask__procrustes_apply(&fit, from, to);
        mask__arena_free(&arena);
        for (size_t d = 0; d < x->z; d++) w->v[d] = (double)to[d];
        free(from);
        free(to);
    }
    free(sim);
    free(sorted);
}

/* The number of a word, made when it is new; SIZE_MAX when it has neither a prototype nor a vector. */
static inline size_t oracle_find(oracle *x, const char *name)
{
    const mask_knowledge *k = x->k;
    for (size_t i = 0; i < x->word_count; i++)
        if (strcmp(x->words[i].name, name) == 0) return i;
    size_t known = SIZE_MAX;
    for (size_t i = 0; i < k->info.words; i++)
        if (strcmp(mask_knowledge_word(k, i, NULL), name) == 0) known = i;
    int64_t row = x->o.ood != MASK_OOD_OFF ? mask_vectors_find(x->vectors, name, strlen(name)) : -1;
    if (known == SIZE_MAX && row < 0) return SIZE_MAX;
    assert_true(x->word_count < sizeof x->words / sizeof *x->words);
    oracle_word *w = &x->words[x->word_count++];
    snprintf(w->name, sizeof w->name, "%s", name);
    w->v = oracle_room(x->z);
    w->u = oracle_room(x->z);
    w->omega = 1;
    if (known != SIZE_MAX) {
        for (size_t d = 0; d < x->z; d++) w->v[d] = (double)mask_knowledge_prototype(k, known)[d];
        for (size_t d = 0; x->o.scene > 0 && d < x->z; d++) w->u[d] = (double)k->scene_prototypes[known * x->z + d];
        w->rho = k->reliability ? (double)k->reliability[known] : 1;
    } else {
        float *values = malloc(x->n * sizeof *values);
        double *vector = oracle_room(x->n);
        mask_vectors_get(x->vectors, (size_t)row, values);
        for (size_t d = 0; d < x->n; d++) vector[d] = (double)values[d];
        oracle_unit(vector, x->n);
        oracle_ood(x, w, vector);
        free(values);
        free(vector);
    }
    oracle_unit(w->v, x->z);
    oracle_unit(w->u, x->z);
    return x->word_count - 1;
}

static inline void oracle_add_text(oracle *x, const char *text)
{
    oracle_text *t = &x->texts[x->text_count++];
    char copy[1024], *rest = copy;
    snprintf(copy, sizeof copy, "%s", text);
    t->words = calloc(strlen(text) + 1, sizeof *t->words);
    for (char *token = strtok_r(copy, " ", &rest); token; token = strtok_r(NULL, " ", &rest)) {
        size_t word = oracle_find(x, token);
        if (word != SIZE_MAX) t->words[t->count++] = word;
    }
}

/* ---- Images ---- */

/* Unit rows; g_i; and d_i, which centre and projection make x_i of. */
static inline void oracle_look(oracle *x, int side)
{
    const oracle_set *set = &x->sets[side];
    size_t z = x->z;
    double *rows = x->cosines[side] = oracle_room(set->at[set->count] * z);
    double *whole = x->whole[side] = oracle_room(set->count * z), *d = x->scene[side] = oracle_room(set->count * z);
    for (size_t r = 0; r < set->at[set->count]; r++) {
        for (size_t i = 0; i < z; i++) rows[r * z + i] = (double)set->mu[r * z + i];
        oracle_unit(rows + r * z, z);
    }
    for (size_t i = 0; i < set->count; i++) {
        size_t regions = set->at[i + 1] - set->at[i];
        const double *own = rows + set->at[i] * z;
        bool region = x->o.whole_region >= 0;
        for (size_t r = 0; r < regions; r++)
            for (size_t e = 0; e < z; e++) d[i * z + e] += own[r * z + e] / (double)regions;
        for (size_t e = 0; e < z; e++) {
            whole[i * z + e] = region ? own[(size_t)x->o.whole_region * z + e] : d[i * z + e];
            if (region) d[i * z + e] = 1.5 * d[i * z + e] + whole[i * z + e];
        }
        oracle_unit(whole + i * z, z);
    }
}

static inline void oracle_project(oracle *x, int side, const double *centre)
{
    size_t z = x->z;
    double *out = oracle_room(z);
    for (size_t i = 0; i < x->sets[side].count; i++) {
        double *d = x->scene[side] + i * z;
        memset(out, 0, z * sizeof *out);
        for (size_t a = 0; a < z; a++)
            for (size_t b = 0; b < z; b++) out[b] += (d[a] - centre[a]) * (double)x->k->scene_projection[a * z + b];
        memcpy(d, out, z * sizeof *out);
        oracle_unit(d, z);
    }
    free(out);
}

static inline void oracle_scenes(oracle *x)
{
    size_t z = x->z, b = x->sets[1].count;
    double *centre = oracle_room(z);
    for (size_t d = 0; d < z; d++) {
        for (size_t i = 0; i < b; i++) centre[d] += x->scene[1][i * z + d] / (double)b;
        if (x->o.calibrate == MASK_CALIBRATE_NONE)
            centre[d] = (x->o.whole_region >= 0 ? 2.5 : 1) * (double)x->k->scene_mean[d];
    }
    oracle_project(x, 0, centre);
    oracle_project(x, 1, centre);
    free(centre);
}

/* ---- From columns to scores ---- */

/* Adds weight x the standardised column to c; the statistics are those over B. */
static inline void oracle_standardise(const oracle *x, oracle_word *w, double *column[2], double weight, double *m,
                                      double *scale)
{
    double mean = 0, deviation = 0;
    if (x->o.calibrate >= MASK_CALIBRATE_CENTRE) oracle_moments(column[1], x->sets[1].count, &mean, &deviation);
    double by = w->rho / (x->o.calibrate >= MASK_CALIBRATE_ZSCORE ? deviation + 1e-6 : 1);
    for (int side = 0; side < 2; side++)
        for (size_t i = 0; i < x->sets[side].count; i++) w->c[side][i] += weight * (column[side][i] - mean) * by;
    if (m) *m = mean;
    if (scale) *scale = by;
}

static inline void oracle_columns(oracle *x, oracle_word *w)
{
    size_t z = x->z, top = (size_t)x->o.top;
    for (int side = 0; side < 2; side++) {
        size_t count = x->sets[side].count;
        w->a[side] = oracle_room(count);
        w->g[side] = oracle_room(count);
        w->h[side] = oracle_room(count);
        w->c[side] = oracle_room(count);
        for (size_t i = 0; i < count; i++) {
            size_t first = x->sets[side].at[i], regions = x->sets[side].at[i + 1] - first;
            double *cosines = oracle_room(regions);
            for (size_t r = 0; r < regions; r++) cosines[r] = oracle_dot(x->cosines[side] + (first + r) * z, w->v, z);
            w->a[side][i] = oracle_mean_largest(cosines, regions, x->o.pool == MASK_POOL_MEAN ? regions : top);
            w->g[side][i] = oracle_dot(x->whole[side] + i * z, w->v, z);
            if (x->o.scene > 0) w->h[side][i] = oracle_dot(x->scene[side] + i * z, w->u, z);
            free(cosines);
        }
    }
    oracle_standardise(x, w, w->a, x->o.pool == MASK_POOL_REGION_MAX ? 0 : 1, &w->mean, &w->scale);
    oracle_standardise(x, w, w->g, (double)x->o.context, NULL, NULL);
    if (x->o.scene > 0) oracle_standardise(x, w, w->h, (double)x->o.scene, NULL, NULL);
}

/* The mean over regions of the maximum over the text's words. */
static inline double oracle_region_max(const oracle *x, const oracle_text *t, int side, size_t image)
{
    size_t first = x->sets[side].at[image], regions = x->sets[side].at[image + 1] - first;
    double sum = 0;
    for (size_t r = 0; t->count && r < regions; r++) {
        double best = -1e300;
        for (size_t p = 0; p < t->count; p++) {
            const oracle_word *w = &x->words[t->words[p]];
            double cosine = oracle_dot(x->cosines[side] + (first + r) * x->z, w->v, x->z);
            best = fmax(best, (cosine - w->mean) * w->scale);
        }
        sum += best;
    }
    return regions ? sum / (double)regions : 0;
}

static inline double oracle_weight(const oracle *x, const oracle_text *t)
{
    double sum = 0;
    for (size_t p = 0; p < t->count; p++) sum += x->words[t->words[p]].omega;
    return sum;
}

/* S(t, .), and z(t, .) of it. mean_f: the mean of f over T. */
static inline void oracle_text_scores(oracle *x, oracle_text *t, double mean_f)
{
    double weights = oracle_weight(x, t);
    for (int side = 0; side < 2; side++) {
        t->s[side] = oracle_room(x->sets[side].count);
        for (size_t i = 0; i < x->sets[side].count; i++) {
            for (size_t p = 0; weights > 0 && p < t->count; p++)
                t->s[side][i] += x->words[t->words[p]].omega / weights * x->words[t->words[p]].c[side][i];
            if (x->o.pool == MASK_POOL_REGION_MAX) t->s[side][i] += oracle_region_max(x, t, side, i);
        }
    }
    t->mean = 0;
    t->deviation = t->share = 1;
    if (weights < (double)x->o.hub_words) t->share = weights / (double)x->o.hub_words;
    if (x->o.calibrate < MASK_CALIBRATE_TEXT) return;
    t->f = pow(fmax(weights, 0.3), (double)x->o.text_power) / mean_f;
    oracle_moments(t->s[1], x->sets[1].count, &t->mean, &t->deviation);
    t->deviation += 1e-6;
    for (int side = 0; side < 2; side++)
        for (size_t i = 0; i < x->sets[side].count; i++)
            t->s[side][i] = t->f * (t->s[side][i] - t->mean) / t->deviation;
    t->g = oracle_hubness(t->s[1], x->sets[1].count, x->o.hub_neighbours, (double)x->o.hub_text_sharpness);
}

static inline double *oracle_over_t(const oracle *x, int side, size_t image)
{
    double *out = oracle_room(x->text_count - x->first_of_t);
    for (size_t t = x->first_of_t; t < x->text_count; t++) out[t - x->first_of_t] = x->texts[t].s[side][image];
    return out;
}

static inline double oracle_deviation(const oracle *x, int side, size_t image)
{
    double mean, deviation, *over_t = oracle_over_t(x, side, image);
    oracle_moments(over_t, x->text_count - x->first_of_t, &mean, &deviation);
    free(over_t);
    return deviation;
}

static inline void oracle_image_statistics(oracle *x)
{
    double reference = 0;
    size_t t = x->text_count - x->first_of_t;
    for (size_t b = 0; b < x->sets[1].count; b++) reference += oracle_deviation(x, 1, b) / (double)x->sets[1].count;
    for (int side = 1; side >= 0; side--)
        for (size_t i = 0; i < x->sets[side].count; i++) {
            double *over_t = oracle_over_t(x, side, i), deviation = oracle_deviation(x, side, i);
            double d = x->o.image_power > 0 && deviation > 0 ? pow(deviation / reference, (double)x->o.image_power) : 1;
            for (size_t p = 0; p < t; p++) over_t[p] /= d;
            double h = oracle_hubness(over_t, t, x->o.hub_neighbours, (double)x->o.hub_image_sharpness);
            if (side) x->mean_h += h / (double)x->sets[1].count;
            else {
                x->d[i] = d;
                x->h[i] = h;
            }
            free(over_t);
        }
}

/* Computes all scores of `texts` with `images`. Without a background in the knowledge B and T are these themselves.
 * Free with oracle_close. */
static inline oracle *oracle_open(const mask_knowledge *k, const mask_vectors *vectors, const mask_match_options *o,
                                  int whole_region, const oracle_set *images, const mask_texts *texts)
{
    const mask__background *b = &k->background;
    oracle *x = calloc(1, sizeof *x);
    bool background = b->images > 0;
    *x = (oracle){.k = k, .vectors = vectors, .o = *o, .z = k->info.dim, .n = k->info.vector_dim};
    x->o.whole_region = whole_region;
    x->sets[0] = x->sets[1] = *images;
    if (background) x->sets[1] = (oracle_set){b->images, (uint64_t *)b->image_rows, (float *)b->mu};
    x->queries = mask_texts_count(texts);
    x->first_of_t = background ? x->queries : 0;
    x->texts = calloc(x->queries + b->texts + 1, sizeof *x->texts);
    for (size_t t = 0; t < x->queries; t++) oracle_add_text(x, mask_texts_get(texts, t));
    for (size_t t = 0; background && t < b->texts; t++) {
        char line[1024] = "";
        for (uint64_t p = b->text_words_at[t]; p < b->text_words_at[t + 1]; p++) {
            size_t length, used = strlen(line);
            const char *word = mask__strings_get(&b->words, b->text_words[p], &length);
            snprintf(line + used, sizeof line - used, "%.*s ", (int)length, word);
        }
        oracle_add_text(x, line);
    }
    for (int side = 0; side < 2; side++) oracle_look(x, side);
    if (o->scene > 0) oracle_scenes(x);
    for (size_t w = 0; w < x->word_count; w++) oracle_columns(x, &x->words[w]);
    double mean_f = 0;
    for (size_t t = x->first_of_t; t < x->text_count; t++)
        mean_f += pow(fmax(oracle_weight(x, &x->texts[t]), 0.3), (double)o->text_power) /
                  (double)(x->text_count - x->first_of_t);
    for (size_t t = 0; t < x->text_count; t++) oracle_text_scores(x, &x->texts[t], mean_f);
    x->h = oracle_room(images->count);
    x->d = oracle_room(images->count);
    if (o->calibrate == MASK_CALIBRATE_FULL) oracle_image_statistics(x);
    return x;
}

static inline void oracle_close(oracle *x)
{
    for (size_t t = 0; t < x->text_count; t++) {
        free(x->texts[t].words);
        for (int side = 0; side < 2; side++) free(x->texts[t].s[side]);
    }
    for (size_t w = 0; w < x->word_count; w++) {
        oracle_word *word = &x->words[w];
        free(word->v);
        free(word->u);
        for (int side = 0; side < 2; side++) {
            free(word->a[side]);
            free(word->g[side]);
            free(word->h[side]);
            free(word->c[side]);
        }
    }
    for (int side = 0; side < 2; side++) {
        free(x->cosines[side]);
        free(x->whole[side]);
        free(x->scene[side]);
    }
    free(x->texts);
    free(x->h);
    free(x->d);
    free(x);
}

/* Whether a text has a word that can be used; one that has none scores as low as the lowest of the others. */
static inline bool oracle_usable(const oracle *x, size_t text)
{
    return x->texts[text].count > 0;
}

static inline double oracle_score(const oracle *x, size_t text, size_t image)
{
    const oracle_text *t = &x->texts[text];
    if (x->o.calibrate < MASK_CALIBRATE_FULL) return t->s[0][image];
    double hub = t->share * x->h[image] + (1 - t->share) * x->mean_h;
    return t->s[0][image] / x->d[image] - (double)x->o.hub_image * hub - (double)x->o.hub_text * t->g;
}

/* ---- Sets ---- */

static inline oracle_set oracle_encode(const mask_knowledge *k, const mask_images *images)
{
    mask_error err;
    size_t z = k->info.dim, count = mask_images_count(images);
    oracle_set set = {.count = count, .at = calloc(count + 1, sizeof *set.at)};
    for (size_t i = 0; i < count; i++) set.at[i + 1] = set.at[i] + mask_images_regions(images, i);
    set.mu = malloc((set.at[count] * z + 1) * sizeof *set.mu);
    for (size_t i = 0; i < count; i++) check_ok(mask_knowledge_encode(k, images, i, set.mu + set.at[i] * z, &err));
    return set;
}

static inline void oracle_set_free(oracle_set *set)
{
    free(set->at);
    free(set->mu);
}

#endif
