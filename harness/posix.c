/* posix.c - the questions about malloc and its family that need one thread only, and the table of all. */
#include "assay/posix.h"

#include "assay/sizes.h"
#include "posix_questions.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TOO_MUCH ((size_t)PTRDIFF_MAX + 1)
#define UNSEEN ((void *)(uintptr_t)0x5a50) /* what a pointer holds that must be left alone */
#define SMALL 200

static size_t page_bytes(void)
{
    return (size_t)sysconf(_SC_PAGESIZE);
}

/* The smallest that every machine has for long double and the like; less is enough for smaller blocks. */
static size_t align_for(size_t size)
{
    size_t align = _Alignof(max_align_t);

    while (align > size && align > 1)
        align /= 2;
    return align;
}

/* A refusal is NULL and ENOMEM. */
static void expect_refused(struct trial *trial, const char *what, size_t size, const void *block)
{
    int code = errno;

    EXPECT(trial, !block, "%s of %zu bytes gives a block", what, size);
    EXPECT(trial, code == ENOMEM, "%s of %zu bytes is refused with errno %d (%s), not ENOMEM", what,
           size, code, code ? strerror(code) : "not set");
}

static void *small_block(struct trial *trial)
{
    unsigned char *block = trial->functions->malloc(SMALL);

    EXPECT(trial, block, "malloc(%d) is refused", SMALL);
    trial_write(block, SMALL, SMALL);
    return block;
}

static void expect_small_block(struct trial *trial, void *block, const char *after)
{
    EXPECT(trial, trial_holds(block, SMALL, SMALL), "a live block changed its content after %s",
           after);
    trial->functions->free(block);
}

static const size_t too_much[] = {TOO_MUCH, TOO_MUCH + 4096, SIZE_MAX - 4096, SIZE_MAX - 16,
                                  SIZE_MAX};
#define TOO_MUCHES (sizeof too_much / sizeof *too_much)

static void malloc_of_too_much(struct trial *trial)
{
    for (size_t i = 0; i < TOO_MUCHES; i++) {
        errno = 0;
        expect_refused(trial, "malloc", too_much[i], trial->functions->malloc(too_much[i]));
    }
}

static void calloc_of_too_much(struct trial *trial)
{
    static const size_t factors[][2] = {{1, SIZE_MAX},
                                        {SIZE_MAX, 1},
                                        {SIZE_MAX / 2 + 1, 2},
                                        {(size_t)1 << 32, ((size_t)1 << 32) + 1},
                                        {3, SIZE_MAX / 3 + 8}};

    for (size_t i = 0; i < sizeof factors / sizeof *factors; i++) {
        errno = 0;
        void *block = trial->functions->calloc(factors[i][0], factors[i][1]);
        int code = errno;
        EXPECT(trial, !block, "calloc(%zu, %zu) gives a block", factors[i][0], factors[i][1]);
        EXPECT(trial, code == ENOMEM, "calloc(%zu, %zu) is refused with errno %d, not ENOMEM",
               factors[i][0], factors[i][1], code);
    }
}

static void realloc_of_too_much(struct trial *trial)
{
    for (size_t i = 0; i < TOO_MUCHES; i++) {
        void *block = small_block(trial);
        errno = 0;
        expect_refused(trial, "realloc", too_much[i],
                       trial->functions->realloc(block, too_much[i]));
        expect_small_block(trial, block, "a refused realloc()");
    }
}

static void reallocarray_of_too_much(struct trial *trial)
{
    static const size_t factors[][2] = {
        {SIZE_MAX / 2 + 1, 2}, {2, SIZE_MAX / 2 + 1}, {((size_t)1 << 32) + 1, (size_t)1 << 32}};

    for (size_t i = 0; i < sizeof factors / sizeof *factors; i++) {
        void *block = small_block(trial);
        errno = 0;
        void *moved = trial->functions->reallocarray(block, factors[i][0], factors[i][1]);
        int code = errno;
        EXPECT(trial, !moved, "reallocarray(block, %zu, %zu) gives a block", factors[i][0],
               factors[i][1]);
        EXPECT(trial, code == ENOMEM, "a product that wraps has reallocarray set errno to %d",
               code);
        expect_small_block(trial, block, "a refused reallocarray()");
    }
}

/* Sizes for which a heap goes different ways: a list, a page, a mapping of its own. */
static const size_t errno_sizes[] = {1, 100, 4000, 70000, 300000, 3000000};
#define ERRNO_SIZES (sizeof errno_sizes / sizeof *errno_sizes)

