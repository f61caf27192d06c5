/* Photos in memory to regions: a handle that is opened once and used by many threads. */
#include "photos/extractor.h"
#include "base/memory.h"
#include "base/options.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

static const char no_name[] = "photo";

struct mask_extractor {
    mask_extract_options options;
    char *encoder, *detector; /* what the options name, copied */
    bool side_by_side;
    size_t threads, opened;
    mask__looker *lookers; /* threads of them, `opened` in use or ready */
    bool *lent;
    pthread_mutex_t lock; /* guards opened and lent */
    pthread_cond_t given_back;
};

mask_status mask__extractor_check(const mask_extract_options *o, mask_error *err)
{
    if (!o->encoder) return mask__fail(err, MASK_EINVAL, "no encoder is named: name its file");
    return MASK_OK;
}

/* The looker that may be opened or lent next, SIZE_MAX when all are lent. The lock is held. */
static size_t find_free(const mask_extractor *x)
{
    for (size_t i = 0; i < x->threads; i++)
        if (i == x->opened || !x->lent[i]) return i;
    return SIZE_MAX;
}

mask_status mask__extractor_take(mask_extractor *x, mask__looker **looker, mask_error *err)
{
    size_t free_one;
    mask_status status = MASK_OK;
    pthread_mutex_lock(&x->lock);
    while ((free_one = find_free(x)) == SIZE_MAX) pthread_cond_wait(&x->given_back, &x->lock);
    if (free_one == x->opened) {
        int threads = free_one == 0 && !x->side_by_side ? (int)x->threads : 1;
        status = mask__looker_open(&x->lookers[free_one], &x->options, threads, err);
        if (status == MASK_OK) x->opened++;
    }
    x->lent[free_one] = status == MASK_OK;
    pthread_mutex_unlock(&x->lock);
    *looker = &x->lookers[free_one];
    return status;
}

void mask__extractor_give(mask_extractor *x, mask__looker *looker)
{
    pthread_mutex_lock(&x->lock);
    x->lent[looker - x->lookers] = false;
    pthread_cond_signal(&x->given_back);
    pthread_mutex_unlock(&x->lock);
}

const mask__looker *mask__extractor_first(const mask_extractor *x)
{
    return &x->lookers[0];
}

static mask_status open_first(mask_extractor *x, const char *encoder, const mask_extract_options *options,
                              mask_error *err)
{
    mask__looker *looker;
    x->options = mask_extract_defaults();
    MASK__TRY(mask__options_take(MASK_OPTIONS_EXTRACT, &x->options, options, err));
    x->options.encoder = encoder;
    MASK__TRY(mask__extractor_check(&x->options, err));
    x->encoder = strdup(encoder);
    if (x->options.detector) x->detector = strdup(x->options.detector);
    x->lookers = calloc(x->threads, sizeof *x->lookers);
    x->lent = calloc(x->threads, sizeof *x->lent);
    if (!x->encoder || (x->options.detector && !x->detector) || !x->lookers || !x->lent)
        return mask__no_memory(err, encoder);
    x->options.encoder = x->encoder;
    x->options.detector = x->detector;
    MASK__TRY(mask__decode_start(err));
    MASK__TRY(mask__extractor_take(x, &looker, err));
    mask__extractor_give(x, looker);
    return MASK_OK;
}

mask_status mask__extractor_open(mask_extractor **out, const char *encoder, const mask_extract_options *options,
                                 bool side_by_side, const mask_run *run, mask_error *err)
{
    mask_extractor *x = calloc(1, sizeof *x);
    *out = NULL;
    if (!x) return mask__no_memory(err, "an extractor");
    pthread_mutex_init(&x->lock, NULL);
    pthread_cond_init(&x->given_back, NULL);
    x->side_by_side = side_by_side;
    x->threads = (size_t)mask__threads(run);
    mask_status status = open_first(x, encoder, options, err);
    if (status == MASK_OK) *out = x;
    else mask_extractor_close(x);
    return status;
}

mask_status mask_extractor_open(mask_extractor **out, const char *encoder, const mask_extract_options *options,
                                const mask_run *run, mask_error *err)
{
    return mask__extractor_open(out, encoder, options, false, run, err);
}

void mask_extractor_close(mask_extractor *x)
{
    if (!x) return;
    for (size_t i = 0; i < x->opened; i++) mask__looker_close(&x->lookers[i]);
    pthread_mutex_destroy(&x->lock);
    pthread_cond_destroy(&x->given_back);
    free(x->lookers);
    free(x->lent);
    free(x->encoder);
    free(x->detector);
    free(x);
}

size_t mask_extractor_dim(const mask_extractor *x)
{
    return x->lookers[0].encoder.facts->channels;
}

size_t mask_extractor_most(const mask_extractor *x)
{
    return mask__looker_most(&x->lookers[0]);
}

const char *mask_extractor_label(const mask_extractor *x, int label)
{
    const mask__eye *finder = mask__looker_finder(&x->lookers[0]);
    return finder && label >= 0 && (size_t)label < finder->facts->label_count ? finder->facts->labels[label] : NULL;
}

/* ---- One photo ---- */

static const char *name_of(const mask_photo *photo)
{
    return photo->id ? photo->id : photo->path ? photo->path : no_name;
}

