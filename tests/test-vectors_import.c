/* The import of word vectors: every format with its quirks, one bad file per rejection rule, nothing left behind. */
#include "imported.h"

#include <dirent.h>
#include <math.h>
#include <zlib.h>

#define WINK_HEAD                                                                                                      \
    "{\"precision\":8,\"l2NormIndex\":2,\"wordIndex\":3,\"size\":2,\"dimensions\":2,\"words\":[\"a\",\"b\"],"
#define WINK_A "\"a\":[0.6,0.8,1,0]"
#define WINK_B "\"b\":[3,4,5,1]"

static void expect_row(const mask_vectors *v, size_t row, const char *word, const float *values)
{
    float got[8];
    size_t length;
    const char *text = mask_vectors_word(v, row, &length);
    if (length != strlen(word) || memcmp(text, word, length) != 0) fail_msg("row %zu is not %s", row, word);
    assert_int_equal(mask_vectors_find(v, word, length), row);
    mask_vectors_get(v, row, got);
    assert_memory_equal(got, values, mask_vectors_dim(v) * sizeof *got);
}

static void expect_size(const mask_vectors *v, size_t count, size_t dim)
{
    assert_int_equal(mask_vectors_count(v), count);
    assert_int_equal(mask_vectors_dim(v), dim);
}

/* Whether the folder of this path holds a file with this part in its name. */
static bool leftovers(const char *path, const char *part)
{
    char folder[300];
    bool found = false;
    snprintf(folder, sizeof folder, "%.*s", (int)(strrchr(path, '/') - path), path);
    DIR *listing = opendir(folder);
    for (struct dirent *entry; (entry = readdir(listing));) found |= strstr(entry->d_name, part) != NULL;
    closedir(listing);
    return found;
}

/* The import fails, with this part in its message, and leaves neither the file nor a temporary. */
static void refused(const void *bytes, size_t size, const char *part)
{
    static char to[256];
    if (!to[0]) snprintf(to, sizeof to, "%s", temp_path("refused.mvec"));
    check_fails(import_bytes(to, bytes, size, NULL), MASK_EFORMAT, part);
    assert_non_null(strstr(err.message, "input"));
    assert_false(leftovers(to, "refused.mvec"));
}

static void refused_text(const char *text, const char *part)
{
    refused(text, strlen(text), part);
}

/* ---- Formats ------------------------------------------------------------------------------------------------- */

static void glove_text(void **state)
{
    (void)state;
    mask_vectors *v = open_text(GLOVE);
    expect_size(v, 3, 3);
    expect_row(v, 0, "the", (float[]){0.1f, -0.2f, 3});
    expect_row(v, 1, "dog", (float[]){1e-3f, .5f, -7});
    expect_row(v, 2, "cat", (float[]){4, 5, 6});
    assert_int_equal(mask_vectors_find(v, "Dog", 3), -1);
    assert_int_equal(mask_vectors_find(v, "do", 2), -1);
    assert_int_equal(mask_vectors_find(v, "", 0), -1);
    mask_vectors_close(v);
    v = open_text("only 1 2"); /* one line, no newline */
    expect_size(v, 1, 2);
    mask_vectors_close(v);
    v = open_text("7 1 2\n{ 3 4\r\n"); /* tokens that look like something else; CRLF */
    expect_row(v, 0, "7", (float[]){1, 2});
    expect_row(v, 1, "{", (float[]){3, 4});
    mask_vectors_close(v);
}

static void glove_tokens_with_spaces(void **state)
{
    (void)state;
    mask_vectors *v = open_text(". . . 1 2\nat name@domain.com 3 4\ndog 5 6\ncat 7 8\n10 9 10\n");
    expect_size(v, 5, 2);
    expect_row(v, 0, ". . .", (float[]){1, 2});
    expect_row(v, 1, "at name@domain.com", (float[]){3, 4});
    expect_row(v, 4, "10", (float[]){9, 10});
    mask_vectors_close(v);
}

static void collect(void *user, mask_log_level level, const char *line)
{
    if (level == MASK_LOG_WARNING) snprintf(user, 256, "%s", line);
}

