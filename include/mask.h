/* mask: matches images with texts without ever having seen a paired caption.
 *
 * It implements MASK (Multimodal Aligned Semantic Knowledge, ICLR 2026). From image regions labelled with words it
 * learns a knowledge, pairs of a word vector and a visual prototype, and scores any image against any text with it.
 *
 * Conventions
 *   - Opaque handles: opened into *out, closed by mask_<noun>_close, which accepts NULL. On failure *out is NULL.
 *   - Every fallible function returns a mask_status and fills *err, which may be NULL.
 *   - Matrices are row-major float32. "Owned by X" means: valid until X is closed, not to be freed.
 *   - Options structs (mask_options.h) begin as mask_..._defaults() or a preset; NULL instead of one = defaults.
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

#define MASK_VERSION_MAJOR 0
#define MASK_VERSION_MINOR 2
#define MASK_VERSION_PATCH 0
/* As one number, to compare: #if MASK_VERSION_NUMBER >= MASK_VERSION_OF(0, 2, 0) */
#define MASK_VERSION_OF(major, minor, patch) ((major)*1000000 + (minor)*1000 + (patch))
#define MASK_VERSION_NUMBER MASK_VERSION_OF(MASK_VERSION_MAJOR, MASK_VERSION_MINOR, MASK_VERSION_PATCH)
/* Of the library that runs, "0.2.0"; the macros above are of the header that was compiled. Static storage. */
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

#include "mask_options.h"

/* ---- How work is done --------------------------------------------------------------------------------------- */

typedef enum mask_log_level { MASK_LOG_INFO, MASK_LOG_WARNING } mask_log_level;

/* Processes that do one work together: each calls the same functions with the same arguments, does its share, and has
 * the whole result (mask-mpi makes a team by MPI). Functions that know no team do all of the work in each process. */
typedef struct mask_team {
    int rank, ranks; /* 0 <= rank < ranks; rank 0 alone writes files */
    /* Puts the sum over all processes in the place of each value, the same bits in all of them. One array is NULL. A
     * result other than 0 fails the call. */
    int (*sum)(void *user, double *doubles, float *floats, size_t count);
    void *user;
} mask_team;

/* All fields may be zero. The callbacks run on the calling thread. */
typedef struct mask_run {
    int threads;   /* 0 = every core */
    uint64_t seed; /* of everything random; same seed and threads = same bits */
    void (*log)(void *user, mask_log_level level, const char *line);
    /* total 0 = unknown. A result other than 0 stops the work, which then returns MASK_ECANCELLED. */
    int (*progress)(void *user, const char *what, const char *unit, uint64_t done, uint64_t total);
    void *user;
    const mask_team *team; /* NULL = this process alone */
} mask_run;

/* ---- Word vectors (.mvec) ----------------------------------------------------------------------------------- */

typedef struct mask_vectors mask_vectors;

/* Many words, each with a vector of N numbers (N is the same for all) that lies near those of words with a like
 * meaning. Maps a .mvec file, as `mask vectors import` makes it of GloVe's and others'; takes milliseconds whatever its
 * size. */
MASK_API mask_status mask_vectors_open(mask_vectors **out, const char *path, const mask_run *run, mask_error *err);
MASK_API void mask_vectors_close(mask_vectors *vectors);

/* ---- Images: sets of region features ------------------------------------------------------------------------ */

typedef struct mask_images mask_images;

/* Opens IMAGES, told apart by content: a `*_ims.npy` (images x regions x dim) or a precomp folder with a split ("dev"),
 * float16, 32 or 64; a TSV of bottom-up attention (6 columns) or LXMERT (10); a folder of .npz (of split:
 * FOLDER/SPLIT), one per image; an HDF5 file (docs/datasets.md has the layouts); a region store (mask_extract): its
 * good photos, by id. Images may have different numbers of regions. Of an array, *_ids.txt, *_names.txt and *_boxes.npy
 * beside it are read where they exist. With five stored copies of each image (the redundancy of VSE++ files: *_caps.txt
 * has as many lines, and each five rows are equal) every fifth is kept. split may be NULL for a file. NaN or infinite
 * features are refused when they are read. */
