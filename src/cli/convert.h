/* `mask convert` has two halves: files of image features (cmd-convert.c) and of labels (cmd-convert-labels.c). */
#ifndef MASK_CLI_CONVERT_H
#define MASK_CLI_CONVERT_H

#include "commands.h"

/* Whether the command line asks for labels: a .json, or one of the options below that name another source of them. */
bool convert_is_labels(const args *a);
int convert_labels(args *a);

/* Its entries of the option table. */
#define CONVERT_LABELS_OPTIONS                                                                                         \
    TABLE(REGIONS, NULL, NULL),                                                                                        \
        {"--entities", "FOLDER",                                                                                       \
         "Flickr30K Entities: a folder with Annotations and Sentences; --split takes SPLIT.txt"},                      \
        {"--labels", NULL,                                                                                             \
         "of a TSV file with LXMERT's ten columns: its classes and features, to a folder for learn"},                  \
        {"--min-confidence", "X", "of --labels: leave out regions whose class is less sure (default: 0)"},             \
        {"--mack-vocabulary", "FILE", "MACK's words as JSON: an object of word: row, or a list"},                      \
        {"--mack-prototypes", "P.npy", "MACK's prototypes, words x features; the output is a .mask"},                  \
    {                                                                                                                  \
        "--vectors", "V.mvec", "word vectors of the words of MACK"                                                     \
    }

#endif
