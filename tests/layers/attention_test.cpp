// SPDX-License-Identifier: Apache-2.0
// Attention, AdditiveAttention and MultiHeadAttention against plain loops of their formulas.
#define BOOST_TEST_MODULE attention
#include <functional>

#include <tempo/gradcheck.hpp>
#include <tempo/tempo.hpp>

#include "files.hpp"

using namespace tempo;
using namespace tempo::testing;

namespace {

Tensor numbers(const std::vector<double>& values, const Shape& shape) {
  return tensor(values, shape, float64);
}

using Row = std::vector<double>;
using Rows = std::vector<Row>;  // [time][features]
using BatchOfRows = std::vector<Rows>;

BatchOfRows batch_of(const Tensor& x) {
  const Shape s = x.shape();
  BatchOfRows out(static_cast<std::size_t>(s[0]), Rows(static_cast<std::size_t>(s[1]), Row()));
  for (int64_t i = 0; i < x.count(); ++i)
    out[static_cast<std::size_t>(i / (s[1] * s[2]))][static_cast<std::size_t>(i / s[2] % s[1])]
        .push_back(x.element(i));
  return out;
}
Tensor tensor_of(const BatchOfRows& batch) {
  std::vector<double> all;
  for (const Rows& rows : batch)
    for (const Row& row : rows) all.insert(all.end(), row.begin(), row.end());
  return tensor(all,
                {static_cast<int64_t>(batch.size()), static_cast<int64_t>(batch[0].size()),
                 static_cast<int64_t>(batch[0][0].size())},
                float64);
}

using Score = std::function<double(const Row& query, const Row& key)>;
using May = std::function<bool(std::size_t b, std::size_t q, std::size_t v)>;

struct Attended {
  BatchOfRows output, weights;
};
// The definition: weights are e^score, divided by their sum over the places that are allowed.
Attended attended(const BatchOfRows& query, const BatchOfRows& value, const BatchOfRows& key,
                  const Score& score, const May& may) {
  Attended out;
  for (std::size_t b = 0; b < query.size(); ++b) {
    Rows outputs, weights;
    for (std::size_t q = 0; q < query[b].size(); ++q) {
      Row row(value[b].size(), 0), y(value[b][0].size(), 0);
      double total = 0;
      for (std::size_t v = 0; v < row.size(); ++v)
        if (may(b, q, v)) total += row[v] = std::exp(score(query[b][q], key[b][v]));
      for (std::size_t v = 0; v < row.size(); ++v) {
        if (total > 0) row[v] /= total;
        for (std::size_t f = 0; f < y.size(); ++f) y[f] += row[v] * value[b][v][f];
      }
      outputs.push_back(y);
      weights.push_back(row);
    }
    out.output.push_back(outputs);
    out.weights.push_back(weights);
  }
  return out;
}

double product(const Row& a, const Row& b) {
  double total = 0;
  for (std::size_t i = 0; i < a.size(); ++i) total += a[i] * b[i];
  return total;
}
Score sum_of_tanh(double outer, double inner) {
  return [=](const Row& q, const Row& k) {
    double total = 0;
    for (std::size_t i = 0; i < q.size(); ++i) total += outer * std::tanh(inner * (q[i] + k[i]));
    return total;
  };
}
bool anywhere(std::size_t, std::size_t, std::size_t) { return true; }

const Tensor query = normal({2, 3, 4}, 1), value = normal({2, 5, 6}, 2), key = normal({2, 5, 4}, 3);
const Tensor query_mask = tensor<bool>({1, 1, 0, 1, 1, 1}, {2, 3}),
             value_mask = tensor<bool>({1, 0, 1, 1, 0, 0, 1, 1, 1, 1}, {2, 5}),
             key_mask = tensor<bool>({1, 1, 1, 0, 1, 1, 1, 1, 1, 0}, {2, 5});

Layer ready(const Layer& layer, const Tensors& inputs, int64_t seed = 7) {
  Shapes shapes;
  for (const Tensor& x : inputs) shapes.push_back(x.shape());
  layer.build(shapes, float64);
  for (const Tensor& w : layer.weights())
    assign(w, random_normal(w.shape(), 0, 0.5, float64, seed++));
  return layer;
}

}  // namespace

// --- Attention and AdditiveAttention ------------------------------------------------------------

