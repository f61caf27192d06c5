#include "base/http.h"
#include "base/library.h"

#define CURL_DISABLE_TYPECHECK
#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>

#define NAMES(X)                                                                                                       \
    X(curl_global_init)                                                                                                \
    X(curl_easy_init)                                                                                                  \
    X(curl_easy_cleanup)                                                                                               \
    X(curl_easy_setopt)                                                                                                \
    X(curl_easy_perform)                                                                                               \
    X(curl_easy_getinfo)                                                                                               \
    X(curl_easy_strerror)                                                                                              \
    X(curl_easy_escape)                                                                                                \
    X(curl_free)                                                                                                       \
    X(curl_slist_append)                                                                                               \
    X(curl_slist_free_all)
MASK__LIBRARY(curl, NAMES, MASK__CURL_FILE, "libcurl4")

enum { CONNECT_SECONDS = 10, SAID = 300 };
static const size_t most_reply = (size_t)4 << 30;

struct mask__http {
    CURL *curl;
    struct curl_slist *headers;
    char *url, *name;
    const mask_run *run;
    mask__bytes *reply;
};

static void start_curl(void)
{
    curl.curl_global_init(CURL_GLOBAL_DEFAULT);
}

static size_t take(char *from, size_t one, size_t count, void *context)
{
    mask__bytes *reply = context;
    if (reply->size + count > most_reply) return 0;
    mask__bytes_put(reply, from, one * count);
    return reply->lost ? 0 : one * count;
}

static int ask_run(void *context, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
    const mask_run *run = context;
    (void)a, (void)b, (void)c, (void)d;
    return mask__progress(run, "waiting for the server", "", 0, 0, NULL) != MASK_OK;
}

/* Without user:password@. */
static char *name_of(const char *url)
{
    char *name = strdup(url);
    char *host = name ? strstr(name, "://") : NULL, *at = host ? strchr(host, '@') : NULL;
    if (at) memmove(host + 3, at + 1, strlen(at + 1) + 1);
    return name;
}

mask_status mask__http_open(mask__http **out, const char *url, const mask_run *run, mask_error *err)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    *out = NULL;
    MASK__TRY(mask__library_open(&curl_library, url, err));
    pthread_once(&once, start_curl);
    mask__http *h = calloc(1, sizeof *h);
    if (!h) return mask__no_memory(err, url);
    *h = (mask__http){.curl = curl.curl_easy_init(),
                      .headers = curl.curl_slist_append(NULL, "Expect:"), /* would cost a round */
                      .url = strdup(url),
                      .name = name_of(url),
                      .run = run};
    if (!h->curl || !h->headers || !h->url || !h->name) {
        mask__http_close(h);
        return mask__no_memory(err, url);
    }
    curl.curl_easy_setopt(h->curl, CURLOPT_HTTPHEADER, h->headers);
    curl.curl_easy_setopt(h->curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl.curl_easy_setopt(h->curl, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_SECONDS);
    curl.curl_easy_setopt(h->curl, CURLOPT_NOSIGNAL, 1L);
    curl.curl_easy_setopt(h->curl, CURLOPT_TCP_NODELAY, 1L);
    curl.curl_easy_setopt(h->curl, CURLOPT_WRITEFUNCTION, take);
    curl.curl_easy_setopt(h->curl, CURLOPT_XFERINFOFUNCTION, ask_run);
    curl.curl_easy_setopt(h->curl, CURLOPT_XFERINFODATA, run);
    curl.curl_easy_setopt(h->curl, CURLOPT_NOPROGRESS, run && run->progress ? 0L : 1L);
    *out = h;
    return MASK_OK;
}

void mask__http_close(mask__http *h)
{
    if (!h) return;
    if (h->curl) curl.curl_easy_cleanup(h->curl);
    curl.curl_slist_free_all(h->headers);
    free(h->url);
    free(h->name);
    free(h);
}

const char *mask__http_name(const mask__http *h)
{
    return h->name;
}

static mask_status address_of(const mask__http *h, const char *const *pairs, mask__bytes *out, mask_error *err)
{
    mask__bytes_print(out, "%s", h->url);
    for (size_t i = 0; pairs[i]; i += 2) {
        char *value = curl.curl_easy_escape(h->curl, pairs[i + 1], 0);
        if (!value) return mask__no_memory(err, h->name);
        mask__bytes_print(out, "%c%s=%s", i || strchr(h->url, '?') ? '&' : '?', pairs[i], value);
        curl.curl_free(value);
    }
    return MASK_OK;
}

/* The first line of what the server said. */
static mask_status refused(const mask__http *h, long code, mask__bytes *reply, mask_error *err)
{
    const char *text = mask__bytes_text(reply);
    int length = (int)strcspn(text, "\r\n");
    return mask__fail(err, MASK_EIO, "%s: the server answers %ld: %.*s", h->name, code, length < SAID ? length : SAID,
                      text);
}

mask_status mask__http_post(mask__http *h, const char *const *pairs, const void *body, size_t size, mask__bytes *reply,
                            mask_error *err)
{
    mask__bytes address = {0};
    long code = 0;
    mask_status status = address_of(h, pairs, &address, err);
    reply->size = 0;
    if (status == MASK_OK && (mask__bytes_text(&address), address.lost)) status = mask__no_memory(err, h->name);
    if (status != MASK_OK) {
        mask__bytes_free(&address);
        return status;
    }
    curl.curl_easy_setopt(h->curl, CURLOPT_URL, mask__bytes_text(&address));
    curl.curl_easy_setopt(h->curl, CURLOPT_POST, 1L);
    curl.curl_easy_setopt(h->curl, CURLOPT_POSTFIELDS, body);
    curl.curl_easy_setopt(h->curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)size);
    curl.curl_easy_setopt(h->curl, CURLOPT_WRITEDATA, reply);
    CURLcode done = curl.curl_easy_perform(h->curl);
    curl.curl_easy_getinfo(h->curl, CURLINFO_RESPONSE_CODE, &code);
    mask__bytes_free(&address);
    if (done == CURLE_ABORTED_BY_CALLBACK) return mask__progress(h->run, "waiting for the server", "", 0, 0, err);
    if (done == CURLE_WRITE_ERROR) return mask__no_memory(err, h->name);
    if (done != CURLE_OK)
        return mask__fail(err, MASK_EIO, "%s: %s: check that the server runs and hears there", h->name,
                          curl.curl_easy_strerror(done));
    return code == 200 ? MASK_OK : refused(h, code, reply, err);
}
