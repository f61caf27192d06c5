/* What the API of mask serve answers of texts: galleries, search, similar, annotate, teach. */
#include "querytext.h"
#include "results.h"
#include "serve.h"

#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

void serve_error(exchange *x, unsigned status, const char *type, const char *format, ...)
{
    char message[sizeof x->err.message];
    va_list list;
    va_start(list, format);
    vsnprintf(message, sizeof message, format, list);
    va_end(list);
    json_decref(x->json);
    x->status = status;
    x->json =
        json_pack("{s:{s:i, s:s, s:o}}", "error", "code", (int)status, "type", type, "message", text_json(message));
}

void library_error(exchange *x, mask_status status)
{
    if (status == MASK_EINVAL) serve_error(x, 400, "invalid_request", "%s", x->err.message);
    else if (status == MASK_ENOTFOUND) serve_error(x, 404, "not_found", "%s", x->err.message);
    else if (status == MASK_EFORMAT) serve_error(x, 415, "unsupported_photo", "%s", x->err.message);
    else if (status == MASK_EMISMATCH) serve_error(x, 409, "conflict", "%s", x->err.message);
    else if (status == MASK_ECANCELLED)
        serve_error(x, 503, "timeout", "this took too long: make the condition simpler, or ask again later");
    else serve_error(x, 500, "internal", "%s", x->err.message);
}

static int time_is_up(void *user, const char *what, const char *unit, uint64_t done, uint64_t total)
{
    (void)what, (void)unit, (void)done, (void)total;
    return now() > ((const exchange *)user)->until;
}

/* A run that ends when the time of the request is up. */
static mask_run request_run(exchange *x)
{
    return (mask_run){.threads = 1, .progress = time_is_up, .user = x};
}

static void count_search(server *s, double seconds)
{
    pthread_mutex_lock(&s->lock);
    s->searches++;
    s->search_seconds += seconds;
    pthread_mutex_unlock(&s->lock);
}

/* ---- Search and similar ---- */

typedef struct shown {
    const json_t *metadata; /* a list, as the hits; NULL = not asked for */
    size_t next;
} shown;

static json_t *shown_item(void *user, const mask_results *r, const mask_hit *hit)
{
    shown *s = user;
    json_t *out = item_json(r, hit);
    if (s->metadata) json_object_set(out, "metadata", json_array_get(s->metadata, s->next++));
    return out;
}

static json_t *shown_json(exchange *x, const mask_results *r, const mask_query *q)
{
    shown s = {0};
    char *text = NULL;
    json_t *metadata = NULL;
    const char **ids = x->asked.metadata && r->count ? calloc(r->count, sizeof *ids) : NULL;
    for (size_t i = 0; ids && i < r->count; i++) ids[i] = r->hits[i].id;
    if (ids && mask_gallery_metadata(x->use->gallery, ids, r->count, &text, &x->err) == MASK_OK)
        metadata = json_loads(text, JSON_DECODE_ANY, NULL);
    if (x->asked.metadata) s.metadata = metadata ? metadata : json_null();
    json_t *out = found_json(r, q, shown_item, &s);
    json_decref(metadata);
    free(text);
    free(ids);
    return out;
}

static mask_query shape(const exchange *x)
{
    mask_query q = mask_query_defaults();
    q.k = (size_t)x->asked.limit;
    q.offset = (size_t)x->asked.offset;
    q.min_confidence = (float)x->asked.min_confidence;
    q.where = x->asked.where && *x->asked.where ? x->asked.where : NULL;
    q.explain = x->asked.explain;
    return q;
}

/* A list's texts; NULL = out of memory. */
static const char **texts_of(const json_t *list)
{
    size_t i;
    json_t *one;
    const char **texts = calloc(json_array_size(list) + 1, sizeof *texts);
    if (texts) json_array_foreach(list, i, one) texts[i] = json_string_value(one);
    return texts;
}

