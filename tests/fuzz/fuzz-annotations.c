/* Annotations: Visual Genome's JSON, Entities' XML and sentences, detections, MACK's vocabulary, heads' labels, tables
 * of boxes and of metadata. The first byte says which. What is refused leaves no file; a table that was written is
 * read. */
#include "fuzz.h"
#include "photos/boxtable.h"

#include <sys/stat.h>
#include <unistd.h>

static const char npy_header[] =
    "\x93NUMPY\x01\x00\x46\x00{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }          \n";

static const char *matrix(void)
{
    char file[sizeof npy_header - 1 + 24];
    memset(file, 0, sizeof file);
    memcpy(file, npy_header, sizeof npy_header - 1);
    for (int i = 0; i < 6; i++) memcpy(file + sizeof npy_header - 1 + 4 * i, &(float){1 + (float)i}, 4);
    return fuzz_file("matrix.npy", file, sizeof file);
}

static void table_is_read(const char *path)
{
    mask_error err;
    mask__boxtable table;
    fuzz_check(fuzz_ok(mask__boxtable_open(&table, path, &err), &err));
    mask__boxtable_close(&table);
}

static void genome(const char *source, const char *to, unsigned char kind)
{
    mask_error err;
    mask_regions_report report;
    mask_regions_options o = mask_regions_defaults();
    const char *other = fuzz_path("source.json");
    o.recipe = (mask_recipe)(kind % 3);
    o.min_count = kind / 3 % 2;
    if (kind & 64) o.attributes = other;
    if (kind & 128) o.image_data = other;
    if (!fuzz_ok(mask_regions_from_genome(source, to, &o, &report, &fuzz_run, &err), &err))
        fuzz_check(access(to, F_OK) != 0);
    else if (report.regions > 0) table_is_read(to);
}

static void entities(const unsigned char *data, size_t size, const char *to)
{
    mask_error err;
    const unsigned char *cut = memchr(data, 0, size);
    size_t first = cut ? (size_t)(cut - data) : size;
    mkdir(fuzz_path("entities"), 0777);
    mkdir(fuzz_path("entities/Sentences"), 0777);
    mkdir(fuzz_path("entities/Annotations"), 0777);
    fuzz_file("entities/Sentences/7.txt", data, first);
    fuzz_file("entities/Annotations/7.xml", data + (cut ? first + 1 : first), size - (cut ? first + 1 : first));
    if (fuzz_ok(mask_regions_from_entities(fuzz_path("entities"), NULL, to, NULL, &fuzz_run, &err), &err))
        fuzz_check(access(to, F_OK) == 0);
    else fuzz_check(access(to, F_OK) != 0);
}

static void labels(const unsigned char *data, size_t size)
{
    mask_error err;
    mask_labels *l;
    mkdir(fuzz_path("labels"), 0777);
    rename(matrix(), fuzz_path("labels/features.npy"));
    fuzz_file("labels/regions.tsv", data, size);
    if (!fuzz_ok(mask_labels_open(&l, fuzz_path("labels"), &fuzz_run, &err), &err)) return;
    for (size_t i = 0; i < mask_labels_regions(l); i++) fuzz_check(mask_labels_text(l, i));
    mask_labels_close(l);
}

static void boxes(const char *path)
{
    mask_error err;
    mask__boxtable table;
    if (!fuzz_ok(mask__boxtable_open(&table, path, &err), &err)) return;
    fuzz_check(table.starts[table.images.count] == table.count);
    mask__boxtable_close(&table);
}

static void metadata(const char *table)
{
    static char path[300];
    mask_error err;
    mask_gallery *g;
    char *json;
    if (!path[0]) snprintf(path, sizeof path, "%s", fuzz_gallery(NULL));
    if (!fuzz_ok(mask_gallery_describe_images(path, table, &fuzz_run, &err), &err)) return;
    fuzz_check(fuzz_ok(mask_gallery_open(&g, path, &fuzz_run, &err), &err));
    if (fuzz_ok(mask_gallery_metadata(g, (const char *[]){"0"}, 1, &json, &err), &err)) free(json);
    mask_gallery_close(g);
}

void fuzz_one(const unsigned char *data, size_t size)
{
    static mask_vectors *v;
    mask_error err;
    mask_head *head;
    mask_knowledge *k;
    char source[300], to[300];
    if (!v) fuzz_check(fuzz_ok(mask_vectors_open(&v, FIXTURE("v.mvec"), NULL, &err), &err));
    if (size < 2) return;
    snprintf(source, sizeof source, "%s", fuzz_file("source.json", data + 2, size - 2));
    snprintf(to, sizeof to, "%s", fuzz_path("to.tsv"));
    unlink(to);
    switch (data[0] % 9) {
    case 0:
    case 1:
        genome(source, to, data[1]);
        break;
    case 2:
        entities(data + 2, size - 2, to);
        break;
    case 3:
        mkdir(fuzz_path("detected"), 0777);
        fuzz_ok(mask_regions_from_detections(source, fuzz_path("detected"), fuzz_file("classes.txt", "dog\ncat\n", 8),
                                             NULL, 0.2f, NULL, &fuzz_run, &err),
                &err);
        break;
    case 4:
        if (fuzz_ok(mask_knowledge_import(&k, source, matrix(), v, NULL, NULL, &err), &err)) mask_knowledge_close(k);
        break;
    case 5:
        if (fuzz_ok(mask_head_open(&head, matrix(), source, &fuzz_run, &err), &err)) mask_head_close(head);
        break;
    case 6:
        labels(data + 2, size - 2);
        break;
    case 7:
        boxes(source);
        break;
    default:
        metadata(source);
    }
}
