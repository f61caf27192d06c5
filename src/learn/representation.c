#include "learn/representation.h"
#include "math/gemm.h"
#include "math/vector.h"

#include <math.h>
#include <omp.h>

void mask__whiten_directions(const float *x, float power, const float *mean, float *y, size_t rows, size_t dim)
{
#pragma omp parallel for schedule(static)
    for (size_t row = 0; row < rows; row++) {
        float *to = y + row * dim, squares = 0;
        mask__raise(x + row * dim, power, to, dim);
#pragma omp simd reduction(+ : squares)
        for (size_t d = 0; d < dim; d++) {
            to[d] -= mean[d];
            squares += to[d] * to[d];
        }
        float scale = 1 / (sqrtf(squares) + 1e-8f);
        for (size_t d = 0; d < dim; d++) to[d] *= scale;
    }
}

void mask__whiten_apply(const mask__whitening *w, const float *features, size_t rows, float *centred, float *whitened)
{
    size_t dim = w->in;
    mask__whiten_directions(features, w->power, w->mean, centred, rows, dim);
#pragma omp parallel for schedule(static)
    for (size_t row = 0; row < rows; row++)
        for (size_t d = 0; d < dim; d++) centred[row * dim + d] -= w->direction_mean[d];
    mask__gemm(false, false, rows, w->out, dim, 1, centred, dim, w->projection, w->out, 0, whitened, w->out);
}

mask_status mask__encoding_open(mask__encoding *out, const mask__representation *representation, size_t max_rows,
                                size_t largest, mask_error *err)
{
    const mask__whitening *w = &representation->whitening;
    mask_status status = MASK_OK;
    *out = (mask__encoding){.representation = representation};
    if (w->projection) {
        out->centred = mask__arena_alloc(&out->arena, max_rows * w->in, sizeof(float));
        out->whitened = mask__arena_alloc(&out->arena, max_rows * w->out, sizeof(float));
        if (!out->centred || !out->whitened) status = mask__no_memory(err, "encoding");
    }
    if (representation->adaptation &&
        !(out->adapted = mask__arena_alloc(&out->arena, max_rows * representation->out, sizeof(float))))
        status = mask__no_memory(err, "encoding");
    if (status == MASK_OK && representation->kind == MASK_REPRESENTATION_MASK) {
        status = mask__work_make(&out->work, &representation->pae.networks, MASK__ENCODE, max_rows, largest,
                                 omp_in_parallel() ? 1 : omp_get_max_threads(), NULL, err);
        if (status == MASK_OK)
            mask__networks_prepare(&representation->pae.networks, representation->pae.parameters, &out->work);
    }
    if (status != MASK_OK) mask__encoding_close(out);
    return status;
}

void mask__encoding_close(mask__encoding *e)
{
    mask__arena_free(&e->arena);
    mask__work_free(&e->work);
    *e = (mask__encoding){0};
}

const float *mask__encoding_run(mask__encoding *e, const float *features, const size_t *offsets, size_t images)
{
    const mask__representation *h = e->representation;
    size_t rows = offsets[images];
    const float *x = features;
    if (h->whitening.projection) {
        mask__whiten_apply(&h->whitening, features, rows, e->centred, e->whitened);
        x = e->whitened;
    }
    if (h->kind == MASK_REPRESENTATION_MASK)
        x = mask__networks_encode(&h->pae.networks, h->pae.parameters, (mask__groups){offsets, images}, x, &e->work);
    if (!h->adaptation) return x;
    mask__gemm(false, false, rows, h->out, h->out, 1, x, h->out, h->adaptation, h->out, 0, e->adapted, h->out);
    return e->adapted;
}
