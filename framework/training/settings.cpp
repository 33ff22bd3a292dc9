#include "training/settings.hpp"

#include "plugin/layer.hpp"

#include <tempo/names.hpp>

#include <charconv>

namespace tempo {

namespace {

std::string trimmed(const std::string& text) {
  static const char* const blank = " \t\n\"'";
  const std::size_t first = text.find_first_not_of(blank);
  if (first == std::string::npos) return "";
  return text.substr(first, text.find_last_not_of(blank) + 1 - first);
}

template <class T>
bool parse(const std::string& text, T& number) {
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  return error == std::errc{} && stop == end;
}

}  // namespace

std::string shortest(double number) {
  char digits[32];
  return std::string(digits, std::to_chars(digits, digits + sizeof digits, number).ptr);
}

void unknown_name(const std::string& kind, const std::string& name,
                  const std::vector<std::string>& known) {
  throw Error(kind + ": there is none called `" + name + "`" + sdk::did_you_mean(name, known) +
              "\n  There are " + sdk::listed(known) + ".");
}

SettingsReader::SettingsReader(std::string kind, const std::string& text)
    : kind_(std::move(kind)), text_(text) {
  const std::string whole = trimmed(text);
  const std::size_t open = whole.find('(');
  name_ = snake_case(trimmed(whole.substr(0, open)));
  if (name_.empty()) fail("it has no name");
  if (open == std::string::npos) return;
  if (whole.back() != ')') fail("its parenthesis is not closed");
  const std::string inside = whole.substr(open + 1, whole.size() - open - 2);
  for (std::size_t at = 0; at < inside.size();) {
    const std::size_t comma = std::min(inside.find(',', at), inside.size());
    const std::string part = inside.substr(at, comma - at);
    const std::size_t equals = part.find('=');
    if (equals == std::string::npos) fail("`" + trimmed(part) + "` is not of the form key=value");
    given_.emplace_back(trimmed(part.substr(0, equals)), trimmed(part.substr(equals + 1)));
    at = comma + 1;
  }
}

const std::string* SettingsReader::find(const char* key) {
  asked_.emplace_back(key);
  for (const auto& [name, value] : given_)
    if (name == key) return &value;
  return nullptr;
}

void SettingsReader::operator()(const char* key, double& field) {
  const std::string* value = find(key);
  if (value && !parse(*value, field)) fail("`" + *value + "` given as " + key + " is not a number");
}

void SettingsReader::operator()(const char* key, int& field) {
  const std::string* value = find(key);
  if (value && !parse(*value, field))
    fail("`" + *value + "` given as " + key + " is not an integer");
}

void SettingsReader::operator()(const char* key, std::optional<int64_t>& field) {
  const std::string* value = find(key);
  if (!value) return;
  int64_t number = 0;
  if (!parse(*value, number)) fail("`" + *value + "` given as " + key + " is not an integer");
  field = number;
}

void SettingsReader::operator()(const char* key, bool& field) {
  const std::string* value = find(key);
  if (!value) return;
  if (*value != "true" && *value != "false")
    fail("`" + *value + "` given as " + key + " is not true or false");
  field = *value == "true";
}

void SettingsReader::operator()(const char* key, std::string& field) {
  if (const std::string* value = find(key)) field = *value;
}

void SettingsReader::finish() const {
  for (const auto& [key, value] : given_) {
    if (std::find(asked_.begin(), asked_.end(), key) != asked_.end()) continue;
    if (asked_.empty()) fail("it has no options");
    fail("it has no option `" + key + "`" + sdk::did_you_mean(key, asked_) + " It has " +
         sdk::listed(asked_));
  }
}

void SettingsReader::fail(const std::string& why) const {
  throw Error(kind_ + " `" + text_ + "`: " + why + ".");
}

void SettingsWriter::operator()(const char* key, double field) { add(key, shortest(field)); }
void SettingsWriter::operator()(const char* key, bool field) { add(key, field ? "true" : "false"); }
void SettingsWriter::operator()(const char* key, int field) { add(key, std::to_string(field)); }
void SettingsWriter::operator()(const char* key, const std::string& field) { add(key, field); }
void SettingsWriter::operator()(const char* key, const std::optional<int64_t>& field) {
  if (field) add(key, std::to_string(*field));
}

void SettingsWriter::add(const char* key, const std::string& value) {
  text_ += (any_ ? ", " : "(") + (key + ("=" + value));
  any_ = true;
}

}  // namespace tempo
