/*
 * stack - memory comes back in reverse order: a plug-in for assay, to start one's own from.
 *
 *   [ heap | header, block | header, block | ... top                          end ]
 *
 * A block that is freed out of order waits until all above it are free.
 *
 *     cc -shared -fPIC -fvisibility=hidden -o stack.so stack.c $(pkg-config --cflags assay)
 *     assay doctor --backend plugin:./stack.so
 */
#include <assay/backend.h>

#define ALIGN ((size_t)16)

struct header {
    struct header *below; /* NULL: the lowest block */
    size_t size_and_used; /* usable size, a multiple of ALIGN, plus 1 while in use */
};

_Static_assert(sizeof(struct header) % ALIGN == 0, "blocks stay aligned");

struct stack {
    const struct assay_page_source *pages;
    size_t bytes;
    char *top;
    char *end;
    struct header *highest;
    size_t unused; /* keeps the size a multiple of ALIGN */
};

_Static_assert(sizeof(struct stack) % ALIGN == 0, "the first header is aligned");

static assay_status stack_create(const struct assay_backend *backend,
                                 const struct assay_heap_config *config, void **self)
{
    const struct assay_page_source *pages = config->pages;
    size_t bytes = config->limit / pages->page_size * pages->page_size;
    struct stack *stack;

    if (config->limit < backend->min_limit)
        return ASSAY_NO_MEMORY;
    stack = pages->map(pages->ctx, bytes, pages->page_size);
    if (!stack)
        return ASSAY_NO_MEMORY;
    stack->pages = pages;
    stack->bytes = bytes;
    stack->top = (char *)(stack + 1);
    stack->end = (char *)stack + bytes;
    stack->highest = NULL;
    *self = stack;
    return ASSAY_OK;
}

static void stack_destroy(void *self)
{
    struct stack *stack = self;

    stack->pages->unmap(stack->pages->ctx, stack, stack->bytes);
}

static void *stack_alloc(void *self, size_t size)
{
    struct stack *stack = self;
    size_t room = (size_t)(stack->end - stack->top);
    struct header *header = (struct header *)(void *)stack->top;

    if (room < sizeof *header + ALIGN || size > room - sizeof *header - (ALIGN - 1))
        return NULL;
    size = size ? (size + ALIGN - 1) / ALIGN * ALIGN : ALIGN;
    header->below = stack->highest;
    header->size_and_used = size | 1;
    stack->highest = header;
    stack->top += sizeof *header + size;
    return header + 1;
}

static assay_status stack_free(void *self, void *block)
{
    struct stack *stack = self;

    if (!block)
        return ASSAY_OK;
    ((struct header *)block - 1)->size_and_used &= ~(size_t)1;
    while (stack->highest && !(stack->highest->size_and_used & 1)) {
        stack->top = (char *)stack->highest;
        stack->highest = stack->highest->below;
    }
    return ASSAY_OK;
}

static size_t stack_usable_size(void *self, const void *block)
{
    (void)self;
    return block ? ((const struct header *)block - 1)->size_and_used & ~(size_t)1 : 0;
}

/* What is not offered stays NULL; what is claimed in caps is tested. */
static const struct assay_backend stack_backend = {
    .abi = ASSAY_BACKEND_ABI,
    .caps = ASSAY_CAP_MANY_HEAPS | ASSAY_CAP_PAGE_SOURCE | ASSAY_CAP_COALESCES |
            ASSAY_CAP_ZERO_SIZE_BLOCK,
    .min_align = ALIGN,
    .max_size = SIZE_MAX,
    .min_limit = 4096,
    .name = "stack",
    .summary = "memory comes back in reverse order: the example of a plug-in",
    .origin = "assay",
    .options_help = "",
    .create = stack_create,
    .destroy = stack_destroy,
    .alloc = stack_alloc,
    .free = stack_free,
    .usable_size = stack_usable_size,
};

__attribute__((visibility("default"))) const struct assay_backend *assay_backend_plugin(void);

const struct assay_backend *assay_backend_plugin(void)
{
    return &stack_backend;
}
