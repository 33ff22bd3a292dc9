// SPDX-License-Identifier: Apache-2.0
// Parses the arguments of a text such as "max_norm(2, axis=[0, 1])".
#include "ops/argument_text.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>

#include <tempo/names.hpp>

namespace tempo {

void ArgumentText::expect(const std::vector<std::string>& keys) {
  std::size_t place = 0;
  for (auto& [key, value] : call_.arguments) {
    if (key.empty()) {
      if (place == keys.size()) fail("it has too many arguments");
      key = keys[place];
    }
    ++place;
    if (std::find(keys.begin(), keys.end(), key) == keys.end())
      fail(keys.empty() ? "it takes no arguments"
                        : "it has no argument `" + key + "`" + sdk::did_you_mean(key, keys) +
                              " It takes " + sdk::listed(keys));
  }
  call_.refuse_repeated();
}

template <class T>
T ArgumentText::read(const std::string& key, const std::string& value, const char* what) const {
  T number = 0;
  const char* const end = value.data() + value.size();
  const auto [stop, error] = std::from_chars(value.data(), end, number);
  const std::string given = "`" + key + "` is `" + value + "`, ";
  if (error == std::errc::result_out_of_range && stop == end)
    fail(given + "which does not fit into " + std::to_string(8 * sizeof(T)) + " bits");
  if (error != std::errc{} || stop != end || std::isnan(static_cast<double>(number)))
    fail(given + "not " + what);
  return number;
}

template <class T>
T ArgumentText::parsed(const std::string& key, T otherwise, const char* what) const {
  const std::string* value = call_.find(key);
  return !value || *value == "None" ? otherwise : read<T>(key, *value, what);
}

double ArgumentText::number(const std::string& key, double otherwise) const {
  return parsed(key, otherwise, "a number");
}

double ArgumentText::finite(const std::string& key, double otherwise) const {
  const double value = number(key, otherwise);
  if (!std::isfinite(value)) fail("`" + key + "` must be finite");
  return value;
}

double ArgumentText::not_negative(const std::string& key, double otherwise) const {
  const double value = finite(key, otherwise);
  if (value < 0) fail("`" + key + "` must not be below 0");
  return value;
}

int64_t ArgumentText::integer(const std::string& key, int64_t otherwise) const {
  return parsed(key, otherwise, "an integer");
}

std::vector<int> ArgumentText::axes(const std::string& key,
                                    const std::vector<int>& otherwise) const {
  const std::string* value = call_.find(key);
  if (!value) return otherwise;
  std::string inside = *value;
  if (inside.size() > 1 && inside.front() == '[' && inside.back() == ']')
    inside = inside.substr(1, inside.size() - 2);
  std::vector<int> out;
  for (std::size_t at = 0; at <= inside.size();) {
    const std::size_t comma = std::min(inside.find(',', at), inside.size());
    const std::size_t first = std::min(inside.find_first_not_of(' ', at), comma);
    out.push_back(read<int>(key, inside.substr(first, comma - first), "an axis or a list of axes"));
    at = comma + 1;
  }
  return out;
}

std::string ArgumentText::word(const std::string& key, const std::string& otherwise) const {
  const std::string* value = call_.find(key);
  return value ? *value : otherwise;
}

}  // namespace tempo
