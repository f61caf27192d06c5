/* The last layer of a classifier as labelled regions that nobody had to label (beyond the paper; docs/knowledge.md).
 * Linear discriminant analysis has w_c = S^-1 (v_c - mu): from a class's weights w_c, and mean mu and covariance S of
 * any unlabelled features,
 *
 *   v_c = mu + s S (w_c - mean w)
 *
 * behaves like a region of class c; s makes the second term as long as features are far from mu (root mean square).
 * Three rows a class, at 0.7, 1 and 1.3 of that length; below 0 only where features are. */
#ifndef MASK_KNOWLEDGE_HEADROWS_H
#define MASK_KNOWLEDGE_HEADROWS_H

#include "base/error.h"

enum { MASK__HEAD_ROWS = 3 }; /* of each class */

/* rows: classes x MASK__HEAD_ROWS x dim. One pass over the labelled regions' features for mu and S. */
mask_status mask__head_rows(const mask_head *head, const mask_labels *labels, float *rows, const mask_run *run,
                            mask_error *err);

#endif
