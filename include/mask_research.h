/* mask_research.h: what a researcher needs beside mask.h: learning a knowledge from labelled regions and choosing how,
 * calibrating and adapting it, evaluation, re-ranking, and other programs' files. Conventions are those of mask.h. */
#ifndef MASK_RESEARCH_H
#define MASK_RESEARCH_H

#include "mask.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Datasets: images with five texts each, for evaluation --------------------------------------------------- */

/* Opens both sides of a split of a precomp folder, text i belonging to image i / 5. Rows == texts means every image is
 * stored five times, rows * 5 == texts once; the extra captions of Flickr30K's dev (5,070 for 1,014 images) are cut to
 * the 5,000 papers use. `captions` (NULL = SPLIT_caps.txt) may name another text file or a Karpathy JSON. */
MASK_API mask_status mask_dataset_open(mask_images **images, mask_texts **texts, const char *folder, const char *split,
                                       const char *captions, const mask_run *run, mask_error *err);

/* ---- Labelled regions: what a knowledge is learned from ------------------------------------------------------- */

typedef struct mask_labels mask_labels;

/* Opens a folder with features.npy (regions x dim) and regions.tsv (image, x1, y1, x2, y2, label; a header; sorted by
 * image; one line a row). Features stay on disk. */
MASK_API mask_status mask_labels_open(mask_labels **out, const char *folder, const mask_run *run, mask_error *err);
MASK_API void mask_labels_close(mask_labels *labels);
MASK_API size_t mask_labels_regions(const mask_labels *labels);
MASK_API size_t mask_labels_images(const mask_labels *labels);
MASK_API size_t mask_labels_dim(const mask_labels *labels);
MASK_API const char *mask_labels_text(const mask_labels *labels, size_t region);

/* ---- Learning ------------------------------------------------------------------------------------------------- */

/* What stands for a word: Eq. 2's mean over its regions, or one of them at random (the paper's ablation). */
typedef enum mask_prototype { MASK_PROTOTYPE_MEAN, MASK_PROTOTYPE_RANDOM } mask_prototype;

typedef enum mask_schedule { MASK_SCHEDULE_CONSTANT, MASK_SCHEDULE_COSINE } mask_schedule;

/* How MASK_REPRESENTATION_MASK is trained (docs/training.md). The seed is the run's. */
typedef struct mask_train_options {
    bool whiten;        /* the networks read whitened features (whiten_dim of them) instead of raw ones */
    bool start_whiten;  /* with whiten and residual: the PAE begins as the whitened features themselves (the first dim
                           of them) instead of at random */
    bool centre_words;  /* L_cm sees word vectors without their mean, which makes unrelated words alike */
    bool residual;      /* x + attention(x) */
    bool per_dimension; /* L_ir: mean over the dimensions instead of their sum */
    bool bf16;          /* large products in bfloat16, sums and all that is kept in float; MASK_EINVAL where the
                           processor has no AVX512_BF16 */
    size_t dim;         /* Z */
    unsigned pae_fc, pae_attention, frm_fc, frm_attention, mtm_fc, mtm_attention; /* layers, the paper's Table 12 */
    size_t epochs;
    size_t batch;         /* regions; whole images, at least one */
    float halve_batch_at; /* share of the epochs after which batches are half as large; 1 = never */
    float rate;           /* Adam's */
    mask_schedule schedule;
    size_t warmup;                         /* steps over which the rate rises from 0 */
    float clip;                            /* largest norm of the gradient; 0 = any */
    float lambda_cm, lambda_cl, weight_ir; /* of L_cm, L_cl and L_ir */
    float temperature;                     /* tau of L_cl */
    const char *checkpoint;   /* file to continue from; NULL = none is written. The caller removes it when what was
                                 learned is safe */
    float checkpoint_minutes; /* between two of them; 0 = after every epoch */
    bool resume;              /* continue from the checkpoint, where there is one */
    const char *metrics;      /* JSON lines, one a step; NULL = none */
} mask_train_options;
#define MASK_TRAIN_DEFAULTS                                                                                            \
    ((mask_train_options){.whiten = true,                                                                              \
                          .start_whiten = true,                                                                        \
                          .centre_words = true,                                                                        \
                          .residual = true,                                                                            \
                          .per_dimension = true,                                                                       \
                          .dim = 512,                                                                                  \
                          .pae_fc = 1,                                                                                 \
                          .pae_attention = 3,                                                                          \
                          .frm_fc = 2,                                                                                 \
                          .frm_attention = 1,                                                                          \
                          .mtm_fc = 3,                                                                                 \
                          .mtm_attention = 3,                                                                          \
                          .epochs = 6,                                                                                 \
                          .batch = 2048,                                                                               \
                          .halve_batch_at = 1,                                                                         \
                          .rate = 1e-4f,                                                                               \
                          .schedule = MASK_SCHEDULE_COSINE,                                                            \
                          .warmup = 0,                                                                                 \
                          .clip = 0,                                                                                   \
                          .lambda_cm = 3,                                                                              \
                          .lambda_cl = 3,                                                                              \
                          .weight_ir = 1,                                                                              \
                          .temperature = 0.1f,                                                                         \
                          .checkpoint_minutes = 5})
