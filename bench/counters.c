/* counters.c - asks perf_event_open for each event by itself: one that is missing takes no other along. */
#include "counters.h"

#include <errno.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

const struct counter_event hardware_events[COUNTERS] = {
    {"cycles", PERF_TYPE_HARDWARE, PERF_COUNT_HW_CPU_CYCLES},
    {"instructions", PERF_TYPE_HARDWARE, PERF_COUNT_HW_INSTRUCTIONS},
    {"cache_misses", PERF_TYPE_HARDWARE, PERF_COUNT_HW_CACHE_MISSES},
    {"branch_misses", PERF_TYPE_HARDWARE, PERF_COUNT_HW_BRANCH_MISSES},
};

void counters_open(struct counters *counters, const struct counter_event events[COUNTERS])
{
    counters->error = 0;
    for (int i = 0; i < COUNTERS; i++) {
        struct perf_event_attr event = {
            .type = events[i].type,
            .size = sizeof event,
            .config = events[i].config,
            .read_format = PERF_FORMAT_TOTAL_TIME_ENABLED | PERF_FORMAT_TOTAL_TIME_RUNNING,
            .exclude_kernel = 1,
            .exclude_hv = 1,
        };
        counters->files[i] =
            (int)syscall(SYS_perf_event_open, &event, 0, -1, -1, PERF_FLAG_FD_CLOEXEC);
        if (counters->files[i] < 0 && counters->error == 0)
            counters->error = errno;
    }
}

void counters_close(struct counters *counters)
{
    for (int i = 0; i < COUNTERS; i++)
        if (counters->files[i] >= 0)
            close(counters->files[i]);
}

void counters_read(const struct counters *counters, uint64_t values[COUNTERS])
{
    for (int i = 0; i < COUNTERS; i++) {
        uint64_t counted[3]; /* events, nanoseconds there were, nanoseconds it counted */
        values[i] = 0;
        if (counters->files[i] < 0 ||
            read(counters->files[i], counted, sizeof counted) != sizeof counted || counted[2] == 0)
            continue;
        values[i] = counted[1] == counted[2]
                        ? counted[0]
                        : (uint64_t)((double)counted[0] * (double)counted[1] / (double)counted[2]);
    }
}

void counters_describe(const struct counters *counters, const struct counter_event events[COUNTERS],
                       char *text, size_t room)
{
    size_t length = 0;

    snprintf(text, room, "none: perf_event_open: %s", strerror(counters->error));
    for (int i = 0; i < COUNTERS && length < room; i++)
        if (counters->files[i] >= 0)
            length += (size_t)snprintf(text + length, room - length, "%s%s", length ? ", " : "",
                                       events[i].name);
}
