// SPDX-License-Identifier: Apache-2.0
// Reads safetensors: the header is checked as a whole before any tensor is made.
#include "io/tensors/safetensors.hpp"

#include <algorithm>
#include <memory>

#include <nlohmann/json.hpp>

#include "graph/value.hpp"
#include "io/encoding.hpp"
#include "io/json_reader.hpp"
#include "io/tensors/stored.hpp"

namespace tempo {
namespace {

using nlohmann::json;

constexpr uint64_t longest_tensors = 100'000'000;  // as in the reference implementation
constexpr std::size_t deepest_tensors = 3;         // {"a": {"shape": [1]}}

struct Entry {
  std::string name;
  StoredType type;
  Shape shape;
  uint64_t begin = 0, end = 0;
  std::string unreadable;  // why Tempo cannot read this tensor, which is otherwise valid
};

// Reads one file; each error is a sentence with the file's name.
class Reader {
 public:
  explicit Reader(const Source& source) : source_(source) {}

  Safetensors read(Unreadable unreadable) {
    const json header = read_header();
    Safetensors out;
    std::vector<Entry> entries;
    for (const auto& [name, value] : header.items())
      if (name == "__metadata__")
        out.metadata = read_metadata(value);
      else
        entries.push_back(read_entry(name, value));
    check_layout(entries);
    std::size_t left = 0;
    for (Entry& e : entries) {
      const Tensor tensor = read_tensor(e);
      const bool last = !e.unreadable.empty() && ++left == entries.size();
      if (!e.unreadable.empty() && (unreadable == Unreadable::refused || last))
        throw FormatError(e.unreadable);
      out.tensors.emplace_back(e.name, tensor);
    }
    return out;
  }

 private:
  [[noreturn]] void fail(const std::string& what) const { source_.fail(what); }
  [[noreturn]] void fail(const std::string& name, const std::string& what) const {
    fail(who(name) + what);
  }
  static std::string who(const std::string& name) { return "tensor " + in_quotes(name) + ": "; }

  json read_header() {
    uint64_t length = 0;
    if (source_.size() < sizeof length)
      fail(std::to_string(source_.size()) +
           " bytes are too few for a safetensors file, which begins " +
           "with 8 bytes that hold the length of its header.");
    source_.read(0, &length, sizeof length);
    const uint64_t rest = source_.size() - sizeof length;
    if (length > longest_tensors)
      fail("not a safetensors file: its first 8 bytes would be a header of " +
           std::to_string(length) + " bytes; at most " + std::to_string(longest_tensors) +
           " are allowed.");
    if (length > rest)
      fail("cut short, or not a safetensors file: its header would have " + std::to_string(length) +
           " bytes, and only " + std::to_string(rest) + " follow.");
    const std::string text = source_.text(sizeof length, length);
    data_ = sizeof length + length;
    data_size_ = rest - length;
    if (text.empty() || text.front() != '{')
      fail("not a safetensors file: its header must be a JSON object and does not begin with '{'.");
    try {
      return read_json<json>(text, deepest_tensors);
    } catch (const FormatError& e) {
      fail(std::string("its header ") + e.what());
    }
  }

  std::map<std::string, std::string> read_metadata(const json& value) const {
    std::map<std::string, std::string> out;
    if (!value.is_object()) fail("__metadata__ must be an object that maps texts to texts.");
    for (const auto& [key, text] : value.items()) {
      if (!text.is_string())
        fail("__metadata__ must map texts to texts; \"" + key + "\" is " + text.type_name() + ".");
      out[key] = text.get<std::string>();
    }
    return out;
  }

  Entry read_entry(const std::string& name, const json& value) const {
    for (const char* key : {"dtype", "shape", "data_offsets"})
      if (!value.is_object() || !value.contains(key))
        fail(name, "its entry must be an object with dtype, shape and data_offsets.");
    Entry e;
    e.name = name;
    read_shape(e, value["shape"]);
    read_dtype(e, value["dtype"]);
    const json& offsets = value["data_offsets"];
    if (!offsets.is_array() || offsets.size() != 2 || !offsets[0].is_number_unsigned() ||
        !offsets[1].is_number_unsigned())
      fail(name, "data_offsets must be two numbers, begin and end; found " + offsets.dump() + ".");
    e.begin = offsets[0].get<uint64_t>();
    e.end = offsets[1].get<uint64_t>();
    check_extent(e, offsets.dump());
    return e;
  }

