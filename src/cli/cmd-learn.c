/* mask learn, mask calibrate: the commands that make a knowledge. */
#include "commands.h"

#include <stdio.h>
#include <string.h>

static const char *const encoders[] = {"none", "whiten", NULL};
static const char *const token_rules[] = {"caption", "letters", NULL};

/* The command line again, for the file's provenance. */
static const char *provenance(const args *a, char *line, size_t size)
{
    snprintf(line, size, "mask %s: %s", mask_version(), a->command->name);
    for (int i = 0; i < a->positional_count; i++)
        snprintf(line + strlen(line), size - strlen(line), " %s", a->positional[i]);
    for (int i = 0; i < a->option_count; i++)
        snprintf(line + strlen(line), size - strlen(line), " %s%s%s", a->options[i].option->name,
                 a->options[i].value ? " " : "", a->options[i].value ? a->options[i].value : "");
    return line;
}

static int read_learn_options(const args *a, mask_learn_options *o)
{
    static const char *const presets[] = {"tuned", "section9", NULL};
    int encoder, tokens, preset = 0;
    int bad = args_choice(a, "--preset", presets, &preset);
    if (bad) return bad;
    if (preset == 1) *o = MASK_LEARN_SECTION9;
    encoder = (int)o->encoder;
    tokens = (int)o->tokens;
    bad = args_choice(a, "--encoder", encoders, &encoder);
    if (!bad) bad = args_choice(a, "--tokens", token_rules, &tokens);
    if (!bad) bad = args_size(a, "--min-count", 1, 1000000000, &o->min_count);
    if (!bad) bad = args_size(a, "--whiten-dim", 1, 65536, &o->whiten_dim);
    if (!bad) bad = args_float(a, "--whiten-shrink", 0, 1e6, &o->whiten_shrink);
    if (!bad) bad = args_float(a, "--prototype-shrink", 0, 1e9, &o->prototype_shrink);
    if (!bad) bad = args_float(a, "--power", 0.01, 1, &o->power);
    if (!bad) bad = args_float(a, "--reliability", 0, 10, &o->reliability);
    if (args_has(a, "--no-scenes")) {
        o->scenes = false;
        o->reliability = 0;
    }
    o->encoder = (mask_encoder)encoder;
    o->tokens = (mask_tokens)tokens;
    return bad;
}

static int print_learned(const args *a, const mask_knowledge *k, const char *path)
{
    mask_knowledge_info i;
    mask_knowledge_describe(k, &i);
    progress_end();
    if (a->json)
        return print_json(json_pack("{s:s, s:I, s:I, s:I, s:I, s:I, s:s, s:I, s:I}", "file", path, "words",
                                    (json_int_t)i.words, "regions", (json_int_t)i.regions, "pairs", (json_int_t)i.pairs,
                                    "features", (json_int_t)i.feature_dim, "dimensions", (json_int_t)i.dim, "encoder",
                                    encoders[i.encoder], "background_images", (json_int_t)i.background_images,
                                    "background_texts", (json_int_t)i.background_texts));
    printf("%s: %zu words from %zu regions, encoder %s %zu -> %zu", path, i.words, i.regions, encoders[i.encoder],
           i.feature_dim, i.dim);
    if (i.background_images)
        printf(", background %zu images and %zu texts", i.background_images, i.background_texts);
    printf("\n");
    return 0;
}

/* Saves, says so, and closes everything that was opened. */
static int save(const args *a, mask_knowledge *k, const char *path)
{
    mask_error err;
    int result = mask_knowledge_save(k, path, &err) == MASK_OK ? print_learned(a, k, path) : failed(&err);
    mask_knowledge_close(k);
    return result;
}

