/* Every command's table entry lives with its code; main.c lists them. */
#ifndef MASK_CLI_COMMANDS_H
#define MASK_CLI_COMMANDS_H

#include "args.h"
#include "output.h"
#include "progress.h"

#include <jansson.h>

extern const command command_vectors_import, command_vectors_near;
extern const command command_learn, command_calibrate;
extern const command command_info, command_words, command_encode;
extern const command command_score, command_eval;
extern const command command_convert;
extern const command command_extract;
extern const command command_rerank, command_adapt, command_reproduce;
extern const command command_encoder_import;
extern const command command_encoder_join;
extern const command command_index, command_index_add, command_index_remove, command_index_compact;
extern const command command_index_verify, command_index_metadata;
extern const command command_search, command_similar, command_annotate;

/* mask info of a gallery. */
int info_gallery(const args *a, const char *path);
/* Prints a failed call's message; returns EXIT_FAILED. */
int failed(const mask_error *err);
/* Prints one line of our own about a failure; returns EXIT_FAILED. */
int fail(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Prints a JSON object and releases it; returns 0, or EXIT_FAILED when stdout cannot take it. */
int print_json(json_t *object);
enum { DATA_PATH = 4400 };
/* Where a file that comes with mask lies: beside the program, in ../share/mask, or in the user's data folder. */
bool find_data(const char *name, char path[DATA_PATH]);
/* --encoder, else MASK_ENCODER, else the usual one: the encoder that is built in, or the detector of `make detector`,
 * which the starter knowledge was learned with. 0, or EXIT_FAILED after one line. */
#define ENCODER "default.menc"
#define DETECTOR "objectron.menc"
int find_encoder(const args *a, const char *usual, char path[DATA_PATH]);
/* Brings the gallery of a folder of photos up to date, in the user's cache, making it where there is none; gives its
 * path. 0 or EXIT_FAILED. */
int photo_gallery(args *a, const char *folder, char path[DATA_PATH]);
/* mask info of a .menc. */
int info_encoder(const args *a, const char *path);
/* Entries for the option tables of commands that match. */
#define MATCH_OPTIONS                                                                                                  \
    {"--vectors", "FILE", "word vectors for OOD words (default: the file the knowledge was learned with)"},            \
        {"--pool", "P", "max-mean, region-max or mean"}, {"--top", "N", "regions averaged by max-mean; 1 = maximum"},  \
        {"--context", "X", "weight of the whole image beside its regions"},                                            \
        {"--whole-region", "N|mean|auto",                                                                              \
         "which region is the whole image; auto = region 0 where its box holds the others"},                           \
        {"--ood", "M|off|procrustes", "neighbours of a word without prototype"},                                       \
        {"--ood-temperature", "T", "of the softmax over the neighbours"},                                              \
        {"--ood-weight", "auto|X", "of an OOD word in a text's mean, where a known word weighs 1"},                    \
        {"--ood-company", "X", "share of co-occurrence in an OOD word's neighbours"},                                  \
        {"--scene", "X", "weight of the scene columns"},                                                               \
        {"--preset", "P", "section9: calibration as first published; tuned: the best found (default)"},                \
        {"--text-power", "X", "scales a text's scores by its words' summed weight"},                                   \
        {"--image-power", "X", "divides an image's scores by their deviation"},                                        \
        {"--calibrate", "C", "none, centre, zscore, text or full"},                                                    \
        {"--hub-image", "A", "weight of the images' hubness"}, {"--hub-text", "B", "weight of the texts' hubness"},    \
        {"--hub-neighbours", "N", "scores averaged by hubness; 0 = log mean exp"},                                     \
        {"--hub-image-sharpness", "X", "of the log mean exp over texts"},                                              \
        {"--hub-text-sharpness", "X", "of the log mean exp over images"},                                              \
        {"--adjectives", "X", "adds X times the adjective's prototype to its noun's (default: 0)"},                    \
    {                                                                                                                  \
        "--modifiers", "FILE", "that --adjectives needs: text, adjective, noun (numbers from 0) on each line"          \
    }

/* *options from the defaults of the knowledge and the command line; 0 or EXIT_USAGE. */
int read_match_options(const args *a, const mask_knowledge *knowledge, mask_match_options *options);
/* Opens --vectors, or the file `named`, or one of that name that comes with mask. hint ends the message when there is
 * none. 0 or EXIT_FAILED. */
int open_named_vectors(const args *a, const char *named, const char *hint, mask_vectors **vectors);
/* The same for a knowledge; *vectors stays NULL when OOD words are off. */
int open_vectors(const args *a, const mask_knowledge *knowledge, const mask_match_options *options,
                 mask_vectors **vectors);
/* The same for a gallery. */
int open_gallery_vectors(const args *a, const mask_gallery *gallery, mask_vectors **vectors);

#endif
