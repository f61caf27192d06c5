#include "knowledge/scenes.h"
#include "math/gemm.h"
#include "math/vector.h"

void mask__scenes_project(const float *projection, const float *centre, const float *descriptors, size_t count,
                          size_t z, float *scratch, float *out)
{
    for (size_t i = 0; i < count; i++)
        for (size_t d = 0; d < z; d++) scratch[i * z + d] = descriptors[i * z + d] - centre[d];
    mask__gemm(false, false, count, z, z, 1, scratch, z, projection, z, 0, out, z);
    for (size_t i = 0; i < count; i++) mask__normalise(out + i * z, z);
}
