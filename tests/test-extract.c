/* Extraction end to end with an encoder of our own: it finds fixed boxes, and a feature is the mean colour of what it
 * was shown, so that every region can be checked. Its functions stand here under the encoder's names; the linker then
 * leaves the real one out. */
#include "pictures.h"
#include "storelabel.h"
#include "base/file.h"
#include "images/images.h"
#include "annotations/labels.h"
#include "images/regions.h"
#include "photos/decode.h"
#include "vision/encoder.h"

#include <fcntl.h>
#include <math.h>
#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SIDE = 24, CHANNELS = 4, FOUND = 3, W = PICTURE_WIDTH, H = PICTURE_HEIGHT };

struct mask__encoder {
    uint8_t *last;
    size_t side;
    int threads;
    bool whole;
    mask__encoder_input input;
    mask__encoder_facts facts;
};

static int looks, most_threads; /* photos that were run and the most threads an encoder had, all threads together */

mask_status mask__encoder_open(mask__encoder **out, const char *path, size_t side, const mask_run *run, mask_error *err)
{
    static const mask__encoder_map map = {.channels = CHANNELS};
    static const char *const labels[] = {"top", "left"};
    if (run->threads > most_threads) most_threads = run->threads;
    if (!mask__is_file(path)) return mask__fail(err, MASK_EIO, "%s: cannot open: run make encoder", path);
    if (side % 8) return mask__fail(err, MASK_EINVAL, "%s: cannot have that side", path);
    *out = calloc(1, sizeof **out);
    (*out)->whole = strstr(path, "whole") != NULL;
    (*out)->side = side ? side : SIDE;
    (*out)->input = (mask__encoder_input){(*out)->side, 8, 4096, 8};
    (*out)->facts = (mask__encoder_facts){.network_count = 1,
                                          .map_count = 1,
                                          .label_count = 2,
                                          .inputs = &(*out)->input,
                                          .maps = &map,
                                          .labels = labels,
                                          .channels = CHANNELS,
                                          .finds_boxes = !strstr(path, "classifier")};
    (*out)->last = malloc((*out)->side * (*out)->side * 3);
    return MASK_OK;
}

void mask__encoder_close(mask__encoder *encoder)
{
    if (encoder) free(encoder->last);
    free(encoder);
}

const mask__encoder_facts *mask__encoder_facts_of(const mask__encoder *encoder)
{
    return &encoder->facts;
}

/* A class token, for the whole photo. */
const float *mask__encoder_whole(const mask__encoder *encoder, size_t image, size_t map)
{
    static const float token[CHANNELS] = {7, 8, 9, 1};
    assert_int_equal(image + map, 0);
    return encoder->whole ? token : NULL;
}

/* The left half, the top half, and a box too thin to keep. */
static const mask__detection found_boxes[FOUND] = {
    {{0, 0, 0.5f, 1}, 0.75f, 1}, {{0, 0, 1, 0.5f}, 0.5f, 0}, {{0, 0, 0, 1}, 0.25f, 0}};

mask_status mask__encoder_run(mask__encoder *encoder, const uint8_t *const *rgb, size_t count, mask_error *err)
{
    (void)err;
    assert_int_equal(count, 1);
    memcpy(encoder->last, rgb[0], encoder->side * encoder->side * 3);
#pragma omp atomic
    looks++;
    return MASK_OK;
}

mask_status mask__encoder_detect(const mask__encoder *encoder, size_t image, const mask__detect_options *options,
                                 mask__detection *boxes, size_t *found, mask_error *err)
{
    (void)err;
    assert_int_equal(image, 0);
    *found = !encoder->facts.finds_boxes ? 0 : options->max_boxes < FOUND ? options->max_boxes : FOUND;
    memcpy(boxes, found_boxes, *found * sizeof *boxes);
    return MASK_OK;
}

/* Mean colour of the part, and 1. */
static void mean_colour(const mask__encoder *encoder, const float box[4], float *feature)
{
    float sum[3] = {0}, count = 0, side = (float)encoder->side;
    for (size_t y = 0; y < encoder->side; y++)
        for (size_t x = 0; x < encoder->side; x++) {
            float fx = ((float)x + 0.5f) / side, fy = ((float)y + 0.5f) / side;
            if (fx < box[0] || fx > box[2] || fy < box[1] || fy > box[3]) continue;
            for (int c = 0; c < 3; c++) sum[c] += encoder->last[(y * encoder->side + x) * 3 + (size_t)c];
            count++;
        }
    for (int c = 0; c < 3; c++) feature[c] = count > 0 ? sum[c] / count : 0;
    feature[3] = 1;
}

void mask__encoder_pool(const mask__encoder *encoder, size_t image, const float *boxes, size_t n, float *features)
{
    assert_int_equal(image, 0);
    for (size_t i = 0; i < n; i++) mean_colour(encoder, boxes + i * 4, features + i * CHANNELS);
}

/* ---- Photos and calls ------------------------------------------------------------------------------------------ */

static char top[256], encoder[512];

