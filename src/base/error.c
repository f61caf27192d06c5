#include "base/error.h"

#include <omp.h>
#include <stdio.h>

static const char *const status_texts[] = {
#define MASK_STATUS_TEXT(name, text) text,
    MASK_STATUS_MAP(MASK_STATUS_TEXT)
#undef MASK_STATUS_TEXT
};

const char *mask_status_text(mask_status status)
{
    size_t index = (size_t)status;
    return index < sizeof status_texts / sizeof *status_texts ? status_texts[index] : "unknown status";
}

mask_status mask__fail(mask_error *err, mask_status status, uint64_t offset, const char *format, ...)
{
    if (err) {
        va_list args;
        err->status = status;
        err->offset = offset;
        va_start(args, format);
        vsnprintf(err->message, sizeof err->message, format, args);
        va_end(args);
    }
    return status;
}

mask_status mask__no_memory(mask_error *err, const char *what)
{
    return mask__fail(err, MASK_ENOMEM, MASK_NO_OFFSET, "out of memory for %s: close other programs or use less data",
                      what);
}

int mask__threads(const mask_run *run)
{
    return run && run->threads > 0 ? run->threads : omp_get_num_procs();
}

void mask__use_threads(const mask_run *run)
{
    omp_set_num_threads(mask__threads(run));
}

mask_status mask__progress(const mask_run *run, const char *what, const char *unit, uint64_t done, uint64_t total,
                           mask_error *err)
{
    if (!run || !run->progress || run->progress(run->user, what, unit, done, total) == 0) return MASK_OK;
    return mask__fail(err, MASK_ECANCELLED, MASK_NO_OFFSET, "%s: stopped after %llu of %llu %s", what,
                      (unsigned long long)done, (unsigned long long)total, unit);
}

void mask__log(const mask_run *run, mask_log_level level, const char *format, ...)
{
    char line[512];
    va_list args;
    if (!run || !run->log) return;
    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    run->log(run->user, level, line);
}
