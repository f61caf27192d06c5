/* Four tables, one for each place in a group of four characters, hold the characters' bits where they belong in the
 * three bytes; an entry of a foreign character has a bit above them. A run of groups is decoded with a single test at
 * its end. */
#include "formats/base64.h"

#include <string.h>

enum { RUN = 64, BAD = 1 << 24 };

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* The bits of character c, in the lowest six. */
#define BITS(c)                                                                                                        \
    ((c) >= 'A' && (c) <= 'Z'   ? (uint32_t)((c) - 'A')                                                                \
     : (c) >= 'a' && (c) <= 'z' ? (uint32_t)((c) - 'a' + 26)                                                           \
     : (c) >= '0' && (c) <= '9' ? (uint32_t)((c) - '0' + 52)                                                           \
     : (c) == '+'               ? 62u                                                                                  \
     : (c) == '/'               ? 63u                                                                                  \
                                : (uint32_t)BAD)
/* Groups are read as big-endian 24-bit numbers and stored with their first byte lowest. */
#define FIRST(c) (BITS(c) == BAD ? BAD : BITS(c) << 2)
#define SECOND(c) (BITS(c) == BAD ? BAD : BITS(c) >> 4 | (BITS(c) & 15) << 12)
#define THIRD(c) (BITS(c) == BAD ? BAD : (BITS(c) >> 2) << 8 | (BITS(c) & 3) << 22)
#define FOURTH(c) (BITS(c) == BAD ? BAD : BITS(c) << 16)
#define FOUR(f, c) f(c), f((c) + 1), f((c) + 2), f((c) + 3)
#define SIXTEEN(f, c) FOUR(f, c), FOUR(f, (c) + 4), FOUR(f, (c) + 8), FOUR(f, (c) + 12)
#define SIXTY_FOUR(f, c) SIXTEEN(f, c), SIXTEEN(f, (c) + 16), SIXTEEN(f, (c) + 32), SIXTEEN(f, (c) + 48)
#define TABLE(f)                                                                                                       \
    {                                                                                                                  \
        SIXTY_FOUR(f, 0), SIXTY_FOUR(f, 64), SIXTY_FOUR(f, 128), SIXTY_FOUR(f, 192)                                    \
    }

static const uint32_t first[256] = TABLE(FIRST), second[256] = TABLE(SECOND), third[256] = TABLE(THIRD),
                      fourth[256] = TABLE(FOURTH);

static uint32_t group(const unsigned char *in)
{
    return first[in[0]] | second[in[1]] | third[in[2]] | fourth[in[3]];
}

size_t mask__base64_length(size_t bytes)
{
    return (bytes + 2) / 3 * 4;
}

/* The last one or two bytes, from a padded group; whether it is as it should be. */
static int decode_tail(const unsigned char *in, unsigned char *out, size_t bytes)
{
    unsigned char padded[4] = {in[0], in[1], bytes == 2 ? in[2] : 'A', 'A'};
    uint32_t value = group(padded), used = bytes == 2 ? 0xffff : 0xff;
    if (in[3] != '=' || (bytes == 1 && in[2] != '=') || (value & ~used)) return 0;
    memcpy(out, &value, bytes);
    return 1;
}

size_t mask__base64_decode(const char *text, void *out, size_t bytes)
{
    const unsigned char *in = (const unsigned char *)text;
    unsigned char *to = out;
    size_t groups = bytes / 3, rest = bytes % 3, g = 0;
    /* Each group writes four bytes, the fourth of them into the next group's place: so the last goes by itself. */
    while (g + 1 < groups) {
        size_t end = groups - 1 - g < RUN ? groups - 1 : g + RUN, begin = g;
        uint32_t seen = 0;
        for (; g < end; g++) {
            uint32_t value = group(in + 4 * g);
            memcpy(to + 3 * g, &value, 4);
            seen |= value;
        }
        if (seen & BAD)
            for (g = begin;; g++)
                if (group(in + 4 * g) & BAD) return 4 * g;
    }
    if (groups) {
        uint32_t value = group(in + 4 * g);
        if (value & BAD) return 4 * g;
        memcpy(to + 3 * g, &value, 3);
    }
    if (rest && !decode_tail(in + 4 * groups, to + 3 * groups, rest)) return 4 * groups;
    return SIZE_MAX;
}

void mask__base64_encode(const void *data, size_t bytes, char *text)
{
    const unsigned char *in = data;
    for (; bytes >= 3; bytes -= 3, in += 3, text += 4) {
        text[0] = alphabet[in[0] >> 2];
        text[1] = alphabet[(in[0] & 3) << 4 | in[1] >> 4];
        text[2] = alphabet[(in[1] & 15) << 2 | in[2] >> 6];
        text[3] = alphabet[in[2] & 63];
    }
    if (!bytes) return;
    unsigned char next = bytes == 2 ? in[1] : 0;
    text[0] = alphabet[in[0] >> 2];
    text[1] = alphabet[(in[0] & 3) << 4 | next >> 4];
    text[2] = bytes == 2 ? alphabet[(next & 15) << 2] : '=';
    text[3] = '=';
}
