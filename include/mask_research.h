/* mask_research.h: what programs that only search and score have no need of: making word vectors, encoders and
 * knowledges, looking into them, galleries in ClickHouse, evaluation, re-ranking, and other programs' files.
 * Conventions are those of mask.h.
 * Where a heading names no library, its functions are libmask-research's. */
#ifndef MASK_RESEARCH_H
#define MASK_RESEARCH_H

#include "mask.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Word vectors (libmask) --------------------------------------------------------------------------------- */

/* Reads GloVe text, word2vec binary, fastText .vec or wink JSON (recognised by content, .gz too) into a .mvec.
 * Of a repeated token the first stays. Memory: the words and one chunk of vectors. */
MASK_API mask_status mask_vectors_import(const char *from, const char *to, const mask_vectors_import_options *options,
                                         const mask_run *run, mask_error *err);
/* Reads all of the file against its checksums: MASK_EFORMAT, naming the damaged part. */
MASK_API mask_status mask_vectors_verify(const mask_vectors *vectors, mask_error *err);
MASK_API size_t mask_vectors_count(const mask_vectors *vectors);
MASK_API size_t mask_vectors_dim(const mask_vectors *vectors);
MASK_API const char *mask_vectors_path(const mask_vectors *vectors);
/* Identifies the content (words and numbers); a knowledge remembers it of the vectors it was learned with. */
MASK_API uint64_t mask_vectors_fingerprint(const mask_vectors *vectors);
/* Row of a token, -1 when absent. Exact bytes: fold the case first. */
MASK_API int64_t mask_vectors_find(const mask_vectors *vectors, const char *word, size_t length);
/* The token of a row (not NUL-terminated) and its length; owned by vectors. */
MASK_API const char *mask_vectors_word(const mask_vectors *vectors, size_t row, size_t *length);
/* Copies a row's dim values into out. */
MASK_API void mask_vectors_get(const mask_vectors *vectors, size_t row, float *out);

typedef struct mask_neighbour {
    size_t row;
    float cosine;
} mask_neighbour;

/* The k rows nearest to query[dim] by cosine, best first, ties by row; *found <= k of them go to out. */
MASK_API mask_status mask_vectors_near(const mask_vectors *vectors, const float *query, size_t k, mask_neighbour *out,
                                       size_t *found, const mask_run *run, mask_error *err);

/* ---- Images and texts from within (libmask) ------------------------------------------------------------------- */

MASK_API size_t mask_images_dim(const mask_images *images);
MASK_API size_t mask_images_regions(const mask_images *images, size_t image);
/* x1, y1, x2, y2 of a region in the units of *_boxes.npy; false when no boxes are known. */
MASK_API bool mask_images_box(const mask_images *images, size_t image, size_t region, float box[4]);
/* Copies the features of one image's regions, regions x dim, into out. */
MASK_API mask_status mask_images_features(const mask_images *images, size_t image, float *out, mask_error *err);
MASK_API size_t mask_texts_count(const mask_texts *texts);
/* NUL-terminated; owned by texts. */
MASK_API const char *mask_texts_get(const mask_texts *texts, size_t text);

/* ---- Making and looking into a knowledge (libmask) ---------------------------------------------------------- */

/* Writes atomically: the old file stays until the new one is complete. */
MASK_API mask_status mask_knowledge_save(const mask_knowledge *knowledge, const char *path, mask_error *err);
/* A copy of a knowledge that knows `word`, one or two words ("my cat"), from photos that show it: 1 is enough, 3 to 10
 * in different places are good. `images` are their regions, as the knowledge's. A word it knows already is sharpened
 * (*sharpened, may be NULL): what it was keeps a share. A new word needs no word vector; one of a single word takes it
 * from vectors, if they have it (may be NULL). MASK_EINVAL for a name that texts would not be read to hold. */
MASK_API mask_status mask_knowledge_teach(mask_knowledge **out, const mask_knowledge *knowledge,
                                          const mask_vectors *vectors, const char *word, const mask_images *images,
                                          bool *sharpened, mask_error *err);

/* A word of the knowledge (NUL-terminated, owned by it) and the number of regions that carried it. */
MASK_API const char *mask_knowledge_word(const mask_knowledge *knowledge, size_t index, size_t *count);
/* The prototype v_k (Z values, owned by the knowledge) of a word by index. */
MASK_API const float *mask_knowledge_prototype(const mask_knowledge *knowledge, size_t index);

/* mu of one image's regions: regions x Z into out. */
MASK_API mask_status mask_knowledge_encode(const mask_knowledge *knowledge, const mask_images *images, size_t image,
                                           float *out, mask_error *err);
/* mu of a whole set, written as a float32 .npy (images x regions x Z); every image needs as many regions. */
MASK_API mask_status mask_knowledge_encode_file(const mask_knowledge *knowledge, const mask_images *images,
                                                const char *path, const mask_run *run, mask_error *err);
