/*
 * engine_aflpp.c - a target under AFL++: its map is fed by what the heap does, for no code needs to be instrumented.
 *
 * AFL++'s runtime and driver bring main(); the map is theirs, and has room for 64 KiB. The marks are made in it as the
 * input runs, so that they are there when an input ends the process.
 */
#include "fuzz.h"

#define MAP_BYTES 65536
/* The runtime sets the first of the map itself. */
#define FIRST_MARK 64

extern uint8_t *__afl_area_ptr;

uint8_t *fuzz_engine_marks(size_t count)
{
    return FIRST_MARK + count <= MAP_BYTES ? __afl_area_ptr + FIRST_MARK : NULL;
}
