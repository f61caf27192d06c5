/* searches GALLERY VECTORS TEXT: what a program that embeds a search is made of; install.sh counts the libraries it
 * loads. */
#include <mask.h>

#include <math.h>
#include <stdio.h>

int main(int argc, char **argv)
{
    mask_error err;
    mask_gallery *gallery = NULL;
    mask_vectors *vectors = NULL;
    mask_results results = {0};
    if (argc != 4) return 2;
    mask_query_text text = {.text = argv[3], .weight = 1};
    mask_query query = {.texts = &text, .count = 1, .k = 3, .min_score = -INFINITY};
    mask_status status = mask_gallery_open(&gallery, argv[1], NULL, &err);
    if (status == MASK_OK) status = mask_vectors_open(&vectors, argv[2], NULL, &err);
    if (status == MASK_OK) status = mask_gallery_search(gallery, vectors, &query, &results, NULL, &err);
    for (size_t i = 0; status == MASK_OK && i < results.count; i++)
        printf("%s %.3f\n", results.hits[i].id, results.hits[i].score);
    if (status != MASK_OK) fprintf(stderr, "%s\n", err.message);
    mask_results_free(&results);
    mask_gallery_close(gallery);
    mask_vectors_close(vectors);
    return status != MASK_OK;
}
