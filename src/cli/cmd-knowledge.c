/* mask info, mask words, mask encode: looking into a knowledge and using its encoder. */
#include "results.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { SHOWN_NEIGHBOURS = 8, SHOWN_WORDS = 10 };

static int info_knowledge(args *a, const char *path)
{
    mask_knowledge_info i;
    if (open_knowledge(a, path)) return EXIT_FAILED;
    const mask_knowledge *k = a->knowledge;
    char encoder[OPTION_TEXT], tokens[OPTION_TEXT];
    mask_knowledge_describe(k, &i);
    option_text(MASK_OPTIONS_LEARN, &i.learned, "representation", encoder);
    option_text(MASK_OPTIONS_LEARN, &i.learned, "tokens", tokens);
    if (a->json) {
        json_t *out =
            json_pack("{s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:s, s:b, s:s, s:I, s:I, s:s, s:s}", "kind", "knowledge",
                      "words", (json_int_t)i.words, "features", (json_int_t)i.feature_dim, "dimensions",
                      (json_int_t)i.dim, "vector_dimensions", (json_int_t)i.vector_dim, "regions",
                      (json_int_t)i.regions, "pairs", (json_int_t)i.pairs, "encoder", encoder, "adapted", i.adapted,
                      "tokens", tokens, "background_images", (json_int_t)i.background_images, "background_texts",
                      (json_int_t)i.background_texts, "vectors", i.vectors_path, "provenance", i.provenance);
        mask_match_options match = mask_match_defaults(k);
        json_object_set_new(out, "learned", options_json(MASK_OPTIONS_LEARN, &i.learned));
        json_object_set_new(out, "matching", options_json(MASK_OPTIONS_MATCH, &match));
        return print_json(out);
    }
    printf("knowledge      %zu words of %zu or more regions, %zu (region, word) pairs of %zu regions\n", i.words,
           i.learned.min_count, i.pairs, i.regions);
    printf("encoder        %s, %zu -> %zu dimensions, eigenvalue shrink %g%s\n", encoder, i.feature_dim, i.dim,
           i.learned.whiten_shrink, i.adapted ? ", adapted" : "");
    printf("prototypes     shrunk by %g pseudo-counts%s%s\n", i.learned.prototype_shrink,
           i.scenes ? ", with scenes" : ", without scenes", i.reliabilities ? " and reliabilities" : "");
    printf("words          tokens by rule '%s', %zu-dimensional vectors of %s\n", tokens, i.vector_dim, i.vectors_path);
    if (i.background_images) printf("background     %zu images, %zu texts\n", i.background_images, i.background_texts);
    else printf("background     none: mask calibrate adds one and raises recall\n");
    printf("made by        %s\nmost frequent ", i.provenance);
    for (size_t w = 0; w < i.words && w < SHOWN_WORDS; w++) {
        size_t count;
        const char *word = mask_knowledge_word(k, w, &count);
        printf(" %s (%zu)", word, count);
    }
    printf("\n");
    return 0;
}

static int info_vectors(args *a, const char *path)
{
    if (mask_vectors_open(&a->vectors, path, &a->run, &a->err) != MASK_OK ||
        mask_vectors_verify(a->vectors, &a->err) != MASK_OK)
        return failed(&a->err);
    size_t count = mask_vectors_count(a->vectors), dim = mask_vectors_dim(a->vectors);
    if (a->json)
        return print_json(
            json_pack("{s:s, s:I, s:I}", "kind", "vectors", "words", (json_int_t)count, "dimensions", (json_int_t)dim));
    printf("word vectors   %zu words, %zu dimensions; checksums are right\n", count, dim);
    return 0;
}

