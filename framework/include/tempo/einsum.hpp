// SPDX-License-Identifier: Apache-2.0
// Sums of products named by letters, made of transposes, reshapes and matrix products.
#pragma once

#include <algorithm>

#include <tempo/creation.hpp>
#include <tempo/matmul.hpp>
#include <tempo/movement.hpp>
#include <tempo/reduction.hpp>

namespace tempo TEMPO_HIDDEN {

namespace sdk {

/// The parsed text of an einsum: a letter for each axis of each operand and of the result. The axes
/// of "..." are digits, counted from the last one, 0.
class Einsum {
 public:
  Einsum(const std::string& text, const Tensors& operands) : text_(text) {
    std::string now;
    bool in_result = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
      const char c = text[i];
      if (c == ' ') continue;
      if (c == ',' && !in_result) {
        terms_.push_back(std::exchange(now, ""));
      } else if (text.compare(i, 2, "->") == 0 && !in_result) {
        terms_.push_back(std::exchange(now, ""));
        in_result = true;
        ++i;
      } else if (text.compare(i, 3, "...") == 0 && now.find('.') == now.npos) {
        now += '.';
        i += 2;
      } else if (is_letter(c)) {
        now += c;
      } else {
        fail("`" + std::string(1, c) + "` at place " + std::to_string(i) +
             ", counted from 0, is none of letters, ',', '->' and one '...' for each operand.");
      }
    }
    if (in_result)
      result_ = now;
    else
      terms_.push_back(now);
    if (terms_.size() != operands.size())
      fail("it names " + std::to_string(terms_.size()) +
           (terms_.size() == 1 ? " operand" : " operands") + ", and " +
           std::to_string(operands.size()) + (operands.size() == 1 ? " is" : " are") + " given.");
    for (std::size_t i = 0; i < terms_.size(); ++i) spell_out(i, operands[i]);
    if (in_result)
      check_result();
    else
      result_ = implied_result();
    check_sizes(operands);
  }

  const std::vector<std::string>& terms() const { return terms_; }
  const std::string& result() const { return result_; }
  /// Operand i without its mask, and with the axes of "..." as large as they are elsewhere.
  Tensor operand(std::size_t i, const Tensors& operands) const {
    const Tensor x = mask_of(operands[i]) ? with_mask(operands[i], {}) : operands[i];
    Shape whole = x.shape();
    for (std::size_t axis = 0; axis < terms_[i].size(); ++axis)
      if (!is_letter(terms_[i][axis]))
        whole[static_cast<int>(axis)] = size_of_dotted(terms_[i][axis], operands);
    return whole == x.shape() ? x : broadcast_to(x, whole);
  }

 private:
  static bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
  [[noreturn]] void fail(const std::string& why) const {
    throw ShapeError("einsum \"" + text_ + "\": " + why);
  }
  int64_t size_of_dotted(char digit, const Tensors& operands) const {
    int64_t size = 1;
    for (std::size_t i = 0; i < terms_.size() && size == 1; ++i)
      if (const std::size_t at = terms_[i].find(digit); at != std::string::npos)
        size = operands[i].shape()[static_cast<int>(at)];
    return size;
  }
  static std::string said(std::size_t i, const Tensor& t) {
    return "operand " + std::to_string(i) + ", " + to_string(t.shape(), t.dtype());
  }

  // Puts digits in place of "...", one for each axis without a letter.
  void spell_out(std::size_t i, const Tensor& operand) {
    std::string& term = terms_[i];
    const std::size_t dots = term.find('.');
    const auto named = static_cast<int>(term.size()) - (dots == term.npos ? 0 : 1);
    const int rest = operand.rank() - named;
    if (rest < 0 || (dots == term.npos && rest > 0))
      fail("operand " + std::to_string(i) + ", counted from 0, has " +
           (dots == term.npos ? "" : "at least ") + std::to_string(named) +
           (named == 1 ? " axis" : " axes") + " in the text, and is " +
           to_string(operand.shape(), operand.dtype()) + ".");
    if (dots != term.npos) term.replace(dots, 1, dotted(rest));
    dotted_ = std::max(dotted_, dots == term.npos ? 0 : rest);
  }
  static std::string dotted(int n) {
    std::string digits;
    while (n > 0) digits += static_cast<char>('0' + --n);
    return digits;
  }

