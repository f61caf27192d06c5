/* mask index and its verbs: galleries made, changed, compacted and verified. */
#include "commands.h"
#include "team.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int gallery_state(args *a, const char *path, mask_gallery_info *info)
{
    mask_gallery *gallery;
    if (mask_gallery_open(&gallery, path, &a->run, &a->err) != MASK_OK) return failed(&a->err);
    mask_gallery_describe(gallery, info);
    info->vectors_path = NULL;
    mask_gallery_close(gallery);
    return 0;
}

static double bytes_per_image(const mask_gallery_info *info)
{
    return info->images ? (double)info->bytes / (double)info->images : 0;
}

const char *statistics_text(const mask_gallery_info *info, char text[STATISTICS_TEXT])
{
    size_t others = info->background_images - info->background_own;
    if (info->background_own)
        snprintf(text, STATISTICS_TEXT, "statistics from %zu background images and %zu of these", others,
                 info->background_own);
    else snprintf(text, STATISTICS_TEXT, "statistics from %zu background images", others);
    return text;
}

/* ---- mask info GALLERY ---- */

int info_gallery(args *a, const char *path)
{
    mask_gallery_info i;
    char statistics[STATISTICS_TEXT], budget[32] = "all", pool[OPTION_TEXT], calibrate[OPTION_TEXT];
    if (open_gallery(a, path)) return EXIT_FAILED;
    mask_gallery_describe(a->gallery, &i);
    option_text(MASK_OPTIONS_MATCH, &i.options, "pool", pool);
    option_text(MASK_OPTIONS_MATCH, &i.options, "calibrate", calibrate);
    if (a->json)
        return print_json(json_pack(
            "{s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:f, s:I, s:s, s:s, s:s, s:I, s:I, s:o}", "kind", "gallery",
            "images", (json_int_t)i.images, "removed", (json_int_t)i.removed, "segments", (json_int_t)i.segments,
            "regions", (json_int_t)i.regions, "words", (json_int_t)i.words, "dimensions", (json_int_t)i.dim, "budget",
            (json_int_t)i.budget, "bytes", (json_int_t)i.bytes, "bytes_per_image", bytes_per_image(&i), "generation",
            (json_int_t)i.generation, "pool", pool, "calibrate", calibrate, "vectors", i.vectors_path,
            "background_images", (json_int_t)i.background_images, "background_own", (json_int_t)i.background_own,
            "matching", options_json(MASK_OPTIONS_MATCH, &i.options)));
    if (i.budget) snprintf(budget, sizeof budget, "%zu", i.budget);
    printf("gallery        %zu images in %zu segments, %zu removed or replaced since; generation %llu\n", i.images,
           i.segments, i.removed, (unsigned long long)i.generation);
    printf("index          %zu words, %zu dimensions, %s regions an image kept, %zu regions\n", i.words, i.dim, budget,
           i.regions);
    printf("scores         pooling %s, calibration %s", pool, calibrate);
    if (i.background_own) printf(", %s", statistics_text(&i, statistics));
    printf("\n");
    printf("size           %llu bytes, %.0f an image\n", (unsigned long long)i.bytes, bytes_per_image(&i));
    printf("word vectors   %s\n", i.vectors_path);
    return 0;
}

/* ---- Making and adding ---- */

static int print_added(args *a, const char *path, const mask_gallery_change *change, size_t given, double seconds)
{
    mask_gallery_info i;
    char statistics[STATISTICS_TEXT];
    size_t done = change->added + change->replaced;
    double rate = seconds > 0 ? (double)done / seconds : 0;
    int bad = gallery_state(a, path, &i);
    if (bad) return bad;
    if (a->json)
        return print_json(json_pack("{s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:f, s:f, s:f, s:I}", "gallery", path,
                                    "images", (json_int_t)i.images, "added", (json_int_t)change->added, "replaced",
                                    (json_int_t)change->replaced, "unchanged", (json_int_t)(given - done), "segments",
                                    (json_int_t)i.segments, "bytes", (json_int_t)i.bytes, "bytes_per_image",
                                    bytes_per_image(&i), "seconds", seconds, "images_per_second", rate,
                                    "background_own", (json_int_t)i.background_own));
    if (done == 0) printf("%s: nothing to do: all %zu images are there\n", path, given);
    else
        printf("%s: %zu images added, %zu replaced, %zu there already; %.0f images/s\n", path, change->added,
               change->replaced, given - done, rate);
    printf("%zu images in %zu segments, %.0f bytes an image", i.images, i.segments, bytes_per_image(&i));
    if (i.background_own) printf(", %s", statistics_text(&i, statistics));
    printf("\n");
    return 0;
}

