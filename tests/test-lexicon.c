/* What becomes of the words of a text: the order in which a token is looked up, compounds, hyphens, what is dropped,
 * and an OOD word's neighbours and weight. WordNet is the real one; the vectors and labels are made here. */
#include "made.h"
#include "matching.h"
#include "knowledge/lexicon.h"

enum { N = 5, M = 4, MOST_WORDS = 40 };

static const char *const vector_words[] = {
    "dog",     "dogs",  "man",  "run",  "running", "hot", "goose", "brown", "zebra", "white", "haired", "blond",
    "t-shirt", "leave", "leaf", "gray", "weeping", "cat", "snow",  "well",  "ice",   "cream", "cheese", "speedboat",
};
enum { VECTORS = sizeof vector_words / sizeof *vector_words };

static const char *const label_texts[] = {"dog",     "hot dog", "man",  "run",       "goose",        "brown dog",
                                          "t-shirt", "leave",   "well", "ice cream", "cream cheese", "speedboat"};
enum { LABELS = sizeof label_texts / sizeof *label_texts };

typedef struct world {
    mask_vectors *vectors;
    mask_knowledge *knowledge;
    float values[VECTORS * N];
} world;

static void make_world(world *w, mask_tokens rule)
{
    mask_error err;
    uint64_t random = 3;
    float features[LABELS * M];
    static char labels[LABELS][64];
    for (size_t i = 0; i < VECTORS * N; i++) w->values[i] = made_number(&random);
    for (size_t i = 0; i < LABELS * M; i++) features[i] = made_number(&random) + 2;
    for (size_t i = 0; i < LABELS; i++) snprintf(labels[i], sizeof labels[i], "%s", label_texts[i]);
    w->vectors = made_word_vectors(vector_words, w->values, VECTORS, N);
    mask_labels *l = made_labels(features, LABELS, M, labels, 2);
    mask_learn_options o = mask_learn_section9();
    o.representation = MASK_REPRESENTATION_NONE;
    o.tokens = rule;
    o.min_count = 1;
    check_ok(mask_knowledge_learn(&w->knowledge, l, w->vectors, &o, NULL, &err));
    mask_labels_close(l);
}

static void free_world(world *w)
{
    mask_knowledge_close(w->knowledge);
    mask_vectors_close(w->vectors);
}

/* The reading as one line: "token=kind:word(reason)", kinds K, O, D and ?. */
static const char *read_line(const world *w, const char *text, bool ood)
{
    static char line[1024];
    mask_error err;
    mask_reading reading;
    mask_match_options o = mask_match_plain();
    if (!ood) o.ood = MASK_OOD_OFF;
    check_ok(match_read(&reading, w->knowledge, ood ? w->vectors : NULL, text, &o, &err));
    line[0] = '\0';
    for (size_t i = 0; i < reading.count; i++) {
        const mask_word *r = &reading.words[i];
        snprintf(line + strlen(line), sizeof line - strlen(line), "%s%s=%c:%s(%s)", i ? " " : "", r->token,
                 "KOD?"[r->kind], r -> word, r -> reason);
        assert_int_equal(r->weight > 0, r->kind == MASK_WORD_KNOWN || r->kind == MASK_WORD_OOD);
        assert_int_equal(r->count > 0, r->kind == MASK_WORD_KNOWN);
        assert_int_equal(r->neighbour_count > 0, r->kind == MASK_WORD_OOD);
    }
    mask_reading_free(&reading);
    return line;
}

static void check_reading(const world *w, bool ood, const char *text, const char *want)
{
    const char *got = read_line(w, text, ood);
    if (strcmp(got, want) != 0) fail_msg("'%s' is read as\n%s, not\n%s", text, got, want);
}

static void tokens_are_looked_up_in_order(void **state)
{
    (void)state;
    world w;
    make_world(&w, MASK_TOKENS_CAPTION);
    check_reading(&w, true, "dog", "dog=K:dog()");
    check_reading(&w, true, "Dogs", "dogs=K:dog(lemma)"); /* the noun's base form before the vector of "dogs" */
    check_reading(&w, true, "geese", "geese=K:goose(lemma)");
    check_reading(&w, true, "running", "running=O:running()");  /* a vector before what is no noun's base form */
    check_reading(&w, true, "ran", "ran=K:run(lemma)");         /* and that last, where there is no vector */
    check_reading(&w, true, "leaves", "leaves=K:leave(lemma)"); /* leaf is its first noun, but not known */
    check_reading(&w, true, "better", "better=K:well(lemma)");
    check_reading(&w, true, "zebras", "zebras=O:zebra(lemma)"); /* no vector as it stands, one of its base form */
    check_reading(&w, true, "giraffes", "giraffes=?:giraffes()");
    check_reading(&w, true, "the dog dogs the dog",
                  "the=D:the(article) dog=K:dog() dogs=K:dog(lemma) "
                  "the=D:the(article) dog=K:dog()");
    free_world(&w);
}

