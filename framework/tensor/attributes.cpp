// SPDX-License-Identifier: Apache-2.0
// Sets and prints attributes.
#include "tensor/attributes.hpp"

#include <cstdio>

#include <tempo/number.hpp>

namespace tempo {
namespace {

struct Printer {
  std::string operator()(int64_t value) const { return std::to_string(value); }
  std::string operator()(double value) const { return sdk::shortest(value); }
  std::string operator()(const std::string& value) const { return value; }
  std::string operator()(const std::vector<int64_t>& values) const {
    std::string text = "[";
    for (std::size_t i = 0; i < values.size(); ++i)
      text += (i ? ", " : "") + std::to_string(values[i]);
    return text + "]";
  }
  std::string operator()(const Attributes::Handle&) const { return "..."; }
};

}  // namespace

void Attributes::fail(std::string_view name, bool is_there) {
  throw Error("attribute `" + std::string(name) +
              "`: " + (is_there ? "of another kind" : "missing"));
}

void Attributes::set(std::string_view name, Value value) {
  for (Entry& e : entries_) {
    if (e.first == name) {
      e.second = std::move(value);
      return;
    }
  }
  entries_.emplace_back(name, std::move(value));
}

std::string to_string(const Attributes& attributes) {
  std::string text;
  for (const auto& [name, value] : attributes.entries())
    text += (text.empty() ? "" : ", ") + name + "=" + std::visit(Printer{}, value);
  return text;
}

std::string exact_text(const Attributes& attributes) {
  std::string text;
  for (const auto& [name, value] : attributes.entries()) {
    text += name + "=";
    if (const auto* n = std::get_if<int64_t>(&value)) text += std::to_string(*n) + ",";
    if (const auto* t = std::get_if<std::string>(&value)) text += *t + ";";
    if (const auto* list = std::get_if<std::vector<int64_t>>(&value)) {
      text += "[";
      for (int64_t n : *list) text += std::to_string(n) + ",";
      text += "]";
    }
    char exact[40];
    if (const auto* d = std::get_if<double>(&value)) {
      std::snprintf(exact, sizeof exact, "%a,", *d);
      text += exact;
    }
    if (const auto* h = std::get_if<Attributes::Handle>(&value)) {
      std::snprintf(exact, sizeof exact, "%p,", h->get());
      text += exact;
    }
  }
  return text;
}

}  // namespace tempo
