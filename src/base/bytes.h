/* Bytes that grow: what is sent to another program, or came from it. Putting never fails before the end: `lost` says
 * that memory was short. The owner frees `data`. */
#ifndef MASK_BASE_BYTES_H
#define MASK_BASE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct mask__bytes {
    unsigned char *data;
    size_t size, capacity;
    bool lost;
} mask__bytes;

/* Room for more at the end, which counts as put; NULL when memory is short. */
unsigned char *mask__bytes_more(mask__bytes *bytes, size_t more);
void mask__bytes_put(mask__bytes *bytes, const void *from, size_t size);
/* Text, without its end. */
void mask__bytes_print(mask__bytes *bytes, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The text as a C string. */
const char *mask__bytes_text(mask__bytes *bytes);
void mask__bytes_free(mask__bytes *bytes);

#endif
