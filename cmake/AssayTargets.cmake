# The flags that all targets share, and the functions that make them.
#
#   assay_flags       language and warnings, for our code
#   assay_sanitizers  sanitizers and coverage, for all code; with a fuzzer only for the code under test
#   assay_instrument  fuzzer coverage, for the code under test: backends and decoders, never the shadow;
#                     without recording comparisons, and small, for a loop that is unrolled has its
#                     edges several times, and each costs the fuzzer time after every input
#
# Links libraries by pkg-config; a missing one stops the configuration.

set(CMAKE_C_STANDARD 11)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS OFF)
set(CMAKE_CXX_STANDARD 17)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

# Where speed is measured: a call from file to file costs as much as much of what is called.
include(CheckIPOSupported)
check_ipo_supported(RESULT has_ipo OUTPUT ipo_output LANGUAGES C CXX)
if(has_ipo)
    set(CMAKE_INTERPROCEDURAL_OPTIMIZATION_RELEASE ON)
    set(CMAKE_INTERPROCEDURAL_OPTIMIZATION_RELWITHDEBINFO ON)
endif()

find_package(PkgConfig REQUIRED)
pkg_check_modules(ZLIB REQUIRED IMPORTED_TARGET zlib)
pkg_check_modules(ZSTD REQUIRED IMPORTED_TARGET libzstd)
pkg_check_modules(XXHASH REQUIRED IMPORTED_TARGET libxxhash)
pkg_check_modules(CMOCKA REQUIRED IMPORTED_TARGET cmocka)
find_package(Threads REQUIRED)

add_library(assay_flags INTERFACE)
target_compile_definitions(assay_flags INTERFACE _GNU_SOURCE)
target_compile_options(assay_flags INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wvla
    -Wwrite-strings -Wcast-align
    $<$<COMPILE_LANGUAGE:C>:-Wstrict-prototypes -Wmissing-prototypes>
    $<$<BOOL:${ASSAY_WERROR}>:-Werror>)

# Children are forked by the thousand, and what is bound lazily is bound anew in each of them.
target_link_options(assay_flags INTERFACE -Wl,-z,now)

add_library(assay_sanitizer_runtime INTERFACE)
add_library(assay_sanitizers INTERFACE)
target_link_libraries(assay_sanitizers INTERFACE assay_sanitizer_runtime)
if(ASSAY_SANITIZE)
    target_compile_options(assay_sanitizers INTERFACE -fsanitize=${ASSAY_SANITIZE}
        -fno-omit-frame-pointer -fno-sanitize-recover=all)
    target_link_options(assay_sanitizer_runtime INTERFACE -fsanitize=${ASSAY_SANITIZE})
endif()
if(ASSAY_COVERAGE)
    target_compile_options(assay_sanitizers INTERFACE --coverage)
    target_link_options(assay_sanitizers INTERFACE --coverage)
endif()

add_library(assay_instrument INTERFACE)
if(ASSAY_FUZZER)
    target_compile_options(assay_instrument INTERFACE -fsanitize=fuzzer-no-link
                           -fno-sanitize-coverage=trace-cmp -Os)
    target_link_libraries(assay_instrument INTERFACE assay_sanitizers)
    # Programs without a fuzzer of their own find what the coverage counts into here.
    target_link_options(assay_instrument INTERFACE -fsanitize=fuzzer-no-link)
    # What is not under test keeps the speed: shadow and replay have tests of their own.
    set(assay_own_sanitizers assay_sanitizer_runtime)
else()
    set(assay_own_sanitizers assay_sanitizers)
endif()

# Asks sanitizers to answer malloc(SIZE_MAX) with NULL instead of aborting. An object library,
# because a linker would leave an unreferenced member of an archive out.
add_library(assay_sanitizer_options OBJECT ${CMAKE_SOURCE_DIR}/cmake/sanitizer_options.c)

# assay_library(NAME SOURCES...): a static library of ours.
function(assay_library name)
    add_library(${name} STATIC ${ARGN})
    target_include_directories(${name} PUBLIC ${CMAKE_SOURCE_DIR}/harness/include)
    target_link_libraries(${name} PRIVATE assay_flags PUBLIC ${assay_own_sanitizers})
endfunction()

# assay_program(NAME SOURCES...): a program that runs backends.
function(assay_program name)
    add_executable(${name} ${ARGN} $<TARGET_OBJECTS:assay_sanitizer_options>)
    target_include_directories(${name} PRIVATE ${CMAKE_SOURCE_DIR}/harness/include)
    target_link_libraries(${name} PRIVATE assay_flags ${assay_own_sanitizers} assay_registry assay_harness
                          Threads::Threads)
    # A preloaded or opened malloc must not be shadowed by symbols of ours, and plug-ins need none.
    set_target_properties(${name} PROPERTIES ENABLE_EXPORTS OFF)
endfunction()

# assay_test(NAME SOURCES...): a cmocka program, run as the CTest case NAME.
function(assay_test name)
    assay_program(${name} ${ARGN})
    target_link_libraries(${name} PRIVATE PkgConfig::CMOCKA)
    add_test(NAME ${name} COMMAND ${name})
    set_tests_properties(${name} PROPERTIES SKIP_RETURN_CODE 4 TIMEOUT 300)
endfunction()
