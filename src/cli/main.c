/* mask, the command line. One table of commands drives dispatch, help and the manual page. */
#include "commands.h"
#include "team.h"

#include <stdio.h>
#include <string.h>

#define ENTRY(name) &command_##name
static const command *const commands[] = {COMMANDS(ENTRY)};
enum { COUNT = sizeof commands / sizeof *commands };

/* The command whose name the words spell (one or two of them), and how many words that took. */
static const command *find_command(int count, char **words, int *used)
{
    char two[64];
    for (*used = count > 1 ? 2 : 1; *used > 0; --*used) {
        snprintf(two, sizeof two, "%s%s%s", words[0], *used == 2 ? " " : "", *used == 2 ? words[1] : "");
        for (size_t i = 0; i < COUNT; i++)
            if (strcmp(commands[i]->name, two) == 0) return commands[i];
    }
    return NULL;
}

/* Prints the commands of a group ("vectors"); how many there are. */
static int list_group(FILE *out, const char *group)
{
    int found = 0;
    size_t length = strlen(group);
    for (size_t i = 0; i < COUNT; i++)
        if (strncmp(commands[i]->name, group, length) == 0 && commands[i]->name[length] == ' ' && ++found)
            fprintf(out, "  mask %-16s %s\n", commands[i]->name, commands[i]->summary);
    return found;
}

/* Letters to add, leave out, replace or swap with the next, to make one word the other; `most` + 1 for more. */
static int distance(const char *a, const char *b, int most)
{
    if (most < 0) return 0;
    for (; *a && *a == *b; a++, b++) {
    }
    if (!*a && !*b) return 0;
    int least = most;
    int ways[4] = {*a ? distance(a + 1, b, most - 1) : most, *b ? distance(a, b + 1, most - 1) : most,
                   *a && *b ? distance(a + 1, b + 1, most - 1) : most,
                   *a && *b && a[0] == b[1] && a[1] == b[0] ? distance(a + 2, b + 2, most - 1) : most};
    for (int i = 0; i < 4; i++)
        if (ways[i] < least) least = ways[i];
    return least + 1;
}

/* The command that a mistyped one may have been; NULL when none is near. */
static const char *nearest(const char *word)
{
    const char *best = NULL;
    int least = 3;
    for (size_t i = 0; i < COUNT; i++) {
        char first[32];
        snprintf(first, sizeof first, "%.*s", (int)strcspn(commands[i]->name, " "), commands[i]->name);
        int d = strlen(word) < 2 ? least : distance(word, first, 2);
        if (d < least) best = commands[i]->name, least = d;
    }
    return best;
}

static int no_command(const char *who, const char *word)
{
    if (list_group(stderr, word)) return EXIT_USAGE;
    const char *near = nearest(word);
    if (near) fprintf(stderr, "%s: there is no command '%s': did you mean '%s'? (see: mask help)\n", who, word, near);
    else fprintf(stderr, "%s: there is no command '%s' (see: mask help)\n", who, word);
    return EXIT_USAGE;
}

static int help(int count, char **words)
{
    int used;
    bool manual = count > 0 && strcmp(words[0], "--man") == 0;
    if (count == 0) help_all(stdout, commands, COUNT);
    else if (manual && count == 1) help_manual(commands, COUNT);
    if (count == (int)manual) return 0;
    if (strcmp(words[0], "--completion") == 0) return completion(commands, COUNT, count > 1 ? words[1] : NULL);
    const command *c = find_command(count - manual, words + manual, &used);
    if (c && manual) help_command_manual(c);
    else if (c) help_command(c);
    if (c) return 0;
    return list_group(stdout, words[0]) ? 0 : no_command("mask help", words[0]);
}

static int run(int count, char **words, const mask_team *team)
{
    args a;
    int used;
    if (strcmp(words[0], "help") == 0 || strcmp(words[0], "--help") == 0 || strcmp(words[0], "-h") == 0)
        return help(count - 1, words + 1);
    if (strcmp(words[0], "--version") == 0 || strcmp(words[0], "-V") == 0) {
        printf("mask %s\n", mask_version());
        return 0;
    }
    const command *c = find_command(count, words, &used);
    if (!c) return no_command("mask", words[0]);
    int bad = args_parse(&a, c, count - used, words + used);
    if (bad) return bad;
    a.word_count = count;
    a.words = words;
    if (args_has(&a, "--help")) {
        help_command(c);
        return 0;
    }
    if ((bad = team_join(&a, team)) != 0) return bad;
    progress_start(&a.run, a.quiet);
    int result = c->run(&a);
    close_all(&a);
    progress_end();
    return result && progress_interrupted() ? 128 + progress_interrupted() : result;
}

int main(int argc, char **argv)
{
    guard_terminal();
    const mask_team *team = team_begin(&argc, &argv);
    if (argc < 2) {
        help_all(stderr, commands, COUNT);
        return team_end(EXIT_USAGE);
    }
    int result = run(argc - 1, argv + 1, team);
    if ((fflush(stdout) != 0 || ferror(stdout)) && result == 0) result = fail("cannot write the result to stdout");
    return team_end(result);
}
