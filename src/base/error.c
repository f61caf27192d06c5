#include "base/error.h"

#include <omp.h>
#include <stdio.h>
#include <string.h>
#include <utf8proc.h>

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

#define TEXT(number) #number
#define DOTTED(major, minor, patch) TEXT(major) "." TEXT(minor) "." TEXT(patch)

const char *mask_version(void)
{
    return DOTTED(MASK_VERSION_MAJOR, MASK_VERSION_MINOR, MASK_VERSION_PATCH);
}

size_t mask__control(const char *text)
{
    const unsigned char *c = (const unsigned char *)text;
    while (*c >= ' ' && *c != 0x7f && !(c[0] == 0xc2 && c[1] >= 0x80 && c[1] < 0xa0)) c++;
    return (size_t)((const char *)c - text);
}

/* Formats into out; what does not fit is cut. */
static void print_line(char *out, size_t size, const char *format, va_list args)
{
    char text[sizeof((mask_error *)0)->message];
    size_t used = 0, step;
    vsnprintf(text, sizeof text, format, args);
    for (const char *from = text; *from; from += step) {
        utf8proc_int32_t code;
        utf8proc_ssize_t length = utf8proc_iterate((const utf8proc_uint8_t *)from, -1, &code);
        step = length > 0 ? (size_t)length : 1;
        if (size - used <= 4) break;
        if (length > 0 && code >= ' ' && !(code >= 0x7f && code < 0xa0)) {
            memcpy(out + used, from, step);
            used += step;
        } else {
            used += (size_t)snprintf(out + used, size - used, "\\x%02x",
                                     length > 0 ? (unsigned)code : (unsigned char)*from);
        }
    }
    out[used] = '\0';
}

mask_status mask__fail_at(mask_error *err, mask_status status, uint64_t offset, const char *format, ...)
{
    if (err) {
        va_list args;
        err->status = status;
        err->offset = offset;
        va_start(args, format);
        print_line(err->message, sizeof err->message, format, args);
        va_end(args);
    }
    return status;
}

mask_status mask__no_memory(mask_error *err, const char *what)
{
    return mask__fail(err, MASK_ENOMEM, "out of memory for %s: close other programs or use less data", what);
}

int mask__threads(const mask_run *run)
{
    return run && run->threads > 0 ? run->threads : omp_get_num_procs();
}

int mask__change_threads(int threads)
{
    int before = omp_get_max_threads();
    omp_set_num_threads(threads);
    return before;
}

void mask__restore_threads(const int *threads)
{
    omp_set_num_threads(*threads);
}

mask_status mask__progress(const mask_run *run, const char *what, const char *unit, uint64_t done, uint64_t total,
                           mask_error *err)
{
    if (!run || !run->progress || run->progress(run->user, what, unit, done, total) == 0) return MASK_OK;
    return mask__fail(err, MASK_ECANCELLED, "%s: stopped after %llu of %llu %s", what, (unsigned long long)done,
                      (unsigned long long)total, unit);
}

mask_status mask__team_sum(const mask_run *run, double *doubles, float *floats, size_t count, mask_error *err)
{
    if (mask__team_size(run) == 1 || run->team->sum(run->team->user, doubles, floats, count) == 0) return MASK_OK;
    return mask__fail(err, MASK_EIO, "process %d of %d: the others cannot be reached", run->team->rank,
                      run->team->ranks);
}

void mask__log(const mask_run *run, mask_log_level level, const char *format, ...)
{
    char line[512];
    va_list args;
    if (!run || !run->log) return;
    va_start(args, format);
    print_line(line, sizeof line, format, args);
    va_end(args);
    run->log(run->user, level, line);
}
