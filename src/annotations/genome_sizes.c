/* Visual Genome's image_data.json: sizes and other names of images, joined by image_id. */
#include "annotations/genome.h"
#include "base/json.h"
#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

typedef enum field { OTHER, ID, URL, WIDTH, HEIGHT, COCO, FLICKR } field;

typedef struct reader {
    mask__genome_sizes *sizes;
    mask__genome_size item;
    field field;
} reader;

static mask_status begin_image(reader *r)
{
    r->item = (mask__genome_size){.id = -1, .coco = -1, .flickr = -1, .url = MASK__NOT_FOUND};
    r->field = OTHER;
    return MASK_OK;
}

static mask_status end_image(reader *r, mask__json *json, mask_error *err)
{
    mask__genome_sizes *s = r->sizes;
    if (r->item.id < 0 || !(r->item.width > 0) || !(r->item.height > 0))
        return mask__json_fail(json, err, "image %zu lacks image_id (or id), width or height: not an image_data.json",
                               s->count);
    if (!mask__grow(&s->items, &s->capacity, s->count + 1, sizeof *s->items))
        return mask__no_memory(err, "the sizes of images");
    s->items[s->count++] = r->item;
    return MASK_OK;
}

static mask_status keep_url(reader *r, const mask__json_event *e, mask_error *err)
{
    size_t begin = e->length;
    while (begin > 0 && e->text[begin - 1] != '/') begin--;
    size_t length = e->length - begin;
    char *name = malloc(length + 1);
    if (!name) return mask__no_memory(err, "the names of images");
    memcpy(name, e->text + begin, length);
    name[length] = '\0'; /* kept with the name, which is handed out as it is */
    mask_status status = mask__strings_intern(&r->sizes->urls, name, length + 1, &r->item.url, NULL, err);
    free(name);
    return status;
}

static field find_field(const mask__json_event *e)
{
    static const struct {
        const char *name;
        field field;
    } fields[] = {{"image_id", ID},   {"id", ID},        {"url", URL},         {"width", WIDTH},
                  {"height", HEIGHT}, {"coco_id", COCO}, {"flickr_id", FLICKR}};
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        if (mask__json_is(e, fields[i].name)) return fields[i].field;
    return OTHER;
}

static mask_status take_value(reader *r, mask__json *json, const mask__json_event *e, mask_error *err)
{
    mask__genome_size *i = &r->item;
    bool null = e->kind == MASK__JSON_NULL;
    switch (r->field) {
    case ID:
        if (!mask__json_whole(e, &i->id) || i->id < 0)
            return mask__json_fail(json, err, "an image_id that is not a whole number: not an image_data.json");
        return MASK_OK;
    case COCO:
    case FLICKR:
        if (!null && !mask__json_whole(e, r->field == COCO ? &i->coco : &i->flickr))
            return mask__json_fail(json, err, "a coco_id or flickr_id that is neither null nor a whole number");
        return MASK_OK;
    case WIDTH:
    case HEIGHT:
        if (!mask__json_number(e, r->field == WIDTH ? &i->width : &i->height))
            return mask__json_fail(json, err, "a width or height that is not a number: not an image_data.json");
        return MASK_OK;
    case URL:
        if (e->kind != MASK__JSON_STRING && !null) return mask__json_fail(json, err, "a url that is not a text");
        return null ? MASK_OK : keep_url(r, e, err);
    default:
        return MASK_OK;
    }
}

static mask_status visit(void *context, mask__json *json, const mask__json_event *e, mask_error *err)
{
    reader *r = context;
    bool end = e->kind == MASK__JSON_OBJECT_END || e->kind == MASK__JSON_ARRAY_END;
    if ((e->depth == 0 && e->kind != MASK__JSON_ARRAY && !end) ||
        (e->depth == 1 && e->kind != MASK__JSON_OBJECT && !end))
        return mask__json_fail(json, err, "not a list of images: not an image_data.json");
    if (e->depth == 1) return end ? end_image(r, json, err) : begin_image(r);
    if (e->depth != 2) return MASK_OK;
    if (e->kind == MASK__JSON_KEY) r->field = find_field(e);
    else if (!end) return take_value(r, json, e, err);
    return MASK_OK;
}

static int by_id(const void *a, const void *b)
{
    const mask__genome_size *x = a, *y = b;
    return (x->id > y->id) - (x->id < y->id);
}

mask_status mask__genome_sizes_read(mask__genome_sizes *sizes, const char *path, mask_error *err)
{
    *sizes = (mask__genome_sizes){0};
    reader r = {.sizes = sizes};
    mask_status status = mask__json_read(path, visit, &r, err);
    if (status == MASK_OK && sizes->count == 0)
        status = mask__fail(err, MASK_EFORMAT, "%s: lists no image: not an image_data.json", path);
    if (status == MASK_OK) qsort(sizes->items, sizes->count, sizeof *sizes->items, by_id);
    for (size_t i = 1; status == MASK_OK && i < sizes->count; i++)
        if (sizes->items[i].id == sizes->items[i - 1].id)
            status = mask__fail(err, MASK_EFORMAT, "%s: image %lld comes twice: remove one of them", path,
                                (long long)sizes->items[i].id);
    if (status != MASK_OK) mask__genome_sizes_free(sizes);
    return status;
}

void mask__genome_sizes_free(mask__genome_sizes *sizes)
{
    mask__strings_free(&sizes->urls);
    free(sizes->items);
    *sizes = (mask__genome_sizes){0};
}

const mask__genome_size *mask__genome_sizes_find(const mask__genome_sizes *sizes, int64_t id)
{
    mask__genome_size wanted = {.id = id};
    if (sizes->count == 0) return NULL;
    return bsearch(&wanted, sizes->items, sizes->count, sizeof wanted, by_id);
}
