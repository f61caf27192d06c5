/* What became of a query's words, and what a search found: as a person is told, and as JSON for --json, pages and the
 * server. */
#ifndef MASK_CLI_RESULTS_H
#define MASK_CLI_RESULTS_H

#include "commands.h"

/* Below this probability a result is said not to be sure. */
extern const double UNSURE;
/* Whether the first of the results is not sure. */
bool nothing_sure(const mask_results *results);
/* Words that are not used, with what may have been meant, those that are guessed from others, another language; on
 * stderr. */
void print_unused(const mask_results *results);
/* As mask words --json has it. */
json_t *word_json(const mask_word *word);
/* Of each text {words, language}. */
json_t *readings_json(const mask_results *results);
/* Of all texts the words that print_unused names first. */
json_t *unused_json(const mask_results *results);

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
