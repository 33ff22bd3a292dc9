// SPDX-License-Identifier: Apache-2.0
// A Stream: the model traced on one step, with inputs and outputs as spans.
#include "scan/stream.hpp"

#include <algorithm>
#include <cmath>

#include <tempo/ops.hpp>
#include <tempo/shared.hpp>
#include <tempo/stream.hpp>

#include "training/models/model_state.hpp"

namespace tempo {

namespace {

// The types of the inputs of one step: those of the model without the time axis. Integers and bools
// come as floating numbers.
std::vector<TensorType> one_step(const Model& model, int64_t batch) {
  const Shapes inputs = model.input_shapes();
  if (inputs.empty())
    throw Error("Stream: " + model.name() +
                " does not know the shape of its input yet.\n  Call it, or build it: "
                "model.build({{-1, -1, features}}).");
  if (batch < 1)
    throw Error("Stream: .batch is " + std::to_string(batch) + "; it must be at least 1.");
  const std::vector<DType> dtypes = model.input_dtypes();
  DType numbers = float32;
  for (DType dtype : dtypes)
    if (dtype == float64) numbers = float64;
  std::vector<TensorType> types;
  for (const Shape& input : inputs) {
    if (input.rank() < 2)
      throw ShapeError("Stream: " + model.name() + " takes " + to_string(input) +
                       "; it needs [batch, time, ...].");
    types.push_back({numbers, {batch}});
    for (int axis = 2; axis < input.rank(); ++axis) types.back().shape.push_back(input[axis]);
  }
  return types;
}

// The last step of y [batch, time, ...] or [batch, ...], whose type for one step is `one`.
std::vector<double> last_step(const Array& y, const TensorType& one) {
  const std::vector<double> all = to_tensor(make_value(y)).to_vector();
  const auto rows = static_cast<std::size_t>(one.shape.empty() ? 1 : one.shape[0]);
  const std::size_t row = all.size() / rows;
  const auto part = static_cast<std::size_t>(one.shape.count()) / rows;
  std::vector<double> last;
  for (std::size_t r = 1; r <= rows; ++r)
    last.insert(last.end(), all.begin() + static_cast<std::ptrdiff_t>(r * row - part),
                all.begin() + static_cast<std::ptrdiff_t>(r * row));
  return last;
}

// [batch, ...] as [batch, time, ...].
Shape with_time(const Shape& step, int64_t time) {
  Shape out{step[0], time};
  for (int axis = 1; axis < step.rank(); ++axis) out.push_back(step[axis]);
  return out;
}

Shape without_time(const Shape& shape) {
  Shape out;
  for (int axis = 0; axis < shape.rank(); ++axis)
    if (axis != 1) out.push_back(shape[axis]);
  return out;
}

// Whether a result has a time axis, from its shapes for one step and for three.
bool has_steps(const Model& model, const Shape& one, const Shape& three) {
  if (one.rank() > 1 && one == with_time(without_time(one), 1) &&
      three == with_time(without_time(one), 3))
    return true;
  if (one == three) return false;
  throw Error("Stream: " + model.name() + " gives " + to_string(one) + " of one step and " +
              to_string(three) +
              " of three.\n  What lies between recurrent layers must treat each step alone; one "
              "that makes features of time, say, does not.");
}

}  // namespace

struct Stream::State {
  State(const Model& model, const StreamOptions& options)
      : inputs(one_step(model, options.batch)),
        streamer(step_of(model, options.constants), inputs, is_in_int8(model)),
        output(streamer.result()) {
    require_one_dtype(model);
    if (!is_in_int8(model)) {
      require_same_as_whole(model, streamer, options.constants);
    } else {  // rounding in int8 may differ; in float stream and model agree
      const Model as_float = ModelAccess::of(ModelAccess::state(model).float_model);
      Streamer of_float(step_of(as_float, options.constants), inputs);
      require_same_as_whole(as_float, of_float, options.constants);
    }
  }

  // A step reads and writes spans of one floating dtype.
  void require_one_dtype(const Model& model) const {
    const DType dtype = inputs[0].dtype;
    const bool same =
        std::all_of(inputs.begin(), inputs.end(), [&](auto& type) { return type.dtype == dtype; });
    if (same && output.dtype == dtype && is_floating(dtype)) return;
    std::string given;
    for (const TensorType& type : inputs) given += (given.empty() ? "" : " and ") + to_string(type);
    throw Error(
        "Stream: " + model.name() + " makes " + to_string(output) + " of " + given +
        ".\n  A step reads and writes float32 alone, or float64 alone: cast where the model "
        "mixes them, and apply argmax, say, to y.");
  }

  static bool is_in_int8(const Model& model) {
    return ModelAccess::state(model).float_model != nullptr;
  }

  static std::function<Tensor(const Tensors&)> step_of(const Model& model,
                                                       const Tensors& constants) {
    return [&](const Tensors& now) {
      Tensors sequences;
      for (const Tensor& t : now) sequences.push_back(expand_dims(t, 1));
      return called(model, sequences, constants);
    };
  }

  // A single input comes in the dtype of the model's layers; each of several keeps its own dtype.
  static Tensor called(const Model& model, Tensors x, const Tensors& constants) {
    const std::vector<DType> dtypes = model.input_dtypes();
    for (std::size_t i = 0; x.size() > 1 && i < x.size(); ++i)
      if (dtypes[i] != x[i].dtype()) x[i] = cast(x[i], dtypes[i]);
    return model(x, {.constants = constants});
  }

