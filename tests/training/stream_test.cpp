// SPDX-License-Identifier: Apache-2.0
// A stream gives the results of the model on the whole sequence so far.
#define BOOST_TEST_MODULE stream
#include <tempo/tempo.hpp>

#include "testing.hpp"

using namespace tempo;
using namespace tempo::testing;

namespace {

struct TwoFloorsOptions {
  int units = 3;
};
void describe(auto& option, TwoFloorsOptions& o) {
  option("units", o.units, "Size of the output.");
}

// Two cells in one step; the last state is only a copy of another one.
struct TwoFloorsCell : Cell<TwoFloorsOptions> {
  using Cell::Cell;
  static constexpr int state_count = 3;
  void build(Weights& add, const Shape& input) {
    kernel = add("kernel", {input.back() + options.units, options.units}, glorot_uniform());
    upper = add("upper", {2 * options.units, 2 * options.units}, glorot_uniform());
  }
  Step step(const Tensor& x, const State& s) const {
    const Tensor h = tanh(matmul(concat({x, s[0]}), kernel));
    const auto [gate, candidate] = split<2>(matmul(concat({h, s[1]}), upper));
    const Tensor f = sigmoid(gate), next = f * s[1] + (1 - f) * tanh(candidate) + 0.1 * s[2];
    return {.output = softmax(next), .state = {h, next, s[0]}};
  }
  Tensor kernel, upper;
};

struct Streamed {
  const char* name;
  std::function<Model()> model;
  int64_t features = 4;
};

const LSTMOptions lstm{.units = 5, .dtype = float64};
const Streamed cases[] = {
    {"lstm",
     [] {
       return Sequential({LSTM(lstm), Dense({.units = 2, .dtype = float64})});
     }},
    {"gru",
     [] {
       return Sequential({GRU({.units = 5, .bias_initializer = glorot_uniform(), .dtype = float64}),
                          Dense({.units = 2, .dtype = float64})});
     }},
    {"gru, reset before",
     [] { return Sequential({GRU({.units = 5, .reset_after = false, .dtype = float64})}); }},
    {"three of them, and a dense of every step",
     [] {
       return Sequential({LSTM({.units = 5, .return_sequences = true, .dtype = float64}),
                          Dense({.units = 6, .activation = "relu", .dtype = float64}),
                          GRU({.units = 3, .return_sequences = true, .dtype = float64}),
                          Dropout({.rate = 0.5}),
                          SimpleRNN({.units = 4, .return_sequences = true, .dtype = float64}),
                          Dense({.units = 2, .dtype = float64})});
     }},
    {"a user's cell",
     [] {
       return Sequential(
           {RNN(TwoFloorsCell(TwoFloorsOptions{}), {.return_sequences = true, .dtype = float64}),
            RNN(TwoFloorsCell(TwoFloorsOptions{}), {.dtype = float64})});
     }},
    {"masks",
     [] {
       return Sequential({Masking({.mask_value = 0}),
                          LSTM({.units = 5, .return_sequences = true, .dtype = float64}),
                          SimpleRNN({.units = 3, .dtype = float64})});
     }},
    {"a function with an initial state",
     [] {
       const Layer rnn = SimpleRNN({.units = 3, .return_sequences = true, .dtype = float64});
       const Tensor h = ones({3, 3}, float64);
       return Model({rnn}, [=](const Tensors& in) {
         return rnn(in[0], {.initial_state = {slice(h, 0, 0, in[0].shape()[0])}}) +
                mean(in[0], -1, true);
       });
     }},
};

Tensor inputs(const Streamed& c, int64_t batch, int64_t time) {
  Tensor x = normal({batch, time, c.features}, 7);
  return x * cast(greater(sum(x, -1, true), -1), float64);  // some steps are 0, which Masking masks
}

std::vector<double> step_of(Stream& stream, const Tensor& x, int64_t t) {
  const std::vector<double> now = take(x, t, 1).to_vector();
  std::vector<double> y(static_cast<std::size_t>(stream.output_shape().count()), -1);
  stream.step(now, y);
  return y;
}
// The model's output at the last of the first `time` steps.
std::vector<double> whole(const Model& model, const Tensor& x, int64_t time) {
  const NoGradient off;
  const Tensor y = model(slice(x, 1, 0, time));
  return (y.rank() == 3 ? take(y, -1, 1) : y).to_vector();
}
void check_step(Stream& stream, const Model& model, const Tensor& x, int64_t t) {
  const std::vector<double> got = step_of(stream, x, t), expected = whole(model, x, t + 1);
  const Shape shape{static_cast<int64_t>(expected.size())};
  BOOST_REQUIRE_EQUAL(got.size(), expected.size());
  check_close("step " + std::to_string(t), tensor(got, shape, float64),
              tensor(expected, shape, float64), 1e-12);
}

}  // namespace

