// SPDX-License-Identifier: Apache-2.0
// A file that is to become a plugin, looked at before any of it runs.
#pragma once

#include <string>

namespace tempo {

/// Why the file must not be opened as a plugin, as a sentence or two; "" when it may be. It must be
/// a regular, whole shared object for this processor, which nobody else can write to. It is read
/// and not run: what is cut short or damaged would end the process in the dynamic linker.
std::string fault_of_plugin_file(const std::string& path);
/// The same, looked at in one of these ways alone; they are asked in this order.
enum class PluginFilePart { kind, owners, machine, whole };
std::string fault_of_plugin_file(const std::string& path, PluginFilePart part);

/// The SHA-256 of what the file holds, in hexadecimal digits; "" when it cannot be read.
std::string sha256_of_file(const std::string& path);

}  // namespace tempo
