/* Standard base64 (RFC 4648, padded, no line breaks), as TSV files of region features hold their numbers. Decoding is
 * strict: another alphabet, white space, missing padding or stray bits in the last group are refused, since they mean
 * that the text was cut or joined with another. */
#ifndef MASK_FORMATS_BASE64_H
#define MASK_FORMATS_BASE64_H

#include <stddef.h>
#include <stdint.h>

/* Characters that encode so many bytes; bytes <= SIZE_MAX / 2. */
size_t mask__base64_length(size_t bytes);
/* Decodes text[mask__base64_length(bytes)] into exactly `bytes` bytes. Returns SIZE_MAX, or the position of a character
 * that does not belong (the first such group's first character); out then holds nothing of meaning. */
size_t mask__base64_decode(const char *text, void *out, size_t bytes);
/* Writes mask__base64_length(bytes) characters, without a final NUL. */
void mask__base64_encode(const void *data, size_t bytes, char *text);

#endif
