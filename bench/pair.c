/* pair K.mask V.mvec IMAGES [SPLIT]: how long an open matcher takes for one pair of an image and a text, and for its
 * explanation, in microseconds of the processor (what others use of it does not count): the median and the least of
 * many. */
#include "mask.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { ROUNDS = 200 };

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return 1e6 * (double)t.tv_sec + 1e-3 * (double)t.tv_nsec;
}

static int rising(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void need(mask_status status, const mask_error *err)
{
    if (status == MASK_OK) return;
    fprintf(stderr, "pair: %s\n", err->message);
    exit(1);
}

static void tell(const char *what, double *times)
{
    qsort(times, ROUNDS, sizeof *times, rising);
    printf("%s %.0f us, at least %.0f\n", what, times[ROUNDS / 2], times[0]);
}

int main(int argc, char **argv)
{
    static const char *const texts[] = {"a brown dog runs through the snow", "two people surfing", "a red bus"};
    mask_error err = {0};
    mask_knowledge *k;
    mask_vectors *v;
    mask_images *all;
    mask_matcher *m;
    double times[ROUNDS];
    if (argc < 4) return 2;
    need(mask_knowledge_open(&k, argv[1], NULL, &err), &err);
    need(mask_vectors_open(&v, argv[2], NULL, &err), &err);
    need(mask_images_open(&all, argv[3], argc > 4 ? argv[4] : NULL, NULL, &err), &err);
    need(mask_matcher_open(&m, k, v, NULL, NULL, &err), &err);
    for (int i = -1; i < ROUNDS; i++) { /* the first computes what the background says */
        mask_explanation e;
        double start = now();
        size_t image = (size_t)(i + 1) % mask_images_count(all);
        need(mask_matcher_explain(m, all, image, texts[(i + 1) % 3], &e, NULL, &err), &err);
        if (i < 0) printf("%zu images; the first call %.0f us\n", mask_images_count(all), now() - start);
        else times[i] = now() - start;
        mask_explanation_free(&e);
    }
    tell("explain", times);
    if (mask_images_count(all) == 1)
        for (int i = 0; i < ROUNDS; i++) {
            mask_texts *text;
            float score;
            need(mask_texts_create(&text, &texts[i % 3], 1, &err), &err);
            double start = now();
            need(mask_matcher_scores(m, all, text, &score, NULL, NULL, NULL, &err), &err);
            times[i] = now() - start;
            mask_texts_close(text);
        }
    if (mask_images_count(all) == 1) tell("score", times);
    mask_matcher_close(m);
    mask_images_close(all);
    mask_vectors_close(v);
    mask_knowledge_close(k);
    return 0;
}