/* An index that failed before its first images were in leaves nothing. */
static void remove_unused(const char *path)
{
    mask_gallery *gallery;
    mask_gallery_info info;
    if (mask_gallery_open(&gallery, path, NULL, NULL) != MASK_OK) return;
    mask_gallery_describe(gallery, &info);
    mask_gallery_close(gallery);
    if (info.generation == 1) mask_gallery_delete(path, NULL); /* what failed first is what is reported */
}

/* Adds a->images to the gallery, a new one where `created`. */
static int add(args *a, const char *path, bool created)
{
    mask_gallery_change change;
    const char *metadata = args_text(a, "--metadata", NULL);
    double began = now();
    mask_status status = mask_gallery_add(path, a->images, &change, &a->run, &a->err);
    if (team_follows(a)) return status == MASK_OK ? 0 : failed(&a->err);
    double seconds = now() - began;
    if (status == MASK_OK && metadata) status = mask_gallery_describe_images(path, metadata, &a->run, &a->err);
    if (status != MASK_OK && created) remove_unused(path);
    return status == MASK_OK ? print_added(a, path, &change, mask_images_count(a->images), seconds) : failed(&a->err);
}

static int run_index(args *a)
{
    mask_match_options o;
    mask_gallery_options g = mask_gallery_defaults();
    const char *path = args_text(a, "-o", NULL);
    int bad = args_options(a, MASK_OPTIONS_GALLERY, &g);
    if (!bad) bad = open_knowledge(a, a->positional[0]);
    if (!bad) bad = read_match_options(a, &o);
    if (!bad) bad = open_images(a, a->positional[1]);
    if (bad) return bad;
    if (!team_follows(a) && mask_gallery_create(path, a->knowledge, &o, &g, &a->err) != MASK_OK) return failed(&a->err);
    if ((bad = team_meet(a)) != 0) return bad;
    return add(a, path, true);
}

const command command_index = {
    .name = "index",
    .positional = "K.mask IMAGES",
    .summary = "Make a gallery of images that can be searched in milliseconds, or continue one",
    .details = "The gallery is a folder with a copy of the knowledge; matching options are fixed when it is made.\n"
               "The same command again continues after an interruption and passes over images that are there.\n"
               "Changes: mask index add, remove, compact, metadata; mask index verify reads all of it.",
    .examples = "mask index starter.mask photos.regions -o photos.gallery",
    .options = (const option[]){{"-o", "G.gallery", "folder to make"},
                                {"--split", "S", "of a precomp folder"},
                                {"--metadata", "FILE.tsv", "columns for --where: a header, first column id"},
                                TABLE(GALLERY, NULL, NULL),
                                MATCH_OPTIONS,
                                {0}},
    .needed = "-o",
    .run = run_index,
};

static int run_add(args *a)
{
    int bad = open_images(a, a->positional[1]);
    return bad ? bad : add(a, a->positional[0], false);
}

const command command_index_add = {
    .name = "index add",
    .positional = "G.gallery IMAGES",
    .summary = "Add images to a gallery; an id that is there already is replaced",
    .examples = "mask index add photos.gallery more.regions",
    .options = (const option[]){{"--split", "S", "of a precomp folder"},
                                {"--metadata", "FILE.tsv", "columns for --where: a header, first column id"},
                                {0}},
    .run = run_add,
};

/* ---- Removing ---- */

/* The ids of the command line and of --ids, one per line. */
static const char **gather_ids(const args *a, size_t *count)
{
    size_t more = a->texts ? mask_texts_count(a->texts) : 0;
    const char **ids = calloc((size_t)a->positional_count + more, sizeof *ids);
    *count = 0;
    if (!ids) return NULL;
    for (int i = 1; i < a->positional_count; i++) ids[(*count)++] = a->positional[i];
    for (size_t i = 0; i < more; i++)
        if (*mask_texts_get(a->texts, i)) ids[(*count)++] = mask_texts_get(a->texts, i);
    return ids;
}

static int print_removed(const args *a, const mask_gallery_change *change)
{
    if (a->json)
        return print_json(json_pack("{s:s, s:I, s:I}", "gallery", a->positional[0], "removed",
                                    (json_int_t)change->removed, "missing", (json_int_t)change->missing));
    printf("%s: %zu images removed", a->positional[0], change->removed);
    if (change->missing) printf(", %zu ids were not there", change->missing);
    printf("\n");
    return 0;
}

