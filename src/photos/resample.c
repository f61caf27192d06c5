/* Rows first, then columns; each output is a weighted mean of the inputs under a triangle that reaches one output to
 * both sides or, where the picture grows, one input. Pixels past the photo's edge are the edge's. */
#include "photos/resample.h"
#include "base/memory.h"

#include <math.h>
#include <stdlib.h>

enum { CHANNELS = 3 };

/* The inputs of every output along one side, `taps` an output, and their weights, which sum to 1. */
typedef struct axis {
    size_t from, to; /* pixels of the photo, of the output */
    size_t taps;
    uint32_t *inputs;
    float *weights;
} axis;

static axis new_axis(size_t from, size_t to)
{
    double step = (double)from / (double)to;
    return (axis){.from = from, .to = to, .taps = 2 * (size_t)ceil(step > 1 ? step : 1) + 1};
}

static void plan(axis *a)
{
    double step = (double)a->from / (double)a->to, reach = step > 1 ? step : 1;
    for (size_t at = 0; at < a->to; at++) {
        double centre = ((double)at + 0.5) * step, sum = 0;
        double first = floor(centre) - (double)(a->taps / 2);
        float *weights = a->weights + at * a->taps;
        for (size_t i = 0; i < a->taps; i++) {
            double input = first + (double)i, distance = fabs(input + 0.5 - centre) / reach;
            a->inputs[at * a->taps + i] = (uint32_t)fmin(fmax(input, 0), (double)(a->from - 1));
            weights[i] = distance < 1 ? (float)(1 - distance) : 0;
            sum += weights[i];
        }
        for (size_t i = 0; i < a->taps; i++) weights[i] /= (float)sum;
    }
}

/* One row of the photo to a line of the output. */
static void squeeze_row(const uint8_t *row, const axis *a, float *out)
{
    for (size_t x = 0; x < a->to; x++, out += CHANNELS) {
        const uint32_t *inputs = a->inputs + x * a->taps;
        const float *weights = a->weights + x * a->taps;
        out[0] = out[1] = out[2] = 0;
        for (size_t i = 0; i < a->taps; i++) {
            const uint8_t *pixel = row + (size_t)inputs[i] * CHANNELS;
            for (int c = 0; c < CHANNELS; c++) out[c] += weights[i] * pixel[c];
        }
    }
}

static void sum_lines(const float *rows, size_t line, const axis *a, size_t at, uint8_t *out)
{
    enum { PART = 64 };
    for (size_t x = 0; x < line; x += PART) {
        float sum[PART] = {0};
        size_t part = line - x < PART ? line - x : PART;
        for (size_t i = 0; i < a->taps; i++) {
            const float *row = rows + a->inputs[at * a->taps + i] * line + x;
            float weight = a->weights[at * a->taps + i];
            for (size_t k = 0; k < part; k++) sum[k] += weight * row[k];
        }
        for (size_t k = 0; k < part; k++) out[x + k] = (uint8_t)lrintf(sum[k]);
    }
}

mask_status mask__resample(mask__resampler *r, const mask__photo *photo, size_t width, size_t height, size_t stride,
                           uint8_t *out, mask_error *err)
{
    axis across = new_axis(photo->width, width), down = new_axis(photo->height, height);
    size_t entries = across.taps * width + down.taps * height, line = width * CHANNELS;
    if (!mask__grow(&r->weights, &r->weights_capacity, entries, sizeof *r->weights) ||
        !mask__grow(&r->inputs, &r->inputs_capacity, entries, sizeof *r->inputs) ||
        !mask__grow(&r->rows, &r->rows_capacity, photo->height * line, sizeof *r->rows))
        return mask__no_memory(err, "a resampled photo");
    across.weights = r->weights;
    across.inputs = r->inputs;
    down.weights = r->weights + across.taps * width;
    down.inputs = r->inputs + across.taps * width;
    plan(&across);
    plan(&down);
    for (size_t y = 0; y < photo->height; y++) squeeze_row(photo->rgb + y * photo->stride, &across, r->rows + y * line);
    for (size_t y = 0; y < height; y++) sum_lines(r->rows, line, &down, y, out + y * stride);
    return MASK_OK;
}

void mask__resampler_free(mask__resampler *r)
{
    free(r->rows);
    free(r->weights);
    free(r->inputs);
    *r = (mask__resampler){0};
}
