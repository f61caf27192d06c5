/* mask learn, mask calibrate: the commands that make a knowledge. */
#include "commands.h"

#include <stdio.h>
#include <string.h>

static const char *const encoders[] = {"none", "whiten", "mask", "auto", NULL};
enum { ENCODER_AUTO = 3 }; /* not an encoder: the choice among them */
static const char *const token_rules[] = {"caption", "letters", NULL};
static const char *const learn_presets[] = {"tuned", "section9", "paper", NULL};
enum { PRESET_SECTION9 = 1, PRESET_PAPER = 2 };

/* The command line again, for the file's provenance. --resume does not change what is learned, and is left out. */
static const char *provenance(const args *a, char *line, size_t size)
{
    snprintf(line, size, "mask %s: %s", mask_version(), a->command->name);
    for (int i = 0; i < a->positional_count; i++)
        snprintf(line + strlen(line), size - strlen(line), " %s", a->positional[i]);
    for (int i = 0; i < a->option_count; i++) {
        if (strcmp(a->options[i].option->name, "--resume") == 0) continue;
        snprintf(line + strlen(line), size - strlen(line), " %s%s%s", a->options[i].option->name,
                 a->options[i].value ? " " : "", a->options[i].value ? a->options[i].value : "");
    }
    return line;
}

static int read_depths(const args *a, mask_train_options *t)
{
    const struct {
        const char *name;
        unsigned *depth;
    } all[] = {{"--pae-fc", &t->pae_fc}, {"--pae-attention", &t->pae_attention},
               {"--frm-fc", &t->frm_fc}, {"--frm-attention", &t->frm_attention},
               {"--mtm-fc", &t->mtm_fc}, {"--mtm-attention", &t->mtm_attention}};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        int depth = (int)*all[i].depth, bad = args_int(a, all[i].name, 0, 16, &depth);
        if (bad) return bad;
        *all[i].depth = (unsigned)depth;
    }
    return 0;
}

static int read_train_options(const args *a, mask_train_options *t)
{
    static const char *const inputs[] = {"raw", "whiten", NULL}, *const starts[] = {"random", "whiten", NULL},
                             *const words[] = {"raw", "centred", NULL},
                             *const schedules[] = {"constant", "cosine", NULL}, *const sums[] = {"sum", "mean", NULL},
                             *const switches[] = {"off", "on", NULL};
    int input = t->whiten, start = t->start_whiten, centred = t->centre_words, schedule = (int)t->schedule,
        sum = t->per_dimension, residual = t->residual;
    int bad = args_choice(a, "--input", inputs, &input);
    if (!bad && !input) start = 0; /* raw features can only start at random */
    if (!bad) bad = args_choice(a, "--start", starts, &start);
    if (!bad) bad = args_choice(a, "--words", words, &centred);
    if (!bad) bad = args_choice(a, "--schedule", schedules, &schedule);
    if (!bad) bad = args_choice(a, "--ir", sums, &sum);
    if (!bad) bad = args_choice(a, "--residual", switches, &residual);
    if (!bad) bad = args_size(a, "--dim", 1, 65536, &t->dim);
    if (!bad) bad = args_size(a, "--epochs", 0, 1000000, &t->epochs);
    if (!bad) bad = args_size(a, "--batch", 2, 1 << 24, &t->batch);
    if (!bad) bad = args_float(a, "--halve-batch-at", 0, 1, &t->halve_batch_at);
    if (!bad) bad = args_float(a, "--rate", 1e-12, 1e12, &t->rate);
    if (!bad) bad = args_size(a, "--warmup", 0, 1000000000, &t->warmup);
    if (!bad) bad = args_float(a, "--clip", 0, 1e12, &t->clip);
    if (!bad) bad = args_float(a, "--lambda-cm", 0, 1e6, &t->lambda_cm);
    if (!bad) bad = args_float(a, "--lambda-cl", 0, 1e6, &t->lambda_cl);
    if (!bad) bad = args_float(a, "--weight-ir", 0, 1e6, &t->weight_ir);
    if (!bad) bad = args_float(a, "--tau", 1e-6, 1e6, &t->temperature);
    if (!bad) bad = args_float(a, "--checkpoint-minutes", 0, 1e6, &t->checkpoint_minutes);
    if (!bad) bad = read_depths(a, t);
    t->whiten = input;
    t->start_whiten = start;
    t->centre_words = centred;
    t->schedule = (mask_schedule)schedule;
    t->per_dimension = sum;
    t->residual = residual;
    t->bf16 = args_has(a, "--bf16");
    t->resume = args_has(a, "--resume");
    t->metrics = args_text(a, "--metrics", NULL);
    return bad;
}

