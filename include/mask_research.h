/* mask_research.h: what research needs beside mask.h: learning a knowledge from labelled regions and choosing how,
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
 * the 5,000 papers use. `captions` (NULL = SPLIT_caps.txt) may name another text file or a Karpathy JSON.
 *
 * Where `captions` tells its images' names (a Karpathy JSON; X_names.txt or X_ids.txt beside X_caps.txt) and every
 * image is found by them (file name, the same without extension, COCO's number), texts come in the order of the images,
 * and the log says so. Else both are taken to be in one order; of formats whose images come in the order of their ids
 * (folders of .npz, region stores) names that do not fit are refused, and a warning tells when there are none. */
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

/* A classifier's head from a .npy of classes x features and a text file with a line per class; mask_encoder_head_read
 * has that of an encoder of photos. */
MASK_API mask_status mask_head_open(mask_head **out, const char *weights, const char *labels, const mask_run *run,
                                    mask_error *err);
MASK_API void mask_head_close(mask_head *head);

/* Learns a knowledge from labelled regions: Eq. 2 prototypes of every word with min_count regions and a vector; a class
 * of options->head counts as three regions. */
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
/* Writes a score matrix as other programs expect it: float32 .npy, images x texts, atomically. */
MASK_API mask_status mask_scores_save(const char *path, const float *scores, size_t images, size_t texts,
                                      mask_error *err);

/* ---- Converting and cleaning ---------------------------------------------------------------------------------- */

/* Writes region features in another format, one image in memory at a time. Files appear when they are complete; whole
 * .npz files of the same shape that are there already are kept, so work that was stopped goes on. */
MASK_API mask_status mask_images_convert(const mask_images *images, const char *out,
                                         const mask_convert_options *options, const mask_run *run, mask_error *err);

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
 * words x features. Raw features; every word counts as seen in one region; calibrate it like any other. report and
 * provenance may be NULL. */
MASK_API mask_status mask_knowledge_import(mask_knowledge **out, const char *vocabulary, const char *prototypes,
                                           const mask_vectors *vectors, const char *provenance,
                                           mask_import_report *report, mask_error *err);

/* ---- Re-ranking ----------------------------------------------------------------------------------------------- */

/* The best candidates of every text and every image by some model's scores, to be re-ranked by other scores in many
 * ways without reading either again. Memory: 12 bytes per candidate; a matrix of 5,000 x 25,000 scores is never held.
 */
typedef struct mask_reranking mask_reranking;

/* Reads the base: a .npy of floats, images x texts, five texts per image; mapped. Of each query the candidates are the
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
 * of mask_rerank_open. NULL = defaults. */
MASK_API mask_status mask_rerank_recalls(mask_recalls *out, const mask_reranking *reranking,
                                         const mask_rerank_options *options, const mask_run *run, mask_error *err);
/* Writes a direction's re-ranked lists as a score matrix: float32 .npy, images x texts. The numbers are positions,
 * negated: 0 is the best of its text (text_to_image) or of its image, equal scores share a number. Without folds. */
MASK_API mask_status mask_rerank_save(const mask_reranking *reranking, const mask_rerank_options *options,
                                      bool text_to_image, const char *path, const mask_run *run, mask_error *err);

/* ---- Adaptation ----------------------------------------------------------------------------------------------- */

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
