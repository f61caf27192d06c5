/* Visual Genome's annotations to a table of labelled regions: boxes clipped, attributes joined, names cleaned. */
#include "annotations/genome.h"
#include "base/options.h"
#include "annotations/labelrecipe.h"
#include "annotations/regiontable.h"
#include "base/memory.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PROGRESS_STEP = 64 };

typedef struct conversion {
    const char *path;
    const mask_regions_options *options;
    mask__label_recipe recipe;
    mask__genome *from, *attributes; /* attributes: NULL when there is no such file */
    mask__genome_sizes sizes;
    mask__region_table table; /* not there while words are counted */
    mask__bytes label;
    mask_regions_report report;
} conversion;

/* Into name what the table calls an image; false when image_data does not tell. */
static bool name_image(const conversion *c, int64_t id, const mask__genome_size *size, char *name, size_t room)
{
    const char *url = NULL;
    size_t length;
    switch (c->options->name_by) {
    case MASK_NAME_ID:
        break;
    case MASK_NAME_URL:
        if (size && size->url != MASK__NOT_FOUND) url = mask__strings_get(&c->sizes.urls, size->url, &length);
        if (url && *url) snprintf(name, room, "%s", url);
        return url && *url;
    case MASK_NAME_COCO:
        id = size ? size->coco : -1;
        break;
    case MASK_NAME_FLICKR:
        id = size ? size->flickr : -1;
        break;
    }
    snprintf(name, room, "%lld.jpg", (long long)id);
    return id >= 0;
}

static mask_status add_attributes(conversion *c, const mask__genome_image *image, const mask__genome_region *r,
                                  mask_error *err)
{
    size_t words = 0;
    for (uint32_t i = 0; i < r->attributes; i++)
        MASK__TRY(mask__label_add_attribute(&c->recipe, mask__genome_text(image, r->first_attribute + i), &c->label,
                                            &words, err));
    return MASK_OK;
}

/* "clock.n.01" without its part of speech and number, "hot_dog" as two words. */
static void synset_name(const char *synset, char name[128])
{
    snprintf(name, 128, "%s", synset);
    for (int i = 0; i < 2; i++) {
        char *dot = strrchr(name, '.');
        if (dot) *dot = '\0';
    }
    for (char *c = name; *c; c++)
        if (*c == '_') *c = ' ';
}

/* A region without a name is called after its synset. */
static mask_status add_names(conversion *c, const mask__genome_image *image, const mask__genome_region *r,
                             size_t *words, mask_error *err)
{
    char name[128];
    uint32_t names = c->options->recipe == MASK_RECIPE_BUTD ? r->names : r->names > 0;
    for (uint32_t i = 0; i < names; i++)
        MASK__TRY(mask__label_add_name(&c->recipe, mask__genome_text(image, r->first_name + i), &c->label, words, err));
    if (names || !r->synsets) return MASK_OK;
    synset_name(mask__genome_text(image, r->first_synset), name);
    return mask__label_add_name(&c->recipe, name, &c->label, words, err);
}

/* The region of the attributes' image that describes the same object; near the same place, as a rule. */
static const mask__genome_region *find_region(const mask__genome_image *image, int64_t id, size_t guess)
{
    if (!image || id < 0) return NULL;
    if (guess < image->count && image->regions[guess].id == id) return &image->regions[guess];
    for (size_t i = 0; i < image->count; i++)
        if (image->regions[i].id == id) return &image->regions[i];
    return NULL;
}

/* Attributes stand before the name: "red", "shirt". A region whose names leave nothing has no label. */
static mask_status make_label(conversion *c, const mask__genome_image *image, const mask__genome_region *r,
                              const mask__genome_image *attributes, size_t *words, mask_error *err)
{
    const mask__genome_region *described = find_region(attributes, r->id, (size_t)(r - image->regions));
    *words = 0;
    c->label.size = 0;
    MASK__TRY(add_attributes(c, image, r, err));
    if (described) MASK__TRY(add_attributes(c, attributes, described, err));
    return add_names(c, image, r, words, err);
}

static mask_status no_box(const conversion *c, const mask__genome_image *image, size_t region, mask_error *err)
{
    return mask__fail_at(err, MASK_EFORMAT, image->offset,
                         "%s: byte %llu: image %lld: region %zu has no box (x, y, w, h): repair the file", c->path,
                         (unsigned long long)image->offset, (long long)image->id, region);
}

