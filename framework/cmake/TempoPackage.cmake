# The Debian packages, which cpack makes of the components of TempoInstall.cmake.
set(TEMPO_MAINTAINER "Tempo maintainers <maintainers@tempo.invalid>" CACHE STRING
  "Whom the packages name as their maintainer")

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME tempo)
set(CPACK_PACKAGE_VENDOR Tempo)
set(CPACK_PACKAGE_CONTACT ${TEMPO_MAINTAINER})
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "")   # else it stands before each package's own
set(CPACK_PACKAGING_INSTALL_PREFIX ${CMAKE_INSTALL_PREFIX})
set(CPACK_SET_DESTDIR ON)   # tempo.pc says the prefix
set(CPACK_STRIP_FILES ON)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS
  OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SOURCE tempo)
set(CPACK_DEBIAN_PACKAGE_RELEASE 1)
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS_PRIVATE_DIRS ${CMAKE_LIBRARY_OUTPUT_DIRECTORY})
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS ON)
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS_POLICY "=")   # before 1.0, any version may differ
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_ENABLE_COMPONENT_DEPENDS ON)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_COMPONENTS_GROUPING IGNORE)
set(CPACK_COMPONENTS_ALL library plugins development program)

# tempo_package(COMPONENT PACKAGE SECTION SYNOPSIS DEPENDS...): besides its files, each package has
# its licence and a changelog.
set(debian ${CMAKE_CURRENT_LIST_DIR}/debian)
string(TIMESTAMP date "%a, %d %b %Y %H:%M:%S +0000" UTC)   # of $SOURCE_DATE_EPOCH, if that is set
file(MAKE_DIRECTORY ${PROJECT_BINARY_DIR}/debian)
configure_file(${debian}/changelog.in ${PROJECT_BINARY_DIR}/debian/changelog @ONLY)
execute_process(COMMAND gzip -9nf ${PROJECT_BINARY_DIR}/debian/changelog COMMAND_ERROR_IS_FATAL ANY)

macro(tempo_package component package section synopsis)
  string(TOUPPER ${component} variable)
  set(CPACK_DEBIAN_${variable}_PACKAGE_NAME ${package})
  set(CPACK_DEBIAN_${variable}_PACKAGE_SECTION ${section})
  set(CPACK_COMPONENT_${variable}_DEPENDS ${ARGN})
  set(CPACK_COMPONENT_${variable}_DESCRIPTION "${synopsis}
Tempo trains and runs recurrent networks. A cell is written as the formula
of one step, in C++, C or any language that makes a shared object; what it
runs as is compiled from that.")
  install(FILES ${debian}/copyright DESTINATION ${CMAKE_INSTALL_DATAROOTDIR}/doc/${package}
          COMPONENT ${component})
  install(FILES ${PROJECT_BINARY_DIR}/debian/changelog.gz RENAME changelog.Debian.gz
          DESTINATION ${CMAKE_INSTALL_DATAROOTDIR}/doc/${package} COMPONENT ${component})
endmacro()

tempo_package(plugins tempo-plugins libs "recurrent networks: the layers")
tempo_package(library libtempo${PROJECT_VERSION_MAJOR} libs "recurrent networks: the library" plugins)
tempo_package(development libtempo-dev libdevel
  "recurrent networks: headers for programs and plugins" library)
tempo_package(program tempo science "recurrent networks: layers listed, explained and checked" library)
set(CPACK_DEBIAN_LIBRARY_PACKAGE_CONTROL_EXTRA ${debian}/triggers)   # ldconfig
set(CPACK_DEBIAN_LIBRARY_PACKAGE_RECOMMENDS gnuplot-nox)
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_SUGGESTS "cmake, libxtensor-dev, pkg-config, tempo")
set(CPACK_DEBIAN_PROGRAM_PACKAGE_RECOMMENDS "libtempo-dev")

# What the program says of itself, as its page of the manual.
find_program(HELP2MAN help2man REQUIRED)
set(manual ${PROJECT_BINARY_DIR}/debian/tempo.1)
add_custom_command(OUTPUT ${manual}.gz
  COMMAND ${HELP2MAN} --no-info --help-option=--help-all "--name=${PROJECT_DESCRIPTION}"
          --output=${manual} $<TARGET_FILE:tempo_program>
  COMMAND gzip -9nf ${manual}
  DEPENDS tempo_program VERBATIM)
add_custom_target(tempo_manual ALL DEPENDS ${manual}.gz)
install(FILES ${manual}.gz DESTINATION ${CMAKE_INSTALL_MANDIR}/man1 COMPONENT program)

include(CPack)
