/* Allocation torture: every call of a small end-to-end run is repeated with its first allocation failing, then its
 * second, until it succeeds. Each time it must say MASK_ENOMEM in one line, leave nothing behind (a leak shows in the
 * sanitizer build) and touch no output: handles are NULL, old files stay, no temporary file remains.
 *
 * malloc and its kin are wrapped by the linker (tests/CMakeLists.txt), which reaches only what is linked statically:
 * our objects, not libzip, oneDNN or LAPACK, which may abort when memory is short. */
#include "made.h"
#include "matching.h"
#include "starve.h"
#include "tflite_made.h"
#include "base/error.h"
#include "vision/encoder.h"

#include <dirent.h>
#include <errno.h>
#include <unistd.h>

enum { M = 8, N = 5, WORDS = 14, LABELLED = 9, ROWS = LABELLED * 6, IMAGES = 4, REGIONS = 5, TEXTS = 5 };

typedef struct world {
    char import[256], mvec[256], images_path[256], regions[256], mask[256], encoded[256], scores_path[256],
        gallery[256];
    mask_vectors *vectors;
    mask_labels *labels;
    mask_images *images, *again;
    char converted[256];
    mask_convert_options convert;
    mask_texts *texts;
    mask_knowledge *none, *whiten, *trained, *calibrated;
    float scores[TEXTS * IMAGES];
} world;

/* ---- One call under torture ---- */

static size_t count_files(void)
{
    size_t count = 0;
    char folder[256];
    snprintf(folder, sizeof folder, "%s", temp_path(""));
    DIR *dir = opendir(folder);
    while (readdir(dir)) count++;
    closedir(dir);
    return count;
}

typedef mask_status call(world *w, mask_error *err);
typedef bool untouched(const world *w);

static void torture(const char *what, world *w, call *run, untouched *check)
{
    mask_error err;
    size_t files = count_files(), n = 0;
    for (;; n++) {
        err = (mask_error){.status = MASK_OK};
        starved = false;
        allowed = n;
        mask_status status = run(w, &err);
        allowed = SIZE_MAX;
        if (!starved && status == MASK_OK) break;
        if (!starved || status != MASK_ENOMEM || err.status != MASK_ENOMEM || strchr(err.message, '\n'))
            fail_msg("%s, allocation %zu fails: status %d, '%s'", what, n, (int)status, err.message);
        if (!check(w)) fail_msg("%s, allocation %zu fails: an output was touched", what, n);
        if (count_files() != files) fail_msg("%s, allocation %zu fails: a file stayed", what, n);
    }
    print_message("%s: %zu allocations\n", what, n);
    assert_true(n > 0); /* else nothing was wrapped */
}

static bool holds_old(const char *path)
{
    size_t size;
    char *data = read_whole(path, &size);
    bool old = strcmp(data, "old") == 0;
    free(data);
    return old;
}

/* ---- The calls ---- */

static mask_status import_vectors(world *w, mask_error *err)
{
    return mask_vectors_import(w->import, w->mvec, NULL, NULL, err);
}
static bool no_mvec(const world *w)
{
    return holds_old(w->mvec);
}

static mask_status open_vectors(world *w, mask_error *err)
{
    return mask_vectors_open(&w->vectors, w->mvec, NULL, err);
}
static bool no_vectors(const world *w)
{
    return !w->vectors;
}

static mask_status open_labels(world *w, mask_error *err)
{
    return mask_labels_open(&w->labels, w->regions, NULL, err);
}
static bool no_labels(const world *w)
{
    return !w->labels;
}

static mask_status open_images(world *w, mask_error *err)
{
    return mask_images_open(&w->images, w->images_path, NULL, NULL, err);
}
static bool no_images(const world *w)
{
    return !w->images;
}

