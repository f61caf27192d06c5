/* Ranked images as a caller gets them. */
#ifndef MASK_SEARCH_HITS_H
#define MASK_SEARCH_HITS_H

#include "search/queryplan.h"
#include "search/select.h"

/* out->hits from best[offset] on, in arena; plan NULL = without words. */
mask_status mask__hits_make(mask_results *out, const mask__view *view, const mask__plan *plan, const mask__scored *best,
                            size_t found, size_t offset, mask__arena *arena, mask_error *err);

#endif
