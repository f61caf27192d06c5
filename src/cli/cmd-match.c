/* mask score, mask eval. */
#include "commands.h"
#include "team.h"

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
        if (mask_images_box(images, image, r, b)) json_array_append_new(boxes, box_json(b));
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

static int run_score(args *a)
{
    mask_match_options o;
    mask_explanation e;
    const char *path = args_text(a, "--images", NULL), *id = args_text(a, "--image", NULL);
    int bad = open_knowledge(a, a->positional[0]);
    if (!bad) bad = read_match_options(a, &o);
    if (!bad) bad = open_images(a, path);
    if (bad) return bad;
    int64_t image = find_image(a->images, id);
    if (image < 0)
        return fail("%s: has no image '%s': give an id, a file name, or #POSITION below %zu", path, id,
                    mask_images_count(a->images));
    if ((bad = open_matcher(a, &o)) != 0) return bad;
    if (mask_matcher_explain(a->matcher, a->images, (size_t)image, args_text(a, "--text", NULL), &e, &a->run,
                             &a->err) != MASK_OK)
        return failed(&a->err);
    if (a->json) bad = print_json(score_json(&e, a->images, (size_t)image));
    else print_score(&e, a->images, (size_t)image);
    mask_explanation_free(&e);
    return bad;
}

const command command_score = {
    .name = "score",
    .positional = "K.mask",
    .summary = "Score one image with one text and explain it: words, regions, calibration",
    .details = "The score equals the one mask eval gives the pair.",
    .examples = "mask score mine.mask --images photos.regions --image beach.jpg --text 'a dog on a beach'",
    .options =
        (const option[]){
            {"--images", "IMAGES", "region features in any format that encode reads"},
            {"--split", "S", "of a precomp folder"},
            {"--image", "ID", "an id, a file name, or #POSITION"},
            {"--text", "TEXT", "the text"},
            MATCH_OPTIONS,
            {0},
        },
    .needed = "--images --image --text",
    .run = run_score,
};

/* ---- eval ---- */

typedef struct evaluation {
    mask_recalls recalls;
    mask_match_report report;
    mask_match_options options;
    size_t folds;
    bool by_name;           /* captions were paired with images */
    size_t background, own; /* images of the background; of them those that joined it for this run */
    size_t seen;            /* evaluated images that are in the background the knowledge came with */
    double seconds;
} evaluation;

/* Which files were read, and how. */
static json_t *eval_run_json(const args *a, const evaluation *e)
{
    json_t *run = run_json(a);
    char start[OPTION_TEXT];
    const char *split = args_text(a, "--split", "");
    snprintf(start, sizeof start, "%.60s%s", split, *split ? "_" : "");
    json_object_set_new(run, "options", options_json(MASK_OPTIONS_MATCH, &e->options));
    add_input(run, "knowledge", a->positional[0], "");
    add_input(run, "data", a->positional[1], start);
    add_input(run, "captions", args_text(a, "--captions", NULL), "");
    add_input(run, "vectors", a->vectors ? mask_vectors_path(a->vectors) : NULL, "");
    return run;
}

