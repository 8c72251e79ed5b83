/* library.c - opens a shared library, or says what is wrong with the file. */
#include "libraries.h"

#include "assay/sanitizer.h"

#include <dlfcn.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

/* What can be told before asking the loader, whose messages are for programmers. */
static bool is_openable(const char *kind, const char *path, struct assay_error *error)
{
    struct stat status;

    if (path[0] == '\0') {
        assay_error_set(error, "%s: needs the path of a shared library, as in %s:./allocator.so",
                        kind, kind);
        return false;
    }
    if (!strchr(path, '/'))
        return true;
    if (stat(path, &status) != 0) {
        assay_error_set(error, "%s: cannot open '%s': %s", kind, path, strerror(errno));
        return false;
    }
    if (S_ISDIR(status.st_mode)) {
        assay_error_set(error, "%s: '%s' is a directory, name the shared library in it", kind,
                        path);
        return false;
    }
    if (!S_ISREG(status.st_mode)) {
        assay_error_set(error, "%s: '%s' is not a regular file, name a shared library", kind, path);
        return false;
    }
    return true;
}

/*
 * An allocator's realloc calls its own malloc by name. Where the library does not bind such names
 * itself, the loader would look at the program first and find libc's, whose blocks are of another
 * heap. DEEPBIND makes it look at the library first. Sanitizers refuse it: under them such a
 * library cannot be examined.
 */
static int own_names_first(void)
{
#ifdef RTLD_DEEPBIND
    return assay_is_sanitized() ? 0 : RTLD_DEEPBIND;
#else
    return 0;
#endif
}

void *assay_library_open(const char *kind, const char *path, struct assay_error *error)
{
    struct stat status;

    if (!is_openable(kind, path, error))
        return NULL;
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL | own_names_first());
    if (library)
        return library;
    const char *reason = dlerror();
    if (strstr(reason, "static TLS"))
        assay_error_set(
            error,
            "%s: '%s' wants static TLS, which is full once a program runs: preload it and "
            "use 'system'; for jemalloc there is the built-in backend 'jemalloc'",
            kind, path);
    else if (strstr(reason, "invalid ELF header") || strstr(reason, "file too short") ||
             strstr(reason, "cannot dynamically load"))
        assay_error_set(error, "%s: '%s' is not a shared library, build it with cc -shared -fPIC",
                        kind, path);
    else if (!strchr(path, '/') && strstr(reason, "No such file"))
        assay_error_set(error, "%s: the loader finds no library '%s'%s", kind, path,
                        stat(path, &status) == 0
                            ? "; for the file of that name in this folder put ./ before it"
                            : ", give the path of a file or install its package");
    else
        assay_error_set(error, "%s: cannot load '%s': %s", kind, path, reason);
    return NULL;
}
