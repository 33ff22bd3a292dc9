// SPDX-License-Identifier: Apache-2.0
// Rows and columns of a table: texts, categories, missing values, parts of it.
#include <algorithm>
#include <map>
#include <numeric>
#include <ostream>
#include <set>

#include <tempo/movement.hpp>
#include <tempo/names.hpp>
#include <tempo/table.hpp>

#include "io/encoding.hpp"
#include "io/source.hpp"
#include "io/tables/csv_reader.hpp"

namespace tempo {
namespace {

// A table of these rows; it shares the text of the other table.
Table with_rows(const Table::State& table, const std::vector<std::size_t>& rows) {
  auto out = std::make_shared<Table::State>(
      Table::State{table.file, table.options, table.numbers, table.columns, table.text, {}, {}});
  const auto width = static_cast<std::ptrdiff_t>(table.columns.size());
  out->fields.reserve(rows.size() * table.columns.size());
  out->lines.reserve(rows.size());
  for (const std::size_t row : rows) {
    const auto first = table.fields.begin() + static_cast<std::ptrdiff_t>(row) * width;
    out->fields.insert(out->fields.end(), first, first + width);
    out->lines.push_back(table.lines[row]);
  }
  return Table(std::move(out));
}

template <class Test>
Table rows_that(const Table::State& table, Test passes) {
  std::vector<std::size_t> rows;
  for (std::size_t row = 0; row < table.rows(); ++row)
    if (passes(row)) rows.push_back(row);
  return with_rows(table, rows);
}

std::vector<std::size_t> any_positions(const Table::State& table,
                                       const std::vector<std::string>& columns) {
  if (!columns.empty()) return table.columns.positions(columns);
  std::vector<std::size_t> all(table.columns.size());
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = i;
  return all;
}

std::size_t characters(const std::string& text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xc0) != 0x80;
  }));
}

[[noreturn]] void fail_unknown(const Table::State& table, std::size_t row, std::size_t column,
                               const std::string& category, const std::vector<std::string>& known) {
  table.fail(row, column,
             in_quotes(category) + " is none of the categories that were given: " +
                 sdk::listed(known) + sdk::did_you_mean(category, known));
}

}  // namespace

int64_t Table::rows() const { return static_cast<int64_t>(state_->rows()); }

const std::vector<std::string>& Table::columns() const { return state_->columns.names(); }

std::vector<std::string> Table::text(const std::string& column) const {
  return reading(state_->file, [&] {
    const std::size_t at = state_->columns.position(column);
    std::vector<std::string> out;
    out.reserve(state_->rows());
    for (std::size_t row = 0; row < state_->rows(); ++row) out.emplace_back(state_->field(row, at));
    return out;
  });
}

std::vector<std::string> Table::categories(const std::string& column) const {
  return reading(state_->file, [&] {
    const std::size_t at = state_->columns.position(column);
    std::set<std::string_view> found;
    for (std::size_t row = 0; row < state_->rows(); ++row) {
      const std::string_view field = trimmed(state_->field(row, at));
      if (state_->numbers.is_missing(field))
        state_->fail(row, at,
                     "there is no category" +
                         (field.empty() ? "." : ", but " + in_quotes(field) + ".") +
                         "\n  forward_fill and without_missing fill or leave out missing values; "
                         ".missing_words = {} makes categories of all words.");
      found.insert(field);
    }
    return std::vector<std::string>(found.begin(), found.end());
  });
}

Tensor Table::codes(const std::string& column, const std::vector<std::string>& categories) const {
  return reading(state_->file, [&] {
    const std::size_t at = state_->columns.position(column);
    const std::vector<std::string> known =
        categories.empty() ? this->categories(column) : categories;
    std::map<std::string_view, int64_t> codes;
    for (const std::string& category : known)
      if (!codes.emplace(category, static_cast<int64_t>(codes.size())).second)
        throw Error("codes: the category " + in_quotes(category) + " was given twice.");
    std::vector<int64_t> out;
    out.reserve(state_->rows());
    for (std::size_t row = 0; row < state_->rows(); ++row) {
      const std::string_view field = trimmed(state_->field(row, at));
      const auto found = codes.find(field);
      if (found == codes.end()) fail_unknown(*state_, row, at, std::string(field), known);
      out.push_back(found->second);
    }
    return tensor(out, {rows()}, int64);
  });
}

