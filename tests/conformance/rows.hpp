// SPDX-License-Identifier: Apache-2.0
// The rows of the built-in layers that need one.
#pragma once

#include "check/conformance.hpp"

namespace tempo::conformance {

const std::vector<Row>& rows();

}  // namespace tempo::conformance
