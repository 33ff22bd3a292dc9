// SPDX-License-Identifier: Apache-2.0
// NumPy's .npy: a magic number, a header that is a Python dictionary, and the data. xtensor's own
// reader is not used: it accepts truncated files.
#include "io/tensors/npy.hpp"

#include <algorithm>
#include <cstring>

#include <tempo/io.hpp>
#include <tempo/ops.hpp>

#include "graph/value.hpp"
#include "io/atomic_file.hpp"
#include "io/tensors/npy_header.hpp"

namespace tempo {
namespace {

constexpr std::string_view magic = "\x93NUMPY";
constexpr std::size_t longest_npy_header = 100'000;  // NumPy itself reads 10,000

std::string descr_of(DType dtype) {
  return (size_of(dtype) == 1 ? "|" : "<") + std::string(written_as(dtype).npy);
}

// The text of the header, and the offset of the data.
std::pair<std::string, uint64_t> header_of(const Source& source) {
  const std::string start = source.text(0, std::min<uint64_t>(source.size(), 12));
  if (start.starts_with("PK\x03\x04"))
    source.fail(
        "a zip archive, as np.savez writes several arrays.\n  np.save(path, a) writes one.");
  if (!start.starts_with(magic)) source.fail("not a .npy file: it does not begin with \\x93NUMPY.");
  if (start.size() < 12) source.fail("cut short: " + std::to_string(start.size()) + " bytes.");
  const int version = start[6], minor = start[7];
  if (version < 1 || version > 3 || minor != 0)
    source.fail("version " + std::to_string(version) +
                (minor != 0 ? "." + std::to_string(minor) : "") +
                " of the .npy format; Tempo reads 1 to 3.");
  const std::size_t width = version == 1 ? 2 : 4, begin = magic.size() + 2 + width;
  uint32_t length = 0;
  std::memcpy(&length, start.data() + magic.size() + 2, width);
  if (length > longest_npy_header || begin + length > source.size())
    source.fail("cut short or damaged: a header of " + std::to_string(length) +
                " bytes in a file of " + std::to_string(source.size()) + ".");
  return {source.text(begin, length), begin + length};
}

}  // namespace

void save_npy(const std::string& path, const Tensor& tensor) {
  if (!tensor) throw Error(path + ": there is no tensor to save: it is Tensor{}.");
  const TensorType type{tensor.dtype(), tensor.shape()};
  const void* data = tensor.handle()->array.view().data;
  std::string header = "{'descr': '" + descr_of(type.dtype);
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
  file.write(data, type.bytes());
  file.commit();
}

Tensor read_npy(const Source& source) {
  const auto [text, begin] = header_of(source);
  const uint64_t there = source.size() - begin;
  const NpyHeader header = read_npy_header(source, text, there);
  const uint64_t bytes =
      static_cast<uint64_t>(header.shape.count()) * static_cast<uint64_t>(header.type.bytes);
  if (bytes != there)
    source.fail(to_string(header.shape) + ' ' + header.type.name() + " needs " +
                std::to_string(bytes) + " bytes of data; the file has " + std::to_string(there) +
                ".");
  Shape shape = header.shape;
  if (!header.fortran_order) return read_stored(source, begin, header.type, shape);
  std::reverse(shape.begin(), shape.end());
  Axes reversed(static_cast<std::size_t>(shape.rank()));
  for (std::size_t i = 0; i < reversed.size(); ++i)
    reversed[i] = static_cast<int>(reversed.size() - 1 - i);
  return transpose(read_stored(source, begin, header.type, shape), reversed);
}

Tensor load_npy(const std::string& path) {
  return reading(path, [&] { return read_npy(FileSource(path)); });
}

}  // namespace tempo
