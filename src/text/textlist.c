/* mask_texts as a list: what its readers (texts.c, karpathy.c) fill, and what callers see. */
#include "text/texts.h"
#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

mask_status mask__texts_add(mask_texts *texts, const char *text, size_t length, mask_error *err)
{
    if (!mask__grow(&texts->bytes, &texts->bytes_capacity, texts->used + length + 1, 1) ||
        !mask__grow(&texts->offsets, &texts->offsets_capacity, texts->count + 1, sizeof *texts->offsets))
        return mask__no_memory(err, "texts");
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

void mask__texts_keep_first(mask_texts *texts, size_t count)
{
    if (count < texts->count) texts->count = count;
}
