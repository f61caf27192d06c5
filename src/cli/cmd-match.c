/* mask score, mask eval. */
#include "commands.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- score ---- */

static int64_t find_image(const mask_images *images, const char *id)
{
    int64_t at = mask_images_find(images, id);
    char *end;
    if (at >= 0 || id[0] != '#') return at;
    unsigned long long position = strtoull(id + 1, &end, 10);
    return *end == '\0' && end != id + 1 && position < mask_images_count(images) ? (int64_t)position : -1;
}

static json_t *score_json(const mask_explanation *e, const mask_images *images, size_t image)
{
    json_t *words = json_array();
    for (size_t w = 0; w < e->words; w++) {
        const mask_word *word = &e->reading.words[e->word_index[w]];
        json_t *regions = json_array();
        for (size_t r = 0; r < e->regions; r++)
            json_array_append_new(regions, json_real((double)e->cosines[w * e->regions + r]));
        json_array_append_new(words,
                              json_pack("{s:s, s:s, s:s, s:f, s:f, s:o}", "token", word->token, "word", word->word,
                                        "kind", word->kind == MASK_WORD_KNOWN ? "known" : "OOD", "weight",
                                        (double)word->weight, "score", (double)e->word_scores[w], "cosines", regions));
    }
    json_t *boxes = json_array();
    for (size_t r = 0; r < e->regions; r++) {
        float b[4];
        if (mask_images_box(images, image, r, b))
            json_array_append_new(boxes,
                                  json_pack("[f,f,f,f]", (double)b[0], (double)b[1], (double)b[2], (double)b[3]));
    }
    return json_pack("{s:f, s:s, s:f, s:f, s:f, s:f, s:b, s:o, s:o}", "score", e->score, "image",
                     mask_images_id(images, image), "text_mean", e->text_mean, "text_deviation", e->text_deviation,
                     "hub_image", e->hub_image, "hub_text", e->hub_text, "transductive", e->transductive, "words",
                     words, "boxes", boxes);
}

static void print_word_line(const mask_explanation *e, size_t w)
{
    const mask_word *word = &e->reading.words[e->word_index[w]];
    size_t best = 0;
    for (size_t r = 1; r < e->regions; r++)
        if (e->cosines[w * e->regions + r] > e->cosines[w * e->regions + best]) best = r;
    printf("  %-14s %-6s weight %.2f  score %+.3f  best region %zu (cosine %.3f)", word->token,
           word->kind == MASK_WORD_KNOWN ? "known" : "OOD", word->weight, e->word_scores[w], best,
           e->regions ? e->cosines[w * e->regions + best] : 0);
    if (strcmp(word->word, word->token) != 0) printf("  as %s", word->word);
    for (size_t i = 0; i < word->neighbour_count && i < 3; i++)
        printf("%s%s", i ? ", " : "  from ", word->neighbours[i].word);
    printf("\n");
}

static void print_table(const mask_explanation *e, const mask_images *images, size_t image)
{
    printf("\nregion  box                      ");
    for (size_t w = 0; w < e->words; w++) printf(" %9.9s", e->reading.words[e->word_index[w]].word);
    printf("\n");
    for (size_t r = 0; r < e->regions; r++) {
        float b[4];
        char box[64] = "";
        if (mask_images_box(images, image, r, b))
            snprintf(box, sizeof box, "%.0f,%.0f %.0f,%.0f", b[0], b[1], b[2], b[3]);
        printf("%6zu  %-25s", r, box);
        for (size_t w = 0; w < e->words; w++) printf(" %9.3f", e->cosines[w * e->regions + r]);
        printf("\n");
    }
}

