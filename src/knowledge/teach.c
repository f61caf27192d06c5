/* mask_knowledge_teach: a word from a person's own photos (beyond the paper; docs/knowledge.md). A few photos show a
 * thing in different places; what they have in common, and other photos have not, is the thing:
 *
 *   c* = the region with the largest z-score over the background of mean over photos of max over regions of cosine
 *   r_j = the region of photo j nearest to the mean of the r, from c* on; whole_j = the whole photo
 *   v = (unit(sum whole_j) + unit(sum r_j)) x the usual length of a prototype
 *
 * One photo has nothing in common with others: v is the whole. Refuses names of more than two words, which no text's
 * reading would find. */
#include "knowledge/knowledge.h"
#include "images/images.h"
#include "math/vector.h"
#include "text/tokens.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BACKGROUND = 200, ROUNDS = 4, NAME = 256 };
/* What a word was before counts as at most this many regions, a photo as two of the regions it was learned from. */
static const double old_regions = 50, regions_of_photo = 2;

/* The photos as unit regions, region by region. */
typedef struct lesson {
    const mask_knowledge *k;
    size_t photos, z;
    size_t *at;        /* photos + 1 */
    float *mu, *whole; /* rows x Z; photos x Z */
    bool first_covers;
    float *direction, *scene; /* Z, unit */
    mask__arena arena;
} lesson;

static mask_status read_photos(lesson *l, const mask_images *images, mask_error *err)
{
    size_t z = l->z;
    l->photos = mask_images_count(images);
    l->first_covers = mask__images_first_covers(images);
    l->at = mask__arena_alloc(&l->arena, l->photos + 1, sizeof *l->at);
    l->whole = mask__arena_matrix(&l->arena, l->photos, z, sizeof *l->whole);
    if (!l->at || !l->whole) return mask__no_memory(err, "photos");
    for (size_t i = 0; i < l->photos; i++) l->at[i + 1] = l->at[i] + mask_images_regions(images, i);
    l->mu = mask__arena_matrix(&l->arena, l->at[l->photos], z, sizeof *l->mu);
    if (!l->mu) return mask__no_memory(err, "photos");
    for (size_t i = 0; i < l->photos; i++) {
        float *whole = l->whole + i * z;
        MASK__TRY(mask_knowledge_encode(l->k, images, i, l->mu + l->at[i] * z, err));
        for (size_t r = l->at[i]; r < l->at[i + 1]; r++) {
            mask__normalise(l->mu + r * z, z);
            if (!l->first_covers || r == l->at[i]) mask__axpy(1, l->mu + r * z, whole, z);
        }
        mask__normalise(whole, z);
    }
    return MASK_OK;
}

/* Mean over images of the largest cosine with x, and its deviation. */
static void nearness(const float *x, const float *rows, const size_t *at, size_t images, size_t z, double *mean,
                     double *deviation)
{
    double sum = 0, squares = 0;
    for (size_t i = 0; i < images; i++) {
        double most = -1;
        for (size_t r = at[i]; r < at[i + 1]; r++) most = fmax(most, mask__dot(rows + r * z, x, z));
        sum += most;
        squares += most * most;
    }
    *mean = images ? sum / (double)images : 0;
    *deviation = images ? sqrt(fmax(squares / (double)images - *mean * *mean, 1e-12)) : 1;
}

/* Some images of the background, unit. */
static mask_status read_background(lesson *l, float **rows, size_t **at, size_t *images, mask_error *err)
{
    const mask__background *b = &l->k->background;
    size_t z = l->z, count = b->images < BACKGROUND ? b->images : BACKGROUND, total = 0;
    *at = mask__arena_alloc(&l->arena, count + 1, sizeof **at);
    if (!*at) return mask__no_memory(err, "the background");
    for (size_t i = 0; i < count; i++) {
        size_t from = i * b->images / count;
        (*at)[i + 1] = total += (size_t)(b->image_rows[from + 1] - b->image_rows[from]);
    }
    *rows = mask__arena_matrix(&l->arena, total, z, sizeof **rows);
    if (!*rows) return mask__no_memory(err, "the background");
    for (size_t i = 0; i < count; i++) {
        size_t from = i * b->images / count, n = (*at)[i + 1] - (*at)[i];
        memcpy(*rows + (*at)[i] * z, b->mu + b->image_rows[from] * z, n * z * sizeof **rows);
    }
    for (size_t r = 0; r < total; r++) mask__normalise(*rows + r * z, z);
    *images = count;
    return MASK_OK;
}

/* x += 1.5 mean of the unit regions + the whole image, as scene vectors are made of at use (scenes.h). */
static void describe(const lesson *l, const float *rows, size_t regions, const float *whole, float *x)
{
    for (size_t r = 0; r < regions; r++) mask__axpy(1.5f / (float)regions, rows + r * l->z, x, l->z);
    if (whole) mask__axpy(1, whole, x, l->z);
}

