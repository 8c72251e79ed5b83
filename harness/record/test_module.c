/* test_module - a shared library that a subject opens at run time. */
#include <stdlib.h>

long test_module_pairs(long count, size_t size);

long test_module_pairs(long count, size_t size)
{
    for (long i = 0; i < count; i++)
        free(malloc(size));
    return count;
}
