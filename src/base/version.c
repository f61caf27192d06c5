#include "mask.h"

const char *mask_version(void)
{
    return MASK_VERSION;
}
