#!/bin/bash
# What bash offers after words of an assay command line. Usage: completion.sh PROGRAM
set -u
program=$1
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder" || exit
touch run.trace
# shellcheck disable=SC1090 # made by the program
source <("$program" completion)
failed=0

# offers EXPECTED WORD...: what completes the last word, sorted, on one line.
offers() {
    local expected=$1 seen
    shift
    COMP_WORDS=(assay "$@")
    COMP_CWORD=$#
    _assay "$program" "${!#}" "${COMP_WORDS[$# - 1]}"
    seen=$(printf '%s\n' ${COMPREPLY[@]+"${COMPREPLY[@]}"} | sort | paste -sd ' ')
    if [ "$seen" != "$expected" ]; then
        echo "completion: 'assay $*' offers '$seen', not '$expected'" >&2
        failed=1
    fi
}

offers 'record reduce replay' re
offers 'list' li
offers 'show stats' trace s
offers '--seed' replay --se
offers '--encoding' trace show --enc
offers 'list' replay --backend li
offers 'plugin:' doctor --backend pl
offers 'bytes c rep text trace' trace convert --to ''
offers 'mozilla mtrace' trace convert --from m
offers 'text' replay --encoding te
offers 'shifts' bench --workload shi
offers 'run.trace' replay ru
offers 'run.trace' trace stats ru
offers 'run.trace' bench --trace ru
offers 'run.trace' record -o ''
offers '' replay --seed ''
offers 'classes' diff --strict cl
offers '' nonsense ''
exit $failed
