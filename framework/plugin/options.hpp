// SPDX-License-Identifier: Apache-2.0
// Checking options against their description.
#pragma once

#include "plugin/layer.hpp"

namespace tempo {

/// Throws on an unknown name (with the nearest one), a wrong kind, or a value outside its limits.
/// Adds to `checked` what is as described: one integer stands for a list of one, and for a number.
void check_options(const tempo_layer_type& type, std::span<const tempo_attribute> options,
                   sdk::OptionList& checked);

}  // namespace tempo
