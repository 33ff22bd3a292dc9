// SPDX-License-Identifier: Apache-2.0
// Parses and checks settings, with "did you mean" and the limits of their descriptions.
#include "training/settings.hpp"

#include <algorithm>
#include <charconv>

#include <tempo/error.hpp>
#include <tempo/names.hpp>

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

void SettingsReader::operator()(const char* key, int& field, const Range&) {
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

void SettingsReader::operator()(const char* key, std::vector<double>& field) {
  const std::string* value = find(key);
  if (!value) return;
  if (double one = 0; parse(*value, one)) {
    field = {one};
    return;
  }
  if (value->size() < 2 || value->front() != '[' || value->back() != ']')
    fail("`" + *value + "` given as " + key + " is not a list of numbers, [1, 2.5]");
  field.clear();
  const std::string inside = value->substr(1, value->size() - 2);
  if (inside.find_first_not_of(' ') == std::string::npos) return;
  for (std::size_t at = 0; at <= inside.size();) {
    const std::size_t end = std::min(inside.find(',', at), inside.size());
    const std::size_t first = std::min(inside.find_first_not_of(' ', at), end);
    const std::size_t last = inside.find_last_not_of(' ', end - (end > at ? 1 : 0)) + 1;
    const std::string word = inside.substr(first, last > first ? last - first : 0);
    if (!parse(word, field.emplace_back()))
      fail("`" + word + "` in the list given as " + key + " is not a number");
    at = end + 1;
  }
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

void SettingsWriter::operator()(const char* key, double field, const Range& range) {
  if (!range.optional || !std::isnan(field)) add(key, sdk::shortest(field));
}
void SettingsWriter::operator()(const char* key, bool field) { add(key, field ? "true" : "false"); }
void SettingsWriter::operator()(const char* key, int field, const Range&) {
  add(key, std::to_string(field));
}
void SettingsWriter::operator()(const char* key, const std::string& field) { add(key, field); }
void SettingsWriter::operator()(const char* key, const std::optional<int64_t>& field) {
  if (field) add(key, std::to_string(*field));
}
void SettingsWriter::operator()(const char* key, const std::vector<double>& field) {
  std::string list;
  for (const double number : field) list += (list.empty() ? "" : ", ") + sdk::shortest(number);
  add(key, "[" + list + "]");
}

void SettingsCheck::operator()(const char* key, const double& value, const Range& range) const {
  if (range.optional && std::isnan(value)) return;
  if (value > range.above && value >= range.at_least && value < range.below &&
      value <= range.at_most && !std::isinf(value))
    return;
  std::string rule;
  const auto add = [&](const char* what, double bound) {
    if (!std::isinf(bound)) rule += (rule.empty() ? "" : " and ") + (what + sdk::shortest(bound));
  };
  add("above ", range.above);
  add("of at least ", range.at_least);
  add("below ", range.below);
  add("of at most ", range.at_most);
  const std::string what =
      range.required && std::isnan(value) ? " was not given" : " is " + sdk::shortest(value);
  throw Error(name_ + ": " + key + what + "; it must be a number" +
              (rule.empty() ? "" : " " + rule) + ".");
}

void SettingsWriter::add(const char* key, const std::string& value) {
  text_ += (any_ ? ", " : "(") + (key + ("=" + value));
  any_ = true;
}

}  // namespace tempo