  void check_result() {
    if (dotted_ > 0 && result_.find('.') == result_.npos)
      fail("the result has no place for \"...\"; sum over those axes afterwards.");
    if (const std::size_t dots = result_.find('.'); dots != result_.npos)
      result_.replace(dots, 1, dotted(dotted_));
    for (std::size_t i = 0; i < result_.size(); ++i) {
      if (result_.find(result_[i], i + 1) != result_.npos)
        fail(std::string("the letter ") + result_[i] + " stands twice in the result.");
      const auto has = [&](const std::string& term) { return term.find(result_[i]) != term.npos; };
      if (std::none_of(terms_.begin(), terms_.end(), has))
        fail(std::string("the letter ") + result_[i] +
             " of the result is in no operand, so its size is not known.");
    }
  }
  // As in NumPy: the axes of "...", then the letters that occur once, in alphabetical order.
  std::string implied_result() const {
    std::string all, once;
    for (const std::string& term : terms_) all += term;
    for (const char c : all)
      if (is_letter(c) && std::count(all.begin(), all.end(), c) == 1) once += c;
    std::sort(once.begin(), once.end());
    return dotted(dotted_) + once;
  }

  // Axes of "..." may be 1 beside larger ones; axes with letters may not.
  void check_sizes(const Tensors& operands) const {
    struct First {
      int64_t size;
      std::size_t operand;
    };
    First seen[128];
    std::fill(std::begin(seen), std::end(seen), First{-1, 0});
    for (std::size_t i = 0; i < terms_.size(); ++i)
      for (std::size_t axis = 0; axis < terms_[i].size(); ++axis) {
        const char c = terms_[i][axis];
        const int64_t size = operands[i].shape()[static_cast<int>(axis)];
        First& first = seen[static_cast<std::size_t>(c)];
        if (!is_letter(c) && size == 1) continue;
        if (first.size < 0) first = {size, i};
        if (first.size == size) continue;
        fail((is_letter(c) ? std::string("the letter ") + c : std::string("an axis of \"...\"")) +
             " is of two sizes\n  " + std::to_string(first.size) + " in " +
             said(first.operand, operands[first.operand]) + "\n  " + std::to_string(size) + " in " +
             said(i, operands[i]));
      }
  }

  std::string text_;
  std::vector<std::string> terms_;
  std::string result_;
  int dotted_ = 0;
};

/// A tensor whose axes have letters, each once.
struct Lettered {
  Tensor tensor;
  std::string letters;

  int64_t extent(char c) const { return tensor.shape()[static_cast<int>(letters.find(c))]; }
  bool has(char c) const { return letters.find(c) != letters.npos; }