/* Calibrates: returns a copy of the knowledge that holds `images` (encoded) and `texts` as its unpaired background and
 * `options` as its defaults. Neither may have to do with what is searched later. */
MASK_API mask_status mask_knowledge_calibrate(mask_knowledge **out, const mask_knowledge *knowledge,
                                              const mask_vectors *vectors, const mask_images *images,
                                              const mask_texts *texts, const mask_match_options *options,
                                              const mask_run *run, mask_error *err);
/* A copy of a calibrated knowledge whose background holds images at hand too: `own` of them (mask_gallery_options has
 * its values; 1 = by itself), and as many of those it had. What is scored with it should be these images; figures
 * measured so are transductive on images. Fewer than 25 images change nothing: background_own tells. */
MASK_API mask_status mask_knowledge_mix(mask_knowledge **out, const mask_knowledge *knowledge,
                                        const mask_images *images, size_t own, const mask_run *run, mask_error *err);
/* How many of the images its background holds, found by content: figures of these images are transductive. */
MASK_API mask_status mask_knowledge_seen(size_t *seen, const mask_knowledge *knowledge, const mask_images *images,
                                         const mask_run *run, mask_error *err);
/* Rounds prototypes, word vectors and the background to 8 bits (whole steps of a row's largest value / 127), which
 * files then keep: a quarter of their size. Not while another thread uses the knowledge. */
MASK_API mask_status mask_knowledge_round(mask_knowledge *knowledge, mask_error *err);

/* ---- Galleries (libmask) ------------------------------------------------------------------------------------ */

/* Reads all of a gallery against its checksums. */
MASK_API mask_status mask_gallery_verify(const char *path, const mask_run *run, mask_error *err);

/* ---- A gallery in ClickHouse (libmask; docs/clickhouse.md) --------------------------------------------------- */

typedef struct mask_clickhouse {
    const char *urls;     /* http://host:8123/, of several servers with commas; a search asks one */
    const char *database; /* letters, digits, '_' */
    const char *cluster;  /* of the servers' configurations, for Distributed tables; "" = one server */
    size_t words_per_table;
} mask_clickhouse;
static inline mask_clickhouse mask_clickhouse_defaults(void)
{
    mask_clickhouse to = {"http://127.0.0.1:8123/", "mask", "", 1500};
    return to;
}
/* Copies a gallery as it is, or what has changed since the last time; a call that was interrupted goes on when it is
 * made again. *rows (may be NULL): that were written. Needs libcurl. MASK_EIO for what a server says, MASK_EMISMATCH
 * where the database holds something else. */
MASK_API mask_status mask_clickhouse_export(const char *gallery, const mask_clickhouse *to, uint64_t *rows,
                                            const mask_run *run, mask_error *err);
/* Opens one for mask_gallery_search and mask_gallery_search_batch by texts: the same results as the gallery's. What
 * reads texts (its knowledge and calibration) is copied into a folder below `cache`, which must exist, the first time.
 */
MASK_API mask_status mask_gallery_open_clickhouse(mask_gallery **out, const mask_clickhouse *from, const char *cache,
                                                  const mask_run *run, mask_error *err);
/* The statement by which such a gallery finds the images with the k highest upper bounds; free(). */
MASK_API mask_status mask_gallery_sql(const mask_gallery *gallery, const mask_vectors *vectors, const mask_query *query,
                                      char **sql, mask_error *err);

/* ---- Region stores and encoders of photos (libmask-photos) -------------------------------------------------- */

/* What a region store holds. */
typedef struct mask_extract_info {
    size_t photos, bad, regions, dim;
    uint64_t encoder;  /* fingerprint */
    char options[128]; /* how regions were chosen and encoded */
} mask_extract_info;
MASK_API mask_status mask_extract_describe(mask_extract_info *info, const char *path, mask_error *err);

MASK_API size_t mask_extractor_dim(const mask_extractor *extractor);  /* length of a feature */
MASK_API size_t mask_extractor_most(const mask_extractor *extractor); /* regions a photo has at most */
/* What the detector calls such a label, owned by the extractor; NULL when it calls nothing so. */
MASK_API const char *mask_extractor_label(const mask_extractor *extractor, int label);

/* A photo's regions. The arrays are the caller's; NULL = not wanted. */
typedef struct mask_photo_regions {
    size_t room;          /* regions that the arrays hold: mask_extractor_most is always enough */
    size_t count;         /* set: regions of the photo, 0 when it failed */
    size_t width, height; /* set: pixels of the upright photo */
    float *boxes;         /* room x 4: x1, y1, x2, y2 in these pixels */
    int32_t *labels;      /* room; -1 = not of the detector */
    float *scores;        /* room; of the detector, else 0 */
    float *features;      /* room x dim */
} mask_photo_regions;
/* MASK_EFORMAT: not a photo, or damaged; MASK_EINVAL: too large, or more regions than room. */
MASK_API mask_status mask_extractor_regions(mask_extractor *extractor, const mask_photo *photo,
                                            mask_photo_regions *regions, mask_error *err);