static mask_status convert_images(world *w, mask_error *err)
{
    return mask_images_convert(w->images, w->converted, &w->convert, NULL, err);
}
static bool no_converted(const world *w)
{
    return w->convert.to == MASK_FEATURES_NPZ ||
           holds_old(w->converted); /* of a folder, files that are whole may stay */
}
static mask_status open_converted(world *w, mask_error *err)
{
    return mask_images_open(&w->again, w->converted, NULL, NULL, err);
}
static bool no_images_again(const world *w)
{
    return !w->again;
}
static mask_status create_texts(world *w, mask_error *err)
{
    static const char *const texts[TEXTS] = {"a zaa and a zab", "zan zal zac", "", "hot zam-zad", "zae zaf zag zah"};
    return mask_texts_create(&w->texts, texts, TEXTS, err);
}
static bool no_texts(const world *w)
{
    return !w->texts;
}

static mask_status learn_none(world *w, mask_error *err)
{
    mask_learn_options o = mask_learn_section9();
    o.representation = MASK_REPRESENTATION_NONE;
    o.tokens = MASK_TOKENS_LETTERS;
    o.min_count = 1;
    return mask_knowledge_learn(&w->none, w->labels, w->vectors, &o, NULL, err);
}
static bool no_none(const world *w)
{
    return !w->none;
}

static mask_status learn_whiten(world *w, mask_error *err)
{
    mask_learn_options o = mask_learn_defaults();
    o.min_count = 1;
    o.whiten_dim = 6;
    return mask_knowledge_learn(&w->whiten, w->labels, w->vectors, &o, NULL, err);
}
static bool no_whiten(const world *w)
{
    return !w->whiten;
}

static mask_status learn_trained(world *w, mask_error *err)
{
    mask_learn_options o = mask_learn_defaults();
    o.representation = MASK_REPRESENTATION_MASK;
    o.prototype = MASK_PROTOTYPE_RANDOM;
    o.min_count = 1;
    mask_train_options train = mask_train_defaults();
    o.whiten_dim = train.dim = 6;
    train.epochs = 1;
    o.train = &train;
    return mask_knowledge_learn(&w->trained, w->labels, w->vectors, &o, NULL, err);
}
static bool no_trained(const world *w)
{
    return !w->trained;
}

static mask_status calibrate(world *w, mask_error *err)
{
    return mask_knowledge_calibrate(&w->calibrated, w->whiten, w->vectors, w->images, w->texts, NULL, NULL, err);
}
static mask_status open_knowledge(world *w, mask_error *err)
{
    return mask_knowledge_open(&w->calibrated, w->mask, NULL, err);
}
static bool no_calibrated(const world *w)
{
    return !w->calibrated;
}

static mask_status save_calibrated(world *w, mask_error *err)
{
    return mask_knowledge_save(w->calibrated, w->mask, err);
}
static mask_status save_trained(world *w, mask_error *err)
{
    return mask_knowledge_save(w->trained, w->mask, err);
}
static bool no_mask(const world *w)
{
    return holds_old(w->mask);
}

static mask_status encode(world *w, mask_error *err)
{
    return mask_knowledge_encode_file(w->trained, w->images, w->encoded, NULL, err);
}
static bool no_encoded(const world *w)
{
    return holds_old(w->encoded);
}

static mask_status match_with(world *w, const mask_match_options *o, mask_error *err)
{
    return match_scores(w->calibrated, w->vectors, w->images, w->texts, o, w->scores, NULL, NULL, err);
}
static mask_status match(world *w, mask_error *err)
{
    return match_with(w, NULL, err);
}
static mask_status match_otherwise(world *w, mask_error *err)
{
    mask_match_options o = mask_match_section9();
    o.pool = MASK_POOL_REGION_MAX;
    o.ood = MASK_OOD_PROCRUSTES;
    o.adjective = 0.5f;
    o.modifiers = temp_path("modifiers.tsv");
    return match_with(w, &o, err);
}
static mask_status match_transductively(world *w, mask_error *err)
{
    mask_match_options o = mask_match_section9();
    return match_scores(w->none, w->vectors, w->images, w->texts, &o, w->scores, NULL, NULL, err);
}
static bool any_scores(const world *w) /* mask.h promises nothing about them */
{
    (void)w;
    return true;
}

