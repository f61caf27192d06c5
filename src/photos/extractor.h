/* Inside of mask_extractor: lookers (look.h), lent to one thread at a time. They are opened when they are first needed;
 * a thread that finds all of them lent waits for one. */
#ifndef MASK_PHOTOS_EXTRACTOR_H
#define MASK_PHOTOS_EXTRACTOR_H

#include "photos/look.h"

/* As mask_extractor_open. side_by_side: every looker has one thread, for who looks at as many photos at once as there
 * are threads; else the first has all of them. */
mask_status mask__extractor_open(mask_extractor **out, const char *encoder, const mask_extract_options *options,
                                 bool side_by_side, const mask_run *run, mask_error *err);
/* Refuses options that name no encoder. */
mask_status mask__extractor_check(const mask_extract_options *options, mask_error *err);
mask_status mask__extractor_take(mask_extractor *extractor, mask__looker **looker, mask_error *err);
void mask__extractor_give(mask_extractor *extractor, mask__looker *looker);
/* The first looker, for what does not change: its networks' sizes and labels. */
const mask__looker *mask__extractor_first(const mask_extractor *extractor);

#endif
