/* libvips keeps one error text for the whole process. Decoding holds a lock for reading; who fails decodes once more
 * alone, behind the lock for writing, so that the text is about this photo. That lock and libvips's own state are an
 * exception to "the library has no mutable globals". */
#include "photos/decode.h"
#include "base/file.h"
#include "base/library.h"
#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <vips/vips.h>

/* What is used of libvips and of GLib, which it brings: loaded when the first photo is decoded. */
/* clang-format off */
#define VIPS_NAMES(X) \
    X(vips_init) X(vips_concurrency_set) X(vips_cache_set_max) X(vips_error) X(vips_error_buffer) X(vips_error_clear) \
    X(vips_source_new_from_memory) X(vips_jpegload_source) X(vips_pngload_source) X(vips_gifload_source) \
    X(vips_webpload_source) X(vips_tiffload_source) X(vips_heifload_source) X(vips_jpegsave_buffer) \
    X(vips_image_get_width) X(vips_image_get_height) X(vips_image_get_bands) X(vips_image_get_format) \
    X(vips_image_get_typeof) X(vips_image_get_string) X(vips_image_get_orientation) X(vips_image_get_interpretation) X(vips_image_get_orientation_swap) \
    X(vips_image_hasalpha) X(vips_image_new_from_memory) X(vips_image_write_to_memory) X(vips_format_sizeof) \
    X(vips_thumbnail_image) X(vips_colourspace) X(vips_flatten) X(vips_cast) X(vips_array_double_newv) \
    X(vips_area_unref) X(g_object_unref) X(g_free) X(g_log_set_handler)
/* clang-format on */
MASK__LIBRARY(vips, VIPS_NAMES, MASK__VIPS_FILE, "libvips42")

enum {
    QUALITY = 80,            /* of a thumbnail */
    MOST_PIXELS = 100000000, /* of its photo */
    MAX_FILE_BYTES = 1 << 30,
    BACKGROUND = 128,      /* behind transparent pixels: what networks see as nothing */
    LEAST_LEFT = 8,        /* of a photo that is cut off an eighth must be there */
    MAX_BANDS = 8,         /* CMYK and alpha are five */
    MAX_BYTES_A_PIXEL = 64 /* bands x their size */
};

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_rwlock_t errors = PTHREAD_RWLOCK_INITIALIZER; /* held for writing by who reads libvips's error text */
static bool started;                                         /* written once */

static void swallow(const gchar *domain, GLogLevelFlags level, const gchar *message, gpointer data)
{
    (void)domain, (void)level, (void)message, (void)data;
}

static void start(void)
{
    vips.g_log_set_handler("VIPS", G_LOG_LEVEL_MASK | G_LOG_FLAG_RECURSION, swallow,
                           NULL); /* warnings about odd files */
    if (vips.vips_init("mask") != 0) return;
    vips.vips_concurrency_set(1); /* photos are decoded side by side */
    vips.vips_cache_set_max(0);   /* no photo is decoded twice */
    started = true;
}

mask_status mask__decode_start(mask_error *err)
{
    MASK__TRY(mask__library_open(&vips_library, "photos", err));
    pthread_once(&once, start);
    if (started) return MASK_OK;
    return mask__fail(err, MASK_EIO, "libvips cannot start: see that it is installed whole (libvips42)");
}

static const struct format {
    const char *name, *magic;
    size_t offset, length;
    int (**load)(VipsSource *source, VipsImage **out, ...);
} formats[] = {
    {"JPEG", "\xff\xd8\xff", 0, 3, &vips.vips_jpegload_source},
    {"PNG", "\x89PNG\r\n\x1a\n", 0, 8, &vips.vips_pngload_source},
    {"GIF", "GIF87a", 0, 6, &vips.vips_gifload_source},
    {"GIF", "GIF89a", 0, 6, &vips.vips_gifload_source},
    {"WebP", "WEBP", 8, 4, &vips.vips_webpload_source},
    {"TIFF", "II*\0", 0, 4, &vips.vips_tiffload_source},
    {"TIFF", "MM\0*", 0, 4, &vips.vips_tiffload_source},
    {"TIFF", "II+\0", 0, 4, &vips.vips_tiffload_source},
    {"TIFF", "MM\0+", 0, 4, &vips.vips_tiffload_source},
    {"HEIF", "ftypheic", 4, 8, &vips.vips_heifload_source},
    {"HEIF", "ftypheix", 4, 8, &vips.vips_heifload_source},
    {"HEIF", "ftyphevc", 4, 8, &vips.vips_heifload_source},
    {"HEIF", "ftypmif1", 4, 8, &vips.vips_heifload_source},
    {"HEIF", "ftypmsf1", 4, 8, &vips.vips_heifload_source},
    {"AVIF", "ftypavif", 4, 8, &vips.vips_heifload_source},
};

