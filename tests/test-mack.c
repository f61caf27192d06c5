/* MACK's files as a knowledge: what is kept, that it matches as if it had been learned, and what is refused. */
#include "made.h"
#include "matching.h"

enum { ROWS = 60, M = 6, N = 5, WORDS = 8, VECTORS = 10, IMAGES = 7, REGIONS = 4, TEXTS = 5 };

typedef struct world {
    mask_vectors *vectors;
    mask_knowledge *learned;
    mask_images *images;
    mask_texts *texts;
} world;

static void make_world(world *w)
{
    mask_error err;
    uint64_t random = 3;
    float vectors[VECTORS * N], features[ROWS * M], images[IMAGES * REGIONS * M];
    char labels[ROWS][64];
    char lines[TEXTS][64];
    const char *list[TEXTS];
    for (size_t i = 0; i < VECTORS * N; i++) vectors[i] = made_number(&random);
    for (size_t i = 0; i < ROWS * M; i++) features[i] = made_number(&random);
    for (size_t i = 0; i < IMAGES * REGIONS * M; i++) images[i] = made_number(&random);
    for (size_t r = 0; r < ROWS; r++) snprintf(labels[r], sizeof labels[r], "%s", made_word(r % WORDS));
    for (size_t t = 0; t < TEXTS; t++) { /* the second word has a vector, and in places no prototype */
        snprintf(lines[t], sizeof lines[t], "a %.3s and %.3s", made_word(t), made_word(t + 5));
        list[t] = lines[t];
    }
    w->vectors = made_vectors(vectors, VECTORS, N);
    w->images = made_images("images.npy", images, IMAGES, REGIONS, M);
    check_ok(mask_texts_create(&w->texts, list, TEXTS, &err));
    mask_labels *l = made_labels(features, ROWS, M, labels, 4);
    mask_learn_options o = mask_learn_section9();
    o.representation = MASK_REPRESENTATION_NONE;
    o.prototype_shrink = 0;
    check_ok(mask_knowledge_learn(&w->learned, l, w->vectors, &o, NULL, &err));
    mask_labels_close(l);
}

static void free_world(world *w)
{
    mask_vectors_close(w->vectors);
    mask_knowledge_close(w->learned);
    mask_images_close(w->images);
    mask_texts_close(w->texts);
}

/* The learned prototypes as MACK's two files; as_list: ["word", ...], else {"word": row, ...} in reverse. */
static void save_as_mack(const mask_knowledge *k, bool as_list, const char *vocabulary, const char *prototypes)
{
    float values[WORDS * M];
    FILE *file = fopen(vocabulary, "w");
    fprintf(file, "%s", as_list ? "[" : "{");
    for (size_t i = 0; i < WORDS; i++) {
        memcpy(values + i * M, mask_knowledge_prototype(k, i), M * sizeof *values);
        size_t row = as_list ? i : WORDS - 1 - i;
        fprintf(file, "%s\"%s\"", i ? ", " : "", mask_knowledge_word(k, row, NULL));
        if (!as_list) fprintf(file, ": %zu", row);
    }
    fprintf(file, "%s", as_list ? "]" : "}");
    fclose(file);
    made_npy(prototypes, 2, (size_t[]){WORDS, M}, values);
}

static void score(const world *w, const mask_knowledge *k, mask_ood ood, float *scores)
{
    mask_error err;
    mask_match_options o = mask_match_defaults(k);
    o.ood = ood;
    check_ok(match_scores(k, w->vectors, w->images, w->texts, &o, scores, NULL, NULL, &err));
}

static void imported_is_as_good_as_learned(void **state)
{
    (void)state;
    mask_error err;
    world w;
    mask_knowledge *imported, *opened;
    mask_import_report report;
    char vocabulary[256], prototypes[256], path[256];
    float want[TEXTS * IMAGES], got[TEXTS * IMAGES];
    snprintf(vocabulary, sizeof vocabulary, "%s", temp_path("vocabulary.json"));
    snprintf(prototypes, sizeof prototypes, "%s", temp_path("prototypes.npy"));
    snprintf(path, sizeof path, "%s", temp_path("imported.mask"));
    make_world(&w);
    for (int as_list = 0; as_list < 2; as_list++) {
        save_as_mack(w.learned, as_list, vocabulary, prototypes);
        check_ok(mask_knowledge_import(&imported, vocabulary, prototypes, w.vectors, "a command", &report, &err));
        check_ok(mask_knowledge_save(imported, path, &err));
        mask_knowledge_close(imported);
        check_ok(mask_knowledge_open(&opened, path, NULL, &err));
        assert_int_equal(report.kept, WORDS);
        for (mask_ood ood = MASK_OOD_OFF; ood <= MASK_OOD_NEIGHBOURS; ood++) {
            score(&w, w.learned, ood, want);
            score(&w, opened, ood, got);
            for (size_t i = 0; i < TEXTS * IMAGES; i++) assert_true(fabsf(got[i] - want[i]) < 1e-6f);
        }
        mask_knowledge_close(opened);
    }
    free_world(&w);
}