static mask_status find_scene(lesson *l, const float *rows, const size_t *at, size_t images, mask_error *err)
{
    size_t z = l->z;
    float *centre = mask__arena_alloc(&l->arena, z, sizeof *centre);
    float *work = mask__arena_matrix(&l->arena, 3 * l->photos, z, sizeof *work);
    if (!centre || !work) return mask__no_memory(err, "a word's scene");
    for (size_t i = 0; i < images; i++)
        describe(l, rows + at[i] * z, at[i + 1] - at[i], l->first_covers ? rows + at[i] * z : NULL, centre);
    for (size_t d = 0; d < z && images; d++) centre[d] /= (float)images;
    if (!images) memcpy(centre, l->k->scene_mean, z * sizeof *centre);
    for (size_t i = 0; i < l->photos; i++)
        describe(l, l->mu + l->at[i] * z, l->at[i + 1] - l->at[i], l->first_covers ? l->whole + i * z : NULL,
                 work + i * z);
    float *out = work + 2 * l->photos * z;
    mask__scenes_project(l->k->scene_projection, centre, work, l->photos, z, work + l->photos * z, out);
    for (size_t i = 0; i < l->photos; i++) mask__axpy(1, out + i * z, l->scene, z);
    mask__normalise(l->scene, z);
    return MASK_OK;
}

static mask_status find_direction(lesson *l, mask_error *err)
{
    size_t z = l->z, *at, images = 0, best = 0;
    float *rows, *common = mask__arena_alloc(&l->arena, z, sizeof *common);
    float *next = mask__arena_alloc(&l->arena, z, sizeof *next);
    double most = -INFINITY;
    l->direction = mask__arena_alloc(&l->arena, z, sizeof *l->direction);
    l->scene = mask__arena_alloc(&l->arena, z, sizeof *l->scene);
    if (!common || !next || !l->direction || !l->scene) return mask__no_memory(err, "a word");
    MASK__TRY(read_background(l, &rows, &at, &images, err));
    for (size_t i = 0; i < l->photos; i++) mask__axpy(1, l->whole + i * z, l->direction, z);
    mask__normalise(l->direction, z);
    for (size_t c = 0; l->photos > 1 && c < l->at[l->photos]; c++) {
        double mean, usual, deviation, unused;
        nearness(l->mu + c * z, l->mu, l->at, l->photos, z, &mean, &unused);
        nearness(l->mu + c * z, rows, at, images, z, &usual, &deviation);
        if ((mean - usual) / deviation > most) {
            most = (mean - usual) / deviation;
            best = c;
        }
    }
    memcpy(common, l->mu + best * z, z * sizeof *common);
    for (int round = 0; l->photos > 1 && round < ROUNDS; round++) {
        memset(next, 0, z * sizeof *next);
        for (size_t i = 0; i < l->photos; i++) {
            size_t nearest = l->at[i];
            for (size_t r = l->at[i]; r < l->at[i + 1]; r++)
                if (mask__dot(l->mu + r * z, common, z) > mask__dot(l->mu + nearest * z, common, z)) nearest = r;
            mask__axpy(1, l->mu + nearest * z, next, z);
        }
        mask__normalise(next, z);
        memcpy(common, next, z * sizeof *common);
    }
    if (l->photos > 1) mask__axpy(1, common, l->direction, z);
    mask__normalise(l->direction, z);
    return l->k->scene_prototypes ? find_scene(l, rows, at, images, err) : MASK_OK;
}

/* "my cat" as the knowledge names it: my_cat. */
static mask_status read_name(const mask_knowledge *k, const char *word, char name[NAME], mask_error *err)
{
    MASK__CLOSED(mask__tokens_free) mask__tokens tokens = {0};
    mask_tokens rule = k->info.learned.tokens;
    size_t most = rule == MASK_TOKENS_CAPTION ? 2 : 1, length = 0;
    MASK__TRY(mask__tokens_split(&tokens, rule, word, strlen(word), err));
    if (tokens.count == 0 || tokens.count > most)
        return mask__fail(err, MASK_EINVAL, "'%s': is %zu words: teach a name of %s", word, tokens.count,
                          most == 2 ? "one or two" : "one");
    mask__token first = tokens.items[0];
    const char *dropped = tokens.count == 1 ? mask__tokens_dropped(rule, first.text, first.length) : NULL;
    if (dropped)
        return mask__fail(err, MASK_EINVAL, "'%s': searches pass over this word (%s): teach another name", word,
                          dropped);
    for (size_t i = 0; i < tokens.count; i++) {
        mask__token t = tokens.items[i];
        if (length + t.length + 2 > NAME || memchr(t.text, '_', t.length))
            return mask__fail(err, MASK_EINVAL, "'%s': is no name of plain words", word);
        length += (size_t)snprintf(name + length, NAME - length, "%s%.*s", i ? "_" : "", (int)t.length, t.text);
    }
    return MASK_OK;
}

