/* For gcc -fanalyzer alone (scripts/analyse.sh), which looks into no other file: a call that fails gives no success. */
#include "base/error.h"
#define mask__fail_at(err, status, ...) ((mask__fail_at)(err, status, __VA_ARGS__), (status))
#define mask__no_memory(err, what) ((mask__no_memory)(err, what), MASK_ENOMEM)
