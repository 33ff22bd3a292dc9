#include "ops/initializer_text.hpp"

#include <tempo/error.hpp>
#include <tempo/names.hpp>

#include <cctype>
#include <charconv>
#include <map>

namespace tempo {

namespace {

std::string trimmed(const std::string& text, const char* what = " \t\n\"'") {
  const std::size_t first = text.find_first_not_of(what);
  if (first == std::string::npos) return "";
  return text.substr(first, text.find_last_not_of(what) + 1 - first);
}

std::string snake_case(const std::string& text) {
  std::string out;
  for (const char c : text) {
    const auto letter = static_cast<unsigned char>(c);
    if (std::isupper(letter) && !out.empty()) out += '_';
    out += static_cast<char>(std::tolower(letter));
  }
  return out;
}

std::string without_alias(const std::string& name) {
  static const std::map<std::string, std::string> aliases{
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

InitializerText::InitializerText(const std::string& text) : text_(text) {
  const std::string whole = trimmed(text);
  const std::size_t open = whole.find('(');
  name_ = trimmed(whole.substr(0, open));
  const bool is_class = !name_.empty() && std::isupper(static_cast<unsigned char>(name_[0]));
  if (is_class) name_ = snake_case(name_);
  name_ = without_alias(name_);
  if (open == std::string::npos) return;
  if (whole.back() != ')') fail("its parenthesis is not closed");
  const std::string inside = whole.substr(open + 1, whole.size() - open - 2);
  for (std::size_t at = 0; at < inside.size();) {
    const std::size_t comma = std::min(inside.find(',', at), inside.size());
    const std::string argument = inside.substr(at, comma - at);
    const std::size_t equals = argument.find('=');
    if (equals == std::string::npos) {
      arguments_.emplace_back("", trimmed(argument));
    } else {
      arguments_.emplace_back(trimmed(argument.substr(0, equals)),
                              trimmed(argument.substr(equals + 1)));
    }
    at = comma + 1;
  }
}

void InitializerText::expect(const std::vector<std::string>& keys) {
  std::size_t place = 0;
  for (auto& [key, value] : arguments_) {
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
}

double InitializerText::number(const std::string& key, double otherwise) const {
  const std::string* value = find(key);
  if (!value || *value == "None") return otherwise;
  double number = 0;
  const char* const end = value->data() + value->size();
  const auto [stop, error] = std::from_chars(value->data(), end, number);
  if (error != std::errc{} || stop != end) fail("`" + key + "` is `" + *value + "`, not a number");
  return number;
}

std::string InitializerText::word(const std::string& key, const std::string& otherwise) const {
  const std::string* value = find(key);
  return value ? *value : otherwise;
}

void InitializerText::fail(const std::string& why) const {
  throw Error("initializer `" + text_ + "`: " + why + ".");
}

const std::string* InitializerText::find(const std::string& key) const {
  for (const auto& [name, value] : arguments_)
    if (name == key) return &value;
  return nullptr;
}

}  // namespace tempo
