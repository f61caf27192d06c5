/* mask_options.h: every option of the library, once. Part of mask.h; do not include it alone.
 *
 * A table has a row per option. From it come the fields of the options struct, in this order, their defaults and
 * ranges, the command line's flags and help, `mask info --json`, and the names under which files keep them. To add an
 * option, add a row at the end of its table: a file or program that does not know the row gets its default.
 *
 *     X(kept, type, field, default, low, high, words, flag, value, help)
 *       kept    MASK_KEPT: files keep it (what is made depends on it); MASK_LOOSE: of one call only
 *       words   names of the values low, low + 1, ...: "off|on"; NULL = numbers only. A switch (bool without words) has
 *               a flag without a value, which sets the opposite of the default
 *       flag    of the command line, NULL = none there; value: what its help calls the value
 *       help    what it does, in one line: the documentation of the field
 *
 * Every options struct begins with `size_t size`, the caller's sizeof, which mask_..._defaults() and the presets set. A
 * smaller one is an older program's: the fields beyond it have their defaults. A larger one is a newer program's:
 * MASK_EINVAL unless what is beyond is zero. 0 stands for defaults throughout: MASK_EINVAL when a field is set all the
 * same, because the program forgot to begin with defaults. NULL instead of options = defaults. */
#ifndef MASK_OPTIONS_H
#define MASK_OPTIONS_H

#define MASK_KEPT true
#define MASK_LOOSE false

/* ---- Matching ------------------------------------------------------------------------------------------------ */

