/* mask search, mask similar. */
#include "commands.h"
#include "page.h"
#include "photo-gallery.h"
#include "querytext.h"
#include "results.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- What a search is asked with ---- */

#define IMAGE_WEIGHT                                                                                                   \
    "--image-weight", "W",                                                                                             \
        "of its cosine, which is 0.1 to 0.4 for other photos, where a text's score reaches about 3 (default: 10)"

#define SEARCH_OPTIONS                                                                                                 \
    {"-k", "N", "results (10)"}, {"--offset", "N", "results to pass over (0)"},                                        \
        {"--min-score", "S", "only images that score at least S"},                                                     \
        {"--min-confidence", "P",                                                                                      \
         "of the results, those that show it with a probability of P (0 to 1) or more; where none do, the nearest"},   \
        {"--where", "SQL", "only images whose metadata satisfy a condition"},                                          \
    {                                                                                                                  \
        "--ids", "FILE", "only the images of these ids, one per line; - = standard input"                              \
    }

/* Results of one query are printed by these numbers. */
enum { MOST_RESULTS = 1000000 };

static int read_query_options(const args *a, mask_query *q, text_list *ids)
{
    double least = -INFINITY, sure = 0;
    *q = mask_query_defaults();
    int bad = args_size(a, "-k", 1, MOST_RESULTS, &q->k);
    if (!bad) bad = args_size(a, "--offset", 0, 1000000000, &q->offset);
    if (!bad) bad = args_number(a, "--min-score", -1e30, 1e30, &least);
    if (!bad) bad = args_number(a, "--min-confidence", 0, 1, &sure);
    if (bad) return bad;
    q->min_score = (float)least;
    q->min_confidence = (float)sure;
    q->where = args_text(a, "--where", NULL);
    if (!args_has(a, "--ids")) return 0;
    bad = lines_read(ids, args_text(a, "--ids", ""));
    if (bad) return bad;
    static const char *const none[] = {""};
    q->ids = ids->count ? (const char *const *)ids->texts : none; /* an empty file lets nothing through */
    q->id_count = ids->count;
    return 0;
}

/* ---- Photos that are almost the same ---- */

enum { MOST_GROUPED = 200 };
static const float ALIKE = 0.93f; /* cosine of a photo and its smaller, cropped or recompressed copy */

/* Says which hits are almost the same photo as one before them. */
static void print_duplicates(args *a, const mask_results *r, size_t offset)
{
    const char *ids[MOST_GROUPED];
    bool said[MOST_GROUPED] = {false};
    size_t count = r->count < MOST_GROUPED ? r->count : MOST_GROUPED;
    for (size_t i = 0; i < count; i++) ids[i] = r->hits[i].id;
    for (size_t i = 0; i + 1 < count; i++) {
        mask_results like;
        mask_query q = mask_query_defaults();
        q.k = count;
        q.min_score = ALIKE;
        q.ids = ids + i + 1;
        q.id_count = count - i - 1;
        q.images = &(mask_query_image){.id = ids[i], .weight = 1};
        q.image_count = 1;
        if (said[i] || mask_gallery_search(a->gallery, NULL, &q, &like, NULL, &a->err) != MASK_OK) continue;
        for (size_t h = 0; h < like.count; h++)
            for (size_t j = i + 1; j < count; j++)
                if (strcmp(ids[j], like.hits[h].id) == 0 && !said[j]) {
                    printf("%5zu is almost the same photo as %zu\n", offset + j + 1, offset + i + 1);
                    said[j] = true;
                }
        mask_results_free(&like);
    }
}

/* ---- By date ---- */

typedef struct dated_hit {
    mask_hit hit;
    char date[sizeof((mask_photo_facts *)NULL)->date]; /* "" = none is known */
} dated_hit;

static int by_date(const void *a, const void *b)
{
    const dated_hit *x = a, *y = b;
    int order = strcmp(y->date, x->date);
    if (order) return order;
    return (x->hit.score < y->hit.score) - (x->hit.score > y->hit.score);
}