BOOST_AUTO_TEST_CASE(a_stream_is_the_model_step_by_step) {
  for (const Streamed& c : cases)
    for (const int64_t batch : {int64_t{1}, int64_t{3}})
      BOOST_TEST_CONTEXT(c.name << ", batch " << batch) {
        const Model model = c.model();
        const Tensor x = inputs(c, batch, 7);
        whole(model, x, 2);
        Stream stream(model, {.batch = batch});
        BOOST_TEST((stream.input_shape() == Shape{batch, c.features}));
        for (int64_t t = 0; t < 7; ++t) check_step(stream, model, x, t);
      }
}

BOOST_AUTO_TEST_CASE(a_stream_begins_again) {
  for (const Streamed& c : cases) BOOST_TEST_CONTEXT(c.name) {
      const Model model = c.model();
      const Tensor x = inputs(c, 1, 4);
      whole(model, x, 2);
      Stream first(model), other(model);
      for (int64_t steps = 1; steps < 4; ++steps) {
        for (int64_t t = 0; t < steps; ++t) check_step(first, model, x, t);
        check_step(other, model, x, steps - 1);  // no state is shared
        first.reset();
      }
    }
}

BOOST_AUTO_TEST_CASE(a_step_uses_the_weights_as_they_are) {
  for (const Streamed& c : cases) BOOST_TEST_CONTEXT(c.name) {
      const Model model = c.model();
      const Tensor x = inputs(c, 1, 3);
      whole(model, x, 1);
      Stream stream(model), twin(model);
      Tensors old, other;
      for (const Tensor& w : model.weights()) {
        old.push_back(stop_gradient(w));
        other.push_back(stop_gradient(0.5 * w + 0.1));
      }
      const auto use = [&](const Tensors& values) {
        for (std::size_t i = 0; i < values.size(); ++i) assign(model.weights()[i], values[i]);
      };
      const std::vector<double> before = step_of(stream, x, 0);
      use(other);
      const std::vector<double> changed = step_of(stream, x, 1);
      stream.reset();
      for (int64_t t = 0; t < 3; ++t) check_step(stream, model, x, t);
      use(old);  // the state from before a change stays
      BOOST_TEST(step_of(twin, x, 0) == before, boost::test_tools::per_element());
      use(other);
      BOOST_TEST(step_of(twin, x, 1) == changed, boost::test_tools::per_element());
    }
}

BOOST_AUTO_TEST_CASE(ids_are_streamed) {
  const Sequential model({Embedding({.input_dim = 5, .output_dim = 3, .mask_zero = true}),
                          LSTM({.units = 4}), Dense({.units = 1})});
  const Tensor x = tensor<float>({1, 3, 0, 4, 2, 0}, {1, 6});
  model(x);
  Stream stream(model);
  for (int64_t t = 0; t < 6; ++t) {
    const std::vector<float> id{static_cast<float>(x.element(t))};
    std::vector<float> y(1);
    stream.step(id, y);
    BOOST_TEST(std::abs(y[0] - whole(model, x, t + 1)[0]) < 1e-6);
  }
}

