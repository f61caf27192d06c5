/* mask learn, mask calibrate: the commands that make a knowledge. */
#include "commands.h"
#include "team.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The command line again, for the file's provenance. --resume does not change what is learned, and is left out. */
static const char *provenance(const args *a, char *line, size_t size)
{
    snprintf(line, size, "mask %s: %s", mask_version(), a->command->name);
    for (int i = 0; i < a->positional_count; i++)
        snprintf(line + strlen(line), size - strlen(line), " %s", a->positional[i]);
    for (int i = 0; i < a->option_count; i++) {
        if (strcmp(a->options[i].name, "--resume") == 0) continue;
        snprintf(line + strlen(line), size - strlen(line), " %s%s%s", a->options[i].name,
                 a->options[i].value ? " " : "", a->options[i].value ? a->options[i].value : "");
    }
    return line;
}

/* o->train is train. *choose: the encoder is to be found. */
static int read_learn_options(args *a, mask_learn_options *o, mask_train_options *train, bool *choose)
{
    const char *preset = args_text(a, "--preset", "tuned");
    bool paper = strcmp(preset, "paper") == 0;
    const char *encoder = args_text(a, "--encoder", paper ? "mask" : strcmp(preset, "tuned") == 0 ? "auto" : NULL);
    *train = paper ? mask_train_paper() : mask_train_defaults();
    *choose = encoder && strcmp(encoder, "auto") == 0;
    if (!paper && mask_options_preset(MASK_OPTIONS_LEARN, preset, o, sizeof *o, &a->err) != MASK_OK)
        return args_usage(a, "--preset %s: must be one of tuned, section9, paper", preset);
    if (encoder && !*choose && mask_option_set(MASK_OPTIONS_LEARN, o, "--encoder", encoder, &a->err) != MASK_OK)
        return args_usage(a, "%s, auto", a->err.message);
    int bad = args_options(a, MASK_OPTIONS_LEARN, o);
    if (!bad) bad = args_options(a, MASK_OPTIONS_TRAIN, train);
    if (!o->scenes || (!*choose && o->representation == MASK_REPRESENTATION_NONE)) { /* MACK knew neither */
        o->scenes = false;
        o->reliability = 0;
    }
    if (!train->whiten && !args_has(a, "--start"))
        train->start_whiten = false; /* raw features can only start at random */
    o->train = train;
    return bad;
}

static int print_learned(const args *a, const mask_knowledge *k, const char *path)
{
    mask_knowledge_info i;
    char encoder[OPTION_TEXT];
    mask_knowledge_describe(k, &i);
    option_text(MASK_OPTIONS_LEARN, &i.learned, "representation", encoder);
    if (a->json)
        return print_json(json_pack("{s:s, s:I, s:I, s:I, s:I, s:I, s:s, s:I, s:I}", "file", path, "words",
                                    (json_int_t)i.words, "regions", (json_int_t)i.regions, "pairs", (json_int_t)i.pairs,
                                    "features", (json_int_t)i.feature_dim, "dimensions", (json_int_t)i.dim, "encoder",
                                    encoder, "background_images", (json_int_t)i.background_images, "background_texts",
                                    (json_int_t)i.background_texts));
    printf("%s: %zu words from %zu regions, encoder %s %zu -> %zu", path, i.words, i.regions, encoder, i.feature_dim,
           i.dim);
    if (i.background_images) printf(", background %zu images and %zu texts", i.background_images, i.background_texts);
    printf("\n");
    return 0;
}

static int save(args *a, mask_knowledge *k, const char *path)
{
    int result = mask_knowledge_save(k, path, &a->err) == MASK_OK ? print_learned(a, k, path) : failed(&a->err);
    mask_knowledge_close(k);
    return result;
}

/* What --head names: a .npy with --head-labels, or an encoder, whose names --head-labels may replace. */
typedef struct given_head {
    mask_head *opened, head;
    mask_encoder_head encoder;
    mask_texts *texts;
    const char **labels;
} given_head;

static void close_head(given_head *g)
{
    mask_head_close(g->opened);
    mask_encoder_head_free(&g->encoder);
    mask_texts_close(g->texts);
    free(g->labels);
}

/* *out stays NULL without --head. */
static int open_head(args *a, given_head *g, const mask_head **out)
{
    const char *path = args_text(a, "--head", NULL), *labels = args_text(a, "--head-labels", NULL);
    if (!path) return 0;
    if (!ends_with(path, ".menc")) {
        mask_status status = mask_head_open(&g->opened, path, labels, &a->run, &a->err);
        *out = g->opened;
        return status == MASK_OK ? 0 : failed(&a->err);
    }
    if (mask_encoder_head_read(&g->encoder, path, &a->err) != MASK_OK ||
        (labels && mask_texts_open(&g->texts, labels, NULL, &a->run, &a->err) != MASK_OK))
        return failed(&a->err);
    size_t classes = g->encoder.classes;
    if (g->texts && mask_texts_count(g->texts) != classes)
        return fail("%s: has %zu lines, %s has %zu classes: give a line per class", labels, mask_texts_count(g->texts),
                    path, classes);
    if (!(g->labels = calloc(classes + 1, sizeof *g->labels))) return fail("out of memory: a classifier's head");
    for (size_t c = 0; c < classes; c++) g->labels[c] = g->texts ? mask_texts_get(g->texts, c) : g->encoder.labels[c];
    g->head = (mask_head){classes, g->encoder.features, g->encoder.weights, g->labels};
    *out = &g->head;
    return 0;
}