/* Of the results those that are as probable as `least`, or have no probability: the newest photo first, those without
 * a date last. They stand in *hits, which is freed when the results are done with. */
static int sort_by_date(mask_results *r, double least, mask_hit **hits)
{
    mask_photo_facts facts;
    size_t count = 0;
    dated_hit *sorted = calloc(r->count + 1, sizeof *sorted);
    *hits = calloc(r->count + 1, sizeof **hits);
    if (!sorted || !*hits) {
        free(sorted);
        return fail("out of memory");
    }
    for (size_t i = 0; i < r->count; i++) {
        const mask_hit *hit = &r->hits[i];
        if ((double)hit->confidence < least) continue;
        sorted[count].hit = *hit;
        if (hit->name && mask_photo_describe(&facts, hit->name, NULL) == MASK_OK)
            memcpy(sorted[count].date, facts.date, sizeof facts.date);
        count++;
    }
    qsort(sorted, count, sizeof *sorted, by_date);
    for (size_t i = 0; i < count; i++) (*hits)[i] = sorted[i].hit;
    free(sorted);
    r->hits = *hits;
    r->count = count;
    return 0;
}

/* ---- What it found ---- */

/* The results; each names the query's words that were not used, why, and what may have been meant. */
static json_t *results_json(const mask_results *r, size_t offset)
{
    json_t *hits = json_array(), *unused = unused_json(r);
    for (size_t i = 0; i < r->count; i++) {
        json_t *hit = hit_json(r, &r->hits[i], true);
        json_object_set_new(hit, "rank", json_integer((json_int_t)(offset + i + 1)));
        if (r->hits[i].name) json_object_set_new(hit, "name", text_json(r->hits[i].name));
        json_object_set(hit, "unused", unused);
        json_array_append_new(hits, hit);
    }
    json_decref(unused);
    return hits;
}

/* Of one query among many also its words, and whether its first result is sure. */
static json_t *line_json(const char *query, const mask_results *r, size_t offset)
{
    bool rated = r->count && !isnan(r->hits[0].confidence);
    return json_pack("{s:s, s:o, s:o, s:o}", "query", query, "readings", readings_json(r), "sure",
                     rated ? json_boolean(!nothing_sure(r)) : json_null(), "results", results_json(r, offset));
}

static void print_hit_words(const mask_results *r, const mask_hit *hit)
{
    for (size_t w = 0; w < hit->word_count; w++) {
        const mask_hit_word *h = &hit->words[w];
        printf("        %-14s %+.3f  region %zu (cosine %.3f)", r->readings[h->text].words[h->word].word, h->score,
               h->region, h->cosine);
        if (h->has_box) printf("  %.0f,%.0f %.0f,%.0f", h->box[0], h->box[1], h->box[2], h->box[3]);
        printf("\n");
    }
}

static void print_readings(const mask_results *r)
{
    for (size_t t = 0; t < r->reading_count; t++)
        for (size_t w = 0; w < r->readings[t].count; w++) {
            const mask_word *word = &r->readings[t].words[w];
            printf("%-14s ", word->token);
            if (word->kind == MASK_WORD_KNOWN) printf("known");
            else if (word->kind == MASK_WORD_OOD) printf("OOD, weight %.2f, from", word->weight);
            else printf("not used: %s", *word->reason ? word->reason : "neither a prototype nor a word vector");
            for (size_t i = 0; i < word->neighbour_count && i < 5; i++)
                printf("%s%s %.2f", i ? ", " : " ", word->neighbours[i].word, word->neighbours[i].weight);
            printf("%s%s\n", strcmp(word->word, word->token) ? "  as " : "",
                   strcmp(word->word, word->token) ? word->word : "");
        }
}

static bool wants_paths(const args *a)
{
    return args_has(a, "-0") || args_has(a, "--paths");
}

static void print_paths(const args *a, const mask_results *r)
{
    char end = args_has(a, "-0") ? '\0' : '\n';
    for (size_t i = 0; i < r->count; i++) printf("%s%c", r->hits[i].name ? r->hits[i].name : r->hits[i].id, end);
}

