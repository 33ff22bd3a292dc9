// SPDX-License-Identifier: Apache-2.0
// Steps that nobody would write, put together at random.
#pragma once

#include <algorithm>
#include <cmath>
#include <random>

#include <tempo/ops.hpp>
#include <tempo/scan.hpp>

#include "tensor/strides.hpp"
#include "testing.hpp"

namespace tempo::testing {

class Random {
 public:
  explicit Random(uint64_t seed) : bits_(seed) {}
  int64_t below(int64_t n) { return static_cast<int64_t>(bits_() % static_cast<uint64_t>(n)); }
  bool one_in(int64_t n) { return below(n) == 0; }
  int64_t among(std::initializer_list<int64_t> values) {
    return values.begin()[below(static_cast<int64_t>(values.size()))];
  }
  const Tensor& among(const Tensors& pool) {
    return pool[static_cast<std::size_t>(below(static_cast<int64_t>(pool.size())))];
  }

 private:
  std::mt19937_64 bits_;
};

inline std::optional<Shape> broadcast(const Shape& a, const Shape& b) {
  const Shape both[] = {a, b};
  return broadcast_shapes(both);
}

// Grows a pool of values by ops on its values. The same seed does the same to pools of the same
// shapes, so a step may be called any number of times.
class StepMaker {
 public:
  StepMaker(uint64_t seed, Tensors pool, bool elementwise)
      : random_(seed),
        pool_(std::move(pool)),
        given_(pool_.size()),
        ways_(elementwise ? elementwise_ways() : ways()) {}

  void grow() {
    const std::size_t before = pool_.size();
    for (int tries = 0; pool_.size() == before && tries < 20; ++tries) try_one();
  }

  Tensor any_with_axes() {
    for (;;)
      if (const Tensor t = one(); t.rank() > 0) return t;
  }

  // The next value of a state of this shape: itself, another of the shape, or something new.
  Tensor next(const Tensor& state) {
    if (random_.one_in(8)) return state;
    Tensor sum = random_.one_in(3) ? Tensor{} : 0.5 * state;
    for (std::size_t i = pool_.size(); i-- > 0;) {  // the latest values are the most interesting
      const Tensor& t = pool_[i];
      if (t.shape() == state.shape() && !random_.one_in(3))
        return random_.one_in(4) ? t : tanh(sum ? sum + t : t);
      if (broadcast(t.shape(), state.shape()) == state.shape() && random_.one_in(3))
        sum = sum ? sum + t : state * t;
    }
    return tanh(sum ? sum : state);
  }

 private:
  static bool has_row(const Tensor& t) { return t.rank() > 0 && t.shape().back() > 0; }

  void add(const Tensor& t) {
    constexpr int64_t most_elements = 40'000;  // larger ones are dropped: steps stay quick
    if (t.count() <= most_elements) pool_.push_back(t);
  }

  // Mostly one of the latest values: values that nothing reads are not in the Program.
  Tensor one() {
    const auto n = static_cast<int64_t>(pool_.size());
    return pool_[static_cast<std::size_t>(
        random_.one_in(3) ? random_.below(n) : n - 1 - random_.below(std::min<int64_t>(n, 4)))];
  }

  // Products are with the step's arguments, so that numbers stay in bounds.
  Tensor given() {
    return pool_[static_cast<std::size_t>(random_.below(static_cast<int64_t>(given_)))];
  }

  // Ways to make something of a and b, and how often each is tried. A way that does not fit them
  // makes nothing.
  struct Way {
    int64_t times;
    void (StepMaker::*make)(const Tensor& a, const Tensor& b);
  };
  static const std::vector<Way>& ways() {
    using M = StepMaker;
    static const std::vector<Way> all{{3, &M::unary},
                                      {3, &M::binary},
                                      {4, &M::product},
                                      {4, &M::product_added},
                                      {2, &M::parts},
                                      {2, &M::joined},
                                      {1, &M::fold},
                                      {1, &M::normalised},
                                      {1, &M::chosen},
                                      {1, &M::moved},
                                      {1, &M::outer_folded},
                                      {1, &M::outer},
                                      {4, &M::product_of_heads},
                                      {2, &M::regrouped},
                                      {1, &M::middle_parts},
                                      {1, &M::turned}};
    return all;
  }
  static const std::vector<Way>& elementwise_ways() {
    using M = StepMaker;
    static const std::vector<Way> all{
        {3, &M::unary}, {4, &M::binary}, {1, &M::parts}, {1, &M::chosen}};
    return all;
  }

