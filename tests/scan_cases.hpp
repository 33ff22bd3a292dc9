// SPDX-License-Identifier: Apache-2.0
// Steps of many shapes, on which scan, its gradient and its passes are tested.
#pragma once

#include <functional>

#include <tempo/scan.hpp>

#include "testing.hpp"

namespace tempo::testing {

// One recurrence: a step on sequences x, states, and the tensors it captures.
struct ScanCase {
  const char* name;
  std::function<Step(const Tensors& x, const State& s, const Tensors& captured)> step;
  Tensors x, state, captured;
};

template <class F>
auto without_gradient(F&& f) {
  const NoGradient off;
  return f();
}

// A tensor that a step reads from outside unchanged, in either dtype.
class OfDType {
 public:
  explicit OfDType(const Tensor& t) : float32_(cast(t, float32)), float64_(cast(t, float64)) {}
  Tensor like(const Tensor& t) const { return t.dtype() == float32 ? float32_ : float64_; }

 private:
  Tensor float32_, float64_;
};

inline std::vector<ScanCase> scan_cases() {
  const Tensor x = normal({3, 5, 4}, 1), h = normal({3, 7}, 2), w = 0.4 * normal({4, 7}, 3),
               u = 0.4 * normal({7, 7}, 4), b = normal({7}, 5), many_x = normal({48, 3, 4}, 16),
               many_h = normal({48, 7}, 17);
  const auto rnn = [](const Tensors& xs, const State& s, const Tensors& c) {
    Tensor next = tanh(matmul(xs[0], c[0]) + matmul(s[0], c[1]) + c[2]);
    return Step{.output = next, .state = {next}};
  };
  return {
      {"tanh recurrence", rnn, {x}, {h}, {w, u, b}},
      {"one step", rnn, {slice(x, 1, 0, 1)}, {h}, {w, u, b}},
      {"batch of one", rnn, {slice(x, 0, 0, 1)}, {slice(h, 0, 0, 1)}, {w, u, b}},
      {"transpose of a weight in the step",
       [](const Tensors& xs, const State& s, const Tensors& c) {
         Tensor next = sigmoid(matmul(xs[0], c[0]) - matmul(s[0], transpose(c[1])));
         return Step{next, {next}};
       },
       {x},
       {h},
       {w, u}},
      {"gates of a concatenation",
       [](const Tensors& xs, const State& s, const Tensors& c) {
         auto [f, g] = split<2>(matmul(concat({xs[0], s[0]}), c[0]));
         Tensor next = sigmoid(f) * s[0] + (1 - sigmoid(f)) * tanh(g);
         return Step{next, {next}};
       },
       {x},
       {h},
       {0.3 * normal({11, 14}, 6)}},
      {"baked shapes",
       [](const Tensors& xs, const State& s, const Tensors& c) {
         Tensor bank = reshape(concat({s[0], zeros({3, 1}, s[0].dtype())}), {3, 2, 4});
         Tensor next = tanh(matmul(xs[0] + sum(bank, 1), c[0]));
         return Step{reshape(next, {3, 7, 1}), {next}};
       },
       {x},
       {h},
       {w}},
      {"output that is the input",
       [](const Tensors& xs, const State& s, const Tensors& c) {
         return Step{xs[0], {s[0] * c[0]}};
       },
       {x},
       {h},
       {b}},
      {"output that does not depend on time",
       [](const Tensors&, const State& s, const Tensors& c) {
         return Step{square(c[0]), {0.5 * s[0] + c[0]}};
       },
       {x},
       {h},
       {b}},
      {"output before the state changes",
       [](const Tensors& xs, const State& s, const Tensors& c) {
         return Step{s[0], {tanh(matmul(xs[0], c[0]) * s[0])}};
       },
       {x},
       {h},
       {w}},
      {"two states that change places",
       [](const Tensors& xs, const State& s, const Tensors& c) {
         return Step{s[0] * s[1], {s[1], s[0] + matmul(xs[0], c[0])}};
       },
       {x},
       {h, square(h)},
       {w}},
      {"a state that nothing reads",
       [](const Tensors& xs, const State& s, const Tensors& c) {
         return Step{matmul(xs[0], c[0]), {s[0], sum(xs[0], -1, true) + s[1]}};
       },
       {x},
       {h, normal({3, 1}, 8)},
       {w}},
      {"a state that is made but not read",
       [](const Tensors& xs, const State& s, const Tensors& c) {
         const Tensor z = matmul(xs[0], c[0]);
         return Step{tanh(z + s[0]), {tanh(s[0]), square(z)}};
       },
       {x},
       {h, h},
       {w}},
      {"two sequences and a mask",
       [](const Tensors& xs, const State& s, const Tensors& c) {
         Tensor next = where(xs[1] > 0, tanh(matmul(xs[0], c[0]) + s[0]), s[0]);
         return Step{next, {next}};
       },
       {x, normal({3, 5, 1}, 9)},
       {h},
       {w}},
      {"layer norm and softmax inside",
       [](const Tensors& xs, const State& s, const Tensors& c) {
         Tensor next = layer_norm(matmul(xs[0], c[0]) + s[0]) * softmax(s[0]);
         return Step{logsumexp(next, -1, true), {next}};
       },
       {x},
       {h},
       {w}},
      {"attention over a captured memory",
       [](const Tensors& xs, const State& s, const Tensors& c) {
         Tensor q = expand_dims(s[0] + matmul(xs[0], c[0]), 1);   // [batch, 1, units]
         Tensor weights = softmax(matmul(q, c[1], false, true));  // [batch, 1, memory]
         Tensor read = squeeze(matmul(weights, c[1]), 1);
         return Step{read, {tanh(read + s[0])}};
       },
       {x},
       {h},
       {w, normal({3, 6, 7}, 10)}},
      {"more columns than a tile",
       [](const Tensors& xs, const State& s, const Tensors& c) {
         auto [f, g] = split<2>(matmul(xs[0], c[0]) + c[1]);
         Tensor next = sigmoid(f) * s[0] + tanh(g) * mean(s[0], -1, true);
         return Step{concat({next, square(next)}), {next}};
       },
       {x},
       {normal({3, 300}, 11)},
       {0.3 * normal({4, 600}, 12), normal({600}, 13)}},
      {"a matrix and a bias for each gate",
       [](const Tensors& xs, const State& s, const Tensors& c) {
         const Tensor f_x = matmul(xs[0], c[0]), f_h = matmul(s[0], c[1]);
         const Tensor g_x = matmul(xs[0], c[3]), g_h = matmul(s[0], c[4]);
         const Tensor f = sigmoid(f_x + f_h + c[2]), g = tanh(g_x + g_h + c[5]);
         Tensor next = f * s[0] + (1 - f) * g;
         return Step{matmul(next, c[4]), {next}};
       },
       {many_x},
       {many_h},
       {w, u, b, 0.5 * w, square(u), square(b)}},
      {"a concatenation for each gate",
       [](const Tensors& xs, const State& s, const Tensors& c) {
         const Tensor f = sigmoid(matmul(concat({xs[0], s[0]}), c[0]) + c[2]);
         const Tensor g = tanh(matmul(concat({s[0], f, xs[0]}), c[1], false, true));
         Tensor next = f * s[0] + g;
         return Step{next, {next}};
       },
       {many_x},
       {many_h},
       {0.3 * normal({11, 7}, 14), 0.3 * normal({7, 18}, 15), b}},
      {"one matrix in two products, and its transpose",
       [](const Tensors& xs, const State& s, const Tensors& c) {
         const Tensor a = matmul(s[0], c[0]), again = matmul(s[0], c[0]),
                      back = matmul(s[0], c[0], false, true),
                      turned = matmul(s[0], transpose(c[0]));
         Tensor next = tanh(a * again + back - turned + matmul(xs[0], c[1]));
         return Step{next, {next}};
       },
       {many_x},
       {many_h},
       {u, w}},
      {"a gradient of its own",
       [](const Tensors& xs, const State& s, const Tensors& c) {
         const Tensor z = matmul(xs[0], c[0]) + matmul(s[0], c[1]), y = tanh(z);
         Tensor next = custom_gradient(y, {z, c[2]}, [&](const Tensor& dy) -> Tensors {
           return {dy / square(1 + square(z)), dy * y};
         });
         return Step{next * s[0] + c[2], {next}};
       },
       {x},
       {h},
       {w, u, b}},
      {"a product added to a part that the gradient keeps",
       [](const Tensors& xs, const State& s, const Tensors& c) {
         auto [z, g] = split<2>(matmul(xs[0], c[0]));
         Tensor next = 0.5 * s[0] + relu(g + matmul(sigmoid(z) * s[0], c[1]));
         return Step{next, {next}};
       },
       {x},
       {h},
       {0.4 * normal({4, 14}, 18), u}},
      {"a product added to a part, read by a call",
       [](const Tensors& xs, const State& s, const Tensors& c) {
         auto [z, g] = split<2>(matmul(xs[0], c[0]) + s[1]);
         const Tensor total = g + matmul(sigmoid(z) * s[0], c[1]);
         return Step{s[0], {tanh(0.5 * s[0] + reverse(total, -1)), 0.5 * s[1]}};
       },
       {x},
       {h, normal({3, 14}, 28)},
       {0.4 * normal({4, 14}, 18), u}},
      {"the same with a row, read by a call",
       [](const Tensors& xs, const State& s, const Tensors& c) {
         auto [z, g] = split<2>(matmul(xs[0], c[0]) + s[1]);
         const Tensor total = g + matmul(sigmoid(z) * s[0], c[1]) + c[2];
         return Step{s[0], {tanh(0.5 * s[0] + reverse(total, -1)), 0.5 * s[1]}};
       },
       {x},
       {h, normal({3, 14}, 28)},
       {0.4 * normal({4, 14}, 18), u, b}},
      {"a product added to a part of the state",
       [](const Tensors&, const State& s, const Tensors& c) {
         auto [left, right] = split<2>(s[0]);
         Tensor next = concat({left + matmul(right, c[0]), tanh(right)});
         return Step{next, {next}};
       },
       {x},
       {normal({3, 14}, 19)},
       {0.3 * u}},
      {"a product added to a part of the input",
       [](const Tensors& xs, const State& s, const Tensors& c) {
         auto [left, right] = split<2>(xs[0]);
         Tensor next = tanh(left + matmul(right * s[0], c[0]));
         return Step{concat({s[0], next}), {next}};
       },
       {normal({3, 5, 14}, 20)},
       {h},
       {u}},
      {"a product added to what a call makes, in a concatenation",
       [](const Tensors& xs, const State& s, const Tensors& c) {
         Tensor next = tanh(matmul(xs[0], c[0]) + s[0]);
         return Step{concat({reverse(s[0], -1) + matmul(s[0], c[1]), tanh(s[0])}), {next}};
       },
       {x},
       {h},
       {w, u}},
      {"an output that is a product added to a part of another",
       [](const Tensors& xs, const State& s, const Tensors& c) {
         Tensor next = tanh(matmul(xs[0], c[0]) + s[0]);
         return Step{matmul(next, c[1]) + matmul(relu(matmul(next, c[2])), c[3]), {next}};
       },
       {x},
       {h},
       {w, u, 0.4 * normal({7, 5}, 21), 0.4 * normal({5, 7}, 22)}},
      {"the same and a row",
       [](const Tensors& xs, const State& s, const Tensors& c) {
         Tensor next = tanh(matmul(xs[0], c[0]) + s[0]);
         return Step{matmul(next, c[1]) + matmul(relu(matmul(next, c[2])), c[3]) + c[4], {next}};
       },
       {x},
       {h},
       {w, u, 0.4 * normal({7, 5}, 21), 0.4 * normal({5, 7}, 22), b}},
      {"an output that is a part of a product and a row",
       [](const Tensors& xs, const State& s, const Tensors& c) {
         Tensor next = tanh(matmul(xs[0], c[0]) + s[0]);
         return Step{matmul(next, c[1]) + c[3] + mean(matmul(next, c[2]), -1, true), {next}};
       },
       {x},
       {h},
       {w, u, 0.4 * normal({7, 5}, 21), b}},
      {"a sequence of one number for each row of the batch, read as a row",
       [](const Tensors& xs, const State& s, const Tensors& c) {
         Tensor next = tanh(xs[0] + matmul(s[0], c[0]));
         return Step{next, {next}};
       },
       {normal({7, 5}, 23)},
       {normal({7, 7}, 24)},
       {u}},
      {"a product of one column added to many",
       [](const Tensors& xs, const State& s, const Tensors& c) {
         const Tensor part = xs[0] * s[0], column = matmul(tanh(s[0]), c[0]);
         Tensor next = tanh(part + column);
         return Step{next, {next}};
       },
       {normal({3, 5, 7}, 26)},
       {h},
       {0.4 * normal({7, 1}, 27)}},
      {"parts of a row of which one is subtracted from what the other became",
       [](const Tensors& xs, const State& s, const Tensors& c) {
         auto [left, right] = split<2>(c[0]);
         const Tensor twice = c[1] - right, rest = twice - left;
         Tensor next = tanh(xs[0] * rest + s[0] * twice);
         return Step{next, {next}};
       },
       {normal({3, 5, 7}, 26)},
       {h},
       {normal({14}, 29), b}},
      {"a matrix times a stack of one",
       [](const Tensors& xs, const State& s, const Tensors& c) {
         Tensor next = tanh(squeeze(matmul(xs[0], c[0]), 0) + s[0]);
         return Step{next, {next}};
       },
       {x},
       {h},
       {0.4 * normal({1, 4, 7}, 25)}},
      {"an output that is a projection of the state, of one row",
       [](const Tensors& xs, const State& s, const Tensors& c) {
         Tensor next = tanh(matmul(xs[0], c[0]) + c[2] * s[0]);
         return Step{matmul(next, c[1]) + c[3], {next}};
       },
       {slice(x, 0, 0, 1)},
       {slice(h, 0, 0, 1)},
       {w, u, b, 0.5 * b}},
      {"a matrix that grows by an outer product",
       [](const Tensors& xs, const State& s, const Tensors& c) {
         auto [q, k, v] = split<3>(matmul(xs[0], c[0]));  // [batch, 7] each
         const Tensor outer = matmul(expand_dims(k, -1), expand_dims(v, -2));
         Tensor next = sigmoid(c[1]) * s[0] + outer;  // [batch, 7, 7]
         return Step{squeeze(matmul(next, expand_dims(q, -1)), -1), {next}};
       },
       {x},
       {normal({3, 7, 7}, 30)},
       {0.4 * normal({4, 21}, 31), u}},
      {"a scan inside the step",
       [](const Tensors& xs, const State& s, const Tensors& c) {
         const auto inner = [&](const Tensor& y, const State& t) {
           Tensor next = tanh(t[0] * c[0] + y);
           return Step{next, {next}};
         };
         Scanned r = scan(inner, stack({s[0], s[0] + matmul(xs[0], c[1])}, 1), {s[0]});
         return Step{sum(r.output, 1), {r.state[0]}};
       },
       {x},
       {h},
       {b, w}},
      {"values that no gradient goes through",
       [](const Tensors& xs, const State& s, const Tensors& c) {
         const Tensor z = matmul(xs[0], c[0]) + s[0];
         const auto [gate, kept] = without_gradient([&] {
           return split<2>(concat({sigmoid(z * c[1]), matmul(tanh(s[0]), c[2])}));
         });
         Tensor next = tanh(z) * gate + 0.3 * kept * s[0];
         return Step{next * z, {next}};
       },
       {x},
       {h},
       {w, b, u}},
      {"a state that no gradient goes through",
       [](const Tensors& xs, const State& s, const Tensors& c) {
         const Tensor z = matmul(xs[0], c[0]) + s[0];
         return Step{z * s[1], {tanh(z), without_gradient([&] { return 0.5 * s[1] + square(z); })}};
       },
       {x},
       {h, b + h},
       {w}},
      {"a scan inside the step that no gradient goes through",
       [](const Tensors& xs, const State& s, const Tensors& c) {
         const auto inner = [&](const Tensor& y, const State& t) {
           Tensor next = tanh(t[0] * c[0] + y);
           return Step{next, {next}};
         };
         const Tensor z = matmul(xs[0], c[1]) + s[0];
         const Scanned r = without_gradient([&] { return scan(inner, stack({s[0], z}, 1), {z}); });
         return Step{sum(r.output, 1) * z, {tanh(r.state[0] + z)}};
       },
       {x},
       {h},
       {b, w}},
      {"a scan inside the step with values that no gradient goes through",
       [](const Tensors& xs, const State& s, const Tensors& c) {
         const auto inner = [&](const Tensor& y, const State& t) {
           const Tensor gate = without_gradient([&] { return sigmoid(y + t[0]); });
           Tensor next = gate * tanh(t[0] * c[0] + y);
           return Step{next, {next}};
         };
         const Scanned r = scan(inner, stack({s[0], s[0] + matmul(xs[0], c[1])}, 1), {s[0]});
         return Step{sum(r.output, 1), {r.state[0]}};
       },
       {x},
       {h},
       {b, w}},
      {"a rule that no gradient goes through",
       [](const Tensors& xs, const State& s, const Tensors& c) {
         const Tensor z = matmul(xs[0], c[0]) + s[0], y = tanh(z);
         Tensor next = custom_gradient(y, {z}, [&](const Tensor& dy) {
           return dy * without_gradient([&] { return exp(c[1] * z); });
         });
         return Step{next * z, {next}};
       },
       {x},
       {h},
       {w, b}},
      {"a rule on values that no gradient goes through",
       [](const Tensors& xs, const State& s, const Tensors& c) {
         const Tensor z = matmul(xs[0], c[0]) + s[0];
         const Tensor y = without_gradient([&] {
           return custom_gradient(tanh(z), {z}, [&](const Tensor& dy) { return dy * c[1]; });
         });
         return Step{y * z, {tanh(y + s[0])}};
       },
       {x},
       {h},
       {w, b}},
      {"a gradient within the step, of the state and of a weight",
       [](const Tensors& xs, const State& s, const Tensors& c) {
         const Tensor mine = 1 * c[0], off = square(tanh(matmul(xs[0], mine)) - s[0] * s[1]);
         const auto [of_state, of_mine] = gradient(sum(off), {s[0], mine});
         const Tensor of_weight = gradient(sum(sin(c[1] * square(c[1]))), {c[1]})[0];
         Tensor next = tanh(s[0] - 0.1 * of_state * of_weight);
         return Step{matmul(xs[0], of_mine), {next, 0.5 * next}};
       },
       {x},
       {h, square(h)},
       {w, b}},
      {"a gradient in a scan within the step, of a weight",
       [](const Tensors& xs, const State& s, const Tensors& c) {
         const auto inner = [&](const Tensor& y, const State& t) {
           const Tensor mine = 1 * c[0], all = sum(sin(y * mine + t[0] * square(mine)));
           Tensor next = tanh(t[0] + gradient(all, {mine})[0]);
           return Step{next, {next}};
         };
         const Scanned r = scan(inner, stack({s[0], s[0] + matmul(xs[0], c[1])}, 1), {s[0]});
         return Step{sum(r.output, 1), {r.state[0]}};
       },
       {x},
       {h},
       {b, w}},
      {"a rule that is the gradient of another function",
       [](const Tensors& xs, const State& s, const Tensors& c) {
         const Tensor z = matmul(xs[0], c[0]) + s[0], mine = 1 * c[1], squares = square(mine);
         Tensor next = custom_gradient(tanh(z), {z, mine}, [&](const Tensor& dy) {
           return gradient(sin(z * mine) * squares, Tensors{z, mine}, dy);
         });
         return Step{next, {next}};
       },
       {x},
       {h},
       {w, b}},
      {"a rule that gives the input its gradient as it comes",
       [](const Tensors& xs, const State& s, const Tensors& c) {
         Tensor next = custom_gradient(tanh(xs[0] * s[0] + c[0]), {xs[0], s[0]},
                                       [&](const Tensor& dy) -> Tensors {
                                         return {dy, dy};
                                       });
         return Step{next, {next}};
       },
       {normal({3, 5, 7}, 26)},
       {h},
       {b}},
  };
}

// Rules that return what they read, not times dy: they return it even if no gradient comes
// in.
inline std::vector<ScanCase> rules_without_dy() {
  const Tensor x = normal({3, 5, 4}, 1), h = normal({3, 7}, 2), w = 0.4 * normal({4, 7}, 3),
               u = 0.4 * normal({7, 7}, 4), b = normal({7}, 5);
  return {
      {"a rule that gives the state as it is",
       [](const Tensors& xs, const State& s, const Tensors& c) {
         const Tensor y = tanh(matmul(xs[0], c[0]) + s[0]);
         Tensor next = custom_gradient(y, {s[0]}, [&](const Tensor&) { return s[0]; });
         return Step{next, {next}};
       },
       {x},
       {h},
       {w}},
      {"a rule that gives a value of the step as it is, to two inputs",
       [](const Tensors& xs, const State& s, const Tensors& c) {
         const Tensor z = matmul(xs[0], c[0]) * s[1], y = tanh(z);
         Tensor next = custom_gradient(y, {s[0], s[1]}, [&](const Tensor&) -> Tensors {
           return {y, y};
         });
         return Step{next * s[0], {next, square(y)}};
       },
       {x},
       {h, square(h)},
       {w}},
      {"a rule that gives the input as it is",
       [](const Tensors& xs, const State& s, const Tensors& c) {
         Tensor next = custom_gradient(tanh(xs[0] * s[0] + c[0]), {xs[0]},
                                       [&](const Tensor&) { return xs[0]; });
         return Step{next * s[0], {next}};
       },
       {normal({3, 5, 7}, 26)},
       {h},
       {b}},
      {"a rule that gives weights as they are",
       [](const Tensors& xs, const State& s, const Tensors& c) {
         const Tensor y = tanh(matmul(xs[0], c[0]) + s[0] * c[1]);
         Tensor next = custom_gradient(y, {c[1], c[2], c[3]}, [&](const Tensor&) -> Tensors {
           return {c[2], c[2], c[3]};
         });
         return Step{next, {next}};
       },
       {x},
       {h},
       {w, b, square(b), u}},
      {"a rule that gives tensors of nobody as they are",
       [row = OfDType(normal({7}, 32)), all = OfDType(normal({3, 7}, 33))](
           const Tensors& xs, const State& s, const Tensors& c) {
         const Tensor y = tanh(matmul(xs[0], c[0]) + s[0] * c[1]);
         Tensor next = custom_gradient(y, {c[1], s[0]}, [&](const Tensor&) -> Tensors {
           return {row.like(y), all.like(y)};
         });
         return Step{next, {next}};
       },
       {x},
       {h},
       {w, b}},
      {"a rule that gives an input a tensor of nobody, and a constant",
       [all = OfDType(normal({3, 7}, 33))](const Tensors& xs, const State& s, const Tensors& c) {
         const Tensor y = tanh(xs[0] + s[0] * c[0]);
         Tensor next = custom_gradient(y, {xs[0], c[0]}, [&](const Tensor&) -> Tensors {
           return {all.like(y), full({7}, 0.5, y.dtype())};
         });
         return Step{next, {next}};
       },
       {normal({3, 5, 7}, 26)},
       {h},
       {b}},
  };
}

}  // namespace tempo::testing
