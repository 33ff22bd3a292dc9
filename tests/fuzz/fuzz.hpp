// SPDX-License-Identifier: Apache-2.0
// What the fuzzers share. Each has LLVMFuzzerTestOneInput and seeds(); fuzz.cpp has the rest.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <tempo/error.hpp>
#include <tempo/tensor.hpp>

namespace tempo::fuzz {

/// What a fuzzer begins with, as inputs of its LLVMFuzzerTestOneInput.
std::vector<std::string> seeds();

/// Ends the program, which libFuzzer takes for a finding, unless the promise holds.
void require(bool holds, std::string_view promise, std::string_view detail = "");

/// Whether `f` returned. It may throw Error, with a text; whatever else leaves it is a finding.
template <class F>
bool answers(F&& f) {
  try {
    f();
    return true;
  } catch (const Error& e) {
    require(*e.what() != '\0', "an Error has a text");
    return false;
  }
}

/// Likewise, for a reader of the file `path`, which its errors must name.
template <class F>
bool reads(const std::string& path, F&& f) {
  try {
    f();
    return true;
  } catch (const Error& e) {
    require(std::string_view(e.what()).find(path) != std::string_view::npos,
            "an error names its file", e.what());
    return false;
  }
}

/// Equal to the bit.
bool same(const Tensor& a, const Tensor& b);

/// The bytes of an input, taken from its front.
class Input {
 public:
  Input(const uint8_t* data, std::size_t size) : rest_(reinterpret_cast<const char*>(data), size) {}

  /// The next byte, 0 at the end.
  unsigned byte();
  /// Up to the byte 0xff, which no UTF-8 has, or the end; the 0xff is dropped.
  std::string_view text();
  std::string_view rest() const { return rest_; }
  /// `size` bytes: the rest, again and again; zeros where there is none.
  std::string repeated(std::size_t size) const;

 private:
  std::string_view rest_;
};

/// Whether an input is one of the few, chosen by its bytes, whose way through a file is tried.
bool by_file(const uint8_t* data, std::size_t size);
/// Where they are written: a path in memory, of this process alone, that no longer is at its end.
const std::string& scratch_file();

}  // namespace tempo::fuzz
