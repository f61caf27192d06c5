/* mask encoder import; mask info of an encoder. */
#include "commands.h"

#include <stdio.h>

int info_encoder(const args *a, const char *path)
{
    mask_error err;
    mask_encoder_info i;
    if (mask_encoder_describe(path, &i, &err) != MASK_OK) return failed(&err);
    const char *kind = i.detector ? "detector" : "classifier";
    if (a->json)
        return print_json(json_pack("{s:s, s:s, s:I, s:I, s:I, s:I, s:s}", "kind", "encoder", "network", kind, "size",
                                    (json_int_t)i.size, "features", (json_int_t)i.features, "map",
                                    (json_int_t)i.map_size, "labels", (json_int_t)i.labels, "provenance",
                                    i.provenance));
    printf("encoder        %s of %zu x %zu pixels, %zu features from %zu x %zu cells, %zu labels\n", kind, i.size,
           i.size, i.features, i.map_size, i.map_size, i.labels);
    printf("made from      %s\n", i.provenance);
    return 0;
}

/* "127.5" for all channels or "123.7,116.3,103.5"; leaves values where the option is absent. 0 or EXIT_USAGE. */
static int read_channels(const args *a, const char *name, float values[3])
{
    const char *text = args_text(a, name, NULL);
    char end;
    if (!text) return 0;
    int read = sscanf(text, "%f,%f,%f%c", &values[0], &values[1], &values[2], &end);
    if (read == 3) return 0;
    if (sscanf(text, "%f%c", &values[0], &end) != 1)
        return args_usage(a, "%s %s: one number, or three with commas between", name, text);
    values[1] = values[2] = values[0];
    return 0;
}

static int run_import(args *a)
{
    mask_error err;
    mask_encoder_options options = MASK_ENCODER_DEFAULTS;
    const char *out = args_text(a, "-o", NULL);
    if (!out) return args_usage(a, "-o FILE.menc is needed");
    options.labels = args_text(a, "--labels", NULL);
    options.features = args_text(a, "--features", NULL);
    options.provenance = args_text(a, "--provenance", NULL);
    int bad = read_channels(a, "--mean", options.mean);
    if (!bad) bad = read_channels(a, "--deviation", options.deviation);
    if (bad) return bad;
    if (mask_encoder_import(a->positional[0], out, &options, &err) != MASK_OK) return failed(&err);
    return info_encoder(a, out);
}

const command command_encoder_import = {
    .name = "encoder import",
    .positional = "FILE",
    .min_positional = 1,
    .max_positional = 1,
    .summary = "Import a network that reads photos into a .menc file",
    .details = "FILE is a .tflite network, or a bundle of labels and such a network as MediaPipe packs them. A network "
               "with SSD's\n"
               "boxes and scores is a detector; of any other, a classifier, only the features are used.",
    .options =
        (const option[]){
            {"-o", "E.menc", "file to write"},
            {"--labels", "FILE", "labels, one a line (default: those FILE holds)"},
            {"--features", "NAME",
             "tensor that features are taken from (default: the last of those with most channels)"},
            {"--mean", "M|R,G,B", "the network reads (byte - mean) / deviation (default: 127.5)"},
            {"--deviation", "D|R,G,B", "see --mean (default: 127.5)"},
            {"--provenance", "TEXT", "origin and licence, kept in the file (default: FILE's name)"},
            {0},
        },
    .run = run_import,
};
