// SPDX-License-Identifier: Apache-2.0
// What came over the boundary to describe a layer, a cell or an op, checked before it is believed.
#pragma once

#include <string>

#include <tempo/plugin.h>

namespace tempo {

/// Whether it can be the name of a layer, cell, op or option: letters, digits and `_`, no digit
/// first, 64 at most. Files of models, folders of plugins and command lines hold such names as they
/// are.
bool is_plain_name(const std::string& name);

/// The options that the host reads itself, where a layer has them; nullptr past the end.
const char* own_option(uint32_t i);

/// Throws PluginError where the description lacks something or contradicts itself. The name of a
/// program's own class may be any.
void require_whole(const tempo_layer_type* type);
/// The same, and its name is plain.
void require_registrable(const tempo_layer_type* type);
void require_registrable(const tempo_op_type* type);
void require_registrable(uint32_t kind, const tempo_function_type* type);
/// Whether it can be the name of a plugin: plain names with `-` and `.` between them.
bool is_plugin_name(const std::string& name);

/// The host's own copy, with all that it points to, for the life of the process. What was given may
/// be of another header, with fewer or more fields at its end, and may lie on a stack.
const tempo_layer_type& kept(const tempo_layer_type& whole_type);
const tempo_op_type& kept(const tempo_op_type& whole_type);
const tempo_function_type& kept(const tempo_function_type& whole_type);
/// The type itself where it is such a copy; else a copy of what it says now, the same one each
/// time.
const tempo_layer_type& hosts_own(const tempo_layer_type& whole_type);

}  // namespace tempo
