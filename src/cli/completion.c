/* mask help --completion SHELL: what bash, zsh and fish need to complete commands, options and their words, from the
 * table of commands. Everything else on the line is a file. */
#include "commands.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

static const command *at; /* whose options are shown */

/* The words that an option takes, of a value such as "M|off|procrustes": those in small letters. */
static void print_words(const char *value, char between)
{
    bool first = true;
    for (const char *word = value; *word; word += strcspn(word, "|"), word += *word == '|') {
        size_t length = strcspn(word, "|");
        if (!strchr(value, '|') || !islower((unsigned char)*word)) continue;
        if (!first) putchar(between);
        printf("%.*s", (int)length, word);
        first = false;
    }
}

/* Text between single quotes; the characters of `escaped` get a backslash. */
static void print_quoted(const char *text, const char *escaped)
{
    for (; *text; text++) {
        if (*text == '\'') fputs("'\\'", stdout);
        else if (strchr(escaped, *text)) putchar('\\');
        putchar(*text == '\n' ? ' ' : *text);
    }
}

/* ---- bash ---- */

static void bash_option(const char *name, const char *value, const char *text)
{
    (void)value, (void)text;
    if (name) printf(" %s", name);
}

static void bash_words(const char *name, const char *value, const char *text)
{
    (void)text;
    if (!name || !value || !strchr(value, '|')) return;
    printf("    '%s %s') words='", at->name, name);
    print_words(value, ' ');
    printf("' ;;\n");
}

static void each(const command *c, void (*show)(const char *name, const char *value, const char *text))
{
    at = c;
    args_each(c->options, show);
    args_each(common_options, show);
}

static void bash(const command *const *commands, size_t count)
{
    printf("# bash completion of mask, made by: mask help --completion bash\n_mask() {\n    local current=$2 before=$3 "
           "command options= words= places\n    command=${COMP_WORDS[1]}\n    case $command in\n");
    for (size_t i = 0; i < count; i++) {
        const char *space = strchr(commands[i]->name, ' ');
        if (!space) continue;
        printf("    %.*s) [[ ${COMP_WORDS[2]} == %s && COMP_CWORD -gt 2 ]] && command+=' %s' ;;&\n",
               (int)(space - commands[i]->name), commands[i]->name, space + 1, space + 1);
    }
    printf("    esac\n    case $command in\n");
    for (size_t i = 0; i < count; i++) {
        printf("    '%s') options='", commands[i]->name);
        each(commands[i], bash_option);
        printf("' ;;\n");
    }
    printf("    esac\n    case \"$command $before\" in\n");
    for (size_t i = 0; i < count; i++) each(commands[i], bash_words);
    printf("    esac\n    if [[ $COMP_CWORD == 1 ]]; then words='help");
    for (size_t i = 0; i < count; i++) printf(" %.*s", (int)strcspn(commands[i]->name, " "), commands[i]->name);
    printf("'\n    elif [[ $current == -* ]]; then words=$options\n    elif [[ $COMP_CWORD == 2 ]]; then\n"
           "        case $command in\n");
    for (size_t i = 0; i < count; i++) {
        const char *space = strchr(commands[i]->name, ' ');
        if (space)
            printf("        %.*s) words+=' %s' ;;&\n", (int)(space - commands[i]->name), commands[i]->name, space + 1);
    }
    printf("        esac\n    fi\n    COMPREPLY=($(compgen -W \"$words\" -- \"$current\" | sort -u))\n"
           "}\ncomplete -o default -F _mask mask\n");
}

/* ---- zsh ---- */

static void zsh_option(const char *name, const char *value, const char *text)
{
    if (!name) return;
    printf(" \\\n        '*%s[", name);
    print_quoted(text, "[]\\:");
    printf("]");
    if (value) {
        printf(":");
        print_quoted(value, ":\\");
        printf(strchr(value, '|') ? ":(" : ":_files");
        print_words(value, ' ');
        if (strchr(value, '|')) printf(")");
    }
    printf("'");
}

static void zsh(const command *const *commands, size_t count)
{
    printf("#compdef mask\n# zsh completion of mask, made by: mask help --completion zsh\nlocal -a "
           "commands\ncommands=(\n");
    for (size_t i = 0; i < count; i++) {
        printf("    '%s:", commands[i]->name);
        print_quoted(commands[i]->summary, ":\\");
        printf("'\n");
    }
    printf(")\nif (( CURRENT == 2 )); then\n    _describe command commands\n    return\nfi\n"
           "local command=$words[2]\nlocal -i count=1\n"
           "(( ${commands[(I)$words[2] $words[3]:*]} )) && command+=\" $words[3]\" count=2\n"
           "shift count words\n(( CURRENT -= count ))\ncase $command in\n");
    for (size_t i = 0; i < count; i++) {
        printf("    '%s') _arguments", commands[i]->name);
        each(commands[i], zsh_option);
        printf(" \\\n        '*:file:_files' ;;\n");
    }
    printf("    *) local -a rest; rest=(${${(M)commands:#$command *}#* }); _describe command rest ;;\nesac\n");
}

/* ---- fish ---- */

static void fish_option(const char *name, const char *value, const char *text)
{
    if (!name) return;
    printf("complete -c mask -n '__mask_is %s' %s %s%s -d '", at->name, name[1] == '-' ? "-l" : "-s",
           name + strspn(name, "-"), value ? strchr(value, '|') ? " -x" : " -r" : "");
    print_quoted(text, "\\");
    printf("'");
    if (value && strchr(value, '|')) {
        printf(" -a '");
        print_words(value, ' ');
        printf("'");
    }
    printf("\n");
}

static void fish(const command *const *commands, size_t count)
{
    printf("# fish completion of mask, made by: mask help --completion fish\nfunction __mask_is\n"
           "    set -l words (commandline -opc)\n    set -l last (math 1 + (count $argv))\n"
           "    test (count $words) -ge $last; and test \"$words[2..$last]\" = \"$argv\"\nend\n"
           "complete -c mask -n 'test (count (commandline -opc)) -eq 1' -f -a help\n");
    for (size_t i = 0; i < count; i++) {
        const char *name = commands[i]->name, *space = strchr(name, ' ');
        int length = space ? (int)(space - name) : (int)strlen(name);
        if (i == 0 || strncmp(commands[i - 1]->name, name, (size_t)length) != 0) {
            printf("complete -c mask -n 'test (count (commandline -opc)) -eq 1' -f -a %.*s -d '", length, name);
            print_quoted(commands[i]->summary, "\\");
            printf("'\n");
        }
        if (space) {
            printf("complete -c mask -n '__mask_is %.*s; and test (count (commandline -opc)) -eq 2' -f -a %s -d '",
                   length, name, space + 1);
            print_quoted(commands[i]->summary, "\\");
            printf("'\n");
        }
        each(commands[i], fish_option);
    }
}

int completion(const command *const *commands, size_t count, const char *shell)
{
    if (shell && strcmp(shell, "bash") == 0) bash(commands, count);
    else if (shell && strcmp(shell, "zsh") == 0) zsh(commands, count);
    else if (shell && strcmp(shell, "fish") == 0) fish(commands, count);
    else {
        fprintf(stderr, "mask help --completion: expected bash, zsh or fish\n");
        return EXIT_USAGE;
    }
    return 0;
}
