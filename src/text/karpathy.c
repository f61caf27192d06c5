/* Karpathy's dataset_{coco,flickr30k,flickr8k}.json, as a stream (COCO's has 144 MB):
 *     {"images": [{"filename", "split", "sentences": [{"raw", ...}, ...], ...}, ...], "dataset": ...}
 *
 * Keys come in any order, so an image's sentences wait until its end tells the split. Only the path above is looked at;
 * whatever else a value holds is skipped. Refuses JSON that is broken, nested deeper than MAX_DEPTH, or that holds a
 * value without end. */
#include "text/texts.h"
#include "base/lines.h"
#include "base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yajl/yajl_parse.h>

enum { SENTENCES = 5, MAX_DEPTH = 64, CHUNK_BYTES = 1 << 16, MAX_SILENT_CHUNKS = 256 };

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
    int depth, level; /* containers open, and how many of them follow the path */
    key key;          /* last read at this level */
    bool seen_images, found[SPLITS];
    size_t image; /* its number, from 0 */
    int split;    /* of the image, -1 = not told */
    char filename[256];
    mask_texts sentences; /* of the image, the first five */
    bool has_raw;         /* the sentence's */
    uint64_t events;
    mask_status status;
    mask_error *err;
} parser;

static int find_split(const char *name, size_t length)
{
    if (length == 3 && memcmp(name, "dev", 3) == 0) name = "val";
    for (int i = 0; i < SPLITS; i++)
        if (strlen(split_names[i]) == length && memcmp(split_names[i], name, length) == 0) return i;
    return -1;
}

/* Stops yajl with an error of ours. */
static int stop(parser *p, mask_status status)
{
    p->status = status;
    return 0;
}

static int refuse_image(parser *p, const char *what)
{
    return stop(p, mask__fail(p->err, MASK_EFORMAT, MASK_NO_OFFSET, "%s: image %zu (%s): %s", p->path, p->image,
                              p->filename[0] ? p->filename : "without a filename", what));
}

static int begin_image(parser *p)
{
    p->split = -1;
    p->filename[0] = '\0';
    p->sentences.count = p->sentences.used = 0;
    return 1;
}

static mask_status keep_image(parser *p)
{
    for (size_t i = 0; i < p->sentences.count; i++) {
        const char *text = mask_texts_get(&p->sentences, i);
        size_t length = strlen(text);
        mask__strip(&text, &length);
        MASK__TRY(mask__texts_add(p->texts, text, length, p->err));
    }
    return p->five_each ? mask__names_add(&p->texts->images, p->filename, strlen(p->filename), p->err) : MASK_OK;
}

static int end_image(parser *p)
{
    if (p->split >= 0) p->found[p->split] = true;
    if (p->wanted >= 0 && p->split < 0) return refuse_image(p, "has no 'split' of train, restval, val and test");
    if (p->wanted < 0 || p->split == p->wanted) {
        if (p->five_each && p->sentences.count < SENTENCES)
            return refuse_image(p, "has fewer than five sentences: remove it from the images and the JSON");
        mask_status status = keep_image(p);
        if (status != MASK_OK) return stop(p, status);
    }
    p->image++;
    return 1;
}

/* The level a container opened here is at, OUTSIDE when it is not on the path. */
static int level_of(const parser *p, bool is_map)
{
    if (p->level != p->depth) return OUTSIDE;
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

static int open_container(parser *p, bool is_map)
{
    int level = level_of(p, is_map);
    p->events++;
    if (++p->depth > MAX_DEPTH)
        return stop(p, mask__fail(p->err, MASK_EFORMAT, MASK_NO_OFFSET,
                                  "%s: is nested deeper than %d: not a Karpathy JSON", p->path, MAX_DEPTH));
    if (level == OUTSIDE) return 1;
    p->level = level;
    if (level == IMAGES) p->seen_images = true;
    if (level == SENTENCE) p->has_raw = false;
    return level == IMAGE ? begin_image(p) : 1;
}

static int close_container(parser *p)
{
    int closed = p->level == p->depth ? p->level : OUTSIDE;
    p->events++;
    p->depth--;
    if (closed == OUTSIDE) return 1;
    p->level--;
    if (closed == SENTENCE && !p->has_raw) return refuse_image(p, "has a sentence without 'raw'");
    return closed == IMAGE ? end_image(p) : 1;
}

static int on_map(void *user)
{
    return open_container(user, true);
}

static int on_array(void *user)
{
    return open_container(user, false);
}

static int on_end(void *user)
{
    return close_container(user);
}

static int on_key(void *user, const unsigned char *text, size_t length)
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
    parser *p = user;
    p->events++;
    if (p->level != p->depth) return 1;
    p->key = KEY_OTHER;
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (keys[i].level == p->level && strlen(keys[i].name) == length && memcmp(keys[i].name, text, length) == 0)
            p->key = keys[i].key;
    return 1;
}

static int on_raw(parser *p, const char *text, size_t length)
{
    p->has_raw = true;
    if (p->sentences.count == SENTENCES) return 1;
    if (memchr(text, '\0', length)) return refuse_image(p, "has a sentence with a NUL character");
    mask_status status = mask__texts_add(&p->sentences, text, length, p->err);
    return status == MASK_OK ? 1 : stop(p, status);
}

