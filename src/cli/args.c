#include "args.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const option common_options[] = {
    {"--threads", "N", "threads to use (default: every core)"},
    {"--seed", "N", "seed of everything random (default: 0)"},
    {"--quiet", NULL, "no progress and no notes on stderr"},
    {"--json", NULL, "print results as JSON"},
    {"--help", NULL, "show this help"},
    {0},
};

int args_usage(const args *a, const char *format, ...)
{
    va_list list;
    fprintf(stderr, "mask %s: ", a->command->name);
    va_start(list, format);
    vfprintf(stderr, format, list);
    va_end(list);
    fprintf(stderr, " (see: mask help %s)\n", a->command->name);
    return EXIT_USAGE;
}

/* The rows that an entry stands for. */
static const mask_option *rows_of(const option *o, size_t *count)
{
    *count = 0;
    return *o->name == '@' ? mask_options_list((mask_options_kind)o->name[1], count) : NULL;
}

static const option *find_option(const option *list, const char *name, size_t length)
{
    for (; list && list->name; list++)
        if (*list->name != '@' && strlen(list->name) == length && memcmp(list->name, name, length) == 0) return list;
    return NULL;
}

/* A row of the tables among a command's options. */
static const mask_option *find_row(const option *list, const char *name, size_t length)
{
    for (; list && list->name; list++) {
        size_t count;
        const mask_option *rows = rows_of(list, &count);
        for (size_t i = 0; i < count; i++)
            if (rows[i].flag && strlen(rows[i].flag) == length && memcmp(rows[i].flag, name, length) == 0)
                return &rows[i];
    }
    return NULL;
}

int args_add(args *a, const char *name, const mask_option *row, const char *value)
{
    if (a->option_count == MAX_OPTIONS) return args_usage(a, "too many options");
    a->options[a->option_count++] = (given_option){name, value, row};
    return 0;
}

static int parse_option(args *a, int count, char **words, int *at)
{
    const char *word = words[*at], *equals = word[1] == '-' ? strchr(word, '=') : NULL;
    size_t length = equals ? (size_t)(equals - word) : strlen(word);
    const option *o = find_option(a->command->options, word, length);
    const mask_option *row = o ? NULL : find_row(a->command->options, word, length);
    if (!o && !row)
        o = find_option(common_options, strcmp(word, "-h") == 0 ? "--help" : word,
                        strcmp(word, "-h") == 0 ? 6 : length);
    if (!o && !row && word[1] != '-' && (o = find_option(a->command->options, word, 2)) && o->value)
        equals = word + 1; /* -k2 */
    if (!o && !row) return args_usage(a, "unknown option %s", word);
    const char *name = o ? o->name : row->flag, *wants = o ? o->value : row->value;
    if (!wants && equals) return args_usage(a, "%s takes no value", name);
    const char *value = equals ? equals + 1 : NULL;
    if (wants && !value) {
        if (*at + 1 == count) return args_usage(a, "%s needs a value (%s)", name, wants);
        value = words[++*at];
    }
    return args_add(a, name, row, value);
}

int args_options(const args *a, mask_options_kind kind, void *options)
{
    mask_error err;
    size_t count;
    const mask_option *rows = mask_options_list(kind, &count);
    for (int i = 0; i < a->option_count; i++) {
        const mask_option *row = a->options[i].row;
        if (!row || row < rows || row >= rows + count) continue;
        const char *value = row->value ? a->options[i].value : row->otherwise != 0 ? "off" : "on";
        if (mask_option_set(kind, options, row->flag, value, &err) != MASK_OK) return args_usage(a, "%s", err.message);
    }
    return 0;
}

int args_preset(const args *a, mask_options_kind kind, void *options, size_t size)
{
    mask_error err;
    const char *preset = args_text(a, "--preset", NULL);
    if (preset && mask_options_preset(kind, preset, options, size, &err) != MASK_OK)
        return args_usage(a, "%s", err.message);
    return args_options(a, kind, options);
}

/* A row's help: what it does, its words where it takes nothing else, and its value in the preset shown. */
static void row_help(const option *table, const mask_option *row, char *text, size_t size)
{
    mask_error err;
    _Alignas(size_t) char shown[1024];
    char value[64];
    mask_options_kind kind = (mask_options_kind)table->name[1];
    mask_options_preset(kind, table->value, shown, sizeof shown, NULL);
    mask_option_get(kind, shown, row->name, value, sizeof value, &err);
    snprintf(text, size, "%s", row->help);
    for (const char *at = row->type == MASK_OPTION_CHOICE ? row->words : NULL; at; at = *at ? at + 1 : NULL) {
        size_t length = strcspn(at, "|"), used = strlen(text);
        snprintf(text + used, size - used, "%s%.*s", at == row->words ? ": " : ", ", (int)length, at);
        at += length;
        if (!*at) break;
    }
    if (row->value && *value) snprintf(text + strlen(text), size - strlen(text), " (default: %s)", value);
}

