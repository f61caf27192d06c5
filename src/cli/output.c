/* Text files that commands write and read, and what a terminal is shown. */
#include "commands.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int check_output(const char *path)
{
    struct stat info;
    char folder[4096];
    const char *slash = strrchr(path, '/'), *why = NULL;
    snprintf(folder, sizeof folder, "%.*s", slash && slash > path ? (int)(slash - path) : 1, slash ? path : ".");
    bool there = stat(path, &info) == 0;
    if (there && S_ISDIR(info.st_mode)) why = strerror(EISDIR);
    else if (there && !S_ISREG(info.st_mode)) why = "is a device or pipe";
    else if (!there && lstat(path, &info) == 0) why = "is a symbolic link that leads to no file";
    else if (access(folder, W_OK | X_OK) != 0) why = strerror(errno);
    return why ? fail("%s: cannot create: %s: choose another place for the output", path, why) : 0;
}

int output_open(output *o, const char *path)
{
    *o = (output){0};
    int result = check_output(path);
    if (result) return result;
    o->path = access(path, F_OK) == 0 ? realpath(path, NULL) : strdup(path);
    if (!o->path || asprintf(&o->temporary, "%s.tmp-XXXXXX", o->path) < 0) {
        free(o->path);
        *o = (output){0};
        return fail("%s: cannot create: out of memory", path);
    }
    mode_t mask = umask(0); /* mkostemp's file would be for its owner only; this program has one thread here */
    umask(mask);
    int fd = mkostemp(o->temporary, O_CLOEXEC);
    if (fd >= 0 && fchmod(fd, 0666 & ~mask) == 0) o->file = fdopen(fd, "w");
    if (o->file) return 0;
    result = fail("%s: cannot create: %s", path, strerror(errno));
    if (fd >= 0) close(fd);
    output_abort(o);
    return result;
}

int output_close(output *o)
{
    bool good = fflush(o->file) == 0 && !ferror(o->file) && fsync(fileno(o->file)) == 0;
    good = good && rename(o->temporary, o->path) == 0;
    int result = good ? 0 : fail("%s: cannot write: %s", o->path, strerror(errno));
    output_abort(o);
    return result;
}

void output_abort(output *o)
{
    if (o->file) fclose(o->file);
    if (o->temporary) unlink(o->temporary); /* gone already after a rename */
    free(o->temporary);
    free(o->path);
    *o = (output){0};
}

FILE *open_input(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) return NULL;
    fcntl(fd, F_SETFL, 0);
    return fdopen(fd, "r");
}

int texts_add(text_list *list, const char *text)
{
    if ((list->count & (list->count - 1)) == 0) { /* none, or a power of two */
        char **more = realloc(list->texts, (2 * list->count + 1) * sizeof *more);
        if (!more) return fail("out of memory");
        list->texts = more;
    }
    if (!(list->texts[list->count] = strdup(text))) return fail("out of memory");
    list->count++;
    return 0;
}

void texts_free(text_list *list)
{
    for (size_t i = 0; i < list->count; i++) free(list->texts[i]);
    free(list->texts);
    *list = (text_list){0};
}

int lines_read(text_list *list, const char *path)
{
    FILE *file = strcmp(path, "-") == 0 ? stdin : open_input(path);
    struct stat info;
    char *line = NULL;
    size_t room = 0;
    int result = 0;
    *list = (text_list){0};
    if (!file) return fail("%s: cannot be opened: give a file with one entry a line", path);
    for (ssize_t length; result == 0 && (length = getline(&line, &room, file)) >= 0;) {
        while (length > 0 && (line[length - 1] == '\n' || line[length - 1] == '\r')) line[--length] = 0;
        result = texts_add(list, line);
    }
    if (result == 0 && ferror(file)) result = fail("%s: cannot be read", path);
    if (result == 0 && list->count == 0 && file != stdin && fstat(fileno(file), &info) == 0 && S_ISFIFO(info.st_mode))
        result = fail("%s: nothing came through this pipe: start what writes it first", path);
    free(line);
    if (file != stdin) fclose(file);
    if (result) texts_free(list);
    return result;
}

/* ---- Terminals ---- */

typedef struct guarded {
    FILE *terminal;
    bool held; /* a byte 0xc2, which begins U+0080 to U+009F */
} guarded;

static ssize_t write_escaped(void *cookie, const char *bytes, size_t size)
{
    guarded *g = cookie;
    progress_end();
    for (size_t i = 0; i < size; i++) {
        unsigned char c = (unsigned char)bytes[i];
        bool control = (c < ' ' && c != '\n' && c != '\t') || c == 0x7f || (g->held && c >= 0x80 && c < 0xa0);
        if (g->held && !control) putc(0xc2, g->terminal);
        g->held = c == 0xc2;
        if (control) fprintf(g->terminal, "\\x%02x", (unsigned)c);
        else if (!g->held) putc(c, g->terminal);
    }
    return fflush(g->terminal) == 0 && !ferror(g->terminal) ? (ssize_t)size : 0;
}

static FILE *guard(guarded *g, FILE *file, int buffering)
{
    *g = (guarded){.terminal = file};
    FILE *guarding = isatty(fileno(file)) ? fopencookie(g, "w", (cookie_io_functions_t){.write = write_escaped}) : NULL;
    if (guarding) setvbuf(guarding, NULL, buffering, 0);
    return guarding ? guarding : file;
}

void guard_terminal(void)
{
    static guarded out, messages;
    stdout = guard(&out, stdout, _IOLBF);
    stderr = guard(&messages, stderr, _IONBF);
}
