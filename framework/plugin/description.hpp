// SPDX-License-Identifier: Apache-2.0
// Descriptions of layers, cells and ops from plugins and programs, checked before they are used.
#pragma once

#include <string>

#include <tempo/plugin.h>

namespace tempo {

/// Whether `name` can name a layer, cell, op or option: letters, digits and `_`, no digit first, at
/// most 64 characters. Files of models, folders of plugins and command lines hold these names
/// unchanged.
bool is_plain_name(const std::string& name);

/// The i-th option that the host itself reads, if a layer has it; nullptr past the end.
const char* own_option(uint32_t i);

/// Throws PluginError if the description lacks something or contradicts itself. The class of a
/// program may have any name.
void require_whole(const tempo_layer_type* type);
/// The same checks, and the name must be plain.
void require_registrable(const tempo_layer_type* type);
void require_registrable(const tempo_op_type* type);
void require_registrable(uint32_t kind, const tempo_function_type* type);
/// Whether `name` can name a plugin: plain names with `-` and `.` between them.
bool is_plugin_name(const std::string& name);

/// The host's own deep copy, for the life of the process. The original may come from another
/// header, with fewer or more fields at its end, and may lie on a stack.
const tempo_layer_type& kept(const tempo_layer_type& whole_type);
const tempo_op_type& kept(const tempo_op_type& whole_type);
const tempo_function_type& kept(const tempo_function_type& whole_type);
/// The type itself if it is such a copy; else a copy of its present content, the same copy each
/// time.
const tempo_layer_type& hosts_own(const tempo_layer_type& whole_type);

}  // namespace tempo