static int on_string(void *user, const unsigned char *bytes, size_t length)
{
    parser *p = user;
    const char *text = (const char *)bytes;
    p->events++;
    if (p->level != p->depth) return 1;
    if (p->level == SENTENCE && p->key == KEY_RAW && !p->has_raw) return on_raw(p, text, length);
    if (p->level == IMAGE && p->key == KEY_SPLIT) p->split = find_split(text, length);
    if (p->level == IMAGE && p->key == KEY_FILENAME) {
        size_t kept = length < sizeof p->filename ? length : sizeof p->filename - 1;
        memcpy(p->filename, text, kept);
        p->filename[kept] = '\0';
        for (size_t i = 0; i < kept; i++)
            if (p->filename[i] > 0 && p->filename[i] < ' ') p->filename[i] = '?'; /* a message is one line */
    }
    return 1;
}

static int on_boolean(void *user, int value)
{
    (void)value;
    ((parser *)user)->events++;
    return 1;
}

static int on_number(void *user, const char *text, size_t length)
{
    (void)text, (void)length;
    ((parser *)user)->events++;
    return 1;
}

static int on_null(void *user)
{
    ((parser *)user)->events++;
    return 1;
}

static const yajl_callbacks callbacks = {
    .yajl_null = on_null,
    .yajl_boolean = on_boolean,
    .yajl_number = on_number,
    .yajl_string = on_string,
    .yajl_start_map = on_map,
    .yajl_map_key = on_key,
    .yajl_end_map = on_end,
    .yajl_start_array = on_array,
    .yajl_end_array = on_end,
};

/* yajl's own refusal, in one line. */
static mask_status bad_json(parser *p, yajl_handle json, uint64_t offset, mask_error *err)
{
    unsigned char *why = yajl_get_error(json, 0, NULL, 0);
    char *text = (char *)why;
    if (text) text[strcspn(text, "\n")] = '\0';
    mask_status status =
        mask__fail(err, MASK_EFORMAT, offset, "%s: before byte %llu: %s: the file is cut or not JSON, fetch it again",
                   p->path, (unsigned long long)offset, text ? text : "broken JSON");
    if (why) yajl_free_error(json, why);
    return status;
}

static mask_status feed(parser *p, yajl_handle json, mask__stream *stream, unsigned char *chunk, mask_error *err)
{
    size_t got;
    unsigned silent = 0;
    bool first = true;
    do {
        uint64_t offset = mask__stream_offset(stream), events = p->events;
        MASK__TRY(mask__stream_read(stream, chunk, CHUNK_BYTES, &got, err));
        size_t skip = first && got >= 3 && memcmp(chunk, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
        first = false;
        yajl_status result = got ? yajl_parse(json, chunk + skip, got - skip) : yajl_complete_parse(json);
        if (p->status != MASK_OK) return p->status;
        if (result != yajl_status_ok)
            return bad_json(p, json, offset + (got ? skip + yajl_get_bytes_consumed(json) : 0), err);
        silent = p->events == events ? silent + 1 : 0;
        if (silent > MAX_SILENT_CHUNKS)
            return mask__fail(err, MASK_EFORMAT, offset,
                              "%s: byte %llu: a value of many megabytes: not a Karpathy JSON", p->path,
                              (unsigned long long)offset);
    } while (got);
    return MASK_OK;
}

static mask_status parse(parser *p, mask_error *err)
{
    mask__stream *stream;
    MASK__TRY(mask__stream_open(&stream, p->path, err));
    unsigned char *chunk = malloc(CHUNK_BYTES);
    yajl_handle json = chunk ? yajl_alloc(&callbacks, NULL, p) : NULL;
    mask_status status = json ? feed(p, json, stream, chunk, err) : mask__no_memory(err, p->path);
    if (json) yajl_free(json);
    free(chunk);
    mask__stream_close(stream);
    return status;
}

static mask_status nothing_found(const parser *p, const char *split, mask_error *err)
{
    char found[64] = "";
    for (int i = 0; i < SPLITS; i++)
        if (p->found[i]) snprintf(found + strlen(found), sizeof found - strlen(found), " %s", split_names[i]);
    if (!p->seen_images)
        return mask__fail(err, MASK_EFORMAT, MASK_NO_OFFSET, "%s: has no list 'images': not a Karpathy JSON", p->path);
    return mask__fail(err, MASK_ENOTFOUND, MASK_NO_OFFSET, "%s: holds no sentences of split '%s': it has%s", p->path,
                      split ? split : "(all)", found[0] ? found : " none");
}

mask_status mask__karpathy_read(mask_texts *texts, const char *path, const char *split, bool five_each, mask_error *err)
{
    parser p = {.texts = texts, .path = path, .five_each = five_each, .wanted = -1, .err = err};
    if (split && (p.wanted = find_split(split, strlen(split))) < 0)
        return mask__fail(err, MASK_EINVAL, MASK_NO_OFFSET,
                          "%s: a Karpathy JSON has the splits train, restval, val (= dev) and test, not '%s'", path,
                          split);
    mask_status status = parse(&p, err);
    if (status == MASK_OK && !texts->count) status = nothing_found(&p, split, err);
    free(p.sentences.bytes);
    free(p.sentences.offsets);
    return status;
}