typedef enum mask_pool {
    MASK_POOL_MAX_MEAN,   /* Eq. 10: mean over words of the (top-k) maximum over regions */
    MASK_POOL_REGION_MAX, /* mean over regions of the maximum over words */
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

enum { MASK_WHOLE_AUTO = -2, MASK_WHOLE_MEAN = -1 };

/* clang-format off */
/* The defaults are MACK's matching with OOD words, which needs no background. */
#define MASK_MATCH_OPTIONS(X)                                                                                          \
    X(MASK_KEPT, mask_pool, pool, MASK_POOL_MAX_MEAN, 0, 2, "max-mean|region-max|mean", "--pool", "P",                 \
      "how the cosines of words and regions become one number")                                                        \
    X(MASK_KEPT, int, top, 1, 1, 64, NULL, "--top", "N", "regions averaged by max-mean; 1 = maximum (Eq. 10)")         \
    X(MASK_KEPT, float, context, 0, 0, 1e6, NULL, "--context", "X",                                                    \
      "weight of the whole image beside its regions; 0 = none")                                                        \
    X(MASK_KEPT, int, whole_region, MASK_WHOLE_AUTO, -2, 1e6, "auto|mean", "--whole-region", "N|mean|auto",            \
      "which region is the whole image; mean of the unit regions; auto = region 0 where its box holds the others")     \
    X(MASK_KEPT, mask_ood, ood, MASK_OOD_NEIGHBOURS, 0, 2, "off|neighbours|procrustes", "--ood", "M|off|procrustes",   \
      "words without a prototype: off = not used")                                                                     \
    X(MASK_KEPT, int, ood_neighbours, 200, 1, 1e6, NULL, NULL, "M", "known words that stand for one without prototype")\
    X(MASK_KEPT, float, ood_temperature, 0.15, 1e-6, 1e6, NULL, "--ood-temperature", "T",                              \
      "of the softmax over the neighbours")                                                                            \
    X(MASK_KEPT, float, ood_weight, -1, -1, 1e6, "auto", "--ood-weight", "auto|X",                                     \
      "of an OOD word in a text's mean, where a known word weighs 1; auto = by its nearness to known words")           \
    X(MASK_KEPT, float, ood_company, 0, 0, 1, NULL, "--ood-company", "X",                                              \
      "share of co-occurrence in the neighbours of background words often seen")                                       \
    X(MASK_KEPT, float, scene, 0, 0, 1e6, NULL, "--scene", "X",                                                        \
      "weight of the scene columns; above 0 it needs a knowledge with scenes")                                         \
    X(MASK_KEPT, mask_calibrate, calibrate, MASK_CALIBRATE_NONE, 0, 4, "none|centre|zscore|text|full", "--calibrate",  \
      "C", "what statistics of a background are taken away")                                                           \
    X(MASK_KEPT, float, text_power, 0, 0, 100, NULL, "--text-power", "X",                                              \
      "scales a text's scores by this power of its words' summed weight; 0 = not")                                     \
    X(MASK_KEPT, float, image_power, 0, 0, 100, NULL, "--image-power", "X",                                            \
      "divides an image's scores by this power of their deviation over texts; 0 = not")                                \
    X(MASK_KEPT, float, hub_image, 0.6, 0, 1e6, NULL, "--hub-image", "A", "weight of the images' hubness")             \
    X(MASK_KEPT, float, hub_text, 0.5, 0, 1e6, NULL, "--hub-text", "B", "weight of the texts' hubness")                \
    X(MASK_KEPT, int, hub_neighbours, 50, 0, 1e6, NULL, "--hub-neighbours", "N",                                       \
      "largest scores averaged by hubness; 0 = log mean exp, with the sharpness below")                                \
    X(MASK_KEPT, float, hub_image_sharpness, 0, 0, 1e6, NULL, "--hub-image-sharpness", "X",                            \
      "of the log mean exp over texts")                                                                                \
    X(MASK_KEPT, float, hub_text_sharpness, 0, 0, 1e6, NULL, "--hub-text-sharpness", "X",                              \
      "of the log mean exp over images")                                                                               \
    X(MASK_LOOSE, float, adjective, 0, 0, 1e6, NULL, "--adjectives", "X",                                              \
      "a noun's prototype becomes unit(noun + X times that of a word that modifies it); 0 = off")                      \
    X(MASK_LOOSE, const char *, modifiers, 0, 0, 0, NULL, "--modifiers", "FILE",                                       \
      "that --adjectives needs: text, adjective, noun (numbers from 0) on each line (docs/matching.md)")              \
    X(MASK_KEPT, float, hub_words, 0, 0, 1e6, NULL, "--hub-words", "W",                                                \
      "summed weight of a text's words from which on it loses all of the images' hubness, below its share; 0 = always")  \
    X(MASK_KEPT, float, confidence, 0, 0, 100, NULL, "--confidence", "X",                                              \
      "how fast the probability that an image shows what is asked grows with its score; 0 = hits have no confidence")

/* ---- Learning ------------------------------------------------------------------------------------------------- */

/* How texts and labels become words. */
typedef enum mask_tokens {
    MASK_TOKENS_CAPTION, /* NLTK's word_tokenize, lemmas, compounds, stop and non-visual words dropped */
    MASK_TOKENS_LETTERS, /* runs of a-z of two letters or more, stop words dropped: the plain reference */
} mask_tokens;

typedef enum mask_representation {
    MASK_REPRESENTATION_NONE,   /* features as they are (MACK) */
    MASK_REPRESENTATION_WHITEN, /* power, centre, L2, centre, PCA, eigenvalues shrunk (closed form) */
    MASK_REPRESENTATION_MASK,   /* the paper's PAE, trained with its FRM and MTM */
} mask_representation;

/* What stands for a word: Eq. 2's mean over its regions, or one of them at random (the paper's ablation). */
typedef enum mask_prototype { MASK_PROTOTYPE_MEAN, MASK_PROTOTYPE_RANDOM } mask_prototype;

#define MASK_LEARN_OPTIONS(X)                                                                                          \
    X(MASK_KEPT, mask_representation, representation, MASK_REPRESENTATION_WHITEN, 0, 2, "none|whiten|mask",            \
      "--encoder", "E", "what is made of features; mask is trained")                                                   \
    X(MASK_KEPT, mask_tokens, tokens, MASK_TOKENS_CAPTION, 0, 1, "caption|letters", "--tokens", "T",                   \
      "caption: as NLTK, with lemmas and compounds; letters: runs of a-z")                                             \
    X(MASK_KEPT, size_t, min_count, 3, 1, 1e9, NULL, "--min-count", "N",                                               \
      "regions a word needs to be known; others are left to OOD")                                                      \
    X(MASK_KEPT, float, power, 0.75, 0.01, 1, NULL, "--power", "P",                                                    \
      "of the features before whitening; 1, 0.75 and 0.5 are fast")                                                    \
    X(MASK_KEPT, size_t, whiten_dim, 512, 1, 65536, NULL, "--whiten-dim", "Z",                                         \
      "dimensions kept by whiten, at most those of the features")                                                      \
    X(MASK_KEPT, float, whiten_shrink, 1.6, 0, 1e6, NULL, "--whiten-shrink", "X",                                      \
      "x the mean eigenvalue is added to each")                                                                        \
    X(MASK_KEPT, float, prototype_shrink, 15, 0, 1e9, NULL, "--prototype-shrink", "N",                                 \
      "pseudo-counts towards the neighbours' prototypes; 0 = Eq. 2 as it is")                                          \
    X(MASK_KEPT, bool, scenes, true, 0, 1, NULL, "--no-scenes", NULL,                                                  \
      "no scene prototypes (what images that hold a word look like as a whole) and no reliabilities")                  \
    X(MASK_KEPT, float, reliability, 0.3, 0, 10, NULL, "--reliability", "P",                                           \
      "power of the words' cross-fitted reliabilities; 0 = none; needs scenes")                                        \
    X(MASK_KEPT, mask_prototype, prototype, MASK_PROTOTYPE_MEAN, 0, 1, "mean|random", "--prototype", "P",              \
      "mean of a word's regions, or one of them; random: without reliabilities")                                       \
    X(MASK_LOOSE, const char *, provenance, 0, 0, 0, NULL, NULL, "TEXT", "kept in the file (a command line)")

typedef enum mask_schedule { MASK_SCHEDULE_CONSTANT, MASK_SCHEDULE_COSINE } mask_schedule;

/* Of MASK_REPRESENTATION_MASK (docs/training.md). The seed is the run's. */
#define MASK_TRAIN_OPTIONS(X)                                                                                          \
    X(MASK_KEPT, bool, whiten, true, 0, 1, "raw|whiten", "--input", "I",                                               \
      "the networks read whitened features (whiten_dim of them), or raw ones")                                         \
    X(MASK_KEPT, bool, start_whiten, true, 0, 1, "random|whiten", "--start", "S",                                      \
      "the PAE begins as the whitened features themselves; takes whitened input and residual")                         \
    X(MASK_KEPT, bool, centre_words, true, 0, 1, "raw|centred", "--words", "W",                                        \
      "L_cm sees word vectors without their mean, which makes unrelated words alike")                                  \
    X(MASK_KEPT, bool, residual, true, 0, 1, "off|on", "--residual", "on|off", "x + attention(x)")                     \
    X(MASK_KEPT, bool, per_dimension, true, 0, 1, "sum|mean", "--ir", "R", "of L_ir over its dimensions")              \
    X(MASK_KEPT, bool, bf16, false, 0, 1, NULL, "--bf16", NULL,                                                        \
      "products in bfloat16, twice as fast where the processor can; weights stay float")                               \
    X(MASK_KEPT, size_t, dim, 512, 1, 65536, NULL, "--dim", "Z", "dimensions of a region's representation")            \
    X(MASK_KEPT, unsigned, pae_fc, 1, 0, 16, NULL, "--pae-fc", "N", "fully connected layers of the PAE (Table 12)")    \
    X(MASK_KEPT, unsigned, pae_attention, 3, 0, 16, NULL, "--pae-attention", "N", "attention layers of the PAE")       \
    X(MASK_KEPT, unsigned, frm_fc, 2, 0, 16, NULL, "--frm-fc", "N", "of the FRM")                                      \
    X(MASK_KEPT, unsigned, frm_attention, 1, 0, 16, NULL, "--frm-attention", "N", "of the FRM")                        \
    X(MASK_KEPT, unsigned, mtm_fc, 3, 0, 16, NULL, "--mtm-fc", "N", "of the MTM")                                      \
    X(MASK_KEPT, unsigned, mtm_attention, 3, 0, 16, NULL, "--mtm-attention", "N", "of the MTM")                        \
    X(MASK_KEPT, size_t, epochs, 6, 0, 1e6, NULL, "--epochs", "N",                                                     \
      "passes over the regions; 0 when choosing = closed forms only")                                                  \
    X(MASK_KEPT, size_t, batch, 2048, 2, 16777216, NULL, "--batch", "N", "regions in a step: whole images, one or more")\
    X(MASK_KEPT, float, halve_batch_at, 1, 0, 1, NULL, "--halve-batch-at", "X",                                        \
      "share of the epochs after which batches are half as large; 1 = never")                                          \
    X(MASK_KEPT, float, rate, 1e-4, 1e-12, 1e12, NULL, "--rate", "X", "Adam's learning rate")                          \
    X(MASK_KEPT, mask_schedule, schedule, MASK_SCHEDULE_COSINE, 0, 1, "constant|cosine", "--schedule", "S",            \
      "of the rate")                                                                                                   \
    X(MASK_KEPT, size_t, warmup, 0, 0, 1e9, NULL, "--warmup", "N", "steps over which the rate rises from 0")           \
    X(MASK_KEPT, float, clip, 0, 0, 1e12, NULL, "--clip", "X", "largest norm of the gradient; 0 = any")                \
    X(MASK_KEPT, float, lambda_cm, 3, 0, 1e6, NULL, "--lambda-cm", "X", "weight of L_cm; 0 = without")                 \
    X(MASK_KEPT, float, lambda_cl, 3, 0, 1e6, NULL, "--lambda-cl", "X", "weight of L_cl; 0 = without")                 \
    X(MASK_KEPT, float, weight_ir, 1, 0, 1e6, NULL, "--weight-ir", "X", "weight of L_ir")                              \
    X(MASK_KEPT, float, temperature, 0.1, 1e-6, 1e6, NULL, "--tau", "X", "temperature of L_cl")                        \
    X(MASK_LOOSE, const char *, checkpoint, 0, 0, 0, NULL, NULL, "FILE",                                               \
      "file to continue from; NULL = none is written. The caller removes it when what was learned is safe")            \
    X(MASK_LOOSE, float, checkpoint_minutes, 5, 0, 1e6, NULL, "--checkpoint-minutes", "X",                             \
      "between two checkpoints; 0 = after every epoch")                                                                \
    X(MASK_LOOSE, bool, resume, false, 0, 1, NULL, "--resume", NULL,                                                   \
      "continue from the checkpoint (K.mask.ckpt) where there is one, bit for bit")                                    \
    X(MASK_LOOSE, const char *, metrics, 0, 0, 0, NULL, "--metrics", "FILE", "losses of every step as JSON lines")

/* How a knowledge is fitted to a domain with unpaired images and texts of it (Eq. 88-93). */
#define MASK_ADAPT_OPTIONS(X)                                                                                          \
    X(MASK_LOOSE, size_t, epochs, 5, 1, 1e6, NULL, "--epochs", "N",                                                    \
      "passes over the texts, at most: it stops when held-out loss no longer falls")                                   \
    X(MASK_LOOSE, size_t, batch_texts, 128, 1, 1e6, NULL, "--batch-texts", "N", "texts in a step")                     \
    X(MASK_LOOSE, size_t, batch_images, 16, 1, 1e6, NULL, "--batch-images", "N", "images in a step")                   \
    X(MASK_LOOSE, float, rate, 1e-4, 1e-12, 1e3, NULL, "--rate", "X", "Adam's learning rate")                          \
    X(MASK_LOOSE, float, temperature, 0.03, 1e-6, 1e6, NULL, "--temperature", "T",                                     \
      "of every softmax over cosines; the equations have 1")                                                           \
    X(MASK_LOOSE, bool, unit, true, 0, 1, NULL, "--raw", NULL,                                                         \
      "the equations as they stand: products of mu W, not of unit vectors, where a longer W looks better")             \
    X(MASK_LOOSE, float, held_out, 0.1, 0.001, 0.999, NULL, "--held-out", "X",                                         \
      "share of the images and of the texts that judge and are not learned from")

/* ---- Photos, galleries, files --------------------------------------------------------------------------------- */

/* How a photo becomes a network's square. */
typedef enum mask_photo_shape {
    MASK_PHOTO_STRETCH, /* stretched to it */
    MASK_PHOTO_PAD,     /* kept in shape, between grey bars */
} mask_photo_shape;

/* Region 0 is the whole photo, then come the detector's boxes, then the cells of grids. A region's feature is the mean
 * of the photo's feature map there: one run of the network per photo. prune and boxes are of mask_extract. */
#define MASK_EXTRACT_OPTIONS(X)                                                                                        \
    X(MASK_LOOSE, const char *, encoder, 0, 0, 0, NULL, "--encoder", "E.menc",                                         \
      "network that encodes regions (default: default.menc beside the program)")                                                               \
    X(MASK_KEPT, const char *, detector, 0, 0, 0, NULL, "--detector", "D.menc",                                        \
      "network whose boxes are regions too; it may be the encoder (default: none)")                                    \
    X(MASK_KEPT, size_t, regions, 36, 0, 1000, NULL, "--regions", "N", "boxes of the detector per photo at most")      \
    X(MASK_KEPT, size_t, grid, 3, 0, 8, NULL, "--grid", "N",                                                           \
      "the cells of grids up to N x N are regions; below 2 = none")                                                    \
    X(MASK_KEPT, size_t, grid_from, 2, 2, 8, NULL, "--grid-from", "N", "the smallest of these grids")                  \
    X(MASK_KEPT, float, grid_overlap, 0, 0, 0.9, NULL, "--grid-overlap", "X",                                          \
      "share of its width and height that a cell has in common with its neighbour")                                    \
    X(MASK_KEPT, size_t, side, 0, 0, 4096, "auto", "--side", "N",                                                    \
      "pixels of the square that the encoder looks at; auto = what its file names")                                    \
    X(MASK_KEPT, mask_photo_shape, shape, MASK_PHOTO_STRETCH, 0, 1, "stretch|pad", "--shape", "S",                     \
      "the photo fills the square, or keeps its shape between bars")                                                   \
    X(MASK_LOOSE, uint64_t, max_pixels, 100000000, 1, 1e12, NULL, "--max-pixels", "N",                                 \
      "refuse larger photos before decoding them")                                                                     \
    X(MASK_KEPT, bool, small, false, 0, 1, NULL, "--small", NULL, "keep features in 8 bits, deflated: a sixth of the size") \
    X(MASK_LOOSE, const char *, exclude, 0, 0, 0, NULL, "--exclude", "PATTERNS",                                       \
      "leave out files and folders by name or path below PHOTOS: \"*.png,private\" (default: none)")                  \
    X(MASK_LOOSE, bool, prune, false, 0, 1, NULL, "--prune", NULL, "drop photos whose files are no longer there")      \
    X(MASK_KEPT, const char *, boxes, 0, 0, 0, NULL, "--boxes", "T.tsv",                                               \
      "labelled boxes (image x1 y1 x2 y2 label) instead of detections: writes a folder to learn from")

typedef enum mask_store {
    MASK_STORE_HALF, /* float16: a cosine moves by less than 0.0005, in practice by 0.00002 */
    MASK_STORE_FLOAT,
    MASK_STORE_INT8 /* 8 bits a component, unit length kept: a cosine moves by 0.0005 in practice */
} mask_store;

typedef enum mask_products {
    MASK_PRODUCTS_FLOAT,
    MASK_PRODUCTS_BF16 /* operands rounded to 8 bits of precision, sums in float */
} mask_products;

#define MASK_GALLERY_OPTIONS(X)                                                                                        \
    X(MASK_KEPT, size_t, budget, 0, 0, 100000, "all", "--budget", "R", "regions kept per image, the best first")       \
    X(MASK_KEPT, size_t, segment_images, 0, 0, 4194304, "auto", "--segment-images", "N",                               \
      "images per segment; auto = as many as fit its memory")                                                          \
    X(MASK_KEPT, mask_store, store, MASK_STORE_HALF, 0, 2, "float16|float32|int8", "--store", "KIND",                  \
      "how vectors of regions and images are kept")                                                                    \
    X(MASK_KEPT, mask_products, products, MASK_PRODUCTS_FLOAT, 0, 1, "float32|bfloat16", "--products", "KIND",         \
      "of columns; bfloat16 indexes faster where the processor can, and moves scores by some 0.001")                   \
    X(MASK_KEPT, size_t, own, 1, 0, 100000, "off|auto", "--own", "N|auto|off",                                         \
      "indexed images that join the background's: at most N, or 500 from 25 on; statistics follow as images change")

typedef enum mask_encoder_weights {
    MASK_WEIGHTS_AS_THEY_ARE,
    MASK_WEIGHTS_HALF, /* float16 */
    MASK_WEIGHTS_BYTES /* 8-bit integers with a scale for each output channel */
} mask_encoder_weights;

#define MASK_ENCODER_OPTIONS(X)                                                                                        \
    X(MASK_LOOSE, const char *, labels, 0, 0, 0, NULL, "--labels", "FILE",                                             \
      "labels, one per line (default: those FILE holds)")                                                              \
    X(MASK_LOOSE, const char *, features, 0, 0, 0, NULL, "--features", "NAME",                                         \
      "name, or a part that only it has, of the tensor (1, h, w, c) or (1, tokens, c) that features are taken from "   \
      "(default: a transformer's last tokens, else of those with most channels and more than one cell the last)")      \
    X(MASK_LOOSE, const char *, middle, 0, 0, 0, NULL, "--middle", "NAME",                                             \
      "likewise, a second tensor, whose values go behind those of --features")                                         \
    X(MASK_LOOSE, float, middle_scale, 1, 1e-6, 1e6, NULL, "--middle-scale", "S", "factor of the second tensor's values")\
    X(MASK_LOOSE, size_t, side, 0, 0, 4096, "auto", "--side", "N",                                                     \
      "pixels of the square that it looks at; auto = what the network was made for")                                   \
    X(MASK_LOOSE, mask_encoder_weights, weights, MASK_WEIGHTS_AS_THEY_ARE, 0, 2, "float32|float16|int8", "--weights",  \
      "KIND", "how those of an .onnx are kept; int8 with a scale for each channel")                                    \
    X(MASK_LOOSE, const char *, provenance, 0, 0, 0, NULL, "--provenance", "TEXT",                                     \
      "origin and licence, kept in the file (default: FILE's name)")

/* How the candidates of a query get their new order (Eq. 15); both scores are those of the candidates only. */
typedef enum mask_rerank_rule {
    MASK_RERANK_ZSCORE, /* zscore(base) + alpha zscore(other), over the candidates; equal scores have z-score 0 */
    MASK_RERANK_SUM,    /* base + alpha other, as MACK */
} mask_rerank_rule;

#define MASK_RERANK_OPTIONS(X)                                                                                         \
    X(MASK_LOOSE, mask_rerank_rule, rule, MASK_RERANK_ZSCORE, 0, 1, "zscore|sum", "--rule", "R",                       \
      "zscore, or sum: base + alpha ours, as MACK")                                                                    \
    X(MASK_LOOSE, size_t, top_k, 15, 0, 1e6, NULL, "--top-k", "K,...",                                                 \
      "candidates of each query; 0 = the base's own ranking")                                                          \
    X(MASK_LOOSE, float, alpha, 0.15, -1e6, 1e6, NULL, "--alpha", "A,...", "weight of our scores")

typedef enum mask_features_format {
    MASK_FEATURES_NPY, /* out = X_ims.npy, with X_ids.txt and, where known, X_boxes.npy and X_names.txt beside it */
    MASK_FEATURES_NPZ, /* out = a folder, made if need be, of ID.npz: x, num_bbox and, where known, bbox, image_w,
                          image_h */
    MASK_FEATURES_TSV, /* out = a file of image_id, image_w, image_h (0 = unknown), num_boxes, boxes, features */
} mask_features_format;

#define MASK_CONVERT_OPTIONS(X)                                                                                        \
    X(MASK_LOOSE, mask_features_format, to, MASK_FEATURES_NPY, 0, 2, "npy|npz|tsv", NULL, "F", "format written")       \
    X(MASK_LOOSE, size_t, regions, 0, 0, 1e6, "all", "--regions", "N",                                                 \
      "only the first N of each image; refused where one has fewer (an array needs equal numbers)")                    \
    X(MASK_LOOSE, bool, half, false, 0, 1, NULL, "--half", NULL, "a *_ims.npy of float16 instead of float32")

/* How names of regions become labels; docs/datasets.md says exactly how. */
typedef enum mask_recipe {
    MASK_RECIPE_BUTD, /* lower case, final "." dropped, phrases kept or mapped to the classes of a vocabulary */
    MASK_RECIPE_MACK, /* the first name; punctuation to spaces; each word counts */
    MASK_RECIPE_MASK, /* the same, without words of special characters and rare words */
} mask_recipe;

typedef enum mask_name_by { MASK_NAME_ID, MASK_NAME_URL, MASK_NAME_COCO, MASK_NAME_FLICKR } mask_name_by;

#define MASK_REGIONS_OPTIONS(X)                                                                                        \
    X(MASK_LOOSE, mask_recipe, recipe, MASK_RECIPE_MASK, 0, 2, "butd|mack|mask", "--recipe", "R",                      \
      "how names become labels")                                                                                       \
    X(MASK_LOOSE, size_t, min_count, 3, 0, 1e9, NULL, "--min-count", "N",                                              \
      "of the recipe mask: drop words met fewer times")                                                                \
    X(MASK_LOOSE, const char *, vocabulary, 0, 0, 0, NULL, "--vocabulary", "FILE",                                     \
      "of the recipe butd and of --labels: the object classes and their aliases")                                      \
    X(MASK_LOOSE, const char *, attribute_vocabulary, 0, 0, 0, NULL, "--attributes-vocabulary", "FILE",                \
      "the same for attributes")                                                                                       \
    X(MASK_LOOSE, const char *, attributes, 0, 0, 0, NULL, "--attributes", "FILE",                                     \
      "Visual Genome's attributes.json, joined by image and object")                                                   \
    X(MASK_LOOSE, const char *, image_data, 0, 0, 0, NULL, "--image-data", "FILE",                                     \
      "its image_data.json: names, and sizes that boxes are clipped to")                                               \
    X(MASK_LOOSE, mask_name_by, name_by, MASK_NAME_ID, 0, 3, "id|url|coco|flickr", "--name-by", "ID",                  \
      "what an image is called: ID.jpg, the url's file name, COCO.jpg or FLICKR.jpg; the last three by --image-data")

/* A number takes whole steps of the row's largest number / 127 with 8 bits (2 digits), 3 digits with 16. */
#define MASK_VECTORS_OPTIONS(X)                                                                                        \
    X(MASK_LOOSE, int, bits, 32, 8, 32, NULL, "--bits", "N", "of a stored number: 32, 16 (3 digits) or 8 (2 digits)")  \
    X(MASK_LOOSE, const char *, keep, 0, 0, 0, NULL, "--keep", "FILE", "import only these words, one per line")

/* KIND, the tables' and structs' names. */
#define MASK_OPTIONS_MAP(K)                                                                                            \
    K(MATCH, mask_match_options)                                                                                       \
    K(LEARN, mask_learn_options)                                                                                       \
    K(TRAIN, mask_train_options)                                                                                       \
    K(ADAPT, mask_adapt_options)                                                                                       \
    K(EXTRACT, mask_extract_options)                                                                                   \
    K(ENCODER, mask_encoder_options)                                                                                   \
    K(GALLERY, mask_gallery_options)                                                                                   \
    K(RERANK, mask_rerank_options)                                                                                     \
    K(CONVERT, mask_convert_options)                                                                                   \
    K(REGIONS, mask_regions_options)                                                                                   \
    K(VECTORS, mask_vectors_import_options)
/* clang-format on */

/* ---- The structs ----------------------------------------------------------------------------------------------- */

#define MASK_OPTION_FIELD(kept, type, field, otherwise, low, high, words, flag, value, help) type field;
#define MASK_OPTIONS_STRUCT(KIND, struct_name)                                                                         \
    typedef struct struct_name {                                                                                       \
        size_t size;                                                                                                   \
        MASK_##KIND##_OPTIONS(MASK_OPTION_FIELD)                                                                       \
    } struct_name;

MASK_OPTIONS_STRUCT(MATCH, mask_match_options)
MASK_OPTIONS_STRUCT(TRAIN, mask_train_options)
MASK_OPTIONS_STRUCT(ADAPT, mask_adapt_options)
MASK_OPTIONS_STRUCT(EXTRACT, mask_extract_options)
MASK_OPTIONS_STRUCT(GALLERY, mask_gallery_options)
MASK_OPTIONS_STRUCT(RERANK, mask_rerank_options)
MASK_OPTIONS_STRUCT(CONVERT, mask_convert_options)
MASK_OPTIONS_STRUCT(REGIONS, mask_regions_options)
MASK_OPTIONS_STRUCT(VECTORS, mask_vectors_import_options)

/* The last layer of a classifier over the features, without its biases (docs/knowledge.md). */
typedef struct mask_head {
    size_t classes, dim;
    const float *weights;      /* classes x dim */
    const char *const *labels; /* per class: its names and what it is a kind of, set apart by commas */
} mask_head;

typedef struct mask_learn_options {
    size_t size;
    const mask_train_options *train; /* of MASK_REPRESENTATION_MASK; the caller's; NULL = defaults */
    const mask_head *head; /* a classifier whose classes are learned beside the labels; the caller's; NULL = none */
    MASK_LEARN_OPTIONS(MASK_OPTION_FIELD)
} mask_learn_options;

typedef struct mask_encoder_options {
    size_t size;
    float mean[3], deviation[3]; /* the network reads (byte - mean) / deviation, by channel R, G, B; all deviations 0 =
                                    what a quantised network says, else 127.5 and 127.5 */
    MASK_ENCODER_OPTIONS(MASK_OPTION_FIELD)
} mask_encoder_options;

#undef MASK_OPTION_FIELD
#undef MASK_OPTIONS_STRUCT

/* ---- The tables, for programs that show or set options by name -------------------------------------------------- */

typedef enum mask_options_kind {
#define MASK_OPTIONS_ENUM(KIND, struct_name) MASK_OPTIONS_##KIND,
    MASK_OPTIONS_MAP(MASK_OPTIONS_ENUM)
#undef MASK_OPTIONS_ENUM
        MASK_OPTIONS_KINDS
} mask_options_kind;

typedef enum mask_option_type {
    MASK_OPTION_SWITCH, /* "on" or "off" */
    MASK_OPTION_CHOICE, /* one of the words */
    MASK_OPTION_WHOLE,  /* a whole number from low to high, or one of the words */
    MASK_OPTION_REAL,   /* a number from low to high, or one of the words */
    MASK_OPTION_TEXT,   /* a path or other text; NULL = none */
} mask_option_type;

/* A row of a table. */
typedef struct mask_option {
    const char *name, *words, *flag, *value, *help; /* name is the field's */
    mask_option_type type;
    double otherwise, low, high; /* the default and the range */
    bool kept;
    size_t offset, storage; /* of the field, for the library */
} mask_option;

/* The options of a kind; static. */
MASK_API const mask_option *mask_options_list(mask_options_kind kind, size_t *count);
/* The names of its presets, "plain|tuned|section9", the first being the defaults. */
MASK_API const char *mask_options_presets(mask_options_kind kind);
/* Fills an options struct of that size with a preset (NULL = defaults). MASK_ENOTFOUND, with the defaults filled in,
 * when there is none of that name. */
MASK_API mask_status mask_options_preset(mask_options_kind kind, const char *preset, void *options, size_t size,
                                         mask_error *err);
/* Sets an option, by field name or flag, from text ("0.5", "max-mean", "on"), or gives it as text. Texts that are set
 * stay the caller's and must outlive the struct's use. MASK_ENOTFOUND for an unknown name, MASK_EINVAL for a value out
 * of its range; both name the option. Of no text, get gives "". */
MASK_API mask_status mask_option_set(mask_options_kind kind, void *options, const char *name, const char *text,
                                     mask_error *err);
MASK_API mask_status mask_option_get(mask_options_kind kind, const void *options, const char *name, char *text,
                                     size_t size, mask_error *err);

/* ---- Defaults and presets ---------------------------------------------------------------------------------------- */

#define MASK_OPTIONS_FUNCTION(KIND, struct_name, function, preset)                                                     \
    static inline struct_name function(void)                                                                           \
    {                                                                                                                  \
        struct_name options;                                                                                           \
        mask_options_preset(MASK_OPTIONS_##KIND, preset, &options, sizeof options, NULL);                              \
        return options;                                                                                                \
    }

/* MACK's matching with OOD words: for a knowledge without background. */
MASK_OPTIONS_FUNCTION(MATCH, mask_match_options, mask_match_plain, "plain")
/* What mask_knowledge_calibrate stores unless told otherwise: the best found. */
MASK_OPTIONS_FUNCTION(MATCH, mask_match_options, mask_match_tuned, "tuned")
/* The calibration as it was first measured. */
MASK_OPTIONS_FUNCTION(MATCH, mask_match_options, mask_match_section9, "section9")
MASK_OPTIONS_FUNCTION(LEARN, mask_learn_options, mask_learn_defaults, NULL)
/* What the calibration was first measured with: no power, no scenes, no reliabilities. */
MASK_OPTIONS_FUNCTION(LEARN, mask_learn_options, mask_learn_section9, "section9")
MASK_OPTIONS_FUNCTION(TRAIN, mask_train_options, mask_train_defaults, NULL)
/* The paper's: raw features, batches of 4096 regions for 200 epochs, then of 2048 for 200 more, Adam 1e-4. */
MASK_OPTIONS_FUNCTION(TRAIN, mask_train_options, mask_train_paper, "paper")
MASK_OPTIONS_FUNCTION(ADAPT, mask_adapt_options, mask_adapt_defaults, NULL)
MASK_OPTIONS_FUNCTION(EXTRACT, mask_extract_options, mask_extract_defaults, NULL)
MASK_OPTIONS_FUNCTION(ENCODER, mask_encoder_options, mask_encoder_defaults, NULL)
MASK_OPTIONS_FUNCTION(GALLERY, mask_gallery_options, mask_gallery_defaults, NULL)
MASK_OPTIONS_FUNCTION(RERANK, mask_rerank_options, mask_rerank_defaults, NULL)
MASK_OPTIONS_FUNCTION(CONVERT, mask_convert_options, mask_convert_defaults, NULL)
MASK_OPTIONS_FUNCTION(REGIONS, mask_regions_options, mask_regions_defaults, NULL)
MASK_OPTIONS_FUNCTION(VECTORS, mask_vectors_import_options, mask_vectors_import_defaults, NULL)
#undef MASK_OPTIONS_FUNCTION

#endif