static mask_explanation explanation;
static mask_status explain(world *w, mask_error *err)
{
    return match_explain(&explanation, w->calibrated, w->vectors, w->images, 1, "zaa zan zac", NULL, err);
}
static bool no_explanation(const world *w)
{
    (void)w;
    return !explanation.memory && !explanation.cosines && !explanation.reading.words;
}

static mask_reading reading;
static mask_status read_text(world *w, mask_error *err)
{
    return match_read(&reading, w->calibrated, w->vectors, "zaa zan hot-zac zaa", NULL, err);
}
static bool no_reading(const world *w)
{
    (void)w;
    return !reading.memory && !reading.words && !reading.count;
}

static mask_recalls recalls;
static mask_status count_recalls(world *w, mask_error *err)
{
    (void)w;
    float scores[20 * 4];
    for (size_t i = 0; i < 80; i++) scores[i] = (float)(i * 7 % 11);
    return mask_recalls_compute(&recalls, scores, 4, 20, NULL, 2, NULL, err);
}
static bool no_recalls(const world *w)
{
    (void)w;
    return recalls.rsum == 0;
}

static mask_status save_scores(world *w, mask_error *err)
{
    return mask_scores_save(w->scores_path, w->scores, IMAGES, TEXTS, err);
}
static bool no_scores_file(const world *w)
{
    return holds_old(w->scores_path);
}

static mask_gallery *gallery;
static mask_status create_gallery(world *w, mask_error *err)
{
    return mask_gallery_create(w->gallery, w->calibrated, NULL, NULL, err);
}
static const mask_run alone = {.threads = 1}; /* a thread that cannot begin leaves its work to the others: no failure */
static mask_status add_to_gallery(world *w, mask_error *err)
{
    return mask_gallery_add(w->gallery, w->images, NULL, &alone, err);
}
static mask_status remove_from_gallery(world *w, mask_error *err)
{
    return mask_gallery_remove(w->gallery, (const char *[]){"1", "2"}, 2, NULL, NULL, err);
}
static mask_status compact_gallery(world *w, mask_error *err)
{
    return mask_gallery_compact(w->gallery, &alone, err);
}
static mask_status open_gallery(world *w, mask_error *err)
{
    return mask_gallery_open(&gallery, w->gallery, NULL, err);
}
static bool no_gallery(const world *w)
{
    return access(w->gallery, F_OK) != 0;
}
/* Whether the gallery holds a segment, without an allocation of ours. */
static bool has_segment(const world *w, int number)
{
    char path[300];
    snprintf(path, sizeof path, "%s/%08d.segment", w->gallery, number);
    return access(path, F_OK) == 0;
}
static bool no_segment(const world *w)
{
    return !has_segment(w, 1);
}
static bool only_first_segment(const world *w)
{
    return has_segment(w, 1) && !has_segment(w, 2);
}
static bool no_open_gallery(const world *w)
{
    (void)w;
    return !gallery;
}

static mask_results results;
static mask_status search(world *w, mask_error *err)
{
    mask_query_text texts[] = {{"zaa zan zac hot-zad qqq", 1}, {"zae", -0.5f}};
    mask_query_image image = {.id = "3", .weight = 2};
    mask_query q = mask_query_defaults();
    q.texts = texts;
    q.count = 2;
    q.images = &image;
    q.image_count = 1;
    q.where = "length(id) < 3";
    return mask_gallery_search(gallery, w->vectors, &q, &results, &alone, err);
}
static bool no_results(const world *w)
{
    (void)w;
    return !results.memory && !results.hits && !results.count;
}
static mask_annotator *annotator;
static mask_status open_annotator(world *w, mask_error *err)
{
    mask_status status = mask_annotator_open(&annotator, gallery, w->vectors, w->texts, &alone, err);
    if (status != MASK_OK || !starved) return status;
    mask_annotator_close(annotator); /* the texts were not kept for the next time, which is no failure */
    annotator = NULL;
    return mask__no_memory(err, "texts");
}
static bool no_annotator(const world *w)
{
    (void)w;
    return !annotator;
}
static mask_status annotate(world *w, mask_error *err)
{
    mask_annotation best[2];
    size_t count;
    (void)w;
    return mask_annotator_image(annotator, "3", 2, best, &count, err);
}
static mask_knowledge *taught;
static mask_status teach(world *w, mask_error *err)
{
    return mask_knowledge_teach(&taught, w->calibrated, w->vectors, "zan", w->images, NULL, err);
}
static bool no_taught(const world *w)
{
    (void)w;
    return !taught;
}

