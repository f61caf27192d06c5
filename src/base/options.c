/* One table of options per kind, and what everybody does with one: defaults, presets, ranges, text, files. Texts and
 * files name values as the command line does. Numbers are written with as few digits as give the same float again, with
 * a point in every locale. Refuses to guess: an unknown name or a value out of its range is an error that names it. */
#include "base/options.h"
#include "base/decimal.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* How a field lies in its struct; enums are unsigned. */
enum storage { BOOL, INT, UNSIGNED, WIDE, FLOAT, TEXT };
_Static_assert(sizeof(size_t) == sizeof(uint64_t), "sizes and counts are read alike");

#define STORAGE(type)                                                                                                  \
    _Generic((type *)0, bool * : BOOL, int * : INT, float * : FLOAT, const char ** : TEXT, size_t * : WIDE, default : UNSIGNED)
#define TYPE(type, words)                                                                                              \
    (STORAGE(type) == TEXT                  ? MASK_OPTION_TEXT                                                         \
     : STORAGE(type) == FLOAT               ? MASK_OPTION_REAL                                                         \
     : STORAGE(type) == BOOL                ? (words) ? MASK_OPTION_CHOICE : MASK_OPTION_SWITCH                        \
     : STORAGE(type) == UNSIGNED && (words) ? MASK_OPTION_CHOICE                                                       \
                                            : MASK_OPTION_WHOLE)

#define ROW(kept, type, field, otherwise, low, high, words, flag, value, help)                                         \
    {#field,       words, flag, value, help, TYPE(type, words), otherwise, low, high, kept, offsetof(of, field),       \
     STORAGE(type)},