/* A table (rows x width) with one more row of zeros, in place. */
static bool add_row(mask_knowledge *k, const void *table, size_t rows, size_t width, size_t size)
{
    const void *from;
    memcpy(&from, table, sizeof from);
    if (!from) return true;
    char *to = mask__arena_matrix(&k->arena, rows + 1, width * size, 1);
    if (!to) return false;
    memcpy(to, from, rows * width * size);
    memcpy((void *)table, &to, sizeof to);
    return true;
}

static mask_status add_word(mask_knowledge *k, const char *name, const mask_vectors *vectors, mask_error *err)
{
    size_t words = k->info.words, z = k->info.dim, n = k->info.vector_dim;
    uint32_t index;
    int64_t row = vectors && !strchr(name, '_') ? mask_vectors_find(vectors, name, strlen(name)) : -1;
    MASK__TRY(mask__strings_intern(&k->words, name, strlen(name), &index, NULL, err));
    if (!add_row(k, &k->counts, words, 1, sizeof *k->counts) ||
        !add_row(k, &k->word_vectors, words, n, sizeof(float)) ||
        !add_row(k, &k->prototypes, words, z, sizeof(float)) ||
        !add_row(k, &k->scene_prototypes, words, z, sizeof(float)) ||
        !add_row(k, &k->reliability, words, 1, sizeof(float)) ||
        !add_row(k, &k->background.known_company, words, k->background.company_dim, sizeof(float)))
        return mask__no_memory(err, "a word");
    if (k->reliability) ((float *)k->reliability)[words] = 1;
    if (row >= 0) {
        mask_vectors_get(vectors, (size_t)row, (float *)k->word_vectors + words * n);
        mask__normalise((float *)k->word_vectors + words * n, n);
    }
    k->info.words = k->incidence.words = words + 1;
    return mask__knowledge_name_words(k, err);
}

static void blend(const float *table, size_t words, size_t word, size_t z, const float *direction, double old,
                  double fresh)
{
    double length = 0;
    float *row = (float *)table + word * z; /* in the copy's arena */
    for (size_t k = 0; k < words; k++) length += k == word ? 0 : (double)mask__norm(table + k * z, z);
    length = words > 1 ? length / (double)(words - 1) : 1;
    for (size_t d = 0; d < z; d++)
        row[d] = (float)((old * (double)row[d] + fresh * length * (double)direction[d]) / (old + fresh));
}

static mask_status learn_word(mask_knowledge *k, const lesson *l, const char *name, const mask_vectors *vectors,
                              bool *sharpened, mask_error *err)
{
    uint32_t word = mask__strings_find(&k->words, name, strlen(name));
    *sharpened = word != MASK__NOT_FOUND;
    if (!*sharpened) {
        word = (uint32_t)k->info.words;
        MASK__TRY(add_word(k, name, vectors, err));
    }
    uint64_t *count = (uint64_t *)&k->counts[word];
    double old = fmin((double)*count, old_regions), fresh = regions_of_photo * (double)l->photos;
    blend(k->prototypes, k->info.words, word, l->z, l->direction, old, fresh);
    if (k->scene_prototypes) blend(k->scene_prototypes, k->info.words, word, l->z, l->scene, old, fresh);
    *count += l->photos;
    return MASK_OK;
}

mask_status mask_knowledge_teach(mask_knowledge **out, const mask_knowledge *from, const mask_vectors *vectors,
                                 const char *word, const mask_images *images, bool *sharpened, mask_error *err)
{
    char name[NAME] = "";
    bool own;
    lesson l = {.k = from, .z = from->info.dim};
    *out = NULL;
    if (mask_images_count(images) == 0) return mask__fail(err, MASK_EINVAL, "'%s': no photo shows it: give some", word);
    MASK__TRY(read_name(from, word, name, err));
    mask_knowledge *k = mask__knowledge_new();
    mask_status status = k ? read_photos(&l, images, err) : mask__no_memory(err, "a knowledge");
    if (status == MASK_OK) status = find_direction(&l, err);
    if (status == MASK_OK) status = mask__knowledge_copy(k, from, err);
    if (status == MASK_OK) status = mask__knowledge_copy_background(k, from, err);
    if (status == MASK_OK) k->rounded = from->rounded;
    if (status == MASK_OK) status = learn_word(k, &l, name, vectors, sharpened ? sharpened : &own, err);
    mask__arena_free(&l.arena);
    return mask__knowledge_give(out, k, status);
}
