/* mask rerank. */
#include "commands.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_VALUES = 32 };

typedef struct sweep {
    mask_rerank_options o;
    char rule[OPTION_TEXT];
    double k[MOST_VALUES], alpha[MOST_VALUES];
    int k_count, alpha_count;
    size_t folds, top_k;
    mask_recalls base, results[MOST_VALUES * MOST_VALUES]; /* [k * alpha_count + alpha] */
} sweep;

/* "0.05,0.1": *count numbers; what is there stays when the option is absent. */
static int read_list(const args *a, const char *name, double low, double high, bool whole, double *values, int *count)
{
    const char *text = args_text(a, name, NULL), *at = text;
    if (!text) return 0;
    for (*count = 0; *count < MOST_VALUES; at++) {
        char *end;
        double value = strtod(at, &end);
        bool good = end != at && value >= low && value <= high && (!whole || value == (double)(size_t)value);
        if (!good || (*end != ',' && *end != '\0'))
            return args_usage(a, "%s %s: must be %s from %g to %g, separated by commas", name, text,
                              whole ? "whole numbers" : "numbers", low, high);
        values[(*count)++] = value;
        if (*end == '\0') return 0;
        at = end;
    }
    return args_usage(a, "%s: at most %d values", name, MOST_VALUES);
}

static int read_sweep(const args *a, sweep *s)
{
    mask_rerank_options o = mask_rerank_defaults();
    *s = (sweep){.k = {(double)o.top_k}, .alpha = {0.15}, .k_count = 1, .alpha_count = 1, .folds = 1};
    int bad = args_options(a, MASK_OPTIONS_RERANK, &o);
    if (!bad) bad = read_list(a, "--top-k", 1, 1e6, true, s->k, &s->k_count);
    if (!bad) bad = read_list(a, "--alpha", -1e6, 1e6, false, s->alpha, &s->alpha_count);
    if (!bad) bad = args_size(a, "--folds", 1, 1000000, &s->folds);
    for (int i = 0; i < s->k_count; i++)
        if (s->k[i] > (double)s->top_k) s->top_k = (size_t)s->k[i];
    s->o = o;
    option_text(MASK_OPTIONS_RERANK, &o, "rule", s->rule);
    if (!bad && args_has(a, "--save-sims") && (s->k_count > 1 || s->alpha_count > 1 || s->folds > 1))
        return args_usage(a, "--save-sims needs one --top-k, one --alpha and no --folds");
    return bad;
}

static mask_status run_sweep(const args *a, const mask_reranking *r, sweep *s, mask_error *err)
{
    mask_rerank_options o = s->o;
    o.top_k = 0;
    mask_status status = mask_rerank_recalls(&s->base, r, &o, &a->run, err);
    for (int k = 0; k < s->k_count; k++)
        for (int i = 0; status == MASK_OK && i < s->alpha_count; i++) {
            o.top_k = (size_t)s->k[k];
            o.alpha = (float)s->alpha[i];
            status = mask_rerank_recalls(&s->results[k * s->alpha_count + i], r, &o, &a->run, err);
        }
    return status;
}

/* "out.npy" -> "out-t2i.npy" */
static void name_matrix(const char *path, const char *way, char *out, size_t size)
{
    size_t length = strlen(path);
    if (length > 4 && strcmp(path + length - 4, ".npy") == 0) length -= 4;
    snprintf(out, size, "%.*s-%s.npy", (int)length, path, way);
}

static mask_status save(const args *a, const mask_reranking *r, const sweep *s, mask_error *err)
{
    static const char *const ways[] = {"i2t", "t2i"};
    mask_rerank_options o = s->o;
    o.top_k = (size_t)s->k[0];
    o.alpha = (float)s->alpha[0];
    mask_status status = MASK_OK;
    for (int way = 0; status == MASK_OK && way < 2; way++) {
        char path[4096];
        name_matrix(args_text(a, "--save-sims", ""), ways[way], path, sizeof path);
        status = mask_rerank_save(r, &o, way == 1, path, &a->run, err);
    }
    return status;
}

static json_t *recalls_json(const mask_recalls *r)
{
    return json_pack("{s:o, s:o, s:f, s:b}", "t2i", recall_json(&r->t2i), "i2t", recall_json(&r->i2t), "rsum", r->rsum,
                     "ties", r->ties);
}

static json_t *sweep_json(const sweep *s, const mask_reranking *r, double seconds)
{
    json_t *list = json_array();
    for (int i = 0; i < s->k_count * s->alpha_count; i++) {
        json_t *one = recalls_json(&s->results[i]);
        json_object_set_new(one, "top_k", json_integer((json_int_t)s->k[i / s->alpha_count]));
        json_object_set_new(one, "alpha", json_real(s->alpha[i % s->alpha_count]));
        json_array_append_new(list, one);
    }
    return json_pack("{s:I, s:I, s:I, s:s, s:o, s:o, s:f}", "images", (json_int_t)mask_rerank_images(r), "texts",
                     (json_int_t)mask_rerank_texts(r), "folds", (json_int_t)s->folds, "rule", s->rule, "base",
                     recalls_json(&s->base), "reranked", list, "seconds", seconds);
}

