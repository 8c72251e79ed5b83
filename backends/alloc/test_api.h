/* test_api.h - what tests of alloc.h begin with. */
#ifndef ASSAY_ALLOC_TEST_API_H
#define ASSAY_ALLOC_TEST_API_H

#include "alloc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define HEADER 32

/* A heap that nothing was done to. */
static inline int begin(void **state)
{
    (void)state;
    finish_mutex();
    unsetenv("ALLOC_OPTIONS");
    errno = 0;
    return 0;
}

static inline size_t used_blocks(void)
{
    struct memory_report report;

    if (!check_memory(&report))
        fail_msg("check_memory: %s", report.what);
    return report.used_blocks;
}

#define TEST(name) cmocka_unit_test_setup(name, begin)

#endif
