/*
 * preload.c - stands in front of the program's malloc and records every call; what LD_PRELOAD loads.
 *
 * The real functions are the next ones after ours, so that a program with a malloc library of its
 * own keeps it. C++ new and delete come through malloc() and free().
 */
#include "log.h"

#include <dlfcn.h>
#include <errno.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#define EXPORT __attribute__((visibility("default")))
#define LIKELY(condition) __builtin_expect(!!(condition), 1)
#define UNLIKELY(condition) __builtin_expect(!!(condition), 0)

static struct {
    void *(*malloc)(size_t size);
    void *(*calloc)(size_t count, size_t size);
    void *(*realloc)(void *block, size_t size);
    void (*free)(void *block);
    void *(*aligned_alloc)(size_t align, size_t size);
    int (*posix_memalign)(void **block, size_t align, size_t size);
    void *(*memalign)(size_t align, size_t size);
    void *(*valloc)(size_t size);
    void *(*pvalloc)(size_t size);
    size_t (*malloc_usable_size)(void *block);
    bool resolving;
} real;

/* What dlsym() allocates while the real functions are looked up: never freed, not recorded. */
static struct {
    _Alignas(16) unsigned char bytes[16384];
    size_t used;
} early;

static bool is_early(const void *block)
{
    return (uintptr_t)block - (uintptr_t)early.bytes < sizeof early.bytes;
}

static void *early_alloc(size_t size)
{
    if (size > sizeof early.bytes - early.used) {
        errno = ENOMEM;
        return NULL;
    }
    void *block = early.bytes + early.used;
    early.used += (size + 15) & ~(size_t)15;
    return block;
}

/* C has no conversion from the void * of dlsym() to a function. */
static void find(void *function, const char *name)
{
    void *found = dlsym(RTLD_NEXT, name);
    memcpy(function, &found, sizeof found);
}

static void resolve(void)
{
    real.resolving = true;
    find(&real.calloc, "calloc");
    find(&real.realloc, "realloc");
    find(&real.free, "free");
    find(&real.aligned_alloc, "aligned_alloc");
    find(&real.posix_memalign, "posix_memalign");
    find(&real.memalign, "memalign");
    find(&real.valloc, "valloc");
    find(&real.pvalloc, "pvalloc");
    find(&real.malloc_usable_size, "malloc_usable_size");
    find(&real.malloc, "malloc"); /* last: the others are tested by it */
    real.resolving = false;
}

/* Whether the real functions are known; false: while they are being looked up. */
static inline bool is_ready(void)
{
    if (LIKELY(real.malloc))
        return true;
    if (real.resolving)
        return false;
    resolve();
    return true;
}

/* A process that never allocates has a file too, unlike one that did not load this library. */
__attribute__((constructor(101))) static void start(void)
{
    if (is_ready())
        assay_log_start();
}

static inline void record(enum assay_raw_kind kind, const void *block, uint64_t value)
{
    assay_log_put(assay_log_take(1), kind, block, value);
}

/* One operation whose second argument does not fit beside its first. */
static void record_wide(enum assay_raw_kind kind, const void *block, uint64_t value, uint64_t arg)
{
    uint64_t number = assay_log_take(2);

    assay_log_put(number, ASSAY_RAW_ARG, NULL, arg);
    assay_log_put(number + 1, kind, block, value);
}

/* --- the functions; parameters are named as in the C library's headers --- */

EXPORT void *malloc(size_t size)
{
    if (UNLIKELY(!is_ready()))
        return early_alloc(size);
    void *block = real.malloc(size);
    record(ASSAY_RAW_ALLOC, block, size);
    return block;
}

EXPORT void free(void *ptr)
{
    if (!ptr) {
        record(ASSAY_RAW_FREE_NULL, NULL, 0);
        return;
    }
    if (UNLIKELY(is_early(ptr)) || UNLIKELY(!is_ready()))
        return;
    record(ASSAY_RAW_FREE, ptr, 0);
    real.free(ptr);
}

