/* Both sides of a split for evaluation: caption i belongs to image i / 5, however often the images are stored. Captions
 * that name their images are brought into the images' order.
 * Refuses counts that fit no rule; guessing a pairing would only show as poor recall. */
#include "images/images.h"
#include "images/layout.h"
#include "text/texts.h"
#include "base/file.h"
#include "base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CAPTIONS = 5, F30K_CAPTIONS = 5070, F30K_IMAGES_KEPT = 1000 };

/* Brings images to one row each. */
static mask_status fit(mask_images *images, mask_texts *texts, const char *captions, mask_error *err)
{
    size_t rows = mask_images_count(images), count = mask_texts_count(texts);
    bool dropped = rows == count && rows % CAPTIONS == 0 && mask__images_keep_every_fifth(images);
    if (!dropped && (count % CAPTIONS != 0 || rows != count / CAPTIONS))
        return mask__fail(err, MASK_EMISMATCH,
                          "%s has %zu images and %s has %zu captions: needed are five captions an image, or as many "
                          "captions as images stored five times each",
                          mask__images_path(images), rows, captions, count);
    return MASK_OK;
}

/* Flickr30K's dev as papers report it. */
static void cut(mask_images *images, mask_texts *texts)
{
    if (mask_texts_count(texts) != F30K_CAPTIONS) return; /* so there are 1,014 images */
    mask__images_keep_first(images, F30K_IMAGES_KEPT);
    mask__texts_keep_first(texts, F30K_IMAGES_KEPT * CAPTIONS);
}

/* A Karpathy JSON and the features may list their images in another order: compare the names where both have them. */
static mask_status check_names(const mask_images *images, const mask_texts *texts, const char *captions,
                               mask_error *err)
{
    for (size_t i = 0; texts->images.count && i < mask_images_count(images); i++) {
        const char *ours = mask_images_name(images, i), *theirs = mask__names_get(&texts->images, i);
        if (ours && *theirs && strcmp(ours, theirs) != 0)
            return mask__fail(err, MASK_EMISMATCH,
                              "%s: image %zu is '%.100s', in %s it is '%.100s': bring both into one order",
                              mask__images_path(images), i, ours, captions, theirs);
    }
    return MASK_OK;
}

/* The image that captions call by this name; -1 when there is none. */
static int64_t find_named(const mask_images *images, const char *name)
{
    char stem[256];
    const char *dot = strrchr(name, '.'), *number = strrchr(name, '_');
    int64_t image = mask_images_find(images, name);
    if (image >= 0 || !dot || (size_t)(dot - name) >= sizeof stem) return image;
    snprintf(stem, sizeof stem, "%.*s", (int)(dot - name), name);
    image = mask_images_find(images, stem);
    if (image >= 0 || strncmp(name, "COCO_", 5) != 0 || number > dot) return image;
    number = stem + (number + 1 - name); /* COCO_val2014_000000000042.jpg is image 42 */
    return mask_images_find(images, number + strspn(number, "0"));
}

/* order[image] = the five captions that are its; *lost = a name that leads to no image, or to one that is taken. */
static bool match_names(const mask_images *images, const mask__names *names, size_t *order, const char **lost)
{
    size_t count = mask_images_count(images);
    for (size_t i = 0; i < count; i++) order[i] = SIZE_MAX;
    for (size_t g = 0; g < count; g++) {
        *lost = mask__names_get(names, g);
        int64_t image = find_named(images, *lost);
        if (image < 0 || order[image] != SIZE_MAX) return false;
        order[image] = g;
    }
    return true;
}

/* Ids that are only places tell nothing of another file's images. */
static bool ids_are_places(const mask_images *images)
{
    char place[24];
    for (size_t i = 0; i < mask_images_count(images); i++) {
        snprintf(place, sizeof place, "%zu", i);
        if (strcmp(mask_images_id(images, i), place) != 0) return false;
    }
    return true;
}

