/* validate.c - the rules of backend.h that can be read off a table. */
#include "assay/registry.h"
#include "assay/sizes.h"

#include <string.h>

#define ALL_CAPS (ASSAY_CAP_END - 1u)
#define REALLOC_ZERO (ASSAY_CAP_REALLOC_ZERO_FREES | ASSAY_CAP_REALLOC_ZERO_BLOCK)

/* Whether name is [a-z][a-z0-9_]*. */
static bool is_name(const char *name)
{
    return name[0] >= 'a' && name[0] <= 'z' &&
           name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_")] == '\0';
}

static const char *missing_text(const struct assay_backend *backend)
{
    return !backend->summary        ? "summary"
           : !backend->origin       ? "origin"
           : !backend->options_help ? "options_help"
                                    : NULL;
}

static const char *missing_function(const struct assay_backend *backend)
{
    return !backend->create    ? "create"
           : !backend->destroy ? "destroy"
           : !backend->alloc   ? "alloc"
           : !backend->free    ? "free"
                               : NULL;
}

/* The promise that cannot be kept, or be tested, with the rest of the table as it is. */
static const char *contradiction(const struct assay_backend *backend)
{
    uint32_t caps = backend->caps;

    if ((caps & ASSAY_CAP_TRIMS) && !(caps & ASSAY_CAP_GROWS))
        return "TRIMS needs GROWS: what never maps after create has nothing to return";
    if ((caps & ASSAY_CAP_TRIMS) && !(caps & ASSAY_CAP_PAGE_SOURCE))
        return "TRIMS needs PAGE_SOURCE: only there is it seen what is returned";
    if ((caps & REALLOC_ZERO) && !backend->realloc)
        return "REALLOC_ZERO_FREES and REALLOC_ZERO_BLOCK need realloc()";
    if ((caps & REALLOC_ZERO) == REALLOC_ZERO)
        return "REALLOC_ZERO_FREES and REALLOC_ZERO_BLOCK exclude each other";
    return NULL;
}

assay_status assay_backend_validate(const struct assay_backend *backend, struct assay_error *error)
{
    const char *what;

    if (backend->abi != ASSAY_BACKEND_ABI) {
        assay_error_set(error,
                        "a table of ABI %u, this program takes ABI %u: build it again with the "
                        "assay/backend.h of this version",
                        (unsigned)backend->abi, ASSAY_BACKEND_ABI);
        return ASSAY_INVALID;
    }
    if (!backend->name || !is_name(backend->name)) {
        assay_error_set(error, "the table's name is %s%s%s, it must be [a-z][a-z0-9_]*",
                        backend->name ? "'" : "", backend->name ? backend->name : "missing",
                        backend->name ? "'" : "");
        return ASSAY_INVALID;
    }
    if ((what = missing_function(backend)))
        assay_error_set(error, "the table of '%s' lacks %s(), which is required", backend->name,
                        what);
    else if ((what = missing_text(backend)))
        assay_error_set(error, "the table of '%s' lacks the text %s; \"\" will do", backend->name,
                        what);
    else if (!assay_is_power_of_two(backend->min_align))
        assay_error_set(error, "min_align of '%s' is %zu, it must be a power of two", backend->name,
                        backend->min_align);
    else if (backend->max_size == 0)
        assay_error_set(error, "max_size of '%s' is 0, say SIZE_MAX where there is no bound",
                        backend->name);
    else if (backend->caps & ~ALL_CAPS)
        assay_error_set(error, "caps of '%s' has the unknown bits 0x%x, use ASSAY_CAP_* only",
                        backend->name, (unsigned)(backend->caps & ~ALL_CAPS));
    else if ((what = contradiction(backend)))
        assay_error_set(error, "caps of '%s' contradict each other: %s", backend->name, what);
    else
        return ASSAY_OK;
    return ASSAY_INVALID;
}
