/* Visual Genome's JSON to regions.tsv: fields, joins in any order, names, clipping, and files that are refused. */
#include "check.h"
#include "annotations/genome.h"

static const char objects[] = "[{\"image_id\": 7, \"image_url\": \"x\", \"objects\": ["
                              "{\"object_id\": 1, \"x\": 5, \"y\": 6, \"w\": 10, \"h\": 20, \"names\": [\"Hot dog.\", "
                              "\"sausage\"], \"synsets\": [\"frank.n.02\"]},"
                              "{\"synsets\": [\"traffic_light.n.01\"], \"h\": 8, \"w\": 8, \"y\": -2, \"x\": 95, "
                              "\"object_id\": 2, \"merged\": {\"a\": [1]}},"
                              "{\"object_id\": 3, \"x\": 0, \"y\": 0, \"w\": 0, \"h\": 4, \"names\": [\"thin\"]},"
                              "{\"object_id\": 4, \"x\": 1, \"y\": 1, \"w\": 2, \"h\": 2, \"names\": []}]},"
                              "{\"objects\": [{\"object_id\": 9, \"x\": 1.5, \"y\": 2, \"w\": 3, \"h\": 4, \"names\": "
                              "[\"t-shirt\"]}], \"id\": 3}]";
/* In the other order, without image 3's, and with an image that objects does not have. */
static const char attributes[] =
    "[{\"image_id\": 5, \"attributes\": []},"
    "{\"image_id\": 7, \"attributes\": [{\"object_id\": 2}, {\"object_id\": 1, \"attributes\": [\"Black and white\", "
    "\"old and Wooden.\"]}]}]";
static const char sizes[] = "[{\"image_id\": 3, \"url\": \"https://h/VG_100K/3.jpg\", \"width\": 4, \"height\": 50, "
                            "\"coco_id\": null, \"flickr_id\": 12},"
                            "{\"id\": 7, \"url\": \"https://h/a/seven.jpg\", \"width\": 100, \"height\": 20, "
                            "\"coco_id\": 70, \"flickr_id\": null}]";

static char from[256], to[256];

static mask_status convert(const char *text, const mask_regions_options *o, mask_regions_report *report,
                           mask_error *err)
{
    snprintf(from, sizeof from, "%s", temp_path("objects.json"));
    snprintf(to, sizeof to, "%s", temp_path("regions.tsv"));
    remove(to);
    write_text(from, text);
    return mask_regions_from_genome(from, to, o, report, NULL, err);
}

static void check_table(const char *rows)
{
    size_t size;
    char *table = read_whole(to, &size), want[1024];
    snprintf(want, sizeof want, "image\tx1\ty1\tx2\ty2\tlabel\n%s", rows);
    assert_string_equal(table, want);
    free(table);
}

static const char *written(const char *name, const char *text)
{
    const char *path = temp_path(name);
    write_text(path, text);
    return path;
}

static void names_follow_the_recipe(void **state)
{
    (void)state;
    mask_error err;
    mask_regions_report report;
    mask_regions_options o = {.size = sizeof(mask_regions_options), .recipe = MASK_RECIPE_MACK};
    check_ok(convert(objects, &o, &report, &err));
    check_table("7.jpg\t5\t6\t15\t26\tHot dog\n7.jpg\t95\t0\t103\t6\ttraffic light\n3.jpg\t1.5\t2\t4.5\t6\tt shirt\n");
    assert_int_equal(report.images, 2);
    assert_int_equal(report.regions, 3);
    assert_int_equal(report.clipped, 1);
    assert_int_equal(report.no_area, 1);
    assert_int_equal(report.no_label, 1);
    o.recipe = MASK_RECIPE_BUTD;
    check_ok(convert(objects, &o, NULL, &err));
    check_table(
        "7.jpg\t5\t6\t15\t26\thot dog sausage\n7.jpg\t95\t0\t103\t6\ttraffic light\n3.jpg\t1.5\t2\t4.5\t6\tt-shirt\n");
    o.vocabulary = written("objects.txt", "light,traffic light\nsausage,hot dog");
    check_ok(convert(objects, &o, &report, &err));
    check_table("7.jpg\t5\t6\t15\t26\tsausage sausage\n7.jpg\t95\t0\t103\t6\tlight\n");
    assert_int_equal(report.no_label, 2);
    o = (mask_regions_options){.size = sizeof(mask_regions_options), .recipe = MASK_RECIPE_MASK, .min_count = 1};
    check_ok(convert(objects, &o, NULL, &err));
    check_table("7.jpg\t5\t6\t15\t26\thot dog\n7.jpg\t95\t0\t103\t6\ttraffic light\n3.jpg\t1.5\t2\t4.5\t6\tt shirt\n");
}

