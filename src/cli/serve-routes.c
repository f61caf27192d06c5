/* What can be asked of mask serve, as two tables: parameters and routes. Requests are read by them, and the OpenAPI
 * document is written from them, so that it cannot say anything else. */
#include "results.h"
#include "serve.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

typedef enum kind { TEXT, LIST, WHOLE, REAL, SWITCH } kind;

typedef struct parameter {
    const char *name;
    kind kind;
    size_t at;                   /* in asked */
    double low, high, otherwise; /* of a text its bytes, of a list its texts */
    const char *help;
} parameter;

static const parameter parameters[] = {
    {"gallery", TEXT, offsetof(asked, gallery), 1, 127, 0, "its name (default: the first)"},
    {"query", TEXT, offsetof(asked, query), 1, MOST_TEXT, 0, "a text; -word counts against, ^0.5 at its end weighs it"},
    {"queries", LIST, offsetof(asked, queries), 1, MOST_QUERIES, 0, "texts, each searched for by itself"},
    {"image", TEXT, offsetof(asked, image), 1, MOST_TEXT, 0, "id of an image that results are to be like too"},
    {"image_weight", REAL, offsetof(asked, image_weight), -1000, 1000, 10, "of its cosine"},
    {"id", TEXT, offsetof(asked, id), 1, MOST_TEXT, 0, "of an image"},
    {"ids", LIST, offsetof(asked, ids), 1, MOST_RESULTS, 0, "only these images"},
    {"texts", LIST, offsetof(asked, texts), 1, MOST_RESULTS, 0, "to choose from (default: every word known)"},
    {"word", TEXT, offsetof(asked, word), 1, 100, 0, "one or two words, such as my cat"},
    {"name", TEXT, offsetof(asked, name), 1, 128, 0, "of the file to make (default: by its content)"},
    {"limit", WHOLE, offsetof(asked, limit), 1, MOST_RESULTS, 20, "results at most"},
    {"offset", WHOLE, offsetof(asked, offset), 0, 1e9, 0, "results to pass over"},
    {"where", TEXT, offsetof(asked, where), 0, MOST_TEXT, 0, "SQL condition over the metadata"},
    {"min_confidence", REAL, offsetof(asked, min_confidence), 0, 1, 0, "only results as probable as this"},
    {"explain", SWITCH, offsetof(asked, explain), 0, 1, 1, "the words' parts in each result, with their regions"},
    {"metadata", SWITCH, offsetof(asked, metadata), 0, 1, 0, "the metadata of each result"},
    {"side", WHOLE, offsetof(asked, side), 16, MOST_SIDE, 480, "pixels of its longer side, at most"},
};
enum { PARAMETERS = sizeof parameters / sizeof *parameters };

#define SHAPE "gallery limit offset where metadata"

static const route routes[] = {
    {"GET", "/health", ROUTE_OPEN | ROUTE_QUICK, "", "", "Health", answer_health, "Whether it answers"},
    {"GET", "/version", ROUTE_QUICK, "", "", "Version", answer_version, "The program and its version"},
    {"GET", "/metrics", ROUTE_QUICK, "", "", "text/plain", answer_metrics, "Counters for Prometheus"},
    {"GET", "/openapi.json", ROUTE_OPEN | ROUTE_QUICK, "", "", "Document", answer_openapi, "This document"},
    {"GET", "/v1/galleries", 0, "", "", "Galleries", answer_galleries, "What is served"},
    {"POST", "/v1/search", ROUTE_GALLERY | ROUTE_JSON,
     SHAPE " query queries image image_weight ids min_confidence explain", "query|queries|image", "Found",
     answer_search, "The images that match a text, an image of the gallery, or both"},
    {"POST", "/v1/similar", ROUTE_GALLERY | ROUTE_JSON | ROUTE_PHOTO, SHAPE " id", "id", "Results", answer_similar,
     "The images most like one of the gallery, or like a photo"},
    {"POST", "/v1/annotate", ROUTE_GALLERY | ROUTE_JSON | ROUTE_PHOTO | ROUTE_HEAVY, "gallery id texts limit", "id",
     "Annotation", answer_annotate, "The texts, or words, that describe an image of the gallery or a photo best"},
    {"POST", "/v1/images", ROUTE_GALLERY | ROUTE_PHOTO | ROUTE_HEAVY | ROUTE_CHANGE, "gallery name", "", "Added",
     answer_upload, "Keeps a photo and adds it to the gallery"},
    {"GET", "/v1/images/{id}", ROUTE_GALLERY, "gallery id", "", "image/*", answer_image, "A photo as it is"},
    {"DELETE", "/v1/images/{id}", ROUTE_GALLERY | ROUTE_HEAVY | ROUTE_CHANGE, "gallery id", "", "Removed",
     answer_delete, "Removes an image from the gallery, and its file where that was uploaded"},
    {"GET", "/v1/images/{id}/thumbnail", ROUTE_GALLERY, "gallery id side", "", "image/jpeg", answer_thumbnail,
     "A photo made small"},
    {"POST", "/v1/reload", ROUTE_GALLERY | ROUTE_JSON | ROUTE_HEAVY | ROUTE_CHANGE, "gallery", "", "Gallery",
     answer_reload, "Opens a gallery anew; looks through the folders of photos first"},
    {"POST", "/v1/words", ROUTE_GALLERY | ROUTE_JSON | ROUTE_HEAVY | ROUTE_TEACH, "gallery word ids", "word ids",
     "Taught", answer_teach, "Teaches a word from photos of the gallery that show it"},
};
enum { ROUTES = sizeof routes / sizeof *routes };

