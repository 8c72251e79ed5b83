/*
 * ticks.h - the cheapest clock: the processor's counter where there is one, else the system's clock.
 *
 * A tick is not a nanosecond; what one is worth is measured. Reading does not wait for the instructions
 * before it, so a single difference is wrong by some nanoseconds, and differences in a chain are not.
 */
#ifndef ASSAY_TICKS_H
#define ASSAY_TICKS_H

#include <stdint.h>
#include <time.h>

#ifdef __cplusplus
extern "C" {
#endif

static inline uint64_t assay_ticks(void)
{
#if defined(__x86_64__)
    return __builtin_ia32_rdtsc();
#else
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
#endif
}

/* Nanoseconds of a tick; takes some milliseconds to find out. */
double assay_ticks_ns(void);
/* Ticks from one reading to the next with nothing but its storing between; the least of many. */
uint64_t assay_ticks_cost(void);

#ifdef __cplusplus
}
#endif

#endif
