#include "math/gemm.h"

#include <assert.h>
#include <omp.h>
#include <oneapi/dnnl/dnnl.h>
#include <signal.h>

/* The kernels of dnnl_sgemm use the stack pointer for other things: the frame of a signal that comes then is written
 * over the heap. So none may come, to the caller until the product is there, to the threads that help it ever; but for
 * faults, which are a thread's own. */
static void shield(sigset_t *before)
{
    static const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT};
    sigset_t all;
    sigfillset(&all);
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) sigdelset(&all, faults[i]);
    pthread_sigmask(SIG_BLOCK, &all, before);
}

void mask__gemm(bool transpose_a, bool transpose_b, size_t m, size_t n, size_t k, float alpha, const float *a,
                size_t lda, const float *b, size_t ldb, float beta, float *c, size_t ldc)
{
    if (m == 0 || n == 0) return; /* texts without a usable word make tables without rows; the library refuses them */
    sigset_t before;
    shield(&before);
#pragma omp parallel if (!omp_in_parallel())
    if (omp_get_thread_num()) shield(NULL);
    dnnl_status_t status =
        dnnl_sgemm(transpose_a ? 'T' : 'N', transpose_b ? 'T' : 'N', (dnnl_dim_t)m, (dnnl_dim_t)n, (dnnl_dim_t)k, alpha,
                   a, (dnnl_dim_t)lda, b, (dnnl_dim_t)ldb, beta, c, (dnnl_dim_t)ldc);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    assert(status == dnnl_success); /* it fails only on arguments that are ours */
    (void)status;
}

void mask__gemm_double(bool transpose_a, bool transpose_b, size_t m, size_t n, size_t k, double alpha, const double *a,
                       size_t lda, const double *b, size_t ldb, double beta, double *c, size_t ldc)
{
#pragma omp parallel for schedule(static) if (m * n * k > 1 << 18)
    for (size_t i = 0; i < m; i++) {
        double *row = c + i * ldc;
        for (size_t j = 0; j < n; j++) row[j] = beta == 0 ? 0 : beta * row[j];
        for (size_t p = 0; p < k; p++) {
            double x = alpha * (transpose_a ? a[p * lda + i] : a[i * lda + p]);
            if (transpose_b)
                for (size_t j = 0; j < n; j++) row[j] += x * b[j * ldb + p];
            else
                for (size_t j = 0; j < n; j++) row[j] += x * b[p * ldb + j];
        }
    }
}
