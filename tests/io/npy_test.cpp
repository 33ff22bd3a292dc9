// SPDX-License-Identifier: Apache-2.0
// NumPy's .npy: each form of numbers that NumPy writes is read; any other is refused by its
// name.
#define BOOST_TEST_MODULE npy
#include <cmath>

#include <tempo/tempo.hpp>

#include "files.hpp"

using namespace tempo;
using namespace tempo::testing;
using std::string;

namespace {

string npy(const string& header, const string& data, char version = 1) {
  const string length = little_endian(header.size()).substr(0, version == 1 ? 2 : 4);
  return "\x93NUMPY" + string{version, '\0'} + length + header + data;
}
string npy_of(const string& descr, const string& shape, const string& data) {
  return npy("{'descr': " + descr + ", 'fortran_order': False, 'shape': " + shape + ", }\n", data);
}
Tensor from(const string& content) { return load_npy(write("a.npy", content)); }

}  // namespace

BOOST_AUTO_TEST_CASE(npy_files_are_read_as_they_were_written) {
  const string path = in_folder("one.npy");
  for (const auto& [name, tensor] : one_of_each()) {
    save_npy(path, tensor);
    check_same(name, load_npy(path), tensor);
    BOOST_TEST((read(path).find('\n') + 1) % 64 == 0u);
  }
}

BOOST_AUTO_TEST_CASE(every_dtype_of_numbers_is_read_without_a_change) {
  const struct {
    const char* descr;
    string bytes;
    DType dtype;
    double value;
  } cases[] = {
      {"'<f2'", string("\x00\x3e", 2), float32, 1.5},
      {"'>f2'", string("\x3e\x00", 2), float32, 1.5},
      {"'<f2'", string("\x01\x80", 2), float32, -0x1p-24},
      {"'<f2'", string("\xff\x7b", 2), float32, 65504},
      {"'<f2'", string("\x00\xfc", 2), float32, -INFINITY},
      {"'<f2'", string("\x01\x7e", 2), float32, NAN},
      {"'>f4'", string("\xc0\x20\x00\x00", 4), float32, -2.5},
      {"'=f4'", string("\x00\x00\x20\xc0", 4), float32, -2.5},
      {"'f4'", string("\x00\x00\x20\xc0", 4), float32, -2.5},
      {"\"<f4\"", string("\x00\x00\x20\xc0", 4), float32, -2.5},
      {"u'<f4'", string("\x00\x00\x20\xc0", 4), float32, -2.5},
      {"'>f8'", string("\x3f\xf8\0\0\0\0\0\0", 8), float64, 1.5},
      {"'|i1'", "\x80", int32, -128},
      {"'|u1'", "\xff", int32, 255},
      {"'<i2'", string("\x00\x80", 2), int32, -32768},
      {"'>i2'", string("\x00\x80", 2), int32, 128},
      {"'<u2'", "\xff\xff", int32, 65535},
      {"'>i4'", string("\x00\x00\x01\x00", 4), int32, 256},
      {"'<u4'", "\xff\xff\xff\xff", int64, 4294967295.0},
      {"'>i8'", string("\0\0\0\0\0\0\1\0", 8), int64, 256},
      {"'<u8'", string("\1\0\0\0\0\0\0\0", 8), int64, 1},
      {"'|b1'", "\1", bool_, 1},
      {"'?'", string(1, '\0'), bool_, 0},
  };
  for (const auto& c : cases) BOOST_TEST_CONTEXT(c.descr) {
      check_same("value", from(npy_of(c.descr, "(1, 1)", c.bytes)), full({1, 1}, c.value, c.dtype));
    }
  BOOST_TEST(from(npy_of("'<u8'", "()", "\xff\xff\xff\xff\xff\xff\xff\x7f")).data<int64_t>()[0] ==
             INT64_MAX);
}

