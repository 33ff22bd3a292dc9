// SPDX-License-Identifier: Apache-2.0
// Indices of tensors: x[-1], x(all, slice(1, end), 0).
#pragma once

#include <concepts>
#include <cstdint>
#include <optional>

#include <tempo/export.hpp>

namespace tempo TEMPO_HIDDEN {

namespace sdk {
struct All {};
struct End {};
}  // namespace sdk

/// The whole axis, in x(all, 0); it is passed by its name, like std::endl.
inline sdk::All all() { return {}; }
/// The end of an axis, in slice(1, end).
inline sdk::End end() { return {}; }

/// A part of an axis: `begin` and every `step`-th place after it, up to but not including `stop`.
/// Negative positions count from the end of the axis.
struct Slice {
  int64_t begin = 0;
  std::optional<int64_t> stop = {};  ///< none: to the end of the axis, or to its start if step < 0
  int64_t step = 1;
};

/// NumPy's begin:stop:step. The whole axis backwards is slice(-1, end, -1).
inline Slice slice(int64_t begin, int64_t stop, int64_t step = 1) { return {begin, stop, step}; }
inline Slice slice(int64_t begin, sdk::End (&)(), int64_t step = 1) { return {begin, {}, step}; }

/// One place along an axis, which is then dropped; a part of the axis; or all of it.
class Index {
 public:
  enum Kind { place, part, whole };
  template <std::integral I>
  requires(!std::same_as<I, bool>) Index(I at) : kind_(place), slice_{static_cast<int64_t>(at)} {}
  Index(const Slice& slice) : kind_(part), slice_(slice) {}
  Index(sdk::All (&)()) : kind_(whole) {}

  Kind kind() const { return kind_; }
  int64_t at() const { return slice_.begin; }
  const Slice& slice() const { return slice_; }

 private:
  Kind kind_;
  Slice slice_ = {};
};

}  // namespace tempo
