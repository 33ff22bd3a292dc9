// SPDX-License-Identifier: Apache-2.0
// Cases that train a model with fit.
#include <regex>

#include <tempo/model.hpp>

#include "keras.hpp"

using namespace tempo;
using std::string;

namespace {

// Numbers, or "arange(32).reshape(16,2)".
Tensor data_from(const Json& json, DType dtype) {
  if (!json.is_string()) return tensor_from(json, dtype);
  const string text = json;
  static const std::regex arange_form(R"(arange\((\d+)\)\.reshape\((\d+), ?(\d+)\))");
  std::smatch found;
  if (!std::regex_match(text, found, arange_form))
    throw std::runtime_error("data is neither numbers nor arange(n).reshape(a,b): " + text);
  return reshape(arange(0, std::stod(found[1]), 1, dtype),
                 {std::stoll(found[2]), std::stoll(found[3])});
}

}  // namespace

void run_training_case(const Json& json) {
  for (const DType dtype : {float32, float64}) {
    const WithDType everywhere(dtype);
    const Json& optimizer = json.at("compile").at("optimizer");
    const Optimizer chosen = keras_optimizer(optimizer.at("class_name"), optimizer.at("config"));
    Sequential model;
    for (const Json& layer : json.at("model").at("layers")) model.add(keras_layer(layer));
    model.compile({.optimizer = chosen, .loss = json.at("compile").at("loss").get<string>()});
    const Json& fit = json.at("fit");
    const History history =
        model.fit(data_from(json.at("x"), dtype), data_from(json.at("y"), dtype),
                  {.batch_size = fit.value("batch_size", 32),
                   .epochs = fit.value("epochs", 1),
                   .shuffle = fit.value("shuffle", true),
                   .verbose = 0});
    const std::vector<double>& losses = history["loss"];
    const Tensor got = tensor(losses, {static_cast<int64_t>(losses.size())}, float64);
    if (dtype == float32)
      compare("loss", got, json.at("expected_history_loss"), Tolerance::of(json));
    else
      compare("loss", got, json.at("reference_float64"), {1e-6, 1e-6});
  }
}
