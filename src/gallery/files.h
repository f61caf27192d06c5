/* Files of a gallery's folder, for gallery.c and changes.c. */
#ifndef MASK_GALLERY_FILES_H
#define MASK_GALLERY_FILES_H

#include "gallery/catalogue.h"
#include "match/calibration.h"

/* folder/name; the caller frees. */
mask_status mask__gallery_file(char **out, const char *folder, const char *name, mask_error *err);
/* folder/NNNNNNNN.kind (mask__part_name); likewise. */
mask_status mask__gallery_part(char **out, const char *folder, uint64_t number, const char *kind, mask_error *err);
/* Opens a segment; the second refuses one that is not what the catalogue says. */
mask_status mask__gallery_segment(mask__segment *out, const char *folder, const mask__snapshot_segment *segment,
                                  mask__verify verify, mask_error *err);
mask_status mask__gallery_odd_segment(const char *file, mask_error *err);
/* Refuses to make a gallery in a folder that holds anything but a gallery, or what is left of making one. */
mask_status mask__gallery_check_folder(const char *path, mask_error *err);
/* Removes a gallery's files, and the folder when nothing else is in it. */
void mask__gallery_unmake(const char *path);
/* Its knowledge with the images at hand of that number in the background (0 = none), and the file of the calibration
 * of both, which the first change stores. The caller frees. */
mask_status mask__gallery_knowledge(mask_knowledge **out, const char *path, uint64_t own, mask_error *err);
mask_status mask__gallery_scorer(char **out, const char *path, uint64_t own, mask_error *err);
mask_status mask__gallery_stored_calibration(mask__calibration *out, const char *path, const mask_knowledge *knowledge,
                                             uint64_t own, int whole_region, mask__verify verify, mask_error *err);

#endif
