/* Which images a search may return: alive, those of `where` and `ids`, none that the query asks by. */
#ifndef MASK_SEARCH_FILTER_H
#define MASK_SEARCH_FILTER_H

#include "search/gallery.h"

typedef struct mask__filter {
    const uint64_t **pass; /* one bitmap a segment */
    size_t images;         /* that pass */
} mask__filter;

mask_status mask__filter_make(mask__filter *out, const mask__view *view, const mask_query *query, mask__arena *arena,
                              const mask_run *run, mask_error *err);

#endif
