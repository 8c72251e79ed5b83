#!/bin/sh
# static_state.sh ARCHIVE: that a seed's library calls no malloc and keeps, beyond its heap, a few scalars at most:
# where the heap is, and the system's page source.
set -eu
archive=$1
most=64
failed=0

calls=$(nm -u "$archive" | awk 'NF == 2 { print $2 }' | grep -E '^(malloc|calloc|realloc|reallocarray|free|aligned_alloc|memalign|posix_memalign|valloc)$' | sort -u | tr '\n' ' ' || true)
[ -z "$calls" ] || {
    echo "$archive calls" "$calls" >&2
    failed=1
}
bytes=$(size -A "$archive" | awk '$1 ~ /^\.(data|bss|tdata|tbss)(\.|$)/ && $1 !~ /^\.data\.rel\.ro/ { sum += $2 } END { print sum + 0 }')
if [ "$bytes" -eq 0 ] || [ "$bytes" -gt "$most" ]; then
    echo "$archive keeps $bytes bytes outside its heap, not 1 to $most" >&2
    failed=1
fi
exit "$failed"
