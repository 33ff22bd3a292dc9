// SPDX-License-Identifier: Apache-2.0
// Names of layers, weights and models that files can hold and errors can show.
#pragma once

#include <cstddef>
#include <string>

namespace tempo {

/// In files it stands before the names of the slots of an optimizer.
inline constexpr const char* slot_prefix = "optimizer:";

inline constexpr std::size_t longest_name = 254;

/// Throws Error, which begins with `who`, for a name that is empty, of 255 bytes or more, not UTF-8
/// or holds control characters.
void require_text(const std::string& who, const std::string& name);
/// The same for a name that becomes a part of paths, "encoder/forward/kernel": it holds no `/` and
/// does not begin with `slot_prefix`.
void require_name(const std::string& who, const std::string& name);

}  // namespace tempo
