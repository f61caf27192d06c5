/* Rows first, then columns; each output is a weighted mean of the inputs under a triangle that reaches one output to
 * both sides or, where the picture grows, one input. Pixels past the photo's edge are the edge's; pixels past the box
 * are looked at where the triangle reaches them. */
#include "photos/resample.h"
#include "base/memory.h"

#include <math.h>
#include <stdlib.h>

enum { CHANNELS = 3 };

/* The inputs of every output along one side, `taps` an output, and their weights, which sum to 1. */
typedef struct axis {
    size_t taps;
    uint32_t *inputs;
    float *weights;
} axis;

static size_t taps_of(double from, double to, size_t side)
{
    double step = (to - from) / (double)side;
    return 2 * (size_t)ceil(step > 1 ? step : 1) + 1;
}

static void plan(axis *a, double from, double to, size_t side, size_t size)
{
    double step = (to - from) / (double)side, reach = step > 1 ? step : 1;
    for (size_t at = 0; at < side; at++) {
        double centre = from + ((double)at + 0.5) * step, sum = 0;
        double first = floor(centre) - (double)(a->taps / 2);
        float *weights = a->weights + at * a->taps;
        for (size_t i = 0; i < a->taps; i++) {
            double input = first + (double)i, distance = fabs(input + 0.5 - centre) / reach;
            a->inputs[at * a->taps + i] = (uint32_t)fmin(fmax(input, 0), (double)(size - 1));
            weights[i] = distance < 1 ? (float)(1 - distance) : 0;
            sum += weights[i];
        }
        for (size_t i = 0; i < a->taps; i++) weights[i] /= (float)sum;
    }
}

/* One row of the photo to a line of the square. */
static void squeeze_row(const uint8_t *row, const axis *a, size_t side, float *out)
{
    for (size_t x = 0; x < side; x++, out += CHANNELS) {
        const uint32_t *inputs = a->inputs + x * a->taps;
        const float *weights = a->weights + x * a->taps;
        out[0] = out[1] = out[2] = 0;
        for (size_t i = 0; i < a->taps; i++) {
            const uint8_t *pixel = row + (size_t)inputs[i] * CHANNELS;
            for (int c = 0; c < CHANNELS; c++) out[c] += weights[i] * pixel[c];
        }
    }
}

static void sum_lines(const float *rows, size_t first, size_t line, const axis *a, size_t at, uint8_t *out)
{
    enum { PART = 64 };
    for (size_t x = 0; x < line; x += PART) {
        float sum[PART] = {0};
        size_t part = line - x < PART ? line - x : PART;
        for (size_t i = 0; i < a->taps; i++) {
            const float *row = rows + (a->inputs[at * a->taps + i] - first) * line + x;
            float weight = a->weights[at * a->taps + i];
            for (size_t k = 0; k < part; k++) sum[k] += weight * row[k];
        }
        for (size_t k = 0; k < part; k++) out[x + k] = (uint8_t)lrintf(sum[k]);
    }
}

mask_status mask__resample(mask__resampler *r, const mask__photo *photo, const float box[4], size_t side, uint8_t *out,
                           mask_error *err)
{
    double left = box[0] * (double)photo->width, right = box[2] * (double)photo->width;
    double top = box[1] * (double)photo->height, bottom = box[3] * (double)photo->height;
    axis across = {.taps = taps_of(left, right, side)}, down = {.taps = taps_of(top, bottom, side)};
    size_t entries = (across.taps + down.taps) * side, line = side * CHANNELS;
    if (!mask__grow(&r->weights, &r->weights_capacity, entries, sizeof *r->weights) ||
        !mask__grow(&r->inputs, &r->inputs_capacity, entries, sizeof *r->inputs))
        return mask__no_memory(err, "a resampled photo");
    across.weights = r->weights;
    across.inputs = r->inputs;
    down.weights = r->weights + across.taps * side;
    down.inputs = r->inputs + across.taps * side;
    plan(&across, left, right, side, photo->width);
    plan(&down, top, bottom, side, photo->height);
    size_t first = down.inputs[0], last = down.inputs[side * down.taps - 1];
    if (!mask__grow(&r->rows, &r->rows_capacity, (last - first + 1) * line, sizeof *r->rows))
        return mask__no_memory(err, "a resampled photo");
    for (size_t y = first; y <= last; y++)
        squeeze_row(photo->rgb + y * photo->width * CHANNELS, &across, side, r->rows + (y - first) * line);
    for (size_t y = 0; y < side; y++) sum_lines(r->rows, first, line, &down, y, out + y * line);
    return MASK_OK;
}

void mask__resampler_free(mask__resampler *r)
{
    free(r->rows);
    free(r->weights);
    free(r->inputs);
    *r = (mask__resampler){0};
}
