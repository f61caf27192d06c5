/* A row of a TSV file of region features. Six columns (bottom-up attention): image_id, image_w, image_h, num_boxes,
 * boxes, features. Ten (LXMERT): img_id, img_h, img_w, objects_id, objects_conf, attrs_id, attrs_conf, num_boxes,
 * boxes, features. ids are int64, all other numbers float32, little-endian, as base64. No header; lines end in "\n" or
 * "\r\n". */
#ifndef MASK_FORMATS_TSV_H
#define MASK_FORMATS_TSV_H

#include <stddef.h>
#include <stdint.h>

enum { MASK__TSV_BUTD = 6, MASK__TSV_LXMERT = 10 }; /* columns */
/* No id, number or column of classes is as long, no image has more regions. */
enum { MASK__TSV_ID_BYTES = 256, MASK__TSV_DIGITS = 9, MASK__TSV_CLASS_BYTES = 1 << 20, MASK__TSV_REGIONS = 1 << 16 };

typedef struct mask__tsv_row {
    const char *id;
    size_t id_length;
    size_t classes, boxes, features; /* offsets of columns in the file; classes (objects_id) only with ten */
    uint32_t width, height, regions, dim;
} mask__tsv_row;

/* Reads the row that starts at data[at], at < size; *next = where the following line starts. Returns NULL, or why the
 * row cannot be used. `dim` is what other rows have: a row that ends where it promises is then not looked through; 0
 * when no other is known. The base64 itself is not checked. */
const char *mask__tsv_row_read(mask__tsv_row *row, int columns, size_t dim, const char *data, size_t size, size_t at,
                               size_t *next);

#endif
