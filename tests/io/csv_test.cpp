// SPDX-License-Identifier: Apache-2.0
// CSV: what is read as numbers and as names, and the error for each file that has neither.
#define BOOST_TEST_MODULE csv
#include <cmath>

#include <tempo/tempo.hpp>

#include "files.hpp"

using namespace tempo;
using namespace tempo::testing;
using std::string;

namespace {

Tensor from(const string& text, const CsvOptions& options = {}) {
  return read_csv(write("table.csv", text), options);
}
string refusal(const string& text, const CsvOptions& options = {}) {
  return error_of<FormatError>([&] { from(text, options); });
}

Tensor column(const std::vector<double>& values) {
  return tensor(values, {static_cast<int64_t>(values.size()), 1}, float64);
}

const string utf16_le(
    "\xff\xfe"
    "a\0\n\0"
    "1\0\n\0",
    10);
const string utf16_be(
    "\0a\0,\0b\0\n\0"
    "1\0,\0"
    "2\0\n",
    16);

}  // namespace

BOOST_AUTO_TEST_CASE(columns_of_a_csv_file_are_read_by_name) {
  const string text =
      "\xef\xbb\xbf"
      "month, \"a \"\"b\"\"\" ,c\r\n1749-01, 1.5 ,-2\r\n\r\n\"x,\ny\",+3e2,\"4\"";
  check_same("one", from(text, {.columns = {"c"}}), tensor<float>({-2, 4}, {2, 1}));
  check_same("two, in the order asked for",
             from(text, {.columns = {"c", "a \"b\""}, .dtype = float64}),
             tensor<double>({-2, 1.5, 4, 300}, {2, 2}, float64));
  check_same("all, with gaps", from("a;b\n1;\nNA;2", {.separator = ';', .missing = -1}),
             tensor<float>({1, -1, -1, 2}, {2, 2}));
}

BOOST_AUTO_TEST_CASE(the_first_line_is_names_or_data_as_it_says_or_as_the_options_say) {
  const struct {
    string text;
    CsvOptions options;
    Shape shape;
    double first;
  } cases[] = {
      {"6,148\n1,85\n8,183\n", {}, {3, 2}, 6},
      {"6,148", {}, {1, 2}, 6},
      {"-1e3,+.5,1e999999\n", {.columns = {"0"}, .header = false}, {1, 1}, -1000},
      {"6,?\nNA,85\n", {.missing = -1}, {2, 2}, 6},
      {"1,5;2\n", {.separator = ';', .decimal = ','}, {1, 2}, 1.5},
      {"6,148\n1,85\n", {.header = true}, {1, 2}, 1},
      {"6,148\n1,85\n", {.columns = {"148"}, .header = true}, {1, 1}, 85},
      {"6,148\n1,85\n", {.columns = {"1"}, .header = false}, {2, 1}, 148},
      {"a,b\n1,85\n", {}, {1, 2}, 1},
      {"1stFlr,\"2, 3\",Id\n1,2,3\n", {}, {1, 3}, 1},
      {",a\n0,1\n", {}, {1, 2}, 0},  // as pandas writes an index
      {",0,1\n5,1,2\n", {.header = true}, {1, 3}, 5},
      {"country,2019\nx,7\n", {.columns = {"2019"}}, {1, 1}, 7},
      {"5.1,3.5,setosa\n4.9,3,setosa\n", {.columns = {"0", "1"}, .header = false}, {2, 2}, 5.1},
      {"1,5\n2,5\n", {.decimal = ','}, {2, 1}, 1.5},
      {"1,5;2,5\n", {.decimal = ','}, {1, 2}, 1.5},
      {"Temp, C\n1,5\n", {.decimal = ','}, {1, 1}, 1.5},
      {"1,234\n5,678\n", {.thousands = ','}, {2, 1}, 1234},
      {"1,234.5\t2\n", {.thousands = ','}, {1, 2}, 1234.5},
      {"\"1,5\",\"2,5\"\n", {.separator = ',', .decimal = ','}, {1, 2}, 1.5},
  };
  for (const auto& c : cases) BOOST_TEST_CONTEXT(c.text) {
      CsvOptions options = c.options;
      options.dtype = float64;
      const Tensor read = from(c.text, options);
      BOOST_TEST(to_string(read.shape()) == to_string(c.shape));
      BOOST_TEST(read.element(0) == c.first);
    }
}

