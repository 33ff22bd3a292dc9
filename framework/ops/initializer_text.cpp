// SPDX-License-Identifier: Apache-2.0
// From the text of an initializer, aliases of Keras included, to its arguments.
#include "ops/initializer_text.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>

#include <tempo/names.hpp>

namespace tempo {

namespace {

std::string without_alias(const std::string& name) {
  static const auto& aliases = *new const std::map<std::string, std::string>{
      {"uniform", "random_uniform"},
      {"normal", "random_normal"},
      {"zero", "zeros"},
      {"one", "ones"},
      {"orthogonal_initializer", "orthogonal"},
      {"identity_initializer", "identity"},
  };
  const auto at = aliases.find(name);
  return at == aliases.end() ? name : at->second;
}

}  // namespace

InitializerText::InitializerText(const std::string& text) : call_("initializer", text) {
  call_.name = without_alias(call_.name);
}

void InitializerText::expect(const std::vector<std::string>& keys) {
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
T InitializerText::parsed(const std::string& key, T otherwise, const char* what) const {
  const std::string* value = call_.find(key);
  if (!value || *value == "None") return otherwise;
  T number = 0;
  const char* const end = value->data() + value->size();
  const auto [stop, error] = std::from_chars(value->data(), end, number);
  const std::string given = "`" + key + "` is `" + *value + "`, ";
  if (error == std::errc::result_out_of_range && stop == end)
    fail(given + "which does not fit into 64 bits");
  if (error != std::errc{} || stop != end || std::isnan(static_cast<double>(number)))
    fail(given + "not " + what);
  return number;
}

double InitializerText::number(const std::string& key, double otherwise) const {
  return parsed(key, otherwise, "a number");
}

double InitializerText::finite(const std::string& key, double otherwise) const {
  const double value = number(key, otherwise);
  if (!std::isfinite(value)) fail("`" + key + "` must be finite");
  return value;
}

double InitializerText::deviation(double otherwise) const {
  const double value = finite("stddev", otherwise);
  if (value < 0) fail("`stddev` must not be below 0");
  return value;
}

int64_t InitializerText::integer(const std::string& key, int64_t otherwise) const {
  return parsed(key, otherwise, "an integer");
}

std::string InitializerText::word(const std::string& key, const std::string& otherwise) const {
  const std::string* value = call_.find(key);
  return value ? *value : otherwise;
}

}  // namespace tempo
