#include "io/json.hpp"

#include <unordered_set>

#include <tempo/error.hpp>

namespace tempo {
namespace {

using json = nlohmann::ordered_json;

// Builds the values as the parser comes by them. The library's own builders look a name up among
// all that came before, or copy nests without an end.
class Builder {
 public:
  Builder(int deepest, const std::string& what) : deepest_(deepest), what_(what) {}

  bool null() { return add(nullptr); }
  bool boolean(bool value) { return add(value); }
  bool number_integer(int64_t value) { return add(value); }
  bool number_unsigned(uint64_t value) { return add(value); }
  bool number_float(double value, const std::string&) { return add(value); }
  bool string(std::string& value) { return add(std::move(value)); }
  bool binary(std::vector<uint8_t>&) { return false; }  // JSON has none
  bool start_object(std::size_t) { return open(true); }
  bool start_array(std::size_t) { return open(false); }
  bool end_object() { return close(); }
  bool end_array() { return close(); }
  bool key(std::string& name) {
    if (!open_.back().names.insert(name).second) fail(" names \"" + name + "\" twice.");
    open_.back().members.emplace_back(std::move(name), nullptr);
    return true;
  }
  bool parse_error(std::size_t, const std::string&, const json::exception& e) {
    fail(std::string(" is not valid JSON: ") + e.what());
  }

  json take() { return std::move(whole_); }

 private:
  struct Open {
    bool is_object;
    std::vector<json> items = {};
    std::vector<std::pair<std::string, json>> members = {};
    std::unordered_set<std::string> names = {};
  };

  [[noreturn]] void fail(const std::string& how) const { throw FormatError(what_ + how); }

  bool open(bool is_object) {
    if (static_cast<int>(open_.size()) == deepest_) fail(" nests deeper than the format does.");
    open_.push_back({is_object});
    return true;
  }

  bool close() {
    Open all = std::move(open_.back());
    open_.pop_back();
    if (!all.is_object) return add(std::move(all.items));
    json object = json::object();
    json::object_t::Container& members = object.get_ref<json::object_t&>();
    members.reserve(all.members.size());
    for (auto& [name, value] : all.members) members.emplace_back(std::move(name), std::move(value));
    return add(std::move(object));
  }

  bool add(json value) {
    if (open_.empty())
      whole_ = std::move(value);
    else if (open_.back().is_object)
      open_.back().members.back().second = std::move(value);
    else
      open_.back().items.push_back(std::move(value));
    return true;
  }

  int deepest_;
  const std::string& what_;
  std::vector<Open> open_;
  json whole_;
};

}  // namespace

json parse_json(std::string_view text, int deepest, const std::string& what) {
  Builder builder(deepest, what);
  json::sax_parse(text, &builder);
  return builder.take();
}

}  // namespace tempo
