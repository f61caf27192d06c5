/* Decoding: every kind of picture becomes the same upright sRGB, limits hold before memory is spent, damaged files are
 * refused in one line, and libvips says nothing on stderr. */
#include "pictures.h"
#include "photos/decode.h"

#include <fcntl.h>
#include <omp.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

enum { SIDE = 1024, LIMIT = 1000000, W = PICTURE_WIDTH, H = PICTURE_HEIGHT };

static mask_status decode(mask__photo *photo, const unsigned char *bytes, size_t size, mask_error *err)
{
    return mask__photo_decode(photo, bytes, size, "p", MASK__INSIDE, SIDE, LIMIT, err);
}

/* The colour in the middle of a quarter: 0 top left, 1 top right, 2 bottom left, 3 bottom right. */
static const uint8_t *middle(const mask__photo *photo, int quarter)
{
    size_t x = photo->width / 4 + (quarter & 1 ? photo->width / 2 : 0);
    size_t y = photo->height / 4 + (quarter & 2 ? photo->height / 2 : 0);
    return photo->rgb + (y * photo->width + x) * 3;
}

static void check_colour(const mask__photo *photo, int quarter, const uint8_t *want, int tolerance)
{
    const uint8_t *is = middle(photo, quarter);
    for (int c = 0; c < 3; c++)
        if (abs(is[c] - want[c]) > tolerance)
            fail_msg("quarter %d: %d %d %d, not %d %d %d", quarter, is[0], is[1], is[2], want[0], want[1], want[2]);
}

static const uint8_t colours[4][3] = {{230, 20, 20}, {20, 200, 20}, {20, 20, 230}, {230, 220, 20}};
static const uint8_t grey[3] = {128, 128, 128};

/* Consumes the bytes. */
static void check_quarters(unsigned char *bytes, size_t size, int tolerance)
{
    mask_error err;
    mask__photo photo;
    check_ok(decode(&photo, bytes, size, &err));
    assert_int_equal(photo.width, W);
    assert_int_equal(photo.height, H);
    assert_int_equal(photo.full_width, W);
    assert_int_equal(photo.full_height, H);
    for (int q = 0; q < 4; q++) check_colour(&photo, q, colours[q], tolerance);
    mask__photo_free(&photo);
    g_free(bytes);
}

static void test_formats(void **state)
{
    (void)state;
    static const char *const suffixes[] = {".png",
                                           ".png[interlace]",
                                           ".png[palette]",
                                           ".jpg[Q=95]",
                                           ".jpg[Q=95,interlace]",
                                           ".webp[lossless]",
                                           ".webp[Q=95]",
                                           ".gif",
                                           ".tif",
                                           ".tif[compression=lzw,bigtiff]",
                                           ".tif[tile,compression=deflate]"};
    for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++) {
        size_t size;
        unsigned char *bytes = saved(quarters(W, H, 3), suffixes[i], &size);
        check_quarters(bytes, size, 14);
    }
}

/* What Debian's libheif writes, it reads. */
static void test_heif(void **state)
{
    (void)state;
    size_t size;
    if (!vips_type_find("VipsOperation", "heifsave_buffer")) skip_because("this libvips does not write HEIF");
    unsigned char *bytes = saved(quarters(W, H, 3), ".avif[Q=90,effort=0]", &size);
    assert_string_equal(mask__photo_format(bytes), "AVIF");
    check_quarters(bytes, size, 20);
}

/* EXIF orientation o: where the quarter that is stored top left belongs. */
static void test_orientation(void **state)
{
    (void)state;
    static const int shown[9][4] = {/* shown[o][place] = the stored quarter that is seen there */
                                    {0},          {0, 1, 2, 3}, {1, 0, 3, 2}, {3, 2, 1, 0}, {2, 3, 0, 1},
                                    {0, 2, 1, 3}, {2, 0, 3, 1}, {3, 1, 2, 0}, {1, 3, 0, 2}};
    mask_error err;
    for (int o = 1; o <= 8; o++) {
        size_t size;
        mask__photo photo;
        VipsImage *image = quarters(W, H, 3);
        vips_image_set_int(image, "orientation", o);
        unsigned char *bytes = saved(image, ".jpg[Q=95]", &size);
        check_ok(decode(&photo, bytes, size, &err));
        assert_int_equal(photo.full_width, o < 5 ? W : H);
        assert_int_equal(photo.full_height, o < 5 ? H : W);
        assert_int_equal(photo.width, photo.full_width);
        for (int place = 0; place < 4; place++) check_colour(&photo, place, colours[shown[o][place]], 14);
        mask__photo_free(&photo);
        g_free(bytes);
    }
}

