/*
 * backend.h - what an allocator must offer to be tested by this harness.
 *
 * One allocator is one `const struct assay_backend`. The harness reaches it through
 * this table only, so fuzzing, comparing and measuring all see the same thing.
 *
 * Rules for every function in the table:
 *   - sizes and alignments are in bytes; alignments are powers of two;
 *   - `self` is what create() stored, never NULL;
 *   - a "block" is an address that an allocating function of the same `self`
 *     returned and that has not been freed since;
 *   - calls on one `self` are serialised by the caller unless ASSAY_CAP_THREAD_SAFE;
 *   - nothing prints, exits, or takes memory other than from config->pages
 *     (a wrapper of the C library's malloc says so by lacking ASSAY_CAP_PAGE_SOURCE);
 *   - NULL in the table means "not offered"; REQUIRED functions are never NULL.
 */
#ifndef ASSAY_BACKEND_H
#define ASSAY_BACKEND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Raised by every change to a type in this file. */
#define ASSAY_BACKEND_ABI 1u

#if defined(__GNUC__)
#define ASSAY_MUST_CHECK __attribute__((warn_unused_result))
#else
#define ASSAY_MUST_CHECK
#endif

/* How a call ended. Allocating functions say it with NULL instead. */
typedef enum assay_status {
    ASSAY_OK = 0,
    ASSAY_NO_MEMORY,   /* the limit or the page source is exhausted */
    ASSAY_INVALID,     /* an argument was recognised as wrong: foreign pointer, double free */
    ASSAY_CORRUPT,     /* the heap's own records contradict each other */
    ASSAY_UNSUPPORTED, /* not offered by this backend, or not with this configuration */
} assay_status;

/* Promises beyond the table. Each has a conformance test that fails if it is broken. */
enum {
    ASSAY_CAP_THREAD_SAFE = 1u << 0,      /* any thread may call at the same time as others */
    ASSAY_CAP_MANY_HEAPS = 1u << 1,       /* several heaps may be alive at once */
    ASSAY_CAP_PAGE_SOURCE = 1u << 2,      /* every byte comes from config->pages */
    ASSAY_CAP_GROWS = 1u << 3,            /* maps more on demand; without: one region at create */
    ASSAY_CAP_COALESCES = 1u << 4,        /* all freed: the largest first block fits again */
    ASSAY_CAP_TRIMS = 1u << 5,            /* all freed: what was mapped after create is returned */
    ASSAY_CAP_ZERO_SIZE_BLOCK = 1u << 6,  /* alloc(0) gives a block of its own; without: NULL */
    ASSAY_CAP_FREE_INTERIOR = 1u << 7,    /* free, usable_size take any address inside a block */
    ASSAY_CAP_DETECTS_BAD_FREE = 1u << 8, /* free answers ASSAY_INVALID, unharmed, to a non-block */
    ASSAY_CAP_DETECTS_OVERRUN = 1u << 9,  /* check or free reports bytes written past a block */
    ASSAY_CAP_SETS_ERRNO = 1u << 10,      /* refused: errno is ENOMEM; free: errno is as it was */
    ASSAY_CAP_DETECTS_UNDERRUN = 1u << 11, /* check or free reports bytes written before a block */
    /* check, or a request that takes the memory, reports bytes written to a freed block */
    ASSAY_CAP_DETECTS_WRITE_AFTER_FREE = 1u << 12,
    ASSAY_CAP_REALLOC_ZERO_FREES = 1u << 13, /* realloc(block, 0) frees the block and gives NULL */
    ASSAY_CAP_REALLOC_ZERO_BLOCK = 1u << 14, /* realloc(block, 0) gives a block of 0 bytes for it */
    ASSAY_CAP_END = 1u << 15,                /* no promise: all are below it */
};

/* Where a heap gets its memory. Injected, so that tests can count, limit and refuse it. */
struct assay_page_source {
    size_t page_size;
    /* Zero-filled memory aligned to `align` (at least page_size), or NULL. */
    void *(*map)(void *ctx, size_t bytes, size_t align);
    /* Takes back whole pages that map() returned; part of one mapping may go back. */
    void (*unmap)(void *ctx, void *start, size_t bytes);
    void *ctx;
};

struct assay_heap_config {
    size_t limit; /* most bytes mapped at once; without GROWS: the region */
    const struct assay_page_source *pages; /* never NULL, outlives the heap */
    uint64_t seed;                         /* randomised backends: same seed, same behaviour */
    const char *options;                   /* "key=value,key=value" of this backend; never NULL */
};

