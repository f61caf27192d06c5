/* mask annotate. */
#include "commands.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static json_t *texts_json(const args *a, const mask_annotation *best, size_t count)
{
    json_t *out = json_array();
    for (size_t i = 0; i < count; i++) {
        const char *text = mask_texts_get(a->texts, best[i].text);
        json_array_append_new(out, json_pack("{s:I, s:I, s:f, s:o}", "rank", (json_int_t)(i + 1), "line",
                                             (json_int_t)(best[i].text + 1), "score", best[i].score, "text",
                                             json_stringn_nocheck(text, strlen(text))));
    }
    return out;
}

/* A line an image and text, or a JSON line an image. */
static int print_image(void *user, const char *id, const mask_annotation *best, size_t count)
{
    const args *a = user;
    if (a->json) return !print_json_line(json_pack("{s:s, s:o}", "id", id, "texts", texts_json(a, best, count)));
    for (size_t i = 0; i < count; i++)
        if (printf("%s\t%zu\t%.6f\t%zu\t%s\n", id, i + 1, best[i].score, best[i].text + 1,
                   mask_texts_get(a->texts, best[i].text)) < 0)
            return 1;
    return 0;
}

static int annotate_one(args *a, const mask_annotator *annotator, const char *id, size_t k)
{
    size_t count;
    mask_annotation *best = calloc(k, sizeof *best);
    int result = 0;
    if (!best) return fail("out of memory for %zu texts", k);
    if (mask_annotator_image(annotator, id, k, best, &count, &a->err) != MASK_OK) result = failed(&a->err);
    else if (a->json) result = print_json(texts_json(a, best, count));
    else
        for (size_t i = 0; i < count; i++)
            printf("%5zu  %9.4f  %6zu  %s\n", i + 1, best[i].score, best[i].text + 1,
                   mask_texts_get(a->texts, best[i].text));
    free(best);
    return result;
}

static int run_annotate(args *a)
{
    mask_annotator *annotator;
    size_t k = 5;
    const char *id = args_text(a, "--image", NULL);
    int result = args_size(a, "-k", 1, 1000000, &k);
    if (result == 0) result = open_gallery(a, a->positional[0]);
    if (result == 0) result = open_texts(a, args_text(a, "--texts", NULL));
    if (result == 0) result = open_gallery_vectors(a);
    if (result) return result;
    if (k > mask_texts_count(a->texts)) k = mask_texts_count(a->texts);
    if (mask_annotator_open(&annotator, a->gallery, a->vectors, a->texts, &a->run, &a->err) != MASK_OK)
        return failed(&a->err);
    if (id) result = annotate_one(a, annotator, id, k);
    else if (mask_annotator_all(annotator, k, print_image, a, &a->run, &a->err) != MASK_OK) result = failed(&a->err);
    mask_annotator_close(annotator);
    return result;
}

const command command_annotate = {
    .name = "annotate",
    .positional = "G.gallery",
    .summary = "The texts of a file that describe an image of a gallery best, or each of its images",
    .details = "With --image prints rank, score, line, text; without, for every image: id, rank, score, line, text, "
               "tab-separated.\n"
               "What the texts took to prepare is kept in the gallery: the next time they are ready at once.",
    .examples = "mask annotate photos.gallery --texts sentences.txt --image beach.jpg",
    .options =
        (const option[]){
            {"--texts", "FILE", "texts, one per line; .gz too; - = standard input"},
            {"--image", "ID", "one image (default: all)"},
            {"-k", "N", "texts per image (5)"},
            {"--vectors", "FILE", "word vectors for OOD words (default: the file the knowledge was learned with)"},
            {0},
        },
    .needed = "--texts",
    .run = run_annotate,
};
