// SPDX-License-Identifier: Apache-2.0
// Tables: files are read as by Python's csv, and columns become what pandas makes of them.
#define BOOST_TEST_MODULE table
#include <cmath>
#include <sstream>

#include <tempo/tempo.hpp>

#include "files.hpp"

using namespace tempo;
using namespace tempo::testing;
using std::string;
using Texts = std::vector<string>;

namespace {

Table from(const string& text, const CsvOptions& options = {}) {
  return read_table(write("table.csv", text), options);
}
string refusal(const string& text, const CsvOptions& options = {}) {
  return error_of<FormatError>([&] { from(text, options); });
}

// The names by which each column may be called, even if several have one name.
Texts ways_to_call(const Texts& names) {
  Texts out;
  for (std::size_t i = 0; i < names.size(); ++i) {
    const auto before = std::count(names.begin(), names.begin() + static_cast<long>(i), names[i]);
    const bool twice = std::count(names.begin(), names.end(), names[i]) > 1;
    out.push_back(twice ? names[i] + "." + std::to_string(before) : names[i]);
  }
  return out;
}

// "a|b / 1|2": the names, if the file has them, and the rows.
string shown(const Table& table, bool names) {
  Texts lines(static_cast<std::size_t>(table.rows()) + 1);
  for (const string& name : table.columns()) lines[0] += "|" + name;
  for (const string& column : ways_to_call(table.columns())) {
    const Texts fields = table.text(column);
    for (std::size_t row = 0; row < fields.size(); ++row) lines[row + 1] += "|" + fields[row];
  }
  string out;
  for (std::size_t i = names ? 0 : 1; i < lines.size(); ++i)
    out += (out.empty() ? "" : " / ") + lines[i].substr(1);
  return out;
}

struct Quirk {
  const char* what;
  string text;
  CsvOptions options;
  string expected;
};

// As Python 3.11's csv.reader reads them; for marks, empty lines and blanks around names, as pandas
// 2.
const Quirk quirks[] = {
    {"plain rows", "a,b\n1,2\n3,4\n", {}, "a|b / 1|2 / 3|4"},
    {"no line end at the end", "a,b\n1,2", {}, "a|b / 1|2"},
    {"line ends of Windows", "a,b\r\n1,2\r\n", {}, "a|b / 1|2"},
    {"line ends of old Macintosh", "a,b\r1,2\r", {}, "a|b / 1|2"},
    {"line ends of several kinds", "a,b\r\n1,2\n3,4\r5,6", {}, "a|b / 1|2 / 3|4 / 5|6"},
    {"a field that ends with a carriage return in quotes", "a,b\n\"x\r\",2\n", {}, "a|b / x\r|2"},
    {"a separator in quotes", "a,b\n\"1,2\",3\n", {}, "a|b / 1,2|3"},
    {"a line end in quotes", "a,b\n\"1\n2\",3\n4,5\n", {}, "a|b / 1\n2|3 / 4|5"},
    {"a line end of Windows in quotes", "a,b\r\n\"1\r\n2\",3\r\n", {}, "a|b / 1\r\n2|3"},
    {"an empty line in quotes", "a,b\n\"1\n\n2\",3\n", {}, "a|b / 1\n\n2|3"},
    {"a quote in quotes", "a,b\n\"say \"\"so\"\"\",3\n", {}, "a|b / say \"so\"|3"},
    {"nothing but a quote", "a,b\n\"\"\"\",3\n", {}, "a|b / \"|3"},
    {"two quotes in quotes", "a,b\n\"\"\"\"\"\",3\n", {}, "a|b / \"\"|3"},
    {"a doubled quote at the end", "a,b\n\"x\"\"\",3\n", {}, "a|b / x\"|3"},
    {"a quote and a separator in quotes", "a,b\n\"x\"\",y\",3\n", {}, "a|b / x\",y|3"},
    {"empty quotes", "a,b\n\"\",3\n", {}, "a|b / |3"},
    {"everything in quotes", "\"a\",\"b\"\n\"1\",\"2\"\n", {}, "a|b / 1|2"},
    {"a quote within a field", "a,b\n5\" disk,3\n", {}, "a|b / 5\" disk|3"},
    {"two quotes within a field", "a,b\nx\"y\"z,3\n", {}, "a|b / x\"y\"z|3"},
    {"a quote at the end of a field", "a,b\nx\",3\n", {}, "a|b / x\"|3"},
    {"an apostrophe", "a,b\nit's,'3'\n", {}, "a|b / it's|'3'"},
    {"a quote of another kind", "a,b\n'1,2','it''s'\n", {.quote = '\''}, "a|b / 1,2|it's"},
    {"a quote that is a character", "a,b\n\"x,3\n", {.quote = '\0'}, "a|b / \"x|3"},
    {"an empty field", "a,b,c\n1,,3\n", {}, "a|b|c / 1||3"},
    {"an empty field at the begin", "a,b\n,2\n", {}, "a|b / |2"},
    {"an empty field at the end", "a,b\n1,\n", {}, "a|b / 1|"},
    {"nothing but empty fields", "a,b\n,\n", {}, "a|b / |"},
    {"blanks around fields", "a,b\n 1 , 2 \n", {}, "a|b /  1 | 2 "},
    {"blanks in quotes", "a,b\n\" 1 \",2\n", {}, "a|b /  1 |2"},
    {"a tabulator in a field", "a,b\n1\t,2\n", {.separator = ','}, "a|b / 1\t|2"},
    {"a field of blanks", "a,b\n  ,2\n", {}, "a|b /   |2"},
    {"blanks before an opening quote", "a,b\n1, \"2,3\"\n", {}, "a|b / 1|2,3"},
    {"names with blanks around them", " a , b \n1,2\n", {}, "a|b / 1|2"},
    {"tabulators, found", "a\tb\n1\t2\n", {}, "a|b / 1|2"},
    {"tabulators, given", "a\tb\n1\t2\n", {.separator = '\t'}, "a|b / 1|2"},
    {"tabulators and commas", "a\tb\nx, y\t2\nz\t3\n", {}, "a|b / x, y|2 / z|3"},
    {"semicolons, found", "a;b\n1,5;2\n", {}, "a|b / 1,5|2"},
    {"bars, found", "a|b\n1|2\n", {}, "a|b / 1|2"},
    {"a separator in quotes does not count", "a;b\n\"1,2\";\"3,4\"\n", {}, "a|b / 1,2|3,4"},
    {"a separator in some lines only", "a,b\nx;y,2\nz,3\n", {}, "a|b / x;y|2 / z|3"},
    {"blanks, given", "a b\n1 2\n", {.separator = ' '}, "a|b / 1|2"},
    {"colons, given", "a:b\n1:2\n", {.separator = ':'}, "a|b / 1|2"},
    {"one column", "a\n1\n2\n", {}, "a / 1 / 2"},
    {"one column with a comma in quotes", "a\n\"1,2\"\n", {}, "a / 1,2"},
    {"a table of one line of data", "1,2\n", {.header = false}, "1|2"},
    {"a table without names", "x,y\nz,w\n", {.header = false}, "x|y / z|w"},
    {"names in Korean", "날짜,값\n월요일,좋다\n", {}, "날짜|값 / 월요일|좋다"},
    {"characters of four bytes", "a,b\n😀,𝄞\n", {}, "a|b / 😀|𝄞"},
    {"a blank that does not break", "a,b\n1\302\240,2\n", {}, "a|b / 1\302\240|2"},
    {"a line separator of Unicode", "a,b\n1\342\200\250,2\n", {}, "a|b / 1\342\200\250|2"},
    {"a vertical tabulator and a form feed", "a,b\n1\013,2\014\n", {}, "a|b / 1\013|2\014"},
    {"numbers keep their zeros as texts", "a,b\n007,1.50\n", {}, "a|b / 007|1.50"},
    {"words for missing values stay texts", "a,b\nNA,null\n", {}, "a|b / NA|null"},
    {"a backslash", "a,b\nC:\\x,\\n\n", {}, "a|b / C:\\x|\\n"},
    {"a backslash before a quote", "a,b\n\"x\\\",2\n", {}, "a|b / x\\|2"},
    {"a number sign", "a,b\n# x,2\n", {}, "a|b / # x|2"},
    {"a formula", "a,b\n=1+1,@x\n", {}, "a|b / =1+1|@x"},
    {"a byte order mark", "\357\273\277a,b\n1,2\n", {}, "a|b / 1|2"},
    {"a byte order mark before a quote", "\357\273\277\"a\",b\n1,2\n", {}, "a|b / 1|2"},
    {"an empty line between rows", "a,b\n1,2\n\n3,4\n", {}, "a|b / 1|2 / 3|4"},
    {"empty lines at the begin", "\n\r\na,b\n1,2\n", {}, "a|b / 1|2"},
    {"empty lines at the end", "a,b\n1,2\n\n\n", {}, "a|b / 1|2"},
    {"a line of blanks", "a,b\n1,2\n  \t \n3,4\n  ", {}, "a|b / 1|2 / 3|4"},
    {"the same name twice", "a,a\n1,2\n", {}, "a|a / 1|2"},
    {"columns without names", "a,,\n1,2,3\n", {}, "a|| / 1|2|3"},
};

// As Python's codecs decode them.
const Quirk encoded[] = {
    {"latin-1", string("a,b\ncaf\351,2\n", 11), {.encoding = "latin-1"}, "a|b / café|2"},
    {"what Windows writes in western Europe",
     string("a,b\n5 \200,2\n", 10),
     {.encoding = "cp1252"},
     "a|b / 5 €|2"},
    {"EUC-KR",
     string("\300\314\270\247,\260\252\n\310\253\261\346\265\277,2\n", 17),
     {.encoding = "EUC-KR"},
     "이름|값 / 홍길동|2"},
    {"what Windows writes in Korea",
     string("\300\314\270\247,\260\252\n\214c\271\346\260\242\307\317,2\n", 19),
     {.encoding = "cp949"},
     "이름|값 / 똠방각하|2"},
    {"what Windows writes in Japan",
     string("\226\274\221O,b\n\216R\223c,2\n", 14),
     {.encoding = "shift_jis"},
     "名前|b / 山田|2"},
    {"GB18030",
     string("\320\325\303\373,b\n\325\305\310\375,2\n", 14),
     {.encoding = "gb18030"},
     "姓名|b / 张三|2"},
    {"UTF-16 with a mark",
     string("\377\376t\307\204\271,\000b\000\n\000M\326,\0002\000\n\000", 20),
     {.encoding = "UTF-16"},
     "이름|b / 홍|2"},
    {"UTF-16LE",
     string("t\307\204\271,\000b\000\n\000M\326,\0002\000\n\000", 18),
     {.encoding = "UTF-16LE"},
     "이름|b / 홍|2"},
    {"UTF-16BE",
     string("\307t\271\204\000,\000b\000\n\326M\000,\0002\000\n", 18),
     {.encoding = "UTF-16BE"},
     "이름|b / 홍|2"},
    {"UTF-8 as Python calls it with a mark",
     string("\357\273\277a,b\nx,2\n", 11),
     {.encoding = "utf-8-sig"},
     "a|b / x|2"},
};

}  // namespace

