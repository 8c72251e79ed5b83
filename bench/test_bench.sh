#!/bin/sh
# What users see of the benchmarks: rows, JSON, refusals. Usage: test_bench.sh PROGRAM BROKEN LATE, the latter
# two being plug-ins.
set -eu
program=$1 broken=$2 late=$3
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
failed=0

# expect STATUS PATTERN ARGS...: the exit status, and a line of output that matches.
expect() {
    status=$1 pattern=$2
    shift 2
    seen=0
    "$program" bench "$@" >"$folder/out" 2>&1 || seen=$?
    if [ "$seen" -ne "$status" ] || ! grep -qE -- "$pattern" "$folder/out"; then
        echo "bench $*: status $seen for $status, or no line like: $pattern" >&2
        cat "$folder/out" >&2
        failed=1
    fi
}

once="--min-time 0 --repetitions 1"
expect 0 '^usage: assay bench' --help
expect 0 '^churn +random' --list
expect 2 "no backend called 'nul'.*null" --backend nul
expect 2 "no workload called 'nowhere'" --workload nowhere
expect 2 "--repetitions wants a whole number from 1 to 100, not '0'" --repetitions 0
expect 2 "--min-time wants seconds from 0 to 60, not 'x'" --min-time x
expect 3 'missing.trace' --trace "$folder/missing.trace"
expect 2 "takes no operands, but got 'more'" more
expect 2 "no option '--mroe'" --mroe
expect 2 "--output needs a value" --output
expect 2 "did you mean 'pairs'" --workload pair
# shellcheck disable=SC2086 # words on purpose
expect 3 'nowhere' $once --workload pairs:count=9 --backend null -o "$folder/nowhere/file"
# shellcheck disable=SC2086
expect 3 'not a regular file' $once --workload pairs:count=9 --backend null -o /dev/null
# No file may grow; the thread sanitizer needs one before main() and cannot start.
if (ulimit -f 0 && "$program" list --names) 2>/dev/null | grep -q null; then
    # shellcheck disable=SC2086
    (ulimit -f 0 && "$program" bench $once --workload pairs:count=9 --backend null -o "$folder/full" 2>&1) |
        grep -q "cannot write $folder/full.begun: File too large" || failed=1
    # shellcheck disable=SC2086
    (ulimit -f 0 && "$program" bench $once --latency --workload pairs:count=9 --backend null -o "$folder/full" 2>&1) |
        grep -q "cannot write $folder/full: File too large" || failed=1
    { [ ! -e "$folder/full" ] && [ ! -e "$folder/full.begun" ]; } || failed=1
fi
mkdir "$folder/empty"
expect 3 'no traces in .*/empty: expected files called' --trace "$folder/empty"
head -c 100 /dev/urandom >"$folder/foreign.file"
# shellcheck disable=SC2086
expect 3 'foreign.file' $once --trace "$folder/foreign.file"

printf 'assay-ops 1\nalloc s0 100\nrealloc s0 5000\nfree s0\n' >"$folder/small.trace"
# shellcheck disable=SC2086
expect 0 '^small +null +passed +3 .*realloc by harness' $once --backend null \
    --trace "$folder" -o "$folder/json"
for part in '"kind":"context"' '"counters":"[a-z]' '"page_bytes":' '"backend":"system"' '"by_harness":\["realloc"\]' \
    '"wall_ns_per_op":[1-9].*"wall_ns":\[[1-9]' '"kind":"end","exit_status":0'; do
    grep -q "$part" "$folder/json" || {
        echo "no $part in the JSON" >&2
        failed=1
    }
done

# A block that is written to takes pages, each run anew where nothing is used again.
printf 'assay-ops 1\nalloc s0 4194304\ntouch s0\nfree s0\n' >"$folder/touched.ops"
# shellcheck disable=SC2086
expect 0 '"backend":"null".*"faults":[1-9][0-9]*,"context_switches":[0-9]' $once --json --backend null --trace "$folder/touched.ops"
# shellcheck disable=SC2086
expect 1 '^batches +plugin:libbroken.so +FAILED +check overlap failed at operation' $once \
    --workload batches --backend "plugin:$broken" -o "$folder/json"
grep -q 'repeat: assay bench --backend plugin:.* --workload batches' "$folder/out" || failed=1
! grep '"plugin:' "$folder/json" | grep -q cpu_ns_per_op || {
    echo "a number for a wrong answer" >&2
    failed=1
}

