/* Decimal numbers in text files ("-0.038194", "9.8e-05") to float32, the same in every locale. */
#ifndef MASK_BASE_DECIMAL_H
#define MASK_BASE_DECIMAL_H

#include <stdbool.h>
#include <stddef.h>

/* The nearest double, rounded to float. False unless all of text is one decimal number (no spaces, no "nan", no
 * hexadecimal, at most 127 bytes) whose float is finite. */
bool mask__decimal_read(const char *text, size_t length, float *value);

#endif