static VipsImage *converted(VipsImage *image, VipsInterpretation space)
{
    VipsImage *out;
    assert_int_equal(vips_colourspace(image, &out, space, NULL), 0);
    g_object_unref(image);
    return out;
}

static void test_colour_spaces(void **state)
{
    (void)state;
    size_t size;
    unsigned char *bytes = saved(converted(quarters(W, H, 3), VIPS_INTERPRETATION_RGB16), ".png", &size);
    check_quarters(bytes, size, 2);
    bytes = saved(converted(quarters(W, H, 3), VIPS_INTERPRETATION_LAB), ".tif", &size);
    check_quarters(bytes, size, 3);
    bytes = saved(converted(quarters(W, H, 3), VIPS_INTERPRETATION_scRGB), ".tif", &size); /* float */
    check_quarters(bytes, size, 3);
}

/* Ink cannot show these greens and blues, but which channel is strong stays. */
static void test_cmyk(void **state)
{
    (void)state;
    static const char *const suffixes[] = {".jpg[Q=95]", ".tif"};
    mask_error err;
    for (int i = 0; i < 2; i++) {
        size_t size;
        mask__photo photo;
        unsigned char *bytes = saved(converted(quarters(W, H, 3), VIPS_INTERPRETATION_CMYK), suffixes[i], &size);
        check_ok(decode(&photo, bytes, size, &err));
        for (int q = 0; q < 4; q++)
            for (int c = 0; c < 3; c++)
                if ((middle(&photo, q)[c] >= 130) != (colours[q][c] >= 130))
                    fail_msg("quarter %d, channel %d: %d for %d", q, c, middle(&photo, q)[c], colours[q][c]);
        mask__photo_free(&photo);
        g_free(bytes);
    }
}

/* With an embedded profile of the right kind, and with garbage for one. */
static void test_profiles(void **state)
{
    (void)state;
    static const char *const suffixes[] = {".png", ".jpg[Q=95]", ".tif", ".webp[lossless]"};
    for (int i = 0; i < 4; i++) {
        size_t size;
        VipsImage *image = quarters(W, H, 3);
        VipsBlob *profile;
        assert_int_equal(vips_profile_load("srgb", &profile, NULL), 0);
        vips_image_set_blob_copy(image, VIPS_META_ICC_NAME, VIPS_AREA(profile)->data, VIPS_AREA(profile)->length);
        vips_area_unref(VIPS_AREA(profile));
        unsigned char *bytes = saved(image, suffixes[i], &size);
        check_quarters(bytes, size, 14);
        image = quarters(W, H, 3);
        vips_image_set_blob_copy(image, VIPS_META_ICC_NAME, "this is no profile, whatever it may say it is", 46);
        bytes = saved(image, suffixes[i], &size);
        check_quarters(bytes, size, 60);
    }
}

static void test_grey(void **state)
{
    (void)state;
    static const VipsInterpretation spaces[] = {VIPS_INTERPRETATION_B_W, VIPS_INTERPRETATION_GREY16};
    mask_error err;
    for (int i = 0; i < 2; i++) {
        size_t size;
        mask__photo photo;
        unsigned char *bytes = saved(converted(quarters(W, H, 3), spaces[i]), ".png", &size);
        check_ok(decode(&photo, bytes, size, &err));
        for (int q = 0; q < 4; q++) {
            const uint8_t *is = middle(&photo, q);
            assert_true(is[0] == is[1] && is[1] == is[2]);
        }
        assert_true(middle(&photo, 3)[0] > middle(&photo, 1)[0] && middle(&photo, 1)[0] > middle(&photo, 2)[0]);
        mask__photo_free(&photo);
        g_free(bytes);
    }
}

/* The transparent half becomes middle grey, the opaque half stays. */
static void test_alpha(void **state)
{
    (void)state;
    static const char *const suffixes[] = {".png", ".png[bitdepth=16]", ".webp[lossless]", ".tif", ".gif"};
    mask_error err;
    for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++) {
        size_t size;
        mask__photo photo;
        VipsImage *image = quarters(W, H, 4);
        if (i == 1) image = converted(image, VIPS_INTERPRETATION_RGB16);
        unsigned char *bytes = saved(image, suffixes[i], &size);
        check_ok(decode(&photo, bytes, size, &err));
        for (int q = 0; q < 4; q++) check_colour(&photo, q, q & 1 ? grey : colours[q], 3);
        mask__photo_free(&photo);
        g_free(bytes);
    }
}

