/* The command line of one command: positional arguments and --options, checked against the command's table. */
#ifndef MASK_CLI_ARGS_H
#define MASK_CLI_ARGS_H

#include "mask_research.h"

enum { EXIT_FAILED = 1, EXIT_USAGE = 2 };
enum { MAX_POSITIONAL = 16384 /* a shell's *.jpg */, MAX_OPTIONS = 64 };

typedef struct option {
    const char *name;  /* "--top"; "-k" too; of a TABLE, "@" and its kind */
    const char *value; /* what stands after it in the help ("N"); NULL = a flag. Of a table, the preset it shows */
    const char *help;  /* of a table, what stands above it; may be NULL */
} option;

/* An entry for all options of a table in mask_options.h but those that the command lists itself. */
#define TABLE(KIND, preset, heading)                                                                                   \
    {                                                                                                                  \
        (const char[]){'@', MASK_OPTIONS_##KIND}, preset, heading                                                      \
    }

typedef struct args args;

typedef struct command {
    const char *name;        /* "eval", "vectors import" */
    const char *positional;  /* "K.mask [DATA] PHOTOS..."; how many there must be follows from it */
    const char *summary;     /* one line */
    const char *details;     /* more lines for help and manual page; may be NULL */
    const char *examples;    /* whole command lines, one a line */
    const option *options;   /* ends with a NULL name; the common ones are added; may be NULL */
    const char *needed;      /* those of them that must be given, "-o --images"; may be NULL */
    const char *environment; /* options may also be set there, by this and their name; may be NULL */
    int (*run)(args *a);
} command;

extern const option common_options[];

typedef struct given_option {
    const char *name, *value;
    const mask_option *row; /* of a table; NULL = the command's own */
} given_option;

struct args {
    const command *command;
    int positional_count;
    const char *positional[MAX_POSITIONAL];
    int option_count;
    given_option options[MAX_OPTIONS];
    int word_count; /* the command line as it was given, without the program */
    char *const *words;
    mask_run run;
    bool quiet, json;
    mask_error err; /* of the library's call that failed last */
    /* What the command has opened (commands.h); main closes it. */
    mask_knowledge *knowledge;
    mask_vectors *vectors;
    mask_images *images;
    mask_texts *texts;
    mask_matcher *matcher;
    mask_gallery *gallery;
};

/* Fills *a from the words after the command's name; prints what is wrong and returns EXIT_USAGE, else 0. */
int args_parse(args *a, const command *c, int count, char **words);
/* Prints one line and where to read on; returns EXIT_USAGE. */
int args_usage(const args *a, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* As if the option stood at the end of the command line: 0, or EXIT_USAGE after one line. */
int args_add(args *a, const char *name, const mask_option *row, const char *value);
/* Sets what the command line has of a table: 0, or EXIT_USAGE after one line. */
int args_options(const args *a, mask_options_kind kind, void *options);
/* The same, after --preset P, where it is given. */
int args_preset(const args *a, mask_options_kind kind, void *options, size_t size);
/* Shows a command's options and those of its tables; the heading of a table comes with a NULL name. */
void args_each(const option *list, void (*show)(const char *name, const char *value, const char *help));

bool args_has(const args *a, const char *name);
const char *args_text(const args *a, const char *name, const char *otherwise);
/* The use of an option that may be given several times, in order; NULL after the last. */
const char *args_each_text(const args *a, const char *name, size_t which);
/* These leave *value when the option is absent; on a bad value they print and return EXIT_USAGE. */
int args_number(const args *a, const char *name, double low, double high, double *value);
int args_size(const args *a, const char *name, size_t low, size_t high, size_t *value);

#endif
