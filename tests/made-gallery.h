/* Galleries in memory for the tests of searching: a knowledge with known and OOD words, and segments by a naive twin of
 * the build, with images that repeat, are zero, or were removed. */
#ifndef MASK_TESTS_MADE_GALLERY_H
#define MASK_TESTS_MADE_GALLERY_H

#include "made.h"
#include "search/gallery.h"
#include "gallery/stored.h"
#include "math/vector.h"

enum { M = 10, N = 7, WORDS = 14, VECTORS = 22, BACKGROUND = 12, REGIONS = 5, T = 9 };

/* ---- A knowledge, calibrated; words 14 to 21 have vectors only ---- */

typedef struct world {
    mask_vectors *vectors;
    mask_labels *labels;
    mask_knowledge *plain, *knowledge;
} world;

static inline mask_texts *make_texts(uint64_t *random)
{
    mask_error err;
    mask_texts *out;
    char lines[T][64];
    const char *list[T];
    for (size_t t = 0; t < T; t++) {
        size_t length = 0;
        for (size_t i = 0; i <= t % 4; i++)
            length += (size_t)snprintf(lines[t] + length, sizeof lines[t] - length, "%s ",
                                       made_word((size_t)((made_number(random) + 1) / 2 * VECTORS)));
        list[t] = lines[t];
    }
    check_ok(mask_texts_create(&out, list, T, &err));
    return out;
}

static inline void make_world(world *w, uint64_t seed)
{
    mask_error err;
    uint64_t random = seed;
    enum { ROWS = WORDS * 5 };
    static float features[ROWS * M], background[BACKGROUND * REGIONS * M], word_vectors[VECTORS * N];
    static char labels[ROWS][64];
    mask_learn_options o = mask_learn_defaults();
    for (size_t i = 0; i < VECTORS * N; i++) word_vectors[i] = made_number(&random);
    for (size_t i = 0; i < ROWS * M; i++) features[i] = fmaxf(0, made_number(&random) + 0.3f);
    for (size_t r = 0; r < ROWS; r++)
        snprintf(labels[r], sizeof labels[r], "%s %s", made_word(r % WORDS), made_word(r * 5 % WORDS));
    for (size_t i = 0; i < BACKGROUND * REGIONS * M; i++) background[i] = fmaxf(0, made_number(&random) + 0.3f);
    w->vectors = made_vectors(word_vectors, VECTORS, N);
    w->labels = made_labels(features, ROWS, M, labels, 4);
    mask_images *images = made_images("background.npy", background, BACKGROUND, REGIONS, M);
    mask_texts *texts = make_texts(&random);
    o.tokens = MASK_TOKENS_LETTERS;
    o.min_count = 1;
    o.whiten_dim = 7;
    check_ok(mask_knowledge_learn(&w->plain, w->labels, w->vectors, &o, NULL, &err));
    check_ok(mask_knowledge_calibrate(&w->knowledge, w->plain, w->vectors, images, texts, NULL, NULL, &err));
    mask_images_close(images);
    mask_texts_close(texts);
}

static inline void free_world(world *w)
{
    mask_knowledge_close(w->plain);
    mask_knowledge_close(w->knowledge);
    mask_labels_close(w->labels);
    mask_vectors_close(w->vectors);
}

/* ---- A gallery in memory ---- */

typedef struct made_gallery {
    mask__view g;
    mask_gallery handle; /* whose view is g */
    mask__arena arena;
    size_t images; /* of all segments, removed ones too */
    uint64_t *rows;
    float *mu; /* of all segments in a row */
} made_gallery;

static inline void *room(made_gallery *m, size_t count, size_t size)
{
    void *out = mask__arena_alloc(&m->arena, count, size);
    assert_non_null(out);
    return out;
}

static inline float uniform(uint64_t *random)
{
    return (made_number(random) + 1) / 2;
}

static inline size_t below(uint64_t *random, size_t n)
{
    size_t x = (size_t)(uniform(random) * (float)n);
    return x < n ? x : n - 1;
}

/* Rows of 8-bit codes of values, a block at a time. */
static inline void quantise(const float *values, size_t stride, size_t images, size_t words, uint8_t *codes,
                            mask__steps *steps)
{
    size_t blocks = stride / MASK__BLOCK;
    for (size_t w = 0; w < words; w++)
        for (size_t b = 0; b < blocks; b++) {
            const float *x = values + w * images + b * MASK__BLOCK;
            size_t n = images - b * MASK__BLOCK < MASK__BLOCK ? images - b * MASK__BLOCK : MASK__BLOCK;
            float low = x[0], high = x[0];
            for (size_t i = 0; i < n; i++) {
                low = fminf(low, x[i]);
                high = fmaxf(high, x[i]);
            }
            float step = (high - low) / 255;
            steps[w * blocks + b] = (mask__steps){low, step};
            for (size_t i = 0; i < n; i++)
                codes[w * stride + b * MASK__BLOCK + i] =
                    (uint8_t)(step > 0 ? lrintf(fminf(255, (x[i] - low) / step)) : 0);
        }
}

