// SPDX-License-Identifier: Apache-2.0
// The exact number that a CSV field means.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <tempo/table.hpp>

namespace tempo {

class CsvNumbers {
 public:
  enum class Problem { none, no_number, range, fraction, no_truth };

  explicit CsvNumbers(const CsvOptions& options);

  /// Whether a field stands for a missing value: it is empty, or one of the options' words.
  bool is_missing(std::string_view field) const;
  /// Whether a field is a number, however large.
  bool is_number(std::string_view field) const;

  /// The nearest float or double; Problem::range if it would be infinite.
  Problem read(std::string_view field, float& out) const;
  Problem read(std::string_view field, double& out) const;
  /// The exact integer: "1e3" and "1.0" are whole, "1.5" is not.
  Problem read(std::string_view field, int32_t& out) const;
  Problem read(std::string_view field, int64_t& out) const;
  /// From 0, 1, true or false.
  Problem read(std::string_view field, bool& out) const;

  /// Advice for a field that is no number: the option that would read it; or "".
  std::string advice(std::string_view field) const;

 private:
  // The field with '.' as its point and no separators of thousands; "" if it is no number.
  std::string_view standard(std::string_view field, std::string& buffer) const;
  template <class T>
  Problem real(std::string_view field, T& out) const;
  template <class T>
  Problem whole(std::string_view field, T& out) const;

  char decimal_, thousands_;
  std::optional<std::vector<std::string>> missing_words_;
};

}  // namespace tempo