  void try_one() {
    int64_t all = 0;
    for (const Way& way : ways_) all += way.times;
    int64_t drawn = random_.below(all);
    const Tensor a = one(), b = random_.one_in(2) ? one() : random_.among(pool_);
    for (const Way& way : ways_)
      if ((drawn -= way.times) < 0) return (this->*way.make)(a, b);
  }

  void unary(const Tensor& a, const Tensor&) {
    switch (random_.below(7)) {
      case 0:
      case 1: return add(tanh(a));
      case 2:
      case 3: return add(sigmoid(a));
      case 4: return add(softplus(a));
      case 5: return add(sin(a));
      default: return add(1 - 0.5 * a);
    }
  }

  void binary(const Tensor& a, const Tensor& b) {
    if (!broadcast(a.shape(), b.shape())) return;
    switch (random_.below(5)) {
      case 0:
      case 1: return add(a + b);
      case 2: return add(a - b);
      case 3: return add(tanh(a) / (1 + square(b)));
      default: return add(a * tanh(b));
    }
  }

  static Shape without_last(const Tensor& t, int axes) {
    const Shape s = t.shape();
    return Shape(s.begin(), s.end() - axes);
  }

  void product(const Tensor& a, const Tensor&) {
    const Tensor b = given();
    if (a.rank() < 2 || b.rank() < 2) return;
    if (!broadcast(without_last(a, 2), without_last(b, 2))) return;
    const double scale = 1 / std::sqrt(static_cast<double>(std::max<int64_t>(1, a.shape().back())));
    const bool straight = a.shape()[-1] == b.shape()[-2], turned = a.shape()[-1] == b.shape()[-1];
    if (straight && (!turned || random_.one_in(2)))
      add(random_.one_in(2) ? matmul(a, b) : scale * matmul(a, b));
    else if (turned)
      add(scale * (random_.one_in(2) ? matmul(a, b, false, true) : matmul(a, transpose(b))));
  }

  // a + a product of its shape, the latest first.
  void product_added(const Tensor& a, const Tensor&) {
    for (std::size_t l = pool_.size(); l-- > 0;)
      for (std::size_t r = given_; r-- > 0;) {
        const Tensor left = pool_[l], right = pool_[r];
        if (left.rank() != 2 || right.rank() != 2 || left.shape()[1] != right.shape()[0] ||
            a.shape() != Shape{left.shape()[0], right.shape()[1]} || random_.one_in(3))
          continue;
        Tensor made = matmul(left, right);
        if (random_.one_in(4)) add(made);
        return add(random_.one_in(4) ? made + a : a + made);
      }
  }

  void parts(const Tensor& a, const Tensor&) {
    if (!has_row(a) || a.shape().back() < 2) return;
    const int64_t n = a.shape().back();
    const int64_t first = n % 2 == 0 && !random_.one_in(4) ? n / 2 : 1 + random_.below(n - 1);
    const Tensors cut = split(a, {first, n - first});
    add(cut[0]);
    if (!random_.one_in(4)) add(cut[1]);
  }

  void joined(const Tensor& a, const Tensor& b) {
    if (has_row(a) && a.rank() == b.rank() && a.shape().back() + b.shape().back() <= 200 &&
        without_last(a, 1) == without_last(b, 1))
      add(concat({a, b}));
  }

