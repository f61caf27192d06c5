/* mask-mpi: the processes of an MPI job as one team (mask_team). `mask` is a team of none. */
#ifndef MASK_CLI_TEAM_H
#define MASK_CLI_TEAM_H

#include "args.h"

#ifdef MASK_MPI
/* Begin and end MPI. A command that fails in one process ends the job. */
const mask_team *team_begin(int *argc, char ***argv);
int team_end(int result);
#else
static inline const mask_team *team_begin(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    return NULL;
}
static inline int team_end(int result)
{
    return result;
}
#endif

/* Sets a->run.team where the command knows teams; else prints and returns EXIT_USAGE. */
int team_join(args *a, const mask_team *team);
/* Whether this process leaves writing and printing to another. */
bool team_follows(const args *a);
/* Waits for all: 0, or EXIT_FAILED after one line. */
int team_meet(const args *a);

#endif
