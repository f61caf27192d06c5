/* Thumbnails: a JPEG that decodes, upright and within the side; or one line that says why not. */
#include "pictures.h"

#include <math.h>
#include "photos/decode.h"

#include <unistd.h>

enum { LIMIT = 1000000 };

/* Writes a picture to a file, consuming it. */
static const char *photo_file(VipsImage *image, const char *name, const char *suffix)
{
    size_t size;
    unsigned char *bytes = saved(image, suffix, &size);
    const char *path = temp_path(name);
    write_file(path, bytes, size);
    g_free(bytes);
    return path;
}

/* The thumbnail's pixels: it must be a JPEG of this size. */
static void check_thumbnail(const char *path, int side, size_t width, size_t height, mask__photo *photo)
{
    mask_error err;
    unsigned char *jpeg;
    size_t size;
    check_ok(mask_photo_thumbnail(path, side, &jpeg, &size, &err));
    assert_true(size > 4 && jpeg[0] == 0xff && jpeg[1] == 0xd8);
    check_ok(mask__photo_decode(photo, jpeg, size, "thumbnail", MASK__INSIDE, 1024, LIMIT, &err));
    free(jpeg);
    assert_int_equal(photo->full_width, width);
    assert_int_equal(photo->full_height, height);
}

static void test_fits_the_side(void **state)
{
    (void)state;
    mask__photo photo;
    const char *path = photo_file(quarters(900, 600, 3), "large.jpg", ".jpg[Q=95]");
    check_thumbnail(path, 60, 60, 40, &photo);
    mask__photo_free(&photo);
    path = photo_file(quarters(PICTURE_WIDTH, PICTURE_HEIGHT, 3), "small.png", ".png");
    check_thumbnail(path, 1000, PICTURE_WIDTH, PICTURE_HEIGHT, &photo); /* never larger than the photo */
    mask__photo_free(&photo);
}

/* Turned by EXIF 6: the quarter that is stored bottom left, blue, is seen top left. */
static void test_upright(void **state)
{
    (void)state;
    mask__photo photo;
    VipsImage *image = quarters(900, 600, 3);
    vips_image_set_int(image, "orientation", 6);
    check_thumbnail(photo_file(image, "turned.jpg", ".jpg[Q=95]"), 60, 40, 60, &photo);
    const uint8_t *seen = photo.rgb + (photo.height / 4 * photo.width + photo.width / 4) * 3;
    assert_true(seen[2] > 180 && seen[0] < 80 && seen[1] < 80);
    mask__photo_free(&photo);
}

static void refused(const char *path, int side, mask_status status, const char *part)
{
    mask_error err;
    unsigned char *jpeg = (unsigned char *)"something";
    size_t size = 0;
    check_fails(mask_photo_thumbnail(path, side, &jpeg, &size, &err), status, part);
    assert_null(jpeg);
}

static void test_refuses(void **state)
{
    (void)state;
    const char *photo = photo_file(quarters(PICTURE_WIDTH, PICTURE_HEIGHT, 3), "good.png", ".png");
    refused(photo, 0, MASK_EINVAL, "side of at least 1");
    refused(photo, -5, MASK_EINVAL, "side of at least 1");
    refused(temp_path("none.jpg"), 60, MASK_EIO, "none.jpg");
    const char *text = temp_path("text.jpg");
    write_text(text, "this is no photo at all");
    refused(text, 60, MASK_EFORMAT, "is no JPEG");
}

static void test_facts(void **state)
{
    (void)state;
    mask_error err;
    mask_photo_facts facts;
    VipsImage *image = quarters(PICTURE_WIDTH, PICTURE_HEIGHT, 3);
    vips_image_set_string(image, "exif-ifd2-DateTimeOriginal", "2019:07:02 10:11:12");
    vips_image_set_string(image, "exif-ifd3-GPSLatitude", "48/1 30/1 0/1");
    vips_image_set_string(image, "exif-ifd3-GPSLatitudeRef", "S");
    vips_image_set_string(image, "exif-ifd3-GPSLongitude", "2/1 15/1 36/1");
    vips_image_set_string(image, "exif-ifd3-GPSLongitudeRef", "E");
    check_ok(mask_photo_describe(&facts, photo_file(image, "dated.jpg", ".jpg"), &err));
    assert_string_equal(facts.date, "2019-07-02 10:11:12");
    assert_float_equal(facts.latitude, -48.5, 1e-6);
    assert_float_equal(facts.longitude, 2.26, 1e-6);
    check_ok(mask_photo_describe(&facts, photo_file(quarters(8, 8, 3), "plain.png", ".png"), &err));
    assert_string_equal(facts.date, "");
    assert_true(isnan(facts.latitude) && isnan(facts.longitude));
    check_fails(mask_photo_describe(&facts, temp_path("none.jpg"), &err), MASK_EIO, "none.jpg");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_facts),
        cmocka_unit_test(test_fits_the_side),
        cmocka_unit_test(test_upright),
        cmocka_unit_test(test_refuses),
    };
    return cmocka_run_group_tests(tests, start_decoding, NULL);
}