BOOST_AUTO_TEST_CASE(a_file_is_read_as_pythons_csv_reads_it) {
  for (const Quirk& q : quirks) BOOST_TEST_CONTEXT(q.what)
  BOOST_TEST(shown(from(q.text, q.options), q.options.header.value_or(true)) == q.expected);
}

BOOST_AUTO_TEST_CASE(a_file_is_decoded_as_it_says) {
  for (const Quirk& q : encoded) BOOST_TEST_CONTEXT(q.what)
  BOOST_TEST(shown(from(q.text, q.options), true) == q.expected);
}

BOOST_AUTO_TEST_CASE(a_file_that_is_no_table_is_named_with_its_line) {
  const Quirk table[] = {
      {"a row that is too short",
       "a,b\n1,2\n\n3\n",
       {},
       "line 4: it has 1 fields; the header names 2"},
      {"a row that is too long", "a,b\n1,2,3\n", {}, "line 2: it has 3 fields; the header names 2"},
      {"after a line end in quotes", "a,b\n\"1\n\n2\",3\n4\n", {}, "line 5: it has 1 fields"},
      {"a separator at the end", "a,b\n1,2,\n", {}, "It ends with a separator"},
      {"decimal commas between commas", "a,b\n1,5,2,5\n", {}, "line 2: it has 4 fields"},
      {"a sentence in one column", "a\nwell, yes\nno\n", {}, "line 2: it has 2 fields"},
      {"a quote that is not closed",
       "a,b\nx,\"y\n",
       {},
       "line 2: a quote is opened and never closed.\n  .quote = '\\0' reads quotes as characters."},
      {"text after a quote",
       "a,b\n\"x\"y,2\n",
       {},
       "line 2: there is more after the closing quote of \"x\""},
      {"two separators, all the way",
       "a;b,c\n1;2,3\n",
       {},
       "parted by ',' or by ';': each gives as many in every line.\n  .separator = ',' (or ';') "
       "says which."},
      {"a first line of texts and numbers",
       "x,1\ny,2\n",
       {},
       "line 1: it may be names of columns or data"},
      {"EUC-KR",
       "a,\260\252\n1,2\n",
       {},
       "line 1: its text is not UTF-8, but EUC-KR if it is Korean.\n  .encoding = \"cp949\" reads "
       "it"},
      {"Latin-1",
       "a,b\ncaf\351,2\n",
       {},
       "line 2: its text is not UTF-8, but seems to be of western Europe.\n  .encoding = "
       "\"latin-1\""},
      {"UTF-16",
       string("\377\376a\0,\0b\0", 8),
       {},
       "its text is UTF-16, not UTF-8.\n  .encoding = \"UTF-16\" reads it."},
      {"UTF-16 without a mark",
       string("a\0,\0b\0\n\0", 8),
       {},
       ".encoding = \"UTF-16LE\" reads it."},
      {"no Korean after all",
       "a,b\n\260\252,1\n\377,2\n",
       {.encoding = "cp949"},
       "line 3: its text is not cp949, as .encoding says: there is the byte \"\\xff\" at 9."},
      {"half a character", "a,b\n1,\260", {.encoding = "cp949"}, "line 2: its text is not cp949"},
      {"UTF-8 that is said to be Latin-1",
       "\357\273\277a,b\n1,2\n",
       {.encoding = "latin-1"},
       "it begins with the mark of UTF-8, and .encoding is \"latin-1\""},
      {"UTF-16 that is said to be Latin-1",
       string("a\0,\0b\0\n\0", 8),
       {.encoding = "latin-1"},
       "line 1: a character of 0: this is not a text in latin-1."},
  };
  for (const Quirk& q : table) BOOST_TEST_CONTEXT(q.what)
  check_error(refusal(q.text, q.options), q.expected);
  check_error(error_of([] { from("a\n1\n", {.encoding = "korean"}); }),
              "table.csv: .encoding is \"korean\", which iconv does not know");
  for (const char quote : {'a', ',', ' ', '-'})
    check_error(error_of([&] { from("a\n1\n", {.quote = quote}); }), "CsvOptions: .quote is \"");
}