EXPORT void *calloc(size_t nmemb, size_t size)
{
    size_t bytes;

    if (UNLIKELY(!is_ready()))
        return __builtin_mul_overflow(nmemb, size, &bytes) ? NULL : early_alloc(bytes);
    void *block = real.calloc(nmemb, size);
    if (LIKELY((nmemb | size) <= UINT32_MAX))
        record(ASSAY_RAW_ZEROED, block, (uint64_t)nmemb << 32 | size);
    else
        record_wide(ASSAY_RAW_ZEROED, block, size, nmemb);
    return block;
}

static void *early_realloc(void *block, size_t size)
{
    void *other = malloc(size);
    size_t most = block ? (size_t)(early.bytes + sizeof early.bytes - (unsigned char *)block) : 0;

    if (other && block)
        memcpy(other, block, size < most ? size : most);
    return other;
}

EXPORT void *realloc(void *ptr, size_t size)
{
    if (UNLIKELY(is_early(ptr)) || UNLIKELY(!is_ready()))
        return early_realloc(ptr, size);
    if (!ptr) {
        void *block = real.realloc(NULL, size);
        record(ASSAY_RAW_REALLOC_NULL, block, size);
        return block;
    }
    uint64_t begin = assay_log_take(1);
    assay_log_put(begin, ASSAY_RAW_REALLOC_BEGIN, ptr, size);
    void *block = real.realloc(ptr, size);
    record(ASSAY_RAW_REALLOC_END, block, begin);
    return block;
}

EXPORT void *reallocarray(void *ptr, size_t nmemb, size_t size)
{
    size_t bytes;

    /* The C library refuses it; realloc() refuses SIZE_MAX likewise, and is recorded. */
    if (__builtin_mul_overflow(nmemb, size, &bytes))
        bytes = SIZE_MAX;
    return realloc(ptr, bytes);
}

static void record_aligned(void *block, size_t align, size_t size)
{
    bool fits = align != 0 && (align & (align - 1)) == 0 && size >> ASSAY_RAW_ALIGN_SHIFT == 0;

    if (LIKELY(fits))
        record(ASSAY_RAW_ALIGNED, block,
               (uint64_t)__builtin_ctzll(align) << ASSAY_RAW_ALIGN_SHIFT | size);
    else
        record_wide(ASSAY_RAW_ALIGNED, block, size, align);
}

EXPORT void *aligned_alloc(size_t alignment, size_t size)
{
    if (!is_ready())
        return NULL;
    void *block = real.aligned_alloc(alignment, size);
    record_aligned(block, alignment, size);
    return block;
}

EXPORT int posix_memalign(void **memptr, size_t alignment, size_t size)
{
    if (!is_ready())
        return ENOMEM;
    int error = real.posix_memalign(memptr, alignment, size);
    record_aligned(error ? NULL : *memptr, alignment, size);
    return error;
}

EXPORT void *memalign(size_t alignment, size_t size)
{
    if (!is_ready())
        return NULL;
    void *block = real.memalign(alignment, size);
    record_aligned(block, alignment, size);
    return block;
}

#define PAGE ((size_t)4096)

EXPORT void *valloc(size_t size)
{
    if (!is_ready())
        return NULL;
    void *block = real.valloc(size);
    record_aligned(block, PAGE, size);
    return block;
}

EXPORT void *pvalloc(size_t size)
{
    if (!is_ready())
        return NULL;
    void *block = real.pvalloc(size);
    size_t pages = size > SIZE_MAX - (PAGE - 1) ? SIZE_MAX : (size + PAGE - 1) & ~(PAGE - 1);
    record_aligned(block, PAGE, pages);
    return block;
}

EXPORT size_t malloc_usable_size(void *ptr)
{
    if (is_early(ptr) || !is_ready())
        return 0;
    return real.malloc_usable_size(ptr);
}