static char *in_top(const char *name)
{
    static _Thread_local char paths[64][512]; /* some are kept for a while */
    static _Thread_local unsigned next;
    char *path = paths[next++ % 64];
    snprintf(path, sizeof paths[0], "%s/%s", top, name);
    return path;
}

/* A fresh folder of that name with photos/ in it: quarters as PNG, a JPEG, one below, and two that are bad. */
static void new_tree(const char *name)
{
    snprintf(top, sizeof top, "%s", temp_path(name));
    assert_int_equal(mkdir(top, 0755), 0);
    assert_int_equal(mkdir(in_top("photos"), 0755), 0);
    assert_int_equal(mkdir(in_top("photos/below"), 0755), 0);
    save_quarters(in_top("photos/a.png"), W, H, ".png");
    save_quarters(in_top("photos/b.jpg"), 3 * W, 3 * H, ".jpg[Q=95]");
    save_quarters(in_top("photos/below/c.webp"), W, H, ".webp[lossless]");
    write_text(in_top("photos/cut.png"), "\x89PNG\r\n\x1a\nbut nothing more than that");
    write_text(in_top("photos/text.jpg"), "this is no photo at all, only a text");
    write_text(in_top("encoder.menc"), "weights");
    snprintf(encoder, sizeof encoder, "%s", in_top("encoder.menc"));
}

static mask_extract_options plain(void)
{
    mask_extract_options o = mask_extract_defaults();
    o.encoder = o.detector = encoder;
    o.grid = 2;
    return o;
}

static char warned[4096];
static void note(void *user, mask_log_level level, const char *line)
{
    (void)user;
    if (level == MASK_LOG_WARNING) snprintf(warned + strlen(warned), sizeof warned - strlen(warned), "%s\n", line);
}

static int stop_after; /* calls of progress; 0 = never */
static int on_progress(void *user, const char *what, const char *unit, uint64_t done, uint64_t total)
{
    (void)user, (void)unit;
    assert_true(done <= total);
    return stop_after && strcmp(what, "extracting") == 0 && done >= 1 && --stop_after == 0;
}

static mask_status extract(const mask_extract_options *o, const char *out, int threads, mask_extract_report *report,
                           mask_error *err)
{
    mask_run run = {.threads = threads, .log = note, .progress = on_progress};
    const char *photos[] = {in_top("photos")};
    memset(report, 0, sizeof *report);
    warned[0] = '\0';
    looks = 0;
    return mask_extract(photos, 1, out, o, report, &run, err);
}

static const float colours[4][3] = {{230, 20, 20}, {20, 200, 20}, {20, 20, 230}, {230, 220, 20}};

/* Whether a feature is the mean of these quarters (bits). */
static void check_feature(const float *feature, unsigned quarters_seen, float tolerance)
{
    float count = (float)__builtin_popcount(quarters_seen);
    for (int c = 0; c < 3; c++) {
        float want = 0;
        for (unsigned q = 0; q < 4; q++)
            if (quarters_seen & 1u << q) want += colours[q][c] / count;
        if (fabsf(feature[c] - want) > tolerance)
            fail_msg("quarters %x, channel %d: %g, not %g", quarters_seen, c, feature[c], want);
    }
    assert_true(feature[3] == 1);
}

/* Whole, left, top, and the four cells, of a photo of that size. */
static void check_photo(const mask_images *images, const char *id, float width, float height, float tolerance)
{
    static const unsigned seen[] = {15, 5, 3, 1, 2, 4, 8};
    static const float boxes[][4] = {{0, 0, 1, 1},     {0, 0, .5f, 1},   {0, 0, 1, .5f},  {0, 0, .5f, .5f},
                                     {.5f, 0, 1, .5f}, {0, .5f, .5f, 1}, {.5f, .5f, 1, 1}};
    mask_error err;
    float features[7 * CHANNELS], box[4];
    int64_t image = mask_images_find(images, id);
    assert_true(image >= 0);
    assert_int_equal(mask_images_regions(images, (size_t)image), 7);
    check_ok(mask_images_features(images, (size_t)image, features, &err));
    for (size_t r = 0; r < 7; r++) {
        check_feature(features + r * CHANNELS, seen[r], tolerance);
        assert_true(mask_images_box(images, (size_t)image, r, box));
        for (int c = 0; c < 4; c++) assert_true(fabsf(box[c] - boxes[r][c] * (c % 2 ? height : width)) < 0.01f);
    }
}

static void check_store(const char *path, float tolerance)
{
    mask_error err;
    mask_images *images;
    char label[64];
    float score = 0;
    check_ok(mask_images_open(&images, path, NULL, NULL, &err));
    assert_int_equal(mask_images_count(images), 3);
    assert_int_equal(mask_images_dim(images), CHANNELS);
    check_photo(images, "a.png", W, H, tolerance);
    check_photo(images, "b.jpg", 3 * W, 3 * H, tolerance);
    check_photo(images, "below/c.webp", W, H, tolerance);
    mask_images_close(images);
    assert_false(stored_label(path, 0, 0, label, &score));
    assert_true(stored_label(path, 0, 1, label, &score));
    assert_string_equal(label, "left");
    assert_true(score == 0.75f);
    assert_false(stored_label(path, 0, 3, label, &score));
}

