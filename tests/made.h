/* Small made-up inputs for tests above the readers: .npy files, word vectors, labelled regions, in the test's folder.
 */
#ifndef MASK_TESTS_MADE_H
#define MASK_TESTS_MADE_H

#include "arrays.h"

#include <math.h>
#include <sys/stat.h>

/* A small deterministic generator; uniform in (-1, 1). */
static inline float made_number(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (float)((double)(*state >> 33) / (double)(1u << 30) - 1);
}

static inline void made_npy(const char *path, unsigned ndim, const size_t *shape, const float *values)
{
    write_array(path, MASK__NPY_F32, ndim, shape, values);
}

/* The i-th word, of letters only, none of them a stop word: "zaa", "zab", ... */
static inline const char *made_word(size_t i)
{
    static char words[26 * 26][4];
    words[i][0] = 'z';
    words[i][1] = (char)('a' + i / 26);
    words[i][2] = (char)('a' + i % 26);
    return words[i];
}

/* These words with these vectors (count x n), as a .mvec. */
static inline mask_vectors *made_word_vectors(const char *const *words, const float *values, size_t count, size_t n)
{
    mask_error err;
    mask_vectors *vectors;
    char from[256], to[256];
    snprintf(from, sizeof from, "%s", temp_path("vectors.txt"));
    snprintf(to, sizeof to, "%s", temp_path("vectors.mvec"));
    FILE *file = fopen(from, "w");
    for (size_t i = 0; i < count; i++) {
        fprintf(file, "%s", words[i]);
        for (size_t d = 0; d < n; d++) fprintf(file, " %.9g", values[i * n + d]);
        fprintf(file, "\n");
    }
    fclose(file);
    check_ok(mask_vectors_import(from, to, NULL, NULL, &err));
    check_ok(mask_vectors_open(&vectors, to, NULL, &err));
    return vectors;
}

/* Made words 0..count-1. */
static inline mask_vectors *made_vectors(const float *values, size_t count, size_t n)
{
    const char *words[26 * 26];
    for (size_t i = 0; i < count; i++) words[i] = made_word(i);
    return made_word_vectors(words, values, count, n);
}

/* A folder of labelled regions, a label each: image[r] and box[r] belong to row r. */
static inline mask_labels *made_regions(const float *features, size_t rows, size_t dim, char (*labels)[64],
                                        const size_t *image, const float (*box)[4])
{
    mask_error err;
    mask_labels *out;
    char folder[256], path[300];
    snprintf(folder, sizeof folder, "%s", temp_path("regions"));
    mkdir(folder, 0777);
    snprintf(path, sizeof path, "%s/features.npy", folder);
    made_npy(path, 2, (size_t[]){rows, dim}, features);
    snprintf(path, sizeof path, "%s/regions.tsv", folder);
    FILE *file = fopen(path, "w");
    fprintf(file, "image\tx1\ty1\tx2\ty2\tlabel\n");
    for (size_t r = 0; r < rows; r++)
        fprintf(file, "i%zu\t%.9g\t%.9g\t%.9g\t%.9g\t%s\n", image[r], box[r][0], box[r][1], box[r][2], box[r][3],
                labels[r]);
    fclose(file);
    check_ok(mask_labels_open(&out, folder, NULL, &err));
    return out;
}

/* The same with images of `per_image` regions, all of one size. */
static inline mask_labels *made_labels(const float *features, size_t rows, size_t dim, char (*labels)[64],
                                       size_t per_image)
{
    size_t *image = malloc(rows * sizeof *image);
    float(*box)[4] = malloc(rows * sizeof *box);
    for (size_t r = 0; r < rows; r++) {
        image[r] = r / per_image;
        memcpy(box[r], (float[4]){0, 0, 9, 9}, sizeof *box);
    }
    mask_labels *out = made_regions(features, rows, dim, labels, image, (const float(*)[4])box);
    free(image);
    free(box);
    return out;
}

static inline mask_images *made_images(const char *name, const float *features, size_t images, size_t regions,
                                       size_t dim)
{
    mask_error err;
    mask_images *out;
    char path[256];
    snprintf(path, sizeof path, "%s", temp_path(name));
    made_npy(path, 3, (size_t[]){images, regions, dim}, features);
    check_ok(mask_images_open(&out, path, NULL, NULL, &err));
    return out;
}

#endif