/* No image tells which words go together, and yet it can be calibrated. */
static void imported_can_be_calibrated(void **state)
{
    (void)state;
    mask_error err;
    world w;
    mask_knowledge *imported, *calibrated;
    char vocabulary[256], prototypes[256];
    float scores[TEXTS * IMAGES];
    snprintf(vocabulary, sizeof vocabulary, "%s", temp_path("vocabulary.json"));
    snprintf(prototypes, sizeof prototypes, "%s", temp_path("prototypes.npy"));
    make_world(&w);
    save_as_mack(w.learned, true, vocabulary, prototypes);
    check_ok(mask_knowledge_import(&imported, vocabulary, prototypes, w.vectors, NULL, NULL, &err));
    mask_match_options o = mask_match_tuned();
    o.scene = 0;
    check_ok(mask_knowledge_calibrate(&calibrated, imported, w.vectors, w.images, w.texts, &o, NULL, &err));
    score(&w, calibrated, MASK_OOD_NEIGHBOURS, scores);
    for (size_t i = 0; i < TEXTS * IMAGES; i++) assert_true(isfinite(scores[i]));
    mask_knowledge_close(calibrated);
    mask_knowledge_close(imported);
    free_world(&w);
}

static void what_cannot_match_is_left_out(void **state)
{
    (void)state;
    mask_error err;
    world w;
    mask_knowledge *k;
    mask_import_report report;
    char vocabulary[256], prototypes[256];
    float values[5 * 2] = {1, 2, 0, 0, 3, 4, 5, 6, 7, 8};
    size_t count;
    snprintf(vocabulary, sizeof vocabulary, "%s", temp_path("vocabulary.json"));
    snprintf(prototypes, sizeof prototypes, "%s", temp_path("prototypes.npy"));
    make_world(&w);
    made_npy(prototypes, 2, (size_t[]){5, 2}, values);
    write_text(vocabulary, "[\"Zaa\", \"zab\", \"nowhere\", \"zaa\", \"zac\"]");
    check_ok(mask_knowledge_import(&k, vocabulary, prototypes, w.vectors, NULL, &report, &err));
    assert_int_equal(report.listed, 5);
    assert_int_equal(report.kept, 2);
    assert_int_equal(report.no_prototype, 1);
    assert_int_equal(report.no_vector, 1);
    assert_int_equal(report.repeated, 1);
    assert_string_equal(mask_knowledge_word(k, 0, &count), "zaa");
    assert_int_equal(count, 1);
    assert_true(mask_knowledge_prototype(k, 1)[0] == 7);
    mask_knowledge_close(k);
    const struct {
        const char *text, *part;
        mask_status status;
    } bad[] = {{"{\"zaa\": 5}", "row 5 of 5 prototypes", MASK_EFORMAT},
               {"{\"zaa\": 1, \"zab\": 1}", "a second word, 'zab'", MASK_EFORMAT},
               {"{\"zaa\": -1}", "needs one object", MASK_EFORMAT},
               {"{\"zaa\": 1e99}", "needs one object", MASK_EFORMAT},
               {"{\"zaa\": \"1\"}", "needs one object", MASK_EFORMAT},
               {"{\"zaa\": {\"index\": 1}}", "needs one object", MASK_EFORMAT},
               {"[\"zaa\", 1]", "needs one object", MASK_EFORMAT},
               {"[[\"zaa\"]]", "needs one object", MASK_EFORMAT},
               {"[\"a\", \"b\", \"c\", \"d\", \"e\", \"f\"]", "row 5 of 5", MASK_EFORMAT},
               {"3", "needs one object", MASK_EFORMAT},
               {"[]", "holds no words", MASK_EFORMAT},
               {"{\"z\\u0000a\": 1}", "NUL", MASK_EFORMAT},
               {"{\"zaa\": 1", "cut or not JSON", MASK_EFORMAT},
               {"[\"nowhere\"]", "none of its 1 words", MASK_EMISMATCH}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        write_text(vocabulary, bad[i].text);
        check_fails(mask_knowledge_import(&k, vocabulary, prototypes, w.vectors, NULL, NULL, &err), bad[i].status,
                    bad[i].part);
        assert_null(k);
    }
    write_text(vocabulary, "[\"zaa\"]");
    made_npy(prototypes, 1, (size_t[]){5}, values);
    check_fails(mask_knowledge_import(&k, vocabulary, prototypes, w.vectors, NULL, NULL, &err), MASK_EFORMAT,
                "words x features");
    values[1] = NAN;
    made_npy(prototypes, 2, (size_t[]){5, 2}, values);
    check_fails(mask_knowledge_import(&k, vocabulary, prototypes, w.vectors, NULL, NULL, &err), MASK_ENUMERIC,
                "row 0 (zaa)");
    free_world(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(imported_is_as_good_as_learned),
                                       cmocka_unit_test(imported_can_be_calibrated),
                                       cmocka_unit_test(what_cannot_match_is_left_out)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
