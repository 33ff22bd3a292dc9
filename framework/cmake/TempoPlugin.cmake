# tempo_add_plugin(NAME SOURCE...): NAME.so, a layer plugin. It sees Tempo's headers, links against
# nothing and exports one symbol. Where no build type is chosen, it is optimised.
set(TEMPO_PLUGIN_SYMBOLS ${CMAKE_CURRENT_LIST_DIR}/tempo-plugin.map)

function(tempo_add_plugin name)
  add_library(${name} MODULE ${ARGN})
  target_link_libraries(${name} PRIVATE tempo::headers)
  target_compile_options(${name} PRIVATE $<$<CONFIG:>:-O2>)
  set_target_properties(${name} PROPERTIES
    PREFIX "" CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON
    LINK_DEPENDS ${TEMPO_PLUGIN_SYMBOLS})
  target_link_options(${name} PRIVATE LINKER:--version-script=${TEMPO_PLUGIN_SYMBOLS})
endfunction()
