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
    int bits; /* of a stored number: 32, 16 (float16: half the file, 3 digits) or 8 (whole steps of the row's largest
                 number / 127: a quarter, 2 digits) */
    const char *keep; /* a file of tokens, one a line: only these are imported; NULL = all */
} mask_vectors_import_options;
#define MASK_VECTORS_IMPORT_DEFAULTS ((mask_vectors_import_options){.bits = 32})

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

/* Opens IMAGES, told apart by content: a `*_ims.npy` (images x regions x dim) or a precomp folder with a split ("dev"),
 * float16, 32 or 64; a TSV of bottom-up attention (6 columns) or LXMERT (10); a folder of .npz (of split:
 * FOLDER/SPLIT), one an image; an HDF5 file (docs/datasets.md has the layouts); a region store (mask_extract): its good
 * photos, by id. Images may have different numbers of regions. Of an array, *_ids.txt, *_names.txt and *_boxes.npy
 * beside it are read where they exist. With five stored copies of each image (the redundancy of VSE++ files: *_caps.txt
 * has as many lines, and each five rows are equal) every fifth is kept. split may be NULL for a file. NaN or infinite
 * features are refused when they are read. */
MASK_API mask_status mask_images_open(mask_images **out, const char *path, const char *split, mask_error *err);
/* The same with progress and warnings, for formats that must be read through before any image can be found. */
MASK_API mask_status mask_images_open_run(mask_images **out, const char *path, const char *split, const mask_run *run,
                                          mask_error *err);
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
    mask_encoder encoder;
    mask_tokens tokens;
    size_t min_count;         /* words with fewer labelled regions are left to OOD */
    float power;              /* of the features before whitening, above 0 and at most 1; 1, 0.75 and 0.5 are fast */
    size_t whiten_dim;        /* Z of `whiten`; at most the feature dimension */
    float whiten_shrink;      /* x the mean eigenvalue, added to each */
    float prototype_shrink;   /* pseudo-counts towards the neighbours' prototypes; 0 = Eq. 2 as it is */
    bool scenes;              /* also a scene prototype a word: what images that hold it look like as a whole */
    float reliability;        /* power of the words' cross-fitted reliabilities; 0 = none; needs scenes */
    mask_prototype prototype; /* random: without reliabilities, whose judgement would need other prototypes */
    mask_train_options train; /* of MASK_ENCODER_MASK */
    const char *provenance;   /* free text kept in the file (a command line); may be NULL */
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
 * after each epoch; learns from all images with the best. It never sees a caption. Whiten as the options have it is
 * kept unless another is clearly better. choices (may be NULL) receives up to max entries, *count of them. */
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
    size_t words;       /* K */
    size_t feature_dim; /* M */
    size_t dim;         /* Z */
    size_t vector_dim;  /* N */
    size_t images;      /* it was learned from */
    size_t regions;
    size_t pairs; /* (region, known word) */
    mask_encoder encoder;
    mask_tokens tokens;
    size_t min_count;
    float power, whiten_shrink, prototype_shrink;
    bool scenes, reliabilities;
    bool adapted;                               /* by mask_knowledge_adapt */
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
    float text_power;          /* a text's z is scaled by the power of its words' summed weight; 0 = not */
    float image_power;         /* an image's z is divided by the power of its deviation over texts; 0 = not */
    float hub_image, hub_text; /* a and b of the hubness terms */
    int hub_neighbours;        /* hubness = mean of that many largest scores; 0 = log mean exp, sharpness below */
    float hub_image_sharpness, hub_text_sharpness;
    float adjective; /* a noun's prototype becomes unit(noun + adjective x that of a word that modifies it); 0 = off.
                        Of the texts that are matched; a calibration does not keep it */
    const char *modifiers; /* which words modify which: a table (docs/matching.md); NULL = link-grammar finds them */
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
    const char *word;     /* owned by the knowledge */
    float cosine, weight; /* Eq. 11 and 12 */
} mask_word_neighbour;

