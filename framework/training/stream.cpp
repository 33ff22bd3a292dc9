#include <tempo/stream.hpp>

#include "scan/stream.hpp"

#include <tempo/ops.hpp>

#include <cmath>

namespace tempo {

namespace {

// x of one step: a model's input without its time axis.
TensorType one_step(const Model& model, int64_t batch) {
  const Shapes inputs = model.input_shapes();
  if (inputs.empty())
    throw Error("Stream: " + model.name() +
                " does not know the shape of its input yet.\n  Call it, or build it: "
                "model.build({{-1, -1, features}}).");
  if (inputs.size() != 1)
    throw Error("Stream: " + model.name() + " takes " + std::to_string(inputs.size()) +
                " inputs; a stream has one.\n  concat them along the features.");
  if (inputs[0].rank() < 2)
    throw ShapeError("Stream: " + model.name() + " takes " + to_string(inputs[0]) +
                     "; it needs [batch, time, ...].");
  if (batch < 1)
    throw Error("Stream: .batch is " + std::to_string(batch) + "; it must be at least 1.");
  const DType dtype = model.input_dtypes()[0];
  TensorType type{is_floating(dtype) ? dtype : float32, {batch}};
  for (int axis = 2; axis < inputs[0].rank(); ++axis) type.shape.push_back(inputs[0][axis]);
  return type;
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

Shape without_axis(const Shape& shape, int cut) {
  Shape out;
  for (int axis = 0; axis < shape.rank(); ++axis)
    if (axis != cut) out.push_back(shape[axis]);
  return out;
}

}  // namespace

struct Stream::State {
  State(const Model& model, const TensorType& x)
      : input(x),
        streamer([&](const Tensor& now) { return model(expand_dims(now, 1)); }, x),
        output(streamer.result()) {
    require_same_as_whole(model);
  }

  // Three steps at once must give what three steps give. Ones and zeros are ids and numbers alike.
  void require_same_as_whole(const Model& model) {
    constexpr int64_t steps = 3;
    TensorType whole = input;
    whole.shape = Shape{input.shape[0], steps};
    for (int axis = 1; axis < input.shape.rank(); ++axis) whole.shape.push_back(input.shape[axis]);
    Streamer at_once([&](const Tensor& all) { return model(all); }, whole);
    const Tensor first = zeros(input.shape, input.dtype), other = ones(input.shape, input.dtype);
    const Tensor x = stack({first, other, other}, 1);
    const Array y(output), y_of_all(at_once.result());
    at_once.run(x.handle()->array.view().data, y_of_all.view().data);
    const Shape& of_all = at_once.result().shape;
    const bool of_each_step = of_all.rank() > 1 && of_all[1] != output.shape[1];
    for (const Tensor& now : {first, other, other})
      streamer.run(now.handle()->array.view().data, y.view().data);
    streamer.reset();
    const std::vector<double> streamed = last_step(y, output), all = last_step(y_of_all, output);
    const double tolerance = output.dtype == float64 ? 1e-9 : 1e-3;
    for (std::size_t i = 0; i < streamed.size(); ++i)
      if (std::abs(streamed[i] - all[i]) > tolerance * (1 + std::abs(all[i])))
        throw Error(
            "Stream: step 3 of " + model.name() +
            " depends on the steps before it, and not by the state of a recurrent layer."
            "\n  What lies between recurrent layers must treat each step alone; a mean over "
            "time, say, does not.");
    if (of_each_step) output.shape = without_axis(output.shape, 1);
  }

  template <class T>
  void run(DType dtype, std::span<const T> x, std::span<T> y) {
    if (dtype != input.dtype || static_cast<int64_t>(x.size()) != input.shape.count() ||
        static_cast<int64_t>(y.size()) != output.shape.count() || dtype != output.dtype)
      misfit(dtype, x.size(), y.size());
    streamer.run(x.data(), y.data());
  }
  [[noreturn, gnu::cold, gnu::noinline]] void misfit(DType dtype, std::size_t x,
                                                     std::size_t y) const {
    throw ShapeError("Stream: a step from x of " + std::to_string(x) + " to y of " +
                     std::to_string(y) + " numbers of " + name_of(dtype) + "\n  x must be  " +
                     to_string(input) + "\n  y must be  " + to_string(output));
  }

  TensorType input;
  Streamer streamer;
  TensorType output;
};

Stream::Stream(const Model& model, const StreamOptions& options)
    : state_(std::make_unique<State>(model, one_step(model, options.batch))) {}
Stream::~Stream() = default;
Stream::Stream(Stream&&) noexcept = default;
Stream& Stream::operator=(Stream&&) noexcept = default;

void Stream::step(std::span<const float> x, std::span<float> y) { state_->run(float32, x, y); }
void Stream::step(std::span<const double> x, std::span<double> y) { state_->run(float64, x, y); }
void Stream::reset() { state_->streamer.reset(); }

Shape Stream::input_shape() const { return state_->input.shape; }
Shape Stream::output_shape() const { return state_->output.shape; }

}  // namespace tempo
