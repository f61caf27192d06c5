/* The server of mask serve: connections, who may ask, the page's files, metrics. */
#include "serve.h"

#include <microhttpd.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

enum { THREADS = 8, MOST_CONNECTIONS = 256, MOST_OF_ONE = 128, IDLE_SECONDS = 30, LAST_SECONDS = 10 };

static const struct asset {
    const char *name, *type, *etag;
    const unsigned char *bytes;
    size_t size;
} assets[] = {
#include "serve-page.inc"
};

/* A request while its body comes in. */
typedef struct request {
    char *body;
    size_t size, seen;
    double began;
    unsigned status;
} request;

static bool equal_secret(const char *given, const char *secret)
{
    size_t length = strlen(secret);
    unsigned char differ = strlen(given) != length;
    for (size_t i = 0; i < length; i++) differ |= (unsigned char)(secret[i] ^ given[differ ? 0 : i]);
    return !differ;
}

/* Whether a Host is one that we go by; a page of another site whose name leads here is not. */
static bool known_host(const server *s, const char *host)
{
    char name[256];
    const char *colon = strrchr(host, ':');
    size_t length = colon && !strchr(colon, ']') ? (size_t)(colon - host) : strlen(host);
    if (length == 0 || length >= sizeof name) return false;
    memcpy(name, host, length);
    name[length] = 0;
    for (size_t i = 0; i < s->name_count; i++)
        if (strcasecmp(name, s->names[i]) == 0) return true;
    if (s->loopback)
        return strcmp(name, "127.0.0.1") == 0 || strcasecmp(name, "localhost") == 0 || strcmp(name, "[::1]") == 0;
    return strcasecmp(name, s->host) == 0 || name[0] == '[' || strspn(name, "0123456789.") == length;
}

static const char *header(struct MHD_Connection *c, const char *name)
{
    return MHD_lookup_connection_value(c, MHD_HEADER_KIND, name);
}

static const char *argument(void *connection, const char *name)
{
    return MHD_lookup_connection_value(connection, MHD_GET_ARGUMENT_KIND, name);
}

/* Whether the request may be answered; the error is in x when not. */
static bool let_in(const server *s, struct MHD_Connection *c, exchange *x, bool open)
{
    const char *host = header(c, "Host"), *origin = header(c, "Origin"), *who = header(c, "Authorization");
    const char *site = header(c, "Sec-Fetch-Site"), *after = origin ? strstr(origin, "://") : NULL;
    if (!host || !known_host(s, host)) {
        serve_error(x, 403, "wrong_host", "this name is not served: name it with --name");
    } else if ((origin && (!after || strcasecmp(after + 3, host) != 0)) ||
               (site && strcmp(site, "cross-site") == 0 && strcmp(x->method, "GET") != 0)) {
        serve_error(x, 403, "wrong_origin", "requests from pages of other sites are refused");
    } else if (!open && *s->token &&
               (!who || strncasecmp(who, "Bearer ", 7) != 0 || !equal_secret(who + 7, s->token))) {
        serve_error(x, 401, "unauthorized", "send the token: Authorization: Bearer TOKEN");
    } else {
        return true;
    }
    return false;
}

static const struct asset *find_asset(const char *path)
{
    const char *name = strcmp(path, "/") == 0 ? "index.html" : path + 1;
    for (size_t i = 0; i < sizeof assets / sizeof *assets; i++)
        if (strcmp(assets[i].name, name) == 0) return &assets[i];
    return NULL;
}

static void metrics(server *s, exchange *x)
{
    size_t size;
    FILE *out = open_memstream((char **)&x->bytes, &size);
    if (!out) {
        serve_error(x, 500, "internal", "out of memory");
        return;
    }
    pthread_mutex_lock(&s->lock);
    fprintf(out, "# TYPE mask_requests_total counter\n");
    for (int i = 2; i < 6; i++)
        fprintf(out, "mask_requests_total{status=\"%dxx\"} %llu\n", i, (unsigned long long)s->requests[i]);
    fprintf(out,
            "# TYPE mask_searches_total counter\nmask_searches_total %llu\n"
            "# TYPE mask_search_seconds_total counter\nmask_search_seconds_total %.6f\n"
            "# TYPE mask_requests_active gauge\nmask_requests_active %llu\n# TYPE mask_gallery_images gauge\n",
            (unsigned long long)s->searches, s->search_seconds, (unsigned long long)s->active);
    pthread_mutex_unlock(&s->lock);
    for (size_t i = 0; i < s->count; i++) {
        mask_gallery_info info;
        mask_gallery_describe(s->galleries[i].gallery, &info);
        fprintf(out, "mask_gallery_images{gallery=\"%zu\"} %zu\n", i, info.images);
    }
    fclose(out);
    x->size = size;
    x->type = "text/plain; version=0.0.4; charset=utf-8";
}