static void print_statistics(const args *a, FILE *file)
{
    mask_gallery_info info;
    char statistics[STATISTICS_TEXT];
    mask_gallery_describe(a->gallery, &info);
    fprintf(file, "%s\n", statistics_text(&info, statistics));
}

static void print_results(const args *a, const mask_results *r, size_t offset, bool explain, bool unsure)
{
    if (explain) print_readings(r);
    if (unsure) fprintf(stderr, "nothing sure; the nearest are:\n");
    for (size_t i = 0; i < r->count; i++) {
        const mask_hit *hit = &r->hits[i];
        printf("%5zu  %9.4f", offset + i + 1, hit->score);
        if (!isnan(hit->confidence)) printf("  %3.0f%%", 100 * (double)hit->confidence);
        printf("  %s%s%s\n", hit->id, hit->name ? "  " : "", hit->name ? hit->name : "");
        if (explain) print_hit_words(r, hit);
    }
    if (!explain) return;
    printf("%zu images searched, %zu scored from their regions, %.2f ms; ", r->searched, r->rescored,
           1000 * r->seconds);
    print_statistics(a, stdout);
}

/* ---- search ---- */

static int bad_query(const char *argument, const char *wrong)
{
    fail("query '%s': %s", argument, wrong);
    return EXIT_USAGE;
}

static int add_text(query_texts *texts, const char *argument)
{
    const char *wrong = query_texts_add(texts, argument);
    return wrong ? bad_query(argument, wrong) : 0;
}

static int print_sql(args *a, const mask_query *q)
{
    char *sql;
    if (mask_gallery_sql(a->gallery, a->vectors, q, &sql, &a->err) != MASK_OK) return failed(&a->err);
    puts(sql);
    free(sql);
    return 0;
}

/* One query of the arguments from `first` on. */
static int search_once(args *a, mask_query *q, int first, output *p)
{
    mask_results results;
    query_texts texts = {0};
    int result = 0;
    for (int i = first; result == 0 && i < a->positional_count; i++) result = add_text(&texts, a->positional[i]);
    q->texts = texts.texts;
    q->count = texts.count;
    q->explain = a->json || p || args_has(a, "--explain");
    if (result == 0 && args_has(a, "--sql")) result = print_sql(a, q);
    if (args_has(a, "--sql")) {
        query_texts_free(&texts);
        return result;
    }
    mask_status status =
        result ? MASK_EINVAL : mask_gallery_search(a->gallery, a->vectors, q, &results, &a->run, &a->err);
    bool lines = !a->json && !wants_paths(a);
    bool nearest = status == MASK_OK && results.count == 0 && q->min_confidence > 0 && lines;
    if (nearest) {
        mask_results_free(&results);
        q->min_confidence = 0;
        status = mask_gallery_search(a->gallery, a->vectors, q, &results, &a->run, &a->err);
    }
    if (result == 0 && status != MASK_OK) {
        result = failed(&a->err);
    } else if (result == 0) {
        mask_hit *hits = NULL;
        bool unsure = q->offset == 0 && nothing_sure(&results), sort = args_has(a, "--sort") && !unsure && !nearest;
        if (sort) result = sort_by_date(&results, q->min_confidence > UNSURE ? q->min_confidence : UNSURE, &hits);
        if (!a->quiet && !args_has(a, "--explain")) print_unused(&results);
        if (result == 0 && a->json) result = print_json(results_json(&results, q->offset));
        else if (result == 0 && wants_paths(a)) print_paths(a, &results);
        else if (result == 0)
            print_results(a, &results, q->offset, args_has(a, "--explain"), !a->quiet && (unsure || nearest));
        if (lines && args_has(a, "--photos")) print_duplicates(a, &results, q->offset);
        if (p)
            page_results(p, (const char *const *)a->positional + first, (size_t)(a->positional_count - first), q,
                         &results);
        if (lines && args_has(a, "--photos") && !a->quiet && !args_has(a, "--explain")) print_statistics(a, stderr);
        free(hits);
        mask_results_free(&results);
    }
    query_texts_free(&texts);
    return result;
}

