/* mask reproduce: the paper's tables and sweeps on one's own data, step by step. cmd-reproduce.c checks the data and
 * runs the steps that are not done yet, reproduce_steps.c says what the steps are, reproduce_report.c writes what came
 * out. */
#ifndef MASK_CLI_REPRODUCE_H
#define MASK_CLI_REPRODUCE_H

#include "commands.h"

enum { STEP_VALUES = 7 }; /* t2i R@1 5 10, i2t R@1 5 10, Rs */

typedef enum repro_variant { /* knowledges that are learned */
                             VARIANT_DEFAULT,
                             VARIANT_NONE,    /* raw features */
                             VARIANT_MACK,    /* raw features, mean prototypes of words with 5 regions */
                             VARIANT_RANDOM,  /* a random region for a prototype */
                             VARIANT_TRAINED, /* the trained encoder from whitened features */
                             VARIANT_PAPER,   /* the paper's training and prototypes */
                             VARIANT_NO_CM,
                             VARIANT_NO_CL,
                             VARIANT_LAMBDA_1,
                             VARIANT_LAMBDA_2,
                             VARIANT_LAMBDA_4,
                             VARIANT_LAMBDA_5,
                             VARIANTS
} repro_variant;
const char *variant_name(repro_variant variant);
bool variant_is_trained(repro_variant variant);
/* options->train is *train. */
void variant_options(repro_variant variant, size_t epochs, mask_learn_options *options, mask_train_options *train);

/* How a step matches: changes to the defaults of its knowledge. */
typedef enum repro_match {
    MATCH_DEFAULT,
    MATCH_KNOWN_WORDS, /* without OOD words */
    MATCH_MACK,        /* maximum over regions, known words only, no calibration */
    MATCH_PAPER,       /* the same with OOD words as in the paper, m = 10 */
    MATCH_PAPER_KNOWN,
    MATCH_MEAN, /* without max-mean pooling */
    MATCH_REGION_MAX,
    MATCH_OOD_M, /* m = x */
    MATCH_LEVEL, /* calibration up to level x */
    MATCH_RERANK /* not a match: the base re-ranked with alpha = x and k candidates */
} repro_match;

typedef struct repro_step {
    const char *section, *id, *name;
    repro_variant variant;
    repro_match match;
    double x;
    size_t k;                     /* of MATCH_RERANK */
    const char *saves;            /* a score matrix that later steps need; NULL = none */
    size_t folds;                 /* 0 = 1 */
    double paper[2][STEP_VALUES]; /* Flickr30K, MSCOCO; 0 = not reported */
} repro_step;
extern const repro_step repro_steps[];
extern const size_t repro_step_count;
mask_match_options step_options(const repro_step *step, mask_match_options defaults);

typedef struct repro_section {
    const char *id, *title, *text;
    const char *sweep; /* name of x where a plot is wanted; NULL = a table only */
} repro_section;
extern const repro_section repro_sections[];
extern const size_t repro_section_count;

typedef struct repro_result {
    bool done;
    double values[STEP_VALUES], seconds;
} repro_result;

/* What a run was about, for the report. */
typedef struct repro_run {
    const char *dataset, *title, *data, *split, *base, *vectors;
    int paper; /* column of repro_step.paper; -1 = the paper did not use it */
    size_t images, texts, regions, words, epochs;
    const repro_result *results;
} repro_run;
/* REPORT.html and REPORT.json beside it; 0 or EXIT_FAILED. */
int report_write(const repro_run *run, const char *path);

#endif