/* POSIX.1-2024; a heap that gives pages back must not let a failed munmap() show. */
static void free_leaves_errno(struct trial *trial)
{
    void *blocks[ERRNO_SIZES * 4];

    for (size_t i = 0; i < ERRNO_SIZES * 4; i++)
        blocks[i] = trial->functions->malloc(errno_sizes[i % ERRNO_SIZES]);
    for (size_t i = 0; i < ERRNO_SIZES * 4; i++) {
        errno = ESRCH; /* of no function here */
        trial->functions->free(blocks[i]);
        EXPECT(trial, errno == ESRCH, "free() of a block of %zu bytes sets errno to %d",
               errno_sizes[i % ERRNO_SIZES], errno);
    }
    errno = ESRCH;
    trial->functions->free(NULL);
    EXPECT(trial, errno == ESRCH, "free(NULL) sets errno to %d", errno);
}

/* C11 7.5: it is never set to zero by any library function. */
static void errno_is_never_zeroed(struct trial *trial)
{
    const struct assay_c_functions *functions = trial->functions;

    for (size_t i = 0; i < ERRNO_SIZES; i++) {
        size_t size = errno_sizes[i];
        errno = ESRCH;
        void *block = functions->malloc(size);
        EXPECT(trial, errno != 0, "malloc(%zu) sets errno to 0", size);
        void *zeros = functions->calloc ? functions->calloc(1, size) : NULL;
        EXPECT(trial, errno != 0, "calloc(1, %zu) sets errno to 0", size);
        void *moved = functions->realloc ? functions->realloc(block, 2 * size) : NULL;
        EXPECT(trial, errno != 0, "realloc() of %zu bytes to twice as many sets errno to 0", size);
        functions->free(moved ? moved : block);
        functions->free(zeros);
        EXPECT(trial, errno != 0, "free() of a block of %zu bytes sets errno to 0", size);
    }
}

static void blocks_are_aligned(struct trial *trial)
{
    void *blocks[512];
    size_t count = sizeof blocks / sizeof *blocks;

    for (size_t i = 0; i < count; i++) {
        size_t size = 1 + (i % 128) * (i < 256 ? 1 : 37);
        blocks[i] = trial->functions->malloc(size);
        EXPECT(trial, assay_is_aligned(blocks[i], align_for(size)),
               "malloc(%zu) gives %p, which is not aligned to %zu", size, blocks[i],
               align_for(size));
    }
    for (size_t i = 0; i < count; i++)
        trial->functions->free(blocks[i]);
}

static void posix_memalign_refuses(struct trial *trial)
{
    static const size_t wrong[] = {0,  1,  sizeof(void *) / 2, sizeof(void *) + 1,
                                   12, 24, 4096 + 8,           SIZE_MAX};

    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        void *block = NULL;
        int code = trial->functions->posix_memalign(&block, wrong[i], 64);
        EXPECT(trial, code == EINVAL,
               "posix_memalign() with an alignment of %zu gives %d, not EINVAL", wrong[i], code);
    }
}

static void posix_memalign_leaves_the_pointer(struct trial *trial)
{
    void *block = UNSEEN;

    int code = trial->functions->posix_memalign(&block, 64, SIZE_MAX - 4096);
    EXPECT(trial, code == ENOMEM, "posix_memalign() of too much gives %d, not ENOMEM", code);
    EXPECT(trial, block == UNSEEN, "a posix_memalign() that is refused changes the pointer to %p",
           block);
    code = trial->functions->posix_memalign(&block, 24, 64);
    EXPECT(trial, code == 0 || block == UNSEEN,
           "posix_memalign() with a wrong alignment changes the pointer to %p", block);
    code = trial->functions->posix_memalign(&block, TOO_MUCH, 64);
    EXPECT(trial, code != 0 && block == UNSEEN,
           "posix_memalign() with an alignment of %zu gives %d and the pointer %p", TOO_MUCH, code,
           block);
}

/* Each aligned allocation in one form; NULL: refused. */
static void *by_posix_memalign(const struct assay_c_functions *functions, size_t align, size_t size)
{
    void *block = NULL;

    return functions->posix_memalign(&block, align, size) == 0 ? block : NULL;
}

static void *by_aligned_alloc(const struct assay_c_functions *functions, size_t align, size_t size)
{
    return functions->aligned_alloc(align, assay_align_up(size, align));
}

static void *by_memalign(const struct assay_c_functions *functions, size_t align, size_t size)
{
    return functions->memalign(align, size);
}

typedef void *aligned_function(const struct assay_c_functions *functions, size_t align,
                               size_t size);

