// SPDX-License-Identifier: Apache-2.0
// One recurrent primitive of oneDNN with its memory, from the user's layouts to the user's layouts.
// Reorders in each run convert to other layouts and back.
#pragma once

#include <optional>

#include <dnnl.hpp>

#include "benchmarks/cells.hpp"

namespace bench {

/// A value in the user's plain layout and, if the primitive wants another, in that one, too. Some
/// layouts cannot be reordered from, so a slot goes one way: to the primitive or to the user.
class Slot {
 public:
  enum class Way { to_primitive, to_user };
  Slot() = default;
  Slot(const dnnl::engine& engine, const dnnl::memory::desc& plain,
       const dnnl::memory::desc& wanted, Way way);
  /// With the plain layout on both sides.
  Slot(const dnnl::engine& engine, const dnnl::memory::desc& plain)
      : Slot(engine, plain, plain, Way::to_user) {}
  void to_primitive(dnnl::stream& stream);
  void to_user(dnnl::stream& stream);
  const dnnl::memory& primitive() const { return wanted_ ? *wanted_ : user_; }
  /// Fills the user's side; the primitive's side is filled with zeros.
  void set(const std::vector<float>& values);
  void clear();
  std::vector<double> values() const;

 private:
  dnnl::memory user_;
  std::optional<dnnl::memory> wanted_;
  std::optional<dnnl::reorder> reorder_;
};

/// The primitives of one cell and the layouts that they require.
struct Primitives {
  dnnl::primitive forward, backward;
  dnnl::rnn_primitive_desc_base forward_desc, backward_desc;
};

struct Layouts {
  dnnl::memory::desc x, kernel, recurrent, peephole, bias, y, state;
};

/// `any` leaves the layouts of weights to the primitive; `chosen` has those of forward's weights
/// and of weight gradients. The primitive always chooses for backward's weights.
Primitives primitives_of(const std::string& cell, const Layouts& chosen, const Layouts& any,
                         bool with_gradient, const dnnl::engine& engine);

}  // namespace bench
