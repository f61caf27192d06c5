/* Opens a .menc. */
#include "vision/model.h"
#include "vision/parts.h"
#include "vision/tflite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static mask_status read_text(mask__model *m, const char *name, const char **out, mask_error *err)
{
    const mask__tensor *t;
    MASK__TRY(mask__pack_get(&m->pack, name, MASK__U8, 1, (uint64_t[]){0}, &t, err));
    *out = mask__arena_text(&m->arena, t->data, t->bytes);
    return *out ? MASK_OK : mask__no_memory(err, m->path);
}

/* Labels are stored as lines. */
static mask_status read_labels(mask__model *m, mask_error *err)
{
    const char *lines;
    MASK__TRY(read_text(m, "labels", &lines, err));
    for (const char *c = lines; *c; c++) m->label_count += *c == '\n';
    m->labels = mask__arena_alloc(&m->arena, m->label_count + 1, sizeof *m->labels);
    if (!m->labels) return mask__no_memory(err, m->path);
    for (size_t i = 0; i < m->label_count; i++) {
        size_t length = strcspn(lines, "\n");
        m->labels[i] = mask__arena_text(&m->arena, lines, length);
        if (!m->labels[i]) return mask__no_memory(err, m->path);
        lines += length + 1;
    }
    return MASK_OK;
}

static mask_status read_normalisation(mask__model *m, mask_error *err)
{
    const mask__tensor *t;
    MASK__TRY(mask__pack_get(&m->pack, "normalise", MASK__F32, 2, (uint64_t[]){2, 3}, &t, err));
    memcpy(m->scale, t->data, sizeof m->scale);
    memcpy(m->offset, (const float *)t->data + 3, sizeof m->offset);
    return MASK_OK;
}

static mask_status read_model(mask__model *m, mask_error *err)
{
    const mask__tensor *network, *parts;
    MASK__TRY(mask__pack_get(&m->pack, "network", MASK__U8, 1, (uint64_t[]){0}, &network, err));
    MASK__TRY(mask__pack_get(&m->pack, "parts", MASK__U32, 1, (uint64_t[]){3}, &parts, err));
    MASK__TRY(read_normalisation(m, err));
    MASK__TRY(read_labels(m, err));
    MASK__TRY(read_text(m, "provenance", &m->provenance, err));
    MASK__TRY(mask__tflite_read(&m->graph, network->data, network->bytes, m->path, err));
    const uint32_t *p = parts->data;
    m->features = p[0];
    m->boxes = p[1];
    m->scores = p[2];
    m->kind = m->boxes == MASK__NO_TENSOR ? MASK__CLASSIFIER : MASK__DETECTOR;
    m->size = m->graph.tensors[m->graph.input].shape[1];
    return mask__parts_check(&m->graph, &(mask__parts){p[0], p[1], p[2]}, m->label_count, err);
}

mask_status mask__model_open(mask__model *m, const char *path, mask_error *err)
{
    *m = (mask__model){0};
    m->path = strdup(path);
    mask_status status = m->path ? MASK_OK : mask__no_memory(err, path);
    if (status == MASK_OK)
        status = mask__pack_open(&m->pack, path, MASK__MODEL_MAGIC, MASK__MODEL_VERSION, MASK__VERIFY_DATA, err);
    if (status == MASK_OK) status = read_model(m, err);
    if (status != MASK_OK) mask__model_close(m);
    return status;
}

void mask__model_close(mask__model *m)
{
    mask__graph_free(&m->graph);
    mask__pack_close(&m->pack);
    mask__arena_free(&m->arena);
    free(m->path);
    *m = (mask__model){0};
}

mask_status mask_encoder_describe(const char *path, mask_encoder_info *info, mask_error *err)
{
    mask__model m;
    *info = (mask_encoder_info){0};
    MASK__TRY(mask__model_open(&m, path, err));
    const mask__graph_tensor *map = &m.graph.tensors[m.features];
    *info = (mask_encoder_info){.detector = m.kind == MASK__DETECTOR,
                                .size = m.size,
                                .features = map->shape[3],
                                .map_size = map->shape[1],
                                .labels = m.label_count};
    snprintf(info->provenance, sizeof info->provenance, "%s", m.provenance);
    mask__model_close(&m);
    return MASK_OK;
}
