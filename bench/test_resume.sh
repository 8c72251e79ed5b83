#!/bin/sh
# A run of bench that is killed goes on where it stopped, and keeps what it had. Usage: test_resume.sh PROGRAM
set -eu
program=$1
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
failed=0

complain() {
    echo "$*" >&2
    failed=1
}

pace="--repetitions 4 --min-time 0"
# start [BACKEND]: becomes the program.
start() {
    # shellcheck disable=SC2086 # words on purpose
    exec "$program" bench $pace --backend "${1-null}" --backend list --backend pool --workload pairs:count=200 \
        --workload batches:rounds=3 --workload churn:live=100,rounds=20000 -o out.json >out 2>err
}

# run [BACKEND]: sets seen to its exit status.
run() {
    seen=0
    (start "$@") || seen=$?
}

lines() {
    if [ -e out.json.begun ]; then wc -l <out.json.begun; else echo 0; fi
}

# kill_behind STEPS: starts it, and kills it when the journal has so many lines; it may have ended before.
kill_behind() {
    start &
    child=$!
    while kill -0 "$child" 2>/dev/null && [ "$(lines)" -lt "$1" ]; do
        sleep 0.01
    done
    kill -KILL "$child" 2>/dev/null || true
    wait "$child" 2>/dev/null || true
}

# Three checks and twelve rounds, with the head sixteen lines: killed anywhere between.
before=0
for steps in 1 2 3 5 8 11 14; do
    [ ! -e out.json ] || break
    kill_behind "$steps"
    [ -e out.json ] || [ "$(lines)" -ge "$before" ] || complain "killed behind $steps steps, it lost some"
    if [ -e out.json.begun ]; then
        before=$(lines)
        [ "$steps" -gt 1 ] || continue
        cp out.json.begun kept
    fi
done
[ -e kept ] || complain "nothing was kept"

if [ ! -e out.json ]; then
    # Another command is another run, and a journal that is damaged is none.
    refuse='is of another command, build or machine: repeat that command'
    run buddy
    { [ "$seen" -eq 2 ] && grep -q "out.json.begun $refuse" err; } || complain "buddy: status $seen: $(cat err)"
    pace="--repetitions 5 --min-time 0"
    run
    { [ "$seen" -eq 2 ] && grep -q "out.json.begun $refuse" err; } || complain "5 rounds: status $seen: $(cat err)"
    pace="--repetitions 4 --min-time 0"
    cp out.json.begun whole
    echo '{"schema":1,"kind":"step","part":99,"round":0,"rows":[{}]}' >>out.json.begun
    run
    { [ "$seen" -eq 2 ] && grep -q 'out.json.begun has a line that cannot be' err; } ||
        complain "damaged: status $seen: $(cat err)"
    # The kernel may have written a part of the last line.
    { cat whole && printf '{"schema":1,"kind":"st'; } >out.json.begun
    run
    [ "$seen" -eq 0 ] || complain "after the last kill: $(cat err)"
    grep -q "^goes on behind [0-9]* steps that out.json.begun has" err || complain "it began anew: $(cat err)"
fi

[ ! -e out.json.begun ] || complain "the journal is still there"
[ "$(jq -s 'map(select(.kind == "row")) | length' out.json)" -eq 12 ] || complain "not all rows"
jq -es 'map(select(.kind == "row")) | all(.passed and (.repetitions_ns | length) == 4)' out.json >/dev/null ||
    complain "not all rounds"
# What had been measured when it was first killed is what is told in the end.
jq -s 'map(select(.kind == "step" and .round == 0) | .rows[] | {workload, ns: .repetitions_ns[0]})' kept >early
jq -s --slurpfile early early 'map(select(.kind == "row") | {workload, ns: .repetitions_ns[0]}) as $rows |
    $early[0] | all(. as $one | $rows | any(. == $one))' out.json | grep -qx true ||
    complain "what had been measured was measured again"
exit $failed
