#include "base/names.h"
#include "base/lines.h"
#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

void mask__names_free(mask__names *names)
{
    mask__strings_free(&names->distinct);
    free(names->item);
    free(names->first);
    *names = (mask__names){0};
}

mask_status mask__names_add(mask__names *names, const char *text, size_t length, mask_error *err)
{
    uint32_t index;
    bool added;
    MASK__TRY(mask__strings_intern(&names->distinct, text, length + 1, &index, &added, err));
    if (names->count >= UINT32_MAX ||
        !mask__grow(&names->item, &names->item_capacity, names->count + 1, sizeof *names->item) ||
        !mask__grow(&names->first, &names->first_capacity, names->distinct.count, sizeof *names->first))
        return mask__no_memory(err, "a list of names");
    if (added) names->first[index] = (uint32_t)names->count;
    names->item[names->count++] = index;
    return MASK_OK;
}

const char *mask__names_get(const mask__names *names, size_t place)
{
    size_t length;
    return mask__strings_get(&names->distinct, names->item[place], &length);
}

int64_t mask__names_find(const mask__names *names, const char *text)
{
    uint32_t index = mask__strings_find(&names->distinct, text, strlen(text) + 1);
    return index == MASK__NOT_FOUND ? -1 : (int64_t)names->first[index];
}

mask_status mask__names_read(mask__names *names, const char *path, mask_error *err)
{
    mask__lines lines;
    mask_status status = mask__lines_open(&lines, path, err);
    if (status != MASK_OK) return status;
    while ((status = mask__lines_next(&lines, err)) == MASK_OK && lines.text) {
        if (lines.length == 0) status = mask__lines_fail(&lines, err, "is empty: one name a line is needed");
        else if (mask__control(lines.text) < lines.length)
            status = mask__lines_fail(&lines, err, "holds a tab or another control character: names are plain text");
        else status = mask__names_add(names, lines.text, lines.length, err);
        if (status != MASK_OK) break;
    }
    mask__lines_close(&lines);
    if (status != MASK_OK) mask__names_free(names);
    return status;
}
