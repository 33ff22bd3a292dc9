// Steps that nobody would write, put together at random: whatever a step does, scan is its plain
// loop, in values and gradients, in stretches and on threads.
#define BOOST_TEST_MODULE random_steps
#include "scan/layout.hpp"
#include "testing.hpp"

#include <tempo/scan.hpp>

#include <cstdlib>
#include <random>

using namespace tempo;
using namespace tempo::testing;

namespace {

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

bool broadcasts(const Shape& a, const Shape& b) {
  for (int axis = 1; axis <= std::min(a.rank(), b.rank()); ++axis)
    if (a[-axis] != b[-axis] && a[-axis] != 1 && b[-axis] != 1) return false;
  return true;
}

// Grows a pool of values by ops on what is in it. The same seed does the same to pools of the same
// shapes: a step may be called as often as it likes.
class StepMaker {
 public:
  StepMaker(uint64_t seed, Tensors pool)
      : random_(seed), pool_(std::move(pool)), given_(pool_.size()) {}

  void grow() {
    const std::size_t before = pool_.size();
    for (int tries = 0; pool_.size() == before && tries < 20; ++tries) try_one();
  }

  Tensor any_with_axes() {
    for (;;)
      if (const Tensor t = one(); t.rank() > 0) return t;
  }

  // What becomes of a state of this shape: itself, another of the shape, or something new.
  Tensor next(const Tensor& state) {
    if (random_.one_in(8)) return state;
    Tensor sum = random_.one_in(3) ? Tensor{} : 0.5 * state;
    for (std::size_t i = pool_.size(); i-- > 0;) {  // the last made are of the most interest
      const Tensor& t = pool_[i];
      if (t.shape() == state.shape() && !random_.one_in(3))
        return random_.one_in(4) ? t : tanh(sum ? sum + t : t);
      if (t.rank() <= state.rank() && broadcasts(t.shape(), state.shape()) &&
          broadcast_shape(t, state) == state.shape() && random_.one_in(3))
        sum = sum ? sum + t : state * t;
    }
    return tanh(sum ? sum : state);
  }

 private:
  static Shape broadcast_shape(const Tensor& a, const Tensor& b) { return (a + b).shape(); }

