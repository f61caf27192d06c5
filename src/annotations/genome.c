#include "annotations/genome.h"
#include "base/json.h"
#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* An image may hold so many regions and bytes of text: hundreds of times what Visual Genome has. */
enum { MAX_REGIONS = 1 << 14, MAX_TEXT_BYTES = 1 << 24, CHUNK_BYTES = 1 << 16 };

/* Containers around: keys of an image are at level 1 of it, those of a region at 3, its names at 4. */
enum { LEVEL_IMAGE = 0, LEVEL_IMAGE_KEYS = 1, LEVEL_REGION = 2, LEVEL_REGION_KEYS = 3, LEVEL_TEXTS = 4 };

typedef enum field {
    OTHER,
    IMAGE_ID,
    REGIONS,
    REGION_ID,
    X,
    Y,
    WIDTH,
    HEIGHT,
    NAMES,
    ATTRIBUTES,
    SYNSETS,
    PHRASE
} field;

typedef struct place {
    int64_t id;
    uint64_t offset;
} place;

struct mask__genome {
    char *path;
    mask__stream *stream;
    mask__json *json;
    bool more;
    bool single; /* one image is parsed by itself */
    bool seen_regions;
    field image_field, region_field;
    bool has_id;
    uint64_t images;           /* read so far */
    mask__genome_image *queue; /* [taken, ready) wait to be handed out; [ready] is being read */
    size_t taken, ready, capacity;
    place *index; /* by id; NULL until it is needed */
    size_t index_count, index_capacity;
    int fd;
    unsigned char *chunk;
};

const char *mask__genome_text(const mask__genome_image *image, size_t p)
{
    return image->bytes + image->texts[p];
}

static mask_status add_text(mask__genome *g, mask__genome_image *image, const mask__json_event *e, mask_error *err)
{
    size_t need = image->byte_count + e->length + 1;
    if (need > MAX_TEXT_BYTES) return mask__json_fail(g->json, err, "an image with more than 16 MiB of text");
    if (!mask__grow(&image->texts, &image->text_capacity, image->text_count + 1, sizeof *image->texts) ||
        !mask__grow(&image->bytes, &image->byte_capacity, need, 1))
        return mask__no_memory(err, g->path);
    char *to = image->bytes + image->byte_count;
    image->texts[image->text_count++] = image->byte_count;
    for (size_t i = 0; i < e->length; i++) to[i] = e->text[i] ? e->text[i] : ' '; /* "\u0000" would end the text */
    to[e->length] = '\0';
    image->byte_count = need;
    return MASK_OK;
}

static mask_status begin_image(mask__genome *g, mask_error *err)
{
    size_t before = g->capacity;
    if (!mask__grow(&g->queue, &g->capacity, g->ready + 1, sizeof *g->queue)) return mask__no_memory(err, g->path);
    if (g->capacity > before) memset(g->queue + before, 0, (g->capacity - before) * sizeof *g->queue);
    mask__genome_image *image = &g->queue[g->ready];
    image->count = image->text_count = image->byte_count = 0;
    image->offset = mask__json_offset(g->json) - 1;
    g->has_id = false;
    g->image_field = OTHER;
    return MASK_OK;
}

static mask_status end_image(mask__genome *g, mask_error *err)
{
    if (!g->has_id)
        return mask__json_fail(g->json, err, "image %llu has no image_id or id: not a Visual Genome file",
                               (unsigned long long)g->images);
    g->images++;
    g->ready++;
    if (g->single) mask__json_stop(g->json);
    return MASK_OK;
}

static mask_status begin_region(mask__genome *g, mask__genome_image *image, mask_error *err)
{
    if (image->count == MAX_REGIONS)
        return mask__json_fail(g->json, err, "an image with more than %d regions", MAX_REGIONS);
    if (!mask__grow(&image->regions, &image->region_capacity, image->count + 1, sizeof *image->regions))
        return mask__no_memory(err, g->path);
    image->regions[image->count++] = (mask__genome_region){.id = -1, .x = NAN, .y = NAN, .w = NAN, .h = NAN};
    g->region_field = OTHER;
    return MASK_OK;
}

