/* One immutable part of a gallery: a pack (docs/segments.md), mapped. Segments are written once, never changed; a
 * gallery is a list of them (catalogue.h) and the images that were removed since.
 *
 * Terms are the K known words, in the knowledge's order. Their columns are kept in 8 bits, word by word, in blocks of
 * MASK__BLOCK images, each block with its own low and step: a value x is stored as the code q for which
 * |x - (low + q step)| <= step / 2 + slack, slack the word's (what float arithmetic may differ between the build's
 * GEMM and exact rescoring). So low + 255 step + slack bounds a block from above: the block maximum needs no table. */
#ifndef MASK_GALLERY_SEGMENT_H
#define MASK_GALLERY_SEGMENT_H

#include "base/pack.h"

enum { MASK__BLOCK = 256 };

/* What the reader (segment.c) and the writer (segment_write.c) agree on. Versions 1, 2 and 3 have their vectors in
 * float, float16 and 8 bits. Of vectors: values, codes, steps. */
#define MASK__SEGMENT_MAGIC "MASKSEGM"
enum { MASK__SEGMENT_VERSION = 3 };
extern const char *const mask__whole_names[3], *const mask__scene_names[3];

typedef struct mask__steps {
    float low, step;
} mask__steps;

typedef struct mask__segment {
    mask__pack pack;
    size_t images, blocks; /* blocks of MASK__BLOCK images; the last may be partly filled */
    size_t words, z;       /* K, Z */
    size_t terms; /* that have scores: the K words, then the OOD words of T, in the calibration's order, or none */
    const uint64_t *image_rows;    /* images + 1: image i owns rows image_rows[i] .. image_rows[i + 1] */
    mask__dtype type;              /* of mu, whole and scenes (stored.h) */
    size_t most_regions;           /* of an image */
    const void *mu;                /* rows x Z, unit region vectors: what exact rescoring reads */
    const uint32_t *region_of_row; /* rows: the region of its image as the image set numbers them */
    const float *boxes;            /* rows x 4: x1, y1, x2, y2, NaN where unknown; NULL when all are */
    const uint8_t
        *score_codes; /* terms x (blocks x MASK__BLOCK): c_w(i), all of word, whole image, scene, reliability */
    const mask__steps *score_steps; /* terms x blocks */
    const float *score_slack;       /* terms */
    const uint8_t
        *pooled_codes; /* K words, as above of A_w(i), the pooled cosine alone: bounds of OOD words (Eq. 13) */
    const mask__steps *pooled_steps;
    float pooled_slack; /* of all words */
    const void *whole;  /* images x Z: unit vector of the whole image; NULL when context is 0 and there are scenes */
    const void *scenes; /* images x Z: unit scene vector; NULL without scenes */
    const int8_t *whole_codes,
        *scene_codes;                       /* images x Z, the same in 8 bits: |x - q step| <= 0.501 step a component */
    const float *whole_steps, *scene_steps; /* images: step of the image, its largest component / 127 */
    const float *image_hub;                 /* images: a h(i); 0 below the full calibration */
    const float *image_deviation;           /* images: D(i); 1 below the full calibration */
} mask__segment;

/* An image's vectors in float. */
typedef struct mask__image_vectors {
    const float *mu;            /* regions x Z */
    const float *whole, *scene; /* NULL where the segment has none */
    size_t regions;
} mask__image_vectors;

/* scratch: where what is stored becomes float; as many floats as mask__segment_scratch says, of all that it is used
 * for. */
size_t mask__segment_scratch(const mask__segment *segments, size_t count);
mask__image_vectors mask__segment_image(const mask__segment *segment, size_t image, float *scratch);

/* Maps and validates; verify reads all of it against the checksums. */
mask_status mask__segment_open(mask__segment *segment, const char *path, mask__verify verify, mask_error *err);
void mask__segment_close(mask__segment *segment);
static inline size_t mask__segment_stride(const mask__segment *segment)
{
    return segment->blocks * MASK__BLOCK; /* codes of a word */
}

#endif