static mask_status pair(const mask_images *images, mask_texts *texts, const char *captions, const mask_run *run,
                        mask_error *err)
{
    size_t count = mask_images_count(images);
    const char *lost = "", *path = mask__images_path(images);
    bool sorted = images->source->sorted, moved = false;
    bool named = texts->images.count && (sorted || mask_images_name(images, 0) || !ids_are_places(images));
    size_t *order = malloc((count + 1) * sizeof *order);
    if (!order) return mask__no_memory(err, captions);
    texts->by_name = named && match_names(images, &texts->images, order, &lost);
    for (size_t i = 0; texts->by_name && i < count; i++) moved = moved || order[i] != i;
    mask_status status = MASK_OK;
    if (moved) {
        status = mask__texts_reorder(texts, order, err);
        mask__log(run, MASK_LOG_INFO, "%s: captions paired with the images of %s by name", captions, path);
    } else if (!texts->by_name && sorted && texts->images.count) {
        status = mask__fail(err, MASK_EMISMATCH,
                            "%s: image '%.100s' of %s is not there, or twice: give the captions of these images", path,
                            lost, captions);
    } else if (!texts->by_name && sorted) {
        mask__log(run, MASK_LOG_WARNING,
                  "%s: names no images: captions were paired by position with the images of %s in the order of their "
                  "ids",
                  captions, path);
    } else if (!texts->by_name) {
        status = check_names(images, texts, captions, err);
    }
    free(order);
    return status;
}

/* The names or ids of the captions' images, where a list of them stands beside X_caps.txt: an entry an image, or one a
 * caption. */
static mask_status read_names(mask_texts *texts, const char *captions, const char *suffix, mask_error *err)
{
    static const char ending[] = "_caps.txt";
    size_t length = strlen(captions), stem = length - (sizeof ending - 1), groups = mask_texts_count(texts) / CAPTIONS;
    mask__names all = {0};
    char *path;
    if (texts->images.count || length < sizeof ending || strcmp(captions + stem, ending) != 0) return MASK_OK;
    if (asprintf(&path, "%.*s%s", (int)stem, captions, suffix) < 0) return mask__no_memory(err, captions);
    mask_status status = mask__is_file(path) ? mask__names_read(&all, path, err) : MASK_OK;
    size_t each = all.count == groups * CAPTIONS ? CAPTIONS : 1;
    if (status == MASK_OK && all.count && all.count != groups * each)
        status = mask__fail(err, MASK_EMISMATCH,
                            "%s: has %zu entries, %s has the captions of %zu images: make it again or remove it", path,
                            all.count, captions, groups);
    for (size_t i = 0; status == MASK_OK && i < all.count; i += each) {
        const char *name = mask__names_get(&all, i);
        status = mask__names_add(&texts->images, name, strlen(name), err);
    }
    mask__names_free(&all);
    free(path);
    return status;
}

/* The captions' path: as given, or SPLIT_caps.txt; the caller frees. */
static mask_status captions_path(char **path, const char *folder, const char *split, const char *given, mask_error *err)
{
    MASK__FREED char *stem = NULL;
    if (given) return (*path = strdup(given)) ? MASK_OK : mask__no_memory(err, given);
    size_t length = strlen(folder);
    if (!mask__is_folder(folder) && (length < 4 || strcmp(folder + length - 4, ".npy") != 0))
        return mask__fail(err, MASK_EINVAL, "%s: has no captions beside it: name a file of them", folder);
    MASK__TRY(mask__layout_stem(&stem, folder, split, err));
    *path = mask__text("%s_caps.txt", stem);
    return *path ? MASK_OK : mask__no_memory(err, folder);
}

mask_status mask_dataset_open(mask_images **images, mask_texts **texts, const char *folder, const char *split,
                              const char *captions, const mask_run *run, mask_error *err)
{
    char *path = NULL;
    *images = NULL;
    *texts = NULL;
    mask_status status = mask__images_open_rows(images, folder, split, run, err);
    if (status == MASK_OK) status = captions_path(&path, folder, split, captions, err);
    if (status == MASK_OK) status = mask__texts_open(texts, path, split, true, err);
    if (status == MASK_OK && captions) status = read_names(*texts, path, "_names.txt", err);
    if (status == MASK_OK && captions) status = read_names(*texts, path, "_ids.txt", err);
    if (status == MASK_OK) status = fit(*images, *texts, path, err);
    if (status == MASK_OK) status = pair(*images, *texts, path, run, err);
    if (status == MASK_OK) cut(*images, *texts);
    free(path);
    if (status != MASK_OK) {
        mask_images_close(*images);
        mask_texts_close(*texts);
        *images = NULL;
        *texts = NULL;
    }
    return status;
}
