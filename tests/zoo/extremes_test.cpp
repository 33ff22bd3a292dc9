// SPDX-License-Identifier: Apache-2.0
// Cells of the zoo whose gates are exponential, or a quotient, with numbers far beyond a float:
// values and gradients in float32 against sums in float64 over all steps, in logarithms. And
// memories that must not grow by themselves.
#define BOOST_TEST_MODULE extremes
#include <functional>

#include <tempo/tempo.hpp>
#include <tempo/zoo.hpp>

#include "testing.hpp"
#include "zoo/of_layers.hpp"

using namespace tempo;
using namespace tempo::testing;

namespace {

double log_logistic(double x) {
  return x < 0 ? x - std::log1p(std::exp(x)) : -std::log1p(std::exp(-x));
}

// The logarithm of the weight of each step so far, and their maximum.
struct Logs {
  Row all;
  void step(double log_forget, double log_input) {
    for (double& log : all) log += log_forget;
    all.push_back(log_input);
  }
  double greatest() const { return *std::max_element(all.begin(), all.end()); }
};

double log_forget(double raw, bool exponential) { return exponential ? raw : log_logistic(raw); }

// Beck et al., 2024, equations 8 to 14: c and n are sums over all steps, h their quotient.
Rows slstm(const NamedWeights& w, const Rows& x, std::size_t heads, bool exponential) {
  const std::size_t n = w["bias"].size() / 4, d = n / heads;
  std::vector<Logs> logs(n);
  Rows written(n), y;
  Row h = zero(n);
  for (const Row& now : x) {
    const Row raw = plus(product(now, w["kernel"], w["bias"]), blocks(h, w["recurrent"], heads));
    for (std::size_t unit = 0; unit < n; ++unit) {
      const std::size_t at = unit / d * 4 * d + unit % d;
      logs[unit].step(log_forget(raw[at + 2 * d], exponential), raw[at + d]);
      written[unit].push_back(std::tanh(raw[at]));
      const double most = logs[unit].greatest();
      double c = 0, normal = 0;
      for (std::size_t s = 0; s < written[unit].size(); ++s) {
        const double counts = std::exp(logs[unit].all[s] - most);
        c += counts * written[unit][s];
        normal += counts;
      }
      h[unit] = logistic(raw[at + 3 * d]) * c / normal;
    }
    y.push_back(h);
  }
  return y;
}

// Beck et al., 2024, equations 19 to 27: C q and n q as sums over all steps.
Rows mlstm(const NamedWeights& w, const Rows& x, std::size_t heads, bool exponential) {
  const std::size_t n = w["bias"].size() / 4, d = n / heads;
  std::vector<Logs> logs(heads);
  std::vector<Rows> keys(heads), values(heads);
  Rows y;
  for (const Row& now : x) {
    const Row gates = product(now, w["gate_kernel"], w["gate_bias"]);
    Row raw = product(now, w["kernel"]), h;
    for (std::size_t e = 0; e < heads; ++e) {
      Row mine = cut(raw, e, heads);
      for (std::size_t j = d; j < 2 * d; ++j) mine[j] /= std::sqrt(static_cast<double>(d));
      mine = plus(mine, cut(w["bias"], e, heads));
      const Row q = cut(mine, 0, 4), o = cut(mine, 3, 4);
      keys[e].push_back(cut(mine, 1, 4));
      values[e].push_back(cut(mine, 2, 4));
      logs[e].step(log_forget(gates[heads + e], exponential), gates[e]);
      const double most = logs[e].greatest(), low = std::min(most, 0.0);
      Row read = zero(d);
      double normal = 0;
      for (std::size_t s = 0; s < keys[e].size(); ++s) {
        const double counts = std::exp(logs[e].all[s] - most) * dot(keys[e][s], q);
        normal += counts;
        for (std::size_t j = 0; j < d; ++j) read[j] += counts * values[e][s][j];
      }
      const double scale = std::max(std::abs(normal) * std::exp(low), std::exp(low - most));
      for (std::size_t j = 0; j < d; ++j)
        h.push_back(logistic(o[j]) * read[j] * std::exp(low) / scale);
    }
    y.push_back(h);
  }
  return y;
}

// Feng et al., 2024: f / (f + i) is the logistic function of the difference of their logarithms.
Rows min_lstm(const NamedWeights& w, const Rows& x) {
  const std::size_t n = w["bias"].size() / 3;
  Row h = zero(n);
  Rows y;
  for (const Row& now : x) {
    const Row raw = product(now, w["kernel"], w["bias"]);
    for (std::size_t j = 0; j < n; ++j) {
      const double f = logistic(log_logistic(raw[j]) - log_logistic(raw[n + j]));
      h[j] = f * h[j] + (1 - f) * raw[2 * n + j];
    }
    y.push_back(h);
  }
  return y;
}

using Loop = std::function<Rows(const NamedWeights&, const Rows&)>;

struct Extreme {
  const char* name;
  Layer layer;
  const char* gates;          // the weight that computes them
  std::vector<int64_t> read;  // its columns that read feature 0, and nothing else
  Loop loop;
};

// x in float64, with the values that the layer's float32 has.
double total(const Extreme& e, const NamedWeights& w, const Tensor& x, const Tensor& mixture) {
  Row all;
  for (const Row& row : e.loop(w, sequence(x, 0))) all = joined(all, row);
  return dot(all, mixture.to_vector());
}

// Checks values, and the derivatives along one direction for x and for each weight.
void check(const Extreme& e, const Tensor& x0, double tolerance) {
  const int64_t time = x0.shape()[1];
  const Tensor x = parameter(cast(concat({x0, normal({1, time, 3}, 3)}), float32));
  e.layer(x);
  int64_t seed = 40;
  for (const Tensor& w : e.layer.trainable_weights()) {
    Tensor value = 0.4 * normal(w.shape(), seed++);
    const std::string path = w.path();
    if (path.substr(path.rfind('/') + 1) == e.gates) {
      std::vector<double> all = value.to_vector();
      for (int64_t j = 0; j < w.shape().back(); ++j) all[static_cast<std::size_t>(j)] = 0;
      for (const int64_t j : e.read)
        for (int64_t i = 0; i < w.shape()[0]; ++i)
          all[static_cast<std::size_t>(i * w.shape().back() + j)] = i == 0 ? 1 : 0;
      value = tensor(all, w.shape(), float64);
    }
    assign(w, cast(value, float32));
  }
  const Tensor y = e.layer(x), mixture = cast(normal(y.shape(), 9), float32);
  const NamedWeights weights = weights_of(e.layer);
  Row expected;
  for (const Row& row : e.loop(weights, sequence(x, 0))) expected = joined(expected, row);
  check_close(std::string(e.name) + ", the value", cast(y, float64),
              tensor(expected, y.shape(), float64), tolerance);

  const auto along = [&](const Tensor& leaf, const std::string& name) {
    const Tensor way = normal(leaf.shape(), 20);
    const double got = sum(cast(gradient(sum(y * mixture), {leaf})[0], float64) * way).item();
    const auto moved = [&](double by) {
      if (name.empty()) return total(e, weights, cast(x, float64) + by * way, mixture);
      NamedWeights others = weights;
      others.all[name] = (cast(leaf, float64) + by * way).to_vector();
      return total(e, others, x, mixture);
    };
    const double d = 1e-5, wanted = (moved(d) - moved(-d)) / (2 * d);
    check_close(std::string(e.name) + ", the derivative for " + (name.empty() ? "x" : name),
                scalar(got, float64), scalar(wanted, float64), tolerance);
  };
  along(x, "");
  for (const Tensor& w : e.layer.trainable_weights()) {
    const std::string path = w.path();
    along(w, path.substr(path.rfind('/') + 1));
  }
}

std::vector<Extreme> extremes() {
  const auto xlstm = [](const auto& loop, std::size_t heads, bool exponential) {
    return [=](const NamedWeights& w, const Rows& x) { return loop(w, x, heads, exponential); };
  };
  return {
      {"sLSTM",
       SLSTM({.units = 4, .heads = 2, .return_sequences = true}),
       "kernel",
       {2, 3, 10, 11},
       xlstm(slstm, 2, false)},
      {"sLSTM, exponential",
       SLSTM(
           {.units = 4, .heads = 2, .forget_activation = "exponential", .return_sequences = true}),
       "kernel",
       {2, 3, 10, 11},
       xlstm(slstm, 2, true)},
      {"mLSTM",
       MLSTM({.units = 4, .heads = 2, .return_sequences = true}),
       "gate_kernel",
       {0, 1},
       xlstm(mlstm, 2, false)},
      {"mLSTM, exponential",
       MLSTM(
           {.units = 4, .heads = 2, .forget_activation = "exponential", .return_sequences = true}),
       "gate_kernel",
       {0, 1},
       xlstm(mlstm, 2, true)},
      {"minLSTM",
       MinLSTM({.units = 3, .return_sequences = true}),
       "kernel",
       {0, 1, 2, 3, 4, 5},
       min_lstm},
  };
}

}  // namespace

