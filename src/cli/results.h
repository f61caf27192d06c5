/* What a search found, as JSON: for --json, pages and the server. */
#ifndef MASK_CLI_RESULTS_H
#define MASK_CLI_RESULTS_H

#include "commands.h"

/* A text that may be of anybody's making: what is not UTF-8 becomes question marks. */
json_t *text_json(const char *text);
/* id, score, confidence, and the words' parts; `neighbours`: with those of its OOD words. */
json_t *hit_json(const mask_results *results, const mask_hit *hit, bool neighbours);
/* The same with file, width and height; the folder of the file stays out. */
json_t *item_json(const mask_results *results, const mask_hit *hit);
/* {total, items, readings, sure, next_offset, seconds}, of hits as `each` makes them. */
json_t *found_json(const mask_results *results, const mask_query *query,
                   json_t *(*each)(void *user, const mask_results *results, const mask_hit *hit), void *user);

#endif
