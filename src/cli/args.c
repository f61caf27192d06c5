#include "args.h"

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

static const option *find_option(const option *list, const char *name, size_t length)
{
    for (; list->name; list++)
        if (strlen(list->name) == length && memcmp(list->name, name, length) == 0) return list;
    return NULL;
}

static int parse_option(args *a, int count, char **words, int *at)
{
    const char *word = words[*at], *equals = word[1] == '-' ? strchr(word, '=') : NULL;
    size_t length = equals ? (size_t)(equals - word) : strlen(word);
    const option *o = find_option(a->command->options, word, length);
    if (!o) o = find_option(common_options, word, length);
    if (!o) return args_usage(a, "unknown option %s", word);
    if (!o->value && equals) return args_usage(a, "%s takes no value", o->name);
    if (a->option_count == (int)(sizeof a->options / sizeof *a->options)) return args_usage(a, "too many options");
    const char *value = equals ? equals + 1 : NULL;
    if (o->value && !value) {
        if (*at + 1 == count) return args_usage(a, "%s needs a value (%s)", o->name, o->value);
        value = words[++*at];
    }
    a->options[a->option_count].option = o;
    a->options[a->option_count++].value = value;
    return 0;
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
    if (a->positional_count < c->min_positional || a->positional_count > c->max_positional)
        return args_usage(a, "expected %s", *c->positional ? c->positional : "no argument");
    double seed = 0;
    int bad = args_int(a, "--threads", 1, 4096, &a->run.threads);
    if (!bad) bad = args_number(a, "--seed", 0, 9007199254740992.0, &seed);
    a->run.seed = (uint64_t)seed;
    a->quiet = args_has(a, "--quiet");
    a->json = args_has(a, "--json");
    return bad;
}

/* The last use of an option wins. */
static const char *value_of(const args *a, const char *name, bool *given)
{
    for (int i = a->option_count - 1; i >= 0; i--)
        if (strcmp(a->options[i].option->name, name) == 0) {
            *given = true;
            return a->options[i].value;
        }
    *given = false;
    return NULL;
}

bool args_has(const args *a, const char *name)
{
    bool given;
    value_of(a, name, &given);
    return given;
}

const char *args_text(const args *a, const char *name, const char *otherwise)
{
    bool given;
    const char *value = value_of(a, name, &given);
    return given ? value : otherwise;
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

int args_float(const args *a, const char *name, double low, double high, float *value)
{
    double number = *value;
    int bad = args_number(a, name, low, high, &number);
    if (!bad) *value = (float)number;
    return bad;
}

int args_int(const args *a, const char *name, int low, int high, int *value)
{
    double number = *value;
    int bad = args_number(a, name, low, high, &number);
    if (!bad && number != floor(number)) return args_usage(a, "%s %g: must be a whole number", name, number);
    if (!bad) *value = (int)number;
    return bad;
}

int args_size(const args *a, const char *name, size_t low, size_t high, size_t *value)
{
    double number = (double)*value;
    int bad = args_number(a, name, (double)low, (double)high, &number);
    if (!bad && number != floor(number)) return args_usage(a, "%s %g: must be a whole number", name, number);
    if (!bad) *value = (size_t)number;
    return bad;
}

int args_choice(const args *a, const char *name, const char *const *choices, int *value)
{
    const char *text = args_text(a, name, NULL);
    char all[256] = "";
    if (!text) return 0;
    for (int i = 0; choices[i]; i++) {
        if (strcmp(text, choices[i]) == 0) {
            *value = i;
            return 0;
        }
        snprintf(all + strlen(all), sizeof all - strlen(all), "%s%s", i ? ", " : "", choices[i]);
    }
    return args_usage(a, "%s %s: must be one of %s", name, text, all);
}
