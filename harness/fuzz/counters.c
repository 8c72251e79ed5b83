/* counters.c - where the counters of a fuzz target lie, and whether they are wanted. */
#include "fuzz.h"

#include <string.h>

/* The linker's: all that is in the section. */
extern uint8_t __start___libfuzzer_extra_counters[], __stop___libfuzzer_extra_counters[];

void fuzz_counters(uint8_t **at, size_t *count)
{
    *at = __start___libfuzzer_extra_counters;
    *count = (size_t)(__stop___libfuzzer_extra_counters - __start___libfuzzer_extra_counters);
}

bool fuzz_is_guided(void)
{
    const char *given = getenv("ASSAY_GUIDANCE");

    if (!given || strcmp(given, "on") == 0)
        return true;
    if (strcmp(given, "off") == 0)
        return false;
    fprintf(stderr, "ASSAY_GUIDANCE is '%s': say on or off\n", given);
    exit(2);
}
