/* The container under every file of ours: round trip, and refusal of a cut or changed byte anywhere. */
#include "check.h"
#include "base/memory.h"
#include "base/pack.h"
#include "base/strings.h"

#define MAGIC "MASKTEST"

static void write_sample(const char *path)
{
    mask_error err;
    mask__pack_writer *w;
    mask__strings words = {0};
    uint32_t index;
    const float values[6] = {1, 2, 3, 4, 5, 6};
    check_ok(mask__pack_create(&w, path, MAGIC, 1, &err));
    check_ok(mask__pack_add(w, "values", MASK__F32, 2, (uint64_t[]){2, 3}, values, &err));
    check_ok(mask__strings_intern(&words, "dog", 3, &index, NULL, &err));
    check_ok(mask__strings_intern(&words, "", 0, &index, NULL, &err));
    check_ok(mask__strings_intern(&words, "cat", 3, &index, NULL, &err));
    check_ok(mask__strings_write(&words, w, "words", &err));
    mask__strings_free(&words);
    check_ok(mask__pack_begin(w, "grown", MASK__U8, &err));
    check_ok(mask__pack_append(w, "ab", 2, &err));
    check_ok(mask__pack_append(w, "cde", 3, &err));
    check_ok(mask__pack_end(w, 1, (uint64_t[]){5}, &err));
    check_ok(mask__pack_commit(w, MASK_OK, &err));
}

static void round_trip(void **state)
{
    (void)state;
    mask_error err;
    mask__pack pack;
    const mask__tensor *t;
    mask__strings words;
    const char *path = temp_path("round.pack");
    write_sample(path);
    check_ok(mask__pack_open(&pack, path, MAGIC, 1, MASK__VERIFY_DATA, &err));
    check_ok(mask__pack_get(&pack, "values", MASK__F32, 2, (uint64_t[]){2, 0}, &t, &err));
    assert_int_equal(t->shape[1], 3);
    assert_true(((const float *)t->data)[5] == 6);
    check_ok(mask__pack_get(&pack, "grown", MASK__U8, 1, (uint64_t[]){5}, &t, &err));
    assert_memory_equal(t->data, "abcde", 5);
    check_ok(mask__strings_read(&words, &pack, "words", &err));
    assert_int_equal(words.count, 3);
    assert_int_equal(mask__strings_find(&words, "cat", 3), 2);
    assert_int_equal(mask__strings_find(&words, "", 0), 1);
    assert_true(mask__strings_find(&words, "cow", 3) == MASK__NOT_FOUND);
    check_fails(mask__pack_get(&pack, "values", MASK__F64, 2, (uint64_t[]){0, 0}, &t, &err), MASK_EFORMAT, "values");
    check_fails(mask__pack_get(&pack, "nothing", MASK__U8, 1, (uint64_t[]){0}, &t, &err), MASK_EFORMAT, "nothing");
    mask__strings_free(&words);
    mask__pack_close(&pack);
    check_fails(mask__pack_open(&pack, path, "MASKELSE", 1, MASK__VERIFY_DATA, &err), MASK_EFORMAT, "byte 0");
    check_fails(mask__pack_open(&pack, path, MAGIC, 0, MASK__VERIFY_DATA, &err), MASK_EFORMAT, "version 1");
}

static void every_cut_and_flip_is_refused(void **state)
{
    (void)state;
    mask_error err;
    mask__pack pack;
    size_t size;
    const char *whole = temp_path("whole.pack"), *bad = temp_path("bad.pack");
    write_sample(whole);
    unsigned char *data = read_whole(whole, &size);
    for (size_t cut = 0; cut < size; cut++) {
        write_file(bad, data, cut);
        check_fails(mask__pack_open(&pack, bad, MAGIC, 1, MASK__VERIFY_DATA, &err), MASK_EFORMAT, "bad.pack");
    }
    for (size_t at = 0; at < size; at++) {
        data[at] ^= 0x20;
        write_file(bad, data, size);
        mask_status status = mask__pack_open(&pack, bad, MAGIC, 1, MASK__VERIFY_DATA, &err);
        if (status == MASK_OK) { /* only padding between tensors is not covered by a checksum */
            for (size_t i = 0; i < pack.count; i++)
                assert_false(at >= pack.tensors[i].offset && at < pack.tensors[i].offset + pack.tensors[i].bytes);
            mask__pack_close(&pack);
        }
        data[at] ^= 0x20;
    }
    free(data);
}

static void an_aborted_write_leaves_the_old_file(void **state)
{
    (void)state;
    mask_error err;
    mask__pack_writer *w;
    size_t before, after;
    const char *path = temp_path("kept.pack");
    write_sample(path);
    free(read_whole(path, &before));
    check_ok(mask__pack_create(&w, path, MAGIC, 1, &err));
    check_ok(mask__pack_begin(w, "x", MASK__U8, &err));
    check_ok(mask__pack_append(w, "abc", 3, &err));
    mask__pack_abort(w);
    free(read_whole(path, &after));
    assert_int_equal(before, after);
    check_fails(mask__pack_create(&w, "/nowhere/at/all.pack", MAGIC, 1, &err), MASK_EIO, "/nowhere/at/all.pack");
    assert_null(w);
}

static void arenas_refuse_overflow(void **state)
{
    (void)state;
    mask__arena arena = {0};
    assert_null(mask__arena_alloc(&arena, SIZE_MAX / 2, 4));
    assert_null(mask__arena_alloc(&arena, SIZE_MAX, 1));
    char *small = mask__arena_text(&arena, "dog", 3);
    double *large = mask__arena_alloc(&arena, 100000, sizeof *large);
    assert_string_equal(small, "dog");
    assert_int_equal((uintptr_t)large % 64, 0);
    assert_true(large[99999] == 0);
    mask__arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(round_trip),
        cmocka_unit_test(every_cut_and_flip_is_refused),
        cmocka_unit_test(an_aborted_write_leaves_the_old_file),
        cmocka_unit_test(arenas_refuse_overflow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
