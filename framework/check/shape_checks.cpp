// SPDX-License-Identifier: Apache-2.0
// Checks of unusual inputs, and of promised shapes.
#include <tempo/gradient.hpp>

#include "check/plugin_check.hpp"
#include "check/subject.hpp"

namespace tempo::conformance {

namespace {

// Whether a call succeeds; false if it is refused by an Error.
bool is_called(const Layer& layer, const Tensors& x) {
  try {
    (void)layer.call(x);
    return true;
  } catch (const Error&) {
    return false;
  }
}

void check_ranks(const Subject& subject) {
  const NoGradient off;
  std::vector<Shape> shapes{{0, 7, 4}, {3, 0, 4}, {3, 7, 0}, {1, 1, 1}, {0, 4}};
  for (Shape shape; shape.rank() <= 8; shape.push_back(2)) {
    shapes.push_back(shape);
    if (shape.rank() == 8) break;
  }
  for (const Shape& shape : shapes)
    for (const DType dtype : {default_dtype(), int64})
      (void)is_called(subject.make(), Tensors(subject.inputs(dtype).size(), ones(shape, dtype)));
}

void check_integers(const Subject& subject) {
  const NoGradient off;
  for (const DType dtype : {int32, int64, bool_}) {
    Tensors x;
    for (const Tensor& t : subject.inputs(float64)) x.push_back(ones(t.shape(), dtype));
    const Layer layer = subject.make();
    if (!is_called(layer, x)) continue;
    for (const Tensor& y : results(layer, x))
      for (const double value : y.to_vector())
        require(value == value, std::string("of ") + name_of(dtype) + " it makes NaN");
  }
}

void check_features(const Subject& subject) {
  const NoGradient off;
  bool any = false;
  for (const int64_t features : {1, 3, 65})
    for (const int64_t batch : {1, 2, 7}) {
      Tensors x;
      for (const Tensor& t : subject.inputs(default_dtype(), {.batch = batch})) {
        Shape shape = t.shape();
        if (is_floating(t.dtype())) shape[-1] = features;
        x.push_back(is_floating(t.dtype()) ? random_normal(shape, 0, 1, t.dtype(), 3) : t);
      }
      const Layer layer = subject.make();
      if (!is_called(layer, x)) continue;
      any = true;
      for (const Tensor& y : results(layer, x))
        require(y.rank() > 0 && y.shape()[0] == batch,
                "of a batch of " + std::to_string(batch) + " with " + std::to_string(features) +
                    " features it gives " + to_string(y.shape()));
    }
  if (!any) throw Inapplicable("it takes none of 1, 3 and 65 features");
}

// A layer built for 4 features gets more: it must refuse or, without weights, compute correctly.
void check_other_features(const Subject& subject) {
  const NoGradient off;
  const Tensors x = subject.inputs(default_dtype());
  const Layer layer = subject.make();
  const Tensors first = results(layer, x);
  for (const int64_t more : {1, 60}) {
    Tensors wider;
    for (const Tensor& t : x) {
      Shape shape = t.shape();
      shape[-1] += more;
      wider.push_back(is_floating(t.dtype()) ? ones(shape, t.dtype()) : t);
    }
    (void)is_called(layer, wider);
  }
  require_close("after it was given other features, a result", results(layer, x), first, 0);
}

void check_inputs(const Subject& subject) {
  const NoGradient off;
  const Tensors x = subject.inputs(default_dtype());
  for (const std::size_t n : {0u, 1u, 2u, 3u, 9u}) {
    Tensors given;
    for (std::size_t i = 0; i < n; ++i) given.push_back(x[i % x.size()]);
    (void)is_called(subject.make(), given);
    const Layer built = subject.make();
    (void)results(built, x);
    (void)is_called(built, given);
  }
  Shapes none;
  try {
    subject.make().build(none);
  } catch (const Error&) {
  }
}

std::string list_of(const Tensors& weights) {
  std::string out;
  for (const Tensor& w : weights)
    out += (out.empty() ? "" : ", ") + w.path() + " " + to_string(w.shape(), w.dtype());
  return out.empty() ? "none" : out;
}

void check_weights(const Subject& subject) {
  const NoGradient off;
  const auto made = [&](Size size) {
    const Layer layer = subject.make({{"name", "same"}});
    (void)results(layer, subject.inputs(default_dtype(), size));
    return layer;
  };
  const bool has_name = subject.is_cell() || subject.describes("name");
  if (!has_name) throw Inapplicable("it has no option `name`, so that its weights are called anew");
  const Layer first = made({});
  const std::string expected = list_of(first.weights());
  for (const Size size : {Size{.batch = 1}, Size{.batch = 8}, Size{.more_time = 5}}) {
    (void)is_called(first, subject.inputs(default_dtype(), size));
    require(list_of(first.weights()) == expected, "a later call changes which weights it has");
    const std::string others = list_of(made(size).weights());
    if (others == expected) continue;
    const std::string change = ": " + expected + "; then " + others;
    require(size.batch == 0, "its weights depend on the batch" + change);
    throw Warning("its weights depend on time, so that it takes sequences of one length" + change);
  }
}

// Compares the states that a cell promises with those that its step returns.
void check_states(const Subject& subject) {
  if (!subject.is_cell()) throw Inapplicable("it is no cell");
  const NoGradient off;
  for (const DType dtype : {float32, float64})
    for (const int64_t batch : {1, 3}) {
      const Layer cell = subject.make_alone({{"dtype", static_cast<int64_t>(dtype)}});
      Tensors x;
      StepCall call{.dtype = dtype};
      for (const Tensor& t : subject.inputs(dtype, {.batch = batch})) {
        x.push_back(take(t, 0, 1));
        call.inputs.push_back(x.back().shape());
      }
      cell.build(call.inputs, dtype);
      const State first = initial_state(cell, call);
      const Shapes promised = state_shapes(cell, call.inputs);
      const Tensors made = once(cell, call);
      call.once.assign(made.begin(), made.end());
      const Step done = step(cell, x, first, call);
      require(done.state.size() == promised.size(), "it has " + std::to_string(promised.size()) +
                                                        " states, and its step gives " +
                                                        std::to_string(done.state.size()));
      for (std::size_t i = 0; i < promised.size(); ++i) {
        const Tensor& next = done.state[i];
        require(next.shape() == promised[i] && next.dtype() == first[i].dtype(),
                "it says that state " + std::to_string(i) + " is " +
                    to_string(promised[i], first[i].dtype()) + ", and its step gives " +
                    to_string(next.shape(), next.dtype()));
      }
    }
}

// The types of results that it promises for these inputs.
std::vector<tempo_type> promised_types(const Layer& layer, const Tensors& x) {
  std::vector<tempo_type> in, out(TEMPO_MAX_OUTPUTS);
  for (const Tensor& t : x) in.push_back(t.view().type);
  const tempo_inputs given = sdk::inputs_of(in);
  tempo_result_types promised{sizeof promised, TEMPO_MAX_OUTPUTS, 0, out.data()};
  sdk::check(sdk::host().layer_outputs(layer.handle(), &given, &promised));
  out.resize(promised.count);
  return out;
}

// The results that it returns; those of a cell at one step.
Tensors given_results(const Subject& subject, const Layer& layer, const Tensors& x) {
  if (!subject.is_cell()) return results(layer, x);
  StepCall call{.dtype = x[0].dtype()};
  for (const Tensor& t : x) call.inputs.push_back(t.shape());
  const State first = initial_state(layer, call);
  const Tensors made = once(layer, call);
  call.once.assign(made.begin(), made.end());
  return {step(layer, x, first, call).output};
}

void check_outputs(const Subject& subject) {
  if (!subject.type().outputs) throw Inapplicable("it promises no types");
  const NoGradient off;
  for (const DType dtype : {float32, float64})
    for (const int64_t batch : {1, 3}) {
      const Layer layer = subject.make_alone({{"dtype", static_cast<int64_t>(dtype)}});
      Tensors x;
      for (const Tensor& t : subject.inputs(dtype, {.batch = batch}))
        x.push_back(subject.is_cell() ? take(t, 0, 1) : t);
      const std::vector<tempo_type> promised = promised_types(layer, x);
      const Tensors y = given_results(subject, layer, x);
      require(y.size() == promised.size(), "it says that it gives " +
                                               std::to_string(promised.size()) +
                                               " results, and gives " + std::to_string(y.size()));
      for (std::size_t i = 0; i < y.size(); ++i) {
        const Shape shape = sdk::shape_of(promised[i]);
        const DType its = sdk::dtype_of(promised[i]);
        require(y[i].shape() == shape && y[i].dtype() == its,
                "it says that result " + std::to_string(i) + " is " + to_string(shape, its) +
                    ", and gives " + to_string(y[i].shape(), y[i].dtype()));
      }
    }
}

void check_huge(const Subject& subject) {
  Shapes shapes;
  for (const Tensor& t : subject.inputs(default_dtype())) {
    shapes.push_back(t.shape());
    if (is_floating(t.dtype())) shapes.back()[-1] = int64_t{1} << 40;
  }
  try {
    subject.make().build(shapes);
  } catch (const Error&) {  // for example because memory is out
  }
}

}  // namespace

void add_shape_checks(PluginChecks& all) {
  all.push_back(
      {"ranks", "inputs of 0 to 8 axes and of no sequences are taken or refused", &check_ranks});
  all.push_back({"integers", "whole numbers and bools are taken or refused", &check_integers});
  all.push_back({"features", "few and many features give results of the batch", &check_features});
  all.push_back({"other-features", "other features than it was built for change nothing in it",
                 &check_other_features});
  all.push_back(
      {"inputs", "no input, and more than it takes, are taken or refused", &check_inputs});
  all.push_back({"weights", "its weights depend on neither batch nor time, and no call adds one",
                 &check_weights});
  all.push_back({"states", "the states of a cell are those that it promises", &check_states});
  all.push_back({"outputs", "the types of its results are those that it promises", &check_outputs});
  all.push_back({"huge", "an input of 2^40 features is refused, not tried", &check_huge});
}

}  // namespace tempo::conformance
