/* mask: matches images with texts without ever having seen a paired caption.
 *
 * It implements MASK (Multimodal Aligned Semantic Knowledge, ICLR 2026). From image regions labelled with words it
 * learns a knowledge, pairs of a word vector and a visual prototype, and scores any image against any text with it.
 *
 * Conventions
 *   - Opaque handles: opened into *out, closed by mask_<noun>_close, which accepts NULL. On failure *out is NULL.
 *   - Every fallible function returns a mask_status and fills *err, which may be NULL.
 *   - Matrices are row-major float32. "Owned by X" means: valid until X is closed, not to be freed.
 *   - Options structs start from their MASK_..._DEFAULTS initialiser.
 *   - A handle that is open may be read by many threads; one that is being changed by one thread only.
 *   - The library never prints and never exits. Work that may take long takes a mask_run (NULL = its defaults). */
#ifndef MASK_H
#define MASK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define MASK_API __attribute__((visibility("default")))

#define MASK_VERSION "0.1.0"
MASK_API const char *mask_version(void);

/* ---- Errors ------------------------------------------------------------------------------------------------- */

#define MASK_STATUS_MAP(X)                                                                                             \
    X(MASK_OK, "success")                                                                                              \
    X(MASK_EINVAL, "an argument or option is out of its range")                                                        \
    X(MASK_EIO, "a file cannot be read or written")                                                                    \
    X(MASK_EFORMAT, "a file does not hold what its format says")                                                       \
    X(MASK_EMISMATCH, "two inputs do not fit each other")                                                              \
    X(MASK_ENOTFOUND, "what was asked for is not there")                                                               \
    X(MASK_ENUMERIC, "a computation met NaN or did not converge")                                                      \
    X(MASK_ENOMEM, "out of memory")                                                                                    \
    X(MASK_ECANCELLED, "stopped on request")

typedef enum mask_status {
#define MASK_STATUS_ENUM(name, text) name,
    MASK_STATUS_MAP(MASK_STATUS_ENUM)
#undef MASK_STATUS_ENUM
} mask_status;

typedef struct mask_error {
    mask_status status;
    uint64_t offset;   /* byte in the file that was refused, UINT64_MAX where there is none */
    char message[512]; /* one line: file, place, what was wrong, what to do */
} mask_error;

MASK_API const char *mask_status_text(mask_status status);

/* ---- How work is done --------------------------------------------------------------------------------------- */

typedef enum mask_log_level { MASK_LOG_INFO, MASK_LOG_WARNING } mask_log_level;

/* All fields may be zero. The callbacks run on the calling thread. */
typedef struct mask_run {
    int threads;   /* 0 = every core */
    uint64_t seed; /* of everything random; same seed and threads = same bits */
    void (*log)(void *user, mask_log_level level, const char *line);
    /* total 0 = unknown. A result other than 0 stops the work, which then returns MASK_ECANCELLED. */
    int (*progress)(void *user, const char *what, const char *unit, uint64_t done, uint64_t total);
    void *user;
} mask_run;

/* ---- Word vectors (.mvec) ----------------------------------------------------------------------------------- */

typedef struct mask_vectors mask_vectors;

typedef struct mask_vectors_import_options {
    bool half; /* store float16 instead of float32: half the file, 3 digits */
} mask_vectors_import_options;
#define MASK_VECTORS_IMPORT_DEFAULTS ((mask_vectors_import_options){.half = false})

/* Reads GloVe text, word2vec binary, fastText .vec or wink JSON (recognised by content, .gz too) into a .mvec.
 * Of a repeated token the first stays. Memory: the words and one chunk of vectors. */
MASK_API mask_status mask_vectors_import(const char *from, const char *to, const mask_vectors_import_options *options,
                                         const mask_run *run, mask_error *err);
