#!/bin/sh
# A run of bench that is killed goes on where it stopped, and keeps what it had: times, numbers of threads, and counts of
# instructions. Usage: test_resume.sh PROGRAM [stable]
set -eu
program=$1
folder=$(mktemp -d -p /dev/shm 2>/dev/null || mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
failed=0

complain() {
    echo "$options: $*" >&2
    failed=1
}

# start: becomes the program.
start() {
    # shellcheck disable=SC2086 # words on purpose
    exec "$program" bench $options $backends -o out.json >out 2>err
}

# run: sets seen to its exit status.
run() {
    seen=0
    (start) || seen=$?
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

# kill_behind_each STEPS...: leaves the journal of the last kill as `kept`.
kill_behind_each() {
    before=0
    rm -f out.json out.json.begun kept
    for steps in "$@"; do
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
    [ -z "$(find . -name 'out.json.*.part')" ] || complain "half-written results are left"
}

# Other words are another run.
refuse() {
    seen=0
    run
    { [ "$seen" -eq 2 ] && grep -q "out.json.begun is of another command, build or machine: repeat that command" err; } ||
        complain "another run goes on: status $seen: $(cat err)"
}

# A journal that is damaged is none.
refuse_damage() {
    cp out.json.begun whole
    echo "$1" >>out.json.begun
    run
    { [ "$seen" -eq 2 ] && grep -q 'out.json.begun has a line that cannot be' err; } ||
        complain "damaged by $1: status $seen: $(cat err)"
    mv whole out.json.begun
}

# The kernel may have written a part of the last line.
end_from_cut_line() {
    printf '{"schema":1,"kind":"st' >>out.json.begun
    run
    [ "$seen" -eq 0 ] || complain "after the last kill: $(cat err)"
    grep -q "^goes on behind [0-9]* steps that out.json.begun has" err || complain "it began anew: $(cat err)"
}

# expect_whole KIND ROWS CONDITION
expect_whole() {
    [ ! -e out.json.begun ] || complain "the journal is still there"
    [ "$(jq -s "map(select(.kind == \"$1\")) | length" out.json)" -eq "$2" ] || complain "not all rows"
    jq -es "map(select(.kind == \"$1\")) | all($3)" out.json >/dev/null || complain "not: all $3"
}

# expect_kept EARLY LATE: what the filter EARLY takes from the journal, LATE finds in the results.
expect_kept() {
    jq -s "$1" kept >early
    [ -s early ] || complain "nothing had been measured when it was killed"
    jq -s --slurpfile early early "$2 as \$rows | \$early | all(. as \$one | \$rows | any(. == \$one))" out.json |
        grep -qx true || complain "what had been measured was measured again"
}

backends="--backend null --backend list --backend pool"
resume_times() {
    # Three checks and twelve rounds, with the head sixteen lines: killed anywhere between.
    words="--min-time 0 --workload pairs:count=200 --workload batches:rounds=3 --workload churn:live=100,rounds=20000"
    options="--repetitions 4 $words"
    kill_behind_each 1 2 3 5 8 11 14
    if [ ! -e out.json ]; then
        options="--repetitions 5 $words" && refuse
        options="--repetitions 4 --threads 1 $words" && refuse
        options="--repetitions 4 $words"
        backends="--backend buddy --backend list --backend pool" && refuse
        backends="--backend null --backend list --backend pool"
        refuse_damage '{"schema":1,"kind":"step","part":99,"round":0,"rows":[{}]}'
        refuse_damage '{"schema":1,"kind":"step","part":-1,"round":0,"rows":[{}]}'
        end_from_cut_line
    fi
    expect_whole row 12 '.passed and (.repetitions_ns | length) == 4 and (.wall_ns | length) == 4'
    expect_kept 'map(select(.kind == "step" and .round == 0)) | .[].rows[] | {workload, ns: .repetitions_ns[0]}' \
        'map(select(.kind == "row") | {workload, ns: .repetitions_ns[0]})'
}

resume_threads() {
    # Two checks and eight rounds. In each of the harness and two heaps, with one and two threads.
    words="--min-time 0 --repetitions 4 --workload swap:threads=2,batch=10,rounds=50 --workload swap:threads=2,batch=20,rounds=50"
    backends="--backend null --backend system"
    options="--threads 1,2 $words"
    kill_behind_each 1 2 4 6 9
    if [ ! -e out.json ]; then
        options="--threads 1,3 $words" && refuse
        options="--threads 1,2 $words"
        refuse_damage '{"schema":1,"kind":"step","part":0,"round":3,"rows":[{},{}],"threads":[{}]}'
        end_from_cut_line
    fi
    expect_whole threads 13 '.passed and ((.wall_ns | length) == 4 or .workload == "(hand-over)" or .not_measured)'
    expect_kept 'map(select(.kind == "step" and .round == 0)) | .[].threads[] | .wall_ns[0] | select(.)' \
        'map(select(.kind == "threads" and .wall_ns) | .wall_ns[0])'
}

resume_counts() {
    # Counting ends long after a check, so it is killed while it counts.
    options="--stable --workload pairs:count=200 --workload batches:rounds=3"
    kill_behind_each 2
    [ -e out.json ] || end_from_cut_line
    expect_whole row 8 '.passed and .callgrind_instructions > 0'
    expect_kept 'map(select(.kind == "step")) | .[].rows[] | {workload, n: (.callgrind_instructions / .ops)}' \
        'map(select(.kind == "row") | {workload, n: .callgrind_instructions})'
}

if [ "${2-}" = stable ]; then
    resume_counts
else
    resume_times
    resume_threads
fi
exit $failed
