#include "photos/look.h"
#include "images/regions.h"

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

enum {
    WORKING_SIDE =
        1024,     /* photos are shrunk to this: a third of it, a cell of the grid, still fills a network's input */
    SQUARES = 16, /* crops encoded at a time */
    CHANNELS = 3
};

static size_t square_bytes(const mask__looker *looker)
{
    size_t side = mask__encoder_input_of(looker->encoder, 0).side;
    return side * side * CHANNELS;
}

mask_status mask__looker_open(mask__looker *looker, const mask_extract_options *options, mask_error *err)
{
    mask_run one = {.threads = 1}; /* lookers work side by side */
    *looker = (mask__looker){.options = *options};
    MASK__TRY(mask__encoder_open(&looker->encoder, options->encoder, 0, &one, err));
    looker->squares = calloc(SQUARES, square_bytes(looker));
    looker->detections = calloc(options->regions + 1, sizeof *looker->detections);
    if (looker->squares && looker->detections) return MASK_OK;
    mask__looker_close(looker);
    return mask__no_memory(err, options->encoder);
}

void mask__looker_close(mask__looker *looker)
{
    mask__encoder_close(looker->encoder);
    mask__resampler_free(&looker->resampler);
    free(looker->squares);
    free(looker->detections);
    *looker = (mask__looker){0};
}

mask_status mask__look_read(mask__view *view, const char *path, mask_error *err)
{
    mask__look_forget(view);
    MASK__TRY(mask__photo_read(&view->bytes, &view->size, path, err));
    view->hash = XXH3_64bits(view->bytes, view->size);
    return MASK_OK;
}

void mask__look_forget(mask__view *view)
{
    free(view->bytes);
    view->bytes = NULL;
}

mask_status mask__look_decode(const mask__looker *looker, mask__view *view, const char *path, mask__photo *photo,
                              mask_error *err)
{
    mask_status status =
        mask__photo_decode(photo, view->bytes, view->size, path, WORKING_SIDE, looker->options.max_pixels, err);
    mask__look_forget(view);
    view->width = photo->full_width;
    view->height = photo->full_height;
    return status;
}

static mask_status make_room(mask__view *view, size_t count, size_t dim, mask_error *err)
{
    size_t values;
    if (mask__multiply(count, dim, &values) &&
        mask__grow(&view->regions, &view->regions_capacity, count, sizeof *view->regions) &&
        mask__grow(&view->boxes, &view->boxes_capacity, count * 4, sizeof *view->boxes) &&
        mask__grow(&view->labels, &view->labels_capacity, count, sizeof *view->labels) &&
        mask__grow(&view->scores, &view->scores_capacity, count, sizeof *view->scores) &&
        mask__grow(&view->features, &view->features_capacity, values, sizeof *view->features))
        return MASK_OK;
    return mask__no_memory(err, "a photo's regions");
}

/* Runs the encoder on the whole photo, where its boxes or its feature map are needed. */
static mask_status detect(mask__looker *looker, const mask__photo *photo, bool boxes_wanted, size_t *found,
                          mask_error *err)
{
    static const float whole[4] = {0, 0, 1, 1};
    size_t most = boxes_wanted ? looker->options.regions : 0;
    bool finds = most > 0 && mask__encoder_finds_boxes(looker->encoder);
    mask__detect_options options = MASK__DETECT_DEFAULTS;
    *found = 0;
    if (!finds && looker->options.features == MASK_PHOTO_CROPS) return MASK_OK;
    options.max_boxes = most;
    size_t side = mask__encoder_input_of(looker->encoder, 0).side;
    MASK__TRY(mask__resample(&looker->resampler, photo, whole, side, looker->squares, err));
    MASK__TRY(mask__encoder_run(looker->encoder, (const uint8_t *[]){looker->squares}, 1, err));
    return finds ? mask__encoder_detect(looker->encoder, 0, &options, looker->detections, found, err) : MASK_OK;
}

static mask_status encode_crops(mask__looker *looker, mask__view *view, const mask__photo *photo, mask_error *err)
{
    static const float whole[4] = {0, 0, 1, 1};
    size_t side = mask__encoder_input_of(looker->encoder, 0).side, dim = mask__encoder_channels(looker->encoder);
    for (size_t at = 0; at < view->count; at += SQUARES) {
        size_t part = view->count - at < SQUARES ? view->count - at : SQUARES;
        for (size_t i = 0; i < part; i++)
            MASK__TRY(mask__resample(&looker->resampler, photo, view->regions[at + i].box, side,
                                     looker->squares + i * square_bytes(looker), err));
        MASK__TRY(mask__encoder_run(looker->encoder, (const uint8_t *[]){looker->squares}, part, err));
        for (size_t i = 0; i < part; i++)
            mask__encoder_pool(looker->encoder, i, whole, 1, view->features + (at + i) * dim);
    }
    return MASK_OK;
}

static mask_status encode_pooled(mask__looker *looker, mask__view *view)
{
    for (size_t i = 0; i < view->count; i++)
        memcpy(view->boxes + i * 4, view->regions[i].box, sizeof view->regions[i].box);
    mask__encoder_pool(looker->encoder, 0, view->boxes, view->count, view->features);
    return MASK_OK;
}

/* What goes into the store: boxes in pixels of the photo as it is in its file. */
static void fill_columns(mask__view *view)
{
    for (size_t i = 0; i < view->count; i++) {
        const mask__proposal *region = &view->regions[i];
        for (size_t c = 0; c < 4; c++)
            view->boxes[i * 4 + c] = region->box[c] * (float)(c % 2 ? view->height : view->width);
        view->labels[i] = region->label;
        view->scores[i] = region->score;
    }
}

mask_status mask__look(mask__looker *looker, mask__view *view, const mask__photo *photo,
                       const mask__boxtable_row *given, size_t count, mask_error *err)
{
    size_t found, dim = mask__encoder_channels(looker->encoder);
    MASK__TRY(detect(looker, photo, !given, &found, err));
    MASK__TRY(make_room(view, given ? count : mask__propose_most(found, looker->options.grid), dim, err));
    view->count = given ? count : mask__propose(looker->detections, found, looker->options.grid, view->regions);
    for (size_t i = 0; given && i < count; i++)
        view->regions[i] = mask__propose_given(given[i].box, view->width, view->height);
    MASK__TRY(looker->options.features == MASK_PHOTO_CROPS ? encode_crops(looker, view, photo, err)
                                                           : encode_pooled(looker, view));
    fill_columns(view);
    return MASK_OK;
}

void mask__view_free(mask__view *view)
{
    free(view->bytes);
    free(view->regions);
    free(view->boxes);
    free(view->labels);
    free(view->scores);
    free(view->features);
    *view = (mask__view){0};
}
