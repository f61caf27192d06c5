/* Karpathy's dataset_{coco,flickr30k,flickr8k}.json, as a stream (COCO's has 144 MB):
 *     {"images": [{"filename", "split", "sentences": [{"raw", ...}, ...], ...}, ...], "dataset": ...}
 *
 * Keys come in any order, so an image's sentences wait until its end tells the split. Only the path above is looked at;
 * whatever else a value holds is skipped. Refuses what base/json.h refuses. */
#include "text/texts.h"
#include "base/json.h"
#include "base/lines.h"
#include "base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SENTENCES = 5 };

/* The levels of the path, each inside the one before. */
enum { OUTSIDE, ROOT, IMAGES, IMAGE, SENTENCE_LIST, SENTENCE };

typedef enum key { KEY_OTHER, KEY_IMAGES, KEY_FILENAME, KEY_SPLIT, KEY_SENTENCES, KEY_RAW } key;

static const char *const split_names[] = {"train", "restval", "val", "test"};
enum { SPLITS = sizeof split_names / sizeof *split_names };

typedef struct parser {
    mask_texts *texts;
    const char *path;
    int wanted; /* index of split_names, -1 = all */
    bool five_each;
    int level; /* how many of the open containers follow the path */
    key key;   /* last read at this level */
    bool seen_images, found[SPLITS];
    size_t image; /* its number, from 0 */
    int split;    /* of the image, -1 = not told */
    char filename[256];
    mask_texts sentences; /* of the image, the first five */
    bool has_raw;         /* the sentence's */
} parser;

static int find_split(const char *name, size_t length)
{
    if (length == 3 && memcmp(name, "dev", 3) == 0) name = "val";
    for (int i = 0; i < SPLITS; i++)
        if (strlen(split_names[i]) == length && memcmp(split_names[i], name, length) == 0) return i;
    return -1;
}

static mask_status refuse_image(const parser *p, const char *what, mask_error *err)
{
    return mask__fail(err, MASK_EFORMAT, "%s: image %zu (%s): %s", p->path, p->image,
                      p->filename[0] ? p->filename : "without a filename", what);
}

static mask_status keep_image(parser *p, mask_error *err)
{
    for (size_t i = 0; i < p->sentences.count; i++) {
        const char *text = mask_texts_get(&p->sentences, i);
        size_t length = strlen(text);
        mask__strip(&text, &length);
        MASK__TRY(mask__texts_add(p->texts, text, length, err));
    }
    return p->five_each ? mask__names_add(&p->texts->images, p->filename, strlen(p->filename), err) : MASK_OK;
}

static mask_status end_image(parser *p, mask_error *err)
{
    if (p->split >= 0) p->found[p->split] = true;
    if (p->wanted >= 0 && p->split < 0) return refuse_image(p, "has no 'split' of train, restval, val and test", err);
    if (p->wanted < 0 || p->split == p->wanted) {
        if (p->five_each && p->sentences.count < SENTENCES)
            return refuse_image(p, "has fewer than five sentences: remove it from the images and the JSON", err);
        MASK__TRY(keep_image(p, err));
    }
    p->image++;
    return MASK_OK;
}

/* The level a container opened here is at, OUTSIDE when it is not on the path. */
static int level_of(const parser *p, bool is_map)
{
    switch (p->level) {
    case OUTSIDE:
        return is_map ? ROOT : OUTSIDE;
    case ROOT:
        return !is_map && p->key == KEY_IMAGES ? IMAGES : OUTSIDE;
    case IMAGES:
        return is_map ? IMAGE : OUTSIDE;
    case IMAGE:
        return !is_map && p->key == KEY_SENTENCES ? SENTENCE_LIST : OUTSIDE;
    case SENTENCE_LIST:
        return is_map ? SENTENCE : OUTSIDE;
    default:
        return OUTSIDE;
    }
}

static void open_container(parser *p, bool is_map)
{
    int level = level_of(p, is_map);
    if (level == OUTSIDE) return;
    p->level = level;
    if (level == IMAGES) p->seen_images = true;
    if (level == SENTENCE) p->has_raw = false;
    if (level != IMAGE) return;
    p->split = -1;
    p->filename[0] = '\0';
    p->sentences.count = p->sentences.used = 0;
}