static void test_extract(void **state)
{
    (void)state;
    mask_error err;
    mask_extract_report report;
    mask_extract_info info;
    new_tree("extract");
    mask_extract_options o = plain();
    check_ok(extract(&o, in_top("p.regions"), 2, &report, &err));
    assert_int_equal(report.photos, 5);
    assert_int_equal(report.good, 3);
    assert_int_equal(report.extracted, 3);
    assert_int_equal(report.bad, 2);
    assert_int_equal(report.vanished + report.copied + report.unchanged, 0);
    assert_non_null(strstr(warned, "photos/cut.png: is a damaged PNG"));
    assert_non_null(strstr(warned, "photos/text.jpg: is no JPEG"));
    assert_int_equal(looks, 3);
    check_store(in_top("p.regions"), 6);
    check_ok(mask_extract_describe(&info, in_top("p.regions"), &err));
    assert_true(info.photos == 3 && info.bad == 2 && info.regions == 21 && info.dim == CHANNELS);
    assert_string_equal(info.options,
                        "regions 36, grid 2, grid_from 2, grid_overlap 0, side auto, shape stretch, small off");
}

/* How regions come about is remembered, so that nothing else is put beside them; a detector of its own is one run more.
 */
static void test_kinds(void **state)
{
    (void)state;
    mask_error err;
    mask_extract_report report;
    mask_extract_info info;
    new_tree("kinds");
    write_text(in_top("other.menc"), "other weights");
    write_text(in_top("classifier.menc"), "weights");
    const struct {
        size_t grid, grid_from;
        float grid_overlap;
        size_t side;
        mask_photo_shape shape;
        const char *detector;
        size_t boxes;
        const char *text;
        size_t regions, looks; /* of three photos */
    } kinds[] = {
        {3, 2, 0, 0, 0, NULL, 0, "regions 0, grid 3, grid_from 2, grid_overlap 0, side auto, shape stretch, small off",
         14, 1},
        {4, 4, 0, 0, 0, NULL, 0, "regions 0, grid 4, grid_from 4", 17, 1},
        {3, 3, 0.5f, 0, 0, NULL, 0, "regions 0, grid 3, grid_from 3, grid_overlap 0.5", 10, 1},
        {2, 2, 0, 48, MASK_PHOTO_PAD, NULL, 0, "grid 2, grid_from 2, grid_overlap 0, side 48, shape pad", 5, 1},
        {2, 2, 0, 0, 0, encoder, 1, "regions 1, grid 2", 6, 1},
        {2, 2, 0, 48, 0, encoder, 1, "side 48", 6, 2},
        {2, 2, 0, 0, 0, in_top("other.menc"), 9, "detector ", 7, 2},
    };
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        mask_extract_options o = mask_extract_defaults();
        char name[32];
        o.encoder = encoder;
        o.detector = kinds[i].detector;
        o.regions = kinds[i].boxes;
        o.grid = kinds[i].grid;
        o.grid_from = kinds[i].grid_from;
        o.grid_overlap = kinds[i].grid_overlap;
        o.side = kinds[i].side;
        o.shape = kinds[i].shape;
        o.max_pixels = 1000000;
        snprintf(name, sizeof name, "%zu.regions", i);
        check_ok(extract(&o, in_top(name), 2, &report, &err));
        assert_int_equal(looks, 3 * kinds[i].looks);
        check_ok(mask_extract_describe(&info, in_top(name), &err));
        assert_int_equal(info.regions, 3 * kinds[i].regions);
        assert_non_null(strstr(info.options, kinds[i].text));
        check_ok(extract(&o, in_top(name), 2, &report, &err));
        assert_int_equal(report.unchanged, 3);
        o.grid = 8;
        check_fails(extract(&o, in_top(name), 2, &report, &err), MASK_EMISMATCH, "grid 8");
    }
    mask_extract_options o = plain();
    o.detector = in_top("classifier.menc");
    check_fails(extract(&o, in_top("p.regions"), 2, &report, &err), MASK_EINVAL, "is no detector");
    o = plain();
    o.side = 25;
    check_fails(extract(&o, in_top("p.regions"), 2, &report, &err), MASK_EINVAL, "cannot have that side");
    o = plain();
    o.grid_overlap = NAN;
    check_fails(extract(&o, in_top("p.regions"), 2, &report, &err), MASK_EINVAL, "grid_overlap");
    o = plain();
    o.shape = (mask_photo_shape)7;
    check_fails(extract(&o, in_top("p.regions"), 2, &report, &err), MASK_EINVAL, "shape 7");
}

