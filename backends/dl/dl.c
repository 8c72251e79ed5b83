/*
 * dl - any library with malloc and free, through the addresses of its functions.
 *
 * One heap, the library's, as large as the process: no limit, no page source. What the library does
 * not export stays NULL in the table.
 */
#include "dl.h"

#include "assay/sizes.h"

#include <errno.h>

#define MOST_ALIGN 16 /* malloc promises no more; what is seen beyond is luck */
#define PROBES 512

static assay_status dl_create(const struct assay_backend *backend,
                              const struct assay_heap_config *config, void **self)
{
    if (config->options[0] != '\0')
        return ASSAY_INVALID;
    *self = (void *)(uintptr_t)backend; /* the library: functions only read it */
    return ASSAY_OK;
}

static void dl_destroy(void *self)
{
    (void)self;
}

static void *dl_alloc(void *self, size_t size)
{
    const struct dl_library *library = self;

    return library->functions.malloc(size);
}

static assay_status dl_free(void *self, void *block)
{
    const struct dl_library *library = self;

    library->functions.free(block);
    return ASSAY_OK;
}

static void *dl_alloc_zeroed(void *self, size_t count, size_t size)
{
    const struct dl_library *library = self;

    return library->functions.calloc(count, size);
}

/* posix_memalign and memalign want at least this. */
static size_t at_least_pointer(size_t align)
{
    return align < sizeof(void *) ? sizeof(void *) : align;
}

static void *dl_posix_memalign(void *self, size_t align, size_t size)
{
    const struct dl_library *library = self;
    void *block = NULL;

    int why = library->functions.posix_memalign(&block, at_least_pointer(align), size);
    if (why != 0)
        errno = why;
    return why == 0 ? block : NULL;
}

static void *dl_memalign(void *self, size_t align, size_t size)
{
    const struct dl_library *library = self;

    return library->functions.memalign(at_least_pointer(align), size);
}

/* C11 had aligned_alloc refuse a size that is no multiple of the alignment, and some still do. */
static void *dl_aligned_alloc(void *self, size_t align, size_t size)
{
    const struct dl_library *library = self;

    align = at_least_pointer(align);
    return library->functions.aligned_alloc(align, assay_align_up(size, align));
}

static void *dl_realloc(void *self, void *block, size_t size)
{
    const struct dl_library *library = self;

    return library->functions.realloc(block, size);
}

static size_t dl_usable_size(void *self, const void *block)
{
    const struct dl_library *library = self;

    return library->functions.malloc_usable_size((void *)(uintptr_t)block);
}

/* The alignment that blocks of all small sizes share; several of each, the first may be lucky. */
static size_t probe_align(const struct assay_c_functions *functions)
{
    void *blocks[PROBES];
    uintptr_t bits = MOST_ALIGN;

    for (size_t i = 0; i < PROBES; i++) {
        blocks[i] = functions->malloc(1 + i / 4);
        bits |= (uintptr_t)blocks[i];
    }
    for (size_t i = 0; i < PROBES; i++)
        functions->free(blocks[i]);
    return (size_t)(bits & -bits);
}

static bool probe_zero_size(const struct assay_c_functions *functions)
{
    void *one = functions->malloc(0), *other = functions->malloc(0);
    bool own = one && other && one != other;

    functions->free(one);
    functions->free(other);
    return own;
}

/* Which promise about realloc(block, 0) is kept, 0 if none: a block that comes again was freed. */
static uint32_t probe_realloc_zero(const struct assay_c_functions *functions)
{
    void *blocks[PROBES];

    for (size_t i = 0; i < PROBES && functions->realloc; i++) {
        blocks[i] = functions->malloc(64);
        void *empty = blocks[i] ? functions->realloc(blocks[i], 0) : NULL;
        if (empty) {
            functions->free(empty);
            return ASSAY_CAP_REALLOC_ZERO_BLOCK;
        }
        for (size_t j = 0; j < i; j++)
            if (blocks[i] && blocks[j] == blocks[i])
                return ASSAY_CAP_REALLOC_ZERO_FREES;
    }
    return 0;
}

void dl_make_table(struct dl_library *library)
{
    const struct assay_c_functions *functions = &library->functions;
    bool zero_size = probe_zero_size(functions);

    library->table = (struct assay_backend){
        .abi = ASSAY_BACKEND_ABI,
        .caps = ASSAY_CAP_THREAD_SAFE | ASSAY_CAP_GROWS |
                (zero_size ? (uint32_t)ASSAY_CAP_ZERO_SIZE_BLOCK : 0) |
                probe_realloc_zero(functions),
        .min_align = probe_align(functions),
        .max_size = SIZE_MAX,
        .name = library->name,
        .summary = library->summary,
        .origin = "shared library",
        .options_help = "",
        .create = dl_create,
        .destroy = dl_destroy,
        .alloc = dl_alloc,
        .free = dl_free,
        .alloc_zeroed = functions->calloc ? dl_alloc_zeroed : NULL,
        .alloc_aligned = functions->posix_memalign  ? dl_posix_memalign
                         : functions->memalign      ? dl_memalign
                         : functions->aligned_alloc ? dl_aligned_alloc
                                                    : NULL,
        .realloc = functions->realloc ? dl_realloc : NULL,
        .usable_size = functions->malloc_usable_size ? dl_usable_size : NULL,
    };
}
