// SPDX-License-Identifier: Apache-2.0
// The reader of CSV and its tables. Input: two bytes that choose the options, then the file.
#include <cmath>

#include <tempo/ops.hpp>

#include "fuzz.hpp"
#include "io/tables/csv.hpp"
#include "io/tables/csv_reader.hpp"

using namespace tempo;
using namespace tempo::fuzz;

namespace {

constexpr DType dtypes[] = {DType::automatic, float32, float64, int32, int64, bool_};

CsvOptions options_of(unsigned a, unsigned b) {
  CsvOptions options;
  options.separator = ",;\t |:\0"[a % 7];
  if (a & 32) options.quote = '\0';
  if (a & 16 && b >= 192) options.encoding = b & 1 ? "cp949" : "UTF-16";
  options.dtype = dtypes[b % 6];
  if (b / 6 % 3 > 0) options.header = b / 6 % 3 == 1;
  if (a & 64) options.missing = b & 64 ? NAN : 0;
  if (a & 128) options.columns = {"a"};
  return options;
}

}  // namespace

std::vector<std::string> fuzz::seeds() {
  std::vector<std::string> out;
  const auto add = [&](char a, char b, const std::string& content) {
    out.push_back(std::string{a, b} + content);
  };
  for (char b = 0; b < 6; ++b) {
    add(0, b, "a,b\n1,2\n-3,4\n");
    add('\x40', b,
        "\xef\xbb\xbf"
        "a, \"b,c\"\r\n1,\r\n\"2\",NA\r\n");
  }
  add(1, 2, "a;b\n1,5;2\n");
  add(2, 2, "a\tb\n1e-3\t+2.5\n");
  add(3, 2, "a b\n1 2\n");
  add('\x80', 1, "b,a\n\"x \"\"y\"\"\nz\",1e300\n");
  add(0, 1, "1,2\n3,4\n");
  add('\x40', '\x41', "a\nnan\ninf\n-inf\n?\nnull\nN/A\n");
  return out;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, std::size_t size) {
  Input input(data, size);
  const unsigned a = input.byte(), b = input.byte();
  const CsvOptions options = options_of(a, b);
  const std::string rest(input.rest());
  reads("a.file", [&] {
    const Table table = parse_table(rest, options, "a.file");
    require(table.rows() > 0 && !table.columns().empty(), "a table has rows and columns");
    if (table.columns().size() == 1) {
      const std::string name = table.columns()[0];
      require(static_cast<int64_t>(table.text(name).size()) == table.rows(), "a text in each row");
      const auto missing = static_cast<int64_t>(sum(cast(table.missing(), int64)).item());
      require(table.without_missing().rows() == table.rows() - missing, "a row is missing or not");
      table.forward_fill().one_hot(name);
    }
  });
  Tensor read;
  if (!reads("a.file", [&] { read = parse_csv(rest, options, "a.file"); })) return 0;
  require(read.rank() == 2 && read.shape().count() > 0, "a CSV file becomes rows and columns");
  require(options.columns.empty() || read.shape()[1] == 1, "the columns are those asked for");
  return 0;
}