static void rare_words_are_dropped(void **state)
{
    (void)state;
    mask_error err;
    mask_regions_report report;
    mask_regions_options o = {.size = sizeof(mask_regions_options), .recipe = MASK_RECIPE_MASK, .min_count = 2};
    check_ok(convert(
        "[{\"image_id\": 1, \"regions\": [{\"region_id\": 1, \"x\": 1, \"y\": 1, \"width\": 2, \"height\": 2, "
        "\"phrase\": \"A red caf\\u00e9\"},"
        "{\"id\": 2, \"x\": 1, \"y\": 1, \"width\": 2, \"height\": 2, \"phrase\": \"red 2nd 22 caf\\u00e9\\u0000\"},"
        "{\"id\": 3, \"x\": 1, \"y\": 1, \"width\": 2, \"height\": 2, \"phrase\": \"once\"}]}]",
        &o, &report, &err));
    check_table("1.jpg\t1\t1\t3\t3\tred\n1.jpg\t1\t1\t3\t3\tred\n");
    assert_int_equal(report.no_label, 1);
    check_fails(mask_regions_from_genome("-", to, &o, NULL, NULL, &err), MASK_EINVAL, "reads the file twice");
}

static void attributes_join_in_any_order(void **state)
{
    (void)state;
    mask_error err;
    char other[256];
    mask_regions_options o = {.size = sizeof(mask_regions_options), .recipe = MASK_RECIPE_BUTD};
    snprintf(other, sizeof other, "%s", temp_path("attributes.json"));
    o.attributes = other;
    write_text(other, attributes);
    check_ok(convert(objects, &o, NULL, &err));
    check_table("7.jpg\t5\t6\t15\t26\tblack and white old wooden hot dog sausage\n7.jpg\t95\t0\t103\t6\ttraffic light\n"
                "3.jpg\t1.5\t2\t4.5\t6\tt-shirt\n");
    /* the same order */
    write_text(other, "[{\"image_id\": 7, \"attributes\": [{\"object_id\": 1, \"attributes\": \"big\"}]},"
                      "{\"image_id\": 3, \"attributes\": [{\"object_id\": 9, \"attributes\": [\"red\"]}]}]");
    check_ok(convert(objects, &o, NULL, &err));
    check_table("7.jpg\t5\t6\t15\t26\tbig hot dog sausage\n7.jpg\t95\t0\t103\t6\ttraffic light\n"
                "3.jpg\t1.5\t2\t4.5\t6\tred t-shirt\n");
    write_text(other, "[{\"image_id\": 3, \"attributes\": [{}]}, {\"image_id\": 7}, {\"image_id\": 3}]");
    check_fails(convert(objects, &o, NULL, &err), MASK_EFORMAT, "image 3 comes twice");
    write_text(other, "[{\"image_id\": 3, \"attributes\": [{}]}, {\"image_id\": 7");
    check_fails(convert(objects, &o, NULL, &err), MASK_EFORMAT, "cut or not JSON");
}