static void answer_own(server *s, exchange *x)
{
    if (strcmp(x->path, "/health") == 0) x->json = json_pack("{s:s}", "status", "ok");
    else if (strcmp(x->path, "/version") == 0)
        x->json = json_pack("{s:s, s:s}", "name", "mask", "version", mask_version());
    else if (strcmp(x->path, "/metrics") == 0) metrics(s, x);
    else serve_api(s, x);
}

static struct MHD_Response *make_response(struct MHD_Connection *c, exchange *x, const struct asset *asset)
{
    const char *known = header(c, "If-None-Match"), *etag = asset ? asset->etag : x->etag;
    struct MHD_Response *r = NULL;
    if (x->json) {
        char *text = json_dumps(x->json, JSON_COMPACT | JSON_REAL_PRECISION(9));
        x->type = "application/json";
        x->size = text ? strlen(text) : 0;
        free(x->bytes);
        x->bytes = (unsigned char *)text;
        etag = "";
    }
    if (*etag && known && strcmp(known, etag) == 0 && x->status == 200) {
        x->status = 304;
        r = MHD_create_response_from_buffer(0, (void *)"", MHD_RESPMEM_PERSISTENT);
    } else if (asset) {
        x->type = asset->type;
        r = MHD_create_response_from_buffer(asset->size, (void *)(uintptr_t)asset->bytes, MHD_RESPMEM_PERSISTENT);
    } else if (x->file >= 0) {
        r = MHD_create_response_from_fd64(x->size, x->file);
        if (r) x->file = -1;
    } else {
        r = MHD_create_response_from_buffer(x->size, x->bytes, MHD_RESPMEM_MUST_FREE);
        if (r) x->bytes = NULL;
    }
    free(x->bytes);
    if (x->file >= 0) close(x->file);
    if (!r) return NULL;
    if (x->type && x->status != 304) MHD_add_response_header(r, "Content-Type", x->type);
    if (*etag) MHD_add_response_header(r, "ETag", etag);
    MHD_add_response_header(r, "Cache-Control", !*etag ? "no-store" : asset ? "no-cache" : "private, max-age=600");
    MHD_add_response_header(r, "X-Content-Type-Options", "nosniff");
    MHD_add_response_header(r, "Referrer-Policy", "no-referrer");
    MHD_add_response_header(r, "Cross-Origin-Resource-Policy", "same-origin");
    MHD_add_response_header(r, "Content-Security-Policy",
                            "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
                            "img-src 'self' blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'");
    if (x->status == 401) MHD_add_response_header(r, "WWW-Authenticate", "Bearer");
    if (x->status == 405) MHD_add_response_header(r, "Allow", strncmp(x->path, "/v1/s", 5) == 0 ? "POST" : "GET, HEAD");
    return r;
}

static enum MHD_Result finish(server *s, struct MHD_Connection *c, exchange *x, const struct asset *asset, request *q)
{
    struct MHD_Response *r = make_response(c, x, asset);
    q->status = x->status;
    json_decref(x->json);
    if (!r) return MHD_NO;
    if (x->status == 413) MHD_add_response_header(r, "Connection", "close");
    enum MHD_Result result = MHD_queue_response(c, x->status, r);
    MHD_destroy_response(r);
    if (s->access_log) {
        json_t *line = json_pack("{s:s, s:s, s:i, s:f}", "method", x->method, "path", x->path, "status", (int)x->status,
                                 "seconds", now() - q->began);
        char *text = line ? json_dumps(line, JSON_COMPACT | JSON_REAL_PRECISION(6)) : NULL;
        if (text) fprintf(stderr, "%s\n", text);
        free(text);
        json_decref(line);
    }
    return result;
}

/* Takes a piece of the body; what goes over the limit is read and forgotten. */
static bool take(request *q, const char *data, size_t size)
{
    q->seen += size;
    if (q->seen > MOST_BODY) return q->seen < 4u * MOST_BODY;
    char *more = realloc(q->body, q->size + size);
    if (!more) return false;
    q->body = more;
    memcpy(q->body + q->size, data, size);
    q->size += size;
    return true;
}

