/* gemm [--threads T] [--repeat 3]: the rate of the float matrix product, which nothing here can pass: the best of some
 * large shapes, each multiplied by one threaded dnnl_sgemm and by one dnnl_sgemm a thread on its share of the rows. */
#include "math/gemm.h"

#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS = 9216, WORDS = 2560, DIM = 2048 }; /* columns, a quarter of Flickr30K's regions */

static const struct shape {
    size_t m, n, k;
} shapes[] = {{ROWS, WORDS, DIM}, {3072, 3072, 3072}, {4096, 4096, 1024}};

static float *filled(size_t count)
{
    float *values = aligned_alloc(64, count * sizeof *values);
    if (!values) exit(1);
    for (size_t i = 0; i < count; i++) values[i] = (float)(i % 251) / 251 - 0.5f;
    return values;
}

static double seconds(struct shape s, bool by_rows, const float *a, const float *b, float *c)
{
    double start = omp_get_wtime();
    if (!by_rows) {
        mask__gemm(false, true, s.m, s.n, s.k, 1, a, s.k, b, s.k, 0, c, s.n);
    } else {
#pragma omp parallel
        {
            size_t threads = (size_t)omp_get_num_threads(), me = (size_t)omp_get_thread_num();
            size_t begin = s.m * me / threads, end = s.m * (me + 1) / threads;
            mask__gemm(false, true, end - begin, s.n, s.k, 1, a + begin * s.k, s.k, b, s.k, 0, c + begin * s.n, s.n);
        }
    }
    return omp_get_wtime() - start;
}

int main(int argc, char **argv)
{
    int threads = omp_get_num_procs(), repeat = 3;
    double best = 0;
    for (int i = 1; i + 1 < argc; i += 2) {
        if (!strcmp(argv[i], "--threads")) threads = (int)strtol(argv[i + 1], NULL, 10);
        if (!strcmp(argv[i], "--repeat")) repeat = (int)strtol(argv[i + 1], NULL, 10);
    }
    omp_set_num_threads(threads);
    float *a = filled((size_t)ROWS * DIM), *b = filled(3072 * 3072), *c = filled((size_t)ROWS * WORDS);
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
        for (int way = 0; way < 2; way++) {
            double gflop = 2e-9 * (double)shapes[i].m * (double)shapes[i].n * (double)shapes[i].k, rate = 0;
            for (int r = 0; r <= repeat; r++) { /* the first warms up */
                double now = gflop / seconds(shapes[i], way, a, b, c);
                if (r && now > rate) rate = now;
            }
            fprintf(stderr, "%zux%zux%zu %s: %.1f\n", shapes[i].m, shapes[i].n, shapes[i].k,
                    way ? "by rows" : "threaded", rate);
            if (rate > best) best = rate;
        }
    printf("threads=%d limit_gflops=%.1f\n", threads, best);
    free(a);
    free(b);
    free(c);
    return 0;
}