BOOST_AUTO_TEST_CASE(a_stream_refuses_what_a_call_refuses) {
  const Sequential model({Embedding({.input_dim = 5, .output_dim = 3}),
                          LSTM({.units = 4, .return_sequences = true}), Dense({.units = 2})});
  const Tensor x = tensor<float>({1, 3, 2}, {1, 3});
  const Tensor expected = take(model(x), -1, 1);
  Stream stream(model);
  std::vector<float> y(2, -1);
  const auto step = [&](double id) { stream.step(std::vector<float>{static_cast<float>(id)}, y); };
  for (double id : {1, 3}) {
    const std::vector<float> before = y;
    for (double refused : {1.5, std::nan(""), 5.0, -1.0, 1e30}) {
      const std::string text = error_of([&] { step(refused); });
      BOOST_TEST(text.find("embedding: id 0 of [1") == 0u, text);
      BOOST_TEST(text.find("from 0 to input_dim - 1, here 4.") != std::string::npos, text);
    }
    BOOST_TEST(y == before);
    step(id);
  }
  step(2);
  check_close("as if nothing had been refused", tensor(y, {1, 2}), expected, 1e-6);
}

namespace {

struct SteppedCase {
  const char* name;
  std::function<Model()> model;
  Shapes inputs;  // [batch, time, ...]
  DType dtype;
  const char *x, *y;  // what a step must have
};

const SteppedCase stepped_cases[] = {
    {"a recurrence",
     [] {
       return Sequential({LSTM({.units = 3}), Dense({.units = 1})});
     },
     {{2, 3, 4}},
     float32,
     "[2, 4] float32",
     "[2, 1] float32"},
    {"each step alone",
     [] { return Sequential({Dense({.units = 3})}); },
     {{2, 3, 4}},
     float32,
     "[2, 4] float32",
     "[2, 3] float32"},
    {"float64",
     [] {
       return Sequential({GRU({.units = 3, .return_sequences = true, .dtype = float64}),
                          Dense({.units = 2, .dtype = float64})});
     },
     {{2, 3, 4}},
     float64,
     "[2, 4] float64",
     "[2, 2] float64"},
    {"a causal kernel of one step",
     [] {
       return Sequential({Conv1D({.filters = 3, .kernel_size = 1, .padding = "causal"}),
                          SimpleRNN({.units = 2})});
     },
     {{2, 3, 4}},
     float32,
     "[2, 4] float32",
     "[2, 2] float32"},
    {"a picture at each step",
     [] {
       return Sequential({TimeDistributed(Flatten()), LSTM({.units = 3})});
     },
     {{2, 3, 4, 2}},
     float32,
     "[2, 4, 2] float32",
     "[2, 3] float32"},
    {"two inputs",
     [] {
       const Layer gru = GRU({.units = 3}), dense = Dense({.units = 4});
       return Model({gru, dense}, [=](const Tensors& in) { return gru(in[0] + dense(in[1])); });
     },
     {{2, 3, 4}, {2, 3, 1}},
     float32,
     "[2, 4] float32 and [2, 1] float32",
     "[2, 3] float32"},
};

using Sizes = std::vector<std::size_t>;
template <class T>
using Numbers = std::vector<std::vector<T>>;

template <class T>
void take_step(Stream& stream, const Numbers<T>& x, std::vector<T>& y) {
  using X = std::span<const T>;
  if (x.size() == 1)
    stream.step(X(x[0]), y);
  else if (x.size() == 2)
    stream.step({X(x[0]), X(x[1])}, y);
  else
    stream.step({X(x[0]), X(x[1]), X(x[2])}, y);
}

template <class T>
void check_refused(Stream& stream, const SteppedCase& c, const Sizes& sizes, std::size_t n) {
  Numbers<T> x;
  std::string given;
  for (const std::size_t size : sizes) {
    x.emplace_back(size, T{7});
    given += (given.empty() ? "" : " and ") + std::to_string(size);
  }
  std::vector<T> y(n, T{-1});
  BOOST_TEST(error_of<ShapeError>([&] { take_step(stream, x, y); }) ==
             "Stream: a step from x of " + given + " to y of " + std::to_string(n) +
                 " numbers of " + (sizeof(T) == 4 ? "float32" : "float64") + "\n  x must be  " +
                 c.x + "\n  y must be  " + c.y);
  BOOST_TEST((y == std::vector<T>(n, T{-1})));
}

template <class T, class Other>
void check_sizes(const SteppedCase& c) {
  const Model model = c.model();
  Tensors whole;
  Sizes x;
  for (const Shape& input : c.inputs) {
    whole.push_back(cast(normal(input, 5), c.dtype));
    x.push_back(static_cast<std::size_t>(input.count() / input[1]));
  }
  const Tensor all = model(whole), expected = all.rank() == 3 ? take(all, -1, 1) : all;
  const auto n = static_cast<std::size_t>(expected.count());
  Stream stream(model, {.batch = c.inputs[0][0]});

  std::vector<std::pair<Sizes, std::size_t>> wrong{{x, n - 1}, {x, n + 1}, {x, 0}};
  wrong.push_back({x, n});
  wrong.back().first.push_back(x[0]);                                // an input more
  if (x.size() > 1) wrong.push_back({{x.begin(), x.end() - 1}, n});  // one less
  for (std::size_t i = 0; i < x.size(); ++i)
    for (const std::size_t size : {x[i] - 1, x[i] + 1, x[i] / 2, x[i] * 2, std::size_t{0}}) {
      wrong.push_back({x, n});
      wrong.back().first[i] = size;
    }
  std::vector<T> y(n);
  for (int64_t t = 0; t < c.inputs[0][1]; ++t) {
    for (const auto& [sizes, room] : wrong) check_refused<T>(stream, c, sizes, room);
    check_refused<Other>(stream, c, x, n);
    Numbers<T> now;
    for (const Tensor& input : whole) now.push_back(take(input, t, 1).to_vector<T>());
    take_step(stream, now, y);
  }
  check_close("as if nothing had been refused", tensor(y, expected.shape(), c.dtype), expected,
              1e-6);
}

}  // namespace