/* Whether `name` is one of the words of a list. */
static bool listed(const char *list, const char *name)
{
    size_t length = strlen(name);
    for (const char *at = list; *at; at += strcspn(at, " "), at += strspn(at, " "))
        if (strcspn(at, " ") == length && memcmp(at, name, length) == 0) return true;
    return false;
}

/* Whether a path is one of a pattern; the place and length of its {id}. */
static bool fits(const char *pattern, const char *path, const char **id, size_t *length)
{
    const char *hole = strstr(pattern, "{id}");
    if (!hole) return strcmp(pattern, path) == 0;
    size_t before = (size_t)(hole - pattern), after = strlen(hole + 4), all = strlen(path);
    if (strncmp(pattern, path, before) != 0 || all <= before + after || strcmp(path + all - after, hole + 4) != 0)
        return false;
    *id = path + before;
    *length = all - before - after;
    return true;
}

const route *route_find(exchange *x, char **id)
{
    char allowed[64] = "";
    const char *method = strcmp(x->method, "HEAD") == 0 ? "GET" : x->method, *text = NULL, *path = "";
    const route *best = NULL;
    size_t length = 0;
    *id = NULL;
    for (size_t i = 0; i < ROUTES; i++) /* of the paths that fit, the longest */
        if (fits(routes[i].path, x->path, &text, &length) && strlen(routes[i].path) > strlen(path))
            path = routes[i].path;
    for (size_t i = 0; i < ROUTES; i++) {
        if (strcmp(routes[i].path, path) != 0) continue;
        snprintf(allowed + strlen(allowed), sizeof allowed - strlen(allowed), "%s%s", *allowed ? ", " : "",
                 routes[i].method);
        if (strcmp(routes[i].method, method) == 0) best = &routes[i];
    }
    text = NULL;
    if (best && fits(best->path, x->path, &text, &length) && text && !(*id = strndup(text, length))) {
        serve_error(x, 500, "internal", "out of memory");
        return NULL;
    }
    if (!best && !*allowed) serve_error(x, 404, "not_found", "there is nothing at this address: see /openapi.json");
    else if (!best) {
        serve_error(x, 405, "method_not_allowed", "use %s", allowed);
        snprintf(x->allow, sizeof x->allow, "%s", allowed);
    }
    return best;
}

/* ---- Reading what is asked ---- */

static bool refuse(exchange *x, const parameter *p)
{
    char range[80];
    static const char *const kinds[] = {"a text, its bytes", "a list of texts, their number", "a whole number",
                                        "a number", "true or false"};
    snprintf(range, sizeof range, " from %.0f to %.0f", p->low, p->high);
    serve_error(x, 400, "invalid_request", "%s: expected %s%s", p->name, kinds[p->kind],
                p->kind == SWITCH ? "" : range);
    return false;
}

static bool in_range(const parameter *p, double value)
{
    return value >= p->low && value <= p->high;
}

static bool are_texts(const parameter *p, const json_t *list)
{
    size_t i;
    json_t *one;
    json_array_foreach(list, i, one) if (!json_is_string(one) || json_string_length(one) > MOST_TEXT) return false;
    return json_is_array(list) && in_range(p, (double)json_array_size(list));
}

