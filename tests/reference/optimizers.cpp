// SPDX-License-Identifier: Apache-2.0
// Cases of learning rates, and of optimizers: updates by given gradients, and the variables after
// them.
#include "keras.hpp"

using namespace tempo;
using std::string;

namespace {

// Optimizers with their variables, to which the events of a case happen.
class Script {
 public:
  Script(const Json& json, DType dtype) : dtype_(dtype) {
    for (const Json& variable : json.at("variables")) {
      const Json& name = entry(variable, "name");
      variables_.push_back(parameter(tensor_from(variable.at("initial"), dtype),
                                     name.is_string() ? name.get<string>() : "variable"));
    }
    for (const Json& o : json.at("optimizers")) {
      optimizers_.push_back(keras_optimizer(o.at("class"), o.at("config")));
      const Json& excluded = entry(o, "exclude_from_weight_decay");
      if (excluded.is_null()) continue;
      if (const Json& names = entry(excluded, "var_names"); !names.is_null())
        optimizers_.back().exclude_from_weight_decay(names.get<std::vector<string>>());
      if (const Json& indices = entry(excluded, "vars"); !indices.is_null())
        optimizers_.back().exclude_from_weight_decay(chosen(indices));
    }
  }

  void run(const Json& event) {
    const string op = event.at("op");
    if (op == "apply")
      optimizer(event).step(chosen(event.at("vars")), gradients(event));
    else if (op == "clip")
      clipped_ = optimizer(event).clipped(gradients(event));
    else if (op == "expect_var")
      expect(event, "variable " + event.at("var").dump(), variables_.at(event.at("var")));
    else if (op == "expect_clipped")
      expect(event, "clipped gradient", clipped_.at(event.at("grad")));
    else if (op == "expect_iterations") {
      if (optimizers_.at(0).iterations() != event.at("value").get<int64_t>())
        throw Mismatch("iterations is " + std::to_string(optimizers_.at(0).iterations()) +
                       ", expected " + event.at("value").dump());
    } else {
      throw Skipped(op + " is not there yet");
    }
  }

 private:
  Optimizer& optimizer(const Json& event) { return optimizers_.at(event.at("optimizer")); }
  Tensors chosen(const Json& indices) const {
    Tensors out;
    for (const Json& i : indices) out.push_back(variables_.at(i));
    return out;
  }
  Tensors gradients(const Json& event) const {
    Tensors out;
    for (const Json& g : event.at("grads")) out.push_back(tensor_from(g, dtype_));
    return out;
  }
  void expect(const Json& event, const string& what, const Tensor& got) const {
    compare(what, got, event.at("value"), Tolerance::of(event));
  }

  DType dtype_;
  Tensors variables_, clipped_;
  std::vector<Optimizer> optimizers_;
};

}  // namespace

void run_optimizer_case(const Json& json) {
  for (const DType dtype : {float32, float64}) {
    const WithDType everywhere(dtype);
    Script script(json, dtype);
    for (const Json& event : json.at("events")) script.run(event);
  }
}

void run_schedule_case(const Json& json) {
  const LearningRate rate = keras_schedule(json.at("schedule"), json.at("config"));
  compare("learning rate", scalar(rate(json.at("step").get<int64_t>()), float64),
          json.at("expected"), Tolerance::of(json));
}