/* Searches for count texts, each by itself, and hands the results on. */
static void search_each(server *s, exchange *x, const mask_query *q, const char *const *given, size_t count,
                        void (*each)(exchange *x, const mask_results *results, const mask_query *queries, size_t count))
{
    mask_run run = request_run(x);
    query_batch b;
    const char *wrong = query_batch_make(&b, q, given, count);
    if (wrong) {
        serve_error(x, 400, "invalid_request", "%s", wrong);
    } else {
        mask_status status =
            mask_gallery_search_batch(x->use->gallery, x->use->vectors, b.queries, count, b.results, &run, &x->err);
        if (status != MASK_OK) library_error(x, status);
        else each(x, b.results, b.queries, count);
        for (size_t i = 0; status == MASK_OK && i < count; i++) count_search(s, b.results[i].seconds);
    }
    query_batch_free(&b);
}

static void show_found(exchange *x, const mask_results *results, const mask_query *queries, size_t count)
{
    if (!x->asked.queries) {
        x->json = shown_json(x, results, queries);
        return;
    }
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++) json_array_append_new(list, shown_json(x, &results[i], &queries[i]));
    x->json = json_pack("{s:o}", "results", list);
}

void answer_search(server *s, exchange *x)
{
    const asked *given = &x->asked;
    mask_query q = shape(x);
    mask_query_image image = {.id = given->image, .weight = (float)given->image_weight};
    size_t count = given->queries ? json_array_size(given->queries) : 1;
    if (given->queries && given->query) {
        serve_error(x, 400, "invalid_request", "expected query or queries, not both");
        return;
    }
    const char **ids = texts_of(given->ids), **texts = texts_of(given->queries);
    if (given->ids) {
        q.ids = ids;
        q.id_count = json_array_size(given->ids);
    }
    if (given->image) {
        q.images = &image;
        q.image_count = 1;
    }
    if (ids && texts) search_each(s, x, &q, given->queries ? texts : &given->query, count, show_found);
    else serve_error(x, 500, "internal", "out of memory");
    free(ids);
    free(texts);
}

mask_images *read_photo(server *s, exchange *x, const mask_photo *photo)
{
    char encoder[DATA_PATH];
    mask_images *images = NULL;
    mask_status status = MASK_OK;
    pthread_mutex_lock(&s->lock);
    if (!s->extractor) {
        if (find_encoder(s->a, encoder) != 0) status = MASK_EIO;
        else status = mask_extractor_open(&s->extractor, encoder, NULL, NULL, &x->err);
    }
    pthread_mutex_unlock(&s->lock);
    if (status == MASK_OK) status = mask_extractor_images(&images, s->extractor, photo, 1, &x->err);
    if (status == MASK_EINVAL) status = MASK_EFORMAT; /* too large */
    if (status != MASK_OK) library_error(x, status);
    return status == MASK_OK ? images : NULL;
}

static mask_images *body_photo(server *s, exchange *x)
{
    return read_photo(s, x, &(mask_photo){.bytes = x->body, .size = x->body_size});
}

void answer_similar(server *s, exchange *x)
{
    mask_query q = shape(x);
    mask_results results;
    mask_run run = request_run(x);
    mask_images *images = x->photo ? body_photo(s, x) : NULL;
    if (x->photo && !images) return;
    mask_query_image image = {.id = images ? NULL : x->asked.id, .images = images, .weight = 1};
    q.images = &image;
    q.image_count = 1;
    mask_status status = mask_gallery_search(x->use->gallery, NULL, &q, &results, &run, &x->err);
    if (status != MASK_OK) {
        library_error(x, status);
    } else {
        x->json = shown_json(x, &results, &q);
        count_search(s, results.seconds);
        mask_results_free(&results);
    }
    mask_images_close(images);
}

/* ---- Annotate ---- */

typedef struct rated {
    const char *text;
    double score;
    float confidence;
} rated;

static int by_score(const void *a, const void *b)
{
    const rated *x = a, *y = b;
    return x->score < y->score ? 1 : x->score > y->score ? -1 : strcmp(x->text, y->text);
}

static void show_rated(exchange *x, rated *list, size_t count)
{
    json_t *items = json_array();
    qsort(list, count, sizeof *list, by_score);
    for (size_t i = 0; i < count && i < (size_t)x->asked.limit; i++)
        json_array_append_new(
            items, json_pack("{s:o, s:f, s:o}", "text", text_json(list[i].text), "score", list[i].score, "confidence",
                             isfinite(list[i].confidence) ? json_real((double)list[i].confidence) : json_null()));
    x->json = json_pack("{s:o}", "items", items);
}

