# What is installed: the program with its manual page, its completion and the library that it preloads to
# record (harness/record), and all that a plug-in needs - the one header, and where it is, for CMake
# and for pkg-config. The libraries of the seeds install themselves (SeedLibrary.cmake).
include(CMakePackageConfigHelpers)

install(TARGETS assay RUNTIME)
# Found from where the program lies, so that an installed tree can be moved.
install(TARGETS assay_record DESTINATION lib/assay)
install(FILES ${CMAKE_SOURCE_DIR}/harness/cli/assay.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
install(FILES ${CMAKE_BINARY_DIR}/harness/cli/completion.bash
        DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions RENAME assay)

add_library(assay_plugin_interface INTERFACE)
set_target_properties(assay_plugin_interface PROPERTIES EXPORT_NAME backend)
target_include_directories(assay_plugin_interface INTERFACE
    $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
install(FILES ${CMAKE_SOURCE_DIR}/harness/include/assay/backend.h
        DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/assay)
install(TARGETS assay_plugin_interface EXPORT assay)
install(EXPORT assay NAMESPACE assay:: FILE assayTargets.cmake
        DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/assay)
# Before 1.0 each minor version may raise the table's ABI.
write_basic_package_version_file(${CMAKE_BINARY_DIR}/assayConfigVersion.cmake
    COMPATIBILITY SameMinorVersion ARCH_INDEPENDENT)
install(FILES ${CMAKE_SOURCE_DIR}/cmake/assayConfig.cmake ${CMAKE_BINARY_DIR}/assayConfigVersion.cmake
        DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/assay)

# Found from where the .pc file lies, so that an installed tree can be moved.
file(RELATIVE_PATH prefix_from_pc /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
configure_file(${CMAKE_SOURCE_DIR}/cmake/assay.pc.in ${CMAKE_BINARY_DIR}/assay.pc @ONLY)
install(FILES ${CMAKE_BINARY_DIR}/assay.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
