// SPDX-License-Identifier: Apache-2.0
// Reads shapes and NAME=VALUE, by the kind of the option in the layer's description.
#include "options.hpp"

#include <charconv>
#include <span>
#include <string_view>

#include <tempo/option.hpp>

namespace tempo::command {

namespace {

// The number; none if the text is not a number. A number that T cannot hold is an Error: kept as a
// text, it would be refused as not being a number.
template <class T>
std::optional<T> number(const std::string& what, std::string_view text) {
  T value{};
  const char* end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, value);
  if (error == std::errc::invalid_argument || stopped != end) return std::nullopt;
  if (error != std::errc{})
    throw Error(what + " is " + std::string(text) + "; it must fit into 64 bits.");
  return value;
}

std::optional<int64_t> truth(const std::string& text) {
  if (text == "true" || text == "True" || text == "1") return 1;
  if (text == "false" || text == "False" || text == "0") return 0;
  return std::nullopt;
}

std::optional<int64_t> dtype(const std::string& text) {
  const std::optional<DType> found = dtype_named(text);
  return found ? std::optional(static_cast<int64_t>(*found)) : std::nullopt;
}

std::string_view trimmed(std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  return text;
}

}  // namespace

std::optional<std::vector<int64_t>> parse_list(const std::string& what, const std::string& text) {
  std::string_view rest = trimmed(text);
  if (rest.starts_with('[') && rest.ends_with(']')) rest = rest.substr(1, rest.size() - 2);
  std::vector<int64_t> values;
  for (bool more = true; more;) {
    const std::size_t comma = std::min(rest.find(','), rest.size());
    const auto value = number<int64_t>(what, trimmed(rest.substr(0, comma)));
    if (!value) return std::nullopt;
    values.push_back(*value);
    more = comma < rest.size();
    rest.remove_prefix(more ? comma + 1 : comma);
  }
  return values;
}

void add_option(sdk::OptionList& options, const tempo_layer_type& type,
                const std::string& assignment) {
  const std::size_t equals = assignment.find('=');
  if (equals == 0 || equals == assignment.npos)
    throw Error("`" + assignment + "` is not an option; write NAME=VALUE, as in units=128.");
  const std::string name = assignment.substr(0, equals), text = assignment.substr(equals + 1);
  const std::string what = std::string(type.name) + ": option `" + name + "`";
  const auto add = [&](const auto& value) {
    if (value) options.add(name, *value);
    return value.has_value();
  };
  const tempo_option* const its = sdk::described(type, name);
  bool added = false;
  switch (its ? its->kind : uint32_t{TEMPO_OPTION_TEXT}) {
    case TEMPO_OPTION_INT: added = add(number<int64_t>(what, text)); break;
    case TEMPO_OPTION_REAL: added = add(number<double>(what, text)); break;
    case TEMPO_OPTION_BOOL: added = add(truth(text)); break;
    case TEMPO_OPTION_DTYPE: added = add(dtype(text)); break;
    case TEMPO_OPTION_SHAPE: added = add(parse_list(what, text)); break;
    default: break;
  }
  if (!added) options.add(name, text);
}

}  // namespace tempo::command