static int print_batch(const args *a, const char *const *lines, const mask_results *results, size_t count, size_t first,
                       size_t offset)
{
    for (size_t i = 0; i < count; i++) {
        if (a->json) {
            if (!print_json_line(line_json(lines[i], &results[i], offset)))
                return fail("cannot write the results to stdout (is query %zu valid UTF-8?)", first + i + 1);
        } else {
            for (size_t h = 0; h < results[i].count; h++)
                printf("%zu\t%zu\t%.6f\t%s\n", first + i + 1, offset + h + 1, results[i].hits[h].score,
                       results[i].hits[h].id);
        }
    }
    return 0;
}

enum { BATCH = 1024 };

/* BATCH queries at a time, each line one. */
static int search_lines(args *a, const mask_query *shape, const char *const *lines, size_t count, size_t first,
                        output *p)
{
    query_batch b;
    const char *wrong = query_batch_make(&b, shape, lines, count);
    int result = wrong ? bad_query(lines[b.count], wrong) : 0;
    if (result == 0 &&
        mask_gallery_search_batch(a->gallery, a->vectors, b.queries, count, b.results, &a->run, &a->err) != MASK_OK)
        result = failed(&a->err);
    if (result == 0) {
        result = print_batch(a, lines, b.results, count, first, shape->offset);
        for (size_t i = 0; p && i < count; i++) page_results(p, lines + i, 1, &b.queries[i], &b.results[i]);
    }
    query_batch_free(&b);
    return result;
}

static int search_file(args *a, mask_query *shape, output *p)
{
    text_list list;
    int result = lines_read(&list, args_text(a, "--queries", ""));
    const char *const *lines = (const char *const *)list.texts;
    shape->explain = a->json || p;
    for (size_t first = 0; result == 0 && first < list.count; first += BATCH)
        result =
            search_lines(a, shape, lines + first, list.count - first < BATCH ? list.count - first : BATCH, first, p);
    texts_free(&list);
    return result;
}

/* Searches the open gallery, and writes what it found to the page, if one is wanted. */
static int search_gallery(args *a, mask_query *query, int first)
{
    char own[DATA_PATH];
    bool open = args_has(a, "--open");
    const char *html = args_text(a, "--html", open ? own : NULL);
    output sheet, *p = html ? &sheet : NULL;
    int result = html == own ? cache_file("search.html", own) : 0;
    if (result == 0 && html) result = page_open(&sheet, html, "Search results");
    if (result) return result;
    result = args_has(a, "--queries") ? search_file(a, query, p) : search_once(a, query, first, p);
    return p ? page_end(p, a, result, html) : result;
}

/* An image of a query: one of the gallery by its id, else a file. */
static int find_image(args *a, const char *of, mask_query_image *image)
{
    char *name = NULL;
    *image = (mask_query_image){.id = of, .weight = 1};
    mask_status status = mask_gallery_name(a->gallery, of, &name, &a->err);
    free(name);
    if (status != MASK_ENOTFOUND || access(of, R_OK) != 0) return status == MASK_OK ? 0 : failed(&a->err);
    int result = photos_images(a, &of, 1, &a->images);
    *image = (mask_query_image){.images = a->images, .weight = 1};
    return result;
}

/* Adds an image to a query; beside texts it weighs more, for its cosine says less. */
static int ask_image(args *a, const char *of, bool beside_texts, mask_query *query, mask_query_image *image)
{
    double weight = beside_texts ? 10 : 1; /* cosines of like and unlike photos are some 0.3 apart, scores of texts 3 */
    int result = args_number(a, "--image-weight", -100, 100, &weight);
    if (result == 0) result = find_image(a, of, image);
    image->weight = (float)weight;
    query->images = image;
    query->image_count = 1;
    return result;
}

/* Without --photos and without a gallery, the folders that were searched last. */
static int assume_folders(const args *a, text_list *list)
{
    struct stat info;
    const char *first = a->positional_count ? a->positional[0] : "";
    if (list->count || ends_with(first, ".gallery") || stat(first, &info) == 0) return 0;
    if (a->positional_count == 0 && !args_has(a, "--queries")) return 0;
    if (last_folders(list) != 0) return 0; /* the gallery will not be found */
    if (!a->quiet) fprintf(stderr, "searching %s, as last time\n", list->texts[0]);
    return 0;
}