static bool take_json(exchange *x, const parameter *p, json_t *value)
{
    void *to = (char *)&x->asked + p->at;
    bool good = false;
    switch (p->kind) {
    case TEXT:
        good = json_is_string(value) && in_range(p, (double)json_string_length(value));
        if (good) *(const char **)to = json_string_value(value);
        break;
    case LIST:
        good = are_texts(p, value);
        if (good) *(json_t **)to = value;
        break;
    case WHOLE:
        good = json_is_integer(value) && in_range(p, (double)json_integer_value(value));
        if (good) *(json_int_t *)to = json_integer_value(value);
        break;
    case REAL:
        good = json_is_number(value) && in_range(p, json_number_value(value));
        if (good) *(double *)to = json_number_value(value);
        break;
    case SWITCH:
        good = json_is_boolean(value);
        if (good) *(int *)to = json_is_true(value);
        break;
    }
    return good || refuse(x, p);
}

/* A parameter after the ? as JSON; a list's texts are lines. */
static json_t *argument_json(const parameter *p, const char *text)
{
    char *end;
    json_t *list;
    switch (p->kind) {
    case TEXT:
        return json_string(text);
    case LIST:
        list = json_array();
        for (size_t length; *text; text += length, text += *text == '\n') {
            length = strcspn(text, "\n");
            json_array_append_new(list, json_stringn(text, length));
        }
        return list;
    case WHOLE: {
        long long whole = strtoll(text, &end, 10);
        return *text && !*end ? json_integer(whole) : NULL;
    }
    case REAL: {
        double real = strtod(text, &end);
        return *text && !*end ? json_real(real) : NULL;
    }
    case SWITCH:
        return strcmp(text, "true") == 0 ? json_true() : strcmp(text, "false") == 0 ? json_false() : NULL;
    }
    return NULL;
}

/* What stands after the ?, where the route looks there, and the members of *body into x->asked. `own` keeps what they
 * point to. */
static bool read_asked(exchange *x, bool after, json_t *body, json_t *own)
{
    const char *name;
    json_t *value;
    const char *known = x->route->parameters;
    for (const parameter *p = parameters; p < parameters + PARAMETERS; p++) {
        if (p->kind == WHOLE) *(json_int_t *)(void *)((char *)&x->asked + p->at) = (json_int_t)p->otherwise;
        if (p->kind == REAL) *(double *)(void *)((char *)&x->asked + p->at) = p->otherwise;
        if (p->kind == SWITCH) *(int *)(void *)((char *)&x->asked + p->at) = p->otherwise > 0;
        const char *text = after && listed(known, p->name) ? x->argument(x->connection, p->name) : NULL;
        if (!text) continue;
        if (!(value = argument_json(p, text))) return refuse(x, p);
        if (json_object_set_new(own, p->name, value) != 0) { /* it is gone then */
            serve_error(x, 500, "internal", "out of memory");
            return false;
        }
        if (!take_json(x, p, value)) return false;
    }
    json_object_foreach(body, name, value)
    {
        const parameter *p = parameters;
        while (p < parameters + PARAMETERS && strcmp(p->name, name) != 0) p++;
        if (p == parameters + PARAMETERS || !listed(known, name)) {
            serve_error(x, 400, "invalid_request", "%.60s: not known here; known are: %s", name, known);
            return false;
        }
        if (!take_json(x, p, value)) return false;
    }
    return true;
}

/* Whether a JSON body has what the route cannot do without. */
static bool complete(exchange *x, const json_t *body)
{
    char name[32], message[100];
    const char *needed = x->route->needed;
    bool any = strchr(needed, '|') != NULL, found = false, all = true;
    for (const char *at = needed; *at; at += strcspn(at, "| "), at += strspn(at, "| ")) {
        snprintf(name, sizeof name, "%.*s", (int)strcspn(at, "| "), at);
        if (json_object_get(body, name)) found = true;
        else all = false;
    }
    if (any ? found : all) return true;
    snprintf(message, sizeof message, "expected %s%s", any ? "one of " : "", needed);
    for (char *at = message; *at; at++)
        if (*at == '|') *at = ' ';
    serve_error(x, 400, "invalid_request", "%s", message);
    return false;
}

