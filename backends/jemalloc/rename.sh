#!/bin/sh
# Makes a private copy of a static jemalloc: `rename.sh ARCHIVE COPY NM OBJCOPY AR`.
#
# Every global symbol that the archive defines gets the prefix assay_je_, so that the copy neither
# replaces the program's malloc nor meets another jemalloc. What it reads its settings from,
# environment and /etc/malloc.conf, and what it maps for itself is led to functions in process.c.
# One setting has no key and is made weak, so that process.c can define it. The C++ operators are
# left out.
set -eu
archive=$1 copy=$2 nm=$3 objcopy=$4 ar=$5

"$nm" --extern-only --defined-only "$archive" |
    awk 'NF == 3 { private = $3; sub(/^je_/, "", private); print $3, "assay_je_" private }' |
    sort -u >"$copy.symbols"
cat >>"$copy.symbols" <<END
mmap assay_jemalloc_mmap
secure_getenv assay_jemalloc_getenv
readlink assay_jemalloc_readlink
END
rm -f "$copy"
# GNU objcopy looks for the new name here, LLVM's for the old one.
"$objcopy" --redefine-syms="$copy.symbols" --weaken-symbol=assay_je_opt_cache_oblivious \
    --weaken-symbol=je_opt_cache_oblivious "$archive" "$copy"
"$ar" d "$copy" jemalloc_cpp.pic.o
