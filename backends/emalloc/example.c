/* example.c - the pair at work, and what it keeps apart. */
#include <emalloc.h>
#include <stdio.h>
#include <string.h>

int main(void)
{
    char *name = emalloc(6); /* a small block */
    if (!name)
        return 1;
    memcpy(name, "knuth", 6);

    char *table = ecalloc(1000, 16); /* a medium one, all zero */
    if (!table || table[15999] != 0)
        return 1;

    char *image = ealigned_alloc(4096, 1 << 20); /* a large one, where a page begins */
    if (!image || (unsigned long)image % 4096 != 0)
        return 1;
    image[(1 << 20) - 1] = 1;

    name = erealloc(name, 2000);
    if (!name || strcmp(name, "knuth") != 0 || emalloc_usable_size(name) != 2000)
        return 1;
    printf("%s\n", name);

    /* name[2000] = 0; would end the process here: "the slack of a medium block was overwritten" */
    efree(name);
    efree(table);
    efree(image);
    efree(NULL);
    return 0;
}
