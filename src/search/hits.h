/* Ranked images as a caller gets them. */
#ifndef MASK_SEARCH_HITS_H
#define MASK_SEARCH_HITS_H

#include "search/queryplan.h"
#include "search/select.h"

/* out->hits from best[offset] on that are as probable as the query wants, in arena. */
mask_status mask__hits_make(mask_results *out, const mask__view *view, const mask__plan *plan, const mask_query *query,
                            const mask__scored *best, size_t found, mask__arena *arena, mask_error *err);

#endif
