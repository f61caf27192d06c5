/* search G.gallery TEXT: the three images of a gallery that fit a text best.
 *     cc search.c $(pkg-config --cflags --libs mask) -o search */
#include <mask.h>

#include <stdio.h>

int main(int argc, char **argv)
{
    mask_error err;
    mask_gallery *gallery = NULL;
    mask_gallery_info info;
    mask_vectors *vectors = NULL;
    mask_results results = {0};
    mask_query query = mask_query_defaults();
    if (argc != 3) return 2;
    query.texts = &(mask_query_text){.text = argv[2], .weight = 1};
    query.count = 1;
    query.k = 3;
    mask_status status = mask_gallery_open(&gallery, argv[1], NULL, &err);
    if (status == MASK_OK) mask_gallery_describe(gallery, &info);
    if (status == MASK_OK) status = mask_vectors_open(&vectors, info.vectors_path, NULL, &err);
    if (status == MASK_OK) status = mask_gallery_search(gallery, vectors, &query, &results, NULL, &err);
    for (size_t i = 0; status == MASK_OK && i < results.count; i++)
        printf("%s %.3f\n", results.hits[i].id, results.hits[i].score);
    if (status != MASK_OK) fprintf(stderr, "%s\n", err.message);
    mask_results_free(&results);
    mask_vectors_close(vectors);
    mask_gallery_close(gallery);
    return status != MASK_OK;
}