BOOST_AUTO_TEST_CASE(a_first_line_that_may_be_either_is_asked_about) {
  for (const char* text : {"5.1,3.5,setosa\n4.9,3,setosa\n", "year,2019\n1,2\n", ",0,1\n5,1,2\n",
                           "1,,3\n4,5,6\n", "NA,?\n1,2\n", "5,unknown\n6,7\n"})
    BOOST_TEST_CONTEXT(text) {
      check_error(refusal(text, {.missing = NAN}),
                  "line 1: it may be names of columns or data: \"");
      check_error(refusal(text, {.missing = NAN}),
                  ".header = true takes it as names, .header = false as data.");
    }
  const string names = refusal("6,148\n1,85\n", {.columns = {"6"}});
  check_error(names, "it has no column \"6\": its first line holds data, not names: \"6, 148\".");
  check_error(names,
              ".header = true takes it as names; with .header = false, the columns are "
              "called \"0\" to \"1\".");
  check_error(
      refusal("6,148\n", {.columns = {"a"}, .header = false}),
      "it has no column \"a\": with .header = false, the columns are called \"0\" to \"1\".");
  check_error(refusal("1st,2nd\n3,4\n"),
              "line 1: column \"0\", counted from 0: \"1st\" is not a number.\n"
              "  .columns = {...} names the columns that are wanted.\n"
              "  .header = true takes the first line as names, if it is.");
}

BOOST_AUTO_TEST_CASE(a_name_that_stands_twice_is_told_apart_by_its_place) {
  const string text = "date,ISE,\"ISE \"\n5-Jan-09,0.0358,0.0384\n";
  for (const CsvOptions& options :
       {CsvOptions{.columns = {"ISE"}}, CsvOptions{.columns = {"ISE", "ISE"}}, CsvOptions{}})
    check_error(refusal(text, options),
                "the name \"ISE\" stands for the columns 2 and 3, counted from 1.\n"
                "  .columns = {...} may call them \"ISE.0\" and \"ISE.1\".");
  check_same("both", from(text, {.columns = {"ISE.1", "ISE.0"}}),
             tensor<float>({0.0384f, 0.0358f}, {1, 2}));
  check_error(refusal(text, {.columns = {"ISE.2"}}), "it has no column \"ISE.2\"");
  check_error(refusal("a,,\n1,2,3\n"), "the name \"\" stands for the columns 2 and 3");
  check_same("another one", from("a,a,b\n1,2,3\n", {.columns = {"b"}}), full({1, 1}, 3));
  check_same("no names", from("1,1\n", {.header = false}), ones({1, 2}));
}

