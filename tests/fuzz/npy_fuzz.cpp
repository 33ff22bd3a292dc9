// SPDX-License-Identifier: Apache-2.0
// The reader of .npy. Input: a byte of flags, then a whole file (flag 1), or else the version, the
// size of its data in words of 4 bytes, its header, 0xff, and what its data repeat.
#include <tempo/io.hpp>

#include "fuzz.hpp"
#include "io/tensors/npy.hpp"

using namespace tempo;
using namespace tempo::fuzz;

namespace {

std::string file_of(unsigned version, std::string_view header, std::string_view data) {
  std::string out = "\x93NUMPY";
  out += static_cast<char>(version);
  out += '\0';
  const auto length = static_cast<uint32_t>(header.size());
  out.append(reinterpret_cast<const char*>(&length), version == 1 ? 2 : 4);
  return out.append(header).append(data);
}

std::string content_of(Input input) {
  if (input.byte() & 1) return std::string(input.rest());
  const unsigned version = input.byte();
  const std::size_t words = input.byte();
  const std::string_view header = input.text();
  return file_of(version, header, input.repeated(4 * words));
}

}  // namespace

std::vector<std::string> fuzz::seeds() {
  std::vector<std::string> out;
  const auto add = [&](unsigned version, int words, const std::string& descr,
                       const std::string& rest, const std::string& data) {
    const std::string header = "{'descr': '" + descr + "', 'fortran_order': " + rest + ", }   \n";
    out.push_back('\0' + std::string(1, static_cast<char>(version)) +
                  std::string(1, static_cast<char>(words)) + header + "\xff" + data);
    out.push_back('\1' +
                  file_of(version, header, std::string(static_cast<std::size_t>(4 * words), '\1')));
  };
  for (const char* descr : {"<f4", ">f4", "<i4", ">i4", "<u4", ">u4"})
    for (const unsigned version : {1u, 2u, 3u})
      add(version, 6, descr, "False, 'shape': (2, 3)", "\x01\x02\x3f");
  for (const char* descr : {"<f8", ">f8", "<i8", ">i8", "<u8", ">u8"})
    add(1, 12, descr, "True, 'shape': (3, 1, 2)", std::string("\x01\0\0", 3));
  for (const char* descr : {"<f2", ">f2", "<i2", ">i2", "<u2"})
    add(1, 3, descr, "False, 'shape': (6,)", std::string("\x01\x3c", 2));
  for (const char* descr : {"|b1", "|i1", "|u1"})
    add(1, 1, descr, "False, 'shape': (4,)", std::string("\0\1", 2));
  add(1, 2, "<f8", "False, 'shape': ()", "\x01");
  add(1, 0, "<f4", "False, 'shape': (0, 4)", "");
  return out;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, std::size_t size) {
  const std::string content = content_of({data, size});
  Tensor read;
  if (!reads("a.file", [&] { read = read_npy(MemorySource("a.file", content)); })) return 0;
  if (!by_file(data, size)) return 0;
  save_npy(scratch_file(), read);
  require(same(load_npy(scratch_file()), read), "what was read is written and read as it was");
  return 0;
}