static json_t *eval_json(const args *a, const evaluation *e)
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
    json_object_set_new(out, "rsum_interval", json_pack("[f,f]", e->recalls.rsum_low, e->recalls.rsum_high));
    json_object_set_new(out, "transductive", json_boolean(r->transductive || e->own || e->seen));
    json_object_set_new(out, "background_images", json_integer((json_int_t)e->background));
    json_object_set_new(out, "background_own", json_integer((json_int_t)e->own));
    json_object_set_new(out, "background_seen", json_integer((json_int_t)e->seen));
    json_object_set_new(out, "whole_region", r->whole_is_region ? json_integer(r->whole_region) : json_string("mean"));
    json_object_set_new(out, "seconds_columns", json_real(r->seconds_columns));
    json_object_set_new(out, "seconds_gemm", json_real(r->seconds_gemm));
    json_object_set_new(out, "gflop_gemm", json_real(r->gflop_gemm));
    json_object_set_new(out, "run", eval_run_json(a, e));
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
    printf("Rs %.1f (%.1f to %.1f)\n", e->recalls.rsum, e->recalls.rsum_low, e->recalls.rsum_high);
    if (e->recalls.ties) {
        print_bounds("text to image", &e->recalls.t2i);
        print_bounds("image to text", &e->recalls.i2t);
    }
    printf("%zu images, %zu texts", r->images, r->texts);
    if (e->folds > 1) printf(", mean of %zu folds", e->folds);
    printf("; words: %zu known, %zu OOD, %zu unusable; %zu texts without a usable word\n", r->known, r->ood,
           r->unusable, r->skipped);
    option_text(MASK_OPTIONS_MATCH, &e->options, "calibrate", level);
    if (e->own && !r->transductive)
        printf(
            "calibration %s from %zu background images and %zu of these (transductive on images: not comparable with "
            "other methods), whole image = ",
            level, e->background - e->own, e->own);
    else
        printf("calibration %s%s, whole image = ", level,
               e->options.calibrate == MASK_CALIBRATE_NONE ? ""
               : r->transductive
                   ? " from the images and texts at hand (transductive: not comparable with other methods)"
                   : " from the background");
    if (r->whole_is_region) printf("region %d", r->whole_region);
    else printf("mean of the regions");
    printf("; %.2f s\n", e->seconds);
    if (e->seen)
        printf(
            "LEAK: %zu of these images are in the background that the knowledge was calibrated with (the same content, "
            "whatever their names): not comparable with other methods\n",
            e->seen);
}

/* --own: the images that are evaluated join the background of the knowledge. */
static int mix(args *a, evaluation *e)
{
    mask_gallery_options g = mask_gallery_defaults();
    mask_knowledge *mixed;
    mask_knowledge_info info;
    const char *own = args_text(a, "--own", "off");
    if (mask_option_set(MASK_OPTIONS_GALLERY, &g, "--own", own, &a->err) != MASK_OK)
        return args_usage(a, "%s", a->err.message);
    if (g.own) {
        if (mask_knowledge_mix(&mixed, a->knowledge, a->images, g.own, &a->run, &a->err) != MASK_OK)
            return failed(&a->err);
        mask_knowledge_close(a->knowledge);
        a->knowledge = mixed;
    }
    mask_knowledge_describe(a->knowledge, &info);
    e->background = info.background_images;
    e->own = info.background_own;
    return 0;
}

/* Statistics of the evaluated images would flatter: told by content, before --own lets them in knowingly. */
static int look_for_leaks(args *a, evaluation *e)
{
    if (e->options.calibrate == MASK_CALIBRATE_NONE) return 0;
    return mask_knowledge_seen(&e->seen, a->knowledge, a->images, &a->run, &a->err) == MASK_OK ? 0 : failed(&a->err);
}

/* --per-query: ranks of all queries. */
static int save_ranks(args *a, const char *path, const float *scores, size_t folds)
{
    size_t n = mask_images_count(a->images), t = mask_texts_count(a->texts);
    float *ranks = malloc((n + t) * sizeof *ranks);
    if (!ranks) return fail("%s: out of memory", path);
    mask_status status = mask_ranks_compute(ranks, ranks + t, scores, n, t, folds, &a->run, &a->err);
    if (status == MASK_OK) status = mask_ranks_save(path, ranks, ranks + t, n, t, &a->err);
    free(ranks);
    return status == MASK_OK ? 0 : failed(&a->err);
}

