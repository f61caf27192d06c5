/* `mask convert` has two halves: files of image features (cmd-convert.c) and of labels (cmd-convert-labels.c). */
#ifndef MASK_CLI_CONVERT_H
#define MASK_CLI_CONVERT_H

#include "commands.h"

/* Whether the command line asks for labels: a .json, or one of the options below that name another source of them. */
bool convert_is_labels(const args *a);
int convert_labels(args *a);

/* Its entries of the option table. */
#define CONVERT_LABELS_OPTIONS                                                                                         \
    {"--recipe", "R", "how names become labels: mask (default), mack or butd"},                                        \
        {"--min-count", "N", "of the recipe mask: drop words met fewer times (default: 3)"},                           \
        {"--attributes", "FILE", "Visual Genome's attributes.json, joined by image and object"},                       \
        {"--image-data", "FILE", "its image_data.json: boxes are clipped to the images"},                              \
        {"--name-by", "ID",                                                                                            \
         "what an image is called: id (default), url, coco or flickr; the last three by --image-data"},                \
        {"--vocabulary", "FILE", "of the recipe butd and of --labels: the object classes and their aliases"},          \
        {"--attributes-vocabulary", "FILE", "the same for attributes"},                                                \
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
