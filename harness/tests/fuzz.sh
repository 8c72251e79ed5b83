#!/bin/sh
# A campaign is killed again and again, the supervisor or one of its children: what it had found stays whole, and the
# same command goes on. Then what it says of words and folders that are wrong. Usage: fuzz.sh PROGRAM MUTANTS
set -eu
program=$1 mutants=$2
folder=$(mktemp -d)
failed=0
trap 'rm -rf "$folder"' EXIT

complain() {
    echo "fuzz: $*" >&2
    failed=1
}

# expect STATUS PATTERN COMMAND...: the exit status, and a line of output that matches.
expect() {
    status=$1 pattern=$2
    shift 2
    seen=0
    "$@" >"$folder/out" 2>&1 </dev/null || seen=$?
    [ "$seen" -eq "$status" ] || complain "$*: status $seen for $status: $(cat "$folder/out")"
    grep -qE -- "$pattern" "$folder/out" || complain "$*: no line like: $pattern"
}

subject=plugin:$mutants/zeroes-one-element.so
findings=$folder/findings

slice_of() {
    sed -n 's/^slice //p' "$findings/zeroes-one-element.progress" 2>/dev/null || true
}

# Kills the supervisor in even rounds, one of its children in odd ones, after some tenths of a second.
kill_round() {
    "$program" fuzz --backend "$subject" --time 0 --jobs 2 --output "$findings" >/dev/null 2>&1 &
    supervisor=$!
    sleep "$(awk -v seed="$1" 'BEGIN { srand(seed); print 0.2 + rand() }')"
    if [ $(($1 % 2)) -eq 1 ]; then
        child=$(ps -o pid= --ppid "$supervisor" | head -n 1)
        [ -z "$child" ] || kill -KILL "$child" 2>/dev/null || true
        sleep 0.3
        kill -0 "$supervisor" || complain "the supervisor ended with its child"
    fi
    kill -KILL "$supervisor"
    wait "$supervisor" 2>/dev/null || true
}

before=0
for round in 0 1 2 3 4 5 6 7; do
    kill_round "$round"
    now=$(slice_of)
    [ "${now:-0}" -ge "$before" ] || complain "round $round: back from slice $before to $now"
    before=${now:-0}
done
expect 1 'findings written' "$program" fuzz --backend "$subject" --time 2 --output "$findings"

count=0
for finding in "$findings"/*/; do
    name=$(basename "$finding")
    for file in input "$name.ops" "$name.c" report.txt report.json; do
        [ -s "$finding$file" ] || complain "$name has no $file"
    done
    pages=$(sed -n 's/.*--pages \([a-z]*\).*/\1/p' "$finding/report.txt")
    expect 1 '^finding' "$program" replay --backend "$subject" --pages "$pages" --content 65536 "$finding/$name.ops"
    count=$((count + 1))
done
[ "$count" -gt 0 ] || complain "nothing was found"
[ -z "$(find "$findings" -name '.part-*')" ] || complain "half a finding is left"

expect 0 '^0 findings written' "$program" fuzz --backend list --time 1 --output "$findings"
expect 0 '"kind":"fuzz"' "$program" fuzz --backend list --time 1 --json --output "$findings"
expect 2 'on which heap' "$program" fuzz
expect 2 "takes no file, but got 'x'" "$program" fuzz --backend list x
expect 2 'no backend called' "$program" fuzz --backend lits
expect 3 'is not a folder' "$program" fuzz --backend list --output "$folder/out"
echo nonsense >"$findings/list.progress"
expect 3 'is not the progress of a campaign' "$program" fuzz --backend list --output "$findings"
exit "$failed"