  void fold(const Tensor& a, const Tensor&) {
    if (!has_row(a)) return;
    switch (random_.below(4)) {
      case 0: return add(mean(a, -1, true));
      case 1: return add(0.3 * sum(a, -1, true));
      case 2: return add(max(a, -1, true));
      default: return add(logsumexp(a, -1, true));
    }
  }

  void normalised(const Tensor& a, const Tensor&) {
    if (has_row(a)) add(random_.one_in(2) ? softmax(a) : layer_norm(a));
  }

  void chosen(const Tensor& a, const Tensor& b) {
    if (broadcast(a.shape(), b.shape())) add(where(a > 0, a, b));
  }

  void moved(const Tensor& a, const Tensor&) {
    if (!has_row(a)) return;
    const int64_t n = a.shape().back();
    switch (random_.below(4)) {
      case 0: return add(slice(a, -1, random_.below(n), n));
      case 1: return add(reverse(a, -1));
      case 2: {
        const int64_t before = random_.below(3), behind = random_.below(2);
        return add(pad(a, -1, before, behind));
      }
      default: return add(0.3 * cumsum(a, -1));
    }
  }

  // [batch, n] and [batch, m]
  void outer_folded(const Tensor& a, const Tensor& b) {
    if (a.rank() == 2 && b.rank() == 2 && a.shape()[0] == b.shape()[0] &&
        a.shape()[1] * b.shape()[1] <= 64)
      add(sum(tanh(expand_dims(a, 2) * expand_dims(b, 1)), random_.one_in(2) ? 1 : 2));
  }

  void outer(const Tensor& a, const Tensor&) {
    if (a.rank() == 2 && a.shape()[1] <= 16)
      add(reshape(matmul(expand_dims(a, 1), expand_dims(tanh(a), 1), true, false),
                  {a.shape()[0], a.shape()[1] * a.shape()[1]}));
  }

  // [batch, heads, k] or [batch, heads * k] with a matrix for each head, however it is written.
  void product_of_heads(const Tensor& a, const Tensor&) {
    const Tensor b = given();
    if (a.rank() < 2 || a.rank() > 3 || b.rank() != 3 || a.count() == 0) return;
    const int64_t heads = b.shape()[0], batch = a.shape()[0], width = a.count() / batch;
    const bool straight = width == heads * b.shape()[1], turned = width == heads * b.shape()[2];
    if (!straight && !turned) return;
    const Tensor x = reshape(a, {batch, heads, width / heads});
    const double scale = 1 / std::sqrt(static_cast<double>(width / heads));
    if (!straight || (turned && random_.one_in(2)))
      return add(scale * squeeze(matmul(expand_dims(x, 2), b, false, true), 2));
    switch (random_.below(7)) {
      case 0: return add(scale * einsum("bhd,hde->bhe", x, b));
      case 1: return add(scale * swap_axes(matmul(swap_axes(x, 0, 1), b), 0, 1));
      case 2: return add(scale * matmul(expand_dims(x, 3), b, true, false));
      case 3: return add(scale * matmul(expand_dims(expand_dims(take(x, 0, 1), 1), 1), b));
      case 4: return product_of_heads_added(scale * einsum("bhd,hde->bhe", x, b));
      case 5: return add(reshape(scale * einsum("bhd,hde->bhe", x, tanh(b)), {batch, -1}));
      default: return add(scale * squeeze(matmul(expand_dims(x, 2), b), 2));
    }
  }

  // Adds it to a value with as many elements per row, perhaps of another shape.
  void product_of_heads_added(const Tensor& made) {
    for (std::size_t k = pool_.size(); k-- > 0;) {
      const Tensor other = pool_[k];
      if (other.rank() < 2 || other.count() != made.count() ||
          other.shape()[0] != made.shape()[0] || random_.one_in(3))
        continue;
      return add(random_.one_in(2) ? made + reshape(other, made.shape())
                                   : other + reshape(made, other.shape()));
    }
  }