static void without_vectors_there_are_no_ood_words(void **state)
{
    (void)state;
    world w;
    make_world(&w, MASK_TOKENS_CAPTION);
    check_reading(&w, false, "dogs", "dogs=K:dog(lemma)");
    check_reading(&w, false, "running", "running=K:run(lemma)"); /* nothing better */
    check_reading(&w, false, "cat", "cat=?:cat()");
    free_world(&w);
}

static void a_compound_takes_the_place_of_its_parts(void **state)
{
    (void)state;
    world w;
    make_world(&w, MASK_TOKENS_CAPTION);
    static const char part[] = "(part of what follows)";
    char want[256];
    snprintf(want, sizeof want, "hot=D:hot%s dog=D:dog%s hot dog=K:hot_dog(compound)", part, part);
    check_reading(&w, true, "hot dog", want);
    snprintf(want, sizeof want, "hot=D:hot%s dogs=D:dogs%s hot dogs=K:hot_dog(compound) dog=K:dog()", part, part);
    check_reading(&w, true, "hot dogs dog", want);
    /* A word belongs to one compound at most: to the first. */
    snprintf(want, sizeof want, "ice=D:ice%s cream=D:cream%s ice cream=K:ice_cream(compound) cheese=K:cheese()", part,
             part);
    check_reading(&w, true, "ice cream cheese", want);
    snprintf(want, sizeof want, "hot=K:hot() hot=D:hot%s dog=D:dog%s hot dog=K:hot_dog(compound)", part, part);
    check_reading(&w, true, "hot hot dog", want);
    /* However it is spelled. */
    check_reading(&w, true, "hotdog hotdogs", "hotdog=K:hot_dog(compound) hotdogs=K:hot_dog(compound)");
    check_reading(&w, true, "speed-boat", "speed-boat=K:speedboat(compound)");
    snprintf(want, sizeof want, "speed=D:speed%s boats=D:boats%s speed boats=K:speedboat(compound)", part, part);
    check_reading(&w, true, "speed boats", want);
    check_reading(&w, true, "dog hot", "dog=K:dog() hot=K:hot()");
    check_reading(&w, true, "brown dog", "brown=K:brown() dog=K:dog()"); /* two words, and no compound */
    free_world(&w);
}

static void hyphenated_tokens_count_as_their_parts(void **state)
{
    (void)state;
    world w;
    make_world(&w, MASK_TOKENS_CAPTION);
    check_reading(&w, true, "t-shirt", "t-shirt=K:t-shirt()");
    check_reading(&w, true, "t-shirts", "t-shirts=K:t-shirt(lemma)");
    check_reading(&w, true, "brown-haired",
                  "brown-haired=D:brown-haired(part of what follows) brown=K:brown() "
                  "haired=O:haired()");
    check_reading(&w, true, "dog-", "dog-=D:dog-(part of what follows) dog=K:dog()");
    check_reading(&w, true, "dog-the-brown",
                  "dog-the-brown=D:dog-the-brown(part of what follows) dog=K:dog() "
                  "the=D:the(article) brown=K:brown()");
    free_world(&w);
}

static void what_is_no_word_is_dropped(void **state)
{
    (void)state;
    world w;
    mask_error err;
    mask_reading reading;
    make_world(&w, MASK_TOKENS_CAPTION);
    check_ok(match_read(&reading, w.knowledge, w.vectors, "A dog, 2 of them!", NULL, &err));
    size_t known = 0, dropped = 0;
    for (size_t i = 0; i < reading.count; i++) {
        known += reading.words[i].kind == MASK_WORD_KNOWN;
        dropped += reading.words[i].kind == MASK_WORD_DROPPED && reading.words[i].reason[0];
    }
    assert_int_equal(reading.count, 7);
    assert_int_equal(known, 1);
    assert_int_equal(dropped, 6);
    mask_reading_free(&reading);
    check_ok(match_read(&reading, w.knowledge, w.vectors, "", NULL, &err));
    assert_int_equal(reading.count, 0);
    mask_reading_free(&reading);
    check_fails(match_read(&reading, w.knowledge, w.vectors, "dog \xFF", NULL, &err), MASK_EFORMAT, "UTF-8");
    assert_null(reading.words);
    assert_int_equal(reading.count, 0);
    free_world(&w);
}