static inline const int8_t *quantise_vectors(made_gallery *m, const float *values, size_t images, size_t z,
                                             const float **steps)
{
    int8_t *codes = room(m, images * z, 1);
    float *step = room(m, images, sizeof *step);
    for (size_t i = 0; i < images; i++) {
        for (size_t d = 0; d < z; d++) step[i] = fmaxf(step[i], fabsf(values[i * z + d]) / 127);
        for (size_t d = 0; d < z; d++)
            codes[i * z + d] = (int8_t)(step[i] > 0 ? lrintf(values[i * z + d] / step[i]) : 0);
    }
    *steps = step;
    return codes;
}

/* Whole-image and scene vectors of a segment. */
static inline void summarise(made_gallery *m, mask__segment *s, mask__dtype type)
{
    mask_error err;
    const mask__calibration *calibration = m->g.calibration;
    size_t z = s->z;
    int region = calibration->options.whole_region;
    float *mean = room(m, s->images * z, sizeof *mean), *whole = room(m, s->images * z, sizeof *whole);
    for (size_t i = 0; i < s->images; i++) {
        size_t regions = s->image_rows[i + 1] - s->image_rows[i];
        for (size_t r = 0; r < regions; r++)
            mask__axpy(1 / (float)regions, (const float *)s->mu + (s->image_rows[i] + r) * z, mean + i * z, z);
        memcpy(whole + i * z,
               region >= 0 ? (const float *)s->mu + (s->image_rows[i] + (size_t)region) * z : mean + i * z,
               z * sizeof *whole);
        mask__normalise(whole + i * z, z);
        mask__stored_round(type, whole + i * z, 1, z);
    }
    s->whole = whole;
    s->whole_codes = quantise_vectors(m, whole, s->images, z, &s->whole_steps);
    if (calibration->options.scene > 0) {
        float *scenes = room(m, s->images * z, sizeof *scenes);
        check_ok(mask__calibration_scenes(calibration, mean, region >= 0 ? whole : NULL, s->images, scenes, &err));
        mask__stored_round(type, scenes, s->images, z);
        s->scenes = scenes;
        s->scene_codes = quantise_vectors(m, scenes, s->images, z, &s->scene_steps);
    }
}

static inline void make_columns(made_gallery *m, mask__segment *s)
{
    mask_error err;
    const mask__calibration *calibration = m->g.calibration;
    size_t k = calibration->known.count, all = k + calibration->others.count, n = s->images,
           stride = mask__segment_stride(s);
    float *c = room(m, all * n, sizeof *c), *a = room(m, all * n, sizeof *a), one[2];
    float *hub = room(m, n, sizeof *hub), *deviation = room(m, n, sizeof *deviation),
          *slack = room(m, all, sizeof *slack);
    for (size_t i = 0; i < n; i++) {
        mask__image_vectors x = mask__segment_image(s, i, NULL);
        for (uint32_t w = 0; w < all; w++) {
            mask__calibration_exact(calibration, w < k ? &calibration->known : &calibration->others,
                                    &(uint32_t){w < k ? w : w - (uint32_t)k}, 1, x.mu, x.regions, x.whole, x.scene, one,
                                    one + 1, NULL);
            c[w * n + i] = one[0];
            a[w * n + i] = one[1];
        }
    }
    float *z = room(m, calibration->texts.count * n, sizeof *z);
    mask__text_means(&calibration->texts, c, n, z, n);
    check_ok(mask__calibration_image_statistics(calibration, z, n, hub, deviation, &err));
    s->image_hub = hub;
    s->image_deviation = deviation;
    uint8_t *codes = room(m, all * stride, 1), *pooled = room(m, k * stride, 1);
    mask__steps *steps = room(m, all * s->blocks, sizeof *steps), *pooled_steps = room(m, k * s->blocks, sizeof *steps);
    quantise(c, stride, n, all, codes, steps);
    quantise(a, stride, n, k, pooled, pooled_steps);
    for (size_t w = 0; w < all; w++) slack[w] = 1e-5f * (1 + fabsf(calibration->known.pooled[w].scale));
    s->score_codes = codes;
    s->score_steps = steps;
    s->score_slack = slack;
    s->pooled_codes = pooled;
    s->pooled_steps = pooled_steps;
    s->pooled_slack = 1e-5f;
}

static inline const void *stored(made_gallery *m, mask__dtype type, const void *values, size_t rows, size_t z)
{
    void *out = room(m, rows, mask__stored_bytes(type, z));
    mask__stored_write(type, values, rows, z, out);
    return out;
}

static inline void store_as(made_gallery *m, mask__segment *s, mask__dtype type)
{
    s->type = type;
    s->most_regions = 8;
    s->mu = stored(m, type, s->mu, s->image_rows[s->images], s->z);
    s->whole = stored(m, type, s->whole, s->images, s->z);
    if (s->scenes) s->scenes = stored(m, type, s->scenes, s->images, s->z);
}

