/* mask extract: photos to region features. */
#include "commands.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int read_options(const args *a, mask_extract_options *o)
{
    static const char *const shapes[] = {"stretch", "pad", NULL};
    int shape = (int)o->shape;
    double pixels = (double)o->max_pixels, overlap = (double)o->grid_overlap;
    int bad = args_size(a, "--regions", 0, 1000, &o->regions);
    if (!bad) bad = args_size(a, "--grid", 1, 8, &o->grid);
    if (!bad) bad = args_size(a, "--grid-from", 2, 8, &o->grid_from);
    if (!bad) bad = args_number(a, "--grid-overlap", 0, 0.9, &overlap);
    if (!bad) bad = args_size(a, "--side", 32, 4096, &o->side);
    if (!bad) bad = args_choice(a, "--shape", shapes, &shape);
    if (!bad) bad = args_number(a, "--max-pixels", 1, 1e12, &pixels);
    o->grid_overlap = (float)overlap;
    o->shape = (mask_photo_shape)shape;
    o->detector = args_text(a, "--detector", NULL);
    o->max_pixels = (uint64_t)pixels;
    o->prune = args_has(a, "--prune");
    o->boxes = args_text(a, "--boxes", NULL);
    return bad;
}

static int print_report(const args *a, const char *out, const mask_extract_options *o, const mask_extract_report *r)
{
    if (a->json)
        return print_json(json_pack(
            "{s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "file", out, "photos", (json_int_t)r->photos, "good",
            (json_int_t)r->good, "extracted", (json_int_t)r->extracted, "copied", (json_int_t)r->copied, "unchanged",
            (json_int_t)r->unchanged, "bad", (json_int_t)r->bad, "vanished", (json_int_t)r->vanished));
    printf("%s: %zu of %zu photos: %zu extracted, %zu moved or copied, %zu unchanged\n", out, r->good, r->photos,
           r->extracted, r->copied, r->unchanged);
    if (r->bad) printf("%zu could not be decoded (named above)\n", r->bad);
    if (r->vanished)
        printf("%zu are no longer there: %s\n", r->vanished,
               o->prune ? "dropped" : "still in the store, --prune drops them");
    return 0;
}

static int run_extract(args *a)
{
    mask_error err;
    mask_extract_report report;
    mask_extract_options o = MASK_EXTRACT_DEFAULTS;
    char place[DATA_PATH];
    const char *out = args_text(a, "-o", NULL);
    if (!out) return args_usage(a, "-o REGIONS is needed");
    int bad = read_options(a, &o);
    if (bad) return bad;
    if (!o.boxes && check_output(out) != 0) return EXIT_FAILED;
    if ((bad = find_encoder(a, ENCODER, place))) return bad;
    o.encoder = place;
    if (mask_extract(a->positional, (size_t)a->positional_count, out, &o, &report, &a->run, &err) != MASK_OK)
        return failed(&err);
    progress_end();
    return print_report(a, out, &o, &report);
}

const command command_extract = {
    .name = "extract",
    .positional = "PHOTOS...",
    .min_positional = 1,
    .max_positional = MAX_POSITIONAL,
    .summary = "Find the regions of photos and write their features",
    .details =
        "PHOTOS are files, and folders with all below them: JPEG, PNG, WebP, GIF, TIFF, HEIC, AVIF. REGIONS is a store "
        "that\n"
        "is continued: photos that have not changed are skipped, and a run that was stopped goes on. The encoder is\n"
        "--encoder, else MASK_ENCODER, else default.menc beside the program or in ~/.local/share/mask.",
    .options =
        (const option[]){
            {"-o", "REGIONS", "store to write or continue; with --boxes, a folder"},
            {"--encoder", "E.menc", "network that encodes regions (default: default.menc beside the program)"},
            {"--detector", "D.menc", "network whose boxes are regions too; it may be the encoder (default: none)"},
            {"--regions", "N", "boxes of the detector a photo at most (default: 36)"},
            {"--grid", "N", "the cells of grids up to N x N are regions; 1 = none (default: 3)"},
            {"--grid-from", "N", "the smallest of these grids (default: 2, so 2 x 2 and 3 x 3)"},
            {"--grid-overlap", "X", "share of a cell that its neighbour has too, 0 to 0.9 (default: 0)"},
            {"--side", "N", "pixels of the square that the encoder looks at (default: what its file names)"},
            {"--shape", "S", "stretch: the photo fills the square (default); pad: it keeps its shape, between bars"},
            {"--boxes", "T.tsv",
             "labelled boxes (image x1 y1 x2 y2 label) instead of detections: writes a folder to learn from"},
            {"--max-pixels", "N", "refuse larger photos before decoding them (default: 100000000)"},
            {"--prune", NULL, "drop photos whose files are no longer there"},
            {0},
        },
    .run = run_extract,
};
