/* sanitizer.h - whether this program runs under a sanitizer that has a malloc of its own. */
#ifndef ASSAY_SANITIZER_H
#define ASSAY_SANITIZER_H

#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

extern void __asan_init(void) __attribute__((weak));
extern void __tsan_init(void) __attribute__((weak));

static inline bool assay_is_sanitized(void)
{
    return __asan_init != 0 || __tsan_init != 0;
}

#ifdef __cplusplus
}
#endif

#endif