/* Files of several chunks, in order, reversed, and shuffled with gaps: the same answers. */
static void large_files_join_in_any_order(void **state)
{
    (void)state;
    enum { IMAGES = 3000 };
    mask_error err;
    const mask__genome_image *image;
    mask__genome *g;
    char path[256];
    snprintf(path, sizeof path, "%s", temp_path("large.json"));
    FILE *file = fopen(path, "w");
    for (int i = 0; i < IMAGES; i++)
        fprintf(file,
                "%s{\"attributes\": [{\"object_id\": %d, \"attributes\": [\"a%d\"], \"names\": [\"a long enough "
                "name\"]}], \"image_id\": %d}",
                i ? ",\n" : "[", i, i, i);
    fprintf(file, "]");
    fclose(file);
    for (int step = 1; step <= 7; step += 3) { /* 1 = in order */
        check_ok(mask__genome_open(&g, path, &err));
        for (int i = 0; i < IMAGES; i++) {
            char want[16];
            int id = (int)((int64_t)i * step % IMAGES);
            snprintf(want, sizeof want, "a%d", id);
            check_ok(mask__genome_find(g, id, &image, &err));
            assert_non_null(image);
            assert_int_equal(image->id, id);
            assert_int_equal(image->count, 1);
            assert_string_equal(mask__genome_text(image, image->regions[0].first_attribute), want);
        }
        check_ok(mask__genome_find(g, IMAGES, &image, &err));
        assert_null(image);
        mask__genome_close(g);
    }
}

static void image_data_names_and_clips(void **state)
{
    (void)state;
    mask_error err;
    char data[256];
    mask_regions_report report;
    mask_regions_options o = {.size = sizeof(mask_regions_options), .recipe = MASK_RECIPE_MACK, .image_data = data};
    snprintf(data, sizeof data, "%s", temp_path("image_data.json"));
    write_text(data, sizes);
    check_ok(convert(objects, &o, &report, &err));
    check_table("7.jpg\t5\t6\t15\t20\tHot dog\n7.jpg\t95\t0\t100\t6\ttraffic light\n3.jpg\t1.5\t2\t4\t6\tt shirt\n");
    assert_int_equal(report.clipped, 3);
    o.name_by = MASK_NAME_URL;
    check_ok(convert(objects, &o, &report, &err));
    check_table(
        "seven.jpg\t5\t6\t15\t20\tHot dog\nseven.jpg\t95\t0\t100\t6\ttraffic light\n3.jpg\t1.5\t2\t4\t6\tt shirt\n");
    o.name_by = MASK_NAME_COCO;
    check_ok(convert(objects, &o, &report, &err));
    check_table("70.jpg\t5\t6\t15\t20\tHot dog\n70.jpg\t95\t0\t100\t6\ttraffic light\n");
    assert_int_equal(report.no_name, 1);
    o.name_by = MASK_NAME_FLICKR;
    check_ok(convert(objects, &o, &report, &err));
    check_table("12.jpg\t1.5\t2\t4\t6\tt shirt\n");
    write_text(data, "[{\"image_id\": 3, \"width\": 4, \"height\": 50, \"flickr_id\": 12}]");
    o.name_by = MASK_NAME_ID;
    check_ok(convert(objects, &o, &report, &err));
    assert_int_equal(report.no_size, 1);
    o.image_data = NULL;
    o.name_by = MASK_NAME_COCO;
    check_fails(convert(objects, &o, &report, &err), MASK_EINVAL, "need image_data.json");
    o.image_data = data;
    const char *const bad[][2] = {
        {"{}", "not a list of images"},
        {"[]", "lists no image"},
        {"[3]", "not a list of images"},
        {"[{\"image_id\": 3}]", "lacks image_id"},
        {"[{\"image_id\": \"3\", \"width\": 4}]", "not a whole number"},
        {"[{\"image_id\": 3, \"width\": \"4\"}]", "width or height"},
        {"[{\"image_id\": 3, \"width\": 1e999}]", "width or height"},
        {"[{\"image_id\": 3, \"coco_id\": 1.5}]", "coco_id"},
        {"[{\"image_id\": 3, \"url\": 1}]", "url"},
        {"[{\"image_id\": 3, \"width\": 1, \"height\": 1}, {\"id\": 3, \"width\": 1, \"height\": 1}]", "comes twice"}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        write_text(data, bad[i][0]);
        check_fails(convert(objects, &o, &report, &err), MASK_EFORMAT, bad[i][1]);
    }
}

#define ONE(region) "[{\"image_id\": 1, \"objects\": [" region "]}]"
#define BOX "\"x\": 1, \"y\": 1, \"w\": 2, \"h\": 2"

