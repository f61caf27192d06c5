/* The progress of long work on stderr, and Ctrl-C. */
#include "commands.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { BAR_WIDTH = 24 };

static struct {
    bool quiet, terminal, open;
    const char *what;
    uint64_t first;      /* done when it began: resumed work does not begin at 0 */
    double began, shown; /* seconds */
} bar;

static volatile sig_atomic_t interrupted;

static void on_signal(int number)
{
    interrupted = number;
    if (number == SIGINT) signal(number, SIG_DFL); /* a second Ctrl-C ends at once; `timeout` sends SIGTERM twice */
}

double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void draw(const char *what, const char *unit, uint64_t done, uint64_t total, double elapsed)
{
    double rate = elapsed > 0 && done > bar.first ? (double)(done - bar.first) / elapsed : 0;
    double left = total && rate > 0 ? (double)(total - (done < total ? done : total)) / rate : 0;
    int digits = rate < 10; /* photos may take a second each */
    char filled[BAR_WIDTH + 1];
    if (!bar.terminal) {
        if (total)
            fprintf(stderr, "%s: %.0f%%, %.*f %s/s, %.0f s left\n", what, 100.0 * (double)done / (double)total, digits,
                    rate, unit, left);
        else fprintf(stderr, "%s: %llu %s, %.*f %s/s\n", what, (unsigned long long)done, unit, digits, rate, unit);
        return;
    }
    size_t part = total ? (size_t)(BAR_WIDTH * (double)done / (double)total) : 0;
    if (part > BAR_WIDTH) part = BAR_WIDTH;
    memset(filled, '=', part);
    memset(filled + part, ' ', BAR_WIDTH - part);
    filled[BAR_WIDTH] = '\0';
    dprintf(STDERR_FILENO, "\r%-22.22s [%s] %3.0f%%  %.*f %s/s  %d:%02d left \033[K", what, filled,
            total ? 100.0 * (double)done / (double)total : 0, digits, rate, unit, (int)left / 60, (int)left % 60);
    bar.open = true;
}

static int on_progress(void *user, const char *what, const char *unit, uint64_t done, uint64_t total)
{
    (void)user;
    if (interrupted) return 1;
    if (bar.quiet) return 0;
    double t = now();
    if (!bar.what || strcmp(bar.what, what) != 0) {
        progress_end();
        bar.what = what;
        bar.first = done;
        bar.began = bar.shown = t;
        return 0;
    }
    if (t - bar.shown < (bar.terminal ? 0.2 : 10)) return 0;
    bar.shown = t;
    draw(what, unit, done, total, t - bar.began);
    return 0;
}

static void on_log(void *user, mask_log_level level, const char *line)
{
    (void)user;
    if (bar.quiet && level == MASK_LOG_INFO) return;
    const char *more = advice(line);
    fprintf(stderr, "%s%s", level == MASK_LOG_WARNING ? "warning: " : "", line);
    if (more) fprintf(stderr, " (%s)", more);
    fprintf(stderr, "\n");
}

void progress_start(mask_run *run, bool quiet)
{
    struct sigaction action = {.sa_handler = on_signal};
    bar.quiet = quiet;
    bar.terminal = isatty(STDERR_FILENO);
    run->progress = on_progress;
    run->log = on_log;
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

int progress_interrupted(void)
{
    return interrupted;
}

void progress_end(void)
{
    if (bar.open) dprintf(STDERR_FILENO, "\r\033[K");
    bar.open = false;
}
