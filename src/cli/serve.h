/* mask serve: galleries over HTTP. serve-http.c speaks the protocol and guards the door, serve-api.c answers. */
#ifndef MASK_CLI_SERVE_H
#define MASK_CLI_SERVE_H

#include "commands.h"

#include <pthread.h>

enum { MOST_GALLERIES = 64, MOST_NAMES = 16, MOST_BODY = 16 << 20 };

typedef struct served_gallery {
    char name[128];
    mask_gallery *gallery;
    mask_vectors *vectors; /* NULL where OOD words are off */
    pthread_mutex_t lock;  /* of refreshed */
    double refreshed;
} served_gallery;

typedef struct server {
    args *a;
    served_gallery galleries[MOST_GALLERIES];
    size_t count;
    const char *host, *prefix; /* prefix: "" or "/name" */
    const char *names[MOST_NAMES];
    size_t name_count;
    char token[257]; /* "" = none needed */
    bool loopback, access_log;
    pthread_mutex_t lock; /* of what follows */
    mask_extractor *extractor;
    uint64_t requests[6], searches, active; /* requests: by the hundreds of the status */
    double search_seconds;
} server;

/* What a request asks, and its answer. */
typedef struct exchange {
    const char *method, *path; /* path: without the prefix */
    const char *body, *body_type;
    size_t body_size;
    const char *(*argument)(void *connection, const char *name); /* after the ?; NULL when it is not there */
    void *connection;
    unsigned status;
    json_t *json;         /* the answer, or bytes: */
    unsigned char *bytes; /* freed with free() */
    size_t size;
    const char *type;
    char etag[40];
    int file; /* -1, or the answer is this open file of `size` bytes */
} exchange;

/* Fills the answer of a path below /v1. */
void serve_api(server *s, exchange *x);
/* An error in the API's form. */
void serve_error(exchange *x, unsigned status, const char *type, const char *message);
/* Serves until a signal comes. 0 or EXIT_FAILED. */
int serve_http(server *s, int port);

#endif
