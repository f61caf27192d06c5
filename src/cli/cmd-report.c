/* mask report: what a gallery's photos show. */
#include "page.h"
#include "photo-gallery.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

enum { ASKED = 300, SHOWN = 4, BATCH = 512, MOST_TOPICS = 200 };

/* A known word, and how many of the photos are expected to show it: the sum of the probabilities of the best ASKED. */
typedef struct topic {
    char *text; /* "white horse" */
    double photos;
    uint64_t best[SHOWN]; /* hashes of the ids of its first results */
} topic;

static void rate(topic *t, const mask_results *r)
{
    for (size_t i = 0; i < r->count; i++) {
        float p = r->hits[i].confidence;
        t->photos += isnan(p) ? 0 : (double)p;
        if (i < SHOWN) t->best[i] = XXH3_64bits(r->hits[i].id, strlen(r->hits[i].id));
    }
}

/* A batch of searches. */
typedef struct batch {
    mask_query_text texts[BATCH];
    mask_query queries[BATCH];
    mask_results results[BATCH]; /* to be freed by who asked */
} batch;

static int search_topics(args *a, batch *b, topic *const *topics, size_t count, size_t k, bool explain)
{
    for (size_t i = 0; i < count; i++) {
        b->texts[i] = (mask_query_text){topics[i]->text, 1};
        b->queries[i] = mask_query_defaults();
        b->queries[i].texts = &b->texts[i];
        b->queries[i].count = 1;
        b->queries[i].k = k;
        b->queries[i].explain = explain;
    }
    return mask_gallery_search_batch(a->gallery, a->vectors, b->queries, count, b->results, &a->run, &a->err) == MASK_OK
               ? 0
               : failed(&a->err);
}

static int more_photos(const void *a, const void *b)
{
    const topic *x = *(topic *const *)a, *y = *(topic *const *)b;
    return x->photos != y->photos ? (x->photos < y->photos) - (x->photos > y->photos) : strcmp(x->text, y->text);
}

/* Whether two or more of their first photos are the same: "man" and "guy". */
static bool alike(const topic *x, const topic *y)
{
    size_t same = 0;
    for (size_t i = 0; i < SHOWN; i++)
        for (size_t j = 0; j < SHOWN; j++) same += x->best[i] && x->best[i] == y->best[j];
    return same > 1;
}

/* Leaves the `most` topics of the most photos that are unlike each other; how many there are. */
static size_t choose(topic **topics, size_t count, size_t most)
{
    size_t chosen = 0;
    qsort(topics, count, sizeof *topics, more_photos);
    for (size_t i = 0; i < count && chosen < most && topics[i]->photos >= 0.5; i++) {
        bool fresh = true;
        for (size_t j = 0; fresh && j < chosen; j++) fresh = !alike(topics[i], topics[j]);
        if (fresh) topics[chosen++] = topics[i];
    }
    return chosen;
}

static void topics_free(topic *topics, size_t count)
{
    for (size_t i = 0; topics && i < count; i++) free(topics[i].text);
    free(topics);
}

/* A topic for each of the words that the gallery's knowledge knows. */
static int read_topics(args *a, const char *gallery, topic **topics, size_t *count)
{
    char path[DATA_PATH];
    mask_knowledge_info info;
    snprintf(path, sizeof path, "%.*s/knowledge.mask", DATA_PATH - 32, gallery);
    int result = open_knowledge(a, path);
    if (result) return result;
    mask_knowledge_describe(a->knowledge, &info);
    if (!(*topics = calloc(info.words, sizeof **topics))) return fail("out of memory");
    for (; *count < info.words; ++*count) {
        char *text = (*topics)[*count].text = strdup(mask_knowledge_word(a->knowledge, *count, NULL));
        if (!text) return fail("out of memory");
        for (char *at = text; (at = strchr(at, '_')); at++) *at = ' ';
    }
    return 0;
}

