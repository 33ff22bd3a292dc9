// SPDX-License-Identifier: Apache-2.0
// Reads model files from a source that fails: every exception becomes an Error that names the
// file.
#define BOOST_TEST_MODULE model_reader
#include "io/models/model_reader.hpp"

#include <new>
#include <stdexcept>

#include "testing.hpp"

using namespace tempo;
using namespace tempo::testing;

namespace {

template <class Exception>
class Fails final : public Source {
 public:
  explicit Fails(Exception with) : Source("lost.safetensors", 1000), with_(with) {}
  void read(uint64_t, void*, std::size_t) const override { throw with_; }

 private:
  Exception with_;
};

template <class Exception>
std::string error_with(Exception e) {
  return error_of<FormatError>([&] { ModelReader(Fails<Exception>(e), {}); });
}

}  // namespace

BOOST_AUTO_TEST_CASE(what_a_source_throws_names_the_file) {
  const std::string no_memory = "lost.safetensors: there is no memory for what it holds.";
  BOOST_TEST(error_with(std::bad_alloc()) == no_memory);
  BOOST_TEST(error_with(std::length_error("vector")) == no_memory);
  BOOST_TEST(error_with(Error("gone.")) == "lost.safetensors: gone.");
}
