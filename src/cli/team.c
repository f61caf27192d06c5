#include "team.h"
#include "commands.h"

#include <string.h>

int team_join(args *a, const mask_team *team)
{
    static const char *const commands[] = {"learn", "eval", "index", "index add"};
    if (!team) return 0;
    a->run.team = team;
    a->quiet = a->quiet || team->rank > 0;
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        if (strcmp(a->command->name, commands[i]) == 0) return 0;
    if (team->rank > 0) return EXIT_USAGE;
    return args_usage(a, "mask-mpi knows learn, eval, index and index add: take mask for the rest");
}

bool team_follows(const args *a)
{
    return a->run.team && a->run.team->rank > 0;
}

int team_meet(const args *a)
{
    double none = 0;
    if (!a->run.team || a->run.team->sum(a->run.team->user, &none, NULL, 1) == 0) return 0;
    return fail("process %d: the others cannot be reached", a->run.team->rank);
}

#ifdef MASK_MPI

#include <mpi.h>

/* To rank 0 and back, so that every process has the same bits; in pieces that MPI's int counts. */
static int sum(void *user, double *doubles, float *floats, size_t count)
{
    enum { PIECE = 1 << 24 };
    const mask_team *team = user;
    MPI_Datatype type = doubles ? MPI_DOUBLE : MPI_FLOAT;
    for (size_t at = 0; at < count; at += PIECE) {
        int n = (int)(count - at < PIECE ? count - at : PIECE);
        void *values = doubles ? (void *)(doubles + at) : (void *)(floats + at);
        if (MPI_Reduce(team->rank == 0 ? MPI_IN_PLACE : values, values, n, type, MPI_SUM, 0, MPI_COMM_WORLD) ||
            MPI_Bcast(values, n, type, 0, MPI_COMM_WORLD))
            return 1;
    }
    return 0;
}

const mask_team *team_begin(int *argc, char ***argv)
{
    static mask_team team = {.sum = sum, .user = &team};
    int threads; /* only the main thread calls MPI */
    MPI_Init_thread(argc, argv, MPI_THREAD_FUNNELED, &threads);
    MPI_Comm_rank(MPI_COMM_WORLD, &team.rank);
    MPI_Comm_size(MPI_COMM_WORLD, &team.ranks);
    return &team;
}

int team_end(int result)
{
    if (result != 0) MPI_Abort(MPI_COMM_WORLD, result);
    MPI_Finalize();
    return result;
}

#endif
