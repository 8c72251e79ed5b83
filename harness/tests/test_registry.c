/* test_registry - every backend is found by name, and what is wrong is told in one sentence. */
#include "assay/registry.h"
#include "assay/sizes.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

/* PLUGINS is the folder of the libraries in plugins/. */

static void expect_error(const char *spec, const char *const *parts)
{
    const struct assay_backend *backend = NULL;
    struct assay_error error = {""};

    assert_int_equal(assay_registry_find(spec, &backend, &error), ASSAY_INVALID);
    assert_null(backend);
    assert_null(strchr(error.what, '\n'));
    for (; *parts; parts++) {
        if (!strstr(error.what, *parts))
            fail_msg("'%s' says '%s', without '%s'", spec, error.what, *parts);
    }
}

#define EXPECT_ERROR(spec, ...) expect_error(spec, (const char *const[]){__VA_ARGS__, NULL})

static void test_every_built_in_table_is_valid_and_found_by_its_name(void **state)
{
    (void)state;
    size_t count;
    const struct assay_backend *const *all = assay_registry_all(&count);
    assert_true(count >= 3);
    for (size_t i = 0; i < count; i++) {
        const struct assay_backend *backend = NULL;
        struct assay_error error = {""};
        assay_status status = assay_backend_validate(all[i], &error);
        assert_string_equal(error.what, "");
        assert_int_equal(status, ASSAY_OK);
        assert_int_equal(assay_registry_find(all[i]->name, &backend, &error), ASSAY_OK);
        assert_ptr_equal(backend, all[i]);
    }
}

static void test_an_unknown_name_is_answered_with_the_nearest(void **state)
{
    (void)state;
    EXPECT_ERROR("systm", "no backend called 'systm' (did you mean 'system'?); see assay list");
    EXPECT_ERROR("lsit", "did you mean 'list'?");
    EXPECT_ERROR("jemaloc", "did you mean 'jemalloc'?");
    EXPECT_ERROR("zzz", "no backend called 'zzz'; see assay list");
    EXPECT_ERROR("", "no backend called ''");
    EXPECT_ERROR("./libx.so", "dl:./libx.so", "plugin:./libx.so");
}

static void test_a_wrong_file_is_named_with_what_is_wrong(void **state)
{
    (void)state;
    char text[] = "/tmp/assay-text-XXXXXX", spec[64];
    int file = mkstemp(text);
    assert_true(file >= 0);
    assert_int_equal(write(file, "no library\n", 11), 11);
    close(file);
    snprintf(spec, sizeof spec, "plugin:%s", text);
    EXPECT_ERROR(spec, "plugin: ", text, "is not a shared library", "cc -shared");
    snprintf(spec, sizeof spec, "dl:%s", text);
    EXPECT_ERROR(spec, "dl: ", text, "is not a shared library");
    assert_int_equal(truncate(text, 0), 0);
    EXPECT_ERROR(spec, "is not a shared library");
    unlink(text);
    EXPECT_ERROR(spec, text, "No such file");
    EXPECT_ERROR("plugin:/tmp", "'/tmp' is a directory");
    EXPECT_ERROR("dl:/dev/null", "not a regular file");
    EXPECT_ERROR("plugin:", "needs the path", "plugin:./");
    EXPECT_ERROR("dl:", "needs the path", "dl:./");
    EXPECT_ERROR("plugin:no-such-library.so", "the loader finds no library");
}

static void test_a_good_plugin_is_loaded_and_serves(void **state)
{
    (void)state;
    const struct assay_backend *backend = NULL, *again = NULL;
    struct assay_error error = {""};
    struct assay_heap_config config = {.limit = 1 << 20, .options = ""};
    void *self;
    assay_status status =
        assay_registry_find("plugin:" PLUGINS "/plugin_nothing.so", &backend, &error);
    assert_string_equal(error.what, "");
    assert_int_equal(status, ASSAY_OK);
    assert_string_equal(backend->name, "tiny");
    assert_int_equal(backend->create(backend, &config, &self), ASSAY_OK);
    assert_non_null(backend->alloc(self, 100));
    backend->destroy(self);
    status = assay_registry_find("plugin:" PLUGINS "/plugin_nothing.so", &again, &error);
    assert_int_equal(status, ASSAY_OK);
    assert_ptr_equal(again, backend);
}

