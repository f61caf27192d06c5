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
    MASK_ENCODER_WHITEN, /* centre, L2, centre, PCA, eigenvalues shrunk (closed form) */
} mask_encoder;

typedef struct mask_learn_options {
    mask_encoder encoder;
    mask_tokens tokens;
    size_t min_count;       /* words with fewer labelled regions are left to OOD */
    size_t whiten_dim;      /* Z of `whiten`; at most the feature dimension */
    float whiten_shrink;    /* x the mean eigenvalue, added to each */
    float prototype_shrink; /* pseudo-counts towards the neighbours' prototypes; 0 = Eq. 2 as it is */
    const char *provenance; /* free text kept in the file (a command line); may be NULL */
} mask_learn_options;
#define MASK_LEARN_DEFAULTS                                                                                            \
    ((mask_learn_options){.encoder = MASK_ENCODER_WHITEN,                                                              \
                          .tokens = MASK_TOKENS_CAPTION,                                                               \
                          .min_count = 3,                                                                              \
                          .whiten_dim = 512,                                                                           \
                          .whiten_shrink = 0.7f,                                                                       \
                          .prototype_shrink = 10})

#ifdef __cplusplus
}
#endif

#endif
