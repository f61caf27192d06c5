/* Matching against its brute-force twin: every image region with every word of every text, in double, straight from
 * the equations of docs/matching.md, for all poolings, levels of calibration and sources of statistics. */
#include "made.h"
#include "knowledge/knowledge.h"

enum { M = 10, N = 7, WORDS = 12, VECTORS = 18, IMAGES = 9, BACKGROUND = 8, REGIONS = 5, TEXTS = 7, T = 6, LENGTH = 4 };

typedef struct world {
    mask_vectors *vectors;
    mask_labels *labels;
    mask_knowledge *plain, *calibrated;
    mask_images *images, *background;
    mask_texts *texts, *background_texts;
    float features[IMAGES * REGIONS * M], background_features[BACKGROUND * REGIONS * M];
    float word_vectors[VECTORS * N];
    size_t queries[TEXTS][LENGTH], others[T][LENGTH]; /* word ids; VECTORS = the end */
} world;

static mask_texts *make_texts(size_t (*words)[LENGTH], size_t count, uint64_t *random)
{
    mask_error err;
    mask_texts *out;
    char lines[16][64];
    const char *list[16];
    for (size_t t = 0; t < count; t++) {
        size_t length = t == 0 ? 0 : 1 + t % LENGTH; /* text 0 holds no word at all */
        lines[t][0] = '\0';
        for (size_t i = 0; i < LENGTH; i++) {
            words[t][i] = i < length ? (size_t)((made_number(random) + 1) / 2 * VECTORS) : VECTORS;
            if (i < length) snprintf(lines[t] + strlen(lines[t]), 8, "%s ", made_word(words[t][i]));
        }
        list[t] = lines[t];
    }
    check_ok(mask_texts_create(&out, list, count, &err));
    return out;
}

static void make_world(world *w, mask_representation encoder, uint64_t seed)
{
    mask_error err;
    uint64_t random = seed;
    enum { ROWS = WORDS * 5 };
    static float features[ROWS * M];
    static char labels[ROWS][64];
    mask_learn_options o = MASK_LEARN_DEFAULTS;
    for (size_t i = 0; i < VECTORS * N; i++) w->word_vectors[i] = made_number(&random);
    for (size_t i = 0; i < ROWS * M; i++) features[i] = fmaxf(0, made_number(&random) + 0.3f);
    for (size_t r = 0; r < ROWS; r++)
        snprintf(labels[r], sizeof labels[r], "%s %s", made_word(r % WORDS), made_word(r * 7 % WORDS));
    for (size_t i = 0; i < IMAGES * REGIONS * M; i++) w->features[i] = fmaxf(0, made_number(&random) + 0.3f);
    for (size_t i = 0; i < BACKGROUND * REGIONS * M; i++)
        w->background_features[i] = fmaxf(0, made_number(&random) + 0.3f);
    w->vectors = made_vectors(w->word_vectors, VECTORS, N);
    w->labels = made_labels(features, ROWS, M, labels, 4);
    w->images = made_images("images.npy", w->features, IMAGES, REGIONS, M);
    w->background = made_images("background.npy", w->background_features, BACKGROUND, REGIONS, M);
    w->texts = make_texts(w->queries, TEXTS, &random);
    w->background_texts = make_texts(w->others, T, &random);
    o.representation = encoder;
    o.tokens = MASK_TOKENS_LETTERS;
    o.min_count = 1;
    o.whiten_dim = 6;
    check_ok(mask_knowledge_learn(&w->plain, w->labels, w->vectors, &o, NULL, &err));
    check_ok(mask_knowledge_calibrate(&w->calibrated, w->plain, w->vectors, w->background, w->background_texts, NULL,
                                      NULL, &err));
}

static void free_world(world *w)
{
    mask_knowledge_close(w->plain);
    mask_knowledge_close(w->calibrated);
    mask_images_close(w->images);
    mask_images_close(w->background);
    mask_texts_close(w->texts);
    mask_texts_close(w->background_texts);
    mask_labels_close(w->labels);
    mask_vectors_close(w->vectors);
}

/* ---- The twin ---- */

enum { Z_MAX = M };