static field find_field(const mask__json_event *e, bool of_region)
{
    static const struct {
        const char *name;
        bool of_region;
        field field;
    } fields[] = {{"image_id", false, IMAGE_ID},
                  {"id", false, IMAGE_ID},
                  {"objects", false, REGIONS},
                  {"attributes", false, REGIONS},
                  {"regions", false, REGIONS},
                  {"object_id", true, REGION_ID},
                  {"region_id", true, REGION_ID},
                  {"id", true, REGION_ID},
                  {"x", true, X},
                  {"y", true, Y},
                  {"w", true, WIDTH},
                  {"width", true, WIDTH},
                  {"h", true, HEIGHT},
                  {"height", true, HEIGHT},
                  {"names", true, NAMES},
                  {"attributes", true, ATTRIBUTES},
                  {"synsets", true, SYNSETS},
                  {"phrase", true, PHRASE}};
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        if (fields[i].of_region == of_region && mask__json_is(e, fields[i].name)) return fields[i].field;
    return OTHER;
}

static mask_status image_value(mask__genome *g, mask__genome_image *image, const mask__json_event *e, mask_error *err)
{
    if (g->image_field == IMAGE_ID) {
        if (!mask__json_whole(e, &image->id) || image->id < 0)
            return mask__json_fail(g->json, err, "an image_id that is not a whole number: not a Visual Genome file");
        g->has_id = true;
    }
    if (g->image_field == REGIONS && e->kind != MASK__JSON_NULL) {
        if (e->kind != MASK__JSON_ARRAY)
            return mask__json_fail(g->json, err, "the regions of an image are not a list: not a Visual Genome file");
        g->seen_regions = true;
        image->count = image->text_count = image->byte_count = 0;
    }
    return MASK_OK;
}

/* The range of texts that a field of a region fills, NULL when it holds none. */
static uint32_t *texts_of(mask__genome_region *r, field f, uint32_t **first)
{
    if (f == NAMES || f == PHRASE) return *first = &r->first_name, &r->names;
    if (f == ATTRIBUTES) return *first = &r->first_attribute, &r->attributes;
    if (f == SYNSETS) return *first = &r->first_synset, &r->synsets;
    return NULL;
}

static mask_status region_number(mask__genome *g, mask__genome_region *r, const mask__json_event *e, mask_error *err)
{
    double value = 0;
    if (g->region_field == REGION_ID) {
        if (mask__json_whole(e, &r->id)) return MASK_OK;
        return mask__json_fail(g->json, err, "the id of a region is not a whole number: not a Visual Genome file");
    }
    if (!mask__json_number(e, &value) || fabs(value) > 1e7)
        return mask__json_fail(g->json, err, "the box of a region needs numbers of at most 1e7: repair the file");
    *(g->region_field == X ? &r->x : g->region_field == Y ? &r->y : g->region_field == WIDTH ? &r->w : &r->h) = value;
    return MASK_OK;
}

/* listed: an item of a list that is the value. */
static mask_status region_value(mask__genome *g, mask__genome_image *image, const mask__json_event *e, bool listed,
                                mask_error *err)
{
    mask__genome_region *r = &image->regions[image->count - 1];
    uint32_t *first, *count = texts_of(r, g->region_field, &first);
    if (!count) return listed || g->region_field == OTHER ? MASK_OK : region_number(g, r, e, err);
    if (!listed) {
        *first = (uint32_t)image->text_count;
        *count = 0;
        if (e->kind == MASK__JSON_NULL || e->kind == MASK__JSON_ARRAY) return MASK_OK;
    }
    if (e->kind != MASK__JSON_STRING)
        return mask__json_fail(g->json, err, "names and attributes must be texts or lists of texts: repair the file");
    ++*count;
    return add_text(g, image, e, err);
}

