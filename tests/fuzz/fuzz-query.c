/* Queries: the command line's grammar, a condition after a NUL byte. The ranking of the gallery's images is sorted, has
 * no image twice, its beginning is the shorter ranking, and a condition is pure: the catalogue stays as it is. What
 * ClickHouse would be asked instead is one condition, too: quotes and parentheses are closed, and nothing ends it. */
#include "fuzz.h"
#include "cli/querytext.h"
#include "search/remote.h"

#include <math.h>
#include <xxhash.h>

static mask_gallery *gallery, *bare; /* bare: without images, as a search in ClickHouse has it */
static mask_vectors *vectors;

static void open_gallery(void)
{
    mask_error err;
    fuzz_check(fuzz_ok(mask_gallery_open(&gallery, fuzz_gallery(NULL), &fuzz_run, &err), &err));
    fuzz_check(fuzz_ok(mask_vectors_open(&vectors, FIXTURE("v.mvec"), NULL, &err), &err));
    const char *folder = fuzz_path("bare.gallery");
    mask_knowledge *knowledge;
    fuzz_check(fuzz_ok(mask_knowledge_open(&knowledge, FIXTURE("g.gallery/knowledge.mask"), NULL, &err), &err));
    fuzz_check(fuzz_ok(mask_gallery_create(folder, knowledge, NULL, NULL, &err), &err));
    mask_knowledge_close(knowledge);
    fuzz_check(remove(fuzz_path("bare.gallery/catalogue.sqlite")) == 0);
    mask__view *view = mask__gallery_pin(gallery);
    fuzz_check(fuzz_ok(mask__catalogue_copy_empty(view->catalogue, folder, &err), &err));
    mask__gallery_unpin(gallery, view);
    fuzz_check(fuzz_ok(mask_gallery_open(&bare, folder, &fuzz_run, &err), &err));
}

static uint64_t hash_of_catalogue(void)
{
    size_t size;
    unsigned char *data = fuzz_read(fuzz_path("g.gallery/catalogue.sqlite"), &size);
    uint64_t hash = XXH3_64bits(data, size);
    free(data);
    return hash;
}

static void check_results(const mask_results *all, const mask_results *two)
{
    fuzz_check(all->count == all->searched && all->count <= 9);
    for (size_t i = 0; i < all->count; i++)
        for (size_t j = 0; j < i; j++) {
            fuzz_check(strcmp(all->hits[i].id, all->hits[j].id) != 0);
            fuzz_check(all->hits[i].score <= all->hits[j].score);
        }
    fuzz_check(two->count == (all->count < 2 ? all->count : 2));
    for (size_t i = 0; i < two->count; i++)
        fuzz_check(strcmp(two->hits[i].id, all->hits[i].id) == 0 && two->hits[i].score == all->hits[i].score);
}

static void check_remote(const char *where)
{
    mask__bytes sql = {0};
    mask_error err;
    mask__view *view = mask__gallery_pin(bare);
    int depth = 0;
    char quote = 0;
    if (fuzz_ok(mask__remote_where(&sql, view->catalogue, where, &err), &err)) {
        for (const char *at = mask__bytes_text(&sql); *at; at++) {
            if (quote && *at == '\\') at++;
            else if (quote) quote = *at == quote ? 0 : quote;
            else if (*at == '\'' || *at == '`') quote = *at;
            else if (*at == '(') depth++;
            else if (*at == ')') depth--;
            fuzz_check(depth >= 0 && (quote || !strchr(";\"#", *at)));
        }
        fuzz_check(sql.size > 0 && depth == 0 && !quote);
    }
    mask__bytes_free(&sql);
    mask__gallery_unpin(bare, view);
}

void fuzz_one(const unsigned char *data, size_t size)
{
    mask_error err;
    mask_results all, two;
    query_texts texts = {0};
    if (!gallery) open_gallery();
    uint64_t before = hash_of_catalogue();
    char *text = malloc(size + 1);
    if (!text) return;
    memcpy(text, data, size);
    text[size] = 0;
    size_t first = strlen(text);
    mask_query q = mask_query_defaults();
    q.where = first < size ? text + first + 1 : NULL;
    if (q.where) check_remote(q.where);
    if (!query_texts_add(&texts, text)) {
        for (size_t i = 0; i < texts.count; i++) fuzz_check(texts.texts[i].text && isfinite(texts.texts[i].weight));
        q.texts = texts.texts;
        q.count = texts.count;
        if (fuzz_ok(mask_gallery_search(gallery, vectors, &q, &all, &fuzz_run, &err), &err)) {
            q.k = 2;
            q.explain = false;
            fuzz_check(fuzz_ok(mask_gallery_search(gallery, vectors, &q, &two, &fuzz_run, &err), &err));
            check_results(&all, &two);
            mask_results_free(&two);
            mask_results_free(&all);
        }
    }
    fuzz_check(hash_of_catalogue() == before);
    query_texts_free(&texts);
    free(text);
}
