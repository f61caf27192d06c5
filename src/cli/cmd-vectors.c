/* mask vectors import, mask vectors near. */
#include "commands.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int run_import(args *a)
{
    mask_vectors_import_options options = mask_vectors_import_defaults();
    const char *out = args_text(a, "-o", NULL);
    int bad = args_options(a, MASK_OPTIONS_VECTORS, &options);
    if (bad) return bad;
    if (mask_vectors_import(a->positional[0], out, &options, &a->run, &a->err) != MASK_OK ||
        mask_vectors_open(&a->vectors, out, &a->run, &a->err) != MASK_OK)
        return failed(&a->err);
    size_t count = mask_vectors_count(a->vectors), dim = mask_vectors_dim(a->vectors);
    if (a->json)
        return print_json(
            json_pack("{s:s, s:I, s:I}", "file", out, "words", (json_int_t)count, "dimensions", (json_int_t)dim));
    printf("%s: %zu words, %zu dimensions\n", out, count, dim);
    return 0;
}

const command command_vectors_import = {
    .name = "vectors import",
    .positional = "FILE",
    .summary = "Import word vectors into a .mvec file",
    .details = "FILE is GloVe text, word2vec binary, fastText .vec or wink JSON, recognised by content, .gz too.",
    .examples = "mask vectors import glove.6B.100d.txt -o glove.mvec\n"
                "mask vectors import glove.840B.300d.txt.gz --bits 8 -o small.mvec",
    .options =
        (const option[]){
            {"-o", "V.mvec", "file to write"},
            TABLE(VECTORS, NULL, NULL),
            {0},
        },
    .needed = "-o",
    .run = run_import,
};

static int print_near(const args *a, const mask_vectors *vectors, const mask_neighbour *near, size_t found)
{
    json_t *list = a->json ? json_array() : NULL;
    for (size_t i = 0; i < found; i++) {
        size_t length;
        const char *word = mask_vectors_word(vectors, near[i].row, &length);
        if (list)
            json_array_append_new(list,
                                  json_pack("{s:s%, s:f}", "word", word, length, "cosine", (double)near[i].cosine));
        else printf("%.4f  %.*s\n", near[i].cosine, (int)length, word);
    }
    return list ? print_json(list) : 0;
}

static int run_near(args *a)
{
    const char *word = a->positional[1];
    size_t k = 10, found = 0, kept = 0;
    int bad = args_size(a, "-k", 1, 1000000, &k);
    if (bad) return bad;
    if (mask_vectors_open(&a->vectors, a->positional[0], &a->run, &a->err) != MASK_OK) return failed(&a->err);
    int64_t row = mask_vectors_find(a->vectors, word, strlen(word));
    if (row < 0)
        return fail("%s has no word '%s': words are stored as in the imported file, mostly in lower case",
                    mask_vectors_path(a->vectors), word);
    float *query = malloc(mask_vectors_dim(a->vectors) * sizeof *query);
    mask_neighbour *near = malloc((k + 1) * sizeof *near);
    int result = query && near ? 0 : fail("out of memory");
    if (result == 0) {
        mask_vectors_get(a->vectors, (size_t)row, query);
        if (mask_vectors_near(a->vectors, query, k + 1, near, &found, &a->run, &a->err) != MASK_OK)
            result = failed(&a->err);
        for (size_t i = 0; i < found; i++) /* the word itself is no neighbour */
            if (near[i].row != (size_t)row && kept < k) near[kept++] = near[i];
        if (result == 0) result = print_near(a, a->vectors, near, kept);
    }
    free(query);
    free(near);
    return result;
}

const command command_vectors_near = {
    .name = "vectors near",
    .positional = "V.mvec WORD",
    .summary = "Print the words nearest to a word by cosine",
    .examples = "mask vectors near glove.mvec puppy -k 5",
    .options = (const option[]){{"-k", "N", "how many (default: 10)"}, {0}},
    .run = run_near,
};
