// The text of an initializer, read: "name(argument, key=argument)".
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace tempo {

class InitializerText {
 public:
  explicit InitializerText(const std::string& text);

  const std::string& text() const { return text_; }
  /// In snake_case: GlorotUniform is glorot_uniform.
  const std::string& name() const { return name_; }
  /// Names the arguments, in the order of those given without a name. One that is not among them
  /// is an Error.
  void expect(const std::vector<std::string>& keys);
  double number(const std::string& key, double otherwise) const;
  std::string word(const std::string& key, const std::string& otherwise) const;
  /// The error of this text: why, and then the text.
  [[noreturn]] void fail(const std::string& why) const;

 private:
  const std::string* find(const std::string& key) const;

  std::string text_, name_;
  std::vector<std::pair<std::string, std::string>> arguments_;  // key, "" for none; value
};

}  // namespace tempo
