/* conformance.c - runs the tests that define what a backend is, each in a child process. */
#include "assay/conformance.h"

#include "conformance_tests.h"

#include <string.h>

static const struct conformance_room *const rooms[] = {
    &assay_conformance_life,   &assay_conformance_alloc,   &assay_conformance_questions,
    &assay_conformance_caps,   &assay_conformance_threads, &assay_conformance_crowds,
    &assay_conformance_growth, &assay_conformance_misuse,  NULL,
};

size_t assay_conformance_count(void)
{
    size_t count = 0;

    for (size_t i = 0; rooms[i]; i++)
        count += rooms[i]->count;
    return count;
}

static const struct conformance_test *test_at(size_t index)
{
    size_t room = 0;

    while (index >= rooms[room]->count)
        index -= rooms[room++]->count;
    return &rooms[room]->tests[index];
}

static bool offers(const struct assay_backend *backend, size_t function)
{
    void *entry;

    if (function == 0)
        return true;
    memcpy(&entry, (const char *)backend + function, sizeof entry);
    return entry != NULL;
}

static bool applies(const struct conformance_test *test, const struct assay_backend *backend)
{
    if (!offers(backend, test->function) || !assay_backend_claims(backend, test->setting))
        return false;
    if (backend->caps & test->unless)
        return false;
    return test->tried || assay_backend_claims(backend, test->capability);
}

assay_status assay_conformance_run(const struct assay_backend *backend, size_t index,
                                   struct assay_conformance_result *result)
{
    const struct conformance_test *test = test_at(index);

    *result = (struct assay_conformance_result){
        .name = test->name, .needs = test->needs, .verdict = ASSAY_NOT_CLAIMED};
    if (!applies(test, backend))
        return ASSAY_OK;

    struct trial trial = {.backend = backend,
                          .claimed = assay_backend_claims(backend, test->capability)};
    return trial_run(&trial, test->run, result);
}