/* The paper's: raw features, batches of 4096 regions for 200 epochs, then of 2048 for 200 more, Adam 1e-4. */
MASK_API mask_train_options mask_train_paper(void);

typedef struct mask_learn_options {
    mask_representation representation;
    mask_tokens tokens;
    size_t min_count;         /* words with fewer labelled regions are left to OOD */
    float power;              /* of the features before whitening, above 0 and at most 1; 1, 0.75 and 0.5 are fast */
    size_t whiten_dim;        /* Z of `whiten`; at most the feature dimension */
    float whiten_shrink;      /* x the mean eigenvalue, added to each */
    float prototype_shrink;   /* pseudo-counts towards the neighbours' prototypes; 0 = Eq. 2 as it is */
    bool scenes;              /* also a scene prototype a word: what images that hold it look like as a whole */
    float reliability;        /* power of the words' cross-fitted reliabilities; 0 = none; needs scenes */
    mask_prototype prototype; /* random: without reliabilities, whose judgement would need other prototypes */
    mask_train_options train; /* of MASK_REPRESENTATION_MASK */
    const char *provenance;   /* free text kept in the file (a command line); may be NULL */
} mask_learn_options;
#define MASK_LEARN_DEFAULTS                                                                                            \
    ((mask_learn_options){.representation = MASK_REPRESENTATION_WHITEN,                                                \
                          .tokens = MASK_TOKENS_CAPTION,                                                               \
                          .min_count = 3,                                                                              \
                          .power = 0.75f,                                                                              \
                          .whiten_dim = 512,                                                                           \
                          .whiten_shrink = 1.6f,                                                                       \
                          .prototype_shrink = 15,                                                                      \
                          .scenes = true,                                                                              \
                          .reliability = 0.3f,                                                                         \
                          .train = MASK_TRAIN_DEFAULTS})
/* What this calibration was first measured with: no power, no scenes, no reliabilities. */
#define MASK_LEARN_SECTION9                                                                                            \
    ((mask_learn_options){.representation = MASK_REPRESENTATION_WHITEN,                                                \
                          .tokens = MASK_TOKENS_CAPTION,                                                               \
                          .min_count = 3,                                                                              \
                          .power = 1,                                                                                  \
                          .whiten_dim = 512,                                                                           \
                          .whiten_shrink = 0.7f,                                                                       \
                          .prototype_shrink = 10,                                                                      \
                          .train = MASK_TRAIN_DEFAULTS})

/* Learns a knowledge from labelled regions: Eq. 2 prototypes of every word with min_count regions and a vector. */
MASK_API mask_status mask_knowledge_learn(mask_knowledge **out, const mask_labels *labels, const mask_vectors *vectors,
                                          const mask_learn_options *options, const mask_run *run, mask_error *err);
/* One representation tried by mask_knowledge_choose. */
typedef struct mask_choice {
    mask_representation representation;
    size_t epoch; /* of MASK_REPRESENTATION_MASK: training stopped after it */
    size_t whiten_dim;
    float whiten_shrink;
    double rsum; /* retrieval of the held-out images by their own labels: the sum of six recalls */
    bool kept;
} mask_choice;

/* As mask_knowledge_learn, but finds the representation by itself: holds out labelled images, takes their labels as
 * texts, and measures retrieval there for `none`, for `whiten` with a few constants around the options', and for
 * MASK_REPRESENTATION_MASK after each epoch; learns from all images with the best. It never sees a caption. Whiten as
 * the options have it is kept unless another is clearly better. choices (may be NULL) receives up to max entries,
 * *count of them. */