static int read_learn_options(const args *a, mask_learn_options *o, bool *choose)
{
    static const char *const prototypes[] = {"mean", "random", NULL};
    int encoder, tokens, prototype = (int)o->prototype, preset = 0;
    int bad = args_choice(a, "--preset", learn_presets, &preset);
    if (bad) return bad;
    if (preset == PRESET_SECTION9) *o = MASK_LEARN_SECTION9;
    if (preset == PRESET_PAPER) o->train = mask_train_paper();
    encoder = preset == PRESET_PAPER      ? MASK_REPRESENTATION_MASK
              : preset == PRESET_SECTION9 ? MASK_REPRESENTATION_WHITEN
                                          : ENCODER_AUTO;
    tokens = (int)o->tokens;
    bad = args_choice(a, "--encoder", encoders, &encoder);
    if (!bad) bad = args_choice(a, "--tokens", token_rules, &tokens);
    if (!bad) bad = args_size(a, "--min-count", 1, 1000000000, &o->min_count);
    if (!bad) bad = args_size(a, "--whiten-dim", 1, 65536, &o->whiten_dim);
    if (!bad) bad = args_float(a, "--whiten-shrink", 0, 1e6, &o->whiten_shrink);
    if (!bad) bad = args_float(a, "--prototype-shrink", 0, 1e9, &o->prototype_shrink);
    if (!bad) bad = args_float(a, "--power", 0.01, 1, &o->power);
    if (!bad) bad = args_float(a, "--reliability", 0, 10, &o->reliability);
    if (args_has(a, "--no-scenes") || encoder == MASK_REPRESENTATION_NONE) { /* MACK knew neither */
        o->scenes = false;
        o->reliability = 0;
    }
    if (!bad) bad = args_choice(a, "--prototype", prototypes, &prototype);
    if (!bad) bad = read_train_options(a, &o->train);
    o->prototype = (mask_prototype)prototype;
    *choose = encoder == ENCODER_AUTO;
    o->representation = *choose ? MASK_REPRESENTATION_WHITEN : (mask_representation)encoder;
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
                                    encoders[i.representation], "background_images", (json_int_t)i.background_images,
                                    "background_texts", (json_int_t)i.background_texts));
    printf("%s: %zu words from %zu regions, encoder %s %zu -> %zu", path, i.words, i.regions,
           encoders[i.representation], i.feature_dim, i.dim);
    if (i.background_images) printf(", background %zu images and %zu texts", i.background_images, i.background_texts);
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
    char line[4096], checkpoint[4096];
    mask_labels *labels = NULL;
    mask_vectors *vectors = NULL;
    mask_knowledge *k = NULL;
    mask_learn_options o = MASK_LEARN_DEFAULTS;
    const char *out = args_text(a, "-o", NULL), *vectors_path = args_text(a, "--vectors", NULL);
    bool choose;
    int bad = read_learn_options(a, &o, &choose);
    if (bad) return bad;
    if (!out) return args_usage(a, "-o FILE.mask is needed");
    if (!vectors_path) return args_usage(a, "--vectors FILE.mvec is needed: make one with mask vectors import");
    if ((bad = check_output(out)) != 0) return bad;
    o.provenance = provenance(a, line, sizeof line);
    snprintf(checkpoint, sizeof checkpoint, "%s.ckpt", out);
    o.train.checkpoint = checkpoint;
    mask_status status = mask_labels_open(&labels, a->positional[0], &a->run, &err);
    if (status == MASK_OK) status = mask_vectors_open(&vectors, vectors_path, &a->run, &err);
    if (status == MASK_OK && choose)
        status = mask_knowledge_choose(&k, labels, vectors, &o, NULL, 0, NULL, &a->run, &err);
    else if (status == MASK_OK) status = mask_knowledge_learn(&k, labels, vectors, &o, &a->run, &err);
    mask_labels_close(labels);
    mask_vectors_close(vectors);
    if (status != MASK_OK) return failed(&err);
    int result = save(a, k, out);
    if (result == 0 && (choose || o.representation == MASK_REPRESENTATION_MASK)) remove(checkpoint);
    return result;
}

