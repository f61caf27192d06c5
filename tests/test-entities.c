/* Flickr30K Entities to regions.tsv. */
#include "check.h"

#include <sys/stat.h>

static char folder[256], to[256];

static const char sentences[] =
    "[/EN#1/people Two men] in [/EN#2/clothing red shirts] look at [/EN#3/scene the garden] .\n"
    "[/EN#1/people/other two Men] and [/EN#0/notvisual nothing] near [/EN#4/other\tx a hot-dog stand] .\n"
    "No phrase here [1] .\n";
static const char boxes[] =
    "<?xml version='1.0'?>\n<annotation><filename>7.jpg</filename><size><width>100</width><height>50</height></size>\n"
    "<object><name>1</name><bndbox><xmin>1</xmin><ymin>2</ymin><xmax>30</xmax><ymax>60</ymax></bndbox></object>\n"
    "<object><name> 1 "
    "</name><name>2</name><bndbox><xmin>40</xmin><ymin>2</ymin><xmax>50.5</xmax><ymax>40</ymax></bndbox></object>\n"
    "<object><name>3</name><scene>1</scene><nobndbox>0</nobndbox></object>\n"
    "<object><name>4</name><bndbox><xmin>200</xmin><ymin>2</ymin><xmax>210</xmax><ymax>40</ymax></bndbox></object>\n"
    "<object><name>9</name><bndbox><xmin>1</xmin><ymin>2</ymin><xmax>9</xmax><ymax>9</ymax></bndbox></object>\n"
    "</annotation>";

static void put(const char *name, const char *text)
{
    char path[320];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    write_text(path, text);
}

static int set_up(void **state)
{
    (void)state;
    char path[320];
    snprintf(folder, sizeof folder, "%s", temp_path("entities"));
    snprintf(to, sizeof to, "%s", temp_path("regions.tsv"));
    mkdir(folder, 0777);
    snprintf(path, sizeof path, "%s/Sentences", folder);
    mkdir(path, 0777);
    snprintf(path, sizeof path, "%s/Annotations", folder);
    mkdir(path, 0777);
    return 0;
}

static void phrases_label_their_boxes(void **state)
{
    (void)state;
    mask_error err;
    mask_regions_report report;
    size_t size;
    put("Sentences/7.txt", sentences);
    put("Annotations/7.xml", boxes);
    put("Sentences/11.txt", "[/EN#5/animals A dog]");
    put("Annotations/11.xml",
        "<annotation><object><name>5</name><bndbox><ymax>4</ymax><xmin>1</xmin><xmax>3</xmax><ymin>2</ymin>"
        "</bndbox></object></annotation>");
    put("test.txt", "7\n");
    check_ok(mask_regions_from_entities(folder, NULL, to, &report, NULL, &err));
    char *table = read_whole(to, &size);
    assert_string_equal(table, "image\tx1\ty1\tx2\ty2\tlabel\n11.jpg\t1\t2\t3\t4\tA dog\n7.jpg\t1\t2\t30\t50\tTwo men\n"
                               "7.jpg\t40\t2\t50.5\t40\tTwo men, red shirts\n");
    free(table);
    assert_int_equal(report.images, 2);
    assert_int_equal(report.regions, 3);
    assert_int_equal(report.clipped, 1);
    assert_int_equal(report.no_area, 1);
    assert_int_equal(report.no_label, 1);
    assert_int_equal(report.no_box, 2); /* the garden, and nothing */
    check_ok(mask_regions_from_entities(folder, "test", to, &report, NULL, &err));
    assert_int_equal(report.images, 1);
    check_fails(mask_regions_from_entities(folder, "val", to, &report, NULL, &err), MASK_EIO, "val.txt");
    check_fails(mask_regions_from_entities("/nonexistent", NULL, to, &report, NULL, &err), MASK_EIO, "/nonexistent");
}

static void damaged_files_are_refused(void **state)
{
    (void)state;
    mask_error err;
    put("bad.txt", "8");
    put("Sentences/8.txt", sentences);
    check_fails(mask_regions_from_entities(folder, "bad", to, NULL, NULL, &err), MASK_EIO, "8.xml");
#define BOX(x) "<annotation><object><name>1</name><bndbox><xmin>" x "</xmin></bndbox></object></annotation>"
    const char *const bad[][2] = {
        {"", "cut or not XML"},
        {"<annotation><object>", "cut or not XML"},
        {"<annotation></object></annotation>", "line 1: mismatched tag"},
        {"<html></html>", "not an annotation"},
        {"<!DOCTYPE a [<!ENTITY b \"c\">]><annotation>&b;</annotation>", "document type"},
        {BOX("1e9"), "side of a box"},
        {BOX("nan"), "side of a box"},
        {BOX("x"), "side of a box"},
        {BOX(""), "side of a box"},
        {BOX("1111111111111111111111111111111111111111111111111111111111111111111111111"), "side of a box"},
        {"<annotation>\n<object><name>dog</name></object></annotation>", "line 2: the name of an object"},
        {"<annotation><object><name>1111111111111111111111</name></object></annotation>", "name of an object"},
        {"<annotation><size><width>-1</width></size></annotation>", "size of an image"},
        {"<annotation></annotation>", "no phrase of its 1 images has a box"}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        put("Annotations/8.xml", bad[i][0]);
        check_fails(mask_regions_from_entities(folder, "bad", to, NULL, NULL, &err),
                    i + 1 < sizeof bad / sizeof *bad ? MASK_EFORMAT : MASK_EMISMATCH, bad[i][1]);
    }
    char deep[2000] = "<annotation>";
    for (int i = 0; i < 100; i++) strcat(deep, "<a>");
    put("Annotations/8.xml", deep);
    check_fails(mask_regions_from_entities(folder, "bad", to, NULL, NULL, &err), MASK_EFORMAT, "nested too deep");
    put("Annotations/8.xml", boxes);
    const char *const texts[] = {"a\n[/EN#1/people Two men", "a\n[/EN#/people Two]", "a\n[/EN#1 Two]",
                                 "a\n[/EN#1/people]", "a\n[/EN#1111111111111111111111/people a]"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        put("Sentences/8.txt", texts[i]);
        check_fails(mask_regions_from_entities(folder, "bad", to, NULL, NULL, &err), MASK_EFORMAT,
                    "line 2: byte 0 of the line");
    }
    char cut[sizeof boxes];
    put("Sentences/8.txt", sentences);
    for (size_t length = 0; length + 13 < sizeof boxes; length += 11) {
        memcpy(cut, boxes, length);
        cut[length] = '\0';
        put("Annotations/8.xml", cut);
        check_fails(mask_regions_from_entities(folder, "bad", to, NULL, NULL, &err), MASK_EFORMAT, "8.xml");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(phrases_label_their_boxes),
                                       cmocka_unit_test(damaged_files_are_refused)};
    return cmocka_run_group_tests(tests, set_up, NULL);
}