static mask_status convert_image(conversion *c, const mask__genome_image *image, mask_error *err)
{
    char name[512];
    const mask__genome_image *attributes = NULL;
    const mask__genome_size *size = mask__genome_sizes_find(&c->sizes, image->id);
    uint64_t before = c->table.regions;
    if (c->options->image_data && !size) c->report.no_size++;
    if (!name_image(c, image->id, size, name, sizeof name)) {
        c->report.no_name++;
        return MASK_OK;
    }
    if (c->attributes) MASK__TRY(mask__genome_find(c->attributes, image->id, &attributes, err));
    for (size_t i = 0; i < image->count; i++) {
        const mask__genome_region *r = &image->regions[i];
        double whole[4] = {r->x, r->y, r->x + r->w, r->y + r->h}, box[4];
        size_t words;
        if (isnan(r->x + r->y + r->w + r->h)) return no_box(c, image, i, err);
        if (!mask__clip_box(whole, size ? size->width : 0, size ? size->height : 0, box)) {
            c->report.no_area++;
            continue;
        }
        MASK__TRY(make_label(c, image, r, attributes, &words, err));
        if (words == 0) c->report.no_label++;
        if (words == 0 || c->recipe.counting) continue;
        MASK__TRY(mask__region_table_add(&c->table, name, box, mask__bytes_text(&c->label), err));
        c->report.clipped += memcmp(whole, box, sizeof whole) != 0;
    }
    c->report.images += c->table.regions > before;
    return MASK_OK;
}

/* All of the files once; the counting recipe needs that twice. */
static mask_status pass(conversion *c, const mask_run *run, mask_error *err)
{
    const mask__genome_image *image = NULL;
    const char *what = c->recipe.counting ? "counting words" : "regions";
    uint64_t done, total, count = 0;
    mask_status status = mask__genome_open(&c->from, c->path, err);
    if (status == MASK_OK && c->options->attributes)
        status = mask__genome_open(&c->attributes, c->options->attributes, err);
    c->report = (mask_regions_report){0};
    do {
        if (status == MASK_OK && count++ % PROGRESS_STEP == 0) {
            mask__genome_position(c->from, &done, &total);
            status = mask__progress(run, what, "bytes", done, total, err);
        }
        if (status == MASK_OK) status = mask__genome_next(c->from, &image, err);
        if (status == MASK_OK && image) status = convert_image(c, image, err);
    } while (status == MASK_OK && image);
    mask__genome_close(c->from);
    mask__genome_close(c->attributes);
    c->from = c->attributes = NULL;
    return status;
}

static mask_status check_options(const mask_regions_options *o, const char *from, mask_error *err)
{
    if (o->name_by != MASK_NAME_ID && !o->image_data)
        return mask__fail(err, MASK_EINVAL, "names of images other than by id need image_data.json: give it");
    if (o->recipe == MASK_RECIPE_MASK && o->min_count > 1 && strcmp(from, "-") == 0)
        return mask__fail(err, MASK_EINVAL,
                          "the recipe mask reads the file twice, which standard input cannot: name a file");
    return MASK_OK;
}

static mask_status convert(conversion *c, const char *to, const mask_run *run, mask_error *err)
{
    const mask_regions_options *o = c->options;
    MASK__TRY(
        mask__label_recipe_open(&c->recipe, o->recipe, o->vocabulary, o->attribute_vocabulary, o->min_count, err));
    if (o->image_data) MASK__TRY(mask__genome_sizes_read(&c->sizes, o->image_data, err));
    if (c->recipe.counting) MASK__TRY(pass(c, run, err));
    c->recipe.counting = false;
    MASK__TRY(mask__region_table_create(&c->table, to, err));
    MASK__TRY(pass(c, run, err));
    c->report.regions = c->table.regions;
    if (c->report.regions == 0)
        return mask__fail(err, MASK_EMISMATCH,
                          "%s: no region kept a label and a box: check the vocabulary and the table of images",
                          c->path);
    return mask__region_table_commit(&c->table, err);
}

mask_status mask_regions_from_genome(const char *from, const char *to, const mask_regions_options *options,
                                     mask_regions_report *report, const mask_run *run, mask_error *err)
{
    mask_regions_options all = mask_regions_defaults();
    conversion c = {.path = from, .options = &all};
    MASK__TRY(mask__options_take(MASK_OPTIONS_REGIONS, &all, options, err));
    MASK__TRY(check_options(c.options, from, err));
    mask_status status = convert(&c, to, run, err);
    mask__region_table_abort(&c.table);
    mask__label_recipe_close(&c.recipe);
    mask__genome_sizes_free(&c.sizes);
    mask__bytes_free(&c.label);
    if (status == MASK_OK && report) *report = c.report;
    return status;
}
