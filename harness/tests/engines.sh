#!/bin/sh
# An engine under `assay fuzz` finds what is planted, its inputs and findings outlive whoever is killed, and what is wrong
# with engines and corpora is said in one line.
# Usage: engines.sh PROGRAM MUTANTS PLUGINS SEEDS ENGINE FOLDER-OF-ENGINES [KILLS]; with KILLS, only those
# shellcheck disable=SC2317 # functions are called by name
set -eu
program=$1 mutants=$2 plugins=$3 seeds=$4 engine=$5 engines=$6 kills=${7:-4}
folder=$(mktemp -d)
cleanup() {
    umount "$folder/disk" 2>/dev/null || true
    rm -rf "$folder"
}
trap cleanup EXIT

# shellcheck source=harness/tests/expect.sh
. "$(dirname "$0")/expect.sh"

if [ ! -x "$engines/engine_$engine" ]; then
    echo "engines: no engine_$engine was built: skipped"
    exit 4
fi

# fuzz BACKEND RUNS OPTION...: a campaign that ends by its executions.
fuzz() {
    backend=$1 runs=$2
    shift 2
    "$program" fuzz --engine "$engine" --backend "$backend" --time 0 --runs "$runs" "$@"
}

# begun FOLDER NAME: a campaign on it starts the engine at once, without the random streams that come first.
begun() {
    mkdir -p "$1"
    printf 'assay-fuzz 1\nseed 1\nslice 64\n' >"$1/$2.$engine.progress"
}

# whole FOLDER BACKEND: how many findings there are, each with all files and found again by its text.
whole() {
    count=0
    for finding in "$1"/*/report.json; do
        [ -f "$finding" ] || continue
        finding=${finding%/report.json} name=$(basename "${finding%/report.json}")
        for file in input "$name.ops" "$name.c" report.txt; do
            [ -s "$finding/$file" ] || complain "$name has no $file"
        done
        expect 1 '^finding' "$program" replay --timeout 5 --backend "$2" --pages recycled --content 65536 \
            "$finding/$name.ops"
        count=$((count + 1))
    done
    [ "$count" -gt 0 ] || complain "$2: nothing was found"
    [ -z "$(find "$1" -name '.part-*')" ] || complain "$2: something is left half-done"
    artifacts=$1/$(basename "$2" .so).artifacts
    for _ in 1 2 3 4 5 6 7 8; do # on a busy machine one campaign may leave some to the next
        [ ! -d "$artifacts" ] || fuzz "$2" 1 --output "$1" >"$folder/out" 2>&1 || true
    done
    [ ! -d "$artifacts" ] || complain "$2: what was found is never taken in"
}

# How many inputs an engine keeps: libFuzzer by what is in them, AFL++ by numbers. Until it has written its statistics
# AFL++ has none of its own, only those that it begins with, and begins anew.
inputs() {
    {
        find "$1" -type f -name '????????????????????????????????????????' 2>/dev/null || true
        find "$1" -type f -name fuzzer_stats -printf '%h\n' 2>/dev/null | while read -r instance; do
            find "$instance" -type f -name 'id:*' ! -path '*/.*' ! -path '*/crashes/*' ! -path '*/hangs/*' |
                sed 's/,.*//; s,/_resume/,/queue/,'
        done
    } | sort -u | wc -l
}

number() {
    sed -n "s/.*\"$1\":\([0-9]*\).*/\1/p" "$folder/out"
}

# All processes below process $1.
below() {
    for child in $(ps -o pid= --ppid "$1"); do
        echo "$child"
        below "$child"
    done
}

sums_of() {
    find "$folder/killed" -type f -path '*/list-grown-bytes-taken-for-fresh-*/*' -exec sha256sum {} + 2>/dev/null || true
}

# Kills the supervisor in even rounds; in odd ones any process below it, a worker or the engine, and then the supervisor.
kill_round() {
    "$program" fuzz --engine "$engine" --backend "$subject" --time 0 --jobs 2 --output "$folder/killed" \
        --corpus "$folder/killed/corpus" >"$folder/out" 2>&1 &
    supervisor=$!
    sleep "$(awk -v seed="$1" 'BEGIN { srand(seed); print 0.3 + rand() }')"
    if [ $(($1 % 2)) -eq 1 ]; then
        child=$(below "$supervisor" | shuf -n 1)
        if [ -n "$child" ] && kill -KILL "$child" 2>/dev/null; then
            killed=$((killed + 1))
        fi
        sleep 0.5
        kill -0 "$supervisor" || complain "the supervisor ended with its child"
    fi
    kill -KILL "$supervisor" && killed=$((killed + 1))
    wait "$supervisor" 2>/dev/null || true
}

