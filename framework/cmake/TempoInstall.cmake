# What an install holds: libtempo, the headers, the plugins, `tempo`, and the two ways to be found
# (find_package and pkg-config). Each has the component that TempoPackage.cmake makes a package of.
include(CMakePackageConfigHelpers)

set(package_folder ${CMAKE_INSTALL_LIBDIR}/cmake/tempo)

install(TARGETS tempo tempo_headers EXPORT tempo-targets
  LIBRARY COMPONENT library NAMELINK_COMPONENT development)
install(DIRECTORY framework/include/tempo DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT development
        FILES_MATCHING PATTERN "*.h" PATTERN "*.hpp")
install(FILES ${PROJECT_BINARY_DIR}/include/tempo/version.hpp
        DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/tempo COMPONENT development)
install(DIRECTORY layers/ DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/tempo/layers COMPONENT development
        FILES_MATCHING PATTERN "*.hpp")
install(TARGETS ${plugin_targets}
        LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}/tempo/plugins COMPONENT plugins)
install(TARGETS tempo_program COMPONENT program)

install(EXPORT tempo-targets NAMESPACE tempo:: DESTINATION ${package_folder} COMPONENT development)
configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/tempo-config.cmake.in
  ${PROJECT_BINARY_DIR}/cmake/tempo-config.cmake INSTALL_DESTINATION ${package_folder})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/cmake/tempo-config-version.cmake
  COMPATIBILITY SameMinorVersion)
install(FILES
  ${PROJECT_BINARY_DIR}/cmake/tempo-config.cmake
  ${PROJECT_BINARY_DIR}/cmake/tempo-config-version.cmake
  ${CMAKE_CURRENT_LIST_DIR}/TempoPlugin.cmake
  ${CMAKE_CURRENT_LIST_DIR}/tempo-plugin.map
  DESTINATION ${package_folder} COMPONENT development)

# tempo.pc is written by the install itself, since only then `--prefix` is known. In the system's own
# prefixes ldconfig knows the library; elsewhere a script could not start without a run path, and the
# one line of the README must be enough. So a run path is given there, and only there. And since a
# script may refer to libtempo by a weak symbol alone (host.hpp), --as-needed must not drop it.
install(CODE "
  set(version \"${PROJECT_VERSION}\")
  set(description \"${PROJECT_DESCRIPTION}\")
  set(prefix \"\${CMAKE_INSTALL_PREFIX}\")
  cmake_path(APPEND libdir \"\${prefix}\" \"${CMAKE_INSTALL_LIBDIR}\")
  cmake_path(APPEND includedir \"\${prefix}\" \"${CMAKE_INSTALL_INCLUDEDIR}\")
  set(run_path \" -Wl,-rpath,\\\${libdir}\")
  if(prefix STREQUAL \"/usr\" OR prefix STREQUAL \"/usr/local\")
    set(run_path \"\")
  endif()
  configure_file(\"${CMAKE_CURRENT_LIST_DIR}/tempo.pc.in\" \"${PROJECT_BINARY_DIR}/cmake/tempo.pc\" @ONLY)
" COMPONENT development)
install(FILES ${PROJECT_BINARY_DIR}/cmake/tempo.pc
        DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig COMPONENT development)