static int run_remove(args *a)
{
    mask_gallery_change change;
    const char *file = args_text(a, "--ids", NULL);
    size_t count;
    if (!file && a->positional_count < 2) return args_usage(a, "which images? ID... or --ids FILE is needed");
    int result = file ? open_texts(a, file) : 0;
    if (result) return result;
    const char **ids = gather_ids(a, &count);
    if (!ids) return fail("out of memory for a list of ids");
    if (mask_gallery_remove(a->positional[0], ids, count, &change, &a->run, &a->err) != MASK_OK)
        result = failed(&a->err);
    free(ids);
    return result ? result : print_removed(a, &change);
}

const command command_index_remove = {
    .name = "index remove",
    .positional = "G.gallery [ID...]",
    .summary = "Remove images from a gallery by id",
    .details = "Ids that are not there are counted, not refused. mask index compact gives the space back.",
    .examples = "mask index remove photos.gallery beach.jpg\n"
                "mask index remove photos.gallery --ids gone.txt",
    .options = (const option[]){{"--ids", "FILE", "more ids, one per line; - reads standard input"}, {0}},
    .run = run_remove,
};

/* ---- Compacting, verifying, metadata ---- */

static int run_compact(args *a)
{
    mask_gallery_info before, after;
    const char *path = a->positional[0];
    int bad = gallery_state(a, path, &before);
    if (bad) return bad;
    if (mask_gallery_compact(path, &a->run, &a->err) != MASK_OK) return failed(&a->err);
    bad = gallery_state(a, path, &after);
    if (bad) return bad;
    if (a->json)
        return print_json(json_pack("{s:s, s:I, s:I, s:I, s:I, s:I, s:f}", "gallery", path, "images",
                                    (json_int_t)after.images, "segments_before", (json_int_t)before.segments,
                                    "segments", (json_int_t)after.segments, "bytes_before", (json_int_t)before.bytes,
                                    "bytes", (json_int_t)after.bytes, "bytes_per_image", bytes_per_image(&after)));
    printf("%s: %zu segments of %llu bytes, before %zu of %llu; %.0f bytes an image\n", path, after.segments,
           (unsigned long long)after.bytes, before.segments, (unsigned long long)before.bytes, bytes_per_image(&after));
    return 0;
}

const command command_index_compact = {
    .name = "index compact",
    .positional = "G.gallery",
    .summary = "Rewrite segments with many removed images and join small ones; scores stay the same bits",
    .examples = "mask index compact photos.gallery",
    .run = run_compact,
};

static int run_verify(args *a)
{
    mask_gallery_info i;
    const char *path = a->positional[0];
    if (mask_gallery_verify(path, &a->run, &a->err) != MASK_OK) return failed(&a->err);
    int bad = gallery_state(a, path, &i);
    if (bad) return bad;
    if (a->json)
        return print_json(json_pack("{s:s, s:b, s:I, s:I}", "gallery", path, "sound", 1, "images", (json_int_t)i.images,
                                    "segments", (json_int_t)i.segments));
    printf("%s: %zu images in %zu segments; checksums are right\n", path, i.images, i.segments);
    return 0;
}

const command command_index_verify = {
    .name = "index verify",
    .positional = "G.gallery",
    .summary = "Read all of a gallery against its checksums",
    .examples = "mask index verify photos.gallery",
    .run = run_verify,
};

static int run_metadata(args *a)
{
    const char *path = a->positional[0], *table = a->positional[1];
    if (mask_gallery_describe_images(path, table, &a->run, &a->err) != MASK_OK) return failed(&a->err);
    if (a->json) return print_json(json_pack("{s:s, s:s}", "gallery", path, "metadata", table));
    printf("%s: metadata of %s\n", path, table);
    return 0;
}

const command command_index_metadata = {
    .name = "index metadata",
    .positional = "G.gallery FILE.tsv",
    .summary = "Set metadata columns of a gallery's images from a tab-separated table",
    .details =
        "A header, first column id. A column is numbers where all its values are, else texts; an empty field is NULL.\n"
        "A column that was there is replaced as a whole, others stay. Lines of ids that are not there are passed over.",
    .examples = "mask index metadata photos.gallery dates.tsv",
    .run = run_metadata,
};
