/* mask_knowledge: what it holds, and its .mask file (docs/knowledge.md). Learning it is learn.c's, using it the match
 * room's. */
#include "knowledge.h"

#include <stdlib.h>
#include <string.h>

#define MAGIC "MASKKNOW"
enum { VERSION = 1 };

mask_knowledge *mask__knowledge_new(void)
{
    return calloc(1, sizeof(mask_knowledge));
}

void mask_knowledge_close(mask_knowledge *k)
{
    if (!k) return;
    mask__strings_free(&k->words);
    mask__strings_free(&k->background.words);
    mask__encoder_close(&k->encoder);
    mask__arena_free(&k->arena);
    mask__pack_close(&k->pack);
    free(k);
}

void mask_knowledge_describe(const mask_knowledge *k, mask_knowledge_info *info)
{
    *info = k->info;
}

const char *mask_knowledge_word(const mask_knowledge *k, size_t index, size_t *count)
{
    if (count) *count = k->counts[index];
    return k->word_texts[index];
}

const float *mask_knowledge_prototype(const mask_knowledge *k, size_t index)
{
    return k->prototypes + index * k->info.dim;
}

mask__space mask__knowledge_space(const mask_knowledge *k)
{
    return (mask__space){.count = k->info.words,
                         .n = k->info.vector_dim,
                         .z = k->info.dim,
                         .vectors = k->word_vectors,
                         .prototypes = k->prototypes};
}

mask_status mask__knowledge_name_words(mask_knowledge *k, mask_error *err)
{
    k->word_texts = mask__arena_alloc(&k->arena, k->words.count + 1, sizeof *k->word_texts);
    if (!k->word_texts) return mask__no_memory(err, "the words of a knowledge");
    for (size_t i = 0; i < k->words.count; i++) {
        size_t length;
        const char *text = mask__strings_get(&k->words, i, &length);
        k->word_texts[i] = mask__arena_text(&k->arena, text, length);
        if (!k->word_texts[i]) return mask__no_memory(err, "the words of a knowledge");
    }
    return MASK_OK;
}

mask_status mask__knowledge_check_vectors(const mask_knowledge *k, const mask_vectors *vectors, mask_error *err)
{
    if (mask_vectors_dim(vectors) != k->info.vector_dim)
        return mask__fail(err, MASK_EMISMATCH, MASK_NO_OFFSET,
                          "%s: its vectors have %zu dimensions, the knowledge was learned with %zu: pass the file it was "
                          "learned with (%s)",
                          mask_vectors_path(vectors), mask_vectors_dim(vectors), k->info.vector_dim,
                          k->info.vectors_path);
    if (mask_vectors_fingerprint(vectors) != k->info.vectors_fingerprint)
        return mask__fail(err, MASK_EMISMATCH, MASK_NO_OFFSET,
                          "%s: is not the vector file the knowledge was learned with (%s): pass that one, or learn again",
                          mask_vectors_path(vectors), k->info.vectors_path);
    return MASK_OK;
}

/* ---- The file ---- */

/* Numbers of the knowledge, stored as one f64 tensor; the order is the format. */
typedef struct numbers {
    double encoder, tokens, regions, pairs, min_count, whiten_shrink, prototype_shrink;
    double pool, top, context, whole_region, ood, ood_neighbours, ood_temperature, ood_weight;
    double calibrate, hub_image, hub_text, hub_neighbours;
} numbers;

static numbers pack_numbers(const mask_knowledge *k)
{
    const mask_match_options *o = &k->options;
    return (numbers){k->info.encoder,
                     k->info.tokens,
                     (double)k->info.regions,
                     (double)k->info.pairs,
                     (double)k->info.min_count,
                     k->info.whiten_shrink,
                     k->info.prototype_shrink,
                     o->pool,
                     o->top,
                     o->context,
                     o->whole_region,
                     o->ood,
                     o->ood_neighbours,
                     o->ood_temperature,
                     o->ood_weight,
                     o->calibrate,
                     o->hub_image,
                     o->hub_text,
                     o->hub_neighbours};
}

