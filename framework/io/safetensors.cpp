#include "io/safetensors.hpp"

#include <algorithm>
#include <bit>
#include <span>

#include <nlohmann/json.hpp>

#include "graph/value.hpp"
#include "io/atomic_file.hpp"
#include "io/json_reader.hpp"

static_assert(std::endian::native == std::endian::little, "the format is little-endian");

namespace tempo {
namespace {

using nlohmann::json;
using Ordered = nlohmann::ordered_json;

constexpr uint64_t longest_header = 100'000'000;  // as in the reference implementation
constexpr std::size_t deepest_header = 3;         // {"a": {"shape": [1]}}

struct DTypeName {
  DType dtype;
  const char* name;
};
constexpr DTypeName dtype_names[] = {
    {float32, "F32"}, {float64, "F64"}, {int32, "I32"}, {int64, "I64"}, {bool_, "BOOL"}};

const char* file_name_of(DType dtype) {
  for (const DTypeName& d : dtype_names)
    if (d.dtype == dtype) return d.name;
  throw Error(std::string("safetensors: no name for dtype ") + name_of(dtype) + ".");
}

struct Entry {
  std::string name;
  TensorType type;
  uint64_t begin = 0, end = 0;
};

// Reads one file; each failure is a sentence with the file's name.
class Reader {
 public:
  explicit Reader(const Source& source) : source_(source) {}

  Safetensors read() {
    const json header = read_header();
    Safetensors out;
    std::vector<Entry> entries;
    for (const auto& [name, value] : header.items())
      if (name == "__metadata__")
        out.metadata = read_metadata(value);
      else
        entries.push_back(read_entry(name, value));
    check_layout(entries);
    for (const Entry& e : entries) out.tensors.emplace_back(e.name, read_tensor(e));
    return out;
  }

 private:
  [[noreturn]] void fail(const std::string& what) const { source_.fail(what); }
  [[noreturn]] void fail(const std::string& name, const std::string& what) const {
    fail("tensor \"" + name + "\": " + what);
  }