/* Two frames: the first is taken. */
static void test_frames(void **state)
{
    (void)state;
    static const char *const suffixes[] = {".gif", ".webp[lossless]", ".tif"};
    for (int i = 0; i < 3; i++) {
        size_t size;
        VipsImage *frames[2] = {quarters(W, H, 3), NULL}, *both;
        assert_int_equal(vips_invert(frames[0], &frames[1], NULL), 0);
        assert_int_equal(vips_arrayjoin(frames, &both, 2, "across", 1, NULL), 0);
        g_object_unref(frames[0]);
        g_object_unref(frames[1]);
        VipsImage *copy;
        assert_int_equal(vips_copy(both, &copy, NULL), 0);
        g_object_unref(both);
        vips_image_set_int(copy, "page-height", H);
        unsigned char *bytes = saved(copy, suffixes[i], &size);
        check_quarters(bytes, size, 3);
    }
}

/* Large photos shrink to the side, keep their shape and remember their size; small ones are left as they are. */
static void test_shrinks(void **state)
{
    (void)state;
    static const char *const suffixes[] = {".jpg[Q=95]", ".png", ".webp[Q=95]"};
    mask_error err;
    for (int i = 0; i < 3; i++) {
        size_t size;
        mask__photo photo;
        unsigned char *bytes = saved(quarters(900, 600, 3), suffixes[i], &size);
        check_ok(mask__photo_decode(&photo, bytes, size, "p", MASK__INSIDE, 60, LIMIT, &err));
        assert_int_equal(photo.width, 60);
        assert_int_equal(photo.height, 40);
        assert_int_equal(photo.stride, 180);
        assert_int_equal(photo.full_width, 900);
        assert_int_equal(photo.full_height, 600);
        for (int q = 0; q < 4; q++) check_colour(&photo, q, colours[q], 14);
        mask__photo_free(&photo);
        /* For a network the shorter side stays between what it looks at and twice that. */
        for (size_t side = 40; side <= 700; side += 55) {
            check_ok(mask__photo_decode(&photo, bytes, size, "p", MASK__COVER, side, LIMIT, &err));
            assert_true(photo.height >= (side < 600 ? side : 600) && photo.height <= 2 * side);
            assert_true(fabs((double)photo.width / (double)photo.height - 1.5) < 0.04);
            assert_true(photo.full_width == 900 && photo.full_height == 600);
            for (int q = 0; q < 4; q++) check_colour(&photo, q, colours[q], 14);
            mask__photo_free(&photo);
        }
        g_free(bytes);
    }
}

static void put_be32(unsigned char *at, uint32_t value)
{
    for (int i = 0; i < 4; i++) at[i] = (unsigned char)(value >> (24 - 8 * i));
}

/* Small files whose headers promise enormous pictures. */
static void test_pixel_limit(void **state)
{
    (void)state;
    size_t size;
    mask_error err;
    mask__photo photo;
    unsigned char *png = saved(quarters(W, H, 3), ".png", &size);
    put_be32(png + 16, 60000);
    put_be32(png + 20, 50000);
    put_be32(png + 29, (uint32_t)crc32(0, png + 12, 17));
    check_fails(decode(&photo, png, size, &err), MASK_EINVAL, "60000 x 50000 pixels, over the limit of 1000000");
    assert_null(photo.rgb);
    g_free(png);
    unsigned char *jpeg = saved(quarters(W, H, 3), ".jpg", &size);
    unsigned char *frame = memmem(jpeg, size, "\xff\xc0", 2);
    assert_non_null(frame);
    memset(frame + 5, 0xfe, 4);
    check_fails(decode(&photo, jpeg, size, &err), MASK_EINVAL, "65278 x 65278 pixels");
    g_free(jpeg);
    unsigned char *gif = saved(quarters(W, H, 3), ".gif", &size);
    memset(gif + 6, 7, 4); /* libnsgif does not believe much larger ones */
    check_fails(decode(&photo, gif, size, &err), MASK_EINVAL, "1799 x 1799 pixels");
    g_free(gif);
    /* Exactly the limit passes, one pixel more does not. */
    png = saved(quarters(W, H, 3), ".png", &size);
    check_ok(mask__photo_decode(&photo, png, size, "p", MASK__INSIDE, SIDE, W * H, &err));
    mask__photo_free(&photo);
    check_fails(mask__photo_decode(&photo, png, size, "p", MASK__INSIDE, SIDE, W * H - 1, &err), MASK_EINVAL,
                "raise the limit");
    g_free(png);
}

