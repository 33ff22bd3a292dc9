#include "options.hpp"

#include <charconv>
#include <span>

namespace tempo::program {

namespace {

template <class T>
std::optional<T> number(const std::string& text) {
  T value{};
  const char* end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc{} || stopped != end) return std::nullopt;
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

const tempo_option* described(const tempo_layer_type& type, const std::string& name) {
  for (const tempo_option& o : std::span(type.options, type.n_options))
    if (name == o.name) return &o;
  return nullptr;
}

}  // namespace

std::optional<std::vector<int64_t>> parse_list(const std::string& text) {
  std::vector<int64_t> values;
  std::string word;
  for (const char c : text + ",") {
    if (c == ',') {
      if (const auto value = number<int64_t>(word))
        values.push_back(*value);
      else
        return std::nullopt;
      word.clear();
    } else if (c != ' ' && c != '[' && c != ']') {
      word += c;
    }
  }
  return values;
}

void ParsedOptions::add(const tempo_layer_type& type, const std::string& assignment) {
  const std::size_t equals = assignment.find('=');
  if (equals == 0 || equals == assignment.npos)
    throw Error("`" + assignment + "` is not an option; write NAME=VALUE, as in units=128.");
  const char* name = texts_.emplace_back(assignment.substr(0, equals)).c_str();
  const std::string& text = texts_.emplace_back(assignment.substr(equals + 1));
  const tempo_option* option = described(type, name);
  switch (option ? option->kind : uint32_t{TEMPO_OPTION_TEXT}) {
    case TEMPO_OPTION_INT:
      if (const auto value = number<int64_t>(text))
        return void(options_.emplace_back(name, *value));
      break;
    case TEMPO_OPTION_REAL:
      if (const auto value = number<double>(text)) return void(options_.emplace_back(name, *value));
      break;
    case TEMPO_OPTION_BOOL:
      if (const auto value = truth(text)) return void(options_.emplace_back(name, *value));
      break;
    case TEMPO_OPTION_DTYPE:
      if (const auto value = dtype(text)) return void(options_.emplace_back(name, *value));
      break;
    case TEMPO_OPTION_SHAPE:
      if (const auto values = parse_list(text))
        return void(options_.emplace_back(name, lists_.emplace_back(*values)));
      break;
    default: break;
  }
  options_.emplace_back(name, text.c_str());
}

}  // namespace tempo::program