/* A gallery that was exported; a copy of its knowledge stays in the cache. */
static int open_clickhouse(args *a)
{
    mask_clickhouse from;
    char root[DATA_PATH];
    read_clickhouse(a, "--clickhouse", &from);
    int result = cache_file("", root);
    if (result) return result;
    return mask_gallery_open_clickhouse(&a->gallery, &from, root, &a->run, &a->err) == MASK_OK ? 0 : failed(&a->err);
}

static int run_search(args *a)
{
    mask_query query;
    text_list ids = {0};
    char place[DATA_PATH];
    const char *path;
    text_list folders;
    int result = folders_of(a, "--photos", &folders);
    if (result == 0 && !args_has(a, "--clickhouse")) result = assume_folders(a, &folders);
    bool remote = args_has(a, "--clickhouse");
    int first = folders.count || remote ? 0 : 1; /* of the texts; before them stands the gallery */
    if (result == 0 && first > a->positional_count) result = args_usage(a, "expected a gallery, or --photos FOLDER");
    if (result == 0 && args_has(a, "--queries") && a->positional_count > first)
        result = args_usage(a, "expected a text or --queries FILE, not both");
    if (result == 0 && !args_has(a, "--queries") && !args_has(a, "--image") && a->positional_count == first)
        result = args_usage(a, "expected a text, --image PHOTO or --queries FILE");
    if (result == 0 && args_has(a, "--sort") &&
        (strcmp(args_text(a, "--sort", ""), "date") || args_has(a, "--queries")))
        result = args_usage(a, "--sort date is the one order beside that of the scores, and of one query");
    if (result == 0) result = read_query_options(a, &query, &ids);
    if (result == 0) result = remote ? open_clickhouse(a) : open_photos_or_gallery(a, &folders, place, &path);
    if (result == 0) result = open_gallery_vectors(a);
    mask_query_image image;
    if (result == 0 && args_has(a, "--image")) result = ask_image(a, args_text(a, "--image", ""), true, &query, &image);
    if (result == 0) result = search_gallery(a, &query, first);
    texts_free(&ids);
    texts_free(&folders);
    return result;
}

const command command_search = {
    .name = "search",
    .positional = "[G.gallery] [TEXT...]",
    .summary = "The images of a gallery that match texts best, in exact order",
    .details =
        "A TEXT may end in ^WEIGHT; a word with a leading minus counts against an image:\n"
        "\"dog -snow\", \"beach^0.5\".\n"
        "A score is the sum over texts of weight x score. \"\\-\", \"\\^\" and \"\\\\\" are the characters "
        "themselves.\n"
        "mask search --photos FOLDER TEXT... searches a folder of photos: it extracts and indexes what is new or has\n"
        "changed since the last time, with a knowledge that comes with mask, and keeps both in ~/.cache/mask\n"
        "(mask cache list). mask search TEXT... searches the folders of the last time.",
    .examples = "mask search --photos ~/Pictures 'a dog in the snow' --html page.html\n"
                "mask search photos.gallery 'a truck -red' --where \"date >= '2019-06'\" -k 20\n"
                "mask search 'sunset' --paths -0 | xargs -0 cp -t sunsets/",
    .options =
        (const option[]){
            SEARCH_OPTIONS,
            {"--photos", "FOLDER", "search the photos below it, without a gallery; may be given several times"},
            {"--exclude", "PATTERNS",
             "of --photos: leave out these files and folders, \"*.png,private\" (default: none)"},
            {"--knowledge", "K.mask", "of --photos (default: the starter that comes with mask)"},
            {"--encoder", "E.menc", "of --photos (default: the one its knowledge is usually of)"},
            {"--clickhouse", "URL",
             "search the gallery that mask export clickhouse put there, in place of a G.gallery"},
            {"--database", "NAME", "of --clickhouse (mask)"},
            {"--sql", NULL, "of --clickhouse: print the statement that finds candidates, and do nothing"},
            {"--image", "ID|PHOTO", "also like this image of the gallery, or this photo"},
            {IMAGE_WEIGHT},
            {"--html", "PAGE", "also write a page with the photos and the regions that answered, one file"},
            {"--open", NULL, "and open it in the browser (without --html, one in ~/.cache/mask)"},
            {"--sort", "date",
             "the results that are as probable as --min-confidence (at least 5%) by the day of the photo, newest "
             "first; "
             "-k is of the results before"},
            {"--paths", NULL, "print only the photos' paths, one a line"},
            {"-0", NULL, "print only the paths, each ended by a zero byte, for xargs -0"},
            {"--explain", NULL, "also each word's score and its best region"},
            {"--queries", "FILE", "many queries, one per line; prints query line, rank, score, id; - = standard input"},
            {"--vectors", "FILE", "word vectors for OOD words (default: the file the knowledge was learned with)"},
            {0},
        },
    .run = run_search,
};

