/* detector-dump E.menc RGB COUNT OUT: what src/vision makes of COUNT images of raw bytes, for compare-detector.py: the
 * network's boxes, scores and feature map, then 36 detections of 6 floats (box, score, label) an image. */
#include "vision/encoder.h"
#include "vision/model.h"
#include "vision/network.h"

#include <stdio.h>
#include <stdlib.h>

static void *room(size_t count, size_t size)
{
    void *memory = calloc(count, size);
    if (!memory) exit(1);
    return memory;
}

static void must(mask_status status, const mask_error *err)
{
    if (status == MASK_OK) return;
    fprintf(stderr, "%s\n", err->message);
    exit(1);
}

static void dump_network(const char *path, const uint8_t *rgb, size_t count, FILE *out)
{
    mask_error err;
    mask__model m;
    mask__network *network;
    must(mask__model_open(&m, path, 0, &err), &err);
    const uint32_t tensors[3] = {m.networks[0].boxes, m.networks[0].scores, m.networks[0].maps[0].tensor};
    must(mask__network_open(&network, &m.networks[0].graph, tensors, 3, 2, &err), &err);
    size_t values = 3 * m.networks[0].input.side * m.networks[0].input.side;
    float *input = room(count * values, sizeof *input), *outputs[3];
    for (size_t i = 0; i < count * values; i++)
        input[i] = (float)rgb[i] * m.networks[0].scale[i % 3] + m.networks[0].offset[i % 3];
    for (int o = 0; o < 3; o++) outputs[o] = room(count * m.networks[0].graph.tensors[tensors[o]].count, sizeof(float));
    must(mask__network_run(network, input, count, outputs, &err), &err);
    for (int o = 0; o < 3; o++) {
        fwrite(outputs[o], sizeof(float), count * m.networks[0].graph.tensors[tensors[o]].count, out);
        free(outputs[o]);
    }
    free(input);
    mask__network_close(network);
    mask__model_close(&m);
}

static void dump_detections(const char *path, const uint8_t *rgb, size_t count, FILE *out)
{
    enum { BOXES = 36 };
    mask_error err;
    mask__encoder *e;
    mask__detect_options options = MASK__DETECT_DEFAULTS;
    mask__detection *boxes = room(count * BOXES, sizeof *boxes);
    size_t found;
    must(mask__encoder_open(&e, path, 0, &(mask_run){.threads = 2}, &err), &err);
    must(mask__encoder_run(e, (const uint8_t *[]){rgb}, count, &err), &err);
    for (size_t i = 0; i < count; i++)
        must(mask__encoder_detect(e, i, &options, boxes + i * BOXES, &found, &err), &err);
    for (size_t i = 0; i < count * BOXES; i++) {
        float row[6] = {boxes[i].box[0], boxes[i].box[1], boxes[i].box[2],
                        boxes[i].box[3], boxes[i].score,  (float)boxes[i].label};
        fwrite(row, sizeof *row, 6, out);
    }
    mask__encoder_close(e);
    free(boxes);
}

int main(int argc, char **argv)
{
    enum { BYTES = 300 * 300 * 3 };
    if (argc != 5) return 2;
    size_t count = strtoul(argv[3], NULL, 10);
    uint8_t *rgb = room(count, BYTES);
    FILE *in = fopen(argv[2], "rb"), *out = fopen(argv[4], "wb");
    if (!in || !out || fread(rgb, BYTES, count, in) != count) return 1;
    dump_network(argv[1], rgb, count, out);
    dump_detections(argv[1], rgb, count, out);
    free(rgb);
    fclose(in);
    return fclose(out) != 0;
}
