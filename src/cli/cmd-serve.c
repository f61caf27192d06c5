/* mask serve: what is served, and to whom. */
#include "serve.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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

/* ---- Galleries ---- */

static void close_opened(opened *o)
{
    mask_matcher_close(o->matcher);
    mask_knowledge_close(o->knowledge);
    mask_gallery_close(o->gallery);
    mask_vectors_close(o->vectors);
    pthread_mutex_destroy(&o->lock);
    free(o);
}

void gallery_release(server *s, opened *o)
{
    pthread_mutex_lock(&s->lock);
    bool last = --o->users == 0;
    pthread_mutex_unlock(&s->lock);
    if (last) close_opened(o);
}

/* Opens a gallery, or opens it anew: others go on with what they hold. 0 or EXIT_FAILED. `changing` must be held. */
static int gallery_open(server *s, served_gallery *g)
{
    args *a = s->a;
    int result = open_gallery(a, g->path);
    if (result == 0) result = open_gallery_vectors(a);
    opened *o = result == 0 ? calloc(1, sizeof *o) : NULL, *old = g->now;
    if (result == 0 && !o) result = fail("out of memory");
    if (result == 0) {
        *o = (opened){.gallery = a->gallery, .vectors = a->vectors, .users = 1};
        snprintf(o->path, sizeof o->path, "%s", g->path);
        pthread_mutex_init(&o->lock, NULL);
        pthread_mutex_lock(&s->lock);
        g->now = o;
        g->refreshed = now();
        pthread_mutex_unlock(&s->lock);
        if (old) gallery_release(s, old);
    } else {
        mask_gallery_close(a->gallery);
        mask_vectors_close(a->vectors);
    }
    a->gallery = NULL;
    a->vectors = NULL;
    return result;
}

/* Brings the photos' gallery up to date, with what was taught here where that is. */
static int photos_path(server *s, char path[DATA_PATH])
{
    args *a = s->a;
    bool taught = s->teach && access(s->teach, R_OK) == 0;
    int given = a->option_count;
    int result = taught ? args_add(a, "--knowledge", NULL, s->teach) : 0;
    if (result == 0) result = photo_gallery(a, &s->folders, path);
    a->option_count = given;
    return result;
}

int gallery_reload(server *s, served_gallery *g)
{
    char before[DATA_PATH];
    bool taught = g->taught;
    snprintf(before, sizeof before, "%s", g->path);
    int result = g->photos ? photos_path(s, g->path) : 0;
    if (result == 0) result = gallery_open(s, g);
    progress_end(); /* here: there is one line of progress, and who reloads has s->changing */
    if (result) snprintf(g->path, sizeof g->path, "%s", before);
    else g->taught = s->teach && access(s->teach, R_OK) == 0;
    /* What was taught before is not asked for again. */
    if (result == 0 && taught && strcmp(before, g->path) != 0) mask_gallery_delete(before, NULL);
    return result;
}

static int add_gallery(server *s, const char *path, const char *name)
{
    if (s->count == MOST_GALLERIES) return fail("%s: at most %d galleries are served", path, MOST_GALLERIES);
    served_gallery *g = &s->galleries[s->count];
    size_t length = strlen(path);
    while (length > 1 && path[length - 1] == '/') length--;
    size_t at = length;
    while (at > 0 && path[at - 1] != '/') at--;
    if (snprintf(g->path, sizeof g->path, "%s", path) >= (int)sizeof g->path) return fail("%.60s...: too long", path);
    snprintf(g->name, sizeof g->name, "%.*s", name ? (int)strlen(name) : (int)(length - at), name ? name : path + at);
    if (ends_with(g->name, ".gallery")) g->name[strlen(g->name) - strlen(".gallery")] = 0;
    g->photos = name != NULL;
    g->taught = name && s->teach && access(s->teach, R_OK) == 0;
    for (size_t i = 0; i < s->count; i++)
        if (strcmp(s->galleries[i].name, g->name) == 0)
            return fail("%s: there is another gallery named %s: rename one", path, g->name);
    int result = gallery_open(s, g);
    s->count += result == 0;
    return result;
}

static int add_photos(server *s)
{
    char place[DATA_PATH];
    int result = folders_of(s->a, "--photos", &s->folders);
    if (result == 0 && s->teach && !s->folders.count) return args_usage(s->a, "--teach is for --photos");
    if (result == 0 && s->folders.count) result = photos_path(s, place);
    if (result == 0 && s->folders.count) result = add_gallery(s, place, "photos");
    return result;
}

