/* Writes a .mvec while its rows arrive: values go straight to the file, words and norms stay in memory until the end.
 * Here are the rules every row of every input format must keep. No parsing here. */
#include "text/vectors.h"

#include "base/memory.h"
#include "math/half.h"
#include "math/vector.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PROGRESS_ROWS = 4096 };

mask_status mask__vectors_import_refuse(const mask__vectors_import *in, mask_error *err, const char *format, ...)
{
    char reason[320];
    va_list args;
    va_start(args, format);
    vsnprintf(reason, sizeof reason, format, args);
    va_end(args);
    return mask__fail_at(err, MASK_EFORMAT, in->offset, "%s: %s %llu: %s", in->from, in->unit,
                         (unsigned long long)in->at, reason);
}

mask_status mask__vectors_import_begin(mask__vectors_import *in, size_t dim, mask_error *err)
{
    if (dim == 0 || dim > MASK__VECTORS_MAX_DIM)
        return mask__vectors_import_refuse(
            in, err, "vectors of %zu numbers, 1 to %d are possible: is it a vector file?", dim, MASK__VECTORS_MAX_DIM);
    in->dim = dim;
    in->row = calloc(dim, sizeof *in->row);
    if (in->bits < 32) in->stored_row = calloc(dim, (size_t)in->bits / 8);
    if (!in->row || (in->bits < 32 && !in->stored_row)) return mask__no_memory(err, in->from);
    MASK__TRY(mask__pack_create(&in->pack, in->to, MASK__VECTORS_MAGIC, MASK__VECTORS_VERSION, err));
    return mask__pack_begin(in->pack, "values", in->bits == 8 ? MASK__U8 : in->bits == 16 ? MASK__F16 : MASK__F32, err);
}

static mask_status report(const mask__vectors_import *in, mask_error *err)
{
    uint64_t done, total;
    if (!in->stream) return mask__progress(in->run, "importing vectors", "words", in->rows, in->promised, err);
    mask__stream_position(in->stream, &done, &total);
    return mask__progress(in->run, "importing vectors", "bytes", done, total, err);
}

/* The row in steps of its largest number / 127, and as those steps say it. */
static void round_to_bytes(mask__vectors_import *in, float *scale)
{
    *scale = mask__to_bytes(in->row, in->dim, in->stored_row);
    mask__from_bytes(in->stored_row, *scale, in->dim, in->row);
}

/* Rounds the row to what is stored and gives its L2 norm. */
static mask_status round_row(mask__vectors_import *in, float *norm, float *scale, mask_error *err)
{
    size_t where;
    double sum = 0;
    if (!mask__all_finite(in->row, in->dim, &where))
        return mask__vectors_import_refuse(in, err, "number %zu is not finite: repair or leave out this row",
                                           where + 1);
    if (in->bits == 8) round_to_bytes(in, scale);
    if (in->bits == 16) {
        mask__float_to_half(in->row, in->stored_row, in->dim);
        mask__half_to_float(in->stored_row, in->row, in->dim);
        if (!mask__all_finite(in->row, in->dim, &where))
            return mask__vectors_import_refuse(in, err, "number %zu is too large for float16: import as float32",
                                               where + 1);
    }
    for (size_t i = 0; i < in->dim; i++) sum += (double)in->row[i] * in->row[i];
    sum = sqrt(sum);
    if (sum > FLT_MAX / 2) /* half: sums of products must not overflow by rounding either */
        return mask__vectors_import_refuse(in, err, "the vector's length is too large for float32: scale the vectors");
    *norm = (float)sum;
    return MASK_OK;
}

mask_status mask__vectors_import_add(mask__vectors_import *in, const char *token, size_t length, mask_error *err)
{
    float norm = 0, scale = 0;
    uint32_t index;
    bool added;
    if (in->rows++ % PROGRESS_ROWS == 0) MASK__TRY(report(in, err));
    if (length == 0) return mask__vectors_import_refuse(in, err, "the token is empty: repair or leave out this row");
    if (memchr(token, '\0', length))
        return mask__vectors_import_refuse(in, err, "the token holds a NUL byte: the file is damaged, fetch it again");
    if (in->only && mask__strings_find(&in->keep, token, length) == MASK__NOT_FOUND) {
        in->left_out++;
        return MASK_OK;
    }
    MASK__TRY(round_row(in, &norm, &scale, err));
    MASK__TRY(mask__strings_intern(&in->words, token, length, &index, &added, err));
    if (!added) return MASK_OK;
    MASK__TRY(mask__room(&in->norms, &in->norms_capacity, in->words.count, sizeof *in->norms, in->from, err));
    in->norms[index] = norm;
    if (in->bits == 32) return mask__pack_append(in->pack, in->row, in->dim * sizeof *in->row, err);
    MASK__TRY(mask__room(&in->scales, &in->scales_capacity, in->words.count, sizeof *in->scales, in->from, err));
    in->scales[index] = scale;
    return mask__pack_append(in->pack, in->stored_row, in->dim * (size_t)in->bits / 8, err);
}

static mask_status write_tables(mask__vectors_import *in, mask_error *err)
{
    uint64_t count = in->words.count, slots = in->words.slot_count;
    MASK__TRY(mask__pack_end(in->pack, 2, (uint64_t[]){count, in->dim}, err));
    MASK__TRY(mask__pack_add(in->pack, "norms", MASK__F32, 1, &count, in->norms, err));
    if (in->bits == 8) MASK__TRY(mask__pack_add(in->pack, "scales", MASK__F32, 1, &count, in->scales, err));
    MASK__TRY(mask__strings_write(&in->words, in->pack, "words", err));
    return mask__pack_add(in->pack, "slots", MASK__U32, 1, &slots, in->words.slots, err);
}

mask_status mask__vectors_import_finish(mask__vectors_import *in, mask_error *err)
{
    if (in->promised && in->rows != in->promised)
        return mask__vectors_import_refuse(in, err, "the file promises %llu vectors and holds %llu: fetch it again",
                                           (unsigned long long)in->promised, (unsigned long long)in->rows);
    if (!in->rows) return mask__vectors_import_refuse(in, err, "the file holds no vectors");
    if (!in->words.count) return mask__vectors_import_refuse(in, err, "the file holds none of the tokens to keep");
    MASK__TRY(report(in, err));
    MASK__TRY(write_tables(in, err));
    mask__pack_writer *pack = in->pack;
    in->pack = NULL; /* commit frees it whatever happens */
    MASK__TRY(mask__pack_commit(pack, MASK_OK, err));
    uint64_t repeated = in->rows - in->left_out - in->words.count;
    if (repeated)
        mask__log(in->run, MASK_LOG_WARNING, "%s: %llu repeated tokens skipped, the first of each stays", in->from,
                  (unsigned long long)repeated);
    return MASK_OK;
}

void mask__vectors_import_free(mask__vectors_import *in)
{
    mask__pack_abort(in->pack);
    mask__strings_free(&in->words);
    free(in->row);
    mask__strings_free(&in->keep);
    free(in->stored_row);
    free(in->scales);
    free(in->norms);
}
