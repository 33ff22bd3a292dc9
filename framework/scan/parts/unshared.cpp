// SPDX-License-Identifier: Apache-2.0
// Repeats a vector that the matrices of all heads share, once for each head.
#include "scan/parts/unshared.hpp"

#include <map>

#include "ops/known.hpp"
#include "program/builder.hpp"
#include "program/uses.hpp"

namespace tempo {

namespace {

class Unsharing {
 public:
  explicit Unsharing(Program p) : p_(std::move(p)) {
    for (ValueId v : p_.carried)
      if (const Shape& s = p_.shape(v); s.rank() == 4 && is_of_matrix_state(p_, s)) state_ = s;
  }

  Program run() {
    if (state_.rank() == 0) return std::move(p_);
    for (Instruction& i : std::exchange(p_.loop, {})) {
      const bool matrices =
          p_.shape(i.outputs[0]) == state_ || (i.is(matmul_op) && p_.shape(i.inputs[0]) == state_);
      if (matrices && (i.op->pointwise || i.is(matmul_op)))
        for (ValueId& v : i.inputs) v = of_each_head(v);
      p_.loop.push_back(std::move(i));
    }
    return std::move(p_);
  }

 private:
  ValueId of_each_head(ValueId v) {
    const Shape s = p_.shape(v);
    if (p_.is_fixed(v) || !is_floating(p_.type(v).dtype) || s.rank() != 4 || s[0] != state_[0] ||
        s[1] != 1 || state_[1] == 1 || (s[2] != 1 && s[3] != 1))
      return v;
    const auto [at, is_new] = made_.emplace(v, v);
    if (!is_new) return at->second;
    const int64_t heads = state_[1], n = s[2] * s[3];
    const ValueId ones = append(p_, p_.loop, fill_op,
                                {{"value", 1.0},
                                 {"shape", std::vector<int64_t>{heads, 1}},
                                 {"dtype", static_cast<int64_t>(p_.type(v).dtype)}},
                                {})[0];
    const ValueId all =
        append(p_, p_.loop, multiply_op, {}, {reshaped(p_, v, {s[0], 1, n}), ones})[0];
    return at->second = reshaped(p_, all, {s[0], heads, s[2], s[3]});
  }

  Program p_;
  Shape state_;
  std::map<ValueId, ValueId> made_;
};

}  // namespace

Program unshared(Program p) { return Unsharing(std::move(p)).run(); }

}  // namespace tempo
