/* mask convert: region features from any format that is read into one that others read. Labels are
 * cmd-convert-labels.c's. */
#include "convert.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* The format that the output's name asks for: 0, or EXIT_USAGE. */
static int read_format(const args *a, const char *out, mask_features_format *to)
{
    struct stat info;
    const char *slash = strrchr(out, '/');
    if (ends_with(out, ".npy")) *to = MASK_FEATURES_NPY;
    else if (ends_with(out, ".tsv")) *to = MASK_FEATURES_TSV;
    else if (!strchr(slash ? slash + 1 : out, '.') || (stat(out, &info) == 0 && S_ISDIR(info.st_mode)))
        *to = MASK_FEATURES_NPZ;
    else return args_usage(a, "-o %s: name a *_ims.npy, a *.tsv or a folder (for .npz files)", out);
    return 0;
}

static int report(const args *a, const mask_images *images, const char *out, size_t regions)
{
    size_t count = mask_images_count(images), dim = mask_images_dim(images), rows = 0;
    for (size_t i = 0; i < count; i++) rows += regions ? regions : mask_images_regions(images, i);
    if (a->json)
        return print_json(json_pack("{s:s, s:I, s:I, s:I}", "file", out, "images", (json_int_t)count, "regions",
                                    (json_int_t)rows, "dimensions", (json_int_t)dim));
    printf("%s: %zu images, %zu regions, %zu dimensions\n", out, count, rows, dim);
    return 0;
}

static int run_convert(args *a)
{
    mask_error err;
    mask_convert_options options = mask_convert_defaults();
    const char *out = args_text(a, "-o", NULL);
    if (convert_is_labels(a)) return convert_labels(a);
    if (a->positional_count != 1) return args_usage(a, "expected %s", a->command->positional);
    int bad = read_format(a, out, &options.to);
    if (!bad) bad = args_options(a, MASK_OPTIONS_CONVERT, &options);
    if (!bad && options.half && options.to != MASK_FEATURES_NPY) bad = args_usage(a, "--half is for a *_ims.npy");
    if (!bad) bad = open_images(a, a->positional[0]);
    if (bad) return bad;
    mask_status status = mask_images_convert(a->images, out, &options, &a->run, &err);
    progress_end();
    return status == MASK_OK ? report(a, a->images, out, options.regions) : failed(&err);
}

const command command_convert = {
    .name = "convert",
    .positional = "[IMAGES|LABELS.json]",
    .summary = "Write region features in another format, or annotations as labelled regions",
    .details =
        "IMAGES is a *_ims.npy, a precomp folder, a TSV of bottom-up attention or LXMERT, a folder of .npz or "
        "an HDF5 file\n(only from people you trust: libhdf5 does not survive every forged one).\n"
        "OUT's name tells the format: X_ims.npy (with X_ids.txt, X_boxes.npy, X_names.txt), X.tsv, or a folder "
        "of .npz, in\n"
        "which files that are there already are kept.\n"
        "LABELS.json is Visual Genome's objects.json, attributes.json or region_descriptions.json; OUT is then a "
        "regions.tsv.",
    .examples = "mask convert data/obj36.tsv -o images.npy\n"
                "mask convert region_descriptions.json -o regions/regions.tsv",
    .options = (const option[]){{"-o", "OUT", "file or folder to write"},
                                {"--split", "S", "of a precomp folder or of a folder of folders"},
                                TABLE(CONVERT, NULL, NULL),
                                CONVERT_LABELS_OPTIONS,
                                {0}},
    .needed = "-o",
    .run = run_convert,
};
