/* test_posix - each question about malloc and its family is answered no by functions that break it, and by no other. */
#include "assay/posix.h"

#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

static const struct assay_c_functions sound = {
    .malloc = malloc,
    .free = free,
    .calloc = calloc,
    .realloc = realloc,
    .reallocarray = reallocarray,
    .posix_memalign = posix_memalign,
    .aligned_alloc = aligned_alloc,
    .memalign = memalign,
    .valloc = valloc,
    .pvalloc = pvalloc,
    .malloc_usable_size = malloc_usable_size,
};

static struct assay_conformance_result ask(const struct assay_c_functions *functions,
                                           const char *name)
{
    struct assay_conformance_result result = {.name = ""};

    for (size_t i = 0; i < assay_posix_count(); i++) {
        assert_int_equal(assay_posix_run(functions, i, &result), ASSAY_OK);
        if (strcmp(result.name, name) == 0)
            return result;
    }
    fail_msg("there is no question %s", name);
    return result;
}

static void expect_broken(const struct assay_c_functions *functions, const char *name,
                          const char *why)
{
    struct assay_conformance_result result = ask(functions, name);

    assert_int_equal(result.verdict, ASSAY_BROKEN);
    if (!strstr(result.why, why))
        fail_msg("%s: %s", name, result.why);
}

static void the_c_library_breaks_nothing(void **state)
{
    struct assay_conformance_result result;

    (void)state;
    for (size_t i = 0; i < assay_posix_count(); i++) {
        assert_int_equal(assay_posix_run(&sound, i, &result), ASSAY_OK);
        if (result.verdict != ASSAY_KEPT && result.verdict != ASSAY_COULD_CLAIM)
            fail_msg("%s: %s", result.name, result.why);
    }
}

static void what_is_missing_is_not_asked(void **state)
{
    const struct assay_c_functions few = {.malloc = malloc, .free = free};
    struct assay_conformance_result result;

    (void)state;
    for (size_t i = 0; i < assay_posix_count(); i++) {
        assert_int_equal(assay_posix_run(&few, i, &result), ASSAY_OK);
        bool is_there = strcmp(result.needs, "malloc") == 0;
        assert_int_equal(result.verdict != ASSAY_NOT_CLAIMED, is_there);
    }
}

/* --- liars, one for each question --- */

static void *quiet_malloc(size_t size)
{
    int before = errno;
    void *block = malloc(size);

    errno = block ? errno : before;
    return block;
}

static void free_with_errno(void *block)
{
    free(block);
    errno = EINVAL;
}

static void *zeroing_malloc(size_t size)
{
    void *block = malloc(size);

    errno = 0;
    return block;
}

static void *crooked_malloc(size_t size)
{
    char *block = malloc(size + 16);

    return block + 8;
}

static void *wrapping_calloc(size_t count, size_t size)
{
    return calloc(1, count * size);
}

static void *freeing_realloc(void *block, size_t size)
{
    void *moved = realloc(block, size);

    if (!moved && block)
        memset(block, 0, 8);
    return moved;
}

static void *wrapping_reallocarray(void *block, size_t count, size_t size)
{
    return realloc(block, count * size);
}

static int trusting_posix_memalign(void **block, size_t align, size_t size)
{
    return posix_memalign(block, align < 16 || align & (align - 1) ? 16 : align, size);
}

static int clearing_posix_memalign(void **block, size_t align, size_t size)
{
    int code = posix_memalign(block, align, size);

    if (code != 0)
        *block = NULL;
    return code;
}

static int crooked_posix_memalign(void **block, size_t align, size_t size)
{
    return posix_memalign(block, align > 4096 ? 4096 : align, size);
}

static void *crooked_memalign(size_t align, size_t size)
{
    return memalign(align > 4096 ? 4096 : align, size);
}

static void *plain_valloc(size_t size)
{
    return malloc(size);
}

static size_t usable_size_of_null(void *block)
{
    return block ? malloc_usable_size(block) : 16;
}

/* One block of 0 bytes for all, which free() takes into its list each time. */
static void *shared_empty_malloc(size_t size)
{
    static void *empty;

    if (size > 0)
        return malloc(size);
    if (!empty)
        empty = malloc(100);
    return empty;
}

static void *forgetful_realloc(void *block, size_t size)
{
    size_t old = block ? malloc_usable_size(block) : 0;
    void *moved = malloc(size);

    if (moved && block) {
        size_t kept = old < size ? old : size;
        memcpy(moved, block, kept > 4096 ? 4096 : kept);
        free(block);
    }
    return moved;
}

