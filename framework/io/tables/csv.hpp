// SPDX-License-Identifier: Apache-2.0
// CSV as text in memory; read_csv reads a file through it.
#pragma once

#include <string>
#include <string_view>

#include <tempo/table.hpp>

namespace tempo {

/// As read_csv, from a text; `name` begins each error.
Tensor parse_csv(std::string_view text, const CsvOptions& options, const std::string& name);

}  // namespace tempo
