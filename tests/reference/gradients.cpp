// SPDX-License-Identifier: Apache-2.0
// Cases of keras_gradients.json: outputs, gradients and training runs in float64.
#include "keras.hpp"

using namespace tempo;
using std::string;

namespace {

void run_layer(const Json& json) {
  const Layer layer =
      keras_layer({{"class_name", json.at("layer")}, {"config", json.at("config")}});
  Tensors variables, results;
  CallOptions options;
  Tensor x;
  for (const auto& [name, value] : json.at("inputs").items()) {
    const Tensor input = parameter(tensor_from(value, float64), name);
    if (name == "x")
      x = input;
    else if (name.find("initial_state") != string::npos)
      options.initial_state.push_back(input);
    else
      throw std::runtime_error("unknown input `" + name + "`");
  }
  if (!entry(json, "mask").is_null()) options.mask = tensor_from(json["mask"], bool_);
  layer.build({x.shape()});
  set_weights(layer.weights(), json.at("weights"));

  results = layer.call({x}, options);
  if (entry(json.at("config"), "stateful") == true) results = layer.call({x}, options);
  std::size_t i = 0;
  for (const auto& [name, value] : json.at("outputs").items()) {
    if (i >= results.size()) throw Mismatch("there is no " + name + " in the results");
    compare_scaled(name, results[i++], value);
  }
  if (!json.contains("grads")) return;

  Tensor loss = scalar(0, float64);
  i = 0;
  for (const Json& cotangent : json.at("cotangents"))
    loss = loss + sum(results.at(i++) * tensor_from(cotangent, float64));
  compare_scaled("loss", loss, json.at("loss"));
  variables = layer.weights();
  variables.push_back(x);
  variables.insert(variables.end(), options.initial_state.begin(), options.initial_state.end());
  const Tensors gradients = gradient(loss, variables);
  i = 0;
  for (const auto& [name, value] : json.at("grads").items())
    compare_scaled("gradient of " + name, gradients.at(i++), value);
}

struct Stack {
  std::vector<Layer> layers;
  explicit Stack(const Json& calls) {
    for (const Json& call : calls) layers.push_back(keras_layer(call.get<string>()));
  }
  Tensor operator()(Tensor x) const {
    for (const Layer& layer : layers) x = layer(x, {.training = true});
    return x;
  }
  Tensors weights() const {
    Tensors out;
    for (const Layer& layer : layers)
      for (const Tensor& w : layer.weights()) out.push_back(w);
    return out;
  }
};

void run_model(const Json& json) {
  const Stack model(json.at("config"));
  const bool ids = json.contains("ids");
  const Tensor x = tensor_from(json.at(ids ? "ids" : "x"), ids ? int32 : float64);
  const Tensor y = tensor_from(json.at("y"), ids ? int32 : float64);
  model(x);  // builds it
  set_weights(model.weights(), json.at("weights"));

  const string definition = json.at("loss_definition");
  const Loss loss = keras_loss(definition.substr(0, definition.find('(')), nullptr);
  const Tensor predicted = model(x);
  for (const auto& [name, value] : json.at("outputs").items())
    compare_scaled(name, name == "per_step_loss" ? loss.values(y, predicted) : predicted, value);
  const Tensor total = loss(y, predicted);
  compare_scaled("loss", total, json.at("loss"));
  const Tensors gradients = gradient(total, model.weights());
  std::size_t i = 0;
  for (const auto& [name, value] : json.at("grads").items())
    compare_scaled("gradient of " + name, gradients.at(i++), value);
}

void run_training(const Json& json) {
  const Stack model(json.at("config"));
  const Tensor x = tensor_from(json.at("x"), float64), y = tensor_from(json.at("y"), float64);
  model(x);  // builds it
  set_weights(model.weights(), json.at("weights_initial"));
  Optimizer optimizer =
      keras_optimizer(json.at("optimizer").at("class_name"), json.at("optimizer").at("config"));

  const Json& history = json.at("loss_history_before_each_of_5_full_batch_updates_then_final");
  for (std::size_t i = 0; i < history.size(); ++i) {
    const Tensor loss = Loss("mse")(y, model(x));
    compare_scaled("loss before update " + std::to_string(i + 1), loss, history[i]);
    if (i + 1 < history.size()) optimizer.step(model.weights(), gradient(loss, model.weights()));
  }
  std::size_t i = 0;
  const Tensors weights = model.weights();
  for (const auto& [name, value] : json.at("weights_final").items())
    compare_scaled("final " + name, weights.at(i++), value);
}

}  // namespace

void run_gradient_case(const Json& json) {
  const WithDType everywhere(float64);
  if (json.at("layer") != "Sequential")
    run_layer(json);
  else if (json.contains("optimizer"))
    run_training(json);
  else
    run_model(json);
}
