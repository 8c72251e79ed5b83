/* import_words.c - words, numbers and addresses as logs have them, and what is wrong with a line. */
#include "import_format.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define BLANKS " \t"

bool import_fail(struct importer *importer, const char *format, ...)
{
    char what[sizeof importer->error->what];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(what, sizeof what, format, arguments);
    va_end(arguments);
    assay_error_set(importer->error, "%s:%llu: %s", importer->name,
                    (unsigned long long)importer->line, what);
    return false;
}

size_t import_cut(char *line, char **words, size_t room)
{
    size_t count = 0;

    for (char *at = line; *(at += strspn(at, BLANKS)) && count < room;) {
        words[count++] = at;
        if (count == room)
            break;
        at += strcspn(at, BLANKS);
        if (*at)
            *at++ = '\0';
    }
    return count;
}

bool import_skip(const char **at, const char *what)
{
    size_t length = strlen(what);

    if (strncmp(*at, what, length) != 0)
        return false;
    *at += length;
    return true;
}

static unsigned digit_of(char c)
{
    if (c >= '0' && c <= '9')
        return (unsigned)(c - '0');
    if (c >= 'a' && c <= 'f')
        return (unsigned)(c - 'a') + 10;
    return c >= 'A' && c <= 'F' ? (unsigned)(c - 'A') + 10 : 99;
}

bool import_take_number(const char **at, unsigned base, uint64_t *number)
{
    const char *from = *at;
    unsigned digit;

    *number = 0;
    for (; (digit = digit_of(**at)) < base; (*at)++) {
        if (*number > (UINT64_MAX - digit) / base)
            return false;
        *number = *number * base + digit;
    }
    return *at != from;
}

bool import_take_address(const char **at, uint64_t *address)
{
    *address = 0;
    if (import_skip(at, "(nil)") || import_skip(at, "nil"))
        return true;
    if (import_skip(at, "#"))
        return import_take_number(at, 10, address);
    import_skip(at, "0x");
    return import_take_number(at, 16, address);
}

bool import_number(const char *word, unsigned base, uint64_t *number)
{
    return import_take_number(&word, base, number) && *word == '\0';
}

bool import_address(const char *word, uint64_t *address)
{
    return import_take_address(&word, address) && *word == '\0';
}