BOOST_AUTO_TEST_CASE(headers_of_every_age_are_read) {
  const Tensor four = tensor<int32_t>({5, 6, 7, 8}, {2, 2});
  const string data = little_endian(6ull << 32 | 5) + little_endian(8ull << 32 | 7);
  const auto header = [](const char* shape, const char* order) {
    return string("{'descr': '<i4', 'fortran_order': ") + order + ", 'shape': " + shape + '}';
  };
  for (const char version : {'\1', '\2', '\3'})
    check_same("version", from(npy(header("(2, 2)", "False"), data, version)), four);
  check_same("Python 2", from(npy(header("(2L, 2L)", "False"), data)), four);
  check_same("column-major", from(npy(header("(2, 2)", "True"), data)), transpose(four));
  check_same("another order",
             from(npy("{\"shape\":(2,2,),\"fortran_order\":False,\"descr\":\"<i4\"}  \n", data)),
             four);
  check_same("many blanks", from(npy(header("(2, 2)", "False") + string(20'000, ' '), data)), four);
  check_same("a scalar", from(npy(header("()", "True"), data.substr(0, 4))), scalar(5, int32));
  check_same("nothing", from(npy(header("(3, 0)", "True"), "")), zeros({3, 0}, int32));
  const Tensor large = reshape(arange(0, 200'000, 1, float64), {400, 500});
  const string path = in_folder("large.npy");
  save_npy(path, large);
  check_same("several pieces", load_npy(path), large);
}

BOOST_AUTO_TEST_CASE(a_damaged_npy_file_is_named_with_what_is_wrong) {
  const string fields = "'fortran_order': False, 'shape': (4,), }";
  const string f4 = "{'descr': '<f4', 'fortran_order': False, 'shape': ";
  const BadFile table[] = {
      {"empty", "", "not a .npy file"},
      {"text", "nothing of the kind", "not a .npy file: it does not begin with \\x93NUMPY"},
      {"short", "\x93NUMPY\x01", "cut short: 7 bytes"},
      {"version", "\x93NUMPY\x09" + string(9, '\0'), "version 9 of the .npy format"},
      {"minor version", "\x93NUMPY\x01\x01" + string(9, '\0'), "version 1.1 of the .npy format"},
      {"zip", "PK\x03\x04" + string(20, '\0'), "a zip archive, as np.savez writes"},
      {"long header", npy("", "").substr(0, 8) + "\xff\xff{}  ", "a header of 65535 bytes"},
      {"no dictionary", npy("[1, 2]  ", ""), "a '{' is missing: \"[1, 2]"},
      {"never closed", npy("{'descr': '<f4", ""), "a text is missing"},
      {"no shape", npy("{'descr': '<f4', 'fortran_order': False}", ""), "does not say 'shape'"},
      {"twice", npy("{'descr': '<f4', 'descr': '<f4', " + fields, ""), "the key \"descr\" twice"},
      {"another key", npy("{'dscr': '<f4', " + fields, ""), "has the key \"dscr\""},
      {"more", npy("{'descr': '<f4', " + fields + "x", ""), "has more after its dictionary"},
      {"order", npy("{'descr': '<f4', 'fortran_order': 1, 'shape': ()}", ""),
       "does not say 'fortran_order' as NumPy does"},
      {"negative", npy(f4 + "(-4,)}", sixteen), "does not say 'shape' as NumPy does"},
      {"fraction", npy(f4 + "(4.0,)}", sixteen), "a ',' is missing"},
      {"a number", npy(f4 + "4}", sixteen), "does not say 'shape' as NumPy does"},
      {"rank", npy(f4 + "(1,1,1,1,1,1,1,1,4)}", sixteen), "more than 8 axes"},
      {"truncated", npy("{'descr': '<f4', " + fields, sixteen.substr(1)),
       "[4] float32 needs 16 bytes of data; the file has 15"},
      {"too much", npy("{'descr': '<f2', " + fields, sixteen),
       "[4] float16 needs 8 bytes of data; the file has 16"},
      {"huge", npy(f4 + "(99999999999, 99999999999)}", ""), "cannot be that of 0 bytes"},
      {"huge extent", npy(f4 + "(99999999999999999999,)}", ""), "cannot be that of 0 bytes"},
      {"huge and none", npy(f4 + "(99999999999, 99999999999, 0)}", ""),
       "cannot be that of 0 bytes"},
      {"bool", npy_of("'|b1'", "(3,)", string("\0\1\2", 3)),
       "a BOOL is 0 or 1; found 2, as element 2"},
      {"large", npy_of("'<u8'", "(1,)", string(8, '\xff')),
       "18446744073709551615 is above 2^63 - 1, the largest int64, as element 0 of [1] uint64"},
      {"structured", npy_of("[('a', '<f4'), ('b', '<i4')]", "(2,)", sixteen),
       "its dtype is structured: \"[('a', '<f4'), ('b', '<i4')]"},
      {"complex", npy_of("'<c8'", "(2,)", sixteen), "'<c8' stands for complex numbers"},
      {"objects", npy_of("'|O'", "(2,)", sixteen), "Python objects, which only Python reads"},
      {"texts", npy_of("'<U2'", "(2,)", sixteen), "stands for texts"},
      {"bytes", npy_of("'|S8'", "(2,)", sixteen), "stands for texts"},
      {"dates", npy_of("'<M8[ns]'", "(2,)", sixteen), "stands for dates"},
      {"void", npy_of("'|V8'", "(2,)", sixteen), "stands for bytes without a meaning"},
      {"long double", npy_of("'<f16'", "(1,)", sixteen), "'<f16' is a long double"},
      {"unknown", npy_of("'<x4'", "(4,)", sixteen), "dtype '<x4' is not one that Tempo reads"},
      {"no size", npy_of("'<f'", "(4,)", sixteen), "dtype '<f' is not one that Tempo reads"},
      {"nothing", npy_of("''", "(4,)", sixteen), "dtype '' is not one that Tempo reads"},
  };
  for (const BadFile& bad : table) BOOST_TEST_CONTEXT(bad.what) {
      const string path = write("bad.npy", bad.content);
      const string text = error_of<FormatError>([&] { load_npy(path); });
      check_error(text, bad.expected);
      check_error(text, path + ": ");
    }
  check_error(error_of([] { save_npy(in_folder("none.npy"), Tensor{}); }),
              "none.npy: there is no tensor to save");
}

BOOST_AUTO_TEST_CASE(an_npy_file_cut_or_flipped_anywhere_is_refused_or_read_whole) {
  const string path = in_folder("whole.npy");
  save_npy(path, tensor<bool>({true, false, true}, {3}));
  const string whole = read(path);
  for (std::size_t n = 0; n < whole.size(); ++n)
    BOOST_CHECK_THROW(from(whole.substr(0, n)), FormatError);
  for (std::size_t i = 0; i < whole.size(); ++i) {
    string flipped = whole;
    flipped[i] = static_cast<char>(flipped[i] ^ 0x11);
    try {
      from(flipped);
    } catch (const FormatError&) {
    }
  }
}
