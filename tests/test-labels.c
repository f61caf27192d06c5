/* Labelled regions: the table, its features, and one bad table for each rule. */
#include "arrays.h"
#include "annotations/labels.h"

#include <locale.h>
#include <math.h>
#include <zlib.h>

#define HEADER "image\tx1\ty1\tx2\ty2\tlabel\n"

enum { ROWS = 4, DIM = 3 };

static const char table[] = HEADER "b.jpg\t4.8\t68.1\t64.5\t1.5e2\tA child\n"
                                   "b.jpg\t-1\t+2\t3.\t.5\tthe man\n"
                                   "a.jpg\t0\t0\t1\t1\tA child\n"
                                   "c.jpg\t1\t2\t3\t4\tcaf\xc3\xa9\n";

/* A folder with features of 4 x 3 and this table. */
static char *new_set(const char *name, mask__npy_type type, const char *text)
{
    char *folder = new_folder(name);
    write_counting(inside(folder, "features.npy"), type, 2, (size_t[]){ROWS, DIM}, 1);
    if (text) write_text(inside(folder, "regions.tsv"), text);
    return folder;
}

static void check_set(const char *folder)
{
    mask_error err;
    mask_labels *labels;
    float buffer[ROWS * DIM];
    const float *features;
    static const size_t images[ROWS] = {0, 0, 1, 2};
    static const char *const names[] = {"b.jpg", "a.jpg", "c.jpg"};
    static const char *const texts[ROWS] = {"A child", "the man", "A child", "caf\xc3\xa9"};
    check_ok(mask_labels_open(&labels, folder, NULL, &err));
    assert_int_equal(mask_labels_regions(labels), ROWS);
    assert_int_equal(mask_labels_images(labels), 3);
    assert_int_equal(mask_labels_dim(labels), DIM);
    assert_string_equal(mask__labels_path(labels), folder);
    for (size_t i = 0; i < ROWS; i++) {
        assert_string_equal(mask_labels_text(labels, i), texts[i]);
        assert_int_equal(mask__labels_image(labels, i), images[i]);
    }
    for (size_t i = 0; i < 3; i++) assert_string_equal(mask__labels_image_name(labels, i), names[i]);
    const float *box = mask__labels_box(labels, 0);
    assert_true(box[0] == 4.8f && box[1] == 68.1f && box[2] == 64.5f && box[3] == 150);
    box = mask__labels_box(labels, 1);
    assert_true(box[0] == -1 && box[1] == 2 && box[2] == 3 && box[3] == 0.5f);
    for (size_t first = 0; first <= ROWS; first++) {
        check_ok(mask__labels_block(labels, first, ROWS - first, buffer, &features, &err));
        for (size_t i = 0; i < (ROWS - first) * DIM; i++) assert_true(features[i] == (float)(first * DIM + i));
    }
    check_fails(mask__labels_block(labels, 3, 2, buffer, &features, &err), MASK_EINVAL, "regions 3 to 5 of 4");
    mask_labels_close(labels);
}

static void tables_are_read(void **state)
{
    (void)state;
    char *half = new_set("half", MASK__NPY_F16, table), *single = new_set("single", MASK__NPY_F32, table);
    check_set(half);
    check_set(single);
    /* As Windows would write it. */
    char text[512] = "\xef\xbb\xbf", *to = text + 3;
    for (const char *from = table; *from; from++) {
        if (*from == '\n') *to++ = '\r';
        *to++ = *from;
    }
    write_text(inside(single, "regions.tsv"), text);
    check_set(single);
    /* A program whose locale writes 4,8. */
    if (setlocale(LC_ALL, "de_DE.UTF-8")) check_set(half);
    setlocale(LC_ALL, "C");
    free(half);
    free(single);
    mask_labels_close(NULL);
}

static void a_compressed_table_is_read(void **state)
{
    (void)state;
    char *folder = new_set("gz", MASK__NPY_F16, NULL);
    gzFile file = gzopen(inside(folder, "regions.tsv.gz"), "wb");
    gzputs(file, table);
    gzclose(file);
    check_set(folder);
    free(folder);
}