static const struct format *find_format(const unsigned char *head)
{
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
        if (memcmp(head + formats[i].offset, formats[i].magic, formats[i].length) == 0) return &formats[i];
    return NULL;
}

const char *mask__photo_format(const unsigned char head[MASK__PHOTO_HEAD])
{
    const struct format *format = find_format(head);
    return format ? format->name : NULL;
}

static mask_status read_all(int fd, unsigned char *bytes, size_t size, const char *path, mask_error *err)
{
    for (size_t at = 0; at < size;) {
        ssize_t got = read(fd, bytes + at, size - at);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return mask__fail_at(err, MASK_EIO, at, "%s: cannot read: %s", path, strerror(errno));
        if (got == 0) return mask__fail_at(err, MASK_EIO, at, "%s: became shorter while it was read: try again", path);
        at += (size_t)got;
    }
    return MASK_OK;
}

mask_status mask__photo_read(unsigned char **bytes, size_t *size, const char *path, mask_error *err)
{
    struct stat info;
    mask_status status;
    *bytes = NULL;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a pipe must not make us wait */
    if (fd < 0) return mask__fail(err, MASK_EIO, "%s: cannot open: %s", path, strerror(errno));
    if (fstat(fd, &info) != 0 || !S_ISREG(info.st_mode))
        status = mask__fail(err, MASK_EIO, "%s: is not a regular file", path);
    else if (info.st_size == 0) status = mask__fail_at(err, MASK_EFORMAT, 0, "%s: is empty: remove it", path);
    else if (info.st_size > MAX_FILE_BYTES)
        status = mask__fail(err, MASK_EFORMAT, "%s: is over a gibibyte: make it smaller", path);
    else if (!(*bytes = malloc((size_t)info.st_size))) status = mask__no_memory(err, path);
    else status = read_all(fd, *bytes, *size = (size_t)info.st_size, path, err);
    close(fd);
    if (status != MASK_OK) {
        free(*bytes);
        *bytes = NULL;
    }
    return status;
}

/* One photo on its way; every step replaces `image`. */
typedef struct decoding {
    const struct format *format;
    const unsigned char *bytes;
    size_t size, side;
    mask__photo_fit fit;
    uint64_t max_pixels;
    const char *name;
    bool cut_off; /* take what a JPEG has before its file ends */
    VipsImage *image;
} decoding;

/* The status of a failure of libvips; its text is added by whoever holds the lock. */
enum { VIPS_FAILED = -1 };

static void drop(VipsImage **image)
{
    if (*image) vips.g_object_unref(*image);
    *image = NULL;
}

/* Header only: pixels are decoded when they are asked for. shrink and scale are the loaders' own, nearly for free. */
static int load(decoding *d, int shrink)
{
    VipsSource *source = vips.vips_source_new_from_memory(d->bytes, d->size);
    drop(&d->image);
    if (!source) return VIPS_FAILED;
    int code;
    if (d->format->load == &vips.vips_jpegload_source)
        code =
            vips.vips_jpegload_source(source, &d->image, "access", VIPS_ACCESS_SEQUENTIAL, "fail_on",
                                      d->cut_off ? VIPS_FAIL_ON_NONE : VIPS_FAIL_ON_TRUNCATED, "shrink", shrink, NULL);
    else if (d->format->load == &vips.vips_webpload_source)
        code = vips.vips_webpload_source(source, &d->image, "access", VIPS_ACCESS_SEQUENTIAL, "fail_on",
                                         VIPS_FAIL_ON_TRUNCATED, "scale", 1.0 / shrink, NULL);
    else
        code = (*d->format->load)(source, &d->image, "access", VIPS_ACCESS_SEQUENTIAL, "fail_on",
                                  VIPS_FAIL_ON_TRUNCATED, NULL);
    vips.g_object_unref(source);
    return code;
}

