/* mask convert, its labels: annotations of data sets to regions.tsv, and MACK's knowledge to a .mask. */
#include "convert.h"

#include <stdio.h>
#include <string.h>

bool convert_is_labels(const args *a)
{
    static const char *const sources[] = {"--mack-vocabulary", "--mack-prototypes", "--labels", "--entities"};
    for (size_t i = 0; i < sizeof sources / sizeof *sources; i++)
        if (args_has(a, sources[i])) return true;
    return a->positional_count == 1 &&
           (ends_with(a->positional[0], ".json") || ends_with(a->positional[0], ".json.gz"));
}

static int print_report(const args *a, const char *out, const mask_regions_report *r)
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
    mask_error err;
    mask_import_report report;
    char provenance[4096];
    const char *vocabulary = args_text(a, "--mack-vocabulary", NULL),
               *prototypes = args_text(a, "--mack-prototypes", NULL), *path = args_text(a, "--vectors", NULL);
    if (!vocabulary || !prototypes || !path || a->positional_count)
        return args_usage(
            a, "MACK's knowledge needs --mack-vocabulary, --mack-prototypes and --vectors, and no other input");
    snprintf(provenance, sizeof provenance, "mask convert --mack-vocabulary %s --mack-prototypes %s --vectors %s",
             vocabulary, prototypes, path);
    mask_status status = mask_vectors_open(&a->vectors, path, &a->run, &err);
    if (status == MASK_OK)
        status = mask_knowledge_import(&a->knowledge, vocabulary, prototypes, a->vectors, provenance, &report, &err);
    if (status == MASK_OK) status = mask_knowledge_save(a->knowledge, out, &err);
    return status == MASK_OK ? print_import(a, out, &report) : failed(&err);
}

int convert_labels(args *a)
{
    mask_error err;
    mask_status status;
    mask_regions_report report;
    mask_regions_options options = mask_regions_defaults();
    float confidence = 0;
    bool detections = args_has(a, "--labels");
    const char *out = args_text(a, "-o", NULL), *from = a->positional[0], *split = args_text(a, "--split", NULL),
               *entities = args_text(a, "--entities", NULL), *vocabulary = args_text(a, "--vocabulary", NULL),
               *attributes = args_text(a, "--attributes-vocabulary", NULL);
    if (args_has(a, "--mack-vocabulary") || args_has(a, "--mack-prototypes")) return convert_mack(a, out);
    if (entities && a->positional_count) return args_usage(a, "--entities FOLDER takes no other input");
    if (!entities && detections && (!vocabulary || a->positional_count != 1))
        return args_usage(a, "--labels needs one TSV file and --vocabulary, the names of its classes");
    int bad = args_float(a, "--min-confidence", 0, 1, &confidence);
    if (!bad) bad = args_options(a, MASK_OPTIONS_REGIONS, &options);
    if (bad) return bad;
    if (entities) status = mask_regions_from_entities(entities, split, out, &report, &a->run, &err);
    else if (detections)
        status = mask_regions_from_detections(from, out, vocabulary, attributes, confidence, &report, &a->run, &err);
    else status = mask_regions_from_genome(from, out, &options, &report, &a->run, &err);
    progress_end();
    return status == MASK_OK ? print_report(a, out, &report) : failed(&err);
}
