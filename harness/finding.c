/* finding.c - names and promises of the checks, and how a broken one is put into words. */
#include "assay/finding.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct {
    const char *name;
    const char *promise;
} checks[ASSAY_CHECKS] = {
    [ASSAY_CHECK_OVERLAP] = {"overlap", "live blocks share no byte and no address"},
    [ASSAY_CHECK_REGION] = {"region", "blocks lie in memory that the heap has mapped"},
    [ASSAY_CHECK_ALIGNMENT] = {"alignment", "blocks are aligned as declared and as asked"},
    [ASSAY_CHECK_CONTENT] = {"content", "the bytes of a live block are its user's alone"},
    [ASSAY_CHECK_PREFIX] = {"prefix", "realloc keeps the bytes that both requests cover"},
    [ASSAY_CHECK_ZEROING] = {"zeroing", "alloc_zeroed gives zeros, on used memory too"},
    [ASSAY_CHECK_USABLE] = {"usable", "the usable size is at least what was asked for"},
    [ASSAY_CHECK_REFUSAL] = {"refusal", "a request is refused only where there is no room"},
    [ASSAY_CHECK_HUGE] = {"huge", "requests that no heap of this limit can serve are refused"},
    [ASSAY_CHECK_ROLLBACK] = {"rollback", "a refused realloc leaves the old block as it was"},
    [ASSAY_CHECK_EDGE] = {"edge", "requests with 0 and NULL are answered as declared"},
    [ASSAY_CHECK_ERRNO] = {"errno", "a refused request sets errno to ENOMEM, free leaves it alone"},
    [ASSAY_CHECK_FREE] = {"free", "freeing a live block succeeds"},
    [ASSAY_CHECK_MISUSE] = {"misuse", "a free of what is no block is answered, and harms nothing"},
    [ASSAY_CHECK_OVERRUN] = {"overrun", "bytes written past a block, or before it, are reported"},
    [ASSAY_CHECK_SELF] = {"self", "the heap's own check finds its records sound"},
    [ASSAY_CHECK_WALK] = {"walk", "walk shows each live block once and every mapped byte"},
    [ASSAY_CHECK_STATS] = {"stats", "the heap's numbers agree with what is live and mapped"},
    [ASSAY_CHECK_OWNS] = {"owns", "owns is true of the bytes of live blocks and of no others"},
    [ASSAY_CHECK_LIMIT] = {"limit", "a heap maps within its limit and unmaps only what is its own"},
    [ASSAY_CHECK_CONSERVATION] = {"conservation",
                                  "after all is freed the largest block fits again"},
    [ASSAY_CHECK_TRIM] = {"trim", "after all is freed the pages go back"},
    [ASSAY_CHECK_LEAK] = {"leak", "destroy gives back every page"},
    [ASSAY_CHECK_DRIFT] = {"drift", "operations that are repeated need no more pages each time"},
    [ASSAY_CHECK_STEADY] = {"steady", "a refused page request leaves the heap as it was"},
    [ASSAY_CHECK_SERVICE] = {"service", "a heap serves again when its page source does"},
    [ASSAY_CHECK_DEAD] = {"dead", "a heap with room does not refuse nearly everything"},
    [ASSAY_CHECK_HANG] = {"hang", "every operation comes to an end"},
    [ASSAY_CHECK_CRASH] = {"crash", "no operation ends the process"},
};

const char *assay_check_name(enum assay_check check)
{
    assert((unsigned)check < ASSAY_CHECKS && "a check there is");
    return checks[check].name;
}

const char *assay_check_promise(enum assay_check check)
{
    assert((unsigned)check < ASSAY_CHECKS && "a check there is");
    return checks[check].promise;
}

bool assay_check_parse(const char *name, enum assay_check *check)
{
    for (unsigned i = 0; i < ASSAY_CHECKS; i++) {
        if (strcmp(name, checks[i].name) == 0) {
            *check = (enum assay_check)i;
            return true;
        }
    }
    return false;
}

_Static_assert(ASSAY_CHECKS <= 64, "each check has a bit");

bool assay_finding_set(struct assay_finding *finding, enum assay_check check,
                       const struct assay_block *block, const char *format, ...)
{
    va_list arguments;

    finding->check = check;
    finding->has_block = block != NULL;
    if (block)
        finding->block = *block;
    finding->has_other = false;
    va_start(arguments, format);
    vsnprintf(finding->what, sizeof finding->what, format, arguments);
    va_end(arguments);
    return finding->ignored >> check & 1;
}

bool assay_finding_set_ending(struct assay_finding *finding,
                              const struct assay_guard_outcome *ending)
{
    if (assay_guard_hung(ending))
        return assay_finding_set(finding, ASSAY_CHECK_HANG, NULL,
                                 "the operation did not come back");
    if (ending->memory)
        return assay_finding_set(finding, ASSAY_CHECK_CRASH, NULL,
                                 "the operation took more than %zu MiB of memory",
                                 ending->memory >> 20);
    if (ending->ending == ASSAY_CRASHED)
        return assay_finding_set(finding, ASSAY_CHECK_CRASH, NULL,
                                 "the operation ended the process: %s", strsignal(ending->code));
    return assay_finding_set(finding, ASSAY_CHECK_CRASH, NULL,
                             "the operation left the process with exit(%d)", ending->code);
}
