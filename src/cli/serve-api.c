/* What the API of mask serve answers: galleries, search, similar, photos. */
#include "querytext.h"
#include "reading.h"
#include "serve.h"

#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MOST_RESULTS = 1000, MOST_QUERIES = 100, MOST_TEXT = 2000, THUMBNAIL = 480, MOST_SIDE = 2048 };

void serve_error(exchange *x, unsigned status, const char *type, const char *message)
{
    json_decref(x->json);
    x->status = status;
    x->json = json_pack("{s:{s:i, s:s, s:o}}", "error", "code", (int)status, "type", type, "message",
                        json_stringn_nocheck(message, strlen(message)));
}

static void library_error(exchange *x, mask_status status, const mask_error *err)
{
    if (status == MASK_EINVAL) serve_error(x, 400, "invalid_request", err->message);
    else if (status == MASK_ENOTFOUND) serve_error(x, 404, "not_found", err->message);
    else if (status == MASK_EFORMAT) serve_error(x, 415, "unsupported_photo", err->message);
    else if (status == MASK_EMISMATCH) serve_error(x, 409, "conflict", err->message);
    else serve_error(x, 500, "internal", err->message);
}

/* The gallery of that name (NULL = the first), brought up to date at most once a second. */
static served_gallery *choose(server *s, exchange *x, const char *name)
{
    mask_error err;
    for (size_t i = 0; i < s->count; i++) {
        served_gallery *g = &s->galleries[i];
        if (name && strcmp(name, g->name) != 0) continue;
        if (pthread_mutex_trylock(&g->lock) == 0) {
            if (now() - g->refreshed >= 1) {
                mask_gallery_refresh(g->gallery, NULL, NULL, &err); /* on failure it stays as it was */
                g->refreshed = now();
            }
            pthread_mutex_unlock(&g->lock);
        }
        return g;
    }
    serve_error(x, 404, "not_found", "there is no gallery of this name: see GET /v1/galleries");
    return NULL;
}

/* ---- What was found ---- */

static json_t *item_json(const mask_results *r, const mask_hit *hit, bool explain)
{
    const char *file = hit->name ? strrchr(hit->name, '/') : NULL;
    json_t *words = json_array();
    for (size_t i = 0; explain && i < hit->word_count; i++) {
        const mask_hit_word *w = &hit->words[i];
        json_array_append_new(words, json_pack("{s:s, s:I, s:f, s:I, s:f, s:o}", "token",
                                               r->readings[w->text].words[w->word].token, "text", (json_int_t)w->text,
                                               "score", (double)w->score, "region", (json_int_t)w->region, "cosine",
                                               (double)w->cosine, "box", w->has_box ? box_json(w->box) : json_null()));
    }
    return json_pack("{s:s, s:f, s:o, s:s?, s:I, s:I, s:o}", "id", hit->id, "score", hit->score, "confidence",
                     isfinite(hit->confidence) ? json_real((double)hit->confidence) : json_null(), "file",
                     file ? file + 1 : hit->name, "width", (json_int_t)hit->width, "height", (json_int_t)hit->height,
                     "words", words);
}

static json_t *results_json(const mask_results *r, const mask_query *q)
{
    json_t *items = json_array();
    for (size_t i = 0; i < r->count; i++) json_array_append_new(items, item_json(r, &r->hits[i], q->explain));
    json_t *next =
        r->count == q->k && q->offset + q->k < r->searched ? json_integer((json_int_t)(q->offset + q->k)) : json_null();
    return json_pack("{s:I, s:o, s:o, s:o, s:f}", "total", (json_int_t)r->searched, "items", items, "readings",
                     readings_json(r), "next_offset", next, "seconds", r->seconds);
}

static void count_search(server *s, double seconds)
{
    pthread_mutex_lock(&s->lock);
    s->searches++;
    s->search_seconds += seconds;
    pthread_mutex_unlock(&s->lock);
}

/* ---- What is asked ---- */

typedef struct asked {
    const char *query, *gallery, *image, *where;
    json_t *queries;
    json_int_t limit, offset;
    double min_confidence, image_weight;
    int explain;
} asked;