static void each_bad_table_is_refused(void **state)
{
    (void)state;
    mask_error err;
    mask_labels *labels;
    static const struct {
        const char *text;
        mask_status status;
        const char *part;
    } cases[] = {
        {"", MASK_EFORMAT, "header"},
        {"b.jpg\t1\t2\t3\t4\ta\n", MASK_EFORMAT, "header"},
        {"image x1 y1 x2 y2 label\n", MASK_EFORMAT, "header"},
        {HEADER "a\t1\t2\t3\tdog\n", MASK_EFORMAT, "line 2: needs 6"},
        {HEADER "a\t1\t2\t3\t4\tdog\tcat\n", MASK_EFORMAT, "line 2: needs 6"},
        {HEADER "a\t1\t2\t3\t4\t\n", MASK_EFORMAT, "line 2: needs 6"},
        {HEADER "\t1\t2\t3\t4\tdog\n", MASK_EFORMAT, "line 2: needs 6"},
        {HEADER "a\t1\t2\t3\t4\tdog\n\n", MASK_EFORMAT, "line 3: needs 6"},
        {HEADER "a\t1\t2\t3\t\tdog\n", MASK_EFORMAT, "line 2: '' is not a finite number"},
        {HEADER "a\t1\t2,5\t3\t4\tdog\n", MASK_EFORMAT, "'2,5' is not a finite number"},
        {HEADER "a\t1\tnan\t3\t4\tdog\n", MASK_EFORMAT, "'nan' is not a finite number"},
        {HEADER "a\t1\tinf\t3\t4\tdog\n", MASK_EFORMAT, "'inf' is not a finite number"},
        {HEADER "a\t1\t1e99\t3\t4\tdog\n", MASK_EFORMAT, "'1e99' is not a finite number"},
        {HEADER "a\t1\t0x1\t3\t4\tdog\n", MASK_EFORMAT, "'0x1' is not a finite number"},
        {HEADER "a\t1\t1-\t3\t4\tdog\n", MASK_EFORMAT, "'1-' is not a finite number"},
        {HEADER "a\t1\t 1\t3\t4\tdog\n", MASK_EFORMAT, "' 1' is not a finite number"},
        {HEADER "a\t1\t2\t3\t4\tdog\n\xff\t1\t2\t3\t4\tdog\n", MASK_EFORMAT, "line 3: byte 38 is not UTF-8"},
        {HEADER "a\t1\t2\t3\t4\tdog\nb\t1\t2\t3\t4\tx\na\t1\t2\t3\t4\tx\nb\t1\t2\t3\t4\tx\n", MASK_EFORMAT,
         "line 4: image 'a' appears again"},
        {HEADER "a\t1\t2\t3\t4\tdog\n", MASK_EMISMATCH, "has 1 regions"},
        {HEADER "a\t1\t2\t3\t4\t1\na\t1\t2\t3\t4\t2\na\t1\t2\t3\t4\t3\na\t1\t2\t3\t4\t4\na\t1\t2\t3\t4\t5\n",
         MASK_EMISMATCH, "line 6: has no row"},
    };
    char *folder = new_set("bad", MASK__NPY_F32, NULL);
    check_fails(mask_labels_open(&labels, folder, NULL, &err), MASK_EIO, "regions.tsv: cannot open");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        write_text(inside(folder, "regions.tsv"), cases[i].text);
        check_fails(mask_labels_open(&labels, folder, NULL, &err), cases[i].status, cases[i].part);
        assert_non_null(strstr(err.message, "regions.tsv"));
        assert_null(labels);
    }
    free(folder);
}

static void each_bad_feature_file_is_refused(void **state)
{
    (void)state;
    mask_error err;
    mask_labels *labels;
    char *folder = new_set("features", MASK__NPY_F32, table);
    const char *path = inside(folder, "features.npy");
    write_counting(path, MASK__NPY_F32, 3, (size_t[]){ROWS, 1, DIM}, 1);
    check_fails(mask_labels_open(&labels, folder, NULL, &err), MASK_EFORMAT, "3 dimensions");
    write_text(path, "nothing");
    check_fails(mask_labels_open(&labels, folder, NULL, &err), MASK_EFORMAT, "features.npy");
    remove(path);
    check_fails(mask_labels_open(&labels, folder, NULL, &err), MASK_EIO, "features.npy");
    check_fails(mask_labels_open(&labels, path, NULL, &err), MASK_EIO, "not a folder");
    assert_null(labels);
    free(folder);
}

static void every_cut_of_the_table_is_refused(void **state)
{
    (void)state;
    mask_error err;
    mask_labels *labels;
    char *folder = new_set("cuts", MASK__NPY_F32, NULL);
    const char *path = inside(folder, "regions.tsv");
    size_t last_label = sizeof table - 1 - strlen("caf\xc3\xa9\n");
    for (size_t cut = 0; cut <= last_label; cut++) { /* a cut inside the last label cannot be seen */
        write_file(path, table, cut);
        assert_int_not_equal(mask_labels_open(&labels, folder, NULL, &err), MASK_OK);
        assert_null(labels);
    }
    free(folder);
}

static void the_bad_value_is_named(void **state)
{
    (void)state;
    mask_error err;
    mask_labels *labels;
    float values[ROWS * DIM] = {0}, buffer[ROWS * DIM];
    const float *features;
    char *folder = new_set("nan", MASK__NPY_F32, table);
    for (int half = 0; half < 2; half++) {
        values[2 * DIM + 1] = half ? NAN : -INFINITY;
        values[3 * DIM] = NAN;
        write_array(inside(folder, "features.npy"), half ? MASK__NPY_F16 : MASK__NPY_F32, 2, (size_t[]){ROWS, DIM},
                    values);
        check_ok(mask_labels_open(&labels, folder, NULL, &err));
        check_ok(mask__labels_block(labels, 0, 2, buffer, &features, &err));
        check_fails(mask__labels_block(labels, 0, 4, buffer, &features, &err), MASK_ENUMERIC, "row 2 (image a.jpg)");
        assert_int_equal(err.offset, 128 + (2 * DIM + 1) * (half ? 2 : 4));
        mask_labels_close(labels);
    }
    free(folder);
}

/* The real table, where the machine has it. */
static void knowledge_opens(void **state)
{
    (void)state;
    mask_error err;
    mask_labels *labels;
    const float *features;
    char path[512];
    need_shared(shared);
    snprintf(path, sizeof path, "%s/flickr8k/knowledge", shared);
    check_ok(mask_labels_open(&labels, path, NULL, &err));
    assert_int_equal(mask_labels_regions(labels), 26835);
    assert_int_equal(mask_labels_images(labels), 5998);
    assert_int_equal(mask_labels_dim(labels), 768);
    assert_int_equal(mask__labels_image(labels, 26834), 5997);
    float *buffer = malloc(26835 * 768 * sizeof *buffer);
    check_ok(mask__labels_block(labels, 0, 26835, buffer, &features, &err));
    free(buffer);
    mask_labels_close(labels);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tables_are_read),
        cmocka_unit_test(a_compressed_table_is_read),
        cmocka_unit_test(each_bad_table_is_refused),
        cmocka_unit_test(each_bad_feature_file_is_refused),
        cmocka_unit_test(every_cut_of_the_table_is_refused),
        cmocka_unit_test(the_bad_value_is_named),
        cmocka_unit_test(knowledge_opens),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