  // Three steps at once must give the same as three single steps, whether the last input equals the
  // one before it or is smaller. Ones and zeros are valid ids and numbers alike.
  void require_same_as_whole(const Model& model, Streamer& stepped, const Tensors& constants) {
    Tensors zero, one, same, less;
    std::vector<TensorType> whole_types;
    for (const TensorType& type : inputs) {
      zero.push_back(zeros(type.shape, type.dtype));
      one.push_back(ones(type.shape, type.dtype));
      same.push_back(stack({zero.back(), one.back(), one.back()}, 1));
      less.push_back(stack({zero.back(), one.back(), zero.back()}, 1));
      whole_types.push_back({type.dtype, same.back().shape()});
    }
    Streamer at_once([&](const Tensors& all) { return called(model, all, constants); },
                     whole_types);
    const bool of_each_step = has_steps(model, output.shape, at_once.result().shape);
    require_last_step(model, at_once, same, stepped, {zero, one, one});
    require_last_step(model, at_once, less, stepped, {zero, one, zero});
    if (of_each_step) output.shape = without_time(output.shape);
  }
  void require_last_step(const Model& model, Streamer& at_once, const Tensors& whole,
                         Streamer& stepped, const std::vector<Tensors>& one_by_one) const {
    const Array y(output), y_of_all(at_once.result());
    at_once.run(data_of(whole), y_of_all.view().data);
    at_once.reset();
    for (const Tensors& now : one_by_one) stepped.run(data_of(now), y.view().data);
    stepped.reset();
    const std::vector<double> streamed = last_step(y, output), all = last_step(y_of_all, output);
    const double tolerance = output.dtype == float64 ? 1e-9 : 1e-3;
    for (std::size_t i = 0; i < streamed.size(); ++i)
      if (std::abs(streamed[i] - all[i]) > tolerance * (1 + std::abs(all[i])))
        throw Error(
            "Stream: step 3 of " + model.name() +
            " depends on the steps before it, and not by the state of a recurrent layer."
            "\n  What lies between recurrent layers must treat each step alone; a mean over "
            "time, say, does not.");
  }
  static std::vector<const void*> data_of(const Tensors& tensors) {
    std::vector<const void*> out;
    for (const Tensor& t : tensors) out.push_back(t.handle()->array.view().data);
    return out;
  }

  template <class T>
  void run(DType dtype, std::span<const std::span<const T>> x, std::span<T> y) {
    const void* data[TEMPO_MAX_OUTPUTS];
    bool fits = x.size() == inputs.size() && x.size() <= std::size(data) &&
                static_cast<int64_t>(y.size()) == output.shape.count() && dtype == output.dtype;
    for (std::size_t i = 0; fits && i < x.size(); ++i) {
      fits =
          dtype == inputs[i].dtype && static_cast<int64_t>(x[i].size()) == inputs[i].shape.count();
      data[i] = x[i].data();
    }
    if (!fits) misfit(dtype, x, y.size());
    const OneAtATime::Turn turn(&steps);
    if (!turn) busy();
    streamer.run({data, x.size()}, y.data());
  }
  void reset() {
    const OneAtATime::Turn turn(&steps);
    if (!turn) busy();
    streamer.reset();
  }
  [[noreturn, gnu::cold, gnu::noinline]] static void busy() {
    throw Error(
        "Stream: another thread is in the middle of a step of it.\n  Give each thread a Stream of "
        "its own; several of one model may run side by side.");
  }
  template <class T>
  [[noreturn, gnu::cold, gnu::noinline]] void misfit(DType dtype,
                                                     std::span<const std::span<const T>> x,
                                                     std::size_t y) const {
    std::string given, required;
    for (const std::span<const T>& part : x)
      given += (given.empty() ? "" : " and ") + std::to_string(part.size());
    for (const TensorType& type : inputs)
      required += (required.empty() ? "" : " and ") + to_string(type);
    throw ShapeError("Stream: a step from x of " + given + " to y of " + std::to_string(y) +
                     " numbers of " + name_of(dtype) + "\n  x must be  " + required +
                     "\n  y must be  " + to_string(output));
  }

  std::vector<TensorType> inputs;
  Streamer streamer;
  TensorType output;
  OneAtATime steps;  // each continues from the one before it
};

Stream::Stream(const Model& model, const StreamOptions& options)
    : state_(std::make_unique<State>(model, options)) {}
Stream::~Stream() = default;
Stream::Stream(Stream&&) noexcept = default;
Stream& Stream::operator=(Stream&&) noexcept = default;

void Stream::step(std::span<const float> x, std::span<float> y) {
  state_->run<float>(float32, {&x, 1}, y);
}
void Stream::step(std::span<const double> x, std::span<double> y) {
  state_->run<double>(float64, {&x, 1}, y);
}
void Stream::step(std::initializer_list<std::span<const float>> x, std::span<float> y) {
  state_->run<float>(float32, {x.begin(), x.size()}, y);
}
void Stream::step(std::initializer_list<std::span<const double>> x, std::span<double> y) {
  state_->run<double>(float64, {x.begin(), x.size()}, y);
}
void Stream::reset() { state_->reset(); }

Shapes Stream::input_shapes() const {
  Shapes out;
  for (const TensorType& type : state_->inputs) out.push_back(type.shape);
  return out;
}
Shape Stream::input_shape() const { return state_->inputs[0].shape; }
Shape Stream::output_shape() const { return state_->output.shape; }

}  // namespace tempo
