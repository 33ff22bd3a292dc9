// SPDX-License-Identifier: Apache-2.0
// The table of dtypes, and the table of their names in files.
#define BOOST_TEST_MODULE dtype
#include "io/tensors/stored.hpp"
#include "tensor/array.hpp"
#include "testing.hpp"

using namespace tempo;
using namespace tempo::testing;

namespace {

struct Case {
  DType dtype;
  const char* name;
  std::size_t size;
  bool floating;
  const char *npy, *safetensors;
};
const Case cases[] = {
    {DType::float32, "float32", 4, true, "f4", "F32"},
    {DType::float64, "float64", 8, true, "f8", "F64"},
    {DType::int32, "int32", 4, false, "i4", "I32"},
    {DType::int64, "int64", 8, false, "i8", "I64"},
    {DType::bool_, "bool", 1, false, "b1", "BOOL"},
};

}  // namespace

BOOST_AUTO_TEST_CASE(a_dtype_is_one_row) {
  BOOST_TEST(std::size(cases) == std::tuple_size_v<decltype(sdk::elements)>);
  for (const Case& c : cases) BOOST_TEST_CONTEXT(c.name) {
      BOOST_TEST(name_of(c.dtype) == std::string(c.name));
      BOOST_TEST((dtype_named(c.name) == c.dtype));
      BOOST_TEST(size_of(c.dtype) == c.size);
      BOOST_TEST(is_floating(c.dtype) == c.floating);
      BOOST_TEST((dispatch(c.dtype, []<class T>(T) { return sdk::dtype_for<T>(); }) == c.dtype));
      BOOST_TEST(dispatch(c.dtype, []<class T>(T) { return sizeof(T); }) == c.size);
      BOOST_TEST(written_as(c.dtype).npy == std::string(c.npy));
      BOOST_TEST(written_as(c.dtype).safetensors == std::string(c.safetensors));
      const Tensor one = full({1}, 1, c.dtype);
      BOOST_TEST(one.element(0) == 1);
    }
}

BOOST_AUTO_TEST_CASE(what_is_no_dtype_has_no_row) {
  BOOST_TEST((dtype_named("automatic") == DType::automatic));
  for (const char* name : {"", "float", "float16", "Float32", "bool_", "float32 "})
    BOOST_TEST(!dtype_named(name).has_value());
  for (const DType none : {DType::automatic, DType{17}}) {
    BOOST_TEST(name_of(none) == std::string("automatic"));
    BOOST_TEST(size_of(none) == 0u);
    BOOST_TEST(!is_floating(none));
    BOOST_TEST(error_of([&] { dispatch(none, [](auto) {}); }) ==
               "dispatch: dtype `automatic` has no elements; it stands for the default dtype.");
  }
  static_assert(!sdk::is_element<unsigned char>() && !sdk::is_element<long double>());
}

// One row for each type in a file: it is read by its names, and holds what it says.
BOOST_AUTO_TEST_CASE(types_of_files_are_read_by_their_names) {
  for (const StoredFormat& f : stored_formats) BOOST_TEST_CONTEXT(f.name) {
      BOOST_TEST(f.type.name() == f.name);
      BOOST_TEST((f.type.dtype() == f.dtype));
      BOOST_TEST(stored_format(&StoredFormat::safetensors, f.safetensors) == &f);
      if (f.npy) BOOST_TEST(stored_format(&StoredFormat::npy, f.npy) == &f);
      BOOST_TEST(std::string(f.name).ends_with(std::to_string(8 * f.type.bytes)) ==
                 (f.dtype != bool_));
    }
  BOOST_TEST(stored_format(&StoredFormat::npy, "F32") == nullptr);
  BOOST_TEST(stored_format(&StoredFormat::npy, "") == nullptr);
  BOOST_TEST(names_in(&StoredFormat::npy) == "f4, f8, i4, i8, b1, f2, i1, i2, u1, u2, u4, u8");
}