typedef struct twin {
    size_t z;
    double prototype[VECTORS][Z_MAX], scene[VECTORS][Z_MAX]; /* unit */
    double weight[VECTORS], reliability[VECTORS];
    bool usable[VECTORS];
    double cosine[2][IMAGES][REGIONS][VECTORS], whole[2][IMAGES][VECTORS]; /* [0] images, [1] background */
    double descriptor[2][IMAGES][Z_MAX], scenes[2][IMAGES][VECTORS];
    size_t count[2];
    double word_mean[VECTORS], word_scale[VECTORS], whole_mean[VECTORS], whole_scale[VECTORS];
    double scene_mean[VECTORS], scene_scale[VECTORS];
} twin;

static double unit_double(double *x, size_t n)
{
    double squares = 0;
    for (size_t i = 0; i < n; i++) squares += x[i] * x[i];
    for (size_t i = 0; i < n && squares > 0; i++) x[i] /= sqrt(squares);
    return sqrt(squares);
}

static double dot_double(const double *a, const double *b, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++) sum += a[i] * b[i];
    return sum;
}

static int descending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x < y) - (x > y);
}

static double mean_largest(const double *values, size_t n, size_t k)
{
    double sorted[256], sum = 0;
    memcpy(sorted, values, n * sizeof *values);
    qsort(sorted, n, sizeof *sorted, descending);
    if (k > n) k = n;
    for (size_t i = 0; i < k; i++) sum += sorted[i];
    return k ? sum / (double)k : 0;
}

/* Mixes co-occurrence into the cosines of an OOD word with the known ones, if the background holds it. */
static void add_company(const mask_knowledge *k, size_t v, size_t known, const mask_match_options *o, double *cosines)
{
    const mask__background *b = &k->background;
    uint32_t at = mask__strings_find(&b->words, made_word(v), strlen(made_word(v)));
    if (o->ood_company <= 0 || at == MASK__NOT_FOUND) return;
    double share = o->ood_company * fmin(1, (double)b->word_texts[at] / 20);
    for (size_t i = 0; i < known; i++) {
        double sum = 0;
        for (size_t s = 0; s < b->company_dim; s++)
            sum += (double)b->company[at * b->company_dim + s] * b->known_company[i * b->company_dim + s];
        cosines[i] = (1 - share) * cosines[i] + share * sum;
    }
}

/* Prototypes of known words as they are stored, of the others by Eq. 11-13. */
static void twin_words(twin *t, const world *w, const mask_knowledge *k, const mask_match_options *o)
{
    double known_vectors[VECTORS][N], cosines[VECTORS];
    size_t known_id[VECTORS], known = 0;
    mask_knowledge_info info;
    mask_knowledge_describe(k, &info);
    t->z = info.dim;
    for (size_t i = 0; i < info.words; i++)
        for (size_t v = 0; v < VECTORS; v++)
            if (strcmp(mask_knowledge_word(k, i, NULL), made_word(v)) == 0) known_id[known++] = v;
    assert_int_equal(known, WORDS);
    for (size_t i = 0; i < known; i++) {
        for (size_t d = 0; d < N; d++) known_vectors[i][d] = w->word_vectors[known_id[i] * N + d];
        unit_double(known_vectors[i], N);
    }
    for (size_t v = 0; v < VECTORS; v++) {
        double vector[N], sum = 0;
        size_t index = known;
        for (size_t i = 0; i < known; i++)
            if (known_id[i] == v) index = i;
        memset(t->prototype[v], 0, sizeof t->prototype[v]);
        memset(t->scene[v], 0, sizeof t->scene[v]);
        t->usable[v] = index < known || o->ood != MASK_OOD_OFF;
        t->weight[v] = 1;
        if (index < known) {
            for (size_t d = 0; d < t->z; d++) t->prototype[v][d] = mask_knowledge_prototype(k, index)[d];
            for (size_t d = 0; d < t->z && o->scene > 0; d++) t->scene[v][d] = k->scene_prototypes[index * t->z + d];
            t->reliability[v] = k->reliability ? k->reliability[index] : 1;
        } else {
            double near = 0, logs = 0;
            for (size_t d = 0; d < N; d++) vector[d] = w->word_vectors[v * N + d];
            unit_double(vector, N);
            for (size_t i = 0; i < known; i++) cosines[i] = dot_double(vector, known_vectors[i], N);
            near = mean_largest(cosines, known, 5);
            add_company(k, v, known, o, cosines);
            double limit[VECTORS];
            memcpy(limit, cosines, sizeof limit);
            qsort(limit, known, sizeof *limit, descending);
            double least = limit[(size_t)o->ood_neighbours < known ? (size_t)o->ood_neighbours - 1 : known - 1];
            for (size_t i = 0; i < known; i++) {
                if (cosines[i] < least) continue;
                double e = exp(cosines[i] / o->ood_temperature);
                sum += e;
                logs += e * log(k->reliability ? k->reliability[i] : 1);
                for (size_t d = 0; d < t->z; d++) t->prototype[v][d] += e * mask_knowledge_prototype(k, i)[d];
                for (size_t d = 0; d < t->z && o->scene > 0; d++)
                    t->scene[v][d] += e * k->scene_prototypes[i * t->z + d];
            }
            t->reliability[v] = exp(logs / sum);
            t->weight[v] = o->ood_weight >= 0 ? o->ood_weight : fmax(0.05, near - 0.2);
        }
        unit_double(t->prototype[v], t->z);
        unit_double(t->scene[v], t->z);
    }
}