  void read_dtype(Entry& e, const json& value) const {
    const StoredFormat* found =
        value.is_string()
            ? stored_format(&StoredFormat::safetensors, value.get_ref<const std::string&>())
            : nullptr;
    if (found) {
      e.type = found->type;
      return;
    }
    const std::string what = "dtype " + value.dump() + " is not one that Tempo reads: " +
                             names_in(&StoredFormat::safetensors) + ".";
    if (!value.is_string()) fail(e.name, what);
    leave(e, what);
  }

  void leave(Entry& e, const std::string& why) const {
    if (e.unreadable.empty()) e.unreadable = source_.name() + ": " + who(e.name) + why;
  }

  // A shape with more axes than Tempo supports is flattened to one axis.
  void read_shape(Entry& e, const json& value) const {
    if (!value.is_array())
      fail(e.name, "shape must be a list of sizes; found " + value.dump() + ".");
    std::vector<int64_t> extents;
    for (const json& extent : value) {
      if (!extent.is_number_unsigned() || extent.get<uint64_t>() > uint64_t{INT64_MAX})
        fail(e.name, "shape must be a list of sizes; found " + value.dump() + ".");
      extents.push_back(extent.get<int64_t>());
    }
    const int64_t count = countable(extents);
    if (count < 0)
      fail(e.name, "shape " + value.dump() + " has more elements than can be counted.");
    if (extents.size() <= static_cast<std::size_t>(Shape::max_rank)) {
      e.shape = Shape(extents);
      return;
    }
    e.shape = {count};
    leave(e, "a shape of " + std::to_string(extents.size()) + " axes; Tempo has at most " +
                 std::to_string(Shape::max_rank) + ".");
  }

  void check_extent(const Entry& e, const std::string& offsets) const {
    if (e.begin > e.end) fail(e.name, "data_offsets " + offsets + " end before they begin.");
    if (e.end > data_size_)
      fail(e.name, "data_offsets " + offsets + " lie beyond the end of the data, which has " +
                       std::to_string(data_size_) + " bytes: the file is cut short, or damaged.");
    const uint64_t there = e.end - e.begin, count = static_cast<uint64_t>(e.shape.count());
    if (!e.unreadable.empty()) {  // an element of an unknown dtype has at least one bit
      if (count > 8 * there)
        fail(e.name, "shape " + to_string(e.shape) + " has too many elements for " +
                         std::to_string(there) + " bytes.");
      return;
    }
    const uint64_t bytes = count * static_cast<uint64_t>(e.type.bytes);
    if (there != bytes)
      fail(e.name, to_string(e.shape) + ' ' + e.type.name() + " needs " + std::to_string(bytes) +
                       " bytes; data_offsets " + offsets + " hold " + std::to_string(there) + ".");
  }

  // Sorted by offset, the tensors must follow each other without overlap or gap, up to the end.
  void check_layout(std::vector<Entry>& entries) const {
    std::stable_sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) {
      return std::pair(a.begin, a.end) < std::pair(b.begin, b.end);
    });
    uint64_t end = 0;
    const Entry* before = nullptr;
    for (const Entry& e : entries) {
      if (e.begin < end) fail(e.name, "its data overlap those of \"" + before->name + "\".");
      if (e.begin > end)
        fail(e.name, "there are " + std::to_string(e.begin - end) +
                         " bytes before its data that belong to no tensor.");
      end = e.end;
      before = &e;
    }
    if (end != data_size_)
      fail(std::to_string(data_size_ - end) + " bytes at its end belong to no tensor.");
  }

  // A tensor that cannot be read throws its error when its elements are asked for.
  Tensor read_tensor(Entry& e) const {
    if (e.unreadable.empty()) try {
        return read_stored(source_, data_ + e.begin, e.type, e.shape, who(e.name));
      } catch (const FormatError& error) {
        e.unreadable = error.what();
      }
    Array array = source_.room_for({e.type.dtype(), e.shape});
    array.leave_to(std::make_shared<Deferred>([why = e.unreadable] { throw FormatError(why); }));
    return to_tensor(make_value(std::move(array)));
  }

  const Source& source_;
  uint64_t data_ = 0, data_size_ = 0;  // offset and size of the data in bytes
};

}  // namespace

Tensor Safetensors::find(const std::string& name) const {
  for (const auto& [other, tensor] : tensors)
    if (other == name) return tensor;
  return {};
}

Safetensors read_safetensors(const Source& source, Unreadable unreadable) {
  return reading(source.name(), [&] { return Reader(source).read(unreadable); });
}

Safetensors read_safetensors(const std::string& path, Unreadable unreadable) {
  return read_safetensors(FileSource(path), unreadable);
}

}  // namespace tempo