/* ---- The run ---- */

static void old_file(char path[256], const char *name)
{
    snprintf(path, 256, "%s", temp_path(name));
    write_text(path, "old");
}

static void make_inputs(world *w)
{
    uint64_t random = 1;
    float vectors[WORDS * N], features[ROWS * M];
    static char labels[ROWS][64];
    for (size_t i = 0; i < WORDS * N; i++) vectors[i] = made_number(&random);
    for (size_t i = 0; i < ROWS * M; i++) features[i] = made_number(&random) + 1;
    for (size_t r = 0; r < ROWS; r++) /* of 14 words with vectors ten are labels */
        snprintf(labels[r], sizeof labels[r], "%s %s", made_word(r % 10), made_word(r * 7 % 10));
    mask_vectors_close(made_vectors(vectors, WORDS, N));
    mask_labels_close(made_labels(features, ROWS, M, labels, 6));
    mask_images_close(made_images("images.npy", features, IMAGES, REGIONS, M));
    snprintf(w->import, sizeof w->import, "%s", temp_path("vectors.txt"));
    snprintf(w->images_path, sizeof w->images_path, "%s", temp_path("images.npy"));
    snprintf(w->regions, sizeof w->regions, "%s", temp_path("regions"));
    snprintf(w->gallery, sizeof w->gallery, "%s", temp_path("tortured.gallery"));
    old_file(w->mvec, "tortured.mvec");
    old_file(w->mask, "tortured.mask");
    old_file(w->encoded, "tortured.npy");
    old_file(w->scores_path, "scores.npy");
    write_text(temp_path("modifiers.tsv"), "0\t1\t4\n1\t0\t1\n1\t1\t2\n");
}

static void convert_and_read(world *w, const char *name, mask_features_format to)
{
    w->convert = (mask_convert_options){.size = sizeof(mask_convert_options), .to = to};
    if (to == MASK_FEATURES_NPZ) {
        snprintf(w->converted, sizeof w->converted, "%s", temp_path(name));
        mkdir(w->converted, 0777);
    } else {
        old_file(w->converted, name);
        if (to == MASK_FEATURES_NPY) {
            write_text(temp_path("array_ids.txt"), "old"); /* so that the number of files stays the same */
            write_text(temp_path("array_boxes.npy"), "old");
        }
    }
    torture("convert", w, convert_images, no_converted);
    torture("open the converted", w, open_converted, no_images_again);
    mask_images_close(w->again);
    w->again = NULL;
}

static void images_in_every_format(void **state)
{
    (void)state;
    static world w;
    mask_error err;
    uint64_t random = 1;
    float boxes[IMAGES * REGIONS * 4];
    for (size_t i = 0; i < IMAGES * REGIONS * 4; i++) boxes[i] = (float)(i % 50);
    float features[IMAGES * REGIONS * M];
    for (size_t i = 0; i < IMAGES * REGIONS * M; i++) features[i] = made_number(&random);
    made_npy(temp_path("source_ims.npy"), 3, (size_t[]){IMAGES, REGIONS, M}, features);
    made_npy(temp_path("source_boxes.npy"), 3, (size_t[]){IMAGES, REGIONS, 4}, boxes);
    check_ok(mask_images_open(&w.images, temp_path("source_ims.npy"), NULL, NULL, &err));
    convert_and_read(&w, "array_ims.npy", MASK_FEATURES_NPY);
    convert_and_read(&w, "rows.tsv", MASK_FEATURES_TSV);
    convert_and_read(&w, "folder", MASK_FEATURES_NPZ);
    mask_images_close(w.images);
}

