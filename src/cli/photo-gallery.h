/* Folders of photos as a gallery in the user's cache. */
#ifndef MASK_CLI_PHOTO_GALLERY_H
#define MASK_CLI_PHOTO_GALLERY_H

#include "commands.h"

/* The folders of an option such as --photos. 0 or EXIT_FAILED. */
int folders_of(const args *a, const char *name, text_list *list);

/* ~/.cache/mask. 0 or EXIT_FAILED. */
int cache_root(char root[DATA_PATH]);
/* A file of that name in it; it is made. 0 or EXIT_FAILED. */
int cache_file(const char *name, char path[DATA_PATH]);
/* The folders of photos that a folder of the cache is of; EXIT_FAILED without a message when it tells none. */
int folders_read(text_list *list, const char *place);
/* Those that were searched last. */
int last_folders(text_list *list);
/* Brings the gallery of these folders up to date, making it where there is none; gives its path. 0 or EXIT_FAILED. */
int photo_gallery(args *a, const text_list *folders, char path[DATA_PATH]);
/* Opens that gallery, or where there are no folders the one that the first argument names; *path = where it lies. 0 or
 * EXIT_FAILED. */
int open_photos_or_gallery(args *a, const text_list *folders, char place[DATA_PATH], const char **path);
/* Photos as a set of images, by --encoder or the usual one. 0 or EXIT_FAILED. */
int photos_images(args *a, const char *const *paths, size_t count, mask_images **images);

#endif