static void expect_aligned_blocks(struct trial *trial, const char *name, aligned_function *allocate)
{
    static const size_t sizes[] = {1, 24, 100, 4096, 5000, 70000};
    const struct assay_c_functions *functions = trial->functions;
    void *blocks[sizeof sizes / sizeof *sizes];

    for (size_t align = sizeof(void *); align <= (size_t)1 << 20; align *= 2) {
        for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
            blocks[i] = allocate(functions, align, sizes[i]);
            EXPECT(trial, blocks[i], "%s of %zu bytes at %zu is refused", name, sizes[i], align);
            EXPECT(trial, assay_is_aligned(blocks[i], align),
                   "%s of %zu bytes at %zu gives %p, which is not aligned", name, sizes[i], align,
                   blocks[i]);
            trial_write(blocks[i], sizes[i], sizes[i]);
        }
        for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
            EXPECT(trial, trial_holds(blocks[i], sizes[i], sizes[i]),
                   "a block of %s of %zu bytes at %zu changed its content", name, sizes[i], align);
            functions->free(blocks[i]);
        }
    }
}

static void posix_memalign_aligns(struct trial *trial)
{
    expect_aligned_blocks(trial, "posix_memalign", by_posix_memalign);
}

static void aligned_alloc_aligns(struct trial *trial)
{
    expect_aligned_blocks(trial, "aligned_alloc", by_aligned_alloc);
    errno = 0;
    expect_refused(trial, "aligned_alloc", SIZE_MAX - 63,
                   trial->functions->aligned_alloc(64, SIZE_MAX - 63));
}

static void memalign_aligns(struct trial *trial)
{
    expect_aligned_blocks(trial, "memalign", by_memalign);
    EXPECT(trial,
           !trial->functions->memalign(64, SIZE_MAX - 63), /* no standard says with which errno */
           "memalign of too much gives a block");
}

static void valloc_gives_pages(struct trial *trial)
{
    for (size_t size = 1; size < 100000; size = size * 3 + 1) {
        void *block = trial->functions->valloc(size);
        EXPECT(trial, block && assay_is_aligned(block, page_bytes()),
               "valloc(%zu) gives %p, which is no page", size, block);
        trial_write(block, size, size);
        trial->functions->free(block);
    }
}

static void pvalloc_gives_whole_pages(struct trial *trial)
{
    for (size_t size = 1; size < 100000; size = size * 3 + 1) {
        size_t whole = assay_align_up(size, page_bytes());
        void *block = trial->functions->pvalloc(size);
        EXPECT(trial, block && assay_is_aligned(block, page_bytes()),
               "pvalloc(%zu) gives %p, which is no page", size, block);
        if (trial->functions->malloc_usable_size)
            EXPECT(trial, trial->functions->malloc_usable_size(block) >= whole,
                   "pvalloc(%zu) gives less than whole pages", size);
        trial_write(block, whole, size);
        trial->functions->free(block);
    }
}

static void null_has_no_usable_size(struct trial *trial)
{
    size_t usable = trial->functions->malloc_usable_size(NULL);

    EXPECT(trial, usable == 0, "malloc_usable_size(NULL) is %zu", usable);
}

/* One block of each function that is there; NULL elsewhere. */
#define WAYS 9
static size_t one_of_each(const struct assay_c_functions *functions, size_t size,
                          void *blocks[WAYS])
{
    size_t count = 0;

    blocks[count++] = functions->malloc(size);
    if (functions->calloc)
        blocks[count++] = functions->calloc(size, 1);
    if (functions->realloc)
        blocks[count++] = functions->realloc(NULL, size);
    if (functions->reallocarray)
        blocks[count++] = functions->reallocarray(NULL, 1, size);
    if (functions->posix_memalign)
        blocks[count++] = by_posix_memalign(functions, 512, size);
    if (functions->aligned_alloc)
        blocks[count++] = by_aligned_alloc(functions, 64, size);
    if (functions->memalign)
        blocks[count++] = functions->memalign(128, size);
    if (functions->valloc)
        blocks[count++] = functions->valloc(size);
    if (functions->pvalloc)
        blocks[count++] = functions->pvalloc(size);
    return count;
}

static void nothing_can_be_freed(struct trial *trial)
{
    for (int round = 0; round < 20; round++) {
        void *before = small_block(trial), *empty[WAYS];
        size_t count = one_of_each(trial->functions, 0, empty);
        void *after = small_block(trial);
        for (size_t i = 0; i < count; i++)
            trial->functions->free(empty[i]);
        expect_small_block(trial, before, "blocks of 0 bytes were freed");
        expect_small_block(trial, after, "blocks of 0 bytes were freed");
    }
}

