/* TSV files of region features: both layouts, both ends of lines, rows in any order; damaged and repeated rows;
 * refusals. */
#include "made_images.h"
#include "formats/base64.h"
#include "formats/tsv.h"

#include <math.h>

static void put_encoded(FILE *file, const void *data, size_t bytes)
{
    size_t length = mask__base64_length(bytes);
    char *text = malloc(length + 1);
    mask__base64_encode(data, bytes, text);
    if (fwrite(text, 1, length, file) != length) abort();
    free(text);
}

static void put_row(FILE *file, int columns, size_t image, size_t said, const char *end)
{
    size_t n = made_regions_in(image);
    float features[MADE_MOST * MADE_DIM], boxes[MADE_MOST * 4], conf[MADE_MOST] = {0};
    int64_t classes[MADE_MOST] = {0};
    fill_features(image, n, features);
    fill_boxes(image, n, boxes);
    if (columns == MASK__TSV_BUTD) {
        fprintf(file, "%s\t640\t480\t%zu\t", made_id(image), said);
    } else {
        fprintf(file, "%s\t480\t640\t", made_id(image));
        for (int pair = 0; pair < 2; pair++) {
            put_encoded(file, classes, n * sizeof *classes);
            fputc('\t', file);
            put_encoded(file, conf, n * sizeof *conf);
            fputc('\t', file);
        }
        fprintf(file, "%zu\t", said);
    }
    put_encoded(file, boxes, n * 4 * sizeof *boxes);
    fputc('\t', file);
    put_encoded(file, features, n * MADE_DIM * sizeof *features);
    fputs(end, file);
}

static const size_t order[MADE_IMAGES] = {3, 0, 6, 1, 5, 2, 4};

static void write_set(const char *path, int columns, const char *end, bool last_end)
{
    FILE *file = fopen(path, "w");
    if (!file) abort();
    for (size_t i = 0; i < MADE_IMAGES; i++)
        put_row(file, columns, order[i], made_regions_in(order[i]), i + 1 < MADE_IMAGES || last_end ? end : "");
    if (fclose(file) != 0) abort();
}

static void both_layouts_are_read(void **state)
{
    (void)state;
    mask_error err;
    mask_images *images;
    const char *path = temp_path("set.tsv");
    for (int variant = 0; variant < 8; variant++) {
        write_set(path, variant & 1 ? MASK__TSV_LXMERT : MASK__TSV_BUTD, variant & 2 ? "\r\n" : "\n", variant & 4);
        check_ok(mask_images_open(&images, path, NULL, NULL, &err));
        assert_int_equal(mask_images_count(images), MADE_IMAGES);
        assert_int_equal(mask_images_dim(images), MADE_DIM);
        for (size_t i = 0; i < MADE_IMAGES; i++) {
            float size[2];
            check_made(images, i, order[i], 0);
            assert_true(mask__images_size(images, i, size) && size[0] == 640 && size[1] == 480);
            assert_null(mask_images_name(images, i));
        }
        assert_int_equal(mask_images_find(images, "rose "), -1);
        check_blocks(images);
        check_threads(images);
        mask_images_close(images);
    }
}

/* A row cut short, that row again, a repeated row, a row that a cut one runs into, a num_boxes that lies. */
static void damaged_and_repeated_rows_are_skipped(void **state)
{
    (void)state;
    mask_error err;
    mask_images *images;
    told t = {0};
    mask_run run = {.log = keep_line, .user = &t};
    const char *path = temp_path("interrupted.tsv");
    for (int columns = MASK__TSV_BUTD; columns <= MASK__TSV_LXMERT; columns += MASK__TSV_LXMERT - MASK__TSV_BUTD) {
        FILE *file = fopen(path, "w+");
        put_row(file, columns, 0, made_regions_in(0), "\n");
        long start = ftell(file);
        put_row(file, columns, 1, made_regions_in(1), "");
        for (long back = 3; back < 60; back += 19) { /* cut within the features, and within the boxes */
            assert_int_equal(fseek(file, start + (columns == MASK__TSV_BUTD ? 190 : 250) - back, SEEK_SET), 0);
            fputs("\n", file);
            start = ftell(file);
            put_row(file, columns, 1, made_regions_in(1), "");
        }
        fputs("\n", file);
        put_row(file, columns, 0, made_regions_in(0), "\n");
        put_row(file, columns, 2, made_regions_in(2) + 1, "\n");
        put_row(file, columns, 2, made_regions_in(2), "\n");
        for (size_t i = 3; i < MADE_IMAGES; i++) put_row(file, columns, i, made_regions_in(i), "\r\n");
        fputs("17\t640\t48", file);
        fclose(file);
        t.lines = 0;
        check_ok(mask_images_open(&images, path, NULL, &run, &err));
        assert_int_equal(t.lines, 1);
        assert_non_null(strstr(t.line, "skipped 5 damaged rows (the first, line 2, "));
        assert_non_null(strstr(t.line, "and 1 repeated ones"));
        assert_int_equal(mask_images_count(images), MADE_IMAGES);
        for (size_t i = 0; i < MADE_IMAGES; i++) check_made(images, i, i, 0);
        check_blocks(images);
        check_threads(images);
        mask_images_close(images);
    }
}

