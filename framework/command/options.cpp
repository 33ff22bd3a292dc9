#include "options.hpp"

#include <charconv>
#include <span>
#include <string_view>
#include <tempo/option.hpp>

namespace tempo::command {

namespace {

// None where it is no number. One that no T holds is an Error: kept as a text, the layer would say
// that it is none.
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
  for (const DType t : {DType::automatic, float32, float64, int32, int64, bool_})
    if (text == name_of(t)) return static_cast<int64_t>(t);
  return std::nullopt;
}

// What every layer has, whether its description mentions it or not.
struct CommonOptions {
  bool trainable = true;
  DType dtype = DType::automatic;
  std::string name;
};
void describe(auto&, CommonOptions&) {}

const std::vector<tempo_option>& common_options() {
  static const sdk::OptionTable table = [] {
    sdk::OptionTable made;
    CommonOptions options;
    sdk::visit_options(made, options);
    return made;
  }();
  return table.options;
}

uint32_t kind_of(const tempo_layer_type& type, const std::string& name) {
  for (const tempo_option& o : std::span(type.options, type.n_options))
    if (name == o.name) return o.kind;
  for (const tempo_option& o : common_options())
    if (name == o.name) return o.kind;
  return TEMPO_OPTION_TEXT;
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

void ParsedOptions::add(const tempo_layer_type& type, const std::string& assignment) {
  const std::size_t equals = assignment.find('=');
  if (equals == 0 || equals == assignment.npos)
    throw Error("`" + assignment + "` is not an option; write NAME=VALUE, as in units=128.");
  const char* name = texts_.emplace_back(assignment.substr(0, equals)).c_str();
  const std::string& text = texts_.emplace_back(assignment.substr(equals + 1));
  const std::string what = std::string(type.name) + ": option `" + name + "`";
  switch (kind_of(type, name)) {
    case TEMPO_OPTION_INT:
      if (const auto value = number<int64_t>(what, text))
        return void(options_.emplace_back(name, *value));
      break;
    case TEMPO_OPTION_REAL:
      if (const auto value = number<double>(what, text))
        return void(options_.emplace_back(name, *value));
      break;
    case TEMPO_OPTION_BOOL:
      if (const auto value = truth(text)) return void(options_.emplace_back(name, *value));
      break;
    case TEMPO_OPTION_DTYPE:
      if (const auto value = dtype(text)) return void(options_.emplace_back(name, *value));
      break;
    case TEMPO_OPTION_SHAPE:
      if (const auto values = parse_list(what, text))
        return void(options_.emplace_back(name, lists_.emplace_back(*values)));
      break;
    default: break;
  }
  options_.emplace_back(name, text.c_str());
}

}  // namespace tempo::command