static void test_a_plugin_of_another_abi_is_refused_with_both_versions(void **state)
{
    (void)state;
    EXPECT_ERROR("plugin:" PLUGINS "/plugin_abi.so", "plugin_abi.so", "ABI 7", "takes ABI 1",
                 "build it again");
}

static void test_a_plugin_without_its_symbol_is_refused(void **state)
{
    (void)state;
    EXPECT_ERROR("plugin:" PLUGINS "/plugin_symbol.so", "plugin_symbol.so",
                 "does not export assay_backend_plugin()");
    EXPECT_ERROR("plugin:" PLUGINS "/prefixed.so", "does not export", "say dl:");
}

static void test_an_incomplete_table_is_refused_with_what_it_lacks(void **state)
{
    (void)state;
    EXPECT_ERROR("plugin:" PLUGINS "/plugin_free.so", "plugin_free.so", "'tiny' lacks free()");
    EXPECT_ERROR("plugin:" PLUGINS "/plugin_null_table.so", "returned NULL");
}

static void expect_invalid(const struct assay_backend *backend, const char *part)
{
    struct assay_error error = {""};

    assert_int_equal(assay_backend_validate(backend, &error), ASSAY_INVALID);
    if (!strstr(error.what, part))
        fail_msg("'%s' without '%s'", error.what, part);
}

/* A copy of a valid table with one field set. */
#define EXPECT_INVALID(field, value, part)                                                         \
    do {                                                                                           \
        struct assay_backend broken = *assay_registry_all(&count)[0];                              \
        broken.field = (value);                                                                    \
        expect_invalid(&broken, part);                                                             \
    } while (0)

static void test_each_rule_of_a_table_is_checked(void **state)
{
    (void)state;
    size_t count;
    EXPECT_INVALID(abi, 0, "ABI 0");
    EXPECT_INVALID(name, NULL, "name is missing");
    EXPECT_INVALID(name, "", "name is ''");
    EXPECT_INVALID(name, "Upper", "'Upper'");
    EXPECT_INVALID(name, "a-b", "[a-z][a-z0-9_]*");
    EXPECT_INVALID(summary, NULL, "summary");
    EXPECT_INVALID(origin, NULL, "origin");
    EXPECT_INVALID(options_help, NULL, "options_help");
    EXPECT_INVALID(create, NULL, "create()");
    EXPECT_INVALID(destroy, NULL, "destroy()");
    EXPECT_INVALID(alloc, NULL, "alloc()");
    EXPECT_INVALID(free, NULL, "free()");
    EXPECT_INVALID(min_align, 0, "min_align");
    EXPECT_INVALID(min_align, 24, "is 24");
    EXPECT_INVALID(max_size, 0, "max_size");
    EXPECT_INVALID(caps, ASSAY_CAP_END, "unknown bits 0x8000");
    EXPECT_INVALID(caps, ASSAY_CAP_TRIMS | ASSAY_CAP_PAGE_SOURCE, "TRIMS needs GROWS");
    EXPECT_INVALID(caps, ASSAY_CAP_TRIMS | ASSAY_CAP_GROWS, "TRIMS needs PAGE_SOURCE");
    EXPECT_INVALID(caps, ASSAY_CAP_REALLOC_ZERO_FREES, "need realloc()");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_built_in_table_is_valid_and_found_by_its_name),
        cmocka_unit_test(test_an_unknown_name_is_answered_with_the_nearest),
        cmocka_unit_test(test_a_wrong_file_is_named_with_what_is_wrong),
        cmocka_unit_test(test_a_good_plugin_is_loaded_and_serves),
        cmocka_unit_test(test_a_plugin_of_another_abi_is_refused_with_both_versions),
        cmocka_unit_test(test_a_plugin_without_its_symbol_is_refused),
        cmocka_unit_test(test_an_incomplete_table_is_refused_with_what_it_lacks),
        cmocka_unit_test(test_each_rule_of_a_table_is_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