/* Maps a .mvec; takes milliseconds whatever its size. */
MASK_API mask_status mask_vectors_open(mask_vectors **out, const char *path, mask_error *err);
/* Reads all of the file against its checksums: MASK_EFORMAT, naming the damaged part. */
MASK_API mask_status mask_vectors_verify(const mask_vectors *vectors, mask_error *err);
MASK_API void mask_vectors_close(mask_vectors *vectors);
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

/* ---- Images: sets of region features ------------------------------------------------------------------------ */

typedef struct mask_images mask_images;

/* Opens IMAGES: a `*_ims.npy` (images x regions x dim), or a precomp folder with a split ("dev"). float16, 32 or 64.
 * *_ids.txt, *_names.txt and *_boxes.npy beside it are read where they exist. With five stored copies of each image
 * (the redundancy of VSE++ files: *_caps.txt has as many lines, and each five rows are equal) every fifth is kept.
 * split may be NULL for a file. NaN or infinite features are refused when they are read. */
MASK_API mask_status mask_images_open(mask_images **out, const char *path, const char *split, mask_error *err);
MASK_API void mask_images_close(mask_images *images);
MASK_API size_t mask_images_count(const mask_images *images);
MASK_API size_t mask_images_dim(const mask_images *images);
MASK_API size_t mask_images_regions(const mask_images *images, size_t image);
/* The image's id (*_ids.txt, else its position) and file name (NULL when unknown); owned by images. */
MASK_API const char *mask_images_id(const mask_images *images, size_t image);
MASK_API const char *mask_images_name(const mask_images *images, size_t image);
/* The image with this id or file name, -1 when none has. */
MASK_API int64_t mask_images_find(const mask_images *images, const char *id);
/* x1, y1, x2, y2 of a region in the units of *_boxes.npy; false when no boxes are known. */
MASK_API bool mask_images_box(const mask_images *images, size_t image, size_t region, float box[4]);
/* Copies the features of one image's regions, regions x dim, into out. */
MASK_API mask_status mask_images_features(const mask_images *images, size_t image, float *out, mask_error *err);

/* ---- Texts -------------------------------------------------------------------------------------------------- */

typedef struct mask_texts mask_texts;

/* Opens a text file, one text a line, or a Karpathy JSON (`dataset_*.json`; split "train", "restval", "val", "test",
 * "dev" = "val"; NULL = all). UTF-8; a byte that is not is refused. "-" reads standard input. */
MASK_API mask_status mask_texts_open(mask_texts **out, const char *path, const char *split, mask_error *err);
/* Copies count texts. */
MASK_API mask_status mask_texts_create(mask_texts **out, const char *const *texts, size_t count, mask_error *err);
MASK_API void mask_texts_close(mask_texts *texts);
MASK_API size_t mask_texts_count(const mask_texts *texts);
/* NUL-terminated; owned by texts. */
MASK_API const char *mask_texts_get(const mask_texts *texts, size_t text);

/* ---- Datasets: images with five texts each, for evaluation --------------------------------------------------- */

/* Opens both sides of a split of a precomp folder, text i belonging to image i / 5. Rows == texts means every image is
 * stored five times, rows * 5 == texts once; the extra captions of Flickr30K's dev (5,070 for 1,014 images) are cut to
 * the 5,000 papers use. `captions` (NULL = SPLIT_caps.txt) may name another text file or a Karpathy JSON. */
MASK_API mask_status mask_dataset_open(mask_images **images, mask_texts **texts, const char *folder, const char *split,
                                       const char *captions, mask_error *err);

/* ---- Labelled regions: what a knowledge is learned from ------------------------------------------------------- */

typedef struct mask_labels mask_labels;

/* Opens a folder with features.npy (regions x dim) and regions.tsv (image, x1, y1, x2, y2, label; a header; sorted by
 * image; one line a row). Features stay on disk. */
