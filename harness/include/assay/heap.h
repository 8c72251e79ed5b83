/*
 * heap.h - one heap: an instance of a backend on a metered page source.
 *
 * Everything that runs operations does it through here. This is also the one place that may make up an
 * operation that a backend does not offer, and only for measuring (assay_heap_make_up).
 */
#ifndef ASSAY_HEAP_H
#define ASSAY_HEAP_H

#include "assay/backend.h"
#include "assay/op.h"
#include "assay/pages.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Stays where it was opened: its backend holds a pointer to its meter. */
struct assay_heap {
    const struct assay_backend *backend;
    void *self; /* the backend's; NULL while closed */
    struct assay_meter meter;
    size_t limit;     /* what the heap really got */
    uint32_t made_up; /* bit (1 << kind) for each operation that the harness made up and that ran */
};

/*
 * What a backend without a limit of its own gets. A backend without GROWS maps all of it at once,
 * untouched pages being free.
 */
#define ASSAY_HEAP_LIMIT ((size_t)4 << 30)

/*
 * Creates a heap on `pages`. limit 0 means ASSAY_HEAP_LIMIT; a limit below the backend's min_limit is
 * raised to it. options may be NULL. On failure nothing is left open. Cheap to call again and again only
 * if the heap is kept and reopened with assay_heap_reopen().
 */
ASSAY_MUST_CHECK assay_status assay_heap_open(struct assay_heap *heap,
                                              const struct assay_backend *backend,
                                              const struct assay_page_source *pages, size_t limit,
                                              uint64_t seed, const char *options);
/*
 * Ends all blocks and gives back all pages, also those the backend forgot. *leaked_bytes, unless NULL, is
 * how much was still mapped after the backend's destroy(): 0 for a correct one with PAGE_SOURCE.
 */
void assay_heap_close(struct assay_heap *heap, size_t *leaked_bytes);
/* The same heap anew on the same meter, after assay_heap_destroy(): no mapping of books. */
ASSAY_MUST_CHECK assay_status assay_heap_reopen(struct assay_heap *heap, size_t limit,
                                                uint64_t seed, const char *options);
/* Ends the backend's part only; the meter stays. */
void assay_heap_destroy(struct assay_heap *heap, size_t *leaked_bytes);

/* Where the bytes of block are: block itself but for backends of handles. */
static inline void *assay_heap_resolve(const struct assay_heap *heap, void *block)
{
    return heap->backend->resolve ? heap->backend->resolve(heap->self, block) : block;
}

/* Whether the backend itself offers what an operation of this kind calls. */
bool assay_backend_offers(const struct assay_backend *backend, enum assay_op_kind kind);
/* Whether the backend promises all of caps. */
static inline bool assay_backend_claims(const struct assay_backend *backend, uint32_t caps)
{
    return (backend->caps & caps) == caps;
}

/*
 * For measuring only: alloc_zeroed as alloc and memset, realloc as alloc, copy and free. old_size
 * is what `block` was last asked for with. Sets heap->made_up. NULL is refused, block is then intact.
 */
void *assay_heap_made_up_zeroed(struct assay_heap *heap, size_t count, size_t size);
void *assay_heap_made_up_realloc(struct assay_heap *heap, void *block, size_t old_size,
                                 size_t size);

/* "thread_safe", ...: the capability of bit `bit` in the words of the command line; NULL beyond. */
const char *assay_cap_name(unsigned bit);
/* "out of memory", ...: for messages. */
const char *assay_status_text(assay_status status);

#ifdef __cplusplus
}
#endif

#endif