static mask_status check_header(const decoding *d, mask_error *err)
{
    uint64_t width = (uint64_t)vips.vips_image_get_width(d->image),
             height = (uint64_t)vips.vips_image_get_height(d->image);
    uint64_t bytes =
        vips.vips_format_sizeof(vips.vips_image_get_format(d->image)) * (uint64_t)vips.vips_image_get_bands(d->image);
    if (width * height > d->max_pixels)
        return mask__fail(
            err, MASK_EINVAL, "%s: has %llu x %llu pixels, over the limit of %llu: make it smaller or raise the limit",
            d->name, (unsigned long long)width, (unsigned long long)height, (unsigned long long)d->max_pixels);
    if (vips.vips_image_get_bands(d->image) > MAX_BANDS || bytes > MAX_BYTES_A_PIXEL)
        return mask__fail(err, MASK_EFORMAT, "%s: has %d channels, which is no photo: save it as sRGB", d->name,
                          vips.vips_image_get_bands(d->image));
    return MASK_OK;
}

/* How far the loader itself may shrink. A photo for a page is shrunk to twice its size, the rest is done well; a
 * network sees no difference. No side may come to nothing: libvips ends the program then. */
static int loader_shrink(const decoding *d, const mask__photo *photo)
{
    int shrink = 1;
    bool cover = d->fit == MASK__COVER;
    bool portrait = photo->full_width < photo->full_height;
    size_t side = portrait == cover ? photo->full_width : photo->full_height, least = cover ? d->side : d->side * 2;
    size_t shorter = portrait ? photo->full_width : photo->full_height;
    if (d->format->load != &vips.vips_jpegload_source && d->format->load != &vips.vips_webpload_source) return 1;
    while (shrink < 8 && side / (size_t)(shrink * 2) >= least && shorter >= (size_t)(shrink * 2)) shrink *= 2;
    return shrink;
}

static void replace(decoding *d, VipsImage *image)
{
    vips.g_object_unref(d->image);
    d->image = image;
}

/* Shrinks and turns upright. Colours go through a profile where the photo has one, and as ink. */
static int shrink_upright(decoding *d, const mask__photo *photo)
{
    VipsImage *next;
    double width = (double)photo->full_width, height = (double)photo->full_height, side = (double)d->side;
    double scale = d->fit == MASK__COVER ? 2 * side / fmin(width, height) : side / fmax(width, height);
    int wide = (int)fmax(1, ceil(fmin(scale, 1) * width)), high = (int)fmax(1, ceil(fmin(scale, 1) * height));
    bool profile = vips.vips_image_get_typeof(d->image, VIPS_META_ICC_NAME) != 0 ||
                   vips.vips_image_get_interpretation(d->image) == VIPS_INTERPRETATION_CMYK;
    int code = profile ? vips.vips_thumbnail_image(d->image, &next, wide, "height", high, "size", VIPS_SIZE_DOWN,
                                                   "export_profile", "srgb", NULL)
                       : vips.vips_thumbnail_image(d->image, &next, wide, "height", high, "size", VIPS_SIZE_DOWN, NULL);
    if (code == 0) replace(d, next);
    return code;
}

/* Three bands of 8 bits. */
static int convert(decoding *d)
{
    VipsImage *next;
    if (vips.vips_colourspace(d->image, &next, VIPS_INTERPRETATION_sRGB, NULL) != 0) return VIPS_FAILED;
    replace(d, next);
    if (vips.vips_image_hasalpha(d->image)) {
        VipsArrayDouble *grey = vips.vips_array_double_newv(1, (double)BACKGROUND);
        int code = vips.vips_flatten(d->image, &next, "background", grey, NULL);
        vips.vips_area_unref((VipsArea *)grey);
        if (code != 0) return VIPS_FAILED;
        replace(d, next);
    }
    if (vips.vips_cast(d->image, &next, VIPS_FORMAT_UCHAR, NULL) != 0) return VIPS_FAILED;
    replace(d, next);
    return 0;
}

static int copy_pixels(const decoding *d, mask__photo *photo)
{
    size_t bytes;
    photo->width = (size_t)vips.vips_image_get_width(d->image);
    photo->height = (size_t)vips.vips_image_get_height(d->image);
    photo->stride = photo->width * 3;
    if (vips.vips_image_get_bands(d->image) != 3) {
        vips.vips_error("mask", "%d channels remain", vips.vips_image_get_bands(d->image));
        return VIPS_FAILED;
    }
    photo->rgb = vips.vips_image_write_to_memory(d->image, &bytes);
    return photo->rgb ? 0 : VIPS_FAILED;
}

