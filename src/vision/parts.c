#include "vision/parts.h"
#include "vision/boxes.h"

#include <string.h>

enum { MAX_SIZE = 4096, MAX_CELLS = 256, MAX_CLASSES = 100000, MOST_BEFORE = 16 /* class token, registers */ };

/* The rows and columns of tokens that may be patches of a square with a few before them; 0 = no tokens. */
static size_t patches_of(const mask__graph_tensor *t, size_t *before)
{
    size_t side = 0;
    if (t->ndim != 3 || t->shape[0] != 1) return 0;
    while ((side + 1) * (side + 1) <= t->shape[1]) side++;
    *before = t->shape[1] - side * side;
    return side >= 2 && *before <= MOST_BEFORE ? side : 0;
}

static bool is_map(const mask__graph_tensor *t)
{
    return t->ndim == 4 && t->shape[0] == 1 && t->shape[1] >= 2 && t->shape[1] == t->shape[2];
}

/* Of the square maps with most channels the last; or the last tokens, where such come after and are as wide and many.
 */
static uint32_t last_large_map(const mask__graph *g)
{
    uint32_t found = MASK__NO_TENSOR, tokens = MASK__NO_TENSOR;
    size_t before;
    for (size_t i = 0; i < g->op_count; i++) {
        uint32_t t = g->ops[i].output;
        const mask__graph_tensor *map = &g->tensors[t], *best = found == MASK__NO_TENSOR ? NULL : &g->tensors[found];
        if (is_map(map) && (!best || map->shape[3] >= best->shape[3])) {
            found = t;
            tokens = MASK__NO_TENSOR;
        } else if (best && patches_of(map, &before) == best->shape[1] && map->shape[2] == best->shape[3]) {
            tokens = t;
        }
    }
    return tokens == MASK__NO_TENSOR ? found : tokens;
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

mask_status mask__parts_find(const mask__graph *g, const char *features, uint32_t *map, mask_error *err)
{
    *map = features ? mask__graph_find(g, features) : last_large_map(g);
    if (*map != MASK__NO_TENSOR) return MASK_OK;
    return mask__fail(err, MASK_ENOTFOUND,
                      "%s: has no feature map%s%s%s: name one computed tensor of shape (1, h, w, channels)", g->path,
                      features ? " '" : "", features ? features : "", features ? "', or several of that name" : "");
}

void mask__parts_detector(const mask__graph *g, uint32_t *boxes, uint32_t *scores)
{
    size_t anchors = mask__anchor_count(g->tensors[g->input].shape[1]);
    *boxes = find_output(g, anchors, true);
    *scores = find_output(g, anchors, false);
    if (*boxes == MASK__NO_TENSOR || *scores == MASK__NO_TENSOR) *boxes = *scores = MASK__NO_TENSOR;
}

static bool computed(const mask__graph *g, uint32_t tensor)
{
    for (size_t i = 0; i < g->op_count; i++)
        if (g->ops[i].output == tensor) return true;
    return false;
}

static mask_status check_detector(const mask__graph *g, const mask__model_network *p, size_t label_count,
                                  mask_error *err)
{
    size_t anchors = mask__anchor_count(g->tensors[g->input].shape[1]);
    if (!computed(g, p->boxes) || !computed(g, p->scores) || g->tensors[p->boxes].count != 4 * anchors ||
        g->tensors[p->scores].count % anchors != 0 || g->tensors[p->scores].count / anchors > MAX_CLASSES)
        return mask__fail(err, MASK_EFORMAT,
                          "%s: its boxes or scores are not those of an SSD: import the network again", g->path);
    size_t classes = g->tensors[p->scores].count / anchors;
    if (label_count == classes) return MASK_OK;
    return mask__fail(
        err, MASK_EMISMATCH,
        "%s: the scores have %zu classes, the background first, and there are %zu labels: give a file with one label "
        "a line for each",
        g->path, classes, label_count);
}

static bool check_map(const mask__graph *g, mask__model_map *map)
{
    if (!computed(g, map->tensor)) return false;
    const mask__graph_tensor *t = &g->tensors[map->tensor];
    size_t tokens = patches_of(t, &map->before);
    if (!tokens) map->before = 0;
    map->rows = tokens ? tokens : t->ndim == 4 ? t->shape[1] : 0;
    map->columns = tokens ? tokens : t->ndim == 4 ? t->shape[2] : 0;
    map->channels = t->ndim ? t->shape[t->ndim - 1] : 0;
    return map->rows && map->columns && map->rows <= MAX_CELLS && map->columns <= MAX_CELLS && t->shape[0] == 1;
}

mask_status mask__parts_check(mask__model_network *n, size_t label_count, mask_error *err)
{
    const mask__graph *g = &n->graph;
    const mask__graph_tensor *input = &g->tensors[g->input];
    if (input->shape[1] != input->shape[2] || input->shape[3] != 3 || input->shape[1] > MAX_SIZE)
        return mask__fail(
            err, MASK_EFORMAT,
            "%s: its input is %zu x %zu with %zu channels: a square RGB image is needed, export the network so",
            g->path, input->shape[1], input->shape[2], input->shape[3]);
    for (size_t m = 0; m < n->map_count; m++)
        if (!check_map(g, &n->maps[m]))
            return mask__fail(err, MASK_EFORMAT,
                              "%s: its features are no map of up to %d x %d cells: name another tensor at the import",
                              g->path, MAX_CELLS, MAX_CELLS);
    return n->boxes == MASK__NO_TENSOR ? MASK_OK : check_detector(g, n, label_count, err);
}
