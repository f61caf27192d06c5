/* Text files the commands write themselves (pages, reports): each appears when it is complete, and never in place of a
 * device or pipe. */
#ifndef MASK_CLI_OUTPUT_H
#define MASK_CLI_OUTPUT_H

#include <jansson.h>
#include <stdio.h>

typedef struct output {
    FILE *file;
    char *path, *temporary; /* path: behind a symbolic link, what it leads to */
} output;

/* Whether a file could be written there, asked before long work: 0, or EXIT_FAILED after one line. */
int check_output(const char *path);
/* These return 0, or EXIT_FAILED after one line. */
int output_open(output *o, const char *path);
int output_close(output *o);                     /* makes the file visible; closes whatever happens */
int output_json(const char *path, json_t *json); /* releases json; NULL = out of memory */
void output_abort(output *o);

#endif