  /// The tensor with its axes in this order of the same letters.
  Lettered ordered(const std::string& order) const {
    if (order == letters) return *this;
    Axes axes;
    for (const char c : order) axes.push_back(static_cast<int>(letters.find(c)));
    return {transpose(tensor, axes), order};
  }
  Lettered without(const std::string& summed) const {
    if (summed.empty()) return *this;
    Axes axes;
    std::string left;
    for (std::size_t i = 0; i < letters.size(); ++i)
      if (summed.find(letters[i]) != summed.npos)
        axes.push_back(static_cast<int>(i));
      else
        left += letters[i];
    return {sum(tensor, axes), left};
  }
  /// Takes the diagonal over axes with the same letter.
  static Lettered of(Tensor x, std::string letters) {
    for (std::size_t i = 0; i < letters.size(); ++i)
      for (std::size_t j = letters.find(letters[i], i + 1); j != letters.npos;
           j = letters.find(letters[i], i + 1)) {
        const int64_t n = x.shape()[static_cast<int>(i)];
        Shape row, column;
        for (std::size_t k = 0; k < letters.size(); ++k) {
          row.push_back(k == i ? n : 1);
          column.push_back(k == j ? n : 1);
        }
        const Tensor places = arange(0, static_cast<double>(n), 1, int64);
        const Tensor same = equal(reshape(places, row), reshape(places, column));
        x = sum(where(same, x, zeros_like(x)), static_cast<int>(j));
        letters.erase(j, 1);
      }
    return {x, letters};
  }
};

inline Shape extents(const Lettered& x, const std::string& letters) {
  Shape out;
  for (const char c : letters) out.push_back(x.extent(c));
  return out;
}
inline Shape joined(Shape a, std::initializer_list<int64_t> b) {
  for (const int64_t extent : b) a.push_back(extent);
  return a;
}

/// The product of two, summed over the letters that neither the result nor another operand has.
inline Lettered contracted(Lettered a, Lettered b, const std::string& kept) {
  const auto alone = [&](const Lettered& x, const Lettered& other) {
    std::string out;
    for (const char c : x.letters)
      if (!other.has(c) && kept.find(c) == kept.npos) out += c;
    return out;
  };
  const std::string only_a = alone(a, b), only_b = alone(b, a);
  a = a.without(only_a);
  b = b.without(only_b);
  std::string both, summed, rows, columns;
  for (const char c : a.letters)
    (!b.has(c) ? rows : kept.find(c) == kept.npos ? summed : both) += c;
  for (const char c : b.letters)
    if (!a.has(c)) columns += c;

  const Shape batch = extents(a, both), of_rows = extents(a, rows),
              of_columns = extents(b, columns);
  const int64_t m = of_rows.count(), n = of_columns.count(), k = extents(a, summed).count();
  const std::string letters = both + rows + columns;
  Shape whole = batch;
  for (const int64_t extent : of_rows) whole.push_back(extent);
  for (const int64_t extent : of_columns) whole.push_back(extent);
  // A matrix whose rows and columns are swapped is read as its transpose, not copied.
  const bool turned_a = !rows.empty() && !summed.empty() && a.letters == both + summed + rows;
  const bool turned_b = !summed.empty() && b.letters == both + columns + summed;
  if (!turned_a) a = a.ordered(both + rows + summed);
  if (!turned_b) b = b.ordered(both + summed + columns);
  const Tensor left = reshape(a.tensor, turned_a ? joined(batch, {k, m}) : joined(batch, {m, k}));
  const Tensor right = reshape(b.tensor, turned_b ? joined(batch, {n, k}) : joined(batch, {k, n}));
  if (summed.empty()) return {reshape(left * right, whole), letters};
  return {reshape(matmul(left, right, turned_a, turned_b), whole), letters};
}

/// The masks of operands whose first letters are the first of the result.
inline Tensor einsum_mask(const Einsum& e, const Tensors& operands) {
  Tensor all;
  for (std::size_t i = 0; i < operands.size(); ++i) {
    const Tensor mask = mask_of(operands[i]);
    if (!mask) continue;
    const auto rank = static_cast<std::size_t>(mask.rank());
    if (e.result().compare(0, rank, e.terms()[i], 0, rank) != 0 || e.result().size() < rank)
      continue;
    if (all && all.shape() != mask.shape()) continue;
    all = all ? logical_and(all, mask) : mask;
  }
  return all;
}

}  // namespace sdk

/// Sums of products with letters for axes (Einstein, 1916), as in NumPy: "bij,bjk->bik" is a batch
/// of matrix products, "ij->ji" a transpose, "ii->i" a diagonal, "bi,bi->b" a row of dot products.
/// A letter that is not in the result is summed over; "..." stands for the other axes. With more
/// than two operands, each is multiplied with the product of those before it.
inline Tensor einsum(const std::string& text, const Tensors& operands) {
  for (std::size_t i = 0; i < operands.size(); ++i)
    if (!operands[i])
      throw Error("einsum \"" + text + "\": operand " + std::to_string(i) +
                  ", counted from 0, was never given a value (it is Tensor{}).");
  const sdk::Einsum e(text, operands);
  std::vector<sdk::Lettered> parts;
  for (std::size_t i = 0; i < operands.size(); ++i)
    parts.push_back(sdk::Lettered::of(e.operand(i, operands), e.terms()[i]));
  sdk::Lettered product = parts[0];
  for (std::size_t i = 1; i < parts.size(); ++i) {
    std::string kept = e.result();
    for (std::size_t later = i + 1; later < parts.size(); ++later) kept += parts[later].letters;
    product = sdk::contracted(product, parts[i], kept);
  }
  std::string summed;
  for (const char c : product.letters)
    if (e.result().find(c) == std::string::npos) summed += c;
  const Tensor out = product.without(summed).ordered(e.result()).tensor;
  const Tensor mask = sdk::einsum_mask(e, operands);
  return mask ? with_mask(out, mask) : out;
}
template <class... More>
requires(std::is_same_v<More, Tensor>&&...) Tensor
    einsum(const std::string& text, const Tensor& first, const More&... more) {
  return einsum(text, Tensors{first, more...});
}

}  // namespace tempo
