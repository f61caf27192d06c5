/* Decimal numbers in text files ("-0.038194", "9.8e-05"), read and written the same in every locale. */
#ifndef MASK_BASE_DECIMAL_H
#define MASK_BASE_DECIMAL_H

#include <stdbool.h>
#include <stddef.h>

/* The nearest double, or that rounded to float. False unless all of text is one decimal number (no spaces, no "nan", no
 * hexadecimal, at most 127 bytes) and the value is finite. */
bool mask__decimal_double(const char *text, size_t length, double *value);
bool mask__decimal_read(const char *text, size_t length, float *value);
/* snprintf with a decimal point. */
int mask__decimal_print(char *out, size_t size, const char *format, ...) __attribute__((format(printf, 3, 4)));

#endif
