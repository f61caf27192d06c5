/* match K.mask IMAGES TEXT: the image that fits a text best. IMAGES is a *_ims.npy.
 *     cc match.c $(pkg-config --cflags --libs mask) -o match */
#include <mask.h>

#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
    mask_error err;
    mask_knowledge *knowledge = NULL;
    mask_vectors *vectors = NULL;
    mask_matcher *matcher = NULL;
    mask_images *images = NULL;
    mask_texts *texts = NULL;
    mask_knowledge_info info;
    if (argc != 4) return 2;
    mask_status status = mask_knowledge_open(&knowledge, argv[1], NULL, &err);
    if (status == MASK_OK) mask_knowledge_describe(knowledge, &info);
    if (status == MASK_OK) status = mask_vectors_open(&vectors, info.vectors_path, NULL, &err);
    if (status == MASK_OK) status = mask_images_open(&images, argv[2], NULL, NULL, &err);
    if (status == MASK_OK) status = mask_texts_create(&texts, (const char *const *)&argv[3], 1, &err);
    size_t count = images ? mask_images_count(images) : 0, best = 0;
    float *scores = calloc(count + 1, sizeof *scores);
    if (status == MASK_OK) status = mask_matcher_open(&matcher, knowledge, vectors, NULL, NULL, &err);
    if (status == MASK_OK && scores)
        status = mask_matcher_scores(matcher, images, texts, scores, NULL, NULL, NULL, &err);
    for (size_t i = 1; i < count; i++)
        if (scores[i] > scores[best]) best = i;
    if (status == MASK_OK) printf("image %s, score %.3f\n", mask_images_id(images, best), scores[best]);
    else fprintf(stderr, "%s\n", err.message);
    free(scores);
    mask_matcher_close(matcher);
    mask_texts_close(texts);
    mask_images_close(images);
    mask_vectors_close(vectors);
    mask_knowledge_close(knowledge);
    return status != MASK_OK;
}
