/*
 * os_pages.h - the system's page source: mmap and munmap.
 *
 * Below the harness, because an allocator that is used without it takes its pages from here too.
 */
#ifndef ASSAY_OS_PAGES_H
#define ASSAY_OS_PAGES_H

#include "assay/backend.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Lives as long as the process. Thread-safe; calls no malloc, and leaves errno alone. */
const struct assay_page_source *assay_os_pages(void);

#ifdef __cplusplus
}
#endif

#endif