static void print_row(const mask_recalls *r)
{
    printf("%6.1f %5.1f %5.1f  %6.1f %5.1f %5.1f  %6.1f", r->t2i.r1, r->t2i.r5, r->t2i.r10, r->i2t.r1, r->i2t.r5,
           r->i2t.r10, r->rsum);
}

static void print_sweep(const sweep *s, const mask_reranking *r, double seconds)
{
    printf("top-k   alpha  t2i R@1   R@5  R@10  i2t R@1   R@5  R@10      Rs\n");
    printf("base          ");
    print_row(&s->base);
    printf("\n");
    for (int i = 0; i < s->k_count * s->alpha_count; i++) {
        printf("%5.0f %7g ", s->k[i / s->alpha_count], s->alpha[i % s->alpha_count]);
        print_row(&s->results[i]);
        printf(" %+.1f\n", s->results[i].rsum - s->base.rsum);
    }
    printf("%zu images, %zu texts", mask_rerank_images(r), mask_rerank_texts(r));
    if (s->folds > 1) printf(", mean of %zu folds", s->folds);
    printf("; rule %s; %.2f s\n", s->rule, seconds);
}

static int finish(args *a, const mask_reranking *r, sweep *s, double start)
{
    mask_status status = run_sweep(a, r, s, &a->err);
    if (status == MASK_OK && args_has(a, "--save-sims")) status = save(a, r, s, &a->err);
    if (status != MASK_OK) return failed(&a->err);
    double seconds = now() - start;
    if (a->json) return print_json(sweep_json(s, r, seconds));
    print_sweep(s, r, seconds);
    return 0;
}

static int add_knowledge(args *a, mask_reranking *r)
{
    mask_match_options o;
    int result = open_knowledge(a, args_text(a, "--knowledge", ""));
    if (result == 0) result = read_match_options(a, &o);
    if (result == 0) result = open_dataset(a, a->positional[0]);
    if (result == 0) result = open_matcher(a, &o);
    if (result) return result;
    return mask_rerank_add_matcher(r, a->matcher, a->images, a->texts, &a->run, &a->err) == MASK_OK ? 0
                                                                                                    : failed(&a->err);
}

static int check_save(const args *a)
{
    char path[4096];
    if (!args_has(a, "--save-sims")) return 0;
    name_matrix(args_text(a, "--save-sims", ""), "i2t", path, sizeof path);
    return check_output(path);
}

static int run_rerank(args *a)
{
    mask_reranking *r = NULL;
    double start = now();
    const char *base = args_text(a, "--base", NULL), *with = args_text(a, "--with", NULL);
    static sweep s; /* too large for some stacks */
    int result = read_sweep(a, &s);
    if (result) return result;
    if (!with == !args_has(a, "--knowledge")) return args_usage(a, "give --knowledge K.mask, or --with S2.npy");
    if (!with && (a->positional_count == 0 || !args_has(a, "--split")))
        return args_usage(a, "--knowledge needs DATA and --split (dev, test, testall)");
    if ((result = check_save(a)) != 0) return result;
    if (mask_rerank_open(&r, base, s.top_k, s.folds, &a->run, &a->err) != MASK_OK) return failed(&a->err);
    if (!with) result = add_knowledge(a, r);
    else if (mask_rerank_add_matrix(r, with, &a->run, &a->err) != MASK_OK) result = failed(&a->err);
    if (result == 0) result = finish(a, r, &s, start);
    mask_rerank_close(r);
    return result;
}

const command command_rerank = {
    .name = "rerank",
    .positional = "[DATA]",
    .summary = "Re-rank the best candidates of another model's scores",
    .details =
        "The candidates of each text and each image get zscore(base) + alpha zscore(ours), both over the candidates\n"
        "(docs/reranking.md). DATA is a precomp folder, as for mask eval. Lists of values sweep in one run.",
    .examples =
        "mask rerank --base clip.npy --knowledge mine.mask data/f30k_precomp --split test --top-k 15 --alpha 0.15",
    .options =
        (const option[]){
            {"--base", "S.npy", "the other model's scores, images x texts, float16 or float32"},
            {"--knowledge", "K.mask", "score the candidates with this knowledge"},
            {"--with", "S2.npy", "score the candidates with a second matrix instead; needs no DATA"},
            {"--split", "S", "dev, test or testall"},
            {"--captions", "FILE", "captions from elsewhere: one per line, or Karpathy JSON"},
            {"--top-k", "K,...", "candidates of each query (default: 15)"},
            {"--alpha", "A,...", "weight of our scores (default: 0.15)"},
            TABLE(RERANK, NULL, NULL),
            {"--folds", "N", "average over N equal parts of the images (COCO 1K: 5)"},
            {"--save-sims", "OUT.npy", "write OUT-t2i.npy and OUT-i2t.npy: negated positions in the re-ranked lists"},
            MATCH_OPTIONS,
            {0},
        },
    .needed = "--base",
    .run = run_rerank,
};
