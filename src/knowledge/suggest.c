#include "knowledge/suggest.h"

#include <string.h>

enum { LONGEST = 32, SHORT = 4 };

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Edit distance with exchanged neighbours; the words have at most LONGEST letters. */
static size_t distance(const char *a, size_t n, const char *b, size_t m)
{
    size_t d[LONGEST + 1][LONGEST + 1];
    for (size_t i = 0; i <= n; i++) d[i][0] = i;
    for (size_t j = 0; j <= m; j++) d[0][j] = j;
    for (size_t i = 1; i <= n; i++)
        for (size_t j = 1; j <= m; j++) {
            d[i][j] = least(least(d[i - 1][j], d[i][j - 1]) + 1, d[i - 1][j - 1] + (a[i - 1] != b[j - 1]));
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                d[i][j] = least(d[i][j], d[i - 2][j - 2] + 1);
        }
    return d[n][m];
}

size_t mask__suggest(const mask_knowledge *k, const char *word, size_t length, const char *out[MASK__SUGGESTIONS])
{
    size_t found = 0, most = length > SHORT ? 2 : 1;
    uint64_t costs[MASK__SUGGESTIONS + 1];
    if (length < 3 || length > LONGEST) return 0;
    for (size_t i = 0; i < k->info.words; i++) {
        size_t size, at = found;
        const char *known = mask__strings_get(&k->words, i, &size);
        if (size + most < length || size > length + most || size > LONGEST) continue;
        size_t off = distance(word, length, known, size);
        if (off > most) continue;
        uint64_t cost = ((uint64_t)off << 48) - (k->counts[i] < (1ull << 47) ? k->counts[i] : 0);
        while (at > 0 && costs[at - 1] > cost) at--;
        if (at == MASK__SUGGESTIONS) continue;
        size_t kept = found < MASK__SUGGESTIONS ? found : MASK__SUGGESTIONS - 1;
        memmove(costs + at + 1, costs + at, (kept - at) * sizeof *costs);
        memmove(out + at + 1, out + at, (kept - at) * sizeof *out);
        costs[at] = cost;
        out[at] = mask_knowledge_word(k, i, NULL);
        found = kept + 1;
    }
    if (found || word[length - 1] != 's' || (length > 1 && word[length - 2] == 's')) return found;
    return mask__suggest(k, word, length - 1, out);
}
