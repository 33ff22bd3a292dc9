// SPDX-License-Identifier: Apache-2.0
// Models in int8: they call the layers of another model with integer products.
#include <algorithm>
#include <cmath>
#include <ostream>

#include <tempo/quantised.hpp>

#include "scan/int8/in_int8.hpp"
#include "scan/stream.hpp"
#include "training/models/kept_state.hpp"
#include "training/models/model_state.hpp"

namespace tempo {

Tensors ModelState::call_in_int8(const Tensors& x, const CallOptions& given) {
  const InTraining mode(given.training.abi());
  if (in_training())
    throw Error(name +
                ": it was called in training, and is in int8, which is for inference.\n  Train the "
                "float model that it was made of: both have the same weights.");
  if (Trace::current() && !StreamTrace::current())
    throw Error(
        name +
        ": a model in int8 was called in a step of scan.\n  Call the float model there, and "
        "quantised on the model that has the scan.");
  const InInt8 products(*int8_weights);
  Tensors results = float_model->call(x, given);
  if (seen().inputs.empty()) see(float_model->seen());
  return results;
}

Model quantised(const Model& model) {
  const std::shared_ptr<ModelState>& given = ModelAccess::shared(model);
  if (given->float_model) return model;
  if (!model.built())
    throw Error("quantised: " + model.name() +
                " is not built, so it has no weights yet.\n  Build or call it first: "
                "model.build({{-1, -1, features}}).");
  const Tensors weights = model.weights();
  if (std::none_of(weights.begin(), weights.end(),
                   [](const Tensor& w) { return w.dtype() == float32 && w.rank() >= 2; }))
    throw Error("quantised: " + model.name() +
                " has no weight that is a matrix of float32; nothing of it can run in int8.");
  const auto state = std::make_shared<ModelState>();
  state->name = given->name;
  state->named = given->named;
  state->layers = given->layers;
  state->names = given->names;
  state->trainable = given->trainable;
  state->float_model = given;
  state->int8_weights = std::make_unique<Int8Weights>();
  state->see(given->seen());
  return ModelAccess::of(state);
}

QuantisationError quantisation_error(const Model& model, const Inputs& samples) {
  const std::shared_ptr<ModelState>& as_float = ModelAccess::state(model).float_model;
  if (!as_float)
    throw Error("quantisation_error: " + model.name() +
                " is a float model.\n  Give it what quantised made: "
                "quantisation_error(quantised(model), samples).");
  // Both models share stateful layers: each begins without a state, and the states are restored.
  const auto outputs = [&](const Model& of) {
    return with_states_apart(of, [&] { return of.predict(samples).to_vector(); });
  };
  const std::vector<double> rounded = outputs(model), exact = outputs(ModelAccess::of(as_float));
  QuantisationError error;
  for (std::size_t i = 0; i < exact.size(); ++i) {
    const double difference = std::abs(rounded[i] - exact[i]);
    if (!(difference <= error.largest) && !std::isnan(error.largest)) error.largest = difference;
    error.mean += difference / static_cast<double>(exact.size());
    error.largest_output = std::max(error.largest_output, std::abs(exact[i]));
  }
  return error;
}

std::ostream& operator<<(std::ostream& out, const QuantisationError& error) {
  out << "largest error " << error.largest << ", mean " << error.mean << ", of outputs up to "
      << error.largest_output;
  if (error.largest_output > 0) out << " (" << 100 * error.largest / error.largest_output << " %)";
  return out;
}

}  // namespace tempo
