/* A background in bytes: a quarter of the file for statistics that hardly change. */
#ifndef MASK_KNOWLEDGE_ROUNDING_H
#define MASK_KNOWLEDGE_ROUNDING_H

#include "knowledge/knowledge.h"

/* Writes background.codes (u8, rows x Z) and background.scales (f32, rows): value = (code - 128) scale. */
mask_status mask__background_put_codes(mask__pack_writer *writer, const mask_knowledge *knowledge, mask_error *err);
/* background.mu of these, in the knowledge's arena; *rows of them. Sets background.rounded. */
mask_status mask__background_get_codes(mask_knowledge *knowledge, size_t *rows, mask_error *err);

#endif