static int info_labels(args *a, const char *path)
{
    mask_labels *l;
    if (mask_labels_open(&l, path, &a->run, &a->err) != MASK_OK) return failed(&a->err);
    size_t regions = mask_labels_regions(l), images = mask_labels_images(l), dim = mask_labels_dim(l);
    mask_labels_close(l);
    if (a->json)
        return print_json(json_pack("{s:s, s:I, s:I, s:I}", "kind", "labelled regions", "regions", (json_int_t)regions,
                                    "images", (json_int_t)images, "dimensions", (json_int_t)dim));
    printf("labelled       %zu regions of %zu images, %zu dimensions\n", regions, images, dim);
    return 0;
}

static int info_images(args *a, const char *path)
{
    if (open_images(a, path)) return EXIT_FAILED;
    const mask_images *m = a->images;
    size_t count = mask_images_count(m), dim = mask_images_dim(m), fewest = SIZE_MAX, most = 0;
    for (size_t i = 0; i < count; i++) {
        size_t regions = mask_images_regions(m, i);
        if (regions < fewest) fewest = regions;
        if (regions > most) most = regions;
    }
    float box[4];
    bool boxes = most && mask_images_box(m, 0, 0, box), names = count && mask_images_name(m, 0);
    if (fewest > most) fewest = most;
    if (a->json)
        return print_json(json_pack("{s:s, s:I, s:I, s:I, s:I, s:b, s:b}", "kind", "images", "images",
                                    (json_int_t)count, "regions", (json_int_t)most, "fewest_regions",
                                    (json_int_t)fewest, "dimensions", (json_int_t)dim, "boxes", boxes, "names", names));
    printf("images         %zu x ", count);
    if (fewest < most) printf("%zu to ", fewest);
    printf("%zu regions x %zu dimensions%s%s\n", most, dim, boxes ? ", with boxes" : "",
           names ? ", with file names" : "");
    return 0;
}

static int info_regions(args *a, const char *path)
{
    mask_extract_info i;
    if (mask_extract_describe(&i, path, &a->err) != MASK_OK) return failed(&a->err);
    if (a->json)
        return print_json(json_pack("{s:s, s:I, s:I, s:I, s:I, s:s}", "kind", "region store", "photos",
                                    (json_int_t)i.photos, "bad", (json_int_t)i.bad, "regions", (json_int_t)i.regions,
                                    "dimensions", (json_int_t)i.dim, "options", i.options));
    printf("region store   %zu photos, %zu regions x %zu dimensions, %zu photos that could not be decoded\n", i.photos,
           i.regions, i.dim, i.bad);
    printf("extracted      with %s; encoder %016llx\n", i.options, (unsigned long long)i.encoder);
    return 0;
}

static int run_info(args *a)
{
    const char *path = a->positional[0];
    char magic[8] = "", inside[4096];
    FILE *file = open_input(path);
    if (file) {
        size_t got = fread(magic, 1, sizeof magic, file);
        fclose(file);
        if (got == sizeof magic && memcmp(magic, "MASKKNOW", 8) == 0) return info_knowledge(a, path);
        if (got == sizeof magic && memcmp(magic, "MASKMVEC", 8) == 0) return info_vectors(a, path);
        if (got == sizeof magic && memcmp(magic, "SQLite f", 8) == 0) return info_regions(a, path);
        if (got == sizeof magic && memcmp(magic, "MASKMENC", 8) == 0) return info_encoder(a, path);
    }
    snprintf(inside, sizeof inside, "%s/catalogue.sqlite", path);
    if (access(inside, R_OK) == 0) return info_gallery(a, path);
    snprintf(inside, sizeof inside, "%s/features.npy", path);
    return access(inside, R_OK) == 0 ? info_labels(a, path) : info_images(a, path);
}

const command command_info = {
    .name = "info",
    .positional = "FILE",
    .summary = "Say what a .mask, a .mvec, a .gallery, a region store, a feature file or a folder of regions holds",
    .examples = "mask info starter.mask\n"
                "mask info photos.gallery --json",
    .options = (const option[]){{"--split", "S", "of a precomp folder"}, {0}},
    .run = run_info,
};

