/* mask vectors import, mask vectors near. */
#include "commands.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int run_import(args *a)
{
    mask_error err;
    mask_vectors *vectors;
    mask_vectors_import_options options = mask_vectors_import_defaults();
    const char *out = args_text(a, "-o", NULL);
    if (!out) return args_usage(a, "-o FILE.mvec is needed");
    int bad = args_options(a, MASK_OPTIONS_VECTORS, &options);
    if (bad) return bad;
    if (mask_vectors_import(a->positional[0], out, &options, &a->run, &err) != MASK_OK) return failed(&err);
    if (mask_vectors_open(&vectors, out, &a->run, &err) != MASK_OK) return failed(&err);
    progress_end();
    size_t count = mask_vectors_count(vectors), dim = mask_vectors_dim(vectors);
    mask_vectors_close(vectors);
    if (a->json)
        return print_json(
            json_pack("{s:s, s:I, s:I}", "file", out, "words", (json_int_t)count, "dimensions", (json_int_t)dim));
    printf("%s: %zu words, %zu dimensions\n", out, count, dim);
    return 0;
}

const command command_vectors_import = {
    .name = "vectors import",
    .positional = "FILE",
    .min_positional = 1,
    .max_positional = 1,
    .summary = "Import word vectors into a .mvec file",
    .details = "FILE is GloVe text, word2vec binary, fastText .vec or wink JSON, recognised by content, .gz too.",
    .options =
        (const option[]){
            {"-o", "V.mvec", "file to write"},
            TABLE(VECTORS, NULL, NULL),
            {0},
        },
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

static int near_word(const args *a, const mask_vectors *vectors, const char *word, int k)
{
    mask_error err;
    int64_t row = mask_vectors_find(vectors, word, strlen(word));
    if (row < 0)
        return fail("%s has no word '%s': words are stored as in the imported file, mostly in lower case",
                    mask_vectors_path(vectors), word);
    float *query = malloc(mask_vectors_dim(vectors) * sizeof *query);
    mask_neighbour *near = malloc(((size_t)k + 1) * sizeof *near);
    size_t found = 0, kept = 0;
    int result = EXIT_FAILED;
    if (!query || !near) {
        fail("out of memory");
    } else {
        mask_vectors_get(vectors, (size_t)row, query);
        if (mask_vectors_near(vectors, query, (size_t)k + 1, near, &found, &a->run, &err) != MASK_OK) {
            failed(&err);
        } else {
            for (size_t i = 0; i < found; i++) /* the word itself is no neighbour */
                if (near[i].row != (size_t)row && kept < (size_t)k) near[kept++] = near[i];
            result = print_near(a, vectors, near, kept);
        }
    }
    free(query);
    free(near);
    return result;
}

static int run_near(args *a)
{
    mask_error err;
    mask_vectors *vectors;
    int k = 10;
    int bad = args_int(a, "-k", 1, 1000000, &k);
    if (bad) return bad;
    if (mask_vectors_open(&vectors, a->positional[0], &a->run, &err) != MASK_OK) return failed(&err);
    int result = near_word(a, vectors, a->positional[1], k);
    mask_vectors_close(vectors);
    return result;
}

const command command_vectors_near = {
    .name = "vectors near",
    .positional = "V.mvec WORD",
    .min_positional = 2,
    .max_positional = 2,
    .summary = "Print the words nearest to a word by cosine",
    .details = "",
    .options = (const option[]){{"-k", "N", "how many (default: 10)"}, {0}},
    .run = run_near,
};