static void of_repeated_keys_the_last_counts(void **state)
{
    (void)state;
    mask_error err;
    mask_regions_options o = {.size = sizeof(mask_regions_options), .recipe = MASK_RECIPE_MACK};
    check_ok(convert("[{\"image_id\": 2, \"objects\": [{" BOX
                     ", \"names\": [\"lost\"]}], \"image_id\": 1, \"objects\": [{\"x\": 9, " BOX
                     ", \"names\": [\"no\", \"no\"], \"names\": [\"yes\"], \"attributes\": null}]}]",
                     &o, NULL, &err));
    check_table("1.jpg\t1\t1\t3\t3\tyes\n");
    check_ok(convert(ONE("{" BOX ", \"names\": \"one\\ttab\"}"), &o, NULL, &err));
    check_table("1.jpg\t1\t1\t3\t3\tone tab\n");
}

static void damaged_files_are_refused(void **state)
{
    (void)state;
    mask_error err;
    mask_regions_options o = {.size = sizeof(mask_regions_options), .recipe = MASK_RECIPE_MACK};
    const char *const bad[][2] = {
        {"{\"image_id\": 1}", "not a list of images"},
        {"[[1]]", "an image that is not an object"},
        {"[]", "not Visual Genome's"},
        {"[{\"image_id\": 1, \"relationships\": []}]", "not Visual Genome's"},
        {"[{\"objects\": []}]", "image 0 has no image_id"},
        {"[{\"image_id\": \"1\", \"objects\": []}]", "not a whole number"},
        {"[{\"image_id\": 1e300, \"objects\": []}]", "not a whole number"},
        {"[{\"image_id\": -1, \"objects\": []}]", "not a whole number"},
        {"[{\"image_id\": 1, \"objects\": {}}]", "not a list"},
        {ONE("5"), "a region that is not an object"},
        {ONE("{\"names\": [\"a\"]}"), "image 1: region 0 has no box"},
        {ONE("{\"x\": \"1\"}"), "box of a region"},
        {ONE("{\"x\": [1]}"), "box of a region"},
        {ONE("{\"x\": 1e9}"), "box of a region"},
        {ONE("{\"object_id\": 1.5}"), "id of a region"},
        {ONE("{\"names\": [1]}"), "must be texts"},
        {ONE("{\"names\": [[\"a\"]]}"), "must be texts"},
        {ONE("{\"names\": {}}"), "must be texts"},
        {ONE("{" BOX ", \"names\": [\"??\"]}"), "no region kept a label"},
        {"[{\"image_id\": 1, \"objects\": [{" BOX ", \"names\": [\"a\"]}]}, {\"image_id\": 2, \"objects\": []}, "
         "{\"image_id\": 1, \"objects\": [{" BOX ", \"names\": [\"a\"]}]}, {\"image_id\": 2, \"objects\": [{" BOX
         ", \"names\": [\"a\"]}]}, "
         "{\"image_id\": 1, \"objects\": [{" BOX ", \"names\": [\"a\"]}]}]",
         "appears again"}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        check_fails(convert(bad[i][0], &o, NULL, &err), MASK_EFORMAT + (strstr(bad[i][1], "no region") ? 1 : 0),
                    bad[i][1]);
        assert_null(fopen(to, "r"));
    }
    char cut[sizeof objects];
    for (size_t length = 0; length + 1 < sizeof objects; length += 7) { /* cut anywhere */
        memcpy(cut, objects, length);
        cut[length] = '\0';
        check_fails(convert(cut, &o, NULL, &err), MASK_EFORMAT, "objects.json");
    }
    o.vocabulary = "x";
    check_fails(convert(objects, &o, NULL, &err), MASK_EINVAL, "only the recipe butd");
    check_fails(mask_regions_from_genome("/nonexistent", to, NULL, NULL, NULL, &err), MASK_EIO, "/nonexistent");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_follow_the_recipe),      cmocka_unit_test(rare_words_are_dropped),
        cmocka_unit_test(attributes_join_in_any_order), cmocka_unit_test(large_files_join_in_any_order),
        cmocka_unit_test(image_data_names_and_clips),   cmocka_unit_test(of_repeated_keys_the_last_counts),
        cmocka_unit_test(damaged_files_are_refused)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
