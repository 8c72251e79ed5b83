/* shown.c - a word made fit for a sentence. */
#include "shown.h"

#include <ctype.h>
#include <stddef.h>
#include <string.h>

struct assay_shown assay_shown(const char *word)
{
    struct assay_shown shown;
    size_t length = 0;

    for (; word[length] && length < ASSAY_SHOWN; length++)
        shown.text[length] = isprint((unsigned char)word[length]) ? word[length] : '.';
    strcpy(shown.text + length, word[length] ? "..." : "");
    return shown;
}