/* A cache of one block for each thread, which the library lets go when the thread ends, and uses after. */
static pthread_key_t cache_key;
static _Thread_local void **cache;

static void end_cache(void *arg)
{
    free(arg);
    memset(&cache, 0x5a, sizeof cache);
}

static void *caching_malloc(size_t size)
{
    if (!cache) {
        cache = calloc(1, sizeof *cache);
        pthread_setspecific(cache_key, cache);
    }
    void *block = size <= 1000 && *cache ? *cache : malloc(size <= 1000 ? 1000 : size);
    if (block == *cache)
        *cache = NULL;
    return block;
}

/* free() that a child of a process with threads cannot call: the lock is another's. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void *locking_malloc(size_t size)
{
    pthread_mutex_lock(&lock);
    for (volatile int i = 0; i < 300; i++)
        ;
    void *block = malloc(size);
    pthread_mutex_unlock(&lock);
    return block;
}

static void what_the_c_library_would_have_to_do_is_listed(void **state)
{
    struct assay_c_functions functions = sound;

    (void)state;
    functions.valloc = NULL;
    functions.realloc = NULL;
    struct assay_conformance_result result = ask(&functions, "the_whole_family_is_there");
    assert_int_equal(result.verdict, ASSAY_NOT_CLAIMED);
    assert_string_equal(result.why, "preloaded it would leave to the C library: realloc valloc");
}

static void each_broken_promise_is_told(void **state)
{
    (void)state;
#define LIAR(member, lie, name, why)                                                               \
    do {                                                                                           \
        struct assay_c_functions functions = sound;                                                \
        functions.member = lie;                                                                    \
        expect_broken(&functions, name, why);                                                      \
    } while (0)
    LIAR(malloc, quiet_malloc, "malloc_of_too_much_sets_errno", "not ENOMEM");
    LIAR(free, free_with_errno, "free_leaves_errno_as_it_was", "sets errno to 22");
    LIAR(malloc, zeroing_malloc, "errno_is_never_set_to_0", "sets errno to 0");
    LIAR(malloc, crooked_malloc, "malloc_aligns_for_every_type", "not aligned to 16");
    LIAR(calloc, wrapping_calloc, "calloc_of_too_much_sets_errno", "gives a block");
    LIAR(realloc, freeing_realloc, "realloc_of_too_much_sets_errno_and_keeps_the_block",
         "changed its content");
    LIAR(reallocarray, wrapping_reallocarray,
         "reallocarray_of_too_much_sets_errno_and_keeps_the_block", "");
    LIAR(posix_memalign, trusting_posix_memalign, "posix_memalign_refuses_what_is_no_alignment",
         "not EINVAL");
    LIAR(posix_memalign, clearing_posix_memalign,
         "a_refused_posix_memalign_leaves_the_pointer_alone", "changes the pointer");
    LIAR(posix_memalign, crooked_posix_memalign, "posix_memalign_aligns", "not aligned");
    LIAR(aligned_alloc, crooked_memalign, "aligned_alloc_aligns", "not aligned");
    LIAR(memalign, crooked_memalign, "memalign_aligns", "not aligned");
    LIAR(valloc, plain_valloc, "valloc_gives_pages", "no page");
    LIAR(pvalloc, valloc, "pvalloc_gives_whole_pages", "less than whole pages");
    LIAR(malloc_usable_size, usable_size_of_null, "null_has_no_usable_size", "is 16");
    LIAR(malloc, shared_empty_malloc, "what_is_given_for_0_bytes_can_be_freed", "");
    LIAR(realloc, forgetful_realloc, "blocks_of_every_function_can_be_resized", "lost byte");
    assert_int_equal(pthread_key_create(&cache_key, end_cache), 0);
    LIAR(malloc, caching_malloc, "threads_may_free_while_they_end", "crashed");
}

static void a_lock_that_a_child_inherits_is_no_promise_kept(void **state)
{
    struct assay_c_functions functions = sound;
    struct assay_conformance_result result;

    (void)state;
    functions.malloc = locking_malloc;
    result = ask(&functions, "a_child_of_many_threads_can_allocate");
    assert_int_equal(result.verdict, ASSAY_NOT_CLAIMED);
    assert_non_null(strstr(result.why, "waits for a lock"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_c_library_breaks_nothing),
        cmocka_unit_test(what_is_missing_is_not_asked),
        cmocka_unit_test(what_the_c_library_would_have_to_do_is_listed),
        cmocka_unit_test(each_broken_promise_is_told),
        cmocka_unit_test(a_lock_that_a_child_inherits_is_no_promise_kept),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
