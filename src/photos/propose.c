#include "photos/propose.h"

static const float thinnest = 0.01f;

static size_t first_grid(const mask__grids *grids)
{
    return grids->from < 2 ? 2 : grids->from;
}

size_t mask__propose_most(size_t detections, const mask__grids *grids)
{
    size_t most = 1 + detections;
    for (size_t n = first_grid(grids); n <= grids->to; n++) most += n * n;
    return most;
}

static float clamp(float value, float low, float high)
{
    return value > low ? (value < high ? value : high) : low; /* NaN becomes low */
}

static bool propose_detection(const mask__detection *found, mask__proposal *out)
{
    *out = (mask__proposal){.score = found->score, .label = (int32_t)found->label};
    for (int i = 0; i < 4; i++) out->box[i] = clamp(found->box[i], 0, 1);
    return out->box[2] - out->box[0] >= thinnest && out->box[3] - out->box[1] >= thinnest;
}

/* n cells of one width fill the side, each beginning `step` after the one before. */
static size_t propose_grid(size_t n, float overlap, mask__proposal *out)
{
    float width = 1 / ((float)n - (float)(n - 1) * overlap), step = width * (1 - overlap);
    for (size_t cell = 0; cell < n * n; cell++) {
        float x = (float)(cell % n) * step, y = (float)(cell / n) * step;
        out[cell] = (mask__proposal){.box = {x, y, clamp(x + width, 0, 1), clamp(y + width, 0, 1)}, .label = -1};
    }
    return n * n;
}

size_t mask__propose(const mask__detection *detections, size_t count, const mask__grids *grids, mask__proposal *out)
{
    size_t used = 0;
    out[used++] = (mask__proposal){.box = {0, 0, 1, 1}, .label = -1};
    for (size_t i = 0; i < count; i++)
        if (propose_detection(&detections[i], &out[used])) used++;
    for (size_t n = first_grid(grids); n <= grids->to; n++) used += propose_grid(n, grids->overlap, out + used);
    return used;
}

/* A side of a box in pixels to [0, 1]: at least a pixel, inside. */
static void cut_side(float from, float to, size_t size, float *low, float *high)
{
    float pixels = (float)size;
    *low = clamp(from, 0, pixels - 1);
    *high = clamp(to, *low + 1, pixels);
    *low /= pixels;
    *high /= pixels;
}

mask__proposal mask__propose_given(const float box[4], size_t width, size_t height)
{
    mask__proposal out = {.label = -1};
    cut_side(box[0], box[2], width, &out.box[0], &out.box[2]);
    cut_side(box[1], box[3], height, &out.box[1], &out.box[3]);
    return out;
}