static int rate_topics(args *a, batch *b, topic *const *topics, size_t count)
{
    int result = 0;
    for (size_t first = 0; result == 0 && first < count; first += BATCH) {
        size_t these = count - first < BATCH ? count - first : BATCH;
        result = search_topics(a, b, topics + first, these, ASKED, false);
        for (size_t i = 0; result == 0 && i < these; i++) {
            rate(topics[first + i], &b->results[i]);
            mask_results_free(&b->results[i]);
        }
    }
    return result;
}

static int tell(args *a, batch *b, topic *const *topics, size_t count, output *p)
{
    json_t *list = json_array();
    int result = search_topics(a, b, topics, count, SHOWN, true);
    for (size_t i = 0; result == 0 && i < count; i++) {
        char heading[256];
        double photos = topics[i]->photos < 1 ? 1 : topics[i]->photos;
        snprintf(heading, sizeof heading, "%s: about %.0f photos", topics[i]->text, photos);
        json_array_append_new(list, json_pack("{s:s, s:f}", "word", topics[i]->text, "photos", topics[i]->photos));
        if (!a->json) printf("%6.0f  %s\n", photos, topics[i]->text);
        if (p) page_results(p, (const char *[]){heading}, 1, &b->queries[i], &b->results[i]);
        mask_results_free(&b->results[i]);
    }
    if (result == 0 && a->json) return print_json(list);
    json_decref(list);
    return result;
}

static int report(args *a, const char *gallery, size_t most, output *p)
{
    topic *topics = NULL;
    size_t words = 0, count = 0;
    batch *b = malloc(sizeof *b);
    int result = read_topics(a, gallery, &topics, &words);
    topic **order = calloc(words + 1, sizeof *order);
    if (result == 0 && (!b || !order)) result = fail("out of memory");
    for (size_t i = 0; order && i < words; i++) order[i] = &topics[i];
    if (result == 0) result = rate_topics(a, b, order, words);
    if (result == 0 && (count = choose(order, words, most)) == 0)
        result = fail("%s: no word is sure enough to be told: its knowledge sees other things, or has no confidences "
                      "(mask calibrate)",
                      gallery);
    if (result == 0) result = tell(a, b, order, count, p);
    free(order);
    free(b);
    topics_free(topics, words);
    return result;
}

static int run_report(args *a)
{
    char place[DATA_PATH];
    const char *path, *html = args_text(a, "-o", NULL);
    output sheet, *p = html ? &sheet : NULL;
    size_t most = 24;
    text_list folders;
    int result = folders_of(a, "--photos", &folders);
    if (result == 0 && a->positional_count != (folders.count ? 0 : 1))
        result = args_usage(a, "expected a gallery, or --photos FOLDER");
    if (result == 0) result = args_size(a, "-k", 1, MOST_TOPICS, &most);
    if (result == 0) result = open_photos_or_gallery(a, &folders, place, &path);
    if (result == 0) result = open_gallery_vectors(a);
    if (result == 0 && html) result = page_open(&sheet, html, "What these photos show");
    if (result == 0) {
        result = report(a, path, most, p);
        if (p) result = page_end(p, a, result, html);
    }
    texts_free(&folders);
    return result;
}

const command command_report = {
    .name = "report",
    .positional = "[G.gallery]",
    .summary = "What the photos of a folder or a gallery show: the words of the most photos, with the surest ones",
    .details =
        "A word's photos are counted by the sum of their probabilities, of the best 300. Of words that find the\n"
        "same photos (\"man\", \"guy\") the one of more is told.",
    .examples = "mask report --photos ~/Pictures -o page.html --open",
    .options =
        (const option[]){{"-o", "PAGE", "also write a page with the surest photos of each word, in one file"},
                         {"-k", "N", "words (default: 24)"},
                         {"--open", NULL, "show the page in the browser"},
                         {"--photos", "FOLDER", "of the photos below it; may be given several times"},
                         {"--exclude", "PATTERNS", "of --photos: leave out these files and folders"},
                         {"--knowledge", "K.mask", "of --photos (default: the starter that comes with mask)"},
                         {"--encoder", "E.menc", "of --photos (default: the one that comes with mask)"},
                         {"--vectors", "FILE", "word vectors (default: the file the knowledge was learned with)"},
                         {0}},
    .run = run_report,
};
