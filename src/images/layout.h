/* Where the files of a split lie: FOLDER/SPLIT_ims.npy with _caps.txt, _ids.txt, _names.txt and _boxes.npy beside it.
 * The folder may also be a root that holds one such folder (f30k_precomp, coco_precomp, f8k_precomp, f30k/precomp). */
#ifndef MASK_IMAGES_LAYOUT_H
#define MASK_IMAGES_LAYOUT_H

#include "base/error.h"

/* Finds what the split's files share, "FOLDER/SPLIT"; of a file "X_ims.npy" it is "X" and split is not looked at.
 * The caller frees. A split that is not there is refused with the paths tried and the splits found. */
mask_status mask__layout_stem(char **stem, const char *path, const char *split, mask_error *err);

#endif
