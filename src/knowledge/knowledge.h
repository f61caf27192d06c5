/* Inside of mask_knowledge for the rooms above (match). */
#ifndef MASK_KNOWLEDGE_KNOWLEDGE_H
#define MASK_KNOWLEDGE_KNOWLEDGE_H

#include "base/memory.h"
#include "base/pack.h"
#include "base/strings.h"
#include "knowledge/dictionary.h"
#include "knowledge/ood.h"
#include "knowledge/scenes.h"
#include "learn/representation.h"

/* Unpaired background data (docs/matching.md): encoded images, and texts as lists of their words. */
typedef struct mask__background {
    size_t images, texts;          /* 0 images = not calibrated */
    const uint64_t *image_rows;    /* images + 1: image i owns rows image_rows[i]..image_rows[i + 1] of mu */
    const float *mu;               /* rows x Z */
    mask__strings words;           /* the distinct words of the texts; those not in the knowledge are OOD */
    const float *word_vectors;     /* words x N, unit; rows of known words are zero */
    const uint64_t *text_words_at; /* texts + 1 */
    const uint32_t *text_words;    /* indices into words, in order of appearance */
    const uint64_t *word_texts;    /* words: background texts that hold it */
    size_t company_dim;            /* S */
    const float *known_company;    /* K x S, unit: co-occurrence of the known words */
    const float *company;          /* words x S */
} mask__background;

struct mask_knowledge {
    mask_knowledge_info info;        /* its strings live in the arena or the file */
    const char *stored_vectors_path; /* as the file has it; info has where they were found */
    mask__representation representation;
    mask__strings words;                                           /* K, most frequent first */
    mask__dictionary *dictionary;                                  /* of the words, once they are complete */
    const char **word_texts;                                       /* NUL-terminated copies for the public API */
    const uint64_t *counts;                                        /* K: regions that carried the word */
    const float *word_vectors;                                     /* K x N, unit */
    const float *prototypes;                                       /* K x Z, shrunk as they are used */
    const float *scene_prototypes, *scene_mean, *scene_projection; /* K x Z, Z, Z x Z; NULL without scenes */
    const float *reliability;                                      /* K, NULL = all 1 */
    mask__incidence incidence; /* the known words of the images it was learned from */
    mask__background background;
    bool rounded;               /* its matrices are kept in bytes (rounding.h) */
    mask_match_options options; /* defaults of its calibration; meaningful when background.images > 0 */
    uint64_t own_print;         /* of the images at hand that joined the background (mixing.h) */
    mask__arena arena;          /* what was computed */
    mask__pack pack;            /* what was mapped */
};

/* How mask__knowledge_learn finds its representation, for whoever chooses among representations; all may be zero. */
typedef struct mask__learn_hooks {
    const mask__representation *representation; /* used as it is instead of being fitted */
    size_t stop_after;                          /* epochs of the training schedule; 0 = all */
    bool (*after_epoch)(void *context, size_t epoch,
                        const mask__representation *representation); /* false ends the training */
    void *context;
} mask__learn_hooks;
mask_status mask__knowledge_learn(mask_knowledge **out, const mask_labels *labels, const mask_vectors *vectors,
                                  const mask_learn_options *options, const mask__learn_hooks *hooks,
                                  const mask_run *run, mask_error *err);
mask__word_space mask__knowledge_space(const mask_knowledge *knowledge);
/* Of everything its file holds, from the checksums; 0 = it is not from a file. */
uint64_t mask__knowledge_fingerprint(const mask_knowledge *knowledge);
/* Options of a kind as the tensor `name` of a file, by name. */
mask_status mask__options_put(mask_options_kind kind, const void *options, const char *name, mask__pack_writer *file,
                              mask_error *err);
mask_status mask__options_get(mask_options_kind kind, void *options, const char *name, const mask__pack *file,
                              mask_error *err);
/* The matching options of files of version 1, MASK__NUMBERS_1 in an order of then. */
enum { MASK__NUMBERS_1 = 18 };
mask_status mask__options_get_1(mask_match_options *options, const double *numbers, const char *path, mask_error *err);
/* An empty knowledge to fill; NULL when memory is short. The second ends the filling: *out = k, or where it failed
 * NULL, and k is closed. */
mask_knowledge *mask__knowledge_new(void);
mask_status mask__knowledge_give(mask_knowledge **out, mask_knowledge *k, mask_status status);
/* Deep copies into an empty knowledge: all but the background and its options, and these. */
mask_status mask__knowledge_copy(mask_knowledge *to, const mask_knowledge *from, mask_error *err);
mask_status mask__knowledge_copy_background(mask_knowledge *to, const mask_knowledge *from, mask_error *err);
/* Fills word_texts from words. */
mask_status mask__knowledge_name_words(mask_knowledge *knowledge, mask_error *err);
/* Refuses images whose features are of another size than those it was learned from. */
mask_status mask__knowledge_check_images(const mask_knowledge *knowledge, const mask_images *images, mask_error *err);
/* Refuses vectors that are not those the knowledge was learned with. */
mask_status mask__knowledge_check_vectors(const mask_knowledge *knowledge, const mask_vectors *vectors,
                                          mask_error *err);

#endif