MASK_API mask_status mask_knowledge_choose(mask_knowledge **out, const mask_labels *labels, const mask_vectors *vectors,
                                           const mask_learn_options *options, mask_choice *choices, size_t max,
                                           size_t *count, const mask_run *run, mask_error *err);
/* ---- Evaluation ---------------------------------------------------------------------------------------------- */

/* Ranks count from 0. Equal scores share their ranks (half of the equal ones go before), which is deterministic and
 * favours nobody: scores that are all equal earn what chance does. *low and *high are R@K with every tie lost and won.
 * R@K in percent; medr = floor(median) + 1, meanr = mean + 1. */
typedef struct mask_recall {
    double r1, r5, r10, medr, meanr;
    double low[3], high[3]; /* bounds of r1, r5, r10 */
    size_t queries;
} mask_recall;

typedef struct mask_recalls {
    mask_recall t2i, i2t;
    mask_recall t2i_known, t2i_ood; /* texts whose words are all known; texts with an OOD word (0 queries if unasked) */
    double rsum;                    /* t2i and i2t R@1 + R@5 + R@10 */
    bool ties;                      /* some metric lies between different bounds */
} mask_recalls;

/* scores[text * images + image], texts = 5 images, text t belonging to image t / 5. text_kinds may be NULL (see
 * mask_matcher_scores). folds > 1: the images are cut into that many equal parts, each ranked by itself, and the
 * metrics averaged (COCO's 1K protocol). */
MASK_API mask_status mask_recalls_compute(mask_recalls *out, const float *scores, size_t images, size_t texts,
                                          const unsigned char *text_kinds, size_t folds, const mask_run *run,
                                          mask_error *err);
/* Writes a score matrix as the field does: float32 .npy, images x texts, atomically. */
MASK_API mask_status mask_scores_save(const char *path, const float *scores, size_t images, size_t texts,
                                      mask_error *err);

/* ---- Converting and cleaning ---------------------------------------------------------------------------------- */

typedef enum mask_features_format {
    MASK_FEATURES_NPY, /* out = X_ims.npy, with X_ids.txt and, where known, X_boxes.npy and X_names.txt beside it */
    MASK_FEATURES_NPZ, /* out = a folder, made if need be, of ID.npz: x, num_bbox and, where known, bbox, image_w,
                          image_h */
    MASK_FEATURES_TSV, /* out = a file of image_id, image_w, image_h (0 = unknown), num_boxes, boxes, features */
} mask_features_format;

typedef struct mask_convert_options {
    mask_features_format to;
    size_t regions; /* the first so many of each image, MASK_EMISMATCH where one has fewer; 0 = all (an array needs
                       equal numbers) */
    bool half;      /* of an array: float16 instead of float32 */
} mask_convert_options;
#define MASK_CONVERT_DEFAULTS ((mask_convert_options){.to = MASK_FEATURES_NPY})

/* Writes region features in another format, one image in memory at a time. Files appear when they are complete; whole
 * .npz files of the same shape that are there already are kept, so work that was stopped goes on. */
MASK_API mask_status mask_images_convert(const mask_images *images, const char *out,
                                         const mask_convert_options *options, const mask_run *run, mask_error *err);

/* How names of regions become labels; docs/datasets.md says exactly how. */
typedef enum mask_recipe {
    MASK_RECIPE_BUTD, /* lower case, final "." dropped, phrases kept or mapped to the classes of a vocabulary */
    MASK_RECIPE_MACK, /* the first name; punctuation to spaces; each word counts */
    MASK_RECIPE_MASK, /* the same, without words of special characters and rare words */
} mask_recipe;

typedef enum mask_name_by { MASK_NAME_ID, MASK_NAME_URL, MASK_NAME_COCO, MASK_NAME_FLICKR } mask_name_by;

