/* The head of a classifier from files of NumPy's and of text. */
#include "base/error.h"
#include "base/names.h"
#include "formats/npy.h"
#include "math/vector.h"

#include <stdlib.h>

typedef struct owned_head {
    mask_head head; /* the first, so that one is the other */
    mask__names labels;
    float *weights;
    const char **lines;
} owned_head;

static mask_status read_head(owned_head *h, const mask__npy *npy, const char *labels, mask_error *err)
{
    size_t bad;
    if (!mask__npy_is_float(npy) || npy->ndim != 2)
        return mask__fail_at(err, MASK_EFORMAT, npy->data_offset,
                             "%s: holds %s in %u dimensions: save classes x features of floats", npy->path,
                             mask__npy_type_name(npy->type), npy->ndim);
    MASK__TRY(mask__names_read(&h->labels, labels, err));
    if (h->labels.count != npy->shape[0])
        return mask__fail(err, MASK_EMISMATCH, "%s: has %zu lines, %s has %zu classes: give a line per class", labels,
                          h->labels.count, npy->path, npy->shape[0]);
    h->weights = calloc(npy->items + 1, sizeof *h->weights);
    h->lines = calloc(npy->shape[0] + 1, sizeof *h->lines);
    if (!h->weights || !h->lines) return mask__no_memory(err, npy->path);
    for (size_t c = 0; c < npy->shape[0]; c++) h->lines[c] = mask__names_get(&h->labels, c);
    mask__npy_floats(npy, 0, npy->items, h->weights);
    h->head = (mask_head){npy->shape[0], npy->shape[1], h->weights, h->lines};
    if (mask__all_finite(h->weights, npy->items, &bad)) return MASK_OK;
    return mask__fail_at(err, MASK_ENUMERIC, npy->data_offset + bad * npy->item_bytes,
                         "%s: class %zu: a weight is NaN or infinite", npy->path, bad / npy->shape[1]);
}

mask_status mask_head_open(mask_head **out, const char *weights, const char *labels, const mask_run *run,
                           mask_error *err)
{
    (void)run; /* nothing here takes long */
    mask__npy npy = {0};
    *out = NULL;
    owned_head *h = calloc(1, sizeof *h);
    if (!h) return mask__no_memory(err, weights);
    mask_status status = mask__npy_open(&npy, weights, err);
    if (status == MASK_OK) status = read_head(h, &npy, labels, err);
    mask__npy_close(&npy);
    if (status != MASK_OK) mask_head_close(&h->head);
    else *out = &h->head;
    return status;
}

void mask_head_close(mask_head *head)
{
    owned_head *h = (owned_head *)head;
    if (!h) return;
    mask__names_free(&h->labels);
    free(h->weights);
    free(h->lines);
    free(h);
}
