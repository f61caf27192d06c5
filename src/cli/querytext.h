/* Queries as people write them: "two dogs play in snow", "dog -snow", "beach^0.5". */
#ifndef MASK_CLI_QUERYTEXT_H
#define MASK_CLI_QUERYTEXT_H

#include "mask_research.h"

typedef struct query_texts {
    mask_query_text *texts;
    size_t count;
} query_texts; /* {0} is a valid empty list */

/* Adds what one argument says: a text, its weight after a final ^ (1), and a text of minus that weight for each word
 * with a leading minus. "\-", "\^" and "\\" are the characters themselves wherever they stand; a backslash before any
 * other character is one. NULL, or what is wrong. */
const char *query_texts_add(query_texts *list, const char *argument);
void query_texts_free(query_texts *list);

/* Queries of one shape, each for what one argument says, and their results, which the search fills. */
typedef struct query_batch {
    mask_query *queries;
    mask_results *results;
    query_texts *texts;
    size_t count;
} query_batch;

/* texts[i] NULL: a query without a text. NULL, or what is wrong with texts[batch->count]; free it in any case. */
const char *query_batch_make(query_batch *batch, const mask_query *shape, const char *const *texts, size_t count);
void query_batch_free(query_batch *batch);

#endif
