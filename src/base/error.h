/* Errors, and what a caller lets us use while we work (threads, progress, log).
 *
 * Every fallible function returns a mask_status and fills a mask_error; an error path is one line:
 *     return mask__fail(err, MASK_EIO, "%s: cannot open: %s", path, strerror(errno));
 * This room refuses to print, to exit and to keep state. */
#ifndef MASK_BASE_ERROR_H
#define MASK_BASE_ERROR_H

#include "mask_research.h"

#include <stdarg.h>
#include <stddef.h>

#define MASK_NO_OFFSET UINT64_MAX

/* The byte position of the first control character in UTF-8 text (below U+0020, U+007F to U+009F), or its length. */
size_t mask__control(const char *text);
/* Fills *err (if not NULL) and returns status. The message says what was wrong and what to do, in one line: control
 * characters, which what a file holds could send to a terminal, and bytes that are not UTF-8 become \xNN. */
mask_status mask__fail_at(mask_error *err, mask_status status, uint64_t offset, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* The same of no place in a file. */
#define mask__fail(err, status, ...) mask__fail_at(err, status, MASK_NO_OFFSET, __VA_ARGS__)
mask_status mask__no_memory(mask_error *err, const char *what);

#define MASK__TRY(expr)                                                                                                \
    do {                                                                                                               \
        mask_status try_status = (expr);                                                                               \
        if (try_status != MASK_OK) return try_status;                                                                  \
    } while (0)

/* Threads to use: run->threads, or every core the process may use. run may be NULL. */
int mask__threads(const mask_run *run);
/* To the end of the block, the OpenMP regions and libraries of the calling thread use that many threads; then what the
 * program that calls us had set holds again. */
#define MASK__USE_THREADS(threads)                                                                                     \
    int threads_before __attribute__((cleanup(mask__restore_threads), unused)) = mask__change_threads(threads)
int mask__change_threads(int threads); /* returns how many it were */
void mask__restore_threads(const int *threads);
/* Reports progress; returns MASK_ECANCELLED (err filled) when the callback asks to stop. total 0 = unknown. */
mask_status mask__progress(const mask_run *run, const char *what, const char *unit, uint64_t done, uint64_t total,
                           mask_error *err);
/* Processes that share a run's work, and which of them this one is. */
static inline size_t mask__team_size(const mask_run *run)
{
    return run && run->team ? (size_t)run->team->ranks : 1;
}
static inline size_t mask__team_rank(const mask_run *run)
{
    return run && run->team ? (size_t)run->team->rank : 0;
}
/* Sums over them, in place; one array is NULL. Nothing to do for one process. */
mask_status mask__team_sum(const mask_run *run, double *doubles, float *floats, size_t count, mask_error *err);
/* Sends one line (without a newline) to the log callback, if there is one; escaped as mask__fail's. */
void mask__log(const mask_run *run, mask_log_level level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
