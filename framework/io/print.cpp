// Tensors as text, as xtensor prints arrays.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wrestrict"  // a false alarm of g++ 12 in xtensor's printer, at -O3
#endif
#include "tensor/array.hpp"

#include <tempo/tensor.hpp>

#include <xtensor/xadapt.hpp>
#include <xtensor/xio.hpp>

#include <ostream>

namespace tempo {

namespace {

template <class T>
void print(std::ostream& out, const void* data, const Shape& shape) {
  const std::vector<std::size_t> extents(shape.begin(), shape.end());
  if constexpr (std::is_same_v<T, bool>) {
    const auto* bytes = static_cast<const unsigned char*>(data);
    xt::xarray<bool> copy = xt::xarray<bool>::from_shape(extents);
    std::copy(bytes, bytes + shape.count(), copy.begin());
    out << copy;
  } else {
    out << xt::print_options::precision(7)
        << xt::adapt(static_cast<const T*>(data), static_cast<std::size_t>(shape.count()),
                     xt::no_ownership(), extents);
  }
}

}  // namespace

std::ostream& operator<<(std::ostream& out, const Tensor& tensor) {
  if (!tensor) return out << "Tensor{}";
  const Shape shape = tensor.shape();
  if (tensor.traced()) return out << "placeholder " << to_string(shape, tensor.dtype());
  if (shape.count() == 0) return out << "empty " << to_string(shape, tensor.dtype());
  const std::streamsize precision = out.precision(7);  // what a float32 holds
  dispatch(tensor.dtype(), [&]<class T>(T) { print<T>(out, tensor.data<T>(), shape); });
  out.precision(precision);
  return out << "  " << to_string(shape, tensor.dtype());
}

}  // namespace tempo
