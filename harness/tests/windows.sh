#!/bin/sh
# Windows of streams stand alone, are inputs that a corpus takes, and are the same each time.
# Usage: windows.sh PROGRAM TRACES
set -eu
program=$1 traces=$2
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

# shellcheck source=harness/tests/expect.sh
. "$(dirname "$0")/expect.sh"

cut() {
    "$program" trace cut "$@"
}

# A block that is used is there when the window begins, once, and nothing else is; a slot is not taken before it is free.
cat >"$folder/hand.ops" <<'END'
assay-ops 1
alloc s100 64
alloc s101 4000
alloc s102 80
realloc s102 96
alloc s103 5
free s103
free s100
free s102
alloc s104 7
touch s104
END
expect 0 'hand.ops: 10 operations, 2 windows' cut "$folder/hand.ops" --windows 2 --count 5 -o "$folder/hand"
expect 0 '' "$program" trace show --encoding bytes "$folder/hand/hand-5.bytes"
cat >"$folder/wanted" <<'END'
assay-ops 1
limit 8192
alloc s0 5
alloc s1 64
alloc s2 96
free s0
free s1
free s2
alloc s0 7
touch s0
END
diff "$folder/wanted" "$folder/out" || complain "a window is another one"

# A limit of the stream's own stays, and so does a double free of what lies in its slot.
printf 'assay-ops 1\nlimit 20480\nalloc s9 8\nalloc s7 8\nfree s9\ndouble-free s9\n' >"$folder/twice.ops"
expect 0 '1 windows' cut "$folder/twice.ops" -o "$folder/twice"
expect 0 'double-free s0' "$program" trace show --encoding bytes "$folder/twice/twice-0.bytes"
grep -q 'limit 20480' "$folder/out" || complain "the limit of a stream is lost"

# Of real programs: nothing is skipped, everything a corpus takes, and no finding where none is.
expect 0 'sqlite.trace: [0-9]* operations, 8 windows' cut "$traces"/*.trace -o "$folder/real"
cut "$traces"/*.trace -o "$folder/again" >/dev/null
diff -r "$folder/real" "$folder/again" || complain "windows are not the same each time"
expect 0 'passed, 0 failed' "$program" replay --backend list --limit 64m --encoding bytes "$folder"/real/*.bytes
! grep -v ' 0 skipped' "$folder/out" | grep operations || complain "operations of a window are skipped"
expect 0 '"left_out":0,' "$program" corpus stats --backend list --json "$folder/real"
expect 0 '1 windows' cut "$traces/python.trace" --windows 1 --count 2000 -o "$folder/long"
[ "$(wc -c <"$folder/long/python-0.bytes")" -le 16384 ] || complain "a window is longer than an input may be"

# Words, files and folders that are wrong.
expect 2 'say where they go: --output FOLDER' cut "$folder/hand.ops"
expect 2 'say which files' cut -o "$folder/none"
expect 2 'have one name: give each a folder' cut "$folder/hand.ops" "$folder/hand/../hand.ops" -o "$folder/none"
expect 3 'no-such' cut "$folder/no-such.trace" -o "$folder/none"
expect 3 'cannot make .*/out/x' cut "$folder/hand.ops" -o "$folder/out/x"
expect 3 'is not a folder' cut "$folder/hand.ops" -o "$folder/hand.ops"
head -c 20000 "$traces/sqlite.trace" >"$folder/short.trace"
expect 3 'short.trace' cut "$folder/short.trace" --count 100 -o "$folder/short"
[ -f "$folder/short/short-0.bytes" ] || complain "what could be read of a damaged trace is not cut"
expect 3 'File too large' sh -c 'ulimit -f 1; exec "$@"' sh "$program" trace cut "$folder/short.trace" --count 1000 -o "$folder/full"
[ -z "$(find "$folder/full" -type f)" ] || complain "half a window is left"
exit "$failed"