static void twin_cosines(twin *t, int side, const mask_knowledge *k, const mask_images *images,
                         const mask_match_options *o)
{
    mask_error err;
    t->count[side] = mask_images_count(images);
    for (size_t i = 0; i < t->count[side]; i++) {
        float mu[REGIONS * Z_MAX];
        double mean[Z_MAX] = {0};
        check_ok(mask_knowledge_encode(k, images, i, mu, &err));
        for (size_t r = 0; r < REGIONS; r++) {
            double x[Z_MAX];
            for (size_t d = 0; d < t->z; d++) x[d] = mu[r * t->z + d];
            unit_double(x, t->z);
            for (size_t d = 0; d < t->z; d++) mean[d] += x[d] / REGIONS;
            for (size_t v = 0; v < VECTORS; v++) t->cosine[side][i][r][v] = dot_double(x, t->prototype[v], t->z);
        }
        for (size_t d = 0; d < t->z; d++) t->descriptor[side][i][d] = mean[d];
        if (o->whole_region >= 0) {
            double x[Z_MAX];
            for (size_t d = 0; d < t->z; d++) x[d] = mu[(size_t)o->whole_region * t->z + d];
            unit_double(x, t->z);
            for (size_t d = 0; d < t->z; d++) t->descriptor[side][i][d] = 1.5 * mean[d] + x[d];
        }
        unit_double(mean, t->z);
        for (size_t v = 0; v < VECTORS; v++)
            t->whole[side][i][v] =
                o->whole_region >= 0 ? t->cosine[side][i][o->whole_region][v] : dot_double(mean, t->prototype[v], t->z);
    }
}

/* Scene columns of a side, around the centre of side b (none = what the knowledge's images suggest). */
static void twin_scenes(twin *t, int side, int b, const mask_knowledge *k, const mask_match_options *o)
{
    double centre[Z_MAX] = {0};
    for (size_t d = 0; d < t->z; d++) {
        for (size_t i = 0; i < t->count[b]; i++) centre[d] += t->descriptor[b][i][d] / (double)t->count[b];
        if (o->calibrate == MASK_CALIBRATE_NONE) centre[d] = (o->whole_region >= 0 ? 2.5 : 1) * k->scene_mean[d];
    }
    for (size_t i = 0; i < t->count[side]; i++) {
        double x[Z_MAX] = {0};
        for (size_t d = 0; d < t->z; d++)
            for (size_t e = 0; e < t->z; e++)
                x[e] += (t->descriptor[side][i][d] - centre[d]) * k->scene_projection[d * t->z + e];
        unit_double(x, t->z);
        for (size_t v = 0; v < VECTORS; v++) t->scenes[side][i][v] = dot_double(x, t->scene[v], t->z);
    }
}