MASK_API mask_status mask_images_open(mask_images **out, const char *path, const char *split, const mask_run *run,
                                      mask_error *err);

/* Images that the calling program has in memory: count images of `regions` regions each in one array, or each image in
 * an array of its own. Strides are in bytes, from one image, region and value to the next; 0 = as in a dense array. */
typedef struct mask_images_memory {
    size_t count, dim;
    const float *features; /* count x regions x dim; NULL = each */
    size_t regions;
    const float *const *each;   /* count arrays, each_regions[i] x dim; strides[0] is not used */
    const size_t *each_regions; /* count */
    ptrdiff_t strides[3];
    const char *const *ids;   /* count; NULL = positions, "0", "1", ... */
    const char *const *names; /* count file names, any of them NULL; NULL = none is known */
    const float *boxes;       /* x1, y1, x2, y2 of all regions of all images in a row; NULL = not known */
    const float *sizes;       /* width, height of each image; NULL = not known */
    bool borrow; /* features, boxes and sizes are not copied: they must stay as they are until the images are closed */
} mask_images_memory;
/* Makes images of arrays, to be used wherever opened ones are. Everything is copied but what `borrow` names; a dense
 * borrowed array is read where it lies. MASK_EINVAL for an image without regions or with an empty id, for both or
 * neither of features and each, and for strides that are not whole floats. NaN or infinite features are refused when
 * they are read. */
MASK_API mask_status mask_images_create(mask_images **out, const mask_images_memory *memory, mask_error *err);
MASK_API void mask_images_close(mask_images *images);
MASK_API size_t mask_images_count(const mask_images *images);
/* The image's id (*_ids.txt, else its position) and file name (NULL when unknown); owned by images. */
MASK_API const char *mask_images_id(const mask_images *images, size_t image);
MASK_API const char *mask_images_name(const mask_images *images, size_t image);
/* The image with this id or file name, -1 when none has. */
MASK_API int64_t mask_images_find(const mask_images *images, const char *id);

/* ---- Texts -------------------------------------------------------------------------------------------------- */

typedef struct mask_texts mask_texts;

/* Opens a text file, one text per line, or a Karpathy JSON (`dataset_*.json`; split "train", "restval", "val", "test",
 * "dev" = "val"; NULL = all). UTF-8; a byte that is not is refused. "-" reads standard input. */
MASK_API mask_status mask_texts_open(mask_texts **out, const char *path, const char *split, const mask_run *run,
                                     mask_error *err);
/* Copies count texts. */
MASK_API mask_status mask_texts_create(mask_texts **out, const char *const *texts, size_t count, mask_error *err);
MASK_API void mask_texts_close(mask_texts *texts);

/* ---- Knowledge (.mask) ---------------------------------------------------------------------------------------- */

typedef struct mask_knowledge mask_knowledge;

/* Words, a visual prototype of Z numbers for each (Eq. 2), and how the M numbers of a region's feature become Z that
 * are compared with prototypes. Maps a .mask file and checks all of it. */
MASK_API mask_status mask_knowledge_open(mask_knowledge **out, const char *path, const mask_run *run, mask_error *err);
MASK_API void mask_knowledge_close(mask_knowledge *knowledge);

