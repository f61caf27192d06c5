#include "vision/parts.h"
#include "vision/boxes.h"

#include <string.h>

enum { MAX_SIZE = 4096, MAX_CELLS = 256, MAX_CLASSES = 100000 };

static uint32_t last_large_map(const mask__graph *g)
{
    uint32_t found = MASK__NO_TENSOR;
    for (size_t i = 0; i < g->op_count; i++) {
        uint32_t t = g->ops[i].output;
        const mask__graph_tensor *map = &g->tensors[t];
        if (map->ndim != 4 || map->shape[1] < 2 || map->shape[2] < 2) continue;
        if (found == MASK__NO_TENSOR || map->shape[3] >= g->tensors[found].shape[3]) found = t;
    }
    return found;
}

/* (1, anchors, n) among the outputs, with n 4 for boxes; MASK__NO_TENSOR when there is none. */
static uint32_t find_output(const mask__graph *g, size_t anchors, bool boxes)
{
    for (size_t i = 0; i < g->output_count; i++) {
        const mask__graph_tensor *t = &g->tensors[g->outputs[i]];
        if (t->ndim == 3 && t->shape[1] == anchors && (t->shape[2] == 4) == boxes) return g->outputs[i];
    }
    return MASK__NO_TENSOR;
}

mask_status mask__parts_find(const mask__graph *g, const char *features, mask__parts *out, mask_error *err)
{
    size_t anchors = mask__anchor_count(g->tensors[g->input].shape[1]);
    out->features = features ? mask__graph_find(g, features) : last_large_map(g);
    if (out->features == MASK__NO_TENSOR)
        return mask__fail(err, MASK_ENOTFOUND, MASK_NO_OFFSET,
                          "%s: has no feature map%s%s%s: name one computed tensor of shape (1, h, w, channels)",
                          g->path, features ? " '" : "", features ? features : "",
                          features ? "', or several of that name" : "");
    out->boxes = find_output(g, anchors, true);
    out->scores = find_output(g, anchors, false);
    if (out->boxes == MASK__NO_TENSOR || out->scores == MASK__NO_TENSOR) out->boxes = out->scores = MASK__NO_TENSOR;
    return MASK_OK;
}

static bool computed(const mask__graph *g, uint32_t tensor)
{
    for (size_t i = 0; i < g->op_count; i++)
        if (g->ops[i].output == tensor) return true;
    return false;
}

static mask_status check_detector(const mask__graph *g, const mask__parts *p, size_t label_count, mask_error *err)
{
    size_t anchors = mask__anchor_count(g->tensors[g->input].shape[1]);
    if (!computed(g, p->boxes) || !computed(g, p->scores) || g->tensors[p->boxes].count != 4 * anchors ||
        g->tensors[p->scores].count % anchors != 0 || g->tensors[p->scores].count / anchors > MAX_CLASSES)
        return mask__fail(err, MASK_EFORMAT, MASK_NO_OFFSET,
                          "%s: its boxes or scores are not those of an SSD: import the network again", g->path);
    size_t classes = g->tensors[p->scores].count / anchors;
    if (label_count == classes) return MASK_OK;
    return mask__fail(
        err, MASK_EMISMATCH, MASK_NO_OFFSET,
        "%s: the scores have %zu classes, the background first, and there are %zu labels: give a file with one label "
        "a line for each",
        g->path, classes, label_count);
}

mask_status mask__parts_check(const mask__graph *g, const mask__parts *p, size_t label_count, mask_error *err)
{
    const mask__graph_tensor *input = &g->tensors[g->input];
    if (input->shape[1] != input->shape[2] || input->shape[3] != 3 || input->shape[1] > MAX_SIZE)
        return mask__fail(
            err, MASK_EFORMAT, MASK_NO_OFFSET,
            "%s: its input is %zu x %zu with %zu channels: a square RGB image is needed, export the network so",
            g->path, input->shape[1], input->shape[2], input->shape[3]);
    const mask__graph_tensor *map = computed(g, p->features) ? &g->tensors[p->features] : NULL;
    if (!map || map->ndim != 4 || map->shape[1] > MAX_CELLS || map->shape[2] > MAX_CELLS)
        return mask__fail(err, MASK_EFORMAT, MASK_NO_OFFSET,
                          "%s: its features are no map of up to %d x %d cells: name another tensor at the import",
                          g->path, MAX_CELLS, MAX_CELLS);
    return p->boxes == MASK__NO_TENSOR ? MASK_OK : check_detector(g, p, label_count, err);
}