static double pooled(const twin *t, int side, size_t i, size_t v, const mask_match_options *o)
{
    double values[REGIONS];
    for (size_t r = 0; r < REGIONS; r++) values[r] = t->cosine[side][i][r][v];
    return mean_largest(values, REGIONS, o->pool == MASK_POOL_MEAN ? REGIONS : (size_t)o->top);
}

static void statistics(const double *x, size_t n, double *mean, double *deviation)
{
    double sum = 0, squares = 0;
    for (size_t i = 0; i < n; i++) sum += x[i];
    *mean = sum / (double)n;
    for (size_t i = 0; i < n; i++) squares += (x[i] - *mean) * (x[i] - *mean);
    *deviation = sqrt(squares / (double)n);
}

static void twin_word_statistics(twin *t, int side, const mask_match_options *o)
{
    for (size_t v = 0; v < VECTORS; v++) {
        double a[IMAGES], g[IMAGES], h[IMAGES], deviation;
        for (size_t i = 0; i < t->count[side]; i++) {
            a[i] = pooled(t, side, i, v, o);
            g[i] = t->whole[side][i][v];
            h[i] = t->scenes[side][i][v];
        }
        t->word_mean[v] = t->whole_mean[v] = t->scene_mean[v] = 0;
        t->word_scale[v] = t->whole_scale[v] = t->scene_scale[v] = 1;
        if (o->calibrate == MASK_CALIBRATE_NONE) continue;
        statistics(a, t->count[side], &t->word_mean[v], &deviation);
        if (o->calibrate >= MASK_CALIBRATE_ZSCORE) t->word_scale[v] = 1 / (deviation + 1e-6);
        statistics(g, t->count[side], &t->whole_mean[v], &deviation);
        if (o->calibrate >= MASK_CALIBRATE_ZSCORE) t->whole_scale[v] = 1 / (deviation + 1e-6);
        statistics(h, t->count[side], &t->scene_mean[v], &deviation);
        if (o->calibrate >= MASK_CALIBRATE_ZSCORE) t->scene_scale[v] = 1 / (deviation + 1e-6);
    }
}

/* S(t, i) by the definition of the pooling; 0 and false for a text without a usable word. */
static bool raw_score(const twin *t, int side, size_t i, const size_t *words, const mask_match_options *o, double *out)
{
    double by_words = 0, context = 0, scene = 0, weights = 0, by_regions = 0;
    for (size_t l = 0; l < LENGTH; l++) {
        size_t v = words[l];
        if (v == VECTORS || !t->usable[v]) continue;
        double worth = t->weight[v] * t->reliability[v];
        by_words += worth * (pooled(t, side, i, v, o) - t->word_mean[v]) * t->word_scale[v];
        context += worth * (t->whole[side][i][v] - t->whole_mean[v]) * t->whole_scale[v];
        scene += worth * (t->scenes[side][i][v] - t->scene_mean[v]) * t->scene_scale[v];
        weights += t->weight[v];
    }
    *out = 0;
    if (weights == 0) return false;
    for (size_t r = 0; r < REGIONS; r++) {
        double best = -1e300;
        for (size_t l = 0; l < LENGTH; l++) {
            size_t v = words[l];
            if (v < VECTORS && t->usable[v])
                best = fmax(best, t->reliability[v] * (t->cosine[side][i][r][v] - t->word_mean[v]) * t->word_scale[v]);
        }
        by_regions += best / REGIONS;
    }
    double first = o->pool == MASK_POOL_REGION_MAX ? by_regions
                   : o->pool == MASK_POOL_BOTH     ? (by_words / weights + by_regions) / 2
                                                   : by_words / weights;
    *out = first + o->context * context / weights + o->scene * scene / weights;
    return true;
}

/* The power of a text's summed weights. */
static double text_worth(const twin *t, const size_t *words, const mask_match_options *o)
{
    double weights = 0;
    for (size_t l = 0; l < LENGTH; l++)
        if (words[l] < VECTORS && t->usable[words[l]]) weights += t->weight[words[l]];
    return pow(fmax(weights, 0.3), o->text_power);
}

