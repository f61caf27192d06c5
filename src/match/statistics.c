#include "match/statistics.h"
#include "math/exp.h"

#include <math.h>
#include <stdlib.h>

static const float tiny_deviation = 1e-6f;
static const float least_text_weight = 0.3f; /* a text of one doubtful word is not scaled down without end */

void mask__mean_and_deviation(const float *x, size_t n, double *mean, double *deviation)
{
    double sum = 0, squares = 0;
#pragma omp simd reduction(+ : sum)
    for (size_t i = 0; i < n; i++) sum += x[i];
    *mean = n ? sum / (double)n : 0;
    double centre = *mean;
#pragma omp simd reduction(+ : squares)
    for (size_t i = 0; i < n; i++) squares += (x[i] - centre) * (x[i] - centre);
    *deviation = n ? sqrt(squares / (double)n) : 0;
}

mask__affine mask__word_affine(const float *column, size_t count, float reliability, mask_calibrate level)
{
    double mean = 0, deviation = 1;
    if (column && level != MASK_CALIBRATE_NONE) mask__mean_and_deviation(column, count, &mean, &deviation);
    mask__affine affine = {(float)mean, reliability};
    if (column && level >= MASK_CALIBRATE_ZSCORE) affine.scale /= (float)deviation + tiny_deviation;
    return affine;
}

double mask__text_scale(double weights, float text_power)
{
    return pow(weights > least_text_weight ? weights : least_text_weight, text_power);
}

float mask__hub_share(float weights, const mask_match_options *o)
{
    return weights < o->hub_words ? weights / o->hub_words : 1;
}

double mask__mean_hub(const float *hub, size_t count, const mask_match_options *o)
{
    double mean, deviation;
    mask__mean_and_deviation(hub, count, &mean, &deviation);
    return (double)o->hub_image * mean;
}

mask__affine mask__text_affine(const float *over_b, size_t count, double scale)
{
    double mean, deviation;
    mask__mean_and_deviation(over_b, count, &mean, &deviation);
    return (mask__affine){(float)mean, (float)((deviation + tiny_deviation) / scale)};
}

double mask__hubness(const float *x, size_t n, size_t k, float sharpness, mask__ranked *scratch)
{
    double sum = 0;
    if (n == 0) return 0;
    if (k > 0) {
        size_t found = mask__top_k(x, n, k, scratch);
        for (size_t i = 0; i < found; i++) sum += scratch[i].value;
        return sum / (double)found;
    }
    float largest = x[0];
    for (size_t i = 1; i < n; i++) largest = x[i] > largest ? x[i] : largest;
#pragma omp simd reduction(+ : sum)
    for (size_t i = 0; i < n; i++) sum += mask__expf(sharpness * (x[i] - largest));
    return (double)largest + log(sum / (double)n) / (double)sharpness;
}

mask_status mask__image_statistics(const float *z, size_t texts, size_t count, const mask_match_options *o,
                                   double reference, float *deviations, float *hub, mask_error *err)
{
    enum { TILE = 16 };
    bool short_of_memory = false;
#pragma omp parallel
    {
        mask__ranked *scratch = malloc(((size_t)o->hub_neighbours + 1) * sizeof *scratch);
        float *tile =
            malloc((texts * TILE + 1) * sizeof *tile); /* image-major, so that each image's scores are one run */
        bool enough = scratch && tile;
        if (!enough) {
#pragma omp atomic write
            short_of_memory = true;
        }
#pragma omp for schedule(static)
        for (size_t i0 = 0; i0 < count; i0 += TILE) {
            size_t images = count - i0 < TILE ? count - i0 : TILE;
            if (!enough) continue;
            for (size_t t = 0; t < texts; t++)
                for (size_t i = 0; i < images; i++) tile[i * texts + t] = z[t * count + i0 + i];
            for (size_t i = 0; i < images; i++) {
                float *run = tile + i * texts;
                double mean, deviation;
                mask__mean_and_deviation(run, texts, &mean, &deviation);
                if (hub) deviation = reference > 0 && deviation > 0 ? pow(deviation / reference, o->image_power) : 1;
                deviations[i0 + i] = (float)deviation;
                if (!hub) continue;
                for (size_t t = 0; t < texts; t++) run[t] /= deviations[i0 + i];
                hub[i0 + i] =
                    (float)mask__hubness(run, texts, (size_t)o->hub_neighbours, o->hub_image_sharpness, scratch);
            }
        }
        free(scratch);
        free(tile);
    }
    return short_of_memory ? mask__no_memory(err, "hubness") : MASK_OK;
}

mask_status mask__reference_deviation(const float *z, size_t texts, size_t count, const mask_match_options *o,
                                      double *reference, mask_error *err)
{
    *reference = 0;
    if (!(o->image_power > 0)) return MASK_OK;
    float *deviations = malloc((count + 1) * sizeof *deviations);
    if (!deviations) return mask__no_memory(err, "hubness");
    mask_status status = mask__image_statistics(z, texts, count, o, 0, deviations, NULL, err);
    for (size_t i = 0; status == MASK_OK && i < count; i++) *reference += deviations[i] / (double)count;
    free(deviations);
    return status;
}