static void first_of_a_repeated_token_stays(void **state)
{
    (void)state;
    mask_vectors *v;
    char logged[256] = "";
    mask_run run = {.log = collect, .user = logged};
    const char *text = "dog 1 2\ncat 3 4\ndog 5 6\ndog 7 8\n", *to = temp_path("repeated.mvec");
    check_ok(import_bytes(to, text, strlen(text), &run));
    assert_non_null(strstr(logged, "2 repeated tokens"));
    check_ok(mask_vectors_open(&v, to, NULL, &err));
    expect_size(v, 2, 2);
    expect_row(v, 0, "dog", (float[]){1, 2});
    expect_row(v, 1, "cat", (float[]){3, 4});
    mask_vectors_close(v);
}

static void fasttext_vec(void **state)
{
    (void)state;
    /* A space ends each line; a no-break space and broken UTF-8 are bytes of the token. */
    mask_vectors *v = open_text("3 2\ndog 1 2 \nice\xc2\xa0"
                                "cream 3 4 \n\xff\xe2\x80 5 6 \n");
    expect_size(v, 3, 2);
    expect_row(v, 0, "dog", (float[]){1, 2});
    expect_row(v, 1,
               "ice\xc2\xa0"
               "cream",
               (float[]){3, 4});
    expect_row(v, 2, "\xff\xe2\x80", (float[]){5, 6});
    mask_vectors_close(v);
}

/* word2vec binary of rows "dog", a token cut inside a UTF-8 character, "cat"; returns its size. */
static size_t word2vec(char *out, const char *header, bool newlines)
{
    static const char *const tokens[] = {"dog", "caf\xc3", "cat"};
    char *at = out + sprintf(out, "%s", header);
    for (int i = 0; i < 3; i++) {
        const float values[2] = {0.1f * (float)i, -1};
        at += sprintf(at, "%s ", tokens[i]);
        memcpy(at, values, sizeof values);
        at += sizeof values;
        if (newlines) *at++ = '\n';
    }
    return (size_t)(at - out);
}

static void word2vec_binary(void **state)
{
    (void)state;
    char bytes[256];
    for (int newlines = 0; newlines < 2; newlines++) {
        mask_vectors *v = open_bytes(bytes, word2vec(bytes, "3 2\n", newlines));
        expect_size(v, 3, 2);
        expect_row(v, 0, "dog", (float[]){0, -1});
        expect_row(v, 1, "caf\xc3", (float[]){0.1f, -1});
        expect_row(v, 2, "cat", (float[]){0.2f, -1});
        mask_vectors_close(v);
    }
}

/* The first byte of the numbers is a newline, which does not make it text. */
static void word2vec_newline_among_the_numbers(void **state)
{
    (void)state;
    static const char bytes[] = "1 4\ndog \n\xcc\xcc\x3d"
                                "aaaa"
                                "aaaa"
                                "aaaa";
    mask_vectors *v = open_bytes(bytes, sizeof bytes - 1);
    expect_size(v, 1, 4);
    assert_int_equal(mask_vectors_find(v, "dog", 3), 0);
    mask_vectors_close(v);
}

static void wink_json(void **state)
{
    (void)state;
    static const char *const texts[] = {
        WINK_HEAD "\"vectors\":{" WINK_A "," WINK_B "},\"unkVector\":[0,0,0,-1]}",
        "{\"unkVector\":[0,0],\"odd\":{\"vectors\":{\"x\":[1]}},\"l2NormIndex\":2,\"vectors\":{" WINK_A "," WINK_B
        "},\"size\":2,\"dimensions\":2}",
        " \n{ \"dimensions\" : 2, \"vectors\" : {" WINK_A ", \"a\":[9,9,9,9], " WINK_B "} }",
    };
    for (size_t i = 0; i < 3; i++) {
        mask_vectors *v = open_text(texts[i]);
        expect_size(v, 2, 2);
        expect_row(v, 0, "a", (float[]){0.6f, 0.8f});
        expect_row(v, 1, "b", (float[]){3, 4});
        mask_vectors_close(v);
    }
    mask_vectors *v =
        open_text("{\"dimensions\":1,\"vectors\":{\"\\\"\":[1,1,0],\"caf\\u00e9\":[2,2,1],\"vectors\":[3,3,2]}}");
    expect_row(v, 0, "\"", (float[]){1});
    expect_row(v, 1, "caf\xc3\xa9", (float[]){2});
    expect_row(v, 2, "vectors", (float[]){3});
    mask_vectors_close(v);
}