static double hubness(const double *x, size_t n, int k, double sharpness)
{
    double sum = 0;
    if (k > 0) return mean_largest(x, n, (size_t)k);
    for (size_t i = 0; i < n; i++) sum += exp(sharpness * x[i]);
    return log(sum / (double)n) / sharpness;
}

/* scores[TEXTS][IMAGES] by brute force. */
static void brute_force(const world *w, const mask_knowledge *k, const mask_match_options *o, bool background,
                        double scores[TEXTS][IMAGES])
{
    static twin t;
    enum { ALL = TEXTS + T };
    twin_words(&t, w, k, o);
    twin_cosines(&t, 0, k, w->images, o);
    twin_cosines(&t, 1, k, w->background, o);
    int b = background ? 1 : 0;
    size_t b_count = t.count[b], others = background ? T : TEXTS, first = background ? TEXTS : 0;
    double z[2][ALL][IMAGES], worth = 0, reference = 0, lowest = 1e300; /* z[0] of the images, z[1] of B */
    bool usable[ALL];
    if (o->scene > 0) {
        twin_scenes(&t, 0, b, k, o);
        twin_scenes(&t, 1, b, k, o);
    }
    twin_word_statistics(&t, b, o);
    for (size_t p = first; p < first + others; p++)
        worth += text_worth(&t, p < TEXTS ? w->queries[p] : w->others[p - TEXTS], o) / (double)others;
    for (size_t q = 0; q < ALL; q++) {
        const size_t *words = q < TEXTS ? w->queries[q] : w->others[q - TEXTS];
        double mean = 0, deviation = 1;
        for (size_t i = 0; i < b_count; i++) raw_score(&t, b, i, words, o, &z[1][q][i]);
        if (o->calibrate >= MASK_CALIBRATE_TEXT) {
            statistics(z[1][q], b_count, &mean, &deviation);
            deviation = (deviation + 1e-6) / (text_worth(&t, words, o) / worth);
        }
        for (size_t i = 0; i < b_count; i++) z[1][q][i] = (z[1][q][i] - mean) / deviation;
        for (size_t i = 0; i < IMAGES; i++) {
            usable[q] = raw_score(&t, 0, i, words, o, &z[0][q][i]);
            z[0][q][i] = (z[0][q][i] - mean) / deviation;
        }
    }
    for (int side = 1; side >= 0; side--) /* B's deviations first: their mean is the unit of the images' */
        for (size_t i = 0; i < (side ? b_count : IMAGES); i++) {
            double over_t[ALL], mean, deviation;
            for (size_t p = 0; p < others; p++) over_t[p] = z[side][first + p][i];
            statistics(over_t, others, &mean, &deviation);
            if (side) {
                reference += deviation / (double)b_count;
                continue;
            }
            double divide = o->image_power > 0 ? pow(deviation / reference, o->image_power) : 1;
            for (size_t p = 0; p < others; p++) over_t[p] /= divide;
            for (size_t q = 0; q < TEXTS; q++) {
                scores[q][i] = z[0][q][i];
                if (o->calibrate == MASK_CALIBRATE_FULL)
                    scores[q][i] = z[0][q][i] / divide -
                                   o->hub_image * hubness(over_t, others, o->hub_neighbours, o->hub_image_sharpness) -
                                   o->hub_text * hubness(z[1][q], b_count, o->hub_neighbours, o->hub_text_sharpness);
                if (usable[q]) lowest = fmin(lowest, scores[q][i]);
            }
        }
    for (size_t q = 0; q < TEXTS; q++)
        for (size_t i = 0; i < IMAGES; i++)
            if (!usable[q]) scores[q][i] = lowest;
}

static void compare(const world *w, const mask_knowledge *k, const mask_match_options *o, bool background)
{
    mask_error err;
    static float scores[TEXTS * IMAGES];
    static double expected[TEXTS][IMAGES];
    mask_match_report report;
    check_ok(mask_match_scores(k, w->vectors, w->images, w->texts, o, scores, NULL, &report, NULL, &err));
    brute_force(w, k, o, background && o->calibrate != MASK_CALIBRATE_NONE, expected);
    assert_int_equal(report.transductive, !background && o->calibrate != MASK_CALIBRATE_NONE);
    for (size_t q = 0; q < TEXTS; q++)
        for (size_t i = 0; i < IMAGES; i++) {
            double difference = fabs(scores[q * IMAGES + i] - expected[q][i]);
            if (!(difference < 2e-4 * fmax(1, fabs(expected[q][i]))))
                fail_msg("pool %d level %d top %d context %g: text %zu image %zu: %g, brute force %g", (int)o->pool,
                         (int)o->calibrate, o->top, (double)o->context, q, i, (double)scores[q * IMAGES + i],
                         expected[q][i]);
        }
}