Tensor Table::one_hot(const std::string& column, const std::vector<std::string>& categories) const {
  const std::vector<std::string> known = categories.empty() ? this->categories(column) : categories;
  return tempo::one_hot(codes(column, known), static_cast<int64_t>(known.size()),
                        state_->options.dtype);
}

Tensor Table::missing(const std::vector<std::string>& columns) const {
  return reading(state_->file, [&] {
    const std::vector<std::size_t> wanted = any_positions(*state_, columns);
    std::vector<bool> out;
    for (std::size_t row = 0; row < state_->rows(); ++row)
      for (const std::size_t column : wanted) out.push_back(state_->is_missing(row, column));
    return tensor(out, {rows(), static_cast<int64_t>(wanted.size())}, bool_);
  });
}

Table Table::forward_fill(const std::vector<std::string>& columns) const {
  return reading(state_->file, [&] {
    auto out = std::make_shared<State>(*state_);
    const std::size_t width = out->columns.size();
    for (const std::size_t column : any_positions(*state_, columns))
      for (std::size_t row = 1; row < out->rows(); ++row)
        if (out->is_missing(row, column))
          out->fields[row * width + column] = out->fields[(row - 1) * width + column];
    return Table(std::move(out));
  });
}

Table Table::without_missing(const std::vector<std::string>& columns) const {
  return reading(state_->file, [&] {
    const std::vector<std::size_t> wanted = any_positions(*state_, columns);
    return rows_that(*state_, [&](std::size_t row) {
      return std::none_of(wanted.begin(), wanted.end(),
                          [&](std::size_t column) { return state_->is_missing(row, column); });
    });
  });
}

Table Table::slice(int64_t begin, int64_t end) const {
  return reading(state_->file, [&] {
    const auto place = [&](int64_t i) { return i < 0 ? i + rows() : i; };
    const int64_t from = place(begin), to = place(end);
    if (from < 0 || to > rows() || from > to)
      throw Error("slice: there are no rows [" + std::to_string(begin) + ", " +
                  std::to_string(end) + ") in " + state_->file + ", which has " +
                  std::to_string(rows()) + ".");
    std::vector<std::size_t> chosen(static_cast<std::size_t>(to - from));
    std::iota(chosen.begin(), chosen.end(), static_cast<std::size_t>(from));
    return with_rows(*state_, chosen);
  });
}

Table Table::select(const std::vector<int64_t>& places) const {
  return reading(state_->file, [&] {
    std::vector<std::size_t> chosen;
    for (const int64_t place : places) {
      const int64_t row = place < 0 ? place + rows() : place;
      if (row < 0 || row >= rows())
        throw Error("select: there is no row " + std::to_string(place) + " in " + state_->file +
                    ", which has " + std::to_string(rows()) + ", counted from 0.");
      chosen.push_back(static_cast<std::size_t>(row));
    }
    return with_rows(*state_, chosen);
  });
}

Table Table::where(const std::string& column,
                   const std::function<bool(const std::string&)>& passes) const {
  return reading(state_->file, [&] {
    const std::size_t at = state_->columns.position(column);
    return rows_that(*state_, [&](std::size_t row) {
      return passes(std::string(trimmed(state_->field(row, at))));
    });
  });
}

Table Table::where(const std::string& column, const std::string& value) const {
  return where(column, [&](const std::string& field) { return field == value; });
}

std::ostream& operator<<(std::ostream& out, const Table& table) {
  const Table::State& t = *table.state_;
  std::size_t widest = 0;
  for (const std::string& name : table.columns()) widest = std::max(widest, characters(name));
  out << sdk::counted(table.rows(), "row") << '\n';
  for (std::size_t column = 0; column < t.columns.size(); ++column) {
    int64_t missing = 0, numbers = 0;
    for (std::size_t row = 0; row < t.rows(); ++row) {
      const bool none = t.is_missing(row, column);
      missing += none;
      numbers += !none && t.numbers.is_number(trimmed(t.field(row, column)));
    }
    const std::string& name = table.columns()[column];
    out << "  " << name << std::string(widest - characters(name) + 2, ' ')
        << (numbers + missing == table.rows() ? "numbers" : "texts  ");
    for (std::size_t row = 0; row < std::min<std::size_t>(t.rows(), 3); ++row)
      out << (row ? ", " : "  ") << in_quotes(t.field(row, column));
    if (missing > 0) out << "  " << missing << " missing";
    out << '\n';
  }
  return out;
}

}  // namespace tempo
