#!/bin/bash
# The program as users run it: files, pipes that close, memory, and what is wrong on its command line.
# Usage: program.sh VMA
set -eu
vma=$1
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"

fail() {
    echo "program.sh: $*" >&2
    exit 1
}
expect_code() {
    wanted=$1
    shift
    code=0
    "$@" >out 2>err </dev/null || code=$?
    [ "$code" -eq "$wanted" ] || fail "$* left with $code, not $wanted"
}

printf 'ALLOC_ARENA 10\nALLOC_BLOCK 0 3\nWRITE 0 3 abc\nREAD 0 3\n' >commands
[ "$("$vma" commands)" = abc ] || fail "a file is not run"
[ "$("$vma" <commands)" = abc ] || fail "standard input is not run"
[ "$("$vma" - <commands)" = abc ] || fail "- is not standard input"
"$vma" --map commands | grep -q '^  RW- |=' || fail "no map"
"$vma" --help | grep -q '^usage: vma' || fail "no help"

expect_code 3 "$vma" none
grep -q '^vma: none: No such file' err || fail "a missing file is not named"
expect_code 2 "$vma" --mapp
grep -q -e '--mapp' err || fail "a wrong option is not named"
expect_code 2 "$vma" a b
expect_code 3 "$vma" .

# A reader that goes away ends the program in peace.
(yes FOO | "$vma"; echo "$?" >code) | head -n 1 >first
[ "$(cat first)" = "Invalid command. Please try again." ] || fail "no answer before the pipe closed"
[ "$(cat code)" -eq 0 ] || fail "a closed pipe is an error: $(cat code)"

# A full disk is told.
code=0
yes FOO | head -n 100000 | "$vma" >/dev/full 2>err || code=$?
[ "$code" -eq 3 ] || fail "a full disk left with $code"

# A line of 64 MiB, and a payload of 256 MiB, in 32 MiB of memory more than the arena holds.
{
    head -c 67108864 /dev/zero | tr '\0' x
    echo
} | (
    ulimit -v 65536
    "$vma"
) >out || fail "a long line takes memory"
[ "$(wc -l <out)" -eq 1 ] || fail "a long line is one word"
{
    printf 'ALLOC_ARENA 10\nALLOC_BLOCK 0 3\nWRITE 1 268435456 '
    head -c 268435456 /dev/zero | tr '\0' y
    printf 'READ 0 3\n'
} | (
    ulimit -v 65536
    "$vma"
) >out || fail "a long payload takes memory"
[ "$(cat out)" = "Warning: size was bigger than the block size. Writing 2 characters.
yy" ] || fail "a long payload: $(cat out)"

# Where memory ends, so does the program, and says so.
code=0
{
    printf 'ALLOC_ARENA 99999999999\nALLOC_BLOCK 0 99999999999\nWRITE 5 50000000 '
    head -c 50000000 /dev/zero
    printf 'READ 0 1\n'
} | (
    ulimit -v 12000
    "$vma"
) >out 2>err || code=$?
[ "$code" -eq 3 ] || fail "without memory it left with $code"
grep -q 'no memory' err || fail "the end of memory is not told"
[ ! -s out ] || fail "a command is run without memory: $(cat out)"

# Many miniblocks, in and out of order, cost their records and little more.
awk 'BEGIN { for (i = 0; i < 100000; i++) print "ALLOC_BLOCK", i * 12289 % 100000 * 10, 10 }' >blocks
{
    echo ALLOC_ARENA 1000000
    cat blocks
    echo PMAP
    sed 's/ALLOC_BLOCK \([0-9]*\) .*/FREE_BLOCK \1/' blocks
    echo PMAP
} | (
    ulimit -v 16384
    "$vma"
) >out || fail "100000 miniblocks take memory"
[ "$(wc -l <out)" -eq $((100000 + 12)) ] || fail "PMAP of 100000 miniblocks: $(wc -l <out) lines"
grep -q '^Miniblock 100000:.*0xF4236.*0xF4240.*| RW-$' out || fail "the last miniblock is not told"
[ "$(tail -n 1 out)" = "Number of allocated miniblocks: 0" ] || fail "not all is freed"

# A prompt, for people alone.
if [ -n "$(command -v script)" ]; then
    printf 'ALLOC_ARENA 10\nDEALLOC_ARENA\n' | script -qec "$vma" /dev/null >out
    grep -q 'vma> ' out || fail "no prompt on a terminal"
fi
