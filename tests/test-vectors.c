/* The .mvec: round trips, lookup, nearest rows against a naive twin, refusal of cut, changed and forged files. */
#include "imported.h"
#include "base/pack.h"
#include "math/half.h"

#include <math.h>

enum { ROWS = 3000, DIM = 37 };

/* A GloVe file of ROWS random rows, `zero` among them all zeros; values gets them as floats. */
static void write_random(const char *path, float *values, size_t zero)
{
    unsigned seed = 11;
    FILE *file = fopen(path, "w");
    for (size_t row = 0; row < ROWS; row++) {
        fprintf(file, "w%zu", row);
        for (size_t d = 0; d < DIM; d++) {
            float value = row == zero ? 0 : (float)rand_r(&seed) / (float)RAND_MAX - 0.4f;
            values[row * DIM + d] = value;
            fprintf(file, " %.9g", value);
        }
        fputc('\n', file);
    }
    fclose(file);
}

static void round_trip(void **state)
{
    (void)state;
    mask_vectors *full, *half, *again;
    static float values[ROWS * DIM];
    float got[DIM], expected[DIM];
    uint16_t rounded[DIM];
    const char *from = temp_path("random.txt"), *to = temp_path("random.mvec"), *to_half = temp_path("half.mvec"),
               *to_again = temp_path("again.mvec");
    const mask_vectors_import_options half_options = {.size = sizeof(mask_vectors_import_options), .bits = 16};
    write_random(from, values, 5);
    check_ok(mask_vectors_import(from, to, NULL, NULL, &err));
    check_ok(mask_vectors_import(from, to_half, &half_options, NULL, &err));
    check_ok(mask_vectors_import(to, to_again, &half_options, NULL, &err)); /* a .mvec is an input too */
    check_ok(mask_vectors_open(&full, to, NULL, &err));
    check_ok(mask_vectors_open(&half, to_half, NULL, &err));
    check_ok(mask_vectors_open(&again, to_again, NULL, &err));
    assert_string_equal(mask_vectors_path(full), to);
    assert_true(mask_vectors_fingerprint(again) == mask_vectors_fingerprint(half));
    assert_true(mask_vectors_fingerprint(full) != mask_vectors_fingerprint(half));
    for (size_t row = 0; row < ROWS; row++) {
        char word[16];
        size_t length = (size_t)snprintf(word, sizeof word, "w%zu", row);
        assert_int_equal(mask_vectors_find(full, word, length), row);
        assert_int_equal(mask_vectors_find(half, word, length), row);
        word[0] = 'v';
        assert_int_equal(mask_vectors_find(full, word, length), -1);
        mask_vectors_get(full, row, got);
        assert_memory_equal(got, values + row * DIM, sizeof got);
        mask__float_to_half(got, rounded, DIM);
        mask__half_to_float(rounded, expected, DIM);
        mask_vectors_get(half, row, got);
        assert_memory_equal(got, expected, sizeof got);
    }
    mask_vectors_close(full);
    mask_vectors_close(half);
    mask_vectors_close(again);
    write_text(from, "dog 1 70000\n");
    check_fails(mask_vectors_import(from, to, &half_options, NULL, &err), MASK_EFORMAT, "too large for float16");
}

/* Every number within half a step, the row's largest exactly; verified, found, and a damaged scale is seen. */
static void eight_bits(void **state)
{
    (void)state;
    mask_vectors *v;
    static float values[ROWS * DIM];
    float got[DIM];
    const char *from = temp_path("random8.txt"), *to = temp_path("random8.mvec"), *again = temp_path("again8.mvec");
    const mask_vectors_import_options options = {.size = sizeof(mask_vectors_import_options), .bits = 8};
    write_random(from, values, 7);
    memset(values + DIM, 0, DIM * sizeof *values);
    check_ok(mask_vectors_import(from, to, &options, NULL, &err));
    check_ok(mask_vectors_open(&v, to, NULL, &err));
    check_ok(mask_vectors_verify(v, &err));
    uint64_t fingerprint = mask_vectors_fingerprint(v);
    for (size_t row = 2; row < ROWS; row++) {
        float largest = 0;
        for (size_t i = 0; i < DIM; i++) largest = fmaxf(largest, fabsf(values[row * DIM + i]));
        mask_vectors_get(v, row, got);
        for (size_t i = 0; i < DIM; i++) assert_true(fabsf(got[i] - values[row * DIM + i]) <= largest / 127 * 0.5001f);
    }
    float query[DIM];
    mask_neighbour near[1];
    size_t found;
    mask_vectors_get(v, 3, query);
    check_ok(mask_vectors_near(v, query, 1, near, &found, NULL, &err));
    assert_int_equal(near[0].row, 3);
    assert_true(near[0].cosine > 0.9999f);
    mask_vectors_close(v);
    check_ok(mask_vectors_import(to, again, &options, NULL, &err)); /* rounding what is rounded changes nothing */
    check_ok(mask_vectors_open(&v, again, NULL, &err));
    assert_true(mask_vectors_fingerprint(v) == fingerprint);
    mask_vectors_close(v);
    write_text(from, "zero 0 0\ndog 1 -2\n");
    check_ok(mask_vectors_import(from, to, &options, NULL, &err));
    check_ok(mask_vectors_open(&v, to, NULL, &err));
    mask_vectors_get(v, 0, got);
    assert_true(got[0] == 0 && got[1] == 0);
    mask_vectors_close(v);
    check_fails(mask_vectors_import(
                    from, to, &(mask_vectors_import_options){.size = sizeof(mask_vectors_import_options), .bits = 4},
                    NULL, &err),
                MASK_EINVAL, "bits 4: must be");
}