static void print_score(const mask_explanation *e, const mask_images *images, size_t image)
{
    const char *name = mask_images_name(images, image);
    printf("score %.6f  image %s%s%s\n", e->score, mask_images_id(images, image), name ? "  " : "", name ? name : "");
    for (size_t w = 0; w < e->words; w++) print_word_line(e, w);
    if (e->words == 0) printf("  no word of the text can be used\n");
    if (e->text_deviation != 1 || e->text_mean != 0)
        printf("  text: mean %.4f, deviation %.4f over %s; hubness: image %.4f, text %.4f\n", e->text_mean,
               e->text_deviation, e->transductive ? "the images at hand (transductive)" : "the background",
               e->hub_image, e->hub_text);
    if (e->words) print_table(e, images, image);
}

static int score_pair(const args *a, const mask_knowledge *k, const mask_images *images, const mask_match_options *o)
{
    mask_error err;
    mask_vectors *vectors;
    mask_matcher *matcher;
    mask_explanation e;
    const char *id = args_text(a, "--image", NULL), *text = args_text(a, "--text", NULL);
    int64_t image = find_image(images, id);
    if (image < 0)
        return fail("%s: has no image '%s': give an id, a file name, or #POSITION below %zu",
                    args_text(a, "--images", ""), id, mask_images_count(images));
    int result = open_vectors(a, k, o, &vectors);
    if (result) return result;
    mask_status status = mask_matcher_open(&matcher, k, vectors, o, &a->run, &err);
    if (status == MASK_OK) status = mask_matcher_explain(matcher, images, (size_t)image, text, &e, &a->run, &err);
    if (status != MASK_OK) {
        result = failed(&err);
    } else {
        progress_end();
        if (a->json) result = print_json(score_json(&e, images, (size_t)image));
        else print_score(&e, images, (size_t)image);
        mask_explanation_free(&e);
    }
    mask_matcher_close(matcher);
    mask_vectors_close(vectors);
    return result;
}

static int run_score(args *a)
{
    mask_error err;
    mask_knowledge *k = NULL;
    mask_images *images = NULL;
    mask_match_options o;
    const char *path = args_text(a, "--images", NULL);
    if (!path || !args_text(a, "--image", NULL) || !args_text(a, "--text", NULL))
        return args_usage(a, "--images, --image and --text are needed");
    if (mask_knowledge_open(&k, a->positional[0], &a->run, &err) != MASK_OK) return failed(&err);
    int result = read_match_options(a, k, &o);
    if (result == 0) {
        mask_status status = mask_images_open(&images, path, args_text(a, "--split", NULL), &a->run, &err);
        result = status == MASK_OK ? score_pair(a, k, images, &o) : failed(&err);
    }
    mask_images_close(images);
    mask_knowledge_close(k);
    return result;
}

const command command_score = {
    .name = "score",
    .positional = "K.mask",
    .min_positional = 1,
    .max_positional = 1,
    .summary = "Score one image with one text and explain it: words, regions, calibration",
    .details = "The score equals the one mask eval gives the pair.",
    .options =
        (const option[]){
            {"--images", "IMAGES", "region features in any format that encode reads"},
            {"--split", "S", "of a precomp folder"},
            {"--image", "ID", "an id, a file name, or #POSITION"},
            {"--text", "TEXT", "the text"},
            MATCH_OPTIONS,
            {0},
        },
    .run = run_score,
};

/* ---- eval ---- */

typedef struct evaluation {
    mask_recalls recalls;
    mask_match_report report;
    mask_match_options options;
    size_t folds;
    bool by_name; /* captions were paired with images */
    double seconds;
} evaluation;

static json_t *recall_json(const mask_recall *r)
{
    return json_pack("{s:f, s:f, s:f, s:f, s:f, s:I, s:[f,f,f], s:[f,f,f]}", "r1", r->r1, "r5", r->r5, "r10", r->r10,
                     "medr", r->medr, "meanr", r->meanr, "queries", (json_int_t)r->queries, "low", r->low[0], r->low[1],
                     r->low[2], "high", r->high[0], r->high[1], r->high[2]);
}

