/* Makes a .menc of an ONNX or TFLite file or of a bundle that holds the latter, and one of several. */
#include "vision/model.h"
#include "base/options.h"
#include "vision/onnx.h"
#include "vision/onnx_weights.h"
#include "vision/parts.h"
#include "vision/tflite.h"
#include "base/stream.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CANDIDATES = 16, MAX_LABEL_BYTES = 1 << 20, MAX_LINE = 4096 };

typedef struct import {
    const char *from;
    const mask_encoder_options *options;
    mask__map map;
    size_t start; /* of the network in the map */
    mask__model_network network;
    float in_scale, in_zero; /* of an integer input */
    unsigned char *packed;   /* the network with smaller weights, or NULL */
    size_t packed_bytes;
    char *labels; /* lines */
    size_t label_bytes, label_capacity, label_count;
} import;

static bool is_text(const unsigned char *data, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if ((data[i] < ' ' && data[i] != '\n' && data[i] != '\r' && data[i] != '\t') || data[i] == 127) return false;
    return true;
}

/* A bundle is a label list, or nothing, and a TFLite file to its end. */
static mask_status find_network(import *in, mask_error *err)
{
    const unsigned char *data = in->map.data;
    size_t size = in->map.size, tried = 0;
    mask_status status = MASK_OK;
    if (mask__onnx_here(data, size)) return mask__onnx_read(&in->network.graph, data, size, 0, in->from, err);
    for (size_t at = 0; at + 8 < size && tried < CANDIDATES; at++) {
        const unsigned char *mark = memmem(data + at + 4, size - at - 4, "TFL3", 4);
        if (!mark) break;
        at = (size_t)(mark - data) - 4;
        in->start = at;
        status =
            mask__tflite_read(&in->network.graph, data + at, size - at, 0, in->from, &in->in_scale, &in->in_zero, err);
        if (status == MASK_OK || status == MASK_ENOMEM || at == 0) return status;
        tried++;
    }
    if (tried == 1) return status; /* what was wrong with the only one says more */
    return mask__fail_at(
        err, MASK_EFORMAT, 0,
        "%s: byte 0: neither an ONNX model, nor a TFLite file ('TFL3' at byte 4), nor a bundle that holds "
        "one: export the network as .onnx or .tflite",
        in->from);
}

static mask_status add_label(import *in, const char *line, size_t length, mask_error *err)
{
    size_t need = in->label_bytes + length + 1;
    if (need > MAX_LABEL_BYTES)
        return mask__fail(err, MASK_EFORMAT, "%s: its labels are over %d bytes: is it the right file?", in->from,
                          MAX_LABEL_BYTES);
    if (!mask__grow(&in->labels, &in->label_capacity, need, 1)) return mask__no_memory(err, in->from);
    memcpy(in->labels + in->label_bytes, line, length);
    in->labels[need - 1] = '\n';
    in->label_bytes = need;
    in->label_count++;
    return MASK_OK;
}

static mask_status labels_of_bundle(import *in, mask_error *err)
{
    const char *text = (const char *)in->map.data, *end = text + in->start;
    if (!is_text(in->map.data, in->start)) return MASK_OK;
    while (text < end) {
        const char *stop = memchr(text, '\n', (size_t)(end - text));
        size_t length = (size_t)((stop ? stop : end) - text);
        MASK__TRY(add_label(in, text, length, err));
        text += length + 1;
    }
    return MASK_OK;
}

static mask_status labels_of_file(import *in, const char *path, mask_error *err)
{
    mask__stream *stream;
    char *line;
    size_t length;
    MASK__TRY(mask__stream_open(&stream, path, err));
    mask_status status = mask__stream_line(stream, MAX_LINE, &line, &length, err);
    while (status == MASK_OK && line) {
        status = add_label(in, line, length, err);
        if (status == MASK_OK) status = mask__stream_line(stream, MAX_LINE, &line, &length, err);
    }
    mask__stream_close(stream);
    return status;
}

