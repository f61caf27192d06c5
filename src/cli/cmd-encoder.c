/* mask encoder import and join; mask info of an encoder. */
#include "commands.h"

#include <stdio.h>
#include <stdlib.h>

int info_encoder(args *a, const char *path)
{
    mask_encoder_info i;
    if (mask_encoder_describe(path, &i, &a->err) != MASK_OK) return failed(&a->err);
    const char *kind = i.detector ? "detector" : "classifier";
    if (a->json)
        return print_json(json_pack(
            "{s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:b, s:s}", "kind", "encoder", "network", kind,
            "networks", (json_int_t)i.networks, "size", (json_int_t)i.size, "least", (json_int_t)i.least, "most",
            (json_int_t)i.most, "step", (json_int_t)i.step, "features", (json_int_t)i.features, "map",
            (json_int_t)i.map_size, "labels", (json_int_t)i.labels, "head", i.head, "provenance", i.provenance));
    printf("encoder        %s of %zu x %zu pixels, %zu features from %zu x %zu cells, %zu labels%s\n", kind, i.size,
           i.size, i.features, i.map_size, i.map_size, i.labels, i.head ? " and their classifier" : "");
    if (i.networks > 1) printf("networks       %zu side by side, the first as above\n", i.networks);
    if (i.least < i.most) printf("other sides    %zu to %zu pixels, in steps of %zu\n", i.least, i.most, i.step);
    printf("made from      %s\n", i.provenance);
    return 0;
}

/* "127.5" for all channels or "123.7,116.3,103.5"; leaves values where the option is absent. 0 or EXIT_USAGE. */
static int read_channels(const args *a, const char *name, float values[3])
{
    const char *text = args_text(a, name, NULL), *at = text;
    int count = 0;
    for (char *end; at && count < 3; at = *end == ',' ? end + 1 : NULL) {
        values[count++] = strtof(at, &end);
        if (end == at || (*end && *end != ',') || (*end && count == 3)) count = 0, end = "";
    }
    if (count == 1) values[1] = values[2] = values[0];
    return !text || count == 1 || count == 3
               ? 0
               : args_usage(a, "%s %s: one number, or three with commas between", name, text);
}

static int run_import(args *a)
{
    mask_encoder_options options = mask_encoder_defaults();
    const char *out = args_text(a, "-o", NULL);
    bool mean = args_has(a, "--mean"), deviation = args_has(a, "--deviation");
    for (int c = 0; c < 3 && (mean || deviation); c++) options.mean[c] = options.deviation[c] = 127.5f;
    int bad = read_channels(a, "--mean", options.mean);
    if (!bad) bad = read_channels(a, "--deviation", options.deviation);
    if (!bad) bad = args_options(a, MASK_OPTIONS_ENCODER, &options);
    if (bad) return bad;
    if (mask_encoder_import(a->positional[0], out, &options, &a->err) != MASK_OK) return failed(&a->err);
    return info_encoder(a, out);
}

const command command_encoder_import = {
    .name = "encoder import",
    .positional = "FILE",
    .summary = "Import a network that reads photos into a .menc file",
    .details =
        "FILE is an .onnx or .tflite network, or a bundle of labels and a .tflite as MediaPipe packs them. A network "
        "with\n"
        "SSD's boxes and scores is a detector; of any other, a classifier or a transformer, the features are "
        "used.",
    .examples = "mask encoder import resnet50.onnx -o resnet50.menc",
    .options =
        (const option[]){
            {"-o", "E.menc", "file to write"},
            TABLE(ENCODER, NULL, NULL),
            {"--mean", "M|R,G,B", "the network reads (byte - mean) / deviation (default: 127.5)"},
            {"--deviation", "D|R,G,B", "see --mean (default: 127.5)"},
            {0},
        },
    .needed = "-o",
    .run = run_import,
};

static int run_join(args *a)
{
    const char *out = args_text(a, "-o", NULL);
    if (mask_encoder_join(a->positional, (size_t)a->positional_count, out, &a->err) != MASK_OK) return failed(&a->err);
    return info_encoder(a, out);
}

const command command_encoder_join = {
    .name = "encoder join",
    .positional = "E.menc E.menc...",
    .summary = "Put several encoders side by side into one .menc file",
    .details = "Each looks at a photo at its own size, and a feature is theirs one behind the other. They must be "
               "classifiers with\n"
               "the same labels.",
    .examples = "mask encoder join lite0.menc lite2.menc -o both.menc",
    .options =
        (const option[]){
            {"-o", "BOTH.menc", "file to write"},
            {0},
        },
    .needed = "-o",
    .run = run_join,
};
