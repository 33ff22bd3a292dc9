// SPDX-License-Identifier: Apache-2.0
// CSV as text in memory; read_csv reads a file so.
#pragma once

#include <string>
#include <string_view>

#include <tempo/table.hpp>

namespace tempo {

/// As read_csv; `name` begins each error.
Tensor parse_csv(std::string_view text, const CsvOptions& options, const std::string& name);

}  // namespace tempo