BOOST_AUTO_TEST_CASE(a_stream_refuses_steps_of_other_sizes_and_dtypes) {
  for (const SteppedCase& c : stepped_cases) BOOST_TEST_CONTEXT(c.name) {
      if (c.dtype == float32)
        check_sizes<float, double>(c);
      else
        check_sizes<double, float>(c);
    }
}

// What a call of so many sequences refuses, no stream of them begins.
BOOST_AUTO_TEST_CASE(a_stream_that_a_call_would_refuse_is_not_made) {
  const auto built = [](const std::vector<Layer>& layers) {
    Sequential model(layers);
    model.build({{-1, 9, 2}});
    return model;
  };
  const struct {
    const char* what;
    std::function<void()> fails;
    const char* text;
  } refusals[] = {
      {"states of another batch",
       [] {
         const Sequential model({LSTM({.units = 3, .stateful = true})});
         model(ones({4, 5, 2}));
         Stream stream(model, {.batch = 2});
       },
       "LSTM: it is stateful and keeps the state of 4 sequences; this batch has 2.\n"
       "  Use batches of one size, or call reset_state() first."},
      {"a first state of another batch",
       [] {
         const Layer rnn = SimpleRNN({.units = 3});
         const Model model({rnn}, [=](const Tensors& in) {
           return rnn(in[0], {.initial_state = {ones({4, 3})}});
         });
         model(ones({4, 5, 2}));
         Stream stream(model, {.batch = 2});
       },
       "SimpleRNN: initial_state does not fit its states\n"
       "  given     [4, 3]\n"
       "  required  [2, 3]\n"
       "  Give one tensor for each state, in the order of return_state."},
      {"constants that nothing takes",
       [&] {
         Stream stream(built({LSTM({.units = 3})}), {.constants = {ones({1, 2})}});
       },
       "sequential: constants were given, and none of its layers takes any.\n"
       "  A cell that RNN runs takes them by a third argument of its step, `const StepCall& "
       "call`."},
      {"a result of whole numbers",
       [] {
         const Layer recurrent = LSTM({.units = 3, .return_sequences = true});
         const Model model({recurrent},
                           [=](const Tensors& in) { return argmax(recurrent(in[0])); });
         model(ones({1, 5, 2}));
         Stream stream(model);
       },
       "Stream: model makes [1, 1] int64 of [1, 2] float32.\n"
       "  A step reads and writes float32 alone, or float64 alone: cast where the model mixes "
       "them, and apply argmax, say, to y."},
      {"a kernel of three steps",
       [&] {
         Stream stream(built({Conv1D({.filters = 2, .kernel_size = 3}), LSTM({.units = 2})}));
       },
       "Conv1D: the kernel reaches over 3 steps, and the input has 1.\n"
       "  .padding = \"same\" or \"causal\" puts zeros around it."},
      {"a causal kernel of three steps",
       [&] {
         Stream stream(built(
             {Conv1D({.filters = 2, .kernel_size = 3, .padding = "causal"}), LSTM({.units = 2})}));
       },
       "Stream: step 3 of sequential depends on the steps before it, and not by the state of a "
       "recurrent layer.\n"
       "  What lies between recurrent layers must treat each step alone; a mean over time, say, "
       "does not."},
  };
  for (const auto& c : refusals) BOOST_TEST_CONTEXT(c.what) {
      BOOST_TEST(error_of(c.fails) == c.text);
    }
}

