// SPDX-License-Identifier: Apache-2.0
// Parses "Name(value, key=value)".
#include "ops/call_text.hpp"

#include <algorithm>

#include <tempo/error.hpp>
#include <tempo/names.hpp>

#include "ops/snake_case.hpp"

namespace tempo {

namespace {

// Removes quotes, too: 'tf' and tf are the same word.
std::string trimmed(const std::string& text) {
  static const char* const blank = " \t\n\"'";
  const std::size_t first = text.find_first_not_of(blank);
  if (first == std::string::npos) return "";
  return text.substr(first, text.find_last_not_of(blank) + 1 - first);
}

// The end of the argument that begins at `at`: a comma outside of parentheses and brackets.
std::size_t end_of_argument(const std::string& inside, std::size_t at) {
  int depth = 0;
  for (; at < inside.size(); ++at) {
    const char c = inside[at];
    if (c == '(' || c == '[') ++depth;
    if (c == ')' || c == ']') --depth;
    if (c == ',' && depth <= 0) break;
  }
  return at;
}

}  // namespace

CallText::CallText(const std::string& what, const std::string& given) : kind(what), text(given) {
  const std::string whole = trimmed(text);
  const std::size_t open = whole.find('(');
  spelled = trimmed(whole.substr(0, open));
  name = snake_case(spelled);
  if (name.empty()) fail("it has no name");
  if (name.find(')') != std::string::npos) fail("its parenthesis is not opened");
  if (open == std::string::npos) return;
  const std::size_t close = whole.rfind(')');
  if (close == std::string::npos || close < open) fail("its parenthesis is not closed");
  if (close + 1 != whole.size())
    fail("`" + trimmed(whole.substr(close + 1)) + "` follows its parenthesis");
  const std::string inside = whole.substr(open + 1, close - open - 1);
  for (std::size_t at = 0; at < inside.size();) {
    const std::size_t comma = end_of_argument(inside, at);
    const std::string argument = inside.substr(at, comma - at);
    const std::size_t equals = argument.find('=');
    const bool has_key = equals != std::string::npos;
    if (trimmed(argument).empty()) fail("an argument is missing");
    arguments.emplace_back(has_key ? trimmed(argument.substr(0, equals)) : "",
                           trimmed(has_key ? argument.substr(equals + 1) : argument));
    at = comma + 1;
  }
  refuse_repeated();
}

void CallText::refuse_repeated() const {
  for (auto at = arguments.begin(); at != arguments.end(); ++at)
    if (!at->first.empty() && std::any_of(arguments.begin(), at, [&](const Argument& before) {
          return before.first == at->first;
        }))
      fail("`" + at->first + "` is given twice");
}

const std::string* CallText::find(const std::string& key) const {
  for (const auto& [name_of_argument, value] : arguments)
    if (name_of_argument == key) return &value;
  return nullptr;
}

void CallText::fail(const std::string& why) const {
  throw Error(kind + " `" + text + "`: " + why + ".");
}

void CallText::unknown(const std::vector<std::string>& known) const {
  fail("there is none by that name" + sdk::did_you_mean(name, known) + "\n  There are " +
       sdk::listed(known));
}

}  // namespace tempo
