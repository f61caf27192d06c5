/* System libraries that few calls need (HDF5, LAPACK, libvips): opened at the first of these calls, so that programs
 * which never make one neither load them nor need them installed.
 *
 *   #define NAMES(X) X(H5open) X(H5Fopen)
 *   MASK__LIBRARY(hdf5, NAMES, "libhdf5_serial.so.103", "libhdf5-103-1")
 *   ... MASK__TRY(mask__library_open(&hdf5_library, path, err)); hdf5.H5open();
 *
 * Functions and variables keep the types of the library's own header; one that the library lacks fails the opening by
 * its name. Needs the header of the library to build, not the library. */
#ifndef MASK_BASE_LIBRARY_H
#define MASK_BASE_LIBRARY_H

#include "base/error.h"

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

typedef struct mask__library {
    const char *file;         /* as the loader knows it: "libhdf5_serial.so.103" */
    const char *package;      /* Debian's, for the message */
    const char *const *names; /* of the functions and variables, NULL at the end */
    void *addresses;          /* one pointer a name, in their order: filled when it is opened */
    pthread_mutex_t lock;     /* PTHREAD_MUTEX_INITIALIZER */
    bool open;
} mask__library;

#define MASK__LIBRARY_POINTER(name) __typeof__(name) *name;
#define MASK__LIBRARY_TEXT(name) #name
#define MASK__LIBRARY_NAME(name) MASK__LIBRARY_TEXT(name),
/* A structure `library` of pointers, and the mask__library `library`_library that fills it. */
#define MASK__LIBRARY(library, NAMES, soname, debian)                                                                  \
    static struct {                                                                                                    \
        NAMES(MASK__LIBRARY_POINTER)                                                                                   \
    } library;                                                                                                         \
    static const char *const library##_names[] = {NAMES(MASK__LIBRARY_NAME) NULL};                                     \
    static mask__library library##_library = {.file = soname,                                                          \
                                              .package = debian,                                                       \
                                              .names = library##_names,                                                \
                                              .addresses = &library,                                                   \
                                              PTHREAD_MUTEX_INITIALIZER};

/* Opens it, once in a process; it is never closed. MASK_ENOTFOUND, one line that begins with `what`, when it is
 * missing. Any thread. */
mask_status mask__library_open(mask__library *library, const char *what, mask_error *err);

#endif