BOOST_AUTO_TEST_CASE(whole_numbers_are_exact) {
  const struct {
    const char* text;
    int64_t value;
  } whole[] = {{"9007199254740993", 9007199254740993},
               {"9223372036854775807", INT64_MAX},
               {"-9223372036854775808", INT64_MIN},
               {"1e3", 1000},
               {"1.0", 1},
               {"-1.50e1", -15},
               {"+7", 7},
               {"0.00", 0},
               {"-0e999999999999999999999", 0},
               {"1200e-2", 12},
               {"0.9007199254740993e16", 9007199254740993}};
  for (const auto& c : whole) BOOST_TEST_CONTEXT(c.text) {
      const string text = string("id\n") + c.text + '\n';
      const Tensor read = from(text, {.dtype = int64});
      BOOST_TEST(read.data<int64_t>()[0] == c.value);
      if (c.value >= INT32_MIN && c.value <= INT32_MAX)
        BOOST_TEST(from(text, {.dtype = int32}).data<int32_t>()[0] == c.value);
      else
        check_error(refusal(text, {.dtype = int32}),
                    "is out of range for int32.\n  .dtype = int64");
    }
  for (const char* text : {"1.5", "1e-1", "1e-999999999999999999999", "9007199254740993.5"})
    check_error(refusal(string("n,id\n0,") + text + '\n', {.dtype = int64}),
                string("line 2: column \"id\": \"") + text +
                    "\" is not a whole number, as int64 needs.\n  .dtype = float64");
  for (const char* text : {"9223372036854775808", "-9223372036854775809", "1e19", "inf", "1e999",
                           "1e999999999999999999999"})
    check_error(refusal(string("id\n") + text + '\n', {.dtype = int64}),
                "is out of range for int64");
  for (const char* text : {"NA", "", "NaN"})
    check_error(refusal(string("n,id\n0,") + text + '\n', {.missing = NAN, .dtype = int32}),
                ".missing = nan is nothing that int32 can hold");
  check_error(refusal("id\nNA\n", {.missing = 3000000001.5, .dtype = int32}),
              ".missing = 3000000001.5 is nothing that int32 can hold");
  for (const double missing : std::vector<double>{0.5, 3e9, -3e9, INFINITY})
    check_error(refusal("id\nNA\n", {.missing = missing, .dtype = int32}), "that int32 can hold");
  check_error(refusal("id\nNA\n", {.missing = 0x1p63, .dtype = int64}), "that int64 can hold");
  check_same("missing", from("id\nNA\n", {.missing = -1, .dtype = int64}), full({1, 1}, -1, int64));
}

BOOST_AUTO_TEST_CASE(truths_are_0_1_true_and_false) {
  check_same("all", from("0,1,true,False,1.0\n", {.header = false, .dtype = bool_}),
             tensor<bool>({false, true, true, false, true}, {1, 5}));
  for (const char* text : {"2", "-1", "0.5", "yes", "inf"})
    check_error(refusal(string("a\n") + text + '\n', {.dtype = bool_}),
                "is neither 0 nor 1, true nor false, as bool needs");
  check_error(refusal("a\nNA\n", {.missing = NAN, .dtype = bool_}), "that bool can hold");
}

BOOST_AUTO_TEST_CASE(what_says_that_a_number_is_missing) {
  for (const char* text : {"", "NA", "N/A", "n/a", "NaN", "nan", "-nan", "null", "NULL", "None",
                           "?", "-", "\"\"", "#N/A", "<NA>"})
    BOOST_TEST_CONTEXT(text) {
      const string table = string("a,b\n1,") + text + "\n";
      check_same("read", from(table, {.missing = NAN}), tensor<float>({1, NAN}, {1, 2}));
      const string without = refusal(table);
      check_error(without, "line 2: column \"b\": there is no number");
      check_error(without, "\n  .missing = NAN (or 0, ...) says what to put there.");
    }
  check_error(refusal("a\nNA\n", {.missing = 1e300}),
              ".missing = 1e+300 is nothing that float32 can hold");
}