BOOST_AUTO_TEST_CASE(gates_far_beyond_a_float_have_the_values_and_gradients_of_their_logarithms) {
  for (const Extreme& e : extremes()) {
    for (const double gate : {100.0, -100.0, 1000.0, -1000.0})
      check(e, full({1, 6, 1}, gate, float64), 2e-3);
    check(e,
          reshape(tensor({-1000.0, 100.0, 1000.0, -100.0, 999.0, 1001.0, 0.0}, float64), {1, 7, 1}),
          2e-3);
  }
}

BOOST_AUTO_TEST_CASE(long_runs_stay_what_they_are_in_logarithms) {
  for (const Extreme& e : extremes()) check(e, 30 * normal({1, 700, 1}, 4), 2e-3);
}

BOOST_AUTO_TEST_CASE(an_input_gate_of_almost_nothing_passes_no_nan_back) {
  const Layer layer = MLSTM({.units = 2, .heads = 1});
  const Tensor x = parameter(ones({1, 2, 1}));
  layer(x);
  for (const Tensor& w : layer.weights())
    if (w.path().ends_with("gate_bias")) assign(w, tensor({-100.0, 3.0}, float32));
  const Tensor y = layer(x);
  check_same("the value", y, zeros({1, 2}));
  for (const Tensor& d : gradient(sum(y), layer.trainable_weights()))
    check_same("the gradient", d, zeros_like(d));
}