static int visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

/* A row for each file of FOLDER/WORD: all of the photo shows WORD. */
static size_t write_rows(FILE *table, const char *folder, const char *word)
{
    char path[DATA_PATH];
    struct dirent **files;
    size_t written = 0;
    int count =
        snprintf(path, sizeof path, "%s/%s", folder, word) < DATA_PATH ? scandir(path, &files, visible, alphasort) : -1;
    for (int i = 0; i < count; i++) {
        if (!strpbrk(files[i]->d_name, "\t\n") && ++written)
            fprintf(table, "%s/%s\t0\t0\t100000\t100000\t%s\n", word, files[i]->d_name, word);
        free(files[i]);
    }
    if (count >= 0) free(files);
    return written;
}

/* Of a folder of folders, WORD/photo.jpg, labelled regions are made on the way, in K.mask.regions; *regions is where
 * they are then, else the folder itself. */
static int extract_words(args *a, const char *folder, const char *out, char regions[DATA_PATH])
{
    char features[DATA_PATH], encoder[DATA_PATH], rows[DATA_PATH + 8];
    struct dirent **words;
    size_t written = 0;
    snprintf(regions, DATA_PATH, "%s", folder);
    snprintf(features, sizeof features, "%s/features.npy", folder);
    int count = access(features, F_OK) == 0 ? -1 : scandir(folder, &words, visible, alphasort);
    if (count < 0) return 0; /* mask_labels_open says what is wrong */
    snprintf(regions, DATA_PATH, "%s.regions", out);
    snprintf(rows, sizeof rows, "%s.tsv", regions);
    FILE *table = fopen(team_follows(a) ? "/dev/null" : rows, "w");
    if (table) fprintf(table, "image\tx1\ty1\tx2\ty2\tlabel\n");
    for (int i = 0; i < count; i++) {
        if (table && words[i]->d_type == DT_DIR && !strpbrk(words[i]->d_name, "\t\n"))
            written += write_rows(table, folder, words[i]->d_name);
        free(words[i]);
    }
    free(words);
    if (!table || fclose(table) != 0) return fail("%s: cannot be written", rows);
    mask_extract_options o = mask_extract_defaults();
    /* --encoder names a representation here */
    int result =
        written ? find_file(getenv("MASK_ENCODER"), ENCODER, "build it again, or name one in MASK_ENCODER", encoder)
                : fail("%s: has neither features.npy nor folders of photos, one per word: give one of them", folder);
    o.encoder = encoder;
    o.boxes = rows;
    if (result == 0) result = team_meet(a);
    if (result == 0 && mask_extract(&folder, 1, regions, &o, NULL, &a->run, &a->err) != MASK_OK)
        result = failed(&a->err);
    if (!team_follows(a)) remove(rows);
    return result;
}

static int run_learn(args *a)
{
    char line[4096], checkpoint[4096], regions[DATA_PATH];
    mask_labels *labels = NULL;
    mask_knowledge *k = NULL;
    bool bare = a->positional_count == 0;
    given_head head = {0};
    mask_learn_options o = mask_learn_defaults();
    mask_train_options train;
    const char *out = args_text(a, "-o", NULL), *vectors_path = args_text(a, "--vectors", NULL);
    bool choose;
    int bad = read_learn_options(a, &o, &train, &choose);
    if (bad) return bad;
    const char *head_path = args_text(a, "--head", NULL), *head_labels = args_text(a, "--head-labels", NULL);
    if (head_labels && !head_path) return args_usage(a, "--head-labels goes with --head");
    if (head_path && !ends_with(head_path, ".menc") && !head_labels)
        return args_usage(a, "--head of a .npy needs --head-labels FILE, a line of names per class");
    if (bare != args_has(a, "--images") || (bare && !head_path))
        return args_usage(a, "expected REGIONS, or --images and --head: classes alone, on features without labels");
    if (bare && choose) o.representation = MASK_REPRESENTATION_WHITEN; /* nothing could choose */
    choose = choose && !bare;
    if (bare && o.representation == MASK_REPRESENTATION_MASK)
        return args_usage(a, "networks are trained on labelled regions: use --encoder none or whiten with --images");
    if ((bad = check_output(out)) != 0) return bad;
    o.provenance = provenance(a, line, sizeof line);
    snprintf(checkpoint, sizeof checkpoint, "%s.ckpt", out);
    train.checkpoint = checkpoint;
    bad = bare ? open_images(a, args_text(a, "--images", NULL)) : extract_words(a, a->positional[0], out, regions);
    if (bad) return bad;
    mask_status status =
        bare ? mask_labels_bare(&labels, a->images, &a->err) : mask_labels_open(&labels, regions, &a->run, &a->err);
    if (status == MASK_OK) status = mask_vectors_open(&a->vectors, vectors_path, &a->run, &a->err);
    int result = status == MASK_OK ? open_head(a, &head, &o.head) : failed(&a->err);
    if (result == 0) {
        status = choose ? mask_knowledge_choose(&k, labels, a->vectors, &o, NULL, 0, NULL, &a->run, &a->err)
                        : mask_knowledge_learn(&k, labels, a->vectors, &o, &a->run, &a->err);
        if (status != MASK_OK) result = failed(&a->err);
    }
    mask_labels_close(labels);
    close_head(&head);
    if (result || team_follows(a)) {
        mask_knowledge_close(k);
        return result;
    }
    result = save(a, k, out);
    if (result == 0 && (choose || o.representation == MASK_REPRESENTATION_MASK)) remove(checkpoint);
    return result;
}