static void test_no_photos(void **state)
{
    (void)state;
    mask_error err;
    mask__photo photo;
    static const char *const texts[] = {"x", "%PDF-1.4 and then something more",
                                        "<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'/>",
                                        "P6 1 1 255 abc and some more bytes"};
    static const unsigned char png[] = "\x89PNG\r\n\x1a\n\0\0\0\0 nothing here", gif[] = "GIF89a but not really one";
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        check_fails(decode(&photo, (const unsigned char *)texts[i], strlen(texts[i]), &err), MASK_EFORMAT,
                    "is no JPEG");
    check_fails(decode(&photo, png, sizeof png, &err), MASK_EFORMAT, "p: is a damaged PNG (");
    check_fails(decode(&photo, gif, sizeof gif, &err), MASK_EFORMAT, "p: is a damaged GIF (");
    {
        size_t size;
        VipsImage *one = quarters(W, H, 3), *parts[4] = {one, one, one, one}, *many;
        assert_int_equal(vips_bandjoin(parts, &many, 4, NULL), 0);
        g_object_unref(one);
        unsigned char *bytes = saved(many, ".tif", &size);
        check_fails(decode(&photo, bytes, size, &err), MASK_EFORMAT, "has 12 channels");
        g_free(bytes);
    }
}

static const char *const kinds[] = {".jpg",           ".jpg[interlace]",       ".png",       ".png[interlace]",
                                    ".gif",           ".tif[compression=lzw]", ".tif[tile]", ".webp",
                                    ".webp[lossless]"};
enum { KINDS = sizeof kinds / sizeof *kinds };

/* Noise, so that a cut always takes something that matters. */
static unsigned char *noise(const char *suffix, size_t *size)
{
    unsigned seed = 7;
    unsigned char pixels[W * H * 3];
    for (size_t i = 0; i < sizeof pixels; i++) pixels[i] = (unsigned char)rand_r(&seed);
    VipsImage *image = vips_image_new_from_memory_copy(pixels, sizeof pixels, W, H, 3, VIPS_FORMAT_UCHAR);
    assert_non_null(image);
    image->Type = VIPS_INTERPRETATION_sRGB;
    return saved(image, suffix, size);
}

/* Decodes or refuses in one line that names the photo. True when it was decoded whole. */
static bool survive(const unsigned char *bytes, size_t size)
{
    mask_error err;
    mask__photo photo;
    unsigned char *copy = malloc(size ? size : 1); /* so that a step past the end is seen */
    assert_non_null(copy);
    memcpy(copy, bytes, size);
    mask_status status = decode(&photo, copy, size, &err);
    free(copy);
    if (status == MASK_OK) {
        assert_true(photo.width > 0 && photo.width <= SIDE && photo.height > 0 && photo.height <= SIDE);
        bool whole = !photo.cut_off;
        mask__photo_free(&photo);
        return whole;
    }
    assert_null(photo.rgb);
    assert_true(status == MASK_EFORMAT || status == MASK_EINVAL);
    assert_true(strncmp(err.message, "p: ", 3) == 0 && !strchr(err.message, '\n'));
    return false;
}

static void test_cut(void **state)
{
    (void)state;
    unsigned seed = 3;
    for (int k = 0; k < KINDS; k++) {
        size_t size;
        int decoded = 0;
        unsigned char *bytes = noise(kinds[k], &size);
        assert_true(survive(bytes, size));
        for (int i = 0; i < 12; i++) decoded += survive(bytes, (size_t)rand_r(&seed) % (size - 64));
        if (decoded) fail_msg("%s: %d of 12 cut files were decoded", kinds[k], decoded);
        g_free(bytes);
    }
}

/* A JPEG that ends too soon counts as far as it goes. */
static void test_cut_off(void **state)
{
    (void)state;
    size_t size, rows = H;
    mask_error err;
    mask__photo photo;
    unsigned char *bytes = noise(".jpg[Q=90]", &size);
    for (size_t left = size - size / 8; left > size / 3; left -= size / 8) {
        assert_int_equal(decode(&photo, bytes, left, &err), MASK_OK);
        assert_true(photo.cut_off && photo.height <= rows && photo.full_height == photo.height && photo.width == W);
        rows = photo.height;
        mask__photo_free(&photo);
    }
    assert_true(rows > 0 && rows <= H / 2);
    assert_int_equal(decode(&photo, bytes, 700, &err), MASK_EFORMAT);
    g_free(bytes);
}

static void test_flipped(void **state)
{
    (void)state;
    unsigned seed = 5;
    for (int k = 0; k < KINDS; k++) {
        size_t size;
        unsigned char *bytes = noise(kinds[k], &size);
        for (int i = 0; i < 40; i++) {
            size_t range = i % 2 ? size : size < 200 ? size : 200, at = (size_t)rand_r(&seed) % range;
            unsigned char kept = bytes[at];
            bytes[at] = (unsigned char)rand_r(&seed);
            survive(bytes, size);
            bytes[at] = kept;
        }
        g_free(bytes);
    }
}

