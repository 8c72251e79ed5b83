#!/bin/sh
# Whole programs under libraries: right answers are timed, wrong ones are findings. Usage: test_program.sh PROGRAM
# shellcheck disable=SC2016 # for the shells that are measured
set -eu
program=$1
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
seq 9999 >numbers
failed=0

# expect STATUS PATTERN WORD...: the exit status of a run of all libraries, and a line of its output that matches.
expect() {
    status=$1 pattern=$2
    shift 2
    seen=0
    "$program" bench --whole-program --repetitions 3 "$@" >out 2>&1 || seen=$?
    if [ "$seen" -ne "$status" ] || ! grep -qE -- "$pattern" out; then
        echo "test_program: $*: status $seen for $status, or no line like: $pattern" >&2
        cat out >&2
        failed=1
    fi
}
# lacks PATTERN: no line of the last output matches.
lacks() {
    if grep -qE -- "$1" out; then
        echo "test_program: a line like: $1" >&2
        failed=1
    fi
}

mimalloc='--backend dl:libmimalloc.so.2'
# shellcheck disable=SC2086 # two words
{
    expect 0 '^dl:libmimalloc.so.2 +passed +[0-9.]+ +[0-9.]+ +[0-9.]+-[0-9.]+' $mimalloc -- sort numbers
    expect 0 '^system +passed' -- sort numbers

    # What a library must not change.
    expect 1 '^dl:libmimalloc.so.2: the program printed something else than with system' \
        $mimalloc -- sh -c 'echo "$LD_PRELOAD"'
    expect 1 '^repeat: +LD_PRELOAD=libmimalloc.so.2 sh -c' $mimalloc -- sh -c 'echo "$LD_PRELOAD"'
    expect 1 'ended by a signal: Segmentation fault: last words' $mimalloc -- \
        sh -c '[ -z "$LD_PRELOAD" ] || { echo last words >&2; kill -SEGV $$; }'
    expect 1 'left with 3, and with system with 5' $mimalloc -- \
        sh -c '[ -z "$LD_PRELOAD" ] && exit 5; exit 3'
    expect 0 'passed' $mimalloc -- sh -c 'exit 5'
    expect 1 'the program does not load ./none.so' --backend dl:./none.so -- true

    # What cannot be compared is not, and that is said.
    expect 0 'prints something else each time' $mimalloc -- sh -c 'echo $$'

    # Every run reads the same input.
    echo input >in
    expect 0 'passed' $mimalloc -- cat <in
    lacks 'something else'

    expect 2 'say which program' $mimalloc
    expect 2 'takes no --workload' --workload pairs -- true
    expect 3 'cannot run ./none: No such file' -- ./none
    expect 4 "not on 'list'" --backend list -- true
    expect 4 "not on 'dl:a:je_'" --backend dl:a:je_ -- true

    # As programs read it: compare takes it.
    expect 0 '"kind":"end","exit_status":0' --json $mimalloc -o results.json -- sort numbers
    "$program" compare results.json results.json >out || failed=1
}
exit $failed
