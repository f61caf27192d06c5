#include "knowledge/compounds.h"
#include "math/vector.h"

#include <stdio.h>
#include <string.h>

static bool unit_vector(const mask_vectors *vectors, const char *word, size_t length, float *out)
{
    int64_t row = mask_vectors_find(vectors, word, length);
    if (row < 0) return false;
    mask_vectors_get(vectors, (size_t)row, out);
    return mask__normalise(out, mask_vectors_dim(vectors)) > 0;
}

/* The vector of a spelling of "first_second", or of a name that is one word ("speedboat"). Without WordNet's word for
 * it, writing the two as one proves nothing: "black shirt" is no blackshirt. */
static bool joined_vector(const mask_vectors *vectors, const char *name, bool solid, float *vector)
{
    static const char *const joints[] = {"_", "-", ""};
    const char *joint = strchr(name, '_');
    if (!joint) return unit_vector(vectors, name, strlen(name), vector);
    for (size_t i = 0; i < (solid ? 3 : 2); i++) {
        char spelled[MASK__COMPOUND_BYTES + 1];
        int length = snprintf(spelled, sizeof spelled, "%.*s%s%s", (int)(joint - name), name, joints[i], joint + 1);
        if (unit_vector(vectors, spelled, (size_t)length, vector)) return true;
    }
    return false;
}

static bool mean_vector(const mask_vectors *vectors, mask__token first, mask__token second, float *vector, float *other)
{
    size_t n = mask_vectors_dim(vectors);
    if (!unit_vector(vectors, first.text, first.length, vector) ||
        !unit_vector(vectors, second.text, second.length, other))
        return false;
    mask__axpy(1, other, vector, n);
    return mask__normalise(vector, n) > 0;
}

bool mask__compound_find(const mask__morphy *wordnet, const mask_vectors *vectors, mask__token first,
                         mask__token second, char name[MASK__COMPOUND_BYTES], float *vector, float *scratch)
{
    char lemma[MASK__LEMMA_BYTES];
    if (first.length + second.length + 2 > MASK__COMPOUND_BYTES || memchr(first.text, '_', first.length) ||
        memchr(second.text, '_', second.length))
        return false;
    snprintf(name, MASK__COMPOUND_BYTES, "%.*s_%.*s", (int)first.length, first.text, (int)second.length, second.text);
    if (!mask__wordnet_compound(wordnet, first.text, first.length, second.text, second.length, lemma))
        return joined_vector(vectors, name, false, vector);
    snprintf(name, MASK__COMPOUND_BYTES, "%s", lemma);
    return joined_vector(vectors, name, true, vector) || mean_vector(vectors, first, second, vector, scratch);
}
