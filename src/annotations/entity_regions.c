/* Flickr30K Entities to a table of labelled regions: FOLDER/Sentences/ID.txt and FOLDER/Annotations/ID.xml of each
 * image. A box becomes one region; its label is the distinct phrases that point at it, set apart by commas. */
#include "annotations/entities.h"
#include "base/names.h"
#include "annotations/regiontable.h"
#include "base/memory.h"

#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { PROGRESS_STEP = 64 };

typedef struct conversion {
    const char *folder;
    mask__names ids; /* of the images */
    mask__entities image;
    mask__region_table table;
    mask__bytes label;
    mask_regions_report report;
} conversion;

static int is_annotation(const struct dirent *entry)
{
    const char *dot = strrchr(entry->d_name, '.');
    return dot && dot > entry->d_name && strcmp(dot, ".xml") == 0;
}

/* Every image that has an annotation, by name. */
static mask_status list_images(conversion *c, mask_error *err)
{
    struct dirent **entries = NULL;
    char *path;
    mask_status status = MASK_OK;
    if (asprintf(&path, "%s/Annotations", c->folder) < 0) return mask__no_memory(err, c->folder);
    int count = scandir(path, &entries, is_annotation, alphasort);
    if (count <= 0)
        status = mask__fail(err, count < 0 ? MASK_EIO : MASK_ENOTFOUND,
                            "%s: %s: name the folder of Flickr30K Entities that holds Annotations and Sentences", path,
                            count < 0 ? strerror(errno) : "holds no .xml file");
    for (int i = 0; i < count; i++) {
        size_t length = strlen(entries[i]->d_name) - strlen(".xml");
        entries[i]->d_name[length] = '\0';
        if (status == MASK_OK) status = mask__names_add(&c->ids, entries[i]->d_name, length, err);
        free(entries[i]);
    }
    free(entries);
    free(path);
    return status;
}

static mask_status list_split(conversion *c, const char *split, mask_error *err)
{
    char *path;
    if (asprintf(&path, "%s/%s.txt", c->folder, split) < 0) return mask__no_memory(err, c->folder);
    mask_status status = mask__names_read(&c->ids, path, err);
    free(path);
    return status;
}

static mask_status read_image(conversion *c, const char *id, mask_error *err)
{
    char *path;
    if (asprintf(&path, "%s/Sentences/%s.txt", c->folder, id) < 0) return mask__no_memory(err, c->folder);
    mask_status status = mask__entities_read_sentences(&c->image, path, err);
    free(path);
    if (status != MASK_OK) return status;
    if (asprintf(&path, "%s/Annotations/%s.xml", c->folder, id) < 0) return mask__no_memory(err, c->folder);
    status = mask__entities_read_boxes(&c->image, path, err);
    free(path);
    return status;
}

static bool points_at(const mask__entities *e, const mask__mention *mention, const mask__entity_box *box)
{
    for (size_t i = 0; i < box->chains; i++)
        if (e->chains[box->first_chain + i] == mention->chain) return true;
    return false;
}

static const char *text_of(const mask__entities *e, const mask__mention *mention)
{
    return (const char *)e->bytes.data + mention->text;
}

/* Whether an earlier mention of the same box has the same words. */
static bool is_repeated(const mask__entities *e, size_t mention, const mask__entity_box *box)
{
    for (size_t i = 0; i < mention; i++)
        if (strcasecmp(text_of(e, &e->mentions[i]), text_of(e, &e->mentions[mention])) == 0 &&
            points_at(e, &e->mentions[i], box))
            return true;
    return false;
}

/* The label of a box; empty when no phrase points at it. */
static mask_status make_label(conversion *c, const mask__entity_box *box, mask_error *err)
{
    const mask__entities *e = &c->image;
    c->label.size = 0;
    for (size_t i = 0; i < e->mention_count; i++)
        if (points_at(e, &e->mentions[i], box) && !is_repeated(e, i, box))
            mask__bytes_print(&c->label, "%s%s", c->label.size ? ", " : "", text_of(e, &e->mentions[i]));
    return c->label.lost ? mask__no_memory(err, "a label") : MASK_OK;
}

static void count_without_box(conversion *c)
{
    const mask__entities *e = &c->image;
    for (size_t i = 0; i < e->mention_count; i++) {
        bool found = false;
        for (size_t b = 0; b < e->box_count && !found; b++)
            found = e->boxes[b].has_box && points_at(e, &e->mentions[i], &e->boxes[b]);
        c->report.no_box += !found;
    }
}

static mask_status convert_image(conversion *c, const char *id, mask_error *err)
{
    char name[512];
    uint64_t before = c->table.regions;
    MASK__TRY(read_image(c, id, err));
    count_without_box(c);
    snprintf(name, sizeof name, "%s.jpg", id);
    for (size_t i = 0; i < c->image.box_count; i++) {
        const mask__entity_box *from = &c->image.boxes[i];
        double box[4];
        if (!from->has_box) continue;
        if (!mask__clip_box(from->box, c->image.width, c->image.height, box)) {
            c->report.no_area++;
            continue;
        }
        MASK__TRY(make_label(c, from, err));
        if (!c->label.size) {
            c->report.no_label++;
            continue;
        }
        MASK__TRY(mask__region_table_add(&c->table, name, box, mask__bytes_text(&c->label), err));
        c->report.clipped += memcmp(box, from->box, sizeof box) != 0;
    }
    c->report.images += c->table.regions > before;
    return MASK_OK;
}

static mask_status convert(conversion *c, const char *split, const char *to, const mask_run *run, mask_error *err)
{
    MASK__TRY(split ? list_split(c, split, err) : list_images(c, err));
    MASK__TRY(mask__region_table_create(&c->table, to, err));
    for (size_t i = 0; i < c->ids.count; i++) {
        if (i % PROGRESS_STEP == 0) MASK__TRY(mask__progress(run, "regions", "images", i, c->ids.count, err));
        MASK__TRY(convert_image(c, mask__names_get(&c->ids, i), err));
    }
    c->report.regions = c->table.regions;
    if (c->report.regions == 0)
        return mask__fail(err, MASK_EMISMATCH, "%s: no phrase of its %zu images has a box", c->folder, c->ids.count);
    return mask__region_table_commit(&c->table, err);
}

mask_status mask_regions_from_entities(const char *folder, const char *split, const char *to,
                                       mask_regions_report *report, const mask_run *run, mask_error *err)
{
    conversion c = {.folder = folder};
    mask_status status = convert(&c, split, to, run, err);
    mask__region_table_abort(&c.table);
    mask__names_free(&c.ids);
    mask__entities_free(&c.image);
    mask__bytes_free(&c.label);
    if (status == MASK_OK && report) *report = c.report;
    return status;
}
