/* Texts: a file of one text a line, a Karpathy JSON (karpathy.c), or strings given by the caller.
 *
 * An empty line is a text without words, since caption i belongs to image i / 5; it is never dropped. Text is not
 * changed beyond white space at its ends. A file that is not UTF-8 is refused: guessing an encoding would hide it. */
#include "text/texts.h"
#include "base/lines.h"
#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

static mask_status read_lines(mask_texts *texts, const char *path, mask_error *err)
{
    mask__lines lines;
    mask_status status;
    MASK__TRY(mask__lines_open(&lines, path, err));
    while ((status = mask__lines_next(&lines, err)) == MASK_OK && lines.text)
        if ((status = mask__texts_add(texts, lines.text, lines.length, err)) != MASK_OK) break;
    mask__lines_close(&lines);
    if (status == MASK_OK && !texts->count)
        status = mask__fail_at(err, MASK_EFORMAT, 0, "%s: is empty: one text a line is needed", path);
    return status;
}

static bool is_json(const char *path)
{
    size_t length = strlen(path);
    if (length > 3 && strcmp(path + length - 3, ".gz") == 0) length -= 3;
    return length > 5 && memcmp(path + length - 5, ".json", 5) == 0;
}

mask_status mask__texts_open(mask_texts **out, const char *path, const char *split, bool five_each, mask_error *err)
{
    *out = NULL;
    mask_texts *texts = calloc(1, sizeof *texts);
    if (!texts) return mask__no_memory(err, path);
    mask_status status =
        is_json(path) ? mask__karpathy_read(texts, path, split, five_each, err) : read_lines(texts, path, err);
    if (status != MASK_OK) {
        mask_texts_close(texts);
        return status;
    }
    *out = texts;
    return MASK_OK;
}

mask_status mask_texts_open(mask_texts **out, const char *path, const char *split, const mask_run *run, mask_error *err)
{
    (void)run; /* nothing here takes long */
    return mask__texts_open(out, path, split, false, err);
}

mask_status mask_texts_create(mask_texts **out, const char *const *from, size_t count, mask_error *err)
{
    mask_status status = MASK_OK;
    *out = NULL;
    mask_texts *texts = calloc(1, sizeof *texts);
    if (!texts) return mask__no_memory(err, "texts");
    for (size_t i = 0; i < count && status == MASK_OK; i++) {
        size_t length = from[i] ? strlen(from[i]) : 0;
        if (!from[i] || mask__utf8_valid(from[i], length) < length)
            status = mask__fail(err, MASK_EINVAL, "text %zu: is %s: give UTF-8", i, from[i] ? "not UTF-8" : "NULL");
        else status = mask__texts_add(texts, from[i], length, err);
    }
    if (status != MASK_OK) mask_texts_close(texts);
    else *out = texts;
    return status;
}
