/* mask convert: region features from any format that is read into one that others read; annotations of data sets to
 * regions.tsv, and MACK's knowledge to a .mask. */
#include "commands.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* ---- Labels ---- */

/* Whether the command line asks for labels: a .json, or an option that names another source of them. */
static bool is_labels(const args *a)
{
    static const char *const sources[] = {"--mack-vocabulary", "--mack-prototypes", "--labels", "--entities"};
    for (size_t i = 0; i < sizeof sources / sizeof *sources; i++)
        if (args_has(a, sources[i])) return true;
    return a->positional_count == 1 &&
           (ends_with(a->positional[0], ".json") || ends_with(a->positional[0], ".json.gz"));
}

static int print_labels(const args *a, const char *out, const mask_regions_report *r)
{
    const struct {
        const char *name, *text;
        uint64_t count;
    } parts[] = {
        {"images", NULL, r->images},
        {"regions", NULL, r->regions},
        {"clipped", "boxes clipped to their image", r->clipped},
        {"no_area", "regions dropped: their box lies outside the image or has no area", r->no_area},
        {"no_label", "regions dropped: no word was left of their names, or their class is too unsure", r->no_label},
        {"no_box", "phrases dropped: they have no box", r->no_box},
        {"no_name", "images dropped: image data gives them no such name", r->no_name},
        {"no_size", "images that image data does not list", r->no_size}};
    json_t *object = a->json ? json_pack("{s:s}", "file", out) : NULL;
    if (!object)
        printf("%s: %llu regions of %llu images\n", out, (unsigned long long)r->regions, (unsigned long long)r->images);
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        if (object) json_object_set_new(object, parts[i].name, json_integer((json_int_t)parts[i].count));
        else if (parts[i].text && parts[i].count)
            printf("  %llu %s\n", (unsigned long long)parts[i].count, parts[i].text);
    }
    return object ? print_json(object) : 0;
}

static int print_import(const args *a, const char *out, const mask_import_report *r)
{
    if (a->json)
        return print_json(json_pack("{s:s, s:I, s:I, s:I, s:I, s:I}", "file", out, "listed", (json_int_t)r->listed,
                                    "words", (json_int_t)r->kept, "no_vector", (json_int_t)r->no_vector, "no_prototype",
                                    (json_int_t)r->no_prototype, "repeated", (json_int_t)r->repeated));
    printf("%s: %zu of %zu words\n", out, r->kept, r->listed);
    if (r->no_vector) printf("  %zu left out: they have no word vector\n", r->no_vector);
    if (r->no_prototype) printf("  %zu left out: their prototype is zero\n", r->no_prototype);
    if (r->repeated) printf("  %zu left out: the same word but for its case came before\n", r->repeated);
    return 0;
}

static int convert_mack(args *a, const char *out)
{
    mask_import_report report;
    char provenance[4096];
    const char *vocabulary = args_text(a, "--mack-vocabulary", NULL),
               *prototypes = args_text(a, "--mack-prototypes", NULL), *path = args_text(a, "--vectors", NULL);
    if (!vocabulary || !prototypes || !path || a->positional_count)
        return args_usage(
            a, "MACK's knowledge needs --mack-vocabulary, --mack-prototypes and --vectors, and no other input");
    snprintf(provenance, sizeof provenance, "mask convert --mack-vocabulary %s --mack-prototypes %s --vectors %s",
             vocabulary, prototypes, path);
    mask_status status = mask_vectors_open(&a->vectors, path, &a->run, &a->err);
    if (status == MASK_OK)
        status = mask_knowledge_import(&a->knowledge, vocabulary, prototypes, a->vectors, provenance, &report, &a->err);
    if (status == MASK_OK) status = mask_knowledge_save(a->knowledge, out, &a->err);
    return status == MASK_OK ? print_import(a, out, &report) : failed(&a->err);
}

static int convert_labels(args *a)
{
    mask_status status;
    mask_regions_report report;
    mask_regions_options options = mask_regions_defaults();
    double confidence = 0;
    bool detections = args_has(a, "--labels");
    const char *out = args_text(a, "-o", NULL), *from = a->positional[0], *split = args_text(a, "--split", NULL),
               *entities = args_text(a, "--entities", NULL), *vocabulary = args_text(a, "--vocabulary", NULL),
               *attributes = args_text(a, "--attributes-vocabulary", NULL);
    if (args_has(a, "--mack-vocabulary") || args_has(a, "--mack-prototypes")) return convert_mack(a, out);
    if (entities && a->positional_count) return args_usage(a, "--entities FOLDER takes no other input");
    if (!entities && detections && (!vocabulary || a->positional_count != 1))
        return args_usage(a, "--labels needs one TSV file and --vocabulary, the names of its classes");
    int bad = args_number(a, "--min-confidence", 0, 1, &confidence);
    if (!bad) bad = args_options(a, MASK_OPTIONS_REGIONS, &options);
    if (bad) return bad;
    if (entities) status = mask_regions_from_entities(entities, split, out, &report, &a->run, &a->err);
    else if (detections)
        status = mask_regions_from_detections(from, out, vocabulary, attributes, (float)confidence, &report, &a->run,
                                              &a->err);
    else status = mask_regions_from_genome(from, out, &options, &report, &a->run, &a->err);
    return status == MASK_OK ? print_labels(a, out, &report) : failed(&a->err);
}

/* ---- Features ---- */

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
    mask_convert_options options = mask_convert_defaults();
    const char *out = args_text(a, "-o", NULL);
    if (is_labels(a)) return convert_labels(a);
    if (a->positional_count != 1) return args_usage(a, "expected %s", a->command->positional);
    int bad = read_format(a, out, &options.to);
    if (!bad) bad = args_options(a, MASK_OPTIONS_CONVERT, &options);
    if (!bad && options.half && options.to != MASK_FEATURES_NPY) bad = args_usage(a, "--half is for a *_ims.npy");
    if (!bad) bad = open_images(a, a->positional[0]);
    if (bad) return bad;
    mask_status status = mask_images_convert(a->images, out, &options, &a->run, &a->err);
    return status == MASK_OK ? report(a, a->images, out, options.regions) : failed(&a->err);
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
    .options =
        (const option[]){
            {"-o", "OUT", "file or folder to write"},
            {"--split", "S", "of a precomp folder or of a folder of folders"},
            TABLE(CONVERT, NULL, NULL),
            TABLE(REGIONS, NULL, NULL),
            {"--entities", "FOLDER",
             "Flickr30K Entities: a folder with Annotations and Sentences; --split takes SPLIT.txt"},
            {"--labels", NULL,
             "of a TSV file with LXMERT's ten columns: its classes and features, to a folder for learn"},
            {"--min-confidence", "X", "of --labels: leave out regions whose class is less sure (default: 0)"},
            {"--mack-vocabulary", "FILE", "MACK's words as JSON: an object of word: row, or a list"},
            {"--mack-prototypes", "P.npy", "MACK's prototypes, words x features; the output is a .mask"},
            {"--vectors", "V.mvec", "word vectors of the words of MACK"},
            {0}},
    .needed = "-o",
    .run = run_convert,
};
