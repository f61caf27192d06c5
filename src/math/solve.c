#include "math/solve.h"

#include <lapacke.h>

mask_status mask__solve_positive(double *a, size_t n, double *x, size_t columns, mask_error *err)
{
    lapack_int info = LAPACKE_dposv(LAPACK_ROW_MAJOR, 'U', (lapack_int)n, (lapack_int)columns, a, (lapack_int)n, x,
                                    (lapack_int)columns);
    if (info == 0) return MASK_OK;
    if (info == LAPACK_WORK_MEMORY_ERROR || info == LAPACK_TRANSPOSE_MEMORY_ERROR)
        return mask__no_memory(err, "a linear system");
    return mask__fail(err, MASK_ENUMERIC, MASK_NO_OFFSET,
                      "a linear system is not positive definite (LAPACK says %d): look for NaN or infinite features",
                      (int)info);
}