static void by_letters_words_stand_as_they_are(void **state)
{
    (void)state;
    world w;
    make_world(&w, MASK_TOKENS_LETTERS);
    check_reading(&w, true, "the hot dogs ran t-shirts",
                  "the=D:the(article) hot=K:hot() dogs=O:dogs() ran=?:ran() shirts=?:shirts()");
    check_reading(&w, true, "hot dog", "hot=K:hot() dog=K:dog()");
    free_world(&w);
}

/* Eq. 11-12 of an OOD word from the made vectors, and the weight that follows from its nearness. */
static void neighbours_and_weight_of_an_ood_word(void **state)
{
    (void)state;
    world w;
    mask_error err;
    mask_reading reading;
    mask_match_options o = mask_match_plain();
    make_world(&w, MASK_TOKENS_LETTERS);
    o.ood_neighbours = 3;
    o.ood_temperature = 0.5f;
    check_ok(match_read(&reading, w.knowledge, w.vectors, "zebra", &o, &err));
    assert_int_equal(reading.count, 1);
    assert_int_equal(reading.words[0].neighbour_count, 3);
    mask_knowledge_info info;
    mask_knowledge_describe(w.knowledge, &info);
    double cosines[MOST_WORDS], sum = 0, near = 0;
    bool taken[MOST_WORDS] = {false};
    for (size_t k = 0; k < info.words; k++) {
        double dot = 0, a = 0, b = 0;
        const float *query = w.values + 8 * N, *known = NULL;
        for (size_t v = 0; v < VECTORS; v++)
            if (strcmp(vector_words[v], mask_knowledge_word(w.knowledge, k, NULL)) == 0) known = w.values + v * N;
        assert_non_null(known);
        for (size_t d = 0; d < N; d++) {
            dot += (double)query[d] * known[d];
            a += (double)query[d] * query[d];
            b += (double)known[d] * known[d];
        }
        cosines[k] = dot / sqrt(a * b);
    }
    size_t order[5];
    for (size_t q = 0; q < 5; q++) {
        order[q] = SIZE_MAX;
        for (size_t k = 0; k < info.words; k++)
            if (!taken[k] && (order[q] == SIZE_MAX || cosines[k] > cosines[order[q]])) order[q] = k;
        taken[order[q]] = true;
        near += cosines[order[q]] / 5;
        if (q < 3) sum += exp(cosines[order[q]] / 0.5);
    }
    for (size_t q = 0; q < 3; q++) {
        const mask_word_neighbour *got = &reading.words[0].neighbours[q];
        assert_string_equal(got->word, mask_knowledge_word(w.knowledge, order[q], NULL));
        assert_true(fabs(got->cosine - cosines[order[q]]) < 1e-5);
        assert_true(fabs(got->weight - exp(cosines[order[q]] / 0.5) / sum) < 1e-5);
    }
    assert_true(fabs(reading.words[0].weight - fmax(0.05, near - 0.2)) < 1e-5);
    mask_reading_free(&reading);
    o.ood_weight = 0.7f;
    check_ok(match_read(&reading, w.knowledge, w.vectors, "zebra", &o, &err));
    assert_true(reading.words[0].weight == 0.7f);
    mask_reading_free(&reading);
    free_world(&w);
}