// --- Columns -------------------------------------------------------------------------------------

namespace {

const string weather =
    "hour,wind,temperature,rain\n"
    "0,NA,NA,\n"
    "1,NW,-1.5,0\n"
    "2,,NA,1\n"
    "3, SE ,2,\n"
    "4,cv,?,0\n";

}  // namespace

BOOST_AUTO_TEST_CASE(columns_are_numbers_texts_and_categories) {
  const Table t = from(weather);
  BOOST_TEST(t.rows() == 5);
  BOOST_TEST(t.columns() == Texts({"hour", "wind", "temperature", "rain"}));
  BOOST_TEST(t.text("wind") == Texts({"NA", "NW", "", " SE ", "cv"}));
  check_same("numbers", t.numbers({"hour"}), tensor<float>({0, 1, 2, 3, 4}, {5, 1}));
  check_same(
      "missing", t.missing({"wind", "rain"}),
      tensor<bool>({true, true, false, false, true, false, false, true, false, false}, {5, 2}));
  BOOST_TEST(t.missing().shape() == Shape({5, 4}));

  const Table winds =
      from(weather, {.missing = -1, .dtype = float64}).slice(1).without_missing({"wind"});
  BOOST_TEST(winds.text("hour") == Texts({"1", "3", "4"}));
  BOOST_TEST(winds.categories("wind") == Texts({"NW", "SE", "cv"}));  // capital letters come first
  check_same("codes", winds.codes("wind"), tensor<int64_t>({0, 1, 2}, {3}));
  check_same("one-hot", winds.one_hot("wind"),
             tensor<double>({1, 0, 0, 0, 1, 0, 0, 0, 1}, {3, 3}, float64));
  const Texts of_training = {"cv", "SE", "NE", "NW"};
  check_same("codes of others", winds.codes("wind", of_training), tensor<int64_t>({3, 1, 0}, {3}));
  check_same("one-hot of others", winds.one_hot("wind", of_training),
             tensor<double>({0, 0, 0, 1, 0, 1, 0, 0, 1, 0, 0, 0}, {3, 4}, float64));
  check_same("two columns", winds.numbers({"temperature", "hour"}),
             tensor<double>({-1.5, 1, 2, 3, -1, 4}, {3, 2}, float64));
}

