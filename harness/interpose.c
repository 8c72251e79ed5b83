/*
 * interpose.c - rewrites the addresses through which one library calls mmap and its like.
 *
 *   library:  call mmap  ->  table[mmap] = libc's     before
 *                            table[mmap] = ours       -> gate -> libc's
 *
 * Every entry of the table is named by a relocation; a library's relocations are found from the dynamic
 * section that the loader keeps for it. Layout: System V ABI, chapter 5, "Dynamic Linking".
 */
#include "assay/interpose.h"

#include <dlfcn.h>
#include <errno.h>
#include <link.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define MOST_PLACES 64

static struct assay_gate *taking, *giving;

/* What the library would have called: not always libc's, some libraries bring an mmap of their own. */
static struct {
    void *(*mmap)(void *start, size_t bytes, int access, int flags, int file, off_t offset);
    void *(*mremap)(void *start, size_t bytes, size_t new_bytes, int flags, ...);
    void *(*sbrk)(intptr_t bytes);
    int (*brk)(void *end);
    int (*munmap)(void *start, size_t bytes);
    int (*madvise)(void *start, size_t bytes, int advice);
    int (*mprotect)(void *start, size_t bytes, int access);
} real;

/* --- the calls, each through its gate --- */

static bool passes(struct assay_gate *gate)
{
    if (assay_gate_passes(gate))
        return true;
    errno = ENOMEM;
    return false;
}

static void *gated_mmap(void *start, size_t bytes, int access, int flags, int file, off_t offset)
{
    /* A file that is mapped is read, not a request for memory. */
    if (flags & MAP_ANONYMOUS && !passes(taking))
        return MAP_FAILED;
    return real.mmap(start, bytes, access, flags, file, offset);
}

static void *gated_mremap(void *start, size_t bytes, size_t new_bytes, int flags, ...)
{
    void *target = NULL;

    if (flags & MREMAP_FIXED) {
        va_list arguments;
        va_start(arguments, flags);
        target = va_arg(arguments, void *);
        va_end(arguments);
    }
    if (!passes(new_bytes > bytes ? taking : giving))
        return MAP_FAILED;
    return real.mremap(start, bytes, new_bytes, flags, target);
}

static void *gated_sbrk(intptr_t bytes)
{
    if (bytes != 0 && !passes(bytes > 0 ? taking : giving))
        return (void *)-1;
    return real.sbrk(bytes);
}

static int gated_brk(void *end)
{
    bool grows = (uintptr_t)end > (uintptr_t)sbrk(0);

    return passes(grows ? taking : giving) ? real.brk(end) : -1;
}

static int gated_munmap(void *start, size_t bytes)
{
    return passes(giving) ? real.munmap(start, bytes) : -1;
}

static int gated_madvise(void *start, size_t bytes, int advice)
{
    return passes(giving) ? real.madvise(start, bytes, advice) : -1;
}

static int gated_mprotect(void *start, size_t bytes, int access)
{
    return passes(access == PROT_NONE ? giving : taking) ? real.mprotect(start, bytes, access) : -1;
}

static const struct call {
    const char *name;
    void *real; /* where the address of what was there is kept */
    void (*gated)(void);
} calls[] = {
    {"mmap", &real.mmap, (void (*)(void))gated_mmap},
    {"mmap64", &real.mmap, (void (*)(void))gated_mmap},
    {"mremap", &real.mremap, (void (*)(void))gated_mremap},
    {"sbrk", &real.sbrk, (void (*)(void))gated_sbrk},
    {"brk", &real.brk, (void (*)(void))gated_brk},
    {"munmap", &real.munmap, (void (*)(void))gated_munmap},
    {"madvise", &real.madvise, (void (*)(void))gated_madvise},
    {"mprotect", &real.mprotect, (void (*)(void))gated_mprotect},
};
_Static_assert(sizeof(void (*)(void)) == sizeof(uintptr_t),
               "a table's entry is a function pointer");

