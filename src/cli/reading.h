/* What became of a query's words, as a person is told. */
#ifndef MASK_CLI_READING_H
#define MASK_CLI_READING_H

#include "commands.h"

/* Whether the word says nothing in a search, and that is worth a line: it is unknown, or dropped for more than being a
 * sign or a part of another word. */
bool word_unused(const mask_word *word);
/* Below this probability a result is said not to be sure. */
extern const double UNSURE;
/* Whether the first of the results is not sure. */
bool nothing_sure(const mask_results *results);
/* Words that are not used, with what may have been meant, those that are guessed from others, another language; on
 * stderr. */
void print_unused(const mask_results *results);
/* {words, language}; the words as mask words --json has them. */
json_t *word_json(const mask_word *word);
json_t *reading_json(const mask_reading *reading);
json_t *readings_json(const mask_results *results);
/* Of all texts the words that print_unused names first. */
json_t *unused_json(const mask_results *results);

#endif