static json_t *eval_json(const evaluation *e)
{
    const mask_match_report *r = &e->report;
    json_t *out = json_pack("{s:I, s:I, s:o, s:o, s:f, s:I, s:I, s:I, s:f}", "images", (json_int_t)r->images, "texts",
                            (json_int_t)r->texts, "t2i", recall_json(&e->recalls.t2i), "i2t",
                            recall_json(&e->recalls.i2t), "rsum", e->recalls.rsum, "known", (json_int_t)r->known, "ood",
                            (json_int_t)r->ood, "skipped", (json_int_t)r->skipped, "seconds", e->seconds);
    json_object_set_new(out, "unusable", json_integer((json_int_t)r->unusable));
    json_object_set_new(out, "known_words", json_integer((json_int_t)r->known_words));
    json_object_set_new(out, "ood_words", json_integer((json_int_t)r->ood_words));
    json_object_set_new(out, "t2i_known", recall_json(&e->recalls.t2i_known));
    json_object_set_new(out, "t2i_ood", recall_json(&e->recalls.t2i_ood));
    json_object_set_new(out, "paired", json_string(e->by_name ? "name" : "position"));
    json_object_set_new(out, "folds", json_integer((json_int_t)e->folds));
    json_object_set_new(out, "ties", json_boolean(e->recalls.ties));
    json_object_set_new(out, "transductive", json_boolean(r->transductive));
    json_object_set_new(out, "whole_region", r->whole_is_region ? json_integer(r->whole_region) : json_string("mean"));
    json_object_set_new(out, "seconds_columns", json_real(r->seconds_columns));
    json_object_set_new(out, "seconds_gemm", json_real(r->seconds_gemm));
    json_object_set_new(out, "gflop_gemm", json_real(r->gflop_gemm));
    return out;
}

static void print_recall(const char *name, const mask_recall *r)
{
    printf("%-18s %6.1f %6.1f %6.1f %7.0f %8.1f\n", name, r->r1, r->r5, r->r10, r->medr, r->meanr);
}

static void print_bounds(const char *name, const mask_recall *r)
{
    printf("  ties: %s R@1 %.1f..%.1f, R@5 %.1f..%.1f, R@10 %.1f..%.1f\n", name, r->low[0], r->high[0], r->low[1],
           r->high[1], r->low[2], r->high[2]);
}

static void print_eval(const evaluation *e)
{
    char level[OPTION_TEXT];
    const mask_match_report *r = &e->report;
    printf("%-18s %6s %6s %6s %7s %8s\n", "", "R@1", "R@5", "R@10", "medr", "meanr");
    print_recall("text to image", &e->recalls.t2i);
    if (e->recalls.t2i_ood.queries) {
        print_recall("  all words known", &e->recalls.t2i_known);
        print_recall("  with OOD words", &e->recalls.t2i_ood);
    }
    print_recall("image to text", &e->recalls.i2t);
    printf("Rs %.1f\n", e->recalls.rsum);
    if (e->recalls.ties) {
        print_bounds("text to image", &e->recalls.t2i);
        print_bounds("image to text", &e->recalls.i2t);
    }
    printf("%zu images, %zu texts", r->images, r->texts);
    if (e->folds > 1) printf(", mean of %zu folds", e->folds);
    printf("; words: %zu known, %zu OOD, %zu unusable; %zu texts without a usable word\n", r->known, r->ood,
           r->unusable, r->skipped);
    printf("calibration %s%s, whole image = ", option_text(MASK_OPTIONS_MATCH, &e->options, "calibrate", level),
           e->options.calibrate == MASK_CALIBRATE_NONE ? ""
           : r->transductive ? " from the images and texts at hand (transductive: not comparable with other methods)"
                             : " from the background");
    if (r->whole_is_region) printf("region %d", r->whole_region);
    else printf("mean of the regions");
    printf("; %.2f s\n", e->seconds);
}

