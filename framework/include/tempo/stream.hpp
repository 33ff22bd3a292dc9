// SPDX-License-Identifier: Apache-2.0
// Streams run a model one time step per call, for audio and control.
#pragma once

#include <initializer_list>
#include <span>

#include <tempo/model.hpp>

namespace tempo TEMPO_HIDDEN {

struct StreamOptions {
  int64_t batch = 1;       ///< sequences that are streamed side by side
  Tensors constants = {};  ///< the constants of the model's call
};

/// Takes a model's input step by step and gives its output at each step, as if the model had been
/// called on the whole sequence so far. The states of its recurrent layers lie in the stream,
/// whether the layers are stateful or not, and begin as in a call of the model.
///
///     Stream stream(model);                 // a built model of [batch, time, features]
///     std::vector<float> x(1), y(1);
///     for (;;) {
///       x[0] = read_sensor();
///       stream.step(x, y);                  // no allocation, no lock
///       set_motor(y[0]);
///     }
///
/// All that lies between the recurrent layers must treat each step alone. Weights may change
/// between steps; the next step uses them. Only one thread at a time may use a stream: a step that
/// another thread begins meanwhile is an Error.
class Stream {
 public:
  /// Throws Error if the model needs the whole sequence at once (a layer that runs backwards).
  TEMPO_API explicit Stream(const Model& model, const StreamOptions& options = {});
  TEMPO_OPTIONS(explicit Stream, StreamOptions, const Model&);
  TEMPO_API ~Stream();
  TEMPO_API Stream(Stream&&) noexcept;
  TEMPO_API Stream& operator=(Stream&&) noexcept;

  /// Runs a step: x [batch, features...] and y of output_shape(), row-major, in the dtype of the
  /// model's input. ShapeError for other sizes. If a call refuses x, the states stay as they were.
  TEMPO_API void step(std::span<const float> x, std::span<float> y);
  TEMPO_API void step(std::span<const double> x, std::span<double> y);
  /// For a model with several inputs, in their order; inputs that are not floating, such as flags
  /// or ids, are given as floating numbers: `stream.step({x, gap}, y)`.
  TEMPO_API void step(std::initializer_list<std::span<const float>> x, std::span<float> y);
  TEMPO_API void step(std::initializer_list<std::span<const double>> x, std::span<double> y);
  /// Goes back to the first step.
  TEMPO_API void reset();

  /// [batch, features...]; of several inputs, the first.
  TEMPO_API Shape input_shape() const;
  TEMPO_API Shapes input_shapes() const;
  TEMPO_API Shape output_shape() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace tempo