/* A second run finds nothing to do; changed, touched, moved, copied and vanished photos each get what they need. */
static void test_again(void **state)
{
    (void)state;
    mask_error err;
    mask_extract_report report;
    mask_images *images;
    new_tree("again");
    mask_extract_options o = plain();
    const char *out = in_top("p.regions");
    check_ok(extract(&o, out, 1, &report, &err));
    assert_non_null(strstr(warned, "cut.png"));
    check_ok(extract(&o, out, 1, &report, &err));
    assert_int_equal(report.unchanged, 3);
    assert_int_equal(report.extracted, 0);
    assert_int_equal(report.bad, 2);
    assert_null(strstr(warned, "cut.png")); /* neither named nor tried again */
    assert_int_equal(looks, 0);

    save_quarters(in_top("photos/a.png"), 2 * W, 2 * H, ".png");                                   /* changed */
    assert_int_equal(utimensat(AT_FDCWD, in_top("photos/b.jpg"), NULL, 0), 0);                     /* touched */
    assert_int_equal(rename(in_top("photos/below/c.webp"), in_top("photos/below/moved.webp")), 0); /* moved */
    save_quarters(in_top("photos/cut.png"), W, H, ".png[interlace]");                              /* mended */
    unlink(in_top("photos/text.jpg"));
    check_ok(extract(&o, out, 1, &report, &err));
    assert_int_equal(report.photos, 4);
    assert_int_equal(report.extracted, 2);
    assert_int_equal(report.copied, 2);
    assert_int_equal(report.bad, 0);
    assert_int_equal(report.vanished, 2);
    assert_int_equal(looks, 2);
    check_ok(mask_images_open(&images, out, NULL, NULL, &err));
    assert_int_equal(mask_images_count(images), 5); /* the vanished one is still there */
    check_photo(images, "a.png", 2 * W, 2 * H, 6);
    check_photo(images, "b.jpg", 3 * W, 3 * H, 6);
    check_photo(images, "below/moved.webp", W, H, 6);
    check_photo(images, "cut.png", W, H, 6);
    mask_images_close(images);

    /* Two photos swap their names: the first takes the second's regions, whose own are then gone. */
    assert_int_equal(rename(in_top("photos/a.png"), in_top("photos/t")), 0);
    assert_int_equal(rename(in_top("photos/b.jpg"), in_top("photos/a.png")), 0);
    assert_int_equal(rename(in_top("photos/t"), in_top("photos/b.jpg")), 0);
    check_ok(extract(&o, out, 1, &report, &err));
    assert_int_equal(report.copied, 1);
    assert_int_equal(report.extracted, 1);
    check_ok(mask_images_open(&images, out, NULL, NULL, &err));
    check_photo(images, "a.png", 3 * W, 3 * H, 6);
    check_photo(images, "b.jpg", 2 * W, 2 * H, 6);
    mask_images_close(images);

    o.prune = true;
    check_ok(extract(&o, out, 1, &report, &err));
    assert_int_equal(report.vanished, 2);
    assert_int_equal(report.unchanged, 4);
    check_ok(extract(&o, out, 1, &report, &err));
    assert_int_equal(report.vanished, 0);
    check_ok(mask_images_open(&images, out, NULL, NULL, &err));
    assert_int_equal(mask_images_count(images), 4);
    mask_images_close(images);
}

/* The store as text, but for what the clock decides. */
static void dump(const char *path, char *text, size_t size)
{
    mask_error err;
    mask_images *r;
    size_t used = 0;
    check_ok(mask__regions_reader_open(&r, path, &err));
    for (size_t i = 0; i < mask_images_count(r); i++) {
        float features[32 * CHANNELS], box[4];
        size_t count = mask_images_regions(r, i);
        assert_true(count <= 32);
        check_ok(mask_images_features(r, i, features, &err));
        used += (size_t)snprintf(text + used, size - used, "%s", mask_images_id(r, i));
        for (size_t c = 0; c < count * CHANNELS; c++)
            used += (size_t)snprintf(text + used, size - used, " %a", features[c]);
        for (size_t c = 0; c < count; c++) {
            mask_images_box(r, i, c, box);
            used += (size_t)snprintf(text + used, size - used, " %a %a", box[0], box[3]);
        }
    }
    assert_true(used < size);
    mask_images_close(r);
}

/* Stopped again and again, it ends with the store of one run, whatever the number of threads. */
static void test_stopped(void **state)
{
    (void)state;
    enum { SIZE = 1 << 20, PHOTOS = 30 };
    mask_error err;
    mask_extract_report report;
    char *want = malloc(SIZE), *got = malloc(SIZE), name[64];
    int stops = 0;
    new_tree("stopped");
    for (int i = 0; i < PHOTOS; i++) {
        snprintf(name, sizeof name, "photos/n%02d.png", i);
        save_quarters(in_top(name), 20 + i, 40 - i, ".png");
    }
    mask_extract_options o = plain();
    check_ok(extract(&o, in_top("want.regions"), 1, &report, &err));
    assert_int_equal(report.good, PHOTOS + 3);
    for (;;) {
        stop_after = 2;
        mask_status status = extract(&o, in_top("got.regions"), 3, &report, &err);
        stop_after = 0;
        if (status == MASK_OK) break;
        assert_int_equal(status, MASK_ECANCELLED);
        assert_non_null(strstr(err.message, "stopped after"));
        assert_true(++stops < 100);
    }
    assert_true(stops > 1);
    dump(in_top("want.regions"), want, SIZE);
    dump(in_top("got.regions"), got, SIZE);
    assert_string_equal(got, want);
    free(want);
    free(got);
}

