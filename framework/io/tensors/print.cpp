// SPDX-License-Identifier: Apache-2.0
// Tensors as text, as xtensor prints arrays.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wrestrict"  // a false alarm of g++ 12 in xtensor's printer, at -O3
#endif
#include <algorithm>
#include <ostream>

#include <xtensor/xarray.hpp>
#include <xtensor/xio.hpp>

#include <tempo/tensor.hpp>

#include "tensor/array.hpp"

namespace tempo {

namespace {

constexpr int64_t printed_whole = 1000;  // elements; larger tensors show the edges of each axis
constexpr int64_t edge = 3;

// An element as it is printed. Integers become texts first: xtensor's printer takes their absolute
// value, which does not exist for the least integer.
template <class T>
auto printed(T element) {
  if constexpr (std::is_integral_v<T> && !std::is_same_v<T, bool>)
    return std::to_string(element);
  else
    return element;
}

// The edges of a tensor and one place between them that is printed as dots. Only these are read,
// however many elements there are.
class Edges {
 public:
  explicit Edges(const Shape& shape) : whole_(shape), shown_(shape) {
    if (shape.count() <= printed_whole) return;
    for (int64_t& extent : shown_) extent = std::min(extent, 2 * edge + 1);
  }
  const Shape& shape() const { return shown_; }

  template <class T, class To>
  void copy(const T* from, To to) const {
    for (int64_t i = 0; i < shown_.count(); ++i) *to++ = printed(from[place(i)]);
  }

 private:
  // The index in the tensor of the i-th element that is shown.
  int64_t place(int64_t i) const {
    int64_t at = 0, step = 1;
    for (int axis = whole_.rank() - 1; axis >= 0; --axis) {
      const int64_t k = i % shown_[axis];
      i /= shown_[axis];
      at += step * (k <= edge ? k : k + whole_[axis] - shown_[axis]);
      step *= whole_[axis];
    }
    return at;
  }

  Shape whole_, shown_;
};

template <class T>
void print(std::ostream& out, const T* data, const Shape& shape) {
  const Edges edges(shape);
  const std::vector<std::size_t> extents(edges.shape().begin(), edges.shape().end());
  auto shown = xt::xarray<decltype(printed(T()))>::from_shape(extents);
  edges.copy(data, shown.begin());
  const int threshold = shape.count() > printed_whole ? 1 : static_cast<int>(printed_whole);
  out << xt::print_options::precision(7) << xt::print_options::threshold(threshold) << shown;
}

}  // namespace

std::ostream& operator<<(std::ostream& out, const Tensor& tensor) {
  if (!tensor) return out << "Tensor{}";
  const Shape shape = tensor.shape();
  if (!tensor.has_value()) return out << "placeholder " << to_string(shape, tensor.dtype());
  if (shape.count() == 0) return out << "empty " << to_string(shape, tensor.dtype());
  const std::streamsize precision = out.precision(7);  // the digits that a float32 holds
  dispatch(tensor.dtype(), [&]<class T>(T) { print(out, tensor.data<T>(), shape); });
  out.precision(precision);
  return out << "  " << to_string(shape, tensor.dtype());
}

}  // namespace tempo