/* A head of one format and a body of another. */
static void test_grafted(void **state)
{
    (void)state;
    for (int head = 0; head < KINDS; head++)
        for (int body = 0; body < KINDS; body++) {
            size_t size, other;
            unsigned char *a = noise(kinds[head], &other), *b = noise(kinds[body], &size);
            memcpy(b, a, 16);
            survive(b, size);
            g_free(a);
            g_free(b);
        }
}

/* Photos that fail side by side each get their own reason. */
static void test_reasons(void **state)
{
    (void)state;
    enum { FILES = 64 };
    static char want[FILES][512], got[FILES][512];
    unsigned char *bytes[FILES];
    size_t size[FILES];
    unsigned seed = 9;
    for (int i = 0; i < FILES; i++) {
        mask_error err = {0};
        mask__photo photo;
        bytes[i] = noise(kinds[i % KINDS], &size[i]);
        if (i % 3) size[i] = size[i] / 3 + (size_t)rand_r(&seed) % 100;
        decode(&photo, bytes[i], size[i], &err);
        mask__photo_free(&photo);
        memcpy(want[i], err.message, sizeof want[i]);
    }
#pragma omp parallel for num_threads(4) schedule(dynamic, 1)
    for (int i = 0; i < FILES; i++) {
        mask_error err = {0};
        mask__photo photo;
        decode(&photo, bytes[i], size[i], &err);
        mask__photo_free(&photo);
        memcpy(got[i], err.message, sizeof got[i]);
    }
    for (int i = 0; i < FILES; i++) {
        assert_string_equal(got[i], want[i]);
        g_free(bytes[i]);
    }
}

static void test_read(void **state)
{
    (void)state;
    mask_error err;
    size_t size;
    unsigned char *bytes;
    const char *path = temp_path("some");
    check_fails(mask__photo_read(&bytes, &size, temp_path("none"), &err), MASK_EIO, "cannot open");
    assert_null(bytes);
    check_fails(mask__photo_read(&bytes, &size, "/tmp", &err), MASK_EIO, "is not a regular file");
    assert_int_equal(mkfifo(temp_path("pipe"), 0600), 0);
    check_fails(mask__photo_read(&bytes, &size, temp_path("pipe"), &err), MASK_EIO, "is not a regular file");
    write_text(path, "");
    check_fails(mask__photo_read(&bytes, &size, path, &err), MASK_EFORMAT, "is empty");
    assert_int_equal(truncate(path, (1L << 30) + 1), 0);
    check_fails(mask__photo_read(&bytes, &size, path, &err), MASK_EFORMAT, "gibibyte");
    write_text(path, "abc");
    check_ok(mask__photo_read(&bytes, &size, path, &err));
    assert_int_equal(size, 3);
    assert_memory_equal(bytes, "abc", 3);
    free(bytes);
}

static int old_stderr;
static char said[256];

static int start(void **state)
{
    (void)state;
    mask_error err;
    if (mask__decode_start(&err) != MASK_OK) return -1;
    snprintf(said, sizeof said, "%s", temp_path("stderr"));
    fflush(stderr);
    old_stderr = dup(2);
    int fd = open(said, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    return dup2(fd, 2) == 2 && close(fd) == 0 ? 0 : -1;
}

/* The last test: nobody wrote to stderr. */
static void test_silence(void **state)
{
    (void)state;
    size_t size;
    fflush(stderr);
    dup2(old_stderr, 2);
    char *text = read_whole(said, &size);
    if (size) fail_msg("on stderr: %.300s", text);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_formats),       cmocka_unit_test(test_heif),        cmocka_unit_test(test_orientation),
        cmocka_unit_test(test_profiles),      cmocka_unit_test(test_grey),        cmocka_unit_test(test_alpha),
        cmocka_unit_test(test_colour_spaces), cmocka_unit_test(test_cmyk),        cmocka_unit_test(test_frames),
        cmocka_unit_test(test_shrinks),       cmocka_unit_test(test_pixel_limit), cmocka_unit_test(test_no_photos),
        cmocka_unit_test(test_cut),           cmocka_unit_test(test_cut_off),     cmocka_unit_test(test_flipped),
        cmocka_unit_test(test_grafted),       cmocka_unit_test(test_reasons),     cmocka_unit_test(test_read),
        cmocka_unit_test(test_silence),
    };
    return cmocka_run_group_tests(tests, start, NULL);
}
