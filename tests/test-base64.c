/* base64: RFC 4648's vectors, every length around the decoder's runs, every foreign character at every place. */
#include "check.h"
#include "formats/base64.h"

static void the_vectors_of_rfc_4648(void **state)
{
    (void)state;
    static const char *const vectors[][2] = {{"", ""},
                                             {"f", "Zg=="},
                                             {"fo", "Zm8="},
                                             {"foo", "Zm9v"},
                                             {"foob", "Zm9vYg=="},
                                             {"fooba", "Zm9vYmE="},
                                             {"foobar", "Zm9vYmFy"}};
    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
        char text[16] = "", back[16] = "";
        size_t bytes = strlen(vectors[i][0]);
        assert_int_equal(mask__base64_length(bytes), strlen(vectors[i][1]));
        mask__base64_encode(vectors[i][0], bytes, text);
        assert_string_equal(text, vectors[i][1]);
        assert_true(mask__base64_decode(text, back, bytes) == SIZE_MAX);
        assert_string_equal(back, vectors[i][0]);
    }
}

/* Exactly so many bytes are written: the buffer is as large as that, for the sanitizer to see. */
static void every_length_comes_back(void **state)
{
    (void)state;
    for (size_t bytes = 1; bytes < 600; bytes++) {
        size_t length = mask__base64_length(bytes);
        unsigned char *data = malloc(bytes), *back = malloc(bytes);
        char *text = malloc(length);
        for (size_t i = 0; i < bytes; i++) data[i] = (unsigned char)(i * 167 + bytes);
        mask__base64_encode(data, bytes, text);
        assert_true(mask__base64_decode(text, back, bytes) == SIZE_MAX);
        assert_memory_equal(data, back, bytes);
        free(data);
        free(back);
        free(text);
    }
}

static void foreign_characters_are_found(void **state)
{
    (void)state;
    static const char own[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    enum { BYTES = 3 * 200 };
    unsigned char data[BYTES] = {0}, back[BYTES];
    char text[BYTES / 3 * 4];
    mask__base64_encode(data, BYTES, text);
    for (size_t at = 0; at < sizeof text; at += 7) {
        for (int c = 0; c < 256; c++) {
            text[at] = (char)c;
            bool good = c && strchr(own, c);
            assert_true(mask__base64_decode(text, back, BYTES) == (good ? SIZE_MAX : at / 4 * 4));
        }
        text[at] = 'A';
    }
}

static void padding_is_exact(void **state)
{
    (void)state;
    unsigned char back[8];
    assert_true(mask__base64_decode("AAAAAA==", back, 4) == SIZE_MAX);
    static const char *const bad[] = {
        "AAAAAAA=", "AAAAAA=A", "AAAAAB==", "AAAAA===", "AAAAAAAA", "AAAA====", "AA==AA=="};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) assert_true(mask__base64_decode(bad[i], back, 4) != SIZE_MAX);
    assert_true(mask__base64_decode("AAAAAAA=", back, 5) == SIZE_MAX);
    assert_true(mask__base64_decode("AAAAAAB=", back, 5) == 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_vectors_of_rfc_4648),
        cmocka_unit_test(every_length_comes_back),
        cmocka_unit_test(foreign_characters_are_found),
        cmocka_unit_test(padding_is_exact),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
