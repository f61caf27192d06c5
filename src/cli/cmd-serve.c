/* mask serve: what is served, and to whom. */
#include "photo-gallery.h"
#include "serve.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* The token of --token-file, else of the environment. */
static int read_token(server *s, const args *a)
{
    const char *path = args_text(a, "--token-file", NULL), *given = getenv("MASK_SERVE_TOKEN");
    FILE *file = path ? open_input(path) : NULL;
    if (path && !file) return fail("%s: cannot be opened: give a file with the token on its first line", path);
    if (file) {
        if (!fgets(s->token, sizeof s->token, file)) s->token[0] = 0;
        fclose(file);
    } else if (given) {
        snprintf(s->token, sizeof s->token, "%s", given);
    }
    s->token[strcspn(s->token, "\r\n")] = 0;
    size_t length = strlen(s->token);
    if ((path || (given && *given)) && (length < 16 || length == sizeof s->token - 1))
        return fail("%s: a token has 16 to 255 characters: openssl rand -hex 32", path ? path : "MASK_SERVE_TOKEN");
    return 0;
}

static int add_gallery(server *s, const char *path, const char *name)
{
    args *a = s->a;
    if (s->count == MOST_GALLERIES) return fail("%s: at most %d galleries are served", path, MOST_GALLERIES);
    int result = open_gallery(a, path);
    if (result == 0) result = open_gallery_vectors(a);
    if (result) return result; /* main closes what is open */
    served_gallery *g = &s->galleries[s->count++];
    size_t length = strlen(path);
    while (length > 1 && path[length - 1] == '/') length--;
    size_t at = length;
    while (at > 0 && path[at - 1] != '/') at--;
    snprintf(g->name, sizeof g->name, "%.*s", name ? (int)strlen(name) : (int)(length - at), name ? name : path + at);
    if (ends_with(g->name, ".gallery")) g->name[strlen(g->name) - strlen(".gallery")] = 0;
    g->gallery = a->gallery;
    g->vectors = a->vectors;
    a->gallery = NULL;
    a->vectors = NULL;
    pthread_mutex_init(&g->lock, NULL);
    for (size_t i = 0; i + 1 < s->count; i++)
        if (strcmp(s->galleries[i].name, g->name) == 0)
            return fail("%s: there is another gallery named %s: rename one", path, g->name);
    return 0;
}

static int add_photos(server *s)
{
    args *a = s->a;
    folder_list list;
    char place[DATA_PATH];
    int result = folders_of(a, &list);
    if (result == 0 && list.count) result = photo_gallery(a, &list, place);
    if (result == 0 && list.count) result = add_gallery(s, place, "photos");
    folders_free(&list);
    return result;
}

static int read_prefix(server *s, const args *a)
{
    s->prefix = args_text(a, "--prefix", "");
    size_t length = strlen(s->prefix);
    for (size_t i = 0; i < length; i++)
        if (!isalnum((unsigned char)s->prefix[i]) && !strchr("/-_.", s->prefix[i])) length = 0;
    if (*s->prefix && (length == 0 || s->prefix[0] != '/' || s->prefix[length - 1] == '/'))
        return args_usage(a, "--prefix %s: expected a path such as /photos", s->prefix);
    return 0;
}

static int run_serve(args *a)
{
    int port = 8080;
    const char *name;
    server *s = calloc(1, sizeof *s);
    if (!s) return fail("out of memory");
    s->a = a;
    s->host = args_text(a, "--host", "127.0.0.1");
    s->access_log = args_has(a, "--access-log");
    pthread_mutex_init(&s->lock, NULL);
    int result = args_int(a, "--port", 0, 65535, &port);
    if (result == 0) result = read_prefix(s, a);
    if (result == 0) result = read_token(s, a);
    for (size_t i = 0; result == 0 && (name = args_each_text(a, "--name", i)); i++)
        if (s->name_count == MOST_NAMES) result = args_usage(a, "--name may be given %d times", MOST_NAMES);
        else s->names[s->name_count++] = name;
    if (result == 0 && a->positional_count == 0 && !args_has(a, "--photos"))
        result = args_usage(a, "expected a gallery, or --photos FOLDER");
    for (int i = 0; result == 0 && i < a->positional_count; i++) result = add_gallery(s, a->positional[i], NULL);
    if (result == 0) result = add_photos(s);
    progress_end();
    if (result == 0) result = serve_http(s, port);
    mask_extractor_close(s->extractor);
    for (size_t i = 0; i < s->count; i++) {
        mask_gallery_close(s->galleries[i].gallery);
        mask_vectors_close(s->galleries[i].vectors);
    }
    free(s);
    return result;
}

const command command_serve = {
    .name = "serve",
    .positional = "[G.gallery...]",
    .summary = "Serve galleries, or folders of photos, as a web page and an HTTP API on this machine",
    .details = "Prints the page's address and serves until Ctrl-C. Nothing leaves the machine, and the page asks "
               "nobody else.\n"
               "Other machines reach it only with --host, and then a token is needed (docs/serve.md).",
    .examples = "mask serve --photos ~/Pictures\n"
                "mask serve photos.gallery --port 9000",
    .options =
        (const option[]){
            {"--photos", "FOLDER", "serve the photos below it; may be given several times"},
            {"--exclude", "PATTERNS", "of --photos: leave out these files and folders (default: none)"},
            {"--knowledge", "K.mask", "of --photos (default: the starter that comes with mask)"},
            {"--encoder", "E.menc", "of --photos and uploaded photos (default: the one that comes with mask)"},
            {"--vectors", "FILE", "word vectors for OOD words (default: the file the knowledge was learned with)"},
            {"--port", "N", "0 = any that is free (default: 8080)"},
            {"--host", "H", "the address to listen at (default: 127.0.0.1, this machine alone)"},
            {"--name", "N", "also answer to this host name, of a proxy; may be given several times"},
            {"--token-file", "FILE", "who asks must know the token on its first line (or set MASK_SERVE_TOKEN)"},
            {"--prefix", "P", "the path below which everything lies, such as /photos (default: none)"},
            {"--access-log", NULL, "a JSON line on stderr for each request"},
            {0},
        },
    .run = run_serve,
};