static bool in_range(double value, double low, double high)
{
    return value >= low && value <= high; /* false for NaN */
}

static mask_status unpack_numbers(mask_knowledge *k, const numbers *n, mask_error *err)
{
    bool valid = in_range(n->encoder, MASK_ENCODER_NONE, MASK_ENCODER_MASK) &&
                 in_range(n->tokens, MASK_TOKENS_CAPTION, MASK_TOKENS_LETTERS) && in_range(n->regions, 0, 1e15) &&
                 in_range(n->pairs, 0, 1e15) && in_range(n->min_count, 0, 1e15) &&
                 in_range(n->pool, MASK_POOL_MAX_MEAN, MASK_POOL_MEAN) && in_range(n->top, 1, 1e6) &&
                 in_range(n->whole_region, MASK_WHOLE_AUTO, 1e6) && in_range(n->ood, MASK_OOD_OFF, MASK_OOD_PROCRUSTES) &&
                 in_range(n->ood_neighbours, 1, 1e6) &&
                 in_range(n->calibrate, MASK_CALIBRATE_NONE, MASK_CALIBRATE_FULL) && in_range(n->hub_neighbours, 1, 1e6);
    if (!valid)
        return mask__fail(err, MASK_EFORMAT, MASK_NO_OFFSET, "%s: 'numbers' holds a value out of range: make it again",
                          k->pack.path);
    k->info.encoder = (mask_encoder)n->encoder;
    k->info.tokens = (mask_tokens)n->tokens;
    k->info.regions = (size_t)n->regions;
    k->info.pairs = (size_t)n->pairs;
    k->info.min_count = (size_t)n->min_count;
    k->info.whiten_shrink = (float)n->whiten_shrink;
    k->info.prototype_shrink = (float)n->prototype_shrink;
    k->options = (mask_match_options){.pool = (mask_pool)n->pool,
                                      .top = (int)n->top,
                                      .context = (float)n->context,
                                      .whole_region = (int)n->whole_region,
                                      .ood = (mask_ood)n->ood,
                                      .ood_neighbours = (int)n->ood_neighbours,
                                      .ood_temperature = (float)n->ood_temperature,
                                      .ood_weight = (float)n->ood_weight,
                                      .calibrate = (mask_calibrate)n->calibrate,
                                      .hub_image = (float)n->hub_image,
                                      .hub_text = (float)n->hub_text,
                                      .hub_neighbours = (int)n->hub_neighbours};
    return MASK_OK;
}

static mask_status put_text(mask__pack_writer *w, const char *name, const char *text, mask_error *err)
{
    uint64_t length = strlen(text);
    return mask__pack_add(w, name, MASK__U8, 1, &length, text, err);
}

static mask_status put_background(mask__pack_writer *w, const mask_knowledge *k, mask_error *err)
{
    const mask__background *b = &k->background;
    uint64_t rows = b->image_rows[b->images], occurrences = b->text_words_at[b->texts];
    MASK__TRY(mask__pack_add(w, "background.image_rows", MASK__U64, 1, (uint64_t[]){b->images + 1}, b->image_rows, err));
    MASK__TRY(mask__pack_add(w, "background.mu", MASK__F32, 2, (uint64_t[]){rows, k->info.dim}, b->mu, err));
    MASK__TRY(mask__strings_write(&b->words, w, "background.words", err));
    MASK__TRY(mask__pack_add(w, "background.word_vectors", MASK__F32, 2, (uint64_t[]){b->words.count, k->info.vector_dim},
                             b->word_vectors, err));
    MASK__TRY(mask__pack_add(w, "background.text_words_at", MASK__U64, 1, (uint64_t[]){b->texts + 1}, b->text_words_at,
                             err));
    return mask__pack_add(w, "background.text_words", MASK__U32, 1, &occurrences, b->text_words, err);
}

