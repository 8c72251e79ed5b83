/*
 * malloc_library.c - dl:PATH[:PREFIX], a malloc library at run time.
 *
 * dlsym() also looks into what a library depends on, down to libc. A function found there belongs
 * to another heap, so only what lies in the library itself counts.
 */
#include "dl/dl.h"
#include "libraries.h"

#include <dlfcn.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define SYMBOL_LENGTH 128

struct opened {
    struct dl_library library; /* first */
    void *handle;
    char prefix[SYMBOL_LENGTH / 2];
    struct opened *next;
};

/* All that were opened, for they stay. */
static struct opened *all_opened;

static bool is_identifier(const char *text)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789";

    return text[0] != '\0' && !(text[0] >= '0' && text[0] <= '9') &&
           text[strspn(text, letters)] == '\0';
}

/* The colon before the prefix, or NULL: what follows the last one, unless it is a file's name. */
static const char *prefix_colon(const char *what)
{
    struct stat status;
    const char *colon = strrchr(what, ':');

    return colon && is_identifier(colon + 1) && stat(what, &status) != 0 ? colon : NULL;
}

/* The address of prefix + name, and in *where the file that has it, "" if the library itself. */
static void *find_symbol(void *handle, const char *prefix, const char *name, const char **where)
{
    char symbol[SYMBOL_LENGTH];
    struct link_map *map;
    Dl_info info;

    *where = "";
    snprintf(symbol, sizeof symbol, "%s%s", prefix, name);
    void *address = dlsym(handle, symbol);
    if (!address)
        return NULL;
    if (dlinfo(handle, RTLD_DI_LINKMAP, &map) == 0 && dladdr(address, &info) != 0 &&
        strcmp(info.dli_fname, map->l_name) != 0)
        *where = info.dli_fname;
    return address;
}

/* Stores the address of the library's own function at *function, a pointer to a function. */
static void take_optional(const struct opened *opened, const char *name, void *function)
{
    const char *where;
    void *address = find_symbol(opened->handle, opened->prefix, name, &where);

    if (address && where[0] == '\0')
        memcpy(function, &address, sizeof address);
}

static bool take_required(const struct opened *opened, const char *path, const char *name,
                          void *function, struct assay_error *error)
{
    const char *where;
    void *address = find_symbol(opened->handle, opened->prefix, name, &where);

    if (!address)
        assay_error_set(error,
                        "dl: '%s' has no %s%s(); if its functions have a prefix, say it after a "
                        "colon, as in dl:%s:je_",
                        path, opened->prefix, name, path);
    else if (where[0] != '\0')
        assay_error_set(error,
                        "dl: '%s' has no %s%s() of its own, it would be that of %s; if its "
                        "functions have a prefix, say it after a colon",
                        path, opened->prefix, name, where);
    else
        memcpy(function, &address, sizeof address);
    return address && where[0] == '\0';
}

static bool take_functions(struct opened *opened, const char *path, struct assay_error *error)
{
    struct assay_c_functions *functions = &opened->library.functions;

    if (!take_required(opened, path, "malloc", &functions->malloc, error) ||
        !take_required(opened, path, "free", &functions->free, error))
        return false;
    take_optional(opened, "calloc", &functions->calloc);
    take_optional(opened, "realloc", &functions->realloc);
    take_optional(opened, "posix_memalign", &functions->posix_memalign);
    take_optional(opened, "reallocarray", &functions->reallocarray);
    take_optional(opened, "valloc", &functions->valloc);
    take_optional(opened, "pvalloc", &functions->pvalloc);
    take_optional(opened, "memalign", &functions->memalign);
    take_optional(opened, "aligned_alloc", &functions->aligned_alloc);
    take_optional(opened, "usable_size", &functions->malloc_usable_size);
    take_optional(opened, "malloc_usable_size", &functions->malloc_usable_size);
    return true;
}

/* "libtcmalloc_minimal.so.4" is called tcmalloc_minimal. */
static void name_library(struct dl_library *library, const char *path)
{
    const char *slash = strrchr(path, '/'), *base = slash ? slash + 1 : path;
    struct link_map *map;
    size_t length = 0;

    if (strncmp(base, "lib", 3) == 0)
        base += 3;
    if (!(base[0] >= 'a' && base[0] <= 'z') && !(base[0] >= 'A' && base[0] <= 'Z'))
        length = (size_t)snprintf(library->name, sizeof library->name, "dl_");
    for (; *base && strncmp(base, ".so", 3) != 0 && length + 1 < sizeof library->name; base++) {
        char letter = *base >= 'A' && *base <= 'Z' ? (char)(*base - 'A' + 'a') : *base;
        bool fits = (letter >= 'a' && letter <= 'z') || (letter >= '0' && letter <= '9');
        library->name[length++] = fits ? letter : '_';
    }
    library->name[length] = '\0';
    bool found = dlinfo(((struct opened *)library)->handle, RTLD_DI_LINKMAP, &map) == 0;
    snprintf(library->summary, sizeof library->summary, "malloc of %s", found ? map->l_name : path);
}

static struct opened *find_opened(void *handle, const char *prefix)
{
    struct opened *opened = all_opened;

    while (opened && (opened->handle != handle || strcmp(opened->prefix, prefix) != 0))
        opened = opened->next;
    return opened;
}

/* Makes the table of a library that is not open yet. */
static struct opened *add(void *handle, const char *path, const char *prefix,
                          struct assay_error *error)
{
    struct opened *opened = calloc(1, sizeof *opened);

    if (!opened) {
        assay_error_set(error, "dl: no memory for the table of '%s'", path);
        return NULL;
    }
    opened->handle = handle;
    snprintf(opened->prefix, sizeof opened->prefix, "%s", prefix);
    if (!take_functions(opened, path, error)) {
        free(opened);
        return NULL;
    }
    name_library(&opened->library, path);
    dl_make_table(&opened->library);
    opened->next = all_opened;
    all_opened = opened;
    return opened;
}

assay_status assay_dl_open(const char *what, const struct assay_backend **backend,
                           struct assay_error *error)
{
    const char *colon = prefix_colon(what), *prefix = colon ? colon + 1 : "";
    char *path = colon ? strndup(what, (size_t)(colon - what)) : strdup(what);
    struct opened *opened = NULL;

    if (!path || strlen(prefix) >= sizeof opened->prefix) {
        assay_error_set(error, path ? "dl: the prefix '%s' is too long" : "dl: no memory", prefix);
        free(path);
        return ASSAY_INVALID;
    }
    void *handle = assay_library_open("dl", path, error);
    if (handle) {
        opened = find_opened(handle, prefix);
        if (!opened)
            opened = add(handle, path, prefix, error);
        if (opened)
            *backend = &opened->library.table;
    }
    free(path);
    return opened ? ASSAY_OK : ASSAY_INVALID;
}

const struct assay_c_functions *assay_dl_functions(const struct assay_backend *backend)
{
    for (const struct opened *opened = all_opened; opened; opened = opened->next)
        if (&opened->library.table == backend)
            return &opened->library.functions;
    return NULL;
}
