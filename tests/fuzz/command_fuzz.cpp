// SPDX-License-Identifier: Apache-2.0
// The `tempo` command line. Input: a line for each argument.
#include <algorithm>
#include <ostream>
#include <streambuf>
#include <string_view>

#include "command/command_line.hpp"
#include "fuzz.hpp"

using namespace tempo;
using namespace tempo::fuzz;

namespace {

// What is written to it is gone.
class Nowhere : public std::streambuf {
  int overflow(int c) override { return c == EOF ? 0 : c; }
  std::streamsize xsputn(const char*, std::streamsize n) override { return n; }
};

// Sizes of layers and inputs stay small, so that a run takes no time: of a number that would have
// 3 to 18 digits, two stay. Longer ones are left to be refused.
std::string with_small_numbers(std::string_view text) {
  constexpr std::string_view digits = "0123456789";
  std::string out;
  while (!text.empty()) {
    while (text.size() > 1 && text[0] == '0' && digits.find(text[1]) != digits.npos)
      text.remove_prefix(1);
    const std::size_t n = std::min(text.find_first_not_of(digits), text.size());
    out += text.substr(0, n > 18 ? n : std::min<std::size_t>(n, 2));
    text.remove_prefix(n);
    const std::size_t rest = std::min(text.find_first_of(digits), text.size());
    out += text.substr(0, rest);
    text.remove_prefix(rest);
  }
  return out;
}

}  // namespace

std::vector<std::string> fuzz::seeds() {
  return {
      "",
      "--help",
      "--version",
      "layers\n--in-process",
      "layers\n--in-process\nLSTM",
      "layers\n--help",
      "--plugin\n/no/such.so\nlayers\n--in-process",
      "--plugin=/dev/null\nlayers\n--in-process\nGRU",
      "explain\nLSTM\nunits=3\nreturn_sequences=true\nactivation=relu\n--shape\n2,5,4",
      "explain\nGRU\nunits=2\nuse_bias=false\ndtype=float64\n--shape\n[1, 2, 3]\n--dtype\nfloat64",
      "explain\nSimpleRNN\nunits=2\nrecompute=1\n--shape\n2,9,1",
      "explain\nDense\nunits=3\nkernel_initializer=constant(0.1)\n--shape\n2,4",
      "explain\nDropout\nrate=1e-3\nseed=4\n--shape\n2,4",
      "explain\nMasking\nmask_value=-1\n--shape\n2,4,1",
      "explain\nEmbedding\ninput_dim=4\noutput_dim=2\n--shape\n2,4\n--dtype\nint32",
      "explain\nBidirectional\nmerge_mode=sum\n--shape\n2,4,1"};
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, std::size_t size) {
  std::string text =
      with_small_numbers(std::string_view(reinterpret_cast<const char*>(data), size));
  for (char& c : text)
    if (c == '\0') c = ' ';  // no argument has one
  std::vector<const char*> arguments{"tempo"};
  for (std::size_t at = 0; at < text.size();) {
    arguments.push_back(text.data() + at);
    at = std::min(text.find('\n', at), text.size());
    if (at < text.size()) text[at++] = '\0';
  }
  // They would start this program again.
  const auto has = [&](std::string_view word) {
    return std::find(arguments.begin(), arguments.end(), word) != arguments.end();
  };
  if (has("check") || (has("layers") && !has("--in-process"))) return 0;
  static Nowhere nowhere;
  std::ostream out(&nowhere);
  answers([&] { command::run(static_cast<int>(arguments.size()), arguments.data(), out); });
  return 0;
}
