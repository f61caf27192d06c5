/* The server of mask serve: connections, who may ask, the page's files, metrics. A few threads read and write, workers
 * answer, so that nobody waits for bytes of another. */
#include "results.h"
#include "serve.h"

#include <errno.h>
#include <malloc.h>
#include <microhttpd.h>
#include <netdb.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#ifndef SERVE_PATIENCE
#define SERVE_PATIENCE 1 /* more where the program runs so much slower: scripts/analyse.sh */
#endif

enum {
    READERS = 2, /* threads that read from the network; others do the work */
    MOST_CONNECTIONS = 8192,
    OTHER_FILES = 256,
    MOST_OF_ONE = 128, /* connections of an address that is not this machine's */
    MOST_WAITING = 1024,
    IDLE_SECONDS = 30,
    BODY_SECONDS = 60,
    WORK_SECONDS = 10 * SERVE_PATIENCE,
    LAST_SECONDS = 10
};
static const uint64_t most_bodies = 256u << 20; /* held at a time */

static const struct asset {
    const char *name, *type, *etag;
    const unsigned char *bytes, *gzip;
    size_t size, gzip_size;
} assets[] = {
#include "serve-page.inc"
};

/* A request while its body comes in, and while it waits for a worker. */
typedef struct request {
    struct MHD_Connection *connection;
    struct request *next;
    char *body, *id;
    size_t size, seen;
    double began;
    exchange x;
    bool inside, done; /* below the prefix; answered by a worker */
} request;

/* Work that waits. Photos and changes, which take long, leave half of the workers to the rest. */
static struct {
    pthread_mutex_t lock;
    pthread_cond_t more;
    request *first[2], **last[2]; /* of light and of heavy work */
    size_t waiting, heavy, workers;
    bool ended;
    server *s;
} queue = {.lock = PTHREAD_MUTEX_INITIALIZER, .more = PTHREAD_COND_INITIALIZER};

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

static const struct asset *find_asset(const char *name)
{
    for (size_t i = 0; i < sizeof assets / sizeof *assets; i++)
        if (strcmp(assets[i].name, name) == 0) return &assets[i];
    return NULL;
}

const char *asset_text(const char *name, size_t *size)
{
    const struct asset *asset = find_asset(name);
    *size = asset ? asset->size : 0;
    return asset ? (const char *)asset->bytes : "";
}

/* One of the page's files, by its path below the prefix. */
static const struct asset *page_asset(const char *path)
{
    if (*path != '/') return NULL; /* a request may name none: "GET x HTTP/1.1" */
    const struct asset *asset = find_asset(strcmp(path, "/") == 0 ? "index.html" : path + 1);
    return asset && strcmp(asset->type, "application/json") != 0 ? asset : NULL;
}

void answer_metrics(server *s, exchange *x)
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
            "# TYPE mask_requests_active gauge\nmask_requests_active %llu\n"
            "# TYPE mask_requests_waiting gauge\nmask_requests_waiting %zu\n# TYPE mask_gallery_images gauge\n",
            (unsigned long long)s->searches, s->search_seconds, (unsigned long long)s->active, queue.waiting);
    for (size_t i = 0; i < s->count; i++) {
        mask_gallery_info info;
        mask_gallery_describe(s->galleries[i].now->gallery, &info);
        fprintf(out, "mask_gallery_images{gallery=\"%zu\"} %zu\n", i, info.images);
    }
    pthread_mutex_unlock(&s->lock);
    fclose(out);
    x->size = size;
    x->type = "text/plain; version=0.0.4; charset=utf-8";
}

void answer_health(server *s, exchange *x)
{
    (void)s;
    x->json = json_pack("{s:s}", "status", "ok");
}

void answer_version(server *s, exchange *x)
{
    (void)s;
    x->json = json_pack("{s:s, s:s}", "name", "mask", "version", mask_version());
}

/* Whether the client takes gzip, as all browsers say it. */
static bool takes_gzip(struct MHD_Connection *c)
{
    const char *said = header(c, "Accept-Encoding"), *at = said ? strstr(said, "gzip") : NULL;
    return at && strncmp(at + 4, ";q=0", 4) != 0;
}