static bool read_body(exchange *x, json_t **body)
{
    json_error_t bad;
    *body = json_loadb(x->body ? x->body : "", x->body_size, JSON_REJECT_DUPLICATES, &bad);
    if (!*body) serve_error(x, 400, "invalid_json", "the body is not JSON, line %d: %s", bad.line, bad.text);
    else if (!json_is_object(*body)) serve_error(x, 400, "invalid_request", "the body is to be a JSON object");
    return json_is_object(*body);
}

/* The gallery of that name, brought up to date at most once a second. */
static bool hold(server *s, exchange *x)
{
    bool fresh = false;
    const char *name = x->asked.gallery;
    pthread_mutex_lock(&s->lock);
    for (size_t i = 0; i < s->count && !x->use; i++) {
        served_gallery *g = &s->galleries[i];
        if (name && strcmp(name, g->name) != 0) continue;
        x->gallery = g;
        x->use = g->now;
        x->use->users++;
        fresh = now() - g->refreshed >= 1;
        if (fresh) g->refreshed = now();
    }
    pthread_mutex_unlock(&s->lock);
    if (!x->use) serve_error(x, 404, "not_found", "there is no gallery of this name: see GET /v1/galleries");
    else if (fresh) mask_gallery_refresh(x->use->gallery, NULL, NULL, &x->err); /* on failure it stays as it was */
    return x->use != NULL;
}

static bool allowed(server *s, exchange *x)
{
    if (x->route->kind & ROUTE_CHANGE && !*s->uploads)
        serve_error(x, 403, "read_only", "this server changes nothing: it was started without --upload-dir");
    else if (x->route->kind & ROUTE_TEACH && !s->teach)
        serve_error(x, 403, "read_only", "this server learns nothing: it was started without --teach");
    else return true;
    return false;
}

void route_answer(server *s, exchange *x, char *id)
{
    unsigned what = x->route->kind;
    json_t *body = NULL, *own = json_object();
    const char *type = x->body_type ? x->body_type : "";
    x->photo = what & ROUTE_PHOTO &&
               (strncasecmp(type, "image/", 6) == 0 || strncasecmp(type, "application/octet-stream", 24) == 0);
    bool json = what & ROUTE_JSON && !x->photo, good = own && allowed(s, x);
    if (good && what & ROUTE_PHOTO && !json && !x->photo) {
        serve_error(x, 415, "unsupported_type", "expected a photo, with Content-Type: image/...");
        good = false;
    }
    if (good && json) good = read_body(x, &body) && complete(x, body);
    if (good) good = read_asked(x, what & ROUTE_PHOTO || !json, body, own);
    if (id) x->asked.id = id;
    if (good && what & ROUTE_GALLERY) good = hold(s, x);
    if (good) x->route->run(s, x);
    if (x->use) gallery_release(s, x->use);
    x->use = NULL;
    json_decref(body);
    json_decref(own);
}

/* ---- The OpenAPI document ---- */

static json_t *parameter_schema(const server *s, const parameter *p)
{
    static const char *const types[] = {"string", "array", "integer", "number", "boolean"};
    json_t *out = json_pack("{s:s, s:s}", "type", types[p->kind], "description", p->help);
    const char *low = p->kind == TEXT ? "minLength" : p->kind == LIST ? "minItems" : "minimum";
    const char *high = p->kind == TEXT ? "maxLength" : p->kind == LIST ? "maxItems" : "maximum";
    if (p->kind == LIST)
        json_object_set_new(out, "items", json_pack("{s:s, s:i}", "type", "string", "maxLength", (int)MOST_TEXT));
    if (p->kind == SWITCH) json_object_set_new(out, "default", json_boolean(p->otherwise > 0));
    if (p->kind == WHOLE) json_object_set_new(out, "default", json_integer((json_int_t)p->otherwise));
    if (strcmp(p->name, "gallery") == 0) {
        json_t *names = json_array();
        for (size_t i = 0; i < s->count; i++) json_array_append_new(names, text_json(s->galleries[i].name));
        json_object_set_new(out, "enum", names);
    }
    if (p->kind == SWITCH) return out;
    json_object_set_new(out, low, p->kind == REAL ? json_real(p->low) : json_integer((json_int_t)p->low));
    json_object_set_new(out, high, p->kind == REAL ? json_real(p->high) : json_integer((json_int_t)p->high));
    return out;
}