BOOST_AUTO_TEST_CASE(a_missing_value_becomes_the_one_above_it) {
  const Table filled = from(weather).forward_fill();
  BOOST_TEST(filled.text("wind") == Texts({"NA", "NW", "NW", " SE ", "cv"}));
  BOOST_TEST(filled.text("temperature") == Texts({"NA", "-1.5", "-1.5", "2", "2"}));
  BOOST_TEST(from(weather).forward_fill({"rain"}).text("rain") == Texts({"", "0", "1", "1", "0"}));
  BOOST_TEST(from(weather).forward_fill({"rain"}).text("wind") == from(weather).text("wind"));
  check_same("numbers", filled.slice(1).numbers({"temperature"}),
             tensor<float>({-1.5, -1.5, 2, 2}, {4, 1}));
  check_error(error_of<FormatError>([&] { filled.numbers({"temperature"}); }),
              "table.csv: line 2: column \"temperature\": there is no number, but \"NA\".");
}

BOOST_AUTO_TEST_CASE(rows_are_chosen_by_place_and_by_what_stands_in_them) {
  const Table t = from(weather);
  const auto hours = [](const Table& part) { return part.text("hour"); };
  BOOST_TEST(hours(t.slice(1, 3)) == Texts({"1", "2"}));
  BOOST_TEST(hours(t.slice(-2)) == Texts({"3", "4"}));
  BOOST_TEST(hours(t.slice(0, -4)) == Texts({"0"}));
  BOOST_TEST(hours(t.slice(2, 2)) == Texts());
  BOOST_TEST(hours(t.select({4, 0, -2, 4})) == Texts({"4", "0", "3", "4"}));
  BOOST_TEST(hours(t.where("wind", "SE")) == Texts({"3"}));
  BOOST_TEST(hours(t.where("hour", [](const string& hour) { return hour > "2"; })) ==
             Texts({"3", "4"}));
  BOOST_TEST(hours(t.without_missing()) == Texts({"1"}));
  BOOST_TEST(hours(t.without_missing({"rain", "wind"})) == Texts({"1", "4"}));
  check_same("no rows", t.slice(0, 0).numbers({"hour"}), zeros({0, 1}));
  const auto line_of = [](const Table& part) {
    return error_of<FormatError>([&] { part.numbers({"temperature"}); });
  };
  check_error(line_of(t.slice(1).select({2, 1})), "line 4: column \"temperature\"");
}

