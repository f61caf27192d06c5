/* A small world for tests of galleries: a knowledge of made words, calibrated and opened from its file, with images and
 * texts to search. Words 0 .. WORLD_WORDS - 1 are known, those up to WORLD_VECTORS have a vector only. */
#ifndef MASK_TESTS_WORLD_H
#define MASK_TESTS_WORLD_H

#include "made.h"

enum { WORLD_M = 26, WORLD_N = 7, WORLD_WORDS = 70, WORLD_VECTORS = 90, WORLD_BACKGROUND = 12, WORLD_T = 15 };

typedef struct world {
    mask_vectors *vectors;
    mask_knowledge *knowledge;
    uint64_t random;
} world;

/* Features of rows regions, as detectors give them: many zeros. */
static inline float *world_features(world *w, size_t rows)
{
    float *features = malloc(rows * WORLD_M * sizeof *features);
    for (size_t i = 0; i < rows * WORLD_M; i++) features[i] = fmaxf(0, made_number(&w->random) + 0.3f);
    return features;
}

static inline mask_images *world_images(world *w, const char *name, size_t images, size_t regions)
{
    float *features = world_features(w, images * regions);
    mask_images *out = made_images(name, features, images, regions, WORLD_M);
    free(features);
    return out;
}

/* Texts of 1 to 4 made words; text 0 holds none. */
static inline mask_texts *world_texts(world *w, size_t count)
{
    mask_error err;
    mask_texts *out;
    char(*lines)[64] = calloc(count, sizeof *lines);
    const char **list = malloc(count * sizeof *list);
    for (size_t t = 0; t < count; t++) {
        for (size_t i = 0; t > 0 && i < 1 + t % 4; i++)
            snprintf(lines[t] + strlen(lines[t]), 8, "%s ",
                     made_word((size_t)((made_number(&w->random) + 1) / 2 * WORLD_VECTORS)));
        list[t] = lines[t];
    }
    check_ok(mask_texts_create(&out, list, count, &err));
    free(lines);
    free(list);
    return out;
}

static inline void world_make(world *w)
{
    enum { PER_WORD = 4, ROWS = WORLD_WORDS * PER_WORD };
    static char labels[ROWS][64];
    static float word_vectors[WORLD_VECTORS * WORLD_N];
    mask_error err;
    mask_knowledge *plain, *calibrated;
    w->random = 7;
    float *features = world_features(w, ROWS);
    for (size_t i = 0; i < WORLD_VECTORS * WORLD_N; i++) word_vectors[i] = made_number(&w->random);
    for (size_t r = 0; r < ROWS; r++)
        snprintf(labels[r], sizeof labels[r], "%s %s", made_word(r % WORLD_WORDS), made_word(r * 7 % WORLD_WORDS));
    w->vectors = made_vectors(word_vectors, WORLD_VECTORS, WORLD_N);
    mask_labels *regions = made_labels(features, ROWS, WORLD_M, labels, 4);
    mask_images *background = world_images(w, "background.npy", WORLD_BACKGROUND, 5);
    mask_texts *texts = world_texts(w, WORLD_T);
    mask_learn_options o = mask_learn_defaults();
    o.representation = MASK_REPRESENTATION_WHITEN;
    o.tokens = MASK_TOKENS_LETTERS;
    o.min_count = 1;
    o.whiten_dim = 21;
    check_ok(mask_knowledge_learn(&plain, regions, w->vectors, &o, NULL, &err));
    check_ok(mask_knowledge_calibrate(&calibrated, plain, w->vectors, background, texts, NULL, NULL, &err));
    char path[256];
    snprintf(path, sizeof path, "%s", temp_path("world.mask"));
    check_ok(mask_knowledge_save(calibrated, path, &err));
    check_ok(mask_knowledge_open(&w->knowledge, path, NULL, &err));
    mask_knowledge_close(plain);
    mask_knowledge_close(calibrated);
    mask_images_close(background);
    mask_texts_close(texts);
    mask_labels_close(regions);
    free(features);
}

static inline void world_free(world *w)
{
    mask_knowledge_close(w->knowledge);
    mask_vectors_close(w->vectors);
}

#endif
