/* The steps of mask reproduce: tables of the paper, its ablations and sweeps, and ours beside them. The paper's numbers
 * are those of its tables (Rs = sum of six recalls). */
#include "reproduce.h"

static const char *const variant_names[VARIANTS] = {"default", "none",  "mack",     "random",   "trained",  "paper",
                                                    "no-cm",   "no-cl", "lambda-1", "lambda-2", "lambda-4", "lambda-5"};

const char *variant_name(repro_variant variant)
{
    return variant_names[variant];
}

bool variant_is_trained(repro_variant variant)
{
    return variant >= VARIANT_TRAINED;
}

static void no_extras(mask_learn_options *o)
{
    o->scenes = false;
    o->reliability = 0;
    o->prototype_shrink = 0;
}

void variant_options(repro_variant variant, size_t epochs, mask_learn_options *o, mask_train_options *train)
{
    *o = mask_learn_defaults();
    *train = mask_train_defaults();
    o->train = train;
    if (variant == VARIANT_NONE || variant == VARIANT_MACK) {
        o->representation = MASK_REPRESENTATION_NONE;
        o->scenes = false;
        o->reliability = 0;
    }
    if (variant == VARIANT_MACK) {
        o->prototype_shrink = 0;
        o->min_count = 5;
    }
    if (variant == VARIANT_RANDOM) {
        no_extras(o);
        o->prototype = MASK_PROTOTYPE_RANDOM;
    }
    if (!variant_is_trained(variant)) return;
    o->representation = MASK_REPRESENTATION_MASK;
    if (variant != VARIANT_TRAINED) {
        *train = mask_train_paper();
        no_extras(o);
    }
    train->epochs = epochs;
    if (variant == VARIANT_NO_CM) train->lambda_cm = 0;
    if (variant == VARIANT_NO_CL) train->lambda_cl = 0;
    static const float lambdas[] = {1, 2, 4, 5};
    if (variant >= VARIANT_LAMBDA_1) train->lambda_cm = train->lambda_cl = lambdas[variant - VARIANT_LAMBDA_1];
}

mask_match_options step_options(const repro_step *step, mask_match_options o)
{
    mask_match_options plain = mask_match_plain();
    switch (step->match) {
    case MATCH_KNOWN_WORDS:
        o.ood = MASK_OOD_OFF;
        break;
    case MATCH_MACK:
    case MATCH_PAPER_KNOWN:
        o = plain;
        o.ood = MASK_OOD_OFF;
        break;
    case MATCH_PAPER:
        o = plain;
        o.ood_neighbours = 10;
        o.ood_temperature = 1;
        o.ood_weight = 1;
        break;
    case MATCH_MEAN:
        o.pool = MASK_POOL_MEAN;
        break;
    case MATCH_REGION_MAX:
        o.pool = MASK_POOL_REGION_MAX;
        break;
    case MATCH_OOD_M:
        o.ood_neighbours = (int)step->x;
        break;
    case MATCH_LEVEL:
        o.calibrate = (mask_calibrate)step->x;
        break;
    default:
        break;
    }
    return o;
}

const repro_section repro_sections[] = {
    {"methods", "Methods",
     "From MACK to this program. The paper's rows: MACK 2022; MASK with m = 10 neighbours beside the trained encoder.",
     NULL},
    {"ablations", "Ablations, the paper's method",
     "The paper's Table 3: its encoder and its matching, one part away at a time.", NULL},
    {"defaults", "Ablations, the defaults", "The same parts taken from the closed form with calibration.", NULL},
    {"encoders", "Encoders", "Under the full calibration. `mask` starts at the whitened features.", NULL},
    {"ood", "Neighbours of an out-of-knowledge word", "Rs over m; the paper: 122.8 at 10 and 128.1 at 50 on Flickr30K.",
     "m"},
    {"lambda", "Weights of L_cm and L_cl",
     "Rs over lambda1 = lambda2, the paper's encoder and matching; the paper chose 3.", "lambda"},
    {"alpha", "Re-ranking: weight",
     "The base's 15 best candidates re-ranked with the defaults (Eq. 15), Rs over alpha.", "alpha"},
    {"k", "Re-ranking: candidates", "Rs over k at alpha = 0.15.", "k"},
};
const size_t repro_section_count = sizeof repro_sections / sizeof *repro_sections;

#define RS(flickr, coco)                                                                                               \
    {                                                                                                                  \
        {0, 0, 0, 0, 0, 0, flickr},                                                                                    \
        {                                                                                                              \
            0, 0, 0, 0, 0, 0, coco                                                                                     \
        }                                                                                                              \
    }
#define OOD(m)                                                                                                         \
    {                                                                                                                  \
        "ood", "ood-" #m, "m = " #m, VARIANT_DEFAULT, MATCH_OOD_M, .x = m                                              \
    }
#define LAMBDA(l)                                                                                                      \
    {                                                                                                                  \
        "lambda", "lambda-" #l, "lambda = " #l, VARIANT_LAMBDA_##l, MATCH_PAPER, .x = l                                \
    }