MASK_API mask_status mask_labels_open(mask_labels **out, const char *folder, mask_error *err);
MASK_API void mask_labels_close(mask_labels *labels);
MASK_API size_t mask_labels_regions(const mask_labels *labels);
MASK_API size_t mask_labels_images(const mask_labels *labels);
MASK_API size_t mask_labels_dim(const mask_labels *labels);
MASK_API const char *mask_labels_text(const mask_labels *labels, size_t region);

/* ---- Knowledge (.mask) ---------------------------------------------------------------------------------------- */

typedef struct mask_knowledge mask_knowledge;

/* How texts and labels become words. */
typedef enum mask_tokens {
    MASK_TOKENS_CAPTION, /* NLTK's word_tokenize, lemmas, compounds, stop and non-visual words dropped */
    MASK_TOKENS_LETTERS, /* runs of a-z of two letters or more, stop words dropped: the plain reference */
} mask_tokens;

typedef enum mask_encoder {
    MASK_ENCODER_NONE,   /* features as they are (MACK) */
    MASK_ENCODER_WHITEN, /* power, centre, L2, centre, PCA, eigenvalues shrunk (closed form) */
    MASK_ENCODER_MASK,   /* the paper's PAE, trained with its FRM and MTM */
} mask_encoder;

/* What stands for a word: Eq. 2's mean over its regions, or one of them at random (the paper's ablation). */
typedef enum mask_prototype { MASK_PROTOTYPE_MEAN, MASK_PROTOTYPE_RANDOM } mask_prototype;

typedef enum mask_schedule { MASK_SCHEDULE_CONSTANT, MASK_SCHEDULE_COSINE } mask_schedule;

