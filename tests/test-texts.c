/* Texts: files of lines, Karpathy JSONs in any order of keys, strings of the caller. */
#include "check.h"

#include <unistd.h>
#include <zlib.h>

static void check_texts(const char *path, const char *split, size_t count, const char *const *expected)
{
    mask_error err;
    mask_texts *texts;
    check_ok(mask_texts_open(&texts, path, split, NULL, &err));
    assert_int_equal(mask_texts_count(texts), count);
    for (size_t i = 0; i < count; i++) assert_string_equal(mask_texts_get(texts, i), expected[i]);
    mask_texts_close(texts);
}

static void lines_are_texts(void **state)
{
    (void)state;
    const char *path = temp_path("a.txt");
    static const char *const expected[] = {"A dog .", "", "caf\xc3\xa9 \xf0\x9f\x90\xb6", "last"};
    static const char *const blank[] = {""};
    write_text(path, "A dog .\n\ncaf\xc3\xa9 \xf0\x9f\x90\xb6\nlast\n");
    check_texts(path, NULL, 4, expected);
    check_texts(path, "dev", 4, expected); /* a split is nothing to a plain file */
    write_text(path, "\xef\xbb\xbf  A dog .\t\r\n \t \r\ncaf\xc3\xa9 \xf0\x9f\x90\xb6\x0b\r\n\tlast");
    check_texts(path, NULL, 4, expected);
    write_text(path, "\n");
    check_texts(path, NULL, 1, blank);
}

static void compressed_and_standard_input_are_read(void **state)
{
    (void)state;
    static const char *const expected[] = {"one", "two"};
    const char *path = temp_path("a.txt.gz");
    gzFile file = gzopen(path, "wb");
    gzputs(file, "one\ntwo\n");
    gzclose(file);
    check_texts(path, NULL, 2, expected);
    int saved = dup(STDIN_FILENO), pipes[2];
    assert_int_equal(pipe(pipes), 0);
    assert_int_equal(write(pipes[1], "one\ntwo\n", 8), 8);
    close(pipes[1]);
    dup2(pipes[0], STDIN_FILENO);
    check_texts("-", NULL, 2, expected);
    dup2(saved, STDIN_FILENO);
    close(saved);
    close(pipes[0]);
}

static void what_is_not_text_is_refused(void **state)
{
    (void)state;
    mask_error err;
    mask_texts *texts;
    const char *path = temp_path("bad.txt");
    static const char *const not_utf8[] = {"\xff", "caf\xe9", "\xc3", "\xc0\xaf", "\xed\xa0\x80", "\xf5\x80\x80\x80"};
    for (size_t i = 0; i < sizeof not_utf8 / sizeof *not_utf8; i++) {
        char text[64];
        snprintf(text, sizeof text, "fine\n%s\n", not_utf8[i]);
        write_text(path, text);
        check_fails(mask_texts_open(&texts, path, NULL, NULL, &err), MASK_EFORMAT, "line 2");
        assert_non_null(strstr(err.message, "not UTF-8"));
        assert_int_equal(err.offset, i == 1 ? 8 : 5);
        assert_null(texts);
        check_fails(mask_texts_create(&texts, &not_utf8[i], 1, &err), MASK_EINVAL, "text 0");
        assert_null(texts);
    }
    write_file(path, "a\0b\n", 4);
    check_fails(mask_texts_open(&texts, path, NULL, NULL, &err), MASK_EFORMAT, "NUL");
    write_text(path, "");
    check_fails(mask_texts_open(&texts, path, NULL, NULL, &err), MASK_EFORMAT, "is empty");
    check_fails(mask_texts_open(&texts, "/nowhere.txt", NULL, NULL, &err), MASK_EIO, "/nowhere.txt");
    size_t size = (1 << 20) + 1;
    char *line = malloc(size);
    memset(line, 'a', size);
    write_file(path, line, size);
    free(line);
    check_fails(mask_texts_open(&texts, path, NULL, NULL, &err), MASK_EFORMAT, "longer than");
}

static void strings_are_copied(void **state)
{
    (void)state;
    mask_error err;
    mask_texts *texts;
    char first[] = " a dog ";
    const char *const from[] = {first, "", "z"}, *const with_null[] = {"a", NULL};
    check_ok(mask_texts_create(&texts, from, 3, &err));
    first[1] = 'X';
    assert_int_equal(mask_texts_count(texts), 3);
    assert_string_equal(mask_texts_get(texts, 0), " a dog ");
    assert_string_equal(mask_texts_get(texts, 1), "");
    assert_string_equal(mask_texts_get(texts, 2), "z");
    mask_texts_close(texts);
    check_ok(mask_texts_create(&texts, NULL, 0, &err));
    assert_int_equal(mask_texts_count(texts), 0);
    mask_texts_close(texts);
    check_fails(mask_texts_create(&texts, with_null, 2, &err), MASK_EINVAL, "text 1");
    mask_texts_close(NULL);
}

