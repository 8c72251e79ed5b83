#!/bin/bash
# What `assay doctor` says of malloc libraries with one planted bug each, and of sound ones.
# Usage: doctor.sh PROGRAM FOLDER, where FOLDER has libraries/*.so.
set -u
program=$1 libraries=$2/libraries
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
failed=0

complain() {
    echo "doctor: $*" >&2
    cat "$folder/out" >&2
    failed=1
}

# examine LIBRARY EXIT-CODE [OPTION...]
examine() {
    local library=$1 expected=$2 code=0
    shift 2
    "$program" doctor --backend "dl:$libraries/$library.so" "$@" >"$folder/out" 2>&1 || code=$?
    [ "$code" = "$expected" ] || complain "$library: exit code $code, not $expected"
}

# breaks LIBRARY PROMISE [OPTION...]: the promise is broken, and said to be repeatable.
breaks() {
    local library=$1 promise=$2
    shift 2
    examine "$library" 1 --seconds 0 "$@"
    grep -A1 "BROKEN  *$promise" "$folder/out" | grep -q 'repeat:  assay doctor --backend' ||
        complain "$library: $promise is not broken"
}

# sound LIBRARY: nothing is broken, and something was tried.
sound() {
    examine "$1" 0 --seconds 1 --faults --junit "$folder/junit.xml"
    grep -q 'kept  *random_streams_find_nothing: [0-9]' "$folder/out" || complain "$1: no streams"
    grep -q 'kept  *any_one_page_request_may_be_refused' "$folder/out" || complain "$1: no faults"
    xmllint --noout "$folder/junit.xml" || complain "$1: what is written is no XML"
    grep -q 'failures="0"' "$folder/junit.xml" || complain "$1: JUnit tells failures"
}

sound NO_BUG
sound FEW_FUNCTIONS
sound CALLS_BY_NAME
breaks CRASHES_AT_LOAD loads_and_serves_a_first_block
breaks LOOPS_AT_LOAD loads_and_serves_a_first_block
breaks EXITS_AT_LOAD loads_and_serves_a_first_block
breaks PAGES_NOT_CHECKED any_one_page_request_may_be_refused
breaks GIVES_UP without_pages_errno_is_set_and_with_them_there_is_service
breaks REALLOC_FREES any_one_page_request_may_be_refused --faults
breaks LOSES_LIST all_page_requests_from_one_on_may_be_refused --faults
breaks CRASHES_ON_FAILED_UNMAP any_one_return_of_pages_may_be_refused
breaks ERRNO_FORGOTTEN without_pages_errno_is_set_and_with_them_there_is_service
breaks REALLOC_TOO_SHORT realloc_keeps_the_smaller_content
breaks CALLOC_WRAPS overflowing_products_are_refused
breaks CALLOC_WRAPS calloc_of_too_much_sets_errno
breaks LOSES_A_SIZE freed_memory_serves_again
breaks LOSES_BLOCKS_OF_THREADS ended_threads_leave_nothing_behind

# Nothing but this question notices it.
breaks SIZE_OF_32_BITS sizes_above_32_bits_are_whole_or_refused
examine SIZE_OF_32_BITS 1 --seconds 1
grep -q ' 1 failed' "$folder/out" || complain "a size of 32 bits is noticed elsewhere too"

# What random streams find is repeated by a stream of its own.
examine REALLOC_TOO_SHORT 1 --seconds 5 --json --junit "$folder/junit.xml"
grep -q '"random_streams_find_nothing".*"BROKEN".*assay trace random' "$folder/out" ||
    complain "random streams do not find a lost byte"
xmllint --xpath '/testsuites/testsuite/testcase[@name="random_streams_find_nothing"]/failure' \
    "$folder/junit.xml" >/dev/null || complain "JUnit does not tell the failure"

# A library that is preloaded is what `system` is then, and its requests for pages are refused.
LD_PRELOAD=libtcmalloc_minimal.so.4 "$program" doctor --backend system --seconds 0 >"$folder/out" 2>&1
grep -q 'kept  *any_one_page_request_may_be_refused (faults): [0-9]* of [1-9]' "$folder/out" ||
    complain "a preloaded library is not refused"

# A hang ends, and does not keep the rest from an answer.
examine LOOPS_IN_FREE 1 --seconds 0
grep -q 'BROKEN .*did not come back' "$folder/out" || complain "a hang is not told"
grep -q '[0-9] passed, [1-9][0-9]* failed' "$folder/out" || complain "a hang leaves no summary"
exit $failed