/* What may pass next time is tried again though the file is as it was. */
static void test_retries(void **state)
{
    (void)state;
    mask_error err;
    mask_extract_report report;
    new_tree("retries");
    mask_extract_options o = plain();
    o.max_pixels = W * H;
    check_ok(extract(&o, in_top("p.regions"), 1, &report, &err));
    assert_int_equal(report.good, 2);
    assert_int_equal(report.bad, 3);
    assert_non_null(strstr(warned, "b.jpg: has 144 x 96 pixels, over the limit of 1536"));
    o.max_pixels = 9 * W * H;
    check_ok(extract(&o, in_top("p.regions"), 1, &report, &err));
    assert_int_equal(report.good, 3);
    assert_int_equal(report.extracted, 1);
    assert_int_equal(report.bad, 2);
}

/* Without boxes of its own there is the whole and the grid; with neither, the whole. */
static void test_classifier(void **state)
{
    (void)state;
    mask_error err;
    mask_extract_report report;
    mask_extract_info info;
    new_tree("classifier");
    write_text(in_top("classifier.menc"), "weights");
    mask_extract_options o = plain();
    o.encoder = in_top("classifier.menc");
    o.detector = NULL;
    check_ok(extract(&o, in_top("grid.regions"), 1, &report, &err));
    check_ok(mask_extract_describe(&info, in_top("grid.regions"), &err));
    assert_int_equal(info.regions, 15);
    o.grid = 0;
    check_ok(extract(&o, in_top("whole.regions"), 1, &report, &err));
    check_ok(mask_extract_describe(&info, in_top("whole.regions"), &err));
    assert_int_equal(info.regions, 3);
    assert_int_equal(looks, 3);
    o.encoder = o.detector = encoder; /* a detector that is not asked for boxes */
    o.regions = 0;
    check_ok(extract(&o, in_top("none.regions"), 1, &report, &err));
    check_ok(mask_extract_describe(&info, in_top("none.regions"), &err));
    assert_int_equal(info.regions, 3);
}

/* ---- In memory ---- */

static mask_extractor *opened(const mask_extract_options *o, int threads)
{
    mask_error err;
    mask_extractor *x;
    check_ok(mask_extractor_open(&x, encoder, o, &(mask_run){.threads = threads}, &err));
    return x;
}

/* From a file, from its bytes and from pixels there come the store's regions. */
static void test_in_memory(void **state)
{
    (void)state;
    mask_error err;
    mask_extract_report report;
    mask_images *images, *stored;
    size_t size;
    float want[7 * CHANNELS], got[7 * CHANNELS], box[4], boxes[7 * 4], scores[7];
    int32_t labels[7];
    new_tree("memory");
    mask_extract_options o = plain();
    const char *path = in_top("photos/b.jpg");
    check_ok(extract(&o, in_top("p.regions"), 1, &report, &err));
    check_ok(mask_images_open(&stored, in_top("p.regions"), NULL, NULL, &err));
    check_ok(mask_images_features(stored, (size_t)mask_images_find(stored, "b.jpg"), want, &err));
    mask_extractor *x = opened(&o, 2);
    assert_int_equal(mask_extractor_dim(x), CHANNELS);
    assert_int_equal(mask_extractor_most(x), 36 + 5);
    assert_string_equal(mask_extractor_label(x, 1), "left");
    assert_null(mask_extractor_label(x, -1));
    assert_null(mask_extractor_label(x, 2));
    void *bytes = read_whole(path, &size);
    mask__photo whole;
    check_ok(mask__photo_decode(&whole, bytes, size, "b", MASK__COVER, 10000, 1000000, &err));
    const mask_photo photos[] = {{.path = path},
                                 {.id = "b.jpg", .bytes = bytes, .size = size},
                                 {.rgb = whole.rgb, .width = 3 * W, .height = 3 * H}};
    static const char *const ids[] = {NULL, "b.jpg", "photo"};
    /* Pixels were not shrunk while they were decoded; the store has float16. */
    for (int i = 0; i < 3; i++) {
        check_ok(mask_extractor_images(&images, x, &photos[i], 1, &err));
        assert_int_equal(mask_images_count(images), 1);
        assert_int_equal(mask_images_regions(images, 0), 7);
        assert_string_equal(mask_images_id(images, 0), ids[i] ? ids[i] : path);
        check_photo(images, ids[i] ? ids[i] : path, 3 * W, 3 * H, 6);
        check_ok(mask_images_features(images, 0, got, &err));
        for (int c = 0; c < 7 * CHANNELS; c++) assert_true(fabsf(got[c] - want[c]) < (i == 2 ? 3 : 0.1f));
        mask_images_close(images);
        mask_photo_regions r = {.room = 7, .boxes = boxes, .labels = labels, .scores = scores};
        check_ok(mask_extractor_regions(x, &photos[i], &r, &err));
        assert_true(r.count == 7 && r.width == 3 * W && r.height == 3 * H);
        assert_true(labels[0] == -1 && labels[1] == 1 && labels[2] == 0 && scores[1] == 0.75f && scores[3] == 0);
        for (size_t n = 0; n < 7; n++) {
            assert_true(mask_images_box(stored, (size_t)mask_images_find(stored, "b.jpg"), n, box));
            assert_memory_equal(box, boxes + n * 4, sizeof box);
        }
    }
    mask__photo_free(&whole);
    free(bytes);
    mask_images_close(stored);
    mask_extractor_close(x);
}

