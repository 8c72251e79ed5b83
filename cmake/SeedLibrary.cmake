# The seed allocators as libraries of their own, for programs that know nothing of assay.

set(ASSAY_SEED_PC ${CMAKE_CURRENT_LIST_DIR}/seed.pc.in)

# assay_seed_library(NAME HEADER DESCRIPTION SOURCES...): libNAME.a of the allocator in this folder with its
# seed's API, HEADER. Installs archive and header, NAME.pc, and the CMake target assay::NAME. The header
# is found as <HEADER> through either. The target here is seed_NAME.
function(assay_seed_library name header description)
    add_library(seed_${name} STATIC ${ARGN} ${CMAKE_SOURCE_DIR}/harness/os_pages.c)
    set_target_properties(seed_${name} PROPERTIES OUTPUT_NAME ${name} EXPORT_NAME ${name}
                          INTERPROCEDURAL_OPTIMIZATION OFF) # an archive for any compiler
    target_include_directories(seed_${name}
        PRIVATE ${CMAKE_SOURCE_DIR}/harness/include ${CMAKE_SOURCE_DIR}/backends
        PUBLIC $<BUILD_INTERFACE:${CMAKE_CURRENT_SOURCE_DIR}>
               $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}/assay>)
    target_link_libraries(seed_${name} PRIVATE $<BUILD_INTERFACE:assay_flags>
                          PUBLIC $<BUILD_INTERFACE:assay_sanitizers> Threads::Threads)
    install(TARGETS seed_${name} EXPORT assay ARCHIVE)
    install(FILES ${header} DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/assay)
    set(seed_${name}_header ${header} PARENT_SCOPE)

    file(RELATIVE_PATH prefix_from_pc /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
    configure_file(${ASSAY_SEED_PC} ${CMAKE_CURRENT_BINARY_DIR}/${name}.pc @ONLY)
    install(FILES ${CMAKE_CURRENT_BINARY_DIR}/${name}.pc
            DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
endfunction()

# assay_seed_example(NAME FILE): the example of a seed's documentation, built against seed_NAME and run as the
# CTest case example.NAME; it answers 0 if all went as its comments say. install.NAME does the same as a user
# of what is installed; an archive with a sanitizer in it is not one.
function(assay_seed_example name file)
    add_executable(example_${name} ${file})
    target_link_libraries(example_${name} PRIVATE assay_flags seed_${name})
    add_test(NAME example.${name} COMMAND example_${name})
    if(NOT ASSAY_SANITIZE AND NOT ASSAY_COVERAGE)
        add_test(NAME install.${name}
                 COMMAND ${CMAKE_SOURCE_DIR}/harness/tests/install_seed.sh ${CMAKE_BINARY_DIR} ${name}
                         ${seed_${name}_header} ${CMAKE_CURRENT_SOURCE_DIR}/${file})
        set_tests_properties(install.${name} PROPERTIES TIMEOUT 300)
    endif()
endfunction()