/* The first row may be cut just so that its length fits another dimension. */
static void the_dimension_is_that_of_most_rows(void **state)
{
    (void)state;
    mask_error err;
    mask_images *images;
    told t = {0};
    mask_run run = {.log = keep_line, .user = &t};
    const char *path = temp_path("first.tsv");
    FILE *file = fopen(path, "w");
    fputs("x\t1\t1\t1\tAAAAAAAAAAAAAAAAAAAAAA==\tAAAAAA==\n", file); /* one dimension */
    for (size_t i = 0; i < MADE_IMAGES; i++) put_row(file, MASK__TSV_BUTD, i, made_regions_in(i), "\n");
    fclose(file);
    check_ok(mask_images_open(&images, path, NULL, &run, &err));
    assert_int_equal(mask_images_count(images), MADE_IMAGES);
    assert_int_equal(mask_images_find(images, "x"), -1);
    assert_non_null(strstr(t.line, "skipped 1 damaged rows (the first, line 1, has features of another dimension"));
    check_made(images, 0, 0, 0);
    mask_images_close(images);
}

static void what_cannot_be_used_is_refused(void **state)
{
    (void)state;
    mask_error err;
    mask_images *images;
    const char *path = temp_path("bad.tsv");
    static const struct {
        const char *text, *part;
    } bad[] = {
        {"x\t1\t1\t1\n", "too few columns"},
        {"x\t1\t1\t1\tAAAAAAAAAAAAAAAAAAAAAA==\tAAA\n", "cut"},
        {"x\t1\t1\t1\tAAAAAAAAAAAAAAAAAAAAAA==\tAAAA\n", "cut"},
        {"x\t1\t1\t1\tAAAAAAAAAAAAAAAAAAAAAA==\t\n", "cut"},
        {"x\t1\t1\t1\tAAAAAAAAAAAAAAAAAAAA\tAAAAAA==\n", "boxes that do not fit"},
        {"x\t1\t1\t0\t\tAAAAAA==\n", "no boxes"},
        {"x\t1\t1\t99999\tAAAAAAAAAAAAAAAAAAAAAA==\tAAAAAA==\n", "no boxes, or too many"},
        {"x\t1\t1\t-1\tAAAAAAAAAAAAAAAAAAAAAA==\tAAAAAA==\n", "whole number"},
        {"x\twide\t1\t1\tAAAAAAAAAAAAAAAAAAAAAA==\tAAAAAA==\n", "whole number"},
        {"\t1\t1\t1\tAAAAAAAAAAAAAAAAAAAAAA==\tAAAAAA==\n", "no image id"},
        {"\xff\t1\t1\t1\tAAAAAAAAAAAAAAAAAAAAAA==\tAAAAAA==\n", "no image id"},
        {"x\t1\t1\t1\tAAAAAAAAAAAAAAAAAAAAAA==\tAAAAAA==\tmore\n", "too many columns"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        write_text(path, bad[i].text);
        check_fails(mask_images_open(&images, path, NULL, NULL, &err), MASK_EFORMAT, "line 1: ");
        if (!strstr(err.message, bad[i].part)) fail_msg("'%s' lacks '%s'", err.message, bad[i].part);
        assert_null(images);
    }
    write_file(path, "\x1f\x8b\x08\0", 4);
    check_fails(mask_images_open(&images, path, NULL, NULL, &err), MASK_EINVAL, "gunzip");
}

static void bad_base64_and_nan_are_refused_when_read(void **state)
{
    (void)state;
    mask_error err;
    mask_images *images;
    float out[MADE_MOST * MADE_DIM], box[4];
    const char *path = temp_path("foreign.tsv");
    size_t size;
    write_set(path, MASK__TSV_BUTD, "\n", true);
    char *text = read_whole(path, &size), *second = memchr(text, '\n', size) + 1, *end = memchr(second, '\n', size);
    end[-9] = '*';
    write_file(path, text, size);
    check_ok(mask_images_open(&images, path, NULL, NULL, &err));
    check_made(images, 0, order[0], 0);
    check_fails(mask_images_features(images, 1, out, &err), MASK_EFORMAT, "line 2: byte ");
    assert_non_null(strstr(err.message, "features of image 17 are not base64"));
    assert_true(err.offset <= (size_t)(end - 9 - text) && err.offset + 4 > (size_t)(end - 9 - text));
    float *buffer = malloc(mask__images_rows(images) * MADE_DIM * sizeof *buffer);
    const float *features;
    size_t rows;
    check_fails(mask__images_block(images, 0, MADE_IMAGES, buffer, &features, &rows, &err), MASK_EFORMAT, "line 2");
    free(buffer);
    mask_images_close(images);

    end[-9] = 'A';
    float value = NAN;
    mask__base64_encode((float[3]){0, value, 0}, 12, strrchr(text, '\t') + 1);
    *(strchr(strchr(strchr(strchr(text, '\t') + 1, '\t') + 1, '\t') + 1, '\t') + 1) =
        '!'; /* the first row's first box */
    write_file(path, text, size);
    check_ok(mask_images_open(&images, path, NULL, NULL, &err));
    check_fails(mask_images_features(images, 6, out, &err), MASK_ENUMERIC, "byte ");
    assert_non_null(strstr(err.message, "image 6 (100), region 0: the feature is NaN"));
    check_fails(mask__images_refuse(images, 6, &err), MASK_ENUMERIC, "NaN");
    check_ok(mask__images_refuse(images, 1, &err));
    assert_false(mask_images_box(images, 0, 0, box));
    assert_true(mask_images_box(images, 0, 2, box));
    mask_images_close(images);
    free(text);
}

static int stop(void *user, const char *what, const char *unit, uint64_t done, uint64_t total)
{
    (void)user, (void)what, (void)unit, (void)done, (void)total;
    return 1;
}

static void damage_anywhere_is_survived(void **state)
{
    (void)state;
    size_t size;
    uint64_t seed = 5;
    mask_error err;
    mask_images *images;
    const char *whole = temp_path("whole.tsv"), *bad = temp_path("damaged.tsv");
    write_set(whole, MASK__TSV_LXMERT, "\n", true);
    check_fails(mask_images_open(&images, whole, NULL, &(mask_run){.progress = stop}, &err), MASK_ECANCELLED,
                "stopped");
    char *text = read_whole(whole, &size);
    for (size_t cut = 0; cut < size; cut += 3) {
        write_file(bad, text, cut);
        survive(bad);
    }
    for (int i = 0; i < 3000; i++) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        size_t at = (seed >> 33) % size;
        char old = text[at];
        text[at] = (char)(i % 5 == 0   ? '\t'
                          : i % 5 == 1 ? '\n'
                          : i % 5 == 2 ? '9'
                          : i % 5 == 3 ? '='
                                       : (int)(seed >> 24 & 0xff));
        write_file(bad, text, size);
        survive(bad);
        if (i % 20) text[at] = old; /* every twentieth damage stays */
    }
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_layouts_are_read),
        cmocka_unit_test(damaged_and_repeated_rows_are_skipped),
        cmocka_unit_test(the_dimension_is_that_of_most_rows),
        cmocka_unit_test(what_cannot_be_used_is_refused),
        cmocka_unit_test(bad_base64_and_nan_are_refused_when_read),
        cmocka_unit_test(damage_anywhere_is_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