# Other views of the same, in other forms.
# shellcheck disable=SC2086
{
    expect 0 '^growth +null +realloc +16384 ' $once --latency --backend null --workload growth -o "$folder/json"
    expect 0 '^\| pairs:count=9 \| null \| passed \| 18 \|' $once --markdown --backend null --workload pairs:count=9
    expect 0 '^workload,backend,checks,ops,ns/op,wall ns/op,/system,' $once --csv --backend null --workload pairs:count=9
    expect 0 '^"pairs:count=9,sizes=8",null,passed,18,[0-9.]+,[0-9.]+,' $once --csv --backend null --workload pairs:count=9,sizes=8
    expect 0 '^pairs:count=9 +system +10 +0 ' $once --timeline --every 5 --backend null --workload pairs:count=9
    expect 1 '^batches +plugin:.*FAILED .*check overlap failed' $once --latency --workload batches --backend "plugin:$broken"
}
grep -q '"stream_up_to_slowest":"assay trace make growth | assay trace show --count [0-9]* -"' "$folder/json" || {
    echo "no command for the slowest operation" >&2
    failed=1
}
# However long it is, the command that repeats a failure has all of a workload.
long=batches:batch=$(printf '%0100d' 1000),rounds=50
# shellcheck disable=SC2086
expect 1 "repeat: assay bench --backend plugin:.* --workload $long\$" $once --workload "$long" --backend "plugin:$broken"
# The command that is printed replays up to the slowest operation; the one of `null` says nothing.
# shellcheck disable=SC2086
expect 0 '^slowest: [0-9]+ ns, (realloc|alloc|free) of system on growth:rounds=1; a replay up to it: assay trace make growth:rounds=1 ' \
    $once --latency --backend null --workload growth:rounds=1
mkdir "$folder/path"
ln -s "$program" "$folder/path/assay"
(cd "$folder" && PATH=$folder/path:$PATH sh -c "$(sed -n 's/^slowest: .* a replay up to it: //p' out)") >"$folder/replayed" 2>&1 || true
grep -q '^1 passed' "$folder/replayed" || {
    echo "no replay up to the slowest operation: $(cat "$folder/replayed")" >&2
    failed=1
}
expect 2 'takes one of --csv' --csv --json
expect 2 'takes one of --quick and --full' --quick --full
expect 2 'full says itself how many rounds there are' --full --repetitions 3
# Who takes longer than its time leaves after the least number of rounds, and the row says so.
expect 0 '^churn +mmap_large +passed .*  first [1-9][0-9]* checked  1 of 3 rounds$' \
    --quick --backend mmap_large --workload churn
expect 0 '^pairs:count=9 +mmap_large +passed' --quick --backend mmap_large --workload pairs:count=9
! grep -q ' rounds$' "$folder/out" || {
    echo "a workload that takes no time was left" >&2
    failed=1
}
# Where a single run takes longer than all rounds may, it is the only one.
expect 0 '^churn +mmap_large +passed .* 1 of 4 rounds$' --repetitions 4 --min-time 0.0001 --backend mmap_large --workload churn
expect 2 'takes one of --latency' --latency --timeline

# Several threads: who does not promise to bear them is not asked, who fails with them is red.
expect 2 'bench: --threads wants at most 8 numbers from 1 to 64, as 1,2,4, not' --threads 1,0
expect 2 'bench: --threads wants at most 8 numbers from 1 to 64, as 1,2,4, not' --threads 1,,2
small=swap:threads=2,batch=10,rounds=5
# shellcheck disable=SC2086
{
    expect 0 "^$small +list +2 +passed .* n/a: does not claim thread_safe\$" $once --threads 1,2 --backend list --workload $small
    expect 0 "^$small +\\(harness\\) +2 +passed +[0-9.]+ +[0-9.]+ " $once --threads 1,2 --backend list --workload $small
    expect 0 "^$small +system +2 +passed +[0-9.]+ +[0-9.]+ " $once --threads 1,2 --backend list --workload $small
    expect 0 '^\(hand-over\) +\(harness\) +2 +passed ' $once --threads 1 --backend null --workload $small
    expect 0 '^pairs:count=9 +alloc +2 +passed .* n/a: the stream has less threads$' $once --threads 1,2 --backend alloc --workload pairs:count=9
    expect 0 '"kind":"threads","workload":"swap.*"backend":"system","threads":2,.*"scaling":' $once --json --threads 1,2 --backend null --workload $small
    expect 1 "^$small +plugin:.*FAILED .*crashed when 2 threads ran; repeat: assay bench --threads 2 --backend .* --workload $small" \
        $once --threads 2 --backend "plugin:$late" --workload $small
}

expect 2 'overhead is a cost of the harness: it is only timed' --stable --workload overhead

