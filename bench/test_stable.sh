#!/bin/sh
# Instructions: the same for the same build, more where there is more work, red where there are none.
# Usage: test_stable.sh PROGRAM BROKEN LATE, the latter two being plug-ins.
set -eu
program=$1 broken=$2 late=$3
root=$(cd "$(dirname "$0")/.." && pwd)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
failed=0

# expect STATUS PATTERN ARGS...: the exit status, and a line of output that matches.
expect() {
    status=$1 pattern=$2
    shift 2
    seen=0
    (cd "$folder" && "$program" "$@" >out 2>&1) || seen=$?
    if [ "$seen" -ne "$status" ] || ! grep -qE -- "$pattern" "$folder/out"; then
        echo "$*: status $seen for $status, or no line like: $pattern" >&2
        cat "$folder/out" >&2
        failed=1
    fi
}

# build EXTRA: list as a plug-in, which does so many of a thousand allocs once more.
build() {
    # shellcheck disable=SC2046 # names of files without spaces
    (cd "$root" && cc -std=c11 -O2 -DNDEBUG -shared -fPIC -fvisibility=hidden -D_GNU_SOURCE -DEXTRA="$1" \
        -Iharness/include -Ibackends/list -o "$folder/list.so" bench/slowed.c \
        $(find backends/list -name '*.c' ! -name 'test_*'))
}

stream="--workload churn:live=100,rounds=2000 --backend plugin:./list.so"
build 0
# shellcheck disable=SC2086 # words on purpose
{
    expect 0 '^churn:live=100,rounds=2000 +plugin:./list.so +passed +[0-9]+ +[0-9.]+ +[0-9.]+' bench --stable $stream -o a.json
    expect 0 'passed' bench --stable $stream -o b.json
    expect 0 '^0 slower, 0 faster, 3 within the noise$' compare a.json b.json
    build 10
    expect 0 'passed' bench --stable $stream -o c.json
    expect 0 '^churn.* plugin:./list.so .* slower$' compare a.json c.json
    expect 0 '^1 slower, 0 faster, 2 within the noise$' compare a.json c.json
}
grep -q '"kind":"context".*"valgrind":"valgrind-' "$folder/a.json" || {
    echo "no valgrind in the context" >&2
    failed=1
}
# Start-up is not counted: a longer stream of the same operations has the same number for each.
expect 0 'passed' bench --stable --workload pairs:count=1000 --backend null --json
short=$(grep '"null"' "$folder/out" | jq .callgrind_instructions)
expect 0 'passed' bench --stable --workload pairs:count=100000 --backend null --json
long=$(grep '"null"' "$folder/out" | jq .callgrind_instructions)
[ "$(jq -n "$short / $long | . > 0.99 and . < 1.01")" = true ] || {
    echo "start-up counts: $short instructions in a short stream, $long in a long one" >&2
    failed=1
}

expect 1 "^batches .*FAILED .*check overlap failed .*repeat: assay bench --backend" bench --stable --workload batches --backend "plugin:$broken"
expect 1 '^pairs:count=100 .*FAILED .*the counted run crashed by signal 6; repeat: assay bench --stable --backend .* --workload pairs:count=100' \
    bench --stable --workload pairs:count=100 --backend "plugin:$late"
expect 1 '^pairs:count=100 .*FAILED +the timed run did not come to its end' bench --min-time 0 --workload pairs:count=100 --backend "plugin:$late"
mkdir "$folder/none"
ln -s "$(command -v sh)" "$folder/none/sh"
seen=0
PATH="$folder/none" "$program" bench --stable --workload pairs 2>"$folder/out" || seen=$?
{ [ "$seen" -eq 3 ] && [ "$(cat "$folder/out")" = \
    "assay: bench --stable needs valgrind, which is not to be found; install the package valgrind" ]; } || {
    echo "without valgrind: status $seen, $(cat "$folder/out")" >&2
    failed=1
}
exit $failed