/* Uploads to the gallery of --photos must lie below its folders, or they were forgotten the next time. */
static int read_uploads(server *s)
{
    const char *path = args_text(s->a, "--upload-dir", NULL);
    if (!path) return 0;
    if (!realpath(path, s->uploads) || access(s->uploads, W_OK) != 0 || strlen(s->uploads) > DATA_PATH - 200)
        return fail("--upload-dir %.200s: is no folder that can be written: make it first", path);
    bool inside = s->folders.count == 0;
    for (size_t i = 0; i < s->folders.count; i++) inside = inside || path_below(s->uploads, s->folders.texts[i]);
    return inside ? 0 : fail("--upload-dir %.200s: must lie below a folder of --photos, which is searched", path);
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

/* The address to listen at: HOST:PORT, [::1]:PORT or PORT. */
static int read_address(server *s, const args *a, int *port)
{
    const char *given = args_text(a, "--listen", "127.0.0.1:8080"), *colon = strrchr(given, ':');
    const char *number = colon ? colon + 1 : given, *host = colon && colon > given ? given : "127.0.0.1";
    size_t length = host == given ? (size_t)(colon - given) : strlen(host);
    if (host[0] == '[' && host[length - 1] == ']') host++, length -= 2;
    size_t digits = strspn(number, "0123456789");
    *port = digits && digits < 6 && !number[digits] ? (int)strtol(number, NULL, 10) : -1;
    if (*port < 0 || *port > 65535 || length >= sizeof s->host)
        return args_usage(a, "--listen %s: expected HOST:PORT, such as 127.0.0.1:8080, or a port", given);
    snprintf(s->host, sizeof s->host, "%.*s", (int)length, host);
    return 0;
}

static int run_serve(args *a)
{
    int port;
    const char *name;
    server *s = calloc(1, sizeof *s);
    if (!s) return fail("out of memory");
    s->a = a;
    s->access_log = args_has(a, "--access-log");
    s->teach = args_text(a, "--teach", NULL);
    pthread_mutex_init(&s->lock, NULL);
    pthread_mutex_init(&s->changing, NULL);
    int result = read_address(s, a, &port);
    if (result == 0) result = read_prefix(s, a);
    if (result == 0) result = read_token(s, a);
    for (size_t i = 0; result == 0 && (name = args_each_text(a, "--name", i)); i++)
        if (s->name_count == MOST_NAMES) result = args_usage(a, "--name may be given %d times", MOST_NAMES);
        else s->names[s->name_count++] = name;
    if (result == 0 && a->positional_count == 0 && !args_has(a, "--photos"))
        result = args_usage(a, "expected a gallery, or --photos FOLDER");
    for (int i = 0; result == 0 && i < a->positional_count; i++) result = add_gallery(s, a->positional[i], NULL);
    if (result == 0) result = add_photos(s);
    if (result == 0) result = read_uploads(s);
    if (result == 0) result = folders_of(a, "--root", &s->roots);
    progress_end();
    if (result == 0) result = serve_http(s, port);
    mask_extractor_close(s->extractor);
    for (size_t i = 0; i < s->count; i++) gallery_release(s, s->galleries[i].now);
    texts_free(&s->folders);
    texts_free(&s->roots);
    free(s);
    return result;
}

const command command_serve = {
    .name = "serve",
    .positional = "[G.gallery...]",
    .summary = "Serve galleries, or folders of photos, as a web page and an HTTP API on this machine",
    .details = "Prints the page's address and serves until Ctrl-C. Nothing leaves the machine, and the page asks "
               "nobody else.\n"
               "Other machines reach it only with --listen, and then a token is needed (docs/serve.md).\n"
               "Each option may also be set in the environment: --access-log as MASK_SERVE_ACCESS_LOG=1, --listen as\n"
               "MASK_SERVE_LISTEN=ADDRESS. SIGHUP opens the galleries anew.",
    .environment = "MASK_SERVE_",
    .examples = "mask serve --photos ~/Pictures\n"
                "mask serve photos.gallery --listen 9000",
    .options =
        (const option[]){
            {"--photos", "FOLDER", "serve the photos below it; may be given several times"},
            {"--exclude", "PATTERNS", "of --photos: leave out these files and folders (default: none)"},
            {"--knowledge", "K.mask", "of --photos (default: the starter that comes with mask)"},
            {"--encoder", "E.menc", "of --photos and uploaded photos (default: the one that comes with mask)"},
            {"--vectors", "FILE", "word vectors for OOD words (default: the file the knowledge was learned with)"},
            {"--listen", "ADDRESS",
             "HOST:PORT, or a port of this machine alone; port 0 is any that is free (default: 127.0.0.1:8080)"},
            {"--name", "N", "also answer to this host name, of a proxy; may be given several times"},
            {"--token-file", "FILE", "who asks must know the token on its first line (or set MASK_SERVE_TOKEN)"},
            {"--upload-dir", "FOLDER",
             "photos may be added, as files in it, and removed (default: nothing is changed)"},
            {"--teach", "K.mask", "of --photos: words may be taught; this file keeps them, and is used if it is there"},
            {"--root", "FOLDER", "of galleries: give out photos below it alone; may be given several times"},
            {"--prefix", "P", "the path below which everything lies, such as /photos (default: none)"},
            {"--access-log", NULL, "a JSON line on stderr for each request"},
            {0},
        },
    .run = run_serve,
};