static const char *const kind_names[] = {"known", "OOD", "dropped", "unknown"};

static void print_word(const mask_word *w)
{
    printf("%-16s %-8s", w->token, kind_names[w->kind]);
    if (w->kind == MASK_WORD_KNOWN) printf(" %zu regions", w->count);
    if (w->kind == MASK_WORD_UNKNOWN) printf(" neither a prototype nor a word vector");
    if (strcmp(w->word, w->token) != 0) printf(" as %s", w->word);
    if (*w->reason) printf(" (%s)", w->reason);
    if (w->kind == MASK_WORD_OOD) printf(" weight %.2f, from", w->weight);
    for (size_t i = 0; i < w->neighbour_count && i < SHOWN_NEIGHBOURS; i++)
        printf(" %s %.2f (%.0f%%)", w->neighbours[i].word, w->neighbours[i].cosine, 100 * w->neighbours[i].weight);
    if (w->neighbour_count > SHOWN_NEIGHBOURS) printf(" and %zu more", w->neighbour_count - SHOWN_NEIGHBOURS);
    printf("\n");
}

static int show_words(args *a)
{
    json_t *list = a->json ? json_array() : NULL;
    for (int i = 1; i < a->positional_count; i++) {
        mask_reading reading;
        if (mask_matcher_read(a->matcher, a->positional[i], &reading, &a->err) != MASK_OK) {
            json_decref(list);
            return failed(&a->err);
        }
        for (size_t w = 0; w < reading.count; w++) {
            if (list) json_array_append_new(list, word_json(&reading.words[w]));
            else print_word(&reading.words[w]);
        }
        mask_reading_free(&reading);
    }
    return list ? print_json(list) : 0;
}

static int run_words(args *a)
{
    mask_match_options o;
    int bad = open_knowledge(a, a->positional[0]);
    if (!bad) bad = read_match_options(a, &o);
    if (!bad) bad = open_matcher(a, &o);
    return bad ? bad : show_words(a);
}

const command command_words = {
    .name = "words",
    .positional = "K.mask WORD...",
    .summary = "Show what becomes of words or whole texts: known, OOD with its neighbours, or dropped and why",
    .examples = "mask words starter.mask dog puppy the\n"
                "mask words starter.mask 'two dogs on a beach'",
    .options = (const option[]){MATCH_OPTIONS, {0}},
    .run = run_words,
};

static int run_encode(args *a)
{
    mask_knowledge_info i;
    const char *out = args_text(a, "-o", NULL);
    int bad = open_knowledge(a, a->positional[0]);
    if (!bad) bad = open_images(a, a->positional[1]);
    if (bad) return bad;
    if (mask_knowledge_encode_file(a->knowledge, a->images, out, &a->run, &a->err) != MASK_OK) return failed(&a->err);
    size_t count = mask_images_count(a->images), regions = count ? mask_images_regions(a->images, 0) : 0;
    mask_knowledge_describe(a->knowledge, &i);
    if (a->json)
        return print_json(json_pack("{s:s, s:I, s:I, s:I}", "file", out, "images", (json_int_t)count, "regions",
                                    (json_int_t)regions, "dimensions", (json_int_t)i.dim));
    printf("%s: %zu images x %zu regions x %zu dimensions\n", out, count, regions, i.dim);
    return 0;
}

const command command_encode = {
    .name = "encode",
    .positional = "K.mask IMAGES",
    .summary = "Write the region representations mu of images as a float32 .npy",
    .details = "IMAGES is a *_ims.npy, a precomp folder, a TSV of bottom-up attention or LXMERT, a folder of .npz or "
               "an HDF5 file.",
    .examples = "mask encode mine.mask data/f30k_precomp --split test -o mu.npy",
    .options = (const option[]){{"-o", "MU.npy", "file to write"}, {"--split", "S", "of a folder"}, {0}},
    .needed = "-o",
    .run = run_encode,
};