/* Pixels that the caller has: nothing is copied. */
static mask_status take_pixels(const mask_extractor *x, const mask_photo *from, mask__photo *photo, mask_error *err)
{
    size_t row, stride = from->stride ? from->stride : from->width * 3, pixels;
    if (from->width == 0 || from->height == 0 || !mask__multiply(from->width, 3, &row) || stride < row ||
        !mask__multiply(from->width, from->height, &pixels) || pixels > x->options.max_pixels)
        return mask__fail(err, MASK_EINVAL,
                          "%s: %zu x %zu pixels in rows of %zu bytes: up to %" PRIu64 " pixels of 3 bytes are possible",
                          name_of(from), from->width, from->height, stride, x->options.max_pixels);
    *photo = (mask__photo){.rgb = (uint8_t *)(uintptr_t)from->rgb, /* only read */
                           .width = from->width,
                           .height = from->height,
                           .stride = stride,
                           .full_width = from->width,
                           .full_height = from->height};
    return MASK_OK;
}

static mask_status decode(const mask__looker *looker, const mask_photo *from, mask__photo *photo, mask_error *err)
{
    MASK__FREED unsigned char *bytes = NULL;
    size_t size = from->size;
    if (!from->path) return mask__look_decode(looker, from->bytes, size, name_of(from), photo, err);
    MASK__TRY(mask__photo_read(&bytes, &size, from->path, err));
    return mask__look_decode(looker, bytes, size, from->path, photo, err);
}

static mask_status look(mask_extractor *x, const mask_photo *from, mask__view *view, mask_error *err)
{
    mask__looker *looker;
    mask__photo photo = {0};
    if (!from->path + !from->bytes + !from->rgb != 2)
        return mask__fail(err, MASK_EINVAL, "%s: one of path, bytes and rgb is needed", name_of(from));
    MASK__TRY(mask__extractor_take(x, &looker, err));
    mask_status status = from->rgb ? take_pixels(x, from, &photo, err) : decode(looker, from, &photo, err);
    if (status == MASK_OK) status = mask__look(looker, view, &photo, NULL, 0, err);
    mask__extractor_give(x, looker);
    if (!from->rgb) mask__photo_free(&photo);
    return status;
}

static void copy(void *out, const void *from, size_t bytes)
{
    if (out) memcpy(out, from, bytes);
}

mask_status mask_extractor_regions(mask_extractor *x, const mask_photo *photo, mask_photo_regions *out, mask_error *err)
{
    MASK__CLOSED(mask__view_free) mask__view view = {0};
    size_t dim = mask_extractor_dim(x);
    out->count = 0;
    MASK__TRY(look(x, photo, &view, err));
    if (view.count > out->room)
        return mask__fail(err, MASK_EINVAL,
                          "%s: has %zu regions, there is room for %zu: make room for mask_extractor_most",
                          name_of(photo), view.count, out->room);
    out->count = view.count;
    out->width = view.width;
    out->height = view.height;
    copy(out->boxes, view.boxes, view.count * 4 * sizeof *view.boxes);
    copy(out->labels, view.labels, view.count * sizeof *view.labels);
    copy(out->scores, view.scores, view.count * sizeof *view.scores);
    copy(out->features, view.features, view.count * dim * sizeof *view.features);
    return MASK_OK;
}

mask_status mask_extractor_images(mask_images **out, mask_extractor *x, const mask_photo *photos, size_t count,
                                  mask_error *err)
{
    MASK__CLOSED(mask__arena_free) mask__arena arena = {0};
    size_t dim = mask_extractor_dim(x), most = mask_extractor_most(x), boxes_used = 0;
    size_t *regions = mask__arena_alloc(&arena, count, sizeof *regions);
    const char **ids = mask__arena_alloc(&arena, count, sizeof *ids);
    const char **names = mask__arena_alloc(&arena, count, sizeof *names);
    const float **features = mask__arena_alloc(&arena, count, sizeof *features);
    float *boxes = mask__arena_matrix(&arena, count, most, 4 * sizeof *boxes);
    float *sizes = mask__arena_matrix(&arena, count, 2, sizeof *sizes);
    *out = NULL;
    if (!regions || !ids || !names || !features || !boxes || !sizes) return mask__no_memory(err, "photos");
    for (size_t i = 0; i < count; i++) {
        mask_photo_regions r = {.room = most, .boxes = boxes + boxes_used};
        features[i] = r.features = mask__arena_matrix(&arena, most, dim, sizeof *r.features);
        if (!r.features) return mask__no_memory(err, name_of(&photos[i]));
        MASK__TRY(mask_extractor_regions(x, &photos[i], &r, err));
        regions[i] = r.count;
        ids[i] = name_of(&photos[i]);
        names[i] = photos[i].path;
        sizes[2 * i] = (float)r.width;
        sizes[2 * i + 1] = (float)r.height;
        boxes_used += r.count * 4;
    }
    const mask_images_memory memory = {.count = count,
                                       .dim = dim,
                                       .each = features,
                                       .each_regions = regions,
                                       .ids = ids,
                                       .names = names,
                                       .boxes = boxes,
                                       .sizes = sizes};
    return mask_images_create(out, &memory, err);
}
