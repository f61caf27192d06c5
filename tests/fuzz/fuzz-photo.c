/* Photos: bytes as a file and as an upload. What decodes has the size it says and gives a thumbnail that decodes; what
 * a camera wrote is a date and a place on earth. */
#include "fuzz.h"
#include "photos/decode.h"

#include <math.h>

void fuzz_one(const unsigned char *data, size_t size)
{
    mask_error err;
    mask_photo_facts facts;
    mask__photo photo;
    unsigned char *jpeg;
    size_t jpeg_size;
    const char *path = fuzz_file("photo", data, size);
    if (!fuzz_ok(mask__decode_start(&err), &err)) return;
    if (fuzz_ok(mask_photo_describe(&facts, path, &err), &err)) {
        fuzz_check(strlen(facts.date) == 0 || strlen(facts.date) == 19 || strlen(facts.date) == 10);
        fuzz_check(!(fabs(facts.latitude) > 90) && !(fabs(facts.longitude) > 180));
    }
    if (!fuzz_ok(mask__photo_decode(&photo, data, size, "fuzzed", MASK__INSIDE, 64, 1000000, &err), &err)) return;
    fuzz_check(photo.width > 0 && photo.width <= 64 && photo.height > 0 && photo.height <= 64);
    fuzz_check(photo.full_width >= photo.width && photo.full_height >= photo.height);
    mask__photo_free(&photo);
    if (!fuzz_ok(mask_photo_thumbnail(path, 32, &jpeg, &jpeg_size, &err), &err)) return;
    fuzz_check(
        fuzz_ok(mask__photo_decode(&photo, jpeg, jpeg_size, "thumbnail", MASK__INSIDE, 64, 1000000, &err), &err));
    fuzz_check(photo.width <= 32 && photo.height <= 32);
    mask__photo_free(&photo);
    free(jpeg);
}
