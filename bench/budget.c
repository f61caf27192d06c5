/* budget K.mask V.mvec DATA SPLIT FOLDER BUDGET...: recalls of a split when every image keeps only so many regions (0 =
 * all), by building a segment and scoring all pairs exactly from it. FOLDER takes the segment. A line each: budget,
 * rsum, recalls. */
#include "gallery/build.h"
#include "images/images.h"
#include "match/matcher.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void need(mask_status status, const mask_error *err)
{
    if (status == MASK_OK) return;
    fprintf(stderr, "budget: %s\n", err->message);
    exit(1);
}

static void *make(mask__arena *arena, size_t count, size_t size)
{
    void *p = mask__arena_alloc(arena, count + 1, size);
    if (!p) exit(1);
    return p;
}

/* All terms of the texts as scored terms; a known word is scored as if it were not, which gives the same numbers. */
static void score(const mask__calibration *s, const mask__segment *g, const mask__lexicon *l,
                  const mask__term_values *values, const mask__scored_terms *terms, float *scores)
{
    mask__arena arena = {0};
    mask_error err = {0};
    size_t n = s->background, count = terms->count;
    float *c = make(&arena, count * g->images, sizeof *c);
#pragma omp parallel for schedule(dynamic)
    for (size_t i = 0; i < g->images; i++) {
        uint64_t row = g->image_rows[i];
        float *own = c + i * count;
        mask__calibration_exact(s, terms, NULL, count, g->mu + row * g->z, g->image_rows[i + 1] - row,
                                g->whole ? g->whole + i * g->z : NULL, g->scenes ? g->scenes + i * g->z : NULL, own,
                                NULL, NULL);
    }
    for (size_t t = 0; t < l->texts; t++) {
        size_t first = l->text_at[t], words = l->text_at[t + 1] - first;
        const float **over_b = make(&arena, words, sizeof *over_b);
        float *weights = make(&arena, words, sizeof *weights), total = 0;
        mask__text_statistics text;
        for (size_t w = 0; w < words; w++) {
            over_b[w] = terms->over_b ? terms->over_b + l->text_terms[first + w] * n : NULL;
            total += weights[w] = values->weights[l->text_terms[first + w]];
        }
        need(mask__calibration_text(s, over_b, weights, words, &text, &err), &err);
        for (size_t i = 0; i < g->images; i++) {
            float sum = 0;
            for (size_t w = 0; w < words; w++) sum += weights[w] * c[i * count + l->text_terms[first + w]];
            scores[t * g->images + i] =
                words ? (sum / total - text.mean) / text.deviation / g->image_deviation[i] - g->image_hub[i] - text.hub
                      : -1e9f;
        }
    }
    mask__arena_free(&arena);
}

int main(int argc, char **argv)
{
    mask_error err = {0};
    mask_knowledge *k;
    mask_vectors *v;
    mask_images *images;
    mask_texts *texts;
    mask__lexicon l;
    mask__calibration s;
    mask__scored_terms terms;
    mask__arena arena = {0};
    char path[512];
    if (argc < 7) return 2;
    need(mask_knowledge_open(&k, argv[1], NULL, &err), &err);
    need(mask_vectors_open(&v, argv[2], NULL, &err), &err);
    need(mask_dataset_open(&images, &texts, argv[3], argv[4], NULL, NULL, &err), &err);
    mask_match_options o = mask_match_defaults(k);
    need(mask__calibration_open(&s, k, &o, mask__images_first_covers(images) ? 0 : MASK_WHOLE_MEAN, NULL, &err), &err);
    need(mask__lexicon_open(&l, k, v, &err), &err);
    for (size_t t = 0; t < mask_texts_count(texts); t++)
        need(mask__lexicon_add_text(&l, mask_texts_get(texts, t), &err), &err);
    size_t count = l.names.count, all = mask_images_count(images);
    mask__term_values values;
    need(mask__term_values_make(&values, &l, &o, &arena, &err), &err);
    need(mask__calibration_terms(&s, &values, count, &terms, &arena, &err), &err);
    float *scores = make(&arena, l.texts * all, sizeof *scores);
    snprintf(path, sizeof path, "%s/budget.segment", argv[5]);
    for (int a = 6; a < argc; a++) {
        mask__segment g;
        mask_recalls r;
        mask__segment_source source = {.images = images, .count = all};
        need(mask__segment_build(path, &s, &source, strtoul(argv[a], NULL, 10), NULL, NULL, &err), &err);
        need(mask__segment_open(&g, path, MASK__VERIFY_TABLE, &err), &err);
        score(&s, &g, &l, &values, &terms, scores);
        need(mask_recalls_compute(&r, scores, all, l.texts, NULL, 1, NULL, &err), &err);
        printf("%s %.1f  %.1f %.1f %.1f  %.1f %.1f %.1f\n", argv[a], r.rsum, r.t2i.r1, r.t2i.r5, r.t2i.r10, r.i2t.r1,
               r.i2t.r5, r.i2t.r10);
        fflush(stdout);
        mask__segment_close(&g);
        remove(path);
    }
    mask__arena_free(&arena);
    mask__calibration_close(&s);
    mask__lexicon_close(&l);
    mask_images_close(images);
    mask_texts_close(texts);
    mask_vectors_close(v);
    mask_knowledge_close(k);
    return 0;
}