/* What a knowledge holds; strings are owned by it. */
typedef struct mask_knowledge_info {
    size_t words;       /* K */
    size_t feature_dim; /* M */
    size_t dim;         /* Z */
    size_t vector_dim;  /* N */
    size_t images;      /* it was learned from */
    size_t regions;
    size_t pairs;                               /* (region, known word) */
    bool scenes, reliabilities;                 /* prototypes of whole images; weights of words */
    bool adapted;                               /* by mask_knowledge_adapt */
    mask_learn_options learned;                 /* how; its train and provenance are NULL */
    size_t background_images, background_texts; /* 0 = not calibrated */
    size_t background_own;                      /* of the images: that are at hand (mask_knowledge_mix) */
    const char *vectors_path; /* where they were when it was learned; where nothing is there, beside the .mask file */
    uint64_t vectors_fingerprint;
    const char *provenance;
} mask_knowledge_info;
MASK_API void mask_knowledge_describe(const mask_knowledge *knowledge, mask_knowledge_info *info);

/* ---- Matching ------------------------------------------------------------------------------------------------ */

/* The options that hold for a knowledge unless a user says otherwise: those of its calibration, else the plain ones. Of
 * an options struct of that size. */
MASK_API void mask_knowledge_match_options(const mask_knowledge *knowledge, mask_match_options *options, size_t size);
static inline mask_match_options mask_match_defaults(const mask_knowledge *knowledge)
{
    mask_match_options options;
    mask_knowledge_match_options(knowledge, &options, sizeof options);
    return options;
}

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

/* A knowledge with its vectors under one set of options, opened once and used by any number of threads: for scores,
 * readings of texts and explanations of pairs. knowledge and vectors must outlive it. */
typedef struct mask_matcher mask_matcher;

/* Opens in microseconds: what the background says of the knowledge's words and of its own texts is computed once, by
 * the first call that needs it (a second time where images of the other kind come: MASK_WHOLE_AUTO is settled for each
 * set). Without a background statistics are those of the images and texts of each call, and reported as transductive.
 * vectors may be NULL when options->ood is MASK_OOD_OFF; options NULL = mask_match_defaults. MASK_EINVAL for options
 * out of their range, MASK_EMISMATCH for vectors that the knowledge was not learned with. */
MASK_API mask_status mask_matcher_open(mask_matcher **out, const mask_knowledge *knowledge, const mask_vectors *vectors,
                                       const mask_match_options *options, const mask_run *run, mask_error *err);
MASK_API void mask_matcher_close(mask_matcher *matcher);

/* Scores every text with every image: scores[text * images + image], caller's, texts x images floats (of no meaning
 * after a failure). text_kinds (NULL, or one byte per text) receives bit 0 = has a known word, bit 1 = has an OOD word;
 * report may be NULL. Columns make it exact and fast: no dot product is computed twice (docs/matching.md). Memory
 * beside the scores is that of a thousand images, but for transductive statistics, which need all. */
MASK_API mask_status mask_matcher_scores(mask_matcher *matcher, const mask_images *images, const mask_texts *texts,
                                         float *scores, unsigned char *text_kinds, mask_match_report *report,
                                         const mask_run *run, mask_error *err);

typedef enum mask_word_kind {
    MASK_WORD_KNOWN,   /* has a prototype */
    MASK_WORD_OOD,     /* gets one from its neighbours in word-vector space */
    MASK_WORD_DROPPED, /* stop word, non-visual or not a word: `reason` says */
    MASK_WORD_UNKNOWN, /* neither prototype nor vector */
} mask_word_kind;

typedef struct mask_word_neighbour {
    const char *word;     /* owned by the reading */
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
    const char *const *suggestions; /* of an unknown word: words that may have been meant, best first */
    size_t suggestion_count;
} mask_word;

/* One text, word by word; mask_reading_free frees all that it points to. */
typedef struct mask_reading {
    const mask_word *words; /* every token in order; a compound or the parts of a hyphenated word stand after the tokens
                               whose place they take */
    size_t count;
    const char *language; /* that the text seems to be in ("German") where it is not the knowledge's; else NULL */
    void *memory;
} mask_reading;
/* What becomes of the words of a text; mask_reading_free, of a zeroed or failed reading too. */
MASK_API mask_status mask_matcher_read(const mask_matcher *matcher, const char *text, mask_reading *out,
                                       mask_error *err);
