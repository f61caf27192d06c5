/* Prototypes of words without regions, from their neighbours in word-vector space. */
#ifndef MASK_KNOWLEDGE_OOD_H
#define MASK_KNOWLEDGE_OOD_H

#include "base/error.h"
#include "math/vector.h"

/* The known words of a space: unit word vectors (count x n) and prototypes (count x z), row by row. */
typedef struct mask__space {
    size_t count, n, z;
    const float *vectors, *prototypes;
} mask__space;

/* Eq. 11: the m known words nearest to query (unit, n) by cosine, best first, ties by the lower index. Returns how
 * many, min(m, count); 0 with *err filled when memory is short. */
size_t mask__ood_nearest(const mask__space *space, const float *query, size_t m, mask__ranked *out, mask_error *err);
/* Eq. 12: values become softmax(values / temperature). */
void mask__ood_softmax(mask__ranked *nearest, size_t m, float temperature);
/* Eq. 13, for `queries` rows (queries x n, unit): out (queries x z) = sum_q s_q v_q. skip_self: query i is known word i
 * and leaves itself out. nearness (count, may be NULL): mean cosine to the 5 nearest known words. Parallel. */
mask_status mask__ood_prototypes(const mask__space *space, const float *queries, size_t count, bool skip_self, size_t m,
                                 float temperature, float *out, float *nearness, mask_error *err);

/* Appendix B: the similarity transform that takes word vectors to prototypes, min ||v - (beta A w + t)||. */
typedef struct mask__procrustes {
    size_t n, z;
    double *matrix; /* z x n, beta A */
    double *vectors_mean, *prototypes_mean;
} mask__procrustes;
/* w are the space's vectors as they are (not normalised by this function). Free with mask__procrustes_free. */
mask_status mask__procrustes_fit(mask__procrustes *fit, const mask__space *space, mask_error *err);
void mask__procrustes_apply(const mask__procrustes *fit, const float *w, float *v);
void mask__procrustes_free(mask__procrustes *fit);

#endif
