/* Where the vectors of a knowledge are found: where they were when it was learned, else beside its file. */
#include "made-gallery.h"

#include <unistd.h>

static void check_path(const char *knowledge, const char *want)
{
    mask_error err;
    mask_knowledge *k;
    mask_knowledge_info info;
    check_ok(mask_knowledge_open(&k, knowledge, NULL, &err));
    mask_knowledge_describe(k, &info);
    assert_string_equal(info.vectors_path, want);
    mask_knowledge_close(k);
}

static void test_vectors_are_found(void **state)
{
    (void)state;
    mask_error err;
    world w;
    mask_knowledge *k;
    mask_gallery *g;
    mask_gallery_info info;
    char *first = new_folder("first"), *second = new_folder("second"), *third = new_folder("third");
    make_world(&w, 3);
    char *learned = strdup(w.knowledge->info.vectors_path), *name = strrchr(learned, '/') + 1;
    check_ok(mask_knowledge_save(w.knowledge, inside(first, "k.mask"), &err));
    check_path(inside(first, "k.mask"), learned);
    /* Moved together: found beside the knowledge; the place it remembers comes first while something is there. */
    assert_int_equal(rename(learned, inside(first, name)), 0);
    check_path(inside(first, "k.mask"), inside(first, name));
    assert_int_equal(rename(inside(first, "k.mask"), inside(second, "k.mask")), 0);
    check_path(inside(second, "k.mask"), learned); /* nowhere: what it remembers, for the message */
    assert_int_equal(rename(inside(first, name), inside(second, name)), 0);
    check_path(inside(second, "k.mask"), inside(second, name));
    /* A gallery keeps the place where they were found, and goes on with a knowledge that has moved again. */
    check_ok(mask_knowledge_open(&k, inside(second, "k.mask"), NULL, &err));
    check_ok(mask_gallery_create(inside(first, "g.gallery"), k, NULL, NULL, &err));
    mask_knowledge_close(k);
    check_ok(mask_gallery_open(&g, inside(first, "g.gallery"), NULL, &err));
    mask_gallery_describe(g, &info);
    assert_string_equal(info.vectors_path, inside(second, name));
    mask_gallery_close(g);
    assert_int_equal(rename(inside(second, "k.mask"), inside(third, "k.mask")), 0);
    assert_int_equal(rename(inside(second, name), inside(third, name)), 0);
    check_ok(mask_knowledge_open(&k, inside(third, "k.mask"), NULL, &err));
    check_ok(mask_gallery_create(inside(first, "g.gallery"), k, NULL, NULL, &err));
    mask_knowledge_close(k);
    /* A path that is not absolute is one from the knowledge's folder. */
    assert_int_equal(mkdir(inside(third, "sub"), 0777), 0);
    assert_int_equal(rename(inside(third, name), inside(third, "sub/v.mvec")), 0);
    w.knowledge->info.vectors_path = "sub/v.mvec";
    check_ok(mask_knowledge_save(w.knowledge, inside(third, "k.mask"), &err));
    check_path(inside(third, "k.mask"), inside(third, "sub/v.mvec"));
    free_world(&w);
    free(learned);
    free(first);
    free(second);
    free(third);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_vectors_are_found)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