/* JSON becomes the bytes of the answer. */
static void write_json(exchange *x)
{
    if (!x->json) return;
    free(x->bytes);
    x->bytes = NULL;
    FILE *out = open_memstream((char **)&x->bytes, &x->size); /* json_dumps forgets a piece that found no memory */
    bool good = out && json_dumpf(x->json, out, JSON_COMPACT | JSON_REAL_PRECISION(9)) == 0 && !ferror(out);
    if (out && fclose(out) != 0) good = false;
    if (!good) {
        free(x->bytes);
        x->bytes = NULL;
    }
    json_decref(x->json);
    x->json = NULL;
    x->type = "application/json";
    x->etag[0] = 0;
}

static struct MHD_Response *make_response(struct MHD_Connection *c, exchange *x, const struct asset *asset)
{
    const char *etag = asset ? asset->etag : x->etag;
    bool gzip = asset && takes_gzip(c);
    struct MHD_Response *r = NULL;
    if (*etag && x->known && strcmp(x->known, etag) == 0 && x->status == 200) {
        x->status = 304;
        r = MHD_create_response_from_buffer(0, (void *)"", MHD_RESPMEM_PERSISTENT);
    } else if (asset) {
        x->type = asset->type;
        r = MHD_create_response_from_buffer(gzip ? asset->gzip_size : asset->size,
                                            (void *)(uintptr_t)(gzip ? asset->gzip : asset->bytes),
                                            MHD_RESPMEM_PERSISTENT);
    } else if (x->file >= 0) {
        r = MHD_create_response_from_fd64(x->size, x->file);
        if (r) x->file = -1;
    } else if (!x->bytes) { /* the answer found no memory */
        static char text[] = "{\"error\":{\"code\":500,\"type\":\"internal\",\"message\":\"out of memory\"}}";
        x->status = 500;
        x->type = "application/json";
        x->etag[0] = 0;
        r = MHD_create_response_from_buffer(x->size = sizeof text - 1, text, MHD_RESPMEM_PERSISTENT);
    } else {
        r = MHD_create_response_from_buffer(x->size, x->bytes, MHD_RESPMEM_MUST_FREE);
        if (r) x->bytes = NULL;
    }
    free(x->bytes);
    if (x->file >= 0) close(x->file);
    if (!r) return NULL;
    if (x->type && x->status != 304) MHD_add_response_header(r, "Content-Type", x->type);
    if (asset) MHD_add_response_header(r, "Vary", "Accept-Encoding");
    if (gzip && x->status == 200) MHD_add_response_header(r, "Content-Encoding", "gzip");
    if (*etag) MHD_add_response_header(r, "ETag", etag);
    MHD_add_response_header(r, "Cache-Control", !*etag ? "no-store" : asset ? "no-cache" : "private, max-age=600");
    MHD_add_response_header(r, "X-Content-Type-Options", "nosniff");
    MHD_add_response_header(r, "Referrer-Policy", "no-referrer");
    MHD_add_response_header(r, "Cross-Origin-Resource-Policy", "same-origin");
    MHD_add_response_header(r, "Content-Security-Policy",
                            "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
                            "img-src 'self' blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'");
    if (x->status == 401) MHD_add_response_header(r, "WWW-Authenticate", "Bearer");
    if (x->status == 405) MHD_add_response_header(r, "Allow", x->allow);
    if (x->status == 503) MHD_add_response_header(r, "Retry-After", "1");
    return r;
}

/* Whose address it is: of this machine where it came through a socket without one. */
static void name_client(struct MHD_Connection *c, char text[64])
{
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(c, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    const struct sockaddr *a = info ? info->client_addr : NULL;
    snprintf(text, 64, "local");
    if (a && a->sa_family != AF_UNIX)
        getnameinfo(a, a->sa_family == AF_INET6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in), text, 64,
                    NULL, 0, NI_NUMERICHOST);
}

static void log_request(request *q, size_t bytes)
{
    char client[64], when[32];
    time_t seconds = time(NULL);
    struct tm utc;
    name_client(q->connection, client);
    gmtime_r(&seconds, &utc);
    strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%SZ", &utc);
    json_t *line = json_pack("{s:s, s:s, s:o, s:o, s:i, s:I, s:f}", "time", when, "client", client, "method",
                             text_json(q->x.method), "path", text_json(q->x.path), "status", (int)q->x.status, "bytes",
                             (json_int_t)bytes, "seconds", now() - q->began);
    char *text = line ? json_dumps(line, JSON_COMPACT | JSON_REAL_PRECISION(6)) : NULL;
    if (text) fprintf(stderr, "%s\n", text);
    free(text);
    json_decref(line);
}