void args_each(const option *list, void (*show)(const char *name, const char *value, const char *help))
{
    char help[512];
    for (const option *o = list; o && o->name; o++) {
        size_t count;
        const mask_option *rows = rows_of(o, &count);
        if (!rows) show(o->name, o->value, o->help);
        else if (o->help) show(NULL, NULL, o->help);
        for (size_t i = 0; i < count; i++) {
            if (!rows[i].flag || find_option(list, rows[i].flag, strlen(rows[i].flag))) continue;
            row_help(o, &rows[i], help, sizeof help);
            show(rows[i].flag, rows[i].value, help);
        }
    }
}

/* How many arguments stand in the text: at least those without brackets; any number where the last has dots. */
static bool right_count(const char *positional, int count)
{
    int least = 0, most = 0;
    for (const char *at = positional; *at; at += strcspn(at, " "), at += strspn(at, " "), most++) least += *at != '[';
    return count >= least && (count <= most || strstr(positional, "..."));
}

/* An option that the command line leaves out and the environment has: --token-file as MASK_SERVE_TOKEN_FILE. */
static int take_environment(args *a, const option *o)
{
    char name[64];
    snprintf(name, sizeof name, "%s%s", a->command->environment, o->name + strspn(o->name, "-"));
    for (char *at = name; *at; at++) *at = *at == '-' ? '_' : (char)toupper((unsigned char)*at);
    const char *value = getenv(name);
    if (!value || !*value || args_has(a, o->name)) return 0;
    if (!o->value && strcmp(value, "1") != 0 && strcmp(value, "0") != 0)
        return args_usage(a, "%s=%s: 1 for %s, 0 or nothing without", name, value, o->name);
    if (!o->value && *value == '0') return 0;
    return args_add(a, o->name, NULL, o->value ? value : NULL);
}

int args_parse(args *a, const command *c, int count, char **words)
{
    bool only_positional = false;
    memset(a, 0, sizeof *a);
    a->command = c;
    for (int i = 0; i < count; i++) {
        if (!only_positional && strcmp(words[i], "--") == 0) {
            only_positional = true;
        } else if (!only_positional && words[i][0] == '-' && words[i][1]) {
            int bad = parse_option(a, count, words, &i);
            if (bad) return bad;
        } else {
            if (a->positional_count == (int)(sizeof a->positional / sizeof *a->positional))
                return args_usage(a, "too many arguments");
            a->positional[a->positional_count++] = words[i];
        }
    }
    if (args_has(a, "--help")) return 0;
    const option *lists[] = {c->options, common_options};
    for (int i = 0; c->environment && i < 2; i++)
        for (const option *o = lists[i]; o && o->name; o++)
            if (take_environment(a, o) != 0) return EXIT_USAGE;
    if (!right_count(c->positional, a->positional_count)) return args_usage(a, "expected %s", c->positional);
    for (const char *at = c->needed; at && *at; at += strspn(at, " ")) {
        const option *o = find_option(c->options, at, strcspn(at, " "));
        if (!args_has(a, o->name)) return args_usage(a, "%s %s is needed: %s", o->name, o->value, o->help);
        at += strcspn(at, " ");
    }
    size_t threads = 0;
    double seed = 0;
    int bad = args_size(a, "--threads", 1, 4096, &threads);
    if (!bad) bad = args_number(a, "--seed", 0, 9007199254740992.0, &seed);
    a->run.threads = (int)threads;
    a->run.seed = (uint64_t)seed;
    a->quiet = args_has(a, "--quiet");
    a->json = args_has(a, "--json");
    return bad;
}

/* The last use of an option wins. */
static const given_option *find_given(const args *a, const char *name)
{
    for (int i = a->option_count - 1; i >= 0; i--)
        if (strcmp(a->options[i].name, name) == 0) return &a->options[i];
    return NULL;
}

bool args_has(const args *a, const char *name)
{
    return find_given(a, name) != NULL;
}

const char *args_text(const args *a, const char *name, const char *otherwise)
{
    const given_option *given = find_given(a, name);
    return given ? given->value : otherwise;
}

const char *args_each_text(const args *a, const char *name, size_t which)
{
    for (int i = 0; i < a->option_count; i++)
        if (strcmp(a->options[i].name, name) == 0 && which-- == 0) return a->options[i].value;
    return NULL;
}

int args_number(const args *a, const char *name, double low, double high, double *value)
{
    const char *text = args_text(a, name, NULL);
    char *end;
    if (!text) return 0;
    errno = 0;
    double number = strtod(text, &end);
    if (*text == '\0' || *end != '\0' || errno != 0 || !(number >= low && number <= high))
        return args_usage(a, "%s %s: must be a number from %g to %g", name, text, low, high);
    *value = number;
    return 0;
}

int args_size(const args *a, const char *name, size_t low, size_t high, size_t *value)
{
    double number = (double)*value;
    int bad = args_number(a, name, (double)low, (double)high, &number);
    if (!bad && number != floor(number)) return args_usage(a, "%s %g: must be a whole number", name, number);
    if (!bad) *value = (size_t)number;
    return bad;
}