/* Lists of classes often leave out the background, which a detector's scores begin with. */
static mask_status add_background(import *in, mask_error *err)
{
    static const char background[] = "???";
    const mask__model_network *n = &in->network;
    if (n->scores == MASK__NO_TENSOR || in->label_count + 1 != n->graph.tensors[n->scores].shape[2]) return MASK_OK;
    MASK__TRY(add_label(in, background, sizeof background - 1, err));
    memmove(in->labels + sizeof background, in->labels, in->label_bytes - sizeof background);
    memcpy(in->labels, "???\n", sizeof background);
    return MASK_OK;
}

/* input = byte x scale + offset. Without numbers an integer input has its own, others -1 to 1. */
static mask_status set_normalisation(import *in, mask_error *err)
{
    mask_encoder_options o = *in->options;
    bool given = o.deviation[0] != 0 || o.deviation[1] != 0 || o.deviation[2] != 0;
    for (int c = 0; c < 3; c++) {
        if (!given) o.mean[c] = in->in_scale > 0 ? in->in_zero : 127.5f;
        if (!given) o.deviation[c] = in->in_scale > 0 ? 1 / in->in_scale : 127.5f;
        if (!(o.deviation[c] > 0) || !(o.deviation[c] <= 1e6f) || !(o.mean[c] >= -1e6f && o.mean[c] <= 1e6f))
            return mask__fail(
                err, MASK_EINVAL,
                "the input's mean %g or deviation %g is out of range: bytes are 0 to 255, the deviation is positive",
                (double)o.mean[c], (double)o.deviation[c]);
        in->network.scale[c] = 1 / o.deviation[c];
        in->network.offset[c] = -o.mean[c] / o.deviation[c];
    }
    return MASK_OK;
}

static mask_status add_map(import *in, const char *name, float scale, mask_error *err)
{
    mask__model_network *n = &in->network;
    mask__model_map *map = &n->maps[n->map_count];
    MASK__TRY(mask__parts_find(&n->graph, name, &map->tensor, err));
    map->scale = scale;
    n->map_count++;
    const char *own = n->graph.tensors[map->tensor].name;
    if (mask__graph_find(&n->graph, own) == map->tensor && !strchr(own, '\n')) return MASK_OK;
    return mask__fail(err, MASK_EFORMAT, "%s: several tensors are called '%.80s': export it again", in->from, own);
}

/* Whether the network can be read for squares of that side, with a larger or smaller first map. */
static bool can_have(const import *in, size_t side)
{
    const mask__model_network *n = &in->network;
    mask__model_network other = *n;
    mask_error ignored;
    float scale, zero;
    uint32_t map;
    size_t native = n->graph.tensors[n->graph.input].shape[1];
    other.graph = (mask__graph){0};
    if (mask__network_read(&other.graph, n->data, n->bytes, side, in->from, &scale, &zero, &ignored) != MASK_OK)
        return false;
    bool good = true;
    for (size_t m = 0; m < n->map_count && good; m++) {
        good = mask__parts_find(&other.graph, n->graph.tensors[n->maps[m].tensor].name, &map, &ignored) == MASK_OK;
        other.maps[m].tensor = map;
    }
    good = good && mask__parts_check(&other, in->label_count, &ignored) == MASK_OK &&
           (other.maps[0].rows > n->maps[0].rows) == (side > native);
    mask__graph_free(&other.graph);
    return good;
}

/* A detector has its own side, as has a network that can be read for no other. */
static mask_status find_sides(import *in, mask_error *err)
{
    enum { LEAST = 64, MOST = 1024 };
    mask__model_network *n = &in->network;
    size_t native = n->graph.tensors[n->graph.input].shape[1], rows = n->maps[0].rows, wanted = in->options->side;
    size_t step = native % rows == 0 ? native / rows : 1, most = native;
    size_t floor_side = 2 * step > LEAST ? 2 * step : LEAST;
    size_t least = native > floor_side ? native - (native - floor_side) / step * step : native;
    if (native + step <= MOST) most = native + (MOST - native) / step * step;
    bool open = n->boxes == MASK__NO_TENSOR && least < native && most > native && can_have(in, least) &&
                can_have(in, native + step);
    n->input =
        open ? (mask__encoder_input){native, least, most, step} : (mask__encoder_input){native, native, native, 1};
    if (!wanted) return MASK_OK;
    if (wanted < n->input.least || wanted > n->input.most || (wanted - n->input.least) % n->input.step)
        return mask__fail(err, MASK_EINVAL,
                          "%s: cannot look at squares of %zu pixels: %zu to %zu are possible, in steps of %zu",
                          in->from, wanted, n->input.least, n->input.most, n->input.step);
    n->input.side = wanted;
    return MASK_OK;
}