BOOST_AUTO_TEST_CASE(a_query_of_nothing_reads_nothing) {
  const Layer layer = MLSTM({.units = 2, .heads = 1, .return_sequences = true});
  const Tensor x = parameter(tensor({{{1.0}, {0.0}}}, float32));
  layer(x);
  for (const Tensor& w : layer.weights())
    if (w.path().ends_with("gate_bias")) assign(w, tensor({500.0, 3.0}, float32));
  const Tensor y = layer(x);
  check_same("the value", take(y, 1, 1), zeros({1, 2}));
  for (const Tensor& d : gradient(sum(y), layer.trainable_weights()))
    BOOST_TEST(std::isfinite(sum(abs(d)).item()));
}

BOOST_AUTO_TEST_CASE(a_legendre_memory_does_not_grow_by_itself) {
  for (const int order : {16, 64})
    for (const double theta : {100.0, 30.0}) {
      set_seed(3);
      const Layer layer = LMU({.units = 16, .order = order, .theta = theta, .return_state = true});
      const Tensor m = layer.call({cast(normal({4, 1000, 4}, 2), float32)})[2];
      BOOST_TEST(max(abs(m)).item() < 12,
                 "order " << order << ", theta " << theta << ": " << max(abs(m)).item());
    }
}

BOOST_AUTO_TEST_CASE(what_is_normalised_alone_is_refused) {
  const auto refuses = [](const Layer& layer, const char* part) {
    const std::string text = error_of([&] { layer(zeros({2, 3, 4})); });
    BOOST_TEST(text.find(part) != std::string::npos, text);
  };
  refuses(RWKV7({.units = 4}), "RWKV7: a head is 1 number, and it is normalised");
  refuses(GatedDeltaNet({.units = 4}), "GatedDeltaNet: a head is 1 number");
  refuses(LayerNormLSTM({.units = 1}), "LayerNormLSTM: the memory is 1 number");
  refuses(Mamba2({.units = 1, .heads = 1}), "Mamba2: the output is 1 number");
  refuses(M2RNN({.units = 1, .heads = 1}), "M2RNN: the output is 1 number");
  refuses(BlockGRU({.units = 8}), "BlockGRU: an embedding is 1 number");
}