/* How MASK_ENCODER_MASK is trained (docs/training.md). The seed is the run's. */
typedef struct mask_train_options {
    bool whiten;          /* the networks read whitened features (whiten_dim of them) instead of raw ones */
    bool start_whiten;    /* with whiten and residual: the PAE begins as the whitened features themselves (the first dim
                             of them) instead of at random */
    bool centre_words;    /* L_cm sees word vectors without their mean, which makes unrelated words alike */
    bool residual;        /* x + attention(x) */
    bool per_dimension;   /* L_ir: mean over the dimensions instead of their sum */
    bool bf16;            /* large products in bfloat16, sums and all that is kept in float; MASK_EINVAL where the
                             processor has no AVX512_BF16 */
    size_t dim;           /* Z */
    unsigned pae_fc, pae_attention, frm_fc, frm_attention, mtm_fc, mtm_attention; /* layers, the paper's Table 12 */
    size_t epochs;
    size_t batch;         /* regions; whole images, at least one */
    float halve_batch_at; /* share of the epochs after which batches are half as large; 1 = never */
    float rate;           /* Adam's */
    mask_schedule schedule;
    size_t warmup;        /* steps over which the rate rises from 0 */
    float clip;           /* largest norm of the gradient; 0 = any */
    float lambda_cm, lambda_cl, weight_ir; /* of L_cm, L_cl and L_ir */
    float temperature;    /* tau of L_cl */
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
    mask_encoder encoder;
    mask_tokens tokens;
    size_t min_count;       /* words with fewer labelled regions are left to OOD */
    float power;            /* of the features before whitening, above 0 and at most 1; 1, 0.75 and 0.5 are fast */
    size_t whiten_dim;      /* Z of `whiten`; at most the feature dimension */
    float whiten_shrink;    /* x the mean eigenvalue, added to each */
    float prototype_shrink; /* pseudo-counts towards the neighbours' prototypes; 0 = Eq. 2 as it is */
    bool scenes;            /* also a scene prototype a word: what images that hold it look like as a whole */
    float reliability;      /* power of the words' cross-fitted reliabilities; 0 = none; needs scenes */
    mask_prototype prototype; /* random: without reliabilities, whose judgement would need other prototypes */
    mask_train_options train; /* of MASK_ENCODER_MASK */
    const char *provenance; /* free text kept in the file (a command line); may be NULL */
} mask_learn_options;
#define MASK_LEARN_DEFAULTS                                                                                            \
    ((mask_learn_options){.encoder = MASK_ENCODER_WHITEN,                                                              \
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
    ((mask_learn_options){.encoder = MASK_ENCODER_WHITEN,                                                              \
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
/* One encoder tried by mask_knowledge_choose. */
typedef struct mask_choice {
    mask_encoder encoder;
    size_t epoch; /* of MASK_ENCODER_MASK: training stopped after it */
    size_t whiten_dim;
    float whiten_shrink;
    double rsum; /* retrieval of the held-out images by their own labels: the sum of six recalls */
    bool kept;
} mask_choice;

/* As mask_knowledge_learn, but finds the encoder by itself: holds out labelled images, takes their labels as texts, and
 * measures retrieval there for `none`, for `whiten` with a few constants around the options', and for MASK_ENCODER_MASK
 * after each epoch; learns from all images with the best. It never sees a caption. Whiten as the options have it is kept
 * unless another is clearly better. choices (may be NULL) receives up to max entries, *count of them. */
MASK_API mask_status mask_knowledge_choose(mask_knowledge **out, const mask_labels *labels, const mask_vectors *vectors,
                                           const mask_learn_options *options, mask_choice *choices, size_t max,
                                           size_t *count, const mask_run *run, mask_error *err);
/* Maps a .mask file and checks all of it. */
MASK_API mask_status mask_knowledge_open(mask_knowledge **out, const char *path, mask_error *err);
/* Writes atomically: the old file stays until the new one is complete. */
MASK_API mask_status mask_knowledge_save(const mask_knowledge *knowledge, const char *path, mask_error *err);
MASK_API void mask_knowledge_close(mask_knowledge *knowledge);

/* What a knowledge holds; strings are owned by it. */
typedef struct mask_knowledge_info {
    size_t words;          /* K */
    size_t feature_dim;    /* M */
    size_t dim;            /* Z */
    size_t vector_dim;     /* N */
    size_t images;         /* it was learned from */
    size_t regions;
    size_t pairs;          /* (region, known word) */
    mask_encoder encoder;
    mask_tokens tokens;
    size_t min_count;
    float power, whiten_shrink, prototype_shrink;
    bool scenes, reliabilities;
    size_t background_images, background_texts; /* 0 = not calibrated */
    const char *vectors_path;                   /* as given when it was learned */
    uint64_t vectors_fingerprint;
    const char *provenance;
} mask_knowledge_info;
MASK_API void mask_knowledge_describe(const mask_knowledge *knowledge, mask_knowledge_info *info);
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

/* ---- Matching ------------------------------------------------------------------------------------------------ */

typedef enum mask_pool {
    MASK_POOL_MAX_MEAN,   /* Eq. 10: mean over words of the (top-k) maximum over regions */
    MASK_POOL_REGION_MAX, /* mean over regions of the maximum over words */
    MASK_POOL_BOTH,       /* the mean of the two */
    MASK_POOL_MEAN,       /* mean over all pairs: "w/o max-mean pooling" */
} mask_pool;

typedef enum mask_ood {
    MASK_OOD_OFF,        /* words without a prototype are not used */
    MASK_OOD_NEIGHBOURS, /* Eq. 11-13 */
    MASK_OOD_PROCRUSTES, /* Appendix B's closed form */
} mask_ood;

typedef enum mask_calibrate {
    MASK_CALIBRATE_NONE,
    MASK_CALIBRATE_CENTRE, /* words: minus the background mean */
    MASK_CALIBRATE_ZSCORE, /* words: and divided by the background deviation */
    MASK_CALIBRATE_TEXT,   /* zscore + text statistics */
    MASK_CALIBRATE_FULL,   /* text + hubness */
} mask_calibrate;

enum { MASK_WHOLE_MEAN = -1, MASK_WHOLE_AUTO = -2 };

typedef struct mask_match_options {
    mask_pool pool;
    int top;          /* regions averaged by max-mean; 1 = Eq. 10 */
    float context;    /* weight of the whole image beside the regions; 0 = none */
    int whole_region; /* index of the region that is the whole image; MASK_WHOLE_MEAN = the mean of the unit region
                         vectors; MASK_WHOLE_AUTO = region 0 where it covers the others, else the mean */
    mask_ood ood;
    int ood_neighbours;    /* m */
    float ood_temperature; /* T */
    float ood_weight;      /* of an OOD word where a known word weighs 1; < 0 = by its nearness to known words */
    float ood_company;     /* share of co-occurrence in the neighbours of background words often seen; 0 = none */
    float scene;           /* weight of the scene columns; 0 = none. Needs a knowledge with scenes */
    mask_calibrate calibrate;
    float text_power;      /* a text's z is scaled by the power of its words' summed weight; 0 = not */
    float image_power;     /* an image's z is divided by the power of its deviation over texts; 0 = not */
    float hub_image, hub_text; /* a and b of the hubness terms */
    int hub_neighbours;    /* hubness = mean of that many largest scores; 0 = log mean exp, sharpness below */
    float hub_image_sharpness, hub_text_sharpness;
} mask_match_options;
/* Without background: MACK's matching with OOD words. */
#define MASK_MATCH_PLAIN                                                                                               \
    ((mask_match_options){.pool = MASK_POOL_MAX_MEAN,                                                                  \
                          .top = 1,                                                                                    \
                          .context = 0,                                                                                \
                          .whole_region = MASK_WHOLE_AUTO,                                                             \
                          .ood = MASK_OOD_NEIGHBOURS,                                                                  \
                          .ood_neighbours = 200,                                                                       \
                          .ood_temperature = 0.15f,                                                                    \
                          .ood_weight = -1,                                                                            \
                          .calibrate = MASK_CALIBRATE_NONE,                                                            \
                          .hub_image = 0.6f,                                                                           \
                          .hub_text = 0.5f,                                                                            \
                          .hub_neighbours = 50})
/* Method section 9 as it was first measured. */
#define MASK_MATCH_SECTION9                                                                                            \
    ((mask_match_options){.pool = MASK_POOL_MAX_MEAN,                                                                  \
                          .top = 3,                                                                                    \
                          .context = 0.5f,                                                                             \
                          .whole_region = MASK_WHOLE_AUTO,                                                             \
                          .ood = MASK_OOD_NEIGHBOURS,                                                                  \
                          .ood_neighbours = 200,                                                                       \
                          .ood_temperature = 0.15f,                                                                    \
                          .ood_weight = -1,                                                                            \
                          .calibrate = MASK_CALIBRATE_FULL,                                                            \
                          .hub_image = 0.6f,                                                                           \
                          .hub_text = 0.5f,                                                                            \
                          .hub_neighbours = 50})
/* What mask_knowledge_calibrate stores unless told otherwise: the best found (docs/EXPERIMENTS.md). */
#define MASK_MATCH_CALIBRATED                                                                                          \
    ((mask_match_options){.pool = MASK_POOL_MAX_MEAN,                                                                  \
                          .top = 2,                                                                                    \
                          .context = 0.4f,                                                                             \
                          .whole_region = MASK_WHOLE_AUTO,                                                             \
                          .ood = MASK_OOD_NEIGHBOURS,                                                                  \
                          .ood_neighbours = 200,                                                                       \
                          .ood_temperature = 0.1f,                                                                     \
                          .ood_weight = -1,                                                                            \
                          .ood_company = 0.5f,                                                                         \
                          .scene = 0.8f,                                                                               \
                          .calibrate = MASK_CALIBRATE_FULL,                                                            \
                          .text_power = 0.15f,                                                                         \
                          .image_power = 0.5f,                                                                         \
                          .hub_image = 0.8f,                                                                           \
                          .hub_text = 0.5f,                                                                            \
                          .hub_image_sharpness = 1.5f,                                                                 \
                          .hub_text_sharpness = 2})

/* The options that hold for a knowledge unless a user says otherwise: those of its calibration, else the plain ones. */
MASK_API mask_match_options mask_match_defaults(const mask_knowledge *knowledge);

/* Calibrates: returns a copy of the knowledge that holds `images` (encoded) and `texts` as its unpaired background and
 * `options` as its defaults. Neither may have to do with what is searched later. */
MASK_API mask_status mask_knowledge_calibrate(mask_knowledge **out, const mask_knowledge *knowledge,
                                              const mask_vectors *vectors, const mask_images *images,
                                              const mask_texts *texts, const mask_match_options *options,
                                              const mask_run *run, mask_error *err);

/* What happened to the words of a set of texts, and where the statistics came from. */
typedef struct mask_match_report {
    size_t images, texts;
    size_t known, ood;             /* occurrences of words with a prototype, and of words that got one by OOD */
    size_t unusable;               /* occurrences of words that have neither a prototype nor a vector */
    size_t known_words, ood_words; /* distinct ones */
    size_t skipped;                /* texts without a usable word: they score as low as the lowest of the others */
    bool transductive;             /* statistics came from the images and texts at hand, not from a background */
    bool whole_is_region;          /* the whole image was region `whole_region`; else the mean of the regions */
    int whole_region;
    double seconds_columns, seconds_gemm; /* in the columns, and the GEMMs inside them */
    double gflop_gemm;
} mask_match_report;

/* Scores every text with every image: scores[text * images + image], caller's, texts x images floats (of no meaning
 * after a failure). vectors may be NULL when options->ood is MASK_OOD_OFF. text_kinds (NULL, or one byte a text)
 * receives bit 0 = has a known word, bit 1 = has an OOD word. Columns make it exact and fast: no dot product is
 * computed twice (docs/matching.md). */
MASK_API mask_status mask_match_scores(const mask_knowledge *knowledge, const mask_vectors *vectors,
                                       const mask_images *images, const mask_texts *texts,
                                       const mask_match_options *options, float *scores, unsigned char *text_kinds,
                                       mask_match_report *report, const mask_run *run, mask_error *err);

typedef enum mask_word_kind {
    MASK_WORD_KNOWN,   /* has a prototype */
    MASK_WORD_OOD,     /* gets one from its neighbours in word-vector space */
    MASK_WORD_DROPPED, /* stop word, non-visual or not a word: `reason` says */
    MASK_WORD_UNKNOWN, /* neither prototype nor vector */
} mask_word_kind;

typedef struct mask_word_neighbour {
    const char *word; /* owned by the knowledge */
    float cosine, weight; /* Eq. 11 and 12 */
} mask_word_neighbour;

typedef struct mask_word {
    const char *token; /* as it stood in the text, folded */
    const char *word;  /* as it was looked up: the token, its lemma or a compound ("hot_dog") */
    const char *reason; /* why it was dropped or how it was looked up ("lemma"); "" when as it stood */
    mask_word_kind kind;
    size_t count;  /* regions that carried a known word */
    float weight;  /* in the text's mean */
    const mask_word_neighbour *neighbours; /* of an OOD word, best first */
    size_t neighbour_count;
} mask_word;

/* One text taken apart; owned by itself. */
typedef struct mask_reading {
    const mask_word *words; /* every token in order; a compound or the parts of a hyphenated word stand after the tokens
                               whose place they take */
    size_t count;
    void *memory;
} mask_reading;
/* vectors may be NULL when options->ood is MASK_OOD_OFF. */
MASK_API mask_status mask_reading_create(mask_reading *out, const mask_knowledge *knowledge,
                                         const mask_vectors *vectors, const char *text,
                                         const mask_match_options *options, mask_error *err);
MASK_API void mask_reading_free(mask_reading *reading);

/* One pair explained: the score as mask_match_scores gives it, and the word x region table behind it. */
typedef struct mask_explanation {
    double score;
    /* score = (weighted mean of word_scores - text_mean) / text_deviation - hub_image - hub_text */
    double text_mean, text_deviation; /* of S(t, .) over the background, scaled; 0 and 1 when not calibrated */
    double hub_image, hub_text;       /* a h(i) and b g(t), subtracted */
    mask_reading reading;
    size_t words, regions;
    const size_t *word_index; /* words: position in reading.words */
    const float *cosines;     /* words x regions */
    const float *word_scores; /* words: pooled, calibrated c_w(i); cosine when not calibrated */
    bool transductive;
    void *memory;
} mask_explanation;
MASK_API mask_status mask_explanation_create(mask_explanation *out, const mask_knowledge *knowledge,
                                             const mask_vectors *vectors, const mask_images *images, size_t image,
                                             const char *text, const mask_match_options *options, const mask_run *run,
                                             mask_error *err);
MASK_API void mask_explanation_free(mask_explanation *explanation);

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
 * mask_match_scores). folds > 1: the images are cut into that many equal parts, each ranked by itself, and the
 * metrics averaged (COCO's 1K protocol). */
MASK_API mask_status mask_recalls_compute(mask_recalls *out, const float *scores, size_t images, size_t texts,
                                          const unsigned char *text_kinds, size_t folds, const mask_run *run,
                                          mask_error *err);
/* Writes a score matrix as the field does: float32 .npy, images x texts, atomically. */
MASK_API mask_status mask_scores_save(const char *path, const float *scores, size_t images, size_t texts,
                                      mask_error *err);

/* ---- Galleries (.gallery) ------------------------------------------------------------------------------------- */

/* ---- Searching a gallery -------------------------------------------------------------------------------------- */

/* ---- Converting and cleaning ---------------------------------------------------------------------------------- */

/* ---- Re-ranking ----------------------------------------------------------------------------------------------- */

/* ---- Adaptation ----------------------------------------------------------------------------------------------- */

/* ---- Photos --------------------------------------------------------------------------------------------------- */

/* An encoder of photos (.menc) is a network with what is needed to use it: it turns photos into regions and features. */
typedef struct mask_encoder_model_options {
    const char *labels;   /* text file, one label a line; NULL = those FILE holds, if any */
    const char *features; /* name, or a part that only it has, of the tensor (1, h, w, c) that features are taken from; NULL =
                             of the tensors with most channels and more than one cell the last */
    float mean[3], deviation[3]; /* the network reads (byte - mean) / deviation, by channel R, G, B */
    const char *provenance;      /* origin and licence; NULL = FILE's name */
} mask_encoder_model_options;
#define MASK_ENCODER_MODEL_DEFAULTS                                                                                    \
    ((mask_encoder_model_options){.mean = {127.5f, 127.5f, 127.5f}, .deviation = {127.5f, 127.5f, 127.5f}})

typedef struct mask_encoder_model_info {
    bool detector;    /* finds boxes; else a classifier, which has features only */
    size_t size;      /* its input is size x size pixels */
    size_t features;  /* length of a feature */
    size_t map_size;  /* cells a side of the map that features are pooled from */
    size_t labels;
    char provenance[256];
} mask_encoder_model_info;

/* Makes a .menc of a TFLite network: a plain .tflite, or a bundle of a label list and a TFLite file as MediaPipe packs them.
 * A network that has SSD's boxes and scores is a detector, any other with a feature map a classifier. MASK_EFORMAT when
 * the network cannot be run; the message names the operator. */
MASK_API mask_status mask_encoder_model_import(const char *from, const char *to, const mask_encoder_model_options *options,
                                               mask_error *err);
/* Reads and checks a .menc. */
MASK_API mask_status mask_encoder_model_describe(const char *path, mask_encoder_model_info *info, mask_error *err);

#ifdef __cplusplus
}
#endif

#endif
