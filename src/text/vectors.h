/* What the files of the word-vector store share: the .mvec's names and an import under way. docs/vectors.md is the page
 * of the format. Programs use mask.h. */
#ifndef MASK_TEXT_VECTORS_H
#define MASK_TEXT_VECTORS_H

#include "base/pack.h"
#include "base/stream.h"
#include "base/strings.h"

#define MASK__VECTORS_MAGIC "MASKMVEC"
enum { MASK__VECTORS_VERSION = 1, MASK__VECTORS_MAX_DIM = 65536 };

/* A reader fills `row` and calls ..._add, row after row; the writer side turns them into a new .mvec. */
typedef struct mask__vectors_import {
    const char *from, *to;
    int bits;
    mask__strings keep; /* the only tokens wanted; all when only is false */
    bool only;
    const mask_run *run;
    mask__stream *stream; /* of `from`; NULL when that is a .mvec */
    const char *unit;     /* where the reader is, for refusals: "line" 12 or "byte" 345, */
    uint64_t at, offset;  /* and the same as an offset in the file */
    uint64_t promised;    /* rows by the file's own header, 0 = not said */
    uint64_t rows;        /* rows added, repeated tokens and those not to keep included */
    uint64_t left_out;    /* of them not to keep */
    size_t dim;
    float *row; /* dim */
    /* the writer's own */
    mask__pack_writer *pack;
    mask__strings words;
    void *stored_row; /* dim, as the file has them; NULL for float32 */
    float *scales;    /* words.count, of 8 bits */
    size_t scales_capacity;
    float *norms; /* words.count */
    size_t norms_capacity;
} mask__vectors_import;

/* Starts the new file; dim comes from the input and is checked. */
mask_status mask__vectors_import_begin(mask__vectors_import *in, size_t dim, mask_error *err);
/* Takes in->row as the vector of this token, unless the token came before. Refuses empty tokens and numbers that are
 * not finite. Reports progress. */
mask_status mask__vectors_import_add(mask__vectors_import *in, const char *token, size_t length, mask_error *err);
/* Checks the promised count and makes the file visible. */
mask_status mask__vectors_import_finish(mask__vectors_import *in, mask_error *err);
/* Frees all; a file that is not finished goes away. */
void mask__vectors_import_free(mask__vectors_import *in);
/* MASK_EFORMAT with "FILE: line 12: " before the reason. */
mask_status mask__vectors_import_refuse(const mask__vectors_import *in, mask_error *err, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The reader of wink JSON; the others are in vectors_import.c. */
mask_status mask__vectors_read_wink(mask__vectors_import *in, mask_error *err);

#endif
