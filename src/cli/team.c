#include "team.h"
#include "commands.h"

#include <string.h>

int team_join(args *a, const mask_team *team)
{
    static const char *const commands[] = {"learn", "eval", "extract", "index", "index add"};
    if (!team) return 0;
    a->run.team = team;
    a->quiet = a->quiet || team->rank > 0;
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        if (strcmp(a->command->name, commands[i]) == 0) return 0;
    if (team->rank > 0) return EXIT_USAGE;
    return args_usage(a, "mask-mpi knows learn, eval, extract, index and index add: take mask for the rest");
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
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/* With MASK_TEAM_COUNT in its environment a process tells what it did: its work while it waited for nobody. */
static struct {
    double seconds, bytes; /* of the processor inside sums; summed */
    size_t sums;
} counted;

static double processor_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* To rank 0 and back, so that every process has the same bits; in pieces that MPI's int counts. */
static int sum(void *user, double *doubles, float *floats, size_t count)
{
    enum { PIECE = 1 << 24 };
    const mask_team *team = user;
    MPI_Datatype type = doubles ? MPI_DOUBLE : MPI_FLOAT;
    double start = processor_seconds();
    for (size_t at = 0; at < count; at += PIECE) {
        int n = (int)(count - at < PIECE ? count - at : PIECE);
        void *values = doubles ? (void *)(doubles + at) : (void *)(floats + at);
        if (MPI_Reduce(team->rank == 0 ? MPI_IN_PLACE : values, values, n, type, MPI_SUM, 0, MPI_COMM_WORLD) ||
            MPI_Bcast(values, n, type, 0, MPI_COMM_WORLD))
            return 1;
    }
    counted.seconds += processor_seconds() - start;
    counted.bytes += (double)(count * (doubles ? sizeof *doubles : sizeof *floats));
    counted.sums++;
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
    if (getenv("MASK_TEAM_COUNT"))
        fprintf(stderr, "processor_s=%.2f sums=%zu bytes=%.0f\n", processor_seconds() - counted.seconds, counted.sums,
                counted.bytes);
    if (result != 0) MPI_Abort(MPI_COMM_WORLD, result);
    MPI_Finalize();
    return result;
}

#endif