static mask_status put_all(mask__pack_writer *w, const mask_knowledge *k, mask_error *err)
{
    const mask_knowledge_info *i = &k->info;
    numbers n = pack_numbers(k);
    MASK__TRY(mask__pack_add(w, "numbers", MASK__F64, 1, (uint64_t[]){sizeof n / sizeof(double)}, &n, err));
    MASK__TRY(put_text(w, "provenance", i->provenance, err));
    MASK__TRY(put_text(w, "vectors.path", i->vectors_path, err));
    MASK__TRY(mask__pack_add(w, "vectors.fingerprint", MASK__U64, 1, (uint64_t[]){1}, &i->vectors_fingerprint, err));
    MASK__TRY(mask__strings_write(&k->words, w, "words", err));
    MASK__TRY(mask__pack_add(w, "counts", MASK__U64, 1, (uint64_t[]){i->words}, k->counts, err));
    MASK__TRY(mask__pack_add(w, "word_vectors", MASK__F32, 2, (uint64_t[]){i->words, i->vector_dim}, k->word_vectors, err));
    MASK__TRY(mask__pack_add(w, "prototypes", MASK__F32, 2, (uint64_t[]){i->words, i->dim}, k->prototypes, err));
    MASK__TRY(mask__encoder_write(&k->encoder, w, err));
    return k->background.images ? put_background(w, k, err) : MASK_OK;
}

mask_status mask_knowledge_save(const mask_knowledge *k, const char *path, mask_error *err)
{
    mask__pack_writer *w;
    MASK__TRY(mask__pack_create(&w, path, MAGIC, VERSION, err));
    mask_status status = put_all(w, k, err);
    if (status == MASK_OK) return mask__pack_commit(w, err);
    mask__pack_abort(w);
    return status;
}

static mask_status get_text(mask_knowledge *k, const char *name, const char **out, mask_error *err)
{
    const mask__tensor *t;
    MASK__TRY(mask__pack_get(&k->pack, name, MASK__U8, 1, (uint64_t[]){0}, &t, err));
    *out = mask__arena_text(&k->arena, t->data, t->bytes);
    return *out ? MASK_OK : mask__no_memory(err, name);
}

static mask_status get_floats(mask_knowledge *k, const char *name, uint64_t rows, uint64_t columns, const float **out,
                              mask_error *err)
{
    const mask__tensor *t;
    MASK__TRY(mask__pack_get(&k->pack, name, MASK__F32, columns ? 2 : 1, (uint64_t[]){rows, columns}, &t, err));
    *out = t->data;
    return MASK_OK;
}

/* at[0..count] must rise from 0 to total. */
static mask_status check_ranges(const mask_knowledge *k, const char *name, const uint64_t *at, size_t count,
                                uint64_t total, mask_error *err)
{
    bool valid = at[0] == 0 && at[count] == total;
    for (size_t i = 0; valid && i < count; i++) valid = at[i] <= at[i + 1];
    if (valid) return MASK_OK;
    return mask__fail(err, MASK_EFORMAT, MASK_NO_OFFSET, "%s: '%s' does not divide what it should: make the file again",
                      k->pack.path, name);
}

