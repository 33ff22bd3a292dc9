// The options of optimizers, losses and metrics, from and to "name(key=value, ...)". Each describes
// its options once, `void describe(auto& setting, Options& o)`; that reads, writes and checks them.
#pragma once

#include "ops/call_text.hpp"

#include <cmath>
#include <optional>
#include <string>
#include <vector>

#include <tempo/number.hpp>

namespace tempo {

/// Throws the Error for a name that is not among `known`; `kind` says whose name it is.
[[noreturn]] void unknown_name(const std::string& kind, const std::string& name,
                               const std::vector<std::string>& known);

/// What a setting may be. NaN never is, nor is an infinity where it has no bound.
struct Range {
  double at_least = -HUGE_VAL;
  double below = HUGE_VAL;
};

/// A text, read into options.
class SettingsReader {
 public:
  /// `kind` is what it stands for: "optimizer".
  SettingsReader(const std::string& kind, const std::string& text);
  const std::string& name() const { return call_.name; }
  /// Throws the Error for a name that is not among the known ones.
  [[noreturn]] void unknown(const std::vector<std::string>& known) const { call_.unknown(known); }

  void operator()(const char* key, double& field, const Range& = {});
  void operator()(const char* key, bool& field);
  void operator()(const char* key, int& field);
  void operator()(const char* key, std::string& field);
  void operator()(const char* key, std::optional<int64_t>& field);
  /// Throws Error when there was a key that nothing asked for.
  void finish() const;

 private:
  const std::string* find(const char* key);
  [[noreturn]] void fail(const std::string& why) const { call_.fail(why); }

  CallText call_;
  std::vector<std::string> asked_;
};

/// Options, written as a text that reads back as they were.
class SettingsWriter {
 public:
  explicit SettingsWriter(const std::string& name) : text_(name) {}
  void operator()(const char* key, double field, const Range& = {});
  void operator()(const char* key, bool field);
  void operator()(const char* key, int field);
  void operator()(const char* key, const std::string& field);
  void operator()(const char* key, const std::optional<int64_t>& field);
  std::string text() const { return any_ ? text_ + ")" : text_; }

 private:
  void add(const char* key, const std::string& value);
  std::string text_;
  bool any_ = false;
};

/// Throws the Error of the first number that is out of its range.
class SettingsCheck {
 public:
  /// `name` is whose options they are: "adam".
  explicit SettingsCheck(const std::string& name) : name_(name) {}
  void operator()(const char* key, double value, const Range& range = {}) const;
  void operator()(const char*, bool) const {}

 private:
  std::string name_;
};

}  // namespace tempo
