// SPDX-License-Identifier: Apache-2.0
// The reasons why a cell is not as fast as it could be, found in its Programs.
#pragma once

#include <string>

#include <tempo/layer.hpp>

namespace tempo::debug {

/// A line for each instruction of the layer's forward Programs that a pass could not improve, with
/// the instruction: "hoist: %9 = matmul(%8, %2) ...". "" if there is none.
std::string notes_of(const Layer& layer, const Tensors& inputs);

}  // namespace tempo::debug