#define ROWS(KIND, struct_name)                                                                                        \
    static const mask_option *rows_##KIND(size_t *count)                                                               \
    {                                                                                                                  \
        typedef struct_name of;                                                                                        \
        static const mask_option rows[] = {MASK_##KIND##_OPTIONS(ROW)};                                                \
        *count = sizeof rows / sizeof *rows;                                                                           \
        return rows;                                                                                                   \
    }
MASK_OPTIONS_MAP(ROWS)

static const struct kind {
    const mask_option *(*rows)(size_t *count);
    size_t size; /* of the struct */
} kinds[] = {
#define KIND(KIND, struct_name) {rows_##KIND, sizeof(struct_name)},
    MASK_OPTIONS_MAP(KIND)};

/* What presets have other than the defaults. */
static const struct preset {
    mask_options_kind kind;
    const char *name, *text;
} presets[] = {
    {MASK_OPTIONS_MATCH, "tuned",
     "top 2, context 0.4, ood_temperature 0.1, ood_company 0.5, scene 0.8, calibrate full, text_power 0.15, "
     "image_power "
     "0.5, hub_image 0.8, hub_neighbours 0, hub_image_sharpness 1.5, hub_text_sharpness 2, hub_words 3, confidence "
     "1.3"},
    {MASK_OPTIONS_MATCH, "section9", "top 3, context 0.5, calibrate full"},
    {MASK_OPTIONS_LEARN, "section9", "power 1, whiten_shrink 0.7, prototype_shrink 10, scenes off, reliability 0"},
    {MASK_OPTIONS_TRAIN, "paper",
     "whiten raw, start_whiten random, centre_words raw, epochs 400, batch 4096, halve_batch_at 0.5, schedule "
     "constant"},
};

const mask_option *mask_options_list(mask_options_kind kind, size_t *count)
{
    return kinds[kind].rows(count);
}

/* ---- Values ---- */

#define NUMBERS(N) N(BOOL, bool) N(INT, int) N(UNSIGNED, unsigned) N(WIDE, uint64_t) N(FLOAT, float)

static double number_of(const mask_option *o, const void *options)
{
    const char *at = (const char *)options + o->offset;
#define GET(kind, type)                                                                                                \
    if (o->storage == kind) return (double)*(const type *)at;
    NUMBERS(GET)
    return 0;
}

static void put_number(const mask_option *o, void *options, double value)
{
    char *at = (char *)options + o->offset;
#define PUT(kind, type)                                                                                                \
    if (o->storage == kind) *(type *)at = (type)value;
    NUMBERS(PUT)
}

static const char **text_at(const mask_option *o, const void *options)
{
    return (const char **)((char *)(uintptr_t)options + o->offset);
}

/* The i-th of the words of an option, which name low, low + 1, ...; its length, 0 past the last. */
static size_t word(const mask_option *o, size_t i, const char **out)
{
    const char *at = o->words ? o->words : o->type == MASK_OPTION_SWITCH ? "off|on" : "";
    while (i > 0 && (at = strchr(at, '|')) != NULL) at++, i--;
    *out = at;
    return at ? strcspn(at, "|") : 0;
}

static size_t word_count(const mask_option *o)
{
    const char *at;
    size_t n = 0;
    while (word(o, n, &at)) n++;
    return n;
}

/* Where there are words, the values up to the last one's are theirs alone. NaN is not allowed either. */
static bool allowed(const mask_option *o, double x)
{
    bool real = o->type == MASK_OPTION_REAL, whole = x == floor(x);
    double low = real ? (double)(float)o->low : o->low, high = real ? (double)(float)o->high : o->high;
    return o->type == MASK_OPTION_TEXT ||
           (x >= low && x <= high && (whole || (real && x >= o->low + (double)word_count(o))));
}

static mask_status refuse(const mask_option *o, const char *name, const char *value, mask_status status,
                          const char *path, mask_error *err)
{
    char all[128] = "";
    const char *at, *what = o->type == MASK_OPTION_WHOLE ? "a whole number" : "a number";
    size_t n = word_count(o), length;
    bool numbers = o->type == MASK_OPTION_WHOLE || o->type == MASK_OPTION_REAL;
    for (size_t i = 0; (length = word(o, i, &at)) > 0; i++)
        snprintf(all + strlen(all), sizeof all - strlen(all), "%s%.*s", i ? ", " : "", (int)length, at);
    path = path ? path : "";
    const char *colon = *path ? ": " : "";
    if (!numbers) return mask__fail(err, status, "%s%s%s %s: must be one of %s", path, colon, name, value, all);
    return mask__fail(err, status, "%s%s%s %s: must be %s%s%s from %.15g to %.15g", path, colon, name, value, all,
                      n ? " or " : "", what, o->low + (double)n, o->high);
}

static void value_text(const mask_option *o, const void *options, char *text, size_t size)
{
    const char *at;
    double x = number_of(o, options);
    size_t length = x >= o->low && x < o->low + 64 ? word(o, (size_t)(x - o->low), &at) : 0;
    if (o->type == MASK_OPTION_TEXT) {
        at = *text_at(o, options);
        snprintf(text, size, "%s", at ? at : "");
    } else if (length && x == floor(x)) {
        snprintf(text, size, "%.*s", (int)length, at);
    } else if (o->storage != FLOAT) {
        snprintf(text, size, "%.0f", x);
    } else {
        float back;
        for (int digits = 6; digits <= 9; digits++) {
            snprintf(text, size, "%.*g", digits, x);
            char *comma = strchr(text, ',');
            if (comma) *comma = '.';
            if (mask__decimal_read(text, strlen(text), &back) && back == (float)x) break;
        }
    }
}

/* False for what is no value of the option. */
static bool parse(const mask_option *o, const char *text, size_t length, double *x)
{
    const char *at;
    char copy[64], *end;
    float real;
    size_t n = 0;
    for (size_t named; (named = word(o, n, &at)) > 0; n++)
        if (named == length && memcmp(at, text, length) == 0) {
            *x = o->low + (double)n;
            return true;
        }
    if (o->type == MASK_OPTION_REAL) {
        if (!mask__decimal_read(text, length, &real)) return false;
        *x = (double)real;
    } else if (o->type == MASK_OPTION_WHOLE) {
        if (length == 0 || length >= sizeof copy || strcspn(text, "0123456789-+") > 0) return false;
        snprintf(copy, sizeof copy, "%.*s", (int)length, text);
        *x = (double)strtoll(copy, &end, 10);
        if (*end) return false;
    } else {
        return false;
    }
    return *x >= o->low + (double)n && allowed(o, *x);
}

/* ---- Structs ---- */

static void set_defaults(mask_options_kind kind, void *options)
{
    size_t count;
    const mask_option *rows = mask_options_list(kind, &count);
    memset(options, 0, kinds[kind].size);
    memcpy(options, &kinds[kind].size, sizeof(size_t));
    for (size_t i = 0; i < count; i++) put_number(&rows[i], options, rows[i].otherwise);
}

static bool is(const char *word, const char *name, size_t length)
{
    return word && strlen(word) == length && memcmp(word, name, length) == 0;
}

static const mask_option *find(mask_options_kind kind, const char *name, size_t length)
{
    size_t count;
    const mask_option *rows = mask_options_list(kind, &count);
    for (size_t i = 0; i < count; i++)
        if (is(rows[i].name, name, length) || is(rows[i].flag, name, length)) return &rows[i];
    return NULL;
}

/* What a caller's struct of that size cannot say: fields beyond this version's, or values although it was never begun.
 */
static bool has_what_it_must_not(mask_options_kind kind, const void *given, size_t size)
{
    size_t count;
    const mask_option *rows = mask_options_list(kind, &count);
    if (size > 2 * kinds[kind].size + 4096) return true; /* no header's: it was never set */
    for (size_t i = kinds[kind].size; i < size; i++)
        if (((const char *)given)[i]) return true;
    for (size_t i = 0; size == 0 && i < count; i++)
        if (rows[i].type == MASK_OPTION_TEXT ? *text_at(&rows[i], given) != NULL : number_of(&rows[i], given) != 0)
            return true;
    return false;
}

mask_status mask__options_take(mask_options_kind kind, void *out, const void *given, mask_error *err)
{
    size_t size = 0, own = kinds[kind].size, count;
    const mask_option *rows = mask_options_list(kind, &count);
    char value[64];
    if (given) {
        memcpy(&size, given, sizeof size);
        if (has_what_it_must_not(kind, given, size))
            return mask__fail(
                err, MASK_EINVAL,
                size ? "options of %zu bytes are of a newer mask.h than this library's: use its header"
                     : "options of size %zu have values: begin with their defaults function, which sets size",
                size);
        set_defaults(kind, out);
        if (size > own) size = own;
        if (size > sizeof size)
            memcpy((char *)out + sizeof size, (const char *)given + sizeof size, size - sizeof size);
    }
    for (size_t i = 0; i < count; i++)
        if (!allowed(&rows[i], number_of(&rows[i], out))) {
            value_text(&rows[i], out, value, sizeof value);
            return refuse(&rows[i], rows[i].name, value, MASK_EINVAL, NULL, err);
        }
    return MASK_OK;
}

/* ---- Lists of names and values ---- */

/* Takes "name value" off a list; false at its end. */
static bool next(const char **at, const char *end, const char **name, size_t *name_length, const char **value,
                 size_t *length)
{
    if (*at >= end) return false;
    const char *stop = memmem(*at, (size_t)(end - *at), ", ", 2), *space;
    if (!stop) stop = end;
    *name = *at;
    space = memchr(*at, ' ', (size_t)(stop - *at));
    *value = space ? space + 1 : stop;
    *name_length = (size_t)((space ? space : stop) - *at);
    *length = (size_t)(stop - *value);
    *at = stop < end ? stop + 2 : end;
    return true;
}

static mask_status unknown(const char *path, const char *name, size_t length, mask_error *err)
{
    return mask__fail(err, MASK_EFORMAT,
                      "%s: has an option '%.*s' that this version does not know: use the newer one it was made with",
                      path, (int)(length < 64 ? length : 64), name);
}

static mask_status read_value(const mask_option *o, void *options, const char *value, size_t length, const char *path,
                              mask_error *err)
{
    double x;
    char shown[64];
    if (o->type == MASK_OPTION_TEXT) return MASK_OK; /* a file's texts are compared, not used */
    snprintf(shown, sizeof shown, "%.*s", (int)length, value);
    if (!parse(o, value, length, &x)) return refuse(o, o->name, shown, MASK_EFORMAT, path, err);
    put_number(o, options, x);
    return MASK_OK;
}

/* Sets what the list has, and leaves the rest. */
static mask_status read_list(mask_options_kind kind, void *options, const char *text, size_t length, const char *path,
                             mask_error *err)
{
    const char *end = text + length, *name, *value;
    size_t name_length, value_length;
    while (next(&text, end, &name, &name_length, &value, &value_length)) {
        const mask_option *o = find(kind, name, name_length);
        if (!o || !o->kept) return unknown(path, name, name_length, err);
        MASK__TRY(read_value(o, options, value, value_length, path, err));
    }
    return MASK_OK;
}

mask_status mask__options_read(mask_options_kind kind, void *options, const char *text, size_t length, const char *path,
                               mask_error *err)
{
    set_defaults(kind, options);
    return read_list(kind, options, text, length, path, err);
}

void mask__options_write(mask_options_kind kind, const void *options, char text[MASK__OPTIONS_TEXT])
{
    char value[256];
    size_t count;
    const mask_option *o = mask_options_list(kind, &count);
    *text = '\0';
    for (const mask_option *end = o + count; o < end; o++) {
        size_t used = strlen(text);
        if (o->kept) value_text(o, options, value, sizeof value);
        if (o->kept && *value)
            snprintf(text + used, MASK__OPTIONS_TEXT - used, "%s%s %s", used ? ", " : "", o->name, value);
    }
}

/* The value that a list has for an option, else its default. */
static void list_value(mask_options_kind kind, const mask_option *o, const char *text, char *value, size_t size)
{
    const char *end = text + strlen(text), *name, *at;
    size_t name_length, length;
    _Alignas(size_t) char defaults[512];
    set_defaults(kind, defaults);
    value_text(o, defaults, value, size);
    while (next(&text, end, &name, &name_length, &at, &length))
        if (find(kind, name, name_length) == o) snprintf(value, size, "%.*s", (int)length, at);
}

const char *mask__options_differ(mask_options_kind kind, const char *a, const char *b)
{
    char left[256], right[256];
    size_t count;
    const mask_option *o = mask_options_list(kind, &count);
    for (const mask_option *end = o + count; o < end; o++) {
        list_value(kind, o, a, left, sizeof left);
        list_value(kind, o, b, right, sizeof right);
        if (o->kept && strcmp(left, right) != 0) return o->name;
    }
    return NULL;
}

mask_status mask__options_read_numbers(mask_options_kind kind, void *options, const char *const *names, size_t count,
                                       const double *numbers, const char *path, mask_error *err)
{
    char value[64];
    for (size_t i = 0; i < count; i++) {
        const mask_option *o = find(kind, names[i], strlen(names[i]));
        if (!o) return unknown(path, names[i], strlen(names[i]), err);
        double x = o->type == MASK_OPTION_REAL ? (double)(float)numbers[i] : numbers[i];
        if (strcmp(o->name, "pool") == 0 && x >= 2) x = x == 3 ? MASK_POOL_MEAN : x + 1; /* 2 is gone */
        snprintf(value, sizeof value, "%g", numbers[i]);
        if (!allowed(o, x)) return refuse(o, o->name, value, MASK_EFORMAT, path, err);
        put_number(o, options, x);
    }
    return MASK_OK;
}

/* ---- Public ---- */

const char *mask_options_presets(mask_options_kind kind)
{
    static const char *const names[MASK_OPTIONS_KINDS] = {[MASK_OPTIONS_MATCH] = "plain|tuned|section9",
                                                          [MASK_OPTIONS_LEARN] = "tuned|section9",
                                                          [MASK_OPTIONS_TRAIN] = "tuned|paper"};
    return names[kind] ? names[kind] : "tuned";
}

mask_status mask_options_preset(mask_options_kind kind, const char *preset, void *options, size_t size, mask_error *err)
{
    union {
        size_t size;
        char bytes[512];
    } all;
    const char *first = mask_options_presets(kind);
    bool found = !preset || (strncmp(first, preset, strlen(preset)) == 0 && strcspn(first, "|") == strlen(preset));
    set_defaults(kind, &all);
    mask_status status = MASK_OK;
    for (size_t i = 0; preset && i < sizeof presets / sizeof *presets; i++)
        if (presets[i].kind == kind && strcmp(presets[i].name, preset) == 0) {
            found = true;
            status = read_list(kind, &all, presets[i].text, strlen(presets[i].text), preset, err);
        }
    if (size < all.size) all.size = size;
    memset(options, 0, size);
    memcpy(options, &all, all.size);
    if (found) return status;
    return mask__fail(err, MASK_ENOTFOUND, "preset %.64s: must be one of %s", preset, first);
}

/* An option that a caller's struct has room for, which may be an older program's. */
static mask_status look_up(mask_options_kind kind, const void *options, const char *name, const mask_option **o,
                           mask_error *err)
{
    *o = find(kind, name, strlen(name));
    if (*o && (*o)->offset < *(const size_t *)options) return MASK_OK;
    return mask__fail(err, MASK_ENOTFOUND, "there is no option '%.64s'", name);
}

mask_status mask_option_set(mask_options_kind kind, void *options, const char *name, const char *text, mask_error *err)
{
    double x;
    const mask_option *o;
    MASK__TRY(look_up(kind, options, name, &o, err));
    if (o->type == MASK_OPTION_TEXT) *text_at(o, options) = text;
    else if (parse(o, text, strlen(text), &x)) put_number(o, options, x);
    else return refuse(o, name, text, MASK_EINVAL, NULL, err);
    return MASK_OK;
}

mask_status mask_option_get(mask_options_kind kind, const void *options, const char *name, char *text, size_t size,
                            mask_error *err)
{
    const mask_option *o;
    *text = '\0';
    MASK__TRY(look_up(kind, options, name, &o, err));
    value_text(o, options, text, size);
    return MASK_OK;
}
