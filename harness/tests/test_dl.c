/* test_dl - malloc libraries at run time: their own functions, truthful tables, clear refusals. */
#include "assay/registry.h"
#include "assay/sizes.h"

#include <dlfcn.h>
#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

/* PLUGINS is the folder of the libraries in plugins/; MIMALLOC, TCMALLOC, JEMALLOC are files. */

static const struct assay_backend *find(const char *spec)
{
    const struct assay_backend *backend = NULL;
    struct assay_error error = {""};

    if (assay_registry_find(spec, &backend, &error) != ASSAY_OK)
        fail_msg("%s", error.what);
    return backend;
}

static void *open_heap(const struct assay_backend *backend)
{
    struct assay_heap_config config = {.limit = SIZE_MAX, .options = ""};
    void *self = NULL;

    assert_int_equal(backend->create(backend, &config, &self), ASSAY_OK);
    assert_non_null(self);
    return self;
}

static void release(const struct assay_backend *backend, void *self, void *block)
{
    assert_int_equal(backend->free(self, block), ASSAY_OK);
}

/* Every function's block goes through realloc and free, so that mixed heaps would crash. */
static void use_all(const char *spec)
{
    const struct assay_backend *backend = find(spec);
    void *self = open_heap(backend);

    for (size_t size = 1; size < 3000000; size = size * 2 + 1) {
        void *blocks[] = {backend->alloc(self, size), backend->alloc_zeroed(self, size, 1),
                          backend->alloc_aligned(self, 256, size),
                          backend->realloc(self, NULL, size)};
        assert_true(assay_is_aligned(blocks[2], 256));
        for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++) {
            assert_non_null(blocks[i]);
            assert_true(assay_is_aligned(blocks[i], backend->min_align));
            assert_true(backend->usable_size(self, blocks[i]) >= size);
            memset(blocks[i], 0x5a, backend->usable_size(self, blocks[i]));
            blocks[i] = backend->realloc(self, blocks[i], size * 3);
            assert_non_null(blocks[i]);
            assert_int_equal(((unsigned char *)blocks[i])[size - 1], 0x5a);
            release(backend, self, blocks[i]);
        }
    }
    release(backend, self, NULL);
    backend->destroy(self);
}

static void test_mimalloc_serves_with_all_its_functions(void **state)
{
    (void)state;
    use_all("dl:" MIMALLOC);
}

static void test_tcmalloc_serves_with_all_its_functions(void **state)
{
    (void)state;
    use_all("dl:" TCMALLOC);
}

static void test_a_prefix_selects_the_functions_that_begin_with_it(void **state)
{
    (void)state;
    use_all("dl:" MIMALLOC ":mi_");
    assert_ptr_equal(find("dl:" MIMALLOC ":mi_"), find("dl:" MIMALLOC ":mi_"));
    assert_ptr_not_equal(find("dl:" MIMALLOC ":mi_"), find("dl:" MIMALLOC));
}

static void test_blocks_are_those_of_the_library_and_not_of_the_c_library(void **state)
{
    (void)state;
    void *handle = dlopen(MIMALLOC, RTLD_NOW | RTLD_LOCAL);
    assert_non_null(handle);
    void *symbol = dlsym(handle, "mi_check_owned");
    bool (*is_owned)(const void *);
    assert_non_null(symbol);
    memcpy(&is_owned, &symbol, sizeof symbol);
    const struct assay_backend *backend = find("dl:" MIMALLOC);
    void *self = open_heap(backend);
    void *block = backend->alloc(self, 100), *other = malloc(100);
    assert_true(is_owned(block));
    assert_false(is_owned(other));
    block = backend->realloc(self, block, 5000);
    assert_true(is_owned(block));
    free(other);
    release(backend, self, block);
    backend->destroy(self);
}

