/* Makes a .menc of a TFLite file or of a bundle that holds one. */
#include "vision/model.h"
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
    mask__graph graph;
    mask__parts parts;
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
    for (size_t at = 0; at + 8 < size && tried < CANDIDATES; at++) {
        const unsigned char *mark = memmem(data + at + 4, size - at - 4, "TFL3", 4);
        if (!mark) break;
        at = (size_t)(mark - data) - 4;
        in->start = at;
        status = mask__tflite_read(&in->graph, data + at, size - at, in->from, err);
        if (status == MASK_OK || status == MASK_ENOMEM || at == 0) return status;
        tried++;
    }
    if (tried == 1) return status; /* what was wrong with the only one says more */
    return mask__fail(err, MASK_EFORMAT, 0,
                      "%s: byte 0: neither a TFLite file ('TFL3' at byte 4) nor a bundle that holds one (ONNX is not "
                      "read): export the "
                      "network as .tflite",
                      in->from);
}

static mask_status add_label(import *in, const char *line, size_t length, mask_error *err)
{
    size_t need = in->label_bytes + length + 1;
    if (need > MAX_LABEL_BYTES)
        return mask__fail(err, MASK_EFORMAT, MASK_NO_OFFSET, "%s: its labels are over %d bytes: is it the right file?",
                          in->from, MAX_LABEL_BYTES);
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
    if (in->parts.scores == MASK__NO_TENSOR || in->label_count + 1 != in->graph.tensors[in->parts.scores].shape[2])
        return MASK_OK;
    MASK__TRY(add_label(in, background, sizeof background - 1, err));
    memmove(in->labels + sizeof background, in->labels, in->label_bytes - sizeof background);
    memcpy(in->labels, "???\n", sizeof background);
    return MASK_OK;
}

static mask_status check_normalisation(const mask_encoder_options *o, mask_error *err)
{
    for (int c = 0; c < 3; c++)
        if (!(o->deviation[c] > 0) || !(o->deviation[c] <= 1e6f) || !(o->mean[c] >= -1e6f && o->mean[c] <= 1e6f))
            return mask__fail(
                err, MASK_EINVAL, MASK_NO_OFFSET,
                "the input's mean %g or deviation %g is out of range: bytes are 0 to 255, the deviation is positive",
                (double)o->mean[c], (double)o->deviation[c]);
    return MASK_OK;
}

static mask_status add_text(mask__pack_writer *w, const char *name, const char *text, size_t size, mask_error *err)
{
    return mask__pack_add(w, name, MASK__U8, 1, (uint64_t[]){size}, text, err);
}

static mask_status write_tensors(const import *in, mask__pack_writer *w, mask_error *err)
{
    float normalise[6];
    const char *slash = strrchr(in->from, '/'), *provenance = in->options->provenance;
    const uint32_t parts[3] = {in->parts.features, in->parts.boxes, in->parts.scores};
    for (int c = 0; c < 3; c++) {
        normalise[c] = 1 / in->options->deviation[c];
        normalise[3 + c] = -in->options->mean[c] / in->options->deviation[c];
    }
    if (!provenance) provenance = slash ? slash + 1 : in->from;
    MASK__TRY(add_text(w, "provenance", provenance, strlen(provenance), err));
    MASK__TRY(add_text(w, "labels", in->label_bytes ? in->labels : "", in->label_bytes, err));
    MASK__TRY(mask__pack_add(w, "normalise", MASK__F32, 2, (uint64_t[]){2, 3}, normalise, err));
    MASK__TRY(mask__pack_add(w, "parts", MASK__U32, 1, (uint64_t[]){3}, parts, err));
    return add_text(w, "network", (const char *)in->map.data + in->start, in->map.size - in->start, err);
}

static mask_status convert(import *in, const char *to, mask_error *err)
{
    mask__pack_writer *w;
    const mask_encoder_options *o = in->options;
    MASK__TRY(check_normalisation(o, err));
    MASK__TRY(mask__map_open(&in->map, in->from, err));
    MASK__TRY(find_network(in, err));
    MASK__TRY(mask__parts_find(&in->graph, o->features, &in->parts, err));
    MASK__TRY(o->labels ? labels_of_file(in, o->labels, err) : labels_of_bundle(in, err));
    MASK__TRY(add_background(in, err));
    MASK__TRY(mask__parts_check(&in->graph, &in->parts, in->label_count, err));
    MASK__TRY(mask__pack_create(&w, to, MASK__MODEL_MAGIC, MASK__MODEL_VERSION, err));
    mask_status status = write_tensors(in, w, err);
    if (status == MASK_OK) return mask__pack_commit(w, err);
    mask__pack_abort(w);
    return status;
}

mask_status mask_encoder_import(const char *from, const char *to, const mask_encoder_options *options, mask_error *err)
{
    const mask_encoder_options defaults = MASK_ENCODER_DEFAULTS;
import in = {.from = from, .options = options ? options: & defaults };
    mask_status status = convert(&in, to, err);
    mask__graph_free(&in.graph);
    mask__map_close(&in.map);
    free(in.labels);
    return status;
}
