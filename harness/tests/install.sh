#!/bin/sh
# install.sh BUILD SOURCE CONFORMANCE: installs into a temporary prefix, records, replays and looks up what is
# there, builds the example plug-in against it as a user would, with cc and with CMake, and has the
# program CONFORMANCE test both.
set -eu
build=$1 source=$2 conformance=$3
prefix=$(mktemp -d)
trap 'rm -rf "$prefix"' EXIT

cmake --install "$build" --prefix "$prefix" >"$prefix/log"
pc=$(dirname "$(find "$prefix" -name assay.pc)")
cd "$prefix"
bin/assay record -o run.trace -- sort --version >record.log 2>&1
bin/assay replay --backend list run.trace >>record.log
grep -q '^1 passed, 0 failed' record.log || { cat record.log; exit 1; }
test -s share/man/man1/assay.1
for engine in libfuzzer aflpp; do
    [ ! -x "lib/assay/engine_$engine" ] ||
        bin/assay fuzz --engine $engine --backend list --time 0 --runs 100 >fuzz.log 2>&1 || { cat fuzz.log; exit 1; }
done
bash -n share/bash-completion/completions/assay
# Moved as a whole, as a package manager moves what it stages.
DESTDIR=$prefix/stage cmake --install "$build" --prefix /usr >>log
stage/usr/bin/assay record -o staged.trace -- sort --version >>record.log 2>&1
# Nothing of the source tree may be needed: the example is built from a copy.
cp -r "$source/examples/plugin" "$prefix/plugin"
cd "$prefix/plugin"
flags=$(PKG_CONFIG_PATH=$pc pkg-config --cflags assay)
# shellcheck disable=SC2086 # several words
cc -std=c11 -Wall -Wextra -Wpedantic -Werror -shared -fPIC \
    -fvisibility=hidden -o stack.so stack.c $flags
cmake -G Ninja -S . -B cmake-build -DCMAKE_PREFIX_PATH="$prefix" >>"$prefix/log"
cmake --build cmake-build >>"$prefix/log"
exported=$(nm -D --defined-only stack.so | awk '{ print $3 }')
test "$exported" = assay_backend_plugin || { echo "stack.so exports $exported"; exit 1; }
"$conformance" "plugin:$PWD/stack.so"
"$conformance" "plugin:$PWD/cmake-build/stack.so"