static enum MHD_Result on_request(void *user, struct MHD_Connection *c, const char *url, const char *method,
                                  const char *version, const char *data, size_t *size, void **state)
{
    server *s = user;
    request *q = *state;
    size_t length = strlen(s->prefix);
    bool inside = strncmp(url, s->prefix, length) == 0 && url[length] == '/';
    exchange x = {.method = method, .path = inside ? url + length : url, .status = 200, .file = -1};
    x.argument = argument;
    x.connection = c;
    x.body_type = header(c, "Content-Type");
    (void)version;
    const struct asset *asset = inside ? find_asset(x.path) : NULL;
    bool first = !q, open = asset || strcmp(x.path, "/health") == 0;
    if (first) {
        if (!(q = *state = calloc(1, sizeof *q))) return MHD_NO;
        q->began = now();
        pthread_mutex_lock(&s->lock);
        s->active++;
        pthread_mutex_unlock(&s->lock);
        const char *told = header(c, "Content-Length");
        if (!let_in(s, c, &x, open)) return finish(s, c, &x, NULL, q);
        if (told && strtoull(told, NULL, 10) > MOST_BODY) {
            serve_error(&x, 413, "too_large", "a body is at most 16 MB");
            return finish(s, c, &x, NULL, q);
        }
        return MHD_YES;
    }
    if (*size) {
        bool good = take(q, data, *size);
        *size = 0;
        return good ? MHD_YES : MHD_NO;
    }
    x.body = q->body;
    x.body_size = q->size;
    bool get = strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0;
    if (q->seen > MOST_BODY) serve_error(&x, 413, "too_large", "a body is at most 16 MB");
    else if (!inside) serve_error(&x, 404, "not_found", "there is nothing at this address");
    else if (!get && strcmp(method, "POST") != 0) serve_error(&x, 405, "method_not_allowed", "use GET or POST");
    else if (!get && strncmp(x.path, "/v1/", 4) != 0) serve_error(&x, 405, "method_not_allowed", "use GET");
    else if (!asset) answer_own(s, &x);
    return finish(s, c, &x, x.status == 200 ? asset : NULL, q);
}

static void on_end(void *user, struct MHD_Connection *c, void **state, enum MHD_RequestTerminationCode why)
{
    server *s = user;
    request *q = *state;
    (void)c, (void)why;
    if (!q) return;
    pthread_mutex_lock(&s->lock);
    s->active--;
    if (q->status >= 200 && q->status < 600) s->requests[q->status / 100]++;
    pthread_mutex_unlock(&s->lock);
    free(q->body);
    free(q);
    *state = NULL;
}

static uint64_t active(server *s)
{
    pthread_mutex_lock(&s->lock);
    uint64_t count = s->active;
    pthread_mutex_unlock(&s->lock);
    return count;
}

int serve_http(server *s, int port)
{
    char service[16];
    struct addrinfo *found, hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE};
    snprintf(service, sizeof service, "%d", port);
    if (getaddrinfo(s->host, service, &hints, &found) != 0)
        return fail("--host %s: is no address of this machine", s->host);
    const unsigned char *ip4 = (const unsigned char *)&((struct sockaddr_in *)(void *)found->ai_addr)->sin_addr;
    bool six = found->ai_family == AF_INET6;
    s->loopback = six ? IN6_IS_ADDR_LOOPBACK(&((struct sockaddr_in6 *)(void *)found->ai_addr)->sin6_addr) : *ip4 == 127;
    if (!s->loopback && !*s->token) {
        freeaddrinfo(found);
        return fail("--host %s can be reached from other machines: give a token, in a file (--token-file) or in "
                    "MASK_SERVE_TOKEN",
                    s->host);
    }
    struct MHD_Daemon *d = MHD_start_daemon(
        MHD_USE_AUTO_INTERNAL_THREAD | (six ? MHD_USE_IPv6 : 0), (uint16_t)port, NULL, NULL, on_request, s,
        MHD_OPTION_SOCK_ADDR, found->ai_addr, MHD_OPTION_THREAD_POOL_SIZE, (unsigned)THREADS,
        MHD_OPTION_CONNECTION_LIMIT, (unsigned)MOST_CONNECTIONS, MHD_OPTION_PER_IP_CONNECTION_LIMIT,
        s->loopback ? 0U : (unsigned)MOST_OF_ONE, MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_SECONDS,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)65536, MHD_OPTION_NOTIFY_COMPLETED, on_end, s, MHD_OPTION_END);
    freeaddrinfo(found);
    if (!d) return fail("%s port %d: cannot be served: is another program there? (--port N)", s->host, port);
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(d, MHD_DAEMON_INFO_BIND_PORT);
    bool colon = strchr(s->host, ':') != NULL;
    printf("http://%s%s%s:%u%s/\n", colon ? "[" : "", s->host, colon ? "]" : "", info ? info->port : (unsigned)port,
           s->prefix);
    fflush(stdout);
    while (!progress_interrupted()) usleep(50000);
    MHD_socket listening = MHD_quiesce_daemon(d); /* those who ask now are answered, nobody else */
    for (double end = now() + LAST_SECONDS; active(s) && now() < end;) usleep(20000);
    if (listening != MHD_INVALID_SOCKET) close(listening);
    MHD_stop_daemon(d);
    return 0;
}