static int evaluate(args *a, evaluation *e)
{
    const char *save = args_text(a, "--save-sims", NULL), *ranks = args_text(a, "--per-query", NULL);
    size_t n = mask_images_count(a->images), t = mask_texts_count(a->texts);
    if (e->folds > n || n % e->folds != 0)
        return fail("%s: its %zu images cannot be cut into --folds %zu equal parts", a->positional[1], n, e->folds);
    int result = open_matcher(a, &e->options);
    if (result) return result;
    float *scores = t && n > SIZE_MAX / sizeof *scores / t ? NULL : malloc((n * t + 1) * sizeof *scores);
    unsigned char *kinds = malloc(t + 1);
    if (!scores || !kinds) {
        result = fail("out of memory for %zu x %zu scores", t, n);
    } else {
        mask_status status =
            mask_matcher_scores(a->matcher, a->images, a->texts, scores, kinds, &e->report, &a->run, &a->err);
        if (status == MASK_OK)
            status = mask_recalls_compute(&e->recalls, scores, n, t, kinds, e->folds, &a->run, &a->err);
        if (status == MASK_OK && save && !team_follows(a)) status = mask_scores_save(save, scores, n, t, &a->err);
        if (status != MASK_OK) result = failed(&a->err);
        else if (ranks && !team_follows(a)) result = save_ranks(a, ranks, scores, e->folds);
    }
    free(scores);
    free(kinds);
    return result;
}

static int run_eval(args *a)
{
    evaluation e = {.folds = 1};
    double start = now();
    const char *save = args_text(a, "--save-sims", NULL), *ranks = args_text(a, "--per-query", NULL);
    int result = args_size(a, "--folds", 1, 1000000, &e.folds);
    if (result) return result;
    if (!args_has(a, "--split") && !args_has(a, "--captions"))
        return args_usage(a, "--split is needed (dev, test, testall), or --captions for a file of images");
    if (save) result = check_output(save);
    if (result == 0 && ranks) result = check_output(ranks);
    if (result == 0) result = open_knowledge(a, a->positional[0]);
    if (result == 0) result = read_match_options(a, &e.options);
    if (result == 0) result = open_dataset(a, a->positional[1]);
    if (result == 0) result = look_for_leaks(a, &e);
    if (result == 0) result = mix(a, &e);
    if (result == 0) result = evaluate(a, &e);
    if (result || team_follows(a)) return result;
    e.seconds = now() - start;
    e.by_name = mask_texts_by_name(a->texts);
    if (a->json) return print_json(eval_json(a, &e));
    print_eval(&e);
    return 0;
}

const command command_eval = {
    .name = "eval",
    .positional = "K.mask DATA",
    .summary = "Recall of a knowledge on images with five captions each",
    .details =
        "DATA is a precomp folder: SPLIT_ims.npy, SPLIT_caps.txt, SPLIT_ids.txt; or, with --captions, any "
        "format that encode reads.\n"
        "Equal scores share their ranks; where ties touch a recall, its bounds are printed. Rs comes with its\n"
        "interval of 95%, by bootstrap over images. --json describes the run too: options, and hashes of inputs\n"
        "(as `xxhsum -H2` prints them; of a folder, of its files one after the other). Images that the knowledge\n"
        "was calibrated with are recognised by content, and said.",
    .examples = "mask eval mine.mask data/f30k_precomp --split test --json\n"
                "mask eval mine.mask data/coco_precomp --split testall --folds 5 --per-query ranks.npz",
    .options =
        (const option[]){
            {"--split", "S", "dev, test or testall; not needed for a file of images with --captions"},
            {"--captions", "FILE",
             "captions from elsewhere: one per line, or Karpathy JSON; paired by name where names are known"},
            {"--folds", "N", "average over N equal parts of the images (COCO 1K: 5)"},
            {"--save-sims", "S.npy", "write the scores, images x texts, float32"},
            {"--per-query", "FILE.npz", "write the rank of each text (t2i) and of each image (i2t), from 0"},
            {"--own", "N|auto",
             "statistics from these images too, as a gallery of them has them: transductive on images"},
            MATCH_OPTIONS,
            {0},
        },
    .run = run_eval,
};