// Numbers of Keras's own tests.
BOOST_AUTO_TEST_CASE(numbers_of_keras) {
  const Tensor q = numbers({1, 0, 0, 1}, {1, 2, 2}), k = numbers({0, 1, 1, 0}, {1, 2, 2}),
               v = numbers({1, 2, 3, 4}, {1, 2, 2});
  const Tensors dot = Attention({.return_attention_scores = true}).call({q, v, k});
  check_close("dot", dot[0], numbers({2.462, 3.462, 1.538, 2.538}, {1, 2, 2}), 1e-3);
  check_close("dot, scores", dot[1], numbers({0.269, 0.731, 0.731, 0.269}, {1, 2, 2}), 1e-3);
  const Tensors sums =
      Attention({.score_mode = "concat", .return_attention_scores = true, .dtype = float64})
          .call({q, v, k});
  check_close("concat", sums[0], numbers({1.727, 2.727, 2.272, 3.272}, {1, 2, 2}), 1e-3);
  check_close("concat, scores", sums[1], numbers({0.636, 0.363, 0.363, 0.636}, {1, 2, 2}), 1e-3);
}

BOOST_AUTO_TEST_CASE(a_mean_of_values_by_scores) {
  struct Case {
    const char* name;
    Layer layer;
    std::vector<double> weights;  // in their order, each element the same
    Score score;
  };
  const auto dot = [](double scale) {
    return [=](const Row& q, const Row& k) { return scale * product(q, k); };
  };
  const Case cases[] = {
      {"dot", Attention({.return_attention_scores = true}), {}, dot(1)},
      {"dot, scaled",
       Attention({.use_scale = true, .return_attention_scores = true}),
       {0.7},
       dot(0.7)},
      {"concat",
       Attention({.score_mode = "concat", .return_attention_scores = true}),
       {1.3},
       sum_of_tanh(1.3, 1)},
      {"concat, scaled",
       Attention({.use_scale = true, .score_mode = "concat", .return_attention_scores = true}),
       {0.7, 1.3},
       sum_of_tanh(1.3, 0.7)},
      {"additive",
       AdditiveAttention({.return_attention_scores = true}),
       {0.4},
       sum_of_tanh(0.4, 1)},
      {"additive, unscaled",
       AdditiveAttention({.use_scale = false, .return_attention_scores = true}),
       {},
       sum_of_tanh(1, 1)},
  };
  for (const Case& c : cases) {
    ready(c.layer, {query, value, key});
    const Tensors weights = c.layer.weights();
    BOOST_REQUIRE_EQUAL(weights.size(), c.weights.size());
    for (std::size_t i = 0; i < weights.size(); ++i)
      assign(weights[i], full(weights[i].shape(), c.weights[i], float64));
    const Tensors got = c.layer.call({query, value, key});
    const Attended expected =
        attended(batch_of(query), batch_of(value), batch_of(key), c.score, anywhere);
    check_close(c.name, got[0], tensor_of(expected.output), 1e-12);
    check_close(c.name, got[1], tensor_of(expected.weights), 1e-12);
    check_same("a value is its own key", c.layer({query, key}), c.layer({query, key, key}));
  }
}

BOOST_AUTO_TEST_CASE(where_a_query_may_look) {
  const auto true_at = [](const Tensor& mask, std::size_t b, std::size_t t) {
    return mask.element(static_cast<int64_t>(b) * mask.shape()[1] + static_cast<int64_t>(t)) != 0;
  };
  for (const bool causal : {false, true}) {
    const Layer layer = Attention({.use_causal_mask = causal, .return_attention_scores = true});
    const Tensors got = layer.call(
        {with_mask(query, query_mask), with_mask(value, value_mask), with_mask(key, key_mask)});
    Attended expected = attended(batch_of(query), batch_of(value), batch_of(key), product,
                                 [&](std::size_t b, std::size_t q, std::size_t v) {
                                   return true_at(value_mask, b, v) && true_at(key_mask, b, v) &&
                                          (!causal || v <= q);
                                 });
    // A masked query attends as if it were zeros, and its output is 0.
    Rows& first = expected.output[0];
    first[2] = Row(first[2].size(), 0);
    check_close("output", got[0], tensor_of(expected.output), 1e-12);
    for (const int64_t b : {0, 1})
      for (const int64_t q : {0, 1}) {
        const auto row = [&](const Tensor& x) { return take(take(x, b), q); };
        check_close("weights", row(got[1]), row(tensor_of(expected.weights)), 1e-12);
      }
    check_same("the mask is the query's", mask_of(got[0]), query_mask);
    check_same("given to the call",
               layer({query, with_mask(value, value_mask), with_mask(key, key_mask)},
                     {.mask = query_mask}),
               got[0]);
  }
  BOOST_TEST(!mask_of(Attention()({query, with_mask(key, value_mask)})));
}