/* ---- Labels of other data sets ---- */

static char label_source[256], label_other[256], label_out[256];

static bool no_table(const world *w)
{
    (void)w;
    return holds_old(label_out);
}
static mask_status convert_genome(world *w, mask_error *err)
{
    (void)w;
    mask_regions_options o = mask_regions_defaults();
    o.min_count = 2;
    o.attributes = label_other;
    return mask_regions_from_genome(label_source, label_out, &o, NULL, NULL, err);
}
static mask_status convert_genome_by_classes(world *w, mask_error *err)
{
    (void)w;
    mask_regions_options o = {.size = sizeof(mask_regions_options),
                              .recipe = MASK_RECIPE_BUTD,
                              .vocabulary = label_other,
                              .name_by = MASK_NAME_URL};
    char data[256];
    snprintf(data, sizeof data, "%s", temp_path("image_data.json"));
    o.image_data = data;
    return mask_regions_from_genome(label_source, label_out, &o, NULL, NULL, err);
}
static mask_status convert_entities(world *w, mask_error *err)
{
    (void)w;
    return mask_regions_from_entities(label_source, NULL, label_out, NULL, NULL, err);
}
static mask_status convert_detections(world *w, mask_error *err)
{
    (void)w;
    return mask_regions_from_detections(label_source, temp_path("detected"), label_other, label_other, 0, NULL, NULL,
                                        err);
}
static mask_status import_mack(world *w, mask_error *err)
{
    return mask_knowledge_import(&w->none, label_source, label_other, w->vectors, "a command", NULL, err);
}

static void put(const char *folder, const char *name, const char *text)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    write_text(path, text);
}

static void genome_under_torture(world *w)
{
    snprintf(label_source, sizeof label_source, "%s", temp_path("objects.json"));
    snprintf(label_other, sizeof label_other, "%s", temp_path("attributes.json"));
    old_file(label_out, "table.tsv");
    write_text(label_source,
               "[{\"image_id\": 1, \"objects\": [{\"object_id\": 1, \"x\": 1, \"y\": 1, \"w\": 2, \"h\": 2, "
               "\"names\": [\"dog\"]}]}, {\"image_id\": 2, \"objects\": [{\"object_id\": 2, \"x\": 1, \"y\": 1, "
               "\"w\": 2, \"h\": 2, \"names\": [\"dog\"]}]}]");
    write_text(label_other, "[{\"image_id\": 2, \"attributes\": [{\"object_id\": 2, \"attributes\": [\"red\"]}]},"
                            "{\"image_id\": 1, \"attributes\": []}]"); /* out of order: the index is made */
    torture("convert objects.json", w, convert_genome, no_table);
    write_text(label_other, "dog,hound\ncat");
    write_text(temp_path("image_data.json"), "[{\"image_id\": 2, \"url\": \"a/b.jpg\", \"width\": 9, \"height\": 9}]");
    write_text(label_out, "old");
    torture("convert it by classes", w, convert_genome_by_classes, no_table);
}

static void entities_under_torture(world *w)
{
    snprintf(label_source, sizeof label_source, "%s", temp_path("entities"));
    old_file(label_out, "table.tsv");
    mkdir(label_source, 0777);
    mkdir(temp_path("entities/Sentences"), 0777);
    mkdir(temp_path("entities/Annotations"), 0777);
    put(label_source, "Sentences/7.txt", "[/EN#1/people Two men] and [/EN#1/people men]");
    put(label_source, "Annotations/7.xml",
        "<annotation><object><name>1</name><bndbox><xmin>1</xmin><ymin>2</ymin>"
        "<xmax>3</xmax><ymax>4</ymax></bndbox></object></annotation>");
    torture("convert entities", w, convert_entities, no_table);
}

