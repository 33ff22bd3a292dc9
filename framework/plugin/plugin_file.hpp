// SPDX-License-Identifier: Apache-2.0
// Checks a file that is to be loaded as a plugin, before any of its code runs.
#pragma once

#include <string>

namespace tempo {

/// The reason why the file must not be loaded as a plugin, as one or two sentences; "" if it may
/// be. It must be a complete regular shared object for this processor that nobody else can write
/// to. It is only read: a truncated or damaged file would end the process in the dynamic linker.
std::string fault_of_plugin_file(const std::string& path);
/// One of these checks alone; fault_of_plugin_file(path) runs them in this order.
enum class PluginFilePart { kind, owners, machine, whole };
std::string fault_of_plugin_file(const std::string& path, PluginFilePart part);

/// The SHA-256 of the file's content, in hexadecimal digits; "" if it cannot be read.
std::string sha256_of_file(const std::string& path);

}  // namespace tempo