typedef struct mask_regions_options {
    mask_recipe recipe;
    size_t min_count;                 /* MASK_RECIPE_MASK: rarer words are dropped */
    const char *vocabulary;           /* MASK_RECIPE_BUTD: classes and their aliases; NULL = every name stays */
    const char *attribute_vocabulary; /* the same for attributes */
    const char *attributes;           /* Visual Genome's attributes.json, joined by image and object; may be NULL */
    const char *image_data;           /* its image_data.json: sizes, and names; may be NULL */
    mask_name_by name_by;             /* what an image is called: ID.jpg, the url's file name, COCO.jpg or FLICKR.jpg */
} mask_regions_options;
#define MASK_REGIONS_DEFAULTS ((mask_regions_options){.recipe = MASK_RECIPE_MASK, .min_count = 3})

/* What a table of labelled regions was made of. */
typedef struct mask_regions_report {
    uint64_t images, regions; /* in the table */
    uint64_t clipped;         /* of them: boxes that reached over the image's edge */
    uint64_t no_area;         /* dropped: nothing of the box lies in the image */
    uint64_t no_label;        /* dropped: no word was left */
    uint64_t no_box;          /* dropped: phrases without a box (Flickr30K Entities) */
    uint64_t no_name;         /* images dropped: image_data has no such name for them */
    uint64_t no_size;         /* images that image_data does not list */
} mask_regions_report;

/* Writes a regions.tsv from Visual Genome's objects.json, attributes.json or region_descriptions.json. Streams: memory
 * does not grow with the files, but with the number of images (about 100 bytes each). report may be NULL. */
MASK_API mask_status mask_regions_from_genome(const char *from, const char *to, const mask_regions_options *options,
                                              mask_regions_report *report, const mask_run *run, mask_error *err);

/* Writes a regions.tsv from Flickr30K Entities: `folder` holds Sentences/ID.txt and Annotations/ID.xml of each image,
 * and SPLIT.txt with the ids of a split (NULL = all images). A region's label is the phrases that point at its box, set
 * apart by commas; its image is called ID.jpg. report may be NULL. */
MASK_API mask_status mask_regions_from_entities(const char *folder, const char *split, const char *to,
                                                mask_regions_report *report, const mask_run *run, mask_error *err);

/* Writes a folder of labelled regions (features.npy and regions.tsv) from a TSV file of LXMERT's ten columns: the label
 * of a region is the name of its attribute, where an attribute vocabulary is given, and that of its class. Regions
 * whose class is less sure than min_confidence are left out and count as no_label. report may be NULL. */
MASK_API mask_status mask_regions_from_detections(const char *from, const char *folder, const char *vocabulary,
                                                  const char *attribute_vocabulary, float min_confidence,
                                                  mask_regions_report *report, const mask_run *run, mask_error *err);

/* What became of the words of another knowledge. */
typedef struct mask_import_report {
    size_t listed, kept;
    size_t no_vector, no_prototype; /* left out: no word vector, a prototype of zeros */
    size_t repeated;                /* left out: the same word but for its case came before */
} mask_import_report;

/* MACK's knowledge as ours: `vocabulary` is a JSON object of word: row, or a list of words; `prototypes` a .npy of
 * words x features. Raw features, one region a word; calibrate it like any other. report and provenance may be NULL. */
MASK_API mask_status mask_knowledge_import(mask_knowledge **out, const char *vocabulary, const char *prototypes,
                                           const mask_vectors *vectors, const char *provenance,
                                           mask_import_report *report, mask_error *err);

/* ---- Re-ranking ----------------------------------------------------------------------------------------------- */

/* How the candidates of a query get their new order (Eq. 15); both scores are those of the candidates only. */
typedef enum mask_rerank_rule {
    MASK_RERANK_ZSCORE, /* zscore(base) + alpha zscore(other), over the candidates; equal scores have z-score 0 */
    MASK_RERANK_SUM,    /* base + alpha other, as MACK */
} mask_rerank_rule;

typedef struct mask_rerank_options {
    mask_rerank_rule rule;
    size_t top_k; /* candidates of each query; 0 = the base's own ranking */
    float alpha;
} mask_rerank_options;
#define MASK_RERANK_DEFAULTS ((mask_rerank_options){.rule = MASK_RERANK_ZSCORE, .top_k = 15, .alpha = 0.15f})

/* The best candidates of every text and every image by some model's scores, to be re-ranked by other scores in many
 * ways without reading either again. Memory: 12 bytes a candidate, 5,000 x 25,000 scores are never held. */
typedef struct mask_reranking mask_reranking;