BOOST_AUTO_TEST_CASE(numbers_are_read_as_they_are_written_or_not_at_all) {
  const struct {
    const char* field;
    char decimal, thousands;
    double value;
  } right[] = {{"1.", '.', '\0', 1},
               {".5", '.', '\0', 0.5},
               {"1E+2", '.', '\0', 100},
               {"1e-400", '.', '\0', 0},
               {"-1e-400", '.', '\0', -0.0},
               {"4.9e-324", '.', '\0', 5e-324},
               {"inf", '.', '\0', INFINITY},
               {"-Infinity", '.', '\0', -INFINITY},
               {"\xe2\x88\x92"
                "5",
                '.', '\0', -5},
               {"1,5", ',', '\0', 1.5},
               {"1.234,5", ',', '.', 1234.5},
               {"-1,234,567.25", '.', ',', -1234567.25},
               {"1234.5", '.', ',', 1234.5},
               {"1 234", '.', ' ', 1234},
               {"1\xc2\xa0"
                "234,5",
                ',', ' ', 1234.5},
               {"1\xe2\x80\xaf"
                "234",
                '.', ' ', 1234},
               {"1'234", '.', '\'', 1234}};
  for (const auto& c : right) BOOST_TEST_CONTEXT(c.field) {
      const string quoted = string("a\n\"") + c.field + "\"\n";
      const CsvOptions options{.decimal = c.decimal, .thousands = c.thousands, .dtype = float64};
      check_same("value", from(quoted, options), column({c.value}));
    }
  const struct {
    const char* field;
    char decimal, thousands;
    const char* expected;
  } wrong[] = {
      {"1,5", '.', '\0', "is not a number.\n  Is it 1.5? .decimal = ',' reads it so."},
      {"1,234", '.', '\0',
       "Is it 1234? .thousands = ',' reads it so.\n  Is it 1.234? .decimal = ','"},
      {"1.234,5", '.', '\0', "Is it 1234.5? .decimal = ',', .thousands = '.' reads it so."},
      {"1 234", '.', '\0', "Is it 1234? .thousands = ' ' reads it so."},
      {"1.5", ',', '\0', "is not a number"},
      {"1,5", '.', ',', "Is it 1.5? .decimal = ','"},  // not 15
      {"1,2345", '.', ',', "is not a number"},
      {"1,,234", '.', ',', "is not a number"},
      {",234", '.', ',', "is not a number"},
      {"1234,567", '.', ',', "is not a number"},
      {"1.234.5", ',', '.', "is not a number"},
      {"0x1F", '.', '\0', "is not a number"},
      {"0x1p3", '.', '\0', "is not a number"},
      {"1_000", '.', '\0', "is not a number"},
      {"+-5", '.', '\0', "is not a number"},
      {"--5", '.', '\0', "is not a number"},
      {"1e", '.', '\0', "is not a number"},
      {"1d5", '.', '\0', "is not a number"},
      {"e5", '.', '\0', "is not a number"},
      {".", '.', '\0', "is not a number"},
      {"nan(1)", '.', '\0', "is not a number"},
      {"50%", '.', '\0', "is not a number"},
      {"true", '.', '\0', ".dtype = bool_ reads true and false"},
      {"1e999", '.', '\0', "is out of range"},
      {"-1e999999999999999999999", '.', '\0', "is out of range"},
  };
  for (const auto& c : wrong) BOOST_TEST_CONTEXT(c.field)
  for (const DType dtype : {float32, float64}) {
    const string quoted = string("a\n\"") + c.field + "\"\n";
    check_error(refusal(quoted, {.decimal = c.decimal, .thousands = c.thousands, .dtype = dtype}),
                c.expected);
  }
  for (const char* text : {"1e39", "1.2e39", "-3.5e38", "340282357000000000000000000000000000000"})
    check_error(refusal(string("a\n") + text + "\n"),
                string("\"") + text + "\" is out of range for float32.\n  .dtype = float64");
  for (const char* text : {"1e-46", "0.00000000000000000000000000000000000000000000001", "0e999"})
    check_same("tiny", from(string("a\n") + text + "\n"), zeros({1, 1}));
}