static json_t *content(const char *type, json_t *schema)
{
    return json_pack("{s:{s:{s:o}}}", "content", type, "schema", schema);
}

static json_t *reference(const char *name)
{
    char text[80];
    snprintf(text, sizeof text, "#/components/schemas/%s", name);
    return json_pack("{s:s}", "$ref", text);
}

static void add_needed(json_t *schema, const char *needed)
{
    bool any = strchr(needed, '|') != NULL;
    json_t *list = json_array();
    for (const char *at = needed; *at; at += strcspn(at, "| "), at += strspn(at, "| ")) {
        json_t *name = json_stringn(at, strcspn(at, "| "));
        json_array_append_new(list, any ? json_pack("{s:[o]}", "required", name) : name);
    }
    json_object_set_new(schema, any ? "anyOf" : "required", list);
}

static json_t *route_json(const server *s, const route *r)
{
    json_t *after = json_array(), *members = json_object(), *out = json_pack("{s:s}", "summary", r->summary);
    for (const parameter *p = parameters; p < parameters + PARAMETERS; p++) {
        bool path = strcmp(p->name, "id") == 0 && strstr(r->path, "{id}");
        if (!listed(r->parameters, p->name)) continue;
        if (r->kind & ROUTE_JSON) json_object_set_new(members, p->name, parameter_schema(s, p));
        if (path || !(r->kind & ROUTE_JSON) || (r->kind & ROUTE_PHOTO && strcmp(p->name, "id") != 0)) {
            json_t *one = json_pack("{s:s, s:s, s:b, s:o}", "name", p->name, "in", path ? "path" : "query", "required",
                                    path, "schema", parameter_schema(s, p));
            if (p->kind == LIST) /* lines */
                json_object_set_new(
                    one, "schema",
                    json_pack("{s:s, s:i, s:s}", "type", "string", "minLength", 1, "description", "texts, one a line"));
            json_array_append_new(after, one);
        }
    }
    json_object_set_new(out, "parameters", after);
    json_t *body = json_object();
    if (r->kind & ROUTE_JSON) {
        json_t *schema =
            json_pack("{s:s, s:O, s:b}", "type", "object", "properties", members, "additionalProperties", 0);
        if (*r->needed) add_needed(schema, r->needed);
        json_object_set_new(body, "application/json", json_pack("{s:o}", "schema", schema));
    }
    if (r->kind & ROUTE_PHOTO) {
        json_object_set_new(body, "image/*", json_object());
        json_object_set_new(body, "application/octet-stream", json_object());
    }
    if (json_object_size(body))
        json_object_set_new(out, "requestBody", json_pack("{s:b, s:O}", "required", 1, "content", body));
    json_decref(body);
    json_decref(members);
    bool media = strchr(r->answer, '/') != NULL;
    json_t *good = media ? content(r->answer, json_object()) : content("application/json", reference(r->answer));
    json_t *bad = content("application/json", reference("Error"));
    json_object_set_new(good, "description", json_string("the answer"));
    json_object_set_new(bad, "description", json_string("an error"));
    json_object_set_new(out, "responses", json_pack("{s:o, s:o}", "200", good, "default", bad));
    if (r->kind & ROUTE_OPEN) json_object_set_new(out, "security", json_array());
    return out;
}

void answer_openapi(server *s, exchange *x)
{
    size_t size;
    const char *schemas = asset_text("schemas.json", &size);
    json_t *paths = json_object();
    for (const route *r = routes; r < routes + ROUTES; r++) {
        char method[8];
        size_t i = 0;
        for (; r->method[i]; i++) method[i] = (char)(r->method[i] + 'a' - 'A');
        method[i] = 0;
        if (!json_object_get(paths, r->path)) json_object_set_new(paths, r->path, json_object());
        json_object_set_new(json_object_get(paths, r->path), method, route_json(s, r));
    }
    x->json = json_pack("{s:s, s:{s:s, s:s, s:s}, s:[{s:s}], s:[{}, {s:[]}], s:o, s:{s:{s:{s:s, s:s}}, s:o}}",
                        "openapi", "3.1.0", "info", "title", "mask serve", "version", mask_version(), "description",
                        "Searches galleries of images by texts and images.", "servers", "url", ".", "security", "token",
                        "paths", paths, "components", "securitySchemes", "token", "type", "http", "scheme", "bearer",
                        "schemas", json_loadb(schemas, size, 0, NULL));
}
