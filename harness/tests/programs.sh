#!/bin/sh
# Programs about streams, built as their comments say: a library that breaks a promise shows it when its malloc is
# preloaded and when its own names are called, the C library's malloc passes, and so does a backend that is linked.
# Usage: programs.sh PROGRAM ROOT LIBRARY ARCHIVE, of mimalloc and of the backend list
set -eu
program=$1 root=$2 library=$3 archive=$4
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
known=$root/corpus/known/mimalloc-alignment.ops

# build NAME WORDS...: folder/NAME from folder/NAME.c.
build() {
    name=$1
    shift
    cc -std=c11 -D_GNU_SOURCE -Wall -Wextra -Werror -Wno-unused-function -fno-builtin -I "$root/harness/include" \
        -o "$folder/$name" "$folder/$name.c" "$@"
}

# expect STATUS COMMAND...: the exit status.
expect() {
    status=$1
    shift
    seen=0
    "$@" >"$folder/out" 2>&1 || seen=$?
    [ "$seen" -eq "$status" ] && return
    echo "programs: $*: status $seen for $status: $(cat "$folder/out")" >&2
    exit 1
}

expect 0 "$program" trace convert --backend system "$root/corpus/seeds/ops/churn.ops" "$folder/system.c"
build system
expect 0 "$folder/system"

expect 0 "$program" trace convert --backend list "$root/corpus/seeds/ops/churn.ops" "$folder/list.c"
build list "$archive"
expect 0 "$folder/list"

# Where the library is of a version that keeps its promise there is nothing to show.
if "$program" replay --backend "dl:$library" "$known" >/dev/null; then
    echo "$library aligns: skipped"
    exit 0
fi
expect 0 "$program" trace convert --backend "dl:$library" "$known" "$folder/preloaded.c"
build preloaded
expect 1 env LD_PRELOAD="$library" "$folder/preloaded"
expect 0 "$folder/preloaded"
expect 0 "$program" trace convert --backend "dl:$library:mi_" "$known" "$folder/named.c"
build named "$library"
expect 1 "$folder/named"
