#include "vision/boxes.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { LAYERS = 6, FIRST_STRIDE = 16, MAX_CELLS = 256 };

static size_t cells_of(size_t size, int layer)
{
    size_t cells = (size + FIRST_STRIDE - 1) / FIRST_STRIDE;
    while (layer-- > 0) cells = (cells + 1) / 2;
    return cells;
}

size_t mask__anchor_count(size_t size)
{
    size_t count = 3 * cells_of(size, 0) * cells_of(size, 0);
    for (int layer = 1; layer < LAYERS; layer++) count += 6 * cells_of(size, layer) * cells_of(size, layer);
    return count;
}

/* Heights and widths of a layer's anchors, in the order of the network's channels. */
static size_t layer_anchors(int layer, mask__anchor out[6])
{
    static const float ratios[] = {1, 2, 0.5f, 3, 0.3333f};
    float scale = 0.2f + 0.15f * (float)layer, next = layer + 1 < LAYERS ? scale + 0.15f : 1;
    size_t count = layer == 0 ? 3 : 5;
    for (size_t i = 0; i < count; i++) {
        float side = layer == 0 && i == 0 ? 0.1f : scale;
        out[i] = (mask__anchor){.h = side / sqrtf(ratios[i]), .w = side * sqrtf(ratios[i])};
    }
    if (layer == 0) return count;
    out[count].h = out[count].w = sqrtf(scale * next);
    return count + 1;
}

void mask__anchors(size_t size, mask__anchor *out)
{
    for (int layer = 0; layer < LAYERS; layer++) {
        mask__anchor shapes[6];
        size_t cells = cells_of(size, layer), count = layer_anchors(layer, shapes);
        for (size_t y = 0; y < cells; y++)
            for (size_t x = 0; x < cells; x++)
                for (size_t i = 0; i < count; i++, out++) {
                    *out = shapes[i];
                    out->cy = ((float)y + 0.5f) / (float)cells;
                    out->cx = ((float)x + 0.5f) / (float)cells;
                }
    }
}

static float clip(float value)
{
    return fminf(fmaxf(value, 0), 1); /* NaN becomes 0 */
}

void mask__decode_box(const float encoded[4], const mask__anchor *anchor, float box[4])
{
    float cy = encoded[0] / 10 * anchor->h + anchor->cy, cx = encoded[1] / 10 * anchor->w + anchor->cx;
    float h = expf(encoded[2] / 5) * anchor->h, w = expf(encoded[3] / 5) * anchor->w;
    box[0] = clip(cx - w / 2);
    box[1] = clip(cy - h / 2);
    box[2] = clip(cx + w / 2);
    box[3] = clip(cy + h / 2);
}

static float area(const float box[4])
{
    return (box[2] - box[0]) * (box[3] - box[1]);
}

float mask__box_iou(const float a[4], const float b[4])
{
    float w = fminf(a[2], b[2]) - fmaxf(a[0], b[0]), h = fminf(a[3], b[3]) - fmaxf(a[1], b[1]);
    if (w <= 0 || h <= 0) return 0;
    return w * h / (area(a) + area(b) - w * h);
}

typedef struct candidate {
    float logit;
    uint32_t anchor, class;
} candidate;

static int better_first(const void *a, const void *b)
{
    const candidate *x = a, *y = b;
    if (x->logit != y->logit) return x->logit < y->logit ? 1 : -1;
    if (x->anchor != y->anchor) return x->anchor < y->anchor ? -1 : 1;
    return x->class < y->class ? -1 : x->class > y->class;
}

static size_t list_candidates(const float *logits, size_t anchors, size_t classes, bool class_wise, float least,
                              candidate *out)
{
    size_t count = 0;
    for (size_t a = 0; a < anchors; a++) {
        const float *row = logits + a * classes;
        size_t best = 1;
        for (size_t c = 1; c < classes; c++) {
            if (class_wise && row[c] >= least) out[count++] = (candidate){row[c], (uint32_t)a, (uint32_t)c};
            if (row[c] > row[best]) best = c;
        }
        if (!class_wise && row[best] >= least) out[count++] = (candidate){row[best], (uint32_t)a, (uint32_t)best};
    }
    return count;
}

static bool overlaps(const mask__detection *d, const mask__detection *kept, size_t count, const mask__detect_options *o)
{
    for (size_t i = 0; i < count; i++)
        if ((!o->class_wise || kept[i].label == d->label) && mask__box_iou(kept[i].box, d->box) > o->iou) return true;
    return false;
}

size_t mask__select_boxes(const float *encoded, const float *logits, const mask__anchor *anchors, size_t anchor_count,
                          size_t classes, const mask__detect_options *o, mask__detection *out)
{
    if (classes < 2) return 0;
    candidate *list = calloc(anchor_count + 1, (o->class_wise ? classes - 1 : 1) * sizeof *list);
    if (!list) return SIZE_MAX;
    float least = o->min_score > 0 ? logf(o->min_score / (1 - o->min_score)) : -INFINITY;
    size_t count = list_candidates(logits, anchor_count, classes, o->class_wise, least, list), kept = 0;
    qsort(list, count, sizeof *list, better_first);
    for (size_t i = 0; i < count && kept < o->max_boxes; i++) {
        mask__detection d = {.score = 1 / (1 + expf(-list[i].logit)), .label = list[i].class};
        mask__decode_box(encoded + 4 * list[i].anchor, &anchors[list[i].anchor], d.box);
        if (area(d.box) > 0 && !overlaps(&d, out, kept, o)) out[kept++] = d;
    }
    free(list);
    return kept;
}

/* How much each of `cells` counts in the mean of bilinear samples between begin and end. */
static void axis_weights(size_t cells, float begin, float end, float *weights)
{
    float from = begin * (float)cells, length = (end - begin) * (float)cells;
    size_t samples = (size_t)ceilf(2 * fmaxf(length, 1));
    memset(weights, 0, cells * sizeof *weights);
    for (size_t i = 0; i < samples; i++) {
        float at = from + ((float)i + 0.5f) / (float)samples * length - 0.5f; /* a cell's value is its centre's */
        float low = floorf(at), share = at - low;
        size_t first = low < 0 ? 0 : (size_t)low, second = low + 1 < 0 ? 0 : (size_t)(low + 1);
        weights[first < cells ? first : cells - 1] += (1 - share) / (float)samples;
        weights[second < cells ? second : cells - 1] += share / (float)samples;
    }
}

void mask__roi_pool(const float *map, size_t h, size_t w, size_t channels, const float box[4], float *out)
{
    float rows[MAX_CELLS], columns[MAX_CELLS];
    assert(h <= MAX_CELLS && w <= MAX_CELLS);
    axis_weights(w, clip(box[0]), clip(box[2]), columns);
    axis_weights(h, clip(box[1]), clip(box[3]), rows);
    memset(out, 0, channels * sizeof *out);
    for (size_t y = 0; y < h; y++)
        for (size_t x = 0; x < w; x++) {
            float weight = rows[y] * columns[x];
            const float *cell = map + (y * w + x) * channels;
            if (weight == 0) continue;
            for (size_t c = 0; c < channels; c++) out[c] += weight * cell[c];
        }
}