BOOST_AUTO_TEST_CASE(the_words_for_missing_values_are_those_that_are_given) {
  const string text = "a,b\n-999,x\nNA,none\n,y\n";
  check_same("by default", from(text).missing({"a", "b"}),
             tensor<bool>({false, false, true, true, true, false}, {3, 2}));
  check_same("one word", from(text, {.missing_words = Texts{"-999"}}).missing({"a", "b"}),
             tensor<bool>({true, false, false, false, true, false}, {3, 2}));
  check_same("none", from(text, {.missing_words = Texts{}}).missing({"a", "b"}),
             tensor<bool>({false, false, false, false, true, false}, {3, 2}));
  BOOST_TEST(from(text, {.missing_words = Texts{}}).categories("b") == Texts({"none", "x", "y"}));
  check_same(
      "a number",
      read_csv(write("t.csv", "a\n-999\n1\n"), {.missing = 0, .missing_words = Texts{"-999"}}),
      tensor<float>({0, 1}, {2, 1}));
  check_error(
      error_of<FormatError>([&] { from(text, {.missing_words = Texts{"-999"}}).numbers({"a"}); }),
      "line 2: column \"a\": there is no number, but \"-999\"");
}

BOOST_AUTO_TEST_CASE(columns_that_cannot_be_had_are_errors) {
  const Table t = from(weather);
  const Quirk table[] = {
      {"no such column",
       "",
       {},
       "it has no column \"winds\".\n  Its columns: hour, wind, temperature, rain."},
      {"no category",
       "",
       {},
       "line 2: column \"wind\": there is no category, but \"NA\".\n  forward_fill and "
       "without_missing fill or leave out"},
      {"a new category",
       "",
       {},
       "line 6: column \"wind\": \"cv\" is none of the categories that were given: NW, SE, CV; did "
       "you mean `CV`?"},
      {"a category twice", "", {}, "codes: the category \"NW\" was given twice."},
      {"no number", "", {}, "line 3: column \"wind\": \"NW\" is not a number."},
      {"no such rows", "", {}, "slice: there are no rows [1, 9) in "},
      {"no such row", "", {}, "select: there is no row 5 in "},
  };
  const std::function<void()> actions[] = {
      [&] { t.text("winds"); },
      [&] { t.codes("wind"); },
      [&] {
        t.slice(1).without_missing({"wind"}).one_hot("wind", {"NW", "SE", "CV"});
      },
      [&] {
        t.codes("wind", {"NW", "NW"});
      },
      [&] { t.slice(1).numbers({"wind"}); },
      [&] { t.slice(1, 9); },
      [&] { t.select({5}); },
  };
  for (std::size_t i = 0; i < std::size(table); ++i) BOOST_TEST_CONTEXT(table[i].what)
  check_error(error_of(actions[i]), table[i].expected);
}

BOOST_AUTO_TEST_CASE(columns_are_kept_by_name_and_the_rest_is_not_looked_at) {
  const Table t = from("a,b,a,c\n1,x,2,3\n4,y,5,z\n", {.columns = {"c", "a.1"}});
  BOOST_TEST(t.columns() == Texts({"c", "a.1"}));
  BOOST_TEST(t.text("c") == Texts({"3", "z"}));
  check_same("by its way", t.numbers({"a.1"}), tensor<float>({2, 5}, {2, 1}));
  check_same("twice", read_csv(write("t.csv", "a,b\n1,x\n"), {.columns = {"a", "a"}}),
             ones({1, 2}));
}

BOOST_AUTO_TEST_CASE(a_table_prints_its_columns) {
  std::ostringstream out;
  out << from("값,wind\n1,NW\n,SE\n3,NW\n4,cv\n");
  BOOST_TEST(out.str() ==
             "4 rows\n"
             "  값     numbers  \"1\", \"\", \"3\"  1 missing\n"
             "  wind  texts    \"NW\", \"SE\", \"NW\"\n");
}
