// SPDX-License-Identifier: Apache-2.0
// The check of streams: if a layer can run step by step, it does so with the same results; if it
// cannot, Stream says so.
#include <tempo/gradient.hpp>
#include <tempo/stream.hpp>

#include "check/checks.hpp"

namespace tempo::conformance {

namespace {

Tensor step_of(const Tensor& y, int64_t t) {
  const Tensor step = slice(y, 1, t, t + 1);
  return step;
}

bool has_steps(const Tensor& y, int64_t time) { return y.rank() >= 2 && y.shape()[1] == time; }

// Whether each step by itself gives its part of the result.
bool treats_each_step_alone(const Layer& layer, const Tensors& x, const Tensor& whole) {
  const int64_t time = x[0].shape()[1];
  if (!has_steps(whole, time)) return false;
  try {
    for (int64_t t = 0; t < time; ++t) {
      Tensors now;
      for (const Tensor& one : x) now.push_back(step_of(one, t));
      require_close("a step", results(layer, now)[0], step_of(whole, t), 1e-12);
    }
  } catch (const std::exception&) {
    return false;
  }
  return true;
}

std::vector<std::vector<double>> numbers_at(const Tensors& x, int64_t t) {
  std::vector<std::vector<double>> all;
  for (const Tensor& one : x) all.push_back(step_of(one, t).to_vector());
  return all;
}

void step(Stream& stream, const std::vector<std::vector<double>>& x, std::span<double> y) {
  if (x.size() == 1) return stream.step(std::span<const double>(x[0]), y);
  if (x.size() == 2) return stream.step({x[0], x[1]}, y);
  stream.step({x.at(0), x.at(1), x.at(2)}, y);
}

std::string first_line(const std::string& text) { return text.substr(0, text.find('\n')); }

}  // namespace

void check_stream(const Subject& subject) {
  for (const Input& input : subject.row().inputs)
    if (!input.has_time() || input.shape[1] != subject.row().inputs[0].shape[1])
      throw Inapplicable("its inputs do not have the same steps");
  const NoGradient off;
  Tensors x = subject.inputs(float64);
  const Layer layer = subject.ready(x);
  for (Tensor& t : x) t = cast(t, float64);  // ids come as numbers
  Sequential model({layer});
  const Tensors all = model.call(x);
  const Tensor whole = all[0];
  const int64_t batch = x[0].shape()[0], time = x[0].shape()[1];
  const bool must = (subject.is_cell() || subject.describes("go_backwards")) ||
                    (all.size() == 1 && treats_each_step_alone(layer, x, whole));
  std::optional<Stream> stream;
  try {
    stream.emplace(model, StreamOptions{.batch = batch});
  } catch (const Error& error) {
    if (must) throw Fault(std::string("it cannot be streamed: ") + error.what());
    throw Inapplicable("it needs more than a step; Stream says: " + first_line(error.what()));
  }
  std::vector<double> y(static_cast<std::size_t>(stream->output_shape().count()));
  for (int64_t t = 0; t < time; ++t) {
    step(*stream, numbers_at(x, t), y);
    if (!has_steps(whole, time)) continue;
    const Tensor expected = step_of(whole, t);
    require(expected.count() == static_cast<int64_t>(y.size()),
            "a step of its stream is " + to_string(stream->output_shape()));
    require_close("streamed, step " + std::to_string(t), tensor(y, expected.shape(), float64),
                  expected, 1e-12);
  }
  if (!has_steps(whole, time))
    require_close("streamed, the last result", tensor(y, whole.shape(), float64), whole, 1e-12);
}

}  // namespace tempo::conformance
