/* Searching a gallery that lies in ClickHouse: one statement gives the images of the highest upper bounds, another the
 * vectors of those that must be scored exactly. */
#ifndef MASK_SEARCH_REMOTE_H
#define MASK_SEARCH_REMOTE_H

#include "search/clickhouse.h"
#include "search/queryplan.h"
#include "search/select.h"

/* The best of a plan's query. *near, and from then on the plan's view, holds what was scored, in `work`. */
mask_status mask__remote_select(mask__plan *plan, const mask_query *query, mask__view *near, mask__arena *work,
                                mask__scored **best, size_t *found, mask_results *out, const mask_run *run,
                                mask_error *err);

/* A condition of SQLite's as one of ClickHouse's (remote_where.c); what it cannot say alike is refused. */
mask_status mask__remote_where(mask__bytes *sql, mask__catalogue *catalogue, const char *condition, mask_error *err);

#endif