static mask_status close_container(parser *p, mask_error *err)
{
    int closed = p->level--;
    if (closed == SENTENCE && !p->has_raw) return refuse_image(p, "has a sentence without 'raw'", err);
    return closed == IMAGE ? end_image(p, err) : MASK_OK;
}

static void read_key(parser *p, const mask__json_event *event)
{
    static const struct {
        int level;
        const char *name;
        key key;
    } keys[] = {{ROOT, "images", KEY_IMAGES},
                {IMAGE, "filename", KEY_FILENAME},
                {IMAGE, "split", KEY_SPLIT},
                {IMAGE, "sentences", KEY_SENTENCES},
                {SENTENCE, "raw", KEY_RAW}};
    p->key = KEY_OTHER;
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (keys[i].level == p->level && mask__json_is(event, keys[i].name)) p->key = keys[i].key;
}

static mask_status read_raw(parser *p, const char *text, size_t length, mask_error *err)
{
    p->has_raw = true;
    if (p->sentences.count == SENTENCES) return MASK_OK;
    if (memchr(text, '\0', length)) return refuse_image(p, "has a sentence with a NUL character", err);
    return mask__texts_add(&p->sentences, text, length, err);
}

static mask_status read_string(parser *p, const char *text, size_t length, mask_error *err)
{
    if (p->level == SENTENCE && p->key == KEY_RAW && !p->has_raw) return read_raw(p, text, length, err);
    if (p->level == IMAGE && p->key == KEY_SPLIT) p->split = find_split(text, length);
    if (p->level == IMAGE && p->key == KEY_FILENAME) {
        size_t kept = length < sizeof p->filename ? length : sizeof p->filename - 1;
        memcpy(p->filename, text, kept);
        p->filename[kept] = '\0';
    }
    return MASK_OK;
}

static mask_status visit(void *context, mask__json *json, const mask__json_event *event, mask_error *err)
{
    parser *p = context;
    (void)json;
    if (event->kind == MASK__JSON_OBJECT_END || event->kind == MASK__JSON_ARRAY_END)
        return p->level == event->depth + 1 ? close_container(p, err) : MASK_OK;
    if (p->level != event->depth) return MASK_OK;
    if (event->kind == MASK__JSON_STRING) return read_string(p, event->text, event->length, err);
    if (event->kind == MASK__JSON_KEY) read_key(p, event);
    if (event->kind == MASK__JSON_OBJECT || event->kind == MASK__JSON_ARRAY)
        open_container(p, event->kind == MASK__JSON_OBJECT);
    return MASK_OK;
}

static mask_status nothing_found(const parser *p, const char *split, mask_error *err)
{
    char found[64] = "";
    for (int i = 0; i < SPLITS; i++)
        if (p->found[i]) snprintf(found + strlen(found), sizeof found - strlen(found), " %s", split_names[i]);
    if (!p->seen_images) return mask__fail(err, MASK_EFORMAT, "%s: has no list 'images': not a Karpathy JSON", p->path);
    return mask__fail(err, MASK_ENOTFOUND, "%s: holds no sentences of split '%s': it has%s", p->path,
                      split ? split : "(all)", found[0] ? found : " none");
}

mask_status mask__karpathy_read(mask_texts *texts, const char *path, const char *split, bool five_each, mask_error *err)
{
    parser p = {.texts = texts, .path = path, .five_each = five_each, .wanted = -1};
    if (split && (p.wanted = find_split(split, strlen(split))) < 0)
        return mask__fail(err, MASK_EINVAL,
                          "%s: a Karpathy JSON has the splits train, restval, val (= dev) and test, not '%s'", path,
                          split);
    mask_status status = mask__json_read(path, visit, &p, err);
    if (status == MASK_OK && !texts->count) status = nothing_found(&p, split, err);
    free(p.sentences.bytes);
    free(p.sentences.offsets);
    return status;
}