const command command_learn = {
    .name = "learn",
    .positional = "[REGIONS]",
    .summary = "Learn a knowledge from labelled regions, or from a classifier's classes",
    .details = "REGIONS is a folder with features.npy (regions x dimensions) and regions.tsv (image, box, label), or "
               "of folders of\n"
               "photos, one per word (cat/1.jpg): then regions are extracted on the way, to K.mask.regions.\n"
               "Training is described in docs/training.md. Ctrl-C keeps it in K.mask.ckpt for --resume.",
    .examples = "mask learn regions/ --vectors glove.mvec -o mine.mask\n"
                "mask learn photos-by-word/ --head default.menc --vectors glove.mvec -o mine.mask\n"
                "mask learn regions/ --vectors glove.mvec --preset paper --resume -o paper.mask",
    .options =
        (const option[]){
            {"-o", "K.mask", "file to write"},
            {"--vectors", "V.mvec", "word vectors: mask vectors import makes them"},
            {"--encoder", "E", "none, whiten, mask (trained), or auto: the best of them on held-out images (default)"},
            {"--head", "E.menc|W.npy", "a classifier whose classes are learned beside the labels (docs/knowledge.md)"},
            {"--images", "IMAGES", "instead of REGIONS: features of any images, to learn the classes of --head alone"},
            {"--head-labels", "FILE",
             "its names, a line per class: words set apart by commas (default: those of E.menc)"},
            {"--preset", "P",
             "tuned (default): the best found; section9: as first published; paper: the paper's training"},
            TABLE(LEARN, NULL, NULL),
            TABLE(TRAIN, NULL, "Training, of --encoder mask and of auto"),
            {0},
        },
    .needed = "-o --vectors",
    .run = run_learn,
};

static int run_calibrate(args *a)
{
    mask_knowledge *calibrated = NULL;
    mask_match_options o;
    const char *out = args_text(a, "-o", NULL);
    int bad = read_match_options(a, &o);
    if (!bad) bad = check_output(out);
    if (!bad) bad = open_knowledge(a, a->positional[0]);
    if (!bad) bad = open_vectors(a, &o);
    if (!bad) bad = open_images(a, args_text(a, "--images", NULL));
    if (!bad) bad = open_texts(a, args_text(a, "--texts", NULL));
    if (bad) return bad;
    mask_status status =
        mask_knowledge_calibrate(&calibrated, a->knowledge, a->vectors, a->images, a->texts, &o, &a->run, &a->err);
    if (status == MASK_OK && args_has(a, "--small")) status = mask_knowledge_round(calibrated, &a->err);
    if (status == MASK_OK) return save(a, calibrated, out);
    mask_knowledge_close(calibrated);
    return failed(&a->err);
}

const command command_calibrate = {
    .name = "calibrate",
    .positional = "K.mask",
    .summary = "Store unpaired background images and texts in a knowledge, so that scores become comparable",
    .details = "A few hundred images and a few thousand texts, unrelated to each other and to what is searched later.\n"
               "The matching options given here become the defaults of the knowledge.",
    .examples = "mask calibrate mine.mask --images background_ims.npy --texts background.txt -o calibrated.mask",
    .options =
        (const option[]){
            {"-o", "K2.mask", "file to write"},
            {"--images", "IMAGES", "region features in any format that encode reads"},
            {"--texts", "FILE", "one text per line, or Karpathy JSON"},
            {"--split", "S", "of a folder or a Karpathy JSON"},
            {"--small", NULL, "keep numbers in 8 bits: a quarter of the size"},
            MATCH_OPTIONS_AS("tuned", "Matching, the defaults of the new knowledge"),
            {0},
        },
    .needed = "-o --images --texts",
    .run = run_calibrate,
};
