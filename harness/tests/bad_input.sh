#!/bin/sh
# Files that are not what they should be and disks that are full: one sentence, the exit code, and no part that
# passes for the whole. What needs no file of a certain length is in golden/. Usage: bad_input.sh PROGRAM
# shellcheck disable=SC2317 # functions are called by name
set -eu
program=$1
folder=$(mktemp -d)
cleanup() {
    if mountpoint -q "$folder/disk" 2>/dev/null; then
        umount "$folder/disk"
    fi
    rm -rf "$folder"
}
trap cleanup EXIT

# shellcheck source=harness/tests/expect.sh
. "$(dirname "$0")/expect.sh"

# leaves NAME...: what the folder holds, but for our own files.
leaves() {
    seen=$(cd "$folder" && find . -type f ! -name out ! -name whole.\* | sort | tr '\n' ' ')
    [ "$seen" = "$*" ] || complain "left '$seen' and not '$*'"
}

# With files of 1 MiB at most.
limited() {
    (ulimit -f 2048 && exec "$@")
}

# 100000 operations: two frames of a trace.
awk 'BEGIN {
    print "assay-ops 1"
    for (i = 0; i < 50000; i++) print "alloc s" i " " i * 7919 % 4096 + 1 "\nfree s" i
}' >"$folder/whole.ops"
"$program" trace convert "$folder/whole.ops" "$folder/whole.trace"
bytes=$(wc -c <"$folder/whole.trace")

# Cut short in the second frame: the first one is used, and nobody can miss that it is not all.
head -c $((bytes * 3 / 4)) "$folder/whole.trace" >"$folder/whole.cut.trace"
cut="$folder/whole.cut.trace is cut short after operation 65536"
expect 3 "$cut" "$program" trace stats "$folder/whole.cut.trace"
grep -q '^not all:' "$folder/out" || complain "stats presents a part as the whole"
grep -q '^operations: 65536$' "$folder/out" || complain "stats does not read up to the cut"
expect 3 '"whole":false,"operations":65536' "$program" trace stats --json "$folder/whole.cut.trace"
expect 3 "$cut" "$program" replay --backend list "$folder/whole.cut.trace"
grep -q '65536 operations (not all), ' "$folder/out" || complain "replay presents a part as the whole"
grep -q '^0 passed, 1 failed, 0 skipped$' "$folder/out" || complain "replay calls a part passed"
expect 3 "$cut" "$program" diff --backend list --backend null "$folder/whole.cut.trace"
grep -q ': 65536 operations (not all) on 2 heaps, ' "$folder/out" ||
    complain "diff presents a part as the whole"
expect 3 "$cut" "$program" reduce --backend list "$folder/whole.cut.trace"
expect 3 '"whole":false' "$program" replay --json --backend list "$folder/whole.cut.trace"
expect 3 "$cut" "$program" trace show "$folder/whole.cut.trace"
expect 3 "$cut" "$program" bench --min-time 0 --repetitions 1 --backend null \
    --trace "$folder/whole.cut.trace"
! grep -q passed "$folder/out" || complain "bench measures a part"
expect 3 "$cut" "$program" trace convert "$folder/whole.cut.trace" "$folder/x.ops"
grep -q -- '--count 65536 converts what can be read' "$folder/out" || complain "no way out"
leaves ''
"$program" trace convert --count 65536 "$folder/whole.cut.trace" "$folder/whole.part.ops"

# Changed in the first frame.
{
    head -c 300 "$folder/whole.trace"
    printf 'damage'
    tail -c +307 "$folder/whole.trace"
} >"$folder/whole.bad.trace"
expect 3 "$folder/whole.bad.trace is damaged" "$program" trace stats "$folder/whole.bad.trace"
expect 3 "$folder/whole.bad.trace is damaged" "$program" replay --backend null \
    "$folder/whole.bad.trace"

# A pipe is read where once is enough.
mkfifo "$folder/pipe"
cat "$folder/whole.trace" >"$folder/pipe" &
expect 0 '^operations: 100000$' "$program" trace stats "$folder/pipe"
wait
expect 2 "replay: reads a stream more than once: write '$folder/pipe' to a file first" \
    "$program" replay --backend list "$folder/pipe"
expect 3 "cannot write $folder/pipe: it exists and is not a regular file" \
    "$program" trace convert --to text "$folder/whole.trace" "$folder/pipe"

# A file that must not be read; root may read all.
if command -v setpriv >/dev/null && [ "$(id -u)" -eq 0 ]; then
    chmod 755 "$folder"
    chmod 000 "$folder/whole.bad.trace"
    expect 3 'cannot open .*: Permission denied' setpriv --reuid 65534 --clear-groups \
        "$program" trace stats "$folder/whole.bad.trace"
fi

# Files that may not grow further.
expect 3 "cannot write $folder/x.ops: File too large" \
    limited "$program" trace convert "$folder/whole.ops" "$folder/x.ops"
leaves ''

# A disk that is full; only root may mount one.
mkdir "$folder/disk"
if mount -t tmpfs -o size=64k tmpfs "$folder/disk" 2>/dev/null; then
    expect 3 "cannot write $folder/disk/x.ops: No space left on device" \
        "$program" trace convert "$folder/whole.trace" "$folder/disk/x.ops"
    expect 3 "cannot write $folder/disk/x.bytes: No space left on device" \
        "$program" trace convert "$folder/whole.trace" "$folder/disk/x.bytes"
    expect 3 'could not be recorded: No space left on device; no trace is written' \
        "$program" record -o "$folder/disk/x.trace" -- sort --version
    leaves ''
    umount "$folder/disk"
fi
exit $failed
