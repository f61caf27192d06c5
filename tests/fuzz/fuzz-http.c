/* HTTP: bytes as a connection to mask serve brings them, over a pair of sockets. Whatever they are, the answer is none
 * or HTTP with a status that is not 500, and a JSON answer is JSON. */
#include "fuzz.h"
#include "cli/serve-http.c"

#include <sys/socket.h>

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

/* Of a connection's answers the first: of several the others follow it. */
static void check_answer(char *answer, size_t size)
{
    json_error_t bad;
    answer[size] = 0;
    if (size == 0) return;
    fuzz_check(size > 12 && strncmp(answer, "HTTP/1.", 7) == 0);
    fuzz_check(strncmp(answer + 9, "500", 3) != 0);
    char *type = strcasestr(answer, "content-type: application/json"), *length = strcasestr(answer, "content-length: ");
    char *body = strstr(answer, "\r\n\r\n");
    if (!type || !length || !body || type > body || length > body) return;
    size_t told = strtoul(length + 16, NULL, 10);
    if (told > size - (size_t)(body + 4 - answer)) return; /* HEAD, or more than the socket holds */
    json_t *json = json_loadb(body + 4, told, 0, &bad);
    fuzz_check(json || strncmp(body + 4, "HTTP", 4) == 0);
    json_decref(json);
}

void fuzz_one(const unsigned char *data, size_t size)
{
    static char answer[1 << 20];
    struct sockaddr_in from = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int pair[2];
    size_t got = 0;
    if (!mhd) start();
    if (size > 1 << 16 || socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair) != 0) return;
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
    check_answer(answer, got);
}