/* Two images of each order of keys; the sixth sentence of the first is not taken. */
static const char sample[] =
    "{\"images\": [{\"sentids\": [0, 1], \"filename\": \"a.jpg\", \"split\": \"train\", \"sentences\": ["
    "{\"tokens\": [\"raw\", \"x\"], \"raw\": \"a0 \", \"imgid\": 0}, {\"raw\": \"a1\"}, {\"raw\": \"a2\"},"
    "{\"raw\": \"a3\"}, {\"raw\": \"a4\"}, {\"raw\": \"a5\"}]},"
    "{\"sentences\": [{\"imgid\": 1, \"raw\": \"b0\"}, {\"raw\": \"b\\u00e91\"}, {\"raw\": \"b2\"}, {\"raw\": \"b3\"},"
    "{\"raw\": \"b\\n4\", \"nested\": {\"raw\": \"no\", \"split\": \"test\"}}],"
    "\"other\": {\"split\": \"test\", \"sentences\": [{\"raw\": \"no\"}]}, \"split\": \"val\", \"filename\": "
    "\"b.jpg\"},"
    "{\"split\": \"restval\", \"note\": \"val\", \"cocoid\": 12, \"ok\": true, \"no\": null, \"f\": 1.5e3, "
    "\"sentences\": [{\"raw\": "
    "\"c0\"}]}],"
    " \"dataset\": \"flickr8k\"}";
/* The same with `dataset` first and white space everywhere. */
static const char reordered[] = "\xef\xbb\xbf\n{ \"dataset\" : \"images\" , \"images\" : [ { \"split\" : \"val\" , "
                                "\"sentences\" : [ { \"raw\" : \" one \" } , { \"raw\" : \"\" } ] } ] }\n";

static void karpathy_splits_are_selected(void **state)
{
    (void)state;
    mask_error err;
    mask_texts *texts;
    const char *path = temp_path("dataset_a.json");
    static const char *const all[] = {"a0",
                                      "a1",
                                      "a2",
                                      "a3",
                                      "a4",
                                      "b0",
                                      "b\xc3\xa9"
                                      "1",
                                      "b2",
                                      "b3",
                                      "b\n4",
                                      "c0"};
    static const char *const two[] = {"one", ""};
    write_text(path, sample);
    check_texts(path, NULL, 11, all);
    check_texts(path, "train", 5, all);
    check_texts(path, "val", 5, all + 5);
    check_texts(path, "dev", 5, all + 5);
    check_texts(path, "restval", 1, all + 10);
    check_fails(mask_texts_open(&texts, path, "test", NULL, &err), MASK_ENOTFOUND, "it has train restval val");
    check_fails(mask_texts_open(&texts, path, "testall", NULL, &err), MASK_EINVAL, "'testall'");
    write_text(path, reordered);
    check_texts(path, "dev", 2, two);
}

static void broken_json_is_refused(void **state)
{
    (void)state;
    mask_error err;
    mask_texts *texts;
    const char *path = temp_path("bad.json");
    for (size_t cut = 0; cut < sizeof sample - 1; cut++) {
        write_file(path, sample, cut);
        check_fails(mask_texts_open(&texts, path, NULL, NULL, &err), MASK_EFORMAT, "bad.json");
        assert_null(texts);
    }
    static const struct {
        const char *json, *split, *part;
    } cases[] = {
        {"[]", NULL, "no list 'images'"},
        {"{\"images\": {}}", NULL, "no list 'images'"},
        {"{\"images\": {\"images\": [{\"sentences\": [{\"raw\": \"no\"}]}]}}", NULL, "no list 'images'"},
        {"[{\"images\": [{\"sentences\": [{\"raw\": \"no\"}]}]}]", NULL, "no list 'images'"},
        {"{\"images\": [{\"filename\": \"x\\ny\", \"sentences\": []}]}", "val", "image 0 (x\\x0ay): has no 'split'"},
        {"{\"images\": [{\"split\": \"odd\", \"sentences\": []}]}", "val", "has no 'split'"},
        {"{\"images\": [{\"sentences\": [{\"tokens\": [\"a\"]}]}]}", NULL, "without 'raw'"},
        {"{\"images\": [{\"sentences\": [{\"raw\": 1}]}]}", NULL, "without 'raw'"},
        {"{\"images\": [{\"sentences\": [{\"raw\": \"a\\u0000b\"}]}]}", NULL, "NUL"},
        {"{\"images\": [{\"sentences\": [{\"raw\": \"\xff\"}]}]}", NULL, "before byte "},
        {"{\"images\": [}", NULL, "before byte 13"},
        {"{\"images\": []} x", NULL, "before byte "},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        write_text(path, cases[i].json);
        check_fails(mask_texts_open(&texts, path, cases[i].split, NULL, &err), MASK_EFORMAT, cases[i].part);
        assert_null(texts);
    }
    char deep[4096];
    memset(deep, '[', sizeof deep);
    write_file(path, deep, sizeof deep);
    check_fails(mask_texts_open(&texts, path, NULL, NULL, &err), MASK_EFORMAT, "nested deeper");
    size_t size = 20 << 20;
    char *endless = malloc(size);
    memset(endless, 'a', size);
    endless[0] = '"';
    write_file(path, endless, size);
    free(endless);
    check_fails(mask_texts_open(&texts, path, NULL, NULL, &err), MASK_EFORMAT, "a value of more than");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_are_texts),
        cmocka_unit_test(compressed_and_standard_input_are_read),
        cmocka_unit_test(what_is_not_text_is_refused),
        cmocka_unit_test(strings_are_copied),
        cmocka_unit_test(karpathy_splits_are_selected),
        cmocka_unit_test(broken_json_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