MASK_API void mask_reading_free(mask_reading *reading);

/* One pair explained: the score as mask_matcher_scores gives it, and the word x region table behind it. */
typedef struct mask_explanation {
    double score;
    /* score = (weighted mean of word_scores - text_mean) / text_deviation - hub_image - hub_text */
    double text_mean, text_deviation; /* of S(t, .) over the background, scaled; 0 and 1 when not calibrated */
    double hub_image, hub_text;       /* a h(i) and b g(t), subtracted */
    mask_reading reading;
    size_t words, regions;
    const size_t *word_index; /* words: position in reading.words */
    const float *cosines;     /* words x regions */
    const float *word_scores; /* words: pooled (Eq. 10), calibrated c_w(i) (docs/matching.md); else the pooled cosine */
    bool transductive;
    void *memory;
} mask_explanation;
/* Reads no image but this one, unless statistics are transductive: those are of the whole set. MASK_ENOTFOUND for an
 * image that is not there. *out is to be freed by mask_explanation_free. */
MASK_API mask_status mask_matcher_explain(mask_matcher *matcher, const mask_images *images, size_t image,
                                          const char *text, mask_explanation *out, const mask_run *run,
                                          mask_error *err);
MASK_API void mask_explanation_free(mask_explanation *explanation);

/* ---- Galleries (.gallery) ------------------------------------------------------------------------------------- */

/* An index over images, in a folder. Functions that change one take its path; to be searched it is opened. */
typedef struct mask_gallery mask_gallery;

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
/* Removes a gallery with all its files. What others put into the folder stays, and the folder then too. MASK_EIO names
 * the process that is changing it; a program that searches it goes on with what it opened. */
MASK_API mask_status mask_gallery_delete(const char *path, mask_error *err);
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

/* Opens for searching: the state at this moment, whatever writers do later, until it is refreshed. */
MASK_API mask_status mask_gallery_open(mask_gallery **out, const char *path, const mask_run *run, mask_error *err);
MASK_API void mask_gallery_close(mask_gallery *gallery);
/* Brings an open gallery to its state at this moment; *changed (may be NULL) tells whether that is another. Other
 * threads may search meanwhile: a search that has begun ends on the state it began with, later ones see the new one.
 * Microseconds where nothing has changed, else what opening takes without the knowledge. On failure it stays as it was.
 * A gallery opened where nothing could be written beside it (a full disk, a read-only medium) sees no change. */
MASK_API mask_status mask_gallery_refresh(mask_gallery *gallery, bool *changed, const mask_run *run, mask_error *err);

typedef struct mask_gallery_info {
    size_t images, removed, segments, regions, words, dim, budget; /* removed: dead images that segments still hold */
    uint64_t bytes;                           /* of segments and catalogue: what grows with the images */
    uint64_t generation;                      /* counts changes */
    size_t background_images, background_own; /* of its statistics; those of them that are the gallery's */
    mask_match_options options;               /* whole_region as resolved by the first images */
    const char *vectors_path;                 /* of its knowledge, owned by the gallery */
} mask_gallery_info;
MASK_API void mask_gallery_describe(const mask_gallery *gallery, mask_gallery_info *info);

/* What an image is called beside its id, usually the path of its file: *name is the caller's, to be freed with free();
 * NULL where it has none. MASK_ENOTFOUND: no such image. */
MASK_API mask_status mask_gallery_name(const mask_gallery *gallery, const char *id, char **name, mask_error *err);

/* The metadata of images by their ids, as a JSON list: an object of an image's columns, null for an id that is not
 * there. Of no ids, the list of the columns' names. *json is the caller's, to be freed with free(). */
MASK_API mask_status mask_gallery_metadata(const mask_gallery *gallery, const char *const *ids, size_t count,
                                           char **json, mask_error *err);

/* ---- Searching a gallery -------------------------------------------------------------------------------------- */

