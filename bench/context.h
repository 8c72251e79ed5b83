/*
 * context.h - where and how something was measured, without which a number means nothing.
 */
#ifndef ASSAY_BENCH_CONTEXT_H
#define ASSAY_BENCH_CONTEXT_H

#include <stdbool.h>

struct context {
    char compiler[120];
    char flags[200];
    char cpu[120];
    char kernel[120];
    long cpus;
    long page_size;
    char aslr[24];       /* "off", "partly", "on", "unknown" */
    char huge_pages[24]; /* "always", "madvise", "never", "unknown" */
    char counters[120];  /* the processor's that there are, or "none: " and why */
    char system[300];    /* whose malloc `system` was */
    char valgrind[60];   /* what counted instructions; "": nothing did */
};

void context_find(struct context *context);
/* Whether this build has a sanitizer in it. */
bool context_is_sanitized(void);

#endif
