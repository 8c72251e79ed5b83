/* counters.c - where the counters of a fuzz target lie, whether they are wanted, and when they say nothing more. */
#include "fuzz.h"

#include <string.h>

/* The linker's: all that is in the section. */
extern uint8_t __start___libfuzzer_extra_counters[], __stop___libfuzzer_extra_counters[];

void fuzz_counters(uint8_t **at, size_t *count)
{
    *at = __start___libfuzzer_extra_counters;
    *count = (size_t)(__stop___libfuzzer_extra_counters - __start___libfuzzer_extra_counters);
}

/* What libFuzzer does with each counter that is not 0 takes longer than to run the operations that set it. */
void fuzz_fade_counters(void)
{
    static uint8_t *seen;
    uint8_t *counters;
    size_t count;

    fuzz_counters(&counters, &count);
    if (!seen)
        seen = calloc(count, sizeof *seen);
    for (size_t i = 0; seen && i < count; i++) {
        uint8_t news = counters[i] & (seen[i] != UINT8_MAX);
        counters[i] = news;
        seen[i] = (uint8_t)(seen[i] + news);
    }
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
