// SPDX-License-Identifier: Apache-2.0
// safetensors: what is written is read back, other dtypes become Tempo's, and each wrong file has
// its error.
#define BOOST_TEST_MODULE safetensors
#include <cmath>
#include <cstring>

#include <tempo/tempo.hpp>

#include "files.hpp"

using namespace tempo;
using namespace tempo::testing;
using std::string;

namespace {

string safetensors(const string& header, const string& data = "") {
  return little_endian(header.size()) + header + data;
}

}  // namespace

BOOST_AUTO_TEST_CASE(tensors_of_every_dtype_are_read_as_they_were_written) {
  const string path = in_folder("all.safetensors");
  save_tensors(path, one_of_each());
  const auto back = load_tensors(path);
  BOOST_TEST(back.size() == one_of_each().size());
  for (const auto& [name, tensor] : one_of_each()) check_same(name, back.at(name), tensor);
  // Other programs require that the data begin at a multiple of 8.
  uint64_t header = 0;
  std::memcpy(&header, read(path).data(), sizeof header);
  BOOST_TEST(header % 8 == 0u);
}

BOOST_AUTO_TEST_CASE(names_are_kept_whatever_they_hold) {
  const string path = in_folder("names.safetensors");
  const std::map<string, Tensor> tensors = {{"", ones({1})},
                                            {"a\nb", full({1}, 2)},
                                            {string("a\0b", 3), full({1}, 3)},
                                            {"\"quoted\\", full({1}, 4)},
                                            {"이름", full({1}, 5)}};
  save_tensors(path, tensors);
  const auto back = load_tensors(path);
  BOOST_TEST(back.size() == tensors.size());
  for (const auto& [name, tensor] : tensors) check_same(name, back.at(name), tensor);

  const string before = read(path);
  const auto refused = [&](const string& name, const Tensor& t) {
    return error_of([&] { save_tensors(path, {{name, t}}); });
  };
  check_error(refused("__metadata__", ones({1})),
              path + ": tensor \"__metadata__\": the format keeps this name for its texts");
  check_error(refused("a\xff", ones({1})), path + ": \"a\\xff\": a name or a text in a");
  check_error(refused("none", Tensor{}), path + ": tensor \"none\": it was never given a value");
  BOOST_TEST((read(path) == before));
}

BOOST_AUTO_TEST_CASE(dtypes_of_other_frameworks_become_those_that_hold_them) {
  const struct {
    const char* dtype;
    string bytes;
    DType becomes;
    double value;
  } cases[] = {
      {"F16", string("\x00\x3e", 2), float32, 1.5},
      {"F16", string("\xff\x03", 2), float32, 1023 * 0x1p-24},
      {"F16", string("\x00\x7c", 2), float32, INFINITY},
      {"BF16", string("\xc0\x3f", 2), float32, 1.5},
      {"BF16", string("\xc0\x7f", 2), float32, NAN},
      {"I8", "\x80", int32, -128},
      {"U8", "\xff", int32, 255},
      {"I16", string("\x00\x80", 2), int32, -32768},
      {"U16", "\xff\xff", int32, 65535},
      {"U32", "\xff\xff\xff\xff", int64, 4294967295.0},
      {"U64", string("\1\0\0\0\0\0\0\0", 8), int64, 1},
  };
  for (const auto& c : cases) BOOST_TEST_CONTEXT(c.dtype) {
      const string header = string(R"({"a":{"dtype":")") + c.dtype +
                            R"(","shape":[1,1],"data_offsets":[0,)" +
                            std::to_string(c.bytes.size()) + "]}}";
      const auto back = load_tensors(write("other.safetensors", safetensors(header, c.bytes)));
      check_same("value", back.at("a"), full({1, 1}, c.value, c.becomes));
    }
}

