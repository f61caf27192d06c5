/* Both sides of a split for evaluation: caption i belongs to image i / 5, however often the images are stored.
 * Refuses counts that fit no rule; guessing a pairing would only show as poor recall. */
#include "images/images.h"
#include "images/layout.h"
#include "text/texts.h"
#include "base/file.h"

#include <stdlib.h>
#include <string.h>

enum { CAPTIONS = 5, F30K_CAPTIONS = 5070, F30K_IMAGES_KEPT = 1000 };

/* Brings images to one row each and cuts Flickr30K's dev to what papers report. */
static mask_status fit(mask_images *images, mask_texts *texts, const char *captions, mask_error *err)
{
    size_t rows = mask_images_count(images), count = mask_texts_count(texts);
    bool dropped = rows == count && rows % CAPTIONS == 0 && mask__images_keep_every_fifth(images);
    if (!dropped && (count % CAPTIONS != 0 || rows != count / CAPTIONS))
        return mask__fail(err, MASK_EMISMATCH, MASK_NO_OFFSET,
                          "%s has %zu images and %s has %zu captions: needed are five captions an image, or as many "
                          "captions as images stored five times each",
                          mask__images_path(images), rows, captions, count);
    if (count == F30K_CAPTIONS) { /* so there are 1,014 images */
        mask__images_keep_first(images, F30K_IMAGES_KEPT);
        mask__texts_keep_first(texts, F30K_IMAGES_KEPT * CAPTIONS);
    }
    return MASK_OK;
}

/* A Karpathy JSON and the features may list their images in another order: compare the names where both have them. */
static mask_status check_names(const mask_images *images, const mask_texts *texts, const char *captions,
                               mask_error *err)
{
    for (size_t i = 0; texts->images.count && i < mask_images_count(images); i++) {
        const char *ours = mask_images_name(images, i), *theirs = mask__names_get(&texts->images, i);
        if (ours && *theirs && strcmp(ours, theirs) != 0)
            return mask__fail(err, MASK_EMISMATCH, MASK_NO_OFFSET,
                              "%s: image %zu is '%.100s', in %s it is '%.100s': bring both into one order",
                              mask__images_path(images), i, ours, captions, theirs);
    }
    return MASK_OK;
}

/* The captions' path: as given, or SPLIT_caps.txt; the caller frees. */
static mask_status captions_path(char **path, const char *folder, const char *split, const char *given, mask_error *err)
{
    char *stem;
    if (given) return mask__layout_beside(path, given, "", err);
    size_t length = strlen(folder);
    if (!mask__is_folder(folder) && (length < 4 || strcmp(folder + length - 4, ".npy") != 0))
        return mask__fail(err, MASK_EINVAL, MASK_NO_OFFSET,
                          "%s: has no captions beside it: name a file of them (--captions)", folder);
    MASK__TRY(mask__layout_stem(&stem, folder, split, err));
    mask_status status = mask__layout_beside(path, stem, "_caps.txt", err);
    free(stem);
    return status;
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
    if (status == MASK_OK) status = fit(*images, *texts, path, err);
    if (status == MASK_OK) status = check_names(*images, *texts, path, err);
    free(path);
    if (status != MASK_OK) {
        mask_images_close(*images);
        mask_texts_close(*texts);
        *images = NULL;
        *texts = NULL;
    }
    return status;
}
