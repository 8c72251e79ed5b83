/*
 * counters.h - what the processor counts while a stream runs, where the kernel lets a process ask (perf_event_open).
 *
 * Virtual machines and containers often have none: then counters are 0 in number, and why is said once.
 */
#ifndef ASSAY_BENCH_COUNTERS_H
#define ASSAY_BENCH_COUNTERS_H

#include <stddef.h>
#include <stdint.h>

#define COUNTERS 4

struct counter_event {
    const char *name; /* of what is counted, in plural */
    uint32_t type;    /* as in linux/perf_event.h, and so is config */
    uint64_t config;
};

/* Cycles, instructions, cache misses, branch misses: of the thread, the kernel's left out. */
extern const struct counter_event hardware_events[COUNTERS];

struct counters {
    int files[COUNTERS]; /* -1: this one is not to be had */
    int error;           /* errno of the first that is not; 0: all are */
};

/* Counts from here on, for this thread. Files are closed by counters_close. */
void counters_open(struct counters *counters, const struct counter_event events[COUNTERS]);
void counters_close(struct counters *counters);

/*
 * What was counted until now. Where the processor shares its counters among too many events, the kernel counts a part
 * of the time and this is an estimate. 0 for those not to be had.
 */
void counters_read(const struct counters *counters, uint64_t values[COUNTERS]);

/* The names of those there are, or "none: " and why. */
void counters_describe(const struct counters *counters, const struct counter_event events[COUNTERS],
                       char *text, size_t room);

#endif