static void test_a_table_claims_what_the_library_was_seen_to_do(void **state)
{
    (void)state;
    const uint32_t never = ASSAY_CAP_MANY_HEAPS | ASSAY_CAP_PAGE_SOURCE | ASSAY_CAP_TRIMS;
    const struct assay_backend *mimalloc = find("dl:" MIMALLOC);
    assert_int_equal(mimalloc->caps, ASSAY_CAP_THREAD_SAFE | ASSAY_CAP_GROWS |
                                         ASSAY_CAP_ZERO_SIZE_BLOCK | ASSAY_CAP_REALLOC_ZERO_BLOCK);
    assert_int_equal(find("dl:" TCMALLOC)->caps, ASSAY_CAP_THREAD_SAFE | ASSAY_CAP_GROWS |
                                                     ASSAY_CAP_ZERO_SIZE_BLOCK |
                                                     ASSAY_CAP_REALLOC_ZERO_FREES);
    assert_int_equal(mimalloc->min_align, 8);
    assert_int_equal(mimalloc->caps & never, 0);
    const struct assay_backend *prefixed = find("dl:" PLUGINS "/prefixed.so:my_");
    assert_int_equal(prefixed->caps, ASSAY_CAP_THREAD_SAFE | ASSAY_CAP_GROWS);
    assert_int_equal(prefixed->min_align, 4);
    assert_string_equal(prefixed->name, "prefixed");
}

static void test_a_function_that_is_not_exported_is_not_offered(void **state)
{
    (void)state;
    const struct assay_backend *backend = find("dl:" PLUGINS "/prefixed.so:my_");
    assert_null(backend->alloc_zeroed);
    assert_null(backend->alloc_aligned);
    assert_null(backend->realloc);
    void *self = open_heap(backend);
    assert_int_equal(backend->usable_size(self, backend->alloc(self, 33)), 33);
    backend->destroy(self);
}

static void expect_error(const char *spec, const char *one, const char *other)
{
    const struct assay_backend *backend = NULL;
    struct assay_error error = {""};

    assert_int_equal(assay_registry_find(spec, &backend, &error), ASSAY_INVALID);
    if (!strstr(error.what, one) || !strstr(error.what, other))
        fail_msg("'%s' lacks '%s' or '%s'", error.what, one, other);
}

static void test_functions_of_another_library_do_not_count(void **state)
{
    (void)state;
    expect_error("dl:libm.so.6", "has no malloc() of its own", "libc.so.6");
    expect_error("dl:" PLUGINS "/prefixed.so", "has no malloc()", "prefix");
    expect_error("dl:" PLUGINS "/prefixed.so:your_", "has no your_malloc()", "prefix");
}

static void test_a_library_without_room_for_its_thread_memory_is_explained(void **state)
{
    (void)state;
    expect_error("dl:" JEMALLOC, "static TLS", "built-in backend 'jemalloc'");
}

static void test_a_colon_in_a_path_is_not_a_prefix_if_the_file_exists(void **state)
{
    (void)state;
    char path[] = "/tmp/assay-dl-XXXXXX", link[64], spec[96];
    assert_non_null(mkdtemp(path));
    snprintf(link, sizeof link, "%s/prefixed:so", path);
    assert_int_equal(symlink(PLUGINS "/prefixed.so", link), 0);
    snprintf(spec, sizeof spec, "dl:%s", link);
    expect_error(spec, "prefixed:so' has no malloc()", "prefix");
    snprintf(spec, sizeof spec, "dl:%s:my_", link);
    assert_string_equal(find(spec)->name, "prefixed");
    unlink(link);
    rmdir(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mimalloc_serves_with_all_its_functions),
        cmocka_unit_test(test_tcmalloc_serves_with_all_its_functions),
        cmocka_unit_test(test_a_prefix_selects_the_functions_that_begin_with_it),
        cmocka_unit_test(test_blocks_are_those_of_the_library_and_not_of_the_c_library),
        cmocka_unit_test(test_a_table_claims_what_the_library_was_seen_to_do),
        cmocka_unit_test(test_a_function_that_is_not_exported_is_not_offered),
        cmocka_unit_test(test_functions_of_another_library_do_not_count),
        cmocka_unit_test(test_a_library_without_room_for_its_thread_memory_is_explained),
        cmocka_unit_test(test_a_colon_in_a_path_is_not_a_prefix_if_the_file_exists),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