static bool is_grey(const uint8_t *pixel)
{
    for (size_t c = 0; c < 3; c++)
        if (pixel[c] < BACKGROUND - 2 || pixel[c] > BACKGROUND + 2) return false;
    return true;
}

/* Of a file that ends too soon the rest has come out grey. An upright photo ends where that begins; of a turned one it
 * stays, which a network takes for nothing. */
static int take_what_is_there(mask__photo *photo, bool upright)
{
    size_t seen = 0, rows = 0;
    for (size_t y = 0; y < photo->height; y++) {
        size_t before = seen;
        for (size_t x = 0; x < photo->width; x++) seen += !is_grey(photo->rgb + y * photo->stride + x * 3);
        if (seen > before) rows = y + 1;
    }
    if (seen < photo->width * photo->height / LEAST_LEFT) {
        vips.vips_error("mask", "hardly any of it is there");
        return VIPS_FAILED;
    }
    photo->cut_off = true;
    if (!upright || rows == photo->height) return 0;
    photo->full_height = (photo->full_height * rows + photo->height - 1) / photo->height;
    photo->height = rows;
    return 0;
}

/* VIPS_FAILED where libvips failed, else a mask_status. */
static int decode(decoding *d, mask__photo *photo, mask_error *err)
{
    *photo = (mask__photo){0};
    if (load(d, 1) != 0) return VIPS_FAILED;
    mask_status status = check_header(d, err);
    if (status != MASK_OK) return (int)status;
    bool turned = vips.vips_image_get_orientation_swap(d->image);
    size_t width = (size_t)vips.vips_image_get_width(d->image), height = (size_t)vips.vips_image_get_height(d->image);
    photo->full_width = turned ? height : width;
    photo->full_height = turned ? width : height;
    int shrink = loader_shrink(d, photo);
    if (shrink > 1 && load(d, shrink) != 0) return VIPS_FAILED;
    bool upright = vips.vips_image_get_orientation(d->image) == 1;
    int code = shrink_upright(d, photo) != 0 || convert(d) != 0 ? VIPS_FAILED : copy_pixels(d, photo);
    return code == 0 && d->cut_off ? take_what_is_there(photo, upright) : code;
}

static int decode_once(decoding *d, mask__photo *photo, mask_error *err)
{
    int code = decode(d, photo, err);
    drop(&d->image);
    if (code != 0) mask__photo_free(photo);
    return code;
}

/* The first line of libvips's text. Empties it. */
static void take_reason(char *reason, size_t size)
{
    const char *text = vips.vips_error_buffer();
    size_t length = strcspn(text, "\n");
    snprintf(reason, size, "%.*s", (int)length, text);
    vips.vips_error_clear();
}

mask_status mask__photo_decode(mask__photo *photo, const unsigned char *bytes, size_t size, const char *name,
                               mask__photo_fit fit, size_t side, uint64_t max_pixels, mask_error *err)
{
    char reason[160];
    decoding d = {.bytes = bytes, .size = size, .fit = fit, .side = side, .max_pixels = max_pixels, .name = name};
    *photo = (mask__photo){0};
    d.format = size >= MASK__PHOTO_HEAD ? find_format(bytes) : NULL;
    if (!d.format)
        return mask__fail_at(err, MASK_EFORMAT, 0,
                             "%s: is no JPEG, PNG, WebP, GIF, TIFF, HEIC or AVIF: convert or remove it", name);
    pthread_rwlock_rdlock(&errors);
    int code = decode_once(&d, photo, err);
    pthread_rwlock_unlock(&errors);
    if (code != VIPS_FAILED) return (mask_status)code;
    pthread_rwlock_wrlock(&errors);
    vips.vips_error_clear();
    code = decode_once(&d, photo, err);
    if (code == VIPS_FAILED) {
        take_reason(reason, sizeof reason);
        d.cut_off = d.format->load == &vips.vips_jpegload_source;
        if (d.cut_off) code = decode_once(&d, photo, err);
        vips.vips_error_clear();
    }
    pthread_rwlock_unlock(&errors);
    if (code != VIPS_FAILED) return (mask_status)code;
    return mask__fail(err, MASK_EFORMAT, "%s: is a damaged %s (%s): save it again or remove it", name, d.format->name,
                      reason);
}

void mask__photo_free(mask__photo *photo)
{
    if (photo->rgb) vips.g_free(photo->rgb);
    *photo = (mask__photo){0};
}