typedef struct mask_word {
    const char *token;  /* as it stood in the text, folded */
    const char *word;   /* as it was looked up: the token, its lemma or a compound ("hot_dog") */
    const char *reason; /* why it was dropped or how it was looked up ("lemma"); "" when as it stood */
    mask_word_kind kind;
    size_t count;                          /* regions that carried a known word */
    float weight;                          /* in the text's mean */
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

typedef struct mask_gallery mask_gallery;

typedef struct mask_gallery_options {
    size_t budget;         /* regions kept an image, the best first; 0 = all */
    size_t segment_images; /* images a segment; 0 = as many as fit its memory */
} mask_gallery_options;
#define MASK_GALLERY_DEFAULTS ((mask_gallery_options){0})

/* What a change did. */
typedef struct mask_gallery_change {
    size_t added, replaced, removed, missing; /* missing: ids to remove that were not there */
    double seconds, seconds_gemm, gflop_gemm;
} mask_gallery_change;

/* Makes an empty gallery, a folder, with a copy of the knowledge. options NULL = mask_match_defaults. Everything that
 * scores depend on is fixed here: a gallery's scores never change with its images. MASK_EINVAL for poolings without
 * columns and for statistics without a background. A gallery that is there already with the same knowledge and options
 * is left as it is; MASK_EMISMATCH when they differ. */
MASK_API mask_status mask_gallery_create(const char *path, const mask_knowledge *knowledge,
                                         const mask_match_options *options, const mask_gallery_options *gallery_options,
                                         mask_error *err);
/* Adds images, segment by segment, each committed: an interrupted call continues when it is made again (images that are
 * there with the same content are passed over). An id that is there already is replaced. Memory is bounded whatever the
 * number of images. `change` may be NULL; it counts what was committed, after a failure too. Ids must differ within
 * `images`. One process at a time may change a gallery: MASK_EIO names the other. */
MASK_API mask_status mask_gallery_add(const char *path, const mask_images *images, mask_gallery_change *change,
                                      const mask_run *run, mask_error *err);
/* Removes images by id. */
MASK_API mask_status mask_gallery_remove(const char *path, const char *const *ids, size_t count,
                                         mask_gallery_change *change, const mask_run *run, mask_error *err);
/* Removes the images that are not, by id, among these. */
MASK_API mask_status mask_gallery_keep(const char *path, const mask_images *images, mask_gallery_change *change,
                                       const mask_run *run, mask_error *err);
/* Sets metadata from a table: tab-separated with a header, first column `id`; columns become numbers where all their
 * values are. Known columns are replaced as a whole, others kept. Ids that are not there are passed over, with a
 * warning in the log. */
MASK_API mask_status mask_gallery_describe_images(const char *path, const char *table, const mask_run *run,
                                                  mask_error *err);
/* Rewrites segments with many removed images and joins small ones. */
MASK_API mask_status mask_gallery_compact(const char *path, const mask_run *run, mask_error *err);

/* Opens for searching: the state at this moment, whatever writers do later. */
MASK_API mask_status mask_gallery_open(mask_gallery **out, const char *path, const mask_run *run, mask_error *err);
MASK_API void mask_gallery_close(mask_gallery *gallery);
/* Reads all of it against its checksums. */
MASK_API mask_status mask_gallery_verify(const char *path, const mask_run *run, mask_error *err);

typedef struct mask_gallery_info {
    size_t images, removed, segments, regions, words, dim, budget; /* removed: dead images that segments still hold */
    uint64_t bytes;             /* of segments and catalogue: what grows with the images */
    uint64_t generation;        /* counts changes */
    mask_match_options options; /* whole_region as resolved by the first images */
    const char *vectors_path;   /* of its knowledge, owned by the gallery */
} mask_gallery_info;
MASK_API void mask_gallery_describe(const mask_gallery *gallery, mask_gallery_info *info);

/* ---- Searching a gallery -------------------------------------------------------------------------------------- */

/* One text of a query. A query's score is the sum of weight x s(text, image) over its texts. */
typedef struct mask_query_text {
    const char *text;
    float weight; /* negative: images like it go down */
} mask_query_text;

typedef struct mask_query {
    const mask_query_text *texts;
    size_t count;
    size_t k, offset;       /* results offset .. offset + k of the ranking */
    float min_score;        /* -INFINITY = any */
    const char *where;      /* SQL condition over the images' metadata; NULL = none */
    const char *const *ids; /* only these; NULL = all */
    size_t id_count;
    bool explain;
} mask_query;
#define MASK_QUERY_DEFAULTS ((mask_query){.k = 10, .min_score = -__builtin_inff(), .explain = true})

/* A word's part in a result. */
typedef struct mask_hit_word {
    size_t text;   /* of the query */
    size_t word;   /* in readings[text].words */
    float score;   /* c_w(i) */
    size_t region; /* with the largest cosine */
    float cosine;
    bool has_box;
    float box[4]; /* x1, y1, x2, y2 */
} mask_hit_word;

typedef struct mask_hit {
    const char *id, *name; /* name may be NULL */
    double score;
    size_t width, height; /* 0 = unknown */
    const mask_hit_word *words;
    size_t word_count;
} mask_hit;

/* Owned by itself. */
typedef struct mask_results {
    const mask_hit *hits; /* best first; equal scores by id */
    size_t count;
    size_t searched;              /* images that passed the filters */
    size_t rescored;              /* images whose score was computed exactly: the rest were ruled out by bounds */
    const mask_reading *readings; /* one a text of the query: neighbours of OOD words too */
    size_t reading_count;
    double seconds;
    void *memory;
} mask_results;

/* The exact ranking of all images by the query (docs/gallery.md): equal to computing every score. vectors may be NULL
 * when the index has OOD off. MASK_ENOTFOUND when no word can be used. */
MASK_API mask_status mask_gallery_search(const mask_gallery *gallery, const mask_vectors *vectors,
                                         const mask_query *query, mask_results *out, const mask_run *run,
                                         mask_error *err);
/* Many queries; every core works on them. out: count results. A query without a usable word gets no hits. */
MASK_API mask_status mask_gallery_search_batch(const mask_gallery *gallery, const mask_vectors *vectors,
                                               const mask_query *queries, size_t count, mask_results *out,
                                               const mask_run *run, mask_error *err);
/* The images most like an image of the gallery (which is left out): the cosine of their scene vectors, or of their
 * whole-image vectors where the knowledge has no scenes. Of `query` k, offset, min_score, where and ids count. */
MASK_API mask_status mask_gallery_similar(const mask_gallery *gallery, const char *id, const mask_query *query,
                                          mask_results *out, const mask_run *run, mask_error *err);
MASK_API void mask_results_free(mask_results *results);

/* Texts made ready to be ranked for the images of one gallery. What that took is kept in the gallery's folder
 * (docs/gallery.md), so that the same texts are ready in milliseconds the next time. The gallery must outlive it; any
 * number of threads may use it. */
typedef struct mask_annotator mask_annotator;
MASK_API mask_status mask_annotator_open(mask_annotator **out, const mask_gallery *gallery, const mask_vectors *vectors,
                                         const mask_texts *texts, const mask_run *run, mask_error *err);
MASK_API void mask_annotator_close(mask_annotator *annotator);

typedef struct mask_annotation {
    size_t text;
    double score; /* as mask_gallery_search gives the pair */
} mask_annotation;
/* The k texts that score highest with an image, best first, equal scores by position: out has room for k, *count says
 * how many there are. Texts without a usable word are left out. */
MASK_API mask_status mask_annotator_image(const mask_annotator *annotator, const char *id, size_t k,
                                          mask_annotation *out, size_t *count, mask_error *err);
/* The same for every image, in the gallery's order, on every core; `each` runs on the calling thread, and a result
 * other than 0 stops the work (MASK_ECANCELLED). */
typedef int mask_annotation_visitor(void *user, const char *id, const mask_annotation *best, size_t count);
MASK_API mask_status mask_annotator_all(const mask_annotator *annotator, size_t k, mask_annotation_visitor *each,
                                        void *user, const mask_run *run, mask_error *err);

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
/* The other scores: from a second matrix of the same shape, or from a knowledge. The latter are mask_match_scores' own,
 * computed for a thousand images at a time; without a background their statistics need all images at once, which takes
 * as much memory as mask_match_scores. vectors, options as there; report may be NULL. */
MASK_API mask_status mask_rerank_add_matrix(mask_reranking *reranking, const char *path, const mask_run *run,
                                            mask_error *err);
MASK_API mask_status mask_rerank_add_knowledge(mask_reranking *reranking, const mask_knowledge *knowledge,
                                               const mask_vectors *vectors, const mask_images *images,
                                               const mask_texts *texts, const mask_match_options *options,
                                               const mask_run *run, mask_error *err);
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

/* ---- Photos --------------------------------------------------------------------------------------------------- */

/* Where a region's features come from: the mean of the photo's own feature map under the box (one run of the network a
 * photo), or a run of the network on each box as a picture of its own (sharper, as many runs as regions). */
typedef enum mask_photo_features { MASK_PHOTO_POOL, MASK_PHOTO_CROPS } mask_photo_features;

typedef struct mask_extract_options {
    const char *encoder; /* .menc file (docs/encoders.md) */
    mask_photo_features features;
    size_t regions;      /* detected boxes a photo at most; 0 = none */
    size_t grid;         /* crops of 2 x 2 to grid x grid cells are regions too; below 2 = none */
    uint64_t max_pixels; /* larger photos are refused before they are decoded */
    bool prune;          /* drop photos whose files are no longer there */
    const char *boxes;   /* a table of labelled boxes (image, x1, y1, x2, y2, label): features of these instead of
                            detections, and `out` becomes a folder for mask_labels_open. NULL = detect */
} mask_extract_options;
#define MASK_EXTRACT_DEFAULTS                                                                                          \
    ((mask_extract_options){.features = MASK_PHOTO_POOL, .regions = 36, .grid = 3, .max_pixels = 100000000})

typedef struct mask_extract_report {
    size_t photos;    /* found */
    size_t good;      /* of them are in the store with their regions */
    size_t extracted; /* of them by this call */
    size_t copied;    /* had the content of a photo in the store, and took its regions */
    size_t unchanged; /* were there already */
    size_t bad;       /* could not be decoded: in the store with the reason, tried again when they change */
    size_t vanished;  /* photos of the store whose files are no longer there; dropped with prune */
} mask_extract_report;

/* Decodes photos (files, and folders with all below them; JPEG, PNG, WebP, GIF, TIFF, HEIC, AVIF) and stores their
 * regions' boxes, labels, scores and features in the region store `out`, which mask_images_open opens: docs/photos.md.
 * Region 0 is the whole photo. A store that is there is continued: files that have not changed are skipped, so a run
 * that was stopped goes on where it was; MASK_EMISMATCH when it was made with another encoder or other options. Work is
 * committed every few seconds. Bad photos are skipped and named in the log at the end; MASK_EFORMAT when there is no
 * good one. report may be NULL. */
MASK_API mask_status mask_extract(const char *const *photos, size_t count, const char *out,
                                  const mask_extract_options *options, mask_extract_report *report, const mask_run *run,
                                  mask_error *err);

/* A photo, upright and at most `side` pixels wide and high, as JPEG. *jpeg is the caller's, to be freed with free(). */
MASK_API mask_status mask_photo_thumbnail(const char *path, int side, unsigned char **jpeg, size_t *size,
                                          mask_error *err);

/* What a region store holds. */
typedef struct mask_extract_info {
    size_t photos, bad, regions, dim;
    uint64_t encoder;  /* fingerprint */
    char options[128]; /* how regions were chosen and encoded */
} mask_extract_info;
MASK_API mask_status mask_extract_describe(mask_extract_info *info, const char *path, mask_error *err);

/* An encoder of photos (.menc) is a network with what is needed to use it: it turns photos into regions and features.
 */
typedef struct mask_encoder_model_options {
    const char *labels;   /* text file, one label a line; NULL = those FILE holds, if any */
    const char *features; /* name, or a part that only it has, of the tensor (1, h, w, c) that features are taken from;
                             NULL = of the tensors with most channels and more than one cell the last */
    float mean[3], deviation[3]; /* the network reads (byte - mean) / deviation, by channel R, G, B */
    const char *provenance;      /* origin and licence; NULL = FILE's name */
} mask_encoder_model_options;
#define MASK_ENCODER_MODEL_DEFAULTS                                                                                    \
    ((mask_encoder_model_options){.mean = {127.5f, 127.5f, 127.5f}, .deviation = {127.5f, 127.5f, 127.5f}})

typedef struct mask_encoder_model_info {
    bool detector;   /* finds boxes; else a classifier, which has features only */
    size_t size;     /* its input is size x size pixels */
    size_t features; /* length of a feature */
    size_t map_size; /* cells a side of the map that features are pooled from */
    size_t labels;
    char provenance[256];
} mask_encoder_model_info;

/* Makes a .menc of a TFLite network: a plain .tflite, or a bundle of a label list and a TFLite file as MediaPipe packs
 * them. A network that has SSD's boxes and scores is a detector, any other with a feature map a classifier.
 * MASK_EFORMAT when the network cannot be run; the message names the operator. */
MASK_API mask_status mask_encoder_model_import(const char *from, const char *to,
                                               const mask_encoder_model_options *options, mask_error *err);
/* Reads and checks a .menc. */
MASK_API mask_status mask_encoder_model_describe(const char *path, mask_encoder_model_info *info, mask_error *err);

#ifdef __cplusplus
}
#endif

#endif
