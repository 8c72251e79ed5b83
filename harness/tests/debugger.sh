#!/bin/sh
# A replay under gdb stops before the operation that breaks a promise, and next in the backend's function: of a plug-in
# and of a library, also where the operation crashes or hangs. Usage: debugger.sh PROGRAM ROOT PLUGIN
set -eu
program=$1 root=$2 plugin=$3
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
# shellcheck source=harness/tests/expect.sh
. "$(dirname "$0")/expect.sh"
export HOME="$folder" DEBUGINFOD_URLS= # nobody's settings

# A library that crashes when asked for 666 bytes, hangs when asked for 667, and has no debugging information.
cat >"$folder/library.c" <<'END_OF_LIBRARY'
#include <stddef.h>
static char bytes[1 << 20] __attribute__((aligned(16)));
static size_t used;
__attribute__((noinline)) void *malloc(size_t size)
{
    for (volatile int forever = size == 667; forever;)
        ;
    if (size == 666)
        *(volatile char *)64 = 0;
    used += (size + 15) / 16 * 16 + 16;
    return used <= sizeof bytes ? bytes + used - (size + 15) / 16 * 16 : 0;
}
void free(void *block)
{
    (void)block;
}
END_OF_LIBRARY
cc -shared -fPIC -O1 -fno-builtin -o "$folder/library.so" "$folder/library.c"
for size in 666 667; do
    printf 'assay-ops 1\nalloc s0 10\nfree s0\nalloc s1 %s\n' "$size" >"$folder/$size.ops"
done

# debug SPEC STREAM PATTERN COMMAND...: what gdb shows when it is given the commands.
debug() {
    spec=$1 stream=$2 pattern=$3
    shift 3
    printf '%s\n' "$@" >"$folder/commands"
    "$program" replay --timeout 1 --gdb --backend "$spec" "$stream" <"$folder/commands" >"$folder/out" 2>&1 ||
        complain "gdb: status $?"
    grep -qE -- "$pattern" "$folder/out" || complain "$spec $stream: no line like: $pattern: $(cat "$folder/out")"
}

# At the operation, and one step further in the backend, with what it was asked for.
debug "plugin:$plugin" "$root/corpus/seeds/ops/churn.ops" 'stopped before operation 13: alloc s9 1280$' 'info inferiors'
debug "plugin:$plugin" "$root/corpus/seeds/ops/churn.ops" '#0  alloc \(self=.*, size=1280\)' continue 'bt 1'
# Nothing of the operation has happened, and then it happens.
debug "dl:$folder/library.so" "$folder/666.ops" 'stopped before operation 2: alloc s1 666$' 'info inferiors'
debug "dl:$folder/library.so" "$folder/666.ops" 'SIGSEGV' continue continue
# A step enters the library's function, which has no lines.
debug "dl:$folder/library.so" "$folder/666.ops" '#0 .* in malloc \(\) from .*library.so' continue step step step 'bt 1'
debug "dl:$folder/library.so" "$folder/667.ops" '#0 .* in malloc \(\) from .*library.so' continue step step step 'bt 1'

# A backend in this program, at what is asked for, and at the end; behind it there is no stop.
debug_list() {
    expect 0 "$2" gdb -q -batch -ex run --args "$program" replay --backend list --stop-before "$1" "$folder/666.ops"
}
debug_list 1 'stopped before operation 1: free s0$'
debug_list 3 'stopped before operation 3: the end'
debug_list 99 'exited normally'

# What cannot be.
expect 0 'nothing was found' "$program" replay --gdb --backend list "$folder/666.ops"
expect 2 'wants one backend and one stream' "$program" replay --gdb --backend list --backend null "$folder/666.ops"
expect 2 'take one' "$program" replay --gdb --json --backend list "$folder/666.ops"
expect 3 'cannot start gdb: .*apt-get install gdb' \
    env PATH="$folder" "$program" replay --gdb --backend "dl:$folder/library.so" "$folder/666.ops"
exit "$failed"
