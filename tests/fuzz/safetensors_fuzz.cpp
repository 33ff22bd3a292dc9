// SPDX-License-Identifier: Apache-2.0
// The safetensors reader. Input: a byte of flags, then a whole file (flag 1), or else the size of
// its data in words of 4 bytes, its header, 0xff, and what its data repeat.
#include "fuzz.hpp"
#include "io/tensors/safetensors.hpp"

using namespace tempo;
using namespace tempo::fuzz;

namespace {

std::string file_of(std::string_view header, std::string_view data) {
  const uint64_t length = header.size();
  std::string out(reinterpret_cast<const char*>(&length), sizeof length);
  return out.append(header).append(data);
}

std::string content_of(Input input) {
  if (input.byte() & 1) return std::string(input.rest());
  const std::size_t words = input.byte();
  const std::string_view header = input.text();
  return file_of(header, input.repeated(4 * words));
}

bool equal(const Safetensors& a, const Safetensors& b) {
  if (a.metadata != b.metadata || a.tensors.size() != b.tensors.size()) return false;
  for (const auto& [name, tensor] : a.tensors)
    if (const Tensor other = b.find(name); !other || !same(tensor, other)) return false;
  return true;
}

}  // namespace

std::vector<std::string> fuzz::seeds() {
  std::vector<std::string> out;
  const auto add = [&](int words, const std::string& header, const std::string& data) {
    out.push_back('\0' + std::string(1, static_cast<char>(words)) + header + "\xff" + data);
    out.push_back('\1' + file_of(header, std::string(static_cast<std::size_t>(4 * words), '\1')));
  };
  add(0, "{}", "");
  add(0, R"({"__metadata__":{"format":"pt"}})", "");
  add(0, R"({"none":{"dtype":"F32","shape":[0,4],"data_offsets":[0,0]}})", "");
  for (const char* dtype : {"BOOL", "U8", "I8"})
    add(1, R"({"a":{"dtype":")" + std::string(dtype) + R"(","shape":[2,2],"data_offsets":[0,4]}})",
        std::string("\0\1", 2));
  for (const char* dtype : {"F16", "BF16", "I16", "U16"})
    add(2, R"({"a":{"dtype":")" + std::string(dtype) + R"(","shape":[4],"data_offsets":[0,8]}} )",
        "\x01\x3c\x7c");
  for (const char* dtype : {"F32", "I32", "U32"})
    add(3, R"({"a":{"dtype":")" + std::string(dtype) + R"(","shape":[3],"data_offsets":[0,12]}})",
        "\x12\x34\x56\x78");
  for (const char* dtype : {"F64", "I64", "U64"})
    add(2, R"({"a":{"dtype":")" + std::string(dtype) + R"(","shape":[],"data_offsets":[0,8]}})",
        "\x01");
  add(5,
      R"({"__metadata__":{"format":"tempo"},"dense/kernel":{"dtype":"F32","shape":[2,2],)"
      R"("data_offsets":[0,16]},"dense/bias":{"dtype":"F32","shape":[1],"data_offsets":[16,20]}})",
      "\x3f\x80");
  return out;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, std::size_t size) {
  const std::string content = content_of({data, size});
  Safetensors read;
  if (!reads("a.file", [&] { read = read_safetensors(MemorySource("a.file", content)); })) return 0;
  if (!by_file(data, size)) return 0;
  write_safetensors(scratch_file(), read);
  require(equal(read_safetensors(scratch_file()), read),
          "what was read is written and read as it was");
  return 0;
}