/* Texts become lists of terms: repeats stay, occurrences are counted, a term is found again under every token. */
static void texts_become_terms(void **state)
{
    (void)state;
    world w;
    mask_error err;
    mask__lexicon l;
    make_world(&w, MASK_TOKENS_CAPTION);
    check_ok(mask__lexicon_open(&l, w.knowledge, w.vectors, &err));
    check_ok(mask__lexicon_add_text(&l, "dogs and a dog and zebras", &err));
    check_ok(mask__lexicon_add_text(&l, "the", &err));
    check_ok(mask__lexicon_add_text(&l, "zebra giraffe hot dog", &err));
    static const size_t at[] = {0, 3, 3, 5};
    assert_int_equal(l.texts, 3);
    assert_memory_equal(l.text_at, at, sizeof at);
    static const char *const terms[] = {"dog", "dog", "zebra", "zebra", "hot_dog"};
    for (size_t i = 0; i < 5; i++)
        assert_int_equal(l.text_terms[i], mask__strings_find(&l.names, terms[i], strlen(terms[i])));
    assert_int_equal(l.ood_count, 1);
    assert_int_equal(l.known, 3);
    assert_int_equal(l.ood, 2);
    assert_int_equal(l.unusable, 1);
    assert_true(l.terms[l.text_terms[0]].known != MASK__NOT_FOUND);
    assert_true(l.terms[l.text_terms[2]].known == MASK__NOT_FOUND);
    mask__lexicon_close(&l);
    free_world(&w);
}

/* Row `term` of values is unit(row base + weight x row modifier). */
static void check_mixture(const float *rows, size_t z, uint32_t term, uint32_t base, uint32_t modifier, float weight)
{
    double length = 0, mixed[64];
    for (size_t d = 0; d < z; d++) {
        mixed[d] = rows[base * z + d] + weight * rows[modifier * z + d];
        length += mixed[d] * mixed[d];
    }
    for (size_t d = 0; d < z; d++) assert_true(fabs(rows[term * z + d] - mixed[d] / sqrt(length)) < 1e-6);
}

/* A noun with a modifier is a term of its own, mixed from both; nothing else changes. */
static void nouns_take_their_modifiers(void **state)
{
    (void)state;
    world w;
    mask_error err;
    mask__lexicon l;
    const char *path = temp_path("modifiers.tsv");
    make_world(&w, MASK_TOKENS_CAPTION);
    size_t z = w.knowledge->info.dim;
    write_text(path, "0\t1\t2\n1\t0\t1\n1\t2\t3\n2\t0\t1\n2\t1\t3\n");
    check_ok(mask__lexicon_open(&l, w.knowledge, w.vectors, &err));
    check_ok(mask__modifiers_open(&l.modifiers, path, &err));
    check_ok(mask__lexicon_add_text(&l, "the zebra dog", &err));
    check_ok(mask__lexicon_add_text(&l, "the dog giraffe dog", &err)); /* neither "the" nor "giraffe" is a term */
    check_ok(mask__lexicon_add_text(&l, "dog zebra hot dog", &err));   /* "dog" is a part of the compound */
    static const size_t at[] = {0, 2, 4, 7};
    static const char *const terms[] = {"zebra", "zebra dog", "dog", "dog", "dog", "dog zebra", "hot_dog"};
    assert_memory_equal(l.text_at, at, sizeof at);
    for (size_t i = 0; i < 7; i++)
        assert_int_equal(l.text_terms[i], mask__strings_find(&l.names, terms[i], strlen(terms[i])));
    assert_int_equal(l.ood_count, 1);
    mask_match_options o = mask_match_plain();
    o.adjective = 0.5f;
    mask__arena arena = {0};
    mask__term_values v;
    check_ok(mask__term_values_make(&v, &l, &o, &arena, &err));
    uint32_t zebra = l.text_terms[0], zebra_dog = l.text_terms[1], dog = l.text_terms[2], dog_zebra = l.text_terms[5];
    check_mixture(v.prototypes, z, zebra_dog, dog, zebra, 0.5f);
    check_mixture(v.prototypes, z, dog_zebra, zebra, dog, 0.5f);
    assert_true(v.weights[zebra_dog] == v.weights[dog] && v.weights[dog_zebra] == v.weights[zebra]);
    mask__arena_free(&arena);
    mask__lexicon_close(&l);
    free_world(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tokens_are_looked_up_in_order),
        cmocka_unit_test(without_vectors_there_are_no_ood_words),
        cmocka_unit_test(a_compound_takes_the_place_of_its_parts),
        cmocka_unit_test(hyphenated_tokens_count_as_their_parts),
        cmocka_unit_test(what_is_no_word_is_dropped),
        cmocka_unit_test(by_letters_words_stand_as_they_are),
        cmocka_unit_test(neighbours_and_weight_of_an_ood_word),
        cmocka_unit_test(texts_become_terms),
        cmocka_unit_test(nouns_take_their_modifiers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
