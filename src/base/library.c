#include "base/library.h"

#include <dlfcn.h>
#include <string.h>

static mask_status open_locked(mask__library *l, const char *what, mask_error *err)
{
    void *handle = dlopen(l->file, RTLD_NOW | RTLD_LOCAL);
    if (!handle)
        return mask__fail(err, MASK_ENOTFOUND,
                          "%s: needs the library %s, which cannot be loaded: install it (Debian: apt-get install %s)",
                          what, l->file, l->package);
    for (size_t i = 0; l->names[i]; i++) {
        /* A program that links the library itself may hold its variables: these are then the ones in use. */
        void *address = dlsym(RTLD_DEFAULT, l->names[i]);
        if (!address) address = dlsym(handle, l->names[i]);
        if (!address)
            return mask__fail(err, MASK_ENOTFOUND,
                              "%s: the library %s has no %s: install the version this program was built with", what,
                              l->file, l->names[i]);
        /* C has no cast from void * to a function; POSIX promises the same bytes. */
        memcpy((char *)l->addresses + i * sizeof address, &address, sizeof address);
    }
    l->open = true;
    return MASK_OK;
}

mask_status mask__library_open(mask__library *library, const char *what, mask_error *err)
{
    pthread_mutex_lock(&library->lock);
    mask_status status = library->open ? MASK_OK : open_locked(library, what, err);
    pthread_mutex_unlock(&library->lock);
    return status;
}
