#include "photos/labelout.h"
#include "base/file.h"
#include "formats/npy.h"
#include "images/images.h"
#include "images/regions.h"
#include "annotations/regiontable.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A name a photo goes by. */
typedef struct alias {
    const char *text;
    size_t length, file;
} alias;

static int by_text(const void *a, const void *b)
{
    const alias *x = a, *y = b;
    size_t shorter = x->length < y->length ? x->length : y->length;
    int order = memcmp(x->text, y->text, shorter);
    return order ? order : (x->length > y->length) - (x->length < y->length);
}

enum { BY_ID, BY_NAME, BY_STEM, KINDS };

static alias alias_of(const mask__walk_file *file, size_t index, int kind)
{
    const char *slash = strrchr(file->id, '/'), *name = kind == BY_ID || !slash ? file->id : slash + 1;
    const char *dot = kind == BY_STEM ? strrchr(name, '.') : NULL;
    return (alias){.text = name, .length = dot && dot > name ? (size_t)(dot - name) : strlen(name), .file = index};
}

/* The alias with this text; *twice tells whether another one has it too. */
static const alias *find_alias(const alias *list, size_t count, const char *text, bool *twice)
{
    alias key = {.text = text, .length = strlen(text)};
    const alias *found = bsearch(&key, list, count, sizeof *list, by_text);
    *twice = found && ((found > list && by_text(found - 1, &key) == 0) ||
                       (found + 1 < list + count && by_text(found + 1, &key) == 0));
    return found;
}

static mask_status match_image(mask__labelout *out, const mask__walk *walk, alias *const lists[KINDS], size_t image,
                               const char *table_path, bool *matched, mask_error *err)
{
    const char *name = mask__names_get(&out->table.images, image);
    const alias *found = NULL;
    bool twice = false;
    for (int kind = 0; kind < KINDS && !found; kind++) found = find_alias(lists[kind], walk->count, name, &twice);
    *matched = found != NULL;
    if (!found) return MASK_OK;
    if (twice)
        return mask__fail(err, MASK_EMISMATCH,
                          "%s: image '%.100s' could be %.100s or another photo: name it as it lies below its folder",
                          table_path, name, walk->files[found->file].path);
    if (out->image_of[found->file] != SIZE_MAX)
        return mask__fail(
            err, MASK_EMISMATCH, "%s: images '%.100s' and '%.100s' are one photo, %.100s: join their boxes", table_path,
            mask__names_get(&out->table.images, out->image_of[found->file]), name, walk->files[found->file].path);
    out->image_of[found->file] = image;
    return MASK_OK;
}

static mask_status match_images(mask__labelout *out, const mask__walk *walk, alias *const lists[KINDS],
                                const char *table_path, const mask_run *run, mask_error *err)
{
    size_t images = out->table.images.count, missing = 0, first = 0;
    for (size_t i = 0; i < images; i++) {
        bool matched;
        MASK__TRY(match_image(out, walk, lists, i, table_path, &matched, err));
        if (!matched && missing++ == 0) first = i;
    }
    if (missing == images)
        return mask__fail(err, MASK_ENOTFOUND, "%s: none of its %zu images is among the %zu photos, not even '%.100s'",
                          table_path, images, walk->count, mask__names_get(&out->table.images, 0));
    if (missing)
        mask__log(run, MASK_LOG_WARNING, "%.200s: %zu of its %zu images have no photo, the first is '%.100s'",
                  table_path, missing, images, mask__names_get(&out->table.images, first));
    return MASK_OK;
}

mask_status mask__labelout_match(mask__labelout *out, const mask__walk *walk, const char *table_path,
                                 const mask_run *run, mask_error *err)
{
    alias *lists[KINDS];
    MASK__FREED alias *memory = calloc(walk->count * KINDS, sizeof *memory);
    out->image_of = malloc(walk->count * sizeof *out->image_of);
    if (!memory || !out->image_of) return mask__no_memory(err, table_path);
    for (int kind = 0; kind < KINDS; kind++) {
        lists[kind] = memory + (size_t)kind * walk->count;
        for (size_t i = 0; i < walk->count; i++) lists[kind][i] = alias_of(&walk->files[i], i, kind);
        qsort(lists[kind], walk->count, sizeof *lists[kind], by_text);
    }
    for (size_t i = 0; i < walk->count; i++) out->image_of[i] = SIZE_MAX;
    return match_images(out, walk, lists, table_path, run, err);
}

