/* A page to look at: search results as photos with the regions that answered, one self-contained HTML file, with the
 * components of the page of mask serve. */
#ifndef MASK_CLI_PAGE_H
#define MASK_CLI_PAGE_H

#include "commands.h"

/* 0, or EXIT_FAILED after one line on stderr. Nothing stands under `path` before page_end. */
int page_open(output *p, const char *path, const char *title);
/* One query and its hits; words are marked in the photos where boxes are known. */
void page_results(output *p, const char *const *texts, size_t count, const mask_query *query,
                  const mask_results *results);
/* What follows the last query: where `result` is 0 the page takes its place under `path`, which is printed to stderr as
 * a link unless --quiet is given, and shown in the browser with --open; else nothing stands there. 0, or what went
 * wrong. */
int page_end(output *p, const args *a, int result, const char *path);

#endif
