// SPDX-License-Identifier: Apache-2.0
// JSON from untrusted files: read in time linear in the text, with a limit on depth, and with no
// name twice in one object.
#pragma once

#include <iterator>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include <tempo/error.hpp>

namespace tempo {

/// Builds a value of nlohmann::json or ordered_json from the events of the parser. An object is
/// made at its end, from all its members at once.
template <class Json>
class JsonBuilder final : public nlohmann::json_sax<Json> {
 public:
  explicit JsonBuilder(std::size_t deepest) : deepest_(deepest) {}
  Json result() { return std::move(result_); }

  bool null() override { return add(nullptr); }
  bool boolean(bool v) override { return add(v); }
  bool number_integer(typename Json::number_integer_t v) override { return add(v); }
  bool number_unsigned(typename Json::number_unsigned_t v) override { return add(v); }
  bool number_float(typename Json::number_float_t v, const std::string&) override { return add(v); }
  bool string(std::string& v) override { return add(std::move(v)); }
  bool binary(typename Json::binary_t& v) override { return add(std::move(v)); }
  bool start_object(std::size_t) override { return open(); }
  bool start_array(std::size_t) override { return open(); }
  bool key(std::string& name) override {
    if (!open_.back().names.insert(name).second) throw FormatError("names \"" + name + "\" twice.");
    open_.back().members.emplace_back(std::move(name), nullptr);
    return true;
  }
  bool end_object() override {
    auto& members = open_.back().members;
    Json object = typename Json::object_t(std::make_move_iterator(members.begin()),
                                          std::make_move_iterator(members.end()));
    open_.pop_back();
    return add(std::move(object));
  }
  bool end_array() override {
    Json array = std::move(open_.back().elements);
    open_.pop_back();
    return add(std::move(array));
  }
  bool parse_error(std::size_t, const std::string&, const nlohmann::json::exception& e) override {
    const std::string text = e.what();  // "[json.exception.parse_error.101] parse error at ..."
    const std::size_t end = text.find("] ");
    throw FormatError("is not valid JSON: " + (end == text.npos ? text : text.substr(end + 2)) +
                      '.');
  }

 private:
  // An unfinished object, whose last member waits for its value, or an unfinished array.
  struct Open {
    std::vector<std::pair<std::string, Json>> members;
    std::unordered_set<std::string> names;
    typename Json::array_t elements;
  };

  bool open() {
    if (open_.size() == deepest_)
      throw FormatError("nests deeper than the format does, " + std::to_string(deepest_) +
                        " levels.");
    open_.emplace_back();
    return true;
  }
  bool add(Json value) {
    if (open_.empty())
      result_ = std::move(value);
    else if (!open_.back().members.empty())
      open_.back().members.back().second = std::move(value);
    else
      open_.back().elements.push_back(std::move(value));
    return true;
  }

  std::size_t deepest_;
  std::vector<Open> open_;
  Json result_;
};

/// The text as JSON. Throws FormatError with a sentence without its subject: "is not valid JSON:
/// ...", "names "a" twice.", "nests deeper than the format does, 3 levels."
template <class Json>
Json read_json(std::string_view text, std::size_t deepest) {
  JsonBuilder<Json> builder(deepest);
  Json::sax_parse(text.begin(), text.end(), &builder);
  return builder.result();
}

}  // namespace tempo