static enum MHD_Result finish(server *s, request *q, const struct asset *asset)
{
    exchange *x = &q->x;
    write_json(x);
    struct MHD_Response *r = make_response(q->connection, x, asset);
    x->bytes = NULL;
    x->file = -1;
    if (!r) return MHD_NO;
    if (x->status == 413) MHD_add_response_header(r, "Connection", "close");
    if (s->access_log) log_request(q, x->status == 304 ? 0 : asset ? asset->size : x->size);
    enum MHD_Result result = MHD_queue_response(q->connection, x->status, r);
    MHD_destroy_response(r);
    return result;
}

/* ---- Workers ---- */

/* Hands a request to the workers, whose it then is; false, with an error in it, when too many wait. */
static bool push(request *q, bool heavy)
{
    pthread_mutex_lock(&queue.lock);
    bool room = queue.waiting < MOST_WAITING && !queue.ended;
    if (room) {
        MHD_suspend_connection(q->connection);
        q->next = NULL;
        *queue.last[heavy] = q;
        queue.last[heavy] = &q->next;
        queue.waiting++;
        pthread_cond_signal(&queue.more);
    }
    pthread_mutex_unlock(&queue.lock);
    if (!room) serve_error(&q->x, 503, "busy", "too many wait already: ask again in a while");
    return room;
}

/* The next piece of work that may be done now; NULL = none. */
static request *pop(bool *heavy)
{
    *heavy = queue.first[1] && (queue.heavy == 0 || queue.heavy < queue.workers / 2);
    if (*heavy && queue.first[0] && queue.first[0]->began < queue.first[1]->began) *heavy = false;
    request *q = queue.first[*heavy];
    if (!q) return NULL;
    if (!(queue.first[*heavy] = q->next)) queue.last[*heavy] = &queue.first[*heavy];
    queue.waiting--;
    queue.heavy += *heavy;
    return q;
}

/* Does the next piece of work, outside of the lock that it comes with; false when there is none. */
static bool work_once(void)
{
    bool heavy;
    request *q = pop(&heavy);
    if (!q) return false;
    pthread_mutex_unlock(&queue.lock);
    q->x.until = now() + WORK_SECONDS;
    route_answer(queue.s, &q->x, q->id);
    write_json(&q->x);
    q->done = true;
    MHD_resume_connection(q->connection);
    pthread_mutex_lock(&queue.lock);
    queue.heavy -= heavy;
    if (heavy) pthread_cond_broadcast(&queue.more);
    return true;
}

static void *work(void *user)
{
    (void)user;
    pthread_mutex_lock(&queue.lock);
    for (;;) {
        if (work_once()) continue;
        if (queue.ended && !queue.first[0] && !queue.first[1]) break;
        pthread_cond_wait(&queue.more, &queue.lock);
    }
    pthread_mutex_unlock(&queue.lock);
    return NULL;
}

static void queue_begin(server *s)
{
    queue.s = s;
    for (int i = 0; i < 2; i++) queue.last[i] = &queue.first[i];
}

/* ---- Requests ---- */

/* Takes a piece of the body; what goes over a limit is read and forgotten. */
static bool take(server *s, request *q, const char *data, size_t size)
{
    q->seen += size;
    if (q->seen > MOST_BODY) return q->seen < 4u * MOST_BODY;
    if (now() - q->began > BODY_SECONDS) return false;
    pthread_mutex_lock(&s->lock);
    bool room = s->bodies + size <= most_bodies;
    if (room) s->bodies += size;
    pthread_mutex_unlock(&s->lock);
    char *more = room ? realloc(q->body, q->size + size) : NULL;
    if (!more) return false;
    q->body = more;
    memcpy(q->body + q->size, data, size);
    q->size += size;
    return true;
}

static request *begin(server *s, struct MHD_Connection *c, const char *url, const char *method)
{
    request *q = calloc(1, sizeof *q);
    if (!q) return NULL;
    size_t length = strlen(s->prefix);
    bool inside = strncmp(url, s->prefix, length) == 0 && url[length] == '/';
    q->connection = c;
    q->inside = inside;
    q->began = now();
    q->x = (exchange){.method = method, .path = inside ? url + length : url, .status = 200, .file = -1};
    q->x.argument = argument;
    q->x.connection = c;
    q->x.body_type = header(c, "Content-Type");
    q->x.known = header(c, "If-None-Match");
    pthread_mutex_lock(&s->lock);
    s->active++;
    pthread_mutex_unlock(&s->lock);
    return q;
}

