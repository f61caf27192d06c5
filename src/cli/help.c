/* mask help: the list of commands, each one's help, and the manual pages, all of the table of commands. */
#include "commands.h"

#include <stdio.h>
#include <string.h>

static const char exit_status[] = "0 ok, 1 failed, 2 usage, 130 stopped by Ctrl-C.";
static const char usage[] = "Results go to stdout, progress and messages to stderr. Exit status: ";

/* Of the manual page: name, meaning. */
static const char *const files[][2] = {
    {"~/.cache/mask", "what search \\-\\-photos keeps of folders of photos (mask cache list)"},
    {"PREFIX/share/mask/starter.mask, starter.mvec", "the knowledge that comes with mask, and its word vectors"},
    {"PREFIX/share/mask/default.menc", "the encoder of photos that comes with mask"},
};
static const char *const environment[][2] = {
    {"XDG_CACHE_HOME", "a folder to keep mask/ in instead of ~/.cache"},
    {"XDG_DATA_HOME", "where mask/starter.mask and others are looked for too (~/.local/share)"},
    {"MASK_ENCODER", "the encoder of photos where \\-\\-encoder names none"},
    {"MASK_SERVE_TOKEN", "the token of mask serve, where \\-\\-token\\-file names none"},
    {"WNHOME, WNSEARCHDIR", "where WordNet's database lies"},
};

/* ---- Help ---- */

static void print_option(const char *name, const char *value, const char *text)
{
    char left[64];
    if (!name) {
        printf("%s\n", text);
        return;
    }
    snprintf(left, sizeof left, "%s%s%s", name, value ? " " : "", value ? value : "");
    printf("  %-28s %s\n", left, text);
}

void help_command(const command *c)
{
    printf("mask %s %s%s\n\n%s.\n", c->name, c->positional, c->options ? " [OPTIONS]" : "", c->summary);
    if (c->details) printf("\n%s\n", c->details);
    printf("\nOptions\n");
    args_each(c->options, print_option);
    args_each(common_options, print_option);
    printf("\nExamples\n");
    for (const char *at = c->examples; *at; at += strcspn(at, "\n"), at += *at == '\n')
        printf("  %.*s\n", (int)strcspn(at, "\n"), at);
}

void help_all(FILE *out, const command *const *commands, size_t count)
{
    fprintf(
        out,
        "mask %s: matches images with texts without ever having seen a paired caption.\n\nUsage: mask COMMAND ...\n\n",
        mask_version());
    for (size_t i = 0; i < count; i++) fprintf(out, "  %-16s %s\n", commands[i]->name, commands[i]->summary);
    fprintf(out, "\n  mask help COMMAND   its arguments, options and examples\n\n%s%s\n", usage, exit_status);
}

/* ---- Manual pages ---- */

/* Text for roff: a leading dot or quote and every backslash and hyphen are escaped. */
static void man_text(const char *text)
{
    bool line_start = true;
    for (; *text; text++) {
        if (line_start && (*text == '.' || *text == '\'')) fputs("\\&", stdout);
        if (*text == '\\') fputs("\\e", stdout);
        else if (*text == '-') fputs("\\-", stdout);
        else putchar(*text);
        line_start = *text == '\n';
    }
}

static void man_option(const char *name, const char *value, const char *text)
{
    printf(name ? ".TP\n.B " : ".PP");
    if (name) man_text(name);
    if (value) printf(" \\fI%s\\fR", value);
    printf("\n");
    man_text(text);
    printf("\n");
}

static void man_details(const command *c)
{
    if (!c->details) return;
    printf(".PP\n");
    man_text(c->details);
    printf("\n");
}

static void man_examples(const command *c)
{
    printf(".PP\n.nf\n");
    man_text(c->examples);
    printf("\n.fi\n");
}

static void man_list(const char *heading, const char *const list[][2], size_t count)
{
    printf(".SH %s\n", heading);
    for (size_t i = 0; i < count; i++) printf(".TP\n.B %s\n%s\n", list[i][0], list[i][1]);
}

void help_manual(const command *const *commands, size_t count)
{
    printf(".TH MASK 1 \"\" \"mask %s\" \"User Commands\"\n.SH NAME\nmask \\- match images with texts without paired "
           "captions\n.SH SYNOPSIS\n.B mask\n.I COMMAND\n[ARGUMENTS] [OPTIONS]\n.SH COMMANDS\n",
           mask_version());
    for (size_t i = 0; i < count; i++) {
        printf(".SS \"mask %s %s\"\n", commands[i]->name, commands[i]->positional);
        man_text(commands[i]->summary);
        printf(".\n");
        man_details(commands[i]);
        args_each(commands[i]->options, man_option);
        man_examples(commands[i]);
    }
    printf(".SH COMMON OPTIONS\n");
    args_each(common_options, man_option);
    printf(".SH EXIT STATUS\n%s\n", exit_status);
    man_list("FILES", files, sizeof files / sizeof *files);
    man_list("ENVIRONMENT", environment, sizeof environment / sizeof *environment);
}

void help_command_manual(const command *c)
{
    char name[64];
    snprintf(name, sizeof name, "%s", c->name);
    for (char *at = name; *at; at++) *at = *at == ' ' ? '-' : *at;
    printf(".TH MASK\\-%s 1 \"\" \"mask %s\" \"User Commands\"\n.SH NAME\nmask\\-%s \\- ", name, mask_version(), name);
    man_text(c->summary);
    printf("\n.SH SYNOPSIS\n.B mask %s\n", c->name);
    man_text(c->positional);
    printf("\n[OPTIONS]\n.SH DESCRIPTION\n");
    man_text(c->summary);
    printf(".\n");
    man_details(c);
    printf(".SH OPTIONS\n");
    args_each(c->options, man_option);
    args_each(common_options, man_option);
    printf(".SH EXAMPLES\n");
    man_examples(c);
    printf(".SH SEE ALSO\nmask(1), which has FILES and ENVIRONMENT\n");
}
