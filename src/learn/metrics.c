#include "learn/metrics.h"
#include "base/decimal.h"
#include "base/file.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

enum { LINE_BYTES = 512 };

static mask_status failed(const mask__metrics *m, const char *what, mask_error *err)
{
    return mask__fail(err, MASK_EIO, "%s: cannot %s the metrics: %s", m->path, what, strerror(errno));
}

mask_status mask__metrics_open(mask__metrics *m, const char *path, uint64_t keep, mask_error *err)
{
    *m = (mask__metrics){.path = path};
    if (!path) return MASK_OK;
    MASK__TRY(mask__check_regular(path, err));
    m->file = fopen(path, keep ? "a" : "w");
    mask_status status = m->file ? MASK_OK : failed(m, "write", err);
    if (status == MASK_OK && keep && fseeko(m->file, 0, SEEK_END) != 0) status = failed(m, "write", err);
    if (status == MASK_OK && keep && (uint64_t)ftello(m->file) > keep && ftruncate(fileno(m->file), (off_t)keep) != 0)
        status = failed(m, "shorten", err);
    if (status != MASK_OK) mask__metrics_close(m);
    return status;
}

void mask__metrics_write(mask__metrics *m, const mask__metrics_step *s)
{
    const mask__loss_values *l = &s->losses;
    if (!m->file) return;
    char line[LINE_BYTES];
    mask__decimal_print(
        line, sizeof line,
        "{\"step\":%llu,\"epoch\":%llu,\"kl\":%.6g,\"rec\":%.6g,\"word\":%.6g,\"structure\":%.6g,\"contrast\":%.6g,"
        "\"total\":%.6g,\"gradient_norm\":%.6g,\"rate\":%.6g,\"regions_per_second\":%.0f}\n",
        (unsigned long long)s->step, (unsigned long long)s->epoch, l->kl, l->rec, l->word, l->structure, l->contrast,
        l->total, s->gradient_norm, s->rate, s->regions_per_second);
    fputs(line, m->file);
}

mask_status mask__metrics_flush(mask__metrics *m, uint64_t *bytes, mask_error *err)
{
    *bytes = 0;
    if (!m->file) return MASK_OK;
    if (fflush(m->file) != 0 || ferror(m->file)) return failed(m, "write", err);
    if (fseeko(m->file, 0, SEEK_END) != 0) return failed(m, "write", err);
    *bytes = (uint64_t)ftello(m->file);
    return MASK_OK;
}

void mask__metrics_close(mask__metrics *m)
{
    if (m->file) fclose(m->file);
    *m = (mask__metrics){0};
}