/* Whether a request goes on after its headers; the error is in q when not. */
static bool welcome(server *s, request *q, const struct asset *asset)
{
    exchange *x = &q->x;
    const char *told = header(q->connection, "Content-Length");
    if (!q->inside) serve_error(x, 404, "not_found", "there is nothing at this address");
    else if (!asset) x->route = route_find(x, &q->id);
    bool open = asset || (x->route && x->route->kind & ROUTE_OPEN);
    if (!let_in(s, q->connection, x, open)) return false; /* says so first, whatever is asked */
    if (told && strtoull(told, NULL, 10) > MOST_BODY) serve_error(x, 413, "too_large", "a body is at most 16 MB");
    return !x->json;
}

static enum MHD_Result on_request(void *user, struct MHD_Connection *c, const char *url, const char *method,
                                  const char *version, const char *data, size_t *size, void **state)
{
    server *s = user;
    request *q = *state;
    (void)version;
    if (!q) {
        if (!(q = *state = begin(s, c, url, method))) return MHD_NO;
        bool get = strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0;
        return welcome(s, q, get && q->inside ? page_asset(q->x.path) : NULL) ? MHD_YES : finish(s, q, NULL);
    }
    if (*size) {
        bool good = take(s, q, data, *size);
        *size = 0;
        return good ? MHD_YES : MHD_NO;
    }
    exchange *x = &q->x;
    const route *r = x->route;
    x->body = q->body;
    x->body_size = q->size;
    if (q->seen > MOST_BODY) serve_error(x, 413, "too_large", "a body is at most 16 MB");
    else if (r && !q->done && r->kind & ROUTE_QUICK) route_answer(s, x, NULL);
    else if (r && !q->done &&
             push(q, r->kind & ROUTE_HEAVY || (r->kind & ROUTE_PHOTO && x->body_type && x->body_type[0] == 'i')))
        return MHD_YES; /* and called again when it is done */
    return finish(s, q, r ? NULL : page_asset(x->path));
}

static void on_end(void *user, struct MHD_Connection *c, void **state, enum MHD_RequestTerminationCode why)
{
    server *s = user;
    request *q = *state;
    (void)c, (void)why;
    if (!q) return;
    pthread_mutex_lock(&s->lock);
    s->active--;
    s->bodies -= q->size;
    if (q->x.status >= 200 && q->x.status < 600) s->requests[q->x.status / 100]++;
    pthread_mutex_unlock(&s->lock);
    json_decref(q->x.json);
    free(q->x.bytes);
    if (q->x.file >= 0) close(q->x.file);
    free(q->body);
    free(q->id);
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

static bool is_loopback(const struct sockaddr *a)
{
    if (a->sa_family == AF_INET6)
        return IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *)(const void *)a)->sin6_addr);
    return a->sa_family == AF_UNIX ||
           (a->sa_family == AF_INET &&
            *(const unsigned char *)&((const struct sockaddr_in *)(const void *)a)->sin_addr == 127);
}

/* A listening socket: the one that systemd hands over, else a new one. 0 or EXIT_FAILED. */
static int open_socket(server *s, int port, int *handle)
{
    char service[16];
    struct addrinfo *found, hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE};
    struct sockaddr_storage own;
    socklen_t size = sizeof own;
    const char *pid = getenv("LISTEN_PID"), *count = getenv("LISTEN_FDS");
    int one = 1;
    if (pid && count && strtol(pid, NULL, 10) == (long)getpid() && strtol(count, NULL, 10) > 0) {
        *handle = 3;
        if (getsockname(*handle, (struct sockaddr *)&own, &size) != 0)
            return fail("LISTEN_FDS: descriptor 3 is no socket");
        s->loopback = is_loopback((struct sockaddr *)&own);
    } else {
        snprintf(service, sizeof service, "%d", port);
        if (getaddrinfo(s->host, service, &hints, &found) != 0)
            return fail("--listen %s: is no address of this machine", s->host);
        s->loopback = is_loopback(found->ai_addr);
        *handle = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        bool good = *handle >= 0 && setsockopt(*handle, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) == 0 &&
                    bind(*handle, found->ai_addr, found->ai_addrlen) == 0 && listen(*handle, SOMAXCONN) == 0;
        freeaddrinfo(found);
        if (!good)
            return fail("%s port %d: cannot be served: %s (another --listen PORT?)", s->host, port, strerror(errno));
    }
    if (s->loopback || *s->token) return 0;
    return fail("%s can be reached from other machines: give a token, in a file (--token-file) or in MASK_SERVE_TOKEN",
                pid ? "the socket" : s->host);
}

