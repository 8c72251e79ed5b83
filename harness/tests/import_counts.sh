#!/bin/bash
# Whether what tools recorded of import_subject is imported as what that program says it did.
#
#     import_counts.sh PROGRAM FOLDER           the files of FOLDER, as corpus/record-imports leaves them
#     import_counts.sh PROGRAM --record SUBJECT recorded now
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
assay=$1 folder=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
if [ "$folder" = --record ]; then
    folder=$work/recorded
    WORK=$work/run "$root/corpus/record-imports" "$3" "$folder"
    "$assay" record -o "$folder/subject.trace" -- "$3" 200 > "$work/out" 2>&1
fi

# Prints how often the stream does what, of blocks of the subject's own sizes.
count() {
    "$assay" trace show "$1" | awk '
        function is_ours(size) { return size >= 7000 && size < 8000 }
        function begin(slot, size) { ours[slot] = is_ours(size) }
        { sub(/^@[0-9]+ /, ""); sub(/^\+[0-9]+ /, "") }
        $1 == "alloc" || $1 == "realloc" { size = $3 }
        $1 == "aligned" { size = $4 }
        $1 == "zeroed" { size = $3 * $4 }
        $1 ~ /^(alloc|aligned|zeroed)$/ { count[$1] += is_ours(size); begin($2, size) }
        $1 ~ /^(alloc|realloc)$/ && size == 2 ^ 60 { refused++ }
        # A refused realloc is undone by one back to the size before.
        $1 == "realloc" && size == 2 ^ 60 { back[$2] = 1; next }
        $1 == "realloc" && back[$2] { delete back[$2]; next }
        $1 == "realloc" { count[$1] += is_ours(size); begin($2, size) }
        $1 == "free" { free += ours[$2]; delete ours[$2] }
        END { printf "alloc=%d zeroed=%d aligned=%d realloc=%d free=%d refused=%d\n", count["alloc"],
                  count["zeroed"], count["aligned"], count["realloc"], free, refused }'
}

failed=0
# expect FILE ALLOC ZEROED ALIGNED REALLOC FREE REFUSED
expect() {
    local file=$1 seen
    seen=$(count "$file")
    shift
    if [ "$seen" != "alloc=$1 zeroed=$2 aligned=$3 realloc=$4 free=$5 refused=$6" ]; then
        echo "import_counts: $file: $seen, not $*" >&2
        failed=1
    fi
}

for word in $(cat "$folder/subject.counts"); do
    declare "${word%%=*}=${word#*=}"
done
# shellcheck disable=SC2154 # declared from the file
{
    [ "$malloc" -gt 0 ] && [ "$refused" -gt 0 ]
    all=$((malloc + calloc + aligned + realloc_null))
    # All is told apart; the malloc that does the work of realloc(NULL, size) is a call of its own.
    expect "$folder/subject.valgrind" $((malloc + realloc_null)) "$calloc" "$aligned" "$realloc" \
        "$free" "$refused"
    # What was refused is there, but calloc and memalign are as malloc.
    expect "$folder/subject.mtrace" $all 0 0 "$realloc" "$free" "$refused"
    # Neither is, and realloc is a free and a malloc.
    for file in "$folder"/subject.heaptrack*; do
        expect "$file" $((all + realloc)) 0 0 0 $((free + realloc)) 0
    done
    if [ -e "$folder/subject.trace" ]; then
        expect "$folder/subject.trace" "$malloc" "$calloc" "$aligned" \
            $((realloc + realloc_null)) "$free" "$refused"
    fi
}
exit $failed