static bool read_json(exchange *x, json_t **body, asked *q)
{
    json_error_t bad;
    *q = (asked){.limit = 20, .explain = 1, .image_weight = 10};
    *body = json_loadb(x->body ? x->body : "", x->body_size, JSON_REJECT_DUPLICATES, &bad);
    if (!*body) {
        char message[300];
        snprintf(message, sizeof message, "the body is not JSON, line %d: %s", bad.line, bad.text);
        serve_error(x, 400, "invalid_json", message);
        return false;
    }
    if (json_unpack_ex(*body, &bad, JSON_STRICT, "{s?s, s?o, s?s, s?s, s?s, s?s, s?I, s?I, s?F, s?F, s?b}", "query",
                       &q->query, "queries", &q->queries, "gallery", &q->gallery, "image", &q->image, "id", &q->image,
                       "where", &q->where, "limit", &q->limit, "offset", &q->offset, "min_confidence",
                       &q->min_confidence, "image_weight", &q->image_weight, "explain", &q->explain) == 0)
        return true;
    serve_error(x, 400, "invalid_request", bad.text);
    return false;
}

static bool shape(exchange *x, const asked *q, mask_query *out)
{
    *out = mask_query_defaults();
    const char *wrong = q->limit < 1 || q->limit > MOST_RESULTS               ? "limit is from 1 to 1000"
                        : q->offset < 0 || q->offset > 1000000000             ? "offset is from 0 to 1000000000"
                        : !(q->min_confidence >= 0 && q->min_confidence <= 1) ? "min_confidence is from 0 to 1"
                        : !(fabs(q->image_weight) <= 1000)                    ? "image_weight is from -1000 to 1000"
                        : q->where && strlen(q->where) > MOST_TEXT            ? "where is too long"
                                                                              : NULL;
    if (wrong) {
        serve_error(x, 400, "invalid_request", wrong);
        return false;
    }
    out->k = (size_t)q->limit;
    out->offset = (size_t)q->offset;
    out->min_confidence = (float)q->min_confidence;
    out->where = q->where && *q->where ? q->where : NULL;
    out->explain = q->explain;
    return true;
}

static bool add_text(exchange *x, query_texts *texts, const char *text)
{
    const char *wrong = strlen(text) > MOST_TEXT ? "a query is at most 2000 bytes long" : query_texts_add(texts, text);
    if (wrong) serve_error(x, 400, "invalid_request", wrong);
    return !wrong;
}

static void search(server *s, exchange *x)
{
    asked q;
    json_t *body;
    mask_error err;
    mask_query query, queries[MOST_QUERIES];
    mask_results results[MOST_QUERIES];
    query_texts texts[MOST_QUERIES] = {{0}};
    mask_query_image image;
    mask_run one = {.threads = 1};
    served_gallery *g = NULL;
    bool good = read_json(x, &body, &q) && shape(x, &q, &query) && (g = choose(s, x, q.gallery));
    size_t count = q.queries ? json_array_size(q.queries) : 1;
    if (good && (q.queries ? q.query || count == 0 || count > MOST_QUERIES : !q.query && !q.image)) {
        serve_error(x, 400, "invalid_request", "expected query, an image's id, or queries: a list of 1 to 100 texts");
        good = false;
    }
    for (size_t i = 0; good && i < count; i++) {
        const char *text = q.queries ? json_string_value(json_array_get(q.queries, i)) : q.query;
        if (!text && q.queries) serve_error(x, 400, "invalid_request", "queries is a list of texts");
        good = text ? add_text(x, &texts[i], text) : !q.queries;
        queries[i] = query;
        queries[i].texts = texts[i].texts;
        queries[i].count = texts[i].count;
        if (q.image) {
            image = (mask_query_image){.id = q.image, .weight = (float)q.image_weight};
            queries[i].images = &image;
            queries[i].image_count = 1;
        }
    }
    if (good) {
        mask_status status = mask_gallery_search_batch(g->gallery, g->vectors, queries, count, results, &one, &err);
        if (status != MASK_OK) library_error(x, status, &err);
        else if (!q.queries) x->json = results_json(results, queries);
        else x->json = json_array();
        for (size_t i = 0; status == MASK_OK && i < count; i++) {
            if (q.queries) json_array_append_new(x->json, results_json(&results[i], &queries[i]));
            count_search(s, results[i].seconds);
            mask_results_free(&results[i]);
        }
        if (status == MASK_OK && q.queries) x->json = json_pack("{s:o}", "results", x->json);
    }
    for (size_t i = 0; i < MOST_QUERIES; i++) query_texts_free(&texts[i]);
    json_decref(body);
}