static void equals_brute_force(mask_representation encoder, uint64_t seed)
{
    static world w;
    make_world(&w, encoder, seed);
    for (int pool = MASK_POOL_MAX_MEAN; pool <= MASK_POOL_MEAN; pool++)
        for (int level = MASK_CALIBRATE_NONE; level <= MASK_CALIBRATE_FULL; level++)
            for (int variant = 0; variant < 4; variant++) {
                mask_match_options o = MASK_MATCH_PLAIN;
                o.pool = (mask_pool)pool;
                o.calibrate = (mask_calibrate)level;
                o.top = 1 + variant;
                o.context = variant % 2 ? 0.5f : 0;
                o.whole_region = variant == 1 ? 2 : MASK_WHOLE_MEAN;
                o.ood = variant == 2 ? MASK_OOD_OFF : MASK_OOD_NEIGHBOURS;
                o.ood_neighbours = 3 + variant;
                o.ood_weight = variant == 0 ? 1 : -1;
                o.hub_neighbours = 1 + 2 * variant;
                if (variant % 2) { /* the parts beyond section 9 */
                    o.scene = 0.8f;
                    o.ood_company = 0.5f;
                    o.text_power = 0.15f * (float)variant;
                    o.image_power = 0.5f;
                    o.hub_neighbours = 0;
                    o.hub_image_sharpness = 1.5f;
                    o.hub_text_sharpness = 2;
                }
                compare(&w, w.calibrated, &o, true);
                compare(&w, w.plain, &o, false);
            }
    free_world(&w);
}

static void raw_features_equal_brute_force(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 3; seed++) equals_brute_force(MASK_REPRESENTATION_NONE, seed);
}

static void whitened_features_equal_brute_force(void **state)
{
    (void)state;
    for (uint64_t seed = 4; seed <= 6; seed++) equals_brute_force(MASK_REPRESENTATION_WHITEN, seed);
}

static void a_saved_knowledge_scores_the_same(void **state)
{
    (void)state;
    mask_error err;
    static world w;
    static float before[TEXTS * IMAGES], after[TEXTS * IMAGES];
    mask_knowledge *again;
    char path[256];
    make_world(&w, MASK_REPRESENTATION_WHITEN, 9);
    snprintf(path, sizeof path, "%s", temp_path("saved.mask"));
    check_ok(mask_knowledge_save(w.calibrated, path, &err));
    check_ok(mask_knowledge_open(&again, path, NULL, &err));
    check_ok(mask_match_scores(w.calibrated, w.vectors, w.images, w.texts, NULL, before, NULL, NULL, NULL, &err));
    check_ok(mask_match_scores(again, w.vectors, w.images, w.texts, NULL, after, NULL, NULL, NULL, &err));
    assert_memory_equal(before, after, sizeof before);
    mask_knowledge_close(again);

    size_t size;
    unsigned char *data = read_whole(path, &size);
    snprintf(path, sizeof path, "%s", temp_path("cut.mask"));
    for (size_t cut = 0; cut < size; cut += cut < 256 ? 1 : 97) {
        write_file(path, data, cut);
        check_fails(mask_knowledge_open(&again, path, NULL, &err), MASK_EFORMAT, "cut.mask");
        assert_null(again);
    }
    free(data);
    free_world(&w);
}