static mask_status get_background(mask_knowledge *k, mask_error *err)
{
    mask__background *b = &k->background;
    const mask__tensor *rows, *mu, *at, *words;
    if (!mask__pack_find(&k->pack, "background.mu")) return MASK_OK;
    MASK__TRY(mask__pack_get(&k->pack, "background.image_rows", MASK__U64, 1, (uint64_t[]){0}, &rows, err));
    MASK__TRY(mask__pack_get(&k->pack, "background.mu", MASK__F32, 2, (uint64_t[]){0, k->info.dim}, &mu, err));
    MASK__TRY(mask__strings_read(&b->words, &k->pack, "background.words", err));
    MASK__TRY(get_floats(k, "background.word_vectors", b->words.count, k->info.vector_dim, &b->word_vectors, err));
    MASK__TRY(mask__pack_get(&k->pack, "background.text_words_at", MASK__U64, 1, (uint64_t[]){0}, &at, err));
    MASK__TRY(mask__pack_get(&k->pack, "background.text_words", MASK__U32, 1, (uint64_t[]){0}, &words, err));
    if (rows->shape[0] < 2 || at->shape[0] < 1)
        return mask__fail(err, MASK_EFORMAT, rows->offset, "%s: its background is empty: calibrate again", k->pack.path);
    b->images = rows->shape[0] - 1;
    b->texts = at->shape[0] - 1;
    b->image_rows = rows->data;
    b->mu = mu->data;
    b->text_words_at = at->data;
    b->text_words = words->data;
    MASK__TRY(check_ranges(k, "background.image_rows", b->image_rows, b->images, mu->shape[0], err));
    MASK__TRY(check_ranges(k, "background.text_words_at", b->text_words_at, b->texts, words->shape[0], err));
    for (uint64_t i = 0; i < words->shape[0]; i++)
        if (b->text_words[i] >= b->words.count)
            return mask__fail(err, MASK_EFORMAT, words->offset + i * 4, "%s: byte %llu: a word that does not exist",
                              k->pack.path, (unsigned long long)(words->offset + i * 4));
    k->info.background_images = b->images;
    k->info.background_texts = b->texts;
    return MASK_OK;
}

static mask_status get_all(mask_knowledge *k, mask_error *err)
{
    const mask__tensor *t;
    MASK__TRY(mask__pack_get(&k->pack, "numbers", MASK__F64, 1, (uint64_t[]){sizeof(numbers) / sizeof(double)}, &t, err));
    MASK__TRY(unpack_numbers(k, t->data, err));
    MASK__TRY(get_text(k, "provenance", &k->info.provenance, err));
    MASK__TRY(get_text(k, "vectors.path", &k->info.vectors_path, err));
    MASK__TRY(mask__pack_get(&k->pack, "vectors.fingerprint", MASK__U64, 1, (uint64_t[]){1}, &t, err));
    memcpy(&k->info.vectors_fingerprint, t->data, sizeof k->info.vectors_fingerprint);
    MASK__TRY(mask__strings_read(&k->words, &k->pack, "words", err));
    k->info.words = k->words.count;
    MASK__TRY(mask__knowledge_name_words(k, err));
    MASK__TRY(mask__pack_get(&k->pack, "counts", MASK__U64, 1, (uint64_t[]){k->info.words}, &t, err));
    k->counts = t->data;
    MASK__TRY(mask__pack_get(&k->pack, "word_vectors", MASK__F32, 2, (uint64_t[]){k->info.words, 0}, &t, err));
    k->word_vectors = t->data;
    k->info.vector_dim = t->shape[1];
    MASK__TRY(mask__pack_get(&k->pack, "prototypes", MASK__F32, 2, (uint64_t[]){k->info.words, 0}, &t, err));
    k->prototypes = t->data;
    k->info.dim = t->shape[1];
    MASK__TRY(mask__encoder_read(&k->encoder, k->info.encoder, k->info.dim, &k->pack, &k->arena, err));
    k->info.feature_dim = k->encoder.in;
    return get_background(k, err);
}

mask_status mask_knowledge_open(mask_knowledge **out, const char *path, mask_error *err)
{
    *out = NULL;
    mask_knowledge *k = mask__knowledge_new();
    if (!k) return mask__no_memory(err, path);
    mask_status status = mask__pack_open(&k->pack, path, MAGIC, VERSION, MASK__VERIFY_DATA, err);
    if (status == MASK_OK) status = get_all(k, err);
    if (status != MASK_OK)
        mask_knowledge_close(k);
    else
        *out = k;
    return status;
}
