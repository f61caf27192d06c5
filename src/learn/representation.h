/* Encoders h: r -> mu, region feature (M) to region representation (Z). This room fits and applies them.
 *
 *   none    mu = r
 *   whiten  mu = whitened(r), closed form (whiten.c)
 *   mask    mu of the trained PAE (trainer.c), on r or on whitened(r); it looks at an image's regions together */
#ifndef MASK_LEARN_REPRESENTATION_H
#define MASK_LEARN_REPRESENTATION_H

#include "base/error.h"
#include "base/memory.h"
#include "base/pack.h"
#include "nn/networks.h"

/* whitened(r) = ((r^power - mean) / |r^power - mean| - direction_mean) projection; all NULL where features are not
 * whitened */
typedef struct mask__whitening {
    float power;
    size_t in, out;              /* M, dimensions kept */
    const float *mean;           /* M */
    const float *direction_mean; /* M */
    const float *projection;     /* M x kept */
} mask__whitening;

/* The PAE alone, as it is used after training. */
typedef struct mask__pae {
    mask__networks networks; /* of its FRM and MTM nothing is kept */
    const float *parameters; /* the PAE's part of the table, which is its beginning */
    size_t size;
} mask__pae;

typedef struct mask__representation {
    mask_representation kind;
    size_t in, out; /* M, Z; equal for `none` */
    mask__whitening whitening;
    mask__pae pae;
    const float *adaptation; /* Z x Z, of any kind: the result is mu W (docs/adaptation.md); NULL = mu as it is */
} mask__representation;

/* ---- Applying ---- */

/* What it takes to encode blocks of regions; holds the result of the last one. */
typedef struct mask__encoding {
    const mask__representation *representation; /* must outlive it */
    mask__arena arena;
    float *centred;  /* rows x M */
    float *whitened; /* rows x kept */
    float *adapted;  /* rows x Z */
    mask__work work; /* of the PAE */
} mask__encoding;

/* For blocks of at most max_rows regions, at most `largest` in one image. */
mask_status mask__encoding_open(mask__encoding *out, const mask__representation *representation, size_t max_rows,
                                size_t largest, mask_error *err);
void mask__encoding_close(mask__encoding *encoding);
/* mu (rows x Z) of whole images: image i of the block owns rows offsets[i] .. offsets[i + 1], offsets[0] = 0. `none`
 * returns features themselves; the result is valid until the next call. Runs on the OpenMP threads of the caller's
 * setting. NaN in features gives NaN in that row. */
const float *mask__encoding_run(mask__encoding *encoding, const float *features, const size_t *offsets, size_t images);

/* ---- Fitting ---- */

/* y = (x^power - mean) / |x^power - mean| row by row: rows x dim. */
void mask__whiten_directions(const float *x, float power, const float *mean, float *y, size_t rows, size_t dim);
/* Fits a whitening to the features of labelled regions (labels are not looked at): power, centre, L2, centre, PCA to
 * dim, each eigenvalue + shrink x the mean of all M. Two passes over the features, M x M doubles of memory. */
mask_status mask__whiten_fit(mask__whitening *whitening, const mask_labels *labels, float power, size_t dim,
                             float shrink, mask__arena *arena, const mask_run *run, mask_error *err);
/* whitened(r) of `rows` regions; centred is scratch, rows x M. */
void mask__whiten_apply(const mask__whitening *whitening, const float *features, size_t rows, float *centred,
                        float *whitened);

/* Makes *pae hold the PAE of these networks with a copy of its parameters in the arena. mask__representation_close
 * frees it.
 */
mask_status mask__pae_make(mask__pae *pae, const mask__networks_config *config, const float *parameters,
                           mask__arena *arena, mask_error *err);

/* ---- Keeping ---- */

/* Frees what is not in an arena; harmless on a zeroed representation. */
void mask__representation_close(mask__representation *representation);
mask_status mask__representation_copy(mask__representation *to, const mask__representation *from, mask__arena *arena,
                                      mask_error *err);
/* As tensors "encoder.*". Reading needs the kind and Z; vectors stay in the map, the PAE is copied to the arena. */
mask_status mask__representation_write(const mask__representation *representation, mask__pack_writer *writer,
                                       mask_error *err);
mask_status mask__representation_read(mask__representation *representation, mask_representation kind, size_t out,
                                      const mask__pack *pack, mask__arena *arena, mask_error *err);
mask_status mask__whitening_copy(mask__whitening *to, const mask__whitening *from, mask__arena *arena, mask_error *err);
mask_status mask__whitening_write(const mask__whitening *whitening, mask__pack_writer *writer, mask_error *err);
/* `out` 0 accepts any number of kept dimensions. */
mask_status mask__whitening_read(mask__whitening *whitening, size_t out, const mask__pack *pack, mask_error *err);

#endif
