/* A library that is there, one that is not, one without what is asked of it. */
#include "check.h"
#include "base/library.h"

#include <math.h>

#define SOME(X) X(cos) X(signgam)
#define OTHER(X) X(cos) X(open_the_pod_bay_doors)
extern int open_the_pod_bay_doors;
MASK__LIBRARY(some, SOME, "libm.so.6", "libc6")
MASK__LIBRARY(absent, SOME, "libmask-of-nobody.so.7", "nobody7")
MASK__LIBRARY(older, OTHER, "libm.so.6", "libc6")

static void functions_and_variables(void **state)
{
    (void)state;
    mask_error err;
    check_ok(mask__library_open(&some_library, "a test", &err));
    check_ok(mask__library_open(&some_library, "a test", &err));
    assert_true(some.cos(0) == 1);
    assert_ptr_equal(some.signgam, &signgam);
}

static void what_is_missing_is_named(void **state)
{
    (void)state;
    mask_error err;
    check_fails(mask__library_open(&absent_library, "x.h5", &err), MASK_ENOTFOUND,
                "x.h5: needs the library libmask-of-nobody.so.7, which cannot be loaded: install it (Debian: apt-get "
                "install nobody7)");
    check_fails(mask__library_open(&older_library, "x.h5", &err), MASK_ENOTFOUND,
                "libm.so.6 has no open_the_pod_bay_doors");
    assert_false(older_library.open);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(functions_and_variables),
        cmocka_unit_test(what_is_missing_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
