/* A page to look at: search results as photos with the regions that answered, one self-contained HTML file, with the
 * components of the page of mask serve. */
#ifndef MASK_CLI_PAGE_H
#define MASK_CLI_PAGE_H

#include "output.h"

#include "mask_research.h"

typedef struct page {
    output out;
} page;

/* 0, or EXIT_FAILED after one line on stderr. Nothing stands under `path` before page_close. */
int page_open(page *p, const char *path, const char *title);
/* One query and its hits; words are marked in the photos where boxes are known. */
void page_results(page *p, const char *const *texts, size_t count, const mask_query *query,
                  const mask_results *results);
int page_close(page *p);
void page_abort(page *p);
/* Prints where a page lies, as a link, to stderr; opens it in the browser too. */
void page_link(const char *path, bool open);

#endif