static int run_learn(args *a)
{
    mask_error err;
    char line[4096];
    mask_labels *labels = NULL;
    mask_vectors *vectors = NULL;
    mask_knowledge *k = NULL;
    mask_learn_options o = MASK_LEARN_DEFAULTS;
    const char *out = args_text(a, "-o", NULL), *vectors_path = args_text(a, "--vectors", NULL);
    int bad = read_learn_options(a, &o);
    if (bad) return bad;
    if (!out) return args_usage(a, "-o FILE.mask is needed");
    if (!vectors_path) return args_usage(a, "--vectors FILE.mvec is needed: make one with mask vectors import");
    o.provenance = provenance(a, line, sizeof line);
    mask_status status = mask_labels_open(&labels, a->positional[0], &err);
    if (status == MASK_OK) status = mask_vectors_open(&vectors, vectors_path, &err);
    if (status == MASK_OK) status = mask_knowledge_learn(&k, labels, vectors, &o, &a->run, &err);
    mask_labels_close(labels);
    mask_vectors_close(vectors);
    return status == MASK_OK ? save(a, k, out) : failed(&err);
}

const command command_learn = {
    .name = "learn",
    .positional = "REGIONS",
    .min_positional = 1,
    .max_positional = 1,
    .summary = "Learn a knowledge from labelled regions",
    .details = "REGIONS is a folder with features.npy (regions x dimensions) and regions.tsv (image, box, label).",
    .options =
        (const option[]){
            {"-o", "K.mask", "file to write"},
            {"--vectors", "V.mvec", "word vectors"},
            {"--encoder", "E", "none or whiten (default: whiten)"},
            {"--tokens", "T", "caption: as NLTK, with lemmas and compounds (default); letters: runs of a-z"},
            {"--min-count", "N", "regions a word needs to be known (default: 3)"},
            {"--preset", "P", "section9: calibration as first published; tuned: the best found (default)"},
            {"--power", "P", "of the features before whitening (default: 0.75)"},
            {"--whiten-dim", "Z", "dimensions kept by whiten (default: 512)"},
            {"--whiten-shrink", "X", "x the mean eigenvalue is added to each (default: 1.6)"},
            {"--prototype-shrink", "N", "pseudo-counts towards the neighbours' prototypes (default: 15)"},
            {"--no-scenes", NULL, "no scene prototypes and no reliabilities"},
            {"--reliability", "P", "power of the words' reliabilities (default: 0.3)"},
            {0},
        },
    .run = run_learn,
};

static int run_calibrate(args *a)
{
    mask_error err;
    mask_knowledge *k = NULL, *calibrated = NULL;
    mask_images *images = NULL;
    mask_texts *texts = NULL;
    mask_vectors *vectors = NULL;
    mask_match_options o;
    const char *out = args_text(a, "-o", NULL), *images_path = args_text(a, "--images", NULL),
               *texts_path = args_text(a, "--texts", NULL), *split = args_text(a, "--split", NULL);
    int bad = read_match_options(a, NULL, &o);
    if (bad) return bad;
    if (!out) return args_usage(a, "-o FILE.mask is needed");
    if (!images_path || !texts_path) return args_usage(a, "--images and --texts are needed: the unpaired background");
    if (mask_knowledge_open(&k, a->positional[0], &err) != MASK_OK) return failed(&err);
    int result = open_vectors(a, k, &o, &vectors);
    if (result == 0) {
        mask_status status = mask_images_open(&images, images_path, split, &err);
        if (status == MASK_OK) status = mask_texts_open(&texts, texts_path, split, &err);
        if (status == MASK_OK)
            status = mask_knowledge_calibrate(&calibrated, k, vectors, images, texts, &o, &a->run, &err);
        result = status == MASK_OK ? save(a, calibrated, out) : failed(&err);
    }
    mask_texts_close(texts);
    mask_images_close(images);
    mask_vectors_close(vectors);
    mask_knowledge_close(k);
    return result;
}

const command command_calibrate = {
    .name = "calibrate",
    .positional = "K.mask",
    .min_positional = 1,
    .max_positional = 1,
    .summary = "Store unpaired background images and texts in a knowledge, so that scores become comparable",
    .details = "A few hundred images and a few thousand texts, unrelated to each other and to what is searched later.\n"
               "The matching options given here become the defaults of the knowledge.",
    .options =
        (const option[]){
            {"-o", "K2.mask", "file to write"},
            {"--images", "IMAGES", "*_ims.npy or a precomp folder"},
            {"--texts", "FILE", "one text a line, or Karpathy JSON"},
            {"--split", "S", "of a precomp folder or a Karpathy JSON"},
            MATCH_OPTIONS,
            {0},
        },
    .run = run_calibrate,
};