/* Of an image of the gallery: each text is searched for in that image alone. */
static void show_annotation(exchange *x, const mask_results *results, const mask_query *queries, size_t count)
{
    size_t used = 0;
    rated *list = calloc(count, sizeof *list);
    for (size_t i = 0; list && i < count; i++) {
        const mask_results *r = &results[i];
        if (r->count) list[used++] = (rated){queries[i].texts[0].text, r->hits[0].score, r->hits[0].confidence};
    }
    if (list) show_rated(x, list, used);
    else serve_error(x, 500, "internal", "out of memory");
    free(list);
}

/* The gallery's own matcher, for photos that are not in it. */
static mask_matcher *open_matcher_of(opened *o, mask_error *err)
{
    char copy[DATA_PATH + 16];
    mask_gallery_info info;
    snprintf(copy, sizeof copy, "%s/knowledge.mask", o->path);
    mask_gallery_describe(o->gallery, &info);
    pthread_mutex_lock(&o->lock);
    mask_status status = o->knowledge ? MASK_OK : mask_knowledge_open(&o->knowledge, copy, NULL, err);
    if (status == MASK_OK && !o->matcher)
        mask_matcher_open(&o->matcher, o->knowledge, o->vectors, &info.options, NULL, err);
    pthread_mutex_unlock(&o->lock);
    return o->matcher;
}

static void annotate_photo(server *s, exchange *x, const char *const *texts, size_t count, mask_matcher *matcher)
{
    size_t used = 0;
    mask_texts *set = NULL;
    mask_run run = {.threads = 1};
    mask_images *images = body_photo(s, x);
    if (!images) return;
    float *scores = calloc(count, sizeof *scores);
    unsigned char *kinds = calloc(count, 1);
    rated *list = calloc(count, sizeof *list);
    mask_status status = scores && kinds && list ? mask_texts_create(&set, texts, count, &x->err) : MASK_ENOMEM;
    if (status == MASK_ENOMEM) snprintf(x->err.message, sizeof x->err.message, "out of memory");
    if (status == MASK_OK) status = mask_matcher_scores(matcher, images, set, scores, kinds, NULL, &run, &x->err);
    for (size_t i = 0; status == MASK_OK && i < count; i++)
        if (kinds[i]) list[used++] = (rated){texts[i], (double)scores[i], NAN};
    if (status == MASK_OK) show_rated(x, list, used);
    else library_error(x, status);
    free(scores);
    free(kinds);
    free(list);
    mask_texts_close(set);
    mask_images_close(images);
}

void answer_annotate(server *s, exchange *x)
{
    mask_knowledge_info info;
    mask_matcher *matcher = open_matcher_of(x->use, &x->err);
    if (!matcher) {
        library_error(x, MASK_EIO);
        return;
    }
    mask_knowledge_describe(x->use->knowledge, &info);
    size_t count = x->asked.texts ? json_array_size(x->asked.texts) : info.words;
    const char **texts = x->asked.texts ? texts_of(x->asked.texts) : calloc(count + 1, sizeof *texts);
    for (size_t i = 0; texts && !x->asked.texts && i < count; i++)
        texts[i] = mask_knowledge_word(x->use->knowledge, i, NULL);
    mask_query q = mask_query_defaults();
    q.k = 1;
    q.explain = false;
    q.ids = &x->asked.id;
    q.id_count = 1;
    char *name = NULL;
    mask_status status = x->photo ? MASK_OK : mask_gallery_name(x->use->gallery, x->asked.id, &name, &x->err);
    free(name);
    if (!texts) serve_error(x, 500, "internal", "out of memory");
    else if (status != MASK_OK) library_error(x, status);
    else if (x->photo) annotate_photo(s, x, texts, count, matcher);
    else search_each(s, x, &q, texts, count, show_annotation);
    free(texts);
}

/* ---- Galleries ---- */

