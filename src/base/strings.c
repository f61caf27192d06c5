#include "base/strings.h"
#include "base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

uint64_t mask__strings_hash(const char *text, size_t length)
{
    return XXH3_64bits(text, length);
}

void mask__strings_free(mask__strings *s)
{
    free(s->bytes);
    free(s->offsets);
    free(s->slots);
    *s = (mask__strings){0};
}

const char *mask__strings_get(const mask__strings *s, size_t index, size_t *length)
{
    *length = (size_t)(s->offsets[index + 1] - s->offsets[index]);
    return s->bytes + s->offsets[index];
}

/* The slot that holds the string, or the empty slot where it belongs. */
static size_t slot_of(const mask__strings *s, const char *text, size_t length)
{
    size_t at = (size_t)mask__strings_hash(text, length) & (s->slot_count - 1);
    while (s->slots[at] != MASK__NOT_FOUND) {
        size_t other_length;
        const char *other = mask__strings_get(s, s->slots[at], &other_length);
        if (other_length == length && (length == 0 || memcmp(other, text, length) == 0)) break;
        at = (at + 1) & (s->slot_count - 1);
    }
    return at;
}

mask_status mask__strings_copy(mask__strings *to, const mask__strings *from, mask_error *err)
{
    for (size_t i = 0; i < from->count; i++) {
        size_t length;
        uint32_t index;
        const char *text = mask__strings_get(from, i, &length);
        MASK__TRY(mask__strings_intern(to, text, length, &index, NULL, err));
    }
    return MASK_OK;
}

uint32_t mask__strings_find(const mask__strings *s, const char *text, size_t length)
{
    return s->slot_count ? s->slots[slot_of(s, text, length)] : MASK__NOT_FOUND;
}

static bool rehash(mask__strings *s, size_t slot_count)
{
    uint32_t *slots = malloc(slot_count * sizeof *slots);
    if (!slots) return false;
    memset(slots, 0xff, slot_count * sizeof *slots);
    free(s->slots);
    s->slots = slots;
    s->slot_count = slot_count;
    for (size_t i = 0; i < s->count; i++) {
        size_t length;
        const char *text = mask__strings_get(s, i, &length);
        s->slots[slot_of(s, text, length)] = (uint32_t)i;
    }
    return true;
}

mask_status mask__strings_intern(mask__strings *s, const char *text, size_t length, uint32_t *index, bool *added,
                                 mask_error *err)
{
    if ((s->count + 1) * 2 > s->slot_count && !rehash(s, s->slot_count ? s->slot_count * 2 : 64))
        return mask__no_memory(err, "a word list");
    size_t slot = slot_of(s, text, length);
    bool is_new = s->slots[slot] == MASK__NOT_FOUND;
    if (added) *added = is_new;
    if (is_new) {
        uint64_t end = s->count ? s->offsets[s->count] : 0;
        if (s->count >= MASK__NOT_FOUND - 1 ||
            !mask__grow(&s->offsets, &s->offsets_capacity, s->count + 2, sizeof *s->offsets) ||
            !mask__grow(&s->bytes, &s->bytes_capacity, end + length + 1, 1))
            return mask__no_memory(err, "a word list");
        if (length) memcpy(s->bytes + end, text, length);
        s->offsets[0] = 0;
        s->offsets[s->count + 1] = end + length;
        s->slots[slot] = (uint32_t)s->count++;
    }
    *index = s->slots[slot];
    return MASK_OK;
}

static void tensor_name(char *out, const char *name, const char *part)
{
    snprintf(out, MASK__NAME_BYTES, "%s.%s", name, part);
}

mask_status mask__strings_write(const mask__strings *s, mask__pack_writer *writer, const char *name, mask_error *err)
{
    static const uint64_t zero;
    char full[MASK__NAME_BYTES];
    uint64_t bytes = s->count ? s->offsets[s->count] : 0, offsets = s->count + 1;
    tensor_name(full, name, "bytes");
    MASK__TRY(mask__pack_add(writer, full, MASK__U8, 1, &bytes, s->bytes, err));
    tensor_name(full, name, "offsets");
    return mask__pack_add(writer, full, MASK__U64, 1, &offsets, s->count ? s->offsets : &zero, err);
}

mask_status mask__strings_read(mask__strings *s, const mask__pack *pack, const char *name, mask_error *err)
{
    static const uint64_t any;
    char full[MASK__NAME_BYTES];
    const mask__tensor *bytes, *offsets;
    tensor_name(full, name, "bytes");
    MASK__TRY(mask__pack_get(pack, full, MASK__U8, 1, &any, &bytes, err));
    tensor_name(full, name, "offsets");
    MASK__TRY(mask__pack_get(pack, full, MASK__U64, 1, &any, &offsets, err));
    const uint64_t *at = offsets->data;
    mask_status status = MASK_OK;
    *s = (mask__strings){0};
    for (uint64_t i = 0; status == MASK_OK && i + 1 < offsets->shape[0]; i++) {
        uint32_t index;
        bool added = false;
        if (at[i] <= at[i + 1] && at[i + 1] <= bytes->bytes)
            status = mask__strings_intern(s, (const char *)bytes->data + at[i], at[i + 1] - at[i], &index, &added, err);
        if (status == MASK_OK && !added)
            status = mask__fail_at(err, MASK_EFORMAT, offsets->offset, "%s: byte %llu: '%s' is not a valid word list",
                                   pack->path, (unsigned long long)offsets->offset, full);
    }
    if (status != MASK_OK) mask__strings_free(s);
    return status;
}
