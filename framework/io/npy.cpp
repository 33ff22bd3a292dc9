// NumPy's .npy: a magic number, a header that is a Python dictionary, the data. xtensor's own
// reader would do, but takes files that are cut short for whole ones.
#include "io/npy.hpp"

#include <algorithm>
#include <cstring>
#include <regex>

#include <tempo/io.hpp>
#include <tempo/ops.hpp>

#include "graph/value.hpp"
#include "io/atomic_file.hpp"

namespace tempo {
namespace {

constexpr std::string_view magic = "\x93NUMPY";
constexpr std::size_t longest_header =
    4096;  // NumPy pads to 64 bytes; nine axes need less than 300

struct DTypeName {
  DType dtype;
  const char* name;
};
constexpr DTypeName dtype_names[] = {
    {float32, "<f4"}, {float64, "<f8"}, {int32, "<i4"}, {int64, "<i8"}, {bool_, "|b1"}};

[[noreturn]] void fail(const std::string& path, const std::string& what) {
  throw FormatError(path + ": " + what);
}

DType dtype_of(const std::string& path, const std::string& name) {
  std::string known;
  for (const DTypeName& d : dtype_names) {
    if (name == d.name) return d.dtype;
    known.append(known.empty() ? "" : ", ").append(d.name);
  }
  fail(path, "dtype '" + name + "' is not one that Tempo reads: " + known + ".");
}

Shape shape_of(const std::string& path, const std::string& text, std::size_t bytes) {
  static const std::regex extent(R"(\d{1,18})");
  Shape shape;
  uint64_t count = 1;
  for (std::sregex_iterator i(text.begin(), text.end(), extent), end; i != end; ++i) {
    if (shape.rank() == Shape::max_rank) fail(path, "shape (" + text + ") has more than 8 axes.");
    shape.push_back(std::stoll(i->str()));
    if (__builtin_mul_overflow(count, static_cast<uint64_t>(shape.back()), &count) ||
        count > (uint64_t{1} << 60))
      fail(path, "shape (" + text + ") cannot be that of " + std::to_string(bytes) + " bytes.");
  }
  return shape;
}

// What stands in the header after 'key':, by a pattern with one group.
std::string field(const std::string& path, const std::string& header, const char* key,
                  const char* pattern) {
  std::smatch found;
  if (!std::regex_search(header, found,
                         std::regex(std::string("'") + key + "'\\s*:\\s*" + pattern)))
    fail(path, std::string("its header does not say '") + key + "' as NumPy does.");
  return found[1];
}

}  // namespace

void save_npy(const std::string& path, const Tensor& tensor) {
  const TensorType type{tensor.dtype(), tensor.shape()};
  std::string header = "{'descr': '";
  for (const DTypeName& d : dtype_names)
    if (d.dtype == type.dtype) header += d.name;
  header += "', 'fortran_order': False, 'shape': (";
  for (const int64_t extent : type.shape) header += std::to_string(extent) + ",";
  header += "), }";
  constexpr std::size_t before = 10;  // the magic number, the version, the length
  header.resize((before + header.size() + 64) / 64 * 64 - before, ' ');
  header.back() = '\n';
  const auto length = static_cast<uint16_t>(header.size());

  AtomicFile file(path);
  file.write(magic);
  file.write(std::string_view("\x01\x00", 2));
  file.write(&length, sizeof length);
  file.write(header);
  file.write(tensor.handle()->array.view().data, type.bytes());
  file.commit();
}

Tensor read_npy(const Source& source) {
  const std::string& path = source.name();
  const std::string start = source.text(0, std::min<uint64_t>(source.size(), 12));
  if (!start.starts_with(magic) || start.size() < 12)
    fail(path, "not a .npy file: it does not begin with \\x93NUMPY.");
  const int version = start[magic.size()];
  if (version < 1 || version > 3)
    fail(path, "version " + std::to_string(version) + " of the .npy format; Tempo reads 1 to 3.");
  const std::size_t width = version == 1 ? 2 : 4, begin = magic.size() + 2 + width;
  uint32_t length = 0;
  std::memcpy(&length, start.data() + magic.size() + 2, width);
  if (length > longest_header || begin + length > source.size())
    fail(path, "cut short or damaged: a header of " + std::to_string(length) +
                   " bytes in a file of " + std::to_string(source.size()) + ".");

  const std::string header = source.text(begin, length);
  const std::size_t bytes = source.size() - begin - length;
  const bool fortran = field(path, header, "fortran_order", "(True|False)") == "True";
  Shape shape = shape_of(path, field(path, header, "shape", R"(\(([\d, ]*)\))"), bytes);
  if (fortran) std::reverse(shape.begin(), shape.end());
  const TensorType type{dtype_of(path, field(path, header, "descr", "'([^']*)'")), shape};
  if (type.bytes() != bytes)
    fail(path, to_string(type) + " needs " + std::to_string(type.bytes()) +
                   " bytes of data; the file has " + std::to_string(bytes) + ".");
  const Tensor read = to_tensor(make_value(source.array(begin + length, type)));
  if (!fortran) return read;
  Axes reversed(static_cast<std::size_t>(shape.rank()));
  for (std::size_t i = 0; i < reversed.size(); ++i)
    reversed[i] = static_cast<int>(reversed.size() - 1 - i);
  return transpose(read, reversed);
}

Tensor load_npy(const std::string& path) { return read_npy(FileSource(path)); }

}  // namespace tempo
