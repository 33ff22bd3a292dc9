// SPDX-License-Identifier: Apache-2.0
// Checking options against their description.
#pragma once

#include "plugin/layer.hpp"

namespace tempo {

/// Throws Error for an unknown name (with the nearest one), a wrong kind, or a value out of its
/// limits. Adds the options to `checked`; an integer becomes a list or a real if one is described.
void check_options(const tempo_layer_type& type, std::span<const tempo_attribute> options,
                   sdk::OptionList& checked);

}  // namespace tempo