/* The uploaded photo's features, by an encoder that is opened by the first upload. */
static mask_images *read_photo(server *s, exchange *x)
{
    char encoder[DATA_PATH];
    mask_error err = {0};
    mask_images *images = NULL;
    mask_status status = MASK_OK;
    pthread_mutex_lock(&s->lock);
    if (!s->extractor) {
        if (find_encoder(s->a, encoder) != 0) status = MASK_EIO;
        else status = mask_extractor_open(&s->extractor, encoder, NULL, NULL, &err);
    }
    pthread_mutex_unlock(&s->lock);
    if (status == MASK_OK)
        status =
            mask_extractor_images(&images, s->extractor, &(mask_photo){.bytes = x->body, .size = x->body_size}, &err);
    if (status != MASK_OK) library_error(x, status, &err);
    return status == MASK_OK ? images : NULL;
}

static json_int_t number_argument(exchange *x, const char *name, json_int_t otherwise)
{
    char *end;
    const char *text = x->argument(x->connection, name);
    if (!text) return otherwise;
    long long value = strtoll(text, &end, 10);
    return *text && !*end ? value : -1;
}

static void similar(server *s, exchange *x)
{
    asked q = {.explain = 0};
    json_t *body = NULL;
    mask_error err;
    mask_query query;
    mask_results results;
    mask_images *images = NULL;
    mask_run one = {.threads = 1};
    served_gallery *g = NULL;
    bool upload = x->body_type && (strncmp(x->body_type, "image/", 6) == 0 ||
                                   strncmp(x->body_type, "application/octet-stream", 24) == 0);
    bool good = true;
    if (upload) {
        q.gallery = x->argument(x->connection, "gallery");
        q.where = x->argument(x->connection, "where");
        q.limit = number_argument(x, "limit", 20);
        q.offset = number_argument(x, "offset", 0);
    } else {
        good = read_json(x, &body, &q);
        if (good && (!q.image || q.query || q.queries)) {
            serve_error(x, 400, "invalid_request", "expected the id of an image, or a photo as the body");
            good = false;
        }
    }
    good = good && shape(x, &q, &query) && (g = choose(s, x, q.gallery));
    if (good && upload) good = (images = read_photo(s, x)) != NULL;
    if (good) {
        mask_query_image image = {.id = images ? NULL : q.image, .images = images, .weight = 1};
        query.images = &image;
        query.image_count = 1;
        mask_status status = mask_gallery_search(g->gallery, NULL, &query, &results, &one, &err);
        if (status != MASK_OK) library_error(x, status, &err);
        else {
            x->json = results_json(&results, &query);
            count_search(s, results.seconds);
            mask_results_free(&results);
        }
    }
    mask_images_close(images);
    json_decref(body);
}

/* ---- Photos ---- */

/* The media type of a photo by its first bytes; NULL: nothing that is given out. */
static const char *photo_type(const unsigned char *b, size_t size)
{
    if (size < 12) return NULL;
    if (memcmp(b, "\xff\xd8\xff", 3) == 0) return "image/jpeg";
    if (memcmp(b, "\x89PNG\r\n\x1a\n", 8) == 0) return "image/png";
    if (memcmp(b, "GIF8", 4) == 0) return "image/gif";
    if (memcmp(b, "RIFF", 4) == 0 && memcmp(b + 8, "WEBP", 4) == 0) return "image/webp";
    if (memcmp(b, "II*\0", 4) == 0 || memcmp(b, "MM\0*", 4) == 0) return "image/tiff";
    if (memcmp(b + 4, "ftyp", 4) != 0) return NULL;
    return memcmp(b + 8, "avi", 3) == 0 ? "image/avif" : "image/heic";
}