/* Reads the base: a .npy of floats, images x texts, five texts an image; mapped. Of each query the candidates are the
 * scores above the (top_k + 1)-th: a tie at the cut stays outside, so that the order in the file decides nothing.
 * folds as in mask_recalls_compute: candidates and ranks stay inside a fold. NaN and infinity are refused. */
MASK_API mask_status mask_rerank_open(mask_reranking **out, const char *base, size_t top_k, size_t folds,
                                      const mask_run *run, mask_error *err);
MASK_API void mask_rerank_close(mask_reranking *reranking);
MASK_API size_t mask_rerank_images(const mask_reranking *reranking);
MASK_API size_t mask_rerank_texts(const mask_reranking *reranking);
/* The other scores: from a second matrix of the same shape, or from a matcher. The latter are mask_matcher_scores' own,
 * computed for a thousand images at a time; transductive statistics need all images at once, which takes as much memory
 * as all scores. */
MASK_API mask_status mask_rerank_add_matrix(mask_reranking *reranking, const char *path, const mask_run *run,
                                            mask_error *err);
MASK_API mask_status mask_rerank_add_matcher(mask_reranking *reranking, mask_matcher *matcher,
                                             const mask_images *images, const mask_texts *texts, const mask_run *run,
                                             mask_error *err);
/* Recalls of the re-ranked lists, text to image and image to text each by its own list. Where a query's own item is a
 * candidate it is ranked among the candidates, else it keeps its rank in the base. options->top_k is at most the one
 * of mask_rerank_open. NULL = MASK_RERANK_DEFAULTS. */
MASK_API mask_status mask_rerank_recalls(mask_recalls *out, const mask_reranking *reranking,
                                         const mask_rerank_options *options, const mask_run *run, mask_error *err);
/* Writes a direction's re-ranked lists as a score matrix: float32 .npy, images x texts. The numbers are positions,
 * negated: 0 is the best of its text (text_to_image) or of its image, equal scores share a number. Without folds. */
MASK_API mask_status mask_rerank_save(const mask_reranking *reranking, const mask_rerank_options *options,
                                      bool text_to_image, const char *path, const mask_run *run, mask_error *err);

/* ---- Adaptation ----------------------------------------------------------------------------------------------- */

/* How a knowledge is fitted to a domain with unpaired images and texts of it (Eq. 88-93). */
typedef struct mask_adapt_options {
    size_t epochs; /* passes over the texts, at most; it stops earlier when held-out loss no longer falls */
    size_t batch_texts, batch_images;
    float rate;        /* Adam's */
    float temperature; /* of every softmax; the equations have 1 */
    bool unit;         /* vectors are brought to unit length after W too, for a longer W only looks better */
    float held_out;    /* share of the images and of the texts that judge, and are not learned from */
} mask_adapt_options;
#define MASK_ADAPT_DEFAULTS                                                                                            \
    ((mask_adapt_options){.epochs = 5,                                                                                 \
                          .batch_texts = 128,                                                                          \
                          .batch_images = 16,                                                                          \
                          .rate = 1e-4f,                                                                               \
                          .temperature = 0.03f,                                                                        \
                          .unit = true,                                                                                \
                          .held_out = 0.1f})

/* Losses are a mean over the words and regions of the held-out batches. */
typedef struct mask_adapt_report {
    size_t epochs;        /* that were run */
    size_t kept;          /* the epoch whose W was kept; 0 = none was better than W = 1: the knowledge stays as it is */
    double before, after; /* held-out loss with W = 1, and with the W kept */
    double change;        /* |W - 1| / |1|, Frobenius */
} mask_adapt_report;

/* Learns W (Z x Z, from the identity) so that each word finds itself by way of the regions it is like, and each region
 * by way of words; returns a copy of the knowledge with prototypes v W that represents regions as mu W. The background
 * of a calibrated knowledge goes through W too, scene prototypes stay as they are. Images and texts are shuffled apart,
 * so that nothing of a pairing could be learned. vectors may be NULL: then only known words are used. options and
 * report may be NULL. */
MASK_API mask_status mask_knowledge_adapt(mask_knowledge **out, const mask_knowledge *knowledge,
                                          const mask_vectors *vectors, const mask_images *images,
                                          const mask_texts *texts, const mask_adapt_options *options,
                                          mask_adapt_report *report, const mask_run *run, mask_error *err);

#ifdef __cplusplus
}
#endif

#endif