static void only_what_is_to_keep(void **state)
{
    (void)state;
    mask_vectors *v;
    const char *from = temp_path("all.txt"), *list = temp_path("keep.txt"), *to = temp_path("kept.mvec");
    mask_vectors_import_options options = mask_vectors_import_defaults();
    options.keep = list;
    write_text(from, "dog 1 2\ncat 3 4\nbird 5 6\n");
    write_text(list, "bird\n\nhorse\ndog\n");
    check_ok(mask_vectors_import(from, to, &options, NULL, &err));
    check_ok(mask_vectors_open(&v, to, NULL, &err));
    assert_int_equal(mask_vectors_count(v), 2);
    assert_int_equal(mask_vectors_find(v, "dog", 3), 0);
    assert_int_equal(mask_vectors_find(v, "bird", 4), 1);
    assert_int_equal(mask_vectors_find(v, "cat", 3), -1);
    mask_vectors_close(v);
    write_text(list, "horse\n");
    check_fails(mask_vectors_import(from, to, &options, NULL, &err), MASK_EFORMAT, "none of the tokens to keep");
    options.keep = temp_path("absent.txt");
    check_fails(mask_vectors_import(from, to, &options, NULL, &err), MASK_EIO, "absent.txt");
}

static void fingerprint_tells_words_and_numbers(void **state)
{
    (void)state;
    static const char *const texts[] = {GLOVE, "the 0.1 -0.2 3\ndog 1e-3 .5 -7\ncat 4 5 7\n",
                                        "the 0.1 -0.2 3\ndog 1e-3 .5 -7\ncow 4 5 6\n",
                                        "thed 0.1 -0.2 3\nog 1e-3 .5 -7\ncat 4 5 6\n", GLOVE};
    uint64_t prints[5];
    for (size_t i = 0; i < 5; i++) {
        mask_vectors *v = open_text(texts[i]);
        prints[i] = mask_vectors_fingerprint(v);
        mask_vectors_close(v);
    }
    for (size_t i = 0; i < 4; i++)
        for (size_t j = 0; j < i; j++) assert_true(prints[i] != prints[j]);
    assert_true(prints[0] == prints[4]);
}

/* Ranks all rows by cosine in double and compares. */
static void near_as_naive(const mask_vectors *v, size_t query_row, size_t k)
{
    static double cosines[ROWS];
    float query[DIM], row_values[DIM];
    mask_neighbour *near = calloc(k + 1, sizeof *near);
    size_t found, count = mask_vectors_count(v);
    mask_vectors_get(v, query_row, query);
    for (size_t row = 0; row < count; row++) {
        double dot = 0, a = 0, b = 0;
        mask_vectors_get(v, row, row_values);
        for (size_t d = 0; d < DIM; d++) {
            dot += (double)query[d] * row_values[d];
            a += (double)query[d] * query[d];
            b += (double)row_values[d] * row_values[d];
        }
        cosines[row] = b > 0 ? dot / sqrt(a * b) : 0;
    }
    check_ok(mask_vectors_near(v, query, k, near, &found, NULL, &err));
    assert_int_equal(found, k < count ? k : count);
    assert_int_equal(near[0].row, query_row);
    for (size_t i = 0; i < found; i++) {
        assert_true(fabs(near[i].cosine - cosines[near[i].row]) < 1e-5);
        assert_true(i == 0 || near[i - 1].cosine >= near[i].cosine);
        cosines[near[i].row] = -2;
    }
    for (size_t row = 0; row < count; row++)
        assert_true(found == count || cosines[row] <= near[found - 1].cosine + 1e-5);
    free(near);
}

