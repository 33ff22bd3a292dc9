// SPDX-License-Identifier: Apache-2.0
// Checks of shapes and dtypes: a layer is made, takes any batch and time, and computes in the
// requested dtype.
#include <cmath>

#include <tempo/gradient.hpp>

#include "check/checks.hpp"

namespace tempo::conformance {

void check_made(const Subject& subject) {
  const std::string place = "tests/conformance/rows.cpp";
  try {
    const Layer layer = subject.make();
    const NoGradient off;
    (void)layer.call(subject.inputs(default_dtype()));
  } catch (const std::exception& error) {
    if (subject.has_row())
      throw Fault("its row in " + place + " does not make it: " + error.what());
    throw NeedsRow("add a row for " + subject.row().layer + " in " + place,
                   std::string("by default it cannot be made: ") + error.what());
  }
}

void check_batch_is_free(const Subject& subject) {
  const NoGradient off;
  const Tensors x = subject.inputs(float64);
  const Layer layer = subject.ready(x);
  const Tensors y = results(layer, x);
  for (const int64_t batch : {int64_t{1}, x[0].shape()[0] + 2}) {
    const Tensors other = results(layer, subject.inputs(float64, {.batch = batch}));
    require(other.size() == y.size(), "another batch gives another number of results");
    for (std::size_t i = 0; i < y.size(); ++i) {
      Shape expected = y[i].shape();
      require(expected.rank() > 0, "a result without axes");
      expected[0] = batch;
      require(other[i].shape() == expected, "a batch of " + std::to_string(batch) + " gives " +
                                                to_string(other[i].shape()) + ", not " +
                                                to_string(expected));
    }
  }
}

void check_time_is_free(const Subject& subject) {
  if (!subject.has_time()) throw Inapplicable("its input has no time");
  const NoGradient off;
  const Tensors x = subject.inputs(float64);
  const Layer layer = subject.ready(x);
  const Tensors y = results(layer, x);
  for (const int64_t more : {4, 1}) {
    const Tensors longer = results(layer, subject.inputs(float64, {.more_time = more}));
    require(longer.size() == y.size(), "another time gives another number of results");
    for (std::size_t i = 0; i < y.size(); ++i) {
      Shape expected = y[i].shape();
      if (expected.rank() < 2 || expected[1] != x[0].shape()[1]) continue;
      expected[1] += more;
      require(longer[i].shape() == expected, "a time of " + std::to_string(expected[1]) +
                                                 " gives " + to_string(longer[i].shape()) +
                                                 ", not " + to_string(expected));
    }
  }
}

void check_dtypes(const Subject& subject) {
  for (const DType dtype : {float32, float64}) {
    const Layer layer = subject.make({{"dtype", static_cast<int64_t>(dtype)}});
    for (const bool training : {false, true})
      for (const Tensor& y : results(layer, subject.inputs(dtype), training))
        require(!is_floating(y.dtype()) || y.dtype() == dtype, std::string("a layer of ") +
                                                                   name_of(dtype) + " gives " +
                                                                   to_string(y.shape(), y.dtype()));
    for (const Tensor& w : layer.weights())
      require(!is_floating(w.dtype()) || w.dtype() == dtype,
              std::string("a layer of ") + name_of(dtype) + " has " + w.path() + " " +
                  to_string(w.shape(), w.dtype()));
  }
}

namespace {

// If all numbers are exact in float32, they were rounded to it: float64 results are not exact.
bool went_through_float32(const Tensor& y, const Tensors& x) {
  for (const Tensor& t : x)
    if (!is_floating(t.dtype())) return false;
  int narrow = 0, wide = 0;
  for (const double value : y.to_vector()) {
    if (value == std::floor(value)) continue;  // 0, counts, classes
    (static_cast<double>(static_cast<float>(value)) == value ? narrow : wide)++;
  }
  return narrow > 3 && wide == 0;
}

}  // namespace

void check_float32(const Subject& subject) {
  const NoGradient off;
  const Tensors x = subject.inputs(float64);
  const Layer wide = subject.ready(x);
  const Layer narrow = subject.make({{"dtype", static_cast<int64_t>(float32)}});
  Tensors narrow_x;
  for (const Tensor& t : x) narrow_x.push_back(is_floating(t.dtype()) ? cast(t, float32) : t);
  (void)narrow.call(narrow_x);
  narrow.reset_state();
  const Tensors from = wide.weights(), to = narrow.weights();
  require(from.size() == to.size(), "it has other weights in float32");
  for (std::size_t i = 0; i < from.size(); ++i) assign(to[i], cast(from[i], to[i].dtype()));
  const Tensors expected = results(wide, x), got = results(narrow, narrow_x);
  require(got.size() == expected.size(), "it has other results in float32");
  for (std::size_t i = 0; i < got.size(); ++i) {
    require_close("a result in float32", cast(got[i], float64), cast(expected[i], float64), 2e-5);
    require(!went_through_float32(expected[i], x), "its float64 results have float32's digits");
  }
}

}  // namespace tempo::conformance