/* One text of a query. A query's score is the sum of weight x s(text, image) over its texts, and of weight x cosine
 * over its images. */
typedef struct mask_query_text {
    const char *text;
    float weight; /* negative: images like it go down */
} mask_query_text;

/* One image of a query: one of the gallery by its id, which then is not among the results, or any photo by its
 * features (their regions as the gallery's images have them). Compared are scene vectors, or whole-image vectors where
 * the knowledge has no scenes, by their cosine: at most 1, where scores of calibrated texts reach about 3. */
typedef struct mask_query_image {
    const char *id;            /* NULL = image `image` of `images` */
    const mask_images *images; /* read during the call only */
    size_t image;
    float weight; /* negative: images like it go down */
} mask_query_image;

/* At least one text or image. */
typedef struct mask_query {
    const mask_query_text *texts;
    size_t count;
    const mask_query_image *images;
    size_t image_count;
    size_t k, offset;       /* results offset .. offset + k of the ranking */
    float min_score;        /* -INFINITY = any */
    float min_confidence;   /* of the k, only those as probable; 0 = any; above, MASK_EINVAL where there is none */
    const char *where;      /* SQL condition over the images' metadata; NULL = none */
    const char *const *ids; /* only these; NULL = all */
    size_t id_count;
    bool explain;
} mask_query;
/* The ten best of all images, explained. */
static inline mask_query mask_query_defaults(void)
{
    mask_query query = {NULL, 0, NULL, 0, 10, 0, -__builtin_inff(), 0, NULL, NULL, 0, true};
    return query;
}

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
    const char *id, *name;  /* name may be NULL */
    double score, likeness; /* likeness: what the query's images give of the score, with `explain` */
    float confidence;       /* probability that the image shows what the texts say, none of negative weight; NAN where
                               the gallery's options give none (docs/matching.md), or the query has images */
    size_t width, height;   /* 0 = unknown */
    const mask_hit_word *words;
    size_t word_count;
} mask_hit;

/* Filled by a search; mask_results_free frees all that it points to. */
typedef struct mask_results {
    const mask_hit *hits; /* best first; equal scores by id */
    size_t count;
    size_t searched;              /* images that passed the filters */
    size_t rescored;              /* images whose score was computed exactly: the rest were ruled out by bounds */
    const mask_reading *readings; /* one per text of the query: neighbours of OOD words too */
    size_t reading_count;
    double seconds;
    void *memory;
} mask_results;

/* The exact ranking of all images by the query (docs/gallery.md): equal to computing every score. vectors may be NULL
 * when the index has OOD off or the query has no texts. Texts without a usable word count nothing; MASK_ENOTFOUND when
 * no word can be used and there is no image, or for an image's id that the gallery lacks; MASK_EMISMATCH for features
 * of another kind than the gallery's. */
MASK_API mask_status mask_gallery_search(const mask_gallery *gallery, const mask_vectors *vectors,
                                         const mask_query *query, mask_results *out, const mask_run *run,
                                         mask_error *err);
/* Many queries; every core works on them. out: count results. A query without a usable word gets no hits, but its
 * readings. */
MASK_API mask_status mask_gallery_search_batch(const mask_gallery *gallery, const mask_vectors *vectors,
                                               const mask_query *queries, size_t count, mask_results *out,
                                               const mask_run *run, mask_error *err);
MASK_API void mask_results_free(mask_results *results);

/* ---- The texts that describe an image of a gallery best ---------------------------------------------------------- */

/* Texts made ready to be ranked for the images of one gallery, as it is at this moment: a refresh does not reach it.
 * What that took is kept in the gallery's folder (docs/gallery.md), so that the same texts are ready in milliseconds
 * the next time. The gallery must outlive it; any number of threads may use it. */
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

/* ---- Photos --------------------------------------------------------------------------------------------------- */

