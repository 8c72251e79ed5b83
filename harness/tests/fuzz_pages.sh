#!/bin/sh
# fuzz_ops runs a stream on fenced pages where its seed is odd, else on recycled ones, as a campaign does.
# Usage: fuzz_pages.sh PROGRAM FUZZ_OPS PLUGIN, which reads a byte behind its pages
set -eu
program=$1 target=$2
export ASSAY_BACKEND="plugin:$3"
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

# shellcheck source=harness/tests/expect.sh
. "$(dirname "$0")/expect.sh"

cd "$folder" # where what is found is saved
for seed in 6 7; do
    printf 'assay-ops 1\nlimit 64k\nseed %s\nalloc s1 100\nalloc s2 100\nfree s1\nfree s2\n' $seed >"$folder/$seed.ops"
    "$program" trace convert --to bytes "$folder/$seed.ops" "$folder/$seed"
done
expect 0 '' "$target" -runs=0 "$folder/6"
seen=0
"$target" -runs=0 "$folder/7" >"$folder/out" 2>&1 || seen=$?
[ "$seen" -ne 0 ] || complain "an odd seed: what lies behind the heap's pages is not seen to be read"
exit "$failed"