/* Rows that lie apart; a photo kept in shape; a vector for the whole. */
static void test_pixels(void **state)
{
    (void)state;
    enum { STRIDE = 3 * W + 5 };
    static uint8_t rgb[STRIDE * H];
    mask_error err;
    float features[5 * CHANNELS], boxes[5 * 4];
    new_tree("pixels");
    for (size_t y = 0; y < H; y++)
        for (size_t i = 0; i < 3 * W; i++)
            rgb[y * STRIDE + i] = (uint8_t)colours[2 * (y >= H / 2) + (i >= 3 * W / 2)][i % 3];
    mask_photo photo = {.rgb = rgb, .width = W, .height = H, .stride = STRIDE};
    mask_photo_regions r = {.room = 5, .features = features, .boxes = boxes};
    mask_extract_options o = plain();
    o.detector = NULL;
    for (int pad = 0; pad < 2; pad++) {
        o.shape = pad ? MASK_PHOTO_PAD : MASK_PHOTO_STRETCH;
        mask_extractor *x = opened(&o, 1);
        check_ok(mask_extractor_regions(x, &photo, &r, &err));
        assert_int_equal(r.count, 5);
        check_feature(features, 15, 3); /* grey bars would make it paler */
        for (unsigned q = 0; q < 4; q++) check_feature(features + (q + 1) * CHANNELS, 1u << q, 6);
        assert_true(boxes[4 + 2] == W / 2.0f && boxes[4 + 3] == H / 2.0f);
        mask_extractor_close(x);
    }
    snprintf(encoder, sizeof encoder, "%s", in_top("whole.menc"));
    write_text(encoder, "weights");
    mask_extractor *x = opened(&o, 1);
    check_ok(mask_extractor_regions(x, &photo, &r, &err));
    assert_true(features[0] == 7 && features[2] == 9);
    check_feature(features + CHANNELS, 1, 6);
    mask_extractor_close(x);
}