static void any_block_can_be_resized(struct trial *trial)
{
    static const size_t sizes[] = {1, 16, 100, 1000, 4096, 5000, 40000, 300000};
    const struct assay_c_functions *functions = trial->functions;

    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        for (size_t j = 0; j < sizeof sizes / sizeof *sizes; j++) {
            void *blocks[WAYS];
            size_t kept = sizes[i] < sizes[j] ? sizes[i] : sizes[j];
            size_t count = one_of_each(functions, sizes[i], blocks);
            for (size_t k = 0; k < count; k++) {
                EXPECT(trial, blocks[k], "one of the functions refuses %zu bytes", sizes[i]);
                memset(blocks[k], (int)(17 + k), sizes[i]);
            }
            for (size_t k = 0; k < count; k++) {
                unsigned char *moved = functions->realloc(blocks[k], sizes[j]);
                EXPECT(trial, moved, "realloc() from %zu to %zu bytes is refused", sizes[i],
                       sizes[j]);
                for (size_t byte = 0; byte < kept; byte++)
                    EXPECT(trial, moved[byte] == 17 + k,
                           "realloc() of a block of another function from %zu to %zu bytes lost "
                           "byte %zu",
                           sizes[i], sizes[j], byte);
                functions->free(moved);
            }
        }
    }
}

/* Preloaded, such a library would leave the rest to the C library, whose blocks are of another heap. */
static void the_family_is_whole(struct trial *trial)
{
    const struct assay_c_functions *functions = trial->functions;
    char missing[160] = "";
    size_t length = 0;

#define LIST_IF_MISSING(member)                                                                    \
    if (!functions->member)                                                                        \
    length += (size_t)snprintf(missing + length, sizeof missing - length, " %s", #member)
    LIST_IF_MISSING(calloc);
    LIST_IF_MISSING(realloc);
    LIST_IF_MISSING(reallocarray);
    LIST_IF_MISSING(posix_memalign);
    LIST_IF_MISSING(aligned_alloc);
    LIST_IF_MISSING(memalign);
    LIST_IF_MISSING(valloc);
    LIST_IF_MISSING(pvalloc);
    LIST_IF_MISSING(malloc_usable_size);
#undef LIST_IF_MISSING
    EXPECT(trial, length == 0, "preloaded it would leave to the C library:%s", missing);
}

#define NEEDS(function) .needs = #function, .offset = offsetof(struct assay_c_functions, function)

static const struct posix_question questions[] = {
    {"the_whole_family_is_there", the_family_is_whole, .needs = "", .is_custom = true},
    {"malloc_of_too_much_sets_errno", malloc_of_too_much, NEEDS(malloc)},
    {"free_leaves_errno_as_it_was", free_leaves_errno, NEEDS(malloc)},
    {"errno_is_never_set_to_0", errno_is_never_zeroed, NEEDS(malloc)},
    {"malloc_aligns_for_every_type", blocks_are_aligned, NEEDS(malloc)},
    {"calloc_of_too_much_sets_errno", calloc_of_too_much, NEEDS(calloc)},
    {"realloc_of_too_much_sets_errno_and_keeps_the_block", realloc_of_too_much, NEEDS(realloc)},
    {"reallocarray_of_too_much_sets_errno_and_keeps_the_block", reallocarray_of_too_much,
     NEEDS(reallocarray)},
    {"posix_memalign_aligns", posix_memalign_aligns, NEEDS(posix_memalign)},
    {"posix_memalign_refuses_what_is_no_alignment", posix_memalign_refuses, NEEDS(posix_memalign)},
    {"a_refused_posix_memalign_leaves_the_pointer_alone", posix_memalign_leaves_the_pointer,
     NEEDS(posix_memalign)},
    {"aligned_alloc_aligns", aligned_alloc_aligns, NEEDS(aligned_alloc)},
    {"memalign_aligns", memalign_aligns, NEEDS(memalign)},
    {"valloc_gives_pages", valloc_gives_pages, NEEDS(valloc)},
    {"pvalloc_gives_whole_pages", pvalloc_gives_whole_pages, NEEDS(pvalloc)},
    {"null_has_no_usable_size", null_has_no_usable_size, NEEDS(malloc_usable_size)},
    {"what_is_given_for_0_bytes_can_be_freed", nothing_can_be_freed, NEEDS(malloc)},
    {"blocks_of_every_function_can_be_resized", any_block_can_be_resized, NEEDS(realloc)},
    {"threads_may_free_while_they_end", posix_threads_free_while_they_end, NEEDS(malloc)},
    {"a_child_of_many_threads_can_allocate", posix_children_of_many_threads, NEEDS(malloc),
     .is_custom = true},
};

size_t assay_posix_count(void)
{
    return sizeof questions / sizeof *questions;
}

assay_status assay_posix_run(const struct assay_c_functions *functions, size_t index,
                             struct assay_conformance_result *result)
{
    const struct posix_question *question = &questions[index];
    struct trial trial = {.functions = functions, .claimed = !question->is_custom};
    void *function;

    *result = (struct assay_conformance_result){
        .name = question->name, .needs = question->needs, .verdict = ASSAY_NOT_CLAIMED};
    memcpy(&function, (const char *)functions + question->offset, sizeof function);
    return function ? trial_run(&trial, question->run, result) : ASSAY_OK;
}
