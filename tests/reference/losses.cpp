// SPDX-License-Identifier: Apache-2.0
// Cases of losses and metrics.
#include <tempo/metric.hpp>

#include "keras.hpp"

using namespace tempo;
using std::string;

namespace {

Tensor weights_from(const Json& json, DType dtype) {
  return json.is_null() ? Tensor{} : tensor_from(json, dtype);
}

Metric keras_metric(const string& class_name, const Json& config) {
  return Metric(call_text(class_name, config, {"name"}));
}

}  // namespace

void run_loss_case(const Json& json) {
  const string name = json.at("loss");
  for (const DType dtype : {float32, float64}) {
    const WithDType everywhere(dtype);
    const Loss loss = keras_loss(name, json.at("config"));
    const Tensor y_true =
        tensor_from(json.at("y_true"), name.starts_with("Sparse") ? int32 : dtype);
    const Tensor y_pred = tensor_from(json.at("y_pred"), dtype);
    const Tensor got = loss(y_true, y_pred, weights_from(entry(json, "sample_weight"), dtype));
    if (dtype == float32)
      compare("loss", got, json.at("expected"), Tolerance::of(json));
    else if (json.contains("reference_float64"))
      compare("loss", got, json.at("reference_float64"), {1e-6, 1e-6});
  }
}

void run_metric_case(const Json& json) {
  const string name = json.at("metric");
  for (const DType dtype : {float32, float64}) {
    const WithDType everywhere(dtype);
    Metric metric = keras_metric(name, json.at("config"));
    for (const Json& update : json.at("updates")) {
      const bool of_values = update.contains("values");  // Mean and Sum
      const Tensor y_true = tensor_from(update.at(of_values ? "values" : "y_true"),
                                        name.starts_with("Sparse") ? int32 : dtype);
      metric.update(y_true, of_values ? y_true : tensor_from(update.at("y_pred"), dtype),
                    weights_from(entry(update, "sample_weight"), dtype));
    }
    const Tensor got = scalar(metric.result(), float64);
    if (dtype == float32)
      compare("result", got, json.at("expected"), Tolerance::of(json));
    else if (json.contains("reference_float64"))
      compare("result", got, json.at("reference_float64"), {1e-6, 1e-6});
  }
}
