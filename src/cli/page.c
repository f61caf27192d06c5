#include "page.h"
#include "results.h"
#include "serve.h"

#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PHOTO_SIDE = 480 };

/* JSON inside of a script: nothing in it may end the script. */
static void put_json(FILE *file, json_t *json)
{
    char *text = json ? json_dumps(json, JSON_COMPACT | JSON_REAL_PRECISION(9)) : NULL;
    for (const char *at = text; at && *at; at++)
        if (*at == '<') fputs("\\u003c", file);
        else fputc(*at, file);
    free(text);
    json_decref(json);
}

static void put_file(FILE *file, const char *name)
{
    size_t size;
    const char *text = asset_text(name, &size);
    fwrite(text, 1, size, file);
}

int page_open(output *p, const char *path, const char *title)
{
    int result = output_open(p, path);
    if (result) return result;
    fprintf(p->file,
            "<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"viewport\" "
            "content=\"width=device-width,initial-scale=1\"><meta http-equiv=\"Content-Security-Policy\" "
            "content=\"default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'\">"
            "<title>%s</title><style>\n",
            title);
    put_file(p->file, "style.css");
    fprintf(p->file, "</style>\n<main class=\"report\"><h1>%s</h1></main>\n", title);
    return 0;
}

/* A path as the address of a file; letters that an address cannot hold are escaped. Freed with free(). */
static char *address_of(const char *path)
{
    char *whole = realpath(path, NULL), *out = NULL;
    size_t size;
    FILE *file = open_memstream(&out, &size);
    if (file) fputs("file://", file);
    for (const unsigned char *at = (const unsigned char *)(whole ? whole : path); file && *at; at++) {
        bool plain = (*at >= 'a' && *at <= 'z') || (*at >= 'A' && *at <= 'Z') || (*at >= '0' && *at <= '9') ||
                     strchr("/-_.~", *at);
        fprintf(file, plain ? "%c" : "%%%02X", *at);
    }
    if (file) fclose(file);
    free(whole);
    return out;
}

static void show_link(const char *path, bool open)
{
    char *address = address_of(path);
    fprintf(stderr, "%s\n", address ? address : path);
    if (open && address) {
        pid_t child = fork();
        if (child == 0) { /* what a browser says is nobody's business */
            if (freopen("/dev/null", "w", stdout) && freopen("/dev/null", "w", stderr))
                execlp("xdg-open", "xdg-open", address, (char *)NULL);
            _exit(127);
        }
        int status = 0;
        if (child < 0 || waitpid(child, &status, 0) != child || status != 0)
            fprintf(stderr, "no browser can be opened here (xdg-open): open the address above\n");
    }
    free(address);
}

/* A photo as an address that holds all of it; null where there is none to show. */
static json_t *picture_json(const char *path)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    static const char begin[] = "data:image/jpeg;base64,";
    unsigned char *b = NULL;
    size_t size = 0;
    if (!path || mask_photo_thumbnail(path, PHOTO_SIDE, &b, &size, NULL) != MASK_OK) return json_null();
    char *text = malloc(sizeof begin + (size + 2) / 3 * 4), *to = text ? stpcpy(text, begin) : NULL;
    for (size_t i = 0; to && i < size; i += 3) {
        size_t left = size - i;
        unsigned value = (unsigned)b[i] << 16 | (left > 1 ? (unsigned)b[i + 1] << 8 : 0) | (left > 2 ? b[i + 2] : 0);
        *to++ = digits[value >> 18];
        *to++ = digits[value >> 12 & 63];
        *to++ = left > 1 ? digits[value >> 6 & 63] : '=';
        *to++ = left > 2 ? digits[value & 63] : '=';
    }
    json_t *out = to ? json_stringn(text, (size_t)(to - text)) : json_null();
    free(text);
    free(b);
    return out;
}

static json_t *shown_json(void *user, const mask_results *results, const mask_hit *hit)
{
    (void)user;
    json_t *out = item_json(results, hit);
    char *address = hit->name ? address_of(hit->name) : NULL;
    json_object_set_new(out, "picture", picture_json(hit->name));
    json_object_set_new(out, "link", text_json(address));
    free(address);
    return out;
}

void page_results(output *p, const char *const *texts, size_t count, const mask_query *query,
                  const mask_results *results)
{
    json_t *found = found_json(results, query, shown_json, NULL), *list = json_array();
    for (size_t i = 0; i < count; i++) json_array_append_new(list, text_json(texts[i]));
    json_object_set_new(found, "texts", list);
    fprintf(p->file, "<script type=\"application/json\" class=\"found\">");
    put_json(p->file, found);
    fprintf(p->file, "</script>\n");
}

int page_end(output *p, const args *a, int result, const char *path)
{
    if (result) {
        output_abort(p);
        return result;
    }
    fprintf(p->file, "<script>\n");
    put_file(p->file, "results.js");
    fprintf(p->file, "</script>\n");
    result = output_close(p);
    bool open = args_has(a, "--open");
    if (result == 0 && (open || !a->quiet)) show_link(path, open);
    return result;
}
