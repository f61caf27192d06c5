/* mask serve: galleries over HTTP. serve-http.c speaks the protocol and guards the door, serve-routes.c is the table of
 * what can be asked, serve-api.c and serve-images.c answer, cmd-serve.c opens what is served. */
#ifndef MASK_CLI_SERVE_H
#define MASK_CLI_SERVE_H

#include "photo-gallery.h"

#include <pthread.h>

enum {
    MOST_GALLERIES = 64,
    MOST_NAMES = 16,
    MOST_BODY = 16 << 20,
    MOST_TEXT = 2000,
    MOST_RESULTS = 1000,
    MOST_QUERIES = 100,
    MOST_SIDE = 2048
};

/* A gallery as it was opened: who answers a request holds it, so that it can be opened anew meanwhile. */
typedef struct opened {
    char path[DATA_PATH];
    mask_gallery *gallery;
    mask_vectors *vectors; /* NULL where OOD words are off */
    mask_knowledge *knowledge;
    mask_matcher *matcher; /* with it, for photos that are not in the gallery: opened when first needed */
    pthread_mutex_t lock;  /* of matcher */
    size_t users;
} opened;

typedef struct served_gallery {
    char name[128], path[DATA_PATH]; /* path: changed by who holds `changing` */
    bool photos, taught;             /* the gallery of --photos; by what was taught here */
    opened *now;
    double refreshed;
} served_gallery;

typedef struct server {
    args *a;
    served_gallery galleries[MOST_GALLERIES];
    size_t count;
    text_list folders, roots; /* of --photos; those that photos of other galleries must lie in, none = anywhere */
    char host[256];
    const char *prefix; /* "" or "/name" */
    const char *names[MOST_NAMES], *teach;
    char uploads[DATA_PATH]; /* where photos are put, without links; "" = they are refused */
    size_t name_count;
    char token[257]; /* "" = none needed */
    bool loopback, access_log;
    pthread_mutex_t changing; /* held by who changes a gallery or uses what is open in `a` */
    pthread_mutex_t lock;     /* of what follows, of galleries[].now and .refreshed, and of their users */
    mask_extractor *extractor;
    uint64_t requests[6], searches, active, bodies; /* requests: by the hundreds of the status; bodies: bytes held */
    double search_seconds;
} server;

/* What a request may say, read by the table of parameters. */
typedef struct asked {
    const char *query, *gallery, *image, *id, *where, *name, *word;
    json_t *queries, *ids, *texts;
    json_int_t limit, offset, side;
    double min_confidence, image_weight;
    int explain, metadata;
} asked;

typedef struct route route;

/* A request, and its answer. */
typedef struct exchange {
    const char *method, *path; /* path: without the prefix */
    const char *body, *body_type;
    size_t body_size;
    const char *(*argument)(void *connection, const char *name); /* after the ?; NULL when it is not there */
    void *connection;
    const char *known; /* If-None-Match, or NULL */
    double until;      /* when its time is up */
    const route *route;
    served_gallery *gallery; /* of a route of a gallery, and as it is held */
    opened *use;
    asked asked;
    bool photo; /* the body is a photo */
    mask_error err;
    unsigned status;
    json_t *json;         /* the answer, or bytes: */
    unsigned char *bytes; /* freed with free() */
    size_t size;
    const char *type;
    char etag[48], allow[64]; /* allow: of a 405, the methods that there are */
    int file;                 /* -1, or the answer is this open file of `size` bytes */
} exchange;

enum {
    ROUTE_OPEN = 1,    /* without a token */
    ROUTE_QUICK = 2,   /* answered by who reads from the network */
    ROUTE_GALLERY = 4, /* about a gallery */
    ROUTE_JSON = 8,    /* its parameters are the members of a JSON object */
    ROUTE_PHOTO = 16,  /* the body may be a photo; then its parameters stand after the ? */
    ROUTE_HEAVY = 32,  /* looks at photos, or writes */
    ROUTE_CHANGE = 64, /* only where --upload-dir is given */
    ROUTE_TEACH = 128  /* only where --teach is given */
};

struct route {
    const char *method, *path; /* "{id}" stands for anything */
    unsigned kind;
    const char *parameters; /* their names */
    const char *needed;     /* those that a JSON body must have, "word ids"; or one of them, "query|image"; "" = none */
    const char *answer;     /* a schema of serve/schemas.json, or a media type */
    void (*run)(server *s, exchange *x);
    const char *summary;
};

/* The route of a request, with its {id} in *id (freed with free()); NULL with an error in x where there is none. */
const route *route_find(exchange *x, char **id);
/* Reads what is asked into x->asked, lets the route answer and releases what it held. */
void route_answer(server *s, exchange *x, char *id);
/* The OpenAPI document of all routes. */
void answer_openapi(server *s, exchange *x);

/* An error in the API's form. */
void serve_error(exchange *x, unsigned status, const char *type, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* The same of a call that failed with x->err. */
void library_error(exchange *x, mask_status status);
/* One of the page's files, as it is in the source. */
const char *asset_text(const char *name, size_t *size);

void gallery_release(server *s, opened *o);
/* Opens a gallery anew, that of --photos brought up to date. 0 or EXIT_FAILED. `changing` must be held. */
int gallery_reload(server *s, served_gallery *g);
/* What of a real path lies below a folder: "" where it is the folder itself; NULL where it does not. */
const char *path_below(const char *path, const char *folder);
/* The photo in the body, by an encoder that is opened by the first; NULL with an error in x. */
mask_images *read_photo(server *s, exchange *x, const mask_photo *photo);

void answer_health(server *s, exchange *x);
void answer_version(server *s, exchange *x);
void answer_metrics(server *s, exchange *x);
void answer_galleries(server *s, exchange *x);
void answer_search(server *s, exchange *x);
void answer_similar(server *s, exchange *x);
void answer_annotate(server *s, exchange *x);
void answer_image(server *s, exchange *x);
void answer_thumbnail(server *s, exchange *x);
void answer_upload(server *s, exchange *x);
void answer_delete(server *s, exchange *x);
void answer_reload(server *s, exchange *x);
void answer_teach(server *s, exchange *x);

/* Serves until a signal comes. 0 or EXIT_FAILED. */
int serve_http(server *s, int port);

#endif