BOOST_AUTO_TEST_CASE(a_csv_file_that_does_not_hold_the_numbers_is_named_with_line_and_column) {
  const BadFile table[] = {
      {"empty", "", "it is empty"},
      {"only a mark", "\xef\xbb\xbf\n\r\n", "it is empty"},
      {"no rows", "a,b\n", "it has a header and no rows"},
      {"text", "a,b\n1,2\n3,x1\n", "line 3: column \"b\": \"x1\" is not a number.\n  .columns ="},
      {"dates", "month,b\n1749-01,2\n", "line 2: column \"month\": \"1749-01\" is not a number"},
      {"half a number", "a\n1.5x\n", "line 2: column \"a\": \"1.5x\" is not a number"},
      {"hole", "a,b\n1,\n", "line 2: column \"b\": there is no number"},
      {"NA", "a\n\n\nNA\n", "line 4: column \"a\": there is no number, but \"NA\".\n  .missing ="},
      {"too few", "a,b\n1,2\n3\n", "line 3: it has 1 fields; the header names 2 columns"},
      {"too many", "a,b\n1,2,3\n", "line 2: it has 3 fields; the header names 2 columns"},
      {"a separator more", "a,b\n1,2,\n", "It ends with a separator"},
      {"too few, no header", "1,2\n3\n", "line 2: it has 1 fields; the first line has 2"},
      {"old line ends", "a,b\r1,2\r3,x\r", "line 3: column \"b\": \"x\" is not a number"},
      {"quote", "a\n\"1\n2\n", "line 2: a quote is opened and never closed"},
      {"after a quote", "a\n\"1\"2\n", "line 2: there is more after the closing quote of \"1\""},
      {"semicolons or commas", "1,5;2\n3,5;4\n", "parted by ',' or by ';'"},
      {"zero", string("a\n1\0\n", 5), "line 2: a byte of 0: this is not a text file"},
      {"control", "a\n1\x01\n", "\"1\\x01\" is not a number"},
      {"UTF-16", utf16_le, "its text is UTF-16, not UTF-8.\n  .encoding = \"UTF-16\" reads it."},
      {"UTF-16 without a mark", utf16_be, ".encoding = \"UTF-16BE\" reads it."},
      {"EUC-KR", "a,\xb0\xaa\n1,2\n", "line 1: its text is not UTF-8, but EUC-KR if it is"},
      {"Latin-1", "a,b\n1,2\n3,caf\xe9\n", "line 3: its text is not UTF-8"},
      {"overlong", "a\n\xc0\xaf\n", "line 2: its text is not UTF-8"},
      {"surrogate", "a\n\xed\xa0\x80\n", "line 2: its text is not UTF-8"},
      {"half a character", "a\n\xe2\x88", "line 2: its text is not UTF-8"},
  };
  for (const BadFile& bad : table) BOOST_TEST_CONTEXT(bad.what) {
      const string path = write("bad.csv", bad.content);
      const string text = error_of<FormatError>([&] { read_csv(path); });
      check_error(text, bad.expected);
      check_error(text, path + ": ");
    }
  check_error(refusal("a,b\n1,2\n", {.columns = {"c"}}),
              "it has no column \"c\".\n  Its columns: a, b.");
  check_error(refusal("a;b\n1;2\n", {.columns = {"b"}, .separator = ','}),
              ".separator = ';' makes columns of \"a;b\"");
  check_error(refusal("1\t2\n3\t4\n", {.separator = ','}),
              ".separator = '\\t' makes columns of \"1\\x092\".");
  check_same("found", from("a;b\n1;2\n", {.columns = {"b"}}), full({1, 1}, 2));
  check_same("a name in Korean", from("날짜,값\n1,2\n", {.columns = {"값"}}), full({1, 1}, 2));
}

BOOST_AUTO_TEST_CASE(options_of_a_csv_file_that_cannot_be_are_refused) {
  const auto refused = [](const CsvOptions& o) { return error_of([&] { from("a\n1\n", o); }); };
  for (const char c : {'"', '\n', '1', 'e', '.', '-', '\xb7'})
    check_error(refused({.separator = c}), "CsvOptions: .separator is \"");
  check_error(refused({.decimal = '1'}), "CsvOptions: .decimal is \"1\"");
  check_error(refused({.thousands = '-'}), "CsvOptions: .thousands is \"-\"");
  check_error(refused({.decimal = ',', .thousands = ','}), "they must differ");
}