static void an_explanation_agrees_with_the_score(void **state)
{
    (void)state;
    mask_error err;
    static world w;
    static float scores[TEXTS * IMAGES];
    make_world(&w, MASK_REPRESENTATION_WHITEN, 11);
    check_ok(mask_match_scores(w.calibrated, w.vectors, w.images, w.texts, NULL, scores, NULL, NULL, NULL, &err));
    for (size_t t = 1; t < TEXTS; t++) {
        mask_explanation e;
        double sum = 0, weights = 0;
        check_ok(mask_explanation_create(&e, w.calibrated, w.vectors, w.images, 3, mask_texts_get(w.texts, t), NULL,
                                         NULL, &err));
        assert_true(fabs(e.score - scores[t * IMAGES + 3]) < 1e-5 * fmax(1, fabs(e.score)));
        for (size_t i = 0; i < e.words; i++) {
            sum += e.reading.words[e.word_index[i]].weight * e.word_scores[i];
            weights += e.reading.words[e.word_index[i]].weight;
        }
        double again = (sum / weights - e.text_mean) / e.text_deviation - e.hub_image - e.hub_text;
        assert_true(fabs(again - e.score) < 1e-3 * fmax(1, fabs(e.score)));
        mask_explanation_free(&e);
    }
    free_world(&w);
}

static void threads_do_not_change_scores(void **state)
{
    (void)state;
    mask_error err;
    static world w;
    static float one[TEXTS * IMAGES], two[TEXTS * IMAGES];
    mask_run run = {.threads = 1};
    make_world(&w, MASK_REPRESENTATION_WHITEN, 12);
    check_ok(mask_match_scores(w.calibrated, w.vectors, w.images, w.texts, NULL, one, NULL, NULL, &run, &err));
    run.threads = 2;
    check_ok(mask_match_scores(w.calibrated, w.vectors, w.images, w.texts, NULL, two, NULL, NULL, &run, &err));
    assert_memory_equal(one, two, sizeof one);
    free_world(&w);
}

static void what_does_not_fit_is_refused(void **state)
{
    (void)state;
    mask_error err;
    static world w;
    static float scores[TEXTS * IMAGES], nan_features[2 * REGIONS * M];
    mask_match_options o = MASK_MATCH_PLAIN;
    make_world(&w, MASK_REPRESENTATION_NONE, 13);
    check_fails(mask_match_scores(w.plain, NULL, w.images, w.texts, NULL, scores, NULL, NULL, NULL, &err), MASK_EINVAL,
                "--vectors");
    o.top = 0;
    check_fails(mask_match_scores(w.plain, w.vectors, w.images, w.texts, &o, scores, NULL, NULL, NULL, &err),
                MASK_EINVAL, "top");
    o = MASK_MATCH_PLAIN;
    o.context = 1;
    o.whole_region = REGIONS;
    check_fails(mask_match_scores(w.plain, w.vectors, w.images, w.texts, &o, scores, NULL, NULL, NULL, &err),
                MASK_EMISMATCH, "--whole-region mean");
    mask_images *narrow = made_images("narrow.npy", w.features, 2, REGIONS, M - 1);
    check_fails(mask_match_scores(w.plain, w.vectors, narrow, w.texts, NULL, scores, NULL, NULL, NULL, &err),
                MASK_EMISMATCH, "narrow.npy");
    mask_images_close(narrow);
    memcpy(nan_features, w.features, sizeof nan_features);
    nan_features[(REGIONS + 2) * M + 3] = NAN;
    mask_images *bad = made_images("nan.npy", nan_features, 2, REGIONS, M);
    check_fails(mask_match_scores(w.plain, w.vectors, bad, w.texts, NULL, scores, NULL, NULL, NULL, &err),
                MASK_ENUMERIC, "nan.npy");
    mask_images_close(bad);
    mask_vectors *others = made_vectors(w.word_vectors, VECTORS - 1, N);
    check_fails(mask_match_scores(w.plain, others, w.images, w.texts, NULL, scores, NULL, NULL, NULL, &err),
                MASK_EMISMATCH, "learned with");
    mask_vectors_close(others);
    free_world(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(raw_features_equal_brute_force),    cmocka_unit_test(whitened_features_equal_brute_force),
        cmocka_unit_test(a_saved_knowledge_scores_the_same), cmocka_unit_test(an_explanation_agrees_with_the_score),
        cmocka_unit_test(threads_do_not_change_scores),      cmocka_unit_test(what_does_not_fit_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