/* The vector that images are alike by. */
static inline void likeness_vector(const mask__segment *s, size_t image, float *out)
{
    const char *from = s->scenes ? s->scenes : s->whole;
    mask__stored_read(s->type, from + image * mask__stored_bytes(s->type, s->z), 1, s->z, out);
}

/* Regions of an image: random directions, at times those of an image before, at times zero. */
static inline void make_regions(made_gallery *m, size_t image, size_t least, uint64_t *random)
{
    size_t z = m->g.calibration->z, copy = image && below(random, 5) == 0 ? below(random, image) : image;
    size_t regions = copy < image ? m->rows[copy + 1] - m->rows[copy] : least + below(random, 5);
    m->rows[image + 1] = m->rows[image] + regions;
    float *mu = m->mu + m->rows[image] * z;
    bool zero = below(random, 30) == 0;
    for (size_t r = 0; r < regions; r++) {
        for (size_t d = 0; d < z; d++)
            mu[r * z + d] = copy < image ? m->mu[(m->rows[copy] + r) * z + d] : zero ? 0 : made_number(random);
        if (copy == image) mask__normalise(mu + r * z, z);
    }
}

static inline void make_gallery(made_gallery *m, const world *w, const mask_match_options *o, size_t segments,
                                size_t most, uint64_t *random)
{
    mask_error err;
    int whole = o->whole_region >= 0 ? o->whole_region : MASK_WHOLE_MEAN;
    *m = (made_gallery){.g = {.path = "made", .knowledge = w->knowledge}};
    check_ok(mask__matcher_new(&m->g.matcher, w->knowledge, NULL, o, &err));
    check_ok(mask__matcher_calibration(m->g.matcher, whole, &m->g.calibration, NULL, &err));
    m->g.options = m->g.calibration->options;
    size_t z = m->g.calibration->z, all = segments * most;
    m->rows = room(m, all + 1, sizeof *m->rows);
    m->mu = room(m, all * 8 * z, sizeof *m->mu);
    m->g.segments = room(m, segments, sizeof *m->g.segments);
    m->g.snapshot.segments = room(m, segments, sizeof *m->g.snapshot.segments);
    m->g.snapshot.segment_count = segments;
    for (size_t s = 0; s < segments; s++) {
        mask__segment *segment = &m->g.segments[s];
        mask__snapshot_segment *names = &m->g.snapshot.segments[s];
        size_t n = 1 + below(random, most);
        *segment = (mask__segment){.images = n, .blocks = (n + MASK__BLOCK - 1) / MASK__BLOCK, .words = WORDS, .z = z};
        segment->terms = WORDS + (below(random, 3) ? m->g.calibration->others.count : 0); /* older ones have fewer */
        *names = (mask__snapshot_segment){.images = n,
                                          .alive = room(m, n / 64 + 1, sizeof(uint64_t)),
                                          .ids = room(m, n, sizeof(char *)),
                                          .names = room(m, n, sizeof(char *))};
        uint64_t *rows = room(m, n + 1, sizeof *rows);
        for (size_t i = 0; i < n; i++) {
            make_regions(m, m->images + i, 1, random);
            rows[i + 1] = m->rows[m->images + i + 1] - m->rows[m->images];
            size_t prefix = below(random, 50);
            if (below(random, 6) > 0) { /* else it was removed, and a snapshot has no name for it */
                names->ids[i] = room(m, 24, 1);
                snprintf(names->ids[i], 24, "%zu-%zu", prefix, m->images + i);
                names->alive[i / 64] |= UINT64_C(1) << i % 64;
                names->alive_count++;
            }
        }
        m->g.snapshot.images += names->alive_count;
        segment->image_rows = rows;
        float *mu = m->mu + m->rows[m->images] * z;
        static const mask__dtype types[] = {MASK__F32, MASK__F16, MASK__U8};
        mask__dtype type = types[below(random, z < 5 ? 2 : 3)];
        mask__stored_round(type, mu, rows[n], z);
        segment->mu = mu;
        segment->type = MASK__F32;
        m->images += n;
        summarise(m, segment, type);
        make_columns(m, segment);
        store_as(m, segment, type);
    }
    bool twice;
    check_ok(mask__snapshot_index(&m->g.snapshot, &twice, &err));
    assert_false(twice);
    check_ok(mask__searcher_open(&m->g, &err));
    m->g.users = 1;
    m->handle = (mask_gallery){.path = (char *)m->g.path, .knowledge = w->knowledge, .view = &m->g};
    pthread_mutex_init(&m->handle.lock, NULL);
}

static inline void free_gallery(made_gallery *m)
{
    mask__searcher_close(&m->g);
    m->g.snapshot.segments = NULL; /* of our arena */
    mask__snapshot_free(&m->g.snapshot);
    mask_matcher_close(m->g.matcher);
    mask__arena_free(&m->arena);
}

#endif
