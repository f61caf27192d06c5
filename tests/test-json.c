/* The stream of JSON events: what arrives, where a visitor may stop, and what is refused. */
#include "check.h"
#include "base/json.h"

typedef struct notes {
    char text[512];
    uint64_t stop_at; /* stops at the key "stop" */
} notes;

static mask_status note(void *context, mask__json *json, const mask__json_event *e, mask_error *err)
{
    static const char *const signs[] = {"n", "b", "#", "'", ":", "{", "}", "[", "]"};
    notes *n = context;
    size_t used = strlen(n->text);
    if (used + 32 < sizeof n->text)
        snprintf(n->text + used, sizeof n->text - used, "%d%s%.*s ", e->depth, signs[e->kind],
                 (int)(e->length < 16 ? e->length : 16), e->text);
    if (e->kind == MASK__JSON_KEY && mask__json_is(e, "stop")) {
        n->stop_at = mask__json_offset(json);
        mask__json_stop(json);
    }
    if (e->kind == MASK__JSON_KEY && mask__json_is(e, "bad")) return mask__json_fail(json, err, "not this key");
    return MASK_OK;
}

static mask_status read_text(const char *text, notes *n, mask_error *err)
{
    const char *path = temp_path("file.json");
    *n = (notes){0};
    write_text(path, text);
    return mask__json_read(path, note, n, err);
}

static void events_come_with_their_depth(void **state)
{
    (void)state;
    mask_error err;
    notes n;
    check_ok(read_text("\xef\xbb\xbf[{\"a\": [1.5, null, true]}, \"b\\u00e9\"]", &n, &err));
    assert_string_equal(n.text, "0[ 1{ 2:a 2[ 3#1.5 3n 3b1 2] 1} 1'b\xc3\xa9 0] ");
}

static void a_visitor_stops(void **state)
{
    (void)state;
    mask_error err;
    notes n;
    check_ok(read_text("{\"x\": 1, \"stop\": 2, \"y\" this is not JSON", &n, &err));
    assert_string_equal(n.text, "0{ 1:x 1#1 1:stop ");
    assert_int_equal(n.stop_at, 15);
    check_fails(read_text("{\"bad\": 2}", &n, &err), MASK_EFORMAT, "byte 6: not this key");
    assert_int_equal(err.offset, 6);
}

static void numbers_are_checked(void **state)
{
    (void)state;
    double d;
    int64_t w;
#define NUMBER(t) (&(mask__json_event){.kind = MASK__JSON_NUMBER, .text = (t), .length = strlen(t)})
    assert_true(mask__json_number(NUMBER("-1.5e2"), &d) && d == -150);
    assert_false(mask__json_number(NUMBER("1e999"), &d));
    assert_false(mask__json_number(NUMBER("1000000000000000000000000000000000000000000000000000000000000000000000000000"
                                          "00000000000000000000000000000000000000000000000000000000000000000000"),
                                   &d));
    assert_true(mask__json_whole(NUMBER("9007199254740992"), &w) && w == 9007199254740992);
    assert_false(mask__json_whole(NUMBER("1.5"), &w));
    assert_false(mask__json_whole(NUMBER("1e17"), &w));
    assert_false(mask__json_whole(&(mask__json_event){.kind = MASK__JSON_STRING, .text = "1", .length = 1}, &w));
}

static void broken_files_are_refused(void **state)
{
    (void)state;
    mask_error err;
    notes n;
    char deep[201];
    check_fails(read_text("[{\"a\": 1}, {\"b\"", &n, &err), MASK_EFORMAT, "cut or not JSON");
    check_fails(read_text("", &n, &err), MASK_EFORMAT, "cut or not JSON");
    check_fails(read_text("\xef\xbb\xbf", &n, &err), MASK_EFORMAT, "cut or not JSON");
    check_fails(read_text("[1, 2] 3", &n, &err), MASK_EFORMAT, "before byte");
    check_fails(read_text("[\"\xff\"]", &n, &err), MASK_EFORMAT, "before byte");
    memset(deep, '[', 200);
    deep[200] = '\0';
    check_fails(read_text(deep, &n, &err), MASK_EFORMAT, "nested deeper than 64");
    size_t size = 3 << 20;
    char *huge = malloc(size + 1);
    memset(huge, 'x', size);
    memcpy(huge, "[\"", 2);
    huge[size] = '\0';
    check_fails(read_text(huge, &n, &err), MASK_EFORMAT, "a value of more than");
    free(huge);
    check_fails(mask__json_read("/nonexistent", note, &n, &err), MASK_EIO, "/nonexistent");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(events_come_with_their_depth),
                                       cmocka_unit_test(a_visitor_stops), cmocka_unit_test(numbers_are_checked),
                                       cmocka_unit_test(broken_files_are_refused)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