static void print_address(const server *s, int handle)
{
    char host[64] = "", port[16] = "";
    struct sockaddr_storage own;
    socklen_t size = sizeof own;
    if (getsockname(handle, (struct sockaddr *)&own, &size) == 0 && own.ss_family != AF_UNIX)
        getnameinfo((struct sockaddr *)&own, size, host, sizeof host, port, sizeof port,
                    NI_NUMERICHOST | NI_NUMERICSERV);
    bool colon = strchr(host, ':') != NULL;
    if (*port) printf("http://%s%s%s:%s%s/\n", colon ? "[" : "", host, colon ? "]" : "", port, s->prefix);
    fflush(stdout);
}

static volatile sig_atomic_t hung_up;

static void on_hang_up(int number)
{
    hung_up = number;
}

/* SIGHUP: every gallery is opened anew. */
static void reload_all(server *s)
{
    hung_up = 0;
    pthread_mutex_lock(&s->changing);
    for (size_t i = 0; i < s->count; i++) gallery_reload(s, &s->galleries[i]);
    pthread_mutex_unlock(&s->changing);
}

static unsigned most_connections(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return OTHER_FILES;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    return limit.rlim_cur > MOST_CONNECTIONS + OTHER_FILES ? MOST_CONNECTIONS
           : limit.rlim_cur > 2 * OTHER_FILES              ? (unsigned)limit.rlim_cur - OTHER_FILES
                                                           : OTHER_FILES;
}

int serve_http(server *s, int port)
{
    enum { MOST_WORKERS = 64 };
    pthread_t workers[MOST_WORKERS];
    int handle = -1;
    if (open_socket(s, port, &handle) != 0) {
        if (handle >= 0) close(handle);
        return EXIT_FAILED;
    }
    mallopt(M_MXFAST,
            0); /* a search frees large blocks, and each time the small ones were gathered: a tenth of its time */
    mallopt(M_ARENA_MAX, 4);
    size_t wanted = s->a->run.threads ? (size_t)s->a->run.threads : 2 * (size_t)sysconf(_SC_NPROCESSORS_ONLN);
    wanted = wanted < 2 ? 2 : wanted > MOST_WORKERS ? MOST_WORKERS : wanted;
    queue_begin(s);
    while (queue.workers < wanted && pthread_create(&workers[queue.workers], NULL, work, NULL) == 0) queue.workers++;
    struct MHD_Daemon *d = MHD_start_daemon(
        MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL, on_request, s,
        MHD_OPTION_LISTEN_SOCKET, handle, MHD_OPTION_THREAD_POOL_SIZE, (unsigned)READERS, MHD_OPTION_CONNECTION_LIMIT,
        most_connections(), MHD_OPTION_PER_IP_CONNECTION_LIMIT, s->loopback ? 0U : (unsigned)MOST_OF_ONE,
        MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_SECONDS, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)65536,
        MHD_OPTION_NOTIFY_COMPLETED, on_end, s, MHD_OPTION_END);
    if (!d || queue.workers == 0) return fail("the server cannot be started: %s", strerror(errno));
    sigaction(SIGHUP, &(struct sigaction){.sa_handler = on_hang_up}, NULL);
    print_address(s, handle);
    while (!progress_interrupted()) {
        usleep(50000);
        if (hung_up) reload_all(s);
    }
    MHD_socket last = MHD_quiesce_daemon(d); /* those who ask now are answered, nobody else */
    for (double end = now() + LAST_SECONDS; active(s) && now() < end;) usleep(20000);
    pthread_mutex_lock(&queue.lock);
    queue.ended = true;
    pthread_cond_broadcast(&queue.more);
    pthread_mutex_unlock(&queue.lock);
    for (size_t i = 0; i < queue.workers; i++) pthread_join(workers[i], NULL);
    if (last != MHD_INVALID_SOCKET) close(last);
    MHD_stop_daemon(d);
    return 0;
}
