/* mask extract: photos to region features. */
#include "commands.h"
#include "team.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int print_report(const args *a, const char *out, const mask_extract_options *o, const mask_extract_report *r)
{
    if (a->json)
        return print_json(json_pack("{s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "file", out, "photos",
                                    (json_int_t)r->photos, "good", (json_int_t)r->good, "extracted",
                                    (json_int_t)r->extracted, "copied", (json_int_t)r->copied, "unchanged",
                                    (json_int_t)r->unchanged, "bad", (json_int_t)r->bad, "vanished",
                                    (json_int_t)r->vanished, "raw", (json_int_t)r->raw, "video", (json_int_t)r->video));
    printf("%s: %zu of %zu photos: %zu extracted, %zu moved or copied, %zu unchanged\n", out, r->good, r->photos,
           r->extracted, r->copied, r->unchanged);
    if (r->bad) printf("%zu cannot be decoded (named when they were met first)\n", r->bad);
    if (r->vanished)
        printf("%zu are no longer there: %s\n", r->vanished,
               o->prune ? "dropped" : "still in the store, --prune drops them");
    return 0;
}

static int run_extract(args *a)
{
    mask_extract_report report;
    mask_extract_options o = mask_extract_defaults();
    char place[DATA_PATH];
    const char *out = args_text(a, "-o", NULL);
    int bad = args_options(a, MASK_OPTIONS_EXTRACT, &o);
    if (bad) return bad;
    if (!o.boxes && check_output(out) != 0) return EXIT_FAILED;
    if ((bad = find_encoder(a, place))) return bad;
    o.encoder = place;
    if (mask_extract(a->positional, (size_t)a->positional_count, out, &o, &report, &a->run, &a->err) != MASK_OK)
        return failed(&a->err);
    if (team_follows(a)) return 0;
    return print_report(a, out, &o, &report);
}

const command command_extract = {
    .name = "extract",
    .positional = "PHOTOS...",
    .summary = "Find the regions of photos and write their features",
    .details =
        "PHOTOS are files, and folders with all below them: JPEG, PNG, WebP, GIF, TIFF, HEIC, AVIF. REGIONS is a store "
        "that\n"
        "is continued: photos that have not changed are skipped, and a run that was stopped goes on. The encoder is\n"
        "--encoder, else MASK_ENCODER, else default.menc beside the program or in ~/.local/share/mask.",
    .examples = "mask extract ~/Pictures -o photos.regions\n"
                "mask extract photos/ --boxes regions.tsv -o regions/",
    .options =
        (const option[]){
            {"-o", "REGIONS", "store to write or continue; with --boxes, a folder"},
            TABLE(EXTRACT, NULL, NULL),
            {0},
        },
    .needed = "-o",
    .run = run_extract,
};