static json_t *gallery_json(server *s, const served_gallery *g, opened *o)
{
    mask_error err;
    mask_gallery_info info;
    char *columns = NULL;
    mask_gallery_describe(o->gallery, &info);
    json_t *names =
        mask_gallery_metadata(o->gallery, NULL, 0, &columns, &err) == MASK_OK ? json_loads(columns, 0, NULL) : NULL;
    free(columns);
    return json_pack("{s:o, s:I, s:I, s:I, s:I, s:o, s:b, s:b}", "name", text_json(g->name), "images",
                     (json_int_t)info.images, "regions", (json_int_t)info.regions, "words", (json_int_t)info.words,
                     "generation", (json_int_t)info.generation, "columns", names ? names : json_array(), "can_change",
                     *s->uploads != 0, "can_learn", s->teach && g->photos);
}

void answer_galleries(server *s, exchange *x)
{
    json_t *list = json_array();
    for (size_t i = 0; i < s->count; i++) {
        pthread_mutex_lock(&s->lock);
        opened *o = s->galleries[i].now;
        o->users++;
        pthread_mutex_unlock(&s->lock);
        mask_gallery_refresh(o->gallery, NULL, NULL, NULL);
        json_array_append_new(list, gallery_json(s, &s->galleries[i], o));
        gallery_release(s, o);
    }
    x->json = json_pack("{s:o}", "galleries", list);
}

void answer_reload(server *s, exchange *x)
{
    pthread_mutex_lock(&s->changing); /* `now` stays while it is held */
    if (gallery_reload(s, x->gallery) != 0)
        serve_error(x, 500, "internal",
                    "it cannot be opened anew, and is served as it was: the server's own "
                    "messages say why");
    else x->json = gallery_json(s, x->gallery, x->gallery->now);
    pthread_mutex_unlock(&s->changing);
}

/* ---- A word from photos of the gallery ---- */

/* The paths of the images; NULL with an error in x. Freed with free_paths. */
static char **paths_of(exchange *x, size_t count)
{
    char **paths = calloc(count + 1, sizeof *paths);
    for (size_t i = 0; paths && i < count; i++) {
        const char *id = json_string_value(json_array_get(x->asked.ids, i));
        mask_status status = mask_gallery_name(x->use->gallery, id, &paths[i], &x->err);
        if (status != MASK_OK) library_error(x, status);
        else if (!paths[i]) serve_error(x, 404, "no_photo", "the gallery names no file for this image");
        if (x->json) break;
    }
    if (!paths) serve_error(x, 500, "internal", "out of memory");
    return paths;
}

void answer_teach(server *s, exchange *x)
{
    enum { MOST_PHOTOS = 20 };
    mask_knowledge *taught = NULL;
    mask_images *images = NULL;
    bool sharpened = false;
    size_t count = json_array_size(x->asked.ids);
    if (count > MOST_PHOTOS || !x->gallery->photos) {
        serve_error(x, 400, "invalid_request",
                    x->gallery->photos ? "ids: expected 1 to 20" : "only the gallery of --photos learns words");
        return;
    }
    char **paths = paths_of(x, count);
    if (!x->json) {
        open_matcher_of(x->use, &x->err);
        pthread_mutex_lock(&s->changing);
        int result = photos_images(s->a, (const char *const *)paths, count, &images);
        mask_status status = result ? MASK_EFORMAT
                                    : mask_knowledge_teach(&taught, x->use->knowledge, x->use->vectors, x->asked.word,
                                                           images, &sharpened, &x->err);
        if (status == MASK_OK) status = mask_knowledge_save(taught, s->teach, &x->err);
        if (status == MASK_OK && gallery_reload(s, x->gallery) != 0) status = MASK_EIO;
        pthread_mutex_unlock(&s->changing);
        if (status != MASK_OK) library_error(x, status);
        else
            x->json = json_pack("{s:o, s:I, s:b}", "word", text_json(x->asked.word), "photos", (json_int_t)count,
                                "sharpened", (int)sharpened);
    }
    for (size_t i = 0; paths && i < count; i++) free(paths[i]);
    free(paths);
    mask_images_close(images);
    mask_knowledge_close(taught);
}