typedef struct mask_extract_report {
    size_t photos;     /* found */
    size_t good;       /* of them are in the store with their regions */
    size_t extracted;  /* of them by this call */
    size_t copied;     /* had the content of a photo in the store, and took its regions */
    size_t unchanged;  /* were there already */
    size_t bad;        /* could not be decoded: in the store with the reason, tried again when they change */
    size_t vanished;   /* photos of the store whose files are no longer there, or excluded; dropped with prune */
    size_t raw, video; /* files met that are not read */
} mask_extract_report;

/* Decodes photos (files, and folders with all below them; JPEG, PNG, WebP, GIF, TIFF, HEIC, AVIF) and stores their
 * regions' boxes, labels, scores and features in the region store `out`, which mask_images_open opens: docs/photos.md.
 * Region 0 is the whole photo. A store that is there is continued: files that have not changed are skipped, so a run
 * that was stopped goes on where it was; MASK_EMISMATCH when it was made with another encoder or other options. Work is
 * committed every few seconds. Photos that this call found to be bad are skipped and named in the log at the end;
 * MASK_EFORMAT when there is no good one. options and report may be NULL. */
MASK_API mask_status mask_extract(const char *const *photos, size_t count, const char *out,
                                  const mask_extract_options *options, mask_extract_report *report, const mask_run *run,
                                  mask_error *err);

/* Photos to regions in memory, by networks that are opened once. Any number of threads may use an extractor; as many
 * photos are looked at side by side as its run has threads, and one alone takes them all. */
typedef struct mask_extractor mask_extractor;

/* encoder is a .menc file; options may be NULL, their encoder, prune and boxes are not used. */
MASK_API mask_status mask_extractor_open(mask_extractor **out, const char *encoder, const mask_extract_options *options,
                                         const mask_run *run, mask_error *err);
MASK_API void mask_extractor_close(mask_extractor *extractor); /* NULL is fine; no thread may be using it */

/* A photo: one of path, bytes and rgb, the others NULL. It is only read, and not kept. */
typedef struct mask_photo {
    const char *id;    /* stands in messages and is the image's id; NULL = path, else "photo" */
    const char *path;  /* of a file */
    const void *bytes; /* such a file's content, `size` bytes: JPEG, PNG, WebP, GIF, TIFF, HEIC or AVIF */
    size_t size;
    const uint8_t *rgb;           /* pixels of sRGB, upright: height rows of width x 3 bytes */
    size_t width, height, stride; /* of rgb; bytes from row to row, 0 = width x 3 */
} mask_photo;

/* Images of photos, one or more, to be searched with, scored or added to a gallery; mask_images_close frees them. Fails
 * with the first that cannot be read: MASK_EFORMAT: not a photo, or damaged; MASK_EINVAL: too large. */
MASK_API mask_status mask_extractor_images(mask_images **out, mask_extractor *extractor, const mask_photo *photos,
                                           size_t count, mask_error *err);

/* Where mask_photos_gallery keeps what it makes of folders of photos, and what it makes it with. */
typedef struct mask_photo_cache {
    const char *path;      /* a folder that is there: the command line's is ~/.cache/mask */
    const char *encoder;   /* .menc */
    const char *knowledge; /* .mask; several may share what was extracted */
    const char *exclude;   /* files and folders to leave out, as of mask_extract_options; NULL = none */
} mask_photo_cache;

/* Brings the gallery of some folders of photos up to date, or makes it: extracts what is new or has changed, drops what
 * is gone, and indexes it with what is known of each photo as metadata (date, latitude, longitude, folder, file). Takes
 * milliseconds where nothing has changed. *gallery is its path, for mask_gallery_open; free(). Calls for the same
 * photos take turns; one that was stopped goes on when it is made again. report may be NULL. */
MASK_API mask_status mask_photos_gallery(char **gallery, const char *const *folders, size_t count,
                                         const mask_photo_cache *cache, mask_extract_report *report,
                                         const mask_run *run, mask_error *err);

#ifdef __cplusplus
}
#endif

#endif