# On a terminal lines are no longer than it is wide, with the best in colour; elsewhere there is no colour.
escape=$(printf '\033')
on_terminal() {
    script -qec "stty cols $1; $program bench $once --backend list --backend plugin:$broken --workload batches:batch=1000,rounds=50" \
        /dev/null | tr '\r' '\n' >"$folder/colours"
    sed "s/$escape\[[0-9;]*[mK]//g" "$folder/colours" >"$folder/out"
}
on_terminal 80
for pattern in "$escape\\[1;32m *[0-9.]+$escape\\[0m" "$escape\\[1;31mFAILED"; do
    grep -qE "$pattern" "$folder/colours" || {
        echo "a terminal without its colours" >&2
        cat -v "$folder/colours" >&2
        failed=1
    }
done
! grep -q 'wall ns' "$folder/out" || {
    echo "the clock's times on a terminal that has no room for them" >&2
    failed=1
}
if ! grep -q '^batches~unds=50  *list  *passed' "$folder/out" ||
    grep -E '^[a-z~=0-9]+ +[a-z]+ +(passed|checks) ' "$folder/out" | grep -E '.{81}'; then
    echo "no table for a terminal of 80 columns:" >&2
    cat "$folder/out" >&2
    failed=1
fi
on_terminal 200
{ grep -qE '^batches:batch=1000,rounds=50 +list +passed +[0-9]+ +[0-9.]+ +[0-9.]+ +[0-9.]+ +(-|[0-9.]+)' "$folder/out" &&
    grep -qE 'ns/op +wall ns +/system' "$folder/out"; } || {
    echo "a wide terminal cuts names or numbers:" >&2
    cat "$folder/out" >&2
    failed=1
}

# compare STATUS PATTERN ARGS...
compare() {
    status=$1 pattern=$2
    shift 2
    seen=0
    "$program" compare "$@" >"$folder/out" 2>&1 || seen=$?
    if [ "$seen" -ne "$status" ] || ! grep -qE -- "$pattern" "$folder/out"; then
        echo "compare $*: status $seen for $status, or no line like: $pattern" >&2
        cat "$folder/out" >&2
        failed=1
    fi
}

