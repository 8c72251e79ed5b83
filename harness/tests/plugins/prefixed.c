/* prefixed.c - a malloc library for the tests: functions with the prefix my_, and few of them. */
#include <stddef.h>
#include <stdint.h>

void *my_malloc(size_t size);
void my_free(void *block);
size_t my_usable_size(void *block);

static _Alignas(64) char memory[1 << 20];
static size_t used;

/* Blocks are aligned to 4 on purpose; malloc(0) is NULL. */
void *my_malloc(size_t size)
{
    size_t room = (size + 3) / 4 * 4 + 4;

    if (size == 0 || size > sizeof memory || room > sizeof memory - used)
        return NULL;
    char *block = memory + used + 4;
    *(uint32_t *)(void *)(memory + used) = (uint32_t)size;
    used += room;
    return block;
}

void my_free(void *block)
{
    (void)block;
}

size_t my_usable_size(void *block)
{
    return block ? ((uint32_t *)block)[-1] : 0;
}