/* Each refused with its reason, and the extractor goes on; bytes cut anywhere or with wrong bits never crash it. */
static void test_damaged(void **state)
{
    (void)state;
    enum { ROUNDS = 300 };
    mask_error err;
    mask_images *images;
    size_t size, bad = 0;
    unsigned seed = 5;
    float features[7 * CHANNELS], box[4];
    static const uint8_t one[3];
    new_tree("damaged");
    mask_extract_options o = plain();
    o.max_pixels = 10000;
    mask_extractor *x = opened(&o, 1);
    const struct {
        mask_photo photo;
        mask_status status;
        const char *part;
    } cases[] = {
        {{.id = "none"}, MASK_EINVAL, "none: one of path, bytes and rgb"},
        {{.path = "p", .bytes = one}, MASK_EINVAL, "p: one of path"},
        {{.bytes = one, .rgb = one}, MASK_EINVAL, "photo: one of"},
        {{.path = in_top("photos/gone.jpg")}, MASK_EIO, "gone.jpg: cannot open"},
        {{.path = in_top("photos/cut.png")}, MASK_EFORMAT, "is a damaged PNG"},
        {{.path = in_top("photos/b.jpg")}, MASK_EINVAL, "over the limit of 10000"},
        {{.bytes = one, .size = 3, .id = "mine"}, MASK_EFORMAT, "mine: is no JPEG"},
        {{.bytes = one, .size = 0}, MASK_EFORMAT, "photo: is no JPEG"},
        {{.rgb = one, .width = 1}, MASK_EINVAL, "photo: 1 x 0 pixels"},
        {{.rgb = one, .width = 2, .height = 1, .stride = 3}, MASK_EINVAL, "rows of 3 bytes"},
        {{.rgb = one, .width = SIZE_MAX, .height = 2}, MASK_EINVAL, "are possible"},
        {{.rgb = one, .width = 101, .height = 100}, MASK_EINVAL, "10000 pixels"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        check_fails(mask_extractor_images(&images, x, &cases[i].photo, 1, &err), cases[i].status, cases[i].part);
        assert_null(images);
    }
    mask_photo_regions r = {.room = 6, .count = 9, .features = features};
    check_fails(mask_extractor_regions(x, &(mask_photo){.path = in_top("photos/a.png")}, &r, &err), MASK_EINVAL,
                "has 7 regions, there is room for 6");
    assert_int_equal(r.count, 0);
    static const char *const names[] = {"photos/a.png", "photos/below/c.webp"};
    for (int i = 0; i < ROUNDS; i++) {
        unsigned char *bytes = (unsigned char *)read_whole(in_top(names[i % 2]), &size);
        if (i % 3) bytes[(size_t)rand_r(&seed) % size] ^= (unsigned char)(1u << rand_r(&seed) % 8);
        else size = (size_t)rand_r(&seed) % size;
        mask_photo_regions whole = {.room = 7, .features = features};
        mask_status status = mask_extractor_regions(x, &(mask_photo){.bytes = bytes, .size = size}, &whole, &err);
        assert_true(status == MASK_OK ? whole.count == 7 : status == MASK_EFORMAT || status == MASK_EINVAL);
        bad += status != MASK_OK;
        free(bytes);
    }
    assert_true(bad > ROUNDS / 3);
    mask_photo both[] = {cases[0].photo, {.path = in_top("photos/a.png")}};
    check_fails(mask_extractor_images(&images, x, both, 2, &err), cases[0].status, cases[0].part);
    both[0] = (mask_photo){.id = "c", .path = in_top("photos/below/c.webp")};
    check_ok(mask_extractor_images(&images, x, both, 2, &err));
    assert_int_equal(mask_images_find(images, "c"), 0);
    assert_int_equal(mask_images_find(images, both[1].path), 1);
    assert_true(mask_images_box(images, 1, 0, box) && box[0] == 0 && box[2] > 0);
    mask_images_close(images);
    mask_extractor_close(x);
    check_fails(mask_extractor_open(&x, in_top("none.menc"), NULL, NULL, &err), MASK_EIO, "cannot open");
    assert_null(x);
    check_fails(mask_extractor_open(&x, NULL, NULL, NULL, &err), MASK_EINVAL, "no encoder is named");
    check_ok(mask_extractor_open(&x, encoder, NULL, NULL, &err));
    assert_int_equal(mask_extractor_most(x), 14);
    mask_extractor_close(x);
    mask_extractor_close(NULL);
}

typedef struct shared {
    mask_extractor *x;
    float want[7 * CHANNELS];
    bool same;
} shared;

static void *look_often(void *user)
{
    shared *s = user;
    float got[7 * CHANNELS];
    for (int i = 0; i < 50; i++) {
        mask_error err;
        mask_photo_regions r = {.room = 7, .features = got};
        mask_status status = mask_extractor_regions(s->x, &(mask_photo){.path = in_top("photos/b.jpg")}, &r, &err);
        if (status != MASK_OK || r.count != 7 || memcmp(got, s->want, sizeof got) != 0) s->same = false;
    }
    return NULL;
}

/* More threads than it has networks; the first network alone may use all of them. */
static void test_threads(void **state)
{
    (void)state;
    enum { THREADS = 8 };
    mask_error err;
    pthread_t threads[THREADS];
    new_tree("threads");
    mask_extract_options o = plain();
    most_threads = 0;
    shared s = {.x = opened(&o, 3), .same = true};
    assert_int_equal(most_threads, 3);
    mask_photo_regions r = {.room = 7, .features = s.want};
    check_ok(mask_extractor_regions(s.x, &(mask_photo){.path = in_top("photos/b.jpg")}, &r, &err));
    for (int i = 0; i < THREADS; i++) assert_int_equal(pthread_create(&threads[i], NULL, look_often, &s), 0);
    for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
    assert_true(s.same);
    mask_extractor_close(s.x);
    mask_extract_report report;
    most_threads = 0;
    check_ok(extract(&o, in_top("p.regions"), 3, &report, &err)); /* photos side by side */
    assert_int_equal(most_threads, 1);
}

static void test_boxes(void **state)
{
    (void)state;
    mask_error err;
    mask_extract_report report;
    mask_labels *labels;
    const float *features;
    float buffer[4 * CHANNELS];
    new_tree("boxes");
    write_text(in_top("boxes.tsv"), "image\tx1\ty1\tx2\ty2\tlabel\n"
                                    "c\t0\t0\t24\t16\tred\nc\t-5\t-5\t99\t99\tall of it\n"
                                    "gone.jpg\t1\t1\t2\t2\tnothing\n"
                                    "cut.png\t1\t1\t2\t2\tnothing\n"
                                    "b.jpg\t72\t48\t144.0\t96\tyellow\n");
    mask_extract_options o = plain();
    o.boxes = in_top("boxes.tsv");
    check_ok(extract(&o, in_top("set"), 2, &report, &err));
    assert_int_equal(report.photos, 3);
    assert_int_equal(report.good, 2);
    assert_int_equal(report.bad, 1);
    assert_non_null(strstr(warned, "1 of its 4 images have no photo, the first is 'gone.jpg'"));
    assert_int_equal(looks, 2);
    check_ok(mask_labels_open(&labels, in_top("set"), NULL, &err));
    assert_int_equal(mask_labels_regions(labels), 3);
    assert_int_equal(mask_labels_images(labels), 2);
    assert_string_equal(mask_labels_text(labels, 0), "yellow"); /* in the order of the photos */
    assert_string_equal(mask_labels_text(labels, 2), "all of it");
    assert_string_equal(mask__labels_image_name(labels, 1), "c");
    assert_true(mask__labels_box(labels, 2)[0] == -5);
    check_ok(mask__labels_block(labels, 0, 3, buffer, &features, &err));
    check_feature(features, 8, 14);
    check_feature(features + CHANNELS, 1, 14);
    check_feature(features + 2 * CHANNELS, 15, 14);
    mask_labels_close(labels);
    check_ok(extract(&o, in_top("set"), 2, &report, &err));
    assert_int_equal(report.unchanged, 2);
    assert_int_equal(looks, 0);
    check_ok(mask_labels_open(&labels, in_top("set"), NULL, &err));
    mask_labels_close(labels);
}

static void test_boxes_refused(void **state)
{
    (void)state;
    static const struct {
        const char *table, *part;
        mask_status status;
    } cases[] = {
        {"none.jpg\t1\t1\t2\t2\tx\n", "none of its 1 images is among the 5 photos", MASK_ENOTFOUND},
        {"a.png\t1\t1\t2\t2\tx\na\t1\t1\t2\t2\tx\n", "images 'a.png' and 'a' are one photo", MASK_EMISMATCH},
        {"c\t1\t1\t2\t2\tx\nd\t1\t1\t2\t2\tx\n", "image 'd' could be", MASK_EMISMATCH},
        {"a.png\t1\t1\t2\tx\n", "line 2", MASK_EFORMAT},
    };
    mask_error err;
    mask_extract_report report;
    new_tree("refused");
    mask_extract_options o = plain();
    assert_int_equal(rename(in_top("photos/cut.png"), in_top("photos/d.png")), 0);
    assert_int_equal(rename(in_top("photos/text.jpg"), in_top("photos/d.jpg")), 0);
    o.boxes = in_top("boxes.tsv");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[512];
        snprintf(text, sizeof text, "image\tx1\ty1\tx2\ty2\tlabel\n%s", cases[i].table);
        write_text(o.boxes, text);
        check_fails(extract(&o, in_top("set"), 1, &report, &err), cases[i].status, cases[i].part);
    }
    write_text(o.boxes, "image\tx1\ty1\tx2\ty2\tlabel\na.png\t1\t1\t2\t2\tx\n");
    check_ok(extract(&o, in_top("set"), 1, &report, &err));
    write_text(o.boxes, "image\tx1\ty1\tx2\ty2\tlabel\na.png\t1\t1\t2\t3\tx\n");
    check_fails(extract(&o, in_top("set"), 1, &report, &err), MASK_EMISMATCH, "use the same options, or another file");
}