static void photo(server *s, exchange *x, const char *id, bool small)
{
    mask_error err;
    char *path = NULL;
    struct stat info;
    unsigned char head[12];
    json_int_t side = number_argument(x, "side", THUMBNAIL);
    served_gallery *g = choose(s, x, x->argument(x->connection, "gallery"));
    if (!g) return;
    mask_status status = mask_gallery_name(g->gallery, id, &path, &err);
    if (status != MASK_OK) {
        library_error(x, status, &err);
        return;
    }
    int file = path ? open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY) : -1;
    if (file < 0 || fstat(file, &info) != 0 || !S_ISREG(info.st_mode)) {
        serve_error(x, 404, "no_photo", "the gallery names no file for this image, or it is no longer there");
    } else if (!(x->type = photo_type(head, (size_t)(pread(file, head, sizeof head, 0) == sizeof head ? 12 : 0)))) {
        serve_error(x, 415, "unsupported_photo", "the file of this image is not a photo");
    } else if (side < 16 || side > MOST_SIDE) {
        serve_error(x, 400, "invalid_request", "side is from 16 to 2048");
    } else {
        snprintf(x->etag, sizeof x->etag, "\"%llx-%llx-%llx\"", (unsigned long long)info.st_mtime,
                 (unsigned long long)info.st_size, small ? (unsigned long long)side : 0ULL);
        if (small) {
            x->type = "image/jpeg";
            status = mask_photo_thumbnail(path, (int)side, &x->bytes, &x->size, &err);
            if (status != MASK_OK) library_error(x, status, &err);
        } else {
            x->file = file;
            x->size = (size_t)info.st_size;
            file = -1;
        }
    }
    if (file >= 0) close(file);
    free(path);
}

static void galleries(server *s, exchange *x)
{
    json_t *list = json_array();
    for (size_t i = 0; i < s->count; i++) {
        mask_gallery_info info;
        served_gallery *g = choose(s, x, s->galleries[i].name);
        mask_gallery_describe(g->gallery, &info);
        json_array_append_new(list, json_pack("{s:s, s:I, s:I, s:I, s:I}", "name", g->name, "images",
                                              (json_int_t)info.images, "regions", (json_int_t)info.regions, "words",
                                              (json_int_t)info.words, "generation", (json_int_t)info.generation));
    }
    x->json = json_pack("{s:o}", "galleries", list);
}

void serve_api(server *s, exchange *x)
{
    static const char images[] = "/v1/images/", end[] = "/thumbnail";
    bool get = strcmp(x->method, "GET") == 0 || strcmp(x->method, "HEAD") == 0, post = strcmp(x->method, "POST") == 0;
    bool search_path = strcmp(x->path, "/v1/search") == 0, similar_path = strcmp(x->path, "/v1/similar") == 0;
    bool list_path = strcmp(x->path, "/v1/galleries") == 0, image_path = strncmp(x->path, images, strlen(images)) == 0;
    if (!search_path && !similar_path && !list_path && !image_path) {
        serve_error(x, 404, "not_found", "there is nothing at this address: see /openapi.json");
    } else if (search_path || similar_path ? !post : !get) {
        serve_error(x, 405, "method_not_allowed", search_path || similar_path ? "use POST" : "use GET");
    } else if (list_path) {
        galleries(s, x);
    } else if (search_path) {
        search(s, x);
    } else if (similar_path) {
        similar(s, x);
    } else {
        char *id = strdup(x->path + strlen(images));
        bool small = id && ends_with(id, end);
        if (!id) serve_error(x, 500, "internal", "out of memory");
        if (small) id[strlen(id) - strlen(end)] = 0;
        if (id) photo(s, x, id, small);
        free(id);
    }
}
