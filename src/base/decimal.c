/* strtod obeys the locale, where a decimal point may be a comma, and takes most of the time of an import. Nearly every
 * number in a vector file has few digits: then mantissa and power of ten are exact doubles and one division gives the
 * nearest double. The rest goes to strtod in the C locale. */
#include "base/decimal.h"

#include <locale.h>
#include <math.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_BYTES = 127, EXACT_POWER = 22, MAX_EXPONENT = 9999 };

static const double powers[EXACT_POWER + 1] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                               1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

/* mantissa x 10^scale; exact is false when the mantissa did not fit 53 bits. */
typedef struct decimal {
    uint64_t mantissa;
    int scale;
    bool negative, exact;
} decimal;

/* Reads digits into the mantissa; returns how many there were. */
static size_t read_digits(const char **at, const char *end, decimal *number)
{
    const char *begin = *at;
    for (; *at < end && **at >= '0' && **at <= '9'; ++*at) {
        if (number->mantissa < (UINT64_C(1) << 53) / 10 - 1)
            number->mantissa = number->mantissa * 10 + (uint64_t)(**at - '0');
        else number->exact = false;
    }
    return (size_t)(*at - begin);
}

static bool read_exponent(const char **at, const char *end, decimal *number)
{
    int exponent = 0;
    bool negative = *at < end && **at == '-';
    if (*at < end && (**at == '-' || **at == '+')) ++*at;
    if (*at == end) return false;
    for (; *at < end && **at >= '0' && **at <= '9'; ++*at)
        if (exponent < MAX_EXPONENT) exponent = exponent * 10 + (**at - '0');
    number->scale += negative ? -exponent : exponent;
    return true;
}

/* [+-] digits [. digits] [e [+-] digits], at least one digit before the e. */
static bool read_grammar(const char *at, const char *end, decimal *number)
{
    *number = (decimal){.exact = true};
    number->negative = at < end && *at == '-';
    if (at < end && (*at == '-' || *at == '+')) at++;
    size_t digits = read_digits(&at, end, number);
    if (at < end && *at == '.') {
        at++;
        size_t fraction = read_digits(&at, end, number);
        number->scale = -(int)fraction;
        digits += fraction;
    }
    if (!digits) return false;
    if (at < end && (*at == 'e' || *at == 'E')) {
        at++;
        if (!read_exponent(&at, end, number)) return false;
    }
    return at == end;
}

/* glibc's "C" locale is a constant: making it costs nothing. */
static bool read_slowly(const char *text, size_t length, double *value)
{
    char copy[MAX_BYTES + 1];
    locale_t c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    if (!c_locale) return false;
    memcpy(copy, text, length);
    copy[length] = '\0';
    *value = strtod_l(copy, NULL, c_locale);
    freelocale(c_locale);
    return true;
}

bool mask__decimal_double(const char *text, size_t length, double *value)
{
    decimal number;
    if (length > MAX_BYTES || !read_grammar(text, text + length, &number)) return false;
    if (number.exact && number.scale >= -EXACT_POWER && number.scale <= EXACT_POWER) {
        *value = (double)number.mantissa;
        *value = number.scale < 0 ? *value / powers[-number.scale] : *value * powers[number.scale];
        if (number.negative) *value = -*value;
    } else if (!read_slowly(text, length, value)) {
        return false;
    }
    return isfinite(*value);
}

bool mask__decimal_read(const char *text, size_t length, float *value)
{
    double number;
    if (!mask__decimal_double(text, length, &number)) return false;
    *value = (float)number;
    return isfinite(*value);
}

int mask__decimal_print(char *out, size_t size, const char *format, ...)
{
    va_list list;
    locale_t c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0), before = uselocale(c_locale);
    va_start(list, format);
    int length = vsnprintf(out, size, format, list);
    va_end(list);
    uselocale(before);
    freelocale(c_locale);
    return length;
}