/* What a camera wrote into a photo (EXIF). */
typedef struct mask_photo_facts {
    char date[24];              /* "2019-06-01 14:03:22", of where it was taken; "" = unknown */
    double latitude, longitude; /* degrees, north and east; NAN = unknown */
} mask_photo_facts;
/* Reads the header of a photo. MASK_EFORMAT: not a photo, or damaged. */
MASK_API mask_status mask_photo_describe(mask_photo_facts *facts, const char *path, mask_error *err);
/* A photo, upright and at most `side` pixels wide and high, as JPEG. *jpeg is the caller's, to be freed with free(). */
MASK_API mask_status mask_photo_thumbnail(const char *path, int side, unsigned char **jpeg, size_t *size,
                                          mask_error *err);

/* An encoder of photos (.menc) is a network with what is needed to use it: it turns photos into regions and features.
 */
typedef struct mask_encoder_info {
    bool detector;            /* finds boxes; else a classifier, which has features only */
    bool head;                /* holds the last layer of its classifier, for as many classes as there are labels */
    size_t networks;          /* side by side; the next five lines are of the first */
    size_t size;              /* its input is size x size pixels */
    size_t least, most, step; /* other sizes that it can have */
    size_t features;          /* length of a feature, all networks together */
    size_t map_size;          /* cells a side of the map that features are pooled from */
    size_t labels;
    char provenance[256];
} mask_encoder_info;

/* Makes a .menc of a network: an ONNX model, a plain .tflite, or a bundle of a label list and a TFLite file as
 * MediaPipe packs them. A network that has SSD's boxes and scores is a detector, any other with a feature map a
 * classifier. MASK_EFORMAT when the network cannot be run; the message names the operator. */
MASK_API mask_status mask_encoder_import(const char *from, const char *to, const mask_encoder_options *options,
                                         mask_error *err);
/* Makes one .menc of up to 8 that are no detectors and have the same labels: each looks at the photo at its own size,
 * and a feature is theirs one behind the other. */
MASK_API mask_status mask_encoder_join(const char *const *from, size_t count, const char *to, mask_error *err);
/* The last layer of the classifier that an encoder was: class c scores weights[c x features] . feature + biases[c] for
 * the feature of a whole photo; of networks side by side their sum. A middle layer has zeros. */
typedef struct mask_encoder_head {
    size_t classes, features;
    float *weights, *biases;
    char **labels; /* of the classes */
} mask_encoder_head;
/* MASK_ENOTFOUND when it has none for as many classes as it has labels. mask_encoder_head_free frees what it holds. */
MASK_API mask_status mask_encoder_head_read(mask_encoder_head *head, const char *path, mask_error *err);
MASK_API void mask_encoder_head_free(mask_encoder_head *head);
/* Reads and checks a .menc. */
MASK_API mask_status mask_encoder_describe(const char *path, mask_encoder_info *info, mask_error *err);

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
/* (libmask) Whether the texts were paired with images by name (mask_dataset_open); else by position. */
MASK_API bool mask_texts_by_name(const mask_texts *texts);

/* ---- Labelled regions: what a knowledge is learned from ------------------------------------------------------- */

typedef struct mask_labels mask_labels;

/* Opens a folder with features.npy (regions x dim) and regions.tsv (image, x1, y1, x2, y2, label; a header; sorted by
 * image; one line a row). Features stay on disk. */
MASK_API mask_status mask_labels_open(mask_labels **out, const char *folder, const mask_run *run, mask_error *err);
/* Regions without labels, for what is learned from a classifier's head alone; the images must outlive them. */
MASK_API mask_status mask_labels_bare(mask_labels **out, const mask_images *images, mask_error *err);
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
    double rsum_low, rsum_high;     /* its interval of 95%: bootstrap over images with their texts, run->seed */
    bool ties;                      /* some metric lies between different bounds */
} mask_recalls;

/* scores[text * images + image], texts = 5 images, text t belonging to image t / 5. text_kinds may be NULL (see
 * mask_matcher_scores). folds > 1: the images are cut into that many equal parts, each ranked by itself, and the
 * metrics averaged (COCO's 1K protocol). */
MASK_API mask_status mask_recalls_compute(mask_recalls *out, const float *scores, size_t images, size_t texts,
                                          const unsigned char *text_kinds, size_t folds, const mask_run *run,
                                          mask_error *err);
/* The ranks behind them: of each text t2i, of each image i2t, from 0, halves where scores are equal. */
MASK_API mask_status mask_ranks_compute(float *t2i, float *i2t, const float *scores, size_t images, size_t texts,
                                        size_t folds, const mask_run *run, mask_error *err);
/* Writes them as the arrays t2i and i2t of a .npz, atomically. */
MASK_API mask_status mask_ranks_save(const char *path, const float *t2i, const float *i2t, size_t images, size_t texts,
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
