/* What commands share; every command's table entry lives with its code. */
#ifndef MASK_CLI_COMMANDS_H
#define MASK_CLI_COMMANDS_H

#include "args.h"

#include <jansson.h>
#include <stdio.h>

/* In the order of mask help. */
#define COMMANDS(X)                                                                                                    \
    X(vectors_import), X(vectors_near), X(learn), X(calibrate), X(teach), X(info), X(words), X(encode), X(score),      \
        X(eval), X(convert), X(extract), X(rerank), X(adapt), X(encoder_import), X(encoder_join), X(index),            \
        X(index_add), X(index_remove), X(index_compact), X(index_verify), X(index_metadata), X(search), X(similar),    \
        X(annotate), X(report), X(export), X(serve), X(cache_list), X(cache_clear)
#define COMMAND(name) command_##name
extern const command COMMANDS(COMMAND);

/* "statistics from 1,000 background images and 500 of these", for a gallery whose images joined them; returns text. */
enum { STATISTICS_TEXT = 128 };
const char *statistics_text(const mask_gallery_info *info, char text[STATISTICS_TEXT]);
/* mask help, mask help COMMAND, and the manual pages of both. */
void help_all(FILE *out, const command *const *commands, size_t count);
void help_command(const command *c);
void help_manual(const command *const *commands, size_t count);
void help_command_manual(const command *c);
/* mask help --completion SHELL. */
int completion(const command *const *commands, size_t count, const char *shell);
/* mask info of a gallery. */
int info_gallery(args *a, const char *path);
/* These open what a command needs, into a, for as long as it runs: 0, or EXIT_FAILED after one line. */
int open_knowledge(args *a, const char *path);
int open_images(args *a, const char *path); /* of --split */
int open_texts(args *a, const char *path);
int open_dataset(args *a, const char *path); /* images and texts, of --split and --captions */
int open_gallery(args *a, const char *path);
/* The database of --database and --cluster, on the servers of the option `url`. */
void read_clickhouse(const args *a, const char *url, mask_clickhouse *out);
/* Word vectors: --vectors, or those of a->knowledge, which may come with mask; a->vectors stays NULL when OOD words are
 * off. */
int open_vectors(args *a, const mask_match_options *options);
/* The same for a->gallery. */
int open_gallery_vectors(args *a);
/* Vectors, and a matcher for a->knowledge. */
int open_matcher(args *a, const mask_match_options *options);
void close_all(args *a);

/* What a message of the library means for the command line; NULL when there is nothing to add. */
const char *advice(const char *message);
/* Prints a failed call's message, with advice; returns EXIT_FAILED. */
int failed(const mask_error *err);
/* Prints one line of our own about a failure; returns EXIT_FAILED. */
int fail(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Prints a JSON object and releases it; returns 0, or EXIT_FAILED when stdout cannot take it. */
int print_json(json_t *object);
/* The same on one line; false when stdout cannot take it, or it holds no valid UTF-8. */
bool print_json_line(json_t *object);
json_t *box_json(const float box[4]);
json_t *neighbours_json(const mask_word *word);
json_t *recall_json(const mask_recall *recall);
/* What a run read and how it was asked, for whoever must tell it from another: version, command, seed and threads. */
json_t *run_json(const args *a);
/* Adds an input's path, size and XXH3 hash (of 128 bits, as xxhsum -H2 prints it) to a run's "inputs". Of a folder the
 * files whose names begin with `start`, one after the other as `cat` would. NULL paths add nothing. */
void add_input(json_t *run, const char *name, const char *path, const char *start);
bool ends_with(const char *text, const char *end);
enum { DATA_PATH = 4400 };
/* Where a file that comes with mask lies: beside the program, in ../share/mask, or in the user's data folder. */
bool find_data(const char *name, char path[DATA_PATH]);
/* The path `given`, else (NULL, "") of the `usual` file that comes with mask; hint ends the message when that is not
 * there. 0, or EXIT_FAILED after one line. */
int find_file(const char *given, const char *usual, const char *hint, char path[DATA_PATH]);
/* --encoder, else MASK_ENCODER, else the usual one: the encoder that is built in, or the detector of `make detector`,
 * which the starter knowledge was learned with. 0, or EXIT_FAILED after one line. */
#define ENCODER "default.menc"
int find_encoder(const args *a, char path[DATA_PATH]);
/* mask info of a .menc. */
int info_encoder(args *a, const char *path);
/* Entries for the option tables of commands that match. */
#define MATCH_OPTIONS_AS(preset, heading)                                                                              \
    {"--vectors", "FILE", "word vectors for OOD words (default: the file the knowledge was learned with)"},            \
        {"--preset", "P", "tuned: the best found; section9: calibration as first published; plain: none"},             \
        {"--ood", "M|off|procrustes", "neighbours of a word without prototype (default: 200)"},                        \
        TABLE(MATCH, preset, heading)
#define MATCH_OPTIONS MATCH_OPTIONS_AS("plain", "Matching: as the knowledge was calibrated, else by these defaults")

enum { OPTION_TEXT = 64 };
/* An option's value as text; returns it. */
const char *option_text(mask_options_kind kind, const void *options, const char *name, char text[OPTION_TEXT]);
/* The options of a kind that files keep, by name. */
json_t *options_json(mask_options_kind kind, const void *options);
/* *options from the defaults of a->knowledge, if one is open, and the command line; 0 or EXIT_USAGE. */
int read_match_options(const args *a, mask_match_options *options);

/* ---- Progress on stderr (a bar on a terminal, else a plain line now and then), and Ctrl-C ---- */

/* Fills the callbacks of *run. quiet: no bar, no notes; warnings stay. */
void progress_start(mask_run *run, bool quiet);
/* Seconds on a clock that only goes forward. */
double now(void);
/* The signal that came (Ctrl-C is SIGINT); 0 = none. */
int progress_interrupted(void);
/* Ends the bar's line, if one is open; what is printed to a terminal does so by itself. */
void progress_end(void);

/* ---- Files ---- */

/* A text file that a command writes (a page, a report): it appears when it is complete, and never in place of a device
 * or pipe. */
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

typedef struct text_list {
    char **texts;
    size_t count;
} text_list; /* {0} is a valid empty list */

int texts_add(text_list *list, const char *text); /* 0, or EXIT_FAILED after one line */
void texts_free(text_list *list);
/* The lines of a file, "-" = stdin, without their ends. 0, or EXIT_FAILED after one line. */
int lines_read(text_list *list, const char *path);
/* fopen(path, "r"), but a pipe nobody writes is at its end at once. */
FILE *open_input(const char *path);
/* From here on control characters that stdout and stderr send to a terminal become \xNN: ids, names and words come from
 * files, and must not command it. What goes to files and pipes stays as it is. */
void guard_terminal(void);

#endif
