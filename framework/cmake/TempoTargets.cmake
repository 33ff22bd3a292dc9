# What Tempo's own targets share. None of it reaches those who use the library.

# tempo_sources(VARIABLE FOLDER...): the .cpp files of these folders, looked up again at each build.
function(tempo_sources variable)
  list(TRANSFORM ARGN PREPEND ${CMAKE_CURRENT_SOURCE_DIR}/ OUTPUT_VARIABLE patterns)
  list(TRANSFORM patterns APPEND /*.cpp)
  file(GLOB sources CONFIGURE_DEPENDS ${patterns})
  set(${variable} ${sources} PARENT_SCOPE)
endfunction()

# tempo_unite(TARGET FOLDER...): TARGET's .cpp files of each folder are compiled up to eight at a
# time, which takes half as long. It is not for kernels and passes: each is optimised by itself.
function(tempo_unite target)
  set_target_properties(${target} PROPERTIES UNITY_BUILD ${TEMPO_UNITY} UNITY_BUILD_MODE GROUP)
  if(TEMPO_UNITY)   # clang sees a shadow where a header comes after another source's own names
    target_compile_options(${target} PRIVATE $<$<CXX_COMPILER_ID:Clang>:-Wno-shadow>)
  endif()
  foreach(folder IN LISTS ARGN)
    tempo_sources(sources ${folder})
    set(number 0)
    foreach(source IN LISTS sources)
      math(EXPR group "${number} / 8")
      string(REPLACE "/" "_" name "${folder}")
      set_source_files_properties(${source} PROPERTIES UNITY_GROUP ${name}_${group})
      math(EXPR number "${number} + 1")
    endforeach()
  endforeach()
endfunction()

# tempo_example_plugins(SOURCE): writes the examples of plugins into this source, as texts for
# `tempo new` (framework/command/new_plugin.hpp).
function(tempo_example_plugins source)
  file(GLOB folders CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/examples/plugins/*/CMakeLists.txt)
  set(rows)
  foreach(folder IN LISTS folders)
    cmake_path(GET folder PARENT_PATH folder)
    cmake_path(GET folder FILENAME example)
    string(APPEND rows "      {\"${example}\",\n       {")
    foreach(file ${example}.cpp ${example}.c ${example}.rs CMakeLists.txt README.md)
      if(EXISTS ${folder}/${file})
        set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${folder}/${file})
        file(READ ${folder}/${file} text)
        string(APPEND rows "{\"${file}\", R\"~~~(${text})~~~\"},\n        ")
      endif()
    endforeach()
    string(APPEND rows "}},\n")
  endforeach()
  file(CONFIGURE OUTPUT ${source} @ONLY CONTENT "// Written by CMake, from examples/plugins.
#include \"command/new_plugin.hpp\"

const std::vector<tempo::command::PluginExample>& tempo::command::plugin_examples() {
  static const std::vector<PluginExample> all{
${rows}  };
  return all;
}
")
endfunction()

function(tempo_own_flags target)
  set_target_properties(${target} PROPERTIES CXX_EXTENSIONS OFF)
  target_compile_options(${target} PRIVATE
    -Wall -Wextra -Wpedantic -Wshadow -Wconversion $<$<BOOL:${TEMPO_WERROR}>:-Werror>
    $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict>)   # g++ 12 sees one in `"text" + string` (GCC bug 105651)
endfunction()

# With g++, half the time of a source went into reading headers, so that those of many targets are
# read once. Every source still includes what it uses: clang's builds have no precompiled headers.
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND PROJECT_IS_TOP_LEVEL)
  set(TEMPO_PRECOMPILE ON)
  # The first is for ccache. Then come warnings that g++ 12 wrongly sees in precompiled headers: it
  # forgets which are the system's, and what pragmas switched off.
  set(TEMPO_PRECOMPILED_OPTIONS
    -fpch-preprocess -Wno-stringop-overflow -Wno-array-bounds -Wno-attributes)
endif()

# tempo_precompile(TARGET HEADER...): for TARGET's own sources.
function(tempo_precompile target)
  if(TEMPO_PRECOMPILE)
    target_precompile_headers(${target} PRIVATE
      ${PROJECT_SOURCE_DIR}/framework/cmake/precompiled.hpp ${ARGN})
    target_compile_options(${target} PRIVATE ${TEMPO_PRECOMPILED_OPTIONS})
  endif()
endfunction()

# tempo_precompiled(NAME HEADER...): a target for others of the same flags to share.
function(tempo_precompiled name)
  add_library(${name} OBJECT EXCLUDE_FROM_ALL ${PROJECT_SOURCE_DIR}/framework/cmake/precompiled.cpp)
  tempo_own_flags(${name})
  tempo_precompile(${name} ${ARGN})
endfunction()

# tempo_share_precompiled(TARGET NAME)
function(tempo_share_precompiled target name)
  if(TEMPO_PRECOMPILE)
    target_precompile_headers(${target} REUSE_FROM ${name})
    target_compile_options(${target} PRIVATE ${TEMPO_PRECOMPILED_OPTIONS})
  endif()
endfunction()

# Paths are hashed relative to the build folder: build folders beside each other share their hits.
find_program(CCACHE ccache)
if(CCACHE AND PROJECT_IS_TOP_LEVEL AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER
    env CCACHE_BASEDIR=${PROJECT_SOURCE_DIR} CCACHE_NOHASHDIR=1
    CCACHE_SLOPPINESS=pch_defines,time_macros ${CCACHE})
endif()

if(PROJECT_IS_TOP_LEVEL AND NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "Debug, Release or RelWithDebInfo" FORCE)
endif()
