/* One pass over labelled regions: blocks of whole images, encoded. Of a team each process visits its share of the
 * blocks, and the caller sums what was gathered (mask__team_sum). */
#ifndef MASK_KNOWLEDGE_REGIONPASS_H
#define MASK_KNOWLEDGE_REGIONPASS_H

#include "learn/representation.h"

/* Regions [first, first + rows) and their representations mu (rows x Z), valid during the call. */
typedef void mask__region_visitor(void *context, size_t first, size_t rows, const float *mu);
mask_status mask__region_pass(const mask_labels *labels, const mask__representation *representation, const char *what,
                              mask__region_visitor *visit, void *context, const mask_run *run, mask_error *err);

#endif