# results FILE NS...: a file with a row of list that takes so long, and of system that takes 10 ns.
results() {
    file=$1
    shift
    list=$(printf '%s,' "$@")
    system=$(printf "%s" "$list" | sed 's/[0-9]*\(\.[0-9]*\),/10\1,/g')
    {
        echo '{"schema":1,"kind":"context","compiler":"c","flags":"","cpu":"x","system":"y"}'
        echo '{"schema":1,"kind":"row","workload":"w","backend":"list","passed":true,"repetitions_ns":['"${list%,}"']}'
        echo '{"schema":1,"kind":"row","workload":"w","backend":"system","passed":true,"repetitions_ns":['"${system%,}"']}'
        echo '{"schema":1,"kind":"end","exit_status":0}'
    } >"$file"
}
mkdir "$folder/runs"
results "$folder/runs/a.json" 100.1 100.2 100.3 100.4 100.5 100.6 100.7 100.8
results "$folder/runs/b.json" 108.1 108.2 108.3 108.4 108.5 108.6 108.7 108.8
a=$folder/runs/a.json b=$folder/runs/b.json
compare 0 '^w +list .* slower$' "$a" "$b"
compare 0 '^1 slower, 0 faster, 1 within the noise$' "$a" "$b"
compare 0 '^w +list .* faster$' "$b" "$a"
compare 0 '^0 slower, 0 faster, 2 within the noise$' "$a" "$a"
compare 1 'slower' "$a" "$b" --fail-over 5%
compare 0 'slower' "$a" "$b" --fail-over 10
compare 0 '^\| w \| list \| .* \| slower \|' "$a" "$b" --markdown
compare 0 '"kind":"comparison","workload":"w","backend":"list","verdict":"slower","ratio":1.0[78]' "$a" "$b" --json
compare 0 '^workload +backend +a +b +last/first +verdict$' "$folder/runs"
compare 1 '^w +list +[0-9.]+ +[0-9.]+ +\+8.0 % +slower$' "$folder/runs" --fail-over 5
sed 's/"passed":true,"repetitions_ns":\[10[0-9].*/"passed":false,"failure":"f"}/' "$b" >"$folder/failed.json"
compare 1 '^w +list .* BROKEN$' "$a" "$folder/failed.json"
# Each number of threads is a workload of its own.
threads() {
    sed -E 's/"kind":"row"(.*"workload":"w")(.*)"repetitions_ns"/"kind":"threads"\1,"threads":4\2"wall_ns"/' "$1" >"$2"
}
# shellcheck disable=SC2086
"$program" bench --threads 1,2 --backend list --workload $small $once -o "$folder/real.json" >"$folder/out" || failed=1
compare 0 '^0 slower, 0 faster, [0-9]+ within the noise$' "$folder/real.json" "$folder/real.json"
threads "$a" "$folder/four.json"
threads "$b" "$folder/fourth.json"
compare 0 '^w x4 +list .* slower$' "$folder/four.json" "$folder/fourth.json"
compare 1 '^w x4 +list .* slower$' "$folder/four.json" "$folder/fourth.json" --fail-over 5
compare 0 '^w +list .* missing$' "$a" "$folder/four.json"
# Counts are exact: a difference that would be noise of times is none of theirs.
counts() {
    sed -E 's/"repetitions_ns":\[.*\]/"callgrind_instructions":'"$2"'/' "$a" >"$1"
}
counts "$folder/counted.json" 100.0
counts "$folder/like.json" 100.1
counts "$folder/more.json" 100.3
compare 0 '^w +list +100.00 +100.10 +\+0.10 % +noise$' "$folder/counted.json" "$folder/like.json"
compare 0 '^w +list +100.00 +100.30 +\+0.30 % +slower$' "$folder/counted.json" "$folder/more.json"
compare 0 '^w +list +100.30 +100.00 +-0.30 % +faster$' "$folder/more.json" "$folder/counted.json"
compare 1 'slower' "$folder/counted.json" "$folder/more.json" --fail-over 0.25%
compare 0 'slower' "$folder/counted.json" "$folder/more.json" --fail-over 0.35%
compare 2 'counted.json has instructions of bench --stable, .*a.json has times' "$a" "$folder/counted.json"
counts "$folder/odd.json" -1
compare 3 'odd.json:2: has instructions that cannot be' "$folder/odd.json" "$a"
sed -E 's/"repetitions_ns":\[.*\]/"not_measured":"why"/; 3s/"not_measured":"why"/"callgrind_instructions":7/' "$a" >"$folder/part.json"
compare 0 '^w +list .* missing$' "$folder/counted.json" "$folder/part.json"
compare 2 "wants a percentage such as 5%, not 'much'" "$a" "$b" --fail-over much
compare 2 'takes two files of assay bench -o, or a folder of them' "$a"
compare 3 'cannot open .*/none.json' "$a" "$folder/none.json"
head -n 3 "$b" >"$folder/cut.json"
compare 3 'cut.json is not all that assay bench wrote: it has no end' "$a" "$folder/cut.json"
echo foreign >"$folder/foreign.json"
compare 3 'foreign.json:1: is no line of assay bench --json' "$a" "$folder/foreign.json"
sed 's/\[1/[-1/' "$a" >"$folder/odd.json"
compare 3 'odd.json:2: has rounds that cannot be' "$folder/odd.json" "$a"
sed 's/\[1[0-9.]*/[1e999/' "$a" >"$folder/infinite.json"
compare 3 'infinite.json:2: has rounds that cannot be' "$folder/infinite.json" "$a"
compare 3 'has less than two files' "$folder/empty"
# A trend says in one line which files are not in it, and why; without its newest there is none.
trend=$folder/trend
mkdir "$trend"
cp "$folder/foreign.json" "$trend/0.json"
sed 's/"schema":1/"schema":2/' "$a" >"$trend/1.json"
cp "$folder/counted.json" "$trend/2.json"
cp "$a" "$trend/3.json"
compare 3 "no file but .*/3.json can be compared" "$trend"
cp "$b" "$trend/4.json"
why="2.json has instructions of bench --stable, the newest has times; .*/1.json:1: has a schema that this version does not read; "
compare 0 "^assay: left out of the trend: .*/${why}.*/0.json:1: is no line of assay bench --json\$" "$trend"
compare 0 '^w +list +[0-9.]+ +[0-9.]+ +\+8.0 % +slower$' "$trend"
cp "$folder/cut.json" "$trend/5.json"
compare 3 '5.json is not all that assay bench wrote' "$trend"
rm "$trend"/*
for number in $(seq 10 45); do cp "$a" "$trend/$number.json"; done
cp "$b" "$trend/46.json"
compare 1 '^assay: left out of the trend: of 9 files before .*/19.json there are no columns$' "$trend" --fail-over 5
compare 0 '^workload +backend +19 +20 .* +45 +46 +last/first +verdict$' "$trend"
# A narrow terminal has the first and the last ones, and the same verdicts.
script -qec "stty cols 70; $program compare $trend --fail-over 5" /dev/null | tr -d '\r' >"$folder/out"
{ grep -qE '^workload +backend +19 +4[0-9] .* +46 +last/first +verdict$' "$folder/out" &&
    grep -qE '^w +list .* slower$' "$folder/out" &&
    grep -qE '19.json there are no columns; of .*/20.json and [0-9]+ after it there are no columns, for the terminal is narrow' "$folder/out" &&
    ! grep -E '^w' "$folder/out" | grep -qE '.{71}'; } || {
    echo "no trend for a narrow terminal:" >&2
    cat "$folder/out" >&2
    failed=1
}
exit $failed