BOOST_AUTO_TEST_CASE(a_tensor_that_cannot_be_read_does_not_keep_the_others_from_it) {
  const struct {
    const char* what;
    const char* entry;
    string bytes;
    const char* expected;
  } cases[] = {
      {"dtype", R"("dtype":"F8_E5M2","shape":[2,4])", string(8, '\1'),
       "dtype \"F8_E5M2\" is not one that Tempo reads"},
      {"complex", R"("dtype":"C64","shape":[])", string(8, '\1'), "dtype \"C64\" is not one"},
      {"half bytes", R"("dtype":"F4","shape":[16])", string(8, '\1'), "dtype \"F4\" is not one"},
      {"axes", R"("dtype":"F32","shape":[1,1,1,1,1,1,1,1,2])", string(8, '\1'), "of 9 axes"},
      {"too large", R"("dtype":"U64","shape":[1])", string(8, '\xff'), "is above 2^63 - 1"},
      {"bool", R"("dtype":"BOOL","shape":[8])", string(8, '\3'), "a BOOL is 0 or 1; found 3"},
  };
  for (const auto& c : cases) BOOST_TEST_CONTEXT(c.what) {
      const string path = write(
          "some.safetensors",
          safetensors(
              string("{\"bad\":{") + c.entry +
                  R"(,"data_offsets":[0,8]},"a":{"dtype":"I8","shape":[1],"data_offsets":[8,9]}})",
              c.bytes + "\5"));
      const auto back = load_tensors(path);
      BOOST_TEST(back.size() == 2u);
      check_same("the other", back.at("a"), full({1}, 5, int32));
      const Tensor bad = back.at("bad");
      const string why = path + ": tensor \"bad\": ";
      for (int again = 0; again < 2; ++again) {
        check_error(error_of<FormatError>([&] { bad.element(0); }), why);
        check_error(error_of<FormatError>([&] { sum(cast(bad, float64)).item(); }), c.expected);
        check_error(error_of<FormatError>([&] { std::ostringstream() << bad; }), c.expected);
        check_error(error_of<FormatError>([&] { save_npy(in_folder("bad.npy"), bad); }), why);
      }
      Sequential model({Dense({.units = 1})});
      model.build({{-1, 1}});
      check_error(error_of<FormatError>([&] { model.load_weights(path); }), why);
    }
}

const string f32_4 = R"("a":{"dtype":"F32","shape":[4],"data_offsets":[0,16]})";

