/* Ten segments behind virtual addresses; a freed one is used again. */
#include <mems.h>

#include <string.h>

int main(void)
{
    char *segment[10];

    mems_init();
    for (int i = 0; i < 10; i++)
        segment[i] = mems_malloc(1000); /* 1000 2000 3000 4000 5096 ...: four to a page */
    strcpy(mems_get(segment[3]), "bytes are where mems_get says");
    char *inside = mems_get(segment[3] + 6);
    if (!inside || strcmp(inside, "are where mems_get says") != 0)
        return 1;
    mems_free(segment[3]);
    if (mems_get(segment[3]) != NULL || mems_malloc(1000) != segment[3])
        return 1;
    mems_print_stats();
    mems_finish();
    return 0;
}