#define ALPHA(id, a)                                                                                                   \
    {                                                                                                                  \
        "alpha", "alpha-" id, "alpha = " #a, VARIANT_DEFAULT, MATCH_RERANK, .x = a, .k = 15                            \
    }
#define CANDIDATES(n)                                                                                                  \
    {                                                                                                                  \
        "k", "k-" #n, "k = " #n, VARIANT_DEFAULT, MATCH_RERANK, .x = 0.15, .k = n                                      \
    }

const repro_step repro_steps[] = {
    {"methods", "mack", "MACK: raw features, mean prototypes, known words", VARIANT_MACK, MATCH_MACK,
     .saves = "mack.npy",
     .paper = {{3.0, 9.9, 15.4, 10.1, 24.6, 32.3, 95.3}, {7.2, 25.9, 40.6, 21.8, 46.2, 60.0, 201.7}}},
    {"methods", "mask", "MASK: trained encoder, OOD words (m = 10)", VARIANT_PAPER, MATCH_PAPER,
     .paper = {{4.8, 14.8, 22.0, 12.1, 30.1, 39.0, 122.8}, {7.6, 26.7, 41.8, 22.7, 48.5, 62.2, 209.5}}},
    {"methods", "plain", "the defaults, without calibration", VARIANT_DEFAULT, MATCH_LEVEL, .x = MASK_CALIBRATE_NONE},
    {"methods", "zscore", "+ word statistics", VARIANT_DEFAULT, MATCH_LEVEL, .x = MASK_CALIBRATE_ZSCORE},
    {"methods", "text", "+ text statistics", VARIANT_DEFAULT, MATCH_LEVEL, .x = MASK_CALIBRATE_TEXT},
    {"methods", "full", "+ hubness = the defaults", VARIANT_DEFAULT, MATCH_DEFAULT, .saves = "ours.npy"},
    {"methods", "folds", "the defaults, mean of 5 folds", VARIANT_DEFAULT, MATCH_DEFAULT, .folds = 5},
    {"ablations", "paper", "full", VARIANT_PAPER, MATCH_PAPER, .paper = RS(122.8, 209.5)},
    {"ablations", "paper-known", "without OOD words", VARIANT_PAPER, MATCH_PAPER_KNOWN, .paper = RS(116.2, 193.1)},
    {"ablations", "no-cm", "without L_cm", VARIANT_NO_CM, MATCH_PAPER, .paper = RS(101.0, 150.8)},
    {"ablations", "no-cl", "without L_cl", VARIANT_NO_CL, MATCH_PAPER, .paper = RS(92.4, 123.5)},
    {"defaults", "default", "full", VARIANT_DEFAULT, MATCH_DEFAULT, .x = 0},
    {"defaults", "known", "without OOD words", VARIANT_DEFAULT, MATCH_KNOWN_WORDS, .x = 0},
    {"defaults", "mean", "without max-mean pooling (global mean)", VARIANT_DEFAULT, MATCH_MEAN, .x = 0},
    {"defaults", "region-max", "mean over regions of the maximum over words", VARIANT_DEFAULT, MATCH_REGION_MAX,
     .x = 0},
    {"defaults", "random", "random region instead of prototype", VARIANT_RANDOM, MATCH_DEFAULT,
     .paper = RS(72.7, 148.5)},
    {"encoders", "none", "none", VARIANT_NONE, MATCH_DEFAULT, .x = 0},
    {"encoders", "whiten", "whiten", VARIANT_DEFAULT, MATCH_DEFAULT, .x = 0},
    {"encoders", "trained", "mask", VARIANT_TRAINED, MATCH_DEFAULT, .x = 0},
    OOD(1),
    OOD(5),
    OOD(10),
    OOD(20),
    OOD(50),
    OOD(100),
    OOD(200),
    OOD(400),
    LAMBDA(1),
    LAMBDA(2),
    {"lambda", "lambda-3", "lambda = 3", VARIANT_PAPER, MATCH_PAPER, .x = 3},
    LAMBDA(4),
    LAMBDA(5),
    {"alpha", "alpha-0", "alpha = 0: the base; the paper's is CLIP RN50x16", VARIANT_DEFAULT, MATCH_RERANK, .x = 0,
     .k = 15, .paper = RS(525.5, 386.0)},
    ALPHA("0.05", 0.05),
    ALPHA("0.1", 0.1),
    {"alpha", "alpha-0.15", "alpha = 0.15, the paper's; there with CLIP RN50x16", VARIANT_DEFAULT, MATCH_RERANK,
     .x = 0.15, .k = 15, .paper = RS(534.3, 400.4)},
    ALPHA("0.2", 0.2),
    ALPHA("0.3", 0.3),
    ALPHA("0.5", 0.5),
    ALPHA("1", 1),
    CANDIDATES(5),
    CANDIDATES(15),
    CANDIDATES(50),
    CANDIDATES(100),
};
const size_t repro_step_count = sizeof repro_steps / sizeof *repro_steps;