static int evaluate(const args *a, const mask_knowledge *k, const mask_vectors *vectors, const mask_images *images,
                    const mask_texts *texts, evaluation *e)
{
    mask_error err;
    const char *save = args_text(a, "--save-sims", NULL);
    size_t n = mask_images_count(images), t = mask_texts_count(texts);
    if (e->folds > n || n % e->folds != 0)
        return fail("%s: its %zu images cannot be cut into --folds %zu equal parts", a->positional[1], n, e->folds);
    float *scores = t && n > SIZE_MAX / sizeof *scores / t ? NULL : malloc((n * t + 1) * sizeof *scores);
    unsigned char *kinds = malloc(t + 1);
    mask_status status = MASK_OK;
    int result = 0;
    if (!scores || !kinds) {
        result = fail("out of memory for %zu x %zu scores", t, n);
    } else {
        mask_matcher *matcher;
        status = mask_matcher_open(&matcher, k, vectors, &e->options, &a->run, &err);
        if (status == MASK_OK)
            status = mask_matcher_scores(matcher, images, texts, scores, kinds, &e->report, &a->run, &err);
        mask_matcher_close(matcher);
        if (status == MASK_OK) status = mask_recalls_compute(&e->recalls, scores, n, t, kinds, e->folds, &a->run, &err);
        if (status == MASK_OK && save) status = mask_scores_save(save, scores, n, t, &err);
        if (status != MASK_OK) result = failed(&err);
    }
    free(scores);
    free(kinds);
    return result;
}

static int run_eval(args *a)
{
    mask_error err;
    mask_knowledge *k = NULL;
    mask_vectors *vectors = NULL;
    mask_images *images = NULL;
    mask_texts *texts = NULL;
    evaluation e = {.folds = 1};
    double start = now();
    const char *split = args_text(a, "--split", NULL);
    int result = args_size(a, "--folds", 1, 1000000, &e.folds);
    if (result) return result;
    if (!split && !args_has(a, "--captions"))
        return args_usage(a, "--split is needed (dev, test, testall), or --captions for a file of images");
    if (args_has(a, "--save-sims") && (result = check_output(args_text(a, "--save-sims", ""))) != 0) return result;
    if (mask_knowledge_open(&k, a->positional[0], &a->run, &err) != MASK_OK) return failed(&err);
    result = read_match_options(a, k, &e.options);
    if (result == 0) result = open_vectors(a, k, &e.options, &vectors);
    if (result == 0) {
        mask_status status = mask_dataset_open(&images, &texts, a->positional[1], split,
                                               args_text(a, "--captions", NULL), &a->run, &err);
        result = status == MASK_OK ? evaluate(a, k, vectors, images, texts, &e) : failed(&err);
    }
    e.seconds = now() - start;
    e.by_name = result == 0 && mask_texts_by_name(texts);
    progress_end();
    if (result == 0 && a->json) result = print_json(eval_json(&e));
    else if (result == 0) print_eval(&e);
    mask_texts_close(texts);
    mask_images_close(images);
    mask_vectors_close(vectors);
    mask_knowledge_close(k);
    return result;
}

const command command_eval = {
    .name = "eval",
    .positional = "K.mask DATA",
    .min_positional = 2,
    .max_positional = 2,
    .summary = "Recall of a knowledge on images with five captions each",
    .details = "DATA is a precomp folder: SPLIT_ims.npy, SPLIT_caps.txt, SPLIT_ids.txt; or, with --captions, any "
               "format that encode reads.\n"
               "Equal scores share their ranks; where ties touch a recall, its bounds are printed.",
    .options =
        (const option[]){
            {"--split", "S", "dev, test or testall; not needed for a file of images with --captions"},
            {"--captions", "FILE",
             "captions from elsewhere: one per line, or Karpathy JSON; paired by name where names are known"},
            {"--folds", "N", "average over N equal parts of the images (COCO 1K: 5)"},
            {"--save-sims", "S.npy", "write the scores, images x texts, float32"},
            MATCH_OPTIONS,
            {0},
        },
    .run = run_eval,
};
