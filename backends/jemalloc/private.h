/* private.h - the interface of the private copy of jemalloc, by the names of rename.sh. */
#ifndef ASSAY_JEMALLOC_PRIVATE_H
#define ASSAY_JEMALLOC_PRIVATE_H

#define JEMALLOC_NO_RENAME
#define JEMALLOC_NO_DEMANGLE
#define je_dallocx assay_je_dallocx
#define je_mallctl assay_je_mallctl
#define je_mallctlbymib assay_je_mallctlbymib
#define je_mallctlnametomib assay_je_mallctlnametomib
#define je_malloc_conf assay_je_malloc_conf
#define je_mallocx assay_je_mallocx
#define je_rallocx assay_je_rallocx
#define je_sallocx assay_je_sallocx
#include <jemalloc/jemalloc.h>

#endif