begun "$folder/killed" list-grown-bytes-taken-for-fresh
subject=plugin:$mutants/list-grown-bytes-taken-for-fresh.so killed=0 round=0
while [ "$killed" -lt "$kills" ]; do
    sums_of >"$folder/sums"
    before=$(inputs "$folder/killed/corpus")
    kill_round "$round"
    [ ! -s "$folder/sums" ] || sha256sum --quiet --check "$folder/sums" || complain "round $round: a finding is lost"
    [ "$(inputs "$folder/killed/corpus")" -ge "$before" ] || complain "round $round: inputs are lost"
    round=$((round + 1))
done
expect 1 'findings written' fuzz "$subject" 3000 --output "$folder/killed" --corpus "$folder/killed/corpus"
whole "$folder/killed" "$subject"
if [ $# -gt 6 ]; then
    echo "engines: $killed processes killed in $round rounds, $(inputs "$folder/killed/corpus") inputs, $count findings whole"
    exit "$failed"
fi

# What is plain is found before the engine starts.
expect 1 '^[1-9][0-9]* findings written' fuzz "plugin:$mutants/failed-map-not-checked.so" 1 --output "$folder/plain"
[ "$(inputs "$folder/plain")" -eq 0 ] || complain "the engine has run"

# A promise broken, and a crash.
for mutant in list-grown-bytes-taken-for-fresh failed-map-not-checked; do
    begun "$folder/$mutant" $mutant
    expect 1 'findings written' fuzz "plugin:$mutants/$mutant.so" 3000 --output "$folder/$mutant"
    whole "$folder/$mutant" "plugin:$mutants/$mutant.so"
done

# A leak. Memory without end, which ends neither the machine nor the campaign, and a hang: not of AFL++, which runs all that
# it begins with before anything else, and each of those takes so long.
ends='destroy-leaks-page'
[ "$engine" != libfuzzer ] || ends='destroy-leaks-page plugin_greedy plugin_endless'
for bad in $ends; do
    subject=$mutants/$bad.so
    [ -f "$subject" ] || subject=$plugins/$bad.so
    begun "$folder/$bad" "$bad"
    expect 1 'findings written' "$program" fuzz --engine "$engine" --backend "plugin:$subject" --time 8 \
        --output "$folder/$bad"
    whole "$folder/$bad" "plugin:$subject"
    cat "$folder/$bad/$bad"-*/report.txt
done >"$folder/reports"
expect 0 'gives back every page' cat "$folder/reports"
if [ "$engine" = libfuzzer ]; then
    expect 0 'took more than 512 MiB of memory' cat "$folder/reports"
    expect 0 'every operation comes to an end' cat "$folder/reports"
fi

# Nothing is found in what is right; inputs are kept, and the next campaign begins with them.
begun "$folder/right" list
expect 0 '^0 findings written' fuzz list 3000 --corpus "$folder/corpus" --output "$folder/right"
before=$(inputs "$folder/corpus/$engine-list")
[ "$before" -gt 20 ] || complain "only $before inputs are kept"
expect 0 "\"engine\":\"$engine\"" fuzz list 3000 --json --corpus "$folder/corpus/" --output "$folder/right"
[ "$(number features)" -gt 100 ] || complain "only $(number features) features"
[ "$(inputs "$folder/corpus/$engine-list")" -ge "$before" ] || complain "inputs are lost"
expect 0 'features by' "$program" corpus stats --backend list "$folder/corpus"

# What a killed campaign had found and not taken in: the next one does. Of another campaign's workers too.
late=$folder/late
mkdir -p "$late/zeroes-one-element.artifacts"
begun "$late" zeroes-one-element
printf 'assay-ops 1\nalloc s1 4096\ntouch s1\nfree s1\nzeroed s2 512 8\n' >"$folder/bug.ops"
"$program" trace convert --to bytes "$folder/bug.ops" "$late/zeroes-one-element.artifacts/7-crash-x"
ASSAY_GUIDANCE=off expect 1 'findings written' fuzz "plugin:$mutants/zeroes-one-element.so" 1 --output "$late"
[ -f "$late/zeroes-one-element-zeroing-alloc-free-zeroed-touch/report.json" ] ||
    [ -n "$(find "$late" -path '*zeroing*' -name report.json)" ] || complain "what was left behind is not taken in"

# A corpus of all sorts: what is none is named once, and an input by which something is found stays in it.
odd=$folder/odd
mkdir -p "$odd/afl/queue"
: >"$odd/empty"
echo notes >"$odd/notes.txt"
head -c 3000000 /dev/zero >"$odd/huge"
mkfifo "$odd/pipe"
cp "$seeds/churn.ops" "$folder/bug.ops" "$odd"
"$program" trace convert --to bytes "$seeds/edges.ops" "$odd/0123456789abcdef0123456789abcdef01234567"
touch "$odd/afl/fuzzer_stats"
"$program" trace convert --to bytes "$seeds/zeroed.ops" "$odd/afl/queue/id:000000,time:0,orig:zeroed"
begun "$folder/odd.out" zeroes-one-element
expect 1 'findings written' fuzz "plugin:$mutants/zeroes-one-element.so" 2000 --corpus "$odd" --output "$folder/odd.out"
for line in 'empty: left out: is empty' 'notes.txt: left out: is no stream' 'huge: left out: is larger' \
    'pipe: left out: is not a regular'; do
    [ "$(grep -c -- "$line" "$folder/out")" -eq 1 ] || complain "not one line like: $line"
done
[ -f "$odd/bug.ops" ] || complain "an input is removed from the corpus"

# Two campaigns, one corpus; an interrupt ends the first with its summary.
"$program" fuzz --engine "$engine" --backend list --time 0 --corpus "$folder/corpus" --output "$folder/right" \
    >"$folder/first" 2>&1 &
first=$!
sleep 2
expect 3 'another campaign on list is under way in .*corpus: use its --jobs' \
    fuzz list 1 --corpus "$folder/corpus" --output "$folder/other"
kill -INT "$first"
seen=0
wait "$first" || seen=$?
[ "$seen" -eq 0 ] || complain "an interrupted campaign: status $seen"
grep -q '^0 findings written' "$folder/first" || complain "an interrupt ends a campaign without summary"

# A disk that is full, then has room. Only root may mount one.
mkdir "$folder/disk"
if mount -t tmpfs -o size=160k tmpfs "$folder/disk" 2>/dev/null; then
    begun "$folder/disk" zeroes-one-element
    expect 3 'No space left on device' fuzz "plugin:$mutants/zeroes-one-element.so" 100000 --output "$folder/disk"
    mount -o remount,size=16m "$folder/disk"
    expect 1 'findings written' fuzz "plugin:$mutants/zeroes-one-element.so" 2000 --output "$folder/disk"
    umount "$folder/disk"
else
    echo "engines: no disk can be mounted here, so none is full: left out"
fi

# Engines and corpora that there are not, or that do not work.
mkdir "$folder/none" "$folder/bad"
ASSAY_ENGINES=$folder/none expect 3 "no engine_$engine in .*none" fuzz list 1 --output "$folder/right"
printf '#!/bin/sh\necho "no address for the heap" >&2\nexit 3\n' >"$folder/bad/engine_libfuzzer"
chmod +x "$folder/bad/engine_libfuzzer"
[ "$engine" != libfuzzer ] ||
    ASSAY_ENGINES=$folder/bad expect 3 'engine_libfuzzer: no address for the heap' fuzz list 1 --output "$folder/right"
expect 2 "wants random, libfuzzer or aflpp, not 'libfuzer'" "$program" fuzz --backend list --engine libfuzer
expect 2 'honggfuzz, for it is no Debian package' "$program" fuzz --backend list --engine honggfuzz
expect 2 'have no --corpus' "$program" fuzz --backend list --corpus "$folder/corpus"
expect 3 'is not a folder: name one with --corpus' fuzz list 1 --corpus "$folder/out" --output "$folder/right"
expect 1 'no heap can be made' fuzz "plugin:$plugins/plugin_create.so" 1 --output "$folder/right"
if command -v setpriv >/dev/null && [ "$(id -u)" -eq 0 ]; then
    chmod 755 "$folder"
    mkdir -m 000 "$folder/closed"
    mkdir -m 777 "$folder/mine"
    expect 3 'cannot read and write in .*/closed: Permission denied' setpriv --reuid 65534 --clear-groups \
        "$program" fuzz --engine "$engine" --backend list --corpus "$folder/closed" --output "$folder/mine"
    mkdir -m 777 "$folder/some"
    (umask 777 && cp "$folder/bug.ops" "$folder/some/secret")
    expect 0 'secret: left out: Permission denied' setpriv --reuid 65534 --clear-groups \
        "$program" fuzz --engine "$engine" --backend list --time 0 --runs 500 --corpus "$folder/some" \
        --output "$folder/mine"
fi
exit "$failed"
