// SPDX-License-Identifier: Apache-2.0
// Cases of layers: operations on one layer, in order, and what they give.
#include <map>

#include "keras.hpp"

using namespace tempo;
using std::string;

namespace {

using Results = std::map<string, Tensor>;

Tensor input_of(const Json& json, const string& layer, DType dtype) {
  const bool ids = layer == "Embedding" && entry(json, "dtype").is_string() &&
                   json.at("dtype").get<string>().starts_with("int");
  return tensor_from(json, ids ? int32 : dtype);
}

State states_from(const Json& json, DType dtype) {
  State out;
  if (json.is_null()) return out;
  if (json.is_object()) return {tensor_from(json, dtype)};
  for (const Json& state : json) out.push_back(tensor_from(state, dtype));
  return out;
}

Results call(const Layer& layer, const Json& step, const Json& json, DType dtype) {
  CallOptions options;
  if (!entry(step, "mask").is_null()) options.mask = tensor_from(step["mask"], bool_);
  options.initial_state = states_from(entry(step, "initial_state"), dtype);
  if (layer.is_cell()) options.initial_state = states_from(entry(step, "states"), dtype);
  if (layer.is_cell() && options.initial_state.empty())
    for (const Shape& s : state_shapes(layer, step.at("input").at("shape").at(0)))
      options.initial_state.push_back(zeros(s, dtype));
  if (entry(step, "training") == true) options.training = true;
  const Tensors out = layer.call({input_of(step.at("input"), json.at("layer"), dtype)}, options);

  Results results;
  const Json& merge = entry(json.at("config"), "merge_mode");
  const bool both = json.at("layer") == "Bidirectional" &&
                    json.at("config").contains("merge_mode") &&
                    (merge.is_null() || merge == "none");
  results[both ? "output_forward" : "output"] = out.at(0);
  if (both) results["output_backward"] = out.at(1);
  for (std::size_t i = both ? 2 : 1, k = 1; i < out.size(); ++i, ++k) {
    results["state_" + std::to_string(k)] = out[i];
    results["states[" + std::to_string(k - 1) + "]"] = out[i];
  }
  return results;
}

Results run_step(const Layer& layer, const Json& step, const Json& json, DType dtype) {
  const string op = step.at("op");
  if (op == "call") return call(layer, step, json, dtype);
  if (op == "reset_state" || op == "reset_states") {
    layer.reset_state();
    return {};
  }
  if (op == "compute_mask") {
    Results results = call(layer, step, json, dtype);
    const Tensor mask = mask_of(results.begin()->second);
    return mask ? Results{{"output", mask}} : Results{};
  }
  throw std::runtime_error("unknown operation `" + op + "`");
}

void check(const Json& expected, const std::vector<Results>& steps, DType dtype) {
  const Results& step = steps.at(expected.at("step"));
  const string name = expected.at("output");
  const auto result = [&](const string& key) {
    const auto found = step.find(key);
    if (found == step.end()) throw Mismatch("there is no " + key + " in the results");
    return found->second;
  };
  Tensor got = result(name);
  const string what = name + " of step " + expected.at("step").dump();
  if (const Json& other = entry(expected, "equals_output"); !other.is_null()) {
    const Tensor same = result(other);
    const Shape shape = same.shape();
    compare(
        what, got,
        {{"shape", std::vector<int64_t>(shape.begin(), shape.end())}, {"data", same.to_vector()}},
        Tolerance::of(expected));
    return;
  }
  for (const Json& index : entry(expected, "index")) got = take(got, index);
  if (const Json& reduce = entry(expected, "reduce"); !reduce.is_null()) {
    if (reduce != "sum") throw std::runtime_error("unknown reduction " + reduce.dump());
    got = sum(got);
  }
  if (dtype == float32)
    compare(what, got, expected.at("value"), Tolerance::of(expected));
  else if (expected.contains("reference_float64"))
    compare(what, got, expected.at("reference_float64"), {1e-6, 1e-6});
}

}  // namespace

void run_layer_case(const Json& json) {
  for (const DType dtype : {float32, float64}) {
    const WithDType everywhere(dtype);
    const Layer layer =
        keras_layer({{"class_name", json.at("layer")}, {"config", json.at("config")}});
    if (const Json& weights = entry(json, "weights"); !weights.is_null()) {
      const Json& first = json.at("steps").at(0).at("input");
      layer.build({Shape(first.at("shape").get<std::vector<int64_t>>())});
      set_weights(layer.weights(), weights);
    }
    std::vector<Results> steps;
    for (const Json& step : json.at("steps")) steps.push_back(run_step(layer, step, json, dtype));
    for (const Json& expected : json.at("expected")) check(expected, steps, dtype);
  }
}
