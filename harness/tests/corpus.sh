#!/bin/sh
# Corpora of fuzzers, of campaigns and of people are merged and made small: features and regressions stay, the result is
# the same each time, and what is no input is left out in one line. Usage: corpus.sh PROGRAM SEEDS MUTANTS
set -eu
program=$1 seeds=$2 mutants=$3
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

# shellcheck source=harness/tests/expect.sh
. "$(dirname "$0")/expect.sh"

# number KEY: of the JSON that was printed last.
number() {
    sed -n "s/.*\"$1\":\([0-9]*\).*/\1/p" "$folder/out"
}

# bytes TEXT FILE: a seed as a fuzzer has it.
bytes() {
    "$program" trace convert --to bytes "$seeds/$1.ops" "$2"
}

# As libFuzzer and AFL++ leave them, with what they keep beside their inputs.
lib=$folder/lib afl=$folder/afl/default
mkdir -p "$lib" "$afl/queue/.state" "$afl/crashes" "$afl/hangs"
bytes churn "$lib/0123456789abcdef0123456789abcdef01234567"
bytes edges "$lib/crash-89abcdef0123456789abcdef0123456789abcdef"
bytes zeroed "$afl/queue/id:000000,time:0,orig:zeroed.ops"
bytes churn "$afl/queue/id:000001,src:000000,op:havoc,rep:2,+cov"
bytes growth "$afl/crashes/id:000000,sig:06,src:000000"
for file in fuzzer_stats cmdline plot_data fuzz_bitmap crashes/README.txt queue/.state/x; do
    echo "of AFL++" >"$afl/$file"
done
expect 0 '"files":5,"left_out":0,"inputs":4,' \
    "$program" corpus stats --backend list --json "$lib" "$folder/afl"
features=$(number features)

# The smaller corpus has the same features, all regressions, and the same names each time.
for copy in one two; do
    expect 0 '4 different inputs' "$program" corpus minimize --backend list -o "$folder/$copy" "$lib" "$folder/afl"
done
diff -r "$folder/one" "$folder/two" >/dev/null || complain "minimize is not the same each time"
[ "$(find "$folder/one" -name 'regression-*' | wc -l)" -eq 2 ] || complain "regressions are lost"
expect 0 "\"features\":$features," "$program" corpus stats --backend list --json "$folder/one"
expect 2 'is not empty' "$program" corpus minimize --backend list -o "$folder/one" "$lib"

# An input that adds nothing is not chosen; the same one that is a regression is.
cat >"$folder/pairs.ops" <<'END'
assay-ops 1
alloc s1 64
free s1
alloc s1 64
free s1
END
sed 's/s1/s2/' "$folder/pairs.ops" >"$folder/again.ops"
mkdir "$folder/pairs" "$folder/pairs/regressions"
cp "$folder/pairs.ops" "$folder/again.ops" "$folder/pairs"
expect 0 '"inputs":2,.*"chosen":1,"regressions":0' "$program" corpus stats --backend list --json "$folder/pairs"
mv "$folder/pairs/again.ops" "$folder/pairs/pairs.ops" "$folder/pairs/regressions"
expect 0 '"inputs":2,.*"chosen":2,"regressions":2' "$program" corpus stats --backend list --json "$folder/pairs"

# A merge adds what is new, keeps what was there, and adds nothing the second time.
mkdir "$folder/merged"
bytes fill "$folder/merged/mine"
expect 0 'features by' "$program" corpus merge --backend list -o "$folder/merged" "$lib"
[ -f "$folder/merged/mine" ] || complain "merge drops what was there"
find "$folder/merged" -type f | sort >"$folder/before"
[ "$(wc -l <"$folder/before")" -eq 3 ] || complain "merge did not add two: $(cat "$folder/before")"
expect 0 'features by' "$program" corpus merge --backend list -o "$folder/merged" "$lib"
find "$folder/merged" -type f | sort | diff "$folder/before" - || complain "merge adds the same again"

# An input by which something is found is named by the check, and stays when it is mended.
subject=plugin:$mutants/zeroes-one-element.so
printf 'assay-ops 1\nalloc s1 4096\ntouch s1\nfree s1\nzeroed s2 512 8\n' >"$folder/pairs/bug.ops"
expect 1 '1 findings now' "$program" corpus merge --backend "$subject" -o "$folder/found" "$folder/pairs"
[ "$(find "$folder/found" -name 'zeroing-*' | wc -l)" -eq 1 ] || complain "a finding is not named by its check"
expect 0 '3 regressions, 0 findings now' "$program" corpus minimize --backend list -o "$folder/mended" "$folder/found"
[ "$(find "$folder/mended" -name 'zeroing-*' | wc -l)" -eq 1 ] || complain "a regression is dropped or has lost its name"

# What a campaign wrote: the input and the text, not the reports.
expect 1 'findings written' "$program" fuzz --backend "$subject" --time 1 --output "$folder/findings"
expect 1 '"left_out":0' "$program" corpus stats --backend "$subject" --json "$folder/findings"

# Files that are no inputs: one line each, and the others are taken.
odd=$folder/odd
mkdir "$odd"
bytes churn "$odd/input"
: >"$odd/empty"
echo "notes" >"$odd/notes.txt"
head -c 300000 /dev/urandom >"$odd/huge"
mkfifo "$odd/pipe"
expect 0 'odd/empty: left out: is empty' "$program" corpus stats --backend list --max-size 200k "$odd"
for line in 'notes.txt: left out: is no stream' 'huge: left out: is larger' 'pipe: left out: is not a regular' \
    '^1 files, 4 left out; 1 different inputs'; do
    grep -q -- "$line" "$folder/out" || complain "no line like: $line"
done
expect 3 'no inputs in' "$program" corpus stats --backend list "$folder/pairs/none"
if command -v setpriv >/dev/null && [ "$(id -u)" -eq 0 ]; then
    chmod 755 "$folder"
    chmod 000 "$odd/huge"
    expect 3 'huge: left out: Permission denied' setpriv --reuid 65534 --clear-groups \
        "$program" corpus stats --backend list "$odd"
    grep -q '1 different inputs' "$folder/out" || complain "an unreadable file hides the others"
fi
expect 2 'on which heap' "$program" corpus stats "$odd"
expect 2 'where it goes' "$program" corpus merge --backend list "$odd"
expect 2 'which folders' "$program" corpus stats --backend list
expect 3 'cannot make' "$program" corpus merge --backend list -o "$odd/input/x" "$lib"
mkdir "$folder/long"
"$program" trace random 1 >"$folder/long/one.ops"
expect 3 'File too large' sh -c 'ulimit -f 1; exec "$@"' sh \
    "$program" corpus merge --backend list -o "$folder/full" "$folder/long"
[ -z "$(find "$folder/full" -type f)" ] || complain "half an input is left"
exit "$failed"