static void detections_under_torture(world *w)
{
    snprintf(label_source, sizeof label_source, "%s", temp_path("detections.tsv"));
    snprintf(label_other, sizeof label_other, "%s", temp_path("classes.txt"));
    mkdir(temp_path("detected"), 0777);
    old_file(label_out, "detected/regions.tsv");
    write_text(label_other, "dog\ncat");
    /* one region: class 0, confidence 0, attribute 0, a box 0, 0, 2, 2 and a feature 0 */
    write_text(label_source,
               "a\t9\t9\tAAAAAAAAAAA=\tAAAAAA==\tAAAAAAAAAAA=\tAAAAAA==\t1\tAAAAAAAAAAAAAABAAAAAQA==\tAAAAAA==\n");
    torture("convert detections", w, convert_detections, no_table);
}

static void labels_of_every_kind(void **state)
{
    (void)state;
    static world w;
    float vectors[3 * N], prototypes[3 * M];
    uint64_t random = 1;
    for (size_t i = 0; i < 3 * N; i++) vectors[i] = made_number(&random);
    for (size_t i = 0; i < 3 * M; i++) prototypes[i] = made_number(&random);
    genome_under_torture(&w);
    entities_under_torture(&w);
    detections_under_torture(&w);
    w.vectors = made_vectors(vectors, 3, N);
    snprintf(label_source, sizeof label_source, "%s", temp_path("mack.json"));
    snprintf(label_other, sizeof label_other, "%s", temp_path("mack.npy"));
    write_text(label_source, "{\"zaa\": 0, \"zab\": 2}");
    made_npy(label_other, 2, (size_t[]){3, M}, prototypes);
    torture("import MACK's knowledge", &w, import_mack, no_none);
    mask_knowledge_close(w.none);
    mask_vectors_close(w.vectors);
}

static void every_allocation_may_fail(void **state)
{
    (void)state;
    static world w;
    make_inputs(&w);
    torture("import vectors", &w, import_vectors, no_mvec);
    torture("open vectors", &w, open_vectors, no_vectors);
    torture("open labels", &w, open_labels, no_labels);
    torture("open images", &w, open_images, no_images);
    torture("create texts", &w, create_texts, no_texts);
    torture("learn, none", &w, learn_none, no_none);
    torture("learn, whiten", &w, learn_whiten, no_whiten);
    torture("learn, mask", &w, learn_trained, no_trained);
    torture("calibrate", &w, calibrate, no_calibrated);
    torture("save the trained", &w, save_trained, no_mask);
    write_text(w.mask, "old");
    torture("save", &w, save_calibrated, no_mask);
    mask_knowledge_close(w.calibrated);
    torture("open", &w, open_knowledge, no_calibrated);
    torture("encode", &w, encode, no_encoded);
    torture("match", &w, match, any_scores);
    torture("match otherwise", &w, match_otherwise, any_scores);
    torture("match transductively", &w, match_transductively, any_scores);
    torture("explain", &w, explain, no_explanation);
    torture("read", &w, read_text, no_reading);
    torture("recalls", &w, count_recalls, no_recalls);
    torture("save scores", &w, save_scores, no_scores_file);
    torture("create a gallery", &w, create_gallery, no_gallery);
    torture("add to a gallery", &w, add_to_gallery, no_segment);
    torture("remove from a gallery", &w, remove_from_gallery, only_first_segment);
    torture("compact a gallery", &w, compact_gallery, only_first_segment);
    torture("open a gallery", &w, open_gallery, no_open_gallery);
    assert_true(has_segment(&w, 2) && !has_segment(&w, 1));
    torture("search", &w, search, no_results);
    torture("open an annotator", &w, open_annotator, no_annotator);
    torture("annotate", &w, annotate, any_scores);
    torture("teach", &w, teach, no_taught);
    mask_results_free(&results);
    mask_annotator_close(annotator);
    mask_knowledge_close(taught);
    mask_gallery_close(gallery);
    mask_explanation_free(&explanation);
    mask_reading_free(&reading);
    mask_knowledge_close(w.none);
    mask_knowledge_close(w.whiten);
    mask_knowledge_close(w.trained);
    mask_knowledge_close(w.calibrated);
    mask_texts_close(w.texts);
    mask_images_close(w.images);
    mask_labels_close(w.labels);
    mask_vectors_close(w.vectors);
}

