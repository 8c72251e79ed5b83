/*
 * test_streams.c - the program's answers are those of the reference, for random commands in random pieces; and of
 * every rule that the reference breaks, some answer shows it.
 */
#include "streams.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#define STREAMS 20000
#define CHOICES 400
#define TEXT_ROOM 16384

static uint64_t random_next(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

/* Stream `number`; returns how long it is. */
static size_t make(uint64_t number, char *text)
{
    uint8_t choices[CHOICES];
    uint64_t state = number * 0x9E3779B97F4A7C15u + 1;
    size_t count = 20 + random_next(&state) % (CHOICES - 20);

    for (size_t i = 0; i < count; i++)
        choices[i] = (uint8_t)(random_next(&state) >> 32);
    return streams_make(choices, count, text, TEXT_ROOM);
}

static void test_session_and_reference_say_the_same(void **state)
{
    char text[TEXT_ROOM];

    (void)state;
    for (uint64_t number = 0; number < STREAMS; number++) {
        size_t size = make(number, text);
        size_t piece = number % 3 ? 1 + number % 50 : size;
        if (!streams_agree(text, size, piece, REFERENCE_IS_RIGHT, true))
            fail_msg("stream %llu", (unsigned long long)number);
    }
}

static void test_every_broken_rule_shows(void **state)
{
    char text[TEXT_ROOM];

    (void)state;
    for (int broken = 1; broken < REFERENCE_BREAKS; broken++) {
        uint64_t number = 0;
        while (number < STREAMS && streams_agree(text, make(number, text), TEXT_ROOM,
                                                 (enum reference_break)broken, false))
            number++;
        print_message("%-24s shows in stream %llu\n",
                      reference_break_name((enum reference_break)broken),
                      (unsigned long long)number);
        assert_true(number < STREAMS);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_session_and_reference_say_the_same),
        cmocka_unit_test(test_every_broken_rule_shows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