static void gzip_of_every_format(void **state)
{
    (void)state;
    char binary[256];
    size_t size = word2vec(binary, "3 2\n", true), zipped_size;
    const char *wink = WINK_HEAD "\"vectors\":{" WINK_A "," WINK_B "}}";
    char zipped[256];
    snprintf(zipped, sizeof zipped, "%s", temp_path("input.gz"));
    const struct {
        const char *bytes;
        size_t size;
    } inputs[] = {{GLOVE, strlen(GLOVE)}, {"1 2\ndog 1 2\n", 12}, {wink, strlen(wink)}, {binary, size}};
    for (size_t i = 0; i < 4; i++) {
        gzFile file = gzopen(zipped, "wb");
        if (!file || gzwrite(file, inputs[i].bytes, (unsigned)inputs[i].size) <= 0 || gzclose(file) != Z_OK) abort();
        mask_vectors *plain = open_bytes(inputs[i].bytes, inputs[i].size);
        char *bytes = read_whole(zipped, &zipped_size);
        mask_vectors *v = open_bytes(bytes, zipped_size);
        assert_true(mask_vectors_fingerprint(v) == mask_vectors_fingerprint(plain));
        for (size_t cut = 20; cut < zipped_size; cut++) refused(bytes, cut, "cut");
        free(bytes);
        mask_vectors_close(plain);
        mask_vectors_close(v);
    }
}

/* ---- Refusals ------------------------------------------------------------------------------------------------ */

static void bad_text_is_refused(void **state)
{
    (void)state;
    refused_text("", "GloVe text, word2vec binary, fastText .vec, wink JSON");
    refused_text("\n", "none of the formats");
    refused_text("dog\ncat\n", "none of the formats");
    refused_text("dog,1,2\ncat,3,4\n", "none of the formats");
    refused("PK\3\4\0\0\0 1 2\n", 13, "none of the formats");
    refused_text("dog 1 2\ncat 3\ncow 4 5\n", "line 2: a token and 2 numbers are expected, 1 numbers found");
    refused_text("dog 1 2\ncat 3 4\ncow 5 6 7\n", "line 3: more than the 2 numbers");
    refused_text("dog 1 2\n\ncat 3 4\n", "line 2: a token and 2 numbers");
    refused_text("dog 1 2 3\ncat 4 x 6\n", "line 2: number 2 of 3 is not a finite");
    refused_text("dog 1 nan 3\ncat 4 5 6\n", "line 1: number 2 of 3 is not a finite");
    refused_text("dog 1 2 inf\ncat 4 5 6\n", "line 1: number 3 of 3 is not a finite");
    refused_text("dog 1 2 3\ncat 4 5 1e39\n", "line 2: number 3 of 3 is not a finite");
    refused_text("dog 1 2\n 3 4\n", "line 2: the token is empty");
    refused_text("dog 1 2\ncat  3 4\n", "line 2: the token begins or ends with a space");
    refused_text("dog 3e38 3e38\n", "line 1: the vector's length");
    refused("dog 1 2\nc\0t 3 4\n", 16, "line 2: holds a NUL");
    assert_int_equal(err.offset, 8);
}

static void bad_headers_are_refused(void **state)
{
    (void)state;
    refused_text("3 2\ndog 1 2\ncat 3 4\n", "promises 3 vectors and holds 2");
    refused_text("1 2\ndog 1 2\ncat 3 4\n", "promises 1 vectors and holds 2");
    refused_text("0 2\n", "promises 0 vectors");
    refused_text("2 2\n", "promises 2 vectors and holds 0");
    refused_text("2 0\ndog\ncat\n", "vectors of 0 numbers");
    refused_text("1 65537\ndog 1 2\n", "vectors of 65537 numbers");
    refused_text("2 3\ndog 1 2\ncat 3 4\n", "line 2: a token and 3 numbers");
}

