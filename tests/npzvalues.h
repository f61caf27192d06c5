/* Members of an .npz as double: for golden vectors, which the library never reads. By libzip and the library's .npy. */
#ifndef MASK_TESTS_NPZVALUES_H
#define MASK_TESTS_NPZVALUES_H

#include "formats/npz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zip.h>

static inline double npz_value(const mask__npy *npy, size_t i)
{
    const unsigned char *at = npy->data + i * npy->item_bytes;
    int64_t whole;
    int32_t small;
    double value;
    float single;
    switch (npy->type) {
    case MASK__NPY_F64:
        return memcpy(&value, at, sizeof value), value;
    case MASK__NPY_I32:
        return memcpy(&small, at, sizeof small), small;
    case MASK__NPY_I64:
        return memcpy(&whole, at, sizeof whole), (double)whole;
    default:
        mask__npy_floats(npy, i, 1, &single);
        return single;
    }
}

/* The caller frees *values. */
static inline mask_status npz_doubles(const mask__npz *npz, const char *name, double **values, unsigned *ndim,
                                      size_t shape[MASK__NPY_DIMS], mask_error *err)
{
    char full[256];
    zip_stat_t stat;
    mask__npy npy;
    *values = NULL;
    mask_status status = mask__npz_describe(npz, name, &npy, err);
    if (status != MASK_OK) return status;
    snprintf(full, sizeof full, "%s.npy", name);
    if (zip_stat(npz->zip, full, 0, &stat) != 0) abort();
    unsigned char *bytes = malloc(stat.size);
    zip_file_t *file = zip_fopen(npz->zip, full, 0);
    if (!bytes || !file || zip_fread(file, bytes, stat.size) != (zip_int64_t)stat.size) abort();
    zip_fclose(file);
    status = mask__npy_parse(&npy, name, bytes, stat.size, err);
    if (status == MASK_OK && !(*values = malloc((npy.items + 1) * sizeof **values))) abort();
    for (size_t i = 0; status == MASK_OK && i < npy.items; i++) (*values)[i] = npz_value(&npy, i);
    *ndim = npy.ndim;
    memcpy(shape, npy.shape, sizeof npy.shape);
    free(bytes);
    return status;
}

#endif
