#!/bin/sh
# install_seed.sh BUILD NAME HEADER EXAMPLE: installs into a temporary prefix and builds the example of a seed against
# its library alone, as a user would: with gcc and clang, by pkg-config, and by CMake. Both languages must find
# its header standard.
set -eu
build=$1 name=$2 header=$3 example=$4
prefix=$(mktemp -d)
trap 'rm -rf "$prefix"' EXIT

cmake --install "$build" --prefix "$prefix" >"$prefix/log"
PKG_CONFIG_PATH=$(dirname "$(find "$prefix" -name "$name.pc")")
export PKG_CONFIG_PATH
flags=$(pkg-config --cflags --libs "$name")
cp "$example" "$prefix/example.c"
cd "$prefix"
for compiler in gcc clang; do
    # shellcheck disable=SC2086 # several words
    "$compiler" -std=c11 -D_POSIX_C_SOURCE=200809L -Wall -Wextra -pedantic-errors -Werror -o example example.c $flags
    ./example >>log
done
echo "#include <$header>" >header.c
for language in c c++; do
    standard=$([ "$language" = c ] && echo c99 || echo c++11)
    # shellcheck disable=SC2086
    cc -x "$language" -std="$standard" -Wall -Wextra -pedantic-errors -Werror -fsyntax-only header.c $flags
done
cat >CMakeLists.txt <<END
cmake_minimum_required(VERSION 3.25)
project(user LANGUAGES C)
find_package(assay REQUIRED)
add_executable(example example.c)
target_link_libraries(example PRIVATE assay::$name)
END
{
    cmake -G Ninja -S . -B cmake-build -DCMAKE_PREFIX_PATH="$prefix"
    cmake --build cmake-build
    cmake-build/example
} >>log
