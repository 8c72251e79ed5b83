/* test_api.h - what tests of mems.h begin with, and what a function printed. */
#ifndef ASSAY_MEMS_TEST_API_H
#define ASSAY_MEMS_TEST_API_H

#include "mems.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static inline void *address(uintptr_t number)
{
    return (void *)number;
}

/* Text of a test; the next one takes its place. */
static char printed[1 << 16];

struct capture {
    FILE *stream;
    FILE *into;
    int before;
};

static inline struct capture capture_begin(FILE *stream)
{
    struct capture capture = {stream, tmpfile(), -1};

    assert_non_null(capture.into);
    fflush(stream);
    capture.before = dup(fileno(stream));
    assert_true(dup2(fileno(capture.into), fileno(stream)) >= 0);
    return capture;
}

static inline const char *capture_end(struct capture *capture)
{
    fflush(capture->stream);
    assert_true(dup2(capture->before, fileno(capture->stream)) >= 0);
    close(capture->before);
    rewind(capture->into);
    size_t size = fread(printed, 1, sizeof printed - 1, capture->into);
    printed[size] = '\0';
    fclose(capture->into);
    return printed;
}

/* What mems_print_stats() prints. */
static inline const char *stats(void)
{
    struct capture capture = capture_begin(stdout);

    mems_print_stats();
    return capture_end(&capture);
}

/* What mems_free() says on stderr. */
static inline const char *complaint(void *v_ptr)
{
    struct capture capture = capture_begin(stderr);

    mems_free(v_ptr);
    return capture_end(&capture);
}

/* A system that nothing was done to. */
static inline int begin(void **state)
{
    (void)state;
    mems_init();
    return 0;
}

static inline int end(void **state)
{
    (void)state;
    mems_finish();
    return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

#endif