static void near_agrees_with_a_naive_twin(void **state)
{
    (void)state;
    static float values[ROWS * DIM];
    const char *from = temp_path("near.txt"), *to = temp_path("near.mvec");
    write_random(from, values, 17);
    for (int half = 0; half < 2; half++) {
        mask_vectors *v;
        check_ok(mask_vectors_import(
            from, to,
            &(mask_vectors_import_options){.size = sizeof(mask_vectors_import_options), .bits = half ? 16 : 32}, NULL,
            &err));
        check_ok(mask_vectors_open(&v, to, NULL, &err));
        near_as_naive(v, 0, 1);
        near_as_naive(v, 1234, 25);
        near_as_naive(v, ROWS - 1, ROWS + 10);
        mask_neighbour one[50], three[50];
        size_t found;
        check_ok(mask_vectors_near(v, values, 50, one, &found, &(mask_run){.threads = 1}, &err));
        check_ok(mask_vectors_near(v, values, 50, three, &found, &(mask_run){.threads = 3}, &err));
        for (size_t i = 0; i < 50; i++) {
            assert_int_equal(one[i].row, three[i].row);
            assert_true(one[i].cosine == three[i].cosine);
        }
        mask_vectors_close(v);
    }
}

static int stop_when(void *user, const char *what, const char *unit, uint64_t done, uint64_t total)
{
    (void)what, (void)unit, (void)done, (void)total;
    int *calls = user;
    return (*calls)-- == 0;
}

static void near_has_fixed_ties_and_refuses_bad_queries(void **state)
{
    (void)state;
    mask_neighbour near[5];
    size_t found = 9;
    int calls = 0;
    mask_vectors *v = open_text("a 0 2\nb 1 0\nc 0 1\nzero 0 0\nd 0 -3\n");
    check_ok(mask_vectors_near(v, (float[]){0, 1e30f}, 5, near, &found, NULL, &err));
    assert_int_equal(found, 5);
    const size_t rows[] = {0, 2, 1, 3, 4};
    const float cosines[] = {1, 1, 0, 0, -1};
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(near[i].row, rows[i]);
        assert_true(near[i].cosine == cosines[i]);
    }
    check_ok(mask_vectors_near(v, (float[]){0, 1}, 0, NULL, &found, NULL, &err));
    assert_int_equal(found, 0);
    check_fails(mask_vectors_near(v, (float[]){0, 0}, 5, near, &found, NULL, &err), MASK_EINVAL, "no direction");
    check_fails(mask_vectors_near(v, (float[]){1, NAN}, 5, near, &found, NULL, &err), MASK_EINVAL, "number 2");
    check_fails(mask_vectors_near(v, (float[]){1, 0}, 5, near, &found,
                                  &(mask_run){.progress = stop_when, .user = &calls}, &err),
                MASK_ECANCELLED, "stopped");
    assert_int_equal(found, 0);
    mask_vectors_close(v);
}

static void every_cut_of_a_mvec_is_refused(void **state)
{
    (void)state;
    size_t size;
    mask_vectors *v;
    const char *whole = temp_path("whole.mvec"), *bad = temp_path("bad.mvec");
    check_ok(import_bytes(whole, GLOVE, strlen(GLOVE), NULL));
    char *data = read_whole(whole, &size);
    for (size_t cut = 0; cut < size; cut++) {
        write_file(bad, data, cut);
        v = (mask_vectors *)data; /* must not stay */
        check_fails(mask_vectors_open(&v, bad, NULL, &err), MASK_EFORMAT, "bad.mvec");
        assert_null(v);
    }
    free(data);
}

