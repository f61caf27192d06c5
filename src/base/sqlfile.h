/* SQLite files of ours that may come from somebody else: galleries' catalogues and region stores. A forged one may hold
 * a view in a table's place, a column that is computed, a trigger, or pages that go in circles, and reading it would
 * then take as long as its maker wishes. */
#ifndef MASK_BASE_SQLFILE_H
#define MASK_BASE_SQLFILE_H

#include "base/error.h"

#include <sqlite3.h>
#include <stdbool.h>

/* The last failure of db (NULL: memory was short), about `path`; advice: what to do where the file is damaged. */
mask_status mask__sql_fail(sqlite3 *db, const char *path, const char *advice, mask_error *err);
/* The number that a statement gives. Likewise. */
mask_status mask__sql_number(sqlite3 *db, const char *path, const char *advice, const char *sql, int64_t *value,
                             mask_error *err);

/* For MASK__CLOSED (memory.h). */
void mask__sql_finalize(sqlite3_stmt **statement);

/* A connection that runs nothing the file brings along. */
void mask__sql_harden(sqlite3 *db);

/* Until mask__sql_unbound, a statement that takes more steps than the file (and its log) has bytes is interrupted: no
 * scan of a sound file does. */
void mask__sql_bound(sqlite3 *db, const char *path);
void mask__sql_unbound(sqlite3 *db);

/* Whether each object of the file is one of the statements of `schema` (separated by ';'), to the letter, or one that
 * `known` (may be NULL) takes. The name of the first that is not goes to odd, "" = there is none. Returns SQLite's
 * code.
 */
typedef bool mask__sql_known(void *context, const char *name, const char *sql);
int mask__sql_check_schema(sqlite3 *db, const char *schema, mask__sql_known *known, void *context, char odd[64]);

#endif
