/* The version this library was built as. */
#include "mask.h"

#define TEXT(number) #number
#define DOTTED(major, minor, patch) TEXT(major) "." TEXT(minor) "." TEXT(patch)

const char *mask_version(void)
{
    return DOTTED(MASK_VERSION_MAJOR, MASK_VERSION_MINOR, MASK_VERSION_PATCH);
}
