#!/bin/sh
# What users see of the benchmarks: rows, JSON, refusals. Usage: test_bench.sh PROGRAM PLUGIN
set -eu
program=$1 broken=$2
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
failed=0

# expect STATUS PATTERN ARGS...: the exit status, and a line of output that matches.
expect() {
    status=$1 pattern=$2
    shift 2
    seen=0
    "$program" bench "$@" >"$folder/out" 2>&1 || seen=$?
    if [ "$seen" -ne "$status" ] || ! grep -qE -- "$pattern" "$folder/out"; then
        echo "bench $*: status $seen for $status, or no line like: $pattern" >&2
        cat "$folder/out" >&2
        failed=1
    fi
}

once="--min-time 0 --repetitions 1"
expect 0 '^usage: assay bench' --help
expect 0 '^churn +random' --list
expect 2 "no backend called 'nul'.*null" --backend nul
expect 2 "no workload called 'nowhere'" --workload nowhere
expect 2 "--repetitions wants a whole number from 1 to 100, not '0'" --repetitions 0
expect 2 "--min-time wants seconds from 0 to 60, not 'x'" --min-time x
expect 3 'missing.trace' --trace "$folder/missing.trace"
expect 2 "takes no operands, but got 'more'" more
expect 2 "no option '--mroe'" --mroe
expect 2 "--output needs a value" --output
expect 2 "did you mean 'pairs'" --workload pair
# shellcheck disable=SC2086 # words on purpose
expect 3 'nowhere' $once --workload pairs:count=9 --backend null -o "$folder/nowhere/file"
# shellcheck disable=SC2086
expect 3 'not a regular file' $once --workload pairs:count=9 --backend null -o /dev/null
# No file may grow; the thread sanitizer needs one before main() and cannot start.
if (ulimit -f 0 && "$program" list --names) 2>/dev/null | grep -q null; then
    # shellcheck disable=SC2086
    (ulimit -f 0 && "$program" bench $once --workload pairs:count=9 --backend null -o "$folder/full" 2>&1) |
        grep -q "cannot write $folder/full: File too large" || failed=1
    [ ! -e "$folder/full" ] || failed=1
fi
mkdir "$folder/empty"
expect 3 'no traces in .*/empty: expected files called' --trace "$folder/empty"
head -c 100 /dev/urandom >"$folder/foreign.file"
# shellcheck disable=SC2086
expect 3 'foreign.file' $once --trace "$folder/foreign.file"

printf 'assay-ops 1\nalloc s0 100\nrealloc s0 5000\nfree s0\n' >"$folder/small.trace"
# shellcheck disable=SC2086
expect 0 '^small +null +passed +3 .*realloc by harness' $once --backend null \
    --trace "$folder" -o "$folder/json"
for part in '"kind":"context"' '"page_bytes":' '"backend":"system"' '"by_harness":\["realloc"\]' \
    '"kind":"end","exit_status":0'; do
    grep -q "$part" "$folder/json" || {
        echo "no $part in the JSON" >&2
        failed=1
    }
done

# shellcheck disable=SC2086
expect 1 '^batches +plugin:libbroken.so +FAILED +check overlap failed at operation' $once \
    --workload batches --backend "plugin:$broken" -o "$folder/json"
grep -q 'repeat: assay bench --backend plugin:.* --workload batches' "$folder/out" || failed=1
! grep '"plugin:' "$folder/json" | grep -q cpu_ns_per_op || {
    echo "a number for a wrong answer" >&2
    failed=1
}
exit $failed