const command command_learn = {
    .name = "learn",
    .positional = "REGIONS",
    .min_positional = 1,
    .max_positional = 1,
    .summary = "Learn a knowledge from labelled regions",
    .details = "REGIONS is a folder with features.npy (regions x dimensions) and regions.tsv (image, box, label).\n"
               "Training is described in docs/training.md. Ctrl-C keeps it in K.mask.ckpt for --resume.",
    .options =
        (const option[]){
            {"-o", "K.mask", "file to write"},
            {"--vectors", "V.mvec", "word vectors"},
            {"--encoder", "E", "none, whiten, mask (trained), or auto: the best of them on held-out images (default)"},
            {"--tokens", "T", "caption: as NLTK, with lemmas and compounds (default); letters: runs of a-z"},
            {"--min-count", "N", "regions a word needs to be known (default: 3)"},
            {"--preset", "P",
             "tuned (default): the best found; section9: as first published; paper: the paper's training"},
            {"--power", "P", "of the features before whitening (default: 0.75)"},
            {"--whiten-dim", "Z", "dimensions kept by whiten (default: 512)"},
            {"--whiten-shrink", "X", "x the mean eigenvalue is added to each (default: 1.6)"},
            {"--prototype-shrink", "N", "pseudo-counts towards the neighbours' prototypes (default: 15)"},
            {"--no-scenes", NULL, "no scene prototypes and no reliabilities; so it is with encoder none"},
            {"--reliability", "P", "power of the words' reliabilities (default: 0.3)"},
            {"--prototype", "P", "mean of a word's regions (default), or one of them: random"},
            {"--epochs", "N", "mask: passes over the regions (default: 6); 0 with auto: closed forms only"},
            {"--resume", NULL, "mask: continue from K.mask.ckpt, bit for bit"},
            {"--checkpoint-minutes", "X", "mask: between two of them; 0 = after every epoch (default: 5)"},
            {"--metrics", "FILE", "mask: losses of every step as JSON lines"},
            {"--input", "I", "mask: whiten (default) or raw features"},
            {"--start", "S", "mask: the PAE begins as whitened features: whiten (default), or at random"},
            {"--words", "W", "mask: L_cm with centred (default) or raw word vectors"},
            {"--dim", "Z", "mask: dimensions of a region's representation (default: 512)"},
            {"--batch", "N", "mask: regions in a step (default: 2048)"},
            {"--halve-batch-at", "X", "mask: share of the epochs after which batches halve; 1 = never (default)"},
            {"--rate", "X", "mask: Adam's learning rate (default: 0.0001)"},
            {"--schedule", "S", "mask: cosine (default) or constant rate"},
            {"--warmup", "N", "mask: steps over which the rate rises (default: 0)"},
            {"--bf16", NULL, "mask: products in bfloat16, twice as fast where the processor can; weights stay float"},
            {"--clip", "X", "mask: largest norm of the gradient; 0 = any (default)"},
            {"--lambda-cm", "X", "mask: weight of L_cm; 0 = without (default: 3)"},
            {"--lambda-cl", "X", "mask: weight of L_cl; 0 = without (default: 3)"},
            {"--weight-ir", "X", "mask: weight of L_ir (default: 1)"},
            {"--ir", "R", "mask: mean (default) or sum of L_ir over its dimensions"},
            {"--tau", "X", "mask: temperature of L_cl (default: 0.1)"},
            {"--residual", "on|off", "mask: x + attention(x) (default: on)"},
            {"--pae-fc", "N", "mask: fully connected layers of the PAE (default: 1)"},
            {"--pae-attention", "N", "mask: attention layers of the PAE (default: 3)"},
            {"--frm-fc", "N", "mask: of the FRM (default: 2)"},
            {"--frm-attention", "N", "mask: of the FRM (default: 1)"},
            {"--mtm-fc", "N", "mask: of the MTM (default: 3)"},
            {"--mtm-attention", "N", "mask: of the MTM (default: 3)"},
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
    if ((bad = check_output(out)) != 0) return bad;
    if (mask_knowledge_open(&k, a->positional[0], &a->run, &err) != MASK_OK) return failed(&err);
    int result = open_vectors(a, k, &o, &vectors);
    if (result == 0) {
        mask_status status = mask_images_open(&images, images_path, split, &a->run, &err);
        if (status == MASK_OK) status = mask_texts_open(&texts, texts_path, split, &a->run, &err);
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
            {"--images", "IMAGES", "region features in any format that encode reads"},
            {"--texts", "FILE", "one text a line, or Karpathy JSON"},
            {"--split", "S", "of a folder or a Karpathy JSON"},
            MATCH_OPTIONS,
            {0},
        },
    .run = run_calibrate,
};
