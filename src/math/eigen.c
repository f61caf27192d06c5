#include "math/eigen.h"
#include "base/library.h"
#include "base/memory.h"

#include <lapacke.h>
#include <math.h>
#include <stdlib.h>

/* Learning needs them, matching hardly ever: with its BLAS it is 60 MB that a search should not load. */
#define LAPACKE_NAMES(X) X(LAPACKE_dsyevr) X(LAPACKE_dgesdd) X(LAPACKE_dposv)
MASK__LIBRARY(lapacke, LAPACKE_NAMES, MASK__LAPACKE_FILE, "liblapacke libopenblas0-openmp")

static mask_status failed(lapack_int info, const char *what, mask_error *err)
{
    if (info == LAPACK_WORK_MEMORY_ERROR || info == LAPACK_TRANSPOSE_MEMORY_ERROR) return mask__no_memory(err, what);
    return mask__fail(err, MASK_ENUMERIC, "%s did not converge (LAPACK says %d): look for NaN or infinite features",
                      what, (int)info);
}

static void fix_signs(double *vectors, size_t n, size_t count)
{
    for (size_t j = 0; j < count; j++) {
        size_t largest = 0;
        for (size_t i = 1; i < n; i++)
            if (fabs(vectors[i * count + j]) > fabs(vectors[largest * count + j])) largest = i;
        if (vectors[largest * count + j] >= 0) continue;
        for (size_t i = 0; i < n; i++) vectors[i * count + j] = -vectors[i * count + j];
    }
}

mask_status mask__eigen_symmetric(double *a, size_t n, size_t count, double *values, double *vectors, mask_error *err)
{
    lapack_int found = 0, size = (lapack_int)n, wanted = (lapack_int)count;
    MASK__TRY(mask__library_open(&lapacke_library, "an eigendecomposition", err));
    MASK__CLOSED(mask__arena_free) mask__arena work = {0};
    double *ascending = mask__arena_alloc(&work, n, sizeof *ascending);
    double *columns = mask__arena_matrix(&work, n, count, sizeof *columns);
    lapack_int *support = mask__arena_alloc(&work, 2 * count, sizeof *support);
    if (work.lost) return mask__no_memory(err, "an eigendecomposition");
    lapack_int info = lapacke.LAPACKE_dsyevr(LAPACK_ROW_MAJOR, 'V', 'I', 'U', size, a, size, 0, 0, size - wanted + 1,
                                             size, 0, &found, ascending, columns, wanted, support);
    if (info != 0 || found != wanted) return failed(info, "an eigendecomposition", err);
    for (size_t j = 0; j < count; j++) {
        values[j] = ascending[count - 1 - j];
        for (size_t i = 0; i < n; i++) vectors[i * count + j] = columns[i * count + count - 1 - j];
    }
    fix_signs(vectors, n, count);
    return MASK_OK;
}

mask_status mask__svd_thin(double *a, size_t m, size_t n, double *u, double *s, double *vt, mask_error *err)
{
    MASK__TRY(mask__library_open(&lapacke_library, "a singular value decomposition", err));
    lapack_int r = (lapack_int)(m < n ? m : n);
    lapack_int info = lapacke.LAPACKE_dgesdd(LAPACK_ROW_MAJOR, 'S', (lapack_int)m, (lapack_int)n, a, (lapack_int)n, s,
                                             u, r, vt, (lapack_int)n);
    return info == 0 ? MASK_OK : failed(info, "a singular value decomposition", err);
}

mask_status mask__solve_positive(double *a, size_t n, double *x, size_t columns, mask_error *err)
{
    MASK__TRY(mask__library_open(&lapacke_library, "a linear system", err));
    lapack_int info = lapacke.LAPACKE_dposv(LAPACK_ROW_MAJOR, 'U', (lapack_int)n, (lapack_int)columns, a, (lapack_int)n,
                                            x, (lapack_int)columns);
    if (info <= 0) return info == 0 ? MASK_OK : failed(info, "a linear system", err);
    return mask__fail(err, MASK_ENUMERIC,
                      "a linear system is not positive definite (LAPACK says %d): look for NaN or infinite features",
                      (int)info);
}
