/* ticks.c - what a tick is worth, and what reading one costs. */
#include "assay/ticks.h"

#define WAIT_NS 5000000
#define READINGS 4096

static int64_t monotonic_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

double assay_ticks_ns(void)
{
    int64_t began = monotonic_ns(), now = began;
    uint64_t from = assay_ticks();

    while (now - began < WAIT_NS)
        now = monotonic_ns();
    uint64_t ticks = assay_ticks() - from;

    return ticks ? (double)(now - began) / (double)ticks : 1;
}

uint64_t assay_ticks_cost(void)
{
    uint64_t stamps[READINGS], least = UINT64_MAX;

    for (int i = 0; i < READINGS; i++) {
        stamps[i] = assay_ticks();
        __asm__ volatile("" ::: "memory"); /* one stays behind the other */
    }
    for (int i = 1; i < READINGS; i++)
        if (stamps[i] - stamps[i - 1] < least)
            least = stamps[i] - stamps[i - 1];
    return least;
}
