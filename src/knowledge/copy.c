/* Copies of a knowledge, for whoever makes another one of it: what was learned, and its background. */
#include "knowledge/knowledge.h"

#include <string.h>

/* Replaces a pointer into another knowledge by a copy; NULL stays NULL. Clears *enough when memory is short. */
static void copy(mask_knowledge *k, void *pointer, size_t count, size_t size, bool *enough)
{
    const void *from;
    memcpy(&from, pointer, sizeof from); /* the pointer may be of any object type */
    if (!from) return;
    void *to = mask__arena_alloc(&k->arena, count, size);
    if (to) memcpy(to, from, count * size);
    *enough = *enough && to;
    memcpy(pointer, &to, sizeof to);
}

mask_status mask__knowledge_copy(mask_knowledge *to, const mask_knowledge *from, mask_error *err)
{
    size_t words = from->info.words, z = from->info.dim;
    bool enough = true;
    to->info = from->info;
    to->counts = from->counts;
    to->word_vectors = from->word_vectors;
    to->prototypes = from->prototypes;
    to->scene_prototypes = from->scene_prototypes;
    to->scene_mean = from->scene_mean;
    to->scene_projection = from->scene_projection;
    to->reliability = from->reliability;
    to->incidence = from->incidence;
    copy(to, &to->info.vectors_path, strlen(from->info.vectors_path) + 1, 1, &enough);
    copy(to, &to->info.provenance, strlen(from->info.provenance) + 1, 1, &enough);
    copy(to, &to->counts, words, sizeof *to->counts, &enough);
    copy(to, &to->word_vectors, words * from->info.vector_dim, sizeof(float), &enough);
    copy(to, &to->prototypes, words * z, sizeof(float), &enough);
    copy(to, &to->scene_prototypes, words * z, sizeof(float), &enough);
    copy(to, &to->scene_mean, z, sizeof(float), &enough);
    copy(to, &to->scene_projection, z * z, sizeof(float), &enough);
    copy(to, &to->reliability, words, sizeof(float), &enough);
    copy(to, &to->incidence.at, from->incidence.images + 1, sizeof(uint64_t), &enough);
    copy(to, &to->incidence.word, from->incidence.at[from->incidence.images], sizeof(uint32_t), &enough);
    if (!enough) return mask__no_memory(err, "a copy of the knowledge");
    MASK__TRY(mask__representation_copy(&to->representation, &from->representation, &to->arena, err));
    MASK__TRY(mask__strings_copy(&to->words, &from->words, err));
    return mask__knowledge_name_words(to, err);
}

mask_status mask__knowledge_copy_background(mask_knowledge *to, const mask_knowledge *from, mask_error *err)
{
    const mask__background *b = &from->background;
    bool enough = true;
    to->options = from->options;
    if (!b->images) return MASK_OK;
    to->background = *b;
    to->background.words = (mask__strings){0};
    copy(to, &to->background.image_rows, b->images + 1, sizeof(uint64_t), &enough);
    copy(to, &to->background.mu, b->image_rows[b->images] * from->info.dim, sizeof(float), &enough);
    copy(to, &to->background.word_vectors, b->words.count * from->info.vector_dim, sizeof(float), &enough);
    copy(to, &to->background.text_words_at, b->texts + 1, sizeof(uint64_t), &enough);
    copy(to, &to->background.text_words, b->text_words_at[b->texts], sizeof(uint32_t), &enough);
    copy(to, &to->background.word_texts, b->words.count, sizeof(uint64_t), &enough);
    copy(to, &to->background.known_company, from->info.words * b->company_dim, sizeof(float), &enough);
    copy(to, &to->background.company, b->words.count * b->company_dim, sizeof(float), &enough);
    if (!enough) return mask__no_memory(err, "a copy of the background");
    return mask__strings_copy(&to->background.words, &b->words, err);
}