BOOST_AUTO_TEST_CASE(shapes_of_steps_have_no_time) {
  const auto shapes = [](Sequential model, const Shape& input) {
    model.build({input});
    const Stream stream(model, {.batch = 2});
    return std::pair(stream.input_shape(), stream.output_shape());
  };
  const Layer words = Embedding({.input_dim = 9, .output_dim = 4});
  const auto every = [](int units) { return LSTM({.units = units, .return_sequences = true}); };
  using Pair = std::pair<Shape, Shape>;
  BOOST_TEST((shapes({words, every(3), Dense({.units = 5})}, {-1, 10}) == Pair({2}, {2, 5})));
  BOOST_TEST((shapes({every(3), Dense({.units = 5})}, {-1, 10, 3}) == Pair({2, 3}, {2, 5})));
  BOOST_TEST((shapes({every(1)}, {-1, 10, 1}) == Pair({2, 1}, {2, 1})));
  BOOST_TEST((shapes({LSTM({.units = 1})}, {-1, 10, 1}) == Pair({2, 1}, {2, 1})));
  BOOST_TEST((shapes({every(3), GRU({.units = 5})}, {-1, 10, 3}) == Pair({2, 3}, {2, 5})));
}

// Each of them would read or write other steps.
BOOST_AUTO_TEST_CASE(layers_that_need_more_than_a_step_are_refused) {
  const auto refusal = [](const Layer& layer) {
    Sequential model({layer});
    model.build({{-1, 3, 4}});
    return error_of([&] { Stream stream(model, {.batch = 2}); });
  };
  const std::string each_alone =
      "\n  What lies between recurrent layers must treat each step alone; ";
  BOOST_TEST(refusal(Flatten()) ==
             "Stream: sequential gives [2, 4] of one step and [2, 12] of three." + each_alone +
                 "one that makes features of time, say, does not.");
  BOOST_TEST(refusal(UpSampling1D()) ==
             "Stream: sequential gives [2, 2, 4] of one step and [2, 6, 4] of three." + each_alone +
                 "one that makes features of time, say, does not.");
  for (const Layer& pooling : {GlobalMaxPooling1D(), GlobalAveragePooling1D()})
    BOOST_TEST(refusal(pooling) ==
               "Stream: step 3 of sequential depends on the steps before it, and not by the state "
               "of a recurrent layer." +
                   each_alone + "a mean over time, say, does not.");
}

BOOST_AUTO_TEST_CASE(a_stateful_layer_goes_on_from_the_state_it_keeps) {
  const Sequential model({LSTM({.units = 3, .stateful = true, .dtype = float64})});
  const Tensor x = normal({1, 6, 4});
  const Tensor all = model(x);
  model.reset_state();
  model(slice(x, 1, 0, 4));
  Stream stream(model);
  for (int pass = 0; pass < 2; ++pass) {
    step_of(stream, x, 4);
    check_close("step 5", tensor(step_of(stream, x, 5), {1, 3}, float64), all, 1e-12);
    stream.reset();
  }
  model(slice(x, 1, 4, 5));  // the stream has not changed the state that the layer keeps
  check_close("the model", model(slice(x, 1, 5, 6)), all, 1e-12);
}