/* ---- similar ---- */

/* Photos of --photos or of the gallery that are like one of its images, or like any photo. */
static int run_similar(args *a)
{
    mask_query query;
    mask_results results;
    text_list ids = {0};
    text_list folders;
    char place[DATA_PATH];
    const char *path, *of = a->positional[a->positional_count - 1];
    int result = folders_of(a, "--photos", &folders);
    if (result == 0 && a->positional_count != (folders.count ? 1 : 2))
        result = args_usage(a, "expected %s", folders.count ? "one PHOTO" : "a gallery and an ID or PHOTO");
    if (result == 0) result = read_query_options(a, &query, &ids);
    if (result == 0) result = open_photos_or_gallery(a, &folders, place, &path);
    const char *text = args_text(a, "--text", NULL);
    mask_query_image image;
    query_texts texts = {0};
    mask_status status = MASK_OK;
    if (result == 0) result = ask_image(a, of, text, &query, &image);
    if (result == 0 && text) result = open_gallery_vectors(a);
    if (result == 0 && text) result = add_text(&texts, text);
    query.texts = texts.texts;
    query.count = texts.count;
    if (result == 0) status = mask_gallery_search(a->gallery, a->vectors, &query, &results, &a->run, &a->err);
    if (result == 0 && status != MASK_OK) {
        result = failed(&a->err);
    } else if (result == 0) {
        if (a->json) result = print_json(results_json(&results, query.offset));
        else if (wants_paths(a)) print_paths(a, &results);
        else print_results(a, &results, query.offset, false, false);
        mask_results_free(&results);
    }
    query_texts_free(&texts);
    texts_free(&ids);
    texts_free(&folders);
    return result;
}

const command command_similar = {
    .name = "similar",
    .positional = "[G.gallery] ID|PHOTO",
    .summary = "The images of a gallery, or the photos of a folder, most like an image",
    .details = "ID is an image of the gallery; PHOTO is any file, read by the encoder.\n"
               "Scores are cosines of the images' scenes, or of their whole images where the knowledge has no scenes; "
               "with --text\n"
               "--image-weight times that and the text's score.",
    .examples = "mask similar --photos ~/Pictures beach.jpg --text 'at night'\n"
                "mask similar photos.gallery beach.jpg -k 5",
    .options = (const option[]){SEARCH_OPTIONS,
                                {"--text", "TEXT", "that should match too"},
                                {IMAGE_WEIGHT},
                                {"--vectors", "FILE", "of --text, for OOD words"},
                                {"--photos", "FOLDER", "search the photos below it, without a gallery"},
                                {"--exclude", "PATTERNS", "of --photos: leave out these files and folders"},
                                {"--knowledge", "K.mask", "of --photos (default: the starter that comes with mask)"},
                                {"--encoder", "E.menc", "of PHOTO and --photos (default: default.menc)"},
                                {"--paths", NULL, "print only paths, one a line"},
                                {"-0", NULL, "print only paths, each ended by a zero byte"},
                                {0}},
    .run = run_similar,
};
