# shellcheck shell=sh
# expect.sh - for scripts of tests, to be sourced once `folder` is set: what a command leaves in "$folder/out" and
# what it ends with is compared; `failed` is 1 after the first complaint.
# shellcheck disable=SC2034,SC2154 # of the script that sources this
failed=0

complain() {
    echo "$(basename "$0" .sh): $*" >&2
    [ ! -f "$folder/out" ] || tail -n 5 "$folder/out" >&2
    failed=1
}

# expect STATUS PATTERN COMMAND...: the exit status, and a line of output that matches.
expect() {
    status=$1 pattern=$2
    shift 2
    seen=0
    "$@" >"$folder/out" 2>&1 </dev/null || seen=$?
    [ "$seen" -eq "$status" ] || complain "$*: status $seen for $status"
    grep -qE -- "$pattern" "$folder/out" || complain "$*: no line like: $pattern"
}