BOOST_AUTO_TEST_CASE(a_query_that_may_look_nowhere_finds_nothing) {
  const Tensor none = tensor<bool>({0, 0, 1}, {1, 3}), x = normal({1, 3, 4});
  const Tensors got = Attention({.use_causal_mask = true, .return_attention_scores = true})
                          .call({x, with_mask(x, none)});
  check_same("output", slice(got[0], 1, 0, 2), zeros({1, 2, 4}, float64));
  check_same("weights", got[1], numbers({0, 0, 0, 0, 0, 0, 0, 0, 1}, {1, 3, 3}));
}

BOOST_AUTO_TEST_CASE(what_a_mask_takes_out_reaches_nothing) {
  const Layer layers[] = {Attention({.use_scale = true, .use_causal_mask = true}),
                          Attention({.use_scale = true, .score_mode = "concat"}),
                          AdditiveAttention(), MultiHeadAttention({.num_heads = 2, .key_dim = 3})};
  for (const Layer& layer : layers) {
    Tensors expected;
    for (const double padding : {0.0, 1e30, std::nan("")}) {
      const auto padded = [&](const Tensor& x, const Tensor& mask) {
        return parameter(where(expand_dims(mask, -1), x, padding));
      };
      const Tensor q = padded(query, query_mask), v = padded(value, value_mask),
                   k = padded(key, key_mask);
      if (!layer.built()) ready(layer, {query, value, key});
      const Tensor y = layer(
          {with_mask(1 * q, query_mask), with_mask(1 * v, value_mask), with_mask(1 * k, key_mask)});
      Tensors leaves = layer.weights(), got{where(expand_dims(query_mask, -1), y, 0)};
      for (const Tensor& t : {q, v, k}) leaves.push_back(t);
      const Tensors first = gradient(sin(mixed(got)), leaves);
      const Tensors second = gradient(mixed(first), leaves);
      got.insert(got.end(), first.begin(), first.end());
      got.insert(got.end(), second.begin(), second.end());
      if (expected.empty()) expected = got;
      for (std::size_t i = 0; i < got.size(); ++i) {
        BOOST_TEST(std::isfinite(sum(abs(got[i])).item()));
        check_close(layer.type_name() + std::to_string(i), got[i], expected[i], 1e-12);
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(dropout_of_weights) {
  const Tensor x = normal({2, 40, 4});
  const auto made = [](int64_t seed) { return Attention({.dropout = 0.25, .seed = seed}); };
  const Layer layer = made(5);
  const Tensor plain = Attention()({x, x});
  check_same("not in prediction", layer({x, x}), plain);
  const Tensor first = layer({x, x}, {.training = true}),
               second = layer({x, x}, {.training = true});
  check_same("the same in each run", made(5)({x, x}, {.training = true}), first);
  BOOST_TEST(sum(abs(first - second)).item() > 0.1);
  BOOST_TEST(sum(abs(first - plain)).item() > 0.1);
  // With the identity as values, outputs are the weights: a quarter is 0, the others 4 / 3 as big.
  const Tensor identity = broadcast_to(one_hot(arange(0, 40, 1, int64), 40, float64), {2, 40, 40});
  const Tensor weights = layer({x, identity, x}, {.training = true}),
               before = Attention()({x, identity, x});
  const Tensor kept = not_equal(weights, 0);
  BOOST_TEST(std::abs(mean(cast(kept, float64)).item() - 0.75) < 0.03);
  check_close("scaled", weights, where(kept, before * (4.0 / 3), 0), 1e-12);
}

// --- MultiHeadAttention -------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(heads_look_for_themselves) {
  for (const int window : {0, 1, 2})
    for (const bool bias : {false, true}) {
      const bool causal = window != 1, gated = bias == (window != 0);
      const Layer layer = ready(MultiHeadAttention({.num_heads = 2,
                                                    .key_dim = 3,
                                                    .value_dim = 5,
                                                    .use_bias = bias,
                                                    .output_shape = {7},
                                                    .sliding_window = window,
                                                    .use_gate = gated,
                                                    .use_causal_mask = causal,
                                                    .return_attention_scores = true}),
                                {query, value, key});
      const Tensors w = layer.weights();
      const auto of = [&](const char* path) {
        for (const Tensor& t : w)
          if (t.path() == std::string("multi_head_attention/") + path) return t;
        return Tensor{};
      };
      const auto projected = [&](const BatchOfRows& x, const std::string& name, std::size_t head) {
        const Tensor kernel = of((name + "/kernel").c_str()), b = of((name + "/bias").c_str());
        const int64_t heads = kernel.shape()[1], size = kernel.shape()[2];
        BatchOfRows out;
        for (const Rows& rows : x) {
          out.emplace_back();
          for (const Row& row : rows) {
            Row y;
            for (int64_t j = 0; j < size; ++j) {
              const int64_t at = static_cast<int64_t>(head) * size + j;
              double total = b ? b.element(at) : 0;
              for (std::size_t f = 0; f < row.size(); ++f)
                total += row[f] * kernel.element(static_cast<int64_t>(f) * heads * size + at);
              y.push_back(total);
            }
            out.back().push_back(y);
          }
        }
        return out;
      };
      BatchOfRows expected(2, Rows(3, Row(7, 0)));
      const Tensor kernel = of("attention_output/kernel"), b = of("attention_output/bias");
      const Tensors got = layer.call({query, value, key});
      for (std::size_t head = 0; head < 2; ++head) {
        const Attended one = attended(
            projected(batch_of(query), "query", head), projected(batch_of(value), "value", head),
            projected(batch_of(key), "key", head),
            [](const Row& q, const Row& k) { return product(q, k) / std::sqrt(3.0); },
            [&](std::size_t, std::size_t q, std::size_t v) {
              const std::size_t apart = v > q ? v - q : q - v;
              return (!causal || v <= q) &&
                     (window == 0 || apart < static_cast<std::size_t>(window));
            });
        const BatchOfRows gates = gated ? projected(batch_of(query), "gate", head) : BatchOfRows{};
        check_close("scores", take(got[1], static_cast<int64_t>(head), 1), tensor_of(one.weights),
                    1e-12);
        for (std::size_t n = 0; n < 2; ++n)
          for (std::size_t q = 0; q < 3; ++q)
            for (std::size_t f = 0; f < 5; ++f)
              for (std::size_t o = 0; o < 7; ++o)
                expected[n][q][o] += one.output[n][q][f] *
                                     (gated ? 1 / (1 + std::exp(-gates[n][q][f])) : 1) *
                                     kernel.element(static_cast<int64_t>((head * 5 + f) * 7 + o));
      }
      for (Rows& rows : expected)
        for (Row& row : rows)
          for (std::size_t o = 0; b && o < 7; ++o) row[o] += b.element(static_cast<int64_t>(o));
      check_close("output", got[0], tensor_of(expected), 1e-12);
    }
}

BOOST_AUTO_TEST_CASE(weights_are_named_and_shaped_as_in_keras) {
  const Layer layer = MultiHeadAttention({.num_heads = 2, .key_dim = 3, .output_shape = {4, 5}});
  layer.build({query.shape(), value.shape(), key.shape()});
  std::string all;
  for (const Tensor& w : layer.weights()) all += w.path() + " " + to_string(w.shape()) + "\n";
  BOOST_TEST(all ==
             "multi_head_attention/query/kernel [4, 2, 3]\n"
             "multi_head_attention/query/bias [2, 3]\n"
             "multi_head_attention/key/kernel [4, 2, 3]\n"
             "multi_head_attention/key/bias [2, 3]\n"
             "multi_head_attention/value/kernel [6, 2, 3]\n"
             "multi_head_attention/value/bias [2, 3]\n"
             "multi_head_attention/attention_output/kernel [2, 3, 4, 5]\n"
             "multi_head_attention/attention_output/bias [4, 5]\n");
  BOOST_TEST((layer({cast(query, float32), cast(value, float32), cast(key, float32)}).shape() ==
              Shape{2, 3, 4, 5}));
  const Layer as_wide = MultiHeadAttention({.num_heads = 2, .key_dim = 3, .dtype = float64});
  BOOST_TEST((as_wide({query, value}).shape() == query.shape()));
}

// A sequence that ends early has the results of the short one.
BOOST_AUTO_TEST_CASE(masked_values_are_not_there) {
  const Tensor x = normal({2, 5, 4}), mask = tensor<bool>({1, 1, 1, 0, 0, 1, 1, 1, 0, 0}, {2, 5});
  const Layer layers[] = {Attention(), AdditiveAttention(),
                          MultiHeadAttention({.num_heads = 2, .key_dim = 3})};
  for (const Layer& layer : layers) {
    const Tensor cut = slice(x, 1, 0, 3), padded = with_mask(x, mask);
    ready(layer, {x, x});
    check_close(layer.type_name(), slice(layer({padded, padded}), 1, 0, 3), layer({cut, cut}),
                1e-12);
    check_same("mask", mask_of(layer({padded, padded})), mask);
  }
}

// --- All of them --------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(gradients) {
  const Layer layers[] = {
      Attention({.use_scale = true, .use_causal_mask = true, .return_attention_scores = true}),
      Attention({.use_scale = true, .score_mode = "concat"}), AdditiveAttention(),
      MultiHeadAttention({.num_heads = 2,
                          .key_dim = 3,
                          .value_dim = 2,
                          .sliding_window = 2,
                          .use_gate = true,
                          .use_causal_mask = true,
                          .return_attention_scores = true})};
  for (const Layer& layer : layers) {
    const GradCheck report = gradcheck(layer, Tensors{query, value, key});
    BOOST_TEST(report.passed(), layer.type_name() << "\n" << report);
  }
}

BOOST_AUTO_TEST_CASE(saved_and_loaded) {
  const Layer layers[] = {
      Attention({.use_scale = true, .score_mode = "concat", .use_causal_mask = true}),
      AdditiveAttention({.use_scale = true}),
      MultiHeadAttention({.num_heads = 2,
                          .key_dim = 3,
                          .value_dim = 2,
                          .output_shape = {5},
                          .sliding_window = 2,
                          .use_gate = true})};
  for (const Layer& layer : layers) {
    ready(layer, {query, value, key});
    Sequential model({layer});
    const Tensor y = model({query, value, key});
    const std::string path = in_folder("attention.safetensors");
    model.save(path);
    const Model loaded = load_model(path);
    check_same(layer.type_name(), loaded({query, value, key}), y);
    BOOST_TEST(loaded.layers()[0].weights()[0].path() == layer.weights()[0].path());
  }
}

BOOST_AUTO_TEST_CASE(errors) {
  BOOST_TEST(error_of([] { Attention()(query); }) ==
             "Attention: takes {query, value} or {query, value, key}, got 1 input.\n"
             "  For self-attention give x twice: attention({x, x}).");
  BOOST_TEST(error_of([] {
               Attention()({query, query, query, query});
             }) ==
             "Attention: takes {query, value} or {query, value, key}, got 4 inputs.\n"
             "  A mask rides on its input: with_mask(value, mask).");
  BOOST_TEST(error_of([] {
               AdditiveAttention({.dtype = float64})({query, value});
             }) ==
             "AdditiveAttention: a query has 4 features and a key 6.\n"
             "  They must be as many; Dense makes them so, and MultiHeadAttention does by itself.");
  BOOST_TEST(error_of([] {
               Attention()({query, normal({2, 5, 4}), normal({2, 4, 4})});
             }) ==
             "Attention: its inputs do not fit together\n  query  [2, 3, 4]\n  value  [2, 5, 4]\n"
             "  key    [2, 4, 4]\n  All have one batch, and a key for each value.");
  BOOST_TEST(error_of([] {
               Attention()({normal({2, 3}), normal({2, 3})});
             }) ==
             "Attention: needs [batch, time, features], got [2, 3].\n"
             "  reshape(x, {batch, time, -1}) makes one axis of the features.");
  BOOST_TEST(error_of([] {
               Attention()({query, key}, {.mask = value_mask});
             }) ==
             "Attention: the mask does not fit the input\n  mask   [2, 5] bool\n"
             "  input  [2, 3, 4]\n  It must be [2, 3] bool: [batch, time], true where a step "
             "counts.");
  const Layer additive = AdditiveAttention();
  BOOST_TEST(error_of([&] {
               additive({zeros({2, 3}), zeros({2, 3})});
             }).starts_with("AdditiveAttention: needs [batch, time, features], got [2, 3]."));
  BOOST_TEST(additive({zeros({2, 3, 4}), zeros({2, 3, 4})}).shape() == (Shape{2, 3, 4}));
  BOOST_TEST(error_of([] { Attention({.score_mode = "product"}); }) ==
             "Attention: option `score_mode` is \"product\"; it must be one of dot|concat.");
  BOOST_TEST(error_of([] { MultiHeadAttention({.key_dim = 4}); }) ==
             "MultiHeadAttention: num_heads is not set.\n"
             "  Give both: MultiHeadAttention({.num_heads = 4, .key_dim = 16}).");
  BOOST_TEST(error_of([] { MultiHeadAttention({.num_heads = 4}); }) ==
             "MultiHeadAttention: key_dim is not set.\n"
             "  Give both: MultiHeadAttention({.num_heads = 4, .key_dim = 16}).");
}