  // Heads as features, and features as heads.
  void regrouped(const Tensor& a, const Tensor&) {
    if (a.rank() < 2 || a.count() == 0) return;
    const int64_t batch = a.shape()[0], width = a.count() / batch, heads = 1 + random_.below(3);
    if (random_.one_in(6)) return add(reshape(a, another_shape(batch, width)));
    if (a.rank() > 2 && random_.one_in(2))
      add(reshape(a, {batch, width}));
    else if (width % heads == 0)
      add(random_.one_in(4) ? reshape(a, {batch * heads, width / heads})
                            : reshape(a, {batch, heads, width / heads}));
  }
  // A shape in which rows become columns, or one row, or there is an axis of one.
  Shape another_shape(int64_t batch, int64_t width) {
    switch (random_.below(6)) {
      case 0: return {batch * width};
      case 1: return {1, batch * width};
      case 2: return {batch * width, 1};
      case 3: return {width, batch};
      case 4: return {batch, 1, width};
      default: return {batch, width, 1};
    }
  }

  void middle_parts(const Tensor& a, const Tensor& b) {
    if (a.rank() < 3 || a.count() == 0) return;
    const int64_t n = a.shape()[1];
    if (b.rank() == a.rank() && n + b.shape()[1] <= 8 && without_last(a, 2) == without_last(b, 2) &&
        a.rank() == 3 && a.shape()[2] == b.shape()[2] && random_.one_in(2))
      return add(concat({a, b}, 1));
    if (n < 2) return;
    const int64_t first = 1 + random_.below(n - 1);
    if (random_.one_in(2)) return add(slice(a, 1, first, n));
    for (const Tensor& part : split(a, {first, n - first}, 1)) add(part);
  }

  void turned(const Tensor& a, const Tensor&) {
    if (a.rank() >= 3) add(random_.one_in(3) ? swap_axes(a, 0, 1) : swap_axes(a, -1, -2));
  }

  Random random_;
  Tensors pool_;
  std::size_t given_;
  const std::vector<Way>& ways_;
};

struct RandomRecurrence {
  uint64_t seed = 0;
  bool large = false;        // enough for two threads
  bool elementwise = false;  // no products and no folds
  int64_t ops = 0;
  Tensors x, state, captured;
  ScanOptions options;

  Scanned run(bool plain) const {
    ScanOptions how = options;
    how.plain = plain;
    return scan([this](const Tensors& xs, const State& s) { return step(xs, s); }, x, state, how);
  }

  Step step(const Tensors& xs, const State& s) const {
    Tensors pool = xs;
    pool.insert(pool.end(), s.begin(), s.end());
    pool.insert(pool.end(), captured.begin(), captured.end());
    StepMaker maker(seed, pool, elementwise);
    for (int64_t i = 0; i < ops; ++i) maker.grow();
    Step done;
    for (const Tensor& t : s) done.state.push_back(maker.next(t));
    if (s.size() > 1 && s[0].shape() == s[1].shape() && seed % 3 == 0)
      std::swap(done.state[0], done.state[1]);
    done.output = seed % 5 == 0 ? done.state[0] : maker.any_with_axes();
    return done;
  }