static mask_status shrink(import *in, mask_error *err)
{
    if (in->options->weights == MASK_WEIGHTS_AS_THEY_ARE) return MASK_OK;
    if (!mask__onnx_here(in->map.data, in->map.size))
        return mask__fail(err, MASK_EINVAL, "%s: only the weights of ONNX files are made smaller", in->from);
    MASK__TRY(mask__onnx_shrink(in->network.data, in->network.bytes, in->options->weights, in->from, &in->packed,
                                &in->packed_bytes, err));
    in->network.data = in->packed;
    in->network.bytes = in->packed_bytes;
    return MASK_OK;
}

static mask_status add_text(mask__pack_writer *w, const char *name, const char *text, size_t size, mask_error *err)
{
    return mask__pack_add(w, name, MASK__U8, 1, (uint64_t[]){size}, text, err);
}

static mask_status write_tensors(const import *in, mask__pack_writer *w, mask_error *err)
{
    const mask__model_network *n = &in->network;
    const char *slash = strrchr(in->from, '/'), *provenance = in->options->provenance;
    const uint32_t sides[4] = {(uint32_t)n->input.side, (uint32_t)n->input.least, (uint32_t)n->input.most,
                               (uint32_t)n->input.step};
    float normalise[6], scales[MASK__MOST_MAPS];
    char names[MASK__MOST_MAPS * 1024];
    size_t length = 0;
    memcpy(normalise, n->scale, sizeof n->scale);
    memcpy(normalise + 3, n->offset, sizeof n->offset);
    for (size_t m = 0; m < n->map_count; m++) {
        scales[m] = n->maps[m].scale;
        int added = snprintf(names + length, sizeof names - length, "%s%s", m ? "\n" : "",
                             n->graph.tensors[n->maps[m].tensor].name);
        length += (size_t)added;
        if (length >= sizeof names)
            return mask__fail(err, MASK_EFORMAT, "%s: the names of its tensors are too long", in->from);
    }
    if (!provenance) provenance = slash ? slash + 1 : in->from;
    MASK__TRY(add_text(w, "provenance", provenance, strlen(provenance), err));
    MASK__TRY(add_text(w, "labels", in->label_bytes ? in->labels : "", in->label_bytes, err));
    MASK__TRY(mask__pack_add(w, "normalise.0", MASK__F32, 2, (uint64_t[]){2, 3}, normalise, err));
    MASK__TRY(mask__pack_add(w, "sides.0", MASK__U32, 1, (uint64_t[]){4}, sides, err));
    MASK__TRY(add_text(w, "maps.0", names, length, err));
    MASK__TRY(mask__pack_add(w, "scales.0", MASK__F32, 1, (uint64_t[]){n->map_count}, scales, err));
    return add_text(w, "network.0", (const char *)n->data, n->bytes, err);
}

static mask_status convert(import *in, const char *to, mask_error *err)
{
    mask__pack_writer *w;
    const mask_encoder_options *o = in->options;
    mask__model_network *n = &in->network;
    MASK__TRY(mask__map_open(&in->map, in->from, err));
    MASK__TRY(find_network(in, err));
    n->data = in->map.data + in->start;
    n->bytes = in->map.size - in->start;
    MASK__TRY(set_normalisation(in, err));
    n->boxes = n->scores = MASK__NO_TENSOR;
    MASK__TRY(mask__parts_check(n, 0, err)); /* the input */
    MASK__TRY(add_map(in, o->features, 1, err));
    if (o->middle) MASK__TRY(add_map(in, o->middle, o->middle_scale, err));
    mask__parts_detector(&n->graph, &n->boxes, &n->scores);
    MASK__TRY(o->labels ? labels_of_file(in, o->labels, err) : labels_of_bundle(in, err));
    MASK__TRY(add_background(in, err));
    MASK__TRY(mask__parts_check(n, in->label_count, err));
    MASK__TRY(shrink(in, err));
    MASK__TRY(find_sides(in, err));
    MASK__TRY(mask__pack_create(&w, to, MASK__MODEL_MAGIC, MASK__MODEL_VERSION, err));
    mask_status status = write_tensors(in, w, err);
    return mask__pack_commit(w, status, err);
}

