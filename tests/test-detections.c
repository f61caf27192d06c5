/* LXMERT's TSV files as labelled regions. */
#include "check.h"
#include "formats/base64.h"
#include "annotations/labels.h"

#include <math.h>

enum { IMAGES = 3, REGIONS = 4, DIM = 3 };

static char tsv[256], objects[256], attributes[256], folder[256];

static void put(FILE *file, const void *data, size_t bytes, char end)
{
    char text[256];
    mask__base64_encode(data, bytes, text);
    fprintf(file, "%.*s%c", (int)mask__base64_length(bytes), text, end);
}

/* Region r of image i has class (i + r) % 3, attribute r % 2, confidence r / 4, and a feature of i, r and d. */
static void write_rows(int64_t first_class, int bad_image)
{
    FILE *file = fopen(tsv, "w");
    for (int i = 0; i < IMAGES; i++) {
        int64_t object[REGIONS], attribute[REGIONS];
        float confidence[REGIONS], boxes[REGIONS][4], features[REGIONS][DIM];
        for (int r = 0; r < REGIONS; r++) {
            object[r] = first_class + (i + r) % 3;
            attribute[r] = r % 2;
            confidence[r] = (float)r / 4;
            for (int side = 0; side < 4; side++) boxes[r][side] = (float)(i + r) + (side < 2 ? 0 : 10.5f);
            for (int d = 0; d < DIM; d++) features[r][d] = (float)(i * 100 + r * 10 + d);
        }
        boxes[1][2] = boxes[1][0]; /* no area */
        if (i == bad_image) features[2][1] = NAN;
        fprintf(file, "image_%d\t20\t30\t", i);
        put(file, object, sizeof object, '\t');
        put(file, confidence, sizeof confidence, '\t');
        put(file, attribute, sizeof attribute, '\t');
        put(file, confidence, sizeof confidence, '\t');
        fprintf(file, "%d\t", REGIONS);
        put(file, boxes, sizeof boxes, '\t');
        put(file, features, sizeof features, '\n');
    }
    fclose(file);
}

static int set_up(void **state)
{
    (void)state;
    snprintf(tsv, sizeof tsv, "%s", temp_path("objects.tsv"));
    snprintf(objects, sizeof objects, "%s", temp_path("objects.txt"));
    snprintf(attributes, sizeof attributes, "%s", temp_path("attributes.txt"));
    snprintf(folder, sizeof folder, "%s", temp_path("regions"));
    write_text(objects, "man,guy\nhot dog\ntree");
    write_text(attributes, "red,crimson\ntall");
    return 0;
}

static void classes_become_labels(void **state)
{
    (void)state;
    mask_error err;
    mask_labels *l;
    mask_regions_report report;
    const float *features;
    float buffer[REGIONS * DIM];
    write_rows(0, -1);
    check_ok(mask_regions_from_detections(tsv, folder, objects, attributes, 0, &report, NULL, &err));
    assert_int_equal(report.images, IMAGES);
    assert_int_equal(report.regions, IMAGES * (REGIONS - 1));
    assert_int_equal(report.no_area, IMAGES);
    check_ok(mask_labels_open(&l, folder, NULL, &err));
    assert_int_equal(mask_labels_regions(l), IMAGES * (REGIONS - 1));
    assert_string_equal(mask_labels_text(l, 0), "red man");
    assert_string_equal(mask_labels_text(l, 1), "red tree"); /* region 2: region 1 has no area */
    assert_string_equal(mask_labels_text(l, 3), "red hot dog");
    assert_string_equal(mask_labels_text(l, 5), "tall hot dog");
    assert_string_equal(mask__labels_image_name(l, 1), "image_1");
    assert_true(mask__labels_box(l, 4)[0] == 3 && mask__labels_box(l, 4)[2] == 13.5f);
    check_ok(mask__labels_block(l, 4, 1, buffer, &features, &err));
    for (int d = 0; d < DIM; d++) assert_true(features[d] == (float)(100 + 20 + d));
    mask_labels_close(l);
    check_ok(mask_regions_from_detections(tsv, folder, objects, NULL, 0.5f, &report, NULL, &err));
    assert_int_equal(report.regions, IMAGES * 2);
    assert_int_equal(report.no_label, IMAGES * 2);
    check_ok(mask_labels_open(&l, folder, NULL, &err));
    assert_string_equal(mask_labels_text(l, 0), "tree");
    mask_labels_close(l);
}

static void wrong_classes_are_refused(void **state)
{
    (void)state;
    mask_error err;
    write_rows(1, -1);
    check_fails(mask_regions_from_detections(tsv, folder, objects, NULL, 0, NULL, NULL, &err), MASK_EMISMATCH,
                "object class 3, the vocabulary has 3");
    write_rows(-1, -1);
    check_fails(mask_regions_from_detections(tsv, folder, objects, NULL, 0, NULL, NULL, &err), MASK_EMISMATCH,
                "object class -1");
    write_rows(0, -1);
    check_fails(mask_regions_from_detections(tsv, folder, objects, objects, 0.9f, NULL, NULL, &err), MASK_EMISMATCH,
                "no region is as sure");
    write_text(attributes, "red");
    check_fails(mask_regions_from_detections(tsv, folder, objects, attributes, 0, NULL, NULL, &err), MASK_EMISMATCH,
                "attribute class 1");
    write_rows(0, 1);
    check_fails(mask_regions_from_detections(tsv, folder, objects, NULL, 0, NULL, NULL, &err), MASK_ENUMERIC,
                "image 1 (image_1), region 2");
    write_text(tsv, "a\t20\t30\t1\tAAAAAAAAAAAAAAAAAAAAAA==\tAAAAAA==\n"); /* six columns */
    check_fails(mask_regions_from_detections(tsv, folder, objects, NULL, 0, NULL, NULL, &err), MASK_EFORMAT,
                "has no classes of regions");
    write_text(tsv, "a\t20\t30\tAAAA\tAAAA\tAAAA\tAAAA\t1\tAAAAAAAAAAAAAAAAAAAAAA==\tAAAAAA==\n");
    check_fails(mask_regions_from_detections(tsv, folder, objects, NULL, 0, NULL, NULL, &err), MASK_EFORMAT,
                "line 1: byte 8: the classes of image a are not base64");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(classes_become_labels),
                                       cmocka_unit_test(wrong_classes_are_refused)};
    return cmocka_run_group_tests(tests, set_up, NULL);
}