static bool is_end(const mask__json_event *e)
{
    return e->kind == MASK__JSON_OBJECT_END || e->kind == MASK__JSON_ARRAY_END;
}

/* Below an image: only what lies inside its list of regions matters. */
static mask_status visit_inside(mask__genome *g, int level, const mask__json_event *e, mask_error *err)
{
    mask__genome_image *image = &g->queue[g->ready];
    if (level == LEVEL_IMAGE_KEYS) {
        if (e->kind == MASK__JSON_KEY) g->image_field = find_field(e, false);
        else if (!is_end(e)) return image_value(g, image, e, err);
        return MASK_OK;
    }
    if (g->image_field != REGIONS) return MASK_OK;
    if (level == LEVEL_REGION && e->kind == MASK__JSON_OBJECT) return begin_region(g, image, err);
    if (level == LEVEL_REGION && e->kind != MASK__JSON_OBJECT_END)
        return mask__json_fail(g->json, err, "a region that is not an object: not a Visual Genome file");
    if (level == LEVEL_REGION_KEYS && e->kind == MASK__JSON_KEY) g->region_field = find_field(e, true);
    else if ((level == LEVEL_REGION_KEYS || level == LEVEL_TEXTS) && !is_end(e))
        return region_value(g, image, e, level == LEVEL_TEXTS, err);
    return MASK_OK;
}

static mask_status visit(void *context, mask__json *json, const mask__json_event *e, mask_error *err)
{
    mask__genome *g = context;
    int level = e->depth - (g->single ? 0 : 1);
    (void)json;
    if (level < LEVEL_IMAGE) {
        if (e->kind == MASK__JSON_ARRAY || e->kind == MASK__JSON_ARRAY_END) return MASK_OK;
        return mask__json_fail(g->json, err, "not a list of images: not a Visual Genome file");
    }
    if (level > LEVEL_IMAGE) return visit_inside(g, level, e, err);
    if (e->kind == MASK__JSON_OBJECT) return begin_image(g, err);
    if (e->kind == MASK__JSON_OBJECT_END) return end_image(g, err);
    return mask__json_fail(g->json, err, "an image that is not an object: not a Visual Genome file");
}

mask_status mask__genome_open(mask__genome **out, const char *path, mask_error *err)
{
    mask__genome *g = *out = calloc(1, sizeof *g);
    if (!g) return mask__no_memory(err, path);
    g->fd = -1;
    g->more = true;
    g->path = strdup(path);
    mask_status status = g->path ? mask__stream_open(&g->stream, path, err) : mask__no_memory(err, path);
    if (status == MASK_OK) status = mask__json_create(&g->json, path, visit, g, err);
    if (status == MASK_OK) return MASK_OK;
    mask__genome_close(g);
    *out = NULL;
    return status;
}

static void free_image(mask__genome_image *image)
{
    free(image->regions);
    free(image->texts);
    free(image->bytes);
}

void mask__genome_close(mask__genome *g)
{
    if (!g) return;
    for (size_t i = 0; i < g->capacity; i++) free_image(&g->queue[i]);
    mask__json_free(g->json);
    mask__stream_close(g->stream);
    if (g->fd >= 0) close(g->fd);
    free(g->queue);
    free(g->index);
    free(g->chunk);
    free(g->path);
    free(g);
}

void mask__genome_position(const mask__genome *g, uint64_t *done, uint64_t *total)
{
    mask__stream_position(g->stream, done, total);
}

/* Reads on until an image is complete; the one at hand moves to the front of the queue. */
static mask_status fill_queue(mask__genome *g, mask_error *err)
{
    if (g->ready && g->ready < g->capacity) {
        mask__genome_image first = g->queue[0];
        g->queue[0] = g->queue[g->ready];
        g->queue[g->ready] = first;
    }
    g->taken = g->ready = 0;
    while (g->more && g->ready == 0) MASK__TRY(mask__json_feed(g->json, g->stream, &g->more, err));
    if (g->more || g->seen_regions) return MASK_OK;
    return mask__fail(err, MASK_EFORMAT,
                      "%s: no image has 'objects', 'attributes' or 'regions': not Visual Genome's objects.json, "
                      "attributes.json or region_descriptions.json",
                      g->path);
}

