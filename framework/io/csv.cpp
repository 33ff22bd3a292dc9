// Columns of numbers from CSV files. A field may be in double quotes, which may hold separators,
// line ends and doubled quotes (RFC 4180).
#include "io/csv.hpp"

#include <charconv>
#include <cmath>

#include <tempo/names.hpp>

#include "io/source.hpp"

namespace tempo {
namespace {

std::string_view trimmed(std::string_view s) {
  constexpr std::string_view blank = " \t";
  const std::size_t from = s.find_first_not_of(blank);
  if (from == s.npos) return {};
  return s.substr(from, s.find_last_not_of(blank) - from + 1);
}

std::string in_quotes(std::string_view s) {
  constexpr std::size_t shown = 40;
  return '"' + std::string(s.substr(0, shown)) + (s.size() > shown ? "...\"" : "\"");
}

class Csv {
 public:
  Csv(std::string_view text, const CsvOptions& options, const std::string& path)
      : path_(path), options_(options), text_(text) {
    if (text_.starts_with("\xef\xbb\xbf")) at_ = 3;  // a byte order mark, as spreadsheets write it
  }

  Tensor read() {
    if (!next_record(header_)) fail("it is empty; its first line must name the columns.");
    const std::vector<std::size_t> wanted = positions();
    std::vector<double> values;
    int64_t rows = 0;
    for (std::vector<std::string> record; next_record(record); ++rows) {
      if (record.size() != header_.size())
        fail_here("it has " + std::to_string(record.size()) + " fields; the header names " +
                  std::to_string(header_.size()) + " columns.");
      for (const std::size_t column : wanted) values.push_back(number(record[column], column));
    }
    if (rows == 0) fail("it has a header and no rows.");
    return tensor(values, {rows, static_cast<int64_t>(wanted.size())}, options_.dtype);
  }

 private:
  [[noreturn]] void fail(const std::string& what) const { throw FormatError(path_ + ": " + what); }
  [[noreturn]] void fail_here(const std::string& what) const {
    fail("line " + std::to_string(record_line_) + ": " + what);
  }

  std::vector<std::size_t> positions() const {
    std::vector<std::size_t> out;
    if (options_.columns.empty())
      for (std::size_t i = 0; i < header_.size(); ++i) out.push_back(i);
    for (const std::string& name : options_.columns) out.push_back(position(name));
    return out;
  }

  std::size_t position(const std::string& name) const {
    for (std::size_t i = 0; i < header_.size(); ++i)
      if (header_[i] == name) return i;
    fail("it has no column " + in_quotes(name) + ".\n  Its columns: " + sdk::listed(header_) + ".");
  }

  double number(std::string_view field, std::size_t column) const {
    const bool missing = field.empty() || field == "NA";
    if (missing && options_.missing) return *options_.missing;
    const std::string where = "column " + in_quotes(header_[column]);
    if (missing)
      fail_here(where +
                ": there is no number.\n  .missing = NAN (or 0, ...) says what to put there.");
    double value = 0;
    const char* end = field.data() + field.size();
    const char* begin = field.data() + (field.front() == '+' ? 1 : 0);
    const auto [stop, error] = std::from_chars(begin, end, value);
    if (stop != end || error == std::errc::invalid_argument)
      fail_here(where + ": " + in_quotes(field) + " is not a number.\n" +
                "  .columns = {...} names the columns that are wanted.");
    if (error != std::errc()) fail_here(where + ": " + in_quotes(field) + " is out of range.");
    return value;
  }

  // The fields of the next line that is not empty; false at the end.
  bool next_record(std::vector<std::string>& fields) {
    fields.clear();
    while (at_ < text_.size() && (text_[at_] == '\n' || text_[at_] == '\r')) skip_line_end();
    if (at_ == text_.size()) return false;
    record_line_ = line_;
    for (;;) {
      fields.push_back(next_field());
      if (at_ == text_.size()) return true;
      if (text_[at_] != options_.separator) {
        skip_line_end();
        return true;
      }
      ++at_;
    }
  }

  std::string next_field() {
    while (at_ < text_.size() && text_[at_] == ' ' && options_.separator != ' ') ++at_;
    if (at_ < text_.size() && text_[at_] == '"') return next_in_quotes();
    const char stops[] = {options_.separator, '\n', '\r', '\0'};
    const std::size_t end = std::min(text_.find_first_of(stops, at_), text_.size());
    const std::string_view field = text_.substr(at_, end - at_);
    at_ = end;
    return std::string(trimmed(field));
  }

  std::string next_in_quotes() {
    std::string field;
    for (++at_; at_ < text_.size(); ++at_) {
      if (text_[at_] == '\n') ++line_;
      if (text_[at_] != '"')
        field += text_[at_];
      else if (at_ + 1 < text_.size() && text_[at_ + 1] == '"')
        field += text_[++at_];
      else
        break;
    }
    if (at_ == text_.size()) fail_here("a quote is opened and never closed.");
    ++at_;
    while (at_ < text_.size() && text_[at_] == ' ' && options_.separator != ' ') ++at_;
    if (at_ < text_.size() && text_[at_] != options_.separator && text_[at_] != '\n' &&
        text_[at_] != '\r')
      fail_here("there is more after the closing quote of " + in_quotes(field) + ".");
    return field;
  }

  void skip_line_end() {
    if (text_[at_] == '\r' && at_ + 1 < text_.size() && text_[at_ + 1] == '\n') ++at_;
    ++at_;
    ++line_;
  }

  const std::string& path_;
  const CsvOptions& options_;
  std::string_view text_;
  std::size_t at_ = 0;
  int64_t line_ = 1, record_line_ = 1;
  std::vector<std::string> header_;
};

}  // namespace

Tensor parse_csv(std::string_view text, const CsvOptions& options, const std::string& name) {
  return Csv(text, options, name).read();
}

Tensor read_csv(const std::string& path, const CsvOptions& options) {
  return parse_csv(FileSource(path).text(), options, path);
}

}  // namespace tempo