static void test_refused(void **state)
{
    (void)state;
    mask_error err;
    mask_extract_report report;
    new_tree("wrong");
    mask_extract_options o = plain();
    o.encoder = in_top("none.menc");
    check_fails(extract(&o, in_top("p.regions"), 1, &report, &err), MASK_EIO, "run make encoder");
    o.encoder = NULL;
    check_fails(extract(&o, in_top("p.regions"), 1, &report, &err), MASK_EINVAL, "no encoder is named");
    o = plain();
    o.grid = 9;
    check_fails(extract(&o, in_top("p.regions"), 1, &report, &err), MASK_EINVAL, "grid 9");
    o = plain();
    check_ok(extract(&o, in_top("p.regions"), 1, &report, &err));
    o.grid = 3;
    check_fails(extract(&o, in_top("p.regions"), 1, &report, &err), MASK_EMISMATCH, "not 'regions 36, grid 3, ");
    o.grid = 2;
    write_text(encoder, "other weights");
    check_fails(extract(&o, in_top("p.regions"), 1, &report, &err), MASK_EMISMATCH, "another encoder");
    check_fails(extract(&o, in_top("nowhere/p.regions"), 1, &report, &err), MASK_EIO, "cannot");
    unlink(in_top("photos/a.png"));
    unlink(in_top("photos/b.jpg"));
    unlink(in_top("photos/below/c.webp"));
    check_fails(extract(&o, in_top("bad.regions"), 1, &report, &err), MASK_EFORMAT,
                "none of 2 photos could be decoded");
    unlink(in_top("photos/cut.png"));
    unlink(in_top("photos/text.jpg"));
    check_fails(extract(&o, in_top("bad.regions"), 1, &report, &err), MASK_ENOTFOUND, "no photo is there");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_extract),   cmocka_unit_test(test_kinds),   cmocka_unit_test(test_again),
        cmocka_unit_test(test_stopped),   cmocka_unit_test(test_retries), cmocka_unit_test(test_classifier),
        cmocka_unit_test(test_in_memory), cmocka_unit_test(test_pixels),  cmocka_unit_test(test_damaged),
        cmocka_unit_test(test_threads),   cmocka_unit_test(test_boxes),   cmocka_unit_test(test_boxes_refused),
        cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests(tests, start_decoding, NULL);
}
