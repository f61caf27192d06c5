/* One image of Flickr30K Entities: the phrases of its captions and the boxes they point at. */
#ifndef MASK_ANNOTATIONS_ENTITIES_H
#define MASK_ANNOTATIONS_ENTITIES_H

#include "base/bytes.h"
#include "base/error.h"

#include <stdbool.h>

/* "[/EN#283585/people Two men]" in a caption: chain 283585, "Two men". Chain 0 is nothing that can be seen. */
typedef struct mask__mention {
    uint64_t chain;
    size_t text; /* into bytes, NUL-terminated */
} mask__mention;

typedef struct mask__entity_box {
    double box[4]; /* x1, y1, x2, y2; meaningless without has_box */
    bool has_box;
    size_t first_chain, chains; /* of the chains it belongs to */
} mask__entity_box;

typedef struct mask__entities {
    mask__mention *mentions;
    mask__entity_box *boxes;
    uint64_t *chains;
    mask__bytes bytes;
    size_t mention_count, mention_capacity, box_count, box_capacity, chain_count, chain_capacity;
    double width, height; /* 0 = not told */
} mask__entities;         /* {0} is a valid empty one; read into again and again */

void mask__entities_free(mask__entities *entities);
/* Sentences/ID.txt: replaces the mentions. */
mask_status mask__entities_read_sentences(mask__entities *entities, const char *path, mask_error *err);
/* Annotations/ID.xml: replaces size, boxes and chains. */
mask_status mask__entities_read_boxes(mask__entities *entities, const char *path, mask_error *err);

#endif