mask_status mask__genome_next(mask__genome *g, const mask__genome_image **image, mask_error *err)
{
    *image = NULL;
    if (g->taken == g->ready) MASK__TRY(fill_queue(g, err));
    if (g->taken < g->ready) *image = &g->queue[g->taken++];
    return MASK_OK;
}

/* ---- Out of order ---- */

static int by_id(const void *a, const void *b)
{
    const place *x = a, *y = b;
    return (x->id > y->id) - (x->id < y->id);
}

static mask_status list_places(mask__genome *g, mask__genome *whole, mask_error *err)
{
    const mask__genome_image *image;
    for (;;) {
        MASK__TRY(mask__genome_next(whole, &image, err));
        if (!image) break;
        if (!mask__grow(&g->index, &g->index_capacity, g->index_count + 1, sizeof *g->index))
            return mask__no_memory(err, g->path);
        g->index[g->index_count++] = (place){image->id, image->offset};
    }
    qsort(g->index, g->index_count, sizeof *g->index, by_id);
    for (size_t i = 1; i < g->index_count; i++)
        if (g->index[i].id == g->index[i - 1].id)
            return mask__fail_at(err, MASK_EFORMAT, g->index[i].offset,
                                 "%s: byte %llu: image %lld comes twice: remove one of them", g->path,
                                 (unsigned long long)g->index[i].offset, (long long)g->index[i].id);
    return MASK_OK;
}

static mask_status make_index(mask__genome *g, mask_error *err)
{
    unsigned char magic[2];
    mask__genome *whole;
    g->fd = strcmp(g->path, "-") == 0 ? -1 : open(g->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (g->fd < 0 || pread(g->fd, magic, 2, 0) != 2 || (magic[0] == 0x1f && magic[1] == 0x8b))
        return mask__fail(
            err, MASK_EINVAL,
            "%s: has its images in another order, which needs jumps in the file: unpack it to a plain file", g->path);
    g->chunk = malloc(CHUNK_BYTES);
    if (!g->chunk) return mask__no_memory(err, g->path);
    MASK__TRY(mask__genome_open(&whole, g->path, err));
    mask_status status = list_places(g, whole, err);
    mask__genome_close(whole);
    return status;
}

/* Parses the image whose "{" lies there. */
static mask_status read_image_at(mask__genome *g, uint64_t offset, const mask__genome_image **image, mask_error *err)
{
    g->taken = g->ready = 0;
    g->single = true;
    mask__json_free(g->json);
    MASK__TRY(mask__json_create(&g->json, g->path, visit, g, err));
    while (!mask__json_stopped(g->json)) {
        ssize_t got = pread(g->fd, g->chunk, CHUNK_BYTES, (off_t)offset);
        if (got <= 0)
            return mask__fail_at(err, MASK_EIO, offset, "%s: byte %llu: %s", g->path, (unsigned long long)offset,
                                 got < 0 ? strerror(errno) : "the file became shorter while it was read");
        MASK__TRY(mask__json_parse(g->json, offset, g->chunk, (size_t)got, err));
        offset += (uint64_t)got;
    }
    *image = &g->queue[0];
    return MASK_OK;
}

mask_status mask__genome_find(mask__genome *g, int64_t id, const mask__genome_image **image, mask_error *err)
{
    *image = NULL;
    if (!g->index) {
        if (g->taken == g->ready) MASK__TRY(fill_queue(g, err));
        if (g->taken < g->ready && g->queue[g->taken].id == id) return mask__genome_next(g, image, err);
        MASK__TRY(make_index(g, err));
    }
    const place *found = bsearch(&(place){.id = id}, g->index, g->index_count, sizeof *g->index, by_id);
    return found ? read_image_at(g, found->offset, image, err) : MASK_OK;
}