/* --- the library's tables --- */

struct tables {
    uintptr_t base;
    const ElfW(Sym) * symbols;
    const char *names;
    const ElfW(Rela) * sets[2]; /* of functions, and all others */
    size_t bytes[2];
};

/* Some loaders relocate the addresses in the dynamic section, some leave them as they are in the file. */
static uintptr_t at(const struct tables *tables, uintptr_t address)
{
    return address < tables->base ? tables->base + address : address;
}

static bool find_tables(const void *address, struct tables *tables)
{
    struct link_map *map = NULL;
    bool rela = true;
    Dl_info info;

    *tables = (struct tables){0};
    if (dladdr1(address, &info, (void **)&map, RTLD_DL_LINKMAP) == 0 || !map || !map->l_ld)
        return false;
    tables->base = map->l_addr;
    for (const ElfW(Dyn) *entry = map->l_ld; entry->d_tag != DT_NULL; entry++) {
        uintptr_t value = entry->d_un.d_ptr;
        if (entry->d_tag == DT_SYMTAB)
            tables->symbols = (const ElfW(Sym) *)at(tables, value);
        else if (entry->d_tag == DT_STRTAB)
            tables->names = (const char *)at(tables, value);
        else if (entry->d_tag == DT_JMPREL)
            tables->sets[0] = (const ElfW(Rela) *)at(tables, value);
        else if (entry->d_tag == DT_PLTRELSZ)
            tables->bytes[0] = entry->d_un.d_val;
        else if (entry->d_tag == DT_RELA)
            tables->sets[1] = (const ElfW(Rela) *)at(tables, value);
        else if (entry->d_tag == DT_RELASZ)
            tables->bytes[1] = entry->d_un.d_val;
        else if (entry->d_tag == DT_PLTREL)
            rela = entry->d_un.d_val == DT_RELA;
    }
    return rela && tables->symbols && tables->names;
}

/* --- their places --- */

static struct place {
    uintptr_t *entry;
    uintptr_t before;
} places[MOST_PLACES];
static size_t place_count;

static bool make_writable(void *entry)
{
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), start = (uintptr_t)entry & -page;

    return mprotect((void *)start, page, PROT_READ | PROT_WRITE) == 0;
}

static void redirect(const struct call *call, uintptr_t *entry)
{
    if (place_count == MOST_PLACES || *entry == 0 || !make_writable(entry))
        return;
    places[place_count++] = (struct place){entry, *entry};
    memcpy(call->real, entry, sizeof *entry);
    memcpy(entry, &call->gated, sizeof *entry);
}

#if __SIZEOF_POINTER__ == 8
#define SYMBOL_OF(info) ELF64_R_SYM(info)
#else
#define SYMBOL_OF(info) ELF32_R_SYM(info)
#endif

static void redirect_all(const struct tables *tables, const ElfW(Rela) * set, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        size_t symbol = SYMBOL_OF(set[i].r_info);
        const char *name = tables->names + tables->symbols[symbol].st_name;
        if (symbol == 0)
            continue;
        for (size_t j = 0; j < sizeof calls / sizeof *calls; j++)
            if (strcmp(name, calls[j].name) == 0)
                redirect(&calls[j], (uintptr_t *)(tables->base + set[i].r_offset));
    }
}

size_t assay_interpose_open(const void *address, struct assay_gate *takes, struct assay_gate *gives)
{
    struct tables tables;

    assay_interpose_close();
    if (!find_tables(address, &tables))
        return 0;
    taking = takes;
    giving = gives;
    for (int i = 0; i < 2; i++)
        if (tables.sets[i])
            redirect_all(&tables, tables.sets[i], tables.bytes[i] / sizeof *tables.sets[i]);
    return place_count;
}

void assay_interpose_close(void)
{
    while (place_count > 0) {
        place_count--;
        *places[place_count].entry = places[place_count].before;
    }
}
