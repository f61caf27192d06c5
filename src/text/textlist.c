/* mask_texts as a list: what its readers (texts.c, karpathy.c) fill, and what callers see. */
#include "text/texts.h"
#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

mask_status mask__texts_add(mask_texts *texts, const char *text, size_t length, mask_error *err)
{
    MASK__TRY(mask__room(&texts->bytes, &texts->bytes_capacity, texts->used + length + 1, 1, "texts", err));
    MASK__TRY(
        mask__room(&texts->offsets, &texts->offsets_capacity, texts->count + 1, sizeof *texts->offsets, "texts", err));
    texts->offsets[texts->count++] = texts->used;
    if (length) memcpy(texts->bytes + texts->used, text, length);
    texts->bytes[texts->used + length] = '\0';
    texts->used += length + 1;
    return MASK_OK;
}

void mask_texts_close(mask_texts *texts)
{
    if (!texts) return;
    free(texts->bytes);
    free(texts->offsets);
    mask__names_free(&texts->images);
    free(texts);
}

size_t mask_texts_count(const mask_texts *texts)
{
    return texts->count;
}

const char *mask_texts_get(const mask_texts *texts, size_t text)
{
    return texts->bytes + texts->offsets[text];
}

bool mask_texts_by_name(const mask_texts *texts)
{
    return texts->by_name;
}

mask_status mask__texts_reorder(mask_texts *texts, const size_t *order, mask_error *err)
{
    enum { EACH = 5 };
    size_t *offsets = malloc((texts->count + 1) * sizeof *offsets);
    if (!offsets) return mask__no_memory(err, "texts");
    for (size_t i = 0; i < texts->count; i++) offsets[i] = texts->offsets[order[i / EACH] * EACH + i % EACH];
    free(texts->offsets);
    texts->offsets = offsets;
    texts->offsets_capacity = texts->count + 1;
    mask__names_free(&texts->images); /* in the old order */
    return MASK_OK;
}

void mask__texts_keep_first(mask_texts *texts, size_t count)
{
    if (count < texts->count) texts->count = count;
}