enum assay_extent_kind { ASSAY_EXTENT_USED, ASSAY_EXTENT_FREE, ASSAY_EXTENT_META };

/*
 * A stretch of memory as walk() reports it. A USED extent holds exactly one block, with its
 * header if it has one, and the block's address lies in it.
 */
struct assay_extent {
    const void *start;
    size_t bytes;
    enum assay_extent_kind kind;
};

/* Called for each extent; false ends the walk. Must not call the heap. */
typedef bool assay_visit_fn(void *arg, const struct assay_extent *extent);

/* What check() found wrong with the heap's own records. */
struct assay_damage {
    const void *where; /* NULL if no single address is to blame */
    char what[120];    /* one sentence without a newline */
};

/* Only what the backend alone can know; ASSAY_UNKNOWN where it does not. */
#define ASSAY_UNKNOWN SIZE_MAX
struct assay_heap_stats {
    size_t mapped_bytes; /* held from the page source */
    size_t used_bytes;   /* inside blocks, by usable size */
    size_t used_blocks;
    size_t largest_free; /* largest request that would succeed without mapping */
};

struct assay_backend {
    uint32_t abi;             /* ASSAY_BACKEND_ABI; read before anything else */
    uint32_t caps;            /* ASSAY_CAP_* */
    size_t min_align;         /* every block is aligned to at least this */
    size_t max_size;          /* larger requests are always refused; SIZE_MAX: no such bound */
    size_t min_limit;         /* create() refuses a smaller config->limit; 0: takes any */
    const char *name;         /* [a-z][a-z0-9_]*, unique; what the user types */
    const char *summary;      /* one line for `list` */
    const char *origin;       /* where the algorithm or the code comes from */
    const char *options_help; /* keys of config->options with their defaults; "" if none */

    /* --- life --- */

    /*
     * REQUIRED. On ASSAY_OK stores the heap in *self; otherwise leaves nothing mapped.
     * `backend` is this table, so that a table made at run time can carry data behind itself.
     */
    ASSAY_MUST_CHECK assay_status (*create)(const struct assay_backend *backend,
                                            const struct assay_heap_config *config, void **self);
    /*
     * REQUIRED. Ends all blocks and gives all pages back. Without ASSAY_CAP_PAGE_SOURCE the
     * caller frees every block first, for the heap belongs to the process.
     */
    void (*destroy)(void *self);

    /* --- allocation: NULL means refused, and then nothing has changed --- */

    /* REQUIRED. */
    void *(*alloc)(void *self, size_t size);
    /* REQUIRED. NULL is ASSAY_OK. */
    ASSAY_MUST_CHECK assay_status (*free)(void *self, void *block);
    /* count * size bytes of zero; NULL if the product overflows. */
    void *(*alloc_zeroed)(void *self, size_t count, size_t size);
    /* Any power of two; the block is aligned to min_align at least. size need not be its multiple. */
    void *(*alloc_aligned)(void *self, size_t align, size_t size);
    /*
     * block may be NULL; size is 0 only for a block, and where a REALLOC_ZERO promise is made. Keeps the
     * smaller of both requests' bytes.
     */
    void *(*realloc)(void *self, void *block, size_t size);

    /* --- questions --- */

    /* Bytes the caller may use, at least what was asked for; 0 for what is known not to be a block. */
    size_t (*usable_size)(void *self, const void *block);
    /* Whether address, a place in memory and no handle, lies in the usable bytes of some block. */
    bool (*owns)(void *self, const void *address);
    /* Present if blocks are handles rather than pointers: where the bytes are. */
    void *(*resolve)(void *self, const void *block);

    /* --- audit --- */

    /* ASSAY_OK, or ASSAY_CORRUPT with *damage filled in. */
    ASSAY_MUST_CHECK assay_status (*check)(void *self, struct assay_damage *damage);
    /* Every extent once, by rising address; together they tile what is mapped. */
    ASSAY_MUST_CHECK assay_status (*walk)(void *self, assay_visit_fn *visit, void *arg);
    void (*stats)(void *self, struct assay_heap_stats *stats);
};

/* The one function that a plug-in (.so) exports; all else stays hidden. */
#define ASSAY_PLUGIN_ENTRY "assay_backend_plugin"
typedef const struct assay_backend *assay_plugin_entry_fn(void);

#ifdef __cplusplus
}
#endif

#endif