mask_status mask_encoder_import(const char *from, const char *to, const mask_encoder_options *options, mask_error *err)
{
    mask_encoder_options all = mask_encoder_defaults();
    struct import in = {.from = from, .options = &all};
    MASK__TRY(mask__options_take(MASK_OPTIONS_ENCODER, &all, options, err));
    mask_status status = convert(&in, to, err);
    mask__graph_free(&in.network.graph);
    mask__map_close(&in.map);
    free(in.packed);
    free(in.labels);
    return status;
}

/* ---- Several networks side by side ------------------------------------------------------------------------------- */

/* The tensors of one network of a file, under another number. */
static mask_status copy_network(const mask__model *m, size_t k, mask__pack_writer *w, size_t number, mask_error *err)
{
    static const char *const names[] = {"normalise", "sides", "maps", "scales", "network"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char from[MASK__NAME_BYTES], to[MASK__NAME_BYTES];
        snprintf(from, sizeof from, "%s.%zu", names[i], k);
        snprintf(to, sizeof to, "%s.%zu", names[i], number);
        const mask__tensor *t = mask__pack_find(&m->pack, from);
        if (!t) return mask__fail(err, MASK_EMISMATCH, "%s: is of an older version: import it again", m->path);
        MASK__TRY(mask__pack_add(w, to, t->dtype, t->ndim, t->shape, t->data, err));
    }
    return MASK_OK;
}

static mask_status same_labels(const mask__model *a, const mask__model *b, mask_error *err)
{
    size_t i = 0;
    if (a->label_count == b->label_count)
        while (i < a->label_count && strcmp(a->labels[i], b->labels[i]) == 0) i++;
    if (i == a->label_count && i == b->label_count) return MASK_OK;
    return mask__fail(err, MASK_EMISMATCH,
                      "%s: its labels are not those of %s: networks side by side must have the same", b->path, a->path);
}

static mask_status write_joined(const mask__model *models, size_t count, mask__pack_writer *w, mask_error *err)
{
    const mask__tensor *labels = mask__pack_find(&models[0].pack, "labels");
    size_t number = 0, length = 0;
    char provenance[4096] = "";
    for (size_t i = 0; i < count; i++) {
        if (i) MASK__TRY(same_labels(&models[0], &models[i], err));
        int added =
            snprintf(provenance + length, sizeof provenance - length, "%s%s", i ? "; " : "", models[i].provenance);
        length = length + (size_t)added < sizeof provenance ? length + (size_t)added : sizeof provenance - 1;
        for (size_t k = 0; k < models[i].network_count; k++) {
            if (number == MASK__MOST_NETWORKS || models[i].networks[k].boxes != MASK__NO_TENSOR)
                return mask__fail(err, MASK_EINVAL,
                                  "%s: is a detector or one network too many: up to %d classifiers go side by side",
                                  models[i].path, MASK__MOST_NETWORKS);
            MASK__TRY(copy_network(&models[i], k, w, number++, err));
        }
    }
    MASK__TRY(add_text(w, "labels", labels->data, labels->bytes, err));
    return add_text(w, "provenance", provenance, length, err);
}

mask_status mask_encoder_join(const char *const *from, size_t count, const char *to, mask_error *err)
{
    mask__pack_writer *w;
    mask__model models[MASK__MOST_NETWORKS];
    size_t opened = 0;
    if (count == 0 || count > MASK__MOST_NETWORKS)
        return mask__fail(err, MASK_EINVAL, "1 to %d encoders are joined", MASK__MOST_NETWORKS);
    mask_status status = MASK_OK;
    while (opened < count && status == MASK_OK) {
        status = mask__model_open(&models[opened], from[opened], 0, err);
        opened += status == MASK_OK;
    }
    if (status == MASK_OK) status = mask__pack_create(&w, to, MASK__MODEL_MAGIC, MASK__MODEL_VERSION, err);
    if (status == MASK_OK) {
        status = write_joined(models, count, w, err);
        status = mask__pack_commit(w, status, err);
    }
    while (opened > 0) mask__model_close(&models[--opened]);
    return status;
}