const BadFile bad_safetensors[] = {
    {"empty", "", "0 bytes are too few for a safetensors file"},
    {"short", "abc", "3 bytes are too few for a safetensors file"},
    {"text", "This is a text, nothing else.",
     "not a safetensors file: its first 8 bytes would be a header of"},
    {"absurd length", little_endian(~uint64_t{0}) + "{}", "at most 100000000 are allowed"},
    {"header cut short", little_endian(100) + "{\"a\":",
     "cut short, or not a safetensors file: its header would have 100 bytes, and only 5 follow"},
    {"no object", safetensors("[1, 2]"), "its header must be a JSON object"},
    {"no JSON", safetensors("{\"a\":}"), "its header is not valid JSON"},
    {"named twice", safetensors("{" + f32_4 + "," + f32_4 + "}", sixteen),
     "its header names \"a\" twice"},
    {"entry named twice",
     safetensors(R"({"a":{"dtype":"F32","dtype":"I32","shape":[4],"data_offsets":[0,16]}})",
                 sixteen),
     "its header names \"dtype\" twice"},
    {"metadata named twice", safetensors(R"({"__metadata__":{"n":"1","n":"2"}})"),
     "its header names \"n\" twice"},
    {"deep list", safetensors("{\"a\":" + string(100'000, '[')),
     "its header nests deeper than the format does"},
    {"deep", safetensors(R"({"a":{"b":{"c":{"d":{}}}}})"),
     "its header nests deeper than the format does"},
    {"no entry", safetensors(R"({"a":1})"), "tensor \"a\": its entry must be an object with dtype"},
    {"no offsets", safetensors(R"({"a":{"dtype":"F32","shape":[1]}})"),
     "with dtype, shape and data_offsets"},
    {"dtype",
     safetensors(R"({"a":{"dtype":"F8_E4M3","shape":[16],"data_offsets":[0,16]}})", sixteen),
     "tensor \"a\": dtype \"F8_E4M3\" is not one that Tempo reads: F32, F64, I32, I64, BOOL, F16"},
    {"no dtype", safetensors(R"({"a":{"dtype":1,"shape":[16],"data_offsets":[0,16]}})", sixteen),
     "tensor \"a\": dtype 1 is not one that Tempo reads"},
    {"more elements than bits",
     safetensors(R"({"a":{"dtype":"F4","shape":[129],"data_offsets":[0,16]}})", sixteen),
     "shape [129] has too many elements for 16 bytes"},
    {"none, and too many",
     safetensors(R"({"a":{"dtype":"F32","shape":[4294967296,4294967296,0],"data_offsets":[0,0]}})"),
     "has more elements than can be counted"},
    {"U64",
     safetensors(R"({"a":{"dtype":"U64","shape":[2],"data_offsets":[0,16]}})", string(16, '\xff')),
     "tensor \"a\": 18446744073709551615 is above 2^63 - 1, the largest int64, as element 0 of "
     "[2]"},
    {"half of a size",
     safetensors(R"({"a":{"dtype":"F16","shape":[4],"data_offsets":[0,16]}})", sixteen),
     "[4] float16 needs 8 bytes; data_offsets [0,16] hold 16"},
    {"negative",
     safetensors(R"({"a":{"dtype":"F32","shape":[-4],"data_offsets":[0,16]}})", sixteen),
     "shape must be a list of sizes; found [-4]"},
    {"fraction",
     safetensors(R"({"a":{"dtype":"F32","shape":[4.5],"data_offsets":[0,16]}})", sixteen),
     "shape must be a list of sizes; found [4.5]"},
    {"rank",
     safetensors(R"({"a":{"dtype":"F32","shape":[1,1,1,1,1,1,1,1,4],"data_offsets":[0,16]}})",
                 sixteen),
     "a shape of 9 axes; Tempo has at most 8"},
    {"overflow",
     safetensors(R"({"a":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,16]}})",
                 sixteen),
     "has more elements than can be counted"},
    {"backwards",
     safetensors(R"({"a":{"dtype":"F32","shape":[4],"data_offsets":[16,0]}})", sixteen),
     "data_offsets [16,0] end before they begin"},
    {"three offsets",
     safetensors(R"({"a":{"dtype":"F32","shape":[4],"data_offsets":[0,8,16]}})", sixteen),
     "data_offsets must be two numbers"},
    {"size", safetensors(R"({"a":{"dtype":"F32","shape":[3],"data_offsets":[0,16]}})", sixteen),
     "[3] float32 needs 12 bytes; data_offsets [0,16] hold 16"},
    {"truncated", safetensors("{" + f32_4 + "}", sixteen.substr(1)),
     "data_offsets [0,16] lie beyond the end of the data, which has 15 bytes"},
    {"overlap",
     safetensors("{" + f32_4 + R"(,"b":{"dtype":"F32","shape":[1],"data_offsets":[12,16]}})",
                 sixteen),
     "tensor \"b\": its data overlap those of \"a\""},
    {"gap", safetensors(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[12,16]}})", sixteen),
     "there are 12 bytes before its data that belong to no tensor"},
    {"rest", safetensors("{" + f32_4 + "}", sixteen + "more"),
     "4 bytes at its end belong to no tensor"},
    {"bool", safetensors(R"({"a":{"dtype":"BOOL","shape":[1],"data_offsets":[0,1]}})", "\x02"),
     "a BOOL is 0 or 1; found 2"},
    {"metadata", safetensors(R"({"__metadata__":{"n":1}})"),
     "__metadata__ must map texts to texts; \"n\" is number"},
};

BOOST_AUTO_TEST_CASE(a_damaged_safetensors_file_is_named_with_what_is_wrong) {
  for (const BadFile& bad : bad_safetensors) {
    BOOST_TEST_CONTEXT(bad.what) {
      const string path = write("bad.safetensors", bad.content);
      const string text = error_of<FormatError>([&] { load_tensors(path); });
      check_error(text, bad.expected);
      check_error(text, path + ": ");
    }
  }
  check_error(error_of<FormatError>([] { load_tensors("/no/such/file"); }),
              "/no/such/file: no such file");
  check_error(error_of<FormatError>([] { load_tensors("/tmp"); }), "/tmp: a directory, not a file");
  check_error(error_of<FormatError>([] { load_tensors("/dev/zero"); }),
              "/dev/zero: not a regular file");
}

BOOST_AUTO_TEST_CASE(a_safetensors_file_of_many_tensors_is_read_in_linear_time) {
  string header, data;
  constexpr int many = 32'000;
  for (int i = 0; i < many; ++i) {
    header += (i ? ",\"" : "{\"") + std::to_string(i) + R"(":{"dtype":"BOOL","shape":[],)" +
              R"("data_offsets":[)" + std::to_string(i) + ',' + std::to_string(i + 1) + "]}";
    data += static_cast<char>(i % 2);
  }
  const auto all = load_tensors(write("many.safetensors", safetensors(header + "}", data)));
  BOOST_TEST(all.size() == many);
  BOOST_TEST(all.at("31111").item() == 1);
}

BOOST_AUTO_TEST_CASE(a_safetensors_file_cut_or_flipped_anywhere_is_refused_or_read_whole) {
  const string path = in_folder("all.safetensors");
  save_tensors(path, one_of_each());
  const string whole = read(path);
  for (std::size_t n = 0; n < whole.size(); ++n)
    BOOST_CHECK_THROW(load_tensors(write("cut.safetensors", whole.substr(0, n))), FormatError);
  for (std::size_t i = 0; i < whole.size(); ++i) {
    string flipped = whole;
    flipped[i] = static_cast<char>(flipped[i] ^ 0x11);
    try {
      load_tensors(write("flipped.safetensors", flipped));
    } catch (const FormatError&) {
    }
  }
}