static void bad_word2vec_is_refused(void **state)
{
    (void)state;
    char bytes[256];
    const float bad[2] = {1, NAN};
    size_t size = word2vec(bytes, "3 2\n", true);
    for (size_t cut = 20; cut + 1 < size; cut++) refused(bytes, cut, "ends inside vector");
    bytes[size] = 'x';
    refused(bytes, size + 1, "goes on after the 3 vectors");
    refused(bytes, word2vec(bytes, "2 2\n", true), "goes on after the 2 vectors");
    refused(bytes, word2vec(bytes, "4 2\n", true), "ends inside vector 4 of 4");
    refused(bytes, word2vec(bytes, "3 65537\n", true), "vectors of 65537 numbers");
    size = word2vec(bytes, "3 2\n", true);
    memcpy(bytes + 8, bad, sizeof bad);
    refused(bytes, size, "byte 4: number 2 is not finite");
    size = word2vec(bytes, "3 2\n", true);
    bytes[18] = '\n';
    refused(bytes, size, "byte 16: no token here");
    bytes[18] = '\0';
    refused(bytes, size, "byte 16: the token holds a NUL");
    refused("1 2\n \x01\x02\x03\x04\x05\x06\x07\x08", 13, "byte 4: the token is empty");
}

static void bad_wink_is_refused(void **state)
{
    (void)state;
    const char *whole = WINK_HEAD "\"vectors\":{" WINK_A "," WINK_B "}}";
    for (size_t cut = 2; cut < strlen(whole); cut++) refused(whole, cut, "not JSON");
    refused_text("{}", "no \"vectors\"");
    refused_text("{\"dimensions\":2,\"vectors\":{}}", "holds no vectors");
    refused_text("{\"vectors\":{" WINK_A "},\"dimensions\":2}", "put \"dimensions\" first");
    refused_text("{\"dimensions\":0,\"vectors\":{}}", "whole numbers");
    refused_text("{\"dimensions\":\"2\",\"vectors\":{}}", "whole numbers");
    refused_text("{\"dimensions\":2.5,\"vectors\":{}}", "whole numbers");
    refused_text("{\"dimensions\":65537,\"vectors\":{}}", "vectors of 65537 numbers");
    refused_text("{\"dimensions\":2,\"vectors\":[1,2]}", "not wink JSON");
    refused_text("{\"dimensions\":2,\"vectors\":null}", "not wink JSON");
    refused_text("{\"dimensions\":2,\"vectors\":7}", "not wink JSON");
    refused_text("{\"dimensions\":2,\"vectors\":{\"a\":1}}", "not wink JSON");
    refused_text("{\"dimensions\":2,\"vectors\":{\"a\":{}}}", "not wink JSON");
    refused_text("{\"dimensions\":2,\"vectors\":{\"a\":[1,null,1,0]}}", "not wink JSON");
    refused_text("{\"dimensions\":2,\"vectors\":{\"a\":[1,[2],1,0]}}", "not wink JSON");
    refused_text("{\"dimensions\":2,\"vectors\":{\"a\":[1,2]}}", "a vector of 2 entries, 4 are expected");
    refused_text("{\"dimensions\":2,\"vectors\":{\"a\":[1,2,3,4,5]}}", "a vector of 5 entries");
    refused_text("{\"dimensions\":2,\"vectors\":{\"a\":[1,1e39,3,4]}}", "number 2 of a vector is not a finite");
    refused_text("{\"dimensions\":2,\"vectors\":{\"\":[1,2,3,4]}}", "the token is empty");
    refused_text("{\"dimensions\":2,\"vectors\":{\"a\\u0000\":[1,2,3,4]}}", "NUL");
    refused_text("{\"dimensions\":2,\"size\":3,\"vectors\":{" WINK_A "}}", "promises 3 vectors and holds 1");
    refused_text("{\"dimensions\":2,\"vectors\":{" WINK_A "},\"vectors\":{" WINK_B "}}", "comes twice");
    refused_text("{\"dimensions\":2,\"vectors\":{" WINK_A "}} x", "not JSON");
    refused_text("{\"a\xff\":1}", "not JSON");
    size_t size = 3 << 20;
    char *huge = malloc(size);
    memset(huge, 'x', size);
    memcpy(huge, "{\"", 2);
    refused(huge, size, "a value of more than");
    memcpy(huge, "{\"dimensions\":2,\"vectors\":{\"", 28);
    memcpy(huge + 10000, "\":[1,2,3,4]}}", 13);
    refused(huge, 10013, "a token of more than");
    memcpy(huge, "{\"a\":", 5);
    memset(huge + 5, '[', 100);
    refused(huge, 105, "nested deeper than");
    free(huge);
}

