// SPDX-License-Identifier: Apache-2.0
// What keeps a cell from being as fast as it could be, as its Programs show it.
#pragma once

#include <string>

#include <tempo/layer.hpp>

namespace tempo::debug {

/// A line for each instruction of the layer's forward Programs that a pass could do no more with,
/// with the instruction: "hoist: %9 = matmul(%8, %2) ...". "" where there is none.
std::string notes_of(const Layer& layer, const Tensors& inputs);

}  // namespace tempo::debug