  void add(const Tensor& t) {
    if (t.count() <= 40'000) pool_.push_back(t);
  }

  // Mostly of what was made last: what nothing reads is not in the Program.
  Tensor one() {
    const auto n = static_cast<int64_t>(pool_.size());
    return pool_[static_cast<std::size_t>(
        random_.one_in(3) ? random_.below(n) : n - 1 - random_.below(std::min<int64_t>(n, 4)))];
  }

  // Products are with what the step is given, so that numbers stay in bounds.
  Tensor given() {
    return pool_[static_cast<std::size_t>(random_.below(static_cast<int64_t>(given_)))];
  }

  void try_one() {
    const Tensor a = one(), b = random_.one_in(2) ? one() : random_.among(pool_);
    const bool has_row = a.rank() > 0 && a.shape().back() > 0;
    switch (random_.below(24)) {
      case 0:
      case 1:
      case 2: return add(unary(a));
      case 3:
      case 4:
      case 5:
        if (broadcasts(a.shape(), b.shape())) add(binary(a, b));
        return;
      case 6:
      case 7:
      case 8:
      case 9: return product(a, given());
      case 10:
      case 11:
      case 12:
      case 13: return product_added_to(a);
      case 14:
      case 15:
        if (has_row) halves(a);
        return;
      case 16:
      case 17:
        if (has_row && a.rank() == b.rank() && b.shape().back() + a.shape().back() <= 200 &&
            without_last(a, 1) == without_last(b, 1))
          add(concat({a, b}));
        return;
      case 18:
        if (has_row) add(fold(a));
        return;
      case 19:
        if (has_row) add(random_.one_in(2) ? softmax(a) : layer_norm(a));
        return;
      case 20:
        if (broadcasts(a.shape(), b.shape())) add(where(a > 0, a, b));
        return;
      case 21:
        if (has_row) add(moved(a));
        return;
      case 22:
        if (a.rank() == 2 && b.rank() == 2 && a.shape()[0] == b.shape()[0] &&
            a.shape().back() * b.shape().back() <= 64)
          add(sum(tanh(expand_dims(a, 2) * expand_dims(b, 1)), random_.one_in(2) ? 1 : 2));
        return;
      default:
        if (a.rank() == 2 && a.shape()[1] <= 16)
          add(reshape(matmul(expand_dims(a, 1), expand_dims(tanh(a), 1), true, false),
                      {a.shape()[0], a.shape()[1] * a.shape()[1]}));
    }
  }

  Tensor unary(const Tensor& a) {
    switch (random_.below(7)) {
      case 0:
      case 1: return tanh(a);
      case 2:
      case 3: return sigmoid(a);
      case 4: return softplus(a);
      case 5: return sin(a);
      default: return 1 - 0.5 * a;
    }
  }

  Tensor binary(const Tensor& a, const Tensor& b) {
    switch (random_.below(5)) {
      case 0:
      case 1: return a + b;
      case 2: return a - b;
      case 3: return tanh(a) / (1 + square(b));
      default: return a * tanh(b);
    }
  }

  static Shape without_last(const Tensor& t, int axes) {
    const Shape s = t.shape();
    return Shape(s.begin(), s.end() - axes);
  }

  void product(const Tensor& a, const Tensor& b) {
    if (a.rank() < 2 || b.rank() < 2) return;
    if (!broadcasts(without_last(a, 2), without_last(b, 2))) return;
    const double scale = 1 / std::sqrt(static_cast<double>(std::max<int64_t>(1, a.shape().back())));
    const bool straight = a.shape()[-1] == b.shape()[-2], turned = a.shape()[-1] == b.shape()[-1];
    if (straight && (!turned || random_.one_in(2)))
      add(random_.one_in(2) ? matmul(a, b) : scale * matmul(a, b));
    else if (turned)
      add(scale * (random_.one_in(2) ? matmul(a, b, false, true) : matmul(a, transpose(b))));
  }

  // a + some product of its shape, the last made first.
  void product_added_to(const Tensor& a) {
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

  void halves(const Tensor& a) {
    const int64_t n = a.shape().back();
    if (n < 2) return;
    const int64_t first = n % 2 == 0 && !random_.one_in(4) ? n / 2 : 1 + random_.below(n - 1);
    const Tensors parts = split(a, {first, n - first});
    add(parts[0]);
    if (!random_.one_in(4)) add(parts[1]);
  }

  Tensor fold(const Tensor& a) {
    switch (random_.below(4)) {
      case 0: return mean(a, -1, true);
      case 1: return 0.3 * sum(a, -1, true);
      case 2: return max(a, -1, true);
      default: return logsumexp(a, -1, true);
    }
  }

  Tensor moved(const Tensor& a) {
    const int64_t n = a.shape().back();
    switch (random_.below(4)) {
      case 0: return slice(a, -1, random_.below(n), n);
      case 1: return reverse(a, -1);
      case 2: return pad(a, -1, random_.below(3), random_.below(2));
      default: return 0.3 * cumsum(a, -1);
    }
  }

  Random random_;
  Tensors pool_;
  std::size_t given_;
};

struct Recurrence {
  uint64_t seed = 0;
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
    StepMaker maker(seed, pool);
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

Recurrence recurrence(uint64_t seed) {
  Random random(seed * 977 + 5);
  const bool large = random.one_in(8);  // enough for two threads
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
  Recurrence r;
  r.seed = seed;
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
  return r;
}

Tensors results(const Recurrence& r, bool plain) {
  const Scanned done = r.run(plain);
  Tensors all{done.output};
  all.insert(all.end(), done.state.begin(), done.state.end());
  return all;
}

// All results as one number that depends on each element.
Tensor mixed(const Tensors& results) {
  Tensor total = scalar(0, float64);
  int64_t seed = 90;
  for (const Tensor& t : results) total = total + sum(t * normal(t.shape(), seed++));
  return total;
}

Tensors with_gradients(const Recurrence& r, bool plain, bool second_order) {
  Tensors all = results(r, plain);
  const Tensors variables = r.variables(), first = gradient(mixed(all), variables);
  all.insert(all.end(), first.begin(), first.end());
  if (!second_order) return all;
  const Tensors second = gradient(mixed(first), variables);
  all.insert(all.end(), second.begin(), second.end());
  return all;
}

// TEMPO_SEEDS=FROM:TO tries others.
std::pair<uint64_t, uint64_t> seeds() {
  const char* const given = std::getenv("TEMPO_SEEDS");
  if (!given) return {0, 200};
  char* colon = nullptr;
  const uint64_t from = std::strtoull(given, &colon, 10);
  BOOST_REQUIRE(*colon == ':');
  return {from, std::strtoull(colon + 1, nullptr, 10)};
}

struct Threads {
  explicit Threads(int n) : before(threads()) { set_threads(n); }
  ~Threads() { set_threads(before); }
  int before;
};

}  // namespace

BOOST_AUTO_TEST_CASE(scan_is_the_plain_loop) {
  const auto [from, to] = seeds();
  for (uint64_t seed = from; seed < to; ++seed) BOOST_TEST_CONTEXT("seed " << seed) {
      const Recurrence r = recurrence(seed);
      const bool second_order = r.x[0].count() < 2000;
      const Tensors plain = with_gradients(r, true, second_order),
                    traced = with_gradients(r, false, second_order);
      for (std::size_t i = 0; i < plain.size(); ++i)
        check_close(std::to_string(i), traced[i], plain[i], 1e-9);
      const ShortStretches few(2);
      const Tensors in_stretches = with_gradients(r, false, second_order);
      for (std::size_t i = 0; i < plain.size(); ++i)
        check_close(std::to_string(i) + " in stretches", in_stretches[i], plain[i], 1e-9);
    }
}

BOOST_AUTO_TEST_CASE(threads_change_no_bit) {
  const auto [from, to] = seeds();
  for (uint64_t seed = from; seed < to; ++seed) BOOST_TEST_CONTEXT("seed " << seed) {
      const Recurrence r = recurrence(seed);
      if (r.x[0].count() < 2000) continue;
      Tensors of[3];
      for (int n : {1, 2, 3}) {
        const Threads use(n);
        of[n - 1] = with_gradients(r, false, false);
      }
      for (std::size_t i = 0; i < of[0].size(); ++i) {
        check_same(std::to_string(i) + " on 2 threads", of[1][i], of[0][i]);
        check_same(std::to_string(i) + " on 3 threads", of[2][i], of[0][i]);
      }
    }
}
