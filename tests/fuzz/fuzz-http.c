/* HTTP: bytes as a connection to mask serve brings them, over a pair of sockets. Whatever they are, the answer is none
 * or HTTP with a status that is not 500, and a JSON answer is JSON. */
#include "fuzz.h"
#include "cli/serve-http.c"
#ifndef MASK_FUZZ
#include "../starve.h"
#endif

#include <sys/socket.h>

static char answer[1 << 20];
static server serving;
static struct MHD_Daemon *mhd;

static void start(void)
{
    static args a;
    mask_error err;
    served_gallery *g = &serving.galleries[0];
    mask_extract_options o = mask_extract_defaults();
    static opened own;
    const char *path = fuzz_gallery(NULL);
    g->now = &own;
    own.users = 1;
    fuzz_check(fuzz_ok(mask_vectors_open(&own.vectors, FIXTURE("v.mvec"), NULL, &err), &err));
    fuzz_check(fuzz_ok(mask_gallery_open(&own.gallery, path, &fuzz_run, &err), &err));
    fuzz_check(fuzz_ok(mask_extractor_open(&serving.extractor, FIXTURE("e.menc"), &o, &fuzz_run, &err), &err));
    pthread_mutex_init(&own.lock, NULL);
    pthread_mutex_init(&serving.lock, NULL);
    pthread_mutex_init(&serving.changing, NULL);
    queue_begin(&serving);
    snprintf(own.path, sizeof own.path, "%s", path);
    snprintf(g->name, sizeof g->name, "g");
    serving.a = &a;
    serving.count = 1;
    strcpy(serving.host, "127.0.0.1");
    serving.prefix = "";
    serving.loopback = true;
    mhd = MHD_start_daemon(MHD_USE_NO_LISTEN_SOCKET | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL, on_request, &serving,
                           MHD_OPTION_NOTIFY_COMPLETED, on_end, &serving, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
                           (size_t)65536, MHD_OPTION_END);
    fuzz_check(mhd);
}

/* What workers do: here by the one thread that there is. */
static void work_all(void)
{
    pthread_mutex_lock(&queue.lock);
    while (work_once()) {
    }
    pthread_mutex_unlock(&queue.lock);
}

/* Of a connection's answers the first: of several the others follow it. Returns its status, 0 = none. */
static int check_answer(size_t size)
{
    json_error_t bad;
    answer[size] = 0;
    if (size == 0) return 0;
    fuzz_check(size > 12 && strncmp(answer, "HTTP/1.", 7) == 0);
    int status = atoi(answer + 9);
    char *type = strcasestr(answer, "content-type: application/json"), *length = strcasestr(answer, "content-length: ");
    char *body = strstr(answer, "\r\n\r\n");
    if (!type || !length || !body || type > body || length > body) return status;
    size_t told = strtoul(length + 16, NULL, 10);
    if (told > size - (size_t)(body + 4 - answer)) return status; /* HEAD, or more than the socket holds */
    json_t *json = json_loadb(body + 4, told, 0, &bad);
    fuzz_check(json || strncmp(body + 4, "HTTP", 4) == 0);
    json_decref(json);
    return status;
}

/* Sends it; returns how much was answered. */
static size_t ask(const unsigned char *data, size_t size)
{
    struct sockaddr_in from = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int pair[2];
    size_t got = 0;
    if (size > 1 << 16 || socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair) != 0) return 0;
    bool sent = write(pair[0], data, size) == (ssize_t)size && shutdown(pair[0], SHUT_WR) == 0;
    if (MHD_add_connection(mhd, pair[1], (struct sockaddr *)&from, sizeof from) == MHD_YES) {
        for (int i = 0; sent && i < 200; i++) {
            MHD_run(mhd);
            work_all();
            ssize_t n = read(pair[0], answer + got, sizeof answer - 1 - got);
            if (n == 0) break;
            if (n > 0) got += (size_t)n;
        }
    }
    close(pair[0]);
    for (int i = 0; i < 4; i++) {
        work_all();
        MHD_run(mhd);
    }
    return got;
}

void fuzz_one(const unsigned char *data, size_t size)
{
    if (!mhd) start();
    fuzz_check(check_answer(ask(data, size)) != 500);
}

#ifndef MASK_FUZZ
/* Memory that ends: the answer is none, one of 5xx, or the right one; and after it all is as before. */
void fuzz_starved(const unsigned char *data, size_t size)
{
    bool changes = size > 6 && memcmp(data, "DELETE", 6) == 0;
    int status = 0, usual = check_answer(ask(data, size));
    /* Jansson 2.14 does not survive it while it reads; while it writes, it shall be noticed. */
    json_set_alloc_funcs(memcmp(data, "POST", 4) == 0 ? __real_malloc : malloc, free);
    for (size_t n = 0;; n++) {
        starved = false;
        allowed = n;
        size_t got = ask(data, size);
        allowed = SIZE_MAX;
        status = check_answer(got);
        if (!starved) break;
        if (status && status != usual && status / 100 != 5 && !changes) {
            fprintf(stderr, "allocation %zu fails: %.300s\n", n, answer);
            fuzz_check(!"a request is not to blame for the server's memory");
        }
    }
    fuzz_check(status == usual || changes);
    json_set_alloc_funcs(__real_malloc, free);
}
#endif