/* EXIF's text of a tag, as libvips has it: "VALUE (VALUE, TYPE, ...)"; NULL when it has none. */
static const char *exif(VipsImage *image, const char *tag)
{
    const char *text;
    return vips.vips_image_get_typeof(image, tag) && vips.vips_image_get_string(image, tag, &text) == 0 ? text : NULL;
}

/* Degrees from "48/1 51/1 2963/100 (...)" and the letter of its side; NAN when they are none. */
static double degrees(const char *text, const char *side, double most)
{
    static const double parts[3] = {1, 60, 3600};
    double value = 0;
    for (int i = 0; text && side && i < 3; i++) {
        char *end;
        double above = strtod(text, &end), below = *end == '/' ? strtod(end + 1, &end) : 1;
        value = end > text ? value + above / below / parts[i] : NAN;
        text = end;
    }
    if (!text || !side || !(value >= 0 && value <= most)) return NAN;
    return *side == 'S' || *side == 'W' ? -value : value;
}

static void read_facts(VipsImage *image, mask_photo_facts *facts)
{
    static const char form[] = "dddd:dd:dd dd:dd:dd"; /* what EXIF writes */
    const char *when = exif(image, "exif-ifd2-DateTimeOriginal");
    if (!when) when = exif(image, "exif-ifd0-DateTime");
    size_t good = 0;
    while (when && form[good] &&
           (form[good] == 'd' ? when[good] >= '0' && when[good] <= '9' : when[good] == form[good]))
        good++;
    if (when && !form[good] && when[0] != '0' && strncmp(when + 5, "00", 2) != 0)
        snprintf(facts->date, sizeof facts->date, "%.4s-%.2s-%.11s", when, when + 5, when + 8);
    facts->latitude = degrees(exif(image, "exif-ifd3-GPSLatitude"), exif(image, "exif-ifd3-GPSLatitudeRef"), 90);
    facts->longitude = degrees(exif(image, "exif-ifd3-GPSLongitude"), exif(image, "exif-ifd3-GPSLongitudeRef"), 180);
}

mask_status mask_photo_describe(mask_photo_facts *facts, const char *path, mask_error *err)
{
    MASK__FREED unsigned char *bytes = NULL;
    decoding d = {.name = path};
    *facts = (mask_photo_facts){.latitude = NAN, .longitude = NAN};
    MASK__TRY(mask__decode_start(err));
    MASK__TRY(mask__photo_read(&bytes, &d.size, path, err));
    d.bytes = bytes;
    d.format = d.size >= MASK__PHOTO_HEAD ? find_format(bytes) : NULL;
    pthread_rwlock_wrlock(&errors); /* a tag that cannot be read leaves a text */
    bool good = d.format && load(&d, 1) == 0;
    if (good) read_facts(d.image, facts);
    drop(&d.image);
    vips.vips_error_clear();
    pthread_rwlock_unlock(&errors);
    return good ? MASK_OK : mask__fail(err, MASK_EFORMAT, "%s: is no photo, or damaged", path);
}

mask_status mask_photo_thumbnail(const char *path, int side, unsigned char **jpeg, size_t *size, mask_error *err)
{
    MASK__FREED unsigned char *bytes = NULL;
    MASK__CLOSED(mask__photo_free) mask__photo photo = {0};
    void *made = NULL;
    *jpeg = NULL;
    if (side < 1) return mask__fail(err, MASK_EINVAL, "a thumbnail needs a side of at least 1 pixel");
    MASK__TRY(mask__decode_start(err));
    MASK__TRY(mask__photo_read(&bytes, size, path, err));
    MASK__TRY(mask__photo_decode(&photo, bytes, *size, path, MASK__INSIDE, (size_t)side, MOST_PIXELS, err));
    VipsImage *image = vips.vips_image_new_from_memory(photo.rgb, photo.width * photo.height * 3, (int)photo.width,
                                                       (int)photo.height, 3, VIPS_FORMAT_UCHAR);
    mask_status status = MASK_OK;
    if (!image || vips.vips_jpegsave_buffer(image, &made, size, "Q", QUALITY, "strip", TRUE, NULL) != 0)
        status = mask__fail(err, MASK_EIO, "%s: cannot be written as JPEG", path);
    drop(&image);
    if (status == MASK_OK && !(*jpeg = malloc(*size))) status = mask__no_memory(err, path);
    if (status == MASK_OK) memcpy(*jpeg, made, *size);
    vips.g_free(made);
    return status;
}