bool mask__labelout_wants(const mask__labelout *out, size_t file)
{
    return out->image_of[file] != SIZE_MAX;
}

const mask__boxtable_row *mask__labelout_rows(const mask__labelout *out, size_t file, size_t *count)
{
    size_t image = out->image_of[file], first = out->table.starts[image];
    *count = out->table.starts[image + 1] - first;
    return out->table.rows + first;
}

/* The two files on their way. */
typedef struct writing {
    const mask__labelout *out;
    const mask__walk *walk;
    mask_images *reader;
    mask__npy_writer features;
    mask__writer table;
    float *values;
    size_t capacity;
} writing;

/* The photo's place in the store, -1 where it has none. */
static int64_t place_of(const writing *w, size_t file)
{
    return mask__labelout_wants(w->out, file) ? mask_images_find(w->reader, w->walk->files[file].path) : -1;
}

static mask_status put_text(writing *w, const char *text, mask_error *err)
{
    return mask__writer_put(&w->table, text, strlen(text), err);
}

static mask_status write_photo(writing *w, size_t file, size_t place, mask_error *err)
{
    size_t count, dim = mask_images_dim(w->reader);
    const mask__boxtable_row *rows = mask__labelout_rows(w->out, file, &count);
    const char *name = mask__names_get(&w->out->table.images, w->out->image_of[file]);
    if (mask_images_regions(w->reader, place) != count)
        return mask__fail(err, MASK_EMISMATCH,
                          "%s: photo %s has another number of boxes than the table: remove the store",
                          mask__images_path(w->reader), name);
    if (!mask__grow(&w->values, &w->capacity, count * dim, sizeof *w->values)) return mask__no_memory(err, name);
    MASK__TRY(mask_images_features(w->reader, place, w->values, err));
    MASK__TRY(mask__npy_append(&w->features, w->values, count * dim, err));
    const char *const parts[] = {name, "\t", NULL, "\n"};
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < 4; k++) MASK__TRY(put_text(w, parts[k] ? parts[k] : rows[i].text, err));
    return MASK_OK;
}

static mask_status write_photos(writing *w, mask_error *err)
{
    MASK__TRY(put_text(w, mask__region_table_header, err));
    MASK__TRY(put_text(w, "\n", err));
    for (size_t i = 0; i < w->walk->count; i++) {
        int64_t place = place_of(w, i);
        if (place >= 0) MASK__TRY(write_photo(w, i, (size_t)place, err));
    }
    MASK__TRY(mask__writer_sync(&w->table, err)); /* both are written before either takes its place */
    MASK__TRY(mask__npy_commit(&w->features, err));
    return mask__writer_commit(&w->table, err);
}

static void close_writing(writing *w)
{
    mask__npy_abort(&w->features);
    mask__writer_abort(&w->table);
    free(w->values);
    mask_images_close(w->reader);
}

mask_status mask__labelout_write(const mask__labelout *out, const mask__walk *walk, const char *store,
                                 const char *folder, mask_error *err)
{
    MASK__CLOSED(close_writing) writing w = {.out = out, .walk = walk};
    MASK__FREED char *features = mask__text("%s/features.npy", folder), *table = mask__text("%s/regions.tsv", folder);
    if (!features || !table) return mask__no_memory(err, folder);
    MASK__TRY(mask__regions_reader_open(&w.reader, store, err));
    size_t shape[2] = {0, mask_images_dim(w.reader)};
    for (size_t i = 0; i < walk->count; i++) {
        int64_t place = place_of(&w, i);
        if (place >= 0) shape[0] += mask_images_regions(w.reader, (size_t)place);
    }
    MASK__TRY(mask__npy_create(&w.features, features, MASK__NPY_F16, 2, shape, err));
    MASK__TRY(mask__writer_open(&w.table, table, err));
    return write_photos(&w, err);
}

void mask__labelout_close(mask__labelout *out)
{
    mask__boxtable_close(&out->table);
    free(out->image_of);
    *out = (mask__labelout){0};
}
