#!/bin/sh
# A campaign is killed again and again, the supervisor or one of its children: what it had found stays whole, and the
# same command goes on. Then what it says of words, heaps, disks and folders that are wrong.
# Usage: fuzz.sh PROGRAM MUTANTS PLUGINS [KILLS]
# shellcheck disable=SC2317 # functions are called by name
set -eu
program=$1 mutants=$2 plugins=$3 kills=${4:-8}
folder=$(mktemp -d)
cleanup() {
    umount "$folder/disk" 2>/dev/null || true
    rm -rf "$folder"
}
trap cleanup EXIT

# shellcheck source=harness/tests/expect.sh
. "$(dirname "$0")/expect.sh"

subject=plugin:$mutants/zeroes-one-element.so
findings=$folder/findings

slice_of() {
    sed -n 's/^slice //p' "$findings/zeroes-one-element.progress" 2>/dev/null || true
}

# All processes below process $1.
below() {
    for child in $(ps -o pid= --ppid "$1"); do
        echo "$child"
        below "$child"
    done
}

# Kills the supervisor in even rounds, any process below it in odd ones, after some tenths of a second.
kill_round() {
    "$program" fuzz --backend "$subject" --time 0 --jobs 2 --output "$findings" >"$folder/out" 2>&1 &
    supervisor=$!
    sleep "$(awk -v seed="$1" 'BEGIN { srand(seed); print 0.2 + rand() }')"
    if [ $(($1 % 2)) -eq 1 ]; then
        child=$(below "$supervisor" | shuf -n 1)
        if [ -n "$child" ] && kill -KILL "$child" 2>/dev/null; then
            killed=$((killed + 1))
        fi
        sleep 0.3
        kill -0 "$supervisor" || complain "the supervisor ended with its child: $(cat "$folder/out")"
    fi
    kill -KILL "$supervisor" && killed=$((killed + 1))
    wait "$supervisor" 2>/dev/null || true
}

# What was written stays as it was.
sums_of() {
    find "$findings" -type f -path '*/*/*' ! -path '*/.part-*' -exec sha256sum {} + 2>/dev/null |
        grep -v '\.progress$' || true
}

before=0 killed=0 round=0
while [ "$killed" -lt "$kills" ]; do
    sums_of >"$folder/sums"
    kill_round "$round"
    [ ! -s "$folder/sums" ] || sha256sum --quiet --check "$folder/sums" ||
        complain "round $round: a finding is lost"
    now=$(slice_of)
    [ "${now:-0}" -ge "$before" ] || complain "round $round: back from slice $before to $now"
    before=${now:-0} round=$((round + 1))
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
[ "$kills" -eq 8 ] || echo "fuzz: $killed processes killed in $round rounds, $before slices done, $count findings whole"

expect 0 '^0 findings written' "$program" fuzz --backend list --time 1 --output "$findings"
expect 0 '"kind":"fuzz"' "$program" fuzz --backend list --time 1 --json --output "$findings"
# On a terminal there is a line that tells how it goes.
expect 0 'list: [0-9]+ s, [0-9]+ streams/s, [0-9]+ operations/s, [0-9]+ % refused, 0 findings' \
    script -qec "'$program' fuzz --backend list --time 2.5 --output '$findings'" /dev/null
expect 2 'on which heap' "$program" fuzz
expect 2 "takes no file, but got 'x'" "$program" fuzz --backend list x
expect 2 'no backend called' "$program" fuzz --backend lits
expect 3 'is not a folder' "$program" fuzz --backend list --output "$folder/out"

# An interrupt ends a campaign with its summary; meanwhile no other one takes its slices.
"$program" fuzz --backend list --time 0 --output "$findings" >"$folder/first" 2>&1 &
first=$!
sleep 1
expect 3 'another campaign on list is under way in' "$program" fuzz --backend list --time 1 --output "$findings"
kill -INT "$first"
seen=0
wait "$first" || seen=$?
[ "$seen" -eq 0 ] || complain "an interrupted campaign: status $seen"
grep -q '^0 findings written' "$folder/first" || complain "an interrupt ends a campaign without summary"

# Heaps of which a campaign can say little; findings in streams too long to be told before they are reduced.
expect 1 'no heap can be made: .* Aborted' "$program" fuzz --backend "plugin:$plugins/plugin_create.so" \
    --output "$folder/none"
[ ! -e "$folder/none" ] || complain "a folder is made for a backend without a heap"
expect 0 'only [0-9.]* streams a second' "$program" fuzz --backend "plugin:$plugins/plugin_slow.so" \
    --time 2 --output "$findings"
# One that takes memory without end is ended long before the machine has none left.
expect 1 '^[1-9][0-9]* findings written' "$program" fuzz --backend "plugin:$plugins/plugin_greedy.so" \
    --time 1 --output "$folder/greedy"
expect 0 'took more than 512 MiB of memory' cat "$folder"/greedy/plugin_greedy-crash*/report.txt
mkdir "$folder/long"
printf 'assay-fuzz 1\nseed 1\nslice 6\n' >"$folder/long/zeroes-one-element.progress"
expect 1 '^1 findings written' "$program" fuzz --backend "$subject" --time 1 --output "$folder/long"

# A disk that is full, then has room: the finding is not lost. Only root may mount one.
mkdir "$folder/disk"
if mount -t tmpfs -o size=16k tmpfs "$folder/disk" 2>/dev/null; then
    expect 3 'cannot write .*: No space left on device' "$program" fuzz --backend "$subject" \
        --time 5 --output "$folder/disk"
    [ -z "$(find "$folder/disk" -mindepth 1 -type d)" ] || complain "half a finding is left on a full disk"
    mount -o remount,size=1m "$folder/disk"
    expect 1 '^[1-9][0-9]* findings written' "$program" fuzz --backend "$subject" --time 1 --output "$folder/disk"
else
    echo "fuzz: no disk can be mounted here, so none is full: left out"
fi

# A folder that must not be read or written; root may both.
if command -v setpriv >/dev/null && [ "$(id -u)" -eq 0 ]; then
    chmod 755 "$folder"
    mkdir -m 000 "$folder/closed"
    expect 3 'cannot read and write in .*/closed: Permission denied' setpriv --reuid 65534 --clear-groups \
        "$program" fuzz --backend list --output "$folder/closed"
fi
echo nonsense >"$findings/list.progress"
expect 3 'is not the progress of a campaign' "$program" fuzz --backend list --output "$findings"
exit "$failed"