/* ---- An encoder of photos ---- */

static char bundle[256], menc[256];
static mask__encoder *encoder;

static mask_status import_encoder(world *w, mask_error *err)
{
    (void)w;
    return mask_encoder_import(bundle, menc, NULL, err);
}
static bool no_menc(const world *w)
{
    (void)w;
    return holds_old(menc);
}
static mask_status open_encoder(world *w, mask_error *err)
{
    (void)w;
    return mask__encoder_open(&encoder, menc, 0, &(mask_run){.threads = 2}, err);
}
static bool no_encoder(const world *w)
{
    (void)w;
    return !encoder;
}
static mask_status look(world *w, mask_error *err)
{
    (void)w;
    static uint8_t rgb[2 * 32 * 32 * 3];
    static mask__detection boxes[36];
    size_t found;
    MASK__TRY(mask__encoder_run(encoder, (const uint8_t *[]){rgb}, 2, err));
    return mask__encoder_detect(encoder, 1, &MASK__DETECT_DEFAULTS, boxes, &found, err);
}
static bool anything(const world *w)
{
    (void)w;
    return true;
}

/* The store is made anew each time. */
static char store[256];
static mask_status extract(world *w, mask_error *err)
{
    static const char *const photos[] = {MASK_SOURCE_DIR "/tests/fixtures/0.1/photos"};
    (void)w;
    mask_extract_options o = mask_extract_defaults();
    o.encoder = menc;
    o.detector = menc;
    o.regions = 3;
    size_t left = allowed;
    allowed = SIZE_MAX;
    unlink(store);
    FILE *empty = fopen(store, "w"); /* so that the number of files stays the same */
    if (empty) fclose(empty);
    allowed = left;
    return mask_extract(photos, 1, store, &o, NULL, &alone, err);
}
static mask_extractor *extractor;
static mask_status open_extractor(world *w, mask_error *err)
{
    (void)w;
    return mask_extractor_open(&extractor, menc, NULL, &alone, err);
}
static bool no_extractor(const world *w)
{
    (void)w;
    return !extractor;
}
static mask_status photo_to_images(world *w, mask_error *err)
{
    mask_photo photo = {.path = MASK_SOURCE_DIR "/tests/fixtures/0.1/photos/sea.png"};
    return mask_extractor_images(&w->images, extractor, &photo, 1, err);
}

static void an_encoder_of_photos(void **state)
{
    (void)state;
    static made file;
    static world w;
    made_network n = {0};
    int x = made_add(&n, 1, 32, 32, 3), map = made_conv(&n, x, 8, 3, 16, 1, SAME, RELU6);
    n.outputs[n.output_count++] = made_reshape(&n, made_fully(&n, map, 42 * 4, NONE), 1, 42, 4, 0);
    n.outputs[n.output_count++] = made_reshape(&n, made_fully(&n, map, 42 * 3, NONE), 1, 42, 3, 0);
    made_build(&file, &n);
    unsigned char *whole = malloc(file.size + 8);
    memcpy(whole, "?\ncat\nd\n", 8);
    memcpy(whole + 8, file.data, file.size);
    old_file(bundle, "net.data");
    old_file(menc, "net.menc");
    write_file(bundle, whole, file.size + 8);
    torture("import of an encoder", &w, import_encoder, no_menc);
    torture("opening an encoder", &w, open_encoder, no_encoder);
    torture("detection", &w, look, anything);
    mask__encoder_close(encoder);
    snprintf(store, sizeof store, "%s", temp_path("tortured.regions"));
    write_text(store, "");
    torture("extract", &w, extract, anything);
    torture("open an extractor", &w, open_extractor, no_extractor);
    torture("a photo to images", &w, photo_to_images, no_images);
    mask_images_close(w.images);
    mask_extractor_close(extractor);
    free(whole);
    made_free(&n);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_allocation_may_fail),
                                       cmocka_unit_test(images_in_every_format), cmocka_unit_test(labels_of_every_kind),
                                       cmocka_unit_test(an_encoder_of_photos)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
