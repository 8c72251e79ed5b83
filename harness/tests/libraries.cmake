# Tests that load shared libraries: packaged ones, those in plugins/, and the installed example.
assay_test(test_dl test_dl.c)
assay_test(test_registry test_registry.c)

add_subdirectory(plugins)
set(plugins ${CMAKE_CURRENT_BINARY_DIR}/plugins)
target_compile_definitions(test_dl PRIVATE PLUGINS="${plugins}")
target_compile_definitions(test_registry PRIVATE PLUGINS="${plugins}")
add_dependencies(test_dl prefixed)
add_dependencies(test_registry
    plugin_abi plugin_free plugin_nothing plugin_null_table plugin_symbol prefixed)

foreach(library mimalloc.so.2 tcmalloc_minimal.so.4 jemalloc.so.2)
    string(REGEX REPLACE "[._].*" "" word ${library})
    string(TOUPPER ${word} word)
    find_library(ASSAY_${word}_LIBRARY NAMES lib${library})
    if(NOT ASSAY_${word}_LIBRARY)
        message(FATAL_ERROR "lib${library} is missing: install the packages in ci/packages.txt")
    endif()
    target_compile_definitions(test_dl PRIVATE ${word}="${ASSAY_${word}_LIBRARY}")
endforeach()

# The example must keep all rules of the table, built against the installed header alone.
add_test(NAME test_install
         COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/install.sh
                 ${CMAKE_BINARY_DIR} ${CMAKE_SOURCE_DIR} $<TARGET_FILE:conformance>)
set_tests_properties(test_install PROPERTIES TIMEOUT 300)

# What `assay doctor` finds out about malloc libraries. Under a sanitizer a library crashes in its handlers, or
# answers for its malloc: there the shorter tests of what doctor is made of must do.
add_subdirectory(libraries)
assay_test(test_faults test_faults.c mutants/planted.c mutants/planted_audit.c
           mutants/planted_chunks.c)
target_compile_definitions(test_faults PRIVATE LIBRARIES="${CMAKE_CURRENT_BINARY_DIR}/libraries")
add_dependencies(test_faults library_no_bug library_errno_forgotten)
if(NOT ASSAY_SANITIZE AND NOT ASSAY_FUZZER)
    assay_test(test_posix test_posix.c)
    # It asks for what the compiler believes to know better.
    target_compile_options(test_posix PRIVATE -fno-builtin)
    add_test(NAME doctor COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/doctor.sh
             $<TARGET_FILE:assay> ${CMAKE_CURRENT_BINARY_DIR})
    set_tests_properties(doctor PROPERTIES TIMEOUT 600)
endif()
