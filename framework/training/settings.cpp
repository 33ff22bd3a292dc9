#include "training/settings.hpp"

#include <tempo/error.hpp>
#include <tempo/names.hpp>

#include <algorithm>
#include <charconv>

namespace tempo {

namespace {

template <class T>
bool parse(const std::string& text, T& number) {
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  return error == std::errc{} && stop == end;
}

}  // namespace

void unknown_name(const std::string& who, const std::string& kind, const std::string& name,
                  const std::vector<std::string>& known) {
  throw Error(who + ": it has no " + kind + " `" + name + "`" + sdk::did_you_mean(name, known) +
              "\n  There are " + sdk::listed(known) + ".");
}

SettingsReader::SettingsReader(const std::string& kind, const std::string& text)
    : call_(kind, text) {
  for (const auto& [key, value] : call_.arguments)
    if (key.empty()) fail("`" + value + "` is not of the form key=value");
}

const std::string* SettingsReader::find(const char* key) {
  asked_.emplace_back(key);
  return call_.find(key);
}

void SettingsReader::operator()(const char* key, double& field, const Range&) {
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
  field = *value == "true" || *value == "True";
  if (!field && *value != "false" && *value != "False")
    fail("`" + *value + "` given as " + key + " is not true or false");
}

void SettingsReader::operator()(const char* key, std::string& field) {
  if (const std::string* value = find(key)) field = *value;
}

void SettingsReader::finish() const {
  for (const auto& [key, value] : call_.arguments) {
    if (std::find(asked_.begin(), asked_.end(), key) != asked_.end()) continue;
    if (asked_.empty()) fail("it has no options");
    fail("it has no option `" + key + "`" + sdk::did_you_mean(key, asked_) + " It has " +
         sdk::listed(asked_));
  }
}

void SettingsWriter::operator()(const char* key, double field, const Range&) {
  add(key, sdk::shortest(field));
}
void SettingsWriter::operator()(const char* key, bool field) { add(key, field ? "true" : "false"); }
void SettingsWriter::operator()(const char* key, int field) { add(key, std::to_string(field)); }
void SettingsWriter::operator()(const char* key, const std::string& field) { add(key, field); }
void SettingsWriter::operator()(const char* key, const std::optional<int64_t>& field) {
  if (field) add(key, std::to_string(*field));
}

void SettingsCheck::operator()(const char* key, double value, const Range& range) const {
  if (value >= range.at_least && value < range.below && !std::isinf(value)) return;
  std::string rule = "a number";
  if (!std::isinf(range.at_least)) rule += " of at least " + sdk::shortest(range.at_least);
  if (!std::isinf(range.below))
    rule += (std::isinf(range.at_least) ? " below " : " and below ") + sdk::shortest(range.below);
  throw Error(name_ + ": " + key + " is " + sdk::shortest(value) + "; it must be " + rule + ".");
}

void SettingsWriter::add(const char* key, const std::string& value) {
  text_ += (any_ ? ", " : "(") + (key + ("=" + value));
  any_ = true;
}

}  // namespace tempo
