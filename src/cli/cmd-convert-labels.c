/* mask convert, its labels: annotations of data sets to regions.tsv. */
#include "convert.h"

#include <stdio.h>
#include <string.h>

static bool ends_with(const char *text, const char *end)
{
    size_t a = strlen(text), b = strlen(end);
    return a >= b && strcmp(text + a - b, end) == 0;
}

bool convert_is_labels(const args *a)
{
    return a->positional_count == 1 && (ends_with(a->positional[0], ".json") || ends_with(a->positional[0], ".json.gz"));
}

static int read_options(const args *a, mask_regions_options *o)
{
    static const char *const recipes[] = {"butd", "mack", "mask", NULL};
    static const char *const names[] = {"id", "url", "coco", "flickr", NULL};
    int recipe, name_by, bad;
    *o = MASK_REGIONS_DEFAULTS;
    recipe = (int)o->recipe;
    name_by = (int)o->name_by;
    bad = args_choice(a, "--recipe", recipes, &recipe);
    if (!bad) bad = args_choice(a, "--name-by", names, &name_by);
    if (!bad) bad = args_size(a, "--min-count", 1, 1000000000, &o->min_count);
    o->recipe = (mask_recipe)recipe;
    o->name_by = (mask_name_by)name_by;
    o->attributes = args_text(a, "--attributes", NULL);
    o->image_data = args_text(a, "--image-data", NULL);
    o->vocabulary = args_text(a, "--vocabulary", NULL);
    o->attribute_vocabulary = args_text(a, "--attributes-vocabulary", NULL);
    return bad;
}

static int print_report(const args *a, const char *out, const mask_regions_report *r)
{
    const struct {
        const char *name, *text;
        uint64_t count;
    } parts[] = {{"images", NULL, r->images},
                 {"regions", NULL, r->regions},
                 {"clipped", "boxes clipped to their image", r->clipped},
                 {"no_area", "regions dropped: their box lies outside the image or has no area", r->no_area},
                 {"no_label", "regions dropped: no word was left of their names", r->no_label},
                 {"no_box", "phrases dropped: they have no box", r->no_box},
                 {"no_name", "images dropped: image data gives them no such name", r->no_name},
                 {"no_size", "images that image data does not list", r->no_size}};
    json_t *object = a->json ? json_pack("{s:s}", "file", out) : NULL;
    if (!object) printf("%s: %llu regions of %llu images\n", out, (unsigned long long)r->regions, (unsigned long long)r->images);
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        if (object) json_object_set_new(object, parts[i].name, json_integer((json_int_t)parts[i].count));
        else if (parts[i].text && parts[i].count) printf("  %llu %s\n", (unsigned long long)parts[i].count, parts[i].text);
    }
    return object ? print_json(object) : 0;
}

int convert_labels(args *a)
{
    mask_error err;
    mask_regions_options options;
    mask_regions_report report;
    const char *out = args_text(a, "-o", NULL);
    if (!out) return args_usage(a, "-o regions.tsv is needed");
    int bad = read_options(a, &options);
    if (bad) return bad;
    if (mask_regions_from_genome(a->positional[0], out, &options, &report, &a->run, &err) != MASK_OK) return failed(&err);
    progress_end();
    return print_report(a, out, &report);
}
