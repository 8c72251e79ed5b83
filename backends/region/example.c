/* An object is found and freed through an address inside it. */
#include <mem.h>

#include <stdio.h>

int main(void)
{
    if (Mem_Init(4096) != 0)
        return 1;
    int *numbers = Mem_Alloc(50 * (int)sizeof *numbers);
    if (!numbers)
        return 1;
    printf("%d bytes around the 30th\n", Mem_GetSize(numbers + 30));
    if (Mem_Free(numbers + 30) != 0)
        return 1;
    return Mem_IsValid(numbers); /* 0: it is gone */
}