static void unreadable_places_are_refused(void **state)
{
    (void)state;
    const char *from = temp_path("good.txt");
    write_text(from, GLOVE);
    check_fails(mask_vectors_import("/nowhere/glove.txt", temp_path("x"), NULL, NULL, &err), MASK_EIO,
                "/nowhere/glove.txt");
    check_fails(mask_vectors_import(from, "/nowhere/x.mvec", NULL, NULL, &err), MASK_EIO, "/nowhere/x.mvec");
    check_fails(mask_vectors_import("/tmp", temp_path("x"), NULL, NULL, &err), MASK_EIO, "folder");
    check_fails(mask_vectors_import("-", temp_path("x"), NULL, NULL, &err), MASK_EINVAL, "pipe");
    check_fails(mask_vectors_import("/dev/null", temp_path("x"), NULL, NULL, &err), MASK_EINVAL, "pipe");
}

static int stop_when(void *user, const char *what, const char *unit, uint64_t done, uint64_t total)
{
    (void)what, (void)unit, (void)done, (void)total;
    int *calls = user;
    return (*calls)-- == 0;
}

static void cancellation_leaves_what_was_there(void **state)
{
    (void)state;
    size_t before, after;
    const char *kept = temp_path("kept.mvec"), *never = temp_path("never.mvec");
    check_ok(import_bytes(kept, GLOVE, strlen(GLOVE), NULL));
    char *old = read_whole(kept, &before);
    for (int call = 0; call < 2; call++) { /* at the first row and at the end */
        int calls = call;
        mask_run run = {.progress = stop_when, .user = &calls};
        check_fails(import_bytes(kept, "cow 1 2\n", 8, &run), MASK_ECANCELLED, "stopped");
        char *now = read_whole(kept, &after);
        assert_int_equal(before, after);
        assert_memory_equal(old, now, before);
        free(now);
        calls = call;
        check_fails(import_bytes(never, "cow 1 2\n", 8, &run), MASK_ECANCELLED, "stopped");
        assert_false(leftovers(never, "never"));
        assert_false(leftovers(kept, ".tmp"));
    }
    free(old);
}

/* The 42,000 words of GloVe 6B on this machine, where there are any. */
static void real_glove(void **state)
{
    (void)state;
    char from[512];
    mask_vectors *v;
    const char *to = temp_path("glove.mvec");
    need_shared(shared);
    snprintf(from, sizeof from, "%s/words/glove.6B.100d.42k.txt.gz", shared);
    check_ok(mask_vectors_import(from, to, NULL, NULL, &err));
    check_ok(mask_vectors_open(&v, to, NULL, &err));
    expect_size(v, 41474, 100);
    float dog[100];
    mask_neighbour near[2];
    size_t found, length;
    mask_vectors_get(v, (size_t)mask_vectors_find(v, "dog", 3), dog);
    assert_true(dog[0] == 0.30817f && dog[1] == 0.30938f);
    check_ok(mask_vectors_near(v, dog, 2, near, &found, NULL, &err));
    assert_memory_equal(mask_vectors_word(v, near[1].row, &length), "cat", 3);
    mask_vectors_close(v);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(glove_text),
        cmocka_unit_test(glove_tokens_with_spaces),
        cmocka_unit_test(first_of_a_repeated_token_stays),
        cmocka_unit_test(fasttext_vec),
        cmocka_unit_test(word2vec_binary),
        cmocka_unit_test(word2vec_newline_among_the_numbers),
        cmocka_unit_test(wink_json),
        cmocka_unit_test(gzip_of_every_format),
        cmocka_unit_test(bad_text_is_refused),
        cmocka_unit_test(bad_headers_are_refused),
        cmocka_unit_test(bad_word2vec_is_refused),
        cmocka_unit_test(bad_wink_is_refused),
        cmocka_unit_test(unreadable_places_are_refused),
        cmocka_unit_test(cancellation_leaves_what_was_there),
        cmocka_unit_test(real_glove),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