  Tensors variables() const {
    Tensors all = x;
    all.insert(all.end(), state.begin(), state.end());
    all.insert(all.end(), captured.begin(), captured.end());
    return all;
  }
};

inline RandomRecurrence random_recurrence(uint64_t seed) {
  Random random(seed * 977 + 5);
  const bool large = random.one_in(8);
  const int64_t batch = large ? 90 + random.below(40) : random.among({1, 2, 3, 7, 13}),
                time = large ? 8 + random.below(8) : random.among({1, 2, 3, 5, 9});
  const auto width = [&] {
    return large ? random.among({33, 64, 80, 97}) : random.among({1, 2, 3, 4, 6, 7, 12});
  };
  const int64_t units = width(), features = random.one_in(2) ? units : width(),
                other = random.one_in(2) ? units : width();
  int64_t key = static_cast<int64_t>(seed) * 50;
  const auto made = [&](const Shape& shape, double size = 1) {
    return parameter(size * normal(shape, ++key));
  };
  const auto weight = [&](int64_t in, int64_t out) {
    return made({in, out}, 0.7 / std::sqrt(static_cast<double>(in)));
  };
  RandomRecurrence r;
  r.seed = seed;
  r.large = large;
  r.ops = 3 + random.below(10);
  r.x = {made({batch, time, features})};
  if (random.one_in(3)) r.x.push_back(made({batch, time, random.one_in(2) ? 1 : units}));
  if (random.one_in(12)) r.x.push_back(made({batch, time}));
  if (random.one_in(12)) r.x.push_back(made({batch, time, 2, units}));
  r.state = {made({batch, units})};
  if (random.one_in(2)) r.state.push_back(made({batch, other}));
  if (random.one_in(6)) r.state.push_back(made({batch, 1}));
  if (random.one_in(12)) r.state.push_back(made({batch, 2, units}));
  r.captured = {weight(features, units), weight(units, units)};
  if (random.one_in(2)) r.captured.push_back(weight(units, other));
  if (random.one_in(2)) r.captured.push_back(weight(units, 2 * units));
  if (random.one_in(3)) r.captured.push_back(weight(features + units, units));
  if (random.one_in(2)) r.captured.push_back(made({units}));
  if (random.one_in(4)) r.captured.push_back(made({batch, units}));
  if (random.one_in(6)) r.captured.push_back(made({batch, 1}));
  if (random.one_in(6)) r.captured.push_back(made({batch, units, other}, 0.3));
  if (random.one_in(6)) r.captured.push_back(made({}));
  r.options = {
      .reverse = random.one_in(3), .last_only = random.one_in(4), .recompute = random.one_in(5)};
  if (random.one_in(2)) {
    const bool alike = !large && batch <= 3 && random.one_in(3);  // axes that may be mixed up
    const int64_t heads = alike ? batch : 1 + random.below(3), of_head = large ? 16
                                                                         : random.one_in(4)
                                                                             ? heads
                                                                             : 1 + random.below(4);
    r.state.push_back(made({batch, heads, of_head}));
    const auto matrices = [&](int64_t out) {
      return made({heads, of_head, out}, 0.7 / std::sqrt(static_cast<double>(of_head)));
    };
    r.captured.push_back(matrices(of_head));
    if (random.one_in(2)) r.captured.push_back(matrices(2 * of_head));
    if (random.one_in(3)) r.captured.push_back(made({heads, of_head}));
    if (random.one_in(3)) r.captured.push_back(made({heads, 1}));
    if (random.one_in(3)) r.captured.push_back(weight(features, heads * of_head));
    if (random.one_in(4)) r.x.push_back(made({batch, time, heads * of_head}));
    r.ops += 4;
  }
  return r;
}

// Few rows, and only elementwise ops.
inline RandomRecurrence random_elementwise(uint64_t seed, int64_t time) {
  Random random(seed * 983 + 11);
  const int64_t batch = random.among({1, 1, 1, 2, 3}),
                units = random.among({2, 7, 33, 64, 80, 150, 300});
  int64_t key = static_cast<int64_t>(seed) * 50;
  const auto made = [&](const Shape& shape) { return parameter(normal(shape, ++key)); };
  RandomRecurrence r;
  r.seed = seed;
  r.elementwise = true;
  r.ops = 3 + random.below(10);
  r.x = {made({batch, time, random.one_in(3) ? 2 * units : units})};
  if (random.one_in(2)) r.x.push_back(made({batch, time, random.one_in(4) ? 1 : units}));
  for (int64_t n = 1 + random.below(3); n > 0; --n) r.state.push_back(made({batch, units}));
  if (random.one_in(2)) r.captured.push_back(made({units}));
  if (random.one_in(4)) r.captured.push_back(made({batch, units}));
  if (random.one_in(6)) r.captured.push_back(made({}));
  r.options = {
      .reverse = random.one_in(3), .last_only = random.one_in(4), .recompute = random.one_in(5)};
  return r;
}

}  // namespace tempo::testing