/* A changed byte of a tensor is found by open or, where open does not look, by verify; nothing crashes in between. */
static void every_flip_is_found(void **state)
{
    (void)state;
    size_t size, found;
    mask__pack pack;
    mask_neighbour near[3];
    const char *whole = temp_path("whole.mvec"), *bad = temp_path("flipped.mvec");
    check_ok(import_bytes(whole, GLOVE, strlen(GLOVE), NULL));
    check_ok(mask__pack_open(&pack, whole, "MASKMVEC", 1, MASK__VERIFY_DATA, &err));
    char *data = read_whole(whole, &size);
    for (size_t i = 0; i < pack.count; i++)
        for (size_t at = pack.tensors[i].offset; at < pack.tensors[i].offset + pack.tensors[i].bytes; at++) {
            mask_vectors *v;
            data[at] ^= 0x40;
            write_file(bad, data, size);
            data[at] ^= 0x40;
            if (mask_vectors_open(&v, bad, NULL, &err) != MASK_OK) continue;
            mask_vectors_find(v, "dog", 3);
            (void)mask_vectors_near(v, (float[]){1, 2, 3}, 3, near, &found, NULL, &err);
            check_fails(mask_vectors_verify(v, &err), MASK_EFORMAT, pack.tensors[i].name);
            mask_vectors_close(v);
        }
    mask__pack_close(&pack);
    free(data);
}

/* A pack with right checksums but wrong content: one rule of mask_vectors_open broken at a time. */
typedef struct forged {
    uint64_t rows, dim, norms, slot_count;
    uint64_t offsets[3];
    uint32_t slots[4];
    float value;
} forged;

static void write_forged(const char *path, const forged *f)
{
    mask__pack_writer *w;
    float values[4] = {f->value, 2, 3, 4};
    uint64_t offset_count = 3;
    check_ok(mask__pack_create(&w, path, "MASKMVEC", 1, &err));
    check_ok(mask__pack_add(w, "values", MASK__F32, 2, (uint64_t[]){f->rows, f->dim}, values, &err));
    check_ok(mask__pack_add(w, "norms", MASK__F32, 1, &f->norms, values, &err));
    check_ok(mask__pack_add(w, "words.bytes", MASK__U8, 1, (uint64_t[]){2}, "ab", &err));
    check_ok(mask__pack_add(w, "words.offsets", MASK__U64, 1, &offset_count, f->offsets, &err));
    check_ok(mask__pack_add(w, "slots", MASK__U32, 1, &f->slot_count, f->slots, &err));
    check_ok(mask__pack_commit(w, MASK_OK, &err));
}

static void forged_content_is_refused(void **state)
{
    (void)state;
    mask_vectors *v;
    mask_neighbour near[2];
    size_t found;
    const char *path = temp_path("forged.mvec");
    const forged good = {2, 2, 2, 4, {0, 1, 2}, {UINT32_MAX, 1, 0, UINT32_MAX}, 1};
    write_forged(path, &good);
    check_ok(mask_vectors_open(&v, path, NULL, &err));
    mask_vectors_close(v);
    static const char *const parts[12] = {"'values'",      "'values'",      "words.offsets", "words.offsets",
                                          "words.offsets", "words.offsets", "'slots'",       "'slots'",
                                          "'slots'",       "'slots'",       "'norms'",       "'words.offsets'"};
    forged bad[12];
    for (size_t i = 0; i < 12; i++) bad[i] = good;
    bad[0].rows = 0;
    bad[1].dim = 0;
    bad[2].offsets[1] = 3; /* falls */
    bad[3].offsets[2] = 9; /* past the bytes */
    bad[4].offsets[0] = 1;
    bad[5].offsets[1] = 0; /* an empty word */
    bad[6].slot_count = 2;
    bad[7].slot_count = 3;
    bad[8].slots[0] = 2;          /* no such row, and one slot too many */
    bad[9].slots[1] = UINT32_MAX; /* a word without a slot */
    bad[10].norms = 1;
    bad[11].rows = 1; /* other tensors have two */
    for (size_t i = 0; i < 12; i++) {
        write_forged(path, &bad[i]);
        check_fails(mask_vectors_open(&v, path, NULL, &err), MASK_EFORMAT, parts[i]);
        assert_null(v);
    }
    forged not_finite = good;
    not_finite.value = NAN;
    write_forged(path, &not_finite);
    check_ok(mask_vectors_open(&v, path, NULL, &err));
    check_fails(mask_vectors_near(v, (float[]){1, 1}, 2, near, &found, NULL, &err), MASK_EFORMAT, "not finite");
    mask_vectors_close(v);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(round_trip),
        cmocka_unit_test(eight_bits),
        cmocka_unit_test(only_what_is_to_keep),
        cmocka_unit_test(fingerprint_tells_words_and_numbers),
        cmocka_unit_test(near_agrees_with_a_naive_twin),
        cmocka_unit_test(near_has_fixed_ties_and_refuses_bad_queries),
        cmocka_unit_test(every_cut_of_a_mvec_is_refused),
        cmocka_unit_test(every_flip_is_found),
        cmocka_unit_test(forged_content_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
