/* Text files the commands write themselves (pages, reports): each appears when it is complete, and never in place of a
 * device or pipe. And those they read: opening never waits. */
#ifndef MASK_CLI_OUTPUT_H
#define MASK_CLI_OUTPUT_H

#include <stdio.h>

typedef struct output {
    FILE *file;
    char *path, *temporary; /* path: behind a symbolic link, what it leads to */
} output;

/* Whether a file could be written there, asked before long work: 0, or EXIT_FAILED after one line. */
int check_output(const char *path);
/* These return 0, or EXIT_FAILED after one line. */
int output_open(output *o, const char *path);
int output_close(output *o); /* makes the file visible; closes whatever happens */
void output_abort(output *o);

/* fopen(path, "r"), but a pipe nobody writes is at its end at once. */
FILE *open_input(const char *path);
/* From here on control characters that stdout and stderr send to a terminal become \xNN: ids, names and words come from
 * files, and must not command it. What goes to files and pipes stays as it is. */
void guard_terminal(void);

#endif