  json read_header() {
    uint64_t length = 0;
    if (source_.size() < sizeof length)
      fail(std::to_string(source_.size()) +
           " bytes are too few for a safetensors file, which begins " +
           "with 8 bytes that hold the length of its header.");
    source_.read(0, &length, sizeof length);
    const uint64_t rest = source_.size() - sizeof length;
    if (length > longest_header)
      fail("not a safetensors file: its first 8 bytes would be a header of " +
           std::to_string(length) + " bytes; at most " + std::to_string(longest_header) +
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
      return read_json<json>(text, deepest_header);
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
    Entry e{.name = name, .type = {}};
    e.type.dtype = read_dtype(name, value["dtype"]);
    e.type.shape = read_shape(name, value["shape"]);
    const json& offsets = value["data_offsets"];
    if (!offsets.is_array() || offsets.size() != 2 || !offsets[0].is_number_unsigned() ||
        !offsets[1].is_number_unsigned())
      fail(name, "data_offsets must be two numbers, begin and end; found " + offsets.dump() + ".");
    e.begin = offsets[0].get<uint64_t>();
    e.end = offsets[1].get<uint64_t>();
    check_extent(e, offsets.dump());
    return e;
  }

  DType read_dtype(const std::string& name, const json& value) const {
    std::string known;
    for (const DTypeName& d : dtype_names) {
      if (value == d.name) return d.dtype;
      known.append(known.empty() ? "" : ", ").append(d.name);
    }
    fail(name, "dtype " + value.dump() + " is not one that Tempo reads: " + known + ".");
  }

  Shape read_shape(const std::string& name, const json& value) const {
    if (!value.is_array()) fail(name, "shape must be a list of sizes; found " + value.dump() + ".");
    if (value.size() > static_cast<std::size_t>(Shape::max_rank))
      fail(name, "a shape of " + std::to_string(value.size()) + " axes; Tempo has at most " +
                     std::to_string(Shape::max_rank) + ".");
    Shape shape;
    int64_t count = 1;
    for (const json& extent : value) {
      int64_t n = 0;
      if (extent.is_number_unsigned() && extent.get<uint64_t>() <= uint64_t{INT64_MAX})
        n = extent.get<int64_t>();
      else
        fail(name, "shape must be a list of sizes; found " + value.dump() + ".");
      if (__builtin_mul_overflow(count, n, &count) || count > INT64_MAX / 8)
        fail(name, "shape " + value.dump() + " has more elements than can be counted.");
      shape.push_back(n);
    }
    return shape;
  }

  void check_extent(const Entry& e, const std::string& offsets) const {
    if (e.begin > e.end) fail(e.name, "data_offsets " + offsets + " end before they begin.");
    if (e.end > data_size_)
      fail(e.name, "data_offsets " + offsets + " lie beyond the end of the data, which has " +
                       std::to_string(data_size_) + " bytes: the file is cut short, or damaged.");
    if (e.end - e.begin != e.type.bytes())
      fail(e.name, to_string(e.type) + " needs " + std::to_string(e.type.bytes()) +
                       " bytes; data_offsets " + offsets + " hold " +
                       std::to_string(e.end - e.begin) + ".");
  }

  // Sorted by place, the tensors follow each other without overlap or gap, to the end of the file.
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

  Tensor read_tensor(const Entry& e) const {
    Array array = source_.array(data_ + e.begin, e.type);
    if (e.type.dtype == bool_)
      for (const unsigned char byte : std::span(array.as<unsigned char>(), e.type.bytes()))
        if (byte > 1) fail(e.name, "a BOOL is 0 or 1; found " + std::to_string(byte) + ".");
    return to_tensor(make_value(std::move(array)));
  }

  const Source& source_;
  uint64_t data_ = 0, data_size_ = 0;  // where the data begin, and their bytes
};

std::string dump(const std::string& path, const Ordered& header) {
  try {
    return header.dump();
  } catch (const json::exception& e) {
    throw Error(path + ": a name or a text in it is not UTF-8: " + e.what());
  }
}

}  // namespace

Tensor Safetensors::find(const std::string& name) const {
  for (const auto& [other, tensor] : tensors)
    if (other == name) return tensor;
  return {};
}

void write_safetensors(const std::string& path, const Safetensors& content) {
  // Wide elements first, so that each tensor is aligned to its elements when the file is mapped.
  std::vector<const std::pair<std::string, Tensor>*> order;
  for (const auto& named : content.tensors) order.push_back(&named);
  std::stable_sort(order.begin(), order.end(), [](auto* a, auto* b) {
    return size_of(a->second.dtype()) > size_of(b->second.dtype());
  });

  Ordered header = Ordered::object();
  if (!content.metadata.empty()) header["__metadata__"] = content.metadata;
  std::size_t end = 0;
  for (const auto* named : order) {
    const auto& [name, tensor] = *named;
    const TensorType type{tensor.dtype(), tensor.shape()};
    if (header.contains(name) || name == "__metadata__")
      throw Error(path + ": two tensors cannot both be called \"" + name + "\".");
    header[name] = {{"dtype", file_name_of(type.dtype)},
                    {"shape", std::vector<int64_t>(type.shape.begin(), type.shape.end())},
                    {"data_offsets", {end, end + type.bytes()}}};
    end += type.bytes();
  }
  std::string text = dump(path, header);
  text.resize((text.size() + 7) / 8 * 8, ' ');
  const uint64_t length = text.size();

  AtomicFile file(path);
  file.write(&length, sizeof length);
  file.write(text);
  for (const auto* named : order)
    file.write(named->second.handle()->array.view().data,
               TensorType{named->second.dtype(), named->second.shape()}.bytes());
  file.commit();
}

Safetensors read_safetensors(const Source& source) { return Reader(source).read(); }

Safetensors read_safetensors(const std::string& path) { return read_safetensors(FileSource(path)); }

}  // namespace tempo
