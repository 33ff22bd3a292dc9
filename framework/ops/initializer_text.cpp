// SPDX-License-Identifier: Apache-2.0
// Keras's aliases for the names of initializers.
#include "ops/initializer_text.hpp"

#include <map>

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

InitializerText::InitializerText(const std::string& text) : ArgumentText("initializer", text) {
  rename(without_alias(name()));
}

}  // namespace tempo
