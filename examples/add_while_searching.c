/* add_while_searching K.mask IMAGES G.gallery TEXT: one thread adds images to a new gallery, four at a time, while this
 * one searches it and refreshes what it sees.
 *     cc add_while_searching.c $(pkg-config --cflags --libs mask) -pthread -o add_while_searching */
#include <mask.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

typedef struct adding {
    const char *gallery, *images;
    atomic_bool done;
    mask_status status;
    mask_error err;
} adding;

/* A writer names the gallery by its path: it needs no handle, and disturbs none. */
static void *add(void *context)
{
    adding *a = context;
    mask_images *images = NULL;
    a->status = mask_images_open(&images, a->images, NULL, NULL, &a->err);
    if (a->status == MASK_OK) a->status = mask_gallery_add(a->gallery, images, NULL, NULL, &a->err);
    mask_images_close(images);
    a->done = true;
    return NULL;
}

/* Refreshes, then searches; *images: that the search went through. */
static mask_status look(mask_gallery *gallery, const mask_vectors *vectors, const char *text, size_t *images,
                        mask_error *err)
{
    mask_results results = {0};
    mask_query query = mask_query_defaults();
    query.texts = &(mask_query_text){.text = text, .weight = 1};
    query.count = 1;
    mask_status status = mask_gallery_refresh(gallery, NULL, NULL, err);
    if (status == MASK_OK) status = mask_gallery_search(gallery, vectors, &query, &results, NULL, err);
    *images = results.searched;
    if (status == MASK_OK && results.count) fprintf(stderr, "of %zu images %s\n", *images, results.hits[0].id);
    mask_results_free(&results);
    return status;
}

int main(int argc, char **argv)
{
    mask_error err;
    mask_knowledge *knowledge = NULL;
    mask_knowledge_info info;
    mask_gallery *gallery = NULL;
    mask_vectors *vectors = NULL;
    pthread_t thread;
    size_t images = 0, before = 0;
    if (argc != 5) return 2;
    adding a = {.gallery = argv[3], .images = argv[2]};
    mask_gallery_options small = mask_gallery_defaults();
    small.segment_images = 4; /* each is a change that searches can see */
    mask_status status = mask_knowledge_open(&knowledge, argv[1], NULL, &err);
    if (status == MASK_OK) mask_knowledge_describe(knowledge, &info);
    if (status == MASK_OK) status = mask_vectors_open(&vectors, info.vectors_path, NULL, &err);
    if (status == MASK_OK) status = mask_gallery_create(argv[3], knowledge, NULL, &small, &err);
    if (status == MASK_OK) status = mask_gallery_open(&gallery, argv[3], NULL, &err);
    if (status == MASK_OK && pthread_create(&thread, NULL, add, &a) == 0) {
        for (bool done = false; !done && status == MASK_OK && images >= before;) {
            before = images;
            done = a.done; /* what is done now is seen by the search that follows */
            status = look(gallery, vectors, argv[4], &images, &err);
        }
        pthread_join(thread, NULL);
        if (status == MASK_OK) status = a.status;
        if (a.status != MASK_OK) err = a.err;
    }
    if (status == MASK_OK) printf("%zu images are searched\n", images);
    else fprintf(stderr, "%s\n", err.message);
    mask_gallery_close(gallery);
    mask_vectors_close(vectors);
    mask_knowledge_close(knowledge);
    return status != MASK_OK;
}
